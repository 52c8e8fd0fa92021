//! `contract diff A B`: what B demands more or less, and a status that lets a pipeline guard a
//! repository of policies (interface section 8).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

const BUILTIN: &str = "builtin:nexis-gateway";
const EXTENDS: &str = "version: 1\nname: mine\nextends: builtin:nexis-gateway\n";

/// `contract diff` of two texts; `builtin:…` stands for itself.
fn diff(a: &str, b: &str, options: &[&str]) -> Outcome {
    let mut launch = Launch::command("contract", ["diff"]).args(options);
    for (name, text) in [("a.yaml", a), ("b.yaml", b)] {
        launch = if text.starts_with("builtin:") {
            launch.args([text])
        } else {
            launch.file(name, text).args([format!("{{root}}/{name}")])
        };
    }
    launch.run()
}

/// Expects this line for the way from A to B, and this status.
#[track_caller]
fn goes(a: &str, b: &str, line: &str, status: i32) {
    let outcome = diff(a, b, &[]);
    assert!(outcome.out().lines().any(|it| it == line), "{line}\n{outcome}");
    outcome.status(status);
    assert_eq!(outcome.err(), "");
}

#[test]
fn a_contract_demands_what_it_demands() {
    let outcome = diff(BUILTIN, BUILTIN, &[]);
    let same = "builtin:nexis-gateway demands the same as builtin:nexis-gateway\n";
    assert_eq!(outcome.status(0).out(), same);
    // Whether extended or spelled out.
    let shown = Launch::command("contract", ["show"]).run().out();
    assert_eq!(diff(BUILTIN, &shown, &[]).status(0).out().lines().count(), 1);
}

#[test]
fn stricter_is_said_key_by_key_with_status_0_and_the_way_back_is_looser() {
    for (text, there, back) in [
        (
            "variables: [{name: JWT_SECRET, format: {min_bytes: 48}}]",
            "JWT_SECRET: min_bytes 32 → 48 (stricter)",
            "JWT_SECRET: min_bytes 48 → 32 (looser)",
        ),
        (
            "variables: [{name: JWT_SECRET, required: always}]",
            "JWT_SECRET: required [staging, production] → always (stricter)",
            "JWT_SECRET: required always → [staging, production] (looser)",
        ),
        (
            "variables: [{name: JWT_SECRET, format: {prefix: k1-}}]",
            "JWT_SECRET: prefix k1- added (stricter)",
            "JWT_SECRET: prefix k1- removed (looser)",
        ),
        (
            "variables: [{name: NEXIS_LOG_FORMAT, format: {values: [json]}}]",
            "NEXIS_LOG_FORMAT: values [json, text, plain, pretty] → [json] (stricter)",
            "NEXIS_LOG_FORMAT: values [json] → [json, text, plain, pretty] (looser)",
        ),
        (
            "variables: [{name: RUST_LOG, severity: {bad-format: {production: error}}}]",
            "RUST_LOG: severity of bad-format in production warning → error (stricter)",
            "RUST_LOG: severity of bad-format in production error → warning (looser)",
        ),
        (
            "variables: [{name: JWT_SECRET, rejects: [{value: our-old-key}]}]",
            "JWT_SECRET: rejects 1 value added (stricter)",
            "JWT_SECRET: rejects 1 value removed (looser)",
        ),
        (
            "variables: [{name: OUR_KEY, secret: true, required: [production]}]",
            "OUR_KEY: secret variable, required in production, added (stricter)",
            "OUR_KEY: secret variable, required in production, removed (looser)",
        ),
        (
            "variables: [{name: JWT_ISSUER, required_when: {variable: JWT_AUDIENCE, set: true}}]",
            "JWT_ISSUER: required_when {variable: JWT_AUDIENCE, set: true} added (stricter)",
            "JWT_ISSUER: required_when {variable: JWT_AUDIENCE, set: true} removed (looser)",
        ),
        (
            "burnt: [our-old-key, our-older-key]",
            "contract: burnt 2 values added (stricter)",
            "contract: burnt 2 values removed (looser)",
        ),
        (
            "policy: {rotation: {jwt-signing: 30d}}",
            "policy: rotation of jwt-signing 90d → 30d (stricter)",
            "policy: rotation of jwt-signing 30d → 90d (looser)",
        ),
        (
            "policy: {forbid: [GEMINI_API_KEY]}",
            "policy: forbid GEMINI_API_KEY added (stricter)",
            "policy: forbid GEMINI_API_KEY removed (looser)",
        ),
        (
            "policy: {modes: [production]}",
            "policy: modes every mode → production (stricter)",
            "policy: modes production → every mode (looser)",
        ),
        (
            "policy: {enforce: refuse}",
            "policy: enforce report → refuse (stricter)",
            "policy: enforce refuse → report (looser)",
        ),
        (
            "policy: {accept: never}",
            "policy: accept allow → never (stricter)",
            "policy: accept never → allow (looser)",
        ),
        (
            "policy: {severity: {unknown-variable: {production: error}}}",
            "policy: severity of unknown-variable in production warning → error (stricter)",
            "policy: severity of unknown-variable in production error → warning (looser)",
        ),
        (
            "policy: {features_off: [gemini]}",
            "policy: features_off gemini added (stricter)",
            "policy: features_off gemini removed (looser)",
        ),
        (
            "rules: [{variable: JWT_ISSUER, when: {variable: JWT_ISSUER, set: false}, code: insecure-setting, severity: warning, message: m, hint: h}]",
            "rule of JWT_ISSUER: insecure-setting where {variable: JWT_ISSUER, set: false} in every mode added (stricter)",
            "rule of JWT_ISSUER: insecure-setting where {variable: JWT_ISSUER, set: false} in every mode removed (looser)",
        ),
        (
            "features: [{name: redis, conflicts: [{variable: JWT_ISSUER, set: true}]}]",
            "feature redis: conflict {variable: JWT_ISSUER, set: true} added (stricter)",
            "feature redis: conflict {variable: JWT_ISSUER, set: true} removed (looser)",
        ),
        (
            "not_read: [{name: NEXIS_OLD, note: gone}]",
            "contract: not_read NEXIS_OLD added (stricter)",
            "contract: not_read NEXIS_OLD removed (looser)",
        ),
        (
            "variables: [{name: JWT_ISSUER, secret: true, class: x}]",
            "JWT_ISSUER: secret true added (stricter)",
            "JWT_ISSUER: secret true removed (looser)",
        ),
    ] {
        let mine = format!("{EXTENDS}{text}\n");
        goes(BUILTIN, &mine, there, 0);
        goes(&mine, BUILTIN, back, 1);
    }
}

