//! Values that leaked or were revoked, and the rotations after that.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

/// Opens an incident of this value, and gives what is said.
fn respond(desk: &Desk, name: &str, file: &str) -> String {
    let words = ["leak", "respond", name, "--reason", "in a log", "--value-file", file];
    desk.done(&words).out()
}

#[test]
fn a_replacement_is_ticked_for_a_value_that_was_in_production_and_for_no_other() {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 10);
    // The hosts may run this one, whatever the ledger says.
    let said = respond(&desk, "JWT_SECRET", "{home}/next");
    assert!(said.contains("- [ ] Generate it.\n") && said.contains("rotate start"), "{said}");
    assert!(!said.contains("- [x] Take it through"), "{said}");
    assert!(!said.contains("Another key is in use"), "{said}");
    desk.steps("JWT_SECRET", &["revoke"]);
    desk.start("JWT_SECRET", "new");
    desk.steps("JWT_SECRET", &["stage", "verify", "deploy"]);
    let said = respond(&desk, "JWT_SECRET", "{home}/old");
    for words in ["- [x] Generate it.\n", "- [x] Take it through", "Another key is in use"] {
        assert!(said.contains(words), "{said}");
    }
}

const HOSTS: [&str; 3] = ["one", "two", "three"];

/// A URL of the database with this password at each of the hosts, in a file with the host's name.
fn urls(desk: &Desk, password: &str) {
    for host in HOSTS {
        let url = format!("postgres://nexis:{password}@{host}.internal/nexis?sslmode=require");
        desk.write(host, url);
    }
}

const LEAKED: &str = "a-password-of-the-database-1";
const GOOD: &str = "another-password-of-the-database";
const NAME: &str = "DATABASE_URL";

/// A desk with the first URL in production, and a good one in `good`.
fn in_production() -> Desk {
    let desk = Desk::new();
    urls(&desk, GOOD);
    std::fs::rename(desk.path("one"), desk.path("good")).unwrap();
    urls(&desk, LEAKED);
    let created = days_ago(10);
    desk.done(&["rotate", "adopt", NAME, "--value-file", "{home}/one", "--created", &created]);
    desk
}

fn status(desk: &Desk, status: i32) -> String {
    desk.run(&["rotate", "status"]).status(status).out()
}

/// A launch in production with the URL of a file.
fn launch(desk: &Desk, file: &str) -> Outcome {
    Launch::sound("production")
        .env(NAME, std::fs::read_to_string(desk.path(file)).unwrap())
        .env("NEXIS_LAUNCH_LEDGER", desk.ledger().to_str().unwrap())
        .env("NEXIS_LAUNCH_FINGERPRINT_KEY_FILE", desk.path("fingerprint.key").to_str().unwrap())
        .canary(LEAKED)
        .canary(GOOD)
        .run()
}

const REST: [&str; 4] = ["stage", "verify", "deploy", "revoke"];

/// The value in production has the password that leaked with the new one.
#[test]
fn a_value_is_exposed_where_its_password_leaked_in_another_one() {
    for is_begun in [true, false] {
        let desk = in_production();
        if is_begun {
            desk.start(NAME, "two");
        }
        respond(&desk, NAME, "{home}/two");
        if is_begun {
            desk.refused(65, &["rotate", "revoke", NAME]).says("`rotate abort`");
            desk.steps(NAME, &["abort"]);
        }
        desk.steps(NAME, &["revoke"]);
        launch(&desk, "one").status(78).error("value-revoked", NAME).no_canary();
        let told = status(&desk, 1);
        assert!(
            told.contains("exposed  10 of 90 days") && told.contains("; its password"),
            "{told}"
        );
        let json = desk.run(&["rotate", "status", "--format", "json"]).status(1).out();
        assert!(json.contains("\"standing\":\"exposed\""), "{json}");
        let plan = desk.done(&["rotate", "plan", NAME]).out();
        assert!(plan.contains("- **Exposed**, by its password in another value,"), "{plan}");
        // A value with another password ends it, and one with the same one does not begin.
        let start = ["rotate", "start", NAME, "--value-file", "{home}/three"];
        desk.refused(65, &start).says("its password was revoked with another value");
        desk.start(NAME, "good");
        desk.steps(NAME, &REST[..3]);
        assert!(status(&desk, 1).contains(", exposed\n"));
        desk.steps(NAME, &["revoke", "evidence"]);
        status(&desk, 0);
        launch(&desk, "good").status(0).no_finding("value-revoked").no_finding("value-exposed");
    }
}

#[test]
fn a_password_that_is_exposed_or_was_revoked_never_comes_back() {
    let desk = in_production();
    let start = ["rotate", "start", NAME, "--value-file", "{home}/three"];
    respond(&desk, NAME, "{home}/two");
    desk.refused(65, &start).says("its password is exposed with another value");
    // Exposed, and so revoked without an emergency: what leaked, then what is in production.
    desk.steps(NAME, &["revoke", "revoke"]);
    assert_eq!(desk.kinds(NAME), ["adopted", "exposed", "revoked", "revoked"]);
    let created = days_ago(1);
    for words in [start, ["rotate", "adopt", NAME, "--value-file", "{home}/three"]] {
        let words = [&words[..], &["--created", &created]].concat();
        desk.refused(65, &words).says("its password was revoked with another value");
    }

    // By an ordinary rotation, without a leak.
    let desk = in_production();
    desk.start(NAME, "good");
    desk.steps(NAME, &[&REST[..], &["evidence"]].concat());
    launch(&desk, "three").status(78).error("value-revoked", NAME);
    desk.refused(65, &start).says("its password was revoked with another value");

    // A move to another host is a rotation as any: its password stays in use.
    let desk = in_production();
    for host in &HOSTS[1..] {
        desk.start(NAME, host);
        desk.steps(NAME, &[&REST[..], &["evidence"]].concat());
        status(&desk, 0);
        launch(&desk, host).status(0).no_finding("value-revoked");
    }
}

