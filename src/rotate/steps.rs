//! Which record may follow: the order of the checklist, and when it may be left.

use crate::ledger::Kind;
use crate::ledger::state::{State, Step, Value};

/// What is to be done with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Register what is in use.
    Adopt,
    /// Begin a rotation.
    Start,
    /// A step of the one that is under way.
    Take(Step),
    /// Give it up.
    Abort,
}

impl Action {
    /// The command's word.
    pub const fn name(self) -> &'static str {
        match self {
            Action::Adopt => "adopt",
            Action::Start => "start",
            Action::Take(step) => step.name(),
            Action::Abort => "abort",
        }
    }

    /// What is recorded of it.
    pub const fn kind(self) -> Kind {
        match self {
            Action::Adopt => Kind::Adopted,
            Action::Start => Kind::Started,
            Action::Take(Step::Stage) => Kind::Staged,
            Action::Take(Step::Verify) => Kind::Verified,
            Action::Take(Step::Deploy) => Kind::Deployed,
            Action::Take(Step::Revoke) => Kind::Revoked,
            Action::Take(Step::Evidence) => Kind::Evidence,
            Action::Abort => Kind::Aborted,
        }
    }
}

/// Why something may not follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The cause, to follow `cannot VERB NAME: `.
    pub cause: String,
    /// Whether `--emergency` would allow it.
    pub emergency: bool,
}

fn never(cause: impl Into<String>) -> Refusal {
    Refusal { cause: cause.into(), emergency: false }
}

/// Refuses everything but to give a rotation up whose new value is exposed. An emergency changes
/// nothing: the next value in line is another one, and a good one.
fn not_spoilt(state: &State) -> Result<(), Refusal> {
    state.spoilt().map_or(Ok(()), |_| {
        Err(never("the new value of the rotation under way is exposed; `rotate abort` gives it up"))
    })
}

/// Whether a name may begin with a value of this fingerprint, or go on with it. `passwords` are the
/// fingerprints of those inside it.
///
/// # Errors
/// Why not.
pub fn begin(
    action: Action,
    state: Option<&State>,
    fingerprint: &str,
    passwords: &[String],
) -> Result<(), Refusal> {
    let Some(state) = state else { return Ok(()) };
    let known = state.values.iter().find(|value| value.fingerprint == fingerprint);
    // What leaked before it was registered may be what is in use.
    let is_new = |known: &&Value| action == Action::Adopt && known.is_only_exposed();
    if let Some(known) = known.filter(|known| !is_new(known)) {
        return Err(never(if known.revoked.is_some() {
            "this value was revoked"
        } else if known.aborted.is_some() {
            "the rotation to this value was given up"
        } else if known.is_only_exposed() {
            "this value is exposed"
        } else {
            "the ledger has this value already"
        }));
    }
    if state.is_revoked_password(passwords) {
        return Err(never("its password was revoked with another value"));
    }
    if action == Action::Start && state.is_exposed_password(passwords) {
        return Err(never("its password is exposed with another value"));
    }
    not_spoilt(state)?;
    // What is exposed in production is replaced before anything else is settled.
    if let Some(next) = state.next().filter(|_| !state.is_to_be_replaced()) {
        return Err(never(format!(
            "a rotation is under way, and its next step is {}",
            next.name()
        )));
    }
    match state.current() {
        Some(_) if action == Action::Adopt => {
            Err(never("the ledger has a value in production; another one is a rotation"))
        }
        _ => Ok(()),
    }
}

/// The value that a step is about, if the step may be taken.
///
/// # Errors
/// Why not.
pub fn target(action: Action, state: Option<&State>, emergency: bool) -> Result<&Value, Refusal> {
    let none = || never("no rotation is under way");
    let state = state.ok_or_else(|| never("nothing is recorded of it"))?;
    match action {
        Action::Take(Step::Revoke) => revoke(state, emergency),
        Action::Take(Step::Evidence) => evidence(state, emergency),
        Action::Take(step) => {
            not_spoilt(state)?;
            let value = state.under_way().ok_or_else(none)?;
            let next = state.next().ok_or_else(none)?;
            if step < next {
                return Err(never(match value.deployed {
                    Some(_) => "the new value is in production already".to_owned(),
                    None => format!("this is done, and the next step is {}", next.name()),
                }));
            }
            in_order(step == next, next, emergency).map(|()| value)
        }
        Action::Abort => match state.under_way().ok_or_else(none)? {
            value if value.deployed.is_some() => {
                Err(never("the new value is in production already"))
            }
            value => Ok(value),
        },
        Action::Adopt | Action::Start => Err(never("it begins with a value")),
    }
}

