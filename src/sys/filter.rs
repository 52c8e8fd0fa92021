//! A process beside the program: started so that the program has no child of it, confined, and
//! waiting for several descriptors at once.

use super::descriptor::above_standard_streams;
use super::signal::{restore_mask, swap_mask};
use super::{confine, identity, process};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{self, ForkResult, Pid};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// The name of the process in listings, where the program's would mislead.
const NAME: &std::ffi::CStr = c"nexis-mask";

/// Waits without end until `fd` can be read or has ended.
///
/// # Errors
/// What poll(2) reports.
pub fn until_readable(fd: BorrowedFd<'_>) -> io::Result<()> {
    until_any(&mut [Watched { fd, wants: Wants::Read, is_ready: false }])
}

/// Waits without end until `fd` can be written or nobody reads it any more.
///
/// # Errors
/// What poll(2) reports.
pub fn until_writable(fd: BorrowedFd<'_>) -> io::Result<()> {
    until_any(&mut [Watched { fd, wants: Wants::Write, is_ready: false }])
}

/// Lets a pipe hold at least so much, as far as the system allows, so that who writes need not wait
/// for who reads.
pub fn widen(fd: BorrowedFd<'_>, size: i32) {
    if fcntl(fd, FcntlArg::F_GETPIPE_SZ).is_ok_and(|now| now < size) {
        let _ = fcntl(fd, FcntlArg::F_SETPIPE_SZ(size));
    }
}

/// What a descriptor is watched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// Something to read, or the end.
    Read,
    /// Space to write, or that nobody reads.
    Write,
    /// That nobody reads what is written.
    NoReader,
}

/// A descriptor that is watched.
pub struct Watched<'fd> {
    /// The descriptor.
    pub fd: BorrowedFd<'fd>,
    /// For what.
    pub wants: Wants,
    /// Whether it came.
    pub is_ready: bool,
}

/// Waits without end until something came that one of `all` is watched for.
///
/// # Errors
/// What poll(2) reports.
pub fn until_any(all: &mut [Watched<'_>]) -> io::Result<()> {
    let mut polled: Vec<PollFd<'_>> = all
        .iter()
        .map(|one| {
            let flags = match one.wants {
                Wants::Read => PollFlags::POLLIN,
                Wants::Write => PollFlags::POLLOUT,
                // An error is reported without being asked for.
                Wants::NoReader => PollFlags::empty(),
            };
            PollFd::new(one.fd, flags)
        })
        .collect();
    loop {
        match poll(&mut polled, PollTimeout::NONE) {
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
            Ok(_) => break,
        }
    }
    for (one, polled) in all.iter_mut().zip(&polled) {
        // A flag that is not known here counts: to wait on would be to wait in vain.
        one.is_ready = polled.revents().is_none_or(|seen| !seen.is_empty());
    }
    Ok(())
}

/// A pipe, both ends above the standard streams and closed by an exec: reader, writer.
///
/// # Errors
/// What pipe2(2) and fcntl(2) report.
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = unistd::pipe2(OFlag::O_CLOEXEC)?;
    Ok((above_standard_streams(reader)?, above_standard_streams(writer)?))
}

/// A standard stream that leads elsewhere while this lives, and over an exec.
pub struct Diverted {
    number: RawFd,
    before: OwnedFd,
}

impl Diverted {
    /// Lets the open descriptor of this number be `to`.
    ///
    /// # Errors
    /// What fcntl(2) and dup2(2) report.
    pub fn new(number: RawFd, to: BorrowedFd<'_>) -> io::Result<Self> {
        // SAFETY: the number is looked up, and the descriptor borrowed for the call alone.
        let kept = unsafe { BorrowedFd::borrow_raw(number) };
        let kept = fcntl(kept, FcntlArg::F_DUPFD_CLOEXEC(3))?;
        // SAFETY: fcntl has just made this descriptor, and nobody else knows its number.
        let before = unsafe { OwnedFd::from_raw_fd(kept) };
        put(to.as_raw_fd(), number)?;
        Ok(Diverted { number, before })
    }
}

impl Drop for Diverted {
    fn drop(&mut self) {
        let _ = put(self.before.as_raw_fd(), self.number);
    }
}

fn put(from: RawFd, to: RawFd) -> io::Result<()> {
    // SAFETY: dup2(2) takes two numbers; the one that is replaced is a standard stream, which
    // nothing here owns.
    Errno::result(unsafe { libc::dup2(from, to) })?;
    Ok(())
}

