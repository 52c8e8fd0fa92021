//! Short texts: searches and readings for which the library's own take longer.

use std::borrow::Cow;
use std::path::Path;

/// The place of the first `wanted`. Eight bytes at a time: a name or a piece of a URL is too short
/// for what `memchr` sets up, and too long for one byte after the other.
pub fn position(text: &[u8], wanted: u8) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = 0x80 * ONES;
    let pattern = u64::from(wanted) * ONES;
    let (whole, rest) = text.as_chunks::<8>();
    for (place, &eight) in whole.iter().enumerate() {
        let word = u64::from_le_bytes(eight) ^ pattern;
        // The lowest bit set belongs to the first byte that is zero; only above it can a carry
        // set another (Warren, Hacker's Delight, section 6-1).
        let zero = word.wrapping_sub(ONES) & !word & HIGH;
        if zero != 0 {
            return Some(8 * place + zero.trailing_zeros() as usize / 8);
        }
    }
    let at = rest.iter().position(|&byte| byte == wanted)?;
    Some(8 * whole.len() + at)
}

/// A path as text, with what is not UTF-8 replaced: to replace takes its time even where there is
/// nothing to replace.
pub fn path_text(path: &Path) -> Cow<'_, str> {
    path.to_str().map_or_else(|| path.to_string_lossy(), Cow::Borrowed)
}

#[cfg(test)]
mod tests {
    use super::position;

    #[test]
    fn the_first_place_is_found_wherever_it_is() {
        for length in 0..40 {
            for at in 0..length {
                for around in [b'>', b'<', 0x3d ^ 1, 0, 0x80, 0xff, 0xbd] {
                    let mut text = vec![around; length];
                    assert_eq!(position(&text, b'='), None);
                    text[at] = b'=';
                    assert_eq!(position(&text, b'='), Some(at), "{length} {around}");
                    text[length - 1] = b'=';
                    assert_eq!(position(&text, b'='), Some(at), "{length} {around}");
                }
            }
        }
    }
}
