//! `leak respond`: an incident on the record, and what is to be done about it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use serde_json::Value;

const RESPOND: [&str; 5] = ["leak", "respond", "JWT_SECRET", "--reason", "pasted into a ticket"];

fn respond(desk: &Desk, more: &[&str]) -> Outcome {
    desk.done(&[&RESPOND[..], more].concat())
}

/// A launch in production with the desk's ledger, and with this value of JWT_SECRET.
fn launch(desk: &Desk, value: &str) -> Launch {
    Launch::sound("production")
        .env("JWT_SECRET", value)
        .env(
            "DATABASE_URL",
            "postgres://nexis:p%40ss%2Fw0rd-of-the-database@db.internal/nexis?sslmode=require",
        )
        .env("NEXIS_LAUNCH_LEDGER", desk.ledger().to_str().unwrap())
        .env("NEXIS_LAUNCH_FINGERPRINT_KEY_FILE", desk.path("fingerprint.key").to_str().unwrap())
        .canary(SECRET)
        .canary(OTHER)
}

fn last(desk: &Desk, name: &str) -> Value {
    serde_json::from_str(desk.text(name).lines().last().unwrap()).unwrap()
}

/// Each of these stands in the text, in this order.
#[track_caller]
fn in_order(text: &str, words: &[&str]) {
    let mut rest = text;
    for word in words {
        let at = rest.find(word).unwrap_or_else(|| panic!("no {word:?} in order\n{text}"));
        rest = &rest[at + word.len()..];
    }
}

#[test]
fn from_the_alarm_to_the_revocation() {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 10);
    desk.refused(65, &["rotate", "revoke", "JWT_SECRET"]);
    respond(&desk, &["--actor", "alice", "--approved-by", "bob", "--change", "INC-3"]);
    let record = last(&desk, "JWT_SECRET");
    for (name, value) in [
        ("kind", "exposed"),
        ("reason", "pasted into a ticket"),
        ("actor", "alice"),
        ("approved_by", "bob"),
        ("change", "INC-3"),
        ("class", "jwt-signing"),
    ] {
        assert_eq!(record[name], value, "{record:#}");
    }

    // Services that start anew in the incident do start, with a warning, until there is another.
    let outcome = launch(&desk, SECRET).run();
    outcome.status(0).warning("value-exposed", "JWT_SECRET").no_canary().seen();
    desk.start("JWT_SECRET", "new");
    desk.steps("JWT_SECRET", &["stage", "verify"]);
    launch(&desk, SECRET).run().status(0).warning("value-exposed", "JWT_SECRET");
    desk.steps("JWT_SECRET", &["deploy"]);
    let outcome = launch(&desk, SECRET).run();
    outcome.status(78).error("value-exposed", "JWT_SECRET").program_did_not_run().no_canary();
    desk.steps("JWT_SECRET", &["revoke"]);
    let outcome = launch(&desk, SECRET).run();
    outcome.status(78).error("value-revoked", "JWT_SECRET").program_did_not_run().no_canary();
    launch(&desk, OTHER).run().status(0).no_finding("value-exposed").no_finding("value-revoked");
    desk.steps("JWT_SECRET", &["evidence"]);
    desk.holds_no_value();
}

#[test]
fn an_exposed_value_may_be_revoked_before_there_is_another() {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 10);
    respond(&desk, &[]);
    desk.steps("JWT_SECRET", &["revoke"]);
    assert_eq!(desk.kinds("JWT_SECRET"), ["adopted", "exposed", "revoked"]);
    let outcome = launch(&desk, SECRET).run();
    outcome.status(78).error("value-revoked", "JWT_SECRET").program_did_not_run();
    // And what was revoked is said where the incident is opened once more.
    let outcome = respond(&desk, &["--value-file", "{home}/old"]);
    in_order(&outcome.out(), &["## 1. ", "- [x] Record it", "## 2. "]);
}

