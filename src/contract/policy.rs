//! The policy of a contract: what holds for every row, and what the command line may not choose.
//!
//! Each key can only take away: a shorter window, a higher severity, a name less, a mode less. So
//! a file that extends another adds to its policy and never lifts it; what would is said as looser
//! with both values, as of rows ([`tighten`](super::tighten)).

use super::draft::{At, Draft};
use super::fields::{self, Fields};
use super::grammar;
use super::model::{Contract, FeatureId, List, Override, Str};
use super::node::{Node, Value};
use super::problem::Problems;
use super::tighten;
use crate::finding::{Code, Severity};
use crate::mode::{Mode, Modes};
use jiff::civil::Date;

/// The keys of a policy, in the order they are printed.
pub const POLICY: &[&str] = &[
    "rotation",
    "severity",
    "forbid",
    "modes",
    "enforce",
    "accept",
    "features_off",
    "acknowledge",
];
/// The words of `enforce`: whether `--enforce report` is refused.
pub const ENFORCE: &[(&str, bool)] = &[("refuse", true), ("report", false)];
/// The words of `accept`: whether `--accept` is refused.
pub const ACCEPT: &[(&str, bool)] = &[("never", true), ("allow", false)];
/// The longest window that is one: ten years.
const MOST_DAYS: u32 = 3650;

/// What a contract demands beyond its rows.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Classes and the most days that a key of the class may live, by class.
    pub rotation: List<(Str, u32)>,
    /// The least severity of codes, whatever row or rule the finding comes from; never `None`.
    pub severity: List<Override>,
    /// Names that no source may hold; `*` at the end stands for any ending.
    pub forbid: List<Str>,
    /// The modes a launch may have.
    pub modes: Modes,
    /// `--enforce report` is refused.
    pub no_report: bool,
    /// `--accept` is refused.
    pub no_accept: bool,
    /// Features that are off whatever is set.
    pub features_off: List<FeatureId>,
    /// Warnings that somebody has taken note of.
    pub acknowledge: List<Acknowledged>,
}

/// A warning that somebody has taken note of: it is counted in text, and whole in JSON.
#[derive(Clone, Copy, Debug)]
pub struct Acknowledged {
    /// Its code.
    pub code: Code,
    /// The variable it is about; none where it is about the launch.
    pub variable: Option<Str>,
    /// Why it may stand.
    pub reason: Str,
    /// The last day, `YYYY-MM-DD`, UTC.
    pub until: Str,
}

impl Policy {
    /// The policy that demands nothing.
    pub const NONE: Policy = Policy {
        rotation: List::EMPTY,
        severity: List::EMPTY,
        forbid: List::EMPTY,
        modes: Modes::ALL,
        no_report: false,
        no_accept: false,
        features_off: List::EMPTY,
        acknowledge: List::EMPTY,
    };

    /// The least severity of a code in this mode, where the policy has one.
    pub fn severity(&self, code: Code, mode: Mode) -> Option<Severity> {
        let found = self.severity.iter().find(|one| one.code == code && one.modes.has(mode));
        found.and_then(|one| one.severity)
    }

    /// Whether one of the policy's names is this one.
    pub fn forbids(&self, name: &[u8]) -> bool {
        self.forbid.iter().any(|one| match one.strip_suffix('*') {
            Some(start) => name.starts_with(start.as_bytes()),
            None => one.as_bytes() == name,
        })
    }
}

impl Contract {
    /// The most days that a key of this class may live, where the policy says so.
    pub fn rotation_window(&self, class: &str) -> Option<u32> {
        let found = self.policy.rotation.iter().find(|(name, _)| *name == class);
        found.map(|&(_, days)| days)
    }
}

