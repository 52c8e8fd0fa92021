//! The history of a git repository: every object that it has, by the git that is installed.
//!
//! Files and messages of all commits are looked through, those included that no branch leads to
//! any more. The repository is not trusted: no setting of the system or the user is read, nothing
//! is fetched, and reading objects runs no hook.

use super::{Found, Spot};
use crate::leak::input::Next;
use crate::leak::tools::{Running, Tools};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;

/// How many findings are kept until their paths are known; more are told without.
pub(super) const MOST_NAMED: usize = 10_000;
/// The longest line before an object, which is its id, kind and size.
const HEADER: u64 = 256;
/// A git that ends at a damaged object is started again behind it so often: each time it lists all
/// objects, and whoever made the repository chose how many are damaged.
const LOSSES: usize = 100;
/// How much is read from git at once.
const BUFFER: usize = 256 * 1024;

/// An object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Object {
    /// Its id, hex.
    pub id: String,
    /// `blob`, `commit` or `tag`.
    pub kind: &'static str,
}

/// What comes next in a repository.
pub(super) enum Step {
    /// An object to read.
    Object(Object),
    /// One that git does not have or cannot read, and why; what follows is read all the same.
    Lost(String),
}

/// A finding in an object, which is told when its path is known.
#[derive(Debug)]
pub struct Held<'e> {
    pub(super) object: Object,
    /// The path that it has or had in the repository.
    pub(super) path: Option<String>,
    /// The first commit with it there.
    pub(super) commit: Option<String>,
    pub(super) names: Vec<&'e str>,
    pub(super) encoding: &'static str,
    pub(super) spot: Spot,
}

impl<'e> Held<'e> {
    pub(super) fn new(object: &Object, found: &Found<'e>) -> Self {
        let (path, commit) = match object.kind {
            "commit" => (None, Some(object.id.clone())),
            _ => (None, None),
        };
        Held {
            object: object.clone(),
            path,
            commit,
            names: found.names.clone(),
            encoding: found.encoding,
            spot: found.spot,
        }
    }
}

/// git in this repository.
fn git(repository: &Path, tools: &Tools) -> Result<Command, String> {
    let mut command = tools.command("git")?;
    let own = repository.join(".git");
    let directory: PathBuf =
        if own.symlink_metadata().is_ok() { own } else { repository.to_owned() };
    command
        .env("GIT_DIR", directory)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_NO_LAZY_FETCH", "1")
        // A git that does not know the former: the repository's own settings could allow a
        // transport that is a program; no transport has this name.
        .env("GIT_ALLOW_PROTOCOL", "none")
        .env("GIT_NO_REPLACE_OBJECTS", "1")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        .args(["-c", "protocol.allow=never", "-c", "core.fsmonitor=false"])
        .args(["-c", "core.quotePath=false"]);
    Ok(command)
}

/// Starts a command and takes what it writes.
fn start(command: Command) -> Result<(Running, BufReader<ChildStdout>), String> {
    let mut running = Tools::start(command)?;
    let output = running.child().stdout.take().ok_or("git writes nothing")?;
    Ok((running, BufReader::with_capacity(BUFFER, output)))
}

/// All objects of a repository, one after the other.
pub(super) struct Objects<'a> {
    repository: &'a Path,
    tools: &'a Tools,
    running: Running,
    output: BufReader<ChildStdout>,
    /// Says whether git was asked for all objects, where it was started again.
    asking: Option<JoinHandle<bool>>,
    /// How often git may still end before its time.
    losses: usize,
    /// The object that is read.
    id: String,
    /// What is left of it.
    left: u64,
    /// Whether its final newline is still to come.
    newline: bool,
}

/// Every object, in an order that is the same each time.
const ALL: [&str; 2] = ["--batch-all-objects", "--unordered"];

impl<'a> Objects<'a> {
    pub(super) fn open(repository: &'a Path, tools: &'a Tools) -> Result<Self, String> {
        let mut command = git(repository, tools)?;
        command.args(["cat-file", "--batch", "--buffer"]).args(ALL);
        let (running, output) = start(command)?;
        Ok(Objects {
            repository,
            tools,
            running,
            output,
            asking: None,
            losses: LOSSES,
            id: String::new(),
            left: 0,
            newline: false,
        })
    }

    /// Starts git again where it ended within an object, for those that come behind it.
    fn go_on(&mut self) -> Result<(), String> {
        self.losses = self.losses.checked_sub(1).ok_or("git cannot read all of it")?;
        let mut list = git(self.repository, self.tools)?;
        list.args(["cat-file", "--batch-check=%(objectname)", "--buffer"]).args(ALL);
        let (mut listing, mut ids) = start(list)?;
        let mut read = git(self.repository, self.tools)?;
        read.args(["cat-file", "--batch", "--buffer"]).stdin(Stdio::piped());
        let (mut running, output) = start(read)?;
        let mut wanted = running.child().stdin.take().ok_or("git reads nothing")?;
        let last = self.id.clone();
        // The thread ends with either of the two.
        self.asking = Some(std::thread::spawn(move || {
            ask(&mut ids, &last, &mut wanted).is_some() && listing.ended_well()
        }));
        (self.running, self.output) = (running, output);
        (self.left, self.newline) = (0, false);
        Ok(())
    }

