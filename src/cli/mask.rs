//! `mask`: standard input to standard output, without the values of secrets.

use super::Sources;
use clap::Args;
use std::ffi::OsString;

/// `mask`.
#[derive(Debug, Args)]
#[command(mut_arg("quiet", |quiet| quiet.help("Print no log and no warning")))]
pub struct Mask {
    /// Where the contract's values come from.
    #[command(flatten)]
    pub sources: Sources,
    /// Mask this value too, repeatable; its name is VALUE unless one is given
    #[arg(long, value_name = "[NAME=]FILE")]
    pub value_file: Vec<OsString>,
}
