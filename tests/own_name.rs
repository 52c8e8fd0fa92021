//! Started under a program's own name, the launcher is that program's launcher (interface section
//! 2).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use std::path::PathBuf;

/// A contract in which `gateway` is the name of the witness.
const CONTRACT: &str = "version: 1\nname: mine\nextends: builtin:nexis-gateway\n\
    program: {gateway: {witness}, loop: {root}/bin2/loop, other: {root}/absent}\n";

/// The launcher by way of a link of this name, with the contract above.
fn linked(name: &str) -> Launch {
    let launch = Launch::new().link(&format!("bin2/{name}"), env!("CARGO_BIN_EXE_nexis-launch"));
    let text = String::from_utf8(launch.expand(CONTRACT.as_bytes())).unwrap();
    let mut launch = launch.file("contract.yaml", text).requirements();
    launch.binary = launch.root().join("bin2").join(name);
    launch
        .env("NEXIS_LAUNCH_CONTRACT", "{root}/contract.yaml")
        .env("NEXIS_LAUNCH_SECRETS_DIR", "{root}/work")
        .env("NEXIS_ENV", "production")
}

#[test]
fn a_listed_name_launches_its_program_with_every_argument_untouched() {
    for argv0 in [None, Some("gateway"), Some("./gateway"), Some("/usr/local/bin/gateway")] {
        let mut launch = linked("gateway").args(["{dump}", "--mode", "x", "--", "check", "--help"]);
        launch.argv0 = argv0.map(Into::into);
        let witness = launch.expand(b"{witness}");
        let outcome = launch.env("NEXIS_JWT_SECRET", SECRET).without("JWT_SECRET").run();
        let seen = outcome.status(0).seen();
        let dump = outcome.root().join("work/witness.json").to_str().unwrap().as_bytes().to_vec();
        let typed: Vec<Vec<u8>> =
            ["--mode", "x", "--", "check", "--help"].map(|it| it.as_bytes().to_vec()).to_vec();
        assert_eq!(seen.argv, [vec![witness, dump], typed].concat());
        assert_eq!(seen.text("JWT_SECRET").as_deref(), Some(SECRET));
        assert_eq!(outcome.manifest()["outcome"], "exec");
    }
}

#[test]
fn an_unmet_contract_is_not_passed_by() {
    linked("gateway")
        .args(["{dump}"])
        .without("JWT_SECRET")
        .run()
        .status(78)
        .error("missing-required", "JWT_SECRET")
        .program_did_not_run();
}

#[test]
fn settings_of_the_environment_are_in_force() {
    let outcome =
        linked("gateway").args(["{dump}"]).env("NEXIS_LAUNCH_LABELS", "commit=d41773f").run();
    assert_eq!(outcome.status(0).manifest()["labels"]["commit"], "d41773f");
}

#[test]
fn options_are_the_programs_and_not_the_launchers() {
    for option in ["--version", "--help", "run", "check"] {
        let outcome = linked("other").args([option, "{dump}"]).run();
        outcome.status(127).error("program-not-found", "").program_did_not_run();
        assert_eq!(outcome.manifest()["program"]["arguments"], 2);
    }
}

#[test]
fn a_name_that_no_contract_lists_is_the_launchers() {
    let outcome = linked("renamed").args(["--version"]).run();
    assert!(outcome.status(0).out().starts_with("nexis-launch "), "{outcome}");
    linked("renamed").args(["{dump}"]).run().status(64).program_did_not_run();
}

#[test]
fn its_own_name_reads_no_contract() {
    let mut launch = linked("gateway").env("NEXIS_LAUNCH_CONTRACT", "{root}/absent.yaml");
    launch.binary = PathBuf::from(env!("CARGO_BIN_EXE_nexis-launch"));
    launch.clone().args(["--version"]).run().status(0);
    // Under another name it cannot be told which program is meant.
    launch.argv0 = Some("gateway".into());
    launch.args(["{dump}"]).run().status(66).program_did_not_run();
}

#[test]
fn the_launcher_as_its_own_program_is_126_and_no_endless_loop() {
    linked("loop")
        .args(["{dump}"])
        .run()
        .status(126)
        .error("program-not-executable", "")
        .program_did_not_run();
}

#[test]
fn the_built_in_contract_knows_the_gateway() {
    let outcome = linked("nexis-gateway").without("NEXIS_LAUNCH_CONTRACT").args(["{dump}"]).run();
    let manifest = outcome.program_did_not_run().manifest();
    assert_eq!(manifest["program"]["path"], "/opt/nexis/bin/nexis-gateway");
    outcome.status(127);
}
