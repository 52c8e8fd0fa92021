//! `run` and `dev`: the whole way through the house.

use super::Ending;
use crate::audit::{self, Held};
use crate::cli::{self, Options};
use crate::error::{Error, Status};
use crate::exec::Program;
use crate::finding::{Finding, Severity};
use crate::launch::{Launch, Survey};
use crate::manifest::Outcome;
use crate::mask;
use crate::output::{error_text, to_stderr};
use crate::privileges;
use crate::settings::{Enforce, Settings};
use crate::sys::signal::Ignored;
use crate::sys::{process, restored};

/// Maps, validates, states, and replaces itself by the program. Returns only where the program
/// was not started.
pub(super) fn run(launch: cli::Launch, dev: bool) -> Ending {
    let ignored = Ignored::begin();
    let options = Options { privileges: launch.privileges, ..launch.options };
    let mut survey = Survey::take(options, dev)?;
    survey.choose_user();
    survey.look_at_output();
    let launch = Launch::judge(survey, launch.program);
    let outcome = outcome(&launch);
    let refused = outcome == Outcome::Refused;
    let errors = outcome != Outcome::Exec;
    let settings = &launch.survey.settings;
    audit::keep_apart(settings, launch.guard()).map_err(|error| vec![error])?;
    let manifest = launch.manifest(outcome);
    let colours = || launch.survey.allows_colours();
    let recorded = audit::append(&manifest, settings, launch.guard());
    let stated = match &recorded {
        Ok(()) => audit::write_manifest(&manifest, settings, launch.guard(), errors, &colours),
        // What is not to be is stated as such.
        Err(_) => {
            let refused = manifest.refused();
            audit::write_manifest(&refused, settings, launch.guard(), true, &colours)
        }
    };
    if let (Ok(()), Err(error), false) = (&recorded, &stated, refused) {
        // The audit log has just said that the program starts.
        let failed = manifest.failed(error.message.clone(), None);
        tell_unrecorded(audit::append(&failed, settings, launch.guard()));
    }
    if recorded.is_err() || stated.is_err() {
        if stated.is_err() {
            let settings = Settings { manifest_to: None, ..settings.clone() };
            let refused = manifest.refused();
            let _ = audit::write_manifest(&refused, &settings, launch.guard(), true, &colours);
        } else if !audit::is_on_stderr(settings) {
            to_stderr(&manifest.findings_text());
        }
        let mut status = Status::CannotWrite;
        for error in [recorded, stated].into_iter().filter_map(Result::err) {
            to_stderr(&error_text(&error));
            status = status.min(error.status);
        }
        // A refusal keeps its status, whether its records could be written or not.
        return Ok(if refused { launch.verdict.status } else { status });
    }
    // Errors are said where whoever looks after the service looks first.
    if errors && !audit::is_on_stderr(settings) {
        to_stderr(&manifest.findings_text());
    }
    if refused {
        return Ok(launch.verdict.status);
    }
    let Some(program) = &launch.program else {
        return Err(vec![Error::new(Status::Usage, "cannot launch: no program is named after --")]);
    };
    // What records a failure is opened by the user that opened it before.
    let user = launch.survey.user.as_ref().filter(|user| user.is_another());
    let held = user.map(|_| Held::open(settings)).unwrap_or_default();
    ignored.restore();
    let (status, cause) = match restored::all() {
        Ok(()) => match privileges::drop(user, settings.no_new_privs) {
            Ok(()) => start(&launch, program),
            Err(cause) => (Status::NoPermission, cause),
        },
        Err(cause) => (Status::Software, cause),
    };
    let _ignored = Ignored::begin();
    let manifest = manifest.failed(cause.clone(), Some(hint(status, &cause)));
    let appended = audit::append_failure(&manifest, settings, launch.guard(), &held);
    let written = audit::write_failure(&manifest, settings, launch.guard(), &held, &colours);
    if !audit::is_on_stderr(settings) {
        let path = launch.guard().text(&program.path.to_string_lossy());
        to_stderr(&error_text(&failure(status, path.as_str(), &cause)));
    }
    tell_unrecorded(appended);
    tell_unrecorded(written);
    Ok(status)
}

/// Says that the second record of a launch is missing, the one that takes the first back.
fn tell_unrecorded(result: Result<(), Error>) {
    if let Err(error) = result {
        let hint = "nothing was started, and what was written there before still says exec";
        to_stderr(&error_text(&error.hint(hint)));
    }
}

/// Starts the filter, where there is to be one, and the program. Returns only where that failed.
fn start(launch: &Launch, program: &Program) -> (Status, String) {
    // The failure is said where the streams led before.
    let _beside = match launch.survey.masked_output.as_slice() {
        [] => None,
        _ => match mask::start(launch.needles()) {
            Ok(beside) => Some(beside),
            Err(error) => return (Status::Temporary, process::name(&error)),
        },
    };
    (Status::NotExecutable, program.exec(&launch.environment))
}

/// What to say where the manifest does not say it to people.
fn failure(status: Status, path: &str, cause: &str) -> Error {
    let text = match status {
        Status::NoPermission => format!("cannot drop privileges: {cause}"),
        Status::Temporary => format!("cannot start the filter of --mask-output: {cause}"),
        Status::Software => format!("cannot put the process back as it was: {cause}"),
        _ => format!("cannot execute {path}: {cause}"),
    };
    Error::new(status, text).hint(hint(status, cause))
}

/// What to do about it, which the record of the failure says too.
fn hint(status: Status, cause: &str) -> &'static str {
    match (status, cause) {
        (Status::NoPermission, _) => {
            "nothing was started; the launcher needs CAP_SETUID and CAP_SETGID"
        }
        (Status::Temporary, _) => "nothing was started; trying again may help",
        (Status::Software, _) => {
            "nothing was started; look for a filter of system calls that forbids this one"
        }
        // execve(2): somebody has it open for writing.
        (_, "ETXTBSY") => "wait until it is written: a process has it open for writing",
        // What execvp(3) gives to /bin/sh, and execve(2) does not take.
        (_, "ENOEXEC") => {
            "begin a script with #! and its interpreter; a binary has to be built for this machine"
        }
        _ => "check that it is built for this machine and that its loader exists",
    }
}

/// What is to become of the launch. `--enforce report` lets the program start with errors of the
/// contract, never with a command line, file or program that is not there.
fn outcome(launch: &Launch) -> Outcome {
    let errors =
        || launch.verdict.findings.iter().filter(|finding| finding.severity == Severity::Error);
    match launch.verdict.status {
        Status::Success => Outcome::Exec,
        _ if launch.survey.settings.enforce == Enforce::Report && errors().all(may_be_reported) => {
            Outcome::ExecDespiteFindings
        }
        _ => Outcome::Refused,
    }
}

/// Whether `--enforce report` lets the program start with this error.
fn may_be_reported(finding: &Finding) -> bool {
    matches!(finding.status(), Status::NotMet | Status::Temporary) && !finding.forbids_start()
}
