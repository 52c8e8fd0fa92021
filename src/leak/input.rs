//! Bytes to look through: a file, a pipe or standard input, decompressed where its first bytes say
//! that it is compressed.

use super::tools::{Running, Tools};
use crate::sys::fs::{self, Errno, HERE, Kind};
use crate::sys::wait;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// How long the writer of a named pipe is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a slow writer is asked again; each time TERM, INT, HUP and QUIT are answered.
const ROUND: Duration = Duration::from_secs(3600);

/// A way to compress: how its files begin, and the program that reads them.
struct Compression {
    magic: &'static [u8],
    program: &'static str,
}

impl Compression {
    /// How a file that begins so is compressed.
    fn of(head: &[u8]) -> Option<&'static Compression> {
        COMPRESSIONS.iter().find(|it| {
            let is_bzip2 = || head.get(4..HEAD) == Some(b"1AY&SY");
            head.starts_with(it.magic) && (it.program != "bzip2" || is_bzip2())
        })
    }
}

const COMPRESSIONS: [Compression; 4] = [
    Compression { magic: b"\x1f\x8b\x08", program: "gzip" },
    Compression { magic: b"\x28\xb5\x2f\xfd", program: "zstd" },
    Compression { magic: b"\xfd7zXZ\0", program: "xz" },
    Compression { magic: b"BZh", program: "bzip2" },
];
/// The longest of these, and the digit and number that follow `BZh`.
const HEAD: usize = 10;

/// An open input.
pub struct Input {
    body: Body,
    /// What was read to find out what it is.
    head: Vec<u8>,
    /// Whether nothing was taken of it yet.
    at_begin: bool,
    /// Its size as the file system says it, for a progress bar.
    pub size: u64,
}

enum Body {
    Plain(File),
    Compressed(Running, &'static Compression),
}

/// What follows what was read.
#[derive(Debug, PartialEq)]
pub enum Next {
    /// More, or the end.
    More,
    /// Nothing: it is read whole.
    End,
    /// It cannot be read on, and why.
    Failed(String),
}

/// Why something is not read.
pub enum Refusal {
    /// It is none of what is read: a device, a socket, a pipe that nobody named.
    Kind(Kind),
    /// It cannot be.
    Unreadable(String),
}

impl From<Errno> for Refusal {
    fn from(errno: Errno) -> Self {
        Refusal::Unreadable(fs::errno_words(errno).to_owned())
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Refusal::Unreadable(fs::io_words(&error).to_owned())
    }
}

impl Input {
    /// Opens a file. A pipe is read where it was `named`, waiting 5 s for its writer.
    ///
    /// # Errors
    /// What stands against it.
    pub fn open(path: &Path, named: bool, tools: &Tools) -> Result<Input, Refusal> {
        let admit = |kind| match kind {
            Kind::Regular => Ok(()),
            Kind::Pipe if named => Ok(()),
            kind => Err(Refusal::Kind(kind)),
        };
        // A device may do something when it is opened.
        admit(fs::look(HERE, path, true)?.kind)?;
        let file = fs::open_file(HERE, path)?;
        let seen = fs::look_at(file.as_fd())?;
        admit(seen.kind)?;
        // Without this wait a pipe whose writer is yet to come would look like one that ended.
        if seen.kind == Kind::Pipe
            && !wait::until_readable(file.as_fd(), Instant::now() + PATIENCE)?
        {
            return Err(Refusal::Unreadable("nothing came within 5 s".to_owned()));
        }
        Input::new(File::from(file), seen.size, tools)
    }

    /// Standard input.
    ///
    /// # Errors
    /// What stands against it.
    pub fn standard(tools: &Tools) -> Result<Input, Refusal> {
        let file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        Input::new(file, 0, tools)
    }

