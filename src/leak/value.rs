//! Values that are given by a file and never by an argument.

use crate::contract::name;
use crate::error::{Error, Status};
use crate::secret::Secret;
use crate::source::file::{self, Failure, PIPE_SECONDS, Pipes, VALUE_LIMIT};
use crate::sys::fs::{self, HERE, Kind};
use crate::sys::wait;
use std::ffi::OsStr;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};
use zeroize::Zeroize;

/// The option that names a value's file.
const OPTION: &str = "--value-file";

/// Splits `NAME=FILE`.
///
/// # Errors
/// [`Status::Usage`]; what was given is not repeated, it could be the value itself.
pub fn named(given: &OsStr) -> Result<(&str, &Path), Error> {
    let bytes = given.as_bytes();
    let split = bytes.iter().position(|byte| *byte == b'=');
    let parts = split.and_then(|at| Some((bytes.get(..at)?, bytes.get(at + 1..)?)));
    parts
        .and_then(|(name, file)| Some((std::str::from_utf8(name).ok()?, file)))
        .filter(|(name, file)| name::is_variable(name) && !file.is_empty())
        .map(|(name, file)| (name, Path::new(OsStr::from_bytes(file))))
        .ok_or_else(|| {
            let message = format!("cannot take the value given for {OPTION}: it is not NAME=FILE");
            Error::new(Status::Usage, message).hint(
                "give a name to call the value by and the file that holds it; - is standard input",
            )
        })
}

/// Reads a value as a launch does: at most 64 KiB, one final newline taken off. `-` is standard
/// input.
///
/// # Errors
/// [`Status::NoInput`] where it cannot be read, [`Status::Data`] where it is empty or too large.
pub fn read(path: &Path) -> Result<Secret, Error> {
    let deadline = Instant::now() + Duration::from_secs(PIPE_SECONDS.into());
    let pipes = Pipes::Until(deadline, wait::until_readable);
    let read = match path.as_os_str().as_bytes() {
        b"-" => from_standard_input(),
        _ => file::read(HERE, path, Kind::Unknown, pipes, VALUE_LIMIT).map(|(value, _)| value),
    };
    let mut value = read.map_err(|failure| {
        let (status, cause) = match failure {
            Failure::Gone => (Status::NoInput, "there is no such file".to_owned()),
            Failure::Unreadable(errno, _) => (Status::NoInput, fs::errno_words(errno).to_owned()),
            Failure::Refused(kind) => (Status::NoInput, format!("it is {}", kind.words())),
            Failure::TooLarge => (Status::Data, "it has more than 64 KiB".to_owned()),
            Failure::TimedOut => (Status::NoInput, "nothing came within 5 s".to_owned()),
        };
        // The path is not shown: what stands in its place can be the value.
        Error::new(status, format!("cannot read the file given for {OPTION}: {cause}"))
            .hint("name a file that holds the value and nothing else")
    })?;
    value.strip_final_newline();
    if value.is_empty() {
        let message = format!("cannot use the file given for {OPTION}: it is empty");
        return Err(Error::new(Status::Data, message).hint("name a file that holds the value"));
    }
    Ok(value)
}

/// All of standard input.
fn from_standard_input() -> Result<Secret, Failure> {
    let mut buffer = vec![0; VALUE_LIMIT + 1];
    let mut filled = 0;
    let input = io::stdin();
    let failure = loop {
        match fs::read(input.as_fd(), buffer.get_mut(filled..).unwrap_or_default()) {
            Ok(0) if filled <= VALUE_LIMIT => {
                buffer.truncate(filled);
                return Ok(Secret::new(buffer));
            }
            Ok(0) => break Failure::TooLarge,
            Ok(got) => filled += got,
            Err(fs::Errno::EAGAIN) => {
                let _ =
                    wait::until_readable(input.as_fd(), Instant::now() + Duration::from_secs(60));
            }
            Err(errno) => break Failure::Unreadable(errno, None),
        }
    };
    buffer.zeroize();
    Err(failure)
}
