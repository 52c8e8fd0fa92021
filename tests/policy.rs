//! The policy of an operator's contract at a launch (interface sections 7 and 8): it takes away and
//! never gives.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

const HEAD: &str = "version: 1\nname: guarded\nextends: builtin:nexis-gateway\npolicy:\n";

/// A contract of this policy, which extends the built-in one.
fn guarded(launch: Launch, policy: &str) -> Launch {
    launch
        .file("contract.yaml", format!("{HEAD}{policy}"))
        .options(["--contract", "{root}/contract.yaml"])
}

fn day(from_now: i64) -> String {
    let day = jiff::Zoned::now().with_time_zone(jiff::tz::TimeZone::UTC).date();
    day.checked_add(jiff::Span::new().days(from_now)).unwrap().to_string()
}

#[test]
fn a_forbidden_variable_is_an_error_from_every_source_and_in_every_mode() {
    for mode in ["development", "staging", "production"] {
        let outcome = guarded(Launch::sound(mode), "  forbid: [GEMINI_API_KEY]\n")
            .env("GEMINI_API_KEY", OTHER)
            .canary(OTHER)
            .run();
        outcome.status(78).only_errors(&[("forbidden-variable", "GEMINI_API_KEY")]);
        outcome.program_did_not_run().no_canary();
    }
    let forbid = |policy: &str| guarded(Launch::sound("production"), policy).canary(OTHER);
    let by_row = || forbid("  forbid: [GEMINI_API_KEY]\n");
    for launch in [
        by_row().env("NEXIS_GEMINI_API_KEY", OTHER),
        by_row().env("GEMINI_API_KEY_FILE", "{root}/gemini").file("gemini", OTHER),
        by_row().options(["--secrets-dir", "{root}/dir"]).file("dir/gemini-api-key", OTHER),
        by_row()
            .options(["--env-file", "{root}/x.env"])
            .file("x.env", format!("GEMINI_API_KEY={OTHER}\n")),
        // Withheld from the program, and there all the same.
        by_row().env("GEMINI_API_KEY", OTHER).env("NEXIS_GEMINI_ENABLED", "false"),
        forbid("  forbid: [NEXIS_GEMINI_API_KEY]\n").env("GEMINI_API_KEY", OTHER),
        forbid("  forbid: [\"GEMINI_*\"]\n").env("GEMINI_API_KEY", OTHER),
    ] {
        let outcome = launch.run();
        outcome.status(78).only_errors(&[("forbidden-variable", "GEMINI_API_KEY")]);
        outcome.program_did_not_run().no_canary();
    }
    // A name of nobody's, inherited or of an env file.
    let outcome = forbid("  forbid: [LD_PRELOAD]\n").env("LD_PRELOAD", "/x.so").run();
    outcome.status(78).error("forbidden-variable", "LD_PRELOAD").program_did_not_run();
    let outcome = forbid("  forbid: [LD_PRELOAD]\n")
        .options(["--env-file", "{root}/x.env"])
        .file("x.env", "LD_PRELOAD=/x.so\n")
        .run();
    outcome.status(78).error("forbidden-variable", "LD_PRELOAD").program_did_not_run();
}

#[test]
fn what_is_forbidden_and_absent_is_no_finding() {
    let policy = "  forbid: [GEMINI_API_KEY, LD_PRELOAD]\n";
    let outcome = guarded(Launch::sound("production"), policy).env("GEMINI_API_KEY", " ").run();
    outcome.status(0).no_finding("forbidden-variable").seen();
}

#[test]
fn no_row_of_an_extending_contract_lifts_what_is_forbidden() {
    let top = "version: 1\nname: top\nextends: contract.yaml\nvariables:\n- name: PARTNER_TOKEN\n  secret: true\n  severity: {forbidden-variable: {production: none}}\n";
    let outcome = Launch::sound("production")
        .file("contract.yaml", format!("{HEAD}  forbid: [PARTNER_TOKEN]\n"))
        .file("top.yaml", top)
        .options(["--contract", "{root}/top.yaml"])
        .env("PARTNER_TOKEN", OTHER)
        .run();
    // The row is taken, and what it says of the code is not.
    outcome.program_did_not_run().status(78).error("forbidden-variable", "PARTNER_TOKEN");
}

