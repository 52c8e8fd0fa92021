//! Values composed of parts (interface section 3, step 8; gateway contract section 2).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use url::Url;

const PASSWORD: &str = "p@ss:w/o?r#d%25 &=+[]\"'é";

fn database() -> Launch {
    Launch::sound("staging")
        .env("NEXIS_DATABASE_HOST", "db.internal")
        .env("NEXIS_DATABASE_NAME", "nexis")
        .env("NEXIS_DATABASE_USER", "app")
        .env("NEXIS_DATABASE_PASSWORD", OTHER)
}

fn composed(launch: Launch, name: &str) -> Url {
    let outcome = launch.run();
    let text =
        outcome.status(0).seen().text(name).unwrap_or_else(|| panic!("no {name}\n{outcome}"));
    Url::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first == b'%' {
            let code = std::str::from_utf8(&tail[..2]).unwrap();
            bytes.push(u8::from_str_radix(code, 16).unwrap());
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_database_url_is_composed_of_its_parts() {
    let url = composed(
        database().env("NEXIS_DATABASE_PORT", "6432").env("NEXIS_DATABASE_SSLMODE", "require"),
        "DATABASE_URL",
    );
    assert!(["postgres", "postgresql"].contains(&url.scheme()), "{}", url.scheme());
    assert_eq!((url.username(), url.password()), ("app", Some(OTHER)));
    assert_eq!(
        (url.host_str(), url.port(), url.path()),
        (Some("db.internal"), Some(6432), "/nexis")
    );
    assert_eq!(url.query(), Some("sslmode=require"));
}

#[test]
fn a_part_is_composed_in_the_contracts_spelling_as_it_would_be_delivered() {
    let launch = |sslmode| {
        database().env("NEXIS_DATABASE_SCHEME", "PostgreSQL").env("NEXIS_DATABASE_SSLMODE", sslmode)
    };
    let outcome = launch("REQUIRE").run();
    let text = outcome.status(0).seen().text("DATABASE_URL").unwrap();
    assert!(text.starts_with("postgresql://") && text.ends_with("?sslmode=require"), "{text}");
    // So a URL that says the same is no other statement.
    launch("Require").env("DATABASE_URL", &text).run().status(0).no_finding("conflict");

    let contract = "version: 1\nname: own\nvariables:\n\
        - {name: APP_URL, template: 'https://h/?tls={APP_TLS}&raw={APP_RAW}'}\n\
        parts:\n- {name: APP_TLS, format: {kind: flag}}\n- {name: APP_RAW}\n";
    let outcome = Launch::witness(["--mode", "production"])
        .contract(contract)
        .env("APP_TLS", "YES")
        .env("APP_RAW", "YES")
        .run();
    let text = outcome.status(0).seen().text("APP_URL");
    assert_eq!(text.as_deref(), Some("https://h/?tls=true&raw=YES"));
}

#[test]
fn what_is_composed_stands_above_the_rows_default() {
    let contract = "version: 1\nname: own\nvariables:\n\
        - {name: APP_URL, template: 'https://{APP_HOST}/', default: 'https://default/'}\n\
        parts:\n- {name: APP_HOST}\n";
    let launch = || Launch::witness(["--mode", "development"]).contract(contract);
    for (launch, expected) in
        [(launch().env("APP_HOST", "given"), "https://given/"), (launch(), "https://default/")]
    {
        let text = launch.run().status(0).seen().text("APP_URL");
        assert_eq!(text.as_deref(), Some(expected));
    }
}

#[test]
fn what_is_composed_of_a_secret_is_a_secret_however_short() {
    let contract = "version: 1\nname: own\nvariables:\n\
        - {name: APP_URL, template: 'https://h/{BASE}/{APP_USER}'}\n\
        parts:\n- {name: APP_PASSWORD, secret: true}\n- {name: APP_USER}\n\
        - {name: BASE, template: 'b.{APP_PASSWORD}'}\n";
    let outcome = Launch::new()
        .file("own.yaml", contract)
        .args(["run", "--contract", "{root}/own.yaml", "--mode", "staging", "--manifest", "json"])
        .args(["--", "{witness}", "{dump}"])
        .env("APP_PASSWORD", "s3cr3tZ")
        .env("APP_USER", "me")
        .run();
    outcome.status(0);
    assert_eq!(outcome.variable("APP_URL")["secret"], true, "{outcome}");
    assert_eq!(outcome.seen().text("APP_URL").as_deref(), Some("https://h/b.s3cr3tZ/me"));
    // Too short for a canary in all its forms.
    for output in [&outcome.stdout, &outcome.stderr] {
        assert!(!String::from_utf8_lossy(output).contains("s3cr3tZ"), "{outcome}");
    }
}

#[test]
fn optional_parts_leave_nothing_behind() {
    let url = composed(database(), "DATABASE_URL");
    assert_eq!((url.port(), url.query()), (None, None));
    assert!(
        !url.as_str().contains(":/") || url.as_str().matches(":/").count() == 1,
        "no stray colon"
    );
}

#[test]
fn a_scheme_part_is_taken() {
    let url = composed(database().env("NEXIS_DATABASE_SCHEME", "mysql"), "DATABASE_URL");
    assert_eq!(url.scheme(), "mysql");
}

#[test]
fn a_word_of_postgresql_is_not_composed_into_a_url_of_mysql() {
    let launch = || database().env("NEXIS_DATABASE_SSLMODE", "verify-full");
    for scheme in ["mysql", "MySQL"] {
        let outcome = launch().env("NEXIS_DATABASE_SCHEME", scheme).run();
        outcome.status(78).error("bad-format", "NEXIS_DATABASE_SSLMODE");
        outcome.says("?ssl-mode=REQUIRED").program_did_not_run();
    }
    for scheme in ["postgres", "postgresql"] {
        launch().env("NEXIS_DATABASE_SCHEME", scheme).run().status(0).no_finding("bad-format");
    }
    // Where nothing is composed, the word goes nowhere.
    let word = |launch: Launch| {
        launch.env("NEXIS_DATABASE_SCHEME", "mysql").env("NEXIS_DATABASE_SSLMODE", "verify-full")
    };
    let off = || word(Launch::sound("production")).env("NEXIS_PERSISTENCE_ENABLED", "false");
    let whole = format!("mysql://app:{OTHER}@db.internal/nexis?ssl-mode=REQUIRED");
    let left = word(Launch::sound("production")).env("DATABASE_URL", whole);
    let all = launch().env("NEXIS_DATABASE_SCHEME", "mysql").env("NEXIS_PERSISTENCE_ENABLED", "no");
    for launch in [off(), off().env("NEXIS_DATABASE_HOST", "db.internal"), left, all] {
        launch.run().status(0).no_finding("bad-format");
    }
    // What the hint says is taken, and is TLS; the word in a whole URL is not.
    for (query, is_clear) in [("ssl-mode=REQUIRED", false), ("sslmode=require", true)] {
        let outcome = Launch::sound("production")
            .env("DATABASE_URL", format!("mysql://app:{OTHER}@db.internal/nexis?{query}"))
            .run();
        outcome.status(0);
        if is_clear {
            outcome.warning("insecure-transport", "DATABASE_URL").says("MySQL ssl-mode=REQUIRED");
        } else {
            outcome.no_finding("insecure-transport");
        }
    }
}

#[test]
fn special_characters_of_a_password_are_percent_encoded() {
    let url = composed(database().env("NEXIS_DATABASE_PASSWORD", PASSWORD), "DATABASE_URL");
    assert_eq!(decoded(url.password().unwrap()), PASSWORD);
    assert_eq!(url.host_str(), Some("db.internal"));
    assert_eq!(url.path(), "/nexis");
    assert_eq!((url.query(), url.fragment()), (None, None));
}

#[test]
fn a_part_in_the_path_cannot_leave_its_place() {
    let url = composed(database().env("NEXIS_DATABASE_NAME", "a/../b?c#d"), "DATABASE_URL");
    assert_eq!(decoded(url.path()), "/a/../b?c#d");
    assert_eq!((url.query(), url.fragment()), (None, None));
}

#[test]
fn a_part_in_the_place_of_the_host_names_one_host_or_a_directory_of_sockets() {
    for host in ["a.example,b.example", "db.internal/nexis", "db.internal:5432"] {
        let outcome = database().env("NEXIS_DATABASE_HOST", host).run();
        outcome.status(78).error("bad-format", "DATABASE_URL");
        outcome.says("does not name one host").program_did_not_run();
    }
    for host in ["/run/postgresql", "/cloudsql/my-project:europe-west1:db"] {
        let url = composed(database().env("NEXIS_DATABASE_HOST", host), "DATABASE_URL");
        assert_eq!(decoded(url.host_str().unwrap()), host);
    }
}

/// As its drivers take it; each host is judged.
#[test]
fn a_whole_url_may_name_several_hosts_with_a_port_each() {
    let outcome = |hosts: &str, query: &str| {
        let url = format!("postgresql://nexis:a-password-of-ours-7@{hosts}/nexis?{query}");
        let launch = Launch::sound("production").env("DATABASE_URL", url);
        launch.canary("a-password-of-ours-7").run()
    };
    let sound = outcome("h1:5432,h2:5433", "sslmode=require");
    sound.status(0).no_canary();
    let shown = "postgresql://[redacted]@h1:5432,h2:5433/nexis?sslmode=require";
    assert_eq!(sound.variable("DATABASE_URL")["display"], shown);
    outcome("localhost:5432,h2:5433", "x=y").finding("insecure-transport", "DATABASE_URL");
    let refused = outcome("h1:5432,h2%3A5433", "sslmode=require");
    refused.status(78).error("bad-format", "DATABASE_URL").program_did_not_run().no_canary();
}

#[test]
fn an_ipv6_host_is_bracketed() {
    for host in ["2001:db8::7", "[2001:db8::7]"] {
        let url = composed(
            database().env("NEXIS_DATABASE_HOST", host).env("NEXIS_DATABASE_PORT", "5432"),
            "DATABASE_URL",
        );
        assert_eq!(url.host_str(), Some("[2001:db8::7]"), "{host}");
        assert_eq!(url.port(), Some(5432));
    }
}

#[test]
fn a_redis_url_is_composed_of_its_parts() {
    let host = || Launch::sound("staging").env("NEXIS_REDIS_HOST", "cache.internal");
    let url = composed(host(), "REDIS_URL");
    assert_eq!((url.scheme(), url.host_str(), url.port()), ("redis", Some("cache.internal"), None));
    let url = composed(
        host()
            .env("NEXIS_REDIS_TLS", "true")
            .env("NEXIS_REDIS_PORT", "6380")
            .env("NEXIS_REDIS_DB", "3")
            .env("NEXIS_REDIS_USER", "app")
            .env("NEXIS_REDIS_PASSWORD", PASSWORD),
        "REDIS_URL",
    );
    assert_eq!((url.scheme(), url.username(), url.port()), ("rediss", "app", Some(6380)));
    assert_eq!(decoded(url.password().unwrap()), PASSWORD);
    assert_eq!(url.path(), "/3");
    let url = composed(
        host().env("NEXIS_REDIS_PASSWORD", OTHER).env("NEXIS_REDIS_TLS", "false"),
        "REDIS_URL",
    );
    assert_eq!((url.scheme(), url.password()), ("redis", Some(OTHER)));
    // Redis calls the user of a password without a user `default`.
    assert!(["", "default"].contains(&url.username()), "{}", url.username());
}

#[test]
fn parts_have_all_sources() {
    let url = composed(
        database()
            .without("NEXIS_DATABASE_PASSWORD")
            .without("NEXIS_DATABASE_USER")
            .file("dir/nexis-database-password", format!("{PASSWORD}\n"))
            .file("user", "other\n")
            .env("NEXIS_DATABASE_USER_FILE", "{root}/user")
            .options(["--secrets-dir", "{root}/dir"]),
        "DATABASE_URL",
    );
    assert_eq!(decoded(url.password().unwrap()), PASSWORD);
    assert_eq!(url.username(), "other");
}

#[test]
fn missing_parts_are_named() {
    let outcome = Launch::sound("staging").env("NEXIS_DATABASE_HOST", "db.internal").run();
    outcome.status(78).error("incomplete-template", "DATABASE_URL").program_did_not_run();
    let finding = outcome.finding_entry("incomplete-template", "DATABASE_URL");
    let message = finding["message"].to_string();
    for part in ["NEXIS_DATABASE_NAME", "NEXIS_DATABASE_USER", "NEXIS_DATABASE_PASSWORD"] {
        assert!(message.contains(part), "{part} in {message}");
    }
    assert!(!message.contains("NEXIS_DATABASE_PORT"), "an optional part: {message}");
    outcome.no_finding("missing-required");
}

#[test]
fn incomplete_parts_do_not_matter_beside_the_value_itself() {
    let outcome = Launch::sound("staging")
        .env("NEXIS_DATABASE_HOST", "db.internal")
        .env("DATABASE_URL", format!("postgres://app:{OTHER}@db.internal/nexis?sslmode=require"))
        .run();
    outcome.status(0).no_finding("incomplete-template");
}

#[test]
fn incomplete_parts_of_a_feature_that_is_off_do_not_matter() {
    let outcome = Launch::sound("staging")
        .env("NEXIS_DATABASE_HOST", "db.internal")
        .env("NEXIS_PERSISTENCE_ENABLED", "false")
        .run();
    outcome.status(0).no_finding("incomplete-template");
    assert_eq!(outcome.seen().var("DATABASE_URL"), None);
}

#[test]
fn parts_and_a_different_value_are_a_conflict() {
    let url = format!("postgres://app:{THIRD}@db.internal/nexis");
    let outcome = database().env("DATABASE_URL", url).canary(OTHER).canary(THIRD).run();
    outcome.status(78).error("conflict", "DATABASE_URL").no_canary().program_did_not_run();
}

#[test]
fn a_composed_value_is_validated_as_any_other() {
    let outcome = database().env("NEXIS_DATABASE_SCHEME", "mongodb").run();
    outcome.status(78).program_did_not_run();
    let outcome = database().env("NEXIS_DATABASE_PORT", "99999").run();
    outcome.status(78).program_did_not_run();
}

#[test]
fn the_manifest_says_that_a_template_composed_it_and_shows_no_password() {
    let outcome = database().canary(OTHER).run();
    outcome.status(0).no_canary();
    let variable = outcome.variable("DATABASE_URL");
    assert_eq!(variable["source"]["kind"], "template");
    assert!(variable["display"].as_str().unwrap().contains("[redacted]@db.internal"), "{variable}");
}
