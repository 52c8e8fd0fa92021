//! One child: started with nothing of the launcher's but what it is given, told apart from every
//! other process by a mark, and asked for its end.
//!
//! Everything that the child needs is made before the fork; between fork and exec there are only
//! system calls.

use super::descriptor::above_standard_streams;
use super::fs;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use std::ffi::{CStr, c_char, c_int, c_long, c_ulong};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// What is started, and who it is.
#[derive(Clone, Copy)]
pub struct Command<'a> {
    /// The program's path.
    pub program: &'a CStr,
    /// Its arguments, the program first.
    pub arguments: &'a [&'a CStr],
    /// Its environment.
    pub environment: &'a [&'a CStr],
    /// User, group and all groups; absent: the launcher's.
    pub user: Option<(u32, u32, &'a [u32])>,
}

/// A started child. It leads a session and a process group of its own.
pub struct Child {
    pid: libc::pid_t,
    /// Readable once it has ended; absent on kernels before 5.3, and once that was seen.
    end: Option<OwnedFd>,
    /// Its standard output, read without waiting.
    pub output: OwnedFd,
    /// Its standard error, the same.
    pub errors: OwnedFd,
    /// What went wrong before its program began; closed by the exec.
    report: OwnedFd,
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself.
    Status(i32),
    /// By a signal.
    Signal(i32),
    /// Its program never began.
    NotStarted(Stage, Errno),
}

/// The step before the exec that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The exec itself.
    Exec,
    /// Becoming its user.
    User,
    /// Anything else.
    Setup,
}

/// Stages in the order of their numbers in the report.
const STAGES: [Stage; 3] = [Stage::Exec, Stage::User, Stage::Setup];

/// A pipe above the standard streams; reading does not wait.
fn pipe() -> Result<(OwnedFd, OwnedFd), Errno> {
    let (read, write) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
    let raised = |fd| above_standard_streams(fd).map_err(|_| Errno::EMFILE);
    let (read, write) = (raised(read)?, raised(write)?);
    fcntl(&read, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok((read, write))
}

/// Starts a child. `null` is its standard input; `mark` the limit that it and whatever it starts
/// are told by, see [`limit_of`].
///
/// # Errors
/// What pipe2(2), fork(2) or getgroups(2) report. That the program cannot be executed is seen by
/// [`Child::reap`].
pub(super) fn start(
    command: &Command<'_>,
    null: BorrowedFd<'_>,
    mark: Option<u64>,
) -> Result<Child, Errno> {
    let pointers = |texts: &[&CStr]| -> Vec<*const c_char> {
        texts.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect()
    };
    let (arguments, environment) = (pointers(command.arguments), pointers(command.environment));
    // Where they are these already, a user namespace may forbid to set them.
    let groups = command.user.map(|(_, _, groups)| groups);
    let groups = groups.filter(|groups| {
        super::identity::current().map_or(true, |now| now.supplementary != *groups)
    });
    let ((output, writes), (errors, complains)) = (pipe()?, pipe()?);
    let (report, reports) = pipe()?;
    let setup = Setup {
        program: command.program.as_ptr(),
        arguments: arguments.as_ptr(),
        environment: environment.as_ptr(),
        identity: command.user.map(|(user, group, _)| (user, group)),
        groups: groups.map(|groups| (groups.len(), groups.as_ptr())),
        streams: [null.as_raw_fd(), writes.as_raw_fd(), complains.as_raw_fd()],
        report: reports.as_raw_fd(),
        mark,
        parent: nix::unistd::getpid().as_raw(),
    };
    // SAFETY: the launcher has one thread, and the child goes on only to `become_program`, which
    // makes system calls alone on memory that was made above.
    match unsafe { libc::fork() } {
        0 => unsafe { setup.become_program() },
        -1 => Err(Errno::last()),
        pid => {
            drop((writes, complains, reports));
            Ok(Child { pid, end: end_of(pid), output, errors, report })
        }
    }
}

/// A descriptor that can be read once the child has ended (pidfd_open(2)).
fn end_of(pid: libc::pid_t) -> Option<OwnedFd> {
    // SAFETY: two numbers; the descriptor that is returned belongs to nobody else.
    let fd =
        unsafe { libc::syscall(libc::SYS_pidfd_open, libc::c_long::from(pid), 0 as libc::c_long) };
    let fd = c_int::try_from(fd).ok().filter(|fd| *fd >= 0)?;
    // SAFETY: as above.
    above_standard_streams(unsafe { OwnedFd::from_raw_fd(fd) }).ok()
}

impl Child {
    /// Its process id.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// What becomes readable at its end.
    pub fn end(&self) -> Option<BorrowedFd<'_>> {
        self.end.as_ref().map(AsFd::as_fd)
    }

    /// Whether it has ended. It is not waited for: until [`reap`](Child::reap) its id stays its own.
    pub fn has_ended(&mut self) -> bool {
        let Ok(pid) = libc::id_t::try_from(self.pid) else { return true };
        // SAFETY: an all-zero siginfo_t is one, and the kernel fills it during the call.
        let ended = unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            let how = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
            let done = libc::waitid(libc::P_PID, pid, &raw mut info, how);
            done != 0 || info.si_pid() != 0
        };
        if ended {
            self.end = None;
        }
        ended
    }

    /// Sends a signal to its process group, and to itself where it has none yet.
    pub fn signal(&self, end: End) {
        let signal = match end {
            End::Terminate => libc::SIGTERM,
            End::Kill => libc::SIGKILL,
        };
        // SAFETY: the child is not waited for, so neither id belongs to another process.
        unsafe {
            if libc::kill(-self.pid, signal) != 0 {
                libc::kill(self.pid, signal);
            }
        }
    }

    /// Waits for the end of a child that has ended, and ends what is left of its group before its
    /// id is free for others.
    pub(super) fn reap(self) -> Ended {
        self.signal(End::Kill);
        let mut status = 0;
        // SAFETY: `status` lives for the call.
        while unsafe { libc::waitpid(self.pid, &raw mut status, 0) } < 0 {
            // Somebody else has waited for it: how it ended is not known, and no success.
            if Errno::last() != Errno::EINTR {
                return Ended::NotStarted(Stage::Setup, Errno::last());
            }
        }
        let mut report = [0; 5];
        if fs::read(self.report.as_fd(), &mut report) == Ok(report.len()) {
            let [stage, number @ ..] = report;
            let stage = STAGES.get(usize::from(stage)).copied().unwrap_or(Stage::Setup);
            return Ended::NotStarted(stage, Errno::from_raw(i32::from_ne_bytes(number)));
        }
        if libc::WIFEXITED(status) {
            Ended::Status(libc::WEXITSTATUS(status))
        } else {
            Ended::Signal(libc::WTERMSIG(status))
        }
    }
}

