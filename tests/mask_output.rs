//! `run --mask-output`: the program's output without the values of its secrets, and the program
//! as a direct start has it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use std::fs::File;
use std::io::{PipeReader, Read};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// `run --mask-output -- /bin/sh -c SCRIPT`.
fn shell(script: &str) -> Launch {
    Launch::new()
        .args(["run", "--mode", "production", "--mask-output", "--manifest-to", "{root}/manifest"])
        .args(["--", "/bin/sh", "-c", script])
        .requirements()
        .env("PATH", "/usr/bin:/bin")
        .canary(SECRET)
}

/// The witness with its output masked.
fn witness() -> Launch {
    Launch::sound("production").options(["--mask-output"]).canary(SECRET)
}

fn stream(fd: impl Into<OwnedFd>) -> Stream {
    Stream::Fd(Arc::new(fd.into()))
}

/// A launch with pipes as standard output and standard error; the launch is started and gone, so
/// that nobody but the program and its filter writes.
fn piped(launch: Launch) -> (Running, PipeReader, PipeReader) {
    let (out, output) = std::io::pipe().unwrap();
    let (err, error) = std::io::pipe().unwrap();
    (start(launch.stdout(stream(output)).stderr(stream(error))), out, err)
}

fn start(launch: Launch) -> Running {
    let mut running = launch.start();
    running.let_go();
    running
}

fn rest(mut reader: PipeReader) -> String {
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    text
}

fn read(reader: &mut PipeReader, expected: &str) {
    let mut text = vec![0; expected.len()];
    reader.read_exact(&mut text).unwrap();
    assert_eq!(String::from_utf8_lossy(&text), expected);
}

/// The filter of a program: a process of its name that has one of the program's pipes open.
fn filter_of(program: i32) -> i32 {
    let pipe = std::fs::read_link(format!("/proc/{program}/fd/1")).unwrap();
    let mut found = 0;
    wait_for("the filter", || {
        let all = std::fs::read_dir("/proc").unwrap().flatten();
        let mut numbers = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        found = numbers
            .find(|pid| *pid != program && has_open(*pid, &pipe) && name(*pid) == "nexis-mask")
            .unwrap_or(0);
        found != 0
    });
    found
}

fn name(pid: i32) -> String {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    name.trim().to_owned()
}

fn has_open(pid: i32, target: &PathBuf) -> bool {
    open_by(pid).iter().any(|(_, path)| path == target)
}

fn open_by(pid: i32) -> Vec<(i32, PathBuf)> {
    let all = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let mut all: Vec<_> = all
        .filter_map(|entry| {
            let number = entry.file_name().to_str()?.parse().ok()?;
            Some((number, std::fs::read_link(entry.path()).ok()?))
        })
        .collect();
    all.sort();
    all
}

/// A field of /proc/PID/status.
fn status(pid: i32, field: &str) -> String {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.unwrap_or_default().trim().to_owned()
}

#[allow(unsafe_code, reason = "kill has no safe interface here")]
fn kill(pid: i32, signal: i32) {
    // SAFETY: kill(2) takes any numbers; the process was found by the test's own pipe.
    assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
}

#[test]
fn both_streams_are_masked_each_for_itself_and_to_the_last_byte() {
    let script = r#"
        i=0
        while [ $i -lt 300 ]; do
            echo "out $i $JWT_SECRET"
            echo "err $i $(printf %s "$JWT_SECRET" | od -An -v -tx1 | tr -d ' \n')" >&2
            i=$((i + 1))
        done
        printf 'no newline %s' "$JWT_SECRET"
        printf 'a beginning %.20s' "$JWT_SECRET" >&2"#;
    let (running, out, err) = piped(shell(script));
    let err = std::thread::spawn(|| rest(err));
    let out = rest(out);
    let err = err.join().unwrap();
    let outcome = running.finish();
    outcome.status(0).no_canary();
    let lines = |stream: &str| -> String {
        (0..300).map(|line| format!("{stream} {line} [redacted:JWT_SECRET]\n")).collect()
    };
    assert_eq!(out, lines("out") + "no newline [redacted:JWT_SECRET]");
    assert_eq!(err, lines("err") + "a beginning " + &SECRET[..20]);
}

