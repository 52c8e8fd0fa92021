//! Opening a file to write without following a link that somebody else planted.
//!
//! Where others can add names to a directory, a link of theirs would have the launcher write over
//! a file that only it may write. The kernel refuses such links in sticky directories that
//! everyone can write, where fs.protected_symlinks is set (proc_sys_fs(5)); this refuses them
//! wherever others can write. Mostly there is no link at all, and openat2(2) says so in the one
//! call that opens the file.

use super::fs::retried;
use nix::errno::Errno;
use nix::fcntl::{self, AT_FDCWD, OFlag, OpenHow, ResolveFlag};
use nix::libc;
use nix::sys::stat::{self, FileStat, Mode};
use nix::sys::statfs::{PROC_SUPER_MAGIC, fstatfs};
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::path::{Component, Path};

/// The kernel follows no more links than these in one path (path_resolution(7)).
pub const MOST_LINKS: usize = 40;

/// Why a file is not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The system's error.
    System(Errno),
    /// A link of another user is on the way.
    Planted,
}

impl From<Errno> for Refused {
    fn from(errno: Errno) -> Self {
        Refused::System(errno)
    }
}

/// Opens `path`, making it with `mode` where `flags` say so.
///
/// # Errors
/// [`Refused`] says why not.
pub fn open(path: &Path, flags: OFlag, mode: Mode) -> Result<OwnedFd, Refused> {
    let how = OpenHow::new().flags(flags).mode(mode).resolve(ResolveFlag::RESOLVE_NO_SYMLINKS);
    match retried(|| fcntl::openat2(AT_FDCWD, path, how)) {
        // A link, an older kernel, or a filter of system calls that does not know this one.
        Err(Errno::ELOOP | Errno::ENOSYS | Errno::EPERM) => step_by_step(path, flags, mode),
        other => Ok(other?),
    }
}

/// The same as the kernel walks: each name is opened in the directory that was opened before, so
/// what is looked at is what is followed.
fn step_by_step(path: &Path, flags: OFlag, mode: Mode) -> Result<OwnedFd, Refused> {
    let place = OFlag::O_PATH | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
    let at = |path: &str| retried(|| fcntl::openat(AT_FDCWD, path, place, Mode::empty()));
    let mut dir = at(".")?;
    let mut ahead = Vec::new();
    push_reversed(&mut ahead, path);
    for _ in 0..MOST_LINKS {
        let link = loop {
            let Some(name) = ahead.pop() else { return Err(Errno::EISDIR.into()) };
            if name == "/" {
                dir = at("/")?;
                continue;
            }
            if ahead.is_empty() {
                let flags = flags | OFlag::O_NOFOLLOW;
                match retried(|| fcntl::openat(&dir, name.as_os_str(), flags, mode)) {
                    Err(Errno::ELOOP) => {}
                    other => return Ok(other?),
                }
            }
            let next = retried(|| fcntl::openat(&dir, name.as_os_str(), place, Mode::empty()))?;
            let seen = retried(|| stat::fstat(&next))?;
            match seen.st_mode & libc::S_IFMT {
                libc::S_IFLNK => break (name, next, seen),
                _ => dir = next,
            }
        };
        let (name, link, seen) = link;
        if !is_trusted(seen.st_uid) && is_exposed(&retried(|| stat::fstat(&dir))?) {
            return Err(Refused::Planted);
        }
        // Links of /proc lead to what is open and not to a name.
        if fstatfs(&link).is_ok_and(|found| found.filesystem_type() == PROC_SUPER_MAGIC) {
            if ahead.is_empty() {
                return Ok(retried(|| fcntl::openat(&dir, name.as_os_str(), flags, mode))?);
            }
            let follow = OFlag::O_PATH | OFlag::O_CLOEXEC;
            dir = retried(|| fcntl::openat(&dir, name.as_os_str(), follow, Mode::empty()))?;
            continue;
        }
        let target: OsString = retried(|| fcntl::readlinkat(&link, c""))?;
        push_reversed(&mut ahead, Path::new(&target));
    }
    Err(Errno::ELOOP.into())
}

/// Puts the components of `path` on a stack, the first on top.
fn push_reversed(ahead: &mut Vec<OsString>, path: &Path) {
    ahead.extend(path.components().rev().filter_map(|component| match component {
        Component::CurDir | Component::Prefix(_) => None,
        other => Some(<Component<'_> as AsRef<OsStr>>::as_ref(&other).to_owned()),
    }));
}

/// Root and the own user.
fn is_trusted(uid: u32) -> bool {
    uid == 0 || uid == nix::unistd::geteuid().as_raw()
}

/// Whether others could add names to this directory.
fn is_exposed(seen: &FileStat) -> bool {
    !is_trusted(seen.st_uid) || seen.st_mode & 0o022 != 0
}
