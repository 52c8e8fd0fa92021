//! What the ledger says of the values of a launch. Its chain is not verified here: the key for that
//! never goes to a host that launches.

use super::Survey;
use crate::bytes::path_text;
use crate::contract::model::{Contract, Kind, Row};
use crate::finding::{Code, Fact, Finding};
use crate::fingerprint::Key;
use crate::ledger::state::{State as Recorded, Value};
use crate::ledger::{Book, files};
use crate::resolve::{Resolved, State};
use crate::rotate::age::{Standing, age, window};
use crate::secret::Secret;
use crate::source::Observation;
use crate::sys::fs;
use crate::url;
use jiff::civil::Date;
use std::os::fd::AsFd;
use std::path::Path;

/// Adds to the survey what the ledger at `path` says of the secrets that reach the program, and of
/// the parts that feed them.
pub(super) fn observe(survey: &mut Survey, path: &Path) {
    let Some(key) = &survey.key else { return };
    let dir = match files::open(path) {
        Ok(dir) => dir,
        Err(errno) => {
            let errno = fs::errno_words(errno);
            let fact = Fact::Named { option: "--ledger", path: path.to_owned(), errno };
            survey.problems.push(Finding::error(Code::FileMissing, fact));
            return;
        }
    };
    let contract = survey.contract;
    let mut case = Case { contract, key, today: survey.moment.day, observations: Vec::new() };
    for resolved in &survey.resolution.rows {
        let row = contract.row(resolved.id);
        let used = matches!(resolved.state, State::Delivered | State::Part);
        let Some(value) = resolved.value().filter(|_| row.secret && used) else { continue };
        let mut recorded = |name: &str| {
            let book = Book::of_name(dir.as_fd(), name);
            let Some(fault) = book.faults().next() else { return book.state(name) };
            let fact = Fact::Ledger {
                path: path_text(&path.join(&fault.file)).into_owned(),
                line: fault.line,
                what: fault.what.clone(),
            };
            survey.problems.push(Finding::error(Code::LedgerInvalid, fact));
            None
        };
        if let Some(recorded) = recorded(row.name) {
            case.judge(row, resolved, value, &recorded);
        }
        // A URL that came whole has a password that may be on record under the name of its part.
        let parts = row.template.map(|template| template.parts).into_iter().flatten();
        for &part in parts {
            let (id, part) = (part, contract.row(part));
            if part.secret
                && survey.resolution.row(id).value().is_none()
                && let Some(recorded) = recorded(part.name)
            {
                case.judge_password(resolved, value, &recorded);
            }
        }
    }
    let observations = case.observations;
    survey.observations.extend(observations);
}

struct Case<'a> {
    contract: &'a Contract,
    key: &'a Key,
    today: Date,
    observations: Vec<Observation>,
}

impl Case<'_> {
    /// Says of the passwords inside a value what is on record of a part that could have given them:
    /// only that nothing may use them any more.
    fn judge_password(&mut self, resolved: &Resolved, value: &Secret, recorded: &Recorded) {
        let inside = passwords(value, self.key);
        let comparable = |known: &&Value| known.fingerprint_key_id == self.key.id();
        let is_it = |known: &&Value| inside.contains(&known.fingerprint);
        for known in recorded.values.iter().filter(comparable).filter(is_it) {
            let (code, fact) = match (&known.revoked, &known.exposed) {
                (Some(_), _) => (Code::ValueRevoked, Fact::Says("has a password that was revoked")),
                (None, Some(_)) => {
                    let succeeded = recorded.has_deployed_successor(known);
                    (Code::ValueExposed, Fact::Exposed { succeeded })
                }
                (None, None) => continue,
            };
            let source = resolved.winner().map(|seen| seen.source.clone());
            self.observations.push(Observation { code, row: Some(resolved.id), source, fact });
        }
    }

    /// Says what there is to say of one value.
    fn judge(
        &mut self,
        row: &'static Row,
        resolved: &Resolved,
        value: &Secret,
        recorded: &Recorded,
    ) {
        let source = resolved.winner().map(|seen| seen.source.clone());
        let mut add = |code, fact| {
            let source = source.clone();
            self.observations.push(Observation { code, row: Some(resolved.id), source, fact });
        };
        let Some(known) = find(row, value, recorded, self.key) else {
            let comparable = |it: &Value| it.fingerprint_key_id == self.key.id();
            let says = if recorded.values.iter().all(comparable) {
                "has a value that the ledger does not know"
            } else if recorded.values.iter().any(comparable) {
                // It may be one of these, and that one may be revoked.
                "has none of the ledger's values under this fingerprint key, and cannot be compared \
                 with those under another one"
            } else {
                "cannot be compared with the ledger, whose fingerprints are of another key"
            };
            add(Code::NotInLedger, Fact::Says(says));
            return;
        };
        if known.revoked.is_some() {
            add(Code::ValueRevoked, Fact::Says("has a value that was revoked"));
            return;
        }
        let succeeded = recorded.has_deployed_successor(known);
        if known.exposed.is_some() {
            add(Code::ValueExposed, Fact::Exposed { succeeded });
            return;
        }
        let window = window(self.contract, &recorded.class);
        let Some(age) = age(known, window, self.today) else { return };
        let last = age.last.map(|(day, _)| day.to_string()).unwrap_or_default();
        match age.standing {
            Standing::Overdue => {
                add(Code::RotationOverdue, Fact::Days { days: age.days, last, past: true });
            }
            _ if succeeded => {
                add(Code::RotationDue, Fact::Says("has a value whose successor is deployed"));
            }
            Standing::Due => {
                add(Code::RotationDue, Fact::Days { days: age.days, last, past: false });
            }
            Standing::Fresh => {}
        }
    }
}

/// The fingerprints of all passwords inside a value.
fn passwords(value: &Secret, key: &Key) -> Vec<String> {
    url::passwords(value.expose())
        .iter()
        .map(|password| key.fingerprint(password.expose()))
        .collect()
}

/// The ledger's entry of a value. A URL that it does not know as a whole is known by the password
/// inside, and one that it knows is as exposed as its password is in another URL. What a password
/// was in production for counts before a rotation to it that came to nothing.
fn find<'r>(row: &Row, value: &Secret, recorded: &'r Recorded, key: &Key) -> Option<&'r Value> {
    let id = key.id();
    let comparable = || recorded.values.iter().filter(|known| known.fingerprint_key_id == id);
    let fingerprint = key.fingerprint(value.expose());
    let whole = comparable().find(|known| known.fingerprint == fingerprint);
    let Kind::Url { .. } = row.format.kind else { return whole };
    if whole.is_some_and(|known| known.revoked.is_some()) {
        return whole;
    }
    let inside = passwords(value, key);
    let same = |known: &&Value| {
        known.password_fingerprint.as_ref().is_some_and(|password| inside.contains(password))
    };
    let is_exposed = |known: &&Value| known.exposed.is_some();
    let exposed = whole.filter(is_exposed).or_else(|| comparable().filter(same).find(is_exposed));
    let used = |known: &&Value| known.deployed.is_some() || known.revoked.is_some();
    let used = comparable().filter(same).rfind(used);
    // A rotation to this very URL is somebody's word that it may be launched.
    let own = whole.filter(|known| known.deployed.is_some() || known.is_under_way());
    let revoked = used.filter(|known| own.is_none() && known.revoked.is_some());
    revoked.or(exposed).or(own).or(used).or(whole).or_else(|| comparable().rfind(same))
}
