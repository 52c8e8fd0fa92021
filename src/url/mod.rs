//! URLs, parsed strictly (RFC 3986) and without copying: what is not clearly a URL is none.
//!
//! Strictness is the guard here. A lenient parser takes `postgres://u:12/pw@host/db` for the host
//! `u` with the port 12, and whoever shows host and path then shows a piece of the password.

mod display;
mod password;

pub use display::{display, display_inspected};
pub use password::{Inspected, Password, decode, password, passwords};

use crate::bytes::position;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The pieces of a URL, as they stand there (percent-encoded). There is no `Debug`: user info,
/// path and query may be secret.
pub struct Url<'a> {
    /// Before the first `:`, in the letters it was written in.
    pub scheme: &'a str,
    /// The user info up to its first `:`.
    pub user: Option<&'a str>,
    /// The user info after its first `:`.
    pub password: Option<&'a str>,
    /// The host, an IPv6 address with its brackets; `None` where there is no `//`, empty for
    /// `postgres:///db`. Of a database several, with commas between them, each before the last
    /// with its port.
    pub host: Option<&'a str>,
    /// The port, of several hosts the last one's.
    pub port: Option<u16>,
    /// The path, with its leading `/` where there is one.
    pub path: &'a str,
    /// After `?`.
    pub query: Option<&'a str>,
    /// After `#`.
    pub fragment: Option<&'a str>,
}

/// Schemes of databases: their host and path may be shown, and their user info is a rule rather
/// than an exception.
const DATABASES: [&str; 12] = [
    "postgres",
    "postgresql",
    "mysql",
    "mariadb",
    "sqlite",
    "redis",
    "rediss",
    "redis+unix",
    "unix",
    "mongodb",
    "mongodb+srv",
    "sqlserver",
];

/// Schemes that mean nothing without a host.
const NEED_HOST: [&str; 8] = ["http", "https", "ws", "wss", "mysql", "mariadb", "redis", "rediss"];

/// Schemes whose path may follow the colon at once (`sqlite::memory:`, `sqlite:data.db`).
const OPAQUE: [&str; 3] = ["sqlite", "unix", "redis+unix"];

fn is_one_of(scheme: &str, list: &[&str]) -> bool {
    list.iter().any(|name| scheme.eq_ignore_ascii_case(name))
}

/// RFC 3986 section 2.3.
pub(crate) const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// RFC 3986 section 2.2.
const fn is_sub_delim(byte: u8) -> bool {
    matches!(byte, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=')
}

/// Unreserved characters and sub-delimiters, which may stand in every piece.
const PLAIN: u8 = 1;
const COLON: u8 = 2;
const AT: u8 = 4;
const SLASH: u8 = 8;
const QUESTION: u8 = 16;
/// What a scheme is made of.
const SCHEME: u8 = 32;
const HASH: u8 = 64;
/// What a list of parameters in host or path has, or may have once it is decoded.
const LIST: u8 = 128;

/// What each byte is. One look-up a byte makes a parse cost a fifth of asking for each property.
const CLASSES: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0u8;
    loop {
        // An index outside the constant's table would not compile.
        #[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
        {
            let plain = if is_unreserved(byte) || is_sub_delim(byte) { PLAIN } else { 0 };
            let scheme = byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
            table[byte as usize] = plain
                | if scheme { SCHEME } else { 0 }
                | if matches!(byte, b'=' | b';' | b'&' | b'%') { LIST } else { 0 }
                | match byte {
                    b':' => COLON,
                    b'@' => AT,
                    b'/' => SLASH,
                    b'?' => QUESTION,
                    b'#' => HASH,
                    _ => 0,
                };
        }
        if byte == u8::MAX {
            break table;
        }
        byte += 1;
    }
};

/// Where the first byte of these classes stands, or the text ends.
fn end_of(text: &str, classes: u8) -> usize {
    text.bytes().position(|byte| is(byte, classes)).unwrap_or(text.len())
}

fn is(byte: u8, classes: u8) -> bool {
    CLASSES.get(usize::from(byte)).is_some_and(|class| class & classes != 0)
}

/// Whether `text` holds unreserved characters, sub-delimiters, those of `more` and whole
/// percent-escapes alone. Spaces, control characters and bytes above 0x7f are none of these.
fn consists_of(text: &str, more: u8) -> bool {
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|&byte| !is(byte, PLAIN | more)) {
        rest = match rest.get(at..) {
            Some([b'%', high, low, after @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                after
            }
            _ => return false,
        };
    }
    true
}

/// RFC 3986 section 3.1: the scheme and what follows its colon.
pub fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = split_option(text, b':');
    let fine = scheme.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.bytes().all(|byte| is(byte, SCHEME));
    Some((scheme, rest?)).filter(|_| fine)
}

