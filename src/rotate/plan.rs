//! The rest of a rotation's checklist in Markdown, for a ticket.

use super::age::{Standing, age, window};
use crate::contract::model::Contract;
use crate::ledger::state::{State, Step, Value};
use crate::output::escape;
use jiff::civil::Date;
use std::borrow::Cow;
use std::fmt::Write as _;

/// The class of keys of which a program holds one at a time.
const JWT: &str = "jwt-signing";

/// The plan for a name; `class` is that of the contract where nothing is recorded, and `own` says
/// that the contract was named, so that every command has to name it.
pub fn markdown(
    key: &str,
    class: &str,
    state: Option<&State>,
    contract: &Contract,
    own: bool,
    today: Date,
) -> String {
    let name = escape(key);
    let shown = name.replace('`', "\\`");
    let mut text = format!("# Rotation of {shown}\n\n");
    let window = window(contract, class);
    let days = window.map_or("no window".to_owned(), |days| format!("at most {days} days"));
    let _ = writeln!(text, "- Class: {} ({days})", escape(class));
    let current = state.and_then(State::current);
    match current {
        None => text.push_str("- In production: no value that the ledger knows\n"),
        Some(value) => {
            let _ = write!(text, "- In production: `{}`", escape(&value.fingerprint));
            if let Some(age) = age(value, window, today) {
                let _ = write!(text, ", {} days old", age.days);
                if let Some((day, _)) = age.last {
                    let late = if age.standing == Standing::Overdue { " (past)" } else { "" };
                    let _ = write!(text, ", last day {day}{late}");
                }
            }
            text.push('\n');
        }
    }
    if let Some((value, exposure)) =
        current.and_then(|value| Some((value, state?.exposure(value)?)))
    {
        let reason = escape(&exposure.reason).into_owned();
        let with = if value.exposed.is_some() { "" } else { ", by its password in another value," };
        let _ = writeln!(text, "- **Exposed**{with} since {}: {reason}", escape(&exposure.time));
        text.push_str("\nIt may be revoked at once, before its successor is deployed.\n");
    }
    if let Some(exposure) = state.and_then(|state| state.exposure(state.spoilt()?)) {
        let (time, reason) = (escape(&exposure.time), escape(&exposure.reason));
        let _ = writeln!(text, "- **The value under way is exposed** since {time}: {reason}");
    }
    if class == JWT {
        text.push_str(
            "\n> The gateway holds one JWT key. The moment production has the new one, every \
             session ends at once: users log in anew. Roll at a time for that, all replicas \
             together; replicas with different keys refuse each other's tokens.\n",
        );
    }
    text.push('\n');
    let options = match own {
        true => "--ledger DIR --ledger-key-file FILE --contract FILE",
        false => "--ledger DIR --ledger-key-file FILE",
    };
    checklist(&mut text, &for_shell(&name), &besides(key, class, contract), options, state);
    text
}

/// The options of `rotate start` that say again what the contract does not say of a key.
pub fn besides(key: &str, class: &str, contract: &Contract) -> String {
    let row = contract.known(key.as_bytes()).map(|known| contract.row(known.row));
    let mut besides = match row.and_then(|row| row.class) {
        Some(_) => String::new(),
        None => format!(" --class {}", for_shell(&escape(class))),
    };
    if window(contract, class).is_none() {
        besides.push_str(" --expires DATE");
    }
    besides
}

/// A name as one word of a shell, which takes none of it for its own.
fn for_shell(name: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:@%+,".contains(&byte);
    match name.bytes().all(plain) {
        true => Cow::Borrowed(name),
        false => Cow::Owned(format!("'{}'", name.replace('\'', "'\\''"))),
    }
}

