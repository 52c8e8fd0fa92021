//! Compose files that belong together (compose specification, sections "Merge", "Extend" and
//! "Include"): overrides given after the file that they are for, services that extend others, and
//! files that are included.
//!
//! Nodes know their lines and not their files, so nothing is merged into one tree: a service is a
//! list of layers, each of which knows where it stands, and [`compose`](super::compose) reads each
//! key from the layers that have it.

use super::compose::{self, Defined};
use super::input::{Kind, directory, load};
use super::interpolation::given;
use super::model::{Deployment, Given, Place};
use super::{Inputs, in_line, kubernetes};
use crate::error::Error;
use crate::yaml::Node;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

/// So many files are read that were not named; whoever needs more makes a circle.
const MOST_FILES: usize = 32;
/// The most MiB of such a file.
const LARGEST: u8 = 1;
/// A service extends another, and that another, this often at most.
const MOST_LAYERS: usize = 32;

/// Files that are one model, the first being the one that paths are relative to.
struct Project {
    directory: PathBuf,
    files: Vec<usize>,
}

/// What is started together.
#[derive(Default)]
pub struct Projects {
    all: Vec<Project>,
    /// Where a file is included that is not there.
    absent: Vec<Place>,
}

/// A compose document.
pub struct Source<'a> {
    /// Its file's place among the files.
    pub file: usize,
    /// The directory that its paths are relative to.
    pub directory: &'a Path,
    /// All of it.
    pub root: &'a Node,
    services: BTreeMap<&'a str, (u32, &'a Node)>,
}

/// One description of a service; what stands in a later one counts over an earlier.
#[derive(Clone, Copy)]
pub struct Layer<'a> {
    /// The service.
    pub node: &'a Node,
    /// Where it stands.
    pub source: &'a Source<'a>,
}

/// Puts the compose files that were named into projects, and reads the files that they include or
/// extend. A file joins the project of its directory; one that cannot stand for itself, since a
/// service in it has neither image nor build, joins the project before it.
pub(super) fn follow(inputs: &mut Inputs, errors: &mut Vec<Error>) -> Projects {
    let mut projects = Projects::default();
    for (index, kind, path) in inputs.all() {
        if compose_roots(kind).next().is_none() {
            continue;
        }
        let own = directory(path);
        let is_override = compose_roots(kind).any(|root| !stands_alone(root));
        let is_piped = path == Path::new("-");
        let same = projects.all.iter().position(|it| it.directory == own && !is_piped);
        let last = projects.all.len().checked_sub(1).filter(|_| is_override);
        match same.or(last).and_then(|at| projects.all.get_mut(at)) {
            Some(project) => project.files.push(index),
            None => {
                projects.all.push(Project { directory: own.to_owned(), files: vec![index] });
            }
        }
    }
    // What is read on the way has references of its own.
    let mut open: Vec<(usize, PathBuf)> = Vec::new();
    for project in &projects.all {
        open.extend(project.files.iter().map(|&file| (file, project.directory.clone())));
    }
    let named = inputs.paths.len();
    while let Some((file, directory)) = open.pop() {
        let (included, extended) = references(inputs, file, &directory);
        let absent = inputs.paths.len().saturating_sub(named) >= MOST_FILES;
        for reference in included.iter().chain(&extended) {
            let Reference { path, .. } = reference;
            // Looked at before it is opened: opening a pipe would wait for its writer.
            let is_file = std::fs::metadata(path).is_ok_and(|it| it.is_file());
            if inputs.named.at(path).is_some() || absent || !is_file {
                continue;
            }
            match load(path, LARGEST) {
                Ok(kind) if may_be_compose(&kind) => {
                    open.push((inputs.paths.len(), self::directory(path).to_owned()));
                    inputs.add(path, kind);
                }
                // Nobody asked for it to be checked as what it is.
                Ok(_) => {}
                Err(more) => errors.extend(more),
            }
        }
        for Reference { path, at, group } in included {
            let Some(index) = inputs.named.at(&path) else {
                projects.absent.push(at);
                continue;
            };
            if projects.all.iter().any(|it| it.files.contains(&index)) {
                continue;
            }
            let directory = self::directory(&path).to_owned();
            // Of a list the later files are for the first.
            match projects.all.last_mut().filter(|_| group) {
                Some(project) => project.files.push(index),
                None => projects.all.push(Project { directory, files: vec![index] }),
            }
        }
    }
    projects
}

