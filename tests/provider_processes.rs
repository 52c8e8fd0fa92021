//! Providers that misbehave, and what is left of them: nothing (interface sections 3 and 4).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use std::time::{Duration, Instant};

/// What a misbehaving provider may take at most: no more than a hang is told by.
const LONG: Duration = Duration::from_secs(30);

/// A launch with one provider, with a canary in what it writes.
fn one(script: &str, keys: &str) -> Launch {
    Launch::witness(["--mode", "production"]).provided(&[("KEY", script)], keys).canary(SECRET)
}

/// Runs a launch whose provider fails, and holds that it is said, that nothing leaks and that
/// nothing is left.
fn fails(script: &str, keys: &str, words: &str) -> Outcome {
    let start = Instant::now();
    let outcome = one(script, keys).run();
    assert!(start.elapsed() < LONG, "it took {:?}", start.elapsed());
    outcome.status(75).only_errors(&[("provider-failed", "KEY")]);
    outcome.program_did_not_run().no_canary().no_panic();
    let finding = outcome.finding_entry("provider-failed", "KEY");
    let message = finding["message"].as_str().unwrap();
    assert!(message.starts_with("cannot get KEY from provider KEY: "), "{message}");
    assert!(message.contains(words), "{message}");
    assert_eq!(finding["source"]["name"], "KEY");
    nothing_left(&outcome);
    outcome
}

fn nothing_left(outcome: &Outcome) {
    let left = left(outcome.root());
    assert!(left.is_empty(), "{left:?}\n{outcome}");
}

const SOON: &str = ", timeout: 300ms";
/// Long enough for a shell to have begun, whatever else the machine does.
const LATER: &str = ", timeout: 3s";

#[test]
fn one_that_hangs_is_ended_at_its_deadline() {
    fails(&format!("echo {SECRET}\n{{root}}/nap 600\n"), SOON, "did not end within 300 ms");
}

#[test]
fn one_that_ignores_term_is_killed() {
    let script = "trap '' TERM INT HUP\nwhile :; do {root}/nap 600; done\n";
    fails(script, SOON, "did not end within 300 ms");
}

#[test]
fn one_that_obeys_term_has_the_time_to_tidy_up() {
    let script = "trap 'echo tidy >{root}/tidy; exit' TERM\n{root}/nap 600 &\nwait\n";
    let outcome = fails(script, LATER, "did not end within 3000 ms");
    assert_eq!(outcome.read("tidy"), "tidy\n");
}

#[test]
fn the_final_newline_of_an_answer_does_not_count() {
    for (bytes, end, status) in [
        (65536, "", 0),
        (65536, "\\n", 0),
        (65536, "\\r\\n", 0),
        (65537, "", 78),
        (65537, "\\n", 78),
    ] {
        let script = format!("yes '{SECRET}' | tr -d '\\n' | head -c {bytes}\nprintf '{end}'\n");
        let outcome = one(&script, ", timeout: 10s").run();
        outcome.status(status);
        match status {
            0 => assert_eq!(outcome.seen().text("KEY").map(|it| it.len()), Some(bytes)),
            _ => {
                outcome.only_errors(&[("too-large", "KEY")]).says("more than 65536 bytes");
                outcome.program_did_not_run();
            }
        }
    }
}

#[test]
fn one_that_floods_its_output_is_cut_off_and_no_value_is_made_of_it() {
    let script = format!("while :; do echo {SECRET}{SECRET}{SECRET}{SECRET}; done\n");
    let outcome = one(&script, ", timeout: 10m").run();
    outcome.status(78).only_errors(&[("too-large", "KEY")]).says("more than 65536 bytes");
    outcome.program_did_not_run().no_canary().no_panic();
    nothing_left(&outcome);
    let json = Launch::witness(["--mode", "production"]).contract(
        "version: 1\nname: own\nvariables:\n  - {name: KEY, secret: true, provider: p}\n\
         providers:\n  - {name: p, command: [/bin/cat, /dev/zero], format: json, timeout: 10m}\n",
    );
    let outcome = json.run();
    outcome.status(75).says("wrote more than 1048576 bytes").program_did_not_run();
}

