//! Many launches at once from a volume that is rotated under them, all with one audit log and one
//! ledger, some with a provider. Each is looked at: the values and their generation, descriptors,
//! children; then the log, the ledger and the processes that are left.
//!
//! `tests/load/run` makes ten thousand of them, a hundred at a time, with the release binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// One in so many launches asks a provider, and that many have no volume but references to it.
const SOME: usize = 5;

/// What the provider answers.
const ANSWER: &str = "Rz4Kq9Wm2Xb7Tn5Lc8Vy1Jd6Hp3Gf0Ss";

/// What was counted.
#[derive(Debug, Default)]
struct Counts {
    launches: AtomicUsize,
    refused: AtomicUsize,
    wrong_values: AtomicUsize,
    mixed_generations: AtomicUsize,
    leaked_descriptors: AtomicUsize,
    children: AtomicUsize,
}

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().map_or(default, |it| it.parse().unwrap())
}

fn stage() -> Desk {
    let desk = Desk::new();
    for directory in ["volume", "dumps", "no-secrets"] {
        std::fs::create_dir(desk.path(directory)).unwrap();
    }
    publish(&desk.path("volume"), 0);
    for (key, _) in KEYS {
        let target = format!("..data/{key}");
        std::os::unix::fs::symlink(target, desk.path("volume").join(key)).unwrap();
    }
    desk.write("answer", ANSWER);
    let contract = format!(
        "version: 1\nname: loaded\nextends: builtin:nexis-gateway\nvariables:\n  - {{name: \
         PARTNER_KEY, secret: true, provider: store, required: always}}\nproviders:\n  - {{name: \
         store, command: [/bin/cat, '{}'], format: raw}}\n",
        desk.path("answer").display()
    );
    desk.write("contract.yaml", contract);
    desk.adopt("JWT_SECRET", 3);
    desk
}

