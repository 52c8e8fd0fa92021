//! The only place that reads the world: environment, secret files, credentials, env files.
//!
//! What it yields is a [`Snapshot`]: every candidate of every row, read once. It knows where
//! values are, not what they have to look like.

mod accounts;
mod directory;
mod dotenv;
mod env_file;
mod environ;
pub mod file;
pub mod given;
mod names_index;
mod permissions;
mod reader;
mod references;

pub use accounts::{Account, Accounts};
pub use env_file::{Entry, Wrong, parse as parse_env_file};
pub use environ::{is_service_link, split, split_entry};
pub use permissions::{judge_path, judge_program};
pub use reader::{Request, take};

use crate::contract::model::{Known, RowId};
use crate::finding::{Code, Fact};
use crate::secret::Secret;
use names_index::NamesIndex;
use std::borrow::Cow;
use std::ffi::CStr;
use std::fmt;
use std::path::PathBuf;

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceKind {
    /// The inherited environment.
    Env,
    /// A file named by a `*_FILE` variable.
    File,
    /// A systemd credential.
    Credential,
    /// A file in a secrets directory.
    SecretsDir,
    /// A line of an env file.
    EnvFile,
    /// A provider command.
    Provider,
    /// Composed from parts.
    Template,
    /// The contract's default.
    Default,
    /// Generated for this process.
    Generator,
    /// The mode's canonical name.
    Mode,
    /// Follows from `--user`.
    User,
}

impl SourceKind {
    /// The word in manifests.
    pub const fn name(self) -> &'static str {
        match self {
            SourceKind::Env => "env",
            SourceKind::File => "file",
            SourceKind::Credential => "credential",
            SourceKind::SecretsDir => "secrets-dir",
            SourceKind::EnvFile => "env-file",
            SourceKind::Provider => "provider",
            SourceKind::Template => "template",
            SourceKind::Default => "default",
            SourceKind::Generator => "generator",
            SourceKind::Mode => "mode",
            SourceKind::User => "user",
        }
    }
}

/// A source: its kind, and the variable's name or the file's path (with `:line` in an env file).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The kind.
    pub kind: SourceKind,
    /// The name; bytes that are not UTF-8 replaced, control characters as they are (whoever
    /// shows it escapes them).
    pub name: Cow<'static, str>,
}

impl Source {
    /// A source of this kind and name.
    pub fn new(kind: SourceKind, name: impl Into<Cow<'static, str>>) -> Self {
        Source { kind, name: name.into() }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.name(), self.name)
    }
}

/// What one source holds for one row.
#[derive(Debug)]
pub struct Candidate {
    /// The source.
    pub source: Source,
    /// Its place in the order of the interface's section 3; the smaller wins.
    pub rank: Rank,
    /// The bytes as they are there, or why they could not be had.
    pub content: Result<Secret, (Code, Fact)>,
    /// The file behind the value, absolute, for rows that are delivered as a file.
    pub path: Option<PathBuf>,
}

/// A candidate's place: first the step of section 3 (1 a `_FILE` reference … 6 an env file), then
/// the place within the step.
pub type Rank = (u8, u16);

/// Something that was seen while reading and that is a finding whatever the values are.
#[derive(Debug)]
pub struct Observation {
    /// The code it is a finding of.
    pub code: Code,
    /// The row, if it is about one.
    pub row: Option<RowId>,
    /// The source, if it is about one.
    pub source: Option<Source>,
    /// The particulars.
    pub fact: Fact,
}

/// One inherited `NAME=VALUE`.
#[derive(Clone, Copy)]
pub struct Inherited {
    /// The whole entry as it was inherited; passed on by pointer, never copied.
    pub entry: &'static CStr,
    /// The name's length in bytes.
    pub name_len: usize,
    /// What the name is to the launcher.
    pub kind: InheritedKind,
}

/// What an inherited name is to the launcher.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum InheritedKind {
    /// Nothing: it is passed on or not, as `--inherit` says.
    Other,
    /// A name of the contract.
    Known(Known),
    /// A `NEXIS_LAUNCH_*` setting: never passed on.
    Setting,
    /// Injected by Kubernetes for a service: never a setting, alias or part.
    ServiceLink,
    /// A second entry of a name: never passed on.
    Repeated,
    /// No `=`, or nothing before it: passed on untouched, shown nowhere.
    Malformed,
}

impl Inherited {
    /// The name; empty for a malformed entry.
    pub fn name(&self) -> &'static [u8] {
        self.entry.to_bytes().get(..self.name_len).unwrap_or_default()
    }

    /// The value; empty for a malformed entry.
    pub fn value(&self) -> &'static [u8] {
        self.entry.to_bytes().get(self.name_len + 1..).unwrap_or_default()
    }
}

/// The name alone: any inherited value may be a secret.
impl fmt::Debug for Inherited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inherited")
            .field("name", &String::from_utf8_lossy(self.name()))
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// A name of an env file that belongs to no row and is passed on.
#[derive(Debug)]
pub struct Extra {
    /// The name.
    pub name: String,
    /// The value.
    pub value: Secret,
    /// The file and line.
    pub source: Source,
    /// Whether the inherited environment has the name, which stands above it.
    pub shadowed: bool,
}

/// What the world looked like, read once.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Every inherited entry, in its order.
    pub inherited: Vec<Inherited>,
    /// The candidates of each row (by row index) of steps 1 to 6, by rank.
    pub candidates: Vec<Vec<Candidate>>,
    /// Other names of env files, each once: the last line of the last file that has it.
    pub extras: Vec<Extra>,
    /// What was seen on the way.
    pub observations: Vec<Observation>,
    /// The directories and files that were looked at, for `explain` and the log.
    pub visited: Vec<PathBuf>,
}

impl Snapshot {
    /// Notes which other names of env files the inherited environment has too.
    fn shadow(&mut self) {
        if self.extras.is_empty() {
            return;
        }
        let mut names = NamesIndex::new(self.inherited.len());
        for entry in &self.inherited {
            names.insert(entry.name(), 0);
        }
        for extra in &mut self.extras {
            extra.shadowed = names.contains(extra.name.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests;
