//! `rotate …`: each step of the checklist in order, on the record.

mod check;
pub(super) mod given;
mod tell;

use super::ledger::{KeyFile, another_key, directory, fingerprint_key, key, named_key};
use super::{Ending, print};
use crate::cli::Options;
use crate::cli::rotate::{self as typed, RotateAction};
use crate::contract::model::Contract;
use crate::error::{Error, Status};
use crate::fingerprint::Key;
use crate::launch;
use crate::ledger::state::{State, Step};
use crate::ledger::{Book, Kind, Ledger, Record};
use crate::output::{escape, to_stderr};
use crate::rotate::steps::{Action, Refusal, begin, target};
use crate::sys::process;
use crate::sys::signal::Ignored;
use given::{Given, Subject};
use std::path::PathBuf;

/// Does a step, or tells of those that were done.
pub(super) fn rotate(action: RotateAction) -> Ending {
    let mut ignored = Some(Ignored::begin());
    // Best effort, as in a launch: a value is in memory.
    let _ = process::forbid_dumps();
    let step = |step: typed::Step, action| take(step, action, Record::default(), None);
    match action {
        RotateAction::Adopt(options) => first(options, Action::Adopt),
        RotateAction::Start(options) => first(options, Action::Start),
        RotateAction::Stage(options) => step(options, Action::Take(Step::Stage)).and_then(said),
        RotateAction::Verify(options) => verify(options, &mut ignored),
        RotateAction::Deploy(options) => deploy(options),
        RotateAction::Revoke(options) => step(options, Action::Take(Step::Revoke)).and_then(said),
        RotateAction::Evidence(options) => evidence(options),
        RotateAction::Abort(options) => step(options, Action::Abort).and_then(said),
        RotateAction::Status(options) => tell::status(options),
        RotateAction::Plan(options) => tell::plan(options),
        RotateAction::History(options) => tell::history(options),
    }
}

/// Says what was recorded. Who cannot be told must not take the step again.
fn said(text: String) -> Ending {
    let recorded = "it is on the record; `nexis-launch ledger head` prints the head";
    print(&text).map_err(|errors| errors.into_iter().map(|it| it.hint(recorded)).collect())
}

/// Where the ledger is, and what it is read with.
pub(super) struct Desk {
    pub(super) contract: &'static Contract,
    pub(super) path: PathBuf,
    pub(super) key: Key,
    /// Where the key of fingerprints is, by option or setting.
    pub(super) fingerprint_key_file: Option<KeyFile>,
}

impl Desk {
    pub(super) fn open(common: &typed::Common) -> Result<Desk, Vec<Error>> {
        let options = Options { contract: common.contract.clone(), ..Options::default() };
        let (settings, contract) = launch::chosen(options)?;
        let path = directory(common.place.ledger.clone(), &settings)?;
        let key = key(&common.place.ledger_key_file)?;
        let option = common.place.fingerprint_key_file.clone();
        let fingerprint_key_file = KeyFile::of(option, &settings);
        Ok(Desk { contract, path, key, fingerprint_key_file })
    }

    /// Whether the ledger or the contract knows the name.
    fn knows(&self, name: &str, state: Option<&State>) -> bool {
        state.is_some() || self.contract.known(name.as_bytes()).is_some()
    }

    /// The key of fingerprints, which must not be the ledger's: that one never goes to a host that
    /// launches.
    pub(super) fn fingerprint_key(&self) -> Result<Key, Vec<Error>> {
        let file = self.fingerprint_key_file.as_ref().ok_or_else(|| {
            let error =
                Error::new(Status::Usage, "cannot take a fingerprint: no key file is named");
            vec![error.hint("name it with --fingerprint-key-file; launches use the same key")]
        })?;
        fingerprint_key(file, Some(&self.key))
    }
}

/// What was recorded last of a name, and the head, to be printed.
pub(super) fn recorded(ledger: &Ledger<'_>, name: &str) -> String {
    let record = ledger.book().records(name).last();
    let record = record.map(|record| {
        let (kind, value) = (record.kind.name(), &record.fingerprint);
        format!("{name} {kind}: record {}, value {value}\n", record.seq)
    });
    format!("{}head {}\n", record.unwrap_or_default(), ledger.head())
}

