//! Text that may be shown: escaped, and free of secrets.

use super::SourceRecord;
use crate::bytes::text;
use crate::needles::Needles;
use crate::output::{escape, is_printable};
use crate::source::{Source, SourceKind};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// Text that the guard has looked at, or that is the program's own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shown(Cow<'static, str>);

impl Shown {
    /// Text of the program's own, or a name from the contract.
    pub const fn own(text: &'static str) -> Self {
        Shown(Cow::Borrowed(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Lets text through that holds no secret and no sub-secret of 8 bytes or more in any form.
#[derive(Clone, Copy)]
pub struct Guard<'a>(&'a Needles);

impl<'a> Guard<'a> {
    /// A guard that knows these secrets.
    pub fn new(needles: &'a Needles) -> Self {
        Guard(needles)
    }

    /// The text with every control character escaped, or `[redacted:NAME]` in place of the whole
    /// of a text that holds a secret.
    pub fn text(self, text: &str) -> Shown {
        match self.0.find(text.as_bytes()) {
            Some(name) => Shown(Cow::Owned(format!("[redacted:{name}]"))),
            None => Shown(Cow::Owned(escape(text).into_owned())),
        }
    }

    /// The same without a copy of a text that is fine as it is.
    pub fn owned(self, text: String) -> Shown {
        match self.0.find(text.as_bytes()) {
            Some(name) => Shown(Cow::Owned(format!("[redacted:{name}]"))),
            None => Shown(Cow::Owned(escaped(text))),
        }
    }

    /// The same for bytes, with what is not UTF-8 replaced.
    pub fn bytes(self, bytes: &[u8]) -> Shown {
        self.text(&text(bytes))
    }

    /// The bytes as they are, where they are printable ASCII and hold no secret.
    pub fn plain(self, bytes: Vec<u8>) -> Option<String> {
        if !is_printable(&bytes) || self.0.find(&bytes).is_some() {
            return None;
        }
        String::from_utf8(bytes).ok()
    }

    /// The text, or nothing where it holds a secret.
    pub fn display(self, text: &str) -> Option<Shown> {
        match self.0.find(text.as_bytes()) {
            Some(_) => None,
            None => Some(Shown(Cow::Owned(escape(text).into_owned()))),
        }
    }

    /// A name, guarded where it is not the contract's.
    #[allow(clippy::ptr_arg, reason = "a borrowed name is the contract's")]
    pub fn name(self, name: &Cow<'static, str>) -> Shown {
        match name {
            Cow::Borrowed(name) => Shown::own(name),
            Cow::Owned(name) => self.text(name),
        }
    }

    /// A source, its name guarded where it is not the contract's.
    pub fn source(self, source: &Source) -> SourceRecord {
        // A template is the contract's, and may hold what is in its value a secret.
        let name = match source.kind {
            SourceKind::Template => self.text(&source.name),
            _ => self.name(&source.name),
        };
        SourceRecord { kind: source.kind.name(), name }
    }
}

fn escaped(text: String) -> String {
    match escape(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(escaped) => escaped,
    }
}
