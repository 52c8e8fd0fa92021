//! Values and ids from the operating system's generator.

pub mod platform;
pub mod rule;

use crate::contract::model::{Encoding, Generate};
use crate::fingerprint::hex;
use crate::secret::Secret;
use rand::TryRng;
use rand::rngs::SysRng;

/// RFC 4648 section 4.
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// RFC 4648 section 5.
const BASE64_URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// The ULID specification's alphabet (Crockford's base 32).
const BASE32: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A value of the form that the contract asks for; `None` where the operating system has no random
/// bytes to give, which leaves the variable absent.
pub fn value(generate: Generate) -> Option<Secret> {
    let random = random(usize::from(generate.bytes))?;
    Some(Secret::new(match generate.kind {
        Encoding::LowerHex => hex(random.expose()).into_bytes(),
        Encoding::PaddedBase64 => base64(random.expose(), BASE64, true),
        Encoding::UrlBase64 => base64(random.expose(), BASE64_URL, false),
    }))
}

/// So many random bytes; `None` where the operating system has none to give.
fn random(bytes: usize) -> Option<Secret> {
    let mut random = vec![0; bytes];
    SysRng.try_fill_bytes(&mut random).ok()?;
    Some(Secret::new(random))
}

/// A key for fingerprints or a ledger: 64 hex digits of 32 random bytes.
pub fn key() -> Option<Secret> {
    value(Generate { kind: Encoding::LowerHex, bytes: 32 })
}

/// Padded base64 (RFC 4648 section 4) of a value, for a document that wants it so.
pub fn padded_base64(value: &Secret) -> Secret {
    Secret::new(base64(value.expose(), BASE64, true))
}

fn base64(bytes: &[u8], alphabet: &[u8; 64], padded: bool) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let joined = group.iter().fold(0u32, |all, byte| all << 8 | u32::from(*byte))
            << (8 * (3 - group.len()));
        for place in 0..=group.len() {
            let digit = (joined >> (18 - 6 * place)) & 63;
            text.extend(alphabet.get(digit as usize));
        }
        if padded {
            text.extend(std::iter::repeat_n(b'=', 3 - group.len()));
        }
    }
    text
}

/// A ULID: 48 bits of milliseconds since 1970, 80 random bits, in 26 characters. Without random
/// bytes the process id and the low 32 bits of the milliseconds stand in, so that there always is an
/// id.
pub fn ulid(milliseconds: u64) -> String {
    let mut random = [0; 10];
    if SysRng.try_fill_bytes(&mut random).is_err() {
        let substitute = u64::from(std::process::id()) << 32 | milliseconds & 0xffff_ffff;
        for (byte, source) in random.iter_mut().zip(substitute.to_be_bytes()) {
            *byte = source;
        }
    }
    let random = random.iter().fold(0u128, |all, byte| all << 8 | u128::from(*byte));
    let all = u128::from(milliseconds) << 80 | random;
    let digit =
        |place: u32| BASE32.get((all >> (5 * place) & 31) as usize).copied().unwrap_or(b'0');
    (0..26).rev().map(|place| char::from(digit(place))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648 section 10.
    #[test]
    fn base64_follows_the_rfc() {
        for (bytes, padded, bare) in [
            ("", "", ""),
            ("f", "Zg==", "Zg"),
            ("fo", "Zm8=", "Zm8"),
            ("foo", "Zm9v", "Zm9v"),
            ("foobar", "Zm9vYmFy", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes(), BASE64, true), padded.as_bytes());
            assert_eq!(base64(bytes.as_bytes(), BASE64_URL, false), bare.as_bytes());
        }
        assert_eq!(base64(b"\xfb\xff", BASE64_URL, false), b"-_8");
    }

    #[test]
    fn a_generated_value_has_its_form_and_never_repeats() {
        let one = value(Generate { kind: Encoding::UrlBase64, bytes: 32 }).unwrap();
        let two = value(Generate { kind: Encoding::UrlBase64, bytes: 32 }).unwrap();
        assert_eq!(one.len(), 43);
        assert!(!one.same_as(&two));
        assert_eq!(value(Generate { kind: Encoding::LowerHex, bytes: 32 }).unwrap().len(), 64);
    }

    #[test]
    fn a_ulid_begins_with_its_time() {
        // The ULID specification's example: 1469918176385 ms is 01ARYZ6S41.
        let id = ulid(1_469_918_176_385);
        assert!(id.starts_with("01ARYZ6S41"), "{id}");
        assert_eq!(id.len(), 26);
    }
}
