//! Placeholders and public values: whole values, never a substring of other text.
//!
//! A rule may not hit a generated value even once in a million. Of base64 values, a given word of
//! n letters in any case begins one in 32^n: 4 letters are too few, 7 are enough.

use crate::contract::model::{Reject, Row};
use crate::finding::Code;

/// Said of a value that the contract's row rejects as public.
pub const BURNT: &str = "is a value that is public in source code or examples";
/// Said of a value that is a placeholder.
pub const PLACEHOLDER: &str = "is a placeholder";
/// Said of a URL whose password the contract's row rejects.
pub const BURNT_PASSWORD: &str = "has a password that is public in source code or examples";
/// Said of a URL whose password is a placeholder.
pub const PLACEHOLDER_PASSWORD: &str = "has a placeholder as its password";

/// Whole values, folded.
const WORDS: [&str; 52] = [
    "admin",
    "admin123",
    "apikey",
    "changeit",
    "changethis",
    "changethissecret",
    "default",
    "defaultsecret",
    "demo",
    "dummy",
    "example",
    "examplekey",
    "examplepassword",
    "examplesecret",
    "fake",
    "fixme",
    "foo",
    "foobar",
    "hunter2",
    "insecure",
    "jwtsecret",
    "key",
    "letmein",
    "mypassword",
    "mysecret",
    "mysecretkey",
    "none",
    "notset",
    "notused",
    "null",
    "pass",
    "passw0rd",
    "password",
    "password1",
    "password123",
    "placeholder",
    "redacted",
    "sample",
    "secret",
    "secret123",
    "secretkey",
    "setme",
    "supersecret",
    "supersecretkey",
    "tba",
    "tbd",
    "test",
    "testkey",
    "testsecret",
    "todo",
    "undefined",
    "unset",
];

/// The length of the longest word.
const LONGEST: usize = 16;

/// Beginnings, folded, that need no further look.
const PREFIXES: [&str; 11] = [
    "changeme",
    "changethis",
    "changein",
    "pleasechange",
    "replace",
    "yoursecret",
    "enteryour",
    "putyour",
    "setyour",
    "placeholder",
    "examplesecret",
];

/// Words that make a placeholder where separate words follow: `your-api-key`, `INSERT_KEY_HERE`.
const LEADING: [&str; 3] = ["your", "insert", "todo"];

/// Prefixes of vendors' keys, before which a placeholder may hide: `sk-your-key-here`.
const VENDORS: [&str; 6] = ["sk-ant-api03-", "sk-ant-", "sk-proj-", "sk-", "pk-", "AIza"];

/// The letters that some text of the list begins with, as bits. Most values begin with another,
/// and then none of the list has to be looked at.
const fn first_letters(list: &[&str]) -> u32 {
    let mut letters = 0;
    let mut at = 0;
    while at < list.len() {
        // A constant's own list: an index outside it would not compile.
        #[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
        {
            letters |= 1 << (list[at].as_bytes()[0] - b'a');
        }
        at += 1;
    }
    letters
}

/// Whether the byte, folded, is one of these letters.
fn is_among(first: Option<u8>, letters: u32) -> bool {
    first.is_some_and(|byte| byte.is_ascii_lowercase() && letters >> (byte - b'a') & 1 == 1)
}

/// Letters in lower case, digits, and bytes above ASCII, so that they never vanish; 0 for what
/// separates.
const FOLD: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0u8;
    loop {
        // An index outside the constant's table would not compile.
        #[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
        if byte.is_ascii_alphanumeric() || !byte.is_ascii() {
            table[byte as usize] = byte.to_ascii_lowercase();
        }
        if byte == u8::MAX {
            break table;
        }
        byte += 1;
    }
};

fn fold(byte: u8) -> u8 {
    FOLD.get(usize::from(byte)).copied().unwrap_or_default()
}

/// The value's letters and digits in lower case.
fn folded(value: &[u8]) -> impl Iterator<Item = u8> + Clone {
    value.iter().map(|&byte| fold(byte)).filter(|&byte| byte != 0)
}