/// A policy with names in place of indices; what the file does not say is empty.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the fields are those of `Policy`")]
pub struct PolicyDraft {
    pub rotation: Vec<At<(Str, u32)>>,
    pub severity: Vec<At<Override>>,
    pub forbid: Vec<At<Str>>,
    pub modes: Option<At<Modes>>,
    pub enforce: Option<At<bool>>,
    pub accept: Option<At<bool>>,
    pub features_off: Vec<At<Str>>,
    pub acknowledge: Vec<At<Acknowledged>>,
}

impl PolicyDraft {
    /// A policy with names again. What demands nothing is left out.
    pub fn of(contract: &Contract) -> PolicyDraft {
        fn all<T: Copy>(list: &List<T>) -> Vec<At<T>> {
            list.iter().map(|&value| At { line: 0, value }).collect()
        }
        let policy = &contract.policy;
        let name = |id: &FeatureId| contract.features.get(usize::from(id.0)).map(|it| it.name);
        let yes = |set: bool| set.then_some(At { line: 0, value: true });
        PolicyDraft {
            rotation: all(&policy.rotation),
            severity: all(&policy.severity),
            forbid: all(&policy.forbid),
            modes: (policy.modes != Modes::ALL).then_some(At { line: 0, value: policy.modes }),
            enforce: yes(policy.no_report),
            accept: yes(policy.no_accept),
            features_off: policy
                .features_off
                .iter()
                .filter_map(name)
                .map(|value| At { line: 0, value })
                .collect(),
            acknowledge: all(&policy.acknowledge),
        }
    }

    /// The least severity of a code in this mode, where the policy has one.
    pub fn least(&self, code: Code, mode: Mode) -> Option<Severity> {
        let of = self.severity.iter().map(|at| at.value);
        let of = of.filter(|one| one.code == code && one.modes.has(mode));
        of.filter_map(|one| one.severity).max()
    }
}

/// Reads a policy.
pub fn read(node: Option<Node>, problems: &mut Problems) -> PolicyDraft {
    let mut draft = PolicyDraft::default();
    let Some(mut from) = node.and_then(|node| Fields::of(node, POLICY, problems)) else {
        return draft;
    };
    for (key, node) in fields::entries(from.take("rotation"), "rotation", problems) {
        if !super::name::is_word(key.text) {
            problems.add(key.line, "rotation: expected the name of a class");
        } else if let Some(days) = days(&node, problems) {
            draft.rotation.push(At { line: key.line, value: (key.text, days) });
        }
    }
    for (key, node) in fields::entries(from.take("severity"), "severity", problems) {
        let Some(code) = grammar::code(key.text, key.line, problems) else { continue };
        let mut list = Vec::new();
        grammar::severity(code, node, &mut list, problems);
        if list.iter().any(|one| one.severity.is_none()) {
            problems.add(key.line, "severity: expected one of warning, error");
        }
        draft.severity.extend(list.into_iter().map(|value| At { line: key.line, value }));
    }
    for node in fields::list(from.take("forbid"), "forbid", problems) {
        let line = node.line;
        let name = match node.value {
            // The launcher's own settings are refused by name already, where there is none.
            Value::Text(text) if text.starts_with("NEXIS_LAUNCH_") => {
                fields::variable(&node, "forbid", problems)
            }
            _ => fields::pattern(&node, "forbid", problems),
        };
        draft.forbid.extend(name.map(|value| At { line, value }));
    }
    if let Some(node) = from.take("modes") {
        let line = node.line;
        match grammar::modes(&node, "modes", problems) {
            Some(modes) if modes.is_empty() => {
                problems.add(line, "modes: expected at least one mode");
            }
            modes => draft.modes = modes.map(|value| At { line, value }),
        }
    }
    let mut word = |key: &str, words| {
        let node = from.take(key)?;
        let value = fields::one_of(&node, key, words, problems)?;
        Some(At { line: node.line, value })
    };
    draft.enforce = word("enforce", ENFORCE);
    draft.accept = word("accept", ACCEPT);
    for node in fields::list(from.take("features_off"), "features_off", problems) {
        let line = node.line;
        let name = fields::word(&node, "features_off", problems);
        draft.features_off.extend(name.map(|value| At { line, value }));
    }
    for node in fields::list(from.take("acknowledge"), "acknowledge", problems) {
        draft.acknowledge.extend(acknowledged(node, problems));
    }
    draft
}

