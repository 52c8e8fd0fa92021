//! The lists of tests/guards cannot rot: every row of SECURITY.md's tables has an entry, and what an
//! entry takes away is still there; every test of a row has failed without a guard of it. That it does
//! so still is seen by `tests/guards/run`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

const NO_FILE: &str = "`in` comes before lines";

/// A guard of a row, and how it is taken away.
#[derive(Default)]
struct Entry {
    list: String,
    row: String,
    without: String,
    edits: Vec<Edit>,
    /// Tests that were seen to fail.
    fails: Vec<String>,
}

/// Lines of a file, and what takes their place.
#[derive(Default)]
struct Edit {
    file: String,
    old: Vec<String>,
    new: Vec<String>,
}

fn text(path: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_else(|_| panic!("no {path}"))
}

fn entries() -> Vec<Entry> {
    let listed = std::fs::read_dir(Path::new(ROOT).join("tests/guards")).unwrap();
    let names = listed.map(|it| it.unwrap().file_name().into_string().unwrap());
    let names: BTreeSet<String> = names.filter(|name| name.ends_with(".guards")).collect();
    let mut entries: Vec<Entry> = Vec::new();
    for list in names {
        for line in text(&format!("tests/guards/{list}")).lines() {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            let rest = rest.to_owned();
            if word == "row" {
                entries.push(Entry { list: list.clone(), row: rest, ..Entry::default() });
                continue;
            }
            if matches!(word, "" | "#") {
                continue;
            }
            let entry = entries.last_mut().expect("`row` comes first");
            match word {
                "without" => entry.without = rest,
                "in" => entry.edits.push(Edit { file: rest, ..Edit::default() }),
                "-" => entry.edits.last_mut().expect(NO_FILE).old.push(rest),
                "+" => entry.edits.last_mut().expect(NO_FILE).new.push(rest),
                "fails" => entry.fails.push(rest),
                _ => panic!("{list}: no line of a list: {line}"),
            }
        }
    }
    entries
}

/// The rows of SECURITY.md's tables with the tests that they name.
fn rows() -> BTreeMap<String, BTreeSet<String>> {
    let security = text("SECURITY.md");
    let rows = security.lines().filter(|line| line.starts_with("| ") && line.contains(".rs::"));
    let row = |line: &str| {
        let tests = line.split('`').skip(1).step_by(2).filter(|quoted| quoted.contains(".rs::"));
        (line[2..].split(" | ").next().unwrap().to_owned(), tests.map(str::to_owned).collect())
    };
    rows.map(row).collect()
}

/// Lines without their indentation.
fn flat<'t>(lines: impl Iterator<Item = &'t str>) -> String {
    lines.map(str::trim_start).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_row_of_the_threats_tables_has_a_guard_and_every_guard_a_row() {
    let (rows, entries) = (rows(), entries());
    assert!(rows.len() > 90, "{} rows", rows.len());
    for row in rows.keys() {
        assert!(entries.iter().any(|it| it.row == *row), "tests/guards has nothing for: {row}");
    }
    for Entry { list, row, without, .. } in &entries {
        assert!(rows.contains_key(row), "{list}: SECURITY.md has no such row: {row}");
        assert!(!without.is_empty(), "{list}: what is removed of: {row}");
    }
}

#[test]
fn what_is_to_be_removed_stands_once_in_the_source() {
    for Entry { list, row, edits, .. } in entries() {
        assert!(!edits.is_empty(), "{list}: nothing is removed of: {row}");
        for Edit { file, old, new } in edits {
            assert!(!file.starts_with("tests/"), "{list}: {file} is no guard");
            let (source, wanted) = (text(&file), flat(old.iter().map(String::as_str)));
            let found = flat(source.lines()).matches(&wanted).count();
            assert_eq!(found, 1, "{list}: {file} has it {found} times: {old:?}");
            assert_ne!(old, new, "{list}: nothing is removed of: {row}");
        }
    }
}

#[test]
fn every_guard_was_missed_by_a_test_of_its_row() {
    let rows = rows();
    for Entry { list, row, without, fails, .. } in entries() {
        assert!(!fails.is_empty(), "{list}: no test was seen to fail without {without}: {row}");
        for test in fails {
            assert!(rows[&row].contains(&test), "{list}: {test} is none of the row's: {row}");
        }
    }
}

#[test]
fn every_test_of_the_threats_tables_was_seen_to_fail_without_a_guard_of_its_row() {
    let entries = entries();
    for (row, tests) in rows() {
        let of_row = || entries.iter().filter(|it| it.row == row);
        for test in tests {
            let seen = of_row().any(|it| it.fails.contains(&test));
            assert!(seen, "{test} was never seen to fail: {row}");
        }
    }
}

#[test]
fn the_figures_of_security_md_are_those_of_the_lists() {
    let (rows, entries) = (rows(), entries());
    let tests: BTreeSet<&String> = rows.values().flatten().collect();
    let seen: BTreeSet<&String> = entries.iter().flat_map(|it| &it.fails).collect();
    let said = format!(
        "{} guards of {} rows are listed, and {} of the {} tests that the tables name were seen to \
         fail",
        entries.len(),
        rows.len(),
        seen.len(),
        tests.len()
    );
    assert!(text("SECURITY.md").contains(&said), "SECURITY.md does not say: {said}");
}
