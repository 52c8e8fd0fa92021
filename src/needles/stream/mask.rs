//! A stream with every form of every value replaced by `[redacted:NAME]`.
//!
//! What cannot be the beginning of a form is ready at once; the rest is held back until it is
//! known to be none, or the stream ends. Where forms overlap, each that reaches further than those
//! before it leaves its mark.
//!
//! Base64 of a value among other bytes has digits at the value's edges that carry bits of both.
//! They stay, with the value's bits cleared: nothing of the value is left, and nothing else lost.

use super::super::{begins_with_base64, bits, sextet};
use super::{Encoding, Engine, Form, Hit};
use std::cmp::Reverse;
use zeroize::Zeroize;

/// How much is read at a time: as much as `cat` reads, more does not fit the nearest caches.
const PIECE: usize = 128 * 1024;
/// The digits whose two lowest bits are clear or whose two highest are: both alphabets agree.
const DIGITS: [u8; 64] = *b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// Of the digit before the first one that is the value's alone, how many bits are the value's.
const OUTER: [u8; 2] = [4, 2];

/// A stream on its way through.
pub struct Masker<'e> {
    engine: &'e Engine<'e>,
    /// What is held back, and behind it what is read next.
    buffer: Vec<u8>,
    /// How many bytes of `buffer` are the stream's.
    filled: usize,
    /// The most that it was.
    most_filled: usize,
    /// How many of them are decided, and ready or passed on.
    decided: usize,
    /// Up to here all is passed on or stands in a form that has its mark.
    covered: usize,
    /// What the digit there has of the value before it.
    edge: Option<Edge>,
    hits: Vec<Hit>,
    /// What is ready, where it is not what came.
    changed: Vec<u8>,
    /// Whether `changed` is what is ready.
    is_changed: bool,
    /// How much of what is ready was taken.
    taken: usize,
}

/// The bits of a value that a digit behind it begins with.
#[derive(Clone, Copy)]
struct Edge {
    count: u8,
    bits: u8,
}

/// A digit with only these bits left.
fn keep_bits(digit: u8, mask: u8) -> u8 {
    let left = sextet(digit).map(|six| six & mask);
    left.and_then(|six| DIGITS.get(usize::from(six))).copied().unwrap_or(digit)
}

impl Edge {
    fn is_in(self, digit: u8) -> bool {
        sextet(digit).is_some_and(|six| six >> (6 - self.count) == self.bits)
    }
}

impl<'e> Masker<'e> {
    /// The beginning of a stream.
    pub fn new(engine: &'e Engine<'e>) -> Self {
        Masker {
            engine,
            // Never more than a form is held back, and the digit before it, so the memory that
            // values pass through is one piece.
            buffer: vec![0; PIECE + engine.longest + 1],
            filled: 0,
            most_filled: 0,
            decided: 0,
            covered: 0,
            edge: None,
            hits: Vec::new(),
            changed: Vec::new(),
            is_changed: false,
            taken: 0,
        }
    }

    /// Where to read what comes next. What is ready should have been taken before.
    pub fn space(&mut self) -> &mut [u8] {
        self.buffer.copy_within(self.decided..self.filled, 0);
        self.filled -= self.decided;
        self.covered = self.covered.saturating_sub(self.decided);
        (self.decided, self.taken, self.is_changed) = (0, 0, false);
        self.buffer.get_mut(self.filled..).unwrap_or_default()
    }

    /// Goes on after `count` bytes were read into the space. With `last` nothing follows.
    pub fn advance(&mut self, count: usize, last: bool) {
        self.filled = (self.filled + count).min(self.buffer.len());
        self.most_filled = self.most_filled.max(self.filled);
        let text = self.buffer.get(..self.filled).unwrap_or_default();
        let keep = self.engine.search(text, last, &mut self.hits);
        self.decided = self.filled - keep;
        let reached = self.hits.iter().map(|hit| hit.end).max().unwrap_or(0).max(self.covered);
        if !last && reached < self.decided && self.may_be_outer(text) {
            self.decided -= 1;
        }
        if reached == 0 && self.edge.is_none() {
            // Nothing to replace: what came is passed on from where it was read to.
            self.covered = self.decided;
        } else {
            self.replace();
        }
    }

    /// What may be passed on.
    pub fn ready(&self) -> &[u8] {
        let all = if self.is_changed { self.changed.as_slice() } else { self.decided_as_it_came() };
        all.get(self.taken..).unwrap_or_default()
    }

    /// Takes so many bytes of what is ready off.
    pub fn take(&mut self, count: usize) {
        self.taken += count;
    }

    fn decided_as_it_came(&self) -> &[u8] {
        self.buffer.get(..self.decided).unwrap_or_default()
    }

