//! How far a scan is, on a terminal.

use crate::output::to_stderr;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// How often it is drawn.
const INTERVAL: Duration = Duration::from_millis(100);
/// How many characters the bar has.
const WIDTH: u64 = 24;
/// How much of a name fits behind it, on a terminal of 80 columns.
const NAME: usize = 24;

/// A bar on standard error, or none.
pub struct Progress {
    /// When it is drawn next; none: there is no terminal.
    next: Option<Instant>,
    /// What is expected in all, in bytes; 0: nobody knows.
    total: u64,
    /// What of it is done.
    done: u64,
    /// What was done at the beginning of the file that is read.
    before: u64,
    name: String,
    drawn: bool,
}

impl Progress {
    /// A bar if it is to be `shown`.
    pub fn new(shown: bool) -> Self {
        let next = shown.then(|| Instant::now() + INTERVAL);
        Progress { next, total: 0, done: 0, before: 0, name: String::new(), drawn: false }
    }

    pub(super) const fn is_shown(&self) -> bool {
        self.next.is_some()
    }

    pub(super) fn expect(&mut self, total: u64) {
        self.total = total;
    }

    /// Says what is read from here on; `name` may be shown.
    pub(super) fn shows(&mut self, name: &str) {
        self.before = self.done;
        if self.is_shown() {
            let cut = name.chars().count().saturating_sub(NAME);
            self.name = name.chars().skip(cut).collect();
        }
    }

    pub(super) fn advance(&mut self, bytes: u64, found: u64) {
        self.done += bytes;
        let Some(next) = self.next else { return };
        let now = Instant::now();
        if now < next {
            return;
        }
        self.next = Some(now + INTERVAL);
        self.drawn = true;
        to_stderr(&self.line(found));
    }

    /// Says that a file of this size is read. What it became by decompression does not count.
    pub(super) fn passed(&mut self, size: u64) {
        if size > 0 {
            self.done = self.before + size;
        }
    }

    /// The bar, in place of the former one.
    fn line(&self, found: u64) -> String {
        let mut line = "\r\x1b[K".to_owned();
        if let Some(full) = (self.done.min(self.total) * WIDTH).checked_div(self.total) {
            let percent = self.done.min(self.total) * 100 / self.total;
            line.push('[');
            (0..WIDTH).for_each(|at| line.push(if at < full { '#' } else { ' ' }));
            let _ = write!(line, "] {percent:3}% ");
        }
        let _ = write!(line, "{} MB, {found} found, {}", self.done / 1_000_000, self.name);
        line
    }

    /// Takes the bar away, until it is drawn again.
    pub(super) fn end(&mut self) {
        if std::mem::take(&mut self.drawn) {
            to_stderr("\r\x1b[K");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_fills_up_and_a_long_name_is_cut_at_its_front() {
        let mut progress = Progress::new(true);
        progress.expect(200);
        progress.shows("/var/log/a/very/long/path/to/app.log");
        progress.done = 100;
        let line = progress.line(3);
        assert_eq!(line.matches('#').count(), 12, "{line:?}");
        assert!(line.contains(" 50% 0 MB, 3 found, "), "{line:?}");
        assert!(line.ends_with("path/to/app.log"), "{line:?}");
        progress.passed(200);
        assert!(progress.line(3).contains("100%"), "{line:?}");
        assert!(!Progress::new(false).is_shown());
    }
}
