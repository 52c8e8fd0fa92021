//! What a launch says of the ages and fates of its values (interface section 7).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use std::fs;

/// A launch with the desk's ledger and this value of JWT_SECRET.
fn launch_in(mode: &str, desk: &Desk, value: &str) -> Launch {
    Launch::sound(mode)
        .env("JWT_SECRET", value)
        .env("NEXIS_LAUNCH_LEDGER", desk.ledger().to_str().unwrap())
        .env("NEXIS_LAUNCH_FINGERPRINT_KEY_FILE", desk.path("fingerprint.key").to_str().unwrap())
        .canary(SECRET)
        .canary(OTHER)
}

fn launch(desk: &Desk, value: &str) -> Outcome {
    let outcome = launch_in("production", desk, value).run();
    outcome.no_canary().no_panic();
    outcome
}

const CODES: [&str; 5] =
    ["rotation-due", "rotation-overdue", "value-exposed", "value-revoked", "not-in-ledger"];

/// Of the ledger's codes exactly this one is found (`""`: none).
#[track_caller]
fn only<'o>(outcome: &'o Outcome, code: &str) -> &'o Outcome {
    let found: Vec<_> =
        outcome.findings().into_iter().filter(|it| CODES.contains(&it.0.as_str())).collect();
    let expected: &[&str] = if code.is_empty() { &[] } else { &[code] };
    assert_eq!(found.iter().map(|it| it.0.as_str()).collect::<Vec<_>>(), expected, "{outcome}");
    outcome
}

/// Records an exposure, as a response to a leak does.
fn expose(desk: &Desk) {
    let record = expose_name(desk, "JWT_SECRET");
    assert_eq!(
        (record.fingerprint.as_str(), record.class.as_str()),
        ("04546ddeb24573db", "jwt-signing")
    );
}

fn expose_name(desk: &Desk, name: &str) -> nexis_launch::ledger::Record {
    use nexis_launch::fingerprint::Key;
    use nexis_launch::ledger::{Ledger, Record};
    let key = Key::read(&desk.path("ledger.key")).map_err(drop).unwrap();
    let mut ledger = Ledger::open(&desk.ledger(), &key).unwrap();
    let particulars = Record {
        actor: "alice".to_owned(),
        reason: Some("found in a log".to_owned()),
        ..Record::default()
    };
    ledger.expose(name, particulars).unwrap().clone()
}

/// The same of the value in a file.
fn expose_value(desk: &Desk, name: &str, file: &str) {
    let file = format!("{{home}}/{file}");
    desk.done(&["leak", "respond", name, "--reason", "found in a log", "--value-file", &file]);
}

#[test]
fn age_is_said_from_the_last_fifth_of_the_window_on() {
    for (days, code) in
        [(0, ""), (71, ""), (72, "rotation-due"), (90, "rotation-due"), (91, "rotation-overdue")]
    {
        let desk = Desk::new();
        desk.adopt("JWT_SECRET", days);
        let outcome = launch(&desk, SECRET);
        only(outcome.status(0), code);
        if !code.is_empty() {
            outcome.warning(code, "JWT_SECRET").says(&format!("{days} days old"));
        }
        outcome.seen();
    }
}

#[test]
fn the_windows_are_those_of_the_classes() {
    let desk = Desk::new();
    for (name, file, days) in [("NEXIS_ENCRYPTION_KEY", "old", 100), ("OPENAI_API_KEY", "new", 100)]
    {
        let (file, created) = (desk.path(file), days_ago(days));
        desk.done(&[
            "rotate",
            "adopt",
            name,
            "--created",
            &created,
            "--value-file",
            file.to_str().unwrap(),
        ]);
    }
    desk.write("old", HEX_KEY);
    let outcome = launch_in("production", &desk, THIRD).env("OPENAI_API_KEY", OTHER).run();
    // Encryption has 180 days, a provider's key 90.
    outcome.status(0).warning("rotation-overdue", "OPENAI_API_KEY");
    only(&outcome, "rotation-overdue");
}

#[test]
fn the_end_of_a_value_counts_where_it_is_earlier() {
    let desk = Desk::new();
    let (file, created, expires) = (desk.path("old"), days_ago(10), days_ago(1));
    let file = file.to_str().unwrap();
    desk.done(&[
        "rotate",
        "adopt",
        "JWT_SECRET",
        "--created",
        &created,
        "--expires",
        &expires,
        "--value-file",
        file,
    ]);
    let outcome = launch(&desk, SECRET);
    outcome.status(0).says(&format!("its last day was {expires}"));
    only(&outcome, "rotation-overdue");
}

