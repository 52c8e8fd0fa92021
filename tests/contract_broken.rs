//! Contracts that are refused: the line, the cause, and never a value of the file.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

use nexis_launch::contract;
use nexis_launch::contract::model::*;
use nexis_launch::error::{Error, Status};
use std::path::Path;

fn parse(text: &str) -> Result<Contract, Error> {
    contract::parse(text, Path::new("c.yaml"), Origin::File("c.yaml"))
}

/// The error of `text`. A text with `canary` in it stands wherever a value could, and no message
/// may hold it.
fn refused(text: &str) -> Error {
    match parse(text) {
        Ok(_) => panic!("was taken:\n{text}"),
        Err(error) => {
            let all = format!("{error:?}");
            assert!(!all.contains("canary"), "echoed a value: {all}");
            error
        }
    }
}

const EXTENDS: &str = "version: 1\nname: mine\nextends: builtin:nexis-gateway\n";

/// Whatever else such a row has would do nothing.
#[test]
fn a_row_of_kind_mode_has_nothing_but_its_names_and_is_the_only_one() {
    let whole = "kind mode is for a variable that is no secret and no part, without length or \
                 prefix, template, default, files, feature and provider";
    for keys in [
        "default: development",
        "files: [mode]",
        "secret: true, class: c",
        "template: 'x{B}'",
        "format: {kind: mode, min_bytes: 4}",
        "format: {kind: mode, prefix: p}",
    ] {
        let format = if keys.starts_with("format") { "" } else { "format: {kind: mode}, " };
        let text = format!(
            "version: 1\nname: c\nvariables:\n  - {{name: B, default: b}}\n  - {{name: A, {format}{keys}}}\n"
        );
        let message = refused(&text).message;
        assert!(message.contains(&format!("line 5: A: {whole}")), "{keys}: {message}");
    }
    let part = "version: 1\nname: c\nparts:\n  - {name: A, format: {kind: mode}}\n";
    assert!(refused(part).message.contains(whole), "{}", refused(part).message);
    let two = "version: 1\nname: c\nvariables:\n  - {name: A, format: {kind: mode}}\n  - {name: B, format: {kind: mode}}\n";
    let message = refused(two).message;
    assert!(message.contains("line 5: B: A is of kind mode already"), "{message}");
    let more = format!("{EXTENDS}variables:\n  - {{name: APP_ENV, format: {{kind: mode}}}}\n");
    let message = refused(&more).message;
    assert!(message.contains("APP_ENV: NEXIS_ENV is of kind mode already"), "{message}");
    let more = format!("{EXTENDS}variables:\n  - {{name: NEXIS_ENV, default: staging}}\n");
    assert!(refused(&more).message.contains(whole), "{}", refused(&more).message);
}

#[test]
fn broken_contracts_are_refused_with_line_and_cause() {
    let cases: &[(&str, &str, &str)] = &[
        ("", "expected a mapping", ""),
        ("canary/7Qx$ value", "line 1: expected a mapping", ""),
        ("name: x", "line 1: version is absent", "write version: 1"),
        ("version: 2\nname: x", "line 1: version: expected 1", ""),
        ("version: canary/7Qx$ value\nname: x", "line 1: version: expected 1", ""),
        ("version: 1", "line 1: name is absent", ""),
        ("version: 1\nname: canary/7Qx$ value", "line 2: name: expected a word", ""),
        (
            "version: 1\nname: x\nvaribles: []",
            "line 3: unknown key varibles",
            "did you mean variables?",
        ),
        ("version: 1\nname: x\ncanary/7Qx$ value: 1", "line 3: unknown key", ""),
        (
            "version: 1\nname: x\nname: y",
            "line 3: name stands here a second time; the first is in line 2",
            "",
        ),
        (
            "version: 1\nname: x\nmode_names: {a: staging,\n  a: production}",
            "line 4: a stands here a second time",
            "",
        ),
        (
            "version: 1\nname: x\nprogram: {a: /x,\n  a: /y}",
            "line 4: a stands here a second time",
            "",
        ),
        (
            "version: 1\nname: x\nprogram: {a: canary/7Qx$ value}",
            "line 3: program: expected link names",
            "",
        ),
        (
            "version: 1\nname: x\nmode_names: {a: canary/7Qx$ value}",
            "line 3: mode_names: expected one of development",
            "",
        ),
        (
            "version: 1\nname: x\nmode_names: {a: stagin}",
            "line 3: mode_names: expected one of",
            "did you mean staging?",
        ),
        (
            "version: 1\nname: x\nmode_names: {prod: staging}",
            "line 3: mode_names: prod is a mode already",
            "",
        ),
        (
            "version: 1\nname: x\ntrusted_owners: [-1]",
            "line 3: trusted_owners: expected a whole number from 0",
            "",
        ),
        ("version: 1\nname: x\npassthrough: ['*']", "line 3: passthrough: expected a name", ""),
        ("version: 1\nname: x\npolicy: []", "line 3: expected a mapping", ""),
        (
            "version: 1\nname: x\nextends: builtin:other",
            "line 3: extends: no built-in contract",
            "there is builtin:nexis-gateway",
        ),
        (
            "version: 1\nname: x\nextends: ../other.yaml",
            "line 3: extends: expected builtin:NAME or the name of a file beside",
            "",
        ),
        ("version: 1\nname: [", "not valid YAML", ""),
        ("version: 1\nname: \"canary/7Qx$ value", "not valid YAML", ""),
        ("version: 1\n---\nversion: 1\n", "expected one document", ""),
        ("version: 1\nname: !secret x\n", "tags are not allowed", ""),
        ("version: 1\nname: &a x\nburnt: [*a]\n", "aliases are not allowed", ""),
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n", "aliases are not allowed", ""),
        ("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", "nested too deeply", ""),
        ("? [a]\n: b\n", "expected a name as key", ""),
        ("1: b\n", "expected a name as key", ""),
    ];
    for (text, message, hint) in cases {
        let error = refused(text);
        assert_eq!(error.status, Status::Data, "{text}");
        assert!(error.message.starts_with("cannot read contract c.yaml"), "{}", error.message);
        assert!(error.message.contains(message), "{text}\n{}", error.message);
        assert!(error.hint.clone().unwrap_or_default().contains(hint), "{text}\n{:?}", error.hint);
    }
}

