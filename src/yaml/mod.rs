//! YAML as a tree of nodes that know their lines, in two dialects: the narrow one of contracts,
//! and the one of deployment files, which have several documents, aliases, merge keys and tags.
//!
//! The parser tells a place only together with an error. So each scalar is put aside and then
//! refused: the refusal carries the place, and the parser has moved on by then. That gives exact
//! lines for everything that is wrong with a file, in one pass. An alias shows as a place that does
//! not lie after the one before it; where aliases are allowed, what it stands for keeps the line it
//! was written on.

mod tree;

use serde::de::{
    self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use std::cell::{Cell, RefCell};
use std::fmt::{self, Write};

/// Nodes a file may have, with those that aliases repeat.
const MOST_NODES: u32 = 400_000;
/// Levels a contract may have; the grammar needs 12.
const DEEPEST: u8 = 24;
/// Bytes one text of a contract may have.
const LONGEST: usize = 8 * 1024;
/// Bytes all texts together may have, with those that aliases repeat.
const MOST_TEXT: usize = 64 << 20;
/// Brackets that may be open at once before the parser is asked: it sees the depth too, but its
/// scanner takes time with the square of it before.
const MOST_OPEN: usize = 1000;

/// What is allowed beyond plain YAML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// One document, no alias, no tag, keys that are text, texts of at most 8 KiB.
    Contract,
    /// Documents, aliases, merge keys and tags, within the bounds. Numbers may be keys.
    Deployment,
}

/// Whether the line of each node is found out, which takes as long as all other reading together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// It is.
    Each,
    /// All nodes say line 1, until something is wrong and the text is read again: the words of what
    /// is wrong are without worth then. For a contract without an `&`: an alias shows by its place.
    None,
}

/// Something wrong in a line (0: in none that is known), in fixed words and names of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line.
    pub line: u32,
    /// What is wrong.
    pub words: String,
}

/// A node and the line (from 1) it begins on.
#[derive(Debug)]
pub struct Node {
    /// The line.
    pub line: u32,
    /// What it is.
    pub value: Value,
    /// Whether it is tagged to take the place of what it would be merged with: `!override`, or
    /// `!reset`, which leaves nothing (compose specification, section "Merge").
    pub replaces: bool,
}

impl Node {
    /// A node without a tag.
    pub fn new(line: u32, value: Value) -> Node {
        Node { line, value, replaces: false }
    }
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
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the file; no key occurs twice.
    Map(Vec<(Key, Node)>),
}

/// The key of a mapping.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its line.
    pub line: u32,
    /// Its text.
    pub text: String,
}

/// Reads the documents of a text. What is wrong comes with it; where the parser could not go on,
/// the documents before are there. `shown` says under which name a repeated key may be shown.
pub fn documents(
    text: &str,
    dialect: Dialect,
    lines: Lines,
    shown: fn(&str) -> &str,
) -> (Vec<Node>, Vec<Fault>) {
    let mut faults = Vec::new();
    let mut all = Vec::new();
    if let Some(line) = too_deep(text) {
        return (all, vec![Fault { line, words: "nested too deeply".to_owned() }]);
    }
    // Some editors begin a file with a byte order mark (YAML 1.2 section 5.2).
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let builder = Builder::new(dialect, lines, shown);
    let mut parser = serde_yaml::Deserializer::from_str(text);
    let read = |from: serde_yaml::Deserializer<'_>| {
        let result = Seed { builder: &builder, depth: 0 }.deserialize(from);
        // A document that is one scalar has been put aside like any other.
        result.or_else(|error| builder.scalar(error))
    };
    let mut keep = |result: Result<Node, serde_yaml::Error>| match result {
        Ok(node) => {
            all.push(node);
            true
        }
        Err(error) => {
            let line = error.location().map_or(0, |location| line_number(location.line()));
            // The parser's own words for syntax are fixed; those that serde makes of a value are
            // not let through.
            let words = builder.refusal.take().map(str::to_owned);
            faults.push(Fault { line, words: words.unwrap_or_else(|| syntax(&error.to_string())) });
            false
        }
    };
    match dialect {
        Dialect::Contract => _ = keep(read(parser)),
        Dialect::Deployment => while parser.next().is_some_and(|document| keep(read(document))) {},
    }
    faults.extend(builder.repeated.take());
    (all, faults)
}