#[test]
fn pinned_modes_are_the_only_ones() {
    let policy = "  modes: [production]\n";
    guarded(Launch::sound("production"), policy).run().status(0).seen();
    for mode in ["development", "staging"] {
        let outcome = guarded(Launch::sound(mode), policy).run();
        outcome.status(78).only_errors(&[("mode-forbidden", "")]).program_did_not_run();
        outcome.says(&format!("the mode is {mode}, and the contract allows production alone"));
        // Neither is there a way past it.
        let outcome = guarded(Launch::sound(mode), policy)
            .options(["--accept", "mode-forbidden:", "--reason", "night", "--until", &day(1)])
            .run();
        outcome.error("mode-forbidden", "").error("acceptance-invalid", "").program_did_not_run();
        let entry = outcome.finding_entry("acceptance-invalid", "");
        assert!(entry.get("variable").is_none_or(|it| it.is_null()), "{entry}");
    }
    let outcome = guarded(Launch::sound("production").without("JWT_SECRET"), policy)
        .env("JWT_SECRET", SECRET)
        .options(["--audit-log", "{root}/audit.log"])
        .run();
    outcome.status(0);
    let dev = Launch::new()
        .args(["dev", "--contract", "{root}/contract.yaml", "--", "{witness}", "{dump}"])
        .file("contract.yaml", format!("{HEAD}{policy}"))
        .run();
    dev.status(78).error("mode-forbidden", "").program_did_not_run();
}

#[test]
fn report_mode_can_be_forbidden() {
    let policy = "  enforce: refuse\n";
    let short = || guarded(Launch::sound("production"), policy).env("JWT_SECRET", "short");
    let outcome = short().options(["--enforce", "report"]).run();
    outcome.status(64).error("report-forbidden", "").error("too-short", "JWT_SECRET");
    outcome.program_did_not_run();
    assert_eq!(outcome.manifest()["outcome"], "refused");
    // Asked for by the setting, or where nothing else is amiss: refused as well.
    short().env("NEXIS_LAUNCH_ENFORCE", "report").run().status(64).program_did_not_run();
    let outcome = guarded(Launch::sound("production"), policy).options(["--enforce", "report"]);
    outcome.run().status(64).only_errors(&[("report-forbidden", "")]).program_did_not_run();
    guarded(Launch::sound("production"), policy).options(["--enforce", "refuse"]).run().status(0);
}

#[test]
fn acceptances_can_be_forbidden() {
    let accepting = |policy: &str| {
        guarded(Launch::sound("production"), policy).env("JWT_SECRET", &SECRET[..31]).options([
            "--accept",
            "too-short:JWT_SECRET",
            "--reason",
            "night",
            "--until",
            &day(1),
        ])
    };
    let outcome = accepting("  accept: never\n").run();
    outcome.status(64).error("too-short", "JWT_SECRET").error("acceptance-invalid", "");
    outcome.says("cannot accept too-short: the contract forbids --accept").program_did_not_run();
    accepting("  accept: allow\n").run().status(0).warning("too-short", "JWT_SECRET").seen();
}

