//! What a provider writes to its standard error, kept where the operator asked for it: a file of
//! its own for each launch and provider, for its owner alone, and never one that is there already.

use crate::finding::Kept;
use crate::sys::fs::{self, Errno, HERE};
use crate::sys::{descriptor, make, process};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// The most bytes that are kept of one provider.
const LIMIT: usize = 1024 * 1024;

/// The directory to keep it in.
pub struct Directory {
    open: OwnedFd,
    path: PathBuf,
    /// Begins the names of the files.
    launch: String,
}

impl Directory {
    /// Opens it.
    ///
    /// # Errors
    /// What openat(2) reports.
    pub fn open(path: &Path, launch: &str) -> Result<Directory, Errno> {
        let open = fs::open_directory(HERE, path)?;
        Ok(Directory { open, path: path.to_owned(), launch: launch.to_owned() })
    }
}

/// The file of one provider, made with the first byte.
pub(super) struct Keep<'a> {
    directory: &'a Directory,
    name: PathBuf,
    file: Option<OwnedFd>,
    left: usize,
    /// Why there is no file, or not all of it.
    failed: Option<String>,
}

impl<'a> Keep<'a> {
    pub(super) fn new(directory: &'a Directory, provider: &str) -> Self {
        let name = PathBuf::from(format!("{}.{provider}.stderr", directory.launch));
        Keep { directory, name, file: None, left: LIMIT, failed: None }
    }

    /// Writes as far as that goes. No value hangs on it, so what fails is only remembered.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        if self.left == LIMIT {
            match make::file(self.directory.open.as_fd(), &self.name) {
                Ok(file) => self.file = Some(file),
                Err(errno) => self.failed = Some(process::describe(&errno.into())),
            }
        }
        let bytes = bytes.get(..self.left.min(bytes.len())).unwrap_or_default();
        self.left -= bytes.len();
        let (Some(file), None) = (&self.file, &self.failed) else { return };
        if let Err(error) = descriptor::write_all(file.as_fd(), bytes) {
            self.failed = Some(process::describe(&error));
        }
    }

    /// What became of it; nothing where the provider wrote nothing.
    pub(super) fn end(self) -> Option<Kept> {
        if self.left == LIMIT {
            return None;
        }
        let path = self.directory.path.join(&self.name);
        Some(match self.failed {
            None => Kept::In(path, (LIMIT - self.left) as u64),
            Some(why) => Kept::Failed(path, why),
        })
    }
}
