//! The directory: which files are a name's, and their bytes. Links, pipes, devices and directories
//! in place of files are refused and never opened.

use super::{Fault, Mend};
use crate::sys::fs::{self, Errno, HERE, Kind};
use crate::sys::make;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// What a name's file ends with.
pub const ENDING: &str = ".jsonl";
/// The most bytes of one file.
const LARGEST: u64 = 64 * 1024 * 1024;
/// The most bytes of a name; percent-encoded it still is a file's name.
const LONGEST_NAME: usize = 64;

/// Whether a file of this size may get so many bytes more and still be read.
pub fn has_room(size: u64, more: usize) -> bool {
    u64::try_from(more).is_ok_and(|more| size.saturating_add(more) <= LARGEST)
}

/// Whether a key may have this name: 1 to 64 bytes, neither spaces nor control characters, and no
/// `=`, with which it is no name of an environment.
pub fn is_name(name: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || c == '=';
    (1..=LONGEST_NAME).contains(&name.len()) && !name.chars().any(odd)
}

/// The stem of a name's file: ASCII letters, digits, `_` and `-` as they are, any other byte as
/// `%` and two hex digits in capitals.
pub fn stem(name: &str) -> String {
    let mut stem = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'_' | b'-' => stem.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => stem.push(char::from(byte)),
            _ => stem.push_str(&format!("%{byte:02X}")),
        }
    }
    stem
}

/// The name of a stem; `None` where no name has this stem.
pub fn name(stem: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(stem.len());
    let mut rest = stem.bytes();
    while let Some(byte) = rest.next() {
        let byte = match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                u8::try_from(high << 4 | low).ok()?
            }
            other => other,
        };
        bytes.push(byte);
    }
    // One spelling of each: else two files would be one name's.
    String::from_utf8(bytes).ok().filter(|found| is_name(found) && self::stem(found) == stem)
}

/// The file of a name.
pub fn file_name(name: &str) -> PathBuf {
    PathBuf::from(stem(name) + ENDING)
}

/// What stands in the directory.
#[derive(Debug, Default)]
pub struct Listing {
    /// Names that have a file, sorted by bytes.
    pub names: Vec<String>,
    /// What is no name's file and does not begin with a dot, sorted.
    pub others: Vec<String>,
    /// Files that end as a name's do and are none's.
    pub faults: Vec<Fault>,
}

/// Lists an open directory.
///
/// # Errors
/// What getdents64(2) reports.
pub fn list(dir: BorrowedFd<'_>) -> Result<Listing, Errno> {
    let mut listing = Listing::default();
    fs::list(dir, |entry, _| {
        let text = String::from_utf8_lossy(entry).into_owned();
        match text.strip_suffix(ENDING) {
            _ if entry.starts_with(b".") => {}
            None => listing.others.push(text),
            Some(stem) => match name(stem) {
                Some(name) => listing.names.push(name),
                None => listing.faults.push(Fault::whole(&text, "its name is no key's")),
            },
        }
    })?;
    listing.names.sort_unstable();
    listing.others.sort_unstable();
    listing.faults.sort_by(|one, other| one.file.cmp(&other.file));
    Ok(listing)
}

/// Why a file has no bytes.
#[derive(Debug)]
pub enum Failure {
    /// There is none.
    Absent,
    /// It is something else than a file.
    NotRegular(Kind),
    /// It has more than 64 MiB.
    TooLarge,
    /// It cannot be read.
    Unreadable(Errno),
}

impl Failure {
    /// As a fault of that file.
    pub fn fault(self, file: &str) -> Fault {
        match self {
            Failure::Absent => Fault::whole(file, "it is gone"),
            Failure::NotRegular(kind) => Fault::whole(file, &format!("it is {}", kind.words())),
            Failure::TooLarge => Fault::whole(file, "it has more than 64 MiB"),
            Failure::Unreadable(errno) => {
                Fault { mend: Mend::Permit, ..Fault::whole(file, fs::errno_words(errno)) }
            }
        }
    }
}

/// The bytes of a name's file.
///
/// # Errors
/// [`Failure`] says why there are none.
pub fn read(dir: BorrowedFd<'_>, name: &str) -> Result<Vec<u8>, Failure> {
    let file = file_name(name);
    let failure = |errno| match errno {
        Errno::ENOENT => Failure::Absent,
        Errno::ELOOP => Failure::NotRegular(Kind::Link),
        errno => Failure::Unreadable(errno),
    };
    // Looked at before it is opened, which alone can do something to a device, and after.
    let seen = fs::look(dir, &file, false).map_err(failure)?;
    if seen.kind != Kind::Regular {
        return Err(Failure::NotRegular(seen.kind));
    }
    let fd = make::open_existing(dir, &file).map_err(failure)?;
    let opened = fs::look_at(fd.as_fd()).map_err(failure)?;
    if opened.kind != Kind::Regular {
        return Err(Failure::NotRegular(opened.kind));
    }
    if opened.size > LARGEST {
        return Err(Failure::TooLarge);
    }
    read_all(&fd, opened.size)
}

fn read_all(fd: &OwnedFd, size: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0).saturating_add(1));
    let mut piece = vec![0; 64 * 1024];
    loop {
        let got = fs::read(fd.as_fd(), &mut piece).map_err(Failure::Unreadable)?;
        if got == 0 {
            return Ok(bytes);
        }
        bytes.extend_from_slice(piece.get(..got).unwrap_or_default());
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LARGEST {
            return Err(Failure::TooLarge);
        }
    }
}

/// Opens the ledger's directory. Its path may lead through links; it is the operator's.
///
/// # Errors
/// What openat(2) reports.
pub fn open(path: &Path) -> Result<OwnedFd, Errno> {
    fs::open_directory(HERE, path)
}

#[cfg(test)]
mod tests {
    use super::{LARGEST, has_room, is_name, name, stem};

    #[test]
    fn a_file_grows_as_far_as_it_is_read_and_no_further() {
        assert!(has_room(0, 1000) && has_room(LARGEST - 1000, 1000));
        assert!(!has_room(LARGEST - 1000, 1001) && !has_room(LARGEST, 1));
        assert!(!has_room(u64::MAX, usize::MAX));
    }

    #[test]
    fn any_name_has_one_safe_file_name_and_back() {
        for (key, file) in [
            ("JWT_SECRET", "JWT_SECRET"),
            ("ci/deploy-token", "ci%2Fdeploy-token"),
            ("..", "%2E%2E"),
            ("a.b", "a%2Eb"),
            ("100%", "100%25"),
            ("clé", "cl%C3%A9"),
        ] {
            assert_eq!(stem(key), file);
            assert_eq!(name(file).as_deref(), Some(key));
        }
        for wrong in ["", "%2e%2e", "..", "a.b", "%4A", "%", "%2", "%FF", "a b", "%20", "a%3Db"] {
            assert_eq!(name(wrong), None, "{wrong}");
        }
        assert!(
            !is_name("a\u{1b}b") && !is_name("") && !is_name("a=b") && !is_name(&"x".repeat(65))
        );
    }
}