/// A step that may not be taken. Of a name that neither the ledger nor the contract knows nothing is
/// repeated: a value can stand in its place.
fn refused(action: Action, name: &str, is_known: bool, refusal: Refusal) -> Vec<Error> {
    let verb = action.name();
    if !is_known {
        let error = Error::new(Status::Data, format!("cannot {verb} it: {}", refusal.cause));
        return vec![
            error.hint("nothing was recorded; `nexis-launch rotate status` lists the names"),
        ];
    }
    let message = format!("cannot {verb} {name}: {}", refusal.cause);
    let hint = match refusal.emergency {
        true => format!(
            "`nexis-launch rotate plan {name}` lists the steps in order; --emergency REASON takes this one and records why"
        ),
        false => format!("nothing was recorded; `nexis-launch rotate plan {name}` lists the steps"),
    };
    vec![Error::new(Status::Data, message).hint(hint)]
}

/// `adopt` and `start`: a name gets a value.
fn first(options: typed::Begin, action: Action) -> Ending {
    let desk = Desk::open(&options.common)?;
    let given = Given::read(&options.common, None)?;
    let subject = Subject::new(&options.common.name, options.class.as_deref(), desk.contract)?;
    let fingerprint_key = desk.fingerprint_key()?;
    let days = given::days(&options, action, subject.has_window(desk.contract))?;
    let value = subject.value(&options.value_file)?;
    given.holds_no(&value, &options.common.name, &subject.class)?;
    if action == Action::Start {
        subject.judge(&value, desk.contract)?;
    }
    let particulars = Record {
        class: subject.class.clone(),
        fingerprint: fingerprint_key.fingerprint(value.expose()),
        fingerprint_key_id: fingerprint_key.id(),
        password_fingerprint: subject.password_fingerprint(&value, &fingerprint_key),
        created: Some(days.created),
        expires: days.expires,
        ..given.record()
    };
    let mut ledger = Ledger::open(&desk.path, &desk.key)?;
    let name = &options.common.name;
    let passwords = subject.passwords(&value, &fingerprint_key);
    let state = ledger.book().state(name);
    begin(action, state.as_ref(), &particulars.fingerprint, &passwords)
        .map_err(|refusal| refused(action, name, true, refusal))?;
    // A text may hold a value before this one as well.
    if state.is_some_and(|it| given::holds_a_value(particulars.texts(), &fingerprint_key, &it)) {
        return Err(given::holds_the_value());
    }
    ledger.append(name, action.kind(), particulars).map_err(|error| vec![error])?;
    said(recorded(&ledger, name))
}

/// A step of a rotation. `kind` is what is recorded where it is not what the step's name says. Where
/// `particulars` names a value, the step has to be about that one still.
fn take(
    options: typed::Step,
    action: Action,
    particulars: Record,
    kind: Option<Kind>,
) -> Result<String, Vec<Error>> {
    let desk = Desk::open(&options.common)?;
    let given = Given::read(&options.common, options.emergency.as_deref())?;
    // The value is not given here; where the key of its fingerprint is named, that tells it.
    let is_named = desk.fingerprint_key_file.is_some();
    let key = is_named.then(|| desk.fingerprint_key()).transpose()?;
    let name = &options.common.name;
    let mut ledger = Ledger::open(&desk.path, &desk.key)?;
    let state = ledger.book().state(name);
    let emergency = options.emergency.is_some();
    let is_known = desk.knows(name, state.as_ref());
    let value = target(action, state.as_ref(), emergency)
        .map_err(|refusal| refused(action, name, is_known, refusal))?;
    if !particulars.fingerprint.is_empty() && particulars.fingerprint != value.fingerprint {
        let cause = "another rotation was begun meanwhile".to_owned();
        return Err(refused(action, name, is_known, Refusal { cause, emergency: false }));
    }
    let particulars = Record {
        class: state.as_ref().map(|state| state.class.clone()).unwrap_or_default(),
        fingerprint: value.fingerprint.clone(),
        fingerprint_key_id: value.fingerprint_key_id.clone(),
        ..given.add_to(particulars)
    };
    if let (Some(key), Some(state)) = (&key, &state)
        && given::holds_a_value(particulars.texts(), key, state)
    {
        return Err(given::holds_the_value());
    }
    let kind = kind.unwrap_or(action.kind());
    // That of the whole ledger grows with every key, and a record must not.
    let head = (kind == Kind::Evidence).then(|| ledger.book().head_of(name, &desk.key));
    ledger.append(name, kind, Record { head, ..particulars }).map_err(|error| vec![error])?;
    let after = ledger.book().state(name);
    if let (Some(before), Some(after)) = (&state, &after) {
        was_in_production(name, before, after);
    }
    // What was given up is as valid at its issuer as before.
    let state = after.filter(|_| action == Action::Abort);
    if let Some(leaked) = state.as_ref().and_then(|state| state.leaked().next()) {
        to_stderr(&format!(
            "nexis-launch: the value {} of {name} is exposed and not revoked\nhint: revoke it where \
             it was issued, then `nexis-launch rotate revoke {name}`\n",
            escape(&leaked.fingerprint)
        ));
    }
    Ok(recorded(&ledger, name))
}

