//! `leak scan`: what it reaches, in a repository of which objects are damaged, behind a file that
//! has nothing to read and never ends, and in all names of a tree.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;

use common::{Launch, Outcome, SECRET, installed, skipped, strace};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// `leak scan --format json` for one value.
fn scan() -> Launch {
    Launch::command("leak", ["scan", "--format", "json", "--value-file", "KEY={root}/value"])
        .file("value", format!("{SECRET}\n"))
        .env("PATH", std::env::var("PATH").unwrap())
        .canary(SECRET)
}

fn json_of(outcome: &Outcome) -> Value {
    // A launch that is made twice adds to what it wrote.
    let text = outcome.out();
    let last = text.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|_| panic!("no JSON\n{outcome}"))
}

/// What git says in a repository.
fn git(at: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=a", "-c", "user.email=a@example.org"]).args(args);
    let ended =
        command.current_dir(at).env("GIT_CONFIG_GLOBAL", "/dev/null").output().expect("git runs");
    assert!(ended.status.success(), "{args:?} {}", String::from_utf8_lossy(&ended.stderr));
    String::from_utf8(ended.stdout).unwrap().trim().to_owned()
}

/// The ids of all objects, in the order in which they are read.
fn objects(at: &Path) -> Vec<String> {
    let all = ["cat-file", "--batch-check=%(objectname)", "--batch-all-objects", "--unordered"];
    git(at, &all).lines().map(str::to_owned).collect()
}

/// Writes over a file of git at this place.
fn damage(path: &Path, at: impl Fn(usize) -> usize, bytes: &[u8]) {
    let mut content = std::fs::read(path).unwrap();
    let at = at(content.len());
    content.splice(at..(at + bytes.len()).min(content.len()), bytes.iter().copied());
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, content).unwrap();
}

fn loose(repository: &Path, id: &str) -> PathBuf {
    repository.join(".git/objects").join(&id[..2]).join(&id[2..])
}

/// Whether objects lost their beginning, which git passes over, or their middle, at which it ends.
#[test]
fn damaged_objects_are_named_and_all_others_are_looked_through() {
    if installed("git").is_none() {
        return skipped("the search of a repository: git");
    }
    for (place, says) in [(0, "git misses object "), (2, "git cannot read object ")] {
        let mut launch = scan();
        for number in 0..8 {
            let lines: String = (0..2000).map(|line| format!("{line} {number}\n")).collect();
            launch = launch.file(&format!("r/{number}"), format!("{SECRET}\n{lines}"));
        }
        let repository = launch.root().join("r");
        git(&repository, &["init", "-q", "."]);
        git(&repository, &["add", "."]);
        git(&repository, &["commit", "-q", "-m", &format!("remove {SECRET}")]);
        for number in 0..8 {
            std::fs::remove_file(repository.join(number.to_string())).unwrap();
        }
        let tree = git(&repository, &["rev-parse", "HEAD^{tree}"]);
        let commit = git(&repository, &["rev-parse", "HEAD"]);
        let blobs = |id: &&String| **id != tree && **id != commit;
        let all = objects(&repository);
        let all: Vec<_> = all.iter().filter(blobs).collect();
        // The first and the last that are read, one between them, and a tree, which holds no text.
        for id in [all[0], all[4], all[7], &tree] {
            damage(&loose(&repository, id), |length| length * place / 4, &[0xff; 40]);
        }
        for args in [&["--git", "{root}/r"][..], &["{root}/r"]] {
            let outcome = launch.clone().args(args).run();
            outcome.status(1).no_canary();
            let result = json_of(&outcome);
            let found = result["findings"].as_array().unwrap().iter();
            let ids: Vec<_> = found.filter_map(|it| it["git"]["object"].as_str()).collect();
            for id in all.iter().copied().filter(|id| ![all[0], all[4], all[7]].contains(id)) {
                assert!(ids.contains(&id.as_str()), "{id}\n{outcome}");
            }
            assert!(ids.contains(&commit.as_str()), "{outcome}");
            let unread = result["unread"].as_array().unwrap();
            let said = |id: &str| {
                let why = format!("its history: {says}{id}");
                unread.iter().filter(|it| it["why"] == *why).count()
            };
            for id in [all[0], all[4], all[7], &tree] {
                assert_eq!(said(id), 1, "{id}\n{outcome}");
            }
            assert_eq!(unread.len(), 4, "{outcome}");
        }
    }
}

