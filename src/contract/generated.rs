//! What a row's `generate` gives, and whether the row's format takes it. Pure arithmetic: the
//! values themselves are made, and judged, elsewhere.

use super::model::{Encoding, Format, Generate, Kind, Str};

/// Whether the prefix of a value of this kind takes the place of its first digits; else it stands
/// before them.
pub fn prefix_replaces(kind: Kind) -> bool {
    matches!(kind, Kind::Hex { .. } | Kind::Base64 { .. })
}

/// The fewest random bytes that are a secret: 128 bits.
pub const LEAST: usize = 16;

/// The most random bytes that a `generate` may ask for.
pub const MOST: u16 = 1024;

/// The random bytes that are left of so many where the prefix takes the place of digits.
pub fn left(encoding: Encoding, bytes: usize, prefix: usize) -> usize {
    bytes.saturating_sub(match encoding {
        Encoding::LowerHex => prefix.div_ceil(2),
        Encoding::PaddedBase64 | Encoding::UrlBase64 => (prefix * 3).div_ceil(4),
    })
}

/// Why no value of `generate` is one that the format takes, in words that follow the row's name;
/// `None` where such values are.
pub fn fault(format: &Format, generate: Generate) -> Option<String> {
    let random = u32::from(generate.bytes);
    let prefix = format.prefix.unwrap_or_default();
    match (format.kind, generate.kind) {
        (Kind::Hex { bytes: Some(bytes) } | Kind::Base64 { bytes: Some(bytes) }, _)
            if bytes != random =>
        {
            return Some(format!("generates {random} bytes, its format has {bytes}"));
        }
        (Kind::Hex { .. }, Encoding::PaddedBase64 | Encoding::UrlBase64) => {
            return Some("generates base64, its format is hex".to_owned());
        }
        // Hexadecimal digits are those of base64 too, and are other bytes there.
        (Kind::Base64 { bytes: Some(_) }, Encoding::LowerHex) => {
            return Some("generates hex, its format is base64".to_owned());
        }
        (Kind::Text { .. } | Kind::Ascii | Kind::Hex { .. } | Kind::Base64 { .. }, _) => {}
        // One that ends in random digits.
        (Kind::Url { .. }, _) if prefix.contains("://") => {}
        _ => return Some("generates random text, its format takes none".to_owned()),
    }
    if !begins(format.kind, generate.kind, prefix) {
        return Some("generates a value after a prefix that its format does not take".to_owned());
    }
    let replaces = prefix_replaces(format.kind);
    if replaces && left(generate.kind, usize::from(generate.bytes), prefix.len()) < LEAST {
        return Some("generates fewer than 128 random bits beside its format's prefix".to_owned());
    }
    let length = if replaces { 0 } else { prefix.len() } + digits(generate);
    match (format.min_bytes, format.max_bytes) {
        (_, Some(most)) if length > most as usize => {
            Some(format!("generates {length} characters, its format takes {most} at most"))
        }
        (Some(least), _) if length < least as usize => {
            Some(format!("generates {length} characters, its format takes {least} at least"))
        }
        _ => None,
    }
}

/// The `generate` of a contract that was extended under the format of the one that extends it: as
/// long as that demands, and no longer than it takes. `None` where it takes no such value.
pub fn fitting(format: &Format, generate: Generate) -> Option<Generate> {
    let prefix = if prefix_replaces(format.kind) { "" } else { format.prefix.unwrap_or_default() };
    let digits = |bytes: u32| (bytes as usize).saturating_sub(prefix.len());
    let least = match (generate.kind, digits(format.min_bytes.unwrap_or(0))) {
        (Encoding::LowerHex, digits) => digits.div_ceil(2),
        (Encoding::PaddedBase64, digits) => digits.div_ceil(4) * 3,
        (Encoding::UrlBase64, digits) => (digits * 3).div_ceil(4),
    };
    let most = format.max_bytes.map_or(usize::from(MOST), |most| {
        let most = match (generate.kind, digits(most)) {
            (Encoding::LowerHex, digits) => digits / 2,
            (Encoding::PaddedBase64, digits) => digits / 4 * 3,
            (Encoding::UrlBase64, digits) => digits * 3 / 4,
        };
        most.min(usize::from(MOST))
    });
    let bytes = usize::from(generate.bytes).max(least).min(most);
    let fitting = Generate { bytes: u16::try_from(bytes).ok()?, ..generate };
    (bytes >= LEAST && fault(format, fitting).is_none()).then_some(fitting)
}

/// The digits of so many random bytes.
fn digits(generate: Generate) -> usize {
    let bytes = usize::from(generate.bytes);
    match generate.kind {
        Encoding::LowerHex => bytes * 2,
        Encoding::PaddedBase64 => bytes.div_ceil(3) * 4,
        Encoding::UrlBase64 => (bytes * 4).div_ceil(3),
    }
}

/// Whether a value of this kind can begin so, where digits of this encoding follow.
fn begins(kind: Kind, digits: Encoding, prefix: &str) -> bool {
    let all = |taken: fn(u8) -> bool| prefix.bytes().all(taken);
    match kind {
        Kind::Text { single_line } => {
            let line_end = |c| matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
            let control = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
            let two_lines = single_line && prefix.contains(line_end);
            !(prefix.starts_with(char::is_whitespace) || prefix.contains(control) || two_lines)
        }
        Kind::Hex { .. } => all(|b| b.is_ascii_hexdigit()),
        // A value is of one of the two alphabets.
        Kind::Base64 { .. } => match digits {
            Encoding::PaddedBase64 => all(|b| b.is_ascii_alphanumeric() || b"+/".contains(&b)),
            Encoding::UrlBase64 => all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)),
            Encoding::LowerHex => {
                all(|b| b.is_ascii_alphanumeric() || b"+/-_".contains(&b))
                    && !(prefix.contains(['+', '/']) && prefix.contains(['-', '_']))
            }
        },
        Kind::Url { schemes, loopback_schemes, .. } => {
            let scheme = prefix.split_once("://").map_or("", |(scheme, _)| scheme);
            let is = |known: &Str| scheme.eq_ignore_ascii_case(known);
            all(|b| b.is_ascii_graphic())
                && (schemes.is_empty() || schemes.0.iter().chain(loopback_schemes.0).any(is))
        }
        _ => all(|b| b.is_ascii_graphic()),
    }
}