/// The value in production is good: no hint may lead to its revocation.
#[test]
fn a_new_value_that_leaks_is_given_up_before_anything_else() {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 10);
    desk.start("JWT_SECRET", "new");
    desk.steps("JWT_SECRET", &["stage", "verify"]);
    respond(&desk, &["--value-file", "{home}/new"]);
    for step in ["stage", "verify", "deploy", "revoke"] {
        let words = ["rotate", step, "JWT_SECRET", "--emergency", "the new one leaked"];
        for words in [&words[..3], &words] {
            let outcome = desk.refused(65, words);
            outcome.says("the new value of the rotation under way is exposed; `rotate abort` ");
            assert!(!outcome.err().contains("--emergency"), "{outcome}");
        }
    }
    desk.refused(65, &["rotate", "start", "JWT_SECRET", "--value-file", "{home}/next"])
        .says("`rotate abort`");
    let plan = desk.done(&["rotate", "plan", "JWT_SECRET"]).out();
    let steps =
        ["exposed** since", "rotate abort", "rotate revoke", "- [ ] Generate", "rotate deploy"];
    in_order(&plan, &steps);
    assert!(!plan.contains("- [x]"), "{plan}");
    let told = desk.run(&["rotate", "status"]).out();
    assert!(told.contains("rotation under way to an exposed value, next is abort"), "{told}");
    let told = desk.run(&["rotate", "status", "--format", "json"]).out();
    assert!(told.contains("\"next_step\":\"abort\""), "{told}");

    let page = desk.done(&["rotate", "history", "--format", "html"]).out();
    assert!(page.contains("rotation to an exposed value under way, next step abort"), "{page}");

    desk.steps("JWT_SECRET", &["abort", "revoke"]);
    launch(&desk, OTHER).run().status(78).error("value-revoked", "JWT_SECRET");
    launch(&desk, SECRET).run().status(0).no_finding("value-revoked");
    desk.start("JWT_SECRET", "next");
    desk.steps("JWT_SECRET", &["stage", "verify", "deploy", "revoke", "evidence"]);
}

#[test]
fn the_record_and_the_head_come_first_and_the_checklist_can_be_typed() {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 10);
    let outcome = respond(&desk, &[]);
    let (out, head) = (outcome.out(), desk.head());
    let begin =
        format!("JWT_SECRET exposed: record 2, value 04546ddeb24573db\nhead {head}\n\n# Leak");
    assert!(out.starts_with(&begin), "{out}");
    let key = desk.path("ledger.key");
    let revoke =
        format!("`nexis-launch rotate revoke JWT_SECRET --ledger-key-file {}`", key.display());
    in_order(
        &out,
        &[
            &head,
            "## 1. Revoke at once",
            &revoke,
            "## 2. Deploy a replacement",
            "nexis-launch generate JWT_SECRET --out FILE",
            "## 3. Review",
            "nexis-launch leak trace --fingerprint 04546ddeb24573db --fingerprint-key-id",
            "nexis-launch leak scan --value-file JWT_SECRET=FILE",
            "## 4. Rotate what was next to it",
            "## 5. Say it and close it",
            "the draft is below",
            "# Draft: exposure of a key (jwt-signing)",
        ],
    );
    desk.done(&["ledger", "verify", "--head", &head]);
}

/// With the contract and the keys that were typed, and with no setting.
#[test]
fn the_commands_of_the_checklist_run_for_a_service_with_a_contract_of_its_own() {
    let desk = Desk::new();
    let contract = format!("{}/packaging/contracts/node-service.yaml", env!("CARGO_MANIFEST_DIR"));
    let path = |name: &str| desk.path(name).to_str().unwrap().to_owned();
    let [ledger, key, fingerprints] = ["ledger", "ledger.key", "fingerprint.key"].map(path);
    let typed = [
        ["--ledger", &ledger],
        ["--ledger-key-file", &key],
        ["--fingerprint-key-file", &fingerprints],
        ["--contract", &contract],
    ];
    let typed = typed.concat();
    let run = |words: &[&str]| {
        let outcome = Launch::new().args(words).env("PATH", "/usr/bin:/bin").canary(SECRET).run();
        outcome.no_canary().no_panic();
        outcome
    };
    let (created, old) = (days_ago(10), path("old"));
    let adopt = ["--value-file", &old, "--created", &created];
    let (session, token) = ("SESSION_SECRET", "ci-token");
    run(&[&["rotate", "adopt", session][..], &adopt, &typed].concat()).status(0);
    let class = ["--class", "ci", "--expires", "2999-01-01"];
    run(&[&["rotate", "adopt", token][..], &class, &adopt, &typed].concat()).status(0);
    let respond = |name: &str| {
        let outcome = run(&[&["leak", "respond", name, "--reason", "x"][..], &typed].concat());
        outcome.status(0).out()
    };
    let listed = |text: &str| {
        let commands = text.lines().filter_map(|line| line.trim().strip_prefix("`nexis-launch "));
        commands.map(|line| line.trim_end_matches('`').to_owned()).collect::<Vec<_>>()
    };
    let values = [
        ("FILE", path("made")),
        ("DATE", days_ahead(90)),
        ("CHECK", "/bin/true".to_owned()),
        ("PATH…", path("app.log")),
        ("URL", "https://ci.example.org/7".to_owned()),
    ];
    desk.write("app.log", "nothing of it\n");
    let fill = |command: &str| {
        let words = command.split(' ').map(|word| {
            let (name, value) = word.split_once('=').unwrap_or(("", word));
            let known = values.iter().find(|(placeholder, _)| *placeholder == value);
            let value = known.map_or(value, |(_, value)| value);
            if name.is_empty() { value.to_owned() } else { format!("{name}={value}") }
        });
        words.collect::<Vec<_>>()
    };
    let text = respond(session);
    let commands = listed(&text);
    for command in commands.iter().filter(|it| !it.starts_with("leak trace ")) {
        let words = fill(command);
        let outcome = run(&words.iter().map(String::as_str).collect::<Vec<_>>());
        // What other processes of the machine hold is nothing to this test.
        let looked = command.starts_with("inspect ") && matches!(outcome.status, Some(1 | 2));
        assert!(looked || outcome.status == Some(0), "{command}\n{outcome}");
    }
    let steps = ["adopted", "exposed", "revoked", "started", "staged", "verified", "deployed"];
    assert_eq!(desk.kinds(session), [&steps[..], &["evidence"]].concat());
    // What the contract does not know is said again.
    let start = listed(&respond(token)).into_iter().find(|it| it.starts_with("rotate start"));
    let words = fill(&start.unwrap());
    run(&words.iter().map(String::as_str).collect::<Vec<_>>()).status(0);

    let plan = |more: &[&str]| desk.done(&[&["rotate", "plan", session][..], more].concat()).out();
    assert!(!plan(&[]).contains("--contract"), "{}", plan(&[]));
    let named = plan(&["--contract", &contract]);
    let commands = listed(&named);
    assert_eq!(commands.len(), 6, "{named}");
    assert!(commands.iter().all(|it| it.contains(" --contract FILE")), "{named}");
}

