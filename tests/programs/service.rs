//! A service as systemd's interfaces ask for one, for the test in a booted systemd.
//!
//! `service STATUS` says that it is ready (sd_notify(3)), sends the watchdog's sign of life
//! (sd_watchdog_enabled(3)) until SIGUSR1, answers a connection on a socket that was passed to it
//! (sd_listen_fds(3)), and ends with STATUS on SIGTERM. `service exit STATUS` ends at once.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::exit)]
#![allow(unsafe_code, reason = "signal handlers, and a descriptor that was passed")]

use std::io::Write;
use std::net::TcpListener;
use std::os::fd::FromRawFd;
use std::os::unix::net::UnixDatagram;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

static TERMINATED: AtomicBool = AtomicBool::new(false);
static SILENT: AtomicBool = AtomicBool::new(false);

extern "C" fn terminated(_signal: libc::c_int) {
    TERMINATED.store(true, Ordering::Relaxed);
}

extern "C" fn silenced(_signal: libc::c_int) {
    SILENT.store(true, Ordering::Relaxed);
}

/// A number of the environment, where there is one.
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Whether the process that systemd means by the variable is this one.
fn is_me(name: &str) -> bool {
    number(name) == Some(u64::from(std::process::id()))
}

fn notify(state: &str) {
    if let Some(socket) = std::env::var_os("NOTIFY_SOCKET") {
        UnixDatagram::unbound().unwrap().send_to(state.as_bytes(), socket).unwrap();
    }
}

/// The first passed socket. The variables count only for the process that they name.
fn passed() -> Option<TcpListener> {
    let there = is_me("LISTEN_PID") && number("LISTEN_FDS") == Some(1);
    // SAFETY: systemd passed a listening TCP socket as descriptor 3, and nothing else uses it.
    there.then(|| unsafe { TcpListener::from_raw_fd(3) })
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let status = arguments.last().and_then(|it| it.parse().ok()).unwrap_or(0);
    if arguments.first().is_some_and(|it| it == "exit") {
        std::process::exit(status);
    }
    // SAFETY: the handlers only store to an atomic.
    unsafe {
        libc::signal(libc::SIGTERM, terminated as *const () as libc::sighandler_t);
        libc::signal(libc::SIGUSR1, silenced as *const () as libc::sighandler_t);
    }
    let socket = passed();
    if let Some(socket) = &socket {
        socket.set_nonblocking(true).unwrap();
    }
    notify("READY=1\nSTATUS=ready after the launcher");
    while !TERMINATED.load(Ordering::Relaxed) {
        if number("WATCHDOG_USEC").is_some()
            && is_me("WATCHDOG_PID")
            && !SILENT.load(Ordering::Relaxed)
        {
            notify("WATCHDOG=1");
        }
        if let Some((mut peer, _)) = socket.as_ref().and_then(|it| it.accept().ok()) {
            let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
            writeln!(peer, "{names} {}", std::process::id()).unwrap();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    std::process::exit(status);
}
