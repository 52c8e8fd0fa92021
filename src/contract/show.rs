//! The effective contract in its own grammar, as YAML and as JSON.
//!
//! What goes without saying is left out, so that the output reads as a person would write it;
//! the keys stand in the order of the documentation, for which the maps of the YAML and JSON
//! libraries are of no use.

use super::draft::{At, Cond, Draft, FormatDraft, RowDraft};
use super::grammar::{BLANK, DELIVER, DISPLAY, ENCODING, FINAL_NEWLINE, USER_INFO};
use super::model::{Contract, Deliver, Display, FinalNewline, Origin, Override, Reject, Str, Test};
use super::policy::{ACCEPT, ENFORCE, PolicyDraft};
use super::provider::{self, Lent, Provider};
use super::{BUILTIN_YAML, builtin};
use crate::finding::Severity;
use crate::mode::{Mode, Modes};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

/// What is printed; a mapping keeps its order.
#[derive(Clone, PartialEq)]
pub(super) enum Tree {
    Bool(bool),
    Integer(i64),
    Text(Str),
    List(Vec<Tree>),
    Map(Vec<(Str, Tree)>),
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Tree::Bool(value) => to.serialize_bool(*value),
            Tree::Integer(value) => to.serialize_i64(*value),
            Tree::Text(value) => to.serialize_str(value),
            Tree::List(list) => {
                let mut sequence = to.serialize_seq(Some(list.len()))?;
                list.iter().try_for_each(|one| sequence.serialize_element(one))?;
                sequence.end()
            }
            Tree::Map(map) => {
                let mut mapping = to.serialize_map(Some(map.len()))?;
                map.iter().try_for_each(|(key, one)| mapping.serialize_entry(key, one))?;
                mapping.end()
            }
        }
    }
}

/// The contract as YAML, whole: what it extends is in it. Reading it yields the same contract.
/// The built-in one is printed as it was written, with its comments.
pub fn yaml(contract: &Contract) -> String {
    if contract.origin == Origin::Builtin && contract.sha256 == builtin::CONTRACT.sha256 {
        return BUILTIN_YAML.to_owned();
    }
    serde_yaml::to_string(&Tree::Map(tree(&Draft::of(contract)))).unwrap_or_default()
}

/// The same as JSON, which the contract's schema describes too; with a final newline.
pub fn json(contract: &Contract) -> String {
    let mut text =
        serde_json::to_string_pretty(&Tree::Map(tree(&Draft::of(contract)))).unwrap_or_default();
    text.push('\n');
    text
}

/// A mapping under construction, without what is absent.
#[derive(Default)]
struct Map(Vec<(Str, Tree)>);

impl Map {
    fn put(&mut self, key: Str, value: Option<Tree>) {
        self.0.extend(value.map(|value| (key, value)));
    }

    fn text(&mut self, key: Str, value: Option<Str>) {
        self.put(key, value.filter(|text| !text.is_empty()).map(Tree::Text));
    }

    fn number(&mut self, key: Str, value: Option<u32>) {
        self.put(key, value.map(|number| Tree::Integer(i64::from(number))));
    }

    fn list(&mut self, key: Str, list: Vec<Tree>) {
        self.put(key, (!list.is_empty()).then_some(Tree::List(list)));
    }

    fn texts(&mut self, key: Str, list: &[Str]) {
        self.list(key, list.iter().map(|text| Tree::Text(text)).collect());
    }

    fn map(&mut self, key: Str, map: Vec<(Str, Tree)>) {
        self.put(key, (!map.is_empty()).then_some(Tree::Map(map)));
    }

    /// A word, unless it is what goes without saying.
    fn word<T: Copy + PartialEq>(
        &mut self,
        key: Str,
        value: Option<T>,
        usual: T,
        words: &[(Str, T)],
    ) {
        let value = value.filter(|value| *value != usual);
        let word = value.and_then(|value| words.iter().find(|(_, one)| *one == value));
        self.text(key, word.map(|&(word, _)| word));
    }
}

