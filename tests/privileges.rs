//! `--user` and `--no-new-privs` (interface section 2): what the program has afterwards, and that
//! nothing is started where it would have more. Root alone can change users, so for another user
//! the tests that do are over at once; CI runs them as root.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// A number that no machine's passwd lists.
const UNLISTED: &str = "54321";

/// A sound launch of a shell script with these options.
fn script<const N: usize>(options: [&str; N], script: &str) -> Launch {
    Launch::new()
        .args(["run", "--mode", "production"])
        .args(options)
        .args(["--", "/bin/sh", "-c", script, "sh", "{dump}"])
        .requirements()
        .env("PATH", "/usr/bin:/bin")
}

/// States who it is.
fn who<const N: usize>(options: [&str; N]) -> Launch {
    script(
        options,
        "cat /proc/self/status; echo \"HOME:\t$HOME\nUSER:\t$USER\nLOGNAME:\t$LOGNAME\"",
    )
}

/// A line of what [`who`] printed, its blanks made one.
fn line(outcome: &Outcome, name: &str) -> String {
    let text = outcome.out();
    let prefix = format!("{name}:");
    let line = text.lines().find_map(|line| line.strip_prefix(&prefix));
    let line = line.unwrap_or_else(|| panic!("no line {name}\n{outcome}"));
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// All of who it is: users and groups with nothing left of root.
fn is_wholly(outcome: &Outcome, uid: &str, gid: &str) {
    outcome.status(0);
    assert_eq!(line(outcome, "Uid"), [uid; 4].join(" "), "{outcome}");
    assert_eq!(line(outcome, "Gid"), [gid; 4].join(" "), "{outcome}");
    assert_eq!(line(outcome, "Groups"), gid, "{outcome}");
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert_eq!(line(outcome, set), "0000000000000000", "{set}\n{outcome}");
    }
    let process = outcome.manifest()["process"].clone();
    assert_eq!(process["uid"].to_string(), uid);
    assert_eq!(process["gid"].to_string(), gid);
}

#[test]
fn users_groups_and_capabilities_of_root_are_gone() {
    if !runs_as_root() {
        return;
    }
    is_wholly(&who(["--user", "65534:65534"]).run(), "65534", "65534");
    is_wholly(&who(["--user", UNLISTED]).run(), UNLISTED, UNLISTED);
    is_wholly(&who(["--user", "54321:12345"]).run(), UNLISTED, "12345");
    is_wholly(&who([]).env("NEXIS_LAUNCH_USER", UNLISTED).run(), UNLISTED, UNLISTED);
}

/// The launcher as `setpriv` starts it.
fn under_setpriv(mut launch: Launch, options: &[&str]) -> Launch {
    let launcher = launch.binary.clone();
    launch.binary = PathBuf::from("/usr/bin/setpriv");
    let args = options.iter().map(Into::into).chain([launcher.into_os_string()]);
    launch.args = args.chain(launch.args).collect();
    // The harness shields what it sees to be a launch.
    launch.env("NEXIS_LAUNCH_SECRETS_DIR", "{root}/work")
}

#[test]
fn supplementary_groups_and_inheritable_and_ambient_capabilities_go_too() {
    if !runs_as_root() {
        return;
    }
    let launch = under_setpriv(
        who(["--user", UNLISTED]),
        &["--groups", "4,27,33", "--inh-caps", "+net_admin,+chown", "--ambient-caps", "+chown"],
    );
    is_wholly(&launch.run(), UNLISTED, UNLISTED);
}

#[test]
fn capabilities_of_a_user_that_is_not_root_go_too() {
    if !runs_as_root() {
        return;
    }
    let caps = "+setuid,+setgid,+chown";
    let options = [
        "--reuid",
        "1234",
        "--regid",
        "1234",
        "--clear-groups",
        "--inh-caps",
        caps,
        "--ambient-caps",
        caps,
    ];
    let mut launch = who(["--user", UNLISTED]);
    launch.binary = launch.root.copy(&launch.binary);
    let launch = under_setpriv(launch, &options);
    is_wholly(&launch.run(), UNLISTED, UNLISTED);
}

