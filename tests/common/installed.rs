//! What the machine has besides the launcher, and where a test finds it.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

/// Says that a test cannot be made here.
///
/// # Panics
/// With `CI=true`.
pub fn skipped(what: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{what} is not installed");
    // Not by a macro, whose text the test runner would keep to itself.
    let _ = writeln!(std::io::stderr(), "skipped: {what} is not installed");
}

/// Whether the test is run by root.
pub fn is_root() -> bool {
    // SAFETY: geteuid(2) cannot fail.
    unsafe { libc::geteuid() == 0 }
}

/// The same of a test that root alone can make, as CI does; says so where it is not.
///
/// # Panics
/// As [`skipped`].
pub fn runs_as_root() -> bool {
    let root = is_root();
    assert!(root || std::env::var("CI").as_deref() != Ok("true"), "this needs root");
    if !root {
        let _ = writeln!(std::io::stderr(), "skipped: this needs root");
    }
    root
}

/// A program in the directories that Debian has for them.
pub fn installed(name: &str) -> Option<PathBuf> {
    let all = ["/usr/bin", "/usr/sbin", "/usr/local/bin"].map(|it| Path::new(it).join(name));
    all.into_iter().find(|it| it.is_file())
}

/// The newest PostgreSQL, as Debian installs it.
pub fn postgresql() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut all: Vec<PathBuf> = versions.map(|it| it.unwrap().path().join("bin")).collect();
    all.retain(|bin| ["initdb", "postgres", "psql"].iter().all(|it| bin.join(it).is_file()));
    all.sort();
    all.pop()
}

/// A port of the loopback interface that is free.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
