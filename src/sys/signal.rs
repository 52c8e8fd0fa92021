//! Signal dispositions that the launcher changes for itself and puts back before the exec.

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

/// SIGPIPE is ignored while this lives in the launcher; what was inherited is put back by
/// [`restore`](IgnoredPipe::restore), so that the program finds it as a direct start would have
/// left it.
pub struct IgnoredPipe(Option<SigAction>);

impl IgnoredPipe {
    /// Ignores SIGPIPE from here on: a reader that went away must not end the launch.
    pub fn begin() -> Self {
        let ignore = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
        // SAFETY: no handler function is installed, so nothing can run asynchronously.
        IgnoredPipe(unsafe { sigaction(Signal::SIGPIPE, &ignore) }.ok())
    }

    /// Puts the inherited disposition back.
    pub fn restore(self) {
        if let Some(inherited) = self.0 {
            // SAFETY: the disposition was inherited over an exec, which leaves only the default
            // and ignoring; neither is a handler function.
            let _ = unsafe { sigaction(Signal::SIGPIPE, &inherited) };
        }
    }
}
