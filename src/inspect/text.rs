//! Inspections for people: a line a process, a line a variable.

use super::record::{Inspection, ProcessRecord, State, VariableRecord, Verdict};
use std::fmt::Write as _;

/// Numbers of closed processes that are shown.
const SHOWN: usize = 8;

pub(super) fn render(inspection: &Inspection, coloured: bool) -> String {
    let mut out = String::with_capacity(1024);
    if let Some(key) = &inspection.fingerprint_key_id {
        let _ = writeln!(out, "fingerprints under key {key}");
    }
    for process in &inspection.processes {
        one(&mut out, process, coloured);
    }
    if !inspection.closed.is_empty() {
        let numbers: Vec<String> =
            inspection.closed.iter().take(SHOWN).map(u32::to_string).collect();
        let more = if inspection.closed.len() > SHOWN { ", …" } else { "" };
        let count = inspection.closed.len();
        let _ = writeln!(
            out,
            "{count} {} may not be looked into and may hold something: {}{more}",
            noun(count),
            numbers.join(", ")
        );
    }
    tail(&mut out, inspection);
    out
}

const fn noun(count: usize) -> &'static str {
    if count == 1 { "process" } else { "processes" }
}

fn tail(out: &mut String, inspection: &Inspection) {
    let count =
        |verdict| inspection.processes.iter().filter(|process| process.state == verdict).count();
    let all = inspection.processes.len();
    let unknown = count(Verdict::Unknown) + inspection.closed.len();
    let _ = writeln!(
        out,
        "{all} {}: {} current, {} not current, {unknown} that cannot be told",
        noun(all),
        count(Verdict::Current),
        count(Verdict::NotCurrent),
    );
}

/// A word in the colour of what it means, padded to `width`.
fn word(word: &str, width: usize, colour: &str, coloured: bool) -> String {
    if coloured {
        format!("\x1b[{colour}m{word}\x1b[0m{:1$}", "", width.saturating_sub(word.len()))
    } else {
        format!("{word:width$}")
    }
}

fn one(out: &mut String, process: &ProcessRecord, coloured: bool) {
    let _ = write!(out, "process {}", process.pid);
    if let Some(program) = &process.program {
        let _ = write!(out, " {program}");
    }
    if let Some(uid) = process.uid {
        let _ = write!(out, ", uid {uid}");
    }
    if let Some(mode) = process.mode {
        let _ = write!(out, ", in {mode}");
    }
    if process.other_root {
        out.push_str(", in another root");
    }
    let colour = match process.state {
        Verdict::Current => "32",
        Verdict::NotCurrent => "31",
        Verdict::Unknown => "33",
    };
    let _ = writeln!(out, ": {}", word(process.state.name(), 0, colour, coloured));
    if let Some(reason) = &process.reason {
        let _ = writeln!(out, "  {reason}");
    }
    let names = process.variables.iter().map(|variable| variable.name.len());
    let width = names.max().unwrap_or(0).min(32);
    for variable in &process.variables {
        line(out, variable, width, coloured);
    }
}

fn line(out: &mut String, variable: &VariableRecord, width: usize, coloured: bool) {
    let colour = match variable.state {
        State::Current => "32",
        State::Stale | State::Missing | State::Unexpected => "31",
        State::Unknown => "33",
    };
    let state = word(variable.state.name(), 10, colour, coloured);
    let mut said = Vec::new();
    if let Some(source) = &variable.source {
        said.push(format!("{} {}", source.kind, source.name));
    }
    let as_others = variable.held.iter().filter(|name| **name != variable.name);
    let names: Vec<&str> = as_others.copied().collect();
    if !names.is_empty() {
        said.push(format!("held as {}", names.join(", ")));
    }
    match (&variable.fingerprint, &variable.held_fingerprint) {
        (Some(now), Some(held)) if now == held => said.push(format!("fingerprint {now}")),
        (now, held) => {
            said.extend(held.as_ref().map(|held| format!("holds {held}")));
            said.extend(now.as_ref().map(|now| format!("now {now}")));
        }
    }
    said.extend(variable.reason.as_ref().map(ToString::to_string));
    let line = format!("  {:width$}  {state}  {}", variable.name, said.join(", "));
    let _ = writeln!(out, "{}", line.trim_end());
}
