//! The tests against one mutant.

use crate::build::{MAGIC, Program};
use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::FileExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How the tests of one program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    Passed,
    /// The first test that failed, where one is named.
    Failed(Option<String>),
    TimedOut,
}

/// The place of the number in a program.
pub fn place(program: &Program) -> Option<u64> {
    let content = fs::read(&program.path).expect("a program");
    let mut places = content.windows(MAGIC.len()).enumerate();
    let (at, _) = places.find(|(_, part)| part == MAGIC)?;
    assert!(places.all(|(_, part)| part != MAGIC), "two switches in {}", program.name);
    Some(u64::try_from(at).expect("a place") + 16)
}

/// Sets the number at its place.
pub fn set_at(program: &Program, at: u64, number: usize) {
    let bytes = u32::try_from(number).expect("a number").to_le_bytes();
    for _ in 0..100 {
        if let Ok(file) = OpenOptions::new().write(true).open(&program.path) {
            return file.write_all_at(&bytes, at).expect("a program is written");
        }
        // What a mutant left behind still runs it: it goes on in the old file.
        let copy = program.path.with_extension("copy");
        fs::copy(&program.path, &copy).expect("a program is copied");
        fs::rename(&copy, &program.path).expect("a program is replaced");
    }
    panic!("{} cannot be written", program.path.display());
}

/// Runs a program's tests until one fails.
pub fn run(
    program: &Program,
    arguments: &[String],
    limit: Duration,
    tree: &std::path::Path,
) -> End {
    let mut command = Command::new("nice");
    command
        .args([
            "-n",
            "9",
            "prlimit",
            "--cpu=60",
            "--core=0",
            "--data=6000000000",
            "--fsize=2000000000",
            "--",
        ])
        .arg(&program.path)
        .args(arguments)
        .current_dir(tree)
        .env("CARGO_MANIFEST_DIR", tree)
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0);
    let mut child = command.spawn().expect("a program of tests starts");
    let group = format!("-{}", child.id());
    let (sender, receiver) = mpsc::channel();
    let output = child.stdout.take().expect("its output");
    thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    let until = Instant::now() + limit;
    let mut passed = false;
    let end = loop {
        match receiver.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                if let Some(test) =
                    line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED"))
                {
                    let test = test.split(" - should panic").next().unwrap_or(test);
                    break End::Failed(Some(test.to_owned()));
                }
                passed |= line.starts_with("test result: ok");
            }
            Err(mpsc::RecvTimeoutError::Timeout) => break End::TimedOut,
            Err(mpsc::RecvTimeoutError::Disconnected) if passed => break End::Passed,
            Err(mpsc::RecvTimeoutError::Disconnected) => break End::Failed(None),
        }
    };
    let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
    let status = child.wait();
    // A loop without an end reaches the limit of its time on the processor.
    let looped = status.is_ok_and(|status| status.signal() == Some(24));
    if looped && end == End::Failed(None) { End::TimedOut } else { end }
}

/// The tests that fail without a mutant.
pub fn broken(
    program: &Program,
    arguments: &[String],
    limit: Duration,
    tree: &std::path::Path,
) -> BTreeSet<String> {
    let mut broken = BTreeSet::new();
    loop {
        let mut all = arguments.to_vec();
        all.extend(broken.iter().flat_map(|test: &String| ["--skip".to_owned(), test.clone()]));
        match run(program, &all, limit, tree) {
            End::Passed => return broken,
            End::Failed(Some(test)) if broken.insert(test.clone()) => {}
            end => panic!("{} without a mutant: {end:?}", program.name),
        }
    }
}
