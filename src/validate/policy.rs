//! What the contract's policy says of a launch: modes, forbidden names, severities raised for every
//! row, and warnings that somebody has taken note of.

use super::verdict::{Case, Judge};
use crate::contract::model::{Acknowledged, Contract, Row};
use crate::finding::{Acceptance, By, Code, Fact, Finding, Severity};
use crate::mode::Mode;
use crate::resolve::{FeatureState, Outcome};
use crate::settings::Enforce;
use crate::source::{InheritedKind, Source, SourceKind};
use jiff::civil::Date;
use std::borrow::Cow;

/// The findings that follow from the policy alone. They are errors whatever a row says of their
/// code: a row of an extending contract would else lift them.
pub(super) fn judge(judge: &mut Judge<'_>) {
    let case = judge.case;
    let policy = &case.contract.policy;
    if !policy.modes.has(judge.mode) {
        let source = Some(case.resolution.mode.source.clone());
        let fact = Fact::Pinned(judge.mode, policy.modes);
        judge.push(Code::ModeForbidden, Severity::Error, None, source, fact);
    }
    if policy.no_report && case.enforce == Enforce::Report {
        judge.push(Code::ReportForbidden, Severity::Error, None, None, Fact::Plain);
    }
    for &id in policy.features_off {
        let Some(feature) = case.contract.features.get(usize::from(id.0)) else { continue };
        debug_assert!(case.resolution.feature(id) == FeatureState::Off);
        if let Some(on) = feature.on.as_ref().filter(|on| case.resolution.holds(on)) {
            let (name, source, fact) = judge.switched(feature, on, true);
            judge.push(Code::Conflict, Severity::Error, Some(Cow::Borrowed(name)), source, fact);
        }
    }
    if !policy.forbid.is_empty() {
        forbidden(judge);
    }
}

/// What a source holds under a name that the policy forbids, whether it would reach the program or
/// not: whoever set it means it to.
fn forbidden(judge: &mut Judge<'_>) {
    let case = judge.case;
    let policy = &case.contract.policy;
    for resolved in &case.resolution.rows {
        let row = case.contract.row(resolved.id);
        if resolved.seen.is_empty() || !is_forbidden(case.contract, row) {
            continue;
        }
        let held = resolved.seen.iter().filter(|seen| !matches!(seen.outcome, Outcome::Blank));
        for seen in held {
            push(judge, Cow::Borrowed(row.name), seen.source.clone());
        }
    }
    for inherited in case.inherited {
        let other = matches!(inherited.kind, InheritedKind::Other | InheritedKind::ServiceLink);
        if other && policy.forbids(inherited.name()) {
            let name = String::from_utf8_lossy(inherited.name()).into_owned();
            push(judge, Cow::Owned(name.clone()), Source::new(SourceKind::Env, name));
        }
    }
    for extra in case.extras.iter().filter(|extra| policy.forbids(extra.name.as_bytes())) {
        push(judge, Cow::Owned(extra.name.clone()), extra.source.clone());
    }
}

/// What is said of a forbidden name.
pub(super) const FORBIDDEN: Fact = Fact::Says("is forbidden by the contract's policy");

/// Whether the policy forbids the row, under any of its names.
pub(super) fn is_forbidden(contract: &Contract, row: &Row) -> bool {
    let forbids = |name: &str| contract.policy.forbids(name.as_bytes());
    forbids(row.name) || row.aliases.iter().any(|name| forbids(name))
}

fn push(judge: &mut Judge<'_>, name: Cow<'static, str>, source: Source) {
    judge.push(Code::ForbiddenVariable, Severity::Error, Some(name), Some(source), FORBIDDEN);
}

/// Raises what the policy raises, whatever it came from: rows, rules, the program, the command line.
pub(super) fn raise(case: &Case<'_>, mode: Mode, findings: &mut [Finding]) {
    let policy = &case.contract.policy;
    if policy.severity.is_empty() {
        return;
    }
    for finding in findings {
        if let Some(least) = policy.severity(finding.code, mode) {
            finding.severity = finding.severity.max(least);
        }
    }
}

/// Marks the warnings that the policy acknowledges. The day after its last an acknowledgement is
/// over: the warning stands again and says so. `never` is asked about each.
pub fn acknowledge<'f>(
    contract: &Contract,
    today: Date,
    findings: impl Iterator<Item = &'f mut Finding>,
    never: &dyn Fn(&Finding) -> bool,
) {
    let all = contract.policy.acknowledge;
    if all.is_empty() {
        return;
    }
    for finding in findings {
        let known = all.iter().find(|one| {
            finding.code == one.code
                && finding.variable.as_deref() == one.variable
                && finding.severity == Severity::Warning
                && finding.accepted.is_none()
        });
        if let Some(one) = known.filter(|_| !never(finding)) {
            finding.accepted = Some(note(one, today));
        }
    }
}

fn note(one: &Acknowledged, today: Date) -> Acceptance {
    let until = one.until.parse::<Date>();
    let by = if until.is_ok_and(|until| until >= today) { By::Contract } else { By::Ended };
    Acceptance { reason: one.reason.to_owned(), until: one.until.to_owned(), by }
}
