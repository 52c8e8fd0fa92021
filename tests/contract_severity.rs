//! What a row of a contract may make of the severities of the table.

mod common;

use common::Launch;

/// A contract from nothing with this row.
fn contract(row: &str) -> String {
    format!("version: 1\nname: own\nvariables:\n- {{name: KEY, {row}}}\n")
}

#[test]
fn no_row_lowers_an_error_that_is_never_accepted() {
    for (row, lowered) in [
        ("severity: {value-revoked: warning}", "value-revoked from error to warning in every mode"),
        (
            "severity: {insecure-contract: {production: none}}",
            "insecure-contract from error to none in production",
        ),
        ("severity: {mode-forbidden: none}", "mode-forbidden from error to none in every mode"),
        ("severity: {ledger-invalid: warning}", "ledger-invalid from error to warning"),
        (
            "secret: true, severity: {missing-required: {staging: warning, production: warning}}",
            "missing-required from error to warning in staging and production",
        ),
        ("secret: true, severity: {blank-value: none}", "blank-value from error to none"),
    ] {
        let outcome = Launch::witness(["--mode", "production"]).contract(&contract(row)).run();
        outcome.status(65).program_did_not_run();
        outcome.says(&format!("line 4: KEY: severity lowers {lowered}")).says("never accepted");
    }
    // Nor a row of its own in a contract that extends another.
    let own = "version: 1\nextends: builtin:nexis-gateway\nvariables:\n- {name: KEY, secret: true, severity: {value-revoked: warning}}\n";
    let outcome = Launch::sound("production").contract(own).run();
    outcome.status(65).says("KEY: severity lowers value-revoked").program_did_not_run();
}

#[test]
fn a_row_may_lower_what_can_be_accepted_and_raise_anything() {
    for row in [
        "severity: {missing-required: warning}, required: always",
        "secret: true, severity: {unresolved-reference: none, provider-failed: warning}",
        "secret: true, severity: {value-revoked: error, value-exposed: error, blank-value: error}",
        "severity: {mode-unset: {production: error}, not-in-ledger: error}",
    ] {
        let outcome = Launch::witness(["--mode", "production"]).contract(&contract(row)).run();
        outcome.status(0).seen();
    }
}

#[test]
fn lint_says_each_severity_that_a_row_lowers() {
    let lint = |text: &str| {
        let lint = Launch::command("contract", ["lint", "{root}/contract.yaml"]);
        lint.file("contract.yaml", text).run().status(0).out()
    };
    let row = "purpose: p, read_by: x, severity: {placeholder: none, bad-format: {production: warning}, too-short: error}";
    assert_eq!(
        lint(&contract(row)),
        "line 4: KEY lowers bad-format from error to warning in production\n\
         line 4: KEY lowers placeholder from error to none in staging and production\n\
         line 4: KEY lowers placeholder from warning to none in development\n"
    );
    // What the policy raises again is not lowered, and raising is nobody's mistake.
    let policy = "policy: {severity: {placeholder: error, bad-format: error}}\n";
    assert_eq!(lint(&format!("{}{policy}", contract(row))), "");
    // What the built-in lowers of its own row is not the doing of a row that adds to it.
    let own = "version: 1\nextends: builtin:nexis-gateway\nvariables:\n- {name: RUST_LOG, purpose: p, read_by: x}\n";
    assert_eq!(lint(own), "");
}