#[test]
fn a_raised_severity_holds_for_every_row_and_rule() {
    let with = |policy: &str| guarded(Launch::sound("production"), policy);
    let cases: &[(&str, &str, &str, &str)] = &[
        ("unknown-variable", "NEXIS_UNKNWON", "1", "NEXIS_UNKNWON"),
        ("not-read-by-program", "NEXIS_DATABASE_PATH", "/x", "NEXIS_DATABASE_PATH"),
        ("undeclared-secret", "OUR_TOKEN", "x", "OUR_TOKEN"),
        // A row that made it milder.
        ("bad-format", "RUST_LOG", "nonsense level", "RUST_LOG"),
        // A rule of the contract.
        ("insecure-setting", "NEXIS_HSTS_ENABLED", "false", "NEXIS_HSTS_ENABLED"),
        ("blank-value", "NEXIS_CSP_POLICY", "", "NEXIS_CSP_POLICY"),
    ];
    for (code, name, value, variable) in cases {
        with("  enforce: refuse\n").env(name, value).run().status(0).warning(code, variable);
        let outcome = with(&format!("  severity: {{{code}: error}}\n")).env(name, value).run();
        outcome.status(78).only_errors(&[(code, variable)]).program_did_not_run();
    }
    let staging = "  severity: {too-short: {development: error}}\n";
    let outcome =
        guarded(Launch::sound("development"), staging).env("JWT_SECRET", "zQ4w9Lx2").run();
    outcome.status(78).error("too-short", "JWT_SECRET").program_did_not_run();
    // A generated value is no way past it.
    let raised = "  severity: {ephemeral-secret: error}\n";
    let outcome = guarded(Launch::witness(["--mode", "development"]), raised);
    outcome.run().status(78).error("ephemeral-secret", "JWT_SECRET").program_did_not_run();
}

#[test]
fn a_feature_that_is_off_stays_off_and_withholds() {
    let policy = "  features_off: [gemini]\n";
    let outcome = guarded(Launch::sound("production"), policy)
        .env("GEMINI_API_KEY", OTHER)
        .canary(OTHER)
        .run();
    outcome.status(0).no_canary();
    assert_eq!(outcome.manifest()["features"]["gemini"], "off");
    assert_eq!(outcome.variable("GEMINI_API_KEY")["state"], "withheld");
    assert_eq!(outcome.seen().var("GEMINI_API_KEY"), None);
    // Switched on by a setting: that does nothing, and is no silent nothing. Without the policy it
    // would demand the variable in every mode.
    for mode in ["development", "production"] {
        for (name, value) in [("NEXIS_GEMINI_ENABLED", "true"), ("NEXIS_AI_PROVIDER", "gemini")] {
            let outcome = guarded(Launch::sound(mode), policy).env(name, value).run();
            outcome.status(78).only_errors(&[("conflict", name)]).program_did_not_run();
            outcome.says(&format!(
                "feature gemini is switched on and off by {name} and the contract's policy"
            ));
        }
    }
}

#[test]
fn an_acknowledged_warning_is_counted_in_text_and_whole_in_json() {
    let policy = format!(
        "  acknowledge:\n  - {{code: not-read-by-program, variable: NEXIS_DATABASE_PATH, reason: set by the base image, until: {}}}\n",
        day(0)
    );
    let launch = || {
        guarded(Launch::sound("production"), &policy)
            .env("NEXIS_DATABASE_PATH", "/data")
            .env("NEXIS_SSO_ISSUER", "x")
    };
    let outcome = launch().run();
    outcome.status(0).seen();
    let entry = outcome.finding_entry("not-read-by-program", "NEXIS_DATABASE_PATH");
    assert_eq!(entry["severity"], "warning");
    assert_eq!(entry["acknowledged"]["reason"], "set by the base image");
    assert_eq!(entry["acknowledged"]["until"], day(0));
    // Another variable of the same code is not meant.
    let other = outcome.finding_entry("not-read-by-program", "NEXIS_SSO_ISSUER");
    assert!(other["acknowledged"].is_null(), "{other}");
    let text = launch().options(["--manifest", "text"]).run();
    let err = text.err();
    assert!(err.contains("findings   0 errors, 1 warning, 1 acknowledged\n"), "{err}");
    assert!(!err.contains("warning    not-read-by-program: NEXIS_DATABASE_PATH"), "{err}");
    assert!(err.contains("warning    not-read-by-program: NEXIS_SSO_ISSUER"), "{err}");
    // `check --strict` counts warnings that nobody has taken note of.
    let strict = |launch: Launch| {
        launch
            .file("contract.yaml", format!("{HEAD}{policy}"))
            .options(["--mode", "production", "--contract", "{root}/contract.yaml", "--strict"])
            .env("NEXIS_DATABASE_PATH", "/data")
            .requirements()
    };
    strict(Launch::command("check", [""; 0])).run().status(0);
    strict(Launch::command("check", [""; 0])).env("NEXIS_SSO_ISSUER", "x").run().status(78);
    let github = strict(Launch::command("check", ["--format", "github"])).run();
    assert!(github.out().contains("::notice title=not-read-by-program::"), "{github}");
    let sarif = strict(Launch::command("check", ["--format", "sarif"])).run();
    let sarif: serde_json::Value = serde_json::from_str(&sarif.out()).unwrap();
    let suppressed = &sarif["runs"][0]["results"][0]["suppressions"][0];
    assert_eq!(suppressed["justification"], "set by the base image", "{sarif}");
}

