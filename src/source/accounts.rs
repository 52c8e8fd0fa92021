//! Users and groups as /etc/passwd and /etc/group list them (passwd(5), group(5)).
//!
//! The files are read directly: a static program cannot load the modules of nsswitch.conf(5), and
//! asking a directory service would be a network call on the way to the program.

use super::file::{self, Pipes};
use crate::sys::fs::{HERE, Kind};
use std::path::{Path, PathBuf};

/// More than any list of local accounts; a larger file is not read.
const LIMIT: usize = 4 * 1024 * 1024;

/// The local accounts.
pub struct Accounts {
    passwd: Vec<u8>,
    group: Vec<u8>,
    unread: Option<&'static str>,
}

impl Accounts {
    /// The accounts of this system; empty lists where there are none (an image from scratch).
    pub fn of_the_system() -> Self {
        let mut unread = None;
        let mut read = |path: &str, why| match file::read(
            HERE,
            Path::new(path),
            Kind::Unknown,
            Pipes::Refuse,
            LIMIT,
        ) {
            Ok((content, _)) => content.expose().to_vec(),
            Err(failure) => {
                unread = unread.or((!failure.is_absence()).then_some(why));
                Vec::new()
            }
        };
        let passwd = read("/etc/passwd", "/etc/passwd cannot be read");
        let group = read("/etc/group", "/etc/group cannot be read");
        Accounts { passwd, group, unread }
    }

    /// Why these are not all accounts of the system, where a file is there and cannot be read: who
    /// decides by what is missing must not take that for an answer.
    pub fn unread(&self) -> Option<&'static str> {
        self.unread
    }

    /// The accounts that these two files list.
    pub fn new(passwd: &[u8], group: &[u8]) -> Self {
        Accounts { passwd: passwd.to_vec(), group: group.to_vec(), unread: None }
    }

    /// Whether somebody else than `owner` writes through `group`: it is not the owner's own
    /// group, or has another member. Of an owner without an entry the group of the same number
    /// counts as the own one, as with most tools that make users. What cannot be told is shared.
    pub fn shared(&self, group: u32, owner: u32) -> bool {
        if self.unread.is_some() {
            return true;
        }
        let entry = records(&self.passwd).find(|fields| number(fields, 2) == Some(owner));
        let own_group = entry.as_ref().map_or(Some(owner), |fields| number(fields, 3));
        if own_group != Some(group) {
            return true;
        }
        let primary_of_another = records(&self.passwd)
            .any(|fields| number(&fields, 3) == Some(group) && number(&fields, 2) != Some(owner));
        let is_owner = |name: &[u8]| {
            records(&self.passwd)
                .any(|fields| number(&fields, 2) == Some(owner) && fields.first() == Some(&name))
        };
        primary_of_another
            || records(&self.group).filter(|fields| number(fields, 2) == Some(group)).any(
                |fields| {
                    let members = fields.get(3).copied().unwrap_or_default();
                    members
                        .split(|&byte| byte == b',')
                        .map(<[u8]>::trim_ascii)
                        .any(|name| !name.is_empty() && !is_owner(name))
                },
            )
    }

    /// The account of this name.
    pub fn by_name(&self, name: &[u8]) -> Option<Account> {
        // Of several entries the first counts, as for the C library.
        records(&self.passwd)
            .filter_map(|fields| Account::of(&fields))
            .find(|account| account.name == name)
    }

    /// The first account of this number.
    pub fn by_number(&self, uid: u32) -> Option<Account> {
        records(&self.passwd)
            .filter_map(|fields| Account::of(&fields))
            .find(|account| account.uid == uid)
    }

    /// The number of the group of this name.
    pub fn group(&self, name: &[u8]) -> Option<u32> {
        let fields = records(&self.group).find(|fields| fields.first() == Some(&name))?;
        identifier(&fields, 2)
    }

    /// The account's group and every group that lists its name, sorted (initgroups(3)).
    pub fn groups_of(&self, account: &Account) -> Vec<u32> {
        let lists = |fields: &Vec<&[u8]>| {
            let members = fields.get(3).copied().unwrap_or_default();
            members.split(|&byte| byte == b',').any(|name| name.trim_ascii() == account.name)
        };
        let listed = records(&self.group).filter(lists);
        let mut groups: Vec<u32> = listed.filter_map(|fields| identifier(&fields, 2)).collect();
        groups.push(account.gid);
        groups.sort_unstable();
        groups.dedup();
        groups
    }

    /// The home directory of a user.
    pub fn home(&self, user: u32) -> Option<PathBuf> {
        use std::os::unix::ffi::OsStrExt;
        let fields = records(&self.passwd).find(|fields| number(fields, 2) == Some(user))?;
        let home = std::ffi::OsStr::from_bytes(fields.get(5)?);
        Path::new(home).is_absolute().then(|| PathBuf::from(home))
    }
}

