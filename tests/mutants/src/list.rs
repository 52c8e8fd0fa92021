//! What `cargo mutants --list --json` says.

use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::Range;

/// One change to one source.
pub struct Mutant {
    /// The words that name it, without the place in the file, which moves.
    pub name: String,
    pub file: String,
    pub replacement: String,
    start: (usize, usize),
    end: (usize, usize),
}

impl Mutant {
    /// Where it stands in its source.
    pub fn bytes(&self, source: &str) -> Range<usize> {
        offset(source, self.start)..offset(source, self.end)
    }

    /// The first line of it.
    pub fn line(&self) -> usize {
        self.start.0
    }
}

/// The offset of a line and a column, both of which begin at one.
fn offset(source: &str, (line, column): (usize, usize)) -> usize {
    let start: usize = source.split_inclusive('\n').take(line - 1).map(str::len).sum();
    start + source[start..].chars().take(column - 1).map(char::len_utf8).sum::<usize>()
}

/// Reads the list.
pub fn read(json: &str) -> Vec<Mutant> {
    let list: Vec<Value> = serde_json::from_str(json).expect("a list of mutants");
    let mut mutants: Vec<Mutant> = list.iter().map(mutant).collect();
    // Lines move; of several with the same words in a file the place among them does not.
    let mut seen = BTreeMap::new();
    for mutant in &mut mutants {
        let count = seen.entry(mutant.name.clone()).or_insert(0);
        *count += 1;
        if *count > 1 {
            mutant.name.push_str(&format!(" ({count})"));
        }
    }
    mutants
}

fn mutant(value: &Value) -> Mutant {
    let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let place = |end: &str| {
        let number = |key: &str| {
            let number = value["span"][end][key].as_u64().expect("a place");
            usize::try_from(number).expect("a place in a file")
        };
        (number("line"), number("column"))
    };
    let (file, start) = (text("file"), place("start"));
    // "src/url/mod.rs:12:5: replace …"
    let name = text("name");
    let words = name.split_once(": ").map_or(name.as_str(), |(_, words)| words);
    Mutant {
        name: format!("{file}: {words}"),
        file,
        replacement: text("replacement"),
        start,
        end: place("end"),
    }
}
