//! Step 7 of the sources (interface section 3): commands that the contract names.
//!
//! It knows when a provider has been run and what of its answer is whose value; which rows want one
//! is the resolution's affair. A provider is run once a launch at most.

mod answer;
mod answers;
mod json;
mod keep;
mod run;

pub use answers::Answers;
pub use keep::Directory;

use crate::contract::model::{Answer, Contract, Fetch, Provider, RowId};
use crate::finding::{Code, Fact, Failure, Trouble};
use crate::privileges::{self, User};
use crate::secret::Secret;
use crate::settings::UserWish;
use crate::source::file::VALUE_LIMIT;
use crate::source::{Candidate, Extra, Inherited, InheritedKind, Rank, Source, SourceKind};
use crate::sys::child::Command;
use crate::sys::identity::may_end_others;
use keep::Keep;
use run::{Job, Outcome};
use std::ffi::{CStr, CString};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// The place of a provider among the sources.
pub const RANK: Rank = (7, 0);

/// Where a provider that looks for programs finds them. An inherited PATH would let whoever sets it
/// choose what runs.
const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// What every provider sees of the environment besides.
pub const ALWAYS: [&str; 2] = ["HOME", "LANG"];

/// The providers of one launch.
pub struct Providers<'a> {
    contract: &'static Contract,
    inherited: &'a [Inherited],
    extras: &'a [Extra],
    keep: Option<&'a Directory>,
    /// Why none may be run: others could write what names them, or choose what they get.
    refused: Option<Code>,
    /// What was asked for other launches of this call.
    answers: &'a mut Answers,
    /// By provider: what became of it, once it was run.
    outcomes: Vec<Option<Rc<Outcome>>>,
    /// By row: whether its value was asked for.
    asked: Vec<bool>,
    /// When the time of all is over.
    until: Option<Instant>,
}

impl<'a> Providers<'a> {
    /// Nothing is run yet.
    pub fn new(
        contract: &'static Contract,
        inherited: &'a [Inherited],
        extras: &'a [Extra],
        keep: Option<&'a Directory>,
        refused: Option<Code>,
        answers: &'a mut Answers,
    ) -> Self {
        Providers {
            contract,
            inherited,
            extras,
            keep,
            refused,
            answers,
            outcomes: contract.providers.iter().map(|_| None).collect(),
            asked: vec![false; contract.rows.len()],
            until: None,
        }
    }

    /// The candidates of these rows, for which providers are run as far as they have not been;
    /// `None` where nothing new is asked for. A value that its provider does not have is no
    /// candidate.
    pub fn fetch(&mut self, wanted: Vec<RowId>) -> Option<Vec<(RowId, Candidate)>> {
        let contract = self.contract;
        let fetch = |id: RowId| contract.row(id).fetch.map(|fetch| (id, fetch));
        let new = |id: &RowId| self.asked.get(usize::from(id.0)) == Some(&false);
        let wanted: Vec<(RowId, Fetch)> =
            wanted.into_iter().filter(new).filter_map(fetch).collect();
        if wanted.is_empty() {
            return None;
        }
        for (id, _) in &wanted {
            self.asked.get_mut(usize::from(id.0)).into_iter().for_each(|asked| *asked = true);
        }
        if self.refused.is_none() {
            self.run(&wanted);
        }
        Some(self.candidates(&wanted))
    }

    /// Runs the providers of these rows that have not been run, side by side.
    fn run(&mut self, wanted: &[(RowId, Fetch)]) {
        let due = |place: &usize| {
            let id = |fetch: &Fetch| usize::from(fetch.provider.0);
            wanted.iter().any(|(_, fetch)| id(fetch) == *place)
                && matches!(self.outcomes.get(*place), Some(None))
        };
        let places: Vec<usize> = (0..self.contract.providers.len()).filter(due).collect();
        let mut prepared = Vec::new();
        for place in places {
            let Some(provider) = self.contract.providers.get(place) else { continue };
            match self.prepare(provider) {
                Ok(one) => match self.answers.find(provider, &one) {
                    Some(outcome) => self.note(place, outcome),
                    None => prepared.push((place, provider, one)),
                },
                Err(trouble) => {
                    let outcome = Outcome { answer: Err(trouble), stderr: 0, kept: None };
                    self.note(place, Rc::new(outcome));
                }
            }
        }
        if prepared.is_empty() {
            return;
        }
        let longest = self.contract.providers.iter().map(|provider| provider.timeout).max();
        let longest = Duration::from_millis(longest.unwrap_or_default().into());
        let start = Instant::now();
        let end = *self.until.get_or_insert(start + longest);
        let texts: Vec<[Vec<&CStr>; 2]> = prepared
            .iter()
            .map(|(_, _, one)| [refer(&one.command), refer(&one.environment)])
            .collect();
        let jobs = prepared.iter().zip(&texts).filter_map(|((_, provider, one), texts)| {
            let [arguments, environment] = texts;
            let user = one.user.as_ref();
            let command = Command {
                program: arguments.first()?,
                arguments,
                environment,
                user: user.map(|user| (user.uid, user.gid, user.groups())),
            };
            let keep = self.keep.map(|directory| Keep::new(directory, provider.name));
            Some(Job::new(provider, command, keep, (start, end)))
        });
        let outcomes = run::all(jobs.collect());
        for ((place, provider, one), outcome) in prepared.into_iter().zip(outcomes) {
            let outcome = Rc::new(outcome);
            self.answers.add(provider, one, &outcome);
            self.note(place, outcome);
        }
    }

