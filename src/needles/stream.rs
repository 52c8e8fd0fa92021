//! The same search over streams of any length: every occurrence of every value with its place and
//! form, for whoever looks through files and for whoever rewrites what passes by.
//!
//! A text comes in pieces, and a value may stand across any border. [`Engine::search`] says how
//! many of the last bytes may be the beginning of one; they are searched again with what follows,
//! and nothing else is kept.

mod escape;
mod escaped;
pub mod mask;

use super::{FORMS, Form, Index, LEAST, Needles, bits, digit, hash, roll, sextet};
use escaped::Escaped;
use memchr::{memchr_iter, memchr2_iter, memchr3_iter};

/// How much is read at a time.
const PIECE: usize = 1 << 20;
/// A search moves on by at most the window's length less two, and a longer one pays less and less.
const LONGEST_WINDOW: usize = 16;
/// No escape takes as many bytes.
const LONGEST_ESCAPE: usize = 32;
/// The slots of [`Engine::near`]: every number of sixteen bits is one.
const SLOTS: usize = 1 << 16;

/// The form in which a value stands somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Encoding {
    /// As it is.
    Raw,
    /// Hexadecimal digits of either case.
    Hex,
    /// Base64 (RFC 4648 section 4) at any alignment.
    Base64,
    /// Base64 of the alphabet for URLs (RFC 4648 section 5).
    Base64Url,
    /// Some of its bytes percent-encoded (RFC 3986 section 2.1), or a space as `+`.
    Percent,
    /// Some of its characters escaped as in JSON strings (RFC 8259 section 7).
    Json,
    /// Some of its characters escaped as shells do, in `$'…'`, by backslashes or as `'\''`.
    Shell,
}

impl Encoding {
    /// All of them.
    pub const ALL: [Encoding; 7] = [
        Encoding::Raw,
        Encoding::Hex,
        Encoding::Base64,
        Encoding::Base64Url,
        Encoding::Percent,
        Encoding::Json,
        Encoding::Shell,
    ];

    /// The word in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Encoding::Raw => "raw",
            Encoding::Hex => "hex",
            Encoding::Base64 => "base64",
            Encoding::Base64Url => "base64url",
            Encoding::Percent => "percent",
            Encoding::Json => "json",
            Encoding::Shell => "shell",
        }
    }
}

/// An occurrence of a value in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// Where its first byte is.
    pub start: usize,
    /// Which value, for [`Engine::names`].
    pub needle: usize,
    /// Where the first byte after it is.
    pub end: usize,
    /// Its form.
    pub encoding: Encoding,
}

/// All forms of all values, ready to search streams.
pub struct Engine<'a> {
    needles: &'a Needles,
    /// Of each needle the first one with the same value.
    twins: Vec<usize>,
    /// The chains of the fixed forms.
    index: Index,
    /// By the hash of three bytes: how far a window that ends with them may move on, 0 where a
    /// form may begin with it. Unlike the index's own table it is of unfolded bytes, which spares
    /// three look-ups a window.
    near: Box<[u8; SLOTS]>,
    /// The length of the windows. No form is shorter.
    window: usize,
    starts: Vec<Start>,
    escaped: Escaped,
    /// The most bytes that any form takes.
    longest: usize,
    /// The most bytes of a value.
    longest_value: usize,
}

/// The bytes that a form of a value may begin with.
struct Start {
    needle: usize,
    /// None: with any of its characters escaped.
    form: Option<Form>,
    bytes: Box<[u8]>,
}

impl Form {
    /// How many bytes of text the form of a value of this length takes.
    fn length(self, value: usize) -> usize {
        match self {
            Form::Raw => value,
            Form::Hex => 2 * value,
            Form::Base64(skip) => (8 * value).saturating_sub(usize::from(skip)) / 6,
        }
    }

    /// Whether `byte` is right at this place of the form.
    fn fits(self, value: &[u8], at: usize, byte: u8) -> bool {
        match self {
            Form::Raw => value.get(at) == Some(&byte),
            Form::Hex => digit(byte) == Some(bits_of_four(value, at)),
            Form::Base64(skip) => sextet(byte) == Some(bits(value, usize::from(skip) + 6 * at)),
        }
    }

    /// The form of what begins `text`.
    fn encoding(self, text: &[u8]) -> Encoding {
        match self {
            Form::Raw => Encoding::Raw,
            Form::Hex => Encoding::Hex,
            Form::Base64(_) if text.iter().any(|byte| matches!(byte, b'-' | b'_')) => {
                Encoding::Base64Url
            }
            Form::Base64(_) => Encoding::Base64,
        }
    }
}

