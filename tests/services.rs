//! PostgreSQL and Redis, started for real: their own clients connect through the URLs that the
//! launcher composes from parts, whatever the password is made of.
//!
//! Where a server is not installed a test says so and is skipped; with `CI=true` that is a failure.
#![allow(unsafe_code, reason = "a server is ended by its id through a C interface")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The user of the servers where the test runs as root, which PostgreSQL refuses to be.
const NOBODY: u32 = 65534;

/// Passwords with everything that ends or splits a URL's parts somewhere. Each is told from its
/// neighbours by what is left when one of these characters is taken for more than itself.
const PASSWORDS: [&str; 6] = [
    "at@colon:slash/question?hash#percent%amp&equals=plus+space $dollar",
    "quote\"apostrophe'backslash\\backquote`{brace}[bracket]<angle>|caret^tilde~",
    "%41%2F%00%zz%",
    "ünïcödé-пароль-密码-🔑",
    "@:/?#[]@!$&'()*+,;=",
    "postgres://user:inner@host:1/x?sslmode=disable#y",
];

/// A started server, ended by its id.
struct Server {
    child: Child,
    port: u16,
    directory: PathBuf,
    /// The signal that ends it at once and with all its processes.
    end: i32,
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id()).unwrap();
        // SAFETY: kill(2) takes any numbers; the child is not yet waited for, so the id is its own.
        unsafe { libc::kill(pid, self.end) };
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(5) {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// A directory of the servers' user.
fn directory(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("nexis-launch-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir(&path).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o700)).unwrap();
    if is_root() {
        chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    path
}

/// A command of the servers' user in a directory of theirs, with an environment of its own.
fn command(program: impl AsRef<Path>, directory: &Path) -> Command {
    let mut command = Command::new(program.as_ref());
    command.current_dir(directory).env_clear().env("LC_ALL", "C.UTF-8");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// A launch whose program expands the URL itself, as a shell of its own.
fn client(script: &str, path: &Path) -> Launch {
    Launch::new()
        .args(["run", "--mode", "production", "--", "/bin/sh", "-c", script])
        .requirements()
        .env("PATH", format!("{}:/usr/bin:/bin", path.display()))
        .env("LC_ALL", "C.UTF-8")
}

#[test]
fn psql_connects_through_a_url_composed_of_hostile_parts() {
    let Some(bin) = postgresql() else { return skipped("postgresql") };
    let directory = directory("postgresql");
    let data = directory.join("data");
    let first = directory.join("password");
    std::fs::write(&first, PASSWORDS[0]).unwrap();
    std::fs::set_permissions(&first, PermissionsExt::from_mode(0o644)).unwrap();
    let made = command(bin.join("initdb"), &directory)
        .args(["-N", "-A", "scram-sha-256", "-E", "UTF8", "--locale", "C.UTF-8"])
        .args(["-U", "own:er@x/y?", "-D"])
        .arg(&data)
        .arg(format!("--pwfile={}", first.display()))
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
    let port = free_port();
    let child = command(bin.join("postgres"), &directory)
        .arg("-D")
        .arg(&data)
        .args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="])
        .args(["-c", &format!("port={port}"), "-c", "fsync=off", "-c", "shared_buffers=4MB"])
        .spawn()
        .unwrap();
    let server = Server { child, port, directory, end: libc::SIGQUIT };
    wait_for("PostgreSQL", || {
        let mut ready = command(bin.join("pg_isready"), &server.directory);
        ready.args(["-q", "-h", "127.0.0.1", "-p", &server.port.to_string()]);
        ready.status().unwrap().success()
    });
    let launch = |script: &str, user: &str, name: &str, password: &str| {
        client(script, &bin)
            .env("NEXIS_DATABASE_HOST", "127.0.0.1")
            .env("NEXIS_DATABASE_PORT", server.port.to_string())
            .env("NEXIS_DATABASE_SSLMODE", "disable")
            .env("NEXIS_DATABASE_USER", user)
            .env("NEXIS_DATABASE_NAME", name)
            .env("NEXIS_DATABASE_PASSWORD_FILE", "{root}/password")
            .file("password", password)
            .canary(password)
    };
    // Roles with the other passwords, and a database whose name is no easier.
    let mut sql = "CREATE DATABASE \"da/ta?b#a%s&e\";\n".to_owned();
    for (number, password) in PASSWORDS.iter().enumerate().skip(1) {
        let password = password.replace('\'', "''");
        writeln!(sql, "CREATE ROLE \"ro:le@{number}\" LOGIN PASSWORD '{password}';").unwrap();
    }
    let script = "exec psql \"$DATABASE_URL\" -X -q -v ON_ERROR_STOP=1 -f ../sql";
    let outcome = launch(script, "own:er@x/y?", "postgres", PASSWORDS[0]).file("sql", sql).run();
    outcome.status(0).no_canary();

    let script = "exec psql \"$DATABASE_URL\" -XAt -c 'select current_user, current_database()'";
    for (number, password) in PASSWORDS.iter().enumerate().skip(1) {
        let user = format!("ro:le@{number}");
        let outcome = launch(script, &user, "da/ta?b#a%s&e", password).run();
        outcome.status(0).no_canary();
        assert_eq!(outcome.out(), format!("{user}|da/ta?b#a%s&e\n"));
    }
    // The server does look at the password, and the text alone would not have done.
    let outcome = launch(script, "ro:le@1", "postgres", PASSWORDS[2]).run();
    outcome.status(2).says("password authentication failed");
    let url = format!("postgres://ro:le@1:{}@127.0.0.1:{port}/postgres", PASSWORDS[1]);
    let raw = command(bin.join("psql"), &server.directory).args(["-XAtc", "", &url]).status();
    assert!(!raw.unwrap().success());
}

#[test]
fn redis_cli_connects_through_a_url_composed_of_hostile_parts() {
    let (Some(server), Some(_)) = (installed("redis-server"), installed("redis-cli")) else {
        return skipped("redis-server or redis-cli");
    };
    let directory = directory("redis");
    let port = free_port();
    let mut configuration = format!(
        "port {port}\nbind 127.0.0.1\nsave \"\"\nappendonly no\ndir {}\n",
        directory.display()
    );
    // By its hash, since a password in an ACL line can hold no space.
    for (number, password) in PASSWORDS.iter().enumerate() {
        let hash = Sha256::digest(password.as_bytes());
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        let user = if number == 0 { "default".to_owned() } else { format!("us:er@{number}/%x") };
        writeln!(configuration, "user {user} on resetpass #{hash} ~* &* +@all").unwrap();
    }
    let mut child = command(server, &directory).arg("-").stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(configuration.as_bytes()).unwrap();
    let server = Server { child, port, directory, end: libc::SIGKILL };
    wait_for("Redis", || std::net::TcpStream::connect(("127.0.0.1", server.port)).is_ok());
    let launch = |user: &str, password: &str| {
        let script = "exec redis-cli --no-auth-warning -u \"$REDIS_URL\" ping";
        client(script, Path::new("/usr/bin"))
            .env("NEXIS_REDIS_HOST", "127.0.0.1")
            .env("NEXIS_REDIS_PORT", server.port.to_string())
            .env("NEXIS_REDIS_USER", user)
            .env("NEXIS_REDIS_PASSWORD_FILE", "{root}/password")
            .file("password", password)
            .canary(password)
    };
    for (number, password) in PASSWORDS.iter().enumerate() {
        let user = if number == 0 { "default".to_owned() } else { format!("us:er@{number}/%x") };
        let outcome = launch(&user, password).run();
        outcome.status(0).no_canary();
        assert_eq!(outcome.out(), "PONG\n", "{number}\n{outcome}");
    }
    let outcome = launch("default", PASSWORDS[1]).run();
    let all = format!("{}{}", outcome.out(), outcome.err());
    assert!(all.contains("WRONGPASS") && !all.contains("PONG"), "{outcome}");
}
