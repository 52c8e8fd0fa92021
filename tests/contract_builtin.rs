//! The built-in contract: the table is what the YAML says, and the YAML has every measured fact.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

use nexis_launch::contract::model::*;
use nexis_launch::contract::{self, BUILTIN_YAML, builtin};
use nexis_launch::finding::{Code, Severity};
use nexis_launch::mode::{Mode, Modes};
use std::path::Path;

/// The generated file for what the YAML compiles to.
fn table(compiled: &Contract) -> String {
    let mut text = String::from(
        "//! The built-in contract as a table, so that a launch parses nothing. Made from\n\
         //! `nexis-gateway.yaml` by `NEXIS_LAUNCH_BLESS=1 cargo test --test contract_builtin`; a test\n\
         //! holds that it is what the YAML says.\n\n\
         #![allow(clippy::all, reason = \"printed, not written\")]\n\n\
         use super::model::{\n    Condition::*, Contract, Deliver::*, Display::*, Encoding::*, Feature, FeatureId, FileName,\n    \
         FinalNewline::*, Format, Generate, Kind::*, Known, List, NotRead, Origin::*, Override,\n    \
         Place::*, Policy, Reject, Role::*, Row, RowId, Rule, Segment::*, Template, Test::*,\n};\n\
         use crate::finding::{Code::*, Severity::*};\nuse crate::mode::Modes;\n\n\
         /// The built-in contract.\n#[rustfmt::skip]\npub static CONTRACT: Contract = Contract {\n",
    );
    fn list<T: std::fmt::Debug>(text: &mut String, name: &str, list: &List<T>) {
        text.push_str(&format!("    {name}: List(&["));
        for one in list.iter() {
            text.push_str(&format!("\n        {one:?},"));
        }
        text.push_str(if list.is_empty() { "]),\n" } else { "\n    ]),\n" });
    }
    let Contract { version, name, origin, sha256, .. } = compiled;
    text.push_str(&format!("    version: {version}, name: {name:?}, origin: {origin:?},\n"));
    text.push_str(&format!("    sha256: {sha256:?},\n"));
    list(&mut text, "program", &compiled.program);
    list(&mut text, "mode_names", &compiled.mode_names);
    list(&mut text, "rows", &compiled.rows);
    list(&mut text, "features", &compiled.features);
    list(&mut text, "rules", &compiled.rules);
    list(&mut text, "not_read", &compiled.not_read);
    list(&mut text, "prefixes", &compiled.prefixes);
    list(&mut text, "passthrough", &compiled.passthrough);
    text.push_str(&format!("    policy: {:?},\n", compiled.policy));
    list(&mut text, "trusted_owners", &compiled.trusted_owners);
    list(&mut text, "burnt", &compiled.burnt);
    list(&mut text, "providers", &compiled.providers);
    list(&mut text, "chain", &compiled.chain);
    list(&mut text, "names", &compiled.names);
    list(&mut text, "files", &compiled.files);
    text.push_str(&format!("    initials: {:#x},\n", compiled.initials));
    text.push_str("};\n");
    text
}

/// What the YAML compiles to; lines are left out, so that a comment changes no table.
fn compiled() -> Contract {
    let path = Path::new("nexis-gateway.yaml");
    let contract = contract::parse(BUILTIN_YAML, path, Origin::Builtin).unwrap();
    let rows = contract.rows.iter().map(|row| Row { line: 0, ..*row }).collect();
    Contract { rows: List::leak(rows), ..contract }
}

#[test]
fn the_table_is_what_the_yaml_says() {
    let text = table(&compiled());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/contract/builtin.rs");
    if std::env::var_os("NEXIS_LAUNCH_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(path, text).unwrap();
        return;
    }
    assert!(
        std::fs::read_to_string(path).unwrap() == text,
        "builtin.rs is not what nexis-gateway.yaml says: NEXIS_LAUNCH_BLESS=1 writes it anew"
    );
    assert_eq!(format!("{:?}", builtin::CONTRACT), format!("{:?}", compiled()));
}

// What follows is written from the measured facts, not from the YAML.

fn row(name: &str) -> &'static Row {
    let contract = &builtin::CONTRACT;
    let known = contract.known(name.as_bytes()).unwrap_or_else(|| panic!("no row {name}"));
    assert_eq!(known.role, Role::Own, "{name}");
    contract.row(known.row)
}

