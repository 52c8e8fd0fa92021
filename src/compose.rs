//! Values composed from other rows by a contract's template.
//!
//! Each part is percent-encoded for its place (RFC 3986 sections 2 and 3), so that a password
//! with `@ : / ? # %` stays a password. Only unreserved characters stay as they are: what a place
//! would allow beyond them, some driver's parser does not.

use crate::contract::builtin;
use crate::contract::model::{Contract, Place, Row, RowId, Segment, Template};
use crate::secret::Secret;
use crate::url::is_unreserved;
use crate::validate::flag;
use std::net::Ipv6Addr;
use zeroize::Zeroizing;

/// A part's value, as resolved.
#[derive(Clone, Copy)]
pub struct Found<'a> {
    /// The bytes; not blank.
    pub value: &'a [u8],
    /// Whether it is the contract's default: nobody set it.
    pub is_default: bool,
}

/// Where parts are looked up; `None` for an absent one.
pub type Lookup<'f, 'a> = &'f dyn Fn(RowId) -> Option<Found<'a>>;

/// Composes the value, or names the absent parts: those that are needed, and those without which
/// a part that somebody did set would be dropped with its group.
///
/// Every part is looked at, so the list is complete; it holds no row twice.
pub fn render<'a>(template: &Template, lookup: Lookup<'_, 'a>) -> Result<Secret, Vec<RowId>> {
    let mut writer = Writer {
        lookup,
        // Large enough for the usual case, so that growing leaves no copy behind.
        text: Zeroizing::new(Vec::with_capacity(3 * size(&template.segments, lookup))),
        absent: Vec::new(),
    };
    for segment in template.segments {
        writer.write(segment);
    }
    if writer.absent.is_empty() {
        Ok(Secret::new(std::mem::take(&mut *writer.text)))
    } else {
        Err(writer.absent)
    }
}

/// The template as it may be shown: the scheme, the parts' names and the punctuation between them.
/// Any other text of the contract could be a password, wherever it stands, and is left out; not
/// that of the built-in contract, which everybody has.
pub fn shown(contract: &Contract, template: &Template) -> String {
    let is_public = |row: &Row| row.template.is_some_and(|known| known.text == template.text);
    if !template.text.is_empty() && builtin::CONTRACT.rows.iter().any(is_public) {
        return template.text.to_owned();
    }
    let mut text = String::with_capacity(template.text.len());
    let mut segments = template.segments.0;
    let after = segments.get(1);
    match segments.first() {
        Some(Segment::Literal(literal)) => {
            let scheme = literal.split_once("://").map_or("", |(scheme, _)| scheme);
            if scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)) {
                text.push_str(scheme);
                show_literal(literal.get(scheme.len()..).unwrap_or_default(), &mut text);
                segments = segments.get(1..).unwrap_or_default();
            }
        }
        Some(&Segment::Switch(id, yes, no)) if matches!(after, Some(Segment::Literal(it)) if it.starts_with("://")) =>
        {
            let name = contract.row(id).name;
            text.extend(["{", name, "?", yes, ":", no, "}"]);
            segments = segments.get(1..).unwrap_or_default();
        }
        _ => {}
    }
    show(contract, segments, &mut text);
    text
}

fn show(contract: &Contract, segments: &[Segment], text: &mut String) {
    for segment in segments {
        match *segment {
            Segment::Literal(literal) => show_literal(literal, text),
            Segment::Part(id, _) => text.extend(["{", contract.row(id).name, "}"]),
            Segment::Switch(id, ..) => {
                text.extend(["{", contract.row(id).name, "?", REDACTED, "}"]);
            }
            Segment::Group(inner) => {
                text.push('[');
                show(contract, &inner, text);
                text.push(']');
            }
        }
    }
}

/// What stands for a text that is left out.
const REDACTED: &str = "[redacted]";

/// The punctuation at both ends of a text, as much as a URL has in one place.
fn show_literal(literal: &str, text: &mut String) {
    const MOST: usize = 3;
    let is_inner =
        |c: char| !matches!(c, ':' | '/' | '?' | '#' | '@' | '&' | '=' | ';' | ',' | ' ');
    let begin = literal.find(is_inner).unwrap_or(literal.len());
    if begin == literal.len() && begin <= MOST {
        return text.push_str(literal);
    }
    let end = literal.trim_end_matches(|c| !is_inner(c)).len();
    text.push_str(literal.get(..begin.min(MOST)).unwrap_or_default());
    text.push_str(REDACTED);
    // Of punctuation alone both ends are the same text.
    let end = end.max(begin).max(literal.len().saturating_sub(MOST));
    text.push_str(literal.get(end..).unwrap_or_default());
}