fn is_host(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[') {
        return inner.strip_suffix(']').is_some_and(|inner| inner.parse::<Ipv6Addr>().is_ok());
    }
    // An escaped delimiter in a host is a `host:port`, a list of hosts or a URL that was put in
    // place of a host. An escaped `/` at its beginning is a socket directory (libpq), whose name
    // may have colons (`/cloudsql/project:region:instance`).
    let hides = |host: &[u8]| {
        let is_directory = host.starts_with(b"/");
        host.iter().any(|b| b.is_ascii_control() || b" @?#[]%\\,".contains(b))
            || !is_directory && host.iter().any(|b| b"/:".contains(b))
    };
    consists_of(host, 0) && !(host.contains('%') && hides(&decode(host)))
}

/// The host, and the port where there is one. The colons of an IPv6 address stand before its
/// bracket; of several hosts it is the last one's port.
fn split_port(place: &str) -> Option<(&str, Option<u16>)> {
    let last = place.bytes().rposition(|byte| matches!(byte, b':' | b']' | b','));
    let Some(colon) = last.filter(|&at| place.as_bytes().get(at) == Some(&b':')) else {
        return Some((place, None));
    };
    let (host, port) = place.split_at_checked(colon)?;
    let port = port.strip_prefix(':')?;
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((host, Some(port.parse().ok()?)))
}

/// Whether these are several hosts, each before the last with a port or without (libpq, section
/// 32.1.1.2); the last one's is split off.
fn is_list_of_hosts(hosts: &str) -> bool {
    let is_place = |place| split_port(place).is_some_and(|(host, _)| is_host(host));
    let (before, last) = hosts.rsplit_once(',').unwrap_or(("", hosts));
    is_host(last) && before.split(',').all(is_place)
}

impl<'a> Url<'a> {
    /// Reads a URL, or `None` for whatever is not clearly one.
    ///
    /// Beyond RFC 3986 it refuses what a password with unescaped delimiters looks like: a raw `@`
    /// after the authority and a fragment where the URL is a database's or has user info or a
    /// port, and an empty port.
    pub fn parse(value: &'a [u8]) -> Option<Url<'a>> {
        let text = std::str::from_utf8(value).ok()?;
        let (scheme, rest) = split_scheme(text)?;
        let after = rest.strip_prefix("//");
        // The authority ends where the path, the query or the fragment begins (section 3.2).
        let authority = match after {
            Some(after) => after.split_at_checked(end_of(after, SLASH | QUESTION | HASH)),
            None => None,
        };
        let rest = authority.map_or(rest, |(_, rest)| rest);
        let (path, tail) = rest.split_at_checked(end_of(rest, QUESTION | HASH))?;
        let (query, fragment) = split_option(tail, b'#');
        let query = query.strip_prefix('?');
        let mut url = Url {
            scheme,
            user: None,
            password: None,
            host: None,
            port: None,
            path,
            query,
            fragment,
        };
        if let Some((authority, _)) = authority {
            url.read_authority(authority)?;
        } else if !is_one_of(scheme, &OPAQUE) || path.is_empty() {
            return None;
        }
        let tail = |part: Option<&str>| {
            part.is_none_or(|part| consists_of(part, COLON | AT | SLASH | QUESTION))
        };
        if !consists_of(url.path, COLON | AT | SLASH) || !tail(query) || !tail(fragment) {
            return None;
        }
        if url.host.is_none_or(str::is_empty) && is_one_of(scheme, &NEED_HOST) {
            return None;
        }
        let credentials = || url.user.is_some() || url.port.is_some() || url.is_database();
        if url.has_late_at() && credentials() || fragment.is_some() && url.is_database() {
            return None;
        }
        Some(url)
    }

    fn read_authority(&mut self, authority: &'a str) -> Option<()> {
        let mut place = authority;
        if let (info, Some(rest)) = split_option(authority, b'@') {
            place = rest;
            let (user, password) = split_option(info, b':');
            if !consists_of(user, 0) || !password.is_none_or(|text| consists_of(text, COLON)) {
                return None;
            }
            self.user = Some(user);
            self.password = password;
        }
        let (host, port) = split_port(place)?;
        self.host = Some(host);
        self.port = port;
        (is_host(host) || self.is_database() && is_list_of_hosts(host)).then_some(())
    }

    /// Each host, without its port: a database's URL may name several.
    fn hosts(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let (one, list) = match self.host {
            Some(host) if self.is_database() => (None, Some(host)),
            one => (one, None),
        };
        let places = list.into_iter().flat_map(|list| list.split(','));
        one.into_iter().chain(places.map(|place| split_port(place).map_or(place, |(host, _)| host)))
    }

    /// Host and path, where a list of parameters may stand in one of them: behind `;`, as SQL Server's
    /// URLs have them, because the `?` was forgotten, or percent-encoded.
    pub(super) fn places_with_lists(&self) -> Option<[&'a str; 2]> {
        let places = [self.host.unwrap_or_default(), self.path];
        let begins = |byte: u8| is(byte, LIST);
        places.iter().any(|place| place.bytes().any(begins)).then_some(places)
    }

    /// Whether a raw `@` stands after the authority, where a misread password may end.
    fn has_late_at(&self) -> bool {
        let has = |part: &str| part.as_bytes().contains(&b'@');
        has(self.path) || self.query.is_some_and(has) || self.fragment.is_some_and(has)
    }

    /// Whether the scheme is one of these, in any case of letters (RFC 3986 section 3.1).
    pub fn has_scheme(&self, schemes: &[&str]) -> bool {
        is_one_of(self.scheme, schemes)
    }

    /// Whether the scheme is a database's.
    pub fn is_database(&self) -> bool {
        is_one_of(self.scheme, &DATABASES)
    }

    /// Whether the host is this machine's own: `localhost`, `*.localhost` (RFC 6761 section 6.3),
    /// 127.0.0.0/8 or ::1.
    pub fn is_loopback(&self) -> bool {
        self.host.is_some() && self.hosts().all(is_loopback)
    }

    /// The query's names and values, as they stand there; `None` without a `=`.
    pub fn pairs(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + use<'a> {
        let mut query = self.query;
        std::iter::from_fn(move || {
            let (pair, rest) = split_option(query?, b'&');
            query = rest;
            Some(split_option(pair, b'='))
        })
    }
}

/// What stands before and after the first `at`, an ASCII character. The pieces of a URL are short,
/// and on short texts the search of `split_once` costs more than comparing each byte.
fn split_option(text: &str, at: u8) -> (&str, Option<&str>) {
    let place = position(text.as_bytes(), at);
    let halves = place.and_then(|place| text.get(..place).zip(text.get(place + 1..)));
    halves.map_or((text, None), |(before, after)| (before, Some(after)))
}

fn is_loopback(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host);
    let local = |tail: &str| tail.eq_ignore_ascii_case("localhost");
    local(name)
        || name.rsplit_once('.').is_some_and(|(_, last)| local(last))
        || host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
        || host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .and_then(|host| host.parse::<Ipv6Addr>().ok())
            .is_some_and(|ip| {
                ip.is_loopback() || ip.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback())
            })
}

