//! How PROGRAM is found, and what cannot be executed (interface sections 2, 4 and 5).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

/// A sound launch of `program` with the witness' file as its argument.
fn launch(program: &str) -> Launch {
    Launch::new()
        .args(["run", "--mode", "production", "--", program, "{dump}"])
        .requirements()
        .env("PATH", "/usr/bin:/bin")
}

fn path(outcome: &Outcome) -> String {
    outcome.manifest()["program"]["path"].as_str().unwrap().to_owned()
}

#[test]
fn a_name_is_looked_up_in_path_in_order() {
    let outcome = launch("tool")
        .link("one/tool", "{witness}")
        .executable("two/tool", "#!/bin/sh\nexit 9\n")
        .env("PATH", "{root}/none:{root}/one:{root}/two")
        .run();
    outcome.status(0).seen();
    assert!(path(&outcome).ends_with("/one/tool"), "{}", path(&outcome));
}

#[test]
fn relative_and_empty_entries_of_path_are_ignored() {
    for entries in ["", ".", ":", "work", "::work:.", "./", "../work"] {
        launch("tool")
            .link("work/tool", "{witness}")
            .env("PATH", entries)
            .run()
            .status(127)
            .error("program-not-found", "")
            .program_did_not_run();
    }
    let outcome = launch("tool")
        .executable("work/tool", "#!/bin/sh\nexit 9\n")
        .link("abs/tool", "{witness}")
        .env("PATH", ".::{root}/abs")
        .run();
    outcome.status(0).seen();
}

#[test]
fn without_path_a_name_is_not_found() {
    launch("witness").without("PATH").run().status(127).program_did_not_run();
}

#[test]
fn an_entry_that_cannot_be_executed_is_passed_over_for_a_later_one() {
    let outcome = launch("tool")
        .file("one/tool", "not executable")
        .dir("two/tool")
        .link("three/tool", "{witness}")
        .env("PATH", "{root}/one:{root}/two:{root}/three")
        .run();
    outcome.status(0).seen();
}

#[test]
fn found_but_nowhere_executable_is_126() {
    launch("tool")
        .file("one/tool", "not executable")
        .env("PATH", "{root}/one")
        .run()
        .status(126)
        .error("program-not-executable", "")
        .program_did_not_run();
}

#[test]
fn a_relative_path_with_a_slash_is_taken_from_the_working_directory() {
    launch("./tool").link("work/tool", "{witness}").run().status(0).seen();
    launch("sub/tool").link("work/sub/tool", "{witness}").run().status(0).seen();
    launch("./absent").run().status(127).program_did_not_run();
}

#[test]
fn what_cannot_be_executed_is_126_and_never_a_claim_of_exec() {
    let foreign = {
        // The header of an ELF file for another machine (e_machine 0xf3, RISC-V; 32 bit).
        let mut header = vec![0u8; 64];
        header[..8].copy_from_slice(b"\x7fELF\x01\x01\x01\x00");
        header[16] = 2;
        header[18] = 0xf3;
        header
    };
    let cases: Vec<(&str, Launch)> = vec![
        ("directory", launch("{root}").dir("x")),
        ("without the right", launch("{root}/tool").file("tool", "#!/bin/sh\n")),
        ("script without #!", launch("{root}/tool").executable("tool", "echo ran > {dump}\n")),
        ("empty", launch("{root}/tool").executable("tool", "")),
        ("another machine", launch("{root}/tool").executable("tool", &foreign)),
        ("cut header", launch("{root}/tool").executable("tool", b"\x7fELF")),
        ("device", launch("/dev/null")),
        ("pipe", launch("{root}/tool").pipe("tool").mode("tool", 0o755)),
        (
            "carriage return",
            launch("{root}/tool").executable("tool", "#!/bin/sh\r\necho ran > {dump}\n"),
        ),
        (
            "interpreter absent",
            launch("{root}/tool").executable("tool", "#!/no/such/interpreter\n"),
        ),
        ("interpreter a directory", launch("{root}/tool").executable("tool", "#!/tmp\n")),
        ("a file as a directory", launch("{root}/tool/x").file("tool", "")),
    ];
    for (what, launch) in cases {
        let outcome = launch.run();
        let status = if what == "a file as a directory" { 127 } else { 126 };
        outcome.status(status).no_panic().program_did_not_run();
        // What only the kernel knows (binfmt_misc, emulation) may be found out by trying; then the
        // record that says exec is followed by one that says failed.
        let records = Outcome::manifests_in(&outcome.err());
        let outcomes: Vec<_> = records.iter().map(|it| it["outcome"].as_str().unwrap()).collect();
        let known = !["script without #!", "another machine", "cut header"].contains(&what);
        if known || outcomes.len() == 1 {
            assert_eq!(outcomes, ["refused"], "{what}\n{outcome}");
        } else {
            assert_eq!(outcomes, ["exec", "failed"], "{what}\n{outcome}");
            assert_eq!(records[0]["launch"], records[1]["launch"]);
            assert_eq!(records[1]["error"], "ENOEXEC", "{what}\n{outcome}");
        }
    }
}

