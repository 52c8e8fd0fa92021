//! The clock goes back: what was recorded before it did lies in the future. A chain is verified by
//! its order and not by its times, and no age is less than nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use jiff::{Span, Timestamp};
use nexis_launch::fingerprint::Key;
use nexis_launch::ledger::chain;
use std::fs;

/// A day so far after this one, where this is one.
fn later_day(day: &str) -> String {
    let day: jiff::civil::Date = day.parse().unwrap();
    day.checked_add(Span::new().days(400)).unwrap().to_string()
}

/// Everything that the ledger says of a name, as a clock 400 days ahead would have had it written.
fn written_later(desk: &Desk, name: &str) {
    let key = Key::read(&desk.path("ledger.key")).map_err(drop).unwrap();
    let mut previous = chain::beginning();
    let mut text = String::new();
    for mut record in chain::read(name, desk.text(name).as_bytes(), Some(&key)).records {
        let time: Timestamp = record.time.parse().unwrap();
        let time = time.checked_add(Span::new().hours(400 * 24)).unwrap();
        record.time = time.to_string();
        record.created = record.created.as_deref().map(later_day);
        record.previous = previous;
        text += &chain::seal(&key, &mut record);
        previous = record.mac.clone();
    }
    fs::write(desk.file(name), text).unwrap();
}

#[test]
fn a_ledger_of_the_future_is_verified_and_goes_on() {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 1);
    desk.start("JWT_SECRET", "new");
    let now = desk.text("JWT_SECRET");
    written_later(&desk, "JWT_SECRET");
    assert_ne!(desk.text("JWT_SECRET"), now);
    desk.done(&["ledger", "verify"]);
    let head = desk.head();
    // What is written now has an earlier time than what stands before it.
    desk.steps("JWT_SECRET", &["stage", "verify", "deploy", "revoke", "evidence"]);
    desk.done(&["ledger", "verify", "--head", &head]);
    let head = desk.head();
    desk.done(&["ledger", "verify", "--head", &head]);
    desk.done(&["rotate", "history", "--format", "html"]);
    desk.done(&["rotate", "plan", "JWT_SECRET"]);
    desk.holds_no_value();
}

#[test]
fn no_age_is_less_than_nothing_and_nothing_is_overdue() {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 89);
    let due = desk.run(&["rotate", "status", "--format", "json"]);
    assert!(due.out().contains("\"standing\":\"due\""), "{due}");
    written_later(&desk, "JWT_SECRET");
    let status = desk.done(&["rotate", "status", "--format", "json"]);
    let status: serde_json::Value = serde_json::from_str(&status.out()).unwrap();
    let key = &status["keys"][0];
    assert_eq!((&key["age_days"], &key["standing"]), (&0.into(), &"fresh".into()), "{status}");
    desk.done(&["rotate", "status"]);
    let metrics = desk.done(&["rotate", "status", "--format", "prometheus"]).out();
    let age = metrics.lines().find(|it| it.starts_with("nexis_launch_key_age_days{"));
    assert!(age.is_some_and(|it| it.ends_with(" 0")), "{metrics}");
}

#[test]
fn a_launch_says_nothing_of_an_age_to_come_and_its_audit_line_follows_a_later_one() {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 300);
    let launch = || {
        let key = desk.path("fingerprint.key");
        let launch = Launch::sound("production").canary(SECRET);
        let launch = launch.env("NEXIS_LAUNCH_LEDGER", desk.ledger().to_str().unwrap());
        launch.env("NEXIS_LAUNCH_FINGERPRINT_KEY_FILE", key.to_str().unwrap())
    };
    launch().run().status(0).finding("rotation-overdue", "JWT_SECRET");
    written_later(&desk, "JWT_SECRET");
    let first = launch().options(["--audit-log", "{root}/audit"]).run();
    first.status(0).no_finding("rotation-overdue").no_finding("rotation-due").seen();
    // The line of a launch that is to come.
    let later = first.read("audit").replace("\"time\":\"20", "\"time\":\"21");
    let second = launch().file("audit", &later).options(["--audit-log", "{root}/audit"]).run();
    second.status(0).no_canary().seen();
    let text = second.read("audit");
    assert_eq!(text.strip_prefix(&later).unwrap().lines().count(), 1, "{text}");
    desk.write("audit", &text);
    let (value, audit) = (desk.path("old"), desk.path("audit"));
    let [value, audit] = [&value, &audit].map(|it| it.to_str().unwrap());
    let trace = desk.command(["leak", "trace", "--value-file", value, audit]).run();
    trace.status(1).no_canary();
}
