//! What variables have to do with each other: one that another requires, one value twice, a part
//! that comes late (interface sections 3, 7 and 8).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

fn own(contract: &str) -> Launch {
    Launch::witness(["--mode", "production"])
        .contract(&format!("version: 1\nname: own\n{contract}"))
        .canary(SECRET)
        .canary(OTHER)
}

#[test]
fn one_that_others_require_names_each_of_them_once() {
    let condition = "{any: [{all: [{variable: A, set: true}, {not: {variable: B, set: true}}]}, \
                     {variable: A, equals: two}, {variable: C, set: true}]}";
    let rows = format!(
        "variables:\n  - {{name: A}}\n  - {{name: B}}\n  - {{name: C}}\n  - {{name: KEY, secret: \
         true, required_when: {condition}}}\n"
    );
    let outcome = own(&rows).env("A", "one").run();
    outcome.status(78).only_errors(&[("missing-required", "KEY")]).program_did_not_run();
    let message = outcome.finding_entry("missing-required", "KEY")["message"].clone();
    assert_eq!(message, "KEY is required by the setting of A, B and C, and absent");
    own(&rows).env("A", "one").env("B", "").run().status(78).program_did_not_run();
    let outcome = own(&rows).env("A", "one").env("B", "set").run();
    outcome.status(0).seen();
}

#[test]
fn settings_that_switch_a_feature_on_and_off_are_named_each_once() {
    let conflict = "{all: [{any: [{variable: A, equals: on}, {variable: B, equals: on}]}, {not: \
                    {any: [{variable: C, equals: on}, {variable: A, equals: always}]}}]}";
    let rows = format!(
        "variables:\n  - {{name: A}}\n  - {{name: B}}\n  - {{name: C}}\n  - {{name: F, feature: \
         f}}\nfeatures:\n  - {{name: f, off: {{variable: C, equals: off}}, conflicts: [{conflict}]}}\n"
    );
    for (a, named, first) in [("on", "A, B and C", "A"), ("off", "B, C and A", "B")] {
        let outcome = own(&rows).env("A", a).env("B", "on").env("C", "off").run();
        outcome.status(78).only_errors(&[("conflict", first)]).program_did_not_run();
        let entry = outcome.finding_entry("conflict", first);
        let expected = format!("feature f is switched on and off by {named}");
        assert_eq!(
            (&entry["message"], &entry["source"]["name"]),
            (&expected.into(), &first.into())
        );
    }
    own(&rows).env("A", "on").env("C", "on").run().status(0).no_finding("conflict").seen();
}

#[test]
fn a_value_under_two_secret_names_is_said_of_the_second_alone() {
    let rows = "variables:\n  - {name: ONE, secret: true}\n  - {name: TWO, secret: true}\n  - \
                {name: OPEN}\n  - {name: ALSO_OPEN}\n";
    let outcome = own(rows).env("ONE", SECRET).env("TWO", SECRET).run();
    outcome.status(78).only_errors(&[("secret-reused", "TWO")]).program_did_not_run();
    let outcome = own(rows).env("OPEN", "the same text").env("ALSO_OPEN", "the same text").run();
    outcome.status(0).no_finding("secret-reused").seen();
}

#[test]
fn a_password_in_two_urls_is_reused_and_one_twice_in_its_own_is_not() {
    let url = |host: &str| format!("postgres://app:{OTHER}@{host}/d?sslmode=verify-full");
    let rows = "variables:\n  - {name: ONE, secret: true, format: {kind: url}}\n  - {name: TWO, \
                secret: true, format: {kind: url}}\n";
    let outcome = own(rows).env("ONE", url("a.internal")).env("TWO", url("b.internal")).run();
    outcome.status(78).only_errors(&[("secret-reused", "TWO")]).program_did_not_run();
    let twice = url("a.internal") + "&password=" + OTHER;
    let outcome = own(rows).env("ONE", twice).run();
    outcome.no_finding("secret-reused").no_canary();
    // A part stands in the URL that it feeds.
    let rows = "variables:\n  - name: ONE\n    secret: true\n    format: {kind: url}\n    template: \
                'postgres://app:{PW}@h/d?sslmode=verify-full'\nparts:\n  - {name: PW, secret: true}\n";
    let outcome = own(rows).env("PW", OTHER).run();
    outcome.status(0).no_finding("secret-reused").no_canary().seen();
}

#[test]
fn what_a_template_composes_of_a_variable_is_not_its_value_reused() {
    let rows = "variables:\n  - {name: URL, secret: true, format: {kind: url}, template: \
                'postgres://app:{PW}@h/d?sslmode=verify-full'}\n  - {name: PW, secret: true}\n  - \
                {name: SAME, secret: true, template: '{PW}'}\n  - {name: LAST, secret: true}\n";
    let outcome = own(rows).env("PW", OTHER).run();
    outcome.status(0).no_finding("secret-reused").no_canary().seen();
    // Who sets the value once more has it under two names.
    let outcome = own(rows).env("PW", OTHER).env("LAST", OTHER).run();
    outcome.status(78).only_errors(&[("secret-reused", "LAST")]).program_did_not_run();
    let url = format!("postgres://app:{OTHER}@h/d?sslmode=verify-full");
    let outcome = own(rows).env("PW", OTHER).env("URL", url).run();
    outcome.status(78).error("secret-reused", "PW").program_did_not_run();
}

