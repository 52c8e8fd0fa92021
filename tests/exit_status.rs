//! Each documented status and which of two wins (interface section 5).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

#[test]
fn usage_errors_are_64_and_start_nothing() {
    let wrong: [&[&str]; 16] = [
        &[],
        &["run"],
        &["run", "--"],
        &["run", "{witness}", "{dump}"],
        &["run", "--no-such-option", "--", "{witness}", "{dump}"],
        &["run", "--inherit", "some", "--", "{witness}", "{dump}"],
        &["run", "--enforce", "maybe", "--", "{witness}", "{dump}"],
        &["run", "--manifest", "xml", "--", "{witness}", "{dump}"],
        &["run", "--manifest-to", "fd:x", "--", "{witness}", "{dump}"],
        &["run", "--manifest-to", "", "--", "{witness}", "{dump}"],
        &["run", "--audit-log", "", "--", "{witness}", "{dump}"],
        &["run", "--label", "no-equals-sign", "--", "{witness}", "{dump}"],
        &["run", "--accept", "missing-required:JWT_SECRET", "--", "{witness}", "{dump}"],
        &["run", "--mode", "--", "{witness}", "{dump}"],
        &["no-such-command", "--", "{witness}", "{dump}"],
        &["check", "--format", "yaml"],
    ];
    for args in wrong {
        let outcome = Launch::new().args(["{dump}"; 0]).args(args).requirements().run();
        outcome.status(64).no_panic();
        assert!(!outcome.root().join("work/witness.json").exists(), "{args:?}\n{outcome}");
        assert!(!outcome.stderr.is_empty(), "{args:?} says nothing");
        assert_eq!(outcome.out(), "", "{args:?}");
    }
}

#[test]
fn a_wrong_setting_is_64() {
    for (name, value) in [
        ("NEXIS_LAUNCH_INHERIT", "some"),
        ("NEXIS_LAUNCH_ENFORCE", "never"),
        ("NEXIS_LAUNCH_MANIFEST", "xml"),
        ("NEXIS_LAUNCH_AUDIT_REQUIRED", "perhaps"),
        ("NEXIS_LAUNCH_LOG_FORMAT", "xml"),
        ("NEXIS_LAUNCH_LABELS", "no-equals-sign"),
        ("NEXIS_LAUNCH_NO_SUCH_THING", "1"),
    ] {
        Launch::sound("production")
            .env(name, value)
            .run()
            .status(64)
            .says(name)
            .no_panic()
            .program_did_not_run();
    }
}

#[test]
fn an_invalid_contract_or_env_file_is_65() {
    Launch::sound("production")
        .file("contract.yaml", "version: 1\nname: x\nvariables: [")
        .options(["--contract", "{root}/contract.yaml"])
        .run()
        .status(65)
        .says("contract.yaml")
        .program_did_not_run();
    Launch::sound("production")
        .file("env", "FINE=1\nthis is no assignment\n")
        .options(["--env-file", "{root}/env"])
        .run()
        .status(65)
        .says("env")
        .never_says("this is no assignment")
        .program_did_not_run();
}

#[test]
fn a_named_file_that_is_missing_is_66() {
    for option in ["--contract", "--secrets-dir", "--env-file", "--fingerprint-key-file"] {
        Launch::sound("production")
            .options([option, "{root}/absent"])
            .run()
            .status(66)
            .says("absent")
            .program_did_not_run();
    }
}

#[test]
fn a_named_file_of_a_setting_that_is_missing_is_66() {
    for name in [
        "NEXIS_LAUNCH_CONTRACT",
        "NEXIS_LAUNCH_SECRETS_DIR",
        "NEXIS_LAUNCH_ENV_FILE",
        "NEXIS_LAUNCH_FINGERPRINT_KEY_FILE",
    ] {
        Launch::sound("production")
            .env(name, "{root}/absent")
            .run()
            .status(66)
            .says("absent")
            .program_did_not_run();
    }
}

#[test]
fn an_absent_program_is_127() {
    for program in ["{root}/absent", "no-such-program", "./no-such-program"] {
        Launch::new()
            .args(["run", "--mode", "production", "--", program])
            .requirements()
            .env("PATH", "/bin:/usr/bin")
            .run()
            .status(127)
            .error("program-not-found", "");
    }
}

