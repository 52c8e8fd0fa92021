//! The program is started as a direct start would have started it (interface section 4).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use serde_json::Value;
use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;

/// What the witness found when started directly, and through the launcher.
fn both(launch: Launch) -> (Seen, Seen) {
    let direct = launch.clone().directly().run();
    let direct =
        (direct.status(0).seen(), std::fs::remove_file(launch.root().join("work/witness.json")));
    assert!(direct.1.is_ok());
    let launched = launch.run();
    (direct.0, launched.status(0).seen())
}

/// Asserts that these fields are what a direct start has.
fn same(launch: Launch, fields: &[&str]) -> Value {
    let (direct, launched) = both(launch);
    for field in fields {
        assert!(!direct.record[field].is_null(), "the witness does not state {field}");
        assert_eq!(launched.record[field], direct.record[field], "{field}");
    }
    launched.record
}

/// The launch with a secret in a file and an audit log, so that the launcher opens descriptors.
fn busy() -> Launch {
    Launch::sound("production")
        .without("JWT_SECRET")
        .file("secrets/JWT_SECRET", SECRET)
        .file("env", "EXTRA=1\n")
        .file("audit.log", "")
        .options(["--secrets-dir", "{root}/secrets", "--env-file", "{root}/env"])
        .options(["--audit-log", "{root}/audit.log"])
}

#[test]
fn the_process_id_and_its_family_are_the_launchers() {
    let outcome = busy().run();
    let record = outcome.status(0).seen().record;
    assert_eq!(record["pid"], outcome.pid);
    assert_eq!(record["ppid"], std::process::id());
    assert_eq!(record["children"], "");
    assert_eq!(record["signals"]["Threads"], "1");
    same(busy(), &["ppid", "pgid", "sid", "nice", "uid", "gid"]);
}

#[test]
fn the_working_directory_stays() {
    let launch = busy().cwd("some/where");
    let expected = launch.root().join("some/where");
    assert_eq!(same(launch, &["cwd"])["cwd"], expected.to_str().unwrap());
}

#[test]
fn the_umask_stays() {
    for umask in [0o000, 0o022, 0o137] {
        assert_eq!(same(busy().umask(umask), &["umask"])["umask"], umask);
    }
}

#[test]
fn resource_limits_stay() {
    let launch = busy()
        .limit(libc::RLIMIT_CORE, 4096, 8192)
        .limit(libc::RLIMIT_NOFILE, 99, 444)
        .limit(libc::RLIMIT_STACK, 4 << 20, 16 << 20);
    let record = same(launch, &["limits"]);
    assert_eq!(record["limits"][libc::RLIMIT_CORE as usize][0], "4096");
    assert_eq!(record["limits"][libc::RLIMIT_NOFILE as usize][0], "99");
}

#[test]
fn the_program_may_dump_core_and_be_traced_as_after_a_direct_start() {
    let launch = busy().limit(libc::RLIMIT_CORE, 4096, 8192);
    assert_eq!(same(launch, &["dumpable", "no_new_privs", "limits"])["dumpable"], 1);
}

#[test]
fn sigpipe_is_default_where_it_was_default() {
    let record = same(busy(), &["signals"]);
    assert_eq!(record["signals"]["SigIgn"], "0000000000000000");
}

#[test]
fn sigpipe_is_ignored_where_it_was_ignored() {
    let record = same(busy().ignoring([libc::SIGPIPE]), &["signals"]);
    assert_eq!(record["signals"]["SigIgn"], "0000000000001000");
}

#[test]
fn other_dispositions_and_the_mask_stay() {
    let launch = busy()
        .ignoring([libc::SIGHUP, libc::SIGINT, libc::SIGTERM, libc::SIGQUIT, libc::SIGCHLD, 34, 64])
        .blocking([libc::SIGUSR1, libc::SIGTERM, libc::SIGCHLD, libc::SIGPIPE, 40]);
    let record = same(launch, &["signals"]);
    assert_ne!(record["signals"]["SigBlk"], "0000000000000000");
    assert_eq!(record["signals"]["SigCgt"], "0000000000000000");
}

