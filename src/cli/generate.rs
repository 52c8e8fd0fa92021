//! `generate`: what was typed.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// `generate`.
#[derive(Debug, Args)]
pub struct Generate {
    /// Contract file [env: NEXIS_LAUNCH_CONTRACT; default: builtin:nexis-gateway]
    #[arg(long, value_name = "FILE")]
    pub contract: Option<PathBuf>,
    /// Write it to a new file, 0600, whole or not at all; absent: standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// In the form that a platform mounts
    #[arg(long = "for", value_enum)]
    pub target: Option<Platform>,
    /// The name of the Secret [default: the contract's name]
    #[arg(long, value_name = "NAME", requires = "target")]
    pub name: Option<String>,
    /// A variable, alias or part of the contract, or a key of the launcher's own
    #[arg(value_name = "VARIABLE|fingerprint-key|ledger-key")]
    pub subject: String,
}

/// Where a generated value is mounted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Platform {
    /// A Secret's manifest.
    Kubernetes,
    /// The file of a compose or Swarm secret.
    Docker,
    /// The file of a unit's credential.
    Systemd,
}
