//! What is asked, and where: a URL taken apart.

use crate::error::{Error, Status};
use crate::output::escape;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// Where to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The first of these that takes the connection.
    Addresses(Vec<SocketAddr>),
    /// A Unix socket.
    Socket(PathBuf),
}

/// What to ask where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where.
    pub place: Place,
    /// The Host header.
    pub host: String,
    /// Path and query; never shown, a token can stand in them.
    pub path: String,
}

impl Target {
    /// Reads `http://HOST[:PORT][/PATH]`, `unix:/SOCKET[:/PATH]` or
    /// `http+unix://%2FSOCKET[/PATH]`.
    ///
    /// # Errors
    /// [`Status::Usage`], without repeating what could be a secret.
    pub fn parse(url: &str) -> Result<Target, Error> {
        // Whatever else stands in a URL, it must not end the request's line.
        if !url.bytes().all(|byte| (b'!'..=b'~').contains(&byte)) {
            return Err(wrong("it has a space or a character that no URL has"));
        }
        if let Some(rest) = url.strip_prefix("unix:") {
            return unix(rest);
        }
        let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("it has no scheme"))?;
        let at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(at).unwrap_or((rest, ""));
        match scheme.to_ascii_lowercase().as_str() {
            "http" => tcp(authority, path),
            "http+unix" => {
                let socket = decoded(authority).filter(|socket| socket.starts_with(b"/"));
                let socket = socket
                    .ok_or_else(|| wrong("its host is not the percent-encoded path of a socket"))?;
                Ok(local(socket, path))
            }
            "https" => Err(wrong("TLS is not spoken").hint(
                "ask the program itself by http://, behind what ends TLS; where it redirects to \
                 https, add --header 'X-Forwarded-Proto: https'",
            )),
            _ => Err(wrong("its scheme is not http")),
        }
    }

    /// The place alone.
    pub fn shown(&self) -> String {
        match &self.place {
            Place::Addresses(_) => format!("http://{}", self.host),
            Place::Socket(path) => format!("unix:{}", escape(&path.to_string_lossy())),
        }
    }
}

fn wrong(why: &str) -> Error {
    Error::new(Status::Usage, format!("cannot take the URL: {why}")).hint(
        "write http://127.0.0.1:8080/health, http://[::1]:8080/health or unix:/run/app.sock:/health",
    )
}

/// Path and query as they are sent: the fragment stays here (RFC 9110 section 4.2.1).
fn sent(path: &str) -> String {
    let path = path.split('#').next().unwrap_or_default();
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

/// `/SOCKET` or `/SOCKET:/PATH`.
fn unix(rest: &str) -> Result<Target, Error> {
    let (socket, path) = match rest.split_once(":/") {
        Some((socket, path)) => (socket, format!("/{path}")),
        None => (rest, String::new()),
    };
    if !socket.starts_with('/') {
        return Err(wrong("the socket's path is not absolute"));
    }
    Ok(local(socket.as_bytes().to_vec(), &path))
}

fn local(socket: Vec<u8>, path: &str) -> Target {
    let socket = PathBuf::from(std::ffi::OsString::from_vec(socket));
    Target { place: Place::Socket(socket), host: "localhost".to_owned(), path: sent(path) }
}

fn tcp(authority: &str, path: &str) -> Result<Target, Error> {
    if authority.contains('@') {
        return Err(wrong("it has a user").hint("send credentials by --header"));
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or_else(|| wrong("its [ has no ]"))?;
            (host, port)
        }
        None => authority
            .split_at_checked(authority.find(':').unwrap_or(authority.len()))
            .unwrap_or((authority, "")),
    };
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => 80,
        Some("") => 80,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits
            .parse()
            .ok()
            .filter(|&port| port != 0)
            .ok_or_else(|| wrong("its port is none"))?,
        _ => return Err(wrong("its port is none")),
    };
    let addresses = addresses(host, authority.starts_with('['))?;
    let all = addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect();
    Ok(Target { place: Place::Addresses(all), host: authority.to_owned(), path: sent(path) })
}

/// An address, or the two of `localhost` (RFC 6761 section 6.3). Other names are not looked up: a
/// static program has no resolver to rely on, and looking up has no deadline.
fn addresses(host: &str, bracketed: bool) -> Result<Vec<IpAddr>, Error> {
    if bracketed {
        let address: Ipv6Addr = host.parse().map_err(|_| wrong("its address is none"))?;
        return Ok(vec![address.into()]);
    }
    if host.eq_ignore_ascii_case("localhost") {
        return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    let address: Result<Ipv4Addr, _> = host.parse();
    address.map(|address| vec![address.into()]).map_err(|_| {
        wrong("its host is neither an address nor localhost, and names are not looked up")
    })
}

/// The bytes of percent-encoded text (RFC 3986 section 2.1).
fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let (high, low) = (digit(bytes.next()?)?, digit(bytes.next()?)?);
                u8::try_from(high * 16 + low).ok().filter(|&byte| byte != 0)?
            }
            byte => byte,
        });
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str) -> (String, String) {
        let target = Target::parse(url).expect(url);
        let place = match target.place {
            Place::Addresses(all) => {
                all.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
            }
            Place::Socket(path) => path.display().to_string(),
        };
        (place, target.path)
    }

    #[test]
    fn a_url_says_where_and_what() {
        for (url, expected, path) in [
            ("http://127.0.0.1:8080/health", "127.0.0.1:8080", "/health"),
            ("HTTP://127.0.0.1", "127.0.0.1:80", "/"),
            ("http://[::1]:8080?x=1#y", "[::1]:8080", "/?x=1"),
            ("http://localhost:9/a/b", "127.0.0.1:9 [::1]:9", "/a/b"),
            ("unix:/run/app.sock:/health?x=:/y", "/run/app.sock", "/health?x=:/y"),
            ("unix:/run/app.sock", "/run/app.sock", "/"),
            ("http+unix://%2Frun%2fapp.sock/health", "/run/app.sock", "/health"),
        ] {
            assert_eq!(place(url), (expected.to_owned(), path.to_owned()), "{url}");
        }
    }

    #[test]
    fn what_cannot_be_asked_is_refused_and_not_repeated() {
        for url in [
            "",
            "canary",
            "https://127.0.0.1/canary",
            "ftp://127.0.0.1/canary",
            "http://user:canary@127.0.0.1/",
            "http://canary.example/",
            "http://127.0.0.1:0/canary",
            "http://127.0.0.1:99999/",
            "http://127.0.0.1:+80/",
            "http://[::1/canary",
            "http://[127.0.0.1]/",
            "http://::1/",
            "http://127.0.0.1/canary\r\nHost: x",
            "http://127.0.0.1/a canary",
            "unix:run/canary",
            "http+unix://run/canary",
            "http+unix://%2Frun%00/",
            "http+unix://%2/",
        ] {
            let error = Target::parse(url).expect_err(url);
            assert_eq!(error.status, Status::Usage, "{url}");
            assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        }
    }
}
