//! Options and `NEXIS_LAUNCH_*` settings, merged: an option wins over its variable.

use crate::bytes;
use crate::cli::{EnforceChoice, InheritChoice, LogFormat, ManifestChoice, Options};
use crate::error::{Error, Status};
use crate::nearest::nearest;
use serde::Deserialize;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::str::FromStr;
use word::{Json, Word};

mod passthrough;
mod user;
mod word;

pub use user::{UserWish, Who};

/// What every setting's name begins with.
pub const PREFIX: &str = "NEXIS_LAUNCH_";

/// Where the wish for a mode came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModeOrigin {
    /// `--mode` or the `dev` command.
    CommandLine,
    /// `NEXIS_LAUNCH_MODE`.
    Setting,
}

/// Which inherited variables are passed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Inherit {
    /// All but what the launcher consumed.
    #[default]
    All,
    /// The contract's `passthrough` and the base set.
    Contract,
}

/// What an error leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Enforce {
    /// Nothing is started.
    #[default]
    Refuse,
    /// It is said and the program is started.
    Report,
}

/// The form of the manifest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ManifestForm {
    /// Text on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// Text.
    Text,
    /// One line of JSON.
    Json,
    /// None.
    Off,
}

/// A place to write to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sink {
    /// Standard output, `-`.
    Stdout,
    /// An open descriptor, `fd:N`.
    Descriptor(i32),
    /// A file.
    File(PathBuf),
}

/// One `--accept CODE:VARIABLE --reason TEXT --until DATE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accept {
    /// `CODE:VARIABLE`.
    pub what: String,
    /// The reason.
    pub reason: String,
    /// The last day, `YYYY-MM-DD`.
    pub until: String,
}

/// All that the operator chose.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The wish for a mode, as typed; it is never shown.
    pub mode: Option<(OsString, ModeOrigin)>,
    /// The contract; absent: the built-in.
    pub contract: Option<PathBuf>,
    /// Named secrets directories; absent: the defaults.
    pub secrets_dirs: Option<Vec<PathBuf>>,
    /// Named env files.
    pub env_files: Vec<PathBuf>,
    /// Which inherited variables are passed on.
    pub inherit: Inherit,
    /// More names for `--inherit contract`; `*` stands for any run of characters.
    pub passthrough: Vec<String>,
    /// What an error leads to.
    pub enforce: Enforce,
    /// Errors that are warnings until a day.
    pub accept: Vec<Accept>,
    /// The form of the manifest.
    pub manifest: ManifestForm,
    /// Where it goes; absent: standard error, best effort.
    pub manifest_to: Option<Sink>,
    /// Where the audit line goes.
    pub audit_log: Option<Sink>,
    /// Whether a launch without its audit line is refused.
    pub audit_required: bool,
    /// The key of fingerprints.
    pub fingerprint_key_file: Option<PathBuf>,
    /// The directory that keeps providers' standard errors.
    pub provider_stderr: Option<PathBuf>,
    /// The directory of the ledger.
    pub ledger: Option<PathBuf>,
    /// Labels, in their order.
    pub labels: Vec<(String, String)>,
    /// Who the program is to be (`run` and `dev`).
    pub user: Option<UserWish>,
    /// Whether no exec may give the program more rights.
    pub no_new_privs: bool,
    /// Whether the program's output is masked.
    pub mask_output: bool,
    /// The launcher's own log.
    pub log: Log,
}

/// The launcher's own log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// Its level; absent: no log at all.
    pub level: Option<tracing::Level>,
    /// JSON instead of text.
    pub json: bool,
    /// Nothing but errors.
    pub quiet: bool,
}

/// The settings as they stand in the environment. All are text to envy, so that it has nothing
/// to say about a value; they are read below.
#[derive(Debug, Default, Deserialize)]
struct Variables {
    mode: Option<String>,
    contract: Option<String>,
    secrets_dir: Option<String>,
    env_file: Option<String>,
    inherit: Option<String>,
    passthrough: Option<String>,
    enforce: Option<String>,
    manifest: Option<String>,
    manifest_to: Option<String>,
    audit_log: Option<String>,
    audit_required: Option<String>,
    fingerprint_key_file: Option<String>,
    provider_stderr: Option<String>,
    ledger: Option<String>,
    labels: Option<String>,
    user: Option<String>,
    no_new_privs: Option<String>,
    mask_output: Option<String>,
    log: Option<String>,
    log_format: Option<String>,
}

