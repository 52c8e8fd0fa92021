//! A small HTTP service that reads its environment as nexis-gateway was measured to do (gateway
//! contract section 1), for the integration tests.
//!
//! `gateway FILE REQUESTS` listens on a loopback port, writes its address to FILE, answers so many
//! requests and ends; in any case after 30 s. Paths: `/api` and `/ws` want a bearer token, `/login`
//! gives one, `/health` says how the service understood its environment.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::exit, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program of its own")]
#![allow(unsafe_code, reason = "a handler for SIGTERM")]

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// Stands in the gateway's public source.
const PUBLIC_KEY: &str = "dev_only_secret_change_in_production";

/// What the gateway made of its environment.
struct Configuration {
    api_key: Vec<u8>,
    websocket_key: Vec<u8>,
    encryption: bool,
    production: bool,
}

impl Configuration {
    /// Values are used raw; one that is not UTF-8 counts as unset; an empty key is a key.
    fn read() -> Self {
        let production = std::env::var("NEXIS_ENV").is_ok_and(|mode| mode == "production");
        let secret = std::env::var("JWT_SECRET").ok();
        assert!(!production || secret.is_some(), "JWT_SECRET must be set in production");
        // Anything but 64 hexadecimal digits switches encryption off, and nothing says so.
        let encryption = std::env::var("NEXIS_ENCRYPTION_KEY")
            .is_ok_and(|key| key.len() == 64 && key.bytes().all(|it| it.is_ascii_hexdigit()));
        let (api_key, websocket_key) = match secret {
            Some(key) => (key.clone().into_bytes(), key.into_bytes()),
            None => (random(), PUBLIC_KEY.as_bytes().to_vec()),
        };
        Configuration { api_key, websocket_key, encryption, production }
    }
}

/// A key of this process alone.
fn random() -> Vec<u8> {
    let mut key = vec![0; 32];
    std::fs::File::open("/dev/urandom").unwrap().read_exact(&mut key).unwrap();
    key
}

fn valid(token: Option<&str>, key: &[u8]) -> bool {
    let validation = Validation::new(Algorithm::HS256);
    token.is_some_and(|it| decode::<Value>(it, &DecodingKey::from_secret(key), &validation).is_ok())
}

fn answer(stream: TcpStream, configuration: &Configuration) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut reader = BufReader::new(stream);
    let mut request = String::new();
    reader.read_line(&mut request)?;
    let mut token = None;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        if let Some(bearer) = line.strip_prefix("Authorization: Bearer ") {
            token = Some(bearer.trim_end().to_owned());
        }
        line.clear();
    }
    let (allowed, body) = match request.split(' ').nth(1) {
        Some("/api") => (valid(token.as_deref(), &configuration.api_key), String::new()),
        Some("/ws") => (valid(token.as_deref(), &configuration.websocket_key), String::new()),
        Some("/login") => {
            let claims = json!({"sub": "user", "exp": 4_102_444_800_u32});
            let key = EncodingKey::from_secret(&configuration.api_key);
            (true, encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap())
        }
        _ => {
            let health = json!({
                "encryption": configuration.encryption,
                "production": configuration.production,
            });
            (true, health.to_string())
        }
    };
    let status = if allowed { "200 OK" } else { "401 Unauthorized" };
    let mut stream = reader.into_inner();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

extern "C" fn terminated(_signal: libc::c_int) {
    // SAFETY: _exit(2) may be called in a handler.
    unsafe { libc::_exit(0) }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    // SAFETY: the handler only calls _exit(2).
    unsafe { libc::signal(libc::SIGTERM, terminated as *const () as libc::sighandler_t) };
    let configuration = Configuration::read();
    if std::env::var("NEXIS_BIND_ADDR").is_ok_and(|it| it.parse::<SocketAddr>().is_err()) {
        eprintln!("invalid NEXIS_BIND_ADDR");
        std::process::exit(1);
    }
    std::thread::spawn(|| {
        std::thread::sleep(Duration::from_secs(30));
        std::process::exit(3);
    });
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
    // Renamed into place, so that whoever waits for the file finds it whole.
    let temporary = format!("{}.new", arguments[1]);
    std::fs::write(&temporary, listener.local_addr().unwrap().to_string()).unwrap();
    std::fs::rename(&temporary, &arguments[1]).unwrap();
    let requests = arguments[2].parse().unwrap();
    for stream in listener.incoming().take(requests) {
        let _ = stream.and_then(|stream| answer(stream, &configuration));
    }
}
