//! Bad input gets one clear message and the documented status; nothing hangs, panics or starts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// JWT_SECRET by reference to `{root}/jwt`, which the test makes.
fn by_reference() -> Launch {
    Launch::sound("production").without("JWT_SECRET").env("JWT_SECRET_FILE", "{root}/jwt")
}

/// JWT_SECRET from the directory `{root}/dir`.
fn by_directory() -> Launch {
    Launch::sound("production")
        .without("JWT_SECRET")
        .dir("dir")
        .options(["--secrets-dir", "{root}/dir"])
}

fn refused(launch: Launch, code: &str) -> Outcome {
    let outcome = launch.run();
    outcome.status(78).error(code, "JWT_SECRET").no_panic().program_did_not_run();
    outcome
}

#[test]
fn a_missing_file_is_unreadable() {
    let outcome = refused(by_reference(), "source-unreadable");
    let finding = outcome.finding_entry("source-unreadable", "JWT_SECRET");
    assert!(finding["message"].to_string().contains("/jwt"), "{finding}");
}

#[test]
fn a_file_without_the_right_to_read_is_unreadable_and_says_why() {
    let launch = by_reference().file("jwt", SECRET).mode("jwt", 0o000).unprivileged();
    let outcome = refused(launch, "source-unreadable");
    let finding = outcome.finding_entry("source-unreadable", "JWT_SECRET");
    let text = format!("{} {}", finding["message"], finding["hint"]);
    for word in ["/jwt", "0000", "EACCES"] {
        assert!(text.contains(word), "{word} in {text}");
    }
}

#[test]
fn an_unreadable_file_of_a_secrets_directory_is_no_absent_one() {
    let launch =
        by_directory().file("dir/jwt_secret", SECRET).mode("dir/jwt_secret", 0).unprivileged();
    // Owned by another user and closed to the own one: the directory has to be open to it.
    refused(launch.mode("dir", 0o755), "source-unreadable");
}

#[test]
fn a_directory_is_refused() {
    refused(by_reference().dir("jwt"), "source-refused");
    refused(by_directory().dir("dir/JWT_SECRET"), "source-refused");
}

#[test]
fn a_device_is_refused() {
    for device in ["/dev/zero", "/dev/null", "/dev/tty", "/dev/random"] {
        let launch =
            Launch::sound("production").without("JWT_SECRET").env("JWT_SECRET_FILE", device);
        let outcome = launch.run();
        outcome.status(78).no_panic().program_did_not_run();
        let found = outcome.findings();
        assert!(
            found.iter().any(|it| it.2 == "JWT_SECRET" && it.0.starts_with("source-")),
            "{device}\n{outcome}"
        );
    }
    refused(by_directory().link("dir/JWT_SECRET", "/dev/zero"), "source-refused");
}

#[test]
fn a_socket_is_refused() {
    let launch = by_reference();
    let _listener = std::os::unix::net::UnixListener::bind(launch.root().join("jwt")).unwrap();
    refused(launch, "source-refused");
}

#[test]
fn a_pipe_in_a_secrets_directory_is_refused_without_waiting() {
    refused(by_directory().pipe("dir/JWT_SECRET"), "source-refused");
}

#[test]
fn a_pipe_that_is_named_and_that_nobody_writes_ends_at_its_deadline() {
    refused(by_reference().pipe("jwt"), "source-refused");
}

#[test]
fn a_pipe_that_is_named_is_read_to_its_end() {
    let launch = by_reference().pipe("jwt");
    let path = launch.root().join("jwt");
    let writer = std::thread::spawn(move || std::fs::write(path, format!("{SECRET}\n")));
    let outcome = launch.run();
    writer.join().unwrap().unwrap();
    assert_eq!(outcome.status(0).seen().text("JWT_SECRET").as_deref(), Some(SECRET));
}

#[test]
fn a_loop_of_links_is_unreadable() {
    refused(by_reference().link("jwt", "{root}/jwt"), "source-unreadable");
}

