//! A contract with names in place of indices: what the grammar yields, what is merged, and what
//! `contract show` prints. [`compile`](super::compile) turns it into the tables.

use super::model::{
    Condition, Contract, Deliver, Display, FinalNewline, Format, Generate, Kind, List, NotRead,
    Override, Reject, Row, Str, Test,
};
use super::policy::PolicyDraft;
use super::provider::Provider;
use crate::finding::{Code, Severity};
use crate::mode::{Mode, Modes};

/// Something and the line it stands on; 0 where it comes from a contract that is extended.
#[derive(Clone, Copy, Debug)]
pub struct At<T> {
    /// The line.
    pub line: u32,
    /// The thing.
    pub value: T,
}

/// A whole contract.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// The contract's name; absent in a file that extends another.
    pub name: Option<Str>,
    /// What it extends.
    pub extends: Option<At<Str>>,
    /// Paths of programs by link names.
    pub program: Vec<At<(Str, Str)>>,
    /// Further spellings of modes.
    pub mode_names: Vec<At<(Str, Mode)>>,
    /// Prefixes of the program's names.
    pub prefixes: Vec<Str>,
    /// Trusted user ids.
    pub trusted_owners: Vec<u32>,
    /// Values refused for every secret row.
    pub burnt: Vec<Reject>,
    /// Variables and parts.
    pub rows: Vec<RowDraft>,
    /// Features.
    pub features: Vec<FeatureDraft>,
    /// Rules.
    pub rules: Vec<RuleDraft>,
    /// Names that are not read.
    pub not_read: Vec<At<NotRead>>,
    /// Commands that values come from.
    pub providers: Vec<At<Provider>>,
    /// Names passed on.
    pub passthrough: Vec<Str>,
    /// The policy.
    pub policy: PolicyDraft,
}

/// A row; what the file does not say is `None` or empty.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the fields are those of `Row`")]
pub struct RowDraft {
    pub name: Str,
    pub part: bool,
    pub line: u32,
    /// The keys that stand in the file, with their lines.
    pub keys: Vec<(Str, u32)>,
    pub aliases: Vec<Str>,
    pub secret: Option<bool>,
    pub class: Option<Str>,
    pub purpose: Option<Str>,
    pub read_by: Option<Str>,
    pub required: Option<Modes>,
    pub required_when: Option<Cond>,
    pub feature: Option<Str>,
    pub files: Vec<Str>,
    pub format: FormatDraft,
    pub rejects: Vec<Reject>,
    pub severity: Vec<Override>,
    pub final_newline: Option<FinalNewline>,
    pub blank_allowed: Option<bool>,
    pub deliver: Option<Deliver>,
    pub generate: Option<Generate>,
    pub provider: Option<Str>,
    pub pointer: Option<Str>,
    pub default: Option<Str>,
    pub template: Option<Str>,
    pub display: Option<Display>,
}

impl RowDraft {
    /// The line of `key`, or of the row.
    pub fn line_of(&self, key: &str) -> u32 {
        self.keys.iter().find(|(name, _)| *name == key).map_or(self.line, |&(_, line)| line)
    }
}

/// The names of kinds, in the order they are documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are those of `Kind`")]
pub enum KindName {
    Text,
    Ascii,
    Hex,
    Base64,
    Base64Url,
    Url,
    Flag,
    Integer,
    SocketAddress,
    Origins,
    LogFilter,
    Enum,
    Mode,
}

impl KindName {
    /// Every kind with its word.
    pub const ALL: &'static [(&'static str, KindName)] = &[
        ("text", KindName::Text),
        ("ascii", KindName::Ascii),
        ("hex", KindName::Hex),
        ("base64", KindName::Base64),
        ("base64url", KindName::Base64Url),
        ("url", KindName::Url),
        ("flag", KindName::Flag),
        ("integer", KindName::Integer),
        ("socket-address", KindName::SocketAddress),
        ("origins", KindName::Origins),
        ("log-filter", KindName::LogFilter),
        ("enum", KindName::Enum),
        ("mode", KindName::Mode),
    ];

    /// Its word.
    pub fn word(self) -> &'static str {
        KindName::ALL.iter().find(|(_, kind)| *kind == self).map_or("text", |(word, _)| word)
    }
}

/// A format; what the file does not say is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "the fields are those of `Kind` and `Format`")]
pub struct FormatDraft {
    pub kind: Option<KindName>,
    pub min_bytes: Option<u32>,
    pub max_bytes: Option<u32>,
    pub prefix: Option<Str>,
    pub single_line: Option<bool>,
    pub bytes: Option<u32>,
    pub schemes: Option<Vec<Str>>,
    pub loopback_schemes: Option<Vec<Str>>,
    pub user_info: Option<bool>,
    pub min: Option<i64>,
    pub max: Option<i64>,
    pub values: Option<Vec<Str>>,
}

