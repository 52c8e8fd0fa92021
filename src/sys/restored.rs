//! What could not be put back as it was inherited: the program would find it changed, whoever asked
//! for the change and whatever became of that, so nothing may be started any more.

use nix::errno::Errno;
use std::sync::OnceLock;

/// The first system call that failed to put something back, and why.
static FAILED: OnceLock<(&str, Errno)> = OnceLock::new();

/// Keeps in mind that putting something back failed, where it did.
pub(super) fn note<T>(call: &'static str, put_back: Result<T, Errno>) -> Result<T, Errno> {
    put_back.inspect_err(|errno| {
        // The first says enough.
        let _ = FAILED.set((call, *errno));
    })
}

/// Whether all that was changed and put back is as it was inherited.
///
/// # Errors
/// The call that failed and the error's name, as in `rt_sigprocmask: EIO`.
pub fn all() -> Result<(), String> {
    FAILED.get().map_or(Ok(()), |(call, errno)| Err(format!("{call}: {errno:?}")))
}
