//! JSON (RFC 8259) as far as strings in it are looked for: read without copying, so that an answer
//! full of secrets leaves nothing behind but the values that are taken, and without a library that
//! prints what it does not like.

use crate::secret::Secret;

/// Deeper documents are refused; reading one takes a frame of the stack for each level.
const DEEPEST: usize = 64;

/// A node of a document. Texts stand as they are written, with their escapes.
pub(super) enum Node<'a> {
    Null,
    /// A number, `true` or `false`.
    Other,
    Text(&'a [u8]),
    List(Vec<Node<'a>>),
    Map(Vec<(&'a [u8], Node<'a>)>),
}

/// Why a place in a document has no node.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoNode {
    /// There is none.
    Absent,
    /// An object on the way has the name twice.
    Twice,
}

/// Reads a whole document; `None` where it is none.
pub(super) fn parse(text: &[u8]) -> Option<Node<'_>> {
    std::str::from_utf8(text).ok()?;
    let mut rest = text;
    let node = value(&mut rest, 0)?;
    skip_space(&mut rest);
    rest.is_empty().then_some(node)
}

impl<'a> Node<'a> {
    /// The member of an object.
    pub(super) fn member(&self, name: &[u8]) -> Result<&Node<'a>, NoNode> {
        let Node::Map(members) = self else { return Err(NoNode::Absent) };
        // Names are compared as they are meant: an escape in one hides nothing.
        let mut found = members.iter().filter(|(key, _)| {
            *key == name
                || key.contains(&b'\\') && decoded(key).is_some_and(|key| key.expose() == name)
        });
        match (found.next(), found.next()) {
            (Some((_, node)), None) => Ok(node),
            (None, _) => Err(NoNode::Absent),
            _ => Err(NoNode::Twice),
        }
    }

    /// What a pointer leads to (RFC 6901).
    pub(super) fn at(&self, pointer: &str) -> Result<&Node<'a>, NoNode> {
        pointer.split('/').skip(1).try_fold(self, |node, token| {
            let token = token.replace("~1", "/").replace("~0", "~");
            let Node::List(items) = node else { return node.member(token.as_bytes()) };
            let plain = token == "0"
                || !token.starts_with('0') && token.bytes().all(|byte| byte.is_ascii_digit());
            let place = token.parse::<usize>().ok().filter(|_| plain);
            place.and_then(|place| items.get(place)).ok_or(NoNode::Absent)
        })
    }

    /// The value of a string.
    pub(super) fn text(&self) -> Option<Secret> {
        if let Node::Text(raw) = self { decoded(raw) } else { None }
    }
}

fn skip_space(rest: &mut &[u8]) {
    let space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let at = rest.iter().position(|byte| !space(byte)).unwrap_or(rest.len());
    *rest = rest.get(at..).unwrap_or_default();
}

/// Takes `word` from the start.
fn take(rest: &mut &[u8], word: &[u8]) -> Option<()> {
    *rest = rest.strip_prefix(word)?;
    Some(())
}

fn value<'a>(rest: &mut &'a [u8], depth: usize) -> Option<Node<'a>> {
    skip_space(rest);
    match rest.first()? {
        b'{' | b'[' if depth == DEEPEST => None,
        b'{' => {
            let mut members = Vec::new();
            items(rest, b'}', |rest| {
                skip_space(rest);
                let key = string(rest)?;
                skip_space(rest);
                take(rest, b":")?;
                members.push((key, value(rest, depth + 1)?));
                Some(())
            })?;
            Some(Node::Map(members))
        }
        b'[' => {
            let mut list = Vec::new();
            items(rest, b']', |rest| {
                list.push(value(rest, depth + 1)?);
                Some(())
            })?;
            Some(Node::List(list))
        }
        b'"' => string(rest).map(Node::Text),
        b'n' => take(rest, b"null").map(|()| Node::Null),
        b't' => take(rest, b"true").map(|()| Node::Other),
        b'f' => take(rest, b"false").map(|()| Node::Other),
        _ => number(rest).map(|()| Node::Other),
    }
}

/// What stands between an opening bracket and `end`, separated by commas.
fn items<'a>(
    rest: &mut &'a [u8],
    end: u8,
    mut item: impl FnMut(&mut &'a [u8]) -> Option<()>,
) -> Option<()> {
    *rest = rest.get(1..)?;
    skip_space(rest);
    if take(rest, &[end]).is_some() {
        return Some(());
    }
    loop {
        item(rest)?;
        skip_space(rest);
        if take(rest, &[end]).is_some() {
            return Some(());
        }
        take(rest, b",")?;
    }
}

/// `-`, digits without a leading zero, a fraction, an exponent.
fn number(rest: &mut &[u8]) -> Option<()> {
    let digits = |rest: &mut &[u8]| {
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        *rest = rest.get(count..).unwrap_or_default();
        (count > 0).then_some(count)
    };
    let _ = take(rest, b"-");
    let leading = rest.first() == Some(&b'0');
    if digits(rest)? > 1 && leading {
        return None;
    }
    if take(rest, b".").is_some() {
        digits(rest)?;
    }
    if take(rest, b"e").is_some() || take(rest, b"E").is_some() {
        let _ = take(rest, b"+").or_else(|| take(rest, b"-"));
        digits(rest)?;
    }
    Some(())
}

