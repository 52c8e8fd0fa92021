//! What an operator's contract adds to the one it extends: stricter is taken, looser is refused
//! with both values (interface section 8).
//!
//! Looser means: some value or absence that the extended contract makes a finding would be none,
//! would be a milder one, or more of a secret would be shown. What only says more (purpose,
//! aliases, file names) is free. Problems are noted and the merge goes on, so that all of them
//! are said at once.

use super::draft::{Cond, Draft, KindName, RowDraft};
use super::grammar::{BLANK, DELIVER, DISPLAY, FINAL_NEWLINE, VARIABLE, severity_word};
use super::model::{Deliver, Display, FinalNewline, Override, Str};
use super::name::shown;
use super::narrow;
use super::pattern::{self, Piece};
use super::policy::{self, PolicyDraft};
use super::problem::Problems;
use super::provider;
use crate::finding::{Code, Severity};
use crate::mode::{Mode, Modes};
use std::collections::BTreeSet;

/// `base` with all that `over` adds.
pub fn merge(mut base: Draft, over: &Draft, problems: &mut Problems) -> Draft {
    base.name = over.name.or(base.name);
    base.extends = over.extends;
    // Where a program lies is the host's affair and says nothing of strictness.
    for at in &over.program {
        base.program.retain(|known| known.value.0 != at.value.0);
        base.program.push(*at);
    }
    for at in &over.mode_names {
        let (name, mode) = at.value;
        if let Some(known) = base.mode_names.iter().find(|known| known.value.0 == name)
            && mode < known.value.1
        {
            looser(at.line, "mode_names", name, mode.name(), known.value.1.name(), problems);
        }
        base.mode_names.retain(|known| known.value.0 != name);
        base.mode_names.push(*at);
    }
    add(&mut base.prefixes, &over.prefixes);
    add(&mut base.passthrough, &over.passthrough);
    add(&mut base.trusted_owners, &over.trusted_owners);
    add(&mut base.burnt, &over.burnt);
    provider::merge(&mut base.providers, &over.providers, &mut |line, key, name, new, old| {
        looser(line, key, name, new, old, problems);
    });
    let known = base.rows.len();
    // Templates of rows that are demanded, to be looked at when all rows are there.
    let mut composed: Vec<(&RowDraft, Str, Option<Str>)> = Vec::new();
    for row in &over.rows {
        // Only rows of the base are added to: a second row of one file is found by the compiler.
        let mut rows = base.rows.iter_mut().take(known);
        match rows.find(|base| base.name == row.name && base.keys.is_empty()) {
            Some(base_row) => {
                let name = base_row.name;
                if let Some(text) = row.template
                    && is_demanded(base_row)
                {
                    composed.push((row, text, base_row.template));
                }
                if base_row.part != row.part {
                    let kind = if base_row.part { "part" } else { "variable" };
                    problems
                        .add(row.line, format!("{name} is a {kind} in the contract it extends"));
                }
                tighten(base_row, row, &base.policy, &mut |key, new, old| {
                    // The first word is the row's key, or a key inside its format.
                    let outer = key.split(' ').next().filter(|outer| VARIABLE.contains(outer));
                    let line = row.line_of(outer.unwrap_or("format"));
                    looser(line, key, name, new, old, problems);
                });
            }
            None => base.rows.push(row.clone()),
        }
    }
    for (row, text, old) in composed {
        let mut less = |new| {
            let line = row.line_of("template");
            looser(line, "template", row.name, new, "a required one", problems);
        };
        // A URL may lead to what asks for no password.
        let is_key =
            |it: &RowDraft| it.secret == Some(true) && it.format.kind != Some(KindName::Url);
        let is_secret = || base.rows.iter().any(|it| it.name == row.name && is_key(it));
        if is_constant(text, &base.rows, 0) {
            less("a value");
        } else if is_secret()
            && !takes_secret(text, &base.rows, 0)
            && old.is_none_or(|old| takes_secret(old, &base.rows, 0))
        {
            less("of no secret");
        }
    }
    let known = base.features.len();
    for feature in &over.features {
        match base
            .features
            .iter_mut()
            .take(known)
            .find(|base| base.name == feature.name && base.line == 0)
        {
            None => base.features.push(feature.clone()),
            Some(base) => {
                base.line = feature.line;
                // On in more cases asks for more; off in more cases withholds more.
                base.on = either(base.on.take(), feature.on.clone());
                match (&base.off, &feature.off) {
                    (_, None) => {}
                    (Some(off), Some(new)) if off.same_as(new) => {}
                    _ => problems.add(
                        feature.line,
                        format!(
                            "feature {}: another off is looser than the one it extends",
                            feature.name
                        ),
                    ),
                }
                for conflict in &feature.conflicts {
                    if !base.conflicts.iter().any(|known| known.same_as(conflict)) {
                        base.conflicts.push(conflict.clone());
                    }
                }
            }
        }
    }
    base.rules.extend(over.rules.iter().cloned());
    for at in &over.not_read {
        match base
            .not_read
            .iter_mut()
            .find(|known| known.line == 0 && known.value.name == at.value.name)
        {
            Some(known) => *known = *at,
            None => base.not_read.push(*at),
        }
    }
    let mut less = |line, key: &str, new: &str, old: &str| {
        looser(line, key, "policy", new, old, problems);
    };
    policy::merge(&mut base, &over.policy, &mut less);
    base
}

