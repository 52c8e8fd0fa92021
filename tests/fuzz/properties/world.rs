//! A world for a launch, read from bytes: environment, secret files, an env file and options, with
//! the canary in what is secret and nowhere else.

use super::decode::{CANARY, Input, with_canary, without_mark};
use nexis_launch::cli::{EnforceChoice, InheritChoice, Options};
use nexis_launch::contract::builtin::CONTRACT;
use nexis_launch::contract::model::{Kind, Role, Row};
use nexis_launch::error::Error;
use nexis_launch::launch::{Launch, Survey};
use nexis_launch::provider::Answers;
use std::ffi::{CStr, CString, OsString};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process};

/// Names that are no row's, and settings that change no place outside of the world.
const OTHERS: [&str; 16] = [
    "PATH",
    "HOME",
    "NEXIS_ENV",
    "NEXIS_LAUNCH_MODE",
    "NEXIS_LAUNCH_INHERIT",
    "NEXIS_LAUNCH_LABELS",
    "NEXIS_LAUNCH_ENFORCE",
    "NEXIS_LAUNCH_PASSTHROUGH",
    "NEXIS_LAUNCH_SERVICE_HOST",
    "NEXIS_REDIS_PORT",
    "INVOCATION_ID",
    "OTEL_X",
    "NEXIS_JWT_SECERT",
    "JWT_SECRET ",
    "TERM",
    "NEXIS_LAUNCH_X",
];
const SCHEMES: [&str; 5] = ["postgres", "redis", "rediss", "https", "mysql"];

/// A directory that is gone when the world is.
pub struct Directory(pub PathBuf);

impl Directory {
    pub fn new() -> Directory {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() { memory.to_owned() } else { env::temp_dir() };
        let path = base.join(format!("nexis-launch-fuzz-{}-{number}", process::id()));
        fs::create_dir(&path).unwrap();
        Directory(path)
    }

    pub fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub struct World {
    directory: Directory,
    entries: Vec<&'static CStr>,
    options: Options,
    program: Vec<OsString>,
}

impl World {
    pub fn read(bytes: &[u8]) -> World {
        let mut input = Input(bytes);
        let (mode, flags) = (input.byte(), input.byte());
        let directory = Directory::new();
        let modes: [&[u8]; 6] =
            [b"development", b"staging", b"production", b"prod", b"x", CANARY.as_bytes()];
        let mut options = Options {
            // One in eight has no wish of its own.
            mode: (mode < 224).then(|| OsString::from_vec(modes[usize::from(mode) % 6].to_vec())),
            secrets_dir: vec![directory.0.join("secrets")],
            inherit: (flags & 1 > 0).then_some(InheritChoice::Contract),
            enforce: (flags & 2 > 0).then_some(EnforceChoice::Report),
            ..Options::default()
        };
        if flags & 4 > 0 {
            options.fingerprint_key_file = Some(directory.write("key", "5a".repeat(32).as_bytes()));
        }
        fs::create_dir(directory.0.join("secrets")).unwrap();
        let (mut entries, mut lines, mut program) = (Vec::new(), Vec::new(), Vec::new());
        while input.has_more() && entries.len() < 64 {
            let mut record = Input(input.piece());
            let kind = record.byte();
            match kind % 8 {
                0..=2 => {
                    let name = CONTRACT.names[usize::from(record.byte()) % CONTRACT.names.len()];
                    let value = match name.role {
                        Role::OwnFile | Role::AliasFile(_) => file(&directory, &mut record),
                        Role::Own | Role::Alias(_) => value(CONTRACT.row(name.row), &mut record),
                    };
                    add(&mut entries, name.name.as_bytes(), &value);
                }
                3 => {
                    let name = record.one_of(&OTHERS);
                    add(&mut entries, name.as_bytes(), &without_mark(record.0));
                }
                4 => entry(&mut entries, &without_mark(record.0)),
                5 => {
                    let files = &CONTRACT.files;
                    let file = files[usize::from(record.byte()) % files.len()];
                    let content = value(CONTRACT.row(file.row), &mut record);
                    directory.write(&format!("secrets/{}", file.name), &content);
                }
                6 => {
                    let name = CONTRACT.names[usize::from(record.byte()) % CONTRACT.names.len()];
                    if matches!(name.role, Role::Own | Role::Alias(_)) {
                        lines.extend_from_slice(name.name.as_bytes());
                        lines.push(b'=');
                        lines.extend(value(CONTRACT.row(name.row), &mut record));
                    } else {
                        lines.extend(without_mark(record.0));
                    }
                    lines.push(b'\n');
                }
                _ if program.is_empty() => {
                    program = vec!["/bin/true".into(), OsString::from_vec(without_mark(record.0))];
                }
                _ => options.label.push(String::from_utf8_lossy(&without_mark(record.0)).into()),
            }
        }
        if !lines.is_empty() {
            options.env_file = vec![directory.write("values.env", &lines)];
        }
        program.retain(|word| !word.as_encoded_bytes().contains(&0));
        World { directory, entries, options, program }
    }

