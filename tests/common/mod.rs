//! The harness of the integration tests: starts the real binary in a directory of its own, with an
//! environment that holds what the test says and nothing else.
//!
//! ```ignore
//! Launch::witness(["--mode", "production"])
//!     .file("secrets/jwt_secret", SECRET)
//!     .env("JWT_SECRET_FILE", "{root}/secrets/jwt_secret")
//!     .run()
//!     .status(0);
//! ```
//!
//! In arguments and values `{root}` stands for the test's directory, `{dump}` for the file that the
//! witness writes, `{witness}` for the witness and `{bin}` for its directory. The working directory
//! is `{root}/work`. Secrets directories that a test does not name are an empty one.

#![allow(dead_code, reason = "each test file uses another part")]
#![allow(unused_imports, reason = "each test file uses another part")]
#![allow(unsafe_code, reason = "a child is prepared through C interfaces")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod attacker;
mod desk;
mod faults;
mod forms;
mod installed;
mod outcome;
mod providers;
mod spawn;
mod volume;

pub use attacker::{ATTACKER, Attacker, as_attacker, exchange, pipe, two_users};
pub use desk::{Desk, days_ago, days_ahead};
pub use faults::{
    Case, Fault, Tally, all, each, each_call_fails, each_call_of_fails, strace, tell,
};
pub use forms::forms;
pub use installed::{free_port, installed, is_root, postgresql, runs_as_root, skipped};
pub use outcome::{Outcome, Seen};
pub use providers::{left, provider};
pub use spawn::{Descriptor, Root, Running, Stream, spawn, wait_for};
pub use volume::{KEYS, marked, publish};

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A secret that raises no finding: 43 characters of base64url, as a generator makes them.
pub const SECRET: &str = "kZ3vQ9xLw7TnB2yHc5RfJ8mUe1PaGd6SoXi4VqWtYb0";
/// A second one.
pub const OTHER: &str = "Wm4Rk8ZtQe1YxUc6LvPb3NgHa9JsDf7OiTq2EwKzMy5";
/// A third one.
pub const THIRD: &str = "pH7dKs2WqZ9nVx4TbRj6LcYf1GmEu8AoI3tNkQyXw5M";
/// A key of 64 hex digits that raises no finding.
pub const HEX_KEY: &str = "9c1f7ae20b64d835f0c2e7196ab84d53710fe9b2c86d3a4507b9f1e3a2d84c6b";

/// A launch to be made.
#[derive(Clone)]
pub struct Launch {
    pub(crate) root: Arc<Root>,
    pub(crate) binary: PathBuf,
    pub(crate) argv0: Option<OsString>,
    pub(crate) args: Vec<OsString>,
    /// Raw entries in their order; a test may repeat a name or leave out the `=`.
    pub(crate) environment: Vec<Vec<u8>>,
    pub(crate) cwd: PathBuf,
    pub(crate) streams: [Stream; 3],
    pub(crate) descriptors: Vec<Descriptor>,
    pub(crate) umask: Option<u32>,
    pub(crate) limits: Vec<(i32, u64, u64)>,
    pub(crate) ignored: Vec<i32>,
    pub(crate) blocked: Vec<i32>,
    pub(crate) unprivileged: bool,
    pub(crate) default_directories: bool,
    pub(crate) canaries: Vec<Vec<u8>>,
}

/// The directory with the examples of this build.
fn examples() -> PathBuf {
    let test = std::env::current_exe().expect("path of the test");
    test.parent().and_then(Path::parent).expect("target directory").join("examples")
}

/// An example program of this build.
///
/// # Panics
/// Where it was not built: `cargo test` without `--test` builds it, else `cargo build --examples`.
pub fn example(name: &str) -> PathBuf {
    let path = examples().join(name);
    assert!(path.is_file(), "{} is missing: run cargo build --examples", path.display());
    path
}

impl Launch {
    /// The launcher without arguments and with an empty environment.
    pub fn new() -> Self {
        let root = Root::new();
        let cwd = root.path().join("work");
        // Stops the search for .env files at the test's own directory.
        std::fs::create_dir_all(cwd.join(".git")).unwrap();
        Launch {
            root: Arc::new(root),
            binary: PathBuf::from(env!("CARGO_BIN_EXE_nexis-launch")),
            argv0: None,
            args: Vec::new(),
            environment: Vec::new(),
            cwd,
            streams: [Stream::Null, Stream::Capture, Stream::Capture],
            descriptors: Vec::new(),
            umask: None,
            limits: Vec::new(),
            ignored: Vec::new(),
            blocked: Vec::new(),
            unprivileged: false,
            default_directories: false,
            canaries: Vec::new(),
        }
    }

