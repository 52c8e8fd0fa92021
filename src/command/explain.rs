//! stub
use super::{Ending, print};
use crate::cli;
pub(super) fn explain(options: cli::Explain) -> Ending {
    let _ = options;
    print("")
}
