//! The passwords inside a URL.

use super::{Url, is_one_of, split_option};
use crate::secret::Secret;

/// Query names whose values are credentials.
const CREDENTIALS: [&str; 15] = [
    "password",
    "passwd",
    "passphrase",
    "pass",
    "pwd",
    "sslpassword",
    "ssl-key-password",
    "secret",
    "token",
    "auth",
    "auth_token",
    "access_token",
    "api_key",
    "api-key",
    "apikey",
];

/// Undoes percent-encoding (RFC 3986 section 2.1); an escape that is none stays as it is.
pub fn decode(text: &str) -> Vec<u8> {
    // As large as it can become, so that no half-filled copy is left behind unwiped.
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let digit = |at: usize| after.get(at).and_then(|&b| char::from(b).to_digit(16));
        match (byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                plain.push(u8::try_from(high * 16 + low).unwrap_or_default());
                rest = after.get(2..).unwrap_or_default();
            }
            _ => plain.push(byte),
        }
    }
    plain
}

/// Every password in the value, raw and, where that differs, decoded: of the user info, and of
/// query values with such a name. Empty ones are left out, none stands twice.
///
/// A value that does not parse, or has a raw `@` after the host, is searched leniently, since it
/// is just the one that is likely to be logged: for what stands between the first `:` after `://`
/// and the last `@`, and for `password=…` in any list of pairs (jdbc URLs, libpq's
/// `host=… password=…`).
pub fn passwords(value: &[u8]) -> Vec<Secret> {
    let mut found = Vec::new();
    let Ok(text) = std::str::from_utf8(value) else { return found };
    let add_pair = |found: &mut Vec<Secret>, (name, value): (&str, Option<&str>)| {
        if let Some(value) = value.filter(|_| is_one_of(name, &CREDENTIALS)) {
            add_forms(found, value);
        }
    };
    if let Some(url) = Url::parse(value) {
        if let Some(password) = url.password {
            add_forms(&mut found, password);
        }
        url.pairs().for_each(|pair| add_pair(&mut found, pair));
        if !url.has_late_at() {
            return found;
        }
    }
    if let Some((_, rest)) = text.split_once("://")
        && let Some((info, _)) = rest.rsplit_once('@')
        && let Some((_, password)) = info.split_once(':')
    {
        add_forms(&mut found, password);
    }
    let ends = |c: char| c.is_whitespace() || matches!(c, '?' | '&' | ';');
    text.split(ends).for_each(|pair| add_pair(&mut found, split_option(pair, '=')));
    found
}

/// The password of the user info as the server gets it, decoded.
pub fn password(value: &[u8]) -> Option<Secret> {
    let password = Url::parse(value)?.password.filter(|password| !password.is_empty())?;
    Some(Secret::new(decode(password)))
}

fn add_forms(found: &mut Vec<Secret>, raw: &str) {
    add(found, Secret::new(raw.as_bytes().to_vec()));
    add(found, Secret::new(decode(raw)));
}

fn add(found: &mut Vec<Secret>, secret: Secret) {
    if !secret.is_empty() && !found.iter().any(|known| known.same_as(&secret)) {
        found.push(secret);
    }
}
