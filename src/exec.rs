//! The program: found, looked at, measured, and put in the launcher's place.
//!
//! Whatever can make execve(2) fail and can be known before is known before the manifest is
//! written, so that a record that says `exec` is true.

use crate::environment::Environment;
use crate::finding::{Code, Fact, Finding};
use crate::privileges::User;
use crate::sys::fs::{self, Errno, HERE, Kind};
use crate::sys::process;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// The longest single string that the kernel takes, its NUL included (MAX_ARG_STRLEN: 32 pages,
/// execve(2)).
const ONE_STRING: usize = 131_072;
/// What environment and arguments may take in all is a quarter of the stack's limit, and never
/// more than three quarters of 8 MiB (execve(2), `bprm_stack_limits` in the kernel).
const ALL_STRINGS: u64 = 6 * 1024 * 1024;
/// The kernel always allows this much (ARG_MAX of old, execve(2)).
const ALWAYS: u64 = 131_072;
/// How much of a program the kernel looks at to know its format (BINPRM_BUF_SIZE).
const HEAD: usize = 256;
/// Where a name is looked up when PATH is not set (confstr(3), _CS_PATH).
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// A program that is ready to be started.
#[derive(Debug)]
pub struct Program {
    /// Where it is.
    pub path: PathBuf,
    /// What it is called with, its own name as typed first.
    arguments: Vec<CString>,
}

/// A program and what stands against starting it.
#[derive(Debug)]
pub struct Prepared {
    /// The program, also where it cannot be started.
    pub program: Program,
    /// Why it cannot.
    pub findings: Vec<Finding>,
}

impl Program {
    /// How many arguments follow the program's own name.
    pub fn argument_count(&self) -> usize {
        self.arguments.len().saturating_sub(1)
    }

    /// The arguments after the program's own name.
    pub fn arguments(&self) -> impl Iterator<Item = &[u8]> {
        self.arguments.iter().skip(1).map(|argument| argument.to_bytes())
    }

    /// Replaces the launcher. Returns the error's name only if that failed.
    pub fn exec(&self, environment: &Environment) -> String {
        let Ok(path) = CString::new(self.path.as_os_str().as_bytes()) else {
            return "EINVAL".to_owned();
        };
        let arguments: Vec<&CStr> = self.arguments.iter().map(CString::as_c_str).collect();
        let entries: Vec<&CStr> =
            environment.entries.iter().map(|entry| entry.as_c_str()).collect();
        format!("{:?}", process::exec(&path, &arguments, &entries))
    }
}

/// Looks `words` (the program as typed, then its arguments) up and looks at it, for `user` where
/// that is not the launcher's. `search` is PATH.
pub fn prepare(words: Vec<OsString>, search: Option<&OsStr>, user: Option<&User>) -> Prepared {
    let typed = words.first().cloned().unwrap_or_default();
    let (path, problem) = match find_for(&typed, search, user) {
        Ok(Ok(path)) => {
            let problem = look(&path, user).err();
            (path, problem)
        }
        Ok(Err(path)) => {
            (path, Some((Code::ProgramNotFound, "it is in no absolute entry of PATH")))
        }
        Err(against) => (PathBuf::from(&typed), Some(against)),
    };
    let findings = problem.map(|(code, why)| {
        let fact = match user {
            Some(user) if code == Code::PrivilegesNotDropped => {
                Fact::User { user: String::from_utf8_lossy(&user.name).into_owned(), why }
            }
            _ => Fact::Program { path: path.clone(), why },
        };
        Finding::error(code, fact)
    });
    let arguments =
        words.into_iter().filter_map(|word| CString::new(word.into_vec()).ok()).collect();
    Prepared { program: Program { path, arguments }, findings: findings.into_iter().collect() }
}

/// The path of the program: as typed where it has a slash, else the first executable file of that
/// name in the absolute entries of PATH. Empty and relative entries are passed over: they would
/// run a program from the working directory.
///
/// # Errors
/// The word itself, where no entry has anything of that name.
pub fn find(typed: &OsStr, search: Option<&OsStr>) -> Result<PathBuf, PathBuf> {
    if typed.as_bytes().contains(&b'/') {
        return Ok(PathBuf::from(typed));
    }
    let entries = entries(typed, search);
    let joined = std::env::join_paths(&entries).unwrap_or_default();
    if let Ok(path) = which::which_in(typed, Some(joined), "/") {
        return Ok(path);
    }
    // Something of that name that cannot be executed says more than "not found".
    let mut paths = entries.iter().map(|entry| entry.join(typed));
    paths.find(|path| fs::look(HERE, path, true).is_ok()).ok_or_else(|| PathBuf::from(typed))
}

