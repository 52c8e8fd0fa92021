//! The YAML of a contract, its texts for as long as the process lives.

use super::model::Str;
use super::name;
use super::problem::Problems;
use crate::yaml::{self, Dialect, Lines};

/// A node and the line (from 1) it begins on.
#[derive(Debug)]
pub struct Node {
    /// The line.
    pub line: u32,
    /// What it is.
    pub value: Value,
}

/// What a node is.
#[derive(Debug)]
pub enum Value {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    OtherNumber,
    /// Text.
    Text(Str),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the file; no key occurs twice.
    Map(Vec<(Key, Node)>),
}

/// The key of a mapping.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its line.
    pub line: u32,
    /// Its text.
    pub text: Str,
}

/// Reads one YAML document. `None` where it is none, with the reason in `problems`.
pub fn parse(text: &str, lines: Lines, problems: &mut Problems) -> Option<Node> {
    let (all, faults) =
        yaml::documents(text, Dialect::Contract, lines, |key| name::shown(key, "a key"));
    let root = all.into_iter().next();
    if let Some(yaml::Node { value: yaml::Value::List(_) | yaml::Value::Map(_), .. }) | None = root
    {
        faults.into_iter().for_each(|fault| problems.add(fault.line, fault.words));
        return root.map(lasting);
    }
    problems.add(1, "expected a mapping");
    None
}

/// The same node with texts that are never freed, as the compiled-in contract's are not.
fn lasting(node: yaml::Node) -> Node {
    let value = match node.value {
        yaml::Value::Null => Value::Null,
        yaml::Value::Bool(word) => Value::Bool(word),
        yaml::Value::Integer(number) => Value::Integer(number),
        yaml::Value::OtherNumber => Value::OtherNumber,
        yaml::Value::Text(text) => Value::Text(text.leak()),
        yaml::Value::List(list) => Value::List(list.into_iter().map(lasting).collect()),
        yaml::Value::Map(map) => {
            let key = |key: yaml::Key| Key { line: key.line, text: key.text.leak() };
            Value::Map(map.into_iter().map(|(name, node)| (key(name), lasting(node))).collect())
        }
    };
    Node { line: node.line, value }
}
