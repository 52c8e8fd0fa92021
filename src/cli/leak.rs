//! `leak …`: where a value stands, which launches got it, and what to do.

use super::rotate::Common;
use super::{Format, LogFormat, Options};
use clap::{Args, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

/// `leak …`.
#[derive(Debug, Subcommand)]
pub enum LeakAction {
    /// Look for the contract's values in files, trees, compressed logs and the history of git
    Scan(Box<Scan>),
    /// Find the launches that got a value, in audit logs
    Trace(Box<Trace>),
    /// Open an incident: mark a value as exposed in the ledger, and print what to do
    Respond(Box<Respond>),
}

/// `leak respond`.
#[derive(Debug, Args)]
pub struct Respond {
    /// What every record holds.
    #[command(flatten)]
    pub common: Common,
    /// How the value got out, or why that is suspected; without the value
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// File of the exposed value; - is standard input. Default: the value in production, by the ledger
    #[arg(long, value_name = "FILE")]
    pub value_file: Option<PathBuf>,
    /// Class of a key that is neither in the contract nor in the ledger
    #[arg(long)]
    pub class: Option<String>,
    /// Fill in the launches that got it, from these audit logs, as leak trace reads them
    #[arg(long, value_name = "AUDIT", num_args = 1..)]
    pub audit: Vec<PathBuf>,
    /// Fill in where it stands in these files and trees, as leak scan reads them
    #[arg(long, value_name = "PATH", num_args = 1.., requires = "value_file")]
    pub scan: Vec<PathBuf>,
    /// Write the draft of an advisory to this new file, not below the checklist
    #[arg(long, value_name = "FILE")]
    pub advisory: Option<PathBuf>,
}

/// `leak scan`.
#[derive(Debug, Args)]
pub struct Scan {
    /// Where the contract's values come from.
    #[command(flatten)]
    pub sources: Sources,
    /// Look for this value too, repeatable; - is standard input
    #[arg(long, value_name = "NAME=FILE")]
    pub value_file: Vec<OsString>,
    /// Look through the history of this git repository and not its files, repeatable
    #[arg(long, value_name = "REPO")]
    pub git: Vec<PathBuf>,
    /// Form of the result
    #[arg(long, value_enum, default_value_t = ScanFormat::Text)]
    pub format: ScanFormat,
    /// Files and directories to look through; - is standard input
    #[arg(value_name = "PATH", required_unless_present = "git")]
    pub paths: Vec<PathBuf>,
}

/// `leak trace`.
#[derive(Debug, Args)]
pub struct Trace {
    /// Find who got the value in this file; - is standard input; needs the key
    #[arg(long, value_name = "FILE", required_unless_present = "fingerprint")]
    pub value_file: Option<PathBuf>,
    /// Find who got the value of this fingerprint, 16 hex digits
    #[arg(long, value_name = "FINGERPRINT", conflicts_with = "value_file")]
    pub fingerprint: Option<String>,
    /// Key of the fingerprints: 64 hex digits [env: NEXIS_LAUNCH_FINGERPRINT_KEY_FILE]
    #[arg(long, value_name = "FILE")]
    pub fingerprint_key_file: Option<PathBuf>,
    /// Id of the key that --fingerprint was made with, where the key itself is not at hand
    #[arg(long, value_name = "ID", conflicts_with_all = ["value_file", "fingerprint_key_file"])]
    pub fingerprint_key_id: Option<String>,
    /// Form of the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Audit logs or other logs with manifests in them, also as a quoted pattern; - is standard input
    #[arg(value_name = "AUDIT", required = true)]
    pub audits: Vec<PathBuf>,
}

/// Where the contract's values come from: those options of `check` that say so.
#[derive(Debug, Default, Args)]
pub struct Sources {
    /// development, staging or production [env: NEXIS_LAUNCH_MODE, then NEXIS_ENV; default: production]
    #[arg(long, value_name = "MODE")]
    pub mode: Option<OsString>,
    /// Contract file [env: NEXIS_LAUNCH_CONTRACT; default: builtin:nexis-gateway]
    #[arg(long, value_name = "FILE")]
    pub contract: Option<PathBuf>,
    /// Directory of secret files, repeatable [env: NEXIS_LAUNCH_SECRETS_DIR; default: /run/secrets/nexis and /run/secrets]
    #[arg(long, value_name = "DIR")]
    pub secrets_dir: Vec<PathBuf>,
    /// File of NAME=VALUE lines, repeatable [env: NEXIS_LAUNCH_ENV_FILE]
    #[arg(long, value_name = "FILE")]
    pub env_file: Vec<PathBuf>,
    /// The launcher's own log: -v info, -vv debug, -vvv trace [env: NEXIS_LAUNCH_LOG]
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Show no progress, and of what is not looked through only what cannot be read
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Form of the launcher's own log [env: NEXIS_LAUNCH_LOG_FORMAT; default: text]
    #[arg(long, value_enum)]
    pub log_format: Option<LogFormat>,
}

impl From<Sources> for Options {
    fn from(sources: Sources) -> Self {
        let Sources { mode, contract, secrets_dir, env_file, verbose, quiet, log_format } = sources;
        Options {
            mode,
            contract,
            secrets_dir,
            env_file,
            verbose,
            quiet,
            log_format,
            ..Options::default()
        }
    }
}

/// The form of `leak scan`'s result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ScanFormat {
    /// For people.
    Text,
    /// One JSON object.
    Json,
    /// SARIF 2.1.0.
    Sarif,
}
