//! Another user of the host, who does one thing again and again while the test goes on.

use super::is_root;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

/// The other user; no machine's passwd lists the number.
pub const ATTACKER: u32 = 61_234;

/// Whether the test can have two users. Without root it cannot.
///
/// # Panics
/// Without root where `CI=true`.
pub fn two_users() -> bool {
    let root = is_root();
    assert!(root || std::env::var("CI").as_deref() != Ok("true"), "two users need root");
    root
}

/// A thread with the credentials of the other user: its own alone, as the raw system calls set them.
pub struct Attacker {
    stop: Arc<AtomicBool>,
    rounds: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Attacker {
    /// Starts it; `round` is called until the end.
    pub fn start(round: impl FnMut() + Send + 'static) -> Attacker {
        Attacker::start_as(ATTACKER, round)
    }

    /// The same as this user.
    pub fn start_as(user: u32, mut round: impl FnMut() + Send + 'static) -> Attacker {
        let (stop, rounds) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, counted) = (Arc::clone(&stop), Arc::clone(&rounds));
        let thread = std::thread::spawn(move || {
            become_user(user);
            while !stopped.load(Ordering::Relaxed) {
                round();
                counted.fetch_add(1, Ordering::Relaxed);
            }
        });
        Attacker { stop, rounds, thread: Some(thread) }
    }

    /// How often it has done what it does.
    pub fn rounds(&self) -> u64 {
        self.rounds.load(Ordering::Relaxed)
    }

    /// Ends it and says how often it did what it does.
    pub fn stop(mut self) -> u64 {
        self.end();
        self.rounds()
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take()
            && let Err(panic) = thread.join()
            && !std::thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

impl Drop for Attacker {
    fn drop(&mut self) {
        self.end();
    }
}

/// Runs `work` as the other user.
pub fn as_attacker<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            become_user(ATTACKER);
            work()
        });
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Gives the calling thread, and no other, this user's credentials. The C library's functions would
/// change all threads.
fn become_user(user: u32) {
    // SAFETY: numbers and a null pointer; the C library keeps no copy of credentials.
    let done = unsafe {
        libc::syscall(libc::SYS_setgroups, 0, std::ptr::null::<u32>()) == 0
            && libc::syscall(libc::SYS_setresgid, user, user, user) == 0
            && libc::syscall(libc::SYS_setresuid, user, user, user) == 0
    };
    assert!(done, "{}", std::io::Error::last_os_error());
}

/// Exchanges two names in one step (renameat2(2), RENAME_EXCHANGE) and says whether that worked.
pub fn exchange(one: &Path, other: &Path) -> bool {
    let text = |path: &Path| CString::new(path.as_os_str().as_bytes()).unwrap();
    let (one, other) = (text(one), text(other));
    // SAFETY: two C strings that live for the call, and numbers.
    let done = unsafe {
        libc::renameat2(
            libc::AT_FDCWD,
            one.as_ptr(),
            libc::AT_FDCWD,
            other.as_ptr(),
            libc::RENAME_EXCHANGE,
        )
    };
    done == 0
}

/// Makes a named pipe that everybody may write.
pub fn pipe(path: &Path) {
    let path = CString::new(path.as_os_str().as_bytes()).unwrap();
    // SAFETY: a C string that lives for the calls.
    let made = unsafe {
        libc::mkfifo(path.as_ptr(), 0o666) == 0 && libc::chmod(path.as_ptr(), 0o666) == 0
    };
    assert!(made, "{}", std::io::Error::last_os_error());
}
