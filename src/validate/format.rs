//! All that is said of one value: what it is made of, whether it is a real one, and its form.

use super::urls::not_a_url;
use super::{encoded, entropy, flag, log_filter, origins, placeholder, reference};
use crate::contract::model::{FinalNewline, Kind, List, Row, Str};
use crate::finding::{Code, Fact};
use crate::mode::Mode;
use crate::secret::is_space;
use crate::url::{Inspected, passwords, split_scheme};
use std::net::SocketAddr;

/// Judges one value by its row and calls `report` for each finding. The severity is decided
/// elsewhere, from the code's table and the row's overrides; no rule here depends on the mode
/// itself.
///
/// One cause is one finding: after surrounding space or quotes are reported the rest is judged
/// without them, and of a value that is not text, or that is an unresolved reference, nothing
/// else is said. Findings that an operator can accept one by one are all reported, lest one that
/// is accepted hides another. A blank value is not judged: it is absent, or the row allows it.
pub fn check(row: &Row, _mode: Mode, value: &[u8], report: &mut dyn FnMut(Code, Fact)) {
    check_inspected(row, value, None, report);
}

/// The same of a value that may have been read as a URL before, as a whole.
pub(super) fn check_inspected(
    row: &Row,
    value: &[u8],
    whole: Option<&Inspected<'_>>,
    report: &mut dyn FnMut(Code, Fact),
) {
    if value.contains(&0) {
        return report(Code::ContainsNul, Fact::Plain);
    }
    let Ok(text) = std::str::from_utf8(value) else {
        return report(Code::NotUtf8, Fact::Plain);
    };
    // The mode is read trimmed and from a closed set before any row is judged (`unknown-mode`).
    if trim(text).is_empty() || matches!(row.format.kind, Kind::ModeName) {
        return;
    }
    if let Some(most) = row.format.max_bytes.map(|most| most as usize)
        && value.len() > most
    {
        report(Code::TooLarge, Fact::More { bytes: Some(value.len()), most });
    }
    let text = check_edges(row, text, report);
    // What stands between the edges is another value.
    let whole = whole.filter(|_| text.len() == value.len());
    if reference::is_unresolved(row, text.as_bytes()) {
        return report(Code::UnresolvedReference, Fact::Plain);
    }
    let own;
    let inspected = match whole {
        None if is_url(row) || row.rejects.iter().any(|reject| reject.password) => {
            own = Inspected::new(text.as_bytes());
            Some(&own)
        }
        whole => whole,
    };
    check_public(row, text.as_bytes(), inspected, report);
    check_strength(row, text.as_bytes(), report);
    if let Some((code, fact)) = form_fault(row, text, inspected) {
        report(code, fact);
    }
}

/// The value as the program has to get it: `true` or `false` for a flag, the contract's spelling
/// for an enum. `None` where the value stays as it is, or is not valid.
pub fn canonical(row: &Row, value: &[u8]) -> Option<Vec<u8>> {
    let spelling = match row.format.kind {
        Kind::Flag => flag::canonical(flag::parse(value)?),
        Kind::Enum { values } => {
            // Of two that differ in case alone each stays what it is.
            if values.iter().any(|known| known.as_bytes() == value) {
                return None;
            }
            values.into_iter().find(|known| value.eq_ignore_ascii_case(known.as_bytes()))?
        }
        _ => return None,
    };
    (spelling.as_bytes() != value).then(|| spelling.as_bytes().to_vec())
}

fn trim(text: &str) -> &str {
    // Most values begin and end with what can be seen.
    let seen = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
    if seen(text.as_bytes().first()) && seen(text.as_bytes().last()) {
        return text;
    }
    text.trim_matches(is_space)
}

/// Reports surrounding space and quotes, and returns what is between them.
fn check_edges<'a>(row: &Row, text: &'a str, report: &mut dyn FnMut(Code, Fact)) -> &'a str {
    let mut text = text;
    let without = text.strip_suffix('\n').map(|rest| rest.strip_suffix('\r').unwrap_or(rest));
    if let Some(without) = without {
        match row.final_newline {
            FinalNewline::Keep => text = without,
            FinalNewline::RefuseNewline => {
                let words = "ends with a newline, which its contract row refuses";
                report(Code::BadFormat, Fact::Says(words));
                text = without;
            }
            FinalNewline::Strip => {}
        }
    }
    let trimmed = trim(text);
    if trimmed.len() != text.len() {
        let words = if text.starts_with('\u{feff}') {
            "begins with a byte order mark"
        } else if text.strip_suffix('\n').is_some_and(|rest| trim(rest).len() == rest.len()) {
            "ends with a newline"
        } else {
            "begins or ends with white space"
        };
        report(Code::SurroundingSpace, Fact::Says(words));
    }
    match unquoted(trimmed) {
        // Text for people, or a policy, may begin with one quoted word and end with another.
        Some((inner, repeated)) if row.secret || !repeated => {
            report(Code::SurroundingQuotes, Fact::Plain);
            trim(inner)
        }
        _ => trimmed,
    }
}

