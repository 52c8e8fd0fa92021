//! What one contract demands more or less than another, place by place.
//!
//! Looser is what an extending contract may not be ([`tighten`](super::tighten) judges both), and
//! further what lets more through or shows more. What has no order (another template, another
//! program) is different, and counts as looser: nobody has shown that it is not.

mod parts;
mod policy;
mod rows;
mod text;

pub(in crate::contract) use text::origin;

use super::draft::{At, Draft};
use super::model::Contract;
use super::show::{self, Tree};
use crate::mode::Mode;
use Direction::{Different, Looser, Neutral, Stricter};
use std::collections::BTreeSet;

/// Which way a change goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// It changes no demand: words, further names, what is known.
    Neutral,
    /// The second contract demands more.
    Stricter,
    /// It demands less.
    Looser,
    /// It has no order; counted as looser.
    Different,
}

impl Direction {
    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            Neutral => "neutral",
            Stricter => "stricter",
            Looser => "looser",
            Different => "different",
        }
    }
}

/// One place where two contracts differ.
#[derive(Clone, Debug)]
pub struct Change {
    /// A row's name, `feature NAME`, `rule of NAME`, `policy`, or `contract`.
    pub subject: String,
    /// The key below it; none where the whole thing is added or removed.
    pub key: Option<String>,
    /// What the first contract says; none where it says nothing.
    pub a: Option<String>,
    /// What the second contract says.
    pub b: Option<String>,
    /// Which way it goes.
    pub direction: Direction,
}

/// All places where two contracts differ.
#[derive(Debug)]
pub struct Diff {
    a: &'static Contract,
    b: &'static Contract,
    /// In the order of the grammar.
    pub changes: Vec<Change>,
}

impl Diff {
    /// Compares two contracts.
    pub fn between(a: &'static Contract, b: &'static Contract) -> Diff {
        let pair = Pair { a: Draft::of(a), b: Draft::of(b) };
        let mut to = Changes::default();
        pair.contract(&mut to);
        rows::compare(&pair, &mut to);
        parts::features(&pair, &mut to);
        parts::rules(&pair, &mut to);
        parts::not_read(&pair, &mut to);
        parts::providers(&pair, &mut to);
        pair.names(&mut to);
        policy::compare(&pair, &mut to);
        pair.rest(&mut to);
        Diff { a, b, changes: to.0 }
    }

    /// Whether the second is looser than the first somewhere, or different without an order.
    pub fn is_looser(&self) -> bool {
        self.changes.iter().any(|change| matches!(change.direction, Looser | Different))
    }
}

/// Both contracts with names in place of indices.
struct Pair {
    a: Draft,
    b: Draft,
}

/// The top-level keys that are compared by hand; another is compared as a whole.
const BY_HAND: &[&str] = &[
    "version",
    "name",
    "program",
    "mode_names",
    "prefixes",
    "trusted_owners",
    "burnt",
    "variables",
    "parts",
    "features",
    "rules",
    "not_read",
    "providers",
    "passthrough",
    "policy",
];

