//! `generate`: a value from the operating system's generator, alone.

use super::Ending;
use crate::cli::{self, Options, Platform};
use crate::contract::model::{Contract, Row};
use crate::contract::words;
use crate::error::{Error, Status};
use crate::generate::platform::{self, Named};
use crate::generate::{self, rule};
use crate::launch;
use crate::nearest::nearest;
use crate::new_file::Place;
use crate::output::{self, escape, to_stderr};
use crate::secret::Secret;
use crate::sys::process;
use crate::sys::signal::Ignored;
use std::io::{self, IsTerminal};
use std::path::Path;

/// What a value is made for.
#[derive(Clone, Copy)]
enum Subject {
    /// A row of the contract.
    Row(&'static Contract, &'static Row),
    /// `fingerprint-key`.
    FingerprintKey,
    /// `ledger-key`.
    LedgerKey,
}

/// Makes a value and writes it to standard output or to a new file, and nowhere else.
pub(super) fn generate(options: cli::Generate) -> Ending {
    let _ignored = Ignored::begin();
    // Best effort, as in a launch.
    let _ = process::forbid_dumps();
    let one = |error| vec![error];
    let subject = subject(&options)?;
    let named = named(subject);
    let object = object_name(&options, subject).map_err(one)?;
    // What cannot be written is said before a value is made.
    let place = options.out.as_deref().map(Place::find).transpose().map_err(one)?;
    let value = make(subject).map_err(one)?;
    let value = match options.target {
        Some(Platform::Kubernetes) => {
            let about = Named { about: &named.0, file: &named.1 };
            platform::kubernetes(&object, &about, &value)
        }
        _ => value,
    };
    match &place {
        Some(place) => place.fill(&value).map_err(one)?,
        None => show(&value, options.target).map_err(one)?,
    }
    if let Some(target) = options.target {
        to_stderr(&advice(target, &named.1, options.out.as_deref()));
        if matches!(subject, Subject::FingerprintKey) {
            to_stderr("hint: name the mounted file by NEXIS_LAUNCH_FINGERPRINT_KEY_FILE\n");
        }
    } else if let Subject::Row(_, row) = subject
        && row.class == Some("database")
    {
        to_stderr("hint: the server has to learn the new password too\n");
    }
    Ok(Status::Success)
}

fn subject(options: &cli::Generate) -> Result<Subject, Vec<Error>> {
    let subject = match options.subject.as_str() {
        "fingerprint-key" => Subject::FingerprintKey,
        "ledger-key" if options.target.is_some() => {
            let error = "cannot generate a ledger key to be mounted: launch hosts never hold it";
            return Err(vec![Error::new(Status::Usage, error).hint(
                "give --out FILE, and keep the file where rotations are recorded and nowhere else",
            )]);
        }
        "ledger-key" => Subject::LedgerKey,
        name => {
            let file = options.contract.clone();
            let contract = launch::contract(Options { contract: file, ..Options::default() })?;
            let known =
                contract.known(name.as_bytes()).ok_or_else(|| vec![no_such(contract, name)])?;
            Subject::Row(contract, contract.row(known.row))
        }
    };
    Ok(subject)
}

fn no_such(contract: &Contract, name: &str) -> Error {
    let names = contract.names.iter().map(|known| known.name);
    let near = nearest(name, names.chain(["fingerprint-key", "ledger-key"]));
    let message = "cannot generate it: the contract has no such variable";
    Error::new(Status::Usage, message).hint(match near {
        Some(near) => format!("did you mean {near}?"),
        None => "`nexis-launch contract show` lists the variables".to_owned(),
    })
}

/// What it is for, and the name of its file.
fn named(subject: Subject) -> (String, String) {
    match subject {
        Subject::Row(contract, row) => {
            let file = words::file_name(row);
            // A name derived from the variable's is found as well.
            let derived = || row.name.to_ascii_lowercase().replace('_', "-");
            let file = if platform::is_file_name(&file) { file } else { derived() };
            (format!("A value for {} of {}", row.name, contract.name), file)
        }
        Subject::FingerprintKey => ("A key for fingerprints".into(), "fingerprint-key".into()),
        Subject::LedgerKey => ("A key for a ledger".into(), "ledger-key".into()),
    }
}

fn object_name(options: &cli::Generate, subject: Subject) -> Result<String, Error> {
    let name = match (&options.name, subject) {
        (Some(name), _) => name.clone(),
        (None, Subject::Row(contract, _)) => contract.name.to_owned(),
        (None, _) => "nexis-launch".to_owned(),
    };
    let usage = |message: &str| Error::new(Status::Usage, message);
    match options.target {
        Some(Platform::Kubernetes) if !platform::is_object_name(&name) => {
            let whose = if options.name.is_some() { "it" } else { "the contract's name" };
            Err(usage(&format!(
                "cannot name a Secret: {whose} is not a name that Kubernetes takes"
            ))
            .hint("give --name with lower-case letters, digits, - and ."))
        }
        Some(Platform::Kubernetes) => Ok(name),
        _ if options.name.is_some() => Err(usage("cannot take --name: it is of a Secret")
            .hint("give it together with --for kubernetes")),
        _ => Ok(name),
    }
}

fn make(subject: Subject) -> Result<Secret, Error> {
    let none = || {
        Error::new(Status::Software, "cannot generate a value: there are no random bytes")
            .hint("the operating system gave none; nothing was written")
    };
    let Subject::Row(contract, row) = subject else { return generate::key().ok_or_else(none) };
    match rule::make(contract, row) {
        Ok(value) => value.ok_or_else(none),
        Err(refusal) => {
            let status = if refusal.contradiction { Status::Data } else { Status::Usage };
            let message = format!("cannot generate {}: {}", row.name, refusal.why);
            Err(Error::new(status, message).hint(refusal.instead))
        }
    }
}

/// The value alone; a newline only where a person reads it.
fn show(value: &Secret, target: Option<Platform>) -> Result<(), Error> {
    let terminal = io::stdout().is_terminal();
    output::bytes_to_stdout(value.expose())?;
    if terminal && target != Some(Platform::Kubernetes) {
        output::to_stdout("\n")?;
    }
    if terminal {
        to_stderr("hint: it now stands in the terminal's history; --out FILE keeps it out\n");
    }
    Ok(())
}

/// What to do with it on the platform.
fn advice(target: Platform, name: &str, out: Option<&Path>) -> String {
    let file = out.map(|path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()));
    let file = file.map(|path| escape(&super::init::quoted(&path)).into_owned());
    let from = file.as_deref().unwrap_or("-");
    let mut lines = Vec::new();
    match target {
        Platform::Kubernetes => {
            lines.push(format!("kubectl apply --server-side -f {from}"));
            lines.push("then remove it; the launcher finds it in /run/secrets/nexis".to_owned());
        }
        Platform::Docker => {
            lines.push(format!("for Swarm: docker secret create {name} {from}"));
            if let Some(file) = &file {
                lines.push(format!("for compose: secrets: {{{name}: {{file: {file}}}}}"));
                lines.push(
                    "compose keeps owner and mode: chown it to the container's user".to_owned(),
                );
            }
        }
        Platform::Systemd => {
            if let Some(file) = &file {
                lines.push(format!("LoadCredential={name}:{file}"));
            }
            let to = format!("/etc/credstore.encrypted/{name}");
            lines.push(format!("or: systemd-creds encrypt --name={name} {from} {to}"));
            lines.push(format!("and then: LoadCredentialEncrypted={name}:{to}"));
        }
    }
    lines.into_iter().map(|line| format!("hint: {line}\n")).collect()
}
