//! Whole manifests as they were, in both forms: `NEXIS_LAUNCH_BLESS=1 cargo test --test
//! manifest_golden` writes them anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use serde_json::{Value, json};

const KEY: &str = "5f0c6a1be2d94738a1c0f7e6d5b4a39281706f5e4d3c2b1a09f8e7d6c5b4a392";
const CONTRACT: &str = "
version: 1
name: own
extends: builtin:nexis-gateway
variables:
  - {name: CLIENT_CERTIFICATE, secret: true, deliver: file, files: [client.pem]}
  - {name: PARTNER_KEY, secret: true}
  - name: PARTNER_LOGIN
    secret: true
    template: \"user={PARTNER_USER};key={PARTNER_SECRET}\"
  - {name: PARTNER_USER}
  - {name: PARTNER_SECRET, secret: true}
policy:
  acknowledge:
    - {code: not-read-by-program, variable: NEXIS_DATABASE_PATH, reason: set by the image, until: UNTIL}
";

/// A day that acceptances and acknowledgements may name.
fn soon() -> String {
    let today = jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::now()).date();
    today.checked_add(jiff::Span::new().days(30)).unwrap().to_string()
}

fn base(mode: &str) -> Launch {
    Launch::new()
        .args(["run", "--mode", mode, "--manifest", "text", "--audit-log", "{root}/audit"])
        .env("PATH", "/usr/bin:/bin")
        .canary(SECRET)
        .canary(OTHER)
        .canary(THIRD)
}

/// Both forms of the launch's record, without what is another's each time.
fn forms(outcome: &Outcome) -> (String, String) {
    let mut record: Value = serde_json::from_str(outcome.read("audit").trim_end()).unwrap();
    let mut text = outcome.err();
    let root = outcome.root().to_str().unwrap();
    for pointer in ["/launch", "/time", "/process/host"] {
        let value = record.pointer_mut(pointer).unwrap();
        let name = format!("<{}>", pointer.rsplit('/').next().unwrap());
        text = text.replace(value.as_str().unwrap(), &name);
        *value = json!(name);
    }
    for (id, before) in [("pid", "pid "), ("uid", "uid "), ("gid", "gid ")] {
        let value = &mut record["process"][id];
        text = text.replace(&format!("{before}{value}"), &format!("{before}<{id}>"));
        *value = json!(format!("<{id}>"));
    }
    let digest = record["contract"]["sha256"].as_str().unwrap().to_owned();
    let json = serde_json::to_string_pretty(&record).unwrap().replace(&digest, "<sha256>");
    let binary = example("witness");
    let all = |text: String| {
        text.replace(root, "{root}")
            .replace(binary.to_str().unwrap(), "{witness}")
            .replace(&soon(), "<soon>")
            .replace(&digest[..12], "<sha256>")
    };
    (all(text), all(json) + "\n")
}

fn is_as_it_was(name: &str, outcome: &Outcome) {
    outcome.no_canary();
    let (text, json) = forms(outcome);
    for (form, now) in [("txt", text), ("json", json)] {
        common::golden(&format!("manifest/{name}.{form}"), &now);
    }
}

#[test]
fn a_launch_in_development() {
    let outcome = base("development")
        .env("NEXIS_OPENAI_ENABLED", "false")
        .env("OPENAI_API_KEY", THIRD)
        .env("NEXIS_LOG_FORMAT", "JSON")
        .env("INVOCATION_ID", "0b2f8c3d4e5f60718293a4b5c6d7e8f9")
        .file("env", "GREETING=hello\nNEXIS_HOST=127.0.0.1\n")
        .options(["--env-file", "{root}/env"])
        .args(["--", "{witness}", "{dump}"])
        .run();
    outcome.status(0).seen();
    is_as_it_was("development", &outcome);
}

#[test]
fn a_launch_in_production_with_everything() {
    let outcome = base("production")
        .requirements()
        .without("JWT_SECRET")
        .file("secrets/JWT_SECRET", format!("{SECRET}\n"))
        .file("secrets/client.pem", format!("certificate {OTHER}"))
        .file("key", KEY)
        .env("NEXIS_DATABASE_URL", format!("postgres://app:{THIRD}@db.internal:5432/nexis"))
        .env("PARTNER_USER", "gateway")
        .env("PARTNER_SECRET", "pQ7rT2vX9zB4nM6kL8jH3gF5dS1aZ0wE")
        .env("HOME", "/home/app")
        .env("LEFT_OUT", "of --inherit contract")
        .env("NEXIS_DATABASE_PATH", "/data")
        .env("NEXIS_LOG_FORMAT", "tree")
        .contract(&CONTRACT.replace("UNTIL", &soon()))
        .options(["--secrets-dir", "{root}/secrets", "--fingerprint-key-file", "{root}/key"])
        .options(["--label", "commit=d41773f", "--label", "pod=gateway-7c9"])
        .options(["--inherit", "contract", "--mask-output"])
        .options(["--accept", "bad-format:NEXIS_LOG_FORMAT", "--reason", "an older image"])
        .options(["--until", &soon()])
        .args(["--", "{witness}", "{dump}", "two"])
        .canary("pQ7rT2vX9zB4nM6kL8jH3gF5dS1aZ0wE")
        .run();
    outcome.status(0).seen();
    is_as_it_was("production", &outcome);
}

#[test]
fn a_launch_that_is_refused() {
    let outcome = base("production")
        .env("JWT_SECRET", "short")
        .env("NEXIS_CORS_ALLOW_ORIGINS", "https://app.nexis.example/")
        .env("NEXIS_DATABASE_PATH", "/data")
        .env("OPENAI_API_KEY", "")
        .args(["--", "{root}/none", "{dump}"])
        .run();
    outcome.status(127).program_did_not_run();
    is_as_it_was("refused", &outcome);
}

#[test]
fn a_launch_with_one_error_and_one_warning_that_fails_at_its_exec() {
    let outcome = base("production")
        .requirements()
        .env("NEXIS_DATABASE_PATH", "/data")
        .executable("broken", b"\x7fELF and nothing more")
        .options(["--enforce", "report"])
        .without("NEXIS_CORS_ALLOW_ORIGINS")
        .args(["--", "{root}/broken"])
        .run();
    outcome.status(126);
    let both = outcome.read("audit");
    assert_eq!(both.lines().count(), 2);
    std::fs::write(outcome.root().join("audit"), both.lines().last().unwrap()).unwrap();
    is_as_it_was("failed", &outcome);
}
