//! What the chain shows of a file that was changed, and what the fold makes of records.

use super::book::Book;
use super::chain::{self, Chain};
use super::state::{State, Step};
use super::{Kind, Record, SCHEMA};
use crate::fingerprint::Key;

fn key() -> Key {
    Key::of_bytes([7; 32])
}

fn record(kind: Kind, fingerprint: &str) -> Record {
    Record {
        schema: SCHEMA.to_owned(),
        name: "JWT_SECRET".to_owned(),
        time: "2026-11-25T10:00:00Z".to_owned(),
        kind,
        class: "jwt-signing".to_owned(),
        fingerprint: fingerprint.to_owned(),
        fingerprint_key_id: "e748aacc".to_owned(),
        actor: "alice".to_owned(),
        ledger_key_id: key().id(),
        ..Record::default()
    }
}

/// The file of these records.
fn written(records: &[(Kind, &str)]) -> String {
    let mut previous = chain::beginning();
    let mut text = String::new();
    for (seq, (kind, fingerprint)) in (1..).zip(records) {
        let mut record = Record { seq, previous, ..record(*kind, fingerprint) };
        text.push_str(&chain::seal(&key(), &mut record));
        previous = record.mac;
    }
    text
}

fn read(text: &[u8]) -> Chain {
    chain::read("JWT_SECRET", text, Some(&key()))
}

/// The line that is named as wrong.
fn line(text: &[u8]) -> Option<usize> {
    read(text).fault.and_then(|fault| fault.line)
}

const LIFE: &[(Kind, &str)] = &[
    (Kind::Adopted, "a"),
    (Kind::Started, "b"),
    (Kind::Staged, "b"),
    (Kind::Verified, "b"),
    (Kind::Deployed, "b"),
    (Kind::Revoked, "a"),
    (Kind::Evidence, "b"),
];

/// Computed with Python's hmac over the same bytes.
#[test]
fn the_mac_covers_what_the_documentation_says() {
    let text = written(&[(Kind::Adopted, "a")]);
    let line = text.strip_suffix("\n").unwrap();
    let (covered, mac) = line.split_once(",\"mac\":\"").unwrap();
    assert_eq!(
        covered,
        "{\"schema\":\"nexis-launch/ledger/v1\",\"name\":\"JWT_SECRET\",\"seq\":1,\
         \"time\":\"2026-11-25T10:00:00Z\",\"kind\":\"adopted\",\"ledger_key_id\":\"KEYID\",\
         \"class\":\"jwt-signing\",\"fingerprint\":\"a\",\"fingerprint_key_id\":\"e748aacc\",\
         \"actor\":\"alice\",\"previous\":\"0000000000000000000000000000000000000000000000000000000000000000\""
            .replace("KEYID", &key().id())
    );
    assert_eq!(mac, "e401dce329d89ce5674e485ed7a381d384923f9ca82decd90a0641ca9a510a6d\"}");
}

#[test]
fn every_flipped_bit_is_found_in_its_line() {
    let text = written(LIFE).into_bytes();
    assert!(read(&text).fault.is_none());
    let mut number = 1;
    for at in 0..text.len() {
        for bit in 0..8 {
            let mut changed = text.clone();
            changed[at] ^= 1 << bit;
            assert_eq!(line(&changed), Some(number), "byte {at}, bit {bit}");
        }
        number += usize::from(text[at] == b'\n');
    }
}

#[test]
fn a_line_dropped_doubled_swapped_or_moved_is_found() {
    let text = written(LIFE);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for at in 0..lines.len() - 1 {
        let mut dropped = lines.clone();
        dropped.remove(at);
        assert_eq!(line(dropped.concat().as_bytes()), Some(at + 1), "dropped {at}");
        let mut doubled = lines.clone();
        doubled.insert(at, lines[at]);
        assert_eq!(line(doubled.concat().as_bytes()), Some(at + 2), "doubled {at}");
        let mut swapped = lines.clone();
        swapped.swap(at, at + 1);
        assert_eq!(line(swapped.concat().as_bytes()), Some(at + 1), "swapped {at}");
    }
    let other = chain::read("OTHER_SECRET", text.as_bytes(), Some(&key()));
    assert_eq!(other.fault.unwrap().what, "it is a record of JWT_SECRET");
    let mut spliced = written(&LIFE[..4]);
    let foreign = written(&[LIFE[0], LIFE[1], LIFE[2], LIFE[3], (Kind::Aborted, "b")]);
    spliced.push_str(foreign.lines().nth(4).unwrap());
    spliced.push('\n');
    // The same four records before it: this one really does follow them.
    assert_eq!(line(spliced.as_bytes()), None);
    let mut spliced = written(&[LIFE[0], (Kind::Started, "c"), LIFE[2], LIFE[3]]);
    spliced.push_str(foreign.lines().nth(4).unwrap());
    spliced.push('\n');
    assert_eq!(line(spliced.as_bytes()), Some(5));
}

