//! Every finding of a launch, judged in one go.

use super::urls::Urls;
use super::{accept, names, policy, rows};
use crate::contract::model::{Condition, Contract, Feature, Row, RowId};
use crate::environment::Inheritance;
use crate::error::Status;
use crate::finding::{Code, Fact, Finding, Severity};
use crate::mode::Mode;
use crate::needles::Needles;
use crate::resolve::Resolution;
use crate::settings::{Accept, Enforce};
use crate::source::{Extra, Inherited, Observation, Source};
use std::borrow::Cow;

/// What is judged besides the resolution.
pub struct Case<'a> {
    /// The contract.
    pub contract: &'a Contract,
    /// What the sources hold.
    pub resolution: &'a Resolution,
    /// The resolution's URLs.
    pub urls: &'a Urls<'a>,
    /// Every inherited entry.
    pub inherited: &'a [Inherited],
    /// Other names of env files.
    pub extras: &'a [Extra],
    /// Which inherited variables are passed on.
    pub inheritance: Inheritance<'a>,
    /// The program's arguments, its own name excluded.
    pub arguments: &'a [&'a [u8]],
    /// Errors to take as warnings.
    pub accept: &'a [Accept],
    /// What was asked to come of errors.
    pub enforce: Enforce,
    /// Today, for the end of an acceptance.
    pub today: jiff::civil::Date,
}

/// All findings and what follows from them.
#[derive(Debug)]
pub struct Verdict {
    /// Errors first, each in the order of the contract.
    pub findings: Vec<Finding>,
    /// The exit status, [`Status::Success`] without an error.
    pub status: Status,
}

impl Verdict {
    /// Orders the findings and takes the first status that applies.
    pub fn new(mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        let errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
        let status = errors.map(Finding::status).min().unwrap_or(Status::Success);
        Verdict { findings, status }
    }
}

/// Collects findings with the severity that mode and contract give them.
pub(super) struct Judge<'a> {
    pub(super) case: &'a Case<'a>,
    pub(super) mode: Mode,
    pub(super) findings: Vec<Finding>,
}

impl Judge<'_> {
    /// Adds a finding about a row, or about none.
    pub(super) fn add(
        &mut self,
        row: Option<RowId>,
        code: Code,
        source: Option<Source>,
        fact: Fact,
    ) {
        let variable = row.map(|row| Cow::Borrowed(self.case.contract.row(row).name));
        if let Some(severity) = self.severity(row, code) {
            self.push(code, severity, variable, source, fact);
        }
    }

    /// Adds a finding about a name that has no row.
    pub(super) fn add_named(
        &mut self,
        name: Cow<'static, str>,
        code: Code,
        source: Option<Source>,
        fact: Fact,
    ) {
        if let Some(severity) = self.severity(None, code) {
            self.push(code, severity, Some(name), source, fact);
        }
    }

    /// Adds a finding whose severity is decided by the caller.
    pub(super) fn push(
        &mut self,
        code: Code,
        severity: Severity,
        variable: Option<Cow<'static, str>>,
        source: Option<Source>,
        fact: Fact,
    ) {
        let found = Finding::new(code, severity, fact);
        self.findings.push(Finding { variable, source, ..found });
    }

    /// The severity of a code, about a row or about none.
    pub(super) fn severity(&self, row: Option<RowId>, code: Code) -> Option<Severity> {
        let contract = self.case.contract;
        severity(contract, row.map(|row| contract.row(row)), code, self.mode)
    }
}

/// The severity of a code: the row's own, else the table's, and the policy's where that is higher.
pub(super) fn severity(
    contract: &Contract,
    row: Option<&Row>,
    code: Code,
    mode: Mode,
) -> Option<Severity> {
    let own = row.and_then(|row| {
        row.severity.iter().find(|one| one.code == code && one.modes.has(mode)).copied()
    });
    let own = match own {
        Some(own) => own.severity,
        None => code.severity(mode),
    };
    own.max(contract.policy.severity(code, mode))
}

