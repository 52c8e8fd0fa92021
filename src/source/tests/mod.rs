//! Tests against real directories, and what they share.

mod directories;
mod env_files;
mod environment;
mod files;
mod parser;
mod permissions;

use super::reader::{Request, take_with};
use super::{Candidate, Observation, Snapshot};
use crate::contract::model::*;
use crate::finding::{Code, Fact};
use crate::mode::Modes;
use crate::sys::fs::wait_in_test;
use std::ffi::{CStr, CString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// A directory of its own, removed at the end.
pub struct TempDir(PathBuf);

impl TempDir {
    pub fn new() -> Self {
        Self::below(&std::env::temp_dir())
    }

    /// One that no other user could exchange names on the way to, as those of a kubelet's volumes;
    /// /tmp is sticky, and what is exchanged there is noticed by another guard.
    pub fn out_of_reach() -> Self {
        Self::below(std::env::current_exe().unwrap().parent().unwrap())
    }

    fn below(directory: &Path) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("nexis-launch-source-{}-{number}", std::process::id());
        let path = fs::canonicalize(directory).unwrap().join(name);
        fs::create_dir(&path).unwrap();
        chmod(&path, 0o755);
        TempDir(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file, with the directories it needs.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        let parent = path.parent().unwrap();
        if !parent.exists() {
            fs::create_dir_all(parent).unwrap();
        }
        fs::write(&path, content).unwrap();
        chmod(&path, 0o600);
        path
    }

    pub fn fifo(&self, name: &str) -> PathBuf {
        let path = self.0.join(name);
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub fn chmod(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

const ROW: Row = Row {
    name: "",
    part: false,
    aliases: List::EMPTY,
    secret: true,
    class: None,
    purpose: "",
    read_by: "",
    required: Modes::NONE,
    required_when: None,
    feature: None,
    files: List::EMPTY,
    format: Format { kind: Kind::Ascii, min_bytes: None, max_bytes: None, prefix: None },
    rejects: List::EMPTY,
    severity: List::EMPTY,
    final_newline: FinalNewline::Strip,
    blank_allowed: false,
    deliver: Deliver::AsValue,
    generate: None,
    fetch: None,
    default: None,
    template: None,
    display: Display::Auto,
    not_read: None,
    line: 0,
};

/// Rows: JWT_SECRET (alias NEXIS_JWT_SECRET), DATABASE_URL (file `postgres/uri` too), the part
/// NEXIS_DATABASE_PORT, and NEXIS_REDIS_PORT as a runtime variable.
pub fn contract() -> &'static Contract {
    let rows: &'static [Row] = Vec::leak(vec![
        Row { name: "JWT_SECRET", aliases: List(&["NEXIS_JWT_SECRET"]), ..ROW },
        Row { name: "DATABASE_URL", files: List(&["postgres/uri"]), ..ROW },
        Row { name: "NEXIS_DATABASE_PORT", part: true, ..ROW },
        Row { name: "NEXIS_REDIS_PORT", ..ROW },
    ]);
    let (mut names, mut files) = (Vec::new(), Vec::new());
    for (id, row) in (0u16..).map(RowId).zip(rows) {
        let mut known = |name: String, role| {
            names.push(Known { name: String::leak(name), row: id, role });
        };
        known(row.name.to_owned(), Role::Own);
        known(format!("{}_FILE", row.name), Role::OwnFile);
        for (at, alias) in (0u8..).zip(row.aliases) {
            known((*alias).to_owned(), Role::Alias(at));
            known(format!("{alias}_FILE"), Role::AliasFile(at));
        }
        let mut spellings: Vec<String> = row.files.iter().map(|&name| name.to_owned()).collect();
        for name in std::iter::once(&row.name).chain(row.aliases) {
            let lower = name.to_lowercase();
            spellings.extend([(*name).to_owned(), lower.clone(), lower.replace('_', "-")]);
        }
        for (rank, name) in (0u8..).zip(spellings) {
            files.push(FileName { name: String::leak(name), row: id, rank });
        }
    }
    names.sort_by_key(|known| known.name);
    files.sort_by_key(|file| file.name);
    Box::leak(Box::new(Contract {
        version: 1,
        name: "test",
        origin: Origin::Builtin,
        sha256: "",
        program: List::EMPTY,
        providers: List::EMPTY,
        chain: List::EMPTY,
        mode_names: List::EMPTY,
        rows: List(rows),
        features: List::EMPTY,
        rules: List::EMPTY,
        burnt: List::EMPTY,
        not_read: List::EMPTY,
        prefixes: List::EMPTY,
        passthrough: List::EMPTY,
        policy: Policy::NONE,
        trusted_owners: List::EMPTY,
        names: List::leak(names),
        files: List::leak(files),
        initials: u128::MAX,
    }))
}

pub const JWT_SECRET: usize = 0;
pub const DATABASE_URL: usize = 1;
pub const DATABASE_PORT: usize = 2;
pub const REDIS_PORT: usize = 3;

/// Entries as a process inherits them.
pub fn entries<T: AsRef<[u8]>>(texts: &[T]) -> Vec<&'static CStr> {
    let leak = |text: &T| -> &'static CStr {
        Box::leak(CString::new(text.as_ref()).unwrap().into_boxed_c_str())
    };
    texts.iter().map(leak).collect()
}

/// Takes a snapshot of this environment with these secrets directories and env files.
pub fn take(environ: &[String], dirs: &[&Path], env_files: &[&Path]) -> Snapshot {
    let dirs: Vec<PathBuf> = dirs.iter().map(|path| path.to_path_buf()).collect();
    let env_files: Vec<PathBuf> = env_files.iter().map(|path| path.to_path_buf()).collect();
    let request = Request {
        contract: contract(),
        environ: &entries(environ),
        secrets_dirs: Some(&dirs),
        env_files: &env_files,
        find_dotenv: false,
    };
    take_with(&request, wait_in_test)
}

/// `kind name=value` or `kind name!code` of each candidate of a row, strongest first.
pub fn said(snapshot: &Snapshot, row: usize) -> Vec<String> {
    snapshot.candidates[row].iter().map(say).collect()
}

fn say(candidate: &Candidate) -> String {
    match &candidate.content {
        Ok(value) => {
            format!("{}={}", candidate.source, String::from_utf8_lossy(value.expose()))
        }
        Err((code, _)) => format!("{}!{}", candidate.source, code.name()),
    }
}

/// The observations of this code.
pub fn observed(snapshot: &Snapshot, code: Code) -> Vec<&Observation> {
    snapshot.observations.iter().filter(|seen| seen.code == code).collect()
}

/// Directories and files below `root` that somebody else could write.
pub fn writable(snapshot: &Snapshot, root: &Path) -> Vec<(PathBuf, bool)> {
    snapshot
        .observations
        .iter()
        .filter_map(|seen| match &seen.fact {
            Fact::Writable { path, directory, .. } => {
                path.strip_prefix(root).ok().map(|path| (path.to_owned(), *directory))
            }
            _ => None,
        })
        .collect()
}
