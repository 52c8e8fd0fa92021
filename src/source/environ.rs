//! The inherited environment: one pass, each entry looked up in the contract.

use super::names_index::NamesIndex;
use super::{Inherited, InheritedKind, Observation, Source, SourceKind};
use crate::bytes::position;
use crate::contract::model::{Contract, Kind, Known, Role};
use crate::finding::{Code, Fact};
use std::ffi::CStr;

/// What begins every setting of the launcher's own.
pub const SETTING_PREFIX: &[u8] = b"NEXIS_LAUNCH_";

/// Sorts the entries of `environ` into kinds, in their order, and says what is odd about them.
pub fn read(contract: &Contract, environ: &[&'static CStr]) -> (Vec<Inherited>, Vec<Observation>) {
    let mut inherited: Vec<Inherited> = Vec::with_capacity(environ.len());
    let mut observations = Vec::new();
    let mut index = NamesIndex::new(environ.len());
    let mut odd = 0;
    for (position, &entry) in (0u32..).zip(environ) {
        let Some((name, value)) = split(entry) else {
            odd += 1;
            inherited.push(Inherited { entry, name_len: 0, kind: InheritedKind::Malformed });
            continue;
        };
        let kind = match index.insert(name, position) {
            None => kind(contract, name, value),
            Some(earlier) => {
                odd += 1;
                let earlier = inherited.get(earlier as usize);
                observations
                    .extend(earlier.and_then(|earlier| contradiction(contract, earlier, value)));
                InheritedKind::Repeated
            }
        };
        inherited.push(Inherited { entry, name_len: name.len(), kind });
    }
    if odd > 0 {
        observations.push(Observation {
            code: Code::MalformedEnvironment,
            row: None,
            source: None,
            fact: Fact::Count(odd),
        });
    }
    (inherited, observations)
}

/// Name and value of an entry; `None` where it has no `=` or nothing before it.
pub fn split(entry: &'static CStr) -> Option<(&'static [u8], &'static [u8])> {
    split_entry(entry.to_bytes())
}

/// The same of an entry of another process.
#[inline]
pub fn split_entry(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = position(bytes, b'=').filter(|&at| at > 0)?;
    Some((bytes.get(..at)?, bytes.get(at + 1..)?))
}

fn kind(contract: &Contract, name: &[u8], value: &[u8]) -> InheritedKind {
    let setting = name.starts_with(SETTING_PREFIX);
    // What nobody could take for anything needs no closer look.
    if !setting && !contract.may_concern(name) {
        return InheritedKind::Other;
    }
    match contract.known(name) {
        // Whatever a runtime name looks like, the program reads it.
        Some(known) if known.role == Role::Own && !contract.row(known.row).part => {
            InheritedKind::Known(known)
        }
        _ if is_service_link(name, value) => InheritedKind::ServiceLink,
        Some(known) => InheritedKind::Known(known),
        None if setting => InheritedKind::Setting,
        None => InheritedKind::Other,
    }
}

/// A second entry of a name that the contract knows, with another value.
fn contradiction(contract: &Contract, earlier: &Inherited, value: &[u8]) -> Option<Observation> {
    let InheritedKind::Known(Known { name, row, .. }) = earlier.kind else { return None };
    let is_mode = matches!(contract.row(row).format.kind, Kind::ModeName);
    (earlier.value() != value).then(|| Observation {
        // Which of two modes is meant nobody can tell, and the laxer one may stand first.
        code: if is_mode { Code::ModeConflict } else { Code::Conflict },
        row: Some(row),
        source: Some(Source::new(SourceKind::Env, name)),
        fact: Fact::Says("is set twice in the environment, to different values"),
    })
}

/// Whether Kubernetes injects variables of this form for a service named X: `X_SERVICE_HOST`,
/// `X_SERVICE_PORT`, `X_SERVICE_PORT_HTTP`, `X_PORT=tcp://…`, `X_PORT_80_TCP_ADDR` (Kubernetes
/// documentation, "Accessing the Service", and Docker's links, whose form it keeps).
pub fn is_service_link(name: &[u8], value: &[u8]) -> bool {
    if name.len() > b"_SERVICE_HOST".len() && name.ends_with(b"_SERVICE_HOST") {
        return true;
    }
    // The service has a name of its own, so not at the start. Few names have a P at all.
    let mut at = 1;
    while let Some(rest) = name.get(at..)
        && let Some(place) = position(rest, b'P')
    {
        at += place;
        if name.get(at - 1) == Some(&b'_') && at > 1 && is_port_of_service(name, at - 1, value) {
            return true;
        }
        at += 1;
    }
    false
}

/// Whether the `_PORT…` that begins at `at` makes a service link.
fn is_port_of_service(name: &[u8], at: usize, value: &[u8]) -> bool {
    let ends_or_goes_on = |rest: &[u8]| rest.is_empty() || rest.starts_with(b"_");
    let (service, rest) = name.split_at_checked(at).unwrap_or_default();
    let Some(rest) = rest.strip_prefix(b"_PORT") else { return false };
    if service.len() > b"_SERVICE".len() && service.ends_with(b"_SERVICE") {
        return ends_or_goes_on(rest);
    }
    if rest.is_empty() {
        return [&b"tcp://"[..], b"udp://", b"sctp://"].iter().any(|p| value.starts_with(p));
    }
    let Some(rest) = rest.strip_prefix(b"_") else { return false };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let after = rest.get(digits..).unwrap_or_default();
    digits > 0
        && [&b"_TCP"[..], b"_UDP", b"_SCTP"]
            .iter()
            .any(|protocol| after.strip_prefix(*protocol).is_some_and(ends_or_goes_on))
}
