//! The failures that gateway contract section 1 measured, each shown twice: with the gateway
//! started directly, which then misbehaves, and through the launcher, which refuses or mends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;

const PUBLIC_KEY: &str = "dev_only_secret_change_in_production";

/// The gateway through the launcher, for so many requests, in an environment without NEXIS_ENV.
fn gateway(requests: usize) -> Launch {
    Launch::new()
        .args(["run", "--"])
        .args([example("gateway").as_os_str()])
        .args(["{dump}", &requests.to_string()])
        .env("NEXIS_CORS_ALLOW_ORIGINS", "https://app.nexis.example")
}

/// The same in one mode, as a deployment sets it.
fn gateway_in(mode: &str, requests: usize) -> Launch {
    gateway(requests).env("NEXIS_ENV", mode)
}

fn token(key: &[u8]) -> String {
    let claims = json!({"sub": "user", "exp": 4_102_444_800_u32});
    encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(key)).unwrap()
}

/// A running gateway.
struct Service(Running, String);

impl Service {
    fn start(launch: Launch) -> Self {
        let running = launch.start();
        let file = running.root().join("work/witness.json");
        let mut address = String::new();
        wait_for("the gateway's address", || {
            address = std::fs::read_to_string(&file).unwrap_or_default();
            let over = running.ended(std::time::Duration::ZERO);
            !address.is_empty() || over
        });
        if address.is_empty() {
            panic!("the gateway did not start\n{}", running.finish());
        }
        Service(running, address)
    }

    /// The status and body of one request.
    fn get(&self, path: &str, token: Option<&str>) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.1).unwrap();
        let token = token.map(|it| format!("Authorization: Bearer {it}\r\n")).unwrap_or_default();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: gateway\r\n{token}\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    fn accepts(&self, path: &str, key: impl AsRef<[u8]>) -> bool {
        self.get(path, Some(&token(key.as_ref()))).0 == 200
    }

    fn health(&self) -> Value {
        serde_json::from_str(&self.get("/health", None).1).unwrap()
    }
}

/// Refused with this error, and no form of the value is shown.
fn refused(launch: Launch, code: &str, variable: &str) {
    launch.run().status(78).error(code, variable).program_did_not_run();
}

#[test]
fn the_mounted_secret_signs_and_no_other_key_does() {
    let service = Service::start(
        gateway_in("production", 6)
            .file("secrets/jwt_secret", format!("{SECRET}\n"))
            .options(["--secrets-dir", "{root}/secrets"]),
    );
    for path in ["/api", "/ws"] {
        assert!(service.accepts(path, SECRET), "the mounted key on {path}");
        assert!(!service.accepts(path, ""), "the empty key on {path}");
        assert!(!service.accepts(path, PUBLIC_KEY), "the public key on {path}");
    }
    service.0.finish().status(0);
}

#[test]
fn an_edge_on_the_key_makes_it_another_key() {
    for spoiled in [
        format!("{SECRET}\n"),
        format!("{SECRET}\r\n"),
        format!("\u{feff}{SECRET}"),
        format!("\"{SECRET}\""),
        format!(" {SECRET}"),
    ] {
        let launch = gateway_in("production", 1).env("JWT_SECRET", &spoiled);
        let service = Service::start(launch.clone().directly());
        assert!(!service.accepts("/api", SECRET), "directly, {spoiled:?} is taken as it is");
        service.0.finish().status(0);
        std::fs::remove_file(launch.root().join("work/witness.json")).unwrap();
        let code = if spoiled.contains('"') { "surrounding-quotes" } else { "surrounding-space" };
        refused(launch, code, "JWT_SECRET");
    }
}

#[test]
fn a_newline_at_the_end_of_the_secrets_file_is_mended() {
    for ending in ["\n", "\r\n"] {
        let service = Service::start(
            gateway_in("production", 1)
                .file("jwt", format!("{SECRET}{ending}"))
                .env("JWT_SECRET_FILE", "{root}/jwt"),
        );
        assert!(service.accepts("/api", SECRET));
    }
}

