//! The ledger's directory and its two keys (interface section 9): every command of `rotate` and
//! `ledger`, and `leak respond`, takes all three as options.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

/// A command with the three options and no setting in their place.
fn keyed(desk: &Desk, fingerprint_key: &str, words: &[&str]) -> Outcome {
    let path = |name: &str| desk.path(name).to_str().unwrap().to_owned();
    let outcome = desk
        .command(words.iter().copied())
        .without("NEXIS_LAUNCH_LEDGER")
        .without("NEXIS_LAUNCH_FINGERPRINT_KEY_FILE")
        .options(["--ledger", &path("ledger"), "--ledger-key-file", &path("ledger.key")])
        .options(["--fingerprint-key-file", &path(fingerprint_key)])
        .run();
    outcome.no_canary().no_panic();
    outcome
}

/// The same with the key of fingerprints by its setting.
fn set(desk: &Desk, fingerprint_key: &str, words: &[&str]) -> Outcome {
    let key = desk.path(fingerprint_key);
    let launch = desk.keyed(words.iter().copied());
    let outcome = launch.env("NEXIS_LAUNCH_FINGERPRINT_KEY_FILE", key.to_str().unwrap()).run();
    outcome.no_canary().no_panic();
    outcome
}

/// A whole life of a key, and whatever tells of it.
const LIFE: &[&[&str]] = &[
    &["rotate", "adopt", "JWT_SECRET", "--value-file", "{home}/old"],
    &["rotate", "start", "JWT_SECRET", "--value-file", "{home}/new"],
    &["rotate", "abort", "JWT_SECRET"],
    &["rotate", "start", "JWT_SECRET", "--value-file", "{home}/next"],
    &["rotate", "stage", "JWT_SECRET"],
    &["rotate", "verify", "JWT_SECRET", "--value-file", "{home}/next", "--", "/bin/true"],
    &["rotate", "deploy", "JWT_SECRET"],
    &["leak", "respond", "JWT_SECRET", "--reason", "in a log"],
    &["rotate", "revoke", "JWT_SECRET"],
    &["rotate", "evidence", "JWT_SECRET", "--commit", "d41773f"],
    &["rotate", "status"],
    &["rotate", "plan", "JWT_SECRET"],
    &["rotate", "history"],
    &["ledger", "verify"],
    &["ledger", "head"],
    &["ledger", "repair"],
];

#[test]
fn every_command_of_the_ledger_takes_its_directory_and_both_keys() {
    let desk = Desk::new();
    for words in LIFE {
        let mut words = words.to_vec();
        let created = days_ago(1);
        if words[1] == "adopt" {
            words.extend(["--created", &created]);
        }
        let outcome = keyed(&desk, "fingerprint.key", &words);
        // The value that leaked is revoked by then, so nothing is overdue.
        outcome.status(0).never_says("another fingerprint key");
    }
}

#[test]
fn a_fingerprint_key_that_is_named_and_is_none_is_refused_and_nothing_is_written() {
    let desk = Desk::new();
    desk.write("short.key", "00");
    for words in LIFE {
        let mut words = words.to_vec();
        let created = days_ago(1);
        if words[1] == "adopt" {
            words.extend(["--created", &created]);
        }
        // Each where it is in order, so that it is the key that it is refused for.
        let before = std::fs::read(desk.file("JWT_SECRET")).ok();
        for named in [keyed, set] {
            // The ledger's own key is on no host that launches.
            for (key, status) in [("absent.key", 66), ("short.key", 65), ("ledger.key", 65)] {
                let outcome = named(&desk, key, &words);
                outcome.status(status).says("hint: ");
                assert_eq!(outcome.out(), "", "{words:?}");
            }
        }
        // An exporter may have the setting from the launches of its host, and no option.
        let by = "NEXIS_LAUNCH_FINGERPRINT_KEY_FILE";
        set(&desk, "absent.key", &words).says(by).never_says("--fingerprint-key-file");
        keyed(&desk, "absent.key", &words).says("--fingerprint-key-file").never_says(by);
        assert_eq!(std::fs::read(desk.file("JWT_SECRET")).ok(), before, "{words:?}");
        keyed(&desk, "fingerprint.key", &words).status(0);
    }
}

#[test]
fn values_that_were_recorded_under_another_key_are_named() {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 1);
    let other: String = HEX_KEY.chars().rev().collect();
    desk.write("other.key", &other);
    let told: &[&[&str]] = &[
        &["rotate", "status"],
        &["rotate", "history"],
        &["ledger", "verify"],
        &["ledger", "head"],
    ];
    for words in told {
        for named in [keyed, set] {
            let outcome = named(&desk, "other.key", words);
            outcome.status(0).says("recorded under another fingerprint key: JWT_SECRET");
            assert!(!outcome.out().is_empty());
            named(&desk, "fingerprint.key", words).status(0).never_says("another fingerprint key");
        }
    }
}

/// The new value of the rotation is on record under the new key, and the one in production is not.
#[test]
fn the_value_in_production_is_never_taken_for_another_while_the_fingerprint_key_is_replaced() {
    let desk = Desk::new();
    let respond = ["leak", "respond", "JWT_SECRET", "--reason", "in a log"];
    desk.adopt("JWT_SECRET", 10);
    desk.write("former.key", std::fs::read(desk.path("fingerprint.key")).unwrap());
    desk.write("fingerprint.key", HEX_KEY.chars().rev().collect::<String>());
    desk.start("JWT_SECRET", "new");
    let refused = |value: &str| {
        let before = desk.text("JWT_SECRET");
        desk.refused(65, &[&respond[..], &["--value-file", value]].concat())
            .says("another fingerprint key")
            .says("nothing was recorded");
        assert_eq!(desk.text("JWT_SECRET"), before);
    };
    refused("{home}/old");
    desk.steps("JWT_SECRET", &["stage", "verify", "deploy"]);
    refused("{home}/old");
    let old = [&respond[..], &["--value-file", "{home}/old"]].concat();
    desk.done(&[&old[..], &["--fingerprint-key-file", "{home}/former.key"]].concat());
    desk.steps("JWT_SECRET", &["revoke"]);
    desk.refused(65, &["rotate", "revoke", "JWT_SECRET"]);
    // Now it can be none that is in use.
    desk.done(&old);
    desk.steps("JWT_SECRET", &["revoke"]);
    assert_eq!(desk.kinds("JWT_SECRET")[5..], ["exposed", "revoked", "exposed", "revoked"]);
    // The two are one value, and no reader of the ledger can know it.
    let told = desk.done(&["ledger", "verify"]);
    told.says("revoked or exposed under another fingerprint key: JWT_SECRET");
    told.says("; this line stays all the same");
}
