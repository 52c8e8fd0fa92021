//! Files and directories: thin safe functions over the system calls, each retried on EINTR.
//!
//! Paths are handed to the kernel as they are; a relative one starts at `dir`, and [`HERE`]
//! stands for the working directory.
#![allow(unsafe_code, reason = "getdents64(2) has no safe wrapper that allocates nothing")]

use nix::fcntl::{self, AtFlags, FcntlArg, OFlag, OpenHow, ResolveFlag};
use nix::libc;
use nix::sys::{stat, statvfs};
use std::cell::Cell;
use std::ffi::OsString;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

pub use nix::errno::Errno;

/// The working directory in place of a directory's descriptor.
pub const HERE: BorrowedFd<'static> = fcntl::AT_FDCWD;

thread_local! {
    /// The directory that stands for `/`; negative: the process' own root does.
    static ROOT: Cell<RawFd> = const { Cell::new(-1) };
}

/// Runs `work` with every path of this room beginning at `root`, as after chroot(2): absolute
/// paths, links and `..` stay below it. It needs no right to change the root. A name that is
/// opened relative to a directory must not leave that directory (EXDEV), and links of /proc are
/// not followed (ELOOP).
pub fn within<T>(root: BorrowedFd<'_>, work: impl FnOnce() -> T) -> T {
    struct Back(RawFd);
    impl Drop for Back {
        fn drop(&mut self) {
            ROOT.set(self.0);
        }
    }
    let _back = Back(ROOT.replace(root.as_raw_fd()));
    work()
}

/// openat(2), below the root that is in force.
fn open_below(dir: BorrowedFd<'_>, path: &Path, flags: OFlag) -> nix::Result<OwnedFd> {
    let root = ROOT.get();
    if root < 0 {
        return retried(|| fcntl::openat(dir, path, flags, stat::Mode::empty()));
    }
    // SAFETY: `within` borrows the descriptor for as long as its number stands there.
    let root = unsafe { BorrowedFd::borrow_raw(root) };
    let absolute;
    let (dir, path, resolve) = if dir.as_raw_fd() == HERE.as_raw_fd() {
        absolute = std::path::absolute(path).map_err(|_| Errno::ENOENT)?;
        (root, absolute.as_path(), ResolveFlag::RESOLVE_IN_ROOT)
    } else {
        (dir, path, ResolveFlag::RESOLVE_BENEATH)
    };
    let how = OpenHow::new().flags(flags).resolve(resolve | ResolveFlag::RESOLVE_NO_MAGICLINKS);
    // EAGAIN: something was renamed while the kernel walked, and it could not tell where it was.
    for _ in 0..16 {
        match retried(|| fcntl::openat2(dir, path, how)) {
            Err(Errno::EAGAIN) => {}
            other => return other,
        }
    }
    Err(Errno::EAGAIN)
}

/// What stands under a path, for calls that take a descriptor in its place.
fn place_below(dir: BorrowedFd<'_>, path: &Path, follow: bool) -> nix::Result<OwnedFd> {
    let last = if follow { OFlag::empty() } else { OFlag::O_NOFOLLOW };
    open_below(dir, path, OFlag::O_PATH | OFlag::O_CLOEXEC | last)
}

/// Whether another root than the process' own is in force.
fn is_within() -> bool {
    ROOT.get() >= 0
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A pipe with or without a name.
    Pipe,
    /// A socket.
    Socket,
    /// A character or block device.
    Device,
    /// Not said: some file systems leave it out of their listings.
    Unknown,
}

impl Kind {
    /// The words of a message: `it is …`.
    pub const fn words(self) -> &'static str {
        match self {
            Kind::Regular => "a regular file",
            Kind::Directory => "a directory",
            Kind::Link => "a symbolic link",
            Kind::Pipe => "a pipe",
            Kind::Socket => "a socket",
            Kind::Device => "a device",
            Kind::Unknown => "of an unknown kind",
        }
    }
}

/// The part of stat(2) that is asked for here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// The kind.
    pub kind: Kind,
    /// The permission bits, `0o7777`.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// The length in bytes; 0 for what has none.
    pub size: u64,
    /// How many names it has; none, where it was unlinked or never had one (memfd_create(2)).
    pub links: u64,
    /// The device and the inode: the same pair is the same file.
    pub identity: (u64, u64),
}

