//! What is said of processes: names, states, sources, fingerprints. There is no place for a value.

use crate::manifest::{Shown, SourceRecord};
use serde::Serialize;

/// The version of the form, in every JSON document.
pub const SCHEMA: &str = "nexis-launch/inspect/v1";

/// How a variable of a process stands to what would be resolved now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// The process holds what would be resolved now.
    Current,
    /// It holds something else.
    Stale,
    /// It would get a value now and holds none.
    Missing,
    /// It holds a value and would get none now.
    Unexpected,
    /// It cannot be told.
    Unknown,
}

impl State {
    /// The word in what is shown.
    pub const fn name(self) -> &'static str {
        match self {
            State::Current => "current",
            State::Stale => "stale",
            State::Missing => "missing",
            State::Unexpected => "unexpected",
            State::Unknown => "unknown",
        }
    }
}

/// How a process as a whole stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every variable is current.
    Current,
    /// At least one is stale, missing or unexpected.
    NotCurrent,
    /// None is, and at least one cannot be told.
    Unknown,
}

impl Verdict {
    /// The word in what is shown.
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Current => "current",
            Verdict::NotCurrent => "not current",
            Verdict::Unknown => "unknown",
        }
    }

    /// The verdict over these states.
    pub fn over(states: impl Iterator<Item = State>) -> Verdict {
        states.fold(Verdict::Current, |verdict, state| match (verdict, state) {
            (_, State::Stale | State::Missing | State::Unexpected) => Verdict::NotCurrent,
            (Verdict::Current, State::Unknown) => Verdict::Unknown,
            (verdict, _) => verdict,
        })
    }
}

/// All that was looked into.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// When, UTC, RFC 3339.
    pub time: String,
    /// The contract's name.
    pub contract: Shown,
    /// The id of the fingerprints' key, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint_key_id: Option<String>,
    /// The processes, by number.
    pub processes: Vec<ProcessRecord>,
    /// Processes that may hold something and may not be looked into.
    pub closed: Vec<u32>,
}

/// One process.
#[derive(Clone, Debug, Serialize)]
pub struct ProcessRecord {
    /// Its number.
    pub pid: u32,
    /// Its program's path, or its name in the kernel.
    pub program: Option<Shown>,
    /// The effective user.
    pub uid: Option<u32>,
    /// How it stands.
    pub state: Verdict,
    /// Why it cannot be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Shown>,
    /// The mode that its variables were resolved in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<&'static str>,
    /// Its paths begin at another root, or other mounts, than the inspector's.
    pub other_root: bool,
    /// The variables that it holds or would get.
    pub variables: Vec<VariableRecord>,
}

/// One variable of a process.
#[derive(Clone, Debug, Serialize)]
pub struct VariableRecord {
    /// Its runtime name.
    pub name: &'static str,
    /// How it stands.
    pub state: State,
    /// Whether its value is never shown.
    pub secret: bool,
    /// The names under which the process holds it.
    pub held: Vec<&'static str>,
    /// Where it would come from now.
    pub source: Option<SourceRecord>,
    /// The fingerprint of what would be resolved now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// The fingerprint of what the process holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_fingerprint: Option<String>,
    /// What to know about the state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Shown>,
}

impl Inspection {
    /// How all of it stands.
    pub fn verdict(&self) -> Verdict {
        let all = self.processes.iter().map(|process| match process.state {
            Verdict::Current => State::Current,
            Verdict::NotCurrent => State::Stale,
            Verdict::Unknown => State::Unknown,
        });
        Verdict::over(all.chain(self.closed.iter().map(|_| State::Unknown)))
    }

    /// One JSON document.
    pub fn json(&self) -> String {
        // Strings and numbers only: this cannot fail.
        let mut text = serde_json::to_string(self).unwrap_or_default();
        text.push('\n');
        text
    }
}
