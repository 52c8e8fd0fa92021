//! `mask`: a filter that replaces every value of a secret by its name (interface section 9).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use std::fs::File;
use std::io::{PipeReader, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

/// `mask OPTIONS` in production with the secret in the environment, `{root}/input` on its standard
/// input.
fn mask<const N: usize>(options: [&str; N], input: impl AsRef<[u8]>) -> Launch {
    let launch = Launch::command("mask", options)
        .env("NEXIS_LAUNCH_SECRETS_DIR", "{root}/secrets")
        .dir("secrets")
        .env("JWT_SECRET", SECRET)
        .canary(SECRET)
        .file("io/input", input);
    let input = File::open(launch.root().join("io/input")).unwrap();
    std::fs::remove_file(launch.root().join("io/input")).unwrap();
    launch.stdin(Stream::Fd(Arc::new(input.into())))
}

/// With pipes for standard input and output: what the test writes and reads.
fn piped(launch: Launch) -> (Launch, std::io::PipeWriter, PipeReader) {
    let (input, writer) = std::io::pipe().unwrap();
    let (reader, output) = std::io::pipe().unwrap();
    let launch = launch.stdin(stream(input)).stdout(stream(output));
    (launch, writer, reader)
}

fn stream(fd: impl Into<OwnedFd>) -> Stream {
    Stream::Fd(Arc::new(fd.into()))
}

/// Reads exactly so much as is expected, and asserts that nothing else is there.
fn expect(reader: &mut PipeReader, expected: &str) {
    let mut text = vec![0; expected.len()];
    reader.read_exact(&mut text).unwrap();
    assert_eq!(String::from_utf8_lossy(&text), expected);
    assert!(!is_readable(reader), "more came than {expected:?}");
}

#[allow(unsafe_code, reason = "poll has no safe interface here")]
fn is_readable(reader: &PipeReader) -> bool {
    let mut poll = libc::pollfd { fd: reader.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: `poll` lives for the call.
    unsafe { libc::poll(&raw mut poll, 1, 0) == 1 }
}

#[allow(unsafe_code, reason = "fcntl has no safe interface here")]
fn set_non_blocking(fd: &impl AsRawFd) {
    // SAFETY: the call takes numbers.
    assert_eq!(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) }, 0);
}

#[test]
fn every_form_of_a_value_is_replaced_by_its_name() {
    for (form, text) in forms(SECRET.as_bytes()) {
        let input = [b"before \xff\x00|", &text[..], b"| after"].concat();
        let outcome = mask([], input).run();
        outcome.status(0).no_canary();
        assert_eq!(outcome.stdout, b"before \xff\x00|[redacted:JWT_SECRET]| after", "{form}");
        assert_eq!(outcome.err(), "", "{form}");
    }
}

#[test]
fn values_of_every_source_and_passwords_inside_urls_are_replaced() {
    let input = format!("{OTHER} hunter2-hunter2 {SECRET} {THIRD} p%40ss-p%40ss p@ss-p@ss\n");
    let outcome =
        mask(["--env-file", "{root}/env", "--value-file", "PARTNER={root}/partner"], input)
            .file("env", "DATABASE_URL=postgres://app:hunter2-hunter2@db/nexis\n")
            .file("secrets/openai_api_key", format!("{OTHER}\n"))
            .file("partner", format!("{THIRD}\n"))
            .env("NEXIS_REDIS_URL", "rediss://app:p%40ss-p%40ss@cache/0")
            .canary(OTHER)
            .canary(THIRD)
            .canary("hunter2-hunter2")
            .canary("p@ss-p@ss")
            .run();
    assert_eq!(
        outcome.status(0).no_canary().out(),
        "[redacted:OPENAI_API_KEY] [redacted:DATABASE_URL#password] [redacted:JWT_SECRET] \
         [redacted:PARTNER] [redacted:REDIS_URL#password] [redacted:REDIS_URL#password]\n"
    );
}

#[test]
fn a_value_file_without_a_name_is_called_value_and_a_path_may_hold_an_equals_sign() {
    let input = format!("{OTHER} {THIRD}");
    let outcome = mask(["--value-file", "{root}/one", "--value-file", "{root}/a=b"], input)
        .file("one", OTHER)
        .file("a=b", THIRD)
        .canary(OTHER)
        .canary(THIRD)
        .run();
    assert_eq!(outcome.status(0).no_canary().out(), "[redacted:VALUE] [redacted:VALUE]");
}

#[test]
fn values_of_withheld_features_and_in_losing_sources_are_replaced_too() {
    let outcome = mask(["--mode", "staging"], format!("{OTHER} {THIRD}\n"))
        .env("NEXIS_OPENAI_ENABLED", "false")
        .env("OPENAI_API_KEY", OTHER)
        .file("secrets/jwt_secret", THIRD)
        .canary(OTHER)
        .canary(THIRD)
        .run();
    let expected = "[redacted:OPENAI_API_KEY] [redacted:JWT_SECRET]\n";
    assert_eq!(outcome.status(0).no_canary().out(), expected);
}

