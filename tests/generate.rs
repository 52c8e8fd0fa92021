//! `generate`: a value that its own contract takes, alone, and whole or not at all (interface
//! section 9).
#![allow(unsafe_code, reason = "a terminal is made through a C interface")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use serde_json::Value;
use std::fs::File;
use std::io::{Read, Write as _};
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

/// What the built-in contract has that can be made: variables, with the names of their files.
const MADE: [(&str, &str); 6] = [
    ("JWT_SECRET", "jwt-secret"),
    ("NEXIS_ENCRYPTION_KEY", "nexis-encryption-key"),
    ("NEXIS_API_HMAC_SECRET", "nexis-api-hmac-secret"),
    ("NEXIS_WEBHOOK_SIGNING_KEY", "nexis-webhook-signing-key"),
    ("NEXIS_DATABASE_PASSWORD", "nexis-database-password"),
    ("NEXIS_REDIS_PASSWORD", "nexis-redis-password"),
];

fn generate<const N: usize>(arguments: [&str; N]) -> Launch {
    Launch::command("generate", arguments)
}

/// Names below a directory.
fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<_> =
        entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn work(outcome: &Outcome) -> Vec<String> {
    let mut names = names(&outcome.root().join("work"));
    names.retain(|name| name != ".git");
    names
}

#[test]
fn the_value_stands_alone_and_production_takes_it() {
    for (name, _) in MADE {
        let made = generate([name]).run();
        made.status(0);
        let value = made.out();
        assert!(value.len() >= 43 && !value.contains(['\n', ' ']), "{name}");
        assert!(!made.err().contains(&value), "{name} on standard error");
        let checked = Launch::command("check", ["--mode", "production", "--format", "json"])
            .requirements()
            .env("NEXIS_DATABASE_HOST", "db.internal")
            .env("NEXIS_DATABASE_NAME", "nexis")
            .env("NEXIS_DATABASE_USER", "app")
            .env("NEXIS_DATABASE_PASSWORD", OTHER)
            .env("NEXIS_DATABASE_SSLMODE", "require")
            .env("NEXIS_REDIS_HOST", "redis.internal")
            .env("NEXIS_REDIS_TLS", "true")
            .env(name, &value)
            .run();
        checked.status(0).never_says(&value);
        assert!(checked.findings().iter().all(|it| it.2 != name), "{checked}");
        assert_ne!(generate([name]).run().out(), value, "{name}");
    }
    assert_eq!(generate(["NEXIS_ENCRYPTION_KEY"]).run().out().len(), 64);
}

#[test]
fn an_alias_is_its_variable() {
    assert_eq!(generate(["NEXIS_JWT_SECRET"]).run().status(0).out().len(), 64);
}

#[test]
fn the_keys_of_the_launcher_are_64_hex_digits_that_it_takes() {
    for key in ["fingerprint-key", "ledger-key"] {
        let made = generate([key, "--out", "key"]).umask(0o777).run();
        made.status(0);
        assert_eq!((made.out(), made.err()), (String::new(), String::new()));
        let digits = made.read("work/key");
        assert!(digits.len() == 64 && digits.bytes().all(|it| it.is_ascii_hexdigit()), "{key}");
        let work = made.root().join("work");
        let checked = Launch::command("check", ["--mode", "production", "--format", "json"])
            .args(["--fingerprint-key-file", "key"])
            .requirements()
            .cwd(work.to_str().unwrap())
            .run();
        checked.status(0).never_says(&digits);
        assert!(checked.manifest()["fingerprint_key_id"].is_string());
    }
}

#[test]
fn what_cannot_be_made_is_refused_with_what_to_do() {
    for (name, words) in [
        ("OPENAI_API_KEY", "create a key at the provider"),
        ("DATABASE_URL", "generate NEXIS_DATABASE_PASSWORD"),
        ("REDIS_URL", "generate NEXIS_REDIS_PASSWORD"),
        ("NEXIS_ENV", "set it yourself"),
        ("NEXIS_HSTS_ENABLED", "set it yourself"),
        ("NO_SUCH_VARIABLE_AT_ALL", "contract show"),
    ] {
        let outcome = generate([name, "--out", "file"]).run();
        outcome.status(64).says(words).says("hint: ");
        assert_eq!(outcome.out(), "");
        assert_eq!(work(&outcome), [""; 0]);
    }
}