fn feature_of(row: &Row) -> Option<&'static str> {
    row.feature.map(|id| builtin::CONTRACT.features[usize::from(id.0)].name)
}

const STAGING_AND_PRODUCTION: Modes = Modes::NONE.with(Mode::Staging).with(Mode::Production);
const PRODUCTION: Modes = Modes::NONE.with(Mode::Production);
const NOT_SECRET: (bool, Option<&str>) = (false, None);

const fn secret(class: &str) -> (bool, Option<&str>) {
    (true, Some(class))
}

const LINE: Kind = Kind::Text { single_line: true };
const TEXT: Kind = Kind::Text { single_line: false };

type Expected = (
    &'static str,
    &'static [&'static str],
    (bool, Option<&'static str>),
    Modes,
    Option<&'static str>,
    Kind,
    Option<u32>,
);

/// Section 2, row by row: name, aliases, secret and class, required, feature, kind, least bytes.
const VARIABLES: &[Expected] = &[
    (
        "JWT_SECRET",
        &["NEXIS_JWT_SECRET"],
        secret("jwt-signing"),
        STAGING_AND_PRODUCTION,
        None,
        TEXT,
        Some(32),
    ),
    ("JWT_ISSUER", &["NEXIS_JWT_ISSUER"], NOT_SECRET, Modes::NONE, None, LINE, None),
    ("JWT_AUDIENCE", &["NEXIS_JWT_AUDIENCE"], NOT_SECRET, Modes::NONE, None, LINE, None),
    (
        "DATABASE_URL",
        &["NEXIS_DATABASE_URL"],
        secret("database"),
        Modes::NONE,
        Some("persistence"),
        Kind::Url {
            schemes: List(&["postgres", "postgresql", "mysql", "sqlite"]),
            loopback_schemes: List(&[]),
            user_info: true,
        },
        None,
    ),
    (
        "REDIS_URL",
        &["NEXIS_REDIS_URL"],
        secret("database"),
        Modes::NONE,
        Some("redis"),
        Kind::Url {
            schemes: List(&["redis", "rediss", "redis+unix", "unix"]),
            loopback_schemes: List(&[]),
            user_info: true,
        },
        None,
    ),
    (
        "OPENAI_API_KEY",
        &["NEXIS_OPENAI_API_KEY"],
        secret("provider-api-key"),
        Modes::NONE,
        Some("openai"),
        Kind::Ascii,
        None,
    ),
    (
        "OPENAI_API_BASE",
        &["NEXIS_OPENAI_API_BASE"],
        NOT_SECRET,
        Modes::NONE,
        None,
        Kind::Url {
            schemes: List(&["https"]),
            loopback_schemes: List(&["http"]),
            user_info: false,
        },
        None,
    ),
    (
        "OPENAI_DEFAULT_MODEL",
        &["NEXIS_OPENAI_DEFAULT_MODEL"],
        NOT_SECRET,
        Modes::NONE,
        None,
        LINE,
        None,
    ),
    (
        "ANTHROPIC_API_KEY",
        &["NEXIS_ANTHROPIC_API_KEY"],
        secret("provider-api-key"),
        Modes::NONE,
        Some("anthropic"),
        Kind::Ascii,
        None,
    ),
    (
        "GEMINI_API_KEY",
        &["NEXIS_GEMINI_API_KEY"],
        secret("provider-api-key"),
        Modes::NONE,
        Some("gemini"),
        Kind::Ascii,
        None,
    ),
    (
        "NEXIS_ENCRYPTION_KEY",
        &[],
        secret("encryption"),
        Modes::NONE,
        None,
        Kind::Hex { bytes: Some(32) },
        None,
    ),
    ("NEXIS_API_HMAC_SECRET", &[], secret("webhook-hmac"), Modes::NONE, None, TEXT, Some(32)),
    ("NEXIS_WEBHOOK_SIGNING_KEY", &[], secret("webhook-hmac"), Modes::NONE, None, TEXT, Some(32)),
    ("NEXIS_ENV", &[], NOT_SECRET, Modes::NONE, None, Kind::ModeName, None),
    ("NEXIS_BIND_ADDR", &[], NOT_SECRET, Modes::NONE, None, Kind::SocketAddress, None),
    ("NEXIS_CORS_ALLOW_ORIGINS", &[], NOT_SECRET, PRODUCTION, None, Kind::Origins, None),
    ("NEXIS_CORS_ALLOW_CREDENTIALS", &[], NOT_SECRET, Modes::NONE, None, Kind::Flag, None),
    ("NEXIS_HTTPS_REDIRECT_ENABLED", &[], NOT_SECRET, Modes::NONE, None, Kind::Flag, None),
    ("NEXIS_HSTS_ENABLED", &[], NOT_SECRET, Modes::NONE, None, Kind::Flag, None),
    ("NEXIS_CSP_POLICY", &[], NOT_SECRET, Modes::NONE, None, LINE, None),
    (
        "NEXIS_RATE_LIMIT_RPM",
        &[],
        NOT_SECRET,
        Modes::NONE,
        None,
        Kind::Integer { min: 1, max: 4_294_967_295 },
        None,
    ),
    ("NEXIS_LOG_LEVEL", &[], NOT_SECRET, Modes::NONE, None, Kind::LogFilter, None),
    ("RUST_LOG", &[], NOT_SECRET, Modes::NONE, None, Kind::LogFilter, None),
    (
        "NEXIS_LOG_FORMAT",
        &[],
        NOT_SECRET,
        Modes::NONE,
        None,
        Kind::Enum { values: List(&["json", "text", "plain", "pretty"]) },
        None,
    ),
    ("NEXIS_LOG_SPANS", &[], NOT_SECRET, Modes::NONE, None, Kind::Flag, None),
    ("NEXIS_AGENT_ENABLED", &[], NOT_SECRET, Modes::NONE, None, Kind::Flag, None),
    ("NEXIS_PERSISTENCE_ENABLED", &[], NOT_SECRET, Modes::NONE, None, Kind::Flag, None),
    ("NEXIS_REDIS_ENABLED", &[], NOT_SECRET, Modes::NONE, None, Kind::Flag, None),
    ("NEXIS_OPENAI_ENABLED", &[], NOT_SECRET, Modes::NONE, None, Kind::Flag, None),
    ("NEXIS_ANTHROPIC_ENABLED", &[], NOT_SECRET, Modes::NONE, None, Kind::Flag, None),
    ("NEXIS_GEMINI_ENABLED", &[], NOT_SECRET, Modes::NONE, None, Kind::Flag, None),
    ("NEXIS_DEFAULT_PROVIDER", &[], NOT_SECRET, Modes::NONE, None, LINE, None),
    ("NEXIS_AI_PROVIDER", &[], NOT_SECRET, Modes::NONE, None, LINE, None),
    ("NEXIS_PROVIDER", &[], NOT_SECRET, Modes::NONE, None, LINE, None),
];

