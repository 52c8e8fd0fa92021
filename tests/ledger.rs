//! The ledger as a whole: whatever was done to its files is found, by file and line.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use std::fs;
use std::os::unix::fs::symlink;

/// A desk with a whole rotation of one key and the beginning of another.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 30);
    desk.start("JWT_SECRET", "new");
    desk.steps("JWT_SECRET", &["stage", "verify", "deploy", "revoke", "evidence"]);
    let old = desk.path("next");
    desk.done(
        &["rotate", "adopt", "ci/deploy", "--class", "webhook-hmac", "--value-file"]
            .iter()
            .copied()
            .chain([old.to_str().unwrap(), "--created", &days_ago(1)])
            .collect::<Vec<_>>(),
    );
    desk
}

#[test]
fn a_whole_ledger_verifies_and_its_head_holds_while_it_grows() {
    let desk = desk();
    let verified = desk.done(&["ledger", "verify"]);
    assert_eq!(
        (verified.out(), verified.err()),
        ("whole: 8 records of 2 keys\n".into(), "".into())
    );
    let head = desk.head();
    assert!(!head.contains(char::is_whitespace), "{head}");
    desk.done(&["ledger", "verify", "--head", &head]);
    desk.start("JWT_SECRET", "next");
    let later = desk.head();
    assert_ne!(head, later);
    for head in [&head, &later] {
        desk.done(&["ledger", "verify", "--head", head]);
    }
    desk.holds_no_value();
}

#[test]
fn an_empty_ledger_is_whole_and_has_a_head() {
    let desk = Desk::new();
    assert_eq!(desk.done(&["ledger", "verify"]).out(), "whole: 0 records of 0 keys\n");
    let head = desk.head();
    desk.done(&["ledger", "verify", "--head", &head]);
}

/// Changes the lines of a file, and wants the fault in this line.
#[track_caller]
fn changed(what: impl Fn(&mut Vec<String>), line: usize, says: &str) {
    let desk = desk();
    let text = desk.text("JWT_SECRET");
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    what(&mut lines);
    fs::write(desk.file("JWT_SECRET"), lines.concat()).unwrap();
    let place = format!("JWT_SECRET.jsonl line {line}: ");
    desk.refused(65, &["ledger", "verify"]).says(&place).says(says);
    // Nobody goes on from there, and nobody is told a head.
    desk.refused(65, &["ledger", "head"]).says(&place);
    desk.refused(65, &["rotate", "start", "JWT_SECRET", "--value-file", "{home}/next"])
        .says(&place);
}

#[test]
fn a_changed_line_is_named() {
    let actor = |lines: &mut Vec<String>| {
        let changed = lines[3].replace("\"actor\":\"", "\"actor\":\"not ");
        assert_ne!(changed, lines[3]);
        lines[3] = changed;
    };
    changed(actor, 4, "it was changed");
}

#[test]
fn a_dropped_line_is_named() {
    changed(|lines| drop(lines.remove(2)), 3, "it is record 4");
    changed(|lines| drop(lines.remove(0)), 1, "it is record 2");
}

#[test]
fn an_inserted_line_is_named() {
    changed(|lines| lines.insert(5, lines[4].clone()), 6, "it is record 5");
    changed(|lines| lines.insert(5, "{}\n".to_owned()), 6, "it is no record");
    changed(|lines| lines.insert(0, "\n".to_owned()), 1, "it is no record");
}

#[test]
fn reordered_lines_are_named() {
    changed(|lines| lines.swap(1, 2), 2, "it is record 3");
}

#[test]
fn line_ends_that_git_changed_are_said_as_such() {
    let crlf = |lines: &mut Vec<String>| {
        lines.iter_mut().for_each(|line| *line = line.replace('\n', "\r\n"));
    };
    changed(crlf, 1, "autocrlf");
    let conflict = |lines: &mut Vec<String>| lines.insert(6, "<<<<<<< HEAD\n".to_owned());
    changed(conflict, 7, "merge conflict");
}

#[test]
fn a_line_of_another_name_is_named() {
    let desk = desk();
    fs::copy(desk.file("JWT_SECRET"), desk.file("OPENAI_API_KEY")).unwrap();
    desk.refused(65, &["ledger", "verify"])
        .says("OPENAI_API_KEY.jsonl line 1: it is a record of JWT_SECRET");
}

#[test]
fn a_tail_that_was_cut_off_is_found_by_the_head_alone() {
    let desk = desk();
    let head = desk.head();
    let text = desk.text("JWT_SECRET");
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    fs::write(desk.file("JWT_SECRET"), lines[..5].concat()).unwrap();
    desk.done(&["ledger", "verify"]);
    desk.refused(65, &["ledger", "verify", "--head", &head])
        .says("JWT_SECRET.jsonl line 6: it is missing: the head covers 7 records and 5 are left");
    // Another end is another record than the one that the head covers.
    desk.steps("JWT_SECRET", &["revoke"]);
    desk.done(&["rotate", "evidence", "JWT_SECRET", "--commit", "another"]);
    desk.refused(65, &["ledger", "verify", "--head", &head])
        .says("JWT_SECRET.jsonl line 7: it is another record than the head covers");
}

