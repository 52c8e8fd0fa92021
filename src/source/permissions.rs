//! Who else could write a file, or put another in its place (interface section 3).
//!
//! [`writer`] judges one owner, group and mode; [`Judge`] walks to a file as the kernel does,
//! links included, and judges each step once per launch. Only what bits and owner say looks bad
//! is asked further: whether the mount is read-only, and who is in the group.

use super::accounts::Accounts;
use super::directory::DATA;
use crate::finding::Fact;
use crate::sys::fs::{self, HERE, Kind, Stat};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// The kernel follows no more links than these in one path (path_resolution(7)).
const MOST_LINKS: usize = 40;
const STICKY: u32 = 0o1000;
const GROUP_WRITE: u32 = 0o020;
const OTHER_WRITE: u32 = 0o002;

/// Who could write besides root, the own user and the trusted ones: the owner (who can give
/// himself the right), anybody, or a group. `shared` says whether a group (first) has members
/// other than an owner (second). In a sticky directory others can add names and replace none,
/// so there the next component is judged instead (unlink(2), EPERM). On a read-only mount nobody
/// writes; that is asked last, as it takes a system call.
pub fn writer(
    stat: &Stat,
    own: impl FnOnce() -> u32,
    trusted: &[u32],
    shared: impl FnOnce(u32, u32) -> bool,
    read_only: impl FnOnce() -> bool,
) -> Option<String> {
    let who = if stat.uid != 0 && !trusted.contains(&stat.uid) && stat.uid != own() {
        format!("user {}", stat.uid)
    } else if stat.kind == Kind::Directory && stat.mode & STICKY != 0 {
        return None;
    } else if stat.mode & OTHER_WRITE != 0 {
        "any user".to_owned()
    } else if stat.mode & GROUP_WRITE != 0 && shared(stat.gid, stat.uid) {
        format!("group {}", stat.gid)
    } else {
        return None;
    };
    (!read_only()).then_some(who)
}

/// What a component turned out to be.
#[derive(Clone)]
enum Step {
    /// A link to there.
    Link(OsString),
    /// A directory in which others replace nothing.
    Sticky,
    /// Anything else.
    Plain,
}

/// Judges paths, each component once.
pub struct Judge<'a> {
    trusted: &'a [u32],
    /// The own user and the accounts, read when first needed.
    own: Option<u32>,
    accounts: Option<Accounts>,
    walked: BTreeMap<OsString, Step>,
    facts: Vec<Fact>,
}

impl<'a> Judge<'a> {
    /// A judge that trusts these owners besides root and the own user.
    pub fn new(trusted: &'a [u32]) -> Self {
        Judge { trusted, own: None, accounts: None, walked: BTreeMap::new(), facts: Vec::new() }
    }

    /// What was found since the last call.
    pub fn take(&mut self) -> Vec<Fact> {
        std::mem::take(&mut self.facts)
    }

    fn writer(&mut self, path: &Path, stat: &Stat) -> Option<String> {
        let Judge { own, accounts, trusted, .. } = self;
        let own = || *own.get_or_insert_with(fs::own_uid);
        let shared = |group, owner| {
            accounts.get_or_insert_with(Accounts::of_the_system).shared(group, owner)
        };
        writer(stat, own, trusted, shared, || fs::on_read_only_mount(path))
    }

    /// Looks anew at `path` when it is met again: it was replaced.
    pub fn forget(&mut self, path: &Path) {
        self.walked.remove(path.as_os_str());
    }

    /// Judges an opened file. The way to it is [`way_to`](Judge::way_to)'s.
    pub fn file(&mut self, path: &Path, stat: &Stat) -> Option<Fact> {
        // What comes out of a pipe was written by whoever holds its other end.
        if stat.kind == Kind::Pipe {
            return None;
        }
        let who = self.writer(path, stat)?;
        let directory = stat.kind == Kind::Directory;
        Some(Fact::Writable { path: path.to_owned(), directory, who })
    }

    /// Judges every directory and link on the way to `path`, which is absolute, and `path` itself
    /// where it is a directory. What cannot be looked at ends the walk: opening it says why.
    pub fn way_to(&mut self, path: &Path) {
        self.walk(path, false);
    }