/// How a child is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It is asked (SIGTERM).
    Terminate,
    /// It is not (SIGKILL).
    Kill,
}

/// What marks providers is their RLIMIT_RTTIME: it bounds the computing time of real-time processes
/// alone, so no program notices; it is handed on to every descendant; and without CAP_SYS_RESOURCE
/// a hard limit can be lowered and never raised. This is more than a hundred years, in microseconds.
const MARK_TIME: u64 = 4_000_000_000_000_000;

/// A limit below the launcher's own, so that all its other children lie above it.
pub(super) fn mark() -> Option<u64> {
    let mut own = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `own` lives for the call.
    let asked = unsafe { libc::getrlimit(libc::RLIMIT_RTTIME, &raw mut own) };
    (asked == 0 && own.rlim_max > 0).then(|| MARK_TIME.min(own.rlim_max - 1))
}

/// The hard limit of the mark in a process, as /proc/PID/limits has it; `None` where that cannot be
/// read.
pub(super) fn limit_of(pid: i32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Max realtime timeout"))?;
    match line.split_whitespace().nth(1)? {
        "unlimited" => Some(u64::MAX),
        number => number.parse().ok(),
    }
}

/// All that the child reads between fork and exec.
struct Setup {
    program: *const c_char,
    arguments: *const *const c_char,
    environment: *const *const c_char,
    identity: Option<(u32, u32)>,
    groups: Option<(usize, *const u32)>,
    streams: [c_int; 3],
    report: c_int,
    mark: Option<u64>,
    parent: libc::pid_t,
}

impl Setup {
    /// Becomes the program, or reports why not and ends.
    ///
    /// # Safety
    /// Only in a forked child: it changes the whole process. The pointers are NULL-terminated
    /// arrays of C strings, and `groups` as many numbers as it says.
    unsafe fn become_program(&self) -> ! {
        // SAFETY: as the caller promises.
        let (stage, errno) = match unsafe { self.prepare() } {
            Err(failed) => failed,
            // SAFETY: the arrays are as the caller promises.
            Ok(()) => unsafe {
                libc::execve(self.program, self.arguments, self.environment);
                (Stage::Exec, Errno::last())
            },
        };
        let stage = STAGES.iter().position(|one| *one == stage).unwrap_or(2);
        let [a, b, c, d] = (errno as c_int).to_ne_bytes();
        let report = [u8::try_from(stage).unwrap_or(2), a, b, c, d];
        // SAFETY: the report lives for the call; _exit(2) has no precondition.
        unsafe {
            libc::write(self.report, report.as_ptr().cast(), report.len());
            libc::_exit(127)
        }
    }

