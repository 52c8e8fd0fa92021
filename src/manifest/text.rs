//! The manifest for people: aligned, only what is not absent, findings last.
//!
//! It is written by `push_str` alone: `write!` and the texts it joined were 45,000 of a launch's
//! 490,000 instructions.

use super::{FindingRecord, List, Manifest, Names, Stated, Variable};

/// Names longer than this do not push all the others to the right.
const WIDEST: usize = 32;

/// `coloured`: with the escape sequences of a terminal around states and severities.
pub(super) fn render(manifest: &Manifest, coloured: bool) -> String {
    let mut out = String::with_capacity(2048 + 512 * manifest.findings.len());
    head(&mut out, manifest);
    let shown = || {
        manifest.variables.iter().filter_map(|variable| match variable {
            Variable::Absent(_) => None,
            Variable::Stated(stated) => Some(&**stated),
        })
    };
    let width = shown().map(|variable| variable.name.len()).max().map(|width| width.min(WIDEST));
    if let Some(width) = width {
        out.push_str("variables\n");
        for variable in shown() {
            variable_line(&mut out, variable, width, coloured);
        }
    }
    names(&mut out, "inherited", &manifest.inherited);
    names(&mut out, "env files", &manifest.env_files);
    names_of(&mut out, "removed", manifest.removed.len(), &manifest.removed);
    names(&mut out, "dropped", &manifest.dropped);
    add_findings(&mut out, manifest, coloured);
    out
}

/// Every finding, then how many there are.
pub(super) fn findings(manifest: &Manifest) -> String {
    let mut out = String::new();
    add_findings(&mut out, manifest, false);
    out
}

fn add_findings(out: &mut String, manifest: &Manifest, coloured: bool) {
    // What is acknowledged is counted.
    for finding in manifest.findings.iter().filter(|finding| finding.acknowledged.is_none()) {
        finding_lines(out, finding, coloured);
    }
    tail(out, manifest);
}

fn push(out: &mut String, pieces: &[&str]) {
    for piece in pieces {
        out.push_str(piece);
    }
}

fn number(out: &mut String, number: usize) {
    crate::output::push_number(out, number);
}

/// `text` and spaces up to `width` bytes: names and fixed words are ASCII.
fn padded(out: &mut String, text: &str, width: usize) {
    const SPACES: &str = "                                ";
    out.push_str(text);
    out.push_str(SPACES.get(..width.saturating_sub(text.len())).unwrap_or_default());
}

/// The same of a state or severity, where `coloured` in its colour: ECMA-48 SGR, of the eight
/// colours that every terminal and every theme has.
fn word(out: &mut String, text: &str, width: usize, coloured: bool) {
    if !coloured {
        return padded(out, text, width);
    }
    let colour = match text {
        "error" => "\x1b[1;31m",
        "warning" => "\x1b[33m",
        "delivered" | "generated" => "\x1b[32m",
        _ => "\x1b[2m",
    };
    push(out, &[colour, text, "\x1b[0m"]);
    padded(out, "", width.saturating_sub(text.len()));
}

fn head(out: &mut String, manifest: &Manifest) {
    push(out, &["nexis-launch ", manifest.launcher.version, ": ", manifest.outcome.name()]);
    if let Some(program) = &manifest.program {
        push(out, &[" ", program.path.as_str(), " ("]);
        number(out, program.arguments);
        out.push_str(if program.arguments == 1 { " argument)" } else { " arguments)" });
    }
    if let Some(error) = &manifest.error {
        push(out, &[": ", error]);
    }
    push(out, &[" in ", manifest.mode]);
    if let Some(hint) = manifest.hint {
        push(out, &["\n  hint      ", hint]);
    }
    push(out, &["\n  launch    ", &manifest.launch, " at ", &manifest.time]);
    let contract = &manifest.contract;
    let digest = contract.sha256.get(..12).unwrap_or(contract.sha256);
    push(out, &["\n  contract  ", contract.name.as_str(), " ", &contract.version, " from "]);
    push(out, &[contract.origin.as_str(), ", sha256 ", digest, "…\n  process   pid "]);
    let process = &manifest.process;
    number(out, process.pid as usize);
    out.push_str(", uid ");
    number(out, process.uid as usize);
    out.push_str(", gid ");
    number(out, process.gid as usize);
    if !process.host.as_str().is_empty() {
        push(out, &[", host ", process.host.as_str()]);
    }
    if let Some(invocation) = &process.invocation {
        push(out, &[", invocation ", invocation.as_str()]);
    }
    out.push('\n');
    if !manifest.masked_output.is_empty() {
        push(out, &["  masked    ", &manifest.masked_output.join(", "), "\n"]);
    }
    if let Some(key) = &manifest.fingerprint_key_id {
        push(out, &["  key       ", key, "\n"]);
    }
    for (name, value) in &manifest.labels.0 {
        push(out, &["  label     ", name.as_str(), "=", value.as_str(), "\n"]);
    }
    let mut before = "  features  ";
    for (name, state) in &manifest.features.0 {
        push(out, &[before, name.as_str(), " ", state]);
        before = ", ";
    }
    if !manifest.features.0.is_empty() {
        out.push('\n');
    }
}