#[test]
fn broken_rows_are_refused_with_line_and_cause() {
    // Each stands from line 4 on.
    let cases: &[(&str, &str, &str)] = &[
        ("- {secret: true}", "line 4: name is absent", ""),
        ("- {name: 1A}", "line 4: name: expected the name of a variable", "letters, digits"),
        ("- {name: canary/7Qx$ value}", "line 4: name: expected the name of a variable", ""),
        (
            "- {name: NEXIS_LAUNCH_X}",
            "line 4: name: NEXIS_LAUNCH_* are the launcher's own names",
            "",
        ),
        ("- {name: A, aliases: [NEXIS_LAUNCH_MODE]}", "line 4: aliases: NEXIS_LAUNCH_*", ""),
        ("- name: A\n  aliasses: [B]", "line 5: unknown key aliasses", "did you mean aliases?"),
        ("- name: A\n  name: B", "line 5: name stands here a second time", ""),
        ("- name: A\n- name: A", "line 5: A has a second row", ""),
        ("- name: A\n  aliases: [B]\n- name: B", "line 6: B is claimed by A and B", ""),
        ("- name: A\n- name: B\n  aliases: [A_FILE]", "line 6: A_FILE is claimed by A and B", ""),
        (
            "- name: A\n- name: A_FILE",
            "line 5: A_FILE is claimed by A and A_FILE",
            "declare A_FILE alone",
        ),
        ("- name: A\n  aliases: [B, B]", "line 5: B stands twice among the names of A", ""),
        (
            "- name: A\n  files: [k]\n- name: B\n  files: [k]",
            "line 7: file k is claimed by A and B",
            "",
        ),
        ("- name: A_B\n- name: a_b", "line 5: file a_b is claimed by A_B and a_b", ""),
        ("- name: A\n  files: [/etc/x]", "line 5: files: expected a path relative", ""),
        ("- name: A\n  files: [a/../canary]", "line 5: files: expected a path relative", ""),
        ("- name: A\n  files: [..data/canary]", "line 5: files: expected a path relative", ""),
        ("- name: A\n  files: [a/..canary]", "line 5: files: expected a path relative", ""),
        ("- name: A\n  secret: yes", "line 5: secret: expected true or false", ""),
        ("- name: A\n  secret: canary/7Qx$ value", "line 5: secret: expected true or false", ""),
        (
            "- name: A\n  secret: true\n  default: canary/7Qx$ value",
            "line 6: A: a secret cannot have a default",
            "",
        ),
        ("- name: A\n  default: 42", "line 5: default: expected text", "put it in quotes"),
        (
            "- name: A\n  format: {kind: flag}\n  default: canary/7Qx$ value",
            "line 6: A: the default is not what its format allows",
            "",
        ),
        (
            "- name: A\n  format: {kind: integer, max: 9}\n  default: '10'",
            "line 6: A: the default is not",
            "",
        ),
        (
            "- name: A\n  format: {kind: enum, values: [x]}\n  default: canary/7Qx$ value",
            "line 6: A: the default is not",
            "",
        ),
        ("- name: A\n  format: {kind: enum}", "line 5: A: kind enum needs values", ""),
        (
            "- name: A\n  format: {kind: integer, min: 5, max: 2}",
            "line 5: A: min 5 is more than max 2",
            "",
        ),
        (
            "- name: A\n  format: {min_bytes: 5, max_bytes: 2}",
            "line 5: A: min_bytes 5 is more than max_bytes 2",
            "",
        ),
        (
            "- name: A\n  format: {kind: text, schemes: [https]}",
            "line 5: A: kind text has no schemes",
            "",
        ),
        (
            "- name: A\n  format: {kind: canary/7Qx$ value}",
            "line 5: kind: expected one of text, ascii",
            "",
        ),
        (
            "- name: A\n  format:\n    kind: hexx",
            "line 6: kind: expected one of",
            "did you mean hex?",
        ),
        (
            "- name: A\n  format:\n    min_bytes: canary/7Qx$ value",
            "line 6: min_bytes: expected a whole number",
            "",
        ),
        (
            "- name: A\n  format: {kind: url, schemes: [canary/7Qx$ value]}",
            "line 5: schemes: expected a scheme",
            "",
        ),
        (
            "- name: A\n  required: [prodution]",
            "line 5: required: expected one of",
            "did you mean production?",
        ),
        (
            "- name: A\n  required: canary/7Qx$ value",
            "line 5: required: expected always or a list of modes",
            "",
        ),
        (
            "- name: A\n  severity: {place-holder: error}",
            "line 5: unknown code",
            "did you mean placeholder?",
        ),
        ("- name: A\n  severity: {canary/7Qx$ value: error}", "line 5: unknown code", ""),
        (
            "- name: A\n  severity: {placeholder: canary/7Qx$ value}",
            "line 5: severity: expected one of",
            "",
        ),
        (
            "- name: A\n  rejects: [{value: canary/7Qx$ value, code: bad}]",
            "line 5: unknown code",
            "",
        ),
        (
            "- name: A\n  rejects: [{valu: canary/7Qx$ value}]",
            "line 5: unknown key valu",
            "did you mean value?",
        ),
        ("- name: A\n  generate: {kind: hex}", "line 5: bytes is absent", ""),
        (
            "- name: A\n  generate: {kind: hex, bytes: 8}",
            "line 5: bytes: expected a whole number from 16",
            "",
        ),
        (
            "- name: A\n  generate: {kind: base32, bytes: 32}",
            "line 5: generate kind: expected one of hex, base64, base64url",
            "did you mean base64?",
        ),
        (
            "- name: A\n  format: {kind: hex, bytes: 32}\n  generate: {kind: hex, bytes: 16}",
            "line 6: A: generates 16 bytes, its format has 32",
            "give the row a `generate` that its format takes",
        ),
        (
            "- name: A\n  format: {kind: hex, prefix: 0123456789}\n  generate: {kind: hex, bytes: 16}",
            "line 6: A: generates fewer than 128 random bits",
            "",
        ),
        (
            "- name: A\n  format: {kind: integer}\n  generate: {kind: hex, bytes: 16}",
            "line 6: A: generates random text, its format takes none",
            "",
        ),
        ("- name: A\n  feature: redis", "line 5: A: redis is no feature of the contract", ""),
        (
            "- name: A\n  required_when: {variable: AB, is: true}",
            "line 5: AB is no row of the contract",
            "did you mean A?",
        ),
        ("- name: A\n  required_when: {variable: A}", "line 5: expected a condition", ""),
        (
            "- name: A\n  required_when: {variable: A, is: true, equals: x}",
            "line 5: expected a condition",
            "",
        ),
        (
            "- name: A\n  required_when: {any: []}",
            "line 5: any: expected at least one condition",
            "",
        ),
        ("- name: A\n  template: 'x{NOPE}'", "line 5: NOPE is no row of the contract", ""),
        ("- name: A\n  template: 'canary'", "line 5: A: template: names no part", ""),
        (
            "- name: A\n  template: '{canary/7Qx$ value}'",
            "line 5: A: template: expected the name of a variable",
            "",
        ),
        ("- name: A\n  template: 'x{B'", "line 5: A: template: a { without its }", ""),
        ("- name: A\n  template: '{B?a:b}'\n- name: B", "line 5: A: template: B is no flag", ""),
        ("- name: A\n  template: '{A}'", "line 5: A: the template needs itself", ""),
        (
            "- name: A\n  template: '{B}'\n- name: B\n  template: '{A}'",
            "line 5: A: the template needs itself; line 7: B: the template needs itself",
            "",
        ),
        (
            "- name: A\n  secret: false\n  template: 'x{B}'\n- name: B\n  template: '{C}'\n- name: C\n  secret: true",
            "line 5: A: the template takes C, which is secret",
            "",
        ),
        ("- name: A\n  purpose: \"a\\nb\"", "line 5: purpose: expected one line", ""),
        ("- name: A\n  purpose: \"\\u202Ea\"", "line 5: purpose: expected characters", "no width"),
        ("- name: A\n  read_by: \"a\\u200Bb\"", "line 5: read_by: expected characters", ""),
        ("- name: A\n  default: ' '", "line 5: A: the default is blank", ""),
        (
            "- name: A\n  format: {kind: text}\n  default: \"\\t\\n\"",
            "line 6: A: the default is blank",
            "",
        ),
        ("- canary/7Qx$ value", "line 4: expected a mapping", ""),
    ];
    for (text, message, hint) in cases {
        let error = refused(&format!("version: 1\nname: x\nvariables:\n{text}\n"));
        assert_eq!(error.status, Status::Data, "{text}");
        assert!(error.message.contains(message), "{text}\n{}", error.message);
        assert!(error.hint.clone().unwrap_or_default().contains(hint), "{text}\n{:?}", error.hint);
    }
}