#[test]
fn one_that_floods_its_standard_error_holds_nobody() {
    let script = format!("while :; do echo {SECRET} >&2; done\n");
    fails(&script, SOON, "did not end within 300 ms");
    // More than a pipe holds, and then an answer.
    let script = format!("head -c 3000000 /dev/zero >&2\nprintf %s {SECRET}\n");
    let outcome = one(&script, ", timeout: 30s").run();
    assert_eq!(outcome.status(0).seen().text("KEY").unwrap(), SECRET);
    outcome.no_canary();
}

#[test]
fn a_grandchild_that_holds_the_output_ends_with_the_deadline() {
    let script = format!("{{root}}/nap 600 &\nprintf %s {SECRET}\n");
    fails(&script, LATER, "kept its output open for 3000 ms");
}

#[test]
fn one_that_closes_its_output_early_and_lingers_is_ended() {
    let script = format!("printf %s {SECRET}\nexec >&- 2>&-\n{{root}}/nap 600\n");
    fails(&script, SOON, "did not end within 300 ms");
}

#[test]
fn one_that_dies_by_a_signal_gave_no_value() {
    fails(&format!("printf %s {SECRET}\nkill -KILL $$\n"), "", "signal 9 ended it");
    fails(&format!("printf %s {SECRET}\nkill -SEGV $$\n"), "", "signal 11 ended it");
}

#[test]
fn what_one_writes_to_standard_error_is_counted_and_never_shown() {
    let outcome = fails(&format!("echo {SECRET} >&2\nexit 3\n"), "", "ended with status 3");
    let hint = outcome.finding_entry("provider-failed", "KEY")["hint"].to_string();
    assert!(hint.contains(&format!("{} bytes", SECRET.len() + 1)), "{hint}");
    let outcome = one(&format!("echo {SECRET} >&2\necho {SECRET}\n"), "").run();
    assert_eq!(outcome.status(0).seen().text("KEY").unwrap(), SECRET);
    outcome.no_canary();
    nothing_left(&outcome);
}

#[test]
fn what_forks_twice_into_a_session_of_its_own_is_found_and_ended() {
    // The first setsid starts a session, the second leaves it; nothing holds the provider's output.
    let away = "( setsid sh -c '( setsid {root}/nap 600 & ) ; exec {root}/nap 601' & ) \
                >/dev/null 2>&1 </dev/null\n";
    let script = format!("{away}{away}printf %s {SECRET}\n");
    let outcome = one(&script, "").run();
    let seen = outcome.status(0).seen();
    assert_eq!(seen.text("KEY").unwrap(), SECRET);
    assert_eq!(seen.record["children"], "", "a child or zombie reached the program");
    assert_eq!(seen.record["subreaper"], 0);
    nothing_left(&outcome);
    // And where the provider is ended itself.
    fails(&format!("{away}{{root}}/nap 600\n"), SOON, "did not end");
}

#[test]
fn all_that_misbehave_together_take_no_longer_than_one() {
    let away = "( setsid sh -c '( setsid {root}/nap 600 & )' & ) >/dev/null 2>&1\n";
    let providers = [
        ("HANGS", "{root}/nap 600\n"),
        ("IGNORES", "trap '' TERM\nwhile :; do {root}/nap 600; done\n"),
        ("FLOODS", "while :; do echo flood; done\n"),
        ("ERRORS", "while :; do echo flood >&2; done\n"),
        ("HOLDS", "{root}/nap 600 &\n"),
        ("LINGERS", "exec >&-\n{root}/nap 600\n"),
        ("AWAY", away),
        ("DIES", "kill -KILL $$\n"),
    ];
    let outcome = Launch::witness(["--mode", "production"]).provided(&providers, SOON).run();
    let code = |name| if name == "FLOODS" { "too-large" } else { "provider-failed" };
    let errors: Vec<_> = providers.iter().map(|(name, _)| (code(*name), *name)).collect();
    // What no trying again mends decides.
    outcome.status(78).only_errors(&errors).program_did_not_run();
    nothing_left(&outcome);
}

