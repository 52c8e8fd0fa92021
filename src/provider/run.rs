//! Providers at work, side by side in one loop: each until its answer is whole, its time is over or
//! it wrote too much; nothing of what they write is shown.

use super::answer;
use super::keep::Keep;
use crate::contract::model::Provider;
use crate::finding::{Kept, Trouble};
use crate::secret::Secret;
use crate::sys::child::{Child, Command, End, Ended, Stage};
use crate::sys::fs::{self, Errno, errno_words};
use crate::sys::nursery::Nursery;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};
use zeroize::Zeroize;

/// How long a provider has between TERM and KILL.
const GRACE: Duration = Duration::from_millis(500);
/// How long a killed one is waited for.
const LAST: Duration = Duration::from_millis(250);
/// The pause before the first further attempt; each later one is twice as long, up to the longest.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// What an answer is given room for at first.
const ROOM: usize = 16 * 1024;
/// So often standard error is read before the others have their turn.
const TURNS: usize = 16;

/// A provider with all that it is started with.
pub(super) struct Job<'a> {
    provider: &'static Provider,
    command: Command<'a>,
    keep: Option<Keep<'a>>,
    /// When its time is over, and how long that was, in milliseconds.
    until: Instant,
    time: u32,
    retries: u8,
    pause: Duration,
    state: State,
    stderr: u64,
}

enum State {
    /// It is to be started then.
    Due(Instant),
    Running(Box<Running>),
    Over(Result<Secret, Trouble>),
}

/// One attempt.
struct Running {
    child: Child,
    buffer: Buffer,
    output_is_open: bool,
    errors_are_open: bool,
    has_ended: bool,
    /// What it is being ended for, how far that has come, and when the next step is due.
    ending: Option<(Trouble, End, Instant)>,
}

/// What became of a provider.
pub(super) struct Outcome {
    /// Its whole answer.
    pub(super) answer: Result<Secret, Trouble>,
    /// How much it wrote to standard error.
    pub(super) stderr: u64,
    /// What became of it, where it was to be kept.
    pub(super) kept: Option<Kept>,
}

/// Runs the jobs to their ends, none longer than its time and the grace, and leaves nothing of them.
pub(super) fn all(mut jobs: Vec<Job<'_>>) -> Vec<Outcome> {
    let mut nursery = match Nursery::open() {
        Ok(nursery) => nursery,
        Err(errno) => {
            let why = match errno {
                Errno::ENOENT => "/proc or /dev/null is not there",
                errno => errno_words(errno),
            };
            let trouble = Trouble::NotStarted(why);
            return jobs.into_iter().map(|job| job.outcome(Some(trouble))).collect();
        }
    };
    loop {
        for job in &mut jobs {
            job.step(&mut nursery);
        }
        let Some(next) = jobs.iter().filter_map(Job::due).min() else { break };
        let watched: Vec<BorrowedFd<'_>> = jobs.iter().flat_map(Job::watched).collect();
        let told = jobs.iter().all(Job::is_told);
        nursery.wait(&watched, next, told);
    }
    // What could not be ended must not see the program start.
    let left = (!nursery.close()).then_some(Trouble::NotEnded);
    jobs.into_iter().map(|job| job.outcome(left)).collect()
}

impl<'a> Job<'a> {
    pub(super) fn new(
        provider: &'static Provider,
        command: Command<'a>,
        keep: Option<Keep<'a>>,
        (start, end): (Instant, Instant),
    ) -> Self {
        let time = Duration::from_millis(provider.timeout.into());
        let until = (start + time).min(end);
        let time = until.saturating_duration_since(start).as_millis();
        Job {
            provider,
            command,
            keep,
            until,
            time: u32::try_from(time).unwrap_or(provider.timeout),
            retries: provider.retries,
            pause: PAUSE,
            state: State::Due(start),
            stderr: 0,
        }
    }

