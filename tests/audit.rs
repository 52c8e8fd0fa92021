//! The audit log: one line a launch, or no launch (interface section 2, `--audit-log`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

fn audited() -> Launch {
    Launch::sound("production")
        .without("JWT_SECRET")
        .env("JWT_SECRET", SECRET)
        .options(["--audit-log", "{root}/audit.log"])
        .canary(SECRET)
}

fn records(outcome: &Outcome) -> Vec<serde_json::Value> {
    Outcome::manifests_in(&outcome.read("audit.log"))
}

#[test]
fn a_launch_appends_its_manifest_as_one_line() {
    let outcome = audited().file("audit.log", "earlier line\n").run();
    outcome.status(0).no_canary();
    let log = outcome.read("audit.log");
    assert!(log.starts_with("earlier line\n") && log.ends_with('\n'), "{log}");
    assert_eq!(log.lines().count(), 2);
    assert_eq!(records(&outcome)[0], outcome.manifest());
}

#[test]
fn a_new_log_can_be_read_by_its_owner_alone() {
    let outcome = audited().umask(0).run();
    let log = std::fs::metadata(outcome.status(0).root().join("audit.log")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::mode(&log.permissions()) & 0o777;
    assert_eq!(mode & 0o027, 0, "mode {mode:o}");
}

#[test]
fn refused_launches_are_in_it() {
    let outcome = audited().env("JWT_SECRET", "short").without("NEXIS_CORS_ALLOW_ORIGINS").run();
    outcome.status(78).program_did_not_run();
    assert_eq!(records(&outcome)[0]["outcome"], "refused");
}

#[test]
fn the_log_is_written_even_where_the_manifest_is_off() {
    let outcome = audited().options(["--manifest", "off"]).run();
    outcome.status(0);
    assert_eq!(records(&outcome).len(), 1);
}

#[test]
fn a_torn_last_line_does_not_swallow_the_next() {
    let outcome =
        audited().file("audit.log", "{\"schema\":\"nexis-launch/manifest/v1\",\"torn").run();
    outcome.status(0);
    let log = outcome.read("audit.log");
    assert_eq!(records(&outcome).len(), 1, "{log}");
    assert!(log.lines().last().unwrap().starts_with("{\"schema\""), "{log}");
}

#[test]
fn many_launches_at_once_leave_whole_lines() {
    let launch = audited();
    let running: Vec<_> = (0..12).map(|_| launch.clone().start()).collect();
    for one in running {
        one.finish().status(0);
    }
    let log = std::fs::read_to_string(launch.root().join("audit.log")).unwrap();
    assert_eq!(log.lines().count(), 12);
    assert_eq!(Outcome::manifests_in(&log).len(), 12, "{log}");
}

#[test]
fn the_manifest_of_launches_at_once_is_that_of_one_of_them() {
    let launch = Launch::sound("production").options(["--manifest-to", "{root}/manifest"]);
    for _ in 0..6 {
        let running: Vec<_> = (1..9)
            .map(|number| {
                let label = format!("of={}", "x".repeat(number * 200));
                launch.clone().options(["--label", &label]).start()
            })
            .collect();
        for one in running {
            one.finish().status(0);
        }
        let text = std::fs::read_to_string(launch.root().join("manifest")).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert_eq!(Outcome::manifests_in(&text).len(), 1, "{text}");
    }
}

/// Longer than what a pipe takes in one piece whatever else is written (pipe(7), PIPE_BUF).
#[test]
fn long_lines_of_many_launches_at_once_are_whole_in_a_pipe_and_in_a_socket() {
    use std::io::Read;
    const LAUNCHES: usize = 24;
    let launch = (0..90).fold(Launch::sound("production"), |launch, number| {
        launch.env(&format!("A_NAME_THAT_IS_QUITE_LONG_{number:030}"), "x")
    });
    let launch = launch.pipe("fifo");
    let fifo = launch.root().join("fifo");
    let ends: [(&str, Box<dyn Read + Send>, Option<OwnedFd>); 3] = {
        let (from_pipe, to_pipe) = std::io::pipe().unwrap();
        let (from_socket, to_socket) = std::os::unix::net::UnixStream::pair().unwrap();
        // Open at both ends, so that it is there for the launches and ends when they have.
        let open = File::options().read(true).write(true).open(&fifo).unwrap();
        [
            ("fd:6", Box::new(from_pipe), Some(to_pipe.into())),
            ("fd:6", Box::new(from_socket), Some(to_socket.into())),
            ("{root}/fifo", Box::new(open), None),
        ]
    };
    for (log, mut reader, writer) in ends {
        let launch = launch.clone().options(["--audit-log", log]);
        let launch = match &writer {
            Some(writer) => launch.descriptor(Descriptor::new(6, writer.try_clone().unwrap())),
            None => launch,
        };
        let all = std::thread::spawn(move || {
            let (mut text, mut piece) = (Vec::new(), [0; 65_536]);
            while text.iter().filter(|&&byte| byte == b'\n').count() < LAUNCHES {
                match reader.read(&mut piece).unwrap() {
                    0 => break,
                    count => text.extend(&piece[..count]),
                }
            }
            String::from_utf8(text).unwrap()
        });
        let running: Vec<_> = (0..LAUNCHES).map(|_| launch.clone().start()).collect();
        for one in running {
            one.finish().status(0);
        }
        drop((launch, writer));
        let text = all.join().unwrap();
        assert!(text.lines().all(|line| line.len() > 4096), "{text}");
        assert_eq!(Outcome::manifests_in(&text).len(), LAUNCHES, "{log}\n{text}");
    }
}

#[test]
fn a_log_that_cannot_be_written_starts_nothing() {
    for place in ["/dev/full", "{root}/absent/log", "{root}", "fd:99", "{root}/socket"] {
        let launch = Launch::sound("production").options(["--audit-log", place]);
        let _listener =
            std::os::unix::net::UnixListener::bind(launch.root().join("socket")).unwrap();
        let outcome = launch.run();
        outcome.status(73).no_panic().program_did_not_run();
        outcome.says("cannot write the audit log to");
    }
}

#[test]
fn a_pipe_without_a_reader_as_log_does_not_hang() {
    let outcome =
        Launch::sound("production").pipe("pipe").options(["--audit-log", "{root}/pipe"]).run();
    outcome.status(73).no_panic().program_did_not_run();
}

#[test]
fn a_socket_that_takes_nothing_as_log_does_not_hang() {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    while (&ours).write(&[b'.'; 4096]).is_ok() {}
    ours.set_nonblocking(false).unwrap();
    let launch = Launch::sound("production").options(["--audit-log", "fd:6"]);
    let outcome = launch.descriptor(Descriptor::new(6, ours)).run();
    outcome.status(73).no_panic().program_did_not_run();
    outcome.says("cannot write the audit log to descriptor 6: nothing was taken within 5 s");
    drop(theirs);
}

#[test]
fn a_manifest_never_takes_the_place_of_the_log() {
    for (log, manifest) in [("log", "log"), ("log", "link"), ("link", "log"), ("log", "./log")] {
        let launch =
            Launch::sound("production").file("log", "earlier\n").link("link", "{root}/log");
        let (log, manifest) = (format!("{{root}}/{log}"), format!("{{root}}/{manifest}"));
        let outcome = launch.options(["--audit-log", &log, "--manifest-to", &manifest]).run();
        outcome.status(64).program_did_not_run();
        outcome.says("for both the manifest and the audit log").says("hint: ");
        assert_eq!(outcome.read("log"), "earlier\n");
    }
    // Before there is one, and through a descriptor.
    let both = ["--audit-log", "{root}/log", "--manifest-to", "{root}/./log"];
    let outcome = Launch::sound("production").options(both).run();
    outcome.status(64).program_did_not_run();
    assert!(!outcome.root().join("log").exists());
    let launch = Launch::sound("production").file("log", "earlier\n");
    let log = File::options().append(true).open(launch.root().join("log")).unwrap();
    let outcome = launch
        .options(["--audit-log", "fd:6", "--manifest-to", "{root}/log"])
        .descriptor(Descriptor::new(6, log))
        .run();
    outcome.status(64).program_did_not_run();
    assert_eq!(outcome.read("log"), "earlier\n");
    // Two names of one file that is made by the launch itself: its line stays.
    for log in ["{root}/work/../log", "{root}/link"] {
        let launch = Launch::sound("production").dir("work").link("link", "{root}/log");
        let outcome = launch.options(["--audit-log", log, "--manifest-to", "{root}/log"]).run();
        outcome.status(64).program_did_not_run();
        let said = Outcome::manifests_in(&outcome.read("log"));
        let outcomes: Vec<_> = said.iter().map(|it| it["outcome"].as_str().unwrap()).collect();
        assert_eq!(outcomes, ["exec", "failed"], "{outcome}");
    }
    // What keeps nothing takes both.
    let both = ["--audit-log", "/dev/null", "--manifest-to", "/dev/null"];
    Launch::sound("production").options(both).run().status(0).seen();
    let apart = ["--audit-log", "{root}/log", "--manifest-to", "{root}/manifest"];
    let outcome = Launch::sound("production").options(apart).run();
    outcome.status(0).seen();
}

#[test]
fn a_second_record_that_is_lost_is_said() {
    let launch = |log: &str| {
        Launch::new()
            .executable("broken", b"\x7fELF and nothing more")
            .args(["run", "--mode", "production", "--manifest", "off", "--audit-log", log])
            .args(["--", "{root}/broken"])
            .requirements()
    };
    let both = launch("{root}/audit.log").run();
    both.status(126).says("ENOEXEC");
    let [first, second] = &records(&both)[..] else { panic!("{both}") };
    assert_eq!((&first["outcome"], &second["outcome"]), (&"exec".into(), &"failed".into()));
    let room = both.read("audit.log").find('\n').unwrap() as u64 + 100;
    let outcome = launch("{root}/audit.log").limit(libc::RLIMIT_FSIZE, room, room).run();
    outcome.status(126).says("ENOEXEC").says("cannot write the audit log to");
    outcome.says("nothing was started, and what was written there before still says exec");
    assert_eq!(records(&outcome).len(), 1);
}

#[test]
fn where_it_is_not_required_a_log_that_cannot_be_written_stops_nothing() {
    for place in ["/dev/full", "{root}/absent/log", "fd:99"] {
        let launch = Launch::sound("production").options(["--audit-log", place]);
        let by_option = launch.clone().options(["--audit-required=false"]);
        for launch in [by_option, launch.env("NEXIS_LAUNCH_AUDIT_REQUIRED", "false")] {
            let outcome = launch.run();
            outcome.status(0).seen();
            outcome.says("cannot write the audit log to");
            outcome.says("--audit-required=false lets the launch go on without its record");
        }
    }
}

#[test]
fn a_descriptor_can_be_the_log_and_stays_open_for_the_program() {
    let launch = Launch::sound("production").file("audit.log", "").options(["--audit-log", "fd:6"]);
    let file = File::options().append(true).open(launch.root().join("audit.log")).unwrap();
    let outcome = launch.descriptor(Descriptor::new(6, file)).run();
    let seen = outcome.status(0).seen();
    assert_eq!(records(&outcome).len(), 1);
    let fds: Vec<_> = seen.record["fds"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["fd"].as_i64().unwrap())
        .collect();
    assert_eq!(fds, [0, 1, 2, 6]);
}

#[test]
fn a_descriptor_that_was_not_opened_to_append_gets_its_line_at_the_end() {
    let launch =
        Launch::sound("production").file("log", "earlier\n").options(["--audit-log", "fd:6"]);
    for lines in 2..4 {
        let log = File::options().read(true).write(true).open(launch.root().join("log")).unwrap();
        let outcome = launch.clone().descriptor(Descriptor::new(6, log)).run();
        outcome.status(0).seen();
        let text = outcome.read("log");
        assert!(text.starts_with("earlier\n") && text.ends_with('\n'), "{text}");
        assert_eq!((text.lines().count(), Outcome::manifests_in(&text).len()), (lines, lines - 1));
    }
}

/// Holds the log's lock as another launch would; whoever waits has to give up at a deadline.
fn locked(path: &std::path::Path) -> File {
    let file = File::options().append(true).create(true).open(path).unwrap();
    file.lock().unwrap();
    let lock =
        libc::flock { l_type: libc::F_WRLCK as i16, l_whence: 0, l_start: 0, l_len: 0, l_pid: 0 };
    // Both kinds of lock, so that it does not matter which one the launcher takes.
    #[allow(unsafe_code, reason = "record locks have no safe interface")]
    // SAFETY: `lock` lives for the call.
    let taken = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const lock) };
    assert_eq!(taken, 0);
    file
}

