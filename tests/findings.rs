//! Each code at its severity in each mode (interface section 7).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

/// A fault: the code, the variable (`*`: any), severities in development, staging and production
/// (`-`: no such finding), and what it adds to a sound launch.
type Fault = (&'static str, &'static str, &'static str, fn(Launch) -> Launch);

const TABLE: &[Fault] = &[
    ("missing-required", "DATABASE_URL", "eee", |it| it.env("NEXIS_PERSISTENCE_ENABLED", "true")),
    ("missing-required", "JWT_SECRET", "-ee", |it| it.without("JWT_SECRET")),
    ("missing-required", "NEXIS_CORS_ALLOW_ORIGINS", "--e", |it| {
        it.without("NEXIS_CORS_ALLOW_ORIGINS")
    }),
    ("missing-required", "OPENAI_API_BASE", "eee", |it| {
        it.env("NEXIS_AGENT_ENABLED", "true")
            .env("OPENAI_API_KEY", OTHER)
            .env("OPENAI_DEFAULT_MODEL", "m")
    }),
    ("blank-value", "DATABASE_URL", "eee", |it| {
        it.env("NEXIS_PERSISTENCE_ENABLED", "true").env("DATABASE_URL", " ")
    }),
    ("blank-value", "OPENAI_API_KEY", "www", |it| it.env("OPENAI_API_KEY", "")),
    ("conflict", "JWT_SECRET", "wee", |it| it.env("NEXIS_JWT_SECRET", OTHER)),
    ("incomplete-template", "DATABASE_URL", "eee", |it| {
        it.env("NEXIS_DATABASE_HOST", "db.internal")
    }),
    ("placeholder", "JWT_SECRET", "wee", |it| {
        it.env("JWT_SECRET", "dev_only_secret_change_in_production")
    }),
    ("placeholder", "OPENAI_API_KEY", "wee", |it| it.env("OPENAI_API_KEY", "your-openai-api-key")),
    ("placeholder", "DATABASE_URL", "wee", |it| {
        it.env("DATABASE_URL", "postgres://nexis:nexis@127.0.0.1/nexis")
    }),
    ("unresolved-reference", "JWT_SECRET", "eee", |it| it.env("JWT_SECRET", "${JWT_SECRET}")),
    ("unresolved-reference", "OPENAI_API_KEY", "eee", |it| {
        it.env("OPENAI_API_KEY", "op://vault/openai/key")
    }),
    ("too-short", "JWT_SECRET", "wee", |it| it.env("JWT_SECRET", &SECRET[..31])),
    ("too-short", "NEXIS_API_HMAC_SECRET", "wee", |it| {
        it.env("NEXIS_API_HMAC_SECRET", &OTHER[..31])
    }),
    ("low-entropy", "JWT_SECRET", "wee", |it| {
        it.env("JWT_SECRET", "abababababababababababababababababab")
    }),
    ("low-entropy", "JWT_SECRET", "wee", |it| {
        it.env("JWT_SECRET", "0123456789abcdefghijklmnopqrstuvwxyz")
    }),
    ("bad-format", "NEXIS_BIND_ADDR", "eee", |it| it.env("NEXIS_BIND_ADDR", "localhost:8080")),
    ("bad-format", "NEXIS_ENCRYPTION_KEY", "eee", |it| {
        it.env("NEXIS_ENCRYPTION_KEY", &HEX_KEY[1..])
    }),
    ("bad-format", "NEXIS_RATE_LIMIT_RPM", "eee", |it| it.env("NEXIS_RATE_LIMIT_RPM", "0")),
    ("bad-format", "NEXIS_LOG_LEVEL", "eee", |it| it.env("NEXIS_LOG_LEVEL", "verbose")),
    ("bad-format", "RUST_LOG", "www", |it| it.env("RUST_LOG", "verbose level")),
    ("bad-format", "NEXIS_CORS_ALLOW_ORIGINS", "eee", |it| {
        it.env("NEXIS_CORS_ALLOW_ORIGINS", "https://a.example/path")
    }),
    ("bad-scheme", "DATABASE_URL", "eee", |it| it.env("DATABASE_URL", "mongodb://127.0.0.1/nexis")),
    ("surrounding-space", "JWT_SECRET", "eee", |it| it.env("JWT_SECRET", format!("{SECRET} "))),
    ("surrounding-space", "JWT_SECRET", "eee", |it| it.env("JWT_SECRET", format!("{SECRET}\r\n"))),
    ("surrounding-space", "JWT_SECRET", "eee", |it| {
        it.env("JWT_SECRET", format!("\u{feff}{SECRET}"))
    }),
    ("surrounding-space", "JWT_ISSUER", "eee", |it| it.env("JWT_ISSUER", " nexis")),
    ("surrounding-quotes", "JWT_SECRET", "eee", |it| it.env("JWT_SECRET", format!("\"{SECRET}\""))),
    ("surrounding-quotes", "JWT_SECRET", "eee", |it| it.env("JWT_SECRET", format!("'{SECRET}'"))),
    ("not-utf8", "JWT_SECRET", "eee", |it| {
        it.env("JWT_SECRET", [SECRET.as_bytes(), b"\xff\xfe"].concat())
    }),
    ("contains-nul", "JWT_SECRET", "eee", |it| {
        it.without("JWT_SECRET")
            .file("jwt", format!("{SECRET}\0x"))
            .env("JWT_SECRET_FILE", "{root}/jwt")
    }),
    ("too-large", "JWT_SECRET", "eee", |it| {
        it.without("JWT_SECRET")
            .file("jwt", SECRET.repeat(1525))
            .env("JWT_SECRET_FILE", "{root}/jwt")
    }),
    ("source-unreadable", "JWT_SECRET", "eee", |it| {
        it.without("JWT_SECRET").env("JWT_SECRET_FILE", "{root}/absent")
    }),
    ("source-refused", "JWT_SECRET", "eee", |it| {
        it.without("JWT_SECRET").dir("jwt").env("JWT_SECRET_FILE", "{root}/jwt")
    }),
    ("insecure-permissions", "JWT_SECRET", "wwe", |it| {
        it.without("JWT_SECRET")
            .file("jwt", SECRET)
            .mode("jwt", 0o666)
            .env("JWT_SECRET_FILE", "{root}/jwt")
    }),
    ("secret-reused", "*", "wee", |it| it.env("NEXIS_API_HMAC_SECRET", SECRET)),
    ("secret-in-arguments", "JWT_SECRET", "wee", |it| it.args([format!("--token={SECRET}")])),
    ("secret-in-arguments", "DATABASE_URL#password", "wee", |it| {
        it.env("DATABASE_URL", format!("postgres://app:{OTHER}@127.0.0.1/nexis")).args([OTHER])
    }),
    ("unknown-variable", "NEXIS_JWT_SECRT", "www", |it| it.env("NEXIS_JWT_SECRT", "x")),
    ("not-read-by-program", "NEXIS_DATABASE_PATH", "www", |it| {
        it.env("NEXIS_DATABASE_PATH", "/data")
    }),
    ("not-read-by-program", "NEXIS_SSO_ISSUER", "www", |it| it.env("NEXIS_SSO_ISSUER", "x")),
    ("undeclared-secret", "STRIPE_API_KEY", "www", |it| it.env("STRIPE_API_KEY", "x")),
    ("undeclared-secret", "SMTP_PASSWORD", "www", |it| it.env("SMTP_PASSWORD", "x")),
    ("undeclared-secret", "NEXIS_FOO_TOKEN", "www", |it| it.env("NEXIS_FOO_TOKEN", "x")),
    ("unknown-variable", "NEXIS_FOO_TOKEN", "www", |it| it.env("NEXIS_FOO_TOKEN", "x")),
    ("undeclared-secret", "NEXIS_SSO_CLIENT_SECRET", "www", |it| {
        it.env("NEXIS_SSO_CLIENT_SECRET", "x")
    }),
    ("mode-not-read", "NEXIS_ENV", "www", |it| {
        it.file("dir/nexis_env", "staging").options(["--secrets-dir", "{root}/dir"])
    }),
    ("ephemeral-secret", "JWT_SECRET", "w--", |it| it.without("JWT_SECRET")),
    ("insecure-transport", "DATABASE_URL", "-ww", |it| {
        it.env("DATABASE_URL", format!("postgres://app:{OTHER}@db.internal/nexis?sslmode=disable"))
    }),
    ("insecure-transport", "REDIS_URL", "-ww", |it| {
        it.env("REDIS_URL", format!("redis://:{OTHER}@cache.internal:6379/0"))
    }),
    ("debug-in-production", "NEXIS_LOG_LEVEL", "--e", |it| it.env("NEXIS_LOG_LEVEL", "debug")),
    ("debug-in-production", "NEXIS_LOG_LEVEL", "--e", |it| {
        it.env("NEXIS_LOG_LEVEL", "info,nexis_gateway=trace")
    }),
    ("conflict", "*", "wee", |it| {
        it.env("NEXIS_OPENAI_ENABLED", "false")
            .env("NEXIS_AGENT_ENABLED", "true")
            .env("OPENAI_API_KEY", OTHER)
            .env("OPENAI_API_BASE", "https://api.example/v1")
            .env("OPENAI_DEFAULT_MODEL", "m")
    }),
];

#[test]
fn each_code_has_its_severity_in_each_mode() {
    let mut wrong = Vec::new();
    for (row, (code, variable, severities, add)) in TABLE.iter().enumerate() {
        for (mode, severity) in
            ["development", "staging", "production"].iter().zip(severities.chars())
        {
            let outcome = add(Launch::sound(mode)).run();
            let found: Vec<_> = outcome
                .findings()
                .into_iter()
                .filter(|it| it.0 == *code && (*variable == "*" || it.2 == *variable))
                .map(|it| it.1)
                .collect();
            let expected = match severity {
                'e' => Some("error"),
                'w' => Some("warning"),
                _ => None,
            };
            let ran = outcome.root().join("work/witness.json").exists();
            let fits = match expected {
                None => found.is_empty(),
                Some(severity) => !found.is_empty() && found.iter().all(|it| it == severity),
            };
            let refused = outcome.findings().iter().any(|it| it.1 == "error");
            let consistent = refused != ran && outcome.status == Some(if refused { 78 } else { 0 });
            if !fits || !consistent {
                wrong.push(format!(
                    "row {row} {code} {variable} in {mode}: expected {expected:?}, found {found:?}, \
                     status {:?}, ran {ran}\n{outcome}",
                    outcome.status
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_code_can_be_explained_and_says_cause_and_mend() {
    let mut codes: Vec<_> = TABLE.iter().map(|it| it.0).collect();
    codes.extend(["unknown-mode", "mode-conflict", "mode-unset", "no-file-to-deliver"]);
    for code in codes {
        let outcome = Launch::command("explain", [code]).run();
        outcome.status(0);
        assert!(outcome.out().contains(code) && outcome.out().len() > code.len() + 40, "{outcome}");
    }
}

#[test]
fn every_finding_has_a_message_a_hint_and_its_variable() {
    for (_, _, _, add) in TABLE {
        let outcome = add(Launch::sound("production")).run();
        for finding in outcome.manifest()["findings"].as_array().unwrap() {
            for field in ["code", "severity", "message", "hint"] {
                let text = finding[field].as_str().unwrap_or_default();
                assert!(!text.is_empty(), "{field} of {finding}");
                assert!(!text.ends_with('.'), "{finding}");
            }
            assert!(
                finding.get("variable").is_some() && finding.get("source").is_some(),
                "{finding}"
            );
        }
    }
}

#[test]
fn sound_values_raise_nothing() {
    let outcome = Launch::sound("production")
        .env("NEXIS_ENV", "production")
        .env(
            "DATABASE_URL",
            format!("postgres://app:{OTHER}@db.example.com/nexis?sslmode=verify-full"),
        )
        .env("REDIS_URL", format!("rediss://:{THIRD}@cache.example.com:6380/0"))
        .env("NEXIS_ENCRYPTION_KEY", HEX_KEY)
        .env("NEXIS_BIND_ADDR", "[::]:8080")
        .env("NEXIS_LOG_LEVEL", "info,tower_http=warn")
        .env("NEXIS_LOG_FORMAT", "json")
        .env("NEXIS_RATE_LIMIT_RPM", "4294967295")
        .env("JWT_ISSUER", "nexis")
        .env("PATH", "/usr/bin:/bin")
        .run();
    outcome.status(0).no_errors();
    let noise: Vec<_> = outcome
        .findings()
        .into_iter()
        .filter(|it| !["not-read-by-program", "insecure-setting"].contains(&&*it.0))
        .collect();
    assert!(noise.is_empty(), "{noise:?}\n{outcome}");
}

#[test]
fn unknown_names_come_with_the_nearest_known() {
    let outcome = Launch::sound("production").env("NEXIS_JWT_SECRT", "x").run();
    let finding = outcome.status(0).finding_entry("unknown-variable", "NEXIS_JWT_SECRT");
    assert!(finding["hint"].to_string().contains("NEXIS_JWT_SECRET"), "{finding}");
}

#[test]
fn a_placeholder_is_the_whole_value_and_never_a_part_of_it() {
    for text in [
        "change-me",
        "CHANGE_ME",
        "<your secret here>",
        "xxxxxxxxxxxxxxxx",
        "todo",
        "Replace_With_Real",
    ] {
        Launch::sound("production")
            .env("OPENAI_API_KEY", text.replace(' ', "-"))
            .run()
            .status(78)
            .error("placeholder", "OPENAI_API_KEY")
            .program_did_not_run();
    }
    for text in
        ["sk-9Qexample7TnB2yHc5Rf", "k7Tn-change_me-B2yHc5RfJ8mUe", "secret7TnB2yHc5RfJ8mUe1"]
    {
        let outcome = Launch::sound("production").env("OPENAI_API_KEY", text).run();
        outcome.status(0).no_finding("placeholder");
    }
}

#[test]
fn a_contract_that_lowers_why_a_value_is_not_delivered_does_not_lower_the_demand() {
    let start = |keys: &str| {
        let contract =
            format!("version: 1\nname: own\nvariables:\n  - {{name: KEY, secret: true{keys}}}\n");
        let launch = Launch::witness(["--mode", "production", "--secrets-dir", "{root}/s"]);
        launch.contract(&contract).dir("s")
    };
    let nul = ", severity: {contains-nul: warning}";
    let file = ", deliver: file, severity: {no-file-to-deliver: warning}";
    for (code, keys) in [("contains-nul", nul), ("no-file-to-deliver", file)] {
        let supply = |launch: Launch| match code {
            "contains-nul" => launch.file("s/KEY", "with\0nul-in-it"),
            _ => launch.env("KEY", "a value without a file"),
        };
        let outcome = supply(start(&format!("{keys}, required: always"))).run();
        outcome.status(78).only_errors(&[("missing-required", "KEY")]).program_did_not_run();
        outcome.warning(code, "KEY");
        supply(start(keys)).run().status(0).warning(code, "KEY");
    }
    let keys = ", required: always, template: '{A}{B}', severity: {incomplete-template: warning}}\n\
                parts: [{name: A}, {name: B}";
    let outcome = start(&format!("{keys}] #")).env("A", "x").run();
    outcome.status(78).only_errors(&[("missing-required", "KEY")]).program_did_not_run();
    outcome.warning("incomplete-template", "KEY");
}

#[test]
fn a_milder_code_of_an_extending_contract_hides_no_public_value() {
    let rejects = |name: &str, value: &str| {
        format!(
            "version: 1\nname: lax\nextends: builtin:nexis-gateway\nvariables:\n- name: {name}\n  \
             rejects: [{{value: '{value}', code: undeclared-secret}}]\n"
        )
    };
    for (name, value) in [
        ("JWT_SECRET", "test_secret_key_that_is_long_enough"),
        ("JWT_SECRET", "change-me-change-me-change-me-123"),
        ("DATABASE_URL", "postgres://app:postgres@db.internal/x?sslmode=require"),
    ] {
        let outcome =
            Launch::sound("production").contract(&rejects(name, value)).env(name, value).run();
        outcome.status(78).error("placeholder", name).program_did_not_run();
        outcome.warning("undeclared-secret", name);
    }
}

#[test]
fn every_burnt_value_is_refused_outside_development() {
    for value in [
        "dev_only_secret_change_in_production",
        "test_secret_for_ws_integration_tests",
        "test_secret_key_that_is_long_enough",
        "test_secret_for_integration_tests",
        "synthetic-startup-probe-test-key",
        "test_secret_for_boundary_tests",
        "test_secret_for_collab_tests",
        "dev-secret-change-me",
        "default_secret",
        "test_secret_key",
        "test-secret",
    ] {
        for mode in ["staging", "production"] {
            Launch::sound(mode)
                .env("JWT_SECRET", value)
                .run()
                .status(78)
                .error("placeholder", "JWT_SECRET")
                .program_did_not_run();
        }
    }
    for password in ["nexis", "postgres", "password", "CHANGE_ME"] {
        Launch::sound("production")
            .env("DATABASE_URL", format!("postgres://app:{password}@127.0.0.1/nexis"))
            .run()
            .status(78)
            .error("placeholder", "DATABASE_URL")
            .program_did_not_run();
    }
    for password in ["redis", "nexis", "postgres", "password", "CHANGE_ME"] {
        for (name, value) in [
            ("REDIS_URL", format!("rediss://:{password}@cache.internal")),
            ("NEXIS_REDIS_PASSWORD", password.to_owned()),
        ] {
            let launch = Launch::sound("production").env(name, value);
            let launch = match name {
                "REDIS_URL" => launch,
                _ => launch.env("NEXIS_REDIS_HOST", "cache.internal").env("NEXIS_REDIS_TLS", "1"),
            };
            launch.run().error("placeholder", name).status(78).program_did_not_run();
        }
    }
}

#[test]
fn enforcement_is_per_finding_and_all_are_said_at_once() {
    Launch::witness(["--mode", "production"])
        .env("JWT_SECRET", "short")
        .env("NEXIS_ENCRYPTION_KEY", "xyz")
        .env("NEXIS_LOG_LEVEL", "debug")
        .env("NEXIS_REDIS_ENABLED", "true")
        .run()
        .status(78)
        .error("too-short", "JWT_SECRET")
        .error("bad-format", "NEXIS_ENCRYPTION_KEY")
        .error("debug-in-production", "NEXIS_LOG_LEVEL")
        .error("missing-required", "REDIS_URL")
        .error("missing-required", "NEXIS_CORS_ALLOW_ORIGINS")
        .program_did_not_run();
}

#[test]
fn a_contract_that_others_can_write_is_refused_in_production_and_said_elsewhere() {
    for (mode, severity) in
        [("development", "warning"), ("staging", "warning"), ("production", "error")]
    {
        let outcome = Launch::sound(mode)
            .file("own.yaml", "version: 1\nname: own\nextends: builtin:nexis-gateway\n")
            .mode("own.yaml", 0o666)
            .options(["--contract", "{root}/own.yaml"])
            .run();
        let said = outcome.findings();
        assert!(
            said.iter().any(|it| it.0 == "insecure-permissions" && it.1 == severity),
            "{said:?}"
        );
        if severity == "error" {
            outcome.status(78).program_did_not_run();
        }
    }
}

#[test]
fn a_value_to_deliver_as_a_file_needs_a_file() {
    let contract = "version: 1\nname: own\nextends: builtin:nexis-gateway\nvariables:\n\
                    \x20 - name: PARTNER_KEY\n    secret: true\n    purpose: p\n    deliver: file\n";
    let launch = || {
        Launch::sound("production")
            .file("own.yaml", contract)
            .options(["--contract", "{root}/own.yaml"])
    };
    launch()
        .env("PARTNER_KEY", OTHER)
        .run()
        .status(78)
        .error("no-file-to-deliver", "PARTNER_KEY")
        .program_did_not_run();
    // Where there is one, what stands above it is to blame.
    let outcome = launch()
        .file("dir/partner_key", OTHER)
        .options(["--secrets-dir", "{root}/dir"])
        .env("PARTNER_KEY", OTHER)
        .canary(OTHER)
        .run();
    outcome.status(78).error("no-file-to-deliver", "PARTNER_KEY").program_did_not_run();
    outcome.says("env PARTNER_KEY stands above").says("dir/partner_key").no_canary();
    outcome.says("take it out of env PARTNER_KEY");
    let outcome = launch().file("key", OTHER).env("PARTNER_KEY_FILE", "{root}/key").run();
    let seen = outcome.status(0).seen();
    assert_eq!(
        seen.text("PARTNER_KEY_FILE").unwrap(),
        outcome.root().join("key").to_str().unwrap()
    );
    assert_eq!(seen.var("PARTNER_KEY"), None);
}
