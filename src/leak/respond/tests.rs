use super::*;
use crate::manifest::Guard;
use crate::needles::Needles;

const STAGE: Action = Action::Take(Step::Stage);
const VERIFY: Action = Action::Take(Step::Verify);
const DEPLOY: Action = Action::Take(Step::Deploy);
const EVIDENCE: Action = Action::Take(Step::Evidence);
const CANARY: &str = "kZ3vQ9xLw7TnB2yHc5RfJ8mUe1PaGd6SoXi4VqWtYb0";

fn shown(text: &str) -> Shown {
    let mut needles = Needles::new();
    needles.add("JWT_SECRET", CANARY.as_bytes());
    Guard::new(&needles).text(text)
}

fn incident() -> Incident {
    Incident {
        name: shown("JWT_SECRET"),
        class: Some(shown("jwt-signing")),
        is_variable: true,
        can_be_generated: true,
        reason: shown("pasted into a ticket"),
        time: shown("2026-11-22T03:10:00Z"),
        actor: shown("alice"),
        fingerprint: Some(("9f86d081884c7d65".to_owned(), "5f2a9c01".to_owned())),
        standing: Standing::InProduction,
        replaced: false,
        way: Way {
            at_once: vec![REVOKE],
            deploy: vec![Action::Start, STAGE, VERIFY, DEPLOY],
            rest: vec![EVIDENCE],
            ..Way::default()
        },
        current: None,
        also: Vec::new(),
        head: None,
        options: shown(" --ledger-key-file ledger.key"),
        contract: shown(" --contract own.yaml"),
        start: shown(""),
        draft: None,
        traced: None,
        scanned: None,
    }
}

fn traced(launches: usize, others: &[&str], undecided: usize) -> Option<Traced> {
    Some(Traced {
        launches: (0..launches).map(|at| shown(&format!("launch {at} on web-1"))).collect(),
        others: others.iter().map(|name| shown(name)).collect(),
        undecided,
        ..Traced::default()
    })
}

/// The line that begins with this task, done or not.
fn is_done(text: &str, start: &str) -> bool {
    let line = text.lines().find(|line| line.get(6..).is_some_and(|it| it.starts_with(start)));
    let line = line.unwrap_or_else(|| panic!("{start} in\n{text}"));
    line.starts_with("- [x] ")
}

#[test]
fn the_steps_of_the_page_stand_in_their_order() {
    let text = checklist(&incident());
    let steps = [
        "nexis-launch rotate revoke JWT_SECRET",
        "nexis-launch generate JWT_SECRET --out FILE",
        "nexis-launch rotate start JWT_SECRET --value-file FILE",
        "nexis-launch rotate stage JWT_SECRET",
        "nexis-launch rotate verify JWT_SECRET",
        "nexis-launch rotate deploy JWT_SECRET",
        "nexis-launch inspect --all JWT_SECRET",
        "nexis-launch leak trace",
        "nexis-launch leak scan --value-file JWT_SECRET=FILE",
        "where the blast radius is unclear",
        "private advisory",
        "nexis-launch rotate evidence JWT_SECRET",
        "nexis-launch ledger head --ledger-key-file ledger.key",
    ];
    let places: Vec<_> =
        steps.iter().map(|it| text.find(it).unwrap_or_else(|| panic!("{it} in\n{text}"))).collect();
    assert!(places.is_sorted(), "{text}");
    assert!(text.contains("ends every session"), "{text}");
    assert!(text.contains("9f86d081884c7d65 under key 5f2a9c01"), "{text}");
}

#[test]
fn what_is_done_is_ticked_and_nothing_else() {
    let open = checklist(&incident());
    assert_eq!(open.matches("- [x]").count(), 1, "{open}");
    let way = |at_once: &[Action], deploy: &[Action]| Way {
        at_once: at_once.to_vec(),
        deploy: deploy.to_vec(),
        ..incident().way
    };
    let replaced = checklist(&Incident {
        standing: Standing::Replaced,
        replaced: true,
        way: way(&[REVOKE], &[]),
        ..incident()
    });
    assert!(is_done(&replaced, "Take it through staging"), "{replaced}");
    assert!(!replaced.contains("rotate start") && replaced.contains("rotate revoke"), "{replaced}");
    let revoked = checklist(&Incident {
        standing: Standing::Revoked,
        way: way(&[], &incident().way.deploy),
        ..incident()
    });
    assert!(is_done(&revoked, "Record it") && !revoked.contains("rotate revoke"), "{revoked}");
    assert!(!is_done(&revoked, "Generate it"), "{revoked}");
    assert!(!is_done(&revoked, "See that no process"), "{revoked}");
    // A rotation that is under way has its value, and is not in production.
    let begun = Incident { way: way(&[REVOKE], &[VERIFY, DEPLOY]), ..incident() };
    let begun = checklist(&begun);
    assert!(is_done(&begun, "Generate it") && !is_done(&begun, "Take it through"), "{begun}");
    assert!(!begun.contains("rotate stage") && begun.contains("rotate verify"), "{begun}");
    // Of one that the ledger does not know nothing is ticked.
    let unknown = Incident {
        standing: Standing::Unknown,
        current: Some(shown("0b02000000000000")),
        ..incident()
    };
    let unknown = checklist(&unknown);
    assert_eq!(unknown.matches("- [x]").count(), 1, "{unknown}");
    assert!(unknown.contains("whole and alone in its file"), "{unknown}");
}

