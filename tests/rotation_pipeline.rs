//! The pipeline of `packaging/rotation`: a ledger in a branch with one writer, and heads elsewhere.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn git(directory: &Path, words: &[&str]) -> String {
    let ended = Command::new("git")
        .arg("-C")
        .arg(directory)
        .args(["-c", "user.name=test", "-c", "user.email=test@example.org"])
        .args(words)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(ended.status.success(), "{words:?}\n{}", String::from_utf8_lossy(&ended.stderr));
    String::from_utf8(ended.stdout).unwrap().trim().to_owned()
}

/// Two repositories, a checkout of each, and the launcher on PATH.
struct Pipeline {
    desk: Desk,
}

impl Pipeline {
    fn new() -> Pipeline {
        let desk = Desk::new();
        let packaging = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/rotation");
        for name in ["branch", "heads"] {
            let (bare, checkout) = (desk.path(&format!("{name}.git")), desk.path(name));
            std::fs::create_dir(&bare).unwrap();
            git(&bare, &["init", "--quiet", "--bare", "--initial-branch=ledger"]);
            // As a protected branch: nothing that is there is rewritten.
            git(&bare, &["config", "receive.denyNonFastForwards", "true"]);
            git(desk.path(".").as_path(), &["clone", "--quiet", bare.to_str().unwrap(), name]);
            git(&checkout, &["checkout", "--quiet", "-b", "ledger"]);
            std::fs::copy(packaging.join("ledger.gitattributes"), checkout.join(".gitattributes"))
                .unwrap();
            git(&checkout, &["add", "--all"]);
            git(&checkout, &["commit", "--quiet", "--message", "Begin"]);
            git(&checkout, &["push", "--quiet", "--set-upstream", "origin", "ledger"]);
        }
        let bin = desk.path("bin");
        std::fs::create_dir(&bin).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_nexis-launch"), bin.join("nexis-launch"))
            .unwrap();
        Pipeline { desk }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.desk.path(name)
    }

    /// A hook of git's there that refuses.
    fn refusing_hook(&self, at: &str) -> PathBuf {
        let hook = self.path(at);
        std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
        std::fs::write(&hook, "#!/bin/sh\nexit 1\n").unwrap();
        std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
        hook
    }

    /// Runs the script with this checkout of the branch.
    fn run_in(&self, checkout: &str, words: &[&str]) -> Output {
        let script =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/rotation/rotate-and-push");
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.path("bin").display());
        let ended = Command::new(script)
            .arg("--ledger")
            .arg(self.path(checkout))
            .arg("--heads")
            .arg(self.path("heads"))
            .arg("--ledger-key-file")
            .arg(self.path("ledger.key"))
            .arg("--")
            .args(words)
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.path("."))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "pipeline")
            .env("GIT_AUTHOR_EMAIL", "pipeline@example.org")
            .env("GIT_COMMITTER_NAME", "pipeline")
            .env("GIT_COMMITTER_EMAIL", "pipeline@example.org")
            .output()
            .unwrap();
        for value in [SECRET, OTHER, HEX_KEY] {
            for output in [&ended.stdout, &ended.stderr] {
                assert!(find(output, value.as_bytes()).is_none(), "a value is shown");
            }
        }
        ended
    }

    #[track_caller]
    fn step(&self, status: i32, words: &[&str]) -> String {
        let ended = self.run_in("branch", words);
        let text = [ended.stdout, ended.stderr].concat();
        let text = String::from_utf8(text).unwrap();
        assert_eq!(ended.status.code(), Some(status), "{words:?}\n{text}");
        text
    }

    /// The commits of a repository's branch, newest last.
    fn commits(&self, repository: &str) -> Vec<String> {
        let log = git(&self.path(repository), &["log", "--reverse", "--format=%s", "ledger"]);
        log.lines().map(str::to_owned).collect()
    }

    fn begin(&self) {
        let (old, new) = (self.path("old"), self.path("new"));
        let key = self.path("fingerprint.key");
        let key = key.to_str().unwrap();
        let created = days_ago(30);
        self.step(
            0,
            &[
                "adopt",
                "JWT_SECRET",
                "--value-file",
                old.to_str().unwrap(),
                "--fingerprint-key-file",
                key,
                "--created",
                &created,
            ],
        );
        self.step(
            0,
            &[
                "start",
                "JWT_SECRET",
                "--value-file",
                new.to_str().unwrap(),
                "--fingerprint-key-file",
                key,
                "--actor",
                "alice",
                "--change",
                "CHG-1",
            ],
        );
    }
}

