//! A live process as /proc shows it. The directory is opened once: what is read through it is of
//! that process, or nothing, even where its number is given to another one meanwhile.

use crate::contract::model::{Contract, Known};
use crate::secret::Secret;
use crate::source::{is_service_link, split_entry};
use crate::sys::fs::{self, Errno, HERE};
use crate::sys::wait;
use jiff::Timestamp;
use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The most bytes of a file of /proc that are read: more than the kernel takes for arguments and
/// environment under usual limits.
const LIMIT: usize = 16 << 20;
/// PF_KTHREAD (include/linux/sched.h): a thread of the kernel, which has no environment.
const KERNEL_THREAD: i64 = 0x0020_0000;
/// Milliseconds of a tick in what /proc shows (proc(5)): USER_HZ is 100 on all of Linux.
const TICK: i64 = 10;
/// How often, and how long apart, an environment that is empty is looked at.
const EXEC_TRIES: usize = 4;
const EXEC_PAUSE: Duration = Duration::from_millis(5);
/// Bytes that are read at a time.
const PIECE: usize = 64 << 10;

/// A process.
pub struct Process {
    /// Its number.
    pub pid: u32,
    directory: OwnedFd,
    /// Its name in the kernel, 15 bytes at most.
    pub name: String,
    /// When it was started, in milliseconds since 1970; the beginning of time where that cannot
    /// be told.
    pub started: i64,
    state: char,
    flags: i64,
}

impl Process {
    /// Opens it.
    ///
    /// # Errors
    /// ENOENT or ESRCH where it is not there.
    pub fn open(pid: u32) -> Result<Process, Errno> {
        let directory = fs::open_directory(HERE, &PathBuf::from(format!("/proc/{pid}")))?;
        let stat = read(directory.as_fd(), "stat")?;
        let stat = String::from_utf8_lossy(stat.expose()).into_owned();
        // pid (name) state …: the name can hold anything, brackets too (proc(5)).
        let (before, after) = stat.rsplit_once(") ").ok_or(Errno::EIO)?;
        let fields: Vec<&str> = after.split(' ').collect();
        let number = |at: usize| fields.get(at).and_then(|it| it.parse().ok()).unwrap_or(0i64);
        Ok(Process {
            pid,
            name: before.split_once('(').map_or("", |(_, name)| name).to_owned(),
            started: boot_time().map_or(i64::MIN, |boot| boot + number(19) * TICK),
            state: after.chars().next().unwrap_or('?'),
            flags: number(6),
            directory,
        })
    }

    /// Every number of a process.
    ///
    /// # Errors
    /// Where /proc cannot be listed.
    pub fn numbers() -> Result<Vec<u32>, Errno> {
        let proc = fs::open_directory(HERE, Path::new("/proc"))?;
        let mut numbers = Vec::new();
        fs::list(proc.as_fd(), |name, _| {
            numbers
                .extend(std::str::from_utf8(name).ok().and_then(|name| name.parse::<u32>().ok()));
        })?;
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Whether there is no program in it: a thread of the kernel, or one that has ended and is
    /// not yet waited for.
    pub fn is_empty(&self) -> bool {
        self.flags & KERNEL_THREAD != 0 || matches!(self.state, 'Z' | 'X' | 'x')
    }

    /// The environment as it was when its program was started.
    ///
    /// # Errors
    /// EACCES where it may not be looked into, ESRCH where it has ended.
    pub fn environment(&self) -> Result<Environ, Errno> {
        // In the middle of an exec the kernel says for a moment that there is none.
        for _ in 0..EXEC_TRIES {
            let block = read(self.directory.as_fd(), "environ")?;
            if !block.is_empty() || wait::pause(EXEC_PAUSE).is_err() {
                return Ok(Environ(block));
            }
        }
        Ok(Environ(Secret::new(Vec::new())))
    }

    /// The root that its paths begin at, where that is not the own one.
    ///
    /// # Errors
    /// As of [`Process::environment`].
    pub fn root(&self) -> Result<Option<OwnedFd>, Errno> {
        let root = fs::open_directory(self.directory.as_fd(), Path::new("root"))?;
        let same = fs::look_at(root.as_fd())?.identity
            == fs::look(HERE, Path::new("/"), true)?.identity
            && fs::look(self.directory.as_fd(), Path::new("ns/mnt"), true)?.identity
                == fs::look(HERE, Path::new("/proc/self/ns/mnt"), true)?.identity;
        Ok((!same).then_some(root))
    }

    /// The user it runs as (the effective one).
    pub fn user(&self) -> Option<u32> {
        let status = read(self.directory.as_fd(), "status").ok()?;
        let status = String::from_utf8_lossy(status.expose()).into_owned();
        let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
        line.split_ascii_whitespace().nth(1)?.parse().ok()
    }

    /// The path of its program, as its own root has it.
    pub fn program(&self) -> Option<PathBuf> {
        let path = fs::link_target_in(self.directory.as_fd(), Path::new("exe")).ok()?;
        // An upgrade took the file away from under it.
        let path = path.as_bytes().strip_suffix(b" (deleted)").unwrap_or(path.as_bytes());
        Some(PathBuf::from(OsStr::from_bytes(path)))
    }

    /// Whether it is a program of the contract's `program:`, by its path or its argv[0].
    pub fn is_program_of(&self, contract: &Contract) -> bool {
        let typed = read(self.directory.as_fd(), "cmdline").ok();
        let typed = typed.as_ref().and_then(|it| it.expose().split(|&byte| byte == 0).next());
        let last = |path: &[u8]| path.rsplit(|&byte| byte == b'/').next().unwrap_or(path).to_vec();
        let path = self.program();
        contract.program.iter().any(|(name, listed)| {
            path.as_deref().is_some_and(|path| {
                path == Path::new(listed) || path.file_name() == Path::new(listed).file_name()
            }) || typed.is_some_and(|typed| last(typed) == name.as_bytes())
        })
    }
}

/// The inherited block of a process' environment.
pub struct Environ(Secret);

/// An entry whose name belongs to a row of the contract.
#[derive(Clone, Copy)]
pub struct Held<'a> {
    /// The name's place in the contract.
    pub known: Known,
    /// The value.
    pub value: &'a [u8],
}