/// A git that ends within an object is started again a bounded number of times.
#[test]
fn a_repository_of_damaged_objects_ends_its_search() {
    if installed("git").is_none() {
        return skipped("the search of a repository: git");
    }
    let mut launch = scan();
    for number in 0..120 {
        let lines: String = (0..500).map(|line| format!("{line} {number}\n")).collect();
        launch = launch.file(&format!("r/{number}"), lines);
    }
    let repository = launch.root().join("r");
    git(&repository, &["init", "-q", "."]);
    git(&repository, &["add", "."]);
    for id in objects(&repository) {
        damage(&loose(&repository, &id), |length| length / 2, &[0xff; 40]);
    }
    let outcome = launch.args(["--git", "{root}/r"]).run();
    outcome.status(2).no_canary().says("its history: git cannot read all of it");
    assert_eq!(json_of(&outcome)["unread"].as_array().unwrap().len(), 101, "{outcome}");
}

/// As `/proc/kmsg`, which says so once all of the kernel's log is read.
#[test]
fn a_file_that_has_nothing_to_read_yet_is_not_waited_for() {
    let Some(strace) = strace() else { return };
    let mut launch = scan().file("t/a", "nothing").file("t/b", SECRET).args(["{root}/t"]);
    let path = launch.root().join("t/a").into_os_string();
    let mut args = ["-qq", "-o", "/dev/null", "-e", "inject=read:error=EAGAIN", "-P"]
        .map(std::ffi::OsString::from)
        .to_vec();
    args.extend([path, launch.binary.clone().into_os_string()]);
    args.append(&mut launch.args);
    (launch.args, launch.binary) = (args, strace);
    let outcome = launch.limit(libc::RLIMIT_CPU, 10, 10).run();
    outcome.status(1).no_canary().says("t/a: EAGAIN");
    let result = json_of(&outcome);
    assert_eq!(result["unread"].as_array().unwrap().len(), 1, "{outcome}");
    assert!(result["findings"][0]["file"].as_str().unwrap().ends_with("/t/b"), "{outcome}");
}

#[test]
fn names_of_directories_and_of_links_and_what_links_lead_to_are_looked_through() {
    let start = || {
        scan()
            .file(&format!("t/a-{SECRET}/file"), "nothing")
            .link(&format!("t/b-{SECRET}"), "nowhere")
            .link(&format!("t/c-{SECRET}"), "{root}/t")
            .link("t/d", &format!("/nowhere/{SECRET}/key"))
            .file("e", "nothing")
            .link("t/e", &format!("{{root}}/t/a-{SECRET}/file"))
            .link("t/f", "{root}/e")
    };
    let outcome = start().args(["{root}/t"]).run();
    outcome.status(1).no_canary();
    let result = json_of(&outcome);
    let places = |key: &str| {
        let all = result["findings"].as_array().unwrap().iter();
        let here = all.filter(|it| it[key] == true).map(|it| it["file"].as_str().unwrap());
        here.map(|it| it.rsplit_once("/t/").unwrap().1.to_owned()).collect::<Vec<_>>()
    };
    let shown = "[redacted:KEY]";
    assert_eq!(places("in_name").len(), 3, "{outcome}");
    assert!(places("in_name").iter().all(|it| it == shown), "{outcome}");
    assert_eq!(places("in_target"), ["d", "e"], "{outcome}");
    assert_eq!(result["findings"].as_array().unwrap().len(), 5, "{outcome}");
    // As they are named, and in text.
    for (path, place) in [
        ("t/d", "/t/d: in the target of the link: KEY, raw\n"),
        ("t/e", "/t/e: in the target of the link: KEY, raw\n"),
        (&format!("t/a-{SECRET}"), "/t/[redacted:KEY]: in the name: KEY, raw\n"),
    ] {
        let mut launch = start().args([format!("{{root}}/{path}")]);
        launch.args.iter_mut().filter(|it| *it == "json").for_each(|it| *it = "text".into());
        let outcome = launch.run();
        outcome.status(1).no_canary();
        assert!(outcome.out().contains(place), "{outcome}");
    }
}

#[test]
fn a_value_is_found_without_the_nul_that_its_file_ends_with() {
    let launch = scan().file("value", format!("{SECRET}\0")).file("log", format!("a\n{SECRET}\n"));
    let outcome = launch.args(["{root}/log"]).run();
    outcome.status(1).no_canary();
    let result = json_of(&outcome);
    assert_eq!(result["findings"].as_array().unwrap().len(), 1, "{outcome}");
    assert_eq!(result["findings"][0]["line"], 2, "{outcome}");
}
