//! The files as they are read: what kind each is, and which file a path among them means.

use super::in_line;
use crate::error::{Error, Status};
use crate::yaml::{self, Dialect, Lines, Node};
use std::io::Read;
use std::path::{Path, PathBuf};

/// So many errors of one file are said.
const MOST_ERRORS: usize = 20;

/// What kind of file it is.
pub enum Kind {
    /// Kubernetes objects, a compose file, or neither.
    Yaml(Vec<Node>),
    /// A systemd unit or drop-in.
    Unit(String),
    /// An env file.
    Env(Vec<u8>),
}

/// The files by their places in the answer, whatever path leads to them.
#[derive(Default)]
pub struct Named {
    identities: Vec<PathBuf>,
}

impl Named {
    /// Adds a file behind those that are there.
    pub fn add(&mut self, path: &Path) {
        self.identities.push(identity(path));
    }

    /// The place of the file that this path leads to.
    pub fn at(&self, path: &Path) -> Option<usize> {
        let path = identity(path);
        self.identities.iter().position(|known| *known == path)
    }

    /// The one of these files that has this path's file name; `None` where several have.
    pub fn called(&self, path: &Path, mut among: impl Iterator<Item = usize>) -> Option<usize> {
        let name = path.file_name()?;
        let mut same = among.by_ref().filter(|&index| {
            self.identities.get(index).and_then(|it| it.file_name()) == Some(name)
        });
        let found = same.next();
        found.filter(|_| same.next().is_none())
    }
}

fn identity(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// The last component of a path.
pub fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The directory that a file stands in.
pub fn directory(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// Reads a file of at most so many MiB as what it is.
///
/// # Errors
/// Status 66 where there is none, 65 for each thing that is wrong with it.
pub fn load(path: &Path, mebibytes: u8) -> Result<Kind, Vec<Error>> {
    kind(path, read(path, mebibytes)?)
}

/// Tells what a file is: by its name, else by its first line that says something.
fn kind(path: &Path, bytes: Vec<u8>) -> Result<Kind, Vec<Error>> {
    let name = file_name(path);
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    let first = || {
        let mut lines = bytes.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
        let line = lines.find(|line| !line.is_empty() && !line.starts_with(b"#"));
        String::from_utf8_lossy(line.unwrap_or_default()).into_owned()
    };
    let is_section = |line: &str| {
        let inner = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        inner.is_some_and(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic()))
    };
    let is_setting = |line: &str| {
        let line = line.strip_prefix("export ").unwrap_or(line);
        line.split_once('=').is_some_and(|(name, _)| crate::contract::name::is_variable(name))
    };
    let yaml = ends(&[".yaml", ".yml", ".json"]);
    let env = ends(&[".env"]) || name.starts_with(".env") || name.contains(".env.");
    if !yaml && (env || is_setting(&first())) {
        return Ok(Kind::Env(bytes));
    }
    let text = text(path, bytes)?;
    let unit = ends(&[".service", ".socket", ".path", ".timer", ".target", ".conf"]);
    let first =
        text.lines().map(str::trim).find(|it| !it.is_empty() && !it.starts_with(['#', ';']));
    if !yaml && (unit || first.is_some_and(is_section)) {
        return Ok(Kind::Unit(text));
    }
    // A key is text of a file that may be anybody's; the line says which.
    let (documents, faults) = yaml::documents(&text, Dialect::Deployment, Lines::Each, |_| "a key");
    if faults.is_empty() {
        return Ok(Kind::Yaml(documents.into_iter().map(Node::merged).collect()));
    }
    let faults = faults.iter().take(MOST_ERRORS);
    Err(faults.map(|fault| in_line(path, fault.line, &fault.words)).collect())
}

fn text(path: &Path, bytes: Vec<u8>) -> Result<String, Vec<Error>> {
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = error.as_bytes().get(..valid).unwrap_or_default();
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        vec![in_line(path, line, "not UTF-8")]
    })
}

/// The bytes of a file, or of standard input.
fn read(path: &Path, mebibytes: u8) -> Result<Vec<u8>, Vec<Error>> {
    let fail = |status, cause: &str| {
        vec![
            Error::new(status, format!("cannot read {}: {cause}", path.display()))
                .hint("check the path"),
        ]
    };
    let io = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => fail(Status::NoInput, "no such file"),
        kind => fail(Status::NoInput, &kind.to_string()),
    };
    let largest = usize::from(mebibytes) << 20;
    let limit = u64::from(mebibytes) << 20 | 1;
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes).map_err(io)?;
    } else {
        // A pipe may be named (`<(helm template …)`), and is read to its end; a directory has none.
        if std::fs::metadata(path).map_err(io)?.is_dir() {
            return Err(fail(Status::NoInput, "a directory"));
        }
        let file = std::fs::File::open(path).map_err(io)?;
        file.take(limit).read_to_end(&mut bytes).map_err(io)?;
    }
    if bytes.len() > largest {
        return Err(fail(Status::Data, &format!("more than {mebibytes} MiB")));
    }
    Ok(bytes)
}
