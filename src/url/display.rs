//! What of a secret URL may be shown.

use super::{Inspected, decode};
use crate::contract::model::Display;
use crate::output::push_number;
use zeroize::Zeroizing;

const REDACTED: &str = "[redacted]";

/// Query names whose values are one of a few words, or a name.
const WORDS: [&str; 4] = ["sslmode", "ssl-mode", "ssl_mode", "application_name"];

/// Query names whose values are a number.
const NUMBERS: [&str; 14] = [
    "connect_timeout",
    "pool_size",
    "pool-size",
    "max_pool_size",
    "min_pool_size",
    "maxpoolsize",
    "minpoolsize",
    "pool_max_conns",
    "pool_min_conns",
    "max_connections",
    "min_connections",
    "connection_limit",
    "pool_timeout",
    "pool_max_size",
];

/// As many bytes as most of what is shown takes.
const SHOWN: usize = 128;

/// Sub-secrets of fewer bytes are not looked for (interface section 1): they occur by chance.
const SEARCHED: usize = 8;

/// The most passwords that are looked for in what is shown, each in the whole of it.
const PASSWORDS: usize = 32;

/// The URL as it may stand in a manifest (interface section 6): scheme, host, port, path, and
/// query values known to be harmless; the whole user info, the other query values and the
/// fragment redacted. Host and path only for a database's scheme or where the contract says
/// `display: location`.
///
/// `None` for what does not parse, where the shown text would hold the password all the same
/// (a database named after it), and where it has more passwords than anybody gives one.
pub fn display(value: &[u8], how: Display) -> Option<String> {
    display_inspected(&Inspected::new(value), how)
}

/// The same of a value that was read before.
pub fn display_inspected(inspected: &Inspected<'_>, how: Display) -> Option<String> {
    let Inspected { url, passwords } = inspected;
    let url = url.as_ref().filter(|_| passwords.len() <= PASSWORDS)?;
    let mut shown = String::with_capacity(SHOWN);
    if how == Display::Auto && !url.is_database() {
        shown.push_str(url.scheme);
        shown.push_str("://");
        shown.push_str(REDACTED);
    } else if url.has_late_at() {
        return None;
    } else {
        location(url, &mut shown);
    }
    let plain = shown.contains('%').then(|| Zeroizing::new(decode(&shown)));
    let holds = |text: &[u8], password: &[u8]| {
        let first = password.first();
        password.len() >= SEARCHED
            && text.windows(password.len()).any(|part| part.first() == first && part == password)
    };
    let leaks = passwords.iter().map(|password| password.expose()).any(|password| {
        holds(shown.as_bytes(), password)
            || plain.as_ref().is_some_and(|plain| holds(plain, password))
    });
    (!leaks).then_some(shown)
}

fn location(url: &super::Url<'_>, shown: &mut String) {
    let has_lists = url.places_with_lists().is_some();
    shown.push_str(url.scheme);
    shown.push(':');
    if let Some(host) = url.host {
        shown.push_str("//");
        if url.user.is_some() {
            shown.push_str(REDACTED);
            shown.push('@');
        }
        push_place(has_lists, host, shown);
        if let Some(port) = url.port {
            shown.push(':');
            push_number(shown, usize::from(port));
        }
    }
    push_place(has_lists, url.path, shown);
    let mut before = '?';
    for (name, value) in url.pairs() {
        shown.push(before);
        before = '&';
        match value {
            Some(value) if is_name(name) => {
                shown.push_str(name);
                shown.push('=');
                shown.push_str(if is_harmless(name, value) { value } else { REDACTED });
            }
            // A query that is no list of pairs is a value as a whole.
            _ => shown.push_str(REDACTED),
        }
    }
    if url.fragment.is_some() {
        shown.push('#');
        shown.push_str(REDACTED);
    }
}

/// Adds a host or a path, up to where a list of parameters may begin in it.
fn push_place(has_lists: bool, place: &str, shown: &mut String) {
    if !has_lists {
        shown.push_str(place);
        return;
    }
    let may_begin = |at: usize, byte: u8| match byte {
        b'=' | b';' | b'&' => true,
        b'%' => {
            let escape = place.get(at..at + 3).map(decode);
            escape.is_some_and(|plain| b"=;&?".iter().any(|byte| plain == [*byte]))
        }
        _ => false,
    };
    let mut bytes = place.bytes().enumerate();
    match bytes.find(|(at, byte)| may_begin(*at, *byte)) {
        None => shown.push_str(place),
        Some((at, _)) => {
            shown.push_str(place.get(..at).unwrap_or_default());
            shown.push_str(REDACTED);
        }
    }
}

/// Whether a query name is a name and not a value that stands before a `=` by chance, as
/// padded base64 does.
fn is_name(name: &str) -> bool {
    name.len() <= 24
        && name.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'_' | b'-' | b'.'))
        || super::is_one_of(name, &WORDS)
        || super::is_one_of(name, &NUMBERS)
}

fn is_harmless(name: &str, value: &str) -> bool {
    let is_number = || value.len() <= 10 && value.bytes().all(|byte| byte.is_ascii_digit());
    let is_word = || value.len() <= 64 && value.bytes().all(super::is_unreserved);
    super::is_one_of(name, &WORDS) && is_word() || super::is_one_of(name, &NUMBERS) && is_number()
}