#[test]
fn every_measured_variable_has_its_row() {
    for &(name, aliases, (secret, class), required, feature, kind, least) in VARIABLES {
        let row = row(name);
        assert!(!row.part, "{name}");
        assert_eq!(row.aliases.0, aliases, "{name}");
        assert_eq!((row.secret, row.class), (secret, class), "{name}");
        assert_eq!(row.required, required, "{name}");
        assert_eq!(feature_of(row), feature, "{name}");
        assert_eq!(row.format.kind, kind, "{name}");
        assert_eq!(row.format.min_bytes, least, "{name}");
        assert!(!row.purpose.is_empty() && !row.read_by.is_empty(), "{name}");
    }
    let rows = builtin::CONTRACT.rows.iter().filter(|row| !row.part).count();
    assert_eq!(rows, VARIABLES.len(), "a row that nobody measured");
}

#[test]
fn stores_are_composed_of_their_parts() {
    let parts: Vec<&str> =
        builtin::CONTRACT.rows.iter().filter(|row| row.part).map(|row| row.name).collect();
    let expected = [
        "NEXIS_DATABASE_SCHEME",
        "NEXIS_DATABASE_HOST",
        "NEXIS_DATABASE_PORT",
        "NEXIS_DATABASE_NAME",
        "NEXIS_DATABASE_USER",
        "NEXIS_DATABASE_PASSWORD",
        "NEXIS_DATABASE_SSLMODE",
        "NEXIS_REDIS_HOST",
        "NEXIS_REDIS_PORT",
        "NEXIS_REDIS_DB",
        "NEXIS_REDIS_USER",
        "NEXIS_REDIS_PASSWORD",
        "NEXIS_REDIS_TLS",
    ];
    assert_eq!(parts, expected);
    for name in expected {
        assert_eq!(row(name).secret, name.ends_with("PASSWORD"), "{name}");
    }
    assert_eq!(row("NEXIS_DATABASE_SCHEME").default, Some("postgres"));
    assert_eq!(row("NEXIS_REDIS_USER").default, Some("default"), "clients refuse an empty user");
    for name in ["NEXIS_DATABASE_PORT", "NEXIS_REDIS_PORT"] {
        assert_eq!(row(name).format.kind, Kind::Integer { min: 1, max: 65_535 }, "{name}");
    }
    let place = |variable: &str, part: &str| {
        fn find(list: List<Segment>, part: &str, group: u8) -> Option<(Place, u8)> {
            list.iter().find_map(|segment| match segment {
                Segment::Part(id, place) if builtin::CONTRACT.row(*id).name == part => {
                    Some((*place, group))
                }
                Segment::Group(inner) => find(*inner, part, group + 1),
                _ => None,
            })
        }
        find(row(variable).template.unwrap().segments, part, 0).unwrap()
    };
    for (part, expected) in [
        ("NEXIS_DATABASE_SCHEME", (Place::Scheme, 0)),
        ("NEXIS_DATABASE_USER", (Place::UserInfo, 0)),
        ("NEXIS_DATABASE_PASSWORD", (Place::UserInfo, 0)),
        ("NEXIS_DATABASE_HOST", (Place::Host, 0)),
        ("NEXIS_DATABASE_PORT", (Place::Port, 1)),
        ("NEXIS_DATABASE_NAME", (Place::PathSegment, 0)),
        ("NEXIS_DATABASE_SSLMODE", (Place::QueryValue, 1)),
    ] {
        assert_eq!(place("DATABASE_URL", part), expected, "{part}");
    }
    for (part, expected) in [
        ("NEXIS_REDIS_USER", (Place::UserInfo, 1)),
        ("NEXIS_REDIS_PASSWORD", (Place::UserInfo, 1)),
        ("NEXIS_REDIS_HOST", (Place::Host, 0)),
        ("NEXIS_REDIS_PORT", (Place::Port, 1)),
        ("NEXIS_REDIS_DB", (Place::PathSegment, 1)),
    ] {
        assert_eq!(place("REDIS_URL", part), expected, "{part}");
    }
}

