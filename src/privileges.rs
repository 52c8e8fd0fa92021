//! Who the program will be: chosen before anything is written, become just before the exec, and
//! checked afterwards.
//!
//! What other tools of this kind had to mend is kept in mind: 4294967295 (-1) means "no change" to
//! the kernel and is no user (sudo, CVE-2019-14287); a number without an entry does not keep
//! root's group; groups are given up before the user; inheritable and ambient capabilities go too;
//! every call's result is looked at, and the result of all of them again.

use crate::settings::{UserWish, Who};
use crate::source::Accounts;
use crate::sys::fs::{Errno, errno_words};
use crate::sys::identity::{self, Failed, Ids};
use crate::sys::process;
use std::path::Path;

/// The user that the program will run as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its number.
    pub uid: u32,
    /// Its group's number.
    pub gid: u32,
    /// All its groups, sorted.
    groups: Vec<u32>,
    /// Its login name; the number where there is no entry.
    pub name: Vec<u8>,
    /// Its home directory; `/` where none is known.
    pub home: Vec<u8>,
    /// Whether the process has to change for it.
    changes: bool,
}

/// Finds the user and says what is known to stand against becoming it.
///
/// # Errors
/// Why not, in fixed words.
pub fn choose(wish: &UserWish) -> Result<User, &'static str> {
    let unable = |(_, errno): Failed| errno_words(errno);
    let mut user = find(wish, &Accounts::of_the_system())?;
    let now = identity::current().map_err(unable)?;
    let is_oneself = now.users == [user.uid; 3];
    if is_oneself && wish.group.is_none() {
        // Without a group that is named there is nothing to change to.
        let [_, effective, _] = now.groups;
        return Ok(User { gid: effective, groups: now.supplementary, ..user });
    }
    user.changes = !is_oneself || now.groups != [user.gid; 3];
    if user.changes {
        if !identity::may_change_ids() {
            return Err("the launcher lacks CAP_SETUID or CAP_SETGID");
        }
        // A user namespace can lack the number or forbid other groups; better known now than after
        // a record that says exec.
        identity::may_execute_as(Path::new("/"), user.uid, user.gid, &user.groups)
            .map_err(unable)?;
    }
    Ok(user)
}

/// The user that a launch would choose, for a check; `None` where only the rights to become that
/// user are missing, which a check need not have.
///
/// # Errors
/// Why not, in fixed words.
pub fn foresee(wish: &UserWish) -> Result<Option<User>, &'static str> {
    match choose(wish) {
        Err(_) if !identity::may_change_ids() => {
            find(wish, &Accounts::of_the_system()).map(|_| None)
        }
        chosen => chosen.map(Some),
    }
}

/// Looks names and numbers up.
fn find(wish: &UserWish, accounts: &Accounts) -> Result<User, &'static str> {
    // Without them a user would lose groups, home and name, or a name its number.
    if let Some(why) = accounts.unread() {
        return Err(why);
    }
    let (number, account) = match &wish.user {
        Who::Number(uid) => (*uid, accounts.by_number(*uid)),
        Who::Name(name) => {
            let account = accounts.by_name(name.as_bytes());
            let account = account.ok_or("/etc/passwd has no user of that name")?;
            (account.uid, Some(account))
        }
    };
    let (gid, groups) = match (&wish.group, &account) {
        // Who names a group gets that one alone, as from gosu and su-exec.
        (Some(Who::Number(gid)), _) => (*gid, vec![*gid]),
        (Some(Who::Name(name)), _) => {
            let gid = accounts.group(name.as_bytes());
            let gid = gid.ok_or("/etc/group has no group of that name")?;
            (gid, vec![gid])
        }
        (None, Some(account)) => (account.gid, accounts.groups_of(account)),
        // Never the launcher's own group: that is root's.
        (None, None) => (number, vec![number]),
    };
    let (name, home) = match account {
        Some(account) => (account.name, account.home),
        None => (number.to_string().into_bytes(), None),
    };
    let home = home.unwrap_or_else(|| b"/".to_vec());
    Ok(User { uid: number, gid, groups, name, home, changes: false })
}

impl User {
    /// Whether this is another user or group than the launcher's.
    pub fn is_another(&self) -> bool {
        self.changes
    }

    /// All its groups, sorted.
    pub fn groups(&self) -> &[u32] {
        &self.groups
    }