#[test]
fn an_acknowledgement_that_is_over_lets_the_warning_stand_and_says_so() {
    let policy = format!(
        "  acknowledge:\n  - {{code: undeclared-secret, variable: OUR_TOKEN, reason: of the base image, until: {}}}\n",
        day(-1)
    );
    let outcome = guarded(Launch::sound("production"), &policy).env("OUR_TOKEN", "x").run();
    let entry = outcome.status(0).finding_entry("undeclared-secret", "OUR_TOKEN");
    assert!(entry["acknowledged"].is_null(), "{entry}");
    let ended = format!("its acknowledgement ended on {}", day(-1));
    assert!(entry["message"].as_str().unwrap().ends_with(&ended), "{entry}");
    let text = guarded(Launch::sound("production"), &policy)
        .env("OUR_TOKEN", "x")
        .options(["--manifest", "text"])
        .run();
    assert!(text.err().contains(&ended) && !text.err().contains(" acknowledged\n"), "{text}");
}

#[test]
fn a_burnt_secret_is_never_acknowledged() {
    // A contract of its own, in which no mode makes it an error.
    let text = format!(
        "version: 1\nname: lax\nburnt: [default_secret]\nvariables:\n- name: A_KEY\n  secret: true\n  severity: {{placeholder: warning, low-entropy: none}}\npolicy:\n  acknowledge:\n  - {{code: placeholder, variable: A_KEY, reason: known, until: {}}}\n",
        day(9)
    );
    let launch = |value: &str| {
        Launch::witness(["--mode", "production", "--contract", "{root}/contract.yaml"])
            .file("contract.yaml", &text)
            .env("A_KEY", value)
            .run()
    };
    let burnt = launch("default_secret");
    assert!(burnt.status(0).finding_entry("placeholder", "A_KEY")["acknowledged"].is_null());
    let known = launch("change_me_later");
    assert!(known.status(0).finding_entry("placeholder", "A_KEY")["acknowledged"].is_object());
}

#[test]
fn a_required_secret_that_is_absent_is_never_accepted_under_any_code() {
    let accepting = |what: &str| {
        Launch::sound("production").without("JWT_SECRET").options([
            "--accept",
            what,
            "--reason",
            "night",
            "--until",
            &day(1),
        ])
    };
    let outcome = accepting("missing-required:JWT_SECRET").run();
    outcome.error("missing-required", "JWT_SECRET").error("acceptance-invalid", "JWT_SECRET");
    outcome.status(64).program_did_not_run();
    let outcome =
        accepting("source-unreadable:JWT_SECRET").env("JWT_SECRET_FILE", "{root}/absent").run();
    outcome.error("source-unreadable", "JWT_SECRET").status(64).program_did_not_run();
    let outcome = accepting("incomplete-template:DATABASE_URL")
        .env("JWT_SECRET", SECRET)
        .env("NEXIS_PERSISTENCE_ENABLED", "true")
        .env("NEXIS_DATABASE_HOST", "db")
        .run();
    outcome.error("incomplete-template", "DATABASE_URL").status(64).program_did_not_run();
    // What is no secret, or not required, can still be.
    let outcome = accepting("missing-required:NEXIS_CORS_ALLOW_ORIGINS")
        .env("JWT_SECRET", SECRET)
        .without("NEXIS_CORS_ALLOW_ORIGINS")
        .run();
    outcome.status(0).warning("missing-required", "NEXIS_CORS_ALLOW_ORIGINS").seen();
    let outcome = accepting("source-unreadable:NEXIS_API_HMAC_SECRET")
        .env("JWT_SECRET", SECRET)
        .env("NEXIS_API_HMAC_SECRET_FILE", "{root}/absent")
        .run();
    outcome.status(0).warning("source-unreadable", "NEXIS_API_HMAC_SECRET").seen();
}

