//! `--accept CODE:VARIABLE --reason TEXT --until DATE` (interface section 2).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use std::time::{SystemTime, UNIX_EPOCH};

/// The day so many days from today (UTC), by the civil-from-days algorithm.
fn day(from_now: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let days = i64::try_from(now / 86400).unwrap() + from_now + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

fn accepting(what: &str, until: &str) -> Launch {
    Launch::sound("production")
        .env("JWT_SECRET", &SECRET[..31])
        .options(["--accept", what, "--reason", "rotation on Tuesday", "--until", until])
        .options(["--audit-log", "{root}/audit.log"])
}

#[test]
fn an_accepted_error_is_a_warning_and_stands_in_manifest_and_audit() {
    for until in [day(0), day(1), day(30)] {
        let outcome = accepting("too-short:JWT_SECRET", &until).run();
        outcome.status(0).warning("too-short", "JWT_SECRET").no_finding("acceptance-unused").seen();
        for record in [outcome.manifest().to_string(), outcome.read("audit.log")] {
            assert!(record.contains("rotation on Tuesday") && record.contains(&until), "{record}");
        }
    }
}

#[test]
fn a_value_with_an_accepted_error_is_shown_as_little_as_with_the_error() {
    for form in ["text", "json"] {
        let outcome = Launch::sound("production")
            .env("NEXIS_CORS_ALLOW_ORIGINS", format!("https://app:{OTHER}@app.example"))
            .options(["--accept", "bad-format:NEXIS_CORS_ALLOW_ORIGINS", "--reason", "a week"])
            .options(["--until".to_owned(), day(7), format!("--manifest={form}")])
            .canary(OTHER)
            .run();
        outcome.status(0).no_canary().seen();
        assert!(outcome.err().contains("NEXIS_CORS_ALLOW_ORIGINS"), "{outcome}");
    }
}

#[test]
fn a_day_that_is_too_far_ahead_is_refused() {
    for until in [day(31), day(4000)] {
        let outcome = accepting("too-short:JWT_SECRET", &until).run();
        outcome.status(64).error("too-short", "JWT_SECRET").program_did_not_run();
    }
}

/// The error stands again; an option that was left behind stops nothing that is in order.
#[test]
fn after_its_last_day_an_acceptance_does_nothing_and_says_so() {
    for until in [day(-1), day(-400)] {
        let outcome = accepting("too-short:JWT_SECRET", &until).run();
        outcome.status(78).only_errors(&[("too-short", "JWT_SECRET")]).program_did_not_run();
        outcome.warning("acceptance-unused", "JWT_SECRET").says("its last day is past");
        let mended = accepting("too-short:JWT_SECRET", &until).env("JWT_SECRET", SECRET).run();
        mended.status(0).no_errors().warning("acceptance-unused", "JWT_SECRET").seen();
    }
}

#[test]
fn what_is_no_day_is_64() {
    for until in ["tomorrow", "2026-13-01", "2026-02-30", "", "31.12.2026"] {
        accepting("too-short:JWT_SECRET", until).run().status(64).program_did_not_run();
    }
}

#[test]
fn only_the_named_finding_is_accepted() {
    let outcome = accepting("too-short:NEXIS_API_HMAC_SECRET", &day(5)).run();
    outcome.error("too-short", "JWT_SECRET").program_did_not_run();
    let outcome = accepting("low-entropy:JWT_SECRET", &day(5)).run();
    outcome.error("too-short", "JWT_SECRET").program_did_not_run();
    accepting("too-short:JWT_SECRET", &day(5))
        .env("NEXIS_RATE_LIMIT_RPM", "0")
        .run()
        .status(78)
        .warning("too-short", "JWT_SECRET")
        .error("bad-format", "NEXIS_RATE_LIMIT_RPM")
        .program_did_not_run();
}

#[test]
fn a_blank_or_burnt_secret_is_never_accepted() {
    let outcome = accepting("blank-value:JWT_SECRET", &day(5)).env("JWT_SECRET", "").run();
    outcome.error("blank-value", "JWT_SECRET").program_did_not_run();
    outcome.status(64).error("acceptance-invalid", "JWT_SECRET");
    let outcome = accepting("placeholder:JWT_SECRET", &day(5))
        .env("JWT_SECRET", "dev_only_secret_change_in_production")
        .run();
    outcome.error("placeholder", "JWT_SECRET").program_did_not_run();
    outcome.status(64).error("acceptance-invalid", "JWT_SECRET");
    let outcome = accepting("missing-required:JWT_SECRET", &day(5)).without("JWT_SECRET").run();
    // An absent key makes the gateway panic.
    outcome.error("missing-required", "JWT_SECRET").program_did_not_run();
    outcome.status(64).error("acceptance-invalid", "JWT_SECRET");
}

#[test]
fn a_required_secret_that_would_not_reach_the_program_is_never_accepted() {
    let start = |what: &str, keys: &str| {
        let contract =
            format!("version: 1\nname: own\nvariables:\n  - {{name: KEY, secret: true{keys}}}\n");
        let reason = ["--reason", "x", "--until", &day(5)];
        let launch = Launch::witness(["--mode", "production", "--accept", what]);
        launch.options(reason).contract(&contract).options(["--secrets-dir", "{root}/s"]).dir("s")
    };
    let required = ", required: always";
    for (code, content) in
        [("contains-nul", &b"with\0nul-in-it"[..]), ("not-utf8", b"\xff\xfe-odd")]
    {
        let what = format!("{code}:KEY");
        let outcome = start(&what, required).file("s/KEY", content).run();
        outcome.status(64).error(code, "KEY").program_did_not_run();
        start(&what, "").file("s/KEY", content).run().status(0).warning(code, "KEY");
    }
    let as_file = ", deliver: file";
    let outcome = start("no-file-to-deliver:KEY", &format!("{as_file}{required}"));
    let outcome = outcome.env("KEY", "a value without a file").run();
    outcome.status(64).error("no-file-to-deliver", "KEY").program_did_not_run();
    let outcome = start("no-file-to-deliver:KEY", as_file).env("KEY", "a value").run();
    outcome.status(0).warning("no-file-to-deliver", "KEY");
    let refused = start("bad-format:KEY", &format!(", final_newline: refuse{required}"));
    let outcome = refused.file("s/KEY", "a value with a newline\n").run();
    outcome.status(64).error("bad-format", "KEY").program_did_not_run();
}

#[test]
fn a_code_that_is_no_finding_about_a_value_is_never_accepted() {
    for code in ["report-forbidden", "program-not-found", "insecure-contract"] {
        let outcome = accepting(&format!("{code}:JWT_SECRET"), &day(5)).run();
        outcome.status(64).says("a finding of this code is never accepted").program_did_not_run();
    }
}

#[test]
fn an_unknown_code_is_64() {
    let outcome = accepting("too-shrt:JWT_SECRET", &day(5)).run();
    outcome.status(64).says("too-short").program_did_not_run();
}

#[test]
fn reason_and_day_are_required_and_belong_to_their_code() {
    let sound = || Launch::sound("production");
    sound().options(["--accept", "too-short:JWT_SECRET"]).run().status(64).program_did_not_run();
    sound()
        .options(["--accept", "too-short:JWT_SECRET", "--until", &day(1)])
        .run()
        .status(64)
        .program_did_not_run();
    sound()
        .options(["--accept", "too-short:JWT_SECRET", "--reason", "", "--until", &day(1)])
        .run()
        .status(64)
        .program_did_not_run();
    sound().options(["--reason", "x", "--until", &day(1)]).run().status(64).program_did_not_run();
    for what in ["too-short", ":JWT_SECRET", "JWT_SECRET:too-short", ""] {
        let outcome = accepting(what, &day(1)).run();
        outcome.program_did_not_run();
        assert_eq!(outcome.status, Some(64), "{what:?}\n{outcome}");
    }
}

#[test]
fn two_can_be_accepted_each_with_its_own_reason() {
    let outcome = accepting("too-short:JWT_SECRET", &day(1))
        .env("NEXIS_ENCRYPTION_KEY", &HEX_KEY[1..])
        .options(["--accept", "bad-format:NEXIS_ENCRYPTION_KEY", "--reason", "second reason"])
        .options(["--until", &day(2)])
        .run();
    outcome
        .status(0)
        .warning("too-short", "JWT_SECRET")
        .warning("bad-format", "NEXIS_ENCRYPTION_KEY");
    let accepted = outcome.finding_entry("bad-format", "NEXIS_ENCRYPTION_KEY").to_string();
    assert!(accepted.contains("second reason") && accepted.contains(&day(2)), "{accepted}");
}

#[test]
fn an_alias_stands_for_its_variable() {
    let outcome = accepting("too-short:NEXIS_JWT_SECRET", &day(5)).run();
    outcome.status(0).warning("too-short", "JWT_SECRET").seen();
}

#[test]
fn an_acceptance_that_matches_nothing_is_said() {
    let outcome = accepting("low-entropy:JWT_SECRET", &day(5)).run();
    outcome.status(78).warning("acceptance-unused", "JWT_SECRET").program_did_not_run();
    outcome.error("too-short", "JWT_SECRET");
}
