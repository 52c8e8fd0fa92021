//! The published schemas hold what the launcher prints and reads, and refuse what they should
//! (interface sections 6 and 8).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;

use common::{Desk, HEX_KEY, Launch, Outcome, SECRET, days_ago, days_ahead};
use jsonschema::Validator;
use nexis_launch::contract::BUILTIN_YAML;
use serde_json::{Value, json};
use std::path::Path;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn schema(name: &str) -> Validator {
    let schema: Value =
        serde_json::from_str(&read(&format!("schemas/{name}.schema.json"))).unwrap();
    assert_eq!(schema["$id"], format!("nexis-launch/{name}/v1"));
    jsonschema::draft202012::meta::validate(&schema).map_err(|it| it.to_string()).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
}

#[track_caller]
fn assert_valid(schema: &Validator, value: &Value) {
    let errors: Vec<_> =
        schema.iter_errors(value).map(|it| format!("{}: {it}", it.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{value:#}");
}

/// The manifests of a launch, each held against the schema; the last is returned.
#[track_caller]
fn manifest(launch: Launch, outcome: &str) -> Value {
    let ended = launch.run();
    let mut text = String::from_utf8_lossy(&ended.stderr).into_owned();
    text.push_str(&String::from_utf8_lossy(&ended.stdout));
    let manifests = Outcome::manifests_in(&text);
    let schema = schema("manifest");
    for manifest in &manifests {
        assert_valid(&schema, manifest);
    }
    let last = manifests.last().expect("a manifest").clone();
    assert_eq!(last["outcome"], outcome, "{last:#}");
    last
}

/// A launch whose manifest has every field but `error`.
fn rich() -> Launch {
    Launch::sound("production")
        .options(["--inherit", "contract", "--fingerprint-key-file", "{root}/key", "--mask-output"])
        .options([
            "--label",
            "commit=d41773f",
            "--env-file",
            "{root}/extra.env",
            "--passthrough",
            "EXTRA",
        ])
        .options(["--accept", "too-short:NEXIS_API_HMAC_SECRET", "--reason", "moving"])
        .options(["--until", &tomorrow()])
        .file("key", HEX_KEY)
        .file("extra.env", "EXTRA=1\n")
        .file("secrets/jwt", format!("{SECRET}\n"))
        .without("JWT_SECRET")
        .env("JWT_SECRET_FILE", "{root}/secrets/jwt")
        .env("DATABASE_URL", "postgres://app:Zt7-qWv9xKp2@db.internal/nexis?sslmode=require")
        .env("OPENAI_API_KEY", "sk-9Xv2LmQ8rTz4WcYb7Nd1")
        .env("NEXIS_OPENAI_ENABLED", "false")
        .env("NEXIS_API_HMAC_SECRET", "u8Kq2Zr5Wm9Yx1Lp")
        .env("INVOCATION_ID", "0f2c41e8a7d94b5a8d3e6c1b9f70a254")
        .env("PATH", "/usr/bin")
        .env("UNRELATED", "1")
}

fn tomorrow() -> String {
    jiff::Zoned::now().tomorrow().unwrap().strftime("%F").to_string()
}

#[test]
fn the_manifest_of_a_start_is_valid() {
    manifest(Launch::sound("production"), "exec");
}

#[test]
fn the_manifest_of_a_launch_with_every_field_is_valid_and_has_them() {
    let manifest = manifest(rich(), "exec");
    let fields = ["fingerprint_key_id", "labels", "program", "env_files", "removed", "dropped"];
    for field in fields.iter().chain(&["masked_output"]) {
        assert!(!manifest[field].is_null(), "{field} is absent\n{manifest:#}");
    }
    let variables = manifest["variables"].as_array().unwrap();
    for field in ["newline_removed", "bytes", "fingerprint", "sub", "display", "reason"] {
        assert!(variables.iter().any(|it| !it[field].is_null()), "no {field}\n{manifest:#}");
    }
    assert!(variables.iter().any(|it| it["state"] == "withheld"));
    assert!(!manifest["process"]["invocation"].is_null());
    let findings = manifest["findings"].as_array().unwrap();
    assert!(findings.iter().any(|it| !it["accepted"].is_null()), "{manifest:#}");
}

#[test]
fn the_manifest_of_a_generated_secret_is_valid() {
    let manifest = manifest(Launch::witness(["--mode", "development"]), "exec");
    assert_eq!(manifest["variables"][0]["state"], "generated");
}

#[test]
fn the_manifest_of_a_refusal_is_valid() {
    let manifest = manifest(Launch::witness(["--mode", "production"]), "refused");
    assert!(!manifest["findings"].as_array().unwrap().is_empty());
}

#[test]
fn the_manifest_of_a_start_despite_findings_is_valid() {
    let launch = Launch::witness(["--mode", "production", "--enforce", "report"]);
    manifest(launch, "exec-despite-findings");
}

#[test]
fn the_manifest_of_a_check_is_valid() {
    let launch = Launch::command("check", ["--mode", "production", "--format", "json"]);
    let manifest = manifest(launch.requirements(), "checked");
    assert!(manifest["program"].is_null());
}

#[test]
fn the_manifest_of_an_exec_that_failed_is_valid() {
    // A binary of no format that the kernel knows; nothing short of execve tells.
    let launch = Launch::new()
        .args(["run", "--mode", "production", "--", "{root}/broken"])
        .requirements()
        .executable("broken", b"\x7fELF but not one");
    let manifest = manifest(launch, "failed");
    assert!(manifest["error"].as_str().unwrap().starts_with('E'));
}

#[test]
fn the_manifest_of_a_path_delivered_as_a_file_is_valid() {
    let launch = Launch::witness(["--mode", "production", "--contract", "{root}/contract.yaml"])
        .file(
            "contract.yaml",
            "version: 1\nname: files\nvariables:\n  - {name: TLS_KEY, secret: true, deliver: file}\n",
        )
        .file("key", SECRET)
        .env("TLS_KEY_FILE", "{root}/key");
    let manifest = manifest(launch, "exec");
    assert_eq!(manifest["variables"][0]["as"], "TLS_KEY_FILE");
}

#[test]
fn a_manifest_with_anything_more_is_refused() {
    let schema = schema("manifest");
    let good = manifest(rich(), "exec");
    for place in [
        "",
        "/launcher",
        "/contract",
        "/program",
        "/process",
        "/variables/0",
        "/variables/0/source",
    ]
    .into_iter()
    .chain(["/inherited", "/env_files", "/findings/0"])
    {
        let mut bad = good.clone();
        let object = bad.pointer_mut(place).unwrap_or_else(|| panic!("{place} in {good:#}"));
        object.as_object_mut().unwrap().insert("value".to_owned(), json!("x"));
        assert!(!schema.is_valid(&bad), "{place} takes another key");
    }
    for (place, value) in [
        ("/schema", json!("nexis-launch/manifest/v2")),
        ("/outcome", json!("started")),
        ("/outcome", json!("failed")),
        ("/mode", json!("prod")),
        ("/variables/0/state", json!("set")),
        ("/variables/0/source/kind", json!("vault")),
        ("/variables/0/fingerprint", json!("9F86")),
        ("/findings/0/severity", json!("note")),
        ("/findings/0/code", json!("Too Short")),
        ("/features/openai", json!("maybe")),
        ("/inherited/count", json!(-1)),
        ("/time", json!("yesterday")),
        ("/masked_output", json!([])),
        ("/masked_output/0", json!("stdin")),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(place).unwrap() = value.clone();
        assert!(!schema.is_valid(&bad), "{place} takes {value}");
    }
    for key in good.as_object().unwrap().keys() {
        let optional = ["fingerprint_key_id", "program", "env_files", "dropped", "masked_output"];
        let mut less = good.clone();
        less.as_object_mut().unwrap().remove(key);
        assert_eq!(schema.is_valid(&less), optional.contains(&key.as_str()), "without {key}");
    }
}

/// The text between a fence of this kind and the next fence, for the first that holds `mark`.
fn fenced<'a>(text: &'a str, kind: &str, mark: &str) -> &'a str {
    let fence = format!("\n```{kind}\n");
    let blocks = text.split(&*fence).skip(1).map(|rest| rest.split("\n```").next().unwrap());
    blocks.into_iter().find(|block| block.contains(mark)).expect("a fenced block")
}

#[test]
fn the_readmes_manifest_is_valid() {
    let text = read("README.md");
    let block = fenced(&text, "json", "nexis-launch/manifest/v1");
    let record: Value = serde_json::from_str(block).unwrap();
    assert_valid(&schema("manifest"), &record);
    // It is of the launch that stands above it as text: equal values have equal fingerprints.
    let shown = fenced(&text, "text", "\nvariables\n");
    let said = |word: &str| assert!(shown.contains(word), "{word} in\n{shown}");
    for place in ["/launch", "/time", "/fingerprint_key_id", "/process/host", "/program/path"] {
        said(record.pointer(place).unwrap().as_str().unwrap());
    }
    said(&format!("pid {}, uid {}", record["process"]["pid"], record["process"]["uid"]));
    let variables = record["variables"].as_array().unwrap();
    let parts = variables.iter().filter_map(|it| it["sub"].as_array()).flatten();
    for it in variables.iter().chain(parts).filter(|it| it["fingerprint"].is_string()) {
        said(&format!("fingerprint {}", it["fingerprint"].as_str().unwrap()));
    }
    for it in variables {
        let line = shown.lines().find(|line| line.trim().starts_with(it["name"].as_str().unwrap()));
        let state = it["state"].as_str().unwrap();
        assert!(line.is_some_and(|line| line.contains(state)), "{it} in\n{shown}");
    }
}

/// The records of a key that has seen every kind, each held against the schema.
#[test]
fn every_record_of_a_ledger_is_valid_and_has_every_key() {
    use common::{Desk, days_ahead};
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 10);
    let file = desk.path("new");
    let file = file.to_str().unwrap();
    desk.start("JWT_SECRET", "next");
    desk.steps("JWT_SECRET", &["abort"]);
    let who = ["--actor", "alice", "--approved-by", "bob", "--change", "CHG-1"];
    desk.done(&[&["rotate", "start", "JWT_SECRET", "--value-file", file][..], &who].concat());
    let verify = ["rotate", "verify", "JWT_SECRET", "--emergency", "no staging"];
    let check = |status| ["--value-file", file, "--", "/bin/sh", "-c", status];
    desk.run(&[&verify[..], &check("exit 1")].concat()).status(1);
    desk.run(&[&verify[..], &check("exit 0")].concat()).status(0);
    desk.done(&["rotate", "deploy", "JWT_SECRET", "--revoke-by", &days_ahead(1)]);
    desk.steps("JWT_SECRET", &["revoke"]);
    let link = "https://ci.example.org/1";
    desk.done(&[
        "rotate",
        "evidence",
        "JWT_SECRET",
        "--commit",
        "x",
        "--deployment",
        "y",
        "--link",
        link,
    ]);
    desk.write("url", format!("postgres://app:{SECRET}@db.internal/nexis"));
    let (url, created, expires) = (desk.path("url"), common::days_ago(1), days_ahead(9));
    desk.done(&[
        "rotate",
        "adopt",
        "DATABASE_URL",
        "--created",
        &created,
        "--expires",
        &expires,
        "--value-file",
        url.to_str().unwrap(),
    ]);
    let schema = schema("ledger");
    let text = desk.text("JWT_SECRET") + &desk.text("DATABASE_URL");
    let records: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    records.iter().for_each(|record| assert_valid(&schema, record));
    let published: Value = serde_json::from_str(&read("schemas/ledger.schema.json")).unwrap();
    for key in published["properties"].as_object().unwrap().keys().filter(|key| *key != "reason") {
        assert!(records.iter().any(|record| !record[key].is_null()), "no record has {key}");
    }
    let mut good = records[1].clone();
    for key in ["schema", "seq", "fingerprint", "created", "actor", "previous", "mac"] {
        let mut less = good.clone();
        less.as_object_mut().unwrap().remove(key);
        assert!(!schema.is_valid(&less), "without {key}");
    }
    good["value"] = json!("x");
    assert!(!schema.is_valid(&good));
}

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

