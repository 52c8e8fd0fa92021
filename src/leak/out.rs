//! A result that is written to standard output while it is being made.

use crate::error::{Error, Status};
use crate::sys::{descriptor, process};
use std::fmt;
use std::io;
use std::os::fd::AsFd;

/// How much is gathered before it is written.
const PIECE: usize = 64 * 1024;

/// The result so far.
#[derive(Default)]
pub(super) struct Out {
    pending: String,
    /// Whether nobody reads it any more, or it cannot be written.
    gone: bool,
    error: Option<Error>,
}

impl fmt::Write for Out {
    /// What cannot be written is known at the end.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.pending.push_str(text);
        if self.pending.len() > PIECE {
            self.flush();
        }
        Ok(())
    }
}

impl Out {
    /// Whether anybody reads it.
    pub(super) const fn is_read(&self) -> bool {
        !self.gone
    }

    /// Whether there is something to write.
    pub(super) const fn is_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Writes what there is. Where the reader went away, that is the reader's choice.
    pub(super) fn flush(&mut self) {
        if let (false, Err(error)) =
            (self.gone, descriptor::write_all(io::stdout().as_fd(), self.pending.as_bytes()))
        {
            self.gone = true;
            if error.kind() != io::ErrorKind::BrokenPipe {
                let cause = process::describe(&error);
                let message = format!("cannot write to standard output: {cause}");
                self.error = Some(Error::new(Status::CannotWrite, message));
            }
        }
        self.pending.clear();
    }

    /// Writes the rest.
    ///
    /// # Errors
    /// [`Status::CannotWrite`] where some of it could not be written.
    pub(super) fn end(mut self) -> Result<(), Error> {
        self.flush();
        self.error.map_or(Ok(()), Err)
    }
}
