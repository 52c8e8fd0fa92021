//! When a launch is, and the id that its records share.

use crate::generate;
use jiff::Timestamp;

/// Id and time of a launch.
#[derive(Clone, Debug)]
pub struct Moment {
    /// A ULID.
    pub id: String,
    /// UTC, RFC 3339, whole seconds.
    pub time: String,
    /// The day in UTC.
    pub day: jiff::civil::Date,
}

/// The day in UTC.
pub fn today() -> jiff::civil::Date {
    day(Timestamp::now())
}

fn day(now: Timestamp) -> jiff::civil::Date {
    jiff::tz::Offset::UTC.to_datetime(now).date()
}

impl Moment {
    pub(super) fn now() -> Self {
        let now = Timestamp::now();
        let whole = Timestamp::from_second(now.as_second()).unwrap_or(now);
        Moment {
            id: generate::ulid(u64::try_from(now.as_millisecond()).unwrap_or(0)),
            time: whole.to_string(),
            day: day(now),
        }
    }
}
