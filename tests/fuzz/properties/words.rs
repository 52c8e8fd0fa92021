//! The words of settings, options and small formats: what is no such word is refused without being
//! repeated, patterns match as their definition says, and shown text has no control character.

use super::decode::{CANARY, Input, no_canary, with_canary};
use nexis_launch::cli::Options;
use nexis_launch::environment::matches;
use nexis_launch::health::{Header, Target};
use nexis_launch::mode::Mode;
use nexis_launch::output::escape;
use nexis_launch::settings::{Problems, Settings, UserWish};
use nexis_launch::source::{is_service_link, split_entry};

const SETTINGS: [&str; 14] = [
    "MODE",
    "INHERIT",
    "PASSTHROUGH",
    "ENFORCE",
    "MANIFEST",
    "MANIFEST_TO",
    "AUDIT_LOG",
    "AUDIT_REQUIRED",
    "LABELS",
    "LOG",
    "LOG_FORMAT",
    "USER",
    "NO_NEW_PRIVS",
    "MASK_OUTPUT",
];

pub fn hold(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let shown = escape(&text);
    assert!(!shown.contains(char::is_control), "{shown:?}");
    assert_eq!(escape(&shown), shown, "what is escaped is shown as it is");
    if let Some(mode) = Mode::parse(bytes, &[]) {
        assert_eq!(Mode::parse(mode.name().as_bytes(), &[]), Some(mode));
        assert!(bytes.len() <= 64 || text.trim().len() <= 16, "a mode of many letters");
    }
    if let Some(wish) = UserWish::parse(&text) {
        assert_eq!(wish.text, text.trim());
        assert!(UserWish::parse(&wish.text).is_some());
    }
    let _ = (Header::parse(&text), split_entry(bytes), is_service_link(bytes, bytes));
    if let Ok(target) = Target::parse(&text) {
        let line = format!("{}{}", target.path, target.host);
        assert!(!line.contains(|c: char| c.is_control() || c == ' '), "{line:?}");
        assert!(!target.shown().contains(char::is_control));
    }
    patterns(bytes);
    settings(bytes);
}

fn patterns(bytes: &[u8]) {
    let mut input = Input(bytes);
    let pattern = String::from_utf8_lossy(input.piece()).into_owned();
    let name = input.piece();
    if pattern.len() > 40 || name.len() > 80 {
        return;
    }
    assert_eq!(matches(&pattern, name), plainly(pattern.as_bytes(), name), "{pattern} {name:?}");
    assert!(matches("*", name));
}

/// What a pattern means: a name, or with `*` at its end the beginning of one. Any other `*` is in no
/// name, and a setting with one is refused.
fn plainly(pattern: &[u8], name: &[u8]) -> bool {
    let (beginning, is_open) = match pattern.split_last() {
        Some((b'*', beginning)) => (beginning, true),
        _ => (pattern, false),
    };
    let is_name = !beginning.contains(&b'*');
    is_name && if is_open { name.starts_with(beginning) } else { name == beginning }
}

fn settings(bytes: &[u8]) {
    let mut input = Input(bytes);
    let mut pairs = Vec::new();
    while input.has_more() && pairs.len() < 8 {
        let name = input.one_of(&SETTINGS);
        let value = with_canary(input.piece());
        pairs.push((format!("NEXIS_LAUNCH_{name}").into_bytes(), value));
    }
    let given = pairs.iter().map(|(name, value)| (name.as_slice(), value.as_slice()));
    match Settings::merge(Options::default(), false, given) {
        Ok(settings) => assert!(settings.labels.iter().all(|(name, _)| !name.is_empty())),
        Err(Problems(problems)) => {
            assert!(!problems.is_empty() && !CANARY.is_empty());
            for error in problems {
                assert_eq!(error.status.number(), 64, "{}", error.message);
                let hint = error.hint.unwrap_or_default();
                no_canary("the error of a setting", &format!("{}\n{hint}", error.message));
            }
        }
    }
}
