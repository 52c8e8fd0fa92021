//! Where records go: the manifest's sink and the audit log.

use crate::error::{Error, Status};
use crate::manifest::{Guard, Manifest, Outcome};
use crate::output::{error_text, escape, patiently, patiently_by, to_stderr};
use crate::settings::{ManifestForm, Settings, Sink};
use crate::sys::descriptor::{self, Opening};
use crate::sys::fs::{self, Kind};
use crate::sys::{process, wait};
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long the audit log's lock, or a slow reader of a named sink, is waited for.
const DEADLINE: Duration = Duration::from_secs(5);
/// How often the lock is tried meanwhile. flock(2) gives it to whoever asks first after it was given
/// back, so one who has waited longer asks more often: of a hundred launches at once none may wait
/// in vain while others come and go.
fn interval(left: Duration) -> Duration {
    match left.as_millis() {
        4500.. => Duration::from_millis(10),
        3000.. => Duration::from_millis(3),
        _ => Duration::from_millis(1),
    }
}

/// Files of records, kept open where the user changes: the new one may not be allowed to open them
/// again for a second record.
#[derive(Debug, Default)]
pub struct Held {
    manifest: Option<OwnedFd>,
    audit_log: Option<OwnedFd>,
}

impl Held {
    /// Opens the files that the settings name. One that cannot be opened is tried again when it is
    /// needed.
    pub fn open(settings: &Settings) -> Held {
        let open = |sink: Option<&Sink>| match sink {
            Some(Sink::File(path)) => descriptor::open_to_write(path, Opening::Append).ok(),
            _ => None,
        };
        let manifest =
            settings.manifest_to.as_ref().filter(|_| settings.manifest != ManifestForm::Off);
        Held { manifest: open(manifest), audit_log: open(settings.audit_log.as_ref()) }
    }
}

/// Refuses a manifest that would take the place of the audit log: its file is emptied first.
///
/// # Errors
/// [`Status::Usage`] where both lead to one file.
pub fn keep_apart(settings: &Settings, guard: Guard<'_>) -> Result<(), Error> {
    let (Some(manifest), Some(log)) = (&settings.manifest_to, &settings.audit_log) else {
        return Ok(());
    };
    let look = |sink: &Sink| match sink {
        Sink::File(path) => fs::look(fs::HERE, path, true).ok(),
        Sink::Descriptor(number) => {
            descriptor::inherited(*number).and_then(|fd| fs::look_at(fd).ok())
        }
        Sink::Stdout => fs::look_at(io::stdout().as_fd()).ok(),
    };
    let same = match (look(manifest), look(log)) {
        // A terminal or a pipe takes both.
        (Some(one), Some(other)) => one.kind == Kind::Regular && one.identity == other.identity,
        (None, None) => match (manifest, log) {
            (Sink::File(one), Sink::File(other)) => {
                std::path::absolute(one).ok() == std::path::absolute(other).ok()
            }
            _ => false,
        },
        _ => false,
    };
    if !same {
        return Ok(());
    }
    let message =
        format!("cannot use {} for both the manifest and the audit log", sink_name(log, guard));
    Err(Error::new(Status::Usage, message)
        .hint("the one would be written over the other; give --manifest-to another file"))
}

/// Writes the manifest where the settings say. `colours` says whether a terminal may have them.
///
/// # Errors
/// [`Status::CannotWrite`] where a named sink does not take it. Standard error is best effort.
pub fn write_manifest(
    manifest: &Manifest,
    settings: &Settings,
    guard: Guard<'_>,
    errors: bool,
    colours: &dyn Fn() -> bool,
) -> Result<(), Error> {
    write(manifest, settings, guard, errors, colours, None)
}

/// The same for the record of a launch that failed after a first record.
///
/// # Errors
/// As [`write_manifest`].
pub fn write_failure(
    manifest: &Manifest,
    settings: &Settings,
    guard: Guard<'_>,
    held: &Held,
    colours: &dyn Fn() -> bool,
) -> Result<(), Error> {
    write(manifest, settings, guard, true, colours, held.manifest.as_ref())
}

