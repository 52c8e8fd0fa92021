//! Env files: `NAME=VALUE` lines (interface section 3), parsed without looking at any variable.
//!
//! - Blank lines and lines that begin with `#` are passed over; `export ` may stand before a name.
//! - A name is `[A-Za-z_][A-Za-z0-9_]*`, and `=` follows it at once.
//! - An unquoted value ends at white space followed by `#`, or at the line's end, and is trimmed.
//! - `'…'` is literal. `"…"` knows `\n`, `\t`, `\"`, `\\` and `\$`; another backslash is an
//!   error, since tools differ in what they make of it. After the closing quote only white space
//!   and a comment may stand.
//! - A quoted value may span lines, as keys in PEM do. An error in it is one of its first line,
//!   and reading goes on at the second.
//! - Nothing is interpolated: `$` and a backquote are themselves.
//! - Line ends may be CRLF, inside quotes too: the value then has `\n`. A byte order mark at the
//!   start of the file belongs to no name and is passed over.
//! - A NUL, or anything else, is an error with its line's number, never with its text.

use crate::secret::Secret;
use zeroize::Zeroize;

/// The most bytes of an env file.
pub const LIMIT: usize = 1024 * 1024;

/// A file with more errors than this is none that somebody wrote as an env file; only so many
/// are said.
pub const MOST_ERRORS: usize = 20;

/// One definition.
#[derive(Debug)]
pub struct Entry {
    /// The name.
    pub name: String,
    /// The value.
    pub value: Secret,
    /// The line it begins on; the first is 1.
    pub line: usize,
    /// Whether a shell would put another text in the place of a part of it.
    pub expandable: bool,
}

/// A line that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The line; the first is 1.
    pub line: usize,
    /// What is wrong, in fixed words.
    pub what: &'static str,
}

/// Parses a whole file: what is right, and what is wrong.
pub fn parse(content: &[u8]) -> (Vec<Entry>, Vec<Wrong>) {
    let mut rest = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let (mut entries, mut wrong) = (Vec::new(), Vec::new());
    let mut line = 1;
    while !rest.is_empty() {
        let mut next = after_line(rest);
        match definition(rest) {
            Ok(None) => {}
            Ok(Some((name, value, used))) => {
                let (definition, end) = rest.split_at_checked(used).unwrap_or((rest, &[]));
                next = after_line(end);
                let expandable = is_expandable(definition);
                entries.push(Entry { name, value, line, expandable });
            }
            Err(what) if wrong.len() < MOST_ERRORS => wrong.push(Wrong { line, what }),
            Err(_) => break,
        }
        let used = rest.len() - next.len();
        line += rest.iter().take(used).filter(|&&byte| byte == b'\n').count();
        rest = next;
    }
    (entries, wrong)
}

/// What follows the first line end.
fn after_line(text: &[u8]) -> &[u8] {
    match text.iter().position(|&byte| byte == b'\n') {
        Some(at) => text.get(at + 1..).unwrap_or_default(),
        None => &[],
    }
}

