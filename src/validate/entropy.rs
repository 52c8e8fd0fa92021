//! Secrets that were typed and not generated.

/// The least number of distinct bytes (interface section 7).
///
/// Of values of `openssl rand`, those with fewer are: 1.2 in 10^12 for `-hex 32`, 6 in 10^27 for
/// `-base64 32`, fewer for `-base64 48`. For `-hex 16` it is 1 in 10,000, so 64 digits are what
/// the hints ask for.
const DISTINCT: u32 = 10;

/// Each byte's place on a keyboard whose rows stand one after the other, letters of either case;
/// far away from all others where it is no letter.
const KEYBOARD: [u8; 256] = {
    let keys = b"qwertyuiopasdfghjklzxcvbnm";
    let mut places = [u8::MAX; 256];
    let mut at = 0;
    while at < keys.len() {
        // A constant's own table: an index outside it would not compile.
        #[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
        {
            places[keys[at] as usize] = at as u8;
            places[keys[at].to_ascii_uppercase() as usize] = at as u8;
        }
        at += 1;
    }
    places
};

/// What is weak in fixed words; `None` where nothing is. It tells typed values from generated
/// ones; it is no measure of strength.
pub fn weakness(value: &[u8]) -> Option<&'static str> {
    let (mut seen, mut distinct) = ([false; 256], 0u32);
    let (mut run, mut longest, mut steps) = (0usize, 0usize, 0usize);
    let mut before = None;
    for &byte in value {
        if let Some(slot) = seen.get_mut(usize::from(byte)) {
            distinct += u32::from(!*slot);
            *slot = true;
        }
        run = if before == Some(byte) { run + 1 } else { 1 };
        longest = longest.max(run);
        steps += usize::from(before.is_some_and(|before| follows(before, byte)));
        before = Some(byte);
    }
    if longest > value.len() / 2 {
        Some("is for more than half one character")
    } else if distinct < DISTINCT {
        Some("has fewer than 10 different characters")
    } else if steps > value.len() / 4 * 3 {
        // Of random hexadecimal digits one pair in eight are neighbours, of base64 one in 12.
        Some("is a sequence of characters")
    } else {
        None
    }
}

/// Whether two bytes are neighbours in ASCII or on a keyboard, in either direction.
fn follows(one: u8, other: u8) -> bool {
    if one.abs_diff(other) == 1 {
        return true;
    }
    let place = |byte: u8| KEYBOARD.get(usize::from(byte)).copied().unwrap_or(u8::MAX);
    let one = place(one);
    one != u8::MAX && place(other).abs_diff(one) == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_values_are_weak() {
        for (text, words) in [
            ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "more than half"),
            ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa0123456789bcdef", "more than half"),
            ("abcabcabcabcabcabcabcabcabcabcabc", "fewer than 10"),
            ("123456781234567812345678123456781234567812345678", "fewer than 10"),
            ("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "sequence"),
            ("abcdefghijklmnopqrstuvwxyz0123456789", "sequence"),
            ("zyxwvutsrqponmlkjihgfedcba9876543210", "sequence"),
            ("qwertyuiopasdfghjklzxcvbnmQWERTYUIOP", "sequence"),
        ] {
            assert!(weakness(text.as_bytes()).is_some_and(|said| said.contains(words)), "{text}");
        }
    }

    #[test]
    fn what_is_just_enough_is_not_weak() {
        for (text, weak) in [
            // Half of it one character; one more.
            ("aaaaaaaaaaaaaaaaaaaakZ3vQ9xLw7TnB2yHc5Rf", false),
            ("aaaaaaaaaaaaaaaaaaaaakZ3vQ9xLw7TnB2yHc5R", true),
            // Ten different characters; nine.
            ("1q5z9m3x7k1q5z9m3x7k1q5z9m3x7k1q5z9m3x7k", false),
            ("1q5z9m3x71q5z9m3x71q5z9m3x71q5z9m3x71q5z", true),
            // Twelve steps of sixteen characters; thirteen.
            ("abcdefghijklmz5R", false),
            ("abcdefghijklmnzR", true),
        ] {
            assert_eq!(weakness(text.as_bytes()).is_some(), weak, "{text}");
        }
    }

    #[test]
    fn generated_values_are_not_weak() {
        for text in [
            "6f1c0a7be29d4538f06b1d9e7c24a8530b9f6e1d2c7a4850f3e9b6d17c2a4805",
            "nGm3v0zX1q8K+4f7Yb2LkT9wR5sUeJd6HcPaVoIxMtE=",
        ] {
            assert_eq!(weakness(text.as_bytes()), None);
        }
    }
}
