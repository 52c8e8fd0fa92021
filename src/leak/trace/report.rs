//! What a trace says: text and JSON, written while it goes on.

use super::record::Record;
use super::{Counts, Wanted};
use crate::error::{Error, Status};
use crate::leak::out::Out;
use crate::leak::respond::{LISTED, Traced};
use crate::manifest::{Guard, Shown};
use crate::output::to_stderr;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;

/// The version of the JSON form; `schemas/leak-trace.schema.json` describes it.
const SCHEMA: &str = "nexis-launch/leak-trace/v1";
/// How many launches are held back, in case another record of them follows.
const HELD: usize = 1024;

/// The form of the report.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Text,
    /// One JSON object.
    Json,
    /// Nothing is written, and what was found goes into a checklist.
    Kept,
}

/// A report that is being written.
pub struct Report<'a> {
    form: Form,
    guard: Guard<'a>,
    held: VecDeque<Entry>,
    out: Out,
    count: u64,
    outcomes: BTreeMap<String, u64>,
    besides: BTreeMap<String, u64>,
    kept: Vec<Shown>,
}

/// A launch that got the value. All of its texts may be shown.
struct Entry {
    launch: String,
    time: String,
    outcome: String,
    error: Option<String>,
    mode: String,
    program: Option<String>,
    host: String,
    pid: u64,
    uid: u64,
    invocation: Option<String>,
    labels: Vec<(String, String)>,
    /// The names under which it got the value.
    got: Vec<String>,
    /// The names of the other secrets that it held.
    besides: Vec<String>,
    file: String,
    line: u64,
}

/// Of names that stand there more than once the first.
fn each_once<'n>(names: &[&'n str]) -> impl Iterator<Item = &'n str> {
    let is_first = |(at, name): &(usize, &&str)| !names.iter().take(*at).any(|it| it == *name);
    names.iter().enumerate().filter(is_first).map(|(_, name)| *name)
}

impl Entry {
    fn new(record: &Record<'_>, got: &[&str], file: &str, line: u64, guard: Guard<'_>) -> Self {
        let show = |text: &str| guard.text(text).as_str().to_owned();
        let mut besides = Vec::new();
        for variable in record.variables.iter().filter(|variable| variable.is_held()) {
            let names =
                std::iter::once(&variable.name).chain(variable.sub.iter().map(|sub| &sub.name));
            // Of a value that was got the secrets inside are no others.
            let is_got = |name: &str| {
                let outer = name.split('#').next().unwrap_or_default();
                got.contains(&name) || got.contains(&outer)
            };
            for name in names.filter(|name| !is_got(name)).map(|name| show(name)) {
                // A password can have a fingerprint decoded and one as it is written.
                if !besides.contains(&name) {
                    besides.push(name);
                }
            }
        }
        Entry {
            launch: show(&record.launch),
            time: show(&record.time),
            outcome: show(&record.outcome),
            error: record.error.as_deref().map(show),
            mode: show(&record.mode),
            program: record.program.as_ref().map(|program| show(&program.path)),
            host: show(&record.process.host),
            pid: record.process.pid,
            uid: record.process.uid,
            invocation: record.process.invocation.as_deref().map(show),
            labels: record.labels.0.iter().map(|(name, value)| (show(name), show(value))).collect(),
            got: each_once(got).map(show).collect(),
            besides,
            file: show(file),
            line,
        }
    }

    fn text(&self) -> String {
        let program = self.program.as_deref().unwrap_or("no program");
        let mut text = format!("{} {} {program}", self.time, self.outcome);
        if let Some(error) = &self.error {
            let _ = write!(text, ": {error}");
        }
        let _ = write!(text, "\n  launch   {} in {}", self.launch, self.mode);
        let host = if self.host.is_empty() { "unknown" } else { &self.host };
        let _ = write!(text, "\n  where    host {host}, pid {}, uid {}", self.pid, self.uid);
        if let Some(invocation) = &self.invocation {
            let _ = write!(text, ", invocation {invocation}");
        }
        for (name, value) in &self.labels {
            let _ = write!(text, "\n  label    {name}={value}");
        }
        let _ = write!(text, "\n  got      {}", self.got.join(", "));
        if !self.besides.is_empty() {
            let _ = write!(text, "\n  besides  {}", self.besides.join(", "));
        }
        let _ = write!(text, "\n  record   {}:{}\n", self.file, self.line);
        text
    }

    /// All that a list has room for.
    fn line(&self) -> String {
        let program = self.program.as_deref().unwrap_or("no program");
        let host = if self.host.is_empty() { "unknown" } else { &self.host };
        let mut text =
            format!("{} {} {program}, host {host}, pid {}", self.time, self.outcome, self.pid);
        for (name, value) in &self.labels {
            let _ = write!(text, ", {name}={value}");
        }
        let _ = write!(text, "; {}:{}", self.file, self.line);
        text
    }

    fn json(&self) -> Value {
        let labels: serde_json::Map<String, Value> =
            self.labels.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        json!({
            "launch": self.launch,
            "time": self.time,
            "outcome": self.outcome,
            "error": self.error,
            "mode": self.mode,
            "program": self.program,
            "process": {
                "pid": self.pid, "uid": self.uid, "host": self.host, "invocation": self.invocation,
            },
            "labels": labels,
            "got": self.got,
            "besides": self.besides,
            "record": {"file": self.file, "line": self.line},
        })
    }
}

