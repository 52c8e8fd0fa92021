//! What reaches the program: exactly what interface section 4 lists.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

/// A sound production launch and what the program finds.
fn seen(launch: Launch) -> Seen {
    launch.run().status(0).seen()
}

#[test]
fn a_value_under_an_alias_arrives_under_the_runtime_name_alone() {
    let seen =
        seen(Launch::sound("production").without("JWT_SECRET").env("NEXIS_JWT_SECRET", SECRET));
    assert_eq!(seen.text("JWT_SECRET").unwrap(), SECRET);
    assert_eq!(seen.var("NEXIS_JWT_SECRET"), None);
}

#[test]
fn settings_references_parts_and_blank_values_are_taken_out() {
    let outcome = Launch::sound("production")
        .without("JWT_SECRET")
        .file("jwt", SECRET)
        .env("NEXIS_JWT_SECRET_FILE", "{root}/jwt")
        .env("NEXIS_LAUNCH_MODE", "production")
        .env("NEXIS_LAUNCH_LABELS", "commit=1")
        .env("NEXIS_DATABASE_HOST", "127.0.0.1")
        .env("NEXIS_DATABASE_NAME", "nexis")
        .env("NEXIS_DATABASE_USER", "app")
        .env("NEXIS_DATABASE_PASSWORD", OTHER)
        .env("OPENAI_API_KEY", "")
        .env("NEXIS_REDIS_URL", "  ")
        .env("HOME", "/home/app")
        .run();
    let seen = outcome.status(0).seen();
    for name in [
        "NEXIS_JWT_SECRET_FILE",
        "NEXIS_JWT_SECRET",
        "JWT_SECRET_FILE",
        "NEXIS_LAUNCH_MODE",
        "NEXIS_LAUNCH_LABELS",
        "NEXIS_DATABASE_HOST",
        "NEXIS_DATABASE_NAME",
        "NEXIS_DATABASE_USER",
        "NEXIS_DATABASE_PASSWORD",
        "OPENAI_API_KEY",
        "NEXIS_REDIS_URL",
        "REDIS_URL",
    ] {
        assert_eq!(seen.var(name), None, "{name}");
    }
    assert_eq!(seen.text("JWT_SECRET").unwrap(), SECRET);
    assert_eq!(seen.text("HOME").unwrap(), "/home/app");
    assert!(seen.text("DATABASE_URL").unwrap().contains("app:"));
    let removed = &outcome.manifest()["removed"];
    let removed: Vec<_> =
        removed.as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    for name in ["NEXIS_JWT_SECRET_FILE", "NEXIS_LAUNCH_MODE", "NEXIS_DATABASE_PASSWORD"] {
        assert!(removed.contains(&name), "{name} in {removed:?}");
    }
    assert!(!removed.contains(&"HOME"), "{removed:?}");
}

#[test]
fn inherit_all_passes_every_other_variable() {
    let seen = seen(
        Launch::sound("production")
            .env("PATH", "/bin")
            .env("UNRELATED", "1")
            .env("lower_case", "2")
            .env("WITH.DOT-AND-DASH", "3")
            .env("EMPTY", ""),
    );
    for (name, value) in [
        ("PATH", "/bin"),
        ("UNRELATED", "1"),
        ("lower_case", "2"),
        ("WITH.DOT-AND-DASH", "3"),
        ("EMPTY", ""),
    ] {
        assert_eq!(seen.text(name).as_deref(), Some(value), "{name}");
    }
}

const BASE: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "HOSTNAME",
    "LANG",
    "LC_ALL",
    "LC_TIME",
    "TZ",
    "TERM",
    "COLORTERM",
    "NO_COLOR",
    "TMPDIR",
    "RUST_BACKTRACE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "NO_PROXY",
    "no_proxy",
    "ALL_PROXY",
    "all_proxy",
    "OTEL_SERVICE_NAME",
    "TOKIO_WORKER_THREADS",
    "NOTIFY_SOCKET",
    "LISTEN_PID",
    "LISTEN_FDNAMES",
    "WATCHDOG_USEC",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "STATE_DIRECTORY",
    "CACHE_DIRECTORY",
    "LOGS_DIRECTORY",
    "RUNTIME_DIRECTORY",
    "CONFIGURATION_DIRECTORY",
    "KUBERNETES_SERVICE_HOST",
    "KUBERNETES_SERVICE_PORT",
];

