//! `check --deployment`: deployment files held against the contract by names alone. The fixtures
//! in `tests/fixtures/deployment/faulty` have the faults of real deployments, those in `sound`
//! have none.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use serde_json::Value;
use std::path::{Path, PathBuf};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/deployment");

/// Every planted fault: file, line, code, severity (e or w), variable.
const FAULTS: &[(&str, u32, &str, char, &str)] = &[
    // By the environment, with defaults, past the launcher, under names that nothing reads.
    ("compose.yaml", 6, "blank-value", 'e', "JWT_SECRET"),
    ("compose.yaml", 6, "not-mapped", 'e', "NEXIS_JWT_SECRET"),
    ("compose.yaml", 7, "not-read-by-program", 'w', "NEXIS_DATABASE_PATH"),
    ("compose.yaml", 8, "not-read-by-program", 'w', "NEXIS_MAX_CONNECTIONS"),
    ("compose.yaml", 11, "missing-required", 'e', "NEXIS_CORS_ALLOW_ORIGINS"),
    ("compose.yaml", 13, "unpinned-image", 'w', ""),
    ("compose.yaml", 14, "launcher-missing", 'e', ""),
    ("compose.yaml", 17, "placeholder", 'e', "DATABASE_URL"),
    ("compose.yaml", 17, "not-read-by-program", 'w', "DATABASE_URL"),
    ("compose.yaml", 18, "plaintext-secret", 'e', "OPENAI_API_KEY"),
    ("compose.yaml", 19, "plaintext-secret", 'e', "NEXIS_WEBHOOK_SIGNING_KEY"),
    ("compose.yaml", 20, "unknown-variable", 'w', "NEXIS_LOG_LEVL"),
    ("compose.yaml", 21, "missing-required", 'e', "REDIS_URL"),
    ("compose.yaml", 23, "unpinned-image", 'w', ""),
    ("compose.yaml", 26, "secret-in-environment", 'w', "JWT_SECRET"),
    ("compose.yaml", 27, "secret-in-environment", 'w', "ANTHROPIC_API_KEY"),
    ("compose.yaml", 28, "unknown-variable", 'e', "NEXIS_LAUNCH_MANIFST"),
    ("compose.yaml", 31, "unknown-variable", 'w', "rediss-url"),
    // A ConfigMap, a Secret, and two pods.
    ("kubernetes.yaml", 7, "unknown-variable", 'w', "NEXIS_BIND_ADR"),
    ("kubernetes.yaml", 8, "not-read-by-program", 'w', "NEXIS_TLS_ENABLED"),
    ("kubernetes.yaml", 9, "plaintext-secret", 'e', "NEXIS_API_HMAC_SECRET"),
    ("kubernetes.yaml", 16, "placeholder", 'e', "JWT_SECRET"),
    ("kubernetes.yaml", 17, "unknown-variable", 'w', "nexis-encryption-kye"),
    ("kubernetes.yaml", 19, "placeholder", 'e', "GEMINI_API_KEY"),
    ("kubernetes.yaml", 20, "blank-value", 'w', "NEXIS_WEBHOOK_SIGNING_KEY"),
    ("kubernetes.yaml", 36, "service-links", 'w', ""),
    ("kubernetes.yaml", 37, "incomplete-template", 'e', "DATABASE_URL"),
    ("kubernetes.yaml", 38, "unpinned-image", 'w', ""),
    ("kubernetes.yaml", 39, "launcher-missing", 'e', ""),
    ("kubernetes.yaml", 44, "not-mapped", 'e', "NEXIS_JWT_SECRET"),
    ("kubernetes.yaml", 44, "secret-in-environment", 'w', "JWT_SECRET"),
    ("kubernetes.yaml", 49, "missing-required", 'e', "ANTHROPIC_API_KEY"),
    ("kubernetes.yaml", 52, "not-mapped", 'e', "NEXIS_DATABASE_HOST"),
    ("kubernetes.yaml", 54, "blank-value", 'e', "NEXIS_CORS_ALLOW_ORIGINS"),
    ("kubernetes.yaml", 69, "service-links", 'w', ""),
    ("kubernetes.yaml", 75, "missing-required", 'e', "JWT_SECRET"),
    // A rendered chart.
    ("helm.yaml", 9, "placeholder", 'e', "JWT_SECRET"),
    ("helm.yaml", 10, "placeholder", 'e', "DATABASE_URL"),
    ("helm.yaml", 23, "missing-required", 'e', "NEXIS_CORS_ALLOW_ORIGINS"),
    ("helm.yaml", 23, "mode-unset", 'w', ""),
    ("helm.yaml", 26, "secret-in-environment", 'w', "JWT_SECRET"),
    ("helm.yaml", 31, "not-read-by-program", 'w', "DATABASE_URL"),
    ("helm.yaml", 31, "secret-in-environment", 'w', "DATABASE_URL"),
    ("helm.yaml", 36, "not-read-by-program", 'w', "NEXIS_PROFILE"),
    ("helm.yaml", 38, "not-read-by-program", 'w', "NEXIS_SSO_ENABLED"),
    // A unit and its drop-in, which switches on what the unit does not supply.
    ("nexis-gateway.service", 4, "missing-required", 'e', "DATABASE_URL"),
    ("nexis-gateway.service", 4, "missing-required", 'e', "NEXIS_CORS_ALLOW_ORIGINS"),
    ("nexis-gateway.service", 4, "plaintext-secret", 'e', "JWT_SECRET"),
    ("nexis-gateway.service", 4, "not-mapped", 'e', "NEXIS_JWT_SECRET"),
    ("nexis-gateway.service", 5, "not-read-by-program", 'w', "NEXIS_AUDIT_LOG"),
    ("nexis-gateway.service", 7, "plaintext-secret", 'e', "NEXIS_API_HMAC_SECRET"),
    ("nexis-gateway.service", 8, "unknown-variable", 'w', "databse-url"),
    ("nexis-gateway.service", 9, "launcher-missing", 'e', ""),
    (
        "nexis-gateway.service.d/10-persistence.conf",
        3,
        "unknown-variable",
        'w',
        "NEXIS_LOG_FORMATT",
    ),
    // A template.
    (".env.example", 1, "missing-required", 'w', "NEXIS_CORS_ALLOW_ORIGINS"),
    (".env.example", 3, "placeholder", 'w', "JWT_SECRET"),
    (".env.example", 4, "plaintext-secret", 'e', "OPENAI_API_KEY"),
    (".env.example", 5, "not-read-by-program", 'w', "NEXIS_DATABASE_POOL_SIZE"),
    (".env.example", 6, "unknown-variable", 'w', "NEXIS_RATE_LIMT_RPM"),
    (".env.example", 7, "unknown-variable", 'w', "DATABASE_URI"),
];

