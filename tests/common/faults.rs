//! Launches in which one system call fails, and what has to hold of each.

use super::{Launch, Outcome, left};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The failures that are injected.
pub const ERRNOS: [&str; 7] = ["EINTR", "EIO", "ENOSPC", "EMFILE", "EACCES", "EAGAIN", "ENOMEM"];

/// The documented statuses of a launch that did not start its program, without that of a fault of
/// the launcher itself.
const STATUSES: [i32; 9] = [64, 65, 66, 73, 75, 77, 78, 126, 127];

/// The calls that saying something takes.
const MUTING: [&str; 4] = ["write", "poll", "rt_sigprocmask", "signalfd4"];

/// Where `strace` is. In CI it has to be.
pub fn strace() -> Option<PathBuf> {
    let found = ["/usr/bin/strace", "/usr/local/bin/strace"].map(PathBuf::from);
    let found = found.into_iter().find(|path| path.exists());
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "strace is missing");
        let _ = writeln!(std::io::stderr(), "skipped: strace is not installed");
    }
    found
}

/// One system call of a launch.
#[derive(Clone, Debug)]
struct Call {
    /// Its name.
    name: String,
    /// How many of that name there are up to it, as `strace` counts for its injections.
    number: usize,
    /// Whether the C library makes it before `main`.
    early: bool,
}

/// A launch with an audit log and a manifest in files of its own.
pub type Case = fn() -> Launch;

/// Under `strace` with these options. The tracer is no parent of what it traces and leaves each
/// process that begins a program, so that nothing fails in the witness or in a provider's program.
fn traced(mut launch: Launch, strace: &Path, options: &[&str]) -> Launch {
    let always = ["-D", "-f", "-b", "execve", "-qq"];
    let mut args: Vec<OsString> = always.iter().chain(options).map(OsString::from).collect();
    args.push(launch.binary.clone().into_os_string());
    args.append(&mut launch.args);
    launch.args = args;
    launch.binary = strace.to_owned();
    launch
}

