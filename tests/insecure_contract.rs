//! Who could write what decides which commands the launcher runs (interface section 3).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use std::os::unix::fs::chown;

const CONTRACT: &str = "version: 1\nname: own\nextends: base.yaml\nvariables:\n\
    \x20 - {name: KEY, secret: true, provider: store, required: always}\nproviders:\n\
    \x20 - {name: store, command: ['{root}/bin/store'], format: raw}\n";
const BASE: &str = "version: 1\nname: base\nvariables:\n  - {name: OTHER}\n";
const STORE: &str = "#!/bin/sh\ntouch {root}/ran\necho value-of-the-store\n";

/// A contract in `etc/`, the one that it extends beside it, and its provider's program in `bin/`.
fn launch(mode: &str) -> Launch {
    files(Launch::witness(["--mode", mode, "--contract", "{root}/etc/own.yaml"]), "etc")
}

/// The files, the contract below `directory`.
fn files(launch: Launch, directory: &str) -> Launch {
    let root = launch.root().to_str().unwrap().to_owned();
    launch
        .file(&format!("{directory}/own.yaml"), CONTRACT.replace("{root}", &root))
        .file(&format!("{directory}/base.yaml"), BASE)
        .executable("bin/store", STORE.replace("{root}", &root))
}

/// Nothing was run, and `path` is what is said to be the reason.
fn refused(launch: Launch, path: &str) -> Outcome {
    let outcome = launch.run();
    outcome.status(78).only_errors(&[("insecure-contract", "")]).program_did_not_run();
    let message = outcome.finding_entry("insecure-contract", "")["message"].to_string();
    let path = outcome.root().join(path);
    assert!(message.contains(&format!(" {} can be written by ", path.display())), "{message}");
    assert!(!outcome.root().join("ran").exists(), "the provider ran\n{outcome}");
    outcome
}

fn fine(launch: Launch) {
    let outcome = launch.run();
    assert_eq!(outcome.status(0).seen().text("KEY").unwrap(), "value-of-the-store");
    outcome.no_finding("insecure-contract").no_finding("insecure-permissions");
    assert!(outcome.root().join("ran").exists());
}

#[test]
fn a_contract_its_base_and_a_program_that_others_can_write_are_refused_in_every_mode() {
    for mode in ["development", "staging", "production"] {
        fine(launch(mode));
        for (path, bits) in
            [("etc/own.yaml", 0o646), ("etc/base.yaml", 0o666), ("bin/store", 0o777)]
        {
            refused(launch(mode).mode(path, bits), path);
        }
    }
}

#[test]
fn so_are_the_directories_above_them() {
    for path in ["etc", "bin"] {
        refused(launch("production").mode(path, 0o777), path);
        fine(launch("production").mode(path, 0o1777));
    }
    let outcome = launch("production").mode("etc", 0o777).mode("bin/store", 0o757).run();
    let errors = [("insecure-contract", ""), ("insecure-contract", "")];
    outcome.status(78).only_errors(&errors).program_did_not_run();
}

#[test]
fn it_is_refused_where_no_provider_is_needed_and_never_accepted() {
    refused(launch("production").env("KEY", "a value").mode("etc/own.yaml", 0o666), "etc/own.yaml");
    let tomorrow = jiff::Zoned::now().tomorrow().unwrap().strftime("%F").to_string();
    for what in ["insecure-contract:", "insecure-contract:KEY"] {
        let accept = ["--accept", what, "--reason", "x", "--until", &tomorrow];
        let outcome = launch("development").options(accept).mode("etc/own.yaml", 0o666).run();
        outcome.status(64).error("insecure-contract", "").error("acceptance-invalid", "");
        outcome.program_did_not_run();
        assert!(!outcome.root().join("ran").exists());
    }
}

#[test]
fn readable_by_everyone_is_no_finding() {
    fine(launch("production").mode("etc/own.yaml", 0o644).mode("etc/base.yaml", 0o444));
}

/// The layout of a ConfigMap's volume, as the kubelet writes it.
fn volume(root: u32) -> Launch {
    let launch = Launch::witness(["--mode", "production", "--contract", "{root}/volume/own.yaml"]);
    files(launch, "volume/..2026_11_25")
        .link("volume/..data", "..2026_11_25")
        .link("volume/own.yaml", "..data/own.yaml")
        .link("volume/base.yaml", "..data/base.yaml")
        .mode("volume", root)
}