/// What stands between matching quotes, and whether the quotes occur in there too.
fn unquoted(text: &str) -> Option<(&str, bool)> {
    const PAIRS: [(char, char); 9] = [
        ('"', '"'),
        ('\'', '\''),
        ('`', '`'),
        ('\u{201c}', '\u{201d}'),
        ('\u{201e}', '\u{201c}'),
        ('\u{201d}', '\u{201d}'),
        ('\u{2018}', '\u{2019}'),
        ('\u{2019}', '\u{2019}'),
        ('\u{ab}', '\u{bb}'),
    ];
    // Every opening quote is one of these or above ASCII; few values begin with any.
    if !text.starts_with(|first: char| !first.is_ascii() || matches!(first, '"' | '\'' | '`')) {
        return None;
    }
    PAIRS.iter().find_map(|&(open, close)| {
        let inner = text.strip_prefix(open)?.strip_suffix(close)?;
        Some((inner, inner.contains([open, close])))
    })
}

fn is_url(row: &Row) -> bool {
    matches!(row.format.kind, Kind::Url { .. })
}

/// Whether the kind of value is one that can hold a secret; a flag cannot be a placeholder.
fn is_free(kind: Kind) -> bool {
    use Kind::{Ascii, Base64, Hex, Text, Url};
    matches!(kind, Text { .. } | Ascii | Hex { .. } | Base64 { .. } | Url { .. })
}

/// Values that the row rejects, and placeholders, each code once: what a contract rejects under a
/// milder code is no less public for that.
fn check_public(
    row: &Row,
    value: &[u8],
    inspected: Option<&Inspected<'_>>,
    report: &mut dyn FnMut(Code, Fact),
) {
    let mut said: Vec<Code> = Vec::new();
    let mut once = |code, words| {
        if !said.contains(&code) {
            said.push(code);
            report(code, Fact::Says(words));
        }
    };
    let judged = row.secret && is_free(row.format.kind);
    placeholder::rejections(row, value, false)
        .for_each(|reject| once(reject.code, placeholder::BURNT));
    if judged && placeholder::is_placeholder(value) {
        once(Code::Placeholder, placeholder::PLACEHOLDER);
    }
    for password in inspected.into_iter().flat_map(|it| &it.passwords) {
        placeholder::rejections(row, password.expose(), true)
            .for_each(|reject| once(reject.code, placeholder::BURNT_PASSWORD));
    }
    let passwords = inspected.into_iter().flat_map(|it| &it.passwords);
    if judged && passwords.into_iter().any(|one| placeholder::is_obvious(one.expose())) {
        once(Code::Placeholder, placeholder::PLACEHOLDER_PASSWORD);
    }
}

/// Whether a value is public by the contract's row, as a whole or as a URL's password. Such a
/// finding can never be accepted (interface section 2, `--accept`).
pub fn is_burnt(row: &Row, value: &[u8]) -> bool {
    placeholder::rejection(row, value, false).is_some()
        || row.rejects.iter().any(|reject| reject.password)
            && passwords(value)
                .iter()
                .any(|password| placeholder::rejection(row, password.expose(), true).is_some())
}

fn check_strength(row: &Row, value: &[u8], report: &mut dyn FnMut(Code, Fact)) {
    let format = &row.format;
    let least = format.min_bytes.map(|least| least as usize);
    if let Some(least) = least.filter(|&least| value.len() < least) {
        report(Code::TooShort, Fact::Fewer { bytes: value.len(), least });
    }
    let encoded = matches!(format.kind, Kind::Hex { .. } | Kind::Base64 { .. });
    let generated = row.secret && !row.part && !is_url(row) && (least.is_some() || encoded);
    if generated && let Some(words) = entropy::weakness(value) {
        report(Code::LowEntropy, Fact::Says(words));
    }
}

