//! Differences in words, and as JSON.

use super::super::model::{Contract, Origin};
use super::super::show::Tree;
use super::{Change, Diff, Direction};
use crate::output::escape;
use serde_json::json;
use std::fmt::Write as _;

/// The version of the JSON form.
const SCHEMA: &str = "nexis-launch/contract-diff/v1";

/// A value on one line.
pub(super) fn of(tree: &Tree) -> String {
    match tree {
        Tree::Bool(value) => value.to_string(),
        Tree::Integer(value) => value.to_string(),
        Tree::Text(value) => (*value).to_owned(),
        Tree::List(list) => {
            let all: Vec<String> = list.iter().map(of).collect();
            format!("[{}]", all.join(", "))
        }
        Tree::Map(map) => {
            let all: Vec<String> =
                map.iter().map(|(key, value)| format!("{key}: {}", of(value))).collect();
            format!("{{{}}}", all.join(", "))
        }
    }
}

impl Diff {
    /// One line a change, then what it comes to.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for change in &self.changes {
            let _ = writeln!(text, "{}", escape(&line(change)));
        }
        let count = |direction| self.changes.iter().filter(|it| it.direction == direction).count();
        let counted = [Direction::Looser, Direction::Different, Direction::Stricter];
        let counts = counted.map(|direction| (count(direction), direction.name()));
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        let counts: Vec<String> = counts.map(|(count, word)| format!("{count} {word}")).collect();
        let [a, b] = [self.a, self.b].map(name);
        let _ = match counts.as_slice() {
            [] => writeln!(text, "{b} demands the same as {a}"),
            _ if self.is_looser() => {
                writeln!(text, "{b} is looser than {a}: {}", counts.join(", "))
            }
            _ => writeln!(text, "{b} is stricter than {a}: {}", counts.join(", ")),
        };
        text
    }

    /// The same for machines, by `schemas/contract-diff.schema.json`.
    pub fn json(&self) -> String {
        let side = |contract: &Contract| json!({"name": contract.name, "origin": origin(contract), "sha256": contract.sha256});
        let changes = self.changes.iter().map(|change| {
            json!({
                "subject": change.subject,
                "key": change.key,
                "a": change.a,
                "b": change.b,
                "direction": change.direction.name(),
            })
        });
        let stricter = self.changes.iter().any(|it| it.direction == Direction::Stricter);
        let verdict = match stricter {
            _ if self.is_looser() => "looser",
            true => "stricter",
            false => "same",
        };
        let diff = json!({
            "schema": SCHEMA,
            "verdict": verdict,
            "a": side(self.a),
            "b": side(self.b),
            "changes": changes.collect::<Vec<_>>(),
        });
        format!("{diff}\n")
    }
}

/// Where the contract came from, for machines.
pub(in crate::contract) fn origin(contract: &Contract) -> String {
    match contract.origin {
        Origin::Builtin => "builtin".to_owned(),
        Origin::File(path) => escape(path).into_owned(),
    }
}

fn name(contract: &Contract) -> String {
    match contract.origin {
        Origin::Builtin => format!("builtin:{}", contract.name),
        Origin::File(path) => escape(path).into_owned(),
    }
}

/// `JWT_SECRET: min_bytes 32 → 48 (stricter)`.
fn line(change: &Change) -> String {
    let key = change.key.as_deref().unwrap_or_default();
    let space = if key.is_empty() { "" } else { " " };
    let what = match (&change.a, &change.b) {
        (Some(a), Some(b)) => format!("{key}{space}{a} → {b}"),
        (Some(a), None) if a.is_empty() => format!("{key}{space}removed"),
        (None, Some(b)) if b.is_empty() => format!("{key}{space}added"),
        (Some(a), None) => format!("{key}{space}{a} removed"),
        (None, Some(b)) => format!("{key}{space}{b} added"),
        (None, None) => format!("{key}{space}changed"),
    };
    let direction = match change.direction {
        Direction::Neutral => String::new(),
        other => format!(" ({})", other.name()),
    };
    format!("{}: {what}{direction}", change.subject)
}
