//! One variable of a process against what would be resolved now, byte by byte and in memory.

use super::process::{Environ, Held, Process};
use super::record::{State, VariableRecord};
use crate::contract::model::{FinalNewline, Role, Row, RowId};
use crate::environment::{Entry, Why};
use crate::finding::{Code, Severity};
use crate::launch::Launch;
use crate::manifest::{Guard, Shown, SourceRecord};
use crate::needles::Needles;
use crate::resolve::{Outcome, Resolved, State as Fate};
use crate::secret::Secret;
use crate::source::file::{self, Pipes, VALUE_LIMIT};
use crate::source::{Source, SourceKind};
use crate::sys::fs::{self, HERE, Kind as FileKind};
use crate::url;
use crate::validate::format::canonical;
use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Clocks of processes and files are compared with this much doubt, in milliseconds.
const DOUBT: i64 = 100;

/// What a process is held against.
pub struct Case<'a> {
    /// The process.
    pub process: &'a Process,
    /// Its environment.
    pub environ: &'a Environ,
    /// Its root, where that is another one.
    pub root: Option<&'a OwnedFd>,
    /// What would be started now.
    pub launch: &'a Launch,
    /// The rows that are asked for; empty: all.
    pub only: &'a [RowId],
}

/// What a process holds of one row, and what that means.
enum Finding {
    Same,
    Other,
    /// It cannot be told, and why.
    Untold(String),
}

/// The texts that must not show what was read, in the launch or in the process.
pub struct Guards<'a> {
    launch: Guard<'a>,
    held: &'a Needles,
}

impl<'a> Guards<'a> {
    /// Guards over what the launch read and what the process holds.
    pub fn new(launch: &'a Launch, held: &'a Needles) -> Self {
        Guards { launch: launch.guard(), held }
    }

    /// The text, escaped, unless it holds a secret.
    pub fn text(&self, text: &str) -> Shown {
        Guard::new(self.held).text(self.launch.text(text).as_str())
    }

    /// The source, its name guarded in the same way.
    pub fn source(&self, source: &Source) -> SourceRecord {
        let SourceRecord { kind, name } = self.launch.source(source);
        SourceRecord { kind, name: Guard::new(self.held).text(name.as_str()) }
    }
}

