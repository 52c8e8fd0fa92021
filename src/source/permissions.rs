//! Who else could write a file, or put another in its place (interface section 3).
//!
//! [`writer`] judges one owner, group and mode; [`Judge`] walks to a file as the kernel does,
//! links included, and judges each step once per launch. Only what bits and owner say looks bad
//! is asked further: whether the mount is read-only, and who is in the group.
//!
//! The walk comes after the reading, so it has to end at what was opened: where others can exchange
//! names on the way, [`Judge::vouch`] refuses what it does not. A link that one of them planted is
//! refused as well: it leads the launcher to files that they may not read themselves.

use super::accounts::Accounts;
use super::directory::DATA;
use crate::finding::Fact;
use crate::sys::chase::MOST_LINKS;
use crate::sys::fs::{self, Errno, HERE, Kind, Stat};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

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
        // user_namespaces(7), "Unmapped user and group IDs".
        match stat.uid {
            OVERFLOW => "user 65534, or one whom this user namespace does not map".to_owned(),
            uid => format!("user {uid}"),
        }
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

/// The id that stands for every owner outside the user namespace (the default of
/// /proc/sys/kernel/overflowuid).
const OVERFLOW: u32 = 65534;

/// Why [`Judge::vouch`] refuses what was read: `it is …`.
pub const PLANTED: &str = "reached by a symbolic link of another user";
/// The same of what is not what the way leads to.
pub const EXCHANGED: &str = "exchanged while it is read";
/// The same of what nobody can judge.
pub const UNSEEN: &str = "reached by a way that cannot be looked at";

/// The device and the inode.
type Identity = (u64, u64);

/// What a component turned out to be.
#[derive(Clone)]
enum Step {
    /// A link to there, and whether somebody planted it.
    Link { target: OsString, planted: bool },
    /// A directory in which others replace nothing, though they may add names.
    Sticky(Identity),
    /// A directory whose names others can exchange.
    Open(Identity),
    /// Anything else.
    Plain(Identity),
}

/// Where a walk led.
#[derive(Default)]
struct Way {
    /// What stands at its end, if it could be followed so far.
    end: Option<Identity>,
    /// Whether others could exchange a name on it.
    exposed: bool,
    /// Whether it follows a link that one of them planted.
    planted: bool,
    /// Why a part of it could not be looked at, where that is not that nothing is there.
    unseen: Option<Errno>,
    /// Whether it goes by a descriptor (`/proc/self/fd`), which is the word of whoever opened it.
    by_descriptor: bool,
}

/// Judges paths, each component once.
pub struct Judge<'a> {
    trusted: &'a [u32],
    /// The own user and the accounts, read when first needed.
    own: Option<u32>,
    accounts: Option<Accounts>,
    walked: BTreeMap<OsString, Step>,
    facts: Vec<Fact>,
    /// The latest walk.
    way: Way,
}

impl<'a> Judge<'a> {
    /// A judge that trusts these owners besides root and the own user.
    pub fn new(trusted: &'a [u32]) -> Self {
        let (walked, way) = (BTreeMap::new(), Way::default());
        Judge { trusted, own: None, accounts: None, walked, facts: Vec::new(), way }
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

    /// Looks at everything anew: something was exchanged.
    pub fn forget_all(&mut self) {
        self.walked.clear();
    }

    /// Whether what was opened is what the latest walk led to, as far as others could have made
    /// it anything else meanwhile.
    ///
    /// # Errors
    /// [`PLANTED`], [`EXCHANGED`] or [`UNSEEN`].
    pub fn vouch(&self, opened: impl FnOnce() -> Option<Identity>) -> Result<(), &'static str> {
        match &self.way {
            Way { planted: true, .. } => Err(PLANTED),
            Way { by_descriptor: true, .. } => Ok(()),
            Way { unseen: Some(_), .. } => Err(UNSEEN),
            Way { exposed: false, .. } => Ok(()),
            Way { end, .. } if end.is_some() && *end == opened() => Ok(()),
            _ => Err(EXCHANGED),
        }
    }