#[test]
fn streams_that_lead_to_one_place_keep_one_order() {
    let script = "i=0; while [ $i -lt 300 ]; do echo o$i; echo e$i >&2; i=$((i + 1)); done";
    let (reader, output) = std::io::pipe().unwrap();
    let output = stream(output);
    let running = start(shell(script).stdout(output.clone()).stderr(output));
    let expected: String = (0..300).map(|line| format!("o{line}\ne{line}\n")).collect();
    assert_eq!(rest(reader), expected);
    running.finish().status(0);
}

#[test]
fn the_manifest_says_what_is_masked_and_goes_where_it_went() {
    let outcome = witness().options(["--audit-log", "{root}/audit.log"]).run();
    outcome.status(0).seen();
    let manifest = outcome.manifest();
    assert_eq!(manifest["masked_output"], serde_json::json!(["stdout", "stderr"]));
    assert_eq!(Outcome::manifests_in(&outcome.read("audit.log")), [manifest]);
    let text = witness().options(["--manifest", "text"]).run();
    text.status(0).says("\n  masked    stdout, stderr\n");
    // Without the option there is no such word.
    let plain = Launch::sound("production").run();
    assert!(plain.status(0).manifest().get("masked_output").is_none());
    Launch::sound("production").options(["--manifest", "text"]).run().never_says("masked");
}

#[test]
fn the_setting_and_the_option_say_the_same_and_the_option_wins() {
    let asked = |launch: Launch| launch.run().status(0).manifest().get("masked_output").is_some();
    let set = |value| Launch::sound("production").env("NEXIS_LAUNCH_MASK_OUTPUT", value);
    assert!(asked(set("true")) && !asked(set("false")));
    assert!(!asked(set("true").options(["--mask-output=false"])));
    assert!(asked(set("no").options(["--mask-output"])));
    let outcome = set("perhaps").run();
    outcome.status(64).program_did_not_run().says("NEXIS_LAUNCH_MASK_OUTPUT");
}

#[test]
fn the_program_is_the_process_that_a_direct_start_makes() {
    let busy = || {
        witness()
            .ignoring([libc::SIGHUP, libc::SIGCHLD])
            .blocking([libc::SIGUSR1, libc::SIGCHLD, libc::SIGTERM])
            .descriptor(Descriptor::new(7, File::open("/dev/null").unwrap()))
    };
    let direct = busy().directly().run().status(0).seen().record;
    let outcome = busy().run();
    let record = outcome.status(0).seen().record;
    assert_eq!(record["pid"], outcome.pid);
    for field in ["ppid", "pgid", "sid", "nice", "umask", "signals", "dumpable", "limits"] {
        assert_eq!(record[field], direct[field], "{field}");
    }
    assert_eq!(record["children"], "", "the filter is a child of the program");
    assert_eq!(record["signals"]["ShdPnd"], "0000000000000000");
    let numbers = |record: &serde_json::Value| -> Vec<i64> {
        record["fds"].as_array().unwrap().iter().map(|it| it["fd"].as_i64().unwrap()).collect()
    };
    assert_eq!(numbers(&record), [0, 1, 2, 7]);
    assert_eq!(numbers(&direct), [0, 1, 2, 7]);
    for (at, is_pipe) in [(0, false), (1, true), (2, true), (3, false)] {
        let target = record["fds"][at]["target"].as_str().unwrap();
        assert_eq!(target.starts_with("pipe:"), is_pipe, "{target}");
    }
}

#[test]
fn exit_status_and_signal_death_are_the_programs() {
    for status in [0, 1, 42, 64, 255] {
        witness().args([format!("exit={status}")]).run().status(status).seen();
    }
    for signal in [libc::SIGKILL, libc::SIGTERM, libc::SIGPIPE, libc::SIGUSR1] {
        let outcome = witness().args([format!("signal={signal}")]).run();
        assert_eq!((outcome.status, outcome.signal), (None, Some(signal)), "{outcome}");
    }
}