#[test]
fn inherit_contract_keeps_the_base_set_and_nothing_else() {
    let mut launch = Launch::sound("production").options(["--inherit", "contract"]);
    for name in BASE {
        launch = launch.env(name, "kept");
    }
    let others =
        ["UNRELATED", "LD_PRELOAD", "AWS_REGION", "PATHS", "HOMEPAGE", "LCX", "lang", "PWD"];
    for name in others {
        launch = launch.env(name, "dropped");
    }
    let seen = seen(launch);
    for name in BASE {
        assert_eq!(seen.text(name).as_deref(), Some("kept"), "{name}");
    }
    for name in others {
        assert_eq!(seen.var(name), None, "{name}");
    }
    assert_eq!(seen.text("JWT_SECRET").unwrap(), SECRET);
}

#[test]
fn passthrough_adds_names_and_patterns() {
    let seen = seen(
        Launch::sound("production")
            .options(["--inherit", "contract", "--passthrough", "AWS_*", "--passthrough", "EXACT"])
            .env("AWS_REGION", "eu")
            .env("AWS_", "x")
            .env("EXACT", "1")
            .env("EXACTLY", "2")
            .env("MY_AWS_REGION", "3"),
    );
    assert_eq!(seen.text("AWS_REGION").as_deref(), Some("eu"));
    assert_eq!(seen.text("EXACT").as_deref(), Some("1"));
    assert_eq!(seen.var("EXACTLY"), None);
    assert_eq!(seen.var("MY_AWS_REGION"), None);
}

#[test]
fn passthrough_by_setting_is_a_comma_list() {
    let seen = seen(
        Launch::sound("production")
            .env("NEXIS_LAUNCH_INHERIT", "contract")
            .env("NEXIS_LAUNCH_PASSTHROUGH", "ONE,TWO_*")
            .env("ONE", "1")
            .env("TWO_A", "2")
            .env("THREE", "3"),
    );
    assert_eq!(seen.text("ONE").as_deref(), Some("1"));
    assert_eq!(seen.text("TWO_A").as_deref(), Some("2"));
    assert_eq!(seen.var("THREE"), None);
}

#[test]
fn passthrough_by_options_takes_the_place_of_the_settings() {
    let seen = seen(
        Launch::sound("production")
            .env("NEXIS_LAUNCH_PASSTHROUGH", "ONE,TWO_*")
            .options(["--inherit", "contract", "--passthrough", "THREE"])
            .env("ONE", "1")
            .env("TWO_A", "2")
            .env("THREE", "3"),
    );
    assert_eq!(seen.text("THREE").as_deref(), Some("3"));
    assert_eq!((seen.var("ONE"), seen.var("TWO_A")), (None, None));
}

#[test]
fn passthrough_never_brings_back_what_the_launcher_consumed() {
    let seen = seen(
        Launch::sound("production")
            .without("JWT_SECRET")
            .env("NEXIS_JWT_SECRET", SECRET)
            .env("NEXIS_LAUNCH_MODE", "production")
            .options(["--inherit", "contract", "--passthrough", "*"]),
    );
    assert_eq!(seen.var("NEXIS_JWT_SECRET"), None);
    assert_eq!(seen.var("NEXIS_LAUNCH_MODE"), None);
}

#[test]
fn bytes_of_inherited_values_are_untouched() {
    let every: Vec<u8> = (1..=255).collect();
    let seen = seen(
        Launch::sound("production")
            .env("EVERY_BYTE", &every)
            .raw_env(b"\xff\xfeNAME=value")
            .env("NEWLINE", "a\nb\n")
            .env("EQUALS", "=a=b="),
    );
    assert_eq!(seen.var("EVERY_BYTE").unwrap(), every);
    assert!(seen.environment.contains(&b"\xff\xfeNAME=value".to_vec()));
    assert_eq!(seen.text("NEWLINE").unwrap(), "a\nb\n");
    assert_eq!(seen.text("EQUALS").unwrap(), "=a=b=");
}

