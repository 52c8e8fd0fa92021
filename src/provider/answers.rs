//! What was asked already: whoever resolves for many processes asks each provider once.

use super::Prepared;
use super::run::Outcome;
use crate::contract::model::{Answer, Provider};
use std::ffi::CString;
use std::rc::Rc;

/// What providers answered or failed with, by what they were started with. Two processes of which
/// one would give a provider another environment share nothing of it.
#[derive(Default)]
pub struct Answers(Vec<(Question, Rc<Outcome>)>);

/// All that an answer depends on.
#[derive(PartialEq, Eq)]
struct Question {
    command: Vec<CString>,
    environment: Vec<CString>,
    user: Option<&'static str>,
    form: Answer,
}

impl Question {
    fn is(&self, provider: &Provider, one: &Prepared) -> bool {
        self.command == one.command
            && self.environment == one.environment
            && self.user == provider.user
            && self.form == provider.answer
    }
}

impl Answers {
    /// The answer to what is about to be asked, where it is known.
    pub(super) fn find(&self, provider: &Provider, one: &Prepared) -> Option<Rc<Outcome>> {
        let known = self.0.iter().find(|(question, _)| question.is(provider, one));
        known.map(|(_, outcome)| Rc::clone(outcome))
    }

    /// Remembers an answer.
    pub(super) fn add(&mut self, provider: &Provider, one: Prepared, outcome: &Rc<Outcome>) {
        let Prepared { command, environment, .. } = one;
        let (user, form) = (provider.user, provider.answer);
        self.0.push((Question { command, environment, user, form }, Rc::clone(outcome)));
    }
}
