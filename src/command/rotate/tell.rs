//! What is told of rotations: status, plan and history.

use super::given::{Subject, today};
use super::{KeyFile, another_key, directory, named_key, print};
use crate::cli::Options;
use crate::cli::rotate::{self as typed, HistoryFormat, StatusFormat};
use crate::command::Ending;
use crate::contract::model::Contract;
use crate::error::{Error, Status};
use crate::fingerprint::Key;
use crate::launch;
use crate::ledger::Book;
use crate::output::{escape, to_stderr};
use crate::rotate::history::{self, History};
use crate::rotate::plan::markdown;
use crate::rotate::status;
use crate::sys::process;
use std::io::{self, IsTerminal};

/// A ledger without a fault, verified where its key was given.
struct Reading {
    contract: &'static Contract,
    key: Option<Key>,
    book: Book,
}

impl Reading {
    fn of(place: typed::Place) -> Result<Reading, Vec<Error>> {
        let options = Options { contract: place.contract, ..Options::default() };
        let (settings, contract) = launch::chosen(options)?;
        let path = directory(place.ledger, &settings)?;
        let key = match &place.ledger_key_file {
            Some(file) => Some(named_key(file, "--ledger-key-file")?),
            None => {
                to_stderr(
                    "nexis-launch: the ledger's chain was not verified\nhint: name its key with --ledger-key-file\n",
                );
                None
            }
        };
        let book = Book::read(&path, key.as_ref()).map_err(|error| vec![error])?.sound(&path)?;
        let fingerprint_key_file = KeyFile::of(place.fingerprint_key_file, &settings);
        another_key(fingerprint_key_file.as_ref(), key.as_ref(), &book)?;
        Ok(Reading { contract, key, book })
    }
}

/// Each key's age; 1 where something is overdue.
pub(super) fn status(options: typed::Status) -> Ending {
    let reading = Reading::of(options.place)?;
    let verified = reading.key.is_some();
    let status = status::Status::new(&reading.book, reading.contract, today(), verified);
    let terminal = io::stdout().is_terminal();
    let colours = || launch::allows_colours(&process::environment());
    print(&match options.format {
        StatusFormat::Text => status.text(terminal, terminal && colours()),
        StatusFormat::Json => status.json(),
        StatusFormat::Prometheus => status.prometheus(),
    })?;
    let unknown: Vec<_> =
        status.unknown().map(|(name, class)| format!("{name} (class {class})")).collect();
    if !unknown.is_empty() {
        to_stderr(&format!(
            "nexis-launch: no window is known for {}\nhint: name the contract whose policy has it \
             with --contract\n",
            escape(&unknown.join(", "))
        ));
    }
    Ok(if status.is_overdue() { Status::Unhealthy } else { Status::Success })
}

/// The rest of the checklist.
pub(super) fn plan(options: typed::Plan) -> Ending {
    let own = options.place.contract.is_some();
    let reading = Reading::of(options.place)?;
    let state = reading.book.state(&options.name);
    let subject = match &state {
        Some(state) => Subject::recorded(&options.name, &state.class, reading.contract),
        None => Subject::new(&options.name, None, reading.contract)?,
    };
    let (name, class, contract) = (&options.name, &subject.class, reading.contract);
    print(&markdown(name, class, state.as_ref(), contract, own, today()))
}

/// Every record of one key or of all.
pub(super) fn history(options: typed::History) -> Ending {
    let reading = Reading::of(options.place)?;
    let book = &reading.book;
    if let Some(name) = options.name.as_deref()
        && book.records(name).is_empty()
    {
        let error =
            Error::new(Status::Data, "cannot tell the history: nothing is recorded of that name");
        return Err(vec![error.hint("`nexis-launch rotate status` lists the names")]);
    }
    let wanted = |name: &&str| options.name.as_deref().is_none_or(|one| one == *name);
    let keys = book
        .names()
        .filter(wanted)
        .map(|name| history::Key { name, records: book.records(name) })
        .collect();
    let now = jiff::Timestamp::now();
    let time = jiff::Timestamp::from_second(now.as_second()).unwrap_or(now).to_string();
    let head = reading.key.as_ref().map(|key| book.head(key));
    let history = History::new(keys, time, head);
    print(&match options.format {
        HistoryFormat::Text => history.text(),
        HistoryFormat::Json => history.json(),
        HistoryFormat::Html => history.html(),
    })
}