/// Waits for the end of what belongs to the launch, the tracer included; what is left after 2 s.
fn await_all(root: &Path) -> Vec<(i32, String)> {
    let begin = Instant::now();
    loop {
        let left = left(root);
        if left.is_empty() || begin.elapsed() > Duration::from_secs(2) {
            return left;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Each system call that a launch makes up to the exec of its program, and its children up to
/// theirs.
fn calls(strace: &Path, case: Case) -> Vec<Call> {
    let launch = case();
    let file = launch.root().join("calls");
    let outcome = traced(launch, strace, &["-o", "{root}/calls"]).run();
    assert_eq!(await_all(outcome.root()), []);
    let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
    let mut found: Vec<Call> = Vec::new();
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut early = true;
    // The first is the launcher's own exec, which is over before anything is made to fail.
    for line in text.lines().skip(1) {
        let Some((pid, rest)) = line.split_once(char::is_whitespace) else { continue };
        let Some((name, arguments)) = rest.trim_start().split_once('(') else { continue };
        let plain = |it: u8| it.is_ascii_lowercase() || it == b'_' || it.is_ascii_digit();
        if !name.bytes().all(plain) || ["", "exit_group", "exit", "rt_sigreturn"].contains(&name) {
            continue;
        }
        early &= !(name == "rt_sigaction" && arguments.starts_with("SIGPIPE"));
        let count = counts.entry((pid.to_owned(), name.to_owned())).or_default();
        *count += 1;
        if !found.iter().any(|it| it.name == name && it.number == *count) {
            found.push(Call { name: name.to_owned(), number: *count, early });
        }
    }
    found
}

/// What is the same in every good launch of a case.
#[derive(Clone, Debug, PartialEq)]
struct Good {
    environment: Vec<String>,
    argv: Vec<String>,
    state: Value,
    variables: Value,
    removed: Value,
    findings: Value,
}

impl Good {
    /// What is other than in `good`.
    fn differs_from(&self, good: &Good) -> String {
        let (this, good) = (format!("{self:#?}"), format!("{good:#?}"));
        let only = |all: &str, other: &str| -> Vec<String> {
            all.lines().filter(|it| !other.contains(it)).map(|it| it.trim().to_owned()).collect()
        };
        format!("started with {:?} instead of {:?}", only(&this, &good), only(&good, &this))
    }
}

fn neutral(outcome: &Outcome, text: &str) -> String {
    text.replace(outcome.root().to_str().unwrap(), "{root}")
}

/// Every record of a file; `Err` where it holds anything but whole lines of JSON.
fn records(outcome: &Outcome, name: &str) -> Result<Vec<Value>, String> {
    let text = std::fs::read(outcome.root().join(name)).unwrap_or_default();
    if !text.is_empty() && !text.ends_with(b"\n") {
        return Err(format!("{name} ends within a line"));
    }
    let text = String::from_utf8(text).map_err(|_| format!("{name} is no text"))?;
    let line = |line: &str| {
        serde_json::from_str(line).map_err(|error| format!("{name} has a broken line: {error}"))
    };
    text.lines().map(line).collect()
}

fn good(outcome: &Outcome) -> Result<Good, String> {
    let seen = catch_unwind(AssertUnwindSafe(|| outcome.seen()))
        .map_err(|_| "the program did not run".to_owned())?;
    let text = |all: &[Vec<u8>]| -> Vec<String> {
        all.iter().map(|it| neutral(outcome, &String::from_utf8_lossy(it))).collect()
    };
    let mut both = Vec::new();
    for name in ["audit", "manifest"] {
        match records(outcome, name)?.as_slice() {
            [one] if one["outcome"] == "exec" => both.push(one.clone()),
            other => return Err(format!("{name} has {} records of a start", other.len())),
        }
    }
    if both[0] != both[1] {
        return Err("audit log and manifest differ".to_owned());
    }
    let part = |key: &str| -> Value {
        serde_json::from_str(&neutral(outcome, &both[0][key].to_string())).unwrap()
    };
    let state = ["signals", "uid", "gid", "dumpable", "subreaper", "no_new_privs", "children"];
    let mut state: Value =
        state.iter().map(|key| ((*key).to_owned(), seen.record[*key].clone())).collect();
    let fds: Vec<Value> =
        seen.record["fds"].as_array().unwrap().iter().map(|it| it["fd"].clone()).collect();
    state["fds"] = fds.into();
    Ok(Good {
        environment: text(&seen.environment),
        argv: text(&seen.argv),
        state,
        variables: part("variables"),
        removed: part("removed"),
        findings: part("findings"),
    })
}

/// What is wrong with a launch that did not start its program.
fn refused(outcome: &Outcome, fault: Fault, keeps: bool) -> Result<(), String> {
    if outcome.root().join("work/witness.json").exists() {
        return Err("the program ran".to_owned());
    }
    let [audit, manifest] = [records(outcome, "audit")?, records(outcome, "manifest")?];
    if fault.early && audit.is_empty() && manifest.is_empty() {
        // The C library gave up before the launcher began.
        return Ok(());
    }
    let text = outcome.err();
    let software = text.contains("cannot put the process back as it was");
    match outcome.status {
        Some(70) if software => {}
        Some(status) if STATUSES.contains(&status) && !software => {}
        _ => return Err("no documented status".to_owned()),
    }
    for (name, records) in [("audit", audit), ("manifest", manifest)] {
        if records.last().is_some_and(|it| it["outcome"] == "exec") {
            return Err(format!("{name} says exec, and the program was not started"));
        }
    }
    said(&text, keeps, fault.mutes)
}

/// One message, or the findings, each once and with what to do; both where a launch that is refused
/// cannot be recorded either (`keeps`), and none where what failed was to say it (`mutes`).
fn said(text: &str, keeps: bool, mutes: bool) -> Result<(), String> {
    let messages = text.lines().filter(|it| it.starts_with("nexis-launch: ")).count();
    let errors = text.lines().filter(|it| it.starts_with("error ")).count();
    let mut lines: Vec<&str> = text
        .lines()
        .filter(|it| it.starts_with("nexis-launch: ") || it.starts_with("error "))
        .collect();
    let all = lines.len();
    lines.sort_unstable();
    lines.dedup();
    match (messages, errors) {
        (0, 0) if keeps && mutes => Ok(()),
        (1, 0) | (0, 1..) if text.contains("hint: ") && lines.len() == all => Ok(()),
        (1, 1..) if keeps && text.contains("hint: ") && lines.len() == all => Ok(()),
        _ => Err(format!("{messages} messages and {errors} findings are said")),
    }
}

/// What came of the launches of a case.
#[derive(Default)]
pub struct Tally {
    /// How often each status was seen; 0: started as it should.
    pub statuses: BTreeMap<String, usize>,
    /// What does not hold.
    pub wrong: Vec<String>,
}

impl Tally {
    fn add(&mut self, place: &str, outcome: &Outcome, verdict: Result<(), String>) {
        let status = match (outcome.status, outcome.signal) {
            (Some(status), _) => status.to_string(),
            (None, signal) => format!("signal {}", signal.unwrap_or_default()),
        };
        *self.statuses.entry(status).or_default() += 1;
        if let Err(why) = verdict {
            self.wrong.push(format!("{place}: {why}\n{outcome}"));
        }
    }

    /// How many launches there were.
    pub fn launches(&self) -> usize {
        self.statuses.values().sum()
    }
}

/// What the place of a failure allows.
#[derive(Clone, Copy, Default)]
pub struct Fault {
    /// The C library may have given up before `main`.
    pub early: bool,
    /// It can be what was to be said that failed.
    pub mutes: bool,
}

/// Whether all that has to hold of an outcome does. `good_one` is what a launch without the failure
/// starts; `None`: it is refused.
fn judged(outcome: &Outcome, good_one: Option<&Good>, fault: Fault) -> Result<(), String> {
    let left = await_all(outcome.root());
    if !left.is_empty() {
        return Err(format!("processes are left: {left:?}"));
    }
    let clean = catch_unwind(AssertUnwindSafe(|| {
        outcome.no_canary();
    }));
    clean.map_err(|_| "a canary is shown".to_owned())?;
    let text = outcome.err();
    if text.contains("panicked") || text.contains("fault of its own") {
        return Err("a panic".to_owned());
    }
    let Some(good_one) = good_one.filter(|_| outcome.status == Some(0)) else {
        return refused(outcome, fault, good_one.is_none());
    };
    let this = good(outcome)?;
    if this != *good_one {
        return Err(this.differs_from(good_one));
    }
    match text.contains("nexis-launch: ") || text.contains("error ") {
        true => Err("an error is said, and the program was started".to_owned()),
        false => Ok(()),
    }
}

/// Starts the case once for each of `faults`, with as many at a time as there are processors, and
/// looks at what came of it.
pub fn each<F: Sync>(
    case: Case,
    faults: &[F],
    fault: impl Fn(&F) -> Fault + Sync,
    place: impl Fn(&F) -> String + Sync,
    change: impl Fn(&F, Launch) -> Launch + Sync,
) -> Tally {
    let expected = case().run();
    let good_one = match expected.status {
        Some(0) => Some(good(&expected).unwrap_or_else(|why| panic!("{why}\n{expected}"))),
        _ => {
            let verdict = refused(&expected, Fault::default(), false);
            verdict.unwrap_or_else(|why| panic!("{why}\n{expected}"));
            None
        }
    };
    let tally = Mutex::new(Tally::default());
    let next = AtomicUsize::new(0);
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(it) = faults.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = change(it, case()).run();
                    let verdict = judged(&outcome, good_one.as_ref(), fault(it));
                    tally.lock().unwrap().add(&place(it), &outcome, verdict);
                }
            });
        }
    });
    tally.into_inner().unwrap()
}