#[test]
fn an_old_value_is_due_when_its_successor_is_deployed_and_refused_when_it_is_revoked() {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 10);
    desk.start("JWT_SECRET", "new");
    desk.steps("JWT_SECRET", &["stage", "verify"]);
    only(launch(&desk, SECRET).status(0), "");
    only(launch(&desk, OTHER).status(0), "");
    desk.steps("JWT_SECRET", &["deploy"]);
    only(launch(&desk, SECRET).status(0), "rotation-due");
    only(launch(&desk, OTHER).status(0), "");
    desk.steps("JWT_SECRET", &["revoke"]);
    for mode in ["development", "staging", "production"] {
        let outcome = launch_in(mode, &desk, SECRET).run();
        outcome.status(78).error("value-revoked", "JWT_SECRET").program_did_not_run();
        outcome.no_canary();
    }
    only(launch(&desk, OTHER).status(0), "");
}

#[test]
fn a_revoked_value_is_never_accepted() {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 10);
    desk.done(&["rotate", "revoke", "JWT_SECRET", "--emergency", "it leaked"]);
    let outcome = launch_in("production", &desk, SECRET)
        .options(["--accept", "value-revoked:JWT_SECRET", "--reason", "no time"])
        .options(["--until", &days_ahead(1)])
        .run();
    outcome.status(64).error("value-revoked", "JWT_SECRET").program_did_not_run();
    outcome.error("acceptance-invalid", "JWT_SECRET");
    outcome.says("an error of this code is never accepted");
}

#[test]
fn an_exposed_value_warns_until_its_successor_is_deployed() {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 10);
    expose(&desk);
    // Scaling up goes on in the incident.
    only(launch(&desk, SECRET).status(0), "value-exposed").warning("value-exposed", "JWT_SECRET");
    assert_eq!(desk.run(&["rotate", "status"]).status, Some(1));
    desk.start("JWT_SECRET", "new");
    only(launch(&desk, SECRET).status(0), "value-exposed");
    desk.steps("JWT_SECRET", &["stage", "verify", "deploy"]);
    for mode in ["development", "staging", "production"] {
        let outcome = launch_in(mode, &desk, SECRET).run();
        outcome.status(78).error("value-exposed", "JWT_SECRET").program_did_not_run().no_canary();
    }
    only(launch(&desk, OTHER).status(0), "");
}

#[test]
fn after_an_exposure_the_value_is_revoked_first() {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 10);
    desk.start("JWT_SECRET", "new");
    desk.refused(65, &["rotate", "revoke", "JWT_SECRET"]);
    expose(&desk);
    desk.steps("JWT_SECRET", &["revoke"]);
    only(launch(&desk, SECRET).status(78), "value-revoked");
    desk.steps("JWT_SECRET", &["stage", "verify", "deploy", "evidence"]);
    only(launch(&desk, OTHER).status(0), "");
}

#[test]
fn a_value_that_the_ledger_does_not_know_is_said() {
    let desk = Desk::new();
    only(launch(&desk, SECRET).status(0), "");
    desk.adopt("JWT_SECRET", 10);
    let outcome = launch(&desk, OTHER);
    only(outcome.status(0), "not-in-ledger").says("does not know");
    // Under another fingerprint key nothing can be told, and that is said too.
    desk.write("fingerprint.key", "d".repeat(64));
    only(launch(&desk, SECRET).status(0), "not-in-ledger").says("of another key");
}

#[test]
fn a_revoked_value_of_another_fingerprint_key_is_never_said_to_be_unknown() {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 10);
    let verify = ["ledger", "verify", "--fingerprint-key-file", "{home}/fingerprint.key"];
    desk.write("fingerprint.key", "d".repeat(64));
    desk.start("JWT_SECRET", "new");
    desk.steps("JWT_SECRET", &["stage", "verify", "deploy"]);
    let told = desk.done(&verify);
    told.says("recorded under another fingerprint key: JWT_SECRET")
        .never_says("revoked or exposed");
    desk.steps("JWT_SECRET", &["revoke", "evidence"]);
    only(launch(&desk, OTHER).status(0), "");
    for value in [SECRET, THIRD] {
        let outcome = launch(&desk, value);
        only(outcome.status(0), "not-in-ledger")
            .says("cannot be compared with those under another");
    }
    let told = desk.done(&verify);
    told.says("revoked or exposed under another fingerprint key: JWT_SECRET");
    told.never_says("nexis-launch: recorded under");
    // As its hint says.
    expose_value(&desk, "JWT_SECRET", "old");
    desk.steps("JWT_SECRET", &["revoke"]);
    let outcome = launch(&desk, SECRET);
    outcome.status(78).error("value-revoked", "JWT_SECRET").program_did_not_run();
}

