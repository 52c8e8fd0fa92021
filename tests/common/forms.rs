//! The forms in which a value could leak.

/// Base64 (RFC 4648) in the given alphabet, without padding.
fn base64(bytes: &[u8], alphabet: &[u8; 64]) -> Vec<u8> {
    let mut text = Vec::new();
    for chunk in bytes.chunks(3) {
        let mut group = [0u8; 3];
        group[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for place in 0..=chunk.len() {
            text.push(alphabet[(bits >> (18 - 6 * place) & 63) as usize]);
        }
    }
    text
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn percent(bytes: &[u8], all: bool, upper: bool) -> Vec<u8> {
    let mut text = Vec::new();
    for &byte in bytes {
        if !all && (byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)) {
            text.push(byte);
        } else {
            let code = if upper { format!("%{byte:02X}") } else { format!("%{byte:02x}") };
            text.extend_from_slice(code.as_bytes());
        }
    }
    text
}

/// The value's forms, each with a name: raw, base64 and base64url at the three alignments, hex in
/// both cases, percent-encoded wholly and where needed, and as JSON escapes it.
pub fn forms(value: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut all = vec![("raw".to_owned(), value.to_vec())];
    for (name, alphabet) in [("base64", STANDARD), ("base64url", URL)] {
        for offset in 0..3 {
            let padded = [&[0u8; 3][..offset], value].concat();
            let text = base64(&padded, alphabet);
            // Only the characters that the value alone decides.
            let first = (offset * 8).div_ceil(6);
            let last = padded.len() * 8 / 6;
            all.push((format!("{name} at offset {offset}"), text[first..last].to_vec()));
        }
    }
    let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
    all.push(("upper-case hex".to_owned(), hex.to_uppercase().into_bytes()));
    all.push(("hex".to_owned(), hex.into_bytes()));
    for (encode_all, upper) in [(false, false), (false, true), (true, false), (true, true)] {
        all.push(("percent-encoded".to_owned(), percent(value, encode_all, upper)));
    }
    if let Ok(text) = std::str::from_utf8(value) {
        let quoted = serde_json::Value::from(text).to_string();
        all.push(("JSON".to_owned(), quoted.as_bytes()[1..quoted.len() - 1].to_vec()));
    }
    all
}
