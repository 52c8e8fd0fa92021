//! The passwords inside a URL.

use super::{Url, is_one_of, split_option};
use crate::secret::Secret;
use std::collections::BTreeSet;

/// Query names whose values are credentials.
const CREDENTIALS: [&str; 22] = [
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
    "client_secret",
    "secret_key",
    "accountkey",
    "sharedaccesskey",
    "sig",
    "signature",
    "x-amz-signature",
];

/// What may end a pair in a list of them.
const ENDS: [char; 3] = ['?', '&', ';'];
/// What may end one besides, and may be a part of the value as well.
const MORE_ENDS: [char; 2] = [',', '/'];

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

/// A password inside a URL. There is no `Debug` and no copy where the URL has it as it is.
pub enum Password<'a> {
    /// As it stands in the URL.
    Written(&'a str),
    /// Without its percent-encoding.
    Decoded(Secret),
}

impl Password<'_> {
    /// The bytes themselves. Every call is a place to look at.
    pub fn expose(&self) -> &[u8] {
        match self {
            Password::Written(text) => text.as_bytes(),
            Password::Decoded(secret) => secret.expose(),
        }
    }
}

/// A value that should be a URL, read once for all who judge it: seven parses of each URL were
/// 70,000 of a launch's 490,000 instructions. There is no `Debug`.
pub struct Inspected<'a> {
    /// The URL, if it is one.
    pub url: Option<Url<'a>>,
    /// Its passwords, those of [`passwords`].
    pub passwords: Vec<Password<'a>>,
}

impl<'a> Inspected<'a> {
    /// Reads a value.
    pub fn new(value: &'a [u8]) -> Self {
        let url = Url::parse(value);
        Inspected { passwords: find(value, url.as_ref()), url }
    }
}

/// Every password in the value, raw and, where that differs, decoded: of the user info, and of
/// query values with such a name. Empty ones are left out, none stands twice.
///
/// Host and path may have `password=…` too: in parameters behind `;`, as SQL Server's URLs have
/// them, or because the `?` was forgotten.
///
/// A value that does not parse, or has a raw `@` after the host, is searched leniently, since it
/// is just the one that is likely to be logged: for what stands between the first `:` after `://`
/// and the last `@`, and for `password=…` in any list of pairs (jdbc URLs, libpq's
/// `host=… password=…`).
pub fn passwords(value: &[u8]) -> Vec<Password<'_>> {
    Inspected::new(value).passwords
}

fn find<'a>(value: &'a [u8], url: Option<&Url<'a>>) -> Vec<Password<'a>> {
    let mut found = Vec::new();
    if let Some(url) = url {
        if let Some(password) = url.password {
            add_forms(&mut found, password);
        }
        url.pairs().for_each(|pair| add_pair(&mut found, pair));
        for part in url.places_with_lists().into_iter().flatten() {
            add_of_list(&mut found, part);
        }
        if !url.has_late_at() {
            return single(found);
        }
    }
    let Ok(text) = std::str::from_utf8(value) else { return single(found) };
    if let Some((_, rest)) = text.split_once("://")
        && let Some((info, _)) = rest.rsplit_once('@')
        && let Some((_, password)) = info.split_once(':')
    {
        add_forms(&mut found, password);
    }
    add_of_list(&mut found, text);
    single(found)
}

/// Adds the passwords of a list of pairs that stands in the text, as it is or percent-encoded.
fn add_of_list<'a>(found: &mut Vec<Password<'a>>, text: &'a str) {
    if text.as_bytes().contains(&b'=') {
        pairs(text).for_each(|pair| add_pair(found, pair));
    }
    if text.as_bytes().contains(&b'%') {
        let plain = Secret::new(decode(text));
        let plain = std::str::from_utf8(plain.expose()).unwrap_or_default();
        for (_, value) in pairs(plain).filter(|(name, _)| is_one_of(name, &CREDENTIALS)) {
            add(found, Password::Decoded(Secret::new(value.unwrap_or_default().into())));
        }
    }
}

/// The pairs of a list, each up to what ends one surely, and up to what may end it.
fn pairs(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let ends = |c: char| c.is_whitespace() || ENDS.contains(&c);
    let whole = text.split(ends);
    let short = text.split(move |c: char| ends(c) || MORE_ENDS.contains(&c));
    whole.chain(short).map(|pair| split_option(pair, b'='))
}

/// Leaves none twice.
fn single(mut found: Vec<Password<'_>>) -> Vec<Password<'_>> {
    if found.len() > 1 {
        let mut seen = BTreeSet::new();
        let is_first: Vec<bool> = found.iter().map(|it| seen.insert(it.expose())).collect();
        let mut is_first = is_first.into_iter();
        found.retain(|_| is_first.next() == Some(true));
    }
    found
}

/// The password of the user info as the server gets it, decoded.
pub fn password(value: &[u8]) -> Option<Secret> {
    let password = Url::parse(value)?.password.filter(|password| !password.is_empty())?;
    Some(Secret::new(decode(password)))
}

fn add_pair<'a>(found: &mut Vec<Password<'a>>, (name, value): (&str, Option<&'a str>)) {
    let is_credential = || match name.as_bytes().contains(&b'%') {
        false => is_one_of(name, &CREDENTIALS),
        true => std::str::from_utf8(&decode(name)).is_ok_and(|name| is_one_of(name, &CREDENTIALS)),
    };
    if let Some(value) = value.filter(|_| is_credential()) {
        add_forms(found, value);
    }
}

fn add_forms<'a>(found: &mut Vec<Password<'a>>, raw: &'a str) {
    add(found, Password::Written(raw));
    if raw.as_bytes().contains(&b'%') {
        add(found, Password::Decoded(Secret::new(decode(raw))));
    }
}

fn add<'a>(found: &mut Vec<Password<'a>>, password: Password<'a>) {
    if !password.expose().is_empty() {
        found.push(password);
    }
}
