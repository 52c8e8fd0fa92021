//! Other programs that read what the launcher does not: compressed files and git's objects.
//!
//! They are looked up in the absolute entries of PATH, and get an environment without anything of
//! the launcher's own, which may hold every secret there is.

use std::ffi::{OsStr, OsString};
use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};

/// Where PATH leads.
pub struct Tools {
    search: OsString,
}

/// A program that was started. It is ended and waited for when it is dropped.
pub struct Running(Child);

impl Tools {
    /// Takes the absolute entries of PATH: others would run a program from the working directory.
    pub fn new(path: Option<&OsStr>) -> Self {
        let path = path.unwrap_or(OsStr::new("/usr/bin:/bin"));
        let entries = std::env::split_paths(path).filter(|entry| entry.is_absolute());
        Tools { search: std::env::join_paths(entries).unwrap_or_default() }
    }

    fn find(&self, name: &str) -> Option<PathBuf> {
        which::which_in(name, Some(&self.search), "/").ok()
    }

    /// A command that writes its result to a pipe and complains to nobody.
    ///
    /// # Errors
    /// That there is no such program.
    pub fn command(&self, name: &str) -> Result<Command, String> {
        let path = self.find(name).ok_or_else(|| format!("{name} is not installed"))?;
        let mut command = Command::new(path);
        command.env_clear().env("PATH", &self.search).env("LC_ALL", "C");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        Ok(command)
    }

    /// Starts a command.
    ///
    /// # Errors
    /// That it could not be started.
    pub fn start(mut command: Command) -> Result<Running, String> {
        let name = command.get_program().to_string_lossy().into_owned();
        command.spawn().map(Running).map_err(|_| format!("{name} could not be started"))
    }
}

impl Running {
    /// The process.
    pub fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// Waits for its end and says whether it did all it was to do, without a complaint where those
    /// are listened to.
    pub fn ended_well(&mut self) -> bool {
        let status = self.0.wait();
        let mut complaint = [0];
        let complains =
            |pipe: &mut ChildStderr| pipe.read(&mut complaint).map_or(true, |it| it > 0);
        !self.0.stderr.as_mut().is_some_and(complains) && status.is_ok_and(|it| it.success())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
