//! Users, groups and capabilities of the process: asked for, given up, and asked for again.

use nix::errno::Errno;
use nix::libc;
use nix::sys::prctl;
use nix::unistd::{self, AccessFlags, Gid, Uid};
use std::path::Path;

/// The system call that failed, and why.
pub type Failed = (&'static str, Errno);

/// Real, effective and saved ids, and the supplementary groups, sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ids {
    /// Users: real, effective, saved.
    pub users: [u32; 3],
    /// Groups: real, effective, saved.
    pub groups: [u32; 3],
    /// Supplementary groups.
    pub supplementary: Vec<u32>,
}

/// Of a list that setgroups(2) takes, the form that two lists are compared in.
pub fn sorted(mut groups: Vec<u32>) -> Vec<u32> {
    groups.sort_unstable();
    groups.dedup();
    groups
}

/// The ids as they are (getresuid(2), getresgid(2), getgroups(2)).
///
/// # Errors
/// What the three report.
pub fn current() -> Result<Ids, Failed> {
    let users = unistd::getresuid().map_err(|errno| ("getresuid", errno))?;
    let groups = unistd::getresgid().map_err(|errno| ("getresgid", errno))?;
    let supplementary = unistd::getgroups().map_err(|errno| ("getgroups", errno))?;
    Ok(Ids {
        users: [users.real, users.effective, users.saved].map(Uid::as_raw),
        groups: [groups.real, groups.effective, groups.saved].map(Gid::as_raw),
        supplementary: sorted(supplementary.into_iter().map(Gid::as_raw).collect()),
    })
}

/// Sets the supplementary groups where they are not these already: a user namespace can forbid the
/// call (user_namespaces(7), /proc/PID/setgroups) and have nothing to give up.
fn set_supplementary(groups: &[u32]) -> Result<(), Failed> {
    if current()?.supplementary == groups {
        return Ok(());
    }
    let groups: Vec<Gid> = groups.iter().copied().map(Gid::from_raw).collect();
    unistd::setgroups(&groups).map_err(|errno| ("setgroups", errno))
}

/// Sets real, effective and saved ids and the groups: groups first, users last, because afterwards
/// the right to change groups is gone.
///
/// # Errors
/// The first call that fails.
pub fn become_user(user: u32, group: u32, supplementary: &[u32]) -> Result<(), Failed> {
    let (uid, gid) = (Uid::from_raw(user), Gid::from_raw(group));
    set_supplementary(supplementary)?;
    unistd::setresgid(gid, gid, gid).map_err(|errno| ("setresgid", errno))?;
    unistd::setresuid(uid, uid, uid).map_err(|errno| ("setresuid", errno))
}

/// Whether the effective user can be set to this one; where it could, it is.
pub fn can_return_to_user(user: u32) -> bool {
    let keep = Uid::from_raw(u32::MAX);
    unistd::setresuid(keep, Uid::from_raw(user), keep).is_ok()
}

/// The same for the effective group.
pub fn can_return_to_group(group: u32) -> bool {
    let keep = Gid::from_raw(u32::MAX);
    unistd::setresgid(keep, Gid::from_raw(group), keep).is_ok()
}

/// Whether that user may execute `path`, as the kernel judges it with all it knows: modes, access
/// lists, mounts, every directory on the way. access(2) asks for the real ids, so those and the
/// groups are set to that user's for the length of one call; the effective ids stay.
///
/// # Errors
/// Where the ids cannot be changed, or not changed back: nothing may be started after that.
pub fn may_execute_as(
    path: &Path,
    user: u32,
    group: u32,
    supplementary: &[u32],
) -> Result<bool, Failed> {
    let before = current()?;
    let (keep_user, keep_group) = (Uid::from_raw(u32::MAX), Gid::from_raw(u32::MAX));
    let lend = |user: u32, group: u32, supplementary: &[u32]| {
        set_supplementary(supplementary)?;
        unistd::setresgid(Gid::from_raw(group), keep_group, keep_group)
            .map_err(|errno| ("setresgid", errno))?;
        unistd::setresuid(Uid::from_raw(user), keep_user, keep_user)
            .map_err(|errno| ("setresuid", errno))
    };
    let answer =
        lend(user, group, supplementary).map(|()| unistd::access(path, AccessFlags::X_OK).is_ok());
    let ([own_user, ..], [own_group, ..]) = (before.users, before.groups);
    lend(own_user, own_group, &before.supplementary)?;
    answer
}

/// The capability sets in the kernel's layout (capget(2), _LINUX_CAPABILITY_VERSION_3): effective,
/// permitted and inheritable of capabilities 0 to 31, then of 32 to 63.
type Sets = [[u32; 3]; 2];

/// Version 3 and this process.
const HEADER: [u32; 2] = [0x2008_0522, 0];

fn capabilities() -> Result<Sets, Failed> {
    let (mut header, mut sets) = (HEADER, Sets::default());
    // SAFETY: header and sets have the layout and the size that version 3 demands, and live for
    // the call.
    let got = unsafe { libc::syscall(libc::SYS_capget, header.as_mut_ptr(), sets.as_mut_ptr()) };
    Errno::result(got).map_err(|errno| ("capget", errno))?;
    Ok(sets)
}

/// Whether CAP_SETUID (7) and CAP_SETGID (6) are in force; `false` where that cannot be told.
pub fn may_change_ids() -> bool {
    const BOTH: u32 = 1 << 6 | 1 << 7;
    matches!(capabilities(), Ok([[effective, ..], _]) if effective & BOTH == BOTH)
}

/// Whether CAP_KILL (5) is in force, without which no process of another user can be ended, not even
/// by the kernel when its parent ends (prctl(2), PR_SET_PDEATHSIG).
pub fn may_end_others() -> bool {
    matches!(capabilities(), Ok([[effective, ..], _]) if effective & 1 << 5 != 0)
}

/// Gives up every capability. The change of user leaves the inheritable set as it was, and all
/// sets where the process was not root; what is neither permitted nor inheritable cannot be
/// ambient either (capabilities(7)).
///
/// # Errors
/// What capset(2) or capget(2) report; EPERM where a set is not empty afterwards.
pub fn drop_capabilities() -> Result<(), Failed> {
    let (mut header, none) = (HEADER, Sets::default());
    // SAFETY: as above; the kernel only reads the sets.
    let set = unsafe { libc::syscall(libc::SYS_capset, header.as_mut_ptr(), none.as_ptr()) };
    Errno::result(set).map_err(|errno| ("capset", errno))?;
    if capabilities()? == none { Ok(()) } else { Err(("capset", Errno::EPERM)) }
}

/// Forbids that any exec gives more rights than the process has (prctl(2), PR_SET_NO_NEW_PRIVS),
/// and asks whether it is so.
///
/// # Errors
/// What prctl(2) reports; EPERM where it is not so afterwards.
pub fn forbid_new_privileges() -> Result<(), Failed> {
    let failed = |errno| ("prctl(PR_SET_NO_NEW_PRIVS)", errno);
    prctl::set_no_new_privs().map_err(failed)?;
    match prctl::get_no_new_privs() {
        Ok(true) => Ok(()),
        Ok(false) => Err(failed(Errno::EPERM)),
        Err(errno) => Err(failed(errno)),
    }
}
