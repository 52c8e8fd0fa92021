//! Values of which any characters are escaped: percent-encoding, JSON's and shells' escapes.
//!
//! What writes them differs in what it escapes, so there is no form to index. But every occurrence
//! has a first escape, and all before it stands as it is: escapes are looked for, and around each
//! the text is compared with the values that have what it stands for.

use super::escape::{MOST_BACKSLASHES, PERCENT, SHELL, units};
use super::{Encoding, Hit, digit};
use memchr::{memchr2_iter, memchr3_iter};

/// A quote as `'"'"'` with as many backslashes before either `"` is the longest escape of a byte.
const LONGEST: usize = 2 * MOST_BACKSLASHES + 5;

/// How many beginnings are remembered at least before those too far back are let go.
const MOST_TRIED: usize = 64;

/// The bytes that begin an escape.
const BEGIN: [u8; 4] = *b"%\\+'";

/// The most bytes that an escaped form of the value takes.
pub(super) fn longest(value: &[u8]) -> usize {
    LONGEST * value.len()
}

/// What is known of all values together, to pass over nearly all escapes at once.
pub(super) struct Escaped {
    /// By byte: the values it stands in, and where.
    places: Vec<Vec<Stand>>,
    /// The pairs of bytes that stand in a value, a bit for each.
    pairs: Vec<u64>,
    /// The first and the last bytes of values.
    first: [bool; 256],
    last: [bool; 256],
    /// The bytes that make, behind a backslash, what may stand for some byte of a value.
    behind_backslash: [bool; 256],
}

/// Where a byte stands in a value.
#[derive(Clone, Copy)]
struct Stand {
    needle: usize,
    place: usize,
    /// Up to four bytes before it, the nearest lowest, and which of the four there are. Of the places
    /// of one byte in a long value these rule out nearly all.
    before: u32,
    mask: u32,
}

/// The last four bytes of a text, the last one lowest; zeroes where there are fewer.
fn last_four(text: &[u8]) -> u32 {
    text.iter().rev().zip([0, 8, 16, 24]).fold(0, |all, (&byte, at)| all | u32::from(byte) << at)
}

/// What comes of reading a text as a value.
#[derive(Debug, PartialEq)]
pub(super) enum Reading {
    /// It begins with the value: this many bytes, these kinds of escapes.
    Whole(usize, u8),
    /// It ends before that is known.
    Cut,
    /// It does not.
    Not,
}

fn at<T>(list: &[T], byte: u8) -> Option<&T> {
    list.get(usize::from(byte))
}

impl Escaped {
    pub(super) fn new() -> Self {
        Escaped {
            places: vec![Vec::new(); 256],
            pairs: vec![0; 1024],
            first: [false; 256],
            last: [false; 256],
            behind_backslash: [false; 256],
        }
    }

    pub(super) fn add(&mut self, needle: usize, value: &[u8]) {
        let mut mark = |flags: fn(&mut Self) -> &mut [bool; 256], byte: Option<&u8>| {
            if let Some(flag) = byte.and_then(|byte| flags(self).get_mut(usize::from(*byte))) {
                *flag = true;
            }
        };
        mark(|all| &mut all.first, value.first());
        mark(|all| &mut all.last, value.last());
        for (place, &byte) in value.iter().enumerate() {
            if let Some(list) = self.places.get_mut(usize::from(byte)) {
                let before = last_four(value.get(..place).unwrap_or_default());
                let missing = 4u32.saturating_sub(u32::try_from(place).unwrap_or(u32::MAX));
                let mask = u32::MAX.checked_shr(8 * missing).unwrap_or(0);
                list.push(Stand { needle, place, before, mask });
            }
        }
        for (&one, &two) in value.iter().zip(value.iter().skip(1)) {
            let pair = usize::from(u16::from_be_bytes([one, two]));
            if let Some(word) = self.pairs.get_mut(pair / 64) {
                *word |= 1 << (pair % 64);
            }
        }
    }

    /// Prepares the search, after the last value was added.
    pub(super) fn finish(&mut self) {
        for byte in 0..=u8::MAX {
            let found = units(&[b'\\', byte], true);
            let mut meant = found.units.iter().take(found.count);
            let may_mean = found.cut || meant.any(|unit| self.stands(unit.bytes[0]));
            if let Some(known) = self.behind_backslash.get_mut(usize::from(byte)) {
                *known = may_mean;
            }
        }
    }

