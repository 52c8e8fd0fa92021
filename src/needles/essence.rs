//! What of a value is looked for: what is left of it where somebody cut off its edges or its lines.
//!
//! A key that a file ends with a newline, that stands in quotes, or whose padding was split off at
//! its `=`, is the same key to whoever finds it.

use super::LEAST;
use crate::bytes;

/// The fewest bytes of a line that is looked for by itself: half of what PEM (RFC 7468, section 2)
/// puts into one, and more than words have.
const LINE: usize = 32;

/// The value without white space, a byte order mark, quotes and base64's padding at its edges, where
/// enough of it is left. Whatever holds the value holds that.
pub fn of(value: &[u8]) -> &[u8] {
    let plain = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    if plain(value.first()) && plain(value.last()) {
        return value;
    }
    let mut rest = value;
    loop {
        let before = rest.len();
        rest = rest.strip_prefix("\u{feff}".as_bytes()).unwrap_or(rest).trim_ascii();
        for quote in [b"\"", b"'", b"`"] {
            let inner = rest.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
            rest = inner.unwrap_or(rest);
        }
        if rest.len() == before {
            break;
        }
    }
    while let Some(shorter) = rest.strip_suffix(b"=") {
        rest = shorter;
    }
    if rest.len() >= LEAST { rest } else { value }
}

/// Pieces that are looked for by themselves: the lines of a key's body, which an editor indents and
/// a log breaks, and what is text in a value that is none, since that is all that is shown of it. No
/// argument, label or path has a NUL, so that what stands between two is text by itself.
pub fn pieces(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let body = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=-_".contains(byte);
    let is_body =
        move |line: &[u8]| line.len() >= LINE && !line.starts_with(b"--") && line.iter().all(body);
    let several = bytes::position(value, b'\n').is_some();
    let lines = several.then(|| value.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii));
    let lines = lines.into_iter().flatten().filter(move |line| is_body(line)).map(of);
    let binary = bytes::position(value, 0).is_some()
        || !value.is_ascii() && std::str::from_utf8(value).is_err();
    let texts = binary.then(|| value.utf8_chunks().flat_map(|chunk| chunk.valid().split('\0')));
    lines.chain(texts.into_iter().flatten().map(|text| of(text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"Zq7vLw2Xn9Rk4TtB8mPc3HyJd6FsGa5E";

    fn around(before: &str, after: &str) -> Vec<u8> {
        [before.as_bytes(), KEY, after.as_bytes()].concat()
    }

    #[test]
    fn edges_are_left_out_where_enough_is_left() {
        for (before, after) in [
            ("", ""),
            (" ", "\n\n"),
            ("\u{feff}", "\r\n"),
            ("\"", "\"\n"),
            ("' ", "\t'"),
            ("", "="),
            ("", "==\n"),
        ] {
            assert_eq!(of(&around(before, after)), KEY, "{before:?} {after:?}");
        }
        // One quote alone may be the key's own.
        assert_eq!(of(&around("\"", "")), around("\"", ""));
        assert_eq!(of(b" abcdefg "), b" abcdefg ");
        assert_eq!(of(b" abcdefgh "), b"abcdefgh");
        assert_eq!(of(b""), b"");
    }

    #[test]
    fn lines_of_a_key_are_pieces_and_lines_of_words_are_none() {
        let pem = [
            &b"-----BEGIN PRIVATE KEY-----\n"[..],
            KEY,
            b"\r\n  ",
            KEY,
            b"0\nAAA=\n-----END-----\n",
        ];
        let pem = pem.concat();
        let found: Vec<&[u8]> = pieces(&pem).collect();
        assert_eq!(found, [KEY, &[KEY, b"0"].concat()]);
        assert_eq!(pieces(KEY).count(), 0);
        assert_eq!(pieces(b"{\n  \"type\": \"service_account\", \"a\": 1\n}\n").count(), 0);
    }

    #[test]
    fn text_in_a_value_that_is_none_is_a_piece() {
        let value = [b"\xff", KEY, b"\xfe\xff", b"abc"].concat();
        let found: Vec<&[u8]> = pieces(&value).filter(|piece| piece.len() >= LEAST).collect();
        assert_eq!(found, [KEY]);
        assert_eq!(pieces("ein Schlüssel mit Umlaut".as_bytes()).count(), 0);
        // As in what a C program wrote, where a NUL ends a text.
        let value = [b"key\0", KEY, b"\0\0", &KEY[1..], b" \n\0a\xff"].concat();
        let found: Vec<&[u8]> = pieces(&value).filter(|piece| piece.len() >= LEAST).collect();
        assert_eq!(found, [KEY, &KEY[1..]]);
        let found: Vec<Vec<u8>> = ["\0", "\n\0", "\0\0more"]
            .iter()
            .flat_map(|end| pieces(&around("", end)).map(<[u8]>::to_vec).next())
            .collect();
        assert_eq!(found, [KEY, KEY, KEY]);
    }
}
