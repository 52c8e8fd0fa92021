//! `--accept CODE:VARIABLE --reason TEXT --until DATE`: one error is a warning until a day.

use super::verdict::Case;
use super::{format, required};
use crate::contract::model::RowId;
use crate::error::Status;
use crate::finding::{Acceptance, By, Code, Fact, Finding, Severity};
use crate::resolve::users;
use jiff::civil::Date;
use std::borrow::Cow;

/// How far ahead an acceptance may reach.
const MOST_DAYS: i32 = 30;

/// Applies the acceptances to the findings, and adds a finding for each that is not valid.
pub(super) fn apply(case: &Case<'_>, findings: &mut Vec<Finding>) {
    for accept in case.accept {
        let mut refuse = |why| {
            // What was typed is shown only where it is the name of a code.
            let typed = accept.what.split(':').next().unwrap_or_default();
            let shown = Code::parse(typed).map_or("--accept", Code::name);
            findings.push(Finding {
                code: Code::AcceptanceInvalid,
                severity: Severity::Error,
                variable: None,
                source: None,
                fact: Fact::NotAccepted(shown.to_owned(), why),
                accepted: None,
            });
        };
        if case.contract.policy.no_accept {
            refuse("the contract forbids --accept");
            continue;
        }
        let Some((code, variable)) = accept.what.split_once(':') else {
            refuse("it is not CODE:VARIABLE");
            continue;
        };
        let Some(code) = Code::parse(code) else {
            refuse("there is no such code");
            continue;
        };
        let may_be = matches!(code.status(), Status::NotMet | Status::Temporary);
        if !may_be || code == Code::InsecureContract {
            refuse("a finding of this code is never accepted");
            continue;
        }
        if accept.reason.trim().is_empty() {
            refuse("its reason is blank");
            continue;
        }
        // The parser takes other spellings of ISO 8601 too; what is written back is the same text.
        let until = accept.until.parse::<Date>().ok();
        let Some(until) = until.filter(|until| until.to_string() == accept.until) else {
            refuse("its last day is not YYYY-MM-DD");
            continue;
        };
        let Ok(ahead) = until.since(case.today).map(|span| span.get_days()) else {
            refuse("its last day cannot be compared with today");
            continue;
        };
        if ahead < 0 {
            refuse("its last day is past");
            continue;
        }
        if ahead > MOST_DAYS {
            refuse("its last day is more than 30 days ahead");
            continue;
        }
        // An alias stands for its variable.
        let known = case.contract.known(variable.as_bytes());
        let variable = known.map_or(variable, |known| case.contract.row(known.row).name);
        let (mut forbidden, mut used) = (false, false);
        for finding in findings.iter_mut() {
            let is_it = finding.severity == Severity::Error
                && finding.code == code
                && finding.variable.as_deref().unwrap_or_default() == variable;
            used |= is_it;
            if is_it && never(case, finding) {
                forbidden = true;
            } else if is_it {
                finding.severity = Severity::Warning;
                finding.accepted = Some(Acceptance {
                    reason: accept.reason.clone(),
                    until: until.to_string(),
                    by: By::CommandLine,
                });
            }
        }
        if !used {
            findings.push(Finding {
                code: Code::AcceptanceUnused,
                severity: Severity::Warning,
                variable: known.map(|_| Cow::Owned(variable.to_owned())),
                source: None,
                fact: Fact::NotAccepted(code.name().to_owned(), "there is no such error"),
                accepted: None,
            });
        }
        if forbidden {
            let why = if NEVER.contains(&code.name()) {
                "an error of this code is never accepted, whatever it is about"
            } else {
                "a blank, absent or public secret that is required, or a process that is left, is never accepted"
            };
            findings.push(Finding {
                code: Code::AcceptanceInvalid,
                severity: Severity::Error,
                variable: Some(Cow::Owned(variable.to_owned())),
                source: None,
                fact: Fact::NotAccepted(code.name().to_owned(), why),
                accepted: None,
            });
        }
    }
}

/// Codes that stand above all acceptance, whatever they are about: what was revoked, what others
/// could have written, and a mode under which other demands would be asked.
const NEVER: [&str; 3] = ["value-revoked", "insecure-contract", "mode-forbidden"];

/// Codes of values that are there and do not reach the program, or that it takes as unset.
const NOT_DELIVERED: [Code; 3] = [Code::ContainsNul, Code::NotUtf8, Code::NoFileToDeliver];

/// Whether nothing makes the finding acceptable: by its code, or because the program would start
/// with a blank or public secret. One that is required and has no value is as good as blank,
/// whatever the finding says of why: a program without its key makes up one, or takes an empty one.
pub(super) fn never(case: &Case<'_>, finding: &Finding) -> bool {
    if NEVER.contains(&finding.code.name()) {
        return true;
    }
    let name = finding.variable.as_deref().unwrap_or_default();
    if finding.forbids_start() {
        return true;
    }
    let Some(known) = case.contract.known(name.as_bytes()) else { return false };
    let row = case.contract.row(known.row);
    let value = case.resolution.row(known.row).value();
    if row.part && value.is_none() && leaves_absent(case, known.row) {
        return true;
    }
    if !row.secret {
        return false;
    }
    let is_required = || required(case.contract, case.resolution, row).is_some();
    match value {
        _ if finding.code == Code::BlankValue => true,
        Some(_) if NOT_DELIVERED.contains(&finding.code) && is_required() => true,
        Some(value) => format::is_burnt(row, value.expose()),
        None => is_required(),
    }
}

/// Whether a required secret has no value, and its template takes this part.
fn leaves_absent(case: &Case<'_>, part: RowId) -> bool {
    users(case.contract, part).any(|(id, user)| {
        case.resolution.row(id).value().is_none()
            && match user.part {
                true => leaves_absent(case, id),
                false => user.secret && required(case.contract, case.resolution, user).is_some(),
            }
    })
}