#[test]
fn a_lock_that_is_never_given_back_ends_at_a_deadline() {
    let launch = audited();
    let _lock = locked(&launch.root().join("audit.log"));
    let outcome = launch.run();
    outcome.status(73).no_panic().program_did_not_run();
    outcome.says("another process kept it locked for 5 s");
    assert_eq!(outcome.read("audit.log"), "");
}

#[test]
fn a_lock_that_is_given_back_lets_the_launch_go_on() {
    let launch = audited();
    let lock = locked(&launch.root().join("audit.log"));
    let running = launch.start();
    wait_for("the launcher to wait", || waits_for(&running, "audit.log"));
    drop(lock);
    let outcome = running.finish();
    outcome.status(0).seen();
    assert_eq!(records(&outcome).len(), 1);
}

/// Whether it has the log open and sleeps.
fn waits_for(running: &Running, log: &str) -> bool {
    let open = std::fs::read_dir(format!("/proc/{}/fd", running.pid())).into_iter().flatten();
    let mut links = open.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    links.any(|link| link.ends_with(log)) && running.state() == 'S'
}

/// Rotated, by whatever name, or removed: what the operator reads is what stands there now.
#[test]
fn a_log_that_is_moved_while_its_lock_is_waited_for_gets_the_line_where_it_is_now() {
    for (moved, made_anew) in [(true, true), (true, false), (false, true), (false, false)] {
        let launch = audited().file("audit.log", "earlier\n");
        let log = launch.root().join("audit.log");
        let lock = locked(&log);
        let running = launch.start();
        wait_for("the launcher to wait", || waits_for(&running, "audit.log"));
        match moved {
            true => std::fs::rename(&log, log.with_extension("1")).unwrap(),
            false => std::fs::remove_file(&log).unwrap(),
        }
        if made_anew {
            std::fs::write(&log, "").unwrap();
        }
        drop(lock);
        let outcome = running.finish();
        outcome.status(0).seen();
        assert_eq!(records(&outcome).len(), 1, "{moved} {made_anew}");
        if moved {
            assert_eq!(outcome.read("audit.1"), "earlier\n");
        }
    }
}

