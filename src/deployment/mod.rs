//! Deployment files held against the contract, without values: rendered Kubernetes objects,
//! compose files, systemd units and env files.
//!
//! [`kubernetes`], [`compose`], [`unit`] and [`env_template`] say what a file supplies to which
//! program, [`judge`] says what is wrong with it. Findings hold names, files and lines; no value
//! of a file gets into one.

mod compose;
mod env_template;
mod interpolation;
mod judge;
mod kubernetes;
mod model;
mod names;
mod unit;
mod values;

pub use judge::{Checked, Findings, Located, Unseen};
pub use model::Place;

use crate::contract::model::Contract;
use crate::contract::name::shown;
use crate::error::{Error, Status};
use crate::yaml::{self, Dialect, Node};
use model::Deployment;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The most bytes of a file: what a chart with custom resources renders to fits many times.
const LARGEST: usize = 8 << 20;
/// So many errors of one file are said.
const MOST_ERRORS: usize = 20;

/// What kind of file it is.
enum Kind {
    Yaml(Vec<Node>),
    Unit(String),
    Env(Vec<u8>),
}

/// Reads the files and holds them against the contract. `mode` is what the command line says; `-`
/// among the files is standard input.
///
/// # Errors
/// For each file that is missing status 66, for each that cannot be read as what it is 65.
pub fn check(
    contract: &'static Contract,
    mode: Option<&[u8]>,
    files: &[PathBuf],
) -> Result<Findings, Vec<Error>> {
    let mut errors = Vec::new();
    let mut kinds = Vec::new();
    for path in files {
        match read(path).and_then(|bytes| kind(path, bytes)) {
            Ok(kind) => kinds.push(kind),
            Err(more) => errors.extend(more),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let deployment = gather(&kinds, files)?;
    Ok(judge::judge(contract, mode, deployment))
}

/// Takes from all files what refers to nothing before what may refer to it.
fn gather(kinds: &[Kind], files: &[PathBuf]) -> Result<Deployment, Vec<Error>> {
    let mut errors = Vec::new();
    let mut deployment = Deployment::default();
    let all = || kinds.iter().zip(files).enumerate();
    let identity = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let identities: Vec<_> = files.iter().map(|path| identity(path)).collect();
    let named = |path: &Path| {
        let path = identity(path);
        identities.iter().position(|known| *known == path)
    };
    for (index, (kind, path)) in all() {
        match kind {
            Kind::Env(bytes) => match env_template::template(bytes, index) {
                Ok(template) => deployment.templates.push(template),
                Err(wrong) => {
                    errors.extend(wrong.iter().map(|it| in_line(path, it.line, it.what)));
                }
            },
            Kind::Yaml(documents) => {
                let objects = documents.iter().filter(|root| kubernetes::is_object(root));
                for object in objects.flat_map(kubernetes::objects) {
                    kubernetes::store(object, index, &mut deployment);
                }
            }
            Kind::Unit(_) => {}
        }
    }
    // Units before their drop-ins.
    let mut units = Vec::new();
    for drop_ins in [false, true] {
        for (index, (kind, path)) in all() {
            let Kind::Unit(text) = kind else { continue };
            let unit = drop_in_of(path);
            if unit.is_some() != drop_ins {
                continue;
            }
            let base = units.iter().find(|(name, _)| unit.as_ref() == Some(name));
            let base = base.map(|&(_, target)| target);
            match unit::service(text, index, base, drop_ins, &named, &mut deployment) {
                Ok(Some(target)) => units.push((file_name(path), target)),
                Ok(None) => {}
                Err((line, what)) => errors.push(in_line(path, line, what)),
            }
        }
    }
    for (index, (kind, path)) in all() {
        let Kind::Yaml(documents) = kind else { continue };
        let directory = path.parent().unwrap_or(Path::new(""));
        let file = compose::File { index, directory, named: &named };
        for root in documents {
            if compose::is_compose(root) {
                compose::services(root, &file, &mut deployment);
            } else if kubernetes::is_object(root) {
                for object in kubernetes::objects(root) {
                    kubernetes::containers(object, index, &mut deployment);
                }
            }
        }
    }
    if errors.is_empty() { Ok(deployment) } else { Err(errors) }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The unit that a drop-in is for: its directory's name without `.d` (systemd.unit(5)).
fn drop_in_of(path: &Path) -> Option<String> {
    let name = file_name(path);
    let directory = path.parent().map(file_name).unwrap_or_default();
    let unit = directory.strip_suffix(".d").filter(|unit| unit.contains('.'));
    name.ends_with(".conf").then(|| unit.unwrap_or_default().to_owned())
}

fn in_line(path: &Path, line: impl std::fmt::Display, what: &str) -> Error {
    Error::new(Status::Data, format!("cannot read {} line {line}: {what}", path.display()))
        .hint("give the file as its own tool reads it; Helm and kustomize output rendered")
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
    let (documents, faults) =
        yaml::documents(&text, Dialect::Deployment, |key| shown(key, "a key"));
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
fn read(path: &Path) -> Result<Vec<u8>, Vec<Error>> {
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
    let limit = u64::try_from(LARGEST).unwrap_or(u64::MAX).saturating_add(1);
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
    if bytes.len() > LARGEST {
        return Err(fail(Status::Data, "more than 8 MiB"));
    }
    Ok(bytes)
}
