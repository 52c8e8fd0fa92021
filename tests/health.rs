//! `health URL` against servers of the test's own (interface section 2).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
#![allow(unsafe_code, reason = "the queue of a socket is set through a C interface")]

mod common;
use common::*;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::thread::JoinHandle;

/// Reads one request up to its empty line.
fn request(stream: &mut impl Read) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") && text.len() < 8192 {
        match stream.read(&mut byte) {
            Ok(1) => text.push(byte[0]),
            _ => break,
        }
    }
    String::from_utf8(text).unwrap()
}

/// A server that gives one answer to one request; it hands the request back.
fn server(answer: &'static str) -> (u16, JoinHandle<String>) {
    serve(TcpListener::bind("127.0.0.1:0").unwrap(), answer)
}

fn serve(listener: TcpListener, answer: &'static str) -> (u16, JoinHandle<String>) {
    let port = listener.local_addr().unwrap().port();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let request = request(&mut stream);
        stream.write_all(answer.as_bytes()).unwrap();
        request
    });
    (port, thread)
}

fn health<const N: usize>(options: [&str; N], url: &str) -> Launch {
    Launch::new().args(["health"]).args(options).args([url])
}

#[test]
fn an_answer_of_2xx_is_healthy() {
    for (answer, status) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "200\n"),
        ("HTTP/1.1 204 \r\n\r\n", "204\n"),
        ("HTTP/1.0 299 x\n\n", "299\n"),
    ] {
        let (port, server) = server(answer);
        let outcome = health([], &format!("http://127.0.0.1:{port}/health?x=1#part")).run();
        assert_eq!(outcome.status(0).out(), status);
        assert_eq!(outcome.err(), "");
        let request = server.join().unwrap();
        assert!(request.starts_with("GET /health?x=1 HTTP/1.1\r\n"), "{request}");
        assert!(request.contains(&format!("\r\nHost: 127.0.0.1:{port}\r\n")), "{request}");
        assert!(request.contains("\r\nConnection: close\r\n"), "{request}");
    }
}

#[test]
fn any_other_answer_is_not() {
    for (answer, status) in [
        ("HTTP/1.1 404 Not Found\r\n\r\n", "404"),
        ("HTTP/1.1 503 x\r\n\r\n", "503"),
        ("HTTP/1.1 199 x\r\n\r\n", "199"),
        ("HTTP/1.1 101 x\r\n\r\n", "101"),
    ] {
        let (port, server) = server(answer);
        let outcome = health([], &format!("http://127.0.0.1:{port}/")).run();
        outcome.status(1).says(&format!("it answered {status}"));
        assert_eq!(outcome.out(), "");
        server.join().unwrap();
    }
}

#[test]
fn a_redirect_is_not_followed_and_the_header_that_avoids_it_is_named() {
    let redirect = "HTTP/1.1 301 Moved\r\nLocation: https://127.0.0.1/canary-canary\r\n\r\n";
    let (port, first) = server(redirect);
    let url = format!("http://127.0.0.1:{port}/");
    let outcome = health([], &url).run();
    outcome.status(1).says("301").says("X-Forwarded-Proto: https").never_says("canary");
    first.join().unwrap();

    let (port, second) = server("HTTP/1.1 200 OK\r\n\r\n");
    let url = format!("http://127.0.0.1:{port}/");
    health(["--header", "X-Forwarded-Proto: https"], &url).run().status(0);
    let request = second.join().unwrap();
    assert!(request.contains("\r\nX-Forwarded-Proto: https\r\n"), "{request}");
}

#[test]
fn what_is_no_http_is_not_healthy() {
    let endless: &str = Box::leak("x".repeat(20_000).into_boxed_str());
    for answer in ["", "hello\r\n", "HTTP/2 200\r\n", "HTTP/1.1 2", endless] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            request(&mut stream);
            // The probe may go away in the middle of this.
            let _ = stream.write_all(answer.as_bytes());
        });
        health([], &format!("http://127.0.0.1:{port}/")).run().status(1).no_panic();
        server.join().unwrap();
    }
}

