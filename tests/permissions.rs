//! Who could write a source (interface section 3).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

fn in_directory() -> Launch {
    Launch::sound("production")
        .without("JWT_SECRET")
        .file("outer/dir/jwt_secret", SECRET)
        .options(["--secrets-dir", "{root}/outer/dir"])
}

fn severity(outcome: &Outcome) -> Option<String> {
    outcome.findings().into_iter().find(|it| it.0 == "insecure-permissions").map(|it| it.1)
}

#[test]
fn a_file_that_everyone_can_write_is_an_error_in_production() {
    let outcome = in_directory().mode("outer/dir/jwt_secret", 0o646).run();
    outcome.status(78).error("insecure-permissions", "JWT_SECRET").program_did_not_run();
    for mode in ["development", "staging"] {
        let launch = Launch::sound(mode)
            .without("JWT_SECRET")
            .file("jwt", SECRET)
            .mode("jwt", 0o646)
            .env("JWT_SECRET_FILE", "{root}/jwt");
        launch.run().status(0).warning("insecure-permissions", "JWT_SECRET").seen();
    }
}

#[test]
fn readable_by_everyone_is_no_finding() {
    for mode in [0o400, 0o440, 0o444, 0o644, 0o755] {
        let outcome = in_directory().mode("outer/dir/jwt_secret", mode).run();
        outcome.status(0).no_finding("insecure-permissions");
    }
}

#[test]
fn a_directory_that_everyone_can_write_is_a_warning() {
    let outcome = in_directory().mode("outer/dir", 0o777).run();
    assert_eq!(severity(&outcome).as_deref(), Some("warning"), "{outcome}");
    outcome.status(0).seen();
}

#[test]
fn a_directory_above_that_everyone_can_write_is_a_warning() {
    let outcome = in_directory().mode("outer", 0o777).run();
    assert_eq!(severity(&outcome).as_deref(), Some("warning"), "{outcome}");
}

#[test]
fn a_sticky_directory_is_judged_by_the_next_component() {
    let outcome = in_directory().mode("outer", 0o1777).run();
    assert_eq!(severity(&outcome), None, "{outcome}");
    let outcome = in_directory().mode("outer/dir", 0o1777).run();
    assert_eq!(severity(&outcome), None, "{outcome}");
    let outcome = in_directory().mode("outer", 0o1777).mode("outer/dir/jwt_secret", 0o666).run();
    outcome.status(78).error("insecure-permissions", "JWT_SECRET").program_did_not_run();
}

#[test]
fn a_link_is_judged_by_what_it_leads_to() {
    let launch = |mode| {
        Launch::sound("production")
            .without("JWT_SECRET")
            .file("elsewhere/secret", SECRET)
            .mode("elsewhere/secret", mode)
            .link("dir/jwt_secret", "{root}/elsewhere/secret")
            .options(["--secrets-dir", "{root}/dir"])
    };
    launch(0o644).run().status(0).no_finding("insecure-permissions");
    let outcome = launch(0o646).run();
    outcome.status(78).error("insecure-permissions", "JWT_SECRET").program_did_not_run();
}

#[test]
fn the_finding_names_the_path_and_who_could_write() {
    let outcome = in_directory().mode("outer/dir/jwt_secret", 0o666).run();
    let message =
        outcome.finding_entry("insecure-permissions", "JWT_SECRET")["message"].to_string();
    assert!(message.contains("outer/dir/jwt_secret") && message.contains("any user"), "{message}");
}

#[test]
fn files_of_root_are_trusted_by_a_user_without_privileges() {
    let launch = in_directory()
        .mode("outer/dir/jwt_secret", 0o644)
        .mode("outer/dir", 0o755)
        .mode("outer", 0o755)
        .unprivileged();
    launch.run().status(0).no_finding("insecure-permissions");
}

#[test]
fn while_it_holds_secrets_the_launcher_cannot_be_dumped_or_traced() {
    // The kernel gives the files of a process that is not dumpable to root (proc(5)).
    let launch = Launch::sound("production")
        .pipe("pipe")
        .mode("pipe", 0o644)
        .env("NEXIS_ENCRYPTION_KEY_FILE", "{root}/pipe")
        .unprivileged();
    let running = launch.start();
    let status = format!("/proc/{}/environ", running.pid());
    wait_for("the launcher to wait", || {
        let name = std::fs::read_to_string(format!("/proc/{}/comm", running.pid()));
        name.is_ok_and(|it| it.starts_with("nexis-launch"))
            && running.state() == 'S'
            && std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(&status).unwrap()) == 0
            || running.ended(std::time::Duration::ZERO)
    });
    let owner = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(&status).unwrap());
    assert!(!running.ended(std::time::Duration::ZERO), "it did not wait");
    assert_eq!(owner, 0);
    running.signal(libc::SIGTERM);
    running.finish().status(143).program_did_not_run();
}
