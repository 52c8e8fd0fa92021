//! A file that is made whole or not at all, and never takes the place of anything.

use crate::error::{Error, Status};
use crate::generate;
use crate::secret::Secret;
use crate::sys::fs::{self, Errno, HERE, Kind};
use crate::sys::{descriptor, make};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Only the owner reads and writes it, whatever the umask.
const MODE: u32 = 0o600;

/// A place that a file can be made in, which has been looked at.
pub struct Place {
    path: PathBuf,
    directory: std::os::fd::OwnedFd,
    name: PathBuf,
}

impl Place {
    /// Looks whether a file can be made there; links on the way to it are followed, one in its
    /// own place is not.
    ///
    /// # Errors
    /// [`Status::CannotWrite`], also where anything of that name is there.
    pub fn find(path: &Path) -> Result<Place, Error> {
        let is_directory = path.as_os_str().as_bytes().ends_with(b"/");
        let Some(name) = path.file_name().filter(|_| !is_directory) else {
            return Err(refused(path, "it is no name of a file")
                .hint("name a file that is to be made, not a directory"));
        };
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let directory = fs::open_directory(HERE, parent).map_err(|errno| failed(path, errno))?;
        let place = Place { path: path.to_owned(), directory, name: PathBuf::from(name) };
        match fs::look(place.directory.as_fd(), &place.name, false) {
            Err(Errno::ENOENT) => Ok(place),
            Err(errno) => Err(failed(path, errno)),
            Ok(seen) => Err(place.taken(seen.kind)),
        }
    }

    /// Makes the file, and brings it and its name to the disk.
    ///
    /// # Errors
    /// [`Status::CannotWrite`], with nothing left behind.
    pub fn fill(&self, content: &Secret) -> Result<(), Error> {
        let made = match self.nameless(content) {
            // The file system has no files without names, or /proc is not there to name them by.
            Err(
                Errno::EOPNOTSUPP
                | Errno::EISDIR
                | Errno::EINVAL
                | Errno::ENOENT
                | Errno::EPERM
                | Errno::EACCES,
            ) => self.renamed(content),
            other => other,
        };
        made.and_then(|()| {
            descriptor::sync(&self.directory).map_err(|error| {
                // Whoever is told that it failed does not look for it.
                make::remove_file(self.directory.as_fd(), &self.name);
                errno_of(&error)
            })
        })
        .map_err(|errno| match errno {
            Errno::EEXIST => {
                let seen = fs::look(self.directory.as_fd(), &self.name, false);
                self.taken(seen.map_or(Kind::Unknown, |seen| seen.kind))
            }
            errno => failed(&self.path, errno),
        })
    }

    fn nameless(&self, content: &Secret) -> Result<(), Errno> {
        let file = make::nameless_file(self.directory.as_fd())?;
        write(file.as_fd(), content)?;
        make::give_name(&file, self.directory.as_fd(), &self.name)
    }

    fn renamed(&self, content: &Secret) -> Result<(), Errno> {
        let temporary = PathBuf::from(format!(".nexis-launch.{}", generate::ulid(0)));
        let directory = self.directory.as_fd();
        let file = make::file(directory, &temporary)?;
        let made = write(file.as_fd(), content)
            .and_then(|()| make::publish(directory, &temporary, &self.name));
        if made.is_err() {
            make::remove_file(directory, &temporary);
        }
        made
    }

    fn taken(&self, kind: Kind) -> Error {
        let what = match kind {
            Kind::Unknown => "something",
            kind => kind.words(),
        };
        refused(&self.path, &format!("{what} of that name is there"))
            .hint("nothing is ever overwritten and no link followed; name another file")
    }
}

fn write(file: BorrowedFd<'_>, content: &Secret) -> Result<(), Errno> {
    // A umask can have taken rights away.
    make::set_mode(file, MODE)?;
    descriptor::write_all(file, content.expose())
        .and_then(|()| descriptor::sync(file))
        .map_err(|error| errno_of(&error))
}

fn errno_of(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

fn refused(path: &Path, why: &str) -> Error {
    Error::new(Status::CannotWrite, format!("cannot write {}: {why}", path.display()))
}

fn failed(path: &Path, errno: Errno) -> Error {
    refused(path, fs::errno_words(errno))
        .hint("nothing was written; make its directory writable, or name a file elsewhere")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn directory(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("new-file-{}-{name}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        path
    }

    fn secret() -> Secret {
        Secret::new(b"value".to_vec())
    }

    #[test]
    fn both_ways_make_the_same_file_and_replace_nothing() {
        type Way = fn(&Place, &Secret) -> Result<(), Errno>;
        for (name, way) in [("nameless", Place::nameless as Way), ("renamed", Place::renamed)] {
            let directory = directory(name);
            let path = directory.join("file");
            let place = Place::find(&path).unwrap();
            way(&place, &secret()).unwrap_or_else(|errno| panic!("{name}: {errno}"));
            assert_eq!(std::fs::read(&path).unwrap(), b"value");
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o600, "{name}");
            std::fs::write(&path, "other").unwrap();
            assert_eq!(way(&place, &secret()), Err(Errno::EEXIST), "{name}");
            assert_eq!(std::fs::read(&path).unwrap(), b"other");
            assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 1, "{name}");
            std::fs::remove_dir_all(directory).unwrap();
        }
    }

    #[test]
    fn a_name_that_is_taken_meanwhile_is_said_and_kept() {
        let directory = directory("meanwhile");
        let path = directory.join("file");
        let place = Place::find(&path).unwrap();
        std::os::unix::fs::symlink("elsewhere", &path).unwrap();
        let error = place.fill(&secret()).unwrap_err();
        assert_eq!(error.status, Status::CannotWrite);
        assert!(error.message.contains("a symbolic link of that name is there"), "{error}");
        assert!(path.symlink_metadata().unwrap().is_symlink());
        assert!(!directory.join("elsewhere").exists());
        std::fs::remove_dir_all(directory).unwrap();
    }
}
