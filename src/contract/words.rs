//! What a row demands, in words. Pure; the same words stand in documents and skeletons.

use super::model::{Condition, Contract, FinalNewline, Kind, List, Row, Test};
use super::name;
use crate::mode::{Mode, Modes};

/// `a`, `a and b`, `a, b and c`.
pub fn and(words: &[String]) -> String {
    join(words, "and")
}

/// A list with this word before the last.
fn join(words: &[String], last_word: &str) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} {last_word} {last}", all.join(", ")),
    }
}

/// The modes by name.
pub fn modes(modes: Modes) -> String {
    if modes == Modes::ALL {
        return "every mode".to_owned();
    }
    let names: Vec<String> = modes.iter().map(|mode| mode.name().to_owned()).collect();
    and(&names)
}

/// When the row is required: `in production`, `while feature x is on`; `no` otherwise.
pub fn required(contract: &Contract, row: &Row) -> String {
    let mut when = Vec::new();
    if !row.required.is_empty() {
        when.push(format!("in {}", modes(row.required)));
    }
    if let Some(condition) = &row.required_when {
        when.push(format!("when {}", self::condition(contract, condition)));
    }
    if let Some(feature) = row.feature.and_then(|id| contract.features.get(usize::from(id.0))) {
        when.push(format!("while feature {} is on", feature.name));
    }
    if when.is_empty() { "no".to_owned() } else { when.join("; ") }
}

/// A condition as a clause.
pub fn condition(contract: &Contract, condition: &Condition) -> String {
    let each = |list: &List<Condition>, word: &str| {
        let clauses: Vec<String> = list
            .iter()
            .map(|one| match one {
                Condition::Any(_) | Condition::All(_) => {
                    format!("({})", self::condition(contract, one))
                }
                _ => self::condition(contract, one),
            })
            .collect();
        clauses.join(&format!(" {word} "))
    };
    match condition {
        Condition::Any(list) => each(list, "or"),
        Condition::All(list) => each(list, "and"),
        Condition::Not(inner) => format!("not ({})", self::condition(contract, inner)),
        Condition::Test(row, test) => {
            let name = contract.row(*row).name;
            match test {
                Test::Is(true) => format!("{name} is on"),
                Test::Is(false) => format!("{name} is off"),
                Test::Set(true) => format!("{name} is set"),
                Test::Set(false) => format!("{name} is not set"),
                Test::Equals(text) => format!("{name} is {}", quoted(text)),
                Test::Contains(text) => format!("{name} contains {}", quoted(text)),
                Test::OneOf(list) => {
                    let words: Vec<String> = list.iter().map(|text| quoted(text)).collect();
                    format!("{name} is {}", join(&words, "or"))
                }
            }
        }
    }
}

/// Text of a contract on one line, in double quotes.
pub fn quoted(text: &str) -> String {
    format!("{text:?}")
}

/// What a value has to look like: `a URL with scheme https`, `at least 32 bytes`.
pub fn format(row: &Row) -> String {
    let format = &row.format;
    let list = |list: &List<&str>| {
        let words: Vec<String> = list.iter().map(|&word| word.to_owned()).collect();
        join(&words, "or")
    };
    let mut words = vec![match format.kind {
        Kind::Text { single_line: true } => "one line of text".to_owned(),
        Kind::Text { single_line: false } => "text".to_owned(),
        Kind::Ascii => "printable ASCII without space".to_owned(),
        Kind::Hex { bytes: Some(bytes) } => {
            format!("exactly {} hex digits", bytes.saturating_mul(2))
        }
        Kind::Hex { bytes: None } => "hex digits".to_owned(),
        Kind::Base64 { bytes: Some(bytes) } => format!("base64 of exactly {bytes} bytes"),
        Kind::Base64 { bytes: None } => "base64".to_owned(),
        Kind::Url { schemes, loopback_schemes, user_info } => {
            let mut words = "a URL".to_owned();
            if !schemes.is_empty() {
                words.push_str(&format!(" with scheme {}", list(&schemes)));
            }
            if !loopback_schemes.is_empty() {
                words.push_str(&format!(" ({} on loopback only)", list(&loopback_schemes)));
            }
            if !user_info {
                words.push_str(", without user info");
            }
            words
        }
        Kind::Flag => "a flag, delivered as true or false".to_owned(),
        Kind::Integer { min: i64::MIN, max: i64::MAX } => "a whole number".to_owned(),
        Kind::Integer { min, max: i64::MAX } => format!("a whole number from {min}"),
        Kind::Integer { min: i64::MIN, max } => format!("a whole number to {max}"),
        Kind::Integer { min, max } => format!("a whole number from {min} to {max}"),
        Kind::SocketAddress => "IP:port or [IPv6]:port, no host name".to_owned(),
        Kind::Origins => "a comma list of scheme://host[:port], or *".to_owned(),
        Kind::LogFilter => "error, warn, info, debug, trace or filter directives".to_owned(),
        Kind::Enum { values } => format!("one of {}", list(&values).escape_debug()),
        Kind::ModeName => {
            let names: Vec<String> = Mode::ALL.iter().map(|mode| mode.name().to_owned()).collect();
            join(&names, "or")
        }
    }];
    if let Some(least) = format.min_bytes {
        words.push(format!("at least {least} bytes"));
    }
    if let Some(most) = format.max_bytes {
        words.push(format!("at most {most} bytes"));
    }
    if let Some(prefix) = format.prefix {
        words.push(format!("beginning with {}", quoted(prefix)));
    }
    words.join(", ")
}

/// What becomes of a file's final newline, where it is not taken off as usual.
pub fn final_newline(row: &Row) -> Option<&'static str> {
    match row.final_newline {
        FinalNewline::Strip => None,
        FinalNewline::Keep => Some("part of the value"),
        FinalNewline::RefuseNewline => Some("refused"),
    }
}

/// The file name that skeletons use: the first of the contract's own that every platform takes (as
/// a key of a Secret, a name of compose and of a credential), else the runtime name in lower case
/// with hyphens.
pub fn file_name(row: &Row) -> String {
    let portable = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let own = row.files.iter().find(|name| name.bytes().all(portable));
    let [_, kebab] = name::spellings(row.name);
    own.map_or(kebab, |&name| name.to_owned())
}

/// The rows whose values the row's template takes.
pub fn parts(contract: &Contract, row: &Row) -> Vec<&'static str> {
    let template = row.template.as_ref();
    let parts = template.into_iter().flat_map(|template| template.parts);
    parts.map(|&part| contract.row(part).name).collect()
}