/// The files below a directory of the fixtures, in order.
fn fixtures(directory: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![Path::new(FIXTURES).join(directory)];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    assert!(found.len() >= 5, "{found:?}");
    found
}

fn check(options: &[&str], files: &[PathBuf]) -> Launch {
    Launch::new().args(["check"]).args(options).args(["--deployment"]).args(files)
}

fn faulty(options: &[&str]) -> Launch {
    check(options, &fixtures("faulty"))
}

fn json(outcome: &Outcome) -> Value {
    assert_eq!(outcome.out().lines().count(), 1, "{outcome}");
    serde_json::from_str(&outcome.out()).expect("JSON")
}

/// File (its name below the fixtures), line, code, severity, variable.
fn findings(report: &Value) -> Vec<(String, u64, String, char, String)> {
    let faulty = format!("{FIXTURES}/faulty/");
    let text = |it: &Value, key: &str| it[key].as_str().unwrap_or_default().to_owned();
    let one = |it: &Value| {
        let file = text(it, "file").replace(&faulty, "");
        let severity = text(it, "severity").chars().next().unwrap();
        (file, it["line"].as_u64().unwrap(), text(it, "code"), severity, text(it, "variable"))
    };
    report["findings"].as_array().unwrap().iter().map(one).collect()
}

#[test]
fn every_planted_fault_is_found_and_nothing_else() {
    let outcome = faulty(&["--format", "json"]).run();
    outcome.status(78);
    let mut found = findings(&json(&outcome));
    let mut expected: Vec<_> = FAULTS
        .iter()
        .map(|&(file, line, code, severity, variable)| {
            (file.to_owned(), u64::from(line), code.to_owned(), severity, variable.to_owned())
        })
        .collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn the_planted_faults_are_of_every_code_that_only_files_have() {
    for code in [
        "plaintext-secret",
        "secret-in-environment",
        "not-mapped",
        "launcher-missing",
        "unpinned-image",
        "service-links",
    ] {
        assert!(FAULTS.iter().any(|fault| fault.2 == code), "{code}");
    }
}

#[test]
fn nothing_is_found_in_sound_files_together_or_alone() {
    let sound = fixtures("sound");
    let outcome = check(&["--strict", "--format", "json"], &sound).run();
    outcome.status(0);
    let report = json(&outcome);
    assert_eq!(report["findings"], Value::Array(Vec::new()), "{report:#}");
    assert_eq!(report["unseen"], Value::Array(Vec::new()), "{report:#}");
    assert_eq!(report["checked"].as_array().unwrap().len(), 6, "{report:#}");
    for path in sound.iter().filter(|path| !path.ends_with("nexis-gateway.service")) {
        let outcome = check(&["--strict"], std::slice::from_ref(path)).run();
        outcome.status(0).never_says("note:");
        assert!(outcome.out().ends_with("findings   0 errors, 0 warnings\n"), "{outcome}");
    }
}

#[test]
fn a_unit_without_its_drop_in_lacks_what_that_supplies() {
    let unit = PathBuf::from(format!("{FIXTURES}/sound/nexis-gateway.service"));
    let outcome = check(&["--format", "json"], &[unit]).run();
    outcome.status(78);
    let found = findings(&json(&outcome));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (found[0].2.as_str(), found[0].4.as_str()),
        ("missing-required", "NEXIS_CORS_ALLOW_ORIGINS")
    );
}

