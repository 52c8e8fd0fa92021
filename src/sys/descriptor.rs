//! Open descriptors: borrowing one by number, writing, locking.

use super::chase::{self, Refused};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::libc;
use nix::sys::stat::{FileStat, Mode, fstat};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;

/// The descriptor of this number, if the caller's parent opened it. What the launcher opens itself
/// is closed on exec, what it inherited is not.
pub fn inherited(number: RawFd) -> Option<BorrowedFd<'static>> {
    if number < 0 {
        return None;
    }
    // SAFETY: the number is not -1; that it is open and none of the launcher's is checked before
    // it is handed out, and the launcher closes no descriptor that it did not open itself.
    let fd = unsafe { BorrowedFd::borrow_raw(number) };
    let flags = FdFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFD).ok()?);
    (!flags.contains(FdFlag::FD_CLOEXEC)).then_some(fd)
}

/// The error of using a descriptor that is not open.
pub fn closed() -> io::Error {
    Errno::EBADF.into()
}

/// Moves a descriptor above the standard streams where it took the place of a closed one, so
/// that the program finds that stream closed and nothing else is written into the file.
///
/// # Errors
/// What fcntl(2) reports.
pub fn above_standard_streams(fd: OwnedFd) -> io::Result<OwnedFd> {
    use std::os::fd::{AsRawFd, FromRawFd};
    if fd.as_raw_fd() > 2 {
        return Ok(fd);
    }
    let moved = fcntl(&fd, FcntlArg::F_DUPFD_CLOEXEC(3))?;
    // SAFETY: fcntl has just made this descriptor, and nobody else knows its number.
    Ok(unsafe { OwnedFd::from_raw_fd(moved) })
}

/// What a file has to be to be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// Each write goes to the end; it is made if it is missing.
    Append,
    /// To be emptied by the caller, who has its lock then; it is made if it is missing.
    Replace,
}

/// Opens a file to write to, 0600 where it is made. A terminal never becomes the controlling one
/// and a pipe without a reader fails instead of waiting. No link is followed that another user
/// planted.
///
/// # Errors
/// What openat2(2) reports; for such a link an error of kind `PermissionDenied` without a number.
pub fn open_to_write(path: &Path, how: Opening) -> io::Result<OwnedFd> {
    let common = OFlag::O_CREAT | OFlag::O_CLOEXEC | OFlag::O_NOCTTY | OFlag::O_NONBLOCK;
    let open = |flags| chase::open(path, flags | common, Mode::S_IRUSR | Mode::S_IWUSR);
    let end = OFlag::O_APPEND;
    let opened = match how {
        Opening::Replace => open(OFlag::O_WRONLY),
        // Reading is for the last byte only; a log may well be writable and not readable.
        Opening::Append => match open(end | OFlag::O_RDWR) {
            Err(Refused::System(Errno::EACCES | Errno::EINVAL | Errno::ENXIO)) => {
                open(end | OFlag::O_WRONLY)
            }
            // Opened for reading as well, a pipe would take bytes that nobody ever reads.
            Ok(fd) if size_of_regular(&fd)?.is_none() => {
                drop(fd);
                open(end | OFlag::O_WRONLY)
            }
            other => other,
        },
    };
    let fd = opened.map_err(|refused| match refused {
        Refused::System(errno) => errno.into(),
        Refused::Planted => io::Error::from(io::ErrorKind::PermissionDenied),
    })?;
    above_standard_streams(fd)
}

/// Writes all of `bytes`, going on after an interruption.
///
/// # Errors
/// What write(2) reports; a descriptor that takes nothing is `WriteZero`.
pub fn write_all(fd: BorrowedFd<'_>, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match write(fd, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// One write(2).
///
/// # Errors
/// What write(2) reports.
pub fn write(fd: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    nix::unistd::write(fd, bytes).map_err(io::Error::from)
}

/// One send(2) that does not wait (MSG_DONTWAIT) and raises no signal.
///
/// # Errors
/// What send(2) reports.
pub fn send(fd: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    use std::os::fd::AsRawFd;
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    // SAFETY: `fd` keeps the descriptor open, and `bytes` has the length that is given.
    let sent = unsafe { libc::send(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), flags) };
    Errno::result(sent)?;
    Ok(usize::try_from(sent).unwrap_or(0))
}

/// The pipe behind a descriptor, opened anew to write without waiting, by /proc: an open file of the
/// caller's own, whose lock and flags no other process has. `None` where that is not possible.
pub fn own_end(fd: BorrowedFd<'_>) -> Option<OwnedFd> {
    use std::os::fd::AsRawFd;
    let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
    let flags = OFlag::O_WRONLY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC | OFlag::O_NOCTTY;
    let opened = nix::fcntl::open(path.as_str(), flags, Mode::empty()).ok()?;
    above_standard_streams(opened).ok()
}

/// Size and whether it is a regular file.
///
/// # Errors
/// What fstat(2) reports.
pub fn size_of_regular(fd: impl AsFd) -> io::Result<Option<u64>> {
    let stat: FileStat = fstat(fd)?;
    let regular = stat.st_mode & libc::S_IFMT == libc::S_IFREG;
    Ok(regular.then(|| u64::try_from(stat.st_size).unwrap_or(0)))
}

/// Moves to the end of a regular file and says where that is.
///
/// # Errors
/// What lseek(2) reports.
pub fn move_to_end(fd: impl AsFd) -> io::Result<u64> {
    let end = nix::unistd::lseek(fd, 0, nix::unistd::Whence::SeekEnd)?;
    Ok(u64::try_from(end).unwrap_or(0))
}

/// Tries to take the exclusive lock of the open file (flock(2)) and says whether it did. It ends
/// with the descriptor.
///
/// # Errors
/// What flock(2) reports, other than that another holds the lock.
pub fn try_lock(fd: BorrowedFd<'_>) -> io::Result<bool> {
    use std::os::fd::AsRawFd;
    // SAFETY: flock(2) takes a descriptor that `fd` keeps open and an integer.
    match Errno::result(unsafe { libc::flock(fd.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) }) {
        Ok(_) => Ok(true),
        Err(Errno::EWOULDBLOCK | Errno::EINTR) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// Gives the lock of the open file back.
pub fn unlock(fd: BorrowedFd<'_>) {
    use std::os::fd::AsRawFd;
    // SAFETY: as in `try_lock`.
    let _ = unsafe { libc::flock(fd.as_raw_fd(), libc::LOCK_UN) };
}

/// Cuts the file back to `size` bytes.
///
/// # Errors
/// What ftruncate(2) reports.
pub fn cut(fd: impl AsFd, size: u64) -> io::Result<()> {
    nix::unistd::ftruncate(fd, i64::try_from(size).unwrap_or(i64::MAX)).map_err(io::Error::from)
}

/// The byte at `offset`, if the file has one there.
pub fn byte_at(fd: impl AsFd, offset: u64) -> Option<u8> {
    let mut byte = [0];
    match nix::sys::uio::pread(fd, &mut byte, i64::try_from(offset).ok()?) {
        Ok(1) => byte.first().copied(),
        _ => None,
    }
}

/// Brings what was written to the disk (fdatasync(2)); a descriptor that cannot be synced, such
/// as a pipe, is none to sync.
///
/// # Errors
/// What fdatasync(2) reports otherwise.
pub fn sync(fd: impl AsFd) -> io::Result<()> {
    match nix::unistd::fdatasync(fd) {
        Ok(()) | Err(Errno::EINVAL | Errno::ENOTSUP | Errno::EROFS) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}
