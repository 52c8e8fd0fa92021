//! Providers: the commands that a contract names as sources of values (interface section 8), from
//! the grammar to the tables.
//!
//! Only a contract names them, never an option or a variable: whoever chooses the command runs it.

use super::draft::{At, Draft, KindName, RowDraft};
use super::fields::{self, Fields};
use super::list::List;
use super::model::{Contract, Row, Str};
use super::name::shown;
use super::node::{Node, Value};
use super::problem::Problems;
use crate::settings::UserWish;

/// The index of a provider in the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProviderId(pub u16);

/// A command whose standard output holds values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its name.
    pub name: Str,
    /// The absolute path of the program, and its arguments. There is no shell.
    pub command: List<Str>,
    /// The form of its answer.
    pub answer: Answer,
    /// How long all attempts may take together, in milliseconds.
    pub timeout: u32,
    /// Attempts after the first.
    pub retries: u8,
    /// Variables that it may see.
    pub environment: List<Lent>,
    /// Who it runs as, `USER[:GROUP]`; absent: the launcher's user.
    pub user: Option<Str>,
}

/// The form of a provider's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// All of it is the value of one variable.
    Raw,
    /// A JSON document with strings in it (RFC 8259).
    Json,
    /// `NAME=VALUE` lines, as in an env file.
    Dotenv,
}

/// A variable that a provider may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lent {
    /// Its name.
    pub name: Str,
    /// Whether the program gets it all the same.
    pub keep: bool,
}

/// Where a row's value stands in a provider's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// The provider.
    pub provider: ProviderId,
    /// The place in a JSON document (RFC 6901); absent: the member named as the row.
    pub pointer: Option<Str>,
}

impl Contract {
    /// The provider with this index.
    pub fn provider(&self, id: ProviderId) -> Option<&'static Provider> {
        self.providers.0.get(usize::from(id.0))
    }

    /// Whether all that a provider writes is the row's value.
    pub fn fetches_raw(&self, row: &Row) -> bool {
        let provider = row.fetch.and_then(|fetch| self.provider(fetch.provider));
        provider.is_some_and(|provider| provider.answer == Answer::Raw)
    }

    /// Whether a provider may see a variable of this name.
    pub fn is_lent(&self, name: &[u8]) -> bool {
        let lent = self.providers.iter().flat_map(|provider| provider.environment);
        lent.into_iter().any(|lent| lent.name.as_bytes() == name)
    }

    /// Whether a provider's own credential is of this name: it is kept from the program, unless
    /// each provider that may see it leaves it there.
    pub fn lends(&self, name: &[u8]) -> bool {
        self.providers
            .iter()
            .flat_map(|provider| provider.environment)
            .any(|lent| !lent.keep && lent.name.as_bytes() == name)
    }
}

/// The keys of a provider, in the order they are printed.
pub const PROVIDER: &[&str] =
    &["name", "command", "format", "timeout", "retries", "environment", "user"];
/// The words of `format`.
pub const ANSWER: &[(&str, Answer)] =
    &[("raw", Answer::Raw), ("json", Answer::Json), ("dotenv", Answer::Dotenv)];
/// What goes without saying: five seconds, as for named pipes.
pub const TIMEOUT: u32 = 5_000;
/// More attempts than anybody waits for.
const MOST_RETRIES: i64 = 20;
/// The longest that a provider may take: ten minutes.
const LONGEST: u32 = 600_000;
/// Providers of a contract; each is a process and three descriptors at the same time.
pub const MOST: usize = 64;

/// Reads one provider.
pub(super) fn read(node: Node, problems: &mut Problems) -> Option<At<Provider>> {
    let line = node.line;
    let mut from = Fields::of(node, PROVIDER, problems)?;
    let name = from.need("name", problems);
    let name = name.and_then(|node| fields::word(&node, "name", problems));
    let command = from.need("command", problems).map(|node| command(node, problems));
    let answer = from.need("format", problems);
    let answer = answer.and_then(|node| fields::one_of(&node, "format", ANSWER, problems));
    let timeout = from.read("timeout", time, problems).unwrap_or(TIMEOUT);
    let retries = from.take("retries");
    let retries = retries
        .and_then(|node| fields::integer(&node, "retries", 0, MOST_RETRIES, problems))
        .and_then(|retries| u8::try_from(retries).ok());
    let nodes = fields::list(from.take("environment"), "environment", problems);
    let environment = nodes.into_iter().filter_map(|node| lent(node, problems)).collect();
    let user = from.read("user", user, problems);
    let value = Provider {
        name: name?,
        command: List::leak(command?),
        answer: answer?,
        timeout,
        retries: retries.unwrap_or(0),
        environment: List::leak(environment),
        user,
    };
    Some(At { line, value })
}