    /// The next object that can hold text; trees are passed over.
    pub(super) fn next(&mut self) -> Result<Option<Step>, String> {
        let broken = || "git says something unexpected".to_owned();
        loop {
            if self.pass().is_err() {
                let lost = format!("git cannot read object {}", self.id);
                self.go_on()?;
                return Ok(Some(Step::Lost(lost)));
            }
            let mut line = Vec::new();
            let read = (&mut self.output).take(HEADER).read_until(b'\n', &mut line);
            if read.map_err(|_| broken())? == 0 {
                let mut asked =
                    || self.asking.take().is_none_or(|it| it.join().unwrap_or_default());
                return match self.running.ended_well() && asked() {
                    true => Ok(None),
                    false => Err("git cannot read all of it".to_owned()),
                };
            }
            let line = String::from_utf8(line).map_err(|_| broken())?;
            let mut words = line.strip_suffix('\n').unwrap_or_default().split_ascii_whitespace();
            let id = words.next().filter(|id| id.bytes().all(|byte| byte.is_ascii_hexdigit()));
            let (Some(id), Some(kind)) = (id, words.next()) else { return Err(broken()) };
            // Nothing follows the line of one whose beginning is damaged.
            if kind == "missing" {
                return Ok(Some(Step::Lost(format!("git misses object {id}"))));
            }
            self.left = words.next().and_then(|size| size.parse().ok()).ok_or_else(broken)?;
            self.newline = true;
            id.clone_into(&mut self.id);
            let known = ["blob", "commit", "tag"].into_iter().find(|known| *known == kind);
            if let Some(kind) = known {
                return Ok(Some(Step::Object(Object { id: id.to_owned(), kind })));
            }
        }
    }

    /// Passes over what is left of an object.
    fn pass(&mut self) -> std::io::Result<()> {
        let mut rest = self.left + u64::from(std::mem::take(&mut self.newline));
        self.left = 0;
        while rest > 0 {
            let here = self.output.fill_buf()?.len();
            if here == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            let taken = usize::try_from(rest).unwrap_or(usize::MAX).min(here);
            self.output.consume(taken);
            rest -= taken as u64;
        }
        Ok(())
    }

    /// Reads on in the object, as [`crate::leak::input::Input::fill`] does.
    pub(super) fn fill(&mut self, space: &mut [u8]) -> (usize, Next) {
        let mut filled = 0;
        while self.left > 0 {
            let rest = space.get_mut(filled..).unwrap_or_default();
            let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(rest.len());
            if wanted == 0 {
                return (filled, Next::More);
            }
            match self.output.read(rest.get_mut(..wanted).unwrap_or_default()) {
                Ok(count @ 1..) => {
                    filled += count;
                    self.left -= count as u64;
                }
                _ => return (filled, Next::Failed("git ended before its time".to_owned())),
            }
        }
        (filled, Next::End)
    }
}

/// Hands on the ids that are listed behind `last`; nothing is said where not all could be.
fn ask(ids: &mut impl BufRead, last: &str, wanted: &mut ChildStdin) -> Option<()> {
    let mut is_behind = false;
    for line in ids.lines() {
        let line = line.ok()?;
        let id = line.split(' ').next()?;
        if is_behind {
            writeln!(wanted, "{id}").ok()?;
        }
        is_behind |= id == last;
    }
    is_behind.then_some(())
}

/// Finds out under which path and since which commit the found objects are known, by one walk
/// through the history.
pub(super) fn place(found: &mut [Held<'_>], repository: &Path, tools: &Tools) {
    found.sort_by(|one, other| (&one.object, one.spot).cmp(&(&other.object, other.spot)));
    if found.iter().all(|held| held.object.kind != "blob") {
        return;
    }
    let Ok(mut command) = git(repository, tools) else { return };
    // A signature would be checked by a program that the repository names.
    command.args([
        "log",
        "--no-show-signature",
        "--no-ext-diff",
        "--no-textconv",
        "--all",
        "-m",
        "--raw",
        "--no-abbrev",
        "--no-renames",
        "--format=%H",
    ]);
    let Ok((_running, mut output)) = start(command) else { return };
    let (mut line, mut commit) = (Vec::new(), String::new());
    while output.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
        let text = String::from_utf8_lossy(line.trim_ascii_end());
        // `:100644 100644 OLD NEW M<tab>PATH`
        match text.strip_prefix(':').and_then(|change| change.split_once('\t')) {
            Some((change, path)) => {
                let id = change.split(' ').nth(3).unwrap_or_default();
                let from = found.partition_point(|held| held.object.id.as_str() < id);
                let rest = found.get_mut(from..).unwrap_or_default();
                // The history goes backwards: the last that is said is the first that was.
                for held in rest.iter_mut().take_while(|held| held.object.id == id) {
                    held.path = Some(path.to_owned());
                    held.commit = Some(commit.clone());
                }
            }
            None if text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                commit = text.into_owned();
            }
            None => {}
        }
        line.clear();
    }
    found.sort_by(|one, other| {
        let key = |held: &Held<'_>| (held.path.clone(), held.spot, held.object.id.clone());
        key(one).cmp(&key(other))
    });
}
