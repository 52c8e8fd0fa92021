//! Short texts: searches and readings for which the library's own take longer.

use std::borrow::Cow;
use std::os::unix::ffi::OsStrExt;
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

/// Sorts texts without a NUL byte as `sort_unstable` does, which compares whole texts: names of an
/// environment begin alike, so each comparison is a call that reads the same bytes again. Here eight
/// bytes at a time are one number.
pub fn sort(texts: &mut [&[u8]]) {
    sort_by(texts, |text| text);
}

/// The same of things that have such a text.
pub fn sort_by<T: Copy>(things: &mut [T], text: impl Fn(&T) -> &[u8] + Copy) {
    let mut keyed: Vec<(u64, T)> = things.iter().map(|thing| (0, *thing)).collect();
    sort_from(&mut keyed, 0, text);
    for (thing, (_, sorted)) in things.iter_mut().zip(keyed) {
        *thing = sorted;
    }
}

/// The same of texts that are alike up to this byte.
fn sort_from<T>(things: &mut [(u64, T)], from: usize, text: impl Fn(&T) -> &[u8] + Copy) {
    for (key, thing) in things.iter_mut() {
        *key = word(text(thing), from);
    }
    things.sort_unstable_by_key(|(key, _)| *key);
    for alike in things.chunk_by_mut(|(one, _), (other, _)| one == other) {
        // What has ended is alike to the end.
        let goes_on = alike.first().is_some_and(|(key, _)| key.to_be_bytes().last() != Some(&0));
        if alike.len() > 1 && goes_on {
            sort_from(alike, from + 8, text);
        }
    }
}

/// The eight bytes from there on as a number that orders as they do; NUL where the text has ended.
fn word(text: &[u8], from: usize) -> u64 {
    let rest = text.get(from..).unwrap_or_default();
    if let Some(&eight) = rest.first_chunk::<8>() {
        return u64::from_be_bytes(eight);
    }
    match text.last_chunk::<8>() {
        // Its last eight bytes, and of these the ones that are left.
        Some(&last) => u64::from_be_bytes(last).checked_shl(8 * (8 - rest.len() as u32)),
        None => Some(rest.iter().rev().fold(0, |word, &byte| word >> 8 | u64::from(byte) << 56)),
    }
    .unwrap_or(0)
}

/// Bytes as text, with what is not UTF-8 replaced: to replace takes its time even where there is
/// nothing to replace.
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// The same of a path.
pub fn path_text(path: &Path) -> Cow<'_, str> {
    text(path.as_os_str().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::{position, sort};
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn texts_are_sorted_as_the_library_does(
            mut texts in prop::collection::vec("[A-C]{0,3}(INHERITED_|\u{ff})?[A-C\u{e9}]{0,12}", 0..60)
        ) {
            let mut sorted: Vec<&[u8]> = texts.iter().map(|text| text.as_bytes()).collect();
            sort(&mut sorted);
            let sorted: Vec<Vec<u8>> = sorted.into_iter().map(<[u8]>::to_vec).collect();
            texts.sort_unstable();
            prop_assert_eq!(sorted, texts.iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>());
        }
    }
}
