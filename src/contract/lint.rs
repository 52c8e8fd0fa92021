//! What is allowed in a contract and probably not meant. Nothing here stops a launch: what is
//! wrong is refused when the contract is read.

use super::diff::origin;
use super::load::load_with_base;
use super::model::{Condition, Contract, Format, Kind, List, Origin, Row, Test};
use super::severity::{Lowered, lowered};
use super::words;
use crate::error::Error;
use crate::nearest::nearest;
use crate::output::escape;
use serde_json::json;
use std::path::Path;

/// The version of the JSON form; `schemas/contract-lint.schema.json` describes it.
const SCHEMA: &str = "nexis-launch/contract-lint/v1";

/// A contract, and what of it is probably not meant.
#[derive(Debug)]
pub struct Linted {
    contract: &'static Contract,
    /// By line; 0 is that of no row.
    found: Vec<(u32, String)>,
}

impl Linted {
    /// A line for each thing.
    pub fn lines(&self) -> Vec<String> {
        let line = |(line, words): &(u32, String)| match line {
            0 => words.clone(),
            line => format!("line {line}: {words}"),
        };
        self.found.iter().map(line).collect()
    }

    /// The same for machines.
    pub fn json(&self) -> String {
        let contract = self.contract;
        let problem = |(line, words): &(u32, String)| {
            let (message, hint) = match words.split_once("; ") {
                Some((message, hint)) => (message, Some(hint)),
                None => (words.as_str(), None),
            };
            let line = Some(line).filter(|&&line| line > 0);
            json!({"severity": "warning", "line": line, "message": message, "hint": hint})
        };
        let told = json!({
            "schema": SCHEMA,
            "contract": {
                "name": contract.name,
                "origin": origin(contract),
                "sha256": contract.sha256,
            },
            "problems": self.found.iter().map(problem).collect::<Vec<_>>(),
        });
        format!("{told}\n")
    }
}

/// What machines get of a contract that is refused: each error's message holds all that is wrong
/// with it, with the lines.
pub fn refused(errors: &[Error]) -> String {
    let problem = |error: &Error| {
        let (message, hint) = (escape(&error.message), error.hint.as_deref().map(escape));
        json!({"severity": "error", "line": null, "message": message, "hint": hint})
    };
    let problems: Vec<_> = errors.iter().map(problem).collect();
    format!("{}\n", json!({"schema": SCHEMA, "contract": null, "problems": problems}))
}

/// Reads the contract at `path` and says what is probably not meant, by line.
///
/// # Errors
/// As [`load`](super::load): status 66 where a file is missing, 65 where one is not valid.
pub fn lint(path: &Path) -> Result<Linted, Error> {
    let (contract, base) = load_with_base(path)?;
    let mut lint = Lint { contract, found: Vec::new() };
    for (_, row) in contract.rows() {
        // A row that is inherited untouched is the extended contract's own affair.
        if row.line > 0 || contract.origin == Origin::Builtin {
            lint.row(row);
        }
        // Of a row that is extended only the extended contract can have lowered anything, and the
        // built-in has done so on purpose.
        let extended = base.is_some_and(|base| base.rows.iter().any(|it| it.name == row.name));
        if contract.origin != Origin::Builtin && !extended {
            let found = lowered(row.severity.0, &contract.policy);
            let words = found.iter().map(Lowered::words);
            lint.found
                .extend(words.map(|words| (row.line, format!("{} lowers {words}", row.name))));
        }
    }
    for (index, feature) in (0u16..).zip(contract.features.0) {
        if !contract.rows.iter().any(|row| row.feature.is_some_and(|id| id.0 == index)) {
            lint.say(0, format!("feature {}: no variable belongs to it", feature.name));
        }
        if feature.on.is_none() && feature.off.is_none() {
            lint.say(0, format!("feature {}: nothing switches it", feature.name));
        }
        let conditions = feature.on.iter().chain(&feature.off).chain(feature.conflicts);
        conditions.for_each(|one| lint.condition(0, one));
    }
    for (index, provider) in (0u16..).zip(contract.providers) {
        let feeds = |row: &Row| row.fetch.is_some_and(|fetch| fetch.provider.0 == index);
        if !contract.rows.iter().any(feeds) {
            lint.say(0, format!("provider {}: no variable comes from it", provider.name));
        }
    }
    for rule in contract.rules {
        lint.condition(0, &rule.when);
    }
    lint.policy();
    lint.found.sort();
    lint.found.dedup();
    Ok(Linted { contract, found: lint.found })
}

