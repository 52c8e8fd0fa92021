//! `mask`: standard input to standard output, every value of a secret replaced by its name.

use super::Ending;
use crate::cli::{Mask, Options};
use crate::contract::name;
use crate::error::{Error, Status};
use crate::finding::{Code, Finding, Severity};
use crate::launch::{Launch, Secrets, Survey};
use crate::leak::value;
use crate::manifest::Guard;
use crate::mask;
use crate::needles::Needles;
use crate::needles::stream::Engine;
use crate::output::{error_text, to_stderr};
use crate::source::SourceKind;
use crate::sys::signal::Ignored;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What a value is called that was given without a name.
const UNNAMED: &str = "VALUE";

/// Masks until standard input ends.
pub(super) fn mask(options: Mask) -> Ending {
    let _ignored = Ignored::begin();
    let given: Vec<_> = options.value_file.iter().map(|given| named(given)).collect();
    if given.iter().any(|(_, file)| *file == Path::new("-")) {
        let message = "cannot read a value from standard input: that is what is masked";
        return Err(vec![Error::new(Status::Usage, message).hint("give the value's file")]);
    }
    let survey = Survey::take(Options::from(options.sources), false)?;
    let quiet = survey.settings.log.quiet;
    let launch = Launch::judge(survey, Vec::new());
    let unread = unread(&launch);
    let has_own = has_own(&launch) || !given.is_empty();
    let mut secrets = launch.into_secrets();
    // What is not known cannot be replaced, and would pass as if it were no secret.
    if !unread.is_empty() {
        return Err(unread);
    }
    for (name, file) in given {
        let value = value::read(file).map_err(|error| vec![error])?;
        secrets.add(name, &value);
    }
    let Secrets { needles, short, .. } = secrets;
    if !quiet {
        warn(&needles, short, has_own);
    }
    mask::pass(&Engine::new(&needles)).map_err(|error| vec![error])
}

/// Splits `[NAME=]FILE`. What stands before the `=` and cannot be a name belongs to the path.
fn named(given: &OsStr) -> (&str, &Path) {
    let bytes = given.as_bytes();
    let split = bytes.iter().position(|byte| *byte == b'=');
    let parts = split.and_then(|at| {
        let name = std::str::from_utf8(bytes.get(..at)?).ok()?;
        name::is_variable(name).then_some((name, bytes.get(at + 1..)?))
    });
    let (name, file) = parts.unwrap_or((UNNAMED, bytes));
    (name, Path::new(OsStr::from_bytes(file)))
}

/// What could not be read of what options, settings and the contract name.
fn unread(launch: &Launch) -> Vec<Error> {
    let guard = launch.guard();
    let mut unread = launch.unread();
    let refused = unread.iter().any(|finding| finding.code == Code::InsecureContract);
    // That is said of the files that others could write, and once.
    unread.retain(|finding| finding.code != Code::InsecureContract);
    let findings = launch.verdict.findings.iter();
    let others = findings.filter(|finding| match finding.code {
        Code::InsecureContract => refused,
        Code::ProviderFailed => false,
        // A directory, or what else is no variable's.
        Code::SourceUnreadable | Code::SourceRefused | Code::TooLarge => finding.variable.is_none(),
        code => code.status() != Status::NotMet && finding.severity == Severity::Error,
    });
    let error = |finding: &Finding| {
        Error::new(finding.status(), text(guard, &finding.message()))
            .hint(text(guard, &finding.hint()))
    };
    others.chain(&unread).map(error).collect()
}

fn text(guard: Guard<'_>, text: &str) -> String {
    guard.text(text).as_str().to_owned()
}

/// Whether a value was read and not only made up for this process.
fn has_own(launch: &Launch) -> bool {
    let survey = &launch.survey;
    survey.resolution.rows.iter().any(|row| {
        let seen = row.seen.iter().filter(|seen| seen.value().is_some());
        survey.contract.row(row.id).secret
            && seen.into_iter().any(|seen| seen.source.kind != SourceKind::Generator)
    })
}

/// Says what is not masked.
fn warn(needles: &Needles, mut short: Vec<String>, has_own: bool) {
    short.sort_unstable();
    short.dedup();
    for name in short {
        let message = format!("{name} is not masked: it has fewer than 8 bytes");
        let hint = "so short a value would be found everywhere; give it more bytes";
        to_stderr(&error_text(&Error::new(Status::Success, message).hint(hint)));
    }
    if needles.is_empty() || !has_own {
        let message = "nothing is masked: there is no value of a secret to look for";
        let hint = "run it where the program's secrets are, or name them by --secrets-dir, --env-file or --value-file [NAME=]FILE";
        to_stderr(&error_text(&Error::new(Status::Success, message).hint(hint)));
    }
}