    /// The variables that follow the user.
    pub fn variables(&self) -> [(&'static str, &[u8]); 3] {
        [("HOME", &self.home), ("USER", &self.name), ("LOGNAME", &self.name)]
    }

    /// Whether this user may execute the file.
    ///
    /// # Errors
    /// What [`identity::may_execute_as`] reports. The ids may then be changed.
    pub fn may_execute(&self, path: &Path) -> Result<bool, Failed> {
        if !self.changes {
            return Ok(process::may_execute(path));
        }
        identity::may_execute_as(path, self.uid, self.gid, &self.groups)
    }

    /// Becomes this user for good.
    fn become_for_good(&self) -> Result<(), Failed> {
        let before = identity::current()?;
        identity::become_user(self.uid, self.gid, &self.groups)?;
        if self.uid != 0 {
            identity::drop_capabilities()?;
        }
        let expected =
            Ids { users: [self.uid; 3], groups: [self.gid; 3], supplementary: self.groups.clone() };
        // Root can always go back, so of root only the numbers are asked for.
        let back = self.uid != 0 && self.could_go_back(&before);
        if back || identity::current()? != expected {
            return Err(("verification", Errno::EPERM));
        }
        Ok(())
    }

    /// Whether root or what the launcher was can be had back.
    fn could_go_back(&self, before: &Ids) -> bool {
        let users = before.users.iter().chain(&[0]).filter(|user| **user != self.uid);
        let groups = before.groups.iter().chain(&[0]).filter(|group| **group != self.gid);
        users.copied().any(identity::can_return_to_user)
            || groups.copied().any(identity::can_return_to_group)
    }
}

/// Gives up what the program is not to have. Nothing may be started after an error.
///
/// # Errors
/// The step that failed and the error's name, as in `setresuid: EPERM`.
pub fn drop(user: Option<&User>, no_new_privileges: bool) -> Result<(), String> {
    let dropped = match user.filter(|user| user.changes) {
        Some(user) => user.become_for_good(),
        None => Ok(()),
    };
    let forbidden = dropped.and_then(|()| match no_new_privileges {
        true => identity::forbid_new_privileges(),
        false => Ok(()),
    });
    forbidden.map_err(|(call, errno)| format!("{call}: {errno:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &[u8] = b"root:x:0:0:root:/root:/bin/sh\n\
        app:x:1000:1001::/home/app:/bin/sh\nnohome:x:1002:1002:::\n";
    const GROUP: &[u8] = b"root:x:0:\napp:x:1001:\nweb:x:33:other,app\nadm:x:4:app\n";

    fn found(text: &str) -> Result<User, &'static str> {
        let wish = UserWish::parse(text).expect("a wish");
        find(&wish, &Accounts::new(PASSWD, GROUP))
    }

    #[test]
    fn groups_are_those_of_initgroups_unless_one_is_named() {
        for (text, expected) in [
            ("app", (1000, 1001, vec![4, 33, 1001], b"/home/app".to_vec())),
            ("1000", (1000, 1001, vec![4, 33, 1001], b"/home/app".to_vec())),
            ("app:web", (1000, 33, vec![33], b"/home/app".to_vec())),
            ("app:7", (1000, 7, vec![7], b"/home/app".to_vec())),
            ("65532", (65532, 65532, vec![65532], b"/".to_vec())),
            ("nohome", (1002, 1002, vec![1002], b"/".to_vec())),
        ] {
            let user = found(text).expect(text);
            assert_eq!((user.uid, user.gid, user.groups, user.home), expected, "{text}");
        }
    }

    #[test]
    fn the_login_name_of_a_number_without_an_entry_is_the_number() {
        assert_eq!(found("65532").unwrap().name, b"65532");
        assert_eq!(found("1000").unwrap().name, b"app");
    }

    #[test]
    fn without_a_passwd_file_numbers_work_and_names_do_not() {
        let find = |text| find(&UserWish::parse(text).unwrap(), &Accounts::new(b"", b""));
        assert_eq!(
            find("65532:4").map(|user| (user.uid, user.gid, user.groups)),
            Ok((65532, 4, vec![4]))
        );
        assert!(find("root").is_err());
    }

    #[test]
    fn names_that_nobody_has_are_refused() {
        assert_eq!(found("absent").unwrap_err(), "/etc/passwd has no user of that name");
        assert_eq!(found("1000:absent").unwrap_err(), "/etc/group has no group of that name");
    }
}
