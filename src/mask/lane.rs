//! What a program writes, from a pipe to where its stream led: two streams at a time, each in its
//! own order, and neither waiting for the other's reader.

use crate::needles::stream::Engine;
use crate::needles::stream::mask::Masker;
use crate::sys::descriptor;
use crate::sys::filter::{self, Wants, Watched};
use crate::sys::fs::{self, Errno, Kind};
use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// A write of this much does not wait where a descriptor can be written (pipe(7), PIPE_BUF).
const PIECE: usize = 4096;

/// One stream on its way.
pub(super) struct Lane<'e> {
    input: OwnedFd,
    output: OwnedFd,
    masker: Masker<'e>,
    /// The most bytes of one write.
    piece: usize,
    /// Whether nothing follows from the program.
    has_ended: bool,
}

/// Passes on what comes until nothing more can come.
pub(super) fn serve(mut lanes: Vec<Lane<'_>>) -> io::Result<()> {
    while !lanes.is_empty() {
        let mut watched: Vec<Watched<'_>> = lanes.iter().flat_map(Lane::watched).collect();
        filter::until_any(&mut watched)?;
        let ready: Vec<bool> = watched.iter().map(|one| one.is_ready).collect();
        // As many for each as it watches.
        let mut ready = ready.as_chunks::<2>().0.iter();
        lanes.retain_mut(|lane| ready.next().is_none_or(|ready| lane.goes_on(*ready)));
    }
    Ok(())
}

impl<'e> Lane<'e> {
    pub(super) fn new(input: OwnedFd, output: OwnedFd, engine: &'e Engine<'e>) -> Self {
        let kind = fs::look_at(output.as_fd()).map_or(Kind::Unknown, |seen| seen.kind);
        // A write to a regular file waits for nobody's reading.
        let piece = if kind == Kind::Regular { usize::MAX } else { PIECE };
        Lane { input, output, masker: Masker::new(engine), piece, has_ended: false }
    }

    /// What it waits for: to write what is ready, else to read; and that nobody reads.
    fn watched(&self) -> [Watched<'_>; 2] {
        let first = match self.masker.ready() {
            [] => (self.input.as_fd(), Wants::Read),
            _ => (self.output.as_fd(), Wants::Write),
        };
        [first, (self.output.as_fd(), Wants::NoReader)].map(|(fd, wants)| Watched {
            fd,
            wants,
            is_ready: false,
        })
    }

    /// Does what it waited for, and says whether more can come. Where not, its ends are closed
    /// next: then the program's write fails as it would have failed without a filter.
    fn goes_on(&mut self, [is_ready, has_no_reader]: [bool; 2]) -> bool {
        if has_no_reader {
            return false;
        }
        if !is_ready {
            return true;
        }
        if self.masker.ready().is_empty() { self.read() } else { self.write() }
    }

    fn read(&mut self) -> bool {
        match fs::read(self.input.as_fd(), self.masker.space()) {
            Ok(count) => {
                self.has_ended = count == 0;
                self.masker.advance(count, self.has_ended);
                !self.has_ended || !self.masker.ready().is_empty()
            }
            Err(Errno::EAGAIN) => true,
            Err(_) => false,
        }
    }

    fn write(&mut self) -> bool {
        let ready = self.masker.ready();
        let piece = ready.get(..self.piece).unwrap_or(ready);
        // Lines stay whole where others write to the same pipe.
        let line = memchr::memrchr(b'\n', piece).map_or(piece.len(), |at| at + 1);
        let piece =
            if piece.len() < ready.len() { piece.get(..line).unwrap_or(piece) } else { piece };
        match descriptor::write(self.output.as_fd(), piece) {
            Ok(count) => self.masker.take(count),
            Err(error) => match error.kind() {
                io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock => {}
                // A full disk is no reason to end the program, which would have lost this too.
                io::ErrorKind::StorageFull
                | io::ErrorKind::QuotaExceeded
                | io::ErrorKind::FileTooLarge => self.masker.take(self.masker.ready().len()),
                _ => return false,
            },
        }
        !self.has_ended || !self.masker.ready().is_empty()
    }
}
