//! What is asked of a variable, every candidate source in order, which won, and which were passed
//! over and why. Like the manifest it has no place for a value.

mod text;

use crate::compose;
use crate::contract::model::{Kind, Role, Row, RowId};
use crate::contract::words;
use crate::launch::Launch;
use crate::manifest::{FindingRecord, Shown};
use crate::provider;
use crate::resolve::{Outcome, Resolved, Seen, State};
use crate::source::{Rank, SourceKind};
use serde::Serialize;

/// The version of the form, in every JSON document; `schemas/explain.schema.json` describes it.
pub const SCHEMA: &str = "nexis-launch/explain/v1";

/// Explanations of one or more variables.
#[derive(Debug, Serialize)]
pub struct Explanations {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The mode in force.
    pub mode: &'static str,
    /// What said so.
    pub mode_source: String,
    /// The variables and parts.
    pub variables: Vec<Explanation>,
}

/// One variable or part.
#[derive(Debug, Serialize)]
pub struct Explanation {
    /// Its exact name.
    pub name: &'static str,
    /// A part only feeds templates.
    pub part: bool,
    /// Higher-level names.
    pub aliases: Vec<&'static str>,
    /// Whether its value is never shown.
    pub secret: bool,
    /// The class whose rotation window applies.
    pub class: Option<&'static str>,
    /// The most days that a key of the class may live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation_days: Option<u32>,
    /// What it is for.
    pub purpose: &'static str,
    /// Who reads it.
    pub read_by: &'static str,
    /// When it is required.
    pub required: String,
    /// Its feature and that feature's state.
    pub feature: Option<String>,
    /// What it has to look like.
    pub format: String,
    /// Names of its file in a secrets or credentials directory, strongest first.
    pub files: Vec<&'static str>,
    /// `delivered`, `generated`, `withheld`, `absent` or `part`.
    pub state: &'static str,
    /// Every place it could come from, highest first.
    pub sources: Vec<Place>,
    /// The parts that its template lacks.
    pub absent_parts: Vec<&'static str>,
    /// What validation says about it.
    pub findings: Vec<FindingRecord>,
}

/// One place that a value could come from.
#[derive(Debug, Serialize)]
pub struct Place {
    /// The step of the order of precedence.
    pub step: u8,
    /// The source's kind.
    pub kind: &'static str,
    /// A variable's name or a path.
    pub name: Shown,
    /// Whether the value is the one that counts.
    pub used: bool,
    /// What came of it.
    pub result: String,
}

/// Explains the rows of `subject`: one name's, or all.
pub fn explain(launch: &Launch, subject: Option<RowId>) -> Explanations {
    let mode = &launch.survey.resolution.mode;
    let rows = launch.survey.resolution.rows.iter();
    let chosen = rows.filter(|resolved| subject.is_none_or(|id| id == resolved.id));
    Explanations {
        schema: SCHEMA,
        mode: mode.mode.name(),
        mode_source: mode.source.name.clone().into_owned(),
        variables: chosen.map(|resolved| one(launch, resolved)).collect(),
    }
}