#[test]
fn what_trace_and_scan_find_is_filled_in() {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 10);
    let audit = desk.path("audit.log");
    let audit = audit.to_str().unwrap();
    let labelled = ["--audit-log", audit, "--label", "commit=d41773f"];
    launch(&desk, SECRET).options(labelled).run().status(0);
    launch(&desk, OTHER).options(labelled).run().status(0);
    desk.write("app.log", format!("one\ntoken={SECRET}\n"));
    let outcome = respond(
        &desk,
        &["--value-file", "{home}/old", "--audit", audit, "--scan", "{home}/app.log", audit],
    );
    in_order(
        &outcome.out(),
        &[
            "- [x] Audit records: 1 launch got it.\n",
            "/witness, host ",
            ", commit=d41773f; ",
            "/audit.log:1`\n",
            "- [ ] Scan: it stands in 1 place.\n",
            "/app.log:2: raw`\n",
            "- [ ] `DATABASE_URL`\n",
            "- [ ] `DATABASE_URL#password`\n",
            "1 launch of our services held it; it stood in 1 place that we looked through",
        ],
    );
    // By the fingerprint on record alone too.
    let outcome = respond(&desk, &["--audit", audit]);
    in_order(&outcome.out(), &["Audit records: 1 launch got it.\n", "leak scan --value-file"]);
    // What cannot be read or compared is never ticked, and the incident is open all the same.
    let outcome = respond(&desk, &["--audit", "{home}/absent.log"]);
    outcome.says("cannot read").says("absent.log");
    in_order(
        &outcome.out(),
        &[
            "- [ ] Audit records: No launch",
            "1 thing could not be read",
            "0 launches of our services held it; 1 COULD NOT BE READ OR COMPARED.",
        ],
    );
    assert_eq!(desk.kinds("JWT_SECRET"), ["adopted", "exposed", "exposed", "exposed"]);
}

#[test]
fn a_name_of_a_file_that_holds_the_value_is_printed_without_it() {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 10);
    let [log, draft] = ["app", "draft"].map(|name| format!("{{home}}/{name}-{SECRET}.md"));
    desk.write(&log["{home}/".len()..], format!("{SECRET}\n"));
    let words = ["--value-file", "{home}/old", "--scan", &log, "--advisory", &draft];
    let outcome = respond(&desk, &words);
    outcome.no_canary();
    let found = ["it stands in 2 places.", "[redacted:JWT_SECRET]", "the draft is in `[redacted:"];
    in_order(&outcome.out(), &found);
}

#[test]
fn a_file_that_could_not_be_read_leaves_the_search_open() {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 10);
    let scan = ["--value-file", "{home}/old", "--scan", "{home}/absent.log"];
    let outcome = respond(&desk, &scan);
    in_order(&outcome.out(), &["- [ ] Scan: it stands nowhere", "1 thing could not be read"]);
    desk.write("app.log", "nothing of it\n");
    let outcome = respond(&desk, &["--value-file", "{home}/old", "--scan", "{home}/app.log"]);
    in_order(&outcome.out(), &["- [x] Scan: it stands nowhere"]);
}

