//! What a scan says: text, JSON and SARIF 2.1.0, written while it goes on.
//!
//! A log can hold a value in every line, so nothing is gathered that grows with what is found.

use super::Found;
use super::git::Held;
use crate::error::{Error, Status};
use crate::leak::out::Out;
use crate::leak::respond::{LISTED, Scanned};
use crate::manifest::{Guard, Shown};
use crate::output::to_stderr;
use crate::report::uri;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The version of the JSON form; `schemas/leak-scan.schema.json` describes it.
const SCHEMA: &str = "nexis-launch/leak-scan/v1";
/// How many things that were not read are listed; all are counted, and said when they occur.
const MOST_LISTED: usize = 10_000;

/// The form of the report.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For people: a line a finding.
    Text,
    /// One JSON object.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// Nothing is written, and what was found goes into a checklist.
    Kept,
}

/// A report that is being written.
pub struct Report<'e> {
    form: Form,
    guard: Guard<'e>,
    quiet: bool,
    out: Out,
    found: u64,
    by_name: BTreeMap<&'e str, u64>,
    files: u64,
    objects: u64,
    bytes: u64,
    unread: Vec<(String, String)>,
    more_unread: u64,
    skipped: Vec<(String, String)>,
    more_skipped: u64,
    not_searched: Vec<String>,
    kept: Vec<Shown>,
}

/// What holds a value beside the content of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The last part of its path.
    Name,
    /// Where a symbolic link leads.
    Target,
}

/// A finding's place.
#[derive(Default)]
struct Place<'p> {
    file: &'p str,
    line: Option<u64>,
    offset: Option<u64>,
    part: Option<Part>,
    object: Option<(&'p Held<'p>, Option<String>)>,
}

impl<'e> Report<'e> {
    /// Begins a report. `quiet`: of what is not looked through only what could not be is said.
    pub fn new(form: Form, guard: Guard<'e>, quiet: bool) -> Self {
        let mut out = Out::default();
        let version = env!("CARGO_PKG_VERSION");
        let launcher = json!({ "version": version });
        let rules = json!([{
            "id": "leaked-secret",
            "shortDescription": {"text": "a value of a secret stands in a place that is no secret's"},
            "help": {"text": "replace the value at its issuer, then take it out of there"},
        }]);
        let driver =
            json!({ "driver": {"name": "nexis-launch", "version": version, "rules": rules} });
        let _ = match form {
            Form::Text | Form::Kept => Ok(()),
            Form::Json => {
                write!(out, "{{\"schema\":\"{SCHEMA}\",\"launcher\":{launcher},\"findings\":[")
            }
            Form::Sarif => write!(
                out,
                "{{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\
                 \"version\":\"2.1.0\",\"runs\":[{{\"tool\":{driver},\"results\":["
            ),
        };
        Report {
            form,
            guard,
            quiet,
            out,
            found: 0,
            by_name: BTreeMap::new(),
            files: 0,
            objects: 0,
            bytes: 0,
            unread: Vec::new(),
            more_unread: 0,
            skipped: Vec::new(),
            more_skipped: 0,
            not_searched: Vec::new(),
            kept: Vec::new(),
        }
    }

    /// A path as it may be shown. Of one that holds a value only that part is left out: the file
    /// has to be found.
    pub(super) fn show(&self, path: &str) -> String {
        let parts = path.split('/').map(|part| self.guard.text(part).as_str().to_owned());
        let parts: Vec<_> = parts.collect();
        self.guard.text(&parts.join("/")).as_str().to_owned()
    }

    /// Whether anybody reads it.
    pub(super) const fn is_read(&self) -> bool {
        self.out.is_read()
    }

    /// How much was found so far.
    pub(super) const fn count(&self) -> u64 {
        self.found
    }

    pub(super) fn searches_file(&mut self) {
        self.files += 1;
    }

    pub(super) fn searches_object(&mut self) {
        self.objects += 1;
    }

    pub(super) fn searched(&mut self, bytes: u64) {
        self.bytes += bytes;
    }

    /// A value that is not looked for.
    pub fn not_searched(&mut self, name: &str) {
        to_stderr(&format!(
            "nexis-launch: {name} is not searched for: it has fewer than 8 bytes\n\
             hint: so short a value would be found everywhere; look for it by other means\n"
        ));
        self.not_searched.push(name.to_owned());
    }