#[test]
fn a_key_that_is_not_utf8_counts_as_unset() {
    let launch = gateway_in("staging", 1).env("JWT_SECRET", [SECRET.as_bytes(), b"\xff"].concat());
    let service = Service::start(launch.clone().directly());
    assert!(service.accepts("/ws", PUBLIC_KEY), "directly, the public key opens the websocket");
    service.0.finish().status(0);
    std::fs::remove_file(launch.root().join("work/witness.json")).unwrap();
    refused(launch, "not-utf8", "JWT_SECRET");
}

#[test]
fn an_empty_key_lets_anyone_mint_tokens() {
    let launch = gateway_in("production", 1).env("JWT_SECRET", "");
    let service = Service::start(launch.clone().directly());
    assert!(service.accepts("/api", ""), "directly, the empty key is a key");
    service.0.finish().status(0);
    std::fs::remove_file(launch.root().join("work/witness.json")).unwrap();
    refused(launch, "blank-value", "JWT_SECRET");
}

#[test]
fn without_a_key_production_panics() {
    let launch = gateway_in("production", 1);
    launch.clone().directly().run().status(101);
    refused(launch, "missing-required", "JWT_SECRET");
}

#[test]
fn a_near_miss_of_production_opens_the_websocket_to_the_public_key() {
    for mode in ["prod", "Production", "production ", "staging"] {
        let launch = gateway_in(mode, 1);
        let service = Service::start(launch.clone().directly());
        assert!(service.accepts("/ws", PUBLIC_KEY), "directly, with NEXIS_ENV={mode:?}");
        service.0.finish().status(0);
        std::fs::remove_file(launch.root().join("work/witness.json")).unwrap();
        refused(launch, "missing-required", "JWT_SECRET");
    }
    for mode in ["prod", "Production", "production "] {
        let service = Service::start(gateway_in(mode, 2).env("JWT_SECRET", SECRET));
        assert_eq!(service.health()["production"], true, "{mode:?}");
        assert!(!service.accepts("/ws", PUBLIC_KEY), "{mode:?}");
    }
}

#[test]
fn development_without_a_key_gets_one_that_is_not_public() {
    let service = Service::start(gateway_in("development", 1).directly());
    assert!(service.accepts("/ws", PUBLIC_KEY), "directly, the public key opens the websocket");
    let service = Service::start(gateway_in("development", 4));
    for path in ["/api", "/ws"] {
        assert!(!service.accepts(path, PUBLIC_KEY));
        assert!(!service.accepts(path, ""));
    }
    let outcome = service.0.finish();
    outcome.status(0).warning("ephemeral-secret", "JWT_SECRET");
    assert_eq!(outcome.variable("JWT_SECRET")["state"], "generated");
}

#[test]
fn the_alias_of_the_deployment_examples_is_read_by_nothing() {
    let launch = gateway_in("staging", 1).env("NEXIS_JWT_SECRET", SECRET);
    let service = Service::start(launch.clone().directly());
    assert!(!service.accepts("/api", SECRET), "directly, the alias is not read");
    service.0.finish().status(0);
    std::fs::remove_file(launch.root().join("work/witness.json")).unwrap();
    let service = Service::start(launch);
    assert!(service.accepts("/api", SECRET), "the launcher maps it");
}

#[test]
fn anything_but_64_hex_digits_switches_encryption_off_in_silence() {
    for (spoiled, code) in [
        (HEX_KEY[1..].to_owned(), "bad-format"),
        (format!("0x{HEX_KEY}"), "bad-format"),
        (format!("{HEX_KEY}\n"), "surrounding-space"),
        ("nB9/euILZNg18MLnGWq4TVNxD+myyG06RQe58eOi2Ew=".to_owned(), "bad-format"),
        ("CHANGE_ME".to_owned(), "placeholder"),
    ] {
        let launch = gateway_in("production", 1)
            .env("JWT_SECRET", SECRET)
            .env("NEXIS_ENCRYPTION_KEY", &spoiled);
        let service = Service::start(launch.clone().directly());
        assert_eq!(service.health()["encryption"], false, "directly, {spoiled:?}");
        service.0.finish().status(0);
        std::fs::remove_file(launch.root().join("work/witness.json")).unwrap();
        refused(launch, code, "NEXIS_ENCRYPTION_KEY");
    }
}

