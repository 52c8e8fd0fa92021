//! Which rows want a value of their provider, and the resolution with what was answered.
//!
//! Whether a row is withheld depends on features, these on conditions, and those on values that a
//! provider may have. So everything is resolved without the providers first; what they answer can
//! make further rows want theirs, and each row is asked for once, which ends it.

use super::{MODE, ModeWish, Resolution, Resolved, State, TEMPLATE, derive, look};
use crate::contract::model::{Contract, Row, RowId};
use crate::resolve::FeatureState;
use crate::secret::Secret;
use crate::source::Candidate;

/// The last step before the providers: env files.
const LAST_BEFORE: u8 = 6;

impl Resolution {
    /// Whether what the row holds is of no consequence: its feature is off, or it is a part that
    /// feeds only variables that are withheld.
    pub fn withholds(&self, contract: &Contract, id: RowId) -> bool {
        let off = |row: &Row| row.feature.is_some_and(|it| self.feature(it) == FeatureState::Off);
        let row = contract.row(id);
        if !row.part {
            return off(row);
        }
        let mut users = users(contract, id).peekable();
        users.peek().is_some() && users.all(|(_, user)| off(user))
    }

    /// The rows that are not withheld and have a provider and no value of the sources before it. A
    /// part is wanted where a variable that it feeds is.
    pub fn wanted(&self, contract: &Contract) -> Vec<RowId> {
        let has_value = |id: RowId| {
            let winner = self.row(id).winner();
            winner.is_some_and(|seen| seen.rank != MODE && seen.rank.0 <= LAST_BEFORE)
        };
        let is_wanted = |&(id, row): &(RowId, &Row)| {
            row.fetch.is_some()
                && !has_value(id)
                && !self.withholds(contract, id)
                && (!row.part || users(contract, id).any(|(user, _)| !has_value(user)))
        };
        contract.rows().filter(is_wanted).map(|(id, _)| id).collect()
    }

    /// The same resolved anew with what providers answered.
    #[must_use]
    pub fn provided(
        self,
        contract: &Contract,
        candidates: Vec<(RowId, Candidate)>,
        wish: &ModeWish<'_>,
        generate: &mut dyn FnMut(&Row) -> Option<Secret>,
    ) -> Resolution {
        let mut rows = self.rows;
        for resolved in &mut rows {
            // What follows from the sources is made again.
            resolved.seen.retain(|seen| seen.rank != MODE && seen.rank < TEMPLATE);
            resolved.state = State::Absent;
            resolved.absent_parts.clear();
        }
        for (id, candidate) in candidates {
            if let Some(resolved) = rows.get_mut(usize::from(id.0)) {
                resolved.seen.push(look(contract, contract.row(id), candidate));
                resolved.seen.sort_by_key(|seen| seen.rank);
            }
        }
        rows.iter_mut().for_each(Resolved::choose);
        derive(contract, rows, wish, generate)
    }
}

/// The rows whose templates take this part.
pub fn users(
    contract: &Contract,
    id: RowId,
) -> impl Iterator<Item = (RowId, &'static Row)> + use<> {
    contract
        .rows()
        .filter(move |(_, row)| row.template.is_some_and(|template| template.parts.contains(&id)))
}
