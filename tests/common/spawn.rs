//! Starts a child with exactly the state that a test asks for.

use super::{Launch, Outcome, is_root};
use std::ffi::CString;
use std::fs::File;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Held while a child is forked and while an executable file is written: a child that inherits the
/// descriptor of a file being written would make its execution fail (ETXTBSY).
static FORK: Mutex<()> = Mutex::new(());

/// How long a child may take. Nothing is expected to; it only turns a hang into a failure.
const HANG: Duration = Duration::from_secs(60);

/// The user and group without privileges.
const NOBODY: u32 = 65534;

/// A directory of the test's own, removed at its end.
pub struct Root(PathBuf);

impl Root {
    /// Makes a new one that every user may enter.
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("nexis-launch-{}-{number}", std::process::id());
        let path = std::env::temp_dir().canonicalize().unwrap().join(name);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        std::fs::create_dir(path.join("io")).unwrap();
        Root(path)
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where the witness states what it found.
    pub fn dump(&self) -> PathBuf {
        self.0.join("work/witness.json")
    }

    /// Writes a file with this mode.
    pub fn write(&self, path: &str, content: &[u8], mode: u32) {
        let _fork = FORK.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.0.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
    }

    /// Makes a named pipe.
    pub fn pipe(&self, path: &str) {
        let path = self.0.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let path = CString::new(path.as_os_str().as_bytes()).unwrap();
        // SAFETY: `path` is a C string that lives for the call.
        assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
    }

    /// Sets a mode.
    pub fn mode(&self, path: &str, mode: u32) {
        std::fs::set_permissions(self.0.join(path), PermissionsExt::from_mode(mode)).unwrap();
    }

    /// Copies a program into `bin/`, where every user reaches it.
    pub fn copy(&self, program: &Path) -> PathBuf {
        let copy = self.0.join("bin").join(program.file_name().unwrap());
        let _fork = FORK.lock().unwrap_or_else(PoisonError::into_inner);
        std::fs::create_dir_all(self.0.join("bin")).unwrap();
        std::fs::copy(program, &copy).unwrap();
        std::fs::set_permissions(&copy, PermissionsExt::from_mode(0o755)).unwrap();
        copy
    }