fn in_order(is_next: bool, next: Step, emergency: bool) -> Result<(), Refusal> {
    if is_next || emergency {
        return Ok(());
    }
    Err(Refusal { cause: format!("the next step is {}", next.name()), emergency: true })
}

/// What is to be revoked: the oldest exposed value, wherever it is; else one in production whose
/// password is exposed; else the oldest that has a successor in production. The one in production
/// only in an emergency.
fn revoke(state: &State, emergency: bool) -> Result<&Value, Refusal> {
    // One that a rotation is under way to is given up first.
    let is_due = |value: &&Value| {
        let begun = value.is_under_way() && value.deployed.is_none();
        value.exposed.is_some() && value.revoked.is_none() && !begun
    };
    if let Some(value) = state.values.iter().find(is_due) {
        return Ok(value);
    }
    not_spoilt(state)?;
    let is_known = |value: &&Value| value.is_live() && state.exposure(value).is_some();
    if let Some(value) = state.values.iter().find(is_known) {
        return Ok(value);
    }
    if let Some(value) = state.predecessors().next() {
        return Ok(value);
    }
    let value = state.current().ok_or_else(|| never("no value is left to revoke"))?;
    if emergency {
        return Ok(value);
    }
    let cause = match state.next() {
        Some(Step::Evidence) => {
            "the old value is revoked, and the next step is evidence".to_owned()
        }
        Some(next) => format!("the next step is {}", next.name()),
        None => "it is the only value in production".to_owned(),
    };
    Err(Refusal { cause, emergency: true })
}

