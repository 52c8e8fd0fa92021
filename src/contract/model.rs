//! The contract as the rest of the program sees it: plain, immutable tables.
//!
//! Everything is `'static` so that the built-in contract can be a constant in the binary (no
//! parsing, no allocation on the way to exec) and an operator's contract, leaked once after
//! parsing, has the very same type. The process execs or ends soon after; nothing is lost.
//!
//! `Debug` of these types prints Rust source: that is how `builtin.rs` is made from the YAML.

pub use super::list::List;
pub use super::policy::{Acknowledged, Policy};
pub use super::provider::{Answer, Fetch, Lent, Provider, ProviderId};
use crate::finding::{Code, Severity};
use crate::mode::{Mode, Modes};

/// A string that lives as long as the process.
pub type Str = &'static str;

/// The index of a row in [`Contract::rows`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowId(pub u16);

/// The index of a feature in [`Contract::features`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeatureId(pub u16);

/// Where a contract came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Compiled into this binary.
    Builtin,
    /// Read from this path, as the operator gave it.
    File(Str),
}

/// All that the launcher knows of one program's variables.
#[derive(Clone, Copy, Debug)]
pub struct Contract {
    /// The version of the grammar; 1.
    pub version: u32,
    /// The contract's own name.
    pub name: Str,
    /// Where it came from.
    pub origin: Origin,
    /// SHA-256 of the file it was made from, or of the digests of it and all that it extends, hex.
    pub sha256: Str,
    /// Paths of programs by the names of links that stand for them.
    pub program: List<(Str, Str)>,
    /// Further spellings of modes.
    pub mode_names: List<(Str, Mode)>,
    /// Variables first, then parts, each in the order of the file.
    pub rows: List<Row>,
    /// Features in the order of the file.
    pub features: List<Feature>,
    /// Findings that follow from a combination of values.
    pub rules: List<Rule>,
    /// Names that the program is known not to read; `*` at the end stands for any ending.
    /// Exact names first, then those with a star, each sorted by bytes.
    pub not_read: List<NotRead>,
    /// Prefixes (`NEXIS_`) under which a name that nothing reads is an `unknown-variable`.
    pub prefixes: List<Str>,
    /// Names passed on under `--inherit contract`; `*` at the end stands for any ending.
    pub passthrough: List<Str>,
    /// What holds for every row, and what the command line may not choose.
    pub policy: Policy,
    /// User ids whose files are trusted as the own user's are.
    pub trusted_owners: List<u32>,
    /// Values refused for every secret row; they stand in each such row's `rejects` already.
    pub burnt: List<Reject>,
    /// Commands that values come from, in the order of the file.
    pub providers: List<Provider>,
    /// The files it was read from, the operator's own first.
    pub chain: List<Str>,
    /// Every environment name that belongs to a row, sorted by bytes.
    pub names: List<Known>,
    /// Every file name that belongs to a row in a secrets directory, sorted by bytes; where two
    /// rows claim one name the contract is refused.
    pub files: List<FileName>,
    /// The first bytes of all of `names`, `not_read` and `prefixes`, as bits: most of what is
    /// inherited begins with another and needs no search.
    pub initials: u128,
}

/// An environment name and the row it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The name as it stands in the environment.
    pub name: Str,
    /// The row it feeds.
    pub row: RowId,
    /// How it feeds it.
    pub role: Role,
}

/// How an environment name feeds its row. The number is the alias' place in [`Row::aliases`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The runtime name (or the part's own name).
    Own,
    /// An alias.
    Alias(u8),
    /// The runtime name with `_FILE`.
    OwnFile,
    /// An alias with `_FILE`.
    AliasFile(u8),
}

/// A file name in a secrets or credentials directory and the row it feeds.
#[derive(Clone, Copy, Debug)]
pub struct FileName {
    /// The path relative to the directory, without `..`.
    pub name: Str,
    /// The row it feeds.
    pub row: RowId,
    /// Its place among the row's names; the smaller wins.
    pub rank: u8,
}

/// A runtime variable or a part.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The exact runtime name.
    pub name: Str,
    /// A part only feeds templates and never reaches the program.
    pub part: bool,
    /// Higher-level names, strongest first.
    pub aliases: List<Str>,
    /// Whether the value must never be shown.
    pub secret: bool,
    /// The class whose rotation window applies.
    pub class: Option<Str>,
    /// What it is for, one phrase.
    pub purpose: Str,
    /// Who reads it, one phrase.
    pub read_by: Str,
    /// The modes that require it.
    pub required: Modes,
    /// Requires it where it holds, in every mode.
    pub required_when: Option<Condition>,
    /// Required while the feature is on, withheld while it is off.
    pub feature: Option<FeatureId>,
    /// File names of the contract's own, before the derived ones.
    pub files: List<Str>,
    /// What a value has to look like.
    pub format: Format,
    /// Whole values that are refused.
    pub rejects: List<Reject>,
    /// Severities that differ from the table of [`Code`].
    pub severity: List<Override>,
    /// What happens to one final newline of a file.
    pub final_newline: FinalNewline,
    /// Whether a blank value is a value.
    pub blank_allowed: bool,
    /// How it reaches the program.
    pub deliver: Deliver,
    /// The generator of an ephemeral value, for development.
    pub generate: Option<Generate>,
    /// The provider that the value can come from.
    pub fetch: Option<Fetch>,
    /// A value where no source has one; never for a secret.
    pub default: Option<Str>,
    /// Composes the value from other rows.
    pub template: Option<Template>,
    /// How much of a secret URL may be shown.
    pub display: Display,
    /// What to know where the program is known not to read it.
    pub not_read: Option<Str>,
    /// The YAML line of the row; 0 in the built-in table.
    pub line: u32,
}

