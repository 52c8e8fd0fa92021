//! `init`: a development set-up that works, and nothing overwritten.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

/// The variables of the built-in contract whose values are made, with their files.
const MADE: [(&str, &str); 4] = [
    ("JWT_SECRET", "jwt-secret"),
    ("NEXIS_ENCRYPTION_KEY", "nexis-encryption-key"),
    ("NEXIS_API_HMAC_SECRET", "nexis-api-hmac-secret"),
    ("NEXIS_WEBHOOK_SIGNING_KEY", "nexis-webhook-signing-key"),
];

fn init() -> Launch {
    Launch::command("init", [""; 0])
}

/// A launch in the directory of another one, which lives on.
fn in_the_same(outcome: &Outcome, launch: Launch) -> Launch {
    let work = outcome.root().join("work");
    launch.cwd(work.to_str().unwrap())
}

/// Every path below a directory: its mode, and its content or where it leads.
fn tree(directory: &Path) -> BTreeMap<String, (u32, Vec<u8>)> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let meta = path.symlink_metadata().unwrap();
        let content = match meta.file_type() {
            kind if kind.is_dir() => {
                all.extend(tree(&path));
                Vec::new()
            }
            kind if kind.is_file() => std::fs::read(&path).unwrap(),
            _ => std::fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes(),
        };
        all.insert(path.display().to_string(), (meta.mode(), content));
    }
    all
}

fn mode(outcome: &Outcome, path: &str) -> u32 {
    let meta = outcome.root().join("work").join(path).symlink_metadata().unwrap();
    meta.permissions().mode() & 0o7777
}

#[test]
fn what_is_written_starts_a_program_with_no_option() {
    for umask in [0o022, 0o000, 0o777] {
        let made = init().umask(umask).run();
        made.status(0);
        assert_eq!(made.err(), "");
        assert!(made.out().ends_with("next    nexis-launch dev -- PROGRAM\n"), "{made}");
        assert_eq!(mode(&made, ".env"), 0o600);
        assert_eq!(mode(&made, "secrets"), 0o700);
        assert_eq!(mode(&made, ".gitignore"), 0o644);
        let launch = Launch::new().args(["dev", "--", "{witness}", "{dump}"]);
        let started = in_the_same(&made, launch).run();
        started.status(0).no_errors();
        assert_eq!(started.findings(), [], "nothing is left to say");
        assert_eq!(started.seen().text("NEXIS_ENV").as_deref(), Some("development"));
        for (name, file) in MADE {
            let path = format!("work/secrets/{file}");
            let value = made.read(&path);
            assert!(value.len() >= 43, "{name} has {} bytes", value.len());
            assert_eq!(started.seen().text(name).as_deref(), Some(value.as_str()), "{name}");
            assert_eq!(mode(&made, &format!("secrets/{file}")), 0o600);
            made.never_says(&value);
            started.never_says(&value);
            assert!(!made.read("work/.env").contains(&value), "{name} stands in .env");
            assert_eq!(started.variable(name)["source"]["kind"], "env-file");
        }
    }
}

#[test]
fn every_value_is_another_one() {
    let (one, two) = (init().run(), init().run());
    let values =
        [&one, &two].map(|it| MADE.map(|(_, file)| it.read(&format!("work/secrets/{file}"))));
    let mut all = values.concat();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 2 * MADE.len());
    assert!(one.read("work/secrets/nexis-encryption-key").len() == 64);
}

#[test]
fn a_second_time_changes_no_byte() {
    let first = init().run();
    first.status(0);
    let before = tree(&first.root().join("work"));
    let second = in_the_same(&first, init()).run();
    second.status(0);
    assert_eq!(tree(&first.root().join("work")), before);
    let out = second.out();
    assert!(
        out.contains("kept    .env\n") && out.contains("kept    secrets/jwt-secret\n"),
        "{out}"
    );
    assert!(!out.contains("made") && !out.contains("to do"), "{out}");
}