/// A whole contract. It has no `extends`: all of that is in it.
pub(super) fn tree(draft: &Draft) -> Vec<(Str, Tree)> {
    let mut map = Map::default();
    map.put("version", Some(Tree::Integer(1)));
    map.text("name", draft.name);
    let program = draft.program.iter().map(|at| (at.value.0, Tree::Text(at.value.1)));
    map.map("program", program.collect());
    let mode_names = draft.mode_names.iter().map(|at| (at.value.0, Tree::Text(at.value.1.name())));
    map.map("mode_names", mode_names.collect());
    map.texts("prefixes", &draft.prefixes);
    let owners = draft.trusted_owners.iter().map(|&owner| Tree::Integer(i64::from(owner)));
    map.list("trusted_owners", owners.collect());
    map.list("burnt", draft.burnt.iter().map(|burnt| Tree::Text(burnt.value)).collect());
    for (key, part) in [("variables", false), ("parts", true)] {
        let rows = draft.rows.iter().filter(|row| row.part == part);
        map.list(key, rows.map(row).collect());
    }
    let features = draft.features.iter().map(|feature| {
        let mut map = Map::default();
        map.text("name", Some(feature.name));
        map.put("on", feature.on.as_ref().map(condition));
        map.put("off", feature.off.as_ref().map(condition));
        map.list("conflicts", feature.conflicts.iter().map(condition).collect());
        Tree::Map(map.0)
    });
    map.list("features", features.collect());
    let rules = draft.rules.iter().map(|rule| {
        let mut map = Map::default();
        map.text("variable", Some(rule.variable));
        map.put("when", Some(condition(&rule.when)));
        map.put("modes", (rule.modes != Modes::ALL).then(|| modes(rule.modes)));
        map.text("code", Some(rule.code.name()));
        map.text("severity", Some(rule.severity.name()));
        map.text("message", Some(rule.message));
        map.text("hint", Some(rule.hint));
        Tree::Map(map.0)
    });
    map.list("rules", rules.collect());
    let not_read = draft.not_read.iter().map(|at| {
        let note = ("note", Tree::Text(at.value.note));
        Tree::Map(vec![("name", Tree::Text(at.value.name)), note])
    });
    map.list("not_read", not_read.collect());
    map.list("providers", draft.providers.iter().map(|at| provider(&at.value)).collect());
    map.texts("passthrough", &draft.passthrough);
    map.map("policy", policy(&draft.policy));
    map.0
}

/// A policy; its switches are printed where they forbid something.
fn policy(draft: &PolicyDraft) -> Vec<(Str, Tree)> {
    fn names(list: &[At<Str>]) -> Vec<Str> {
        list.iter().map(|at| at.value).collect()
    }
    let mut map = Map::default();
    let days = |at: &At<(Str, u32)>| (at.value.0, Tree::Text(format!("{}d", at.value.1).leak()));
    map.map("rotation", draft.rotation.iter().map(days).collect());
    let least: Vec<Override> = draft.severity.iter().map(|at| at.value).collect();
    map.map("severity", severities(&least));
    map.texts("forbid", &names(&draft.forbid));
    map.put("modes", draft.modes.map(|at| modes(at.value)));
    map.word("enforce", draft.enforce.map(|at| at.value), false, ENFORCE);
    map.word("accept", draft.accept.map(|at| at.value), false, ACCEPT);
    map.texts("features_off", &names(&draft.features_off));
    let acknowledged = draft.acknowledge.iter().map(|at| {
        let mut map = Map::default();
        map.text("code", Some(at.value.code.name()));
        map.text("variable", at.value.variable);
        map.text("reason", Some(at.value.reason));
        map.text("until", Some(at.value.until));
        Tree::Map(map.0)
    });
    map.list("acknowledge", acknowledged.collect());
    map.0
}

/// `always`, or the modes.
fn modes(modes: Modes) -> Tree {
    if modes == Modes::ALL {
        return Tree::Text("always");
    }
    Tree::List(modes.iter().map(|mode| Tree::Text(mode.name())).collect())
}

/// A variable or part.
pub(super) fn row(row: &RowDraft) -> Tree {
    let mut map = Map::default();
    map.text("name", Some(row.name));
    map.texts("aliases", &row.aliases);
    map.put("secret", row.secret.filter(|secret| *secret).map(Tree::Bool));
    map.text("class", row.class);
    map.text("purpose", row.purpose);
    map.text("read_by", row.read_by);
    map.put("required", row.required.filter(|modes| !modes.is_empty()).map(modes));
    map.put("required_when", row.required_when.as_ref().map(condition));
    map.text("feature", row.feature);
    map.texts("files", &row.files);
    map.put("format", Some(format(&row.format)));
    map.list("rejects", row.rejects.iter().map(reject).collect());
    map.map("severity", severities(&row.severity));
    map.word("final_newline", row.final_newline, FinalNewline::Strip, FINAL_NEWLINE);
    map.word("blank", row.blank_allowed, false, BLANK);
    map.put(
        "generate",
        row.generate.map(|generate| {
            let kind = ENCODING.iter().find(|(_, kind)| *kind == generate.kind);
            let kind = kind.map_or("hex", |&(word, _)| word);
            let bytes = ("bytes", Tree::Integer(i64::from(generate.bytes)));
            Tree::Map(vec![("kind", Tree::Text(kind)), bytes])
        }),
    );
    map.text("provider", row.provider);
    // Empty, it is the whole document.
    map.put("pointer", row.pointer.map(Tree::Text));
    map.text("default", row.default);
    map.text("template", row.template);
    map.word("display", row.display, Display::Auto, DISPLAY);
    map.word("deliver", row.deliver, Deliver::AsValue, DELIVER);
    Tree::Map(map.0)
}

