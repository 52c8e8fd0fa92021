//! Precedence and conflicts, in one place. Pure: every row gets its candidates in order and a
//! winner; nothing fails early, nothing is read.

mod condition;
mod mode;
mod provided;

pub use mode::InForce;
pub use provided::users;

use crate::compose::{self, Found};
use crate::contract::model::{Contract, FeatureId, FinalNewline, Kind, Row, RowId, Template};
use crate::finding::{Code, Fact};
use crate::mode::Mode;
use crate::secret::Secret;
use crate::settings::ModeOrigin;
use crate::source::file::VALUE_LIMIT;
use crate::source::{Candidate, Rank, Source, SourceKind};
use crate::validate::format::canonical;
use std::borrow::Cow;
use std::path::PathBuf;

/// The steps of the interface's section 3 that follow the sources read from the world.
const TEMPLATE: Rank = (8, 0);
const DEFAULT: Rank = (9, 0);
const GENERATOR: Rank = (10, 0);
/// The mode's canonical name stands above every candidate of its row.
const MODE: Rank = (0, 0);

/// What a source turned out to hold.
#[derive(Debug)]
pub enum Outcome {
    /// A value, and whether one final newline was taken off it.
    Value {
        /// The bytes that count.
        secret: Secret,
        /// One final newline was taken off.
        newline_removed: bool,
    },
    /// Nothing but white space: counts as absent.
    Blank,
    /// It could not be read.
    Failed(Code, Fact),
}

/// One candidate of a row.
#[derive(Debug)]
pub struct Seen {
    /// Where it is.
    pub source: Source,
    /// Its place in the order.
    pub rank: Rank,
    /// The file behind it.
    pub path: Option<PathBuf>,
    /// What it holds.
    pub outcome: Outcome,
    /// A value that was read and that its row refuses: no value, and hidden as one.
    pub refused: Option<Box<Secret>>,
}

impl Seen {
    /// The value, if it holds one.
    pub fn value(&self) -> Option<&Secret> {
        match &self.outcome {
            Outcome::Value { secret, .. } => Some(secret),
            _ => None,
        }
    }

    /// Whether it takes part in conflicts: a source of the operator's, or the template.
    fn is_statement(&self) -> bool {
        (1..=6).contains(&self.rank.0) || self.rank == TEMPLATE
    }
}

/// What becomes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It reaches the program.
    Delivered,
    /// It was generated for this process.
    Generated,
    /// Its feature is off.
    Withheld,
    /// It has no value.
    Absent,
    /// A part with a value, which feeds templates only.
    Part,
}

/// A row with its candidates.
#[derive(Debug)]
pub struct Resolved {
    /// The row.
    pub id: RowId,
    /// Its candidates, strongest first.
    pub seen: Vec<Seen>,
    /// The one that counts, among `seen`.
    pub winner: Option<usize>,
    /// What becomes of it.
    pub state: State,
    /// The parts its template lacks, where no other source has a value.
    pub absent_parts: Vec<RowId>,
}

impl Resolved {
    /// The candidate that counts.
    pub fn winner(&self) -> Option<&Seen> {
        self.seen.get(self.winner?)
    }

    /// The value that counts.
    pub fn value(&self) -> Option<&Secret> {
        self.winner()?.value()
    }

    fn choose(&mut self) {
        self.winner = self.seen.iter().position(|seen| seen.value().is_some());
    }

    fn push(
        &mut self,
        kind: SourceKind,
        name: impl Into<Cow<'static, str>>,
        rank: Rank,
        secret: Secret,
    ) {
        let outcome = Outcome::Value { secret, newline_removed: false };
        let seen =
            Seen { source: Source::new(kind, name), rank, path: None, outcome, refused: None };
        if self.seen.is_empty() {
            self.seen = vec![seen];
            self.winner = Some(0);
            return;
        }
        self.seen.push(seen);
        self.seen.sort_by_key(|seen| seen.rank);
        self.choose();
    }