#[test]
fn every_step_is_a_commit_and_its_head_is_kept_elsewhere() {
    let pipeline = Pipeline::new();
    pipeline.begin();
    pipeline.step(0, &["stage", "JWT_SECRET"]);
    let (new, key) = (pipeline.path("new"), pipeline.path("fingerprint.key"));
    let verify = |check: &str, status| {
        pipeline.step(
            status,
            &[
                "verify",
                "JWT_SECRET",
                "--value-file",
                new.to_str().unwrap(),
                "--fingerprint-key-file",
                key.to_str().unwrap(),
                "--",
                "/bin/sh",
                "-c",
                check,
            ],
        )
    };
    // What failed is pushed too; the pipeline is red.
    verify("exit 3", 1);
    verify("test ${#JWT_SECRET} = 43", 0);
    // Out of order: red, and nothing is pushed.
    let before = pipeline.commits("branch.git");
    let said = pipeline.step(65, &["evidence", "JWT_SECRET", "--commit", "d41773f"]);
    assert!(said.contains("the next step is deploy"), "{said}");
    assert_eq!(pipeline.commits("branch.git"), before);
    pipeline.step(0, &["deploy", "JWT_SECRET", "--revoke-by", &days_ahead(3)]);
    pipeline.step(0, &["revoke", "JWT_SECRET"]);
    pipeline.step(0, &["evidence", "JWT_SECRET", "--commit", "d41773f"]);
    let steps = ["adopt", "start", "stage", "verify", "verify", "deploy", "revoke", "evidence"];
    let expected: Vec<String> =
        steps.iter().map(|step| format!("rotate {step} JWT_SECRET")).collect();
    assert_eq!(pipeline.commits("branch.git")[1..], expected);
    // Who clones both can verify all of it.
    git(&pipeline.path("."), &["clone", "--quiet", "--branch", "ledger", "branch.git", "clone"]);
    let heads = git(&pipeline.path("heads.git"), &["show", "ledger:heads"]);
    assert_eq!(heads.lines().count(), steps.len());
    for head in heads.lines() {
        let clone = pipeline.path("clone");
        pipeline.desk.done(&[
            "ledger",
            "verify",
            "--ledger",
            clone.to_str().unwrap(),
            "--head",
            head,
        ]);
    }
}

#[test]
fn a_push_that_is_refused_records_nothing() {
    let pipeline = Pipeline::new();
    pipeline.begin();
    let before = (pipeline.commits("branch.git"), pipeline.commits("heads.git"));
    let hook = pipeline.refusing_hook("branch.git/hooks/pre-receive");
    let said = pipeline.step(75, &["stage", "JWT_SECRET"]);
    assert!(said.contains("nothing is recorded"), "{said}");
    assert!(!said.contains("record 3") && !said.contains("\nhead "), "it says more: {said}");
    assert_eq!((pipeline.commits("branch.git"), pipeline.commits("heads.git")), before);
    let file = pipeline.path("branch").join("JWT_SECRET.jsonl");
    assert_eq!(std::fs::read_to_string(file).unwrap().lines().count(), 2, "the checkout is ahead");
    std::fs::remove_file(hook).unwrap();
    let said = pipeline.step(0, &["stage", "JWT_SECRET"]);
    assert!(said.contains("JWT_SECRET staged: record 3, value "), "{said}");
}

