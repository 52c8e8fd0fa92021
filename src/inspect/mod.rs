//! Live processes against what would be resolved for them now: which of them still hold an old
//! key.
//!
//! Everything is asked as a launch in the inspector's place would ask it, by its options, settings
//! and environment, since what the launcher consumed (aliases, references, settings) is gone from
//! the process. Of the process come its root, which all files of sources are looked for in, its
//! mode where nothing else says one, and its credentials directory.

mod compare;
mod process;
mod record;
mod text;

pub use record::{Inspection, ProcessRecord, State, VariableRecord, Verdict};

use crate::cli::Options;
use crate::contract::model::{Contract, RowId};
use crate::error::{Error, Status};
use crate::finding::{Fact, Finding};
use crate::fingerprint::Key;
use crate::launch::{Inspected, Launch, Survey, lookup};
use crate::manifest::{Guard, Shown};
use crate::provider::Answers;
use crate::sys::fs::{self, Errno};
use crate::sys::process::environment;
use compare::{Case, Guards};
use process::{Environ, Process};
use record::SCHEMA;
use std::ffi::{CStr, CString};
use std::os::fd::AsFd;

/// Which processes.
pub enum Whom {
    /// These.
    Numbers(Vec<u32>),
    /// Those that hold something of the contract, or are its program.
    All,
}

/// Looks into processes. `variables` are the names that are asked for; none: all.
///
/// # Errors
/// What is wrong with options, settings, contract, key or names, all of it.
pub fn inspect(
    options: &Options,
    whom: &Whom,
    variables: &[String],
) -> Result<Inspection, Vec<Error>> {
    // The same for every process: what is wrong with it is said once.
    let mut answers = Answers::default();
    let own = Survey::take_for(options.clone(), false, environment(), None, &mut answers)?;
    let own = Launch::judge(own, Vec::new());
    let survey = &own.survey;
    if survey.settings.fingerprint_key_file.is_some() && survey.key.is_none() {
        let is_about = |fact: &Fact| match fact {
            Fact::Named { option, .. } => *option == "--fingerprint-key-file",
            Fact::NoKey { .. } => true,
            _ => false,
        };
        let findings = own.verdict.findings.iter().filter(|finding| is_about(&finding.fact));
        let guard = own.guard();
        let guarded = |text: String| guard.owned(text).as_str().to_owned();
        let error = |wrong: &Finding| {
            Error::new(wrong.code.status(), guarded(wrong.message())).hint(guarded(wrong.hint()))
        };
        return Err(findings.map(error).collect());
    }
    let only = rows(survey.contract, variables)?;
    let mut inspection = Inspection {
        schema: SCHEMA,
        time: survey.moment.time.clone(),
        contract: own.guard().text(survey.contract.name),
        fingerprint_key_id: survey.key.as_ref().map(Key::id),
        processes: Vec::new(),
        closed: Vec::new(),
    };
    match whom {
        Whom::Numbers(numbers) => {
            let mut numbers = numbers.clone();
            numbers.sort_unstable();
            numbers.dedup();
            for pid in numbers {
                let record = match Process::open(pid) {
                    Ok(process) => look_into(&process, options, &only, &mut answers)?,
                    Err(errno) => untold(pid, reason(errno)),
                };
                inspection.processes.push(record);
            }
        }
        Whom::All => all(&mut inspection, options, survey.contract, &only, &mut answers)?,
    }
    Ok(inspection)
}

/// The rows of these names.
fn rows(contract: &Contract, names: &[String]) -> Result<Vec<RowId>, Vec<Error>> {
    let mut wrong = Vec::new();
    let mut rows = Vec::new();
    for name in names {
        let usage = |text: &str| Error::new(Status::Usage, text);
        match contract.known(name.as_bytes()) {
            Some(known) if contract.row(known.row).part => wrong.push(
                usage("cannot inspect a part: it reaches no process")
                    .hint("name the variable that is composed of it"),
            ),
            Some(known) => rows.push(known.row),
            None => {
                let known = contract.names.iter().map(|known| known.name);
                let error = usage("cannot inspect it: the contract has no such variable");
                wrong.push(match crate::nearest::nearest(name, known) {
                    Some(near) => error.hint(format!("did you mean {near}?")),
                    None => error.hint("`nexis-launch contract show` lists the variables"),
                });
            }
        }
    }
    if wrong.is_empty() { Ok(rows) } else { Err(wrong) }
}

