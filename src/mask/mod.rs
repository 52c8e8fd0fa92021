//! Output on its way through: read, masked, written, and nothing else done about it.
//!
//! What is masked is decided in [`crate::needles::stream::mask`]; here bytes come and go.

mod beside;
mod lane;

pub use beside::{Beside, Outlook, look, start};

use crate::error::{Error, Status};
use crate::needles::stream::Engine;
use crate::needles::stream::mask::Masker;
use crate::sys::fs::{self, Errno};
use crate::sys::{descriptor, filter, process};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

/// What a pipe on standard input should hold: two pieces, one being searched, one being written.
const WIDTH: i32 = 256 * 1024;

/// Passes standard input to standard output until it ends. [`Status::CannotWrite`] where the
/// reader went away before: that is the reader's choice, and nothing is said of it.
///
/// # Errors
/// [`Status::NoInput`] where the input cannot be read, [`Status::CannotWrite`] where the output
/// cannot be written.
pub fn pass(engine: &Engine<'_>) -> Result<Status, Error> {
    let (input, output) = (io::stdin(), io::stdout());
    let mut masker = Masker::new(engine);
    filter::widen(input.as_fd(), WIDTH);
    loop {
        let count = read(input.as_fd(), masker.space()).map_err(|error| {
            let cause = process::describe(&error);
            Error::new(Status::NoInput, format!("cannot read standard input: {cause}"))
                .hint("give what is to be masked by a pipe or file")
        })?;
        masker.advance(count, count == 0);
        match write(output.as_fd(), &mut masker) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                return Ok(Status::CannotWrite);
            }
            Err(error) => {
                let cause = process::describe(&error);
                let message = format!("cannot write to standard output: {cause}");
                return Err(Error::new(Status::CannotWrite, message)
                    .hint("what was read last has not been passed on whole"));
            }
            Ok(()) if count == 0 => return Ok(Status::Success),
            Ok(()) => {}
        }
    }
}

/// Reads what is there; waits where nothing is, whether the descriptor does so itself or not.
fn read(fd: BorrowedFd<'_>, space: &mut [u8]) -> io::Result<usize> {
    loop {
        match fs::read(fd, space) {
            Err(Errno::EAGAIN) => filter::until_readable(fd)?,
            other => return other.map_err(io::Error::from),
        }
    }
}

/// Writes all that is ready.
fn write(fd: BorrowedFd<'_>, masker: &mut Masker<'_>) -> io::Result<()> {
    while !masker.ready().is_empty() {
        match descriptor::write(fd, masker.ready()) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => masker.take(count),
            Err(error) => match error.kind() {
                io::ErrorKind::Interrupted => {}
                io::ErrorKind::WouldBlock => filter::until_writable(fd)?,
                _ => return Err(error),
            },
        }
    }
    Ok(())
}
