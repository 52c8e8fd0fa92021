//! Signal dispositions that the launcher changes for itself and puts back before the exec.

use super::restored;
use nix::errno::Errno;
use nix::sys::signal::{
    SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, sigaction, sigprocmask,
};

/// The signals that writing can raise: SIGPIPE where the reader went away, SIGXFSZ where a file
/// may not grow further. Ignored, they are errors to report (EPIPE, EFBIG).
const OF_WRITING: [Signal; 2] = [Signal::SIGPIPE, Signal::SIGXFSZ];

/// The signals of writing are ignored while this lives; what was inherited is put back when it is
/// dropped, so that the program finds it as a direct start would have left it.
pub struct Ignored([Option<SigAction>; 2]);

impl Ignored {
    /// Ignores the signals of writing from here on.
    pub fn begin() -> Self {
        let ignore = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
        // SAFETY: no handler function is installed, so nothing can run asynchronously.
        Ignored(OF_WRITING.map(|signal| unsafe { sigaction(signal, &ignore) }.ok()))
    }

    /// Puts the inherited dispositions back.
    pub fn restore(self) {}
}

impl Drop for Ignored {
    fn drop(&mut self) {
        for (signal, inherited) in OF_WRITING.iter().zip(&self.0) {
            if let Some(inherited) = inherited {
                // SAFETY: the disposition was inherited over an exec, which leaves only the
                // default and ignoring; neither is a handler function.
                let put_back = unsafe { sigaction(*signal, inherited) };
                let _ = restored::note("rt_sigaction", put_back);
            }
        }
    }
}

/// Changes what is blocked and returns what was. The process has one thread; nix takes the error
/// that pthread_sigmask(3) returns for success, so that is not called.
pub(super) fn swap_mask(how: SigmaskHow, set: &SigSet) -> Result<SigSet, Errno> {
    let mut before = SigSet::empty();
    sigprocmask(how, Some(set), Some(&mut before))?;
    Ok(before)
}

/// Blocks what was blocked before.
pub(super) fn restore_mask(before: &SigSet) -> Result<(), Errno> {
    let put_back = sigprocmask(SigmaskHow::SIG_SETMASK, Some(before), None);
    restored::note("rt_sigprocmask", put_back)
}
