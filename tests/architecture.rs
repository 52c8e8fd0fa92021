//! What the architecture promises and a compiler does not hold: arrows between the rooms point one
//! way, `unsafe` stands in one room, files stay small, dependencies stay few, and every test that
//! SECURITY.md names exists.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Functions that any room may use: they put text together and write nothing.
const TEXT_ONLY: &[&str] = &["output::escape", "output::push_number"];

/// A source file: its path below the root, and its lines without comments, all of them and those
/// before the unit tests, which may use what they like.
struct Source {
    path: String,
    whole: String,
    code: String,
    lines: usize,
}

impl Source {
    /// The room it belongs to: `src/url/password.rs` and `src/url.rs` to `url`.
    fn room(&self) -> &str {
        let below = self.path.strip_prefix("src/").unwrap();
        below.split('/').next().unwrap().trim_end_matches(".rs")
    }

    fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }

    /// The rooms it uses.
    fn uses(&self) -> BTreeSet<&str> {
        let path = |text: &str| text.find([';', '(', ' ', ',', ')']).unwrap_or(text.len());
        let name = |text: &str| {
            text.find(|it: char| !it.is_ascii_alphanumeric() && it != '_').unwrap_or(text.len())
        };
        let paths = self.code.split("crate::").skip(1);
        let paths = paths.filter(|rest| !TEXT_ONLY.contains(&&rest[..path(rest)]));
        paths.map(|rest| &rest[..name(rest)]).filter(|name| !name.is_empty()).collect()
    }
}

/// Every file below `src`.
fn sources() -> Vec<Source> {
    let mut directories = vec![Path::new(ROOT).join("src")];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            match path.extension() {
                _ if path.is_dir() => directories.push(path),
                Some(extension) if extension == "rs" => files.push(path),
                _ => {}
            }
        }
    }
    files.sort();
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        let code = text.lines().map(|line| match line.trim_start() {
            comment if comment.starts_with("//") => "",
            _ => line,
        });
        let whole = code.collect::<Vec<_>>().join("\n");
        Source {
            path: path.strip_prefix(ROOT).unwrap().to_str().unwrap().to_owned(),
            code: whole.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned(),
            whole,
            lines: text.lines().count(),
        }
    };
    let all: Vec<Source> = files.iter().map(read).collect();
    assert!(all.len() > 50, "the walk through src found {} files", all.len());
    all
}