/// A hook that refuses is one of many reasons: an identity that is missing, a key to sign with.
#[test]
fn a_commit_that_fails_records_nothing_and_keeps_no_head() {
    let pipeline = Pipeline::new();
    pipeline.begin();
    let before = (pipeline.commits("branch.git"), pipeline.commits("heads.git"));
    let refusing = pipeline.refusing_hook("branch/.git/hooks/pre-commit");
    let said = pipeline.step(75, &["stage", "JWT_SECRET"]);
    assert!(said.contains("nothing is recorded"), "{said}");
    assert!(!said.contains("record 3") && !said.contains("\nhead "), "it says more: {said}");
    assert_eq!((pipeline.commits("branch.git"), pipeline.commits("heads.git")), before);
    let file = pipeline.path("branch").join("JWT_SECRET.jsonl");
    assert_eq!(std::fs::read_to_string(file).unwrap().lines().count(), 2, "the checkout is ahead");
    std::fs::remove_file(refusing).unwrap();
    // The head alone.
    let refusing = pipeline.refusing_hook("heads/.git/hooks/pre-commit");
    let said = pipeline.step(73, &["stage", "JWT_SECRET"]);
    assert!(said.contains("JWT_SECRET staged: record 3, value "), "{said}");
    assert!(said.contains("the record is pushed and its head is not"), "{said}");
    assert_eq!(pipeline.commits("branch.git").last().unwrap(), "rotate stage JWT_SECRET");
    assert_eq!(pipeline.commits("heads.git"), before.1);
    std::fs::remove_file(refusing).unwrap();
    pipeline.step(0, &["verify", "JWT_SECRET"]);
}

/// A record that no reader takes stands for good in a branch that nobody may rewrite.
#[test]
fn a_record_that_cannot_be_read_back_is_not_pushed() {
    let pipeline = Pipeline::new();
    pipeline.begin();
    let before = (pipeline.commits("branch.git"), pipeline.commits("heads.git"));
    // A launcher that writes what it refuses afterwards.
    let bin = pipeline.path("bin/nexis-launch");
    std::fs::remove_file(&bin).unwrap();
    let real = env!("CARGO_BIN_EXE_nexis-launch");
    let script = format!(
        "#!/bin/sh\n{real} \"$@\" || exit\n\
         if [ \"$1\" = rotate ]; then echo x >>'{}'; fi\n",
        pipeline.path("branch").join("JWT_SECRET.jsonl").display()
    );
    std::fs::write(&bin, script).unwrap();
    std::fs::set_permissions(&bin, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let said = pipeline.step(65, &["stage", "JWT_SECRET"]);
    assert!(said.contains("JWT_SECRET.jsonl line 4"), "{said}");
    assert!(said.contains("nothing is recorded") && !said.contains("record 3"), "{said}");
    assert_eq!((pipeline.commits("branch.git"), pipeline.commits("heads.git")), before);
}

#[test]
fn what_a_run_that_was_broken_off_left_is_neither_published_nor_in_the_way() {
    let pipeline = Pipeline::new();
    pipeline.begin();
    // Killed between the first record of a key and its commit.
    let (branch, next) = (pipeline.path("branch"), pipeline.path("next"));
    let (branch, next) = (branch.to_str().unwrap(), next.to_str().unwrap());
    let created = days_ago(3);
    let adopt = ["adopt", "OPENAI_API_KEY", "--value-file", next, "--created", &created];
    pipeline.desk.done(&[&["rotate"][..], &adopt, &["--ledger", branch]].concat());
    // What is none of its files is neither published nor taken away.
    std::fs::write(pipeline.path("branch").join("note"), "a person's").unwrap();
    pipeline.step(0, &["stage", "JWT_SECRET"]);
    assert!(pipeline.path("branch").join("note").exists());
    let published = git(&pipeline.path("branch.git"), &["ls-tree", "--name-only", "ledger"]);
    assert_eq!(published, ".gitattributes\nJWT_SECRET.jsonl");
    let key = pipeline.path("fingerprint.key");
    let keyed = ["--fingerprint-key-file", key.to_str().unwrap()];
    pipeline.desk.done(&[&["rotate"][..], &adopt, &["--ledger", branch]].concat());
    pipeline.step(0, &[&adopt[..], &keyed].concat());
}

#[test]
fn a_checkout_that_is_behind_catches_up_before_it_writes() {
    let pipeline = Pipeline::new();
    pipeline.begin();
    git(&pipeline.path("."), &["clone", "--quiet", "--branch", "ledger", "branch.git", "second"]);
    pipeline.step(0, &["stage", "JWT_SECRET"]);
    let ended = pipeline.run_in("second", &["verify", "JWT_SECRET"]);
    assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(pipeline.commits("branch.git").last().unwrap(), "rotate verify JWT_SECRET");
}

#[test]
fn a_ledger_whose_heads_are_gone_is_not_added_to() {
    let pipeline = Pipeline::new();
    pipeline.begin();
    let heads = pipeline.path("heads");
    git(&heads, &["rm", "--quiet", "heads"]);
    git(&heads, &["commit", "--quiet", "--message", "Lose the heads"]);
    git(&heads, &["push", "--quiet"]);
    let before = (pipeline.commits("branch.git"), pipeline.commits("heads.git"));
    let said = pipeline.step(65, &["stage", "JWT_SECRET"]);
    assert!(said.contains("heads/heads is missing or empty"), "{said}");
    assert_eq!((pipeline.commits("branch.git"), pipeline.commits("heads.git")), before);
}

/// GitHub runs a step by a shell without pipefail where none is named, and the last command is a
/// pipe: a step that failed would be green.
#[test]
fn the_workflow_ends_with_the_status_of_the_script() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/rotation/rotate.yml");
    let workflow: serde_yaml::Value =
        serde_yaml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(workflow["defaults"]["run"]["shell"], "bash");
    let steps = workflow["jobs"]["rotate"]["steps"].as_sequence().unwrap();
    assert!(steps.iter().all(|step| step["shell"].is_null()));
    // What `shell: bash` stands for there.
    let ended = Command::new("bash")
        .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", "(exit 65) | tee /dev/null"])
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(65));
}

