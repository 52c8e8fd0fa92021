//! What is said of a command line that cannot be read: what is wrong, and the form that is right.

use crate::error::{Error, Status};
use crate::nearest::nearest;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::ffi::CStr;

/// Commands that take a program after `--`.
const LAUNCHING: [&str; 3] = ["run", "dev", "check"];

/// The longest name of an option that is shown, its dashes included; those that exist are shorter.
const LONGEST_NAME: usize = 32;

/// Says what is wrong with `arguments`, the program's name included.
///
/// clap's errors repeat what was typed, and what was typed can be a secret: only the names of
/// commands and options that exist, and what looks like the name of an option, are shown.
pub(super) fn explain(error: &clap::Error, arguments: &[&'static CStr]) -> Error {
    let definition = super::command();
    let mistake = Mistake::new(error, arguments, &definition);
    Error::new(Status::Usage, mistake.message()).hint(mistake.hint())
}

/// What clap found, beside what was typed.
struct Mistake<'a> {
    error: &'a clap::Error,
    definition: &'a clap::Command,
    /// The first two words, where they are text.
    words: [&'a str; 2],
    /// The command that the first word names.
    command: Option<&'a clap::Command>,
    /// Of those that take a program after `--`.
    launching: Option<&'static str>,
    /// Whether there is a `--`.
    dashes: bool,
    /// The option or the argument that it is about.
    option: Option<String>,
    /// Whether that is one of `run` that stands before the command.
    misplaced: bool,
}

impl<'a> Mistake<'a> {
    fn new(
        error: &'a clap::Error,
        arguments: &[&'static CStr],
        definition: &'a clap::Command,
    ) -> Self {
        let word = |place: usize| {
            arguments.get(place).and_then(|word| word.to_str().ok()).unwrap_or_default()
        };
        let command = definition.find_subcommand(word(1));
        let option = text(error, ContextKind::InvalidArg);
        let misplaced = option
            .as_deref()
            .and_then(|option| option.strip_prefix("--"))
            .is_some_and(|option| command.is_none() && is_an_option_of_run(definition, option));
        Mistake {
            error,
            definition,
            words: [word(1), word(2)],
            command,
            launching: LAUNCHING.into_iter().find(|name| *name == word(1)),
            dashes: arguments.contains(&c"--"),
            option,
            misplaced,
        }
    }

    /// What is wrong.
    fn message(&self) -> String {
        // Whether there is a value is all that is asked of it here.
        let no_value =
            text(self.error, ContextKind::InvalidValue).is_none_or(|value| value.is_empty());
        match (self.error.kind(), &self.option) {
            (ErrorKind::InvalidValue, Some(option)) if no_value => {
                format!("cannot take {option}: no value is given for it")
            }
            (ErrorKind::InvalidValue | ErrorKind::ValueValidation, Some(option)) => {
                format!("cannot take the value given for {option}: it is not one of those allowed")
            }
            (ErrorKind::MissingRequiredArgument, Some(missing)) if missing.contains("PROGRAM") => {
                let after = if self.dashes { " after --" } else { "" };
                format!("cannot launch: no program is named{after}")
            }
            (ErrorKind::MissingRequiredArgument, Some(missing)) => {
                format!("cannot go on: {missing} is missing")
            }
            (ErrorKind::UnknownArgument, Some(option)) if self.misplaced => {
                let name = option.split('=').next().unwrap_or_default();
                format!("cannot read the command line: {name} stands before the command")
            }
            (ErrorKind::UnknownArgument, Some(option)) if option.starts_with("--") => {
                let name = option.split('=').next().unwrap_or_default();
                format!("cannot read the command line: there is no option {}", shown(name))
            }
            (ErrorKind::UnknownArgument, Some(option)) if option.starts_with('-') => {
                let name: String = option.chars().take(2).collect();
                format!("cannot read the command line: there is no option {}", shown(&name))
            }
            (ErrorKind::UnknownArgument, _) if self.launching.is_some() && !self.dashes => {
                "cannot launch: there is no -- before the program".to_owned()
            }
            (ErrorKind::UnknownArgument, _) => {
                "cannot read the command line: a word stands where none is expected".to_owned()
            }
            (ErrorKind::InvalidSubcommand, _) => {
                "cannot go on: there is no such command".to_owned()
            }
            (
                ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
                _,
            ) => "cannot go on: no command is given".to_owned(),
            (ErrorKind::ArgumentConflict, Some(option))
                if text(self.error, ContextKind::PriorArg).as_ref() == Some(option) =>
            {
                format!("cannot take {option} more than once")
            }
            (ErrorKind::ArgumentConflict, Some(option)) => {
                format!("cannot take {option} together with another option given")
            }
            (
                ErrorKind::TooManyValues
                | ErrorKind::TooFewValues
                | ErrorKind::WrongNumberOfValues
                | ErrorKind::NoEquals,
                Some(option),
            ) => {
                format!("cannot take {option} with this number of values")
            }
            (ErrorKind::InvalidUtf8, _) => {
                "cannot read the command line: an option is not UTF-8".to_owned()
            }
            _ => "cannot read the command line".to_owned(),
        }
    }

    /// The name that was meant, where one is near.
    fn near(&self) -> Option<String> {
        let known = text(self.error, ContextKind::SuggestedArg)
            .or_else(|| text(self.error, ContextKind::SuggestedSubcommand));
        if known.is_some() || self.error.kind() != ErrorKind::InvalidSubcommand {
            return known;
        }
        let [first, second] = self.words;
        let (of, typed) = self.command.map_or((self.definition, first), |it| (it, second));
        nearest(typed, of.get_subcommands().map(clap::Command::get_name)).map(str::to_owned)
    }

    /// The form that is right.
    fn hint(&self) -> String {
        let valid = text(self.error, ContextKind::ValidValue).filter(|valid| !valid.is_empty());
        let is_option = self.option.as_ref().is_some_and(|option| option.starts_with('-'));
        match (self.error.kind(), self.near(), valid, self.launching) {
            (_, Some(near), ..) => format!("did you mean {near}?"),
            (ErrorKind::InvalidValue, None, Some(valid), _) => format!("it takes {valid}"),
            (ErrorKind::UnknownArgument, ..) if self.misplaced => {
                format!("options follow the command: {}", form("run"))
            }
            (ErrorKind::UnknownArgument, None, _, Some(name)) if is_option => {
                format!(
                    "the program's own options stand after --: {}; `nexis-launch {name} --help` lists the launcher's",
                    form(name)
                )
            }
            (
                ErrorKind::UnknownArgument | ErrorKind::MissingRequiredArgument,
                None,
                _,
                Some(name),
            ) => form(name),
            (
                ErrorKind::MissingSubcommand
                | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
                ..,
            ) if self.command.is_none() => {
                "`nexis-launch run -- PROGRAM` starts a program, `nexis-launch init` and `nexis-launch dev -- PROGRAM` do on a laptop; `nexis-launch --help` lists all"
                    .to_owned()
            }
            (ErrorKind::InvalidSubcommand, ..) if self.command.is_none() => {
                format!(
                    "a program is started by {}; `nexis-launch --help` lists the commands",
                    form("run")
                )
            }
            _ => self.help(),
        }
    }

    /// Where the options are listed.
    fn help(&self) -> String {
        let Some(command) = self.command else {
            return "`nexis-launch --help` lists the commands, `nexis-launch COMMAND --help` their options"
                .to_owned();
        };
        // `rotate`, `ledger` and the like have commands of their own.
        let inner = command.find_subcommand(self.words[1]);
        let inner = inner.map(|inner| format!(" {}", inner.get_name())).unwrap_or_default();
        format!("`nexis-launch {}{inner} --help` lists what it takes", command.get_name())
    }
}

/// What clap says of this kind.
fn text(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(all)) => Some(all.join(", ")),
        _ => None,
    }
}

/// How a program is named.
fn form(name: &str) -> String {
    match name {
        "check" => "`nexis-launch check [OPTIONS] [-- PROGRAM]`".to_owned(),
        _ => format!("`nexis-launch {name} [OPTIONS] -- PROGRAM [ARG]...`"),
    }
}

/// Whether `run` has the option, which may carry a value after `=`.
fn is_an_option_of_run(definition: &clap::Command, option: &str) -> bool {
    let name = option.split('=').next().unwrap_or_default();
    let run = definition.find_subcommand("run");
    run.is_some_and(|run| run.get_arguments().any(|known| known.get_long() == Some(name)))
}

/// An option's name that was typed wrongly. Where it could be more than a name it is left out whole:
/// of a secret that was typed in its place no character is shown.
fn shown(name: &str) -> &str {
    let is_name = |it: u8| it.is_ascii_lowercase() || it == b'-';
    if name.len() <= LONGEST_NAME && name.bytes().all(is_name) { name } else { "of that name" }
}