#[test]
fn public_values_are_refused_on_every_secret_row() {
    for row in builtin::CONTRACT.rows {
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
            let reject = Reject { value, password: false, code: Code::Placeholder };
            assert_eq!(row.rejects.contains(&reject), row.secret, "{} {value}", row.name);
        }
    }
    for value in ["redis", "nexis", "postgres", "password", "CHANGE_ME"] {
        let reject = |password| Reject { value, password, code: Code::Placeholder };
        for (url, part) in
            [("DATABASE_URL", "NEXIS_DATABASE_PASSWORD"), ("REDIS_URL", "NEXIS_REDIS_PASSWORD")]
        {
            // A database is not called redis by anybody's example.
            let expected = value != "redis" || url == "REDIS_URL";
            assert_eq!(row(url).rejects.contains(&reject(true)), expected, "{url} {value}");
            assert_eq!(row(part).rejects.contains(&reject(false)), expected, "{part} {value}");
        }
        assert!(!row("JWT_SECRET").rejects.contains(&reject(false)), "{value}");
    }
}

#[test]
fn names_that_are_not_read_are_known() {
    for name in [
        "DATABASE_URL",
        "REDIS_URL",
        "NEXIS_DATABASE_PATH",
        "NEXIS_DATABASE_POOL_SIZE",
        "NEXIS_MAX_CONNECTIONS",
        "NEXIS_JWT_JWKS_URL",
        "NEXIS_JWT_CLOCK_SKEW_SECONDS",
        "NEXIS_TLS_ENABLED",
        "NEXIS_TLS_MIN_VERSION",
        "NEXIS_REQUIRE_MTLS_INTERNAL",
        "NEXIS_MULTI_TENANT_ENABLED",
        "NEXIS_TENANT_ENFORCEMENT_MODE",
        "NEXIS_PROFILE",
        "NEXIS_PROFILE_ENTERPRISE",
        "NEXIS_OTEL_EXPORTER",
        "NEXIS_OTEL_EXPORT_ENDPOINT",
        "NEXIS_SSO_*",
        "NEXIS_KMS_*",
        "NEXIS_AUDIT_*",
        "NEXIS_RBAC_MODE",
        "NEXIS_DEFAULT_DENY",
        "NEXIS_BREAK_GLASS_*",
        "NEXIS_REQUIRE_*",
        "NEXIS_SECRET_ROTATION_DAYS",
        "NEXIS_CERT_ROTATION_DAYS",
        "NEXIS_SIEM_EXPORT_ENABLED",
        "NEXIS_SBOM_REQUIRED",
        "NEXIS_IMAGE_SIGNATURE_REQUIRED",
        "NEXIS_SECURITY_REPORT_DIR",
    ] {
        let found = builtin::CONTRACT.not_read.iter().find(|one| one.name == name);
        assert!(found.is_some_and(|one| !one.note.is_empty()), "{name}");
    }
    for name in ["DATABASE_URL", "REDIS_URL"] {
        assert!(row(name).read_by.starts_with("not read by today's"), "{name}");
    }
    assert!(!builtin::CONTRACT.not_read.iter().any(|one| one.name == "OPENAI_API_KEY"));
    assert_eq!(builtin::CONTRACT.prefixes.0, ["NEXIS_"]);
}