#[test]
fn parts_are_not_delivered() {
    let error = refused("version: 1\nname: x\nparts:\n- name: A\n  deliver: file\n");
    assert!(error.message.contains("line 5: unknown key deliver"), "{}", error.message);
}

#[test]
fn all_problems_of_a_file_are_said_at_once_in_their_order() {
    let error = refused(
        "version: 1\nname: x\nvariables:\n- name: A\n  secert: true\n- name: B\n  template: '{C}'\nrulez: []\n",
    );
    assert_eq!(
        error.message,
        "cannot read contract c.yaml line 5: unknown key secert; line 7: C is no row of the \
         contract; line 8: unknown key rulez"
    );
    let hint = error.hint.unwrap();
    assert!(hint.starts_with("line 5: did you mean secret?; line 7: did you mean"), "{hint}");
}

#[test]
fn looser_is_refused_and_names_both_values() {
    let cases: &[(&str, &str)] = &[
        (
            "{name: JWT_SECRET, format: {min_bytes: 16}}",
            "JWT_SECRET: min_bytes 16 is looser than 32",
        ),
        (
            "{name: JWT_SECRET, required: [production]}",
            "JWT_SECRET: required [production] is looser than [staging, production]",
        ),
        ("{name: JWT_SECRET, secret: false}", "JWT_SECRET: secret false is looser than true"),
        (
            "{name: JWT_SECRET, severity: {too-short: {production: warning}}}",
            "JWT_SECRET: severity of too-short in production warning is looser than error",
        ),
        (
            "{name: JWT_SECRET, severity: {placeholder: {staging: none}}}",
            "JWT_SECRET: severity of placeholder in staging none is looser than error",
        ),
        ("{name: JWT_SECRET, blank: allowed}", "JWT_SECRET: blank allowed is looser than absent"),
        ("{name: JWT_SECRET, feature: openai}", "JWT_SECRET: feature openai is looser than none"),
        // Required or not: it would neither reach the program nor be judged while that is off.
        (
            "{name: NEXIS_ENCRYPTION_KEY, feature: openai}",
            "NEXIS_ENCRYPTION_KEY: feature openai is looser than none",
        ),
        ("{name: NEXIS_ENV, feature: openai}", "NEXIS_ENV: feature openai is looser than none"),
        (
            "{name: JWT_SECRET, class: database}",
            "JWT_SECRET: class database is looser than jwt-signing",
        ),
        (
            "{name: JWT_SECRET, generate: {kind: hex, bytes: 16}}",
            "JWT_SECRET: generate 16 bytes is looser than 48 bytes",
        ),
        (
            "{name: OPENAI_API_KEY, feature: redis}",
            "OPENAI_API_KEY: feature redis is looser than openai",
        ),
        (
            "{name: OPENAI_API_KEY, format: {kind: text}}",
            "OPENAI_API_KEY: format kind ascii of the contract it extends cannot become text",
        ),
        (
            "{name: OPENAI_API_BASE, format: {schemes: [https, http]}}",
            "OPENAI_API_BASE: schemes [https, http] is looser than [https]",
        ),
        (
            "{name: OPENAI_API_BASE, format: {loopback_schemes: [ftp]}}",
            "OPENAI_API_BASE: loopback_schemes [ftp] is looser than [http]",
        ),
        (
            "{name: OPENAI_API_BASE, format: {user_info: allow}}",
            "OPENAI_API_BASE: user_info allow is looser than refuse",
        ),
        (
            "{name: NEXIS_ENCRYPTION_KEY, format: {bytes: 16}}",
            "NEXIS_ENCRYPTION_KEY: bytes 16 is looser than 32",
        ),
        (
            "{name: NEXIS_RATE_LIMIT_RPM, format: {min: 0}}",
            "NEXIS_RATE_LIMIT_RPM: min 0 is looser than 1",
        ),
        (
            "{name: NEXIS_RATE_LIMIT_RPM, format: {max: 4294967296}}",
            "NEXIS_RATE_LIMIT_RPM: max 4294967296 is looser than 4294967295",
        ),
        (
            "{name: NEXIS_LOG_FORMAT, format: {values: [json, logfmt]}}",
            "NEXIS_LOG_FORMAT: values [json, logfmt] is looser than [json, text, plain, pretty]",
        ),
        (
            "{name: NEXIS_LOG_FORMAT, format: {values: [canary/7Qx$ value]}}",
            "NEXIS_LOG_FORMAT: values [another] is looser",
        ),
        (
            "{name: NEXIS_CSP_POLICY, format: {single_line: false}}",
            "NEXIS_CSP_POLICY: single_line false is looser than true",
        ),
        (
            "{name: NEXIS_CORS_ALLOW_ORIGINS, default: '*'}",
            "NEXIS_CORS_ALLOW_ORIGINS: default a value is looser than a required one",
        ),
        (
            "{name: JWT_SECRET, final_newline: keep}",
            "JWT_SECRET: final_newline keep is looser than strip",
        ),
        (
            "{name: JWT_SECRET, display: location}",
            "JWT_SECRET: display location is looser than auto",
        ),
        ("{name: NEXIS_DATABASE_HOST}", "NEXIS_DATABASE_HOST is a part in the contract it extends"),
    ];
    for (row, message) in cases {
        let error = refused(&format!("{EXTENDS}variables:\n- {row}\n"));
        assert_eq!(error.status, Status::Data, "{row}");
        assert!(error.message.contains(&format!("line 5: {message}")), "{row}\n{}", error.message);
    }
    for (text, message) in [
        (
            "features:\n- {name: redis, off: {variable: JWT_ISSUER, set: true}}",
            "feature redis: another off is looser",
        ),
        (
            "features:\n- {name: redis}\n- {name: redis}",
            "line 6: feature redis stands here a second time",
        ),
        ("variables:\n- {name: RUST_LOG}\n- {name: RUST_LOG}", "line 6: RUST_LOG has a second row"),
        (
            "variables:\n- {name: X, aliases: [NEXIS_REDIS_DB]}",
            "line 5: NEXIS_REDIS_DB is claimed by X and NEXIS_REDIS_DB",
        ),
        (
            "variables:\n- {name: X,\n   files: [nexis-redis-db]}",
            "line 6: file nexis-redis-db is claimed by X and NEXIS_REDIS_DB",
        ),
        (
            "not_read:\n- {name: Z, note: a}\n- {name: Z, note: b}",
            "line 6: not_read: Z stands here a second time",
        ),
        ("parts:\n- {name: JWT_SECRET}", "JWT_SECRET is a variable in the contract it extends"),
    ] {
        let error = refused(&format!("{EXTENDS}{text}\n"));
        assert!(error.message.contains(message), "{}", error.message);
    }
}

#[test]
fn brackets_without_end_are_refused_before_they_take_time() {
    let text = format!("version: 1\nname: x\nvariables: {}", "[".repeat(400_000));
    assert!(refused(&text).message.contains("line 3: nested too deeply"));
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_contract() {
    parse("\u{feff}version: 1\nname: x\n").expect("a contract");
}

/// Found by fuzzing: the needs of the second row were counted against those of the first.
#[test]
fn a_row_with_a_template_that_stands_twice_is_refused_as_that_alone() {
    let row =
        "  - {name: T_URL, purpose: p, read_by: r, format: {kind: text}, template: 'x{T_A}'}\n";
    let part = "parts:\n  - {name: T_A, purpose: p, read_by: r, format: {kind: text}}\n";
    let error = refused(&format!("version: 1\nname: t\nvariables:\n{row}{row}{part}"));
    assert!(!error.message.contains("the template needs itself"), "{}", error.message);
    assert!(error.message.contains("line 5: "), "{}", error.message);
}
