//! Fingerprints: HMAC-SHA256 under the operator's key, or none (interface section 1).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use serde_json::Value;

/// The key of the vectors below, which come from another implementation (Python's `hmac`).
const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn with_key(key: &str) -> Launch {
    Launch::sound("production")
        .file("key", key)
        .options(["--fingerprint-key-file", "{root}/key"])
        .canary(SECRET)
        .canary(OTHER)
        .canary(KEY)
}

#[test]
fn fingerprints_are_the_first_16_digits_of_the_hmac() {
    for ending in ["", "\n"] {
        let outcome = with_key(&format!("{KEY}{ending}")).run();
        outcome.status(0).no_canary();
        assert_eq!(outcome.variable("JWT_SECRET")["fingerprint"], "04546ddeb24573db");
        assert_eq!(outcome.manifest()["fingerprint_key_id"], "e748aacc");
    }
}

#[test]
fn a_password_in_a_url_has_one_of_its_own() {
    let outcome =
        with_key(KEY).env("DATABASE_URL", format!("postgres://app:{OTHER}@127.0.0.1/nexis")).run();
    outcome.status(0).no_canary();
    let variable = outcome.variable("DATABASE_URL");
    let sub = variable["sub"].as_array().unwrap();
    let password = sub.iter().find(|it| it["name"] == "DATABASE_URL#password");
    assert_eq!(password.unwrap()["fingerprint"], "5e70daa3d591f638", "{variable}");
}

#[test]
fn an_encoded_password_is_fingerprinted_as_the_secret_that_it_is() {
    let outcome = with_key(KEY)
        .env("DATABASE_URL", "postgres://app:p%40ss%3Aw%2Fo%20rd%21Wm4Rk8Zt@127.0.0.1/nexis")
        .run();
    let text = outcome.status(0).variable("DATABASE_URL")["sub"].to_string();
    // The value that a manager stores and a leak shows is the decoded one.
    assert!(text.contains("b0d329d7ac384c72"), "{text}");
}

#[test]
fn a_part_that_composes_a_value_has_one() {
    let outcome = with_key(KEY)
        .env("NEXIS_DATABASE_HOST", "127.0.0.1")
        .env("NEXIS_DATABASE_NAME", "nexis")
        .env("NEXIS_DATABASE_USER", "app")
        .env("NEXIS_DATABASE_PASSWORD", OTHER)
        .run();
    outcome.status(0).no_canary();
    assert!(outcome.manifest()["variables"].to_string().contains("5e70daa3d591f638"), "{outcome}");
}

#[test]
fn only_secrets_have_one() {
    let outcome = with_key(KEY).run();
    for variable in outcome.status(0).manifest()["variables"].as_array().unwrap() {
        if variable["secret"] == false {
            assert!(variable.get("fingerprint").is_none_or(Value::is_null), "{variable}");
        }
    }
}

#[test]
fn the_text_form_shows_them_too() {
    let outcome = with_key(KEY).options(["--manifest", "text"]).run();
    outcome.status(0).says("04546ddeb24573db").no_canary();
}

#[test]
fn a_key_file_that_is_no_key_is_65_and_is_not_shown() {
    let spaced = format!(" {KEY}");
    let double = format!("{KEY}\n\n");
    for key in ["", "\n", &KEY[1..], &format!("{KEY}0"), &"g".repeat(64), &spaced, &double, SECRET]
    {
        let outcome = with_key(key).run();
        outcome.no_canary().no_panic().program_did_not_run();
        outcome.status(65).says("/key");
    }
}

#[test]
fn a_key_file_that_is_missing_or_no_file_is_66() {
    for place in ["{root}/absent", "{root}", "{root}/pipe"] {
        let outcome = Launch::sound("production")
            .pipe("pipe")
            .options(["--fingerprint-key-file", place])
            .run();
        outcome.status(66).no_panic().program_did_not_run();
    }
}

#[test]
fn a_fingerprint_key_in_place_of_its_path_is_not_repeated() {
    let key = "9f2c51d07ab8e3641f0c5d92b7a86e13c4d5f60a1b2c3d4e5f60718293a4b5c6";
    for launch in [
        Launch::sound("production").options(["--fingerprint-key-file", key]),
        Launch::sound("production").env("NEXIS_LAUNCH_FINGERPRINT_KEY_FILE", key),
    ] {
        let outcome = launch.options(["--audit-log", "{root}/log", "-vvv"]).canary(key).run();
        outcome.status(66).no_canary().program_did_not_run();
        outcome.says("cannot read --fingerprint-key-file (64 hex digits, no path)");
    }
    // What is no key is a path that somebody looks for.
    for path in [&key[1..], &key.replace('9', "z")] {
        let outcome = Launch::sound("production").options(["--fingerprint-key-file", path]).run();
        outcome.status(66).says(path).program_did_not_run();
    }
}
