//! Writing: what people and machines read. Nothing here panics on a closed pipe, and every text
//! that comes from outside is escaped before it is shown.

use crate::error::{Error, Status};
use crate::sys::{descriptor, process, wait};
use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How long a reader of standard error that has fallen behind is waited for. It is best effort:
/// a full log never stops a service.
const PATIENCE: Duration = Duration::from_secs(1);
/// A write of this much to a pipe that can be written does not wait (pipe(7), PIPE_BUF).
const PIECE: usize = 4096;

/// Whether standard error was waited for in vain: a log of many lines waits once, not once a line.
static BEHIND: AtomicBool = AtomicBool::new(false);

/// Writes to standard error as far as that goes, and gives up silently.
pub fn to_stderr(text: &str) {
    let patience = if BEHIND.load(Relaxed) { Duration::ZERO } else { PATIENCE };
    let written = patiently(io::stderr().as_fd(), text.as_bytes(), Instant::now() + patience);
    let late = written.is_err_and(|error| error.kind() == io::ErrorKind::TimedOut);
    BEHIND.store(late, Relaxed);
}

/// Writes a command's result to standard output.
///
/// # Errors
/// [`Status::CannotWrite`], unless the reader went away, which is the reader's choice.
pub fn to_stdout(text: &str) -> Result<(), Error> {
    bytes_to_stdout(text.as_bytes())
}

/// The same for bytes, which a value that was asked for may be.
///
/// # Errors
/// As of [`to_stdout`].
pub fn bytes_to_stdout(bytes: &[u8]) -> Result<(), Error> {
    match descriptor::write_all(io::stdout().as_fd(), bytes) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::new(
            Status::CannotWrite,
            format!("cannot write to standard output: {}", process::describe(&error)),
        )),
        _ => Ok(()),
    }
}

/// Writes all of `bytes`, waiting for a slow reader until the deadline.
///
/// # Errors
/// What write(2) reports; `TimedOut` where the reader takes nothing until the deadline.
pub fn patiently(fd: BorrowedFd<'_>, bytes: &[u8], deadline: Instant) -> io::Result<()> {
    patiently_by(fd, bytes, deadline, |fd, rest| {
        descriptor::write(fd, rest.get(..PIECE).unwrap_or(rest))
    })
}

