//! Resolution and validation of any environment and files: no canary in what is said, the manifest
//! is the environment entry by entry, and nothing blank or refused passes for a value.

use super::decode::no_canary;
use super::world::World;
use nexis_launch::environment::Why;
use nexis_launch::error::Status;
use nexis_launch::explain;
use nexis_launch::launch::Launch;
use nexis_launch::manifest::{Manifest, Outcome, Variable};
use nexis_launch::report;
use nexis_launch::secret::Secret;
use nexis_launch::validate::required;
use std::borrow::Cow;
use std::collections::BTreeSet;

pub fn hold(bytes: &[u8]) {
    let world = World::read(bytes);
    let launch = match world.judge() {
        Ok(launch) => launch,
        Err(errors) => {
            for error in errors {
                let hint = error.hint.unwrap_or_default();
                said("an error", &format!("{}\n{hint}", error.message));
            }
            return;
        }
    };
    let manifest = launch.manifest(Outcome::Checked);
    is_the_environment(&launch, &manifest);
    delivers_what_it_should(&launch);
    said("the text", &manifest.text());
    said("the findings", &manifest.findings_text());
    said("the JSON", &manifest.json());
    no_canary("the coloured text", &manifest.coloured());
    let explained = explain::explain(&launch, None);
    said("explain", &explained.text());
    said("explain in JSON", &explained.json());
    said("SARIF", &report::sarif(&manifest));
    said("workflow commands", &report::github(&manifest));
}

/// Without the canary and without a control character.
pub fn said(what: &str, text: &str) {
    no_canary(what, text);
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{what}: {text:?}");
}

pub fn is_the_environment(launch: &Launch, manifest: &Manifest) {
    let entries = &launch.environment.entries;
    let names: Vec<&[u8]> =
        entries.iter().map(|it| it.name()).filter(|name| !name.is_empty()).collect();
    let once: BTreeSet<&[u8]> = names.iter().copied().collect();
    assert_eq!(once.len(), names.len(), "a name stands twice in the environment");
    let count = |why| entries.iter().filter(|it| it.why == why).count();
    assert_eq!(manifest.inherited.count, count(Why::Inherited));
    assert_eq!(manifest.env_files.count, count(Why::EnvFile));
    let own = entries.iter().filter(|it| matches!(it.why, Why::Value(_) | Why::Path(_)));
    let mut own: Vec<_> = own.map(|it| String::from_utf8_lossy(it.name())).collect();
    let mut stated: Vec<Cow<'_, str>> = Vec::new();
    for variable in &manifest.variables {
        let Variable::Stated(variable) = variable else { continue };
        if !matches!(variable.state, "delivered" | "generated") {
            continue;
        }
        let name = variable.delivered_as.as_deref().unwrap_or(variable.name);
        let entry = entries.iter().find(|it| it.name() == name.as_bytes());
        let entry = entry.unwrap_or_else(|| panic!("{name} is stated and not there"));
        assert!(matches!(entry.why, Why::Value(_) | Why::Path(_)), "{name} is another's");
        // Of a path the manifest says how long the file's value is.
        if matches!(entry.why, Why::Value(_)) {
            assert_eq!(variable.bytes, variable.secret.then_some(entry.value().len()), "{name}");
        }
        stated.push(name.into());
    }
    own.sort();
    stated.sort();
    assert_eq!(stated, own, "the manifest is not the environment");
    for gone in launch.environment.removed.iter().chain(&launch.environment.dropped) {
        let passed = |it: &nexis_launch::environment::Entry| {
            it.why == Why::Inherited && it.name() == *gone && !gone.is_empty()
        };
        assert!(!entries.iter().any(passed), "removed, and handed over");
    }
    assert_eq!(manifest.dropped.count, launch.environment.dropped.len());
    assert_eq!(manifest.removed.len(), launch.environment.removed.len());
}

fn delivers_what_it_should(launch: &Launch) {
    let contract = launch.survey.contract;
    let delivered = |name: &str| {
        launch.environment.entries.iter().find(|it| match it.why {
            Why::Value(id) | Why::Path(id) => contract.row(id).name == name,
            _ => false,
        })
    };
    for row in contract.rows.iter() {
        if let Some(entry) = delivered(row.name)
            && !row.blank_allowed
        {
            assert!(!Secret::new(entry.value().to_vec()).is_blank(), "{} is blank", row.name);
        }
        if launch.verdict.status == Status::Success && !row.part {
            let wanted = required(contract, &launch.survey.resolution, row).is_some();
            assert!(!wanted || delivered(row.name).is_some(), "{} is not delivered", row.name);
        }
    }
}