/// The secrets that the process holds.
pub fn needles(launch: &Launch, held: &[Held<'_>]) -> Needles {
    let contract = launch.survey.contract;
    let mut needles = Needles::new();
    for held in held {
        let row = contract.row(held.known.row);
        if row.secret && matches!(held.known.role, Role::Own | Role::Alias(_)) {
            needles.add(row.name, held.value);
            for password in url::passwords(held.value) {
                needles.add(format!("{}#password", row.name), password.expose());
            }
        }
    }
    needles
}

/// The states of all variables that the process holds or would get.
pub fn variables(case: &Case<'_>) -> Vec<VariableRecord> {
    let survey = &case.launch.survey;
    let held = case.environ.held(survey.contract);
    let needles = needles(case.launch, &held);
    let guards = Guards::new(case.launch, &needles);
    let doubt = doubt(case.launch);
    let rows = survey.resolution.rows.iter();
    let asked = |resolved: &&Resolved| {
        let row = survey.contract.row(resolved.id);
        !row.part && (case.only.is_empty() || case.only.contains(&resolved.id))
    };
    rows.filter(asked)
        .filter_map(|resolved| {
            let held: Vec<Held<'_>> =
                held.iter().filter(|held| held.known.row == resolved.id).copied().collect();
            one(case, resolved, &held, doubt.as_deref(), &guards)
        })
        .collect()
}

/// What was seen while reading that leaves open what the sources hold: a directory or an env file
/// that could not be read.
fn doubt(launch: &Launch) -> Option<String> {
    let unsure =
        |code| matches!(code, Code::SourceUnreadable | Code::FileMissing | Code::EnvFileInvalid);
    let findings = launch.verdict.findings.iter();
    let mut found = findings.filter(|finding| {
        finding.severity == Severity::Error && finding.variable.is_none() && unsure(finding.code)
    });
    found.next().map(crate::finding::Finding::message)
}

fn one(
    case: &Case<'_>,
    resolved: &Resolved,
    held: &[Held<'_>],
    doubt: Option<&str>,
    guards: &Guards<'_>,
) -> Option<VariableRecord> {
    let survey = &case.launch.survey;
    let row = survey.contract.row(resolved.id);
    let expected = expected(case.launch, resolved.id);
    let is_blank = |held: &&Held<'_>| !row.blank_allowed && held.value.trim_ascii().is_empty();
    if expected.is_none() && held.iter().all(|held| is_blank(&held)) {
        return None;
    }
    let mut fingerprint_of_held = None;
    let compared = held.iter().map(|held| {
        let content = content(case, row, held);
        let held = match &content {
            None => held.value,
            Some(Ok(content)) => content.expose(),
            Some(Err(why)) => return Finding::Untold(why.clone()),
        };
        fingerprint_of_held =
            survey.key.as_ref().filter(|_| row.secret).map(|key| key.fingerprint(held));
        match expected.and_then(|entry| value(resolved, entry, content.is_some())) {
            Some(value) if same(row, value, held, content.is_some()) => Finding::Same,
            _ => Finding::Other,
        }
    });
    let compared: Vec<Finding> = compared.collect();
    let is_generated =
        resolved.state == Fate::Generated && !held.iter().all(|held| is_blank(&held));
    let (state, reason) = if expected.is_some() && is_generated {
        (State::Unknown, Some("its value was generated for that process alone".to_owned()))
    } else if let Some(why) = unsure(resolved, doubt) {
        (State::Unknown, Some(why))
    } else if expected.is_none() {
        let why = match row.feature.filter(|_| resolved.state == Fate::Withheld) {
            Some(_) => "its feature is off now",
            None => "no source that is seen from here has it",
        };
        (State::Unexpected, Some(why.to_owned()))
    } else {
        told(case, resolved, held, &compared)
    };
    let now = survey.key.as_ref().filter(|_| row.secret).zip(expected);
    let now = now.and_then(|(key, entry)| {
        let file = matches!(entry.why, Why::Path(_));
        Some(key.fingerprint(value(resolved, entry, file)?))
    });
    Some(VariableRecord {
        name: row.name,
        state,
        secret: row.secret,
        held: held.iter().map(|held| held.known.name).collect(),
        source: expected.and_then(|_| resolved.winner()).map(|seen| guards.source(&seen.source)),
        fingerprint: now.filter(|_| resolved.state != Fate::Generated),
        held_fingerprint: fingerprint_of_held,
        reason: reason.map(|text| guards.text(&text)),
    })
}

/// The state of a variable that would be delivered now, and why it is unknown.
fn told(
    case: &Case<'_>,
    resolved: &Resolved,
    held: &[Held<'_>],
    compared: &[Finding],
) -> (State, Option<String>) {
    let untold = || {
        compared.iter().find_map(|finding| match finding {
            Finding::Untold(why) => Some(why.clone()),
            _ => None,
        })
    };
    let is_other = compared.iter().any(|finding| matches!(finding, Finding::Other));
    let differs =
        if is_other { Some(State::Stale) } else { held.is_empty().then_some(State::Missing) };
    let why = match differs {
        Some(state) if !case.environ.is_overwritten() => return (state, None),
        Some(_) => Some("the process has written over its environment".to_owned()),
        None if is_snapshot(case.launch, resolved) => untold().or_else(|| {
            Some(
                "it equals its credential, a copy made when the unit was started: name the file \
                 behind that by a _FILE variable"
                    .to_owned(),
            )
        }),
        None => untold().or_else(|| read_since(case, held)),
    };
    match why {
        Some(why) => (State::Unknown, Some(why)),
        None => (State::Current, None),
    }
}

/// The entry that delivers the row.
fn expected(launch: &Launch, id: RowId) -> Option<&Entry> {
    let entries = &launch.environment.entries;
    entries.iter().find(|entry| matches!(entry.why, Why::Value(row) | Why::Path(row) if row == id))
}

/// The bytes that a process would hold now: in its environment, or in the file that is named there.
fn value<'a>(resolved: &'a Resolved, entry: &'a Entry, in_file: bool) -> Option<&'a [u8]> {
    match (in_file, entry.why) {
        (false, Why::Value(_)) => Some(entry.value()),
        _ => resolved.value().map(Secret::expose),
    }
}

/// Whether both are the same to the program. What is read from a file has not been put in its
/// canonical spelling.
fn same(row: &Row, now: &[u8], held: &[u8], in_file: bool) -> bool {
    let (now_form, held_form) = match in_file {
        true => (canonical(row, now), canonical(row, held)),
        false => (None, None),
    };
    now_form.as_deref().unwrap_or(now) == held_form.as_deref().unwrap_or(held)
}

/// What the file holds that an entry names, or why that cannot be told; `None` for a value.
fn content(case: &Case<'_>, row: &Row, held: &Held<'_>) -> Option<Result<Secret, String>> {
    let (Role::OwnFile | Role::AliasFile(_)) = held.known.role else { return None };
    let path = Path::new(OsStr::from_bytes(held.value));
    if !path.is_absolute() {
        return Some(Err(format!("{} is no absolute path", held.known.name)));
    }
    let read = || file::read(HERE, path, FileKind::Unknown, Pipes::Refuse, VALUE_LIMIT);
    let read = match case.root {
        None => read(),
        Some(root) => fs::within(root.as_fd(), read),
    };
    Some(match read {
        Ok((mut content, _)) => {
            if row.final_newline == FinalNewline::Strip {
                content.strip_final_newline();
            }
            Ok(content)
        }
        Err(failure) => {
            let (code, _) = failure.explained(path, VALUE_LIMIT);
            Err(format!("the file that {} names is {}", held.known.name, code.name()))
        }
    })
}

/// Whether a file that the process reads itself was changed after its start: what it has read of
/// it is then not known.
fn read_since(case: &Case<'_>, held: &[Held<'_>]) -> Option<String> {
    let files =
        held.iter().filter(|held| matches!(held.known.role, Role::OwnFile | Role::AliasFile(_)));
    for held in files {
        let path = Path::new(OsStr::from_bytes(held.value));
        let changed = || fs::changed(HERE, path);
        let changed = match case.root {
            None => changed(),
            Some(root) => fs::within(root.as_fd(), changed),
        };
        if changed.is_ok_and(|changed| changed + DOUBT >= case.process.started) {
            return Some(format!(
                "it reads {} itself, which was changed after its start",
                held.known.name
            ));
        }
    }
    None
}

/// Whether what would be resolved now comes from a credential, by itself or by a part: a unit gets
/// those at its start, so that they say nothing of what it would get at the next one.
fn is_snapshot(launch: &Launch, resolved: &Resolved) -> bool {
    let Some(winner) = resolved.winner() else { return false };
    match winner.source.kind {
        SourceKind::Credential => true,
        SourceKind::Template => {
            let row = launch.survey.contract.row(resolved.id);
            let parts = row.template.iter().flat_map(|template| template.parts);
            parts.copied().any(|part| is_snapshot(launch, launch.survey.resolution.row(part)))
        }
        _ => false,
    }
}

/// Why it is open what would be resolved now: a stronger source failed, or one that may be.
fn unsure(resolved: &Resolved, doubt: Option<&str>) -> Option<String> {
    let winner = resolved.winner();
    let stronger = resolved.seen.iter().find_map(|seen| match &seen.outcome {
        Outcome::Failed(code, _) if winner.is_none_or(|winner| seen.rank < winner.rank) => {
            Some(format!("its source {} is {}", seen.source, code.name()))
        }
        _ => None,
    });
    // Directories and env files are the steps 4 to 6 of the order; what stands above is sure.
    let open = winner.is_none_or(|winner| winner.rank.0 >= 4);
    stronger.or_else(|| doubt.filter(|_| open).map(str::to_owned))
}