#[test]
fn signals_stay_after_a_wait_for_a_pipe() {
    // What the launcher takes while it waits was blocked before, or ignored, or neither.
    for (ignored, blocked, ignores, blocks) in [
        (vec![libc::SIGPIPE, libc::SIGINT], libc::SIGTERM, "0000000000001002", "0000000000004000"),
        (vec![libc::SIGPIPE], libc::SIGUSR1, "0000000000001000", "0000000000000200"),
    ] {
        let (reader, mut writer) = std::io::pipe().unwrap();
        std::io::Write::write_all(&mut writer, SECRET.as_bytes()).unwrap();
        drop(writer);
        let outcome = Launch::sound("production")
            .without("JWT_SECRET")
            .env("JWT_SECRET_FILE", "/dev/fd/9")
            .descriptor(Descriptor::new(9, reader))
            .ignoring(ignored)
            .blocking([blocked])
            .run();
        let seen = outcome.status(0).seen();
        assert_eq!(seen.text("JWT_SECRET").unwrap(), SECRET);
        assert_eq!(seen.record["signals"]["SigIgn"], ignores);
        assert_eq!(seen.record["signals"]["SigBlk"], blocks);
        assert_eq!(seen.record["signals"]["SigCgt"], "0000000000000000");
    }
}

#[test]
fn inherited_descriptors_stay_and_none_is_added() {
    let null = || File::options().read(true).write(true).open("/dev/null").unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    let launch = busy()
        .descriptor(Descriptor::new(3, null()))
        .descriptor(Descriptor::new(7, reader))
        .descriptor(Descriptor::new(10, writer))
        .descriptor(Descriptor::new(255, File::open("/").unwrap()));
    let record = same(launch, &["fds"]);
    let numbers: Vec<_> =
        record["fds"].as_array().unwrap().iter().map(|it| it["fd"].as_i64().unwrap()).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 7, 10, 255]);
}

#[test]
fn descriptors_of_listen_and_the_journal_are_usable() {
    // What systemd hands on: LISTEN_FDS counts from 3, NOTIFY_SOCKET is only a name.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let seen = busy()
        .options(["--inherit", "contract"])
        .descriptor(Descriptor::new(3, listener))
        .env("LISTEN_FDS", "1")
        .env("LISTEN_PID", "4")
        .env("NOTIFY_SOCKET", "/run/systemd/notify")
        .run()
        .status(0)
        .seen();
    assert_eq!(seen.text("LISTEN_FDS").unwrap(), "1");
    assert_eq!(seen.text("NOTIFY_SOCKET").unwrap(), "/run/systemd/notify");
    let third = &seen.record["fds"][3];
    assert!(third["target"].as_str().unwrap().starts_with("socket:"), "{third}");
}

#[test]
fn each_combination_of_closed_standard_streams_stays_closed() {
    for combination in 0..8 {
        let stream = |number: i32| {
            if combination >> number & 1 == 1 { Stream::Closed } else { Stream::Path("/dev/null") }
        };
        let launch = busy().stdin(stream(0)).stdout(stream(1)).stderr(stream(2));
        let record = same(launch, &["fds"]);
        let open: Vec<_> =
            record["fds"].as_array().unwrap().iter().map(|it| it["fd"].as_i64().unwrap()).collect();
        let expected: Vec<_> = (0..3).filter(|number| combination >> number & 1 == 0).collect();
        assert_eq!(open, expected, "combination {combination:03b}");
        for fd in record["fds"].as_array().unwrap() {
            assert_eq!(fd["target"], "/dev/null");
        }
    }
}

#[test]
fn with_closed_streams_the_audit_log_gets_its_line_and_nothing_else() {
    let outcome = busy().stdin(Stream::Closed).stdout(Stream::Closed).stderr(Stream::Closed).run();
    outcome.status(0);
    let log = outcome.read("audit.log");
    assert_eq!(log.lines().count(), 1, "{log}");
    assert_eq!(Outcome::manifests_in(&log).len(), 1, "{log}");
}

#[test]
fn a_refusal_keeps_its_status_with_all_streams_closed() {
    busy()
        .file("secrets/JWT_SECRET", "")
        .stdin(Stream::Closed)
        .stdout(Stream::Closed)
        .stderr(Stream::Closed)
        .run()
        .status(78)
        .program_did_not_run();
}

