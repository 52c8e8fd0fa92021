//! `leak trace`: the launches that got a value.

use super::Ending;
use crate::cli::{Format, Options, Trace};
use crate::error::{Error, Status};
use crate::finding::{Code, Fact, Finding};
use crate::fingerprint::Key;
use crate::launch;
use crate::leak::tools::Tools;
use crate::leak::trace::{Form, Report, Trace as Search, Wanted};
use crate::leak::value;
use crate::manifest::Guard;
use crate::needles::{LEAST, Needles};
use crate::output::to_stderr;
use crate::secret::Secret;
use crate::sys::process;
use crate::url;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Looks for launches by the value's fingerprint, and says which got it.
pub(super) fn trace(options: Trace) -> Ending {
    let Trace { value_file, fingerprint, fingerprint_key_file, fingerprint_key_id, format, audits } =
        options;
    // Before the value is read, as in a launch.
    let _ = process::forbid_dumps();
    let dash = Path::new("-");
    let inputs = audits.iter().chain(&value_file).filter(|input| *input == dash);
    if inputs.count() > 1 {
        return Err(vec![super::leak::standard_input_twice()]);
    }
    // The key can be the setting's.
    let settings = launch::settings(Options { fingerprint_key_file, ..Options::default() })?;
    let path = settings.fingerprint_key_file.as_deref().filter(|_| fingerprint_key_id.is_none());
    let key = path.map(Key::read).transpose().map_err(|(code, fact)| vec![unusable(code, fact)])?;
    let mut needles = Needles::new();
    let wanted = match (value_file, fingerprint, &key) {
        (Some(file), _, Some(key)) => {
            let value = value::read(&file).map_err(|error| vec![error])?;
            let mut fingerprints = vec![("value", key.fingerprint(value.expose()))];
            needles.add("value", value.expose());
            for password in url::passwords(value.expose()) {
                if password.expose().len() >= LEAST {
                    needles.add("value#password", password.expose());
                    fingerprints.push(("value#password", key.fingerprint(password.expose())));
                }
            }
            // Whether the launch took the final newline off is its contract's choice.
            let kept = [&b"\n"[..], b"\r\n"];
            let kept = kept.map(|end| {
                let whole = Secret::new([value.expose(), end].concat());
                key.fingerprint(whole.expose())
            });
            Wanted { fingerprints, kept: kept.to_vec(), key_id: Some(key.id()) }
        }
        (Some(_), _, None) => {
            let message = "cannot trace a value: there is no key to make its fingerprint with";
            return Err(vec![Error::new(Status::Usage, message).hint(
                "name the launches' key by --fingerprint-key-file, or give --fingerprint as a manifest shows it",
            )]);
        }
        (None, fingerprint, key) => {
            let given = fingerprint.unwrap_or_default();
            let fingerprint = digits(&given, 16, "--fingerprint")?;
            let id = fingerprint_key_id.map(|id| digits(&id, 8, "--fingerprint-key-id"));
            let key_id = id.transpose()?.or_else(|| key.as_ref().map(Key::id));
            Wanted { fingerprints: vec![("value", fingerprint)], kept: Vec::new(), key_id }
        }
    };
    let form = match format {
        Format::Text => Form::Text,
        Format::Json => Form::Json,
    };
    // A log is named by a path, and an inherited secret can stand in its place.
    let entries = process::environment();
    launch::add_inherited(&mut needles, &entries);
    let tools = Tools::new(launch::lookup(&entries, b"PATH").map(OsStr::from_bytes));
    let report = Report::new(form, &wanted, Guard::new(&needles));
    let (report, counts) = Search::new(&wanted, report).through(&audits, &tools);
    let undecided = counts.undecided();
    let status = report.end(&counts).map_err(|error| vec![error])?;
    if status == Status::Undecided {
        let hint = match wanted.key_id {
            None => "name the fingerprint's key by --fingerprint-key-id or --fingerprint-key-file",
            Some(_) => "ask the hosts of these launches, or take the value as held by them",
        };
        to_stderr(&format!(
            "nexis-launch: cannot say that nobody got it: {undecided} could not be compared\nhint: {hint}\n"
        ));
    }
    Ok(status)
}

/// What a launch would say of such a key.
fn unusable(code: Code, fact: Fact) -> Error {
    let finding = Finding::error(code, fact);
    Error::new(code.status(), finding.message()).hint(finding.hint())
}

/// So many hex digits in lower case; what else was given is not repeated.
fn digits(given: &str, count: usize, option: &str) -> Result<String, Vec<Error>> {
    match given.len() == count && given.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => Ok(given.to_ascii_lowercase()),
        false => {
            let message =
                format!("cannot take the value given for {option}: it is not {count} hex digits");
            Err(vec![Error::new(Status::Usage, message).hint("give it as a manifest shows it")])
        }
    }
}