fn command(node: Node, problems: &mut Problems) -> Vec<Str> {
    let line = node.line;
    let mut words = Vec::new();
    for node in fields::list(Some(node), "command", problems) {
        match node.value {
            // An argument may be empty.
            Value::Text("") => words.push(""),
            _ => words.extend(fields::text(&node, "command", problems)),
        }
    }
    if !words.first().is_some_and(|program| program.starts_with('/')) {
        let hint = "there is no shell: write [/usr/bin/program, argument]".to_owned();
        problems.add_hint(line, "command: expected an absolute path and arguments", Some(hint));
    }
    words
}

/// `500ms`, `5s` or `1m`, in milliseconds.
fn time(node: &Node, key: &str, problems: &mut Problems) -> Option<u32> {
    let text = if let Value::Text(text) = node.value { text } else { "" };
    let digits = text.trim_end_matches(|it: char| it.is_ascii_lowercase());
    let factor = match text.get(digits.len()..) {
        Some("ms") => 1,
        Some("s") => 1_000,
        Some("m") => 60_000,
        _ => 0,
    };
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    let time = digits.parse::<u32>().ok().and_then(|number| number.checked_mul(factor));
    let found = time.filter(|time| plain && (1..=LONGEST).contains(time));
    if found.is_none() {
        let words = format!("{key}: expected a time such as 500ms, 5s or 1m, 10m at most");
        problems.add(node.line, words);
    }
    found
}

/// The text of a time.
pub(super) fn time_text(time: u32) -> String {
    match time {
        _ if time.is_multiple_of(60_000) => format!("{}m", time / 60_000),
        _ if time.is_multiple_of(1_000) => format!("{}s", time / 1_000),
        _ => format!("{time}ms"),
    }
}

/// `NAME`, or `{name: NAME, keep: true}`.
fn lent(node: Node, problems: &mut Problems) -> Option<Lent> {
    if !matches!(node.value, Value::Map(_)) {
        let name = fields::variable(&node, "environment", problems)?;
        return Some(Lent { name, keep: false });
    }
    let mut from = Fields::of(node, &["name", "keep"], problems)?;
    let name = from.need("name", problems);
    let name = name.and_then(|node| fields::variable(&node, "environment", problems));
    let keep = from.read("keep", fields::boolean, problems).unwrap_or(false);
    Some(Lent { name: name?, keep })
}

fn user(node: &Node, key: &str, problems: &mut Problems) -> Option<Str> {
    match node.value {
        Value::Text(text) if UserWish::parse(text).is_some() => Some(text),
        Value::Integer(number) if (0..i64::from(u32::MAX)).contains(&number) => {
            Some(number.to_string().leak())
        }
        _ => {
            problems.add(node.line, format!("{key}: expected USER or USER:GROUP"));
            None
        }
    }
}

/// A place in a JSON document (RFC 6901); empty: all of it.
pub(super) fn pointer(node: &Node, key: &str, problems: &mut Problems) -> Option<Str> {
    let escaped = |text: &str| {
        text.split('~').skip(1).all(|after| after.starts_with(['0', '1']))
            && !text.chars().any(char::is_control)
    };
    match node.value {
        Value::Text(text) if (text.is_empty() || text.starts_with('/')) && escaped(text) => {
            Some(text)
        }
        _ => {
            let words = format!("{key}: expected a JSON pointer such as /data/password");
            problems.add_hint(node.line, words, Some("~ is written ~0 and / is ~1".to_owned()));
            None
        }
    }
}

