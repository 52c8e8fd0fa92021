//! What a provider writes to its standard error, kept where the operator asked for it: a file of
//! its own for each launch and provider, for its owner alone, and never one that is there already.

use crate::sys::fs::{self, Errno, HERE};
use crate::sys::{descriptor, make};
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
}

impl<'a> Keep<'a> {
    pub(super) fn new(directory: &'a Directory, provider: &str) -> Self {
        let name = PathBuf::from(format!("{}.{provider}.stderr", directory.launch));
        Keep { directory, name, file: None, left: LIMIT }
    }

    /// Writes as far as that goes: what cannot be kept is counted all the same.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        if self.left == LIMIT {
            self.file = make::file(self.directory.open.as_fd(), &self.name).ok();
        }
        let bytes = bytes.get(..self.left.min(bytes.len())).unwrap_or_default();
        self.left -= bytes.len();
        if let Some(file) = &self.file {
            let _ = descriptor::write_all(file.as_fd(), bytes);
        }
    }

    /// Where it is.
    pub(super) fn path(&self) -> Option<PathBuf> {
        self.file.as_ref().map(|_| self.directory.path.join(&self.name))
    }
}