    /// The candidates whose values differ from the winner's, among those that are statements of
    /// the operator's. Values compare as the program would get them.
    pub fn conflicts<'a>(
        &'a self,
        contract: &'a Contract,
    ) -> impl Iterator<Item = (&'a Seen, &'a Seen)> {
        let row = contract.row(self.id);
        let first = self.seen.iter().find(|seen| seen.is_statement() && seen.value().is_some());
        self.seen.iter().filter_map(move |seen| {
            let (first, one) = (first?, first?.value()?);
            let other = seen.value()?;
            let differs = seen.is_statement() && !same(contract, row, one, other);
            differs.then_some((first, seen))
        })
    }
}

/// Whether two values mean the same to the program.
fn same(contract: &Contract, row: &Row, one: &Secret, other: &Secret) -> bool {
    if one.same_as(other) {
        return true;
    }
    let (one, other) = (one.expose(), other.expose());
    if matches!(row.format.kind, Kind::ModeName) {
        let mode = |text| Mode::parse(text, &contract.mode_names);
        return mode(one).is_some() && mode(one) == mode(other);
    }
    match (canonical(row, one), canonical(row, other)) {
        (None, None) => false,
        (one_form, other_form) => {
            one_form.as_deref().unwrap_or(one) == other_form.as_deref().unwrap_or(other)
        }
    }
}

/// Whether a feature is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureState {
    /// Its variables are required.
    On,
    /// Its variables are withheld.
    Off,
    /// Its variables are delivered where they have a value.
    Auto,
}

impl FeatureState {
    /// The word in manifests.
    pub const fn name(self) -> &'static str {
        match self {
            FeatureState::On => "on",
            FeatureState::Off => "off",
            FeatureState::Auto => "auto",
        }
    }
}

/// Every row with its candidates and winner.
#[derive(Debug)]
pub struct Resolution {
    /// The mode and where it came from.
    pub mode: InForce,
    /// By row index.
    pub rows: Vec<Resolved>,
    /// By feature index.
    pub features: Vec<FeatureState>,
    /// The rows that have a value, in their order: mostly few of all.
    with_value: Vec<RowId>,
}

/// What the mode is taken from besides the contract's mode variable.
pub struct ModeWish<'a> {
    /// The option or setting.
    pub wish: Option<(&'a [u8], ModeOrigin)>,
    /// NEXIS_ENV, where the contract has no row for it.
    pub environment: Option<&'a [u8]>,
}

impl Resolution {
    /// The row's resolution.
    pub fn row(&self, id: RowId) -> &Resolved {
        match self.rows.get(usize::from(id.0)) {
            Some(row) => row,
            None => unreachable!("row index outside the contract"),
        }
    }

    /// The rows that have a value, in the contract's order.
    pub fn with_value(&self) -> impl Iterator<Item = &Resolved> {
        self.with_value.iter().map(|&id| self.row(id))
    }

    /// The feature's state.
    pub fn feature(&self, id: FeatureId) -> FeatureState {
        self.features.get(usize::from(id.0)).copied().unwrap_or(FeatureState::Auto)
    }

    /// Whether the contract's condition holds for the resolved values.
    pub fn holds(&self, condition: &crate::contract::model::Condition) -> bool {
        condition::holds(condition, &self.rows)
    }

    /// The variables whose values make a condition hold that does, each once.
    pub fn deciding(&self, condition: &crate::contract::model::Condition) -> Vec<RowId> {
        let mut found = Vec::new();
        condition::deciding(condition, &self.rows, &mut found);
        found
    }
}

/// Resolves every row of `contract` from the candidates that were read. `generate` makes an
/// ephemeral value where a row has a generator and the mode is development.
pub fn resolve(
    contract: &Contract,
    candidates: Vec<Vec<Candidate>>,
    wish: &ModeWish<'_>,
    generate: &mut dyn FnMut(&Row) -> Option<Secret>,
) -> Resolution {
    let mut candidates = candidates.into_iter();
    let rows: Vec<Resolved> = contract
        .rows()
        .map(|(id, row)| {
            let mut resolved = Resolved {
                id,
                seen: Vec::new(),
                winner: None,
                state: State::Absent,
                absent_parts: Vec::new(),
            };
            // Most rows have none.
            if let Some(found) = candidates.next().filter(|found| !found.is_empty()) {
                resolved.seen =
                    found.into_iter().map(|candidate| look(contract, row, candidate)).collect();
                resolved.choose();
            }
            resolved
        })
        .collect();
    derive(contract, rows, wish, generate)
}

