//! Readers of single nodes. Each says what it expected and never what it got.

use super::model::Str;
use super::name;
use super::node::{Key, Node, Value};
use super::problem::Problems;
use crate::output::escape;

/// Reads one node under a key.
pub type Reader<T> = fn(&Node, &str, &mut Problems) -> Option<T>;

/// The entries of a mapping, taken one by one.
pub struct Fields {
    line: u32,
    lines: Vec<(Str, u32)>,
    entries: Vec<(Key, Node)>,
}

impl Fields {
    /// The entries of `node`; a key that is not in `known` is a problem.
    pub fn of(node: Node, known: &[&str], problems: &mut Problems) -> Option<Fields> {
        let Value::Map(mut entries) = node.value else {
            problems.add(node.line, "expected a mapping");
            return None;
        };
        entries.retain(|(key, _)| {
            let found = known.contains(&key.text);
            if !found {
                let near = problems.nearest(key.text, known.iter().copied());
                let hint = match near {
                    Some(near) => format!("did you mean {near}?"),
                    None => format!("the keys here are {}", known.join(", ")),
                };
                let words = match name::is_variable(key.text) || name::is_word(key.text) {
                    true => format!("unknown key {}", key.text),
                    false => "unknown key".to_owned(),
                };
                problems.add_hint(key.line, words, Some(hint));
            }
            found
        });
        let lines = entries.iter().map(|(key, _)| (key.text, key.line)).collect();
        Some(Fields { line: node.line, lines, entries })
    }

    /// The keys with their lines.
    pub fn lines(&self) -> Vec<(Str, u32)> {
        self.lines.clone()
    }

    /// Whether the key stood there.
    pub fn had(&self, key: &str) -> bool {
        self.lines.iter().any(|(name, _)| *name == key)
    }

    /// Takes the value of `key`.
    pub fn take(&mut self, key: &str) -> Option<Node> {
        let at = self.entries.iter().position(|(name, _)| name.text == key)?;
        Some(self.entries.swap_remove(at).1)
    }

    /// The same, and a problem where it is absent.
    pub fn need(&mut self, key: &str, problems: &mut Problems) -> Option<Node> {
        let node = self.take(key);
        if node.is_none() {
            problems.add(self.line, format!("{key} is absent"));
        }
        node
    }

    /// Takes and reads the value of `key`.
    pub fn read<T>(&mut self, key: &str, one: Reader<T>, problems: &mut Problems) -> Option<T> {
        self.take(key).and_then(|node| one(&node, key, problems))
    }

    /// Takes the value of `key` as one of these words.
    pub fn read_one_of<T: Copy>(
        &mut self,
        key: &str,
        words: &[(&str, T)],
        problems: &mut Problems,
    ) -> Option<T> {
        self.take(key).and_then(|node| one_of(&node, key, words, problems))
    }
}

/// The elements of a list; none where it is absent.
pub fn list(node: Option<Node>, key: &str, problems: &mut Problems) -> Vec<Node> {
    match node {
        None => Vec::new(),
        Some(Node { value: Value::List(list), .. }) => list,
        Some(node) => {
            problems.add(node.line, format!("{key}: expected a list"));
            Vec::new()
        }
    }
}

/// The entries of a mapping with free keys; none where it is absent.
pub fn entries(node: Option<Node>, key: &str, problems: &mut Problems) -> Vec<(Key, Node)> {
    match node {
        None => Vec::new(),
        Some(Node { value: Value::Map(map), .. }) => map,
        Some(node) => {
            problems.add(node.line, format!("{key}: expected a mapping"));
            Vec::new()
        }
    }
}

/// Text that is not empty.
pub fn text(node: &Node, key: &str, problems: &mut Problems) -> Option<Str> {
    match node.value {
        Value::Text(text) if !text.is_empty() && !text.contains('\0') => Some(text),
        Value::Bool(_) | Value::Integer(_) | Value::OtherNumber => {
            let hint = Some("put it in quotes".to_owned());
            problems.add_hint(node.line, format!("{key}: expected text"), hint);
            None
        }
        _ => {
            problems.add(node.line, format!("{key}: expected text"));
            None
        }
    }
}

/// One line of prose, every character of which is seen as it is: it stands in comments of
/// skeletons and in tables.
pub fn line(node: &Node, key: &str, problems: &mut Problems) -> Option<Str> {
    let text = text(node, key, problems)?;
    if text.chars().any(char::is_control) {
        problems.add(node.line, format!("{key}: expected one line"));
        return None;
    }
    if escape(text) != text {
        let hint = Some("take out what has no width or turns the direction of text".to_owned());
        let words = format!("{key}: expected characters that are seen as they are");
        problems.add_hint(node.line, words, hint);
        return None;
    }
    Some(text)
}

