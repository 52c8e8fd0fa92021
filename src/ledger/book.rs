//! What is written in a ledger, read whole.

use super::chain::{self, Chain, Torn};
use super::files::{self, ENDING, Failure, stem};
use super::state::State;
use super::{Record, head};
use crate::error::{Error, Status};
use crate::fingerprint::Key;
use crate::sys::{fs, wait};
use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a line without its end may be one that is just being written.
const PATIENCE: Duration = Duration::from_millis(500);
/// How often it is looked at meanwhile.
const INTERVAL: Duration = Duration::from_millis(20);

/// What is to be done about a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mend {
    /// Find out who wrote to the ledger.
    Compare,
    /// Repair what a crash left.
    Repair,
    /// Keep git from changing line ends.
    LineEnds,
    /// Name the key that it was written under.
    Key,
    /// Let the file be read.
    Permit,
}

impl Mend {
    /// In words.
    const fn hint(self) -> &'static str {
        match self {
            Mend::Compare => {
                "compare with the copy that is kept elsewhere and find out who wrote to the ledger"
            }
            Mend::Repair => {
                "`nexis-launch ledger repair` ends the file before it and keeps the bytes aside"
            }
            Mend::LineEnds => {
                "restore the file, and keep git from changing it: `*.jsonl -text` in .gitattributes"
            }
            Mend::Key => "name the key that the ledger was written under with --ledger-key-file",
            Mend::Permit => "let the user who runs this read the ledger",
        }
    }
}

/// Something that is wrong with a ledger, by file and line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file's name in the directory.
    pub file: String,
    /// The line, from 1; none where it is the file as a whole.
    pub line: Option<usize>,
    /// What is wrong, as `it …` or `its …`.
    pub what: String,
    /// What is to be done.
    pub mend: Mend,
}

impl Fault {
    /// A fault of a whole file.
    pub fn whole(file: &str, what: &str) -> Fault {
        Fault { file: file.to_owned(), line: None, what: what.to_owned(), mend: Mend::Compare }
    }

    /// A fault of one line.
    pub fn line(file: &str, line: usize, what: &str) -> Fault {
        Fault { line: Some(line), ..Fault::whole(file, what) }
    }

    /// As an error: file, line, and what to do.
    pub fn error(&self, dir: &Path) -> Error {
        let path = dir.join(&self.file);
        let place = match self.line {
            Some(line) => format!("{} line {line}", path.display()),
            None => path.display().to_string(),
        };
        let status = if self.mend == Mend::Permit { Status::NoInput } else { Status::Data };
        let message = format!("cannot trust {place}: {}", self.what);
        Error::new(status, message).hint(self.mend.hint())
    }
}

/// The records of every name.
#[derive(Debug, Default)]
pub struct Book {
    chains: BTreeMap<String, Chain>,
    /// Files that are no name's.
    pub others: Vec<String>,
    faults: Vec<Fault>,
}

impl Book {
    /// Reads the ledger at `path`, whatever is wrong with it. With a key all MACs are verified.
    ///
    /// # Errors
    /// [`Status::NoInput`] where there is no such directory.
    pub fn read(path: &Path, key: Option<&Key>) -> Result<Book, Error> {
        let dir = open(path)?;
        Book::read_in(dir.as_fd(), path, key, PATIENCE)
    }

    /// The same of an open directory. Under its lock no patience is needed.
    pub(super) fn read_in(
        dir: BorrowedFd<'_>,
        path: &Path,
        key: Option<&Key>,
        patience: Duration,
    ) -> Result<Book, Error> {
        let listing = files::list(dir).map_err(|errno| unreadable(path, errno))?;
        let mut book = Book { others: listing.others, faults: listing.faults, ..Book::default() };
        for name in listing.names {
            let chain = chain_of(dir, &name, key, patience).unwrap_or_else(|| {
                // It was there when the directory was listed.
                let fault = Failure::Absent.fault(&(stem(&name) + ENDING));
                Chain { fault: Some(fault), ..Chain::default() }
            });
            book.chains.insert(name, chain);
        }
        Ok(book)
    }

    /// One name's part of the ledger in an open directory, not verified; empty where it has none.
    /// A last line without its end is read again for a while: a writer may be at it.
    pub fn of_name(dir: BorrowedFd<'_>, name: &str) -> Book {
        let chain = chain_of(dir, name, None, PATIENCE);
        let chains = chain.map(|chain| (name.to_owned(), chain)).into_iter().collect();
        Book { chains, ..Book::default() }
    }