/// Mode, defaults, templates, features and states, which follow from the sources' candidates.
fn derive(
    contract: &Contract,
    mut rows: Vec<Resolved>,
    wish: &ModeWish<'_>,
    generate: &mut dyn FnMut(&Row) -> Option<Secret>,
) -> Resolution {
    let mode = mode::decide(contract, &rows, wish);
    let mut waiting = Vec::new();
    for (row, resolved) in contract.rows.into_iter().zip(&mut rows) {
        if let Some(template) = &row.template {
            waiting.push((resolved.id, template));
        }
        if matches!(row.format.kind, Kind::ModeName) {
            let name = Secret::new(mode.mode.name().as_bytes().to_vec());
            resolved.push(SourceKind::Mode, "", MODE, name);
            if let Some(seen) = resolved.seen.first_mut() {
                seen.source = mode.source.clone();
            }
        } else if row.template.is_none() && row.default.is_some() {
            apply_default(row, resolved);
        }
    }
    compose_all(contract, &mut rows, waiting);
    let forced = contract.policy.features_off;
    let features = (0u16..)
        .map(FeatureId)
        .zip(contract.features)
        .map(|(id, feature)| {
            let holds = |condition: &Option<_>| {
                condition.as_ref().is_some_and(|condition| condition::holds(condition, &rows))
            };
            if forced.contains(&id) || holds(&feature.off) {
                FeatureState::Off
            } else if holds(&feature.on) {
                FeatureState::On
            } else {
                FeatureState::Auto
            }
        })
        .collect();
    let with_value = Vec::with_capacity(rows.len());
    let mut resolution = Resolution { mode, rows, features, with_value };
    settle(contract, &mut resolution, generate);
    resolution
}

/// Takes a file's final newline off where the row says so, and sees what is blank.
fn look(contract: &Contract, row: &Row, candidate: Candidate) -> Seen {
    let Candidate { source, rank, content, path } = candidate;
    // An env file holds values and names files; only the latter have a path behind them.
    let from_file = path.is_some()
        || matches!(
            source.kind,
            SourceKind::File | SourceKind::Credential | SourceKind::SecretsDir
        )
        // Of a provider's output all is the value, or the value is a string that is marked off.
        || source.kind == SourceKind::Provider && contract.fetches_raw(row);
    let mut refused = None;
    let mut outcome = match content {
        Err((code, fact)) => Outcome::Failed(code, fact),
        Ok(secret) if !row.blank_allowed && secret.is_blank() => Outcome::Blank,
        Ok(mut secret) => match row.final_newline {
            FinalNewline::Strip if from_file => {
                let newline_removed = secret.strip_final_newline();
                Outcome::Value { secret, newline_removed }
            }
            FinalNewline::RefuseNewline if from_file && secret.expose().ends_with(b"\n") => {
                let fact = Fact::Says("ends with a newline, which its contract row refuses");
                secret.strip_final_newline();
                refused = Some(Box::new(secret));
                Outcome::Failed(Code::BadFormat, fact)
            }
            _ => Outcome::Value { secret, newline_removed: false },
        },
    };
    // What was read leaves room for a newline, which has to be gone.
    if let Outcome::Value { secret, .. } = &outcome
        && from_file
        && secret.len() > VALUE_LIMIT
    {
        outcome = Outcome::Failed(Code::TooLarge, Fact::More { bytes: None, most: VALUE_LIMIT });
    }
    Seen { source, rank, path, outcome, refused }
}