/// What evidence is about: the rotation under way, else the last that was finished, to which it
/// adds. What was only adopted had none.
fn evidence(state: &State, emergency: bool) -> Result<&Value, Refusal> {
    let Some(value) = state.under_way() else {
        let is_rotated = |value: &&Value| !value.adopted && value.deployed.is_some();
        let last = state.values.iter().rev().find(is_rotated);
        return last.ok_or_else(|| never("no rotation was begun or finished"));
    };
    not_spoilt(state)?;
    if value.deployed.is_none() {
        let next = state.next().unwrap_or(Step::Stage);
        return Err(never(format!("the next step is {}", next.name())));
    }
    in_order(state.next() == Some(Step::Evidence), Step::Revoke, emergency).map(|()| value)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::ledger::Record;

    /// Records as letters: a adopted, s started, g staged, v verified, d deployed, r revoked, e
    /// evidence, x aborted, ! exposed; each followed by the digit of its value.
    pub fn state(text: &str) -> Option<State> {
        let letters: Vec<char> = text.chars().filter(|c| *c != ' ').collect();
        let records: Vec<Record> = letters
            .chunks(2)
            .map(|pair| Record {
                kind: match pair[0] {
                    'a' => Kind::Adopted,
                    's' => Kind::Started,
                    'g' => Kind::Staged,
                    'v' => Kind::Verified,
                    'd' => Kind::Deployed,
                    'r' => Kind::Revoked,
                    'e' => Kind::Evidence,
                    'x' => Kind::Aborted,
                    _ => Kind::Exposed,
                },
                fingerprint: pair[1].to_string(),
                time: "2026-11-25T10:00:00Z".to_owned(),
                ..Record::default()
            })
            .collect();
        (!records.is_empty()).then(|| State::of(&records))
    }

    const STEPS: [Action; 6] = [
        Action::Take(Step::Stage),
        Action::Take(Step::Verify),
        Action::Take(Step::Deploy),
        Action::Take(Step::Revoke),
        Action::Take(Step::Evidence),
        Action::Abort,
    ];

    /// The steps that may be taken, as words with the value they are about.
    fn allowed(text: &str, emergency: bool) -> String {
        let state = state(text);
        let may = STEPS.iter().filter_map(|step| {
            let value = target(*step, state.as_ref(), emergency).ok()?;
            Some(format!("{}{}", step.name(), value.fingerprint))
        });
        may.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn only_the_next_step_of_the_checklist_may_be_taken() {
        for (records, may) in [
            ("", ""),
            ("a1", ""),
            ("a1 s2", "stage2 abort2"),
            ("a1 s2 g2", "verify2 abort2"),
            ("a1 s2 g2 v2", "deploy2 abort2"),
            ("a1 s2 g2 v2 d2", "revoke1"),
            ("a1 s2 g2 v2 d2 r1", "evidence2"),
            ("a1 s2 g2 v2 d2 r1 e2", "evidence2"),
            ("a1 s2 x2", ""),
            // The first value of a name has nothing before it to be revoked.
            ("s1 g1 v1 d1", "evidence1"),
        ] {
            assert_eq!(allowed(records, false), may, "{records}");
        }
    }

    #[test]
    fn an_emergency_skips_steps_forward_and_never_backward() {
        for (records, may) in [
            ("", ""),
            ("a1", "revoke1"),
            ("a1 s2", "stage2 verify2 deploy2 revoke1 abort2"),
            ("a1 s2 g2 v2", "deploy2 revoke1 abort2"),
            ("a1 s2 d2", "revoke1 evidence2"),
            ("a1 s2 d2 e2", "revoke1 evidence2"),
        ] {
            assert_eq!(allowed(records, true), may, "{records}");
        }
    }

    #[test]
    fn an_exposed_value_may_be_revoked_first() {
        assert_eq!(allowed("a1 !1", false), "revoke1");
        assert_eq!(allowed("a1 !1 s2 g2", false), "verify2 revoke1 abort2");
        assert_eq!(allowed("a1 !1 r1 s2 g2 v2 d2", false), "evidence2");
        // What is exposed goes before what a migration window ends for, also where nothing else is
        // known of it.
        assert_eq!(allowed("a1 s2 g2 v2 d2 !2", false), "revoke2");
        assert_eq!(allowed("!1", false), "revoke1");
        assert_eq!(allowed("a1 s2 !2 x2", false), "revoke2");
    }

    #[test]
    fn a_rotation_to_an_exposed_value_is_given_up_and_takes_no_other_value_with_it() {
        for records in ["a1 s2 !2", "a1 s2 g2 v2 !2", "s2 !2", "a0 s1 d1 e1 s2 !2"] {
            assert_eq!(allowed(records, false), "abort2", "{records}");
            assert_eq!(allowed(records, true), "abort2", "{records}");
        }
        assert!(begin(Action::Start, state("a1 s2 !2").as_ref(), "3", &[]).is_err());
        // One that is in production already is replaced by another rotation.
        for records in ["a1 s2 d2 !2", "s2 g2 v2 d2 !2", "a0 s1 d1 !1 s2 d2 !2"] {
            assert!(begin(Action::Start, state(records).as_ref(), "3", &[]).is_ok(), "{records}");
        }
        assert!(begin(Action::Start, state("a1 s2 d2 !1").as_ref(), "3", &[]).is_err());
        assert_eq!(allowed("a1 s2 d2 !2 s3 d3", false), "revoke2");
        assert_eq!(allowed("a1 s2 d2 !2 s3 d3 r2", false), "revoke1");
        assert_eq!(allowed("a1 s2 d2 !2 s3 d3 r2 r1", false), "evidence3");
        // The rotation that it left open is not taken up again.
        let left = state("a1 s2 d2 !2 s3 d3 e3").unwrap_or_default();
        assert_eq!((left.under_way(), left.next()), (None, None));
        // Another one that is exposed goes all the same.
        assert_eq!(allowed("a1 !1 s2 !2", false), "revoke1 abort2");
    }

    #[test]
    fn a_name_begins_once_and_a_value_never_comes_back() {
        let may =
            |action, text: &str, value| begin(action, state(text).as_ref(), value, &[]).is_ok();
        assert!(may(Action::Adopt, "", "1") && may(Action::Start, "", "1"));
        assert!(!may(Action::Adopt, "a1", "2") && may(Action::Start, "a1", "2"));
        assert!(!may(Action::Start, "a1 s2", "3") && !may(Action::Adopt, "a1 s2", "3"));
        assert!(may(Action::Start, "a1 s2 x2", "3"));
        for value in ["1", "2"] {
            assert!(!may(Action::Start, "a1 s2 x2", value));
        }
        assert!(may(Action::Adopt, "!1", "1") && !may(Action::Start, "!1", "1"));
        assert!(!may(Action::Adopt, "a2 !1", "1") && !may(Action::Adopt, "!1 r1", "1"));
        assert!(!may(Action::Adopt, "s1 !1 x1", "1"));
        assert!(may(Action::Adopt, "a1 !1 r1", "2") && !may(Action::Adopt, "a1 !1 r1", "1"));
    }
}
