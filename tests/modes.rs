//! The mode and what decides it (interface section 2).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

/// A launch that says no mode.
fn open() -> Launch {
    Launch::witness::<&str>([]).requirements()
}

fn mode(outcome: &Outcome) -> String {
    outcome.manifest()["mode"].as_str().unwrap().to_owned()
}

#[test]
fn the_option_wins_over_the_setting_and_that_over_nexis_env() {
    let outcome = open().env("NEXIS_ENV", "development").run();
    assert_eq!(mode(&outcome), "development");
    let outcome = open().env("NEXIS_ENV", "development").env("NEXIS_LAUNCH_MODE", "staging").run();
    assert_eq!(mode(&outcome), "staging");
    let outcome = open()
        .env("NEXIS_ENV", "development")
        .env("NEXIS_LAUNCH_MODE", "staging")
        .options(["--mode", "production"])
        .run();
    assert_eq!(mode(&outcome), "production");
    assert_eq!(outcome.status(0).seen().text("NEXIS_ENV").as_deref(), Some("production"));
}

#[test]
fn every_spelling_is_understood_and_nothing_falls_to_development() {
    for (typed, expected) in [
        ("development", "development"),
        ("dev", "development"),
        ("DEV", "development"),
        ("staging", "staging"),
        ("Stage", "staging"),
        ("production", "production"),
        ("prod", "production"),
        ("PRODUCTION", "production"),
        (" production ", "production"),
        ("production\n", "production"),
        ("\tprod\r\n", "production"),
    ] {
        let outcome = open().env("NEXIS_ENV", typed).run();
        assert_eq!(mode(outcome.status(0)), expected, "{typed:?}");
        outcome.no_finding("unknown-mode");
    }
}

#[test]
fn an_unknown_mode_is_an_error_and_judged_as_production() {
    for typed in ["local", "produktion", "production2", "test", "prod uction"] {
        let outcome = Launch::witness::<&str>([]).env("NEXIS_ENV", typed).run();
        outcome
            .status(78)
            .error("unknown-mode", "")
            .error("missing-required", "JWT_SECRET")
            .error("missing-required", "NEXIS_CORS_ALLOW_ORIGINS")
            .program_did_not_run();
    }
    let outcome = open().options(["--mode", "local"]).run();
    outcome.status(78).program_did_not_run();
    assert!(outcome.findings().iter().any(|it| it.0 == "unknown-mode" && it.1 == "error"));
}

#[test]
fn without_a_mode_production_is_assumed_and_said() {
    let outcome = open().run();
    assert_eq!(mode(outcome.status(0)), "production");
    let finding = outcome.warning("mode-unset", "").finding_entry("mode-unset", "");
    let hint = finding["hint"].to_string();
    assert!(hint.contains("dev") && hint.contains("NEXIS_ENV"), "{hint}");
    assert_eq!(outcome.seen().text("NEXIS_ENV").as_deref(), Some("production"));
}

#[test]
fn a_file_of_the_modes_name_among_the_secrets_is_said_not_to_be_read() {
    for name in ["NEXIS_ENV", "nexis_env", "nexis-env"] {
        let with = |launch: Launch| {
            let launch = launch.file(&format!("dir/{name}"), "production");
            launch.options(["--secrets-dir", "{root}/dir"])
        };
        let outcome = with(open().env("NEXIS_ENV", "development")).run();
        outcome.status(0).warning("mode-not-read", "NEXIS_ENV").says(&format!("dir/{name} is not"));
        assert_eq!(outcome.seen().text("NEXIS_ENV").as_deref(), Some("development"));
        let outcome = with(open()).run();
        outcome.warning("mode-not-read", "NEXIS_ENV").warning("mode-unset", "");
    }
    let other = open().env("NEXIS_ENV", "development").file("dir/nexis_envs", "x");
    let outcome = other.options(["--secrets-dir", "{root}/dir"]).run();
    outcome.status(0).no_finding("mode-not-read");
    // A contract from nothing has no row of the mode, and the variable all the same.
    let contract = "version: 1\nname: own\nvariables:\n- {name: A}\n";
    let own = Launch::witness::<&str>([]).contract(contract).file("dir/nexis-env", "production");
    let outcome = own.env("NEXIS_ENV", "staging").options(["--secrets-dir", "{root}/dir"]).run();
    outcome.status(0).warning("mode-not-read", "");
}