/// A whole value that is refused, and the code it is refused under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reject {
    /// The value, public by being here; for a URL with `password: true`, its password.
    pub value: Str,
    /// Compare the URL's password instead of the whole value.
    pub password: bool,
    /// The code of the finding.
    pub code: Code,
}

/// A severity of one code in one mode that differs from the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Override {
    /// The code.
    pub code: Code,
    /// The modes it is for.
    pub modes: Modes,
    /// The severity there; `None` where the finding is not made.
    pub severity: Option<Severity>,
}

/// What happens to one final newline (`\n` or `\r\n`) of a file or a raw provider's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinalNewline {
    /// Taken off, and said in the manifest.
    Strip,
    /// Part of the value.
    Keep,
    /// A finding `bad-format`.
    RefuseNewline,
}

/// How a value reaches the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deliver {
    /// Under its name.
    AsValue,
    /// As `NAME_FILE`, the path of the file that holds it.
    AsFile,
}

/// How much of a secret URL may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Display {
    /// Host and path for database schemes, else the scheme alone.
    Auto,
    /// Host and path for any scheme.
    Location,
}

/// A generator of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generate {
    /// The text form.
    pub kind: Encoding,
    /// Random bytes before encoding.
    pub bytes: u16,
}

/// A text form of random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Lower-case hexadecimal.
    LowerHex,
    /// RFC 4648 section 4, padded.
    PaddedBase64,
    /// RFC 4648 section 5, unpadded.
    UrlBase64,
}

/// What a value has to look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// The kind.
    pub kind: Kind,
    /// The least length in bytes.
    pub min_bytes: Option<u32>,
    /// The greatest length in bytes.
    pub max_bytes: Option<u32>,
    /// What the value starts with.
    pub prefix: Option<Str>,
}

/// The kinds of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8; control characters other than tab and newline are refused.
    Text {
        /// Newlines are refused too.
        single_line: bool,
    },
    /// Printable ASCII without space.
    Ascii,
    /// Hexadecimal digits; `bytes` decoded bytes where given.
    Hex {
        /// The exact decoded length.
        bytes: Option<u32>,
    },
    /// Base64, either alphabet, padded or not; `bytes` decoded bytes where given.
    Base64 {
        /// The exact decoded length.
        bytes: Option<u32>,
    },
    /// A URL, RFC 3986.
    Url {
        /// The schemes allowed, lower case; empty: any.
        schemes: List<Str>,
        /// Schemes allowed for a loopback host only.
        loopback_schemes: List<Str>,
        /// Whether user info may stand in it.
        user_info: bool,
    },
    /// A switch: `true` or `false` after canonicalisation.
    Flag,
    /// A decimal integer within bounds.
    Integer {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// `IP:port` or `[v6]:port`; no host name.
    SocketAddress,
    /// A comma list of `scheme://host[:port]`, or `*` alone.
    Origins,
    /// A level or `tracing` filter directives.
    LogFilter,
    /// One of these, in any case of letters.
    Enum {
        /// The values.
        values: List<Str>,
    },
    /// The mode: delivered under its canonical name.
    ModeName,
}

/// A feature of the program that needs variables.
#[derive(Clone, Copy, Debug)]
pub struct Feature {
    /// Its name.
    pub name: Str,
    /// Where it holds the feature is on.
    pub on: Option<Condition>,
    /// Where it holds the feature is off, whatever `on` says.
    pub off: Option<Condition>,
    /// Where one holds, the settings contradict each other.
    pub conflicts: List<Condition>,
}

/// A statement about resolved values.
#[derive(Clone, Copy)]
pub enum Condition {
    /// One variable, one test.
    Test(RowId, Test),
    /// At least one holds.
    Any(List<Condition>),
    /// Each holds.
    All(List<Condition>),
    /// It does not hold.
    Not(&'static Condition),
}

// By hand for the `&` of `Not`, without which the text would be no Rust source.
impl std::fmt::Debug for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Condition::Test(row, test) => f.debug_tuple("Test").field(row).field(test).finish(),
            Condition::Any(list) => f.debug_tuple("Any").field(list).finish(),
            Condition::All(list) => f.debug_tuple("All").field(list).finish(),
            Condition::Not(inner) => write!(f, "Not(&{inner:?})"),
        }
    }
}

