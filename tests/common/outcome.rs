//! What a launch came to, and what can be asserted about it.

use super::{Launch, Root, Stream, find, forms, spawn};
use serde_json::Value;
use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Arc;

/// What a launch came to.
pub struct Outcome {
    /// The exit status, unless a signal ended it.
    pub status: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: Vec<u8>,
    /// The id that the launcher had.
    pub pid: i32,
    root: Arc<Root>,
    witnessed: bool,
    canaries: Vec<Vec<u8>>,
    before: Vec<(PathBuf, Vec<u8>)>,
}

/// What the witness found.
pub struct Seen {
    /// Its whole record.
    pub record: Value,
    /// The environment's entries in their order.
    pub environment: Vec<Vec<u8>>,
    /// The arguments.
    pub argv: Vec<Vec<u8>>,
}

fn unhex(value: &Value) -> Vec<Vec<u8>> {
    fn decode(text: &str) -> Vec<u8> {
        let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
        (0..text.len()).step_by(2).map(byte).collect()
    }
    value.as_array().unwrap().iter().map(|it| decode(it.as_str().unwrap())).collect()
}

impl Seen {
    /// The value of a variable.
    ///
    /// # Panics
    /// Where the name occurs twice.
    pub fn var(&self, name: &str) -> Option<Vec<u8>> {
        let prefix = [name.as_bytes(), b"="].concat();
        let mut found = self.environment.iter().filter_map(|entry| entry.strip_prefix(&prefix[..]));
        let value = found.next().map(<[u8]>::to_vec);
        assert!(found.next().is_none(), "{name} reached the program twice");
        value
    }

    /// The value of a variable as text.
    pub fn text(&self, name: &str) -> Option<String> {
        self.var(name).map(|value| String::from_utf8(value).expect("UTF-8"))
    }

    /// The names in their order.
    pub fn names(&self) -> Vec<String> {
        let name = |entry: &Vec<u8>| {
            let name = entry.split(|byte| *byte == b'=').next().unwrap();
            String::from_utf8_lossy(name).into_owned()
        };
        self.environment.iter().map(name).collect()
    }
}

impl Outcome {
    pub(super) fn new(
        launch: &Launch,
        pid: i32,
        status: ExitStatus,
        before: Vec<(PathBuf, Vec<u8>)>,
    ) -> Self {
        let captured = |number: usize| match launch.streams[number] {
            Stream::Capture => {
                std::fs::read(launch.root.path().join(format!("io/{number}"))).unwrap()
            }
            _ => Vec::new(),
        };
        Outcome {
            status: status.code(),
            signal: status.signal(),
            stdout: captured(1),
            stderr: captured(2),
            pid,
            root: Arc::clone(&launch.root),
            witnessed: launch.args.iter().any(|arg| arg == "{dump}"),
            canaries: launch.canaries.clone(),
            before,
        }
    }

    /// The test's directory.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// A file below the test's directory.
    pub fn read(&self, path: &str) -> String {
        let path = self.root.path().join(path);
        let bytes = std::fs::read(&path).unwrap_or_else(|it| panic!("{}: {it}", path.display()));
        String::from_utf8(bytes).expect("UTF-8")
    }

    /// Standard output as text.
    pub fn out(&self) -> String {
        String::from_utf8(self.stdout.clone()).expect("UTF-8 on standard output")
    }

    /// Standard error as text.
    pub fn err(&self) -> String {
        String::from_utf8(self.stderr.clone()).expect("UTF-8 on standard error")
    }

