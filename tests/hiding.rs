//! What hides values where no output is meant at all: panics and memory.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests")]

mod common;

use common::{Launch, SECRET, wait_for};
use std::os::unix::fs::MetadataExt;
use std::process::Command;

/// Starts this test anew as a process of its own, since a panic ends it.
#[test]
fn a_panic_shows_its_place_and_not_its_payload() {
    if std::env::var_os("HIDING_PANICS").is_some() {
        assert_eq!(nexis_launch::start(&[c"nexis-launch", c"--version"]), 0);
        panic!("the payload is {SECRET}");
    }
    let ended = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_panic_shows_its_place_and_not_its_payload", "--nocapture"])
        .env("HIDING_PANICS", "1")
        .output()
        .unwrap();
    let text = String::from_utf8([ended.stdout, ended.stderr].concat()).unwrap();
    assert_eq!(ended.status.code(), Some(70), "{text}");
    assert!(text.contains("failed by a fault of its own at tests/hiding.rs:"), "{text}");
    assert!(!text.contains("payload is"), "{text}");
    assert!(!text.contains(SECRET), "{text}");
}

/// Files in /proc/PID of a process that may not be dumped belong to root (proc(5)), and its own
/// user can neither read its memory nor trace it.
#[test]
fn while_it_holds_secrets_its_user_cannot_look_into_it() {
    let running = Launch::witness(["--mode", "production"])
        .requirements()
        .pipe("pipe")
        .mode("pipe", 0o666)
        .env("NEXIS_ENCRYPTION_KEY_FILE", "{root}/pipe")
        .unprivileged()
        .start();
    let process = format!("/proc/{}", running.pid());
    wait_for("the launcher to wait for the pipe", || {
        // Before the exec it is the test's own copy, which has another name.
        let name = std::fs::read_to_string(format!("{process}/comm")).unwrap_or_default();
        name.trim_end() == "nexis-launch" && running.state() == 'S'
    });
    let status = std::fs::read_to_string(format!("{process}/status")).unwrap();
    let ids = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap();
    let uid: u32 = ids.split_whitespace().next().unwrap().parse().unwrap();
    assert_ne!(uid, 0, "the launcher runs as root: {status}");
    for file in ["environ", "mem", "fd"] {
        let owner = std::fs::metadata(format!("{process}/{file}")).unwrap().uid();
        assert_eq!(owner, 0, "{file} is open to user {uid}");
    }
    running.signal(libc::SIGTERM);
    running.finish().program_did_not_run();
}
