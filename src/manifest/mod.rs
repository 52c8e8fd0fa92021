//! The value-free record of a launch and its two renderings.
//!
//! A [`Manifest`] is made from the very array that is handed to execve(2), and has no place that
//! could hold a value: texts are [`Shown`], which exist only after the guard has looked at them.

mod build;
mod names;
mod shown;
mod text;

pub use build::{About, describe};
pub use names::{List, Names};
pub use shown::{Guard, Shown};

use crate::contract::model::Row;
use crate::finding::{By, Finding};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// The version of the record's form, in every record.
pub const SCHEMA: &str = "nexis-launch/manifest/v1";

/// How a launch ended as far as the launcher knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The program is started next.
    Exec,
    /// The program is started next although there are errors.
    ExecDespiteFindings,
    /// Nothing is started.
    Refused,
    /// Nothing was to be started.
    Checked,
    /// execve(2) failed after a record that said it would be tried.
    Failed,
}

impl Outcome {
    /// The word in manifests.
    pub const fn name(self) -> &'static str {
        match self {
            Outcome::Exec => "exec",
            Outcome::ExecDespiteFindings => "exec-despite-findings",
            Outcome::Refused => "refused",
            Outcome::Checked => "checked",
            Outcome::Failed => "failed",
        }
    }
}

/// The record.
#[derive(Clone, Debug, Serialize)]
pub struct Manifest {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The launch's id: a ULID, shared by all records of one launch.
    pub launch: String,
    /// When, UTC, RFC 3339.
    pub time: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why a launch failed: the name of the error of execve(2), or what could not be done before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What to do about that, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<&'static str>,
    /// The mode in force.
    pub mode: &'static str,
    /// The launcher.
    pub launcher: Launcher,
    /// The contract.
    pub contract: ContractRecord,
    /// The id of the fingerprints' key, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint_key_id: Option<String>,
    /// The operator's labels.
    pub labels: Pairs<Shown>,
    /// The program, where one was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<ProgramRecord>,
    /// What the program's process will be.
    pub process: Process,
    /// The program's streams that are masked, where that was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub masked_output: Vec<&'static str>,
    /// Every runtime variable of the contract.
    pub variables: Vec<Variable>,
    /// Every feature's state.
    pub features: Pairs<&'static str>,
    /// Inherited variables that are passed on.
    pub inherited: Names,
    /// Names of env files that are nothing to the contract and are passed on.
    #[serde(skip_serializing_if = "Names::is_empty")]
    pub env_files: Names,
    /// Inherited names that the launcher consumed.
    pub removed: List,
    /// Inherited names that `--inherit contract` kept back.
    #[serde(skip_serializing_if = "Names::is_empty")]
    pub dropped: Names,
    /// All findings, errors first.
    pub findings: Vec<FindingRecord>,
}

/// The launcher.
#[derive(Clone, Debug, Serialize)]
pub struct Launcher {
    /// Its version.
    pub version: &'static str,
}

/// The contract.
#[derive(Clone, Debug, Serialize)]
pub struct ContractRecord {
    /// Its name.
    pub name: Shown,
    /// The version of its grammar.
    pub version: String,
    /// `builtin`, or the file's path.
    pub origin: Shown,
    /// SHA-256 of its file, or of the digests of the files of its chain, hex.
    pub sha256: &'static str,
}

/// The program.
#[derive(Clone, Debug, Serialize)]
pub struct ProgramRecord {
    /// Its path.
    pub path: Shown,
    /// How many arguments it gets; never the arguments.
    pub arguments: usize,
}

/// What the program's process will be.
#[derive(Clone, Debug, Serialize)]
pub struct Process {
    /// Its id, which the exec keeps.
    pub pid: u32,
    /// Its effective user.
    pub uid: u32,
    /// Its effective group.
    pub gid: u32,
    /// The host's name.
    pub host: Shown,
    /// systemd's id of the unit's run (INVOCATION_ID).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invocation: Option<Shown>,
}

/// A runtime variable. Most are absent: they take two words here, where a record of each would be
/// a quarter of a kilobyte to fill and to move.
#[derive(Clone, Debug)]
pub enum Variable {
    /// It has no value.
    Absent(&'static Row),
    /// Everything else.
    Stated(Box<Stated>),
}

impl Variable {
    /// Its exact name.
    pub const fn name(&self) -> &'static str {
        match self {
            Variable::Absent(row) => row.name,
            Variable::Stated(stated) => stated.name,
        }
    }
}

