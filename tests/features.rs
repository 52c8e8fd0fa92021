//! Features: on, off, auto (gateway contract section 3).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

const DATABASE: &str = "postgres://app:Wm4Rk8ZtQe1YxUc6Lv@127.0.0.1/nexis";
const KEY: &str = "sk-Wm4Rk8ZtQe1YxUc6LvPb3NgHa9JsDf7O";

/// The variable, its switch and a valid value of each feature.
const FEATURES: &[(&str, &str, &str, &str)] = &[
    ("persistence", "DATABASE_URL", "NEXIS_PERSISTENCE_ENABLED", DATABASE),
    ("redis", "REDIS_URL", "NEXIS_REDIS_ENABLED", "redis://127.0.0.1:6379"),
    ("openai", "OPENAI_API_KEY", "NEXIS_OPENAI_ENABLED", KEY),
    ("anthropic", "ANTHROPIC_API_KEY", "NEXIS_ANTHROPIC_ENABLED", KEY),
    ("gemini", "GEMINI_API_KEY", "NEXIS_GEMINI_ENABLED", KEY),
];

fn state(outcome: &Outcome, feature: &str) -> String {
    outcome.manifest()["features"][feature].as_str().unwrap_or_default().to_owned()
}

#[test]
fn on_without_a_value_is_missing() {
    for (feature, variable, switch, _) in FEATURES {
        for mode in ["development", "staging", "production"] {
            let outcome = Launch::sound(mode).env(switch, "true").run();
            outcome.status(78).error("missing-required", variable).program_did_not_run();
            assert_eq!(state(&outcome, feature), "on");
            let message =
                outcome.finding_entry("missing-required", variable)["message"].to_string();
            assert!(message.contains(feature), "{message}");
        }
    }
}

#[test]
fn on_with_a_value_delivers_it() {
    for (feature, variable, switch, value) in FEATURES {
        let outcome = Launch::sound("production").env(switch, "1").env(variable, value).run();
        assert_eq!(outcome.status(0).seen().text(variable).as_deref(), Some(*value));
        assert_eq!(state(&outcome, feature), "on");
    }
}

#[test]
fn off_withholds_the_value_and_says_so() {
    for (feature, variable, switch, value) in FEATURES {
        let outcome = Launch::sound("production").env(switch, "false").env(variable, value).run();
        assert_eq!(outcome.status(0).seen().var(variable), None);
        assert_eq!(state(&outcome, feature), "off");
        let entry = outcome.variable(variable);
        assert_eq!(entry["state"], "withheld");
        assert!(entry["reason"].as_str().unwrap().contains(feature), "{entry}");
    }
}

#[test]
fn off_withholds_from_every_source_and_validates_nothing() {
    let outcome = Launch::sound("production")
        .env("NEXIS_OPENAI_ENABLED", "off")
        .env("NEXIS_OPENAI_API_KEY", "not valid")
        .file("dir/openai_api_key", "${another}")
        .options(["--secrets-dir", "{root}/dir"])
        .run();
    let seen = outcome.status(0).seen();
    assert_eq!(seen.var("OPENAI_API_KEY"), None);
    assert_eq!(seen.var("NEXIS_OPENAI_API_KEY"), None);
    outcome.no_errors();
}

#[test]
fn auto_delivers_what_there_is_and_demands_nothing() {
    for (feature, variable, _, value) in FEATURES {
        let outcome = Launch::sound("production").env(variable, value).run();
        assert_eq!(outcome.status(0).seen().text(variable).as_deref(), Some(*value));
        assert_eq!(state(&outcome, feature), "auto");
        let outcome = Launch::sound("production").run();
        assert_eq!(outcome.status(0).seen().var(variable), None);
    }
}

#[test]
fn a_provider_turns_its_feature_on_and_the_others_off() {
    for name in ["NEXIS_DEFAULT_PROVIDER", "NEXIS_AI_PROVIDER", "NEXIS_PROVIDER"] {
        for (provider, variable) in [
            ("openai", "OPENAI_API_KEY"),
            ("Anthropic", "ANTHROPIC_API_KEY"),
            ("GEMINI", "GEMINI_API_KEY"),
        ] {
            let outcome = Launch::sound("production").env(name, provider).run();
            outcome.status(78).error("missing-required", variable).program_did_not_run();

            let outcome = Launch::sound("production")
                .env(name, provider)
                .env("OPENAI_API_KEY", KEY)
                .env("ANTHROPIC_API_KEY", format!("{KEY}a"))
                .env("GEMINI_API_KEY", format!("{KEY}b"))
                .run();
            let seen = outcome.status(0).seen();
            for other in ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"] {
                assert_eq!(
                    seen.var(other).is_some(),
                    other == variable,
                    "{name}={provider}: {other}"
                );
            }
        }
    }
}

#[test]
fn the_explicit_switch_wins_over_a_provider() {
    let outcome = Launch::sound("production")
        .env("NEXIS_PROVIDER", "anthropic")
        .env("ANTHROPIC_API_KEY", KEY)
        .env("NEXIS_OPENAI_ENABLED", "true")
        .env("OPENAI_API_KEY", format!("{KEY}x"))
        .run();
    let seen = outcome.status(0).seen();
    assert!(seen.var("OPENAI_API_KEY").is_some() && seen.var("ANTHROPIC_API_KEY").is_some());
    let outcome = Launch::sound("production")
        .env("NEXIS_PROVIDER", "openai")
        .env("NEXIS_OPENAI_ENABLED", "false")
        .env("OPENAI_API_KEY", KEY)
        .run();
    assert_eq!(outcome.status(0).seen().var("OPENAI_API_KEY"), None);
}

#[test]
fn the_agent_demands_key_base_and_model() {
    let outcome = Launch::sound("production").env("NEXIS_AGENT_ENABLED", "yes").run();
    outcome
        .status(78)
        .error("missing-required", "OPENAI_API_KEY")
        .error("missing-required", "OPENAI_API_BASE")
        .error("missing-required", "OPENAI_DEFAULT_MODEL")
        .program_did_not_run();
    let seen = Launch::sound("production")
        .env("NEXIS_AGENT_ENABLED", "yes")
        .env("OPENAI_API_KEY", KEY)
        .env("NEXIS_OPENAI_API_BASE", "https://api.example.com/v1")
        .env("OPENAI_DEFAULT_MODEL", "large")
        .run()
        .status(0)
        .seen();
    assert_eq!(seen.text("NEXIS_AGENT_ENABLED").as_deref(), Some("true"));
    assert_eq!(seen.text("OPENAI_API_BASE").as_deref(), Some("https://api.example.com/v1"));
    assert_eq!(seen.var("NEXIS_OPENAI_API_BASE"), None);
}

#[test]
fn the_agent_with_openai_switched_off_is_a_conflict() {
    let outcome = Launch::sound("production")
        .env("NEXIS_AGENT_ENABLED", "true")
        .env("NEXIS_OPENAI_ENABLED", "false")
        .run();
    outcome.status(78).program_did_not_run();
    assert!(outcome.findings().iter().any(|it| it.0 == "conflict" && it.1 == "error"), "{outcome}");
}
