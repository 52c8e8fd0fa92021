//! What names say by themselves: which program is meant, what nothing reads, what the launcher is
//! told on its command line.

use super::judge::is_program;
use super::model::{Given, Setting, Target, Word};
use super::unit::words;
use crate::contract::model::{Contract, Role};
use crate::contract::name::is_variable;
use crate::finding::{Code, Fact};
use crate::nearest::{nearest, nearest_within};
use crate::secret::Secret;
use std::borrow::Cow;

/// The launcher's own name.
pub const LAUNCHER: &str = "nexis-launch";
/// The prefix of the launcher's own settings.
const SETTINGS: &str = "NEXIS_LAUNCH_";
/// Edits up to which a name that has no prefix of the program's counts as misspelt. The name is
/// other people's too, so only a slip is told.
const SLIP: usize = 2;
/// Shorter names are too near to one another.
const SHORT: usize = 8;

/// The last component of a path.
pub fn basename(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether the word, or a word of a script, is the launcher.
pub fn is_launcher(word: &Word) -> bool {
    words(&word.text).iter().any(|word| basename(word) == LAUNCHER)
}

/// Programs that start the one that is named after them.
const STARTERS: [&str; 10] =
    ["sh", "bash", "dash", "ash", "env", "exec", "tini", "dumb-init", "catatonit", "docker-init"];

/// Programs that start another one, behind words of their own.
const RUNNERS: [&str; 12] = [
    "su-exec", "gosu", "setpriv", "nohup", "chroot", "runuser", "timeout", "nice", "setsid",
    "stdbuf", "chrt", "ionice",
];

/// The words of a script, line by line, or the one word.
pub fn lines(text: &str) -> Vec<Vec<String>> {
    text.replace("\\\n", " ").lines().map(words).collect()
}

/// Whether the word of a script ends a command and begins another one.
pub fn ends_command(word: &str) -> bool {
    const ENDS: [&str; 20] = [
        "&&", "||", "|", "&", "", "(", ")", "{", "}", "!", "if", "then", "elif", "else", "fi",
        "while", "until", "do", "done", ";;",
    ];
    ENDS.contains(&word)
}

/// Whether a command that has the launcher in it starts the program beside it all the same: by the
/// path that the contract has for it, where a shell would look for a program, in another command of
/// a script (`nexis-launch check && /opt/…`) or without the `--` of `run`.
pub fn goes_round<'w>(contract: &Contract, command: impl Iterator<Item = &'w Word>) -> bool {
    let program = |word: &str| {
        let beside = word.strip_prefix("./");
        contract
            .program
            .iter()
            .any(|(_, path)| *path == word || beside.is_some_and(|it| it == basename(path)))
    };
    // Behind the `--` of a launcher, where a program's name stands, behind a program that starts
    // another.
    let (mut launcher, mut behind, mut begins, mut through) = (false, false, true, false);
    for word in command {
        let lines = lines(&word.text);
        // The words of a script are commands of their own, those of a list are one.
        let script = lines.iter().map(Vec::len).sum::<usize>() > 1;
        for line in &lines {
            if script {
                (launcher, behind, begins, through) = (false, false, true, false);
            }
            for piece in line {
                let (word, ends) = match piece.strip_suffix([';', ')']) {
                    Some(word) => (word, true),
                    None => (piece.as_str(), false),
                };
                let word = word.trim_start_matches('(');
                match word {
                    _ if word.starts_with('#') => break,
                    _ if ends_command(word) => {
                        (launcher, behind, begins, through) = (false, false, true, false);
                    }
                    // All that follows in a list is what it starts.
                    "--" if launcher && !script => return false,
                    "--" => behind |= launcher,
                    _ if program(word) && begins && !behind => return true,
                    _ if basename(word) == LAUNCHER => (launcher, begins) = (true, true),
                    "run" | "dev" if begins => {}
                    _ if STARTERS.contains(&basename(word)) || word.contains('=') => {}
                    _ if RUNNERS.contains(&basename(word)) && begins => through = true,
                    _ if word.starts_with('-') => {}
                    _ => begins = through,
                }
                if ends {
                    (launcher, behind, begins, through) = (false, false, true, false);
                }
            }
        }
    }
    false
}

/// A command that is a name of the contract's `program:`, under which the launcher acts as `run`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByName {
    /// A setting that the launcher alone reads stands beside it, so it is meant to be the launcher.
    /// Whether the name leads there is the image's or the host's to say.
    Taken,
    /// Nothing says so.
    Unsaid,
}

/// Whether the command is such a name and not the launcher by its own; the path that the contract
/// has for the name is the program itself.
pub fn own_name(contract: &Contract, target: &Target) -> Option<ByName> {
    target.command.as_ref()?;
    if target.words().any(is_launcher) {
        return None;
    }
    let mut all = target.words().flat_map(|word| words(&word.text));
    let links = |word: &str| contract.program.iter().any(|(link, _)| *link == basename(word));
    let program = |word: &str| contract.program.iter().any(|(_, path)| *path == word);
    let first = all.next()?;
    let rest: Vec<String> = all.collect();
    let starts = STARTERS.contains(&basename(&first)) && rest.iter().any(|word| links(word));
    if program(&first) || (starts && rest.iter().any(|word| program(word))) {
        return None;
    }
    let said = || target.settings.iter().any(|setting| setting.name.starts_with(SETTINGS));
    (links(&first) || starts).then(|| if said() { ByName::Taken } else { ByName::Unsaid })
}