    /// Puts together what is decided, with the marks.
    fn replace(&mut self) {
        self.is_changed = true;
        self.changed.clear();
        self.hits.sort_unstable_by_key(|hit| (hit.start, Reverse(hit.end)));
        for at in 0..self.hits.len() {
            let Some(&hit) = self.hits.get(at) else { break };
            if hit.end <= self.covered {
                // It is gone already; if it ends there, its bits may be more than the other's.
                if hit.end == self.covered {
                    self.edge = self.edge_behind(hit, self.edge);
                }
                continue;
            }
            if hit.start >= self.covered {
                self.show(hit.start, self.outer_bits(hit));
            }
            self.changed.extend_from_slice(b"[redacted:");
            let name = self.engine.names(hit.needle).next().unwrap_or_default();
            self.changed.extend_from_slice(name.as_bytes());
            self.changed.push(b']');
            self.covered = hit.end;
            self.edge = self.edge_behind(hit, None);
        }
        if self.covered < self.decided {
            self.show(self.decided, 0);
        }
    }

    /// Shows the text from what is covered up to here, the edge's bits cleared from its first byte
    /// and so many bits of the value behind it from its last.
    fn show(&mut self, to: usize, outer: u8) {
        let text = self.buffer.get(self.covered..to).unwrap_or_default();
        let begin = self.changed.len();
        self.changed.extend_from_slice(text);
        let edge = self.edge.take();
        if let (Some(edge), Some(first)) = (edge, self.changed.get_mut(begin))
            && edge.is_in(*first)
        {
            *first = keep_bits(*first, 0x3f >> edge.count);
        }
        if let (1.., Some(last)) = (text.len(), self.changed.last_mut()) {
            *last = if outer == 0 { *last } else { keep_bits(*last, 0x3f << outer & 0x3f) };
        }
        self.covered = to;
    }

    /// The alignments at which the hit is the value's base64; several only of a value that repeats
    /// itself.
    fn alignments(&self, hit: Hit) -> impl Iterator<Item = u8> {
        let is_base64 = matches!(hit.encoding, Encoding::Base64 | Encoding::Base64Url);
        let text = self.buffer.get(hit.start..self.filled).unwrap_or_default();
        let value = self.engine.value(hit.needle);
        let all = [0, 4, 2].into_iter().filter(move |_| is_base64);
        all.filter(move |skip| begins_with_base64(text, value, usize::from(*skip)))
    }

    /// How many bits of the hit's value the byte before it ends with.
    fn outer_bits(&self, hit: Hit) -> u8 {
        let value = self.engine.value(hit.needle);
        let before = hit.start.checked_sub(1).and_then(|at| self.buffer.get(at));
        let Some(six) = before.and_then(|byte| sextet(*byte)) else { return 0 };
        let has = |skip: &u8| *skip > 0 && is_outer(six, value, *skip);
        self.alignments(hit).filter(has).max().unwrap_or(0)
    }

    /// What a digit behind the hit begins with, or what was known of it where that is more.
    fn edge_behind(&self, hit: Hit, known: Option<Edge>) -> Option<Edge> {
        let value = self.engine.value(hit.needle);
        let edges = self.alignments(hit).filter_map(|skip| {
            let all = 8 * value.len();
            let count = u8::try_from((all - usize::from(skip)) % 6).ok().filter(|it| *it > 0)?;
            Some(Edge { count, bits: bits(value, all - usize::from(count)) >> (6 - count) })
        });
        edges.chain(known).max_by_key(|edge| edge.count)
    }

    /// Whether the last byte that is decided may be the digit before base64 that begins behind it.
    fn may_be_outer(&self, text: &[u8]) -> bool {
        let Some((before, tail)) = text.split_at_checked(self.decided) else { return false };
        let Some(six) = before.last().and_then(|byte| sextet(*byte)) else { return false };
        (0..self.engine.twins.len()).any(|needle| {
            let value = self.engine.value(needle);
            OUTER.into_iter().any(|skip| {
                let fits = |(at, &byte): (usize, &u8)| Form::Base64(skip).fits(value, at, byte);
                is_outer(six, value, skip)
                    && tail
                        .iter()
                        .take(Form::Base64(skip).length(value.len()))
                        .enumerate()
                        .all(fits)
            })
        })
    }
}

/// Whether a digit ends with the first bits of the value.
fn is_outer(six: u8, value: &[u8], count: u8) -> bool {
    value.first().is_some_and(|first| six & ((1 << count) - 1) == first >> (8 - count))
}

impl Drop for Masker<'_> {
    fn drop(&mut self) {
        self.buffer.truncate(self.most_filled);
        self.buffer.zeroize();
    }
}

#[cfg(test)]
mod tests;