    fn note(&mut self, place: usize, outcome: Rc<Outcome>) {
        if let Some(slot) = self.outcomes.get_mut(place) {
            *slot = Some(outcome);
        }
    }

    /// What the provider is started with.
    fn prepare(&self, provider: &Provider) -> Result<Prepared, Trouble> {
        let user = match provider.user {
            None => None,
            Some(text) => {
                let wish = UserWish::parse(text).ok_or(Trouble::User("it is no user"))?;
                Some(privileges::choose(&wish).map_err(Trouble::User)?)
            }
        };
        let user = user.filter(User::is_another);
        if user.is_some() && !may_end_others() {
            return Err(Trouble::User("the launcher lacks CAP_KILL to end it"));
        }
        let text = |text: Vec<u8>| CString::new(text).ok();
        let mut environment: Vec<CString> = Vec::new();
        let lent = provider.environment.iter().map(|lent| lent.name);
        let mut names: Vec<&str> = ALWAYS.into_iter().chain(lent).collect();
        if let Some(user) = &user {
            for (name, value) in user.variables() {
                names.retain(|other| *other != name);
                environment.extend(text([name.as_bytes(), b"=", value].concat()));
            }
        }
        if !names.contains(&"PATH") {
            environment.extend(text(PATH.into()));
        }
        names.sort_unstable();
        names.dedup();
        environment.extend(names.into_iter().filter_map(|name| self.entry(name)));
        let command = provider.command.iter().filter_map(|word| text((*word).into()));
        Ok(Prepared { command: command.collect(), environment, user })
    }

    /// The entry of this name, inherited or of an env file.
    fn entry(&self, name: &str) -> Option<CString> {
        let usable = |entry: &&Inherited| {
            !matches!(entry.kind, InheritedKind::Malformed | InheritedKind::Repeated)
        };
        let mut inherited = self.inherited.iter().filter(usable);
        if let Some(entry) = inherited.find(|entry| entry.name() == name.as_bytes()) {
            return Some(entry.entry.to_owned());
        }
        // Of several lines the last counts, as it would for the program.
        let extra = self.extras.iter().rev().find(|extra| extra.name == name)?;
        CString::new([name.as_bytes(), b"=", extra.value.expose()].concat()).ok()
    }

    fn candidates(&self, wanted: &[(RowId, Fetch)]) -> Vec<(RowId, Candidate)> {
        let mut candidates = Vec::new();
        for (place, provider) in self.contract.providers.iter().enumerate() {
            let rows = || wanted.iter().filter(|(_, it)| usize::from(it.provider.0) == place);
            if rows().next().is_none() {
                continue;
            }
            let outcome = self.outcomes.get(place).and_then(Option::as_deref);
            let failed = |trouble| {
                let (stderr, kept) = outcome.map_or((0, None), |it| (it.stderr, it.kept.clone()));
                let failure = Failure { provider: provider.name, trouble, stderr, kept };
                Err((Code::ProviderFailed, Fact::Provider(failure)))
            };
            let parsed = match outcome.map(|outcome| &outcome.answer) {
                Some(Ok(answer)) => answer::parse(provider.answer, answer),
                Some(Err(trouble)) => Err(*trouble),
                None => Err(Trouble::NotEnded),
            };
            for &(id, fetch) in rows() {
                let value = match &parsed {
                    Ok(parsed) => parsed.value(self.contract.row(id), fetch),
                    Err(trouble) => Err(*trouble),
                };
                let content = match (self.refused, value) {
                    (Some(code), _) => Err((code, Fact::Plain)),
                    (None, Ok(None)) => continue,
                    (None, Ok(Some(value))) if provider.answer == Answer::Raw => Ok(value),
                    (None, Ok(Some(value))) => bounded(value),
                    // As of a file: trying again does not make the value smaller.
                    (None, Err(Trouble::TooMuch(_))) if provider.answer == Answer::Raw => {
                        Err((Code::TooLarge, Fact::More { bytes: None, most: VALUE_LIMIT }))
                    }
                    (None, Err(trouble)) => failed(trouble),
                };
                let source = Source::new(SourceKind::Provider, provider.name);
                candidates.push((id, Candidate { source, rank: RANK, content, path: None }));
            }
        }
        candidates
    }
}

/// A value of an answer that holds several; it may be no larger than one of a file.
fn bounded(value: Secret) -> Result<Secret, (Code, Fact)> {
    match value.len() {
        bytes if bytes > VALUE_LIMIT => {
            Err((Code::TooLarge, Fact::More { bytes: Some(bytes), most: VALUE_LIMIT }))
        }
        _ => Ok(value),
    }
}

/// What a provider is started with.
struct Prepared {
    command: Vec<CString>,
    environment: Vec<CString>,
    user: Option<User>,
}

fn refer(texts: &[CString]) -> Vec<&CStr> {
    texts.iter().map(CString::as_c_str).collect()
}
