//! What a writer leaves that is killed at any moment, and what fifty at once leave: nothing that
//! was acknowledged is lost, and what is torn is said.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// The launcher's words for one record, as a plain command.
fn record(desk: &Desk, words: &[&str]) -> Vec<String> {
    let mut all = vec![env!("CARGO_BIN_EXE_nexis-launch").to_owned()];
    all.extend(words.iter().map(|word| (*word).to_owned()));
    for (option, path) in
        [("--ledger", desk.ledger()), ("--ledger-key-file", desk.path("ledger.key"))]
    {
        all.extend([option.to_owned(), path.to_str().unwrap().to_owned()]);
    }
    all
}

/// Copies a ledger over another.
fn restore(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

/// Each system call that the command makes from the opening of the ledger on, as its name and how
/// many of that name came before, itself included.
fn calls(strace: &Path, words: &[String], ledger: &Path) -> Vec<(String, usize)> {
    let traced = Command::new(strace).arg("-f").args(words).output().unwrap();
    assert!(traced.status.success(), "{}", String::from_utf8_lossy(&traced.stderr));
    let text = String::from_utf8_lossy(&traced.stderr).into_owned();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut found = Vec::new();
    let mut begun = false;
    for line in text.lines() {
        let Some((name, rest)) = line.split_once('(') else { continue };
        if name.is_empty()
            || !name.bytes().all(|it| it.is_ascii_lowercase() || it == b'_' || it.is_ascii_digit())
        {
            continue;
        }
        let count = counts.entry(name.to_owned()).or_default();
        *count += 1;
        begun |= rest.contains(ledger.to_str().unwrap()) && rest.contains("O_DIRECTORY");
        // execve is over before strace injects anything; a process that ends has said all.
        if begun && !["execve", "exit_group", "_exit"].contains(&name) {
            found.push((name.to_owned(), *count));
        }
    }
    found
}

/// Kills the command at each of its system calls and looks at what is left.
fn killed_at_every_call(desk: &Desk, typed: &[&str], name: &str) {
    let Some(strace) = strace() else { return };
    let words = record(desk, typed);
    let before = desk.path("before");
    restore(&desk.ledger(), &before);
    let head_before = desk.head();
    let records_before = fs::read_to_string(desk.file(name)).unwrap_or_default().lines().count();
    let calls = calls(&strace, &words, &desk.ledger());
    assert!(calls.len() > 20, "{calls:?}");
    assert!(calls.iter().any(|(name, _)| name == "fsync"), "{calls:?}");
    let mut outcomes = BTreeSet::new();
    for (call, number) in calls {
        restore(&before, &desk.ledger());
        let killed = Command::new(&strace)
            .args(["-qq", "-o", "/dev/null", "-e", &format!("trace={call}")])
            .args(["-e", &format!("inject={call}:signal=KILL:when={number}")])
            .args(&words)
            .env("PATH", "/usr/bin:/bin")
            .output()
            .unwrap();
        let place = format!("killed at {call} {number}");
        assert!(!killed.status.success(), "{place}: it was not");
        let verified = desk.run(&["ledger", "verify", "--head", &head_before]);
        if verified.status == Some(65) {
            verified.says("have no end: a write was broken off there");
            desk.done(&["ledger", "repair"]);
        } else {
            verified.status(0);
        }
        desk.done(&["ledger", "verify", "--head", &head_before]);
        let records = fs::read_to_string(desk.file(name)).unwrap_or_default().lines().count();
        assert!((records_before..=records_before + 1).contains(&records), "{place}: {records}");
        // Whoever saw the head may rely on it.
        let printed = String::from_utf8(killed.stdout).unwrap();
        if let Some(head) = printed.lines().find_map(|line| line.strip_prefix("head ")) {
            desk.done(&["ledger", "verify", "--head", head]);
            assert_eq!(records, records_before + 1, "{place}");
        }
        // And the next writer is not in the way of what the killed one left.
        if records == records_before {
            desk.done(typed);
        }
        outcomes.insert(records - records_before);
    }
    assert_eq!(outcomes, BTreeSet::from([0, 1]), "it was killed before and after the record");
}

#[test]
fn killed_at_any_system_call_of_a_further_record_nothing_is_lost() {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 1);
    desk.start("JWT_SECRET", "new");
    killed_at_every_call(&desk, &["rotate", "stage", "JWT_SECRET"], "JWT_SECRET");
}

