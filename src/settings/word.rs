//! Choices among words, as settings spell them.

use super::{Enforce, Inherit, ManifestForm};

/// One choice among words, as an option and as a setting.
pub(super) trait Word: Sized + Copy + 'static {
    const WORDS: &'static [(&'static str, Self)];
}

impl Word for Inherit {
    const WORDS: &'static [(&'static str, Self)] =
        &[("all", Inherit::All), ("contract", Inherit::Contract)];
}

impl Word for Enforce {
    const WORDS: &'static [(&'static str, Self)] =
        &[("refuse", Enforce::Refuse), ("report", Enforce::Report)];
}

impl Word for ManifestForm {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("auto", ManifestForm::Auto),
        ("text", ManifestForm::Text),
        ("json", ManifestForm::Json),
        ("off", ManifestForm::Off),
    ];
}

impl Word for bool {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("true", true),
        ("false", false),
        ("1", true),
        ("0", false),
        ("yes", true),
        ("no", false),
    ];
}

/// The log's form: JSON or not.
#[derive(Clone, Copy)]
pub(super) struct Json(pub(super) bool);

impl Word for Json {
    const WORDS: &'static [(&'static str, Self)] = &[("text", Json(false)), ("json", Json(true))];
}