#[test]
fn kept_capabilities_are_not_kept() {
    if !runs_as_root() {
        return;
    }
    let launch = under_setpriv(who(["--user", UNLISTED]), &["--securebits", "+no_setuid_fixup"]);
    is_wholly(&launch.run(), UNLISTED, UNLISTED);
}

#[test]
fn a_secret_that_only_root_can_read_reaches_a_program_that_cannot() {
    if !runs_as_root() {
        return;
    }
    let outcome = script(
        ["--user", UNLISTED, "--secrets-dir", "{root}/secrets"],
        "test \"$JWT_SECRET\" = \"$EXPECTED\" && echo has it; cat \"$0\" \"$PLACE\" || echo cannot",
    )
    .without("JWT_SECRET")
    .file("secrets/jwt_secret", format!("{SECRET}\n"))
    .mode("secrets/jwt_secret", 0o400)
    .mode("secrets", 0o700)
    .env("PLACE", "{root}/secrets/jwt_secret")
    .env("EXPECTED", SECRET)
    .run();
    assert_eq!(outcome.status(0).out(), "has it\ncannot\n");
}

#[test]
fn home_user_and_logname_follow_and_stand_in_the_manifest() {
    if !runs_as_root() {
        return;
    }
    for inherit in ["all", "contract"] {
        let outcome = who(["--user", UNLISTED, "--inherit", inherit])
            .env("HOME", "/root")
            .env("USER", "root")
            .env("LOGNAME", "root")
            .run();
        for (name, value) in [("HOME", "/"), ("USER", UNLISTED), ("LOGNAME", UNLISTED)] {
            assert_eq!(line(&outcome, name), value, "{outcome}");
            let variable = outcome.variable(name);
            assert_eq!(variable["state"], "delivered");
            assert_eq!(variable["source"]["kind"], "user");
            assert_eq!(variable["source"]["name"], "--user");
            assert_eq!(variable["display"], value);
            let inherited = outcome.manifest()["inherited"]["names"].clone();
            assert!(!inherited.as_array().unwrap().contains(&name.into()), "{outcome}");
        }
    }
    // A row of the contract by that name is no second one, and the others stay.
    let contract = "version: 1\nname: own\nvariables:\n  - {name: HOME, default: /srv}\n  - {name: \
                    REGION, default: eu}\n";
    let outcome = who(["--user", UNLISTED]).contract(contract).run();
    assert_eq!(line(&outcome, "HOME"), "/", "{outcome}");
    let manifest = outcome.manifest();
    let names: Vec<_> =
        manifest["variables"].as_array().unwrap().iter().map(|it| it["name"].clone()).collect();
    assert_eq!(names, ["REGION", "HOME", "USER", "LOGNAME"]);
}

#[test]
fn a_name_brings_what_passwd_says_of_it() {
    if !runs_as_root() {
        return;
    }
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap();
    let nobody = passwd.lines().find(|line| line.starts_with("nobody:")).expect("a user nobody");
    let fields: Vec<&str> = nobody.split(':').collect();
    for user in ["nobody", fields[2]] {
        let outcome = who(["--user", user]).env("HOME", "/root").run();
        assert_eq!(line(&outcome, "Uid"), [fields[2]; 4].join(" "));
        assert_eq!(line(&outcome, "Gid"), [fields[3]; 4].join(" "));
        assert_eq!(line(&outcome, "HOME"), fields[5]);
        assert_eq!(line(&outcome, "USER"), "nobody");
        assert_eq!(line(&outcome, "LOGNAME"), "nobody");
    }
}

/// The launch where /etc is empty.
fn without_passwd(mut launch: Launch) -> Launch {
    let launcher = launch.binary.clone();
    launch.binary = PathBuf::from("/usr/bin/unshare");
    let script = "mount -t tmpfs none /etc && exec \"$0\" \"$@\"";
    let before = ["--mount", "/bin/sh", "-c", script].map(Into::into);
    let args = before.into_iter().chain([launcher.into_os_string()]);
    launch.args = args.chain(launch.args).collect();
    launch.env("NEXIS_LAUNCH_SECRETS_DIR", "{root}/work")
}

