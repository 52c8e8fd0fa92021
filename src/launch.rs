//! The stages of a launch that several commands share, in the order of the house:
//! read, resolve, look at the program, build the environment, judge, state.

use crate::cli::Options;
use crate::contract;
use crate::contract::model::{Contract, Origin};
use crate::environment::{self, Environment, Inheritance};
use crate::error::{Error, Status};
use crate::exec::{self, Program};
use crate::finding::{Code, Fact, Finding};
use crate::fingerprint::Key;
use crate::generate::rule;
use crate::log;
use crate::manifest::{self, About, Guard, Manifest, Outcome};
use crate::mode::Mode;
use crate::needles::Needles;
use crate::privileges::{self, User};
use crate::provider::Answers;
use crate::resolve::{ModeWish, Resolution, resolve};
use crate::settings::{self, Settings};
use crate::source::{self, Extra, Inherited, InheritedKind, Observation, Request};
use crate::sys::{fs, process};
use crate::url;
use crate::validate::says_secret;
use crate::validate::urls::{Displays, Urls};
use crate::validate::verdict::{self, Case, Verdict};
use std::ffi::{CStr, OsStr, OsString};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

mod ledger;
mod masked;
mod moment;
mod provided;

pub use moment::{Moment, today};

/// What was read and resolved.
pub struct Survey {
    /// Options and settings.
    pub settings: Settings,
    /// The contract in force.
    pub contract: &'static Contract,
    /// The fingerprints' key.
    pub key: Option<Key>,
    /// Id and time.
    pub moment: Moment,
    /// Every inherited entry.
    pub inherited: Vec<Inherited>,
    /// Other names of env files.
    pub extras: Vec<Extra>,
    /// What was seen while reading.
    pub observations: Vec<Observation>,
    /// The files and directories that were looked at.
    pub visited: Vec<PathBuf>,
    /// Every row with its candidates and winner.
    pub resolution: Resolution,
    /// Who the program will be, where that was asked for.
    pub user: Option<User>,
    /// The program's streams that will be masked.
    pub masked_output: Vec<&'static str>,
    /// What cannot be used of what options and settings name.
    problems: Vec<Finding>,
}

/// A process for which everything is resolved as it would be for itself.
#[derive(Clone, Copy)]
pub struct Inspected<'a> {
    /// Its root directory, where that is another one.
    pub root: Option<BorrowedFd<'a>>,
}

impl Survey {
    /// Reads options, settings, contract and sources, and resolves every row.
    ///
    /// # Errors
    /// What is wrong with options and settings, all of it, or with the contract.
    pub fn take(options: Options, dev: bool) -> Result<Survey, Vec<Error>> {
        Survey::take_for(options, dev, process::environment(), None, &mut Answers::default())
    }

    /// The same as a process that is there would: with these entries for the environment, and
    /// with the files of all sources looked for below its root. What providers were asked for another
    /// process is not asked again where it is in `answers`. Neither the process nor its root chooses
    /// what is run here, or for whom: no provider gets anything but what this process would lend it,
    /// and a `.env` is not searched for in another root.
    ///
    /// # Errors
    /// As of [`Survey::take`].
    pub fn take_for(
        options: Options,
        dev: bool,
        entries: Vec<&'static CStr>,
        process: Option<Inspected<'_>>,
        answers: &mut Answers,
    ) -> Result<Survey, Vec<Error>> {
        // Before the first secret is looked at: no core dump, no tracing by the same user.
        let undumpable = process::forbid_dumps();
        let settings = Settings::merge(options, dev, own_settings(&entries))
            .map_err(|settings::Problems(all)| conceal(all, &entries))?;
        if settings.ledger.is_some() && settings.fingerprint_key_file.is_none() {
            let message = "cannot look values up in the ledger: there is no fingerprint key";
            let error = Error::new(Status::Usage, message);
            return Err(vec![error.hint("name it with --fingerprint-key-file")]);
        }
        log::start(settings.log);
        if undumpable.is_err() {
            tracing::warn!("core dumps could not be forbidden");
        }
        let mut opened = Vec::new();
        let contract = contract::load_noting(settings.contract.as_deref(), &mut opened)
            .map_err(|error| conceal(vec![error], &entries))?;
        let mut problems = Vec::new();
        let key = settings.fingerprint_key_file.as_deref().and_then(|path| {
            let unusable = |(code, fact)| problems.push(Finding::error(code, fact));
            Key::read(path).map_err(unusable).ok()
        });
        let mut survey = Survey::read(settings, (contract, &opened), &entries, process, answers);
        if let (Origin::File(path), true) = (contract.origin, contract.providers.is_empty()) {
            // Whoever can write the contract can take its demands away.
            let opened = opened.first().copied();
            let facts = source::judge_path(Path::new(path), opened, &contract.trusted_owners);
            let code = Code::InsecurePermissions;
            let seen = |fact| Observation { code, row: None, source: None, fact };
            survey.observations.extend(facts.into_iter().map(seen));
        }
        survey.key = key;
        survey.problems = problems;
        if let Some(path) = survey.settings.ledger.clone() {
            ledger::observe(&mut survey, &path);
        }
        Ok(survey)
    }