#[test]
fn a_file_that_was_removed_is_found_by_the_head() {
    let desk = desk();
    let head = desk.head();
    fs::remove_file(desk.file("ci%2Fdeploy")).unwrap();
    desk.done(&["ledger", "verify"]);
    desk.refused(65, &["ledger", "verify", "--head", &head])
        .says("ci%2Fdeploy.jsonl: it is gone, and the head covers 1 of its records");
    fs::write(desk.file("ci%2Fdeploy"), "").unwrap();
    desk.refused(65, &["ledger", "verify"]).says("ci%2Fdeploy.jsonl: it is empty");
}

/// What a crash leaves is no record that a head covers: those are missing all the same.
#[test]
fn a_tail_that_was_cut_off_is_found_behind_a_few_bytes_that_were_left() {
    let desk = desk();
    let head = desk.head();
    let text = desk.text("JWT_SECRET");
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let verify = ["ledger", "verify", "--head", &head];
    for (whole, rest, line) in [
        (2, "{\"x", "3: it is missing: the head covers 7 records and 2 are left"),
        (0, "{\"x", "1: it is missing: the head covers 7 records and 0 are left"),
        (6, "{\"x", "7: it is missing: the head covers 7 records and 6 are left"),
        // One that is there but for its end is not missing.
        (4, lines[4].trim_end(), "6: it is missing: the head covers 7 records and 5 are left"),
    ] {
        fs::write(desk.file("JWT_SECRET"), lines[..whole].concat() + rest).unwrap();
        let outcome = desk.refused(65, &verify);
        outcome.says("a write was broken off").says(&format!("JWT_SECRET.jsonl line {line}"));
    }
    // A write that was broken off later is none of the head's business.
    fs::write(desk.file("JWT_SECRET"), text + "{\"x").unwrap();
    let outcome = desk.refused(65, &verify);
    outcome.says("a write was broken off").never_says("the head covers");
}

/// A file with a fault is there: only what it is that is wrong, and what mends it, is said.
#[test]
fn a_head_says_nothing_more_of_a_file_that_has_a_fault() {
    let desk = desk();
    let head = desk.head();
    let file = desk.file("JWT_SECRET");
    let text = desk.text("JWT_SECRET");
    for (says, content) in [
        ("line 1: it was changed", text.replacen("jwt-signing", "jwt-singing", 1)),
        ("line 3: it was changed", text.replacen("\"staged\"", "\"verified\"", 1)),
        ("line 1: it ends in CR LF", text.replace('\n', "\r\n")),
        ("JWT_SECRET.jsonl: it is empty", String::new()),
        ("have no end: a write was broken off", text.trim_end().to_owned()),
    ] {
        fs::write(&file, &content).unwrap();
        assert_ne!(content, text, "{says}");
        let outcome = desk.refused(65, &["ledger", "verify", "--head", &head]);
        outcome.says(says).never_says("the head covers");
        assert_eq!(outcome.err().matches("cannot trust").count(), 1, "{outcome}");
    }
    desk.done(&["ledger", "repair"]);
    desk.done(&["ledger", "verify", "--head", &head]);
    // Of the others the head still says what is missing.
    fs::write(&file, "").unwrap();
    fs::remove_file(desk.file("ci%2Fdeploy")).unwrap();
    desk.refused(65, &["ledger", "verify", "--head", &head]).says("ci%2Fdeploy.jsonl: it is gone");
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    fs::write(&file, lines[0]).unwrap();
    desk.refused(65, &["ledger", "verify", "--head", &head]).says("7 records and 1 is left");
}

#[test]
fn a_head_that_is_none_is_refused() {
    let desk = desk();
    let head = desk.head();
    let fewer = head.replacen("=7.", "=1.", 1);
    assert_ne!(fewer, head);
    for wrong in ["", "1::", "x", &head[..head.len() - 1], &head[2..], &fewer] {
        desk.refused(65, &["ledger", "verify", "--head", wrong]).says("--head");
    }
    let other = Desk::new();
    other.write("ledger.key", "f".repeat(64));
    desk.refused(65, &["ledger", "verify", "--head", &other.head()]).says("another ledger key");
}

#[test]
fn another_ledger_key_verifies_nothing() {
    let desk = desk();
    desk.write("ledger.key", "e".repeat(64));
    desk.refused(65, &["ledger", "verify"])
        .says("line 1: it says that it was written under ledger key")
        .says("--ledger-key-file");
}

#[test]
fn what_is_no_file_is_refused_and_never_waited_for() {
    for kind in ["link", "dangling", "directory", "pipe", "device"] {
        let desk = desk();
        let file = desk.file("OPENAI_API_KEY");
        match kind {
            "link" => symlink(desk.file("JWT_SECRET"), &file).unwrap(),
            "dangling" => symlink("/nonexistent", &file).unwrap(),
            "device" => symlink("/dev/zero", &file).unwrap(),
            "directory" => fs::create_dir(&file).unwrap(),
            _ => {
                let made = std::process::Command::new("mkfifo").arg(&file).status().unwrap();
                assert!(made.success());
            }
        }
        let place = "OPENAI_API_KEY.jsonl: it is a ";
        desk.refused(65, &["ledger", "verify"]).says(place);
        desk.refused(65, &["rotate", "start", "OPENAI_API_KEY", "--value-file", "{home}/next"])
            .says(place);
    }
}