impl From<stat::FileStat> for Stat {
    #[allow(
        clippy::useless_conversion,
        clippy::unnecessary_cast,
        reason = "the fields' widths differ between architectures and C libraries"
    )]
    fn from(raw: stat::FileStat) -> Self {
        let kind = match raw.st_mode & libc::S_IFMT {
            libc::S_IFREG => Kind::Regular,
            libc::S_IFDIR => Kind::Directory,
            libc::S_IFLNK => Kind::Link,
            libc::S_IFIFO => Kind::Pipe,
            libc::S_IFSOCK => Kind::Socket,
            libc::S_IFCHR | libc::S_IFBLK => Kind::Device,
            _ => Kind::Unknown,
        };
        Stat {
            kind,
            mode: raw.st_mode & 0o7777,
            uid: raw.st_uid,
            gid: raw.st_gid,
            size: u64::try_from(raw.st_size).unwrap_or(0),
            links: raw.st_nlink as u64,
            identity: (raw.st_dev as u64, raw.st_ino as u64),
        }
    }
}

/// The descriptors that [`leave`] left open, as bits.
static LEFT: AtomicU32 = AtomicU32::new(0);

/// Done with a descriptor. The exec closes it anyway (O_CLOEXEC), so the first few are left to it,
/// for a system call less each. Where descriptors run out they are closed after all.
pub fn leave(fd: OwnedFd) {
    if let Some(bit) = u32::try_from(fd.as_raw_fd()).ok().and_then(|fd| 1u32.checked_shl(fd)) {
        let _ = fd.into_raw_fd();
        LEFT.fetch_or(bit, Relaxed);
    }
}

/// Closes what was left open and says whether there was anything.
fn close_left() -> bool {
    let left = LEFT.swap(0, Relaxed);
    for fd in (0..).zip(0..u32::BITS).filter(|(_, bit)| left >> bit & 1 == 1).map(|(fd, _)| fd) {
        // SAFETY: `leave` gave up this descriptor, and the exchange gave it to this call alone.
        drop(unsafe { OwnedFd::from_raw_fd(fd) });
    }
    left != 0
}

/// Runs `call` until it is not interrupted by a signal, and again with more free descriptors.
pub(super) fn retried<T>(mut call: impl FnMut() -> nix::Result<T>) -> nix::Result<T> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            Err(Errno::EMFILE) if close_left() => {}
            other => return other,
        }
    }
}

/// Opens for reading without waiting for a writer, without taking a controlling terminal, and
/// above the standard streams: one that was closed at start stays closed.
fn open(dir: BorrowedFd<'_>, path: &Path, extra: OFlag) -> nix::Result<OwnedFd> {
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NOCTTY | OFlag::O_NONBLOCK | extra;
    let fd = open_below(dir, path, flags)?;
    if fd.as_raw_fd() > 2 {
        return Ok(fd);
    }
    let raised = fcntl::fcntl(&fd, FcntlArg::F_DUPFD_CLOEXEC(3))?;
    // SAFETY: fcntl(2) has just returned this descriptor and nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(raised) })
}

/// Opens a file for reading; it never blocks, not even on a pipe without a writer.
///
/// # Errors
/// What openat(2) reports.
pub fn open_file(dir: BorrowedFd<'_>, path: &Path) -> nix::Result<OwnedFd> {
    open(dir, path, OFlag::empty())
}

/// The same of a file that is no symbolic link.
///
/// # Errors
/// What openat(2) reports; ELOOP for a link.
pub fn open_plain_file(dir: BorrowedFd<'_>, path: &Path) -> nix::Result<OwnedFd> {
    open(dir, path, OFlag::O_NOFOLLOW)
}

/// Opens a directory for listing and as the start of relative paths.
///
/// # Errors
/// What openat(2) reports; ENOTDIR where it is no directory.
pub fn open_directory(dir: BorrowedFd<'_>, path: &Path) -> nix::Result<OwnedFd> {
    open(dir, path, OFlag::O_DIRECTORY)
}

/// Looks at what a path leads to, without opening it.
///
/// # Errors
/// What fstatat(2) reports.
pub fn look(dir: BorrowedFd<'_>, path: &Path, follow: bool) -> nix::Result<Stat> {
    if is_within() {
        return look_at(place_below(dir, path, follow)?.as_fd());
    }
    let flags = if follow { AtFlags::empty() } else { AtFlags::AT_SYMLINK_NOFOLLOW };
    retried(|| stat::fstatat(dir, path, flags)).map(Stat::from)
}