#[test]
fn the_built_in_contract_is_valid() {
    assert_valid(&schema("contract"), &yaml(BUILTIN_YAML));
}

#[test]
fn the_readmes_contract_is_valid() {
    assert_valid(&schema("contract"), &yaml(fenced(&read("README.md"), "yaml", "\nproviders:")));
    assert_valid(&schema("contract"), &yaml(fenced(&read("README.md"), "yaml", "extends:")));
}

/// A contract with every key of a policy.
const POLICY: &str = "version: 1
name: guarded
extends: builtin:nexis-gateway
policy:
  rotation: {jwt-signing: 30d, ci-token: 7d}
  severity: {unknown-variable: error, too-short: {development: error}}
  forbid: [GEMINI_API_KEY, 'AWS_*']
  modes: [staging, production]
  enforce: refuse
  accept: never
  features_off: [gemini]
  acknowledge:
  - {code: not-read-by-program, variable: NEXIS_DATABASE_PATH, reason: set by the base image, until: 2999-01-31}
  - {code: mode-unset, reason: known, until: 2027-01-31}
";

#[test]
fn a_policy_is_valid_as_written_and_as_shown() {
    let schema = schema("contract");
    assert_valid(&schema, &yaml(POLICY));
    let shown = Launch::command("contract", ["show", "{root}/contract.yaml"])
        .file("contract.yaml", POLICY)
        .run();
    shown.status(0);
    assert_valid(&schema, &yaml(&shown.out()));
    assert_eq!(yaml(&shown.out())["policy"]["accept"], "never");
    for (place, value) in [
        ("/policy/modes", json!([])),
        ("/policy/severity/unknown-variable", json!("none")),
        ("/policy/forbid/0", json!("NEXIS_LAUNCH_MODE")),
        ("/policy/enforce", json!("maybe")),
        ("/policy/acknowledge/0/until", json!("soon")),
        ("/policy/acknowledge/0/code", json!("no-such-code")),
    ] {
        let mut bad = yaml(POLICY);
        *bad.pointer_mut(place).unwrap() = value.clone();
        assert!(!schema.is_valid(&bad), "{place} takes {value}");
    }
}

