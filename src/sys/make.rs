//! Making files and directories that must not be half there: exclusive, never through a symbolic
//! link in the last part of a path, and with modes that no umask changes.

use nix::NixPath;
use nix::errno::Errno;
use nix::fcntl::{self, AtFlags, OFlag};
use nix::libc;
use nix::sys::stat::{self, Mode};
use nix::unistd::{self, UnlinkatFlags};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// Never followed, never waited for, never the controlling terminal.
const CAREFUL: OFlag =
    OFlag::O_CLOEXEC.union(OFlag::O_NOFOLLOW).union(OFlag::O_NOCTTY).union(OFlag::O_NONBLOCK);

/// Takes all rights of group and others from whatever this process makes from here on, and leaves
/// the owner's, whatever the inherited umask says. Only for commands that start no program.
pub fn keep_to_the_owner() {
    stat::umask(Mode::S_IRWXG | Mode::S_IRWXO);
}

/// Makes a directory; `false` where something of that name is there.
///
/// # Errors
/// What mkdirat(2) reports otherwise.
pub fn directory(dir: BorrowedFd<'_>, name: &Path) -> nix::Result<bool> {
    match stat::mkdirat(dir, name, Mode::S_IRWXU) {
        Ok(()) => Ok(true),
        Err(Errno::EEXIST) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// Makes a regular file and opens it for writing.
///
/// # Errors
/// What openat(2) reports; EEXIST where something of that name is there.
pub fn file(dir: BorrowedFd<'_>, name: &Path) -> nix::Result<OwnedFd> {
    let flags = CAREFUL | OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL;
    fcntl::openat(dir, name, flags, Mode::S_IRUSR | Mode::S_IWUSR)
}

/// Makes a regular file without a name, 0600, which is gone with its descriptor unless
/// [`give_name`] gives it one: not even a kill leaves anything behind.
///
/// # Errors
/// What openat(2) reports; EOPNOTSUPP or EISDIR where the file system knows no such files.
pub fn nameless_file(dir: BorrowedFd<'_>) -> nix::Result<OwnedFd> {
    let flags = OFlag::O_CLOEXEC | OFlag::O_WRONLY | OFlag::O_TMPFILE;
    fcntl::openat(dir, ".", flags, Mode::S_IRUSR | Mode::S_IWUSR)
}

/// Gives a file of [`nameless_file`] a name, which nothing may have yet.
///
/// # Errors
/// What linkat(2) reports; EEXIST where the name is taken, ENOENT where /proc is not mounted.
pub fn give_name(file: impl AsFd, dir: BorrowedFd<'_>, name: &Path) -> nix::Result<()> {
    use std::os::fd::AsRawFd;
    let path = format!("/proc/self/fd/{}", file.as_fd().as_raw_fd());
    unistd::linkat(fcntl::AT_FDCWD, path.as_str(), dir, name, AtFlags::AT_SYMLINK_FOLLOW)
}

/// Opens what is there for reading.
///
/// # Errors
/// What openat(2) reports; ELOOP for a symbolic link.
pub fn open_existing(dir: BorrowedFd<'_>, name: &Path) -> nix::Result<OwnedFd> {
    fcntl::openat(dir, name, CAREFUL | OFlag::O_RDONLY, Mode::empty())
}

/// Opens what is there for adding to its end.
///
/// # Errors
/// What openat(2) reports; ELOOP for a symbolic link.
pub fn open_to_add(dir: BorrowedFd<'_>, name: &Path) -> nix::Result<OwnedFd> {
    fcntl::openat(dir, name, CAREFUL | OFlag::O_WRONLY | OFlag::O_APPEND, Mode::empty())
}

/// Opens a directory that is no symbolic link.
///
/// # Errors
/// What openat(2) reports; ENOTDIR for anything else, a symbolic link included.
pub fn open_directory(dir: BorrowedFd<'_>, name: &Path) -> nix::Result<OwnedFd> {
    fcntl::openat(dir, name, CAREFUL | OFlag::O_RDONLY | OFlag::O_DIRECTORY, Mode::empty())
}

/// Sets the mode of an open file or directory.
///
/// # Errors
/// What fchmod(2) reports.
pub fn set_mode(fd: impl AsFd, mode: u32) -> nix::Result<()> {
    stat::fchmod(fd, Mode::from_bits_truncate(mode))
}

/// Brings a file, or the names in a directory, to the disk (fsync(2)). A file system that cannot
/// is none to wait for.
///
/// # Errors
/// What fsync(2) reports otherwise.
pub fn sync(fd: impl AsFd) -> std::io::Result<()> {
    match unistd::fsync(fd) {
        Ok(()) | Err(Errno::EINVAL | Errno::ENOTSUP) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// Gives a file its final name, which nothing may have yet.
///
/// # Errors
/// What renameat2(2) or linkat(2) reports; EEXIST where the name is taken.
pub fn publish(dir: BorrowedFd<'_>, from: &Path, to: &Path) -> nix::Result<()> {
    match rename_to_new(dir, from, to) {
        // Some file systems do not know the flag; a second link never replaces either.
        Err(Errno::EINVAL | Errno::ENOSYS) => {
            unistd::linkat(dir, from, dir, to, AtFlags::empty())?;
            unistd::unlinkat(dir, from, UnlinkatFlags::NoRemoveDir)
        }
        other => other,
    }
}

/// renameat2(2) with RENAME_NOREPLACE. nix has it for glibc only.
fn rename_to_new(dir: BorrowedFd<'_>, from: &Path, to: &Path) -> nix::Result<()> {
    let dir = dir.as_raw_fd();
    let renamed = from.with_nix_path(|from| {
        to.with_nix_path(|to| {
            let (from, to) = (from.as_ptr(), to.as_ptr());
            // SAFETY: two C strings that live for the call, and numbers.
            unsafe {
                libc::syscall(libc::SYS_renameat2, dir, from, dir, to, libc::RENAME_NOREPLACE)
            }
        })
    })??;
    Errno::result(renamed).map(drop)
}

/// Removes a file of this name, as far as that goes.
pub fn remove_file(dir: BorrowedFd<'_>, name: &Path) {
    let _ = unistd::unlinkat(dir, name, UnlinkatFlags::NoRemoveDir);
}

/// Removes an empty directory of this name, as far as that goes.
pub fn remove_directory(dir: BorrowedFd<'_>, name: &Path) {
    let _ = unistd::unlinkat(dir, name, UnlinkatFlags::RemoveDir);
}
