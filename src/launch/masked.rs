//! What is looked for in texts and output, and what of it cannot be.

use super::{Secrets, Survey};
use crate::contract::model::{Contract, Kind};
use crate::finding::{Code, Fact, Finding, Severity};
use crate::mask::{self, Outlook};
use crate::needles::{LEAST, Needles};
use crate::resolve::{Outcome, Resolution};
use crate::secret::Secret;
use crate::url;
use crate::validate::urls::Urls;

impl Survey {
    /// Finds out whether the program's output can be masked, where that was asked for. Only a
    /// launch asks.
    pub fn look_at_output(&mut self) {
        if !self.settings.mask_output {
            return;
        }
        match mask::look() {
            Outlook::Masked(streams) => self.masked_output = streams,
            Outlook::Refused(message, hint) => {
                let fact = Fact::Rule(message, hint);
                self.problems.push(Finding::error(Code::OutputNotMasked, fact));
            }
        }
    }
}

impl Secrets {
    /// Adds a value that was given, with the passwords inside it where it is a URL.
    pub fn add(&mut self, name: &str, value: &Secret) {
        let mut add = |name: String, value: &[u8]| match value.len() {
            LEAST.. => self.needles.add(name, value),
            _ => self.short.push(name),
        };
        add(name.to_owned(), value.expose());
        for password in url::passwords(value.expose()) {
            add(format!("{name}#password"), password.expose());
        }
    }
}

/// The candidates of secrets that have no value to look for, whatever the contract makes of that: a
/// file that cannot be read, a provider that failed. What is withheld is passed over, as it is when
/// it is judged.
pub(super) fn unread(contract: &'static Contract, resolution: &Resolution) -> Vec<Finding> {
    let mut unread = Vec::new();
    for resolved in &resolution.rows {
        let row = contract.row(resolved.id);
        if !row.secret || resolved.seen.is_empty() || resolution.withholds(contract, resolved.id) {
            continue;
        }
        unread.extend(resolved.seen.iter().filter_map(|seen| match &seen.outcome {
            Outcome::Failed(code, fact) => {
                let found = Finding::error(*code, fact.clone());
                Some(found.about(row.name).of(seen.source.clone()))
            }
            _ => None,
        }));
    }
    unread
}

/// The names of secrets of fewer than 8 bytes, which nothing looks for.
pub(super) fn short(contract: &'static Contract, resolution: &Resolution) -> Vec<String> {
    let mut short = Vec::new();
    for resolved in &resolution.rows {
        let row = contract.row(resolved.id);
        for value in resolved.seen.iter().filter_map(|seen| seen.value()) {
            if !row.secret || value.is_blank() {
                continue;
            }
            if value.len() < LEAST {
                short.push(row.name.to_owned());
            }
            let Kind::Url { .. } = row.format.kind else { continue };
            let passwords = url::passwords(value.expose());
            if passwords.iter().any(|password| password.expose().len() < LEAST) {
                short.push([row.name, "#password"].concat());
            }
        }
    }
    short.dedup();
    short
}

/// What is said of secrets that `--mask-output` lets through.
pub(super) fn warnings(
    contract: &'static Contract,
    resolution: &Resolution,
) -> impl Iterator<Item = Finding> {
    short(contract, resolution).into_iter().map(|name| {
        let fact = Fact::Says("has fewer than 8 bytes and is not masked in the program's output");
        Finding::new(Code::SecretNotMasked, Severity::Warning, fact).about(name)
    })
}

/// Every secret that was read, whether it won or not, with the passwords inside URLs, those of public
/// values too.
pub(super) fn needles(
    contract: &'static Contract,
    resolution: &Resolution,
    urls: &Urls<'_>,
) -> Needles {
    let mut needles = Needles::new();
    for resolved in resolution.with_value() {
        let row = contract.row(resolved.id);
        for (at, seen) in resolved.seen.iter().enumerate() {
            let Some(value) = seen.value() else { continue };
            if row.secret {
                needles.add(row.name, value.expose());
            } else if !value.expose().iter().any(|byte| matches!(byte, b'@' | b'?')) {
                // A URL that is public has a password only behind one of these.
                continue;
            }
            // A secret text may be a URL too, whether its row says so or not.
            let is_url = matches!(row.format.kind, Kind::Url { .. });
            let looks_so = |value: &[u8]| {
                value.contains(&b':') && value.windows(3).any(|three| three == b"://")
            };
            if !is_url && !looks_so(value.expose()) {
                continue;
            }
            // The winner has been read.
            let own;
            let passwords = match urls.get(resolved.id).filter(|_| resolved.winner == Some(at)) {
                Some(url) => &url.passwords,
                None => {
                    own = url::passwords(value.expose());
                    &own
                }
            };
            for password in passwords {
                needles.add([row.name, "#password"].concat(), password.expose());
            }
        }
    }
    needles
}