/// One line a step: done, or with the command that records it.
fn checklist(text: &mut String, name: &str, besides: &str, options: &str, state: Option<&State>) {
    let spoilt = state.and_then(State::spoilt).is_some();
    if spoilt {
        let abort = format!("rotate abort {name} {options}");
        item(text, None, "Give up the rotation to the exposed value", &abort);
    }
    let exposed =
        state.and_then(|state| state.current().filter(|value| state.exposure(value).is_some()));
    for value in state.into_iter().flat_map(State::leaked) {
        let what = format!("Revoke or delete the exposed value `{}`", escape(&value.fingerprint));
        item(text, None, &what, &format!("rotate revoke {name} {options}"));
    }
    // Of a rotation that is to be given up, or whose value is to be replaced itself, nothing is done
    // for the next one.
    let rotated = state.filter(|state| !spoilt && !state.is_to_be_replaced());
    let value = rotated.and_then(State::under_way);
    let next = rotated.and_then(State::next);
    let started = value.and_then(|value| value.started.as_deref());
    item(text, started, "Generate the new value with a cryptographic generator", "");
    let start = format!(
        "rotate start {name}{besides} --value-file FILE --fingerprint-key-file FILE {options}"
    );
    item(text, started, "Store it in the secret manager, and begin", &start);
    for step in Step::ALL {
        let done = value.filter(|_| next.is_some_and(|next| step < next));
        let time = done.and_then(|value| time(value, step, state));
        let command = match step {
            Step::Verify => {
                format!(
                    "rotate verify {name} --value-file FILE --fingerprint-key-file FILE {options} -- CHECK"
                )
            }
            Step::Deploy => format!("rotate deploy {name} --revoke-by DATE {options}"),
            Step::Evidence => {
                format!("rotate evidence {name} --commit ID --deployment ID --link URL {options}")
            }
            other => format!("rotate {} {name} {options}", other.name()),
        };
        let what = match step {
            Step::Stage => "Deploy it to staging",
            Step::Verify => "Verify login and token behaviour there",
            Step::Deploy => "Roll production",
            Step::Revoke if exposed.is_some() => {
                "Revoke or delete the exposed value, then each other old one after its window"
            }
            Step::Revoke => "Revoke or delete the old value after the migration window",
            Step::Evidence => "Record commit, deployment and verification evidence",
        };
        match (done, time) {
            (Some(_), None) => {
                let _ = writeln!(text, "- [x] {what} (nothing recorded)");
            }
            (_, time) => item(text, time, what, &command),
        }
    }
    // In the order in which `rotate revoke` takes them.
    if let Some(exposed) = exposed {
        let _ = writeln!(
            text,
            "\nTo be revoked first: `{}`, which is exposed and in production.",
            escape(&exposed.fingerprint)
        );
    }
    for old in state.into_iter().flat_map(State::predecessors) {
        let by = old.revoke_by.map_or("no day is set".to_owned(), |day| format!("by {day}"));
        let _ = writeln!(text, "\nTo be revoked: `{}`, {by}.", escape(&old.fingerprint));
    }
}

fn time<'s>(value: &'s Value, step: Step, state: Option<&'s State>) -> Option<&'s str> {
    match step {
        Step::Stage => value.staged.as_deref(),
        Step::Verify => value.verified.as_deref(),
        Step::Deploy => value.deployed.as_deref(),
        Step::Revoke => state?.values.iter().rev().find_map(|value| value.revoked.as_deref()),
        Step::Evidence => value.evidence.as_deref(),
    }
}

fn item(text: &mut String, done: Option<&str>, what: &str, command: &str) {
    let _ = match (done, command) {
        (Some(time), _) => writeln!(text, "- [x] {what} ({})", escape(time)),
        (None, "") => writeln!(text, "- [ ] {what}"),
        // A backquote inside needs two around (CommonMark, code spans).
        (None, command) if command.contains('`') => {
            writeln!(text, "- [ ] {what}\n      `` nexis-launch {command} ``")
        }
        (None, command) => writeln!(text, "- [ ] {what}\n      `nexis-launch {command}`"),
    };
}