#[test]
fn a_secret_over_64_kib_is_too_large_and_never_cut() {
    let launch = by_reference().file("jwt", SECRET.repeat(2000)).canary(SECRET);
    refused(launch, "too-large").no_canary();
    // Exactly the limit, with its newline and without: passed whole.
    let most = SECRET.repeat(1525)[..65536].to_owned();
    for content in [most.clone(), format!("{most}\n"), format!("{most}\r\n")] {
        let outcome = by_reference().file("jwt", &content).run();
        let seen = outcome.status(0).seen();
        assert_eq!(seen.text("JWT_SECRET").as_deref(), Some(content.trim_end()));
    }
    let over = by_reference().file("jwt", format!("{most}x")).canary(SECRET);
    refused(over, "too-large").no_canary();
    // Where the newline is kept it is a byte of the value.
    let keep =
        "version: 1\nname: own\nvariables:\n  - {name: KEY, secret: true, final_newline: keep}\n";
    for (content, status) in [(format!("{}\n", &most[1..]), 0), (format!("{most}\n"), 78)] {
        let launch = Launch::witness(["--mode", "production"]).contract(keep).canary(SECRET);
        let outcome = launch.file("key", &content).env("KEY_FILE", "{root}/key").run();
        outcome.status(status);
        match status {
            0 => assert_eq!(outcome.seen().text("KEY").as_deref(), Some(content.as_str())),
            _ => {
                outcome.error("too-large", "KEY").program_did_not_run().no_canary();
            }
        }
    }
}

#[test]
fn a_nul_byte_is_found() {
    // No text has the NUL, so that what is before it has to be known by itself.
    for behind in ["\0", "\n\0\0", "\0and more"] {
        let launch = by_reference().file("jwt", format!("{SECRET}{behind}")).canary(SECRET);
        let launch = launch.options(["--label", &format!("k={SECRET}")]);
        let outcome = refused(launch, "contains-nul");
        outcome.no_canary().says("[redacted:JWT_SECRET]");
    }
}

#[test]
fn bytes_that_are_not_utf8_are_found() {
    let launch =
        by_reference().file("jwt", [SECRET.as_bytes(), b"\xc3\x28"].concat()).canary(SECRET);
    refused(launch, "not-utf8").no_canary();
}

#[test]
fn a_full_standard_error_never_stops_a_service() {
    let outcome = Launch::sound("production").stderr(Stream::Path("/dev/full")).run();
    outcome.status(0).seen();
}

#[test]
fn a_refusal_keeps_its_status_where_standard_error_is_full_or_closed() {
    for stream in [Stream::Path("/dev/full"), Stream::Closed] {
        Launch::sound("production")
            .without("JWT_SECRET")
            .stderr(stream.clone())
            .run()
            .status(78)
            .program_did_not_run();
        Launch::new().args(["run", "--no-such-option"]).stderr(stream).run().status(64);
    }
}

#[test]
fn a_full_or_closed_standard_output_is_no_fault_of_the_launcher() {
    for args in
        [&["check"][..], &["explain"], &["contract", "show"], &["contract", "docs"], &["--help"]]
    {
        for stream in [Stream::Path("/dev/full"), Stream::Closed] {
            let outcome = Launch::new().args(args).requirements().stdout(stream).run();
            outcome.no_panic();
            assert!(outcome.signal.is_none(), "{args:?}\n{outcome}");
        }
    }
}

#[test]
fn a_pipe_that_nobody_reads_is_no_fault_of_the_launcher() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let writer = Arc::new(OwnedFd::from(writer));
    let outcome = Launch::command("contract", ["docs"]).stdout(Stream::Fd(writer.clone())).run();
    outcome.no_panic();
    // Standard error without a reader: the service still starts.
    Launch::sound("production").stderr(Stream::Fd(writer)).run().status(0).seen();
}