#[test]
fn a_refusal_is_explained_where_its_line_cannot_be_written() {
    let outcome = Launch::witness(["--mode", "production", "--audit-log", "{root}/none/log"]).run();
    outcome.status(78).program_did_not_run();
    outcome.error("missing-required", "JWT_SECRET").says("cannot write the audit log");
}

/// Whichever of the two records failed, and wherever the manifest was to go.
#[test]
fn a_launch_that_a_record_prevented_prints_its_manifest_as_refused() {
    let place = ["--audit-log", "{root}/none/log"];
    let outcome = Launch::sound("production").options(place).run();
    outcome.status(73).program_did_not_run();
    let said = Outcome::manifests_in(&outcome.err());
    assert_eq!((said.len(), &said[0]["outcome"]), (1, &"refused".into()), "{outcome}");
    assert_eq!(said[0]["findings"], serde_json::json!([]));

    let outcome = Launch::sound("production").options(place).options(["--manifest", "text"]).run();
    outcome.status(73).says("refused").says("JWT_SECRET").says("cannot write the audit log");

    let named = ["--manifest-to", "{root}/manifest"];
    let outcome = Launch::sound("production").options(place).options(named).run();
    outcome.status(73).says("cannot write the audit log").program_did_not_run();
    let said = Outcome::manifests_in(&outcome.read("manifest"));
    assert_eq!((said.len(), &said[0]["outcome"]), (1, &"refused".into()), "{outcome}");
    assert_eq!(Outcome::manifests_in(&outcome.err()).len(), 0);

    for (options, status) in [(&["--label", "a=b"][..], 73), (&["--mode", "staging"], 78)] {
        let unnamed = ["--manifest-to", "{root}/none/manifest"];
        let launch =
            if status == 73 { Launch::sound("production") } else { Launch::witness([""; 0]) };
        let outcome = launch.options(options).options(unnamed).run();
        outcome.status(status).says("cannot write the manifest").program_did_not_run();
        let said = Outcome::manifests_in(&outcome.err());
        assert_eq!((said.len(), &said[0]["outcome"]), (1, &"refused".into()), "{outcome}");
    }
}

