use super::*;
use crate::contract::model::{
    Condition, Deliver, Display, Format, Generate, List, Override, Reject, Template,
};
use crate::mode::Modes;
use proptest::prelude::*;

/// A secret row of this kind without further rules.
fn row(kind: Kind) -> Row {
    Row {
        name: "JWT_SECRET",
        part: false,
        aliases: List(&["NEXIS_JWT_SECRET"]),
        secret: true,
        class: None,
        purpose: "",
        read_by: "",
        required: Modes::NONE,
        required_when: None::<Condition>,
        feature: None,
        files: List::EMPTY,
        format: Format { kind, min_bytes: None, max_bytes: None, prefix: None },
        rejects: List::EMPTY,
        severity: List::<Override>::EMPTY,
        final_newline: FinalNewline::Strip,
        blank_allowed: false,
        deliver: Deliver::AsValue,
        generate: None::<Generate>,
        fetch: None,
        default: None,
        template: None::<Template>,
        display: Display::Auto,
        not_read: None,
        line: 0,
    }
}

fn plain(kind: Kind) -> Row {
    Row { secret: false, ..row(kind) }
}

const TEXT: Kind = Kind::Text { single_line: false };
const KEY: Kind = Kind::Hex { bytes: Some(32) };
const DATABASE: Kind = Kind::Url {
    schemes: List(&["postgres", "sqlite"]),
    loopback_schemes: List::EMPTY,
    user_info: true,
};
const API: Kind =
    Kind::Url { schemes: List(&["https"]), loopback_schemes: List(&["http"]), user_info: false };
const ALL_KINDS: [Kind; 12] = [
    TEXT,
    Kind::Ascii,
    KEY,
    Kind::Base64 { bytes: Some(32) },
    DATABASE,
    API,
    Kind::Flag,
    Kind::SocketAddress,
    Kind::Origins,
    Kind::LogFilter,
    Kind::Integer { min: -1, max: 5 },
    Kind::Text { single_line: true },
];
const GOOD_KEY: &str = "6f1c0a7be29d4538f06b1d9e7c24a8530b9f6e1d2c7a4850f3e9b6d17c2a4805";

fn jwt() -> Row {
    let format = Format { kind: TEXT, min_bytes: Some(32), max_bytes: Some(200), prefix: None };
    Row { format, ..row(TEXT) }
}

fn findings(row: &Row, value: impl AsRef<[u8]>) -> Vec<(Code, Fact)> {
    let mut found = Vec::new();
    check(row, Mode::Production, value.as_ref(), &mut |code, fact| found.push((code, fact)));
    found
}

fn codes(row: &Row, value: impl AsRef<[u8]>) -> Vec<Code> {
    findings(row, value).into_iter().map(|(code, _)| code).collect()
}

#[track_caller]
fn assert_codes(row: &Row, value: impl AsRef<[u8]>, expected: &[Code]) {
    let value = value.as_ref();
    assert_eq!(codes(row, value), expected, "{}", value.escape_ascii());
}

#[test]
fn a_generated_secret_raises_nothing() {
    assert_codes(&jwt(), GOOD_KEY, &[]);
    assert_codes(&jwt(), "nGm3v0zX1q8K+4f7Yb2LkT9wR5sUeJd6HcPaVoIxMtE=", &[]);
    assert_codes(&row(KEY), GOOD_KEY, &[]);
}

#[test]
fn bytes_that_are_no_text_are_said_alone() {
    assert_codes(&jwt(), b"\xffabc\n", &[Code::NotUtf8]);
    assert_codes(&jwt(), b"abc\0\xff\n", &[Code::ContainsNul]);
}

#[test]
fn a_blank_value_is_not_judged() {
    for text in ["", " ", "\n", "\u{feff}"] {
        assert_codes(&row(KEY), text, &[]);
    }
}

