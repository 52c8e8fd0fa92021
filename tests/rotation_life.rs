//! The whole life of a key, from its adoption to its revocation, with a gateway in staging and one
//! in production.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use std::io::{Read, Write};
use std::net::TcpStream;

/// A gateway that was started through the launcher, with the ledger.
struct Gateway {
    running: Running,
    address: String,
}

impl Gateway {
    /// Starts it with the secrets of a directory of the desk.
    fn start(desk: &Desk, secrets: &str, mode: &str) -> Gateway {
        let running = launch(desk, secrets, mode).start();
        let file = running.root().join("work/witness.json");
        let mut address = String::new();
        wait_for("the gateway's address", || {
            address = std::fs::read_to_string(&file).unwrap_or_default();
            !address.is_empty() || running.ended(std::time::Duration::ZERO)
        });
        assert!(!address.is_empty(), "the gateway did not start\n{}", running.finish());
        Gateway { running, address }
    }

    fn get(&self, path: &str, token: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nAuthorization: Bearer {token}\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// Logs in and gets a token.
    fn login(&self) -> String {
        let (status, token) = self.get("/login", "");
        assert_eq!(status, 200);
        token
    }

    /// Answers what is left of its requests, so that it ends, and says what the launcher said.
    fn stop(self, left: usize) -> Outcome {
        for _ in 0..left {
            self.get("/health", "");
        }
        self.running.finish()
    }
}

/// How many requests a gateway answers before it ends by itself.
const REQUESTS: usize = 8;

fn launch(desk: &Desk, secrets: &str, mode: &str) -> Launch {
    Launch::new()
        .args(["run", "--", example("gateway").to_str().unwrap(), "{dump}", &REQUESTS.to_string()])
        .env("NEXIS_ENV", mode)
        .env("NEXIS_CORS_ALLOW_ORIGINS", "https://app.nexis.example")
        .env("NEXIS_LAUNCH_SECRETS_DIR", desk.path(secrets).to_str().unwrap())
        .env("NEXIS_LAUNCH_LEDGER", desk.ledger().to_str().unwrap())
        .env("NEXIS_LAUNCH_FINGERPRINT_KEY_FILE", desk.path("fingerprint.key").to_str().unwrap())
        .canary(SECRET)
        .canary(OTHER)
}

/// Whether a running gateway holds what its next start would get.
#[track_caller]
fn inspected(desk: &Desk, gateway: &Gateway, status: i32, state: &str) {
    let pid = gateway.running.pid().to_string();
    let outcome = Launch::command("inspect", ["--pid", &pid, "--format", "json", "JWT_SECRET"])
        .env("NEXIS_LAUNCH_SECRETS_DIR", desk.path("production").to_str().unwrap())
        .env("NEXIS_LAUNCH_FINGERPRINT_KEY_FILE", desk.path("fingerprint.key").to_str().unwrap())
        .canary(SECRET)
        .canary(OTHER)
        .run();
    outcome.status(status).no_canary();
    let document: serde_json::Value = serde_json::from_str(&outcome.out()).unwrap();
    let variables = document["processes"][0]["variables"].as_array().unwrap();
    assert_eq!(variables.len(), 1, "{document:#}");
    assert_eq!(
        (&variables[0]["name"], &variables[0]["state"]),
        (&"JWT_SECRET".into(), &state.into())
    );
}

/// The operator's own check: staging lets a user log in and takes the token, production does not
/// take it, and the new value is at hand.
const CHECK: &str = r#"
ask() {
    exec 3<>"/dev/tcp/${1%:*}/${1#*:}"
    printf 'GET %s HTTP/1.1\r\nAuthorization: Bearer %s\r\n\r\n' "$2" "$3" >&3
    cat <&3
    exec 3>&-
}
token=$(ask "$1" /login '' | tail -n 1)
[[ ${#JWT_SECRET} == 43 ]] || exit 10
[[ $(ask "$1" /api "$token") == 'HTTP/1.1 200'* ]] || exit 11
[[ $(ask "$1" /api 'no.such.token') == 'HTTP/1.1 401'* ]] || exit 12
[[ $(ask "$2" /api "$token") == 'HTTP/1.1 401'* ]] || exit 13
"#;

#[test]
fn a_key_lives_from_its_adoption_to_its_revocation() {
    let desk = Desk::new();
    for (secrets, value) in [("production", SECRET), ("staging", OTHER)] {
        std::fs::create_dir(desk.path(secrets)).unwrap();
        desk.write(&format!("{secrets}/jwt-secret"), value);
    }

    // The key that production has is past its window: the launch says so and goes on.
    desk.adopt("JWT_SECRET", 100);
    let production = Gateway::start(&desk, "production", "production");
    let old_token = production.login();
    assert_eq!(production.get("/api", &old_token).0, 200);
    assert_eq!(desk.run(&["rotate", "status"]).status, Some(1));

    // A new one is generated, stored, and tried in staging.
    desk.start("JWT_SECRET", "new");
    desk.steps("JWT_SECRET", &["stage"]);
    let staging = Gateway::start(&desk, "staging", "staging");
    let verify = |first: &str, second: &str| {
        desk.run(&[
            "rotate",
            "verify",
            "JWT_SECRET",
            "--value-file",
            "{home}/new",
            "--",
            "/bin/bash",
            "-c",
            CHECK,
            "check",
            first,
            second,
        ])
    };
    // With the two gateways mistaken for one another the check fails, and the step is not done.
    verify(&staging.address, &staging.address).status(1).says("ended with 13");
    desk.refused(65, &["rotate", "deploy", "JWT_SECRET"]);
    verify(&staging.address, &production.address).status(0);
    staging.stop(1);

    // Production is rolled: the file is replaced, and the process that has the old key goes.
    inspected(&desk, &production, 0, "current");
    let head_before = desk.head();
    desk.write("production/jwt-secret.new", OTHER);
    std::fs::rename(desk.path("production/jwt-secret.new"), desk.path("production/jwt-secret"))
        .unwrap();
    inspected(&desk, &production, 1, "stale");
    assert_eq!(production.get("/api", &old_token).0, 200, "the running process has the old key");
    let first = production.stop(REQUESTS - 4);
    first.status(0).warning("rotation-overdue", "JWT_SECRET").no_canary();
    let production = Gateway::start(&desk, "production", "production");
    assert_eq!(production.get("/api", &old_token).0, 401, "a token of the old key was taken");
    inspected(&desk, &production, 0, "current");
    let new_token = production.login();
    assert_eq!(production.get("/api", &new_token).0, 200);
    desk.done(&["rotate", "deploy", "JWT_SECRET", "--revoke-by", &days_ahead(3)]);

    // A replica that still gets the old one is told of, and refused from the revocation on.
    std::fs::create_dir(desk.path("forgotten")).unwrap();
    desk.write("forgotten/jwt-secret", SECRET);
    let forgotten = Gateway::start(&desk, "forgotten", "production").stop(REQUESTS);
    forgotten.status(0).says("\"variable\":\"JWT_SECRET\"").no_canary();
    desk.steps("JWT_SECRET", &["revoke"]);
    let refused = launch(&desk, "forgotten", "production").run();
    refused.status(78).error("value-revoked", "JWT_SECRET").program_did_not_run().no_canary();

    // The evidence ends the rotation, and the auditor reads it.
    desk.done(&[
        "rotate",
        "evidence",
        "JWT_SECRET",
        "--commit",
        "d41773f",
        "--deployment",
        "42",
        "--link",
        "https://ci.example.org/run/7",
    ]);
    let head = desk.head();
    for head in [&head_before, &head] {
        desk.done(&["ledger", "verify", "--head", head]);
    }
    desk.run(&["rotate", "status"]).status(0);
    let kinds = [
        "adopted",
        "started",
        "staged",
        "verification-failed",
        "verified",
        "deployed",
        "revoked",
        "evidence",
    ];
    assert_eq!(desk.kinds("JWT_SECRET"), kinds);
    for format in ["text", "json", "html"] {
        let told = desk.done(&["rotate", "history", "--format", format]).out();
        let mut rest = told.as_str();
        for kind in kinds {
            let at =
                rest.find(kind).unwrap_or_else(|| panic!("{format}: no {kind} in order\n{told}"));
            rest = &rest[at + kind.len()..];
        }
        assert!(told.contains(&head) && told.contains("d41773f"), "{told}");
    }
    assert_eq!(production.get("/api", &new_token).0, 200);
    production.stop(REQUESTS - 4).status(0).no_canary();
    desk.holds_no_value();
}
