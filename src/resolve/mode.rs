//! Which mode is in force, and what about it has to be said.

use super::{ModeWish, Resolved};
use crate::contract::model::{Contract, Kind};
use crate::mode::Mode;
use crate::settings::ModeOrigin;
use crate::source::{Source, SourceKind};

/// The mode in force.
#[derive(Clone, Debug)]
pub struct InForce {
    /// The mode everything is judged in.
    pub mode: Mode,
    /// What said so; its kind is always [`SourceKind::Mode`].
    pub source: Source,
    /// What said so says no mode; the rest is judged as production.
    pub unknown: bool,
    /// Nothing says the mode.
    pub unset: bool,
    /// A stricter mode that a candidate of NEXIS_ENV asks for (`None`: it says no mode, which is
    /// judged as production), and whether the command line overruled it.
    pub stricter: Option<(Option<Mode>, bool)>,
}

/// Decides: the option, the setting, NEXIS_ENV, else production.
pub(super) fn decide(contract: &Contract, rows: &[Resolved], wish: &ModeWish<'_>) -> InForce {
    let row = rows
        .iter()
        .find(|resolved| matches!(contract.row(resolved.id).format.kind, Kind::ModeName));
    let from_row =
        row.and_then(|resolved| Some((contract.row(resolved.id).name, resolved.value()?.expose())));
    let blank = |text: &[u8]| text.trim_ascii().is_empty();
    let environment = from_row
        .or_else(|| wish.environment.map(|text| ("NEXIS_ENV", text)))
        .filter(|(_, text)| !blank(text));
    let parse = |text| Mode::parse(text, &contract.mode_names);
    // Every candidate: what one source asks for, a laxer one that stands above it overrules as a
    // setting does.
    let candidates = row.into_iter().flat_map(|resolved| &resolved.seen);
    let candidates = candidates.filter_map(|seen| Some(seen.value()?.expose()));
    let asked = environment
        .map(|(_, text)| text)
        .into_iter()
        .chain(candidates.filter(|text| !blank(text)))
        .map(parse)
        .max_by_key(|asked| asked.unwrap_or(Mode::Production));
    let (name, text, by_command_line) = match (wish.wish, environment) {
        (Some((text, ModeOrigin::CommandLine)), _) => ("--mode", text, true),
        (Some((text, ModeOrigin::Setting)), _) => ("NEXIS_LAUNCH_MODE", text, false),
        (None, Some((name, text))) => (name, text, false),
        (None, None) => {
            return InForce {
                mode: Mode::Production,
                source: Source::new(SourceKind::Mode, "unset"),
                unknown: false,
                unset: true,
                stricter: None,
            };
        }
    };
    let said = parse(text);
    let mode = said.unwrap_or(Mode::Production);
    InForce {
        mode,
        source: Source::new(SourceKind::Mode, name),
        unknown: said.is_none(),
        unset: false,
        stricter: asked
            .filter(|asked| asked.unwrap_or(Mode::Production) > mode)
            .map(|asked| (asked, by_command_line)),
    }
}
