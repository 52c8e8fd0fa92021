//! `leak`: where a value stands, which launches got it, and what to do.

use super::Ending;
use crate::cli::{LeakAction, Options, Scan, ScanFormat};
use crate::error::{Error, Status};
use crate::launch::{Launch, Secrets, Survey, lookup};
use crate::leak::scan::{Form, Progress, Report, Scan as Search, Target};
use crate::leak::tools::Tools;
use crate::leak::value;
use crate::manifest::Guard;
use crate::needles::stream::Engine;
use crate::sys::process;
use crate::sys::signal::Ignored;
use std::ffi::OsStr;
use std::io::{self, IsTerminal};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Does what the action says.
pub(super) fn leak(action: LeakAction) -> Ending {
    let _ignored = Ignored::begin();
    match action {
        LeakAction::Scan(options) => scan(*options),
        LeakAction::Trace(options) => super::trace::trace(*options),
        LeakAction::Respond(options) => super::respond::respond(*options),
    }
}

/// Looks for values, and says where they stand.
fn scan(options: Scan) -> Ending {
    let given: Result<Vec<_>, Error> =
        options.value_file.iter().map(|given| value::named(given)).collect();
    let given = given.map_err(|error| vec![error])?;
    let dash = Path::new("-");
    let inputs =
        given.iter().map(|(_, file)| *file).chain(options.paths.iter().map(|path| &**path));
    if inputs.filter(|input| *input == dash).count() > 1 {
        return Err(vec![standard_input_twice()]);
    }
    let survey = Survey::take(Options::from(options.sources), false)?;
    let quiet = survey.settings.log.quiet;
    let dumb = survey.inherited(b"TERM") == Some(b"dumb");
    let mut secrets = Launch::judge(survey, Vec::new()).into_secrets();
    for (name, file) in given {
        let value = value::read(file).map_err(|error| vec![error])?;
        secrets.add(name, &value);
    }
    let Secrets { needles, mut short, unread } = secrets;
    if needles.is_empty() {
        return Err(vec![nothing_to_look_for(&short)]);
    }
    let engine = Engine::new(&needles);
    let form = match options.format {
        ScanFormat::Text => Form::Text,
        ScanFormat::Json => Form::Json,
        ScanFormat::Sarif => Form::Sarif,
    };
    let mut report = Report::new(form, Guard::new(&needles), quiet);
    short.sort_unstable();
    short.dedup();
    short.iter().for_each(|name| report.not_searched(name));
    for (name, why) in &unread {
        report.unread(name, Guard::new(&needles).text(why).as_str());
    }
    let entries = process::environment();
    let tools = Tools::new(lookup(&entries, b"PATH").map(OsStr::from_bytes));
    let mut progress = Progress::new(!quiet && !dumb && io::stderr().is_terminal());
    let paths = options.paths.iter().map(|path| match path {
        path if path == dash => Target::Standard,
        path => Target::Path(path),
    });
    let targets: Vec<_> =
        paths.chain(options.git.iter().map(|path| Target::History(path))).collect();
    Search::new(&engine, &tools, &mut report, &mut progress).through(&targets);
    report.end(&engine.all_names()).map_err(|error| vec![error])
}

/// Standard input can be read once.
pub(super) fn standard_input_twice() -> Error {
    let message = "cannot read standard input twice: - is given more than once";
    Error::new(Status::Usage, message).hint("give files in place of all but one")
}

fn nothing_to_look_for(short: &[String]) -> Error {
    let message = match short {
        [] => "cannot scan: there is no value to look for".to_owned(),
        names => format!(
            "cannot scan: there is no value of 8 bytes or more to look for, only {}",
            names.join(", ")
        ),
    };
    Error::new(Status::NotMet, message).hint(
        "run it where the program's secrets are, or name them by --secrets-dir, --env-file or --value-file NAME=FILE",
    )
}