    /// Judges an opened file. The way to it is [`way_to`](Judge::way_to)'s.
    pub fn file(&mut self, path: &Path, stat: &Stat) -> Option<Fact> {
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

    /// Judges what stands at the end of the latest walk, and whether it is what was read.
    fn end(&mut self, path: &Path, opened: Option<Identity>, facts: &mut Vec<Fact>) {
        let seen = self.seen(fs::look(HERE, path, true));
        if let Some(seen) = seen.filter(|seen| seen.kind != Kind::Directory) {
            facts.extend(self.file(path, &seen));
        }
        // No way for this user, and nothing opened: that is the whole answer.
        let barred = opened.is_none() && self.way.unseen == Some(Errno::EACCES);
        let who = if self.vouch(|| opened) == Err(UNSEEN) && !barred {
            "nobody knows whom, as the way to it cannot be looked at"
        } else {
            let Some(opened) = opened.filter(|_| self.way.exposed) else { return };
            let is_it = seen.is_some_and(|seen| seen.identity == opened);
            if is_it && self.vouch(|| Some(opened)) != Err(EXCHANGED) {
                return;
            }
            "somebody who exchanged it while it was read"
        };
        let who = who.to_owned();
        facts.push(Fact::Writable { path: path.to_owned(), directory: false, who });
    }

    fn walk(&mut self, path: &Path, volume: bool) {
        self.way = Way::default();
        let mut ahead: Vec<OsString> = Vec::new();
        push_reversed(&mut ahead, path);
        let mut at = PathBuf::from("/");
        let mut links = 0;
        let mut step = self.step(&at, false, false);
        while let Some(name) = ahead.pop() {
            if name == "/" || name == ".." {
                if name == "/" {
                    at = PathBuf::from("/");
                } else {
                    at.pop();
                }
                step = self.step(&at, false, false);
                continue;
            }
            // Others can add a name there, or replace this one.
            let exposed = matches!(step, Some(Step::Sticky(_) | Step::Open(_)));
            self.way.exposed |= exposed;
            self.way.by_descriptor |= at.ends_with("fd") && at.starts_with("/proc");
            at.push(&name);
            let next = self.step(&at, exposed, volume && ahead.is_empty());
            match &next {
                Some(Step::Link { target, planted }) => {
                    links += 1;
                    if links > MOST_LINKS {
                        return;
                    }
                    self.way.planted |= planted;
                    at.pop();
                    push_reversed(&mut ahead, Path::new(target));
                    // What the link says begins in its own directory, whose step stays.
                    continue;
                }
                Some(_) => step = next,
                None => return,
            }
        }
        self.way.end = match step {
            Some(Step::Sticky(identity) | Step::Open(identity) | Step::Plain(identity)) => {
                Some(identity)
            }
            _ => None,
        };
    }

    /// Takes what was looked at. That nothing is there opening says too; any other error can hide
    /// what opening finds.
    fn seen<T>(&mut self, looked: Result<T, Errno>) -> Option<T> {
        let unseen = looked.as_ref().err().copied();
        let unseen = unseen.filter(|errno| !matches!(errno, Errno::ENOENT | Errno::ENOTDIR));
        self.way.unseen = self.way.unseen.or(unseen);
        looked.ok()
    }

    /// Judges one component. `None`: nothing can be seen there.
    fn step(&mut self, at: &Path, exposed: bool, volume: bool) -> Option<Step> {
        if let Some(step) = self.walked.get(at.as_os_str()) {
            return Some(step.clone());
        }
        let seen = self.seen(fs::look(HERE, at, false))?;
        let step = match seen.kind {
            Kind::Link => {
                // A link's own bits say nothing; where others can add names, its owner made it.
                let judged = exposed.then(|| self.file(at, &Stat { mode: 0, ..seen }));
                let fact = judged.flatten();
                let planted = fact.is_some();
                self.add(fact);
                Step::Link { target: self.seen(fs::link_target(at))?, planted }
            }
            Kind::Directory => {
                let mode =
                    if volume { seen.mode & !(GROUP_WRITE | OTHER_WRITE) } else { seen.mode };
                let fact = self.file(at, &Stat { mode, ..seen });
                let open = fact.is_some();
                self.add(fact);
                // Where its bits were left out, what stands in it is judged in their place.
                match seen.mode & STICKY != 0 || volume {
                    _ if open => Step::Open(seen.identity),
                    true => Step::Sticky(seen.identity),
                    false => Step::Plain(seen.identity),
                }
            }
            _ => Step::Plain(seen.identity),
        };
        self.walked.insert(at.as_os_str().to_owned(), step.clone());
        Some(step)
    }

    /// Adds what is not said yet; after an exchange all is looked at anew.
    fn add(&mut self, fact: Option<Fact>) {
        let Some(Fact::Writable { path, directory, who }) = fact else { return };
        let same = |it: &Fact| matches!(it, Fact::Writable { path: known, .. } if *known == path);
        if !self.facts.iter().any(same) {
            self.facts.push(Fact::Writable { path, directory, who });
        }
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

/// All that others could write on the way to the file `path`, itself included; `opened` is what was
/// read under that name. No names are given that others could exchange for what was read.
pub fn judge_path(path: &Path, opened: Option<(u64, u64)>, trusted: &[u32]) -> Vec<Fact> {
    let mut judge = Judge::new(trusted);
    let Ok(path) = std::path::absolute(path) else { return Vec::new() };
    let mut facts = Vec::new();
    judge.way_to(&path);
    judge.end(&path, opened, &mut facts);
    [judge.take(), facts].concat()
}

/// All that others could write of files that decide what is run, and on the ways to them; with each
/// path goes what was read under that name, if it was. No owner is trusted besides root and the own
/// user: those that a contract adds are its own word.
pub fn judge_program(paths: &[(&Path, Option<(u64, u64)>)]) -> Vec<Fact> {
    let mut judge = Judge::new(&[]);
    let mut files = Vec::new();
    for &(path, opened) in paths {
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
        judge.end(&path, opened, &mut files);
    }
    let mut facts = judge.take();
    facts.append(&mut files);
    facts
}