/// Looks at what is open.
///
/// # Errors
/// What fstat(2) reports.
pub fn look_at(fd: BorrowedFd<'_>) -> nix::Result<Stat> {
    retried(|| stat::fstat(fd)).map(Stat::from)
}

/// When a file's content, owner, mode or links were last changed, in milliseconds since 1970: what
/// nobody but the clock sets (stat(2), st_ctim).
///
/// # Errors
/// What fstat(2) or openat(2) reports.
#[allow(
    clippy::useless_conversion,
    clippy::unnecessary_cast,
    reason = "the fields' widths differ between architectures and C libraries"
)]
pub fn changed(dir: BorrowedFd<'_>, path: &Path) -> nix::Result<i64> {
    let seen = retried(|| stat::fstat(place_below(dir, path, true)?))?;
    Ok((seen.st_ctime as i64) * 1000 + (seen.st_ctime_nsec as i64) / 1_000_000)
}

/// Where a symbolic link in an open directory leads, the links of /proc included.
///
/// # Errors
/// What readlinkat(2) reports.
pub fn link_target_in(dir: BorrowedFd<'_>, path: &Path) -> nix::Result<OsString> {
    retried(|| fcntl::readlinkat(dir, path))
}

/// Where a symbolic link leads.
///
/// # Errors
/// What readlinkat(2) reports.
pub fn link_target(path: &Path) -> nix::Result<OsString> {
    if is_within() {
        let link = place_below(HERE, path, false)?;
        return retried(|| fcntl::readlinkat(&link, c""));
    }
    retried(|| fcntl::readlinkat(HERE, path))
}

/// Whether the path lies on a read-only mount; `false` where that cannot be told.
pub fn on_read_only_mount(path: &Path) -> bool {
    if is_within() {
        return place_below(HERE, path, true)
            .and_then(|place| retried(|| statvfs::fstatvfs(&place)))
            .is_ok_and(|found| found.flags().contains(statvfs::FsFlags::ST_RDONLY));
    }
    retried(|| statvfs::statvfs(path))
        .is_ok_and(|found| found.flags().contains(statvfs::FsFlags::ST_RDONLY))
}

/// Whether the path lies on a file system that the kernel makes up (statfs(2)): its files have no
/// end or change what they show; `false` where that cannot be told.
pub fn is_the_kernels(path: &Path) -> bool {
    use nix::sys::statfs::{
        CGROUP2_SUPER_MAGIC, DEBUGFS_MAGIC, PROC_SUPER_MAGIC, SYSFS_MAGIC, TRACEFS_MAGIC, statfs,
    };
    let kernels =
        [PROC_SUPER_MAGIC, SYSFS_MAGIC, DEBUGFS_MAGIC, TRACEFS_MAGIC, CGROUP2_SUPER_MAGIC];
    retried(|| statfs(path)).is_ok_and(|found| kernels.contains(&found.filesystem_type()))
}