/// `30d`.
fn days(node: &Node, problems: &mut Problems) -> Option<u32> {
    let text = if let Value::Text(text) = node.value { text } else { "" };
    let digits = text.strip_suffix('d').filter(|it| it.bytes().all(|b| b.is_ascii_digit()));
    let days = digits.and_then(|it| it.parse().ok()).filter(|days| (1..=MOST_DAYS).contains(days));
    if days.is_none() {
        let words = format!("rotation: expected days from 1d to {MOST_DAYS}d, such as 30d");
        problems.add(node.line, words);
    }
    days
}

/// A warning that somebody has taken note of.
fn acknowledged(node: Node, problems: &mut Problems) -> Option<At<Acknowledged>> {
    let line = node.line;
    let mut from = Fields::of(node, &["code", "variable", "reason", "until"], problems)?;
    let code = from.need("code", problems).and_then(|node| {
        let word = fields::text(&node, "code", problems)?;
        grammar::code(word, node.line, problems)
    });
    let had_variable = from.had("variable");
    let variable = from.read("variable", fields::word_or_variable, problems);
    let reason = from.need("reason", problems);
    let reason = reason.and_then(|node| fields::line(&node, "reason", problems));
    if reason.is_some_and(|reason| reason.trim().is_empty()) {
        problems.add(line, "reason: expected a reason");
    }
    let until = from.need("until", problems).and_then(|node| {
        let text = if let Value::Text(text) = node.value { text } else { "" };
        let day = text.parse::<Date>().ok().filter(|day| day.to_string() == text);
        if day.is_none() {
            problems.add(node.line, "until: expected a day as YYYY-MM-DD");
        }
        day.map(|_| text)
    });
    let (code, reason, until) = (code?, reason?, until?);
    if had_variable && variable.is_none() {
        return None;
    }
    Some(At { line, value: Acknowledged { code, variable, reason, until } })
}

/// Adds `over` to the policy of `base`. What would lift a demand is told to `less`: its line, the
/// key, the new value and the old one.
pub fn merge(base: &mut Draft, over: &PolicyDraft, less: &mut tighten::Less<'_>) {
    for at in &over.rotation {
        let (class, days) = at.value;
        match base.policy.rotation.iter_mut().find(|known| known.value.0 == class) {
            Some(known) if days > known.value.1 => {
                let key = format!("rotation of {class}");
                less(at.line, &key, &format!("{days}d"), &format!("{}d", known.value.1));
            }
            Some(known) => *known = *at,
            None => base.policy.rotation.push(*at),
        }
    }
    for at in &over.severity {
        let code = at.value.code;
        for mode in at.value.modes.iter() {
            let old = code.severity(mode).max(base.policy.least(code, mode));
            if at.value.severity < old {
                let key = format!("severity of {} in {mode}", code.name());
                less(at.line, &key, grammar::severity_word(at.value.severity), {
                    grammar::severity_word(old)
                });
            }
        }
    }
    base.policy.severity.extend(&over.severity);
    add(&mut base.policy.forbid, &over.forbid);
    if let Some(new) = over.modes {
        let old = base.policy.modes.map_or(Modes::ALL, |at| at.value);
        if new.value.0 & !old.0 != 0 {
            less(new.line, "modes", &tighten::modes(new.value), &tighten::modes(old));
        }
        base.policy.modes = Some(At { value: Modes(new.value.0 & old.0), ..new });
    }
    for (key, words, old, new) in [
        ("enforce", ENFORCE, &mut base.policy.enforce, over.enforce),
        ("accept", ACCEPT, &mut base.policy.accept, over.accept),
    ] {
        match (*old, new) {
            (Some(At { value: true, .. }), Some(At { value: false, line })) => {
                less(line, key, tighten::word(words, false), tighten::word(words, true));
            }
            (_, Some(_)) => *old = new,
            _ => {}
        }
    }
    for at in &over.features_off {
        // Off withholds, and lifts `required`: what a row demands besides its feature would go.
        let demanded = base.rows.iter().find(|row| {
            row.feature == Some(at.value)
                && (row.required.is_some_and(|modes| !modes.is_empty())
                    || row.required_when.is_some())
        });
        if let Some(row) = demanded {
            let old = format!("{} required", row.name);
            less(at.line, &format!("features_off {}", at.value), "off", &old);
        }
    }
    add(&mut base.policy.features_off, &over.features_off);
    for at in &over.acknowledge {
        let about = |known: &At<Acknowledged>| {
            (known.value.code, known.value.variable) == (at.value.code, at.value.variable)
        };
        base.policy.acknowledge.retain(|known| known.line != 0 || !about(known));
        base.policy.acknowledge.push(*at);
    }
}