    /// `run OPTIONS -- witness {dump}`.
    pub fn witness<T: AsRef<OsStr>>(options: impl IntoIterator<Item = T>) -> Self {
        Self::new().args(["run"]).args(options).args(["--", "{witness}", "{dump}"])
    }

    /// `run --mode MODE OPTIONS -- witness {dump}`, with all that MODE requires of the built-in
    /// contract in the environment: a launch to which a test adds one fault.
    pub fn sound(mode: &str) -> Self {
        Self::witness(["--mode", mode]).requirements()
    }

    /// What the built-in contract requires in every mode.
    #[must_use]
    pub fn requirements(self) -> Self {
        self.env("JWT_SECRET", SECRET).env("NEXIS_CORS_ALLOW_ORIGINS", "https://app.nexis.example")
    }

    /// `COMMAND OPTIONS`, for the commands that start nothing.
    pub fn command<T: AsRef<OsStr>>(command: &str, options: impl IntoIterator<Item = T>) -> Self {
        Self::new().args([command]).args(options)
    }

    /// The program itself instead of the launcher, with what stands after `--`: how a direct start
    /// looks, to compare with.
    #[must_use]
    pub fn directly(mut self) -> Self {
        let at = self.args.iter().position(|arg| arg == "--").expect("a program after --");
        let mut program = self.args.split_off(at + 1);
        self.args = program.split_off(1);
        let typed = self.expand(program[0].as_bytes());
        self.binary = PathBuf::from(OsString::from_vec(typed.clone()));
        self.argv0 = Some(OsString::from_vec(typed));
        self
    }

    /// Appends arguments.
    #[must_use]
    pub fn args<T: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = T>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Inserts options before `--`.
    #[must_use]
    pub fn options<T: AsRef<OsStr>>(mut self, options: impl IntoIterator<Item = T>) -> Self {
        let at = self.args.iter().position(|arg| arg == "--").unwrap_or(self.args.len());
        let options: Vec<_> = options.into_iter().map(|arg| arg.as_ref().to_owned()).collect();
        self.args.splice(at..at, options);
        self
    }

