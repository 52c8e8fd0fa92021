//! The copy of the sources, and the programs made from it.

use crate::list::Mutant;
use crate::tree;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What is in the copy besides the sources.
const COPIED: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "README.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "LICENSE",
    "src",
    "tests",
    "packaging",
    "schemas",
];

/// Stands before the number in every program.
pub const MAGIC: &[u8; 16] = b"mutant switch :\n";

const SWITCH: &str = r#"
#[allow(unsafe_code, missing_docs)]
pub mod mutant_switch {
    use std::sync::atomic::{AtomicU32, Ordering};
    #[repr(C)]
    pub struct Switch { magic: [u8; 16], number: AtomicU32 }
    #[used]
    #[unsafe(no_mangle)]
    pub static MUTANT_SWITCH: Switch =
        Switch { magic: *b"mutant switch :\n", number: AtomicU32::new(0) };
    #[inline(never)]
    pub fn on() -> u32 { MUTANT_SWITCH.number.load(Ordering::Relaxed) }
}
"#;

/// Where everything is.
pub struct Place {
    pub repository: PathBuf,
    pub tree: PathBuf,
    pub target: PathBuf,
}

/// A program that a build made.
#[derive(Clone)]
pub struct Program {
    pub name: String,
    pub path: PathBuf,
}

fn write(path: &Path, content: &[u8]) {
    if fs::read(path).is_ok_and(|there| there == content) {
        return;
    }
    fs::create_dir_all(path.parent().expect("a directory")).expect("a directory is made");
    fs::write(path, content).unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
}

impl Place {
    /// Copies what differs, except for sources that get switches.
    fn copy(&self, from: &Path, switched: &BTreeSet<&str>) {
        let full = self.repository.join(from);
        if full.is_dir() {
            if from == Path::new("tests/mutants") || from.ends_with("target") {
                return;
            }
            for entry in fs::read_dir(&full).expect("a directory") {
                self.copy(&from.join(entry.expect("an entry").file_name()), switched);
            }
        } else if !switched.contains(from.to_str().expect("a name in UTF-8")) {
            let mut content = fs::read(&full).expect("a file");
            if from == Path::new("src/lib.rs") {
                content = self.library(&content);
            }
            let to = self.tree.join(from);
            write(&to, &content);
            fs::set_permissions(&to, fs::metadata(&full).expect("a file").permissions())
                .expect("permissions");
        }
    }

    fn library(&self, content: &[u8]) -> Vec<u8> {
        let text = String::from_utf8(content.to_vec()).expect("a source");
        // After the room's own words, which have to be first.
        let at = text.find("\npub mod").expect("a module");
        let (words, rest) = text.split_at(at);
        format!("{words}\n#![allow(warnings, clippy::all)]\n{SWITCH}{rest}").into_bytes()
    }

    /// Writes the tree with a switch for all mutants but those left out, which are returned together
    /// with those for which there can be no switch.
    pub fn switch(&self, mutants: &[Mutant], out: &BTreeSet<usize>) -> Layout {
        let mut layout =
            Layout { left: out.clone(), unviable: BTreeSet::new(), places: BTreeMap::new() };
        let files: BTreeSet<&str> = mutants.iter().map(|mutant| mutant.file.as_str()).collect();
        for part in COPIED {
            self.copy(Path::new(part), &files);
        }
        for file in files {
            let source = fs::read_to_string(self.repository.join(file)).expect("a source");
            let own: Vec<_> = mutants
                .iter()
                .enumerate()
                .filter(|(index, mutant)| mutant.file == file && !out.contains(&(index + 1)))
                .map(|(index, mutant)| (index + 1, mutant))
                .collect();
            let switched = tree::switch(&source, &own);
            layout.left.extend(switched.left);
            layout.places.insert(file.to_owned(), switched.places);
            write(&self.tree.join(file), switched.text.as_bytes());
        }
        layout
    }

    /// Writes one source with one mutant in it for good.
    pub fn apply(&self, mutant: &Mutant) {
        let mut source = fs::read_to_string(self.repository.join(&mutant.file)).expect("a source");
        let range = mutant.bytes(&source);
        source.replace_range(range, &format!(" {} ", mutant.replacement));
        write(&self.tree.join(&mutant.file), source.as_bytes());
    }

    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("cargo");
        command
            .current_dir(&self.tree)
            .env("CARGO_TARGET_DIR", &self.target)
            .args(arguments)
            .args(["--locked", "--offline", "--message-format=json"])
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Builds, or says which spans of which file are in the way.
    pub fn build(&self, arguments: &[&str]) -> Result<Vec<Program>, Vec<Value>> {
        let output = self.cargo(arguments).output().expect("cargo starts");
        let lines = output.stdout.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        let messages: Vec<Value> =
            lines.filter_map(|line| serde_json::from_slice(line).ok()).collect();
        if !output.status.success() {
            let errors = messages.iter().filter(|message| message["message"]["level"] == "error");
            return Err(errors.map(|message| message["message"].clone()).collect());
        }
        let program = |message: &Value| {
            let path = PathBuf::from(message["executable"].as_str()?);
            let kind = message["target"]["kind"][0].as_str()?.to_owned();
            let name = message["target"]["name"].as_str()?.to_owned();
            Some(Program { name: format!("{kind} {name}"), path })
        };
        Ok(messages.iter().filter_map(program).collect())
    }
}

/// Whether the compiler says that there is no default value, which it would say without a switch,
/// too.
pub fn is_without_default(error: &Value) -> bool {
    let message = error["message"].as_str().unwrap_or_default();
    error["code"]["code"] == "E0277" && message.contains("Default` is not")
}

/// What has a switch and where, and what has none.
pub struct Layout {
    pub left: BTreeSet<usize>,
    /// Of those left, the ones that no compiler takes.
    pub unviable: BTreeSet<usize>,
    places: BTreeMap<String, Vec<(std::ops::Range<usize>, usize)>>,
}

impl Layout {
    /// The mutants in whose text the errors stand; `None` where one stands elsewhere.
    pub fn blame(&self, errors: &[Value]) -> Option<BTreeSet<usize>> {
        let mut all = BTreeSet::new();
        for error in errors {
            let spans = error["spans"].as_array().cloned().unwrap_or_default();
            if spans.is_empty() {
                // "aborting due to 3 previous errors"
                continue;
            }
            let of = |primary: bool, inside: bool| -> BTreeSet<usize> {
                let mut found = BTreeSet::new();
                for span in spans.iter().filter(|span| !primary || span["is_primary"] == true) {
                    let file = span["file_name"].as_str().unwrap_or_default();
                    let number =
                        |key: &str| usize::try_from(span[key].as_u64().unwrap_or(0)).unwrap_or(0);
                    let (start, end) = (number("byte_start"), number("byte_end"));
                    for (range, mutant) in self.places.get(file).into_iter().flatten() {
                        let meets = match inside {
                            true => range.start <= start && end <= range.end,
                            false => range.start < end && start < range.end,
                        };
                        if meets {
                            found.insert(*mutant);
                        }
                    }
                }
                found
            };
            let ways = [(true, true), (false, true), (true, false), (false, false)];
            let found = ways.map(|(primary, inside)| of(primary, inside));
            let found = found.into_iter().find(|found| !found.is_empty()).unwrap_or_default();
            if found.is_empty() {
                eprintln!("{}", error["rendered"].as_str().unwrap_or_default());
                continue;
            }
            all.extend(found);
        }
        (!all.is_empty()).then_some(all)
    }
}