/// The text between two quotes, as it is written. Its escapes are known to be right afterwards.
fn string<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    take(rest, b"\"")?;
    let mut bytes = rest.iter().enumerate();
    let end = loop {
        match bytes.next()? {
            (at, b'"') => break at,
            (_, b'\\') => _ = bytes.next()?,
            (_, 0..0x20) => return None,
            _ => {}
        }
    };
    let (raw, after) = rest.split_at_checked(end)?;
    *rest = after.get(1..)?;
    if raw.contains(&b'\\') {
        decoded(raw)?;
    }
    Some(raw)
}

/// The text that `raw` stands for; `None` where an escape is none.
fn decoded(raw: &[u8]) -> Option<Secret> {
    // Never longer than it is written, so the buffer is not moved and leaves no copy.
    let mut value = Vec::with_capacity(raw.len());
    let fine = decode(raw, &mut value);
    let value = Secret::new(value);
    fine.map(|()| value)
}

fn decode(raw: &[u8], value: &mut Vec<u8>) -> Option<()> {
    let mut rest = raw;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'\\' {
            value.push(*byte);
            continue;
        }
        let (escape, after) = rest.split_first()?;
        rest = after;
        value.push(match escape {
            b'"' | b'\\' | b'/' => *escape,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let mut point = hex(&mut rest)?;
                // Beyond the first 65536 a character is written as two halves.
                if (0xd800..0xdc00).contains(&point) {
                    take(&mut rest, b"\\u")?;
                    let low = hex(&mut rest)?.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
                    point = 0x10000 + ((point - 0xd800) << 10) + low;
                }
                let mut buffer = [0; 4];
                let text = char::from_u32(point)?.encode_utf8(&mut buffer);
                value.extend_from_slice(text.as_bytes());
                continue;
            }
            _ => return None,
        });
    }
    Some(())
}

fn hex(rest: &mut &[u8]) -> Option<u32> {
    let (digits, after) = rest.split_at_checked(4)?;
    *rest = after;
    digits.iter().try_fold(0, |number, digit| Some(number << 4 | char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(document: &str, pointer: &str) -> Option<String> {
        let root = parse(document.as_bytes()).expect(document);
        let value = root.at(pointer).ok()?.text()?;
        Some(String::from_utf8(value.expose().to_vec()).unwrap())
    }

    #[test]
    fn what_serde_takes_is_taken_and_nothing_else() {
        let documents = [
            "null",
            " true ",
            "false",
            "\"\"",
            "0",
            "-0",
            "-0.5e+7",
            "1E9",
            "[]",
            "[ ]",
            "{}",
            "[1,\"a\",null,{\"b\":[]}]",
            "{\"a\":\"b\",\"c\":{}}",
            "\"\\u00e9\\ud83d\\ude00\\n\"",
            "",
            " ",
            "nul",
            "nulll",
            "01",
            "1.",
            ".5",
            "+1",
            "1e",
            "-",
            "[",
            "[1,]",
            "[,1]",
            "{,}",
            "{\"a\"}",
            "{\"a\":}",
            "{a:1}",
            "{\"a\":1,}",
            "\"",
            "\"\\\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\ud800\"",
            "\"\\udc00\"",
            "\"\\ud800\\u0041\"",
            "\"a\nb\"",
            "'a'",
            "[1] x",
            "NaN",
        ];
        for document in documents {
            let serde = serde_json::from_str::<serde_json::Value>(document).is_ok();
            assert_eq!(parse(document.as_bytes()).is_some(), serde, "{document}");
        }
        assert!(parse(b"\"\xff\"").is_none());
        assert!(parse("[".repeat(100_000).as_bytes()).is_none());
    }

    #[test]
    fn pointers_lead_as_the_rfc_says() {
        // RFC 6901 section 5, with strings.
        let document = r#"{"foo":["bar","baz"],"":"0","a/b":"1","c%d":"2","m~n":"8","k\"l":"6"}"#;
        for (pointer, expected) in [
            ("/foo/0", "bar"),
            ("/foo/1", "baz"),
            ("/", "0"),
            ("/a~1b", "1"),
            ("/c%d", "2"),
            ("/m~0n", "8"),
            ("/k\"l", "6"),
        ] {
            assert_eq!(text(document, pointer).as_deref(), Some(expected), "{pointer}");
        }
        for pointer in ["/foo", "/foo/2", "/foo/00", "/foo/-", "/foo/+1", "/bar", "/foo/0/x"] {
            assert_eq!(text(document, pointer), None, "{pointer}");
        }
        assert_eq!(text("\"all\"", "").as_deref(), Some("all"));
    }

    #[test]
    fn escapes_are_decoded_and_a_name_is_what_it_means() {
        let document = r#"{"\u0061":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"}"#;
        assert_eq!(text(document, "/a").as_deref(), Some("\"\\/\u{8}\u{c}\n\r\té😀"));
    }

    #[test]
    fn a_name_that_stands_twice_is_no_member() {
        let root = parse(br#"{"a":"1","\u0061":"2"}"#).unwrap();
        assert!(matches!(root.member(b"a"), Err(NoNode::Twice)));
        assert!(matches!(root.member(b"b"), Err(NoNode::Absent)));
    }
}