/// A path in a compose file.
struct Reference {
    path: PathBuf,
    at: Place,
    /// Whether it is a further file of a list.
    group: bool,
}

/// What a file includes, and what its services extend. A path that the file does not say whole is
/// left out; what it stands for is not seen.
fn references(inputs: &Inputs, file: usize, base: &Path) -> (Vec<Reference>, Vec<Reference>) {
    let (mut included, mut extended) = (Vec::new(), Vec::new());
    let roots = inputs.kinds.get(file).map(compose_roots).into_iter().flatten();
    for root in roots {
        for entry in root.get("include").map(Node::items).unwrap_or_default() {
            let paths = entry.get("path").unwrap_or(entry);
            for (n, node) in list(paths).iter().enumerate() {
                let at = Place { file, line: node.line };
                // Where it is not said whole it is absent, as a file that is not there.
                let path = joined(base, &path_of(node).unwrap_or_default());
                included.push(Reference { path, at, group: n > 0 });
            }
        }
        for (_, service) in services_of(root) {
            let Some(node) = service.at(&["extends", "file"]) else { continue };
            if let Some(path) = path_of(node) {
                let at = Place { file, line: node.line };
                extended.push(Reference { path: joined(base, &path), at, group: false });
            }
        }
    }
    (included, extended)
}

/// A path below a directory, without `..` where it leads to the same file: annotations are looked up
/// by their path in the repository.
fn joined(base: &Path, path: &str) -> PathBuf {
    let whole = base.join(path);
    let mut short = PathBuf::new();
    for component in whole.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(short.components().next_back(), Some(Component::Normal(_))) =>
            {
                short.pop();
            }
            other => short.push(other),
        }
    }
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    if real(&short).is_some_and(|it| Some(it) == real(&whole)) { short } else { whole }
}

/// The items of a list, or the one thing that stands instead.
pub fn list(node: &Node) -> &[Node] {
    if node.items().is_empty() { std::slice::from_ref(node) } else { node.items() }
}

/// A path without a variable in it.
fn path_of(node: &Node) -> Option<String> {
    match given(node.text()?) {
        Given::Literal(path) => String::from_utf8(path.expose().to_vec()).ok(),
        _ => None,
    }
}

fn services_of(root: &Node) -> &[(crate::yaml::Key, Node)] {
    root.get("services").map(Node::entries).unwrap_or_default()
}

fn compose_roots(kind: &Kind) -> impl Iterator<Item = &Node> {
    let documents = match kind {
        Kind::Yaml(documents) => documents.as_slice(),
        Kind::Unit(_) | Kind::Env(_) => &[],
    };
    documents.iter().filter(|root| compose::is_compose(root))
}

/// Whether compose would take the file; it can have networks and volumes alone.
fn may_be_compose(kind: &Kind) -> bool {
    match kind {
        Kind::Yaml(documents) => !documents.iter().any(kubernetes::is_object),
        Kind::Unit(_) | Kind::Env(_) => false,
    }
}

/// Whether each service says what it starts.
fn stands_alone(root: &Node) -> bool {
    let says =
        |service: &Node| ["image", "build", "extends"].iter().any(|key| service.get(key).is_some());
    services_of(root).iter().all(|(_, service)| says(service))
}

