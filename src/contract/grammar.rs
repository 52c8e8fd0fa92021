//! The grammar: nodes to a [`Draft`], each key checked, each problem with its line.
//!
//! Written out by hand and not derived: derived readers stop at the first problem and print the
//! value that they did not expect, and here every problem is said at once and no value ever.
//! `schemas/contract.schema.json` says the same for editors.

use super::draft::{At, Cond, Draft, FeatureDraft, FormatDraft, KindName, RowDraft, RuleDraft};
use super::fields::{self, Fields};
use super::generated;
use super::model::{
    Deliver, Display, Encoding, FinalNewline, Generate, NotRead, Override, Reject, Str, Test,
};
use super::name;
use super::node::{Node, Value};
use super::policy;
use super::problem::Problems;
use super::provider;
use crate::finding::{Code, Severity};
use crate::mode::{Mode, Modes};

/// The keys of a contract, in the order they are printed.
pub const CONTRACT: &[&str] = &[
    "version",
    "name",
    "extends",
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
/// The keys of a variable; a part has the same less `deliver`.
pub const VARIABLE: &[&str] = &[
    "name",
    "aliases",
    "secret",
    "class",
    "purpose",
    "read_by",
    "required",
    "required_when",
    "feature",
    "files",
    "format",
    "rejects",
    "severity",
    "final_newline",
    "blank",
    "generate",
    "provider",
    "pointer",
    "default",
    "template",
    "display",
    "deliver",
];
/// The keys of a format.
pub const FORMAT: &[&str] = &[
    "kind",
    "min_bytes",
    "max_bytes",
    "prefix",
    "single_line",
    "bytes",
    "schemes",
    "loopback_schemes",
    "user_info",
    "min",
    "max",
    "values",
];
/// The keys of a condition.
pub const CONDITION: &[&str] =
    &["variable", "is", "equals", "one_of", "set", "contains", "any", "all", "not"];

const MODES: &[(&str, Mode)] = &[
    ("development", Mode::Development),
    ("staging", Mode::Staging),
    ("production", Mode::Production),
];

/// Reads a whole document.
pub fn read(root: Node, problems: &mut Problems) -> Draft {
    let mut draft = Draft::default();
    let line = root.line;
    let Some(mut top) = Fields::of(root, CONTRACT, problems) else { return draft };
    match top.take("version") {
        None => problems.add_hint(line, "version is absent", Some("write version: 1".to_owned())),
        Some(node) if matches!(node.value, Value::Integer(1)) => {}
        Some(node) => problems.add(node.line, "version: expected 1"),
    }
    draft.name = top.take("name").and_then(|node| fields::word(&node, "name", problems));
    draft.extends = top.take("extends").and_then(|node| {
        let value = fields::text(&node, "extends", problems)?;
        Some(At { line: node.line, value })
    });
    if draft.name.is_none() && draft.extends.is_none() && !top.had("name") {
        problems.add(line, "name is absent");
    }
    for (key, node) in fields::entries(top.take("program"), "program", problems) {
        let path = fields::text(&node, "program", problems);
        match path {
            Some(path) if !path.starts_with('/') || key.text.contains('/') => {
                problems.add(node.line, "program: expected link names and absolute paths");
            }
            Some(path) => draft.program.push(At { line: key.line, value: (key.text, path) }),
            None => {}
        }
    }
    for (key, node) in fields::entries(top.take("mode_names"), "mode_names", problems) {
        let mode = fields::one_of(&node, "mode_names", MODES, problems);
        if !name::is_word(key.text) {
            problems.add(key.line, "mode_names: expected a word as name");
        } else if let Some(mode) = mode {
            if Mode::parse(key.text.as_bytes(), &[]).is_some_and(|known| known != mode) {
                problems.add(key.line, format!("mode_names: {} is a mode already", key.text));
            }
            draft.mode_names.push(At { line: key.line, value: (key.text, mode) });
        }
    }
    for node in fields::list(top.take("prefixes"), "prefixes", problems) {
        draft.prefixes.extend(fields::variable(&node, "prefixes", problems));
    }
    for node in fields::list(top.take("trusted_owners"), "trusted_owners", problems) {
        let id = fields::integer(&node, "trusted_owners", 0, i64::from(u32::MAX), problems);
        draft.trusted_owners.extend(id.and_then(|id| u32::try_from(id).ok()));
    }
    for node in fields::list(top.take("burnt"), "burnt", problems) {
        let value = fields::text(&node, "burnt", problems);
        let reject = |value| Reject { value, password: false, code: Code::Placeholder };
        draft.burnt.extend(value.map(reject));
    }
    for (key, part) in [("variables", false), ("parts", true)] {
        for node in fields::list(top.take(key), key, problems) {
            draft.rows.extend(row(node, part, problems));
        }
    }
    for node in fields::list(top.take("features"), "features", problems) {
        draft.features.extend(feature(node, problems));
    }
    for node in fields::list(top.take("rules"), "rules", problems) {
        draft.rules.extend(rule(node, problems));
    }
    for node in fields::list(top.take("not_read"), "not_read", problems) {
        let line = node.line;
        let Some(mut fields) = Fields::of(node, &["name", "note"], problems) else { continue };
        let name = fields.need("name", problems);
        let name = name.and_then(|node| fields::pattern(&node, "name", problems));
        let note = fields.need("note", problems);
        let note = note.and_then(|node| fields::line(&node, "note", problems));
        if let (Some(name), Some(note)) = (name, note) {
            draft.not_read.push(At { line, value: NotRead { name, note } });
        }
    }
    for node in fields::list(top.take("providers"), "providers", problems) {
        draft.providers.extend(provider::read(node, problems));
    }
    for node in fields::list(top.take("passthrough"), "passthrough", problems) {
        draft.passthrough.extend(fields::pattern(&node, "passthrough", problems));
    }
    draft.policy = policy::read(top.take("policy"), problems);
    draft
}

/// A variable or part. What is wrong with one key does not hide what is wrong with the next.
fn row(node: Node, part: bool, problems: &mut Problems) -> Option<RowDraft> {
    let line = node.line;
    let known =
        if part { VARIABLE.split_last().map_or(VARIABLE, |(_, keys)| keys) } else { VARIABLE };
    let mut from = Fields::of(node, known, problems)?;
    let name = from.need("name", problems);
    let name = name.and_then(|node| fields::variable(&node, "name", problems));
    let mut row = RowDraft { part, line, keys: from.lines(), ..RowDraft::default() };
    let problems = &mut *problems;
    let mut texts = |from: &mut Fields, key: &'static str, one: fields::Reader<Str>| -> Vec<Str> {
        let nodes = fields::list(from.take(key), key, problems);
        nodes.iter().filter_map(|node| one(node, key, problems)).collect()
    };
    row.aliases = texts(&mut from, "aliases", fields::variable);
    row.files = texts(&mut from, "files", fields::relative_path);
    row.secret = from.read("secret", fields::boolean, problems);
    row.class = from.read("class", fields::word, problems);
    row.purpose = from.read("purpose", fields::line, problems);
    row.read_by = from.read("read_by", fields::line, problems);
    row.required = from.read("required", modes, problems);
    row.required_when = from.take("required_when").and_then(|node| condition(node, problems));
    row.feature = from.read("feature", fields::word, problems);
    if let Some(node) = from.take("format") {
        row.format = format(node, problems);
    }
    for node in fields::list(from.take("rejects"), "rejects", problems) {
        row.rejects.extend(reject(node, problems));
    }
    for (key, node) in fields::entries(from.take("severity"), "severity", problems) {
        if let Some(code) = code(key.text, key.line, problems) {
            severity(code, node, &mut row.severity, problems);
        }
    }
    row.final_newline = from.read_one_of("final_newline", FINAL_NEWLINE, problems);
    row.blank_allowed = from.read_one_of("blank", BLANK, problems);
    row.deliver = from.read_one_of("deliver", DELIVER, problems);
    row.display = from.read_one_of("display", DISPLAY, problems);
    row.generate = from.take("generate").and_then(|node| generate(node, problems));
    row.provider = from.read("provider", fields::word, problems);
    row.pointer = from.read("pointer", provider::pointer, problems);
    row.default = from.read("default", fields::text, problems);
    row.template = from.read("template", fields::text, problems);
    row.name = name?;
    Some(row)
}

