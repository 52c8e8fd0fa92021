//! Ways through a tree of nodes, and the merge keys of YAML 1.1 (`<<: *default`).

use super::{Key, Node, Value};
use std::collections::BTreeSet;

impl Node {
    /// The entries of a mapping; of anything else none.
    pub fn entries(&self) -> &[(Key, Node)] {
        match &self.value {
            Value::Map(map) => map,
            _ => &[],
        }
    }

    /// The items of a list; of anything else none.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(list) => list,
            _ => &[],
        }
    }

    /// The entry of this key.
    pub fn entry(&self, name: &str) -> Option<&(Key, Node)> {
        self.entries().iter().find(|(key, _)| key.text == name)
    }

    /// What stands under this key.
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.entry(name).map(|(_, node)| node)
    }

    /// What stands at the end of this path of keys.
    pub fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, name| node.get(name))
    }

    /// The text, where it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text under this key.
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.get(name)?.text()
    }

    /// A scalar as the text that a tool makes of it: a number that is no integer as `0.0`, since
    /// its spelling is not kept, and nothing as nothing.
    pub fn scalar(&self) -> Option<String> {
        match &self.value {
            Value::Text(text) => Some(text.clone()),
            Value::Bool(word) => Some(word.to_string()),
            Value::Integer(number) => Some(number.to_string()),
            Value::OtherNumber => Some("0.0".to_owned()),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// Whether nothing stands there.
    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// The same tree with every merge key replaced by the entries it stands for; a mapping's own
    /// keys win over merged ones, an earlier merged mapping over a later one. Nodes are moved and
    /// never copied, so the tree does not grow.
    #[must_use]
    pub fn merged(self) -> Node {
        let Node { line, value, replaces } = self;
        let value = match value {
            Value::List(list) => Value::List(list.into_iter().map(Node::merged).collect()),
            Value::Map(map) => {
                let map = map.into_iter().map(|(key, node)| (key, node.merged()));
                let (merges, mut own): (Vec<_>, Vec<(Key, Node)>) =
                    map.partition(|(key, _)| key.text == "<<");
                let mut known = BTreeSet::new();
                if !merges.is_empty() {
                    known.extend(own.iter().map(|(key, _)| key.text.clone()));
                }
                for (_, node) in merges {
                    let maps = match node.value {
                        Value::List(list) => list,
                        _ => vec![node],
                    };
                    for map in maps {
                        let Value::Map(entries) = map.value else { continue };
                        for (key, node) in entries {
                            if known.insert(key.text.clone()) {
                                own.push((key, node));
                            }
                        }
                    }
                }
                Value::Map(own)
            }
            scalar => scalar,
        };
        Node { line, value, replaces }
    }
}

#[cfg(test)]
mod tests {
    use crate::yaml::{Dialect, Lines, documents};

    #[test]
    fn own_keys_win_over_merged_ones_and_earlier_over_later() {
        let text = "x: &x {a: x, b: x}\ny: &y {b: y, c: y}\nz:\n  c: z\n  <<: [*x, *y]\n  d: z\n";
        let (mut all, faults) = documents(text, Dialect::Deployment, Lines::Each, |_| "a key");
        assert!(faults.is_empty());
        let root = all.remove(0).merged();
        let entries = root.get("z").unwrap().entries();
        let found: Vec<_> = entries
            .iter()
            .map(|(key, node)| (key.text.as_str(), node.text().unwrap(), key.line))
            .collect();
        assert_eq!(found, [("c", "z", 4), ("d", "z", 6), ("a", "x", 1), ("b", "x", 1)]);
    }
}