#[test]
fn what_is_there_is_kept_and_the_rest_is_added() {
    let outcome = init()
        .file("work/.env", format!("NEXIS_JWT_SECRET={SECRET}\nMINE=1\n"))
        .file("work/secrets/nexis-encryption-key", HEX_KEY)
        .file("work/.gitignore", "*.o\n.env")
        .canary(SECRET)
        .canary(HEX_KEY)
        .run();
    outcome.status(0).no_canary();
    assert_eq!(outcome.read("work/.env"), format!("NEXIS_JWT_SECRET={SECRET}\nMINE=1\n"));
    assert_eq!(outcome.read("work/secrets/nexis-encryption-key"), HEX_KEY);
    assert_eq!(outcome.read("work/.gitignore"), "*.o\n.env\n/secrets/\n");
    // A second value would be a conflict with the one in .env.
    assert!(!outcome.root().join("work/secrets/jwt-secret").exists());
    let out = outcome.out();
    let add = "to do   add to .env: NEXIS_ENCRYPTION_KEY_FILE=secrets/nexis-encryption-key\n";
    assert!(out.contains(add) && out.contains("kept    .env\n"), "{out}");
    assert!(!out.contains("JWT_SECRET_FILE"), "{out}");
}

#[test]
fn a_value_that_was_removed_is_made_again() {
    let first = init().run();
    let key = first.root().join("work/secrets/jwt-secret");
    let before = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    let second = in_the_same(&first, init()).run();
    second.status(0);
    assert_ne!(std::fs::read(&key).unwrap(), before);
    assert!(!second.out().contains("to do"), "{second}");
}

#[test]
fn links_are_not_written_through() {
    let outcome = init()
        .file("elsewhere/env", "")
        .file("elsewhere/key", "")
        .file("elsewhere/ignore", "")
        .link("work/.env", "{root}/elsewhere/env")
        .link("work/.gitignore", "{root}/elsewhere/ignore")
        .link("work/secrets/jwt-secret", "{root}/elsewhere/key")
        .link("work/secrets/nexis-api-hmac-secret", "{root}/elsewhere/dangling")
        .run();
    outcome.status(0);
    for name in ["env", "key", "ignore"] {
        assert_eq!(outcome.read(&format!("elsewhere/{name}")), "", "{name}");
    }
    assert!(!outcome.root().join("elsewhere/dangling").exists());
    let out = outcome.out();
    assert!(out.contains("kept    .env: it is a symbolic link\n"), "{out}");
    assert!(out.contains("kept    .gitignore: it is a symbolic link\n"), "{out}");
    assert!(out.contains("to do   have git ignore /.env and /secrets/\n"), "{out}");
}

#[test]
fn a_directory_of_secrets_that_is_a_link_is_refused_with_nothing_written() {
    let launch = init().dir("elsewhere").link("work/secrets", "{root}/elsewhere");
    let before = tree(launch.root());
    let outcome = launch.run();
    outcome.status(73).says("cannot use ./secrets: it is no directory of its own");
    let after = tree(outcome.root());
    let made: Vec<_> = after.keys().filter(|it| !before.contains_key(*it)).collect();
    assert!(made.iter().all(|it| it.contains("/io/")), "{made:?}");
    assert_eq!(outcome.out(), "");
}

#[test]
fn a_directory_that_cannot_be_written_to_stays_as_it_was() {
    let launch = init().unprivileged().mode("work", 0o555);
    let before = tree(&launch.root().join("work"));
    let outcome = launch.run();
    outcome.status(73);
    assert_eq!(outcome.err().lines().filter(|it| it.starts_with("nexis-launch:")).count(), 1);
    outcome.says("EACCES").says("nothing was written");
    assert_eq!(outcome.out(), "");
    assert_eq!(tree(&outcome.root().join("work")), before);

    // Here the line of .gitignore alone could be written.
    let launch = init()
        .unprivileged()
        .file("work/.gitignore", "*.o\n")
        .mode("work/.gitignore", 0o666)
        .mode("work", 0o555);
    let outcome = launch.run();
    outcome.status(73);
    assert_eq!(outcome.read("work/.gitignore"), "*.o\n");
}

