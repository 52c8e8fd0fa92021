//! Takes the [`Snapshot`]: each step of interface section 3 in its order.

use super::file::{self, Failure, PIPE_SECONDS, Pipes, VALUE_LIMIT, Wait};
use super::names_index::NamesIndex;
use super::permissions::{EXCHANGED, Judge};
use super::{Candidate, Extra, InheritedKind, Observation, Rank, Snapshot, Source, SourceKind};
use super::{directory, dotenv, env_file, environ, references};
use crate::bytes::path_text;
use crate::contract::model::{Contract, Known, Role, RowId};
use crate::finding::{Code, Fact};
use crate::secret::Secret;
use crate::sys::fs::{self, Errno, HERE, Kind, Stat};
use crate::sys::wait;
use std::borrow::Cow;
use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Where secrets are looked for unless the operator says where (interface section 2).
const DEFAULT_SECRETS_DIRS: [&str; 2] = ["/run/secrets/nexis", "/run/secrets"];

/// The place of a runtime name's own `_FILE` reference in step 1, after those of all aliases.
const OWN_FILE: u16 = 256;

/// What to read.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The names that are looked for.
    pub contract: &'static Contract,
    /// The inherited environment.
    pub environ: &'a [&'static CStr],
    /// Named secrets directories; absent: the defaults.
    pub secrets_dirs: Option<&'a [PathBuf]>,
    /// Named env files; a later one wins.
    pub env_files: &'a [PathBuf],
    /// Whether `.env` is looked for where no env file is named (development mode).
    pub find_dotenv: bool,
}

/// Reads the world once: environment, files, credentials, secrets directories, env files. It never
/// fails; what could not be read stands in the candidates and observations. It waits for named
/// pipes at most 5 s, and for a volume that keeps being replaced at most 1 s a directory.
pub fn take(request: &Request<'_>) -> Snapshot {
    take_with(request, wait::until_readable)
}

/// The same with a wait of the caller's.
pub(super) fn take_with(request: &Request<'_>, wait: Wait) -> Snapshot {
    let mut reader = Reader {
        contract: request.contract,
        judge: Judge::new(request.contract.trusted_owners.0),
        snapshot: Snapshot::default(),
        wait,
        pipes_until: None,
    };
    reader.environment(request.environ);
    reader.credentials();
    reader.secrets_dirs(request.secrets_dirs);
    reader.env_files(request.env_files, request.find_dotenv);
    let said = &mut reader.snapshot.observations;
    said.retain(|one| directory::is_unread(&one.fact, request.env_files));
    let ways = reader.judge.take();
    reader.snapshot.observations.extend(ways.into_iter().map(|fact| Observation {
        code: Code::InsecurePermissions,
        row: None,
        source: None,
        fact,
    }));
    for candidates in &mut reader.snapshot.candidates {
        candidates.sort_by_key(|candidate| candidate.rank);
    }
    reader.snapshot
}

/// A `_FILE` reference that is to be followed.
struct Reference {
    row: RowId,
    rank: Rank,
    path: PathBuf,
    source: Source,
    /// The `_FILE` name.
    name: &'static str,
    /// Where what it says may be a value that was put in the place of a path: the path that is
    /// not there then.
    dubious: Option<PathBuf>,
}

/// What a reference led to, judged.
struct Judged {
    read: Result<(Secret, Stat), Failure>,
    /// Whether it is what the way leads to.
    way: Result<(), &'static str>,
    /// Who else could write it.
    writable: Option<Fact>,
}

impl Judged {
    /// Whether it came out of a pipe.
    fn is_pipe(&self) -> bool {
        matches!(&self.read, Ok((_, stat)) if stat.kind == Kind::Pipe)
            || matches!(self.read, Err(Failure::TimedOut))
    }
}

/// Whether the path names a descriptor of this process, as `/dev/fd/63` and `/dev/stdin` do.
fn is_descriptor(path: &Path) -> bool {
    ["/dev/fd", "/dev/stdin", "/proc/self/fd"].iter().any(|it| path.starts_with(it))
}

