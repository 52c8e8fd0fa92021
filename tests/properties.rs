//! Properties over many generated worlds: the manifest equals what the program finds, resolution
//! keeps its precedence, a composed URL parses back to its parts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::collections::BTreeMap;

/// Few cases, since each starts a process; the seed is fixed so that a failure is found again.
fn runner(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

/// Names that the launcher knows in some role, and names that it does not.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "JWT_SECRET",
            "NEXIS_JWT_SECRET",
            "JWT_ISSUER",
            "NEXIS_JWT_AUDIENCE",
            "NEXIS_LOG_LEVEL",
            "NEXIS_HSTS_ENABLED",
            "NEXIS_DATABASE_PATH",
            "NEXIS_OPENAI_ENABLED",
            "OPENAI_API_KEY",
            "NEXIS_PROVIDER",
            "NEXIS_REDIS_HOST",
            "NEXIS_REDIS_PORT",
            "NEXIS_ENV",
            "RUST_LOG",
            "NEXIS_BIND_ADDR",
            "NEXIS_RATE_LIMIT_RPM",
            "NEXIS_CORS_ALLOW_ORIGINS",
            "PATH",
            "HOME",
            "NEXIS_REDIS_SERVICE_HOST",
            "LANG",
        ])
        .prop_map(str::to_owned),
        "[A-Z][A-Z0-9_]{0,12}".prop_filter("no setting", |it| !it.starts_with("NEXIS_LAUNCH")),
        "[a-zA-Z0-9_.-]{1,8}",
    ]
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::sample::select(vec![
            "true",
            "false",
            "1",
            "info",
            "openai",
            "127.0.0.1",
            "6379",
            "development",
            "staging",
            "https://app.nexis.example",
            "127.0.0.1:8080",
            "100",
            "",
            " ",
            SECRET,
            OTHER,
        ])
        .prop_map(|it| it.as_bytes().to_vec()),
        vec(1u8..=255, 0..40),
        "[ -~]{0,40}".prop_map(String::into_bytes),
    ]
}

fn world() -> impl Strategy<Value = BTreeMap<String, Vec<u8>>> {
    btree_map(name(), value(), 0..16)
}

#[test]
fn the_manifest_equals_what_the_program_finds() {
    let strategy = (
        world(),
        any::<bool>(),
        prop::sample::select(vec!["development", "staging", "production"]),
    );
    let check = |(world, contract, mode): (BTreeMap<String, Vec<u8>>, bool, &str)| {
        let inherit = if contract { "contract" } else { "all" };
        let mut launch =
            Launch::witness(["--mode", mode, "--enforce", "report", "--inherit", inherit]);
        for (name, value) in &world {
            launch = launch.env(name, value);
        }
        let outcome = launch.run();
        outcome.no_panic();
        let manifest = outcome.manifest();
        let seen = outcome.status(0).seen();

        let mut stated: Vec<String> = Vec::new();
        for variable in manifest["variables"].as_array().unwrap() {
            let name = variable["name"].as_str().unwrap();
            if ["delivered", "generated"].contains(&variable["state"].as_str().unwrap()) {
                stated.push(name.to_owned());
                let found = seen.var(name).unwrap_or_else(|| panic!("{name} is stated, not found"));
                assert_eq!(
                    variable["bytes"].as_u64().unwrap_or(found.len() as u64),
                    found.len() as u64
                );
                if let Some(display) = variable["display"].as_str()
                    && variable["secret"] == false
                    && found.iter().all(|byte| (0x20..0x7f).contains(byte) && *byte != b'\\')
                {
                    assert_eq!(display.as_bytes(), found, "{name}");
                }
            } else {
                assert_eq!(seen.var(name), None, "{name} is {}", variable["state"]);
            }
        }
        for name in manifest["inherited"]["names"].as_array().unwrap() {
            stated.push(name.as_str().unwrap().to_owned());
        }
        for name in manifest["removed"].as_array().unwrap() {
            let name = name.as_str().unwrap();
            // Removed, unless it came back as a runtime variable.
            assert!(seen.var(name).is_none() || stated.iter().any(|it| it == name), "{name}");
        }
        let mut found = seen.names();
        stated.sort();
        found.sort();
        assert_eq!(stated, found, "{outcome}");
        // What is nobody's business passes untouched.
        if !contract {
            for name in manifest["inherited"]["names"].as_array().unwrap() {
                let name = name.as_str().unwrap();
                assert_eq!(seen.var(name).as_ref(), world.get(name), "{name}");
            }
        }
        Ok(())
    };
    runner(96).run(&strategy, check).unwrap();
}

