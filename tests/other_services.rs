//! Services that are no nexis-gateway, started by the contracts of `packaging/contracts`: Node.js,
//! Python, and PostgreSQL behind what the stock image documents of its entry point.
//!
//! Where one is not installed a test says so and is skipped; with `CI=true` that is a failure.
#![allow(unsafe_code, reason = "the user is asked for through a C interface")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

/// A password with everything that ends or splits a URL's parts somewhere.
const HOSTILE: &str = "at@colon:slash/question?hash#percent%41&plus+space ünï'\"\\$x";

fn repository(path: &str) -> String {
    format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `run` of a contract of `packaging/contracts` in this mode.
fn service(contract: &str, mode: &str, program: &[&str]) -> Launch {
    Launch::new()
        .args(["run", "--mode", mode, "--inherit", "contract", "--contract"])
        .args([repository(&format!("packaging/contracts/{contract}.yaml"))])
        .args(["--"])
        .args(program)
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
}

/// The names that a program found, without what its runtime adds itself.
fn names(facts: &Value) -> Vec<&str> {
    let names = facts["names"].as_array().unwrap().iter().map(|name| name.as_str().unwrap());
    names.filter(|name| !["PATH", "LC_CTYPE"].contains(name)).collect()
}

#[test]
fn a_node_service_gets_its_secrets_from_files_and_parts() {
    let Some(node) = installed("node") else { return skipped("nodejs") };
    let port = free_port();
    let server = repository("tests/fixtures/services/server.js");
    let launch = || {
        service("node-service", "production", &[node.to_str().unwrap(), &server])
            .file("session", format!("{SECRET}\n"))
            .file("password", HOSTILE)
            .env("SHOP_SESSION_SECRET_FILE", "{root}/session")
            .env("SHOP_DB_HOST", "db.internal")
            .env("SHOP_DB_NAME", "shop")
            .env("SHOP_DB_USER", "shop")
            .env("SHOP_DB_PASSWORD_FILE", "{root}/password")
            .env("PORT", port.to_string())
            .env("OTHER", "x")
            .canary(SECRET)
            .canary(HOSTILE)
    };
    let running = launch().start();
    wait_for("the service", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    let ask = || {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let url = format!("http://127.0.0.1:{port}/");
    Launch::command("health", [url.as_str()]).run().status(0);
    let answer = ask();
    ask();
    let facts: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    let mut hmac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    hmac.update(b"hello");
    assert_eq!(facts["session"], hex(&hmac.finalize().into_bytes()));
    assert_eq!(facts["password"], hex(&Sha256::digest(HOSTILE)));
    assert_eq!(facts["mode"], "production");
    assert_eq!(names(&facts), ["DATABASE_URL", "NODE_ENV", "PORT", "SESSION_SECRET"]);
    running.finish().status(0).no_canary();
    // Without its secrets, or with the debugger open, nothing is started.
    let marker = "require('fs').writeFileSync('ran', 'x')";
    let refused = |launch: Launch| {
        let outcome = launch.run();
        outcome.status(78);
        assert!(!outcome.root().join("work/ran").exists(), "{outcome}");
        outcome
    };
    let bare = || service("node-service", "production", &[node.to_str().unwrap(), "-e", marker]);
    let outcome = refused(bare());
    outcome.only_errors(&[
        ("missing-required", "SESSION_SECRET"),
        ("missing-required", "DATABASE_URL"),
    ]);
    let url = "postgres://u:Zt7-qWv9xKp2@db/shop?sslmode=require";
    let sound = || bare().env("SESSION_SECRET", SECRET).env("DATABASE_URL", url);
    let outcome = refused(sound().env("NODE_OPTIONS", "--inspect=0.0.0.0"));
    outcome.only_errors(&[("insecure-setting", "NODE_OPTIONS")]);
    refused(sound().env("PAYMENTS_ENABLED", "on"))
        .only_errors(&[("missing-required", "PAYMENT_API_KEY")]);
    let outcome = sound().run();
    outcome.status(0);
    assert!(outcome.root().join("work/ran").exists(), "{outcome}");
}

#[test]
fn a_python_worker_gets_a_url_that_it_takes_apart_again() {
    let Some(python) = installed("python3") else { return skipped("python3") };
    let worker = repository("tests/fixtures/services/worker.py");
    let key = &SECRET;
    let launch = || {
        service("python-worker", "production", &[python.to_str().unwrap(), &worker])
            .options(["--secrets-dir", "{root}/secrets"])
            .file("secrets/fernet-key", format!("{key}\n"))
            .file("secrets/worker-broker-password", HOSTILE)
            .env("WORKER_BROKER_HOST", "2001:db8::7")
            .env("WORKER_BROKER_PORT", "5671")
            .env("WORKER_BROKER_USER", "jobs")
            .canary(key)
            .canary(HOSTILE)
    };
    let outcome = launch().run();
    outcome.status(0).no_canary();
    let facts: Value = serde_json::from_str(&outcome.out()).unwrap();
    let expected = [
        ("scheme", Value::from("amqps")),
        ("host", "2001:db8::7".into()),
        ("port", 5671.into()),
        ("password", hex(&Sha256::digest(HOSTILE)).into()),
        ("key", 32.into()),
        ("concurrency", 4.into()),
    ];
    for (fact, value) in expected {
        assert_eq!(facts[fact], value, "{fact}\n{outcome}");
    }
    let expected = ["BROKER_URL", "FERNET_KEY", "PYTHONUNBUFFERED", "WORKER_CONCURRENCY"];
    assert_eq!(names(&facts), expected);
    // A key of another form, a name that is forbidden: nothing is started.
    let outcome = launch().file("secrets/fernet-key", &SECRET[1..]).run();
    outcome.status(78).only_errors(&[("bad-format", "FERNET_KEY")]);
    assert_eq!(outcome.out(), "");
    let outcome = launch().env("PYTHONSTARTUP", "/x.py").run();
    outcome.status(78).only_errors(&[("forbidden-variable", "PYTHONSTARTUP")]);
    assert_eq!(outcome.out(), "");
}

/// The status of a query with this password.
fn login(bin: &Path, port: u16, password: &str) -> bool {
    let mut client = Command::new(bin.join("psql"));
    client.args(["-XAtc", "select 1", "-h", "127.0.0.1", "-p", &port.to_string()]);
    client.args(["-U", "keeper", "-d", "postgres", "-w"]);
    client.env_clear().env("PGPASSWORD", password).env("HOME", "/nonexistent");
    client.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    client.status().unwrap().success()
}

#[test]
fn a_stock_postgresql_gets_its_password_as_a_file_and_lets_nobody_in_without() {
    let Some(bin) = postgresql() else { return skipped("postgresql") };
    let port = free_port();
    let entry = repository("tests/fixtures/services/postgres-entrypoint.sh");
    let listen = format!("port={port}");
    let program = [
        entry.as_str(),
        "postgres",
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        "unix_socket_directories=",
        "-c",
        &listen,
        "-c",
        "fsync=off",
        "-c",
        "shared_buffers=4MB",
    ];
    let root = is_root();
    let launch = || {
        let launch = service("postgres", "production", &program)
            .options(["--secrets-dir", "{root}/run/secrets", "--manifest-to", "{root}/manifest"])
            // As Docker mounts it; the server is another user.
            .file("run/secrets/postgres-password", format!("{HOSTILE}\n"))
            .mode("run/secrets/postgres-password", 0o444)
            .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
            .env("POSTGRES_USER", "keeper")
            .env("PGDATA", "{root}/data/pg")
            .dir("data")
            .mode("data", 0o777)
            .canary(HOSTILE);
        // PostgreSQL refuses to be root.
        if root { launch.options(["--user", "65534"]) } else { launch }
    };
    let running = launch().start();
    wait_for("PostgreSQL", || login(&bin, port, HOSTILE));
    assert!(!login(&bin, port, "another"), "any password is taken");
    assert!(!login(&bin, port, ""), "no password is taken");
    // The environment that the server was started with: the path, and no password.
    let environment = std::fs::read(format!("/proc/{}/environ", running.pid())).unwrap();
    let text = String::from_utf8_lossy(&environment);
    assert!(!text.contains(HOSTILE), "{text}");
    running.signal(libc::SIGINT);
    let outcome = running.finish();
    outcome.status(0).no_canary();
    let manifest: Value = serde_json::from_str(&outcome.read("manifest")).unwrap();
    let password = &manifest["variables"][0];
    assert_eq!(password["as"], "POSTGRES_PASSWORD_FILE", "{manifest:#}");
    assert!(!manifest.to_string().contains("question"), "{manifest:#}");
    // A password that everybody knows, one without a file, and trust: no data directory is made.
    let never = |launch: Launch, code: &str, variable: &str| {
        let outcome = launch.run();
        outcome.status(78).no_canary();
        let manifest: Value = serde_json::from_str(&outcome.read("manifest")).unwrap();
        let mut findings = manifest["findings"].as_array().unwrap().iter();
        let found = findings.any(|it| it["code"] == code && it["variable"] == variable);
        assert!(found, "{manifest:#}");
        assert!(!outcome.root().join("data/pg").exists(), "{outcome}");
    };
    let known = launch().file("run/secrets/postgres-password", "mysecretpassword");
    never(known, "placeholder", "POSTGRES_PASSWORD");
    let bare = launch().options(["--env-file", "{root}/x.env"]);
    let by_value = bare.file("x.env", "POSTGRES_PASSWORD=kZ3vQ9xLw7TnB2yHc5Rf\n");
    let by_value = by_value.file("run/secrets/postgres-password", "\n");
    never(by_value, "no-file-to-deliver", "POSTGRES_PASSWORD");
    let trust = launch().env("POSTGRES_HOST_AUTH_METHOD", "trust");
    never(trust, "bad-format", "POSTGRES_HOST_AUTH_METHOD");
}

#[test]
fn a_secret_of_any_service_that_is_given_as_a_path_is_not_repeated() {
    for (name, value) in [
        ("POSTGRES_PASSWORD", SECRET.to_owned()),
        ("STRIPE_API_KEY", OTHER.to_owned()),
        ("SOME_URL", format!("amqps://user:{THIRD}@broker/jobs")),
    ] {
        let secret = value.rsplit_once(':').map_or(&*value, |(_, rest)| &rest[..43]);
        let outcome = Launch::witness(["--mode", "production", "--contract", &value])
            .env(name, &value)
            .canary(secret)
            .run();
        outcome.status(66).says(name).no_canary().program_did_not_run();
    }
}

#[test]
fn the_contracts_of_packaging_have_no_fault() {
    let mut seen = 0;
    for entry in std::fs::read_dir(repository("packaging/contracts")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|it| it == "yaml") {
            let outcome = Launch::command("contract", ["lint", path.to_str().unwrap()]).run();
            assert_eq!(outcome.status(0).out(), "", "{}", path.display());
            let schema = std::fs::read_to_string(repository("schemas/contract.schema.json"));
            let schema = serde_json::from_str(&schema.unwrap()).unwrap();
            let schema = jsonschema::draft202012::new(&schema).unwrap();
            let text = std::fs::read_to_string(&path).unwrap();
            let value: Value = serde_yaml::from_str(&text).unwrap();
            assert!(schema.is_valid(&value), "{}", path.display());
            seen += 1;
        }
    }
    assert!(seen >= 3, "{seen} contracts");
}
