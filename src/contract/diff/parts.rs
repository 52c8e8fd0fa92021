//! Features, rules, and names that are not read.

use super::super::draft::{Cond, FeatureDraft, RuleDraft};
use super::super::{provider, words};
use super::Direction::{Different, Looser, Neutral, Stricter};
use super::rows::narrowed;
use super::{Changes, Pair, text};
use crate::mode::Modes;

/// Modes by name.
pub(super) fn modes(modes: Modes) -> String {
    words::modes(modes)
}

/// A condition on one line.
fn said(cond: Option<&Cond>) -> Option<String> {
    cond.map(|cond| text::of(&super::show::condition(cond)))
}

/// What switches features.
pub(super) fn features(pair: &Pair, to: &mut Changes) {
    let (a, b) = (&pair.a.features, &pair.b.features);
    for old in a {
        let subject = format!("feature {}", old.name);
        match b.iter().find(|new| new.name == old.name) {
            None => to.add(&subject, None, Some(String::new()), None, Looser),
            Some(new) => feature(&subject, old, new, to),
        }
    }
    for new in b.iter().filter(|new| !a.iter().any(|old| old.name == new.name)) {
        // Of the rows that belong to it more is said where they stand.
        to.add(&format!("feature {}", new.name), None, None, Some(String::new()), Neutral);
    }
}

fn feature(subject: &str, old: &FeatureDraft, new: &FeatureDraft, to: &mut Changes) {
    let same = |a: Option<&Cond>, b: Option<&Cond>| match (a, b) {
        (Some(a), Some(b)) => a.same_as(b),
        (a, b) => a.is_none() && b.is_none(),
    };
    let (a, b) = (old.on.as_ref(), new.on.as_ref());
    if !same(a, b) {
        // On demands.
        to.add(subject, Some("on"), said(a), said(b), narrowed(a, b));
    }
    let (a, b) = (old.off.as_ref(), new.off.as_ref());
    if !same(a, b) {
        // Off withholds, and lifts what on demands.
        to.add(subject, Some("off"), said(a), said(b), Different);
    }
    let has = |list: &[Cond], one: &Cond| list.iter().any(|known| known.same_as(one));
    for gone in old.conflicts.iter().filter(|one| !has(&new.conflicts, one)) {
        to.add(subject, Some("conflict"), said(Some(gone)), None, Looser);
    }
    for more in new.conflicts.iter().filter(|one| !has(&old.conflicts, one)) {
        to.add(subject, Some("conflict"), None, said(Some(more)), Stricter);
    }
}

/// Findings that follow from combinations.
pub(super) fn rules(pair: &Pair, to: &mut Changes) {
    let is = |a: &RuleDraft, b: &RuleDraft| {
        (a.variable, a.code) == (b.variable, b.code) && a.when.same_as(&b.when)
    };
    let subject = |rule: &RuleDraft| format!("rule of {}", rule.variable);
    let whole = |rule: &RuleDraft| {
        let when = said(Some(&rule.when)).unwrap_or_default();
        Some(format!("{} where {when} in {}", rule.code.name(), modes(rule.modes)))
    };
    let (a, b) = (&pair.a.rules, &pair.b.rules);
    for old in a {
        let Some(new) = b.iter().find(|new| is(old, new)) else {
            to.add(&subject(old), None, whole(old), None, Looser);
            continue;
        };
        if old.modes != new.modes {
            let less = old.modes.0 & !new.modes.0 != 0;
            let (a, b) = (Some(modes(old.modes)), Some(modes(new.modes)));
            let direction = if less { Looser } else { Stricter };
            to.add(&subject(old), Some("modes"), a, b, direction);
        }
        if old.severity != new.severity {
            let direction = if new.severity < old.severity { Looser } else { Stricter };
            let word = |rule: &RuleDraft| Some(rule.severity.name().to_owned());
            to.add(&subject(old), Some("severity"), word(old), word(new), direction);
        }
        if (old.message, old.hint) != (new.message, new.hint) {
            to.add(&subject(old), Some("words"), None, None, Neutral);
        }
    }
    for new in b.iter().filter(|new| !a.iter().any(|old| is(old, new))) {
        to.add(&subject(new), None, None, whole(new), Stricter);
    }
}

/// Names that are warned of.
pub(super) fn not_read(pair: &Pair, to: &mut Changes) {
    let names = |draft: &super::Draft| -> Vec<&'static str> {
        draft.not_read.iter().map(|at| at.value.name).collect()
    };
    let text = |text: &&'static str| Some((*text).to_owned());
    let (a, b) = (names(&pair.a), names(&pair.b));
    to.list("contract", "not_read", &a, &b, [Stricter, Looser], text);
}

/// Commands that fetch values: which of two is the stricter one nobody can tell.
pub(super) fn providers(pair: &Pair, to: &mut Changes) {
    let (a, b) = (&pair.a.providers, &pair.b.providers);
    let subject = |name: &str| format!("provider {name}");
    for gone in a.iter().filter(|old| !b.iter().any(|new| new.value.name == old.value.name)) {
        to.add(&subject(gone.value.name), None, Some(String::new()), None, Different);
    }
    for more in b.iter().filter(|new| !a.iter().any(|old| old.value.name == new.value.name)) {
        to.add(&subject(more.value.name), None, None, Some(String::new()), Different);
    }
    provider::merge(&mut a.clone(), b, &mut |_, key, name, new, old| {
        let (old, new) = (Some(old.to_owned()), Some(new.to_owned()));
        to.add(&subject(name), Some(key), old, new, Different);
    });
}
