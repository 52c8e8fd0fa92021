//! Who did what and when, for an auditor.

use super::html;
use crate::ledger::{Kind, Record};
use crate::output::escape;
use serde::Serialize;
use std::fmt::Write as _;

/// The records of one key.
#[derive(Debug, Serialize)]
pub struct Key<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its records, oldest first.
    pub records: &'a [Record],
}

/// The records of the keys that were asked for.
#[derive(Debug, Serialize)]
pub struct History<'a> {
    schema: &'static str,
    /// When it was made.
    pub time: String,
    /// Whether the chain was verified.
    pub verified: bool,
    /// The ledger's head, where it was verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    /// The keys, sorted by name.
    pub keys: Vec<Key<'a>>,
}

impl<'a> History<'a> {
    /// Of these keys at this time. `head` is there where the chain was verified.
    pub fn new(keys: Vec<Key<'a>>, time: String, head: Option<String>) -> History<'a> {
        let verified = head.is_some();
        History { schema: "nexis-launch/rotate-history/v1", time, verified, head, keys }
    }

    /// As one line of JSON.
    pub fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for key in &self.keys {
            let class = key.records.last().map_or("", |record| record.class.as_str());
            let _ = writeln!(text, "{} ({})", escape(key.name), escape(class));
            for record in key.records {
                let _ = writeln!(
                    text,
                    "  {:>3}  {}  {:19}  {}  by {}",
                    record.seq,
                    escape(&record.time),
                    record.kind.name(),
                    escape(&record.fingerprint),
                    escape(&record.actor)
                );
                for (what, detail) in details(record) {
                    let _ = writeln!(text, "       {what}: {}", escape(&detail));
                }
            }
        }
        if self.keys.is_empty() {
            text.push_str("no key is in the ledger\n");
        }
        match &self.head {
            Some(head) => {
                let _ = writeln!(text, "chain verified, head {head}");
            }
            None => text.push_str("chain not verified\n"),
        }
        text
    }

    /// One page without anything from elsewhere.
    pub fn html(&self) -> String {
        html::page(self)
    }
}

/// What a record holds besides time, kind, value and actor, as label and text.
pub(super) fn details(record: &Record) -> Vec<(&'static str, String)> {
    let mut details = Vec::new();
    let mut add = |what, text: Option<&String>| {
        details.extend(text.map(|text| (what, text.clone())));
    };
    add("approved by", record.approved_by.as_ref());
    add("change", record.change.as_ref());
    add("emergency", record.emergency.as_ref());
    add("reason", record.reason.as_ref());
    add("created", record.created.as_ref());
    add("expires", record.expires.as_ref());
    add("old value to be revoked by", record.revoke_by.as_ref());
    let check = match (record.kind, record.check.as_deref(), record.check_status) {
        (Kind::Verified | Kind::VerificationFailed, Some(_), Some(status)) => {
            Some(format!("the operator's command ended with {status}"))
        }
        (Kind::Verified, Some(check), None) => Some(format!("{check} of the actor")),
        _ => None,
    };
    add("verification", check.as_ref());
    add("commit", record.commit.as_ref());
    add("deployment", record.deployment.as_ref());
    for link in &record.links {
        add("link", Some(link));
    }
    add("head before", record.head.as_ref());
    details
}
