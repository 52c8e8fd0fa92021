//! TERM and INT end the launcher at once while it waits (interface section 4).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use std::fs::File;

/// Waits on a pipe that nobody writes.
fn on_a_pipe() -> Launch {
    Launch::sound("production")
        .without("JWT_SECRET")
        .pipe("pipe")
        .env("JWT_SECRET_FILE", "{root}/pipe")
}

/// Whether the process sleeps with TERM taken care of, which the launcher does only while it waits.
/// Unlike the rest of its /proc entry, `status` can be read by every user.
fn waits(pid: i32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_default().trim().to_owned()
    };
    let set = |name| u64::from_str_radix(&field(name), 16).unwrap_or(0);
    let taken = set("SigBlk:") | set("SigCgt:");
    field("Name:").starts_with("nexis-launch")
        && field("State:").starts_with('S')
        && taken >> (libc::SIGTERM - 1) & 1 == 1
}

fn interrupted(running: Running, signal: i32) -> Outcome {
    wait_for("the launcher to wait", || waits(running.pid()));
    running.signal(signal);
    running.finish()
}

#[test]
fn a_wait_for_a_pipe_ends_with_143_and_130() {
    for (signal, status) in [(libc::SIGTERM, 143), (libc::SIGINT, 130)] {
        let outcome = interrupted(on_a_pipe().start(), signal);
        outcome.status(status).no_panic().program_did_not_run();
    }
}

#[test]
fn a_wait_for_a_descriptor_ends_too() {
    let (reader, _writer) = std::io::pipe().unwrap();
    let launch = Launch::sound("production")
        .without("JWT_SECRET")
        .env("JWT_SECRET_FILE", "/dev/fd/63")
        .descriptor(Descriptor::new(63, reader));
    interrupted(launch.start(), libc::SIGTERM).status(143).program_did_not_run();
}

#[test]
fn a_wait_for_a_lock_ends_too() {
    for (signal, status) in [(libc::SIGTERM, 143), (libc::SIGINT, 130)] {
        let launch = Launch::sound("production").options(["--audit-log", "{root}/audit.log"]);
        let log = File::create(launch.root().join("audit.log")).unwrap();
        log.lock().unwrap();
        let outcome = interrupted(launch.start(), signal);
        outcome.status(status).program_did_not_run();
        assert_eq!(outcome.read("audit.log"), "");
    }
}

#[test]
fn a_signal_that_was_inherited_as_ignored_stays_ignored_while_it_waits() {
    // As of a command that a script puts into the background: Ctrl-C is not meant for it.
    let launch = on_a_pipe().ignoring([libc::SIGINT]);
    let pipe = launch.root().join("pipe");
    let running = launch.start();
    wait_for("the launcher to wait", || waits(running.pid()));
    running.signal(libc::SIGINT);
    std::thread::sleep(std::time::Duration::from_millis(100));
    assert!(waits(running.pid()), "it ended");
    std::fs::write(pipe, SECRET).unwrap();
    let outcome = running.finish();
    assert_eq!(outcome.status(0).seen().text("JWT_SECRET").unwrap(), SECRET);
}

#[test]
fn as_the_first_process_of_a_container_it_ends_as_well() {
    // In a PID namespace of its own the launcher is process 1, for which the kernel discards
    // signals without a handler.
    let launch = Launch::new()
        .args(["run", "--", "/usr/bin/unshare", "--user", "--map-root-user", "--pid", "--fork"])
        .args(["--kill-child", env!("CARGO_BIN_EXE_nexis-launch"), "run", "--mode", "production"])
        .args(["--", "{witness}", "{dump}"])
        .env("NEXIS_CORS_ALLOW_ORIGINS", "https://app.nexis.example")
        .env("PATH", "/usr/bin:/bin")
        .pipe("pipe")
        .env("JWT_SECRET_FILE", "{root}/pipe")
        .directly();
    let running = launch.start();
    let children = format!("/proc/{0}/task/{0}/children", running.pid());
    let mut first = 0;
    wait_for("process 1 of the namespace", || {
        let children = std::fs::read_to_string(&children).unwrap_or_default();
        first = children.trim().parse().unwrap_or(0);
        waits(first)
    });
    #[allow(unsafe_code, reason = "kill has no safe interface here")]
    // SAFETY: kill(2) takes any numbers; the process is the child's own child.
    let sent = unsafe { libc::kill(first, libc::SIGTERM) };
    assert_eq!(sent, 0);
    running.finish().status(143).program_did_not_run();
}
