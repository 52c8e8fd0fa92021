//! The record, made from the array that is handed to execve(2).

use super::{
    ContractRecord, FindingRecord, Guard, Launcher, Manifest, Names, Outcome, Pairs, Process,
    ProgramRecord, SCHEMA, Shown, Stated, SubSecret, Variable,
};
use crate::bytes::path_text;
use crate::contract::model::{Contract, Kind, Origin, Row, RowId};
use crate::environment::{Entry, Environment, Why};
use crate::exec::Program;
use crate::finding::{Finding, Severity};
use crate::fingerprint::Key;
use crate::launch::Moment;
use crate::needles::Needles;
use crate::privileges::User;
use crate::resolve::{Outcome as Held, Resolution, Resolved, State};
use crate::source::{Source, SourceKind};
use crate::sys::process;
use crate::url;
use crate::validate::urls::Displays;

/// What a record is about.
pub struct About<'a> {
    /// The contract.
    pub contract: &'a Contract,
    /// What the sources held.
    pub resolution: &'a Resolution,
    /// The array.
    pub environment: &'a Environment,
    /// The program, where one was named.
    pub program: Option<&'a Program>,
    /// All findings.
    pub findings: &'a [Finding],
    /// The operator's labels.
    pub labels: &'a [(String, String)],
    /// The fingerprints' key.
    pub key: Option<&'a Key>,
    /// Id and time of the launch.
    pub moment: &'a Moment,
    /// What no text may hold.
    pub needles: &'a Needles,
    /// What may be shown of URLs.
    pub displays: &'a Displays,
    /// Who the program will be and what said so, where it is not simply the launcher's user.
    pub user: Option<(&'a User, &'static str)>,
    /// The program's streams that are masked.
    pub masked_output: &'a [&'static str],
    /// INVOCATION_ID, where systemd set it.
    pub invocation: Option<&'a [u8]>,
}

/// Makes the record.
pub fn describe(about: &About<'_>, outcome: Outcome) -> Manifest {
    let guard = Guard::new(about.needles);
    let (uid, gid) = match about.user {
        Some((user, _)) => (user.uid, user.gid),
        None => process::user_and_group(),
    };
    let contract = about.contract;
    let names = |why: Why| {
        let entries = about.environment.entries.iter();
        Names::sorted(guard, entries.filter(|entry| entry.why == why).map(Entry::name))
    };
    Manifest {
        schema: SCHEMA,
        launch: about.moment.id.clone(),
        time: about.moment.time.clone(),
        outcome,
        error: None,
        hint: None,
        mode: about.resolution.mode.mode.name(),
        launcher: Launcher { version: env!("CARGO_PKG_VERSION") },
        contract: ContractRecord {
            name: guard.text(contract.name),
            version: contract.version.to_string(),
            origin: match contract.origin {
                Origin::Builtin => Shown::own("builtin"),
                Origin::File(path) => guard.text(path),
            },
            sha256: contract.sha256,
        },
        fingerprint_key_id: about.key.map(Key::id),
        labels: Pairs(
            about
                .labels
                .iter()
                .map(|(name, value)| (guard.text(name), guard.text(value)))
                .collect(),
        ),
        program: about.program.map(|program| ProgramRecord {
            path: guard.text(&path_text(&program.path)),
            arguments: program.argument_count(),
        }),
        process: Process {
            pid: std::process::id(),
            uid,
            gid,
            host: guard.owned(process::host_name()),
            invocation: about.invocation.map(|id| guard.bytes(id)),
        },
        masked_output: about.masked_output.to_vec(),
        variables: variables(about, guard),
        features: Pairs(
            contract
                .features
                .iter()
                .zip(&about.resolution.features)
                .map(|(feature, state)| (Shown::own(feature.name), state.name()))
                .collect(),
        ),
        inherited: names(Why::Inherited),
        env_files: names(Why::EnvFile),
        removed: Names::sorted(guard, about.environment.removed.iter().copied()).names,
        dropped: Names::sorted(guard, about.environment.dropped.iter().copied()),
        findings: about.findings.iter().map(|finding| FindingRecord::new(finding, guard)).collect(),
    }
}

fn variables(about: &About<'_>, guard: Guard<'_>) -> Vec<Variable> {
    let mut delivered: Vec<Option<&Entry>> = vec![None; about.contract.rows.len()];
    for entry in &about.environment.entries {
        if let Why::Value(row) | Why::Path(row) = entry.why
            && let Some(slot) = delivered.get_mut(usize::from(row.0))
        {
            *slot = Some(entry);
        }
    }
    let rows = about.contract.rows.into_iter().zip(&about.resolution.rows).zip(delivered);
    let rows = rows.filter(|((row, _), _)| !row.part);
    // As many as there can be.
    let mut variables = Vec::with_capacity(about.contract.rows.len());
    variables
        .extend(rows.map(|((row, resolved), entry)| variable(about, guard, row, resolved, entry)));
    if let Some((user, origin)) = about.user {
        follow(&mut variables, user, origin, guard);
    }
    variables
}

