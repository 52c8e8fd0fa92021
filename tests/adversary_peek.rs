//! Another process tries to look into the launcher, in a tight loop: ptrace(2), process_vm_readv(2),
//! pidfd_getfd(2), kcmp(2) and the files of /proc. A pipe that is written late holds the launcher
//! while it does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
#![allow(unsafe_code, reason = "the attempts are system calls")]

mod common;
use common::*;

use std::io::Read as _;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Launches of each test.
const LAUNCHES: usize = 30;

/// The user of a launch without privileges (see the harness).
const NOBODY: u32 = 65534;

/// Reads what the attempts brought, and what of it was brought while the launcher was there.
#[derive(Default)]
struct Loot {
    /// Bytes that came out of the launcher's memory, environment or descriptors.
    before: Mutex<Vec<(&'static str, Vec<u8>)>>,
    /// Out of the program's, with the launcher gone.
    after: Mutex<Vec<u8>>,
    attempts: AtomicU64,
}

/// Whether the process is the launcher; everybody may read that.
fn is_launcher(pid: i32) -> bool {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    name.trim_end() == "nexis-launch"
}

/// The beginning of a file of /proc, where it can be had.
fn file(pid: i32, name: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(format!("/proc/{pid}/{name}")).ok()?;
    opened.take(1 << 20).read_to_end(&mut bytes).ok()?;
    (!bytes.is_empty()).then_some(bytes)
}

/// Reads the memory at the places where a static program has its own.
fn memory(pid: i32) -> Option<Vec<u8>> {
    for start in [0x40_0000usize, 0x1000_0000, 0x10_0000_0000] {
        let mut bytes = vec![0u8; 1 << 16];
        let local = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
        let remote = libc::iovec { iov_base: start as *mut _, iov_len: bytes.len() };
        // SAFETY: the local buffer lives for the call and is as long as it says.
        let got =
            unsafe { libc::process_vm_readv(pid, &raw const local, 1, &raw const remote, 1, 0) };
        if got > 0 {
            return Some(bytes);
        }
    }
    None
}

/// A copy of a descriptor of the process.
fn descriptor(pid: i32, number: i32) -> Option<Vec<u8>> {
    // SAFETY: numbers alone; what is opened is closed again.
    unsafe {
        let process = libc::syscall(libc::SYS_pidfd_open, pid, 0);
        if process < 0 {
            return None;
        }
        let copy = libc::syscall(libc::SYS_pidfd_getfd, process, number, 0);
        libc::close(i32::try_from(process).unwrap());
        if copy < 0 {
            return None;
        }
        libc::close(i32::try_from(copy).unwrap());
    }
    Some(format!("descriptor {number}").into_bytes())
}

/// Whether the kernel compares the process with another.
fn compared(pid: i32) -> Option<Vec<u8>> {
    // SAFETY: numbers alone; 1 is KCMP_VM.
    let answer = unsafe { libc::syscall(libc::SYS_kcmp, pid, libc::getpid(), 1, 0, 0) };
    (answer >= 0).then(|| b"compared".to_vec())
}

/// Whether the process has ended.
fn is_over(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_none_or(|rest| !rest.starts_with(' ') || rest.starts_with(" Z"))
}

/// Whether it could be traced; it is let go at once.
fn traced(pid: i32) -> Option<Vec<u8>> {
    let none = std::ptr::null_mut::<libc::c_void>();
    for how in [libc::PTRACE_SEIZE, libc::PTRACE_ATTACH] {
        // SAFETY: numbers and null pointers.
        unsafe {
            if libc::ptrace(how, pid, none, none) == 0 {
                if how == libc::PTRACE_SEIZE {
                    libc::ptrace(libc::PTRACE_INTERRUPT, pid, none, none);
                }
                // The end of the process is its parent's to wait for, which is this process too.
                let stops = libc::WSTOPPED | libc::WNOHANG | libc::__WALL;
                while !is_over(pid) {
                    let mut seen: libc::siginfo_t = std::mem::zeroed();
                    let id = libc::id_t::try_from(pid).unwrap();
                    if libc::waitid(libc::P_PID, id, &raw mut seen, stops) != 0
                        || seen.si_pid() == pid
                    {
                        break;
                    }
                    libc::usleep(100);
                }
                // Only of what has stopped can one let go (ptrace(2)).
                while libc::ptrace(libc::PTRACE_DETACH, pid, none, none) != 0 && !is_over(pid) {
                    libc::usleep(100);
                }
                if how == libc::PTRACE_ATTACH {
                    // An exec stops it as well: the SIGSTOP of the attach would come behind that,
                    // and hold it when nobody traces it any more.
                    libc::kill(pid, libc::SIGCONT);
                }
                return Some(b"traced".to_vec());
            }
        }
    }
    None
}

/// Everything once. What was brought counts as the launcher's where that was there before and after.
fn attempt(pid: i32, loot: &Loot) {
    type Way = (&'static str, fn(i32) -> Option<Vec<u8>>);
    let ways: [Way; 9] = [
        ("environ", |pid| file(pid, "environ")),
        ("mem", |pid| file(pid, "mem")),
        ("maps", |pid| file(pid, "maps")),
        ("auxv", |pid| file(pid, "auxv")),
        ("fd", |pid| std::fs::read_dir(format!("/proc/{pid}/fd")).ok().map(|_| b"fd".to_vec())),
        ("process_vm_readv", memory),
        ("pidfd_getfd", |pid| (0..8).find_map(|number| descriptor(pid, number))),
        ("kcmp", compared),
        ("ptrace", traced),
    ];
    for (name, way) in ways {
        let before = is_launcher(pid);
        let Some(bytes) = way(pid) else { continue };
        if before && is_launcher(pid) {
            loot.before.lock().unwrap().push((name, bytes));
        } else if !before {
            loot.after.lock().unwrap().extend(bytes);
        }
    }
    loot.attempts.fetch_add(1, Ordering::Relaxed);
}

/// Somebody who tries all of it on the process whose number stands there.
fn peeping(user: u32, loot: &Arc<Loot>, target: &Arc<AtomicI32>) -> Attacker {
    let (loot, target) = (Arc::clone(loot), Arc::clone(target));
    Attacker::start_as(user, move || match target.load(Ordering::Relaxed) {
        0 => std::thread::sleep(std::time::Duration::from_micros(50)),
        pid => attempt(pid, &loot),
    })
}

/// Runs the launch: held by its pipe until enough was tried, then let go.
fn hold(launch: &Launch, loot: &Loot, target: &AtomicI32) -> Outcome {
    for left in ["work/witness.json", "io/1", "io/2"] {
        let _ = std::fs::remove_file(launch.root().join(left));
    }
    let running = launch.clone().start();
    let pid = running.pid();
    wait_for("the launcher to wait", || {
        is_launcher(pid) && running.state() == 'S' || running.ended(std::time::Duration::ZERO)
    });
    if running.ended(std::time::Duration::ZERO) {
        return running.finish();
    }
    let before = loot.attempts.load(Ordering::Relaxed);
    target.store(pid, Ordering::Relaxed);
    wait_for("attempts", || loot.attempts.load(Ordering::Relaxed) > before + 5);
    std::fs::write(launch.root().join("vault/pipe"), THIRD).unwrap();
    let outcome = running.finish();
    target.store(0, Ordering::Relaxed);
    outcome
}

/// What does not reach the program, and so no other user: the fingerprints' key, the token that a
/// provider is lent, a secret whose feature is off.
const NEVER: [&str; 3] = [HEX_KEY, OTHER, "off-Yp3Jd8Gs5Wf0Ka9Qx7Mt"];

const CONTRACT: &str = "version: 1\nname: own\nvariables:\n\
    \x20 - {name: JWT_SECRET, secret: true, required: always}\n\
    \x20 - {name: STORED, secret: true, provider: store, required: always}\n\
    \x20 - {name: OFF_KEY, secret: true, feature: extra}\n\
    \x20 - {name: EXTRA}\n\
    features:\n  - {name: extra, off: {any: [{variable: EXTRA, is: false}]}}\n\
    providers:\n  - {name: store, command: [/bin/sh, '{root}/vault/store'], format: raw, \
    environment: [STORE_TOKEN]}\n";

#[test]
fn the_user_that_the_program_will_be_gets_nothing_before_it_is_there() {
    if !two_users() {
        return;
    }
    let launch = Launch::witness(["--mode", "production", "--user", &ATTACKER.to_string()])
        .file("vault/store", "sleep 0.02; printf '%s' \"value-of-the-store\"")
        .file("vault/key", HEX_KEY)
        .file("vault/off", NEVER[2])
        .pipe("vault/pipe")
        .mode("vault", 0o700)
        .mode("work", 0o777)
        .contract(CONTRACT)
        .options(["--fingerprint-key-file", "{root}/vault/key"])
        .env("STORE_TOKEN", OTHER)
        .env("OFF_KEY_FILE", "{root}/vault/off")
        .env("EXTRA", "false")
        .env("JWT_SECRET_FILE", "{root}/vault/pipe");
    let (loot, target) = (Arc::new(Loot::default()), Arc::new(AtomicI32::new(0)));
    let attacker = peeping(ATTACKER, &loot, &target);
    for _ in 0..LAUNCHES {
        let outcome = hold(&launch, &loot, &target);
        let seen = outcome.status(0).seen();
        assert_eq!(seen.text("JWT_SECRET").as_deref(), Some(THIRD));
        assert_eq!(seen.text("OFF_KEY"), None);
    }
    attacker.stop();
    let before = loot.before.lock().unwrap();
    let ways: Vec<_> = before.iter().map(|(way, _)| way).collect();
    assert!(before.is_empty(), "the launcher could be looked into by {ways:?}");
    // The program is his own, and what he reads of it is what it has.
    let after = loot.after.lock().unwrap();
    assert!(!after.is_empty(), "no attempt ever worked, not on the program either");
    for value in NEVER {
        for (form, text) in forms(value.as_bytes()) {
            assert!(find(&after, &text).is_none(), "the {form} of {value} reached him");
        }
    }
}

#[test]
fn its_own_user_gets_nothing_while_it_holds_secrets() {
    if !two_users() {
        return;
    }
    let launch = Launch::witness(["--mode", "production"])
        .requirements()
        .pipe("vault/pipe")
        .mode("vault/pipe", 0o644)
        .env("NEXIS_WEBHOOK_SIGNING_KEY_FILE", "{root}/vault/pipe")
        .unprivileged();
    let (loot, target) = (Arc::new(Loot::default()), Arc::new(AtomicI32::new(0)));
    let attacker = peeping(NOBODY, &loot, &target);
    for _ in 0..LAUNCHES {
        hold(&launch, &loot, &target).status(0).seen();
    }
    attacker.stop();
    let before = loot.before.lock().unwrap();
    let ways: Vec<_> = before.iter().map(|(way, _)| way).collect();
    assert!(before.is_empty(), "the launcher could be looked into by {ways:?}");
    assert!(!loot.after.lock().unwrap().is_empty(), "no attempt ever worked");
}
