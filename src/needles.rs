//! Whether a text holds a secret, in any of the forms it may have taken on its way there.
//!
//! Nothing is encoded beforehand: the text is read as hexadecimal, base64 and percent-encoding
//! and compared with the needle's bytes, so no further copy of a secret comes into being and a
//! text without one costs a pass over its bytes.

use crate::secret::Secret;
use std::borrow::Cow;

/// Values and sub-secrets of fewer bytes are not looked for (interface section 1).
pub const LEAST: usize = 8;

/// Values that must not be shown, with their names.
#[derive(Default)]
pub struct Needles {
    needles: Vec<Needle>,
}

struct Needle {
    name: Cow<'static, str>,
    value: Secret,
}

/// What of a text can hold an encoded needle at all.
struct Shape {
    /// The longest run of bytes of either base64 alphabet, hexadecimal digits included.
    run: usize,
    /// Whether there is a `%`.
    percent: bool,
}

impl Needles {
    /// No needle.
    pub const fn new() -> Self {
        Needles { needles: Vec::new() }
    }

    /// Adds a value under a name that may be shown, such as `DATABASE_URL#password`. One of fewer
    /// than 8 bytes is passed over.
    pub fn add(&mut self, name: impl Into<Cow<'static, str>>, value: &[u8]) {
        if value.len() >= LEAST {
            self.needles.push(Needle { name: name.into(), value: Secret::new(value.to_vec()) });
        }
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.needles.is_empty()
    }

    /// The name of the first needle that the text holds: raw, in hexadecimal, base64 (either
    /// alphabet, any alignment) or percent-encoded, any letters of an escape in either case.
    pub fn find(&self, text: &[u8]) -> Option<&str> {
        if self.needles.is_empty() || text.len() < LEAST {
            return None;
        }
        let shape = Shape::of(text);
        let holds = |needle: &&Needle| needle.is_in(text, &shape);
        self.needles.iter().find(holds).map(|needle| &*needle.name)
    }

    /// The name of the first needle that the text holds as it is.
    pub fn find_raw(&self, text: &[u8]) -> Option<&str> {
        let holds = |needle: &&Needle| contains(text, needle.value.expose());
        self.needles.iter().find(holds).map(|needle| &*needle.name)
    }
}

impl Shape {
    fn of(text: &[u8]) -> Shape {
        let (mut run, mut longest, mut percent) = (0usize, 0usize, false);
        for &byte in text {
            run = if sextet(byte).is_some() { run + 1 } else { 0 };
            longest = longest.max(run);
            percent |= byte == b'%';
        }
        Shape { run: longest, percent }
    }
}

impl Needle {
    fn is_in(&self, text: &[u8], shape: &Shape) -> bool {
        let value = self.value.expose();
        contains(text, value)
            || shape.run >= 2 * value.len() && contains_hex(text, value)
            || shape.run >= sextets(value, 4) && contains_base64(text, value)
            || shape.percent && contains_percent(text, value)
    }
}

/// Whether `text` holds `value`. Finding the first byte is what the standard library does fast.
fn contains(text: &[u8], value: &[u8]) -> bool {
    let Some((&first, tail)) = value.split_first() else { return true };
    let mut rest = text;
    while rest.len() >= value.len() {
        let Some(at) = rest.iter().position(|&byte| byte == first) else { return false };
        rest = rest.get(at + 1..).unwrap_or_default();
        if rest.starts_with(tail) {
            return true;
        }
    }
    false
}

/// Whether some place of `text` matches, `matches` being asked of each rest.
fn any_rest(text: &[u8], least: usize, matches: impl Fn(&[u8]) -> bool) -> bool {
    text.windows(least.max(1)).enumerate().any(|(at, _)| text.get(at..).is_some_and(&matches))
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn contains_hex(text: &[u8], value: &[u8]) -> bool {
    any_rest(text, 2 * value.len(), |rest| {
        value.iter().zip(rest.as_chunks::<2>().0).all(|(&byte, &[high, low])| {
            digit(high) == Some(byte >> 4) && digit(low) == Some(byte & 15)
        })
    })
}

/// The value of a base64 digit of either alphabet (RFC 4648 sections 4 and 5).
const fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

/// How many whole base64 digits the value fills after its first `skip` bits.
fn sextets(value: &[u8], skip: usize) -> usize {
    (value.len() * 8 - skip) / 6
}

/// The six bits of `value` from this bit on.
fn bits(value: &[u8], from: usize) -> u8 {
    let byte = |at: usize| u16::from(value.get(at).copied().unwrap_or_default());
    let pair = byte(from / 8) << 8 | byte(from / 8 + 1);
    u8::try_from(pair >> (10 - from % 8) & 0x3f).unwrap_or_default()
}

/// Base64 of a longer text that holds the value: after 0, 1 or 2 bytes of others the first digit
/// that is the value's alone begins at its bit 0, 4 or 2. Digits at the edges that share bits
/// with neighbours are not compared.
fn contains_base64(text: &[u8], value: &[u8]) -> bool {
    [0, 4, 2].into_iter().any(|skip| {
        let count = sextets(value, skip);
        any_rest(text, count, |rest| {
            rest.iter()
                .take(count)
                .enumerate()
                .all(|(at, &byte)| sextet(byte) == Some(bits(value, skip + 6 * at)))
        })
    })
}

/// Each byte as it is or escaped, since encoders differ in what they escape; a space also as `+`.
fn contains_percent(text: &[u8], value: &[u8]) -> bool {
    any_rest(text, value.len(), |rest| {
        let mut rest = rest;
        value.iter().all(|&wanted| {
            let escaped = match *rest {
                [b'%', high, low, ..] => {
                    digit(high) == Some(wanted >> 4) && digit(low) == Some(wanted & 15)
                }
                _ => false,
            };
            let fits = |&byte: &u8| byte == wanted || byte == b'+' && wanted == b' ';
            let taken = if escaped { 3 } else { usize::from(rest.first().is_some_and(fits)) };
            rest = rest.get(taken..).unwrap_or_default();
            taken > 0
        })
    })
}