/// The words of `final_newline`.
pub const FINAL_NEWLINE: &[(&str, FinalNewline)] = &[
    ("strip", FinalNewline::Strip),
    ("keep", FinalNewline::Keep),
    ("refuse", FinalNewline::RefuseNewline),
];
/// The words of `blank`.
pub const BLANK: &[(&str, bool)] = &[("absent", false), ("allowed", true)];
/// The words of `deliver`.
pub const DELIVER: &[(&str, Deliver)] = &[("value", Deliver::AsValue), ("file", Deliver::AsFile)];
/// The words of `display`.
pub const DISPLAY: &[(&str, Display)] = &[("auto", Display::Auto), ("location", Display::Location)];
/// The words of `user_info`.
pub const USER_INFO: &[(&str, bool)] = &[("allow", true), ("refuse", false)];
/// The words of a generator's `kind`.
pub const ENCODING: &[(&str, Encoding)] = &[
    ("hex", Encoding::LowerHex),
    ("base64", Encoding::PaddedBase64),
    ("base64url", Encoding::UrlBase64),
];
/// The words of a severity.
pub const SEVERITY: &[(&str, Option<Severity>)] =
    &[("warning", Some(Severity::Warning)), ("error", Some(Severity::Error)), ("none", None)];

/// The word of a severity.
pub(super) fn severity_word(severity: Option<Severity>) -> &'static str {
    severity.map_or("none", Severity::name)
}

