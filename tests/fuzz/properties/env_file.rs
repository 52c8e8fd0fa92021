//! The env-file reader: what it accepts can be written again in the documented quoting and is read
//! back equal; what it refuses has a line and fixed words.

use nexis_launch::source::{Entry, Wrong, parse_env_file};

type Read = (Vec<(String, Vec<u8>)>, Vec<usize>, Vec<Wrong>);

fn read(content: &[u8]) -> Read {
    let (entries, wrong) = parse_env_file(content);
    let lines = entries.iter().map(|entry| entry.line).collect();
    let pair = |entry: &Entry| (entry.name.clone(), entry.value.expose().to_vec());
    (entries.iter().map(pair).collect(), lines, wrong)
}

pub fn hold(content: &[u8]) {
    let (pairs, lines, wrong) = read(content);
    let last = content.split(|&byte| byte == b'\n').count();
    assert!(lines.is_sorted_by(|a, b| a < b), "lines go up");
    assert!(lines.iter().chain(wrong.iter().map(|it| &it.line)).all(|it| (1..=last).contains(it)));
    assert!(wrong.len() <= 20);
    assert!(wrong.iter().all(|it| !lines.contains(&it.line)), "right and wrong in one line");
    for (name, value) in &pairs {
        assert!(is_name(name), "{name}");
        assert!(!value.contains(&0));
    }

    // Every value in double quotes, one line each.
    let mut again = Vec::new();
    for (name, value) in &pairs {
        again.extend_from_slice(format!("{name}=\"").as_bytes());
        for &byte in value {
            match byte {
                b'\n' => again.extend_from_slice(b"\\n"),
                b'\t' => again.extend_from_slice(b"\\t"),
                b'"' | b'\\' | b'$' => again.extend_from_slice(&[b'\\', byte]),
                _ => again.push(byte),
            }
        }
        again.extend_from_slice(b"\"\n");
    }
    let numbers = (1..=pairs.len()).collect();
    assert_eq!(read(&again), (pairs.clone(), numbers, Vec::new()), "double quotes");

    // In single quotes what can stand there, with a name that is exported and a comment behind.
    let literal =
        |value: &[u8]| !value.contains(&b'\'') && !value.windows(2).any(|it| it == b"\r\n");
    let plain: Vec<_> = pairs.iter().filter(|(_, value)| literal(value)).cloned().collect();
    let mut again = Vec::new();
    for (name, value) in &plain {
        again.extend_from_slice(b"  export\t");
        again.extend_from_slice(name.as_bytes());
        again.extend_from_slice(b"='");
        again.extend_from_slice(value);
        again.extend_from_slice(b"' # said\n");
    }
    let (back, _, faults) = read(&again);
    assert_eq!((back, faults), (plain, Vec::new()), "single quotes");

    // Line ends of either kind are the same file.
    if !content.contains(&b'\r') {
        let crlf = content.split(|&byte| byte == b'\n').collect::<Vec<_>>().join(&b"\r\n"[..]);
        assert_eq!(read(&crlf), (pairs.clone(), lines.clone(), wrong.clone()), "CR LF");
    }
    // So is one behind a byte order mark.
    if !content.starts_with(b"\xef\xbb\xbf") {
        let marked = [b"\xef\xbb\xbf", content].concat();
        assert_eq!(read(&marked), (pairs, lines, wrong), "byte order mark");
    }
}

/// Letters, digits and underscores, no digit first; of any length.
fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.bytes().all(fits) && !name.starts_with(|c: char| c.is_ascii_digit())
}
