//! The values that should be URLs, each read once for all who ask: the needles, the judge and the
//! manifest. Reading them for each was 70,000 of a launch's 490,000 instructions.

use crate::contract::model::{Contract, Display, Kind, RowId};
use crate::resolve::Resolution;
use crate::url::{self, Inspected};

/// What counts of each row of kind URL, sorted by row. There is no `Debug`.
pub struct Urls<'a>(Vec<(RowId, Inspected<'a>)>);

/// What may be shown of each such row, sorted by row.
#[derive(Default)]
pub struct Displays(Vec<(RowId, Option<String>)>);

impl<'a> Urls<'a> {
    /// Reads the winner of each row of kind URL.
    pub fn read(contract: &Contract, resolution: &'a Resolution) -> Self {
        let with_value = resolution.with_value().filter_map(|row| Some((row.id, row.value()?)));
        let urls = with_value
            .filter(|(id, _)| matches!(contract.row(*id).format.kind, Kind::Url { .. }))
            .map(|(id, value)| (id, Inspected::new(value.expose())));
        Urls(urls.collect())
    }

    /// What is known of the row's value; `None` where the row is of another kind or has none.
    pub fn get(&self, id: RowId) -> Option<&Inspected<'a>> {
        let at = self.0.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.0.get(at).map(|(_, url)| url)
    }

    /// What may be shown of each, by its row.
    pub fn displays(&self, contract: &Contract) -> Displays {
        let display = |(id, inspected): &(RowId, Inspected<'_>)| {
            let row = contract.row(*id);
            let how = if row.secret { row.display } else { Display::Location };
            (*id, url::display_inspected(inspected, how))
        };
        Displays(self.0.iter().map(display).collect())
    }
}

impl Displays {
    /// What may be shown of the row's value.
    pub fn get(&self, id: RowId) -> Option<&str> {
        let at = self.0.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.0.get(at)?.1.as_deref()
    }
}

/// What to correct first in a text that is no URL: the characters of its password, which are most
/// often to blame, or its host. Of `postgres://u:p/w@h/d` the part before the last `@` counts as
/// the user's, as its author meant it.
pub(super) fn not_a_url(value: &[u8]) -> &'static str {
    let text = String::from_utf8_lossy(value);
    let Some((_, rest)) = text.split_once("://") else {
        return "is not a URL: it has no ://";
    };
    let (user, rest) = rest.rsplit_once('@').unwrap_or(("", rest));
    let escaped = |(at, _): (usize, _)| {
        let digits = user.as_bytes().get(at + 1..at + 3).unwrap_or_default();
        digits.len() == 2 && digits.iter().all(u8::is_ascii_hexdigit)
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:%".contains(&byte);
    if !user.bytes().all(is_plain) || !user.match_indices('%').all(escaped) {
        return "is not a URL; percent-encode all but letters, digits and -._~ in its password";
    }
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let port = host.rsplit_once(']').map_or(host, |(_, port)| port).split_once(':');
    let is_number = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    if host.contains([',', '%']) || port.is_some_and(|(_, port)| !is_number(port)) {
        return "does not name one host, with a port or without";
    }
    "is not a URL"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_url_is_told_what_to_correct() {
        let password =
            "is not a URL; percent-encode all but letters, digits and -._~ in its password";
        let host = "does not name one host, with a port or without";
        for (text, expected) in [
            ("postgres://u:p/w@h/d", password),
            ("postgres://u:p#w@h:5432/d", password),
            ("postgres://u:p@w@h/d", password),
            ("postgres://u:p%zz@h/d", password),
            ("postgres://u:p", host),
            ("postgres://u:pw@db:5432:5432/d", host),
            ("postgres://u:pw@db%3A5432:5432/d", host),
            ("https://u@h1:5432,h2:5432/d", host),
            ("postgres://u:pw@h1%2Ch2/d", host),
            ("postgres://u:pw@h%2Fd/d", host),
            ("postgres:///d#", "is not a URL"),
            ("postgres://u:p%20w@h:/d", host),
            ("postgres://[::1]:x/d", host),
            ("postgres://[::1", host),
            ("db.internal:5432/d", "is not a URL: it has no ://"),
        ] {
            assert_eq!(not_a_url(text.as_bytes()), expected, "{text}");
        }
    }
}