    fn read(
        settings: Settings,
        (contract, opened): (&'static Contract, &[(u64, u64)]),
        entries: &[&'static CStr],
        process: Option<Inspected<'_>>,
        answers: &mut Answers,
    ) -> Survey {
        let root = process.and_then(|process| process.root);
        let named = ModeWish {
            wish: settings.mode.as_ref().map(|(text, origin)| (text.as_bytes(), *origin)),
            environment: lookup(entries, b"NEXIS_ENV"),
        };
        let early = named.wish.map(|(text, _)| text).or(named.environment);
        let development = early.and_then(|text| Mode::parse(text, &contract.mode_names))
            == Some(Mode::Development);
        let request = Request {
            contract,
            environ: entries,
            secrets_dirs: settings.secrets_dirs.as_deref(),
            env_files: &settings.env_files,
            find_dotenv: development && settings.env_files.is_empty() && root.is_none(),
        };
        let mut snapshot = match root {
            None => source::take(&request),
            Some(root) => fs::within(root, || source::take(&request)),
        };
        let mut generate = rule::ephemeral;
        let moment = Moment::now();
        let candidates = std::mem::take(&mut snapshot.candidates);
        let mut resolution = resolve(contract, candidates, &named, &mut generate);
        if !contract.providers.is_empty() || settings.provider_stderr.is_some() {
            let (about, how) = ((&settings, moment.id.as_str()), (&named, &mut generate as _));
            let others = process.is_some();
            let (answers, contract) = ((answers, others), (contract, opened));
            resolution = provided::ask(contract, about, &mut snapshot, resolution, how, answers);
        }
        tracing::info!(mode = resolution.mode.mode.name(), "resolved");
        Survey {
            contract,
            key: None,
            moment,
            inherited: snapshot.inherited,
            extras: snapshot.extras,
            observations: snapshot.observations,
            visited: snapshot.visited,
            resolution,
            user: None,
            masked_output: Vec::new(),
            problems: Vec::new(),
            settings,
        }
    }

    /// Finds out who the program will be.
    pub fn choose_user(&mut self) {
        match self.settings.user.as_ref().map(privileges::choose) {
            Some(Ok(user)) => self.user = Some(user),
            Some(Err(why)) => self.lacks_user(why),
            None => {}
        }
    }

    /// Finds out who the program would be. A check often lacks the rights to tell more than whether
    /// there is such a user.
    pub fn foresee_user(&mut self) {
        match self.settings.user.as_ref().map(privileges::foresee) {
            Some(Ok(user)) => self.user = user,
            Some(Err(why)) => self.lacks_user(why),
            None => {}
        }
    }

    fn lacks_user(&mut self, why: &'static str) {
        let user = self.settings.user.as_ref().map(|wish| wish.text.clone()).unwrap_or_default();
        self.problems.push(Finding::error(Code::PrivilegesNotDropped, Fact::User { user, why }));
    }

    /// An inherited variable's value.
    pub fn inherited(&self, name: &[u8]) -> Option<&'static [u8]> {
        let entry = self
            .inherited
            .iter()
            .find(|entry| entry.kind != InheritedKind::Malformed && entry.name() == name);
        entry.map(Inherited::value)
    }

    /// Whether a terminal may be written to in colours: NO_COLOR (no-color.org) is unset or empty
    /// and TERM does not say that the terminal knows none.
    pub fn allows_colours(&self) -> bool {
        self.inherited(b"NO_COLOR").is_none_or(<[u8]>::is_empty)
            && self.inherited(b"TERM") != Some(b"dumb")
    }
}

/// The contract that options and settings name, for what reads no source.
///
/// # Errors
/// What is wrong with options and settings, all of it, or with the contract.
pub fn contract(options: Options) -> Result<&'static Contract, Vec<Error>> {
    chosen(options).map(|(_, contract)| contract)
}

