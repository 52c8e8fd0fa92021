//! Hexadecimal and base64 values.

use crate::finding::Fact;

/// What is wrong with a hexadecimal value of `bytes` decoded bytes; `None` where nothing is.
pub fn hex_fault(value: &[u8], bytes: Option<u32>) -> Option<Fact> {
    if value.starts_with(b"0x") || value.starts_with(b"0X") {
        return Some(Fact::Says("begins with 0x; only the digits are taken"));
    }
    if !value.iter().all(u8::is_ascii_hexdigit) {
        return Some(Fact::Says("has a character that is not a hexadecimal digit"));
    }
    if value.len() > 2 && value.first().is_some_and(|one| value.iter().all(|byte| byte == one)) {
        return Some(Fact::Says("is one digit repeated"));
    }
    match bytes {
        Some(bytes) => {
            let digits = (bytes as usize).saturating_mul(2);
            length_fault(value.len(), digits)
        }
        None if !value.len().is_multiple_of(2) => {
            Some(Fact::Says("has an odd number of hexadecimal digits"))
        }
        None => None,
    }
}

/// What is wrong with a base64 value (RFC 4648 section 4 or 5, padded or not) of `bytes` decoded
/// bytes; `None` where nothing is.
pub fn base64_fault(value: &[u8], bytes: Option<u32>) -> Option<Fact> {
    let padding = value.iter().rev().take_while(|&&byte| byte == b'=').count();
    let (digits, _) = value.split_at_checked(value.len() - padding)?;
    let has = |set: &[u8]| digits.iter().any(|byte| set.contains(byte));
    if !digits.iter().all(|b| b.is_ascii_alphanumeric() || b"+/-_".contains(b)) {
        return Some(Fact::Says("has a character that is not base64"));
    }
    if has(b"+/") && has(b"-_") {
        return Some(Fact::Says("mixes the two alphabets of base64"));
    }
    // A lone digit holds 6 bits, less than a byte; padding fills up to four.
    if digits.len() % 4 == 1 || padding > 2 || padding > 0 && !value.len().is_multiple_of(4) {
        return Some(Fact::Says("is base64 that was cut or has wrong padding"));
    }
    let decoded = digits.len() / 4 * 3 + (digits.len() % 4).saturating_sub(1);
    match bytes {
        Some(bytes) if decoded != bytes as usize => {
            // The two lengths are of different things, so neither can stand in the message alone.
            Some(Fact::Says("does not decode to as many bytes as its contract row demands"))
        }
        _ => None,
    }
}

fn length_fault(bytes: usize, exact: usize) -> Option<Fact> {
    match bytes.cmp(&exact) {
        std::cmp::Ordering::Less => Some(Fact::Fewer { bytes, least: exact }),
        std::cmp::Ordering::Greater => Some(Fact::More { bytes: Some(bytes), most: exact }),
        std::cmp::Ordering::Equal => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_of_the_right_number_are_taken() {
        assert!(hex_fault(&b"a1".repeat(32), Some(32)).is_none());
        assert!(matches!(hex_fault(&[b'a'; 64], Some(32)), Some(Fact::Says(_))));
        assert!(hex_fault(b"00ffAA", None).is_none());
        assert!(matches!(
            hex_fault(&b"a1".repeat(32)[..63], Some(32)),
            Some(Fact::Fewer { bytes: 63, least: 64 })
        ));
        assert!(matches!(
            hex_fault(&b"a1".repeat(33)[..65], Some(32)),
            Some(Fact::More { bytes: Some(65), most: 64 })
        ));
        assert!(hex_fault(b"abc", None).is_some());
        // Two equal digits are a byte, four are one digit repeated.
        assert!(hex_fault(b"aa", None).is_none());
        assert!(hex_fault(b"aaaa", None).is_some());
        for text in ["0xab", "0Xab"] {
            let fault = hex_fault(text.as_bytes(), None);
            assert!(matches!(fault, Some(Fact::Says(said)) if said.contains("0x")), "{text}");
        }
        assert!(hex_fault(b"0xab", None).is_some());
        assert!(hex_fault(b"zz", None).is_some());
    }

    #[test]
    fn base64_of_either_alphabet_is_taken() {
        for text in ["", "TQ==", "TQ", "TWE=", "TWE", "TWFu", "-_-_", "+/+/"] {
            assert!(base64_fault(text.as_bytes(), None).is_none(), "{text}");
        }
        for text in ["T", "TWFuT", "TQ=", "TQ===", "TWE==", "=", "T=Q=", "+_aa", "TW Fu", "TWFu\n"]
        {
            assert!(base64_fault(text.as_bytes(), None).is_some(), "{text:?}");
        }
        for (text, bytes) in [("TQ==", 1), ("TWE", 2), ("TWFu", 3), ("TWFuTQ", 4)] {
            assert!(base64_fault(text.as_bytes(), Some(bytes)).is_none(), "{text}");
            assert!(base64_fault(text.as_bytes(), Some(bytes + 1)).is_some(), "{text}");
        }
    }
}
