//! Log levels and `tracing` filter directives: `level`, `target=level`,
//! `target[span{field}]=level`, in comma lists.

/// What one directive asks for.
#[derive(Clone, Copy, PartialEq)]
enum Directive {
    /// At most info.
    Quiet,
    /// Debug or trace.
    Verbose,
    /// A target without a level, which `tracing` takes as trace for it.
    Bare,
}

/// Whether the level is debug or trace; `None` for a word that is no level. `tracing` takes the
/// digits 0 (off) to 5 (trace) too.
fn level(word: &[u8]) -> Option<bool> {
    let is = |names: &[&str]| names.iter().any(|name| word.eq_ignore_ascii_case(name.as_bytes()));
    if is(&["debug", "trace", "4", "5"]) {
        Some(true)
    } else if is(&["off", "error", "warn", "info", "0", "1", "2", "3"]) {
        Some(false)
    } else {
        None
    }
}

/// Splits at `at`, but not inside brackets or braces, where values may hold commas and `=`.
fn split(text: &[u8], at: u8) -> impl Iterator<Item = &[u8]> {
    let mut depth = 0usize;
    text.split(move |&byte| {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && byte == at
    })
}

fn directive(text: &[u8]) -> Option<Directive> {
    let word = |verbose| if verbose { Directive::Verbose } else { Directive::Quiet };
    if let Some(verbose) = level(text) {
        return Some(word(verbose));
    }
    let mut sides = split(text, b'=');
    let (target, asked, rest) = (sides.next()?, sides.next(), sides.next());
    if rest.is_some() || !is_target(target) {
        return None;
    }
    match asked {
        Some(asked) => level(asked).map(word),
        None => Some(Directive::Bare),
    }
}

/// `crate::module`, optionally followed by `[span{fields}]`.
fn is_target(text: &[u8]) -> bool {
    let (path, span) = match text.iter().position(|&byte| byte == b'[') {
        Some(at) => text.split_at(at),
        None => (text, &[][..]),
    };
    let path_byte = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b':' | b'.');
    let fine_span = span.is_empty()
        || span.last() == Some(&b']') && span.iter().all(|b| (0x20..0x7f).contains(b));
    !text.is_empty() && path.iter().all(path_byte) && fine_span
}

/// Whether it is a level or a list of directives. A single word that is no level is refused: the
/// gateway's log falls silent on it (gateway contract section 2).
pub fn is_valid(value: &[u8]) -> bool {
    let mut some = false;
    let mut all_bare_words = true;
    // Empty pieces, as in `info,`, are passed over by `tracing`.
    for piece in split(value, b',').filter(|piece| !piece.is_empty()) {
        some = true;
        match directive(piece) {
            None => return false,
            Some(Directive::Bare) if !piece.contains(&b'[') => {}
            Some(_) => all_bare_words = false,
        }
    }
    some && !all_bare_words
}

/// Whether some directive asks for debug or trace, by name or as a target without a level. A
/// value that [`is_valid`] refuses is judged by its pieces that can be read.
pub fn is_verbose(value: &[u8]) -> bool {
    let valid = is_valid(value);
    split(value, b',').any(|piece| match directive(piece.trim_ascii()) {
        Some(Directive::Verbose) => true,
        Some(Directive::Bare) => valid,
        Some(Directive::Quiet) | None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_directives_are_taken() {
        for text in [
            "info",
            "WARN",
            "off",
            "3",
            "info,hyper=warn",
            "nexis_gateway::auth=debug,info",
            "info,",
            "info,hyper",
            "[request{id=1,user=2}]=trace",
            "nexis[request]",
        ] {
            assert!(is_valid(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn other_words_are_refused() {
        for text in [
            "",
            ",",
            "verbose",
            "warning",
            "information",
            "hyper,tower",
            "info, hyper=warn",
            "hyper=loud",
            "hyper=",
            "=info=",
            "a=b=info",
            "info;debug",
            "6",
            "nexis[request",
            "nexis[request}=info",
            "nexis[re\u{7}quest]",
        ] {
            assert!(!is_valid(text.as_bytes()), "{text:?}");
        }
    }

    #[test]
    fn debug_and_trace_are_verbose_wherever_they_stand() {
        for text in [
            "debug",
            "TRACE",
            "5",
            "info,hyper=debug",
            "hyper=trace,warn",
            "info,hyper",
            "nexis[request]",
            "info, debug",
            "[s{a=1,b=2}]=debug",
        ] {
            assert!(is_verbose(text.as_bytes()), "{text}");
        }
        for text in ["info", "error,hyper=off", "debugger", "debug_target=info", "verbose", ""] {
            assert!(!is_verbose(text.as_bytes()), "{text}");
        }
    }
}