#[test]
fn a_file_of_more_than_64_mib_is_not_read() {
    let desk = desk();
    let file = fs::File::options().write(true).open(desk.file("JWT_SECRET")).unwrap();
    let whole = file.metadata().unwrap().len();
    file.set_len((64 << 20) + 1).unwrap();
    let outcome = desk.refused(65, &["ledger", "verify"]);
    outcome.says("JWT_SECRET.jsonl").says("it has more than 64 MiB");
    // A large one is read, and its zeros are no record.
    file.set_len(3 << 20).unwrap();
    desk.refused(65, &["ledger", "verify"]).never_says("64 MiB");
    file.set_len(whole).unwrap();
    desk.done(&["ledger", "verify"]);
}

#[test]
fn other_files_are_passed_over_and_named() {
    let desk = desk();
    for name in ["README.md", ".gitattributes", "JWT_SECRET.jsonl.orig"] {
        fs::write(desk.ledger().join(name), "x").unwrap();
    }
    let outcome = desk.done(&["ledger", "verify"]);
    assert_eq!(outcome.err(), "passed over: JWT_SECRET.jsonl.orig, README.md\n");
    fs::write(desk.ledger().join("a b.jsonl"), "x").unwrap();
    desk.refused(65, &["ledger", "verify"]).says("a b.jsonl: its name is no key's");
}

#[test]
fn a_torn_last_line_is_reported_and_repaired_on_request_alone() {
    let desk = desk();
    let text = desk.text("JWT_SECRET");
    let begin = text.trim_end().rfind('\n').unwrap() + 1;
    let whole = &text[..begin];
    for length in [begin + 1, begin + 40, text.len() - 2] {
        fs::write(desk.file("JWT_SECRET"), &text[..length]).unwrap();
        let says = format!("line 7: its last {} bytes have no end", length - begin);
        desk.refused(65, &["ledger", "verify"]).says(&says).says("ledger repair");
        desk.refused(65, &["rotate", "evidence", "JWT_SECRET", "--commit", "x"]).says(&says);
        let repaired = desk.done(&["ledger", "repair"]).out();
        assert_eq!(desk.text("JWT_SECRET"), whole);
        let aside = repaired.trim_end().rsplit(' ').next().unwrap();
        assert_eq!(fs::read_to_string(desk.ledger().join(aside)).unwrap(), text[begin..length]);
        desk.done(&["ledger", "verify"]);
    }
    // What is a whole record but for its end is one: nothing is thrown away.
    fs::write(desk.file("JWT_SECRET"), text.trim_end()).unwrap();
    desk.refused(65, &["ledger", "verify"]).says("line 7: ");
    assert!(desk.done(&["ledger", "repair"]).out().contains("line 7: whole but for its end"));
    assert_eq!(desk.text("JWT_SECRET"), text);
    assert_eq!(desk.done(&["ledger", "repair"]).out(), "nothing is torn\n");
}

#[test]
fn nothing_but_a_torn_line_is_repaired() {
    let desk = desk();
    let text = desk.text("JWT_SECRET");
    fs::write(desk.file("JWT_SECRET"), text.replacen("adopted", "started", 1)).unwrap();
    fs::write(desk.file("OPENAI_API_KEY"), "{\"schema\"").unwrap();
    desk.refused(65, &["ledger", "repair"]).says("JWT_SECRET.jsonl line 1: it was changed");
}

#[test]
fn a_ledger_or_key_that_is_missing_is_66_and_one_that_is_not_named_64() {
    let desk = desk();
    let absent = desk.path("absent");
    let absent = absent.to_str().unwrap();
    for words in [
        &["ledger", "verify", "--ledger", absent][..],
        &["rotate", "status", "--ledger", absent],
        &["rotate", "stage", "JWT_SECRET", "--ledger", absent],
    ] {
        desk.refused(66, words).says(absent);
    }
    let unnamed = desk.keyed(["ledger", "verify"]).without("NEXIS_LAUNCH_LEDGER").run();
    unnamed.status(64).says("--ledger").no_canary();
    let outcome = desk.command(["ledger", "verify", "--ledger-key-file", absent]).run();
    outcome.status(66).says("--ledger-key-file").no_canary();
    desk.command(["ledger", "verify"]).run().status(64).says("--ledger-key-file");
    desk.write("ledger.key", SECRET);
    desk.run(&["ledger", "verify"]).status(65).says("ledger.key").says("64 hex digits");
}

#[test]
fn one_key_is_not_both() {
    let desk = Desk::new();
    fs::copy(desk.path("fingerprint.key"), desk.path("ledger.key")).unwrap();
    desk.refused(
        65,
        &["rotate", "adopt", "JWT_SECRET", "--created", &days_ago(1), "--value-file", "{home}/old"],
    )
    .says("one key for fingerprints and ledger");
}