#[test]
fn ten_run_side_by_side() {
    // Each waits until it sees the marks of all ten.
    let script = "touch {root}/mark.$$\nuntil [ $(ls {root} | grep -c ^mark) = 10 ]; do \
                  sleep 0.01; done\necho value-$$\n";
    let names: Vec<String> = (0..10).map(|number| format!("KEY_{number}")).collect();
    let providers: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), script)).collect();
    let outcome =
        Launch::witness(["--mode", "production"]).provided(&providers, ", timeout: 30s").run();
    let seen = outcome.status(0).seen();
    for name in &names {
        assert!(seen.text(name).unwrap().starts_with("value-"));
    }
    nothing_left(&outcome);
}

/// A provider that says that it runs and then sleeps, with more of its own elsewhere.
const SLEEPS: &str = "( setsid {root}/nap 600 & ) >/dev/null 2>&1\ntrap '' TERM INT\n\
                      echo $$ >{root}/runs\n{root}/nap 600\n";
const TEN_MINUTES: &str = ", timeout: 10m";

fn wait_until_it_runs(root: &std::path::Path) {
    let is_there = || std::fs::read(root.join("runs")).is_ok_and(|it| it.ends_with(b"\n"));
    wait_for("the provider to run", || is_there() && left(root).len() >= 4);
}

#[test]
fn term_and_int_end_the_launcher_and_all_of_its_providers() {
    let quit = (libc::SIGQUIT, 131);
    for (signal, status) in [(libc::SIGTERM, 143), (libc::SIGINT, 130), (libc::SIGHUP, 129), quit] {
        let running = one(SLEEPS, TEN_MINUTES).start();
        wait_until_it_runs(running.root());
        let start = Instant::now();
        running.signal(signal);
        let outcome = running.finish();
        assert!(start.elapsed() < LONG);
        outcome.status(status).program_did_not_run().no_canary();
        nothing_left(&outcome);
    }
}

#[test]
fn as_the_first_process_of_a_container_it_ends_with_all_of_them() {
    // With the /proc of the namespace, and with that of the one outside, which has other numbers.
    for proc in [&["--mount-proc"][..], &[]] {
        let running = in_a_namespace(proc, SLEEPS, TEN_MINUTES).start();
        wait_until_it_runs(running.root());
        let children = format!("/proc/{0}/task/{0}/children", running.pid());
        let first = std::fs::read_to_string(children).unwrap().trim().parse().unwrap();
        send(first, libc::SIGTERM);
        let outcome = running.finish();
        outcome.status(143).program_did_not_run();
        nothing_left(&outcome);
    }
}

#[test]
fn as_the_first_process_of_a_container_it_leaves_none_to_the_program() {
    let script = format!("( setsid {{root}}/nap 600 & ) >/dev/null 2>&1\nprintf %s {SECRET}\n");
    for proc in [&["--mount-proc"][..], &[]] {
        let outcome = in_a_namespace(proc, &script, "").run();
        let seen = outcome.status(0).seen();
        assert_eq!(seen.text("KEY").unwrap(), SECRET);
        assert_eq!(seen.record["pid"], 1);
        assert_eq!(seen.record["children"], "");
        nothing_left(&outcome);
    }
}

/// As process 1 of a PID namespace.
fn in_a_namespace(options: &[&str], script: &str, keys: &str) -> Launch {
    Launch::new()
        .args(["run", "--", "/usr/bin/unshare", "--user", "--map-root-user", "--pid", "--fork"])
        .args(options)
        .args(["--kill-child", env!("CARGO_BIN_EXE_nexis-launch"), "run", "--mode", "production"])
        .args(["--contract", "{root}/contract.yaml", "--", "{witness}", "{dump}"])
        .provided(&[("KEY", script)], keys)
        .env("PATH", "/usr/bin:/bin")
        .directly()
}

#[allow(unsafe_code, reason = "kill has no safe interface here")]
fn send(pid: i32, signal: i32) {
    // SAFETY: kill(2) takes any numbers; the process is one that the test started.
    assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
}

#[test]
fn a_provider_ends_with_a_launcher_that_is_killed() {
    let running = one("echo $$ >{root}/runs\nexec {root}/nap 600\n", ", timeout: 10m").start();
    wait_for("the provider to run", || {
        left(running.root()).iter().any(|(_, line)| line.contains("nap 600"))
    });
    running.signal(libc::SIGKILL);
    let outcome = running.finish();
    assert_eq!(outcome.signal, Some(libc::SIGKILL));
    wait_for("the provider to end", || left(outcome.root()).is_empty());
    outcome.program_did_not_run();
}

