//! `leak trace`: which launches got a value, read from audit logs and from what log tools make of
//! them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;

use common::{HEX_KEY, Launch, OTHER, Outcome, SECRET, Stream, THIRD};
use serde_json::{Value, json};
use std::sync::Arc;

/// Another fingerprint key.
const OTHER_KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const PASSWORD: &str = "p@ss/w0rd-of-the-database";

/// A launch's record, made by the launcher itself.
fn record(launch: Launch) -> Value {
    launch.options(["--manifest", "json"]).run().manifest()
}

/// The same as the very line that the launcher wrote.
fn raw(launch: Launch) -> String {
    let outcome = launch.options(["--manifest", "json"]).run();
    let text = outcome.err();
    let line =
        text.lines().find(|line| line.starts_with(r#"{"schema":"nexis-launch/manifest/v1""#));
    line.unwrap_or_else(|| panic!("no manifest\n{outcome}")).to_owned()
}

/// A launch with fingerprints by this key, with JWT_SECRET and a database's URL.
fn launched(secret: &str, key: &str) -> Launch {
    Launch::sound("production")
        .file("key", key)
        .options(["--fingerprint-key-file", "{root}/key", "--label", "commit=d41773f"])
        .env("JWT_SECRET", secret)
        .env(
            "DATABASE_URL",
            "postgres://nexis:p%40ss%2Fw0rd-of-the-database@db.internal/nexis?sslmode=require",
        )
}

fn lines(records: &[Value]) -> String {
    records.iter().map(|record| format!("{record}\n")).collect()
}

/// `leak trace --value-file` for SECRET in this audit log.
fn trace(audit: &str) -> Launch {
    Launch::command("leak", ["trace", "--fingerprint-key-file", "{root}/key", "--format", "json"])
        .args(["--value-file", "{root}/value"])
        .file("value", format!("{SECRET}\n"))
        .file("key", HEX_KEY)
        .file("audit.log", audit)
        .canary(SECRET)
}

fn result(outcome: &Outcome) -> Value {
    serde_json::from_str(&outcome.out()).unwrap_or_else(|_| panic!("no JSON\n{outcome}"))
}

fn launches(outcome: &Outcome) -> Vec<Value> {
    result(outcome)["launches"].as_array().unwrap().clone()
}

#[test]
fn who_got_a_value_is_said_with_when_where_and_what_else() {
    let (mine, other) = (record(launched(SECRET, HEX_KEY)), record(launched(OTHER, HEX_KEY)));
    let audit = lines(&[other.clone(), mine.clone(), other.clone()]);
    let outcome = trace(&audit).args(["{root}/audit.log"]).run();
    outcome.status(1).no_canary();
    let found = launches(&outcome);
    assert_eq!(found.len(), 1, "{outcome}");
    let found = &found[0];
    for name in ["launch", "time", "outcome", "mode"] {
        assert_eq!(found[name], mine[name], "{name}");
    }
    assert_eq!(found["program"], mine["program"]["path"]);
    assert_eq!(found["process"]["pid"], mine["process"]["pid"]);
    assert_eq!(found["process"]["host"], mine["process"]["host"]);
    assert_eq!(found["labels"], json!({"commit": "d41773f"}));
    assert_eq!(found["got"], json!(["JWT_SECRET"]));
    assert_eq!(found["besides"], json!(["DATABASE_URL", "DATABASE_URL#password"]));
    assert_eq!(found["record"]["line"], 2);
    assert_eq!(result(&outcome)["compared"], 2);
    assert_eq!(result(&outcome)["result"], "somebody");
    let text = trace(&audit).args(["--format", "text", "{root}/audit.log"]);
    // The option stands twice then; the last is not the one that counts.
    text.run().status(64);
}

#[test]
fn the_text_form_says_the_same_and_no_value() {
    let audit = lines(&[record(launched(SECRET, HEX_KEY))]);
    let outcome = Launch::command("leak", ["trace", "--fingerprint-key-file", "{root}/key"])
        .args(["--value-file", "{root}/value", "{root}/audit.log"])
        .file("value", SECRET)
        .file("key", HEX_KEY)
        .file("audit.log", &audit)
        .canary(SECRET)
        .canary(PASSWORD)
        .run();
    outcome.status(1).no_canary();
    let text = outcome.out();
    for words in [
        " exec ",
        "/witness\n",
        "  label    commit=d41773f\n",
        "  got      JWT_SECRET\n",
        "  besides  DATABASE_URL, DATABASE_URL#password\n",
        "/audit.log:1\n",
        "got it     1 launch: exec 1\n",
    ] {
        assert!(text.contains(words), "{words:?}\n{outcome}");
    }
}

#[test]
fn nobody_is_said_only_where_all_could_be_compared() {
    let clean = lines(&[record(launched(OTHER, HEX_KEY)), record(launched(THIRD, HEX_KEY))]);
    let outcome = trace(&clean).args(["{root}/audit.log"]).run();
    outcome.status(0).no_canary();
    assert_eq!(result(&outcome)["result"], "nobody");

    let without = record(Launch::sound("production"));
    let other_key = record(launched(SECRET, OTHER_KEY));
    let whole = raw(launched(SECRET, HEX_KEY));
    let cut = whole[..400].to_owned() + "\n";
    // Of a log that was cut, or of a line that a log driver broke, the rest of a record.
    let rest = whole[whole.find("\"variables\":").unwrap()..].trim_end().to_owned() + "\n";
    let rest_in_json = json!({ "log": rest, "stream": "stderr" }).to_string() + "\n";
    let version = other_key.to_string().replace("manifest/v1", "manifest/v2") + "\n";
    for (more, expected) in [
        (lines(std::slice::from_ref(&without)), json!([1, 0, 0])),
        (lines(std::slice::from_ref(&other_key)), json!([0, 1, 0])),
        (cut, json!([0, 0, 1])),
        (rest, json!([0, 0, 1])),
        (rest_in_json, json!([0, 0, 1])),
        (version, json!([0, 0, 1])),
    ] {
        let outcome = trace(&(clean.clone() + &more)).args(["{root}/audit.log"]).run();
        outcome
            .status(2)
            .says("cannot say that nobody got it: 1 could not be compared")
            .no_canary();
        let result = result(&outcome);
        let not = &result["not_compared"];
        let counts = json!([not["without_fingerprint"], not["other_key"], not["damaged"]]);
        assert_eq!(counts, expected, "{outcome}");
        assert_eq!(result["result"], "undecided");
    }
    // A launch that got no secret could not have got this one.
    let none = record(Launch::witness(["--mode", "development"]).env("JWT_SECRET", ""));
    let none = none.to_string().replace(r#""state":"generated""#, r#""state":"absent""#) + "\n";
    trace(&(clean + &none)).args(["{root}/audit.log"]).run().status(0);
}

#[test]
fn a_fingerprint_is_enough_and_without_its_key_nobody_is_never_said() {
    let record = record(launched(SECRET, HEX_KEY));
    let variables = record["variables"].as_array().unwrap();
    let entry = variables.iter().find(|it| it["name"] == "JWT_SECRET").unwrap();
    let print = entry["fingerprint"].as_str().unwrap();
    let id = record["fingerprint_key_id"].as_str().unwrap();
    let ask = |print: &str, more: &[&str]| {
        Launch::command("leak", ["trace", "--format", "json", "--fingerprint", print])
            .args(more)
            .args(["{root}/audit.log"])
            .file("audit.log", lines(std::slice::from_ref(&record)))
            .file("key", HEX_KEY)
            .file("other", OTHER_KEY)
            .run()
    };
    ask(print, &[]).status(1);
    ask(&print.to_uppercase(), &["--fingerprint-key-id", id]).status(1);
    ask("0123456789abcdef", &["--fingerprint-key-id", id]).status(0);
    ask("0123456789abcdef", &["--fingerprint-key-file", "{root}/key"]).status(0);
    ask("0123456789abcdef", &[]).status(2);
    ask(print, &["--fingerprint-key-id", "00000000"]).status(2);
    // Nothing says that it is another key, nor that it is the same.
    let told = Launch::command("leak", ["trace", "--fingerprint", "0123456789abcdef"])
        .args(["{root}/audit.log"])
        .file("audit.log", lines(std::slice::from_ref(&record)))
        .run();
    told.status(2).never_says("another key");
    assert!(told.out().contains("1 by a key that was not named"), "{told}");
    ask(print, &["--fingerprint-key-file", "{root}/other"]).status(2);
    ask("not-a-fingerprint", &[]).status(64).never_says("not-a-fingerprint");
}

#[test]
fn the_password_inside_a_url_is_traced_too() {
    let audit = lines(&[record(launched(OTHER, HEX_KEY))]);
    for value in [PASSWORD, "redis://x:p%40ss%2Fw0rd-of-the-database@cache/0"] {
        let outcome =
            trace(&audit).file("value", value).args(["{root}/audit.log"]).canary(value).run();
        outcome.status(1).no_canary();
        assert_eq!(launches(&outcome)[0]["got"], json!(["DATABASE_URL#password"]), "{outcome}");
        assert_eq!(launches(&outcome)[0]["besides"], json!(["JWT_SECRET", "DATABASE_URL"]));
    }
}

#[test]
fn every_secret_inside_a_value_is_traced_as_it_is_searched_for() {
    let contract = "version: 1\nname: own\nvariables:\n- {name: QUEUE, secret: true}\n\
        - {name: DATABASE_URL, secret: true, format: {kind: url}}\n\
        - {name: LOGIN, template: 'user={APP_USER};pw={APP_PASSWORD}'}\n\
        parts:\n- {name: APP_USER}\n- {name: APP_PASSWORD, secret: true}\n";
    let launch = Launch::witness(["--mode", "production", "--contract", "{root}/own.yaml"])
        .options(["--fingerprint-key-file", "{root}/key"])
        .file("own.yaml", contract)
        .file("key", HEX_KEY)
        .env("QUEUE", "amqp://app:Rabbit-Pw-12345@mq.internal/v")
        .env(
            "DATABASE_URL",
            "postgres://app:p%40ss-12345@db/n?sslmode=require&password=q-pass-123456",
        )
        .env("APP_USER", "app")
        .env("APP_PASSWORD", "part-Pw-12345");
    let audit = lines(&[record(launch)]);
    for (value, name) in [
        ("Rabbit-Pw-12345", "QUEUE#password"),
        ("p@ss-12345", "DATABASE_URL#password"),
        ("p%40ss-12345", "DATABASE_URL#password"),
        ("q-pass-123456", "DATABASE_URL#password"),
        ("part-Pw-12345", "LOGIN#APP_PASSWORD"),
    ] {
        let outcome =
            trace(&audit).file("value", value).args(["{root}/audit.log"]).canary(value).run();
        outcome.status(1).no_canary();
        assert_eq!(launches(&outcome)[0]["got"], json!([name]), "{value}{outcome}");
    }
}

#[test]
fn records_are_read_through_what_log_tools_make_of_them() {
    let record = raw(launched(SECRET, HEX_KEY));
    let sorted = serde_json::from_str::<Value>(&record).unwrap().to_string();
    assert!(!sorted.starts_with(r#"{"schema""#), "{sorted}");
    let string = |text: &str| Value::from(text).to_string();
    for line in [
        record.clone(),
        format!("Nov 25 19:00:01 host nexis-launch[7]: {record}"),
        format!("Nov 25 19:00:01 host nexis-launch[7]: {sorted}"),
        format!(r#"{{"log":{},"stream":"stderr","time":"x"}}"#, string(&sorted)),
        format!("2026-11-25T19:00:01.123456789Z stderr F {record}"),
        format!("[pod/gateway-7c9/gateway] 2026-11-25T19:00:01Z {record}"),
        format!(r#"{{"log":{},"stream":"stderr","time":"x"}}"#, string(&format!("{record}\n"))),
        format!(r#"{{"MESSAGE":{},"_PID":"7"}}"#, string(&record)),
        format!(r#"{{"_source":{{"message":{record}}}}}"#),
        format!(r#"{{"line":{}}}"#, string(&format!(r#"{{"log":{}}}"#, string(&record)))),
    ] {
        let audit = format!("started {{\n{line}\nGET / 200\n");
        let outcome = trace(&audit).args(["{root}/audit.log"]).run();
        outcome.status(1).no_canary();
        assert_eq!(launches(&outcome).len(), 1, "{line}");
        assert_eq!(launches(&outcome)[0]["record"]["line"], 2, "{line}");
    }
}

#[test]
fn a_message_that_the_journal_takes_for_no_text_is_read() {
    let record = raw(launched(SECRET, HEX_KEY));
    let bytes: Vec<u8> = [b"\x1b[0m", record.trim_end().as_bytes()].concat();
    let entry = json!({ "_HOSTNAME": "h", "MESSAGE": bytes, "PRIORITY": "6" }).to_string() + "\n";
    let outcome = trace(&entry).args(["{root}/audit.log"]).run();
    outcome.status(1).no_canary();
    assert_eq!(launches(&outcome).len(), 1, "{outcome}");
}

#[test]
fn a_failed_exec_is_one_launch_and_says_so() {
    let mut first = record(launched(SECRET, HEX_KEY));
    let mut second = first.clone();
    second["outcome"] = json!("failed");
    second["error"] = json!("ENOEXEC");
    let audit = lines(&[first.clone(), first.clone(), second]);
    let outcome = trace(&audit).args(["{root}/audit.log"]).run();
    outcome.status(1);
    let found = launches(&outcome);
    assert_eq!(found.len(), 1, "{outcome}");
    assert_eq!((&found[0]["outcome"], &found[0]["error"]), (&json!("failed"), &json!("ENOEXEC")));
    assert_eq!(result(&outcome)["outcomes"], json!({"failed": 1}));
    // Of many launches each is one.
    let mut audit = String::new();
    for at in 0..1200 {
        first["launch"] = json!(format!("launch-{at}"));
        audit += &lines(&[first.clone(), first.clone()]);
    }
    let outcome = trace(&audit).args(["{root}/audit.log"]).run();
    assert_eq!(launches(&outcome).len(), 1200);
    assert_eq!(result(&outcome)["compared"], 1200);
}

#[test]
fn files_patterns_compressed_logs_and_standard_input_are_read() {
    let mine = lines(&[record(launched(SECRET, HEX_KEY))]);
    let start = || {
        trace("").file("logs/audit.log", &mine).file("logs/audit.log.1", &mine).file("logs/x", "")
    };
    for (path, count) in
        [("{root}/logs/audit.log", 1), ("{root}/logs/audit.*", 1), ("{root}/*/audit.log.[0-9]", 1)]
    {
        let outcome = start().args([path]).run();
        outcome.status(1);
        // Both files hold the same launch.
        assert_eq!(launches(&outcome).len(), count, "{path}");
    }
    let packed = start();
    let source = packed.root().join("logs/audit.log");
    let gzip = std::process::Command::new("gzip").arg(&source).status().unwrap();
    assert!(gzip.success());
    let packed = packed.env("PATH", std::env::var("PATH").unwrap());
    packed.clone().args(["{root}/logs/audit.log.gz"]).run().status(1).no_canary();
    let input = std::fs::File::open(packed.root().join("logs/audit.log.1")).unwrap();
    let packed = packed.args(["-"]).stdin(Stream::Fd(Arc::new(input.into())));
    packed.run().status(1).no_canary();
}

#[test]
fn a_launch_that_kept_the_final_newline_got_the_value_too() {
    let contract = "version: 1\nname: keeping\nvariables:\n  - {name: TOKEN, secret: true, purpose: x, read_by: y, final_newline: keep}\n";
    for end in ["", "\n", "\r\n"] {
        let kept = raw(Launch::witness(["--mode", "staging"])
            .file("key", HEX_KEY)
            .file("contract.yaml", contract)
            .file("secrets/token", format!("{SECRET}{end}"))
            .options(["--contract", "{root}/contract.yaml"])
            .options(["--fingerprint-key-file", "{root}/key"])
            .options(["--secrets-dir", "{root}/secrets"]));
        let outcome = trace(&kept).args(["{root}/audit.log"]).run();
        outcome.status(1).no_canary();
        assert_eq!(launches(&outcome)[0]["got"], json!(["TOKEN"]), "{end:?}");
        // The values that are asked for are as they were.
        assert_eq!(result(&outcome)["wanted"]["values"].as_array().unwrap().len(), 1);
    }
}

/// Whoever can write a line into a log decides how many labels it has.
#[test]
fn a_record_of_many_labels_costs_what_its_line_costs() {
    let mut record = record(launched(SECRET, HEX_KEY));
    record["labels"] = json!({"here": "here"});
    // Sorted by name, so that the schema stands last, and the labels the other way round.
    let labels: Vec<_> =
        (0..100_000).rev().map(|n| format!("\"{n:06}\":\"nexis-launch{n}\"")).collect();
    let line = record.to_string().replace(r#""here":"here""#, &labels.join(","));
    assert!(line.len() > 2_000_000 && !line.starts_with(r#"{"schema"#));
    let outcome = trace(&line).args(["{root}/audit.log"]).limit(libc::RLIMIT_CPU, 20, 20).run();
    outcome.status(1).no_canary();
    assert_eq!(launches(&outcome).len(), 1, "{}", outcome.err());
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_is_read() {
    let mine = lines(&[record(launched(SECRET, HEX_KEY))]);
    let outcome = trace(&mine).args(["{root}/absent.log", "{root}/audit.log"]).run();
    outcome.status(1).says("absent.log: ENOENT (no such file or directory)");
    trace(&mine).args(["{root}/absent.log"]).run().status(66);
    trace(&mine).args(["{root}/absent*.log"]).run().status(66).says("no file is named so");
    trace(&mine).args(["{root}/logs"]).dir("logs").run().status(66).says("it is a directory");
}

#[test]
fn a_value_is_never_compared_without_a_key() {
    let outcome =
        Launch::command("leak", ["trace", "--value-file", "{root}/value", "{root}/value"])
            .file("value", SECRET)
            .canary(SECRET)
            .run();
    outcome.status(64).says("there is no key to make its fingerprint with").no_canary();
    let outcome = trace("").file("key", "no key at all").args(["{root}/audit.log"]).run();
    outcome.status(65).no_canary();
    trace("").args(["-", "-"]).run().status(64).says("- is given more than once");
}

#[test]
fn a_record_cannot_forge_a_terminal_or_show_the_value() {
    let mut hostile = record(launched(SECRET, HEX_KEY));
    hostile["labels"] = json!({"a\u{1b}[2J": format!("has {SECRET} in it"), "b": "c\nforged line"});
    hostile["program"]["path"] = json!("/bin/\u{202e}x");
    let outcome = trace(&lines(&[hostile])).args(["{root}/audit.log"]).run();
    outcome.status(1).no_canary().never_says("\u{1b}").never_says("\u{202e}");
    assert_eq!(outcome.out().lines().count(), 1, "{outcome}");
}
