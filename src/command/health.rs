//! `health`: whether the program answers, for a container's HEALTHCHECK or an exec probe.

use super::{Ending, print};
use crate::cli;
use crate::error::{Error, Status};
use crate::health::{Header, Target, ask};
use std::time::Duration;

/// How long all of it may take where nothing is said.
const USUAL: Duration = Duration::from_secs(2);
/// A probe that takes longer is none.
const LONGEST: Duration = Duration::from_secs(300);

/// Asks once and says the status of the answer.
pub(super) fn health(options: cli::Health) -> Ending {
    let mut wrong = Vec::new();
    let mut note = |error| wrong.push(error);
    let target = Target::parse(&options.url).map_err(&mut note).ok();
    let mut headers = Vec::with_capacity(options.header.len());
    for header in &options.header {
        match Header::parse(header) {
            Some(header) => headers.push(header),
            None => note(
                Error::new(
                    Status::Usage,
                    "cannot take the value given for --header: not NAME: VALUE",
                )
                .hint("write --header 'X-Forwarded-Proto: https'"),
            ),
        }
    }
    let time = options.timeout.map_or(Some(USUAL), |text| duration(&text));
    if time.is_none() {
        let error = "cannot take the value given for --timeout: not a time of up to 300 s";
        note(Error::new(Status::Usage, error).hint("write --timeout 2s or --timeout 500ms"));
    }
    let (Some(target), Some(time), true) = (target, time, wrong.is_empty()) else {
        return Err(wrong);
    };
    let status = ask(&target, &headers, time).map_err(|error| vec![error])?;
    if let 200..=299 = status {
        return print(&format!("{status}\n"));
    }
    let place = target.shown();
    let error =
        Error::new(Status::Unhealthy, format!("cannot find {place} healthy: it answered {status}"));
    Err(vec![match status {
        300..=399 => error.hint(
            "redirects are not followed; where the program sends plain HTTP on to HTTPS, add \
             --header 'X-Forwarded-Proto: https'",
        ),
        _ => error,
    }])
}

/// `2`, `2s` or `500ms`.
fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let (digits, unit) = match text.strip_suffix("ms") {
        Some(digits) => (digits, 1),
        None => (text.strip_suffix('s').unwrap_or(text), 1000),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let time = Duration::from_millis(digits.parse::<u64>().ok()?.checked_mul(unit)?);
    (!time.is_zero() && time <= LONGEST).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::duration;
    use std::time::Duration;

    #[test]
    fn a_time_is_seconds_or_milliseconds_within_bounds() {
        for (text, expected) in [
            ("2", Some(2000)),
            ("2s", Some(2000)),
            ("500ms", Some(500)),
            ("300", Some(300_000)),
            ("0", None),
            ("301", None),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1m", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(duration(text), expected.map(Duration::from_millis), "{text}");
        }
    }
}
