//! The manifest for people: aligned, only what is not absent, findings last.

use super::{FindingRecord, Manifest, Names, Variable};
use std::fmt::Write as _;

/// Names longer than this do not push all the others to the right.
const WIDEST: usize = 32;

pub(super) fn render(manifest: &Manifest) -> String {
    let mut out = String::with_capacity(2048);
    head(&mut out, manifest);
    let shown: Vec<&Variable> =
        manifest.variables.iter().filter(|variable| variable.state != "absent").collect();
    let width = shown.iter().map(|variable| variable.name.len()).max().unwrap_or(0).min(WIDEST);
    if !shown.is_empty() {
        out.push_str("variables\n");
    }
    for variable in shown {
        variable_line(&mut out, variable, width);
    }
    names(&mut out, "inherited", &manifest.inherited);
    names(&mut out, "env files", &manifest.env_files);
    if !manifest.removed.is_empty() {
        let removed = Names { count: manifest.removed.len(), names: manifest.removed.clone() };
        names(&mut out, "removed", &removed);
    }
    names(&mut out, "dropped", &manifest.dropped);
    out.push_str(&findings(manifest));
    out
}

/// Every finding, then how many there are.
pub(super) fn findings(manifest: &Manifest) -> String {
    let mut out = String::new();
    for finding in &manifest.findings {
        finding_lines(&mut out, finding);
    }
    tail(&mut out, manifest);
    out
}

fn head(out: &mut String, manifest: &Manifest) {
    let _ = write!(out, "nexis-launch {}: {}", manifest.launcher.version, manifest.outcome.name());
    if let Some(program) = &manifest.program {
        let plural = if program.arguments == 1 { "" } else { "s" };
        let _ = write!(out, " {} ({} argument{plural})", program.path, program.arguments);
    }
    if let Some(error) = &manifest.error {
        let _ = write!(out, ": {error}");
    }
    let _ = writeln!(out, " in {}", manifest.mode);
    let _ = writeln!(out, "  launch    {} at {}", manifest.launch, manifest.time);
    let contract = &manifest.contract;
    let digest = contract.sha256.get(..12).unwrap_or(contract.sha256);
    let _ = writeln!(
        out,
        "  contract  {} {} from {}, sha256 {digest}…",
        contract.name, contract.version, contract.origin
    );
    let process = &manifest.process;
    let _ =
        write!(out, "  process   pid {}, uid {}, gid {}", process.pid, process.uid, process.gid);
    if !process.host.as_str().is_empty() {
        let _ = write!(out, ", host {}", process.host);
    }
    if let Some(invocation) = &process.invocation {
        let _ = write!(out, ", invocation {invocation}");
    }
    out.push('\n');
    if let Some(key) = &manifest.fingerprint_key_id {
        let _ = writeln!(out, "  key       {key}");
    }
    for (name, value) in &manifest.labels.0 {
        let _ = writeln!(out, "  label     {name}={value}");
    }
    if !manifest.features.0.is_empty() {
        let states: Vec<String> =
            manifest.features.0.iter().map(|(name, state)| format!("{name} {state}")).collect();
        let _ = writeln!(out, "  features  {}", states.join(", "));
    }
}

fn variable_line(out: &mut String, variable: &Variable, width: usize) {
    let _ = write!(out, "  {:width$}  {:9}", variable.name, variable.state);
    let mut about = Vec::with_capacity(6);
    if let Some(source) = &variable.source {
        about.push(format!("{} {}", source.kind, source.name));
    }
    if let Some(bytes) = variable.bytes {
        about.push(format!("{bytes} bytes"));
    }
    if variable.newline_removed {
        about.push("newline removed".to_owned());
    }
    if let Some(name) = &variable.delivered_as {
        about.push(format!("as {name}"));
    }
    if let Some(fingerprint) = &variable.fingerprint {
        about.push(format!("fingerprint {fingerprint}"));
    }
    for sub in &variable.sub {
        about.push(format!("{} fingerprint {}", sub.name, sub.fingerprint));
    }
    if let Some(display) = &variable.display {
        about.push(format!("= {display}"));
    }
    if let Some(reason) = &variable.reason {
        about.push(reason.clone());
    }
    let _ = writeln!(out, "  {}", about.join(", "));
}

fn names(out: &mut String, title: &str, names: &Names) {
    if names.count > 0 {
        let all: Vec<&str> = names.names.iter().map(super::Shown::as_str).collect();
        let _ = writeln!(out, "{title:9}  {}: {}", names.count, all.join(", "));
    }
}

fn finding_lines(out: &mut String, finding: &FindingRecord) {
    let _ = writeln!(out, "{:9}  {}: {}", finding.severity, finding.code, finding.message);
    if let Some(source) = &finding.source {
        let _ = writeln!(out, "           source: {} {}", source.kind, source.name);
    }
    if let Some(accepted) = &finding.accepted {
        let _ = writeln!(out, "           accepted until {}: {}", accepted.until, accepted.reason);
    }
    let _ = writeln!(out, "           hint: {}", finding.hint);
}

fn tail(out: &mut String, manifest: &Manifest) {
    let errors = manifest.findings.iter().filter(|finding| finding.severity == "error").count();
    let warnings = manifest.findings.len() - errors;
    if manifest.findings.is_empty() {
        return;
    }
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    let _ = writeln!(
        out,
        "findings   {errors} error{}, {warnings} warning{}",
        plural(errors),
        plural(warnings)
    );
}
