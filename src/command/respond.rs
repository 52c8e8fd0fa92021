//! `leak respond`: an incident on the record, and what is to be done about it.

use super::rotate::given::{self, Given, Subject};
use super::rotate::{Desk, recorded};
use super::{Ending, print};
use crate::cli::Respond;
use crate::contract::model::Row;
use crate::error::{Error, Status};
use crate::fingerprint::Key;
use crate::generate::rule;
use crate::launch::lookup;
use crate::leak::respond::{Incident, Scanned, Standing, Traced, advisory, checklist};
use crate::leak::scan::{self, Progress, Scan, Target};
use crate::leak::tools::Tools;
use crate::leak::trace::{self, Trace, Wanted};
use crate::ledger::state::{State, Value};
use crate::ledger::{Ledger, Record};
use crate::manifest::{Guard, Shown};
use crate::needles::Needles;
use crate::needles::stream::Engine;
use crate::new_file::Place;
use crate::rotate::plan::besides;
use crate::rotate::way::Way;
use crate::secret::Secret;
use crate::sys::process;
use crate::url;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::{self, IsTerminal};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Records the exposure first, since that is what cannot wait; then looks around, and prints what
/// to do.
pub(super) fn respond(options: Respond) -> Ending {
    // Before the value is read, as in a launch.
    let _ = process::forbid_dumps();
    let inputs = options.audit.iter().chain(&options.scan).chain(&options.value_file);
    if inputs.filter(|input| *input == Path::new("-")).count() > 1 {
        return Err(vec![super::leak::standard_input_twice()]);
    }
    let desk = Desk::open(&options.common)?;
    let given = Given::read(&options.common, None)?;
    let reason = given::reason(&options.reason)?;
    // What cannot be written is said before anything is recorded.
    let draft = options.advisory.as_deref().map(Place::find).transpose();
    let draft = draft.map_err(|error| vec![error])?;
    let value = Exposed::read(&options, &desk, &given)?;
    let (opened, said) = open(&options, &desk, &given, reason, value.as_ref())?;
    print(&said)?;

    let mut needles = Needles::new();
    if let Some(Exposed { value, .. }) = &value {
        needles.add(options.common.name.clone(), value.expose());
        for password in url::passwords(value.expose()) {
            needles.add(format!("{}#password", options.common.name), password.expose());
        }
    }
    let guard = Guard::new(&needles);
    let entries = process::environment();
    let tools = Tools::new(lookup(&entries, b"PATH").map(OsStr::from_bytes));
    let dumb = lookup(&entries, b"TERM") == Some(b"dumb");
    let place = &options.common.place;
    let incident = Incident {
        name: guard.text(&options.common.name),
        class: Some(guard.text(&opened.class)).filter(|class| !class.as_str().is_empty()),
        is_variable: row(&desk, &options.common.name).is_some_and(|row| !row.part),
        can_be_generated: row(&desk, &options.common.name)
            .is_some_and(|row| rule::make(desk.contract, row).is_ok()),
        reason: guard.text(opened.reason.as_deref().unwrap_or_default()),
        time: guard.text(&opened.time),
        actor: guard.text(&opened.actor),
        fingerprint: Some((opened.fingerprint.clone(), opened.fingerprint_key_id.clone())),
        standing: opened.standing,
        replaced: opened.replaced,
        way: opened.way.clone(),
        current: opened.current.as_deref().map(|it| guard.text(it)),
        also: opened.also.iter().map(|name| guard.text(name)).collect(),
        head: Some(guard.text(&opened.head)),
        options: typed(
            &[
                ("--ledger", place.ledger.as_deref()),
                ("--ledger-key-file", Some(&*place.ledger_key_file)),
                ("--fingerprint-key-file", place.fingerprint_key_file.as_deref()),
            ],
            guard,
        ),
        contract: typed(&[("--contract", options.common.contract.as_deref())], guard),
        start: guard.owned(besides(&options.common.name, &opened.class, desk.contract)),
        draft: options.advisory.as_deref().map(|path| guard.text(&path.to_string_lossy())),
        traced: traced(&options.audit, &opened, guard, &tools),
        scanned: scanned(&options.scan, &needles, &tools, !dumb && io::stderr().is_terminal()),
    };
    let advisory = advisory(&incident);
    print(&format!("\n{}", checklist(&incident)))?;
    match &draft {
        None => print(&format!("\n---\n\n{advisory}")),
        Some(place) => {
            place.fill(&Secret::new(advisory.into_bytes())).map_err(|error| vec![error])?;
            Ok(Status::Success)
        }
    }
}

