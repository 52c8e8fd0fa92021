//! The findings about one row after the other, and about pairs of them.

use super::verdict::{self, Case, Judge};
use super::{format, log_filter, policy};
use crate::contract::model::{Condition, Contract, Deliver, Kind, Row, RowId};
use crate::finding::{Code, Fact, Finding, Severity};
use crate::mode::Mode;
use crate::resolve::{FeatureState, Outcome, Resolution, Resolved, Seen, State};
use crate::source::SourceKind;
use crate::url::{self, Inspected};
use std::borrow::Cow;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// Sub-secrets shorter than this are no secrets of their own (interface section 1).
const SUB_SECRET_BYTES: usize = 8;

/// Whether what the row holds is of no consequence: its feature is off, or it is a part that
/// feeds only variables that are withheld.
pub(super) fn is_withheld(case: &Case<'_>, id: RowId) -> bool {
    case.resolution.withholds(case.contract, id)
}

pub(super) fn judge(judge: &mut Judge<'_>) {
    let case = judge.case;
    for (row, resolved) in case.contract.rows.into_iter().zip(&case.resolution.rows) {
        let required = required(case.contract, case.resolution, row);
        // Most rows are absent and nobody asks for them; whether such a row is withheld, which
        // for a part means to look through all templates, makes no difference.
        let silent = resolved.seen.is_empty() && resolved.absent_parts.is_empty();
        if silent && required.is_none() || is_withheld(case, resolved.id) {
            continue;
        }
        one(judge, row, resolved, required);
    }
    reused(judge);
}

fn one(judge: &mut Judge<'_>, row: &Row, resolved: &Resolved, required: Option<Fact>) {
    candidates(judge, row, resolved, required.is_some());
    demand(judge, resolved, required.as_ref());
    value(judge, row, resolved, required);
}

/// What became of each candidate, and whether they differ.
fn candidates(judge: &mut Judge<'_>, row: &Row, resolved: &Resolved, is_required: bool) {
    let id = Some(resolved.id);
    for seen in &resolved.seen {
        let source = Some(seen.source.clone());
        match &seen.outcome {
            Outcome::Value { .. } => {}
            // Said once, of the files.
            Outcome::Failed(Code::InsecureContract, _) => {}
            Outcome::Failed(code, fact) => judge.add(id, *code, source, fact.clone()),
            Outcome::Blank => {
                let severity = match resolved.winner {
                    None if is_required => Severity::Error,
                    _ => Severity::Warning,
                };
                let fact = Fact::Says("is set to a blank value, which counts as absent");
                judge.push(Code::BlankValue, severity, Some(Cow::Borrowed(row.name)), source, fact);
            }
        }
    }
    for (first, other) in resolved.conflicts(judge.case.contract) {
        let fact = Fact::Differ(first.source.clone(), other.source.clone());
        judge.add(id, Code::Conflict, Some(other.source.clone()), fact);
    }
}

/// A variable that is required and has no value, and a template that lacks a part.
fn demand(judge: &mut Judge<'_>, resolved: &Resolved, required: Option<&Fact>) {
    let id = Some(resolved.id);
    if resolved.absent_parts.is_empty() {
        // A source that failed has been said as an error; that the variable is missing follows from
        // it. Where the contract lowers the failure, it does not lower the demand.
        if let (None, Some(fact)) = (resolved.winner, required)
            && !resolved.seen.iter().any(|seen| stops(judge, resolved.id, seen))
        {
            judge.add(id, Code::MissingRequired, None, fact.clone());
        }
        return;
    }
    // That a provider failed has been said as an error; that its part is absent follows from it.
    let provider_failed = |part: RowId| {
        judge.case.resolution.row(part).seen.iter().any(|seen| {
            let code = failure(seen);
            code.is_some_and(|it| matches!(it, Code::ProviderFailed | Code::InsecureContract))
                && stops(judge, part, seen)
        })
    };
    let parts = resolved.absent_parts.iter().filter(|&&part| !provider_failed(part));
    let names: Vec<&str> = parts.map(|&part| judge.case.contract.row(part).name).collect();
    if names.is_empty() {
        return;
    }
    judge.add(id, Code::IncompleteTemplate, None, Fact::Absent(names));
    if let Some(fact) = required
        && judge.severity(id, Code::IncompleteTemplate) != Some(Severity::Error)
    {
        judge.add(id, Code::MissingRequired, None, fact.clone());
    }
}

/// The value that won.
fn value(judge: &mut Judge<'_>, row: &Row, resolved: &Resolved, required: Option<Fact>) {
    let Some((seen, value)) = resolved.winner().and_then(|seen| Some((seen, seen.value()?))) else {
        return;
    };
    let id = Some(resolved.id);
    let source = || Some(seen.source.clone());
    let (value, url) = (value.expose(), judge.case.urls.get(resolved.id));
    if resolved.state == State::Generated {
        judge.add(id, Code::EphemeralSecret, source(), Fact::Plain);
        return;
    }
    alone(row, value, url, &mut |code, fact| judge.add(id, code, source(), fact));
    let has_no_file = row.deliver == Deliver::AsFile && seen.path.is_none();
    if has_no_file {
        let file = resolved.seen.iter().find_map(|seen| seen.value().and(seen.path.clone()));
        let none = Fact::Says("is delivered as a file and has none");
        let fact = file.map_or(none, Fact::Above);
        judge.add(id, Code::NoFileToDeliver, source(), fact);
    }
    // As of a source that failed: the program does not get it.
    let undelivered = || match value.contains(&0) {
        true => Some(Code::ContainsNul),
        false => has_no_file.then_some(Code::NoFileToDeliver),
    };
    if !row.severity.is_empty()
        && let (Some(code), Some(fact)) = (undelivered(), required)
        && judge.severity(id, code) != Some(Severity::Error)
    {
        judge.add(id, Code::MissingRequired, None, fact);
    }
}