/// The names after the prefix.
const NAMES: [&str; 20] = [
    "MODE",
    "CONTRACT",
    "SECRETS_DIR",
    "ENV_FILE",
    "INHERIT",
    "PASSTHROUGH",
    "ENFORCE",
    "MANIFEST",
    "MANIFEST_TO",
    "AUDIT_LOG",
    "AUDIT_REQUIRED",
    "FINGERPRINT_KEY_FILE",
    "PROVIDER_STDERR",
    "LEDGER",
    "LABELS",
    "USER",
    "NO_NEW_PRIVS",
    "MASK_OUTPUT",
    "LOG",
    "LOG_FORMAT",
];

/// Options and settings that do not fit, all of them at once.
#[derive(Debug)]
pub struct Problems(pub Vec<Error>);

impl Settings {
    /// Merges the options with the settings among `inherited`, which are pairs of name and value
    /// under [`PREFIX`]. A blank setting is none. `dev` stands for `--mode development`.
    ///
    /// # Errors
    /// Every name that does not exist and every value that does not fit, [`Status::Usage`] each.
    pub fn merge<'a>(
        options: Options,
        dev: bool,
        inherited: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    ) -> Result<Settings, Problems> {
        let mut problems = Vec::new();
        let variables = read(inherited, &mut problems);
        let settings = Merge { problems: &mut problems }.all(options, dev, variables);
        if problems.is_empty() { Ok(settings) } else { Err(Problems(problems)) }
    }
}

/// Takes the settings that exist and have a value; reports names that do not exist.
fn read<'a>(
    inherited: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    problems: &mut Vec<Error>,
) -> Variables {
    let mut pairs = Vec::new();
    for (name, value) in inherited {
        let shown = bytes::text(name);
        let known = shown.strip_prefix(PREFIX).filter(|rest| NAMES.contains(rest));
        let bare = known.map(str::to_owned);
        match (bare, std::str::from_utf8(value)) {
            (None, _) => problems.push(unknown(&shown)),
            (Some(_), Ok(value)) if value.trim().is_empty() => {}
            (Some(bare), Ok(_)) if pairs.iter().any(|(known, _)| *known == bare) => problems.push(
                Error::new(Status::Usage, format!("cannot take {shown}: it is set more than once"))
                    .hint("leave one of them"),
            ),
            (Some(bare), Ok(value)) => pairs.push((bare, value.to_owned())),
            (Some(_), Err(_)) => problems.push(
                Error::new(Status::Usage, format!("cannot read {shown}: it is not UTF-8"))
                    .hint("write the setting in UTF-8"),
            ),
        }
    }
    if pairs.is_empty() {
        return Variables::default();
    }
    envy::from_iter(pairs).unwrap_or_else(|_| {
        problems.push(Error::new(Status::Software, "cannot read the NEXIS_LAUNCH_* settings"));
        Variables::default()
    })
}

/// What is nearest to a name under [`PREFIX`] that is no setting; `None` where it is one.
pub fn misspelt(name: &str) -> Option<Option<String>> {
    let rest = name.strip_prefix(PREFIX).filter(|rest| !NAMES.contains(rest))?;
    Some(nearest(rest, NAMES.iter().copied()).map(|near| format!("{PREFIX}{near}")))
}

fn unknown(name: &str) -> Error {
    let rest = name.strip_prefix(PREFIX).unwrap_or(name);
    let error = Error::new(Status::Usage, format!("cannot take {name}: there is no such setting"));
    match nearest(rest, NAMES.iter().copied()) {
        Some(near) => error.hint(format!("did you mean {PREFIX}{near}?")),
        None => error.hint("`nexis-launch run --help` lists the settings"),
    }
}

/// The merging, with what went wrong on the way.
struct Merge<'p> {
    problems: &'p mut Vec<Error>,
}