fn apply_default(row: &Row, resolved: &mut Resolved) {
    if let (None, Some(default)) = (resolved.winner, row.default) {
        let secret = Secret::new(default.as_bytes().to_vec());
        resolved.push(SourceKind::Default, "contract", DEFAULT, secret);
    }
}

/// Composes every template, those that others refer to first. The contract has no cycle; were
/// there one, its templates would be left out.
fn compose_all(
    contract: &Contract,
    rows: &mut [Resolved],
    mut waiting: Vec<(RowId, &'static Template)>,
) {
    while !waiting.is_empty() {
        let unresolved: Vec<RowId> = waiting.iter().map(|&(id, _)| id).collect();
        let (ready, later): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|(_, template)| {
            !template.parts.iter().any(|part| unresolved.contains(part))
        });
        if ready.is_empty() {
            return;
        }
        for (id, template) in ready {
            compose_one(contract, rows, id, template);
        }
        waiting = later;
    }
}

fn compose_one(contract: &Contract, rows: &mut [Resolved], id: RowId, template: &'static Template) {
    // A template is tried where somebody set one of its parts; defaults alone ask for nothing.
    let asked = template.parts.iter().any(|&part| {
        rows.get(usize::from(part.0))
            .and_then(Resolved::winner)
            .is_some_and(|seen| seen.rank < DEFAULT)
    });
    let composed = asked.then(|| {
        // A flag or one of an enumeration is composed as it would be delivered.
        let canonical = |&part: &RowId| {
            let value = rows.get(usize::from(part.0))?.value()?;
            Some((part, Secret::new(canonical(contract.row(part), value.expose())?)))
        };
        let canonical: Vec<(RowId, Secret)> = template.parts.iter().filter_map(canonical).collect();
        compose::render(template, &|part| {
            let seen = rows.get(usize::from(part.0))?.winner()?;
            let form = canonical.iter().find(|(id, _)| *id == part).map(|(_, form)| form);
            let value = form.or(seen.value())?.expose();
            Some(Found { value, is_default: seen.rank >= DEFAULT })
        })
    });
    let Some(resolved) = rows.get_mut(usize::from(id.0)) else { return };
    match composed {
        Some(Ok(secret)) => {
            let shown = compose::shown(contract, template);
            resolved.push(SourceKind::Template, shown, TEMPLATE, secret);
        }
        Some(Err(absent)) if resolved.winner.is_none() => resolved.absent_parts = absent,
        _ => {}
    }
    apply_default(contract.row(id), resolved);
}

/// Decides what becomes of each row.
fn settle(
    contract: &Contract,
    resolution: &mut Resolution,
    generate: &mut dyn FnMut(&Row) -> Option<Secret>,
) {
    let features = std::mem::take(&mut resolution.features);
    for (row, resolved) in contract.rows.into_iter().zip(&mut resolution.rows) {
        if resolved.winner.is_none() && row.generate.is_none() {
            // It stays absent.
            continue;
        }
        let off = row.feature.is_some_and(|feature| {
            features.get(usize::from(feature.0)) == Some(&FeatureState::Off)
        });
        // A template that lacks parts was meant to be the value: a generated one would hide it.
        let may_generate = resolved.winner.is_none()
            && resolved.absent_parts.is_empty()
            && !off
            && resolution.mode.mode == Mode::Development
            && !resolved.seen.iter().any(|seen| matches!(seen.outcome, Outcome::Failed(..)));
        let generated = match row.generate {
            Some(_) if may_generate => generate(row),
            _ => None,
        };
        resolved.state = match (resolved.winner, generated) {
            (_, Some(secret)) => {
                resolved.push(SourceKind::Generator, "operating system", GENERATOR, secret);
                State::Generated
            }
            (None, None) => State::Absent,
            (Some(_), None) if off => State::Withheld,
            (Some(_), None) if row.part => State::Part,
            (Some(_), None) => State::Delivered,
        };
        if resolved.winner.is_some() {
            resolution.with_value.push(resolved.id);
        }
    }
    resolution.features = features;
}