/// What is said of a value by itself: its form, and what it would give away.
fn alone(row: &Row, value: &[u8], url: Option<&Inspected<'_>>, report: &mut dyn FnMut(Code, Fact)) {
    format::check_inspected(row, value, url, report);
    match row.format.kind {
        Kind::LogFilter if log_filter::is_verbose(value) => {
            let fact = Fact::Says("asks for debug or trace, at which the program logs credentials");
            report(Code::DebugInProduction, fact);
        }
        Kind::Url { .. }
            if !row.part && url.and_then(|url| url.url.as_ref()).is_some_and(url::is_cleartext) =>
        {
            report(Code::InsecureTransport, Fact::Says("is a URL over a network without TLS"));
        }
        _ => {}
    }
}

/// The errors that a launch in this mode would find in a value of the row, whatever else it has:
/// of its policy, and of the value by itself.
pub fn errors(contract: &Contract, row: &Row, mode: Mode, value: &[u8]) -> Vec<Finding> {
    let mut found = Vec::new();
    if policy::is_forbidden(contract, row) {
        found.push(Finding::error(Code::ForbiddenVariable, policy::FORBIDDEN).about(row.name));
    }
    let url = matches!(row.format.kind, Kind::Url { .. }).then(|| Inspected::new(value));
    alone(row, value, url.as_ref(), &mut |code, fact| {
        if verdict::severity(contract, Some(row), code, mode) == Some(Severity::Error) {
            found.push(Finding::error(code, fact).about(row.name));
        }
    });
    found
}

/// Why a candidate has no value.
fn failure(seen: &Seen) -> Option<Code> {
    if let Outcome::Failed(code, _) = &seen.outcome { Some(*code) } else { None }
}

/// Whether a candidate failed, and that is an error by itself.
fn stops(judge: &Judge<'_>, id: RowId, seen: &Seen) -> bool {
    let row = |code| (code != Code::InsecureContract).then_some(id);
    failure(seen).is_some_and(|code| judge.severity(row(code), code) == Some(Severity::Error))
}

/// What requires the row, if anything does.
pub fn required(contract: &Contract, resolution: &Resolution, row: &Row) -> Option<Fact> {
    let mode = resolution.mode.mode;
    if row.required.has(mode) {
        return Some(Fact::RequiredIn(mode));
    }
    if let Some(feature) = row.feature
        && resolution.feature(feature) == FeatureState::On
    {
        let name = contract.features.get(usize::from(feature.0)).map_or("", |f| f.name);
        return Some(Fact::RequiredByFeature(name));
    }
    let condition = row.required_when.as_ref().filter(|condition| resolution.holds(condition))?;
    let mut names = Vec::new();
    collect_names(contract, condition, &mut names);
    Some(Fact::RequiredWhen(names))
}

fn collect_names(contract: &Contract, condition: &Condition, names: &mut Vec<&'static str>) {
    match condition {
        Condition::Test(row, _) => {
            let name = contract.row(*row).name;
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Condition::Any(all) | Condition::All(all) => {
            all.iter().for_each(|one| collect_names(contract, one, names));
        }
        Condition::Not(one) => collect_names(contract, one, names),
    }
}

/// The row that the value in this row comes from: where a template composed it, the part whose
/// value it is.
fn origin(contract: &Contract, resolution: &Resolution, id: RowId, value: &[u8]) -> RowId {
    let (mut origin, mut at) = (id, 0);
    let mut rows = vec![id];
    let mut known = BTreeSet::from([id]);
    while let Some(&row) = rows.get(at) {
        at += 1;
        let resolved = resolution.row(row);
        if resolved.value().is_some_and(|it| it.expose() == value) {
            origin = row;
        }
        let is_composed =
            resolved.winner().is_some_and(|seen| seen.source.kind == SourceKind::Template);
        if let Some(template) = contract.row(row).template.filter(|_| is_composed) {
            rows.extend(template.parts.iter().filter(|&&part| known.insert(part)));
        }
    }
    origin
}

/// One value under two secret names: whole values of variables, and passwords inside URLs. Parts
/// are left out, each stands in the URL that it feeds; and what a template composed of a variable
/// has no value of its own there.
fn reused(judge: &mut Judge<'_>) {
    let case = judge.case;
    let mut first: BTreeMap<&[u8], RowId> = BTreeMap::new();
    for resolved in case.resolution.with_value() {
        if resolved.state != State::Delivered {
            continue;
        }
        let row = case.contract.row(resolved.id);
        let Some(value) = resolved.value().filter(|_| row.secret && !row.part) else {
            continue;
        };
        let id = resolved.id;
        let url = case.urls.get(id).into_iter();
        let passwords = url.flat_map(|url| &url.passwords).map(|password| password.expose());
        let long = passwords.filter(|password| password.len() >= SUB_SECRET_BYTES);
        let mut other = None;
        for value in std::iter::once(value.expose()).chain(long) {
            match first.entry(value) {
                Entry::Vacant(entry) => {
                    entry.insert(id);
                }
                // Where the row itself was the first, no other row had it before.
                Entry::Occupied(entry) => {
                    let holder = *entry.get();
                    let is_other = holder != id && {
                        let origin = |id| origin(case.contract, case.resolution, id, value);
                        origin(holder) != origin(id)
                    };
                    other = other.or(is_other.then_some(holder));
                }
            }
        }
        if let Some(other) = other {
            let source = resolved.winner().map(|seen| seen.source.clone());
            let fact = Fact::SameAs(case.contract.row(other).name);
            judge.add(Some(id), Code::SecretReused, source, fact);
        }
    }
}