fn write(
    manifest: &Manifest,
    settings: &Settings,
    guard: Guard<'_>,
    errors: bool,
    colours: &dyn Fn() -> bool,
    held: Option<&OwnedFd>,
) -> Result<(), Error> {
    let explicit = settings.manifest_to.as_ref();
    let terminal = || match explicit {
        None => io::stderr().is_terminal(),
        Some(Sink::Stdout) => io::stdout().is_terminal(),
        Some(Sink::Descriptor(number)) => {
            descriptor::inherited(*number).is_some_and(|fd| fd.is_terminal())
        }
        Some(Sink::File(_)) => false,
    };
    let text = match settings.manifest {
        ManifestForm::Off => return Ok(()),
        _ if settings.log.quiet && explicit.is_none() && !errors => return Ok(()),
        // Whether it is a terminal is a question to the kernel, asked where it makes a difference.
        ManifestForm::Text if !colours() || !terminal() => manifest.text(),
        ManifestForm::Text => manifest.coloured(),
        ManifestForm::Auto if terminal() => match colours() {
            true => manifest.coloured(),
            false => manifest.text(),
        },
        ManifestForm::Auto | ManifestForm::Json => manifest.json(),
    };
    let Some(sink) = explicit else {
        to_stderr(&text);
        return Ok(());
    };
    // The file holds the records of the latest launch; a second one joins the first.
    let how = match manifest.outcome {
        Outcome::Failed => Opening::Append,
        _ => Opening::Replace,
    };
    let deadline = Instant::now() + DEADLINE;
    let written = match (sink, held) {
        (_, Some(file)) => whole(file, Opening::Append, text.as_bytes(), deadline),
        (Sink::Stdout, None) => patiently(io::stdout().as_fd(), text.as_bytes(), deadline),
        (Sink::Descriptor(number), None) => match descriptor::inherited(*number) {
            Some(fd) => patiently(fd, text.as_bytes(), deadline),
            None => Err(descriptor::closed()),
        },
        (Sink::File(path), None) => {
            // Where there was neither before, the log is there now.
            keep_apart(settings, guard)?;
            descriptor::open_to_write(path, how)
                .and_then(|file| whole(&file, how, text.as_bytes(), deadline))
        }
    };
    written.map_err(|error| cannot_write("manifest", sink, guard, &error))
}

/// Writes a record into its file; one that cannot be written whole is taken back. Of launches at
/// once each finds the file as the one before it left it.
fn whole(file: &OwnedFd, how: Opening, text: &[u8], deadline: Instant) -> io::Result<()> {
    if fs::look_at(file.as_fd())?.kind != Kind::Regular {
        return patiently(file.as_fd(), text, deadline);
    }
    // Where a file system has no locks, the record is written without one.
    if let Err(busy) = lock(file.as_fd(), deadline)
        && busy.kind() == io::ErrorKind::ResourceBusy
    {
        return Err(busy);
    }
    let before = match how {
        Opening::Append => descriptor::move_to_end(file)?,
        Opening::Replace => descriptor::cut(file, 0).map(|()| 0)?,
    };
    descriptor::write_all(file.as_fd(), text).inspect_err(|_| {
        let _ = descriptor::cut(file, before);
    })
}

/// Whether a manifest of a launch that is not to be goes to standard error.
pub fn is_on_stderr(settings: &Settings) -> bool {
    settings.manifest_to.is_none() && settings.manifest != ManifestForm::Off
}

/// Appends the record to the audit log, if there is one.
///
/// # Errors
/// [`Status::CannotWrite`] where the line is required and could not be written whole.
pub fn append(manifest: &Manifest, settings: &Settings, guard: Guard<'_>) -> Result<(), Error> {
    append_failure(manifest, settings, guard, &Held::default())
}

/// The same for the record of a launch that failed after a first record.
///
/// # Errors
/// As [`append`].
pub fn append_failure(
    manifest: &Manifest,
    settings: &Settings,
    guard: Guard<'_>,
    held: &Held,
) -> Result<(), Error> {
    let Some(sink) = &settings.audit_log else { return Ok(()) };
    let Err(Unsure { error, stays }) = append_once(manifest, sink, held) else { return Ok(()) };
    let error = cannot_write("audit log", sink, guard, &error);
    if !settings.audit_required {
        let allowed = "--audit-required=false lets the launch go on without its record";
        to_stderr(&error_text(&error.hint(allowed)));
        return Ok(());
    }
    // The line may say that a program starts, and none will.
    if stays && !matches!(manifest.outcome, Outcome::Failed | Outcome::Refused) {
        let failed = manifest.failed(error.message.clone(), None);
        if let Err(Unsure { stays: false, .. }) = append_once(&failed, sink, held) {
            return Err(error
                .hint("nothing was started, and what was written there before still says exec"));
        }
    }
    Err(error)
}

/// A line of the audit log that was not written, or is not known to be on the disk.
struct Unsure {
    error: io::Error,
    /// Whether the line stands in the log all the same.
    stays: bool,
}

impl From<io::Error> for Unsure {
    fn from(error: io::Error) -> Self {
        Unsure { error, stays: false }
    }
}

fn append_once(manifest: &Manifest, sink: &Sink, held: &Held) -> Result<(), Unsure> {
    let json = manifest.json();
    // What takes another record back is better there and unsure than not there.
    let line = Line { text: json.as_bytes(), keep: manifest.outcome == Outcome::Failed };
    let deadline = Instant::now() + DEADLINE;
    match (sink, &held.audit_log) {
        (_, Some(file)) => append_to(file.as_fd(), line, deadline),
        (Sink::File(path), None) => append_at(path, line, deadline),
        (Sink::Descriptor(number), None) => match descriptor::inherited(*number) {
            Some(fd) => append_to(fd, line, deadline),
            None => Err(descriptor::closed().into()),
        },
        (Sink::Stdout, None) => Ok(()),
    }
}

/// A line that is to be appended.
#[derive(Clone, Copy)]
struct Line<'a> {
    text: &'a [u8],
    /// Whether it stays where it was written whole and the disk did not confirm it.
    keep: bool,
}

