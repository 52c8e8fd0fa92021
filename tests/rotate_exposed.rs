//! Values that leaked or were revoked, and the rotations after that.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

/// Opens an incident of this value, and gives what is said.
fn respond(desk: &Desk, name: &str, file: &str) -> String {
    let words = ["leak", "respond", name, "--reason", "in a log", "--value-file", file];
    desk.done(&words).out()
}

#[test]
fn a_replacement_is_ticked_for_a_value_that_was_in_production_and_for_no_other() {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 10);
    // The hosts may run this one, whatever the ledger says.
    let said = respond(&desk, "JWT_SECRET", "{home}/next");
    assert!(said.contains("- [ ] Generate it.\n") && said.contains("rotate start"), "{said}");
    assert!(!said.contains("- [x] Take it through"), "{said}");
    assert!(!said.contains("Another key is in use"), "{said}");
    desk.steps("JWT_SECRET", &["revoke"]);
    desk.start("JWT_SECRET", "new");
    desk.steps("JWT_SECRET", &["stage", "verify", "deploy"]);
    let said = respond(&desk, "JWT_SECRET", "{home}/old");
    for words in ["- [x] Generate it.\n", "- [x] Take it through", "Another key is in use"] {
        assert!(said.contains(words), "{said}");
    }
}
