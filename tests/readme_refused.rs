//! README.md's section "A refused launch at 3 a.m.": its statuses are those that launches end with,
//! and its ways out lead where it says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

fn section() -> String {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let start = text.split("\n## A refused launch at 3 a.m.\n").nth(1).expect("the section");
    start.split("\n## ").next().unwrap().to_owned()
}

/// A launch in production that nothing is wrong with.
fn good() -> Launch {
    production().file("secrets/jwt-secret", SECRET)
}

fn production() -> Launch {
    Launch::witness(["--mode", "production", "--secrets-dir", "{root}/secrets"])
        .dir("secrets")
        .env("NEXIS_CORS_ALLOW_ORIGINS", "https://app.nexis.example")
}

#[test]
fn each_status_of_the_table_is_what_a_launch_of_that_kind_ends_with() {
    good().run().status(0);
    let refused = |launch: Launch, status: i32| {
        let outcome = launch.run();
        outcome.status(status).program_did_not_run();
        let row = |line: &&str| {
            let cell = line.strip_prefix("| ").and_then(|line| line.split(" |").next());
            cell.is_some_and(|cell| cell.split(", ").any(|it| it == status.to_string()))
        };
        assert!(section().lines().any(|line| row(&line)), "the section has no {status}");
        outcome.err()
    };
    let said = refused(production(), 78);
    assert!(said.contains("missing-required") && said.contains("explain JWT_SECRET"), "{said}");
    let said = refused(good().env("NEXIS_LAUNCH_AUDT_LOG", "x"), 64);
    assert!(said.contains("did you mean NEXIS_LAUNCH_AUDIT_LOG?"), "{said}");
    let contract = good().file("broken.yaml", "version: 1\nname: [\n");
    refused(contract.env("NEXIS_LAUNCH_CONTRACT", "{root}/broken.yaml"), 65);
    refused(good().env("NEXIS_LAUNCH_CONTRACT", "{root}/not-mounted.yaml"), 66);
    let unwritable = good().env("NEXIS_LAUNCH_AUDIT_LOG", "{root}/nowhere/audit.log");
    refused(unwritable.clone(), 73);
    unwritable.env("NEXIS_LAUNCH_AUDIT_REQUIRED", "false").run().status(0);
    refused(good().env("NEXIS_LAUNCH_USER", "nobody-of-that-name"), 77);
}

/// No environment variable stands for `--accept`; `report` starts without a key, and does not help
/// where a file is not there.
#[test]
fn the_ways_out_lead_where_they_are_said_to() {
    let text = section();
    assert!(text.contains("has no environment variable"));
    let outcome = good().env("NEXIS_LAUNCH_ACCEPT", "too-short:NEXIS_API_HMAC_SECRET").run();
    outcome.status(64).says("there is no such setting").program_did_not_run();
    let report = |launch: Launch| launch.env("NEXIS_LAUNCH_ENFORCE", "report").run();
    let outcome = report(production());
    outcome.status(0);
    assert!(!outcome.seen().names().contains(&"JWT_SECRET".to_owned()));
    let lacks = production().env("NEXIS_LAUNCH_CONTRACT", "{root}/not-mounted.yaml");
    report(lacks).status(66).program_did_not_run();
    let until = days_ahead(1);
    let accept = |code: &str| {
        let words = ["--accept", code, "--reason", "tonight", "--until", &until];
        let launch = Launch::witness(
            ["--mode", "production", "--secrets-dir", "{root}/secrets"].into_iter().chain(words),
        );
        launch
            .dir("secrets")
            .env("NEXIS_CORS_ALLOW_ORIGINS", "https://app.nexis.example")
            .file("secrets/nexis-api-hmac-secret", &SECRET[..24])
    };
    let short = accept("too-short:NEXIS_API_HMAC_SECRET");
    short.file("secrets/jwt-secret", SECRET).run().status(0);
    accept("missing-required:JWT_SECRET").run().status(64).program_did_not_run();
}
