//! A secret that also stands where text is shown: a label, a path, a name, a reason. No shown text
//! contains a secret or sub-secret of 8 bytes or more (interface section 6).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

/// Each place, as a change to a launch whose JWT_SECRET is SECRET and whose database's password is
/// OTHER.
type Place = (&'static str, fn(Launch) -> Launch);
const PLACES: &[Place] = &[
    ("a label's value", |it| it.options([format!("--label=token={SECRET}")])),
    ("a label's name", |it| it.options([format!("--label={SECRET}=x")])),
    ("a label of the setting", |it| it.env("NEXIS_LAUNCH_LABELS", format!("a=x{OTHER}y"))),
    ("an inherited name", |it| it.raw_env(format!("{SECRET}=x"))),
    ("an unknown name", |it| it.raw_env(format!("NEXIS_{SECRET}=x"))),
    ("an undeclared secret's name", |it| it.raw_env(format!("{SECRET}_TOKEN=x"))),
    ("a name of an env file", |it| {
        it.file("env", format!("{SECRET}=x\n")).options(["--env-file", "{root}/env"])
    }),
    ("an env file's path", |it| {
        it.file(SECRET, "EXTRA=1\n").options([format!("--env-file={{root}}/{SECRET}")])
    }),
    ("an env file's path with a bad line", |it| {
        it.file(SECRET, "no assignment\n").options([format!("--env-file={{root}}/{SECRET}")])
    }),
    ("an absent env file's path", |it| it.options([format!("--env-file={{root}}/{SECRET}")])),
    ("a secrets directory's path", |it| {
        it.file(&format!("{SECRET}/jwt_secret"), SECRET)
            .options([format!("--secrets-dir={{root}}/{SECRET}")])
    }),
    ("an absent secrets directory's path", |it| {
        it.options([format!("--secrets-dir={{root}}/{OTHER}")])
    }),
    ("the path of a reference", |it| {
        it.file(OTHER, HEX_KEY).env("NEXIS_ENCRYPTION_KEY_FILE", format!("{{root}}/{OTHER}"))
    }),
    ("the path of a reference to nothing", |it| it.env("NEXIS_JWT_SECRET_FILE", SECRET)),
    ("an audit log that cannot be written", |it| {
        it.options([format!("--audit-log={{root}}/no/{SECRET}")])
    }),
    ("a manifest that cannot be written", |it| {
        it.options([format!("--manifest-to={{root}}/no/{SECRET}")])
    }),
    ("the invocation id", |it| it.env("INVOCATION_ID", SECRET)),
    ("the issuer", |it| it.env("JWT_ISSUER", OTHER)),
    ("an origin", |it| it.env("NEXIS_CORS_ALLOW_ORIGINS", format!("https://{OTHER}.example"))),
    ("the host of another URL", |it| {
        it.env("REDIS_URL", format!("rediss://{SECRET}.example:6379"))
    }),
    ("the path of another URL", |it| {
        it.env("REDIS_URL", format!("rediss://h.example:6379/{OTHER}"))
    }),
    ("an acceptance's reason", |it| {
        it.options([format!("--reason=see {SECRET}")])
            .options(["--accept=placeholder:OPENAI_API_KEY", "--until=2020-01-01"])
    }),
    ("an acceptance's code", |it| {
        it.options([
            format!("--accept={SECRET}:JWT_SECRET"),
            "--reason=x".into(),
            "--until=2020-01-01".into(),
        ])
    }),
    ("a contract's name", |it| {
        it.file("c.yaml", format!("version: 1\nname: {SECRET}\nextends: builtin:nexis-gateway\n"))
            .options(["--contract={root}/c.yaml"])
    }),
];

fn base(launch: Launch) -> Launch {
    launch
        .requirements()
        .env("DATABASE_URL", format!("postgres://app:{OTHER}@db.internal/nexis?sslmode=require"))
        .canary(SECRET)
        .canary(OTHER)
}

fn drive(make: fn() -> Launch) {
    let mut leaks = Vec::new();
    for (place, add) in PLACES {
        let outcome = add(base(make())).run();
        outcome.no_panic();
        for canary in [SECRET, OTHER] {
            for (form, text) in forms(canary.as_bytes()) {
                for output in [&outcome.stdout, &outcome.stderr] {
                    if find(output, &text).is_some() {
                        leaks.push(format!("{place}: {form}"));
                    }
                }
            }
        }
    }
    leaks.dedup();
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
}

/// Whoever writes a password into what is public has a password all the same.
#[test]
fn the_password_of_a_public_url_is_not_shown() {
    for form in ["text", "json"] {
        let outcome = Launch::sound("production")
            .options([format!("--manifest={form}"), format!("--label=a={OTHER}")])
            .env("JWT_ISSUER", format!("https://app:{OTHER}@issuer.example/"))
            .canary(OTHER)
            .run();
        outcome.status(0).no_canary().seen();
        assert!(outcome.err().contains("JWT_ISSUER#password"), "{outcome}");
    }
}

/// A key with edges is refused or delivered as it is; it is the key all the same to whoever sees it.
#[test]
fn a_value_with_edges_is_not_shown_without_them() {
    let line = format!("{SECRET}{OTHER}");
    let values: [(&str, Vec<u8>); 8] = [
        ("spaces", format!(" {SECRET} ").into()),
        ("newlines", format!("{SECRET}\n\n").into()),
        ("quotes", format!("\"{SECRET}\"").into()),
        ("a byte order mark", format!("\u{feff}{SECRET}").into()),
        ("padding", format!("{SECRET}=").into()),
        ("bytes that are no text", [b"\xff", SECRET.as_bytes(), b"\xfe"].concat()),
        ("lines", format!("-----BEGIN KEY-----\r\n  {line}\r\n-----END KEY-----\n").into()),
        ("a newline that is kept", format!("{SECRET}\n").into()),
    ];
    let contract = "version: 1\nname: own\nprefixes: [NEXIS_]\nvariables:\n\
        - {name: JWT_SECRET, secret: true, final_newline: keep}\n";
    for (edges, value) in &values {
        let shown = if *edges == "lines" { &line } else { SECRET };
        for form in ["text", "json"] {
            let outcome = Launch::new()
                .file("own.yaml", contract)
                .file("key", value)
                .args(["check", "--mode=staging", "--contract={root}/own.yaml"])
                .args([format!("--format={form}"), format!("--label=a={shown}")])
                .args([format!("--label={shown}={shown}=="), "-vvv".to_owned()])
                .args([
                    format!("--env-file={{root}}/{shown}"),
                    format!("--secrets-dir=/no/{shown}"),
                ])
                .env("JWT_SECRET_FILE", "{root}/key")
                .raw_env(format!("{shown}=x"))
                .raw_env(format!("NEXIS_{shown}=x"))
                .canary(shown)
                .run();
            outcome.no_panic().no_canary();
            assert!(
                String::from_utf8_lossy(&outcome.stdout).contains("[redacted:"),
                "{edges}{outcome}"
            );
        }
        // In an argument it is found, too.
        let outcome = Launch::new()
            .file("own.yaml", contract)
            .file("key", value)
            .args(["run", "--mode=production", "--contract={root}/own.yaml", "--manifest=json"])
            .args(["--".to_owned(), "{witness}".into(), "{dump}".into(), format!("--key={shown}")])
            .env("JWT_SECRET_FILE", "{root}/key")
            .canary(shown)
            .run();
        outcome.status(78).error("secret-in-arguments", "JWT_SECRET").program_did_not_run();
        outcome.no_canary();
    }
}

#[test]
fn the_json_manifest_shows_none() {
    drive(|| {
        Launch::new().args(["run", "--manifest=json", "--mode=production", "--", "/bin/true"])
    });
}

#[test]
fn the_text_manifest_shows_none() {
    drive(|| {
        Launch::new().args(["run", "--manifest=text", "--mode=production", "--", "/bin/true"])
    });
}

#[test]
fn the_log_shows_none() {
    drive(|| {
        Launch::new().args(["run", "-vvv", "--manifest=off", "--mode=staging", "--", "/bin/true"])
    });
}

#[test]
fn check_shows_none() {
    drive(|| Launch::new().args(["check", "--format=text", "--mode=production"]));
    drive(|| Launch::new().args(["check", "--format=sarif", "--mode=production"]));
    drive(|| Launch::new().args(["check", "--format=github", "--mode=production"]));
}

#[test]
fn explain_shows_none() {
    drive(|| Launch::new().args(["explain", "--mode=production"]));
    drive(|| Launch::new().args(["explain", "--mode=production", "--format=json"]));
}

#[test]
fn the_programs_path_shows_none() {
    let outcome = base(Launch::new())
        .args(["run", "--mode", "production", "--", &format!("{{root}}/{SECRET}")])
        .executable(SECRET, "#!/bin/sh\nexit 0\n")
        .run();
    outcome.no_canary();
    let outcome = base(Launch::new())
        .args(["run", "--mode", "production", "--", &format!("{{root}}/absent-{SECRET}")])
        .run();
    outcome.status(127).no_canary();
}

#[test]
fn the_password_of_a_url_is_hidden_where_its_row_does_not_say_that_it_is_one() {
    let password = "pass-7Qx-word";
    let launch = || {
        Launch::witness(["--mode", "production"])
            .contract("version: 1\nname: own\nvariables:\n  - {name: DSN, secret: true}\n")
            .env("DSN", format!("https://app:{password}@errors.internal/1"))
            .canary(password)
    };
    launch().options(["--label", &format!("l={password}")]).run().status(0).no_canary();
    let outcome = launch().args([password]).run();
    outcome.status(78).error("secret-in-arguments", "DSN#password").program_did_not_run();
    outcome.no_canary();
}
