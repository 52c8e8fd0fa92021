//! The answer to a leak as a checklist, with what is known filled in, and a draft of an advisory.
//!
//! Pure: what was found comes in and Markdown goes out. Every text that is not the program's own
//! is [`Shown`], so it has been searched for secrets before it gets here; there is no place for a
//! value.

mod advisory;

pub use advisory::advisory;

use crate::ledger::state::Step;
use crate::manifest::Shown;
use crate::rotate::steps::Action;
use crate::rotate::way::Way;
use std::fmt::Write as _;

/// Lines of what was found that are listed; the rest is counted.
pub(super) const LISTED: usize = 20;

/// What is known of a leak.
#[derive(Clone, Debug)]
pub struct Incident {
    /// The key: a variable of the contract, or another key's name.
    pub name: Shown,
    /// Its class.
    pub class: Option<Shown>,
    /// Whether it is a variable of the contract.
    pub is_variable: bool,
    /// Whether `generate` makes a value for it.
    pub can_be_generated: bool,
    /// Why it is held to be exposed, as the operator said.
    pub reason: Shown,
    /// When the incident was opened, UTC, RFC 3339.
    pub time: Shown,
    /// Who opened it.
    pub actor: Shown,
    /// The fingerprint of the exposed value and the id of its key.
    pub fingerprint: Option<(String, String)>,
    /// What the ledger says of the value.
    pub standing: Standing,
    /// Whether a good value came after it in production.
    pub replaced: bool,
    /// What is left to be done by the ledger.
    pub way: Way,
    /// The value in production by the ledger, where that is another one.
    pub current: Option<Shown>,
    /// Other keys that have the same value, by the ledger.
    pub also: Vec<Shown>,
    /// The ledger's head after the incident was recorded.
    pub head: Option<Shown>,
    /// What every command about the ledger has to be told besides, as it is typed.
    pub options: Shown,
    /// What every command about a key of the contract has to be told besides, as it is typed.
    pub contract: Shown,
    /// What `rotate start` has to be told besides.
    pub start: Shown,
    /// The file of the draft of an advisory; absent: it stands below the checklist.
    pub draft: Option<Shown>,
    /// What `leak trace` found; absent: it was not asked.
    pub traced: Option<Traced>,
    /// What `leak scan` found; absent: it was not asked.
    pub scanned: Option<Scanned>,
}

/// What the ledger says of an exposed value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is the one in production.
    InProduction,
    /// It was in production, and a later one is.
    Replaced,
    /// A rotation is under way to it, and it was never deployed.
    NotDeployed,
    /// It is revoked.
    Revoked,
    /// Nothing of a use of it: what is in production in truth may be this one.
    Unknown,
}

/// Which launches got the value.
#[derive(Clone, Debug, Default)]
pub struct Traced {
    /// The first launches: when, where, which program.
    pub launches: Vec<Shown>,
    /// Launches besides those.
    pub further: usize,
    /// Other secrets that the same processes held.
    pub others: Vec<Shown>,
    /// Launches that could not be compared.
    pub undecided: usize,
    /// Records that could not be read.
    pub unread: usize,
}

impl Traced {
    /// All launches that got it.
    fn count(&self) -> usize {
        self.launches.len() + self.further
    }

    /// Whether every launch was read and compared.
    fn is_sure(&self) -> bool {
        self.undecided == 0 && self.unread == 0
    }
}

/// Where the value stands.
#[derive(Clone, Debug, Default)]
pub struct Scanned {
    /// The first places: file, line or offset, form.
    pub places: Vec<Shown>,
    /// Places besides those.
    pub further: usize,
    /// What could not be read.
    pub unread: usize,
}

impl Scanned {
    /// All places where it stands.
    fn count(&self) -> usize {
        self.places.len() + self.further
    }
}