#[test]
fn the_highest_source_that_holds_a_value_wins() {
    // Six sources, each absent, blank, or one of two values; development, where a conflict warns.
    let strategy = vec(0u8..4, 6);
    let check = |choices: Vec<u8>| {
        let mut launch = Launch::witness(["--mode", "development"])
            .dir("creds")
            .dir("dir")
            .options(["--secrets-dir", "{root}/dir"]);
        let mut expected = None;
        let mut values = Vec::new();
        for (place, choice) in choices.iter().enumerate() {
            let value = match choice {
                0 => continue,
                1 => "",
                2 => SECRET,
                _ => OTHER,
            };
            launch = match place {
                0 => launch.file("a", value).env("NEXIS_JWT_SECRET_FILE", "{root}/a"),
                1 => launch.env("NEXIS_JWT_SECRET", value),
                2 => launch.env("JWT_SECRET", value),
                3 => launch
                    .file("creds/jwt_secret", value)
                    .env("CREDENTIALS_DIRECTORY", "{root}/creds"),
                4 => launch.file("dir/jwt_secret", value),
                _ => launch
                    .file("env", format!("JWT_SECRET={value}\n"))
                    .options(["--env-file", "{root}/env"]),
            };
            if !value.is_empty() {
                expected = expected.or(Some(value));
                values.push(value);
            }
        }
        let outcome = launch.run();
        let conflict = outcome.findings().iter().any(|it| it.0 == "conflict");
        assert_eq!(
            conflict,
            values.iter().any(|it| Some(*it) != expected),
            "{choices:?}\n{outcome}"
        );
        // Blank everywhere and nothing else: the contract's generator, or a refusal, never blank.
        if outcome.status == Some(0) {
            let found = outcome.seen().text("JWT_SECRET").unwrap();
            match expected {
                Some(expected) => assert_eq!(found, expected, "{choices:?}"),
                None => assert!(found.len() >= 32, "{choices:?}"),
            }
        } else {
            assert_eq!(expected, None, "{choices:?}\n{outcome}");
            outcome.status(78).error("blank-value", "JWT_SECRET").program_did_not_run();
        }
        Ok(())
    };
    runner(96).run(&strategy, check).unwrap();
}

fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut result = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'%' {
            result.push(u8::from_str_radix(&text[at + 1..at + 3], 16).unwrap());
            at += 3;
        } else {
            result.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8(result).unwrap()
}

#[test]
fn a_composed_url_parses_back_to_its_parts() {
    let word = "[!-~é€]{1,24}".prop_filter("no reference or placeholder", |it| {
        !it.starts_with(['$', '{', '<', '"', '\'']) && it.len() > 2
    });
    let strategy = (
        word.clone(),
        word.clone(),
        word,
        1u16..,
        prop::sample::select(vec!["db.internal", "10.0.0.7", "2001:db8::7"]),
    );
    let check = |(user, password, name, port, host): (String, String, String, u16, &str)| {
        let outcome = Launch::witness(["--mode", "development", "--enforce", "report"])
            .env("NEXIS_DATABASE_HOST", host)
            .env("NEXIS_DATABASE_PORT", port.to_string())
            .env("NEXIS_DATABASE_NAME", &name)
            .env("NEXIS_DATABASE_USER", &user)
            .env("NEXIS_DATABASE_PASSWORD", &password)
            .run();
        let text = outcome.status(0).seen().text("DATABASE_URL");
        let text = text.unwrap_or_else(|| panic!("{outcome}"));
        let url = url::Url::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(decoded(url.username()), user, "{text}");
        assert_eq!(url.password().map(decoded), Some(password), "{text}");
        assert_eq!(url.host_str().unwrap().trim_matches(['[', ']']), host, "{text}");
        assert_eq!(url.port(), Some(port), "{text}");
        assert_eq!((url.query(), url.fragment()), (None, None), "{text}");
        // `.` and `..` as a name vanish in any parser, encoded or not (RFC 3986 section 6.2.2).
        if name != "." && name != ".." {
            assert_eq!(decoded(url.path()), format!("/{name}"), "{text}");
        }
        Ok(())
    };
    runner(96).run(&strategy, check).unwrap();
}
