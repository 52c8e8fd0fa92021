//! `leak scan`: where values stand in files, trees, compressed logs and the history of git.
//!
//! Everything is read as a stream, so memory does not grow with what is looked through. Whatever
//! cannot be read is named, and the rest is looked through all the same.

mod git;
mod progress;
mod report;
mod walk;

pub use progress::Progress;
pub use report::{Form, Report};

use super::input::{Input, Next, Refusal};
use super::tools::Tools;
use crate::needles::stream::{Engine, Hit, Round, Stream};
use crate::sys::fs;
use git::Held;
use memchr::{memchr, memchr_iter};
use report::Part;
use std::ffi::OsStr;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A text with a NUL in this much of its beginning has no lines (as git and grep take it).
const BINARY: usize = 8000;

/// What is looked through.
#[derive(Clone, Copy)]
pub enum Target<'a> {
    /// Standard input.
    Standard,
    /// A file or a tree, which may be a repository.
    Path(&'a Path),
    /// A repository's history alone.
    History(&'a Path),
}

/// Where something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// The line, from 1; none where there are no lines.
    pub line: Option<u64>,
    /// The byte, from 0, after decompression.
    pub offset: u64,
}

/// A value that was found: its names and its form.
pub struct Found<'e> {
    /// The names of the value.
    pub names: Vec<&'e str>,
    /// The word for its form.
    pub encoding: &'static str,
    /// Where it is.
    pub spot: Spot,
}

/// A scan that goes on.
pub struct Scan<'a, 'e> {
    engine: &'e Engine<'e>,
    stream: Stream<'e>,
    tools: &'a Tools,
    report: &'a mut Report<'e>,
    progress: &'a mut Progress,
}

impl<'a, 'e> Scan<'a, 'e> {
    /// Prepares one.
    pub fn new(
        engine: &'e Engine<'e>,
        tools: &'a Tools,
        report: &'a mut Report<'e>,
        progress: &'a mut Progress,
    ) -> Self {
        Scan { engine, stream: Stream::new(engine), tools, report, progress }
    }