/// A standard stream of a process that has nothing else to do with it: closed when dropped.
///
/// # Safety
/// Nothing in the process may use the descriptor of this number afterwards.
unsafe fn own(number: RawFd) -> OwnedFd {
    // SAFETY: the caller's promise.
    unsafe { OwnedFd::from_raw_fd(number) }
}

/// Starts a process that runs `run` and ends with its status. Its parent has ended, so it is the
/// child of process 1 or of whoever else takes care of orphans, and the program neither has it as
/// a child nor gets a signal of it. It blocks all signals.
///
/// # Errors
/// What clone(2), fork(2), wait4(2) or sigprocmask(2) report.
pub fn start(run: impl FnOnce() -> i32) -> io::Result<()> {
    // A signal that is sent to the group while this happens must not end it half done.
    let mask = swap_mask(SigmaskHow::SIG_SETMASK, &SigSet::all())?;
    let started = start_blocked(run);
    restore_mask(&mask)?;
    started
}

fn start_blocked(run: impl FnOnce() -> i32) -> io::Result<()> {
    // Without a signal for its end: a blocked one would wait for the program.
    // SAFETY: without flags clone(2) copies the process as fork(2) does. The launcher has one
    // thread, so no lock is held by another, and the copy does no more than fork and end.
    let none: libc::c_long = 0;
    let first = unsafe { libc::syscall(libc::SYS_clone, none, none, none, none, none) };
    if first == 0 {
        // SAFETY: the process has one thread, so the copy may do whatever this one may.
        match unsafe { unistd::fork() } {
            Ok(ForkResult::Child) => process::end_now(run()),
            Ok(ForkResult::Parent { .. }) => process::end_now(0),
            Err(errno) => process::end_now(errno as i32),
        }
    }
    let first = Pid::from_raw(i32::try_from(Errno::result(first)?).unwrap_or_default());
    loop {
        match waitpid(first, Some(WaitPidFlag::__WALL)) {
            Ok(WaitStatus::Exited(_, 0)) => return Ok(()),
            Ok(WaitStatus::Exited(_, errno)) => return Err(Errno::from_raw(errno).into()),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
            // It was killed.
            Ok(_) => return Err(Errno::ECHILD.into()),
        }
    }
}

/// Cuts this process off from the program's: a session of its own, no directory held, no core
/// dump, no tracing, no rights to gain, no capability where giving up is safe, of all descriptors
/// only `inputs` and the standard streams `outputs`, which are handed out, and of system calls
/// those that read, write, wait and end.
///
/// # Errors
/// What the calls report that must not fail.
pub fn settle(inputs: &[OwnedFd], outputs: &[RawFd]) -> io::Result<Vec<OwnedFd>> {
    // A child of fork(2) leads no group, so this does not fail.
    let _ = unistd::setsid();
    let _ = unistd::chdir("/");
    process::forbid_dumps()?;
    identity::forbid_new_privileges().map_err(|(_, errno)| errno)?;
    let _ = nix::sys::prctl::set_name(NAME);
    confine::drop_capabilities();
    let mut kept: Vec<RawFd> = inputs.iter().map(AsRawFd::as_raw_fd).collect();
    kept.extend(outputs);
    close_all_but(kept)?;
    // Where the kernel has no such filters, the rest has to do.
    let _ = confine::to_reading_and_writing();
    // SAFETY: this process is a copy whose only purpose is to write to these; no text is written
    // to a standard stream by other means, and what is left out is closed above.
    Ok(outputs.iter().map(|number| unsafe { own(*number) }).collect())
}

fn close_all_but(mut kept: Vec<RawFd>) -> io::Result<()> {
    kept.sort_unstable();
    let mut from = 0;
    for number in kept {
        if from < number {
            close_range(from, number - 1)?;
        }
        from = number + 1;
    }
    close_range(from, RawFd::MAX)
}

/// close_range(2), or, where the kernel is older than 5.9, one after the other.
fn close_range(first: RawFd, last: RawFd) -> io::Result<()> {
    // SAFETY: the call takes numbers. What it closes belongs to values that this copy of the
    // process never uses again, and never drops: it ends by _exit(2).
    let closed = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
    match Errno::result(closed) {
        Ok(_) => Ok(()),
        Err(Errno::ENOSYS | Errno::EPERM) => {
            let limit = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE);
            let most = limit.map_or(1 << 16, |(soft, _)| RawFd::try_from(soft).unwrap_or(1 << 20));
            for number in first..=last.min(most.min(1 << 20)) {
                // SAFETY: as above.
                unsafe { libc::close(number) };
            }
            Ok(())
        }
        Err(errno) => Err(errno.into()),
    }
}
