//! The three modes and sets of them.

use std::fmt;

/// How strict validation is. Ordered: a later one is stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// A laptop.
    Development,
    /// Before production.
    Staging,
    /// The real thing; also what is assumed where nothing is said.
    Production,
}

impl Mode {
    /// From the laxest to the strictest.
    pub const ALL: [Mode; 3] = [Mode::Development, Mode::Staging, Mode::Production];

    /// The canonical spelling, which is also what the program gets.
    pub const fn name(self) -> &'static str {
        match self {
            Mode::Development => "development",
            Mode::Staging => "staging",
            Mode::Production => "production",
        }
    }

    /// Reads a mode: trimmed (ASCII white space), any case of letters, short forms, and the
    /// contract's own `extra` spellings. `None` for anything else, a closed set being the point.
    pub fn parse(text: &[u8], extra: &[(&str, Mode)]) -> Option<Mode> {
        let text = text.trim_ascii();
        let is = |name: &str| text.eq_ignore_ascii_case(name.as_bytes());
        if is("development") || is("dev") {
            Some(Mode::Development)
        } else if is("staging") || is("stage") {
            Some(Mode::Staging)
        } else if is("production") || is("prod") {
            Some(Mode::Production)
        } else {
            extra.iter().find(|(name, _)| is(name)).map(|&(_, mode)| mode)
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modes(pub u8);

impl Modes {
    /// No mode.
    pub const NONE: Modes = Modes(0);
    /// Every mode.
    pub const ALL: Modes = Modes(0b111);

    /// The set with `mode` added.
    #[must_use]
    pub const fn with(self, mode: Mode) -> Modes {
        Modes(self.0 | 1 << mode as u8)
    }

    /// Whether `mode` is in the set.
    pub const fn has(self, mode: Mode) -> bool {
        self.0 & (1 << mode as u8) != 0
    }

    /// Whether the set has no mode.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The modes in the set, laxest first.
    pub fn iter(self) -> impl Iterator<Item = Mode> {
        Mode::ALL.into_iter().filter(move |&mode| self.has(mode))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_read_trimmed_and_in_any_case() {
        for text in ["prod", "Production", "production\n", " PROD\t"] {
            assert_eq!(Mode::parse(text.as_bytes(), &[]), Some(Mode::Production), "{text:?}");
        }
        assert_eq!(Mode::parse(b"qa", &[("qa", Mode::Staging)]), Some(Mode::Staging));
    }

    #[test]
    fn anything_else_is_no_mode() {
        for text in ["", "produktion", "production2", "local", "prod uction", "\u{a0}prod"] {
            assert_eq!(Mode::parse(text.as_bytes(), &[]), None, "{text:?}");
        }
    }

    #[test]
    fn a_set_holds_what_was_added() {
        let set = Modes::NONE.with(Mode::Staging).with(Mode::Production);
        assert!(!set.has(Mode::Development));
        assert_eq!(set.iter().collect::<Vec<_>>(), [Mode::Staging, Mode::Production]);
        assert!(Modes::NONE.is_empty());
    }
}