#[test]
fn a_line_comes_out_while_the_input_stays_open_and_idle() {
    let (launch, mut writer, mut reader) = piped(mask([], ""));
    let mut running = launch.start();
    running.let_go();
    for line in ["2026-11-25 INFO ready\n", "and without a newline!", "\n", "\0\u{e9}\n"] {
        writer.write_all(line.as_bytes()).unwrap();
        expect(&mut reader, line);
    }
    // The beginning of the value is held back, and only that.
    writer.write_all(b"token ").unwrap();
    expect(&mut reader, "token ");
    writer.write_all(&SECRET.as_bytes()[..30]).unwrap();
    writer.write_all(&SECRET.as_bytes()[30..42]).unwrap();
    assert!(!running.ended(Duration::from_millis(50)));
    assert!(!is_readable(&reader), "a part of the value came out");
    writer.write_all(&SECRET.as_bytes()[42..]).unwrap();
    expect(&mut reader, "[redacted:JWT_SECRET]");
    // What is no value after all comes out when it is known.
    writer.write_all(&SECRET.as_bytes()[..42]).unwrap();
    assert!(!running.ended(Duration::from_millis(50)));
    assert!(!is_readable(&reader), "it came out before it was known");
    writer.write_all(b"?\n").unwrap();
    expect(&mut reader, &format!("{}?\n", &SECRET[..42]));
    writer.write_all(&SECRET.as_bytes()[..20]).unwrap();
    drop(writer);
    let mut rest = String::new();
    reader.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, &SECRET[..20], "at the end of the input it comes out");
    running.finish().status(0);
}

#[test]
fn descriptors_that_do_not_wait_are_waited_for() {
    let (input, mut writer) = std::io::pipe().unwrap();
    let (mut reader, output) = std::io::pipe().unwrap();
    set_non_blocking(&input);
    set_non_blocking(&output);
    let launch = mask([], "").stdin(stream(input)).stdout(stream(output));
    let mut running = launch.start();
    running.let_go();
    // It finds nothing to read at first, and then nobody who takes what it has.
    assert!(!running.ended(Duration::from_millis(50)));
    let line = format!("{} {SECRET}\n", "x".repeat(1000));
    let lines = 400;
    let sender = std::thread::spawn(move || {
        for _ in 0..lines {
            writer.write_all(line.as_bytes()).unwrap();
        }
    });
    wait_for("the filter to wait for its reader", || running.state() == 'S');
    let mut text = String::new();
    let expected = format!("{} [redacted:JWT_SECRET]\n", "x".repeat(1000)).repeat(lines);
    let mut piece = vec![0; 70_000];
    while text.len() < expected.len() {
        let count = reader.read(&mut piece).unwrap();
        assert!(count > 0, "it ended early");
        text.push_str(std::str::from_utf8(&piece[..count]).unwrap());
    }
    sender.join().unwrap();
    assert_eq!(text, expected);
    running.finish().status(0).no_panic();
}

#[test]
fn a_reader_that_goes_away_ends_it_with_73_and_without_a_word() {
    let (launch, mut writer, reader) = piped(mask([], ""));
    let mut running = launch.start();
    running.let_go();
    drop(reader);
    writer.write_all(b"a line that nobody reads\n").unwrap();
    let outcome = running.finish();
    outcome.status(73).no_panic().no_canary();
    assert_eq!(outcome.err(), "");
}

#[test]
fn an_output_that_is_full_or_closed_ends_it_with_73() {
    let full = mask([], "text\n").stdout(Stream::Path("/dev/full")).run();
    full.status(73).no_panic().says("cannot write to standard output: ENOSPC");
    let closed = mask([], "text\n").stdout(Stream::Closed).run();
    closed.status(73).no_panic().says("cannot write to standard output: EBADF");
}

#[test]
fn an_input_that_cannot_be_read_ends_it_with_66() {
    let closed = mask([], "").stdin(Stream::Closed).run();
    closed.status(66).no_panic().says("cannot read standard input: EBADF");
    let directory = mask([], "").stdin(Stream::Path("/")).run();
    directory.status(66).no_panic().says("cannot read standard input: EISDIR");
    assert_eq!(closed.out() + &directory.out(), "");
}

#[test]
fn values_of_fewer_than_8_bytes_are_named_and_pass() {
    let outcome = mask(["--value-file", "PIN={root}/pin"], "pin 1234567 and hunter2\n")
        .file("pin", "1234567")
        .env("DATABASE_URL", "postgres://app:hunter2@db/nexis")
        .run();
    outcome.status(0).says("PIN is not masked: it has fewer than 8 bytes");
    outcome.says("DATABASE_URL#password is not masked: it has fewer than 8 bytes");
    outcome.never_says("JWT_SECRET");
    assert_eq!(outcome.out(), "pin 1234567 and hunter2\n");
    let quiet =
        mask(["--quiet", "--value-file", "PIN={root}/pin"], "1234567").file("pin", "1234567");
    assert_eq!(quiet.run().status(0).err(), "");
}