/// Every process that holds one of the rows (where none is asked for, a secret one), or that is a
/// program of the contract.
fn all(
    inspection: &mut Inspection,
    options: &Options,
    contract: &Contract,
    only: &[RowId],
    answers: &mut Answers,
) -> Result<(), Vec<Error>> {
    let numbers = Process::numbers().map_err(|errno| {
        let message = format!("cannot list processes in /proc: {}", fs::errno_words(errno));
        vec![Error::new(Status::Undecided, message).hint("mount /proc")]
    })?;
    for pid in numbers.into_iter().filter(|&pid| pid != std::process::id()) {
        // What ends meanwhile holds nothing any more.
        let Ok(process) = Process::open(pid) else { continue };
        if process.is_empty() {
            continue;
        }
        let is_program = process.is_program_of(contract);
        match process.environment() {
            Ok(environ) => {
                let concerns = environ.held(contract).into_iter().any(|held| {
                    let row = contract.row(held.known.row);
                    let asked = match only {
                        [] => row.secret,
                        only => only.contains(&held.known.row),
                    };
                    asked && !held.value.trim_ascii().is_empty()
                });
                if is_program || concerns {
                    inspection.processes.push(look_into(&process, options, only, answers)?);
                }
            }
            Err(Errno::ESRCH | Errno::ENOENT) => {}
            Err(errno) if is_program => {
                inspection.processes.push(ProcessRecord {
                    program: Some(inspection_text(&process)),
                    uid: process.user(),
                    ..untold(pid, reason(errno))
                });
            }
            Err(_) => inspection.closed.push(pid),
        }
    }
    Ok(())
}

/// The record of a process of which nothing can be told.
fn untold(pid: u32, reason: Shown) -> ProcessRecord {
    ProcessRecord {
        pid,
        program: None,
        uid: None,
        state: Verdict::Unknown,
        reason: Some(reason),
        mode: None,
        other_root: false,
        variables: Vec::new(),
    }
}

/// The kernel's name of a process of which no secret is known.
fn inspection_text(process: &Process) -> Shown {
    Guard::new(&crate::needles::Needles::new()).text(&process.name)
}

fn reason(errno: Errno) -> Shown {
    Shown::own(match errno {
        Errno::ENOENT | Errno::ESRCH => "there is no such process, or it has ended",
        Errno::EACCES | Errno::EPERM => {
            "it may not be looked into: this takes its user, or root (CAP_SYS_PTRACE)"
        }
        Errno::EFBIG => "its environment is larger than 16 MiB",
        errno => fs::errno_words(errno),
    })
}

fn look_into(
    process: &Process,
    options: &Options,
    only: &[RowId],
    answers: &mut Answers,
) -> Result<ProcessRecord, Vec<Error>> {
    if process.is_empty() {
        return Ok(untold(process.pid, reason(Errno::ESRCH)));
    }
    let looked = process.environment().and_then(|environ| Ok((environ, process.root()?)));
    let (environ, root) = match looked {
        Ok(looked) => looked,
        Err(errno) => {
            let (program, uid) = (Some(inspection_text(process)), process.user());
            return Ok(ProcessRecord { program, uid, ..untold(process.pid, reason(errno)) });
        }
    };
    let entries = entries(&environ);
    let root_fd = root.as_ref().map(AsFd::as_fd);
    let inspected = Some(Inspected { root: root_fd });
    let survey = Survey::take_for(options.clone(), false, entries, inspected, answers)?;
    let launch = Launch::judge(survey, Vec::new());
    let case = Case { process, environ: &environ, root: root.as_ref(), launch: &launch, only };
    let variables = compare::variables(&case);
    let held = environ.held(launch.survey.contract);
    let needles = compare::needles(&launch, &held);
    let guards = Guards::new(&launch, &needles);
    let program = match process.program() {
        Some(path) => guards.text(&path.to_string_lossy()),
        None => guards.text(&process.name),
    };
    Ok(ProcessRecord {
        pid: process.pid,
        program: Some(program),
        uid: process.user(),
        state: Verdict::over(variables.iter().map(|variable| variable.state)),
        reason: None,
        mode: Some(launch.survey.resolution.mode.mode.name()),
        other_root: root.is_some(),
        variables,
    })
}

/// The environment to resolve by: the own one, with the credentials directory of the process, and
/// with its mode where the own says none.
fn entries(environ: &Environ) -> Vec<&'static CStr> {
    let own = environment();
    let says_mode = lookup(&own, b"NEXIS_ENV").is_some_and(|mode| !mode.trim_ascii().is_empty());
    let mut entries: Vec<&'static CStr> = own
        .into_iter()
        .filter(|entry| !entry.to_bytes().starts_with(b"CREDENTIALS_DIRECTORY="))
        .filter(|entry| says_mode || !entry.to_bytes().starts_with(b"NEXIS_ENV="))
        .collect();
    let wanted = [&b"CREDENTIALS_DIRECTORY"[..], b"NEXIS_ENV"];
    for name in wanted.into_iter().filter(|name| !says_mode || *name != b"NEXIS_ENV") {
        let entry = environ.value(name).map(|value| [name, b"=", value].concat());
        // The command ends soon; what is left until then are paths and words of modes.
        let entry = entry.and_then(|entry| CString::new(entry).ok()).map(CString::into_boxed_c_str);
        entries.extend(entry.map(|entry| &*Box::leak(entry)));
    }
    entries
}

impl Inspection {
    /// Aligned text; with the escape sequences of a terminal where `coloured`.
    pub fn text(&self, coloured: bool) -> String {
        text::render(self, coloured)
    }
}