#[test]
fn a_contract_of_ones_own_decides_the_form() {
    let contract = "version: 1\nname: mine\nvariables:\n\
        - {name: TOKEN, secret: true, format: {kind: ascii, prefix: tk-, max_bytes: 40}}\n\
        - {name: PIN, secret: true, format: {kind: text, max_bytes: 8}}\n\
        - {name: SEED, secret: true, generate: {kind: hex, bytes: 24}}\n\
        - {name: KEY, secret: true, format: {kind: base64, bytes: 32}}\n";
    let made = |name: &str| {
        generate([name]).args(["--contract", "{root}/mine.yaml"]).file("mine.yaml", contract).run()
    };
    let token = made("TOKEN").status(0).out();
    assert!(token.starts_with("tk-") && token.len() == 40, "{}", token.len());
    assert_eq!(made("SEED").status(0).out().len(), 48);
    assert_eq!(made("KEY").status(0).out().len(), 44);
    made("PIN").status(64).says("no room for 128 random bits");
    let by_setting = generate(["TOKEN"])
        .env("NEXIS_LAUNCH_CONTRACT", "{root}/mine.yaml")
        .file("mine.yaml", contract)
        .run();
    assert!(by_setting.status(0).out().starts_with("tk-"));
}

#[test]
fn a_launch_and_init_make_a_value_as_generate_does() {
    let contract = "version: 1\nname: mine\nvariables:\n\
        - {name: PK, secret: true, required: always, format: {kind: text, prefix: pk-, min_bytes: 20}, generate: {kind: hex, bytes: 16}}\n\
        - {name: HEX, secret: true, format: {kind: hex, bytes: 32, prefix: ab}, generate: {kind: hex, bytes: 32}}\n";
    let with = |launch: Launch| {
        launch.env("NEXIS_LAUNCH_CONTRACT", "{root}/mine.yaml").file("mine.yaml", contract).run()
    };
    let launched = with(Launch::witness(["--mode", "development"]));
    launched.status(0).no_errors();
    let set_up = with(Launch::command("init", [""; 0]));
    set_up.status(0);
    for (name, file, prefix, length) in [("PK", "pk", "pk-", 35), ("HEX", "hex", "ab", 64)] {
        for value in [
            launched.seen().text(name).unwrap(),
            set_up.read(&format!("work/secrets/{file}")),
            with(generate([name])).status(0).out(),
        ] {
            assert!(value.starts_with(prefix) && value.len() == length, "{name}: {}", value.len());
            assert!(value[prefix.len()..].bytes().all(|it| it.is_ascii_hexdigit()), "{name}");
            launched.never_says(&value);
            set_up.never_says(&value);
        }
        assert_eq!(launched.variable(name)["state"], "generated");
    }
}

/// What an extending contract demands of the format, the values of the contract it extends meet, or
/// there are none.
#[test]
fn a_tightened_format_gets_values_as_long_as_it_demands() {
    let with = |launch: Launch, format: &str| {
        let text = format!(
            "version: 1\nname: x\nextends: builtin:nexis-gateway\nvariables:\n- {{name: JWT_SECRET, format: {format}}}\n"
        );
        launch.options(["--contract", "{root}/x.yaml"]).file("x.yaml", text)
    };
    let launch = || Launch::witness(["--mode", "development"]);
    for (format, length) in [
        ("{min_bytes: 80}", 80),
        ("{min_bytes: 79}", 80),
        ("{min_bytes: 48}", 64),
        ("{max_bytes: 40}", 40),
    ] {
        let outcome = with(launch(), format).run();
        let value = outcome.status(0).seen().text("JWT_SECRET").unwrap();
        assert_eq!(value.len(), length, "{format}");
        assert_eq!(outcome.variable("JWT_SECRET")["state"], "generated");
        with(generate(["JWT_SECRET"]), format).run().status(0);
    }
    let outcome = with(launch(), "{prefix: nx-}").run();
    assert!(outcome.status(0).seen().text("JWT_SECRET").unwrap().starts_with("nx-"));
}

#[test]
fn a_contract_whose_generate_its_format_refuses_is_refused_everywhere() {
    let contract = "version: 1\nname: mine\nvariables:\n\
        - {name: ODD, secret: true, format: {kind: text, max_bytes: 20}, generate: {kind: hex, bytes: 16}}\n";
    let with = |launch: Launch| {
        let launch = launch.env("NEXIS_LAUNCH_CONTRACT", "{root}/mine.yaml");
        let outcome = launch.file("mine.yaml", contract).run();
        outcome
            .status(65)
            .says("line 4: ODD: generates 32 characters, its format takes 20 at most");
        assert_eq!((outcome.out(), work(&outcome)), (String::new(), Vec::new()));
        outcome
    };
    with(Launch::witness(["--mode", "development"])).program_did_not_run();
    with(generate(["ODD"]));
    with(Launch::command("init", [""; 0]));
    with(Launch::command("contract", ["lint", "{root}/mine.yaml"]));
}

