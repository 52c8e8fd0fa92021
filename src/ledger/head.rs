//! The head: one line that says how many records each name has and how the last one ends. Kept
//! elsewhere, it shows later that none of them is missing.
//!
//! `1:STEM=COUNT.MAC,…:SEAL`: for each file, sorted by its key's name, its stem, the number of its lines and
//! the first 32 digits of the last one's MAC; then the first 16 digits of HMAC-SHA256 under the
//! ledger key over [`HEAD`] and all before the last colon. It has no space and nothing that a
//! shell would take for its own.

use super::Book;
use super::files::{ENDING, name, stem};
use super::{Fault, Mend};
use crate::fingerprint::{Key, hex};

/// What stands before the text where the seal is made.
pub const HEAD: &str = "nexis-launch ledger head v1\n";
/// The digits of a MAC that stand in a head.
const DIGITS: usize = 32;

/// Makes the head of these names, each with the number of records and the last one's MAC.
pub fn make<'a>(key: &Key, last: impl Iterator<Item = (&'a str, usize, &'a str)>) -> String {
    let parts: Vec<String> = last
        .map(|(name, count, mac)| {
            format!("{}={count}.{}", stem(name), mac.get(..DIGITS).unwrap_or_default())
        })
        .collect();
    let text = format!("1:{}", parts.join(","));
    let seal = seal(key, &text);
    format!("{text}:{seal}")
}

fn seal(key: &Key, text: &str) -> String {
    let mac = key.mac(&[HEAD.as_bytes(), text.as_bytes()]);
    hex(mac.get(..8).unwrap_or_default())
}

/// Holds a book that was verified against a head: every record that the head covers has to be
/// there. More records are none of its business, nor is what the book has a fault for, but for a
/// write that was broken off: that hides nothing, as a head is printed after the write.
///
/// # Errors
/// Where the text is no head under this key.
pub fn compare(book: &Book, key: &Key, head: &str) -> Result<Vec<Fault>, &'static str> {
    let (text, seal) = head.trim().rsplit_once(':').ok_or("it is not one line of `ledger head`")?;
    let parts = text.strip_prefix("1:").ok_or("it is not one line of `ledger head`")?;
    if self::seal(key, text) != seal {
        return Err("it was changed, cut off, or made under another ledger key");
    }
    let mut faults = Vec::new();
    for part in parts.split(',').filter(|part| !part.is_empty()) {
        let read = part.split_once('=').and_then(|(stem, rest)| {
            let (count, mac) = rest.split_once('.')?;
            Some((stem, name(stem)?, count.parse::<usize>().ok()?, mac))
        });
        let (stem, name, count, mac) = read.ok_or("it is not one line of `ledger head`")?;
        let file = stem.to_owned() + ENDING;
        let records = book.records(&name);
        let left = book.whole(&name);
        let fault = book.fault(&name);
        let is_torn = fault.is_some_and(|fault| fault.mend == Mend::Repair);
        if records.len() < count && fault.is_some() && (!is_torn || left >= count) {
            // What is behind the fault is not known, and the fault is named already.
            continue;
        }
        if records.is_empty() && !is_torn {
            let what = format!("it is gone, and the head covers {count} of its records");
            faults.push(Fault::whole(&file, &what));
        } else if records.len() < count {
            let are = if left == 1 { "is" } else { "are" };
            let what =
                format!("it is missing: the head covers {count} records and {left} {are} left");
            faults.push(Fault::line(&file, left + 1, &what));
        } else if count
            .checked_sub(1)
            .and_then(|last| records.get(last))
            .is_none_or(|record| !record.mac.starts_with(mac))
        {
            faults.push(Fault::line(&file, count, "it is another record than the head covers"));
        }
    }
    Ok(faults)
}