#[test]
fn without_a_passwd_file_numbers_work_and_names_are_refused() {
    if !runs_as_root() {
        return;
    }
    is_wholly(&without_passwd(who(["--user", "65534"])).run(), "65534", "65534");
    let outcome = without_passwd(script(["--user", "nobody"], ": > \"$1\"")).run();
    outcome.status(77).error("privileges-not-dropped", "").program_did_not_run();
    assert_eq!(outcome.manifest()["outcome"], "refused");
}

#[test]
fn an_unknown_user_or_group_is_77_and_starts_nothing() {
    for user in ["no-such-user", "no-such-user:0", "0:no-such-group"] {
        let outcome = script(["--user", user], ": > \"$1\"").run();
        outcome.status(77).error("privileges-not-dropped", "").says(user).program_did_not_run();
        assert_eq!(outcome.manifest()["outcome"], "refused");
    }
}

#[test]
fn report_does_not_start_a_program_that_keeps_its_rights() {
    script(["--user", "no-such-user", "--enforce", "report"], ": > \"$1\"")
        .run()
        .status(77)
        .program_did_not_run();
}

#[test]
fn what_is_no_user_is_64() {
    for user in ["", "app:", ":app", "-1", "4294967295", "0:4294967295", "4294967296"] {
        script([&format!("--user={user}")], ": > \"$1\"").run().status(64).program_did_not_run();
    }
}

#[test]
fn a_launcher_that_may_not_change_users_is_77_and_starts_nothing() {
    for user in ["0", "0:0", UNLISTED, "root"] {
        let outcome = script(["--user", user], ": > \"$1\"").unprivileged().run();
        outcome.status(77).error("privileges-not-dropped", "").program_did_not_run();
        assert_eq!(outcome.manifest()["outcome"], "refused");
    }
}

#[test]
fn switching_to_oneself_changes_nothing_but_the_variables() {
    let (uid, gid) = if is_root() {
        (65534, 65534)
    } else {
        let own = std::fs::metadata("/proc/self").unwrap();
        (own.uid(), own.gid())
    };
    let user = format!("{uid}:{gid}");
    let outcome = who(["--user", &user]).env("HOME", "/elsewhere").unprivileged().run();
    outcome.status(0);
    assert_eq!(line(&outcome, "Uid"), [uid.to_string().as_str(); 4].join(" "));
    assert_ne!(line(&outcome, "HOME"), "/elsewhere");
}

/// As an orchestrator starts it that gives every process the group of root (OpenShift): whatever
/// group `/etc/passwd` has, none is named, and it has no rights to change.
#[test]
fn a_user_that_it_is_already_keeps_its_groups_where_none_is_named() {
    if !runs_as_root() {
        return;
    }
    let as_user = ["--reuid", "65534", "--regid", "0", "--groups", "0,27"];
    let launch = under_setpriv(who(["--user", "65534"]), &as_user);
    let outcome = launch.run();
    outcome.status(0);
    assert_eq!(line(&outcome, "Uid"), ["65534"; 4].join(" "));
    assert_eq!(line(&outcome, "Gid"), ["0"; 4].join(" "));
    assert_eq!(line(&outcome, "Groups"), "0 27");
    let process = outcome.manifest()["process"].clone();
    assert_eq!((&process["uid"], &process["gid"]), (&65534.into(), &0.into()));
    // One that is named is another.
    let launch = under_setpriv(who(["--user", "65534:65534"]), &as_user);
    launch.run().status(77).error("privileges-not-dropped", "").program_did_not_run();
}

#[test]
fn a_drop_that_the_kernel_forbids_is_77_and_starts_nothing() {
    if !runs_as_root() {
        return;
    }
    // A user namespace that has the number 0 alone.
    let mut launch = script(["--user", UNLISTED], ": > \"$1\"");
    let launcher = launch.binary.clone();
    launch.binary = PathBuf::from("/usr/bin/unshare");
    let before = ["--user", "--map-root-user"].map(Into::into);
    let args = before.into_iter().chain([launcher.into_os_string()]);
    launch.args = args.chain(launch.args).collect();
    let launch = launch.env("NEXIS_LAUNCH_SECRETS_DIR", "{root}/work");
    launch.run().status(77).error("privileges-not-dropped", "").program_did_not_run();
}

