//! Options and `NEXIS_LAUNCH_*` settings (interface section 2).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

#[test]
fn an_unknown_setting_is_64_and_suggests_the_nearest() {
    for (typed, meant) in [
        ("NEXIS_LAUNCH_MOD", "NEXIS_LAUNCH_MODE"),
        ("NEXIS_LAUNCH_SECRET_DIR", "NEXIS_LAUNCH_SECRETS_DIR"),
        ("NEXIS_LAUNCH_ENVFILE", "NEXIS_LAUNCH_ENV_FILE"),
        ("NEXIS_LAUNCH_AUDITLOG", "NEXIS_LAUNCH_AUDIT_LOG"),
    ] {
        Launch::sound("production")
            .env(typed, "x-its-value-x")
            .canary("x-its-value-x")
            .run()
            .status(64)
            .says(typed)
            .says(meant)
            .no_canary()
            .program_did_not_run();
    }
}

#[test]
fn a_service_link_is_no_setting() {
    for name in [
        "NEXIS_LAUNCH_SERVICE_HOST",
        "NEXIS_LAUNCH_SERVICE_PORT",
        "NEXIS_LAUNCH_SERVICE_PORT_HTTP",
        "NEXIS_LAUNCH_PORT_8080_TCP",
        "NEXIS_LAUNCH_PORT_8080_TCP_ADDR",
        "NEXIS_LAUNCH_PORT_53_UDP_PROTO",
    ] {
        Launch::sound("production").env(name, "10.0.0.1").run().status(0).seen();
    }
    Launch::sound("production")
        .env("NEXIS_LAUNCH_PORT", "tcp://10.0.0.1:80")
        .run()
        .status(0)
        .seen();
    Launch::sound("production")
        .env("NEXIS_LAUNCH_PORT", "80")
        .run()
        .status(64)
        .program_did_not_run();
}

#[test]
fn a_passthrough_that_is_no_pattern_is_64() {
    let closed = |launch: Launch, origin| {
        let outcome = launch.env("FOO", "1").canary("x-typed-x").run();
        outcome.status(64).says(&format!("cannot take a pattern given for {origin}: "));
        outcome.says("--passthrough TZ").no_canary().program_did_not_run();
    };
    for typed in ["FOO,x-typed-x", "", " FOO", "FOO=x-typed-x", "*_x-typed-x", "F*O", "FOO**"] {
        let options = ["--inherit", "contract", "--passthrough", "BAR", "--passthrough", typed];
        closed(Launch::sound("production").options(options), "--passthrough");
    }
    for typed in ["FOO,*_x-typed-x", "FOO x-typed-x", "BAR,FOO=x-typed-x"] {
        let launch = Launch::sound("production").options(["--inherit", "contract"]);
        closed(launch.env("NEXIS_LAUNCH_PASSTHROUGH", typed), "NEXIS_LAUNCH_PASSTHROUGH");
    }
    let taken = Launch::sound("production")
        .options(["--inherit", "contract", "--passthrough", "a.b-*"])
        .env("NEXIS_LAUNCH_PASSTHROUGH", "what the option stands before")
        .env("a.b-c", "1");
    assert_eq!(taken.run().status(0).seen().text("a.b-c").as_deref(), Some("1"));
}

#[test]
fn a_setting_is_never_passed_on() {
    let seen = Launch::sound("production")
        .env("NEXIS_LAUNCH_MANIFEST", "text")
        .env("NEXIS_LAUNCH_SECRETS_DIR", "{root}/work")
        .run()
        .status(0)
        .seen();
    assert!(
        seen.names().iter().all(|name| !name.starts_with("NEXIS_LAUNCH_")),
        "{:?}",
        seen.names()
    );
}

#[test]
fn an_option_wins_over_its_setting() {
    let outcome = Launch::sound("production")
        .env("NEXIS_LAUNCH_MODE", "development")
        .env("NEXIS_LAUNCH_MANIFEST", "off")
        .env("NEXIS_LAUNCH_INHERIT", "contract")
        .env("NEXIS_LAUNCH_MANIFEST_TO", "/dev/full")
        .env("NEXIS_LAUNCH_AUDIT_LOG", "/dev/full")
        .env("NEXIS_LAUNCH_SECRETS_DIR", "{root}/absent")
        .env("NEXIS_LAUNCH_ENV_FILE", "{root}/absent")
        .env("NEXIS_LAUNCH_FINGERPRINT_KEY_FILE", "{root}/absent")
        .env("UNRELATED", "1")
        .file("key", HEX_KEY)
        .file("env", "")
        .options(["--manifest", "json", "--inherit", "all", "--manifest-to", "{root}/m"])
        .options(["--audit-log", "{root}/audit", "--secrets-dir", "{root}/work"])
        .options(["--env-file", "{root}/env", "--fingerprint-key-file", "{root}/key"])
        .run();
    let seen = outcome.status(0).seen();
    assert_eq!(seen.text("UNRELATED").as_deref(), Some("1"));
    assert_eq!(Outcome::manifests_in(&outcome.read("m"))[0]["mode"], "production");
    assert_eq!(outcome.read("audit").lines().count(), 1);
}

#[test]
fn the_double_dash_is_required() {
    Launch::new()
        .args(["run", "--mode", "production", "{witness}", "{dump}"])
        .requirements()
        .run()
        .status(64)
        .program_did_not_run();
}

#[test]
fn labels_of_setting_and_options_are_joined() {
    let outcome = Launch::sound("production")
        .env("NEXIS_LAUNCH_LABELS", "commit=old,pod=gateway-7c9")
        .options(["--label", "commit=d41773f", "--label", "note=a=b"])
        .run();
    let labels = outcome.status(0).manifest()["labels"].clone();
    assert_eq!(labels["commit"], "d41773f");
    assert_eq!(labels["note"], "a=b");
    assert_eq!(labels["pod"], "gateway-7c9");
}

#[test]
fn the_log_is_on_standard_error_and_only_on_demand() {
    let outcome = Launch::sound("production").options(["--manifest", "off", "-v"]).run();
    outcome.status(0).seen();
    assert_eq!(outcome.out(), "");
    assert!(!outcome.err().is_empty(), "-v says something");
    let outcome = Launch::sound("production")
        .env("NEXIS_LAUNCH_LOG", "debug")
        .env("NEXIS_LAUNCH_LOG_FORMAT", "json")
        .options(["--manifest", "off"])
        .run();
    outcome.status(0).seen();
    assert!(!outcome.err().is_empty());
    for line in outcome.err().lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
    }
}

#[test]
fn settings_that_are_not_utf8_are_no_fault() {
    let outcome = Launch::sound("production").raw_env(b"NEXIS_LAUNCH_MODE=\xff\xfe").run();
    outcome.status(64).says("NEXIS_LAUNCH_MODE: it is not UTF-8").program_did_not_run();
    let outcome = Launch::sound("production").raw_env(b"NEXIS_LAUNCH_\xff=x").run();
    outcome.status(64).says("there is no such setting").program_did_not_run();
}

#[test]
fn a_blank_setting_is_no_choice_of_a_file() {
    // `NEXIS_LAUNCH_CONTRACT=${CONTRACT:-}` of a compose file.
    let outcome = Launch::sound("production").env("NEXIS_LAUNCH_CONTRACT", "").run();
    outcome.status(0).seen();
    assert_eq!(outcome.manifest()["contract"]["origin"], "builtin");
}
