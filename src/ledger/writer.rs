//! The one writer: the directory's lock, the whole ledger verified, and records appended that are
//! on the disk before anything says that they are.

use super::book::{Book, open};
use super::{Kind, Record, SCHEMA, chain, files};
use crate::error::{Error, Status};
use crate::fingerprint::Key;
use crate::sys::fs::{self, Errno};
use crate::sys::{descriptor, make, process, wait};
use jiff::Timestamp;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long another writer is waited for.
const DEADLINE: Duration = Duration::from_secs(15);
/// How often the lock is tried meanwhile.
const INTERVAL: Duration = Duration::from_millis(5);
/// Where a name's first record is written before it gets the name.
const NEW: &str = ".new-record";

/// A ledger under its lock, verified.
pub struct Ledger<'k> {
    path: PathBuf,
    dir: OwnedFd,
    key: &'k Key,
    book: Book,
}

impl<'k> Ledger<'k> {
    /// Opens the ledger at `path` for writing: waits for the lock of the directory, which ends with
    /// this value or the process, and verifies every line.
    ///
    /// # Errors
    /// [`Status::NoInput`] where there is no such directory, [`Status::CannotWrite`] where another
    /// writer has held it for 15 s, [`Status::Data`] for every fault of the ledger.
    pub fn open(path: &Path, key: &'k Key) -> Result<Ledger<'k>, Vec<Error>> {
        let dir = open(path).map_err(|error| vec![error])?;
        lock(&dir, path).map_err(|error| vec![error])?;
        let book = Book::read_in(dir.as_fd(), path, Some(key), Duration::ZERO)
            .map_err(|error| vec![error])?;
        Ok(Ledger { path: path.to_owned(), dir, key, book: book.sound(path)? })
    }

    /// What is written, the records of this writer included.
    pub const fn book(&self) -> &Book {
        &self.book
    }

    /// The head of what is written.
    pub fn head(&self) -> String {
        self.book.head(self.key)
    }

    /// Appends a record about `name`. `particulars` holds what is known of it; schema, name,
    /// number, time, kind, key id and MACs are filled in here. When this returns, the record is on
    /// the disk.
    ///
    /// # Errors
    /// [`Status::Usage`] for a record that no reader would take, one that is too long above all, and
    /// [`Status::CannotWrite`] where the file would be too large for one: nothing is written then.
    /// [`Status::CannotWrite`] where it could not be written whole; the file is as it was then, as
    /// far as the system lets it be.
    pub fn append(
        &mut self,
        name: &str,
        kind: Kind,
        particulars: Record,
    ) -> Result<&Record, Error> {
        let before = self.book.records(name);
        let now = Timestamp::now();
        let mut record = Record {
            schema: SCHEMA.to_owned(),
            name: name.to_owned(),
            seq: u64::try_from(before.len()).unwrap_or(u64::MAX).saturating_add(1),
            time: Timestamp::from_second(now.as_second()).unwrap_or(now).to_string(),
            kind,
            ledger_key_id: self.key.id(),
            previous: before.last().map_or_else(chain::beginning, |last| last.mac.clone()),
            ..particulars
        };
        let line = chain::seal(self.key, &mut record);
        self.would_be_read(&record, before.len() + 1, &line)?;
        let first = before.is_empty();
        let written = if first { self.begin(name, &line) } else { self.add(name, &line) };
        written.map_err(|error| self.cannot_write(name, &error))?;
        self.book.push(record);
        self.book.records(name).last().ok_or_else(|| {
            Error::new(Status::Software, "cannot find the record that was just written")
        })
    }

    /// Reads a line as every later command will, before it is written: nobody may take a record out
    /// of the ledger again, and one that is refused would end each of them.
    fn would_be_read(&self, record: &Record, number: usize, line: &str) -> Result<(), Error> {
        let text = line.trim_end_matches('\n').as_bytes();
        chain::one(&record.name, number, text, &record.previous, Some(self.key)).map_err(
            |wrong| {
                let message = format!("cannot write the record: {}", wrong.what);
                Error::new(Status::Usage, message)
                    .hint("nothing was recorded; give fewer or shorter texts")
            },
        )?;
        let file = files::file_name(&record.name);
        let size = fs::look(self.dir.as_fd(), &file, false).map_or(0, |seen| seen.size);
        if files::has_room(size, line.len()) {
            return Ok(());
        }
        let path = self.path.join(file);
        let message =
            format!("cannot write the ledger {}: it would have more than 64 MiB", path.display());
        Err(Error::new(Status::CannotWrite, message).hint(
            "nothing was recorded; keep this ledger as it is, and begin another for what follows",
        ))
    }

    /// Opens an incident: records that a value of `name` is suspected to be known to others. After
    /// it the value may be revoked before its successor is deployed. `particulars` holds reason,
    /// actor and the like; where it has no fingerprint, the value in production is meant, or the
    /// one that a rotation is under way to.
    ///
    /// # Errors
    /// [`Status::Data`] where nothing is recorded of the name and no fingerprint is given, or
    /// where it has neither such value; else as [`Ledger::append`].
    pub fn expose(&mut self, name: &str, mut particulars: Record) -> Result<&Record, Error> {
        let state = self.book.state(name);
        if particulars.fingerprint.is_empty() {
            let meant = state.as_ref().and_then(|it| it.current().or_else(|| it.under_way()));
            let Some(value) = meant else {
                // The name can be anything, also a value.
                let message = "cannot mark it as exposed: the ledger knows no value of it in use";
                return Err(
                    Error::new(Status::Data, message).hint("name the value with --value-file")
                );
            };
            particulars.fingerprint.clone_from(&value.fingerprint);
            particulars.fingerprint_key_id.clone_from(&value.fingerprint_key_id);
        }
        if let (true, Some(state)) = (particulars.class.is_empty(), state) {
            particulars.class = state.class;
        }
        self.append(name, Kind::Exposed, particulars)
    }

    /// The first record of a name: no file ever has the name and not the record.
    fn begin(&self, name: &str, line: &str) -> io::Result<()> {
        let (dir, new) = (self.dir.as_fd(), Path::new(NEW));
        // One that a writer left who was killed; the lock says that nobody else has it.
        make::remove_file(dir, new);
        let file = make::file(dir, new)?;
        let made = descriptor::write_all(file.as_fd(), line.as_bytes())
            // The records are for all who may read the directory, as a checkout has them.
            .and_then(|()| make::set_mode(&file, 0o644).map_err(io::Error::from))
            .and_then(|()| make::sync(&file))
            .and_then(|()| {
                make::publish(dir, new, &files::file_name(name)).map_err(io::Error::from)
            });
        if made.is_err() {
            make::remove_file(dir, new);
            return made;
        }
        let known = make::sync(&self.dir);
        if known.is_err() {
            make::remove_file(dir, &files::file_name(name));
        }
        known
    }

    /// A further record, taken back where it cannot be written whole.
    fn add(&self, name: &str, line: &str) -> io::Result<()> {
        let file = make::open_to_add(self.dir.as_fd(), &files::file_name(name))?;
        let size = descriptor::size_of_regular(&file)?.ok_or(Errno::EINVAL)?;
        let written =
            descriptor::write_all(file.as_fd(), line.as_bytes()).and_then(|()| make::sync(&file));
        if written.is_err() {
            let _ = descriptor::cut(&file, size);
        }
        written
    }

    fn cannot_write(&self, name: &str, error: &io::Error) -> Error {
        let path = self.path.join(files::file_name(name));
        let cause = process::describe(error);
        let message = format!("cannot write the ledger {}: {cause}", path.display());
        Error::new(Status::CannotWrite, message).hint("nothing was recorded; make it writable")
    }
}

/// Takes the lock of the directory.
pub(super) fn lock(dir: &OwnedFd, path: &Path) -> Result<(), Error> {
    let deadline = Instant::now() + DEADLINE;
    let fail = |cause: &str| {
        Error::new(
            Status::CannotWrite,
            format!("cannot lock the ledger {}: {cause}", path.display()),
        )
    };
    loop {
        match descriptor::try_lock(dir.as_fd()) {
            Ok(true) => return Ok(()),
            Ok(false) if Instant::now() >= deadline => {
                return Err(fail("another writer has held it for 15 s")
                    .hint("try again; `fuser` on the directory names the process"));
            }
            Ok(false) => wait::pause(INTERVAL).map_err(|error| fail(fs::io_words(&error)))?,
            Err(error) => {
                return Err(fail(fs::io_words(&error))
                    .hint("keep the ledger on a file system that has locks (flock(2))"));
            }
        }
    }
}
