//! Variables and parts, key by key. What an extending row may not say is looser here too: each row
//! of the second contract is laid over the first's, as if it extended it.

use super::super::draft::{Cond, RowDraft};
use super::super::grammar::severity_word;
use super::super::model::{Override, Reject};
use super::super::policy::PolicyDraft;
use super::super::show::{self, Tree};
use super::super::tighten;
use super::Direction::{Different, Looser, Neutral, Stricter};
use super::{Changes, Direction, Pair, text};
use crate::finding::Code;
use crate::mode::{Mode, Modes};

/// Compares all rows.
pub(super) fn compare(pair: &Pair, to: &mut Changes) {
    let (a, b) = (&pair.a.rows, &pair.b.rows);
    for old in a {
        match b.iter().find(|new| new.name == old.name) {
            Some(new) if old.part != new.part => {
                let kind = |row: &RowDraft| Some(if row.part { "part" } else { "variable" }.into());
                to.add(old.name, None, kind(old), kind(new), Different);
            }
            Some(new) => row(pair, old, new, to),
            // Whatever it demanded, nothing does any more.
            None => to.add(old.name, None, Some(whole(old)), None, Looser),
        }
    }
    for new in b.iter().filter(|new| !a.iter().any(|old| old.name == new.name)) {
        to.add(new.name, None, None, Some(whole(new)), Stricter);
    }
}

/// Compares one row.
fn row(pair: &Pair, old: &RowDraft, new: &RowDraft, to: &mut Changes) {
    let mut looser: Vec<String> = Vec::new();
    let policy = &pair.a.policy;
    tighten::tighten(&mut old.clone(), new, policy, &mut |key, _, _| looser.push(key.to_owned()));
    let is_looser = |key: &str| looser.iter().any(|one| one == key);
    let name = old.name;
    let (Tree::Map(a), Tree::Map(b)) = (show::row(old), show::row(new)) else { return };
    for (key, old_value, new_value) in both(&a, &b) {
        match (key, old_value, new_value) {
            ("severity", ..) => {}
            ("format", Some(Tree::Map(a)), Some(Tree::Map(b))) => {
                for (key, old_value, new_value) in both(a, b) {
                    let judged = if key == "kind" { "format kind" } else { key };
                    let direction = match new_value {
                        _ if is_looser(judged) => Looser,
                        None => Looser,
                        Some(_) => Stricter,
                    };
                    to.add(name, Some(key), said(old_value), said(new_value), direction);
                }
            }
            ("aliases", ..) => {
                let text = |text: &&'static str| Some((*text).to_owned());
                // What was an alias would be passed on under its own name.
                to.list(name, key, &old.aliases, &new.aliases, [Neutral, Different], text);
            }
            ("files", ..) => {
                let text = |text: &&'static str| Some((*text).to_owned());
                to.list(name, key, &old.files, &new.files, [Neutral; 2], text);
            }
            ("rejects", ..) => {
                let hidden = |_: &Reject| None;
                to.list(name, key, &old.rejects, &new.rejects, [Stricter, Looser], hidden);
            }
            ("required_when", ..) => {
                let direction = narrowed(old.required_when.as_ref(), new.required_when.as_ref());
                to.add(name, Some(key), said(old_value), said(new_value), direction);
            }
            _ => {
                let direction = direction(key, old_value, new_value, is_looser(key));
                to.add(name, Some(key), said(old_value), said(new_value), direction);
            }
        }
    }
    severities(name, (&old.severity, &pair.a.policy), (&new.severity, &pair.b.policy), to);
}

/// A whole row that came or went.
fn whole(row: &RowDraft) -> String {
    let kind = if row.part { "part" } else { "variable" };
    let secret = if row.secret == Some(true) { "secret " } else { "" };
    match row.required.filter(|modes| !modes.is_empty()) {
        Some(modes) => format!("{secret}{kind}, required in {},", super::parts::modes(modes)),
        None => format!("{secret}{kind}"),
    }
}

/// Which way a key of a row goes that is no list.
fn direction(key: &str, old: Option<&Tree>, new: Option<&Tree>, is_looser: bool) -> Direction {
    match (key, old, new) {
        ("purpose" | "read_by", ..) => Neutral,
        ("template", ..) => Different,
        _ if is_looser => Looser,
        ("class", Some(_), None) => Looser,
        // Left alone and no longer withheld, another value than before: no order.
        ("feature", Some(_), None) | ("default", Some(_), _) => Different,
        ("default" | "generate", None, Some(_)) => Neutral,
        ("generate", Some(_), None) => Stricter,
        ("generate", ..) => Neutral,
        ("required" | "secret" | "class" | "feature" | "final_newline", ..) => Stricter,
        ("blank" | "display" | "deliver", ..) => Stricter,
        // A key that nobody taught this comparison.
        _ => Different,
    }
}

/// Which way a condition goes that demands something where it holds.
pub(super) fn narrowed(old: Option<&Cond>, new: Option<&Cond>) -> Direction {
    match (old, new) {
        (None, _) => Stricter,
        (Some(_), None) => Looser,
        (Some(old), Some(Cond::Any(new))) if new.iter().any(|one| one.same_as(old)) => Stricter,
        (Some(Cond::Any(old)), Some(Cond::Any(new)))
            if old.iter().all(|old| new.iter().any(|new| new.same_as(old))) =>
        {
            Stricter
        }
        _ => Different,
    }
}

/// The severities in force, code by code and mode by mode, of codes that either row names.
fn severities(
    name: &str,
    (a, policy_a): (&[Override], &PolicyDraft),
    (b, policy_b): (&[Override], &PolicyDraft),
    to: &mut Changes,
) {
    let named = |code: &&Code| a.iter().chain(b).any(|one| one.code == **code);
    for &code in Code::ALL.iter().filter(named) {
        let mut changes: Vec<(Modes, _, _)> = Vec::new();
        for mode in Mode::ALL {
            let old = tighten::severity(a, code, mode).max(policy_a.least(code, mode));
            let new = tighten::severity(b, code, mode).max(policy_b.least(code, mode));
            match changes.iter_mut().find(|(_, a, b)| (*a, *b) == (old, new)) {
                _ if old == new => {}
                Some((modes, ..)) => *modes = modes.with(mode),
                None => changes.push((Modes::NONE.with(mode), old, new)),
            }
        }
        for (modes, old, new) in changes {
            let key = format!("severity of {} in {}", code.name(), super::parts::modes(modes));
            let direction = if new > old { Stricter } else { Looser };
            let (old, new) = (severity_word(old).to_owned(), severity_word(new).to_owned());
            to.add(name, Some(&key), Some(old), Some(new), direction);
        }
    }
}

/// The keys whose values differ, in the order of the first mapping, then of the second.
pub(super) fn both<'t>(
    a: &'t [(&'static str, Tree)],
    b: &'t [(&'static str, Tree)],
) -> Vec<(&'static str, Option<&'t Tree>, Option<&'t Tree>)> {
    let get = |tree: &'t [(&'static str, Tree)], key: &str| {
        tree.iter().find(|(name, _)| *name == key).map(|(_, value)| value)
    };
    let keys = a.iter().chain(b.iter().filter(|(key, _)| get(a, key).is_none()));
    let all = keys.map(|&(key, _)| (key, get(a, key), get(b, key)));
    all.filter(|(_, a, b)| a != b).collect()
}

/// A value on one line.
fn said(value: Option<&Tree>) -> Option<String> {
    value.map(text::of)
}