#[test]
fn what_lets_more_through_is_looser_even_where_a_contract_may_say_it() {
    for (text, line) in [
        ("passthrough: ['AWS_*']", "contract: passthrough AWS_* added (looser)"),
        ("trusted_owners: [1000]", "contract: trusted_owners 1000 added (looser)"),
        ("mode_names: {live: staging}", "contract: mode_names live staging added (looser)"),
    ] {
        let mine = format!("{EXTENDS}{text}\n");
        goes(BUILTIN, &mine, line, 1);
    }
    let line = "contract: mode_names live staging → production (stricter)";
    let of = |mode: &str| format!("{EXTENDS}mode_names: {{live: {mode}}}\n");
    goes(&of("staging"), &of("production"), line, 0);
}

#[test]
fn what_has_no_order_is_different_and_counts_as_looser() {
    for (text, line) in [
        (
            "program: {nexis-gateway: /opt/other}",
            "contract: program nexis-gateway /opt/nexis/bin/nexis-gateway → /opt/other (different)",
        ),
        (
            "variables: [{name: JWT_ISSUER, template: '{JWT_AUDIENCE}'}]",
            "JWT_ISSUER: template {JWT_AUDIENCE} added (different)",
        ),
    ] {
        goes(BUILTIN, &format!("{EXTENDS}{text}\n"), line, 1);
    }
    let row = |row: &str| format!("version: 1\nname: x\nvariables: [{row}, {{name: B}}]\n");
    for (a, b, line) in [
        ("{name: A, default: x}", "{name: A, default: y}", "A: default x → y (different)"),
        ("{name: A, aliases: [C]}", "{name: A}", "A: aliases C removed (different)"),
        (
            "{name: A, required_when: {variable: B, is: true}}",
            "{name: A, required_when: {variable: B, is: false}}",
            "A: required_when {variable: B, is: true} → {variable: B, is: false} (different)",
        ),
        (
            "{name: A, format: {kind: url}}",
            "{name: A, format: {kind: origins}}",
            "A: kind url → origins (looser)",
        ),
        ("{name: A, format: {min_bytes: 4}}", "{name: A}", "A: min_bytes 4 removed (looser)"),
        (
            "{name: A, secret: true, class: c}",
            "{name: A, secret: true}",
            "A: class c removed (looser)",
        ),
        ("{name: A}", "{name: A, deliver: file}", "A: deliver file added (looser)"),
    ] {
        goes(&row(a), &row(b), line, 1);
    }
    let part = "version: 1\nname: x\nvariables: [{name: B, template: '{A}'}]\nparts: [{name: A}]\n";
    goes(&row("{name: A}"), part, "A: variable → part (different)", 1);
    let feature = |off: &str| {
        format!(
            "version: 1\nname: x\nvariables: [{{name: A, feature: f}}, {{name: B}}]\nfeatures: [{{name: f, off: {{variable: B, is: {off}}}}}]\n"
        )
    };
    let line = "feature f: off {variable: B, is: false} → {variable: B, is: true} (different)";
    goes(&feature("false"), &feature("true"), line, 1);
}

