//! A secrets or credentials directory: opened once, listed once, each key opened relative to it.
//!
//! A Kubernetes volume (recognised by `..data`) is replaced as a whole by turning that link to
//! another directory. Every key is read from the one generation that was opened, and `..data` is
//! looked at again afterwards: a generation that was replaced meanwhile may have been half
//! removed, so all of it is read again.

use super::file::{self, Failure, Pipes, VALUE_LIMIT};
use super::permissions::Judge;
use crate::contract::model::{self, Contract, FileName, RowId};
use crate::finding::{Code, Fact};
use crate::secret::Secret;
use crate::sys::fs::{self, Errno, HERE, Kind};
use crate::sys::wait;
use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The link to the current generation of a Kubernetes volume (its atomic writer's layout).
pub const DATA: &str = "..data";

/// How long a volume that keeps being replaced is tried again (interface section 3).
pub const SWAP_TIME: Duration = Duration::from_secs(1);

/// The pause between two tries: longer than a swap takes.
pub const SWAP_PAUSE: Duration = Duration::from_millis(2);

/// A file of the contract that stands in the directory.
pub struct Found {
    /// The contract's name for it.
    pub file: FileName,
    /// Its path by way of the directory, not of a generation.
    pub path: PathBuf,
    /// The content, or why it cannot be had.
    pub content: Result<Secret, (Code, Fact)>,
    /// Who else could write it.
    pub writable: Option<Fact>,
}

/// What a directory has.
pub struct Read {
    /// The contract's files.
    pub found: Vec<Found>,
    /// The files of the mode's name, which are not read, and the mode's row.
    pub modes: Vec<(Option<RowId>, PathBuf)>,
}

/// Reads all files of the contract from the directory at `path`, which is absolute.
///
/// # Errors
/// What opening or listing the directory reports; ESTALE for a volume that was being replaced
/// each time: what was read of it may be incomplete, so none of it is used; ENOLINK for one whose
/// link leads nowhere.
pub fn read(contract: &Contract, path: &Path, judge: &mut Judge<'_>) -> Result<Read, Errno> {
    let mut deadline = None;
    loop {
        if let Some(found) = read_once(contract, path, judge)? {
            return Ok(found);
        }
        judge.forget(&path.join(DATA));
        let deadline = *deadline.get_or_insert_with(|| Instant::now() + SWAP_TIME);
        if Instant::now() >= deadline || wait::pause(SWAP_PAUSE).is_err() {
            return Err(if dangles(&path.join(DATA)) { Errno::ENOLINK } else { Errno::ESTALE });
        }
    }
}

/// Whether a link is there and leads nowhere: nothing is being replaced then.
fn dangles(link: &Path) -> bool {
    let gone = matches!(fs::look(HERE, link, true), Err(Errno::ENOENT));
    gone && fs::look(HERE, link, false).is_ok()
}

/// One try; `None` where the volume was replaced meanwhile.
fn read_once(
    contract: &Contract,
    path: &Path,
    judge: &mut Judge<'_>,
) -> Result<Option<Read>, Errno> {
    let root = fs::open_directory(HERE, path)?;
    let mut listing = list(contract, &root)?;
    if !listing.is_volume {
        judge.way_to(path);
        let way = judge.vouch(|| fs::look_at(root.as_fd()).ok().map(|it| it.identity));
        let found = read_files(&root, (path, path), way, &listing.keys, judge);
        fs::leave(root);
        return Ok(Some(Read { found, modes: listing.modes_in(path) }));
    }
    let generation = match fs::open_directory(root.as_fd(), Path::new(DATA)) {
        Ok(generation) => generation,
        // The link was turned, or its old target removed, between two steps of this.
        Err(Errno::ENOENT) => return Ok(None),
        Err(errno) => return Err(errno),
    };
    let identity = fs::look_at(generation.as_fd())?.identity;
    listing = match list(contract, &generation) {
        // A directory that was removed cannot be listed any more.
        Err(Errno::ENOENT) => return Ok(None),
        other => other?,
    };
    let data = path.join(DATA);
    judge.way_to_volume(path);
    judge.way_to(&data);
    let way = judge.vouch(|| Some(identity));
    let found = read_files(&generation, (path, &data), way, &listing.keys, judge);
    let now = fs::look(root.as_fd(), Path::new(DATA), true).map(|seen| seen.identity);
    fs::leave(generation);
    fs::leave(root);
    let modes = listing.modes_in(path);
    Ok((now == Ok(identity)).then_some(Read { found, modes }))
}

/// The contract's files that a listing has, with the kind it says.
struct Listing {
    is_volume: bool,
    keys: Vec<(FileName, Kind)>,
    modes: Vec<(Option<RowId>, PathBuf)>,
}

impl Listing {
    fn modes_in(self, directory: &Path) -> Vec<(Option<RowId>, PathBuf)> {
        self.modes.into_iter().map(|(row, name)| (row, directory.join(name))).collect()
    }
}

/// The mode's row and its names, which are those of no file: the mode is known before any is read.
fn mode_names(contract: &Contract) -> (Option<RowId>, impl Iterator<Item = &str>) {
    let mut rows = contract.rows();
    let row = rows.find(|(_, row)| row.format.kind == model::Kind::ModeName);
    let name = row.map_or("NEXIS_ENV", |(_, row)| row.name);
    let aliases = row.into_iter().flat_map(|(_, row)| row.aliases.into_iter().copied());
    (row.map(|(id, _)| id), std::iter::once(name).chain(aliases))
}

/// Whether a file name is spelled as the files of a variable are.
fn is_spelled(file: &[u8], name: &str) -> bool {
    let plain = |byte: u8| if byte == b'-' { b'_' } else { byte.to_ascii_uppercase() };
    let name = name.as_bytes();
    file.len() == name.len()
        && file.iter().zip(name).all(|(one, other)| plain(*one) == plain(*other))
}

/// Whether a regular file stands there, or behind the link.
fn is_file(directory: BorrowedFd<'_>, path: &Path) -> bool {
    fs::look(directory, path, true).is_ok_and(|seen| seen.kind == Kind::Regular)
}

/// Whether what is said of a file is so: one that an option names as an env file is read as such.
pub fn is_unread(fact: &Fact, env_files: &[PathBuf]) -> bool {
    let Fact::NotRead(path) = fact else { return true };
    let identity = |path: &Path| fs::look(HERE, path, true).map(|seen| seen.identity);
    let here = identity(path);
    here.is_err() || env_files.iter().all(|file| identity(file) != here)
}

fn list(contract: &Contract, directory: &OwnedFd) -> Result<Listing, Errno> {
    let mut listing = Listing { is_volume: false, keys: Vec::new(), modes: Vec::new() };
    fs::list(directory.as_fd(), |name, kind| {
        // No name of the contract begins with two dots (grammar of `files`).
        if name.starts_with(b"..") {
            listing.is_volume |= name == DATA.as_bytes();
            return;
        }
        if let Some(file) = contract.file(name) {
            listing.keys.push((file, kind));
        } else if kind != Kind::Directory {
            let (row, mut names) = mode_names(contract);
            let path = Path::new(OsStr::from_bytes(name));
            if names.any(|mode| is_spelled(name, mode)) && is_file(directory.as_fd(), path) {
                listing.modes.push((row, path.to_owned()));
            }
        }
        if matches!(kind, Kind::Directory | Kind::Link | Kind::Unknown) {
            listing.keys.extend(below(contract, name).map(|file| (file, Kind::Unknown)));
        }
    })?;
    // The order of a listing is the file system's; that of findings is the contract's.
    listing.keys.sort_by_key(|(file, _)| (file.row, file.rank));
    listing.modes.sort();
    Ok(listing)
}

/// The contract's names of the form `directory/…`.
fn below(contract: &Contract, directory: &[u8]) -> impl Iterator<Item = FileName> {
    let files = contract.files.0;
    // All of them stand together: `directory/` is their common prefix.
    let start = files.partition_point(|file| {
        file.name.as_bytes().iter().cmp(directory.iter().chain(b"/")).is_lt()
    });
    let is_below = move |name: &str| {
        name.as_bytes().strip_prefix(directory).is_some_and(|rest| rest.first() == Some(&b'/'))
    };
    let files = files.get(start..).unwrap_or_default();
    files.iter().take_while(move |file| is_below(file.name)).copied()
}

/// Reads the keys of one open directory, known as `shown` and really standing in `real`. `way` says
/// whether it is the one that this path means.
fn read_files(
    directory: &OwnedFd,
    (shown, real): (&Path, &Path),
    way: Result<(), &'static str>,
    keys: &[(FileName, Kind)],
    judge: &mut Judge<'_>,
) -> Vec<Found> {
    let mut found = Vec::with_capacity(keys.len());
    for &(file, kind) in keys {
        let name = Path::new(OsStr::from_bytes(file.name.as_bytes()));
        let nested = file.name.contains('/');
        let (read, kind) = read_key(directory, name, kind);
        let path = shown.join(name);
        let mut writable = None;
        let content = match read {
            // Below another name there may be anything or nothing.
            Err(Failure::Gone | Failure::Unreadable(Errno::ENOTDIR, _)) if nested => continue,
            Err(failure) => Err(failure.explained(&path, VALUE_LIMIT)),
            Ok((content, stat)) => {
                let at = real.join(name);
                let mut vouched = way;
                // A plain name's directory has been judged; a link leads elsewhere.
                if nested || kind != Kind::Regular {
                    judge.way_to(&at);
                    vouched = way.and(judge.vouch(|| Some(stat.identity)));
                }
                writable = judge.file(&at, &stat);
                let refused =
                    |what| (Code::SourceRefused, Fact::NotRegular { path: path.clone(), what });
                vouched.map(|()| content).map_err(refused)
            }
        };
        found.push(Found { file, path, content, writable });
    }
    found
}

/// Reads one key, with its kind as it was when it was opened: what was listed as a file may have
/// become a link, which leads elsewhere.
fn read_key(
    directory: &OwnedFd,
    name: &Path,
    kind: Kind,
) -> (Result<(Secret, fs::Stat), Failure>, Kind) {
    let read = |kind| file::read(directory.as_fd(), name, kind, Pipes::Refuse, VALUE_LIMIT);
    match read(kind) {
        Err(Failure::Unreadable(Errno::ELOOP, _)) if kind == Kind::Regular => {
            (read(Kind::Link), Kind::Link)
        }
        read => (read, kind),
    }
}
