//! Kubernetes objects as manifests, Helm and kustomize render them: Secrets and ConfigMaps, and
//! whatever has a pod in it.

use super::model::{Deployment, Given, Place, Setting, Store, Stored, Target, Word};
use crate::secret::Secret;
use crate::yaml::Node;
use std::collections::BTreeMap;

/// Where a pod's specification stands, from the closest. Custom resources that hold a pod template
/// (rollouts, serverless services) follow the second path too.
const POD_SPECS: [&[&str]; 3] = [
    &["spec", "jobTemplate", "spec", "template", "spec"],
    &["spec", "template", "spec"],
    &["spec"],
];

/// Whether the document is a Kubernetes object.
pub fn is_object(root: &Node) -> bool {
    root.text_of("kind").is_some() && root.get("apiVersion").is_some()
}

/// The objects of a document: those of a list, or the document itself.
pub fn objects(root: &Node) -> &[Node] {
    match root.get("items") {
        Some(items) if root.text_of("kind").is_some_and(|kind| kind.ends_with("List")) => {
            items.items()
        }
        _ => std::slice::from_ref(root),
    }
}

/// Takes a Secret's or ConfigMap's keys.
pub fn store(object: &Node, file: usize, deployment: &mut Deployment) {
    let secret = match object.text_of("kind") {
        Some("Secret") => true,
        Some("ConfigMap") => false,
        _ => return,
    };
    let name = object.at(&["metadata", "name"]).and_then(Node::text).unwrap_or_default();
    let mut keys = BTreeMap::new();
    // A Secret has no binaryData and a ConfigMap no stringData.
    for (section, encoded) in [("data", secret), ("stringData", false), ("binaryData", !secret)] {
        for (key, node) in object.get(section).map(Node::entries).unwrap_or_default() {
            let text = node.scalar().unwrap_or_default().into_bytes();
            let value = match encoded.then(|| decoded(&text)).flatten() {
                Some(value) => Secret::new(value),
                None => Secret::new(text),
            };
            let at = Place { file, line: key.line };
            // stringData wins over data (Kubernetes API reference, Secret v1).
            keys.insert(key.text.clone(), Stored { at, value });
        }
    }
    let namespace = namespace(object).map(str::to_owned);
    deployment.stores.add(Store { secret, name: name.to_owned(), namespace, keys });
}

fn namespace(object: &Node) -> Option<&str> {
    object.at(&["metadata", "namespace"]).and_then(Node::text)
}

/// What a pod's references lead to.
#[derive(Clone, Copy)]
struct Stores<'a> {
    all: &'a Deployment,
    namespace: Option<&'a str>,
}

impl<'a> Stores<'a> {
    fn get(self, secret: bool, name: &str) -> Option<&'a Store> {
        self.all.stores.get(secret, name, self.namespace)
    }
}

/// Base64 (RFC 4648 section 4), line ends passed over; `None` where it is none.
fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0u32, 0u8);
    for &digit in text.iter().filter(|byte| !byte.is_ascii_whitespace() && **byte != b'=') {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap_or_default());
        }
    }
    Some(bytes)
}

/// Takes the containers of the object's pod. Secrets and ConfigMaps of all files are there already.
pub fn containers(object: &Node, file: usize, deployment: &mut Deployment) {
    let specs = POD_SPECS.iter().filter_map(|path| object.at(path));
    let Some(pod) = specs.into_iter().find(|spec| spec.get("containers").is_some()) else { return };
    if deployment.beyond.is_some() {
        return;
    }
    let links = match pod.entry("enableServiceLinks") {
        Some((_, node)) if node.scalar().as_deref() == Some("false") => None,
        Some((key, _)) => Some(Place { file, line: key.line }),
        None => pod.entry("containers").map(|(key, _)| Place { file, line: key.line }),
    };
    let volumes = Volumes::of(pod);
    let namespace = namespace(object);
    for (index, container) in containers_of(pod).enumerate() {
        if deployment.beyond.is_some() {
            return;
        }
        let stores = Stores { all: deployment, namespace };
        let target = one((index, container), &volumes, file, links, stores);
        deployment.start(target);
    }
}

/// A pod's containers, those that come first included.
fn containers_of(pod: &Node) -> impl Iterator<Item = &Node> {
    CONTAINERS.iter().filter_map(|list| pod.get(list)).flat_map(Node::items)
}

