//! An HTTP probe (RFC 9112) for images without curl: one GET, one status, one deadline for all of
//! it. It reads no setting and no secret, and shows no part of an answer but its status. (The room
//! that runs it looks for inherited secrets in what it says of an error, so that none is repeated.)

mod target;

pub use target::{Place, Target};

use crate::error::{Error, Status};
use crate::sys::{process, socket, wait};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// A status line is shorter; what sends more before its end is no HTTP server.
const LONGEST_LINE: usize = 8192;
/// What follows the status line is taken and thrown away as far as it is there already, so that
/// the server need not log a reset connection.
const REST: usize = 64 * 1024;
const REST_TIME: Duration = Duration::from_millis(50);
/// The pause before a Unix socket whose queue is full is tried again.
const PAUSE: Duration = Duration::from_millis(10);

/// A header to send: name and value, both checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    name: String,
    value: String,
}

impl Header {
    /// Reads `NAME: VALUE` (RFC 9110 section 5); `None` where it is not, or could end the line.
    pub fn parse(text: &str) -> Option<Header> {
        let (name, value) = text.split_once(':')?;
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let fine = !name.is_empty()
            && name.bytes().all(token)
            && value.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte));
        fine.then(|| Header { name: name.to_owned(), value: value.trim().to_owned() })
    }
}

/// Asks, and returns the status of the answer.
///
/// # Errors
/// [`Status::Unhealthy`] where there is none in time.
pub fn ask(target: &Target, headers: &[Header], time: Duration) -> Result<u16, Error> {
    let deadline = Instant::now() + time;
    let failed = |error: &io::Error| {
        let cause = match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
                format!("no answer within {} ms", time.as_millis())
            }
            io::ErrorKind::InvalidData => "the answer is not HTTP/1".to_owned(),
            io::ErrorKind::UnexpectedEof => "the connection ended before an answer".to_owned(),
            _ => process::describe(error),
        };
        Error::new(Status::Unhealthy, format!("cannot find {} healthy: {cause}", target.shown()))
    };
    let request = request(target, headers);
    let answer = match &target.place {
        Place::Addresses(all) => over_tcp(all, deadline)
            .and_then(|stream| exchange(stream, request.as_bytes(), deadline)),
        Place::Socket(path) => over_unix(path, deadline)
            .and_then(|stream| exchange(stream, request.as_bytes(), deadline)),
    };
    answer.map_err(|error| failed(&error))
}

fn request(target: &Target, headers: &[Header]) -> String {
    let given = |name: &str| headers.iter().any(|header| header.name.eq_ignore_ascii_case(name));
    let mut text = format!("GET {} HTTP/1.1\r\n", target.path);
    let own = [
        ("Host", target.host.as_str()),
        ("User-Agent", concat!("nexis-launch/", env!("CARGO_PKG_VERSION"))),
        ("Accept", "*/*"),
        ("Connection", "close"),
    ];
    let given = own.iter().filter(|(name, _)| !given(name)).copied();
    let all = given.chain(headers.iter().map(|it| (it.name.as_str(), it.value.as_str())));
    for (name, value) in all {
        text.push_str(&[name, ": ", value, "\r\n"].concat());
    }
    text + "\r\n"
}

/// What is left of the time.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// The first of the addresses that takes the connection.
fn over_tcp(addresses: &[SocketAddr], deadline: Instant) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::TimedOut);
    for address in addresses {
        match TcpStream::connect_timeout(address, left(deadline)?) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn over_unix(path: &Path, deadline: Instant) -> io::Result<UnixStream> {
    loop {
        match socket::connect(path) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                wait::pause(PAUSE.min(left(deadline)?))?;
            }
            other => return other,
        }
    }
}

/// A stream whose next call can be given a time.
trait Timed: Read + Write {
    fn within(&self, time: Duration) -> io::Result<()>;
}

impl Timed for TcpStream {
    fn within(&self, time: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(time))?;
        self.set_write_timeout(Some(time))
    }
}

impl Timed for UnixStream {
    fn within(&self, time: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(time))?;
        self.set_write_timeout(Some(time))
    }
}

fn exchange(mut stream: impl Timed, mut request: &[u8], deadline: Instant) -> io::Result<u16> {
    while !request.is_empty() {
        stream.within(left(deadline)?)?;
        let count = retried(|| stream.write(request))?;
        request = request.get(count..).unwrap_or_default();
    }
    let mut line = Vec::with_capacity(512);
    let mut buffer = [0; 2048];
    let status = loop {
        if let Some(end) = line.iter().position(|&byte| byte == b'\n') {
            let line = line.get(..end).unwrap_or_default();
            break status(line).ok_or(io::ErrorKind::InvalidData)?;
        }
        if line.len() > LONGEST_LINE {
            return Err(io::ErrorKind::InvalidData.into());
        }
        stream.within(left(deadline)?)?;
        match retried(|| stream.read(&mut buffer))? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => line.extend_from_slice(buffer.get(..count).unwrap_or_default()),
        }
    };
    let until = deadline.min(Instant::now() + REST_TIME);
    let mut rest = 0;
    while rest < REST
        && let Ok(time) = left(until)
        && stream.within(time).is_ok()
        && let Ok(count @ 1..) = stream.read(&mut buffer)
    {
        rest += count;
    }
    Ok(status)
}

fn retried<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// The status of `HTTP/1.1 200 OK` (RFC 9112 section 4).
fn status(line: &[u8]) -> Option<u16> {
    let rest = line.strip_prefix(b"HTTP/1.1 ").or_else(|| line.strip_prefix(b"HTTP/1.0 "))?;
    let (digits, rest) = rest.split_at_checked(3)?;
    let ends = matches!(rest.first(), None | Some(b' ' | b'\r'));
    if !ends || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_line_is_http_1_with_three_digits() {
        for (line, expected) in [
            ("HTTP/1.1 200 OK\r", Some(200)),
            ("HTTP/1.0 404", Some(404)),
            ("HTTP/1.1 204 \r", Some(204)),
            ("HTTP/1.1 2000 OK", None),
            ("HTTP/1.1 20", None),
            ("HTTP/1.1 +20", None),
            ("HTTP/2 200", None),
            ("200 OK", None),
        ] {
            assert_eq!(status(line.as_bytes()), expected, "{line}");
        }
    }

    #[test]
    fn a_header_cannot_end_its_line() {
        assert!(Header::parse("X-Forwarded-Proto: https").is_some());
        for text in ["X", ": x", "A B: x", "A: x\r\nB: y", "A: x\ny", "A\n: x"] {
            assert_eq!(Header::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_given_header_replaces_the_own() {
        let target = Target::parse("http://127.0.0.1:8080/health").expect("a target");
        let headers = [Header::parse("host: gateway").unwrap()];
        let text = request(&target, &headers);
        assert!(text.starts_with("GET /health HTTP/1.1\r\n") && text.ends_with("\r\n\r\n"));
        assert_eq!(text.to_lowercase().matches("\r\nhost:").count(), 1);
        assert!(text.contains("host: gateway\r\n"), "{text}");
    }
}