#[test]
fn the_schema_of_contracts_knows_every_code() {
    let schema: Value = serde_json::from_str(&read("schemas/contract.schema.json")).unwrap();
    let codes = schema["$defs"]["code"]["enum"].as_array().unwrap();
    let all = nexis_launch::finding::Code::ALL.iter().map(|code| code.name());
    assert!(codes.iter().map(|code| code.as_str().unwrap()).eq(all), "{codes:?}");
}

#[test]
fn the_manifest_of_an_acknowledged_warning_is_valid() {
    let launch = Launch::sound("production")
        .file("contract.yaml", POLICY)
        .options(["--contract", "{root}/contract.yaml"])
        .env("NEXIS_DATABASE_PATH", "/data");
    let manifest = manifest(launch, "exec");
    assert_eq!(manifest["findings"][0]["acknowledged"]["until"], "2999-01-31");
}

#[test]
fn what_contract_show_prints_is_valid() {
    let schema = schema("contract");
    let shown = Launch::command("contract", ["show"]).run();
    shown.status(0);
    assert_valid(&schema, &yaml(&shown.out()));
    let shown = Launch::command("contract", ["show", "--format", "json"]).run();
    assert_valid(&schema, &serde_json::from_str(&shown.out()).unwrap());
    let contract = read("README.md");
    let contract = fenced(&contract, "yaml", "extends:");
    let shown = Launch::command("contract", ["show", "{root}/contract.yaml"])
        .file("contract.yaml", contract)
        .run();
    assert_valid(&schema, &yaml(&shown.out()));
}

