//! The contract as a document for people, in Markdown. It holds names and demands, no values:
//! even of the values that are refused, which are public, only the number is said, so that nobody
//! copies one from here.

use super::model::{Contract, Deliver, Kind, NotRead, Row};
use super::{provider, words};
use crate::finding::{Code, Severity};
use crate::mode::{Mode, Modes};
use crate::output::escape;
use std::fmt::Write;

/// The whole document.
pub fn markdown(contract: &Contract) -> String {
    let mut text = format!("# The contract `{}`\n\n", contract.name);
    text.push_str(
        "## Variables\n\nEach may come from a `_FILE` reference, the environment, its file in a \
         credential or secrets directory, or an env file, strongest first. What a variable has \
         besides stands beside its file.\n\n",
    );
    text.push_str(&readme_table(contract));
    for (title, part) in [("What each variable demands", false), ("Parts", true)] {
        if contract.rows.iter().all(|row| row.part != part) {
            continue;
        }
        let _ = write!(text, "\n## {title}\n");
        if part {
            text.push_str(
                "\nA part only feeds a template: it has all sources and never reaches the program.\n",
            );
        }
        for row in contract.rows.iter().filter(|row| row.part == part) {
            demands(contract, row, &mut text);
        }
    }
    features(contract, &mut text);
    rules(contract, &mut text);
    providers(contract, &mut text);
    not_read(contract, &mut text);
    policy(contract, &mut text);
    codes(&mut text);
    text
}

/// The table alone: higher-level name, runtime variable, when required, its file's name with what
/// it may come from besides the usual sources, who reads it.
pub fn readme_table(contract: &Contract) -> String {
    let mut text = String::from(
        "| Name | Variable | Required | File | Read by |\n\
         | --- | --- | --- | --- | --- |\n",
    );
    for row in contract.rows.iter().filter(|row| !row.part) {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            names(&row.aliases),
            code(row.name),
            cell(&words::required(contract, row)),
            cell(&file(contract, row)),
            cell(row.read_by),
        );
    }
    text
}

/// The name of its file, and where it may come from besides the sources that every row has.
fn file(contract: &Contract, row: &Row) -> String {
    if row.format.kind == Kind::ModeName {
        return "none: it is the mode".to_owned();
    }
    let mut from = vec![code(&words::file_name(row))];
    if let Some(provider) = row.fetch.and_then(|fetch| contract.provider(fetch.provider)) {
        from.push(format!("from the provider {}", code(provider.name)));
    }
    if row.template.is_some() {
        let stem = stem(&words::parts(contract, row));
        from.push(format!("from the parts {}", code(&stem)));
    }
    if let Some(default) = row.default {
        from.push(format!("by default {}", code(&escape(default))));
    }
    if row.generate.is_some() {
        from.push("generated for one process in development".to_owned());
    }
    from.join("; ")
}

/// What the parts' names begin with, up to an underscore: `NEXIS_DATABASE_*`.
fn stem(parts: &[&str]) -> String {
    let Some((first, rest)) = parts.split_first() else { return String::new() };
    let common = rest.iter().fold(first.len(), |common, part| {
        common.min(first.bytes().zip(part.bytes()).take_while(|(a, b)| a == b).count())
    });
    match first.get(..common).and_then(|text| text.rfind('_')) {
        Some(at) if !rest.is_empty() => format!("{}_*", first.get(..at).unwrap_or_default()),
        _ => parts.join(", "),
    }
}

