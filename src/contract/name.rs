//! Which texts of a contract are names, and so may be shown.

/// Whether `text` can be the name of an environment variable of a contract:
/// `[A-Za-z_][A-Za-z0-9_]*`, at most 128 bytes.
pub fn is_variable(text: &str) -> bool {
    text.len() <= 128
        && text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Whether `text` can be the name of a feature, class or contract: letters, digits, `-`, `_`, `.`,
/// beginning with a letter, at most 64 bytes.
pub fn is_word(text: &str) -> bool {
    text.len() <= 64
        && text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// Whether `text` is a variable's name with an optional `*` at its end.
pub fn is_pattern(text: &str) -> bool {
    let stem = text.strip_suffix('*').unwrap_or(text);
    is_variable(stem)
}

/// `text` where it is a name, else `instead`.
pub fn shown<'a>(text: &'a str, instead: &'a str) -> &'a str {
    if is_variable(text) || is_word(text) { text } else { instead }
}

/// `JWT_SECRET` as `jwt_secret` and `jwt-secret`.
pub fn spellings(name: &str) -> [String; 2] {
    let lower = name.to_ascii_lowercase();
    let kebab = lower.replace('_', "-");
    [lower, kebab]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_are_names() {
        for good in ["A", "_a", "JWT_SECRET", "a1"] {
            assert!(is_variable(good), "{good}");
        }
        for bad in ["", "1A", "A-B", "A B", "A=B", "Ä", "A\n", "A*"] {
            assert!(!is_variable(bad), "{bad:?}");
            assert_eq!(shown("a b", "a value"), "a value");
        }
        assert!(is_pattern("AWS_*") && is_pattern("AWS_X"));
        assert!(!is_pattern("*") && !is_pattern("A*B") && !is_pattern("A**"));
    }
}