#[test]
fn a_disk_that_fills_up_leaves_nothing_behind() {
    let limited = |size: u64| {
        let launch = init().limit(libc::RLIMIT_FSIZE, size, size).ignoring([libc::SIGXFSZ]);
        let before = tree(&launch.root().join("work"));
        let outcome = launch.run();
        outcome.status(73);
        assert_eq!(tree(&outcome.root().join("work")), before, "{size}");
    };
    // In the middle of .gitignore, of the first secret, and of .env, which is the last.
    for size in [8, 32, 1000] {
        limited(size);
    }
}

#[test]
fn a_file_that_does_not_get_its_name_leaves_what_is_whole_and_a_second_run_goes_on() {
    let Some(strace) = strace() else { return };
    for when in [1, 3] {
        let inject = format!("inject=renameat2,linkat:error=EIO:when={when}");
        let mut launch = init().file("work/.gitignore", "target\n");
        let options = ["-f", "-qq", "-o", "/dev/null", "-e", "trace=renameat2,linkat", "-e"];
        let mut args: Vec<std::ffi::OsString> = options.iter().map(Into::into).collect();
        args.extend([inject.into(), launch.binary.clone().into_os_string()]);
        args.append(&mut launch.args);
        (launch.args, launch.binary) = (args, strace.clone());
        let outcome = launch.run();
        outcome.status(73).says("cannot write ").says("what was written before is whole");
        let work = outcome.root().join("work");
        assert_eq!(outcome.read("work/.gitignore"), "target\n/.env\n/secrets/\n");
        let there = tree(&work);
        let names: Vec<_> = there.keys().filter(|name| !name.contains(".git")).collect();
        assert!(!names.iter().any(|name| name.contains("/.")), "a draft is left: {names:?}");
        in_the_same(&outcome, init()).run().status(0);
        for (_, file) in MADE {
            assert!(work.join("secrets").join(file).is_file(), "{file}");
        }
        for (name, (mode, content)) in there.iter().filter(|(name, _)| name.contains("secrets/")) {
            assert_eq!(tree(&work)[name], (*mode, content.clone()), "{name} was made anew");
        }
    }
}

#[test]
fn several_at_once_make_one_set_up() {
    let first = Launch::new();
    let work = first.root().join("work");
    let all: Vec<_> = (0..4).map(|_| init().cwd(work.to_str().unwrap()).start()).collect();
    for running in all {
        running.finish().status(0);
    }
    let names: Vec<_> = tree(&work.join("secrets")).into_keys().collect();
    assert_eq!(names.len(), MADE.len(), "{names:?}");
    let started = first.args(["dev", "--", "{witness}", "{dump}"]).run();
    started.status(0);
    assert_eq!(started.findings(), []);
}

#[test]
fn another_directory_is_made_and_the_next_command_leads_there() {
    let outcome = Launch::command("init", ["it's new"]).run();
    outcome.status(0);
    assert!(outcome.out().ends_with("next    cd 'it'\\''s new' && nexis-launch dev -- PROGRAM\n"));
    assert!(outcome.root().join("work/it's new/secrets/jwt-secret").is_file());
    Launch::command("init", ["no/such/parent"]).run().status(73).says("no/such/parent");
}

