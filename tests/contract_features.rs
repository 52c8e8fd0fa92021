//! The built-in contract's conditions: features, what they require, and forbidden combinations.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

use nexis_launch::contract::builtin;
use nexis_launch::contract::model::*;
use nexis_launch::finding::{Code, Severity};
use nexis_launch::mode::{Mode, Modes};

const PRODUCTION: Modes = Modes::NONE.with(Mode::Production);

fn row(name: &str) -> &'static Row {
    builtin::CONTRACT.rows.iter().find(|row| row.name == name).unwrap()
}

/// Evaluates a condition over settings, as section 3 states it.
fn holds(condition: &Condition, set: &[(&str, &str)]) -> bool {
    match condition {
        Condition::Any(list) => list.iter().any(|one| holds(one, set)),
        Condition::All(list) => list.iter().all(|one| holds(one, set)),
        Condition::Not(one) => !holds(one, set),
        Condition::Test(id, test) => {
            let name = builtin::CONTRACT.row(*id).name;
            let value = set.iter().find(|(known, _)| *known == name).map(|&(_, value)| value);
            match test {
                Test::Is(flag) => value == Some(if *flag { "true" } else { "false" }),
                Test::Equals(text) => value.is_some_and(|value| value.eq_ignore_ascii_case(text)),
                Test::OneOf(list) => value.is_some_and(|value| list.contains(&value)),
                Test::Set(is_set) => value.is_some() == *is_set,
                Test::Contains(text) => value.is_some_and(|value| value.contains(text)),
            }
        }
    }
}

fn state(feature: &str, set: &[(&str, &str)]) -> &'static str {
    let mut features = builtin::CONTRACT.features.iter();
    let feature = features.find(|known| known.name == feature).unwrap();
    if feature.off.as_ref().is_some_and(|off| holds(off, set)) {
        "off"
    } else if feature.on.as_ref().is_some_and(|on| holds(on, set)) {
        "on"
    } else {
        "auto"
    }
}

#[test]
fn features_follow_section_3() {
    let agent = ("NEXIS_AGENT_ENABLED", "true");
    for (feature, set, expected) in [
        ("persistence", &[][..], "auto"),
        ("persistence", &[("NEXIS_PERSISTENCE_ENABLED", "true")], "on"),
        ("persistence", &[("NEXIS_PERSISTENCE_ENABLED", "false")], "off"),
        ("redis", &[], "auto"),
        ("redis", &[("NEXIS_REDIS_ENABLED", "true")], "on"),
        ("redis", &[("NEXIS_REDIS_ENABLED", "false")], "off"),
        ("openai", &[], "auto"),
        ("openai", &[("NEXIS_OPENAI_ENABLED", "true")], "on"),
        ("openai", &[agent], "on"),
        ("openai", &[("NEXIS_AGENT_ENABLED", "false")], "auto"),
        ("openai", &[("NEXIS_DEFAULT_PROVIDER", "openai")], "on"),
        ("openai", &[("NEXIS_AI_PROVIDER", "OpenAI")], "on"),
        ("openai", &[("NEXIS_PROVIDER", "openai")], "on"),
        ("openai", &[("NEXIS_PROVIDER", "anthropic")], "off"),
        ("openai", &[("NEXIS_PROVIDER", "anthropic"), agent], "on"),
        ("openai", &[("NEXIS_PROVIDER", "anthropic"), ("NEXIS_OPENAI_ENABLED", "true")], "on"),
        ("openai", &[("NEXIS_PROVIDER", "gemini"), ("NEXIS_AI_PROVIDER", "openai")], "on"),
        ("openai", &[("NEXIS_OPENAI_ENABLED", "false"), ("NEXIS_PROVIDER", "openai")], "off"),
        ("openai", &[("NEXIS_OPENAI_ENABLED", "false"), agent], "off"),
        ("anthropic", &[], "auto"),
        ("anthropic", &[("NEXIS_ANTHROPIC_ENABLED", "true")], "on"),
        (
            "anthropic",
            &[("NEXIS_ANTHROPIC_ENABLED", "false"), ("NEXIS_PROVIDER", "anthropic")],
            "off",
        ),
        ("anthropic", &[("NEXIS_DEFAULT_PROVIDER", "ANTHROPIC")], "on"),
        ("anthropic", &[("NEXIS_DEFAULT_PROVIDER", "openai")], "off"),
        ("anthropic", &[agent], "auto"),
        ("gemini", &[], "auto"),
        ("gemini", &[("NEXIS_GEMINI_ENABLED", "true")], "on"),
        ("gemini", &[("NEXIS_GEMINI_ENABLED", "false")], "off"),
        ("gemini", &[("NEXIS_AI_PROVIDER", "gemini")], "on"),
        ("gemini", &[("NEXIS_AI_PROVIDER", "openai")], "off"),
    ] {
        assert_eq!(state(feature, set), expected, "{feature} {set:?}");
    }
    assert_eq!(builtin::CONTRACT.features.len(), 5);
    let openai = &builtin::CONTRACT.features[2];
    assert!(
        openai.conflicts.iter().any(|one| holds(one, &[("NEXIS_OPENAI_ENABLED", "false"), agent]))
    );
    assert!(
        !openai.conflicts.iter().any(|one| holds(one, &[("NEXIS_OPENAI_ENABLED", "true"), agent]))
    );
}