/// Whether the URL is one that crosses a network without TLS. Loopback hosts, unix sockets and
/// files are no network; what does not parse is not judged here.
pub fn is_cleartext_network(value: &[u8]) -> bool {
    Url::parse(value).is_some_and(|url| is_cleartext(&url))
}

/// The same for a URL that was parsed before.
pub fn is_cleartext(url: &Url<'_>) -> bool {
    let asks = |names: &[&str], strong: &[&str]| {
        // Every mention has to ask for TLS, because drivers differ in which of two they take.
        let mut modes = url
            .pairs()
            .filter(|(name, _)| is_one_of(name, names))
            .map(|(_, value)| value)
            .peekable();
        modes.peek().is_some() && modes.all(|mode| mode.is_some_and(|mode| is_one_of(mode, strong)))
    };
    let clear = if url.has_scheme(&["postgres", "postgresql"]) {
        !asks(&["sslmode", "ssl-mode"], &["require", "verify-ca", "verify-full"])
    } else if url.has_scheme(&["mysql", "mariadb"]) {
        // PostgreSQL's words ask neither's drivers; the two that are MariaDB's own too, its alone.
        let strong = |own: &[&str]| asks(&["ssl-mode", "sslmode", "ssl_mode"], own);
        let mariadb = url.has_scheme(&["mariadb"]) && strong(&["verify-ca", "verify-full"]);
        !mariadb && !strong(&["required", "verify_ca", "verify_identity"])
    } else if url.has_scheme(&["mongodb"]) {
        !asks(&["tls", "ssl"], &["true"])
    } else {
        url.has_scheme(&["redis", "http", "ws"])
    };
    if !clear {
        return false;
    }
    // libpq and sqlx take the host from the query too, and then it wins (libpq, section 32.1.1.2).
    let mut queried = url
        .pairs()
        .filter(|(name, _)| is_one_of(name, &["host", "hostaddr"]))
        .filter_map(|(_, value)| value)
        .peekable();
    // Of several one is enough.
    let on_network = |hosts: &str| {
        let hosts = decode(hosts);
        String::from_utf8_lossy(&hosts).split(',').any(|host| {
            !(host.is_empty() || host.starts_with(['/', '@']) || is_loopback(host) || host == "::1")
        })
    };
    if queried.peek().is_some() { queried.any(on_network) } else { url.hosts().any(on_network) }
}

#[cfg(test)]
mod tests;
