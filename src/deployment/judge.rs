//! Holds what the files say against the contract, by names alone. Of a value only this much is
//! looked at: whether a secret's is blank, a placeholder or there at all, and what flags and modes
//! say, since those decide what is required.

use super::model::{Deployment, Given, Place, Setting, Store, Target, Template, UNIT};
use super::names::{self, ByName, basename, is_launcher};
use super::options::{Hidden, Options};
use super::values;
use crate::contract::model::{Contract, Kind, Known, Role, Row, RowId};
use crate::contract::name::shown;
use crate::finding::{Code, Fact, Finding, Severity};
use crate::mode::Mode;
use crate::resolve::{ModeWish, Resolution, resolve};
use crate::secret::Secret;
use crate::settings::ModeOrigin;
use crate::source::{Candidate, Source, SourceKind};
use crate::validate::required;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// A command by the program's name, where nothing says what that name leads to.
const NAME_ALONE: &str = "the deployment's command is a name that can lead to the launcher or to the program, and nothing beside it says that it is the launcher";
const NAME_ALONE_HINT: &str = "put nexis-launch run -- before it, or, where the image links the name to the launcher, set a NEXIS_LAUNCH_ variable such as NEXIS_LAUNCH_INHERIT=contract beside the command";

/// What stands for a value that is not among the files. It is no flag and no mode.
const SOMETHING: &[u8] = b"?";

/// A finding and its line.
#[derive(Clone, Debug)]
pub struct Located {
    /// The line.
    pub at: Place,
    /// The finding; it has no source.
    pub finding: Finding,
}

/// Something of which the files do not say what it supplies, and the variables that it would have
/// to supply.
#[derive(Clone, Debug)]
pub struct Unseen {
    /// Where it is referred to.
    pub at: Place,
    /// What it is.
    pub what: &'static str,
    /// The variables that are required and not seen elsewhere.
    pub variables: Vec<&'static str>,
}

/// A place that starts the program.
#[derive(Clone, Copy, Debug)]
pub struct Checked {
    /// `container`, `service`, `unit` or `env-file`.
    pub kind: &'static str,
    /// Where it begins.
    pub at: Place,
    /// The mode it was judged in.
    pub mode: Mode,
}

/// All that is found.
#[derive(Debug, Default)]
pub struct Findings {
    /// The files: those that were named, then those that they refer to and that were read.
    pub files: Vec<PathBuf>,
    /// By file and line, errors before warnings of one line.
    pub findings: Vec<Located>,
    /// By file and line.
    pub unseen: Vec<Unseen>,
    /// By file and line.
    pub checked: Vec<Checked>,
}

/// Holds a deployment against the contract. `mode` is what the command line says.
pub fn judge(contract: &'static Contract, mode: Option<&[u8]>, all: Deployment) -> Findings {
    let Deployment { targets, stores, templates, absent, .. } = all;
    let mut judge =
        Judge { contract, option: mode, mode: Mode::Production, found: Findings::default() };
    let alone = targets.len() == 1;
    let mut strictest = None;
    // One that stands alone is meant, unless it is a unit that is started to end again.
    let is_meant = |target: &Target| alone && !target.oneshot;
    let is_ours = |target: &Target| is_meant(target) || names::is_ours(contract, target);
    for target in targets.iter().filter(|target| is_ours(target)) {
        judge.target(target);
        strictest = strictest.max(Some(judge.mode));
    }
    for template in &templates {
        judge.template(template);
    }
    let said = mode.and_then(|text| Mode::parse(text, &contract.mode_names));
    judge.mode = said.or(strictest).unwrap_or(Mode::Production);
    stores.all().iter().for_each(|store| judge.store(store));
    if judge.found.checked.is_empty() && stores.all().is_empty() {
        judge.plain(Place { file: 0, line: 1 }, Code::NothingToCheck);
    }
    let mut found = judge.found;
    let key = |it: &Located| (it.at, std::cmp::Reverse(it.finding.severity), it.finding.code);
    found.findings.sort_by_key(key);
    // A mapping that several services share is judged with each of them.
    let mut seen = BTreeSet::new();
    found.findings.retain(|it| seen.insert((it.at, it.finding.code, it.finding.variable.clone())));
    let absent = absent.into_iter();
    found.unseen.extend(absent.map(|(at, what)| Unseen { at, what, variables: Vec::new() }));
    found.unseen.sort_by_key(|unseen| unseen.at);
    found.checked.sort_by_key(|checked| checked.at);
    found
}