impl Merge<'_> {
    fn all(&mut self, options: Options, dev: bool, variables: Variables) -> Settings {
        let mode = match (options.mode, variables.mode) {
            (Some(mode), _) => Some((mode, ModeOrigin::CommandLine)),
            (None, _) if dev => Some(("development".into(), ModeOrigin::CommandLine)),
            (None, Some(mode)) => Some((mode.into(), ModeOrigin::Setting)),
            (None, None) => None,
        };
        Settings {
            mode,
            contract: options.contract.or(variables.contract.map(PathBuf::from)),
            secrets_dirs: Some(paths(options.secrets_dir, variables.secrets_dir))
                .filter(|dirs| !dirs.is_empty()),
            env_files: paths(options.env_file, variables.env_file),
            inherit: match options.inherit {
                Some(InheritChoice::All) => Inherit::All,
                Some(InheritChoice::Contract) => Inherit::Contract,
                None => self.word("INHERIT", variables.inherit).unwrap_or_default(),
            },
            passthrough: passthrough::read(
                options.passthrough,
                variables.passthrough,
                self.problems,
            ),
            enforce: match options.enforce {
                Some(EnforceChoice::Refuse) => Enforce::Refuse,
                Some(EnforceChoice::Report) => Enforce::Report,
                None => self.word("ENFORCE", variables.enforce).unwrap_or_default(),
            },
            accept: self.accept(options.accept, options.reason, options.until),
            manifest: match options.manifest {
                Some(ManifestChoice::Auto) => ManifestForm::Auto,
                Some(ManifestChoice::Text) => ManifestForm::Text,
                Some(ManifestChoice::Json) => ManifestForm::Json,
                Some(ManifestChoice::Off) => ManifestForm::Off,
                None => self.word("MANIFEST", variables.manifest).unwrap_or_default(),
            },
            manifest_to: self.sink(
                "--manifest-to",
                options.manifest_to.or(variables.manifest_to.map(PathBuf::from)),
            ),
            audit_log: self.audit(options.audit_log.or(variables.audit_log.map(PathBuf::from))),
            audit_required: options
                .audit_required
                .or_else(|| self.word("AUDIT_REQUIRED", variables.audit_required))
                .unwrap_or(true),
            fingerprint_key_file: options
                .fingerprint_key_file
                .or(variables.fingerprint_key_file.map(PathBuf::from)),
            provider_stderr: options
                .provider_stderr
                .or(variables.provider_stderr.map(PathBuf::from)),
            ledger: options.ledger.or(variables.ledger.map(PathBuf::from)),
            labels: self.labels(texts(options.label, variables.labels)),
            user: UserWish::read(options.privileges.user, variables.user, self.problems),
            no_new_privs: options
                .privileges
                .no_new_privs
                .or_else(|| self.word("NO_NEW_PRIVS", variables.no_new_privs))
                .unwrap_or(false),
            mask_output: options
                .privileges
                .mask_output
                .or_else(|| self.word("MASK_OUTPUT", variables.mask_output))
                .unwrap_or(false),
            log: self.log(
                options.verbose,
                options.quiet,
                variables.log,
                options.log_format,
                variables.log_format,
            ),
        }
    }

    fn problem(&mut self, message: String, hint: String) {
        self.problems.push(Error::new(Status::Usage, message).hint(hint));
    }

    fn word<W: Word>(&mut self, name: &str, text: Option<String>) -> Option<W> {
        let text = text?;
        let text = text.trim();
        let found = W::WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
        if found.is_none() {
            let words: Vec<_> = W::WORDS.iter().map(|&(word, _)| word).collect();
            self.problem(
                format!("cannot take {PREFIX}{name}: its value is not one of those allowed"),
                format!("it takes {}", words.join(", ")),
            );
        }
        found.map(|&(_, value)| value)
    }

    fn sink(&mut self, option: &str, text: Option<PathBuf>) -> Option<Sink> {
        let text = text?;
        let bytes = text.as_os_str().as_bytes();
        if bytes == b"-" {
            return Some(Sink::Stdout);
        }
        let Some(number) = bytes.strip_prefix(b"fd:") else {
            return Some(Sink::File(text));
        };
        let number = std::str::from_utf8(number).ok().and_then(|digits| i32::from_str(digits).ok());
        match number {
            Some(number) if number >= 0 => Some(Sink::Descriptor(number)),
            _ => {
                self.problem(
                    format!(
                        "cannot take the value given for {option}: no descriptor number follows fd:"
                    ),
                    "write fd:3 for descriptor 3, or ./fd:… for a file of that name".to_owned(),
                );
                None
            }
        }
    }

    fn audit(&mut self, text: Option<PathBuf>) -> Option<Sink> {
        let sink = self.sink("--audit-log", text);
        if sink == Some(Sink::Stdout) {
            self.problem(
                "cannot write the audit log to standard output".to_owned(),
                "name a file, or fd:N".to_owned(),
            );
            return None;
        }
        sink
    }

    fn labels(&mut self, texts: Vec<String>) -> Vec<(String, String)> {
        let mut labels: Vec<(String, String)> = Vec::with_capacity(texts.len());
        for text in texts {
            match text.split_once('=') {
                Some((name, value)) if !name.trim().is_empty() => {
                    let name = name.trim().to_owned();
                    // An option follows the setting in the list and wins over it.
                    labels.retain(|(earlier, _)| *earlier != name);
                    labels.push((name, value.to_owned()));
                }
                _ => self.problem(
                    "cannot take a label: it is not NAME=VALUE".to_owned(),
                    "write --label commit=d41773f, or NEXIS_LAUNCH_LABELS=commit=d41773f,pod=p1"
                        .to_owned(),
                ),
            }
        }
        labels
    }

    fn accept(
        &mut self,
        what: Vec<String>,
        reasons: Vec<String>,
        untils: Vec<String>,
    ) -> Vec<Accept> {
        if what.len() != reasons.len() || what.len() != untils.len() {
            self.problem(
                "cannot take --accept: each needs its own --reason and --until".to_owned(),
                "write --accept CODE:VARIABLE --reason TEXT --until YYYY-MM-DD".to_owned(),
            );
            return Vec::new();
        }
        let all = what.into_iter().zip(reasons).zip(untils);
        all.map(|((what, reason), until)| Accept { what, reason, until }).collect()
    }

    fn log(
        &mut self,
        verbose: u8,
        quiet: bool,
        setting: Option<String>,
        form: Option<LogFormat>,
        form_setting: Option<String>,
    ) -> Log {
        use tracing::Level;
        let level = match verbose {
            0 => None,
            1 => Some(Level::INFO),
            2 => Some(Level::DEBUG),
            _ => Some(Level::TRACE),
        };
        let set = setting.and_then(|text| match text.trim().to_ascii_lowercase().as_str() {
            "off" => None,
            "error" => Some(Level::ERROR),
            "warn" => Some(Level::WARN),
            "info" => Some(Level::INFO),
            "debug" => Some(Level::DEBUG),
            "trace" => Some(Level::TRACE),
            _ => {
                self.problem(
                    format!("cannot take {PREFIX}LOG: its value is not one of those allowed"),
                    "it takes off, error, warn, info, debug, trace".to_owned(),
                );
                None
            }
        });
        let json = match form {
            Some(form) => form == LogFormat::Json,
            None => self.word("LOG_FORMAT", form_setting).is_some_and(|Json(json)| json),
        };
        Log { level: if quiet { None } else { level.or(set) }, json, quiet }
    }
}

/// Options if there are any, else the setting's list, in which `:` separates.
fn paths(options: Vec<PathBuf>, setting: Option<String>) -> Vec<PathBuf> {
    if !options.is_empty() {
        return options;
    }
    let setting = setting.unwrap_or_default();
    let parts = OsStr::new(&setting).as_bytes().split(|&byte| byte == b':');
    parts.filter(|part| !part.is_empty()).map(|part| OsStr::from_bytes(part).into()).collect()
}

/// The setting's list, in which `,` separates, then the options.
fn texts(options: Vec<String>, setting: Option<String>) -> Vec<String> {
    let setting = setting.unwrap_or_default();
    let parts = setting.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(str::to_owned).chain(options).collect()
}

#[cfg(test)]
mod tests;