/// What a condition asks of a variable; letters compare in any case (ASCII).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    /// A flag of this value. Absent or no flag: does not hold.
    Is(bool),
    /// This text.
    Equals(Str),
    /// One of these texts.
    OneOf(List<Str>),
    /// Has a value (`true`) or has none (`false`).
    Set(bool),
    /// Contains this text.
    Contains(Str),
}

/// A finding that follows from a combination of values.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The variable the finding is about.
    pub variable: RowId,
    /// When it applies.
    pub when: Condition,
    /// The modes it applies in.
    pub modes: Modes,
    /// Its code.
    pub code: Code,
    /// Its severity.
    pub severity: Severity,
    /// What is wrong, without a value.
    pub message: Str,
    /// What to do.
    pub hint: Str,
}

/// A name that the program is known not to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotRead {
    /// The name; `*` at the end stands for any ending.
    pub name: Str,
    /// What to know.
    pub note: Str,
}

/// A value composed from other rows.
#[derive(Clone, Copy, Debug)]
pub struct Template {
    /// As written.
    pub text: Str,
    /// As parsed.
    pub segments: List<Segment>,
    /// The rows that stand in it at any depth, each once.
    pub parts: List<RowId>,
}

/// A piece of a template.
#[derive(Clone, Copy, Debug)]
pub enum Segment {
    /// Stands as it is.
    Literal(Str),
    /// The row's value, percent-encoded for its place.
    Part(RowId, Place),
    /// `{NAME?yes:no}`: `yes` where the row's flag is true, else `no`.
    Switch(RowId, Str, Str),
    /// `[…]`: dropped when a part directly in it is absent, or when it holds only groups that
    /// were all dropped.
    Group(List<Segment>),
}

/// Where in a URL a part stands, which decides what is percent-encoded (RFC 3986 section 2 and 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Not in a URL: as it is.
    Verbatim,
    /// Before `://`.
    Scheme,
    /// User or password.
    UserInfo,
    /// Host; an IPv6 address is put in brackets.
    Host,
    /// Port.
    Port,
    /// One path segment.
    PathSegment,
    /// Query name or value, and fragment.
    QueryValue,
}

impl Contract {
    /// The row with this index. Indices are made together with the rows, so it exists.
    pub fn row(&self, id: RowId) -> &'static Row {
        const { assert!(size_of::<u16>() <= size_of::<usize>()) };
        match self.rows.0.get(usize::from(id.0)) {
            Some(row) => row,
            None => unreachable!("row index outside the contract"),
        }
    }

    /// Whether the contract has names, or prefixes of names, that begin as this one does.
    pub fn may_concern(&self, name: &[u8]) -> bool {
        // As two halves: to shift the whole takes three times as long.
        let halves = [self.initials as u64, (self.initials >> 64) as u64];
        name.first().is_some_and(|&first| {
            halves.get(usize::from(first / 64)).is_some_and(|half| half >> (first % 64) & 1 == 1)
        })
    }

    /// The bits of [`Contract::initials`]; a name that is not ASCII is none of a contract's.
    pub(super) fn initials<'a>(names: impl Iterator<Item = &'a str>) -> u128 {
        let bit = |name: &str| match name.bytes().next() {
            Some(b'*') => u128::MAX,
            Some(first) if first.is_ascii() => 1 << first,
            _ => 0,
        };
        names.fold(0, |all, name| all | bit(name))
    }

    /// The environment name's place in the contract.
    pub fn known(&self, name: &[u8]) -> Option<Known> {
        if !self.may_concern(name) {
            return None;
        }
        let at = self.names.0.binary_search_by(|known| known.name.as_bytes().cmp(name)).ok()?;
        self.names.0.get(at).copied()
    }

    /// The file name's place in the contract.
    pub fn file(&self, name: &[u8]) -> Option<FileName> {
        let at = self.files.0.binary_search_by(|file| file.name.as_bytes().cmp(name)).ok()?;
        self.files.0.get(at).copied()
    }

    /// What to know of a name that the program is known not to read.
    pub fn not_read(&self, name: &[u8]) -> Option<&'static NotRead> {
        if !self.may_concern(name) {
            return None;
        }
        let all = self.not_read.0;
        // The patterns are few and come last.
        let patterns = all.iter().rev().take_while(|known| known.name.ends_with('*')).count();
        let (exact, patterns) = all.split_at(all.len().saturating_sub(patterns));
        match exact.binary_search_by(|known| known.name.as_bytes().cmp(name)) {
            Ok(at) => exact.get(at),
            Err(_) => patterns.iter().find(|known| {
                known.name.strip_suffix('*').is_some_and(|start| name.starts_with(start.as_bytes()))
            }),
        }
    }

    /// Rows with their indices.
    pub fn rows(&self) -> impl Iterator<Item = (RowId, &'static Row)> + use<> {
        (0u16..).map(RowId).zip(self.rows.0)
    }
}