/// Says so where the value in production was revoked, and the ledger is left with one before it.
fn was_in_production(name: &str, before: &State, after: &State) {
    let revoked = before
        .current()
        .filter(|value| after.current().is_none_or(|it| !State::is_same(it, value)));
    if let (Some(revoked), Some(left)) = (revoked, after.current())
        && before.predecessors().any(|old| State::is_same(old, left))
    {
        to_stderr(&format!(
            "nexis-launch: the revoked value {} of {name} was the one in production; of those before \
             it {} is not revoked\nhint: `nexis-launch rotate plan {name}` lists what replaces it\n",
            escape(&revoked.fingerprint),
            escape(&left.fingerprint)
        ));
    }
}

/// `verify`: by the operator's own command, or by word.
fn verify(options: typed::Verify, ignored: &mut Option<Ignored>) -> Ending {
    let typed::Verify { step, value_file, command } = options;
    let name = step.common.name.clone();
    let attestation = Some("attestation".to_owned());
    let Some(file) = value_file else {
        if !command.is_empty() {
            let message = "cannot verify it: the command needs the new value";
            let error = Error::new(Status::Usage, message).hint("name its file with --value-file");
            return Err(vec![error]);
        }
        return verified(step, Record { check: attestation, ..Record::default() }, Kind::Verified);
    };
    let desk = Desk::open(&step.common)?;
    let given = Given::read(&step.common, step.emergency.as_deref())?;
    let key = desk.fingerprint_key()?;
    // Nothing is run out of order. No lock is held meanwhile: the command may take its time.
    let book = Book::read(&desk.path, Some(&desk.key)).map_err(|error| vec![error])?;
    let state = book.sound(&desk.path)?.state(&name);
    let is_known = desk.knows(&name, state.as_ref());
    let expected = target(VERIFY, state.as_ref(), step.emergency.is_some())
        .map_err(|refusal| refused(VERIFY, &name, is_known, refusal))?;
    let class = state.as_ref().map(|state| state.class.as_str()).unwrap_or_default();
    let value = Subject::recorded(&name, class, desk.contract).value(&file)?;
    given.holds_no(&value, &name, class)?;
    let wrong = if key.id() != expected.fingerprint_key_id {
        Some("it was started under another fingerprint key")
    } else if key.fingerprint(value.expose()) != expected.fingerprint {
        Some("it is another value than was started")
    } else {
        None
    };
    if let Some(cause) = wrong {
        let error = Error::new(Status::Data, format!("cannot verify {name}: {cause}"));
        return Err(vec![error.hint("nothing was run or recorded; name the new value's own file")]);
    }
    let fingerprint = expected.fingerprint.clone();
    if command.is_empty() {
        let attested = Record { check: attestation, fingerprint, ..Record::default() };
        return verified(step, attested, Kind::Verified);
    }
    // The command starts with the signals that the launcher was started with.
    drop(ignored.take());
    let status = check::run(&command, &name, desk.contract, &value);
    *ignored = Some(Ignored::begin());
    let status = status?;
    let check = Some("command".to_owned());
    let particulars =
        Record { check, check_status: Some(status), fingerprint, ..Record::default() };
    if status == 0 {
        return verified(step, particulars, Kind::Verified);
    }
    verified(step, particulars, Kind::VerificationFailed)?;
    let error = Error::new(
        Status::Unhealthy,
        format!("cannot take {name} as verified: the command ended with {status}"),
    );
    Err(vec![error.hint(format!(
        "the failure is recorded; mend what it found and verify again, or `nexis-launch rotate abort {name}`"
    ))])
}

const VERIFY: Action = Action::Take(Step::Verify);

fn verified(step: typed::Step, particulars: Record, kind: Kind) -> Ending {
    take(step, VERIFY, particulars, Some(kind)).and_then(said)
}

fn deploy(options: typed::Deploy) -> Ending {
    let revoke_by = given::revoke_by(options.revoke_by.as_deref())?;
    let particulars = Record { revoke_by, ..Record::default() };
    let action = Action::Take(Step::Deploy);
    take(options.step, action, particulars, None).and_then(said)
}

fn evidence(options: typed::Evidence) -> Ending {
    let particulars = given::evidence(options.commit, options.deployment, options.link)?;
    let action = Action::Take(Step::Evidence);
    take(options.step, action, particulars, None).and_then(said)
}
