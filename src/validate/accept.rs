//! `--accept CODE:VARIABLE --reason TEXT --until DATE`: one error is a warning until a day.

use super::verdict::Case;
use super::{format, required};
use crate::contract::model::RowId;
use crate::error::Status;
use crate::finding::{Acceptance, By, Code, Fact, Finding, Severity};
use crate::resolve::users;
use crate::settings::Accept;
use jiff::civil::Date;

/// How far ahead an acceptance may reach.
const MOST_DAYS: i32 = 30;

/// Applies the acceptances to the findings, and adds a finding for each that is not valid.
pub(super) fn apply(case: &Case<'_>, findings: &mut Vec<Finding>) {
    for accept in case.accept {
        match read(case, accept) {
            Ok(read) => apply_one(case, accept, &read, findings),
            Err(why) => {
                // What was typed is shown only where it is the name of a code.
                let typed = accept.what.split(':').next().unwrap_or_default();
                let shown = Code::parse(typed).map_or("--accept", Code::name);
                let fact = Fact::NotAccepted(shown.to_owned(), why);
                findings.push(Finding::error(Code::AcceptanceInvalid, fact));
            }
        }
    }
}

/// An acceptance that is well formed.
struct Read<'a> {
    code: Code,
    /// The contract's own name where it knows the one that was typed.
    variable: &'a str,
    is_known: bool,
    /// Its last day is over: the error stands, as if nobody had accepted it.
    is_past: bool,
}

/// Reads what was typed.
///
/// # Errors
/// Why it is not valid, in fixed words.
fn read<'a>(case: &Case<'_>, accept: &'a Accept) -> Result<Read<'a>, &'static str> {
    if case.contract.policy.no_accept {
        return Err("the contract forbids --accept");
    }
    let (code, variable) = accept.what.split_once(':').ok_or("it is not CODE:VARIABLE")?;
    let code = Code::parse(code).ok_or("there is no such code")?;
    let may_be = matches!(code.status(), Status::NotMet | Status::Temporary);
    if !may_be || code == Code::InsecureContract {
        return Err("a finding of this code is never accepted");
    }
    if accept.reason.trim().is_empty() {
        return Err("its reason is blank");
    }
    // The parser takes other spellings of ISO 8601 too; what is written back is the same text.
    let until = accept.until.parse::<Date>().ok();
    let until = until.filter(|until| until.to_string() == accept.until);
    let until = until.ok_or("its last day is not YYYY-MM-DD")?;
    let is_past = match until.since(case.today).map(|span| span.get_days()) {
        Err(_) => return Err("its last day cannot be compared with today"),
        Ok(..0) => true,
        Ok(0..=MOST_DAYS) => false,
        Ok(_) => return Err("its last day is more than 30 days ahead"),
    };
    // An alias stands for its variable.
    let known = case.contract.known(variable.as_bytes());
    let variable = known.map_or(variable, |known| case.contract.row(known.row).name);
    Ok(Read { code, variable, is_known: known.is_some(), is_past })
}

/// Makes the error that it is about a warning.
fn apply_one(case: &Case<'_>, accept: &Accept, read: &Read<'_>, findings: &mut Vec<Finding>) {
    let Read { code, variable, is_known, is_past } = *read;
    let (mut forbidden, mut used) = (false, false);
    for finding in findings.iter_mut().filter(|_| !is_past) {
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
                until: accept.until.clone(),
                by: By::CommandLine,
            });
        }
    }
    let fact = |why| Fact::NotAccepted(code.name().to_owned(), why);
    if !used {
        let why = if is_past { "its last day is past" } else { "there is no such error" };
        let found = Finding::new(Code::AcceptanceUnused, Severity::Warning, fact(why));
        // What was typed is shown only where it is a name of the contract.
        findings.push(if is_known { found.about(variable.to_owned()) } else { found });
    }
    if forbidden {
        let why = match code.is_never_accepted() {
            true => "an error of this code is never accepted, whatever it is about",
            false => {
                "a blank, absent or public secret that is required, or a process that is left, is never accepted"
            }
        };
        let found = Finding::error(Code::AcceptanceInvalid, fact(why));
        // A finding can be about no variable (`--accept insecure-permissions:`).
        findings.push(if variable.is_empty() { found } else { found.about(variable.to_owned()) });
    }
}

/// Codes of values that are there and do not reach the program, or that it takes as unset.
const NOT_DELIVERED: [Code; 3] = [Code::ContainsNul, Code::NotUtf8, Code::NoFileToDeliver];

/// Whether nothing makes the finding acceptable: by its code, or because the program would start
/// with a blank or public secret. One that is required and has no value is as good as blank,
/// whatever the finding says of why: a program without its key makes up one, or takes an empty one.
pub(super) fn never(case: &Case<'_>, finding: &Finding) -> bool {
    if finding.code.is_never_accepted() {
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
