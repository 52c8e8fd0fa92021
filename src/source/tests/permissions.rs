use super::*;
use crate::source::judge_path;
use crate::source::permissions::writer;
use crate::sys::fs::{Kind as FileKind, Stat};
use std::os::unix::fs::symlink;

const FILE: Stat = Stat {
    kind: FileKind::Regular,
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: 0,
    links: 1,
    identity: (0, 0),
};

/// Judged for user 1000, who trusts 2000; group 50 is shared, any other is not.
fn judged(stat: Stat) -> Option<String> {
    writer(&stat, || 1000, &[2000], |group, _| group == 50, || false)
}

#[test]
fn owners_are_root_the_own_user_and_the_trusted() {
    for uid in [0, 1000, 2000] {
        assert_eq!(judged(Stat { uid, ..FILE }), None);
    }
    // Read-only for the owner too: an owner can change that.
    assert_eq!(judged(Stat { uid: 1001, mode: 0o400, ..FILE }), Some("user 1001".to_owned()));
}

#[test]
fn readable_by_others_is_nothing_and_writable_is() {
    assert_eq!(judged(Stat { mode: 0o755, ..FILE }), None);
    assert_eq!(judged(Stat { mode: 0o646, ..FILE }), Some("any user".to_owned()));
}

#[test]
fn group_write_counts_where_the_group_is_shared() {
    assert_eq!(judged(Stat { mode: 0o664, gid: 50, ..FILE }), Some("group 50".to_owned()));
    assert_eq!(judged(Stat { mode: 0o664, gid: 51, ..FILE }), None);
    assert_eq!(judged(Stat { mode: 0o644, gid: 50, ..FILE }), None);
}

#[test]
fn accounts_are_asked_only_about_group_write() {
    let asked = |mode| {
        let mut asked = false;
        let shared = |_, _| {
            asked = true;
            true
        };
        writer(&Stat { mode, ..FILE }, || 1000, &[], shared, || false);
        asked
    };
    assert!(asked(0o664));
    assert!(!asked(0o644));
}

#[test]
fn a_sticky_directory_is_judged_by_its_owner_alone() {
    let sticky = Stat { kind: FileKind::Directory, mode: 0o1777, ..FILE };
    assert_eq!(judged(sticky), None);
    assert_eq!(judged(Stat { uid: 1001, ..sticky }), Some("user 1001".to_owned()));
    assert_eq!(judged(Stat { kind: FileKind::Regular, ..sticky }), Some("any user".to_owned()));
}

#[test]
fn an_owner_that_may_stand_for_any_is_said_to() {
    let unmapped = Stat { mode: 0o644, uid: 65534, ..FILE };
    let who = writer(&unmapped, || 1000, &[], |_, _| false, || false);
    let who = who.expect("it is another user's");
    assert_eq!(who, "user 65534, or one whom this user namespace does not map");
}

#[test]
fn on_a_read_only_mount_nobody_writes() {
    let bad = Stat { mode: 0o666, uid: 1001, ..FILE };
    assert_eq!(writer(&bad, || 1000, &[], |_, _| true, || true), None);
    assert!(writer(&bad, || 1000, &[], |_, _| true, || false).is_some());
    let dir = TempDir::new();
    assert!(!crate::sys::fs::on_read_only_mount(dir.path()));
    // Each mount that is read-only says so, where this machine has one that can be reached.
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    for fields in mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>()) {
        let (point, options) = (Path::new(fields[4]), fields[5]);
        if options.split(',').any(|option| option == "ro") && point.is_dir() {
            assert!(crate::sys::fs::on_read_only_mount(point), "{point:?}");
        }
    }
}

#[test]
fn a_writable_file_is_said_of_its_row_and_a_writable_directory_once() {
    let dir = TempDir::new();
    chmod(&dir.write("jwt-secret", "a"), 0o666);
    dir.write("database-url", "b");
    chmod(dir.path(), 0o777);
    let taken = take(&[], &[dir.path()], &[]);
    let found = writable(&taken, dir.path());
    assert_eq!(found, [(PathBuf::from("jwt-secret"), false), (PathBuf::new(), true)]);
    let rows: Vec<_> =
        observed(&taken, Code::InsecurePermissions).iter().filter_map(|seen| seen.row).collect();
    assert_eq!(rows, [RowId(0)]);
    assert_eq!(said(&taken, JWT_SECRET).len(), 1, "it is a candidate all the same");
}

