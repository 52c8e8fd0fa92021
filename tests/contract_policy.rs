//! The grammar of a policy, and that no file lifts what it extends (interface section 8).
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

use nexis_launch::contract::model::*;
use nexis_launch::contract::{self, builtin};
use nexis_launch::error::{Error, Status};
use nexis_launch::finding::{Code, Severity};
use nexis_launch::mode::{Mode, Modes};
use std::path::Path;

fn parse(text: &str) -> Result<Contract, Error> {
    contract::parse(text, Path::new("c.yaml"), Origin::File("c.yaml"))
}

/// The error of a policy that extends the built-in contract; its keys stand from line 5 on.
fn refused(policy: &str) -> Error {
    let text = format!("version: 1\nname: x\nextends: builtin:nexis-gateway\npolicy:\n{policy}\n");
    let error = parse(&text).expect_err(policy);
    assert_eq!(error.status, Status::Data, "{policy}");
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    error
}

#[test]
fn the_built_in_contract_has_the_windows_of_the_project() {
    let days = |class| builtin::CONTRACT.rotation_window(class);
    for class in ["jwt-signing", "provider-api-key", "webhook-hmac", "database"] {
        assert_eq!(days(class), Some(90), "{class}");
    }
    assert_eq!(days("encryption"), Some(180));
    assert_eq!(days("ci-token"), None);
    // Every class of its rows has one.
    for class in builtin::CONTRACT.rows.iter().filter_map(|row| row.class) {
        assert!(days(class).is_some(), "{class}");
    }
}

#[test]
fn the_documented_policy_is_read() {
    let contract = parse(
        "version: 1
name: my-gateway
extends: builtin:nexis-gateway
policy:
  rotation: {jwt-signing: 30d, encryption: 90d, ci-token: 7d}
  severity: {unknown-variable: error, too-short: {development: error}}
  forbid: [GEMINI_API_KEY, 'AWS_*']
  modes: [production]
  enforce: refuse
  accept: never
  features_off: [gemini]
  acknowledge: [{code: not-read-by-program, variable: NEXIS_DATABASE_PATH, reason: set by the base image, until: 2027-01-31}]
",
    )
    .unwrap();
    assert_eq!(contract.rotation_window("jwt-signing"), Some(30));
    assert_eq!(contract.rotation_window("encryption"), Some(90));
    assert_eq!(contract.rotation_window("ci-token"), Some(7));
    assert_eq!(contract.rotation_window("database"), Some(90));
    let policy = contract.policy;
    assert_eq!(policy.severity(Code::UnknownVariable, Mode::Staging), Some(Severity::Error));
    assert_eq!(policy.severity(Code::TooShort, Mode::Development), Some(Severity::Error));
    assert_eq!(policy.severity(Code::TooShort, Mode::Production), None);
    assert!(policy.forbids(b"GEMINI_API_KEY") && policy.forbids(b"AWS_X"));
    assert!(!policy.forbids(b"GEMINI_API_KEY2") && !policy.forbids(b"AW"));
    assert_eq!(policy.modes, Modes::NONE.with(Mode::Production));
    assert!(policy.no_report && policy.no_accept);
    let feature = policy.features_off[0];
    assert_eq!(contract.features[usize::from(feature.0)].name, "gemini");
    let known = policy.acknowledge[0];
    assert_eq!((known.code, known.variable), (Code::NotReadByProgram, Some("NEXIS_DATABASE_PATH")));
    assert_eq!((known.reason, known.until), ("set by the base image", "2027-01-31"));
    // What is shown is read again, as YAML and as JSON.
    for shown in [contract::show(&contract), contract::json(&contract)] {
        let again = parse(&shown).unwrap_or_else(|error| panic!("{error}\n{shown}"));
        assert_eq!(format!("{:?}", again.policy), format!("{policy:?}"));
    }
}

