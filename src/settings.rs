//! Options and `NEXIS_LAUNCH_*` settings, merged: an option wins over its variable.

use std::ffi::OsString;
use std::path::PathBuf;

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
    /// Labels, in their order.
    pub labels: Vec<(String, String)>,
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