/// The exposed value, as it was given.
struct Exposed {
    value: Secret,
    fingerprint: String,
    password_fingerprint: Option<String>,
    /// What it would be as a password alone, as it is and percent-decoded.
    bare: Vec<String>,
    key: Key,
}

impl Exposed {
    /// Reads it, and refuses texts for the ledger that hold it.
    fn read(options: &Respond, desk: &Desk, given: &Given) -> Result<Option<Exposed>, Vec<Error>> {
        let Some(file) = &options.value_file else { return Ok(None) };
        let key = desk.fingerprint_key()?;
        let name = &options.common.name;
        let subject = Subject::recorded(name, "", desk.contract);
        let value = subject.value(file)?;
        let class = options.class.as_deref().unwrap_or_default();
        given.with_reason_holds_no(Some(&options.reason), &value, name, class)?;
        Ok(Some(Exposed {
            fingerprint: key.fingerprint(value.expose()),
            password_fingerprint: subject.password_fingerprint(&value, &key),
            bare: subject.bare_passwords(&value, &key),
            key,
            value,
        }))
    }

    /// The password on record that this value is, where it was taken out of its URL.
    fn password(&self, state: &State) -> Option<String> {
        let is_known = |password: &&String| {
            let mut known = state.values.iter().filter_map(|it| it.password_fingerprint.as_ref());
            known.any(|it| it == *password)
        };
        let bare = self.bare.iter().find(is_known).or(self.bare.first());
        self.password_fingerprint.as_ref().or(bare).cloned()
    }

    /// Refuses what is no value of the name and has one in it, between quotes or behind its name.
    fn is_alone(&self, name: &str, state: &State) -> Result<(), Vec<Error>> {
        let is_known = |text: &str| {
            let fingerprint = self.key.fingerprint(text.as_bytes());
            state.values.iter().any(|value| value.fingerprint == fingerprint)
        };
        let text = std::str::from_utf8(self.value.expose()).unwrap_or_default();
        if is_known(text) || !given::wrapped(text).any(is_known) {
            return Ok(());
        }
        let message =
            format!("cannot take the value of {name}: something stands beside it in its file");
        Err(vec![Error::new(Status::Data, message).hint(
            "nothing was recorded; leave the value alone in the file, without quotes, spaces or its name",
        )])
    }
}

/// The incident on the record, and how its value stood then.
struct Opened {
    class: String,
    reason: Option<String>,
    time: String,
    actor: String,
    fingerprint: String,
    password_fingerprint: Option<String>,
    fingerprint_key_id: String,
    standing: Standing,
    replaced: bool,
    way: Way,
    current: Option<String>,
    also: Vec<String>,
    head: String,
}

/// Records the exposure, and says that it did.
fn open(
    options: &Respond,
    desk: &Desk,
    given: &Given,
    reason: String,
    value: Option<&Exposed>,
) -> Result<(Opened, String), Vec<Error>> {
    let name = &options.common.name;
    let class = options.class.as_deref();
    let key = match value {
        None if desk.fingerprint_key_file.is_some() => Some(desk.fingerprint_key()?),
        _ => None,
    };
    let mut ledger = Ledger::open(&desk.path, &desk.key)?;
    let state = ledger.book().state(name);
    let class = match &state {
        None => Subject::new(name, class, desk.contract)?.class,
        Some(state) if class.is_some_and(|class| class != state.class) => {
            let message =
                format!("cannot keep {name} under that class: the ledger says {}", state.class);
            return Err(vec![Error::new(Status::Usage, message).hint("leave --class away")]);
        }
        Some(state) => state.class.clone(),
    };
    if let (Some(value), Some(state)) = (value, &state) {
        value.is_alone(name, state)?;
    }
    // Of values in use it may be one that it cannot be compared with; what is over may stand twice.
    if let (Some(value), Some(state)) = (value, &state)
        && !state.values.iter().any(|known| known.fingerprint == value.fingerprint)
        && state.values.iter().any(|it| {
            (it.is_live() || it.is_under_way()) && it.fingerprint_key_id != value.key.id()
        })
    {
        let message = format!(
            "cannot tell which value of {name} that is: the ledger has one in use under another fingerprint key"
        );
        return Err(vec![Error::new(Status::Data, message).hint(
            "nothing was recorded; name that key with --fingerprint-key-file, or leave --value-file away for the value in production",
        )]);
    }
    let particulars = given.add_to(Record { class, reason: Some(reason), ..Record::default() });
    // It may be another value of the name than the one that was given.
    let key = value.map(|value| &value.key).or(key.as_ref());
    if let (Some(key), Some(state)) = (key, &state)
        && given::holds_a_value(particulars.texts(), key, state)
    {
        return Err(given::holds_the_value());
    }
    let particulars = match value {
        None => particulars,
        Some(value) => Record {
            fingerprint: value.fingerprint.clone(),
            fingerprint_key_id: value.key.id(),
            password_fingerprint: value.password(state.as_ref().unwrap_or(&State::default())),
            ..particulars
        },
    };
    let record = ledger.expose(name, particulars).map_err(|error| vec![error])?;
    let opened = Opened {
        class: record.class.clone(),
        reason: record.reason.clone(),
        time: record.time.clone(),
        actor: record.actor.clone(),
        fingerprint: record.fingerprint.clone(),
        password_fingerprint: record.password_fingerprint.clone(),
        fingerprint_key_id: record.fingerprint_key_id.clone(),
        standing: Standing::Unknown,
        replaced: false,
        way: Way::default(),
        current: None,
        also: Vec::new(),
        head: String::new(),
    };
    let state = ledger.book().state(name).unwrap_or_default();
    let known = state.values.iter().find(|value| value.fingerprint == opened.fingerprint);
    let same = ledger.book().names_of(&opened.fingerprint, &opened.fingerprint_key_id);
    // By a value that is no better it is not.
    let is_good = state.current().is_some_and(|value| state.exposure(value).is_none());
    let replaced = is_good && known.is_some_and(|value| state.is_replaced(value));
    let current = state.current().map(|value| value.fingerprint.clone());
    let opened = Opened {
        also: same.into_iter().filter(|other| other != name).map(str::to_owned).collect(),
        standing: known.map_or(Standing::Unknown, |value| standing(&state, value)),
        replaced,
        way: Way::of(&state, replaced),
        current: current.filter(|current| *current != opened.fingerprint),
        password_fingerprint: known.and_then(|value| value.password_fingerprint.clone()),
        head: ledger.head(),
        ..opened
    };
    Ok((opened, recorded(&ledger, name)))
}

