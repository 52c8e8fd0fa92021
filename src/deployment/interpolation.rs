//! Compose's interpolation (compose specification, section "Interpolation"), as far as a file
//! alone can tell what becomes of it.

use super::model::Given;
use crate::secret::Secret;

/// References may stand in the default of a reference; nobody writes more levels.
const DEEPEST: u8 = 8;

/// What a text says when every variable in it is unset.
#[derive(Default)]
struct Expansion {
    text: String,
    /// There is a reference with a default.
    defaults: bool,
    /// There is one without, or one that has to be set.
    open: bool,
}

/// What `text` gives: itself where it has no reference, what is left of it where each has a
/// default, else something that stands elsewhere.
pub fn given(text: &str) -> Given {
    let mut expansion = Expansion::default();
    expand(text, 0, &mut expansion);
    match (expansion.open, expansion.defaults) {
        (true, _) => Given::Elsewhere,
        (false, true) => Given::Default(Secret::new(expansion.text.into_bytes())),
        (false, false) => Given::Literal(Secret::new(expansion.text.into_bytes())),
    }
}

/// The part of this number between the separators that stand outside of every `${…}`.
pub fn part(text: &str, separator: char, number: usize) -> Option<&str> {
    let mut depth = 0u32;
    let mut before = ' ';
    let is_separator = |it: char| {
        match it {
            '{' if before == '$' || depth > 0 => depth = depth.saturating_add(1),
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        before = it;
        depth == 0 && it == separator
    };
    text.split(is_separator).nth(number)
}

fn expand(text: &str, depth: u8, out: &mut Expansion) {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.text.push_str(before);
        rest = if let Some(after) = after.strip_prefix('$') {
            out.text.push('$');
            after
        } else if let Some((inner, after)) = braced(after) {
            reference(inner, depth, out);
            after
        } else {
            let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let (name, after) = after.split_at(end.unwrap_or(after.len()));
            match name.is_empty() {
                true => out.text.push('$'),
                false => out.open = true,
            }
            after
        };
    }
    out.text.push_str(rest);
}

/// What stands between `{` and its `}`, and what follows.
fn braced(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('{')?;
    let mut open = 1u32;
    for (at, byte) in inner.bytes().enumerate() {
        match byte {
            b'{' => open = open.saturating_add(1),
            b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        if open == 0 {
            return Some((inner.get(..at)?, inner.get(at + 1..)?));
        }
    }
    None
}

fn reference(inner: &str, depth: u8, out: &mut Expansion) {
    let end = inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let (_, operation) = inner.split_at(end.unwrap_or(inner.len()));
    let operation = operation.strip_prefix(':').unwrap_or(operation);
    match operation.split_at_checked(1) {
        Some(("-", default)) if depth < DEEPEST => {
            out.defaults = true;
            expand(default, depth + 1, out);
        }
        // `${X:+…}` is nothing where X is unset.
        Some(("+", _)) => out.defaults = true,
        _ => out.open = true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_separator_inside_of_a_reference_is_none() {
        for (text, expected) in [
            ("./s:/run/s:ro", Some("/run/s")),
            ("${S:-./s}:/run/s:ro", Some("/run/s")),
            ("${S:-${T:?set it}}:${D:-/run/s}", Some("${D:-/run/s}")),
            ("{a:/run/s}", Some("/run/s}")),
            ("/run/s", None),
            ("${S:-./s}", None),
            ("${S:-./s", None),
        ] {
            assert_eq!(part(text, ':', 1), expected, "{text}");
        }
    }

    #[test]
    fn what_is_left_of_a_text_without_its_variables_is_told() {
        for (text, expected) in [
            ("plain", "literal plain"),
            ("a$$b", "literal a$b"),
            ("5$", "literal 5$"),
            ("${A:-}", "default "),
            ("${A-}", "default "),
            ("${A:+x}", "default "),
            ("${A:-x}y", "default xy"),
            ("${A:-${B:-z}}", "default z"),
            ("${A:-${B}}", "elsewhere"),
            ("${A}", "elsewhere"),
            ("$A", "elsewhere"),
            ("${A:?must be set}", "elsewhere"),
            ("p://u:${A:-pw}@h/${B}", "elsewhere"),
            ("p://u:${A:-pw}@h", "default p://u:pw@h"),
            ("${A", "literal ${A"),
        ] {
            let found = match given(text) {
                Given::Literal(text) => {
                    format!("literal {}", String::from_utf8_lossy(text.expose()))
                }
                Given::Default(text) => {
                    format!("default {}", String::from_utf8_lossy(text.expose()))
                }
                Given::Elsewhere => "elsewhere".to_owned(),
                Given::Broken => "broken".to_owned(),
            };
            assert_eq!(found, expected, "{text}");
        }
    }
}