#[test]
fn what_was_found_is_filled_in() {
    let text = checklist(&Incident {
        traced: traced(23, &["DATABASE_URL", "DATABASE_URL#password"], 0),
        scanned: Some(Scanned {
            places: vec![shown("logs/app.log:17, base64")],
            unread: 2,
            further: 0,
        }),
        ..incident()
    });
    assert!(text.contains("Audit records: 23 launches got it."), "{text}");
    assert!(text.contains("- `launch 19 on web-1`\n") && !text.contains("launch 20 on"), "{text}");
    assert!(text.contains("- and 3 more"), "{text}");
    assert!(text.contains("- [ ] `DATABASE_URL#password`"), "{text}");
    assert!(text.contains("it stands in 1 place.") && text.contains("`logs/app.log:17, base64`"));
    assert!(text.contains("2 things could not be read"), "{text}");
    assert!(!is_done(&text, "Scan:"), "{text}");
    assert!(!text.contains("leak trace") && !text.contains("leak scan"), "{text}");
}

#[test]
fn what_could_not_be_told_is_never_ticked() {
    let text = checklist(&Incident { traced: traced(0, &[], 4), ..incident() });
    assert!(!is_done(&text, "Audit records: No launch on record got it."), "{text}");
    assert!(text.contains("4 launches could not be compared"), "{text}");
    assert!(text.contains("rotate every secret of the host"), "{text}");
    let sure = checklist(&Incident {
        traced: traced(0, &[], 0),
        scanned: Some(Scanned::default()),
        ..incident()
    });
    assert!(is_done(&sure, "Audit records") && is_done(&sure, "Scan: it stands nowhere"), "{sure}");
    assert!(is_done(&sure, "No process on record"), "{sure}");
    let unread = Some(Traced { unread: 1, ..Traced::default() });
    let unread = checklist(&Incident { traced: unread, ..incident() });
    assert!(!is_done(&unread, "Audit records"), "{unread}");
    assert!(unread.contains("rotate every secret of the host"), "{unread}");
    let unread = Some(Scanned { unread: 1, ..Scanned::default() });
    let unread = checklist(&Incident { scanned: unread, ..incident() });
    assert!(!is_done(&unread, "Scan: it stands nowhere"), "{unread}");
}

#[test]
fn each_class_has_words_of_its_own() {
    let mut all = Vec::new();
    for class in ["jwt-signing", "encryption", "webhook-hmac", "database", "provider-api-key"] {
        let incident = Incident { class: Some(shown(class)), ..incident() };
        let text = checklist(&incident) + &advisory(&incident);
        assert!(!text.contains("Revoke it where it was issued"), "{class}");
        assert!(!text.contains("WHAT IT OPENS"), "{class}");
        all.push(text.replace(class, ""));
    }
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 5);
    let other = Incident { class: None, can_be_generated: false, ..incident() };
    assert!(checklist(&other).contains("Have its issuer make another"));
    assert!(!checklist(&other).contains("nexis-launch generate"));
    // What is not in the contract is in no process' environment that could be looked into.
    let token = Incident { name: shown("ci-token"), is_variable: false, ..other };
    let text = checklist(&token);
    assert!(!text.contains("inspect") && text.contains("--value-file LEAKED=FILE"), "{text}");
    let odd = checklist(&Incident { name: shown("a`;reboot;`"), ..token });
    assert!(odd.contains("rotate revoke NAME ") && !odd.contains("revoke a"), "{odd}");
}

#[test]
fn the_advisory_is_a_draft_without_a_value_or_a_place() {
    let incident = Incident {
        traced: traced(3, &["DATABASE_URL"], 0),
        scanned: Some(Scanned {
            places: vec![shown("/srv/logs/app.log:17")],
            unread: 0,
            further: 0,
        }),
        reason: shown(&format!("posted {CANARY} in chat")),
        ..incident()
    };
    let text = advisory(&incident);
    assert!(text.starts_with("# Draft: exposure of a key (jwt-signing)\n"), "{text}");
    assert!(text.contains("On 2026-11-22 we learnt"), "{text}");
    assert!(text.contains("3 launches of our services held it"), "{text}");
    assert!(text.contains("Sign in again"), "{text}");
    // Readers of an advisory have no use for names of other keys, hosts, files or fingerprints.
    for word in ["DATABASE_URL", "web-1", "/srv/logs", "9f86d081884c7d65", "alice", "chat"] {
        assert!(!text.contains(word), "{word} in\n{text}");
    }
    let both = checklist(&incident) + &text;
    assert!(!both.contains(CANARY), "the reason held the value");
    assert!(both.contains("redacted:JWT"), "{both}");
}

#[test]
fn texts_of_others_are_no_markdown_and_no_new_line() {
    let hostile = "x`\n- [x] done\u{1b}[2J <img src=x> [a](b)";
    let text = checklist(&Incident {
        reason: shown(hostile),
        actor: shown(hostile),
        scanned: Some(Scanned { places: vec![shown(hostile)], unread: 0, further: 0 }),
        ..incident()
    });
    assert!(!text.contains('\u{1b}') && !text.contains("\n- [x] done"), "{text}");
    let reason = text.lines().find(|line| line.starts_with("- reason")).unwrap();
    assert!(reason.contains("\\<img") && reason.contains("\\[a\\]\\(b\\)"), "{reason}");
    let place = text.lines().find(|line| line.contains("      - `x")).unwrap();
    assert_eq!(place.matches('`').count(), 2, "{place}");
}
