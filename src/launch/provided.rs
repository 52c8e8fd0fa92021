//! The providers of a launch: who could write what names them, and what they answer.

use super::{Survey, lookup};
use crate::contract::model::{Contract, Row};
use crate::finding::{Code, Fact};
use crate::needles::Needles;
use crate::provider::{self, Answers, Directory, Providers};
use crate::resolve::{ModeWish, Resolution};
use crate::secret::Secret;
use crate::settings::Settings;
use crate::source::{Inherited, InheritedKind, Observation, Snapshot, judge_program};
use crate::sys::fs::errno_words;
use crate::sys::process::environment;
use crate::url;
use std::path::Path;

/// Makes an ephemeral value where a row has a generator.
type Generate<'a> = &'a mut dyn FnMut(&Row) -> Option<Secret>;

/// What others could write of that which decides what the launcher runs: the contract with all that
/// it extends, and the programs. `opened` is what was read of the contract's files.
fn judge(contract: &Contract, opened: &[(u64, u64)]) -> Vec<Observation> {
    if contract.providers.is_empty() {
        return Vec::new();
    }
    let code = Code::InsecureContract;
    let seen = |fact| Observation { code, row: None, source: None, fact };
    let programs = contract.providers.iter().filter_map(|provider| provider.command.first());
    let opened = opened.iter().copied().map(Some).chain(std::iter::repeat(None));
    let files = contract.chain.iter().zip(opened);
    let paths = files.chain(programs.map(|it| (it, None)));
    let paths: Vec<_> = paths.map(|(path, opened)| (Path::new(path), opened)).collect();
    judge_program(&paths).into_iter().map(seen).collect()
}

/// Whether a provider would get what the environment of this process does not have: another
/// process, or a file below its root, would then choose what the provider does with this one's
/// rights and credentials.
fn lends_what_is_not_ours(contract: &Contract, snapshot: &Snapshot) -> bool {
    let own = environment();
    let lent = contract.providers.iter().flat_map(|provider| provider.environment);
    let mut names = lent.map(|lent| lent.name).chain(provider::ALWAYS);
    names.any(|name| {
        let of_file = snapshot.extras.iter().any(|extra| extra.name == name);
        let entry = snapshot.inherited.iter().find(|entry| entry.name() == name.as_bytes());
        of_file || entry.map(Inherited::value) != lookup(&own, name.as_bytes())
    })
}

/// The resolution with what the providers have, as far as it wants that.
pub(super) fn ask(
    (contract, opened): (&'static Contract, &[(u64, u64)]),
    (settings, launch): (&Settings, &str),
    snapshot: &mut Snapshot,
    mut resolution: Resolution,
    (wish, generate): (&ModeWish<'_>, Generate<'_>),
    (answers, others): (&mut Answers, bool),
) -> Resolution {
    let mut observations = judge(contract, opened);
    let refused = match &observations[..] {
        [] if others && lends_what_is_not_ours(contract, snapshot) => Some(Code::SourceRefused),
        [] => None,
        _ => Some(Code::InsecureContract),
    };
    let keep = settings.provider_stderr.as_deref().and_then(|path| {
        let unusable = |errno| {
            let (option, path) = ("--provider-stderr", path.to_owned());
            let fact = Fact::Named { option, path, errno: errno_words(errno) };
            observations.push(Observation {
                code: Code::FileMissing,
                row: None,
                source: None,
                fact,
            });
        };
        Directory::open(path, launch).map_err(unusable).ok()
    });
    let Snapshot { inherited, extras, .. } = &*snapshot;
    let mut providers =
        Providers::new(contract, inherited, extras, keep.as_ref(), refused, answers);
    while let Some(candidates) = providers.fetch(resolution.wanted(contract)) {
        resolution = resolution.provided(contract, candidates, wish, generate);
    }
    snapshot.observations.append(&mut observations);
    resolution
}

/// What providers log in with is shown as little as what they answer: names say which it is, and
/// the password of a URL is one under any name.
pub(super) fn hide_credentials(survey: &Survey, needles: &mut Needles) {
    let mut hide = |name: &'static str, value: &[u8]| {
        if is_credential(name) {
            needles.add(name, value);
        }
        for password in url::passwords(value) {
            needles.add(format!("{name}#password"), password.expose());
        }
    };
    let lent = survey.contract.providers.iter().flat_map(|provider| provider.environment);
    for name in lent.map(|lent| lent.name) {
        if let Some(value) = survey.inherited(name.as_bytes()) {
            hide(name, value);
        }
        for extra in survey.extras.iter().filter(|extra| extra.name == name) {
            hide(name, extra.value.expose());
        }
    }
}

/// Secrets that were read and are no value of any variable: a further entry of a name, and what its
/// row refuses.
pub(super) fn hide_unused(survey: &Survey, needles: &mut Needles) {
    let contract = survey.contract;
    let mut hide = |row: &Row, value: &[u8]| {
        if row.secret {
            needles.add(row.name, value);
            for password in url::passwords(value) {
                needles.add([row.name, "#password"].concat(), password.expose());
            }
        }
    };
    for entry in survey.inherited.iter().filter(|it| it.kind == InheritedKind::Repeated) {
        if let Some(known) = contract.known(entry.name()) {
            hide(contract.row(known.row), entry.value());
        }
    }
    for resolved in &survey.resolution.rows {
        for refused in resolved.seen.iter().filter_map(|seen| seen.refused.as_ref()) {
            hide(contract.row(resolved.id), refused.expose());
        }
    }
}

/// Words in the names of what one logs in with: AWS_SECRET_ACCESS_KEY, VAULT_SECRET_ID.
const CREDENTIALS: [&str; 6] = ["SECRET", "TOKEN", "PASSW", "PASSPHRASE", "KEY", "CREDENTIAL"];
/// Endings of names that lead to one instead.
const PLACES: [&str; 3] = ["_FILE", "_PATH", "_DIR"];

/// Whether a name that is lent to a provider says that its value is a credential. More do than
/// among all inherited names: it was lent for something.
fn is_credential(name: &str) -> bool {
    CREDENTIALS.iter().any(|word| name.contains(word))
        && !PLACES.iter().any(|ending| name.ends_with(ending))
}