    /// Adds `NAME=VALUE`, replacing an earlier entry of that name in place.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let prefix = [name.as_bytes(), b"="].concat();
        let entry = [&prefix, value.as_ref()].concat();
        match self.environment.iter_mut().find(|entry| entry.starts_with(&prefix)) {
            Some(existing) => *existing = entry,
            None => self.environment.push(entry),
        }
        self
    }

    /// Takes an entry out again.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        let prefix = [name.as_bytes(), b"="].concat();
        self.environment.retain(|entry| !entry.starts_with(&prefix));
        self
    }

    /// Appends a raw entry, whatever it is.
    #[must_use]
    pub fn raw_env(mut self, entry: impl AsRef<[u8]>) -> Self {
        self.environment.push(entry.as_ref().to_vec());
        self
    }

    /// Writes a file below `{root}`, mode 0600, with its directories.
    #[must_use]
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.root.write(path, content.as_ref(), 0o600);
        self
    }

    /// Writes an executable file below `{root}`.
    #[must_use]
    pub fn executable(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.root.write(path, content.as_ref(), 0o755);
        self
    }

    /// Makes a directory below `{root}`.
    #[must_use]
    pub fn dir(self, path: &str) -> Self {
        std::fs::create_dir_all(self.root.path().join(path)).unwrap();
        self
    }

    /// Makes a symbolic link below `{root}`.
    #[must_use]
    pub fn link(self, path: &str, target: &str) -> Self {
        let target = self.expand(target.as_bytes());
        let path = self.root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(OsStr::from_bytes(&target), path).unwrap();
        self
    }

    /// Makes a named pipe below `{root}`.
    #[must_use]
    pub fn pipe(self, path: &str) -> Self {
        self.root.pipe(path);
        self
    }

    /// Sets the mode of a file or directory below `{root}`.
    #[must_use]
    pub fn mode(self, path: &str, mode: u32) -> Self {
        self.root.mode(path, mode);
        self
    }

    /// The working directory, below `{root}`.
    #[must_use]
    pub fn cwd(mut self, path: &str) -> Self {
        self.cwd = self.root.path().join(path);
        std::fs::create_dir_all(&self.cwd).unwrap();
        self
    }

    /// The binary's own argv[0].
    #[must_use]
    pub fn argv0(mut self, name: &str) -> Self {
        self.argv0 = Some(name.into());
        self
    }

    /// Standard input.
    #[must_use]
    pub fn stdin(mut self, stream: Stream) -> Self {
        self.streams[0] = stream;
        self
    }

    /// Standard output.
    #[must_use]
    pub fn stdout(mut self, stream: Stream) -> Self {
        self.streams[1] = stream;
        self
    }

    /// Standard error.
    #[must_use]
    pub fn stderr(mut self, stream: Stream) -> Self {
        self.streams[2] = stream;
        self
    }

    /// Opens an inherited descriptor.
    #[must_use]
    pub fn descriptor(mut self, descriptor: Descriptor) -> Self {
        self.descriptors.push(descriptor);
        self
    }

    /// The umask.
    #[must_use]
    pub fn umask(mut self, umask: u32) -> Self {
        self.umask = Some(umask);
        self
    }

    /// A resource limit, soft and hard.
    #[must_use]
    pub fn limit(mut self, resource: u32, soft: u64, hard: u64) -> Self {
        self.limits.push((i32::try_from(resource).unwrap(), soft, hard));
        self
    }

    /// Signals that are ignored at the start.
    #[must_use]
    pub fn ignoring(mut self, signals: impl IntoIterator<Item = i32>) -> Self {
        self.ignored.extend(signals);
        self
    }

    /// Signals that are blocked at the start.
    #[must_use]
    pub fn blocking(mut self, signals: impl IntoIterator<Item = i32>) -> Self {
        self.blocked.extend(signals);
        self
    }

    /// As a user without privileges (65534 where the test runs as root, else its own), with copies
    /// of the binaries that this user can reach.
    #[must_use]
    pub fn unprivileged(mut self) -> Self {
        self.unprivileged = true;
        self.binary = self.root.copy(&self.binary);
        self.root.copy(&example("witness"));
        self.root.give("work");
        self
    }

    /// With /run/secrets as the machine has it, from which a test is else shielded.
    #[must_use]
    pub fn default_directories(mut self) -> Self {
        self.default_directories = true;
        self
    }

    /// A value of which no form may stand in any output.
    #[must_use]
    pub fn canary(mut self, value: impl AsRef<[u8]>) -> Self {
        assert!(value.as_ref().len() >= 8, "shorter values are not promised to be hidden");
        self.canaries.push(value.as_ref().to_vec());
        self
    }

    /// The test's directory.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// The text with its placeholders replaced.
    pub(crate) fn expand(&self, text: &[u8]) -> Vec<u8> {
        let witness = if self.unprivileged {
            self.root.path().join("bin/witness")
        } else {
            examples().join("witness")
        };
        let mut text = text.to_vec();
        let bin = witness.parent().unwrap().to_owned();
        for (placeholder, path) in [
            ("{bin}", bin),
            ("{root}", self.root.path().to_owned()),
            ("{dump}", self.root.dump()),
            ("{witness}", witness),
        ] {
            text = replace(&text, placeholder.as_bytes(), path.as_os_str().as_bytes());
        }
        text
    }

    /// Starts it and waits for its end.
    ///
    /// # Panics
    /// Where it does not end within a minute: it hangs.
    pub fn run(self) -> Outcome {
        self.start().finish()
    }

    /// Starts it.
    pub fn start(self) -> Running {
        if self.args.iter().any(|arg| arg == "{dump}") {
            example("witness");
        }
        spawn::start(self)
    }
}

impl Default for Launch {
    fn default() -> Self {
        Self::new()
    }
}

/// `text` with every `from` replaced.
fn replace(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = find(rest, from) {
        result.extend_from_slice(&rest[..at]);
        result.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    result.extend_from_slice(rest);
    result
}

/// Holds a text against the file of this name below `tests/golden`, or writes it there where
/// `NEXIS_LAUNCH_BLESS=1` is set.
///
/// # Panics
/// Where they differ.
pub fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("NEXIS_LAUNCH_BLESS").is_some_and(|value| value == "1") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        return;
    }
    let before = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(before == text, "{name} differs: NEXIS_LAUNCH_BLESS=1 writes it anew\n{text}");
}

/// Where `needle` first stands in `hay`.
pub fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len()).position(|window| window == needle)
}