/// A pod's volumes by their names, and which containers mount each.
struct Volumes<'a> {
    by_name: BTreeMap<&'a str, &'a Node>,
    /// The first container that mounts it, and whether others do.
    mounted_by: BTreeMap<&'a str, (usize, bool)>,
}

impl<'a> Volumes<'a> {
    fn of(pod: &'a Node) -> Self {
        let mut by_name = BTreeMap::new();
        for volume in pod.get("volumes").map(Node::items).unwrap_or_default() {
            let Some(name) = volume.text_of("name") else { continue };
            by_name.entry(name).or_insert(volume);
        }
        let mut mounted_by = BTreeMap::new();
        for (index, container) in containers_of(pod).enumerate() {
            for mount in container.get("volumeMounts").map(Node::items).unwrap_or_default() {
                let Some(name) = mount.text_of("name") else { continue };
                let (first, several) = mounted_by.entry(name).or_insert((index, false));
                *several |= *first != index;
            }
        }
        Volumes { by_name, mounted_by }
    }

    /// Whether a container other than this one mounts it.
    fn is_shared(&self, name: &str, container: usize) -> bool {
        self.mounted_by.get(name).is_some_and(|&(first, several)| several || first != container)
    }
}

fn one(
    (index, container): (usize, &Node),
    volumes: &Volumes<'_>,
    file: usize,
    links: Option<Place>,
    stores: Stores<'_>,
) -> Target {
    let place = |line| Place { file, line };
    let begin = container.entry("name").map_or(container.line, |(key, _)| key.line);
    let mut target = Target::new("container", place(begin));
    target.links = links;
    let words = |node: &Node| node.items().iter().filter_map(|item| word(item, file)).collect();
    target.image = container.get("image").and_then(|node| word(node, file));
    target.command = container.get("command").filter(|node| !node.items().is_empty()).map(words);
    target.arguments = container.get("args").map(words).unwrap_or_default();
    for from in container.get("envFrom").map(Node::items).unwrap_or_default() {
        env_from(from, file, stores, &mut target);
    }
    for variable in container.get("env").map(Node::items).unwrap_or_default() {
        let Some(name) = variable.text_of("name") else { continue };
        let line = variable.entry("name").map_or(variable.line, |(key, _)| key.line);
        let given = match variable.get("valueFrom") {
            Some(from) => value_from(from, stores),
            None => literal(variable.get("value")),
        };
        // A key that is absent and may be absent sets nothing.
        let Some(given) = given else { continue };
        target.settings.set(Setting {
            name: name.to_owned(),
            at: place(line),
            given,
            judged: true,
        });
    }
    for mount in container.get("volumeMounts").map(Node::items).unwrap_or_default() {
        if target.is_beyond() {
            break;
        }
        let (Some(name), Some(path)) = (mount.text_of("name"), mount.text_of("mountPath")) else {
            continue;
        };
        let mount = Mount {
            path: path.trim_end_matches('/'),
            sub: mount.text_of("subPath"),
            at: place(mount.line),
        };
        match volumes.by_name.get(name) {
            Some(volume) if volume.get("emptyDir").is_none() => {
                mounted(volume, &mount, stores, &mut target);
            }
            // What another container puts there; by itself it stays empty.
            Some(_) if volumes.is_shared(name, index) => {
                target.unseen_dirs.push(mount.path.to_owned());
            }
            Some(_) => {}
            // A claim of a StatefulSet's templates.
            None => target.unseen_dirs.push(mount.path.to_owned()),
        }
    }
    target
}

fn word(node: &Node, file: usize) -> Option<Word> {
    Some(Word { text: node.scalar()?, at: Place { file, line: node.line } })
}

/// A value that stands in the file. `$(NAME)` is another variable's (Kubernetes documentation,
/// "Define Dependent Environment Variables").
fn literal(value: Option<&Node>) -> Option<Given> {
    let text = value.and_then(Node::scalar).unwrap_or_default();
    Some(match text.contains("$(") {
        true => Given::Elsewhere,
        false => Given::Literal(Secret::new(text.into_bytes())),
    })
}

