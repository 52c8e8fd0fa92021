//! Compose files (compose specification): services with environment, env files, secrets and the
//! command, each read from all the layers that [`project`](super::project) found.

use super::interpolation::{given, part};
use super::model::{Deployment, Given, Place, Setting, Target, Word};
use super::project::{Service, Source, list};
use super::{Inputs, env_template, unit};
use crate::yaml::Node;
use std::collections::BTreeSet;

/// Where compose mounts secrets whose target is no path.
const SECRETS: &str = "/run/secrets";

/// Whether the document is a compose file: it has services, or includes files that may.
pub fn is_compose(root: &Node) -> bool {
    if root.get("kind").is_some() || root.get("apiVersion").is_some() {
        return false;
    }
    let includes = root.get("include").map(Node::items).unwrap_or_default();
    let is_path = |it: &Node| it.text().is_some() || it.get("path").is_some();
    root.get("services").is_some_and(|services| !services.entries().is_empty())
        || !includes.is_empty() && includes.iter().all(is_path)
}

/// The names of a project's top-level elements that its services can mount.
pub(super) struct Defined<'a> {
    pub secrets: BTreeSet<&'a str>,
    pub configs: BTreeSet<&'a str>,
}

/// Takes a service of a project that defines these secrets and configs. The env files that were
/// named are there already.
pub(super) fn service(
    service: &Service<'_>,
    defined: &Defined<'_>,
    inputs: &Inputs,
    deployment: &mut Deployment,
) {
    let Some(at) = service.at else { return };
    let mut target = Target::new("service", at);
    let built = service.last("build").is_some();
    target.image = service.last("image").filter(|_| !built).and_then(|(source, node)| {
        // A tag that stands elsewhere is not known to be moving.
        let text =
            given(node.text()?).text().map(|text| String::from_utf8_lossy(text).into_owned());
        Some(Word { text: text?, at: place(source, node) })
    });
    let words = |name| service.last(name).map(|(source, node)| command(node, source.file));
    target.arguments = words("command").unwrap_or_default();
    target.command = match words("entrypoint") {
        // An empty one takes the image's away.
        Some(entry) if entry.is_empty() => Some(std::mem::take(&mut target.arguments)),
        other => other,
    };
    for &at in &service.unseen {
        target.unseen.push((at, "the service that it extends"));
    }
    // An env file of any layer is below the environment of any other.
    for (source, files) in service.all("env_file") {
        for node in list(files) {
            if target.is_beyond() {
                break;
            }
            env_file(node, source, inputs, deployment, &mut target);
        }
    }
    for (source, node) in service.all("environment") {
        environment(node, source.file, &mut target);
    }
    for (key, known, below) in
        [("secrets", &defined.secrets, SECRETS), ("configs", &defined.configs, "")]
    {
        for (source, all) in service.all(key) {
            for one in all.items() {
                mounted(one, source, (known, below), &mut target);
            }
        }
    }
    for (source, volumes) in service.all("volumes") {
        for volume in volumes.items() {
            // It is empty at every start.
            if volume.text_of("type") == Some("tmpfs") {
                continue;
            }
            let short = || part(volume.text()?, ':', 1);
            let Some(path) = volume.text_of("target").or_else(short) else { continue };
            let Some(path) = path_of(path) else {
                target.unseen.push((place(source, volume), "a volume"));
                continue;
            };
            // A file or a directory: which of the two is not said.
            let path = path.trim_end_matches('/');
            target.files.push((path.to_owned(), place(source, volume)));
            target.unseen_dirs.push(path.to_owned());
        }
    }
    deployment.start(target);
}

fn place(source: &Source<'_>, node: &Node) -> Place {
    Place { file: source.file, line: node.line }
}

/// A path in the container or a word of a command, which may refer to variables that have
/// defaults.
fn path_of(text: &str) -> Option<String> {
    given(text).text().map(|text| String::from_utf8_lossy(text).into_owned())
}

/// A secret or a config that a service mounts, below this directory where its target is no path.
fn mounted(
    node: &Node,
    source: &Source<'_>,
    (defined, below): (&BTreeSet<&str>, &str),
    target: &mut Target,
) {
    let id = node.text().or_else(|| node.text_of("source")).unwrap_or_default();
    // Compose refuses one that the project does not define; nothing is supplied by it.
    if !defined.contains(id) {
        return;
    }
    match path_of(node.text_of("target").unwrap_or(id)) {
        Some(path) if path.starts_with('/') => target.files.push((path, place(source, node))),
        Some(name) => target.files.push((format!("{below}/{name}"), place(source, node))),
        None => target.unseen.push((place(source, node), "a secret")),
    }
}

/// Words of a command: a list, or a text that compose splits as a shell does.
fn command(node: &Node, file: usize) -> Vec<Word> {
    let at = Place { file, line: node.line };
    // What stands elsewhere stays as it is written.
    let said = |text: String| path_of(&text).unwrap_or(text);
    match node.text() {
        Some(text) => {
            unit::words(text).into_iter().map(|text| Word { text: said(text), at }).collect()
        }
        None => {
            let word = |node: &Node| {
                Some(Word { text: said(node.scalar()?), at: Place { file, line: node.line } })
            };
            node.items().iter().filter_map(word).collect()
        }
    }
}

fn environment(node: &Node, file: usize, target: &mut Target) {
    let set = |target: &mut Target, name: &str, line, given| {
        let at = Place { file, line };
        target.settings.set(Setting { name: name.to_owned(), at, given, judged: true });
    };
    for (key, value) in node.entries() {
        if value.replaces && value.is_null() {
            target.settings.unset(&key.text);
            continue;
        }
        // Without a value it is the shell's.
        let given = value.scalar().map_or(Given::Elsewhere, |text| given(&text));
        set(target, &key.text, key.line, given);
    }
    for item in node.items() {
        let Some(text) = item.text() else { continue };
        match text.split_once('=') {
            Some((name, value)) => set(target, name, item.line, given(value)),
            None => set(target, text, item.line, Given::Elsewhere),
        }
    }
}

/// An env file of a service: one of the files that were named, else one beside, whose names count
/// and whose values are nobody's business, else one that is not there.
fn env_file(
    node: &Node,
    source: &Source<'_>,
    inputs: &Inputs,
    deployment: &mut Deployment,
    target: &mut Target,
) {
    let Some(path) = node.text().or_else(|| node.text_of("path")) else { return };
    let path = source.directory.join(path);
    let named = inputs.named.at(&path);
    if let Some(template) = deployment.templates.iter_mut().find(|it| Some(it.file) == named) {
        template.used = true;
        for setting in &template.settings {
            target.settings.set(copy(setting, true));
        }
        return;
    }
    let at = place(source, node);
    match env_template::read_names(&path) {
        Some(names) => {
            for (name, given) in names {
                target.settings.set(Setting { name, at, given, judged: false });
            }
        }
        None => target.unseen.push((at, "an env file")),
    }
}

/// A second copy of a setting of an env file.
pub fn copy(setting: &Setting, judged: bool) -> Setting {
    let given = match &setting.given {
        Given::Literal(text) => Given::Literal(text.duplicate()),
        Given::Default(text) => Given::Default(text.duplicate()),
        Given::Elsewhere => Given::Elsewhere,
        Given::Broken => Given::Broken,
    };
    Setting { name: setting.name.clone(), at: setting.at, given, judged }
}