fn folds_to(value: &[u8], other: &str) -> bool {
    folded(value).eq(folded(other.as_bytes()))
}

/// Whether the value is the other one several times, as somebody lengthens what is too short.
fn repeats(value: &[u8], other: &str) -> bool {
    let mut again = folded(other.as_bytes()).cycle();
    // Nearly all differ in the first few bytes.
    let length = folded(value)
        .try_fold(0, |length, byte| (again.next() == Some(byte)).then_some(length + 1));
    // A short one is judged as any short token that is repeated.
    let once = || folded(other.as_bytes()).count();
    length.is_some_and(|length: usize| length > once() && once() >= 4)
}

/// The row's first word against the value (`password`: a URL's password).
pub fn rejection(row: &Row, value: &[u8], password: bool) -> Option<&'static Reject> {
    rejections(row, value, password).next()
}

/// All that the row has against the value (`password`: a URL's password), each under its code.
///
/// Placeholders compare after folding case and separators, anything else byte by byte.
pub fn rejections(
    row: &Row,
    value: &[u8],
    password: bool,
) -> impl Iterator<Item = &'static Reject> {
    let first = folded(value).next().unwrap_or_default();
    // Most differ in their first letter, which spares comparing the rest; one that begins with no
    // letter or digit is compared.
    let begins = move |reject: &Reject| {
        let byte = reject.value.as_bytes().first().map_or(0, |&byte| fold(byte));
        byte == first || byte == 0
    };
    row.rejects.into_iter().filter(move |reject| begins(reject)).filter(move |reject| {
        reject.password == password
            && if reject.code == Code::Placeholder {
                folds_to(value, reject.value) || repeats(value, reject.value)
            } else {
                value == reject.value.as_bytes()
            }
    })
}

/// Whether the whole value is a placeholder.
pub fn is_placeholder(value: &[u8]) -> bool {
    if is_whole(value) {
        return true;
    }
    let first = value.first();
    let mut vendors = VENDORS.iter().map(|vendor| vendor.as_bytes());
    let rest = vendors
        .find_map(|vendor| if vendor.first() == first { value.strip_prefix(vendor) } else { None });
    rest.is_some_and(is_whole)
}

/// The same without a look behind a vendor's prefix.
fn is_whole(value: &[u8]) -> bool {
    let first = folded(value).next();
    begins_obviously(value, first) || is_word(value, first) || is_repetition(value)
}

fn is_word(value: &[u8], first: Option<u8>) -> bool {
    // Generated values are longer than the longest word, and are done here.
    is_among(first, const { first_letters(&WORDS) })
        && folded(value).nth(LONGEST).is_none()
        && WORDS.iter().any(|word| word.bytes().next() == first && folds_to(value, word))
}

/// Whether it begins as only placeholders do, or stands in `<…>`. A URL's password is judged by
/// this alone: a word such as `secret` is a weak password there and not a forgotten one.
pub fn is_obvious(value: &[u8]) -> bool {
    begins_obviously(value, folded(value).next())
}

/// The same with the first folded byte given.
fn begins_obviously(value: &[u8], first: Option<u8>) -> bool {
    let bracketed = value.len() > 2 && value.starts_with(b"<") && value.ends_with(b">");
    let starts = |prefix: &&str| {
        prefix.bytes().next() == first && folded(value).take(prefix.len()).eq(prefix.bytes())
    };
    bracketed
        || is_among(first, const { first_letters(&PREFIXES) }) && PREFIXES.iter().any(starts)
        || is_instruction(value)
}

/// `your-api-key`, `INSERT_KEY_HERE`, `todo: set`: a leading word, then nothing but words. What
/// mixes digits or cases within a word was generated.
fn is_instruction(value: &[u8]) -> bool {
    let first = value.iter().find(|byte| byte.is_ascii_alphanumeric());
    if !is_among(first.map(u8::to_ascii_lowercase), const { first_letters(&LEADING) }) {
        return false;
    }
    let mut words = value.split(|byte| !byte.is_ascii_alphanumeric()).filter(|w| !w.is_empty());
    let Some(first) = words.next() else { return false };
    if !LEADING.iter().any(|lead| first.eq_ignore_ascii_case(lead.as_bytes())) {
        return false;
    }
    let mut some = false;
    words.all(|word| {
        some = true;
        is_plain_word(word)
    }) && some
}

