//! packaging/contracts/REFERENCE.md explains the grammar that the schema and the launcher have: every
//! key in its section, and examples that pass `contract lint`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::Launch;

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The page's headings, and where the schema has the keys that the first table below each explains.
const SECTIONS: &[(&str, &str)] = &[
    ("The file", ""),
    ("A variable or a part", "/$defs/row"),
    ("A refused value", "/$defs/row/properties/rejects/items"),
    ("A generator", "/$defs/row/properties/generate"),
    ("A format", "/$defs/format"),
    ("A condition", "/$defs/condition"),
    ("A feature", "/properties/features/items"),
    ("A rule", "/properties/rules/items"),
    ("A name that is not read", "/properties/not_read/items"),
    ("A provider", "/$defs/provider"),
    ("A lent variable", "/$defs/provider/properties/environment/items"),
    ("A policy", "/properties/policy"),
    ("An acknowledged warning", "/properties/policy/properties/acknowledge/items"),
];

fn read(name: &str) -> String {
    std::fs::read_to_string(format!("{}/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn page() -> String {
    read("packaging/contracts/REFERENCE.md")
}

/// Every object of the schema that has keys: where it stands, and its keys with what is said of
/// them. Alternatives of one place are one object. What only restricts (`if`, `not`) has no keys of
/// its own.
fn objects() -> BTreeMap<String, BTreeMap<String, Value>> {
    fn walk(node: &Value, place: &str, found: &mut BTreeMap<String, BTreeMap<String, Value>>) {
        if let Some(keys) = node.get("properties").and_then(Value::as_object) {
            let known = found.entry(place.to_owned()).or_default();
            known.extend(keys.iter().map(|(key, what)| (key.clone(), what.clone())));
            for (key, what) in keys {
                walk(what, &format!("{place}/properties/{key}"), found);
            }
        }
        for key in ["items", "additionalProperties"] {
            if node[key].is_object() {
                walk(&node[key], &format!("{place}/{key}"), found);
            }
        }
        for key in ["oneOf", "anyOf", "allOf"] {
            for one in node[key].as_array().into_iter().flatten() {
                if one.get("if").is_none() {
                    walk(one, place, found);
                }
            }
        }
        for (key, what) in node["$defs"].as_object().into_iter().flatten() {
            walk(what, &format!("{place}/$defs/{key}"), found);
        }
    }
    let schema: Value = serde_json::from_str(&read("schemas/contract.schema.json")).unwrap();
    let mut found = BTreeMap::new();
    walk(&schema, "", &mut found);
    found
}

/// The rows of the first table below a heading, as cells.
fn table(page: &str, heading: &str) -> Vec<Vec<String>> {
    let mut lines = page.lines();
    lines
        .find(|line| line.starts_with('#') && line.trim_start_matches('#').trim() == heading)
        .unwrap_or_else(|| panic!("the page has no section {heading}"));
    let rows = lines.take_while(|line| !line.starts_with('#'));
    let rows = rows.skip_while(|line| !line.starts_with("| --- ")).skip(1);
    let rows = rows.take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split(" | ").map(|it| it.trim().to_owned()).collect())
        .collect()
}

#[test]
fn the_page_explains_every_key_of_the_schema_in_its_section_and_no_other() {
    let (page, objects) = (page(), objects());
    let places: BTreeSet<&str> = SECTIONS.iter().map(|&(_, place)| place).collect();
    let known: BTreeSet<&str> = objects.keys().map(String::as_str).collect();
    assert_eq!(places, known, "each object of the schema has a section");
    for (heading, place) in SECTIONS {
        let rows = table(&page, heading);
        let keys: Vec<&str> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
        let set: BTreeSet<&str> = keys.iter().copied().collect();
        assert_eq!(set.len(), keys.len(), "{heading}: a key stands there twice");
        let expected: BTreeSet<&str> = objects[*place].keys().map(String::as_str).collect();
        assert_eq!(set, expected, "{heading}");
        // Key, type and default, what it does, an example.
        for row in &rows {
            assert!(
                row.len() == 4 && row.iter().all(|cell| !cell.is_empty()),
                "{heading}: {row:?}"
            );
        }
    }
}

/// Each key stands on the page in the place that it has among its neighbours in the schema.
#[test]
fn the_page_has_the_order_of_the_schema() {
    let (page, schema) = (page(), read("schemas/contract.schema.json"));
    let row = &schema[schema.find("\n    \"row\": {").unwrap()..];
    let format = &schema[schema.find("\n    \"format\": {").unwrap()..];
    for (heading, text, indent) in
        [("The file", &*schema, 4), ("A variable or a part", row, 8), ("A format", format, 8)]
    {
        let place = |row: &Vec<String>| {
            let key = format!("\n{}\"{}\": {{", " ".repeat(indent), row[0].trim_matches('`'));
            text.find(&key).unwrap_or_else(|| panic!("{heading}: {}", row[0]))
        };
        let places: Vec<usize> = table(&page, heading).iter().map(place).collect();
        assert!(places.is_sorted(), "{heading}: {places:?}");
    }
}

#[test]
fn every_property_of_the_schema_is_described() {
    let mut count = 0;
    for (place, keys) in objects() {
        for (key, what) in keys {
            let said = what["description"].as_str().unwrap_or_default();
            assert!(said.ends_with('.') && said.len() > 10, "{place}: {key}: {said:?}");
            count += 1;
        }
    }
    assert!(count > 80, "the walk through the schema found {count} properties");
}

#[test]
fn every_example_of_the_page_passes_lint() {
    let page = page();
    let examples: Vec<&str> =
        page.split("\n```yaml\n").skip(1).map(|it| it.split("\n```").next().unwrap()).collect();
    assert!(examples.len() >= 9, "{} examples", examples.len());
    for example in examples {
        let linted = Launch::command("contract", ["lint", "{root}/example.yaml"])
            .file("example.yaml", example)
            .run();
        linted.status(0);
        assert_eq!((linted.out(), linted.err()), (String::new(), String::new()), "{example}");
    }
}

/// What editors make of a page's example by the schema: to YAML's core schema `0123` is a number.
#[test]
fn every_example_of_the_page_is_valid_by_the_schema_and_has_no_number_for_a_text() {
    let schema = serde_json::from_str(&read("schemas/contract.schema.json")).unwrap();
    let schema = jsonschema::draft202012::new(&schema).unwrap();
    let page = page();
    let examples = page.split("\n```yaml\n").skip(1).map(|it| it.split("\n```").next().unwrap());
    for example in examples {
        let value: Value = serde_yaml::from_str(example).unwrap();
        assert!(schema.is_valid(&value), "{example}");
        for key in ["value: ", "default: ", "prefix: ", "equals: ", "contains: "] {
            let mut after = example.split(key).skip(1);
            assert!(!after.any(|it| it.starts_with(|c: char| c.is_ascii_digit())), "{example}");
        }
    }
}

/// In a whole contract, or beside what is said of it.
#[test]
fn every_key_stands_in_an_example() {
    let page = page();
    let examples: String =
        page.split("\n```yaml\n").skip(1).map(|it| it.split("\n```").next().unwrap()).collect();
    for (heading, _) in SECTIONS {
        for row in table(&page, heading) {
            let key = row[0].trim_matches('`');
            let used = |text: &str| text.contains(&format!("{key}:"));
            assert!(used(&examples) || used(&row[3]), "{heading}: {key}");
        }
    }
}