/// The text up to the first line end, without a CR before it.
fn line_of(text: &[u8]) -> &[u8] {
    let line = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn is_space(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

fn skip_space(text: &[u8]) -> &[u8] {
    let at = text.iter().position(|&byte| !is_space(byte)).unwrap_or(text.len());
    text.get(at..).unwrap_or_default()
}

/// The definition that `text` begins with, and how many bytes of it were used; `None` where its
/// first line is blank or a comment.
fn definition(text: &[u8]) -> Result<Option<(String, Secret, usize)>, &'static str> {
    let line = line_of(text);
    if line.contains(&0) {
        return Err("a NUL byte");
    }
    let start = skip_space(line);
    if start.is_empty() || start.starts_with(b"#") {
        return Ok(None);
    }
    let start = match start.strip_prefix(b"export") {
        Some(after) if after.first().is_some_and(|&byte| is_space(byte)) => skip_space(after),
        _ => start,
    };
    let Some(equals) = start.iter().position(|&byte| byte == b'=') else {
        return Err("no = after the name");
    };
    let (name, value) = start.split_at_checked(equals).ok_or("no = after the name")?;
    let name = name_of(name).ok_or_else(|| match name.iter().position(|&byte| is_space(byte)) {
        None => "the text before = is not a name",
        // As shells and other readers of such files have it; most of them refuse it too.
        Some(at) if skip_space(name.get(at..).unwrap_or_default()).is_empty() => {
            "white space between the name and ="
        }
        Some(_) => "white space in the text before =",
    })?;
    let value = value.get(1..).unwrap_or_default();
    // The value's place in the whole text, so that a quoted one may go on after the line.
    let before = line.len() - skip_space(value).len();
    match skip_space(value).first() {
        Some(b'\'') => {
            let (value, used) = single_quoted(text.get(before..).unwrap_or_default())?;
            Ok(Some((name, value, before + used)))
        }
        Some(b'"') => {
            let (value, used) = double_quoted(text.get(before..).unwrap_or_default())?;
            Ok(Some((name, value, before + used)))
        }
        _ => Ok(Some((name, Secret::new(unquoted(value).to_vec()), line.len()))),
    }
}

/// A name of letters, digits and underscores that does not begin with a digit.
fn name_of(text: &[u8]) -> Option<String> {
    let valid = text.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !text.first()?.is_ascii_digit();
    valid.then(|| String::from_utf8_lossy(text).into_owned())
}

/// Whether `$NAME`, `${` or `$(` stands in a definition outside of single quotes and without a
/// backslash before it: whoever wrote that may expect what a shell does.
fn is_expandable(definition: &[u8]) -> bool {
    let value = definition.splitn(2, |&byte| byte == b'=').nth(1).unwrap_or_default();
    let value = skip_space(value);
    let value = if value.starts_with(b"\"") { value } else { unquoted(line_of(value)) };
    let begins = |byte: u8| byte.is_ascii_alphabetic() || b"_{(".contains(&byte);
    let dollar = |at: usize| at == 0 || value.get(at - 1) != Some(&b'\\');
    !value.starts_with(b"'")
        && value
            .windows(2)
            .enumerate()
            .any(|(at, pair)| matches!(pair, [b'$', next] if begins(*next)) && dollar(at))
}

fn unquoted(value: &[u8]) -> &[u8] {
    let comment = value
        .windows(2)
        .position(|pair| matches!(pair, [space, b'#'] if is_space(*space)))
        .unwrap_or(value.len());
    value.get(..comment).unwrap_or_default().trim_ascii()
}

/// Reads from the opening quote; also says how many bytes were used, the closing quote included.
fn single_quoted(text: &[u8]) -> Result<(Secret, usize), &'static str> {
    let inner = text.get(1..).unwrap_or_default();
    let end = inner.iter().position(|&byte| byte == b'\'').ok_or("a quote that is not closed")?;
    let inner = inner.get(..end).unwrap_or_default();
    if inner.contains(&0) {
        return Err("a NUL byte");
    }
    closed(text, end + 2)?;
    let mut value = Vec::with_capacity(inner.len());
    for (at, &byte) in inner.iter().enumerate() {
        if byte != b'\r' || inner.get(at + 1) != Some(&b'\n') {
            value.push(byte);
        }
    }
    Ok((Secret::new(value), end + 2))
}

/// The same for double quotes.
fn double_quoted(text: &[u8]) -> Result<(Secret, usize), &'static str> {
    let end = double_quote_end(text).ok_or("a quote that is not closed")?;
    closed(text, end + 1)?;
    // Never longer than what stands in the file, so the buffer is not moved while it fills and
    // leaves no copy behind.
    let mut value = Vec::with_capacity(end);
    let mut bytes = text.iter().take(end).copied().skip(1).peekable();
    let wrong = loop {
        match bytes.next() {
            None => return Ok((Secret::new(value), end + 1)),
            Some(0) => break "a NUL byte",
            Some(b'\\') => value.push(match bytes.next() {
                Some(b'n') => b'\n',
                Some(b't') => b'\t',
                Some(same @ (b'"' | b'\\' | b'$')) => same,
                _ => break r#"a backslash that is none of \n \t \" \\ \$"#,
            }),
            Some(b'\r') if bytes.peek() == Some(&b'\n') => {}
            Some(other) => value.push(other),
        }
    };
    value.zeroize();
    Err(wrong)
}

/// Where the closing quote is: the first that no backslash stands before.
fn double_quote_end(text: &[u8]) -> Option<usize> {
    let mut bytes = text.iter().enumerate().skip(1);
    while let Some((at, &byte)) = bytes.next() {
        match byte {
            b'"' => return Some(at),
            b'\\' => _ = bytes.next(),
            _ => {}
        }
    }
    None
}

/// Holds that nothing but white space and a comment follows the closing quote.
fn closed(text: &[u8], used: usize) -> Result<(), &'static str> {
    let after = line_of(text.get(used..).unwrap_or_default());
    let comment = skip_space(after);
    match comment.first() {
        None => Ok(()),
        Some(b'#') if comment.len() < after.len() => Ok(()),
        Some(_) => Err("text after the closing quote"),
    }
}