/// Whether the target starts the contract's program: its command, image or environment says so.
pub fn is_ours(contract: &Contract, target: &Target) -> bool {
    let started = target.words().any(|word| is_launcher(word) || is_program(contract, &word.text));
    let image = target.image.as_ref().filter(|_| target.command.is_none());
    let named = image.is_some_and(|image| is_program(contract, untagged(&image.text).0));
    // Names that other programs read too (DATABASE_URL) say nothing.
    let own = |name: &str| contract.prefixes.iter().any(|prefix| name.starts_with(prefix));
    let sets = target.settings.iter().any(|setting| {
        let name = setting.name.as_str();
        match contract.known(name.as_bytes()) {
            Some(known) => {
                own(name)
                    || contract.prefixes.is_empty()
                    || !contract.row(known.row).required.is_empty()
            }
            None => own(name) && contract.not_read(name.as_bytes()).is_some(),
        }
    });
    started || named || sets
}

/// The secrets that a command sets in its own words (`env NAME=VALUE`, `sh -c 'NAME=VALUE …'`),
/// where no shell has to make the value first.
pub fn assignments(contract: &Contract, target: &Target) -> Vec<Setting> {
    let is_secret = |name: &str| {
        contract.known(name.as_bytes()).is_some_and(|known| {
            matches!(known.role, Role::Own | Role::Alias(_)) && contract.row(known.row).secret
        })
    };
    let all = target.words().flat_map(|word| {
        let at = word.at;
        words(&word.text).into_iter().filter_map(move |word| {
            let (name, value) = word.split_once('=')?;
            let literal = !value.trim().is_empty() && !value.contains(['$', '`']);
            let name = name.trim_start_matches('-').to_owned();
            let given = Given::Literal(Secret::new(value.as_bytes().to_vec()));
            literal.then_some(Setting { name, at, given, judged: true })
        })
    });
    all.filter(|setting| is_secret(&setting.name)).collect()
}

/// An image's name, and its tag or digest.
fn untagged(image: &str) -> (&str, Option<&str>) {
    if let Some((name, digest)) = image.split_once('@') {
        return (untagged(name).0, Some(digest));
    }
    // A colon before the last slash is a registry's port.
    let at = image.rfind('/').map_or(0, |slash| slash + 1);
    match image.get(at..).and_then(|last| last.find(':')) {
        Some(colon) => (image.get(..at + colon).unwrap_or(image), image.get(at + colon + 1..)),
        None => (image, None),
    }
}

/// Whether the image can be another one tomorrow for sure: no tag, or `latest`.
pub fn is_unpinned(image: &str) -> bool {
    matches!(untagged(image).1, None | Some("latest" | ""))
}

/// What is to be said of a name that is set, and the name that may be shown.
pub fn judge<'a>(contract: &Contract, name: &'a str) -> Option<(Code, Fact, &'a str)> {
    if let Some(known) = contract.known(name.as_bytes()) {
        let row = contract.row(known.row);
        let note = contract.not_read(row.name.as_bytes()).map(|known| known.note);
        return Some((Code::NotReadByProgram, Fact::Note(note?), row.name));
    }
    // Whatever else it is, it could be a value in the wrong place.
    if !is_variable(name) || name.starts_with(SETTINGS) {
        return None;
    }
    if let Some(known) = contract.not_read(name.as_bytes()) {
        return Some((Code::NotReadByProgram, Fact::Note(known.note), name));
    }
    let own = contract.names.iter().filter(|it| matches!(it.role, Role::Own | Role::Alias(_)));
    let own = own.map(|known| known.name);
    let near = match contract.prefixes.iter().any(|prefix| name.starts_with(prefix)) {
        true => nearest(name, own),
        false if name.len() < SHORT => return None,
        false => Some(nearest_within(name, SLIP, own)?),
    };
    let near = near.map(|near| Cow::Owned(near.to_owned()));
    Some((Code::UnknownVariable, Fact::Nearest(near), name))
}

/// The file name that a key of a Secret was meant to be.
pub fn near_file(contract: &Contract, key: &str) -> Option<&'static str> {
    let long = key.len() >= SHORT;
    // Environment names are judged as such.
    let names = contract.files.iter().map(|file| file.name);
    if is_variable(key) && judge(contract, key).is_some() || !long {
        return None;
    }
    nearest_within(key, SLIP, names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_digests_are_told_from_ports() {
        for (image, unpinned) in [
            ("nexis-gateway", true),
            ("nexis-gateway:latest", true),
            ("registry.example:5000/nexis-gateway", true),
            ("registry.example:5000/nexis-gateway:1.2", false),
            ("nexis-gateway@sha256:00", false),
            ("nexis-gateway:latest@sha256:00", false),
        ] {
            assert_eq!(is_unpinned(image), unpinned, "{image}");
            assert_eq!(basename(untagged(image).0), "nexis-gateway");
        }
    }
}
