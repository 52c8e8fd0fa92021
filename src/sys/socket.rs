//! Connecting to a Unix socket without waiting: the standard library waits without end for a
//! server whose queue is full.

use nix::errno::Errno;
use nix::libc;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Connects to the socket at `path` (unix(7)). The stream waits in its reads and writes.
///
/// # Errors
/// What socket(2) and connect(2) report: `WouldBlock` where the server's queue is full.
pub fn connect(path: &Path) -> io::Result<UnixStream> {
    let bytes = path.as_os_str().as_bytes();
    // SAFETY: all zeroes is a sockaddr_un without an address.
    let mut address: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    // The path and its NUL have to fit.
    if bytes.len() >= address.sun_path.len() || bytes.contains(&0) {
        return Err(Errno::ENAMETOOLONG.into());
    }
    address.sun_family = libc::sa_family_t::try_from(libc::AF_UNIX).unwrap_or_default();
    for (place, byte) in address.sun_path.iter_mut().zip(bytes) {
        *place = byte.cast_signed() as libc::c_char;
    }
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: socket(2) takes numbers; the descriptor it returns has no other owner.
    let fd = unsafe {
        let fd = libc::socket(libc::AF_UNIX, kind, 0);
        OwnedFd::from_raw_fd(Errno::result(fd)?)
    };
    let length = libc::socklen_t::try_from(size_of::<libc::sockaddr_un>()).unwrap_or_default();
    // SAFETY: the address lives for the call and has the length that is given.
    let connected = unsafe { libc::connect(fd.as_raw_fd(), (&raw const address).cast(), length) };
    Errno::result(connected)?;
    let stream = UnixStream::from(fd);
    stream.set_nonblocking(false)?;
    Ok(stream)
}
