//! Drives bad inputs through every command, form and log level and shows that no form of a secret
//! stands in any output.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

const PASSWORD: &str = "pL9!wQ/e@r:T?y#U%iO+8zXcV";
const ENCODED: &str = "pL9%21wQ%2Fe%40r%3AT%3Fy%23U%25iO%2B8zXcV";

type Case = (&'static str, fn(Launch) -> Launch);

/// Each case plants SECRET, OTHER, PASSWORD or ENCODED somewhere.
const CASES: &[Case] = &[
    ("sound", |it| it.env("JWT_SECRET", SECRET)),
    ("alias", |it| it.env("NEXIS_JWT_SECRET", SECRET)),
    ("conflict", |it| it.env("JWT_SECRET", SECRET).env("NEXIS_JWT_SECRET", OTHER)),
    ("newline", |it| it.env("JWT_SECRET", format!("{SECRET}\n"))),
    ("quotes", |it| it.env("JWT_SECRET", format!("'{SECRET}'"))),
    ("not UTF-8", |it| {
        it.env("JWT_SECRET", [SECRET.as_bytes(), b"\xff", SECRET.as_bytes()].concat())
    }),
    ("NUL", |it| it.file("s", format!("{SECRET}\0{OTHER}")).env("JWT_SECRET_FILE", "{root}/s")),
    ("too large", |it| it.file("s", SECRET.repeat(1600)).env("JWT_SECRET_FILE", "{root}/s")),
    ("the value where a path belongs", |it| it.env("NEXIS_ENCRYPTION_KEY", SECRET)),
    ("reused", |it| it.env("JWT_SECRET", SECRET).env("NEXIS_API_HMAC_SECRET", SECRET)),
    ("repeated entry", |it| {
        it.raw_env(format!("JWT_SECRET={SECRET}")).raw_env(format!("JWT_SECRET={OTHER}"))
    }),
    ("a key as a URL", |it| it.env("DATABASE_URL", SECRET)),
    ("a URL", |it| it.env("DATABASE_URL", format!("postgres://app:{ENCODED}@db.internal/nexis"))),
    ("a URL with a raw password", |it| {
        it.env("DATABASE_URL", format!("postgres://app:{PASSWORD}@db.internal/nexis"))
    }),
    ("a URL of another scheme", |it| {
        it.env("DATABASE_URL", format!("mongodb://app:{ENCODED}@db.internal/{SECRET}"))
            .env("JWT_SECRET", SECRET)
    }),
    ("a URL with a secret query value", |it| {
        it.env(
            "DATABASE_URL",
            format!("postgres://db.internal/nexis?password={SECRET}&sslmode=require"),
        )
    }),
    ("a URL with a secret host and path", |it| {
        it.env(
            "DATABASE_URL",
            format!("postgres://app:{OTHER}@{OTHER}/{OTHER}?application_name={OTHER}"),
        )
    }),
    ("a URL that does not parse", |it| {
        it.env("DATABASE_URL", format!("postgres://[{SECRET}@:::/"))
    }),
    ("a URL without slashes", |it| it.env("REDIS_URL", format!("redis:{SECRET}@host"))),
    ("a fragment", |it| it.env("REDIS_URL", format!("rediss://host:6379/0#{SECRET}"))),
    ("parts", |it| {
        it.env("NEXIS_DATABASE_HOST", "db.internal")
            .env("NEXIS_DATABASE_NAME", "nexis")
            .env("NEXIS_DATABASE_USER", "app")
            .env("NEXIS_DATABASE_PASSWORD", PASSWORD)
    }),
    ("incomplete parts", |it| it.env("NEXIS_DATABASE_PASSWORD", PASSWORD)),
    ("an API base with user info", |it| {
        it.env("OPENAI_API_BASE", format!("https://user:{OTHER}@api.example/v1"))
            .env("OPENAI_API_KEY", OTHER)
    }),
    ("a withheld key", |it| it.env("NEXIS_OPENAI_ENABLED", "false").env("OPENAI_API_KEY", SECRET)),
    ("a secret in a setting that is shown", |it| {
        it.env("JWT_SECRET", SECRET)
            .env("JWT_ISSUER", SECRET)
            .env("JWT_AUDIENCE", format!("x{SECRET}"))
    }),
    ("a secret as a mode", |it| it.env("NEXIS_ENV", SECRET).env("JWT_SECRET", SECRET)),
    ("a secret as a mode setting", |it| {
        it.env("NEXIS_LAUNCH_MODE", SECRET).env("JWT_SECRET", SECRET)
    }),
    ("a secret as a flag", |it| it.env("NEXIS_HSTS_ENABLED", SECRET).env("JWT_SECRET", SECRET)),
    ("a secret as an address", |it| it.env("NEXIS_BIND_ADDR", SECRET).env("JWT_SECRET", SECRET)),
    ("a secret as a level", |it| {
        it.env("JWT_SECRET", SECRET).env("NEXIS_LOG_LEVEL", SECRET).env("RUST_LOG", SECRET)
    }),
    ("a secret as an origin", |it| {
        it.env("NEXIS_CORS_ALLOW_ORIGINS", SECRET).env("JWT_SECRET", SECRET)
    }),
    ("an inherited secret", |it| it.env("STRIPE_API_KEY", SECRET).env("UNRELATED", OTHER)),
    ("an unknown variable", |it| it.env("NEXIS_JWT_SECRT", SECRET)),
    ("an unread variable", |it| it.env("NEXIS_DATABASE_PATH", SECRET)),
    ("a bad line of an env file", |it| {
        it.file("env", format!("JWT_SECRET {SECRET}\nOTHER='{OTHER}\n"))
            .env("NEXIS_LAUNCH_ENV_FILE", "{root}/env")
    }),
    ("a good env file", |it| {
        it.file("env", format!("JWT_SECRET={SECRET}\n")).env("NEXIS_LAUNCH_ENV_FILE", "{root}/env")
    }),
    ("a secrets directory", |it| {
        it.file("dir/jwt-secret", SECRET)
            .file("dir/jwt_secret", OTHER)
            .env("NEXIS_LAUNCH_SECRETS_DIR", "{root}/dir")
    }),
    ("an entry without a name", |it| it.raw_env(format!("={SECRET}")).env("JWT_SECRET", SECRET)),
    ("a placeholder prefix", |it| it.env("OPENAI_API_KEY", format!("your-{SECRET}"))),
    ("a reference", |it| it.env("OPENAI_API_KEY", format!("vault:{SECRET}"))),
    ("a fingerprint key that is a secret", |it| {
        it.file("key", SECRET)
            .env("NEXIS_LAUNCH_FINGERPRINT_KEY_FILE", "{root}/key")
            .env("JWT_SECRET", SECRET)
    }),
    ("a wrong value of a setting", |it| it.env("NEXIS_LAUNCH_INHERIT", SECRET)),
    ("a full disk", |it| it.env("NEXIS_LAUNCH_AUDIT_LOG", "/dev/full").env("JWT_SECRET", SECRET)),
    ("an audit log", |it| {
        it.env("NEXIS_LAUNCH_AUDIT_LOG", "{root}/audit.log").env("JWT_SECRET", SECRET)
    }),
    ("a manifest file", |it| {
        it.env("NEXIS_LAUNCH_MANIFEST_TO", "{root}/m.json").env("JWT_SECRET", SECRET)
    }),
];

fn watched(case: Case, launch: Launch) -> Outcome {
    let launch = launch.canary(SECRET).canary(OTHER).canary(PASSWORD).canary(ENCODED);
    let outcome = case.1(launch).run();
    outcome.no_canary().no_panic();
    outcome
}

/// Every case against one way of starting the launcher.
fn drive(args: &[&str]) {
    for case in CASES {
        let launch = Launch::new().args(args).env("NEXIS_CORS_ALLOW_ORIGINS", "https://a.example");
        let outcome = watched(*case, launch);
        assert!(outcome.signal.is_none(), "{} with {args:?}\n{outcome}", case.0);
        assert!(
            !outcome.stdout.is_empty()
                || !outcome.stderr.is_empty()
                || outcome.root().join("m.json").exists()
                || args.contains(&"off"),
            "{} with {args:?} says nothing, so nothing is shown",
            case.0
        );
    }
}

#[test]
fn run_shows_no_secret_in_json() {
    drive(&["run", "--manifest", "json", "--", "/bin/true"]);
}

#[test]
fn run_shows_no_secret_in_text() {
    drive(&["run", "--manifest", "text", "--mode", "staging", "--", "/bin/true"]);
}

#[test]
fn run_shows_no_secret_when_it_only_reports() {
    drive(&["run", "--enforce", "report", "--mode", "production", "--", "/bin/true"]);
}

#[test]
fn run_shows_no_secret_in_its_log() {
    drive(&["run", "-v", "--", "/bin/true"]);
    drive(&["run", "-vvv", "--", "/bin/true"]);
    drive(&["run", "-vvv", "--log-format", "json", "--manifest", "off", "--", "/bin/true"]);
}

#[test]
fn dev_shows_no_secret() {
    drive(&["dev", "-vv", "--", "/bin/true"]);
}

#[test]
fn run_without_its_program_shows_no_secret() {
    drive(&["run", "--", "/no/such/program"]);
    drive(&["run", "--", "/"]);
}

#[test]
fn check_shows_no_secret_in_any_format() {
    for format in ["text", "json", "sarif", "github"] {
        drive(&["check", "--format", format]);
    }
    drive(&["check", "--mode", "development", "--strict", "-vvv", "--", "/bin/true"]);
}

#[test]
fn explain_shows_no_secret() {
    for format in ["text", "json"] {
        drive(&["explain", "--format", format]);
        drive(&["explain", "--format", format, "JWT_SECRET"]);
        drive(&["explain", "--format", format, "DATABASE_URL"]);
    }
    drive(&["explain", "-vvv", "OPENAI_API_KEY"]);
}

#[test]
fn no_secret_of_the_command_line_is_shown() {
    // One that the environment has, and one that nobody knows to be a secret.
    for secret in [SECRET, THIRD] {
        for args in [
            &["run", secret][..],
            &["run", "--", secret],
            &["run", "--", "/bin/true", secret],
            &["run", "--mode", secret, "--", "/bin/true"],
            &["run", "--inherit", secret, "--", "/bin/true"],
            &["run", "--manifest", secret, "--", "/bin/true"],
            &["check", "--format", secret],
        ] {
            let outcome = Launch::new().args(args).requirements().canary(secret).run();
            // The program's own name and path are shown; an argument that is a secret of the
            // contract is only named by its place.
            if args[1..] != ["--", secret] {
                outcome.no_canary();
            }
            outcome.no_panic();
        }
    }
}

/// Other tools help by showing the first characters. Any four of these in a row have letters of
/// both cases, so that nothing else has them by chance.
#[test]
fn no_part_of_a_secret_is_shown() {
    for form in ["json", "text"] {
        for value in [SECRET, &SECRET[..20]] {
            let args =
                ["run", "-vvv", "--mode", "production", "--manifest", form, "--", "{witness}"];
            let launch = Launch::new().args(args).requirements().env("JWT_SECRET", value);
            let outcome = launch.run();
            assert!(find(&outcome.stderr, b"JWT_SECRET").is_some(), "{outcome}");
            for part in value.as_bytes().windows(4) {
                assert!(find(&outcome.stderr, part).is_none(), "{outcome}");
                assert!(find(&outcome.stdout, part).is_none(), "{outcome}");
            }
        }
    }
}

#[test]
fn arguments_of_the_program_are_never_shown() {
    let argument = [b"--password=", OTHER.as_bytes(), b"\xff"].concat();
    let outcome = Launch::sound("production")
        .args([OsStr::from_bytes(&argument)])
        .options(["-vvv"])
        .canary(OTHER)
        .run();
    outcome.status(0).no_canary().no_panic();
}

#[test]
fn a_generated_secret_is_shown_nowhere() {
    let outcome =
        Launch::witness(["--mode", "development", "-vvv", "--audit-log", "{root}/audit.log"])
            .canary("stands for the generated one")
            .run();
    let generated = outcome.status(0).seen().text("JWT_SECRET").unwrap();
    assert!(generated.len() >= 32, "too short for a key");
    for (form, text) in forms(generated.as_bytes()) {
        for output in [&outcome.stdout, &outcome.stderr, &outcome.read("audit.log").into_bytes()] {
            assert!(find(output, &text).is_none(), "its {form}");
        }
    }
    let again = Launch::witness(["--mode", "development"]).run();
    assert_ne!(again.status(0).seen().text("JWT_SECRET").unwrap(), generated);
}

#[test]
fn a_shown_value_that_holds_a_secret_is_withheld() {
    let outcome = Launch::sound("staging")
        .env("JWT_ISSUER", format!("https://issuer.example/{SECRET}"))
        .env("DATABASE_URL", format!("postgres://app:{OTHER}@db.internal/{OTHER}?sslmode=require"))
        // The password alone, which is no variable of its own.
        .env("JWT_AUDIENCE", format!("those of {OTHER}"))
        .canary(SECRET)
        .canary(OTHER)
        .run();
    outcome.status(0).no_canary();
    for name in ["JWT_ISSUER", "JWT_AUDIENCE"] {
        assert!(outcome.variable(name).get("display").is_none_or(serde_json::Value::is_null));
    }
}

/// A secret in the place of a name or a path, by an operator who confused two variables.
#[test]
fn a_secret_in_the_place_of_a_path_or_a_name_is_not_repeated() {
    let name = format!("NEXIS_LAUNCH_{SECRET}");
    for (name, value) in [
        ("NEXIS_LAUNCH_CONTRACT", SECRET),
        ("NEXIS_LAUNCH_SECRETS_DIR", SECRET),
        ("NEXIS_LAUNCH_ENV_FILE", SECRET),
        ("NEXIS_LAUNCH_AUDIT_LOG", "{root}/none/SECRET"),
        ("NEXIS_LAUNCH_MANIFEST_TO", "{root}/none/SECRET"),
        ("NEXIS_LAUNCH_FINGERPRINT_KEY_FILE", SECRET),
        ("DATABASE_URL_FILE", SECRET),
        (name.as_str(), "1"),
    ] {
        for log in ["text", "json"] {
            let outcome = Launch::sound("production")
                .env(name, value.replace("SECRET", SECRET))
                .options(["-vvv", "--log-format", log])
                .canary(SECRET)
                .run();
            assert_ne!(outcome.status, Some(0), "{name}");
            outcome.no_canary().program_did_not_run();
        }
    }
}

/// The same of a socket and of what `leak` looks through. The value of a file that is named is the
/// room's own care: it stands in no environment then.
#[test]
fn a_secret_in_the_place_of_a_socket_a_log_or_a_tree_is_not_repeated() {
    let (socket, named) = (format!("unix:{{root}}/none/{SECRET}:/health"), format!("X={SECRET}"));
    let print = ["leak", "trace", "--fingerprint", "04546ddeb24573db"];
    let key = ["leak", "trace", "--fingerprint-key-file", "{root}/key", "--value-file"];
    let held = "what should be a name or a path holds JWT_SECRET";
    let value = "cannot read the file given for --value-file: there is no such file";
    for (command, inherited, status, says) in [
        (vec!["health", &socket], true, 1, held),
        ([&print[..], &[SECRET]].concat(), true, 66, "cannot read [redacted:JWT_SECRET]"),
        (vec!["leak", "scan", SECRET], true, 2, "cannot read [redacted:JWT_SECRET]"),
        ([&key[..], &[SECRET, "{root}/log"]].concat(), false, 66, value),
        ([&key[..], &[SECRET, "{root}/log"]].concat(), true, 66, value),
        (vec!["leak", "scan", "--value-file", &named, "."], false, 66, value),
        (vec!["leak", "scan", "--value-file", &named, "."], true, 66, value),
    ] {
        let launch = Launch::new().args(&command).file("key", HEX_KEY).file("log", "");
        let launch = if inherited { launch.env("JWT_SECRET", SECRET) } else { launch };
        let outcome = launch.canary(SECRET).run();
        outcome.status(status).says(says).no_canary();
    }
}

/// The same in the commands that start nothing.
#[test]
fn a_secret_in_the_place_of_a_path_of_any_command_is_not_repeated() {
    const HELD: &str = "what should be a name or a path holds JWT_SECRET";
    let builtin = "builtin:nexis-gateway";
    for (status, says, command) in [
        (66, HELD, &["contract", "show", SECRET][..]),
        (66, HELD, &["contract", "lint", SECRET]),
        (66, HELD, &["contract", "docs", SECRET]),
        (66, HELD, &["contract", "template", SECRET]),
        (66, HELD, &["contract", "diff", builtin, SECRET]),
        (66, HELD, &["check", "--deployment", SECRET]),
        (73, HELD, &["generate", "JWT_SECRET", "--out", "{root}/none/SECRET"]),
        (73, HELD, &["generate", "ledger-key", "--out", "{root}/none/SECRET"]),
        (64, "has no such variable", &["generate", SECRET]),
        (64, "no such variable or code", &["explain", SECRET]),
        (66, HELD, &["explain", "--contract", SECRET]),
        (73, HELD, &["init", "{root}/file/SECRET"]),
        (1, HELD, &["health", "unix:{root}/none/SECRET:/health"]),
        (66, HELD, &["ledger", "verify", "--ledger", SECRET, "--ledger-key-file", "{root}/key"]),
        (66, HELD, &["ledger", "verify", "--ledger", "{root}", "--ledger-key-file", SECRET]),
        (66, HELD, &["rotate", "status", "--ledger", SECRET]),
        (2, "cannot read [redacted:JWT_SECRET]", &["leak", "scan", SECRET]),
        (66, HELD, &["inspect", "--pid", "1", "--contract", SECRET]),
        (66, "[redacted:JWT_SECRET]", &["inspect", "--pid", "1", "--fingerprint-key-file", SECRET]),
    ] {
        let words = command.iter().map(|word| word.replace("/SECRET", &format!("/{SECRET}")));
        let launch = Launch::new().args(words).file("file", "").file("key", HEX_KEY);
        let outcome = launch.env("JWT_SECRET", SECRET).canary(SECRET).run();
        outcome.status(status).says(says).no_canary();
    }
    // Nor is one that the command itself has read.
    let outcome = Launch::command("inspect", ["--pid", "1", "--secrets-dir", "{root}/s"])
        .args(["--fingerprint-key-file", SECRET])
        .file("s/jwt-secret", SECRET)
        .canary(SECRET)
        .run();
    outcome.status(66).no_canary().says("[redacted:JWT_SECRET]");
}

/// One that no environment holds, so that nothing but the command's own care hides it.
#[test]
fn a_value_in_the_place_of_its_file_is_repeated_by_no_command() {
    let desk = Desk::new();
    desk.start("OPENAI_API_KEY", "next");
    desk.steps("OPENAI_API_KEY", &["stage"]);
    let named = format!("X={OTHER}");
    for words in [
        &["rotate", "adopt", "JWT_SECRET", "--created", "2026-01-01", "--value-file", OTHER][..],
        &["rotate", "start", "JWT_SECRET", "--value-file", OTHER],
        &["rotate", "verify", "OPENAI_API_KEY", "--value-file", OTHER],
        &["leak", "respond", "JWT_SECRET", "--reason", "x", "--value-file", OTHER],
        &["leak", "trace", "--value-file", OTHER, "{home}/old"],
        &["leak", "scan", "--value-file", &named, "{home}/old"],
        &["mask", "--value-file", OTHER],
        &["mask", "--value-file", &named],
    ] {
        let is_keyed = words[0] == "rotate" || words[1] == "respond";
        let launch =
            if is_keyed { desk.keyed(words.to_vec()) } else { desk.command(words.to_vec()) };
        let outcome = launch.run();
        outcome.status(66).no_canary();
        outcome.says("cannot read the file given for --value-file: there is no such file");
        assert_eq!(outcome.out(), "", "{outcome}");
    }
}

#[test]
fn a_value_in_the_place_of_a_keys_name_is_not_repeated() {
    const UNKNOWN: &str = "nothing is recorded of it";
    const NO_CLASS: &str = "the contract has no class for it";
    let desk = Desk::new();
    for (status, says, words) in [
        (64, NO_CLASS, &["rotate", "start", OTHER, "--value-file", "{home}/old"][..]),
        (64, NO_CLASS, &["leak", "respond", OTHER, "--reason", "x"]),
        (65, "mark it", &["leak", "respond", OTHER, "--reason", "x", "--class", "database"]),
        (65, UNKNOWN, &["rotate", "stage", OTHER]),
        (65, UNKNOWN, &["rotate", "verify", OTHER]),
        (65, UNKNOWN, &["rotate", "verify", OTHER, "--value-file", "{home}/old"]),
        (64, "needs the new value", &["rotate", "verify", OTHER, "--", "/bin/true"]),
        (65, UNKNOWN, &["rotate", "deploy", OTHER]),
        (65, UNKNOWN, &["rotate", "revoke", OTHER]),
        (65, UNKNOWN, &["rotate", "evidence", OTHER, "--commit", "d41773f"]),
        (65, UNKNOWN, &["rotate", "abort", OTHER]),
        (64, NO_CLASS, &["rotate", "plan", OTHER]),
        (65, "nothing is recorded of that name", &["rotate", "history", OTHER]),
    ] {
        desk.refused(status, words).says(says);
    }
    // A name that the contract knows is repeated.
    desk.refused(65, &["rotate", "stage", "JWT_SECRET"]).says("cannot stage JWT_SECRET");
}

/// The second entry of a name, which no program would see, and what its row refuses.
#[test]
fn a_secret_that_was_read_and_is_no_value_is_hidden_too() {
    let label = |secret: &str| format!("of={secret}");
    let outcome = Launch::sound("production")
        .without("JWT_SECRET_FILE")
        .env("JWT_SECRET", SECRET)
        .raw_env(format!("JWT_SECRET={OTHER}"))
        .options(["--label", &label(OTHER), "--audit-log", "{root}/audit"])
        .canary(OTHER)
        .run();
    outcome.status(78).error("conflict", "JWT_SECRET").no_canary().program_did_not_run();
    assert_eq!(outcome.manifest()["labels"]["of"], "[redacted:JWT_SECRET]");
    let contract =
        "version: 1\nname: own\nvariables:\n- {name: KEY, secret: true, final_newline: refuse}\n";
    let outcome = Launch::witness(["--mode", "production", "--label", &label(THIRD)])
        .options(["--contract", "{root}/contract.yaml"])
        .file("contract.yaml", contract)
        .file("key", format!("{THIRD}\n"))
        .env("KEY_FILE", "{root}/key")
        .canary(THIRD)
        .run();
    outcome.status(78).error("bad-format", "KEY").no_canary().program_did_not_run();
    assert_eq!(outcome.manifest()["labels"]["of"], "[redacted:KEY]");
}

#[test]
fn a_secret_that_was_put_in_a_file_reference_is_not_repeated() {
    for options in [&[][..], &["-vvv"], &["--manifest", "text"]] {
        let outcome = Launch::sound("production")
            .env("NEXIS_WEBHOOK_SIGNING_KEY_FILE", OTHER)
            .env("NEXIS_DATABASE_PASSWORD_FILE", THIRD)
            .options(options)
            .canary(OTHER)
            .canary(THIRD)
            .run();
        outcome.status(78).no_canary().program_did_not_run();
        outcome.says("cannot read what NEXIS_WEBHOOK_SIGNING_KEY_FILE names");
    }
}

#[test]
fn neither_is_one_that_begins_as_a_path_does() {
    // One base64 value in 64 begins with a slash.
    for value in [
        "/kV7xQ2mZ9nRb4TwL8sPc3HyJd6FsGa5Eo1Ui0Wt7Xq=",
        "/kV7xQ2mZ9nRb4/wL8sPc3HyJd6+sGa5Eo1Ui0Wt7Xq=",
        "./correct-horse-battery-staple",
        ".correct-horse-battery-staple",
    ] {
        let launch = Launch::sound("production").without("JWT_SECRET").canary(value);
        for launch in [
            launch.clone().env("JWT_SECRET_FILE", value),
            launch
                .file("env", format!("JWT_SECRET_FILE={value}\n"))
                .options(["--env-file", "{root}/env"]),
        ] {
            for options in [&["--audit-log", "{root}/log", "-vvv"][..], &["--manifest", "text"]] {
                let outcome = launch.clone().options(options).run();
                outcome.status(78).no_canary().program_did_not_run();
                outcome.says("cannot read what JWT_SECRET_FILE names");
            }
        }
    }
    // A path that leads nowhere is what the person on call looks for.
    for path in ["/run/secrets/nexis-1/JWT_SECRET", "/etc/absent", "./absent/jwt-secret"] {
        let launch = Launch::sound("production").without("JWT_SECRET");
        let outcome = launch.env("JWT_SECRET_FILE", path).run();
        outcome.status(78).program_did_not_run();
        outcome.says(path.trim_start_matches('.'));
    }
}
