//! The steps from a leak to its evidence, found by taking them: each is the next one that the rules
//! of [`super::steps`] allow, so that none of them is refused.

use super::steps::{Action, begin, target};
use crate::ledger::Record;
use crate::ledger::state::{State, Step};

/// The fingerprint that stands for a value that is yet to be made.
const NEW: &str = "new";

/// What is left to be done, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// What may be done first: to give up a rotation to an exposed value, and to revoke what is
    /// exposed.
    pub at_once: Vec<Action>,
    /// Whether a rotation whose new value is in production has to get its evidence, out of order,
    /// before another may begin.
    pub closes_first: bool,
    /// The replacement, up to production; empty where it is there.
    pub deploy: Vec<Action>,
    /// What is left after that, evidence last.
    pub rest: Vec<Action>,
}

impl Way {
    /// The way from here; `replaced` says that a good value is in production.
    pub fn of(state: &State, replaced: bool) -> Way {
        let mut state = state.clone();
        let mut way = Way::default();
        if state.spoilt().is_some() {
            take(&mut state, Action::Abort, &mut way.at_once);
        }
        let revoke = Action::Take(Step::Revoke);
        while let Ok(value) = target(revoke, Some(&state), false)
            && state.exposure(value).is_some()
        {
            take(&mut state, revoke, &mut way.at_once);
        }
        if !replaced {
            way.replace(&mut state);
        }
        while let Some(step) = state.next() {
            take(&mut state, Action::Take(step), &mut way.rest);
            if step == Step::Evidence {
                return way;
            }
        }
        // A rotation that was finished gets further evidence.
        let evidence = Action::Take(Step::Evidence);
        if target(evidence, Some(&state), false).is_ok() {
            way.rest.push(evidence);
        }
        way
    }

    /// Through a rotation that has begun with a good value, or through another one.
    fn replace(&mut self, state: &mut State) {
        if state.under_way().is_none_or(|value| value.deployed.is_some()) {
            if begin(Action::Start, Some(state), NEW, &[]).is_err() {
                self.closes_first = true;
                take(state, Action::Take(Step::Evidence), &mut Vec::new());
            }
            apply(state, Action::Start, NEW);
            self.deploy.push(Action::Start);
        }
        while let Some(step) = state.next().filter(|step| *step <= Step::Deploy) {
            take(state, Action::Take(step), &mut self.deploy);
        }
    }
}

fn take(state: &mut State, action: Action, taken: &mut Vec<Action>) {
    let value = target(action, Some(state), true).map(|value| value.fingerprint.clone());
    if let Ok(fingerprint) = value {
        apply(state, action, &fingerprint);
        taken.push(action);
    }
}

fn apply(state: &mut State, action: Action, fingerprint: &str) {
    state.take(&Record {
        kind: action.kind(),
        class: state.class.clone(),
        fingerprint: fingerprint.to_owned(),
        ..Record::default()
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rotate::steps::tests::state;

    fn words(actions: &[Action]) -> String {
        actions.iter().map(|action| action.name()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_way_out_of_a_leak_ends_with_evidence() {
        let all = "start stage verify deploy";
        for (records, replaced, at_once, closes_first, deploy, rest) in [
            // In production; unknown; a new value; in production with its rotation still open.
            ("a1 !1", false, "revoke", false, all, "evidence"),
            ("a1 !2", false, "revoke", false, all, "revoke evidence"),
            ("!1", false, "revoke", false, all, "evidence"),
            ("a1 s2 g2 !2", false, "abort revoke", false, all, "revoke evidence"),
            ("a1 s2 d2 !2", false, "revoke", false, all, "revoke evidence"),
            ("a1 s2 d2 !2 s3 d3 !3", false, "revoke revoke", false, all, "revoke evidence"),
            // A good one is under way, or is there.
            ("a1 s2 g2 !1", false, "revoke", false, "verify deploy", "evidence"),
            ("a1 s2 d2 !1", true, "revoke", false, "", "evidence"),
            ("a1 s2 d2 r1 e2 !1", true, "", false, "", "evidence"),
            ("a1 s2 d2 e2 s3 !1", true, "revoke", false, "", "stage verify deploy revoke evidence"),
            ("a1 !1 r1", false, "", false, all, "evidence"),
            // Unknown, while the old value of a rotation is in use yet.
            ("a1 s2 d2 !3", false, "revoke", true, all, "revoke revoke evidence"),
        ] {
            let way = Way::of(&state(records).unwrap_or_default(), replaced);
            let found = [&way.at_once, &way.deploy, &way.rest].map(|it| words(it));
            assert_eq!(found, [at_once, deploy, rest], "{records}");
            assert_eq!(way.closes_first, closes_first, "{records}");
        }
    }
}