/// The absolute entries of PATH, in which a name is looked up.
fn entries(typed: &OsStr, search: Option<&OsStr>) -> Vec<PathBuf> {
    std::env::split_paths(search.unwrap_or(OsStr::new(DEFAULT_PATH)))
        .filter(|entry| entry.is_absolute() && !typed.is_empty())
        .collect()
}

/// The same for the user that the program will be: the first that this user may execute, which is
/// what execvp(3) would take then. Where there is none, what the launcher finds. What the launcher
/// cannot look at is chosen too, and then refused ([`look`]).
///
/// # Errors
/// Where it cannot be asked.
fn find_for(
    typed: &OsStr,
    search: Option<&OsStr>,
    user: Option<&User>,
) -> Result<Result<PathBuf, PathBuf>, Against> {
    if user.is_some_and(User::is_another) && !typed.as_bytes().contains(&b'/') {
        for entry in entries(typed, search) {
            let path = entry.join(typed);
            let may_be = match fs::look(HERE, &path, true) {
                Ok(seen) => seen.kind == Kind::Regular,
                // A launcher without CAP_DAC_READ_SEARCH may be kept from what that user reaches:
                // it is no reason to start what comes later.
                Err(errno) => !matches!(errno, Errno::ENOENT | Errno::ENOTDIR),
            };
            if may_be && may_execute(&path, user)? {
                return Ok(Ok(path));
            }
        }
    }
    Ok(find(typed, search))
}

