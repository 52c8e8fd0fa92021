//! One static binary: it needs nothing but the kernel.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use std::path::Path;

/// The types of the program headers of a 64-bit ELF file.
fn segments(file: &Path) -> Vec<u32> {
    let bytes = std::fs::read(file).unwrap();
    let number = |at: usize, length: usize| {
        bytes[at..at + length].iter().rev().fold(0usize, |sum, &byte| sum << 8 | usize::from(byte))
    };
    assert_eq!(&bytes[..5], b"\x7fELF\x02");
    let (start, size, count) = (number(32, 8), number(54, 2), number(56, 2));
    (0..count).map(|place| u32::try_from(number(start + place * size, 4)).unwrap()).collect()
}

#[test]
fn it_names_no_loader_and_no_shared_library() {
    let segments = segments(Path::new(env!("CARGO_BIN_EXE_nexis-launch")));
    assert!(segments.contains(&libc::PT_LOAD));
    assert!(!segments.contains(&libc::PT_INTERP), "it asks for a dynamic loader");
}

/// The launcher in a root directory that holds it, the witness and `dump/`, and nothing else: no
/// /proc, no /dev, no /etc.
fn jailed(options: &[&str]) -> Outcome {
    let script = "set -e; mkdir -p {root}/jail/dump; cp \"$1\" {root}/jail/nexis-launch; \
                  cp {witness} {root}/jail/witness; shift; exec chroot {root}/jail \"$@\"";
    Launch::new()
        .args(["run", "--", "/usr/bin/unshare", "--user", "--map-root-user", "/bin/sh", "-c"])
        .args([script, "sh", env!("CARGO_BIN_EXE_nexis-launch"), "/nexis-launch"])
        .args(options)
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("NEXIS_CORS_ALLOW_ORIGINS", "https://app.nexis.example")
        .file("jail/secrets/jwt_secret", format!("{SECRET}\n"))
        .canary(SECRET)
        .directly()
        .run()
}

#[test]
fn it_starts_a_program_in_an_otherwise_empty_root_directory() {
    let outcome = jailed(&[
        "run",
        "--mode",
        "production",
        "--secrets-dir",
        "/secrets",
        "--audit-log",
        "/dump/audit.log",
        "--",
        "/witness",
        "/dump/witness.json",
    ]);
    outcome.status(0);
    let record: serde_json::Value =
        serde_json::from_str(&outcome.read("jail/dump/witness.json")).unwrap();
    let entry: String =
        format!("JWT_SECRET={SECRET}").bytes().map(|it| format!("{it:02x}")).collect();
    assert!(record["environment"].as_array().unwrap().contains(&entry.into()));
    assert_eq!(Outcome::manifests_in(&outcome.read("jail/dump/audit.log")).len(), 1);
    assert_eq!(outcome.manifest()["outcome"], "exec");
}

#[test]
fn it_generates_a_secret_without_devices() {
    let outcome = jailed(&["dev", "--", "/witness", "/dump/witness.json"]);
    outcome.status(0).warning("ephemeral-secret", "JWT_SECRET");
}

#[test]
fn it_refuses_there_as_anywhere() {
    let outcome = jailed(&["run", "--mode", "production", "--", "/witness", "/dump/witness.json"]);
    outcome.status(78).error("missing-required", "JWT_SECRET");
    assert!(!outcome.root().join("jail/dump/witness.json").exists(), "{outcome}");
    jailed(&["run", "--mode", "production", "--", "/absent"]).status(127);
    jailed(&["run", "--mode", "production", "--", "/nexis-launch"]).status(126);
    jailed(&["check", "--format", "text"]).status(78);
}
