//! Memory, the size of files and disks run out, step by step: a launch is the right one or is
//! refused by a documented status, what is written is whole, and no value is shown.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// A launch with a contract that does not fit into the memory that the launcher has from its start.
fn large() -> Launch {
    let rows: String = (0..600).map(|row| format!("  - {{name: MY_OWN_{row}, secret: false, purpose: 'a text of some length that takes room', default: '{row}'}}\n")).collect();
    let contract =
        format!("version: 1\nname: own\nextends: builtin:nexis-gateway\nvariables:\n{rows}");
    recorded(Launch::sound("production").contract(&contract))
}

fn recorded(launch: Launch) -> Launch {
    let records = ["--audit-log", "{root}/audit", "--manifest-to", "{root}/manifest"];
    launch.options(records).canary(SECRET)
}

/// The outcomes in a file of records, which holds whole lines alone.
fn outcomes(outcome: &Outcome, file: &str) -> Vec<String> {
    let path = outcome.root().join(file);
    let text = std::fs::read(&path).unwrap_or_default();
    let text = String::from_utf8(text).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{file} ends within a line\n{outcome}");
    let records = Outcome::manifests_in(&text);
    assert_eq!(records.len(), text.lines().count(), "{file} holds more than records\n{outcome}");
    records.iter().map(|it| it["outcome"].as_str().unwrap().to_owned()).collect()
}

/// How a launch ended that had too little of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// The program ran with what it was to have.
    Right,
    /// The program was started, and had too little itself.
    ProgramsOwn,
    /// The launcher says why not.
    Refused(i32),
    /// The kernel or the C library gave up before the launcher began.
    NeverBegan,
}

fn end(outcome: &Outcome) -> End {
    outcome.no_canary();
    let (audit, manifest) = (outcomes(outcome, "audit"), outcomes(outcome, "manifest"));
    let ran = outcome.root().join("work/witness.json").exists();
    let text = String::from_utf8_lossy(&outcome.stderr).into_owned();
    let said = text.lines().filter(|it| it.starts_with("nexis-launch: ")).count();
    assert!(!text.contains("fault of its own") && !text.contains("panicked"), "{outcome}");
    if audit == ["exec"] && said == 0 {
        assert_eq!(manifest, ["exec"], "{outcome}");
        if outcome.status != Some(0) {
            return End::ProgramsOwn;
        }
        assert_eq!(outcome.seen().text("JWT_SECRET").as_deref(), Some(SECRET), "{outcome}");
        return End::Right;
    }
    assert!(!ran, "the program ran\n{outcome}");
    assert_ne!(audit.last().map(String::as_str), Some("exec"), "{outcome}");
    match outcome.status {
        Some(status @ (70 | 73)) => {
            // One of each record that could not be written.
            assert!((1..=2).contains(&said), "{outcome}");
            outcome.says("hint: ");
            End::Refused(status)
        }
        _ => {
            assert_eq!((said, audit.len(), manifest.len()), (0, 0, 0), "{outcome}");
            assert!(outcome.signal.is_some() || outcome.status == Some(127), "{outcome}");
            End::NeverBegan
        }
    }
}

#[test]
fn memory_runs_out_by_a_documented_status() {
    for (resource, most) in [(libc::RLIMIT_DATA, 6 << 20), (libc::RLIMIT_AS, 24 << 20)] {
        let mut seen = BTreeSet::new();
        for limit in (1..64).map(|step| most / 64 * step).rev() {
            let outcome = large().limit(resource, limit, limit).run();
            let end = end(&outcome);
            if end == End::Refused(70) {
                outcome.says("there is no more memory");
            }
            seen.insert(end);
        }
        assert!(seen.contains(&End::Refused(70)), "{resource}: {seen:?}");
        assert!(seen.contains(&End::NeverBegan), "{resource}: {seen:?}");
        assert!(!seen.contains(&End::Refused(73)), "{resource}: {seen:?}");
    }
}

#[test]
fn a_small_stack_is_enough_or_nothing_begins() {
    let mut seen = BTreeSet::new();
    for limit in (1..16).map(|step| 64 * 1024 * step).rev() {
        seen.insert(end(&large().limit(libc::RLIMIT_STACK, limit, limit).run()));
    }
    assert!(seen.contains(&End::Right) && seen.contains(&End::NeverBegan), "{seen:?}");
    assert!(seen.iter().all(|it| !matches!(it, End::Refused(_))), "{seen:?}");
}

