//! `inspect`: live processes against what would be resolved now.

use super::{Ending, print};
use crate::cli::{self, Format};
use crate::error::Status;
use crate::inspect::{self, Verdict, Whom};
use crate::launch::allows_colours;
use crate::sys::process;
use crate::sys::signal::Ignored;
use std::io::{self, IsTerminal};

/// Prints how processes stand; the status is the verdict over all of them.
pub(super) fn inspect(options: cli::Inspect) -> Ending {
    let _ignored = Ignored::begin();
    let cli::Inspect { options, format, pid, all, variables } = options;
    let whom = if all { Whom::All } else { Whom::Numbers(pid) };
    let inspection = inspect::inspect(&options, &whom, &variables)?;
    print(&match format {
        Format::Text => {
            let terminal = io::stdout().is_terminal();
            inspection.text(terminal && allows_colours(&process::environment()))
        }
        Format::Json => inspection.json(),
    })?;
    Ok(match inspection.verdict() {
        Verdict::Current => Status::Success,
        Verdict::NotCurrent => Status::Unhealthy,
        Verdict::Unknown => Status::Undecided,
    })
}