    /// Whether the escape that begins a text may stand for some byte of a value. Nearly none does,
    /// and this is known from its first bytes.
    fn may_mean(&self, text: &[u8]) -> bool {
        match *text {
            [b'%', high, low, ..] => match (digit(high), digit(low)) {
                (Some(high), Some(low)) => self.stands(high << 4 | low),
                _ => false,
            },
            [b'\\', next, ..] => at(&self.behind_backslash, next) == Some(&true),
            _ => true,
        }
    }

    /// Whether escapes begin with the byte that some value has use for.
    pub(super) fn is_begin(&self, byte: u8) -> bool {
        match byte {
            b'+' => self.stands(b' '),
            b'\'' => self.stands(b'\''),
            _ => matches!(byte, b'%' | b'\\'),
        }
    }

    fn stands(&self, byte: u8) -> bool {
        at(&self.places, byte).is_some_and(|places| !places.is_empty())
    }

    fn is_pair(&self, one: u8, two: u8) -> bool {
        let pair = usize::from(u16::from_be_bytes([one, two]));
        self.pairs.get(pair / 64).is_some_and(|word| word >> (pair % 64) & 1 == 1)
    }

    /// Finds every occurrence with an escape that ends within the text. With `last` nothing
    /// follows the text.
    pub(super) fn search<'a>(
        &self,
        text: &[u8],
        last: bool,
        value: impl Fn(usize) -> &'a [u8],
        hits: &mut Vec<Hit>,
    ) {
        let mut tried = Vec::new();
        let mut look = |at| {
            if text.get(at..).is_some_and(|rest| self.may_mean(rest)) {
                self.around(text, at, last, &value, &mut tried, hits);
            }
        };
        // Quotes and pluses are common, and mostly no value has what they could stand for.
        match (self.stands(b' '), self.stands(b'\'')) {
            (false, false) => memchr2_iter(b'%', b'\\', text).for_each(look),
            (true, false) => memchr3_iter(b'%', b'\\', b'+', text).for_each(look),
            (plus, true) => {
                memchr3_iter(b'%', b'\\', b'\'', text).for_each(&mut look);
                if plus {
                    memchr2_iter(b'+', b'+', text).for_each(look);
                }
            }
        }
    }

    /// Looks for occurrences whose first escape stands at `place`. Many escapes can be the first of
    /// one, where the value has escapes itself: each beginning is tried once.
    fn around<'a>(
        &self,
        text: &[u8],
        place: usize,
        last: bool,
        value: &impl Fn(usize) -> &'a [u8],
        tried: &mut Vec<(usize, usize)>,
        hits: &mut Vec<Hit>,
    ) {
        let Some((before, rest)) = text.split_at_checked(place) else { return };
        let found = units(rest, !last);
        for unit in found.units.iter().take(found.count) {
            let Some(meant) = unit.bytes.get(..unit.count) else { continue };
            let after = rest.get(unit.length..).unwrap_or_default();
            if !self.is_plausible(before, meant, after) {
                continue;
            }
            let places = meant.first().and_then(|&byte| at(&self.places, byte));
            let four = last_four(before);
            for stand in places.into_iter().flatten() {
                if four & stand.mask != stand.before {
                    continue;
                }
                let (needle, before_it) = (stand.needle, stand.place);
                let whole = value(needle);
                let Some((head, tail)) = whole.split_at_checked(before_it) else { continue };
                if !tail.starts_with(meant) || !before.ends_with(head) {
                    continue;
                }
                let start = place - before_it;
                if tried.contains(&(start, needle)) {
                    continue;
                }
                if tried.len() >= MOST_TRIED {
                    tried.retain(|(start, needle)| start + value(*needle).len() > place);
                }
                tried.push((start, needle));
                // Up to the first escape there is only one way to read it.
                let same = head.iter().take_while(|byte| !BEGIN.contains(byte)).count();
                let (Some(text), Some(value)) = (text.get(start + same..), whole.get(same..))
                else {
                    continue;
                };
                if let Reading::Whole(length, kinds @ 1..) = read(text, value, last) {
                    let encoding = match kinds {
                        _ if kinds & PERCENT != 0 => Encoding::Percent,
                        _ if kinds & SHELL != 0 => Encoding::Shell,
                        _ => Encoding::Json,
                    };
                    hits.push(Hit { start, needle, end: start + same + length, encoding });
                }
            }
        }
    }

    /// Whether some value has what the escape stands for between what stands around it.
    fn is_plausible(&self, before: &[u8], meant: &[u8], after: &[u8]) -> bool {
        let (Some(&first), Some(&last)) = (meant.first(), meant.last()) else { return false };
        self.stands(first)
            && (at(&self.first, first) == Some(&true)
                || before.last().is_some_and(|&byte| self.is_pair(byte, first)))
            && (at(&self.last, last) == Some(&true)
                || after
                    .first()
                    .is_none_or(|byte| BEGIN.contains(byte) || self.is_pair(last, *byte)))
    }
}

