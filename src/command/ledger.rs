//! `ledger …`: the chain verified, its head printed, a torn line taken off.

use super::{Ending, print};
use crate::cli::Options;
use crate::cli::rotate::{KeyedPlace, LedgerAction};
use crate::error::{Error, Status};
use crate::finding::{Code, Fact, Finding};
use crate::fingerprint::Key;
use crate::launch;
use crate::ledger::repair::repair;
use crate::ledger::state::Value;
use crate::ledger::{Book, head};
use crate::output::{escape, to_stderr};
use crate::settings::Settings;
use crate::sys::signal::Ignored;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Does what is asked of a ledger as a whole.
pub(super) fn ledger(action: LedgerAction) -> Ending {
    let _ignored = Ignored::begin();
    match action {
        LedgerAction::Verify { place, head } => verify(place, head.as_deref()),
        LedgerAction::Head { place } => {
            opened(place).and_then(|(key, book)| print(&(book.head(&key) + "\n")))
        }
        LedgerAction::Repair { place } => mend(place),
    }
}

fn verify(place: KeyedPlace, head: Option<&str>) -> Ending {
    let Named { path, key, fingerprint_key_file } = Named::of(place)?;
    let book = Book::read(&path, Some(&key)).map_err(|error| vec![error])?;
    let mut errors: Vec<Error> = book.faults().map(|fault| fault.error(&path)).collect();
    if let Some(given) = head {
        let missing = head::compare(&book, &key, given).map_err(|cause| {
            let error = Error::new(
                Status::Data,
                format!("cannot take the value given for --head: {cause}"),
            );
            vec![error.hint("give one whole line that `nexis-launch ledger head` printed")]
        })?;
        errors.extend(missing.iter().map(|fault| fault.error(&path)));
    }
    if !book.others.is_empty() {
        to_stderr(&format!("passed over: {}\n", escape(&book.others.join(", "))));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    another_key(fingerprint_key_file.as_ref(), Some(&key), &book)?;
    let (records, names) = (book.count(), book.names().count());
    let held = if head.is_some() { ", all that the head covers is there" } else { "" };
    print(&format!("whole: {} of {}{held}\n", counted(records, "record"), counted(names, "key")))
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn mend(place: KeyedPlace) -> Ending {
    let Named { path, key, fingerprint_key_file } = Named::of(place)?;
    if let Some(file) = &fingerprint_key_file {
        fingerprint_key(file, Some(&key))?;
    }
    let mut text = String::new();
    for one in repair(&path, &key)? {
        let file = one.file.display();
        let _ = match &one.aside {
            None => writeln!(text, "{file} line {}: whole but for its end, which it got", one.line),
            Some(aside) => writeln!(
                text,
                "{file} line {}: {} taken off and kept in {}",
                one.line,
                counted(one.bytes, "byte"),
                aside.display()
            ),
        };
    }
    print(if text.is_empty() { "nothing is torn\n" } else { &text })
}

/// A ledger without a fault.
fn opened(place: KeyedPlace) -> Result<(Key, Book), Vec<Error>> {
    let Named { path, key, fingerprint_key_file } = Named::of(place)?;
    let book = Book::read(&path, Some(&key)).map_err(|error| vec![error])?.sound(&path)?;
    another_key(fingerprint_key_file.as_ref(), Some(&key), &book)?;
    Ok((key, book))
}

/// What options and settings name.
struct Named {
    path: PathBuf,
    key: Key,
    fingerprint_key_file: Option<KeyFile>,
}

/// The file of the key of fingerprints, and what named it, which messages name again.
pub(super) struct KeyFile {
    path: PathBuf,
    by: &'static str,
}

impl KeyFile {
    /// That of the option, or else of the setting.
    pub(super) fn of(option: Option<PathBuf>, settings: &Settings) -> Option<KeyFile> {
        let by_option = option.map(|path| KeyFile { path, by: "--fingerprint-key-file" });
        let by = "NEXIS_LAUNCH_FINGERPRINT_KEY_FILE";
        by_option.or_else(|| settings.fingerprint_key_file.clone().map(|path| KeyFile { path, by }))
    }
}

impl Named {
    fn of(place: KeyedPlace) -> Result<Named, Vec<Error>> {
        let (settings, _) = launch::chosen(Options::default())?;
        Ok(Named {
            path: directory(place.ledger, &settings)?,
            key: key(&place.ledger_key_file)?,
            fingerprint_key_file: KeyFile::of(place.fingerprint_key_file, &settings),
        })
    }
}

/// The ledger's directory, by option or setting.
pub(super) fn directory(
    option: Option<PathBuf>,
    settings: &Settings,
) -> Result<PathBuf, Vec<Error>> {
    option.or_else(|| settings.ledger.clone()).ok_or_else(|| {
        let error = Error::new(Status::Usage, "cannot find the ledger: no directory is named");
        vec![error.hint("name it with --ledger or NEXIS_LAUNCH_LEDGER")]
    })
}

/// The key of the ledger's chain.
pub(super) fn key(path: &Path) -> Result<Key, Vec<Error>> {
    named_key(path, "--ledger-key-file")
}

/// The key of fingerprints, which must not be the ledger's: that one never goes to a host that
/// launches.
pub(super) fn fingerprint_key(file: &KeyFile, ledger: Option<&Key>) -> Result<Key, Vec<Error>> {
    let key = named_key(&file.path, file.by)?;
    if ledger.is_some_and(|ledger| key.same_as(ledger)) {
        let message = "cannot use one key for fingerprints and ledger";
        let error = Error::new(Status::Data, message);
        return Err(vec![error.hint(
            "make the ledger a key of its own: whoever holds a launch host's key could else \
             write to the ledger",
        )]);
    }
    Ok(key)
}

/// Says which names' values in use, and which that nothing may use, were recorded under another key
/// of fingerprints than the one that was named: a launch with that key does not know them.
pub(super) fn another_key(
    file: Option<&KeyFile>,
    ledger: Option<&Key>,
    book: &Book,
) -> Result<(), Vec<Error>> {
    let Some(file) = file else { return Ok(()) };
    let id = fingerprint_key(file, ledger)?.id();
    let of_another = |which: fn(&Value) -> bool| {
        let is_one = |value: &Value| which(value) && value.fingerprint_key_id != id;
        let has_one = |name: &&str| book.state(name).is_some_and(|it| it.values.iter().any(is_one));
        let names: Vec<&str> = book.names().filter(has_one).collect();
        Some(escape(&names.join(", ")).into_owned()).filter(|names| !names.is_empty())
    };
    if let Some(names) = of_another(Value::is_live) {
        to_stderr(&format!(
            "nexis-launch: recorded under another fingerprint key: {names}\nhint: a launch with this \
             key finds nothing of them in the ledger; `rotate start` records new values under it\n"
        ));
    }
    if let Some(names) = of_another(|it| it.revoked.is_some() || it.exposed.is_some()) {
        to_stderr(&format!(
            "nexis-launch: revoked or exposed under another fingerprint key: {names}\nhint: a launch \
             with this key warns of such a value (not-in-ledger) and starts; where the rotation to a \
             value under this key has its `deploy` and `revoke`, `leak respond NAME --value-file \
             FILE` and `rotate revoke NAME` record one under it; this line stays all the same, since the \
             ledger cannot tell that two fingerprints are of one value\n"
        ));
    }
    Ok(())
}

/// A key that an option names.
pub(super) fn named_key(path: &Path, option: &'static str) -> Result<Key, Vec<Error>> {
    Key::read_as(path, option).map_err(|(code, fact)| vec![error_of(code, fact)])
}

/// A finding about an option as an error of a command.
fn error_of(code: Code, fact: Fact) -> Error {
    let finding = Finding::error(code, fact);
    Error::new(code.status(), finding.message()).hint(finding.hint())
}