/// The first fault of the value's form.
fn form_fault(row: &Row, text: &str, inspected: Option<&Inspected<'_>>) -> Option<(Code, Fact)> {
    let bad = |words| Some((Code::BadFormat, Fact::Says(words)));
    let value = text.as_bytes();
    let fault = match row.format.kind {
        Kind::Text { single_line } => {
            let line_end = |c| matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
            // Most text is one line of printable ASCII and is known by one quick pass.
            let hit = |byte: u8| u8::from(byte < 0x20) | u8::from(byte > 0x7e);
            if value.iter().fold(0, |any, &byte| any | hit(byte)) == 0 {
                None
            } else if single_line && text.contains(line_end) {
                bad("has more than one line")
            } else if text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r')) {
                bad("has a control character")
            } else {
                None
            }
        }
        Kind::Ascii if !value.iter().all(|byte| (0x21..=0x7e).contains(byte)) => {
            bad("has a character other than printable ASCII without space")
        }
        Kind::Hex { bytes } => encoded::hex_fault(value, bytes).map(bad_format),
        Kind::Base64 { bytes } => encoded::base64_fault(value, bytes).map(bad_format),
        Kind::Url { .. } => url_fault(row, value, inspected?),
        Kind::Flag if flag::parse(value).is_none() => bad("is neither true nor false"),
        Kind::Integer { min, max } => integer_fault(text, min, max),
        Kind::SocketAddress if text.parse::<SocketAddr>().is_err() => {
            bad("is not IP:port or [IPv6]:port; a host name is not taken")
        }
        Kind::Origins => origins::fault(value).and_then(bad),
        Kind::LogFilter if !log_filter::is_valid(value) => {
            bad("is neither error, warn, info, debug, trace or off nor a list of target=level")
        }
        Kind::Enum { values } => {
            let known = values.iter().any(|known| text.eq_ignore_ascii_case(known));
            (!known).then_some((Code::BadFormat, Fact::Values(values.0)))
        }
        _ => None,
    };
    let wrong_start = |prefix: &str| !text.starts_with(prefix);
    fault.or_else(|| match row.format.prefix {
        Some(prefix) if wrong_start(prefix) => {
            bad("does not begin with the prefix that its contract row demands")
        }
        _ => None,
    })
}

fn bad_format(fact: Fact) -> (Code, Fact) {
    (Code::BadFormat, fact)
}

/// Decimal digits within bounds; a `-` where the least is negative, never a `+`.
fn integer_fault(text: &str, min: i64, max: i64) -> Option<(Code, Fact)> {
    let digits = text.strip_prefix('-').filter(|_| min < 0).unwrap_or(text);
    let number = text.parse::<i64>().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit()));
    match number {
        Some(number) if (min..=max).contains(&number) => None,
        _ => Some((Code::BadFormat, Fact::Bounds(min, max))),
    }
}

fn url_fault(row: &Row, value: &[u8], inspected: &Inspected<'_>) -> Option<(Code, Fact)> {
    let Kind::Url { schemes, loopback_schemes, user_info } = row.format.kind else { return None };
    let bad_scheme = Some((Code::BadScheme, Fact::Schemes(schemes.0)));
    let Some(url) = &inspected.url else {
        // `jdbc:postgresql://…` and the like: the scheme is what to correct first.
        let scheme = std::str::from_utf8(value).ok().and_then(split_scheme);
        let other = scheme.is_some_and(|(scheme, rest)| {
            let known = |list: List<Str>| list.iter().any(|one| scheme.eq_ignore_ascii_case(one));
            rest.contains("//") && !known(schemes) && !known(loopback_schemes)
        });
        return if other && !schemes.is_empty() {
            bad_scheme
        } else {
            Some((Code::BadFormat, Fact::Says(not_a_url(value))))
        };
    };
    if !schemes.is_empty() && !url.has_scheme(schemes.0) {
        if !url.has_scheme(loopback_schemes.0) {
            return bad_scheme;
        }
        if !url.is_loopback() {
            let words = "has a scheme that is taken for a loopback host alone";
            return Some((Code::BadScheme, Fact::Says(words)));
        }
    }
    if !user_info && url.user.is_some() {
        return Some((Code::BadFormat, Fact::Says("has user info, which has no place in it")));
    }
    None
}

#[cfg(test)]
mod tests;