#[test]
fn space_at_an_edge_is_one_finding() {
    for edge in [" ", "\t", "\n", "\r\n", "\n\n", "\u{a0}", "\u{3000}", "\u{feff}", "\u{200b}"] {
        assert_codes(&row(KEY), format!("{GOOD_KEY}{edge}"), &[Code::SurroundingSpace]);
        assert_codes(&row(KEY), format!("{edge}{GOOD_KEY}"), &[Code::SurroundingSpace]);
        assert_codes(&jwt(), format!("{edge}{GOOD_KEY}"), &[Code::SurroundingSpace]);
    }
    assert_codes(&plain(Kind::Flag), "true\n", &[Code::SurroundingSpace]);
    assert_codes(&plain(TEXT), "two words", &[]);
}

#[test]
fn space_does_not_hide_another_cause() {
    assert_codes(&row(KEY), "zz\n", &[Code::SurroundingSpace, Code::LowEntropy, Code::BadFormat]);
    assert_codes(
        &jwt(),
        "changeme\n",
        &[Code::SurroundingSpace, Code::Placeholder, Code::TooShort, Code::LowEntropy],
    );
}

#[test]
fn the_rows_rule_for_a_final_newline_holds() {
    let keep = Row { final_newline: FinalNewline::Keep, ..row(TEXT) };
    assert_codes(&keep, "line one\nline two\n", &[]);
    assert_codes(&keep, "line one\n\n", &[Code::SurroundingSpace]);
    let refuse = Row { final_newline: FinalNewline::RefuseNewline, ..row(KEY) };
    assert_codes(&refuse, format!("{GOOD_KEY}\n"), &[Code::BadFormat]);
}

#[test]
fn quotes_around_the_whole_are_one_finding() {
    for (open, close) in [("\"", "\""), ("'", "'"), ("`", "`"), ("\u{201c}", "\u{201d}")] {
        let value = format!("{open}{GOOD_KEY}{close}");
        assert_codes(&row(KEY), &value, &[Code::SurroundingQuotes]);
        assert_codes(&jwt(), &value, &[Code::SurroundingQuotes]);
        assert_codes(&jwt(), format!("{open}{GOOD_KEY}"), &[]);
        assert_codes(&jwt(), format!("{GOOD_KEY}{close}"), &[]);
    }
    assert_codes(&jwt(), format!("'{GOOD_KEY}\""), &[]);
    assert_codes(&plain(TEXT), "'self' https: 'unsafe-inline'", &[]);
    assert_codes(&plain(TEXT), "'self'", &[Code::SurroundingQuotes]);
    assert_codes(&plain(Kind::Flag), "\"", &[Code::BadFormat]);
}

#[test]
fn a_reference_is_said_alone() {
    for text in [
        "${JWT_SECRET}",
        "$(cat /run/secrets/jwt)",
        "{{ .Values.jwt }}",
        "op://vault/item/field",
        "vault:secret/data/jwt#key",
        "ref+vault://secret/jwt#/key",
        "arn:aws:secretsmanager:eu-central-1:1:secret:jwt",
        "arn:aws:ssm:eu-central-1:1:parameter/jwt",
        "encrypted:BDqDBibm4wsYqMpCjTQ6BsDHmMadg9K3dAt+",
        "ENC[AES256_GCM,data:x]",
        "sops:x",
        "akv:jwt",
        "gcp:projects/p/secrets/s",
        "%(ENV_JWT_SECRET)s",
        "$JWT_SECRET",
        "$NEXIS_JWT_SECRET",
    ] {
        assert_codes(&jwt(), text, &[Code::UnresolvedReference]);
        assert_codes(&row(KEY), text, &[Code::UnresolvedReference]);
        let inside = format!("Zx8vQ2{text}Zx8vQ2kLm5Rt7Yw9Nb3Hc6Jd");
        assert_codes(&jwt(), inside, &[]);
    }
    // Four base64 digits that happen to read `ref+`, and a password that begins with `$`.
    assert_codes(&jwt(), "ref+0zX1q8K+4f7Yb2LkT9wR5sUeJd6HcPaVoIxMtE=", &[]);
    assert_codes(&jwt(), "$ECRET_Zx8vQ2kLm5Rt7Yw9Nb3Hc6JdPq1Xs4", &[]);
}