#[test]
fn an_answer_that_does_not_come_or_never_ends_is_not_waited_for() {
    // Neither accepted nor answered: the kernel takes the connection.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}/");
    health(["--timeout", "100ms"], &url).run().status(1).says("no answer within 100 ms");
    health([], &url).run().status(1).says("no answer within 2000 ms");

    // One byte at a time: each read is in time, all of them are not.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        while stream.write_all(b"H").is_ok() {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    });
    let url = format!("http://127.0.0.1:{port}/");
    health(["--timeout", "200ms"], &url).run().status(1).says("no answer within 200 ms");
    server.join().unwrap();
}

#[test]
fn a_body_without_end_does_not_keep_a_healthy_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        request(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    health(["--timeout", "60s"], &format!("http://127.0.0.1:{port}/")).run().status(0);
    server.join().unwrap();
}

#[test]
fn a_closed_port_is_not_healthy() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    health([], &format!("http://127.0.0.1:{port}/")).run().status(1).says("ECONNREFUSED");
}

#[test]
fn localhost_and_ipv6_literals_are_known() {
    let (port, first) = server("HTTP/1.1 200 OK\r\n\r\n");
    health([], &format!("http://localhost:{port}/")).run().status(0);
    assert!(first.join().unwrap().contains(&format!("Host: localhost:{port}\r\n")));
    // A machine without IPv6 has nothing to try.
    if let Ok(listener) = TcpListener::bind("[::1]:0") {
        let (port, second) = serve(listener, "HTTP/1.1 200 OK\r\n\r\n");
        health([], &format!("http://[::1]:{port}/")).run().status(0);
        assert!(second.join().unwrap().contains(&format!("Host: [::1]:{port}\r\n")));
    }
}

#[test]
fn a_unix_socket_is_asked_in_both_spellings() {
    for spelling in ["unix:{}:/health", "http+unix://{}/health"] {
        let launch = Launch::new();
        let path = launch.root().join("app.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let request = request(&mut stream);
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            request
        });
        let path = path.to_str().unwrap();
        let encoded = path.replace('/', "%2F");
        let path = if spelling.starts_with("unix") { path } else { &encoded };
        launch.args(["health", &spelling.replace("{}", path)]).run().status(0);
        assert!(server.join().unwrap().starts_with("GET /health HTTP/1.1\r\n"));
    }
    health([], "unix:/no/such.sock:/health").run().status(1).says("ENOENT");
}

#[test]
fn a_unix_socket_whose_queue_is_full_is_not_waited_for_without_end() {
    let launch = Launch::new();
    let path = launch.root().join("app.sock");
    let listener = UnixListener::bind(&path).unwrap();
    // SAFETY: a second listen(2) only changes the length of the queue.
    unsafe { libc::listen(std::os::fd::AsRawFd::as_raw_fd(&listener), 0) };
    let _waiting = std::os::unix::net::UnixStream::connect(&path).unwrap();
    let url = format!("unix:{}", path.display());
    let outcome = launch.args(["health", "--timeout", "100ms", &url]).run();
    outcome.status(1).says("no answer within 100 ms");
}

#[test]
fn what_cannot_be_asked_is_64_and_not_repeated() {
    for url in [
        "https://127.0.0.1/canary-canary",
        "http://user:canary-canary@127.0.0.1/",
        "http://canary.example/canary-canary",
        "canary-canary",
    ] {
        health([], url).canary("canary-canary").run().status(64).no_canary();
    }
    health([], "https://127.0.0.1/").run().status(64).says("TLS is not spoken").says("http://");
    let header = "Authorization canary-canary";
    health(["--header", header], "http://127.0.0.1/")
        .canary("canary-canary")
        .run()
        .status(64)
        .no_canary();
    health(["--timeout", "0"], "http://127.0.0.1/").run().status(64);
}

#[test]
fn neither_settings_nor_secrets_are_looked_at_nor_shown() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    health(
        ["--header", "Authorization: Bearer canary-canary"],
        &format!("http://127.0.0.1:{port}/?token=canary-canary"),
    )
    .env("NEXIS_LAUNCH_NO_SUCH_THING", "1")
    .env("NEXIS_LAUNCH_CONTRACT", "/no/such/contract")
    .env("JWT_SECRET", "canary-canary")
    .canary("canary-canary")
    .run()
    .status(1)
    .no_canary();
}