impl Explanations {
    /// One JSON document.
    pub fn json(&self) -> String {
        let mut text = serde_json::to_string(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Text for people.
    pub fn text(&self) -> String {
        text::render(self)
    }
}

fn one(launch: &Launch, resolved: &Resolved) -> Explanation {
    let survey = &launch.survey;
    let (contract, resolution) = (survey.contract, &survey.resolution);
    let row = contract.row(resolved.id);
    let guard = launch.guard();
    let feature = row.feature.and_then(|id| {
        let feature = contract.features.get(usize::from(id.0))?;
        Some(format!("{} ({})", feature.name, resolution.feature(id).name()))
    });
    let mut files: Vec<_> = contract.files.iter().filter(|file| file.row == resolved.id).collect();
    files.sort_by_key(|file| file.rank);
    let findings = launch.verdict.findings.iter().filter(|finding| {
        let about = finding.variable.as_deref().unwrap_or_default();
        about.split('#').next() == Some(row.name)
    });
    Explanation {
        name: row.name,
        part: row.part,
        aliases: row.aliases.to_vec(),
        secret: row.secret,
        class: row.class,
        rotation_days: row.class.and_then(|class| contract.rotation_window(class)),
        purpose: row.purpose,
        read_by: row.read_by,
        required: words::required(contract, row),
        feature,
        format: words::format(row),
        files: files.into_iter().map(|file| file.name).collect(),
        state: match resolved.state {
            State::Delivered => "delivered",
            State::Generated => "generated",
            State::Withheld => "withheld",
            State::Absent => "absent",
            State::Part => "part",
        },
        sources: places(launch, row, resolved),
        absent_parts: resolved.absent_parts.iter().map(|&part| contract.row(part).name).collect(),
        findings: findings.map(|finding| FindingRecord::new(finding, guard)).collect(),
    }
}

/// Every place in the order of precedence: those that hold something, and between them those that
/// do not.
fn places(launch: &Launch, row: &'static Row, resolved: &Resolved) -> Vec<Place> {
    let survey = &launch.survey;
    let guard = launch.guard();
    let mut places: Vec<(Rank, Place)> = Vec::new();
    for (position, seen) in resolved.seen.iter().enumerate() {
        let source = guard.source(&seen.source);
        let used = resolved.winner == Some(position);
        let place = Place {
            step: seen.rank.0,
            kind: source.kind,
            name: source.name,
            used,
            result: result(resolved, seen, used),
        };
        places.push((seen.rank, place));
    }
    let mut absent = |rank: Rank, kind: SourceKind, name: Shown| {
        let result = "absent".to_owned();
        places.push((rank, Place { step: rank.0, kind: kind.name(), name, used: false, result }));
    };
    // Whatever its kind is called: a blank reference is an entry of the environment.
    let held = |rank: Rank| resolved.seen.iter().any(|seen| seen.rank == rank);
    let names = survey.contract.names.iter().filter(|known| known.row == resolved.id);
    for known in names {
        let (rank, kind) = match known.role {
            Role::AliasFile(place) => ((1, u16::from(place)), SourceKind::File),
            Role::OwnFile => ((1, 256), SourceKind::File),
            Role::Alias(place) => ((2, u16::from(place)), SourceKind::Env),
            Role::Own => ((3, 0), SourceKind::Env),
        };
        if !held(rank) {
            absent(rank, kind, Shown::own(known.name));
        }
    }
    let step_is_empty = |step: u8| !resolved.seen.iter().any(|seen| seen.rank.0 == step);
    if row.format.kind != Kind::ModeName {
        if step_is_empty(4) {
            absent((4, 0), SourceKind::Credential, Shown::own("$CREDENTIALS_DIRECTORY"));
        }
        if step_is_empty(5) {
            match &survey.settings.secrets_dirs {
                None => absent(
                    (5, 0),
                    SourceKind::SecretsDir,
                    Shown::own("/run/secrets/nexis, /run/secrets"),
                ),
                Some(dirs) => {
                    for (place, dir) in (0u16..).zip(dirs) {
                        absent(
                            (5, place),
                            SourceKind::SecretsDir,
                            guard.text(&dir.to_string_lossy()),
                        );
                    }
                }
            }
        }
    }
    if step_is_empty(6) {
        for (place, file) in (0u16..).zip(&survey.settings.env_files) {
            absent((6, place), SourceKind::EnvFile, guard.text(&file.to_string_lossy()));
        }
    }
    if let (Some(template), true) = (row.template, step_is_empty(8)) {
        let shown = compose::shown(survey.contract, &template);
        absent((8, 0), SourceKind::Template, guard.text(&shown));
    }
    if row.generate.is_some() && step_is_empty(10) {
        absent((10, 0), SourceKind::Generator, Shown::own("in development only"));
    }
    let provider = row.fetch.and_then(|fetch| survey.contract.provider(fetch.provider));
    if let (Some(provider), true) = (provider, step_is_empty(7)) {
        let result = match resolved.winner() {
            _ if survey.resolution.withholds(survey.contract, resolved.id) => "not asked: withheld",
            Some(seen) if seen.rank < provider::RANK => "not asked: another source has a value",
            _ => "absent",
        };
        let (step, kind) = (provider::RANK.0, SourceKind::Provider.name());
        let (name, result) = (Shown::own(provider.name), result.to_owned());
        places.push((provider::RANK, Place { step, kind, name, used: false, result }));
    }
    if row.default.is_some() && step_is_empty(9) {
        let (name, result) = (Shown::own("contract"), "passed over: another source has a value");
        let (kind, result) = (SourceKind::Default.name(), result.to_owned());
        places.push(((9, 0), Place { step: 9, kind, name, used: false, result }));
    }
    places.sort_by_key(|(rank, _)| *rank);
    places.into_iter().map(|(_, place)| place).collect()
}

fn result(resolved: &Resolved, seen: &Seen, used: bool) -> String {
    match (&seen.outcome, used, resolved.state) {
        (Outcome::Value { .. }, true, State::Withheld) => "would be used; withheld".to_owned(),
        (Outcome::Value { newline_removed: true, .. }, true, _) => {
            "used, newline removed".to_owned()
        }
        (Outcome::Value { .. }, true, _) => "used".to_owned(),
        (Outcome::Value { secret, .. }, false, _) => {
            let same = resolved.value().is_some_and(|value| value.same_as(secret));
            if same { "passed over: the same value" } else { "passed over: another value" }
                .to_owned()
        }
        (Outcome::Blank, ..) => "passed over: blank".to_owned(),
        (Outcome::Failed(code, _), ..) => format!("passed over: {}", code.name()),
    }
}
