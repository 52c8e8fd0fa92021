//! One record: what was done to which value of a name, when and by whom.

use crate::output::escape;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The schema that every line names.
pub const SCHEMA: &str = "nexis-launch/ledger/v1";

/// The most bytes of one text of a record.
const LONGEST_TEXT: usize = 500;

/// What a record says was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A value that is in use already was registered.
    #[default]
    Adopted,
    /// A new value was generated and stored; its rotation begins.
    Started,
    /// The new value is in staging.
    Staged,
    /// Login and token behaviour were verified with it.
    Verified,
    /// They were, and were not as they should be; the step is still to do.
    VerificationFailed,
    /// The new value is in production.
    Deployed,
    /// A value was revoked or deleted.
    Revoked,
    /// Commit, deployment and links to evidence.
    Evidence,
    /// The rotation was given up before the new value was in production.
    Aborted,
    /// A value is suspected to be known to others.
    Exposed,
}

impl Kind {
    /// The word in the ledger.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Adopted => "adopted",
            Kind::Started => "started",
            Kind::Staged => "staged",
            Kind::Verified => "verified",
            Kind::VerificationFailed => "verification-failed",
            Kind::Deployed => "deployed",
            Kind::Revoked => "revoked",
            Kind::Evidence => "evidence",
            Kind::Aborted => "aborted",
            Kind::Exposed => "exposed",
        }
    }
}

/// One line of the ledger, its keys in this order. [`Ledger::append`](super::Ledger::append) takes
/// one in which the particulars are filled in and adds `schema`, `name`, `seq`, `time`, `kind`,
/// `ledger_key_id`, `previous` and `mac`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The schema, [`SCHEMA`].
    pub schema: String,
    /// The key's name; it is the file's too.
    pub name: String,
    /// The line's number, from 1.
    pub seq: u64,
    /// UTC, RFC 3339, whole seconds.
    pub time: String,
    /// What was done.
    pub kind: Kind,
    /// The id of the ledger key.
    pub ledger_key_id: String,
    /// The class, whose rotation window applies.
    pub class: String,
    /// The fingerprint of the value that the record is about.
    pub fingerprint: String,
    /// The id of the key of that fingerprint.
    pub fingerprint_key_id: String,
    /// The fingerprint of the password inside the value, where that is a URL with one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_fingerprint: Option<String>,
    /// The day the value was made, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// The day it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// The last day of the value before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoke_by: Option<String>,
    /// How it was verified: `command` or `attestation`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// The exit status of the command that verified it; 128 and the signal's number where one
    /// ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_status: Option<i32>,
    /// Who did it.
    pub actor: String,
    /// Who approved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// The change under which it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
    /// Why a step was done out of order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency: Option<String>,
    /// Why the value is suspected to be exposed, or the rotation was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The commit that was deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
    /// Links to evidence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<String>,
    /// The head of this name's records before this one; it was that of the whole ledger once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    /// The MAC of the line before; zeros in the first.
    pub previous: String,
    /// The MAC of this line.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mac: String,
}

impl Record {
    /// The line without its end: the bytes that the MAC covers, `,"mac":"…"}` and no newline.
    /// Empty where it cannot be written, which no record of this type comes to.
    pub fn line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Every text that people wrote.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let single = [
            Some(&self.class),
            Some(&self.actor),
            self.approved_by.as_ref(),
            self.change.as_ref(),
            self.emergency.as_ref(),
            self.reason.as_ref(),
            self.commit.as_ref(),
            self.deployment.as_ref(),
        ];
        single.into_iter().flatten().chain(&self.links).map(String::as_str)
    }

    /// The day it was written.
    pub fn day(&self) -> Option<Date> {
        self.time.get(..10)?.parse().ok()
    }
}

/// Whether a text may stand in a record: not blank, at most 500 bytes, nothing that a terminal or
/// a log would not show as it is.
pub fn is_clean(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= LONGEST_TEXT && escape(text) == text
}

/// Whether this is the name of a class: a word as contracts have it, which may begin with a digit
/// here.
pub fn is_class(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    begins && text.len() <= 64 && text.bytes().all(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_neither_blank_nor_long_nor_hostile() {
        let longest = "x".repeat(LONGEST_TEXT);
        for text in ["a", " a ", "Ünïcödé", &longest] {
            assert!(is_clean(text), "{text:?}");
        }
        for text in ["", "  ", "a\nb", "a\u{1b}b", "\u{202e}", &format!("{longest}x")] {
            assert!(!is_clean(text), "{text:?}");
        }
    }

    #[test]
    fn a_class_is_a_word() {
        for text in ["a", "jwt-secret", "0", "a-", "9z", "A_b.c", &"a".repeat(64)] {
            assert!(is_class(text), "{text:?}");
        }
        for text in ["", "-", "-a", "_a", ".a", "a/b", "a b", "\u{e4}", &"a".repeat(65)] {
            assert!(!is_class(text), "{text:?}");
        }
    }
}
