//! `contract …`: the contract shown, checked and documented.

use super::{Ending, print};
use crate::cli::{ContractAction, Format, TemplateFor};
use crate::contract::diff::Diff;
use crate::contract::model::Contract;
use crate::contract::template::{self, Form};
use crate::contract::{self, docs};
use crate::error::{Error, Status};
use crate::launch::conceal;
use crate::sys::process::environment;
use crate::sys::signal::Ignored;
use std::path::Path;

/// Prints what is asked for of a contract file or of the built-in contract.
pub(super) fn contract(action: ContractAction) -> Ending {
    let _ignored = Ignored::begin();
    match action {
        ContractAction::Show { format, file } => {
            let contract = load(file.as_deref())?;
            print(&match format {
                Format::Text => contract::show(contract),
                Format::Json => contract::json(contract),
            })
        }
        ContractAction::Lint { format, file } => {
            let file = file.as_deref().unwrap_or(Path::new(contract::BUILTIN));
            match (contract::lint(file), format) {
                (Ok(linted), Format::Text) => print(
                    &linted.lines().iter().map(|line| format!("{line}\n")).collect::<String>(),
                ),
                (Ok(linted), Format::Json) => print(&linted.json()),
                (Err(error), Format::Text) => Err(vec![error]),
                (Err(error), Format::Json) => {
                    // The path was typed, as in every other error.
                    let errors = conceal(vec![error], &environment());
                    print(&contract::lint_refused(&errors))?;
                    Err(errors)
                }
            }
        }
        ContractAction::Schema => print(contract::schema()),
        ContractAction::Docs { file } => print(&docs::markdown(load(file.as_deref())?)),
        ContractAction::Diff { format, a, b } => {
            let diff = Diff::between(load(Some(&a))?, load(Some(&b))?);
            print(&match format {
                Format::Text => diff.text(),
                Format::Json => diff.json(),
            })?;
            Ok(if diff.is_looser() { Status::Unhealthy } else { Status::Success })
        }
        ContractAction::Template { target, file } => {
            let form = match target {
                TemplateFor::Env => Form::Env,
                TemplateFor::SecretsDir => Form::SecretsDir,
                TemplateFor::Compose => Form::Compose,
                TemplateFor::Kubernetes => Form::Kubernetes,
                TemplateFor::Systemd => Form::Systemd,
            };
            print(&template::render(load(file.as_deref())?, form))
        }
    }
}

fn load(file: Option<&Path>) -> Result<&'static Contract, Vec<Error>> {
    contract::load(file).map_err(|error| vec![error])
}
