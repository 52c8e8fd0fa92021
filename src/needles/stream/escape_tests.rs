//! What is an escape, what is none, and what may become one.

use super::escaped::is_open;
use super::*;
use crate::needles::Needles;

/// The first occurrence in the text: where it ends, and what it is called.
fn first(value: &[u8], text: &[u8], last: bool) -> Option<(usize, Encoding)> {
    let mut needles = Needles::new();
    needles.add("KEY".to_owned(), value);
    let engine = Engine::new(&needles);
    let mut hits = Vec::new();
    engine.search(text, last, &mut hits);
    hits.first().map(|hit| (hit.end, hit.encoding))
}

#[test]
fn each_letter_behind_a_backslash_stands_for_its_byte() {
    for (letter, byte, encoding) in [
        ('n', b'\n', Encoding::Json),
        ('r', b'\r', Encoding::Json),
        ('t', b'\t', Encoding::Json),
        ('b', 0x08, Encoding::Json),
        ('f', 0x0c, Encoding::Json),
        ('"', b'"', Encoding::Json),
        ('/', b'/', Encoding::Json),
        ('a', 0x07, Encoding::Shell),
        ('v', 0x0b, Encoding::Shell),
        ('e', 0x1b, Encoding::Shell),
        ('E', 0x1b, Encoding::Shell),
        ('$', b'$', Encoding::Shell),
    ] {
        let value = [b"canary-", &[byte][..], b"-value"].concat();
        let text = format!("canary-\\{letter}-value|");
        let found = first(&value, text.as_bytes(), true);
        assert_eq!(found, Some((text.len() - 1, encoding)), "{text}");
    }
}

#[test]
fn what_no_writer_writes_is_no_escape() {
    for (value, text) in [
        // A letter or a digit that needs none.
        ("canary-value", r"canar\y-value"),
        ("canary-9value", r"canary-\9value"),
        // A quote within quotes needs one that is escaped.
        ("canary's value", "canary'''s value"),
        // Both halves of a character have their backslash.
        ("canary-\u{1f600}", r"canary-\ud83dude00"),
        ("canary-\u{1f600}", r"canary-\ud83d\ud83d"),
    ] {
        assert_eq!(first(value.as_bytes(), text.as_bytes(), true), None, "{text}");
    }
    let text = r"canary-\ud83d\ude00";
    let found = first("canary-\u{1f600}".as_bytes(), text.as_bytes(), true);
    assert_eq!(found, Some((text.len(), Encoding::Json)));
}

#[test]
fn a_value_that_ends_with_an_escape_is_found_before_anything_follows() {
    for (value, text) in
        [("canary-value", "canary-valu%65"), ("canary-valu\u{e9}", r"canary-valu\u00e9")]
    {
        assert!(first(value.as_bytes(), text.as_bytes(), false).is_some(), "{text}");
    }
}

#[test]
fn base64_is_called_by_its_alphabet() {
    let value = b"canary?~>value>?~";
    for (text, encoding) in [
        ("Y2FuYXJ5P34+dmFsdWU+P34=", Encoding::Base64),
        ("Y2FuYXJ5P34-dmFsdWU-P34=", Encoding::Base64Url),
    ] {
        assert_eq!(first(value, text.as_bytes(), true).map(|found| found.1), Some(encoding));
    }
}

#[test]
fn only_a_beginning_of_the_value_is_open() {
    let value = b"it's a value";
    for (text, open) in [
        (&b"it"[..], true),
        (b"it'", true),
        (br"it'\", true),
        (b"it%", true),
        (b"it%2", true),
        (br"it'\''s", true),
        (b"it%27s a ", true),
        (b"iT", false),
        (b"itx", false),
        (b"it'x", false),
        (b"it%2x", false),
        (b"it%27s a valuX", false),
        (b"it%zz", false),
        (b"it's a value", false),
    ] {
        assert_eq!(is_open(text, value), open, "{}", String::from_utf8_lossy(text));
    }
}
