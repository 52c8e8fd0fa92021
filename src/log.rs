//! The launcher's own log, on standard error and only when asked for. It names what is done and
//! never holds a value.

use crate::output::to_stderr;
use crate::settings::Log;
use std::io;

/// A writer that gives up silently: a full log never stops a service.
struct BestEffort;

impl io::Write for BestEffort {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        to_stderr(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Starts the log if there is to be one.
pub fn start(log: Log) {
    let Some(level) = log.level else { return };
    let builder = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .with_target(false)
        .log_internal_errors(false)
        .with_writer(|| BestEffort);
    // A second start in one process is a test's business; the first stays.
    let _ = if log.json { builder.json().try_init() } else { builder.try_init() };
}
