//! The policies of two contracts.

use super::super::draft::At;
use super::super::grammar::severity_word;
use super::super::model::Acknowledged;
use super::super::policy::{self, ACCEPT, ENFORCE};
use super::super::tighten::word;
use super::Direction::{Looser, Neutral, Stricter};
use super::{Changes, Direction, Pair, parts};
use crate::finding::Code;
use crate::mode::{Mode, Modes};

/// Compares all keys. As of rows, what an extending contract may not say is looser.
pub(super) fn compare(pair: &Pair, to: &mut Changes) {
    let (a, b) = (&pair.a.policy, &pair.b.policy);
    let mut looser: Vec<String> = Vec::new();
    policy::merge(&mut pair.a.clone(), b, &mut |_, key, _, _| looser.push(key.to_owned()));
    let is_looser = |key: &str| looser.iter().any(|one| one == key);
    let way = |key: &str, removed: bool| match removed || is_looser(key) {
        true => Looser,
        false => Stricter,
    };
    let mut add = |key: &str, old: Option<String>, new: Option<String>, direction: Direction| {
        to.add("policy", Some(key), old, new, direction);
    };
    let days = |list: &[At<(&'static str, u32)>], class: &str| {
        list.iter().find(|at| at.value.0 == class).map(|at| at.value.1)
    };
    let of_b = b.rotation.iter().filter(|at| days(&a.rotation, at.value.0).is_none());
    for class in a.rotation.iter().chain(of_b).map(|at| at.value.0) {
        let (old, new) = (days(&a.rotation, class), days(&b.rotation, class));
        if old != new {
            let key = format!("rotation of {class}");
            let said = |days: Option<u32>| days.map(|days| format!("{days}d"));
            add(&key, said(old), said(new), way(&key, new.is_none()));
        }
    }
    for &code in Code::ALL {
        for mode in Mode::ALL {
            let old = code.severity(mode).max(a.least(code, mode));
            let new = code.severity(mode).max(b.least(code, mode));
            if old != new {
                let key = format!("severity of {} in {mode}", code.name());
                let said = |severity| Some(severity_word(severity).to_owned());
                add(&key, said(old), said(new), way(&key, new < old));
            }
        }
    }
    let modes = |modes: Option<At<Modes>>| modes.map_or(Modes::ALL, |at| at.value);
    let (old, new) = (modes(a.modes), modes(b.modes));
    if old != new {
        let said = |modes| Some(parts::modes(modes));
        // Some modes more and others less lets some through.
        add("modes", said(old), said(new), way("modes", new.0 & !old.0 != 0));
    }
    for (key, words, old, new) in
        [("enforce", ENFORCE, a.enforce, b.enforce), ("accept", ACCEPT, a.accept, b.accept)]
    {
        let set = |at: Option<At<bool>>| at.is_some_and(|at| at.value);
        if set(old) != set(new) {
            let said = |set: bool| Some(word(words, set).to_owned());
            add(key, said(set(old)), said(set(new)), way(key, !set(new)));
        }
    }
    let names = |list: &[At<&'static str>]| list.iter().map(|at| at.value).collect::<Vec<_>>();
    let text = |text: &&'static str| Some((*text).to_owned());
    let (old, new) = (names(&a.forbid), names(&b.forbid));
    to.list("policy", "forbid", &old, &new, [Stricter, Looser], text);
    let (old, new) = (names(&a.features_off), names(&b.features_off));
    for gone in old.iter().filter(|one| !new.contains(one)) {
        to.add("policy", Some("features_off"), Some((*gone).to_owned()), None, Looser);
    }
    for more in new.iter().filter(|one| !old.contains(one)) {
        let direction = way(&format!("features_off {more}"), false);
        to.add("policy", Some("features_off"), None, Some((*more).to_owned()), direction);
    }
    let known = |list: &[At<Acknowledged>]| -> Vec<String> {
        let one = |at: &At<Acknowledged>| {
            let about = at.value.variable.map_or(String::new(), |name| format!(" of {name}"));
            format!("{}{about} until {}", at.value.code.name(), at.value.until)
        };
        list.iter().map(one).collect()
    };
    let (old, new) = (known(&a.acknowledge), known(&b.acknowledge));
    to.list("policy", "acknowledge", &old, &new, [Neutral; 2], |text| Some(text.clone()));
}
