//! The contract's conditions over resolved values.

use super::Resolved;
use crate::contract::model::{Condition, Test};
use crate::validate::flag;

/// Whether the condition holds. Letters compare in any case (ASCII).
pub(super) fn holds(condition: &Condition, rows: &[Resolved]) -> bool {
    match condition {
        Condition::Any(all) => all.iter().any(|one| holds(one, rows)),
        Condition::All(all) => all.iter().all(|one| holds(one, rows)),
        Condition::Not(one) => !holds(one, rows),
        Condition::Test(row, test) => {
            let value = rows.get(usize::from(row.0)).and_then(Resolved::value);
            match (test, value.map(|value| value.expose())) {
                (Test::Set(wanted), value) => value.is_some() == *wanted,
                (_, None) => false,
                (Test::Is(wanted), Some(value)) => flag::parse(value) == Some(*wanted),
                (Test::Equals(text), Some(value)) => equals(value, text),
                (Test::OneOf(texts), Some(value)) => texts.iter().any(|text| equals(value, text)),
                (Test::Contains(text), Some(value)) => value
                    .windows(text.len().max(1))
                    .any(|part| part.eq_ignore_ascii_case(text.as_bytes())),
            }
        }
    }
}

fn equals(value: &[u8], text: &str) -> bool {
    value.trim_ascii().eq_ignore_ascii_case(text.as_bytes())
}