#[test]
fn killed_at_any_system_call_of_a_first_record_nothing_is_lost() {
    let desk = Desk::new();
    desk.adopt("OPENAI_API_KEY", 1);
    let (new, key) = (desk.path("new"), desk.path("fingerprint.key"));
    let words = ["rotate", "start", "JWT_SECRET", "--value-file", new.to_str().unwrap()];
    let words = [&words[..], &["--fingerprint-key-file", key.to_str().unwrap()]].concat();
    killed_at_every_call(&desk, &words, "JWT_SECRET");
}

/// A desk on which a rotation of JWT_SECRET has ended: further evidence may be added at any time.
fn rotated() -> Desk {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 1);
    let new = desk.path("new");
    desk.done(&["rotate", "start", "JWT_SECRET", "--value-file", new.to_str().unwrap()]);
    for step in ["stage", "verify", "deploy", "revoke"] {
        desk.done(&["rotate", step, "JWT_SECRET"]);
    }
    desk.done(&["rotate", "evidence", "JWT_SECRET", "--commit", "first"]);
    desk
}

#[test]
fn of_fifty_writers_at_once_every_acknowledged_record_is_there_once() {
    let desk = rotated();
    let children: Vec<_> = (0..50)
        .map(|number| {
            // Half of them add to one file, the others begin one of their own.
            let own = format!("KEY_{number}");
            let commit = format!("commit-{number}");
            let (old, key) = (desk.path("old"), desk.path("fingerprint.key"));
            let created = days_ago(0);
            let words: Vec<&str> = if number % 2 == 0 {
                vec!["rotate", "evidence", "JWT_SECRET", "--commit", &commit]
            } else {
                let mut words = vec!["rotate", "adopt", &own, "--class", "database"];
                words.extend(["--created", &created, "--value-file", old.to_str().unwrap()]);
                words.extend(["--fingerprint-key-file", key.to_str().unwrap()]);
                words
            };
            let words = record(&desk, &words);
            let child = Command::new(&words[0])
                .args(&words[1..])
                .env_clear()
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            (number, child)
        })
        .collect();
    let mut heads = Vec::new();
    let mut acknowledged = BTreeSet::new();
    for (number, child) in children {
        let ended = child.wait_with_output().unwrap();
        let text = String::from_utf8(ended.stdout).unwrap();
        if ended.status.success() {
            heads.push(text.lines().find_map(|it| it.strip_prefix("head ")).unwrap().to_owned());
            acknowledged.insert(number);
        } else {
            let errors = String::from_utf8_lossy(&ended.stderr).into_owned();
            assert!(errors.contains("another writer has held it"), "{errors}");
        }
    }
    assert!(!acknowledged.is_empty());
    for head in &heads {
        desk.done(&["ledger", "verify", "--head", head]);
    }
    let text = desk.text("JWT_SECRET");
    for number in 0..50 {
        let expected = usize::from(acknowledged.contains(&number));
        let found = if number % 2 == 0 {
            text.matches(&format!("\"commit\":\"commit-{number}\"")).count()
        } else {
            fs::read_to_string(desk.file(&format!("KEY_{number}")))
                .map_or(0, |text| text.lines().count())
        };
        assert_eq!(found, expected, "writer {number}");
    }
    desk.holds_no_value();
}

#[test]
fn who_reads_while_others_write_sees_a_whole_ledger() {
    let desk = rotated();
    let before = desk.text("JWT_SECRET").lines().count();
    let words = record(&desk, &["rotate", "evidence", "JWT_SECRET", "--commit", "x"]);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for _ in 0..40 {
                let ended = Command::new(&words[0]).args(&words[1..]).env_clear().output().unwrap();
                assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
            }
        });
        let mut readings = 0;
        while !writer.is_finished() || readings == 0 {
            let head = desk.head();
            desk.done(&["ledger", "verify", "--head", &head]);
            readings += 1;
        }
    });
    assert_eq!(desk.text("JWT_SECRET").lines().count(), before + 40);
}