#[test]
fn a_branch_that_was_rewritten_is_not_added_to() {
    let pipeline = Pipeline::new();
    pipeline.begin();
    pipeline.step(0, &["stage", "JWT_SECRET"]);
    let bare = pipeline.path("branch.git");
    // Whoever may rewrite the branch takes the last record away: the chain alone does not show it.
    let before = git(&bare, &["rev-parse", "ledger"]);
    git(&bare, &["update-ref", "refs/heads/ledger", &git(&bare, &["rev-parse", "ledger~1"])]);
    let said = pipeline.step(65, &["stage", "JWT_SECRET"]);
    assert!(said.contains("the head covers 3 records and 2 are left"), "{said}");
    git(&bare, &["update-ref", "refs/heads/ledger", &before]);
    // Or changes a line in a further commit.
    let other = pipeline.path("other");
    git(&pipeline.path("."), &["clone", "--quiet", "--branch", "ledger", "branch.git", "other"]);
    let file = other.join("JWT_SECRET.jsonl");
    let text =
        std::fs::read_to_string(&file).unwrap().replace("\"actor\":\"alice\"", "\"actor\":\"bob\"");
    std::fs::write(&file, text).unwrap();
    git(&other, &["commit", "--quiet", "--all", "--message", "Correct the actor"]);
    git(&other, &["push", "--quiet"]);
    let said = pipeline.step(65, &["verify", "JWT_SECRET"]);
    assert!(said.contains("JWT_SECRET.jsonl line 2: it was changed"), "{said}");
    assert_eq!(pipeline.commits("branch.git").last().unwrap(), "Correct the actor");
}

/// What stands below `run: |` of the workflow's last step.
fn step_of_the_workflow() -> String {
    let workflow = include_str!("../packaging/rotation/rotate.yml");
    let (before, step) = workflow.split_once("        run: |\n").unwrap();
    assert!(before.contains("\ndefaults:\n  run:\n    shell: bash\n"), "the shell has no pipefail");
    assert!(!step.contains("run: |") && !workflow.contains("\n        shell:"), "one script alone");
    step.to_owned()
}