/// Judges everything. `observations` is what was seen while reading; `beyond` are findings about
/// the program and its environment as a whole.
pub fn judge(
    case: &Case<'_>,
    observations: Vec<Observation>,
    needles: &Needles,
    beyond: Vec<Finding>,
) -> Verdict {
    let mode = case.resolution.mode.mode;
    let mut judge = Judge { case, mode, findings: Vec::with_capacity(16) };
    judge.mode_findings();
    for Observation { code, row, source, fact } in observations {
        let withheld = row.is_some_and(|row| rows::is_withheld(case, row));
        match (&fact, row) {
            _ if withheld => {}
            // Who can write a directory is a warning in every mode (interface section 3).
            (Fact::Writable { directory: true, .. }, _) if code != Code::InsecureContract => {
                let variable = row.map(|row| Cow::Borrowed(case.contract.row(row).name));
                judge.push(code, Severity::Warning, variable, source, fact);
            }
            // And once a successor is deployed, nothing needs the exposed value (section 7).
            (Fact::Exposed { succeeded: true }, _) => {
                let variable = row.map(|row| Cow::Borrowed(case.contract.row(row).name));
                judge.push(code, Severity::Error, variable, source, fact);
            }
            _ => judge.add(row, code, source, fact),
        }
    }
    rows::judge(&mut judge);
    judge.features();
    judge.rules();
    policy::judge(&mut judge);
    names::judge(&mut judge);
    judge.arguments(needles);
    let mut findings = judge.findings;
    findings.extend(beyond);
    policy::raise(case, mode, &mut findings);
    accept::apply(case, &mut findings);
    let never = |finding: &Finding| accept::never(case, finding);
    policy::acknowledge(case.contract, case.today, findings.iter_mut(), &never);
    Verdict::new(findings)
}

impl Judge<'_> {
    fn mode_findings(&mut self) {
        let in_force = &self.case.resolution.mode;
        let source = Some(in_force.source.clone());
        if in_force.unknown {
            self.push(Code::UnknownMode, Severity::Error, None, source.clone(), Fact::Plain);
        }
        if in_force.unset {
            self.add(None, Code::ModeUnset, None, Fact::Plain);
        }
        if let Some((asked, by_command_line)) = in_force.stricter {
            let severity = if by_command_line { Severity::Warning } else { Severity::Error };
            let fact = Fact::Stricter(asked, in_force.mode);
            self.push(Code::ModeConflict, severity, None, source, fact);
        }
    }

    fn features(&mut self) {
        let (contract, resolution) = (self.case.contract, self.case.resolution);
        for feature in contract.features {
            let mut conflicts = feature.conflicts.iter();
            if let Some(conflict) = conflicts.find(|condition| resolution.holds(condition)) {
                let (name, source, fact) = self.switched(feature, conflict, false);
                self.add_named(Cow::Borrowed(name), Code::Conflict, source, fact);
            }
        }
    }

    /// What is said of a feature that settings switch on and off, or on and the policy off: the first
    /// of those that make the condition hold, its source, and all of them.
    pub(super) fn switched(
        &self,
        feature: &Feature,
        condition: &Condition,
        by_policy: bool,
    ) -> (&'static str, Option<Source>, Fact) {
        let (contract, resolution) = (self.case.contract, self.case.resolution);
        let rows = resolution.deciding(condition);
        let names: Vec<&str> = rows.iter().map(|row| contract.row(*row).name).collect();
        let winner = rows.first().and_then(|row| resolution.row(*row).winner());
        let first = names.first().copied().unwrap_or(feature.name);
        let fact = Fact::Switched { feature: feature.name, names, by_policy };
        (first, winner.map(|seen| seen.source.clone()), fact)
    }

    fn rules(&mut self) {
        let (contract, resolution) = (self.case.contract, self.case.resolution);
        for rule in contract.rules {
            if rule.modes.has(self.mode) && resolution.holds(&rule.when) {
                let row = resolution.row(rule.variable);
                let source = row.winner().map(|seen| seen.source.clone());
                let name = Cow::Borrowed(contract.row(rule.variable).name);
                let fact = Fact::Rule(rule.message, rule.hint);
                self.push(rule.code, rule.severity, Some(name), source, fact);
            }
        }
    }

    fn arguments(&mut self, needles: &Needles) {
        for (position, argument) in (1..).zip(self.case.arguments) {
            let Some(name) = needles.find(argument) else { continue };
            let name = name.to_owned();
            let row =
                self.case.contract.known(name.split('#').next().unwrap_or_default().as_bytes());
            let Some(severity) = self.severity(row.map(|known| known.row), Code::SecretInArguments)
            else {
                continue;
            };
            let fact = Fact::Argument(position);
            self.push(Code::SecretInArguments, severity, Some(Cow::Owned(name)), None, fact);
        }
    }
}