/// `always`, or a list of modes.
pub(super) fn modes(node: &Node, key: &str, problems: &mut Problems) -> Option<Modes> {
    match &node.value {
        Value::Text("always") => Some(Modes::ALL),
        Value::List(list) => list.iter().try_fold(Modes::NONE, |set, node| {
            Some(set.with(fields::one_of(node, key, MODES, problems)?))
        }),
        _ => {
            problems.add(node.line, format!("{key}: expected always or a list of modes"));
            None
        }
    }
}

/// A format. Which key belongs to which kind is seen later: an extending row may leave the kind
/// to the row that it extends.
fn format(node: Node, problems: &mut Problems) -> FormatDraft {
    let most = i64::from(u32::MAX);
    let mut draft = FormatDraft::default();
    let Some(mut from) = Fields::of(node, FORMAT, problems) else { return draft };
    draft.kind = from.read_one_of("kind", KindName::ALL, problems);
    let mut number = |from: &mut Fields, key: &'static str, least: i64, most: i64| {
        let node = from.take(key)?;
        fields::integer(&node, key, least, most, problems)
    };
    let small = |number: Option<i64>| number.and_then(|number| u32::try_from(number).ok());
    draft.min_bytes = small(number(&mut from, "min_bytes", 0, most));
    draft.max_bytes = small(number(&mut from, "max_bytes", 1, most));
    draft.bytes = small(number(&mut from, "bytes", 1, 65_536));
    draft.min = number(&mut from, "min", i64::MIN, i64::MAX);
    draft.max = number(&mut from, "max", i64::MIN, i64::MAX);
    draft.prefix = from.read("prefix", fields::text, problems);
    draft.single_line = from.read("single_line", fields::boolean, problems);
    draft.user_info = from.read_one_of("user_info", USER_INFO, problems);
    let mut texts = |key: &'static str, one: fields::Reader<Str>| {
        let node = from.take(key)?;
        let nodes = fields::list(Some(node), key, problems);
        Some(nodes.iter().filter_map(|node| one(node, key, problems)).collect())
    };
    draft.schemes = texts("schemes", fields::scheme);
    draft.loopback_schemes = texts("loopback_schemes", fields::scheme);
    draft.values = texts("values", fields::text);
    draft
}