/// Per room the rooms it may not use; `*`: none at all.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("secret", &["*"]),
    ("mode", &["*"]),
    ("nearest", &["*"]),
    ("yaml", &["*"]),
    ("sys", &["*"]),
    ("error", &["*"]),
    ("cli", &["secret", "source", "sys", "settings", "contract", "resolve", "validate"]),
    ("settings", &["secret", "source", "sys", "contract", "resolve", "validate"]),
    (
        "contract",
        &["secret", "source", "provider", "resolve", "validate", "environment", "manifest"],
    ),
    ("finding", &["secret", "contract", "resolve", "validate", "environment", "manifest"]),
    ("source", &["provider", "resolve", "validate", "environment", "manifest", "exec", "settings"]),
    ("provider", &["resolve", "validate", "environment", "manifest", "exec", "audit"]),
    ("resolve", &["provider", "environment", "manifest", "exec", "sys", "needles"]),
    ("compose", &["source", "resolve", "environment", "manifest", "exec", "sys"]),
    ("url", &["source", "resolve", "environment", "manifest", "exec", "sys"]),
    ("validate", &["manifest", "exec", "sys", "explain"]),
    ("deployment", &["environment", "manifest", "exec", "sys", "needles"]),
    ("environment", &["manifest", "exec", "sys", "needles"]),
    ("needles", &["contract", "source", "resolve", "environment", "manifest", "sys"]),
    ("manifest", &["secret", "settings", "audit"]),
    ("exec", &["contract", "secret", "source", "resolve", "validate", "manifest"]),
    ("privileges", &["contract", "secret", "resolve", "validate", "environment", "manifest"]),
    ("health", &["secret", "settings", "source", "contract", "resolve", "manifest"]),
    ("output", &["secret", "contract", "source", "resolve", "environment"]),
    ("audit", &["secret", "contract", "source", "resolve", "environment"]),
    ("new_file", &["settings", "contract", "source", "resolve", "environment", "manifest"]),
    ("inspect", &["settings", "exec", "audit", "output", "log", "privileges", "deployment"]),
    ("ledger", &["secret", "source", "settings", "contract", "resolve", "validate", "rotate"]),
    ("rotate", &["secret", "source", "settings", "resolve", "validate", "sys"]),
    ("init", &["settings", "resolve", "environment", "manifest", "exec", "launch", "cli"]),
    ("mask", &["secret", "contract", "source", "resolve", "environment", "manifest", "settings"]),
    ("leak", &["settings", "resolve", "environment", "exec", "launch", "cli", "audit", "validate"]),
    ("report", &["secret", "contract", "source", "resolve", "environment", "sys"]),
    ("bytes", &["*"]),
    ("fingerprint", &["contract", "source", "settings", "resolve", "environment", "manifest"]),
    ("generate", &["source", "settings", "resolve", "environment", "manifest", "sys", "launch"]),
    ("log", &["secret", "contract", "source", "resolve", "environment", "manifest"]),
    ("own_name", &["secret", "source", "resolve", "environment", "manifest", "exec"]),
    ("explain", &["secret", "settings", "environment", "exec", "sys", "output"]),
    ("launch", &["command", "inspect", "leak", "init", "deployment", "explain"]),
    // It leads the others: which of them it calls is what a command is.
    ("command", &[]),
    ("lib", &["secret", "source", "resolve", "environment"]),
    ("main", &["*"]),
];

/// Rooms that read, judge or build: they know nothing of those that lead and write.
const INNER: &[&str] = &[
    "contract",
    "yaml",
    "deployment",
    "finding",
    "source",
    "provider",
    "resolve",
    "compose",
    "url",
    "validate",
    "environment",
    "needles",
    "exec",
    "fingerprint",
    "generate",
    "privileges",
    "ledger",
    "rotate",
    "mask",
];
/// What leads and writes.
const OUTER: &[&str] =
    &["audit", "cli", "command", "launch", "log", "output", "own_name", "report"];

#[test]
fn arrows_between_rooms_point_one_way() {
    let all = sources();
    for source in all.iter().filter(|source| !source.is_test()) {
        let room = source.room();
        let own = FORBIDDEN.iter().find(|(name, _)| *name == room);
        let own = own.unwrap_or_else(|| panic!("{}: no rule for its room", source.path)).1;
        let outer = if INNER.contains(&room) { OUTER } else { &[] };
        // `command` stands above all the others; only the library's root calls it.
        let top: &[&str] = if room == "lib" { &[] } else { &["command"] };
        for used in source.uses().into_iter().filter(|used| *used != room) {
            let wrong = own == ["*"] || [own, outer, top].iter().any(|list| list.contains(&used));
            assert!(!wrong, "{} may not use {used}", source.path);
        }
        assert!(!source.code.contains("use crate::{"), "{}: one room a line", source.path);
    }
    for room in FORBIDDEN.iter().map(|(room, _)| room).chain(INNER).chain(OUTER) {
        assert!(all.iter().any(|source| source.room() == *room), "there is no room {room}");
    }
}