#[test]
fn a_closed_stream_stays_closed_and_the_other_is_masked() {
    for (closed, expected, masked) in [(1, [0, 2], "stderr"), (2, [0, 1], "stdout")] {
        let launch = witness().options(["--manifest-to", "{root}/manifest"]);
        let launch = match closed {
            1 => launch.stdout(Stream::Closed),
            _ => launch.stderr(Stream::Closed),
        };
        let outcome = launch.run();
        let record = outcome.status(0).seen().record;
        let numbers: Vec<_> =
            record["fds"].as_array().unwrap().iter().map(|it| it["fd"].as_i64().unwrap()).collect();
        assert_eq!(numbers, expected);
        let manifest = Outcome::manifests_in(&outcome.read("manifest")).remove(0);
        assert_eq!(manifest["masked_output"], serde_json::json!([masked]));
    }
    let launch = witness().options(["--manifest-to", "{root}/manifest"]);
    let outcome = launch.stdout(Stream::Closed).stderr(Stream::Closed).run();
    let record = outcome.status(0).seen().record;
    assert_eq!(record["fds"].as_array().unwrap().len(), 1, "{}", record["fds"]);
}

#[test]
fn on_a_terminal_it_is_refused_with_64_and_nothing_runs() {
    #[allow(unsafe_code, reason = "a terminal has no safe interface here")]
    // SAFETY: posix_openpt(3) and its kin take numbers and a buffer that lives for the call.
    let terminal: OwnedFd = unsafe {
        use std::os::fd::FromRawFd;
        let main = libc::posix_openpt(libc::O_RDWR | libc::O_NOCTTY);
        assert!(main >= 0 && libc::grantpt(main) == 0 && libc::unlockpt(main) == 0);
        let mut name = [0; 64];
        assert_eq!(libc::ptsname_r(main, name.as_mut_ptr(), name.len()), 0);
        let end = libc::open(name.as_ptr(), libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC);
        assert!(end >= 0);
        // The other end stays open until the test's process ends.
        libc::fcntl(main, libc::F_SETFD, libc::FD_CLOEXEC);
        OwnedFd::from_raw_fd(end)
    };
    let terminal = stream(terminal);
    let out = witness().stdout(terminal.clone()).run();
    out.status(64).program_did_not_run().error("output-not-masked", "").no_canary();
    out.says("standard output is a terminal").says("leave --mask-output out");
    let launch = witness().options(["--manifest-to", "{root}/manifest"]).stderr(terminal);
    let err = launch.run();
    err.status(64).program_did_not_run();
    assert!(err.read("manifest").contains("standard error is a terminal"));
    // It is a mistake of the command line, which --enforce report does not let pass.
    let manifest = Outcome::manifests_in(&err.read("manifest")).remove(0);
    assert_eq!(manifest["outcome"], "refused");
    assert!(manifest.get("masked_output").is_none());
}

#[test]
fn as_process_1_it_is_refused_with_64_and_nothing_runs() {
    let launch = Launch::new()
        .args(["run", "--", "/usr/bin/unshare", "--user", "--map-root-user", "--pid", "--fork"])
        .args(["--kill-child", env!("CARGO_BIN_EXE_nexis-launch"), "run", "--mode", "production"])
        .args(["--mask-output", "--", "{witness}", "{dump}"])
        .requirements()
        .env("PATH", "/usr/bin:/bin")
        .directly();
    let outcome = launch.run();
    outcome.status(64).program_did_not_run().error("output-not-masked", "");
    outcome.says("process 1").says("docker run --init");
}

#[test]
fn behind_an_init_it_works() {
    // The shell is process 1 and stays so until all output has come, as a patient init does.
    let script = format!(
        "{} run --mode production --mask-output --manifest off -- /bin/sh -c 'echo $JWT_SECRET $PPID' | /bin/cat",
        env!("CARGO_BIN_EXE_nexis-launch")
    );
    let outcome = Launch::new()
        .args(["run", "--", "/usr/bin/unshare", "--user", "--map-root-user", "--pid", "--fork"])
        .args(["--kill-child", "--mount-proc", "/bin/sh", "-c", &script])
        .requirements()
        .env("PATH", "/usr/bin:/bin")
        .env("NEXIS_LAUNCH_SECRETS_DIR", "{root}/work")
        .directly()
        .run();
    assert_eq!(outcome.status(0).out(), "[redacted:JWT_SECRET] 1\n");
}

