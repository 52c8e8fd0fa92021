//! Deployment files held against the contract, without values: rendered Kubernetes objects,
//! compose files, systemd units and env files.
//!
//! [`kubernetes`], [`compose`], [`unit`] and [`env_template`] say what a file supplies to which
//! program, [`judge`] says what is wrong with it. Findings hold names, files and lines; no value
//! of a file gets into one.

mod compose;
mod env_template;
mod input;
mod interpolation;
mod judge;
mod kubernetes;
mod model;
mod names;
mod options;
mod project;
mod unit;
mod values;

pub use judge::{Checked, Findings, Located, Unseen};
pub use model::Place;

use crate::contract::model::Contract;
use crate::error::{Error, Status};
use input::{Kind, Named, directory, file_name};
use model::Deployment;
use project::Projects;
use std::path::{Path, PathBuf};

/// The most MiB of a file: what a chart with custom resources renders to fits many times.
const LARGEST: u8 = 8;

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
    let mut inputs = Inputs::default();
    for path in files {
        match input::load(path, LARGEST) {
            Ok(kind) => inputs.add(path, kind),
            Err(more) => errors.extend(more),
        }
    }
    let projects = project::follow(&mut inputs, &mut errors);
    if !errors.is_empty() {
        return Err(errors);
    }
    let deployment = gather(&inputs, &projects)?;
    let found = judge::judge(contract, mode, deployment);
    Ok(Findings { files: inputs.paths, ..found })
}

/// The files that were named, and behind them those that compose files refer to.
#[derive(Default)]
struct Inputs {
    paths: Vec<PathBuf>,
    kinds: Vec<Kind>,
    named: Named,
}

impl Inputs {
    /// Adds one more.
    fn add(&mut self, path: &Path, kind: Kind) {
        self.kinds.push(kind);
        self.named.add(path);
        self.paths.push(path.to_owned());
    }

    fn all(&self) -> impl Iterator<Item = (usize, &Kind, &Path)> {
        let both = self.kinds.iter().zip(&self.paths).enumerate();
        both.map(|(index, (kind, path))| (index, kind, path.as_path()))
    }
}

/// Takes from all files what refers to nothing before what may refer to it.
fn gather(inputs: &Inputs, projects: &Projects) -> Result<Deployment, Vec<Error>> {
    let mut errors = Vec::new();
    let mut deployment = Deployment::default();
    let mut units = Vec::new();
    for (index, kind, path) in inputs.all() {
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
            Kind::Unit(text) => match unit::lines(text, index) {
                Ok(lines) => units.push((path, lines)),
                Err((line, what)) => errors.push(in_line(path, line, what)),
            },
        }
    }
    start_units(units, &inputs.named, &mut deployment);
    for (index, kind, _) in inputs.all() {
        let Kind::Yaml(documents) = kind else { continue };
        let objects = documents.iter().filter(|root| kubernetes::is_object(root));
        for object in objects.flat_map(kubernetes::objects) {
            kubernetes::containers(object, index, &mut deployment);
        }
    }
    project::services(inputs, projects, &mut deployment, &mut errors);
    if let Some(Place { file, line }) = deployment.beyond {
        let path = inputs.paths.get(file).map_or(Path::new(""), PathBuf::as_path);
        errors.push(in_line(path, line, "too many variables and files from here on"));
    }
    if errors.is_empty() { Ok(deployment) } else { Err(errors) }
}

/// Joins each unit with its drop-ins, which systemd reads by the order of their names, and drop-ins
/// without their unit with one another.
fn start_units(files: Vec<(&Path, Vec<unit::Line>)>, named: &Named, deployment: &mut Deployment) {
    let (mut drop_ins, units): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|(path, _)| is_drop_in(path));
    drop_ins.sort_by_key(|(path, _)| file_name(path));
    let mut joined = vec![false; drop_ins.len()];
    let serves = |drop_in: &Path, unit: &Path| {
        unit::serves(&drop_in_of(drop_in), &file_name(unit))
            .then(|| directory(directory(drop_in)) == directory(unit))
    };
    // Two hosts may have a unit of one name, each with drop-ins beside it.
    let beside: Vec<bool> = drop_ins
        .iter()
        .map(|(path, _)| units.iter().any(|(unit, _)| serves(path, unit) == Some(true)))
        .collect();
    for (path, mut lines) in units {
        for ((joined, (drop_in, more)), beside) in joined.iter_mut().zip(&drop_ins).zip(&beside) {
            if serves(drop_in, path).is_some_and(|own| own || !beside) {
                *joined = true;
                lines.extend(more.iter().cloned());
            }
        }
        unit::service(&lines, false, named, deployment);
    }
    let mut alone: Vec<(String, Vec<unit::Line>)> = Vec::new();
    for ((path, lines), _) in drop_ins.into_iter().zip(joined).filter(|(_, joined)| !joined) {
        let unit = drop_in_of(path);
        match alone.iter_mut().find(|(known, _)| *known == unit && !unit.is_empty()) {
            Some((_, known)) => known.extend(lines),
            None => alone.push((unit, lines)),
        }
    }
    for (_, lines) in alone {
        unit::service(&lines, true, named, deployment);
    }
}

fn is_drop_in(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "conf")
}

/// What a drop-in is for: its directory's name without `.d` (systemd.unit(5)).
fn drop_in_of(path: &Path) -> String {
    let directory = file_name(directory(path));
    directory.strip_suffix(".d").unwrap_or_default().to_owned()
}

fn in_line(path: &Path, line: impl std::fmt::Display, what: &str) -> Error {
    Error::new(Status::Data, format!("cannot read {} line {line}: {what}", path.display()))
        .hint("give the file as its own tool reads it; Helm and kustomize output rendered")
}