/// The write end of a pipe that is full; the reader must be kept open.
fn full_pipe() -> (std::io::PipeReader, Arc<OwnedFd>) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let capacity = 65536;
    std::io::Write::write_all(&mut writer, &vec![b'x'; capacity]).unwrap();
    (reader, Arc::new(writer.into()))
}

#[test]
fn a_full_pipe_as_standard_error_does_not_hold_the_service_back() {
    let (_reader, writer) = full_pipe();
    Launch::sound("production").stderr(Stream::Fd(writer)).run().status(0).seen();
}

#[test]
fn a_refusal_into_a_full_pipe_does_not_hang() {
    let (_reader, writer) = full_pipe();
    Launch::sound("production")
        .without("JWT_SECRET")
        .stderr(Stream::Fd(writer))
        .run()
        .status(78)
        .program_did_not_run();
}

#[test]
fn a_log_into_a_full_pipe_waits_once_and_not_once_a_line() {
    let (_reader, writer) = full_pipe();
    let mut launch = Launch::sound("production").options(["-vvv"]).file("empty", "");
    for _ in 0..80 {
        launch = launch.options(["--env-file", "{root}/empty"]);
    }
    launch.stderr(Stream::Fd(writer)).run().status(0).seen();
}

#[test]
fn an_environment_of_a_megabyte_passes() {
    let mut launch = Launch::sound("production");
    for number in 0..10 {
        launch = launch.env(&format!("BULK_{number}"), vec![b'x'; 100_000]);
    }
    for number in 0..2000 {
        launch = launch.env(&format!("SMALL_{number}"), "y");
    }
    let seen = launch.run().status(0).seen();
    assert_eq!(seen.var("BULK_9").unwrap().len(), 100_000);
    assert_eq!(seen.text("SMALL_1999").as_deref(), Some("y"));
}

#[test]
fn an_entry_that_exec_refuses_is_named_before() {
    // 128 KiB with name and terminator is the kernel's limit for one string (execve(2)); the entry
    // grows beyond it when an alias or a file becomes a runtime variable.
    let contract = "version: 1\nname: own\nextends: builtin:nexis-gateway\nvariables:\n\
                    \x20 - name: COMPOSED\n    secret: true\n    purpose: p\n    template: \"{ONE}{TWO}{THREE}\"\n\
                    parts:\n  - {name: ONE, secret: true, purpose: p}\n  - {name: TWO, secret: true, purpose: p}\n\
                    \x20 - {name: THREE, secret: true, purpose: p}\n";
    let mut launch = Launch::sound("production")
        .file("own.yaml", contract)
        .options(["--contract", "{root}/own.yaml"]);
    for name in ["ONE", "TWO", "THREE"] {
        launch = launch.env(name, SECRET.repeat(1200)).canary(SECRET);
    }
    let outcome = launch.run();
    outcome.no_canary().no_panic().program_did_not_run();
    outcome.status(126).error("environment-too-large", "COMPOSED");
}

#[test]
fn an_environment_beyond_the_total_limit_is_found_before_exec() {
    // A quarter of the stack limit bounds arguments and environment together (execve(2)). The
    // launcher itself starts under a larger one than the program would.
    let mut launch =
        Launch::sound("production").file("env", "").limit(libc::RLIMIT_STACK, 4 << 20, 8 << 20);
    for number in 0..20 {
        let file = format!("env{number}");
        let line = format!("BULK_{number}={}\n", "x".repeat(60_000));
        let option = format!("--env-file={{root}}/{file}");
        launch = launch.file(&file, line).options([option]);
    }
    let outcome = launch.run();
    outcome.status(126).no_panic().program_did_not_run();
    let greatest = outcome.findings().into_iter().find(|it| it.0 == "environment-too-large");
    assert!(greatest.unwrap().2.starts_with("BULK_"), "the greatest entry is named\n{outcome}");
    assert_eq!(outcome.manifest()["outcome"], "refused");
}