/// The name of a sink in messages.
fn sink_name(sink: &Sink, guard: Guard<'_>) -> String {
    match sink {
        Sink::Stdout => "standard output".to_owned(),
        Sink::Descriptor(number) => format!("descriptor {number}"),
        Sink::File(path) => guard.text(&path.to_string_lossy()).to_string(),
    }
}

fn cannot_write(what: &str, sink: &Sink, guard: Guard<'_>, error: &io::Error) -> Error {
    let cause = match error.kind() {
        io::ErrorKind::TimedOut => "nothing was taken within 5 s".to_owned(),
        io::ErrorKind::ResourceBusy => "another process kept it locked for 5 s".to_owned(),
        io::ErrorKind::PermissionDenied if error.raw_os_error().is_none() => {
            "a symbolic link of another user leads there".to_owned()
        }
        _ => process::describe(error),
    };
    let message =
        format!("cannot write the {what} to {}: {}", sink_name(sink, guard), escape(&cause));
    Error::new(Status::CannotWrite, message)
        .hint("nothing was started; make it writable, or name another place")
}

/// Appends the line to the file at this path. One that was moved away or removed while its lock was
/// waited for is not what the operator reads any more: then the path is opened anew.
fn append_at(path: &Path, line: Line<'_>, deadline: Instant) -> Result<(), Unsure> {
    loop {
        let file = descriptor::open_to_write(path, Opening::Append)?;
        let kind = fs::look_at(file.as_fd()).map_err(io::Error::from)?.kind;
        if kind != Kind::Regular {
            return Ok(append_to_stream(file.as_fd(), kind, line.text, deadline)?);
        }
        let is_there = || match (fs::look_at(file.as_fd()), fs::look(fs::HERE, path, true)) {
            (Ok(opened), Ok(now)) => opened.identity == now.identity,
            _ => false,
        };
        if !lock(file.as_fd(), deadline)? || is_there() {
            return append_locked(file.as_fd(), line);
        }
    }
}

/// Appends the line to an open file, or writes it to what has no end: a pipe, a socket, a terminal.
fn append_to(fd: BorrowedFd<'_>, line: Line<'_>, deadline: Instant) -> Result<(), Unsure> {
    let kind = fs::look_at(fd).map_err(io::Error::from)?.kind;
    if kind != Kind::Regular {
        return Ok(append_to_stream(fd, kind, line.text, deadline)?);
    }
    lock(fd, deadline)?;
    append_locked(fd, line)
}

/// Writes the line so that those of launches at once do not cut into each other. What is written to
/// a pipe in pieces of more than PIPE_BUF (pipe(7)) may have others' between them, so it is locked;
/// the lock is of an open file, and the caller's may be shared with the others. A socket takes a
/// line whole where it has room.
fn append_to_stream(
    fd: BorrowedFd<'_>,
    kind: Kind,
    line: &[u8],
    deadline: Instant,
) -> io::Result<()> {
    match kind {
        Kind::Pipe => match descriptor::own_end(fd) {
            Some(own) => {
                lock(own.as_fd(), deadline)?;
                patiently_by(own.as_fd(), line, deadline, descriptor::write)
            }
            None => patiently(fd, line, deadline),
        },
        Kind::Socket => patiently_by(fd, line, deadline, descriptor::send),
        _ => patiently(fd, line, deadline),
    }
}

/// Takes the file's lock, and says whether it was waited for.
fn lock(fd: BorrowedFd<'_>, deadline: Instant) -> io::Result<bool> {
    let mut waited = false;
    while !descriptor::try_lock(fd)? {
        waited = true;
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::ResourceBusy.into());
        }
        wait::pause(interval(left))?;
    }
    Ok(waited)
}

/// Writes one line at the end of a locked file, whole or not at all: a line that was cut off by an
/// earlier crash is ended first, and one that cannot be written whole is taken back. The lock is
/// given back.
fn append_locked(fd: BorrowedFd<'_>, line: Line<'_>) -> Result<(), Unsure> {
    // An inherited descriptor may have been opened without O_APPEND.
    let size = descriptor::move_to_end(fd)?;
    let torn = size > 0 && descriptor::byte_at(fd, size - 1).is_some_and(|byte| byte != b'\n');
    let mut text = Vec::with_capacity(line.text.len() + 1);
    if torn {
        text.push(b'\n');
    }
    text.extend_from_slice(line.text);
    let written = descriptor::write_all(fd, &text);
    if written.is_err() {
        let _ = descriptor::cut(fd, size);
    }
    descriptor::unlock(fd);
    written?;
    // Without the lock, so that the disk can take the lines of many launches at once.
    let Err(error) = descriptor::sync(fd) else { return Ok(()) };
    let mut stays = true;
    if !line.keep && descriptor::try_lock(fd).unwrap_or(false) {
        let end = size + u64::try_from(text.len()).unwrap_or(0);
        // Others may have written behind it; then it stays.
        if descriptor::size_of_regular(fd).is_ok_and(|now| now == Some(end)) {
            stays = descriptor::cut(fd, size).is_err();
        }
        descriptor::unlock(fd);
    }
    Err(Unsure { error, stays })
}
