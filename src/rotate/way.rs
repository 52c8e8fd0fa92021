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
    use crate::ledger::Kind;
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

    /// Whatever may follow a state, values of the passwords `p` and `q` or without one.
    fn following(state: &State) -> Vec<State> {
        let mut all = Vec::new();
        let fresh = (state.values.len() + 1).to_string();
        let mut add = |kind, fingerprint: &str, password: Option<&str>| {
            let mut next = state.clone();
            next.take(&Record {
                kind,
                fingerprint: fingerprint.to_owned(),
                password_fingerprint: password.map(str::to_owned),
                time: "2026-11-25T10:00:00Z".to_owned(),
                ..Record::default()
            });
            all.push(next);
        };
        for password in [None, Some("p"), Some("q")] {
            let inside: Vec<String> = password.into_iter().map(str::to_owned).collect();
            for action in [Action::Adopt, Action::Start] {
                if begin(action, Some(state), &fresh, &inside).is_ok() {
                    add(action.kind(), &fresh, password);
                }
            }
            add(Kind::Exposed, &fresh, password);
        }
        for value in &state.values {
            add(Kind::Exposed, &value.fingerprint, None);
        }
        let steps = Step::ALL.map(Action::Take).into_iter().chain([Action::Abort]);
        for action in steps {
            // Stage and verify change nothing that deploy does not.
            let is_emergency = action == Action::Take(Step::Deploy);
            if let Ok(value) = target(action, Some(state), is_emergency) {
                add(action.kind(), &value.fingerprint.clone(), None);
            }
        }
        all
    }

    /// Takes the steps as they are printed; `early` or when the replacement is there.
    fn walk(state: &State, way: &Way, early: bool) -> Result<State, String> {
        let revoke = Action::Take(Step::Revoke);
        let evidence = Action::Take(Step::Evidence);
        let (before, mut after): (Vec<Action>, Vec<Action>) =
            way.at_once.iter().partition(|action| early || **action == Action::Abort);
        assert!(after.iter().all(|action| *action == revoke));
        let rest: Vec<Action> = way.rest.iter().copied().filter(|it| *it != evidence).collect();
        after.splice(0..0, rest);
        if way.rest.contains(&evidence) {
            after.push(evidence);
        }
        let closing = way.closes_first.then_some(evidence);
        let all = before.iter().chain(&closing).chain(&way.deploy).chain(&after);
        let mut state = state.clone();
        for (at, action) in all.enumerate() {
            let is_emergency = way.closes_first && at == before.len();
            let fingerprint = match action {
                Action::Start => begin(*action, Some(&state), NEW, &[]).map(|()| NEW.to_owned()),
                _ => target(*action, Some(&state), is_emergency).map(|it| it.fingerprint.clone()),
            };
            let fingerprint = fingerprint.map_err(|it| format!("{at} {action:?}: {}", it.cause))?;
            apply(&mut state, *action, &fingerprint);
        }
        Ok(state)
    }

    #[test]
    fn no_step_of_the_way_out_of_any_state_is_refused() {
        let mut states = vec![State::default()];
        let mut count = 0;
        for _ in 0..5 {
            let mut next: Vec<State> = states.iter().flat_map(following).collect();
            next.sort_by_cached_key(|state| format!("{:?}", state.values));
            next.dedup();
            states = next;
            for state in states.iter().filter(|it| it.values.iter().any(|it| it.exposed.is_some()))
            {
                let value = state.values.iter().rfind(|it| it.exposed.is_some()).unwrap();
                let is_good = state.current().is_some_and(|it| state.exposure(it).is_none());
                let way = Way::of(state, is_good && state.is_replaced(value));
                for early in [true, false] {
                    count += 1;
                    let ended = walk(state, &way, early);
                    let ended =
                        ended.unwrap_or_else(|cause| panic!("{cause}\n{way:?}\n{state:#?}"));
                    let current = ended.current().unwrap();
                    assert!(ended.exposure(current).is_none(), "{way:?}\n{state:#?}");
                    let is_over = ended.next().is_none() && ended.predecessors().next().is_none();
                    assert!(is_over || way.deploy.is_empty(), "{way:?}\n{state:#?}");
                }
            }
        }
        assert!(count > 30_000, "{count}");
    }
}
