//! The manifest on a terminal: coloured there, and nowhere else.
#![allow(unsafe_code, reason = "a terminal is made through a C interface")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::Arc;

/// A pseudo-terminal: what its user sees, and what a program writes to.
fn terminal() -> (File, Stream) {
    let (mut user, mut program) = (-1, -1);
    let none = std::ptr::null_mut();
    // SAFETY: openpty(3) fills two integers that live for the call; the rest may be null.
    let made =
        unsafe { libc::openpty(&raw mut user, &raw mut program, none, none.cast(), none.cast()) };
    assert_eq!(made, 0, "{}", std::io::Error::last_os_error());
    // SAFETY: openpty(3) has just made both, and nothing else owns them.
    let (user, program) = unsafe { (File::from_raw_fd(user), OwnedFd::from_raw_fd(program)) };
    (user, Stream::Fd(Arc::new(program)))
}

/// All that is written to a terminal in place of one of the launch's streams, and the outcome.
fn seen(launch: impl FnOnce(Stream) -> Launch) -> (String, Outcome) {
    let (mut user, stream) = terminal();
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // Ends with EIO when the last writer is gone.
        let _ = user.read_to_end(&mut bytes);
        String::from_utf8(bytes).unwrap().replace("\r\n", "\n")
    });
    // The outcome holds no stream, so the terminal's other end closes here.
    let outcome = launch(stream).run();
    (reader.join().unwrap(), outcome)
}

/// A launch with every word that has a colour.
fn colourful() -> Launch {
    Launch::witness(["--mode", "production"])
        .env("JWT_SECRET", SECRET)
        .env("OPENAI_API_KEY", OTHER)
        .env("NEXIS_OPENAI_ENABLED", "false")
        .env("NEXIS_LOG_FORMAT", "tree")
        .env("NEXIS_DATABASE_PATH", "/x")
}

/// The text without escape sequences of the kind that sets colours.
fn plain(text: &str) -> String {
    let mut pieces = text.split('\x1b');
    let mut all = pieces.next().unwrap().to_owned();
    for piece in pieces {
        let (codes, rest) = piece.split_once('m').expect("an end of the sequence");
        let codes = codes.strip_prefix('[').expect("a sequence");
        assert!(codes.chars().all(|it| it.is_ascii_digit() || it == ';'), "{codes:?}");
        all.push_str(rest);
    }
    all
}

/// The lines of a text manifest that are alike from launch to launch.
fn settled(text: &str) -> Vec<&str> {
    let varies = ["  launch ", "  process ", "removed ", "inherited "];
    text.lines().filter(|line| !varies.iter().any(|it| line.starts_with(it))).collect()
}

#[test]
fn on_a_terminal_states_and_severities_have_colours() {
    let (text, outcome) = seen(|stream| colourful().stderr(stream));
    outcome.status(78).program_did_not_run();
    for (word, colour) in
        [("error", "1;31"), ("warning", "33"), ("delivered", "32"), ("withheld", "2")]
    {
        assert!(text.contains(&format!("\x1b[{colour}m{word}\x1b[0m")), "{word}: {text:?}");
    }
    // The same text, aligned alike.
    let file = colourful().options(["--manifest", "text"]).run().err();
    assert_eq!(settled(&plain(&text)), settled(&file));
    assert_eq!(text.matches("\x1b[0m").count() * 2, text.matches('\x1b').count());
}

#[test]
fn the_text_form_elsewhere_has_no_escape_sequence() {
    let outcome = colourful().options(["--manifest", "text"]).env("TERM", "xterm-256color").run();
    assert!(outcome.status(78).err().contains("delivered") && !outcome.err().contains('\x1b'));
    // Standard error is a terminal, and the manifest goes to a file.
    let (text, outcome) = seen(|stream| {
        colourful()
            .options(["--manifest", "text", "--manifest-to", "{root}/manifest"])
            .stderr(stream)
    });
    assert!(!outcome.read("manifest").contains('\x1b') && !text.contains('\x1b'), "{text}");
}

