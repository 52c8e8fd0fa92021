//! What `check --deployment` found, as text, JSON, SARIF and GitHub's workflow commands.

use super::{Item, github_of, sarif_of};
use crate::deployment::{Findings, Place};
use crate::output::escape;
use serde::Serialize;
use std::fmt::Write as _;

/// The version of the JSON form; `schemas/deployment.schema.json` describes it.
const SCHEMA: &str = "nexis-launch/deployment/v1";

/// All that was found. Holds names, lines and fixed words.
#[derive(Debug, Serialize)]
pub struct Report {
    schema: &'static str,
    launcher: Launcher,
    contract: Held,
    files: Vec<String>,
    checked: Vec<Checked>,
    unseen: Vec<Unseen>,
    findings: Vec<Found>,
}

#[derive(Debug, Serialize)]
struct Launcher {
    version: &'static str,
}

/// The contract that the files were held against.
#[derive(Debug, Serialize)]
pub struct Held {
    /// Its name.
    pub name: &'static str,
    /// `builtin`, or the file's path.
    pub origin: String,
    /// As in a manifest.
    pub sha256: &'static str,
}

#[derive(Debug, Serialize)]
struct Checked {
    kind: &'static str,
    file: String,
    line: u32,
    mode: &'static str,
}

#[derive(Debug, Serialize)]
struct Unseen {
    file: String,
    line: u32,
    what: &'static str,
    variables: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
struct Found {
    code: &'static str,
    severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    variable: Option<String>,
    file: String,
    line: u32,
    message: String,
    hint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledged: Option<Known>,
}

/// Why a warning may stand, and until when, by the contract.
#[derive(Debug, Serialize)]
struct Known {
    reason: String,
    until: String,
}

impl Report {
    /// The report of what was found.
    pub fn new(contract: Held, found: &Findings) -> Self {
        let files: Vec<String> =
            found.files.iter().map(|path| escape(&path.to_string_lossy()).into_owned()).collect();
        let file = |at: Place| files.get(at.file).cloned().unwrap_or_default();
        let checked = found.checked.iter().map(|one| Checked {
            kind: one.kind,
            file: file(one.at),
            line: one.at.line,
            mode: one.mode.name(),
        });
        let unseen = found.unseen.iter().map(|one| Unseen {
            file: file(one.at),
            line: one.at.line,
            what: one.what,
            variables: one.variables.clone(),
        });
        let findings = found.findings.iter().map(|one| Found {
            code: one.finding.code.name(),
            severity: one.finding.severity.name(),
            variable: one.finding.variable.as_ref().map(|name| escape(name).into_owned()),
            file: file(one.at),
            line: one.at.line,
            message: escape(&one.finding.message()).into_owned(),
            hint: escape(&one.finding.hint()).into_owned(),
            acknowledged: one
                .finding
                .accepted
                .as_ref()
                .filter(|_| one.finding.is_acknowledged())
                .map(|it| Known {
                    reason: escape(&it.reason).into_owned(),
                    until: it.until.clone(),
                }),
        });
        Report {
            schema: SCHEMA,
            launcher: Launcher { version: env!("CARGO_PKG_VERSION") },
            contract,
            checked: checked.collect(),
            unseen: unseen.collect(),
            findings: findings.collect(),
            files,
        }
    }

    fn items(&self) -> impl Iterator<Item = Item<'_>> {
        self.findings.iter().map(|found| Item {
            code: found.code,
            severity: found.severity,
            variable: found.variable.as_deref(),
            message: &found.message,
            hint: &found.hint,
            path: Some(&found.file),
            line: Some(found.line),
            acknowledged: found.acknowledged.as_ref().map(|known| &*known.reason),
        })
    }

    /// For people: a finding's first line begins as compilers' do, `FILE:LINE: severity: code: …`.
    pub fn text(&self) -> String {
        let mut out = String::new();
        // What is acknowledged is counted.
        let said = || self.findings.iter().filter(|found| found.acknowledged.is_none());
        for Found { code, severity, file, line, message, hint, .. } in said() {
            let _ = writeln!(out, "{file}:{line}: {severity}: {code}: {message}");
            let _ = writeln!(out, "    hint: {hint}");
        }
        for Unseen { file, line, what, variables } in &self.unseen {
            let _ = write!(out, "{file}:{line}: note: {what} is not among the files");
            let _ = match variables.as_slice() {
                [] => writeln!(out),
                names => writeln!(out, " and has to supply {}", names.join(", ")),
            };
        }
        let _ = writeln!(out, "checked    {}", self.checked.len());
        for Checked { kind, file, line, mode } in &self.checked {
            let _ = writeln!(out, "  {kind} {file}:{line} in {mode}");
        }
        let count = |severity| said().filter(|found| found.severity == severity).count();
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        let (errors, warnings) = (count("error"), count("warning"));
        let _ = write!(
            out,
            "findings   {errors} error{}, {warnings} warning{}",
            plural(errors),
            plural(warnings)
        );
        let _ = match self.findings.len() - errors - warnings {
            0 => writeln!(out),
            known => writeln!(out, ", {known} acknowledged"),
        };
        out
    }

    /// For machines, one line.
    pub fn json(&self) -> String {
        // Text and numbers do not fail to serialize.
        serde_json::to_string(self).map_or_else(|_| String::new(), |text| format!("{text}\n"))
    }

    /// As a SARIF log.
    pub fn sarif(&self) -> String {
        sarif_of(self.items(), self.launcher.version)
    }

    /// As GitHub's workflow commands.
    pub fn github(&self) -> String {
        github_of(self.items())
    }
}