/// Where the launcher has to leave it to the kernel, the hint is about what execvp(3) would have
/// done; where it knows, the finding says the same.
#[test]
fn of_a_script_without_its_first_line_is_said_how_a_script_begins() {
    for options in [
        &["--manifest", "off"][..],
        &["--manifest", "text"],
        &["--manifest", "json"],
        &["--manifest", "auto"],
        &["-q"],
        &["--manifest-to", "{root}/manifest"],
    ] {
        let outcome =
            launch("{root}/tool").executable("tool", "echo ran > {dump}\n").options(options).run();
        outcome.status(126).says("a script").says("#!").program_did_not_run();
        outcome.never_says("its loader");
    }
}

#[test]
fn a_script_runs_by_its_interpreter() {
    let outcome = launch("{root}/tool")
        .executable("tool", "#!/bin/sh -e\nprintf '%s|%s' \"$0\" \"$JWT_SECRET\"\n")
        .run();
    let expected = format!("{}|{SECRET}", outcome.root().join("tool").display());
    assert_eq!(outcome.status(0).out(), expected);
}

#[test]
fn the_launcher_itself_is_no_program() {
    let own = env!("CARGO_BIN_EXE_nexis-launch");
    launch(own).run().status(126).error("program-not-executable", "").program_did_not_run();
    launch("{root}/link").link("link", own).run().status(126).program_did_not_run();
    launch("linked")
        .link("bin2/linked", own)
        .env("PATH", "{root}/bin2")
        .run()
        .status(126)
        .program_did_not_run();
}

#[test]
fn a_program_that_the_user_may_not_execute_is_126() {
    launch("{root}/closed/tool")
        .executable("closed/tool", "#!/bin/sh\n: > \"$1\"\n")
        .mode("closed/tool", 0)
        .unprivileged()
        .run()
        .status(126)
        .program_did_not_run();
    launch("{root}/closed/tool")
        .executable("closed/tool", "#!/bin/sh\n: > \"$1\"\n")
        .mode("closed", 0)
        .unprivileged()
        .run()
        .status(126)
        .program_did_not_run();
}

#[test]
fn the_name_of_an_env_file_does_not_change_the_lookup() {
    // PATH of an env file reaches the program; the lookup is the launcher's own.
    let outcome = launch("tool")
        .link("one/tool", "{witness}")
        .file("env", "OTHER_PATH=/x\n")
        .options(["--env-file", "{root}/env"])
        .env("PATH", "{root}/one")
        .run();
    outcome.status(0).seen();
}

#[test]
fn the_manifest_counts_arguments_and_never_shows_them() {
    let outcome = launch("witness")
        .env("PATH", "{bin}")
        .args(["one", "--password=two-two-two-two"])
        .canary("two-two-two-two")
        .run();
    outcome.status(0).no_canary();
    assert_eq!(outcome.manifest()["program"]["arguments"], 3);
    assert!(path(&outcome).ends_with("/witness"));
}