/// A refused value.
fn reject(node: Node, problems: &mut Problems) -> Option<Reject> {
    let mut from = Fields::of(node, &["value", "code", "password"], problems)?;
    let value = from.need("value", problems)?;
    let value = fields::text(&value, "value", problems);
    let password = from.read("password", fields::boolean, problems).unwrap_or(false);
    let code = match from.take("code") {
        Some(node) => {
            let line = node.line;
            let word = fields::text(&node, "code", problems)?;
            code(word, line, problems)?
        }
        None => Code::Placeholder,
    };
    Some(Reject { value: value?, password, code })
}

/// The code of this name. The name itself is not repeated: it may be anything.
pub(super) fn code(word: &str, line: u32, problems: &mut Problems) -> Option<Code> {
    let found = Code::parse(word);
    if found.is_none() {
        let near = problems.nearest(word, Code::ALL.iter().map(|code| code.name()));
        let hint = match near {
            Some(near) => format!("did you mean {near}?"),
            None => "`nexis-launch contract docs` lists the codes".to_owned(),
        };
        problems.add_hint(line, "unknown code", Some(hint));
    }
    found
}

/// `warning` for each mode in which the code is found at all, or a mapping of modes.
pub(super) fn severity(code: Code, node: Node, list: &mut Vec<Override>, problems: &mut Problems) {
    let mut add = |modes: Modes, severity: Option<Severity>| match list
        .iter_mut()
        .find(|one| one.code == code && one.severity == severity)
    {
        Some(one) => one.modes = Modes(one.modes.0 | modes.0),
        None => list.push(Override { code, modes, severity }),
    };
    if !matches!(node.value, Value::Map(_)) {
        let found = |set: Modes, &mode: &Mode| match code.severity(mode) {
            Some(_) => set.with(mode),
            None => set,
        };
        let modes = Mode::ALL.iter().fold(Modes::NONE, found);
        if let Some(severity) = fields::one_of(&node, "severity", SEVERITY, problems) {
            add(modes, severity);
        }
        return;
    }
    for (key, node) in fields::entries(Some(node), "severity", problems) {
        let mode = fields::word_of(key.text, key.line, "severity", MODES, problems);
        let severity = fields::one_of(&node, "severity", SEVERITY, problems);
        if let (Some(mode), Some(severity)) = (mode, severity) {
            add(Modes::NONE.with(mode), severity);
        }
    }
}

/// A generator; at least 16 random bytes, below which a value can be guessed.
fn generate(node: Node, problems: &mut Problems) -> Option<Generate> {
    let mut from = Fields::of(node, &["kind", "bytes"], problems)?;
    let kind = from.need("kind", problems)?;
    let kind = fields::one_of(&kind, "generate kind", ENCODING, problems);
    let bytes = from.need("bytes", problems)?;
    let bytes = fields::integer(&bytes, "bytes", 16, generated::MOST.into(), problems);
    Some(Generate { kind: kind?, bytes: u16::try_from(bytes?).ok()? })
}

/// A feature.
fn feature(node: Node, problems: &mut Problems) -> Option<FeatureDraft> {
    let line = node.line;
    let mut from = Fields::of(node, &["name", "on", "off", "conflicts"], problems)?;
    let name = from.need("name", problems);
    let name = name.and_then(|node| fields::word(&node, "name", problems));
    let on = from.take("on").and_then(|node| condition(node, problems));
    let off = from.take("off").and_then(|node| condition(node, problems));
    let conflicts = fields::list(from.take("conflicts"), "conflicts", problems);
    let conflicts = conflicts.into_iter().filter_map(|node| condition(node, problems)).collect();
    Some(FeatureDraft { line, name: name?, on, off, conflicts })
}