/// At least a third of the bytes that the segments can render to, brackets included.
fn size(segments: &[Segment], lookup: Lookup<'_, '_>) -> usize {
    segments
        .iter()
        .map(|segment| match *segment {
            Segment::Literal(text) => text.len(),
            Segment::Part(id, _) => lookup(id).map_or(0, |found| found.value.len() + 1),
            Segment::Switch(_, yes, no) => yes.len().max(no.len()),
            Segment::Group(inner) => size(&inner, lookup),
        })
        .sum()
}

struct Writer<'f, 'a> {
    lookup: Lookup<'f, 'a>,
    text: Zeroizing<Vec<u8>>,
    absent: Vec<RowId>,
}

impl Writer<'_, '_> {
    fn need(&mut self, id: RowId) {
        if !self.absent.contains(&id) {
            self.absent.push(id);
        }
    }

    fn write(&mut self, segment: &Segment) {
        match *segment {
            Segment::Literal(text) => self.text.extend_from_slice(text.as_bytes()),
            Segment::Part(id, place) => match (self.lookup)(id) {
                Some(found) => encode(&mut self.text, found.value, place),
                None => self.need(id),
            },
            Segment::Switch(id, yes, no) => {
                let on = (self.lookup)(id).and_then(|found| flag::parse(found.value));
                let text = if on == Some(true) { yes } else { no };
                self.text.extend_from_slice(text.as_bytes());
            }
            Segment::Group(inner) if self.is_kept(&inner) => {
                for segment in inner {
                    self.write(segment);
                }
            }
            Segment::Group(inner) => {
                // Dropping what somebody set would be another value than the one asked for.
                if self.holds_set(&inner) {
                    for segment in inner {
                        match *segment {
                            Segment::Part(id, _) if (self.lookup)(id).is_none() => self.need(id),
                            _ => {}
                        }
                    }
                }
            }
        }
    }

    /// Whether the group stays: all parts directly in it are present, and where it has groups
    /// and no parts, one of those stays.
    fn is_kept(&self, inner: &[Segment]) -> bool {
        let (mut own, mut groups, mut kept) = (false, false, false);
        for segment in inner {
            match *segment {
                Segment::Literal(_) => {}
                Segment::Switch(..) => own = true,
                Segment::Part(id, _) => {
                    own = true;
                    if (self.lookup)(id).is_none() {
                        return false;
                    }
                }
                Segment::Group(inner) => {
                    groups = true;
                    kept |= self.is_kept(&inner);
                }
            }
        }
        own || !groups || kept
    }

    /// Whether some part in the group, at any depth, was set by somebody.
    fn holds_set(&self, inner: &[Segment]) -> bool {
        inner.iter().any(|segment| match *segment {
            Segment::Part(id, _) => (self.lookup)(id).is_some_and(|found| !found.is_default),
            Segment::Group(inner) => self.holds_set(&inner),
            Segment::Literal(_) | Segment::Switch(..) => false,
        })
    }
}

fn encode(text: &mut Vec<u8>, value: &[u8], place: Place) {
    let stays: fn(u8) -> bool = match place {
        Place::Verbatim => return text.extend_from_slice(value),
        Place::Host if is_ipv6(value) => {
            text.push(b'[');
            text.extend_from_slice(value);
            text.push(b']');
            return;
        }
        Place::Host if is_bracketed_ipv6(value) => return text.extend_from_slice(value),
        // A scheme knows no escapes; with one the URL is refused, which is better than a value
        // that takes the place of the host.
        Place::Scheme => |b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'),
        Place::Port => |b| b.is_ascii_digit(),
        Place::UserInfo | Place::Host | Place::PathSegment | Place::QueryValue => is_unreserved,
    };
    for &byte in value {
        if stays(byte) {
            text.push(byte);
        } else {
            let digit = |nibble: u8| nibble + if nibble < 10 { b'0' } else { b'A' - 10 };
            text.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

fn is_ipv6(value: &[u8]) -> bool {
    std::str::from_utf8(value).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok())
}

fn is_bracketed_ipv6(value: &[u8]) -> bool {
    value.strip_prefix(b"[").and_then(|value| value.strip_suffix(b"]")).is_some_and(is_ipv6)
}

#[cfg(test)]
mod tests;
