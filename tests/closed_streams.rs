//! Standard streams that are closed, in all eight combinations, and readers that have gone away:
//! what is written goes where it was to go and nowhere else, and the status is the documented one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use std::os::fd::OwnedFd;
use std::sync::Arc;

/// The eight combinations: whether standard input, output and error are closed.
fn combinations() -> impl Iterator<Item = [bool; 3]> {
    (0..8).map(|bits| [0, 1, 2].map(|number| bits & (1 << number) != 0))
}

/// The launch with these of its streams closed.
fn closed(mut launch: Launch, streams: [bool; 3]) -> Launch {
    for (number, closed) in streams.into_iter().enumerate() {
        if closed {
            launch.streams[number] = Stream::Closed;
        }
    }
    launch
}

/// A secret from a file and an audit log, so that descriptors are opened.
fn launch() -> Launch {
    let launch = Launch::sound("production").without("JWT_SECRET");
    let launch = launch.file("secrets/JWT_SECRET", SECRET).canary(SECRET);
    launch.options(["--secrets-dir", "{root}/secrets", "--audit-log", "{root}/audit"])
}

/// The one record in a file, and its outcome.
fn one_record(outcome: &Outcome, file: &str, expected: &str) {
    let text = outcome.read(file);
    let records = Outcome::manifests_in(&text);
    assert_eq!((text.lines().count(), records.len()), (1, 1), "{file}: {text}\n{outcome}");
    assert_eq!(records[0]["outcome"], expected, "{outcome}");
    assert!(text.ends_with('\n'), "{file}: {text}");
}

#[test]
fn a_program_is_started_with_the_streams_that_were_open_and_recorded_in_its_files_alone() {
    for streams in combinations() {
        let launch = closed(launch().options(["--manifest-to", "{root}/manifest"]), streams);
        let direct = launch.clone().directly().run().status(0).seen();
        let outcome = launch.run();
        assert_eq!(outcome.status(0).seen().record["fds"], direct.record["fds"], "{outcome}");
        assert_eq!(outcome.seen().text("JWT_SECRET").as_deref(), Some(SECRET));
        one_record(&outcome, "audit", "exec");
        one_record(&outcome, "manifest", "exec");
        assert_eq!((outcome.out(), outcome.err()), (String::new(), String::new()));
        outcome.no_canary();
    }
}

#[test]
fn a_refused_launch_keeps_its_status_and_its_record() {
    for streams in combinations() {
        let launch = launch().without("NEXIS_CORS_ALLOW_ORIGINS").env("JWT_ISSUER", "");
        let outcome = closed(launch.env("NEXIS_BIND_ADDR", "nowhere"), streams).run();
        outcome.status(78).program_did_not_run().no_canary();
        one_record(&outcome, "audit", "refused");
        assert_eq!(outcome.read("secrets/JWT_SECRET"), SECRET);
        let said = outcome.err().contains("NEXIS_BIND_ADDR");
        assert_eq!(said, !streams[2], "{outcome}");
        assert_eq!(outcome.out(), "", "{outcome}");
    }
}

#[test]
fn a_check_says_its_verdict_or_that_it_cannot_be_said() {
    for streams in combinations() {
        for form in ["text", "json"] {
            let check = Launch::command("check", ["--mode", "production", "--format", form]);
            let check = check.options(["--audit-log", "{root}/audit"]);
            let outcome = closed(check.requirements().canary(SECRET), streams).run();
            outcome.status(if streams[1] { 73 } else { 0 }).no_canary();
            one_record(&outcome, "audit", "checked");
            assert_eq!(outcome.out().is_empty(), streams[1], "{outcome}");
            let told = outcome.err().contains("cannot write to standard output: EBADF");
            assert_eq!(told, streams[1] && !streams[2], "{outcome}");
        }
    }
}

#[test]
fn a_manifest_for_a_stream_that_is_closed_starts_nothing() {
    for streams in combinations() {
        for (number, sink) in [(1, "-"), (1, "fd:1"), (2, "fd:2"), (0, "fd:0")] {
            // Standard input is open for reading alone.
            let refused = streams[number] || number == 0;
            let outcome = closed(launch().options(["--manifest-to", sink]), streams).run();
            outcome.status(if refused { 73 } else { 0 }).no_canary();
            let records = Outcome::manifests_in(&outcome.read("audit"));
            let outcomes: Vec<_> = records.iter().map(|it| it["outcome"].clone()).collect();
            if refused {
                outcome.program_did_not_run();
                assert_eq!(outcomes, ["exec", "failed"], "{outcome}");
            } else {
                outcome.seen();
                assert_eq!(outcomes, ["exec"], "{outcome}");
            }
        }
    }
}

/// A pipe whose reader has gone away.
fn left() -> Stream {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    Stream::Fd(Arc::new(OwnedFd::from(writer)))
}

#[test]
fn an_error_that_nobody_reads_leaves_the_status_as_it_is() {
    for (status, words) in [
        (64, &["run", "--no-such-option"][..]),
        (64, &["no-such-command"]),
        (64, &["run", "--mode", "production", "--accept", "nothing"]),
        (66, &["check", "--contract", "{root}/absent"]),
        (66, &["explain", "--contract", "{root}/absent"]),
        (66, &["contract", "show", "{root}/absent"]),
        (66, &["inspect", "--pid", "1", "--contract", "{root}/absent"]),
        (66, &["leak", "scan", "--value-file", "A={root}/absent", "{root}"]),
        (66, &["mask", "--value-file", "A={root}/absent"]),
        (66, &["ledger", "head", "--ledger", "{root}/a", "--ledger-key-file", "{root}/absent"]),
        (64, &["rotate", "adopt", "JWT_SECRET"]),
        (64, &["health", "ftp://127.0.0.1/"]),
    ] {
        let read = Launch::new().args(words).run();
        assert_eq!(read.signal, None, "{words:?}\n{read}");
        assert!(read.err().contains("nexis-launch: "), "{words:?}\n{read}");
        let unread = Launch::new().args(words).stderr(left()).run();
        assert_eq!((unread.status, unread.signal), (read.status, None), "{words:?}\n{unread}");
        assert_eq!(read.status, Some(status), "{words:?}\n{read}");
        // A file that may not grow any further.
        let full = Launch::new().args(words).limit(libc::RLIMIT_FSIZE, 0, 0).run();
        assert_eq!((full.status, full.signal), (read.status, None), "{words:?}\n{full}");
    }
}

#[test]
fn a_text_that_nobody_reads_is_no_signal() {
    for words in [&["--help"][..], &["--version"], &["man"], &["completions", "bash"]] {
        let outcome = Launch::new().args(words).stdout(left()).run();
        assert_eq!((outcome.status, outcome.signal), (Some(0), None), "{words:?}\n{outcome}");
    }
}
