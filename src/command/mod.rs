//! One file a command: the pipeline in order.

mod check;
mod contract;
mod explain;
mod generate;
mod health;
mod init;
mod inspect;
mod leak;
mod ledger;
mod mask;
mod pages;
mod respond;
mod rotate;
mod run;
mod trace;

use crate::cli::{Action, Launch, Options, Parsed, Privileges, parse};
use crate::error::{Error, Status};
use crate::launch::conceal;
use crate::output::{error_text, to_stderr, to_stdout};
use crate::own_name;
use crate::sys::process::environment;
use crate::sys::signal::Ignored;
use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt;

/// What a command ends with: a status, or errors that say why there is no result.
type Ending = Result<Status, Vec<Error>>;

/// Does what the command line says and returns the exit status.
pub fn perform(arguments: &[&'static CStr]) -> Status {
    let ending = own_name::program(arguments.first().copied()).and_then(|own| match own {
        Some(program) => run::run(own_launch(program, arguments), false),
        None => as_typed(arguments),
    });
    ending.unwrap_or_else(|errors| {
        // What was typed as a path or a name can be a secret, whatever the command.
        let errors = conceal(errors, &environment());
        // The command's own is over: without it a reader that went away would end this by a signal.
        let _ignored = Ignored::begin();
        let text: String = errors.iter().map(error_text).collect();
        to_stderr(&text);
        errors.iter().map(|error| error.status).min().unwrap_or(Status::Software)
    })
}

/// `run -- PROGRAM ARG…`: under a program's own name every argument is the program's.
fn own_launch(program: &str, arguments: &[&'static CStr]) -> Launch {
    let rest = arguments.iter().skip(1).map(|word| OsStr::from_bytes(word.to_bytes()).to_owned());
    let program = std::iter::once(program.into()).chain(rest).collect();
    Launch { options: Options::default(), privileges: Privileges::default(), program }
}

/// Does what the command line says.
fn as_typed(arguments: &[&'static CStr]) -> Ending {
    match parse(arguments) {
        Ok(Parsed::Answer(text)) => print(&text),
        Ok(Parsed::Action(action)) => match *action {
            Action::Run(launch) => run::run(launch, false),
            Action::Dev(launch) => run::run(launch, true),
            Action::Check(options) => check::check(options),
            Action::Explain(options) => explain::explain(options),
            Action::Generate(options) => generate::generate(options),
            Action::Inspect(options) => inspect::inspect(options),
            Action::Health(options) => health::health(options),
            Action::Leak(action) => leak::leak(action),
            Action::Mask(options) => mask::mask(*options),
            Action::Init(options) => init::init(options),
            Action::Rotate(action) => rotate::rotate(action),
            Action::Ledger(action) => ledger::ledger(action),
            Action::Contract(action) => contract::contract(action),
            Action::Completions { shell } => print(&pages::completions(shell)),
            Action::Man => print(&pages::manual()),
        },
        Err(error) => Err(vec![error]),
    }
}

/// Prints a command's result.
fn print(text: &str) -> Ending {
    let _ignored = Ignored::begin();
    to_stdout(text).map(|()| Status::Success).map_err(|error| vec![error])
}