struct Lint {
    contract: &'static Contract,
    found: Vec<(u32, String)>,
}

impl Lint {
    fn say(&mut self, line: u32, words: String) {
        self.found.push((line, words));
    }

    /// What is odd about the policy.
    fn policy(&mut self) {
        let contract = self.contract;
        let policy = &contract.policy;
        let of_rows = |class: &str| contract.rows.iter().any(|row| row.class == Some(class));
        for (class, _) in policy.rotation.iter().filter(|(class, _)| !of_rows(class)) {
            // Keys that no variable holds have classes too; a slip is near one that is known.
            let known = contract.rows.iter().filter_map(|row| row.class);
            if let Some(near) = nearest(class, known) {
                let words = format!("policy: no variable is of class {class}; {near} is one");
                self.say(0, words);
            }
        }
        let needed = |row: &Row| !row.required.is_empty() || row.required_when.is_some();
        for row in contract.rows.iter().filter(|row| policy.forbids(row.name.as_bytes())) {
            let what = match row {
                _ if needed(row) => "required",
                Row { default: Some(_), .. } => "given a default",
                Row { generate: Some(_), .. } => "generated",
                _ => continue,
            };
            self.say(row.line, format!("{} is forbidden and {what}", row.name));
        }
        for feature in
            policy.features_off.iter().filter_map(|id| contract.features.get(usize::from(id.0)))
        {
            for row in contract.rows.iter().filter(|row| needed(row)) {
                let own = row.feature.and_then(|id| contract.features.get(usize::from(id.0)));
                if own.is_some_and(|own| own.name == feature.name) {
                    let words = format!("{} is required and of a feature that is off", row.name);
                    self.say(row.line, words);
                }
            }
        }
    }

    /// What is odd about one row.
    fn row(&mut self, row: &'static Row) {
        let name = row.name;
        let mut say = |words: &str| self.found.push((row.line, format!("{name} {words}")));
        if row.purpose.is_empty() {
            say("has no purpose, so `contract docs` cannot say what it is for");
        }
        if row.read_by.is_empty() && !row.part {
            say("has no read_by, so `contract docs` cannot say who reads it");
        }
        if row.secret && row.class.is_none() {
            say("is a secret without a class, so no rotation window applies");
        }
        let least = row.format.min_bytes;
        let Format { kind: Kind::Text { .. }, prefix, .. } = row.format else {
            return self.rest(row);
        };
        if row.secret && least.is_none() && !row.part {
            say("is a secret of any length; min_bytes would refuse short ones");
        }
        if let (Some(prefix), Some(most)) = (prefix, row.format.max_bytes)
            && usize::try_from(most).is_ok_and(|most| prefix.len() > most)
        {
            say("has a prefix longer than max_bytes, so no value is allowed");
        }
        self.rest(row);
    }

    /// What is odd whatever the format.
    fn rest(&mut self, row: &'static Row) {
        let name = row.name;
        if row.part
            && !self
                .contract
                .rows
                .iter()
                .any(|other| words::parts(self.contract, other).contains(&name))
        {
            self.say(row.line, format!("{name} is a part that no template takes"));
        }
        if !row.secret && looks_secret(name) {
            self.say(
                row.line,
                format!("{name} is named as a secret and is shown; secret: true hides it"),
            );
        }
        if let Some(when) = &row.required_when {
            self.condition(row.line, when);
        }
    }

    /// What is odd about a condition: it would never hold, or it looks at a secret.
    fn condition(&mut self, line: u32, condition: &Condition) {
        let mut each =
            |list: &List<Condition>| list.iter().for_each(|one| self.condition(line, one));
        match condition {
            Condition::Any(list) | Condition::All(list) => each(list),
            Condition::Not(inner) => self.condition(line, inner),
            Condition::Test(row, Test::Is(_)) => {
                let row = self.contract.row(*row);
                if row.format.kind != Kind::Flag {
                    self.say(line, format!("{} is tested as a flag and is none", row.name));
                }
            }
            Condition::Test(row, Test::Equals(_) | Test::OneOf(_) | Test::Contains(_)) => {
                let row = self.contract.row(*row);
                if row.secret {
                    self.say(line, format!("{} is a secret whose value is compared", row.name));
                }
            }
            Condition::Test(_, Test::Set(_)) => {}
        }
    }
}

/// Whether the name says that it is a secret (the endings of `undeclared-secret`).
fn looks_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["_SECRET", "_TOKEN", "_PASSWORD", "_API_KEY", "_PRIVATE_KEY"]
        .iter()
        .any(|end| name.ends_with(end))
}
