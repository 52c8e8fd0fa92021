//! The lines of one file: read, and held against one another and against the key.

use super::files::{ENDING, stem};
use super::{Fault, LINE, Mend, Record, SCHEMA};
use crate::fingerprint::{Key, hex};
use crate::output::escape;

/// What stands between the bytes that a MAC covers and the MAC.
const BEFORE_MAC: &str = ",\"mac\":\"";
/// The digits of a MAC.
const MAC_DIGITS: usize = 64;
/// The most bytes of a line.
const LONGEST_LINE: usize = 64 * 1024;

/// The MAC that the first line names as the one before it.
pub fn beginning() -> String {
    "0".repeat(MAC_DIGITS)
}

/// The MAC of a line, from what it covers.
pub fn mac(key: &Key, covered: &str) -> String {
    hex(&key.mac(&[LINE.as_bytes(), covered.as_bytes()]))
}

/// Completes a record: its MAC, and the line with its end.
pub fn seal(key: &Key, record: &mut Record) -> String {
    record.mac.clear();
    let line = record.line();
    record.mac = mac(key, line.strip_suffix('}').unwrap_or(&line));
    record.line() + "\n"
}

/// What is left of a file whose last line has no end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Torn {
    /// Where the line begins, in bytes.
    pub at: usize,
    /// Its number, from 1.
    pub line: usize,
    /// Whether it is a whole record but for its end.
    pub is_whole: bool,
}

/// A file's records, up to the first fault.
#[derive(Debug, Default)]
pub struct Chain {
    /// The records that are whole.
    pub records: Vec<Record>,
    /// What is wrong with the line after them.
    pub fault: Option<Fault>,
    /// Set where that line is the last and has no end: a write that was broken off.
    pub torn: Option<Torn>,
}

/// Reads a name's file. With a key every MAC is verified, without it the form, the numbers and
/// what each line says of the one before.
pub fn read(name: &str, bytes: &[u8], key: Option<&Key>) -> Chain {
    let file = stem(name) + ENDING;
    let mut chain = Chain::default();
    if bytes.is_empty() {
        chain.fault = Some(Fault::whole(&file, "it is empty, which no write leaves behind"));
        return chain;
    }
    let mut at = 0;
    let mut previous = beginning();
    for (number, line) in (1..).zip(bytes.split_inclusive(|&byte| byte == b'\n')) {
        let Some(line) = line.strip_suffix(b"\n") else {
            let rest = line.len();
            let what = format!("its last {rest} bytes have no end: a write was broken off there");
            let fault = Fault::line(&file, number, &what);
            chain.fault = Some(Fault { mend: Mend::Repair, ..fault });
            let is_whole = one(name, number, line, &previous, key).is_ok();
            chain.torn = Some(Torn { at, line: number, is_whole });
            return chain;
        };
        at += line.len() + 1;
        match one(name, number, line, &previous, key) {
            Ok(record) => {
                previous.clone_from(&record.mac);
                chain.records.push(record);
            }
            Err(Wrong { what, mend }) => {
                chain.fault = Some(Fault { mend, ..Fault::line(&file, number, &what) });
                return chain;
            }
        }
    }
    chain
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// As `it …` or `its …`.
    pub what: String,
    /// What is to be done.
    pub mend: Mend,
}

impl From<String> for Wrong {
    fn from(what: String) -> Wrong {
        Wrong { what, mend: Mend::Compare }
    }
}

/// Reads one line without its end.
///
/// # Errors
/// What is wrong with it.
pub fn one(
    name: &str,
    number: usize,
    line: &[u8],
    previous: &str,
    key: Option<&Key>,
) -> Result<Record, Wrong> {
    let fixed = |what: &str| Err(Wrong::from(what.to_owned()));
    if line.ends_with(b"\r") {
        let what = "it ends in CR LF: something changed the line ends, as git does by autocrlf";
        return Err(Wrong { what: what.to_owned(), mend: Mend::LineEnds });
    }
    if [&b"<<<<<<< "[..], b"=======", b">>>>>>> "].iter().any(|mark| line.starts_with(mark)) {
        return fixed("it is a mark of a merge conflict");
    }
    if line.len() > LONGEST_LINE {
        return fixed("it has more than 64 KiB");
    }
    let Ok(text) = std::str::from_utf8(line) else { return fixed("it is not UTF-8") };
    let Ok(record) = serde_json::from_str::<Record>(text) else {
        return fixed("it is no record of a ledger");
    };
    if record.schema != SCHEMA {
        return fixed(&format!("its schema is not {SCHEMA}"));
    }
    // What is covered by the MAC is looked at first: a line that was changed is named as that.
    if let Some(key) = key {
        let covered = text.strip_suffix("\"}").and_then(|text| {
            let (covered, mac) = text.split_at_checked(text.len().checked_sub(MAC_DIGITS)?)?;
            Some((covered.strip_suffix(BEFORE_MAC)?, mac))
        });
        let Some((covered, mac)) = covered else {
            return fixed("it does not end in its MAC");
        };
        if self::mac(key, covered) != mac || record.line() != text {
            let other = &record.ledger_key_id;
            if *other == key.id() || !is_id(other) {
                return fixed("it was changed: its MAC is another one");
            }
            let own = key.id();
            let what =
                format!("it says that it was written under ledger key {other}, this is {own}");
            return Err(Wrong { what, mend: Mend::Key });
        }
    }
    if record.name != name {
        return fixed(&format!("it is a record of {}", escape(&record.name)));
    }
    if record.seq != u64::try_from(number).unwrap_or(u64::MAX) {
        let seq = record.seq;
        return fixed(&format!("it is record {seq}: lines were dropped, added or put elsewhere"));
    }
    if record.previous != previous {
        return fixed("it does not follow the line before");
    }
    Ok(record)
}

/// Whether this is the id of a key: 8 hex digits.
fn is_id(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::is_id;

    #[test]
    fn an_id_is_eight_hexadecimal_digits() {
        for (text, id) in
            [("0123abcd", true), ("0123abc", false), ("0123abcde", false), ("0123abcg", false)]
        {
            assert_eq!(is_id(text), id, "{text}");
        }
    }
}
