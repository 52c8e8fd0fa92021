//! What the user typed: options and commands, by clap. Nothing here touches the environment,
//! files or secrets.

mod generate;
mod inspect;
mod leak;
mod mask;
mod mistake;
pub mod rotate;
mod starting;

pub use generate::{Generate, Platform};
pub use inspect::Inspect;

pub use leak::{LeakAction, Respond, Scan, ScanFormat, Sources, Trace};
pub use mask::Mask;

use crate::error::Error;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use rotate::{LedgerAction, RotateAction};
use std::ffi::{CStr, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// Maps, validates and states a service's runtime variables, then execs the service
#[derive(Debug, Parser)]
#[command(name = "nexis-launch", version, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub action: Action,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Resolve, validate, print the manifest, exec the program
    Run(Launch),
    /// The same in development mode, for a laptop
    Dev(Launch),
    /// The same without the exec; the exit status is the verdict
    Check(Check),
    /// Each variable's demands and candidate sources, or a finding code's cause and mend
    Explain(Explain),
    /// What a live process holds of the contract, against what would be resolved now
    Inspect(Inspect),
    /// A value that meets the contract, or a key of the launcher's own
    Generate(Generate),
    /// Write a working development set-up: .env, generated secrets, .gitignore
    Init(Init),
    /// Show, check or document a contract
    #[command(subcommand)]
    Contract(ContractAction),
    /// Walk the checklist of a key's rotation, each step on the record
    #[command(subcommand)]
    Rotate(RotateAction),
    /// Verify the ledger of keys, print its head, repair what a crash left
    #[command(subcommand)]
    Ledger(LedgerAction),
    /// After a leak: where a value stands, which launches got it, and what to do
    #[command(subcommand)]
    Leak(LeakAction),
    /// Pass standard input on, every value of a secret replaced by its name
    Mask(Box<Mask>),
    /// Ask a program by HTTP whether it is well: 0 on a 2xx answer, else 1
    Health(Health),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// `run` and `dev`.
#[derive(Debug, Args)]
pub struct Launch {
    /// What run, check and explain share.
    #[command(flatten)]
    pub options: Options,
    /// What only a launch can do.
    #[command(flatten)]
    pub privileges: Privileges,
    /// The program and its arguments, after `--`
    #[arg(last = true, required = true, value_names = ["PROGRAM", "ARG"])]
    pub program: Vec<OsString>,
}

/// What says nothing of files that are not read by a launch.
const NOT_WITH_DEPLOYMENT: [&str; 17] = [
    "program",
    "secrets_dir",
    "env_file",
    "inherit",
    "passthrough",
    "enforce",
    "accept",
    "reason",
    "until",
    "manifest",
    "manifest_to",
    "audit_log",
    "audit_required",
    "fingerprint_key_file",
    "provider_stderr",
    "ledger",
    "label",
];

/// `check`.
#[derive(Debug, Args)]
pub struct Check {
    /// What run, check and explain share.
    #[command(flatten)]
    pub options: Options,
    /// Form of the result
    #[arg(long, value_enum, default_value_t = CheckFormat::Text)]
    pub format: CheckFormat,
    /// Warnings count as errors
    #[arg(long)]
    pub strict: bool,
    /// Hold Kubernetes, compose, unit and env files against the contract by names alone; - is standard input
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = NOT_WITH_DEPLOYMENT)]
    pub deployment: Vec<PathBuf>,
    /// A program to look for and its arguments, after `--`
    #[arg(last = true, value_names = ["PROGRAM", "ARG"])]
    pub program: Vec<OsString>,
}

/// `explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// What run, check and explain share.
    #[command(flatten)]
    pub options: Options,
    /// Form of the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// A variable, alias, part or finding code; absent: every variable
    #[arg(value_name = "VARIABLE|CODE")]
    pub subject: Option<String>,
}