#[test]
fn the_filter_is_cut_off_from_the_program_and_from_its_signals() {
    let notify = File::open("/dev/null").unwrap();
    let launch = shell("echo ready; read line; echo \"last $JWT_SECRET\"")
        .stdin(Stream::Path("/dev/zero"))
        .descriptor(Descriptor::new(9, notify));
    let (input, writer) = std::io::pipe().unwrap();
    let (running, mut out, err) = piped(launch.stdin(stream(input)));
    read(&mut out, "ready\n");
    let filter = filter_of(running.pid());
    let field = |name: &str| status(filter, name);
    // No child of the program's, in no group or session of its.
    assert_ne!(field("PPid"), running.pid().to_string());
    let stat = std::fs::read_to_string(format!("/proc/{filter}/stat")).unwrap();
    let fields: Vec<_> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    assert_eq!((fields[2], fields[3]), (&*filter.to_string(), &*filter.to_string()));
    assert_eq!(field("NoNewPrivs"), "1");
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert_eq!(field(set), "0000000000000000", "{set}");
    }
    // Of system calls it has those for reading and writing alone (proc(5): 2 is a filter).
    assert_eq!(field("Seccomp"), "2");
    // KILL and STOP cannot be blocked (signal(7)); two more are the C library's own.
    let blocked = u64::from_str_radix(&field("SigBlk"), 16).unwrap();
    for signal in (1..32).filter(|it| ![libc::SIGKILL, libc::SIGSTOP].contains(it)) {
        assert_eq!(blocked >> (signal - 1) & 1, 1, "signal {signal}");
    }
    assert_eq!(std::fs::read_link(format!("/proc/{filter}/cwd")).unwrap(), PathBuf::from("/"));
    // Its own four descriptors and nothing else: no socket, lock or log of the program stays open.
    let open = open_by(filter);
    assert_eq!(open.len(), 4, "{open:?}");
    assert!(open.iter().all(|(_, path)| path.to_str().unwrap().starts_with("pipe:")), "{open:?}");
    // What cannot be dumped belongs to root in /proc, whoever runs the test (proc(5)).
    use std::os::unix::fs::MetadataExt;
    assert_eq!(std::fs::metadata(format!("/proc/{filter}/environ")).unwrap().uid(), 0);
    for signal in [
        libc::SIGTERM,
        libc::SIGINT,
        libc::SIGHUP,
        libc::SIGQUIT,
        libc::SIGUSR1,
        libc::SIGUSR2,
        libc::SIGPIPE,
        libc::SIGALRM,
        libc::SIGTSTP,
        40,
    ] {
        kill(filter, signal);
    }
    drop(writer);
    assert_eq!(rest(out), "last [redacted:JWT_SECRET]\n");
    assert_eq!(rest(err), "");
    running.finish().status(0);
    wait_for("the filter to end", || {
        status(filter, "State").is_empty() || status(filter, "State").starts_with('Z')
    });
}

#[test]
fn it_ends_when_the_last_writer_ends_and_not_before() {
    let script = "(sleep 0.3; echo \"late $JWT_SECRET\") & echo early; exit 5";
    let (running, mut out, err) = piped(shell(script));
    read(&mut out, "early\n");
    running.finish().status(5);
    assert_eq!(rest(out), "late [redacted:JWT_SECRET]\n");
    assert_eq!(rest(err), "");
}

#[test]
fn where_the_filter_dies_nothing_passes_unmasked() {
    let script = "echo ready; read line; echo \"after $JWT_SECRET\"; echo survived >&2";
    let (input, writer) = std::io::pipe().unwrap();
    let (running, mut out, err) = piped(shell(script).stdin(stream(input)));
    read(&mut out, "ready\n");
    let filter = filter_of(running.pid());
    kill(filter, libc::SIGKILL);
    wait_for("the filter to end", || open_by(filter).is_empty());
    drop(writer);
    let outcome = running.finish();
    assert_eq!((outcome.status, outcome.signal), (None, Some(libc::SIGPIPE)), "{outcome}");
    assert_eq!((rest(out), rest(err)), (String::new(), String::new()));
    outcome.no_canary();
}

#[test]
fn a_reader_that_goes_away_is_the_programs_to_notice() {
    let script = "echo ready; read line; i=0; while [ $i -lt 100000 ]; do echo more; i=$((i + 1)); done; echo unmoved >&2";
    let (input, writer) = std::io::pipe().unwrap();
    let (running, mut out, err) = piped(shell(script).stdin(stream(input)));
    read(&mut out, "ready\n");
    drop((out, writer));
    let outcome = running.finish();
    assert_eq!((outcome.status, outcome.signal), (None, Some(libc::SIGPIPE)), "{outcome}");
    assert_eq!(rest(err), "");
}

