//! The findings about names: what nothing reads, and what looks like a secret without a row.

use super::verdict::Judge;
use crate::contract::model::Role;
use crate::finding::{Code, Fact};
use crate::nearest::nearest;
use crate::resolve::State;
use crate::source::{InheritedKind, Source, SourceKind};
use std::borrow::Cow;

/// The endings by which a name says that it is a secret (interface section 7).
const SECRET_ENDINGS: [&str; 5] = ["_SECRET", "_TOKEN", "_PASSWORD", "_API_KEY", "_PRIVATE_KEY"];

pub(super) fn judge(judge: &mut Judge<'_>) {
    let case = judge.case;
    for inherited in case.inherited {
        if inherited.kind == InheritedKind::Other {
            let name = inherited.name();
            // Nothing is to be said of most names, and then they need not be text.
            if case.contract.may_concern(name) || says_secret(name) {
                let passed = case.inheritance.passes(name);
                one(judge, String::from_utf8_lossy(name), SourceKind::Env, None, passed);
            }
        }
    }
    // Of what the environment has too, that has been judged.
    for extra in case.extras.iter().filter(|extra| !extra.shadowed) {
        let passed = case.inheritance.passes(extra.name.as_bytes());
        one(judge, Cow::Borrowed(&extra.name), SourceKind::EnvFile, Some(&extra.source), passed);
    }
    for resolved in case.resolution.with_value() {
        if resolved.state == State::Delivered
            && let Some(note) = case.contract.row(resolved.id).not_read
        {
            let source = resolved.winner().map(|seen| seen.source.clone());
            judge.add(Some(resolved.id), Code::NotReadByProgram, source, Fact::Note(note));
        }
    }
}

fn one(
    judge: &mut Judge<'_>,
    name: Cow<'_, str>,
    kind: SourceKind,
    source: Option<&Source>,
    passed: bool,
) {
    let contract = judge.case.contract;
    let owned = || Cow::Owned(name.clone().into_owned());
    let source = || source.cloned().unwrap_or_else(|| Source::new(kind, name.clone().into_owned()));
    if let Some(known) = contract.not_read(name.as_bytes()) {
        judge.add_named(owned(), Code::NotReadByProgram, Some(source()), Fact::Note(known.note));
    } else if contract.prefixes.iter().any(|prefix| name.starts_with(prefix))
        // A provider reads it.
        && !contract.is_lent(name.as_bytes())
    {
        let own =
            contract.names.iter().filter(|known| matches!(known.role, Role::Own | Role::Alias(_)));
        let near =
            nearest(&name, own.map(|known| known.name)).map(|near| Cow::Owned(near.to_owned()));
        judge.add_named(owned(), Code::UnknownVariable, Some(source()), Fact::Nearest(near));
    }
    // Whether a program reads a secret or not, it gets it.
    if passed && says_secret(name.as_bytes()) {
        judge.add_named(owned(), Code::UndeclaredSecret, Some(source()), Fact::Nearest(None));
    }
}

/// Whether a name says that it is a secret.
pub fn says_secret(name: &[u8]) -> bool {
    // Few names end as one of these does.
    matches!(name.last(), Some(b'T' | b'N' | b'D' | b'Y'))
        && SECRET_ENDINGS.iter().any(|ending| name.ends_with(ending.as_bytes()))
}