#[test]
fn a_file_of_the_modes_name_that_is_read_or_is_none_is_not_said_to_be_unread() {
    let given = |file: &str| {
        let options = ["--secrets-dir", "{root}/dir", "--env-file", file];
        let launch = open().env("NEXIS_ENV", "development").options(options);
        launch.file("dir/nexis-env", "NEXIS_LOG_FORMAT=json\n").mode("dir/nexis-env", 0o600)
    };
    for file in ["{root}/dir/nexis-env", "../dir/./nexis-env", "{root}/link/nexis-env"] {
        let outcome = given(file).link("link", "dir").run();
        outcome.status(0).no_finding("mode-not-read");
        assert_eq!(outcome.seen().text("NEXIS_LOG_FORMAT").as_deref(), Some("json"), "{file}");
    }
    // Another one beside it is not read.
    let outcome = given("{root}/dir/nexis-env").file("dir/nexis_env", "production").run();
    outcome.status(0).warning("mode-not-read", "NEXIS_ENV").says("dir/nexis_env is not");
    assert!(!outcome.err().contains("dir/nexis-env is not"), "{outcome}");
    let in_directory = |launch: Launch| {
        launch.env("NEXIS_ENV", "development").options(["--secrets-dir", "{root}/dir"]).run()
    };
    for launch in [open().dir("dir/nexis_env"), open().dir("dir").link("dir/nexis_env", ".")] {
        in_directory(launch).status(0).no_finding("mode-not-read");
    }
    let link = open().file("mode", "production").dir("dir").link("dir/nexis_env", "../mode");
    in_directory(link).status(0).warning("mode-not-read", "NEXIS_ENV");
}

#[test]
fn a_blank_mode_is_no_mode() {
    let outcome = open().env("NEXIS_ENV", "").run();
    assert_eq!(mode(outcome.status(0)), "production");
    let found = outcome.findings();
    assert!(found.iter().any(|it| it.0 == "mode-unset" || it.0 == "blank-value"), "{outcome}");
}

#[test]
fn a_stated_mode_raises_no_warning() {
    for launch in [open().env("NEXIS_ENV", "production"), open().options(["--mode", "production"])]
    {
        launch.run().status(0).no_finding("mode-unset").no_finding("mode-conflict");
    }
}

#[test]
fn a_setting_laxer_than_nexis_env_is_refused() {
    for (wanted, laxer) in
        [("production", "development"), ("production", "staging"), ("staging", "dev")]
    {
        let outcome = open().env("NEXIS_ENV", wanted).env("NEXIS_LAUNCH_MODE", laxer).run();
        outcome.status(78).program_did_not_run();
        assert!(outcome.findings().iter().any(|it| it.0 == "mode-conflict" && it.1 == "error"));
    }
}

#[test]
fn of_two_modes_in_nexis_env_the_laxer_is_not_taken_in_silence() {
    let production = |launch: Launch| {
        launch.file("app.env", "NEXIS_ENV=production\n").options(["--env-file", "{root}/app.env"])
    };
    let outcome = production(open().env("NEXIS_ENV", "development")).run();
    outcome.status(78).error("mode-conflict", "").program_did_not_run();
    // Nor where the stricter of them is no mode at all.
    let misspelled = open().file("app.env", "NEXIS_ENV=produktion\n");
    let outcome =
        misspelled.options(["--env-file", "{root}/app.env"]).env("NEXIS_ENV", "development").run();
    outcome.status(78).error("mode-conflict", "").program_did_not_run();
    // The same one twice, or the stricter one above, is none.
    production(open().env("NEXIS_ENV", "prod")).run().status(0).no_finding("mode-conflict");
    let laxer = open().file("app.env", "NEXIS_ENV=development\n");
    let outcome =
        laxer.options(["--env-file", "{root}/app.env"]).env("NEXIS_ENV", "production").run();
    outcome.status(78).error("conflict", "NEXIS_ENV").no_finding("mode-conflict");
}