#[test]
fn a_broken_contract_is_said_with_file_and_line() {
    let head = "version: 1\nname: own\nextends: builtin:nexis-gateway\n";
    let broken = [
        ("not yaml", "\tx: [", "own.yaml"),
        ("not a mapping", "- 1\n- 2\n", "own.yaml"),
        ("unknown key", "version: 1\nname: own\nvariabels: []\n", "variables"),
        ("duplicate key", "version: 1\nname: own\nname: other\n", "name"),
        ("bad name", &format!("{head}variables:\n  - {{name: \"A=B\", purpose: p}}\n"), "own.yaml"),
        (
            "two rows",
            &format!(
                "{head}variables:\n  - {{name: A, purpose: p}}\n  - {{name: A, purpose: p}}\n"
            ),
            "A",
        ),
        ("version", "version: 2\nname: own\n", "version"),
        (
            "secret default",
            &format!(
                "{head}variables:\n  - {{name: A, purpose: p, secret: true, default: kZ3vQ9xLw7}}\n"
            ),
            "A",
        ),
        (
            "template cycle",
            &format!(
                "{head}variables:\n  - {{name: A, purpose: p, template: \"{{B}}\"}}\n  - {{name: B, purpose: p, template: \"{{A}}\"}}\n"
            ),
            "A",
        ),
        ("extends itself", "version: 1\nname: own\nextends: own.yaml\n", "own.yaml"),
        ("unknown builtin", "version: 1\nname: own\nextends: builtin:nothing\n", "builtin"),
        ("empty", "", "own.yaml"),
    ];
    for (what, text, says) in broken {
        let launch = Launch::sound("production")
            .file("own.yaml", text)
            .options(["--contract", "{root}/own.yaml"])
            .canary("kZ3vQ9xLw7");
        let outcome = launch.run();
        outcome.status(65).says("own.yaml").says(says).no_panic().no_canary().program_did_not_run();
        assert!(outcome.err().lines().count() <= 4, "{what}: one clear message\n{outcome}");
    }
}

#[test]
fn a_contract_that_is_no_file_is_refused_without_waiting() {
    for what in ["{root}", "/dev/zero", "{root}/pipe"] {
        let outcome = Launch::sound("production").pipe("pipe").options(["--contract", what]).run();
        outcome.status(66).no_panic().program_did_not_run();
    }
}

#[test]
fn an_env_file_that_is_no_file_is_refused_without_waiting() {
    for what in ["{root}", "/dev/zero", "/dev/full"] {
        let outcome = Launch::sound("production").options(["--env-file", what]).run();
        outcome.status(66).no_panic().program_did_not_run();
    }
}

#[test]
fn a_vanished_working_directory_is_no_fault() {
    let launch = Launch::new()
        .args(["run", "--", "/bin/sh", "-c", "rmdir \"$PWD\"; exec \"$@\"", "sh"])
        .args([
            env!("CARGO_BIN_EXE_nexis-launch"),
            "run",
            "--mode",
            "production",
            "--",
            "{witness}",
            "{dump}",
        ])
        .requirements()
        .env("PATH", "/usr/bin:/bin")
        .cwd("gone")
        .directly();
    launch.run().status(0).seen();
}

#[test]
fn standard_input_that_is_closed_is_no_secret() {
    let outcome = by_reference().env("JWT_SECRET_FILE", "/dev/stdin").stdin(Stream::Closed).run();
    outcome.status(78).no_panic().program_did_not_run();
}

#[test]
fn a_secret_may_come_through_standard_input() {
    let launch =
        by_reference().env("JWT_SECRET_FILE", "/dev/stdin").file("input", format!("{SECRET}\n"));
    let input = File::open(launch.root().join("input")).unwrap();
    let outcome = launch.stdin(Stream::Fd(Arc::new(input.into()))).run();
    assert_eq!(outcome.status(0).seen().text("JWT_SECRET").as_deref(), Some(SECRET));
}