/// A reference: `None` where it is optional and there is nothing.
fn value_from(from: &Node, stores: Stores<'_>) -> Option<Given> {
    let (secret, reference) = match (from.get("secretKeyRef"), from.get("configMapKeyRef")) {
        (Some(reference), _) => (true, reference),
        (None, Some(reference)) => (false, reference),
        _ => return Some(Given::Elsewhere),
    };
    let store = reference.text_of("name").and_then(|name| stores.get(secret, name));
    let optional = reference.get("optional").and_then(Node::scalar).as_deref() == Some("true");
    let Some(store) = store else { return Some(Given::Elsewhere) };
    match reference.text_of("key").and_then(|key| store.keys.get(key)) {
        // The value is judged where it stands.
        Some(_) if secret => Some(Given::Elsewhere),
        Some(key) => Some(Given::Literal(key.value.duplicate())),
        None if optional => None,
        None => Some(Given::Broken),
    }
}

fn env_from(from: &Node, file: usize, stores: Stores<'_>, target: &mut Target) {
    let prefix = from.text_of("prefix").unwrap_or_default();
    for (kind, secret) in [("secretRef", true), ("configMapRef", false)] {
        let Some((key, reference)) = from.entry(kind) else { continue };
        let name = reference.text_of("name").unwrap_or_default();
        let Some(store) = stores.get(secret, name) else {
            let what = if secret { "a Secret" } else { "a ConfigMap" };
            target.unseen.push((Place { file, line: key.line }, what));
            continue;
        };
        for (name, stored) in &store.keys {
            if target.is_beyond() {
                return;
            }
            let given = match secret {
                true => Given::Elsewhere,
                false => Given::Literal(stored.value.duplicate()),
            };
            let name = format!("{prefix}{name}");
            target.settings.set(Setting { name, at: stored.at, given, judged: true });
        }
    }
}

/// Kinds of volumes of which is known what they hold, from the objects that they name.
const SEEN: [&str; 4] = ["secret", "configMap", "projected", "downwardAPI"];
/// Where a pod lists its containers.
const CONTAINERS: [&str; 2] = ["initContainers", "containers"];

/// Where a volume is mounted.
struct Mount<'a> {
    path: &'a str,
    sub: Option<&'a str>,
    at: Place,
}

fn mounted(volume: &Node, mount: &Mount<'_>, stores: Stores<'_>, target: &mut Target) {
    let projected = volume.at(&["projected", "sources"]).map(Node::items).unwrap_or_default();
    for source in std::iter::once(volume).chain(projected) {
        target.passed += 1;
        for (kind, secret) in [("secret", true), ("configMap", false)] {
            let Some(reference) = source.get(kind) else { continue };
            let name = reference.text_of("secretName").or_else(|| reference.text_of("name"));
            let store = name.and_then(|name| stores.get(secret, name));
            keys(reference, store, mount, target);
        }
    }
    // A driver of a secret store, a claim, or whatever else puts files there.
    if !SEEN.iter().any(|kind| volume.get(kind).is_some()) {
        target.unseen_dirs.push(mount.path.to_owned());
    }
}

/// The files that a Secret's keys become. Without `items` each key is a file of its name.
fn keys(reference: &Node, store: Option<&Store>, mount: &Mount<'_>, target: &mut Target) {
    let mut files: Vec<(String, Place)> = Vec::new();
    let items = reference.get("items").map(Node::items).unwrap_or_default();
    for item in items {
        target.passed += 1;
        let (Some(key), Some(path)) = (item.text_of("key"), item.text_of("path")) else { continue };
        if store.is_none_or(|store| store.keys.contains_key(key)) {
            files.push((path.to_owned(), Place { line: item.line, ..mount.at }));
        }
    }
    match store {
        _ if !items.is_empty() => {}
        Some(store) => match mount.sub {
            Some(sub) => files.extend(store.keys.get(sub).map(|key| (sub.to_owned(), key.at))),
            None => files.extend(store.keys.iter().map(|(name, key)| (name.clone(), key.at))),
        },
        None if mount.sub.is_none() => target.unseen_dirs.push(mount.path.to_owned()),
        None => target.files.push((mount.path.to_owned(), mount.at)),
    }
    for (name, at) in files {
        match mount.sub {
            None => target.files.push((format!("{}/{name}", mount.path), at)),
            Some(sub) if sub == name => target.files.push((mount.path.to_owned(), at)),
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_decoded_and_nothing_else_is() {
        assert_eq!(decoded(b"Y2hhbmdlbWU="), Some(b"changeme".to_vec()));
        assert_eq!(decoded(b"Y2hh\nbmdl"), Some(b"change".to_vec()));
        assert_eq!(decoded(b""), Some(Vec::new()));
        assert_eq!(decoded(b"change_me"), None);
    }
}
