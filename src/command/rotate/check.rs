//! The operator's own check of a new value, as a process of its own.

use crate::contract::model::Contract;
use crate::error::{Error, Status};
use crate::exec;
use crate::secret::Secret;
use crate::sys::fs;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, Stdio};

/// Runs the command with the value under its runtime name in its environment and waits for its
/// end. It gets no other name of the variable, which could lead to another value, no
/// `NEXIS_LAUNCH_*` settings and no standard input; what it prints goes to standard error. The answer is its exit status, or 128 and the number of the signal that ended
/// it.
pub(super) fn run(
    words: &[OsString],
    name: &str,
    value: &Secret,
    contract: &Contract,
) -> Result<i32, Vec<Error>> {
    let fail = |cause: &str| {
        let message = format!("cannot run the command that verifies {name}: {cause}");
        vec![Error::new(Status::NotExecutable, message).hint("nothing was recorded")]
    };
    let Some((program, arguments)) = words.split_first() else { return Err(fail("none is given")) };
    if value.expose().contains(&0) {
        return Err(fail("the value has a NUL byte, which no environment variable can hold"));
    }
    let output = io::stderr().as_fd().try_clone_to_owned().map_err(|it| fail(fs::io_words(&it)))?;
    let not_found = || {
        let message = format!("cannot run the command that verifies {name}: not found");
        vec![Error::new(Status::NotFound, message).hint("nothing was recorded")]
    };
    // By the rule of `run`: nothing of the working directory because of an entry of PATH.
    let path = exec::find(program, std::env::var_os("PATH").as_deref()).map_err(|_| not_found())?;
    let mut command = Command::new(path);
    command.arg0(program).args(arguments).stdin(Stdio::null()).stdout(output);
    for (setting, _) in std::env::vars_os() {
        if setting.as_bytes().starts_with(crate::settings::PREFIX.as_bytes()) {
            command.env_remove(setting);
        }
    }
    if let Some(own) = contract.known(name.as_bytes()) {
        for other in contract.names.iter().filter(|other| other.row == own.row) {
            command.env_remove(other.name);
        }
    }
    command.env(name, OsStr::from_bytes(value.expose()));
    let status = command.status().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => not_found(),
        _ => fail(fs::io_words(&error)),
    })?;
    Ok(status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)))
}