#[test]
fn no_value_of_a_file_is_shown_in_any_form() {
    let mut canaries = Vec::new();
    for path in fixtures("faulty").into_iter().chain(fixtures("sound")) {
        let text = std::fs::read_to_string(path).unwrap();
        let ends = |c: char| c.is_whitespace() || "\"'}],".contains(c);
        for (at, _) in text.match_indices("canary-") {
            canaries.push(text[at..].split(ends).next().unwrap().to_owned());
        }
    }
    assert!(canaries.len() >= 9, "{canaries:?}");
    let values =
        ["test_secret_key_that_is_long_enough", "your-secret-key", "Q0hBTkdFX01F", "canary-123"];
    for format in ["text", "json", "sarif", "github"] {
        let mut launch = faulty(&["--format", format, "-vvv"]);
        for value in canaries.iter().map(String::as_str).chain(values) {
            launch = launch.canary(value);
        }
        launch.run().status(78).no_canary();
    }
}

#[test]
fn text_begins_each_finding_with_file_and_line() {
    let out = faulty(&[]).run().out();
    let line = out.lines().find(|line| line.contains("blank-value: JWT_SECRET")).unwrap();
    assert_eq!(
        line,
        format!(
            "{FIXTURES}/faulty/compose.yaml:6: error: blank-value: JWT_SECRET is blank where the variable behind it is unset"
        )
    );
    assert!(out.contains("hint: did you mean NEXIS_LOG_LEVEL?"), "{out}");
    assert!(out.contains("hint: did you mean database-url?"), "{out}");
    let errors = FAULTS.iter().filter(|fault| fault.3 == 'e').count();
    let warnings = FAULTS.len() - errors;
    assert!(out.ends_with(&format!("findings   {errors} errors, {warnings} warnings\n")), "{out}");
}

#[test]
fn sarif_has_the_line_of_each_finding() {
    let outcome = faulty(&["--format", "sarif"]).run();
    let sarif: Value = serde_json::from_str(&outcome.status(78).out()).unwrap();
    let run = &sarif["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), FAULTS.len());
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for result in results {
        let place = &result["locations"][0]["physicalLocation"];
        let uri = place["artifactLocation"]["uri"].as_str().unwrap();
        let line = place["region"]["startLine"].as_u64().unwrap();
        let code = result["ruleId"].as_str().unwrap();
        assert!(rules.iter().any(|rule| rule["id"] == code), "{code}");
        let planted = |fault: &&(&str, u32, &str, char, &str)| {
            uri.ends_with(fault.0) && u64::from(fault.1) == line && fault.2 == code
        };
        assert!(FAULTS.iter().any(|fault| planted(&fault)), "{result:#}");
    }
}

#[test]
fn github_gets_the_line_of_each_finding() {
    let out = faulty(&["--format", "github"]).run().out();
    assert_eq!(out.lines().count(), FAULTS.len());
    let expected = "::error title=launcher-missing,file=";
    let line = out.lines().find(|line| line.starts_with(expected)).unwrap();
    assert!(line.contains(",line="), "{line}");
}

#[test]
fn every_form_of_json_is_valid() {
    let schema = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/deployment.schema.json"),
    );
    let schema: Value = serde_json::from_str(&schema.unwrap()).unwrap();
    assert_eq!(schema["$id"], "nexis-launch/deployment/v1");
    jsonschema::draft202012::meta::validate(&schema).map_err(|it| it.to_string()).unwrap();
    let schema = jsonschema::draft202012::new(&schema).unwrap();
    let unseen = Launch::new()
        .args(["check", "--format", "json", "--deployment", "{root}/compose.yaml"])
        .file("compose.yaml", "services: {a: {image: 'nexis-gateway:1', env_file: .env}}\n")
        .run();
    let unseen = json(unseen.status(0));
    assert_eq!(unseen["unseen"][0]["variables"][0], "JWT_SECRET");
    let sound = check(&["--format", "json"], &fixtures("sound")).run();
    for report in [json(&faulty(&["--format", "json"]).run()), json(&sound), unseen] {
        let errors: Vec<_> = schema.iter_errors(&report).map(|it| it.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}\n{report:#}");
        for place in ["", "/contract", "/launcher", "/findings/0", "/checked/0", "/unseen/0"] {
            let mut bad = report.clone();
            let Some(object) = bad.pointer_mut(place) else { continue };
            object.as_object_mut().unwrap().insert("value".to_owned(), "x".into());
            assert!(!schema.is_valid(&bad), "{place} takes another key");
        }
    }
}