#[test]
fn a_full_disk_leaves_the_ledger_as_it_was() {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 1);
    desk.start("JWT_SECRET", "new");
    let text = desk.text("JWT_SECRET");
    let size = u64::try_from(text.len()).unwrap();
    // The file may grow by 100 bytes more: the line does not fit.
    let outcome = desk
        .keyed(["rotate", "stage", "JWT_SECRET"])
        .limit(libc::RLIMIT_FSIZE, size + 100, size + 100)
        .run();
    outcome.status(73).says("JWT_SECRET.jsonl").says("EFBIG").no_canary();
    assert_eq!(desk.text("JWT_SECRET"), text);
    let before: Vec<_> = fs::read_dir(desk.ledger()).unwrap().collect();
    let first = desk
        .keyed(["rotate", "start", "OPENAI_API_KEY", "--value-file", "{home}/next"])
        .limit(libc::RLIMIT_FSIZE, 400, 400)
        .run();
    first.status(73).says("OPENAI_API_KEY.jsonl").no_canary();
    assert_eq!(fs::read_dir(desk.ledger()).unwrap().count(), before.len(), "a file is left");
    desk.done(&["ledger", "verify"]);
    desk.steps("JWT_SECRET", &["stage"]);
}

#[test]
fn a_writer_that_keeps_the_lock_is_not_waited_for_for_ever() {
    use std::os::fd::AsRawFd;
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 1);
    desk.start("JWT_SECRET", "new");
    let text = desk.text("JWT_SECRET");
    let directory = fs::File::open(desk.ledger()).unwrap();
    // SAFETY: the descriptor is open for the length of the call.
    #[allow(unsafe_code)]
    let locked = unsafe { libc::flock(directory.as_raw_fd(), libc::LOCK_EX) };
    assert_eq!(locked, 0);
    let outcome = desk.keyed(["rotate", "stage", "JWT_SECRET"]).run();
    outcome.status(73).says("another writer has held it for 15 s").no_canary();
    assert_eq!(desk.text("JWT_SECRET"), text);
    // Who only reads waits for nobody.
    desk.done(&["ledger", "verify"]);
    desk.command(["rotate", "status"]).run().status(0);
    drop(directory);
    desk.steps("JWT_SECRET", &["stage"]);
}

/// A record that is refused ever after would end every later command, and nobody may take it out.
#[test]
fn a_record_that_would_be_too_long_to_be_read_is_not_written() {
    const MOST: usize = 64 * 1024;
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 10);
    desk.start("JWT_SECRET", "new");
    desk.steps("JWT_SECRET", &["stage", "verify", "deploy", "revoke"]);
    let link = |length: usize| format!("https://ci.example/{}", "x".repeat(length - 19));
    let evidence = |links: &[String]| {
        let mut words = vec!["rotate", "evidence", "JWT_SECRET"];
        words.extend(links.iter().flat_map(|link| ["--link", link.as_str()]));
        desk.run(&words)
    };
    let length = || desk.text("JWT_SECRET").lines().last().unwrap().len();
    evidence(&[link(100)]).status(0);
    // A further link has two quotes and a comma.
    let mut links = vec![link(100)];
    let mut rest = MOST - length();
    while rest > 600 {
        links.push(link(400));
        rest -= 403;
    }
    links.push(link(rest - 3));
    let (before, head) = (desk.text("JWT_SECRET"), desk.head());
    let longer = [&links[..links.len() - 1], &[link(rest - 2)]].concat();
    let outcome = evidence(&longer);
    outcome.status(64).says("it has more than 64 KiB").says("nothing was recorded");
    assert_eq!((outcome.out().as_str(), desk.text("JWT_SECRET")), ("", before));
    assert_eq!(desk.head(), head);
    evidence(&links).status(0);
    assert_eq!(length(), MOST);
    desk.done(&["ledger", "verify", "--head", &head]);
}
