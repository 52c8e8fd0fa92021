//! Severities that a row has under the table of codes: which are refused, and which are said.

use super::model::{Override, Str};
use super::policy::Policy;
use super::words;
use crate::finding::{Code, Severity};
use crate::mode::Modes;

/// A code that is milder about a row than by itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lowered {
    /// The code.
    pub code: Code,
    /// Its severity by itself.
    from: Option<Severity>,
    /// What is left of it; `None` where the finding is not made.
    to: Option<Severity>,
    /// The modes in which both are so.
    modes: Modes,
}

impl Lowered {
    /// `placeholder from error to warning in staging and production`.
    pub fn words(&self) -> String {
        let name = |severity: Option<Severity>| severity.map_or("none", Severity::name);
        let (code, from, to) = (self.code.name(), name(self.from), name(self.to));
        format!("{code} from {from} to {to} in {}", words::modes(self.modes))
    }
}

/// What the overrides lower and `policy` does not raise again.
pub(super) fn lowered(overrides: &[Override], policy: &Policy) -> Vec<Lowered> {
    let mut found: Vec<Lowered> = Vec::new();
    for one in overrides {
        for mode in one.modes.iter() {
            let code = one.code;
            let (from, to) = (code.severity(mode), one.severity.max(policy.severity(code, mode)));
            let same = |it: &&mut Lowered| (it.code, it.from, it.to) == (code, from, to);
            match found.iter_mut().find(same) {
                _ if to >= from => {}
                Some(known) => known.modes = known.modes.with(mode),
                None => found.push(Lowered { code, from, to, modes: Modes::NONE.with(mode) }),
            }
        }
    }
    found
}

/// What no row may lower: an error that nobody may accept at the command line either.
pub(super) fn refused(name: Str, secret: bool, overrides: &[Override]) -> Option<String> {
    let never = |code: Code| {
        let of_a_secret = matches!(code, Code::MissingRequired | Code::BlankValue);
        code.is_never_accepted() || secret && of_a_secret
    };
    // Nearly no row has any.
    if !overrides.iter().any(|one| never(one.code)) {
        return None;
    }
    let lowered = lowered(overrides, &Policy::NONE);
    let words = lowered.iter().filter(|one| never(one.code)).map(Lowered::words);
    let words = words.collect::<Vec<_>>().join(", ");
    (!words.is_empty()).then(|| format!("{name}: severity lowers {words}"))
}
