//! `run` and `dev`: the whole way through the house.

use super::Ending;
use crate::audit;
use crate::cli;
use crate::error::{Error, Status};
use crate::finding::Severity;
use crate::launch::{Launch, Survey};
use crate::manifest::Outcome;
use crate::output::{error_text, to_stderr};
use crate::settings::Enforce;
use crate::sys::signal::Ignored;

/// Maps, validates, states, and replaces itself by the program. Returns only where the program
/// was not started.
pub(super) fn run(launch: cli::Launch, dev: bool) -> Ending {
    let ignored = Ignored::begin();
    let survey = Survey::take(launch.options, dev)?;
    let launch = Launch::judge(survey, launch.program);
    let outcome = outcome(&launch);
    let refused = outcome == Outcome::Refused;
    let errors = outcome != Outcome::Exec;
    let settings = &launch.survey.settings;
    let manifest = launch.manifest(outcome);
    let colours = || launch.survey.allows_colours();
    // A refusal keeps its status, whether its records could be written or not.
    let recorded = audit::append(&manifest, settings, launch.guard()).and_then(|()| {
        let written = audit::write_manifest(&manifest, settings, launch.guard(), errors, &colours);
        // The audit log has just said that the program starts.
        if let (Err(error), false) = (&written, refused) {
            let failed = manifest.failed(error.message.clone());
            let _ = audit::append(&failed, settings, launch.guard());
        }
        written
    });
    if let Err(error) = recorded {
        to_stderr(&(manifest.findings_text() + &error_text(&error)));
        return Ok(if refused { launch.verdict.status } else { error.status });
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
    ignored.restore();
    let errno = program.exec(&launch.environment);
    let _ignored = Ignored::begin();
    let manifest = manifest.failed(errno.clone());
    let _ = audit::append(&manifest, settings, launch.guard());
    let _ = audit::write_manifest(&manifest, settings, launch.guard(), true, &colours);
    if !audit::is_on_stderr(settings) {
        let path = launch.guard().text(&program.path.to_string_lossy());
        let error = Error::new(Status::NotExecutable, format!("cannot execute {path}: {errno}"));
        to_stderr(&error_text(
            &error.hint("check that it is built for this machine and that its loader exists"),
        ));
    }
    Ok(Status::NotExecutable)
}

/// What is to become of the launch. `--enforce report` lets the program start with errors of the
/// contract, never with a command line, file or program that is not there.
fn outcome(launch: &Launch) -> Outcome {
    let errors =
        || launch.verdict.findings.iter().filter(|finding| finding.severity == Severity::Error);
    match launch.verdict.status {
        Status::Success => Outcome::Exec,
        _ if launch.survey.settings.enforce == Enforce::Report
            && errors().all(|finding| finding.code.status() == Status::NotMet) =>
        {
            Outcome::ExecDespiteFindings
        }
        _ => Outcome::Refused,
    }
}