/// Options and settings, and the contract that they name, for what reads no source.
///
/// # Errors
/// As [`contract`].
pub fn chosen(options: Options) -> Result<(Settings, &'static Contract), Vec<Error>> {
    let entries = process::environment();
    let settings = Settings::merge(options, false, own_settings(&entries))
        .map_err(|settings::Problems(all)| conceal(all, &entries))?;
    log::start(settings.log);
    let contract = contract::load(settings.contract.as_deref())
        .map_err(|error| conceal(vec![error], &entries))?;
    Ok((settings, contract))
}

/// Options and settings alone, for what needs neither contract nor source.
///
/// # Errors
/// What is wrong with options and settings, all of it.
pub fn settings(options: Options) -> Result<Settings, Vec<Error>> {
    let entries = process::environment();
    let merged = Settings::merge(options, false, own_settings(&entries));
    let settings = merged.map_err(|settings::Problems(all)| conceal(all, &entries))?;
    log::start(settings.log);
    Ok(settings)
}

/// The pairs under the settings' prefix that are not injected by Kubernetes for a service.
fn own_settings<'a>(entries: &'a [&'static CStr]) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
    let prefix = settings::PREFIX.as_bytes();
    entries
        .iter()
        .filter(move |entry| entry.to_bytes().starts_with(prefix))
        .filter_map(|entry| source::split(entry))
        .filter(|(name, value)| !source::is_service_link(name, value))
}