/// A provider; its form is always said.
fn provider(provider: &Provider) -> Tree {
    let mut map = Map::default();
    map.text("name", Some(provider.name));
    map.list("command", provider.command.iter().map(|word| Tree::Text(word)).collect());
    map.text("format", Some(provider::answer_word(provider.answer)));
    map.text("timeout", Some(provider::time_text(provider.timeout).leak()));
    map.number("retries", Some(u32::from(provider.retries)).filter(|retries| *retries > 0));
    let lent = |lent: &Lent| match lent.keep {
        true => Tree::Map(vec![("name", Tree::Text(lent.name)), ("keep", Tree::Bool(true))]),
        false => Tree::Text(lent.name),
    };
    map.list("environment", provider.environment.iter().map(lent).collect());
    map.text("user", provider.user);
    Tree::Map(map.0)
}

/// A format; its kind is always said.
fn format(format: &FormatDraft) -> Tree {
    let mut map = Map::default();
    map.text("kind", format.kind.map(super::draft::KindName::word));
    map.number("min_bytes", format.min_bytes);
    map.number("max_bytes", format.max_bytes);
    map.text("prefix", format.prefix);
    map.put("single_line", format.single_line.filter(|single| *single).map(Tree::Bool));
    map.number("bytes", format.bytes);
    map.texts("schemes", format.schemes.as_deref().unwrap_or_default());
    map.texts("loopback_schemes", format.loopback_schemes.as_deref().unwrap_or_default());
    map.word("user_info", format.user_info, true, USER_INFO);
    map.put("min", format.min.filter(|min| *min != i64::MIN).map(Tree::Integer));
    map.put("max", format.max.filter(|max| *max != i64::MAX).map(Tree::Integer));
    map.texts("values", format.values.as_deref().unwrap_or_default());
    Tree::Map(map.0)
}

/// A refused value. It is public: it stands in the contract to be recognised.
fn reject(reject: &Reject) -> Tree {
    let mut map = Map::default();
    map.text("value", Some(reject.value));
    map.put("password", reject.password.then_some(Tree::Bool(true)));
    map.text("code", Some(reject.code.name()));
    Tree::Map(map.0)
}

/// A mapping of modes for each code.
fn severities(list: &[Override]) -> Vec<(Str, Tree)> {
    let mut map: Vec<(Str, Tree)> = Vec::new();
    for one in list {
        let word = one.severity.map_or("none", Severity::name);
        let modes = one.modes.iter().map(|mode: Mode| (mode.name(), Tree::Text(word)));
        match map.iter_mut().find(|(name, _)| *name == one.code.name()) {
            Some((_, Tree::Map(known))) => known.extend(modes),
            _ => map.push((one.code.name(), Tree::Map(modes.collect()))),
        }
    }
    map
}

/// A condition.
pub(super) fn condition(cond: &Cond) -> Tree {
    let all = |list: &[Cond]| Tree::List(list.iter().map(condition).collect());
    match cond {
        Cond::Any(list) => Tree::Map(vec![("any", all(list))]),
        Cond::All(list) => Tree::Map(vec![("all", all(list))]),
        Cond::Not(inner) => Tree::Map(vec![("not", condition(inner))]),
        Cond::Test { variable, test, .. } => {
            let test = match test {
                Test::Is(flag) => ("is", Tree::Bool(*flag)),
                Test::Set(set) => ("set", Tree::Bool(*set)),
                Test::Equals(text) => ("equals", Tree::Text(text)),
                Test::Contains(text) => ("contains", Tree::Text(text)),
                Test::OneOf(list) => {
                    ("one_of", Tree::List(list.iter().map(|text| Tree::Text(text)).collect()))
                }
            };
            Tree::Map(vec![("variable", Tree::Text(variable)), test])
        }
    }
}
