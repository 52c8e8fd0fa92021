//! A program that states what it was started with, for the integration tests.
//!
//! `witness FILE [exit=N | signal=N | ANYTHING]…` writes one JSON object to FILE. It has C's `main`,
//! because the start of Rust's runtime would change what is to be stated: it ignores SIGPIPE and
//! opens /dev/null for closed standard streams. Descriptors are probed before any file is opened.

#![no_main]
#![allow(unsafe_code, reason = "the state of the process is read through C interfaces")]

use serde_json::{Map, Value, json};
use std::ffi::{CStr, OsStr, c_char, c_int};
use std::os::unix::ffi::OsStrExt;

/// The highest descriptor that is probed, exclusive.
const DESCRIPTORS: c_int = 1024;

unsafe extern "C" {
    static environ: *const *const c_char;
}

/// The bytes of a NULL-terminated array of C strings, in its order.
///
/// # Safety
/// `array` is NULL or such an array.
unsafe fn entries(mut array: *const *const c_char) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    // SAFETY: every element up to the NULL is a C string, as the caller states.
    unsafe {
        while !array.is_null() && !(*array).is_null() {
            all.push(CStr::from_ptr(*array).to_bytes().to_vec());
            array = array.add(1);
        }
    }
    all
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The open descriptors with their flags (fcntl(2)), without opening one.
fn descriptors() -> Vec<(c_int, c_int, c_int)> {
    (0..DESCRIPTORS)
        .filter_map(|fd| {
            // SAFETY: both calls only look the number up.
            let (flags, status) =
                unsafe { (libc::fcntl(fd, libc::F_GETFD), libc::fcntl(fd, libc::F_GETFL)) };
            (flags >= 0).then_some((fd, flags, status))
        })
        .collect()
}

/// The signal sets of /proc/self/status by their names there.
fn signals() -> Value {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let wanted = ["SigBlk", "SigIgn", "SigCgt", "SigPnd", "ShdPnd", "Threads", "NoNewPrivs"];
    let mut found = Map::new();
    for line in status.lines() {
        if let Some((name, value)) = line.split_once(':')
            && wanted.contains(&name)
        {
            found.insert(name.to_owned(), json!(value.trim()));
        }
    }
    Value::Object(found)
}

/// The soft and hard limits by number (getrlimit(2)).
fn limits() -> Value {
    let mut all = Vec::new();
    for resource in 0..16 {
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: `limit` lives for the call.
        unsafe { libc::getrlimit(resource, &raw mut limit) };
        all.push(json!([limit.rlim_cur.to_string(), limit.rlim_max.to_string()]));
    }
    Value::Array(all)
}

fn prctl(option: c_int) -> c_int {
    // SAFETY: only options without pointers are asked.
    unsafe { libc::prctl(option, 0, 0, 0, 0) }
}

/// Whether orphans of descendants come to this process (PR_GET_CHILD_SUBREAPER).
fn subreaper() -> c_int {
    let mut answer: c_int = -1;
    // SAFETY: `answer` lives for the call.
    unsafe { libc::prctl(libc::PR_GET_CHILD_SUBREAPER, &raw mut answer, 0, 0, 0) };
    answer
}

/// Where a link such as `/proc/self/fd/3` points, or the error.
fn link(path: &str) -> String {
    std::fs::read_link(path).map_or_else(
        |error| format!("error {error}"),
        |target| String::from_utf8_lossy(target.as_os_str().as_bytes()).into_owned(),
    )
}

/// C's entry point.
///
/// # Safety
/// Called by the C runtime alone, with its usual arguments.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn main(_argc: c_int, argv: *const *const c_char) -> c_int {
    let open = descriptors();
    // SAFETY: both are arrays of C strings that the kernel and C runtime made.
    let (argv, environment) = unsafe { (entries(argv), entries(environ)) };
    let Some(file) = argv.get(1) else { return 2 };

    let fds: Vec<Value> = open
        .iter()
        .map(|(fd, flags, status)| {
            let target = link(&format!("/proc/self/fd/{fd}"));
            json!({"fd": fd, "flags": flags, "status": status, "target": target})
        })
        .collect();
    // SAFETY: none of these takes a pointer.
    let (umask, pid, ppid, pgid, sid, uid, gid, nice) = unsafe {
        let umask = libc::umask(0);
        libc::umask(umask);
        (
            umask,
            libc::getpid(),
            libc::getppid(),
            libc::getpgrp(),
            libc::getsid(0),
            libc::geteuid(),
            libc::getegid(),
            libc::getpriority(libc::PRIO_PROCESS, 0),
        )
    };
    let record = json!({
        "environment": environment.iter().map(|entry| hex(entry)).collect::<Vec<_>>(),
        "argv": argv.iter().map(|argument| hex(argument)).collect::<Vec<_>>(),
        "fds": fds,
        "signals": signals(),
        "limits": limits(),
        "umask": umask, "pid": pid, "ppid": ppid, "pgid": pgid, "sid": sid,
        "uid": uid, "gid": gid, "nice": nice,
        "cwd": link("/proc/self/cwd"),
        "exe": link("/proc/self/exe"),
        "dumpable": prctl(libc::PR_GET_DUMPABLE),
        "subreaper": subreaper(),
        "no_new_privs": prctl(libc::PR_GET_NO_NEW_PRIVS),
        "children": std::fs::read_to_string(format!("/proc/self/task/{pid}/children"))
            .unwrap_or_default().trim(),
    });
    if std::fs::write(OsStr::from_bytes(file), record.to_string()).is_err() {
        return 3;
    }
    for argument in argv.iter().skip(2) {
        let text = String::from_utf8_lossy(argument);
        if let Some(status) = text.strip_prefix("exit=") {
            return status.parse().unwrap_or(2);
        }
        if let Some(signal) = text.strip_prefix("signal=") {
            // SAFETY: raise takes any number.
            unsafe { libc::raise(signal.parse().unwrap_or(0)) };
        }
    }
    0
}