/// What revoking a key of a class means, and what it breaks.
fn revoking(class: Option<&str>) -> &'static str {
    match class {
        Some("provider-api-key") => {
            "Delete the key in the provider's console. Calls fail from then on until the new one \
             is deployed."
        }
        Some("jwt-signing") => {
            "The gateway holds one key: deploying another revokes this one and ends every session \
             at once. That is wanted here: do not wait for a quiet hour."
        }
        Some("encryption") => {
            "What was stored under this key cannot be read without it: take a copy of the key out \
             of reach of the program before it goes, and store the data anew under the new one."
        }
        Some("webhook-hmac") => {
            "Both sides hold it: have the other side refuse it and take the new one."
        }
        Some("database") => {
            "Change the password at the server and end the sessions that it opened \
             (pg_terminate_backend, CLIENT KILL)."
        }
        _ => "Revoke it where it was issued.",
    }
}

/// A task of the checklist.
fn task(out: &mut String, done: bool, text: &str) {
    let _ = writeln!(out, "- [{}] {text}", if done { 'x' } else { ' ' });
}

fn note(out: &mut String, text: &str) {
    let _ = writeln!(out, "      {text}");
}

fn command(out: &mut String, text: &str) {
    let _ = writeln!(out, "      `{text}`");
}

/// A name as a word of a command, where a shell takes it as one.
fn word(name: &Shown) -> &str {
    let is_plain = |it: u8| it.is_ascii_alphanumeric() || b"_-./:@+%".contains(&it);
    match name.as_str() {
        name if name.bytes().all(is_plain) && !name.starts_with('-') => name,
        _ => "NAME",
    }
}

/// Text of others between backquotes, which it cannot end.
fn quoted(text: &Shown) -> String {
    format!("`{}`", text.as_str().replace('`', "'"))
}

