//! Signal dispositions that the launcher changes for itself and puts back before the exec.

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

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
                let _ = unsafe { sigaction(*signal, inherited) };
            }
        }
    }
}