/// Launch `number`, whose program writes what it found into a file of its own.
fn command(desk: &Desk, number: usize) -> Command {
    let binary = std::env::var_os("LOAD_BINARY");
    let mut command = Command::new(binary.unwrap_or(env!("CARGO_BIN_EXE_nexis-launch").into()));
    let at = |name: &str| desk.path(name).into_os_string();
    command
        .args(["run", "--mode", "production", "--manifest", "off", "--audit-log"])
        .arg(at("audit.log"))
        .args(["--label", &format!("number={number}"), "--ledger"])
        .arg(at("ledger"))
        .arg("--fingerprint-key-file")
        .arg(at("fingerprint.key"));
    command.env_clear().env("NEXIS_CORS_ALLOW_ORIGINS", "https://app.nexis.example");
    if number.is_multiple_of(SOME) {
        command.arg("--contract").arg(at("contract.yaml"));
    }
    if number % SOME == 1 {
        command.arg("--secrets-dir").arg(at("no-secrets"));
        for (key, _) in KEYS {
            let name = key.to_uppercase().replace('-', "_") + "_FILE";
            command.env(name, desk.path("volume").join(key));
        }
    } else {
        command.arg("--secrets-dir").arg(at("volume"));
    }
    command.arg("--").arg(example("witness")).arg(dump(desk, number));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn dump(desk: &Desk, number: usize) -> std::path::PathBuf {
    desk.path("dumps").join(number.to_string())
}

/// The numbers of the descriptors that a program found open.
fn descriptors(record: &Value) -> Vec<i64> {
    record["fds"].as_array().unwrap().iter().map(|it| it["fd"].as_i64().unwrap()).collect()
}

/// Those that a program has which this test starts directly: whatever started the test may have
/// left more open than three.
fn descriptors_of_a_direct_start(desk: &Desk) -> Vec<i64> {
    let file = dump(desk, usize::MAX);
    let mut command = Command::new(example("witness"));
    command.arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    assert!(spawn(&mut command).wait_with_output().unwrap().status.success());
    descriptors(&serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap())
}

/// Looks at what the program of launch `number` found.
fn look(desk: &Desk, number: usize, counts: &Counts, own: &[i64]) {
    let text = std::fs::read_to_string(dump(desk, number)).unwrap();
    let record: Value = serde_json::from_str(&text).unwrap();
    let hex = |it: &Value| it.as_str().unwrap().to_owned();
    let entries: BTreeSet<String> =
        record["environment"].as_array().unwrap().iter().map(hex).collect();
    let encoded =
        |text: String| -> String { text.bytes().map(|byte| format!("{byte:02x}")).collect() };
    let mut generations = BTreeSet::new();
    for (key, value) in KEYS {
        let begin = encoded(format!("{}={}", key.to_uppercase().replace('-', "_"), &value[6..]));
        let ends = entries.iter().find_map(|it| it.strip_prefix(&begin));
        // Six digits of the generation, each as two of hexadecimal: 30 to 39.
        match ends.filter(|it| it.len() == 12 && it.bytes().step_by(2).all(|it| it == b'3')) {
            Some(digits) => _ = generations.insert(digits.to_owned()),
            None => _ = counts.wrong_values.fetch_add(1, Ordering::Relaxed),
        }
    }
    if generations.len() > 1 {
        counts.mixed_generations.fetch_add(1, Ordering::Relaxed);
    }
    let partner = entries.contains(&encoded(format!("PARTNER_KEY={ANSWER}")));
    if partner != number.is_multiple_of(SOME) {
        counts.wrong_values.fetch_add(1, Ordering::Relaxed);
    }
    if descriptors(&record) != *own {
        counts.leaked_descriptors.fetch_add(1, Ordering::Relaxed);
    }
    if record["children"] != "" {
        counts.children.fetch_add(1, Ordering::Relaxed);
    }
    std::fs::remove_file(dump(desk, number)).unwrap();
}

/// The lines of the audit log: torn ones, and how often each launch has one.
fn audit(path: &Path) -> (usize, BTreeMap<usize, usize>) {
    let (mut torn, mut found) = (0, BTreeMap::new());
    for line in std::fs::read_to_string(path).unwrap().split_inclusive('\n') {
        let record: Value = serde_json::from_str(line).unwrap_or_default();
        let number = record["labels"]["number"].as_str().and_then(|it| it.parse().ok());
        match number.filter(|_| record["outcome"] == "exec" && line.ends_with('\n')) {
            Some(number) => *found.entry(number).or_default() += 1,
            None => torn += 1,
        }
    }
    (torn, found)
}

#[test]
fn launches_at_once_during_rotations_are_each_as_one_alone() {
    let (total, at_once) = (setting("LOAD_LAUNCHES", 1000), setting("LOAD_AT_ONCE", 50));
    let desk = stage();
    let own = descriptors_of_a_direct_start(&desk);
    let (counts, stop, next) = (Counts::default(), AtomicBool::new(false), AtomicUsize::new(0));
    let started = Instant::now();
    let (rotations, adopted) = std::thread::scope(|scope| {
        let rotating = scope.spawn(|| {
            let mut number = 0;
            while !stop.load(Ordering::Relaxed) {
                number += 1;
                publish(&desk.path("volume"), number);
                // A thousand times as often as any kubelet.
                std::thread::sleep(Duration::from_millis(20));
            }
            number
        });
        let adopting = scope.spawn(|| {
            let (mut number, created) = (0, days_ago(3));
            while !stop.load(Ordering::Relaxed) {
                number += 1;
                let (name, file) = (format!("other-{number}"), desk.path("old"));
                let words = ["rotate", "adopt", &name, "--class", "encryption", "--value-file"];
                let words = [&words[..], &[file.to_str().unwrap(), "--created", &created]].concat();
                desk.done(&words);
                std::thread::sleep(Duration::from_millis(100));
            }
            number
        });
        let workers: Vec<_> = (0..at_once)
            .map(|_| {
                scope.spawn(|| {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= total {
                            break;
                        }
                        let child = spawn(&mut command(&desk, number));
                        let ended = child.wait_with_output().unwrap();
                        counts.launches.fetch_add(1, Ordering::Relaxed);
                        if ended.status.success() {
                            look(&desk, number, &counts, &own);
                        } else {
                            counts.refused.fetch_add(1, Ordering::Relaxed);
                            let said = String::from_utf8_lossy(&ended.stderr);
                            let _ =
                                writeln!(std::io::stderr(), "{number} {}\n{said}", ended.status);
                        }
                    }
                })
            })
            .collect();
        // Whatever fails in them, the others have to be stopped.
        let results: Vec<_> = workers.into_iter().map(|it| it.join()).collect();
        stop.store(true, Ordering::Relaxed);
        let others = (rotating.join(), adopting.join());
        results.into_iter().for_each(|it| it.unwrap());
        (others.0.unwrap(), others.1.unwrap())
    });
    let seconds = started.elapsed().as_secs_f64();
    let (torn, lines) = audit(&desk.path("audit.log"));
    let lost = (0..total).filter(|number| lines.get(number) != Some(&1)).count();
    let left = left(&desk.path(""));
    let _ = writeln!(
        std::io::stderr(),
        "{total} launches, {at_once} at a time, {seconds:.1} s; {rotations} rotations, {adopted} \
         records written\n{counts:?}\naudit lines lost or doubled: {lost}, torn: {torn}; processes \
         left: {}",
        left.len()
    );
    let all = |count: &AtomicUsize| count.load(Ordering::Relaxed);
    assert_eq!(all(&counts.launches), total);
    for wrong in [
        &counts.refused,
        &counts.wrong_values,
        &counts.mixed_generations,
        &counts.leaked_descriptors,
        &counts.children,
    ] {
        assert_eq!(all(wrong), 0, "{counts:?}");
    }
    assert_eq!((lost, torn), (0, 0));
    assert!(left.is_empty(), "{left:?}");
    assert!(rotations > 10, "hardly anything was rotated meanwhile: {rotations}");
    desk.done(&["ledger", "verify"]);
    assert!(desk.file(&format!("other-{adopted}")).exists());
}
