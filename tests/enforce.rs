//! `--enforce report`: for adoption (interface section 2).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

fn reporting(launch: Launch) -> Launch {
    launch.options(["--enforce", "report", "--audit-log", "{root}/audit.log"])
}

#[test]
fn findings_are_said_and_the_program_is_started() {
    let outcome =
        reporting(Launch::witness(["--mode", "production"])).env("JWT_SECRET", "short").run();
    outcome
        .status(0)
        .error("too-short", "JWT_SECRET")
        .error("missing-required", "NEXIS_CORS_ALLOW_ORIGINS");
    assert_eq!(outcome.manifest()["outcome"], "exec-despite-findings");
    assert!(outcome.read("audit.log").contains("exec-despite-findings"));
    assert_eq!(outcome.seen().text("JWT_SECRET").as_deref(), Some("short"));
}

#[test]
fn a_sound_launch_is_no_exec_despite_findings() {
    let outcome = reporting(Launch::sound("production")).run();
    assert_eq!(outcome.status(0).manifest()["outcome"], "exec");
}

#[test]
fn the_setting_does_the_same() {
    let outcome =
        Launch::witness(["--mode", "production"]).env("NEXIS_LAUNCH_ENFORCE", "report").run();
    outcome.status(0).seen();
}

#[test]
fn refuse_on_the_command_line_wins_over_the_setting() {
    Launch::witness(["--mode", "production", "--enforce", "refuse"])
        .env("NEXIS_LAUNCH_ENFORCE", "report")
        .run()
        .status(78)
        .program_did_not_run();
}

#[test]
fn errors_beyond_the_contract_still_refuse() {
    reporting(Launch::sound("production"))
        .env("NEXIS_LAUNCH_NONE", "1")
        .run()
        .status(64)
        .program_did_not_run();
    reporting(Launch::sound("production"))
        .file("env", "no assignment\n")
        .options(["--env-file", "{root}/env"])
        .run()
        .status(65)
        .program_did_not_run();
    reporting(Launch::sound("production"))
        .options(["--secrets-dir", "{root}/absent"])
        .run()
        .status(66)
        .program_did_not_run();
    Launch::sound("production")
        .options(["--enforce", "report", "--audit-log", "/dev/full"])
        .run()
        .status(73)
        .program_did_not_run();
    Launch::new()
        .args(["run", "--mode", "production", "--enforce", "report", "--", "{root}/absent"])
        .requirements()
        .run()
        .status(127);
}

#[test]
fn what_cannot_stand_in_an_environment_never_reaches_the_program() {
    let outcome = reporting(Launch::witness(["--mode", "production"]))
        .file("jwt", format!("{SECRET}\0x"))
        .env("JWT_SECRET_FILE", "{root}/jwt")
        .canary(SECRET)
        .run();
    outcome.no_canary().no_panic();
    outcome.status(0).error("contains-nul", "JWT_SECRET");
    assert_eq!(outcome.seen().var("JWT_SECRET"), None, "neither cut nor whole");
}

#[test]
fn an_empty_key_never_reaches_the_program() {
    let outcome = reporting(Launch::witness(["--mode", "production"])).env("JWT_SECRET", "").run();
    outcome.status(0);
    assert_eq!(outcome.seen().var("JWT_SECRET"), None);
}