    /// The same, with the bits of `path` itself, the root of a Kubernetes volume, left out: in it
    /// only the generation that `..data` leads to counts.
    pub fn way_to_volume(&mut self, path: &Path) {
        self.walk(path, true);
    }

    fn walk(&mut self, path: &Path, volume: bool) {
        let mut ahead: Vec<OsString> = Vec::new();
        push_reversed(&mut ahead, path);
        let mut at = PathBuf::from("/");
        let mut links = 0;
        let mut sticky = matches!(self.step(&at, false, false), Some(Step::Sticky));
        while let Some(name) = ahead.pop() {
            if name == "/" {
                at = PathBuf::from("/");
                continue;
            }
            if name == ".." {
                at.pop();
                continue;
            }
            at.push(&name);
            match self.step(&at, sticky, volume && ahead.is_empty()) {
                Some(Step::Link(target)) => {
                    links += 1;
                    if links > MOST_LINKS {
                        return;
                    }
                    at.pop();
                    push_reversed(&mut ahead, Path::new(&target));
                }
                Some(step) => sticky = matches!(step, Step::Sticky),
                None => return,
            }
        }
    }

    /// Judges one component. `None`: nothing can be seen there.
    fn step(&mut self, at: &Path, in_sticky: bool, volume: bool) -> Option<Step> {
        if let Some(step) = self.walked.get(at.as_os_str()) {
            return Some(step.clone());
        }
        let seen = fs::look(HERE, at, false).ok()?;
        let step = match seen.kind {
            Kind::Link => {
                // A link's own bits say nothing; its owner may replace it in a sticky directory.
                if in_sticky {
                    let fact = self.file(at, &Stat { mode: 0, ..seen });
                    self.facts.extend(fact);
                }
                Step::Link(fs::link_target(at).ok()?)
            }
            Kind::Directory => {
                let mode =
                    if volume { seen.mode & !(GROUP_WRITE | OTHER_WRITE) } else { seen.mode };
                let fact = self.file(at, &Stat { mode, ..seen });
                self.facts.extend(fact);
                // Where its bits were left out, what stands in it is judged in their place.
                if seen.mode & STICKY != 0 || volume { Step::Sticky } else { Step::Plain }
            }
            _ => Step::Plain,
        };
        self.walked.insert(at.as_os_str().to_owned(), step.clone());
        Some(step)
    }
}

/// Puts the components of `path` on a stack, the first on top.
fn push_reversed(ahead: &mut Vec<OsString>, path: &Path) {
    ahead.extend(path.components().rev().filter_map(|component| match component {
        Component::RootDir => Some(OsString::from("/")),
        Component::ParentDir => Some(OsString::from("..")),
        Component::Normal(name) => Some(name.to_owned()),
        Component::CurDir | Component::Prefix(_) => None,
    }));
}

/// All that others could write on the way to the file or directory `path`, itself included.
pub fn judge_path(path: &Path, trusted: &[u32]) -> Vec<Fact> {
    let mut judge = Judge::new(trusted);
    let Ok(path) = std::path::absolute(path) else { return Vec::new() };
    judge.way_to(&path);
    let mut facts = judge.take();
    if let Ok(seen) = fs::look(HERE, &path, true)
        && seen.kind != Kind::Directory
    {
        facts.extend(judge.file(&path, &seen));
    }
    facts
}

/// All that others could write of files that decide what is run, and on the ways to them. No owner
/// is trusted besides root and the own user: those that a contract adds are its own word.
pub fn judge_program(paths: &[&Path]) -> Vec<Fact> {
    let mut judge = Judge::new(&[]);
    let mut files = Vec::new();
    for path in paths {
        let Ok(path) = std::path::absolute(path) else { continue };
        // A Kubernetes volume: the links in its root are judged, by their owners, and what they
        // lead to.
        if let Some(directory) = path.parent()
            && fs::look(HERE, &directory.join(DATA), false).is_ok_and(|it| it.kind == Kind::Link)
        {
            judge.way_to_volume(directory);
            judge.way_to(&directory.join(DATA));
        }
        judge.way_to(&path);
        match fs::look(HERE, &path, true) {
            Ok(seen) if seen.kind != Kind::Directory => files.extend(judge.file(&path, &seen)),
            _ => {}
        }
    }
    let mut facts = judge.take();
    facts.append(&mut files);
    facts
}
