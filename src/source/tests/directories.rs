use super::*;
use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

fn names(path: &Path, of: &[&str]) -> Vec<String> {
    of.iter().map(|name| format!("secrets-dir {}/{name}", path.display())).collect()
}

/// Writes a generation and turns `..data` to it, as the kubelet's atomic writer does.
fn swap(root: &Path, number: usize) {
    let generation = root.join(format!("..2026_{number}"));
    fs::create_dir(&generation).unwrap();
    chmod(&generation, 0o755);
    for key in ["jwt-secret", "database-url"] {
        fs::write(generation.join(key), format!("value {number}")).unwrap();
    }
    let temporary = root.join("..data_tmp");
    symlink(generation.file_name().unwrap(), &temporary).unwrap();
    fs::rename(&temporary, root.join("..data")).unwrap();
    for key in ["jwt-secret", "database-url"] {
        let _ = symlink(Path::new("..data").join(key), root.join(key));
    }
    if number > 0 {
        let _ = fs::remove_dir_all(root.join(format!("..2026_{}", number - 1)));
    }
}

#[test]
fn every_spelling_is_a_candidate_in_the_order_of_the_contract() {
    let dir = TempDir::new();
    for name in ["jwt-secret", "JWT_SECRET", "nexis_jwt_secret", ".jwt_secret", "other"] {
        dir.write(name, name);
    }
    let taken = take(&[], &[dir.path()], &[]);
    let mut expected = names(dir.path(), &["JWT_SECRET", "jwt-secret", "nexis_jwt_secret"]);
    for text in &mut expected {
        *text = format!("{text}={}", text.rsplit('/').next().unwrap());
    }
    assert_eq!(said(&taken, JWT_SECRET), expected);
    assert!(taken.observations.iter().all(|seen| seen.code == Code::InsecurePermissions));
}

#[test]
fn directories_come_in_their_order_and_after_the_environment() {
    let (one, two) = (TempDir::new(), TempDir::new());
    one.write("jwt-secret", "1");
    two.write("JWT_SECRET", "2");
    let credentials = TempDir::new();
    credentials.write("jwt_secret", "c");
    let environ = [
        "JWT_SECRET=e".to_owned(),
        format!("CREDENTIALS_DIRECTORY={}", credentials.path().display()),
    ];
    let taken = take(&environ, &[one.path(), two.path()], &[]);
    let kinds: Vec<_> =
        said(&taken, JWT_SECRET).iter().map(|text| text[text.len() - 1..].to_owned()).collect();
    assert_eq!(kinds, ["e", "c", "1", "2"]);
    assert!(said(&taken, JWT_SECRET)[1].starts_with("credential "));
}

#[test]
fn a_nested_name_is_read_below_a_listed_directory() {
    let dir = TempDir::new();
    dir.write("postgres/uri", "nested");
    let taken = take(&[], &[dir.path()], &[]);
    assert_eq!(
        said(&taken, DATABASE_URL),
        [format!("secrets-dir {}/postgres/uri=nested", dir.path().display())]
    );
    fs::remove_file(dir.path().join("postgres/uri")).unwrap();
    assert!(said(&take(&[], &[dir.path()], &[]), DATABASE_URL).is_empty());
}

#[test]
fn a_named_directory_that_is_missing_is_an_error_and_a_default_one_is_not() {
    let dir = TempDir::new();
    let missing = dir.path().join("none");
    let taken = take(&[], &[&missing], &[]);
    let seen = observed(&taken, Code::FileMissing);
    assert!(matches!(
        &seen[..],
        [Observation { fact: Fact::Named { option: "--secrets-dir", path, .. }, .. }]
            if *path == missing
    ));
    let credentials = [format!("CREDENTIALS_DIRECTORY={}", missing.display())];
    assert!(take(&credentials, &[], &[]).observations.is_empty());
}

#[test]
fn a_volume_whose_link_leads_nowhere_is_said_to_be_that() {
    let dir = TempDir::new();
    symlink("gone", dir.path().join("..data")).unwrap();
    symlink("..data/jwt_secret", dir.path().join("jwt_secret")).unwrap();
    let taken = take(&[], &[dir.path()], &[]);
    let seen = observed(&taken, Code::FileMissing);
    assert!(matches!(
        &seen[..],
        [Observation { fact: Fact::Named { errno: "ENOLINK (its ..data leads nowhere)", .. }, .. }]
    ));
    assert!(said(&taken, JWT_SECRET).is_empty());
}

#[test]
fn what_is_no_file_in_a_directory_is_refused_unopened() {
    let dir = TempDir::new();
    dir.fifo("jwt_secret");
    fs::create_dir(dir.path().join("database_url")).unwrap();
    symlink("/dev/zero", dir.path().join("nexis_redis_port")).unwrap();
    let taken = take(&[], &[dir.path()], &[]);
    for (row, expected) in
        [(JWT_SECRET, "a pipe"), (DATABASE_URL, "a directory"), (REDIS_PORT, "a device")]
    {
        assert!(
            matches!(
                taken.candidates[row][0].content,
                Err((Code::SourceRefused, Fact::NotRegular { what, .. })) if what == expected
            ),
            "{expected}"
        );
    }
}

