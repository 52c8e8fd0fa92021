//! Values that are given by a file and never by an argument.

use crate::contract::name;
use crate::error::{Error, Status};
use crate::secret::Secret;
use crate::source::given;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

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
/// As [`given::value`].
pub fn read(path: &Path) -> Result<Secret, Error> {
    let mut value = given::value(path)?;
    value.strip_final_newline();
    Ok(value)
}