struct Judge<'a> {
    contract: &'static Contract,
    option: Option<&'a [u8]>,
    mode: Mode,
    found: Findings,
}

impl Judge<'_> {
    fn push(&mut self, at: Place, code: Code, severity: Severity, name: &str, fact: Fact) {
        let severity = self
            .contract
            .policy
            .severity(code, self.mode)
            .map_or(severity, |least| severity.max(least));
        let found = Finding::new(code, severity, fact);
        let finding = if name.is_empty() { found } else { found.about(name.to_owned()) };
        self.found.findings.push(Located { at, finding });
    }

    /// Adds a finding with the severity of the row or of the table.
    fn add(&mut self, at: Place, code: Code, row: Option<&Row>, name: &str, fact: Fact) {
        let mut overrides = row.into_iter().flat_map(|row| row.severity.iter());
        let own = overrides.find(|one| one.code == code && one.modes.has(self.mode));
        let severity = own.map_or(code.severity(self.mode), |own| own.severity);
        let severity = severity.max(self.contract.policy.severity(code, self.mode));
        if let Some(severity) = severity {
            self.push(at, code, severity, name, fact);
        }
    }

    /// Adds a finding that is about no variable.
    fn plain(&mut self, at: Place, code: Code) {
        self.add(at, code, None, "", Fact::Rule(code.cause(), code.mend()));
    }

    fn target(&mut self, target: &Target) {
        let options = Options::of(target);
        let by_name = names::own_name(self.contract, target);
        let without = target
            .command
            .as_ref()
            // What the command is given to run is a part of it.
            .filter(|_| {
                !target.words().any(is_launcher) || names::goes_round(self.contract, target.words())
            })
            .filter(|_| by_name != Some(ByName::Taken));
        let resolution = self.resolve(target, &options);
        self.mode = resolution.mode.mode;
        self.found.checked.push(Checked { kind: target.kind, at: target.at, mode: self.mode });
        if resolution.mode.unknown {
            self.push(target.at, Code::UnknownMode, Severity::Error, "", Fact::Plain);
        }
        let mode_elsewhere = options.mode_elsewhere
            || target.settings.iter().any(|setting| {
                setting.name == "NEXIS_LAUNCH_MODE" || self.row(&setting.name).is_some_and(is_mode)
            });
        self.policy(target.at, resolution.mode.mode);
        if resolution.mode.unset && !mode_elsewhere && !target.partial && target.unseen.is_empty() {
            self.add(target.at, Code::ModeUnset, None, "", Fact::Plain);
        }
        for setting in target.settings.iter() {
            self.name(setting.at, &setting.name);
            self.value(setting, &resolution, false);
            if without.is_some() {
                self.unmapped(setting);
            }
        }
        for setting in names::assignments(self.contract, target) {
            self.value(&setting, &resolution, false);
        }
        for (path, at) in &target.files {
            self.file(*at, path, &options);
        }
        if !target.partial {
            self.missing(target, &resolution, &options, None);
        }
        let first = target.command.iter().flatten().next();
        match first.map(|word| (word.at, by_name)) {
            Some((at, Some(ByName::Taken))) => {
                let what = "the link from this name to nexis-launch";
                self.found.unseen.push(Unseen { at, what, variables: Vec::new() });
            }
            Some((at, Some(ByName::Unsaid))) => {
                let fact = Fact::Rule(NAME_ALONE, NAME_ALONE_HINT);
                self.add(at, Code::LauncherMissing, None, "", fact);
            }
            Some((at, None)) if without.is_some() => self.plain(at, Code::LauncherMissing),
            _ => {}
        }
        if let Some(image) = target.image.as_ref().filter(|image| names::is_unpinned(&image.text)) {
            self.plain(image.at, Code::UnpinnedImage);
        }
        if let Some(at) = target.links {
            self.plain(at, Code::ServiceLinks);
        }
    }

    /// An env file by itself. It is written to be filled in, so a blank value is none, and a
    /// secret that it does not name can be mounted as a file.
    fn template(&mut self, template: &Template) {
        if template.used {
            return;
        }
        let at = Place { file: template.file, line: 1 };
        let mut target = Target::new("env-file", at);
        for setting in &template.settings {
            target.settings.set(super::compose::copy(setting, true));
        }
        let resolution = self.resolve(&target, &Options::default());
        self.mode = resolution.mode.mode;
        self.found.checked.push(Checked { kind: target.kind, at, mode: self.mode });
        for setting in target.settings.iter() {
            self.name(setting.at, &setting.name);
            self.value(setting, &resolution, true);
        }
        // What is blank or commented out is named all the same.
        for name in template.mentioned.iter().chain(template.settings.iter().map(|it| &it.name)) {
            if target.text(name).is_none_or(|text| text.trim_ascii().is_empty()) {
                let given = Given::Elsewhere;
                target.settings.set(Setting { name: name.clone(), at, given, judged: false });
            }
        }
        let resolution = self.resolve(&target, &Options::default());
        self.missing(&target, &resolution, &Options::default(), Some(Severity::Warning));
    }

    /// What a launch would make of the names, as far as the files tell.
    fn resolve(&self, target: &Target, options: &Options) -> Resolution {
        let mut candidates: Vec<Vec<Candidate>> = Vec::new();
        candidates.resize_with(self.contract.rows.0.len(), Vec::new);
        let mut supply = |id: RowId, step: u8, kind, text: &[u8]| {
            let source = Source::new(kind, "");
            let content = Ok(Secret::new(text.to_vec()));
            if let Some(all) = candidates.get_mut(usize::from(id.0)) {
                all.push(Candidate { source, rank: (step, 0), content, path: None });
                all.sort_by_key(|candidate| candidate.rank);
            }
        };
        for setting in target.settings.iter() {
            let Some(known) = self.contract.known(setting.name.as_bytes()) else { continue };
            let (step, text) = match (known.role, &setting.given) {
                (_, Given::Broken) => continue,
                // It is taken out, as if it were not there.
                (Role::OwnFile | Role::AliasFile(_), given) if given.is_blank() => continue,
                (Role::OwnFile | Role::AliasFile(_), _) => (1, None),
                (Role::Alias(_), given) => (2, given.text()),
                (Role::Own, given) => (3, given.text()),
            };
            match text {
                None if is_mode(self.contract.row(known.row)) => {}
                text => supply(known.row, step, SourceKind::Env, text.unwrap_or(SOMETHING)),
            }
        }
        for (path, _) in &target.files {
            if let Some(id) = self.file_row(path, options) {
                supply(id, 5, SourceKind::SecretsDir, SOMETHING);
            }
        }
        // What a provider has is not for this to run.
        for (id, _) in self.contract.rows().filter(|(_, row)| row.fetch.is_some()) {
            supply(id, 7, SourceKind::Provider, SOMETHING);
        }
        let setting = target.text("NEXIS_LAUNCH_MODE").map(|text| (text, ModeOrigin::Setting));
        let line = self.option.or(options.mode.as_deref().map(str::as_bytes));
        let wish = line.map(|text| (text, ModeOrigin::CommandLine)).or(setting);
        let wish = ModeWish { wish, environment: target.text("NEXIS_ENV") };
        resolve(self.contract, candidates, &wish, &mut |_| None)
    }

    /// The row that a file feeds.
    fn file_row(&self, path: &str, options: &Options) -> Option<RowId> {
        let names = options.dirs().filter_map(|dir| path.strip_prefix(dir)?.strip_prefix('/'));
        names.into_iter().find_map(|name| self.contract.file(name.as_bytes())).map(|it| it.row)
    }

    fn row(&self, name: &str) -> Option<&'static Row> {
        self.contract.known(name.as_bytes()).map(|known| self.contract.row(known.row))
    }

    /// The contract may pin the modes.
    fn policy(&mut self, at: Place, mode: Mode) {
        let allowed = self.contract.policy.modes;
        if !allowed.has(mode) {
            let fact = Fact::Pinned(mode, allowed);
            self.push(at, Code::ModeForbidden, Severity::Error, "", fact);
        }
    }

    /// What is to be said of a name that is set.
    fn name(&mut self, at: Place, name: &str) {
        let own = self.row(name).map_or(name, |row| row.name);
        if [name, own].iter().any(|name| self.contract.policy.forbids(name.as_bytes())) {
            let fact = Fact::Says("is forbidden by the contract's policy");
            let name = shown(own, "a name");
            self.push(at, Code::ForbiddenVariable, Severity::Error, name, fact);
        }
        if let Some((code, fact, shown)) = names::judge(self.contract, name) {
            self.add(at, code, None, shown, fact);
        }
        // A setting of the launcher's own that does not exist ends the launch with status 64.
        if let Some(near) = crate::settings::misspelt(name) {
            let fact = Fact::Nearest(near.map(Cow::Owned));
            self.push(at, Code::UnknownVariable, Severity::Error, shown(name, "a setting"), fact);
        }
    }

    /// A secret file whose name the launcher looks for nowhere, and that was meant to be one.
    fn file(&mut self, at: Place, path: &str, options: &Options) {
        let mut names = options.dirs().filter_map(|dir| path.strip_prefix(dir)?.strip_prefix('/'));
        let Some(name) = names.next().filter(|_| self.file_row(path, options).is_none()) else {
            return;
        };
        if let Some(near) = names::near_file(self.contract, name) {
            let fact = Fact::Nearest(Some(Cow::Borrowed(near)));
            self.add(at, Code::UnknownVariable, None, shown(name, "a key"), fact);
        }
    }

    /// What is to be said of what a setting holds.
    fn value(&mut self, setting: &Setting, resolution: &Resolution, template: bool) {
        let (row, id) = match self.contract.known(setting.name.as_bytes()) {
            Some(Known { role: Role::OwnFile | Role::AliasFile(_), .. })
                if !setting.given.is_blank() =>
            {
                return;
            }
            Some(known) => (self.contract.row(known.row), known.row),
            // A credential with its text in the unit.
            None => match self.file_row(&setting.name, &Options::default()) {
                Some(id) => (self.contract.row(id), id),
                None => return,
            },
        };
        if matches!(setting.given, Given::Broken) {
            let fact = Fact::Says("refers to a key that its Secret or ConfigMap does not have");
            self.add(setting.at, Code::MissingRequired, Some(row), row.name, fact);
        } else if setting.given.is_blank() {
            if row.blank_allowed || template {
                return;
            }
            let absent = resolution.row(id).winner.is_none();
            let needed = absent && required(self.contract, resolution, row).is_some();
            let severity = if needed { Severity::Error } else { Severity::Warning };
            let fact = match setting.given {
                Given::Default(_) => Fact::Says("is blank where the variable behind it is unset"),
                _ => Fact::Says("is set to a blank value, which counts as absent"),
            };
            self.push(setting.at, Code::BlankValue, severity, row.name, fact);
        } else if setting.judged && row.secret {
            match values::judge(row, &setting.given) {
                // To be replaced by whoever copies the template; blank would be safer.
                Some((Code::Placeholder, fact)) if template => {
                    self.push(setting.at, Code::Placeholder, Severity::Warning, row.name, fact);
                }
                Some((Code::SecretInEnvironment, _)) if template => {}
                Some((code, fact)) => self.add(setting.at, code, Some(row), row.name, fact),
                None => {}
            }
        }
    }

    /// An alias, part or `_FILE` reference where only the program itself is started.
    fn unmapped(&mut self, setting: &Setting) {
        let Some(known) = self.contract.known(setting.name.as_bytes()) else { return };
        let row = self.contract.row(known.row);
        if known.role != Role::Own || row.part {
            let fact = Fact::Says("is set where nothing maps it: the launcher is not started");
            self.add(setting.at, Code::NotMapped, Some(row), known.name, fact);
        }
    }

    /// What the contract needs and nothing supplies. `at_most` is for what need not be complete.
    fn missing(
        &mut self,
        target: &Target,
        resolution: &Resolution,
        options: &Options,
        at_most: Option<Severity>,
    ) {
        // What a directory of the host holds is in no file that was named.
        let of_host = target.kind == UNIT && options.names_directory_of_host();
        let hidden = Hidden::of(self.contract, target, options);
        let hidden = |row: &Row| row.secret && (of_host || hidden.has(row.name));
        let mut places = target.unseen.clone();
        places.extend(options.env_file.map(|at| (at, "an env file of the launcher")));
        let mut unseen = Vec::new();
        for resolved in &resolution.rows {
            let row = self.contract.row(resolved.id);
            let parts = resolved.absent_parts.iter().map(|&part| self.contract.row(part));
            let parts: Vec<_> = parts.filter(|part| !hidden(part)).map(|part| part.name).collect();
            let said = target.settings.iter().any(|setting| {
                self.row(&setting.name).is_some_and(|known| known.name == row.name)
                    && (setting.given.is_blank() || matches!(setting.given, Given::Broken))
            });
            if resolved.winner.is_some() || hidden(row) || said {
                continue;
            }
            let (code, fact) = if !resolved.absent_parts.is_empty() {
                if parts.is_empty() {
                    continue;
                }
                (Code::IncompleteTemplate, Fact::Absent(parts))
            } else {
                let Some(fact) = required(self.contract, resolution, row) else { continue };
                (Code::MissingRequired, fact)
            };
            if !places.is_empty() {
                unseen.push(row.name);
            } else if let Some(severity) = at_most {
                self.push(target.at, code, severity, row.name, fact);
            } else {
                self.add(target.at, code, Some(row), row.name, fact);
            }
        }
        for (at, what) in places {
            self.found.unseen.push(Unseen { at, what, variables: unseen.clone() });
        }
    }

    /// The keys of a Secret or ConfigMap.
    fn store(&mut self, store: &Store) {
        for (name, key) in &store.keys {
            self.name(key.at, name);
            let by_file = || self.contract.file(name.as_bytes()).map(|file| file.row);
            let by_name = self.contract.known(name.as_bytes()).and_then(|known| {
                matches!(known.role, Role::Own | Role::Alias(_)).then_some(known.row)
            });
            let Some(row) = by_name.or_else(by_file).map(|id| self.contract.row(id)) else {
                if let (true, Some(near)) = (store.secret, names::near_file(self.contract, name)) {
                    let fact = Fact::Nearest(Some(Cow::Borrowed(near)));
                    self.add(key.at, Code::UnknownVariable, None, shown(name, "a key"), fact);
                }
                continue;
            };
            if !row.secret {
                continue;
            }
            let given = Given::Literal(key.value.duplicate());
            match values::judge(row, &given) {
                _ if given.is_blank() && store.secret => {
                    let needed = row.required.has(self.mode);
                    let severity = if needed { Severity::Error } else { Severity::Warning };
                    let fact = Fact::Says("is set to a blank value, which counts as absent");
                    self.push(key.at, Code::BlankValue, severity, row.name, fact);
                }
                // A Secret is the place of a secret.
                Some((Code::PlaintextSecret, _)) if store.secret => {}
                Some((code, fact)) if !given.is_blank() => {
                    self.add(key.at, code, Some(row), row.name, fact);
                }
                _ => {}
            }
        }
    }
}

fn is_mode(row: &Row) -> bool {
    row.format.kind == Kind::ModeName
}

/// Whether the word, or a word of a script, is the contract's program.
pub(super) fn is_program(contract: &Contract, word: &str) -> bool {
    let is = |name: &str| {
        name == contract.name || contract.program.iter().any(|(link, _)| *link == name)
    };
    super::unit::words(word).iter().any(|word| is(basename(word)))
}