/// States what follows from the program's user, in place of a row of that name.
fn follow(variables: &mut Vec<Variable>, user: &User, origin: &'static str, guard: Guard<'_>) {
    for (name, value) in user.variables() {
        variables.retain(|variable| variable.name() != name);
        variables.push(Variable::Stated(Box::new(Stated {
            name,
            state: "delivered",
            secret: false,
            delivered_as: None,
            newline_removed: false,
            source: Some(guard.source(&Source::new(SourceKind::User, origin))),
            bytes: None,
            fingerprint: None,
            sub: Vec::new(),
            display: guard.display(&String::from_utf8_lossy(value)),
            reason: None,
        })));
    }
}

fn variable(
    about: &About<'_>,
    guard: Guard<'_>,
    row: &'static Row,
    resolved: &Resolved,
    entry: Option<&Entry>,
) -> Variable {
    let state = match (resolved.state, entry) {
        (State::Withheld, _) => "withheld",
        (State::Generated, Some(_)) => "generated",
        (State::Delivered, Some(_)) => "delivered",
        _ => return Variable::Absent(row),
    };
    let winner = resolved.winner();
    let mut stated = Box::new(Stated {
        name: row.name,
        state,
        secret: row.secret,
        delivered_as: None,
        newline_removed: false,
        source: winner.map(|seen| guard.source(&seen.source)),
        bytes: None,
        fingerprint: None,
        sub: Vec::new(),
        display: None,
        reason: None,
    });
    if state == "withheld" {
        let feature = row.feature.and_then(|id| about.contract.features.get(usize::from(id.0)));
        stated.reason = feature.map(|feature| format!("feature {} is off", feature.name));
    }
    let Some(entry) = entry else { return Variable::Stated(stated) };
    stated.newline_removed = winner
        .is_some_and(|seen| matches!(seen.outcome, Held::Value { newline_removed: true, .. }));
    let value = match entry.why {
        Why::Path(_) => {
            stated.delivered_as = Some(String::from_utf8_lossy(entry.name()).into_owned());
            resolved.value().map(|value| value.expose()).unwrap_or_default()
        }
        _ => entry.value(),
    };
    if row.secret {
        stated.bytes = Some(value.len());
        if let Some(key) = about.key {
            stated.fingerprint = Some(key.fingerprint(value));
            stated.sub = sub_secrets(about, resolved, value, key);
        }
    }
    stated.display = display(about, resolved.id, value).and_then(|text| guard.display(text));
    Variable::Stated(stated)
}

/// The secrets inside a value, as whoever looks for them knows them: the passwords of a URL, as the
/// server gets them and as they are written, and the parts of which it was composed.
fn sub_secrets(about: &About<'_>, resolved: &Resolved, value: &[u8], key: &Key) -> Vec<SubSecret> {
    let row = about.contract.row(resolved.id);
    let mut found: Vec<SubSecret> = Vec::new();
    let mut add = |what: &str, secret: &[u8]| {
        let fingerprint = key.fingerprint(secret);
        if found.iter().all(|known| known.fingerprint != fingerprint) {
            found.push(SubSecret { name: format!("{}#{what}", row.name), fingerprint });
        }
    };
    if let (Kind::Url { .. }, Some(password)) = (row.format.kind, url::password(value)) {
        add("password", password.expose());
    }
    for password in url::passwords(value) {
        add("password", password.expose());
    }
    let composed = resolved.winner().is_some_and(|seen| seen.source.kind == SourceKind::Template);
    let parts = row.template.filter(|_| composed).map(|template| template.parts);
    for &part in parts.into_iter().flatten() {
        let (part, value) = (about.contract.row(part), about.resolution.row(part).value());
        if let Some(value) = value.filter(|_| part.secret) {
            add(part.name, value.expose());
        }
    }
    found
}

/// What may be shown: a value that is no secret, the harmless pieces of a URL. A value that has an
/// error, accepted or not, is not shown: what was put there by mistake could be anything.
fn display<'a>(about: &'a About<'_>, id: RowId, value: &'a [u8]) -> Option<&'a str> {
    let row = about.contract.row(id);
    if let Kind::Url { .. } = row.format.kind {
        return about.displays.get(id);
    }
    let wrong = || {
        about.findings.iter().any(|finding| {
            (finding.severity == Severity::Error || finding.accepted.is_some())
                && finding.variable.as_deref() == Some(row.name)
        })
    };
    if row.secret || wrong() { None } else { std::str::from_utf8(value).ok() }
}