/// Takes the services of all projects. Env files that were named are there already.
pub(super) fn services(
    inputs: &Inputs,
    projects: &Projects,
    deployment: &mut Deployment,
    errors: &mut Vec<Error>,
) {
    deployment.absent.extend(projects.absent.iter().map(|&at| (at, "a compose file")));
    let sources: Vec<Source<'_>> = inputs
        .all()
        .flat_map(|(file, kind, path)| {
            let project = projects.all.iter().find(|it| it.files.contains(&file));
            let directory = project.map_or(directory(path), |it| &it.directory);
            compose_roots(kind).map(move |root| {
                let services = services_of(root).iter();
                let services = services.map(|(key, node)| (key.text.as_str(), (key.line, node)));
                Source { file, directory, root, services: services.collect() }
            })
        })
        .collect();
    for project in &projects.all {
        let own: Vec<_> = project
            .files
            .iter()
            .flat_map(|&file| sources.iter().filter(move |source| source.file == file))
            .collect();
        let names = |element| -> BTreeSet<&str> {
            let all = own.iter().filter_map(|source| source.root.get(element));
            all.flat_map(Node::entries).map(|(key, _)| key.text.as_str()).collect()
        };
        let defined = Defined { secrets: names("secrets"), configs: names("configs") };
        let mut seen = BTreeSet::new();
        let names = own.iter().flat_map(|source| services_of(source.root));
        for (key, _) in names.filter(|(key, _)| seen.insert(key.text.as_str())) {
            if deployment.beyond.is_some() {
                return;
            }
            let mut service = Service { layers: Vec::new(), at: None, unseen: Vec::new() };
            let mut found = Ok(());
            for source in &own {
                if let Some((line, _)) = source.services.get(key.text.as_str()) {
                    service.at.get_or_insert(Place { file: source.file, line: *line });
                    found = found.and_then(|()| {
                        service.add(source, &key.text, &sources, inputs, &mut Vec::new())
                    });
                }
            }
            match found {
                Ok(()) => compose::service(&service, &defined, inputs, deployment),
                Err((Place { file, line }, what)) => {
                    let path = inputs.paths.get(file).map_or(Path::new(""), PathBuf::as_path);
                    errors.push(in_line(path, line, what));
                }
            }
        }
    }
}

/// A service with all that is said of it.
pub struct Service<'a> {
    /// From what it extends to the last override.
    pub layers: Vec<Layer<'a>>,
    /// Where it begins in the first file that has it.
    pub at: Option<Place>,
    /// Where it extends what is not among the files.
    pub unseen: Vec<Place>,
}

impl<'a> Service<'a> {
    /// Adds the service of this name in the document: first what it extends, then itself. `below`
    /// has the services that extend it.
    fn add(
        &mut self,
        source: &'a Source<'a>,
        name: &str,
        sources: &'a [Source<'a>],
        inputs: &Inputs,
        below: &mut Vec<(usize, String)>,
    ) -> Result<(), (Place, &'static str)> {
        let Some(&(line, node)) = source.services.get(name) else { return Ok(()) };
        let at = Place { file: source.file, line };
        if below.iter().any(|(file, known)| *file == source.file && known == name) {
            return Err((at, "a service that extends itself"));
        }
        if below.len() >= MOST_LAYERS {
            return Err((at, "a service that extends too many others"));
        }
        below.push((source.file, name.to_owned()));
        if let Some((key, extends)) = node.entry("extends") {
            let at = Place { file: source.file, line: key.line };
            let file = match extends.get("file") {
                None => Some(source.file),
                Some(file) => {
                    path_of(file).and_then(|path| inputs.named.at(&source.directory.join(path)))
                }
            };
            let base = extends.text().or_else(|| extends.text_of("service")).unwrap_or_default();
            let mut of_file = sources.iter().filter(|source| Some(source.file) == file);
            let known = of_file.find(|source| source.services.contains_key(base));
            match (known, file) {
                (Some(known), _) => self.add(known, base, sources, inputs, below)?,
                (None, None) => self.unseen.push(at),
                (None, Some(_)) => return Err((at, "it extends a service that is not there")),
            }
        }
        below.pop();
        self.layers.push(Layer { node, source });
        Ok(())
    }

    /// What counts of a key that is one thing: the last that is said.
    pub fn last(&self, key: &str) -> Option<(&'a Source<'a>, &'a Node)> {
        self.all(key).pop()
    }

    /// What counts of a key that is added to, in the order in which it is said; `!override` and
    /// `!reset` forget what was said before.
    pub fn all(&self, key: &str) -> Vec<(&'a Source<'a>, &'a Node)> {
        let mut found = Vec::new();
        for &Layer { node, source } in &self.layers {
            let Some(node) = node.get(key) else { continue };
            if node.replaces {
                found.clear();
            }
            if !node.is_null() {
                found.push((source, node));
            }
        }
        found
    }
}