    pub fn judge(&self) -> Result<Launch, Vec<Error>> {
        let (options, entries) = (self.options.clone(), self.entries.clone());
        let survey = Survey::take_for(options, false, entries, None, &mut Answers::default())?;
        Ok(Launch::judge(survey, self.program.clone()))
    }

    pub fn directory(&self) -> &Path {
        &self.directory.0
    }
}

/// Where a `*_FILE` leads: to a file of the world, or anywhere below it.
fn file(directory: &Directory, record: &mut Input<'_>) -> Vec<u8> {
    let place = record.byte();
    let own = directory.0.to_string_lossy().into_owned();
    match place % 4 {
        0 => {
            let files = &CONTRACT.files;
            let file = files[usize::from(record.byte()) % files.len()];
            format!("{own}/secrets/{}", file.name).into_bytes()
        }
        1 => {
            // Whose it is nobody knows: no row that shows its value may get the canary.
            directory.write("named", &without_mark(record.0));
            format!("{own}/named").into_bytes()
        }
        2 => format!("{own}/secrets").into_bytes(),
        _ => {
            format!("{own}/absent{}", String::from_utf8_lossy(&without_mark(record.0))).into_bytes()
        }
    }
}

/// A value for a row. In a secret URL the canary is the password, since its host may be shown.
fn value(row: &Row, record: &mut Input<'_>) -> Vec<u8> {
    if !row.secret {
        return without_mark(record.0);
    }
    if !matches!(row.format.kind, Kind::Url { .. }) {
        return with_canary(record.0);
    }
    let scheme = record.one_of(&SCHEMES);
    let rest = record.0;
    let at = rest.iter().position(|&byte| byte == 0xfe).unwrap_or(rest.len());
    let (password, rest) = rest.split_at(at);
    let rest = without_mark(rest.get(1..).unwrap_or_default());
    // A delimiter may stand anywhere in a password, as long as an @ ends it.
    let mut password = with_canary(password);
    if !password.windows(CANARY.len()).any(|part| part == CANARY.as_bytes()) {
        password.extend_from_slice(CANARY.as_bytes());
    }
    [scheme.as_bytes(), b"://user:", &password, b"@", &rest].concat()
}

fn add(entries: &mut Vec<&'static CStr>, name: &[u8], value: &[u8]) {
    let mut text = name.to_vec();
    text.push(b'=');
    text.extend_from_slice(value);
    entry(entries, &text);
}

fn entry(entries: &mut Vec<&'static CStr>, text: &[u8]) {
    // What would lead out of the world, or write.
    const OUT: [&[u8]; 6] = [
        b"NEXIS_LAUNCH_CONTRACT",
        b"NEXIS_LAUNCH_PROVIDER",
        b"NEXIS_LAUNCH_LOG",
        b"NEXIS_LAUNCH_LEDGER",
        b"NEXIS_LAUNCH_SECRETS_DIR",
        b"NEXIS_LAUNCH_ENV_FILE",
    ];
    let text: Vec<u8> = text.iter().copied().filter(|&byte| byte != 0).collect();
    if OUT.iter().any(|name| text.starts_with(name)) {
        return;
    }
    if let Ok(text) = CString::new(text) {
        // The kernel's own array lives as long as the process too.
        entries.push(Box::leak(text.into_boxed_c_str()));
    }
}
