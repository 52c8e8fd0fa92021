//! YAML as a tree of nodes that know their lines.
//!
//! The parser tells a place only together with an error. So each scalar is put aside and then
//! refused: the refusal carries the place, and the parser has moved on by then. That gives exact
//! lines for everything that is wrong with a contract, in one pass. An alias shows as a place
//! that does not lie after the one before it.

use super::model::Str;
use super::problem::Problems;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::cell::{Cell, RefCell};
use std::fmt;

/// Nodes a file may have.
const MOST_NODES: u32 = 100_000;
/// Levels a file may have; the grammar needs 12.
const DEEPEST: u8 = 24;
/// Bytes one text may have.
const LONGEST: usize = 8 * 1024;

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
pub fn parse(text: &str, problems: &mut Problems) -> Option<Node> {
    let builder = Builder::default();
    let result =
        Seed { builder: &builder, depth: 0 }.deserialize(serde_yaml::Deserializer::from_str(text));
    for (line, words) in builder.repeated.take() {
        problems.add(line, words);
    }
    match result {
        Ok(node) => Some(node),
        Err(_) if builder.scalar.take().is_some() => {
            problems.add(1, "expected a mapping");
            None
        }
        Err(error) => {
            let line = error.location().map_or(0, |location| line_number(location.line()));
            match builder.refusal.take() {
                Some(refusal) => problems.add(line, refusal),
                // The parser's own words for syntax are fixed; those that serde makes of a value
                // are not reached, because no value is ever given a type here.
                None => problems.add(line, syntax(&error.to_string())),
            }
            None
        }
    }
}

/// The parser's words up to the place, which stands in front of them already.
fn syntax(words: &str) -> String {
    let words = words.split(" at line ").next().unwrap_or_default();
    let known = words.len() <= 80 && words.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
    if words.contains("more than one document") {
        "expected one document".to_owned()
    } else if words.contains("recursion limit") {
        "nested too deeply".to_owned()
    } else if known {
        format!("not valid YAML: {words}")
    } else {
        "not valid YAML".to_owned()
    }
}

fn line_number(line: usize) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX)
}

#[derive(Default)]
struct Builder {
    /// Line and column of the last scalar.
    last: Cell<(u32, u32)>,
    nodes: Cell<u32>,
    /// The scalar put aside.
    scalar: RefCell<Option<Value>>,
    /// Why the document is refused.
    refusal: RefCell<Option<&'static str>>,
    repeated: RefCell<Vec<(u32, String)>>,
}

impl Builder {
    fn refuse<E: de::Error>(&self, words: &'static str) -> E {
        self.refusal.borrow_mut().get_or_insert(words);
        E::custom("refused")
    }

    fn aside<E: de::Error>(&self, value: Value) -> E {
        self.scalar.replace(Some(value));
        E::custom("aside")
    }

    /// The scalar put aside and its place, or the error that is one.
    fn scalar<E: de::Error>(&self, error: E) -> Result<Node, E> {
        let Some(value) = self.scalar.take() else { return Err(error) };
        let place = place(&error.to_string());
        if place <= self.last.get() {
            return Err(self.refuse("aliases are not allowed in a contract"));
        }
        self.last.set(place);
        Ok(Node { line: place.0, value })
    }
}

/// Line and column at the end of an error's text; the parser leaves the first place out.
fn place(words: &str) -> (u32, u32) {
    let at = words.rsplit(" at line ").next().and_then(|rest| {
        let (line, column) = rest.split_once(" column ")?;
        Some((line.parse().ok()?, column.parse().ok()?))
    });
    at.unwrap_or((1, 1))
}