/// The bytes that the value with any of its characters escaped may begin with.
pub(super) fn beginnings(value: &[u8]) -> Box<[u8]> {
    let first = value.first().copied().unwrap_or_default();
    let escapes = BEGIN.into_iter().filter(|&byte| match byte {
        b'+' => first == b' ',
        b'\'' => first == b'\'',
        _ => true,
    });
    let mut all: Vec<u8> = escapes.chain([first]).collect();
    all.sort_unstable();
    all.dedup();
    all.into()
}

/// Whether all of `text` is the beginning of `value` with any of its characters escaped.
pub(super) fn is_open(text: &[u8], value: &[u8]) -> bool {
    if text.len() >= longest(value) {
        return false;
    }
    // Up to the first escape there is only one way to read it.
    let is_same = |(one, other): &(&u8, &u8)| one == other && !BEGIN.contains(one);
    let same = text.iter().zip(value).take_while(is_same).count();
    match (text.get(same..), value.get(same..)) {
        (Some([]), Some([_, ..])) => true,
        (Some(text @ [byte, ..]), Some(value @ [wanted, ..])) if BEGIN.contains(byte) => {
            let found = units(text, true);
            let mut meant = found.units.iter().take(found.count);
            let may_be = found.cut || byte == wanted || meant.any(|it| it.bytes[0] == *wanted);
            may_be && matches!(read(text, value, false), Reading::Cut)
        }
        _ => false,
    }
}

/// Reads `text` as `value`, of which any characters may be escaped. With `last` nothing follows the
/// text.
///
/// An escape of the text can be characters of the value as well (`%25` of a value that has just
/// that), so several places of the text can be reached with the same part of the value; all of
/// them are followed, each once.
pub(super) fn read(text: &[u8], value: &[u8], last: bool) -> Reading {
    // What an escape of four bytes reaches is four places ahead.
    let mut reached = [const { Vec::new() }; 5];
    let mut cut = false;
    let [first, ..] = &mut reached;
    first.push((0, 0));
    let mut here: Vec<(usize, u8)> = Vec::new();
    for (at, &wanted) in value.iter().enumerate() {
        here.clear();
        if let Some(list) = reached.get_mut(at % 5) {
            std::mem::swap(&mut here, list);
        }
        here.sort_unstable();
        here.dedup_by_key(|known| known.0);
        if here.is_empty() && reached.iter().all(Vec::is_empty) {
            return if cut { Reading::Cut } else { Reading::Not };
        }
        let mut reach = |count: usize, place: usize, kinds: u8| {
            if let Some(list) = reached.get_mut((at + count) % 5) {
                list.push((place, kinds));
            }
        };
        for &(place, kinds) in &here {
            let rest = text.get(place..).unwrap_or_default();
            let Some(&byte) = rest.first() else {
                cut = true;
                continue;
            };
            if byte == wanted {
                reach(1, place + 1, kinds);
            }
            if BEGIN.contains(&byte) {
                let found = units(rest, !last);
                cut |= found.cut;
                for unit in found.units.iter().take(found.count) {
                    let meant = unit.bytes.get(..unit.count).unwrap_or_default();
                    if value.get(at..).is_some_and(|value| value.starts_with(meant)) {
                        reach(unit.count, place + unit.length, kinds | unit.kind);
                    }
                }
            }
        }
    }
    let end = reached.get(value.len() % 5).and_then(|list| list.iter().min());
    match end {
        Some(&(length, kinds)) => Reading::Whole(length, kinds),
        None if cut => Reading::Cut,
        None => Reading::Not,
    }
}