#[test]
fn a_database_is_known_by_its_password_wherever_it_stands() {
    let desk = Desk::new();
    let url = |host: &str| format!("postgres://app:{OTHER}@{host}/nexis?sslmode=require");
    desk.write("url", url("db1.internal"));
    let (file, created) = (desk.path("url"), days_ago(1));
    let file = file.to_str().unwrap();
    desk.done(&["rotate", "adopt", "DATABASE_URL", "--created", &created, "--value-file", file]);
    desk.done(&["rotate", "revoke", "DATABASE_URL", "--emergency", "it leaked"]);
    for host in ["db1.internal", "db2.internal"] {
        let outcome = launch_in("production", &desk, SECRET).env("DATABASE_URL", url(host)).run();
        outcome.status(78).error("value-revoked", "DATABASE_URL").no_canary().program_did_not_run();
    }
    let other = url("db1.internal").replace(OTHER, THIRD);
    let outcome = launch_in("production", &desk, SECRET).env("DATABASE_URL", other).run();
    only(outcome.status(0), "not-in-ledger");
}

#[test]
fn a_rotation_that_was_given_up_makes_no_revoked_password_good_again() {
    let desk = Desk::new();
    let url = |password: &str, host: &str| {
        format!("postgres://app:{password}@{host}.internal/nexis?sslmode=require")
    };
    let urls = [url(OTHER, "db1"), url(OTHER, "db2"), url(THIRD, "db1")];
    for (file, url) in ["first", "elsewhere", "second"].iter().zip(&urls) {
        desk.write(file, url);
    }
    let run = |url: &str| launch_in("production", &desk, SECRET).env("DATABASE_URL", url).run();
    let (name, created) = ("DATABASE_URL", days_ago(1));
    let adopt = ["rotate", "adopt", name, "--created", &created, "--value-file", "{home}/first"];
    desk.done(&adopt);
    desk.start(name, "elsewhere");
    // While it is under way it may be launched.
    only(run(&urls[1]).status(0), "");
    desk.steps(name, &["abort"]);
    desk.start(name, "second");
    desk.steps(name, &["stage", "verify", "deploy"]);
    for same in [&urls[0], &urls[1], &url(OTHER, "db3")] {
        only(run(same).status(0), "rotation-due");
    }
    desk.steps(name, &["revoke", "evidence"]);
    for same in [&urls[0], &urls[1], &url(OTHER, "db3")] {
        let outcome = run(same);
        outcome.status(78).error("value-revoked", name).program_did_not_run().no_canary();
    }
    only(run(&urls[2]).status(0), "");
    // An exposure of the one that was given up takes nothing of it back.
    expose_value(&desk, name, "elsewhere");
    for same in [&urls[1], &url(OTHER, "db3")] {
        run(same).status(78).error("value-revoked", name).program_did_not_run();
    }
}

/// A deployment that sets the URL whole goes round no record of its password.
#[test]
fn a_password_that_was_revoked_as_a_part_is_refused_in_a_whole_url() {
    let desk = Desk::new();
    desk.write("password", OTHER);
    let (file, created) = (desk.path("password"), days_ago(1));
    let file = file.to_str().unwrap();
    let name = "NEXIS_DATABASE_PASSWORD";
    desk.done(&["rotate", "adopt", name, "--created", &created, "--value-file", file]);
    let urls = [
        format!("postgres://app:{OTHER}@db.internal/nexis?sslmode=require"),
        format!("postgres://db.internal/nexis?sslmode=require&user=app&password={OTHER}"),
    ];
    let run = |url: &str| launch_in("production", &desk, SECRET).env("DATABASE_URL", url).run();
    for url in &urls {
        run(url).status(0).no_finding("value-revoked").no_canary();
    }
    expose_name(&desk, name);
    for url in &urls {
        run(url).warning("value-exposed", "DATABASE_URL").no_canary();
    }
    desk.done(&["rotate", "revoke", name, "--emergency", "it leaked"]);
    for url in &urls {
        let outcome = run(url);
        outcome.status(78).error("value-revoked", "DATABASE_URL").no_canary();
        outcome.program_did_not_run();
    }
    run(&urls[0].replace(OTHER, THIRD)).status(0).no_finding("value-revoked");
}