#[test]
fn what_contract_lint_prints_as_json_is_valid_and_says_what_its_text_says() {
    let schema = schema("contract-lint");
    let lint = |text: &str, format: &str| {
        Launch::command("contract", ["lint", "--format", format, "{root}/own.yaml"])
            .file("own.yaml", text)
            .canary(SECRET)
            .run()
    };
    let told = |outcome: &Outcome| -> Value {
        assert_eq!(outcome.no_canary().out().lines().count(), 1, "{outcome}");
        let told = serde_json::from_str(&outcome.out()).unwrap();
        assert_valid(&schema, &told);
        told
    };
    let odd = "version: 1\nname: own\nvariables:\n- {name: A_TOKEN, purpose: p, read_by: r}\n\
               features:\n- {name: f, on: {variable: A_TOKEN, set: true}}\n";
    let json = told(lint(odd, "json").status(0));
    assert_eq!(json["contract"]["name"], "own");
    assert!(json["contract"]["origin"].as_str().unwrap().ends_with("/own.yaml"), "{json:#}");
    let named = json!({
        "severity": "warning", "line": 4,
        "message": "A_TOKEN is named as a secret and is shown", "hint": "secret: true hides it",
    });
    let unused = json!({
        "severity": "warning", "line": null,
        "message": "feature f: no variable belongs to it", "hint": null,
    });
    assert_eq!(json["problems"], json!([unused, named]));
    let expected = "feature f: no variable belongs to it\n\
                    line 4: A_TOKEN is named as a secret and is shown; secret: true hides it\n";
    assert_eq!(lint(odd, "text").status(0).out(), expected);
    // What is refused says so to both, and shows no value.
    let broken = format!("version: 1\nname: own\nvariables:\n- {{name: A, secret: {SECRET}}}\n");
    let outcome = lint(&broken, "json");
    outcome.status(65).says("line 4");
    let json = told(&outcome);
    assert_eq!(
        (&json["contract"], &json["problems"][0]["severity"]),
        (&Value::Null, &json!("error"))
    );
    assert!(
        json["problems"][0]["message"].as_str().unwrap().contains("line 4: secret"),
        "{json:#}"
    );
    assert_eq!(lint(&broken, "text").status(65).out(), "");
    let own = Launch::command("contract", ["lint", "--format", "json"]).canary(SECRET).run();
    let json = told(own.status(0));
    assert_eq!((&json["contract"]["origin"], &json["problems"]), (&json!("builtin"), &json!([])));
    let mut more = json;
    more["problems"] = json!([{"severity": "note", "line": 0, "message": "", "hint": null}]);
    assert!(!schema.is_valid(&more));
}