    fn new(mut file: File, size: u64, tools: &Tools) -> Result<Input, Refusal> {
        let mut head = [0; HEAD];
        let (filled, failed) = fill(&mut head, |space| read(&mut file, space));
        if let Some(error) = failed {
            return Err(error.into());
        }
        let head = head.get(..filled).unwrap_or_default().to_vec();
        let Some(compression) = Compression::of(&head) else {
            return Ok(Input { body: Body::Plain(file), head, at_begin: true, size });
        };
        let begin = |tools: &Tools| {
            let mut command = tools.command(compression.program)?;
            // gzip and bzip2 pass over what stands behind the compressed data, as a log that was
            // written on after it was compressed, and only say so.
            command.arg("-dc").stderr(Stdio::piped());
            if file.rewind().is_ok() {
                command.stdin(Stdio::from(file));
                return Tools::start(command);
            }
            command.stdin(Stdio::piped());
            let mut running = Tools::start(command)?;
            if let Some(mut pipe) = running.child().stdin.take() {
                let head = head.clone();
                // What came before cannot be read again, so it is handed on. The thread ends with
                // either of the two.
                std::thread::spawn(move || pump(&head, &mut file, &mut pipe));
            }
            Ok(running)
        };
        let why = |why: String| Refusal::Unreadable(format!("it is compressed and {why}"));
        let running = begin(tools).map_err(why)?;
        Ok(Input {
            body: Body::Compressed(running, compression),
            head: Vec::new(),
            at_begin: true,
            size,
        })
    }

    /// Reads until the space is full or nothing more comes, and says how much and what follows.
    pub fn fill(&mut self, space: &mut [u8]) -> (usize, Next) {
        let head = std::mem::take(&mut self.head);
        let wanted = space.len();
        let begun = head.len().min(wanted);
        space.iter_mut().zip(&head).for_each(|(byte, head)| *byte = *head);
        let rest = space.get_mut(begun..).unwrap_or_default();
        let (filled, failed) = match &mut self.body {
            Body::Plain(file) => fill(rest, |space| read(file, space)),
            Body::Compressed(running, _) => match &mut running.child().stdout {
                Some(pipe) => fill(rest, |space| pipe.read(space)),
                None => (0, None),
            },
        };
        let count = begun + filled;
        if let (Body::Compressed(..), true) = (&self.body, self.at_begin) {
            let unpacked = space.get(..count).unwrap_or_default();
            if Compression::of(unpacked).is_some() {
                return (count, Next::Failed("it is compressed more than once".to_owned()));
            }
        }
        self.at_begin = false;
        if let Some(error) = failed {
            return (count, Next::Failed(fs::io_words(&error).to_owned()));
        }
        if count == wanted {
            return (count, Next::More);
        }
        if let Body::Compressed(running, how) = &mut self.body
            && !running.ended_well()
        {
            let why = format!("it is compressed and {} cannot read all of it", how.program);
            return (count, Next::Failed(why));
        }
        (count, Next::End)
    }
}

/// Reads until the space is full, the end or an error, before which something may have been read.
fn fill(
    space: &mut [u8],
    mut read: impl FnMut(&mut [u8]) -> io::Result<usize>,
) -> (usize, Option<io::Error>) {
    let mut filled = 0;
    while let Some(rest) = space.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match read(rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (filled, Some(error)),
        }
    }
    (filled, None)
}

/// Reads once, and waits where the descriptor does not do that by itself.
fn read(file: &mut File, space: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(space) {
            // No writer of a regular file would end the wait: that of the kernel's log has none.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && !is_regular(file) => {
                wait::until_readable(file.as_fd(), Instant::now() + ROUND)?;
            }
            other => return other,
        }
    }
}

fn is_regular(file: &File) -> bool {
    fs::look_at(file.as_fd()).is_ok_and(|seen| seen.kind == Kind::Regular)
}

/// Hands `head` and then all of `file` on.
fn pump(head: &[u8], file: &mut File, pipe: &mut impl Write) {
    let mut buffer = vec![0; 64 * 1024];
    let mut written = pipe.write_all(head);
    while written.is_ok() {
        let Ok(count @ 1..) = read(file, &mut buffer) else { return };
        written = pipe.write_all(buffer.get(..count).unwrap_or_default());
    }
}