/// The files that look into a `Secret`. One more is a decision: whoever adds a line here has seen to
/// it that nothing of the value gets into a message, a record or a file that others can read.
const EXPOSES: &[&str] = &[
    "src/command/generate.rs",
    "src/command/respond.rs",
    "src/command/rotate/check.rs",
    "src/command/rotate/given.rs",
    "src/command/rotate/mod.rs",
    "src/command/trace.rs",
    "src/deployment/env_template.rs",
    "src/deployment/model.rs",
    "src/deployment/project.rs",
    "src/deployment/values.rs",
    "src/environment.rs",
    "src/fingerprint.rs",
    "src/generate.rs",
    "src/generate/platform.rs",
    "src/generate/rule.rs",
    "src/init/mod.rs",
    "src/inspect/compare.rs",
    "src/inspect/process.rs",
    "src/launch.rs",
    "src/launch/ledger.rs",
    "src/launch/masked.rs",
    "src/launch/provided.rs",
    "src/ledger/writer.rs",
    "src/manifest/build.rs",
    "src/needles.rs",
    "src/needles/stream.rs",
    "src/new_file.rs",
    "src/provider/answer.rs",
    "src/provider/json.rs",
    "src/provider/mod.rs",
    "src/resolve/mod.rs",
    "src/resolve/mode.rs",
    "src/secret.rs",
    "src/source/accounts.rs",
    "src/source/reader.rs",
    "src/url/display.rs",
    "src/url/password.rs",
    "src/validate/accept.rs",
    "src/validate/format.rs",
    "src/validate/rows.rs",
    "src/validate/urls.rs",
];

#[test]
fn a_secret_is_looked_into_in_the_listed_files_alone() {
    let all = sources();
    let exposes = all.iter().filter(|it| !it.is_test() && has(&it.code, "expose("));
    let found: BTreeSet<&str> = exposes.map(|source| source.path.as_str()).collect();
    assert_eq!(found, EXPOSES.iter().copied().collect());
}

/// Whether the word stands in the text by itself.
fn has(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        !before.is_some_and(|it| it.is_ascii_alphanumeric() || it == '_')
    })
}

#[test]
fn rooms_keep_to_their_tools() {
    let everywhere: &[&str] = &["set_var(", "remove_var(", "HashMap", "process::exit"];
    let pure: &[&str] = &["std::env::var", "std::fs::", "File::open", "std::process"];
    let values: &[&str] = &["serde", "clap::", "envy::", "tracing::"];
    for source in sources().iter().filter(|source| !source.is_test()) {
        let room = source.room();
        let mut words = everywhere.to_vec();
        if ["cli", "resolve", "validate", "environment", "compose", "url", "needles", "secret"]
            .contains(&room)
        {
            words.extend(pure);
        }
        // What holds a value is never handed to a library that prints what it does not like.
        if [
            "source",
            "provider",
            "resolve",
            "validate",
            "environment",
            "compose",
            "url",
            "needles",
            "secret",
        ]
        .contains(&room)
        {
            words.extend(values);
        }
        for word in words {
            assert!(!has(&source.code, word), "{} may not have {word}", source.path);
        }
    }
}

#[test]
fn unsafe_code_and_the_system_stand_in_one_room() {
    let words = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern", "#[unsafe("];
    let all = sources();
    for source in all.iter().filter(|source| source.room() != "sys") {
        for word in words.iter().chain(&["allow(unsafe_code", "nix::", "libc::"]) {
            assert!(!has(&source.whole, word), "{} may not have {word}", source.path);
        }
    }
    let own = all.iter().filter(|source| source.room() == "sys");
    assert!(own.into_iter().any(|source| has(&source.whole, "unsafe {")), "the search finds none");
}

/// What holds a gateway's names: the built-in contract and the table made from it.
const OF_THE_GATEWAY: &[&str] = &["src/contract/builtin.rs"];
/// Where the built-in contract is called by its name, and no more is known of it than that.
const NAMES_THE_BUILT_IN: &[&str] =
    &["src/contract/builtin.rs", "src/contract/load.rs", "src/contract/mod.rs", "src/cli.rs"];