/// Digits, or letters that are all lower, all upper, or capitalised.
fn is_plain_word(word: &[u8]) -> bool {
    let tail = word.get(1..).unwrap_or_default();
    word.len() <= 16
        && (word.iter().all(u8::is_ascii_digit)
            || word.iter().all(u8::is_ascii_uppercase)
            || word.iter().all(u8::is_ascii_alphabetic) && tail.iter().all(u8::is_ascii_lowercase))
}

/// Whether one token of at most 16 bytes is repeated: `xxxx`, `abcabc`, `...`. The last one may
/// be cut.
pub fn is_repetition(value: &[u8]) -> bool {
    let Some((first, tail)) = value.split_first() else { return false };
    // Where the token begins anew its first byte stands again. Most values are done by one look
    // at sixteen bytes together.
    if let Some(next) = tail.first_chunk::<16>()
        && !next.iter().fold(false, |any, byte| any | (byte == first))
    {
        return false;
    }
    let again = tail.iter().take(16.min(value.len() / 2)).enumerate();
    value.len() >= 3
        && again.filter(|&(_, byte)| byte == first).any(|(at, _)| {
            value.iter().zip(value.iter().skip(at + 1)).all(|(one, other)| one == other)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_known_in_any_case_and_with_any_separator() {
        for text in [
            "changeme",
            "CHANGE_ME",
            "Change-Me",
            "change me",
            "change_me_to_a_long_random_string_of_32_bytes",
            "ChangeMe123!",
            "your-secret-key",
            "YOUR_API_KEY",
            "your-256-bit-secret",
            "yoursecretkeyhere",
            "[your-jwt-secret]",
            "replace-with-a-real-secret",
            "REPLACE_ME",
            "insert-key-here",
            "TODO: set me",
            "todo",
            "<jwt-secret>",
            "<generated by openssl>",
            "example",
            "secret",
            "super-secret",
            "password",
            "changeit",
            "xxxx",
            "XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX",
            "abcabc",
            "secretsecretsecretsec",
            "...",
            "********",
            "please-change-me",
            "change_in_production",
            "put-your-key-here",
            "sk-...",
            "sk-your-key-here",
            "sk-xxxxxxxxxxxxxxxx",
            "sk-proj-changeme",
        ] {
            assert!(is_placeholder(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn no_word_is_longer_than_said() {
        assert_eq!(WORDS.iter().map(|word| word.len()).max(), Some(LONGEST));
        assert!(WORDS.iter().all(|word| folds_to(word.as_bytes(), word)));
    }

    #[test]
    fn text_that_only_holds_such_words_is_no_placeholder() {
        for text in [
            "db.example.com",
            "https://example.com/secret",
            "postgres://nexis:Zx8vQ2@db.example.com/example",
            "my example secret of last tuesday",
            "not-changeme-but-close",
            "correct-horse-battery-staple",
            "yourXq7Lm2Zp9Rt4Vw6Yb8Nc0Kd3Fg5Hj1",
            "your-Xq7Lm2Zp9Rt4Vw6Yb8Nc0Kd3Fg5Hj1",
            "todoXq7Lm2Zp9Rt4Vw6Yb8Nc0",
            "insert",
            "your",
            "ab",
            "abcabd",
            "sk-Xq7Lm2Zp9Rt4Vw6Yb8Nc0Kd3",
            "secr\u{e9}t",
            "",
            "<Xq7Lm2Zp9Rt4Vw6Yb8Nc0Kd3",
            "Xq7Lm2Zp9Rt4Vw6Yb8Nc0Kd3>",
            "<>",
            "admin7",
            "your-qwzxplmkvbtrshgdf",
            "your-kEy",
            "your-3abc",
            "abcab",
        ] {
            assert!(!is_placeholder(text.as_bytes()), "{text}");
        }
    }
}