/// A feature.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields are those of `Feature`")]
pub struct FeatureDraft {
    pub line: u32,
    pub name: Str,
    pub on: Option<Cond>,
    pub off: Option<Cond>,
    pub conflicts: Vec<Cond>,
}

/// A rule.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields are those of `Rule`")]
pub struct RuleDraft {
    pub line: u32,
    pub variable: Str,
    pub when: Cond,
    pub modes: Modes,
    pub code: Code,
    pub severity: Severity,
    pub message: Str,
    pub hint: Str,
}

/// A condition with names.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the variants are those of `Condition`")]
pub enum Cond {
    Test { line: u32, variable: Str, test: Test },
    Any(Vec<Cond>),
    All(Vec<Cond>),
    Not(Box<Cond>),
}

impl Cond {
    /// Whether both ask the same, wherever they stand.
    pub fn same_as(&self, other: &Cond) -> bool {
        match (self, other) {
            (
                Cond::Test { variable, test, .. },
                Cond::Test { variable: variable2, test: test2, .. },
            ) => variable == variable2 && test == test2,
            (Cond::Any(one), Cond::Any(two)) | (Cond::All(one), Cond::All(two)) => {
                one.len() == two.len() && one.iter().zip(two).all(|(one, two)| one.same_as(two))
            }
            (Cond::Not(one), Cond::Not(two)) => one.same_as(two),
            _ => false,
        }
    }

    /// A condition with names again.
    fn of(contract: &Contract, condition: &Condition) -> Cond {
        let each =
            |list: &List<Condition>| list.iter().map(|one| Cond::of(contract, one)).collect();
        match condition {
            Condition::Test(row, test) => {
                Cond::Test { line: 0, variable: contract.row(*row).name, test: *test }
            }
            Condition::Any(list) => Cond::Any(each(list)),
            Condition::All(list) => Cond::All(each(list)),
            Condition::Not(inner) => Cond::Not(Box::new(Cond::of(contract, inner))),
        }
    }
}

impl Draft {
    /// The contract with names again. Everything is spelled out, whatever is the default.
    pub fn of(contract: &Contract) -> Draft {
        let at = |value| At { line: 0, value };
        Draft {
            name: Some(contract.name),
            extends: None,
            program: contract.program.iter().map(|&pair| At { line: 0, value: pair }).collect(),
            mode_names: contract
                .mode_names
                .iter()
                .map(|&pair| At { line: 0, value: pair })
                .collect(),
            prefixes: contract.prefixes.to_vec(),
            trusted_owners: contract.trusted_owners.to_vec(),
            burnt: contract.burnt.to_vec(),
            rows: contract.rows.iter().map(|row| RowDraft::of(contract, row)).collect(),
            features: contract
                .features
                .iter()
                .map(|feature| FeatureDraft {
                    line: 0,
                    name: feature.name,
                    on: feature.on.as_ref().map(|on| Cond::of(contract, on)),
                    off: feature.off.as_ref().map(|off| Cond::of(contract, off)),
                    conflicts: feature
                        .conflicts
                        .iter()
                        .map(|one| Cond::of(contract, one))
                        .collect(),
                })
                .collect(),
            rules: contract
                .rules
                .iter()
                .map(|rule| RuleDraft {
                    line: 0,
                    variable: contract.row(rule.variable).name,
                    when: Cond::of(contract, &rule.when),
                    modes: rule.modes,
                    code: rule.code,
                    severity: rule.severity,
                    message: rule.message,
                    hint: rule.hint,
                })
                .collect(),
            not_read: contract.not_read.iter().copied().map(at).collect(),
            providers: contract
                .providers
                .iter()
                .copied()
                .map(|value| At { line: 0, value })
                .collect(),
            passthrough: contract.passthrough.to_vec(),
            policy: PolicyDraft::of(contract),
        }
    }
}

impl RowDraft {
    /// A row with names again.
    fn of(contract: &Contract, row: &Row) -> RowDraft {
        let provider = row.fetch.and_then(|fetch| contract.provider(fetch.provider));
        let feature = row.feature.and_then(|id| contract.features.get(usize::from(id.0)));
        // The compiler adds the burnt values to every secret row, all of them and last.
        let burnt = if row.secret { contract.burnt.iter().len() } else { 0 };
        let own = row.rejects.iter().len().saturating_sub(burnt);
        RowDraft {
            name: row.name,
            part: row.part,
            // A line of another file would mislead.
            line: 0,
            keys: Vec::new(),
            aliases: row.aliases.to_vec(),
            secret: Some(row.secret),
            class: row.class,
            purpose: Some(row.purpose),
            read_by: Some(row.read_by),
            required: Some(row.required),
            required_when: row.required_when.as_ref().map(|when| Cond::of(contract, when)),
            feature: feature.map(|feature| feature.name),
            files: row.files.to_vec(),
            format: FormatDraft::of(&row.format),
            rejects: row.rejects.iter().take(own).copied().collect(),
            severity: row.severity.to_vec(),
            final_newline: Some(row.final_newline),
            blank_allowed: Some(row.blank_allowed),
            deliver: Some(row.deliver),
            generate: row.generate,
            provider: provider.map(|provider| provider.name),
            pointer: row.fetch.and_then(|fetch| fetch.pointer),
            default: row.default,
            template: row.template.map(|template| template.text),
            display: Some(row.display),
        }
    }
}