#[test]
fn a_part_that_leaves_a_required_secret_absent_is_never_accepted() {
    let accepting =
        || {
            let what = "source-unreadable:NEXIS_DATABASE_PASSWORD";
            Launch::sound("production")
                .env("NEXIS_DATABASE_PASSWORD_FILE", "{root}/absent")
                .options(["--accept", what, "--reason", "night", "--until", &day(1)])
        };
    let persistent = || accepting().env("NEXIS_PERSISTENCE_ENABLED", "true");
    let outcome = persistent().env("NEXIS_DATABASE_HOST", "db").run();
    outcome.error("source-unreadable", "NEXIS_DATABASE_PASSWORD").program_did_not_run();
    outcome.error("acceptance-invalid", "NEXIS_DATABASE_PASSWORD");
    // No secret is required that takes the part, or it has a value of its own.
    let whole = "postgres://app:a-long-password@db/nexis?sslmode=require";
    for launch in [accepting(), persistent().env("DATABASE_URL", whole)] {
        let outcome = launch.run();
        outcome.warning("source-unreadable", "NEXIS_DATABASE_PASSWORD");
        outcome.no_finding("acceptance-invalid").no_finding("acceptance-unused");
    }
}

#[test]
fn deployment_files_are_held_against_the_policy() {
    let check = |policy: &str| {
        Launch::command("check", ["--contract", "{root}/contract.yaml"])
            .file("contract.yaml", format!("{HEAD}{policy}"))
            .file(
                "compose.yaml",
                "services:\n  gateway:\n    image: nexis-gateway:1.0\n    environment:\n      NEXIS_ENV: staging\n      GEMINI_API_KEY_FILE: /run/secrets/x\n      NEXIS_DATABASE_PATH: /data\n    secrets: [jwt-secret]\nsecrets:\n  jwt-secret: {file: ./jwt}\n",
            )
            .args(["--deployment", "{root}/compose.yaml"])
            .run()
    };
    check("  enforce: refuse\n").status(0);
    for (policy, code) in [
        ("  modes: [production]\n", "error: mode-forbidden"),
        ("  forbid: [GEMINI_API_KEY]\n", "error: forbidden-variable"),
    ] {
        let outcome = check(policy);
        assert!(outcome.status(78).out().contains(code), "{outcome}");
    }
    check("  severity: {not-read-by-program: error}\n").status(78);
}

#[test]
fn a_deployments_warning_is_acknowledged_as_a_launchs_is() {
    let check = |until: &str, options: &[&str]| {
        Launch::command("check", ["--strict", "--contract", "{root}/contract.yaml"])
            .args(options)
            .file(
                "contract.yaml",
                format!("{HEAD}  acknowledge:\n  - {{code: unpinned-image, reason: of the mirror, until: {until}}}\n"),
            )
            .file(
                "compose.yaml",
                "services:\n  gateway:\n    image: nexis-gateway\n    environment: {NEXIS_ENV: staging}\n    secrets: [jwt-secret]\nsecrets:\n  jwt-secret: {file: ./jwt}\n",
            )
            .args(["--deployment", "{root}/compose.yaml"])
            .run()
    };
    let outcome = check(&day(0), &[]);
    assert!(
        outcome.out().ends_with("findings   0 errors, 0 warnings, 1 acknowledged\n"),
        "{outcome}"
    );
    assert!(!outcome.status(0).out().contains("unpinned-image"), "{outcome}");
    let outcome = check(&day(0), &["--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&outcome.status(0).out()).unwrap();
    assert_eq!(json["findings"][0]["acknowledged"]["reason"], "of the mirror", "{json:#}");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/deployment.schema.json");
    let schema = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(jsonschema::draft202012::new(&schema).unwrap().is_valid(&json), "{json:#}");
    let outcome = check(&day(-1), &[]);
    assert!(outcome.status(78).out().contains("its acknowledgement ended on"), "{outcome}");
}