#[test]
fn rust_log_is_checked_as_a_warning_and_may_be_blank() {
    let row = row("RUST_LOG");
    assert!(row.blank_allowed);
    let warns = |code, mode| {
        row.severity.iter().any(|one| {
            one.code == code && one.modes.has(mode) && one.severity == Some(Severity::Warning)
        })
    };
    assert!(Mode::ALL.into_iter().all(|mode| warns(Code::BadFormat, mode)));
    assert!(warns(Code::DebugInProduction, Mode::Production));
    assert!(!warns(Code::DebugInProduction, Mode::Development));
}

#[test]
fn names_and_files_lead_to_their_rows() {
    let contract = &builtin::CONTRACT;
    for (name, row, role) in [
        ("JWT_SECRET", "JWT_SECRET", Role::Own),
        ("NEXIS_JWT_SECRET", "JWT_SECRET", Role::Alias(0)),
        ("JWT_SECRET_FILE", "JWT_SECRET", Role::OwnFile),
        ("NEXIS_JWT_SECRET_FILE", "JWT_SECRET", Role::AliasFile(0)),
        ("NEXIS_DATABASE_PASSWORD_FILE", "NEXIS_DATABASE_PASSWORD", Role::OwnFile),
    ] {
        let known = contract.known(name.as_bytes()).unwrap();
        assert_eq!((contract.row(known.row).name, known.role), (row, role), "{name}");
    }
    assert!(contract.known(b"NEXIS_ENV").is_some());
    assert!(contract.known(b"NEXIS_ENV_FILE").is_none(), "the mode is read from no file");
    assert!(contract.file(b"nexis-env").is_none(), "the mode is read from no file");
    for (name, row, rank) in [
        ("JWT_SECRET", "JWT_SECRET", 0),
        ("jwt_secret", "JWT_SECRET", 1),
        ("jwt-secret", "JWT_SECRET", 2),
        ("NEXIS_JWT_SECRET", "JWT_SECRET", 3),
        ("nexis-jwt-secret", "JWT_SECRET", 5),
        ("database-url", "DATABASE_URL", 2),
        ("redis-url", "REDIS_URL", 2),
    ] {
        let file = contract.file(name.as_bytes()).unwrap_or_else(|| panic!("{name}"));
        assert_eq!((contract.row(file.row).name, file.rank), (row, rank), "{name}");
    }
    assert!(contract.names.windows(2).all(|pair| pair[0].name < pair[1].name));
    assert!(contract.files.windows(2).all(|pair| pair[0].name < pair[1].name));
}

#[test]
fn development_gets_an_ephemeral_signing_key_and_nothing_else() {
    let generated: Vec<&str> = builtin::CONTRACT
        .rows
        .iter()
        .filter(|row| row.generate.is_some())
        .map(|row| row.name)
        .collect();
    assert_eq!(generated, ["JWT_SECRET"]);
    assert_eq!(row("JWT_SECRET").generate, Some(Generate { kind: Encoding::UrlBase64, bytes: 48 }));
}

#[test]
fn nothing_is_parsed_for_the_built_in_contract() {
    let table: *const Contract = &raw const builtin::CONTRACT;
    for path in [None, Some(Path::new(contract::BUILTIN))] {
        assert!(std::ptr::eq(contract::load(path).unwrap(), table));
    }
}