#[test]
fn another_key_is_told_apart_from_a_change() {
    let text = written(LIFE);
    let chain = chain::read("JWT_SECRET", text.as_bytes(), Some(&Key::of_bytes([8; 32])));
    let fault = chain.fault.unwrap();
    assert_eq!(fault.line, Some(1));
    assert!(fault.what.contains(&key().id()), "{fault:?}");
}

#[test]
fn every_cut_inside_the_last_line_is_torn_there_and_no_other() {
    let text = written(LIFE);
    let begin = text.trim_end().rfind('\n').unwrap() + 1;
    for length in begin..text.len() {
        let chain = read(&text.as_bytes()[..length]);
        match chain.torn {
            // A whole line less is for a head to find.
            None => assert_eq!((length, chain.fault), (begin, None)),
            Some(torn) => assert_eq!((torn.at, torn.line), (begin, 7)),
        }
        assert_eq!(chain.records.len(), 6);
    }
}

#[test]
fn what_git_does_to_files_is_said_as_such() {
    let text = written(LIFE);
    let what = |text: String| read(text.as_bytes()).fault.unwrap().what;
    assert!(what(text.replace('\n', "\r\n")).contains("CR LF"));
    assert!(what(format!("<<<<<<< HEAD\n{text}")).contains("merge conflict"));
    assert!(what(String::new()).contains("empty"));
    assert!(what(format!("{text}\n")).contains("no record"));
}

#[test]
fn a_line_with_another_spelling_or_key_is_refused_with_the_ledger_key_and_without() {
    let text = written(LIFE);
    for (from, to) in [
        ("\"seq\":1,", "\"seq\": 1,"),
        ("\"actor\"", "\"reason\":\"x\",\"reason\":\"y\",\"actor\""),
        ("\"actor\"", "\"value\":\"x\",\"actor\""),
        ("ledger/v1", "ledger/v2"),
        ("\"adopted\"", "\"adapted\""),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_eq!(line(changed.as_bytes()), Some(1), "{to}");
        let unverified = chain::read("JWT_SECRET", changed.as_bytes(), None);
        // White space alone is nothing to whoever has no key.
        assert_eq!(unverified.fault.is_some(), !to.contains(": 1"), "{to}");
    }
}

proptest::proptest! {
    #[test]
    fn whatever_stands_in_a_file_is_a_fault_and_never_a_panic(
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300),
        at in 0_usize..3000,
    ) {
        for key in [None, Some(&key())] {
            assert!(chain::read("JWT_SECRET", &bytes, key).fault.is_some());
            // In the midst of records as well.
            let mut text = written(LIFE).into_bytes();
            let at = at.min(text.len());
            text.splice(at..at, bytes.iter().copied());
            let chain = chain::read("JWT_SECRET", &text, key);
            assert!(bytes.is_empty() || chain.fault.is_some() || key.is_none());
            State::of(&chain.records);
        }
    }
}

fn state(records: &[(Kind, &str)]) -> State {
    State::of(&records.iter().map(|(kind, it)| record(*kind, it)).collect::<Vec<_>>())
}

#[test]
fn the_next_step_follows_the_checklist() {
    let next: Vec<Option<Step>> =
        (1..=LIFE.len()).map(|count| state(&LIFE[..count]).next()).collect();
    let steps = Step::ALL.map(Some);
    assert_eq!(next[0], None);
    assert_eq!(next[1..6], steps);
    assert_eq!(next[6], None);
    let end = state(LIFE);
    assert_eq!(end.current().unwrap().fingerprint, "b");
    assert!(end.has_deployed_successor(&end.values[0]));
    assert!(!end.has_deployed_successor(&end.values[1]));
}