/// `true` or `false`.
pub fn boolean(node: &Node, key: &str, problems: &mut Problems) -> Option<bool> {
    if let Value::Bool(value) = node.value {
        return Some(value);
    }
    problems.add(node.line, format!("{key}: expected true or false"));
    None
}

/// A whole number within these bounds.
pub fn integer(
    node: &Node,
    key: &str,
    least: i64,
    most: i64,
    problems: &mut Problems,
) -> Option<i64> {
    match node.value {
        Value::Integer(value) if (least..=most).contains(&value) => Some(value),
        _ if (least, most) == (i64::MIN, i64::MAX) => {
            problems.add(node.line, format!("{key}: expected a whole number"));
            None
        }
        _ => {
            let words = format!("{key}: expected a whole number from {least} to {most}");
            problems.add(node.line, words);
            None
        }
    }
}

/// One of these words.
pub fn one_of<T: Copy>(
    node: &Node,
    key: &str,
    words: &[(&str, T)],
    problems: &mut Problems,
) -> Option<T> {
    let text = if let Value::Text(text) = node.value { text } else { "" };
    word_of(text, node.line, key, words, problems)
}

/// The thing that `text` is the word of.
pub fn word_of<T: Copy>(
    text: &str,
    line: u32,
    key: &str,
    words: &[(&str, T)],
    problems: &mut Problems,
) -> Option<T> {
    let found = words.iter().find(|(word, _)| *word == text).map(|&(_, thing)| thing);
    if found.is_none() {
        let all: Vec<&str> = words.iter().map(|&(word, _)| word).collect();
        let near = problems.nearest(text, all.iter().copied());
        let near = near.map(|near| format!("did you mean {near}?"));
        problems.add_hint(line, format!("{key}: expected one of {}", all.join(", ")), near);
    }
    found
}

/// The name of an environment variable; `NEXIS_LAUNCH_*` is the launcher's own.
pub fn variable(node: &Node, key: &str, problems: &mut Problems) -> Option<Str> {
    match node.value {
        Value::Text(text) if text.starts_with("NEXIS_LAUNCH_") => {
            problems.add(node.line, format!("{key}: NEXIS_LAUNCH_* are the launcher's own names"));
            None
        }
        Value::Text(text) if name::is_variable(text) => Some(text),
        _ => {
            let hint = Some("letters, digits and _, not beginning with a digit".to_owned());
            problems.add_hint(node.line, format!("{key}: expected the name of a variable"), hint);
            None
        }
    }
}

/// A variable's name with an optional `*` at its end.
pub fn pattern(node: &Node, key: &str, problems: &mut Problems) -> Option<Str> {
    match node.value {
        Value::Text(text) if name::is_pattern(text) => Some(text),
        _ => {
            let words = format!("{key}: expected a name, with * at its end at most");
            problems.add(node.line, words);
            None
        }
    }
}

/// The name of a feature, class or contract.
pub fn word(node: &Node, key: &str, problems: &mut Problems) -> Option<Str> {
    match node.value {
        Value::Text(text) if name::is_word(text) => Some(text),
        _ => {
            problems.add(node.line, format!("{key}: expected a word of letters, digits and - _ ."));
            None
        }
    }
}

/// The name of a variable or feature, of which findings are.
pub fn word_or_variable(node: &Node, key: &str, problems: &mut Problems) -> Option<Str> {
    match node.value {
        Value::Text(text) if name::is_word(text) => Some(text),
        _ => variable(node, key, problems),
    }
}

/// A URL's scheme in lower case (RFC 3986 section 3.1).
pub fn scheme(node: &Node, key: &str, problems: &mut Problems) -> Option<Str> {
    let good = |text: &str| {
        text.len() <= 32
            && text.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
            && text.bytes().all(|b| {
                b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.')
            })
    };
    match node.value {
        Value::Text(text) if good(text) => Some(text),
        _ => {
            problems.add(node.line, format!("{key}: expected a scheme in lower case, without ://"));
            None
        }
    }
}

/// A path below a secrets directory.
pub fn relative_path(node: &Node, key: &str, problems: &mut Problems) -> Option<Str> {
    let good = |text: &str| {
        text.len() <= 255
            && !text.bytes().any(|b| b.is_ascii_control())
            // What begins with `..` is a volume's own in its directory (`..data`).
            && text.split('/').all(|part| !matches!(part, "" | ".") && !part.starts_with(".."))
    };
    match node.value {
        Value::Text(text) if good(text) => Some(text),
        _ => {
            let words =
                format!("{key}: expected a path relative to the secrets directory, without ..");
            problems.add(node.line, words);
            None
        }
    }
}