#[test]
fn rejected_values_compare_folded() {
    let rejects = List(&[
        Reject {
            value: "dev_only_secret_change_in_production",
            password: false,
            code: Code::Placeholder,
        },
        Reject { value: "Exact", password: false, code: Code::BadFormat },
    ]);
    let row = Row { rejects, ..jwt() };
    for text in [
        "dev_only_secret_change_in_production",
        "DEV-only-secret-change-in-production",
        "dev_only_secret_change_in_production-dev_only_secret_change_in_production",
    ] {
        let found = findings(&row, text);
        assert!(matches!(found[..], [(Code::Placeholder, Fact::Says(placeholder::BURNT))]));
        assert!(is_burnt(&row, text.as_bytes()));
    }
    assert_codes(&row, "my_dev_only_secret_change_in_production", &[]);
    assert!(!is_burnt(&row, b"my_dev_only_secret_change_in_production"));
    assert_codes(&Row { rejects, ..plain(TEXT) }, "Exact", &[Code::BadFormat]);
    assert_codes(&Row { rejects, ..plain(TEXT) }, "exact", &[]);
}

#[test]
fn rejected_values_may_begin_with_what_is_folded_away() {
    const BRACKETS: Reject =
        Reject { value: "[kept out]", password: false, code: Code::Placeholder };
    const DASHES: Reject = Reject { value: "--kept", password: false, code: Code::BadFormat };
    let row = Row { rejects: List(&[BRACKETS, DASHES]), ..plain(TEXT) };
    assert_codes(&row, "[KEPT-OUT]", &[Code::Placeholder]);
    assert_codes(&row, "kept_out", &[Code::Placeholder]);
    assert_codes(&row, "--kept", &[Code::BadFormat]);
    assert_codes(&row, "kept", &[]);
}

#[test]
fn only_what_is_a_url_has_a_password() {
    const NEXIS: Reject = Reject { value: "nexis", password: true, code: Code::Placeholder };
    let url = "postgres://u:change-me@db/n";
    assert_codes(&row(TEXT), url, &[]);
    assert_codes(&row(DATABASE), url, &[Code::Placeholder]);
    let with_password = Row { rejects: List(&[NEXIS]), ..row(TEXT) };
    assert_codes(&with_password, "postgres://u:nexis@db/n", &[Code::Placeholder]);
    assert!(is_burnt(&with_password, b"postgres://u:nexis@db/n"));
    assert!(!is_burnt(&with_password, b"postgres://u:nexis2@db/n"));
    assert!(!is_burnt(&row(TEXT), b"postgres://u:nexis@db/n"));
}

#[test]
fn space_around_a_url_that_was_read_hides_no_password() {
    const NEXIS: Reject = Reject { value: "nexis", password: true, code: Code::Placeholder };
    let row = Row { rejects: List(&[NEXIS]), ..row(DATABASE) };
    for (value, expected) in [
        ("postgres://u:nexis@db/n", &[Code::Placeholder][..]),
        ("postgres://u@db/n?password=nexis\n", &[Code::SurroundingSpace, Code::Placeholder]),
        ("postgres://u@db/n?password=x\u{a0}", &[Code::SurroundingSpace]),
    ] {
        let inspected = Inspected::new(value.as_bytes());
        let mut found = Vec::new();
        check_inspected(&row, value.as_bytes(), Some(&inspected), &mut |code, _| found.push(code));
        assert_eq!(found, expected, "{value:?}");
    }
}

#[test]
fn space_at_an_edge_is_said_as_what_it_is() {
    for (value, words) in [
        ("\u{feff}kept", "byte order mark"),
        ("kept\n", "ends with a newline"),
        (" kept\n", "white space"),
        ("kept ", "white space"),
    ] {
        let keep = Row { final_newline: FinalNewline::Strip, ..plain(TEXT) };
        let found = findings(&keep, value);
        assert!(
            matches!(found[..], [(Code::SurroundingSpace, Fact::Says(said))] if said.contains(words)),
            "{value:?}"
        );
    }
}

