//! What the records of a name come to: its values with what was done to each, and which step of a
//! rotation is due. Pure; it judges nothing and takes records in whatever order they stand.

use super::{Kind, Record};
use jiff::civil::Date;

/// A suspicion that a value is known to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// When it was recorded.
    pub time: String,
    /// Why.
    pub reason: String,
}

/// One value of a name, from its first record on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Value {
    /// Its fingerprint.
    pub fingerprint: String,
    /// The fingerprint of the password inside, where it is a URL with one.
    pub password_fingerprint: Option<String>,
    /// The id of the key of both.
    pub fingerprint_key_id: String,
    /// The day it was made.
    pub created: Option<Date>,
    /// The day it ends by itself.
    pub expires: Option<Date>,
    /// Whether it began with `rotate adopt` instead of a rotation.
    pub adopted: bool,
    /// When it was started, staged, verified, in production (adopted ones are from the start), and
    /// when its rotation had its evidence.
    pub started: Option<String>,
    /// When it was in staging.
    pub staged: Option<String>,
    /// When it was verified.
    pub verified: Option<String>,
    /// When its last verification failed, after which none succeeded.
    pub verification_failed: Option<String>,
    /// When it was in production.
    pub deployed: Option<String>,
    /// When the evidence of its rotation was recorded.
    pub evidence: Option<String>,
    /// When its rotation was given up.
    pub aborted: Option<String>,
    /// The last day it may be in use, set where its successor was deployed.
    pub revoke_by: Option<Date>,
    /// When it was revoked.
    pub revoked: Option<String>,
    /// Why it is suspected to be known to others.
    pub exposed: Option<Exposure>,
}

impl Value {
    /// Whether it was in production and was not revoked.
    pub const fn is_live(&self) -> bool {
        self.deployed.is_some() && self.revoked.is_none()
    }

    /// Whether a rotation to it was started and is neither finished nor given up.
    pub const fn is_under_way(&self) -> bool {
        !self.adopted
            && self.started.is_some()
            && self.evidence.is_none()
            && self.aborted.is_none()
            // One that was revoked itself has nothing left to be done.
            && self.revoked.is_none()
    }

    /// Whether nothing else is known of it than that it is exposed.
    pub const fn is_only_exposed(&self) -> bool {
        self.exposed.is_some()
            && !self.adopted
            && self.started.is_none()
            && self.deployed.is_none()
            && self.revoked.is_none()
    }

    /// Whether this fingerprint is its own, or that of the password inside.
    pub fn has(&self, fingerprint: &str) -> bool {
        self.fingerprint == fingerprint || self.password_fingerprint.as_deref() == Some(fingerprint)
    }
}

/// A step of the checklist, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Deploy the new value to staging.
    Stage,
    /// Verify login and token behaviour.
    Verify,
    /// Roll production.
    Deploy,
    /// Revoke or delete the old value.
    Revoke,
    /// Record commit, deployment and verification evidence.
    Evidence,
}

impl Step {
    /// All of them.
    pub const ALL: [Step; 5] =
        [Step::Stage, Step::Verify, Step::Deploy, Step::Revoke, Step::Evidence];

    /// The command's word.
    pub const fn name(self) -> &'static str {
        match self {
            Step::Stage => "stage",
            Step::Verify => "verify",
            Step::Deploy => "deploy",
            Step::Revoke => "revoke",
            Step::Evidence => "evidence",
        }
    }
}

/// What holds now of a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The class that its last record names.
    pub class: String,
    /// Its values, oldest first.
    pub values: Vec<Value>,
}

impl State {
    /// Folds the records of one name, oldest first.
    pub fn of(records: &[Record]) -> State {
        let mut state = State::default();
        for record in records {
            state.take(record);
        }
        state
    }