/// A rule. It says its severity itself, because it can only be `warning` or `error`.
fn rule(node: Node, problems: &mut Problems) -> Option<RuleDraft> {
    let line = node.line;
    let known = &["variable", "when", "modes", "code", "severity", "message", "hint"];
    let mut from = Fields::of(node, known, problems)?;
    let variable = from.need("variable", problems);
    let variable = variable.and_then(|node| fields::variable(&node, "variable", problems));
    let when = from.need("when", problems).and_then(|node| condition(node, problems));
    let modes = from.read("modes", modes, problems).unwrap_or(Modes::ALL);
    let code = from.need("code", problems).and_then(|node| {
        let word = fields::text(&node, "code", problems)?;
        code(word, node.line, problems)
    });
    let severities = SEVERITY.split_last().map_or(SEVERITY, |(_, rest)| rest);
    let severity = from.need("severity", problems);
    let severity =
        severity.and_then(|node| fields::one_of(&node, "severity", severities, problems));
    let mut words = |key| {
        let node = from.need(key, problems)?;
        fields::line(&node, key, problems)
    };
    let (message, hint) = (words("message"), words("hint"));
    let (variable, when, code) = (variable?, when?, code?);
    let (severity, message, hint) = (severity.flatten()?, message?, hint?);
    Some(RuleDraft { line, variable, when, modes, code, severity, message, hint })
}

/// A condition: exactly one of `any`, `all`, `not`, or `variable` with exactly one test.
fn condition(node: Node, problems: &mut Problems) -> Option<Cond> {
    let line = node.line;
    let mut from = Fields::of(node, CONDITION, problems)?;
    let given: Vec<Str> = from.lines().iter().map(|&(key, _)| key).collect();
    let each = |nodes: Vec<Node>, problems: &mut Problems| -> Vec<Cond> {
        nodes.into_iter().filter_map(|node| condition(node, problems)).collect()
    };
    match given.as_slice() {
        [one] if *one == "any" || *one == "all" => {
            let nodes = fields::list(from.take(one), one, problems);
            if nodes.is_empty() {
                problems.add(line, format!("{one}: expected at least one condition"));
            }
            let list = each(nodes, problems);
            Some(if *one == "any" { Cond::Any(list) } else { Cond::All(list) })
        }
        ["not"] => Some(Cond::Not(Box::new(condition(from.take("not")?, problems)?))),
        [one, two] if *one == "variable" || *two == "variable" => {
            let variable = fields::variable(&from.take("variable")?, "variable", problems);
            let key = if *one == "variable" { two } else { one };
            let node = from.take(key)?;
            let test = match *key {
                "is" => Test::Is(fields::boolean(&node, "is", problems)?),
                "set" => Test::Set(fields::boolean(&node, "set", problems)?),
                "equals" => Test::Equals(fields::text(&node, "equals", problems)?),
                "contains" => Test::Contains(fields::text(&node, "contains", problems)?),
                "one_of" => {
                    let nodes = fields::list(Some(node), "one_of", problems);
                    let one = |node| fields::text(node, "one_of", problems);
                    Test::OneOf(super::model::List::leak(nodes.iter().filter_map(one).collect()))
                }
                _ => {
                    problems.add(line, CONDITION_EXPECTED);
                    return None;
                }
            };
            Some(Cond::Test { line, variable: variable?, test })
        }
        _ => {
            problems.add(line, CONDITION_EXPECTED);
            None
        }
    }
}

const CONDITION_EXPECTED: &str = "expected a condition: any, all or not, or variable with one of is, equals, one_of, set, contains";
