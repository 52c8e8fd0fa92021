//! The reading of deployment files: it ends, says nothing of a value, and says where.

use super::decode::{CANARY, Input, MARK, without_mark};
use super::launch::said;
use super::world::Directory;
use nexis_launch::contract::builtin::CONTRACT;
use nexis_launch::deployment;
use nexis_launch::report::deployment::{Held, Report};
use std::path::PathBuf;

const NAMES: [&str; 8] = [
    "compose.yaml",
    "pod.yaml",
    "gateway.service",
    "10-more.conf",
    ".env",
    "list.json",
    "other",
    "second.yaml",
];
/// What ends before a value that is a secret's.
const BEFORE: [&[u8]; 6] = [b"SECRET", b"secret", b"PASSWORD", b"_KEY", b"value", b"_key"];

pub fn hold(bytes: &[u8]) {
    let mut input = Input(bytes);
    let mode = input.byte();
    let directory = Directory::new();
    let mut paths: Vec<PathBuf> = Vec::new();
    while input.has_more() && paths.len() < 3 {
        let name = input.one_of(&NAMES);
        let path = directory.write(name, &with_canary(input.piece()));
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    // The command line takes one file at least.
    if paths.is_empty() {
        return;
    }
    let mode: Option<&[u8]> = match mode % 4 {
        0 => None,
        1 => Some(b"development"),
        2 => Some(b"staging"),
        _ => Some(b"production"),
    };
    let found = match deployment::check(&CONTRACT, mode, &paths) {
        Ok(found) => found,
        Err(errors) => {
            assert!(!errors.is_empty());
            for error in errors {
                assert!(matches!(error.status.number(), 65 | 66), "{}", error.message);
                let hint = error.hint.unwrap_or_default();
                said("an error", &format!("{}\n{hint}", error.message));
            }
            return;
        }
    };
    for located in &found.findings {
        assert!(located.at.file < found.files.len());
    }
    let held = Held { name: CONTRACT.name, origin: "builtin".to_owned(), sha256: CONTRACT.sha256 };
    let report = Report::new(held, &found);
    let (text, json) = (report.text(), report.json());
    said("the text", &text);
    said("the JSON", &json);
    said("SARIF", &report.sarif());
    said("workflow commands", &report.github());
    let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let count = value["findings"].as_array().map(Vec::len);
    assert_eq!(count, Some(found.findings.len()), "{json}");
    let lines = text.lines().filter(|line| line.starts_with("    hint: ")).count();
    assert_eq!(lines, found.findings.len());
}

/// The canary in the place of each mark behind what makes it a secret's value; nothing where it
/// stands in some form without a mark, and so where nobody calls it a secret.
fn with_canary(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    if without_mark(bytes).is_empty() {
        return out;
    }
    for &byte in bytes {
        if byte != MARK {
            out.push(byte);
            continue;
        }
        let line = out.rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
        let before = line.trim_ascii_end();
        let before = before.strip_suffix(b"\"").unwrap_or(before);
        let before = before.strip_suffix(b"=").or_else(|| before.strip_suffix(b":"));
        if before.is_some_and(|before| BEFORE.iter().any(|end| before.ends_with(end))) {
            out.extend_from_slice(CANARY.as_bytes());
        }
    }
    out
}