/// Text of others in a line, in which nothing of it is Markdown.
fn plain(text: &Shown) -> String {
    let mut out = String::with_capacity(text.as_str().len());
    for character in text.as_str().chars() {
        if "\\`*_{}[]<>()#+!|&@~".contains(character) {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

fn listed(out: &mut String, items: &[Shown], further: usize) {
    for item in items.iter().take(LISTED) {
        note(out, &format!("- {}", quoted(item)));
    }
    let more = items.len().saturating_sub(LISTED) + further;
    if more > 0 {
        note(out, &format!("- and {more} more"));
    }
}

/// `1 launch`, `2 launches`.
fn count(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The checklist: what to do, in order, with what is known filled in.
pub fn checklist(incident: &Incident) -> String {
    let mut out = String::with_capacity(4096);
    let _ = writeln!(out, "# Leak of {}\n", quoted(&incident.name));
    let _ = writeln!(out, "- opened: {} by {}", incident.time, plain(&incident.actor));
    let _ = writeln!(out, "- reason: {}", plain(&incident.reason));
    if let Some(class) = &incident.class {
        let _ = writeln!(out, "- class: {}", plain(class));
    }
    if let Some((fingerprint, key)) = &incident.fingerprint {
        let _ = writeln!(out, "- exposed value: fingerprint {fingerprint} under key {key}");
    }
    if let Some(head) = &incident.head {
        let _ = writeln!(out, "- ledger head: {}; write it down elsewhere", quoted(head));
    }
    stop(&mut out, incident);
    replace(&mut out, incident);
    review(&mut out, incident);
    adjacent(&mut out, incident);
    out.push_str("\n## 5. Say it and close it\n\n");
    let draft = incident
        .draft
        .as_ref()
        .map_or_else(|| "below".to_owned(), |it| format!("in {}", quoted(it)));
    let text = format!("Where users must act, publish a private advisory; the draft is {draft}.");
    task(&mut out, false, &text);
    let evidence = Action::Take(Step::Evidence);
    let (last, before): (Vec<Action>, _) =
        incident.way.rest.iter().partition(|action| **action == evidence);
    if incident.replaced && before.iter().any(|action| *action != REVOKE) {
        task(&mut out, false, "Finish the rotation that is under way.");
        steps(&mut out, incident, &before);
    }
    task(&mut out, false, "Record the evidence, and keep the head elsewhere.");
    steps(&mut out, incident, &last);
    command(&mut out, &format!("nexis-launch ledger head{}", incident.options));
    out
}

const REVOKE: Action = Action::Take(Step::Revoke);

/// The commands that record these steps.
fn steps(out: &mut String, incident: &Incident, steps: &[Action]) {
    let (options, contract) = (&incident.options, &incident.contract);
    let name = word(&incident.name);
    for step in steps {
        let besides = match step {
            Action::Start => format!("{} --value-file FILE{options}{contract}", incident.start),
            Action::Take(Step::Verify) => {
                format!(" --value-file FILE{options}{contract} -- CHECK")
            }
            Action::Take(Step::Evidence) => {
                format!(" --commit C --deployment D --link URL{options}{contract}")
            }
            _ => format!("{options}{contract}"),
        };
        command(out, &format!("nexis-launch rotate {} {name}{besides}", step.name()));
    }
}

fn stop(out: &mut String, incident: &Incident) {
    out.push_str("\n## 1. Revoke at once\n\n");
    task(
        out,
        true,
        "The value is marked as exposed: launches with it warn, and are refused once a later one \
         is deployed.",
    );
    match (&incident.current, incident.standing) {
        (Some(current), Standing::InProduction) => {
            note(out, &format!("{} is in production and has its password.", quoted(current)));
        }
        (Some(_), Standing::Unknown) => unknown(out, incident),
        _ => {}
    }
    for other in &incident.also {
        task(
            out,
            false,
            &format!("The ledger has the same value as {}: open it there too.", quoted(other)),
        );
        let (options, contract) = (&incident.options, &incident.contract);
        command(
            out,
            &format!("nexis-launch leak respond {} --reason TEXT{options}{contract}", word(other)),
        );
    }
    let revoked = incident.standing == Standing::Revoked;
    task(out, revoked, revoking(incident.class.as_ref().map(Shown::as_str)));
    task(out, revoked, "Record it; after an exposure this may come before the replacement.");
    let at_once = &incident.way.at_once;
    let others = at_once.iter().filter(|it| **it == REVOKE).count();
    if revoked && others > 0 {
        task(out, false, "Other values of the key are exposed: revoke each, and record it.");
    } else if others > 1 {
        note(out, "Once for each value of the key that is exposed or has an exposed password:");
    }
    steps(out, incident, at_once);
    if !revoked {
        note(out, "From then on a launch that is given the ledger refuses the value: have the");
        note(out, "replacement at hand, or nothing starts anew.");
    }
}

/// A value of which the ledger has no use may be one in production, or half of one.
fn unknown(out: &mut String, incident: &Incident) {
    task(
        out,
        false,
        "The ledger has no use of this value on record: see that it is whole and alone in its \
         file. If it is the one in production by the ledger that leaked, mark that one too.",
    );
    let (options, contract) = (&incident.options, &incident.contract);
    let name = word(&incident.name);
    command(out, &format!("nexis-launch leak respond {name} --reason TEXT{options}{contract}"));
}

fn replace(out: &mut String, incident: &Incident) {
    out.push_str("\n## 2. Deploy a replacement\n\n");
    let (name, contract) = (word(&incident.name), &incident.contract);
    let (way, replaced) = (&incident.way, incident.replaced);
    if way.closes_first {
        task(out, false, "A rotation is open yet: close it, and another may begin.");
        let options = &incident.options;
        command(
            out,
            &format!(
                "nexis-launch rotate evidence {name} --emergency REASON --commit C --deployment D \
                 --link URL{options}{contract}"
            ),
        );
    }
    // One that is under way has its value.
    let made = replaced || !way.deploy.contains(&Action::Start);
    if incident.can_be_generated {
        task(out, made, "Generate it.");
        if !made {
            command(out, &format!("nexis-launch generate {name} --out FILE{contract}"));
        }
    } else {
        task(out, made, "Have its issuer make another.");
    }
    task(out, replaced, "Take it through staging to production, each step on the record.");
    steps(out, incident, &way.deploy);
    if incident.is_variable {
        task(out, false, "See that no process holds the old value: status 0 on every host.");
        command(out, &format!("nexis-launch inspect --all {name}{contract}"));
    } else {
        task(out, false, "See that nothing uses the old value any more.");
    }
    let old: Vec<Action> = way.rest.iter().copied().filter(|it| *it == REVOKE).collect();
    if !old.is_empty() && way.rest.first() == Some(&REVOKE) {
        task(out, false, "Revoke the value before it too, and record that.");
        steps(out, incident, &old);
    }
}

fn review(out: &mut String, incident: &Incident) {
    out.push_str("\n## 3. Review who had it and where it stands\n\n");
    match &incident.traced {
        None => {
            task(out, false, "Find the launches that got it.");
            let of = match &incident.fingerprint {
                Some((value, key)) => format!("--fingerprint {value} --fingerprint-key-id {key}"),
                None => "--fingerprint-key-file KEY --value-file FILE".to_owned(),
            };
            command(out, &format!("nexis-launch leak trace {of} AUDIT…"));
        }
        Some(traced) => {
            let found = match traced.count() {
                0 => "No launch on record got it.".to_owned(),
                many => format!("{} got it.", count(many, "launch", "launches")),
            };
            // What could not be compared may have got it.
            task(out, traced.is_sure(), &format!("Audit records: {found}"));
            listed(out, &traced.launches, traced.further);
            if traced.unread > 0 {
                let text = count(traced.unread, "thing", "things");
                note(out, &format!("{text} could not be read and may name more."));
            }
            if traced.undecided > 0 {
                let text = count(traced.undecided, "launch", "launches");
                note(
                    out,
                    &format!("{text} could not be compared: no fingerprint, or another key."),
                );
            }
        }
    }
    match &incident.scanned {
        None => {
            task(out, false, "Look where it stands: logs, artefacts, the history of repositories.");
            command(
                out,
                &format!(
                    "nexis-launch leak scan --value-file {}=FILE{} PATH…",
                    if incident.is_variable { word(&incident.name) } else { "LEAKED" },
                    incident.contract
                ),
            );
        }
        Some(scanned) => {
            let found = match scanned.count() {
                0 => "it stands nowhere in what was looked through.".to_owned(),
                many => format!("it stands in {}.", count(many, "place", "places")),
            };
            task(out, scanned.places.is_empty() && scanned.unread == 0, &format!("Scan: {found}"));
            listed(out, &scanned.places, scanned.further);
            if !scanned.places.is_empty() {
                note(out, "Remove each, and what was copied from it: archives, mirrors, backups.");
            }
            if scanned.unread > 0 {
                let text = count(scanned.unread, "thing", "things");
                note(out, &format!("{text} could not be read and may hold it."));
            }
        }
    }
    task(out, false, "Search the logs of the other side for uses of it that are not yours.");
}

fn adjacent(out: &mut String, incident: &Incident) {
    out.push_str("\n## 4. Rotate what was next to it\n\n");
    match &incident.traced {
        Some(traced) if !traced.others.is_empty() => {
            note(
                out,
                "The processes that held it held these too. Unless it is clear that the value \
                 alone got out, each is exposed as well:",
            );
            for other in &traced.others {
                task(out, false, &quoted(other));
            }
        }
        Some(traced) if traced.is_sure() => {
            task(out, true, "No process on record held another secret beside it.");
        }
        _ => task(
            out,
            false,
            "It is not known what the same processes held: where the blast radius is unclear, \
             rotate every secret of the host.",
        ),
    }
}

#[cfg(test)]
mod tests;