#[test]
fn a_stream_that_nobody_reads_does_not_hold_up_the_other() {
    let script = "(i=0; while [ $i -lt 40000 ]; do echo 0123456789abcdef; i=$((i + 1)); done) & read line; echo through >&2; wait";
    let (input, writer) = std::io::pipe().unwrap();
    let (running, out, mut err) = piped(shell(script).stdin(stream(input)));
    // More than both pipes hold: the filter has to wait for a reader of standard output.
    assert!(!running.ended(Duration::from_millis(300)));
    drop(writer);
    read(&mut err, "through\n");
    assert_eq!(rest(out), "0123456789abcdef\n".repeat(40_000));
    running.finish().status(0);
}

#[test]
fn a_full_disk_does_not_end_the_program() {
    let launch =
        shell("echo lost; echo \"kept $JWT_SECRET\" >&2; sleep 0.1; echo lost; echo end >&2")
            .stdout(Stream::Path("/dev/full"));
    let (reader, error) = std::io::pipe().unwrap();
    let running = start(launch.stderr(stream(error)));
    assert_eq!(rest(reader), "kept [redacted:JWT_SECRET]\nend\n");
    running.finish().status(0);
}

#[test]
fn what_is_generated_and_what_is_read_from_files_is_masked() {
    let script = "echo $JWT_SECRET $DATABASE_URL; printf %s \"$OPENAI_API_KEY\" | base64 -w0";
    let launch = Launch::new()
        .args(["dev", "--mask-output", "--manifest", "off", "--", "/bin/sh", "-c", script])
        .env("PATH", "/usr/bin:/bin")
        .env("NEXIS_DATABASE_HOST", "db.internal")
        .env("NEXIS_DATABASE_NAME", "nexis")
        .env("NEXIS_DATABASE_USER", "app")
        .env("NEXIS_DATABASE_PASSWORD_FILE", "{root}/password")
        .file("password", "pass word/with+signs\n")
        .env("OPENAI_API_KEY", OTHER)
        .canary("pass word/with+signs")
        .canary(OTHER);
    let (running, out, _err) = piped(launch);
    let out = rest(out);
    running.finish().status(0).no_canary();
    let mut words = out.split_whitespace();
    assert_eq!(words.next(), Some("[redacted:JWT_SECRET]"));
    assert_eq!(words.next(), Some("[redacted:DATABASE_URL]"));
    assert!(words.next().unwrap().starts_with("[redacted:OPENAI_API_KEY]"), "{out}");
}

#[test]
fn a_secret_of_fewer_than_8_bytes_is_a_warning() {
    let outcome =
        witness().env("DATABASE_URL", "postgres://app:hunter2@db/nexis?sslmode=require").run();
    outcome.status(0).warning("secret-not-masked", "DATABASE_URL#password");
    outcome.seen();
    let plain = Launch::sound("production").env("DATABASE_URL", "postgres://app:hunter2@db/nexis");
    plain.run().no_finding("secret-not-masked");
}

#[test]
fn a_failed_exec_is_said_where_the_manifest_was() {
    // Each is there when it is looked at, and the interpreter's own interpreter is not.
    let launch = Launch::new()
        .args(["run", "--mode", "production", "--mask-output", "--", "{root}/outer"])
        .requirements()
        .canary(SECRET);
    let script = format!("#!{}\n", launch.root().join("inner").display());
    let failed = launch.executable("outer", script).executable("inner", "").run();
    failed.status(126).no_canary();
    let outcomes: Vec<_> =
        Outcome::manifests_in(&failed.err()).iter().map(|it| it["outcome"].clone()).collect();
    assert_eq!(outcomes, ["exec", "failed"]);
    assert_eq!(failed.out(), "");
}

#[test]
fn the_filter_follows_the_programs_user() {
    if !runs_as_root() {
        return;
    }
    let (input, writer) = std::io::pipe().unwrap();
    let launch = shell("echo ready; read line; echo $JWT_SECRET").options(["--user", "65534"]);
    let (running, mut out, _err) = piped(launch.stdin(stream(input)));
    read(&mut out, "ready\n");
    let filter = filter_of(running.pid());
    assert_eq!(status(filter, "Uid"), "65534\t65534\t65534\t65534");
    assert_eq!(status(filter, "Gid"), "65534\t65534\t65534\t65534");
    assert_eq!(status(filter, "Groups"), "65534");
    drop(writer);
    assert_eq!(rest(out), "[redacted:JWT_SECRET]\n");
    running.finish().status(0);
}
