//! What may be said of a secret's value in a file: that it is there, or that it is public.

use super::model::Given;
use crate::contract::model::{Kind, Row};
use crate::finding::{Code, Fact};
use crate::url;
use crate::validate::placeholder::{
    BURNT, BURNT_PASSWORD, PLACEHOLDER, PLACEHOLDER_PASSWORD, is_obvious, is_placeholder, rejection,
};
use crate::validate::reference::is_unresolved;

/// What is wrong with how a secret row's value is given; it is not blank.
pub fn judge(row: &Row, given: &Given) -> Option<(Code, Fact)> {
    let value = match given.text() {
        Some(value) => value,
        None => {
            return Some((Code::SecretInEnvironment, Fact::Says("is passed by the environment")));
        }
    };
    let public = |words| Some((Code::Placeholder, Fact::Says(words)));
    if rejection(row, value, false).is_some() {
        return public(BURNT);
    }
    // Something between the file and the program replaces it.
    if is_unresolved(row, value) {
        return None;
    }
    if let Kind::Url { .. } = row.format.kind {
        let passwords = url::passwords(value);
        // A URL without a password is no secret yet.
        if passwords.is_empty() && !is_placeholder(value) {
            return None;
        }
        if passwords.iter().any(|it| rejection(row, it.expose(), true).is_some()) {
            return public(BURNT_PASSWORD);
        }
        if passwords.iter().any(|it| is_obvious(it.expose())) {
            return public(PLACEHOLDER_PASSWORD);
        }
    }
    if is_placeholder(value) {
        return public(PLACEHOLDER);
    }
    let words = match given {
        Given::Default(_) => "falls back to a value in plain text where its variable is unset",
        _ => "stands in plain text in the file",
    };
    Some((Code::PlaintextSecret, Fact::Says(words)))
}