    /// Makes the user without privileges the owner of a directory or file.
    pub fn give(&self, path: &str) {
        if is_root() {
            std::os::unix::fs::chown(self.0.join(path), Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        // A test may have left a directory without the right to list it.
        if std::fs::remove_dir_all(&self.0).is_err() {
            let _ = Command::new("chmod").args(["-R", "u+rwx"]).arg(&self.0).status();
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

/// Starts a program of the test's own, while no executable file is being written.
pub fn spawn(command: &mut Command) -> Child {
    let _fork = FORK.lock().unwrap_or_else(PoisonError::into_inner);
    command.spawn().unwrap_or_else(|it| panic!("{command:?}: {it}"))
}

/// A standard stream of the child.
#[derive(Clone)]
pub enum Stream {
    /// /dev/null.
    Null,
    /// Closed: no descriptor of that number is open.
    Closed,
    /// A file whose content the outcome holds (output streams only).
    Capture,
    /// Any file, opened for reading (standard input) or writing.
    Path(&'static str),
    /// This descriptor.
    Fd(Arc<OwnedFd>),
}

/// An inherited descriptor of the child.
#[derive(Clone)]
pub struct Descriptor {
    /// Its number.
    pub number: RawFd,
    /// What it is.
    pub file: Arc<OwnedFd>,
}

impl Descriptor {
    /// `file` under `number`.
    pub fn new(number: RawFd, file: impl Into<OwnedFd>) -> Self {
        Descriptor { number, file: Arc::new(file.into()) }
    }
}

/// A started child.
pub struct Running {
    child: Option<Child>,
    launch: Launch,
    before: Vec<(PathBuf, Vec<u8>)>,
}

impl Running {
    /// Its process id.
    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.as_ref().unwrap().id()).unwrap()
    }

    /// The test's directory.
    pub fn root(&self) -> &Path {
        self.launch.root.path()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: i32) {
        // SAFETY: kill(2) takes any numbers; the child is not yet waited for, so the id is its own.
        assert_eq!(unsafe { libc::kill(self.pid(), signal) }, 0);
    }

    /// Whether it has ended.
    pub fn ended(&self, within: Duration) -> bool {
        ended(self.pid(), within)
    }

    /// Its state in /proc/PID/stat: `S` sleeping, `R` running, `Z` ended.
    pub fn state(&self) -> char {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
        let after = stat.rfind(')').unwrap() + 2;
        stat[after..].chars().next().unwrap()
    }

    /// Closes the test's own copies of the descriptors that became the child's streams, so that
    /// whoever reads or writes their other ends sees the end.
    pub fn let_go(&mut self) {
        for stream in &mut self.launch.streams {
            if let Stream::Fd(_) = stream {
                *stream = Stream::Null;
            }
        }
    }

    /// Waits for its end.
    pub fn finish(mut self) -> Outcome {
        let pid = self.pid();
        let in_time = ended(pid, HANG);
        let mut child = self.child.take().unwrap();
        if !in_time {
            let _ = child.kill();
        }
        let status = child.wait().unwrap();
        let outcome = Outcome::new(&self.launch, pid, status, std::mem::take(&mut self.before));
        assert!(in_time, "it hung\n{outcome}");
        outcome
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Whether the process ends within a time, told by pidfd_open(2) and not by asking again and again.
fn ended(pid: i32, within: Duration) -> bool {
    // SAFETY: the system call takes two numbers; the descriptor is owned below.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    assert!(fd >= 0, "pidfd_open: {}", std::io::Error::last_os_error());
    let fd = i32::try_from(fd).unwrap();
    let mut poll = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    let time = i32::try_from(within.as_millis()).unwrap();
    // SAFETY: `poll` lives for the call; `fd` is ours.
    unsafe {
        let ready = libc::poll(&raw mut poll, 1, time);
        libc::close(fd);
        ready == 1
    }
}

/// Waits until `condition` holds.
///
/// # Panics
/// After a minute.
pub fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !condition() {
        assert!(start.elapsed() < HANG, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Everything below the directory that is a regular file, with its content.
pub(super) fn contents(root: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && entry.file_name() != "bin" {
                open.push(entry.path());
            } else if kind.is_file() {
                all.push((entry.path(), std::fs::read(entry.path()).unwrap_or_default()));
            }
        }
    }
    all.sort();
    all
}

fn c_strings(items: impl IntoIterator<Item = Vec<u8>>) -> Vec<CString> {
    items.into_iter().map(|item| CString::new(item).unwrap()).collect()
}

fn pointers(items: &[CString]) -> Vec<usize> {
    items.iter().map(|item| item.as_ptr() as usize).chain([0]).collect()
}

/// The descriptor of an output or input stream; `None`: closed.
fn open(stream: &Stream, number: usize, root: &Path) -> Option<RawFd> {
    let file = |path: &Path| {
        let mut options = File::options();
        options.custom_flags(libc::O_NOCTTY);
        if number == 0 {
            options.read(true);
        } else {
            options.append(true).create(path.starts_with(root));
        }
        options.open(path).unwrap().into_raw_fd()
    };
    match stream {
        Stream::Null => Some(file(Path::new("/dev/null"))),
        Stream::Closed => None,
        Stream::Capture => Some(file(&root.join(format!("io/{number}")))),
        Stream::Path(path) => Some(file(Path::new(path))),
        // SAFETY: duplicates a descriptor that lives in the launch.
        Stream::Fd(fd) => Some(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, 3) }),
    }
}

/// Keeps what stands in /run/secrets of the machine out of a test that names no directory.
fn shield(launch: &mut Launch) {
    const SETTING: &[u8] = b"NEXIS_LAUNCH_SECRETS_DIR=";
    let commands = ["run", "dev", "check", "explain", "inspect"];
    let first = launch.args.first().and_then(|it| it.to_str());
    let named = launch.environment.iter().any(|it| it.starts_with(SETTING));
    if launch.default_directories || named || !first.is_some_and(|it| commands.contains(&it)) {
        return;
    }
    let empty = launch.root.path().join("no-secrets");
    std::fs::create_dir_all(&empty).unwrap();
    launch.environment.push([SETTING, empty.as_os_str().as_bytes()].concat());
}

pub(super) fn start(mut launch: Launch) -> Running {
    let root = launch.root.path().to_owned();
    shield(&mut launch);
    let before = contents(&root);
    let typed = launch.argv0.clone().unwrap_or_else(|| launch.binary.clone().into_os_string());
    let argv = std::iter::once(typed.as_bytes().to_vec())
        .chain(launch.args.iter().map(|arg| launch.expand(arg.as_bytes())));
    let argv = c_strings(argv);
    let envp = c_strings(launch.environment.iter().map(|entry| launch.expand(entry)));
    let path = CString::new(launch.binary.as_os_str().as_bytes()).unwrap();
    let (argv_array, envp_array) = (pointers(&argv), pointers(&envp));

    let fork = FORK.lock().unwrap_or_else(PoisonError::into_inner);
    let mut streams = [None; 3];
    for (number, stream) in launch.streams.iter().enumerate() {
        streams[number] = open(stream, number, &root);
    }
    let given: Vec<(RawFd, RawFd)> =
        launch.descriptors.iter().map(|it| (it.file.as_raw_fd(), it.number)).collect();
    let setup = launch.clone();
    let mut command = Command::new("/bin/true");
    command.current_dir(&launch.cwd);
    // SAFETY: between fork and exec only system calls are made, on memory made before the fork;
    // the strings are moved into the closure and outlive the call.
    unsafe {
        command.pre_exec(move || {
            prepare(&setup, &streams, &given);
            let _alive = (&argv, &envp);
            libc::execve(path.as_ptr(), argv_array.as_ptr().cast(), envp_array.as_ptr().cast());
            Err(std::io::Error::last_os_error())
        });
    }
    let child = command.spawn().expect("start of the launcher");
    for fd in streams.into_iter().flatten() {
        // SAFETY: opened above and not used again.
        unsafe { libc::close(fd) };
    }
    drop(fork);
    Running { child: Some(child), launch, before }
}

/// Sets the child's state. Runs between fork and exec.
///
/// # Safety
/// Only in a child that is about to exec: it rearranges descriptors.
unsafe fn prepare(launch: &Launch, streams: &[Option<RawFd>; 3], given: &[(RawFd, RawFd)]) {
    // SAFETY: system calls on numbers and on values that live here.
    unsafe {
        // First out of the way of every target number, then into place.
        let mut moves = [(0, 0); 16];
        let mut count = 0;
        for &(from, to) in given {
            moves[count] = (libc::fcntl(from, libc::F_DUPFD_CLOEXEC, 100), to);
            count += 1;
        }
        for (number, stream) in (0..).zip(streams) {
            match stream {
                Some(fd) => libc::dup2(*fd, number),
                None => libc::close(number),
            };
        }
        // Whatever the test runner itself inherited is not part of the test.
        libc::syscall(libc::SYS_close_range, 3, u32::MAX, libc::CLOSE_RANGE_CLOEXEC);
        for (from, to) in &moves[..count] {
            libc::dup2(*from, *to);
        }
        if let Some(umask) = launch.umask {
            libc::umask(umask);
        }
        for &(resource, soft, hard) in &launch.limits {
            let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
            libc::setrlimit(resource.cast_unsigned(), &raw const limit);
        }
        // The raw system call, because the C library hides the signals that it uses itself, and the
        // test runner may have inherited one of those as ignored. A kernel_sigaction of zeroes is
        // the default disposition; its first word is the handler.
        for signal in 1..=64 {
            let ignored = launch.ignored.contains(&signal);
            let action = [if ignored { libc::SIG_IGN } else { libc::SIG_DFL }, 0, 0, 0];
            let none = std::ptr::null_mut::<libc::c_void>();
            libc::syscall(libc::SYS_rt_sigaction, signal, action.as_ptr(), none, 8);
        }
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for &signal in &launch.blocked {
            libc::sigaddset(&raw mut set, signal);
        }
        libc::sigprocmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut());
        if launch.unprivileged && libc::geteuid() == 0 {
            let dropped = libc::setgroups(0, std::ptr::null()) == 0
                && libc::setresgid(NOBODY, NOBODY, NOBODY) == 0
                && libc::setresuid(NOBODY, NOBODY, NOBODY) == 0;
            if !dropped {
                libc::_exit(111);
            }
        }
    }
}
