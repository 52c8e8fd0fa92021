//! Which warnings a policy may acknowledge: those that are warnings in every mode it allows.
//!
//! An acknowledgement hides a line of text and lifts nothing. One of an error would look as if it
//! did, so it is refused when the contract is read, as is one that could never match.

use super::model::{Contract, Known, Role, Row};
use super::policy::{Acknowledged, Policy};
use super::problem::Problems;
use crate::finding::{Code, Severity};
use crate::mode::Mode;

/// Why an acknowledgement is refused.
pub struct Fault {
    /// In names and fixed words.
    pub words: String,
    /// What to do.
    pub hint: Option<String>,
}

/// The acknowledgement, an alias replaced by its variable.
pub fn check(
    contract: &Contract,
    policy: &Policy,
    mut one: Acknowledged,
    problems: &Problems,
) -> Result<Acknowledged, Fault> {
    let known = one.variable.and_then(|name| contract.known(name.as_bytes()));
    let row = known.map(|known| contract.row(known.row));
    if let (Some(row), Some(Known { role: Role::Own | Role::Alias(_), .. })) = (row, known) {
        one.variable = Some(row.name);
    }
    exists(contract, &one, row, problems)?;
    let error = Mode::ALL.into_iter().find(|&mode| {
        policy.modes.has(mode)
            && severity(contract, policy, &one, row, mode) > Some(Severity::Warning)
    });
    match error {
        None => Ok(one),
        Some(mode) => {
            let about = one.variable.map_or(String::new(), |name| format!(" of {name}"));
            Err(Fault {
                words: format!("acknowledge: {}{about} is an error in {mode}", one.code.name()),
                hint: Some(
                    "only warnings are acknowledged; mend it, or --accept it for a while"
                        .to_owned(),
                ),
            })
        }
    }
}

/// Whether a finding of this code can be about this name at all.
fn exists(
    contract: &Contract,
    one: &Acknowledged,
    row: Option<&Row>,
    problems: &Problems,
) -> Result<(), Fault> {
    let Some(name) = one.variable else { return Ok(()) };
    let known = row.is_some()
        || contract.not_read(name.as_bytes()).is_some()
        || contract.features.iter().any(|feature| feature.name == name);
    let (undeclared, known) = match one.code {
        Code::UnknownVariable => (true, known),
        // So can a name be that is listed as one that is not read.
        Code::UndeclaredSecret => (true, row.is_some()),
        _ => (false, known),
    };
    if undeclared != known {
        return Ok(());
    }
    if undeclared {
        let words =
            format!("acknowledge: {name} is a name of the contract, so never {}", one.code.name());
        return Err(Fault { words, hint: None });
    }
    let names = contract.names.iter().map(|known| known.name);
    let near =
        problems.nearest(name, names.chain(contract.not_read.iter().map(|known| known.name)));
    Err(Fault {
        words: format!("acknowledge: {name} is no name of the contract"),
        hint: near.map(|near| format!("did you mean {near}?")),
    })
}

/// The greatest severity that a finding of this code about this row can have in this mode.
fn severity(
    contract: &Contract,
    policy: &Policy,
    one: &Acknowledged,
    row: Option<&Row>,
    mode: Mode,
) -> Option<Severity> {
    let overrides = row.map(|row| row.severity.0).unwrap_or_default();
    let own = overrides.iter().find(|it| it.code == one.code && it.modes.has(mode));
    let own = match (own, row) {
        (Some(own), _) => own.severity,
        // Of what nobody requires and that is no secret, a blank value is a warning.
        (None, Some(row)) if one.code == Code::BlankValue && !row.secret && is_optional(row) => {
            Some(Severity::Warning)
        }
        _ => one.code.severity(mode),
    };
    let rules = contract.rules.iter().filter(|rule| {
        rule.code == one.code
            && rule.modes.has(mode)
            && Some(contract.row(rule.variable).name) == one.variable
    });
    let rules = rules.map(|rule| rule.severity).max();
    own.max(rules).max(policy.severity(one.code, mode))
}

fn is_optional(row: &Row) -> bool {
    row.required.is_empty() && row.required_when.is_none() && row.feature.is_none()
}