    /// Goes on with a record that comes after those.
    pub fn take(&mut self, record: &Record) {
        self.class.clone_from(&record.class);
        let day = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<Date>().ok());
        let known = self.values.iter().position(|value| value.fingerprint == record.fingerprint);
        let at = known.unwrap_or_else(|| {
            self.values.push(Value {
                fingerprint: record.fingerprint.clone(),
                fingerprint_key_id: record.fingerprint_key_id.clone(),
                created: day(&record.created).or_else(|| record.day()),
                ..Value::default()
            });
            self.values.len() - 1
        });
        let now = || Some(record.time.clone());
        // What was before it in production gets its last day by the deployment of this one, which
        // moves none that it has to a later day.
        if record.kind == Kind::Deployed {
            let revoke_by = day(&record.revoke_by);
            for (index, other) in self.values.iter_mut().enumerate() {
                if index != at && other.is_live() {
                    let days = [revoke_by, other.revoke_by];
                    other.revoke_by = days.into_iter().flatten().min();
                }
            }
        }
        let Some(value) = self.values.get_mut(at) else { return };
        if record.password_fingerprint.is_some() {
            value.password_fingerprint.clone_from(&record.password_fingerprint);
        }
        value.expires = day(&record.expires).or(value.expires);
        match record.kind {
            Kind::Adopted => {
                value.adopted = true;
                value.deployed = now();
                // One whose exposure came first has the day of that.
                value.created = day(&record.created).or(value.created);
            }
            Kind::Started => value.started = now(),
            Kind::Staged => value.staged = now(),
            Kind::Verified => {
                value.verified = now();
                value.verification_failed = None;
            }
            Kind::VerificationFailed => value.verification_failed = now(),
            Kind::Deployed => value.deployed = now(),
            Kind::Revoked => value.revoked = now(),
            Kind::Evidence => value.evidence = now(),
            Kind::Aborted => value.aborted = now(),
            Kind::Exposed => {
                let reason = record.reason.clone().unwrap_or_default();
                value.exposed = Some(Exposure { time: record.time.clone(), reason });
            }
        }
    }

    /// The value in production: of those that are, the one that came last.
    pub fn current(&self) -> Option<&Value> {
        self.values.iter().rev().find(|value| value.is_live())
    }

    /// The values that are in production besides the current one, oldest first.
    pub fn predecessors(&self) -> impl Iterator<Item = &Value> {
        let current = self.current().map(|value| value.fingerprint.as_str());
        let live = self.values.iter().filter(|value| value.is_live());
        live.filter(move |value| Some(value.fingerprint.as_str()) != current)
    }

    /// The value that a rotation is under way to. One that is over is not taken up again where the
    /// next one, which replaced its exposed value, has its evidence.
    pub fn under_way(&self) -> Option<&Value> {
        let last = self.values.iter().rev().find(|value| value.is_under_way());
        last.filter(|value| !self.has_deployed_successor(value))
    }

    /// Why a value is suspected to be known to others: by itself, or by its password, of which
    /// another URL is exposed.
    pub fn exposure<'s>(&'s self, value: &'s Value) -> Option<&'s Exposure> {
        let password = value.password_fingerprint.as_ref();
        let same =
            |other: &&Value| password.is_some() && other.password_fingerprint.as_ref() == password;
        let by_password = || self.values.iter().filter(same).find_map(|it| it.exposed.as_ref());
        value.exposed.as_ref().or_else(by_password)
    }

    /// The values that are exposed, not revoked, and not known to have been in production, oldest
    /// first. One whose rotation was given up is as valid at its issuer as before.
    pub fn leaked(&self) -> impl Iterator<Item = &Value> {
        let unused = self.values.iter().filter(|value| value.deployed.is_none());
        unused.filter(|value| value.exposed.is_some() && value.revoked.is_none())
    }

    /// The value that a rotation is under way to, where it is exposed and not in production yet: it
    /// must not get there.
    pub fn spoilt(&self) -> Option<&Value> {
        let under_way = self.under_way().filter(|value| value.deployed.is_none());
        under_way.filter(|value| self.exposure(value).is_some())
    }

    /// Whether the value that a rotation is under way to is the one in production, and exposed:
    /// another rotation is what it needs, and that one takes its place.
    pub fn is_to_be_replaced(&self) -> bool {
        let current = self.current().filter(|value| self.exposure(value).is_some());
        current.is_some_and(|value| self.under_way() == Some(value))
    }

    /// Whether two values are the same secret: one value, or URLs with one password.
    pub fn is_same(one: &Value, other: &Value) -> bool {
        let password = one.password_fingerprint.as_ref();
        one.fingerprint == other.fingerprint
            || (password.is_some() && other.password_fingerprint.as_ref() == password)
    }

    /// Whether a secret was in production and another one came after it.
    pub fn is_replaced(&self, value: &Value) -> bool {
        let is_it = |other: &Value| State::is_same(value, other);
        let mut later = self.values.iter().skip_while(|it| !is_it(it) || it.deployed.is_none());
        let is_current = self.current().is_none_or(is_it);
        !is_current && later.any(|it| it.deployed.is_some() && !is_it(it))
    }

    /// Whether a password with one of these fingerprints was revoked with the last value in use that
    /// had it, as a launch judges a URL that the ledger does not know.
    pub fn is_revoked_password(&self, passwords: &[String]) -> bool {
        let mut last = self.values.iter().rev().filter(|value| {
            let used = value.deployed.is_some() || value.revoked.is_some();
            used && value.password_fingerprint.as_ref().is_some_and(|it| passwords.contains(it))
        });
        last.next().is_some_and(|value| value.revoked.is_some())
    }

    /// Whether a value with one of these passwords is exposed.
    pub fn is_exposed_password(&self, passwords: &[String]) -> bool {
        let exposed = self.values.iter().filter(|value| value.exposed.is_some());
        let mut own = exposed.filter_map(|value| value.password_fingerprint.as_ref());
        own.any(|it| passwords.contains(it))
    }

    /// Whether a value that came after this one is recorded as deployed.
    pub fn has_deployed_successor(&self, value: &Value) -> bool {
        let after = self.values.iter().skip_while(|one| one.fingerprint != value.fingerprint);
        after.skip(1).any(|later| later.deployed.is_some())
    }

    /// The next step of the rotation that is under way.
    pub fn next(&self) -> Option<Step> {
        let value = self.under_way()?;
        Some(if value.deployed.is_some() {
            match self.predecessors().next() {
                Some(_) => Step::Revoke,
                None => Step::Evidence,
            }
        } else if value.verified.is_some() {
            Step::Deploy
        } else if value.staged.is_some() {
            Step::Verify
        } else {
            Step::Stage
        })
    }
}