#[test]
fn a_value_of_the_contract_arrives_byte_for_byte() {
    let odd = r#"p"a'ss $HOME `x` \n %41 # kZ3vQ9xLw7TnB2yHc5RfJ8mUe1Pa é"#;
    let seen = seen(Launch::sound("production").env("JWT_SECRET", odd));
    assert_eq!(seen.text("JWT_SECRET").unwrap(), odd);
}

#[test]
fn a_name_that_occurs_twice_reaches_the_program_once() {
    let outcome = Launch::sound("production").raw_env("TWICE=first").raw_env("TWICE=second").run();
    let seen = outcome.status(0).seen();
    assert_eq!(seen.text("TWICE").unwrap(), "first");
    outcome.warning("malformed-environment", "");
}

#[test]
fn a_secret_that_occurs_twice_reaches_the_program_once() {
    let outcome = Launch::sound("production")
        .raw_env(format!("JWT_SECRET={OTHER}"))
        .canary(SECRET)
        .canary(OTHER)
        .run();
    outcome.no_canary();
    // Never both, never a guess in silence.
    outcome.status(78).error("conflict", "JWT_SECRET").program_did_not_run();
    // Where its being there twice is put up with, it is the first alone that the program gets.
    let outcome = Launch::sound("production")
        .options(["--enforce", "report"])
        .raw_env(format!("JWT_SECRET={OTHER}"))
        .canary(SECRET)
        .canary(OTHER)
        .run();
    let seen = outcome.status(0).no_canary().seen();
    let all: Vec<_> =
        seen.environment.iter().filter(|entry| entry.starts_with(b"JWT_SECRET=")).collect();
    assert_eq!(all, [format!("JWT_SECRET={SECRET}").as_bytes()]);
}

#[test]
fn an_entry_without_an_equals_sign_passes() {
    let seen = seen(Launch::sound("production").raw_env("MALFORMED").raw_env("=x"));
    assert!(seen.environment.contains(&b"MALFORMED".to_vec()));
    assert!(seen.environment.contains(&b"=x".to_vec()));
}

#[test]
fn inherit_contract_passes_no_entry_without_an_equals_sign() {
    let seen =
        seen(Launch::sound("production").options(["--inherit", "contract"]).raw_env("MALFORMED"));
    assert!(!seen.environment.contains(&b"MALFORMED".to_vec()));
    assert_eq!(seen.text("JWT_SECRET").unwrap(), SECRET);
}

#[test]
fn a_blank_entry_of_the_own_name_does_not_stand_for_the_aliass_value() {
    for blank in ["", "  "] {
        let launch =
            Launch::sound("development").env("JWT_SECRET", blank).env("NEXIS_JWT_SECRET", SECRET);
        let seen = seen(launch);
        assert_eq!(seen.text("JWT_SECRET").as_deref(), Some(SECRET), "{blank:?}");
        let entries = seen.environment.iter().filter(|entry| entry.starts_with(b"JWT_SECRET="));
        assert_eq!(entries.count(), 1);
    }
}

#[test]
fn the_order_is_the_same_each_time() {
    let launch = Launch::sound("production")
        .env("ZULU", "1")
        .env("ALPHA", "2")
        .env("NEXIS_BIND_ADDR", "127.0.0.1:8080")
        .env("MIKE", "3");
    let first = launch.clone().run().status(0).seen().environment;
    for _ in 0..3 {
        assert_eq!(launch.clone().run().status(0).seen().environment, first);
    }
    let names: Vec<_> = first.iter().map(|it| String::from_utf8_lossy(it).into_owned()).collect();
    let at = |prefix: &str| names.iter().position(|it| it.starts_with(prefix)).unwrap();
    assert!(at("ZULU=") < at("ALPHA=") && at("ALPHA=") < at("MIKE="), "{names:?}");
}

#[test]
fn the_mode_arrives_in_its_canonical_spelling() {
    for (typed, canonical) in [
        ("prod", "production"),
        (" Production\n", "production"),
        ("STAGE", "staging"),
        ("dev", "development"),
    ] {
        let seen = seen(Launch::witness::<&str>([]).requirements().env("NEXIS_ENV", typed));
        assert_eq!(seen.text("NEXIS_ENV").as_deref(), Some(canonical), "{typed:?}");
    }
}

