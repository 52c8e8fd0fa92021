//! The manifests in a line of any log: bare, behind what log tools put before it, as a value inside
//! other JSON, or as a string in JSON (docker's json-file, journalctl -o json, log stores).

use super::record::{Record, Strings};
use memchr::{memchr_iter, memmem, memrchr};
use serde::Deserialize;
use serde_json::{Deserializer, Value};
use std::collections::BTreeMap;

/// What every manifest's `schema` begins with.
const SCHEMA: &[u8] = b"nexis-launch/manifest/";
/// The version that is understood.
const VERSION: &[u8] = b"v1";
/// The same in JSON whose writer escapes slashes, or inside a string.
const ESCAPED: &[u8] = b"nexis-launch\\";
/// What names it. Inside a string there is a backslash before the quote that ends it.
const NAME: &[u8] = b"\"schema\"";
/// What every manifest begins with, and how much of it no other line ends with.
const BEGIN: &[u8] = b"{\"schema\":\"nexis-launch/manifest/";
const LEAST_BEGIN: usize = 12;
/// The name of a journal's message.
const MESSAGE: &[u8] = b"\"MESSAGE\"";
/// What stands in a manifest alone, with the word to look for first: in the record of every variable
/// that a program got, and behind all of them.
const PARTS: [(&[u8], &[u8]); 2] = [
    (b"delivered", b"\"state\":\"delivered\",\"secret\":"),
    (b"inherited", b"\"inherited\":{\"count\":"),
];
/// JSON in JSON is followed so far.
const DEPTH: usize = 6;
/// Where so many braces of a line begin no JSON, none does.
const TRIES: usize = 64;

/// Looks for manifests in lines.
pub(super) struct Finder {
    schema: memmem::Finder<'static>,
    escaped: memmem::Finder<'static>,
}

/// What a line was found to hold.
pub(super) enum Seen<'l> {
    /// A record.
    Record(&'l Record<'l>),
    /// Something that says it is one, and cannot be read: cut off, or of another version.
    Damaged,
}

impl Finder {
    pub(super) fn new() -> Self {
        Finder { schema: memmem::Finder::new(SCHEMA), escaped: memmem::Finder::new(ESCAPED) }
    }

    /// The place of the first thing in the text that could be a manifest's schema.
    fn mark(&self, text: &[u8]) -> Option<usize> {
        let is_schema = |at: &usize| {
            let rest = text.get(at + ESCAPED.len()..).unwrap_or_default();
            let slashes = rest.iter().take_while(|byte| **byte == b'\\').count();
            rest.get(slashes..).is_some_and(|rest| rest.starts_with(b"/manifest"))
        };
        let escaped = || self.escaped.find_iter(text).find(is_schema);
        self.schema.find(text).or_else(escaped)
    }

