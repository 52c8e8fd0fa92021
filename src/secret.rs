//! [`Secret`]: bytes that are never shown, and the names that may be.

use std::fmt;
use zeroize::Zeroize;

/// The bytes of a value. They are overwritten when dropped.
///
/// There is no `Display`, `Deref`, `Clone`, `PartialEq` or serialization on purpose: each use of
/// the bytes says [`expose`](Secret::expose), which a reader can search for.
pub struct Secret(Vec<u8>);

impl Secret {
    /// Takes the bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        Secret(bytes)
    }

    /// The bytes themselves. Every call is a place to look at.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no byte.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it is empty or white space only (ASCII and Unicode). A byte order mark counts as
    /// space (interface section 7), and so do the spaces without width.
    pub fn is_blank(&self) -> bool {
        // Most values begin with what can be seen.
        if self.0.first().is_some_and(u8::is_ascii_graphic) {
            return false;
        }
        match std::str::from_utf8(&self.0) {
            Ok(text) => text.chars().all(is_space),
            Err(_) => false,
        }
    }

    /// The length without one final newline (`\n` or `\r\n`).
    pub fn len_of_value(&self) -> usize {
        let bare = self.0.strip_suffix(b"\n");
        bare.map_or(&*self.0, |bare| bare.strip_suffix(b"\r").unwrap_or(bare)).len()
    }

    /// Takes one final newline off and says whether there was one.
    pub fn strip_final_newline(&mut self) -> bool {
        let bytes = self.len();
        self.0.truncate(self.len_of_value());
        self.len() < bytes
    }

    /// Whether two values are the same bytes. The time taken depends on the bytes; no peer
    /// observes it.
    pub fn same_as(&self, other: &Secret) -> bool {
        self.0 == other.0
    }

    /// A second copy, for the rare place that needs one.
    #[must_use]
    pub fn duplicate(&self) -> Secret {
        Secret(self.0.clone())
    }
}

/// White space, a byte order mark, and the spaces without width: what nobody sees at an edge of a
/// value, or where there is nothing else.
pub fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}' | '\u{2060}')
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::new(b"canary".to_vec())), "[redacted]");
    }

    #[test]
    fn exactly_one_final_newline_is_taken_off() {
        for (before, after, removed) in [
            ("a\n", "a", true),
            ("a\r\n", "a", true),
            ("a\n\n", "a\n", true),
            ("a\r", "a\r", false),
            ("a ", "a ", false),
            ("\n", "", true),
            ("", "", false),
        ] {
            let mut secret = Secret::new(before.as_bytes().to_vec());
            assert_eq!(secret.strip_final_newline(), removed, "{before:?}");
            assert_eq!(secret.expose(), after.as_bytes(), "{before:?}");
        }
    }

    #[test]
    fn blank_is_white_space_only() {
        assert!(Secret::new(b" \t\r\n".to_vec()).is_blank());
        assert!(Secret::new("\u{a0}".as_bytes().to_vec()).is_blank());
        assert!(Secret::new("\u{feff}\u{200b}\n\u{2060}".as_bytes().to_vec()).is_blank());
        assert!(!Secret::new(b"\xff".to_vec()).is_blank());
        assert!(!Secret::new(b" a ".to_vec()).is_blank());
    }

    #[test]
    fn lengths_and_equality_are_of_the_bytes() {
        let secret = |text: &str| Secret::new(text.as_bytes().to_vec());
        assert_eq!((secret("").len(), secret("ab").len(), secret("\u{e4}").len()), (0, 2, 2));
        assert!(secret("").is_empty() && !secret(" ").is_empty());
        assert!(secret("ab").same_as(&secret("ab")) && !secret("ab").same_as(&secret("aB")));
        assert!(secret("ab").same_as(&secret("ab").duplicate()));
    }
}
