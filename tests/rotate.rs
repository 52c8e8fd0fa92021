//! The steps of a rotation: in their order, on the record, and nothing besides.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use serde_json::Value;

fn last(desk: &Desk, name: &str) -> Value {
    serde_json::from_str(desk.text(name).lines().last().unwrap()).unwrap()
}

/// A desk with a value in production.
fn adopted() -> Desk {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 30);
    desk
}

/// And a rotation under way.
fn started() -> Desk {
    let desk = adopted();
    desk.start("JWT_SECRET", "new");
    desk
}

#[test]
fn the_checklist_is_walked_in_order_and_every_step_prints_the_head() {
    let desk = started();
    for (step, kind) in [
        ("stage", "staged"),
        ("verify", "verified"),
        ("deploy", "deployed"),
        ("revoke", "revoked"),
        ("evidence", "evidence"),
    ] {
        let mut words = vec!["rotate", step, "JWT_SECRET"];
        if step == "evidence" {
            words.extend(["--link", "https://ci.example.org/run/7?x=1#log"]);
        }
        let outcome = desk.done(&words);
        let out = outcome.out();
        assert!(out.starts_with(&format!("JWT_SECRET {kind}: record ")), "{out}");
        assert!(out.ends_with(&format!("\nhead {}\n", desk.head())), "{out}");
        assert_eq!(outcome.err(), "");
    }
    let expected = ["adopted", "started", "staged", "verified", "deployed", "revoked", "evidence"];
    assert_eq!(desk.kinds("JWT_SECRET"), expected);
    let text = desk.text("JWT_SECRET");
    // The new value's steps are about it, the revocation about the old one.
    let key_digits = |line: &str| {
        let record: Value = serde_json::from_str(line).unwrap();
        record["fingerprint"].as_str().unwrap().to_owned()
    };
    let of: Vec<String> = text.lines().map(key_digits).collect();
    assert_eq!(of[0], "04546ddeb24573db");
    assert_eq!((&of[1], &of[5]), (&of[6], &of[0]));
    desk.holds_no_value();
}

#[test]
fn a_step_out_of_order_is_65_and_writes_nothing() {
    let desk = started();
    for (steps, wrong, says) in [
        (&[][..], &["verify", "deploy", "revoke", "evidence"][..], "the next step is stage"),
        (&["stage"], &["deploy", "revoke", "evidence"], "the next step is verify"),
        (&["verify"], &["revoke", "evidence"], "the next step is deploy"),
        (&["deploy"], &["evidence"], "the next step is revoke"),
    ] {
        desk.steps("JWT_SECRET", steps);
        for step in wrong {
            let mut words = vec!["rotate", step, "JWT_SECRET"];
            if *step == "evidence" {
                words.extend(["--commit", "x"]);
            }
            desk.refused(65, &words).says(says);
        }
    }
    desk.refused(65, &["rotate", "abort", "JWT_SECRET"]).says("in production already");
    desk.refused(65, &["rotate", "deploy", "JWT_SECRET", "--emergency", "again"]);
    desk.refused(65, &["rotate", "stage", "OPENAI_API_KEY"]).says("nothing is recorded of it");
}

#[test]
fn an_emergency_skips_a_step_and_is_recorded_with_its_reason() {
    let desk = started();
    desk.done(&["rotate", "deploy", "JWT_SECRET", "--emergency", "keys on a pastebin"]);
    assert_eq!(desk.kinds("JWT_SECRET"), ["adopted", "started", "deployed"]);
    assert_eq!(last(&desk, "JWT_SECRET")["emergency"], "keys on a pastebin");
    desk.refused(64, &["rotate", "revoke", "JWT_SECRET", "--emergency", " "]).says("--emergency");
    desk.steps("JWT_SECRET", &["revoke", "evidence"]);
}

