//! `rotate …` and `ledger …` as they are typed.

use clap::{Args, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

/// `rotate …`.
#[derive(Debug, Subcommand)]
pub enum RotateAction {
    /// Register a value that is in use already
    Adopt(Begin),
    /// Begin a rotation: a new value was generated and stored in the secret manager
    Start(Begin),
    /// Record that the new value is in staging
    Stage(Step),
    /// Record that login and token behaviour were verified, by a command or by word
    Verify(Verify),
    /// Record that the new value is in production
    Deploy(Deploy),
    /// Record that the old value was revoked or deleted
    Revoke(Step),
    /// Record commit, deployment and links, which ends the rotation
    Evidence(Evidence),
    /// Give up a rotation whose value is not in production yet
    Abort(Step),
    /// Each key's age against its rotation window; status 1 when one is overdue
    Status(Status),
    /// The rest of a rotation's checklist in Markdown
    Plan(Plan),
    /// Who did what and when
    History(History),
}

/// `ledger …`.
#[derive(Debug, Subcommand)]
pub enum LedgerAction {
    /// Hold every line against the chain; a fault is named by file and line
    Verify {
        /// Where the ledger is and its key.
        #[command(flatten)]
        place: KeyedPlace,
        /// A line of `ledger head` that was kept elsewhere: finds a tail that was cut off as well
        #[arg(long, value_name = "H")]
        head: Option<String>,
    },
    /// Print one line that covers all records, to be kept elsewhere
    Head {
        /// Where the ledger is and its key.
        #[command(flatten)]
        place: KeyedPlace,
    },
    /// Take off a last line that a crash left without its end, and keep its bytes in a file beside
    Repair {
        /// Where the ledger is and its key.
        #[command(flatten)]
        place: KeyedPlace,
    },
}

/// Where the ledger is, for what writes or verifies.
#[derive(Debug, Args)]
pub struct KeyedPlace {
    /// Directory of the ledger [env: NEXIS_LAUNCH_LEDGER]
    #[arg(long, value_name = "DIR")]
    pub ledger: Option<PathBuf>,
    /// Key of the ledger's chain: 64 hex digits; never on a host that launches
    #[arg(long, value_name = "FILE")]
    pub ledger_key_file: PathBuf,
    /// Key of the fingerprints: 64 hex digits [env: NEXIS_LAUNCH_FINGERPRINT_KEY_FILE]
    #[arg(long, value_name = "FILE")]
    pub fingerprint_key_file: Option<PathBuf>,
}

/// Where the ledger is, for what only reads.
#[derive(Debug, Args)]
pub struct Place {
    /// Directory of the ledger [env: NEXIS_LAUNCH_LEDGER]
    #[arg(long, value_name = "DIR")]
    pub ledger: Option<PathBuf>,
    /// Key of the ledger's chain; without it the chain is not verified, which is said
    #[arg(long, value_name = "FILE")]
    pub ledger_key_file: Option<PathBuf>,
    /// Key of the fingerprints: says which values were recorded under another [env: NEXIS_LAUNCH_FINGERPRINT_KEY_FILE]
    #[arg(long, value_name = "FILE")]
    pub fingerprint_key_file: Option<PathBuf>,
    /// Contract file [env: NEXIS_LAUNCH_CONTRACT; default: builtin:nexis-gateway]
    #[arg(long, value_name = "FILE")]
    pub contract: Option<PathBuf>,
}

/// What every record holds.
#[derive(Debug, Args)]
pub struct Common {
    /// Where the ledger is and its key.
    #[command(flatten)]
    pub place: KeyedPlace,
    /// Contract file [env: NEXIS_LAUNCH_CONTRACT; default: builtin:nexis-gateway]
    #[arg(long, value_name = "FILE")]
    pub contract: Option<PathBuf>,
    /// Who does it; default: the login name
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
    /// Who approved it
    #[arg(long, value_name = "NAME")]
    pub approved_by: Option<String>,
    /// The change under which it is done
    #[arg(long, value_name = "ID")]
    pub change: Option<String>,
    /// A contract variable, or any other key
    pub name: String,
}

/// A value that is recorded first.
#[derive(Debug, Args)]
pub struct Begin {
    /// What every record holds.
    #[command(flatten)]
    pub common: Common,
    /// File of the value; - is standard input. One final newline is taken off
    #[arg(long, value_name = "FILE")]
    pub value_file: PathBuf,
    /// Class of a key that is not in the contract, whose rotation window applies
    #[arg(long)]
    pub class: Option<String>,
    /// Day the value was made (YYYY-MM-DD); start: default today
    #[arg(long, value_name = "DATE")]
    pub created: Option<String>,
    /// Day the value ends by itself (YYYY-MM-DD)
    #[arg(long, value_name = "DATE")]
    pub expires: Option<String>,
}

/// A step without particulars.
#[derive(Debug, Args)]
pub struct Step {
    /// What every record holds.
    #[command(flatten)]
    pub common: Common,
    /// Do it out of order, and record why
    #[arg(long, value_name = "REASON")]
    pub emergency: Option<String>,
}

/// `rotate verify`.
#[derive(Debug, Args)]
pub struct Verify {
    /// The step.
    #[command(flatten)]
    pub step: Step,
    /// File of the new value, for the command; - is standard input
    #[arg(long, value_name = "FILE")]
    pub value_file: Option<PathBuf>,
    /// Your own check and its arguments, after `--`; the new value is in its environment
    #[arg(last = true, value_names = ["COMMAND", "ARG"])]
    pub command: Vec<OsString>,
}

/// `rotate deploy`.
#[derive(Debug, Args)]
pub struct Deploy {
    /// The step.
    #[command(flatten)]
    pub step: Step,
    /// Last day of the old value (YYYY-MM-DD): the end of the migration window
    #[arg(long, value_name = "DATE")]
    pub revoke_by: Option<String>,
}

/// `rotate evidence`.
#[derive(Debug, Args)]
pub struct Evidence {
    /// The step.
    #[command(flatten)]
    pub step: Step,
    /// The commit that was deployed
    #[arg(long, value_name = "ID")]
    pub commit: Option<String>,
    /// The deployment
    #[arg(long, value_name = "ID")]
    pub deployment: Option<String>,
    /// Where evidence can be read, repeatable
    #[arg(long, value_name = "URL")]
    pub link: Vec<String>,
}

/// `rotate status`.
#[derive(Debug, Args)]
pub struct Status {
    /// Where the ledger is.
    #[command(flatten)]
    pub place: Place,
    /// Form of the result
    #[arg(long, value_enum, default_value_t = StatusFormat::Text)]
    pub format: StatusFormat,
}

/// `rotate plan`.
#[derive(Debug, Args)]
pub struct Plan {
    /// Where the ledger is.
    #[command(flatten)]
    pub place: Place,
    /// A contract variable, or any other key
    pub name: String,
}

/// `rotate history`.
#[derive(Debug, Args)]
pub struct History {
    /// Where the ledger is.
    #[command(flatten)]
    pub place: Place,
    /// Form of the result
    #[arg(long, value_enum, default_value_t = HistoryFormat::Text)]
    pub format: HistoryFormat,
    /// One key; absent: all of them
    pub name: Option<String>,
}

/// The form of `rotate status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StatusFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
    /// Prometheus' text format.
    Prometheus,
}

/// The form of `rotate history`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HistoryFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
    /// One page without anything from elsewhere.
    Html,
}
