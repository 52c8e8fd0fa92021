//! Findings: what validation says, as facts that cannot hold a value.
//!
//! A finding is made of a code, a variable's name, the name of a source and a [`Fact`]: numbers,
//! names and fixed words. The text for people is rendered from those alone.

mod code;
mod fact;
mod provider;

pub use code::{Code, Severity};
pub use fact::Fact;
pub use provider::{Failure, Kept, Trouble};

use crate::error::Status;
use crate::source::Source;
use std::borrow::Cow;

/// One thing that validation says.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Its stable code.
    pub code: Code,
    /// Whether it stops the launch.
    pub severity: Severity,
    /// The variable it is about, if any.
    pub variable: Option<Cow<'static, str>>,
    /// The source it is about, if any.
    pub source: Option<Source>,
    /// The particulars.
    pub fact: Fact,
    /// Set where `--accept` turned an error into a warning, or where the contract acknowledges a
    /// warning: reason and last day.
    pub accepted: Option<Acceptance>,
}

/// Who took a finding on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// `--accept`: an error is a warning.
    CommandLine,
    /// The contract's policy: a warning is known.
    Contract,
    /// The contract's policy, until a day that is past: the warning stands.
    Ended,
}

/// Why an error is a warning, or a warning known, until a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// The operator's reason.
    pub reason: String,
    /// The last day, `YYYY-MM-DD`.
    pub until: String,
    /// Who did.
    pub by: By,
}

impl Finding {
    /// A finding about nothing in particular.
    pub fn new(code: Code, severity: Severity, fact: Fact) -> Self {
        Finding { code, severity, variable: None, source: None, fact, accepted: None }
    }

    /// One that stops the launch.
    pub fn error(code: Code, fact: Fact) -> Self {
        Finding::new(code, Severity::Error, fact)
    }

    /// The same finding about a variable.
    pub fn about(self, variable: impl Into<Cow<'static, str>>) -> Self {
        Finding { variable: Some(variable.into()), ..self }
    }

    /// The same finding about a source.
    pub fn of(self, source: Source) -> Self {
        Finding { source: Some(source), ..self }
    }

    /// The exit status that it leads to as an error.
    pub fn status(&self) -> Status {
        match &self.fact {
            Fact::Provider(failure) => failure.status(),
            _ => self.code.status(),
        }
    }

    /// Whether nothing may be started in spite of it: something that would be seen by the program,
    /// or see it, is still there.
    pub fn forbids_start(&self) -> bool {
        matches!(&self.fact, Fact::Provider(Failure { trouble: Trouble::NotEnded, .. }))
    }

    /// What is wrong: lower case, no full stop, names only.
    pub fn message(&self) -> String {
        let message = self.fact.message(self);
        match &self.accepted {
            Some(Acceptance { by: By::Ended, until, .. }) => {
                format!("{message}; its acknowledgement ended on {until}")
            }
            _ => message,
        }
    }

    /// Whether it is a warning that the contract acknowledges.
    pub fn is_acknowledged(&self) -> bool {
        self.accepted.as_ref().is_some_and(|accepted| accepted.by == By::Contract)
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        self.fact.hint(self)
    }
}