fn bits_of_four(value: &[u8], at: usize) -> u8 {
    let byte = value.get(at / 2).copied().unwrap_or_default();
    if at.is_multiple_of(2) { byte >> 4 } else { byte & 15 }
}

/// The slot of three bytes, the upper ones of a word.
fn slot(word: u32) -> usize {
    ((word >> 8).wrapping_mul(0x9e37_79b1) >> 16) as usize
}

impl<'a> Engine<'a> {
    /// Makes the tables.
    pub fn new(needles: &'a Needles) -> Self {
        let values = || needles.needles.iter().map(|needle| needle.value.expose());
        let twin = |value: &[u8]| values().position(|other| other == value).unwrap_or_default();
        let window = needles.shortest.clamp(LEAST, LONGEST_WINDOW);
        let mut engine = Engine {
            needles,
            twins: values().map(twin).collect(),
            index: Index::new(&needles.needles, &FORMS),
            near: Box::new([u8::try_from(window - 2).unwrap_or_default(); SLOTS]),
            window,
            starts: Vec::new(),
            escaped: Escaped::new(),
            longest: 0,
            longest_value: 0,
        };
        for (at, value) in values().enumerate() {
            if engine.twins.get(at) != Some(&at) {
                continue;
            }
            for form in FORMS {
                engine.add(at, value, form);
            }
            engine.escaped.add(at, value);
            let bytes = escaped::beginnings(value);
            engine.starts.push(Start { needle: at, form: None, bytes });
            engine.longest = engine.longest.max(escaped::longest(value));
            engine.longest_value = engine.longest_value.max(value.len());
        }
        engine.escaped.finish();
        engine
    }

    fn add(&mut self, needle: usize, value: &[u8], form: Form) {
        let spellings = |at: usize| (0..=u8::MAX).filter(move |&byte| form.fits(value, at, byte));
        self.starts.push(Start { needle, form: Some(form), bytes: spellings(0).collect() });
        for at in 0..self.window - 2 {
            let shift = u8::try_from(self.window - 3 - at).unwrap_or_default();
            for (one, two) in
                spellings(at).flat_map(|one| spellings(at + 1).map(move |two| (one, two)))
            {
                for three in spellings(at + 2) {
                    let place = slot(u32::from_le_bytes([0, one, two, three]));
                    if let Some(near) = self.near.get_mut(place) {
                        *near = shift.min(*near);
                    }
                }
            }
        }
    }

