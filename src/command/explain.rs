//! `explain`: each variable's demands and candidate sources, or a code's cause and mend.

use super::{Ending, print};
use crate::cli::{self, Format};
use crate::contract::model::{Contract, NotRead};
use crate::error::{Error, Status};
use crate::explain::{self, SCHEMA};
use crate::finding::{Code, Severity};
use crate::launch::{Launch, Survey};
use crate::mode::Mode;
use crate::nearest::nearest;
use crate::sys::signal::Ignored;
use serde_json::json;

/// Prints what is known of one name, of one code, or of every variable.
pub(super) fn explain(options: cli::Explain) -> Ending {
    let _ignored = Ignored::begin();
    let cli::Explain { options, format, subject } = options;
    if let Some(code) = subject.as_deref().and_then(Code::parse) {
        return print(&code_text(code, format));
    }
    let survey = Survey::take(options, false)?;
    let row = match subject.as_deref() {
        None => None,
        Some(name) => match survey.contract.known(name.as_bytes()) {
            Some(known) => Some(known.row),
            None => return not_a_row(survey.contract, name, format),
        },
    };
    let launch = Launch::judge(survey, Vec::new());
    let explanations = explain::explain(&launch, row);
    print(&match format {
        Format::Text => explanations.text(),
        Format::Json => explanations.json(),
    })
}

/// A name without a row: one that the program is known not to read, or none at all.
fn not_a_row(contract: &Contract, name: &str, format: Format) -> Ending {
    let known = contract.not_read(name.as_bytes());
    if let Some(known) = known {
        let NotRead { name, note } = known;
        return print(&match format {
            Format::Text => format!("{name}: not read by the program: {note}\n"),
            Format::Json => {
                format!("{}\n", json!({ "schema": SCHEMA, "name": name, "not_read": note }))
            }
        });
    }
    let names = contract.names.iter().map(|known| known.name);
    let near = nearest(name, names.chain(Code::ALL.iter().map(|code| code.name())));
    let error = Error::new(Status::Usage, "cannot explain it: there is no such variable or code");
    Err(vec![match near {
        Some(near) => error.hint(format!("did you mean {near}?")),
        None => {
            error.hint("`nexis-launch explain` lists every variable, `nexis-launch man` every code")
        }
    }])
}

fn code_text(code: Code, format: Format) -> String {
    let word = |mode| code.severity(mode).map_or("none", Severity::name);
    let [development, staging, production] = Mode::ALL.map(word);
    match format {
        Format::Json => {
            let severity = json!({
                "development": development, "staging": staging, "production": production,
            });
            format!(
                "{}\n",
                json!({
                    "schema": SCHEMA, "code": code.name(), "cause": code.cause(), "mend": code.mend(),
                    "severity": severity, "status": code.status().number(),
                })
            )
        }
        Format::Text => format!(
            "{}\n  cause     {}\n  mend      {}\n  severity  {development} in development, {staging} in staging, {production} in production\n  status    {} where it is an error\n",
            code.name(),
            code.cause(),
            code.mend(),
            code.status().number()
        ),
    }
}