    /// Calls `each` for every manifest in the line.
    pub(super) fn look(&self, line: &[u8], each: &mut dyn FnMut(Seen<'_>)) {
        let message = message(line);
        let line = message.as_deref().unwrap_or(line);
        // A log that was cut begins with the rest of a record, which says of nobody what it is, and
        // ends with the beginning of one.
        if !self.look_in(line, DEPTH, each) && (is_rest(line) || is_beginning(line)) {
            each(Seen::Damaged);
        }
    }

    /// The same in a text at this depth; says whether there was one.
    fn look_in(&self, text: &[u8], depth: usize, each: &mut dyn FnMut(Seen<'_>)) -> bool {
        let mut rest = text;
        let mut found = false;
        while let Some(mark) = self.mark(rest) {
            let Some(length) = self.first(rest, mark, depth, each) else {
                if claims(rest, mark) {
                    each(Seen::Damaged);
                    found = true;
                }
                // Perhaps another one behind it can be read.
                let Some(after) = rest.get(mark + ESCAPED.len()..) else { break };
                rest = after;
                continue;
            };
            found = true;
            rest = rest.get(length..).unwrap_or_default();
        }
        found
    }

    /// Reads the JSON around a mark, and says where it ends.
    fn first(
        &self,
        text: &[u8],
        mark: usize,
        depth: usize,
        each: &mut dyn FnMut(Seen<'_>),
    ) -> Option<usize> {
        // The launcher's own records begin with the schema.
        let before = text.get(..mark)?;
        if let Some(begin) = memrchr(b'{', before)
            && let Some(length) = bare(text.get(begin..)?, each)
        {
            return Some(begin + length);
        }
        let depth = depth.checked_sub(1)?;
        // All of a string can be a string of JSON again.
        let quoted = before.first().filter(|byte| **byte == b'"').map(|_| 0);
        quoted.into_iter().chain(memchr_iter(b'{', before)).take(TRIES).find_map(|begin| {
            let inside = text.get(begin..)?;
            let mut json = Deserializer::from_slice(inside).into_iter::<Strings>();
            let Strings(mut strings) = json.next()?.ok()?;
            let length = json.byte_offset();
            let json = inside.get(..length)?;
            // A value of its own, with its names in another order. What its strings say, a label
            // or a host's name, is no record.
            let mut found = false;
            if memmem::find(json, NAME).is_some()
                && let Ok(value) = serde_json::from_slice::<Value>(json)
            {
                let mut said = BTreeMap::new();
                found = nested(&value, &mut said, each);
                strings.retain(|string| !take(&mut said, string));
            }
            for string in &strings {
                found |= self.look_in(string.as_bytes(), depth, each);
            }
            (found && begin + length > mark).then_some(begin + length)
        })
    }
}

/// The message of a journal's entry that is no text to it, as one with an escape in it: the bytes as
/// numbers (systemd's Journal JSON Format).
fn message(line: &[u8]) -> Option<Vec<u8>> {
    let rest = line.get(memmem::find(line, MESSAGE)? + MESSAGE.len()..)?;
    let list = rest.trim_ascii_start().strip_prefix(b":")?;
    Deserializer::from_slice(list).into_iter::<Vec<u8>>().next()?.ok()
}

/// Whether a text without a schema has what only a manifest has, at any depth of JSON in JSON.
fn is_rest(text: &[u8]) -> bool {
    PARTS.iter().any(|(word, part)| {
        memmem::find_iter(text, word).any(|at| {
            let around =
                text.get(at.saturating_sub(32)..text.len().min(at + 48)).unwrap_or_default();
            let around: Vec<u8> =
                around.iter().copied().filter(|byte| !b"\\ ".contains(byte)).collect();
            memmem::find(&around, part).is_some()
        })
    })
}

/// Whether a text ends before the schema that begins there is named.
fn is_beginning(text: &[u8]) -> bool {
    let text = text.trim_ascii_end();
    (LEAST_BEGIN..=BEGIN.len())
        .any(|length| BEGIN.get(..length).is_some_and(|it| text.ends_with(it)))
}

/// Reads a record at the beginning of a text, and says how long it is.
fn bare(text: &[u8], each: &mut dyn FnMut(Seen<'_>)) -> Option<usize> {
    let mut json = Deserializer::from_slice(text).into_iter::<Record<'_>>();
    let record = json.next()?.ok()?;
    let length = json.byte_offset();
    tell(&record, each).then_some(length)
}

/// How often records say a string.
type Said<'v> = BTreeMap<&'v str, usize>;

/// Reads the records among the objects of a value, and puts their strings into `said`.
fn nested<'v>(value: &'v Value, said: &mut Said<'v>, each: &mut dyn FnMut(Seen<'_>)) -> bool {
    let mut found = false;
    match value {
        Value::Object(object) => {
            let record = object.contains_key("schema").then(|| Record::deserialize(value));
            if let Some(Ok(record)) = record
                && tell(&record, each)
            {
                gather(value, said);
                return true;
            }
            object.values().for_each(|value| found |= nested(value, said, each));
        }
        Value::Array(list) => list.iter().for_each(|value| found |= nested(value, said, each)),
        _ => {}
    }
    found
}

/// Puts all strings of a value into `said`.
fn gather<'v>(value: &'v Value, said: &mut Said<'v>) {
    match value {
        Value::String(text) => *said.entry(text).or_default() += 1,
        Value::Array(list) => list.iter().for_each(|value| gather(value, said)),
        Value::Object(object) => object.values().for_each(|value| gather(value, said)),
        _ => {}
    }
}

/// Takes a string out once, and says whether it was there.
fn take(said: &mut Said<'_>, string: &str) -> bool {
    let left = said.get_mut(string).filter(|left| **left > 0);
    left.map(|left| *left -= 1).is_some()
}

fn tell(record: &Record<'_>, each: &mut dyn FnMut(Seen<'_>)) -> bool {
    match record.schema.as_bytes().strip_prefix(SCHEMA) {
        Some(VERSION) => each(Seen::Record(record)),
        Some(_) => each(Seen::Damaged),
        None => return false,
    }
    true
}