#[test]
fn thousands_of_places_are_counted_and_not_listed() {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 10);
    desk.write("app.log", format!("{SECRET}\n").repeat(3000));
    let outcome = respond(&desk, &["--value-file", "{home}/old", "--scan", "{home}/app.log"]);
    in_order(
        &outcome.out(),
        &["it stands in 3000 places.", "/app.log:20: raw`", "- and 2980 more"],
    );
    assert!(!outcome.out().contains("app.log:21:"), "{outcome}");
}

#[test]
fn the_draft_goes_into_a_new_file_that_nobody_else_reads() {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 10);
    let outcome = respond(&desk, &["--advisory", "{home}/draft.md"]);
    let draft = std::fs::read_to_string(desk.path("draft.md")).unwrap();
    assert!(draft.starts_with("# Draft: exposure of a key (jwt-signing)\n"), "{draft}");
    assert!(!draft.contains("04546ddeb24573db") && !outcome.out().contains("# Draft"), "{outcome}");
    assert!(outcome.out().contains("/draft.md`."), "{outcome}");
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(desk.path("draft.md")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    // What is there is not overwritten, and then nothing is recorded either.
    desk.refused(73, &[&RESPOND[..], &["--advisory", "{home}/draft.md"]].concat());
    assert_eq!(std::fs::read_to_string(desk.path("draft.md")).unwrap(), draft);
}

#[test]
fn a_key_that_nothing_is_recorded_of_needs_its_value_and_a_class() {
    let desk = Desk::new();
    desk.refused(65, &RESPOND).says("knows no value");
    let of = |name: &'static str| ["leak", "respond", name, "--reason", "in a build log"];
    desk.refused(64, &[&of("ci-token")[..], &["--value-file", "{home}/old"]].concat())
        .says("has no class");
    desk.refused(64, &of("JWT_SECERT")).says("has no class");
    desk.refused(64, &of("NEXIS_JWT_SECRET")).says("it is an alias");
    desk.done(
        &[&of("ci-token")[..], &["--value-file", "{home}/old", "--class", "ci-token"]].concat(),
    );
    assert_eq!(last(&desk, "ci-token")["class"], "ci-token");
    desk.refused(64, &[&of("ci-token")[..], &["--class", "database"]].concat());
    desk.done(&["rotate", "revoke", "ci-token"]);
    assert_eq!(desk.kinds("ci-token"), ["exposed", "revoked"]);
    // A variable of the contract has a class.
    respond(&desk, &["--value-file", "{home}/new"]);
    launch(&desk, OTHER).run().status(0).warning("value-exposed", "JWT_SECRET");
}

#[test]
fn what_leaked_before_the_ledger_knew_it_is_shown_and_may_be_registered() {
    let desk = Desk::new();
    respond(&desk, &["--value-file", "{home}/old"]);
    let status = |more: &[&str]| desk.run(&[&["rotate", "status"][..], more].concat());
    let told = status(&[]);
    let of = told.status(1).out();
    in_order(
        &of,
        &[
            "JWT_SECRET  jwt-signing  exposed  no value in production\n",
            "04546ddeb24573db: not revoked",
        ],
    );
    let json: Value = serde_json::from_str(&status(&["--format", "json"]).status(1).out()).unwrap();
    assert_eq!(json["keys"][0]["standing"], "exposed");
    assert_eq!(json["keys"][0]["exposed"], serde_json::json!(["04546ddeb24573db"]));
    assert!(json["keys"][0].get("fingerprint").is_none(), "{json:#}");
    let label = "{key=\"JWT_SECRET\",class=\"jwt-signing\"} 1\n";
    let metrics = status(&["--format", "prometheus"]).out();
    assert!(metrics.contains(&format!("nexis_launch_key_exposed{label}")), "{metrics}");
    desk.refused(65, &RESPOND).says("knows no value of it in use");
    desk.refused(65, &["rotate", "start", "JWT_SECRET", "--value-file", "{home}/old"])
        .says("this value is exposed");

    desk.adopt("JWT_SECRET", 60);
    let told = status(&[]);
    in_order(&told.status(1).out(), &["  exposed  60 of 90 days"]);
    assert!(!told.out().contains("exposed value"), "{told}");
    respond(&desk, &[]);
    desk.start("JWT_SECRET", "new");
    desk.steps("JWT_SECRET", &["stage", "verify", "deploy", "revoke", "evidence"]);
    status(&[]).status(0);

    // Beside a value that is good.
    respond(&desk, &["--value-file", "{home}/next"]);
    in_order(&status(&[]).status(1).out(), &["  fresh  ", "exposed value "]);
    desk.steps("JWT_SECRET", &["revoke"]);
    status(&[]).status(0);
    launch(&desk, OTHER).run().status(0).no_finding("value-revoked");
}

