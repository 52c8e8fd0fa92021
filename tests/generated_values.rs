//! Values from a cryptographic generator raise no finding, not even one in a million; nor do
//! ordinary values that merely hold the words of placeholders.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

use nexis_launch::contract::model::{
    Deliver, Display, FinalNewline, Format, Kind, List, Reject, Row,
};
use nexis_launch::finding::Code;
use nexis_launch::mode::{Mode, Modes};
use nexis_launch::validate::format;
use std::io::Read;
use std::process::{Command, Stdio};

/// A million values in all, over the three forms.
const EACH: usize = 340_000;

const BURNT: [Reject; 3] = [
    Reject {
        value: "dev_only_secret_change_in_production",
        password: false,
        code: Code::Placeholder,
    },
    Reject { value: "test_secret_key", password: false, code: Code::Placeholder },
    Reject { value: "nexis", password: true, code: Code::Placeholder },
];

/// A secret row with every rule that a generated value meets.
fn row(kind: Kind, min_bytes: Option<u32>) -> Row {
    Row {
        name: "JWT_SECRET",
        part: false,
        aliases: List(&["NEXIS_JWT_SECRET"]),
        secret: true,
        class: None,
        purpose: "",
        read_by: "",
        required: Modes::NONE,
        required_when: None,
        feature: None,
        files: List::EMPTY,
        format: Format { kind, min_bytes, max_bytes: None, prefix: None },
        rejects: List(&BURNT),
        severity: List::EMPTY,
        final_newline: FinalNewline::Strip,
        blank_allowed: false,
        deliver: Deliver::AsValue,
        generate: None,
        fetch: None,
        default: None,
        template: None,
        display: Display::Auto,
        not_read: None,
        line: 0,
    }
}

fn jwt() -> Row {
    row(Kind::Text { single_line: false }, Some(32))
}

fn encryption() -> Row {
    row(Kind::Hex { bytes: Some(32) }, None)
}

/// The codes of what is said of a value; the value itself goes nowhere.
fn codes(row: &Row, value: &[u8]) -> Vec<Code> {
    let mut found = Vec::new();
    format::check(row, Mode::Production, value, &mut |code, _| found.push(code));
    found
}

#[track_caller]
fn assert_clean(rows: &[Row], value: &[u8]) {
    for row in rows {
        let found = codes(row, value);
        assert!(found.is_empty(), "a generated value raised {found:?}");
    }
}

/// Calls `each` with `count` times `size` random bytes of `openssl rand`: what `-hex SIZE` and
/// `-base64 SIZE` encode. One process for all, since starting a million would take an hour.
fn random(count: usize, size: usize, mut each: impl FnMut(&[u8])) {
    let mut openssl = Command::new("openssl")
        .args(["rand", &(count * size).to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("openssl is installed");
    let mut source = openssl.stdout.take().unwrap();
    let mut bulk = vec![0; size * 1000];
    let mut seen = 0;
    for _ in 0..count / 1000 {
        source.read_exact(&mut bulk).unwrap();
        bulk.chunks_exact(size).for_each(&mut each);
        seen += 1000;
    }
    assert!(openssl.wait().unwrap().success());
    assert_eq!(seen, count);
}

fn to_hex(bytes: &[u8], text: &mut Vec<u8>) {
    text.clear();
    for byte in bytes {
        text.extend([byte >> 4, byte & 15].map(|digit| b"0123456789abcdef"[usize::from(digit)]));
    }
}

/// RFC 4648 section 4; for the other alphabet the two last digits are replaced.
fn to_base64(bytes: &[u8], text: &mut Vec<u8>) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    text.clear();
    for chunk in bytes.chunks(3) {
        let at = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let word = at(0) << 16 | at(1) << 8 | at(2);
        for i in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * i)) as usize & 63];
            text.push(if i <= chunk.len() { digit } else { b'=' });
        }
    }
}

#[test]
fn many_hex_32_raise_nothing() {
    let (rows, mut text) = ([jwt(), encryption()], Vec::new());
    random(EACH, 32, |bytes| {
        to_hex(bytes, &mut text);
        assert_clean(&rows, &text);
    });
}

#[test]
fn many_base64_32_raise_nothing() {
    let (rows, mut text) = ([jwt()], Vec::new());
    random(EACH, 32, |bytes| {
        to_base64(bytes, &mut text);
        assert_clean(&rows, &text);
    });
}

#[test]
fn many_base64_48_raise_nothing() {
    let (rows, mut text) = ([jwt()], Vec::new());
    random(EACH, 48, |bytes| {
        to_base64(bytes, &mut text);
        assert_clean(&rows, &text);
    });
}

#[test]
fn url_safe_base64_raises_nothing() {
    let rows = [jwt(), row(Kind::Base64 { bytes: Some(32) }, None), row(Kind::Ascii, None)];
    let mut text = Vec::new();
    random(100_000, 32, |bytes| {
        to_base64(bytes, &mut text);
        text.retain(|&byte| byte != b'=');
        for byte in &mut text {
            *byte = match *byte {
                b'+' => b'-',
                b'/' => b'_',
                other => other,
            };
        }
        assert_clean(&rows, &text);
    });
}

#[test]
fn what_openssl_prints_raises_nothing() {
    // One invocation each, cut into values of the length that one value has.
    for (form, bytes, length) in [("-hex", 32, 64), ("-base64", 48, 64)] {
        let count = 10_000;
        let size = (count * bytes).to_string();
        let output = Command::new("openssl").args(["rand", form, &size]).output();
        let output = output.expect("openssl is installed");
        let mut text = output.stdout;
        text.retain(|byte| !byte.is_ascii_whitespace());
        assert_eq!(text.len(), count * length);
        for value in text.chunks_exact(length) {
            assert_clean(&[jwt()], value);
            if form == "-hex" {
                assert_clean(&[encryption()], value);
            }
        }
    }
}

#[test]
fn ordinary_values_with_the_words_of_placeholders_raise_nothing() {
    const SCHEMES: List<&str> = List(&["postgres", "https"]);
    let url =
        row(Kind::Url { schemes: SCHEMES, loopback_schemes: List::EMPTY, user_info: true }, None);
    for value in [
        "postgres://nexis:Zx8vQ2kLm5@db.example.com:5432/nexis",
        "postgres://secret:Zx8vQ2kLm5@example.com/password",
        "https://example.com/your-secret/changeme",
    ] {
        assert_clean(std::slice::from_ref(&url), value.as_bytes());
    }
    for value in ["db.example.com", "example.com", "an example of a secret to replace", "todo-list"]
    {
        let plain = Row { secret: false, ..row(Kind::Text { single_line: true }, None) };
        assert_clean(&[plain], value.as_bytes());
    }
    for value in ["db.example.com", "example.com", "an example of a secret to replace"] {
        assert_clean(&[row(Kind::Text { single_line: true }, None)], value.as_bytes());
    }
}

#[test]
fn the_same_rows_do_find_what_is_typed() {
    assert_eq!(
        codes(&jwt(), b"test-secret-key"),
        [Code::Placeholder, Code::TooShort, Code::LowEntropy]
    );
    assert_eq!(
        codes(&jwt(), b"change_me_change_me_change_me_change_me"),
        [Code::Placeholder, Code::LowEntropy]
    );
    assert_eq!(
        codes(&encryption(), "01".repeat(32).as_bytes()),
        [Code::Placeholder, Code::LowEntropy]
    );
}