#[test]
fn without_any_value_it_says_so_and_passes_everything() {
    // A value that is made up for this process is nobody's.
    for mode in ["production", "development"] {
        let launch = mask(["--mode", mode], b"\x00\xffanything\n").without("JWT_SECRET");
        let outcome = launch.run();
        outcome.status(0).says("nothing is masked: there is no value of a secret to look for");
        outcome.says("hint: ");
        assert_eq!(outcome.stdout, b"\x00\xffanything\n");
    }
}

#[test]
fn what_cannot_be_read_is_not_passed_over() {
    let line = "a line that must not pass\n";
    for (launch, status, words) in [
        (mask(["--value-file", "X={root}/absent"], line), 66, "there is no such file"),
        (mask(["--value-file", "X={root}/secrets"], line), 66, "it is a directory"),
        (mask(["--value-file", "X={root}/empty"], line).file("empty", " \n"), 65, "it is blank"),
        (mask(["--value-file", "-"], line), 64, "that is what is masked"),
        (mask(["--secrets-dir", "{root}/absent"], line), 66, "--secrets-dir"),
        (mask(["--env-file", "{root}/env"], line).file("env", "no assignment\n"), 65, "line 1"),
        (mask([], line).dir("secrets/openai_api_key"), 78, "it is a directory"),
        (mask([], line).env("OPENAI_API_KEY_FILE", "{root}/absent"), 78, "OPENAI_API_KEY"),
    ] {
        let outcome = launch.run();
        outcome.status(status).says(words).says("hint: ").no_panic().no_canary();
        assert_eq!(outcome.out(), "", "{outcome}");
    }
}

#[test]
fn a_value_that_the_contract_lets_fail_is_not_passed_over_either() {
    let store = |row: &str, script: &str| {
        format!(
            "version: 1\nname: own\nvariables:\n  - {{name: KEY, secret: true{row}}}\nproviders:\n\
             \x20 - {{name: store, command: [/bin/sh, -c, '{script}'], format: dotenv}}\n"
        )
    };
    let from_store = ", provider: store";
    let fails = |severity: &str| format!("{from_store}, severity: {{provider-failed: {severity}}}");
    let large = "printf KEY=; head -c 70000 /dev/zero | tr \"\\0\" A";
    for (contract, mode, status, said) in [
        // What names the provider could be written by others, so nobody was asked.
        (store(from_store, "echo KEY=x"), 0o646, 78, "contract.yaml"),
        (store(&fails("warning"), "exit 1"), 0o644, 75, "KEY from provider store"),
        (store(&fails("none"), "exit 1"), 0o644, 75, "KEY from provider store"),
        (store(from_store, large), 0o644, 78, "KEY"),
        // There, and refused for its newline.
        (store(", final_newline: refuse", "true"), 0o644, 78, "KEY ends with a newline"),
    ] {
        let outcome = mask([], format!("{SECRET}\n"))
            .without("JWT_SECRET")
            .file("secrets/KEY", if contract.contains("refuse") { "a-secret-value\n" } else { "" })
            .contract(&contract)
            .mode("contract.yaml", mode)
            .run();
        outcome.status(status).says(said).no_canary();
        assert!(outcome.stdout.is_empty(), "{contract}: {outcome}");
    }
}

#[test]
fn while_it_waits_its_user_cannot_look_into_it() {
    let (launch, writer, _reader) = piped(mask([], "").unprivileged());
    let mut running = launch.start();
    running.let_go();
    let path = format!("/proc/{}/environ", running.pid());
    wait_for("the filter to wait for input", || running.state() == 'S');
    // What cannot be dumped belongs to root in /proc (proc(5)).
    use std::os::unix::fs::MetadataExt;
    let owner = std::fs::metadata(path).unwrap().uid();
    assert_eq!(owner, 0, "its environment can be read by its user");
    drop(writer);
    running.finish().status(0);
}

#[test]
fn a_megabyte_with_values_everywhere_comes_out_masked() {
    let line = format!("{SECRET}{SECRET} text {}{SECRET}\n", &SECRET[..20]);
    let masked = format!(
        "[redacted:JWT_SECRET][redacted:JWT_SECRET] text {}[redacted:JWT_SECRET]\n",
        &SECRET[..20]
    );
    let outcome = mask([], line.repeat(8000)).run();
    assert!(outcome.status(0).out() == masked.repeat(8000), "it came out otherwise");
    outcome.no_canary();
}