#[test]
fn providers_have_no_order() {
    let of = |provider: &str| {
        format!(
            "version: 1\nname: x\nvariables: [{{name: A, secret: true, provider: store}}]\nproviders:\n- {{name: store, {provider}}}\n"
        )
    };
    let bare = "version: 1\nname: x\nvariables: [{name: A, secret: true}]\n";
    let one = of("command: [/usr/bin/store, canary-word], format: raw, timeout: 5s");
    goes(bare, &one, "provider store: added (different)", 1);
    goes(bare, &one, "A: provider store added (different)", 1);
    goes(&one, bare, "provider store: removed (different)", 1);
    diff(&one, &one, &[]).status(0);
    let two = of("command: [/usr/bin/store, canary-word], format: raw, timeout: 9s");
    goes(&one, &two, "provider store: timeout 5s → 9s (different)", 1);
    let three = of("command: [/usr/bin/store, other], format: raw, timeout: 5s");
    goes(&one, &three, "provider store: command the one → another (different)", 1);
    assert!(!diff(&one, &three, &[]).out().contains("canary"));
}

#[test]
fn a_condition_that_demands_in_more_cases_is_stricter() {
    let one = "{variable: B, is: true}";
    let two = format!("{{any: [{one}, {{variable: B, is: false}}]}}");
    let of = |when: &str| {
        format!(
            "version: 1\nname: x\nvariables: [{{name: A, required_when: {when}}}, {{name: B}}]\n"
        )
    };
    diff(&of(one), &of(&two), &[]).status(0);
    diff(&of(&two), &of(one), &[]).status(1);
}

#[test]
fn what_changes_no_demand_is_said_and_is_the_same() {
    for (text, line) in [
        ("variables: [{name: JWT_ISSUER, purpose: who}]", "JWT_ISSUER: purpose"),
        ("variables: [{name: JWT_ISSUER, aliases: [ISSUER]}]", "JWT_ISSUER: aliases ISSUER added"),
        ("variables: [{name: JWT_ISSUER, files: [iss/uer]}]", "JWT_ISSUER: files iss/uer added"),
        ("program: {other: /opt/other}", "contract: program other /opt/other added"),
        (
            "policy: {acknowledge: [{code: mode-unset, reason: r, until: 2027-01-31}]}",
            "policy: acknowledge mode-unset until 2027-01-31 added",
        ),
    ] {
        let mine = format!("{EXTENDS}{text}\n");
        let outcome = diff(BUILTIN, &mine, &["--format", "json"]);
        let json: serde_json::Value = serde_json::from_str(&outcome.status(0).out()).unwrap();
        assert_eq!(json["verdict"], "same", "{json:#}");
        let outcome = diff(BUILTIN, &mine, &[]);
        assert!(outcome.status(0).out().contains(line), "{outcome}");
    }
}

#[test]
fn json_follows_its_schema_and_says_the_same() {
    let mine = format!(
        "{EXTENDS}variables: [{{name: JWT_SECRET, format: {{min_bytes: 48}}}}]\npassthrough: [X]\n"
    );
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/contract-diff.schema.json");
    let schema = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let schema = jsonschema::draft202012::new(&schema).unwrap();
    for (a, b, status, verdict) in [
        (BUILTIN, mine.as_str(), 1, "looser"),
        (mine.as_str(), mine.as_str(), 0, "same"),
        (BUILTIN, BUILTIN, 0, "same"),
    ] {
        let outcome = diff(a, b, &["--format", "json"]);
        assert_eq!(outcome.status(status).out().lines().count(), 1);
        let json: serde_json::Value = serde_json::from_str(&outcome.out()).unwrap();
        let errors: Vec<_> = schema.iter_errors(&json).map(|it| it.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}\n{json:#}");
        assert_eq!(json["verdict"], verdict);
    }
    let json = diff(BUILTIN, &mine, &["--format", "json"]).out();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let expected = serde_json::json!(
        {"subject": "JWT_SECRET", "key": "min_bytes", "a": "32", "b": "48", "direction": "stricter"}
    );
    assert!(json["changes"].as_array().unwrap().contains(&expected), "{json:#}");
    let mut more = json;
    more["changes"][0]["value"] = "x".into();
    assert!(!schema.is_valid(&more));
}

#[test]
fn a_file_that_is_none_is_65_or_66_and_nothing_is_compared() {
    let outcome = diff(BUILTIN, "version: 1\nname: x\nvariabels: []\n", &[]);
    outcome.status(65).says("unknown key variabels");
    assert_eq!(outcome.out(), "");
    let looser = format!("{EXTENDS}variables: [{{name: JWT_SECRET, format: {{min_bytes: 8}}}}]\n");
    diff(BUILTIN, &looser, &[]).status(65).says("min_bytes 8 is looser than 32");
    let outcome = Launch::command("contract", ["diff", BUILTIN, "{root}/absent.yaml"]).run();
    outcome.status(66).says("absent.yaml");
    Launch::command("contract", ["diff", "builtin:other", BUILTIN]).run().status(66);
    Launch::command("contract", ["diff", BUILTIN]).run().status(64);
}

#[test]
fn neither_refused_values_nor_escapes_are_shown() {
    let mine = format!(
        "{EXTENDS}burnt: [canary-of-ours]\nvariables: [{{name: A, default: \"x\\e[31my\"}}]\n"
    );
    let a = "version: 1\nname: x\nvariables: [{name: A, default: z}]\n";
    for options in [&[][..], &["--format", "json"]] {
        let out = diff(a, &mine, options).status(1).out();
        assert!(!out.contains("canary") && !out.contains('\x1b'), "{out}");
    }
}
