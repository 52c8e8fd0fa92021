//! A working development set-up, written from the contract: `.env`, a directory of generated
//! secrets, and the lines that keep both out of a repository.
//!
//! Nothing that exists is overwritten, and no symbolic link in the directory is followed. `.env`
//! refers to the files of secrets and holds no secret itself.

mod given;
mod ignore;
mod values;
mod work;

use crate::contract::model::{Contract, Kind, Role, Row};
use crate::contract::{template, words};
use crate::error::{Error, Status};
use crate::mode::Mode;
use crate::output::escape;
use crate::source::{Entry, parse_env_file};
use crate::sys::make;
use given::Given;
use std::fmt::Write as _;
use std::path::Path;
use work::{Existing, Work};

/// The directory of secrets.
const SECRETS: &str = "secrets";
/// The env file.
const ENV: &str = ".env";
/// What keeps both out of a repository.
const IGNORE: &str = ".gitignore";

/// A secret that is to have a file.
struct Wanted {
    row: &'static Row,
    file: String,
    /// Whether an env file that is there refers to the file, or a new one will.
    referred: bool,
}

impl Wanted {
    fn reference(&self) -> String {
        format!("{}_FILE={SECRETS}/{}", self.row.name, self.file)
    }
}

/// Writes what is missing of the set-up in `directory`, which is made where its parent exists,
/// and returns what was done, one line each.
///
/// # Errors
/// [`Status::CannotWrite`], with nothing written where that was seen before the last step.
pub fn set_up(contract: &'static Contract, directory: &Path) -> Result<String, Error> {
    make::keep_to_the_owner();
    let mut work = Work::begin(directory)?;
    let env = work.existing(ENV)?;
    let entries = match &env {
        Existing::File(content) => parse_env_file(content.expose()).0,
        _ => Vec::new(),
    };
    let is_new = matches!(env, Existing::Absent);
    let wanted: Vec<Wanted> =
        contract.rows.iter().filter_map(|row| want(contract, row, is_new, &entries)).collect();
    let mut said = String::new();
    // First in the order of publishing: a secret never stands where it could be committed.
    ignored(&mut work, &mut said)?;
    if !wanted.is_empty() {
        let verb = if work.enter(SECRETS)? { "made" } else { "kept" };
        say(&mut said, verb, &format!("{SECRETS}/"));
    }
    for wanted in &wanted {
        let path = format!("{SECRETS}/{}", wanted.file);
        if work.holds(&wanted.file) {
            say(&mut said, "kept", &path);
            continue;
        }
        let value = values::make(contract, wanted.row).ok_or_else(|| {
            let message = format!("cannot make a value for {}", wanted.row.name);
            Error::new(Status::Software, message)
                .hint("the operating system gave no random bytes; nothing was written")
        })?;
        work.draft(true, &wanted.file, value.expose(), 0o600)?;
        say(&mut said, "made", &format!("{path}: a value for {}", wanted.row.name));
    }
    match env {
        Existing::Absent => {
            work.draft(false, ENV, env_file(contract, &wanted).as_bytes(), 0o600)?;
            say(&mut said, "made", ENV);
        }
        Existing::File(_) => say(&mut said, "kept", ENV),
        Existing::Other(what) => say(&mut said, "kept", &format!("{ENV}: it is {what}")),
    }
    for wanted in wanted.iter().filter(|wanted| !wanted.referred) {
        say(&mut said, "to do", &format!("add to {ENV}: {}", wanted.reference()));
    }
    let has_file = |row: &Row| wanted.iter().any(|wanted| wanted.row.name == row.name);
    let given = Given { contract, entries: &entries, has_file: &has_file };
    for what in contract.rows.iter().filter_map(|row| given.to_do(row)) {
        say(&mut said, "to do", &what);
    }
    for path in work.publish()? {
        say(&mut said, "kept", &format!("{}: another process made it meanwhile", path.display()));
    }
    Ok(said)
}

fn say(said: &mut String, verb: &str, what: &str) {
    let _ = writeln!(said, "{verb:<6}  {}", escape(what));
}

/// The definition of a row in an env file, under any of its names.
fn definition<'a>(contract: &Contract, row: &Row, entries: &'a [Entry]) -> Option<&'a Entry> {
    entries.iter().find(|entry| {
        let known = contract.known(entry.name.as_bytes());
        known.is_some_and(|known| contract.row(known.row).name == row.name)
    })
}

/// Whether a file is made for the row: a value can be made, and an env file that is there does not
/// define it otherwise. Two values would be a conflict.
fn want(contract: &Contract, row: &'static Row, new: bool, entries: &[Entry]) -> Option<Wanted> {
    values::make(contract, row)?;
    let file = words::file_name(row);
    let Some(entry) = definition(contract, row, entries) else {
        return Some(Wanted { row, file, referred: new });
    };
    let role = contract.known(entry.name.as_bytes()).map(|known| known.role);
    let path = format!("{SECRETS}/{file}");
    let refers = matches!(role, Some(Role::OwnFile | Role::AliasFile(_)))
        && entry.value.expose() == path.as_bytes();
    refers.then_some(Wanted { row, file, referred: true })
}

fn env_file(contract: &Contract, wanted: &[Wanted]) -> String {
    let head = format!(
        "# {}: variables for development, read by `nexis-launch dev -- PROGRAM` here and below.\n\
         # NAME=VALUE without spaces around =; nothing is expanded. Secrets are in {SECRETS}/,\n\
         # one file each. Take the # and the space from a line and set its value.\n",
        contract.name
    );
    template::env_file(contract, head, |row| {
        if row.format.kind == Kind::ModeName {
            return Some(format!("{}={}", row.name, Mode::Development));
        }
        wanted.iter().find(|wanted| wanted.row.name == row.name).map(Wanted::reference)
    })
}

/// Has the env file and the secrets ignored by git(1): a repository may well come later.
fn ignored(work: &mut Work, said: &mut String) -> Result<(), Error> {
    let lines = [format!("/{ENV}"), format!("/{SECRETS}/")];
    let what = |lines: &[String]| format!("{IGNORE}: {}", lines.join(" and "));
    match work.existing(IGNORE)? {
        Existing::Absent => {
            let text = lines.join("\n") + "\n";
            work.draft(false, IGNORE, text.as_bytes(), 0o644)?;
            say(said, "made", &what(&lines));
        }
        Existing::File(content) => {
            let missing = ignore::missing(content.expose(), &lines);
            if missing.is_empty() {
                say(said, "kept", IGNORE);
            } else {
                work.add_later(IGNORE, ignore::addition(content.expose(), &missing));
                say(said, "added", &what(&missing));
            }
        }
        Existing::Other(kind) => {
            say(said, "kept", &format!("{IGNORE}: it is {kind}"));
            say(said, "to do", &format!("have git ignore {}", lines.join(" and ")));
        }
    }
    Ok(())
}