#[test]
fn the_agent_requires_what_it_needs() {
    for name in ["OPENAI_API_BASE", "OPENAI_DEFAULT_MODEL"] {
        let when = row(name).required_when.unwrap();
        assert!(holds(&when, &[("NEXIS_AGENT_ENABLED", "true")]), "{name}");
        assert!(!holds(&when, &[("NEXIS_AGENT_ENABLED", "false")]) && !holds(&when, &[]), "{name}");
    }
}

#[test]
fn combinations_are_findings() {
    type Settings = &'static [(&'static str, &'static str)];
    let cases: [(&str, Code, Severity, Modes, Settings, Settings); 5] = [
        (
            "JWT_AUDIENCE",
            Code::InsecureSetting,
            Severity::Warning,
            Modes::ALL,
            &[("JWT_AUDIENCE", "a,b")],
            &[("JWT_AUDIENCE", "a")],
        ),
        (
            "NEXIS_CORS_ALLOW_ORIGINS",
            Code::BadFormat,
            Severity::Error,
            Modes::ALL,
            &[("NEXIS_CORS_ALLOW_ORIGINS", "*"), ("NEXIS_CORS_ALLOW_CREDENTIALS", "true")],
            &[("NEXIS_CORS_ALLOW_ORIGINS", "*"), ("NEXIS_CORS_ALLOW_CREDENTIALS", "false")],
        ),
        (
            "NEXIS_HTTPS_REDIRECT_ENABLED",
            Code::InsecureSetting,
            Severity::Warning,
            PRODUCTION,
            &[("NEXIS_HTTPS_REDIRECT_ENABLED", "false")],
            &[],
        ),
        (
            "NEXIS_HSTS_ENABLED",
            Code::InsecureSetting,
            Severity::Warning,
            PRODUCTION,
            &[("NEXIS_HSTS_ENABLED", "false")],
            &[("NEXIS_HSTS_ENABLED", "true")],
        ),
        (
            "NEXIS_DATABASE_SSLMODE",
            Code::BadFormat,
            Severity::Error,
            Modes::ALL,
            &[
                ("NEXIS_DATABASE_SSLMODE", "require"),
                ("NEXIS_DATABASE_SCHEME", "mysql"),
                ("NEXIS_DATABASE_HOST", "db.internal"),
                ("NEXIS_DATABASE_NAME", "nexis"),
                ("NEXIS_DATABASE_USER", "app"),
                ("NEXIS_DATABASE_PASSWORD", "of the user"),
            ],
            &[("NEXIS_DATABASE_SSLMODE", "require"), ("NEXIS_DATABASE_SCHEME", "mysql")],
        ),
    ];
    assert_eq!(builtin::CONTRACT.rules.len(), cases.len());
    for (name, code, severity, modes, applies, does_not) in cases {
        let mut rules = builtin::CONTRACT.rules.iter();
        let rule = rules.find(|rule| builtin::CONTRACT.row(rule.variable).name == name).unwrap();
        assert_eq!((rule.code, rule.severity, rule.modes), (code, severity, modes), "{name}");
        assert!(holds(&rule.when, applies) && !holds(&rule.when, does_not), "{name}");
    }
}
