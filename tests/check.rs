//! `check`: the same without the exec; its status is the verdict (interface section 2).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use serde_json::Value;

fn check<'a>(options: impl IntoIterator<Item = &'a str>) -> Launch {
    Launch::command("check", ["--mode", "production"]).args(options)
}

#[test]
fn text_goes_to_standard_output_and_nothing_else_does() {
    let outcome = check([]).requirements().canary(SECRET).run();
    outcome.status(0).no_canary();
    assert!(outcome.out().contains("JWT_SECRET"), "{outcome}");
    assert_eq!(outcome.err(), "");
}

#[test]
fn json_is_the_manifest_with_the_outcome_checked() {
    let outcome = check(["--format", "json"]).requirements().run();
    outcome.status(0);
    let manifests = Outcome::manifests_in(&outcome.out());
    assert_eq!(manifests.len(), 1);
    assert_eq!(manifests[0]["outcome"], "checked");
    assert_eq!(outcome.out().lines().count(), 1);
}

#[test]
fn it_finds_what_run_would_find() {
    let faults = |launch: Launch| {
        launch
            .env("JWT_SECRET", "short")
            .env("NEXIS_LOG_LEVEL", "debug")
            .env("NEXIS_JWT_SECRT", "x")
    };
    let checked = faults(check(["--format", "json"])).run();
    let run = faults(Launch::witness(["--mode", "production"])).run();
    checked.status(78);
    run.status(78).program_did_not_run();
    assert_eq!(checked.findings(), run.findings());
}

#[test]
fn nothing_is_started() {
    let outcome = Launch::new()
        .args(["check", "--mode", "production", "--", "{witness}", "{dump}"])
        .requirements()
        .run();
    outcome.status(0).program_did_not_run();
}

#[test]
fn a_program_is_looked_for_only_where_it_is_named() {
    check([]).requirements().run().status(0);
    check(["--", "/no/such/program"]).requirements().run().status(127);
    check(["--", "/"]).requirements().run().status(126);
    let outcome = check(["--format", "json", "--", "/bin/true", SECRET]).requirements().run();
    outcome.status(78).error("secret-in-arguments", "JWT_SECRET");
}

#[test]
fn strict_lets_warnings_count() {
    let warned = |options: &[&'static str]| {
        check(options.iter().copied()).requirements().env("NEXIS_DATABASE_PATH", "/x").run()
    };
    warned(&[]).status(0);
    warned(&["--strict"]).status(78);
    check(["--strict"]).requirements().run().status(0);
}

#[test]
fn enforce_report_does_not_change_the_verdict() {
    check(["--enforce", "report"]).run().status(78);
}

#[test]
fn sarif_names_each_finding_once() {
    let outcome =
        check(["--format", "sarif"]).env("JWT_SECRET", "short").env("NEXIS_JWT_SECRT", "x").run();
    outcome.status(78);
    let sarif: Value = serde_json::from_str(&outcome.out()).expect("JSON");
    assert_eq!(sarif["version"], "2.1.0");
    assert!(sarif["$schema"].as_str().unwrap().contains("sarif"));
    let run = &sarif["runs"][0];
    assert_eq!(run["tool"]["driver"]["name"], "nexis-launch");
    let rules: Vec<_> = run["tool"]["driver"]["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["id"].clone())
        .collect();
    let results = run["results"].as_array().unwrap();
    let expected =
        [("too-short", "error"), ("missing-required", "error"), ("unknown-variable", "warning")];
    for (code, level) in expected {
        let found: Vec<_> = results.iter().filter(|it| it["ruleId"] == code).collect();
        assert_eq!(found.len(), 1, "{code} in {sarif}");
        assert_eq!(found[0]["level"], level);
        assert!(!found[0]["message"]["text"].as_str().unwrap().is_empty());
        assert!(rules.contains(&Value::from(code)), "rule {code} in {rules:?}");
    }
}

#[test]
fn sarif_without_findings_is_still_a_run() {
    let outcome = check(["--format", "sarif"]).requirements().run();
    let sarif: Value = serde_json::from_str(&outcome.status(0).out()).expect("JSON");
    assert_eq!(sarif["runs"][0]["results"].as_array().map(Vec::len), Some(0), "{sarif}");
}

#[test]
fn github_gets_one_workflow_command_a_finding() {
    let outcome = check(["--format", "github"])
        .env("JWT_SECRET", "short")
        .env("NEXIS_JWT_SECRT", "x")
        .raw_env("NEXIS_A%0A::error::forged\nx=1")
        .run();
    outcome.status(78);
    let out = outcome.out();
    for line in out.lines().filter(|line| line.starts_with("::")) {
        assert!(line.starts_with("::error") || line.starts_with("::warning"), "{line}");
        assert!(!line.starts_with("::error::forged"), "{out}");
    }
    let errors: Vec<_> = out.lines().filter(|line| line.starts_with("::error")).collect();
    assert!(
        errors.iter().any(|line| line.contains("too-short") && line.contains("JWT_SECRET")),
        "{out}"
    );
    assert!(errors.iter().any(|line| line.contains("NEXIS_CORS_ALLOW_ORIGINS")), "{out}");
    assert!(
        out.lines().any(|line| line.starts_with("::warning") && line.contains("NEXIS_JWT_SECRT")),
        "{out}"
    );
}

#[test]
fn the_manifest_goes_to_its_own_place_too_where_one_is_named() {
    let outcome = check(["--manifest-to", "{root}/m.json", "--audit-log", "{root}/audit.log"])
        .requirements()
        .run();
    outcome.status(0);
    assert_eq!(Outcome::manifests_in(&outcome.read("m.json"))[0]["outcome"], "checked");
}
