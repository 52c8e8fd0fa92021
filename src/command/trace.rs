//! `leak trace`.
use super::Ending;
use crate::cli::Trace;
use crate::error::Status;

pub(super) fn trace(_options: Trace) -> Ending {
    Ok(Status::Success)
}