/// Whether what stands before a mark makes it a record's schema rather than a mere mention.
fn claims(line: &[u8], mark: usize) -> bool {
    let before = line.get(..mark).unwrap_or_default();
    let is_between = |byte: &u8| b"\\\": ".contains(byte);
    let between = before.iter().rev().take_while(|byte| is_between(byte)).count();
    between > 0 && before.get(..mark - between).is_some_and(|name| name.ends_with(b"schema"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The launches of a line's records, `!` for what is damaged.
    fn launches(line: &str) -> Vec<String> {
        let mut found = Vec::new();
        Finder::new().look(line.as_bytes(), &mut |seen| {
            found.push(match seen {
                Seen::Record(record) => record.launch.to_string(),
                Seen::Damaged => "!".to_owned(),
            });
        });
        found
    }

    fn record(launch: &str) -> String {
        format!(
            r#"{{"schema":"nexis-launch/manifest/v1","launch":"{launch}","labels":{{"a":"{{\"b"}}}}"#
        )
    }

    fn quoted(text: &str) -> String {
        Value::from(text).to_string()
    }

    #[test]
    fn records_are_found_in_whatever_is_around_them() {
        let (one, two) = (record("1"), record("2"));
        let escaped = one.replace('/', "\\/");
        for (line, expected) in [
            (one.clone(), &["1"][..]),
            (format!("Nov 25 19:00:01 host gateway[7]: {one}"), &["1"]),
            (format!("2026-11-25T19:00:01.5Z stderr F {one}"), &["1"]),
            (format!("[pod/a {{x}}] {one} trailing {{"), &["1"]),
            (format!("{one}{two}"), &["1", "2"]),
            (format!(r#"{{"log":{},"stream":"stderr"}}"#, quoted(&format!("{one}\n"))), &["1"]),
            (format!(r#"{{"MESSAGE":{}}}"#, quoted(&quoted(&one))), &["1"]),
            (format!(r#"{{"MESSAGE":{:?}}}"#, one.as_bytes()), &["1"]),
            (format!(r#"{{ "MESSAGE" : {:?} }}"#, one.as_bytes()), &["1"]),
            (format!(r#"prefix {{"a":{{"kubernetes":{{}},"log":{one}}}}}"#), &["1"]),
            (format!(r#"[{{"m":{}}},{{"m":{}}}]"#, quoted(&one), quoted(&two)), &["1", "2"]),
            (r#"{"launch":"3","schema":"nexis-launch/manifest/v1"}"#.to_owned(), &["3"]),
            (r#"{ "schema" : "nexis-launch/manifest/v1", "launch" : "4" }"#.to_owned(), &["4"]),
            (
                // Labels and names of hosts say what they like.
                format!(
                    r#"{{"labels":{{"a":{},"b":{}}},"launch":"5","schema":"nexis-launch/manifest/v1"}}"#,
                    quoted(&two),
                    quoted(&two[..two.len() - 9])
                ),
                &["5"],
            ),
            (
                format!(
                    r#"[{{"launch":"6","schema":"nexis-launch/manifest/v1"}},{{"m":{}}}]"#,
                    quoted(&two)
                ),
                &["6", "2"],
            ),
            (escaped.clone(), &["1"]),
            (format!(r#"{{"log":{}}}"#, quoted(&escaped)), &["1"]),
        ] {
            assert_eq!(launches(&line), expected, "{line}");
        }
    }

    #[test]
    fn what_is_no_record_is_passed_over_and_what_claims_to_be_one_is_damaged() {
        let whole = record("1");
        for (line, expected) in [
            ("", &[][..]),
            ("GET /nexis-launch/manifest/v1 200", &[]),
            (r#"{"$id":"nexis-launch/manifest/v1","title":"a manifest"}"#, &[]),
            (r#"{"schema":"nexis-launch/leak-trace/v1"}"#, &[]),
            (r#"{"schema":"nexis-launch/manifest/v2","launch":"1"}"#, &["!"]),
            (&whole[..whole.len() - 3], &["!"]),
            (r#"{"log":"{\"schema\":\"nexis-launch/manifest/v1\",\"launch\":\"01"}"#, &["!"]),
            (r#"x{"schema":"nexis-launch/manifest/v1","variables":7}"#, &["!"]),
            (r#""secret":true},{"name":"A","state":"delivered","secret":false}]}"#, &["!"]),
            (r#"{\"name\": \"A\", \"state\": \"delivered\", \"secret\": true"#, &["!"]),
            (r#"rint":"0"}],"features":{},"inherited":{"count":1,"names":["PATH"]}"#, &["!"]),
            (r#"{"state":"delivered","parcel":7}"#, &[]),
            (r#"Nov 25 host x[7]: {"schema":"n"#, &["!"]),
            (r#"{"schema":"nexis-launch/man"#, &["!"]),
            (r#"{"schema":""#, &[]),
            (r#"{"schema":"other"}"#, &[]),
            (r#"{"inherited":{"from":"a"}}"#, &[]),
        ] {
            assert_eq!(launches(line), expected, "{line}");
        }
    }
}
