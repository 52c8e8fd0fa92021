//! Fingerprints: HMAC-SHA256 under the operator's key. Without a key there is none anywhere; a
//! plain hash would let anyone guess weak values offline.

use crate::finding::{Code, Fact};
use crate::secret::Secret;
use crate::sys::fs::{self, HERE, Kind};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use zeroize::Zeroize;

/// A key file holds 64 hex digits and at most a final newline; one byte more shows "too long".
const KEY_FILE_BYTES: usize = 67;

/// The operator's fingerprint key.
pub struct Key([u8; 32]);

impl Key {
    /// Reads the key: 64 hex digits, one final newline allowed, decoded to 32 bytes (interface
    /// section 1).
    ///
    /// # Errors
    /// The code and particulars of the finding that says why there is none.
    pub fn read(path: &Path) -> Result<Key, (Code, Fact)> {
        Key::read_as(path, "--fingerprint-key-file")
    }

    /// The same of a key that another option names.
    ///
    /// # Errors
    /// As [`Key::read`].
    pub fn read_as(path: &Path, option: &'static str) -> Result<Key, (Code, Fact)> {
        let unreadable = |why: &'static str| {
            // A key that was put in the place of its path is not repeated.
            let text = path.as_os_str().as_bytes();
            let is_key = text.len() == 64 && text.iter().all(u8::is_ascii_hexdigit);
            let shown = if is_key { Path::new("(64 hex digits, no path)") } else { path };
            (Code::FileMissing, Fact::Named { option, path: shown.to_owned(), errno: why })
        };
        let system = |errno: fs::Errno| unreadable(errno.desc());
        let seen = fs::look(HERE, path, true).map_err(system)?;
        if seen.kind != Kind::Regular {
            return Err(unreadable("it is no regular file"));
        }
        let file = fs::open_file(HERE, path).map_err(system)?;
        let mut text = [0; KEY_FILE_BYTES];
        let mut length = 0;
        while let Some(rest) = text.get_mut(length..).filter(|rest| !rest.is_empty()) {
            match fs::read(file.as_fd(), rest).map_err(system)? {
                0 => break,
                more => length += more,
            }
        }
        let mut secret = Secret::new(text.get(..length).unwrap_or_default().to_vec());
        text.zeroize();
        secret.strip_final_newline();
        Key::decode(secret.expose()).ok_or((
            Code::KeyInvalid,
            Fact::NoKey { path: path.to_owned(), why: "it is not 64 hex digits" },
        ))
    }

    /// A key of these bytes, for unit tests.
    #[cfg(test)]
    pub fn of_bytes(bytes: [u8; 32]) -> Key {
        Key(bytes)
    }

    fn decode(digits: &[u8]) -> Option<Key> {
        if digits.len() != 64 {
            return None;
        }
        let mut key = [0; 32];
        for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
            for digit in pair {
                let value = char::from(*digit).to_digit(16)?;
                *byte = *byte << 4 | u8::try_from(value).ok()?;
            }
        }
        Some(Key(key))
    }

    /// The fingerprint of a value: the first 16 hex digits.
    pub fn fingerprint(&self, value: &[u8]) -> String {
        self.hex(value, 8)
    }

    /// The key's own id, by which records under different keys are told apart.
    pub fn id(&self) -> String {
        self.hex(b"nexis-launch key id", 4)
    }

    /// HMAC-SHA256 of the texts, one after the other.
    pub fn mac(&self, texts: &[&[u8]]) -> [u8; 32] {
        // HMAC takes a key of any length (RFC 2104), so there is always one.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return [0; 32] };
        texts.iter().for_each(|text| mac.update(text));
        mac.finalize().into_bytes().into()
    }

    /// Whether two keys are the same.
    pub fn same_as(&self, other: &Key) -> bool {
        self.0 == other.0
    }

    fn hex(&self, text: &[u8], bytes: usize) -> String {
        hex(self.mac(&[text]).get(..bytes).unwrap_or_default())
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231 test case 1 has a 20-byte key; these two were computed with Python's hmac over the
    /// 32-byte key 00 01 … 1f.
    #[test]
    fn the_fingerprint_is_hmac_sha256_cut_to_16_digits() {
        let digits = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
        let key = Key::decode(digits.as_bytes()).unwrap();
        assert_eq!(key.fingerprint(b"value"), "864b4c7a15be9448");
        assert_eq!(key.id(), "e748aacc");
    }

    #[test]
    fn only_64_hex_digits_are_a_key() {
        for text in ["", "00", &"0".repeat(63), &"0".repeat(65), &"g".repeat(64), &"é".repeat(32)]
        {
            assert!(Key::decode(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn keys_are_the_same_where_all_their_bytes_are() {
        assert!(Key::of_bytes([7; 32]).same_as(&Key::of_bytes([7; 32])));
        let mut other = [7; 32];
        other[31] = 8;
        assert!(!Key::of_bytes([7; 32]).same_as(&Key::of_bytes(other)));
    }
}