    /// Every manifest in the text, in order.
    pub fn manifests_in(text: &str) -> Vec<Value> {
        text.lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|it| it["schema"] == "nexis-launch/manifest/v1")
            .collect()
    }

    /// The first JSON manifest on standard error, else on standard output.
    pub fn manifest(&self) -> Value {
        let mut all = Self::manifests_in(&String::from_utf8_lossy(&self.stderr));
        all.extend(Self::manifests_in(&String::from_utf8_lossy(&self.stdout)));
        assert!(!all.is_empty(), "no manifest\n{self}");
        all.swap_remove(0)
    }

    /// A variable's entry in the manifest.
    pub fn variable(&self, name: &str) -> Value {
        let manifest = self.manifest();
        let entry = manifest["variables"].as_array().unwrap().iter().find(|it| it["name"] == name);
        entry.unwrap_or_else(|| panic!("{name} is not in the manifest\n{self}")).clone()
    }

    /// The findings as `(code, severity, variable)`, the variable empty where there is none.
    pub fn findings(&self) -> Vec<(String, String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let manifest = self.manifest();
        let findings = manifest["findings"].as_array().unwrap().iter();
        findings
            .map(|it| (text(&it["code"]), text(&it["severity"]), text(&it["variable"])))
            .collect()
    }

    /// The one finding of this code and variable.
    pub fn finding_entry(&self, code: &str, variable: &str) -> Value {
        let manifest = self.manifest();
        let matches = |it: &&Value| {
            it["code"] == code && it["variable"].as_str().unwrap_or_default() == variable
        };
        let findings = manifest["findings"].as_array().unwrap();
        let found: Vec<_> = findings.iter().filter(matches).collect();
        assert_eq!(found.len(), 1, "not one finding {code} of {variable:?}\n{self}");
        found[0].clone()
    }

    // Assertions; each returns the outcome so that they can be written in a row.

    /// It ended by itself with this status.
    pub fn status(&self, status: i32) -> &Self {
        assert_eq!((self.status, self.signal), (Some(status), None), "\n{self}");
        self
    }

    /// There is a finding of this code and variable (empty: of none).
    pub fn finding(&self, code: &str, variable: &str) -> &Self {
        self.finding_entry(code, variable);
        self
    }

    /// There is such a finding and it is an error.
    pub fn error(&self, code: &str, variable: &str) -> &Self {
        let entry = self.finding_entry(code, variable);
        assert_eq!(entry["severity"], "error", "{code} of {variable:?}\n{self}");
        self
    }

    /// There is such a finding and it is a warning.
    pub fn warning(&self, code: &str, variable: &str) -> &Self {
        let entry = self.finding_entry(code, variable);
        assert_eq!(entry["severity"], "warning", "{code} of {variable:?}\n{self}");
        self
    }

    /// There is no finding of this code, for any variable.
    pub fn no_finding(&self, code: &str) -> &Self {
        assert!(self.findings().iter().all(|it| it.0 != code), "finding {code}\n{self}");
        self
    }

    /// There is no finding of severity error.
    pub fn no_errors(&self) -> &Self {
        assert!(self.findings().iter().all(|it| it.1 != "error"), "an error\n{self}");
        self
    }

    /// Exactly these findings are errors, in any order.
    pub fn only_errors(&self, expected: &[(&str, &str)]) -> &Self {
        let mut errors: Vec<_> = self
            .findings()
            .into_iter()
            .filter(|it| it.1 == "error")
            .map(|it| (it.0, it.2))
            .collect();
        errors.sort();
        let mut expected: Vec<_> =
            expected.iter().map(|it| (it.0.to_owned(), it.1.to_owned())).collect();
        expected.sort();
        assert_eq!(errors, expected, "\n{self}");
        self
    }

    /// Standard error holds this text.
    pub fn says(&self, text: &str) -> &Self {
        assert!(find(&self.stderr, text.as_bytes()).is_some(), "{text:?} is not said\n{self}");
        self
    }

    /// Neither output holds this text.
    pub fn never_says(&self, text: &str) -> &Self {
        for output in [&self.stdout, &self.stderr] {
            assert!(find(output, text.as_bytes()).is_none(), "{text:?} is said\n{self}");
        }
        self
    }

    /// The witness was asked for and did not start.
    pub fn program_did_not_run(&self) -> &Self {
        assert!(self.witnessed, "the test did not ask for the witness, so this shows nothing");
        assert!(!self.root.dump().exists(), "the program ran\n{self}");
        self
    }

    /// What the witness found.
    pub fn seen(&self) -> Seen {
        let text = std::fs::read_to_string(self.root.dump())
            .unwrap_or_else(|_| panic!("the program did not run\n{self}"));
        let record: Value = serde_json::from_str(&text).expect("the witness' record");
        Seen { environment: unhex(&record["environment"]), argv: unhex(&record["argv"]), record }
    }

    /// No form of a canary stands in an output or in a file that was made or changed, the witness'
    /// own record aside.
    pub fn no_canary(&self) -> &Self {
        assert!(!self.canaries.is_empty(), "no canary was registered");
        let outputs: Vec<(String, Vec<u8>)> = spawn::contents(self.root.path())
            .into_iter()
            .filter(|(path, _)| *path != self.root.dump())
            .filter(|file| !self.before.contains(file))
            .map(|(path, content)| (path.display().to_string(), content))
            .collect();
        for canary in &self.canaries {
            for (form, text) in forms(canary) {
                for (place, content) in &outputs {
                    assert!(find(content, &text).is_none(), "a canary's {form} in {place}\n{self}");
                }
            }
        }
        self
    }

    /// No word of a panic.
    pub fn no_panic(&self) -> &Self {
        for word in ["panicked", "RUST_BACKTRACE=1", "internal error"] {
            self.never_says(word);
        }
        assert!(self.status != Some(70) && self.status != Some(101), "a fault\n{self}");
        self
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "status {:?}, signal {:?}", self.status, self.signal)?;
        writeln!(f, "--- stdout\n{}", String::from_utf8_lossy(&self.stdout))?;
        write!(f, "--- stderr\n{}", String::from_utf8_lossy(&self.stderr))
    }
}
