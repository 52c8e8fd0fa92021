//! The process: its arguments, environment, identity and end, and the exec.

use nix::libc;
use std::ffi::{CStr, c_char, c_int};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The size of an ELF header for 64 bits (elf(5)).
const HEADER: usize = 64;

unsafe extern "C" {
    /// The environment of the process, environ(7).
    static environ: *const *const c_char;
    /// The begin of this program in memory, which linkers define: the header of its file (elf(5)).
    static __ehdr_start: [u8; HEADER];
}

/// The command line as the kernel handed it over.
///
/// # Safety
/// `arguments` must point to `count` C strings (or be null with a count of 0) that are never
/// changed or freed.
pub unsafe fn arguments(count: c_int, arguments: *const *const c_char) -> Vec<&'static CStr> {
    if arguments.is_null() {
        return Vec::new();
    }
    (0..usize::try_from(count).unwrap_or(0))
        // SAFETY: the caller promises `count` strings that live as long as the process.
        .map(|i| unsafe { CStr::from_ptr(*arguments.add(i)) })
        .collect()
}

/// The inherited environment, entry by entry, read once at the start.
pub fn environment() -> Vec<&'static CStr> {
    let mut entries = Vec::with_capacity(64);
    // SAFETY: nothing in this program changes the environment (no set_var, putenv or setenv), so
    // `environ` is the null-terminated array that the kernel laid out, or null.
    unsafe {
        let mut next = environ;
        while !next.is_null() && !(*next).is_null() {
            entries.push(CStr::from_ptr(*next));
            next = next.add(1);
        }
    }
    entries
}

/// Effective user and group id. Taken from the auxiliary vector (getauxval(3)), which spares two
/// system calls: the ids as they were at the start.
pub fn user_and_group() -> (u32, u32) {
    // SAFETY: getauxval reads memory of the process that the kernel filled at its start.
    let (user, group) = unsafe { (libc::getauxval(libc::AT_EUID), libc::getauxval(libc::AT_EGID)) };
    (u32::try_from(user).unwrap_or(u32::MAX), u32::try_from(group).unwrap_or(u32::MAX))
}

/// The path that this process was started by, as execve(2) got it (getauxval(3), AT_EXECFN).
pub fn started_by() -> Option<&'static Path> {
    // SAFETY: getauxval reads memory of the process that the kernel filled at its start; a string
    // that is there stays until the process ends or execs.
    let path = unsafe {
        let path = libc::getauxval(libc::AT_EXECFN) as *const c_char;
        if path.is_null() {
            return None;
        }
        CStr::from_ptr(path)
    };
    Some(Path::new(std::ffi::OsStr::from_bytes(path.to_bytes())))
}

/// Whether a file that begins so could be this very program: its header, which holds where its
/// parts are, is the one in memory. Nearly every other program differs, without a system call.
pub fn may_be_own(head: &[u8]) -> bool {
    // SAFETY: the header is part of the first segment, which is mapped and never written.
    let own = unsafe { &__ehdr_start };
    head.starts_with(own)
}

/// The host's name, or nothing where the system does not say.
pub fn host_name() -> String {
    match nix::unistd::gethostname() {
        Ok(name) => name.into_string().unwrap_or_else(|name| name.to_string_lossy().into_owned()),
        Err(_) => String::new(),
    }
}

/// The soft limit of the stack in bytes; `None` for no limit.
pub fn stack_limit() -> Option<u64> {
    use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
    match getrlimit(Resource::RLIMIT_STACK) {
        Ok((soft, _)) if soft != RLIM_INFINITY => Some(soft),
        _ => None,
    }
}

/// Forbids core dumps and tracing by other processes of the user until the exec, which allows
/// them again (prctl(2), PR_SET_DUMPABLE).
///
/// # Errors
/// What prctl(2) reports.
pub fn forbid_dumps() -> io::Result<()> {
    nix::sys::prctl::set_dumpable(false).map_err(io::Error::from)
}

/// Whether mode, access list and mount let the effective user execute the file (faccessat(2)).
pub fn may_execute(path: &Path) -> bool {
    use nix::fcntl::{AT_FDCWD, AtFlags};
    nix::unistd::faccessat(AT_FDCWD, path, nix::unistd::AccessFlags::X_OK, AtFlags::AT_EACCESS)
        .is_ok()
}

/// Replaces the process by `path`. Returns only on failure.
pub fn exec(path: &CStr, arguments: &[&CStr], environment: &[&CStr]) -> nix::errno::Errno {
    match nix::unistd::execve(path, arguments, environment) {
        Ok(never) => match never {},
        Err(errno) => errno,
    }
}

/// Ends the process at once, without running destructors or flushing anything.
pub fn end_now(status: i32) -> ! {
    // SAFETY: _exit(2) has no precondition.
    unsafe { libc::_exit(status) }
}

/// The name of an error number, as in `ENOENT`.
pub fn name(error: &io::Error) -> String {
    format!("{:?}", nix::errno::Errno::from_raw(error.raw_os_error().unwrap_or_default()))
}

/// The name and meaning of an error number, as in `ENOENT (no such file or directory)`.
pub fn describe(error: &io::Error) -> String {
    match error.raw_os_error().map(nix::errno::Errno::from_raw) {
        Some(errno) => format!("{errno:?} ({})", errno.desc().to_lowercase()),
        None => error.kind().to_string(),
    }
}
