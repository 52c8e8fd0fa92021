//! What a deployment says of one place that starts a program, whatever kind of file says it.

use crate::secret::Secret;
use std::collections::BTreeMap;

/// A line of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file's place among those that were named.
    pub file: usize,
    /// The line, from 1.
    pub line: u32,
}

/// What is given for a variable.
#[derive(Debug)]
pub enum Given {
    /// This stands in the file.
    Literal(Secret),
    /// This stands in the file and counts where the variable behind `${X:-…}` is unset.
    Default(Secret),
    /// The value comes from a Secret, the shell or another tool.
    Elsewhere,
    /// What it refers to is among the files and has no such key.
    Broken,
}

impl Given {
    /// The text that counts as far as the files say.
    pub fn text(&self) -> Option<&[u8]> {
        match self {
            Given::Literal(text) | Given::Default(text) => Some(text.expose()),
            Given::Elsewhere | Given::Broken => None,
        }
    }

    /// Whether it is blank as far as the files say.
    pub fn is_blank(&self) -> bool {
        match self {
            Given::Literal(text) | Given::Default(text) => text.is_blank(),
            Given::Elsewhere | Given::Broken => false,
        }
    }
}

/// A name that is set in the environment of a program.
#[derive(Debug)]
pub struct Setting {
    /// The name.
    pub name: String,
    /// Where.
    pub at: Place,
    /// To what.
    pub given: Given,
    /// Whether the text counts as the deployment's own. An env file that a compose file names and
    /// the command line does not is a local one: only its names count.
    pub judged: bool,
}

/// The environment of a program.
#[derive(Debug, Default)]
pub struct Settings {
    by_name: BTreeMap<String, Setting>,
    /// How often a name was set, the forgotten ones too.
    set: usize,
}

impl Settings {
    /// Sets a name; an earlier setting of it is forgotten.
    pub fn set(&mut self, setting: Setting) {
        self.set += 1;
        self.by_name.insert(setting.name.clone(), setting);
    }

    /// Takes a name away.
    pub fn unset(&mut self, name: &str) {
        self.by_name.remove(name);
    }

    /// The setting of a name.
    pub fn get(&self, name: &str) -> Option<&Setting> {
        self.by_name.get(name)
    }

    /// All, by their names.
    pub fn iter(&self) -> impl Iterator<Item = &Setting> {
        self.by_name.values()
    }
}

/// A word of a command.
#[derive(Clone, Debug)]
pub struct Word {
    /// The word.
    pub text: String,
    /// Where.
    pub at: Place,
}

/// What a target of a systemd unit is called.
pub const UNIT: &str = "unit";

/// Where systemd puts credentials, as far as paths are compared here.
pub const CREDENTIALS: &str = "/run/credentials";

/// A container, service or unit.
#[derive(Debug)]
pub struct Target {
    /// `container`, `service` or `unit`.
    pub kind: &'static str,
    /// Where it begins.
    pub at: Place,
    /// Its environment.
    pub settings: Settings,
    /// Absolute paths of secret files in it.
    pub files: Vec<(String, Place)>,
    /// Directories with secret files whose names are not known.
    pub unseen_dirs: Vec<String>,
    /// What may set any variable and is not among the files.
    pub unseen: Vec<(Place, &'static str)>,
    /// Its image, where one is named.
    pub image: Option<Word>,
    /// What is started, where that is said and not left to the image; with arguments.
    pub command: Option<Vec<Word>>,
    /// Arguments for what the image starts.
    pub arguments: Vec<Word>,
    /// Where variables for every service of the namespace are let in.
    pub links: Option<Place>,
    /// Whether it is a part of a unit that is not among the files.
    pub partial: bool,
    /// Whether it is a unit that is started to end again, as no service is.
    pub oneshot: bool,
    /// Keys that were looked at for it and are no file in it.
    pub passed: usize,
}

impl Target {
    /// One without anything.
    pub fn new(kind: &'static str, at: Place) -> Self {
        Target {
            kind,
            at,
            settings: Settings::default(),
            files: Vec::new(),
            unseen_dirs: Vec::new(),
            unseen: Vec::new(),
            image: None,
            command: None,
            arguments: Vec::new(),
            links: None,
            partial: false,
            oneshot: false,
            passed: 0,
        }
    }

