//! Waiting with a deadline, during which TERM, INT, HUP and QUIT end the launcher at once.
//!
//! As PID 1 of a container the kernel drops a signal whose disposition is the default, so these
//! are blocked and taken from a descriptor while the launcher waits, and only then. A signal that
//! was inherited as ignored stays ignored: the program would not have seen it either.

use super::process::end_now;
use super::signal::{restore_mask, swap_mask};
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

/// Waits until `fd` can be read (or has ended) and says whether it can; `false`: the deadline
/// passed. TERM ends the process with 143 meanwhile, INT with 130, HUP (a terminal or a session that
/// went away) with 129 and QUIT with 131.
///
/// # Errors
/// What poll(2), sigprocmask(2) or signalfd(2) report.
pub fn until_readable(fd: BorrowedFd<'_>, deadline: Instant) -> io::Result<bool> {
    until(Some((fd, PollFlags::POLLIN)), deadline)
}

/// Waits until `fd` can be written without waiting, with the same answer to these signals.
///
/// # Errors
/// As [`until_readable`].
pub fn until_writable(fd: BorrowedFd<'_>, deadline: Instant) -> io::Result<bool> {
    // Mostly it can be at once; then no signal machinery is needed.
    let mut now = [PollFd::new(fd, PollFlags::POLLOUT)];
    match poll(&mut now, PollTimeout::ZERO) {
        Ok(0) | Err(nix::errno::Errno::EINTR) => until(Some((fd, PollFlags::POLLOUT)), deadline),
        Ok(_) => Ok(true),
        Err(errno) => Err(errno.into()),
    }
}

/// Sleeps, with the same answer to these signals.
///
/// # Errors
/// As [`until_readable`].
pub fn pause(time: Duration) -> io::Result<()> {
    until(None, Instant::now() + time).map(drop)
}

/// The signals that end a wait, blocked and readable from a descriptor; the mask is put back on drop.
pub(super) struct Caught {
    signals: SignalFd,
    mask: SigSet,
}

impl Caught {
    /// Begins to take them.
    pub(super) fn begin() -> io::Result<Self> {
        // The kernel keeps what is blocked even where it is ignored, so that one is left alone.
        let ends = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT].into_iter();
        let caught: SigSet = ends.filter(|signal| !is_ignored(*signal)).collect();
        let mask = swap_mask(SigmaskHow::SIG_BLOCK, &caught)?;
        match SignalFd::with_flags(&caught, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK) {
            Ok(signals) => Ok(Caught { signals, mask }),
            Err(errno) => {
                let _ = restore_mask(&mask);
                Err(errno.into())
            }
        }
    }

    /// What can be read once one of them came.
    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.signals.as_fd()
    }

    /// The number of the one that came.
    pub(super) fn signal(&self) -> Option<i32> {
        let info = self.signals.read_signal().ok()??;
        i32::try_from(info.ssi_signo).ok()
    }

    /// Ends the process if one of them came.
    fn obey(&self) {
        if let Some(signal) = self.signal() {
            end_now(128 + signal);
        }
    }
}

/// Whether the process ignores the signal.
fn is_ignored(signal: Signal) -> bool {
    // SAFETY: an all-zero sigaction is one, and the kernel fills it during the call, which changes
    // nothing.
    unsafe {
        let mut now: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal as libc::c_int, std::ptr::null(), &raw mut now) == 0
            && now.sa_sigaction == libc::SIG_IGN
    }
}

impl Drop for Caught {
    fn drop(&mut self) {
        // One that came between the last look and here must not be lost as PID 1 either.
        self.obey();
        let _ = restore_mask(&self.mask);
    }
}

fn until(what: Option<(BorrowedFd<'_>, PollFlags)>, deadline: Instant) -> io::Result<bool> {
    let caught = Caught::begin()?;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        // Rounded up to whole milliseconds, so that the last wait does not spin.
        let timeout = PollTimeout::try_from(left + Duration::from_micros(999))
            .unwrap_or(PollTimeout::from(u16::MAX));
        let signals = PollFd::new(caught.signals.as_fd(), PollFlags::POLLIN);
        let ready = match what {
            Some((fd, flags)) => {
                let mut both = [signals, PollFd::new(fd, flags)];
                poll(&mut both, timeout).map(|_| {
                    both.last().is_some_and(|fd| {
                        fd.any() == Some(true) || fd.revents().is_some_and(|seen| !seen.is_empty())
                    })
                })
            }
            None => poll(&mut [signals], timeout).map(|_| false),
        };
        caught.obey();
        match ready {
            Ok(true) => return Ok(true),
            Ok(false) if left.is_zero() => return Ok(false),
            Ok(false) | Err(nix::errno::Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}