#[test]
fn a_template_is_composed_anew_with_what_a_provider_gives() {
    let outcome =
        own("variables:\n  - {name: URL, template: 'http://{HOST}:{PORT}/x'}\n  - {name: PORT}\n  - {name: HOST, \
                       default: localhost, provider: store}\nproviders:\n  - {name: store, \
                       command: [/usr/bin/printf, db.internal], format: raw}\n")
        .env("PORT", "80").run();
    let seen = outcome.status(0).no_finding("conflict").seen();
    assert_eq!(seen.text("HOST").unwrap(), "db.internal");
    assert_eq!(seen.text("URL").unwrap(), "http://db.internal:80/x");
}

#[test]
fn one_that_is_delivered_as_a_file_and_has_one_is_there() {
    let rows = "variables:\n  - {name: PEM, secret: true, deliver: file, required: always, \
                severity: {no-file-to-deliver: warning}}\n";
    let launch = own(rows).file("secrets/PEM", format!("certificate {SECRET}"));
    let outcome = launch.options(["--secrets-dir", "{root}/secrets"]).run();
    let seen = outcome.status(0).no_errors().seen();
    assert!(seen.text("PEM_FILE").unwrap().ends_with("secrets/PEM"));
    assert_eq!(seen.text("PEM"), None);
    let outcome = own(rows).env("PEM", format!("certificate {SECRET}")).run();
    outcome.status(78).program_did_not_run().no_canary();
}

#[test]
fn a_password_in_a_template_is_shown_nowhere() {
    for row in ["secret: true, ", ""] {
        let rows = format!(
            "variables:\n  - {{name: URL, {row}template: 'https://svc:{OTHER}@{{HOST}}/x'}}\nparts:\n  \
             - {{name: HOST}}\n"
        );
        for host in [&["h.example"][..], &[]] {
            for form in ["text", "json"] {
                let mut launch =
                    own(&rows).options(["--manifest", form, "--audit-log", "{root}/log"]);
                let mut explain = Launch::command("explain", ["URL"])
                    .file("contract.yaml", format!("version: 1\nname: own\n{rows}"))
                    .options(["--contract", "{root}/contract.yaml"])
                    .canary(OTHER);
                for host in host {
                    launch = launch.env("HOST", host);
                    explain = explain.env("HOST", host);
                }
                launch.run().status(0).no_canary().seen();
                let outcome = explain.run();
                assert!(outcome.no_canary().out().contains("[redacted"), "{outcome}");
            }
        }
    }
}

#[test]
fn no_text_of_a_secrets_template_is_shown_wherever_it_stands() {
    for template in [
        "host={HOST} user=app password=",
        "https://{HOST}/hook/",
        "https://{HOST}/x?a=b&password=",
        "https://{HOST}/{ON?x:",
    ] {
        let end = if template.ends_with(':') { "}" } else { "" };
        let rows = format!(
            "variables:\n  - {{name: URL, secret: true, template: '{template}{OTHER}{end}'}}\nparts:\n  \
             - {{name: HOST}}\n  - {{name: ON, format: {{kind: flag}}}}\n"
        );
        for form in ["text", "json"] {
            let options = ["--manifest", form, "--audit-log", "{root}/log"];
            let launch = own(&rows).options(options).env("HOST", "h.example").env("ON", "no");
            launch.run().status(0).no_canary().seen();
            for host in [&["h.example"][..], &[]] {
                let mut explain = Launch::command("explain", ["URL"])
                    .file("contract.yaml", format!("version: 1\nname: own\n{rows}"))
                    .options(["--contract", "{root}/contract.yaml", "--format", form])
                    .canary(OTHER);
                for host in host {
                    explain = explain.env("HOST", host);
                }
                let outcome = explain.run();
                outcome.status(0).no_canary();
                assert!(outcome.out().contains("{HOST"), "{outcome}");
            }
        }
    }
}

#[test]
fn a_template_that_lacks_a_part_is_said_to_where_there_is_a_default() {
    let rows = "variables:\n  - {name: URL, template: 'http://{HOST}:{PORT}/', default: \
                'http://none/'}\nparts:\n  - {name: HOST}\n  - {name: PORT}\n";
    let outcome = own(rows).env("HOST", "h").run();
    outcome.finding("incomplete-template", "URL");
    let seen = own(rows).env("HOST", "h").env("PORT", "1").run().status(0).seen();
    assert_eq!(seen.text("URL").unwrap(), "http://h:1/");
}
