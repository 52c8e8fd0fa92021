//! `explain`: what is asked of a variable, where it was looked for, what won and why; or a code's
//! cause and mend (interface section 2).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use serde_json::Value;

fn explain(subject: &str) -> Launch {
    Launch::command("explain", ["--mode", "staging", subject])
}

/// The line of a source in the text.
fn line<'a>(text: &'a str, name: &str) -> &'a str {
    text.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{name} in {text}"))
}

#[test]
fn every_candidate_source_is_listed_in_order_with_its_fate() {
    let outcome = explain("JWT_SECRET")
        .env("NEXIS_JWT_SECRET", SECRET)
        .env("JWT_SECRET", "")
        .file("dir/jwt_secret", OTHER)
        .args(["--secrets-dir", "{root}/dir"])
        .canary(SECRET)
        .canary(OTHER)
        .run();
    outcome.no_canary();
    let text = outcome.out();
    let order = [
        "NEXIS_JWT_SECRET_FILE",
        " JWT_SECRET_FILE",
        "env         NEXIS_JWT_SECRET",
        "env         JWT_SECRET",
        "CREDENTIALS_DIRECTORY",
        "dir/jwt_secret",
    ];
    let places: Vec<_> =
        order.iter().map(|it| text.find(it).unwrap_or_else(|| panic!("{it} in\n{text}"))).collect();
    assert!(places.is_sorted(), "{text}");
    assert!(line(&text, "NEXIS_JWT_SECRET_FILE").contains("absent"));
    assert!(line(&text, "env         NEXIS_JWT_SECRET").contains("used"));
    assert!(line(&text, "env         JWT_SECRET").contains("blank"));
    assert!(line(&text, "dir/jwt_secret").contains("passed over"));
}

#[test]
fn a_blank_reference_is_one_source_and_not_absent_besides() {
    let text = explain("JWT_SECRET").env("JWT_SECRET_FILE", " ").run().out();
    let lines: Vec<&str> = text.lines().filter(|it| it.contains(" JWT_SECRET_FILE ")).collect();
    assert!(matches!(lines[..], [line] if line.contains("passed over: blank")), "{text}");
}

#[test]
fn what_is_asked_is_said() {
    let text = explain("JWT_SECRET").run().status(0).out();
    for word in
        ["32 bytes", "staging and production", "NEXIS_JWT_SECRET", "jwt-secret", "jwt-signing"]
    {
        assert!(text.contains(word), "{word} in\n{text}");
    }
    let text = explain("DATABASE_URL").run().status(0).out();
    for word in ["persistence", "postgres", "NEXIS_DATABASE_HOST"] {
        assert!(text.contains(word), "{word} in\n{text}");
    }
}

#[test]
fn an_alias_explains_its_variable() {
    let text = explain("NEXIS_JWT_SECRET").run().status(0).out();
    assert!(text.contains("JWT_SECRET:"), "{text}");
}

#[test]
fn json_says_the_same() {
    let outcome =
        Launch::command("explain", ["--format", "json", "--mode", "staging", "JWT_SECRET"])
            .env("JWT_SECRET", SECRET)
            .canary(SECRET)
            .run();
    outcome.status(0).no_canary();
    let explained: Value = serde_json::from_str(&outcome.out()).expect("JSON");
    let variable = &explained["variables"][0];
    assert_eq!(variable["name"], "JWT_SECRET");
    let used: Vec<_> =
        variable["sources"].as_array().unwrap().iter().filter(|it| it["used"] == true).collect();
    assert_eq!(used.len(), 1, "{variable}");
    assert_eq!(used[0]["name"], "JWT_SECRET");
}

#[test]
fn without_a_subject_every_variable_is_explained() {
    let text = Launch::command("explain", ["--mode", "staging"]).run().out();
    for name in ["JWT_SECRET:", "DATABASE_URL:", "NEXIS_LOG_SPANS:", "NEXIS_ENCRYPTION_KEY:"] {
        assert!(text.contains(name), "{name}");
    }
}

#[test]
fn a_code_says_cause_mend_and_severities() {
    let text = Launch::command("explain", ["low-entropy"]).run().status(0).out();
    for word in ["low-entropy", "10 distinct bytes", "generate", "warning in development", "78"] {
        assert!(text.contains(word), "{word} in\n{text}");
    }
}

#[test]
fn an_unknown_subject_is_64_with_the_nearest() {
    Launch::command("explain", ["JWT_SECRT"]).run().status(64).says("JWT_SECRET");
    Launch::command("explain", ["too-shrt"]).run().status(64).says("too-short");
    let outcome = Launch::command("explain", ["NOTHING_LIKE_IT_AT_ALL"]).run();
    outcome.status(64);
    assert_eq!(outcome.out(), "");
}

#[test]
fn a_name_that_the_program_does_not_read_is_explained_as_that() {
    let outcome = Launch::command("explain", ["NEXIS_DATABASE_PATH"]).run();
    assert!(outcome.out().contains("not read"), "{outcome}");
    assert!(outcome.out().contains("durable"), "{outcome}");
    let words = ["NEXIS_DATABASE_PATH", "--format", "json"];
    let outcome = Launch::command("explain", words).run();
    let told: Value = serde_json::from_str(&outcome.status(0).out()).expect("JSON");
    assert_eq!(told["name"], "NEXIS_DATABASE_PATH");
    assert!(told["not_read"].as_str().unwrap().contains("durable"), "{told}");
}

#[test]
fn a_default_is_listed_where_another_source_has_the_value() {
    let explain = || {
        Launch::command("explain", ["A", "--contract", "{root}/own.yaml"])
            .file("own.yaml", "version: 1\nname: own\nvariables:\n  - {name: A, default: '42'}\n")
    };
    let text = explain().env("A", "43").run().status(0).out();
    assert!(line(&text, "default").ends_with("passed over: another source has a value"), "{text}");
    let text = explain().run().status(0).out();
    assert!(line(&text, "default").ends_with("used") && !text.contains("another source"), "{text}");
}

#[test]
fn nothing_is_generated_or_written() {
    let outcome = Launch::command("explain", ["--mode", "development", "JWT_SECRET"]).run();
    outcome.status(0);
    assert!(outcome.out().contains("generator"), "{outcome}");
    assert_eq!(outcome.err(), "");
}
