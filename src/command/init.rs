//! `init`: a working development set-up, written from the contract.

use super::{Ending, print};
use crate::cli::{self, Options};
use crate::init;
use crate::launch;
use crate::output::escape;
use crate::sys::process;
use crate::sys::signal::Ignored;
use std::path::{self, Path};

/// Writes what is missing and prints what was done and what comes next.
pub(super) fn init(options: cli::Init) -> Ending {
    let _pipe = Ignored::begin();
    // Best effort, as in a launch: the values are in memory until they are written.
    let _ = process::forbid_dumps();
    let cli::Init { contract: file, directory } = options;
    let contract = launch::contract(Options { contract: file.clone(), ..Options::default() })?;
    let said = init::set_up(contract, &directory).map_err(|error| vec![error])?;
    let mut next = String::new();
    let elsewhere = directory != Path::new(".");
    if elsewhere {
        next.push_str(&format!("cd {} && ", quoted(&directory)));
    }
    next.push_str("nexis-launch dev ");
    if let Some(file) = file {
        // The working directory is another one then.
        let absolute = path::absolute(&file).ok().filter(|_| elsewhere);
        next.push_str(&format!("--contract {} ", quoted(&absolute.unwrap_or(file))));
    }
    print(&format!("{said}next    {}-- PROGRAM\n", escape(&next)))
}

/// A path as a word of a shell.
pub(super) fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@".contains(c);
    if !text.is_empty() && text.chars().all(plain) && !text.starts_with('-') {
        return text.into_owned();
    }
    // In quotes a leading hyphen would still be an option.
    let begin = if text.starts_with('-') { "./" } else { "" };
    format!("'{begin}{}'", text.replace('\'', "'\\''"))
}