#[test]
fn of_a_configmap_what_its_data_leads_to_is_judged() {
    for root in [0o1777, 0o777, 0o2775, 0o755] {
        fine(volume(root));
    }
    let generation = "volume/..2026_11_25";
    let launch = volume(0o1777).mode(&format!("{generation}/base.yaml"), 0o666);
    refused(launch, "volume/base.yaml");
    refused(volume(0o1777).mode(generation, 0o777), generation);
}

#[test]
fn a_link_that_another_user_planted_makes_no_volume() {
    if !runs_as_root() {
        return;
    }
    let plant = |launch: &Launch, path: &str| {
        std::os::unix::fs::lchown(launch.root().join(path), Some(1234), Some(1234)).unwrap();
    };
    // In a directory that everyone may write, beside a contract that could be exchanged.
    let launch = launch("production").mode("etc", 0o777).dir("etc/mine").link("etc/..data", "mine");
    plant(&launch, "etc/..data");
    refused(launch, "etc/..data");
    let launch = volume(0o777);
    plant(&launch, "volume/own.yaml");
    refused(launch, "volume/own.yaml");
}

#[test]
fn on_a_read_only_mount_nobody_writes() {
    let script = "mount --bind {root}/etc {root}/etc && mount -o remount,bind,ro {root}/etc && \
                  exec \"$@\"";
    let launcher = env!("CARGO_BIN_EXE_nexis-launch");
    let launch = Launch::new()
        .args(["run", "--", "/usr/bin/unshare", "--map-root-user", "--mount", "/bin/sh", "-c"])
        .args([script, "sh", launcher, "run", "--mode", "production", "--contract"])
        .args(["{root}/etc/own.yaml", "--", "{witness}", "{dump}"])
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .directly();
    fine(files(launch, "etc").mode("etc/own.yaml", 0o666).mode("etc", 0o777));
}

#[test]
fn in_a_home_directory_the_own_files_are_trusted_and_anothers_are_not() {
    let mine = || launch("production").unprivileged().mode("etc/own.yaml", 0o644);
    if !runs_as_root() {
        return fine(mine());
    }
    let all = ["etc", "etc/own.yaml", "etc/base.yaml", "bin/store"];
    let give = |launch: Launch, uid: u32| {
        for path in all {
            chown(launch.root().join(path), Some(uid), Some(uid)).unwrap();
        }
        // The provider leaves its trace in the test's directory.
        launch.mode("", 0o755)
    };
    let own = give(mine(), 65534);
    chown(own.root(), Some(65534), Some(65534)).unwrap();
    fine(own.mode("etc", 0o700));
    // Of another user, whatever the bits: he can give himself the right.
    let outcome = give(mine(), 4321).mode("etc/base.yaml", 0o444).mode("bin/store", 0o555).run();
    outcome.status(78).program_did_not_run();
    let findings = outcome.findings();
    assert_eq!(findings.iter().filter(|it| it.0 == "insecure-contract").count(), 4, "{outcome}");
    assert!(!outcome.root().join("ran").exists());
}

#[test]
fn the_owners_that_a_contract_trusts_are_not_trusted_with_itself() {
    if !runs_as_root() {
        return;
    }
    let launch = launch("production");
    let text = std::fs::read_to_string(launch.root().join("etc/own.yaml")).unwrap();
    let launch = launch.file("etc/own.yaml", text + "trusted_owners: [4321]\n");
    chown(launch.root().join("etc/own.yaml"), Some(4321), Some(4321)).unwrap();
    let outcome = refused(launch, "etc/own.yaml");
    let message = outcome.finding_entry("insecure-contract", "")["message"].to_string();
    assert!(message.contains("user 4321"), "{message}");
}

#[test]
fn check_and_explain_run_nothing_of_it_either() {
    for command in ["check", "explain"] {
        let launch = Launch::command(command, ["--mode", "production", "--format", "json"])
            .options(["--contract", "{root}/etc/own.yaml"]);
        let outcome = files(launch, "etc").mode("etc/own.yaml", 0o666).run();
        assert!(outcome.out().contains("insecure-contract"), "{outcome}");
        assert!(!outcome.root().join("ran").exists(), "{command}");
    }
}