#[test]
fn a_file_is_the_owners_alone_and_holds_the_value_and_nothing_else() {
    for umask in [0o000, 0o022, 0o777] {
        let made = generate(["JWT_SECRET", "--out", "new"]).umask(umask).run();
        made.status(0);
        assert_eq!((made.out(), made.err()), (String::new(), String::new()));
        let meta = made.root().join("work/new").symlink_metadata().unwrap();
        assert_eq!(meta.permissions().mode() & 0o7777, 0o600);
        assert_eq!((meta.len(), meta.nlink()), (64, 1));
        assert_eq!(work(&made), ["new"]);
        made.never_says(&made.read("work/new"));
    }
}

#[test]
fn nothing_is_overwritten_and_no_link_followed() {
    let launch = || {
        generate(["JWT_SECRET"])
            .file("work/file", "kept")
            .file("elsewhere/file", "kept")
            .dir("work/directory")
            .link("work/link", "{root}/elsewhere/file")
            .link("work/dangling", "{root}/elsewhere/absent")
            .pipe("work/pipe")
    };
    for (path, words) in [
        ("file", "a regular file"),
        ("directory", "a directory"),
        ("directory/", "no name of a file"),
        ("link", "a symbolic link"),
        ("dangling", "a symbolic link"),
        ("pipe", "a pipe"),
        ("/dev/null", "a device"),
        ("..", "no name of a file"),
        ("absent/new", "ENOENT"),
        ("file/new", "ENOTDIR"),
    ] {
        let outcome = launch().args(["--out", path]).run();
        outcome.status(73).says(words).says("hint: ");
        assert_eq!(outcome.out(), "", "{path}");
        assert_eq!(work(&outcome), ["dangling", "directory", "file", "link", "pipe"], "{path}");
        assert_eq!(outcome.read("work/file") + &outcome.read("elsewhere/file"), "keptkept");
        assert_eq!(names(&outcome.root().join("elsewhere")), ["file"], "{path}");
    }
}

#[test]
fn what_cannot_be_written_leaves_nothing() {
    let full = generate(["NEXIS_ENCRYPTION_KEY", "--out", "new"])
        .limit(libc::RLIMIT_FSIZE, 20, 20)
        .ignoring([libc::SIGXFSZ])
        .run();
    // What says so is limited as well.
    full.status(73);
    assert_eq!(work(&full), [""; 0]);
    let closed = generate(["JWT_SECRET", "--out", "new"]).unprivileged().mode("work", 0o555).run();
    closed.status(73).says("EACCES");
    assert_eq!(work(&closed), [""; 0]);
    let stdout = generate(["JWT_SECRET"]).stdout(Stream::Path("/dev/full")).run();
    stdout.status(73).says("standard output");
}

#[test]
fn several_at_once_make_one_file_and_one_of_them_says_so() {
    let first = Launch::new();
    let work_path = first.root().join("work");
    let all: Vec<_> = (0..6)
        .map(|_| generate(["JWT_SECRET", "--out", "new"]).cwd(work_path.to_str().unwrap()).start())
        .collect();
    let statuses: Vec<_> = all.into_iter().map(|it| it.finish().status).collect();
    assert_eq!(statuses.iter().filter(|it| **it == Some(0)).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|it| **it == Some(73)).count(), 5, "{statuses:?}");
    assert_eq!(names(&work_path), [".git", "new"]);
    assert_eq!(std::fs::read(work_path.join("new")).unwrap().len(), 64);
}

#[test]
fn for_kubernetes_it_is_a_secret_that_mounts_under_the_right_name() {
    for (name, file) in MADE {
        let made = generate([name, "--for", "kubernetes", "--out", "secret.yaml"]).run();
        made.status(0).says("kubectl apply --server-side -f ");
        assert_eq!(made.out(), "");
        let text = made.read("work/secret.yaml");
        let object: Value = serde_yaml::from_str(&text).unwrap();
        assert_eq!((&object["kind"], &object["apiVersion"]), (&"Secret".into(), &"v1".into()));
        assert_eq!(object["metadata"]["name"], "nexis-gateway");
        let data = object["data"].as_object().unwrap();
        assert_eq!(data.keys().collect::<Vec<_>>(), [file]);
        assert!(object["stringData"].is_null());
        made.never_says(data[file].as_str().unwrap());
        // The launcher's own gate over deployment files has nothing against its names.
        let gate = Launch::command("check", ["--deployment", "secret.yaml"])
            .cwd(made.root().join("work").to_str().unwrap())
            .run();
        assert!(!gate.out().contains("unknown"), "{gate}");
    }
    let named = generate(["JWT_SECRET", "--for", "kubernetes", "--name", "keys.prod"]).run();
    assert!(named.status(0).out().contains("\n  name: keys.prod\n"));
    for name in ["Keys", "a b", "a\nb: c", "-a", ""] {
        let bad = generate(["JWT_SECRET", "--for", "kubernetes", "--name", name]).run();
        assert_eq!((bad.status, bad.out()), (Some(64), String::new()), "{name:?}");
    }
    generate(["JWT_SECRET", "--for", "docker", "--name", "x"]).run().status(64).says("--name");
}