/// The providers of `base` with those of `over`. One of the extended contract stays as it is:
/// another command, user or list of variables would be another source than the one that is trusted.
pub(super) fn merge(
    base: &mut Vec<At<Provider>>,
    over: &[At<Provider>],
    less: &mut dyn FnMut(u32, &str, &str, &str, &str),
) {
    let known = base.len();
    for at in over {
        match base.iter().take(known).find(|known| known.value.name == at.value.name) {
            None => base.push(*at),
            Some(known) => {
                for (key, new, old) in differences(&at.value, &known.value) {
                    less(at.line, key, at.value.name, &new, &old);
                }
            }
        }
    }
}

/// The keys in which two providers differ, with both values.
fn differences(new: &Provider, old: &Provider) -> Vec<(&'static str, String, String)> {
    let mut all = Vec::new();
    let mut differ = |key, differs: bool, new: String, old: String| {
        if differs {
            all.push((key, new, old));
        }
    };
    let program = |one: &Provider, instead: &str| {
        one.command.first().map_or(instead, |path| shown(path, instead)).to_owned()
    };
    let (one, two) = (program(new, "another"), program(old, "the one"));
    differ("command", new.command != old.command, one, two);
    let word = |one: &Provider| answer_word(one.answer).to_owned();
    differ("format", new.answer != old.answer, word(new), word(old));
    let differs = new.timeout != old.timeout;
    differ("timeout", differs, time_text(new.timeout), time_text(old.timeout));
    let differs = new.retries != old.retries;
    differ("retries", differs, new.retries.to_string(), old.retries.to_string());
    let names = |one: &Provider| {
        let lent = |lent: &Lent| match lent.keep {
            true => format!("{} (kept)", lent.name),
            false => lent.name.to_owned(),
        };
        format!("[{}]", one.environment.iter().map(lent).collect::<Vec<_>>().join(", "))
    };
    differ("environment", new.environment != old.environment, names(new), names(old));
    let user = |one: &Provider| one.user.unwrap_or("none").to_owned();
    differ("user", new.user != old.user, user(new), user(old));
    all
}

/// The word of an answer's form.
pub fn answer_word(answer: Answer) -> Str {
    ANSWER.iter().find(|(_, one)| *one == answer).map_or("raw", |&(word, _)| word)
}

/// The table of providers. What does not fit together goes into `problems`.
pub(super) fn compile(draft: &Draft, rows: &[&RowDraft], problems: &mut Problems) -> Vec<Provider> {
    let all = &draft.providers;
    if all.len() > MOST {
        problems.add(0, format!("more than {MOST} providers"));
    }
    for (place, at) in all.iter().enumerate() {
        let name = at.value.name;
        if all.iter().take(place).any(|other| other.value.name == name) {
            problems.add(at.line, format!("provider {name} stands here a second time"));
        }
    }
    let mut raw: Vec<(Str, Str)> = Vec::new();
    for row in rows {
        let mut wrong = |key, words: String| problems.add(row.line_of(key), words);
        let Some(name) = row.provider else {
            if row.pointer.is_some() {
                wrong("pointer", format!("{}: a pointer needs a provider", row.name));
            }
            continue;
        };
        if row.format.kind == Some(KindName::Mode) {
            wrong("provider", format!("{}: kind mode is known before any provider", row.name));
        }
        let Some(provider) = all.iter().map(|at| &at.value).find(|it| it.name == name) else {
            let near = problems.nearest(name, all.iter().map(|at| at.value.name));
            let hint = near.map(|near| format!("did you mean {near}?"));
            let words = format!("{}: {name} is no provider of the contract", row.name);
            problems.add_hint(row.line_of("provider"), words, hint);
            continue;
        };
        if row.pointer.is_some() && provider.answer != Answer::Json {
            wrong("pointer", format!("{}: provider {name} does not answer in json", row.name));
        }
        if provider.answer == Answer::Raw {
            match raw.iter().find(|(known, _)| *known == name) {
                Some((_, first)) => {
                    let words =
                        format!("provider {name} is raw and feeds {first} and {}", row.name);
                    wrong("provider", words);
                }
                None => raw.push((name, row.name)),
            }
        }
    }
    all.iter().take(MOST).map(|at| at.value).collect()
}

/// A row's provider by its index.
pub(super) fn fetch(row: &RowDraft, providers: &[At<Provider>]) -> Option<Fetch> {
    let place = providers.iter().position(|at| Some(at.value.name) == row.provider)?;
    let provider = ProviderId(u16::try_from(place).ok()?);
    Some(Fetch { provider, pointer: row.pointer })
}