#[test]
fn what_explain_prints_as_json_is_valid() {
    let schema = schema("explain");
    let told = |subject: &[&str]| -> Value {
        let words = ["--format", "json", "--mode", "production"];
        let launch = Launch::command("explain", words).args(subject);
        let outcome = launch.env("JWT_SECRET", SECRET).canary(SECRET).run();
        assert_eq!(outcome.status(0).no_canary().out().lines().count(), 1, "{outcome}");
        let told = serde_json::from_str(&outcome.out()).unwrap();
        assert_valid(&schema, &told);
        told
    };
    let all = told(&[]);
    let named = |name: &str| {
        all["variables"].as_array().unwrap().iter().find(|it| it["name"] == name).cloned()
    };
    assert_eq!(named("JWT_SECRET").unwrap()["state"], "delivered");
    assert_eq!(named("NEXIS_CORS_ALLOW_ORIGINS").unwrap()["findings"][0]["severity"], "error");
    assert_eq!(told(&["too-short"])["code"], "too-short");
    assert_eq!(told(&["mode-unset"])["severity"]["development"], "none");
    assert_eq!(told(&["NEXIS_DATABASE_PATH"])["name"], "NEXIS_DATABASE_PATH");
    for (place, wrong) in [
        ("/variables/0/state", json!("set")),
        ("/variables/0/sources/0/kind", json!("vault")),
        ("/mode", json!("test")),
        ("/schema", json!("nexis-launch/explain/v2")),
    ] {
        let mut told = all.clone();
        *told.pointer_mut(place).unwrap() = wrong;
        assert!(!schema.is_valid(&told), "{place}");
    }
}

#[test]
fn the_schema_that_is_printed_is_the_published_one() {
    let printed = Launch::command("contract", ["schema"]).run();
    assert_eq!(printed.out(), read("schemas/contract.schema.json"));
}

#[test]
fn a_contract_with_anything_more_is_refused() {
    let schema = schema("contract");
    let good = yaml(BUILTIN_YAML);
    for place in [
        "",
        "/variables/0",
        "/variables/0/format",
        "/parts/0",
        "/features/0",
        "/rules/0",
        "/policy",
    ] {
        let mut bad = good.clone();
        let object = bad.pointer_mut(place).unwrap().as_object_mut().unwrap();
        object.insert("colour".to_owned(), json!("x"));
        assert!(!schema.is_valid(&bad), "{place} takes another key");
    }
    for (place, value) in [
        ("/version", json!(2)),
        ("/variables/0/name", json!("1ST")),
        ("/variables/0/secret", json!("yes")),
        ("/variables/0/format/kind", json!("regex")),
        ("/variables/0/required", json!(["live"])),
        ("/policy/rotation/encryption", json!("0d")),
        ("/policy/rotation/encryption", json!("3651d")),
        ("/policy/rotation/encryption", json!(180)),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(place).unwrap() = value.clone();
        assert!(!schema.is_valid(&bad), "{place} takes {value}");
    }
}

