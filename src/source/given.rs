//! A value that the command line names the file of, for commands that are given one.

use super::file::{self, Failure, Pipes, VALUE_LIMIT};
use crate::error::{Error, Status};
use crate::secret::Secret;
use crate::sys::fs::{self, HERE, Kind};
use crate::sys::wait;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a pipe may take: what fills it asks a secret manager, and maybe a person.
const SECONDS: u64 = 60;

/// Reads the file at `path` as a secret file is read at launch; `-` is standard input. The final
/// newline is still there.
///
/// # Errors
/// [`Status::NoInput`] where it cannot be read, [`Status::Data`] where it is too large or blank.
pub fn value(path: &Path) -> Result<Secret, Error> {
    let standard_input = path == Path::new("-");
    let opened = if standard_input { Path::new("/dev/fd/0") } else { path };
    let shown = match standard_input {
        true => "standard input".to_owned(),
        false => path.display().to_string(),
    };
    let deadline = Instant::now() + Duration::from_secs(SECONDS);
    let pipes = Pipes::Until(deadline, wait::until_readable);
    let fail = |status, cause: &str| {
        Error::new(status, format!("cannot read the value from {shown}: {cause}"))
    };
    match file::read(HERE, opened, Kind::Unknown, pipes, VALUE_LIMIT) {
        Ok((value, _)) if value.is_blank() => {
            Err(fail(Status::Data, "it is blank").hint("write the value alone into it"))
        }
        Ok((value, _)) => Ok(value),
        Err(Failure::Gone) => Err(fail(Status::NoInput, "no such file").hint("correct the path")),
        Err(Failure::Unreadable(errno, _)) => Err(fail(Status::NoInput, fs::errno_words(errno))
            .hint("let the user who runs this read it")),
        Err(Failure::Refused(Kind::Device)) if standard_input => {
            Err(fail(Status::NoInput, "it is a terminal")
                .hint("what is typed stays on the screen: name a file, or pipe the value in"))
        }
        Err(Failure::Refused(kind)) => {
            Err(fail(Status::NoInput, &format!("it is {}", kind.words()))
                .hint("name a regular file, or a pipe"))
        }
        Err(Failure::TooLarge) => Err(fail(Status::Data, "it has more than 64 KiB")),
        Err(Failure::TimedOut) => Err(fail(Status::NoInput, &format!("no end within {SECONDS} s"))),
    }
}