/// A shell (dash does not hand an ignored SIGCHLD on) that does `before` and then executes the launcher, whose provider takes half a second.
fn after(before: &str) -> Launch {
    let launch = Launch::new();
    let shell = format!(
        "{before}; exec {} run --mode production --contract {{root}}/contract.yaml -- \
         {{witness}} {{dump}}",
        env!("CARGO_BIN_EXE_nexis-launch")
    );
    launch
        .args(["run", "--", "/bin/bash", "-c", &shell])
        .provided(&[("KEY", "{root}/nap 0.5\necho value-of-the-key\n")], "")
        .directly()
}

/// Ends the only process that is left.
fn end_the_one(outcome: &Outcome) -> i32 {
    let left = left(outcome.root());
    assert_eq!(left.len(), 1, "{left:?}\n{outcome}");
    assert!(left[0].1.contains("nap 600"), "{left:?}");
    send(left[0].0, libc::SIGKILL);
    left[0].0
}

#[test]
fn children_from_before_are_neither_ended_nor_waited_for() {
    for before in ["{root}/nap 600 & true", "trap '' CHLD; {root}/nap 600 & true"] {
        let outcome = after(before).run();
        let seen = outcome.status(0).seen();
        assert_eq!(seen.text("KEY").unwrap(), "value-of-the-key");
        let child = end_the_one(&outcome);
        assert_eq!(seen.record["children"], child.to_string());
    }
}

#[test]
fn what_children_from_before_start_meanwhile_is_spared() {
    // It forks twice while the launcher adopts orphans.
    let outcome =
        after("( {root}/nap 0.2; setsid -f {root}/nap 600 ) >/dev/null 2>&1 & true").run();
    outcome.status(0).seen();
    end_the_one(&outcome);
}

#[test]
fn a_child_from_before_that_ends_meanwhile_is_the_zombie_it_would_be_or_none() {
    for (before, zombies) in
        [("{root}/nap 0.1 & true", 1), ("trap '' CHLD; {root}/nap 0.1 & true", 0)]
    {
        let outcome = after(before).run();
        let seen = outcome.status(0).seen();
        let children = seen.record["children"].as_str().unwrap().split_whitespace().count();
        assert_eq!(children, zombies, "{before}");
        nothing_left(&outcome);
    }
}

#[test]
fn one_that_the_launcher_could_not_end_is_not_started() {
    if !runs_as_root() {
        return;
    }
    // Root without CAP_KILL may end no process of another user.
    let outcome = Launch::new()
        .args(["run", "--", "/usr/bin/setpriv", "--bounding-set", "-kill"])
        .args([env!("CARGO_BIN_EXE_nexis-launch"), "run", "--mode", "production"])
        .args(["--contract", "{root}/contract.yaml", "--", "{witness}", "{dump}"])
        .provided(&[("KEY", "touch {root}/work/ran\nexec {root}/nap 600\n")], ", user: '65534'")
        .mode("KEY.sh", 0o644)
        .mode("work", 0o777)
        .directly()
        .run();
    outcome
        .status(78)
        .only_errors(&[("provider-failed", "KEY")])
        .says("the launcher lacks CAP_KILL");
    outcome.program_did_not_run();
    assert!(!outcome.root().join("work/ran").exists());
    nothing_left(&outcome);
}

#[test]
fn where_nothing_that_is_left_could_be_found_nothing_is_started() {
    let without_proc = "mount -t tmpfs none /proc && exec \"$@\"";
    let outcome = Launch::new()
        .args(["run", "--", "/usr/bin/unshare", "--map-root-user", "--mount", "/bin/sh", "-c"])
        .args([without_proc, "sh", env!("CARGO_BIN_EXE_nexis-launch"), "run", "--mode"])
        .args(["production", "--contract", "{root}/contract.yaml", "--", "{witness}", "{dump}"])
        .provided(&[("KEY", "touch {root}/ran\necho value-of-the-key\n")], "")
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .directly()
        .run();
    outcome
        .status(75)
        .only_errors(&[("provider-failed", "KEY")])
        .says("/proc or /dev/null is not there");
    outcome.program_did_not_run();
    assert!(!outcome.root().join("ran").exists());
}