/// The path from the root on; as it is where the working directory is gone.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

struct Reader {
    contract: &'static Contract,
    judge: Judge<'static>,
    snapshot: Snapshot,
    wait: Wait,
    /// Set by the first pipe: all of them share one deadline.
    pipes_until: Option<Instant>,
}

impl Reader {
    fn environment(&mut self, entries: &[&'static CStr]) {
        let (inherited, observations) = environ::read(self.contract, entries);
        self.snapshot.candidates.resize_with(self.contract.rows.len(), Vec::new);
        self.snapshot.observations = observations;
        let mut references = Vec::new();
        for entry in &inherited {
            let InheritedKind::Known(known) = entry.kind else { continue };
            let rank = match known.role {
                Role::AliasFile(alias) => (1, u16::from(alias)),
                Role::OwnFile => (1, OWN_FILE),
                Role::Alias(alias) => (2, u16::from(alias)),
                Role::Own => (3, 0),
            };
            if rank.0 == 1 {
                references.extend(self.reference(known, rank, entry.value(), Path::new(""), None));
            } else {
                self.add(
                    known.row,
                    Candidate {
                        source: Source::new(SourceKind::Env, known.name),
                        rank,
                        content: Ok(Secret::new(entry.value().to_vec())),
                        path: None,
                    },
                );
            }
        }
        self.snapshot.inherited = inherited;
        self.follow(references);
    }

    fn add(&mut self, row: RowId, candidate: Candidate) {
        if let Some(candidates) = self.snapshot.candidates.get_mut(usize::from(row.0)) {
            // Nearly every row has one at most, which needs no room for more.
            if candidates.is_empty() {
                *candidates = vec![candidate];
            } else {
                candidates.push(candidate);
            }
        }
    }

    fn observe(&mut self, code: Code, row: Option<RowId>, source: Option<Source>, fact: Fact) {
        self.snapshot.observations.push(Observation { code, row, source, fact });
    }

    /// The value of an inherited variable, the first of its name.
    fn inherited(&self, name: &[u8]) -> Option<&'static [u8]> {
        let entry = self.snapshot.inherited.iter().find(|entry| entry.name() == name)?;
        Some(entry.value())
    }

    /// The `_FILE` reference to the file at `value`, relative to `base`; a blank one is a blank
    /// value. The source is `line` where it stands in an env file, else the file itself.
    fn reference(
        &mut self,
        known: Known,
        rank: Rank,
        value: &[u8],
        base: &Path,
        line: Option<Source>,
    ) -> Option<Reference> {
        let blank = Secret::new(value.to_vec());
        if blank.is_blank() {
            let source = line.unwrap_or(Source::new(SourceKind::Env, known.name));
            self.add(known.row, Candidate { source, rank, content: Ok(blank), path: None });
            return None;
        }
        let path = base.join(OsStr::from_bytes(value));
        let source =
            line.unwrap_or_else(|| Source::new(SourceKind::File, path_text(&path).into_owned()));
        let dubious = references::doubt(value).map(|first| base.join(first));
        Some(Reference { row: known.row, rank, path, source, name: known.name, dubious })
    }

    /// The deadline of all named pipes together.
    fn pipes_until(&mut self) -> Instant {
        *self
            .pipes_until
            .get_or_insert_with(|| Instant::now() + Duration::from_secs(PIPE_SECONDS.into()))
    }