/// Adds the values of inherited secrets where no contract is in force: the default one says what is
/// a secret, whatever program is meant, and so does a name that says it of itself; the password of a
/// URL is one under any name.
pub(crate) fn add_inherited(needles: &mut Needles, entries: &[&'static CStr]) {
    for (name, value) in entries.iter().filter_map(|entry| source::split(entry)) {
        let default = &contract::builtin::CONTRACT;
        let row = default.known(name).map(|known| default.row(known.row));
        let shown = row.map_or_else(|| String::from_utf8_lossy(name), |row| row.name.into());
        if row.map_or_else(|| says_secret(name), |row| row.secret) {
            needles.add(shown.clone().into_owned(), value);
        }
        for password in url::passwords(value) {
            needles.add(format!("{shown}#password"), password.expose());
        }
    }
}

/// Takes out of errors what is the value of an inherited secret: an operator who confused two
/// names gave it as a path or as a setting's name.
pub(crate) fn conceal(errors: Vec<Error>, entries: &[&'static CStr]) -> Vec<Error> {
    let mut needles = Needles::new();
    add_inherited(&mut needles, entries);
    let concealed = |mut error: Error| {
        let texts = [Some(error.message.as_str()), error.hint.as_deref()];
        let found = texts.into_iter().flatten().find_map(|text| needles.find(text.as_bytes()));
        if let Some(name) = found {
            error.hint = Some("a setting, its name or a path is not the place of a secret".into());
            error.message = format!("cannot go on: what should be a name or a path holds {name}");
        }
        error
    };
    errors.into_iter().map(concealed).collect()
}

/// Whether a terminal may be written to in colours, by an environment that is not surveyed.
pub fn allows_colours(entries: &[&'static CStr]) -> bool {
    lookup(entries, b"NO_COLOR").is_none_or(<[u8]>::is_empty)
        && lookup(entries, b"TERM") != Some(b"dumb")
}

/// The first entry's value of this name.
pub(crate) fn lookup(entries: &[&'static CStr], name: &[u8]) -> Option<&'static [u8]> {
    entries.iter().find_map(|entry| entry.to_bytes().strip_prefix(name)?.strip_prefix(b"="))
}

/// A launch that is judged and can be stated.
pub struct Launch {
    /// What was read.
    pub survey: Survey,
    /// The program, where one was named.
    pub program: Option<Program>,
    /// The array for execve(2).
    pub environment: Environment,
    /// All findings.
    pub verdict: Verdict,
    needles: Needles,
    /// What may be shown of URLs.
    displays: Displays,
}

impl Launch {
    /// Looks at the program, builds the environment and judges everything. `words` is the program
    /// as typed with its arguments; empty: none.
    pub fn judge(mut survey: Survey, words: Vec<OsString>) -> Launch {
        let mut beyond = std::mem::take(&mut survey.problems);
        let search = survey.inherited(b"PATH").map(OsStr::from_bytes);
        let program =
            (!words.is_empty()).then(|| exec::prepare(words, search, survey.user.as_ref()));
        let program = program.map(|prepared| {
            beyond.extend(prepared.findings);
            prepared.program
        });
        let inheritance = Inheritance {
            contract: survey.contract,
            inherit: survey.settings.inherit,
            patterns: &survey.settings.passthrough,
        };
        let mut environment =
            environment::build(inheritance, &survey.inherited, &survey.extras, &survey.resolution);
        if let Some(user) = &survey.user {
            environment.follow(&user.variables());
        }
        beyond.extend(exec::measure(program.as_ref(), &environment));
        let urls = Urls::read(survey.contract, &survey.resolution);
        let mut needles = masked::needles(survey.contract, &survey.resolution, &urls);
        provided::hide_credentials(&survey, &mut needles);
        provided::hide_unused(&survey, &mut needles);
        if !survey.masked_output.is_empty() {
            beyond.extend(masked::warnings(survey.contract, &survey.resolution));
        }
        if tracing::enabled!(tracing::Level::DEBUG) {
            for path in &survey.visited {
                let shown = Guard::new(&needles).text(&path.to_string_lossy());
                tracing::debug!(path = %shown, "looked at");
            }
        }
        let arguments: Vec<&[u8]> = program.iter().flat_map(Program::arguments).collect();
        let case = Case {
            contract: survey.contract,
            resolution: &survey.resolution,
            urls: &urls,
            inherited: &survey.inherited,
            extras: &survey.extras,
            inheritance,
            arguments: &arguments,
            accept: &survey.settings.accept,
            enforce: survey.settings.enforce,
            today: survey.moment.day,
        };
        let observations = std::mem::take(&mut survey.observations);
        let verdict = verdict::judge(&case, observations, &needles, beyond);
        let displays = urls.displays(survey.contract);
        Launch { program, environment, verdict, needles, displays, survey }
    }

    /// Every secret that was read, with the passwords inside URLs.
    pub fn needles(&self) -> &Needles {
        &self.needles
    }

    /// The guard over every secret that was read.
    pub fn guard(&self) -> Guard<'_> {
        Guard::new(&self.needles)
    }

    /// What has no value to look for though a source is there.
    pub fn unread(&self) -> Vec<Finding> {
        masked::unread(self.survey.contract, &self.survey.resolution)
    }

    /// The secrets that were read, for whoever looks for them elsewhere.
    pub fn into_secrets(self) -> Secrets {
        let contract = self.survey.contract;
        let unread = self.verdict.findings.iter().filter_map(|finding| {
            let missed = match finding.code {
                Code::SourceUnreadable | Code::SourceRefused | Code::TooLarge => true,
                Code::EnvFileInvalid | Code::ProviderFailed | Code::InsecureContract => true,
                // The fingerprints' key is no source.
                Code::FileMissing => {
                    !matches!(finding.fact, Fact::Named { option: "--fingerprint-key-file", .. })
                }
                _ => false,
            };
            let row = finding.variable.as_deref().map(|name| contract.known(name.as_bytes()));
            let is_secret =
                row.is_none_or(|known| known.is_some_and(|known| contract.row(known.row).secret));
            let name = finding.variable.as_deref().unwrap_or("a source of secrets");
            (missed && is_secret).then(|| (name.to_owned(), finding.message()))
        });
        let mut unread: Vec<(String, String)> = unread.collect();
        for finding in self.unread() {
            let name = finding.variable.as_deref().unwrap_or_default();
            // Said already, of the row or of the contract as a whole.
            if finding.code != Code::InsecureContract && !unread.iter().any(|one| one.0 == name) {
                unread.push((name.to_owned(), finding.message()));
            }
        }
        let short = masked::short(contract, &self.survey.resolution);
        Secrets { unread, short, needles: self.needles }
    }

    /// The record of this launch.
    pub fn manifest(&self, outcome: Outcome) -> Manifest {
        let survey = &self.survey;
        let about = About {
            contract: survey.contract,
            resolution: &survey.resolution,
            environment: &self.environment,
            program: self.program.as_ref(),
            findings: &self.verdict.findings,
            labels: &survey.settings.labels,
            key: survey.key.as_ref(),
            moment: &survey.moment,
            needles: &self.needles,
            displays: &self.displays,
            masked_output: &survey.masked_output,
            user: survey.user.as_ref().zip(survey.settings.user.as_ref().map(|wish| wish.origin)),
            invocation: survey.inherited(b"INVOCATION_ID"),
        };
        manifest::describe(&about, outcome)
    }
}

/// What there is to look for elsewhere.
pub struct Secrets {
    /// Every secret that was read, whether it won or not, with the passwords inside URLs.
    pub needles: Needles,
    /// The names of those of fewer than 8 bytes, which are not among them.
    pub short: Vec<String>,
    /// Variables, or sources of many, that could not be read, and why.
    pub unread: Vec<(String, String)>,
}
