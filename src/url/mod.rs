//! URLs, parsed strictly (RFC 3986) and without copying: what is not clearly a URL is none.
//!
//! Strictness is the guard here. A lenient parser takes `postgres://u:12/pw@host/db` for the host
//! `u` with the port 12, and whoever shows host and path then shows a piece of the password.

mod display;
mod password;

pub use display::display;
pub use password::{decode, password, passwords};

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
    /// `postgres:///db`.
    pub host: Option<&'a str>,
    /// The port.
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

/// Whether `text` holds unreserved characters, sub-delimiters, `more` and whole percent-escapes
/// alone. Spaces, control characters and bytes above 0x7f are none of these.
fn consists_of(text: &str, more: &[u8]) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let fine = match byte {
            b'%' => {
                let digit = |next: Option<u8>| next.is_some_and(|byte| byte.is_ascii_hexdigit());
                digit(bytes.next()) && digit(bytes.next())
            }
            _ => is_unreserved(byte) || is_sub_delim(byte) || more.contains(&byte),
        };
        if !fine {
            return false;
        }
    }
    true
}

/// RFC 3986 section 3.1: the scheme and what follows its colon.
pub fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let fine = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    fine.then_some((scheme, rest))
}

fn is_host(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[') {
        return inner.strip_suffix(']').is_some_and(|inner| inner.parse::<Ipv6Addr>().is_ok());
    }
    // An escaped delimiter in a host is a `host:port` or a URL that was put in place of a host.
    // An escaped `/` is a socket directory (libpq).
    consists_of(host, b"")
        && !decode(host).iter().any(|b| b.is_ascii_control() || b" :@?#[]%\\".contains(b))
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
        let (rest, fragment) = split_option(rest, '#');
        let (rest, query) = split_option(rest, '?');
        let mut url = Url {
            scheme,
            user: None,
            password: None,
            host: None,
            port: None,
            path: rest,
            query,
            fragment,
        };
        if let Some(rest) = rest.strip_prefix("//") {
            let at = rest.find('/').unwrap_or(rest.len());
            let (authority, path) = rest.split_at_checked(at)?;
            url.path = path;
            url.read_authority(authority)?;
        } else if !is_one_of(scheme, &OPAQUE) || rest.is_empty() {
            return None;
        }
        let tail = |part: Option<&str>| part.is_none_or(|part| consists_of(part, b":@/?"));
        if !consists_of(url.path, b":@/") || !tail(query) || !tail(fragment) {
            return None;
        }
        if is_one_of(scheme, &NEED_HOST) && url.host.is_none_or(str::is_empty) {
            return None;
        }
        let credentials = url.is_database() || url.user.is_some() || url.port.is_some();
        if credentials && (url.has_late_at() || url.is_database() && fragment.is_some()) {
            return None;
        }
        Some(url)
    }

    fn read_authority(&mut self, authority: &'a str) -> Option<()> {
        let mut place = authority;
        if let Some((info, rest)) = authority.split_once('@') {
            place = rest;
            let (user, password) = split_option(info, ':');
            if !consists_of(user, b"") || !password.is_none_or(|text| consists_of(text, b":")) {
                return None;
            }
            self.user = Some(user);
            self.password = password;
        }
        let mut host = place;
        let bracket = place.rfind(']').unwrap_or(0);
        if let Some(colon) = place.rfind(':').filter(|&colon| colon >= bracket) {
            let (before, port) = place.split_at_checked(colon)?;
            let port = port.strip_prefix(':')?;
            if !port.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            self.port = Some(port.parse().ok()?);
            host = before;
        }
        self.host = Some(host);
        is_host(host).then_some(())
    }

    /// Whether a raw `@` stands after the authority, where a misread password may end.
    fn has_late_at(&self) -> bool {
        [Some(self.path), self.query, self.fragment].into_iter().flatten().any(|p| p.contains('@'))
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
        self.host.is_some_and(is_loopback)
    }

    /// The query's names and values, as they stand there; `None` without a `=`.
    pub fn pairs(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + use<'a> {
        let query = self.query.into_iter().flat_map(|query| query.split('&'));
        query.map(|pair| split_option(pair, '='))
    }
}

fn split_option(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
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
    let Some(url) = Url::parse(value) else { return false };
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
        !asks(
            &["ssl-mode", "sslmode", "ssl_mode"],
            &["required", "verify_ca", "verify_identity", "require", "verify-ca", "verify-full"],
        )
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
    let on_network = |host: &str| {
        let host = decode(host);
        let host = String::from_utf8_lossy(&host);
        !(host.is_empty() || host.starts_with(['/', '@']) || is_loopback(&host) || host == "::1")
    };
    if queried.peek().is_some() {
        queried.any(on_network)
    } else {
        url.host.is_some_and(on_network)
    }
}

#[cfg(test)]
mod tests;
