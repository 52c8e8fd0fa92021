//! Every key's age against its window, for people and machines.

use super::age::{Age, End, Standing, age, days_between, window};
use super::steps::Action;
use crate::contract::model::Contract;
use crate::ledger::Book;
use crate::ledger::state::{State, Value};
use crate::output::escape;
use jiff::civil::Date;
use serde::Serialize;
use std::fmt::Write as _;

/// The cells of a bar.
const BAR: i64 = 20;

/// What is next where a rotation is under way to an exposed value that is not in production.
const ABORT: &str = Action::Abort.name();

/// How a value stands for which no window and no end is known.
const UNKNOWN: &str = "unknown";

/// What holds of one key.
#[derive(Debug, Serialize)]
pub struct Key {
    name: String,
    class: String,
    /// `fresh`, `due`, `overdue`, `exposed`, `unknown` where nothing limits its value's time, or
    /// `none` where no value is in production.
    standing: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint_key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    age_days: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    window_days: Option<i64>,
    /// The last day that it may be in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_day: Option<String>,
    /// Values that are exposed, not revoked, and not known to be in production.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    exposed: Vec<String>,
    /// The next step of the rotation that is under way, `abort`, or `start` of the one that replaces
    /// its exposed value.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_step: Option<&'static str>,
    /// Whether the last verification of that rotation failed.
    verification_failed: bool,
    /// Values that have a successor and are not revoked.
    old: Vec<Old>,
    #[serde(skip)]
    age: Option<Age>,
    /// Whether the value in production is exposed by its password in another value alone.
    #[serde(skip)]
    by_password: bool,
}

/// A value that has a successor and is not revoked.
#[derive(Debug, Serialize)]
struct Old {
    fingerprint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoke_by: Option<String>,
    /// The last day that it may be in use: that of its age or its end, or `revoke_by` where that is
    /// earlier.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_day: Option<String>,
    overdue: bool,
    exposed: bool,
}

/// All keys.
#[derive(Debug, Serialize)]
pub struct Status {
    schema: &'static str,
    day: String,
    /// Whether the chain was verified.
    verified: bool,
    keys: Vec<Key>,
    /// Secrets of the contract with a class that the ledger does not know.
    unregistered: Vec<&'static str>,
}

impl Status {
    /// Of all that a book holds.
    pub fn new(book: &Book, contract: &Contract, today: Date, verified: bool) -> Status {
        let names: Vec<&str> = book.names().collect();
        let of = |name: &&str| Some(Key::new(name, &book.state(name)?, contract, today));
        let rows = contract.rows.0.iter().filter(|row| row.secret && row.class.is_some());
        Status {
            schema: "nexis-launch/rotate-status/v1",
            day: today.to_string(),
            verified,
            keys: names.iter().filter_map(of).collect(),
            unregistered: rows.map(|row| row.name).filter(|row| !names.contains(row)).collect(),
        }
    }

    /// Whether something is overdue: a value past its time, or exposed and not revoked.
    pub fn is_overdue(&self) -> bool {
        let old = |key: &Key| key.old.iter().any(|old| old.overdue || old.exposed);
        let exposed = |key: &Key| !key.exposed.is_empty() || old(key);
        self.keys.iter().any(|key| matches!(key.standing, "overdue" | "exposed") || exposed(key))
    }

    /// The keys of which nothing limits a value in use, each with the class that has no window here.
    pub fn unknown(&self) -> impl Iterator<Item = (&str, &str)> {
        let unknown = self.keys.iter().filter(|key| key.is_unknown());
        unknown.map(|key| (key.name.as_str(), key.class.as_str()))
    }

