//! The files of a tree, in the order of their names.
//!
//! A symbolic link that is named is followed. Inside a tree a link to a file is, since logs are
//! often gathered by links; a link to a directory is not, so that no tree is left and no circle
//! is run.

use crate::sys::fs::{self, HERE, Kind, Stat};
use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What a walk comes by.
pub(super) enum Event<'a> {
    /// Anything with a name, before what else is said of it.
    Entry(&'a Path),
    /// A file, and whether it was named itself.
    File(&'a Path, bool),
    /// A repository of git, before its files.
    Repository(&'a Path),
    /// Something that is not looked through, and why.
    Skipped(&'a Path, &'a str),
    /// Something that cannot be read, and why.
    Unread(&'a Path, &'a str),
}

/// Calls `event` for everything at and below `path` until it says `false`.
pub(super) fn walk(path: &Path, event: &mut dyn FnMut(Event<'_>) -> bool) {
    let seen = match fs::look(HERE, path, true) {
        Ok(seen) => seen,
        Err(errno) => {
            // A link that leads nowhere is there all the same.
            if fs::look(HERE, path, false).is_ok() {
                event(Event::Entry(path));
            }
            event(Event::Unread(path, fs::errno_words(errno)));
            return;
        }
    };
    if !event(Event::Entry(path)) {
        return;
    }
    if seen.kind != Kind::Directory {
        event(Event::File(path, true));
        return;
    }
    // The last is what comes next.
    let mut ahead = Vec::new();
    let mut goes_on = directory(path, &seen, true, &mut ahead, event);
    while let Some((path, seen)) = ahead.pop().filter(|_| goes_on) {
        goes_on = event(Event::Entry(&path))
            && match seen.kind {
                Kind::Directory => directory(&path, &seen, false, &mut ahead, event),
                _ => event(Event::File(&path, false)),
            };
    }
}

/// Puts what a directory holds in front of what is ahead.
fn directory(
    path: &Path,
    seen: &Stat,
    named: bool,
    ahead: &mut Vec<(PathBuf, Stat)>,
    event: &mut dyn FnMut(Event<'_>) -> bool,
) -> bool {
    let mut names: Vec<Vec<u8>> = Vec::new();
    let listed = fs::open_directory(HERE, path)
        .and_then(|fd| fs::list(fd.as_fd(), |name, _| names.push(name.to_owned())));
    if let Err(errno) = listed {
        return event(Event::Unread(path, fs::errno_words(errno)));
    }
    let has = |name: &[u8]| names.iter().any(|known| known == name);
    let bare = has(b"HEAD") && has(b"objects") && has(b"refs");
    // A directory `.git` is one that is walked through already by its parent.
    let inside = !named && path.file_name() == Some(OsStr::new(".git"));
    if (has(b".git") || bare && !inside) && !event(Event::Repository(path)) {
        return false;
    }
    names.sort_unstable_by(|one, other| other.cmp(one));
    for name in names {
        // What git has there is compressed; it is read as history.
        if bare && name == b"objects" {
            continue;
        }
        let path = path.join(OsStr::from_bytes(&name));
        let goes_on = match look(&path, seen) {
            Ok(below) => {
                ahead.push((path, below));
                true
            }
            Err(passed) => {
                event(Event::Entry(&path))
                    && event(match passed {
                        Passed::Skipped(why) => Event::Skipped(&path, why),
                        Passed::Unread(why) => Event::Unread(&path, why),
                    })
            }
        };
        if !goes_on {
            return false;
        }
    }
    true
}

/// Why something is passed over.
enum Passed {
    Skipped(&'static str),
    Unread(&'static str),
}

fn look(path: &Path, parent: &Stat) -> Result<Stat, Passed> {
    let unread = |errno| Passed::Unread(fs::errno_words(errno));
    let seen = fs::look(HERE, path, false).map_err(unread)?;
    match seen.kind {
        Kind::Link => match fs::look(HERE, path, true) {
            Ok(seen) if seen.kind == Kind::Directory => {
                Err(Passed::Skipped("a symbolic link to a directory"))
            }
            // It leads nowhere, so there is nothing to read.
            Err(fs::Errno::ENOENT) => Err(Passed::Skipped("a symbolic link to nothing")),
            Ok(seen) => Ok(seen),
            Err(errno) => Err(unread(errno)),
        },
        Kind::Directory if seen.identity.0 != parent.identity.0 && fs::is_the_kernels(path) => {
            Err(Passed::Skipped("a file system of the kernel"))
        }
        _ => Ok(seen),
    }
}

/// How many bytes the files at and below `path` have, for a progress bar.
pub(super) fn size(path: &Path) -> u64 {
    let mut total = 0;
    walk(path, &mut |event| {
        if let Event::File(path, _) = event {
            total += fs::look(HERE, path, true).map_or(0, |seen| seen.size);
        }
        true
    });
    total
}