#[test]
fn an_option_laxer_than_nexis_env_warns() {
    let outcome = open().env("NEXIS_ENV", "production").options(["--mode", "staging"]).run();
    assert_eq!(mode(outcome.status(0)), "staging");
    assert!(outcome.findings().iter().any(|it| it.0 == "mode-conflict" && it.1 == "warning"));
    assert_eq!(outcome.seen().text("NEXIS_ENV").as_deref(), Some("staging"));
}

#[test]
fn a_stricter_mode_than_nexis_env_is_no_conflict() {
    let outcome =
        open().env("NEXIS_ENV", "development").env("NEXIS_LAUNCH_MODE", "production").run();
    outcome.status(0).no_finding("mode-conflict");
    assert_eq!(outcome.seen().text("NEXIS_ENV").as_deref(), Some("production"));
}

#[test]
fn dev_is_development() {
    let launch = || Launch::new().args(["dev", "--", "{witness}", "{dump}"]);
    let outcome = launch().run();
    assert_eq!(mode(outcome.status(0)), "development");
    assert_eq!(outcome.seen().text("NEXIS_ENV").as_deref(), Some("development"));
    outcome.no_finding("mode-unset").warning("ephemeral-secret", "JWT_SECRET");
    let outcome = launch().env("NEXIS_ENV", "production").run();
    outcome.status(0);
    assert!(outcome.findings().iter().any(|it| it.0 == "mode-conflict" && it.1 == "warning"));
}

#[test]
fn the_mode_has_no_file_form() {
    let outcome = open().file("mode", "development").env("NEXIS_ENV_FILE", "{root}/mode").run();
    assert_eq!(mode(&outcome), "production");
}

#[test]
fn the_manifest_says_what_chose_the_mode() {
    let source = |launch: Launch| launch.run().status(0).variable("NEXIS_ENV")["source"].clone();
    assert_eq!(source(open().options(["--mode", "production"]))["name"], "--mode");
    assert_eq!(source(open().env("NEXIS_LAUNCH_MODE", "production"))["name"], "NEXIS_LAUNCH_MODE");
    let own = source(open().env("NEXIS_ENV", "production"));
    assert_eq!(own["name"], "NEXIS_ENV");
}

#[test]
fn a_contract_can_name_further_spellings() {
    let contract =
        "version: 1\nname: own\nextends: builtin:nexis-gateway\nmode_names: {preprod: staging}\n";
    let launch = |typed: &str| {
        open()
            .file("own.yaml", contract)
            .options(["--contract", "{root}/own.yaml"])
            .env("NEXIS_ENV", typed)
    };
    for typed in ["preprod", "PreProd", " preprod\n"] {
        let outcome = launch(typed).run();
        assert_eq!(mode(outcome.status(0)), "staging");
        assert_eq!(outcome.seen().text("NEXIS_ENV").as_deref(), Some("staging"));
    }
    launch("preprod2").run().status(78).program_did_not_run();
}

#[test]
fn a_mode_that_is_none_is_not_overruled_in_silence() {
    let misspelled = || open().env("NEXIS_ENV", "produktion");
    let outcome = misspelled().env("NEXIS_LAUNCH_MODE", "dev").run();
    outcome.status(78).error("mode-conflict", "").program_did_not_run();
    misspelled().options(["--mode", "dev"]).run().status(0).warning("mode-conflict", "").seen();
}

#[test]
fn a_mode_that_is_set_twice_starts_nothing_whichever_stands_first() {
    for (first, second) in [("dev", "production"), ("production", "dev")] {
        let outcome = Launch::witness([""; 0])
            .requirements()
            .raw_env(format!("NEXIS_ENV={first}"))
            .raw_env(format!("NEXIS_ENV={second}"))
            .canary(SECRET)
            .run();
        outcome.status(78).error("mode-conflict", "NEXIS_ENV").program_did_not_run().no_canary();
        outcome.says("is set twice in the environment, to different values");
    }
}