/// What stands against starting a program, in fixed words.
type Against = (Code, &'static str);

fn not_executable(why: &'static str) -> Result<(), Against> {
    Err((Code::ProgramNotExecutable, why))
}

/// What would make execve(2) fail.
fn look(path: &Path, user: Option<&User>) -> Result<(), Against> {
    match fs::look(HERE, path, true) {
        Ok(seen) => executable(path, &seen, user),
        Err(Errno::ENOENT | Errno::ENOTDIR) => {
            Err((Code::ProgramNotFound, "there is no such file"))
        }
        Err(_) => not_executable("the launcher cannot look at it"),
    }
}

/// Whether the kernel would let that user execute the file.
///
/// # Errors
/// Where it cannot be asked. The ids may then still be that user's, so nothing may be started.
fn may_execute(path: &Path, user: Option<&User>) -> Result<bool, Against> {
    let asked = user.map_or_else(|| Ok(process::may_execute(path)), |user| user.may_execute(path));
    asked.map_err(|(_, errno)| (Code::PrivilegesNotDropped, fs::errno_words(errno)))
}

fn executable(path: &Path, seen: &fs::Stat, user: Option<&User>) -> Result<(), Against> {
    match seen.kind {
        Kind::Regular => {}
        Kind::Directory => return not_executable("it is a directory"),
        _ => return not_executable("it is not a regular file"),
    }
    if !may_execute(path, user)? {
        return not_executable(match user {
            Some(_) => "its mode, its mount or the way to it does not allow it to that user",
            None => "its mode or its mount does not allow it",
        });
    }
    let mut buffer = [0; HEAD];
    let opened = fs::open_file(HERE, path);
    let length = opened.and_then(|file| {
        let length = fs::read(file.as_fd(), &mut buffer);
        fs::leave(file);
        length
    });
    let head = length.map(|length| buffer.get(..length).unwrap_or_default());
    // Only what begins as the launcher does, or cannot be read, needs the closer look.
    if head.map_or(true, process::may_be_own) && is_own(seen) {
        return not_executable("it is the launcher itself");
    }
    // A program that may be executed but not read is the kernel's to judge.
    let Ok(head) = head else { return Ok(()) };
    match head {
        [] => not_executable("it is empty"),
        [b'#', b'!', line @ ..] => interpreter(line, user),
        [0x7f, b'E', b'L', b'F', ..] => Ok(()),
        // binfmt_misc can know any other format, and need not be visible from here.
        _ if foreign_formats() => Ok(()),
        _ => not_executable("it is neither a binary nor a script that begins with #!"),
    }
}

/// Whether it is the file that the launcher was started from.
fn is_own(seen: &fs::Stat) -> bool {
    // Without /proc, as in an empty root directory, the path of the start has to do.
    let own = fs::look(HERE, Path::new("/proc/self/exe"), true).or_else(|errno| {
        process::started_by().map_or(Err(errno), |path| fs::look(HERE, path, true))
    });
    own.is_ok_and(|own| own.identity == seen.identity)
}

/// Whether binfmt_misc may know formats beyond binaries and scripts: it has entries besides its
/// two control files, or it cannot be seen from here.
fn foreign_formats() -> bool {
    let directory = fs::open_directory(HERE, Path::new("/proc/sys/fs/binfmt_misc"));
    let mut entries = Vec::new();
    let listed =
        directory.and_then(|fd| fs::list(fd.as_fd(), |name, _| entries.push(name.to_vec())));
    let control = |name: &Vec<u8>| matches!(name.as_slice(), b"register" | b"status");
    listed.is_err() || entries.is_empty() || !entries.iter().all(control)
}

/// The interpreter of a script has to exist; what the kernel says otherwise is "no such file" of
/// a script that is there.
fn interpreter(line: &[u8], user: Option<&User>) -> Result<(), Against> {
    let line = line.split(|&byte| byte == b'\n').next().unwrap_or_default();
    // As the kernel does (fs/binfmt_script.c): to it a carriage return is a part of the name.
    let mut words = line.split(|byte| b" \t".contains(byte));
    let Some(word) = words.find(|word| !word.is_empty()) else {
        return not_executable("its first line names no interpreter");
    };
    let path = Path::new(OsStr::from_bytes(word));
    match fs::look(HERE, path, true) {
        Err(_) if line.ends_with(b"\r") => {
            not_executable("its first line ends with a carriage return")
        }
        Err(_) => not_executable("the interpreter in its first line does not exist"),
        Ok(seen) if seen.kind != Kind::Regular => {
            not_executable("the interpreter in its first line is no regular file")
        }
        Ok(_) if may_execute(path, user)? => Ok(()),
        Ok(_) => not_executable("the interpreter in its first line cannot be executed"),
    }
}

/// Measures environment and arguments against the kernel's limits and names what is too large.
pub fn measure(program: Option<&Program>, environment: &Environment) -> Vec<Finding> {
    let pointer = size_of::<usize>();
    let mut findings = Vec::new();
    let (mut total, mut largest) = (0, (0, None));
    for entry in &environment.entries {
        let bytes = entry.as_c_str().to_bytes_with_nul().len();
        total += bytes + pointer;
        let name = || String::from_utf8_lossy(entry.name()).into_owned();
        if bytes > ONE_STRING {
            let fact = Fact::Size { bytes, limit: ONE_STRING, name: Some(name()) };
            findings.push(Finding::error(Code::EnvironmentTooLarge, fact).about(name()));
        }
        if bytes > largest.0 {
            largest = (bytes, Some(entry));
        }
    }
    for (position, argument) in
        program.iter().flat_map(|program| program.arguments.iter()).enumerate()
    {
        let bytes = argument.to_bytes_with_nul().len();
        total += bytes + pointer;
        if bytes > ONE_STRING {
            let name = Some(format!("argument {position}"));
            let fact = Fact::Size { bytes, limit: ONE_STRING, name };
            findings.push(Finding::error(Code::EnvironmentTooLarge, fact));
        }
    }
    // Below the amount that the kernel always allows, the stack's limit need not be asked for.
    let path = program.map_or(0, |program| program.path.as_os_str().len() + 1);
    if (total + path + 2 * pointer) as u64 > ALWAYS && findings.is_empty() {
        let limit = process::stack_limit().map_or(ALL_STRINGS, |stack| stack / 4);
        let limit = limit.clamp(ALWAYS, ALL_STRINGS);
        if (total + path + 2 * pointer) as u64 > limit {
            let fact = Fact::Size {
                bytes: total,
                limit: usize::try_from(limit).unwrap_or(usize::MAX),
                name: None,
            };
            let found = Finding::error(Code::EnvironmentTooLarge, fact);
            findings.push(match largest.1 {
                Some(entry) => found.about(String::from_utf8_lossy(entry.name()).into_owned()),
                None => found,
            });
        }
    }
    findings
}