#[test]
fn a_secret_of_a_closed_set_is_no_placeholder() {
    assert_codes(&row(Kind::Flag), "todo", &[Code::BadFormat]);
    assert_codes(&row(Kind::LogFilter), "todo", &[Code::BadFormat]);
    assert_codes(&row(TEXT), "todo", &[Code::Placeholder]);
}

#[test]
fn what_is_no_text_is_found_however_often_it_stands_there() {
    let line = plain(Kind::Text { single_line: true });
    for value in ["a\nb", "a\nb\nc", "a\u{85}b", "a\rb\rc"] {
        assert_codes(&line, value, &[Code::BadFormat]);
        assert_codes(&plain(TEXT), value.replace('\u{85}', "\n"), &[]);
    }
    for value in ["a\u{7f}b", "a\u{1}b\u{1}", "\u{1}\u{1}", "\u{9f}\u{9f}", "a\u{85}b"] {
        assert_codes(&plain(TEXT), value, &[Code::BadFormat]);
    }
}

#[test]
fn a_sign_is_for_what_can_be_negative() {
    assert_codes(&plain(Kind::Integer { min: 0, max: 5 }), "-0", &[Code::BadFormat]);
    assert_codes(&plain(Kind::Integer { min: -1, max: 5 }), "-1", &[]);
    assert_codes(&plain(Kind::Integer { min: 0, max: 5 }), "0", &[]);
}

#[test]
fn a_urls_password_is_rejected_too() {
    const NEXIS: Reject = Reject { value: "nexis", password: true, code: Code::Placeholder };
    const CHANGE: Reject = Reject { value: "CHANGE_ME", password: true, code: Code::Placeholder };
    let row = Row { rejects: List(&[NEXIS, CHANGE]), ..row(DATABASE) };
    for text in [
        "postgres://u:nexis@db/n",
        "postgres://u:N%65xis@db/n",
        "postgres://u:change-me@db/n",
        "postgres://u@db/n?password=nexis",
    ] {
        let found = findings(&row, text);
        let expected = placeholder::BURNT_PASSWORD;
        assert!(matches!(found[..], [(Code::Placeholder, Fact::Says(said))] if said == expected));
        assert!(is_burnt(&row, text.as_bytes()));
    }
    assert_codes(&row, "postgres://u:your-password@db/n", &[Code::Placeholder]);
    assert_codes(&row, "postgres://nexis:Zx8vQ2@nexis/nexis", &[]);
    assert_codes(&row, "postgres://u:nexis2@db.example.com/example", &[]);
    assert_codes(&plain(TEXT), "postgres://u:nexis@db/n", &[]);
}

#[test]
fn placeholders_are_for_secrets_alone() {
    for text in ["example", "changeme", "<issuer>", "xxxx"] {
        assert_codes(&row(TEXT), text, &[Code::Placeholder]);
        assert_codes(&plain(TEXT), text, &[]);
    }
}

#[test]
fn short_and_weak_secrets_are_found() {
    let found = findings(&jwt(), "Zx8vQ2kLm5Rt7Yw9Nb3");
    assert!(matches!(found[..], [(Code::TooShort, Fact::Fewer { bytes: 19, least: 32 })]));
    let weak = "aaaabbbbccccddddeeeeffffgggghhhh";
    assert_codes(&jwt(), weak, &[Code::LowEntropy]);
    // Bytes count, not characters.
    assert_codes(&jwt(), "\u{e4}bcd\u{f6}fghijkl\u{fc}nopZx8vQ2kLm5Rt7", &[]);
    let alike = [Code::Placeholder, Code::LowEntropy, Code::BadFormat];
    assert_codes(&row(KEY), "0".repeat(64), &alike);
}