#[test]
fn a_link_is_followed_and_a_dangling_one_is_said() {
    let dir = TempDir::new();
    let target = dir.write("target", "linked");
    symlink(&target, dir.path().join("jwt_secret")).unwrap();
    symlink("nowhere", dir.path().join("database_url")).unwrap();
    let taken = take(&[], &[dir.path()], &[]);
    assert!(said(&taken, JWT_SECRET)[0].ends_with("jwt_secret=linked"));
    assert!(said(&taken, DATABASE_URL)[0].ends_with("database_url!source-unreadable"));
}

#[test]
fn the_way_through_a_link_out_of_a_directory_is_judged() {
    let dir = TempDir::new();
    let target = dir.write("elsewhere/target", "linked");
    chmod(&dir.path().join("elsewhere"), 0o777);
    fs::create_dir(dir.path().join("secrets")).unwrap();
    symlink(&target, dir.path().join("secrets/jwt_secret")).unwrap();
    let taken = take(&[], &[&dir.path().join("secrets")], &[]);
    assert_eq!(writable(&taken, dir.path()), [(PathBuf::from("elsewhere"), true)]);
}

#[test]
fn a_volume_is_read_by_way_of_its_generation() {
    let dir = TempDir::new();
    swap(dir.path(), 0);
    // A file beside the generation belongs to no generation.
    dir.write("nexis_redis_port", "stray");
    let taken = take(&[], &[dir.path()], &[]);
    let path = dir.path().join("jwt-secret");
    assert_eq!(said(&taken, JWT_SECRET), [format!("secrets-dir {}=value 0", path.display())]);
    assert_eq!(taken.candidates[JWT_SECRET][0].path, Some(path));
    assert!(said(&taken, REDIS_PORT).is_empty());
}

#[test]
fn a_dangling_key_of_a_quiet_volume_is_said() {
    let dir = TempDir::new();
    swap(dir.path(), 0);
    fs::remove_file(dir.path().join("..data/jwt-secret")).unwrap();
    symlink("nowhere", dir.path().join("..data/jwt-secret")).unwrap();
    let taken = take(&[], &[dir.path()], &[]);
    assert!(said(&taken, JWT_SECRET)[0].ends_with("!source-unreadable"));
}

#[test]
fn a_volume_without_its_generation_is_an_error() {
    let dir = TempDir::new();
    symlink("..gone", dir.path().join("..data")).unwrap();
    let taken = take(&[], &[dir.path()], &[]);
    assert!(!observed(&taken, Code::FileMissing).is_empty());
}

/// So many that a reading which could mix two does so.
const GENERATIONS: usize = 400;

/// Takes snapshots of a volume that is replaced all the while, until that many generations were seen.
#[track_caller]
fn under_swaps(dir: &TempDir, mut both: impl FnMut() -> [String; 2]) {
    swap(dir.path(), 0);
    let stop = Arc::new(AtomicBool::new(false));
    let swapper = {
        let (stop, root) = (stop.clone(), dir.path().to_owned());
        std::thread::spawn(move || {
            let mut number = 0;
            while !stop.load(Ordering::Relaxed) && number < 20_000 {
                number += 1;
                swap(&root, number);
                std::thread::sleep(Duration::from_micros(200));
            }
        })
    };
    let mut seen: Vec<String> = Vec::new();
    for _ in 0..400_000 {
        let [one, other] = both();
        assert_eq!(one, other);
        assert!(one.starts_with("value "), "{one}");
        if seen.last() != Some(&one) {
            seen.push(one);
        }
        if seen.len() > GENERATIONS {
            break;
        }
        std::thread::yield_now();
    }
    stop.store(true, Ordering::Relaxed);
    swapper.join().unwrap();
    assert!(seen.len() > GENERATIONS, "the volume was swapped while it was read");
}

fn values(taken: &Snapshot) -> [String; 2] {
    [JWT_SECRET, DATABASE_URL].map(|row| {
        let text = said(taken, row).concat();
        text.rsplit('=').next().unwrap().to_owned()
    })
}

#[test]
fn generations_are_never_mixed_under_swaps() {
    let dir = TempDir::new();
    under_swaps(&dir, || values(&take(&[], &[dir.path()], &[])));
}

#[test]
fn generations_are_never_mixed_by_references() {
    let dir = TempDir::out_of_reach();
    let root = dir.path().display();
    let environ = [
        format!("JWT_SECRET_FILE={root}/jwt-secret"),
        format!("DATABASE_URL_FILE={root}/..data/database-url"),
    ];
    under_swaps(&dir, || values(&take(&environ, &[], &[])));
}

#[test]
fn a_reference_beside_a_generation_is_read_by_its_path() {
    let dir = TempDir::new();
    swap(dir.path(), 0);
    let path = dir.write("stray", "beside");
    let environ = [format!("JWT_SECRET_FILE={}", path.display())];
    let taken = take(&environ, &[], &[]);
    assert_eq!(said(&taken, JWT_SECRET), [format!("file {}=beside", path.display())]);
    assert_eq!(taken.candidates[JWT_SECRET][0].path, Some(path));
}

#[test]
fn many_files_are_listed_whole() {
    let dir = TempDir::new();
    for number in 0..2_000 {
        fs::write(dir.path().join(format!("some-other-secret-{number:05}")), "").unwrap();
    }
    dir.write("jwt-secret", "found");
    let taken = take(&[], &[dir.path()], &[]);
    assert!(said(&taken, JWT_SECRET)[0].ends_with("jwt-secret=found"));
}