#[test]
fn a_value_under_the_name_of_another_key_is_said_in_the_checklist() {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 10);
    let words = ["leak", "respond", "OPENAI_API_KEY", "--reason", "in a log"];
    let outcome = desk.done(&[&words[..], &["--value-file", "{home}/old"]].concat());
    in_order(
        &outcome.out(),
        &[
            "OPENAI_API_KEY exposed: record 1",
            "- [ ] The ledger has the same value as `JWT_SECRET`: open it there too.\n",
            "`nexis-launch leak respond JWT_SECRET --reason TEXT --ledger-key-file ",
            "## 2. ",
        ],
    );
    assert!(!respond(&desk, &["--value-file", "{home}/new"]).out().contains("the same value as"));
}

#[test]
fn the_password_inside_an_exposed_url_is_traced_too() {
    let desk = Desk::new();
    let url = "postgres://nexis:p%40ss%2Fw0rd-of-the-database@db.internal/nexis?sslmode=require";
    let audit = desk.path("audit.log");
    let audit = audit.to_str().unwrap();
    launch(&desk, SECRET).options(["--audit-log", audit]).run().status(0);
    // Another URL with the same password.
    desk.write("url", url.replace("db.internal", "replica.internal"));
    let words = ["leak", "respond", "DATABASE_URL", "--reason", "in a dump"];
    let outcome = desk
        .keyed(words)
        .args(["--value-file", desk.path("url").to_str().unwrap(), "--audit", audit])
        .canary("p@ss/w0rd-of-the-database")
        .canary("p%40ss%2Fw0rd-of-the-database")
        .run();
    outcome.status(0).no_canary();
    in_order(&outcome.out(), &["Audit records: 1 launch got it.\n", "- [ ] `JWT_SECRET`\n"]);
}

#[test]
fn a_ledger_with_a_fault_or_another_key_is_65_and_nothing_is_written() {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 10);
    desk.write("other.key", HEX_KEY.replace('9', "8"));
    let other = ["--value-file", "{home}/old", "--fingerprint-key-file", "{home}/other.key"];
    desk.refused(65, &[&RESPOND[..], &other].concat()).says("another fingerprint key");
    desk.write(
        "ledger/JWT_SECRET.jsonl",
        desk.text("JWT_SECRET").replace("jwt-signing", "database"),
    );
    desk.refused(65, &RESPOND).says("JWT_SECRET.jsonl line 1");
    let audit = ["--audit", "{home}/old"];
    desk.refused(65, &[&RESPOND[..], &audit].concat()).says("JWT_SECRET.jsonl line 1");
}

#[test]
fn a_reason_with_the_value_in_it_is_never_recorded() {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 10);
    for reason in [
        SECRET.to_owned(),
        format!("found {SECRET}, in a log"),
        format!("JWT_SECRET={SECRET} in a log"),
        format!("see \"{SECRET}\"."),
    ] {
        // By its fingerprint, where the value itself is not given.
        let words = ["leak", "respond", "JWT_SECRET", "--reason", &reason];
        desk.refused(64, &words).says("holds the value");
        desk.refused(64, &[&words[..], &["--value-file", "{home}/old"]].concat());
    }
    for reason in ["", " ", "two\nlines"] {
        desk.refused(64, &["leak", "respond", "JWT_SECRET", "--reason", reason]);
    }
    desk.refused(64, &["leak", "respond", "JWT_SECRET"]);
    desk.holds_no_value();
}

#[test]
fn standard_input_is_read_once_and_a_scan_needs_the_value() {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 10);
    desk.refused(64, &[&RESPOND[..], &["--scan", "{home}/old"]].concat());
    desk.refused(64, &[&RESPOND[..], &["--value-file", "-", "--scan", "-"]].concat());
    let file = std::fs::File::open(desk.path("old")).unwrap();
    let outcome = desk
        .keyed(RESPOND)
        .args(["--value-file", "-"])
        .stdin(Stream::Fd(std::sync::Arc::new(file.into())))
        .run();
    outcome.status(0).no_canary();
    assert_eq!(last(&desk, "JWT_SECRET")["fingerprint"], "04546ddeb24573db");
}
