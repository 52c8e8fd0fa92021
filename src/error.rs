//! Exit statuses, and the one error type: what was done to what, why it failed, what to do.

use std::fmt;

/// The documented exit statuses, in the order in which the first that applies is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// 64: the command line or a `NEXIS_LAUNCH_*` setting is wrong.
    Usage,
    /// 65: a contract, env, ledger or audit file is not valid; a step is out of order.
    Data,
    /// 66: a named file is missing or cannot be read.
    NoInput,
    /// 127: the program was not found.
    NotFound,
    /// 126: the program was found and cannot be executed.
    NotExecutable,
    /// 78: the contract is not met.
    NotMet,
    /// 75: trying again may help.
    Temporary,
    /// 77: privileges could not be dropped.
    NoPermission,
    /// 73: a required manifest or audit line could not be written.
    CannotWrite,
    /// 70: a fault of the launcher itself.
    Software,
    /// 1: `health` found no healthy program, `inspect` a process that is not current, `contract
    /// diff` a looser contract, `rotate status` something overdue; a command of `rotate verify` failed.
    Unhealthy,
    /// 1: `leak` found something.
    Found,
    /// 2: `inspect` could not tell; `leak` found nothing and could not look at all there is.
    Undecided,
    /// 0: nothing wrong.
    Success,
}

impl Status {
    /// The number that the process ends with.
    pub const fn number(self) -> i32 {
        match self {
            Status::Usage => 64,
            Status::Data => 65,
            Status::NoInput => 66,
            Status::NotFound => 127,
            Status::NotExecutable => 126,
            Status::NotMet => 78,
            Status::Temporary => 75,
            Status::NoPermission => 77,
            Status::CannotWrite => 73,
            Status::Software => 70,
            Status::Unhealthy | Status::Found => 1,
            Status::Undecided => 2,
            Status::Success => 0,
        }
    }
}

/// Why a command ends without its result. Holds names and causes, never a value of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The exit status.
    pub status: Status,
    /// Verb, object, cause; lower case, no full stop.
    pub message: String,
    /// What to do, without the word `hint`.
    pub hint: Option<String>,
}

impl Error {
    /// An error with this status and message.
    pub fn new(status: Status, message: impl Into<String>) -> Self {
        Error { status, message: message.into(), hint: None }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
