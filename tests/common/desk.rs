//! A desk of whoever rotates keys: a ledger, its two keys and files of values, kept over several
//! commands.

use super::{HEX_KEY, Launch, OTHER, Outcome, SECRET, THIRD, find, forms};
use std::path::{Path, PathBuf};

/// The key of fingerprints.
const FINGERPRINT_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// The desk. Its files are `old`, `new` and `next` with values, `fingerprint.key`, `ledger.key`.
pub struct Desk {
    home: Launch,
}

impl Desk {
    /// One with an empty ledger.
    pub fn new() -> Desk {
        let home = Launch::new()
            .dir("ledger")
            .file("fingerprint.key", FINGERPRINT_KEY)
            .file("ledger.key", HEX_KEY)
            .file("old", SECRET)
            .file("new", format!("{OTHER}\n"))
            .file("next", THIRD);
        Desk { home }
    }

    /// A path on the desk.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.root().join(name)
    }

    /// The ledger's directory.
    pub fn ledger(&self) -> PathBuf {
        self.path("ledger")
    }

    /// A file of the ledger.
    pub fn file(&self, name: &str) -> PathBuf {
        self.ledger().join(format!("{name}.jsonl"))
    }

    /// Its text.
    pub fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap()
    }

    /// Writes a file on the desk.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    /// A command, to be run; `{home}` stands for the desk's directory.
    pub fn command<'w>(&self, words: impl IntoIterator<Item = &'w str>) -> Launch {
        let home = self.home.root().to_str().unwrap();
        let words: Vec<String> =
            words.into_iter().map(|word| word.replace("{home}", home)).collect();
        Launch::new()
            .args(words)
            .env("NEXIS_LAUNCH_LEDGER", self.ledger().to_str().unwrap())
            .env(
                "NEXIS_LAUNCH_FINGERPRINT_KEY_FILE",
                self.path("fingerprint.key").to_str().unwrap(),
            )
            .env("PATH", "/usr/bin:/bin")
            .canary(SECRET)
            .canary(OTHER)
            .canary(THIRD)
            .canary(FINGERPRINT_KEY)
            .canary(HEX_KEY)
    }

    /// A command with the ledger's key; options stand before `--` where there is one.
    pub fn keyed<'w>(&self, words: impl IntoIterator<Item = &'w str>) -> Launch {
        let key = self.path("ledger.key");
        self.command(words).options(["--ledger-key-file", key.to_str().unwrap()])
    }

    /// Runs it; whatever it came to, no value is in its outputs.
    pub fn run(&self, words: &[&str]) -> Outcome {
        let outcome = self.keyed(words.iter().copied()).run();
        outcome.no_canary().no_panic();
        outcome
    }

    /// Runs it and wants it done.
    pub fn done(&self, words: &[&str]) -> Outcome {
        let outcome = self.run(words);
        outcome.status(0);
        outcome
    }

    /// Runs it and wants it refused with this status, and nothing written.
    pub fn refused(&self, status: i32, words: &[&str]) -> Outcome {
        let before = contents(&self.ledger());
        let outcome = self.run(words);
        outcome.status(status).says("hint: ");
        assert_eq!(outcome.out(), "", "{outcome}");
        assert_eq!(contents(&self.ledger()), before, "something was written\n{outcome}");
        outcome
    }

    /// Registers `old`, made so many days ago.
    pub fn adopt(&self, name: &str, days: i32) -> Outcome {
        let file = self.path("old");
        let created = days_ago(days);
        let file = file.to_str().unwrap();
        self.done(&["rotate", "adopt", name, "--value-file", file, "--created", &created])
    }

    /// Begins a rotation to the value in a file of the desk.
    pub fn start(&self, name: &str, file: &str) -> Outcome {
        let file = self.path(file);
        self.done(&["rotate", "start", name, "--value-file", file.to_str().unwrap()])
    }

    /// Takes these steps, one after the other.
    pub fn steps(&self, name: &str, steps: &[&str]) {
        for step in steps {
            let more: &[&str] = if *step == "evidence" { &["--commit", "d41773f"] } else { &[] };
            self.done(&[&["rotate", step, name], more].concat());
        }
    }

    /// The ledger's head.
    pub fn head(&self) -> String {
        self.done(&["ledger", "head"]).out().trim_end().to_owned()
    }

    /// The record kinds of a name, in order.
    pub fn kinds(&self, name: &str) -> Vec<String> {
        let text = self.text(name);
        let kind = |line: &str| {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            record["kind"].as_str().unwrap().to_owned()
        };
        text.lines().map(kind).collect()
    }

    /// No form of a value stands in a file of the ledger.
    pub fn holds_no_value(&self) {
        for (path, content) in contents(&self.ledger()) {
            for value in [SECRET, OTHER, THIRD, FINGERPRINT_KEY, HEX_KEY] {
                for (form, text) in forms(value.as_bytes()) {
                    assert!(find(&content, &text).is_none(), "{form} in {}", path.display());
                }
            }
        }
    }
}

impl Default for Desk {
    fn default() -> Self {
        Self::new()
    }
}

/// The files of a directory, sorted.
fn contents(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(directory).into_iter().flatten();
    let mut files: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

fn day(days: i32) -> String {
    let today = jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::now()).date();
    today.checked_add(jiff::Span::new().days(days)).unwrap().to_string()
}

/// A day before today, in UTC.
pub fn days_ago(days: i32) -> String {
    day(-days)
}

/// A day after today.
pub fn days_ahead(days: i32) -> String {
    day(days)
}