    /// As one line of JSON.
    pub fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }

    /// For people: a line and a bar for each key, in colours where asked for.
    pub fn text(&self, bars: bool, colours: bool) -> String {
        let width = |of: fn(&Key) -> usize| self.keys.iter().map(of).max().unwrap_or(0);
        let names = width(|key| escape(&key.name).chars().count());
        let classes = width(|key| escape(&key.class).chars().count());
        let mut text = String::new();
        for key in &self.keys {
            let paint = match key.standing {
                "overdue" | "exposed" => "\u{1b}[31m",
                "due" | UNKNOWN => "\u{1b}[33m",
                _ => "\u{1b}[32m",
            };
            let (begin, end) = if colours { (paint, "\u{1b}[0m") } else { ("", "") };
            let bar = match &key.age {
                Some(age) if bars => bar(age) + "  ",
                None if bars => " ".repeat(usize::try_from(BAR).unwrap_or(0) + 4),
                _ => String::new(),
            };
            let (name, class) = (escape(&key.name), escape(&key.class));
            let _ = writeln!(
                text,
                "{name:names$}  {class:classes$}  {begin}{bar}{:7}{end}  {}",
                key.standing,
                key.words()
            );
            for old in &key.old {
                let _ = writeln!(text, "{:names$}  {}", "", old.words());
            }
            for value in &key.exposed {
                let value = escape(value);
                let _ = writeln!(text, "{:names$}  exposed value {value}: not revoked yet", "");
            }
        }
        if self.keys.is_empty() {
            text.push_str("no key is in the ledger\n");
        }
        if !self.unregistered.is_empty() {
            let _ = writeln!(text, "not in the ledger: {}", self.unregistered.join(", "));
        }
        text
    }

    /// In Prometheus' text format; fingerprints are left out, they are no labels.
    pub fn prometheus(&self) -> String {
        let mut text = String::new();
        let mut metric = |name: &str, help: &str, of: &dyn Fn(&Key) -> Option<i64>| {
            let _ = writeln!(text, "# HELP nexis_launch_key_{name} {help}");
            let _ = writeln!(text, "# TYPE nexis_launch_key_{name} gauge");
            for key in &self.keys {
                if let Some(number) = of(key) {
                    let (key, class) = (label(&key.name), label(&key.class));
                    let _ = writeln!(
                        text,
                        "nexis_launch_key_{name}{{key=\"{key}\",class=\"{class}\"}} {number}"
                    );
                }
            }
        };
        let old = |key: &Key| key.old.iter().any(|old| old.overdue);
        let exposed = |key: &Key| {
            let old = key.old.iter().any(|old| old.exposed);
            key.standing == "exposed" || !key.exposed.is_empty() || old
        };
        metric("age_days", "Days since the value in production was made.", &|key| key.age_days);
        metric("window_days", "Most days between two rotations of its class.", &|key| {
            key.window_days
        });
        metric("days_left", "Days until the last day of the value; negative when past.", &|key| {
            let (last, _) = key.age?.last?;
            Some(days_between(self.day.parse().ok()?, last))
        });
        metric(
            "overdue",
            "1 where the value or one before it is past its time; absent where that is unknown.",
            &|key| match key.standing == "overdue" || old(key) {
                false if key.is_unknown() => None,
                overdue => Some(i64::from(overdue)),
            },
        );
        metric(
            "unknown",
            "1 where the time of a value in use is not known: its class has no window here.",
            &|key| Some(i64::from(key.is_unknown())),
        );
        metric(
            "exposed",
            "1 where a value that is not revoked is suspected to be exposed.",
            &|key| Some(i64::from(exposed(key))),
        );
        metric("rotating", "1 while a rotation is under way.", &|key| {
            Some(i64::from(key.next_step.is_some()))
        });
        text
    }
}

impl Key {
    fn new(name: &str, state: &State, contract: &Contract, today: Date) -> Key {
        let window = window(contract, &state.class);
        let current = state.current();
        let age = current.and_then(|value| age(value, window, today));
        let exposed: Vec<_> = state.leaked().map(|value| value.fingerprint.clone()).collect();
        let standing = match (current, &age) {
            (Some(value), _) if state.exposure(value).is_some() => "exposed",
            // What was never judged is not fresh.
            (Some(_), None | Some(Age { last: None, .. })) => UNKNOWN,
            (Some(value), Some(age)) => match age.standing {
                // Its successor was revoked before it, and a launch warns as well.
                Standing::Fresh if state.has_deployed_successor(value) => "due",
                Standing::Fresh => "fresh",
                Standing::Due => "due",
                Standing::Overdue => "overdue",
            },
            (None, _) if !exposed.is_empty() => "exposed",
            (None, _) => "none",
        };
        Key {
            name: name.to_owned(),
            class: state.class.clone(),
            standing,
            fingerprint: current.map(|value| value.fingerprint.clone()),
            fingerprint_key_id: current.map(|value| value.fingerprint_key_id.clone()),
            created: age.map(|age| age.created.to_string()),
            age_days: age.map(|age| age.days),
            window_days: window,
            last_day: age.and_then(|age| age.last).map(|(day, _)| day.to_string()),
            exposed,
            next_step: next_word(state),
            verification_failed: state
                .under_way()
                .is_some_and(|value| value.verification_failed.is_some()),
            old: state.predecessors().map(|value| Old::new(state, value, window, today)).collect(),
            age,
            by_password: current
                .is_some_and(|value| value.exposed.is_none() && state.exposure(value).is_some()),
        }
    }