#[test]
fn a_provider_with_anything_else_is_refused() {
    let schema = schema("contract");
    let good = yaml(fenced(&read("README.md"), "yaml", "\nproviders:"));
    for (place, value) in [
        ("/providers/0/command", json!("/bin/true")),
        ("/providers/0/command", json!([])),
        ("/providers/0/command/0", json!("vault")),
        ("/providers/0/format", json!("yaml")),
        ("/providers/0/timeout", json!(5)),
        ("/providers/0/timeout", json!("5h")),
        ("/providers/0/retries", json!(-1)),
        ("/providers/0/environment/0", json!("NEXIS_LAUNCH_X")),
        ("/providers/0/environment/1", json!({"keep": true})),
        ("/variables/0/pointer", json!("data")),
        ("/variables/0/provider", json!("two words")),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(place).unwrap() = value.clone();
        assert!(!schema.is_valid(&bad), "{place} takes {value}");
    }
}

#[test]
fn what_leak_prints_is_valid() {
    let launch = Launch::sound("production")
        .file("key", HEX_KEY)
        .options(["--fingerprint-key-file", "{root}/key", "--label", "commit=d41773f"])
        .options(["--audit-log", "{root}/audit.log"]);
    let root = launch.root().to_owned();
    let launched = launch.run();
    launched.status(0);
    std::fs::write(root.join("value"), SECRET).unwrap();
    std::fs::write(root.join("cut.log"), r#"{"schema":"nexis-launch/manifest/v1","#).unwrap();
    let root = root.to_str().unwrap();
    let run = |args: &[&str]| {
        let args = args.iter().map(|arg| arg.replace("{audit}", root));
        Launch::new().args(["leak"]).args(args.collect::<Vec<_>>()).run()
    };
    let valid = |outcome: &Outcome, name: &str| {
        assert_valid(&schema(name), &serde_json::from_str(&outcome.out()).unwrap());
    };
    let trace = ["trace", "--format", "json", "--fingerprint-key-file", "{audit}/key"];
    let trace = [&trace[..], &["--value-file", "{audit}/value"]].concat();
    let found = run(&[&trace[..], &["{audit}/audit.log", "{audit}/cut.log"]].concat());
    valid(found.status(1), "leak-trace");
    valid(run(&[&trace[..], &["{audit}/cut.log"]].concat()).status(2), "leak-trace");
    let unknown = ["trace", "--format", "json", "--fingerprint", "0123456789abcdef"];
    valid(run(&[&unknown[..], &["{audit}/audit.log"]].concat()).status(2), "leak-trace");
    let scan = ["scan", "--format", "json", "--value-file", "A={audit}/value"];
    let scan = [&scan[..], &["--value-file", "B={audit}/value"]].concat();
    valid(run(&[&scan[..], &["{audit}", "{audit}/absent"]].concat()).status(1), "leak-scan");
    valid(run(&[&scan[..], &["{audit}/audit.log"]].concat()).status(0), "leak-scan");
}

#[test]
fn what_rotate_tells_is_valid() {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 100);
    desk.adopt("OPENAI_API_KEY", 1);
    desk.start("JWT_SECRET", "new");
    desk.steps("JWT_SECRET", &["stage", "verify"]);
    desk.done(&["rotate", "deploy", "JWT_SECRET", "--revoke-by", &days_ahead(3)]);
    desk.done(&["leak", "respond", "OPENAI_API_KEY", "--reason", "in a log"]);
    desk.steps("OPENAI_API_KEY", &["revoke"]);
    desk.done(&["leak", "respond", "JWT_SECRET", "--reason", "in a log"]);
    let status: Value = {
        let outcome = desk.run(&["rotate", "status", "--format", "json"]);
        serde_json::from_str(&outcome.status(1).out()).unwrap()
    };
    assert_valid(&schema("rotate-status"), &status);
    let standings: Vec<_> = status["keys"].as_array().unwrap().iter().collect();
    assert_eq!(
        (&standings[0]["standing"], &standings[1]["standing"]),
        (&json!("exposed"), &json!("none"))
    );
    assert_eq!(standings[0]["old"].as_array().unwrap().len(), 1);
    let (told, line) = (schema("rotate-history"), schema("ledger"));
    let verified = desk.done(&["rotate", "history", "--format", "json"]);
    let open = desk.command(["rotate", "history", "--format", "json", "JWT_SECRET"]).run();
    let mut all = Vec::new();
    for (outcome, has_head) in [(&verified, true), (open.status(0), false)] {
        let history: Value = serde_json::from_str(&outcome.out()).unwrap();
        assert_valid(&told, &history);
        assert_eq!(history["head"].is_string(), has_head, "{history:#}");
        let records = history["keys"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|key| key["records"].as_array().unwrap());
        all.extend(records.cloned());
    }
    assert_eq!(all.len(), 9 + 6);
    all.iter().for_each(|record| assert_valid(&line, record));
    // Neither takes a key more, a state that there is not, or a value in place of a fingerprint.
    for (validator, mut good, place, wrong) in [
        (schema("rotate-status"), status.clone(), "/keys/0/standing", json!("fine")),
        (schema("rotate-status"), status.clone(), "/keys/0/fingerprint", json!(SECRET)),
        (schema("rotate-status"), status.clone(), "/keys/0/next_step", json!("dance")),
        (told, serde_json::from_str(&verified.out()).unwrap(), "/verified", json!(false)),
    ] {
        *good.pointer_mut(place).unwrap() = wrong;
        assert!(!validator.is_valid(&good), "{place} takes it");
    }
    let mut more = status;
    more["value"] = json!(SECRET);
    assert!(!schema("rotate-status").is_valid(&more), "it takes a key more");
}