/// All that one row demands, a line for each thing that is not usual.
fn demands(contract: &Contract, row: &Row, text: &mut String) {
    let _ = write!(text, "\n### `{}`\n\n", row.name);
    let mut line = |label: &str, words: &str| {
        if !words.is_empty() {
            let _ = writeln!(text, "- {label}: {words}");
        }
    };
    line("purpose", row.purpose);
    line("read by", row.read_by);
    line("also set as", &names(&row.aliases));
    line("required", &words::required(contract, row));
    line("secret", if row.secret { "yes; never shown" } else { "no" });
    let window = row.class.and_then(|class| contract.rotation_window(class));
    let window = window.map_or(String::new(), |days| format!("; rotated within {days} days"));
    line("class", &row.class.map_or(String::new(), |class| format!("{class}{window}")));
    line("own files", &names(&row.files));
    line("form", &words::format(row));
    line("final newline of a file", words::final_newline(row).unwrap_or_default());
    if row.blank_allowed {
        line("blank", "allowed");
    }
    let own = row.rejects.iter().filter(|reject| !contract.burnt.contains(reject)).count();
    let burnt = row.rejects.len() - own;
    if row.rejects.iter().any(|reject| reject.password) {
        let known = counted(own, "password", "passwords");
        line("refused", &format!("{known} known to everyone, and {}", public(burnt)));
    } else if !row.rejects.is_empty() {
        line("refused", &public(row.rejects.len()));
    }
    for one in row.severity {
        let word = one.severity.map_or("no finding", Severity::name);
        line(&format!("`{}`", one.code.name()), &format!("{word} in {}", words::modes(one.modes)));
    }
    let parts: Vec<String> = words::parts(contract, row).iter().map(|part| code(part)).collect();
    line("composed of", &words::and(&parts));
    if let Some(template) = row.template {
        line("template", &code(&escape(template.text)));
    }
    if let Some(default) = row.default {
        line("default", &code(&escape(default)));
    }
    if row.deliver == Deliver::AsFile {
        line(
            "delivered",
            &format!("as a file, whose path is {}", code(&format!("{}_FILE", row.name))),
        );
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn public(count: usize) -> String {
    counted(count, "public value", "public values")
}

/// What switches each feature. Conditions are spelled out: an operator looks here when a variable
/// was withheld.
fn features(contract: &Contract, text: &mut String) {
    if contract.features.is_empty() {
        return;
    }
    text.push_str(
        "\n## Features\n\nA feature that is on requires its variables; one that is off withholds \
         them; else they are delivered where a source holds a value. Off wins.\n\n\
         | Feature | On | Off | Contradiction |\n| --- | --- | --- | --- |\n",
    );
    for feature in contract.features {
        let clause = |condition: &Option<_>| {
            condition.as_ref().map_or(String::new(), |one| words::condition(contract, one))
        };
        let conflicts: Vec<String> =
            feature.conflicts.iter().map(|one| words::condition(contract, one)).collect();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            feature.name,
            cell(&clause(&feature.on)),
            cell(&clause(&feature.off)),
            cell(&conflicts.join("; ")),
        );
    }
}

/// Findings about two settings at once.
fn rules(contract: &Contract, text: &mut String) {
    if contract.rules.is_empty() {
        return;
    }
    text.push_str(
        "\n## Combinations\n\n| Finding | Where | Message | Mend |\n| --- | --- | --- | --- |\n",
    );
    for rule in contract.rules {
        let _ = writeln!(
            text,
            "| `{}` ({}) | {}; in {} | {} | {} |",
            rule.code.name(),
            rule.severity.name(),
            cell(&words::condition(contract, &rule.when)),
            words::modes(rule.modes),
            cell(rule.message),
            cell(rule.hint),
        );
    }
}

/// The commands that values come from. Their arguments stay in the contract.
fn providers(contract: &Contract, text: &mut String) {
    if contract.providers.is_empty() {
        return;
    }
    text.push_str(
        "\n## Providers\n\nA provider is run where a variable that is not withheld has no value in the \
         sources before it.\n\n| Provider | Program | Form | Time | Attempts | Sees | Runs as |\n\
         | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for one in contract.providers {
        let sees: Vec<&str> = one.environment.iter().map(|lent| lent.name).collect();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} |",
            code(one.name),
            cell(&code(&escape(one.command.first().copied().unwrap_or_default()))),
            provider::answer_word(one.answer),
            provider::time_text(one.timeout),
            one.retries + 1,
            names(&sees),
            one.user.unwrap_or("the launcher's user"),
        );
    }
}

/// Names that look as if they did something.
fn not_read(contract: &Contract, text: &mut String) {
    if contract.not_read.is_empty() {
        return;
    }
    text.push_str("\n## Names that the program does not read\n\n| Name | Note |\n| --- | --- |\n");
    for NotRead { name, note } in contract.not_read {
        let _ = writeln!(text, "| {} | {} |", code(name), cell(note));
    }
}

/// What holds for every row, a line for each thing that is demanded.
fn policy(contract: &Contract, text: &mut String) {
    let policy = &contract.policy;
    let mut lines = Vec::new();
    let mut line = |words: String| lines.push(words);
    for (class, days) in policy.rotation {
        line(format!("a key of class {class} lives {days} days at most"));
    }
    for one in policy.severity {
        let severity = one.severity.map_or("no finding", Severity::name);
        let modes = words::modes(one.modes);
        line(format!("`{}` is at least: {severity} in {modes}", one.code.name()));
    }
    if !policy.forbid.is_empty() {
        line(format!("no source may hold {}", names(&policy.forbid)));
    }
    if policy.modes != Modes::ALL {
        line(format!("starts in {} alone", words::modes(policy.modes)));
    }
    if policy.no_report {
        line("`--enforce report` is refused".to_owned());
    }
    if policy.no_accept {
        line("`--accept` is refused".to_owned());
    }
    let features = policy.features_off.iter();
    for feature in features.filter_map(|id| contract.features.get(usize::from(id.0))) {
        line(format!("feature {} is off, whatever is set", feature.name));
    }
    for one in policy.acknowledge {
        let about = one.variable.map_or(String::new(), |name| format!(" of {}", code(name)));
        let (name, until, reason) = (one.code.name(), one.until, cell(one.reason));
        line(format!("`{name}`{about} is known until {until}: {reason}"));
    }
    if !lines.is_empty() {
        let _ = write!(text, "\n## Policy\n\n- {}\n", lines.join("\n- "));
    }
}

/// Every code, not only those this contract leads to: a message of any launch is found here.
fn codes(text: &mut String) {
    text.push_str(
        "\n## Finding codes\n\n| Code | Development | Staging | Production | Cause | Mend |\n\
         | --- | --- | --- | --- | --- | --- |\n",
    );
    for one in Code::ALL {
        let _ = write!(text, "| `{}` |", one.name());
        for mode in Mode::ALL {
            let _ = write!(text, " {} |", one.severity(mode).map_or("", Severity::name));
        }
        let _ = writeln!(text, " {} | {} |", cell(one.cause()), cell(one.mend()));
    }
}

/// Names as code, in their order.
fn names(list: &[&str]) -> String {
    let names: Vec<String> = list.iter().map(|name| code(name)).collect();
    names.join(", ")
}

/// Text as code (CommonMark 6.1): no backslash escapes there, so more backquotes than stand in it
/// are put around, with a space where one stands at an edge.
fn code(text: &str) -> String {
    let most = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let around = "`".repeat(most + 1);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{around}{space}{text}{space}{around}")
}

/// Text that cannot end its cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
