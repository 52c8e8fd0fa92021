//! Explanations for people.

use super::{Explanation, Explanations};
use std::fmt::Write as _;

pub(super) fn render(all: &Explanations) -> String {
    let mut out = String::with_capacity(4096);
    let _ = writeln!(out, "mode {} (from {})", all.mode, all.mode_source);
    for explanation in &all.variables {
        out.push('\n');
        one(&mut out, explanation);
    }
    out
}

fn one(out: &mut String, explanation: &Explanation) {
    let kind = if explanation.part { "part" } else { "variable" };
    let secret = if explanation.secret { "secret " } else { "" };
    let _ = writeln!(out, "{}: {secret}{kind}, {}", explanation.name, explanation.state);
    let mut line = |title: &str, text: &str| {
        if !text.is_empty() {
            let _ = writeln!(out, "  {title:9} {text}");
        }
    };
    line("purpose", explanation.purpose);
    line("read by", explanation.read_by);
    let class = explanation.class.unwrap_or_default();
    match explanation.rotation_days {
        Some(days) => line("class", &format!("{class}, rotated within {days} days")),
        None => line("class", class),
    }
    line("required", &explanation.required);
    line("feature", explanation.feature.as_deref().unwrap_or_default());
    line("format", &explanation.format);
    line("aliases", &explanation.aliases.join(", "));
    line("files", &explanation.files.join(", "));
    line("lacks", &explanation.absent_parts.join(", "));
    out.push_str("  sources, highest first\n");
    let names = explanation.sources.iter().map(|place| place.name.as_str().len());
    let width = names.max().unwrap_or(0).min(48);
    for place in &explanation.sources {
        let mark = if place.used { '>' } else { ' ' };
        let _ = writeln!(
            out,
            "  {mark} {:2} {:11} {:width$}  {}",
            place.step, place.kind, place.name, place.result
        );
    }
    for finding in &explanation.findings {
        let _ = writeln!(out, "  {} {}: {}", finding.severity, finding.code, finding.message);
        let _ = writeln!(out, "    hint: {}", finding.hint);
    }
}