#[test]
fn a_revoked_or_given_up_value_is_never_the_current_one() {
    let revoked = state(&[(Kind::Adopted, "a"), (Kind::Exposed, "a"), (Kind::Revoked, "a")]);
    assert!(revoked.current().is_none() && revoked.values[0].exposed.is_some());
    let given_up = state(&[(Kind::Adopted, "a"), (Kind::Started, "b"), (Kind::Aborted, "b")]);
    assert_eq!(given_up.current().unwrap().fingerprint, "a");
    assert!(given_up.under_way().is_none());
}

#[test]
fn a_deployment_gives_what_was_live_before_it_its_last_day() {
    let mut records: Vec<Record> =
        LIFE[..5].iter().map(|(kind, fingerprint)| record(*kind, fingerprint)).collect();
    records[4].revoke_by = Some("2026-12-03".to_owned());
    let state = State::of(&records);
    let days: Vec<_> = state.values.iter().map(|value| value.revoke_by).collect();
    assert_eq!(days, ["2026-12-03".parse().ok(), None]);
    // The next one takes the days of two, and gives none back.
    let second = |day: &str| {
        let day = Some(day.to_owned());
        State::of(
            &[&records[..], &[Record { revoke_by: day, ..record(Kind::Deployed, "c") }]].concat(),
        )
    };
    for (day, last) in
        [("2027-01-15", ["2026-12-03", "2027-01-15"]), ("2026-12-01", ["2026-12-01", "2026-12-01"])]
    {
        let state = second(day);
        let days: Vec<_> = state.values[..2].iter().map(|value| value.revoke_by).collect();
        assert_eq!(days, last.map(|day| day.parse().ok()), "{day}");
    }
    // What was given up never was live.
    let mut given_up = vec![record(Kind::Started, "c"), record(Kind::Aborted, "c")];
    given_up.extend(records.iter().cloned());
    let state = State::of(&given_up);
    let days: Vec<_> = state.values.iter().map(|value| value.revoke_by).collect();
    assert_eq!(days, [None, "2026-12-03".parse().ok(), None]);
    // A step that is none gives nobody a day.
    records[3].revoke_by = Some("2026-12-01".to_owned());
    let state = State::of(&records[..4]);
    assert!(state.values.iter().all(|value| value.revoke_by.is_none()));
}

#[test]
fn a_value_without_a_day_was_made_when_it_was_recorded() {
    let mut first = record(Kind::Adopted, "a");
    let made = |record: &Record| State::of(std::slice::from_ref(record)).values[0].created;
    assert_eq!(made(&first), "2026-11-25".parse().ok());
    first.created = Some("2026-10-01".to_owned());
    assert_eq!(made(&first), "2026-10-01".parse().ok());
}

#[test]
fn a_value_is_known_by_itself_and_by_the_password_inside() {
    let mut first = record(Kind::Adopted, "whole");
    first.password_fingerprint = Some("inside".to_owned());
    let state = State::of(std::slice::from_ref(&first));
    let has = |fingerprint| state.values[0].has(fingerprint);
    assert_eq!([has("whole"), has("inside"), has("other")], [true, true, false]);
    let mut book = Book::default();
    book.push(first);
    book.push(Record { name: "DATABASE_URL".to_owned(), ..record(Kind::Adopted, "inside") });
    book.push(Record { name: "OTHER".to_owned(), ..record(Kind::Adopted, "other") });
    assert_eq!(book.names_of("inside", "e748aacc"), ["DATABASE_URL", "JWT_SECRET"]);
    assert_eq!(book.names_of("whole", "e748aacc"), ["JWT_SECRET"]);
    assert_eq!(book.names_of("whole", "another-key"), [""; 0]);
}

#[test]
fn a_line_that_is_too_long_is_a_fault_of_its_own() {
    let long = [&b"x".repeat(70_000)[..], b"\n"].concat();
    let fault = read(&long).fault.expect("a fault");
    assert_eq!((fault.line, fault.what.as_str()), (Some(1), "it has more than 64 KiB"));
}