#[derive(Clone, Copy)]
struct Seed<'b> {
    builder: &'b Builder,
    depth: u8,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Node;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Node, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Node, E> {
        Err(self.builder.aside(Value::Bool(value)))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Node, E> {
        Err(self.builder.aside(Value::Integer(value)))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Node, E> {
        let value = i64::try_from(value).map_or(Value::OtherNumber, Value::Integer);
        Err(self.builder.aside(value))
    }

    fn visit_i128<E: de::Error>(self, _: i128) -> Result<Node, E> {
        Err(self.builder.aside(Value::OtherNumber))
    }

    fn visit_u128<E: de::Error>(self, _: u128) -> Result<Node, E> {
        Err(self.builder.aside(Value::OtherNumber))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Node, E> {
        Err(self.builder.aside(Value::OtherNumber))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Node, E> {
        Err(self.builder.aside(Value::Null))
    }

    fn visit_none<E: de::Error>(self) -> Result<Node, E> {
        Err(self.builder.aside(Value::Null))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Node, E> {
        if text.len() > LONGEST {
            return Err(self.builder.refuse("a text of more than 8 KiB"));
        }
        Err(self.builder.aside(Value::Text(text.to_owned().leak())))
    }

    fn visit_enum<A: de::EnumAccess<'de>>(self, _: A) -> Result<Node, A::Error> {
        Err(self.builder.refuse("tags are not allowed in a contract"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Node, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        loop {
            match from.next_element_seed(inner) {
                Ok(Some(node)) => list.push(node),
                Ok(None) => break,
                Err(error) => list.push(self.builder.scalar(error)?),
            }
        }
        let line = list.first().map_or(self.builder.last.get().0.max(1), |node| node.line);
        Ok(Node { line, value: Value::List(list) })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Node, A::Error> {
        let inner = self.deeper()?;
        let mut map: Vec<(Key, Node)> = Vec::new();
        let mut seen = std::collections::BTreeMap::new();
        loop {
            let key = match from.next_key_seed(inner) {
                Ok(Some(_)) => return Err(self.builder.refuse("expected a name as key")),
                Ok(None) => break,
                Err(error) => self.builder.scalar(error)?,
            };
            let Value::Text(text) = key.value else {
                return Err(self.builder.refuse("expected a name as key"));
            };
            let key = Key { line: key.line, text };
            let node = match from.next_value_seed(inner) {
                Ok(node) => node,
                Err(error) => self.builder.scalar(error)?,
            };
            match seen.insert(text, key.line) {
                Some(first) => {
                    let words = format!(
                        "{} stands here a second time; the first is in line {first}",
                        super::name::shown(text, "a key")
                    );
                    self.builder.repeated.borrow_mut().push((key.line, words));
                }
                None => map.push((key, node)),
            }
        }
        let line = map.first().map_or(self.builder.last.get().0.max(1), |(key, _)| key.line);
        Ok(Node { line, value: Value::Map(map) })
    }
}

impl Seed<'_> {
    /// The seed for what stands inside, within the bounds.
    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        let nodes = self.builder.nodes.get().saturating_add(1);
        self.builder.nodes.set(nodes);
        if self.depth >= DEEPEST {
            return Err(self.builder.refuse("nested too deeply"));
        }
        if nodes > MOST_NODES {
            return Err(self.builder.refuse("too many values for a contract"));
        }
        Ok(Seed { depth: self.depth + 1, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::Path;

    fn lines(node: &Node, found: &mut Vec<u32>) {
        match &node.value {
            Value::List(list) => list.iter().for_each(|node| lines(node, found)),
            Value::Map(map) => map.iter().for_each(|(key, node)| {
                found.push(key.line);
                lines(node, found);
            }),
            _ => found.push(node.line),
        }
    }

    #[test]
    fn every_scalar_knows_its_line() {
        let text = "a: 1\nb:\n  - x\n  - {c: true,\n     d: ~}\n\ne: |\n  long\n  text\nf: 1.5\n";
        let mut problems = Problems::default();
        let mut found = Vec::new();
        lines(&parse(text, &mut problems).unwrap(), &mut found);
        assert_eq!(found, [1, 1, 2, 3, 4, 4, 5, 5, 7, 7, 10, 10]);
        assert!(problems.verdict(Path::new("x")).is_ok());
    }

    proptest! {
        /// Whatever stands in a file: no panic, and lines that exist, in order.
        #[test]
        fn any_text_is_read_or_refused(text in "[a\\-:\\[\\]{}&*!|>'\"#, \n?~1.%é]{0,60}") {
            let mut problems = Problems::default();
            match parse(&text, &mut problems) {
                None => prop_assert!(problems.verdict(Path::new("x")).is_err()),
                Some(root) => {
                    let mut found = Vec::new();
                    lines(&root, &mut found);
                    prop_assert!(found.is_sorted(), "{found:?}");
                    let most = text.lines().count().max(1) + 1;
                    prop_assert!(found.iter().all(|&line| line >= 1 && line as usize <= most));
                }
            }
        }
    }
}