#[test]
fn the_only_value_is_revoked_in_an_emergency_alone() {
    let desk = adopted();
    desk.refused(65, &["rotate", "revoke", "JWT_SECRET"]).says("only value in production");
    desk.done(&["rotate", "revoke", "JWT_SECRET", "--emergency", "it leaked"]);
    desk.refused(65, &["rotate", "revoke", "JWT_SECRET", "--emergency", "it leaked"]);
}

#[test]
fn a_rotation_is_given_up_and_its_value_never_comes_back() {
    let desk = started();
    desk.refused(65, &["rotate", "start", "JWT_SECRET", "--value-file", "{home}/next"])
        .says("a rotation is under way");
    desk.steps("JWT_SECRET", &["stage", "abort"]);
    desk.refused(65, &["rotate", "start", "JWT_SECRET", "--value-file", "{home}/new"])
        .says("was given up");
    desk.refused(65, &["rotate", "start", "JWT_SECRET", "--value-file", "{home}/old"])
        .says("has this value already");
    desk.start("JWT_SECRET", "next");
    desk.steps("JWT_SECRET", &["stage", "verify", "deploy", "revoke", "evidence"]);
    desk.refused(65, &["rotate", "start", "JWT_SECRET", "--value-file", "{home}/old"])
        .says("this value was revoked");
}

#[test]
fn adoption_registers_once_and_needs_the_day() {
    let desk = adopted();
    let yesterday = days_ago(1);
    let adopt = |more: &[&str]| {
        let words = ["rotate", "adopt", "OPENAI_API_KEY", "--value-file", "{home}/new"];
        words.iter().chain(more).map(|word| (*word).to_owned()).collect::<Vec<_>>()
    };
    for (more, status, says) in [
        (&[][..], 64, "--created"),
        (&["--created", "01.02.2026"], 64, "it is no day"),
        (&["--created", "2026-02-30"], 64, "it is no day"),
        (&["--created", &days_ahead(2)], 64, "yet to come"),
        (&["--created", &yesterday, "--expires", &days_ago(2)], 64, "--expires"),
    ] {
        let words = adopt(more);
        desk.refused(status, &words.iter().map(String::as_str).collect::<Vec<_>>()).says(says);
    }
    desk.refused(
        65,
        &["rotate", "adopt", "JWT_SECRET", "--created", &yesterday, "--value-file", "{home}/new"],
    )
    .says("another one is a rotation");
}