/// The script of the workflow as GitHub starts it, with the shell that `shell: bash` stands for.
#[test]
fn the_workflow_is_red_where_the_step_failed_and_always_has_the_fingerprint_key() {
    let pipeline = Pipeline::new();
    pipeline.begin();
    std::fs::create_dir(pipeline.path("scripts")).unwrap();
    std::os::unix::fs::symlink(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/rotation/rotate-and-push"),
        pipeline.path("scripts/rotate-and-push"),
    )
    .unwrap();
    std::os::unix::fs::symlink("branch", pipeline.path("ledger-checkout")).unwrap();
    // The desk's own ledger is in the way of a checkout of that name.
    let text = step_of_the_workflow().replace("--ledger ledger ", "--ledger ledger-checkout ");
    let text = text.replace("for checkout in ledger heads", "for checkout in branch heads");
    pipeline.desk.write("step", text);
    let key = |name: &str| std::fs::read_to_string(pipeline.path(name)).unwrap();
    let leaking = |step: &str, change: &str, leaked: &str| {
        let ended = Command::new("bash")
            .args(["--noprofile", "--norc", "-eo", "pipefail", "step"])
            .current_dir(pipeline.path("."))
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", pipeline.path("bin").display()))
            .env("HOME", pipeline.path("."))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs([("STEP", step), ("NAME", "JWT_SECRET"), ("CHANGE", change)])
            .envs([("EMERGENCY", ""), ("REVOKE_BY", ""), ("GITHUB_ACTOR", "alice")])
            .envs([("RUN", "https://ci.example.org/run/7"), ("GITHUB_SHA", "d41773f")])
            .envs([("REASON", "in a log"), ("LEAKED", leaked), ("LEAKED_VALUE", SECRET)])
            .envs([("NEW_VALUE", key("new")), ("LEDGER_KEY", key("ledger.key"))])
            .env("FINGERPRINT_KEY", key("fingerprint.key"))
            .env("GITHUB_STEP_SUMMARY", pipeline.path("summary"))
            .output()
            .unwrap();
        let text = String::from_utf8([ended.stdout, ended.stderr].concat()).unwrap();
        for value in [SECRET, OTHER, HEX_KEY] {
            assert!(!text.contains(value), "a value is shown");
        }
        (ended.status.code(), text)
    };
    let run = |step: &str, change: &str| leaking(step, change, "the one in production");
    let before = pipeline.commits("branch.git");
    let (status, said) = run("deploy", "CHG-1");
    assert_eq!(status, Some(65), "{said}");
    assert!(said.contains("the next step is stage"), "{said}");
    // A change with the value in it, at a step that is not given the value.
    let (status, said) = run("stage", key("new").trim());
    assert_eq!(status, Some(64), "{said}");
    assert_eq!(pipeline.commits("branch.git"), before);
    let (status, said) = run("stage", "CHG-1");
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(pipeline.commits("branch.git").last().unwrap(), "rotate stage JWT_SECRET");
    let summary = || std::fs::read_to_string(pipeline.path("summary")).unwrap();
    assert!(summary().contains("head 1:"));
    // An incident, of a value by its file and of the one in production, which is the same here.
    for leaked in ["the one in LEAKED_VALUE", "the one in production"] {
        let (status, said) = leaking("respond", "INC-1", leaked);
        assert_eq!(status, Some(0), "{said}");
        let made = pipeline.commits("branch.git");
        assert_eq!(made.last().unwrap(), "leak respond JWT_SECRET");
        let heads = pipeline.commits("heads.git");
        assert_eq!(heads.last().unwrap(), "head after leak respond JWT_SECRET");
    }
    assert_eq!(summary().matches("04546ddeb24573db under key").count(), 2, "{}", summary());
    assert!(summary().contains("## 1. Revoke at once") && !summary().contains(SECRET));
    // The runs that it lists.
    for step in ["revoke", "verify", "deploy", "evidence"] {
        if step == "verify" {
            pipeline.step(0, &["verify", "JWT_SECRET"]);
            continue;
        }
        let (status, said) = run(step, "INC-1");
        assert_eq!(status, Some(0), "{step}\n{said}");
    }
    assert_eq!(pipeline.commits("branch.git").last().unwrap(), "rotate evidence JWT_SECRET");
}

/// A tag can be moved, and the job holds the ledger's key.
#[test]
fn the_workflow_names_its_actions_by_commit() {
    let workflow = include_str!("../packaging/rotation/rotate.yml");
    let actions: Vec<&str> =
        workflow.lines().filter_map(|line| line.trim().strip_prefix("uses: ")).collect();
    assert_eq!(actions.len(), 3);
    for action in actions {
        let (_, commit) = action.split_once('@').unwrap();
        let commit = commit.split(' ').next().unwrap();
        assert!(commit.len() == 40 && commit.chars().all(|it| it.is_ascii_hexdigit()), "{action}");
    }
}