/// One line of /etc/passwd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The login name.
    pub name: Vec<u8>,
    /// The user's number.
    pub uid: u32,
    /// The number of the user's own group.
    pub gid: u32,
    /// The home directory, where it is an absolute path.
    pub home: Option<Vec<u8>>,
}

impl Account {
    /// `None` for what is no account: a line without its numbers, an instruction to NIS.
    fn of(fields: &[&[u8]]) -> Option<Account> {
        let name = fields.first().filter(|name| !name.is_empty() && !has_nul(name))?;
        let home = fields.get(5).filter(|home| home.starts_with(b"/") && !has_nul(home));
        Some(Account {
            name: name.to_vec(),
            uid: identifier(fields, 2)?,
            gid: identifier(fields, 3)?,
            home: home.map(|home| home.to_vec()),
        })
    }
}

fn has_nul(text: &[u8]) -> bool {
    text.contains(&0)
}

/// A number that the kernel takes as a user or group: 4294967295 means "no change" to it.
fn identifier(fields: &[&[u8]], at: usize) -> Option<u32> {
    let digits = fields.get(at)?;
    let plain = digits.iter().all(u8::is_ascii_digit);
    number(fields, at).filter(|&number| plain && number != u32::MAX)
}

/// The lines of a file, each split at its colons.
fn records(file: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    file.split(|&byte| byte == b'\n').map(|line| line.split(|&byte| byte == b':').collect())
}

fn number(fields: &[&[u8]], at: usize) -> Option<u32> {
    std::str::from_utf8(fields.get(at)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &[u8] = b"root:x:0:0:root:/root:/bin/sh\n\
        app:x:1000:1000::/home/app:/bin/sh\n\
        web:x:1001:33::/:/bin/false\nphp:x:1002:33::/var/www:/bin/false\nbroken\n";
    const GROUP: &[u8] = b"root:x:0:\napp:x:1000:app\nwww:x:33:\nshared:x:50:app,web\n\
        wheel:x:0:app\n";

    #[test]
    fn a_group_of_one_is_not_shared() {
        let accounts = Accounts::new(PASSWD, b"root:x:0:\napp:x:1000:app\n");
        assert!(!accounts.shared(1000, 1000));
        assert!(!accounts.shared(0, 0));
    }

    #[test]
    fn a_group_with_another_member_or_of_another_is_shared() {
        let accounts = Accounts::new(PASSWD, GROUP);
        assert!(accounts.shared(50, 1000), "not the own group");
        assert!(accounts.shared(33, 1001), "primary group of another too");
        assert!(accounts.shared(0, 0), "a second entry adds a member");
        assert!(accounts.shared(1000, 0), "root's file, another's group");
    }

    #[test]
    fn without_entries_the_same_number_is_the_own_group() {
        let accounts = Accounts::new(b"", b"");
        assert!(!accounts.shared(65532, 65532));
        assert!(accounts.shared(2000, 65532));
        assert!(accounts.shared(2000, 0));
    }

    #[test]
    fn of_accounts_that_cannot_be_read_every_group_is_shared() {
        let whole = Accounts::new(b"", b"");
        assert!(!whole.shared(65532, 65532));
        let unread = Accounts { unread: Some("/etc/group cannot be read"), ..whole };
        assert!(unread.shared(65532, 65532));
        assert_eq!(unread.unread(), Some("/etc/group cannot be read"));
    }

    #[test]
    fn an_account_has_numbers_that_the_kernel_takes() {
        let passwd = b"+nis:x:::::\n+:x:5:5::/:\nall:x:4294967295:1::/:\nsign:x:+7:7::/:\n\
            app:x:1000:1001::relative:/bin/sh\napp:x:1:1::/:\n";
        let accounts = Accounts::new(passwd, b"web:x:33:app ,x\nall:x:4294967295:app\n");
        for name in ["+nis", "all", "sign", ""] {
            assert_eq!(accounts.by_name(name.as_bytes()), None, "{name}");
        }
        let app = accounts.by_name(b"app").unwrap();
        assert_eq!((app.uid, app.gid, &app.home), (1000, 1001, &None));
        assert_eq!(accounts.groups_of(&app), [33, 1001]);
        assert_eq!(accounts.group(b"web"), Some(33));
        assert_eq!(accounts.group(b"all"), None);
    }

    #[test]
    fn a_home_is_absolute_or_none() {
        let accounts = Accounts::new(PASSWD, GROUP);
        assert_eq!(accounts.home(1000), Some(PathBuf::from("/home/app")));
        assert_eq!(accounts.home(4000), None);
    }
}