/// The line in which more brackets are open than any file nests.
fn too_deep(text: &str) -> Option<u32> {
    let (mut open, mut line) = (0usize, 1u32);
    for byte in text.bytes() {
        match byte {
            b'\n' => line = line.saturating_add(1),
            b'[' | b'{' => open += 1,
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        if open > MOST_OPEN {
            return Some(line);
        }
    }
    None
}

/// The parser's words up to the place, which stands in front of them already.
fn syntax(words: &str) -> String {
    let words = words.split(" at line ").next().unwrap_or_default();
    // After the path of the key, serde repeats what it does not like.
    let of_value = words.contains("invalid value") || words.contains("invalid type");
    let known =
        !of_value && words.len() <= 80 && words.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
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

/// A tag that counts.
#[derive(Clone, Copy)]
enum Tag {
    Override,
    Reset,
}

impl Tag {
    fn of(text: &str) -> Option<Tag> {
        match text.trim_start_matches('!') {
            "override" => Some(Tag::Override),
            "reset" => Some(Tag::Reset),
            _ => None,
        }
    }

    fn on(self, node: Node) -> Node {
        let value = match self {
            Tag::Override => node.value,
            Tag::Reset => Value::Null,
        };
        Node { value, replaces: true, ..node }
    }
}

struct Builder {
    dialect: Dialect,
    lines: Lines,
    shown: fn(&str) -> &str,
    /// Bytes of all texts.
    bytes: Cell<usize>,
    /// Line and column of the last scalar.
    last: Cell<(u32, u32)>,
    nodes: Cell<u32>,
    /// The scalar put aside.
    scalar: RefCell<Option<Value>>,
    /// Its tag, where it is one that counts.
    tag: Cell<Option<Tag>>,
    /// Why the document is refused.
    refusal: RefCell<Option<&'static str>>,
    repeated: RefCell<Vec<Fault>>,
}

impl Builder {
    fn new(dialect: Dialect, lines: Lines, shown: fn(&str) -> &str) -> Self {
        Builder {
            dialect,
            lines,
            shown,
            bytes: Cell::new(0),
            last: Cell::new((0, 0)),
            nodes: Cell::new(0),
            scalar: RefCell::new(None),
            tag: Cell::new(None),
            refusal: RefCell::new(None),
            repeated: RefCell::new(Vec::new()),
        }
    }

    fn is_narrow(&self) -> bool {
        self.dialect == Dialect::Contract
    }

    /// Counts a node.
    fn count<E: de::Error>(&self) -> Result<(), E> {
        let nodes = self.nodes.get().saturating_add(1);
        self.nodes.set(nodes);
        if nodes > MOST_NODES { Err(self.refuse("too many values")) } else { Ok(()) }
    }

    fn refuse<E: de::Error>(&self, words: &'static str) -> E {
        self.refusal.borrow_mut().get_or_insert(words);
        E::custom("refused")
    }

    /// A scalar: put aside, where its place is wanted.
    fn take<E: de::Error>(&self, value: Value) -> Result<Node, E> {
        if self.lines == Lines::None {
            self.count()?;
            return Ok(Node::new(1, value));
        }
        self.scalar.replace(Some(value));
        Err(E::custom("aside"))
    }

    /// The scalar put aside and its place, or the error that is one.
    fn scalar<E: de::Error>(&self, error: E) -> Result<Node, E> {
        let Some(value) = self.scalar.take() else { return Err(error) };
        let mut words = String::with_capacity(256); // it need not grow, mostly
        _ = write!(words, "{error}");
        let tag = self.tag.take();
        let place = place(&words);
        self.count()?;
        if self.is_narrow() && place <= self.last.get() {
            return Err(self.refuse("aliases are not allowed in a contract"));
        }
        self.last.set(place);
        let node = Node::new(place.0, value);
        Ok(match tag {
            Some(tag) => tag.on(node),
            None => node,
        })
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
        self.builder.take(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Node, E> {
        self.builder.take(Value::Integer(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Node, E> {
        let value = i64::try_from(value).map_or(Value::OtherNumber, Value::Integer);
        self.builder.take(value)
    }

    fn visit_i128<E: de::Error>(self, _: i128) -> Result<Node, E> {
        self.builder.take(Value::OtherNumber)
    }

    fn visit_u128<E: de::Error>(self, _: u128) -> Result<Node, E> {
        self.builder.take(Value::OtherNumber)
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Node, E> {
        self.builder.take(Value::OtherNumber)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Node, E> {
        self.builder.take(Value::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Node, E> {
        self.builder.take(Value::Null)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Node, E> {
        let builder = self.builder;
        if builder.is_narrow() && text.len() > LONGEST {
            return Err(builder.refuse("a text of more than 8 KiB"));
        }
        builder.bytes.set(builder.bytes.get().saturating_add(text.len()));
        if builder.bytes.get() > MOST_TEXT {
            return Err(builder.refuse("too much text behind aliases"));
        }
        builder.take(Value::Text(text.to_owned()))
    }

    fn visit_enum<A: de::EnumAccess<'de>>(self, from: A) -> Result<Node, A::Error> {
        if self.builder.is_narrow() {
            return Err(self.builder.refuse("tags are not allowed in a contract"));
        }
        let (tag, inner) = from.variant::<String>()?;
        let Some(tag) = Tag::of(&tag) else { return inner.newtype_variant_seed(self) };
        let found = inner.newtype_variant_seed(self);
        if self.builder.scalar.borrow().is_some() {
            self.builder.tag.set(Some(tag));
        }
        found.map(|node| tag.on(node))
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
        Ok(Node::new(line, Value::List(list)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Node, A::Error> {
        let inner = self.deeper()?;
        let mut map: Vec<(Key, Node)> = Vec::new();
        let mut seen = std::collections::BTreeMap::new();
        loop {
            let key = match from.next_key_seed(inner) {
                Ok(Some(key)) if self.builder.lines == Lines::None => key,
                Ok(Some(_)) => return Err(self.builder.refuse("expected a name as key")),
                Ok(None) => break,
                Err(error) => self.builder.scalar(error)?,
            };
            let text = match key.value {
                Value::Text(text) => text,
                Value::Integer(number) if !self.builder.is_narrow() => number.to_string(),
                Value::Bool(word) if !self.builder.is_narrow() => word.to_string(),
                _ => return Err(self.builder.refuse("expected a name as key")),
            };
            let key = Key { line: key.line, text };
            let node = match from.next_value_seed(inner) {
                Ok(node) => node,
                Err(error) => self.builder.scalar(error)?,
            };
            match seen.insert(key.text.clone(), key.line) {
                Some(first) => {
                    let words = format!(
                        "{} stands here a second time; the first is in line {first}",
                        (self.builder.shown)(&key.text)
                    );
                    self.builder.repeated.borrow_mut().push(Fault { line: key.line, words });
                }
                None => map.push((key, node)),
            }
        }
        let line = map.first().map_or(self.builder.last.get().0.max(1), |(key, _)| key.line);
        Ok(Node::new(line, Value::Map(map)))
    }
}

impl Seed<'_> {
    /// The seed for what stands inside, within the bounds.
    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        // A contract needs 12 levels; a custom resource's schema has more.
        let deepest = if self.builder.is_narrow() { DEEPEST } else { DEEPEST * 4 };
        if self.depth >= deepest {
            return Err(self.builder.refuse("nested too deeply"));
        }
        self.builder.count()?;
        Ok(Seed { depth: self.depth + 1, ..self })
    }
}

#[cfg(test)]
mod tests;