    /// Everything that is wrong, one fault a file.
    pub fn faults(&self) -> impl Iterator<Item = &Fault> {
        let in_files = self.chains.values().filter_map(|chain| chain.fault.as_ref());
        self.faults.iter().chain(in_files)
    }

    /// What is wrong with the file of a name.
    pub fn fault(&self, name: &str) -> Option<&Fault> {
        self.chains.get(name)?.fault.as_ref()
    }

    /// How many records of a name are whole, one that lacks its end alone with them.
    pub(super) fn whole(&self, name: &str) -> usize {
        let torn = self.chains.get(name).and_then(|chain| chain.torn);
        self.records(name).len() + usize::from(torn.is_some_and(|torn| torn.is_whole))
    }

    /// The book, if nothing is wrong with it.
    ///
    /// # Errors
    /// Every fault.
    pub fn sound(self, path: &Path) -> Result<Book, Vec<Error>> {
        let errors: Vec<Error> = self.faults().map(|fault| fault.error(path)).collect();
        if errors.is_empty() { Ok(self) } else { Err(errors) }
    }

    /// The names, sorted by bytes.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.chains.keys().map(String::as_str)
    }

    /// The records of a name, oldest first; none where it has no file.
    pub fn records(&self, name: &str) -> &[Record] {
        self.chains.get(name).map_or(&[], |chain| chain.records.as_slice())
    }

    /// What holds now of a name; `None` where nothing is recorded.
    pub fn state(&self, name: &str) -> Option<State> {
        let records = self.records(name);
        (!records.is_empty()).then(|| State::of(records))
    }

    /// The names whose values had this fingerprint, whole or as the password inside. Fingerprints
    /// under another key are never equal.
    pub fn names_of(&self, fingerprint: &str, fingerprint_key_id: &str) -> Vec<&str> {
        let is_it = |record: &Record| {
            record.fingerprint_key_id == fingerprint_key_id
                && (record.fingerprint == fingerprint
                    || record.password_fingerprint.as_deref() == Some(fingerprint))
        };
        let found = self.chains.iter().filter(|(_, chain)| chain.records.iter().any(is_it));
        found.map(|(name, _)| name.as_str()).collect()
    }

    /// The torn last lines, by name.
    pub fn torn(&self) -> impl Iterator<Item = (&str, Torn)> {
        self.chains.iter().filter_map(|(name, chain)| Some((name.as_str(), chain.torn?)))
    }

    /// How many records there are.
    pub fn count(&self) -> usize {
        self.chains.values().map(|chain| chain.records.len()).sum()
    }

    /// The head of what is written: one line that covers all files.
    pub fn head(&self, key: &Key) -> String {
        let last = self.chains.iter().filter_map(|(name, chain)| {
            Some((name.as_str(), chain.records.len(), chain.records.last()?.mac.as_str()))
        });
        head::make(key, last)
    }

    /// The head of one name's records. It is as long however many names there are.
    pub fn head_of(&self, name: &str, key: &Key) -> String {
        let records = self.records(name);
        let last = records.last().map(|last| (name, records.len(), last.mac.as_str()));
        head::make(key, last.into_iter())
    }

    /// Adds a record that was just written.
    pub(super) fn push(&mut self, record: Record) {
        self.chains.entry(record.name.clone()).or_default().records.push(record);
    }
}

/// The chain of a name; none where it has no file. A last line without its end is read again for a
/// while.
fn chain_of(
    dir: BorrowedFd<'_>,
    name: &str,
    key: Option<&Key>,
    patience: Duration,
) -> Option<Chain> {
    let deadline = Instant::now() + patience;
    loop {
        let chain = match files::read(dir, name) {
            Ok(bytes) => chain::read(name, &bytes, key),
            Err(Failure::Absent) => return None,
            Err(failure) => {
                let fault = failure.fault(&(stem(name) + ENDING));
                Chain { fault: Some(fault), ..Chain::default() }
            }
        };
        let torn = chain.torn.is_some() && Instant::now() < deadline;
        if !torn || wait::pause(INTERVAL).is_err() {
            return Some(chain);
        }
    }
}

/// Opens the directory.
pub(super) fn open(path: &Path) -> Result<std::os::fd::OwnedFd, Error> {
    files::open(path).map_err(|errno| unreadable(path, errno))
}

fn unreadable(path: &Path, errno: fs::Errno) -> Error {
    let cause = fs::errno_words(errno);
    let error =
        Error::new(Status::NoInput, format!("cannot read the ledger {}: {cause}", path.display()));
    error.hint("name the directory of the ledger; a new one is made with mkdir")
}
