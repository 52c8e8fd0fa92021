//! The particulars of a finding: names, numbers and fixed words. There is no variant that could
//! hold a value.

use super::{Code, Failure, Finding};
use crate::mode::{Mode, Modes};
use crate::source::Source;
use std::borrow::Cow;
use std::path::PathBuf;

/// The particulars of a finding.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields say what they are")]
pub enum Fact {
    /// Nothing beyond the code.
    Plain,
    /// Fixed words of the program's own that complete `VARIABLE …`.
    Says(&'static str),
    /// The file of a value that is delivered as one, below what stands above it.
    Above(PathBuf),
    /// A file of the mode's name.
    NotRead(PathBuf),
    /// A rule of the contract: message and hint.
    Rule(&'static str, &'static str),
    /// What requires the variable.
    RequiredIn(Mode),
    /// The feature that is on and requires it.
    RequiredByFeature(&'static str),
    /// The variables of the contract's condition that requires it.
    RequiredWhen(Vec<&'static str>),
    /// A feature, the settings that switch it on and off, and whether the policy has it off.
    Switched {
        /// The feature.
        feature: &'static str,
        /// The settings.
        names: Vec<&'static str>,
        /// Whether the contract's policy switches it off.
        by_policy: bool,
    },
    /// Two sources that differ.
    Differ(Source, Source),
    /// The absent parts of a template.
    Absent(Vec<&'static str>),
    /// Fewer bytes than demanded.
    Fewer { bytes: usize, least: usize },
    /// More bytes than allowed; `bytes` is unknown where reading stopped at the limit.
    More { bytes: Option<usize>, most: usize },
    /// The schemes that are taken.
    Schemes(&'static [&'static str]),
    /// The values that are taken.
    Values(&'static [&'static str]),
    /// The bounds of an integer.
    Bounds(i64, i64),
    /// The nearest known name, if one is near.
    Nearest(Option<Cow<'static, str>>),
    /// What to know about a name that the program does not read.
    Note(&'static str),
    /// A file that cannot be opened, with what is known of it.
    Unreadable {
        path: PathBuf,
        errno: &'static str,
        owner: Option<u32>,
        mode: Option<u32>,
        uid: u32,
    },
    /// A thing that is no regular file: `a directory`, `a socket`, …
    NotRegular { path: PathBuf, what: &'static str },
    /// A pipe that gave nothing (or no end) within the deadline in seconds.
    TimedOut { path: PathBuf, seconds: u32 },
    /// Who could write a file or directory: `any user`, `group 100`, `user 1000`.
    Writable { path: PathBuf, directory: bool, who: String },
    /// A provider that gave no value.
    Provider(Failure),
    /// The other variable of the same value.
    SameAs(&'static str),
    /// The argument (1 is the first after the program) that holds a secret.
    Argument(usize),
    /// A line of a file, and what is wrong with it in fixed words.
    Line { path: PathBuf, line: usize, what: &'static str },
    /// The line of an env file whose value a shell would expand.
    AsItStands { path: PathBuf, line: usize },
    /// A path named by an option or setting, and the error of opening it.
    Named { option: &'static str, path: PathBuf, errno: &'static str },
    /// The program's path and why it cannot be executed.
    Program { path: PathBuf, why: &'static str },
    /// The user that was asked for, as typed, and why the program cannot be it.
    User { user: String, why: &'static str },
    /// A key file's path and why it is none.
    NoKey { path: PathBuf, why: &'static str },
    /// Sizes in bytes against a limit of the kernel; the name is the greatest entry.
    Size { bytes: usize, limit: usize, name: Option<String> },
    /// So many entries.
    Count(usize),
    /// NEXIS_ENV asks for the first (`None`: it says no mode), the second is in force.
    Stricter(Option<Mode>, Mode),
    /// The mode in force is none of those that the contract allows.
    Pinned(Mode, Modes),
    /// A value that is suspected to be exposed, and whether its successor is deployed.
    Exposed { succeeded: bool },
    /// A value's age in days, and the last day that it may be in use.
    Days { days: i64, last: String, past: bool },
    /// What is wrong with a file of the ledger, or with a line of it.
    Ledger { path: String, line: Option<usize>, what: String },
    /// A code that was named in `--accept`, and why it does not work.
    NotAccepted(String, &'static str),
}

/// `first`, `first and second`, `first, second and third`.
fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

/// `1 byte`, `2 bytes`.
fn in_bytes(count: usize) -> String {
    if count == 1 { "1 byte".to_owned() } else { format!("{count} bytes") }
}

impl Fact {
    pub(super) fn message(&self, finding: &Finding) -> String {
        let name = finding.variable.as_deref().unwrap_or("the launch");
        match self {
            Fact::Plain => match finding.code {
                Code::ModeUnset => "no mode is set, so production is assumed".to_owned(),
                Code::UnknownMode => {
                    "the mode is not one of development, staging and production".to_owned()
                }
                Code::ReportForbidden => {
                    "--enforce report is asked for, and the contract forbids it".to_owned()
                }
                Code::EphemeralSecret => format!("{name} was generated for this process alone"),
                _ => format!("{name}: {}", finding.code.cause()),
            },
            Fact::Says(words) => format!("{name} {words}"),
            Fact::Rule(message, _) => (*message).to_owned(),
            Fact::RequiredIn(mode) => format!("{name} is required in {mode} and absent"),
            Fact::RequiredByFeature(feature) => {
                format!("{name} is required because feature {feature} is on, and absent")
            }
            Fact::RequiredWhen(names) => {
                format!("{name} is required by the setting of {}, and absent", list(names))
            }
            Fact::Switched { feature, names, by_policy } => {
                let policy = by_policy.then_some("the contract's policy");
                let names: Vec<&str> = names.iter().copied().chain(policy).collect();
                format!("feature {feature} is switched on and off by {}", list(&names))
            }
            Fact::Differ(one, other) => {
                format!("{name} has different values in {one} and {other}")
            }
            Fact::Absent(parts) => format!("{name} cannot be composed: {} absent", list(parts)),
            Fact::Fewer { bytes, least } => {
                format!("{name} has {}, fewer than the {least} required", in_bytes(*bytes))
            }
            Fact::More { bytes: Some(bytes), most } => {
                format!("{name} has {}, more than the {most} allowed", in_bytes(*bytes))
            }
            Fact::More { bytes: None, most } => format!("{name} has more than {most} bytes"),
            Fact::Schemes(schemes) => {
                format!("{name} has a URL scheme other than {}", schemes.join(", "))
            }
            Fact::Values(values) => format!("{name} is none of {}", values.join(", ")),
            Fact::Bounds(least, most) => {
                format!("{name} is not a whole number from {least} to {most}")
            }
            Fact::Nearest(_) => match finding.code {
                Code::UndeclaredSecret => {
                    format!("{name} looks like a secret and has no row in the contract")
                }
                _ => format!("{name} is read by nothing"),
            },
            // Said of two variables on every launch of today's gateway; a tenth of `format!`.
            Fact::Note(note) => [name, " is not read by the program: ", note].concat(),
            Fact::Unreadable { path, errno, .. } => {
                format!("cannot read {} for {name}: {errno}", path.display())
            }
            Fact::NotRegular { path, what } => {
                format!("refused to read {} for {name}: it is {what}", path.display())
            }
            Fact::TimedOut { path, seconds } => {
                format!(
                    "refused to wait for {} for {name}: no end within {seconds} s",
                    path.display()
                )
            }
            Fact::Writable { path, directory, who } => {
                let thing = if *directory { "directory" } else { "file" };
                format!("{thing} {} can be written by {who}", path.display())
            }
            Fact::Provider(failure) => failure.message(name),
            Fact::Above(path) => {
                let above = finding.source.as_ref().map(|source| source.to_string());
                format!(
                    "{name} is delivered as a file, and {} stands above {}",
                    above.unwrap_or_default(),
                    path.display()
                )
            }
            Fact::NotRead(path) => {
                format!("{} is not read: the mode comes from no file", path.display())
            }
            Fact::SameAs(other) => format!("{name} has the same value as {other}"),
            Fact::Argument(position) => {
                format!("{name} stands in argument {position} of the program")
            }
            Fact::Line { path, line, what } => {
                format!("cannot read {} line {line}: {what}", path.display())
            }
            Fact::AsItStands { path, line } => {
                format!("{} line {line}: the $ is taken as it stands", path.display())
            }
            Fact::Named { option, path, errno } => {
                format!("cannot read {option} {}: {errno}", path.display())
            }
            Fact::Program { path, why } => {
                format!("cannot execute {}: {why}", path.display())
            }
            Fact::User { user, why } => format!("cannot start the program as {user}: {why}"),
            Fact::NoKey { path, why } => format!("cannot use the key {}: {why}", path.display()),
            Fact::Size { bytes, limit, name: Some(name) } => {
                format!(
                    "{name} takes {bytes} bytes of the environment, the kernel's limit is {limit}"
                )
            }
            Fact::Size { bytes, limit, name: None } => {
                format!(
                    "environment and arguments take {bytes} bytes, the kernel's limit is {limit}"
                )
            }
            Fact::Count(1) => "1 inherited entry is malformed or a repetition".to_owned(),
            Fact::Count(count) => {
                format!("{count} inherited entries are malformed or repetitions")
            }
            Fact::Stricter(None, inforce) => {
                format!(
                    "NEXIS_ENV says no mode, which counts as production, and the mode in force is {inforce}"
                )
            }
            Fact::Stricter(Some(asked), inforce) => {
                format!("NEXIS_ENV asks for {asked}, the mode in force is {inforce}")
            }
            Fact::Pinned(mode, allowed) => {
                let allowed: Vec<&str> = allowed.iter().map(Mode::name).collect();
                format!("the mode is {mode}, and the contract allows {} alone", list(&allowed))
            }
            Fact::Exposed { succeeded: false } => {
                format!("{name} has a value that is suspected to be exposed")
            }
            Fact::Exposed { succeeded: true } => {
                format!("{name} has an exposed value although its successor is deployed")
            }
            Fact::Days { days, last, past: true } => {
                format!("{name} has a value that is {days} days old; its last day was {last}")
            }
            Fact::Days { days, last, past: false } => {
                format!("{name} has a value that is {days} days old; its last day is {last}")
            }
            Fact::Ledger { path, line: Some(line), what } => {
                format!("cannot use the ledger {path} line {line}: {what}")
            }
            Fact::Ledger { path, line: None, what } => {
                format!("cannot use the ledger {path}: {what}")
            }
            Fact::NotAccepted(code, why) => format!("cannot accept {code}: {why}"),
        }
    }

    pub(super) fn hint(&self, finding: &Finding) -> String {
        match self {
            Fact::Rule(_, hint) => (*hint).to_owned(),
            Fact::Nearest(Some(near)) => match finding.code {
                Code::UnknownVariable => format!("did you mean {near}?"),
                _ => finding.code.mend().to_owned(),
            },
            Fact::Absent(parts) => match finding.variable.as_deref() {
                Some(name) => format!("set {}, or {name} itself", list(parts)),
                None => format!("set {}", list(parts)),
            },
            Fact::Unreadable { owner: Some(owner), mode: Some(mode), uid, .. } => format!(
                "it is owned by user {owner} with mode {:04o}; the launcher runs as user {uid}",
                mode & 0o7777
            ),
            Fact::Unreadable { uid, .. } => {
                format!("the launcher runs as user {uid}; check the path and what mounts it")
            }
            Fact::RequiredIn(_) | Fact::RequiredByFeature(_) | Fact::RequiredWhen(_) => {
                match finding.variable.as_deref() {
                    Some(name) => {
                        format!("`nexis-launch explain {name}` lists where it may come from")
                    }
                    None => finding.code.mend().to_owned(),
                }
            }
            Fact::Provider(failure) => failure.hint(finding.code.mend()),
            Fact::Size { name: Some(_), .. } => "deliver it as a file".to_owned(),
            Fact::Above(_) => match &finding.source {
                Some(source) => format!("take it out of {source}; the file is delivered then"),
                None => finding.code.mend().to_owned(),
            },
            // Where a mend speaks of a variable, this is the one.
            _ => match finding.variable.as_deref() {
                Some(name) => finding.code.mend().replace("VARIABLE", name),
                None => finding.code.mend().to_owned(),
            },
        }
    }
}