    /// Something that is not looked through on purpose; `file` may be shown.
    pub(super) fn skipped(&mut self, file: &str, why: &str) {
        if !self.quiet {
            to_stderr(&format!("nexis-launch: skipped {file}: it is {why}\n"));
        }
        match self.skipped.len() {
            MOST_LISTED.. => self.more_skipped += 1,
            _ => self.skipped.push((file.to_owned(), why.to_owned())),
        }
    }

    /// Something that could not be read; `file` may be shown.
    pub fn unread(&mut self, file: &str, why: &str) {
        to_stderr(&format!("nexis-launch: cannot read {file}: {why}\n"));
        match self.unread.len() {
            MOST_LISTED.. => self.more_unread += 1,
            _ => self.unread.push((file.to_owned(), why.to_owned())),
        }
    }

    /// A value in a file; `file` may be shown.
    pub(super) fn found(&mut self, file: &str, found: &Found<'e>) {
        let (line, offset) = (found.spot.line, Some(found.spot.offset));
        let place = Place { file, line, offset, ..Place::default() };
        self.add(&found.names, found.encoding, &place);
    }

    /// A value in the name of a file or directory, or in what a link leads to; `file` may be shown.
    pub(super) fn found_in_part(
        &mut self,
        file: &str,
        part: Part,
        names: &[&'e str],
        encoding: &'static str,
    ) {
        self.add(names, encoding, &Place { file, part: Some(part), ..Place::default() });
    }

    /// A value in an object of a repository; `file` may be shown.
    pub(super) fn found_in_object(&mut self, file: &str, held: &Held<'e>) {
        let path = held.path.as_deref().map(|path| self.show(path));
        let (line, offset) = (held.spot.line, Some(held.spot.offset));
        let place = Place { file, line, offset, object: Some((held, path)), ..Place::default() };
        self.add(&held.names, held.encoding, &place);
    }

    fn add(&mut self, names: &[&'e str], encoding: &str, place: &Place<'_>) {
        let Some((&name, also)) = names.split_first() else { return };
        for &name in names {
            *self.by_name.entry(name).or_default() += 1;
        }
        if self.found > 0 && matches!(self.form, Form::Json | Form::Sarif) {
            let _ = self.out.write_char(',');
        }
        self.found += 1;
        match self.form {
            Form::Text => {
                let names = names.join(" and ");
                let _ = writeln!(self.out, "{}: {names}, {encoding}", place.text());
            }
            Form::Json => {
                let finding = place.json(name, also, encoding);
                let _ = write!(self.out, "{finding}");
            }
            Form::Sarif => {
                let result = place.sarif(&names.join(" and "), encoding);
                let _ = write!(self.out, "{result}");
            }
            Form::Kept => {
                if self.kept.len() < LISTED {
                    self.kept.push(self.guard.owned(format!("{}: {encoding}", place.text())));
                }
            }
        }
    }

    /// Whether there is something to write.
    pub(super) fn is_pending(&self) -> bool {
        self.out.is_pending() && self.form == Form::Text
    }

    /// Writes what there is.
    pub(super) fn flush(&mut self) {
        self.out.flush();
    }

    /// Ends the report: what was looked for and where. Says whether there was a finding, and
    /// else whether all could be read.
    ///
    /// # Errors
    /// [`Status::CannotWrite`] where the report could not be written.
    pub fn end(mut self, values: &[&str]) -> Result<Status, Error> {
        let unread = self.unread.len() as u64 + self.more_unread;
        let (status, word) = match (self.found, unread) {
            (1.., _) => (Status::Found, "found"),
            (0, 1..) => (Status::Undecided, "incomplete"),
            (0, 0) => (Status::Success, "clean"),
        };
        let list = |all: &[(String, String)]| -> Vec<Value> {
            all.iter().map(|(file, why)| json!({"file": file, "why": why})).collect()
        };
        match self.form {
            Form::Kept => {}
            Form::Text => self.summary(values.len(), unread),
            Form::Json => {
                let tail = json!({
                    "searched": {
                        "values": values, "files": self.files, "objects": self.objects,
                        "bytes": self.bytes,
                    },
                    "not_searched": self.not_searched,
                    "skipped": list(&self.skipped),
                    "unread": list(&self.unread),
                    "result": word,
                });
                let _ = writeln!(self.out, "],{}", tail.to_string().trim_start_matches('{'));
            }
            Form::Sarif => {
                let notes = self.unread.iter().map(|(file, why)| {
                    json!({"level": "error", "message": {"text": format!("cannot read {file}: {why}")}})
                });
                let run = json!([{
                    "executionSuccessful": unread == 0,
                    "toolExecutionNotifications": notes.collect::<Vec<_>>(),
                }]);
                let _ = writeln!(self.out, "],\"invocations\":{run}}}]}}");
            }
        }
        self.out.end().map(|()| status)
    }

    /// Ends a report that is kept.
    pub fn kept(self) -> Scanned {
        let size = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let found = size(self.found);
        Scanned {
            further: found.saturating_sub(self.kept.len()),
            places: self.kept,
            unread: self.unread.len().saturating_add(size(self.more_unread)),
        }
    }

    fn summary(&mut self, values: usize, unread: u64) {
        let plural = |count: u64| if count == 1 { "" } else { "s" };
        let (files, objects, bytes) = (self.files, self.objects, self.bytes);
        let out = &mut self.out;
        let _ = write!(out, "searched   {files} file{}", plural(files));
        if objects > 0 {
            let _ = write!(out, ", {objects} object{} of git", plural(objects));
        }
        let _ = write!(out, ", {bytes} byte{}", plural(bytes));
        let values = values as u64;
        let _ = writeln!(out, " for {values} value{}", plural(values));
        let _ = write!(out, "found      {} place{}", self.found, plural(self.found));
        let mut before = ": ";
        for (name, count) in &self.by_name {
            let _ = write!(out, "{before}{name} {count}");
            before = ", ";
        }
        let _ = writeln!(out);
        let skipped = self.skipped.len() as u64 + self.more_skipped;
        for (word, count) in [("skipped", skipped), ("unread", unread)] {
            if count > 0 {
                let _ = writeln!(out, "{word:<11}{count}");
            }
        }
    }
}

impl Place<'_> {
    /// Begins as compilers' messages do where there are lines.
    fn text(&self) -> String {
        let mut text = self.file.to_owned();
        if let Some((held, path)) = &self.object {
            if let Some(path) = path {
                let _ = write!(text, ": {path}");
            }
            let id = |id: &str| id.get(..12).unwrap_or(id).to_owned();
            let _ = write!(text, " in {} {}", held.object.kind, id(&held.object.id));
            if let Some(commit) = held.commit.as_deref().filter(|_| held.object.kind == "blob") {
                let _ = write!(text, " of commit {}", id(commit));
            }
        }
        let _ = match (self.line, self.offset) {
            _ if self.part == Some(Part::Name) => write!(text, ": in the name"),
            _ if self.part == Some(Part::Target) => write!(text, ": in the target of the link"),
            (Some(line), _) if self.object.is_none() => write!(text, ":{line}"),
            (Some(line), _) => write!(text, " line {line}"),
            (None, Some(offset)) => write!(text, ": byte {offset}"),
            (None, None) => Ok(()),
        };
        text
    }

    fn json(&self, name: &str, also: &[&str], encoding: &str) -> Value {
        let mut finding = json!({"file": self.file, "variable": name, "form": encoding});
        let mut set = |name: &str, value: Value| {
            if let Some(object) = finding.as_object_mut() {
                object.insert(name.to_owned(), value);
            }
        };
        if !also.is_empty() {
            set("also", json!(also));
        }
        if let Some(line) = self.line {
            set("line", json!(line));
        }
        match self.offset {
            Some(offset) => set("offset", json!(offset)),
            None if self.part == Some(Part::Target) => set("in_target", json!(true)),
            None => set("in_name", json!(true)),
        }
        if let Some((held, path)) = &self.object {
            let mut git = json!({"object": held.object.id, "type": held.object.kind});
            for (name, value) in [("path", path), ("commit", &held.commit)] {
                if let (Some(value), Some(object)) = (value, git.as_object_mut()) {
                    object.insert(name.to_owned(), json!(value));
                }
            }
            set("git", git);
        }
        finding
    }

    fn sarif(&self, names: &str, encoding: &str) -> Value {
        let region = match (self.line, self.offset) {
            (Some(line), _) => json!({"startLine": line}),
            (None, offset) => json!({"byteOffset": offset.unwrap_or(0)}),
        };
        let path = self.object.as_ref().and_then(|(_, path)| path.as_deref());
        let file = path.map_or(self.file.to_owned(), |path| format!("{}/{path}", self.file));
        json!({
            "ruleId": "leaked-secret",
            "level": "error",
            "message": {"text": format!("{names} stands here, {encoding}: {}", self.text())},
            "locations": [{
                "physicalLocation": {"artifactLocation": {"uri": uri(&file)}, "region": region},
                "logicalLocations": [{"name": names, "kind": "variable"}],
            }],
        })
    }
}
