//! Values that come from providers: which, when, and in which form (interface sections 3, 4 and 8).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

/// A launch of a contract from nothing, with these rows and providers.
fn own(rows: &str, providers: &str) -> Launch {
    Launch::witness(["--mode", "production"])
        .contract(&format!("version: 1\nname: own\n{rows}\nproviders:\n{providers}"))
}

/// One provider that prints the file `answer`.
fn prints(rows: &str, format: &str, answer: &str) -> Launch {
    let command = "command: [/bin/cat, '{root}/answer']";
    own(rows, &format!("  - {{name: store, {command}, format: {format}}}\n")).file("answer", answer)
}

/// Rows of secret variables that come from the provider `store`.
fn rows(rows: &[(&str, &str)]) -> String {
    let row = |(name, keys): &(&str, &str)| {
        format!("  - {{name: {name}, secret: true, provider: store{keys}}}\n")
    };
    format!("variables:\n{}", rows.iter().map(row).collect::<String>())
}

/// A launch whose only variable fails for this reason.
fn fails(launch: Launch, status: i32, words: &str) -> Outcome {
    let outcome = launch.run();
    outcome.status(status).only_errors(&[("provider-failed", "KEY")]).program_did_not_run();
    let message = outcome.finding_entry("provider-failed", "KEY")["message"].to_string();
    assert!(message.contains(words), "{message}");
    outcome
}

const REQUIRED: &str = ", required: always";

#[test]
fn all_of_a_raw_answer_is_the_value_less_one_final_newline() {
    for (keys, answer, expected, removed) in [
        ("", "a value\n", "a value", true),
        ("", "first\nsecond\r\n", "first\nsecond", true),
        ("", "no newline", "no newline", false),
        (", final_newline: keep", "kept\n", "kept\n", false),
    ] {
        let launch = prints(&rows(&[("KEY", keys)]), "raw", answer);
        let outcome = launch.options(["--accept", "surrounding-space:KEY", "--reason", "x"]);
        let outcome = outcome.options(["--until", &tomorrow()]).run();
        assert_eq!(outcome.status(0).seen().text("KEY").unwrap(), expected);
        let variable = outcome.variable("KEY");
        assert_eq!(variable["source"], serde_json::json!({"kind": "provider", "name": "store"}));
        assert_eq!(variable["newline_removed"] == true, removed, "{answer:?}");
    }
    let launch = prints(&rows(&[("KEY", ", final_newline: refuse")]), "raw", "a value\n");
    launch.run().status(78).error("bad-format", "KEY").program_did_not_run();
}

fn tomorrow() -> String {
    jiff::Zoned::now().tomorrow().unwrap().strftime("%F").to_string()
}

#[test]
fn strings_of_a_json_answer_are_values_as_they_stand() {
    let answer = r#"{"data": {"list": ["zero", "one-é\n"]}, "OTHER": "by name",
        "ALIAS_OF_THIRD": "by alias", "NONE": null, "a/b": {"m~n": "escaped \ud83d\ude00"}}"#;
    let rows = rows(&[
        ("KEY", ", pointer: /data/list/1"),
        ("OTHER", ""),
        ("THIRD", ", aliases: [ALIAS_OF_THIRD]"),
        ("NONE", ""),
        ("NOUGHT", ", pointer: /NONE"),
        ("NOWHERE", ""),
        ("ESCAPED", ", pointer: /a~1b/m~0n"),
    ]);
    let launch = prints(&rows, "json", answer);
    let outcome = launch.options(["--accept", "surrounding-space:KEY", "--reason", "x"]);
    let outcome = outcome.options(["--until", &tomorrow()]).run();
    let seen = outcome.status(0).seen();
    for (name, expected) in [
        ("KEY", Some("one-é\n")),
        ("OTHER", Some("by name")),
        ("THIRD", Some("by alias")),
        ("ESCAPED", Some("escaped 😀")),
        ("NONE", None),
        ("NOUGHT", None),
        ("NOWHERE", None),
    ] {
        assert_eq!(seen.text(name).as_deref(), expected, "{name}");
    }
    assert_eq!(outcome.variable("KEY")["newline_removed"], serde_json::Value::Null);
}

