//! `inspect`: what was typed.

use super::{Format, Options};
use clap::{ArgGroup, Args};

/// `inspect`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("whom").required(true).args(["pid", "all"]))]
pub struct Inspect {
    /// What run, check, explain and inspect share.
    #[command(flatten)]
    pub options: Options,
    /// Form of the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// The process to look into, repeatable
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub pid: Vec<u32>,
    /// Every process that holds a secret of the contract or is its program
    #[arg(long)]
    pub all: bool,
    /// Only these variables; absent: every one
    #[arg(value_name = "VARIABLE")]
    pub variables: Vec<String>,
}
