//! How old a value is, and how old it may become.

use crate::contract::builtin;
use crate::contract::model::Contract;
use crate::ledger::state::Value;
use jiff::ToSpan;
use jiff::civil::Date;

/// A rotation is due when this much of the time is over, in fifths: the last fifth is for doing it.
const FIFTHS: i64 = 4;

/// The most days between two rotations of a class; `None` where the class has none.
///
/// The contract's own window, else that of the built-in contract, which has the maxima of the
/// project's key-management page (gateway contract, section 5): a key of a known class has a window
/// whichever contract it belongs to, and if to none.
pub fn window(contract: &Contract, class: &str) -> Option<i64> {
    let own = contract.rotation_window(class);
    own.or_else(|| builtin::CONTRACT.rotation_window(class)).map(i64::from)
}

/// Where a value stands in its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Nothing to do.
    Fresh,
    /// The last fifth of its time has begun.
    Due,
    /// Its time is over.
    Overdue,
}

/// What ends a value's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The window of its class.
    Window,
    /// It ends by itself.
    Expires,
    /// It has a successor, and this is the end of the migration window.
    RevokeBy,
}

/// A value's age on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Age {
    /// The day it was made.
    pub created: Date,
    /// Days since then; 0 for a day that is yet to come.
    pub days: i64,
    /// The last day that it may be in use, and why; none where nothing limits it.
    pub last: Option<(Date, End)>,
    /// Where that leaves it.
    pub standing: Standing,
}

/// The age of a value whose class has this window. `None` where nothing says when it was made.
pub fn age(value: &Value, window: Option<i64>, today: Date) -> Option<Age> {
    let created = value.created?;
    let of_window = window.and_then(|days| created.checked_add(days.days()).ok());
    let ends = [
        of_window.map(|day| (day, End::Window)),
        value.expires.map(|day| (day, End::Expires)),
        value.revoke_by.map(|day| (day, End::RevokeBy)),
    ];
    let last = ends.into_iter().flatten().min_by_key(|(day, _)| *day);
    let days = days_between(created, today).max(0);
    let standing = match last {
        Some((last, _)) if today > last => Standing::Overdue,
        Some((last, _)) if 5 * days >= FIFTHS * days_between(created, last) => Standing::Due,
        _ => Standing::Fresh,
    };
    Some(Age { created, days, last, standing })
}

/// The days from one to the other.
pub fn days_between(from: Date, to: Date) -> i64 {
    from.until(to).map_or(0, |span| i64::from(span.get_days()))
}

#[cfg(test)]
mod tests {
    use super::{Age, End, Standing, age, builtin, window};
    use crate::contract;
    use crate::contract::model::Origin;
    use crate::ledger::state::Value;
    use jiff::civil::{Date, date};
    use std::path::Path;

    fn on(day: Date, value: Value) -> Age {
        age(&value, Some(90), day).unwrap()
    }

    fn made() -> Value {
        Value { created: Some(date(2026, 1, 1)), ..Value::default() }
    }

    #[test]
    fn the_last_fifth_of_the_window_is_due_and_the_day_after_it_overdue() {
        for (day, days, standing) in [
            (date(2025, 12, 1), 0, Standing::Fresh),
            (date(2026, 1, 1), 0, Standing::Fresh),
            (date(2026, 3, 13), 71, Standing::Fresh),
            (date(2026, 3, 14), 72, Standing::Due),
            (date(2026, 4, 1), 90, Standing::Due),
            (date(2026, 4, 2), 91, Standing::Overdue),
        ] {
            let age = on(day, made());
            assert_eq!((age.days, age.standing), (days, standing), "{day}");
            assert_eq!(age.last, Some((date(2026, 4, 1), End::Window)));
        }
    }

    #[test]
    fn a_window_is_the_contracts_own_or_the_known_maximum() {
        let text = "version: 1\nname: x\npolicy: {rotation: {jwt-signing: 30d, ci-token: 7d}}";
        let origin = Origin::File("x.yaml");
        let own = contract::parse(text, Path::new("x.yaml"), origin).unwrap();
        for (class, days) in [
            ("jwt-signing", Some(30)),
            ("ci-token", Some(7)),
            ("provider-api-key", Some(90)),
            ("webhook-hmac", Some(90)),
            ("database", Some(90)),
            ("encryption", Some(180)),
            ("another", None),
        ] {
            assert_eq!(window(&own, class), days, "{class}");
        }
        assert_eq!(window(&builtin::CONTRACT, "jwt-signing"), Some(90));
    }

    #[test]
    fn the_earliest_end_counts() {
        let mut value = made();
        value.expires = Some(date(2026, 2, 1));
        let age = on(date(2026, 2, 2), value.clone());
        assert_eq!(age.last, Some((date(2026, 2, 1), End::Expires)));
        assert_eq!(age.standing, Standing::Overdue);
        value.revoke_by = Some(date(2026, 1, 15));
        assert_eq!(on(date(2026, 1, 16), value).last, Some((date(2026, 1, 15), End::RevokeBy)));
    }

    #[test]
    fn without_a_window_nothing_is_due() {
        let age = age(&made(), None, date(2036, 1, 1)).unwrap();
        assert_eq!((age.last, age.standing), (None, Standing::Fresh));
    }
}
