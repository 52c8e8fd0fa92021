//! The writing of a set-up: everything is prepared under names of its own and gets its real name
//! at the end, after git ignores what is secret. A directory that cannot be written to is left as it
//! was; where a later step fails, what has its name is whole.

use crate::error::{Error, Status};
use crate::generate;
use crate::secret::Secret;
use crate::sys::fs::{self, Errno, HERE, Kind};
use crate::sys::{descriptor, make};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// The most bytes that are read of a file that is there.
const LIMIT: usize = 1024 * 1024;

/// What stands under a name.
pub(super) enum Existing {
    /// Nothing.
    Absent,
    /// A regular file with this content.
    File(Secret),
    /// Something that is not read or followed, and what it is.
    Other(&'static str),
}

/// A file that is written and has not its name yet.
struct Draft {
    inside: bool,
    temporary: PathBuf,
    name: PathBuf,
}

/// The directory of the set-up, and the one of secrets in it.
pub(super) struct Work {
    path: PathBuf,
    root: OwnedFd,
    inner: Option<(PathBuf, OwnedFd)>,
    /// Made by this process, to be removed again where nothing comes of it.
    made_root: bool,
    made_inner: bool,
    drafts: Vec<Draft>,
    addition: Option<(PathBuf, String)>,
    published: bool,
}

impl Work {
    /// Opens the directory, or makes it.
    pub(super) fn begin(path: &Path) -> Result<Work, Error> {
        let fail = |errno| cannot(path, errno, false);
        let made_root = make::directory(HERE, path).map_err(fail)?;
        let root = fs::open_directory(HERE, path).map_err(fail)?;
        if made_root {
            make::set_mode(&root, 0o755).map_err(fail)?;
        }
        Ok(Work {
            path: path.to_owned(),
            root,
            inner: None,
            made_root,
            made_inner: false,
            drafts: Vec::new(),
            addition: None,
            published: false,
        })
    }

    /// Makes the directory of secrets, or opens it, and says whether it was made.
    pub(super) fn enter(&mut self, name: &str) -> Result<bool, Error> {
        let name = Path::new(name);
        let shown = self.path.join(name);
        let fail = |errno| cannot(&shown, errno, false);
        self.made_inner = make::directory(self.root.as_fd(), name).map_err(fail)?;
        match make::open_directory(self.root.as_fd(), name) {
            Ok(inner) => self.inner = Some((name.to_owned(), inner)),
            Err(Errno::ENOTDIR | Errno::ELOOP) => {
                let message =
                    format!("cannot use {}: it is no directory of its own", shown.display());
                return Err(Error::new(Status::CannotWrite, message)
                    .hint("nothing was written, and links are not followed; move it away"));
            }
            Err(errno) => return Err(fail(errno)),
        }
        Ok(self.made_inner)
    }

    /// What stands under a name in the directory, symbolic links not followed.
    pub(super) fn existing(&self, name: &str) -> Result<Existing, Error> {
        let name = Path::new(name);
        let fail = |errno| cannot(&self.path.join(name), errno, false);
        let kind = match fs::look(self.root.as_fd(), name, false) {
            Ok(seen) => seen.kind,
            Err(Errno::ENOENT) => return Ok(Existing::Absent),
            Err(errno) => return Err(fail(errno)),
        };
        if kind != Kind::Regular {
            return Ok(Existing::Other(kind.words()));
        }
        let file = match make::open_existing(self.root.as_fd(), name) {
            Ok(file) => file,
            Err(Errno::EACCES) => return Ok(Existing::Other("a file that cannot be read")),
            Err(errno) => return Err(fail(errno)),
        };
        let mut content = vec![0; LIMIT + 1];
        let mut filled = 0;
        while let Some(rest) = content.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match fs::read(file.as_fd(), rest).map_err(fail)? {
                0 => break,
                count => filled += count,
            }
        }
        content.truncate(filled);
        let content = Secret::new(content);
        Ok(if filled > LIMIT { Existing::Other("a large file") } else { Existing::File(content) })
    }