#[test]
fn the_mode_arrives_where_only_the_command_line_says_it() {
    assert_eq!(seen(Launch::sound("staging")).text("NEXIS_ENV").as_deref(), Some("staging"));
}

#[test]
fn flags_arrive_as_true_or_false() {
    for (typed, canonical) in [
        ("1", "true"),
        ("true", "true"),
        ("YES", "true"),
        ("on", "true"),
        ("On", "true"),
        ("enabled", "true"),
        ("0", "false"),
        ("False", "false"),
        ("no", "false"),
        ("OFF", "false"),
    ] {
        for name in ["NEXIS_HSTS_ENABLED", "NEXIS_HTTPS_REDIRECT_ENABLED", "NEXIS_LOG_SPANS"] {
            let seen = seen(Launch::sound("staging").env(name, typed));
            assert_eq!(seen.text(name).as_deref(), Some(canonical), "{name}={typed}");
        }
    }
}

#[test]
fn a_word_that_is_no_flag_is_refused_and_not_taken_as_false() {
    for typed in ["2", "y es", "tru", "01", "none"] {
        Launch::sound("staging")
            .env("NEXIS_HSTS_ENABLED", typed)
            .run()
            .status(78)
            .error("bad-format", "NEXIS_HSTS_ENABLED")
            .program_did_not_run();
    }
}

#[test]
fn a_variable_of_a_feature_that_is_off_is_withheld() {
    let outcome = Launch::sound("production")
        .env("NEXIS_OPENAI_ENABLED", "false")
        .env("OPENAI_API_KEY", "not valid at all")
        .run();
    assert_eq!(outcome.status(0).seen().var("OPENAI_API_KEY"), None);
    assert_eq!(outcome.variable("OPENAI_API_KEY")["state"], "withheld");
}

#[test]
fn other_names_of_an_env_file_pass_on() {
    let seen = seen(
        Launch::sound("production")
            .file("env", "EXTRA_OF_FILE=hello\nexport SECOND='two words'\n")
            .options(["--env-file", "{root}/env"]),
    );
    assert_eq!(seen.text("EXTRA_OF_FILE").as_deref(), Some("hello"));
    assert_eq!(seen.text("SECOND").as_deref(), Some("two words"));
}

#[test]
fn of_an_env_files_other_names_each_arrives_once_below_the_inherited() {
    let seen = seen(
        Launch::sound("production")
            .file("env", "ABOVE=file\nTWICE=first\nTWICE=last\nLATER=1\nABOVE=again\n")
            .env("ABOVE", "inherited")
            .options(["--env-file", "{root}/env"]),
    );
    for (name, value) in [("ABOVE", "inherited"), ("TWICE", "last"), ("LATER", "1")] {
        assert_eq!(seen.text(name).as_deref(), Some(value), "{name}");
        let start = format!("{name}=").into_bytes();
        let entries = seen.environment.iter().filter(|entry| entry.starts_with(&start));
        assert_eq!(entries.count(), 1, "{name}");
    }
}

#[test]
fn a_path_that_is_delivered_is_not_said_to_be_taken_out() {
    let outcome = Launch::witness(["--mode", "production"])
        .contract("version: 1\nname: own\nvariables:\n- {name: KEY, secret: true, deliver: file}\n")
        .file("key", SECRET)
        .env("KEY_FILE", "{root}/key")
        .run();
    let seen = outcome.status(0).seen();
    assert!(seen.text("KEY_FILE").unwrap().ends_with("/key"));
    assert_eq!(seen.var("KEY"), None);
    let removed = outcome.manifest()["removed"].to_string();
    assert!(!removed.contains("KEY_FILE"), "{removed}");
}

#[test]
fn the_manifest_lists_inherited_names_without_values() {
    let outcome = Launch::sound("production")
        .env("PATH", "/bin")
        .env("UNRELATED", "a-value-that-is-not-shown")
        .canary("a-value-that-is-not-shown")
        .run();
    outcome.status(0).no_canary();
    let inherited = &outcome.manifest()["inherited"];
    let names: Vec<_> =
        inherited["names"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    assert!(names.contains(&"PATH") && names.contains(&"UNRELATED"), "{names:?}");
    assert_eq!(inherited["count"], names.len());
}
