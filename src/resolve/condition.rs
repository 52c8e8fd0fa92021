//! The contract's conditions over resolved values.

use super::Resolved;
use crate::contract::model::{Condition, RowId, Test};
use crate::secret::Secret;
use crate::validate::flag;

/// Whether the condition holds. Letters compare in any case (ASCII).
pub(super) fn holds(condition: &Condition, rows: &[Resolved]) -> bool {
    // Most conditions are lists of tests of absent variables, which are done without a call.
    let one = |condition: &Condition| match condition {
        Condition::Test(row, test) => passes(*row, test, rows),
        _ => holds(condition, rows),
    };
    match condition {
        Condition::Any(all) => all.iter().any(one),
        Condition::All(all) => all.iter().all(one),
        Condition::Not(condition) => !one(condition),
        Condition::Test(row, test) => passes(*row, test, rows),
    }
}

/// The variables whose values make a condition hold that does, each once.
pub(super) fn deciding(condition: &Condition, rows: &[Resolved], found: &mut Vec<RowId>) {
    match condition {
        Condition::Any(all) | Condition::All(all) => {
            for one in all.iter().filter(|one| holds(one, rows)) {
                deciding(one, rows, found);
            }
        }
        Condition::Not(one) => tested(one, found),
        Condition::Test(row, _) => add(*row, found),
    }
}

/// The variables that a condition asks for.
fn tested(condition: &Condition, found: &mut Vec<RowId>) {
    match condition {
        Condition::Any(all) | Condition::All(all) => all.iter().for_each(|one| tested(one, found)),
        Condition::Not(one) => tested(one, found),
        Condition::Test(row, _) => add(*row, found),
    }
}

fn add(row: RowId, found: &mut Vec<RowId>) {
    if !found.contains(&row) {
        found.push(row);
    }
}

/// Most variables are absent: what asks for one is to be short enough to stand in its caller.
#[inline(always)]
fn passes(row: RowId, test: &Test, rows: &[Resolved]) -> bool {
    match rows.get(usize::from(row.0)) {
        Some(row) if row.winner.is_some() => fits(test, row.value()),
        _ => matches!(test, Test::Set(false)),
    }
}

#[inline(never)]
fn fits(test: &Test, value: Option<&Secret>) -> bool {
    match (test, value.map(Secret::expose)) {
        (Test::Set(wanted), value) => value.is_some() == *wanted,
        (_, None) => false,
        (Test::Is(wanted), Some(value)) => flag::parse(value) == Some(*wanted),
        (Test::Equals(text), Some(value)) => equals(value, text),
        (Test::OneOf(texts), Some(value)) => texts.iter().any(|text| equals(value, text)),
        (Test::Contains(text), Some(value)) => {
            value.windows(text.len().max(1)).any(|part| part.eq_ignore_ascii_case(text.as_bytes()))
        }
    }
}

fn equals(value: &[u8], text: &str) -> bool {
    value.trim_ascii().eq_ignore_ascii_case(text.as_bytes())
}