/// The same with another way to write, which must not wait itself.
///
/// # Errors
/// What that reports; `TimedOut` where the reader takes nothing until the deadline.
pub fn patiently_by(
    fd: BorrowedFd<'_>,
    mut bytes: &[u8],
    deadline: Instant,
    write: impl Fn(BorrowedFd<'_>, &[u8]) -> io::Result<usize>,
) -> io::Result<()> {
    while !bytes.is_empty() {
        if !wait::until_writable(fd, deadline)? {
            return Err(io::ErrorKind::TimedOut.into());
        }
        match write(fd, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock
                ) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// An error as people read it: `nexis-launch: …`, then `hint: …`.
pub fn error_text(error: &Error) -> String {
    let mut text = format!("nexis-launch: {}\n", escape(&error.message));
    if let Some(hint) = &error.hint {
        let _ = writeln!(text, "hint: {}", escape(hint));
    }
    text
}

/// `text` with everything escaped that a terminal or a log would not show as it is: control
/// characters (C0, DEL, C1), line and paragraph separators, and the characters that reorder what
/// is displayed (Unicode bidirectional controls) or have no width, so that two names look like one.
pub fn escape(text: &str) -> Cow<'_, str> {
    if is_printable(text.as_bytes()) || !text.chars().any(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_hostile(character) {
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(character));
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// Whether there are only printable ASCII characters, as in nearly all text; eight at a time.
pub fn is_printable(bytes: &[u8]) -> bool {
    const ONES: u64 = u64::MAX / 255;
    // The high bit of a byte ends up set where it was, where 0x20 cannot be taken off, and where
    // it was 0x7f. What is carried on comes from a byte that is a hit already.
    let odd = |eight: [u8; 8]| {
        let word = u64::from_le_bytes(eight);
        (word | word.wrapping_sub(0x20 * ONES) | word.wrapping_add(ONES)) & (0x80 * ONES)
    };
    let (whole, rest) = bytes.as_chunks::<8>();
    let fine = whole.iter().fold(0, |any, &eight| any | odd(eight)) == 0;
    fine && match bytes.last_chunk::<8>() {
        // Some are looked at twice, which costs less than one at a time.
        Some(&last) => odd(last) == 0,
        None => rest.iter().all(|byte| (0x20..0x7f).contains(byte)),
    }
}

/// Appends the decimal digits of a number, which `write!` takes ten times the instructions for.
pub fn push_number(text: &mut String, number: usize) {
    if number >= 10 {
        push_number(text, number / 10);
    }
    text.push(char::from(b'0' + (number % 10) as u8));
}

fn is_hostile(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{061c}')
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
        || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::{escape, is_printable, patiently, push_number};
    use std::io::{ErrorKind, Read, pipe};
    use std::os::fd::AsFd;
    use std::time::{Duration, Instant};

    #[test]
    fn all_is_written_and_a_reader_that_went_away_is_an_error_at_once() {
        let (mut reader, writer) = pipe().expect("a pipe");
        let text = vec![b'a'; 9000];
        let deadline = Instant::now() + Duration::from_secs(60);
        patiently(writer.as_fd(), &text, deadline).expect("all is written");
        drop(writer);
        let mut read = Vec::new();
        reader.read_to_end(&mut read).expect("it is read");
        assert_eq!(read, text);
        let (reader, writer) = pipe().expect("a pipe");
        drop(reader);
        let gone = patiently(writer.as_fd(), &text, deadline).map_err(|error| error.kind());
        assert_eq!(gone, Err(ErrorKind::BrokenPipe));
    }

    #[test]
    fn a_reader_that_takes_nothing_is_given_up() {
        let (_reader, writer) = pipe().expect("a pipe");
        let text = vec![b'a'; 1 << 21];
        let late = patiently(writer.as_fd(), &text, Instant::now()).map_err(|error| error.kind());
        assert_eq!(late, Err(ErrorKind::TimedOut));
    }

    /// Byte by byte, where the other way looks at eight together.
    #[test]
    fn every_byte_at_every_place_is_known_as_printable_or_not() {
        for length in 0..=17 {
            for place in 0..length {
                for byte in 0..=u8::MAX {
                    let mut text = vec![b'a'; length];
                    text[place] = byte;
                    let expected = (0x20..0x7f).contains(&byte);
                    assert_eq!(is_printable(&text), expected, "{byte:#x} at {place} of {length}");
                }
            }
            assert!(is_printable(&vec![b' '; length]) && is_printable(&vec![b'~'; length]));
        }
    }

    #[test]
    fn the_same_character_twice_is_escaped_twice() {
        assert_eq!(escape("\u{7f}aaaaaaa\u{7f}aaaaaaa"), "\\u{7f}aaaaaaa\\u{7f}aaaaaaa");
        assert!(!is_printable(b"\x7faaaaaaa\x7faaaaaaaaaaaaaaa"));
        for character in [
            '\u{2028}', '\u{2029}', '\u{200e}', '\u{200f}', '\u{61c}', '\u{202a}', '\u{202e}',
            '\u{2066}', '\u{2069}', '\u{feff}', '\u{85}',
        ] {
            let shown = format!("a\\u{{{:x}}}b", u32::from(character));
            assert_eq!(escape(&format!("a{character}b")), shown);
        }
    }

    #[test]
    fn numbers_are_decimal() {
        for number in [0, 9, 10, 11, 99, 100, 65535, usize::MAX] {
            let mut text = String::from("n=");
            push_number(&mut text, number);
            assert_eq!(text, format!("n={number}"));
        }
    }

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        assert_eq!(
            escape("a\u{1b}[2Jb\nc\u{9b}d\u{202e}e"),
            "a\\u{1b}[2Jb\\u{a}c\\u{9b}d\\u{202e}e"
        );
        assert_eq!(escape("plain Ünïcödé text"), "plain Ünïcödé text");
    }
}