impl<'a> Report<'a> {
    /// Begins a report.
    pub fn new(form: Form, wanted: &Wanted, guard: Guard<'a>) -> Self {
        let mut out = Out::default();
        if form == Form::Json {
            let launcher = json!({ "version": env!("CARGO_PKG_VERSION") });
            let list = wanted.fingerprints.iter();
            let list: Vec<_> =
                list.map(|(name, print)| json!({"name": name, "fingerprint": print})).collect();
            let wanted = json!({"fingerprint_key_id": wanted.key_id, "values": list});
            let _ = write!(
                out,
                "{{\"schema\":\"{SCHEMA}\",\"launcher\":{launcher},\"wanted\":{wanted},\"launches\":["
            );
        }
        Report {
            form,
            guard,
            held: VecDeque::new(),
            out,
            count: 0,
            outcomes: BTreeMap::new(),
            besides: BTreeMap::new(),
            kept: Vec::new(),
        }
    }

    /// Whether anybody reads it.
    pub(super) const fn is_read(&self) -> bool {
        self.out.is_read()
    }

    /// Something that could not be read.
    pub(super) fn unread(&self, name: &str, why: &str) {
        let name = self.guard.text(name);
        to_stderr(&format!("nexis-launch: cannot read {name}: {why}\n"));
    }

    /// A record of a launch that got the value under these names.
    pub(super) fn launch(&mut self, record: &Record<'_>, got: &[&str], file: &str, line: u64) {
        let entry = Entry::new(record, got, file, line, self.guard);
        let known = self.held.iter_mut().rev();
        let known = known.filter(|_| !entry.launch.is_empty());
        if let Some(known) = known.into_iter().find(|known| known.launch == entry.launch) {
            // The record of a failure comes after the one that was made before the exec.
            if entry.outcome == "failed" {
                (known.outcome, known.error) = (entry.outcome, entry.error);
            }
            return;
        }
        self.held.push_back(entry);
        if self.held.len() > HELD {
            self.next();
        }
    }

    /// Tells the launches that were held back.
    pub(super) fn rest(&mut self) {
        while !self.held.is_empty() {
            self.next();
        }
    }

    fn next(&mut self) {
        let Some(entry) = self.held.pop_front() else { return };
        if self.form == Form::Json && self.count > 0 {
            let _ = self.out.write_char(',');
        }
        self.count += 1;
        let _ = match self.form {
            Form::Text => write!(self.out, "{}", entry.text()),
            Form::Json => write!(self.out, "{}", entry.json()),
            Form::Kept => {
                if self.kept.len() < LISTED {
                    self.kept.push(self.guard.owned(entry.line()));
                }
                Ok(())
            }
        };
        *self.outcomes.entry(entry.outcome).or_default() += 1;
        for name in entry.besides {
            *self.besides.entry(name).or_default() += 1;
        }
    }

    /// Ends the report, and says whether somebody got the value, and else whether that is known.
    ///
    /// # Errors
    /// [`Status::CannotWrite`] where the report could not be written.
    pub fn end(mut self, counts: &Counts) -> Result<Status, Error> {
        let (status, word) = match (self.count, counts.undecided(), counts.unread) {
            (1.., ..) => (Status::Found, "somebody"),
            (0, _, 1..) => (Status::NoInput, "undecided"),
            (0, 1.., 0) => (Status::Undecided, "undecided"),
            (0, 0, 0) => (Status::Success, "nobody"),
        };
        let show = |text: &String| self.guard.text(text).as_str().to_owned();
        let keys: Vec<_> = counts.keys.iter().map(show).collect();
        match self.form {
            Form::Kept => {}
            Form::Text => self.summary(counts, &keys),
            Form::Json => {
                let tail = json!({
                    "outcomes": self.outcomes,
                    "besides": self.besides,
                    "compared": counts.launches,
                    "not_compared": {
                        "without_fingerprint": counts.without,
                        "other_key": counts.other_key,
                        "keys": keys,
                        "damaged": counts.damaged,
                    },
                    "unread": counts.unread,
                    "result": word,
                });
                let tail = tail.to_string();
                let _ = writeln!(self.out, "],{}", tail.strip_prefix('{').unwrap_or(&tail));
            }
        }
        self.out.end().map(|()| status)
    }

    /// Ends a report that is kept.
    pub fn kept(self, counts: &Counts) -> Traced {
        let size = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        Traced {
            further: size(self.count).saturating_sub(self.kept.len()),
            launches: self.kept,
            others: self.besides.keys().map(|name| self.guard.text(name)).collect(),
            undecided: size(counts.undecided()),
            unread: size(counts.unread),
        }
    }

    fn summary(&mut self, counts: &Counts, keys: &[String]) {
        let list = |all: &BTreeMap<String, u64>| {
            let pairs: Vec<_> = all.iter().map(|(name, count)| format!("{name} {count}")).collect();
            pairs.join(", ")
        };
        let plural = |count: u64| if count == 1 { "" } else { "es" };
        let out = &mut self.out;
        let _ = write!(out, "got it     {} launch{}", self.count, plural(self.count));
        if self.count > 0 {
            let _ = write!(out, ": {}", list(&self.outcomes));
        }
        let _ = writeln!(out);
        if !self.besides.is_empty() {
            let _ = writeln!(out, "besides    {}", list(&self.besides));
        }
        let _ = writeln!(out, "read       {} launch{}", counts.launches, plural(counts.launches));
        let undecided = counts.undecided();
        if undecided > 0 {
            let _ = write!(out, "unknown    {undecided} could not be compared:");
            let mut before = " ";
            for (count, why) in [
                (counts.without, "without a fingerprint"),
                (counts.other_key, "by a key that was not named"),
                (counts.damaged, "damaged"),
            ] {
                if count > 0 {
                    let _ = write!(out, "{before}{count} {why}");
                    before = ", ";
                }
            }
            if !keys.is_empty() {
                let _ = write!(out, " (key {})", keys.join(", "));
            }
            let _ = writeln!(out);
        }
    }
}