impl Pair {
    /// What stands above the rows.
    fn contract(&self, to: &mut Changes) {
        let (a, b) = (self.a.name.map(str::to_owned), self.b.name.map(str::to_owned));
        if a != b {
            to.add("contract", Some("name"), a, b, Neutral);
        }
        // A further link starts nothing that was not started by its own name before.
        to.entries("program", &self.a.program, &self.b.program, [Neutral, Different], |_, _| {
            Different
        });
        let show = |list: &[At<(&'static str, Mode)>]| -> Vec<_> {
            list.iter().map(|at| At { line: 0, value: (at.value.0, at.value.1.name()) }).collect()
        };
        let (a, b) = (show(&self.a.mode_names), show(&self.b.mode_names));
        // A spelling that is known is no unknown mode any more.
        to.entries("mode_names", &a, &b, [Looser, Stricter], |old, new| {
            let mode = |text: &str| Mode::parse(text.as_bytes(), &[]);
            if mode(new) > mode(old) { Stricter } else { Looser }
        });
        let hidden = |_: &_| None;
        to.list("contract", "burnt", &self.a.burnt, &self.b.burnt, [Stricter, Looser], hidden);
    }

    /// Lists of names and numbers.
    fn names(&self, to: &mut Changes) {
        let (a, b) = (&self.a, &self.b);
        let text = |text: &&'static str| Some((*text).to_owned());
        to.list("contract", "prefixes", &a.prefixes, &b.prefixes, [Stricter, Looser], text);
        // More reaches the program, and more users are believed.
        to.list(
            "contract",
            "passthrough",
            &a.passthrough,
            &b.passthrough,
            [Looser, Stricter],
            text,
        );
        let (key, number) = ("trusted_owners", |id: &u32| Some(id.to_string()));
        to.list("contract", key, &a.trusted_owners, &b.trusted_owners, [Looser, Stricter], number);
    }

    /// Every other key: what has no order of its own is different as a whole.
    fn rest(&self, to: &mut Changes) {
        let (a, b) = (show::tree(&self.a), show::tree(&self.b));
        let get = |tree: &[(&'static str, Tree)], key: &str| {
            tree.iter().find(|(name, _)| *name == key).map(|(_, tree)| tree.clone())
        };
        let keys = a.iter().chain(b.iter().filter(|(key, _)| get(&a, key).is_none()));
        for (key, _) in keys.filter(|(key, _)| !BY_HAND.contains(key)) {
            let (old, new) = (get(&a, key), get(&b, key));
            if old != new {
                let said = |tree: Option<Tree>| tree.map(|tree| text::of(&tree));
                to.add("contract", Some(key), said(old), said(new), Different);
            }
        }
    }
}

/// Collects changes.
#[derive(Default)]
struct Changes(Vec<Change>);

impl Changes {
    /// Notes a change; `None` on one side: it says nothing.
    fn add(
        &mut self,
        subject: &str,
        key: Option<&str>,
        a: Option<String>,
        b: Option<String>,
        direction: Direction,
    ) {
        let (subject, key) = (subject.to_owned(), key.map(str::to_owned));
        self.0.push(Change { subject, key, a, b, direction });
    }

    /// What stands in one list and not in the other, one change for what came and one for what
    /// went. Where `word` has none, things are counted.
    fn list<T: Ord>(
        &mut self,
        subject: &str,
        key: &str,
        a: &[T],
        b: &[T],
        [added, removed]: [Direction; 2],
        word: impl Fn(&T) -> Option<String>,
    ) {
        let only = |from: &[T], other: &[T]| {
            let other: BTreeSet<&T> = other.iter().collect();
            let words: Vec<Option<String>> =
                from.iter().filter(|one| !other.contains(one)).map(&word).collect();
            let known: Option<Vec<String>> = words.iter().cloned().collect();
            match (words.len(), known) {
                (0, _) => None,
                (_, Some(known)) => Some(known.join(", ")),
                (1, None) => Some("1 value".to_owned()),
                (count, None) => Some(format!("{count} values")),
            }
        };
        if let Some(gone) = only(a, b) {
            self.add(subject, Some(key), Some(gone), None, removed);
        }
        if let Some(new) = only(b, a) {
            self.add(subject, Some(key), None, Some(new), added);
        }
    }

    /// A mapping of the contract itself.
    fn entries(
        &mut self,
        key: &str,
        a: &[At<(&'static str, &'static str)>],
        b: &[At<(&'static str, &'static str)>],
        [added, removed]: [Direction; 2],
        changed: impl Fn(&str, &str) -> Direction,
    ) {
        let get = |list: &[At<(&'static str, &'static str)>], name| {
            list.iter().map(|at| at.value).find(|(key, _)| *key == name).map(|(_, value)| value)
        };
        let names = a.iter().chain(b.iter().filter(|at| get(a, at.value.0).is_none()));
        for name in names.map(|at| at.value.0) {
            let (old, new) = (get(a, name), get(b, name));
            let direction = match (old, new) {
                (Some(old), Some(new)) if old == new => continue,
                (Some(old), Some(new)) => changed(old, new),
                (None, _) => added,
                (_, None) => removed,
            };
            let (old, new) = (old.map(str::to_owned), new.map(str::to_owned));
            self.add("contract", Some(&format!("{key} {name}")), old, new, direction);
        }
    }
}
