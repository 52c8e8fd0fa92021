//! The findings of `check` for other tools: SARIF 2.1.0 and GitHub's workflow commands.

pub mod deployment;

use crate::finding::Code;
use crate::manifest::{FindingRecord, Manifest};
use serde_json::json;
use std::fmt::Write as _;

/// A finding as other tools take it.
struct Item<'a> {
    code: &'a str,
    severity: &'a str,
    variable: Option<&'a str>,
    message: &'a str,
    hint: &'a str,
    path: Option<&'a str>,
    line: Option<u32>,
    /// Why it may stand, where the contract acknowledges it.
    acknowledged: Option<&'a str>,
}

impl<'a> From<&'a FindingRecord> for Item<'a> {
    fn from(finding: &'a FindingRecord) -> Self {
        Item {
            code: finding.code,
            severity: finding.severity,
            variable: finding.variable.as_ref().map(|name| name.as_str()),
            message: finding.message.as_str(),
            hint: finding.hint.as_str(),
            path: file_of(finding),
            line: None,
            acknowledged: finding.acknowledged.as_ref().map(|it| it.reason.as_str()),
        }
    }
}

/// The findings as a SARIF log (OASIS SARIF 2.1.0), one run, one result a finding.
pub fn sarif(manifest: &Manifest) -> String {
    sarif_of(manifest.findings.iter().map(Item::from), manifest.launcher.version)
}

fn sarif_of<'a>(items: impl Iterator<Item = Item<'a>>, version: &str) -> String {
    let rules: Vec<_> = Code::ALL
        .iter()
        .map(|code| {
            json!({
                "id": code.name(),
                "shortDescription": {"text": code.cause()},
                "help": {"text": code.mend()},
            })
        })
        .collect();
    let results: Vec<_> = items.map(|item| result(&item)).collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "nexis-launch",
                "version": version,
                "rules": rules,
            }},
            "results": results,
        }],
    });
    format!("{log:#}\n")
}

fn result(finding: &Item<'_>) -> serde_json::Value {
    let mut result = json!({
        "ruleId": finding.code,
        "level": finding.severity,
        "message": {"text": format!("{}; {}", finding.message, finding.hint)},
    });
    if let (Some(reason), Some(object)) = (finding.acknowledged, result.as_object_mut()) {
        let suppressed = json!([{"kind": "external", "justification": reason}]);
        object.insert("suppressions".to_owned(), suppressed);
    }
    let mut location = serde_json::Map::new();
    if let Some(variable) = finding.variable {
        location
            .insert("logicalLocations".to_owned(), json!([{"name": variable, "kind": "variable"}]));
    }
    if let Some(path) = finding.path {
        let mut physical = json!({"artifactLocation": {"uri": uri(path)}});
        if let (Some(line), Some(object)) = (finding.line, physical.as_object_mut()) {
            object.insert("region".to_owned(), json!({"startLine": line}));
        }
        location.insert("physicalLocation".to_owned(), physical);
    }
    if let (false, Some(object)) = (location.is_empty(), result.as_object_mut()) {
        object.insert("locations".to_owned(), json!([location]));
    }
    result
}

/// The path of a finding's source, where it is a file.
fn file_of(finding: &FindingRecord) -> Option<&str> {
    let source = finding.source.as_ref()?;
    matches!(source.kind, "file" | "credential" | "secrets-dir" | "env-file")
        .then(|| source.name.as_str())
}

/// A path as a relative or absolute URI reference (RFC 3986 section 4.1).
pub(crate) fn uri(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// The findings as GitHub's workflow commands, one line each.
pub fn github(manifest: &Manifest) -> String {
    github_of(manifest.findings.iter().map(Item::from))
}

fn github_of<'a>(items: impl Iterator<Item = Item<'a>>) -> String {
    let mut out = String::new();
    for finding in items {
        let level = if finding.acknowledged.is_some() { "notice" } else { finding.severity };
        let _ = write!(out, "::{level} title={}", property(finding.code));
        if let Some(path) = finding.path {
            let _ = write!(out, ",file={}", property(path));
        }
        if let Some(line) = finding.line {
            let _ = write!(out, ",line={line}");
        }
        let _ =
            writeln!(out, "::{}", data(&format!("{} (hint: {})", finding.message, finding.hint)));
    }
    out
}

/// Escapes a workflow command's message.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a workflow command's property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