/// Whether every failure is injected at every call of every case, and not one failure a call.
pub fn all() -> bool {
    std::env::var_os("NEXIS_LAUNCH_FAULTS").is_some_and(|it| it.as_bytes() == b"all")
}

/// Lets each call of the case fail in turn, with every failure where `whole`.
///
/// # Panics
/// Where something does not hold.
pub fn each_call_fails(name: &str, case: Case, whole: bool) {
    each_call_of_fails(None, name, case, whole);
}

/// The same of the calls of one name alone, where one is named.
///
/// # Panics
/// As [`each_call_fails`].
pub fn each_call_of_fails(only: Option<&str>, name: &str, case: Case, whole: bool) {
    let Some(strace) = strace() else { return };
    let mut calls = calls(&strace, case);
    calls.retain(|call| only.is_none_or(|only| call.name == only));
    assert!(calls.iter().any(|it| !it.early), "{calls:?}");
    let mut faults = Vec::new();
    for (position, call) in calls.iter().enumerate() {
        for (at, errno) in ERRNOS.iter().enumerate() {
            if whole || at == position % ERRNOS.len() {
                faults.push((call.clone(), *errno));
            }
        }
    }
    let tally = each(
        case,
        &faults,
        |(call, _)| Fault { early: call.early, mutes: MUTING.contains(&call.name.as_str()) },
        |(call, errno)| format!("{name}: {errno} from {} {}", call.name, call.number),
        |(call, errno), launch| {
            let inject = format!("inject={}:error={errno}:when={}", call.name, call.number);
            let trace = format!("trace={}", call.name);
            traced(launch, &strace, &["-o", "/dev/null", "-e", &trace, "-e", &inject])
        },
    );
    tell(name, calls.len(), &tally);
    assert_eq!(tally.launches(), faults.len());
    assert!(tally.wrong.is_empty(), "{} wrong\n{}", tally.wrong.len(), tally.wrong.join("\n"));
}

/// Says the figures, for whoever runs the test with `--nocapture`.
pub fn tell(name: &str, places: usize, tally: &Tally) {
    let _ = writeln!(
        std::io::stderr(),
        "{name}: {places} places, {} launches, by status {:?}, {} wrong",
        tally.launches(),
        tally.statuses,
        tally.wrong.len()
    );
}