    fn outcome(self, instead: Option<Trouble>) -> Outcome {
        let answer = match (instead, self.state) {
            (Some(trouble), _) => Err(trouble),
            (None, State::Over(result)) => result,
            (None, _) => Err(Trouble::NotEnded),
        };
        Outcome { answer, stderr: self.stderr, kept: self.keep.and_then(Keep::end) }
    }

    /// When something is to be done even if nothing is to be read; nothing once it is over.
    fn due(&self) -> Option<Instant> {
        match &self.state {
            State::Due(start) => Some(*start),
            State::Running(running) => Some(running.ending.map_or(self.until, |(_, _, due)| due)),
            State::Over(_) => None,
        }
    }

    /// What tells that something is to be done.
    fn watched(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let running = if let State::Running(running) = &self.state { Some(running) } else { None };
        running.into_iter().flat_map(|running| {
            let reads = running.ending.is_none();
            let output = (reads && running.output_is_open).then(|| running.child.output.as_fd());
            let errors = (reads && running.errors_are_open).then(|| running.child.errors.as_fd());
            output.into_iter().chain(errors).chain(running.child.end())
        })
    }

    /// Whether the kernel tells of its end.
    fn is_told(&self) -> bool {
        match &self.state {
            State::Running(running) => running.has_ended || running.child.end().is_some(),
            _ => true,
        }
    }

    /// Does what is to be done now.
    fn step(&mut self, nursery: &mut Nursery) {
        if let State::Due(start) = self.state
            && Instant::now() >= start
        {
            self.state = match nursery.start(&self.command) {
                Ok(child) => State::Running(Box::new(Running {
                    child,
                    buffer: Buffer::new(answer::limit(self.provider.answer)),
                    output_is_open: true,
                    errors_are_open: true,
                    has_ended: false,
                    ending: None,
                })),
                Err(errno) => State::Over(Err(not_started(Stage::Setup, errno))),
            };
        }
        let State::Running(running) = &mut self.state else { return };
        // Before its output is read: what was written before the end is then in it.
        running.has_ended = running.has_ended || running.child.has_ended();
        if running.ending.is_none() {
            let read = running.read_output();
            self.stderr += running.read_errors(&mut self.keep);
            if let Err(trouble) = read {
                running.end(trouble, End::Kill);
            }
        }
        let now = Instant::now();
        let is_whole = running.ending.is_none() && running.has_ended && !running.output_is_open;
        if !is_whole && running.ending.is_none() && now >= self.until {
            let trouble = match running.has_ended {
                true => Trouble::KeptOpen(self.time),
                false => Trouble::TimedOut(self.time),
            };
            running.end(trouble, End::Terminate);
        }
        if let Some((trouble, how, due)) = running.ending
            && !running.has_ended
            && now >= due
            && how == End::Terminate
        {
            running.end(trouble, End::Kill);
        }
        let is_stuck = matches!(running.ending, Some((_, End::Kill, due)) if now >= due);
        if is_whole || running.has_ended && running.ending.is_some() || is_stuck {
            self.finish(nursery);
        }
    }

    /// Takes what an attempt came to, and makes the next where that may help.
    fn finish(&mut self, nursery: &mut Nursery) {
        let now = Instant::now();
        let State::Running(running) = std::mem::replace(&mut self.state, State::Due(now)) else {
            return;
        };
        let Running { child, buffer, has_ended, ending, .. } = *running;
        let answer = buffer.into_secret();
        let ended = if has_ended {
            Some(nursery.reap(child))
        } else {
            nursery.abandon(child);
            None
        };
        let result = match (ended, ending) {
            (Some(Ended::NotStarted(stage, errno)), _) => Err(not_started(stage, errno)),
            (_, Some((trouble, ..))) => Err(trouble),
            (Some(Ended::Status(0)), None) => {
                answer::parse(self.provider.answer, &answer).map(drop).map(|()| answer)
            }
            (Some(Ended::Status(status)), None) => Err(Trouble::Status(status)),
            (Some(Ended::Signal(signal)), None) => Err(Trouble::Signal(signal)),
            (None, None) => Err(Trouble::NotEnded),
        };
        let again = now + self.pause;
        self.state = match result {
            Err(trouble) if self.retries > 0 && !trouble.is_lasting() && again < self.until => {
                self.retries -= 1;
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                State::Due(again)
            }
            result => State::Over(result),
        };
    }
}