/// The launch with one of its system calls made to fail, where that can be done.
fn failing(mut launch: Launch, inject: &str) -> Option<Launch> {
    let strace = strace().filter(|_| runs_as_root())?;
    let launcher = std::mem::replace(&mut launch.binary, strace);
    let inject = format!("inject={inject}");
    let before = ["-o", "/dev/null", "-e", &inject].map(Into::into);
    let args = before.into_iter().chain([launcher.into_os_string()]);
    launch.args = args.chain(launch.args).collect();
    // The harness shields what it sees to be a launch.
    Some(launch.env("NEXIS_LAUNCH_SECRETS_DIR", "{root}/work"))
}

/// The third change of users lends the program's to ask whether it may execute it, the fourth puts
/// the own back; what cannot be asked is no answer.
#[test]
fn a_user_that_cannot_be_lent_or_put_back_is_no_program_that_may_not_be_executed() {
    for number in ["3", "4"] {
        let inject = format!("setresuid:error=EAGAIN:when={number}");
        let launch = script(["--user", UNLISTED], ": > \"$1\"").canary(SECRET);
        let by_name = Launch::new()
            .args(["run", "--mode", "production", "--user", UNLISTED])
            .args(["--", "sh", "-c", ": > \"$1\"", "sh", "{dump}"])
            .requirements()
            .env("PATH", "/usr/bin:/bin");
        let Some(by_name) = failing(by_name, &inject) else { return };
        let outcome = by_name.run();
        outcome.status(77).only_errors(&[("privileges-not-dropped", "")]).says("EAGAIN");
        outcome.program_did_not_run();
        let Some(launch) = failing(launch, &inject) else { return };
        let outcome = launch.options(["--audit-log", "{root}/audit.log"]).run();
        outcome.status(77).only_errors(&[("privileges-not-dropped", "")]).says("EAGAIN");
        outcome.program_did_not_run().no_canary();
        let records = Outcome::manifests_in(&outcome.read("audit.log"));
        let outcomes: Vec<_> = records.iter().map(|it| it["outcome"].as_str().unwrap()).collect();
        assert_eq!(outcomes, ["refused"], "{outcome}");
    }
}