#[test]
fn looser_is_refused_and_names_both_values() {
    for (policy, message) in [
        (
            "  rotation: {jwt-signing: 120d}",
            "policy: rotation of jwt-signing 120d is looser than 90d",
        ),
        (
            "  rotation: {encryption: 181d}",
            "policy: rotation of encryption 181d is looser than 180d",
        ),
        (
            "  severity: {missing-required: warning}",
            "policy: severity of missing-required in development warning is looser than error",
        ),
        (
            "  severity: {placeholder: {production: warning}}",
            "policy: severity of placeholder in production warning is looser than error",
        ),
    ] {
        let error = refused(policy);
        let expected = format!("line 5: {message} in the contract it extends");
        assert!(error.message.contains(&expected), "{policy}\n{}", error.message);
    }
}

/// A chain of files in a directory of its own; the error of the last.
fn chain(name: &str, base: &str, top: &str) -> Result<&'static Contract, Error> {
    let dir = std::env::temp_dir().join(format!("nexis-policy-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("base.yaml"), format!("version: 1\nname: base\n{base}\n")).unwrap();
    let path = dir.join("top.yaml");
    std::fs::write(&path, format!("version: 1\nextends: base.yaml\n{top}\n")).unwrap();
    let loaded = contract::load(Some(&path));
    std::fs::remove_dir_all(&dir).unwrap();
    loaded
}

#[test]
fn no_file_lifts_the_policy_that_it_extends() {
    let cases: &[(&str, &str, &str)] = &[
        (
            "policy: {modes: [production]}",
            "policy: {modes: [staging, production]}",
            "policy: modes [staging, production] is looser than [production]",
        ),
        (
            "policy: {modes: [production]}",
            "policy: {modes: always}",
            "policy: modes [development, staging, production] is looser than [production]",
        ),
        (
            "policy: {enforce: refuse}",
            "policy: {enforce: report}",
            "policy: enforce report is looser than refuse",
        ),
        (
            "policy: {accept: never}",
            "policy: {accept: allow}",
            "policy: accept allow is looser than never",
        ),
        (
            "policy: {rotation: {x: 5d}}",
            "policy: {rotation: {x: 6d}}",
            "policy: rotation of x 6d is looser than 5d",
        ),
        (
            "policy: {severity: {unknown-variable: error}}",
            "policy: {severity: {unknown-variable: warning}}",
            "severity of unknown-variable in development warning is looser than error",
        ),
        // A row is no way round the policy.
        (
            "variables: [{name: A}]\npolicy: {severity: {insecure-transport: error}}",
            "variables: [{name: A, severity: {insecure-transport: {production: warning}}}]",
            "A: severity of insecure-transport in production warning is looser than error",
        ),
        // Off lifts what is required.
        (
            "variables: [{name: A, secret: true, required: [production], feature: f}]\nfeatures: [{name: f}]",
            "policy: {features_off: [f]}",
            "policy: features_off f off is looser than A required",
        ),
    ];
    for (number, (base, top, message)) in cases.iter().enumerate() {
        let error = chain(&number.to_string(), base, top).expect_err(top);
        assert_eq!(error.status, Status::Data, "{top}");
        assert!(error.message.contains(message), "{top}\n{}", error.message);
    }
    // What is not said stays.
    let base = "variables: [{name: A}]\npolicy: {rotation: {x: 5d}, severity: {unknown-variable: error}, forbid: [B], modes: [production], enforce: refuse, accept: never}";
    let contract = chain("kept", base, "policy: {forbid: [C], rotation: {x: 4d}}").unwrap();
    let policy = contract.policy;
    assert_eq!(contract.rotation_window("x"), Some(4));
    assert_eq!(policy.forbid.0, ["B", "C"]);
    assert_eq!(policy.modes, Modes::NONE.with(Mode::Production));
    assert!(policy.no_report && policy.no_accept);
    assert_eq!(policy.severity(Code::UnknownVariable, Mode::Production), Some(Severity::Error));
}

#[test]
fn a_template_of_defaults_is_no_value_for_a_required_row() {
    let of = |template: &str, parts: &str| {
        parse(&format!(
            "version: 1\nname: x\nextends: builtin:nexis-gateway\nvariables:\n- {{name: JWT_SECRET, template: '{template}'}}\nparts:\n{parts}\n"
        ))
    };
    for (template, parts) in [
        ("{OUR_A}", "- {name: OUR_A, default: known-to-everybody-who-reads-this-file}"),
        // The mode is always known, and so is all that is made of it.
        ("known-to-everybody-in-{NEXIS_ENV}", "- {name: OUR_A}"),
        ("{OUR_A}", "- {name: OUR_A, template: 'known-to-everybody-in-{NEXIS_ENV}'}"),
        (
            "{OUR_A}-{OUR_B}[{OUR_C}]",
            "- {name: OUR_A, default: x}\n- {name: OUR_B, template: 'y{OUR_A}'}\n- {name: OUR_C}",
        ),
    ] {
        let error = of(template, parts).unwrap_err();
        let expected = "line 5: JWT_SECRET: template a value is looser than a required one";
        assert!(error.message.contains(expected), "{template}\n{error}");
    }
    // One part that a source has to hold is enough.
    of("{OUR_A}-{OUR_B}", "- {name: OUR_A, default: x}\n- {name: OUR_B, secret: true}").unwrap();
}

#[test]
fn broken_policies_are_refused_with_line_and_cause() {
    for (policy, message, hint) in [
        ("  rotations: {}", "line 5: unknown key rotations", "did you mean rotation?"),
        ("  rotation: {jwt-signing: 30}", "line 5: rotation: expected days", ""),
        ("  rotation: {jwt-signing: 0d}", "line 5: rotation: expected days", ""),
        ("  rotation: {jwt-signing: canary d}", "line 5: rotation: expected days", ""),
        ("  rotation: {'canary 7': 30d}", "line 5: rotation: expected the name of a class", ""),
        ("  severity: {unknown-varable: error}", "line 5: unknown code", "unknown-variable?"),
        ("  severity: {unknown-variable: none}", "severity: expected one of warning, error", ""),
        ("  forbid: ['canary 7']", "line 5: forbid: expected a name", ""),
        ("  forbid: [NEXIS_LAUNCH_ENFORCE]", "line 5: forbid: NEXIS_LAUNCH_*", ""),
        ("  modes: []", "line 5: modes: expected at least one mode", ""),
        ("  modes: [prod]", "line 5: modes: expected one of development", ""),
        ("  enforce: canary", "line 5: enforce: expected one of refuse, report", ""),
        ("  accept: nevr", "line 5: accept: expected one of never, allow", "did you mean never?"),
        ("  features_off: [gemni]", "gemni is no feature of the contract", "did you mean gemini?"),
    ] {
        let error = refused(policy);
        assert!(error.message.contains(message), "{policy}\n{}", error.message);
        assert!(error.hint.clone().unwrap_or_default().contains(hint), "{policy}\n{error:?}");
    }
    let acknowledge = |text: &str| refused(&format!("  acknowledge:\n  - {{{text}}}"));
    for (text, message, hint) in [
        (
            "code: not-read-by-progam, variable: A, reason: r, until: 2027-01-31",
            "line 6: unknown code",
            "did you mean not-read-by-program?",
        ),
        (
            "code: not-read-by-program, variable: NEXIS_DATABASE_PAHT, reason: r, until: 2027-01-31",
            "line 6: acknowledge: NEXIS_DATABASE_PAHT is no name of the contract",
            "did you mean NEXIS_DATABASE_PATH?",
        ),
        (
            "code: unknown-variable, variable: JWT_SECRET, reason: r, until: 2027-01-31",
            "JWT_SECRET is a name of the contract, so never unknown-variable",
            "",
        ),
        // Errors, in every mode or in one.
        (
            "code: missing-required, variable: JWT_SECRET, reason: r, until: 2027-01-31",
            "acknowledge: missing-required of JWT_SECRET is an error in development",
            "only warnings are acknowledged",
        ),
        (
            "code: too-short, variable: JWT_SECRET, reason: r, until: 2027-01-31",
            "acknowledge: too-short of JWT_SECRET is an error in staging",
            "",
        ),
        (
            "code: blank-value, variable: NEXIS_API_HMAC_SECRET, reason: r, until: 2027-01-31",
            "blank-value of NEXIS_API_HMAC_SECRET is an error",
            "",
        ),
        ("code: unknown-variable, variable: A, until: 2027-01-31", "reason is absent", ""),
        (
            "code: unknown-variable, variable: A, reason: ' ', until: 2027-01-31",
            "expected a reason",
            "",
        ),
        ("code: unknown-variable, variable: A, reason: r", "until is absent", ""),
        (
            "code: unknown-variable, variable: A, reason: r, until: canary",
            "until: expected a day as YYYY-MM-DD",
            "",
        ),
        (
            "code: unknown-variable, variable: A, reason: r, until: 2027-02-30",
            "until: expected a day as YYYY-MM-DD",
            "",
        ),
    ] {
        let error = acknowledge(text);
        assert!(error.message.contains(message), "{text}\n{}", error.message);
        assert!(error.hint.clone().unwrap_or_default().contains(hint), "{text}\n{error:?}");
    }
    // Raised to an error by the same policy, and said twice.
    let one = "{code: unknown-variable, variable: A, reason: r, until: 2027-01-31}";
    let raised = format!("  severity: {{unknown-variable: error}}\n  acknowledge: [{one}]");
    let error = refused(&raised);
    assert!(error.message.contains("unknown-variable of A is an error in development"), "{error}");
    let error = refused(&format!("  acknowledge: [{one}, {one}]"));
    assert!(error.message.contains("stands here a second time"), "{error}");
}

#[test]
fn a_blank_value_that_nobody_requires_can_be_acknowledged() {
    let text = "version: 1\nname: x\nextends: builtin:nexis-gateway\npolicy:\n  acknowledge:\n  - {code: blank-value, variable: NEXIS_CSP_POLICY, reason: compose sets it, until: 2027-01-31}\n  - {code: mode-unset, reason: known, until: 2027-01-31}\n  - {code: undeclared-secret, variable: OUR_TOKEN, reason: base image, until: 2027-01-31}\n  - {code: undeclared-secret, variable: NEXIS_KMS_TOKEN, reason: not read, until: 2027-01-31}\n";
    assert_eq!(parse(text).unwrap().policy.acknowledge.len(), 4);
}

#[test]
fn lint_says_what_of_a_policy_is_probably_not_meant() {
    let dir = std::env::temp_dir().join(format!("nexis-policy-{}-lint", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join("lint.yaml");
    let rows = "- {name: A, purpose: p, read_by: x, required: [production]}\n- {name: B, purpose: p, read_by: x, default: x}\n- {name: C, purpose: p, read_by: x, feature: f, required: always}\n- {name: D, purpose: p, read_by: x, class: jwt-signing}\n";
    let policy = "policy: {rotation: {jwt-signng: 30d, ci-token: 7d}, forbid: [A, B, D], features_off: [f]}\n";
    let feature = "features: [{name: f, on: {variable: A, set: true}}]\n";
    std::fs::write(&path, format!("version: 1\nname: x\nvariables:\n{rows}{feature}{policy}"))
        .unwrap();
    let found = contract::lint(&path).unwrap().lines();
    std::fs::remove_dir_all(&dir).unwrap();
    let expected = [
        "policy: no variable is of class jwt-signng; jwt-signing is one",
        "line 4: A is forbidden and required",
        "line 5: B is forbidden and given a default",
        "line 6: C is required and of a feature that is off",
    ];
    assert_eq!(found, expected);
}
