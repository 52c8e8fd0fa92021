//! Contract files: reading, the chain of `extends`, and the built-in without any of that.

use super::draft::Draft;
use super::model::{Contract, Origin, Str};
use super::problem::Problems;
use super::{builtin, compile, grammar, node, tighten};
use crate::error::{Error, Status};
use crate::sys::fs::{self, HERE, Kind};
use crate::yaml::Lines;
use sha2::{Digest, Sha256};
use std::io::Read as _;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

/// What a contract is called that is compiled in.
pub const BUILTIN: &str = "builtin:nexis-gateway";
/// The most that a contract file may have: 1 MiB.
const LARGEST: usize = 1 << 20;
/// Files in a chain of `extends`.
const LONGEST_CHAIN: usize = 8;

/// The contract at `path`; without one, or for `builtin:NAME`, the built-in table. Which lines a
/// file's rows stand in is told in errors, and is not in the contract.
///
/// # Errors
/// Status 66 where a file is missing or cannot be read, 65 where one is not valid.
pub fn load(path: Option<&Path>) -> Result<&'static Contract, Error> {
    load_noting(path, &mut Vec::new())
}

/// The same; `opened` gets device and inode of each file that is read, in the order of the
/// contract's chain.
///
/// # Errors
/// As [`load`].
pub fn load_noting(
    path: Option<&Path>,
    opened: &mut Vec<(u64, u64)>,
) -> Result<&'static Contract, Error> {
    load_with(path, Lines::None, opened).map(|(contract, _)| contract)
}

/// The same as [`load`] with the lines of a file's rows, and the contract that it extends.
///
/// # Errors
/// As [`load`].
pub(super) fn load_with_base(
    path: &Path,
) -> Result<(&'static Contract, Option<&'static Contract>), Error> {
    load_with(Some(path), Lines::Each, &mut Vec::new())
}

fn load_with(
    path: Option<&Path>,
    lines: Lines,
    opened: &mut Vec<(u64, u64)>,
) -> Result<(&'static Contract, Option<&'static Contract>), Error> {
    match path {
        None => Ok((&builtin::CONTRACT, None)),
        Some(path) => match path.to_str().filter(|name| name.starts_with("builtin:")) {
            Some(name) => built_in(name).map(|contract| (contract, None)).ok_or_else(|| {
                Error::new(Status::NoInput, "cannot read contract: no built-in one of that name")
                    .hint(format!("there is {BUILTIN}"))
            }),
            None => {
                let mut read =
                    Read { lines, chain: Vec::new(), digests: Vec::new(), opened, base: None };
                let contract = file(path, &mut read)?;
                Ok((Box::leak(Box::new(contract)), read.base))
            }
        },
    }
}

/// What is read of a chain of files.
struct Read<'a> {
    lines: Lines,
    /// The files on the way to this one.
    chain: Vec<PathBuf>,
    /// The digest of each file's own text, in the order of the contract's chain.
    digests: Vec<Str>,
    /// Device and inode of each.
    opened: &'a mut Vec<(u64, u64)>,
    /// What the file that was read last extends.
    base: Option<&'static Contract>,
}

fn built_in(name: &str) -> Option<&'static Contract> {
    (name == BUILTIN).then_some(&builtin::CONTRACT)
}

/// The contract that `text` is, as if it stood in a file at `path`. Files that it extends are
/// read from beside it.
///
/// # Errors
/// Status 65 where it is not valid, 66 where a file that it extends is missing.
pub fn parse(text: &str, path: &Path, origin: Origin) -> Result<Contract, Error> {
    of_text(
        text,
        path,
        origin,
        &mut Read {
            lines: Lines::Each,
            chain: Vec::new(),
            digests: Vec::new(),
            opened: &mut Vec::new(),
            base: None,
        },
    )
}

fn file(path: &Path, chain: &mut Read<'_>) -> Result<Contract, Error> {
    let (text, identity) = read(path)?;
    chain.opened.push(identity);
    let origin = Origin::File(path.to_string_lossy().into_owned().leak());
    of_text(&text, path, origin, chain)
}

fn of_text(
    text: &str,
    path: &Path,
    origin: Origin,
    chain: &mut Read<'_>,
) -> Result<Contract, Error> {
    // Nearly every contract is valid, and then nobody is told a line.
    if chain.lines == Lines::None && !text.contains('&') {
        let (files, opened) = (chain.chain.len(), chain.opened.len());
        let digests = chain.digests.len();
        let mut problems = Problems::silent();
        let contract = read_once(text, path, origin, chain, &mut problems)?;
        if let (Some(contract), true) = (contract, problems.is_empty()) {
            return Ok(contract);
        }
        chain.chain.truncate(files);
        chain.opened.truncate(opened);
        chain.digests.truncate(digests);
    }
    chain.lines = Lines::Each;
    let mut problems = Problems::default();
    let contract = read_once(text, path, origin, chain, &mut problems)?;
    problems.verdict(path)?;
    contract.ok_or_else(|| invalid(path))
}

