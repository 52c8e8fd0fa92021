//! Whether a text holds a secret, in any of the forms it may have taken on its way there.
//!
//! No form is made beforehand: the text is read as hexadecimal, base64 and percent-encoding and
//! compared with the needle's bytes, so no further copy of a secret comes into being. An index of
//! the forms' first eight bytes makes a text without a needle cost one pass, however many
//! needles there are.

mod essence;
pub mod stream;

use crate::secret::Secret;
use std::borrow::Cow;
use std::cell::OnceCell;

/// Values and sub-secrets of fewer bytes are not looked for (interface section 1).
pub const LEAST: usize = 8;

/// Values that must not be shown, with their names.
pub struct Needles {
    needles: Vec<Needle>,
    /// The length of the shortest value. No form is shorter than its value.
    shortest: usize,
    /// Of the values as they are; made when the first text is searched.
    raw: OnceCell<Index>,
    /// Of all forms; made when the first text comes that is able to hold an encoded one.
    all: OnceCell<Index>,
}

struct Needle {
    name: Cow<'static, str>,
    value: Secret,
}

/// A form whose first bytes are indexed.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Raw,
    Hex,
    /// From this bit of the value on.
    Base64(u8),
}

/// In base64 of a longer text, after 0, 1 or 2 bytes of others, the first digit that is the
/// value's alone begins at its bit 0, 4 or 2.
const FORMS: [Form; 5] = [Form::Raw, Form::Hex, Form::Base64(0), Form::Base64(4), Form::Base64(2)];

/// Chains of forms by the hash of their first eight bytes. It holds hashes alone.
struct Index {
    /// The first entry of each chain; the length is a power of two.
    heads: Vec<u32>,
    entries: Vec<Entry>,
    /// By the hash of three folded bytes: how far the search may move on where these end the eight
    /// bytes it looks at (Wu and Manber, 1994). 0 where they end some form's first eight,
    /// [`SKIP`] where they stand in none. With it a search reads every fifth byte or so, which
    /// costs 2 instructions a byte of text where hashing each eight bytes took 15.
    near: Vec<u8>,
}

struct Entry {
    hash: u32,
    needle: u32,
    form: Form,
    next: u32,
}

/// How many bytes a search moves on from three that stand in no form's first eight.
const SKIP: u8 = LEAST as u8 - 2;

/// The end of a chain.
const NONE: u32 = u32::MAX;

/// Letters as lower case and the second base64 alphabet as the first, so that one pass over a
/// text serves all forms. What is found by it is compared exactly.
const FOLD: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0u8;
    loop {
        // An index outside the constant's table would not compile.
        #[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
        {
            table[byte as usize] = match byte {
                b'-' => b'+',
                b'_' => b'/',
                _ => byte.to_ascii_lowercase(),
            };
        }
        if byte == u8::MAX {
            break table;
        }
        byte += 1;
    }
};

fn fold(byte: u8) -> u8 {
    FOLD.get(usize::from(byte)).copied().unwrap_or(byte)
}

/// The last eight folded bytes, as a number.
fn roll(key: u64, byte: u8) -> u64 {
    key << 8 | u64::from(fold(byte))
}

/// The digits of hexadecimal and base64, folded.
const HEX_DIGITS: [u8; 16] = *b"0123456789abcdef";
const BASE64_DIGITS: [u8; 64] =
    *b"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The upper half of a product with 2^64 divided by the golden ratio (Knuth, volume 3, 6.4).
fn hash(key: u64) -> u32 {
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
}

impl Index {
    fn new(needles: &[Needle], forms: &[Form]) -> Index {
        let count = needles.len() * forms.len();
        let mut heads = vec![NONE; (4 * count).next_power_of_two()];
        let mut entries = Vec::with_capacity(count);
        // Few slots are taken by the six places of each form.
        let mut near = vec![SKIP; (64 * count).next_power_of_two().min(1 << 16)];
        for (needle, at) in needles.iter().zip(0u32..) {
            for &form in forms {
                let start = form.start(needle.value.expose());
                for from_end in 0..SKIP {
                    let block = (start >> (8 * from_end)) as u32;
                    if let Some(known) = Index::block(block, &near).and_then(|at| near.get_mut(at))
                    {
                        *known = (*known).min(from_end);
                    }
                }
                let hash = hash(start);
                let Some(head) = Index::slot(hash, heads.len()).and_then(|at| heads.get_mut(at))
                else {
                    continue;
                };
                let Ok(place) = u32::try_from(entries.len()) else { continue };
                entries.push(Entry { hash, needle: at, form, next: *head });
                *head = place;
            }
        }
        Index { heads, entries, near }
    }

