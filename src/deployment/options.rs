//! What the launcher is told by its command line in the files, and by its settings.

use super::model::{CREDENTIALS, Place, Target};
use super::names::{LAUNCHER, basename, ends_command, is_launcher, lines};
use crate::contract::model::Contract;
use std::collections::BTreeSet;

/// Where the launcher looks without being told (interface section 2).
const DEFAULT_DIRS: [&str; 2] = ["/run/secrets/nexis", "/run/secrets"];

/// What bears on what is required and found.
#[derive(Default)]
pub struct Options {
    /// The mode.
    pub mode: Option<String>,
    /// Whether the mode is said and stands elsewhere.
    pub mode_elsewhere: bool,
    /// Directories that replace the default ones.
    pub dirs: Vec<String>,
    /// Where it is told to read an env file, which may set anything.
    pub env_file: Option<Place>,
}

impl Options {
    /// Reads them.
    pub fn of(target: &Target) -> Options {
        let mut options = Options::default();
        let mut mode = None;
        let own = own_words(target);
        let mut all = own.iter();
        if own.first().is_some_and(|(word, _)| word == "dev") {
            mode = Some("development");
        }
        while let Some((word, at)) = all.next() {
            match (word.as_str(), word.split_once('=')) {
                (_, Some(("--mode", text))) => mode = Some(text),
                (_, Some(("--secrets-dir", dir))) => options.dirs.push(dir.to_owned()),
                ("--env-file", _) | (_, Some(("--env-file", _))) => options.env_file = Some(*at),
                ("--mode", _) => mode = all.next().map(|(word, _)| word.as_str()),
                ("--secrets-dir", _) => {
                    options.dirs.extend(all.next().map(|(word, _)| word.clone()));
                }
                _ => {}
            }
        }
        // `$(NAME)` is a variable beside it in Kubernetes; other marks are for others to fill in.
        let named = mode.and_then(|text| text.strip_prefix("$(")?.strip_suffix(')'));
        let beside = named.and_then(|name| std::str::from_utf8(target.text(name)?).ok());
        let mode = beside.or(mode);
        options.mode_elsewhere = mode.is_some_and(|text| text.contains(['$', '%']));
        options.mode = mode.filter(|_| !options.mode_elsewhere).map(str::to_owned);
        let setting = target.settings.get("NEXIS_LAUNCH_ENV_FILE");
        options.env_file = options.env_file.or(setting.map(|setting| setting.at));
        if options.dirs.is_empty()
            && let Some(text) = target.text("NEXIS_LAUNCH_SECRETS_DIR")
            && let Ok(text) = std::str::from_utf8(text)
        {
            let dirs = text.split(':').filter(|dir| !dir.is_empty());
            options.dirs.extend(dirs.map(str::to_owned));
        }
        for dir in &mut options.dirs {
            dir.truncate(dir.trim_end_matches('/').len());
        }
        options
    }

    /// The directories that are looked into.
    pub fn dirs(&self) -> impl Iterator<Item = &str> {
        let defaults: &[&str] = if self.dirs.is_empty() { &DEFAULT_DIRS } else { &[] };
        std::iter::once(CREDENTIALS)
            .chain(self.dirs.iter().map(String::as_str))
            .chain(defaults.iter().copied())
    }

    /// Whether one is named that is no unit's credentials (systemd.unit(5), `%d`).
    pub fn names_directory_of_host(&self) -> bool {
        let of_credentials = [CREDENTIALS, "%d", "${CREDENTIALS_DIRECTORY}"];
        self.dirs.iter().any(|dir| !of_credentials.iter().any(|begin| dir.starts_with(begin)))
    }
}

/// The rows that what is mounted may supply: all of them in a directory that is looked into, below
/// it those of which a file stands there.
#[derive(Default)]
pub struct Hidden {
    all: bool,
    names: BTreeSet<&'static str>,
}

impl Hidden {
    /// Finds them.
    pub fn of(contract: &Contract, target: &Target, options: &Options) -> Hidden {
        let mut hidden = Hidden::default();
        let own: Vec<&str> = options.dirs().collect();
        for dir in &target.unseen_dirs {
            for below in own.iter().filter_map(|own| dir.strip_prefix(own)) {
                hidden.all |= below.is_empty();
                let Some(below) = below.strip_prefix('/') else { continue };
                // They are sorted.
                let files = contract.files.0;
                let first = files.partition_point(|file| file.name < below);
                let near = files.iter().skip(first).take_while(|it| it.name.starts_with(below));
                let is_there = |name: &str| {
                    name.strip_prefix(below).is_some_and(|it| it.is_empty() || it.starts_with('/'))
                };
                let there = near.filter(|file| is_there(file.name));
                hidden.names.extend(there.map(|file| contract.row(file.row).name));
            }
            if hidden.all {
                break;
            }
        }
        hidden
    }

    /// Whether the row of this name is one of them.
    pub fn has(&self, name: &str) -> bool {
        self.all || self.names.contains(name)
    }
}

/// The launcher's own words: those behind its name, in a list or a script, up to `--` or the end of
/// the command. Of several launchers the one counts that starts a program.
fn own_words(target: &Target) -> Vec<(String, Place)> {
    let named = target.words().any(is_launcher);
    let mut own: Vec<(String, Place)> = Vec::new();
    if target.command.is_some() && !named {
        return own;
    }
    // Where no name is said, they are arguments of an image's launcher.
    let mut inside = !named;
    for word in target.words() {
        let script = is_launcher(word) && lines(&word.text).concat().len() > 1;
        let pieces = match script {
            true => lines(&word.text).join(&";".to_owned()),
            false => vec![word.text.clone()],
        };
        for piece in pieces {
            let (piece, ends) = match piece.strip_suffix(';') {
                Some(rest) if script => (rest, true),
                _ => (piece.as_str(), false),
            };
            if basename(piece) == LAUNCHER {
                own.clear();
                inside = true;
            } else if inside && piece != "--" && !(script && ends_command(piece)) {
                own.push((piece.to_owned(), word.at));
            }
            if inside && (ends || piece == "--" || script && ends_command(piece)) {
                let starts = |(word, _): &(String, Place)| word == "run" || word == "dev";
                if !named || own.first().is_some_and(starts) {
                    return own;
                }
                inside = false;
            }
        }
        // The words after a script are the script's.
        inside &= !script;
    }
    own
}