#[test]
fn a_rotation_to_a_password_that_leaks_in_another_value_is_given_up() {
    let desk = in_production();
    desk.start(NAME, "two");
    respond(&desk, NAME, "{home}/one");
    for step in &REST[..3] {
        desk.refused(65, &["rotate", step, NAME]).says("`rotate abort` gives it up");
    }
    assert!(status(&desk, 1).contains("next is abort"));
    desk.steps(NAME, &["abort", "revoke"]);
    desk.start(NAME, "good");
    desk.steps(NAME, &REST[..3]);
    status(&desk, 0);
}

/// A rotation that is given up takes nothing from a value at its issuer.
#[test]
fn a_new_value_that_leaked_is_not_forgotten_when_its_rotation_is_given_up() {
    for leaks_first in [true, false] {
        let desk = Desk::new();
        desk.adopt("JWT_SECRET", 10);
        desk.start("JWT_SECRET", "new");
        if leaks_first {
            respond(&desk, "JWT_SECRET", "{home}/new");
        }
        let aborted = desk.done(&["rotate", "abort", "JWT_SECRET"]);
        if leaks_first {
            aborted.says("is exposed and not revoked").says("`nexis-launch rotate revoke JWT_SEC");
        } else {
            aborted.never_says("exposed");
            respond(&desk, "JWT_SECRET", "{home}/new");
        }
        let told = status(&desk, 1);
        assert!(told.contains("  fresh  ") && told.contains(": not revoked yet\n"), "{told}");
        let metrics = desk.run(&["rotate", "status", "--format", "prometheus"]).status(1).out();
        let exposed = "nexis_launch_key_exposed{key=\"JWT_SECRET\",class=\"jwt-signing\"} 1\n";
        assert!(metrics.contains(exposed), "{metrics}");
        let plan = || desk.done(&["rotate", "plan", "JWT_SECRET"]).out();
        assert!(plan().contains("- [ ] Revoke or delete the exposed value `"), "{}", plan());
        desk.steps("JWT_SECRET", &["revoke"]);
        assert_eq!(desk.kinds("JWT_SECRET").last().unwrap(), "revoked");
        status(&desk, 0);
        assert!(!plan().contains("exposed value"), "{}", plan());
        // The value in production is the one that it was.
        desk.refused(65, &["rotate", "revoke", "JWT_SECRET"]);
    }
}

/// What a log shows is often not the URL as it is in production.
#[test]
fn a_leaked_password_is_that_of_the_url_in_production_however_it_stood_in_the_log() {
    let odd = "p%40ss-of-the-database%21";
    let desk = Desk::new();
    desk.write("one", format!("postgres://nexis:{odd}@one.internal/nexis?sslmode=require"));
    let created = days_ago(10);
    desk.done(&["rotate", "adopt", NAME, "--value-file", "{home}/one", "--created", &created]);
    for (file, text) in [
        ("another", format!("postgres://nexis:{odd}@two.internal/nexis?sslmode=disable")),
        ("decoded", "p@ss-of-the-database!".to_owned()),
        ("encoded", odd.to_owned()),
    ] {
        desk.write(file, text);
    }
    desk.write("former", desk.text(NAME));
    for file in ["another", "decoded", "encoded"] {
        desk.write(&format!("ledger/{NAME}.jsonl"), std::fs::read(desk.path("former")).unwrap());
        let said = respond(&desk, NAME, &format!("{{home}}/{file}"));
        for words in ["- [ ] Take it through", "` is in production and has its password.\n"] {
            assert!(said.contains(words), "{file}\n{said}");
        }
        assert_eq!(said.matches("`nexis-launch rotate revoke ").count(), 2, "{said}");
        assert!(said.contains("- The key is replaced at TIME and revoked at TIME."), "{said}");
        assert!(!said.contains("- [x] Have") && !said.contains("Another key is in use"), "{said}");
        launch(&desk, "one").status(0).warning("value-exposed", NAME);
        assert!(status(&desk, 1).contains("  exposed  "));
        desk.steps(NAME, &["revoke", "revoke"]);
        launch(&desk, "one").status(78).error("value-revoked", NAME);
        status(&desk, 0);
    }
}

#[test]
fn a_file_with_more_than_the_value_in_it_is_refused_and_an_unknown_value_ticks_nothing() {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 10);
    let words = ["leak", "respond", "JWT_SECRET", "--reason", "log", "--value-file", "{home}/log"];
    for line in [
        format!("\"{SECRET}\""),
        format!(" {SECRET}"),
        format!("{SECRET} \n"),
        format!("JWT_SECRET={SECRET}"),
        format!("export JWT_SECRET='{SECRET}'"),
        format!("JWT_SECRET: {SECRET}\nat=11:00\n"),
    ] {
        desk.write("log", line);
        desk.refused(65, &words).says("something stands beside it").says("nothing was recorded");
    }
    desk.write("log", &SECRET[..SECRET.len() - 3]);
    let said = desk.done(&words).out();
    assert_eq!(said.matches("- [x]").count(), 1, "{said}");
    assert!(said.contains("see that it is whole and alone in its file."), "{said}");
    assert!(
        said.contains("`nexis-launch leak respond JWT_SECRET --reason TEXT --ledger"),
        "{said}"
    );
}