/// Told of what is looser: its line, the key, the new value and the old one.
pub(super) type Less<'a> = dyn FnMut(u32, &str, &str, &str) + 'a;

/// Appends what is not there yet.
fn add<T: Copy + Ord>(to: &mut Vec<T>, more: &[T]) {
    // Mostly there are few, and then it is cheaper to look at all.
    if to.len().saturating_mul(more.len()) < 1024 {
        for one in more {
            if !to.contains(one) {
                to.push(*one);
            }
        }
        return;
    }
    let mut known: BTreeSet<T> = to.iter().copied().collect();
    to.extend(more.iter().filter(|&&one| known.insert(one)));
}

/// Whether some mode, condition or feature requires the row.
fn is_demanded(row: &RowDraft) -> bool {
    row.required.is_some_and(|modes| !modes.is_empty())
        || row.required_when.is_some()
        || row.feature.is_some()
}

/// Whether a template takes a secret whenever it makes a value: a part outside of `[…]` that is one,
/// and no template of what is none.
fn takes_secret(text: Str, rows: &[RowDraft], depth: u8) -> bool {
    let pieces = pattern::parse(text).unwrap_or_default();
    let mut parts = pieces.iter().filter_map(|piece| match piece {
        Piece::Part(name, _) => rows.iter().find(|row| row.name == *name),
        _ => None,
    });
    depth < 8
        && parts.any(|row| match row.template {
            Some(text) => takes_secret(text, rows, depth + 1),
            None => row.secret == Some(true),
        })
}

/// Whether a template has a value where no source has one, as a default would: each part outside
/// of `[…]` has a default, a generator, or such a template itself, or is the mode. What does not parse, or needs
/// itself, is a problem of its own.
fn is_constant(text: Str, rows: &[RowDraft], depth: u8) -> bool {
    let pieces = pattern::parse(text).unwrap_or_default();
    let mut parts = pieces.iter().filter_map(|piece| match piece {
        Piece::Part(name, _) | Piece::Switch(name, ..) => Some(*name),
        Piece::Literal(_) | Piece::Group(_) => None,
    });
    depth < 8
        && parts.all(|name| {
            let row = rows.iter().find(|row| row.name == name);
            row.is_some_and(|row| {
                row.default.is_some()
                    || row.generate.is_some()
                    // The mode is always known.
                    || row.format.kind == Some(KindName::Mode)
                    || row.template.is_some_and(|text| is_constant(text, rows, depth + 1))
            })
        })
}

/// The one sentence for all that is looser.
fn looser(line: u32, key: &str, name: &str, new: &str, old: &str, problems: &mut Problems) {
    let words = match key {
        // Another one need not be looser.
        "format kind" => format!("{old} of the contract it extends cannot become {new}"),
        _ => format!("{new} is looser than {old} in the contract it extends"),
    };
    problems.add_hint(
        line,
        format!("{name}: {key} {words}"),
        Some("an extending contract may only be stricter".to_owned()),
    );
}

/// Where one of two conditions holds.
fn either(one: Option<Cond>, other: Option<Cond>) -> Option<Cond> {
    match (one, other) {
        (Some(one), Some(other)) if one.same_as(&other) => Some(one),
        (Some(one), Some(other)) => Some(Cond::Any(vec![one, other])),
        (one, other) => one.or(other),
    }
}