/// `init`.
#[derive(Debug, Args)]
pub struct Init {
    /// Contract file [env: NEXIS_LAUNCH_CONTRACT; default: builtin:nexis-gateway]
    #[arg(long, value_name = "FILE")]
    pub contract: Option<PathBuf>,
    /// Where to; made if it is missing
    #[arg(value_name = "DIR", default_value = ".")]
    pub directory: PathBuf,
}

/// `health`.
#[derive(Debug, Args)]
pub struct Health {
    /// All of the time it may take, as in 2s or 500ms; default: 2s
    #[arg(long, value_name = "TIME")]
    pub timeout: Option<String>,
    /// A header to send, repeatable
    #[arg(long, value_name = "NAME: VALUE")]
    pub header: Vec<String>,
    /// http://ADDRESS[:PORT]/PATH, or unix:/SOCKET:/PATH
    pub url: String,
}

/// `contract …`.
#[derive(Debug, Subcommand)]
pub enum ContractAction {
    /// Print a contract with all that it extends
    Show {
        /// Form of the result
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
        /// A contract file; absent: the built-in contract
        file: Option<PathBuf>,
    },
    /// Say what is wrong with a contract file
    Lint {
        /// Form of the result
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
        /// A contract file; absent: the built-in contract
        file: Option<PathBuf>,
    },
    /// Print the JSON Schema of contract files
    Schema,
    /// Print the contract's documentation in Markdown
    Docs {
        /// A contract file; absent: the built-in contract
        file: Option<PathBuf>,
    },
    /// Say what contract B demands more or less than A: 0 the same or stricter, 1 looser
    Diff {
        /// Form of the result
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
        /// A contract file or builtin:nexis-gateway
        a: PathBuf,
        /// The contract file that is to take its place
        b: PathBuf,
    },
    /// Print a skeleton of names and demands, without values
    Template {
        /// What the skeleton is for
        #[arg(long = "for", value_enum, default_value_t = TemplateFor::Env)]
        target: TemplateFor,
        /// A contract file; absent: the built-in contract
        file: Option<PathBuf>,
    },
}

/// The form of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// The form of `check`'s result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// The manifest for people.
    Text,
    /// The manifest as one line of JSON.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// GitHub's workflow commands.
    Github,
}

/// What a skeleton is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TemplateFor {
    /// An env file.
    Env,
    /// A secrets directory.
    SecretsDir,
    /// A compose file.
    Compose,
    /// A Kubernetes Secret.
    Kubernetes,
    /// A systemd unit.
    Systemd,
}

/// `--inherit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InheritChoice {
    /// All but what the launcher consumed.
    All,
    /// The contract's passthrough and the base set.
    Contract,
}

/// `--enforce`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EnforceChoice {
    /// An error stops the launch.
    Refuse,
    /// An error is said and the program is started.
    Report,
}

/// `--manifest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ManifestChoice {
    /// Text on a terminal, one line of JSON elsewhere.
    Auto,
    /// Aligned text.
    Text,
    /// One line of JSON.
    Json,
    /// None.
    Off,
}

/// `--log-format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What the program is not to have.
#[derive(Clone, Debug, Default, Args)]
pub struct Privileges {
    /// Start the program as this user, by names or numbers [env: NEXIS_LAUNCH_USER]
    #[arg(long, value_name = "USER[:GROUP]")]
    pub user: Option<String>,
    /// Forbid the program to gain rights by an exec [env: NEXIS_LAUNCH_NO_NEW_PRIVS; default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub no_new_privs: Option<bool>,
    /// Experimental: replace the values of secrets in the program's output by their names [env: NEXIS_LAUNCH_MASK_OUTPUT; default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub mask_output: Option<bool>,
}