    /// The text of a setting as far as the files say it.
    pub fn text(&self, name: &str) -> Option<&[u8]> {
        self.settings.get(name)?.given.text()
    }

    /// What it was made of: what is looked at many times counts as often.
    fn held(&self) -> usize {
        self.settings.set.saturating_add(self.files.len()).saturating_add(self.passed)
    }

    /// Whether it is more than all may be together. Nothing needs to be added then.
    pub fn is_beyond(&self) -> bool {
        self.held() > MOST_HELD
    }

    /// All words of the command and its arguments.
    pub fn words(&self) -> impl Iterator<Item = &Word> {
        self.command.iter().flatten().chain(&self.arguments)
    }
}

/// A key of a Secret or a ConfigMap.
#[derive(Debug)]
pub struct Stored {
    /// Where.
    pub at: Place,
    /// What stands there.
    pub value: Secret,
}

/// A Secret or a ConfigMap.
#[derive(Debug)]
pub struct Store {
    /// Whether it is a Secret.
    pub secret: bool,
    /// Its name.
    pub name: String,
    /// Its namespace, where it says one.
    pub namespace: Option<String>,
    /// Its keys, by their names.
    pub keys: BTreeMap<String, Stored>,
}

/// An env file that was named on the command line.
#[derive(Debug)]
pub struct Template {
    /// Its place among the files.
    pub file: usize,
    /// Its settings.
    pub settings: Vec<Setting>,
    /// Names in lines `# NAME=`, which say where to set what.
    pub mentioned: Vec<String>,
    /// Whether a compose file or unit among the files reads it.
    pub used: bool,
}

/// All that the files say.
#[derive(Debug, Default)]
pub struct Deployment {
    /// What starts a program.
    pub targets: Vec<Target>,
    /// Secrets and ConfigMaps.
    pub stores: Stores,
    /// Env files.
    pub templates: Vec<Template>,
    /// Files that others take in and that are not there.
    pub absent: Vec<(Place, &'static str)>,
    /// Where there came to be more settings and files than anybody has.
    pub beyond: Option<Place>,
    /// How many there are.
    held: usize,
}

/// Settings and files that all that starts a program may have together: services that extend one
/// another, or share an env file or ConfigMap, can have many times what stands in the files.
const MOST_HELD: usize = 400_000;

impl Deployment {
    /// Takes what starts a program.
    pub fn start(&mut self, target: Target) {
        self.held = self.held.saturating_add(target.held());
        if self.held > MOST_HELD {
            self.beyond.get_or_insert(target.at);
        } else {
            self.targets.push(target);
        }
    }
}

/// Secrets and ConfigMaps, each found by its name.
#[derive(Debug, Default)]
pub struct Stores {
    all: Vec<Store>,
    /// The first of a kind, name and namespace.
    first: BTreeMap<(bool, String, Option<String>), usize>,
    /// The first of a kind and name.
    first_named: BTreeMap<(bool, String), usize>,
}

impl Stores {
    /// Adds one.
    pub fn add(&mut self, store: Store) {
        let (at, name) = (self.all.len(), (store.secret, store.name.clone()));
        let whole = (store.secret, store.name.clone(), store.namespace.clone());
        self.first.entry(whole).or_insert(at);
        self.first_named.entry(name).or_insert(at);
        self.all.push(store);
    }

    /// All, in the order of the files.
    pub fn all(&self) -> &[Store] {
        &self.all
    }

    /// The Secret (or ConfigMap) of this name. What says no namespace is in that of whoever applies
    /// it, which can be any.
    pub fn get(&self, secret: bool, name: &str, namespace: Option<&str>) -> Option<&Store> {
        let whole =
            |namespace: Option<&str>| (secret, name.to_owned(), namespace.map(str::to_owned));
        let other = || match namespace {
            Some(_) => self.first.get(&whole(None)),
            None => self.first_named.get(&(secret, name.to_owned())),
        };
        self.all.get(*self.first.get(&whole(namespace)).or_else(other)?)
    }
}