#[test]
fn keys_outside_the_contract_are_kept_by_class() {
    let desk = Desk::new();
    let begin = |name: &str, more: &[&str]| -> Vec<String> {
        let words = ["rotate", "start", name, "--value-file", "{home}/old"];
        words.iter().chain(more).map(|word| (*word).to_owned()).collect()
    };
    let refused = |status, words: Vec<String>| {
        desk.refused(status, &words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    refused(64, begin("ci/token", &[])).says("--class");
    refused(64, begin("ci/token", &["--class", "CI Token"])).says("--class");
    // A class without a window would never be overdue: its end has to be said.
    refused(64, begin("ci/token", &["--class", "ci-token"])).says("--expires");
    refused(64, begin("JWT_SECRET", &["--class", "database"]))
        .says("the contract says jwt-signing");
    refused(64, begin("NEXIS_JWT_SECRET", &[])).says("name JWT_SECRET");
    refused(64, begin("NEXIS_LOG_LEVEL", &["--class", "database"])).says("calls it no secret");
    refused(64, begin("a b", &["--class", "database"]));
    // The check's environment would have a variable of another name.
    refused(64, begin("C=D", &["--class", "database", "--expires", &days_ahead(1)]));
    let tomorrow = days_ahead(1);
    let words = begin("ci/token", &["--class", "ci-token", "--expires", &tomorrow]);
    desk.done(&words.iter().map(String::as_str).collect::<Vec<_>>());
    desk.steps("ci/token", &["stage", "verify", "deploy", "evidence"]);
    assert_eq!(desk.kinds("ci%2Ftoken").len(), 5);
}

#[test]
fn the_command_gets_the_new_value_and_its_status_is_recorded() {
    let desk = started();
    desk.steps("JWT_SECRET", &["stage"]);
    let check = |script: &str| {
        let file = desk.path("new");
        let file = file.to_str().unwrap();
        let words = ["rotate", "verify", "JWT_SECRET", "--value-file", file, "--"];
        // Other names of the variable, under which a launch would find the old value.
        let launch = desk.keyed(words.into_iter().chain(["/bin/sh", "-c", script]));
        let launch = launch.env("NEXIS_JWT_SECRET", SECRET).env("JWT_SECRET_FILE", "/absent");
        let outcome = launch.env("NEXIS_JWT_ISSUER", "kept").run();
        outcome.no_canary().no_panic();
        outcome
    };
    // The final newline of the file is no part of the value.
    let seen = desk.path("seen");
    let script = format!(
        "test \"$JWT_SECRET\" = \"$(cat {})\" && test \"$NEXIS_JWT_ISSUER\" = kept && env | grep -c -e NEXIS_LAUNCH -e JWT_SECRET > {}; exit 7",
        desk.path("new").display(),
        seen.display()
    );
    let failed = check(&script);
    failed.status(1).says("ended with 7").says("hint: ");
    assert_eq!(std::fs::read_to_string(&seen).unwrap(), "1\n", "more than the value reached it");
    let record = last(&desk, "JWT_SECRET");
    assert_eq!(
        (record["kind"].as_str(), record["check_status"].as_i64()),
        (Some("verification-failed"), Some(7))
    );
    // The step is not done, and says so.
    desk.refused(65, &["rotate", "deploy", "JWT_SECRET"]).says("the next step is verify");
    let status = desk.run(&["rotate", "status"]);
    assert!(status.out().contains("next is verify, last verification failed"), "{status}");
    check("kill -9 $$").status(1).says("ended with 137");
    let passed = check("echo said by the check");
    passed.status(0).says("said by the check");
    assert!(!passed.out().contains("said by the check"), "{passed}");
    let record = last(&desk, "JWT_SECRET");
    assert_eq!(
        (record["kind"].as_str(), record["check_status"].as_i64()),
        (Some("verified"), Some(0))
    );
    desk.steps("JWT_SECRET", &["deploy"]);
    desk.holds_no_value();
}

#[test]
fn the_command_gets_no_value_under_another_name_of_the_variable() {
    let desk = started();
    desk.steps("JWT_SECRET", &["stage"]);
    let seen = desk.path("seen");
    let script = format!("env | cut -d= -f1 | grep JWT > {}", seen.display());
    let words = ["rotate", "verify", "JWT_SECRET", "--value-file", "{home}/new", "--"];
    let launch = desk.keyed(words).args(["/bin/sh", "-c", &script]);
    let launch = launch.env("NEXIS_JWT_SECRET", SECRET).env("NEXIS_JWT_SECRET_FILE", "/no/such");
    let launch = launch.env("JWT_SECRET", SECRET).env("JWT_SECRET_FILE", "/no/such");
    launch.env("JWT_ISSUER", "kept").canary(SECRET).run().status(0).no_canary();
    let mut names: Vec<_> =
        std::fs::read_to_string(&seen).unwrap().lines().map(str::to_owned).collect();
    names.sort();
    assert_eq!(names, ["JWT_ISSUER", "JWT_SECRET"]);
}

#[test]
fn the_command_finds_the_signals_that_a_direct_start_would_have_left() {
    let desk = started();
    desk.steps("JWT_SECRET", &["stage"]);
    let outcome = desk.done(&[
        "rotate",
        "verify",
        "JWT_SECRET",
        "--value-file",
        "{home}/new",
        "--",
        "/bin/grep",
        "-E",
        "^Sig(Blk|Ign)",
        "/proc/self/status",
    ]);
    let text = outcome.err();
    let mask = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        u64::from_str_radix(line.trim(), 16).unwrap()
    };
    assert_eq!(mask("SigBlk:"), 0);
    let of_writing = 1 << (libc::SIGPIPE - 1) | 1 << (libc::SIGXFSZ - 1);
    assert_eq!(mask("SigIgn:") & of_writing, 0, "{text}");
}

#[test]
fn a_command_is_never_run_out_of_order_or_with_another_value() {
    let desk = started();
    let marker = desk.path("ran");
    let marker = marker.to_str().unwrap();
    let verify = |file: &str| {
        let file = desk.path(file);
        let file = file.to_str().unwrap();
        let words =
            ["rotate", "verify", "JWT_SECRET", "--value-file", file, "--", "/bin/touch", marker];
        desk.refused(65, &words)
    };
    verify("new").says("the next step is stage");
    desk.steps("JWT_SECRET", &["stage"]);
    verify("old").says("another value than was started");
    desk.write("fingerprint.key", "d".repeat(64));
    verify("new").says("another fingerprint key");
    let words = ["rotate", "verify", "JWT_SECRET", "--", "/bin/touch", marker];
    desk.refused(64, &words).says("--value-file");
    assert!(!std::path::Path::new(marker).exists(), "the command ran");
}

#[test]
fn what_was_checked_is_what_is_recorded_as_verified() {
    let desk = started();
    desk.steps("JWT_SECRET", &["stage"]);
    // While the command runs, somebody gives the rotation up and begins another one.
    let launcher = env!("CARGO_BIN_EXE_nexis-launch");
    let step = |words: &str| {
        let (ledger, key) = (desk.ledger(), desk.path("ledger.key"));
        format!(
            "{launcher} rotate {words} --ledger {} --ledger-key-file {}",
            ledger.display(),
            key.display()
        )
    };
    let (next, key) = (desk.path("next"), desk.path("fingerprint.key"));
    let start = format!(
        "start JWT_SECRET --value-file {} --fingerprint-key-file {}",
        next.display(),
        key.display()
    );
    let script = [step("abort JWT_SECRET"), step(&start), step("stage JWT_SECRET")].join(" && ");
    let file = desk.path("new");
    let words = ["rotate", "verify", "JWT_SECRET", "--value-file", file.to_str().unwrap(), "--"];
    let outcome = desk.run(&[&words[..], &["/bin/sh", "-c", &script]].concat());
    outcome.status(65).says("another rotation was begun meanwhile");
    let kinds = desk.kinds("JWT_SECRET");
    assert_eq!(kinds[2..], ["staged", "aborted", "started", "staged"]);
}

/// Has the new value verified by this command.
fn verify(check: &str) -> [&str; 7] {
    ["rotate", "verify", "JWT_SECRET", "--value-file", "{home}/new", "--", check]
}

#[test]
fn a_command_that_cannot_be_started_is_said_and_not_recorded() {
    let desk = started();
    desk.steps("JWT_SECRET", &["stage"]);
    desk.refused(127, &verify("/no/such/check"));
    desk.refused(126, &verify("/etc/passwd"));
}

#[test]
fn the_command_is_never_one_of_the_working_directory() {
    let desk = started();
    desk.steps("JWT_SECRET", &["stage"]);
    for search in [":/usr/bin:/bin", ".:/usr/bin:/bin", "/usr/bin:/bin:"] {
        let command = || desk.keyed(verify("check-login")).env("PATH", search);
        let launch = command().executable("work/check-login", "#!/bin/sh\ntouch ran\n");
        let outcome = launch.run();
        outcome.status(127).no_canary().says("not found").says("nothing was recorded");
        assert!(!outcome.root().join("work/ran").exists(), "{search}");
    }
    let launch = desk.keyed(verify("check-login")).env("PATH", ".:{root}/bin:/bin");
    let outcome = launch.executable("bin/check-login", "#!/bin/sh\ntouch ran\n").run();
    outcome.status(0);
    assert!(outcome.root().join("work/ran").exists());
}

#[test]
fn a_writer_waits_for_another_one() {
    let desk = started();
    let directory = std::fs::File::open(desk.ledger()).unwrap();
    directory.lock().unwrap();
    let running = desk.keyed(["rotate", "stage", "JWT_SECRET"]).start();
    wait_for("the writer to wait", || running.state() == 'S');
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert_eq!(desk.kinds("JWT_SECRET").last().unwrap(), "started");
    directory.unlock().unwrap();
    running.finish().status(0);
    assert_eq!(desk.kinds("JWT_SECRET").last().unwrap(), "staged");
}

/// Who is not told that a step is on the record takes it again.
#[test]
fn a_step_that_cannot_be_printed_is_said_to_be_on_the_record() {
    let desk = started();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let outcome = desk
        .keyed(["rotate", "stage", "JWT_SECRET"])
        .stdout(Stream::Fd(std::sync::Arc::new(full.into())))
        .run();
    outcome.status(73).says("cannot write to standard output").says("it is on the record");
    assert_eq!(desk.kinds("JWT_SECRET").last().unwrap(), "staged");
}

#[test]
fn without_a_command_it_is_the_actors_word() {
    let desk = started();
    desk.steps("JWT_SECRET", &["stage"]);
    desk.done(&[
        "rotate",
        "verify",
        "JWT_SECRET",
        "--actor",
        "alice",
        "--approved-by",
        "bob",
        "--change",
        "CHG-42",
    ]);
    let record = last(&desk, "JWT_SECRET");
    for (key, value) in
        [("check", "attestation"), ("actor", "alice"), ("approved_by", "bob"), ("change", "CHG-42")]
    {
        assert_eq!(record[key], value);
    }
    assert!(record.get("check_status").is_none(), "{record}");
    let time: jiff::Timestamp = record["time"].as_str().unwrap().parse().unwrap();
    let age = jiff::Timestamp::now().duration_since(time);
    assert!((0..600).contains(&age.as_secs()), "{record}");
}

#[test]
fn the_actor_is_the_login_name_where_none_is_given() {
    let desk = adopted();
    let id = std::process::Command::new("id").arg("-un").output().unwrap();
    let expected = String::from_utf8(id.stdout).unwrap();
    // Variables of the environment, which anyone can set, say nothing.
    let outcome = desk
        .keyed(["rotate", "start", "JWT_SECRET", "--value-file", "{home}/new"])
        .env("LOGNAME", "mallory")
        .env("USER", "mallory")
        .run();
    outcome.status(0);
    assert_eq!(last(&desk, "JWT_SECRET")["actor"], expected.trim_end());
}

#[test]
fn a_new_value_that_a_launch_would_refuse_is_78() {
    let desk = adopted();
    for (value, says) in [
        ("kZ3vQ9xLw7TnB2y", "too-short"),
        ("dev_only_secret_change_in_production", "placeholder"),
        (" kZ3vQ9xLw7TnB2yHc5RfJ8mUe1PaGd6SoXi4VqWtYb1", "surrounding-space"),
    ] {
        desk.write("bad", value);
        let words = ["rotate", "start", "JWT_SECRET", "--value-file", "{home}/bad"];
        desk.refused(78, &words).says(says).never_says(value.trim());
    }
    for (content, status) in [("", 65), (" \n", 65)] {
        desk.write("bad", content);
        desk.refused(status, &["rotate", "start", "JWT_SECRET", "--value-file", "{home}/bad"]);
    }
    desk.refused(66, &["rotate", "start", "JWT_SECRET", "--value-file", "{home}/absent"]);
    desk.refused(66, &["rotate", "start", "JWT_SECRET", "--value-file", "{home}"]);
}

/// The value in the clear over a network: a warning by itself.
#[test]
fn a_new_value_that_the_contracts_policy_or_row_refuses_is_78() {
    let desk = Desk::new();
    let extends = "version: 1\nname: mine\nextends: builtin:nexis-gateway\n";
    desk.write("redis", format!("redis://u:{SECRET}@db.internal:6379/0"));
    for (contract, name, file, says) in [
        (
            "policy: {severity: {insecure-transport: error}}",
            "REDIS_URL",
            "redis",
            "insecure-transport",
        ),
        (
            "variables:\n- {name: REDIS_URL, severity: {insecure-transport: {production: error}}}",
            "REDIS_URL",
            "redis",
            "insecure-transport",
        ),
        ("policy: {forbid: [GEMINI_API_KEY]}", "GEMINI_API_KEY", "new", "forbidden-variable"),
        // Under its other name too.
        ("policy: {forbid: [NEXIS_JWT_SECRET]}", "JWT_SECRET", "new", "forbidden-variable"),
    ] {
        desk.write("mine.yaml", format!("{extends}{contract}\n"));
        let file = format!("{{home}}/{file}");
        let words = ["rotate", "start", name, "--value-file", &file];
        let under = ["--contract", "{home}/mine.yaml"];
        let said = format!("cannot start {name}: {says}: {name}");
        desk.refused(78, &[&words[..], &under].concat()).says(&said);
        desk.adopt(name, 30);
        desk.refused(78, &[&words[..], &under].concat()).says(&said);
        desk.done(&words);
        desk.done(&["rotate", "abort", name]);
        std::fs::remove_dir_all(desk.ledger()).unwrap();
        std::fs::create_dir(desk.ledger()).unwrap();
    }
}

#[test]
fn a_text_that_holds_the_value_is_never_recorded() {
    let desk = adopted();
    for option in ["--actor", "--approved-by", "--change"] {
        let text = format!("see {OTHER}");
        let words = ["rotate", "start", "JWT_SECRET", "--value-file", "{home}/new", option, &text];
        desk.refused(64, &words);
    }
    let words = ["rotate", "start", OTHER, "--class", "database", "--value-file", "{home}/new"];
    desk.refused(64, &words);
    // A value of lower-case letters could be the name of a class, which the ledger records too.
    let lower = "abcdefghijklmnop-0123456789";
    std::fs::write(desk.path("lower"), lower).unwrap();
    let file = ["--value-file", "{home}/lower", "--expires", "2999-01-01", "--class", lower];
    desk.refused(64, &[&["rotate", "start", "ci-token"][..], &file].concat())
        .says("holds the value")
        .never_says(lower);
    desk.holds_no_value();
}

#[test]
fn a_step_without_the_value_records_no_text_with_it_where_the_key_is_at_hand() {
    let desk = started();
    for text in [
        OTHER.to_owned(),
        format!("rolled {OTHER} out"),
        format!("see https://x.example/?k={OTHER}&b=1"),
        format!("old was {SECRET}."),
    ] {
        for option in ["--change", "--actor", "--approved-by", "--emergency"] {
            desk.refused(64, &["rotate", "stage", "JWT_SECRET", option, &text])
                .says("holds the value");
        }
    }
    desk.done(&["rotate", "stage", "JWT_SECRET", "--change", "https://x.example/?k=v&b=1"]);
    desk.holds_no_value();
}

/// The step gives another value, and the one in production is on record by its fingerprint.
#[test]
fn a_step_with_a_value_records_no_text_with_another_value_of_the_key() {
    let desk = adopted();
    desk.write("log", THIRD);
    let text = format!("old was '{SECRET}'.");
    let new = ["JWT_SECRET", "--value-file", "{home}/new"];
    let leaked = ["leak", "respond", "JWT_SECRET", "--value-file", "{home}/log"];
    for option in ["--change", "--actor", "--approved-by", "--reason"] {
        let words = [&leaked[..], &[option, &text]].concat();
        let words =
            if option == "--reason" { words } else { [&words[..], &["--reason", "a"]].concat() };
        desk.refused(64, &words).says("an option holds the value");
        if option != "--reason" {
            let words = ["leak", "respond", "JWT_SECRET", "--reason", "a", option, &text];
            desk.refused(64, &words).says("an option holds the value");
            let words = [&["rotate", "start"][..], &new, &[option, &text]].concat();
            desk.refused(64, &words).says("an option holds the value");
        }
    }
    // A name that has a leaked value alone is adopted with another one.
    let (of, created) = ("OPENAI_API_KEY", days_ago(1));
    let words = ["leak", "respond", of, "--reason", "a", "--value-file", "{home}/old"];
    desk.done(&words);
    let adopt = ["rotate", "adopt", of, "--value-file", "{home}/new", "--created", &created];
    desk.refused(64, &[&adopt[..], &["--change", &text]].concat()).says("holds the value");
    desk.holds_no_value();
}

#[test]
fn texts_that_would_forge_or_hide_something_are_64() {
    let desk = started();
    desk.steps("JWT_SECRET", &["stage"]);
    for text in ["", "  ", "a\nb", "\u{1b}[2J", "a\u{202e}b", &"x".repeat(501)] {
        for option in ["--actor", "--approved-by", "--change"] {
            desk.refused(64, &["rotate", "verify", "JWT_SECRET", option, text]).says(option);
        }
    }
    desk.steps("JWT_SECRET", &["verify", "deploy", "revoke"]);
    desk.refused(64, &["rotate", "evidence", "JWT_SECRET"]).says("none is given");
    for link in ["x", "ftp://a/b", "https://", "javascript:alert(1)", "https://u:p@host/"] {
        desk.refused(64, &["rotate", "evidence", "JWT_SECRET", "--link", link]).says("--link");
    }
}

#[test]
fn the_value_may_come_from_standard_input() {
    let desk = adopted();
    let outcome = desk
        .keyed(["rotate", "start", "JWT_SECRET", "--value-file", "-"])
        .stdin(Stream::Fd(std::sync::Arc::new(
            std::fs::File::open(desk.path("new")).unwrap().into(),
        )))
        .run();
    outcome.status(0).no_canary();
    desk.steps("JWT_SECRET", &["stage"]);
    desk.done(&["rotate", "verify", "JWT_SECRET", "--value-file", "{home}/new", "--", "/bin/true"]);
}

#[test]
fn the_migration_window_is_recorded_and_ends_later() {
    let desk = started();
    desk.steps("JWT_SECRET", &["stage", "verify"]);
    desk.refused(64, &["rotate", "deploy", "JWT_SECRET", "--revoke-by", &days_ago(1)]);
    let end = days_ahead(7);
    desk.done(&["rotate", "deploy", "JWT_SECRET", "--revoke-by", &end]);
    assert_eq!(last(&desk, "JWT_SECRET")["revoke_by"], end);
    let status = desk.done(&["rotate", "status"]);
    assert!(status.out().contains(&format!("to be revoked by {end}")), "{status}");
}

#[test]
fn evidence_of_what_was_only_adopted_is_65_and_that_of_a_finished_rotation_may_follow() {
    let desk = adopted();
    let evidence = ["rotate", "evidence", "JWT_SECRET", "--commit", "d41773f"];
    desk.refused(65, &evidence).says("no rotation was begun or finished");
    assert_eq!(desk.kinds("JWT_SECRET"), ["adopted"]);
    let desk = started();
    desk.steps("JWT_SECRET", &["stage", "verify", "deploy", "revoke", "evidence"]);
    desk.done(&evidence);
    assert_eq!(desk.kinds("JWT_SECRET").len(), 8);
}

#[test]
fn evidence_holds_the_head_before_it_whatever_other_keys_there_are() {
    let desk = started();
    desk.steps("JWT_SECRET", &["stage", "verify", "deploy", "revoke"]);
    let head = desk.head();
    desk.adopt("OPENAI_API_KEY", 10);
    assert_ne!(desk.head(), head);
    desk.done(&[
        "rotate",
        "evidence",
        "JWT_SECRET",
        "--commit",
        "d41773f",
        "--deployment",
        "42",
        "--link",
        "https://ci.example.org/1",
        "--link",
        "https://ci.example.org/2",
    ]);
    let record = last(&desk, "JWT_SECRET");
    assert_eq!(record["head"], head);
    assert_eq!(record["links"].as_array().unwrap().len(), 2);
    desk.done(&["ledger", "verify", "--head", record["head"].as_str().unwrap()]);
}