#[test]
fn a_sound_directory_has_no_finding() {
    let dir = TempDir::new();
    dir.write("jwt-secret", "a");
    assert_eq!(writable(&take(&[], &[dir.path()], &[]), dir.path()), []);
}

#[test]
fn every_directory_on_the_way_is_judged() {
    let dir = TempDir::new();
    let file = dir.write("open/closed/secret", "a");
    chmod(&dir.path().join("open"), 0o777);
    let environ = [format!("JWT_SECRET_FILE={}", file.display())];
    let found = writable(&take(&environ, &[], &[]), dir.path());
    assert_eq!(found, [(PathBuf::from("open"), true)]);
    chmod(&dir.path().join("open"), 0o1777);
    assert_eq!(writable(&take(&environ, &[], &[]), dir.path()), [], "sticky");
}

#[test]
fn the_way_through_a_link_is_judged_at_both_ends() {
    let dir = TempDir::new();
    dir.write("there/file", "a");
    chmod(&dir.path().join("there"), 0o777);
    fs::create_dir(dir.path().join("here")).unwrap();
    symlink("../there/file", dir.path().join("here/link")).unwrap();
    let facts = judge_path(&dir.path().join("here/link"), None, &[]);
    let there = dir.path().join("there");
    let found = facts
        .iter()
        .any(|fact| matches!(fact, Fact::Writable { path, directory: true, .. } if *path == there));
    assert!(found, "{facts:?}");
    let loops = dir.path().join("loop");
    symlink("loop", &loops).unwrap();
    judge_path(&loops, None, &[]);
}

#[test]
fn of_a_volume_the_generation_is_judged_and_not_the_root() {
    let dir = TempDir::new();
    dir.write("..2026/jwt-secret", "a");
    symlink("..2026", dir.path().join("..data")).unwrap();
    symlink("..data/jwt-secret", dir.path().join("jwt-secret")).unwrap();
    for mode in [0o1777, 0o777] {
        chmod(dir.path(), mode);
        assert_eq!(writable(&take(&[], &[dir.path()], &[]), dir.path()), [], "{mode:o}");
    }
    let environ = [format!("JWT_SECRET_FILE={}/jwt-secret", dir.path().display())];
    assert_eq!(writable(&take(&environ, &[], &[]), dir.path()), [], "by reference");
    chmod(&dir.path().join("..2026"), 0o777);
    let found = writable(&take(&[], &[dir.path()], &[]), dir.path());
    assert_eq!(found, [(PathBuf::from("..2026"), true)]);
}

#[test]
fn env_files_are_judged_too() {
    let dir = TempDir::new();
    let file = dir.write("app.env", "A=1\n");
    assert_eq!(writable(&take(&[], &[], &[&file]), dir.path()), []);
    chmod(&file, 0o666);
    assert_eq!(
        writable(&take(&[], &[], &[&file]), dir.path()),
        [(PathBuf::from("app.env"), false)]
    );
}

#[test]
fn a_link_of_another_in_a_sticky_directory_is_said() {
    let dir = TempDir::new();
    dir.write("secret", "a");
    chmod(dir.path(), 0o1777);
    let link = dir.path().join("link");
    symlink("secret", &link).unwrap();
    // Only root can give a link away.
    if std::os::unix::fs::lchown(&link, Some(12_345), None).is_ok() {
        let facts = judge_path(&link, None, &[]);
        assert!(
            facts.iter().any(|fact| matches!(fact, Fact::Writable { path, .. } if *path == link)),
            "{facts:?}"
        );
        let facts = judge_path(&link, None, &[12_345]);
        assert!(facts.iter().all(|fact| !format!("{fact:?}").contains("12345")), "{facts:?}");
    }
}