fn variable_line(out: &mut String, variable: &Stated, width: usize, coloured: bool) {
    out.push_str("  ");
    padded(out, variable.name, width);
    out.push_str("  ");
    word(out, variable.state, 9, coloured);
    // Two spaces stand before what is said first, a comma before what follows; the two stand even
    // where nothing is said.
    let mut before = "  ";
    let mut say = |out: &mut String, pieces: &[&str]| {
        out.push_str(std::mem::replace(&mut before, ", "));
        push(out, pieces);
    };
    if let Some(source) = &variable.source {
        say(out, &[source.kind, " ", source.name.as_str()]);
    }
    if let Some(bytes) = variable.bytes {
        say(out, &[]);
        number(out, bytes);
        out.push_str(" bytes");
    }
    if variable.newline_removed {
        say(out, &["newline removed"]);
    }
    if let Some(name) = &variable.delivered_as {
        say(out, &["as ", name]);
    }
    if let Some(fingerprint) = &variable.fingerprint {
        say(out, &["fingerprint ", fingerprint]);
    }
    for sub in &variable.sub {
        say(out, &[&sub.name, " fingerprint ", &sub.fingerprint]);
    }
    if let Some(display) = &variable.display {
        say(out, &["= ", display.as_str()]);
    }
    if let Some(reason) = &variable.reason {
        say(out, &[reason]);
    }
    if before == "  " {
        out.push_str(before);
    }
    out.push('\n');
}

fn names(out: &mut String, title: &str, names: &Names) {
    names_of(out, title, names.count, &names.names);
}

fn names_of(out: &mut String, title: &str, count: usize, names: &List) {
    if count == 0 {
        return;
    }
    padded(out, title, 9);
    out.push_str("  ");
    number(out, count);
    push(out, &[": ", names.as_str(), "\n"]);
}

fn finding_lines(out: &mut String, finding: &FindingRecord, coloured: bool) {
    word(out, finding.severity, 9, coloured);
    push(out, &["  ", finding.code, ": ", finding.message.as_str(), "\n"]);
    if let Some(source) = &finding.source {
        push(out, &["           source: ", source.kind, " ", source.name.as_str(), "\n"]);
    }
    if let Some(accepted) = &finding.accepted {
        push(out, &["           accepted until ", &accepted.until, ": "]);
        push(out, &[accepted.reason.as_str(), "\n"]);
    }
    push(out, &["           hint: ", finding.hint.as_str(), "\n"]);
}

fn tail(out: &mut String, manifest: &Manifest) {
    let errors = manifest.findings.iter().filter(|finding| finding.severity == "error").count();
    let known = manifest.findings.iter().filter(|finding| finding.acknowledged.is_some()).count();
    let warnings = manifest.findings.len() - errors - known;
    if manifest.findings.is_empty() {
        return;
    }
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    out.push_str("findings   ");
    number(out, errors);
    push(out, &[" error", plural(errors), ", "]);
    number(out, warnings);
    push(out, &[" warning", plural(warnings)]);
    if known > 0 {
        out.push_str(", ");
        number(out, known);
        out.push_str(" acknowledged");
    }
    out.push('\n');
}