#[test]
fn a_contract_of_ones_own_decides_what_is_made() {
    let contract = "version: 1\nname: mine\nvariables:\n\
        - name: SESSION_KEY\n  secret: true\n  required: always\n  files: [session/key, session.key]\n  format: {kind: hex, bytes: 16}\n\
        - name: TOKEN\n  secret: true\n  required: always\n  format: {kind: ascii, min_bytes: 20, prefix: tk-}\n\
        - name: PORT\n  required: always\n  format: {kind: integer, min: 1, max: 65535}\n";
    let launch = || Launch::command("init", [""; 0]).file("mine.yaml", contract);
    for launch in [
        launch().args(["--contract", "{root}/mine.yaml"]),
        launch().env("NEXIS_LAUNCH_CONTRACT", "{root}/mine.yaml"),
    ] {
        let outcome = launch.run();
        outcome.status(0);
        assert_eq!(outcome.read("work/secrets/session.key").len(), 32);
        let out = outcome.out();
        assert!(out.contains("to do   set in .env: TOKEN, printable ASCII"), "{out}");
        assert!(out.contains("to do   set in .env: PORT, a whole number from 1 to 65535"), "{out}");
        let env = outcome.read("work/.env");
        assert!(env.contains("\nSESSION_KEY_FILE=secrets/session.key\n"), "{env}");
        assert!(env.contains("\n# PORT=\n") && !env.contains("JWT_SECRET"), "{env}");
    }
    let outcome = launch().env("NEXIS_LAUNCH_CONTRACT", "{root}/absent.yaml").run();
    outcome.status(66);
    assert!(!outcome.root().join("work/.env").exists());
}

/// `init` with this contract and this `.env`, and what is left to do.
fn to_do(contract: &str, env: &str) -> (Outcome, Vec<String>) {
    let launch = Launch::command("init", ["--contract", "{root}/mine.yaml"]);
    let launch = launch.file("mine.yaml", contract).dir("work");
    let launch = if env.is_empty() { launch } else { launch.file("work/.env", env) };
    let outcome = launch.run();
    let out = outcome.status(0).out();
    let lines = out.lines().filter_map(|line| line.strip_prefix("to do   set in .env: "));
    let lines = lines.map(str::to_owned).collect();
    (outcome, lines)
}

#[test]
fn what_a_required_template_lacks_is_said() {
    let contract = include_str!("../packaging/contracts/python-worker.yaml");
    let url = "BROKER_URL, a URL with scheme amqp, amqps, redis or rediss";
    let parts = "all of WORKER_BROKER_USER, WORKER_BROKER_PASSWORD and WORKER_BROKER_HOST";
    assert_eq!(to_do(contract, "").1, [format!("{url}, or {parts}")]);
    let rest = "WORKER_BROKER_USER=app\nWORKER_BROKER_PASSWORD_FILE=/broker\n";
    assert_eq!(to_do(contract, rest).1, [format!("{url}, or WORKER_BROKER_HOST")]);
    // What it says is enough, and enough is not said.
    let whole = "BROKER_URL=amqps://app:quiet-Marble-48@mq.internal/jobs\n";
    let parts = "WORKER_BROKER_USER=app\nWORKER_BROKER_PASSWORD=quiet-Marble-48\nWORKER_BROKER_HOST=mq.internal\n";
    for env in [whole, parts] {
        let (outcome, lines) = to_do(contract, env);
        assert_eq!(lines, [""; 0], "{env}");
        let dev = ["--contract", "../mine.yaml", "--env-file", ".env", "--mode", "development"];
        in_the_same(&outcome, Launch::witness(dev)).run().status(0).seen();
    }
    // Defaults alone compose nothing.
    let defaults = "version: 1\nname: own\nvariables:\n- {name: ADDRESS, required: always, template: '{HOST}:{PORT}'}\nparts:\n- {name: HOST, default: localhost}\n- {name: PORT, default: '80'}\n";
    assert_eq!(to_do(defaults, "").1, ["ADDRESS, text, or one of HOST and PORT"]);
    assert_eq!(to_do(defaults, "PORT=81\n").1, [""; 0]);
}

#[test]
fn what_is_delivered_as_a_file_is_asked_for_as_one() {
    let contract = include_str!("../packaging/contracts/postgres.yaml");
    let asked =
        "POSTGRES_PASSWORD_FILE, the path of a file that holds one line of text, at least 16 bytes";
    assert_eq!(to_do(contract, "").1, [asked]);
    // A value is no file.
    assert_eq!(to_do(contract, "POSTGRES_PASSWORD=quiet-Marble-48-x\n").1, [asked]);
    assert_eq!(to_do(contract, "POSTGRES_PASSWORD_FILE=password\n").1, [""; 0]);
}