#[test]
fn an_encryption_key_with_a_newline_in_its_file_still_encrypts() {
    let service = Service::start(
        gateway_in("production", 1)
            .env("JWT_SECRET", SECRET)
            .file("key", format!("{HEX_KEY}\n"))
            .env("NEXIS_ENCRYPTION_KEY_FILE", "{root}/key"),
    );
    assert_eq!(service.health()["encryption"], true);
    let outcome = service.0.finish();
    assert_eq!(outcome.status(0).variable("NEXIS_ENCRYPTION_KEY")["newline_removed"], true);
}

#[test]
fn replicas_accept_each_others_tokens_only_with_one_shared_key() {
    let replica = || Service::start(gateway_in("staging", 2).directly());
    let replicas = [replica(), replica(), replica()];
    let minted = replicas[0].get("/login", None).1;
    assert_eq!(replicas[1].get("/api", Some(&minted)).0, 401, "directly, without a key");
    assert_eq!(replicas[2].get("/api", Some(&minted)).0, 401, "directly, without a key");

    let replica = || {
        Service::start(
            gateway_in("staging", 2)
                .file("secrets/jwt-secret", SECRET)
                .options(["--secrets-dir", "{root}/secrets"]),
        )
    };
    let replicas = [replica(), replica(), replica()];
    let minted = replicas[0].get("/login", None).1;
    for replica in &replicas {
        assert_eq!(replica.get("/api", Some(&minted)).0, 200);
    }
}

#[test]
fn a_configuration_error_is_found_before_the_gateway_finds_it() {
    let launch = gateway_in("production", 1)
        .env("JWT_SECRET", SECRET)
        .env("NEXIS_BIND_ADDR", "localhost:8080");
    launch.clone().directly().run().status(1);
    refused(launch, "bad-format", "NEXIS_BIND_ADDR");
}

#[test]
fn a_stop_reaches_the_gateway_as_if_it_had_been_started_directly() {
    for direct in [true, false] {
        let launch = gateway_in("production", 9).env("JWT_SECRET", SECRET);
        let service = Service::start(if direct { launch.directly() } else { launch });
        service.0.signal(libc::SIGTERM);
        service.0.finish().status(0);
    }
}

/// A rotation from end to end: the successor is generated, the running gateway is told to hold the
/// old key, and a new start refuses the old key's tokens.
#[test]
fn tokens_of_the_old_key_are_refused_once_inspect_calls_a_gateway_current() {
    let root = Launch::new().dir("secrets");
    let secrets = root.root().join("secrets");
    let made = |name: &str| {
        let path = secrets.join(name);
        Launch::command("generate", ["JWT_SECRET", "--out", path.to_str().unwrap()])
            .run()
            .status(0);
        std::fs::read_to_string(path).unwrap()
    };
    let start = || {
        let options = ["--secrets-dir", secrets.to_str().unwrap()];
        Service::start(gateway_in("production", 20).options(options))
    };
    let old_key = made("jwt-secret");
    let old = start();
    let session = old.get("/login", None).1;
    let new_key = made("successor");
    let inspect = |service: &Service, status: i32, state: &str| {
        let pid = service.0.pid().to_string();
        let outcome = Launch::command("inspect", ["--pid", &pid, "--secrets-dir"])
            .args([secrets.as_os_str()])
            .env("NEXIS_CORS_ALLOW_ORIGINS", "https://app.nexis.example")
            .canary(&old_key)
            .canary(&new_key)
            .run();
        outcome.status(status).no_canary();
        let line = format!("  JWT_SECRET                {state}  ");
        assert!(outcome.out().contains(&line), "{outcome}");
    };
    inspect(&old, 0, "current");
    assert_eq!(old.get("/api", Some(&session)).0, 200);
    std::fs::rename(secrets.join("successor"), secrets.join("jwt-secret")).unwrap();
    inspect(&old, 1, "stale");
    assert_eq!(old.get("/api", Some(&session)).0, 200, "it takes the old key's tokens still");
    let new = start();
    inspect(&new, 0, "current");
    assert_eq!(new.get("/api", Some(&session)).0, 401, "the old key's tokens are refused");
    assert!(new.accepts("/api", &new_key) && !new.accepts("/api", &old_key));
    inspect(&old, 1, "stale");
    for service in [old, new] {
        service.0.signal(libc::SIGTERM);
        service.0.finish().status(0);
    }
}