#[test]
fn colours_can_be_declined() {
    for (name, value, coloured) in [
        ("NO_COLOR", "1", false),
        ("NO_COLOR", "0", false),
        ("NO_COLOR", "", true),
        ("TERM", "dumb", false),
        ("TERM", "xterm", true),
    ] {
        let (text, outcome) = seen(|stream| colourful().env(name, value).stderr(stream));
        outcome.status(78);
        assert!(text.contains("  JWT_SECRET "), "{name}={value}: {text}");
        assert_eq!(text.contains('\x1b'), coloured, "{name}={value}: {text:?}");
    }
}

#[test]
fn json_on_a_terminal_has_no_colours() {
    let (text, _) = seen(|stream| colourful().options(["--manifest", "json"]).stderr(stream));
    assert!(text.starts_with('{') && !text.contains('\x1b'), "{text:?}");
}

#[test]
fn check_has_colours_where_its_result_goes_to_a_terminal() {
    let check = || Launch::command("check", ["--mode", "production"]);
    let (text, outcome) = seen(|stream| check().stdout(stream));
    outcome.status(78);
    assert!(text.contains("\x1b[1;31merror\x1b[0m "), "{text:?}");
    let (_, outcome) = seen(|stream| check().stderr(stream));
    assert!(!outcome.out().contains('\x1b'), "{outcome}");
    let (text, _) = seen(|stream| check().args(["--format", "github"]).stdout(stream));
    assert!(text.starts_with("::error") && !text.contains('\x1b'), "{text:?}");
}

#[test]
fn inspect_has_colours_where_its_result_goes_to_a_terminal() {
    // The test's own process holds none of it.
    let inspect = || {
        let pid = std::process::id().to_string();
        Launch::command("inspect", ["--pid", &pid, "JWT_SECRET"]).env("JWT_SECRET", SECRET)
    };
    let (text, outcome) = seen(|stream| inspect().stdout(stream));
    outcome.status(1);
    assert!(text.contains("\x1b[31mmissing\x1b[0m     env JWT_SECRET\n"), "{text:?}");
    let (declined, _) = seen(|stream| inspect().env("NO_COLOR", "1").stdout(stream));
    assert!(declined.contains("  missing     env JWT_SECRET\n"), "{declined:?}");
    assert!(!declined.contains('\x1b') && !inspect().run().out().contains('\x1b'));
    let (json, _) = seen(|stream| inspect().args(["--format", "json"]).stdout(stream));
    assert!(json.starts_with('{') && !json.contains('\x1b'), "{json:?}");
}

#[test]
fn a_long_scan_draws_a_bar_on_a_terminal_and_takes_it_away() {
    for (arguments, term, drawn) in [
        (&["scan", "-"][..], "xterm", true),
        (&["scan", "-q", "-"], "xterm", false),
        (&["scan", "-"], "dumb", false),
    ] {
        let (input, mut output) = std::io::pipe().unwrap();
        let feeder = std::thread::spawn(move || {
            for _ in 0..3 {
                output.write_all(&vec![b'.'; 1 << 20]).unwrap();
                std::thread::sleep(std::time::Duration::from_millis(150));
            }
        });
        let (text, outcome) = seen(|terminal| {
            Launch::command("leak", arguments)
                .env("JWT_SECRET", SECRET)
                .env("TERM", term)
                .stdin(Stream::Fd(Arc::new(input.into())))
                .stderr(terminal)
                .canary(SECRET)
        });
        feeder.join().unwrap();
        outcome.status(0).no_canary();
        assert!(outcome.out().contains("3145728 bytes for 1 value\n"), "{outcome}");
        match drawn {
            true => {
                assert!(text.contains("\r\x1b[K2 MB, 0 found, standard input"), "{text:?}");
                assert!(text.ends_with("\r\x1b[K"), "{text:?}");
            }
            false => assert_eq!(text, "", "{arguments:?} {term}"),
        }
    }
}
