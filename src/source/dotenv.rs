//! Where `.env` is in development mode: in the working directory or above, up to and including
//! the first directory with `.git` or the home directory, and never in a directory of another
//! user, who could plant one there.

use super::Accounts;
use crate::sys::fs::{self, Errno, HERE, Kind};
use std::path::{Path, PathBuf};

/// The first `.env` on the way up from `start`, which is absolute. `home` is what HOME says;
/// without it passwd(5) is asked. A `.env` that is no regular file (a directory of an interpreter's
/// environment, say) is passed over; one that cannot be looked at counts as found.
pub fn find(start: &Path, home: Option<&Path>) -> Option<PathBuf> {
    let me = fs::own_uid();
    let home = home
        .map(Path::to_owned)
        .or_else(|| Accounts::of_the_system().home(me))
        .and_then(|home| fs::look(HERE, &home, true).ok());
    for directory in start.ancestors() {
        let seen = fs::look(HERE, directory, true).ok()?;
        if seen.uid != me {
            return None;
        }
        let candidate = directory.join(".env");
        match fs::look(HERE, &candidate, true) {
            Ok(seen) if seen.kind == Kind::Regular => return Some(candidate),
            Ok(_) | Err(Errno::ENOENT) => {}
            Err(_) => return Some(candidate),
        }
        // A directory, or in a worktree a file.
        let is_project = fs::look(HERE, &directory.join(".git"), false).is_ok();
        if is_project || home.is_some_and(|home| home.identity == seen.identity) {
            return None;
        }
    }
    None
}
