//! What a provider answered, and the values in it.

use super::json::{self, NoNode, Node};
use crate::contract::model::{Answer, Fetch, Row};
use crate::finding::Trouble;
use crate::secret::Secret;
use crate::source::file::{NEWLINE, VALUE_LIMIT};
use crate::source::{Entry, parse_env_file};

/// The most bytes of an answer that holds several values.
const ANSWER_LIMIT: usize = 1024 * 1024;

/// The most bytes of an answer of this form.
pub(super) fn limit(form: Answer) -> usize {
    match form {
        // The newline is taken off later, as a file's.
        Answer::Raw => VALUE_LIMIT + NEWLINE,
        Answer::Json | Answer::Dotenv => ANSWER_LIMIT,
    }
}

/// An answer that is taken apart.
pub(super) enum Parsed<'a> {
    Raw(&'a Secret),
    Json(Node<'a>),
    Lines(Vec<Entry>),
}

/// Takes an answer apart.
pub(super) fn parse(form: Answer, answer: &Secret) -> Result<Parsed<'_>, Trouble> {
    if answer.is_blank() {
        return Err(Trouble::Empty);
    }
    match form {
        Answer::Raw => Ok(Parsed::Raw(answer)),
        Answer::Json => json::parse(answer.expose()).map(Parsed::Json).ok_or(Trouble::NotJson),
        Answer::Dotenv => match parse_env_file(answer.expose()) {
            (_, wrong) if !wrong.is_empty() => {
                Err(Trouble::NotALine(wrong.first().map_or(1, |wrong| wrong.line)))
            }
            (lines, _) if lines.is_empty() => Err(Trouble::Empty),
            (lines, _) => Ok(Parsed::Lines(lines)),
        },
    }
}

impl Parsed<'_> {
    /// The value of a row, if the answer has one: in JSON at its pointer, else under its own name,
    /// else under the first of its aliases that is there.
    pub(super) fn value(&self, row: &Row, fetch: Fetch) -> Result<Option<Secret>, Trouble> {
        let mut names = std::iter::once(row.name).chain(row.aliases.iter().copied());
        match self {
            Parsed::Raw(answer) => Ok(Some(answer.duplicate())),
            Parsed::Lines(lines) => Ok(names.find_map(|name| {
                // The last of several, as in an env file.
                let line = lines.iter().rev().find(|line| line.name == name);
                line.map(|line| line.value.duplicate())
            })),
            Parsed::Json(root) => {
                let found = match fetch.pointer {
                    Some(pointer) => root.at(pointer),
                    None if !matches!(root, Node::Map(_)) => return Err(Trouble::NotText),
                    None => names
                        .map(|name| root.member(name.as_bytes()))
                        .find(|found| !matches!(found, Err(NoNode::Absent)))
                        .unwrap_or(Err(NoNode::Absent)),
                };
                match found {
                    Ok(Node::Null) => Ok(None),
                    Ok(node) => node.text().map(Some).ok_or(Trouble::NotText),
                    Err(NoNode::Twice) => Err(Trouble::Twice),
                    // A pointer is meant to lead somewhere.
                    Err(NoNode::Absent) if fetch.pointer.is_some() => Err(Trouble::Nothing),
                    Err(NoNode::Absent) => Ok(None),
                }
            }
        }
    }
}