#[test]
fn weakness_is_not_asked_of_other_values() {
    let weak = "aaaabbbbccccddddeeeeffffgggghhhh";
    assert_codes(&row(TEXT), weak, &[]);
    assert_codes(&Row { secret: false, ..jwt() }, weak, &[]);
    assert_codes(&Row { part: true, ..jwt() }, weak, &[]);
    let mut url = row(DATABASE);
    url.format.min_bytes = Some(4);
    assert_codes(&url, "sqlite:aaaaaa", &[]);
}

#[test]
fn sizes_and_prefixes_are_asked_for() {
    let long = format!("{}{GOOD_KEY}", GOOD_KEY.repeat(3));
    let found = findings(&jwt(), &long);
    assert!(matches!(found[0], (Code::TooLarge, Fact::More { bytes: Some(256), most: 200 })));
    let mut row = row(Kind::Ascii);
    row.format.prefix = Some("pk-");
    assert_codes(&row, "pk-Zx8vQ2", &[]);
    assert_codes(&row, "sk-Zx8vQ2", &[Code::BadFormat]);
    assert_codes(&row, "sk-Zx8 vQ2", &[Code::BadFormat]);
}

#[test]
fn texts() {
    assert_codes(&plain(TEXT), "a\tb\nc", &[]);
    assert_codes(&plain(TEXT), "a\u{1b}[31m", &[Code::BadFormat]);
    let line = plain(Kind::Text { single_line: true });
    assert_codes(&line, "default-src 'self'", &[]);
    assert_codes(&line, "a\nb", &[Code::BadFormat]);
    assert_codes(&plain(Kind::Ascii), "a!~", &[]);
    for text in ["a b", "a\tb", "\u{e4}"] {
        assert_codes(&plain(Kind::Ascii), text, &[Code::BadFormat]);
    }
}

#[test]
fn encoded_values() {
    for text in [&GOOD_KEY[1..], &format!("0x{}", &GOOD_KEY[2..]), "nGm3v0zX1q8K+4f7Yb2L"] {
        assert_codes(&row(KEY), text, &[Code::BadFormat]);
    }
    let base64 = row(Kind::Base64 { bytes: Some(32) });
    assert_codes(&base64, "nGm3v0zX1q8K+4f7Yb2LkT9wR5sUeJd6HcPaVoIxMtE=", &[]);
    assert_codes(&base64, "nGm3v0zX1q8K-4f7Yb2LkT9wR5sUeJd6HcPaVoIxMtE", &[]);
    assert_codes(&base64, "nGm3v0zX1q8K+4f7Yb2LkT9wR5sUeJd6HcPaVoIx", &[Code::BadFormat]);
}

#[test]
fn urls() {
    let database = row(DATABASE);
    for text in ["postgres://u:Zx8vQ2@db:5432/n", "POSTGRES://u:Zx8vQ2@db/n", "sqlite::memory:"] {
        assert_codes(&database, text, &[]);
    }
    for text in ["mysql://db/n", "jdbc:postgresql://db/n", "mysql://u:p@ss@db/n", "http://db"] {
        assert_codes(&database, text, &[Code::BadScheme]);
    }
    for text in ["db.internal", "postgres://u:p@ss@db/n", "postgres:db", "localhost:5432/n"] {
        assert_codes(&database, text, &[Code::BadFormat]);
    }
    let api = plain(API);
    for text in ["https://api.example.com/v1", "http://localhost:8080", "http://[::1]/"] {
        assert_codes(&api, text, &[]);
    }
    for text in ["http://api.example.com/v1", "ftp://localhost"] {
        assert_codes(&api, text, &[Code::BadScheme]);
    }
    assert_codes(&api, "https://user:pw@api.example.com", &[Code::BadFormat]);
}