    /// Reads what references name.
    fn follow(&mut self, references: Vec<Reference>) {
        if references.is_empty() {
            return;
        }
        let paths: Vec<PathBuf> = references.iter().map(|it| it.path.clone()).collect();
        let mut read = self.read_references(&paths);
        // In a place where others can exchange names, a file may be exchanged for good reason.
        let again = Instant::now() + directory::SWAP_TIME;
        while read.iter().any(|it| it.way == Err(EXCHANGED)) && Instant::now() < again {
            // All of them anew, as they may belong together; what a pipe gave is there once.
            let files = read.iter().zip(&paths).filter(|(it, _)| !it.is_pipe());
            let files: Vec<PathBuf> = files.map(|(_, path)| path.clone()).collect();
            if wait::pause(directory::SWAP_PAUSE).is_err() {
                break;
            }
            self.judge.forget_all();
            let mut anew = self.read_references(&files).into_iter();
            for old in read.iter_mut().filter(|it| !it.is_pipe()) {
                if let Some(new) = anew.next() {
                    *old = new;
                }
            }
        }
        for (reference, read) in references.into_iter().zip(read) {
            self.take_reference(reference, read);
        }
    }

    /// Reads files as one set, and says of each who else could have written it.
    fn read_references(&mut self, paths: &[PathBuf]) -> Vec<Judged> {
        let until = self.pipes_until();
        let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
        let read = references::read_all(&paths, Pipes::Until(until, self.wait));
        let judged = read.into_iter().zip(paths).map(|(referred, path)| {
            let mut judged = Judged { read: referred.read, way: Ok(()), writable: None };
            let Ok((_, stat)) = &judged.read else { return judged };
            let absolute = absolute(path);
            // What has no name was written by whoever started the launcher, or by those it let.
            let is_nameless = stat.kind == Kind::Pipe || stat.links == 0;
            if is_nameless && is_descriptor(&absolute) {
                return judged;
            }
            if let Some(volume) = referred.volume {
                self.judge.way_to_volume(&self::absolute(&volume));
            }
            self.judge.way_to(&absolute);
            judged.way = self.judge.vouch(|| Some(stat.identity));
            judged.writable = self.judge.file(&absolute, stat);
            judged
        });
        judged.collect()
    }

    /// Adds what one reference led to.
    fn take_reference(&mut self, reference: Reference, judged: Judged) {
        let Reference { row, rank, path, source, name, dubious } = reference;
        let absent = matches!(&judged.read, Err(failure) if failure.is_absence());
        let hidden = dubious.filter(|first| absent && fs::look(HERE, first, false).is_err());
        let hidden = hidden.map(|_| name);
        let absolute = absolute(&path);
        if hidden.is_none() {
            self.snapshot.visited.push(absolute.clone());
        }
        if let Some(fact) = judged.writable {
            let (code, source) = (Code::InsecurePermissions, Some(source.clone()));
            self.observe(code, Some(row), source, fact);
        }
        let (content, file) = match (judged.read, judged.way) {
            (Ok(_), Err(what)) => {
                let fact = Fact::NotRegular { path, what };
                (Err((Code::SourceRefused, fact)), Some(absolute))
            }
            // A pipe is empty now: there is no file to hand on.
            (Ok((content, stat)), Ok(())) if stat.kind == Kind::Pipe => (Ok(content), None),
            (Ok((content, _)), Ok(())) => (Ok(content), Some(absolute)),
            (Err(failure), _) => match hidden {
                Some(name) => {
                    let shown = PathBuf::from(format!("what {name} names"));
                    (Err(failure.explained(&shown, VALUE_LIMIT)), None)
                }
                None => (Err(failure.explained(&path, VALUE_LIMIT)), Some(absolute)),
            },
        };
        let source = match hidden {
            Some(name) if source.kind == SourceKind::File => Source::new(source.kind, name),
            _ => source,
        };
        self.add(row, Candidate { source, rank, content, path: file });
    }

    fn credentials(&mut self) {
        let Some(value) = self.inherited(b"CREDENTIALS_DIRECTORY") else { return };
        let path = Path::new(OsStr::from_bytes(value));
        // systemd.exec(5) promises an absolute path; anything else is not systemd's.
        if !path.is_absolute() {
            return;
        }
        match self.directory(path, SourceKind::Credential, 4, 0) {
            // An inherited variable of a service that has ended leads nowhere.
            Ok(()) | Err(Errno::ENOENT | Errno::ENOTDIR) => {}
            Err(errno) => self.unreadable_directory(path, errno),
        }
    }

