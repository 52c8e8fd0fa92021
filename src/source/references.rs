//! The files that `_FILE` references name, read as one set.
//!
//! References commonly name two keys of one Kubernetes volume. They have to come from one
//! generation of it too, so a directory with `..data` is opened once for all of them (see
//! `directory.rs`), and all of its keys are read again where it was replaced meanwhile.

use super::directory::{DATA, SWAP_PAUSE, SWAP_TIME};
use super::file::{self, Failure, Pipes, VALUE_LIMIT};
use crate::secret::Secret;
use crate::sys::fs::{self, Errno, HERE, Kind, Stat};
use crate::sys::wait;
use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::time::Instant;

/// A volume is looked for in the directory of a file and in the one above, where keys such as
/// `postgres/uri` have it.
const DEPTH: usize = 2;

/// A text with all kinds of letters is no value below this many bytes.
const MIXED: usize = 20;

/// What became of one reference.
pub struct Referred {
    /// The content with what was seen of the file, or why there is none.
    pub read: Result<(Secret, Stat), Failure>,
    /// The root of the volume it was read from.
    pub volume: Option<PathBuf>,
}

/// A directory that was asked for `..data`, and the generation that this led to.
struct Asked {
    directory: PathBuf,
    generation: Option<(OwnedFd, (u64, u64))>,
}

impl Asked {
    /// Whether the volume was replaced since it was asked.
    fn is_replaced(&self) -> bool {
        self.generation.as_ref().is_some_and(|(_, identity)| {
            let now = fs::look(HERE, &self.directory.join(DATA), true);
            now.map(|seen| seen.identity) != Ok(*identity)
        })
    }
}

/// Where the text of a `_FILE` name may be a value that was put in the place of a path, the path
/// that is not there then: of a bare word the whole; of one component behind a `/` or `.`, with
/// which one base64 value in 64 begins, and of what has letters of both cases and digits, as base64
/// with more of them, the first component, which nobody misses in a message.
pub fn doubt(text: &[u8]) -> Option<&Path> {
    let path = Path::new(OsStr::from_bytes(text));
    if !text.starts_with(b"/") && !text.starts_with(b".") {
        return Some(path);
    }
    let is_name = |it: &&[u8]| !it.is_empty() && *it != b"." && *it != b"..";
    let single = text.split(|&byte| byte == b'/').filter(is_name).count() < 2;
    let has = |class: fn(&u8) -> bool| text.iter().any(class);
    let letters = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
    let mixed = text.len() >= MIXED && letters && has(u8::is_ascii_digit);
    if !(single || mixed) {
        return None;
    }
    path.ancestors()
        .filter(|it| it.components().any(|it| matches!(it, Component::Normal(_))))
        .last()
}

/// Reads the files at `paths`, in their order. It takes up to 1 s longer where a volume keeps
/// being replaced; what is read of such a one is not used.
pub fn read_all(paths: &[&Path], pipes: Pipes) -> Vec<Referred> {
    let mut results: Vec<Option<Referred>> = paths.iter().map(|_| None).collect();
    let mut deadline = None;
    loop {
        let mut asked: Vec<Asked> = Vec::new();
        for (result, path) in results.iter_mut().zip(paths) {
            if result.is_none() {
                *result = Some(read_one(path, pipes, &mut asked));
            }
        }
        let mut again = false;
        for asked in asked.iter().filter(|asked| asked.is_replaced()) {
            for result in &mut results {
                let volume = result.as_ref().and_then(|read| read.volume.as_ref());
                if volume == Some(&asked.directory) {
                    *result = None;
                    again = true;
                }
            }
        }
        let over = again
            && (Instant::now() >= *deadline.get_or_insert_with(|| Instant::now() + SWAP_TIME)
                || wait::pause(SWAP_PAUSE).is_err());
        if !again || over {
            let stale =
                || Referred { read: Err(Failure::Unreadable(Errno::ESTALE, None)), volume: None };
            return results.into_iter().map(|result| result.unwrap_or_else(stale)).collect();
        }
    }
}

fn read_one(path: &Path, pipes: Pipes, asked: &mut Vec<Asked>) -> Referred {
    let by_path = || file::read(HERE, path, Kind::Unknown, pipes, VALUE_LIMIT);
    for directory in path.ancestors().skip(1).take(DEPTH) {
        let Some((generation, _)) = ask(directory, asked) else { continue };
        let key = path.strip_prefix(directory).unwrap_or(path);
        let key = key.strip_prefix(DATA).unwrap_or(key);
        let read = match file::read(generation.as_fd(), key, Kind::Unknown, pipes, VALUE_LIMIT) {
            // Something that stands beside the generations; or it was just removed, and then the
            // volume is seen to be replaced.
            Err(Failure::Gone) => by_path(),
            other => other,
        };
        return Referred { read, volume: Some(directory.to_owned()) };
    }
    Referred { read: by_path(), volume: None }
}

/// The generation of the volume whose root `directory` is, if it is one.
fn ask<'a>(directory: &Path, asked: &'a mut Vec<Asked>) -> Option<&'a (OwnedFd, (u64, u64))> {
    let known = asked.iter().position(|asked| asked.directory == directory);
    let at = known.unwrap_or_else(|| {
        let generation = fs::open_directory(HERE, &directory.join(DATA)).ok().and_then(|fd| {
            let identity = fs::look_at(fd.as_fd()).ok()?.identity;
            Some((fd, identity))
        });
        asked.push(Asked { directory: directory.to_owned(), generation });
        asked.len() - 1
    });
    asked.get(at)?.generation.as_ref()
}