/// All that is known beforehand speaks for it, and the record says so; then a call fails.
#[test]
fn a_drop_that_fails_after_the_record_is_77_and_starts_nothing() {
    let Some(launch) = failing(script(["--user", UNLISTED], ": > \"$1\""), "capset:error=EPERM")
    else {
        return;
    };
    let outcome = launch.options(["--audit-log", "{root}/audit.log"]).run();
    outcome.status(77).says("capset: EPERM").program_did_not_run();
    let records = Outcome::manifests_in(&outcome.read("audit.log"));
    let outcomes: Vec<_> = records.iter().map(|it| it["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["exec", "failed"], "{outcome}");
}

#[test]
fn a_program_that_the_new_user_cannot_reach_is_126_before_a_record_says_exec() {
    if !runs_as_root() {
        return;
    }
    let launch = |program: &str| {
        Launch::new()
            .args(["run", "--mode", "production", "--user", UNLISTED, "--", program, "{dump}"])
            .requirements()
            .executable("tool", "#!/bin/sh\n: > \"$1\"\n")
            .executable("closed/tool", "#!/bin/sh\n: > \"$1\"\n")
            .mode("closed", 0o700)
            .link("link", "{root}/closed/tool")
            .executable("script", "#!{root}/own-shell\n")
    };
    let closed = |launch: Launch| {
        let outcome = launch.run();
        outcome.status(126).error("program-not-executable", "").program_did_not_run();
        assert_eq!(outcome.manifest()["outcome"], "refused");
    };
    closed(launch("{root}/closed/tool"));
    closed(launch("{root}/link"));
    closed(launch("{root}/tool").mode("tool", 0o744));
    // A name is what the new user may execute first, as if that user had looked it up.
    let path = |launch: Launch, path: &str| launch.env("PATH", path);
    let launch_true = launch("true").executable("closed/true", "#!/bin/sh\n: > \"$1\"\n");
    let outcome = path(launch_true, "{root}/closed:{root}:/usr/bin:/bin").run();
    outcome.status(0).program_did_not_run();
    assert_eq!(outcome.manifest()["program"]["path"], "/usr/bin/true");
    closed(path(launch("tool"), "{root}/closed"));
    closed(path(launch("tool").mode("tool", 0o744), "{root}/closed:{root}"));
    // The check lends nothing for good.
    let outcome = who(["--user", UNLISTED]).run();
    is_wholly(&outcome, UNLISTED, UNLISTED);
}

/// The launcher of a container whose capabilities are dropped but for those of the change itself: it
/// cannot look into a directory that is closed to all but its owner.
#[test]
fn what_the_launcher_cannot_look_at_is_126_and_no_reason_to_take_a_later_one() {
    if !runs_as_root() {
        return;
    }
    let launched = |path: &str, capabilities: &str| {
        let launch = Launch::new()
            .args(["run", "--mode", "production", "--user", "65534:65534", "--", "tool"])
            .requirements()
            .executable("closed/tool", "#!/bin/sh\necho the first\n")
            .mode("closed", 0o700)
            .executable("later/tool", "#!/bin/sh\necho a later one\n")
            .env("PATH", path);
        launch.root.give("closed");
        let bounds = format!("-all,+setuid,+setgid,+setpcap{capabilities}");
        under_setpriv(launch, &["--bounding-set", &bounds, "--inh-caps", "-all"]).run()
    };
    for path in ["{root}/closed:{root}/later", "{root}/none:{root}/closed"] {
        let outcome = launched(path, "");
        outcome.status(126).only_errors(&[("program-not-executable", "")]);
        outcome.says("/closed/tool").says("the launcher cannot look at it");
        assert_eq!(outcome.out(), "", "{outcome}");
        // With the right to look, it is that one which starts.
        let outcome = launched(path, ",+dac_read_search");
        assert_eq!(outcome.status(0).out(), "the first\n", "{outcome}");
    }
    // What that user cannot execute either is passed over, as by execvp(3).
    let launch = Launch::new()
        .args(["run", "--mode", "production", "--user", UNLISTED, "--", "tool"])
        .requirements()
        .executable("closed/tool", "#!/bin/sh\necho the first\n")
        .mode("closed", 0o700)
        .executable("later/tool", "#!/bin/sh\necho a later one\n")
        .env("PATH", "{root}/closed:{root}/later");
    launch.root.give("closed");
    let bounds = ["--bounding-set", "-all,+setuid,+setgid,+setpcap", "--inh-caps", "-all"];
    let outcome = under_setpriv(launch, &bounds).run();
    assert_eq!(outcome.status(0).out(), "a later one\n", "{outcome}");
}

/// A program for a machine that no kernel has: EI_CLASS 32 bit, e_machine 0xf3.
fn of_another_machine() -> Vec<u8> {
    let mut header = vec![0u8; 64];
    header[..8].copy_from_slice(b"\x7fELF\x01\x01\x01\x00");
    header[16] = 2;
    header[18] = 0xf3;
    header
}

/// The audit log is held open over the drop, while the failure is said to people.
#[test]
fn with_standard_error_closed_a_log_that_is_held_open_gets_its_lines_and_nothing_else() {
    if !runs_as_root() {
        return;
    }
    let outcome = Launch::new()
        .args(["run", "--mode", "production", "--user", UNLISTED])
        .args(["--audit-log", "{root}/audit.log", "--", "{root}/tool"])
        .requirements()
        .executable("tool", of_another_machine())
        .stderr(Stream::Closed)
        .run();
    outcome.status(126);
    let log = outcome.read("audit.log");
    assert_eq!(log.lines().count(), 2, "{log}");
    assert_eq!(Outcome::manifests_in(&log).len(), 2, "{log}");
}

#[test]
fn an_exec_that_fails_after_the_drop_is_recorded_where_only_root_can_write() {
    if !runs_as_root() {
        return;
    }
    let outcome = Launch::new()
        .args(["run", "--mode", "production", "--user", UNLISTED])
        .args(["--audit-log", "{root}/logs/audit", "--manifest-to", "{root}/logs/manifest"])
        .args(["--", "{root}/tool"])
        .requirements()
        .executable("tool", of_another_machine())
        .dir("logs")
        .mode("logs", 0o700)
        .run();
    outcome.status(126);
    for log in ["logs/audit", "logs/manifest"] {
        let records = Outcome::manifests_in(&outcome.read(log));
        let outcomes: Vec<_> = records.iter().map(|it| it["outcome"].as_str().unwrap()).collect();
        assert_eq!(outcomes, ["exec", "failed"], "{log}\n{outcome}");
        assert_eq!(records[0]["launch"], records[1]["launch"]);
    }
}

#[test]
fn no_new_privileges_reaches_the_program_only_where_it_is_asked_for() {
    let flag = |launch: Launch| line(&launch.run(), "NoNewPrivs");
    assert_eq!(flag(who([])), "0");
    assert_eq!(flag(who(["--no-new-privs"])), "1");
    assert_eq!(flag(who([]).env("NEXIS_LAUNCH_NO_NEW_PRIVS", "true")), "1");
    assert_eq!(flag(who(["--no-new-privs=false"]).env("NEXIS_LAUNCH_NO_NEW_PRIVS", "true")), "0");
    if is_root() {
        assert_eq!(flag(who(["--no-new-privs", "--user", UNLISTED])), "1");
    }
}

#[test]
fn a_check_becomes_no_user() {
    Launch::command("check", ["--mode", "production"])
        .requirements()
        .env("NEXIS_LAUNCH_USER", "54321")
        .env("NEXIS_LAUNCH_NO_NEW_PRIVS", "true")
        .run()
        .status(0);
    Launch::command("check", ["--user", "0"]).requirements().run().status(64);
}

/// A check with the rights of a launch says what that launch would say.
#[test]
fn a_check_looks_at_the_program_for_the_user_of_the_setting() {
    if !runs_as_root() {
        return;
    }
    let launch = |command: &str, path: &str| {
        let launch = Launch::new()
            .args([command, "--mode", "production", "--manifest-to", "{root}/manifest"])
            .args(["--manifest", "json", "--", "tool"])
            .requirements()
            .executable("closed/tool", "#!/bin/sh\necho the first\n")
            .mode("closed", 0o700)
            .executable("later/tool", "#!/bin/sh\necho a later one\n")
            .env("NEXIS_LAUNCH_USER", UNLISTED)
            .env("PATH", path);
        launch.run()
    };
    let stated = |outcome: &Outcome| {
        let record = Outcome::manifests_in(&outcome.read("manifest")).remove(0);
        let root = outcome.root().to_string_lossy().into_owned();
        let path = record["program"]["path"].as_str().unwrap().replace(&root, "");
        (path, record["process"]["uid"].to_string(), outcome.read("manifest").contains("LOGNAME"))
    };
    let path = "{root}/closed:{root}/later";
    let (checked, ran) = (launch("check", path), launch("run", path));
    assert_eq!(ran.status(0).out(), "a later one\n", "{ran}");
    checked.status(0);
    assert!(!checked.out().contains("a later one\n"), "{checked}");
    assert_eq!(stated(&checked).0, "/later/tool");
    assert_eq!(stated(&checked), stated(&ran), "{checked}\n{ran}");
    for command in ["check", "run"] {
        let outcome = launch(command, "{root}/closed");
        outcome.status(126);
        assert!(outcome.read("manifest").contains("\"program-not-executable\""), "{outcome}");
    }
}

#[test]
fn a_check_says_that_the_user_of_the_setting_is_not_listed_without_any_rights() {
    let check = |user: &str| {
        let launch = Launch::new().args(["check", "--mode", "production", "--format", "json"]);
        launch.requirements().env("NEXIS_LAUNCH_USER", user).unprivileged().run()
    };
    for user in ["no-such-user", "root:no-such-group"] {
        let outcome = check(user);
        outcome.status(77);
        let found = outcome.out();
        assert!(found.contains(r#""code":"privileges-not-dropped""#), "{outcome}");
        assert!(found.contains(user), "{outcome}");
    }
    // That it may not become this one is nothing that a check is asked.
    for user in ["root", UNLISTED, "54321:12345"] {
        check(user).status(0);
    }
    check("a:b:c").status(64);
}