impl FormatDraft {
    /// The format with its kind's particulars beside it.
    pub fn of(format: &Format) -> FormatDraft {
        let mut draft = FormatDraft {
            min_bytes: format.min_bytes,
            max_bytes: format.max_bytes,
            prefix: format.prefix,
            ..FormatDraft::default()
        };
        draft.kind = Some(match format.kind {
            Kind::Text { single_line } => {
                draft.single_line = Some(single_line);
                KindName::Text
            }
            Kind::Ascii => KindName::Ascii,
            Kind::Hex { bytes } => {
                draft.bytes = bytes;
                KindName::Hex
            }
            Kind::Base64 { bytes } => {
                draft.bytes = bytes;
                KindName::Base64
            }
            Kind::Url { schemes, loopback_schemes, user_info } => {
                draft.schemes = Some(schemes.to_vec());
                draft.loopback_schemes = Some(loopback_schemes.to_vec());
                draft.user_info = Some(user_info);
                KindName::Url
            }
            Kind::Flag => KindName::Flag,
            Kind::Integer { min, max } => {
                draft.min = Some(min);
                draft.max = Some(max);
                KindName::Integer
            }
            Kind::SocketAddress => KindName::SocketAddress,
            Kind::Origins => KindName::Origins,
            Kind::LogFilter => KindName::LogFilter,
            Kind::Enum { values } => {
                draft.values = Some(values.to_vec());
                KindName::Enum
            }
            Kind::ModeName => KindName::Mode,
        });
        draft
    }

    /// The format. `Err` names what does not fit together, in fixed words.
    pub fn build(&self) -> Result<Format, String> {
        let kind = self.kind.unwrap_or(KindName::Text);
        self.only(kind)?;
        if let (Some(min), Some(max)) = (self.min_bytes, self.max_bytes)
            && min > max
        {
            return Err(format!("min_bytes {min} is more than max_bytes {max}"));
        }
        let schemes = |list: &Option<Vec<Str>>| List::leak(list.clone().unwrap_or_default());
        let kind = match kind {
            KindName::Text => Kind::Text { single_line: self.single_line.unwrap_or(false) },
            KindName::Ascii => Kind::Ascii,
            KindName::Hex => Kind::Hex { bytes: self.bytes },
            KindName::Base64 | KindName::Base64Url => Kind::Base64 { bytes: self.bytes },
            KindName::Url => Kind::Url {
                schemes: schemes(&self.schemes),
                loopback_schemes: schemes(&self.loopback_schemes),
                user_info: self.user_info.unwrap_or(true),
            },
            KindName::Flag => Kind::Flag,
            KindName::Integer => {
                let (min, max) = (self.min.unwrap_or(i64::MIN), self.max.unwrap_or(i64::MAX));
                if min > max {
                    return Err(format!("min {min} is more than max {max}"));
                }
                Kind::Integer { min, max }
            }
            KindName::SocketAddress => Kind::SocketAddress,
            KindName::Origins => Kind::Origins,
            KindName::LogFilter => Kind::LogFilter,
            KindName::Enum => match &self.values {
                Some(values) if !values.is_empty() => {
                    Kind::Enum { values: List::leak(values.clone()) }
                }
                _ => return Err("kind enum needs values".to_owned()),
            },
            KindName::Mode => Kind::ModeName,
        };
        let Self { min_bytes, max_bytes, prefix, .. } = *self;
        Ok(Format { kind, min_bytes, max_bytes, prefix })
    }

    /// Refuses a key that its kind does not have: it would be a demand that nobody checks.
    fn only(&self, kind: KindName) -> Result<(), String> {
        use KindName::{Base64, Base64Url, Enum, Hex, Integer, Text, Url};
        let keys: [(&str, bool, &[KindName]); 8] = [
            ("single_line", self.single_line.is_some(), &[Text]),
            ("bytes", self.bytes.is_some(), &[Hex, Base64, Base64Url]),
            ("schemes", self.schemes.is_some(), &[Url]),
            ("loopback_schemes", self.loopback_schemes.is_some(), &[Url]),
            ("user_info", self.user_info.is_some(), &[Url]),
            ("min", self.min.is_some(), &[Integer]),
            ("max", self.max.is_some(), &[Integer]),
            ("values", self.values.is_some(), &[Enum]),
        ];
        match keys.iter().find(|(_, given, kinds)| *given && !kinds.contains(&kind)) {
            Some((key, ..)) => Err(format!("kind {} has no {key}", kind.word())),
            None => Ok(()),
        }
    }
}