    /// # Safety
    /// As of [`become_program`](Setup::become_program).
    unsafe fn prepare(&self) -> Result<(), (Stage, Errno)> {
        let setup = |done: c_int| match done {
            -1 => Err((Stage::Setup, Errno::last())),
            _ => Ok(()),
        };
        // SAFETY: system calls on numbers, and on values that live for the call.
        unsafe {
            setup(libc::setsid())?;
            // A provider is started as from a clean shell, whatever the launcher inherited. The raw
            // call reaches the signals too that the C library keeps for itself; zeroes are the
            // default disposition. KILL and STOP have no other, and say so.
            let default = [0 as c_long; 4];
            for signal in 1..=64 as c_long {
                let none = std::ptr::null_mut::<libc::c_void>();
                libc::syscall(libc::SYS_rt_sigaction, signal, default.as_ptr(), none, 8);
            }
            for (number, fd) in (0..).zip(self.streams) {
                setup(libc::dup2(fd, number))?;
            }
            setup(libc::chdir(c"/".as_ptr()))?;
            self.close_the_rest();
            // What holds secrets leaves none on the disk.
            let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
            setup(libc::setrlimit(libc::RLIMIT_CORE, &raw const none))?;
            if let Some(mark) = self.mark {
                let mark = libc::rlimit { rlim_cur: mark, rlim_max: mark };
                setup(libc::setrlimit(libc::RLIMIT_RTTIME, &raw const mark))?;
            }
            self.change_identity().map_err(|errno| (Stage::User, errno))?;
            // Without this a program with more rights than the launcher could not be ended.
            let (on, off): (c_ulong, c_ulong) = (1, 0);
            setup(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, on, off, off, off))?;
            // After the change of user, which would take it back.
            let kill = libc::SIGKILL as c_ulong;
            setup(libc::prctl(libc::PR_SET_PDEATHSIG, kill, off, off, off))?;
            // A parent that ended before leaves nobody to answer.
            if libc::getppid() != self.parent {
                return Err((Stage::Setup, Errno::ESRCH));
            }
            let mut unblocked: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&raw mut unblocked);
            setup(libc::sigprocmask(libc::SIG_SETMASK, &raw const unblocked, std::ptr::null_mut()))
        }
    }

    /// Lets the exec close every descriptor above the standard streams: what the launcher inherited
    /// for the program, a pipe with another secret in it, is none of a provider's.
    ///
    /// # Safety
    /// As of [`become_program`](Setup::become_program).
    unsafe fn close_the_rest(&self) {
        // SAFETY: system calls on numbers.
        unsafe {
            let how = libc::CLOSE_RANGE_CLOEXEC as c_long;
            if libc::syscall(libc::SYS_close_range, 3 as c_long, c_long::from(u32::MAX), how) == 0 {
                return;
            }
            // Kernels before 5.11 are asked for each.
            let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
            libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
            let most = c_int::try_from(limit.rlim_cur).unwrap_or(c_int::MAX).min(1 << 20);
            for fd in 3..most {
                libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC);
            }
        }
    }

    /// Becomes the user: groups first, capabilities last, and all of it asked for again.
    ///
    /// # Safety
    /// As of [`become_program`](Setup::become_program).
    unsafe fn change_identity(&self) -> Result<(), Errno> {
        let Some((user, group)) = self.identity else { return Ok(()) };
        // SAFETY: system calls on numbers, on the caller's list of groups, and on values that live
        // for the call and have the layout that the kernel demands (capset(2), version 3).
        unsafe {
            if let Some((count, groups)) = self.groups {
                Errno::result(libc::syscall(libc::SYS_setgroups, count, groups))?;
            }
            Errno::result(libc::syscall(libc::SYS_setresgid, group, group, group))?;
            Errno::result(libc::syscall(libc::SYS_setresuid, user, user, user))?;
            if user != 0 {
                let (header, none) = ([0x2008_0522_u32, 0], [0_u32; 6]);
                let set = libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr());
                Errno::result(set)?;
            }
            let (mut real, mut effective, mut saved) = (0, 0, 0);
            Errno::result(libc::getresuid(&raw mut real, &raw mut effective, &raw mut saved))?;
            let users = [real, effective, saved] == [user; 3];
            Errno::result(libc::getresgid(&raw mut real, &raw mut effective, &raw mut saved))?;
            let groups = [real, effective, saved] == [group; 3];
            // Of root only the numbers can be asked for.
            let back =
                user != 0 && libc::syscall(libc::SYS_setresuid, user, 0 as c_long, user) == 0;
            if users && groups && !back { Ok(()) } else { Err(Errno::EPERM) }
        }
    }
}
