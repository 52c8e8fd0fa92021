//! A value that `--value-file` names the file of, in whatever command has that option.

use super::file::{self, Failure, Pipes, VALUE_LIMIT};
use crate::error::{Error, Status};
use crate::secret::Secret;
use crate::sys::fs::{self, HERE, Kind};
use crate::sys::wait;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a pipe may take: what fills it asks a secret manager, and maybe a person.
const SECONDS: u64 = 60;

/// Reads the file at `path` as a secret file is read at launch; `-` is standard input. The final
/// newline is still there.
///
/// # Errors
/// [`Status::NoInput`] where it cannot be read, [`Status::Data`] where it is too large or blank.
/// The path is never shown: what stands in its place can be the value.
pub fn value(path: &Path) -> Result<Secret, Error> {
    let pipes = Pipes::Until(Instant::now() + Duration::from_secs(SECONDS), wait::until_readable);
    let is_standard = path == Path::new("-");
    let read = match is_standard {
        true => standard_input(pipes),
        false => file::read(HERE, path, Kind::Unknown, pipes, VALUE_LIMIT).map(|(value, _)| value),
    };
    let (status, cause, hint) = match read {
        Ok(value) if value.is_blank() => {
            (Status::Data, "it is blank".to_owned(), "write the value alone into it")
        }
        Ok(value) => return Ok(value),
        Err(Failure::Gone) => (
            Status::NoInput,
            "there is no such file".to_owned(),
            "give the path of a file that holds the value; the value itself is no argument",
        ),
        Err(Failure::Unreadable(errno, _)) => (
            Status::NoInput,
            fs::errno_words(errno).to_owned(),
            "let the user who runs this read it",
        ),
        Err(Failure::Refused(Kind::Device)) if is_standard && io::stdin().is_terminal() => (
            Status::NoInput,
            "it is a terminal".to_owned(),
            "what is typed stays on the screen: name a file, or pipe the value in",
        ),
        Err(Failure::Refused(kind)) => {
            (Status::NoInput, format!("it is {}", kind.words()), "name a regular file, or a pipe")
        }
        Err(Failure::TooLarge) => {
            (Status::Data, "it has more than 64 KiB".to_owned(), "write the value alone into it")
        }
        Err(Failure::TimedOut) => (
            Status::NoInput,
            format!("it did not end within {SECONDS} s"),
            "end the pipe after the value",
        ),
    };
    let what = match is_standard {
        true => "the value from standard input",
        false => "the file given for --value-file",
    };
    Err(Error::new(status, format!("cannot read {what}: {cause}")).hint(hint))
}

/// The same of standard input, from where it stands.
fn standard_input(pipes: Pipes) -> Result<Secret, Failure> {
    let input = io::stdin();
    let seen = fs::look_at(input.as_fd()).map_err(|errno| Failure::Unreadable(errno, None))?;
    match (seen.kind, pipes) {
        (Kind::Regular | Kind::Pipe | Kind::Socket, Pipes::Until(deadline, wait)) => {
            file::read_pipe(input.as_fd(), VALUE_LIMIT, deadline, wait)
        }
        (kind, _) => Err(Failure::Refused(kind)),
    }
}