/// The contract, if there are no problems; `None` where the text is no mapping at all.
///
/// # Errors
/// What is wrong with a file that it extends.
fn read_once(
    text: &str,
    path: &Path,
    origin: Origin,
    chain: &mut Read<'_>,
    problems: &mut Problems,
) -> Result<Option<Contract>, Error> {
    let Some(root) = node::parse(text, chain.lines, problems) else { return Ok(None) };
    let draft = grammar::read(root, problems);
    let own = chain.digests.len();
    chain.digests.push(sha256(text));
    let base = extended(&draft, path, chain, problems)?;
    chain.base = base;
    let digest = digest(chain.digests.get(own..).unwrap_or_default());
    let merged = match base {
        Some(base) => tighten::merge(Draft::of(base), &draft, problems),
        None => draft,
    };
    let contract = compile::compile(&merged, base, origin, digest, problems);
    let own = if let Origin::File(path) = origin { Some(path) } else { None };
    let further = base.into_iter().flat_map(|base| base.chain).copied();
    let chain = own.into_iter().chain(further).collect::<Vec<_>>().into();
    Ok(Some(Contract { chain, ..contract }))
}

fn invalid(path: &Path) -> Error {
    Error::new(Status::Data, format!("cannot read contract {}: not valid", path.display()))
}

/// The contract that `draft` extends.
fn extended(
    draft: &Draft,
    path: &Path,
    read: &mut Read<'_>,
    problems: &mut Problems,
) -> Result<Option<&'static Contract>, Error> {
    let Some(extends) = draft.extends else { return Ok(None) };
    let name = extends.value.strip_prefix("./").unwrap_or(extends.value);
    if name.starts_with("builtin:") {
        let found = built_in(name);
        if found.is_none() {
            let hint = Some(format!("there is {BUILTIN}"));
            problems.add_hint(extends.line, "extends: no built-in contract of that name", hint);
        }
        return Ok(found);
    }
    // "A file beside this one": a plain name, so that whoever may write this directory is all
    // there is to judge.
    if name.contains('/') || name == ".." || name == "." {
        problems.add(extends.line, "extends: expected builtin:NAME or the name of a file beside");
        return Ok(None);
    }
    let identity = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let chain = &mut read.chain;
    chain.push(identity(path));
    let beside = path.parent().unwrap_or(Path::new("")).join(name);
    if chain.contains(&identity(&beside)) {
        problems.add(extends.line, "extends: the file extends itself");
        return Ok(None);
    }
    if chain.len() >= LONGEST_CHAIN {
        problems.add(extends.line, format!("extends: more than {LONGEST_CHAIN} files in a row"));
        return Ok(None);
    }
    file(&beside, read).map(|contract| Some(&*Box::leak(Box::new(contract))))
}

/// The text of a regular file, bounded, with its device and inode.
fn read(path: &Path) -> Result<(String, (u64, u64)), Error> {
    let fail = |status, cause: &str| {
        Error::new(status, format!("cannot read contract {}: {cause}", path.display()))
    };
    let io = |error: std::io::Error| {
        let cause = match error.kind() {
            std::io::ErrorKind::NotFound => "no such file".to_owned(),
            kind => kind.to_string(),
        };
        fail(Status::NoInput, &cause)
            .hint("check the path, and that the launcher's user may read it")
    };
    // Looked at before it is opened, which alone can do something to a device, and after: what was
    // opened need not be what was looked at.
    let regular = |kind| match kind {
        Kind::Regular => Ok(()),
        _ => Err(fail(Status::NoInput, "not a regular file").hint("name a regular file")),
    };
    let system = |errno: fs::Errno| io(errno.into());
    regular(fs::look(HERE, path, true).map_err(system)?.kind)?;
    let opened = fs::open_file(HERE, path).map_err(system)?;
    let seen = fs::look_at(opened.as_fd()).map_err(system)?;
    regular(seen.kind)?;
    let mut bytes = Vec::new();
    let opened = std::fs::File::from(opened);
    let limit = u64::try_from(LARGEST).unwrap_or(u64::MAX).saturating_add(1);
    opened.take(limit).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() > LARGEST {
        return Err(fail(Status::Data, "more than 1 MiB"));
    }
    String::from_utf8(bytes).map(|text| (text, seen.identity)).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = error.as_bytes().get(..valid).unwrap_or_default();
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        fail(Status::Data, &format!("line {line} is not UTF-8")).hint("store the file as UTF-8")
    })
}

/// One digest of the files of a chain: a file's own; of several the digest of theirs, one a line. The
/// built-in is not among them: it is the launcher's, whose version a manifest has.
fn digest(files: &[Str]) -> Str {
    match files {
        [one] => one,
        several => sha256(&several.iter().flat_map(|one| [*one, "\n"]).collect::<String>()),
    }
}

/// SHA-256 of `text` in lower-case hexadecimal.
pub fn sha256(text: &str) -> Str {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(text.as_bytes()) {
        hex.push_str(&format!("{byte:02x}"));
    }
    hex.leak()
}