impl Environ {
    fn entries(&self) -> impl Iterator<Item = &[u8]> {
        let block = self.0.expose();
        block.strip_suffix(&[0]).unwrap_or(block).split(|&byte| byte == 0)
    }

    /// The first value of a name.
    pub fn value(&self, name: &[u8]) -> Option<&[u8]> {
        self.entries().find_map(|entry| entry.strip_prefix(name)?.strip_prefix(b"="))
    }

    /// What belongs to the contract, the first of each name, as getenv(3) finds it.
    pub fn held(&self, contract: &Contract) -> Vec<Held<'_>> {
        let mut all: Vec<Held<'_>> = Vec::new();
        for (name, value) in self.entries().filter_map(split_entry) {
            let Some(known) = contract.known(name) else { continue };
            let repeated = all.iter().any(|held| held.known.name == known.name);
            if !repeated && !is_service_link(name, value) {
                all.push(Held { known, value });
            }
        }
        all
    }

    /// Whether this is no longer the block that the kernel laid out: a program that shows a
    /// title in place of its arguments (setproctitle(3)) writes over it. The kernel ends it with a
    /// NUL, and no entry is empty.
    pub fn is_overwritten(&self) -> bool {
        let block = self.0.expose();
        !block.is_empty()
            && (block.last() != Some(&0)
                || self.entries().any(|entry| !entry.get(1..).unwrap_or_default().contains(&b'=')))
    }
}

/// Reads a file of /proc, whose size is not known before. Every buffer is wiped.
fn read(directory: BorrowedFd<'_>, name: &str) -> Result<Secret, Errno> {
    let file = fs::open_file(directory, Path::new(name))?;
    let (mut pieces, mut length) = (Vec::new(), 0);
    loop {
        let mut piece = vec![0; PIECE];
        let got = fs::read(file.as_fd(), &mut piece)?;
        piece.truncate(got);
        pieces.push(Secret::new(piece));
        length += got;
        if got == 0 {
            break;
        }
        if length > LIMIT {
            return Err(Errno::EFBIG);
        }
    }
    let mut whole = Vec::with_capacity(length);
    for piece in &pieces {
        whole.extend_from_slice(piece.expose());
    }
    Ok(Secret::new(whole))
}

/// When the machine was started, in milliseconds since 1970: now, less the time since then, which
/// /proc/uptime says to a hundredth of a second.
fn boot_time() -> Option<i64> {
    let proc = fs::open_directory(HERE, Path::new("/proc")).ok()?;
    let uptime = read(proc.as_fd(), "uptime").ok()?;
    let uptime = std::str::from_utf8(uptime.expose()).ok()?.split(' ').next()?.replace('.', "");
    Some(Timestamp::now().as_millisecond() - uptime.parse::<i64>().ok()? * TICK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::builtin::CONTRACT;

    fn environ(block: &[u8]) -> Environ {
        Environ(Secret::new(block.to_vec()))
    }

    #[test]
    fn the_first_of_a_name_is_what_the_process_finds() {
        let environ = environ(b"A=1\0JWT_SECRET=one\0NEXIS_JWT_SECRET=\0JWT_SECRET=two\0");
        let held = environ.held(&CONTRACT);
        let all: Vec<_> = held.iter().map(|held| (held.known.name, held.value)).collect();
        assert_eq!(all, [("JWT_SECRET", &b"one"[..]), ("NEXIS_JWT_SECRET", b"")]);
        assert_eq!(environ.value(b"JWT_SECRET"), Some(&b"one"[..]));
        assert_eq!(environ.value(b"JWT_SECRE"), None);
    }

    #[test]
    fn what_kubernetes_injects_for_a_service_is_nothing_held() {
        let environ = environ(b"NEXIS_REDIS_PORT=tcp://10.0.0.1:6379\0");
        assert!(environ.held(&CONTRACT).is_empty());
    }

    #[test]
    fn a_block_that_was_written_over_is_known() {
        for (block, expected) in [
            (&b""[..], false),
            (b"A=1\0B=\0", false),
            (b"A=1\0B=2", true),
            (b"A=1\0\0\0\0", true),
            (b"gateway: worker\0\0", true),
            (b"worker\0A=1\0", true),
            (b"=x\0", true),
            (b"\0", true),
        ] {
            assert_eq!(environ(block).is_overwritten(), expected, "{block:?}");
        }
    }

    #[test]
    fn the_own_process_is_read() {
        let own = Process::open(std::process::id()).unwrap();
        assert!(!own.is_empty() && own.user() == Some(fs::own_uid()));
        assert_eq!(own.program(), std::env::current_exe().ok());
        assert!(own.root().unwrap().is_none(), "its root is the own one");
        let now = Timestamp::now().as_millisecond();
        assert!((now - 600_000..=now + 100).contains(&own.started), "{}", own.started);
        assert!(Process::numbers().unwrap().contains(&std::process::id()));
        assert_eq!(Process::open(u32::MAX).err(), Some(Errno::ENOENT));
    }
}