    /// The names of a needle's value, which may be that of several.
    pub fn names(&self, needle: usize) -> impl Iterator<Item = &'a str> {
        let twins = self.needles.needles.iter().zip(&self.twins);
        twins.filter(move |(_, twin)| **twin == needle).map(|(needle, _)| &*needle.name)
    }

    /// The names of all needles, each once, sorted.
    pub fn all_names(&self) -> Vec<&'a str> {
        let mut names: Vec<&str> =
            self.needles.needles.iter().map(|needle| &*needle.name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Finds every occurrence that begins before the bytes to keep, in the order of their places,
    /// and says how many of the last bytes these are: what begins there may go on behind the
    /// text. The next text has to begin with them. With `last` nothing follows, and none are kept.
    ///
    /// An occurrence may reach into the bytes that are kept, and two may overlap. One place is
    /// reported once for each value, up to where it ends first.
    pub fn search(&self, text: &[u8], last: bool, hits: &mut Vec<Hit>) -> usize {
        hits.clear();
        if self.needles.is_empty() {
            return 0;
        }
        self.fixed(text, hits);
        let value = |needle: usize| self.value(needle);
        self.escaped.search(text, last, value, hits);
        let keep = if last { 0 } else { self.open_end(text) };
        let decided = text.len() - keep;
        hits.retain(|hit| hit.start < decided);
        hits.sort_unstable();
        hits.dedup_by_key(|hit| (hit.start, hit.needle));
        keep
    }

    fn value(&self, needle: usize) -> &'a [u8] {
        let found = self.needles.needles.get(needle);
        found.map(|needle| needle.value.expose()).unwrap_or_default()
    }

    /// The forms whose beginning is fixed.
    fn fixed(&self, text: &[u8], hits: &mut Vec<Hit>) {
        let (before, far) = (self.window - 4, self.window - 2);
        let mut at = 0;
        while let Some(four) = text.get(at + before..).and_then(<[u8]>::first_chunk::<4>) {
            let near = self.near.get(slot(u32::from_le_bytes(*four))).copied().unwrap_or_default();
            let near = usize::from(near);
            if near == far {
                // By a constant, so that the processor need not wait for the table.
                at += far;
            } else if near > 0 {
                at += near;
            } else {
                self.candidates(text, at, hits);
                at += 1;
            }
        }
    }

    #[inline(never)]
    fn candidates(&self, text: &[u8], at: usize, hits: &mut Vec<Hit>) {
        let Some(rest) = text.get(at..) else { return };
        let Some(window) = rest.first_chunk::<LEAST>() else { return };
        let key = window.iter().fold(0, |key, &byte| roll(key, byte));
        for entry in self.index.chain(hash(key)) {
            let needle = entry.needle as usize;
            let value = self.value(needle);
            if self.twins.get(needle) == Some(&needle) && entry.form.begins(rest, value) {
                let length = entry.form.length(value.len());
                let encoding = entry.form.encoding(rest.get(..length).unwrap_or_default());
                hits.push(Hit { start: at, end: at + length, needle, encoding });
            }
        }
    }

    /// How many of the last bytes may be the beginning of a form.
    fn open_end(&self, text: &[u8]) -> usize {
        let mut back = text.iter().rev().take(self.longest_value + LONGEST_ESCAPE);
        let escape = back.position(|byte| self.escaped.is_begin(*byte));
        let mut keep = 0;
        for Start { needle, form, bytes } in &self.starts {
            let value = self.value(*needle);
            let longest = match form {
                Some(form) => form.length(value.len()),
                // Without an escape near the end, what is open is so as it is.
                None if escape.is_none_or(|at| at > value.len() + LONGEST_ESCAPE) => continue,
                None => escaped::longest(value),
            };
            // Only what keeps more than is kept already.
            let from = text.len().saturating_sub(longest.saturating_sub(1));
            let Some(places) = text.get(from..text.len() - keep) else { continue };
            let is_open = |at: &usize| {
                let tail = text.get(from + at..).unwrap_or_default();
                match form {
                    Some(form) => {
                        tail.iter().enumerate().all(|(at, &byte)| form.fits(value, at, byte))
                    }
                    None => escaped::is_open(tail, value),
                }
            };
            let open = match **bytes {
                [one] => memchr_iter(one, places).find(is_open),
                [one, two] => memchr2_iter(one, two, places).find(is_open),
                [one, two, three] => memchr3_iter(one, two, three, places).find(is_open),
                _ => {
                    let begins = |at: &usize| places.get(*at).is_some_and(|it| bytes.contains(it));
                    (0..places.len()).filter(begins).find(is_open)
                }
            };
            keep = open.map_or(keep, |at| text.len() - from - at);
        }
        keep
    }
}

/// A text that comes in pieces: what is kept of each, and the place of all.
pub struct Stream<'e> {
    engine: &'e Engine<'e>,
    /// What is kept, and behind it the piece that is read into.
    buffer: Vec<u8>,
    /// How many bytes at the beginning of `buffer` are decided and may go.
    decided: usize,
    /// How many bytes of `buffer` are the text's.
    filled: usize,
    /// Where in the whole text `buffer` begins.
    offset: u64,
    hits: Vec<Hit>,
}

/// What a piece brought.
pub struct Round<'s> {
    /// The text that is decided: no value begins in it but those of `hits`.
    pub decided: &'s [u8],
    /// Where in the whole text it begins.
    pub offset: u64,
    /// The values that begin in it, their places counted from `offset`; one may reach beyond it.
    pub hits: &'s [Hit],
}

impl<'e> Stream<'e> {
    /// The beginning of a text.
    pub fn new(engine: &'e Engine<'e>) -> Self {
        Stream { engine, buffer: Vec::new(), decided: 0, filled: 0, offset: 0, hits: Vec::new() }
    }

    /// The beginning of another text, in the same memory.
    pub fn restart(&mut self) {
        (self.decided, self.filled, self.offset) = (0, 0, 0);
    }

    /// Where to read the next piece into.
    pub fn space(&mut self) -> &mut [u8] {
        self.buffer.copy_within(self.decided..self.filled, 0);
        self.filled -= self.decided;
        self.offset += self.decided as u64;
        self.decided = 0;
        let wanted = self.filled + PIECE;
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        }
        self.buffer.get_mut(self.filled..).unwrap_or_default()
    }

    /// Searches on, after `count` bytes were read into the space. With `last` nothing follows.
    pub fn advance(&mut self, count: usize, last: bool) -> Round<'_> {
        self.filled = (self.filled + count).min(self.buffer.len());
        let text = self.buffer.get(..self.filled).unwrap_or_default();
        let keep = self.engine.search(text, last, &mut self.hits);
        self.decided = self.filled - keep;
        Round {
            decided: text.get(..self.decided).unwrap_or_default(),
            offset: self.offset,
            hits: &self.hits,
        }
    }
}

#[cfg(test)]
mod escape_tests;
#[cfg(test)]
mod tests;
