//! A process that does nothing any more but read, write, wait and end.
//!
//! The filter of system calls (seccomp(2)) is set by prctl(2): the call of its own name is one
//! that common filters kill for.

use super::identity;
use nix::errno::Errno;
use nix::libc;
use std::io;

/// What is left. Memory is for the allocators of both C libraries.
const ALLOWED: &[libc::c_long] = &[
    libc::SYS_read,
    libc::SYS_write,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    libc::SYS_ppoll,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_restart_syscall,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// The architecture's number in linux/audit.h; a call by another one's numbers is refused.
#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7;

/// An argument that prctl(2) takes as a long and has no use for.
const NONE: libc::c_ulong = 0;

/// Places in the kernel's struct seccomp_data.
const NUMBER_AT: u32 = 0;
const ARCHITECTURE_AT: u32 = 4;

/// Whether a filter of system calls is in force (prctl(2), PR_GET_SECCOMP); where that cannot be
/// told, it is.
pub(super) fn has_filter() -> bool {
    // SAFETY: the call takes numbers. Under the strict mode it would be the end of the process,
    // but no call before this would have been survived there.
    unsafe { libc::prctl(libc::PR_GET_SECCOMP, NONE, NONE, NONE, NONE) != 0 }
}

/// Gives up every capability, where the call for it cannot be the end: a filter that kills for it
/// comes with a unit that leaves none.
pub(super) fn drop_capabilities() {
    if !has_filter() {
        let _ = identity::drop_capabilities();
    }
}

/// Lets every other system call fail with EPERM from here on. No exec may give rights any more
/// already.
///
/// # Errors
/// What prctl(2) reports, as where the kernel has no such filters.
pub(super) fn to_reading_and_writing() -> io::Result<()> {
    let statement = |code: u32, value| instruction(code, 0, 0, value);
    let load = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    let equal = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    let refuse = libc::SECCOMP_RET_ERRNO | Errno::EPERM as u32;
    let mut program = vec![
        statement(load, ARCHITECTURE_AT),
        instruction(equal, 1, 0, ARCHITECTURE),
        statement(libc::BPF_RET, refuse),
        statement(load, NUMBER_AT),
    ];
    for number in ALLOWED {
        let number = u32::try_from(*number).unwrap_or(u32::MAX);
        // Skips one instruction where it is another.
        program.push(instruction(equal, 0, 1, number));
        program.push(statement(libc::BPF_RET, libc::SECCOMP_RET_ALLOW));
    }
    program.push(statement(libc::BPF_RET, refuse));
    let length = u16::try_from(program.len()).map_err(|_| Errno::E2BIG)?;
    let program = libc::sock_fprog { len: length, filter: program.as_mut_ptr() };
    let mode = libc::c_ulong::from(libc::SECCOMP_MODE_FILTER);
    // SAFETY: the program and its instructions live for the call, which copies them.
    Errno::result(unsafe {
        libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const program, NONE, NONE)
    })?;
    Ok(())
}

const fn instruction(code: u32, then: u8, otherwise: u8, value: u32) -> libc::sock_filter {
    // The codes are of one byte each.
    libc::sock_filter { code: code as u16, jt: then, jf: otherwise, k: value }
}