    fn secrets_dirs(&mut self, named: Option<&[PathBuf]>) {
        let defaults = DEFAULT_SECRETS_DIRS.map(PathBuf::from);
        for (place, path) in (0u16..).zip(named.unwrap_or(&defaults)) {
            let absolute = absolute(path);
            match self.directory(&absolute, SourceKind::SecretsDir, 5, place) {
                Ok(()) => {}
                Err(errno) if named.is_some() => {
                    let errno = fs::errno_words(errno);
                    let fact = Fact::Named { option: "--secrets-dir", path: path.clone(), errno };
                    self.observe(Code::FileMissing, None, None, fact);
                }
                Err(Errno::ENOENT | Errno::ENOTDIR) => {}
                // There is one, and what it holds might win: not to be passed over in silence.
                Err(errno) => self.unreadable_directory(&absolute, errno),
            }
        }
    }

    fn unreadable_directory(&mut self, path: &Path, errno: Errno) {
        let seen = fs::look(HERE, path, true).ok();
        let (code, fact) = Failure::Unreadable(errno, seen).explained(path, VALUE_LIMIT);
        self.observe(code, None, None, fact);
    }

    fn directory(
        &mut self,
        path: &Path,
        kind: SourceKind,
        step: u8,
        place: u16,
    ) -> Result<(), Errno> {
        self.snapshot.visited.push(path.to_owned());
        let read = directory::read(self.contract, path, &mut self.judge)?;
        for (row, file) in read.modes {
            self.observe(Code::ModeNotRead, row, None, Fact::NotRead(file));
        }
        for found in read.found {
            let source = Source::new(kind, path_text(&found.path).into_owned());
            let row = found.file.row;
            if let Some(fact) = found.writable {
                self.observe(Code::InsecurePermissions, Some(row), Some(source.clone()), fact);
            }
            // Directories in their order, within one the order of the row's names.
            let place = place.saturating_mul(256).saturating_add(found.file.rank.into());
            let path = Some(found.path);
            self.add(row, Candidate { source, rank: (step, place), content: found.content, path });
        }
        Ok(())
    }

    fn env_files(&mut self, named: &[PathBuf], find: bool) {
        let mut entries = Vec::new();
        for path in named {
            self.read_env_file(path, "--env-file", &mut entries);
        }
        if named.is_empty() && find {
            let home = self.inherited(b"HOME").map(|home| Path::new(OsStr::from_bytes(home)));
            let home = home.filter(|home| home.is_absolute());
            let found = std::env::current_dir().ok().and_then(|start| dotenv::find(&start, home));
            if let Some(path) = found {
                self.read_env_file(&path, ".env", &mut entries);
            }
        }
        self.take_entries(entries);
    }