#[test]
fn nothing_of_one_program_stands_outside_the_built_in_contract() {
    let contract = &nexis_launch::contract::builtin::CONTRACT;
    let mut words: BTreeSet<&str> = contract.names.iter().map(|known| known.name).collect();
    words.extend(contract.not_read.iter().map(|known| known.name.trim_end_matches('*')));
    words.extend(contract.burnt.iter().map(|burnt| burnt.value));
    // Every program's mode may be said by it (interface, `--mode`).
    words.remove("NEXIS_ENV");
    assert!(words.len() > 100, "{} words", words.len());
    let mut seen = 0;
    for source in sources().iter().filter(|source| !source.is_test()) {
        let named = NAMES_THE_BUILT_IN.contains(&&*source.path);
        assert!(named || !source.code.contains("nexis-gateway"), "{}: its name", source.path);
        if OF_THE_GATEWAY.contains(&&*source.path) {
            seen += 1;
            assert!(words.iter().any(|word| source.code.contains(word)), "the search finds none");
            continue;
        }
        for word in &words {
            assert!(!has_word(&source.code, word), "{} may not have {word}", source.path);
        }
    }
    assert_eq!(seen, OF_THE_GATEWAY.len());
}

/// Whether the word stands in the text with no letter, digit or underscore beside it.
fn has_word(text: &str, word: &str) -> bool {
    let joins = |it: char| it.is_ascii_alphanumeric() || it == '_';
    text.match_indices(word).any(|(at, _)| {
        let (before, after) =
            (text[..at].chars().next_back(), text[at + word.len()..].chars().next());
        !before.is_some_and(joins) && !after.is_some_and(joins)
    })
}

#[test]
fn no_source_file_is_over_500_lines() {
    for source in sources() {
        // The built-in contract's table is printed from its YAML; nobody reads it.
        let most = if source.path == "src/contract/builtin.rs" { 1000 } else { 500 };
        assert!(source.lines <= most, "{} has {} lines", source.path, source.lines);
    }
}

#[test]
fn fewer_than_60_packages_are_in_the_launcher() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--edges", "normal", "--prefix", "none", "--offline", "--locked"])
        .current_dir(ROOT)
        .output()
        .unwrap();
    let text = String::from_utf8(tree.stdout).unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let packages: BTreeSet<_> = text.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    let packages: BTreeSet<_> = packages.iter().filter(|line| !line.is_empty()).collect();
    assert!(packages.len() > 10, "{text}");
    assert!(packages.len() < 60, "{} packages: {packages:?}", packages.len());
}

/// The tests named in SECURITY.md, as file and function.
fn named_tests(text: &str) -> Vec<(String, String)> {
    let quoted = text.split('`').skip(1).step_by(2);
    let named = quoted.filter_map(|it| it.split_once(".rs::"));
    named.map(|(file, test)| (format!("{file}.rs"), test.to_owned())).collect()
}

#[test]
fn every_test_that_security_md_and_its_detail_name_exists() {
    let read = |name: &str| std::fs::read_to_string(Path::new(ROOT).join(name)).unwrap();
    let named = named_tests(&[read("SECURITY.md"), read("tests/README.md")].concat());
    assert!(named.len() > 30, "only {} tests are named", named.len());
    for (file, test) in named {
        let path = Path::new(ROOT).join(&file);
        let code = std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("there is no {file}"));
        let at = code.find(&format!("fn {test}("));
        let at = at.unwrap_or_else(|| panic!("{file} has no test {test}"));
        // A helper guards nothing: the function has to be a test.
        let before = code[..at].trim_end();
        let attributes = before.rfind('}').map_or(before, |end| &before[end..]);
        assert!(attributes.contains("#[test]"), "{file}: {test} is no test");
    }
}

#[test]
fn every_row_of_the_threats_table_names_a_test() {
    let text = std::fs::read_to_string(Path::new(ROOT).join("SECURITY.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ---"));
    let mut count = 0;
    for row in rows.filter(|row| !row.starts_with("| What goes wrong")) {
        assert!(row.contains(".rs::"), "no test guards: {row}");
        count += 1;
    }
    assert!(count > 25, "the table has {count} rows");
}
