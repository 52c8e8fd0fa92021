//! One file: looked at, opened, looked at again, read whole into one buffer, closed.
//!
//! What would block or be without end (a pipe, device or socket) is not opened, unless it is a
//! pipe that was named explicitly; that is read up to a deadline. A regular file on a network
//! mount that hangs cannot be helped: the kernel does not return from open(2) there.

use crate::finding::{Code, Fact};
use crate::secret::Secret;
use crate::sys::fs::{self, Errno, Kind, Stat};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Instant;
use zeroize::Zeroize;

/// The most bytes of one value (interface section 3).
pub const VALUE_LIMIT: usize = 64 * 1024;

/// The most bytes of the final newline, which is no part of a value (`\r\n`).
pub const NEWLINE: usize = 2;

/// How long explicitly named pipes may take together, in seconds (interface section 3).
pub const PIPE_SECONDS: u32 = 5;

/// Waits until a descriptor can be read or the deadline has passed.
pub type Wait = fn(BorrowedFd<'_>, Instant) -> io::Result<bool>;

/// Whether a pipe is read.
#[derive(Clone, Copy)]
pub enum Pipes {
    /// It is refused.
    Refuse,
    /// It is read until its end, waiting no longer than this.
    Until(Instant, Wait),
}

/// Why a file has no content.
#[derive(Debug)]
pub enum Failure {
    /// There is nothing under this name.
    Gone,
    /// It cannot be opened or read; what was seen of it before.
    Unreadable(Errno, Option<Stat>),
    /// It is something else than a file that is read here.
    Refused(Kind),
    /// It holds more than the limit.
    TooLarge,
    /// A pipe did not end in time.
    TimedOut,
}

impl Failure {
    /// Whether there is no file of that name at all.
    pub const fn is_absence(&self) -> bool {
        matches!(self, Failure::Gone | Failure::Unreadable(Errno::ENOTDIR | Errno::ENAMETOOLONG, _))
    }

    /// The code and the particulars for the file at `path`.
    pub fn explained(self, path: &Path, limit: usize) -> (Code, Fact) {
        let path = path.to_owned();
        match self {
            Failure::Gone => Failure::Unreadable(Errno::ENOENT, None).explained(&path, limit),
            Failure::Unreadable(errno, seen) => {
                let fact = Fact::Unreadable {
                    path,
                    errno: fs::errno_words(errno),
                    owner: seen.map(|seen| seen.uid),
                    mode: seen.map(|seen| seen.mode),
                    uid: fs::own_uid(),
                };
                (Code::SourceUnreadable, fact)
            }
            Failure::Refused(kind) => {
                (Code::SourceRefused, Fact::NotRegular { path, what: kind.words() })
            }
            Failure::TooLarge => (Code::TooLarge, Fact::More { bytes: None, most: limit }),
            Failure::TimedOut => {
                (Code::SourceRefused, Fact::TimedOut { path, seconds: PIPE_SECONDS })
            }
        }
    }
}

/// Reads the file `name` in `dir`. `listed` is its kind where a listing has just said it, which
/// saves the look before the opening. `limit` counts without a final newline.
///
/// # Errors
/// [`Failure`] says why there is no content; ELOOP where what was listed as a regular file is a
/// link meanwhile.
pub fn read(
    dir: BorrowedFd<'_>,
    name: &Path,
    listed: Kind,
    pipes: Pipes,
    limit: usize,
) -> Result<(Secret, Stat), Failure> {
    let seen = match listed {
        Kind::Link | Kind::Unknown => Some(fs::look(dir, name, true).map_err(|errno| {
            if errno == Errno::ENOENT { Failure::Gone } else { Failure::Unreadable(errno, None) }
        })?),
        _ => None,
    };
    admit(seen.map_or(listed, |seen| seen.kind), pipes)?;
    let opened = match listed {
        // No link: whoever knows it for a file asks nobody whose link it would be.
        Kind::Regular => fs::open_plain_file(dir, name),
        _ => fs::open_file(dir, name),
    };
    let fd = opened.map_err(|errno| match errno {
        Errno::ENOENT => Failure::Gone,
        // Nothing was looked at yet: the message wants owner and mode.
        _ => Failure::Unreadable(errno, seen.or_else(|| fs::look(dir, name, true).ok())),
    })?;
    // What was opened need not be what was looked at.
    let opened = fs::look_at(fd.as_fd()).map_err(|errno| Failure::Unreadable(errno, seen))?;
    admit(opened.kind, pipes)?;
    let content = match (opened.kind, pipes) {
        (Kind::Pipe, Pipes::Until(deadline, wait)) => read_pipe(fd.as_fd(), limit, deadline, wait)?,
        _ => read_regular(&fd, &opened, limit)?,
    };
    fs::leave(fd);
    Ok((content, opened))
}

fn admit(kind: Kind, pipes: Pipes) -> Result<(), Failure> {
    match (kind, pipes) {
        (Kind::Regular, _) | (Kind::Pipe, Pipes::Until(..)) => Ok(()),
        (kind, _) => Err(Failure::Refused(kind)),
    }
}

/// The content, where it is no larger than the limit without its final newline.
fn within(limit: usize, content: Secret) -> Result<Secret, Failure> {
    match content.len() > limit && content.len_of_value() > limit {
        true => Err(Failure::TooLarge),
        false => Ok(content),
    }
}

fn read_regular(fd: &OwnedFd, opened: &Stat, limit: usize) -> Result<Secret, Failure> {
    let size = usize::try_from(opened.size).unwrap_or(usize::MAX);
    let most = limit + NEWLINE;
    if size > most {
        return Err(Failure::TooLarge);
    }
    // A size of 0 is also what files have whose content is made up while reading (/proc).
    let mut room = if size == 0 { most + 1 } else { size + 1 };
    let mut buffer = vec![0; room];
    let mut filled = 0;
    loop {
        let read = fs::read(fd.as_fd(), buffer.get_mut(filled..).unwrap_or_default());
        match read {
            Ok(got) => filled += got,
            Err(errno) => {
                buffer.zeroize();
                return Err(Failure::Unreadable(errno, Some(*opened)));
            }
        }
        // Exactly the size with the byte to spare left free: the end. Else it has to be seen.
        if read == Ok(0) || (size > 0 && filled == size) {
            buffer.truncate(filled);
            return within(limit, Secret::new(buffer));
        }
        if filled == room {
            if filled > most {
                buffer.zeroize();
                return Err(Failure::TooLarge);
            }
            // It grew since it was looked at. The old buffer is wiped, not just released.
            room = most + 1;
            let mut larger = vec![0; room];
            if let Some(start) = larger.get_mut(..filled) {
                start.copy_from_slice(&buffer);
            }
            buffer.zeroize();
            buffer = larger;
        }
    }
}

/// Reads what is open until it ends, and waits no longer than until the deadline.
///
/// # Errors
/// [`Failure`] says why there is no content.
pub fn read_pipe(
    fd: BorrowedFd<'_>,
    limit: usize,
    deadline: Instant,
    wait: Wait,
) -> Result<Secret, Failure> {
    let most = limit + NEWLINE;
    let mut buffer = vec![0; most + 1];
    let mut filled = 0;
    let failure = loop {
        // Without this wait a pipe whose writer is yet to come would look like one that ended.
        match wait(fd, deadline) {
            Ok(true) if Instant::now() < deadline => {}
            Ok(_) => break Failure::TimedOut,
            Err(error) => {
                let errno = error.raw_os_error().map_or(Errno::EIO, Errno::from_raw);
                break Failure::Unreadable(errno, None);
            }
        }
        match fs::read(fd, buffer.get_mut(filled..).unwrap_or_default()) {
            Ok(0) => {
                buffer.truncate(filled);
                return within(limit, Secret::new(buffer));
            }
            Ok(got) => filled += got,
            Err(Errno::EAGAIN) => {}
            Err(errno) => break Failure::Unreadable(errno, None),
        }
        if filled > most {
            break Failure::TooLarge;
        }
    };
    buffer.zeroize();
    Err(failure)
}
