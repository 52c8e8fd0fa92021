//! Compose files (compose specification): services with environment, env files, secrets and the
//! command. Each file stands for itself; several are not merged into one another.

use super::interpolation::given;
use super::model::{Deployment, Given, Place, Setting, Target, Word};
use super::{env_template, unit};
use crate::yaml::Node;
use std::path::Path;

/// Where compose mounts secrets whose target is no path.
const SECRETS: &str = "/run/secrets";

/// Whether the document is a compose file.
pub fn is_compose(root: &Node) -> bool {
    root.get("services").is_some_and(|services| !services.entries().is_empty())
        && root.get("kind").is_none()
}

/// The file being read.
pub struct File<'a> {
    /// Its place among the files.
    pub index: usize,
    /// The directory that its paths are relative to.
    pub directory: &'a Path,
    /// The place of a path among the files that were named.
    pub named: &'a dyn Fn(&Path) -> Option<usize>,
}

/// Takes the services. The env files that were named are there already.
pub fn services(root: &Node, file: &File<'_>, deployment: &mut Deployment) {
    for (key, service) in root.get("services").map(Node::entries).unwrap_or_default() {
        let at = Place { file: file.index, line: key.line };
        let target = one(service, root, file, at, deployment);
        deployment.targets.push(target);
    }
}

fn one(
    service: &Node,
    root: &Node,
    file: &File<'_>,
    at: Place,
    deployment: &mut Deployment,
) -> Target {
    let place = |line| Place { file: file.index, line };
    let mut target = Target::new("service", at);
    let built = service.get("build").is_some();
    target.image = service.get("image").filter(|_| !built).and_then(|node| {
        // A tag that stands elsewhere is not known to be moving.
        let text =
            given(node.text()?).text().map(|text| String::from_utf8_lossy(text).into_owned());
        Some(Word { text: text?, at: place(node.line) })
    });
    let words = |name| service.get(name).map(|node| command(node, file.index));
    target.arguments = words("command").unwrap_or_default();
    target.command = match words("entrypoint") {
        // An empty one takes the image's away.
        Some(entry) if entry.is_empty() => Some(std::mem::take(&mut target.arguments)),
        other => other,
    };
    if let Some((key, _)) = service.entry("extends") {
        target.unseen.push((place(key.line), "the service that it extends"));
    }
    let env_files = service.get("env_file");
    let paths = env_files.map_or(&[][..], |node| match node.items() {
        [] => std::slice::from_ref(node),
        items => items,
    });
    for node in paths {
        env_file(node, file, deployment, &mut target);
    }
    environment(service, file.index, &mut target);
    for secret in service.get("secrets").map(Node::items).unwrap_or_default() {
        let source = secret.text().or_else(|| secret.text_of("source")).unwrap_or_default();
        let name = secret.text_of("target").unwrap_or(source);
        // Compose refuses a secret that the file does not define; nothing is supplied by it.
        if root.at(&["secrets", source]).is_some() {
            let path =
                if name.starts_with('/') { name.to_owned() } else { format!("{SECRETS}/{name}") };
            target.files.push((path, place(secret.line)));
        }
    }
    for volume in service.get("volumes").map(Node::items).unwrap_or_default() {
        let short = || volume.text()?.split(':').nth(1);
        if let Some(path) = volume.text_of("target").or_else(short) {
            // A file or a directory: which of the two is not said.
            let path = path.trim_end_matches('/');
            target.files.push((path.to_owned(), place(volume.line)));
            target.unseen_dirs.push(path.to_owned());
        }
    }
    target
}

/// Words of a command: a list, or a text that compose splits as a shell does.
fn command(node: &Node, file: usize) -> Vec<Word> {
    let at = Place { file, line: node.line };
    match node.text() {
        Some(text) => unit::words(text).into_iter().map(|text| Word { text, at }).collect(),
        None => {
            let word = |node: &Node| {
                Some(Word { text: node.scalar()?, at: Place { file, line: node.line } })
            };
            node.items().iter().filter_map(word).collect()
        }
    }
}

fn environment(service: &Node, file: usize, target: &mut Target) {
    let Some(node) = service.get("environment") else { return };
    let mut set = |name: &str, line, given| {
        let at = Place { file, line };
        target.set(Setting { name: name.to_owned(), at, given, judged: true });
    };
    for (key, value) in node.entries() {
        // Without a value it is the shell's.
        let given = value.scalar().map_or(Given::Elsewhere, |text| given(&text));
        set(&key.text, key.line, given);
    }
    for item in node.items() {
        let Some(text) = item.text() else { continue };
        match text.split_once('=') {
            Some((name, value)) => set(name, item.line, given(value)),
            None => set(text, item.line, Given::Elsewhere),
        }
    }
}

/// An env file of a service: one of the files that were named, else one beside, whose names count
/// and whose values are nobody's business, else one that is not there.
fn env_file(node: &Node, file: &File<'_>, deployment: &mut Deployment, target: &mut Target) {
    let Some(path) = node.text().or_else(|| node.text_of("path")) else { return };
    let path = file.directory.join(path);
    let named = (file.named)(&path);
    if let Some(template) = deployment.templates.iter_mut().find(|it| Some(it.file) == named) {
        template.used = true;
        for setting in &template.settings {
            target.set(copy(setting, true));
        }
        return;
    }
    let at = Place { file: file.index, line: node.line };
    match env_template::read_names(&path) {
        Some(names) => {
            for (name, given) in names {
                target.set(Setting { name, at, given, judged: false });
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