#[test]
fn what_is_no_string_is_no_value_and_is_said() {
    for (answer, keys, words) in [
        (r#"{"KEY": 5}"#, "", "is no string"),
        (r#"{"KEY": true}"#, "", "is no string"),
        (r#"{"KEY": {"a": "canary-canary"}}"#, "", "is no string"),
        (r#"["canary-canary"]"#, "", "is no string"),
        (r#"{"a": "canary-canary"}"#, ", pointer: /b", "nothing at the pointer"),
        (r#"{"KEY": "canary-canary", "KEY": "other"}"#, "", "the name twice"),
        (r#"{"KEY": "canary-canary""#, "", "is not JSON"),
        ("canary-canary", "", "is not JSON"),
        (" \n", "", "is empty"),
        ("", "", "is empty"),
    ] {
        let launch = prints(&rows(&[("KEY", keys)]), "json", answer).canary("canary-canary");
        std::fs::remove_file(launch.root().join("answer")).unwrap();
        let launch = launch.file("answer", answer);
        let root = launch.root().to_owned();
        let outcome = fails(launch, 75, words);
        std::fs::remove_file(root.join("answer")).unwrap();
        outcome.no_canary().no_panic();
    }
}

#[test]
fn lines_of_a_dotenv_answer_are_read_as_an_env_file() {
    let answer = "# comment\nexport KEY='a value'\nUNASKED=x\nTHIRD_ALIAS=first\n\
                  THIRD_ALIAS=\"second \\n line\"\nNEXIS_LAUNCH_MODE=development\n";
    let rows = rows(&[("KEY", ""), ("THIRD", ", aliases: [THIRD_ALIAS]"), ("ABSENT", "")]);
    let outcome = prints(&rows, "dotenv", answer).run();
    let seen = outcome.status(0).seen();
    assert_eq!(seen.text("KEY").unwrap(), "a value");
    assert_eq!(seen.text("THIRD").unwrap(), "second \n line");
    for name in ["ABSENT", "UNASKED", "THIRD_ALIAS", "NEXIS_LAUNCH_MODE"] {
        assert_eq!(seen.var(name), None, "{name}");
    }
    assert_eq!(outcome.manifest()["mode"], "production");
    let launch = || prints(&self::rows(&[("KEY", REQUIRED)]), "dotenv", "A=1\nno line canary\n");
    fails(launch().canary("no line canary"), 75, "line 2 of its answer is not NAME=VALUE");
    let launch = prints(&self::rows(&[("KEY", "")]), "dotenv", "# nothing\n");
    fails(launch, 75, "is empty");
}

#[test]
fn an_empty_raw_answer_is_no_value() {
    for answer in ["", "\n", " \t\n"] {
        fails(prints(&rows(&[("KEY", REQUIRED)]), "raw", answer), 75, "is empty");
    }
}

#[test]
fn a_required_variable_that_the_answer_lacks_is_missing() {
    let outcome = prints(&rows(&[("KEY", REQUIRED)]), "json", r#"{"KEY": null}"#).run();
    outcome.status(78).only_errors(&[("missing-required", "KEY")]).program_did_not_run();
}

#[test]
fn a_value_of_more_than_64_kib_is_too_large() {
    let answer = format!("{{\"KEY\": \"{}\"}}", "v".repeat(65_537));
    let outcome = prints(&rows(&[("KEY", "")]), "json", &answer).run();
    outcome.status(78).only_errors(&[("too-large", "KEY")]).program_did_not_run();
}

/// A provider that leaves a trace when it is run.
const TRACED: &str = "  - {name: store, command: [/bin/sh, -c, 'echo run >>{root}/trace; \
                      echo from-the-provider'], format: raw}\n";

fn runs(outcome: &Outcome) -> usize {
    let trace = std::fs::read_to_string(outcome.root().join("trace"));
    trace.map_or(0, |trace| trace.lines().count())
}

#[test]
fn every_source_of_the_operators_stands_above_and_then_nothing_is_run() {
    let launch = || own(&rows(&[("KEY", REQUIRED)]), TRACED);
    type Add = fn(Launch) -> Launch;
    let sources: [(&str, Add); 5] = [
        ("file", |it| it.file("key", "another value").env("KEY_FILE", "{root}/key")),
        ("env", |it| it.env("KEY", "another value")),
        ("secrets-dir", |it| {
            it.file("dir/key", "another value").options(["--secrets-dir", "{root}/dir"])
        }),
        ("credential", |it| {
            it.file("creds/key", "another value").env("CREDENTIALS_DIRECTORY", "{root}/creds")
        }),
        ("env-file", |it| {
            it.file("e", "KEY='another value'\n").options(["--env-file", "{root}/e"])
        }),
    ];
    for (kind, add) in sources {
        let outcome = add(launch()).run();
        assert_eq!(outcome.status(0).seen().text("KEY").unwrap(), "another value", "{kind}");
        assert_eq!(outcome.variable("KEY")["source"]["kind"], kind);
        assert_eq!(runs(&outcome), 0, "{kind}");
    }
    let outcome = launch().run();
    assert_eq!(outcome.status(0).seen().text("KEY").unwrap(), "from-the-provider");
    assert_eq!(runs(&outcome), 1);
    // A blank value counts as absent.
    let outcome = launch().env("KEY", " ").run();
    assert_eq!(outcome.status(0).seen().text("KEY").unwrap(), "from-the-provider");
    outcome.warning("blank-value", "KEY");
}

#[test]
fn a_provider_stands_above_default_generator_and_template() {
    let rows = "variables:\n  - {name: KEY, provider: store, default: from the contract}\n";
    let outcome = own(rows, TRACED).run();
    assert_eq!(outcome.status(0).seen().text("KEY").unwrap(), "from-the-provider");
    let rows = "variables:\n  - {name: KEY, secret: true, provider: store, template: '{PART}'}\n\
                parts:\n  - {name: PART}\n";
    let outcome = own(rows, TRACED).env("PART", "composed").run();
    assert_eq!(outcome.status(0).seen().text("KEY").unwrap(), "from-the-provider");
}

#[test]
fn a_part_from_a_provider_is_composed_and_looked_for() {
    let rows = "variables:\n  - {name: URL, secret: true, format: {kind: url}, \
                template: 'postgres://app:{PASSWORD}@db.internal/x'}\n\
                parts:\n  - {name: PASSWORD, secret: true, provider: store}\n";
    let launch =
        || prints(rows, "raw", "p@ss:word/with-delimiters\n").canary("p@ss:word/with-delimiters");
    let outcome = launch().run();
    let seen = outcome.status(0).seen();
    let expected = "postgres://app:p%40ss%3Aword%2Fwith-delimiters@db.internal/x";
    assert_eq!(seen.text("URL").unwrap(), expected);
    assert_eq!(seen.var("PASSWORD"), None);
    std::fs::remove_file(outcome.root().join("answer")).unwrap();
    outcome.no_canary();
    let outcome = launch().args(["p@ss:word/with-delimiters"]).run();
    outcome.status(78).error("secret-in-arguments", "PASSWORD").program_did_not_run();
    // Where the variable itself has a value nobody needs the part.
    let traced = own(rows, TRACED).env("URL", "postgres://app:another-one@db.internal/x").run();
    traced.status(0).seen();
    assert_eq!(runs(&traced), 0);
}

const FEATURE: &str = "  - {name: SWITCH, format: {kind: flag}}\n";

#[test]
fn a_withheld_variable_runs_nothing() {
    let rows = rows(&[("KEY", ", feature: f")]) + FEATURE;
    let rows = rows + "features:\n  - {name: f, off: {variable: SWITCH, is: false}}\n";
    let outcome = own(&rows, TRACED).env("SWITCH", "false").run();
    assert_eq!(outcome.status(0).seen().var("KEY"), None);
    assert_eq!(runs(&outcome), 0);
    let outcome = own(&rows, TRACED).env("SWITCH", "true").run();
    assert_eq!(outcome.status(0).seen().text("KEY").unwrap(), "from-the-provider");
}

#[test]
fn a_feature_that_a_provider_switches_asks_for_its_own_variables_then() {
    // Off while SWITCH is absent, which its provider ends; FIRST's provider is run once for both.
    let providers = "  - {name: store, command: [/bin/sh, -c, 'echo run >>{root}/trace; \
                     echo SWITCH=true; echo KEY=from-the-provider'], format: dotenv}\n\
                     \x20 - {name: later, command: [/bin/sh, -c, 'echo run >>{root}/trace; \
                     echo second-round'], format: raw}\n";
    let rows = "variables:\n  - {name: SWITCH, format: {kind: flag}, provider: store}\n\
                \x20 - {name: KEY, secret: true, provider: store, feature: f}\n\
                \x20 - {name: LATER, secret: true, provider: later, feature: f}\n\
                features:\n  - {name: f, off: {variable: SWITCH, set: false}}\n";
    let outcome = own(rows, providers).run();
    let seen = outcome.status(0).seen();
    assert_eq!(seen.text("KEY").unwrap(), "from-the-provider");
    assert_eq!(seen.text("LATER").unwrap(), "second-round");
    assert_eq!(runs(&outcome), 2);
}

#[test]
fn the_environment_is_minimal_and_what_is_lent_is_kept_from_the_program() {
    let providers = "  - {name: store, command: [/usr/bin/env], format: dotenv, \
                     environment: [VAULT_TOKEN, {name: AWS_REGION, keep: true}, FROM_FILE, ABSENT, TZ]}\n";
    let rows = rows(&[("HOME_SEEN", ", aliases: [HOME]")]);
    // The provider's own environment is its answer: kept whole, to be looked at.
    let providers = providers.replace(
        "[/usr/bin/env]",
        "[/bin/sh, -c, '/usr/bin/env >{root}/environment; pwd >{root}/where; ulimit -c >>{root}/where; echo HOME_SEEN=x']",
    );
    let launch = |inherit: &str| {
        own(&rows, &providers)
            .options([
                "--inherit",
                inherit,
                "--passthrough",
                "AWS_*",
                "--passthrough",
                "VAULT_*",
                "--env-file",
                "{root}/e",
            ])
            .file("e", "FROM_FILE=of-the-env-file\nOTHER_EXTRA=y\n")
            .env("VAULT_TOKEN", SECRET)
            .env("AWS_REGION", "eu-central-1")
            .env("PATH", "/nowhere")
            .env("LANG", "C.UTF-8")
            .env("LD_PRELOAD", "/nowhere.so")
            .env("TZ", "UTC")
            .env("NEXIS_LAUNCH_LABELS", "a=b")
            .env("BASH_ENV", "/nowhere")
            .canary(SECRET)
    };
    for inherit in ["all", "contract"] {
        let outcome = launch(inherit).run();
        let seen = outcome.status(0).seen();
        for name in ["VAULT_TOKEN", "FROM_FILE"] {
            assert_eq!(seen.var(name), None, "{name}");
        }
        // What every program may see is no credential.
        assert_eq!(seen.text("TZ").unwrap(), "UTC");
        assert_eq!(seen.text("AWS_REGION").unwrap(), "eu-central-1");
        let removed = outcome.manifest()["removed"].to_string();
        assert!(removed.contains("VAULT_TOKEN"), "{removed}");
        outcome.no_finding("undeclared-secret");
        let environment = outcome.read("environment");
        let mut lines: Vec<&str> = environment.lines().collect();
        lines.retain(|line| {
            !["PWD", "SHLVL", "OLDPWD", "_"].contains(&line.split('=').next().unwrap())
        });
        lines.sort_unstable();
        let token = format!("VAULT_TOKEN={SECRET}");
        let expected = [
            "AWS_REGION=eu-central-1",
            "FROM_FILE=of-the-env-file",
            "LANG=C.UTF-8",
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "TZ=UTC",
            &token,
        ];
        assert_eq!(lines, expected);
        assert_eq!(outcome.read("where"), "/\n0\n");
        std::fs::remove_file(outcome.root().join("environment")).unwrap();
        outcome.no_canary();
    }
    // A credential is shown as little as any other secret.
    let outcome = launch("all").options(["--label", &format!("l={SECRET}")]).run();
    std::fs::remove_file(outcome.root().join("environment")).unwrap();
    outcome.status(0).no_canary();
}

#[test]
fn no_descriptor_of_the_launcher_and_no_signal_reaches_a_provider() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    std::io::Write::write_all(&mut writer, b"for the program").unwrap();
    let script = "ls /proc/self/fd | wc -l >{root}/seen; grep -E 'Sig(Ign|Blk)|NoNewPrivs' \
                  /proc/self/status >>{root}/seen; readlink /proc/self/fd/0 >>{root}/seen; echo value-x\n";
    let outcome = Launch::witness(["--mode", "production", "--audit-log", "{root}/audit"])
        .provided(&[("KEY", script)], "")
        .descriptor(Descriptor::new(7, reader))
        .ignoring([libc::SIGHUP, libc::SIGPIPE])
        .blocking([libc::SIGUSR1])
        .run();
    outcome.status(0).seen();
    // Three streams, and what `ls` lists by.
    let expected =
        "4\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nNoNewPrivs:\t1\n/dev/null\n";
    assert_eq!(outcome.read("seen"), expected);
}

#[test]
fn attempts_are_made_until_one_succeeds() {
    let script =
        "echo run >>{root}/trace\n[ $(wc -l <{root}/trace) = 3 ] || exit 1\necho at-last\n";
    let launch = |retries: &str| {
        Launch::witness(["--mode", "production"]).provided(&[("KEY", script)], retries)
    };
    let outcome = launch(", retries: 2, timeout: 30s").run();
    assert_eq!(outcome.status(0).seen().text("KEY").unwrap(), "at-last");
    let outcome = fails(launch(", retries: 1, timeout: 30s"), 75, "ended with status 1");
    assert_eq!(runs(&outcome), 2);
    // The deadline is one for all attempts.
    // The deadline is one for all attempts: after pauses of 100 and 200 ms none of 400 is left.
    let never = [("KEY", "echo run >>{root}/trace\nexit 1\n")];
    let launch = Launch::witness(["--mode", "production"]);
    let outcome = fails(launch.provided(&never, ", retries: 20, timeout: 600ms"), 75, "");
    assert!(runs(&outcome) <= 3, "{}", runs(&outcome));
}

#[test]
fn a_program_that_is_missing_or_cannot_be_executed_is_78() {
    let launch = |program: &str| {
        let command = format!("command: ['{program}']");
        own(
            &rows(&[("KEY", REQUIRED)]),
            &format!("  - {{name: store, {command}, format: raw, retries: 20, timeout: 10m}}\n"),
        )
        .file("plain", "#!/bin/sh\n")
        .executable("format", "not a program")
    };
    fails(launch("{root}/absent"), 78, "its program cannot be executed: ENOENT");
    fails(launch("{root}/plain"), 78, "its program cannot be executed: EACCES");
    fails(launch("{root}/format"), 78, "its program cannot be executed: ENOEXEC");
    fails(launch("/"), 78, "its program cannot be executed: EACCES");
}

#[test]
fn with_another_error_the_status_is_78_and_both_are_said() {
    let outcome = Launch::witness(["--mode", "production"])
        .provided(&[("KEY", "exit 1\n")], "")
        .env("STRIPE_TOKEN", "x")
        .args([SECRET])
        .run();
    outcome.status(75);
    let rows = rows(&[("KEY", REQUIRED)]) + "  - {name: OTHER, required: always}\n";
    let providers = "  - {name: store, command: [/bin/false], format: raw}\n";
    let outcome = own(&rows, providers).run();
    outcome.status(78).program_did_not_run();
    outcome.only_errors(&[("missing-required", "OTHER"), ("provider-failed", "KEY")]);
}

#[test]
fn a_failure_can_be_accepted_and_reported_as_any_of_the_contract() {
    let launch = |demand| {
        own(&rows(&[("KEY", demand)]), "  - {name: store, command: [/bin/false], format: raw}\n")
    };
    let outcome = launch(REQUIRED).options(["--enforce", "report"]).run();
    assert_eq!(outcome.status(0).seen().var("KEY"), None);
    assert_eq!(outcome.manifest()["outcome"], "exec-despite-findings");
    let accept = ["--accept", "provider-failed:KEY", "--reason", "x", "--until", &tomorrow()];
    let outcome = launch("").options(accept).run();
    assert_eq!(outcome.status(0).seen().var("KEY"), None);
    outcome.warning("provider-failed", "KEY");
    // A secret that is required is as good as blank then, which nothing makes acceptable.
    let outcome = launch(REQUIRED).options(accept).run();
    outcome.status(64).error("provider-failed", "KEY").program_did_not_run();
}

#[test]
fn a_part_that_a_required_secret_lacks_is_never_accepted() {
    let rows = |demand: &str, secret: bool| {
        format!(
            "variables:\n  - {{name: URL, secret: true, format: {{kind: url}}{demand}, \
             template: 'postgres://app:{{PASSWORD}}@db.internal/x'}}\n\
             parts:\n  - {{name: PASSWORD, secret: {secret}, provider: store}}\n"
        )
    };
    let accept = ["--accept", "provider-failed:PASSWORD", "--reason", "x", "--until", &tomorrow()];
    let failing = "  - {name: store, command: [/bin/false], format: raw}\n";
    for secret in [true, false] {
        let launch = own(&rows(REQUIRED, secret), failing).env("NEXT", "x");
        let outcome = launch.options(accept).run();
        outcome.status(64).error("provider-failed", "PASSWORD").program_did_not_run();
    }
    // Nobody demands the URL: its part may fail.
    let outcome = own(&rows("", true), failing).options(accept).run();
    assert_eq!(outcome.status(0).seen().var("URL"), None);
    outcome.warning("provider-failed", "PASSWORD");
}

#[test]
fn a_contract_that_lowers_a_failure_does_not_lower_the_demand() {
    let failing = "  - {name: store, command: [/bin/false], format: raw}\n";
    let lowered = ", severity: {provider-failed: warning}";
    let outcome = own(&rows(&[("KEY", &format!("{REQUIRED}{lowered}"))]), failing).run();
    outcome.status(78).only_errors(&[("missing-required", "KEY")]).program_did_not_run();
    outcome.warning("provider-failed", "KEY");
    let outcome = own(&rows(&[("KEY", lowered)]), failing).run();
    assert_eq!(outcome.status(0).seen().var("KEY"), None);
    // As of a part.
    let rows = format!(
        "variables:\n  - {{name: URL, secret: true, required: always, \
         template: 'postgres://app:{{PASSWORD}}@db.internal/{{NAME}}'}}\n\
         parts:\n  - {{name: PASSWORD, secret: true, provider: store{lowered}}}\n  - {{name: NAME}}\n"
    );
    let outcome = own(&rows, failing).env("NAME", "x").run();
    outcome.status(78).only_errors(&[("incomplete-template", "URL")]).program_did_not_run();
}

#[test]
fn of_several_lines_of_env_files_a_provider_sees_the_last_as_the_program_would() {
    let providers = "  - {name: store, command: [/bin/sh, -c, 'printf %s \"$LENT\"'], \
                     format: raw, environment: [{name: LENT, keep: true}]}\n";
    let outcome = own(&rows(&[("KEY", "")]), providers)
        .options(["--env-file", "{root}/one", "--env-file", "{root}/two"])
        .file("one", "LENT=first\nLENT=second\n")
        .file("two", "LENT=third\n")
        .run();
    let seen = outcome.status(0).seen();
    assert_eq!(seen.text("LENT").unwrap(), "third");
    assert_eq!(seen.text("KEY").unwrap(), "third");
}

#[test]
fn a_name_that_a_provider_reads_is_no_unknown_variable() {
    let launch = |lent: &str| {
        let providers = format!(
            "  - {{name: store, command: [/bin/echo, x], format: raw, environment: [{lent}]}}\n\
             prefixes: [OWN_]\n"
        );
        own(&rows(&[("KEY", "")]), &providers).env("OWN_STORE_TOKEN", SECRET).canary(SECRET).run()
    };
    for lent in ["OWN_STORE_TOKEN", "{name: OWN_STORE_TOKEN, keep: true}"] {
        launch(lent).status(0).no_finding("unknown-variable").no_canary();
    }
    launch("OWN_STORE").status(0).warning("unknown-variable", "OWN_STORE_TOKEN");
}

#[test]
fn what_a_provider_logs_in_with_is_hidden_by_more_names_and_inside_urls() {
    let providers = "  - {name: store, command: [/bin/echo, x], format: raw, environment: \
                     [AWS_SECRET_ACCESS_KEY, VAULT_SECRET_ID, STORE_ADDRESS, SOPS_AGE_KEY_FILE]}\n";
    for (name, value, canary, found) in [
        ("AWS_SECRET_ACCESS_KEY", SECRET, SECRET, "AWS_SECRET_ACCESS_KEY"),
        ("VAULT_SECRET_ID", SECRET, SECRET, "VAULT_SECRET_ID"),
        (
            "STORE_ADDRESS",
            "https://app:pass-7Qx-word@store.internal",
            "pass-7Qx-word",
            "STORE_ADDRESS#password",
        ),
    ] {
        let launch = || own(&rows(&[("KEY", "")]), providers).env(name, value).canary(canary);
        let outcome = launch().args([canary]).run();
        outcome.status(78).error("secret-in-arguments", found).program_did_not_run().no_canary();
        launch().options(["--label", &format!("l={canary}")]).run().status(0).no_canary();
    }
    // The place of one is none.
    let launch = own(&rows(&[("KEY", "")]), providers).env("SOPS_AGE_KEY_FILE", "/etc/nexis/age");
    launch.args(["/etc/nexis/age"]).run().status(0).seen();
}

#[test]
fn check_and_explain_run_providers_too() {
    let launch = |command: &str| {
        Launch::command(command, ["--mode", "production", "--format", "json"])
            .contract(&format!(
                "version: 1\nname: own\n{}providers:\n{TRACED}",
                rows(&[("KEY", REQUIRED)])
            ))
            .canary("from-the-provider")
    };
    let outcome = launch("check").run();
    outcome.status(0).no_canary();
    assert_eq!(runs(&outcome), 1);
    let place = |outcome: &Outcome| {
        let said: serde_json::Value = serde_json::from_str(&outcome.out()).unwrap();
        let sources = said["variables"][0]["sources"].as_array().unwrap().clone();
        sources.into_iter().find(|it| it["kind"] == "provider").unwrap()
    };
    let outcome = launch("explain").run();
    let said = place(outcome.status(0).no_canary());
    assert_eq!((&said["step"], &said["name"]), (&7.into(), &"store".into()));
    assert_eq!(said["result"], "used, newline removed");
    let said = place(&launch("explain").env("KEY", "another value").run());
    assert_eq!(said["result"], "not asked: another source has a value");
}

#[test]
fn standard_error_is_kept_where_asked_for_and_never_over_anything() {
    let launch = |dir: &str| {
        Launch::witness(["--mode", "production", "--provider-stderr", dir])
            .provided(
                &[("KEY", "echo what went wrong >&2\nexit 1\n"), ("FINE", "echo value-x\n")],
                ", retries: 1",
            )
            .dir("kept")
            .file("kept/other", "x")
    };
    let outcome = launch("{root}/kept").run();
    outcome.status(75).program_did_not_run().never_says("what went wrong");
    let mut names: Vec<_> = std::fs::read_dir(outcome.root().join("kept"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let name = format!("{}.KEY.stderr", outcome.manifest()["launch"].as_str().unwrap());
    assert_eq!(names, [name.clone(), "other".to_owned()]);
    assert_eq!(outcome.read(&format!("kept/{name}")), "what went wrong\nwhat went wrong\n");
    let mode = std::fs::metadata(outcome.root().join("kept").join(&name)).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode.permissions()) & 0o777, 0o600);
    let hint = outcome.finding_entry("provider-failed", "KEY")["hint"].to_string();
    assert!(hint.contains(&name), "{hint}");
    launch("{root}/absent").run().status(66).error("file-missing", "").program_did_not_run();
    Launch::sound("production")
        .env("NEXIS_LAUNCH_PROVIDER_STDERR", "{root}/absent")
        .run()
        .status(66);
}

#[test]
fn standard_error_of_which_not_all_is_kept_is_said_to_be_so() {
    let written = "head -c 1500000 /dev/zero >&2\nexit 1\n";
    let launch = || {
        Launch::witness(["--mode", "production", "--provider-stderr", "{root}/kept"])
            .provided(&[("KEY", written)], "")
            .dir("kept")
    };
    let hint = |outcome: &Outcome| {
        outcome.status(75).program_did_not_run();
        outcome.finding_entry("provider-failed", "KEY")["hint"].as_str().unwrap().to_owned()
    };
    let said = hint(&launch().run());
    assert!(said.starts_with("of the 1500000 bytes that it wrote"), "{said}");
    assert!(said.contains(" the first 1048576 are in /"), "{said}");
    let said = hint(&launch().limit(libc::RLIMIT_FSIZE, 100_000, 100_000).run());
    assert!(said.starts_with("it wrote 1500000 bytes"), "{said}");
    assert!(said.contains("/kept/") && said.contains("EFBIG"), "{said}");
}

/// A provider learns the launch's number from the file of another, and is first at the name of its
/// own.
#[test]
fn standard_error_is_kept_in_no_file_and_through_no_link_that_a_provider_put_there() {
    let planted = |name: &str, plant: &str| {
        format!(
            "until other=$(ls {{root}}/kept/*.FIRST.stderr 2>/dev/null); do {{root}}/nap 0.01; done\n\
             mine=${{other%FIRST.stderr}}{name}.stderr\n{plant}\necho of {name} >&2\nexit 1\n"
        )
    };
    let [second, third] = [
        planted("SECOND", "cp {root}/precious \"$mine\""),
        planted("THIRD", "ln -s {root}/precious \"$mine\""),
    ];
    let outcome = Launch::witness(["--mode", "production", "--provider-stderr", "{root}/kept"])
        .provided(
            &[("FIRST", "echo of FIRST >&2\nexit 1\n"), ("SECOND", &second), ("THIRD", &third)],
            "",
        )
        .dir("kept")
        .file("precious", "as it was\n")
        .run();
    outcome.status(75).program_did_not_run();
    let launch = outcome.manifest()["launch"].as_str().unwrap().to_owned();
    let kept = |name: &str| outcome.read(&format!("kept/{launch}.{name}.stderr"));
    assert_eq!(kept("FIRST"), "of FIRST\n");
    assert_eq!([kept("SECOND"), kept("THIRD")], ["as it was\n", "as it was\n"], "{outcome}");
    for (variable, said) in
        [("FIRST", " (9 bytes) is in "), ("SECOND", "EEXIST"), ("THIRD", "EEXIST")]
    {
        let hint = outcome.finding_entry("provider-failed", variable)["hint"].to_string();
        assert!(hint.contains(said), "{variable}: {hint}");
    }
    assert_eq!(outcome.read("precious"), "as it was\n");
}

/// A set-user-ID program that a provider starts would be more than the launcher could end.
#[test]
fn no_exec_of_a_provider_gives_it_more_rights() {
    let root = std::fs::read_to_string("/proc/self/status").unwrap().contains("Uid:\t0\t0\t0\t0");
    let user = if root { ", user: '65534'" } else { "" };
    let command = "command: [/bin/sh, -c, 'grep NoNewPrivs /proc/self/status; {root}/id -u']";
    let provider = format!("  - {{name: store, {command}, format: raw{user}}}\n");
    let launch = own(&rows(&[("KEY", REQUIRED)]), &provider)
        .executable("id", std::fs::read("/usr/bin/id").unwrap())
        .mode("id", 0o4755);
    let own = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap());
    let user = if root { 65534 } else { own };
    let seen = launch.run().status(0).seen();
    assert_eq!(seen.text("KEY").unwrap(), format!("NoNewPrivs:\t1\n{user}"));
}

#[test]
fn a_provider_runs_as_its_user_or_not_at_all() {
    let script = "command: [/bin/sh, -c, 'grep -E \"^(Uid|Gid|Groups|CapPrm|CapInh)\" /proc/self/status; \
                  echo $HOME $USER $LOGNAME']";
    let launch = |user: &str| {
        let provider = format!("  - {{name: store, {script}, format: raw, user: '{user}'}}\n");
        own(&rows(&[("KEY", REQUIRED)]), &provider).env("HOME", "/root")
    };
    fails(launch("nobody-has-this-name"), 78, "cannot run as its user: /etc/passwd has no user");
    if std::fs::read_to_string("/proc/self/status").unwrap().contains("Uid:\t0\t0\t0\t0") {
        let seen = launch("65534:65534").run().status(0).seen();
        let text = seen.text("KEY").unwrap();
        let fields: Vec<Vec<&str>> =
            text.lines().map(|it| it.split_whitespace().collect()).collect();
        assert_eq!(fields[0], ["Uid:", "65534", "65534", "65534", "65534"]);
        assert_eq!(fields[1], ["Gid:", "65534", "65534", "65534", "65534"]);
        assert_eq!(fields[2], ["Groups:", "65534"]);
        assert_eq!(fields[3], ["CapInh:", "0000000000000000"]);
        assert_eq!(fields[4], ["CapPrm:", "0000000000000000"]);
        assert_eq!(fields[5].len(), 3, "{text}");
        assert_ne!(fields[5][0], "/root");
        // The launcher itself is who it was.
        assert_eq!(seen.record["uid"], 0);
    }
    let outcome = fails(
        launch("0").mode("contract.yaml", 0o644).unprivileged(),
        78,
        "cannot run as its user: the launcher lacks",
    );
    assert!(!outcome.root().join("work/witness.json").exists());
}

#[test]
fn a_deployment_is_not_asked_for_what_a_provider_has() {
    let contract = "version: 1\nname: own\nprogram: {app: /opt/app}\nvariables:\n\
                    \x20 - {name: KEY, secret: true, provider: store, required: always}\n\
                    \x20 - {name: OTHER, secret: true, required: always}\n\
                    providers:\n  - {name: store, command: [/bin/false], format: raw}\n";
    let outcome = Launch::command("check", ["--format", "json"])
        .contract(contract)
        .options(["--deployment", "{root}/app.service"])
        .file("app.service", "[Service]\nExecStart=/usr/bin/nexis-launch run -- /opt/app\n")
        .run();
    outcome.status(78);
    assert!(outcome.out().contains("OTHER is required"), "{outcome}");
    assert!(!outcome.out().contains("KEY is required"), "{outcome}");
}
