//! The time in which children run. When it is over, all that they started has ended, however far it
//! went from them, and the process is as it was: signal mask, dispositions, pending signals,
//! whether it adopts orphans.
//!
//! Children that the process had before (a shell that put something into the background and then
//! executed the launcher) are neither ended nor waited for, nor is what those start meanwhile.

use super::child::{self, Child, Command, End, Ended};
use super::fs;
use super::process::end_now;
use super::restored;
use super::wait::Caught;
use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long what does not end by SIGKILL at once (a process inside the kernel) is waited for.
const LAST: Duration = Duration::from_secs(1);
/// How long an end is slept on where the kernel cannot tell it (before 5.3).
const NAP: Duration = Duration::from_millis(5);

/// A child: its id, and the one that /proc knows it by, which differs where the process lives in a
/// PID namespace that /proc is not of.
#[derive(Clone, Copy)]
struct Known {
    pid: i32,
    entry: i32,
}

/// A child that was there before: its id, and whether it had ended already.
struct Before {
    pid: i32,
    ended: bool,
}

/// The time in which children run, from [`Nursery::open`] to [`Nursery::close`].
pub struct Nursery {
    caught: Caught,
    before: Vec<Before>,
    /// Children that are started and not waited for.
    own: Vec<i32>,
    mark: Option<u64>,
    /// Whether the process adopted orphans before.
    adopts: bool,
    /// The disposition of SIGCHLD, and whether one was pending.
    inherited: SigAction,
    pending: bool,
    null: OwnedFd,
    /// The process itself, as /proc has it.
    family: Family,
    closed: bool,
}

impl Nursery {
    /// Begins: TERM, INT, HUP and QUIT are taken care of, orphans come here, children can be waited for.
    ///
    /// # Errors
    /// What the system calls report; ENOENT where there is no /proc to find children by. Nothing is
    /// changed then.
    pub fn open() -> Result<Nursery, Errno> {
        let null = fs::open_file(fs::HERE, Path::new("/dev/null"))?;
        let family = Family::own()?;
        let children = family.children()?;
        let before = |child: Known| Before { pid: child.pid, ended: is_zombie(child.entry) };
        let before = children.into_iter().map(before);
        let before = before.collect();
        let adopts = prctl::get_child_subreaper()?;
        let caught = Caught::begin()
            .map_err(|error| error.raw_os_error().map_or(Errno::EIO, Errno::from_raw))?;
        let pending = is_pending();
        // Ignored, ended children would vanish with their status.
        let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
        // SAFETY: no handler function is installed.
        let inherited = unsafe { sigaction(Signal::SIGCHLD, &default) }?;
        let nursery = Nursery {
            caught,
            before,
            own: Vec::new(),
            mark: child::mark(),
            adopts,
            inherited,
            pending,
            null,
            family,
            closed: false,
        };
        // A failure is undone by the drop.
        prctl::set_child_subreaper(true)?;
        Ok(nursery)
    }

    /// Starts a child.
    ///
    /// # Errors
    /// As [`child::start`].
    pub fn start(&mut self, command: &Command<'_>) -> Result<Child, Errno> {
        let child = child::start(command, self.null.as_fd(), self.mark)?;
        self.own.push(child.pid());
        Ok(child)
    }

