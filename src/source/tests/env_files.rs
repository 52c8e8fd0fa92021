use super::*;
use crate::source::dotenv;

#[test]
fn later_lines_and_files_win() {
    let dir = TempDir::new();
    let one = dir.write("one.env", "JWT_SECRET=a\nJWT_SECRET=b\nOTHER=1\nTHIRD=3\n");
    let two = dir.write("two.env", "NEXIS_JWT_SECRET=c\nOTHER=2\n");
    let taken = take(&["JWT_SECRET=e".to_owned()], &[], &[&one, &two]);
    let (first, second) = (one.display(), two.display());
    assert_eq!(
        said(&taken, JWT_SECRET),
        [
            "env JWT_SECRET=e".to_owned(),
            format!("env-file {second}:1=c"),
            format!("env-file {first}:2=b"),
            format!("env-file {first}:1=a"),
        ]
    );
    let extras: Vec<_> = taken
        .extras
        .iter()
        .map(|extra| (extra.name.as_str(), extra.value.expose(), extra.source.name.to_string()))
        .collect();
    assert_eq!(
        extras,
        [("THIRD", &b"3"[..], format!("{first}:4")), ("OTHER", &b"2"[..], format!("{second}:2"))]
    );
}

#[test]
fn a_reference_is_relative_to_its_file() {
    let dir = TempDir::new();
    dir.write("deploy/secret", "from file");
    let file = dir.write("deploy/app.env", "\nJWT_SECRET_FILE=secret\nDATABASE_URL_FILE=\n");
    let taken = take(&[], &[], &[&file]);
    assert_eq!(said(&taken, JWT_SECRET), [format!("env-file {}:2=from file", file.display())]);
    assert_eq!(taken.candidates[JWT_SECRET][0].path, Some(dir.path().join("deploy/secret")));
    assert_eq!(said(&taken, DATABASE_URL), [format!("env-file {}:3=", file.display())]);
}

#[test]
fn a_setting_and_a_bad_line_are_errors_with_their_lines_and_without_their_text() {
    let dir = TempDir::new();
    let file = dir.write("app.env", "A=1\nNEXIS_LAUNCH_MODE=dev\ncanary secret\nB=2\n");
    let taken = take(&[], &[], &[&file]);
    let lines: Vec<_> = observed(&taken, Code::EnvFileInvalid)
        .iter()
        .map(|seen| match seen.fact {
            Fact::Line { line, .. } => line,
            _ => 0,
        })
        .collect();
    assert_eq!(lines, [2, 3]);
    assert!(!format!("{:?}", taken.observations).contains("canary"));
    assert_eq!(taken.extras.len(), 2, "NEXIS_LAUNCH_MODE is not passed on");
}

#[test]
fn a_missing_or_refused_env_file_is_an_error() {
    let dir = TempDir::new();
    let fifo = dir.fifo("fifo");
    for path in [dir.path().join("none"), dir.path().to_owned(), fifo, PathBuf::from("/dev/zero")] {
        let taken = take(&[], &[], &[&path]);
        assert!(
            matches!(
                observed(&taken, Code::FileMissing)[..],
                [Observation { fact: Fact::Named { option: "--env-file", .. }, .. }]
            ),
            "{path:?}"
        );
    }
    let large = dir.write("large.env", vec![b'#'; (1 << 20) + 1]);
    assert_eq!(observed(&take(&[], &[], &[&large]), Code::EnvFileInvalid).len(), 1);
}

#[test]
fn dotenv_is_found_up_to_the_first_repository() {
    let dir = TempDir::new();
    let outer = dir.write(".env", "");
    let deep = dir.path().join("project/src/deep");
    fs::create_dir_all(&deep).unwrap();
    let nowhere = Some(Path::new("/nonexistent"));
    assert_eq!(dotenv::find(&deep, nowhere), Some(outer));
    fs::create_dir(dir.path().join("project/.git")).unwrap();
    assert_eq!(dotenv::find(&deep, nowhere), None, "not above the repository");
    let inner = dir.write("project/.env", "");
    assert_eq!(dotenv::find(&deep, nowhere), Some(inner), "but in its root");
}

#[test]
fn dotenv_is_not_looked_for_above_the_home_directory() {
    let dir = TempDir::new();
    dir.write(".env", "");
    let deep = dir.path().join("home/project");
    fs::create_dir_all(&deep).unwrap();
    let home = dir.path().join("home");
    assert_eq!(dotenv::find(&deep, Some(&home)), None);
    let at_home = dir.write("home/.env", "");
    assert_eq!(dotenv::find(&deep, Some(&home)), Some(at_home));
}

#[test]
fn dotenv_is_not_taken_from_another_owner() {
    let dir = TempDir::new();
    let found = dir.write(".env", "");
    let deep = dir.path().join("project");
    fs::create_dir(&deep).unwrap();
    let nowhere = Some(Path::new("/nonexistent"));
    assert_eq!(dotenv::find(&deep, nowhere), Some(found));
    // Only root can give a directory away; elsewhere / is another's.
    if std::os::unix::fs::chown(dir.path(), Some(12_345), None).is_ok() {
        assert_eq!(dotenv::find(&deep, nowhere), None);
    } else {
        assert_eq!(dotenv::find(Path::new("/"), nowhere), None);
    }
}

#[test]
fn a_directory_named_dotenv_is_passed_over() {
    let dir = TempDir::new();
    let outer = dir.write(".env", "");
    fs::create_dir_all(dir.path().join("project/.env")).unwrap();
    let found = dotenv::find(&dir.path().join("project"), Some(Path::new("/nonexistent")));
    assert_eq!(found, Some(outer));
}