#[test]
fn for_docker_and_systemd_it_is_the_file_and_the_next_command_is_said() {
    for (target, words) in [
        ("docker", &["docker secret create jwt-secret ", "secrets: {jwt-secret: {file: "][..]),
        ("systemd", &["LoadCredential=jwt-secret:/", "systemd-creds encrypt --name=jwt-secret "]),
    ] {
        let made = generate(["JWT_SECRET", "--for", target, "--out", "new"]).run();
        made.status(0);
        for word in words {
            made.says(word);
        }
        let value = made.read("work/new");
        assert_eq!(value.len(), 64);
        made.never_says(&value);
        let piped = generate(["JWT_SECRET", "--for", target]).run();
        assert_eq!(piped.status(0).out().len(), 64);
        piped.says(if target == "docker" { "jwt-secret -\n" } else { "=jwt-secret - /etc/" });
    }
    for target in ["docker", "systemd", "kubernetes"] {
        let outcome = generate(["ledger-key", "--for", target, "--out", "new"]).run();
        outcome.status(64).says("launch hosts never hold it");
        assert_eq!(work(&outcome), [""; 0]);
    }
}

#[test]
fn a_generated_file_is_found_by_a_launch() {
    let made = generate(["JWT_SECRET", "--for", "docker", "--out", "jwt-secret"]).run();
    let work = made.root().join("work");
    let started = Launch::witness(["--mode", "production", "--secrets-dir"])
        .options([work.to_str().unwrap()])
        .env("NEXIS_CORS_ALLOW_ORIGINS", "https://app.nexis.example")
        .run();
    started.status(0);
    assert_eq!(started.seen().text("JWT_SECRET"), Some(made.read("work/jwt-secret")));
}

#[test]
fn on_a_terminal_a_newline_follows_and_nowhere_else() {
    let (mut user, mut program) = (-1, -1);
    let none = std::ptr::null_mut();
    // SAFETY: openpty(3) fills two integers that live for the call; the rest may be null.
    let made =
        unsafe { libc::openpty(&raw mut user, &raw mut program, none, none.cast(), none.cast()) };
    assert_eq!(made, 0);
    // SAFETY: openpty(3) has just made both, and nothing else owns them.
    let (mut user, program) = unsafe { (File::from_raw_fd(user), OwnedFd::from_raw_fd(program)) };
    let outcome = generate(["JWT_SECRET"]).stdout(Stream::Fd(Arc::new(program))).run();
    outcome.status(0).says("--out FILE keeps it out");
    let mut bytes = Vec::new();
    let _ = user.read_to_end(&mut bytes);
    let shown = String::from_utf8(bytes).unwrap();
    assert!(shown.len() == 66 && shown.ends_with("\r\n"), "{} bytes", shown.len());
    outcome.never_says(shown.trim_end());
}

/// Kills the command at each of its system calls in turn.
#[test]
fn a_kill_at_any_system_call_leaves_nothing_or_the_whole() {
    let strace = Path::new("/usr/bin/strace");
    if !strace.exists() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "strace is not installed");
        let _ = writeln!(std::io::stderr(), "skipped: strace is not installed");
        return;
    }
    let root = Launch::new();
    let work = root.root().join("work");
    let new = work.join("new");
    let traced = |options: &[&str]| {
        let mut command = Command::new(strace);
        command
            .args(options)
            .args([env!("CARGO_BIN_EXE_nexis-launch"), "generate", "JWT_SECRET", "--out", "new"])
            .current_dir(&work)
            .env_clear()
            .stderr(Stdio::piped());
        let traced = spawn(&mut command).wait_with_output().unwrap();
        String::from_utf8_lossy(&traced.stderr).into_owned()
    };
    let trace = traced(&[]);
    std::fs::remove_file(&new).unwrap();
    let mut calls: Vec<&str> = trace.lines().filter_map(|it| Some(it.split_once('(')?.0)).collect();
    let is_call = |it: &&str| it.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_');
    calls.retain(is_call);
    calls.sort_unstable();
    let (mut nothing, mut whole) = (0, 0);
    for same in calls.chunk_by(|one, other| one == other) {
        for number in 1..=same.len() {
            traced(&["-e", &format!("inject={}:signal=KILL:when={number}", same[0])]);
            match names(&work).as_slice() {
                [git] if git == ".git" => nothing += 1,
                [_, file] if file == "new" => {
                    assert_eq!(std::fs::read(&new).unwrap().len(), 64, "{} {number}", same[0]);
                    std::fs::remove_file(&new).unwrap();
                    whole += 1;
                }
                other => panic!("{} {number} leaves {other:?}", same[0]),
            }
        }
    }
    assert!(nothing > 10 && whole > 0, "{nothing} times nothing, {whole} times the whole");
}