impl Serialize for Variable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Variable::Absent(row) => {
                let mut fields = serializer.serialize_struct("Stated", 4)?;
                fields.serialize_field("name", row.name)?;
                fields.serialize_field("state", "absent")?;
                fields.serialize_field("secret", &row.secret)?;
                fields.serialize_field("source", &())?;
                fields.end()
            }
            Variable::Stated(stated) => stated.serialize(serializer),
        }
    }
}

/// A runtime variable that is not absent.
#[derive(Clone, Debug, Serialize)]
pub struct Stated {
    /// Its exact name.
    pub name: &'static str,
    /// `delivered`, `generated` or `withheld`.
    pub state: &'static str,
    /// Whether its value is never shown.
    pub secret: bool,
    /// The name it is delivered under, where that is a path's (`NAME_FILE`).
    #[serde(skip_serializing_if = "Option::is_none", rename = "as")]
    pub delivered_as: Option<String>,
    /// One final newline was taken off.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub newline_removed: bool,
    /// Where it came from.
    pub source: Option<SourceRecord>,
    /// Its length in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<usize>,
    /// Its fingerprint, where there is a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// The fingerprints of the secrets inside it, where there is a key.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sub: Vec<SubSecret>,
    /// What may be shown of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display: Option<Shown>,
    /// Why it is withheld.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A source.
#[derive(Clone, Debug, Serialize)]
pub struct SourceRecord {
    /// Its kind.
    pub kind: &'static str,
    /// A variable's name or a file's path.
    pub name: Shown,
}

/// A secret inside a secret.
#[derive(Clone, Debug, Serialize)]
pub struct SubSecret {
    /// `DATABASE_URL#password`.
    pub name: String,
    /// Its fingerprint.
    pub fingerprint: String,
}

/// A finding.
#[derive(Clone, Debug, Serialize)]
pub struct FindingRecord {
    /// Its stable code.
    pub code: &'static str,
    /// `error` or `warning`.
    pub severity: &'static str,
    /// The variable it is about.
    pub variable: Option<Shown>,
    /// The source it is about.
    pub source: Option<SourceRecord>,
    /// What is wrong.
    pub message: Shown,
    /// What to do.
    pub hint: Shown,
    /// Why an error is a warning, and until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<AcceptanceRecord>,
    /// Why a warning may stand, and until when, by the contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<AcceptanceRecord>,
}

/// Why an error is a warning, or a warning known, and until when.
#[derive(Clone, Debug, Serialize)]
pub struct AcceptanceRecord {
    /// The operator's reason.
    pub reason: Shown,
    /// The last day.
    pub until: String,
}

/// Names and values in their order, a JSON object.
#[derive(Clone, Debug)]
pub struct Pairs<T>(pub Vec<(Shown, T)>);

impl<T: Serialize> Serialize for Pairs<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl Manifest {
    /// One line of JSON with its newline.
    pub fn json(&self) -> String {
        // Strings and numbers only: this cannot fail, and an empty line would be seen.
        let mut line = serde_json::to_string(self).unwrap_or_default();
        line.push('\n');
        line
    }

    /// Aligned text; what is absent is left out, findings come last.
    pub fn text(&self) -> String {
        text::render(self, false)
    }

    /// The same for a terminal, states and severities in colours.
    pub fn coloured(&self) -> String {
        text::render(self, true)
    }

    /// The findings alone, as the text form shows them.
    pub fn findings_text(&self) -> String {
        text::findings(self)
    }

    /// The record of a launch that is not to be, because another record could not be written.
    #[must_use]
    pub fn refused(&self) -> Manifest {
        Manifest { outcome: Outcome::Refused, ..self.clone() }
    }

    /// The record of a launch whose execve(2) failed after all.
    #[must_use]
    pub fn failed(&self, error: String, hint: Option<&'static str>) -> Manifest {
        Manifest { outcome: Outcome::Failed, error: Some(error), hint, ..self.clone() }
    }
}

impl FindingRecord {
    /// A finding, every text of it guarded.
    pub fn new(finding: &Finding, guard: Guard<'_>) -> Self {
        let by = |by| {
            let accepted = finding.accepted.as_ref().filter(|accepted| accepted.by == by)?;
            let reason = guard.text(&accepted.reason);
            Some(AcceptanceRecord { reason, until: accepted.until.clone() })
        };
        FindingRecord {
            code: finding.code.name(),
            severity: finding.severity.name(),
            variable: finding.variable.as_ref().map(|name| guard.name(name)),
            source: finding.source.as_ref().map(|source| guard.source(source)),
            message: guard.owned(finding.message()),
            hint: guard.owned(finding.hint()),
            accepted: by(By::CommandLine),
            acknowledged: by(By::Contract),
        }
    }
}