/// Adds `over` to `base`. What is looser is told to `less`: the key, the new value and the old one.
pub(super) fn tighten(
    base: &mut RowDraft,
    over: &RowDraft,
    policy: &PolicyDraft,
    less: &mut dyn FnMut(&str, &str, &str),
) {
    let required = base.required.unwrap_or(Modes::NONE);
    if let Some(new) = over.required {
        if required.0 & !new.0 != 0 {
            less("required", &modes(new), &modes(required));
        }
        base.required = Some(Modes(new.0 | required.0));
    }
    let is_required = !required.is_empty() || base.required_when.is_some();
    let was_secret = base.secret == Some(true);
    match over.secret {
        Some(false) if base.secret == Some(true) => less("secret", "false", "true"),
        Some(secret) => base.secret = Some(secret),
        None => {}
    }
    // Another class has another rotation window.
    match (base.class, over.class) {
        (Some(old), Some(new)) if old != new => less("class", new, old),
        (_, Some(new)) => base.class = Some(new),
        _ => {}
    }
    match (base.feature, over.feature) {
        (Some(old), Some(new)) if old != new => less("feature", new, old),
        // While the feature is off it would be withheld: neither required nor judged, and of some
        // variables the absence is what makes a program unsafe.
        (None, Some(new)) => less("feature", new, "none"),
        (_, Some(new)) => base.feature = Some(new),
        _ => {}
    }
    // Strip and keep make different values of one file; refuse takes fewer files than both.
    match (base.final_newline, over.final_newline) {
        (Some(old), Some(new)) if old != new && new != FinalNewline::RefuseNewline => {
            less("final_newline", word(FINAL_NEWLINE, new), word(FINAL_NEWLINE, old));
        }
        (_, Some(new)) => base.final_newline = Some(new),
        _ => {}
    }
    match over.blank_allowed {
        Some(true) if base.blank_allowed != Some(true) => {
            less("blank", word(BLANK, true), word(BLANK, false));
        }
        Some(blank) => base.blank_allowed = Some(blank),
        None => {}
    }
    match over.display {
        Some(Display::Location) if base.display != Some(Display::Location) => {
            less("display", word(DISPLAY, Display::Location), word(DISPLAY, Display::Auto));
        }
        Some(display) => base.display = Some(display),
        None => {}
    }
    // A generated or default value would take the place of one that is required.
    match (base.generate, over.generate) {
        (Some(old), Some(new)) if new.bytes < old.bytes => {
            less("generate", &format!("{} bytes", new.bytes), &format!("{} bytes", old.bytes));
        }
        (None, Some(_))
            if required.has(Mode::Development)
                || base.required_when.is_some()
                || base.feature.is_some() =>
        {
            less("generate", "a value", "a required one");
        }
        (_, Some(new)) => base.generate = Some(new),
        _ => {}
    }
    match (base.default, over.default) {
        (None, Some(_)) if is_required || base.feature.is_some() => {
            less("default", "a value", "a required one");
        }
        (_, Some(new)) => base.default = Some(new),
        _ => {}
    }
    severities(base, over, policy, less);
    narrow::format(&mut base.format, &over.format, was_secret, less);
    base.purpose = over.purpose.or(base.purpose);
    base.read_by = over.read_by.or(base.read_by);
    // A program that reads the value does not read a path in its place.
    let deliver = base.deliver.unwrap_or(Deliver::AsValue);
    match over.deliver {
        Some(new) if new != deliver => less("deliver", word(DELIVER, new), word(DELIVER, deliver)),
        _ => {}
    }
    // It is trusted as the extended contract's own choice of where the value comes from.
    match (base.provider, over.provider) {
        (Some(old), Some(new)) if old != new => less("provider", new, old),
        (_, new) => base.provider = new.or(base.provider),
    }
    match (base.pointer, over.pointer) {
        (Some(old), Some(new)) if old != new => {
            less("pointer", shown(new, "another"), shown(old, "the one"));
        }
        (_, new) => base.pointer = new.or(base.pointer),
    }
    base.template = over.template.or(base.template);
    base.required_when = either(base.required_when.take(), over.required_when.clone());
    add(&mut base.aliases, &over.aliases);
    add(&mut base.files, &over.files);
    add(&mut base.rejects, &over.rejects);
    base.line = over.line;
    base.keys.clone_from(&over.keys);
}

pub(super) fn modes(modes: Modes) -> String {
    let names: Vec<&str> = modes.iter().map(Mode::name).collect();
    if names.is_empty() { "[]".to_owned() } else { format!("[{}]", names.join(", ")) }
}

pub(super) fn word<T: PartialEq>(words: &[(&'static str, T)], thing: T) -> &'static str {
    words.iter().find(|(_, one)| *one == thing).map_or("", |&(word, _)| word)
}

/// The severity of `code` in `mode` under these overrides.
pub(super) fn severity(list: &[Override], code: Code, mode: Mode) -> Option<Severity> {
    let found = list.iter().find(|one| one.code == code && one.modes.has(mode));
    found.map_or(code.severity(mode), |one| one.severity)
}

/// Severities code by code and mode by mode, measured against what is in force: the extended
/// row's own, else the table's.
fn severities(
    base: &mut RowDraft,
    over: &RowDraft,
    policy: &PolicyDraft,
    less: &mut dyn FnMut(&str, &str, &str),
) {
    let shown = severity_word;
    let mut merged = over.severity.clone();
    for new in &over.severity {
        for mode in new.modes.iter() {
            let old = severity(&base.severity, new.code, mode).max(policy.least(new.code, mode));
            if new.severity < old {
                let key = format!("severity of {} in {mode}", new.code.name());
                less(&key, shown(new.severity), shown(old));
            }
        }
    }
    // What the base says for other modes stays.
    for old in &base.severity {
        let taken = over.severity.iter().filter(|new| new.code == old.code);
        let rest = Modes(old.modes.0 & !taken.fold(0, |set, new| set | new.modes.0));
        if !rest.is_empty() {
            merged.push(Override { modes: rest, ..*old });
        }
    }
    base.severity = merged;
}