/// How a value stands by the ledger, with the password that it has.
fn standing(state: &State, value: &Value) -> Standing {
    let is_it = |other: &Value| State::is_same(value, other);
    if value.revoked.is_some() {
        Standing::Revoked
    } else if state.current().is_some_and(is_it) {
        Standing::InProduction
    } else if state.spoilt().is_some_and(is_it) {
        Standing::NotDeployed
    } else if state.is_replaced(value) {
        Standing::Replaced
    } else {
        Standing::Unknown
    }
}

fn row(desk: &Desk, name: &str) -> Option<&'static Row> {
    desk.contract.known(name.as_bytes()).map(|known| desk.contract.row(known.row))
}

/// Where files are, as it was typed; what would have to be quoted is left to the reader.
fn typed(all: &[(&str, Option<&Path>)], guard: Guard<'_>) -> Shown {
    let mut text = String::new();
    for (option, path) in all {
        let Some(path) = path else { continue };
        let path = path.to_str().filter(|path| {
            path.bytes().all(|it| it.is_ascii_alphanumeric() || b"/._-+:@%".contains(&it))
        });
        let _ = write!(text, " {option} {}", path.unwrap_or("PATH"));
    }
    guard.owned(text)
}

/// The launches that got it.
fn traced(audits: &[PathBuf], opened: &Opened, guard: Guard<'_>, tools: &Tools) -> Option<Traced> {
    if audits.is_empty() {
        return None;
    }
    let password = opened.password_fingerprint.clone().map(|it| ("value#password", it));
    let value = ("value", opened.fingerprint.clone());
    let fingerprints = [value].into_iter().chain(password).collect();
    // The ledger has a value as launches have it, a newline that its contract keeps included.
    let key_id = Some(opened.fingerprint_key_id.clone());
    let wanted = Wanted { fingerprints, kept: Vec::new(), key_id };
    let report = trace::Report::new(trace::Form::Kept, &wanted, guard);
    let (report, counts) = Trace::new(&wanted, report).through(audits, tools);
    Some(report.kept(&counts))
}

/// Where it stands. Nothing is said of a value that is too short to be looked for.
fn scanned(paths: &[PathBuf], needles: &Needles, tools: &Tools, shown: bool) -> Option<Scanned> {
    if paths.is_empty() {
        return None;
    }
    let mut report = scan::Report::new(scan::Form::Kept, Guard::new(needles), true);
    if needles.is_empty() {
        report.not_searched("the value");
        return None;
    }
    let engine = Engine::new(needles);
    let mut progress = Progress::new(shown);
    let targets: Vec<_> = paths
        .iter()
        .map(|path| match path {
            path if path == Path::new("-") => Target::Standard,
            path => Target::Path(path),
        })
        .collect();
    Scan::new(&engine, tools, &mut report, &mut progress).through(&targets);
    Some(report.kept())
}
