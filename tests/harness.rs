//! The harness itself: what it would miss, every other test would miss.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

/// Checked against `printf 'x%s' kZ3vQ9xLw7 | base64` and the like.
#[test]
fn the_forms_of_a_canary_are_those_that_other_tools_make() {
    let forms = forms(b"kZ3vQ9xLw7");
    let has = |text: &str| forms.iter().any(|(_, form)| find(text.as_bytes(), form).is_some());
    for text in [
        "kZ3vQ9xLw7",
        "a1ozdlE5eEx3Nw==",
        "eGtaM3ZROXhMdzc=",
        "eHhrWjN2UTl4THc3",
        "6b5a33765139784c7737",
        "6B5A33765139784C7737",
        "%6b%5a%33%76%51%39%78%4c%77%37",
    ] {
        assert!(has(text), "{text}");
    }
    assert!(!has("kZ3vQ9xLw"));
}

#[test]
fn a_direct_start_sees_exactly_the_environment_of_the_test() {
    let outcome = Launch::sound("production")
        .raw_env("NOT-AN-ASSIGNMENT")
        .raw_env(b"BYTES=\xff\xfe")
        .directly()
        .run();
    let seen = outcome.status(0).seen();
    assert_eq!(seen.text("JWT_SECRET").unwrap(), SECRET);
    assert_eq!(seen.environment[2..], [b"NOT-AN-ASSIGNMENT".to_vec(), b"BYTES=\xff\xfe".to_vec()]);
}

#[test]
#[should_panic(expected = "a canary's base64 at offset 1 in")]
fn a_leak_into_a_new_file_is_seen() {
    Launch::new()
        .args(["run", "--", "/bin/sh", "-c", "printf xkZ3vQ9xLw7 | base64 >leak"])
        .args(["{dump}"])
        .env("PATH", "/usr/bin:/bin")
        .canary("kZ3vQ9xLw7")
        .directly()
        .run()
        .status(0)
        .no_canary();
}

#[test]
#[should_panic(expected = "the program ran")]
fn a_program_that_ran_is_seen() {
    Launch::sound("production").directly().run().program_did_not_run();
}