#[test]
fn a_start_that_the_manifest_prevented_is_not_left_standing_as_one() {
    let outcome = audited().options(["--manifest-to", "{root}/none/manifest"]).run();
    outcome.status(73).program_did_not_run();
    let outcomes: Vec<_> = records(&outcome).iter().map(|r| r["outcome"].clone()).collect();
    assert_eq!(outcomes, ["exec", "failed"]);
}

#[test]
fn a_file_that_may_not_grow_is_73_and_no_signal() {
    let outcome = Launch::sound("production")
        .file("audit.log", "")
        .options(["--audit-log", "{root}/audit.log"])
        .limit(libc::RLIMIT_FSIZE, 0, 0)
        .run();
    outcome.status(73).program_did_not_run();
    assert_eq!(outcome.read("audit.log"), "");
}

/// A launch whose disk is slow, and one that comes and goes while it waits.
struct Beside {
    root: PathBuf,
    log: PathBuf,
    first: Child,
    second: ExitStatus,
}

impl Beside {
    /// `fault` is what becomes of the first one's waiting for the disk; it has written its line when
    /// the second begins.
    fn run(name: &str, fault: &str) -> Option<Beside> {
        let strace = strace()?;
        let process = std::process::id();
        let root = std::env::temp_dir().join(format!("nexis-launch-{name}-{process}"));
        std::fs::create_dir(&root).unwrap();
        let log = root.join("audit.log");
        let launch = |command: &mut Command| {
            command
                .arg(env!("CARGO_BIN_EXE_nexis-launch"))
                .args(["run", "--mode", "production", "--manifest", "off", "--audit-log"])
                .arg(&log)
                .args(["--", "/bin/true"])
                .env_clear()
                .env("JWT_SECRET", SECRET)
                .env("NEXIS_CORS_ALLOW_ORIGINS", "https://app.nexis.example")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap()
        };
        let fault = format!("inject=fdatasync:{fault}");
        let first = launch(Command::new(strace).args(["-o", "/dev/null", "-e", &fault]));
        for _ in 0..100 {
            if !Beside::records(&log).is_empty() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        assert_eq!(Beside::records(&log).len(), 1, "the first has written and not yet synced");
        let second = launch(&mut Command::new("/usr/bin/env")).wait().unwrap();
        Some(Beside { root, log, first, second })
    }

    fn records(log: &Path) -> Vec<serde_json::Value> {
        Outcome::manifests_in(&std::fs::read_to_string(log).unwrap_or_default())
    }

    /// What the log holds in the end.
    fn end(self) -> Vec<serde_json::Value> {
        let records = Beside::records(&self.log);
        std::fs::remove_dir_all(&self.root).unwrap();
        records
    }
}

#[test]
fn a_launch_that_waits_for_the_disk_holds_up_no_other() {
    // Longer than anybody waits for the lock.
    let Some(mut beside) = Beside::run("slow", "delay_enter=20000000") else { return };
    let waits = beside.first.try_wait().unwrap().is_none();
    beside.first.kill().unwrap();
    beside.first.wait().unwrap();
    assert!(beside.second.success(), "{}", beside.second);
    assert!(waits, "the second launch ended after the first");
    assert_eq!(beside.end().len(), 2);
}

#[test]
fn a_line_that_cannot_be_taken_back_is_followed_by_one_that_says_failed() {
    let fault = "error=EIO:delay_enter=3000000";
    let Some(mut beside) = Beside::run("unsure", fault) else { return };
    assert!(beside.second.success(), "{}", beside.second);
    assert_eq!(beside.first.wait().unwrap().code(), Some(73));
    let records = beside.end();
    let outcomes: Vec<_> = records.iter().map(|it| it["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["exec", "exec", "failed"]);
    assert_eq!(records[0]["launch"], records[2]["launch"]);
    assert!(records[2]["error"].as_str().unwrap().contains("EIO"), "{}", records[2]);
}