/// A class is whatever word a contract has, and the commands that a plan prints take it too.
#[test]
fn every_class_of_a_contract_makes_valid_records() {
    let desk = Desk::new();
    let class = format!("Session_keys.{}", "x".repeat(51));
    let row = format!("{{name: S1, secret: true, class: {class}, purpose: sessions}}");
    let policy = format!("policy: {{rotation: {{{class}: 90d}}}}");
    desk.write("own.yaml", format!("version: 1\nname: own\nvariables:\n  - {row}\n{policy}\n"));
    let created = days_ago(1);
    let adopt = ["rotate", "adopt", "S1", "--value-file", "{home}/old", "--created", &created];
    desk.done(&[&adopt[..], &["--contract", "{home}/own.yaml"]].concat());
    let line = serde_json::from_str(&desk.text("S1")).unwrap();
    assert_valid(&schema("ledger"), &line);
    for (told, name) in [("status", "rotate-status"), ("history", "rotate-history")] {
        let outcome = desk.done(&["rotate", told, "--format", "json"]);
        assert_valid(&schema(name), &serde_json::from_str(&outcome.out()).unwrap());
    }
    let plan = desk.done(&["rotate", "plan", "S1"]).out();
    assert!(plan.contains(&format!("rotate start S1 --class {class} --expires DATE ")), "{plan}");
    let expires = days_ahead(9);
    let start = ["rotate", "start", "S1", "--class", &class, "--expires", &expires];
    desk.done(&[&start[..], &["--value-file", "{home}/new"]].concat());
}

#[test]
fn what_rotate_status_tells_of_what_leaked_is_valid() {
    let desk = Desk::new();
    let expose = |name: &str, file: &str| {
        desk.done(&["leak", "respond", name, "--reason", "in a log", "--value-file", file]);
    };
    desk.adopt("JWT_SECRET", 1);
    desk.start("JWT_SECRET", "new");
    expose("JWT_SECRET", "{home}/new");
    expose("OPENAI_API_KEY", "{home}/old");
    let outcome = desk.run(&["rotate", "status", "--format", "json"]);
    let status: Value = serde_json::from_str(&outcome.status(1).out()).unwrap();
    assert_valid(&schema("rotate-status"), &status);
    assert_eq!(status["keys"][0]["next_step"], "abort");
    assert_eq!(status["keys"][1]["standing"], "exposed");
    let mut none = status;
    none["keys"][1].as_object_mut().unwrap().remove("exposed");
    assert!(!schema("rotate-status").is_valid(&none), "it takes an exposure of nothing");
}
