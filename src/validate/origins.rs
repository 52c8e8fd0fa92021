//! Lists of web origins (RFC 6454 section 6.2).

use crate::url::Url;

/// What is wrong with a list of origins, in fixed words; `None` where nothing is.
///
/// Each is `scheme://host[:port]` and nothing more, because a browser sends just that and the
/// program compares the texts. `*` stands alone.
pub fn fault(value: &[u8]) -> Option<&'static str> {
    if value == b"*" {
        return None;
    }
    value.split(|&byte| byte == b',').find_map(fault_of_one)
}

fn fault_of_one(origin: &[u8]) -> Option<&'static str> {
    if origin.is_empty() {
        return Some("has an empty entry in its list of origins");
    }
    if origin.trim_ascii().len() != origin.len() {
        return Some("has a space in its list of origins; separate them by a comma alone");
    }
    if origin.contains(&b'*') {
        return Some("has a wildcard among its origins; name each origin, or * alone");
    }
    let Some(url) = Url::parse(origin) else {
        return Some("has an entry that is not scheme://host[:port]");
    };
    if url.user.is_some() {
        return Some("has an origin with user info");
    }
    if !url.path.is_empty() || url.query.is_some() || url.fragment.is_some() {
        return Some("has an origin with a path; a browser sends none, not even a final slash");
    }
    match url.host {
        Some(host) if !host.is_empty() => None,
        _ => Some("has an entry that is not scheme://host[:port]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_taken() {
        for text in [
            "*",
            "https://app.example.com",
            "https://a.example,http://localhost:3000",
            "http://[::1]:8080",
            "tauri://localhost",
        ] {
            assert_eq!(fault(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn more_or_less_than_an_origin_is_refused() {
        for text in [
            "",
            "https://a.example,",
            "https://a.example,*",
            "https://*.example.com",
            "https://a.example/",
            "https://a.example/path",
            "https://a.example?x",
            "https://a.example#x",
            "https://u@a.example",
            "https://a.example, https://b.example",
            "a.example",
            "https://",
            "https://:8080",
            "https://[]",
            "tauri://",
            "tauri://:8080",
            "null",
            "https://a.example:port",
        ] {
            assert!(fault(text.as_bytes()).is_some(), "{text:?}");
        }
    }
}
