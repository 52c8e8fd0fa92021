//! One file a command: the pipeline in order.

mod check;
mod contract;
mod explain;
mod init;
mod pages;
mod run;

use crate::cli::{Action, Parsed, parse};
use crate::error::{Error, Status};
use crate::output::{error_text, to_stderr, to_stdout};
use std::ffi::CStr;

/// What a command ends with: a status, or errors that say why there is no result.
type Ending = Result<Status, Vec<Error>>;

/// Does what the command line says and returns the exit status.
pub fn perform(arguments: &[&'static CStr]) -> Status {
    let ending = match parse(arguments) {
        Ok(Parsed::Answer(text)) => print(&text),
        Ok(Parsed::Action(action)) => match *action {
            Action::Run(launch) => run::run(launch, false),
            Action::Dev(launch) => run::run(launch, true),
            Action::Check(options) => check::check(options),
            Action::Explain(options) => explain::explain(options),
            Action::Init(options) => init::init(options),
            Action::Contract(action) => contract::contract(action),
            Action::Completions { shell } => print(&pages::completions(shell)),
            Action::Man => print(&pages::manual()),
        },
        Err(error) => Err(vec![error]),
    };
    ending.unwrap_or_else(|errors| {
        let text: String = errors.iter().map(error_text).collect();
        to_stderr(&text);
        errors.iter().map(|error| error.status).min().unwrap_or(Status::Software)
    })
}

/// Prints a command's result.
fn print(text: &str) -> Ending {
    to_stdout(text).map(|()| Status::Success).map_err(|error| vec![error])
}