#[test]
fn a_part_has_a_life_of_its_own() {
    let desk = Desk::new();
    let (file, created) = (desk.path("new"), days_ago(95));
    let file = file.to_str().unwrap();
    desk.done(&[
        "rotate",
        "adopt",
        "NEXIS_DATABASE_PASSWORD",
        "--created",
        &created,
        "--value-file",
        file,
    ]);
    let outcome = launch_in("production", &desk, SECRET)
        .env("NEXIS_DATABASE_HOST", "127.0.0.1")
        .env("NEXIS_DATABASE_NAME", "nexis")
        .env("NEXIS_DATABASE_USER", "app")
        .env("NEXIS_DATABASE_PASSWORD", OTHER)
        .run();
    outcome.status(0).warning("rotation-overdue", "NEXIS_DATABASE_PASSWORD").no_canary();
}

#[test]
fn what_is_withheld_is_not_looked_up() {
    let desk = Desk::new();
    let (file, created) = (desk.path("new"), days_ago(95));
    let file = file.to_str().unwrap();
    desk.done(&["rotate", "adopt", "OPENAI_API_KEY", "--created", &created, "--value-file", file]);
    let with = || launch_in("production", &desk, SECRET).env("OPENAI_API_KEY", OTHER);
    only(with().run().status(0), "rotation-overdue");
    only(with().env("NEXIS_OPENAI_ENABLED", "false").run().status(0), "");
}

#[test]
fn an_exposed_part_of_what_is_withheld_refuses_nothing() {
    let desk = Desk::new();
    let (file, created) = (desk.path("new"), days_ago(5));
    let (name, file) = ("NEXIS_DATABASE_PASSWORD", file.to_str().unwrap());
    desk.done(&["rotate", "adopt", name, "--created", &created, "--value-file", file]);
    expose_name(&desk, name);
    desk.start(name, "next");
    desk.steps(name, &["stage", "verify", "deploy"]);
    let with = || {
        launch_in("production", &desk, SECRET)
            .env("NEXIS_DATABASE_HOST", "127.0.0.1")
            .env("NEXIS_DATABASE_NAME", "nexis")
            .env("NEXIS_DATABASE_USER", "app")
            .env(name, OTHER)
    };
    with().run().status(78).error("value-exposed", name).program_did_not_run();
    only(with().env("NEXIS_PERSISTENCE_ENABLED", "false").run().status(0), "");
}

#[test]
fn without_a_fingerprint_key_it_is_64_and_without_a_directory_66() {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 10);
    for launch in [
        launch_in("production", &desk, SECRET).without("NEXIS_LAUNCH_FINGERPRINT_KEY_FILE"),
        Launch::sound("production").options(["--ledger", "/no/such/ledger"]),
    ] {
        launch.run().status(64).says("--fingerprint-key-file").program_did_not_run();
    }
    for place in ["/no/such/ledger", desk.file("JWT_SECRET").to_str().unwrap()] {
        let outcome = launch_in("production", &desk, SECRET).options(["--ledger", place]).run();
        outcome.status(66).says(place).program_did_not_run().no_canary();
        outcome.error("file-missing", "");
    }
}

#[test]
fn a_damaged_file_of_a_used_value_is_65() {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 10);
    let text = desk.text("JWT_SECRET");
    for (damaged, says) in [
        (&text[..text.len() - 1], "line 1"),
        (&text[..40], "line 1"),
        ("", "JWT_SECRET.jsonl"),
        ("{}\n", "line 1"),
        (&*format!("{text}{text}"), "line 2"),
    ] {
        fs::write(desk.file("JWT_SECRET"), damaged).unwrap();
        let outcome = launch(&desk, SECRET);
        outcome.status(65).error("ledger-invalid", "").says(says).program_did_not_run();
    }
    fs::remove_file(desk.file("JWT_SECRET")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", desk.file("JWT_SECRET")).unwrap();
    launch(&desk, SECRET).status(65).says("it is a symbolic link").program_did_not_run();
    fs::remove_file(desk.file("JWT_SECRET")).unwrap();
    // A file of a name that the launch has no value of is none of its business.
    fs::write(desk.file("OPENAI_API_KEY"), "x").unwrap();
    launch(&desk, SECRET).status(0);
}

#[test]
fn check_says_the_same_and_without_a_ledger_nothing_is_said() {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 91);
    let checked =
        Launch::command("check", ["--mode", "production", "--format", "json", "--strict"])
            .requirements()
            .env("NEXIS_LAUNCH_LEDGER", desk.ledger().to_str().unwrap())
            .env(
                "NEXIS_LAUNCH_FINGERPRINT_KEY_FILE",
                desk.path("fingerprint.key").to_str().unwrap(),
            )
            .run();
    only(checked.status(78), "rotation-overdue");
    only(Launch::sound("production").run().status(0), "");
}