#[test]
fn switches_numbers_addresses_and_lists() {
    assert_codes(&plain(Kind::Flag), "Enabled", &[]);
    assert_codes(&plain(Kind::Flag), "maybe", &[Code::BadFormat]);

    let number = plain(Kind::Integer { min: 1, max: 4_294_967_295 });
    for text in ["1", "4294967295"] {
        assert_codes(&number, text, &[]);
    }
    for text in
        ["0", "4294967296", "-1", "+5", "1e3", "1_000", "0x10", "5.0", "99999999999999999999"]
    {
        assert_codes(&number, text, &[Code::BadFormat]);
    }
    assert_codes(&plain(Kind::Integer { min: -5, max: 5 }), "-5", &[]);
    assert_codes(&plain(Kind::Integer { min: -5, max: 5 }), "--5", &[Code::BadFormat]);

    for text in ["0.0.0.0:8080", "[::]:8080"] {
        assert_codes(&plain(Kind::SocketAddress), text, &[]);
    }
    for text in
        ["localhost:8080", "0.0.0.0", ":8080", "::1:8080", "0.0.0.0:65536", "http://0.0.0.0:1"]
    {
        assert_codes(&plain(Kind::SocketAddress), text, &[Code::BadFormat]);
    }

    assert_codes(&plain(Kind::Origins), "https://a.example,http://localhost:3000", &[]);
    assert_codes(&plain(Kind::Origins), "https://a.example/", &[Code::BadFormat]);
    assert_codes(&plain(Kind::LogFilter), "info,hyper=warn", &[]);
    assert_codes(&plain(Kind::LogFilter), "verbose", &[Code::BadFormat]);

    let words = plain(Kind::Enum { values: List(&["json", "text"]) });
    assert_codes(&words, "JSON", &[]);
    assert_codes(&words, "xml", &[Code::BadFormat]);
    // The mode has a finding of its own.
    assert_codes(&plain(Kind::ModeName), "produktion\n", &[]);
}

#[test]
fn canonical_spellings() {
    let flag = plain(Kind::Flag);
    assert_eq!(canonical(&flag, b"Yes").as_deref(), Some(&b"true"[..]));
    assert_eq!(canonical(&flag, b"0").as_deref(), Some(&b"false"[..]));
    let alike = plain(Kind::Enum { values: List(&["Debug", "debug"]) });
    assert_eq!(canonical(&alike, b"debug"), None, "it is one of them as it is");
    assert_eq!(canonical(&alike, b"DEBUG").as_deref(), Some(&b"Debug"[..]));
    let words = plain(Kind::Enum { values: List(&["json", "text"]) });
    assert_eq!(canonical(&words, b"Json").as_deref(), Some(&b"json"[..]));
    for (row, value) in [(&flag, "true"), (&flag, "maybe"), (&words, "text"), (&words, "xml")] {
        assert_eq!(canonical(row, value.as_bytes()), None, "{value}");
    }
    assert_eq!(canonical(&plain(TEXT), b"Yes"), None);
}

#[test]
fn no_finding_holds_the_value() {
    for kind in ALL_KINDS {
        let mut row = jwt();
        row.format.kind = kind;
        for value in [
            &b"canary"[..],
            b"canary\xff",
            b"canary\0",
            b" 'canary canary' \n",
            b"${canary}",
            b"your-canary",
            b"ftp://canary:canary@canary/canary",
            b"postgres://canary:ca@nary@canary/canary",
        ] {
            for (code, fact) in findings(&row, value) {
                let shown = format!("{code:?} {fact:?}");
                assert!(!shown.contains("canary"), "{shown}");
            }
        }
    }
}

proptest! {
    #[test]
    fn any_value_is_judged_without_a_panic(value in prop::collection::vec(any::<u8>(), 0..64)) {
        for kind in ALL_KINDS {
            check(&row(kind), Mode::Production, &value, &mut |_, _| {});
            canonical(&row(kind), &value);
        }
    }

    #[test]
    fn any_text_is_judged_without_a_panic(value in "[\\[\\]{}=,:/@+$a-f0-9'\"\\PC]{0,40}") {
        for kind in ALL_KINDS {
            check(&row(kind), Mode::Production, value.as_bytes(), &mut |_, _| {});
        }
    }
}
