//! The latest launches: a launch whose exec failed has two records, and the same record can stand
//! in a manifest's log and in an audit log. They are close to each other; of a million launches not
//! all need be remembered.

use std::collections::{BTreeSet, VecDeque};

/// How many are remembered.
const MOST: usize = 4096;

/// The latest launches by their ids.
pub(super) struct Recent {
    order: VecDeque<String>,
    known: BTreeSet<String>,
}

impl Recent {
    pub(super) const fn new() -> Self {
        Recent { order: VecDeque::new(), known: BTreeSet::new() }
    }

    /// Whether a launch is not among the latest, which it is from here on. One without an id is
    /// always new.
    pub(super) fn is_new(&mut self, launch: &str) -> bool {
        if launch.is_empty() {
            return true;
        }
        if self.known.contains(launch) {
            return false;
        }
        if self.order.len() >= MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.order.push_back(launch.to_owned());
        self.known.insert(launch.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_launch_is_new_once_and_memory_is_bounded() {
        let mut recent = Recent::new();
        assert!(recent.is_new("a") && !recent.is_new("a") && recent.is_new("b"));
        assert!(recent.is_new("") && recent.is_new(""));
        for at in 0..3 * MOST {
            assert!(recent.is_new(&at.to_string()));
            assert!(!recent.is_new(&at.to_string()));
        }
        assert!(recent.order.len() <= MOST && recent.known.len() <= MOST);
    }
}
