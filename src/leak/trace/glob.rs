//! Patterns of paths, for audit logs that are named in quotes: `*`, `?` and `[a-z]` as in
//! glob(7), each within a name; a leading dot has to be written.

use crate::sys::fs::{self, HERE};
use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// The files that a path or pattern names, sorted. A path of just that name comes before what it
/// means as a pattern, and one that is no pattern is itself, there or not.
pub(super) fn expand(path: &Path) -> Vec<PathBuf> {
    let is_pattern = path.as_os_str().as_bytes().iter().any(|byte| b"*?[".contains(byte));
    if !is_pattern || fs::look(HERE, path, true).is_ok() {
        return vec![path.to_owned()];
    }
    let mut found = vec![PathBuf::new()];
    for component in path.components() {
        let Component::Normal(pattern) = component else {
            found.iter_mut().for_each(|path| path.push(component));
            continue;
        };
        found = found.iter().flat_map(|path| below(path, pattern.as_bytes())).collect();
    }
    found
}

/// What in a directory matches a pattern.
fn below(directory: &Path, pattern: &[u8]) -> Vec<PathBuf> {
    let mut names: Vec<Vec<u8>> = Vec::new();
    let from = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    // What cannot be listed matches nothing; that nothing is found is said.
    let _ = fs::open_directory(HERE, from).and_then(|fd| {
        fs::list(fd.as_fd(), |name, _| {
            let is_hidden = name.first() == Some(&b'.') && pattern.first() != Some(&b'.');
            if !is_hidden && matches(pattern, name) {
                names.push(name.to_owned());
            }
        })
    });
    names.sort_unstable();
    names.iter().map(|name| directory.join(OsStr::from_bytes(name))).collect()
}

/// Whether the pattern is one of all of `name`.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut pattern, mut name) = (pattern, name);
    // Where the last `*` can be tried with one more byte.
    let mut again: Option<(&[u8], &[u8])> = None;
    loop {
        let step = match (pattern, name) {
            ([b'*', rest @ ..], _) => {
                again = Some((rest, name));
                Some((rest, name))
            }
            ([], []) => return true,
            ([], _) | (_, []) => None,
            ([b'?', pattern @ ..], [_, name @ ..]) => Some((pattern, name)),
            ([b'[', set @ ..], [byte, after @ ..]) => match in_set(set, *byte) {
                Some((true, pattern)) => Some((pattern, after)),
                Some((false, _)) => None,
                None => (*byte == b'[').then_some((set, after)),
            },
            ([wanted, pattern @ ..], [byte, name @ ..]) => {
                (wanted == byte).then_some((pattern, name))
            }
        };
        (pattern, name) = match (step, again) {
            (Some(next), _) => next,
            (None, Some((after, [_, rest @ ..]))) => {
                again = Some((after, rest));
                (after, rest)
            }
            (None, _) => return false,
        };
    }
}

/// Whether the byte is one of a set, and what follows it; nothing where the set has no end.
fn in_set(set: &[u8], byte: u8) -> Option<(bool, &[u8])> {
    let (negated, set) = match set {
        [b'!' | b'^', set @ ..] => (true, set),
        set => (false, set),
    };
    // A bracket at the beginning is one of the set.
    let end = 1 + set.get(1..)?.iter().position(|byte| *byte == b']')?;
    let (mut members, after) = (set.get(..end)?, set.get(end + 1..)?);
    let mut found = false;
    loop {
        members = match members {
            [from, b'-', to, rest @ ..] => {
                found |= (*from..=*to).contains(&byte);
                rest
            }
            [one, rest @ ..] => {
                found |= *one == byte;
                rest
            }
            [] => return Some((found != negated, after)),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_names_as_a_shell_would() {
        for (pattern, name, expected) in [
            ("audit.log", "audit.log", true),
            ("audit.log*", "audit.log.2.gz", true),
            ("*.log", "audit.log.1", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b-d", false),
            ("*", "", true),
            ("?", "", false),
            ("audit.?", "audit.1", true),
            ("audit.[0-9]", "audit.7", true),
            ("audit.[!0-9]", "audit.7", false),
            ("audit.[]a]", "audit.]", true),
            ("a[b", "a[b", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
    }
}