/// Reads once. `Ok(0)` is the end, EAGAIN a pipe that has nothing yet.
///
/// # Errors
/// What read(2) reports.
pub fn read(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> nix::Result<usize> {
    retried(|| nix::unistd::read(fd, buffer))
}

/// The user that permissions are checked against.
pub fn own_uid() -> u32 {
    nix::unistd::geteuid().as_raw()
}

/// Calls `entry` with the name and kind of everything in an open directory, `.` and `..` left
/// out. The order is the file system's.
///
/// # Errors
/// What getdents64(2) reports.
pub fn list(fd: BorrowedFd<'_>, mut entry: impl FnMut(&[u8], Kind)) -> nix::Result<()> {
    // Aligned as the kernel's records are; no record is larger than 280 bytes. It is not cleared
    // before: that would cost more than the rest of the listing. A page of the stack is enough, and
    // a launch touches no more of them than it has to.
    #[repr(align(8))]
    struct Buffer([MaybeUninit<u8>; 3072]);
    let mut buffer = Buffer([MaybeUninit::uninit(); 3072]);
    loop {
        let filled = retried(|| {
            // SAFETY: the kernel writes at most the given length into the buffer, which is
            // exclusively borrowed for the call.
            let got = unsafe {
                libc::syscall(
                    libc::SYS_getdents64,
                    fd.as_raw_fd(),
                    buffer.0.as_mut_ptr(),
                    buffer.0.len(),
                )
            };
            Errno::result(got)
        })?;
        let filled = usize::try_from(filled).unwrap_or(0).min(buffer.0.len());
        // SAFETY: the kernel has just written that many bytes.
        let mut rest =
            unsafe { std::slice::from_raw_parts(buffer.0.as_ptr().cast::<u8>(), filled) };
        if rest.is_empty() {
            return Ok(());
        }
        // linux_dirent64: inode 8 bytes, offset 8, record length 2, type 1, name with its NUL.
        while let Some(&[low, high, kind]) = rest.get(16..19) {
            let length = usize::from(u16::from_ne_bytes([low, high]));
            let Some((record, after)) = rest.split_at_checked(length.max(19)) else { break };
            rest = after;
            let name = record.get(19..).unwrap_or_default();
            let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
            if name != b"." && name != b".." {
                entry(name, listed_kind(kind));
            }
        }
    }
}

fn listed_kind(kind: u8) -> Kind {
    match kind {
        libc::DT_REG => Kind::Regular,
        libc::DT_DIR => Kind::Directory,
        libc::DT_LNK => Kind::Link,
        libc::DT_FIFO => Kind::Pipe,
        libc::DT_SOCK => Kind::Socket,
        libc::DT_CHR | libc::DT_BLK => Kind::Device,
        _ => Kind::Unknown,
    }
}

/// An error's name and what it means, as fixed text.
pub const fn errno_words(errno: Errno) -> &'static str {
    match errno {
        Errno::EACCES => "EACCES (permission denied)",
        Errno::EPERM => "EPERM (operation not permitted)",
        Errno::ENOENT => "ENOENT (no such file or directory)",
        Errno::ENOTDIR => "ENOTDIR (a part of the path is not a directory)",
        Errno::EISDIR => "EISDIR (it is a directory)",
        Errno::ELOOP => "ELOOP (too many symbolic links)",
        Errno::ENAMETOOLONG => "ENAMETOOLONG (the path is too long)",
        Errno::EMFILE => "EMFILE (too many open descriptors in the process)",
        Errno::ENFILE => "ENFILE (too many open files in the system)",
        Errno::ENOMEM => "ENOMEM (out of memory)",
        Errno::ENOEXEC => "ENOEXEC (it has no format that this machine executes)",
        Errno::E2BIG => "E2BIG (arguments and environment are too large)",
        Errno::ESRCH => "ESRCH (no such process)",
        Errno::ENXIO => "ENXIO (no such device, or no reader)",
        Errno::ENODEV => "ENODEV (no such device)",
        Errno::ENODATA => "ENODATA (no data)",
        Errno::EIO => "EIO (input or output error)",
        Errno::EINVAL => "EINVAL (the name is not one the file system takes)",
        Errno::EBUSY => "EBUSY (device or resource busy)",
        Errno::ENOLINK => "ENOLINK (its ..data leads nowhere)",
        Errno::ESTALE => "ESTALE (it keeps changing while it is read)",
        Errno::ETIMEDOUT => "ETIMEDOUT (timed out)",
        Errno::ENOTCONN => "ENOTCONN (the file system's server is gone)",
        Errno::EHOSTDOWN => "EHOSTDOWN (the file system's host is down)",
        Errno::EBADF => "EBADF (bad descriptor)",
        Errno::EOVERFLOW => "EOVERFLOW (a number is too large)",
        Errno::EXDEV => "EXDEV (a link leads out of its directory in another root)",
        Errno::EROFS => "EROFS (read-only file system)",
        Errno::ENOSPC => "ENOSPC (no space left)",
        Errno::ETXTBSY => "ETXTBSY (the file is being written)",
        Errno::EAGAIN => "EAGAIN (nothing there yet)",
        _ => "an unexpected error",
    }
}

/// The same for an error of the standard library.
pub fn io_words(error: &io::Error) -> &'static str {
    error.raw_os_error().map_or("an unexpected error", |raw| errno_words(Errno::from_raw(raw)))
}

/// Waits for a pipe in tests, without the answer to signals that [`super::wait`] adds.
#[cfg(test)]
pub fn wait_in_test(fd: BorrowedFd<'_>, deadline: std::time::Instant) -> io::Result<bool> {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    let left = deadline.saturating_duration_since(std::time::Instant::now());
    let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
    Ok(poll(&mut [PollFd::new(fd, PollFlags::POLLIN)], timeout)? > 0)
}