    /// The slot of three folded bytes, the lower ones of `block`.
    fn block(block: u32, near: &[u8]) -> Option<usize> {
        let hash = (block & 0xff_ffff).wrapping_mul(0x9e37_79b1) >> 16;
        Some(hash as usize & near.len().checked_sub(1)?)
    }

    /// How far a search may move on from a window of the text; 0 where a form may begin with it.
    fn skip(&self, window: &[u8; LEAST]) -> usize {
        let [.., one, two, three] = *window;
        let fold = |byte: u8| u32::from(fold(byte));
        let block = fold(one) << 16 | fold(two) << 8 | fold(three);
        let near = Index::block(block, &self.near).and_then(|at| self.near.get(at));
        usize::from(near.copied().unwrap_or(0))
    }

    fn slot(hash: u32, heads: usize) -> Option<usize> {
        Some(hash as usize & heads.checked_sub(1)?)
    }

    /// The entries of this hash.
    fn chain(&self, hash: u32) -> impl Iterator<Item = &Entry> {
        let head = Index::slot(hash, self.heads.len()).and_then(|at| self.heads.get(at));
        let entry = |at: u32| self.entries.get(at as usize);
        std::iter::successors(entry(head.copied().unwrap_or(NONE)), move |last| entry(last.next))
            .filter(move |entry| entry.hash == hash)
    }
}

impl Default for Needles {
    fn default() -> Self {
        Needles::new()
    }
}

impl Form {
    /// The form's first eight bytes, folded. Every form of eight bytes has as many.
    fn start(self, value: &[u8]) -> u64 {
        // As one number the first eight bytes give the digits of every form by shifting.
        let Some(bytes) = value.first_chunk::<LEAST>() else { return 0 };
        let word = u64::from_be_bytes(*bytes);
        let digits = |width: u32, skip: u8, digits: &[u8]| {
            let mut rest = word << skip;
            (0..LEAST).fold(0, |key, _| {
                let digit = digits.get((rest >> (64 - width)) as usize).copied();
                rest <<= width;
                key << 8 | u64::from(digit.unwrap_or_default())
            })
        };
        match self {
            Form::Raw => bytes.iter().fold(0, |key, &byte| roll(key, byte)),
            Form::Hex => digits(4, 0, &HEX_DIGITS),
            Form::Base64(skip) => digits(6, skip, &BASE64_DIGITS),
        }
    }

    /// Whether `text` begins with this form of the value.
    fn begins(self, text: &[u8], value: &[u8]) -> bool {
        match self {
            Form::Raw => text.starts_with(value),
            Form::Hex => begins_with_hex(text, value),
            Form::Base64(skip) => begins_with_base64(text, value, usize::from(skip)),
        }
    }
}

impl Needles {
    /// No needle.
    pub const fn new() -> Self {
        Needles {
            needles: Vec::new(),
            shortest: usize::MAX,
            raw: OnceCell::new(),
            all: OnceCell::new(),
        }
    }

    /// Adds a value under a name that may be shown, such as `DATABASE_URL#password`. One of fewer
    /// than 8 bytes is passed over.
    pub fn add(&mut self, name: impl Into<Cow<'static, str>>, value: &[u8]) {
        let name = name.into();
        for piece in essence::pieces(value) {
            self.push(name.clone(), piece);
        }
        self.push(name, essence::of(value));
    }

    fn push(&mut self, name: Cow<'static, str>, value: &[u8]) {
        if value.len() >= LEAST {
            self.raw.take();
            self.all.take();
            self.shortest = self.shortest.min(value.len());
            self.needles.push(Needle { name, value: Secret::new(value.to_vec()) });
        }
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.needles.is_empty()
    }

    /// The name of a needle that the text holds: raw, in hexadecimal, base64 (either alphabet,
    /// any alignment) or percent-encoded, digits of either case.
    pub fn find(&self, text: &[u8]) -> Option<&str> {
        if text.len() < self.shortest {
            return None;
        }
        // In hexadecimal or base64 a value is a run of at least four digits for three of its bytes,
        // less what shares a digit with its neighbours. Names, most paths and sentences have none,
        // and then four fifths of the index need not be made.
        let run = (self.shortest.saturating_mul(8) - 4) / 6;
        let index = if has_run(text, run) {
            self.all.get_or_init(|| Index::new(&self.needles, &FORMS))
        } else {
            self.raw_index()
        };
        self.find_form(index, text).or_else(|| self.find_percent(text))
    }

