//! Descriptors that the launcher is done with are left to the exec. That must not show: neither
//! where there are only few, nor in the program.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

const NAMES: [&str; 8] = [
    "JWT_SECRET",
    "JWT_ISSUER",
    "JWT_AUDIENCE",
    "NEXIS_BIND_ADDR",
    "NEXIS_LOG_LEVEL",
    "NEXIS_LOG_FORMAT",
    "NEXIS_RATE_LIMIT_RPM",
    "NEXIS_CSP_POLICY",
];

fn value(name: &str) -> &'static str {
    match name {
        "JWT_SECRET" => SECRET,
        "NEXIS_BIND_ADDR" => "127.0.0.1:8080",
        "NEXIS_LOG_LEVEL" => "info",
        "NEXIS_LOG_FORMAT" => "json",
        "NEXIS_RATE_LIMIT_RPM" => "600",
        _ => "text",
    }
}

/// Eight values from files of one directory.
fn from_files() -> Launch {
    let launch = Launch::sound("production").without("JWT_SECRET");
    let launch = launch.options(["--secrets-dir", "{root}/dir"]);
    NAMES.iter().fold(launch, |launch, name| launch.file(&format!("dir/{name}"), value(name)))
}

fn delivers_all(outcome: &Outcome) {
    let seen = outcome.status(0).seen();
    for name in NAMES {
        assert_eq!(seen.text(name).as_deref(), Some(value(name)), "{outcome}");
    }
}

#[test]
fn more_files_than_descriptors_are_read() {
    for limit in [6, 8, 1024] {
        delivers_all(&from_files().limit(libc::RLIMIT_NOFILE, limit, limit).run());
    }
}

#[test]
fn an_audit_log_is_opened_after_them() {
    let launch = from_files().options(["--audit-log", "{root}/audit"]);
    let outcome = launch.limit(libc::RLIMIT_NOFILE, 6, 6).run();
    delivers_all(&outcome);
    assert_eq!(outcome.read("audit").lines().count(), 1, "{outcome}");
}

#[test]
fn tunables_of_the_c_library_reach_the_program_as_they_are() {
    let tunables = "glibc.malloc.check=3:glibc.malloc.perturb=1";
    let outcome = Launch::sound("production").env("GLIBC_TUNABLES", tunables).run();
    assert_eq!(outcome.status(0).seen().text("GLIBC_TUNABLES").as_deref(), Some(tunables));
}
