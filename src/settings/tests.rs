//! Tests of the settings.

use super::*;

fn merge(options: Options, variables: &[(&str, &str)]) -> Result<Settings, Vec<String>> {
    let pairs = variables.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    Settings::merge(options, false, pairs)
        .map_err(|problems| problems.0.into_iter().map(|e| format!("{e} {:?}", e.hint)).collect())
}

#[test]
fn an_option_wins_over_its_variable() {
    let options =
        Options { mode: Some("staging".into()), env_file: vec!["a".into()], ..Options::default() };
    let settings =
        merge(options, &[("NEXIS_LAUNCH_MODE", "production"), ("NEXIS_LAUNCH_ENV_FILE", "b:c")])
            .unwrap();
    assert_eq!(settings.mode, Some(("staging".into(), ModeOrigin::CommandLine)));
    assert_eq!(settings.env_files, [PathBuf::from("a")]);
}

#[test]
fn lists_are_split_and_blank_settings_are_none() {
    let settings = merge(
        Options::default(),
        &[
            ("NEXIS_LAUNCH_SECRETS_DIR", "/a:/b"),
            ("NEXIS_LAUNCH_LABELS", "commit=d41773f, pod=gateway-7c9"),
            ("NEXIS_LAUNCH_MODE", " "),
        ],
    )
    .unwrap();
    assert_eq!(settings.secrets_dirs, Some(vec!["/a".into(), "/b".into()]));
    let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(settings.labels, [label("commit", "d41773f"), label("pod", "gateway-7c9")]);
    assert_eq!(settings.mode, None);
}

#[test]
fn all_that_is_wrong_is_said_at_once_with_the_nearest_name_and_no_value() {
    let problems = merge(
        Options::default(),
        &[
            ("NEXIS_LAUNCH_MODES", "canary"),
            ("NEXIS_LAUNCH_INHERIT", "canary"),
            ("NEXIS_LAUNCH_MANIFEST_TO", "fd:canary"),
            ("NEXIS_LAUNCH_mode", "canary"),
        ],
    )
    .unwrap_err();
    assert_eq!(problems.len(), 4, "{problems:?}");
    assert!(problems[0].contains("did you mean NEXIS_LAUNCH_MODE?"), "{problems:?}");
    assert!(problems.iter().all(|problem| !problem.contains("canary")), "{problems:?}");
}

#[test]
fn the_list_of_names_is_the_struct() {
    for name in NAMES {
        let variables = read(
            [(format!("{PREFIX}{name}").as_bytes(), &b"canary"[..])].into_iter(),
            &mut Vec::new(),
        );
        assert!(format!("{variables:?}").contains("canary"), "{name} is taken");
    }
}

/// Two entries of one name in an environment are rare and possible (execve(2) takes any array).
#[test]
fn a_setting_that_is_set_twice_is_refused_by_its_name_and_not_as_a_fault() {
    let twice = [("NEXIS_LAUNCH_MODE", "canary-one"), ("NEXIS_LAUNCH_MODE", "canary-two")];
    let problems = merge(Options::default(), &twice).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("NEXIS_LAUNCH_MODE: it is set more than once"), "{problems:?}");
    assert!(!problems[0].contains("canary"), "{problems:?}");
    // A blank one is none.
    let blank = [("NEXIS_LAUNCH_MODE", ""), ("NEXIS_LAUNCH_MODE", "staging")];
    assert!(merge(Options::default(), &blank).is_ok());
}
