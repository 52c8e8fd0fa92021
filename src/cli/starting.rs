//! `run`, `dev` and `check` on their own.

use super::Action;
use clap::{Args, Command};
use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt;

/// What `run`, `dev` and `check` are asked for, where there is nothing to say about it. clap makes
/// every command of a definition before it reads a word; a launch pays for its own alone. A help or
/// a mistake is read again by the whole definition.
pub(super) fn read(arguments: &[&'static CStr]) -> Option<Action> {
    fn alone<T: Args>(words: &[&'static CStr]) -> Option<T> {
        let words = words.iter().map(|word| OsStr::from_bytes(word.to_bytes()));
        let definition = T::augment_args(Command::new("nexis-launch"));
        T::from_arg_matches(&definition.try_get_matches_from(words).ok()?).ok()
    }
    let words = arguments.get(1..)?;
    match words.first()?.to_bytes() {
        b"run" => alone(words).map(Action::Run),
        b"dev" => alone(words).map(Action::Dev),
        b"check" => alone(words).map(Action::Check),
        _ => None,
    }
}
