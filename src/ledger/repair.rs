//! The repair of what a write leaves that was broken off: a last line without its end. Nothing
//! else is repaired.

use super::book::{Book, open};
use super::writer::lock;
use super::{chain, files};
use crate::error::{Error, Status};
use crate::fingerprint::Key;
use crate::sys::{descriptor, make, process};
use jiff::Timestamp;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What was done to one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repaired {
    /// The file.
    pub file: PathBuf,
    /// The line that had no end.
    pub line: usize,
    /// How many bytes it had.
    pub bytes: usize,
    /// Where they are kept; none where they were a whole record and got its end.
    pub aside: Option<PathBuf>,
}

/// Repairs every torn last line of the ledger at `path`. A line that is a whole record but for its
/// end gets it; what is left of any other is kept in a file beside it and taken off.
///
/// # Errors
/// [`Status::NoInput`], [`Status::CannotWrite`]; [`Status::Data`] where something else is wrong,
/// and then nothing is changed.
pub fn repair(path: &Path, key: &Key) -> Result<Vec<Repaired>, Vec<Error>> {
    let dir = open(path).map_err(|error| vec![error])?;
    lock(&dir, path).map_err(|error| vec![error])?;
    let book =
        Book::read_in(dir.as_fd(), path, Some(key), Duration::ZERO).map_err(|error| vec![error])?;
    let torn: Vec<_> = book.torn().map(|(name, torn)| (name.to_owned(), torn)).collect();
    let is_torn =
        |file: &str| torn.iter().any(|(name, _)| files::file_name(name) == Path::new(file));
    let others: Vec<Error> = book
        .faults()
        .filter(|fault| !is_torn(&fault.file))
        .map(|fault| fault.error(path))
        .collect();
    if !others.is_empty() {
        return Err(others);
    }
    let mut repaired = Vec::with_capacity(torn.len());
    for (name, torn) in torn {
        let one = Torn { dir: &dir, name: &name, at: torn.at, line: torn.line };
        let previous = book.records(&name).last().map(|record| record.mac.clone());
        repaired.push(one.mend(key, &previous.unwrap_or_else(chain::beginning)).map_err(
            |error| {
                let file = path.join(files::file_name(&name));
                let cause = process::describe(&error);
                let message = format!("cannot repair {}: {cause}", file.display());
                vec![Error::new(Status::CannotWrite, message).hint("make the directory writable")]
            },
        )?);
    }
    Ok(repaired)
}

struct Torn<'a> {
    dir: &'a OwnedFd,
    name: &'a str,
    at: usize,
    line: usize,
}

impl Torn<'_> {
    fn mend(&self, key: &Key, previous: &str) -> io::Result<Repaired> {
        let (dir, file_name) = (self.dir.as_fd(), files::file_name(self.name));
        let changed = |_| io::Error::from(io::ErrorKind::InvalidData);
        let bytes = files::read(dir, self.name).map_err(changed)?;
        let rest = bytes.get(self.at..).unwrap_or_default();
        let file = make::open_to_add(dir, &file_name)?;
        let whole = chain::one(self.name, self.line, rest, previous, Some(key)).is_ok();
        let mut aside = None;
        if whole {
            descriptor::write_all(file.as_fd(), b"\n")?;
        } else {
            let now = Timestamp::now().as_millisecond();
            let kept = PathBuf::from(format!("{}.torn-{now}", file_name.display()));
            let copy = make::file(dir, &kept)?;
            descriptor::write_all(copy.as_fd(), rest)?;
            make::sync(&copy)?;
            make::sync(self.dir)?;
            if self.at == 0 {
                // No record is left, and no file without one is a ledger's.
                make::remove_file(dir, &file_name);
            } else {
                descriptor::cut(&file, u64::try_from(self.at).unwrap_or(u64::MAX))?;
            }
            aside = Some(kept);
        }
        make::sync(&file)?;
        make::sync(self.dir)?;
        Ok(Repaired { file: file_name, line: self.line, bytes: rest.len(), aside })
    }
}
