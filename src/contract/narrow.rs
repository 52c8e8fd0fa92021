//! What of an extending row's format is stricter: a kind of fewer values, bounds further inwards.

use super::draft::{FormatDraft, KindName};
use super::model::Str;
use super::name::shown;

/// The kinds that `kind` may become; all their values are values of it too.
fn narrower(kind: KindName) -> &'static [KindName] {
    use KindName::{Ascii, Base64, Base64Url, Hex, Integer};
    match kind {
        KindName::Text => &[
            Ascii,
            Hex,
            Base64,
            Base64Url,
            Integer,
            KindName::Url,
            KindName::Flag,
            KindName::Enum,
            KindName::Origins,
            KindName::SocketAddress,
            KindName::LogFilter,
        ],
        Ascii => &[Hex, Base64, Base64Url, Integer],
        Base64 => &[Base64Url],
        _ => &[],
    }
}

/// Whether a word of an enumeration is what kind text takes, which other kinds' values always are.
fn is_text(word: &str, single_line: bool) -> bool {
    word.chars().all(|c| match c {
        '\t' => true,
        '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' if single_line => false,
        '\n' | '\r' => true,
        _ => !c.is_control(),
    })
}

/// The format key by key; a kind may only become one whose values the old kind takes too, and of
/// which as much is judged.
pub(super) fn format(
    base: &mut FormatDraft,
    over: &FormatDraft,
    is_secret: bool,
    less: &mut dyn FnMut(&str, &str, &str),
) {
    let old_kind = base.kind.unwrap_or(KindName::Text);
    if let Some(kind) = over.kind
        && kind != old_kind
        && !(kind == KindName::Base64Url && old_kind == KindName::Base64)
    {
        // Whether it is a real one is judged of a secret in free text alone; where there is a least
        // length its entropy too, which is never judged of a URL.
        let has_least = base.min_bytes.is_some();
        let was_judged = matches!(old_kind, KindName::Text | KindName::Ascii);
        let escapes = match kind {
            KindName::Ascii | KindName::Hex | KindName::Base64 | KindName::Base64Url => false,
            KindName::Url => has_least,
            _ => is_secret || has_least,
        };
        if narrower(old_kind).contains(&kind) && !(was_judged && escapes) {
            let single = base.single_line == Some(true);
            if over.values.iter().flatten().any(|word| !is_text(word, single)) {
                let old = if single { "text of a single line" } else { "text" };
                less("values", "of several lines or with control characters", old);
            }
            // The old kind's particulars go with it.
            let FormatDraft { min_bytes, max_bytes, prefix, .. } = *base;
            *base = FormatDraft {
                kind: Some(kind),
                min_bytes,
                max_bytes,
                prefix,
                ..Default::default()
            };
        } else {
            less("format kind", kind.word(), old_kind.word());
        }
    }
    /// A bound that may only move inwards; `least` says which way that is.
    fn bound<T: Ord + Copy + ToString>(
        key: &str,
        old: &mut Option<T>,
        new: Option<T>,
        least: bool,
        less: &mut dyn FnMut(&str, &str, &str),
    ) {
        let Some(value) = new else { return };
        match *old {
            Some(known) if (value < known) == least && value != known => {
                less(key, &value.to_string(), &known.to_string());
            }
            _ => *old = new,
        }
    }
    bound("min_bytes", &mut base.min_bytes, over.min_bytes, true, less);
    bound("max_bytes", &mut base.max_bytes, over.max_bytes, false, less);
    bound("min", &mut base.min, over.min, true, less);
    bound("max", &mut base.max, over.max, false, less);
    match (base.bytes, over.bytes) {
        (Some(old), Some(new)) if old != new => less("bytes", &new.to_string(), &old.to_string()),
        (_, Some(new)) => base.bytes = Some(new),
        _ => {}
    }
    match (base.prefix, over.prefix) {
        (Some(old), Some(new)) if !new.starts_with(old) => {
            less("prefix", shown(new, "another"), shown(old, "the one"));
        }
        (_, Some(new)) => base.prefix = Some(new),
        _ => {}
    }
    match (base.single_line, over.single_line) {
        (Some(true), Some(false)) => less("single_line", "false", "true"),
        (_, Some(new)) => base.single_line = Some(new),
        _ => {}
    }
    match (base.user_info, over.user_info) {
        (Some(false), Some(true)) => less("user_info", "allow", "refuse"),
        (_, Some(new)) => base.user_info = Some(new),
        _ => {}
    }
    // Without schemes of its own the base takes any, on any host.
    let any = base.schemes.as_ref().is_none_or(Vec::is_empty);
    let wide = base.schemes.clone().unwrap_or_default();
    subset("schemes", &mut base.schemes, &over.schemes, any, &[], less);
    subset(
        "loopback_schemes",
        &mut base.loopback_schemes,
        &over.loopback_schemes,
        any,
        &wide,
        less,
    );
    let any = base.values.is_none();
    subset("values", &mut base.values, &over.values, any, &[], less);
}

/// Takes `new` where each of it is in `old` or `also`, or where `any` was allowed.
fn subset(
    key: &str,
    old: &mut Option<Vec<Str>>,
    new: &Option<Vec<Str>>,
    any: bool,
    also: &[Str],
    less: &mut dyn FnMut(&str, &str, &str),
) {
    let Some(new) = new else { return };
    let known = old.clone().unwrap_or_default();
    let inside = |one: &Str| known.iter().chain(also).any(|known| known.eq_ignore_ascii_case(one));
    // An empty list means any.
    let widened = new.is_empty() && key == "schemes" && !any;
    if (any || new.iter().all(inside)) && !widened {
        *old = Some(new.clone());
        return;
    }
    let words = |list: &[Str]| {
        let words: Vec<&str> = list.iter().map(|one| shown(one, "another")).collect();
        format!("[{}]", words.join(", "))
    };
    less(key, &words(new), &words(&known));
}
