//! Text that a hostile hand wrote: names of files, settings, contracts, environments. Nothing of it
//! reaches a terminal as it is, and all of it ends in time with a documented status.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// What a terminal would obey or a reader be deceived by: clipboard, link and title (OSC), moving
/// and clearing (CSI), C1 in UTF-8, the order of letters turned round, nothing at all to see.
const ESCAPES: &str =
    "\u{1b}]52;c;aGk=\u{7}\u{1b}]8;;http://x\u{1b}\\\u{1b}[2J\u{9b}31m\r\n\u{202e}\u{200b}\u{2066}";

/// No byte of the outputs is one that a terminal obeys, and no character one that hides or turns.
fn tame(outcome: &Outcome) {
    for output in [&outcome.stdout, &outcome.stderr] {
        let text = String::from_utf8(output.clone()).expect("UTF-8");
        let wild = |it: char| {
            it.is_control() && it != '\n'
                || matches!(it, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        assert_eq!(text.find(wild), None, "{text:?}");
    }
    outcome.no_panic();
}

/// Every setting with every hostile value ends with a documented status.
#[test]
fn hostile_settings_end_with_a_documented_status() {
    let names = [
        "MODE",
        "CONTRACT",
        "SECRETS_DIR",
        "ENV_FILE",
        "INHERIT",
        "PASSTHROUGH",
        "ENFORCE",
        "MANIFEST",
        "MANIFEST_TO",
        "AUDIT_LOG",
        "AUDIT_REQUIRED",
        "FINGERPRINT_KEY_FILE",
        "LEDGER",
        "LABELS",
        "USER",
        "NO_NEW_PRIVS",
        "MASK_OUTPUT",
        "LOG",
        "LOG_FORMAT",
        "SERVICE_PORT",
        ESCAPES,
    ];
    let long = "x".repeat(120 * 1024);
    let values: [&[u8]; 6] = [
        ESCAPES.as_bytes(),
        long.as_bytes(),
        b"\xff\xfe",
        b"-",
        b"fd:99999",
        b"../../../../etc/shadow",
    ];
    for name in names {
        for value in values {
            let entry = [format!("NEXIS_LAUNCH_{name}=").as_bytes(), value].concat();
            let outcome = Launch::sound("production").raw_env(&entry).run();
            tame(&outcome);
            let status = outcome.status.unwrap_or(-1);
            assert!([0, 64, 65, 66, 73, 77, 78].contains(&status), "{name}: {outcome}");
        }
    }
}

#[test]
fn hostile_text_is_escaped_wherever_it_is_shown() {
    let label = format!("note={ESCAPES}");
    let reason = format!("because {ESCAPES}");
    for form in ["text", "json"] {
        let launch = Launch::sound("production")
            .options(["--manifest", form, "--label", &label])
            .options(["--accept", "too-short:JWT_SECRET", "--until", &days_ahead(3), "--reason"])
            .options([&reason])
            .raw_env(format!("NEXIS_{ESCAPES}=x"))
            .raw_env(format!("A_{ESCAPES}_SECRET=x"));
        tame(&launch.clone().run());
        for option in ["--contract", "--env-file", "--secrets-dir", "--fingerprint-key-file"] {
            tame(&launch.clone().options([option, &format!("{{root}}/{ESCAPES}")]).run());
        }
        tame(&launch.env("JWT_SECRET_FILE", format!("{{root}}/{ESCAPES}")).run());
    }
    for file in ["compose.yaml", "pod.yaml", "a.service", "b.env"] {
        let text = format!(
            "services:\n  \"{ESCAPES_IN_YAML}\":\n    image: \"{ESCAPES_IN_YAML}\"\n    environment: \
             {{\"NEXIS_{ESCAPES_IN_YAML}\": x}}\n[Service]\nEnvironment={ESCAPES}=1\n"
        );
        let launch = Launch::new().file(file, text).args(["check", "--deployment"]);
        tame(&launch.args([format!("{{root}}/{file}")]).run());
    }
    let contract = format!("version: 1\nname: \"{ESCAPES_IN_YAML}\"\n\"{ESCAPES_IN_YAML}\": 1\n");
    for command in ["lint", "show", "docs"] {
        let launch = Launch::new().file("c.yaml", &contract);
        tame(&launch.args(["contract", command, "{root}/c.yaml"]).run());
    }
    let desk = Desk::new();
    let old = desk.path("old");
    let words = ["rotate", "adopt", "JWT_SECRET", "--created", "2026-01-01", "--actor", ESCAPES];
    let words = [&words[..], &["--value-file", old.to_str().unwrap()]].concat();
    tame(&desk.run(&words));
    for words in [["rotate", "status"], ["ledger", "head"]] {
        tame(&desk.run(&words));
    }
    tame(&desk.run(&["rotate", "history", "JWT_SECRET"]));
}

/// The same as YAML writes it.
const ESCAPES_IN_YAML: &str = "\\e]52;c;aGk=\\a\\e[2J\\x9b31m\\r\\u202e\\u200b\\u2066";

#[test]
fn hostile_names_of_files_are_passed_over_or_said() {
    let long = "n".repeat(255);
    let names: [&[u8]; 7] = [
        b"line\nbreak",
        b"\x1b]52;c;aGk=\x07",
        b"--force",
        b"-rf",
        b"\xff\xfe\x80",
        long.as_bytes(),
        "\u{202e}terces_twj".as_bytes(),
    ];
    let launch = Launch::sound("production")
        .without("JWT_SECRET")
        .file("dir/jwt_secret", SECRET)
        .file("ledger/JWT_SECRET.jsonl", "")
        .file("key", HEX_KEY);
    for name in names {
        for place in ["dir", "ledger"] {
            let path = launch.root().join(place).join(OsStr::from_bytes(name));
            std::fs::write(path, SECRET).unwrap();
        }
    }
    let outcome = launch.clone().options(["--secrets-dir", "{root}/dir"]).run();
    tame(&outcome);
    assert_eq!(outcome.status(0).seen().text("JWT_SECRET").as_deref(), Some(SECRET));
    let root = launch.root().to_str().unwrap();
    let value = format!("JWT={root}/dir/jwt_secret");
    let scan = Launch::new().args(["leak", "scan", "--value-file", &value]);
    let outcome = scan.args([format!("{root}/dir")]).canary(SECRET).run();
    tame(&outcome);
    outcome.status(1).no_canary();
    let verify = Launch::new().args(["ledger", "verify", "--ledger"]);
    let verify = verify.args([format!("{root}/ledger"), "--ledger-key-file".into()]);
    tame(&verify.args([format!("{root}/key")]).run());
}

/// A launch under a contract ends by itself, in bounded memory, with a documented status.
fn bounded(contract: &str) -> Outcome {
    let limit = 512 << 20;
    let launch = Launch::sound("production").file("c.yaml", contract);
    let launch =
        launch.options(["--contract", "{root}/c.yaml"]).limit(libc::RLIMIT_AS, limit, limit);
    let outcome = launch.limit(libc::RLIMIT_CPU, 10, 10).run();
    tame(&outcome);
    outcome
}

#[test]
fn a_hostile_contract_ends_in_bounded_time_and_memory() {
    let head = "version: 1\nname: own\n";
    let laughs = (1..12).fold("a0: &a0 [x]\n".to_owned(), |text, level| {
        let all = vec![format!("*a{}", level - 1); 10].join(", ");
        text + &format!("a{level}: &a{level} [{all}]\n")
    });
    let deep = format!("variables: {}{}\n", "[".repeat(100_000), "]".repeat(100_000));
    let huge = format!("purpose: {}\n", "x".repeat(2 << 20));
    let rows = (0..1_000_000).fold("variables:\n".to_owned(), |text, _| text + "- {name: A}\n");
    for text in [&*laughs, &deep, &huge, &rows, "extends: c.yaml\n", "a: &a [*a]\n", "? ? ? ?\n"] {
        bounded(&(head.to_owned() + text)).status(65).program_did_not_run();
    }
    // As many rows as fit into a file, and a pattern that stars alone make hard.
    let rows =
        (0..15_000).fold(String::new(), |text, row| text + &format!("  - {{name: V{row}}}\n"));
    let pattern = "*A".repeat(200) + "*";
    let text = format!("{head}passthrough: [\"{pattern}\"]\nvariables:\n{rows}");
    let outcome = bounded(&text);
    assert!([0, 65, 78].contains(&outcome.status.unwrap_or(-1)), "{:?}", outcome.status);
    // Long names that no row has, each of which would be likened to all rows.
    let name = |of: char, row: usize| {
        let begin = format!("{of}{row}_");
        let digit = |at: usize| char::from(b'A' + u8::try_from((row * at + at) % 26).unwrap());
        begin + &(0..95).map(digit).collect::<String>()
    };
    let (mut rows, mut features) = (String::new(), String::new());
    for row in 0..2000 {
        rows += &format!("  - {{name: {}}}\n", name('A', row));
        let other = name('B', row);
        features += &format!("  - {{name: f{row}, on: {{variable: {other}, set: true}}}}\n");
    }
    let outcome = bounded(&format!("{head}variables:\n{rows}features:\n{features}"));
    outcome.status(65).says("and 1980 more").program_did_not_run();
    bounded(&format!("{head}variables:\n  - {{name: LD_PRELOAD, default: /x.so}}\n")).no_panic();
}

/// The launcher is static: what tells a loader or an allocator to load something is handed to the
/// program as it came, and nothing is loaded into the launcher.
#[test]
fn what_loaders_heed_goes_to_the_program_and_not_to_the_launcher() {
    let names =
        ["LD_PRELOAD", "LD_AUDIT", "LD_LIBRARY_PATH", "GCONV_PATH", "LOCPATH", "MALLOC_TRACE"];
    let launch = Launch::new().args(["check", "--mode", "production"]).requirements();
    let quiet = launch.run();
    let value = "/absent/hostile.so";
    let launch = Launch::new().args(["check", "--mode", "production"]).requirements();
    let loud = names.iter().fold(launch, |launch, name| launch.env(name, value)).run();
    loud.status(quiet.status.unwrap());
    loud.never_says("cannot be preloaded").never_says("hostile.so");
    let script = "for name in LD_LIBRARY_PATH GCONV_PATH LOCPATH MALLOC_TRACE; do eval \"echo \
                  \\$$name\"; done";
    let mut users = vec![Vec::new()];
    if two_users() {
        users.push(vec!["--user".to_owned(), ATTACKER.to_string()]);
    }
    for user in users {
        let launch = Launch::new()
            .args(["run", "--mode", "production"])
            .args(user)
            .args(["--", "/bin/sh", "-c", script]);
        let launch = launch.requirements();
        let outcome = names[2..].iter().fold(launch, |launch, name| launch.env(name, value)).run();
        outcome.status(0);
        assert_eq!(outcome.out(), format!("{value}\n").repeat(4), "{outcome}");
    }
}
