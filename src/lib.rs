//! The parts of `nexis-launch`: maps NEXIS_* names and secret files to the exact variables of a
//! program, validates them, states what reached the process, and execs the program.
//!
//! The way through the house: [`cli`] and [`settings`] say what is wanted, [`source`] reads the
//! world once, [`resolve`] orders what was read, [`validate`] judges it, [`environment`] builds
//! the one array, [`manifest`] states it, [`exec`] hands it over. [`command`] writes that order
//! out.

pub mod audit;
mod bytes;
pub mod cli;
pub mod command;
pub mod compose;
pub mod contract;
pub mod deployment;
pub mod environment;
pub mod error;
pub mod exec;
pub mod explain;
pub mod finding;
pub mod fingerprint;
pub mod generate;
pub mod health;
pub mod init;
pub mod inspect;
pub mod launch;
pub mod leak;
pub mod ledger;
pub mod log;
pub mod manifest;
pub mod mask;
pub mod mode;
pub mod nearest;
pub mod needles;
pub mod new_file;
pub mod output;
pub mod own_name;
pub mod privileges;
pub mod provider;
pub mod report;
pub mod resolve;
pub mod rotate;
pub mod secret;
pub mod settings;
pub mod source;
pub mod sys;
pub mod url;
pub mod validate;
pub mod yaml;

use error::Status;
use std::ffi::CStr;

/// Runs the launcher with its command line and returns the exit status. Returns only where no
/// program was started.
pub fn start(arguments: &[&'static CStr]) -> i32 {
    std::panic::set_hook(Box::new(|panic| {
        // The place only: a payload can be a value.
        let place = panic.location().map_or_else(String::new, |place| format!(" at {place}"));
        output::to_stderr(&format!(
            "nexis-launch: failed by a fault of its own{place}\nhint: report it\n"
        ));
        sys::process::end_now(Status::Software.number());
    }));
    command::perform(arguments).number()
}
