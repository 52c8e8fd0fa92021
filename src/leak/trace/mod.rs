//! `leak trace`: the launches that got a value, found in audit records by its fingerprint.
//!
//! Records are read one by one and forgotten; only the latest are kept for a while, since a launch
//! whose exec failed has two. What cannot be compared is counted: a trace never says "nobody" of
//! records that it cannot read or that were made under another key.

mod glob;
mod line;
mod recent;
mod record;
mod report;

pub use report::{Form, Report};

use super::input::{Input, Next, Refusal};
use super::tools::Tools;
use line::{Finder, Seen};
use memchr::{memchr, memrchr};
use recent::Recent;
use record::Record;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// How much is read at a time.
const PIECE: usize = 1 << 20;
/// The longest line that is read; a record has some kilobytes.
const LONGEST_LINE: usize = 16 << 20;
/// How many other keys are named.
const MOST_KEYS: usize = 16;

/// What is looked for.
pub struct Wanted {
    /// The fingerprints of the value and of secrets inside it, with what to call them.
    pub fingerprints: Vec<(&'static str, String)>,
    /// Those of the value with a final newline, which a contract can keep.
    pub kept: Vec<String>,
    /// The id of the key that they were made with, where that is known.
    pub key_id: Option<String>,
}

/// What was read and what could not be compared.
#[derive(Debug, Default)]
pub struct Counts {
    /// Launches whose records were read.
    pub launches: u64,
    /// Launches that got a secret and whose record has no fingerprint of it.
    pub without: u64,
    /// Launches whose fingerprints were made with another key, or nobody knows with which.
    pub other_key: u64,
    /// Those keys.
    pub keys: BTreeSet<String>,
    /// Lines that say they are a record and cannot be read.
    pub damaged: u64,
    /// Named things that could not be read.
    pub unread: u64,
}

impl Counts {
    /// How many could not be compared.
    pub const fn undecided(&self) -> u64 {
        self.without + self.other_key + self.damaged
    }
}

/// A trace that goes on.
pub struct Trace<'a> {
    wanted: &'a Wanted,
    report: Report<'a>,
    finder: Finder,
    recent: Recent,
    counts: Counts,
}

impl<'a> Trace<'a> {
    /// Prepares one.
    pub fn new(wanted: &'a Wanted, report: Report<'a>) -> Self {
        let (finder, recent) = (Finder::new(), Recent::new());
        Trace { wanted, report, finder, recent, counts: Counts::default() }
    }

    /// Reads all of `audits`, `-` being standard input, or until nobody reads the report any more.
    pub fn through(mut self, audits: &[PathBuf], tools: &Tools) -> (Report<'a>, Counts) {
        for audit in audits {
            if audit == Path::new("-") {
                self.input("standard input", Input::standard(tools));
                continue;
            }
            let found = glob::expand(audit);
            if found.is_empty() {
                self.unread(&audit.to_string_lossy(), "no file is named so");
            }
            for path in found {
                self.input(&path.to_string_lossy(), Input::open(&path, true, tools));
            }
        }
        self.report.rest();
        (self.report, self.counts)
    }

    fn unread(&mut self, shown: &str, why: &str) {
        self.report.unread(shown, why);
        self.counts.unread += 1;
    }

    fn input(&mut self, shown: &str, input: Result<Input, Refusal>) {
        let mut input = match input {
            Ok(input) => input,
            Err(Refusal::Kind(kind)) => {
                return self.unread(shown, &format!("it is {}", kind.words()));
            }
            Err(Refusal::Unreadable(why)) => return self.unread(shown, &why),
        };
        let mut buffer = vec![0; PIECE];
        // What is kept of a line that goes on, and how many lines are read.
        let (mut filled, mut lines) = (0, 0);
        loop {
            let (count, next) = input.fill(buffer.get_mut(filled..).unwrap_or_default());
            filled += count;
            let text = buffer.get(..filled).unwrap_or_default();
            let whole = match memrchr(b'\n', text) {
                _ if next != Next::More => filled,
                Some(newline) => newline + 1,
                None if filled >= LONGEST_LINE => filled,
                None => 0,
            };
            self.lines(shown, &mut lines, text.get(..whole).unwrap_or_default());
            buffer.copy_within(whole..filled, 0);
            filled -= whole;
            match next {
                Next::More if self.report.is_read() => {}
                Next::Failed(why) => return self.unread(shown, &why),
                _ => return,
            }
            if buffer.len() < filled + PIECE {
                buffer.resize(filled + PIECE, 0);
            }
        }
    }

    fn lines(&mut self, shown: &str, lines: &mut u64, mut text: &[u8]) {
        while !text.is_empty() {
            let end = memchr(b'\n', text).unwrap_or(text.len());
            let line = text.get(..end).unwrap_or_default();
            text = text.get(end + 1..).unwrap_or_default();
            *lines += 1;
            let Trace { wanted, report, finder, recent, counts } = self;
            finder.look(line, &mut |seen| match seen {
                Seen::Record(record) => {
                    judge(wanted, report, recent, counts, record, shown, *lines);
                }
                Seen::Damaged => counts.damaged += 1,
            });
        }
    }
}

/// Compares a record, and tells or counts its launch.
fn judge(
    wanted: &Wanted,
    report: &mut Report<'_>,
    recent: &mut Recent,
    counts: &mut Counts,
    record: &Record<'_>,
    shown: &str,
    line: u64,
) {
    let is_new = recent.is_new(&record.launch);
    counts.launches += u64::from(is_new);
    let key = record.fingerprint_key_id.as_deref();
    let comparable = match &wanted.key_id {
        Some(id) => key == Some(id.as_str()),
        None => key.is_some(),
    };
    let is_wanted = |fingerprint: &str| {
        let own = wanted.fingerprints.iter().map(|(_, wanted)| wanted);
        own.chain(&wanted.kept).any(|wanted| wanted.eq_ignore_ascii_case(fingerprint))
    };
    let mut got: Vec<&str> = Vec::new();
    let mut unknown = false;
    for variable in &record.variables {
        match &variable.fingerprint {
            Some(fingerprint) if comparable && is_wanted(fingerprint) => got.push(&variable.name),
            None if variable.is_held() => unknown = true,
            _ => {}
        }
        let sub = variable.sub.iter().filter(|sub| comparable && is_wanted(&sub.fingerprint));
        got.extend(sub.map(|sub| &*sub.name));
    }
    if !got.is_empty() {
        return report.launch(record, &got, shown, line);
    }
    let held = record.variables.iter().any(record::Variable::is_held);
    if !is_new || !held {
        return;
    }
    match key {
        Some(key) if !comparable || wanted.key_id.is_none() => {
            counts.other_key += 1;
            if counts.keys.len() < MOST_KEYS {
                counts.keys.insert(key.to_owned());
            }
        }
        Some(_) if !unknown => {}
        _ => counts.without += 1,
    }
}