#[test]
fn files_that_may_not_grow_hold_whole_records_or_none() {
    let size = recorded(Launch::sound("production")).run().status(0).read("audit").len() as u64;
    // With the witness' own file, which is larger than the record.
    for limit in [0, 1, 300, size - 1, size, size + 1, 4096, 1 << 20] {
        // What is said of it has room, being elsewhere.
        let (reader, writer) = std::io::pipe().unwrap();
        let writer = std::sync::Arc::new(std::os::fd::OwnedFd::from(writer));
        let launch = recorded(Launch::sound("production")).stderr(Stream::Fd(writer));
        let mut running = launch.limit(libc::RLIMIT_FSIZE, limit, limit).start();
        running.let_go();
        let mut outcome = running.finish();
        outcome.stderr = std::io::read_to_string(reader).unwrap().into_bytes();
        match end(&outcome) {
            End::Refused(73) => assert!(limit < size, "{limit}\n{outcome}"),
            End::Right | End::ProgramsOwn => assert!(limit >= size, "{limit}\n{outcome}"),
            other => panic!("{limit}: {other:?}\n{outcome}"),
        }
    }
}

/// The launch in a mount namespace of its own, after `script` has made `{root}/disk` what it is to
/// be. What is in there afterwards is kept in `{root}/kept`. `None` for who cannot mount.
fn on_disk(mut launch: Launch, script: &str) -> Option<Outcome> {
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        return None;
    }
    let launcher = launch.binary.clone();
    launch.binary = PathBuf::from("/usr/bin/unshare");
    let script = format!(
        "cd {{root}}/disk || exit 99; {script} || exit 99; cd ../work; \"$0\" \"$@\"; status=$?; \
         cp -r ../disk ../kept || exit 99; exit $status"
    );
    let before = ["--mount", "/bin/sh", "-c", &script].map(Into::into);
    let args = before.into_iter().chain([launcher.into_os_string()]);
    launch.args = args.chain(launch.args).collect();
    let launch = launch.dir("disk").dir("none").env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    Some(launch.env("NEXIS_LAUNCH_SECRETS_DIR", "{root}/none").run())
}

/// Two pages, of which a file takes the first and most of the second.
const NEARLY_FULL: &str = "mount -t tmpfs -o size=8k,mode=755 none . && cd . && cd ../disk && \
    head -c 7900 /dev/zero | tr '\\0' '\\n' > audit";
/// Nothing can be made or changed.
const READ_ONLY: &str = "mount -t tmpfs -o ro none . && cd ../disk";
/// There is room for nothing.
const FULL: &str = "mount -t tmpfs -o size=4k,mode=755 none . && cd ../disk && \
    head -c 4096 /dev/zero > all";

#[test]
fn an_audit_line_that_a_disk_has_no_room_for_is_taken_back_whole() {
    let launch = Launch::sound("production").canary(SECRET);
    let launch = launch.options(["--audit-log", "{root}/disk/audit"]);
    let Some(outcome) = on_disk(launch, NEARLY_FULL) else { return };
    outcome.status(73).says("ENOSPC").program_did_not_run().no_canary();
    assert_eq!(outcome.read("kept/audit"), "\n".repeat(7900));
}

#[test]
fn records_on_a_full_or_a_read_only_disk_start_nothing() {
    for (script, why) in [(FULL, "ENOSPC"), (READ_ONLY, "EROFS")] {
        for option in ["--audit-log", "--manifest-to"] {
            let launch = Launch::sound("production").options([option, "{root}/disk/file"]);
            let Some(outcome) = on_disk(launch.canary(SECRET), script) else { return };
            outcome.status(73).says(why).says("hint: ").program_did_not_run().no_canary();
            let kept = outcome.root().join("kept/file");
            assert_eq!(std::fs::read(kept).unwrap_or_default(), b"", "{option}\n{outcome}");
        }
    }
}

#[test]
fn a_ledger_on_a_full_or_a_read_only_disk_stays_as_it_is() {
    let desk = Desk::new();
    for (script, why) in [(FULL, "ENOSPC"), (READ_ONLY, "EROFS")] {
        let created = days_ago(1);
        let words = ["rotate", "adopt", "JWT_SECRET", "--created", &created, "--value-file"];
        let adopt = desk.keyed(words.into_iter().chain(["{home}/old"]));
        let adopt = adopt.env("NEXIS_LAUNCH_LEDGER", "{root}/disk");
        let Some(outcome) = on_disk(adopt, script) else { return };
        outcome.status(73).says(why).no_canary().no_panic();
        let kept = outcome.root().join("kept");
        let files = std::fs::read_dir(kept).unwrap().flatten().map(|it| it.file_name());
        assert!(files.into_iter().all(|it| it == "all"), "a file is left\n{outcome}");
    }
}

#[test]
fn a_value_that_a_disk_has_no_room_for_is_not_made() {
    for (script, why) in [(FULL, "ENOSPC"), (READ_ONLY, "EROFS")] {
        let generate = Launch::command("generate", ["fingerprint-key", "--out"]);
        let Some(outcome) = on_disk(generate.args(["{root}/disk/key"]), script) else { return };
        outcome.status(73).says(why).says("hint: ");
        let kept = outcome.root().join("kept");
        let files = std::fs::read_dir(kept).unwrap().flatten().map(|it| it.file_name());
        assert!(files.into_iter().all(|it| it == "all"), "a file is left\n{outcome}");
    }
}
