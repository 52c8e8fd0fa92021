//! The findings about one row after the other, and about pairs of them.

use super::verdict::{Case, Judge};
use super::{format, log_filter};
use crate::contract::model::{Condition, Deliver, Kind, Row, RowId, Segment};
use crate::finding::{Code, Fact, Severity};
use crate::resolve::{FeatureState, Outcome, Resolved, State};
use crate::url;
use std::borrow::Cow;

/// Sub-secrets shorter than this are no secrets of their own (interface section 1).
const SUB_SECRET_BYTES: usize = 8;

/// Whether what the row holds is of no consequence: its feature is off, or it is a part that
/// feeds only variables that are withheld.
pub(super) fn is_withheld(case: &Case<'_>, id: RowId) -> bool {
    let resolution = case.resolution;
    let off = |row: &Row| {
        row.feature.is_some_and(|feature| resolution.feature(feature) == FeatureState::Off)
    };
    let row = case.contract.row(id);
    if !row.part {
        return off(row);
    }
    let mut users = case
        .contract
        .rows
        .iter()
        .filter(|user| user.template.is_some_and(|template| uses(&template.segments, id)));
    let mut used = false;
    let all_off = users.all(|user| {
        used = true;
        off(user)
    });
    used && all_off
}

fn uses(segments: &[Segment], id: RowId) -> bool {
    segments.iter().any(|segment| match segment {
        Segment::Literal(_) => false,
        Segment::Part(part, _) | Segment::Switch(part, ..) => *part == id,
        Segment::Group(inner) => uses(inner, id),
    })
}

pub(super) fn judge(judge: &mut Judge<'_>) {
    for resolved in &judge.case.resolution.rows {
        if !is_withheld(judge.case, resolved.id) {
            one(judge, resolved);
        }
    }
    reused(judge);
}

fn one(judge: &mut Judge<'_>, resolved: &Resolved) {
    let contract = judge.case.contract;
    let row = contract.row(resolved.id);
    let id = Some(resolved.id);
    let required = required(judge, row);
    let has_value = resolved.winner.is_some();
    for seen in &resolved.seen {
        let source = Some(seen.source.clone());
        match &seen.outcome {
            Outcome::Value { .. } => {}
            Outcome::Failed(code, fact) => judge.add(id, *code, source, fact.clone()),
            Outcome::Blank => {
                let severity = if has_value || required.is_none() {
                    Severity::Warning
                } else {
                    Severity::Error
                };
                let fact = Fact::Says("is set to a blank value, which counts as absent");
                judge.push(Code::BlankValue, severity, Some(Cow::Borrowed(row.name)), source, fact);
            }
        }
    }
    for (first, other) in resolved.conflicts(contract) {
        let fact = Fact::Differ(first.source.clone(), other.source.clone());
        judge.add(id, Code::Conflict, Some(other.source.clone()), fact);
    }
    if !resolved.absent_parts.is_empty() {
        let names = resolved.absent_parts.iter().map(|&part| contract.row(part).name);
        judge.add(id, Code::IncompleteTemplate, None, Fact::Absent(names.collect()));
    } else if let (false, Some(fact)) = (has_value, required) {
        let failed = resolved.seen.iter().any(|seen| matches!(seen.outcome, Outcome::Failed(..)));
        // A source that failed has been said; that the variable is missing follows from it.
        if !failed {
            judge.add(id, Code::MissingRequired, None, fact);
        }
    }
    let Some((seen, value)) = resolved.winner().and_then(|seen| Some((seen, seen.value()?))) else {
        return;
    };
    let source = Some(seen.source.clone());
    let (mode, value) = (judge.mode, value.expose());
    if resolved.state == State::Generated {
        judge.add(id, Code::EphemeralSecret, source, Fact::Plain);
        return;
    }
    format::check(row, mode, value, &mut |code, fact| judge.add(id, code, source.clone(), fact));
    match row.format.kind {
        Kind::LogFilter if log_filter::is_verbose(value) => {
            let fact = Fact::Says("asks for debug or trace, at which the program logs credentials");
            judge.add(id, Code::DebugInProduction, source.clone(), fact);
        }
        Kind::Url { .. } if !row.part && url::is_cleartext_network(value) => {
            let fact = Fact::Says("is a URL over a network without TLS");
            judge.add(id, Code::InsecureTransport, source.clone(), fact);
        }
        _ => {}
    }
    if row.deliver == Deliver::AsFile && seen.path.is_none() {
        judge.add(
            id,
            Code::NoFileToDeliver,
            source,
            Fact::Says("is delivered as a file and has none"),
        );
    }
}

/// What requires the row, if anything does.
fn required(judge: &Judge<'_>, row: &Row) -> Option<Fact> {
    let resolution = judge.case.resolution;
    if row.required.has(judge.mode) {
        return Some(Fact::RequiredIn(judge.mode));
    }
    if let Some(feature) = row.feature
        && resolution.feature(feature) == FeatureState::On
    {
        let name = judge.case.contract.features.get(usize::from(feature.0)).map_or("", |f| f.name);
        return Some(Fact::RequiredByFeature(name));
    }
    let condition = row.required_when.as_ref().filter(|condition| resolution.holds(condition))?;
    let mut names = Vec::new();
    collect_names(judge, condition, &mut names);
    Some(Fact::RequiredWhen(names))
}

fn collect_names(judge: &Judge<'_>, condition: &Condition, names: &mut Vec<&'static str>) {
    match condition {
        Condition::Test(row, _) => {
            let name = judge.case.contract.row(*row).name;
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Condition::Any(all) | Condition::All(all) => {
            all.iter().for_each(|one| collect_names(judge, one, names));
        }
        Condition::Not(one) => collect_names(judge, one, names),
    }
}

/// One value under two secret names: whole values of variables, and passwords inside URLs. Parts
/// are left out, each stands in the URL that it feeds.
fn reused(judge: &mut Judge<'_>) {
    let case = judge.case;
    let mut values: Vec<(RowId, Cow<'_, [u8]>)> = Vec::new();
    for resolved in &case.resolution.rows {
        let row = case.contract.row(resolved.id);
        let delivered = resolved.state == State::Delivered;
        let Some(value) = resolved.value().filter(|_| delivered && row.secret && !row.part) else {
            continue;
        };
        values.push((resolved.id, Cow::Borrowed(value.expose())));
        if matches!(row.format.kind, Kind::Url { .. }) {
            let passwords = url::passwords(value.expose());
            let long = passwords.iter().filter(|password| password.len() >= SUB_SECRET_BYTES);
            values
                .extend(long.map(|password| (resolved.id, Cow::Owned(password.expose().to_vec()))));
        }
    }
    for (position, (id, value)) in values.iter().enumerate() {
        let earlier =
            values.iter().take(position).find(|(other, same)| other != id && same == value);
        let Some((other, _)) = earlier else { continue };
        let other = case.contract.row(*other).name;
        let code = Code::SecretReused;
        let already = judge.findings.iter().any(|finding| {
            finding.code == code && finding.variable.as_deref() == Some(case.contract.row(*id).name)
        });
        if !already {
            let source = case.resolution.row(*id).winner().map(|seen| seen.source.clone());
            judge.add(Some(*id), code, source, Fact::SameAs(other));
        }
    }
}
