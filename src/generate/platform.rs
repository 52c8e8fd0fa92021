//! A value in the form that a platform mounts, and what to do with it there.

use super::padded_base64;
use crate::secret::Secret;

/// A secret as a platform knows it.
pub struct Named<'a> {
    /// What it is for, in one line: a variable's name and a contract's.
    pub about: &'a str,
    /// The name of its file.
    pub file: &'a str,
}

/// Whether the API server takes it as the name of an object (RFC 1123, a subdomain).
pub fn is_object_name(text: &str) -> bool {
    let is_label = |label: &str| {
        let bytes = label.as_bytes();
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

/// Whether it can be a key of a Secret, the name of a credential and of a Swarm secret.
pub fn is_file_name(text: &str) -> bool {
    let taken = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=64).contains(&text.len())
        && text.bytes().all(taken)
        && text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
        && text.bytes().next_back().is_some_and(|last| last.is_ascii_alphanumeric())
}

/// The manifest of a Secret with this one key. Its `data` is base64: `stringData` is lost on
/// server-side apply.
pub fn kubernetes(object: &str, named: &Named<'_>, value: &Secret) -> Secret {
    let mut text = format!(
        "# {}. This is the secret itself, in base64: hand it to the cluster and\n\
         # remove it; it is nothing for a repository.\n\
         apiVersion: v1\nkind: Secret\nmetadata:\n  name: {object}\ntype: Opaque\ndata:\n  {}: ",
        named.about, named.file
    )
    .into_bytes();
    let encoded = padded_base64(value);
    // In one piece: a buffer that grows leaves a copy behind.
    let mut whole = Vec::with_capacity(text.len() + encoded.len() + 1);
    whole.append(&mut text);
    whole.extend_from_slice(encoded.expose());
    whole.push(b'\n');
    Secret::new(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_the_platforms_take() {
        for good in ["nexis-gateway", "a", "1.b-2"] {
            assert!(is_object_name(good), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a_b", "a..b", "a\nb", "a: b", &"a".repeat(254)] {
            assert!(!is_object_name(bad), "{bad:?}");
        }
        for good in ["jwt-secret", "session.key", "JWT_SECRET"] {
            assert!(is_file_name(good), "{good}");
        }
        for bad in ["", ".a", "a/b", "a b", "a:", "a\n", "-a", "a."] {
            assert!(!is_file_name(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_manifest_holds_the_value_in_base64_once() {
        let named = Named { about: "A value for X of c", file: "x" };
        let made = kubernetes("c", &named, &Secret::new(b"foobar".to_vec()));
        let text = std::str::from_utf8(made.expose()).unwrap();
        assert!(
            text.ends_with("metadata:\n  name: c\ntype: Opaque\ndata:\n  x: Zm9vYmFy\n"),
            "{text}"
        );
        assert!(!text.contains("foobar"));
    }
}
