//! What can become of a provider, in numbers and fixed words. Nothing of its answer is in it.

use crate::error::Status;
use std::path::PathBuf;

/// A provider that gave no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The provider's name.
    pub provider: &'static str,
    /// Why.
    pub trouble: Trouble,
    /// How many bytes it wrote to its standard error.
    pub stderr: u64,
    /// What became of them, if they were to be kept.
    pub kept: Option<Kept>,
}

/// What became of a provider's standard error that was to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// This file has so many bytes of it, the first ones.
    In(PathBuf, u64),
    /// This file could not be made or not be written to the end, and why.
    Failed(PathBuf, String),
}

/// Why a provider gave no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Its program is missing or cannot be executed.
    NotExecutable(&'static str),
    /// It cannot run as its user.
    User(&'static str),
    /// It could not be started for want of something.
    NotStarted(&'static str),
    /// It ended with this status.
    Status(i32),
    /// This signal ended it.
    Signal(i32),
    /// It did not end within so many milliseconds.
    TimedOut(u32),
    /// It ended, and what it started kept its output open for so many milliseconds.
    KeptOpen(u32),
    /// What it wrote could not be read.
    NotRead(&'static str),
    /// It wrote more than so many bytes.
    TooMuch(usize),
    /// It wrote nothing, or white space alone.
    Empty,
    /// What it wrote is no JSON document.
    NotJson,
    /// This line of what it wrote is not NAME=VALUE.
    NotALine(usize),
    /// There is nothing at the row's pointer.
    Nothing,
    /// What is there is no string.
    NotText,
    /// The name stands there twice.
    Twice,
    /// Something that it started could not be ended.
    NotEnded,
}

impl Trouble {
    /// Whether another attempt of the same launch is of no use.
    pub fn is_lasting(self) -> bool {
        matches!(self, Trouble::NotExecutable(_) | Trouble::User(_) | Trouble::NotEnded)
    }

    fn words(self) -> String {
        match self {
            Trouble::NotExecutable(why) => format!("its program cannot be executed: {why}"),
            Trouble::User(why) => format!("it cannot run as its user: {why}"),
            Trouble::NotStarted(why) => format!("it could not be started: {why}"),
            Trouble::Status(status) => format!("it ended with status {status}"),
            Trouble::Signal(signal) => format!("signal {signal} ended it"),
            Trouble::TimedOut(time) => format!("it did not end within {time} ms"),
            Trouble::KeptOpen(time) => format!(
                "it ended, and a process that it started kept its output open for {time} ms"
            ),
            Trouble::NotRead(why) => format!("its answer could not be read: {why}"),
            Trouble::TooMuch(most) => format!("it wrote more than {most} bytes"),
            Trouble::Empty => "its answer is empty".to_owned(),
            Trouble::NotJson => "its answer is not JSON".to_owned(),
            Trouble::NotALine(line) => format!("line {line} of its answer is not NAME=VALUE"),
            Trouble::Nothing => "its answer has nothing at the pointer".to_owned(),
            Trouble::NotText => "what its answer has there is no string".to_owned(),
            Trouble::Twice => "its answer has the name twice".to_owned(),
            Trouble::NotEnded => "a process that it started could not be ended".to_owned(),
        }
    }
}

impl Failure {
    /// The exit status of the finding: trying again does not help where the program is missing.
    pub(super) fn status(&self) -> Status {
        match self.trouble {
            Trouble::NotExecutable(_) | Trouble::User(_) => Status::NotMet,
            _ => Status::Temporary,
        }
    }

    pub(super) fn message(&self, variable: &str) -> String {
        format!("cannot get {variable} from provider {}: {}", self.provider, self.trouble.words())
    }

    pub(super) fn hint(&self, mend: &str) -> String {
        match (self.stderr, &self.kept) {
            (0, _) => mend.to_owned(),
            (bytes, Some(Kept::In(path, kept))) if kept == &bytes => format!(
                "what it wrote to its standard error ({bytes} bytes) is in {}",
                path.display()
            ),
            (bytes, Some(Kept::In(path, kept))) => format!(
                "of the {bytes} bytes that it wrote to its standard error the first {kept} are in {}",
                path.display()
            ),
            (bytes, Some(Kept::Failed(path, why))) => format!(
                "it wrote {bytes} bytes to its standard error, which {} does not have in whole: {why}",
                path.display()
            ),
            (bytes, None) => format!(
                "it wrote {bytes} bytes to its standard error, which is not shown; \
                 --provider-stderr DIR keeps them"
            ),
        }
    }
}