    /// Whether a value in use, old ones with it, was never judged: nothing limits its time.
    fn is_unknown(&self) -> bool {
        let current = self.fingerprint.is_some() && self.last_day.is_none();
        current || self.old.iter().any(|old| old.last_day.is_none())
    }

    fn words(&self) -> String {
        let mut words = match &self.age {
            None => "no value in production".to_owned(),
            Some(age) => {
                let of = self.window_days.map(|days| format!(" of {days}")).unwrap_or_default();
                let last = age.last.map(|(day, end)| match end {
                    End::Window => format!(", last day {day}"),
                    End::Expires => format!(", expires {day}"),
                    End::RevokeBy => format!(", to be revoked by {day}"),
                });
                format!("{}{of} days{}", age.days, last.unwrap_or_default())
            }
        };
        if self.by_password {
            words.push_str("; its password is exposed in another value");
        }
        if let Some(step) = self.next_step {
            let failed = if self.verification_failed { ", last verification failed" } else { "" };
            let is_exposed = step == ABORT || step == Action::Start.name();
            let to = if is_exposed { " to an exposed value" } else { "" };
            let _ = write!(words, "; rotation under way{to}, next is {step}{failed}");
        }
        words
    }
}

/// The command's word of what is next in the rotation that is under way.
pub(super) fn next_word(state: &State) -> Option<&'static str> {
    let next = state.next()?;
    Some(if state.spoilt().is_some() {
        ABORT
    } else if state.is_to_be_replaced() {
        Action::Start.name()
    } else {
        next.name()
    })
}

impl Old {
    /// As a launch judges it: a successor gives it no more time than it had.
    fn new(state: &State, value: &Value, window: Option<i64>, today: Date) -> Old {
        let age = age(value, window, today);
        let last_day = age.and_then(|age| age.last).map(|(day, _)| day.to_string());
        Old {
            fingerprint: value.fingerprint.clone(),
            revoke_by: value.revoke_by.map(|day| day.to_string()),
            last_day,
            overdue: age.is_some_and(|age| age.standing == Standing::Overdue),
            exposed: state.exposure(value).is_some(),
        }
    }

    fn words(&self) -> String {
        let by = self.revoke_by.as_ref();
        let mut words = format!("old value {}: ", escape(&self.fingerprint));
        words.push_str(
            &by.map_or("not revoked yet".to_owned(), |by| format!("to be revoked by {by}")),
        );
        if let Some(last) = self.last_day.as_ref().filter(|last| Some(*last) != by) {
            let _ = write!(words, ", last day {last}");
        }
        words.push_str(if self.last_day.is_none() { ", last day unknown" } else { "" });
        words.push_str(if self.overdue { ", overdue" } else { "" });
        words.push_str(if self.exposed { ", exposed" } else { "" });
        words
    }
}

/// How much of its time is over.
fn bar(age: &Age) -> String {
    let full = match age.last {
        Some((last, _)) => {
            let all = days_between(age.created, last).max(1);
            (BAR * age.days / all).clamp(0, BAR)
        }
        None => 0,
    };
    let cells = |count: i64, cell: &str| cell.repeat(usize::try_from(count).unwrap_or(0));
    format!("[{}{}]", cells(full, "#"), cells(BAR - full, "."))
}

/// A label's value (Prometheus' exposition format).
fn label(text: &str) -> String {
    escape(text).replace('\\', "\\\\").replace('"', "\\\"")
}
