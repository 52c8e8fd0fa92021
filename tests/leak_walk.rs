//! From a leak to its evidence by running what is printed, from every state that a ledger is in.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

const NAME: &str = "JWT_SECRET";

/// The commands of a text that are still to be run, as words.
fn listed(text: &str) -> Vec<String> {
    let mut is_open = true;
    let mut commands = Vec::new();
    for line in text.lines() {
        match line.trim_start() {
            task if task.starts_with("- [") => is_open = task.starts_with("- [ ]"),
            line => commands.extend(line.strip_prefix("`nexis-launch ").filter(|_| is_open)),
        }
    }
    commands.iter().map(|it| it.trim_end_matches('`').to_owned()).collect()
}

/// Runs a command that was printed; `file` has the new value.
fn run(desk: &Desk, command: &str, file: &str) {
    let path = |name: &str| desk.path(name).to_str().unwrap().to_owned();
    let words: Vec<String> = command
        .split(' ')
        .map(|word| match word {
            "FILE" => path(file),
            "DATE" => days_ahead(7),
            "CHECK" => "/bin/true".to_owned(),
            "URL" => "https://ci.example.org/7".to_owned(),
            word => word.to_owned(),
        })
        .collect();
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    // Where the ledger and its keys are, the desk says.
    for option in ["--ledger-key-file", "--ledger"] {
        if let Some(at) = words.iter().position(|word| *word == option) {
            words.drain(at..at + 2);
        }
    }
    let made = desk.path(file);
    if words[0] == "generate" && made.exists() {
        std::fs::remove_file(made).unwrap();
    }
    // Of these the status tells what was found.
    if matches!((words[0], words[1]), ("inspect", _) | ("leak", "scan" | "trace")) {
        return;
    }
    if let Some(at) = words.iter().position(|word| *word == "--fingerprint-key-file") {
        words.drain(at..at + 2);
    }
    let outcome = match words[0] {
        "generate" => desk.command(words).run(),
        _ => desk.run(&words),
    };
    outcome.no_canary();
    assert_eq!(outcome.status, Some(0), "{command}\n{outcome}");
}

/// A desk in this state: each word is a step, with the file of its value where it has one.
fn in_state(words: &str) -> Desk {
    let desk = Desk::new();
    desk.write("made", "a-value-that-is-made-for-the-replacement-0123456789");
    desk.write("stray", "a-value-that-no-record-of-the-ledger-has-0123456789");
    for word in words.split_whitespace() {
        match word.split_once(':') {
            Some(("start", file)) => drop(desk.start(NAME, file)),
            Some((_, file)) => respond(&desk, file),
            None if word == "adopt" => drop(desk.adopt(NAME, 10)),
            None if word == "deploy" => {
                desk.done(&["rotate", "deploy", NAME, "--revoke-by", &days_ahead(7)]);
            }
            None => desk.steps(NAME, &[word]),
        }
    }
    desk
}

fn respond(desk: &Desk, file: &str) {
    let file = desk.path(file);
    let words = ["leak", "respond", NAME, "--reason", "a", "--value-file", file.to_str().unwrap()];
    desk.done(&words);
}

/// The states, the file of the value that leaks, and that of the one that replaces it.
const STATES: [(&str, &str, &str); 17] = [
    ("", "stray", "made"),
    ("adopt", "old", "made"),
    ("adopt", "stray", "made"),
    ("adopt start:new", "old", "new"),
    ("adopt start:new stage verify", "old", "new"),
    ("adopt start:new stage", "new", "made"),
    ("adopt start:new stage", "stray", "new"),
    ("adopt start:new abort", "new", "made"),
    // The migration window is open.
    ("adopt start:new stage verify deploy", "new", "made"),
    ("adopt start:new stage verify deploy", "old", "made"),
    ("adopt start:new stage verify deploy", "stray", "made"),
    ("adopt start:new stage verify deploy revoke", "new", "made"),
    ("adopt start:new stage verify deploy revoke evidence", "new", "made"),
    ("adopt start:new stage verify deploy revoke evidence start:next stage", "old", "next"),
    ("adopt leak:old revoke", "old", "made"),
    ("adopt leak:stray start:new stage verify deploy", "new", "made"),
    ("adopt start:new stage verify deploy leak:new start:next stage verify deploy", "next", "made"),
];

/// The value that leaked is in use no more, and everything is closed.
fn is_over(desk: &Desk, state: &str) {
    let told = desk.run(&["rotate", "status"]);
    assert_eq!(told.status, Some(0), "{state}\n{told}");
    assert!(!told.out().contains("exposed") && !told.out().contains("under way"), "{told}");
    assert_eq!(desk.kinds(NAME).last().unwrap(), "evidence", "{state}");
    desk.holds_no_value();
}