    /// Waits until one of these can be read, or until then. TERM and the like end all children and the
    /// launcher.
    pub fn wait(&mut self, watched: &[BorrowedFd<'_>], until: Instant, told: bool) {
        let mut all = vec![PollFd::new(self.caught.descriptor(), PollFlags::POLLIN)];
        all.extend(watched.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLIN)));
        let mut left = until.saturating_duration_since(Instant::now());
        if !told {
            left = left.min(NAP);
        }
        // Rounded up, so that the last wait does not spin.
        let timeout = PollTimeout::try_from(left + Duration::from_micros(999));
        // An error is an interruption: whoever waits looks again.
        let _ = poll(&mut all, timeout.unwrap_or(PollTimeout::from(u16::MAX)));
        drop(all);
        if let Some(signal) = self.caught.signal() {
            self.end_all();
            end_now(128 + signal);
        }
    }

    /// Takes the status of a child that has ended.
    pub fn reap(&mut self, child: Child) -> Ended {
        let pid = child.pid();
        let ended = child.reap();
        self.own.retain(|own| *own != pid);
        ended
    }

    /// Lets a child go that does not end; what is left of it is ended with the rest.
    pub fn abandon(&self, child: Child) {
        child.signal(End::Kill);
    }

    /// Ends all that children left behind and puts the process back. `false`: something of theirs
    /// is still there, and nothing may be started now.
    pub fn close(mut self) -> bool {
        let ended = self.end_all();
        self.restore();
        ended
    }

    /// Ends what is there of the children's, until nothing is. Only children of the process itself
    /// are sent a signal, whose ids cannot become another's before they are waited for; what those
    /// started comes here when they have ended.
    fn end_all(&mut self) -> bool {
        let until = Instant::now() + LAST;
        let mut clean = 0;
        loop {
            let mut found = false;
            let children = self.family.children();
            let seen = children.is_ok();
            for child in children.unwrap_or_default() {
                if self.is_ours(child) {
                    found = true;
                    self.end(child.pid);
                }
            }
            // The list can lack a child while others end (proc(5), children). Where it cannot be
            // read, nothing is known.
            clean = if found || !seen { 0 } else { clean + 1 };
            if clean == 2 {
                return true;
            }
            if Instant::now() >= until {
                return false;
            }
            if clean == 0 {
                let _ = poll(&mut [], PollTimeout::from(1u8));
            }
        }
    }

    /// Whether a child was started here or descends from one that was.
    fn is_ours(&self, Known { pid, entry }: Known) -> bool {
        if self.own.contains(&pid) {
            return true;
        }
        if self.before.iter().any(|before| before.pid == pid) {
            return false;
        }
        match (self.mark, child::limit_of(entry)) {
            (Some(mark), Some(limit)) => limit <= mark,
            // It cannot be told apart; that it is left behind would be worse.
            _ => true,
        }
    }

    fn end(&mut self, pid: i32) {
        let mut status = 0;
        // SAFETY: the process is a child that is not waited for, so the id is its own; `status`
        // lives for the call.
        let reaped = unsafe {
            libc::kill(pid, libc::SIGKILL);
            libc::waitpid(pid, &raw mut status, libc::WNOHANG)
        };
        if reaped == pid {
            self.own.retain(|own| *own != pid);
        }
    }

    fn restore(&mut self) {
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        let adopts = prctl::set_child_subreaper(self.adopts);
        let _ = restored::note("prctl(PR_SET_CHILD_SUBREAPER)", adopts);
        // Of children whose end nobody wanted to hear of, none is left in between.
        if matches!(self.inherited.handler(), SigHandler::SigIgn) {
            for before in self.before.iter().filter(|before| !before.ended) {
                let mut status = 0;
                // SAFETY: `status` lives for the call; the child is of this process.
                unsafe { libc::waitpid(before.pid, &raw mut status, libc::WNOHANG) };
            }
        }
        if !self.pending {
            forget_pending();
        }
        // SAFETY: the disposition was inherited over an exec, which leaves only the default and
        // ignoring; neither is a handler function.
        let put_back = unsafe { sigaction(Signal::SIGCHLD, &self.inherited) };
        let _ = restored::note("rt_sigaction", put_back);
    }
}

impl Drop for Nursery {
    fn drop(&mut self) {
        self.restore();
    }
}

/// The process itself, which has one thread, below /proc.
const SELF: &str = "thread-self";

/// Whose children are looked for.
struct Family {
    /// The id that /proc knows the process by.
    entry: i32,
    /// How far below the PID namespace of /proc the process lives.
    depth: usize,
}

impl Family {
    fn own() -> Result<Family, Errno> {
        let ids = ids(SELF).ok_or(Errno::ENOENT)?;
        let entry = ids.first().copied().ok_or(Errno::ENOENT)?;
        Ok(Family { entry, depth: ids.len() - 1 })
    }

    fn children(&self) -> Result<Vec<Known>, Errno> {
        let known = |entry: i32| {
            let pid = match self.depth {
                0 => entry,
                depth => ids(&entry.to_string())?.get(depth).copied()?,
            };
            Some(Known { pid, entry })
        };
        if let Ok(text) = std::fs::read_to_string(format!("/proc/{SELF}/children")) {
            let entries = text.split_whitespace().filter_map(|entry| entry.parse().ok());
            return Ok(entries.filter_map(known).collect());
        }
        // A kernel without that list (CONFIG_PROC_CHILDREN).
        let mut found = Vec::new();
        let is_child = |&entry: &i32| stat(entry).is_some_and(|(_, parent)| parent == self.entry);
        let proc = fs::open_directory(fs::HERE, Path::new("/proc"))?;
        fs::list(proc.as_fd(), |name, _| {
            let entry = std::str::from_utf8(name).ok().and_then(|name| name.parse().ok());
            found.extend(entry.filter(is_child).and_then(known));
        })?;
        Ok(found)
    }
}

/// The ids of a process from the PID namespace of /proc down to its own (proc(5), NSpid).
fn ids(process: &str) -> Option<Vec<i32>> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
    let ids: Vec<i32> = line.split_whitespace().filter_map(|id| id.parse().ok()).collect();
    (!ids.is_empty()).then_some(ids)
}

/// State and parent of a process (proc(5), stat).
fn stat(pid: i32) -> Option<(char, i32)> {
    let text = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    // The name before may hold anything, parentheses included.
    let after = text.get(text.iter().rposition(|&byte| byte == b')')? + 1..)?;
    let mut fields = std::str::from_utf8(after).ok()?.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

fn is_zombie(pid: i32) -> bool {
    stat(pid).is_some_and(|(state, _)| state == 'Z')
}

/// Whether a SIGCHLD waits to be delivered.
fn is_pending() -> bool {
    // SAFETY: a zeroed set is one, and lives for the calls.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigpending(&raw mut set) == 0 && libc::sigismember(&raw const set, libc::SIGCHLD) == 1
    }
}

/// Takes a SIGCHLD of a provider's that waits to be delivered: the program had no such child. It
/// can wait only where it was inherited as blocked.
fn forget_pending() {
    let mut set = SigSet::empty();
    set.add(Signal::SIGCHLD);
    let none = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    if is_pending() {
        // SAFETY: set and time live for the call; nothing is asked about the signal.
        unsafe { libc::sigtimedwait(set.as_ref(), std::ptr::null_mut(), &raw const none) };
    }
}