    fn raw_index(&self) -> &Index {
        self.raw.get_or_init(|| Index::new(&self.needles, &[Form::Raw]))
    }

    /// The name of a needle that the text holds as it is.
    pub fn find_raw(&self, text: &[u8]) -> Option<&str> {
        if text.len() < self.shortest {
            return None;
        }
        self.find_form(self.raw_index(), text)
    }

    fn find_form(&self, index: &Index, text: &[u8]) -> Option<&str> {
        let mut rest = text;
        while let Some(window) = rest.first_chunk() {
            let mut skip = index.skip(window);
            if skip == 0 {
                let key = window.iter().fold(0, |key, &byte| roll(key, byte));
                for entry in index.chain(hash(key)) {
                    let needle = self.needles.get(entry.needle as usize)?;
                    if entry.form.begins(rest, needle.value.expose()) {
                        return Some(&needle.name);
                    }
                }
                skip = 1;
            }
            rest = rest.get(skip..)?;
        }
        None
    }

    /// Encoders differ in what they escape, so there is no form to index: each needle is looked
    /// for in turn, in the rare text that has an escape.
    fn find_percent(&self, text: &[u8]) -> Option<&str> {
        // Without a branch, for sixteen bytes at a time.
        let hit = |byte: u8| u8::from(byte == b'%') | u8::from(byte == b'+');
        if text.iter().fold(0, |any, &byte| any | hit(byte)) == 0 {
            return None;
        }
        let percent = text.contains(&b'%');
        let holds = |needle: &&Needle| {
            let value = needle.value.expose();
            (percent || value.contains(&b' ')) && contains_percent(text, value)
        };
        self.needles.iter().find(holds).map(|needle| &*needle.name)
    }
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn begins_with_hex(text: &[u8], value: &[u8]) -> bool {
    text.len() >= 2 * value.len()
        && value.iter().zip(text.as_chunks::<2>().0).all(|(&byte, &[high, low])| {
            digit(high) == Some(byte >> 4) && digit(low) == Some(byte & 15)
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

/// Which bytes are digits of base64 in either alphabet.
const IS_DIGIT: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0u8;
    loop {
        // An index outside the constant's table would not compile.
        #[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
        {
            table[byte as usize] = sextet(byte).is_some();
        }
        if byte == u8::MAX {
            break table;
        }
        byte += 1;
    }
};

/// Whether the text has a run of at least `length` digits of base64 in either alphabet, which
/// those of hexadecimal are too. A run covers one of every `length` bytes, so few are looked at.
fn has_run(text: &[u8], length: usize) -> bool {
    let is_digit = |byte: &&u8| IS_DIGIT.get(usize::from(**byte)) == Some(&true);
    let Some(before) = length.checked_sub(1) else { return true };
    let mut at = before;
    while let (Some(head), Some(tail)) = (text.get(..at), text.get(at..)) {
        let after = tail.iter().take_while(is_digit).count();
        if after > 0 && after + head.iter().rev().take_while(is_digit).count() >= length {
            return true;
        }
        if tail.is_empty() {
            return false;
        }
        // The byte that ended the run is in none.
        at += after + length;
    }
    false
}

/// The six bits of `value` from this bit on.
fn bits(value: &[u8], from: usize) -> u8 {
    let byte = |at: usize| u16::from(value.get(at).copied().unwrap_or_default());
    let pair = byte(from / 8) << 8 | byte(from / 8 + 1);
    u8::try_from(pair >> (10 - from % 8) & 0x3f).unwrap_or_default()
}

/// Digits at the value's edges that share bits with its neighbours are not compared.
fn begins_with_base64(text: &[u8], value: &[u8], skip: usize) -> bool {
    let count = (value.len() * 8 - skip) / 6;
    let same = |(at, &byte): (usize, &u8)| sextet(byte) == Some(bits(value, skip + 6 * at));
    text.len() >= count && text.iter().take(count).enumerate().all(same)
}

/// Each byte as it is or escaped, since encoders differ in what they escape; a space also as `+`.
fn contains_percent(text: &[u8], value: &[u8]) -> bool {
    text.windows(value.len().max(1)).enumerate().any(|(at, _)| {
        let mut rest = text.get(at..).unwrap_or_default();
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

#[cfg(test)]
mod tests;