#[test]
fn what_an_incident_prints_can_be_run_from_every_state_to_its_evidence() {
    for (state, leaked, file) in STATES {
        // What may be revoked at once is revoked at once, or when the replacement is there.
        for at_once in [true, false] {
            let desk = in_state(state);
            let leaked = format!("{{home}}/{leaked}");
            let words = ["leak", "respond", NAME, "--reason", "a", "--value-file", &leaked];
            let text = desk.done(&words).out();
            // A tick is a record: of a new value that is in production none is made in advance.
            let is_ticked = text.contains("- [x] Take it through");
            let before = desk.kinds(NAME).iter().filter(|kind| *kind == "deployed").count();
            let replaced = leaked.ends_with("old") && before > 0;
            assert_eq!(is_ticked, replaced, "{state}\n{text}");
            let mut commands = listed(&text);
            commands.retain(|it| !it.starts_with("leak respond "));
            if !at_once {
                let part = text.split("## 2. ").next().unwrap();
                let first =
                    listed(part).iter().filter(|it| it.starts_with("rotate revoke ")).count();
                let is_revoke = |it: &&String| it.starts_with("rotate revoke ");
                let revoke = commands.iter().find(is_revoke).cloned();
                let mut left = first;
                commands.retain(|it| {
                    let is_early = left > 0 && it.starts_with("rotate revoke ");
                    left -= usize::from(is_early);
                    !is_early
                });
                let end =
                    commands.iter().rposition(|it| it.starts_with("rotate evidence ")).unwrap();
                let later = std::iter::repeat_n(revoke, first).flatten();
                commands.splice(end..end, later);
            }
            for command in &commands {
                run(&desk, command, file);
            }
            is_over(&desk, state);
        }
    }
}

#[test]
fn what_a_plan_prints_next_can_be_run_in_every_state_until_nothing_exposed_is_left() {
    for (state, leaked, file) in STATES {
        let desk = in_state(state);
        respond(&desk, leaked);
        let leaked = desk.kinds(NAME).len();
        for turn in 0.. {
            assert!(turn < 12, "{state}\n{:?}", desk.kinds(NAME));
            let plan = desk.done(&["rotate", "plan", NAME]).out();
            // What is printed as done is on the record.
            assert!(!plan.contains("nothing recorded"), "{state}\n{plan}");
            run(&desk, &listed(&plan)[0], file);
            let kinds = desk.kinds(NAME);
            let is_new = kinds[leaked..].iter().any(|kind| kind == "deployed");
            let is_closed = kinds.last().unwrap() == "evidence";
            if is_closed || (is_new && desk.run(&["rotate", "status"]).status == Some(0)) {
                break;
            }
        }
        let told = desk.run(&["rotate", "status"]);
        assert_eq!(told.status, Some(0), "{state}\n{told}");
    }
}

#[test]
fn a_value_in_production_that_leaks_in_its_migration_window_is_replaced_first() {
    let open = "adopt start:new stage verify deploy leak:new";
    let desk = in_state(open);
    let told = desk.run(&["rotate", "status"]).status(1).out();
    assert!(told.contains("rotation under way to an exposed value, next is start\n"), "{told}");
    let json = desk.run(&["rotate", "status", "--format", "json"]).status(1).out();
    assert!(json.contains("\"next_step\":\"start\""), "{json}");
    let plan = desk.done(&["rotate", "plan", NAME]).out();
    let first = plan.find("To be revoked first: `").unwrap();
    assert!(first < plan.find("To be revoked: `").unwrap(), "{plan}");
    assert!(!plan.contains("- [x]") && listed(&plan)[0].starts_with("rotate start "), "{plan}");
    desk.start(NAME, "next");
    desk.steps(NAME, &["stage", "verify", "deploy", "revoke", "revoke", "evidence"]);
    desk.run(&["rotate", "status"]).status(0);

    // Revoked without a replacement: which one it was is said, and the one before it is not fresh.
    let desk = in_state(open);
    let outcome = desk.done(&["rotate", "revoke", NAME]);
    outcome.says("was the one in production").says("`nexis-launch rotate plan JWT_SECRET`");
    let told = desk.run(&["rotate", "status"]).out();
    assert!(told.contains("  due  "), "{told}");
    let desk = in_state(open.replace("leak:new", "").as_str());
    desk.done(&["rotate", "revoke", NAME]).never_says("in production");
}