#[test]
fn a_program_that_cannot_be_executed_is_126() {
    Launch::new()
        .args(["run", "--mode", "production", "--", "{root}/program"])
        .requirements()
        .file("program", "#!/bin/sh\necho ran\n")
        .run()
        .status(126)
        .error("program-not-executable", "")
        .never_says("ran\n");
}

#[test]
fn an_unmet_contract_is_78() {
    Launch::witness(["--mode", "production"])
        .run()
        .status(78)
        .only_errors(&[
            ("missing-required", "JWT_SECRET"),
            ("missing-required", "NEXIS_CORS_ALLOW_ORIGINS"),
        ])
        .program_did_not_run();
}

#[test]
fn a_file_reference_without_its_file_is_78() {
    Launch::sound("production")
        .without("JWT_SECRET")
        .env("JWT_SECRET_FILE", "{root}/absent")
        .run()
        .status(78)
        .error("source-unreadable", "JWT_SECRET")
        .program_did_not_run();
}

#[test]
fn a_required_record_that_cannot_be_written_is_73() {
    for option in ["--audit-log", "--manifest-to"] {
        for place in ["/dev/full", "{root}/no/such/directory/log", "{root}", "fd:77"] {
            Launch::sound("production")
                .options([option, place])
                .run()
                .status(73)
                .no_panic()
                .program_did_not_run();
        }
    }
}

#[test]
fn check_and_explain_are_0_where_nothing_is_wrong() {
    Launch::command("check", ["--mode", "production"]).requirements().run().status(0);
    Launch::command("explain", ["--mode", "production"]).requirements().run().status(0);
    Launch::command("explain", ["missing-required"]).run().status(0);
    Launch::command("--version", [""; 0]).run().status(0);
}

#[test]
fn check_without_what_is_required_is_78() {
    Launch::command("check", ["--mode", "production"]).run().status(78);
}

/// A fault of each status, as a change to a sound launch.
fn fault(launch: Launch, status: i32) -> Launch {
    match status {
        64 => launch.env("NEXIS_LAUNCH_NO_SUCH_THING", "1"),
        65 => launch.file("env", "no assignment\n").options(["--env-file", "{root}/env"]),
        66 => launch.options(["--secrets-dir", "{root}/absent"]),
        78 => launch.without("JWT_SECRET"),
        73 => launch.options(["--audit-log", "/dev/full"]),
        other => unreachable!("{other}"),
    }
}

#[test]
fn of_two_faults_the_first_in_the_table_decides() {
    let order = [64, 65, 66, 78, 73];
    for (at, first) in order.into_iter().enumerate() {
        for second in order.into_iter().skip(at) {
            let mut launch = fault(Launch::sound("production"), first);
            if second != first {
                launch = fault(launch, second);
            }
            launch.run().status(first).program_did_not_run();
        }
    }
}

#[test]
fn an_absent_program_comes_after_66_and_before_78() {
    let launch = |status| {
        let launch = Launch::new()
            .args(["run", "--mode", "production", "--", "{root}/absent-program"])
            .requirements();
        fault(launch, status)
    };
    launch(64).run().status(64);
    launch(65).run().status(65);
    launch(66).run().status(66);
    launch(78).run().status(127);
    launch(73).run().status(127);
}

#[test]
fn all_findings_are_reported_whatever_the_status() {
    Launch::new()
        .args(["run", "--mode", "production", "--", "{root}/absent-program"])
        .env("JWT_SECRET", "short")
        .env("NEXIS_RATE_LIMIT_RPM", "0")
        .env("NEXIS_BIND_ADDR", "localhost:80")
        .file("env", "no assignment\n")
        .options(["--env-file", "{root}/env", "--secrets-dir", "{root}/absent"])
        .run()
        .status(65)
        .error("env-file-invalid", "")
        .error("file-missing", "")
        .error("program-not-found", "")
        .error("too-short", "JWT_SECRET")
        .error("missing-required", "NEXIS_CORS_ALLOW_ORIGINS")
        .error("bad-format", "NEXIS_RATE_LIMIT_RPM")
        .error("bad-format", "NEXIS_BIND_ADDR");
}

#[test]
fn a_refusal_says_its_outcome() {
    let outcome = Launch::witness(["--mode", "production"]).run();
    assert_eq!(outcome.status(78).manifest()["outcome"], "refused");
}
