//! The one array that the program gets. Pure: the inherited entries and the resolution go in, the
//! new environment comes out, merged once.

use crate::contract::model::{Contract, Deliver, Role, RowId};
use crate::resolve::{Resolution, State};
use crate::secret::Secret;
use crate::settings::Inherit;
use crate::source::{Extra, Inherited, InheritedKind, SourceKind};
use crate::validate::format::canonical;
use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt;

/// What `--inherit contract` keeps besides the contract's `passthrough` (interface section 4). README.md
/// and the manual page list it.
pub const BASE: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "HOSTNAME",
    "LANG",
    "LC_*",
    "TZ",
    "TERM",
    "COLORTERM",
    "NO_COLOR",
    "TMPDIR",
    "RUST_BACKTRACE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "OTEL_*",
    "TOKIO_*",
    "NOTIFY_SOCKET",
    "LISTEN_*",
    "WATCHDOG_*",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "CREDENTIALS_DIRECTORY",
    "STATE_DIRECTORY",
    "CACHE_DIRECTORY",
    "LOGS_DIRECTORY",
    "RUNTIME_DIRECTORY",
    "CONFIGURATION_DIRECTORY",
    "KUBERNETES_SERVICE_HOST",
    "KUBERNETES_SERVICE_PORT",
];

/// Which inherited names are passed on.
#[derive(Clone, Copy)]
pub struct Inheritance<'a> {
    /// The contract with its `passthrough`.
    pub contract: &'a Contract,
    /// All, or the contract's only.
    pub inherit: Inherit,
    /// The operator's patterns.
    pub patterns: &'a [String],
}

impl Inheritance<'_> {
    /// Whether the name is a provider's own credential, which the program does not get. What every
    /// program may see is none.
    fn withholds(&self, name: &[u8]) -> bool {
        !self.contract.providers.is_empty()
            && self.contract.lends(name)
            && !BASE.iter().any(|pattern| matches(pattern, name))
    }

    /// Whether a name that is nothing to the contract is passed on.
    #[inline]
    pub fn passes(&self, name: &[u8]) -> bool {
        let all = self.inherit == Inherit::All && self.contract.providers.is_empty();
        all || !self.withholds(name) && self.is_chosen(name)
    }

    /// The same where not all are.
    #[cold]
    fn is_chosen(&self, name: &[u8]) -> bool {
        self.inherit == Inherit::All
            || BASE.iter().any(|pattern| matches(pattern, name))
            || self.contract.passthrough.iter().any(|pattern| matches(pattern, name))
            || self.patterns.iter().any(|pattern| matches(pattern, name))
    }
}

/// Whether `name` is `pattern`, at whose end `*` stands for any ending.
pub fn matches(pattern: &str, name: &[u8]) -> bool {
    // Most pairs differ within their first bytes, and most patterns have no star before that.
    let same = |(one, other): &(&u8, &u8)| one == other && **one != b'*';
    let common = pattern.as_bytes().iter().zip(name).take_while(same).count();
    let (Some(pattern), Some(name)) = (pattern.as_bytes().get(common..), name.get(common..)) else {
        return false;
    };
    if pattern.is_empty() { name.is_empty() } else { pattern == b"*" }
}

/// The text of an entry.
enum Text {
    /// Inherited; the pointer itself is handed on.
    Inherited(&'static CStr),
    /// Made here.
    Made(CString),
}

/// Why an entry is in the array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It was inherited and is passed on.
    Inherited,
    /// An env file has it, and it is nothing to the contract.
    EnvFile,
    /// It delivers this row's value.
    Value(RowId),
    /// It follows from the user that the program will be.
    User,
    /// It delivers the path of the file that holds this row's value.
    Path(RowId),
}

/// One `NAME=VALUE` of the array.
pub struct Entry {
    text: Text,
    name_len: usize,
    /// Why it is there.
    pub why: Why,
}

impl Entry {
    /// The whole entry.
    pub fn as_c_str(&self) -> &CStr {
        match &self.text {
            Text::Inherited(text) => text,
            Text::Made(text) => text,
        }
    }

    /// The name; empty for an inherited entry without one.
    pub fn name(&self) -> &[u8] {
        self.as_c_str().to_bytes().get(..self.name_len).unwrap_or_default()
    }

    /// The value.
    pub fn value(&self) -> &[u8] {
        self.as_c_str().to_bytes().get(self.name_len + 1..).unwrap_or_default()
    }

    /// `None` where name or value has a NUL byte.
    fn make(name: &str, value: &[u8], why: Why) -> Option<Entry> {
        let mut text = Vec::with_capacity(name.len() + value.len() + 2);
        text.extend_from_slice(name.as_bytes());
        text.push(b'=');
        text.extend_from_slice(value);
        Some(Entry { text: Text::Made(CString::new(text).ok()?), name_len: name.len(), why })
    }
}

/// The environment of the program.
pub struct Environment {
    /// The array: inherited entries in their order, then env files', then the delivered variables
    /// in the contract's order.
    pub entries: Vec<Entry>,
    /// Inherited names that the launcher consumed.
    pub removed: Vec<&'static [u8]>,
    /// Inherited names that `--inherit contract` does not pass on.
    pub dropped: Vec<&'static [u8]>,
}