/// What run, dev, check, explain and inspect share. An option wins over its variable.
#[derive(Clone, Debug, Default, Args)]
pub struct Options {
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
    /// Which inherited variables reach the program [env: NEXIS_LAUNCH_INHERIT; default: all]
    #[arg(long, value_enum)]
    pub inherit: Option<InheritChoice>,
    /// More names for --inherit contract, repeatable, `*` at its end for any ending [env: NEXIS_LAUNCH_PASSTHROUGH]
    #[arg(long, value_name = "PATTERN")]
    pub passthrough: Vec<String>,
    /// What an error leads to [env: NEXIS_LAUNCH_ENFORCE; default: refuse]
    #[arg(long, value_enum)]
    pub enforce: Option<EnforceChoice>,
    /// Take one error as a warning until a day; needs --reason and --until, repeatable
    #[arg(long, value_name = "CODE:VARIABLE")]
    pub accept: Vec<String>,
    /// Why, for the --accept before it
    #[arg(long, value_name = "TEXT")]
    pub reason: Vec<String>,
    /// Last day (YYYY-MM-DD, at most 30 days ahead), for the --accept before it
    #[arg(long, value_name = "DATE")]
    pub until: Vec<String>,
    /// Form of the manifest [env: NEXIS_LAUNCH_MANIFEST; default: auto]
    #[arg(long, value_enum)]
    pub manifest: Option<ManifestChoice>,
    /// Where the manifest goes: FILE, - or fd:N; absent: standard error [env: NEXIS_LAUNCH_MANIFEST_TO]
    #[arg(long, value_name = "FILE")]
    pub manifest_to: Option<PathBuf>,
    /// Append the manifest as one line: FILE or fd:N [env: NEXIS_LAUNCH_AUDIT_LOG]
    #[arg(long, value_name = "FILE")]
    pub audit_log: Option<PathBuf>,
    /// Whether a launch without its audit line is refused [env: NEXIS_LAUNCH_AUDIT_REQUIRED; default: true]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub audit_required: Option<bool>,
    /// Key of the fingerprints: 64 hex digits [env: NEXIS_LAUNCH_FINGERPRINT_KEY_FILE]
    #[arg(long, value_name = "FILE")]
    pub fingerprint_key_file: Option<PathBuf>,
    /// Directory that keeps what providers write to standard error, each in a new file [env: NEXIS_LAUNCH_PROVIDER_STDERR]
    #[arg(long, value_name = "DIR")]
    pub provider_stderr: Option<PathBuf>,
    /// Directory of the ledger of keys, for findings on age, exposure and revocation [env: NEXIS_LAUNCH_LEDGER]
    #[arg(long, value_name = "DIR")]
    pub ledger: Option<PathBuf>,
    /// A label for manifest and audit, repeatable [env: NEXIS_LAUNCH_LABELS]
    #[arg(long, value_name = "NAME=VALUE")]
    pub label: Vec<String>,
    /// The launcher's own log: -v info, -vv debug, -vvv trace [env: NEXIS_LAUNCH_LOG]
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Print no log and no manifest on standard error unless the launch is refused
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Form of the launcher's own log [env: NEXIS_LAUNCH_LOG_FORMAT; default: text]
    #[arg(long, value_enum)]
    pub log_format: Option<LogFormat>,
    /// What `run` and `dev` were given besides.
    #[arg(skip)]
    pub privileges: Privileges,
}

/// What there is to do, or text that answers the command line by itself (`--help`, `--version`).
#[derive(Debug)]
pub enum Parsed {
    /// A command.
    Action(Box<Action>),
    /// Text for standard output.
    Answer(String),
}