/// Appends the names that are not there yet.
fn add(to: &mut Vec<At<Str>>, more: &[At<Str>]) {
    for at in more {
        if !to.iter().any(|known| known.value == at.value) {
            to.push(*at);
        }
    }
}

/// The policy with indices, where it fits the rest of the contract.
pub fn compile(draft: &PolicyDraft, contract: &Contract, problems: &mut Problems) -> Policy {
    let mut features_off = Vec::new();
    for at in &draft.features_off {
        let ids = (0u16..).map(FeatureId).zip(contract.features);
        match ids.into_iter().find(|(_, feature)| feature.name == at.value) {
            Some((id, _)) => features_off.push(id),
            None => {
                let names = contract.features.iter().map(|feature| feature.name);
                let near = problems.nearest(at.value, names);
                let words = format!("features_off: {} is no feature of the contract", at.value);
                problems.add_hint(at.line, words, near.map(|near| format!("did you mean {near}?")));
            }
        }
    }
    let mut rotation: Vec<(Str, u32)> = draft.rotation.iter().map(|at| at.value).collect();
    rotation.sort_unstable();
    let mut policy = Policy {
        rotation: rotation.into(),
        severity: least(draft).into(),
        forbid: draft.forbid.iter().map(|at| at.value).collect::<Vec<_>>().into(),
        modes: draft.modes.map_or(Modes::ALL, |at| at.value),
        no_report: draft.enforce.is_some_and(|at| at.value),
        no_accept: draft.accept.is_some_and(|at| at.value),
        features_off: features_off.into(),
        acknowledge: List::EMPTY,
    };
    let taken = draft.acknowledge.iter().filter_map(|at| {
        let value = super::acknowledge::check(contract, &policy, at.value, problems);
        value.map_err(|fault| problems.add_hint(at.line, fault.words, fault.hint)).ok()
    });
    let taken: Vec<Acknowledged> = taken.collect();
    for (index, one) in taken.iter().enumerate() {
        let same = |other: &Acknowledged| (other.code, other.variable) == (one.code, one.variable);
        if taken.iter().take(index).any(same) {
            let line = draft.acknowledge.get(index).map_or(0, |at| at.line);
            let words = format!("acknowledge: {} stands here a second time", one.code.name());
            problems.add(line, words);
        }
    }
    policy.acknowledge = taken.into();
    policy
}

/// One entry a code and severity with the modes in which it is the greatest, in the order of codes.
fn least(draft: &PolicyDraft) -> Vec<Override> {
    let mut list = Vec::new();
    for &code in Code::ALL {
        for severity in [Severity::Warning, Severity::Error] {
            let modes =
                Mode::ALL.into_iter().filter(|&mode| draft.least(code, mode) == Some(severity));
            let modes = modes.fold(Modes::NONE, Modes::with);
            if !modes.is_empty() {
                list.push(Override { code, modes, severity: Some(severity) });
            }
        }
    }
    list
}
