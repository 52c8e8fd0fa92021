//! `check`: the same without the exec; its status is the verdict.

use super::{Ending, print};
use crate::audit;
use crate::cli::{self, CheckFormat};
use crate::contract::model::Origin;
use crate::deployment::{self, Located};
use crate::error::Status;
use crate::finding::Severity;
use crate::launch::{self, Launch, Survey};
use crate::manifest::Outcome;
use crate::output::{error_text, escape, to_stderr};
use crate::report;
use crate::report::deployment::{Held, Report};
use crate::settings::ManifestForm;
use crate::sys::signal::Ignored;
use crate::validate;
use std::io::{self, IsTerminal};
use std::os::unix::ffi::OsStrExt;

/// Resolves, validates and prints the verdict.
pub(super) fn check(options: cli::Check) -> Ending {
    let _ignored = Ignored::begin();
    if !options.deployment.is_empty() {
        return deployment(options);
    }
    let mut survey = Survey::take(options.options, false)?;
    survey.foresee_user();
    let launch = Launch::judge(survey, options.program);
    let manifest = launch.manifest(Outcome::Checked);
    let settings = &launch.survey.settings;
    let colours = || launch.survey.allows_colours();
    let mut status = launch.verdict.status;
    let warned = || {
        let mut findings = launch.verdict.findings.iter();
        findings.any(|it| it.severity == Severity::Warning && !it.is_acknowledged())
    };
    if status == Status::Success && options.strict && warned() {
        status = Status::NotMet;
    }
    // The result goes to standard output; a manifest beside it is written only where one is named.
    let mut recorded = audit::append(&manifest, settings, launch.guard());
    if settings.manifest_to.is_some() && settings.manifest != ManifestForm::Off {
        recorded = recorded.and_then(|()| {
            audit::write_manifest(&manifest, settings, launch.guard(), false, &colours)
        });
    }
    let text = match options.format {
        CheckFormat::Text if io::stdout().is_terminal() && colours() => manifest.coloured(),
        CheckFormat::Text => manifest.text(),
        CheckFormat::Json => manifest.json(),
        CheckFormat::Sarif => report::sarif(&manifest),
        CheckFormat::Github => report::github(&manifest),
    };
    print(&text)?;
    if let Err(error) = recorded {
        to_stderr(&error_text(&error));
        return Ok(if status == Status::Success { error.status } else { status });
    }
    Ok(status)
}

/// Holds deployment files against the contract. The mode is the files' own unless an option says
/// it: that of the machine that checks is another one.
fn deployment(options: cli::Check) -> Ending {
    let cli::Check { options, format, strict, deployment: files, .. } = options;
    let mode = options.mode.clone();
    let contract = launch::contract(options)?;
    let mode = mode.as_ref().map(|mode| mode.as_bytes());
    let mut found = deployment::check(contract, mode, &files)?;
    let findings = found.findings.iter_mut().map(|located| &mut located.finding);
    validate::acknowledge(contract, launch::today(), findings, &|_| false);
    let held = Held {
        name: contract.name,
        origin: match contract.origin {
            Origin::Builtin => "builtin".to_owned(),
            Origin::File(path) => escape(path).into_owned(),
        },
        sha256: contract.sha256,
    };
    let report = Report::new(held, &found);
    print(&match format {
        CheckFormat::Text => report.text(),
        CheckFormat::Json => report.json(),
        CheckFormat::Sarif => report.sarif(),
        CheckFormat::Github => report.github(),
    })?;
    let counts = |Located { finding, .. }: &Located| {
        finding.severity == Severity::Error || strict && !finding.is_acknowledged()
    };
    Ok(if found.findings.iter().any(counts) { Status::NotMet } else { Status::Success })
}