    /// Whether the directory of secrets has this name.
    pub(super) fn holds(&self, name: &str) -> bool {
        let Some((_, inner)) = &self.inner else { return false };
        fs::look(inner.as_fd(), Path::new(name), false).is_ok()
    }

    /// Writes a file that is to be published; `inside` the directory of secrets or beside it.
    pub(super) fn draft(
        &mut self,
        inside: bool,
        name: &str,
        content: &[u8],
        mode: u32,
    ) -> Result<(), Error> {
        let temporary = PathBuf::from(format!(".{name}.{}", generate::ulid(0)));
        let draft = Draft { inside, temporary, name: PathBuf::from(name) };
        let shown = self.shown(&draft);
        let fail = |errno| cannot(&shown, errno, self.published);
        let file = make::file(self.directory(inside), &draft.temporary).map_err(fail)?;
        let written = descriptor::write_all(file.as_fd(), content)
            .and_then(|()| make::set_mode(&file, mode).map_err(Into::into))
            .and_then(|()| descriptor::sync(&file));
        // Listed before the error is returned, so that it is removed.
        self.drafts.push(draft);
        written.map_err(|error| {
            let errno = error.raw_os_error().map_or(Errno::EIO, Errno::from_raw);
            cannot(&shown, errno, self.published)
        })
    }

    /// Has text added to the end of a file that is there, before anything is published.
    pub(super) fn add_later(&mut self, name: &str, text: String) {
        self.addition = Some((PathBuf::from(name), text));
    }

    fn add(&self) -> Result<(), Error> {
        let Some((name, text)) = &self.addition else { return Ok(()) };
        let shown = self.path.join(name);
        let fail = |errno| cannot(&shown, errno, false);
        let file = make::open_to_add(self.root.as_fd(), name).map_err(fail)?;
        let size = fs::look_at(file.as_fd()).map_err(fail)?.size;
        descriptor::write_all(file.as_fd(), text.as_bytes()).map_err(|error| {
            let _ = descriptor::cut(&file, size);
            fail(error.raw_os_error().map_or(Errno::EIO, Errno::from_raw))
        })
    }

    /// Gives every file its name, and returns those whose name was taken meanwhile.
    pub(super) fn publish(mut self) -> Result<Vec<PathBuf>, Error> {
        self.add()?;
        let mut begun = self.addition.is_some();
        let mut taken = Vec::new();
        // What has not got its name stays a draft, and goes when this does.
        for draft in &self.drafts {
            match make::publish(self.directory(draft.inside), &draft.temporary, &draft.name) {
                Ok(()) => (begun, self.published) = (true, true),
                Err(Errno::EEXIST) => taken.push(self.shown(draft)),
                Err(errno) => return Err(cannot(&self.shown(draft), errno, begun)),
            }
        }
        self.published = true;
        Ok(taken)
    }

    fn directory(&self, inside: bool) -> BorrowedFd<'_> {
        match &self.inner {
            Some((_, inner)) if inside => inner.as_fd(),
            _ => self.root.as_fd(),
        }
    }

    fn shown(&self, draft: &Draft) -> PathBuf {
        match &self.inner {
            Some((inner, _)) if draft.inside => self.path.join(inner).join(&draft.name),
            _ => self.path.join(&draft.name),
        }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        for draft in &self.drafts {
            make::remove_file(self.directory(draft.inside), &draft.temporary);
        }
        if self.published {
            return;
        }
        // Neither is removed where something is in it.
        if let (true, Some((name, _))) = (self.made_inner, &self.inner) {
            make::remove_directory(self.root.as_fd(), name);
        }
        if self.made_root {
            make::remove_directory(HERE, &self.path);
        }
    }
}

fn cannot(path: &Path, errno: Errno, published: bool) -> Error {
    let message = format!("cannot write {}: {}", path.display(), fs::errno_words(errno));
    Error::new(Status::CannotWrite, message).hint(if published {
        "what was written before is whole; make it writable and run the command again"
    } else {
        "nothing was written; make the directory writable, or name another one"
    })
}