/// Why a program did not begin. Where the machine is short of something, trying again may help.
fn not_started(stage: Stage, errno: Errno) -> Trouble {
    let passing = matches!(
        errno,
        Errno::EAGAIN | Errno::ENOMEM | Errno::EMFILE | Errno::ENFILE | Errno::ETXTBSY
    );
    match stage {
        Stage::Exec if !passing => Trouble::NotExecutable(errno_words(errno)),
        Stage::User if !passing => Trouble::User(errno_words(errno)),
        // fork(2) and setresuid(2) say that so.
        _ if errno == Errno::EAGAIN => Trouble::NotStarted("EAGAIN (too many processes)"),
        _ => Trouble::NotStarted(errno_words(errno)),
    }
}

impl Running {
    /// Begins to end it.
    fn end(&mut self, trouble: Trouble, how: End) {
        self.child.signal(how);
        let time = if how == End::Terminate { GRACE } else { LAST };
        self.ending = Some((trouble, how, Instant::now() + time));
    }

    /// Reads what is there. An answer of which a part could not be read is none.
    fn read_output(&mut self) -> Result<(), Trouble> {
        while self.output_is_open {
            match fs::read(self.child.output.as_fd(), self.buffer.room()) {
                Ok(0) => self.output_is_open = false,
                Ok(got) => self.buffer.filled += got,
                Err(Errno::EAGAIN) => break,
                Err(errno) => return Err(Trouble::NotRead(errno_words(errno))),
            }
            if self.buffer.is_over() {
                return Err(Trouble::TooMuch(self.buffer.limit));
            }
        }
        Ok(())
    }

    /// Reads what is there on standard error and says how much that was.
    fn read_errors(&mut self, keep: &mut Option<Keep<'_>>) -> u64 {
        let mut count = 0;
        let mut piece = [0; 4096];
        for _ in 0..TURNS {
            if !self.errors_are_open {
                break;
            }
            match fs::read(self.child.errors.as_fd(), &mut piece) {
                Ok(got) if got > 0 => {
                    count += got as u64;
                    if let Some(keep) = keep {
                        keep.write(piece.get(..got).unwrap_or_default());
                    }
                }
                Err(Errno::EAGAIN) => break,
                _ => self.errors_are_open = false,
            }
        }
        // A provider may have written its secret there.
        piece.zeroize();
        count
    }
}

/// Room for an answer, with one byte to spare that shows "too much". What is outgrown is wiped.
struct Buffer {
    bytes: Vec<u8>,
    filled: usize,
    limit: usize,
}

impl Buffer {
    fn new(limit: usize) -> Self {
        Buffer { bytes: vec![0; ROOM.min(limit + 1)], filled: 0, limit }
    }

    /// The room that is left.
    fn room(&mut self) -> &mut [u8] {
        if self.filled == self.bytes.len() {
            let mut larger = vec![0; (self.bytes.len() * 4).min(self.limit + 1)];
            if let Some(start) = larger.get_mut(..self.filled) {
                start.copy_from_slice(&self.bytes);
            }
            self.bytes.zeroize();
            self.bytes = larger;
        }
        self.bytes.get_mut(self.filled..).unwrap_or_default()
    }

    fn is_over(&self) -> bool {
        self.filled > self.limit
    }

    fn into_secret(mut self) -> Secret {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.truncate(self.filled);
        Secret::new(bytes)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}