/// Builds the array. A name occurs once; values that no environment can hold (NUL) are left out,
/// which validation has said.
pub fn build(
    inheritance: Inheritance<'_>,
    inherited: &[Inherited],
    extras: &[Extra],
    resolution: &Resolution,
) -> Environment {
    let contract = inheritance.contract;
    let mut entries = Vec::with_capacity(inherited.len() + extras.len() + contract.rows.len());
    let (mut removed, mut dropped) = (Vec::new(), Vec::new());
    let mut own: Vec<Option<&Inherited>> = vec![None; contract.rows.len()];
    for entry in inherited {
        let passed_on =
            |why| Entry { text: Text::Inherited(entry.entry), name_len: entry.name_len, why };
        match entry.kind {
            InheritedKind::Other | InheritedKind::ServiceLink => {
                if inheritance.passes(entry.name()) {
                    entries.push(passed_on(Why::Inherited));
                } else if inheritance.withholds(entry.name()) {
                    removed.push(entry.name());
                } else {
                    dropped.push(entry.name());
                }
            }
            InheritedKind::Malformed if inheritance.inherit == Inherit::All => {
                entries.push(passed_on(Why::Inherited));
            }
            InheritedKind::Malformed | InheritedKind::Repeated => {}
            InheritedKind::Setting => removed.push(entry.name()),
            InheritedKind::Known(known) => {
                if known.role == Role::Own
                    && let Some(slot) = own.get_mut(usize::from(known.row.0))
                {
                    *slot = Some(entry);
                }
                let delivered = resolution.row(known.row).state;
                let replaced = matches!(delivered, State::Delivered | State::Generated)
                    && match contract.row(known.row).deliver {
                        Deliver::AsValue => known.role == Role::Own,
                        Deliver::AsFile => known.role == Role::OwnFile,
                    };
                if !replaced {
                    removed.push(entry.name());
                }
            }
        }
    }
    add_extras(inheritance, extras, &mut entries);
    for resolved in resolution.with_value() {
        let row = contract.row(resolved.id);
        let (State::Delivered | State::Generated) = resolved.state else { continue };
        let Some((seen, value)) = resolved.winner().and_then(|seen| Some((seen, seen.value()?)))
        else {
            continue;
        };
        let entry = match row.deliver {
            Deliver::AsFile => seen.path.as_ref().and_then(|path| {
                let name = format!("{}_FILE", row.name);
                Entry::make(&name, path.as_os_str().as_bytes(), Why::Path(resolved.id))
            }),
            Deliver::AsValue => {
                let inherited = own.get(usize::from(resolved.id.0)).copied().flatten();
                let as_it_is = |entry: &&Inherited| {
                    seen.source.kind == SourceKind::Env && entry.value() == value.expose()
                };
                match (canonical(row, value.expose()), inherited.filter(as_it_is)) {
                    (None, Some(entry)) => Some(Entry {
                        text: Text::Inherited(entry.entry),
                        name_len: entry.name_len,
                        why: Why::Value(resolved.id),
                    }),
                    (canonical, _) => {
                        let bytes = canonical.map(Secret::new);
                        let bytes = bytes.as_ref().unwrap_or(value).expose();
                        Entry::make(row.name, bytes, Why::Value(resolved.id))
                    }
                }
            }
        };
        entries.extend(entry);
    }
    Environment { entries, removed, dropped }
}

impl Environment {
    /// Puts what follows from the program's user in the place of every other value.
    pub fn follow(&mut self, variables: &[(&str, &[u8])]) {
        self.entries
            .retain(|entry| variables.iter().all(|(name, _)| entry.name() != name.as_bytes()));
        self.dropped
            .retain(|dropped| variables.iter().all(|(name, _)| *dropped != name.as_bytes()));
        let made = variables.iter();
        self.entries.extend(made.filter_map(|(name, value)| Entry::make(name, value, Why::User)));
    }
}

/// Env files' other names, of which the inherited environment's stand above them (sources 2 and 3
/// before 6).
fn add_extras(inheritance: Inheritance<'_>, extras: &[Extra], entries: &mut Vec<Entry>) {
    for extra in extras {
        if !extra.shadowed && inheritance.passes(extra.name.as_bytes()) {
            entries.extend(Entry::make(&extra.name, extra.value.expose(), Why::EnvFile));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, Environment, Why, matches};

    #[test]
    fn what_follows_from_the_user_takes_the_place_of_those_names_alone() {
        let entry = |name: &str| Entry::make(name, b"inherited", Why::Inherited).unwrap();
        let mut environment = Environment {
            entries: ["HOME", "PATH", "USER"].map(entry).into(),
            removed: Vec::new(),
            dropped: vec![b"TERM", b"USER", b"HOME"],
        };
        environment.follow(&[("HOME", b"/home/app"), ("USER", b"app")]);
        let texts = environment.entries.iter().map(|entry| entry.as_c_str().to_bytes());
        let expected = ["PATH=inherited", "HOME=/home/app", "USER=app"];
        assert_eq!(texts.collect::<Vec<_>>(), expected.map(str::as_bytes));
        assert_eq!(environment.dropped, [b"TERM"]);
    }

    #[test]
    fn a_star_stands_for_any_ending() {
        for (pattern, name, expected) in [
            ("PATH", "PATH", true),
            ("PATH", "PATHX", false),
            ("LC_*", "LC_ALL", true),
            ("LC_*", "LC_", true),
            ("LC_*", "XLC_ALL", false),
            ("LC_*", "LC", false),
            ("*", "ANY", true),
            ("*", "", true),
            ("*_PROXY", "HTTP_PROXY", false),
            ("A*B", "AxB", false),
        ] {
            assert_eq!(matches(pattern, name.as_bytes()), expected, "{pattern} {name}");
        }
    }
}