/// Reads the command line, the program's name included.
///
/// `run -- PROGRAM …`, the form of an ENTRYPOINT, is recognised without clap, which would cost
/// several times what the rest of the launch does.
///
/// # Errors
/// [`Status::Usage`], without repeating what could be a value.
pub fn parse(arguments: &[&'static CStr]) -> Result<Parsed, Error> {
    let mut words = arguments.iter().map(|word| OsStr::from_bytes(word.to_bytes()));
    if let [_, command @ (b"run" | b"dev"), b"--", _, ..] =
        arguments.iter().map(|word| word.to_bytes()).collect::<Vec<_>>().as_slice()
    {
        let program = words.skip(3).map(OsStr::to_owned).collect();
        let launch =
            Launch { options: Options::default(), privileges: Privileges::default(), program };
        let action = if *command == b"run" { Action::Run(launch) } else { Action::Dev(launch) };
        return Ok(Parsed::Action(Box::new(action)));
    }
    if let Some(action) = starting::read(arguments) {
        return Ok(Parsed::Action(Box::new(action)));
    }
    let name = words.next().unwrap_or(OsStr::new("nexis-launch"));
    match Cli::try_parse_from(std::iter::once(name).chain(words)) {
        Ok(cli) => Ok(Parsed::Action(Box::new(cli.action))),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                Ok(Parsed::Answer(error.render().to_string()))
            }
            _ => Err(mistake::explain(&error, arguments)),
        },
    }
}

/// The command line as clap knows it, for the manual page and completions.
pub fn command() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Status;

    fn parse_words(words: &[&'static CStr]) -> Result<Parsed, Error> {
        parse(words)
    }

    #[test]
    fn the_definition_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn the_short_form_and_clap_read_the_same() {
        let short = parse_words(&[c"nexis-launch", c"run", c"--", c"/bin/x", c"--mode", c"--"]);
        let long = parse_words(&[
            c"nexis-launch",
            c"run",
            c"--inherit",
            c"all",
            c"--",
            c"/bin/x",
            c"--mode",
            c"--",
        ]);
        let program = |parsed: Result<Parsed, Error>| match parsed {
            Ok(Parsed::Action(action)) => match *action {
                Action::Run(launch) => launch.program,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        };
        let (short, long) = (program(short), program(long));
        assert_eq!(short, ["/bin/x", "--mode", "--"]);
        assert_eq!(short, long);
    }

    #[test]
    fn a_mistake_in_a_command_of_a_command_is_told_of_that_one() {
        for (words, hint) in [
            (&[c"nexis-launch", c"rotate", c"canary"][..], "`nexis-launch rotate --help` lists"),
            (&[c"nexis-launch", c"rotate"], "`nexis-launch rotate --help` lists"),
            (&[c"nexis-launch", c"ledger", c"verfy"], "did you mean verify?"),
            (&[c"nexis-launch", c"leak", c"trace"], "`nexis-launch leak trace --help` lists"),
            (&[c"nexis-launch", c"inspct"], "did you mean "),
            (&[c"nexis-launch", c"canary"], "a program is started by"),
            (&[c"nexis-launch"], "`nexis-launch run -- PROGRAM` starts"),
        ] {
            let error = parse_words(words).unwrap_err();
            assert!(error.hint.as_deref().unwrap().starts_with(hint), "{words:?}: {error:?}");
        }
    }

    #[test]
    fn what_was_typed_wrongly_is_not_repeated() {
        for words in [
            &[c"nexis-launch", c"run", c"canary-canary"][..],
            &[c"nexis-launch", c"run", c"--token=canary-canary", c"--", c"x"],
            &[c"nexis-launch", c"run", c"--enforce", c"canary-canary", c"--", c"x"],
            &[c"nexis-launch", c"run", c"--audit-required=canary-canary", c"--", c"x"],
            &[c"nexis-launch", c"canary-canary"],
            &[c"nexis-launch", c"run", c"-pcanary-canary", c"--", c"x"],
            &[c"nexis-launch", c"run", c"--canary/Canary", c"--", c"x"],
            &[c"nexis-launch", c"run", c"--canary-that-is-longer-than-an-option", c"--", c"x"],
            &[c"nexis-launch", c"completions", c"canary-canary"],
            &[c"nexis-launch", c"run", c"--manifest=canary-canary", c"--", c"x"],
        ] {
            let error = parse_words(words).unwrap_err();
            assert_eq!(error.status, Status::Usage);
            assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        }
    }
}