    /// Looks through all of `targets`, or until nobody reads the report any more.
    pub fn through(&mut self, targets: &[Target<'_>]) {
        if self.progress.is_shown() {
            let total = targets.iter().map(|target| match target {
                Target::Path(path) => walk::size(path),
                _ => 0,
            });
            self.progress.expect(total.sum());
        }
        for target in targets {
            match target {
                Target::Standard => {
                    let input = Input::standard(self.tools);
                    self.input("standard input", input, true);
                    self.tell();
                }
                Target::Path(path) => self.path(path),
                Target::History(path) => self.history(path),
            }
        }
        self.progress.end();
    }

    fn path(&mut self, path: &Path) {
        walk::walk(path, &mut |event| {
            match event {
                walk::Event::Entry(path) => self.entry(path),
                walk::Event::File(path, named) => {
                    let shown = self.report.show(&path.to_string_lossy());
                    let input = Input::open(path, named, self.tools);
                    self.input(&shown, input, named);
                }
                walk::Event::Repository(path) => self.history(path),
                walk::Event::Skipped(path, why) => {
                    let shown = self.report.show(&path.to_string_lossy());
                    self.progress.end();
                    self.report.skipped(&shown, why);
                }
                walk::Event::Unread(path, why) => {
                    let shown = self.report.show(&path.to_string_lossy());
                    self.unread(&shown, why);
                }
            }
            self.tell();
            self.report.is_read()
        });
    }

    /// Looks through what can hold a value beside a file's content: the name of whatever it is, and
    /// where a link leads.
    fn entry(&mut self, path: &Path) {
        let name = path.file_name().unwrap_or_default();
        self.part(path, Part::Name, name);
        // Of all else this is an error.
        if let Ok(target) = fs::link_target(path) {
            self.part(path, Part::Target, &target);
        }
    }

    fn part(&mut self, path: &Path, part: Part, text: &OsStr) {
        let mut hits = Vec::new();
        self.engine.search(text.as_bytes(), true, &mut hits);
        for hit in hits {
            let shown = self.report.show(&path.to_string_lossy());
            let names: Vec<_> = self.engine.names(hit.needle).collect();
            self.report.found_in_part(&shown, part, &names, hit.encoding.name());
        }
    }

    fn unread(&mut self, shown: &str, why: &str) {
        self.progress.end();
        self.report.unread(shown, why);
    }

    /// Writes what was found, in place of the bar.
    fn tell(&mut self) {
        if self.report.is_pending() {
            self.progress.end();
            self.report.flush();
        }
    }

    fn input(&mut self, shown: &str, input: Result<Input, Refusal>, named: bool) {
        let mut input = match input {
            Ok(input) => input,
            Err(Refusal::Kind(kind)) if named => {
                return self.unread(shown, &format!("it is {}", kind.words()));
            }
            Err(Refusal::Kind(kind)) => {
                self.progress.end();
                return self.report.skipped(shown, kind.words());
            }
            Err(Refusal::Unreadable(why)) => return self.unread(shown, &why),
        };
        self.report.searches_file();
        self.progress.shows(shown);
        let mut reader = Reader::new(self.engine);
        self.stream.restart();
        loop {
            let (count, next) = input.fill(self.stream.space());
            let round = self.stream.advance(count, next != Next::More);
            self.report.searched(count as u64);
            reader.take(&round, |found| self.report.found(shown, &found));
            self.tell();
            self.progress.advance(count as u64, self.report.count());
            match next {
                Next::More if self.report.is_read() => {}
                Next::Failed(why) => return self.unread(shown, &why),
                _ => break,
            }
        }
        self.progress.passed(input.size);
    }

    fn history(&mut self, repository: &Path) {
        let shown = self.report.show(&repository.to_string_lossy());
        self.progress.shows(&shown);
        let mut found = Vec::new();
        if let Err(why) = self.objects(repository, &shown, &mut found) {
            self.unread(&shown, &format!("its history: {why}"));
        }
        git::place(&mut found, repository, self.tools);
        for held in &found {
            self.report.found_in_object(&shown, held);
        }
        self.tell();
    }

    fn objects(
        &mut self,
        repository: &Path,
        shown: &str,
        found: &mut Vec<Held<'e>>,
    ) -> Result<(), String> {
        let mut objects = git::Objects::open(repository, self.tools)?;
        while let Some(step) = objects.next()?.filter(|_| self.report.is_read()) {
            let object = match step {
                git::Step::Object(object) => object,
                git::Step::Lost(why) => {
                    self.unread(shown, &format!("its history: {why}"));
                    continue;
                }
            };
            self.report.searches_object();
            let mut reader = Reader::new(self.engine);
            self.stream.restart();
            loop {
                let (count, next) = objects.fill(self.stream.space());
                let round = self.stream.advance(count, next != Next::More);
                self.report.searched(count as u64);
                reader.take(&round, |one| {
                    let held = Held::new(&object, &one);
                    match found.len() {
                        git::MOST_NAMED.. => self.report.found_in_object(shown, &held),
                        _ => found.push(held),
                    }
                });
                let found = self.report.count() + found.len() as u64;
                self.progress.advance(count as u64, found);
                match next {
                    Next::More => {}
                    // What could not be read of it is said by the next step.
                    Next::End | Next::Failed(_) => break,
                }
            }
        }
        Ok(())
    }
}

/// Reads the rounds of one text: counts lines, and leaves out what is said already.
struct Reader<'e> {
    engine: &'e Engine<'e>,
    /// Newlines so far.
    lines: u64,
    binary: Option<bool>,
    /// Where values stand that may reach further.
    around: Vec<(Range<u64>, usize)>,
}

impl<'e> Reader<'e> {
    fn new(engine: &'e Engine<'e>) -> Self {
        Reader { engine, lines: 0, binary: None, around: Vec::new() }
    }

    fn take(&mut self, round: &Round<'_>, mut found: impl FnMut(Found<'e>)) {
        let text = round.decided;
        let binary = *self
            .binary
            .get_or_insert_with(|| memchr(0, text.get(..BINARY).unwrap_or(text)).is_some());
        let mut counted = 0;
        let mut lines_to = |place: usize| {
            let between = text.get(counted..place).unwrap_or_default();
            self.lines += memchr_iter(b'\n', between).count() as u64;
            counted = place;
            self.lines
        };
        for hit in round.hits {
            let line = (!binary).then(|| lines_to(hit.start) + 1);
            let names = known(self.engine, &mut self.around, round.offset, hit);
            if names.is_empty() {
                continue;
            }
            let spot = Spot { line, offset: round.offset + hit.start as u64 };
            found(Found { names, encoding: hit.encoding.name(), spot });
        }
        if !binary {
            lines_to(text.len());
        }
    }
}

/// The names of what was found, without what is said already: the same in another reading of the
/// same bytes, and secrets inside a value that was found around them.
fn known<'e>(
    engine: &'e Engine<'e>,
    around: &mut Vec<(Range<u64>, usize)>,
    offset: u64,
    hit: &Hit,
) -> Vec<&'e str> {
    let (start, end) = (offset + hit.start as u64, offset + hit.end as u64);
    around.retain(|(range, _)| range.end > start);
    let is_said = |name: &str| {
        let outer = name.split_once('#').map(|(outer, _)| outer);
        around.iter().any(|(range, needle)| {
            engine
                .names(*needle)
                .any(|said| said == name || range.end >= end && outer == Some(said))
        })
    };
    let names = engine.names(hit.needle).filter(|name| !is_said(name)).collect();
    around.push((start..end, hit.needle));
    names
}