#[test]
fn standard_input_is_not_read() {
    let launch = Launch::new()
        .args(["run", "--mode", "production", "--", "/bin/cat"])
        .requirements()
        .file("input", "first\nsecond\n");
    let input = File::open(launch.root().join("input")).unwrap();
    let outcome = launch.stdin(Stream::Fd(std::sync::Arc::new(input.into()))).run();
    assert_eq!(outcome.status(0).out(), "first\nsecond\n");
}

#[test]
fn run_writes_nothing_to_standard_output() {
    assert_eq!(busy().run().status(0).out(), "");
}

#[test]
fn the_programs_first_argument_is_what_was_typed() {
    let launch = |program: &str| {
        Launch::new()
            .args(["run", "--mode", "production", "--", program, "{dump}"])
            .requirements()
            .env("PATH", "/nowhere:{bin}:/bin")
            .cwd("links")
            .link("links/here", "{witness}")
    };
    for (program, typed) in
        [("witness", "witness"), ("./here", "./here"), ("../links//here", "../links//here")]
    {
        let seen = launch(program).run().status(0).seen();
        assert_eq!(seen.argv[0], typed.as_bytes());
    }
}

#[test]
fn arguments_pass_byte_for_byte() {
    let arguments: [&[u8]; 10] = [
        b"",
        b"--",
        b"--mode",
        b"development",
        b"-h",
        b"$HOME `id` * ~",
        b"new\nline\ttab",
        b"\xff\xfe\x80",
        b"\xc3\xa9",
        b" space ",
    ];
    let launch = busy().args(arguments.map(OsStr::from_bytes));
    let seen = launch.run().status(0).seen();
    assert_eq!(seen.argv[2..], arguments);
}

#[test]
fn the_exit_status_is_the_programs() {
    for status in [0, 1, 42, 64, 78, 101, 127, 255] {
        busy().args([format!("exit={status}")]).run().status(status).seen();
    }
}

#[test]
fn a_signal_that_ends_the_program_ends_the_launcher() {
    for signal in [libc::SIGKILL, libc::SIGTERM, libc::SIGPIPE, libc::SIGUSR1] {
        let outcome = busy().args([format!("signal={signal}")]).run();
        assert_eq!((outcome.status, outcome.signal), (None, Some(signal)), "{outcome}");
    }
}

#[test]
fn a_program_that_writes_to_a_closed_pipe_dies_of_it_as_it_would_directly() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let writer = std::sync::Arc::new(std::os::fd::OwnedFd::from(writer));
    let launch = Launch::new()
        .args(["run", "--mode", "production", "--", "/bin/sh", "-c", "echo x; exit 9"])
        .requirements();
    let outcome = launch.stdout(Stream::Fd(writer)).run();
    assert_eq!((outcome.status, outcome.signal), (None, Some(libc::SIGPIPE)), "{outcome}");
}

#[test]
fn nothing_of_providers_is_left_in_the_process() {
    let away = "( setsid {root}/nap 600 & ) >/dev/null 2>&1\n{root}/nap 600 &\necho x >&2\n\
                exec >&-\nkill -TERM $$\n";
    let null = || File::options().read(true).write(true).open("/dev/null").unwrap();
    let chld = [libc::SIGCHLD];
    for (ignored, blocked) in [(&[][..], &[][..]), (&chld, &[]), (&[], &chld), (&chld, &chld)] {
        // One that gives a value, one that leaves processes behind and fails.
        let launch = Launch::witness(["--mode", "production"])
            .provided(&[("GOOD", "echo value-of-the-key\n"), ("BAD", away)], ", timeout: 2s")
            .options(["--enforce", "report"])
            .ignoring(ignored.iter().copied().chain([libc::SIGHUP, 40]))
            .blocking(blocked.iter().copied().chain([libc::SIGUSR1, libc::SIGTERM]))
            .descriptor(Descriptor::new(9, null()))
            .stdin(Stream::Closed)
            .limit(libc::RLIMIT_CORE, 4096, 8192);
        let record = same(
            launch,
            &[
                "signals",
                "fds",
                "limits",
                "umask",
                "nice",
                "cwd",
                "dumpable",
                "no_new_privs",
                "subreaper",
                "ppid",
                "pgid",
                "sid",
                "children",
            ],
        );
        assert_eq!((&record["subreaper"], &record["children"]), (&0.into(), &"".into()));
    }
}