    /// Adds the definitions of one file to `entries`, those that begin with the launcher's own
    /// prefix left out.
    fn read_env_file(
        &mut self,
        path: &Path,
        option: &'static str,
        entries: &mut Vec<(PathBuf, env_file::Entry)>,
    ) {
        let absolute = absolute(path);
        self.snapshot.visited.push(absolute.clone());
        let limit = env_file::LIMIT;
        // A `.env` that is found is nobody's word for a pipe.
        let pipes = match option {
            "--env-file" => Pipes::Until(self.pipes_until(), self.wait),
            _ => Pipes::Refuse,
        };
        let (content, stat) = match file::read(HERE, path, Kind::Unknown, pipes, limit) {
            Ok(read) => read,
            Err(Failure::TooLarge) => {
                // Its first line stands for the whole.
                self.bad_line(path, 1, "the file is larger than 1 MiB");
                return;
            }
            Err(failure) => {
                let errno = match failure {
                    Failure::Unreadable(errno, _) => fs::errno_words(errno),
                    Failure::Refused(kind) => match kind {
                        Kind::Directory => "it is a directory",
                        Kind::Pipe => "it is a pipe",
                        Kind::Socket => "it is a socket",
                        Kind::Device => "it is a device",
                        _ => "it is no regular file",
                    },
                    Failure::TimedOut => "it is a pipe that did not end within 5 s",
                    _ => fs::errno_words(Errno::ENOENT),
                };
                let fact = Fact::Named { option, path: path.to_owned(), errno };
                self.observe(Code::FileMissing, None, None, fact);
                return;
            }
        };
        if stat.kind != Kind::Pipe || !is_descriptor(&absolute) {
            self.judge.way_to(&absolute);
            let way = self.judge.vouch(|| Some(stat.identity));
            if let Some(fact) = self.judge.file(&absolute, &stat) {
                self.observe(Code::InsecurePermissions, None, None, fact);
            }
            if let Err(what) = way {
                let fact = Fact::Named { option, path: path.to_owned(), errno: what };
                self.observe(Code::FileMissing, None, None, fact);
                return;
            }
        }
        let (parsed, mut wrong) = env_file::parse(content.expose());
        for entry in parsed {
            if entry.name.as_bytes().starts_with(environ::SETTING_PREFIX) {
                let what = "a NEXIS_LAUNCH_* setting, which no env file can hold";
                wrong.push(env_file::Wrong { line: entry.line, what });
            } else {
                let known = self.contract.known(entry.name.as_bytes());
                let row = known.map(|known| known.row);
                // A password may well hold a dollar sign; the path of its file is another thing.
                let secret = known.is_some_and(|known| {
                    matches!(known.role, Role::Own | Role::Alias(_))
                        && self.contract.row(known.row).secret
                });
                if entry.expandable && !secret {
                    let fact = Fact::AsItStands { path: path.to_owned(), line: entry.line };
                    self.observe(Code::NotExpanded, row, None, fact);
                }
                entries.push((path.to_owned(), entry));
            }
        }
        wrong.sort_by_key(|wrong| wrong.line);
        for wrong in wrong.iter().take(env_file::MOST_ERRORS) {
            self.bad_line(path, wrong.line, wrong.what);
        }
    }

    fn bad_line(&mut self, path: &Path, line: usize, what: &'static str) {
        let fact = Fact::Line { path: path.to_owned(), line, what };
        self.observe(Code::EnvFileInvalid, None, None, fact);
    }

    /// Sorts the definitions of all env files, the last first, since it wins.
    fn take_entries(&mut self, entries: Vec<(PathBuf, env_file::Entry)>) {
        let names: Vec<String> = entries.iter().map(|(_, entry)| entry.name.clone()).collect();
        let mut others = NamesIndex::new(names.len());
        let (mut extras, mut references) = (Vec::new(), Vec::new());
        for (place, (name, (path, entry))) in (0u16..=u16::MAX)
            .chain(std::iter::repeat(u16::MAX))
            .zip(names.iter().zip(entries).rev())
        {
            let source = Source {
                kind: SourceKind::EnvFile,
                name: Cow::Owned(format!("{}:{}", path.display(), entry.line)),
            };
            match self.contract.known(name.as_bytes()) {
                None if others.insert(name.as_bytes(), 0).is_none() => {
                    let (name, value) = (entry.name, entry.value);
                    extras.push(Extra { name, value, source, shadowed: false });
                }
                None => {}
                Some(known) if matches!(known.role, Role::OwnFile | Role::AliasFile(_)) => {
                    let base = path.parent().unwrap_or(Path::new(""));
                    let value = entry.value.expose();
                    let source = Some(source);
                    references.extend(self.reference(known, (6, place), value, base, source));
                }
                Some(known) => {
                    let (rank, content) = ((6, place), Ok(entry.value));
                    self.add(known.row, Candidate { source, rank, content, path: None });
                }
            }
        }
        extras.reverse();
        self.snapshot.extras = extras;
        self.snapshot.shadow();
        self.follow(references);
    }
}
