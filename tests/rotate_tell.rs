//! What is told of rotations: status, plan, history.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use serde_json::Value;

/// A desk with one key in each standing.
fn desk() -> Desk {
    let desk = Desk::new();
    for (name, days) in [("FRESH_KEY", 10), ("DUE_KEY", 80), ("OVERDUE_KEY", 120)] {
        let (file, created) = (desk.path("old"), days_ago(days));
        let file = file.to_str().unwrap();
        desk.done(&[
            "rotate",
            "adopt",
            name,
            "--class",
            "webhook-hmac",
            "--created",
            &created,
            "--value-file",
            file,
        ]);
    }
    desk
}

#[test]
fn status_shows_every_key_against_its_window_and_is_1_when_one_is_overdue() {
    let desk = desk();
    let outcome = desk.run(&["rotate", "status"]);
    outcome.status(1);
    let out = outcome.out();
    let line = |name: &str| out.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    for (name, standing, words) in [
        ("FRESH_KEY", "fresh", "10 of 90 days"),
        ("DUE_KEY", "due", "80 of 90 days"),
        ("OVERDUE_KEY", "overdue", "120 of 90 days"),
    ] {
        let line = line(name);
        assert!(line.contains(&format!("  {standing} ")) && line.contains(words), "{line}");
        assert!(!line.contains('[') && !line.contains('\u{1b}'), "no terminal: {line}");
    }
    assert!(line("not in the ledger: ").contains("JWT_SECRET"));
    std::fs::remove_file(desk.file("OVERDUE_KEY")).unwrap();
    desk.run(&["rotate", "status"]).status(0);
}

#[test]
fn an_old_value_past_its_day_is_overdue() {
    use nexis_launch::fingerprint::Key;
    use nexis_launch::ledger::{Kind, Ledger, Record};
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 10);
    desk.start("JWT_SECRET", "new");
    desk.steps("JWT_SECRET", &["stage", "verify"]);
    let key = Key::read(&desk.path("ledger.key")).map_err(drop).unwrap();
    let mut ledger = Ledger::open(&desk.ledger(), &key).unwrap();
    let before = ledger.book().records("JWT_SECRET").last().unwrap().clone();
    // Deployed some days ago: no command writes a day that is past.
    let revoke_by = Some(days_ago(1));
    ledger.append("JWT_SECRET", Kind::Deployed, Record { revoke_by, ..before }).unwrap();
    drop(ledger);
    let status = desk.run(&["rotate", "status", "--format", "json"]);
    let json: Value = serde_json::from_str(&status.status(1).out()).unwrap();
    assert_eq!(json["keys"][0]["standing"], "fresh");
    assert_eq!(json["keys"][0]["old"][0]["overdue"], true);
    let launched = Launch::sound("production")
        .env("NEXIS_LAUNCH_LEDGER", desk.ledger().to_str().unwrap())
        .env("NEXIS_LAUNCH_FINGERPRINT_KEY_FILE", desk.path("fingerprint.key").to_str().unwrap())
        .run();
    launched.status(0).warning("rotation-overdue", "JWT_SECRET");
    desk.steps("JWT_SECRET", &["revoke"]);
    desk.run(&["rotate", "status"]).status(0);
}

/// A rotation that stops before `revoke` leaves the old value in use, however old it is.
#[test]
fn an_old_value_that_is_not_revoked_stays_overdue_by_its_own_age() {
    let by = days_ahead(30);
    for (options, days, ended) in [
        (&[][..], 239, false),
        (&["--revoke-by", &by], 239, false),
        (&[], 10, true),
        (&["--revoke-by", &by], 10, true),
    ] {
        let desk = Desk::new();
        let (created, expires) = (days_ago(days), days_ago(1));
        let mut adopt = vec!["rotate", "adopt", "JWT_SECRET", "--created", &created];
        adopt.extend(["--value-file", "{home}/old"]);
        if ended {
            adopt.extend(["--expires", &expires]);
        }
        desk.done(&adopt);
        desk.run(&["rotate", "status"]).status(1);
        desk.start("JWT_SECRET", "new");
        desk.steps("JWT_SECRET", &["stage", "verify"]);
        desk.done(&[&["rotate", "deploy", "JWT_SECRET"], options].concat());
        let last = if ended { expires.clone() } else { days_ago(days - 90) };
        let text = desk.run(&["rotate", "status"]);
        assert!(text.status(1).out().contains(&format!(", last day {last}, overdue\n")), "{text}");
        let json = desk.run(&["rotate", "status", "--format", "json"]);
        let json: Value = serde_json::from_str(&json.status(1).out()).unwrap();
        assert_eq!(json["keys"][0]["standing"], "fresh");
        let old = &json["keys"][0]["old"][0];
        assert_eq!((&old["overdue"], &old["last_day"]), (&Value::Bool(true), &last.into()));
        let metrics = desk.run(&["rotate", "status", "--format", "prometheus"]);
        let overdue = "nexis_launch_key_overdue{key=\"JWT_SECRET\",class=\"jwt-signing\"} 1\n";
        assert!(metrics.status(1).out().contains(overdue), "{metrics}");
        desk.steps("JWT_SECRET", &["revoke"]);
        desk.run(&["rotate", "status"]).status(0);
    }
    // One that has its time still is no alarm.
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 10);
    desk.start("JWT_SECRET", "new");
    desk.steps("JWT_SECRET", &["stage", "verify", "deploy"]);
    desk.run(&["rotate", "status"]).status(0);
}

#[test]
fn what_has_no_window_under_the_contract_is_unknown_and_never_fresh() {
    let desk = Desk::new();
    let policy = "policy: {rotation: {session: 90d}}";
    desk.write("own.yaml", format!("version: 1\nname: own\n{policy}\n"));
    let created = days_ago(117);
    let own = ["--contract", "{home}/own.yaml"];
    let adopt = ["rotate", "adopt", "SESSION_KEY", "--class", "session", "--created", &created];
    desk.done(&[&adopt[..], &["--value-file", "{home}/old"], &own].concat());
    let status = |more: &[&str]| desk.run(&[&["rotate", "status"][..], more].concat());
    let told = status(&own);
    told.status(1).never_says("no window");
    assert!(told.out().starts_with("SESSION_KEY  session  overdue  117 of 90 days"), "{told}");
    for format in ["text", "json", "prometheus"] {
        let told = status(&["--format", format]);
        told.status(0).says("no window is known for SESSION_KEY (class session)\nhint: ");
        assert!(told.out().contains("unknown") || format == "prometheus", "{told}");
        assert!(!told.out().contains("fresh"), "{told}");
        assert!(!told.out().contains("no window is"), "{told}");
    }
    let labels = "{key=\"SESSION_KEY\",class=\"session\"}";
    let has = |text: &str, metric: &str| {
        text.lines().any(|line| {
            line == format!("nexis_launch_key_{}", metric.replace(' ', &format!("{labels} ")))
        })
    };
    let metrics = status(&["--format", "prometheus"]).out();
    assert!(has(&metrics, "unknown 1") && !metrics.contains("key_overdue{"), "{metrics}");
    let metrics = status(&[&["--format", "prometheus"][..], &own].concat()).out();
    assert!(has(&metrics, "unknown 0") && has(&metrics, "overdue 1"), "{metrics}");

    // An old value was not judged either, where its successor has an end of its own.
    let expires = days_ahead(200);
    let start = ["rotate", "start", "SESSION_KEY", "--class", "session", "--expires", &expires];
    desk.done(&[&start[..], &["--value-file", "{home}/new"]].concat());
    desk.steps("SESSION_KEY", &["stage", "verify", "deploy"]);
    let told = status(&[]);
    told.status(0).says("no window is known for SESSION_KEY (class session)\nhint: ");
    assert!(told.out().contains(": not revoked yet, last day unknown\n"), "{told}");
    let metrics = status(&["--format", "prometheus"]).out();
    assert!(has(&metrics, "unknown 1") && !metrics.contains("key_overdue{"), "{metrics}");
    status(&own).status(1).never_says("no window");
    desk.steps("SESSION_KEY", &["revoke"]);
    status(&[]).status(0).never_says("no window");
    let metrics = status(&["--format", "prometheus"]).out();
    assert!(has(&metrics, "unknown 0") && has(&metrics, "overdue 0"), "{metrics}");
}

#[test]
fn status_for_machines_holds_the_same() {
    let desk = desk();
    let outcome = desk.run(&["rotate", "status", "--format", "json"]);
    let json: Value = serde_json::from_str(&outcome.status(1).out()).unwrap();
    assert_eq!(json["verified"], true);
    let standings: Vec<_> = json["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| {
            (
                key["name"].as_str().unwrap(),
                key["standing"].as_str().unwrap(),
                key["age_days"].as_i64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        standings,
        [("DUE_KEY", "due", 80), ("FRESH_KEY", "fresh", 10), ("OVERDUE_KEY", "overdue", 120)]
    );
    let text = desk.run(&["rotate", "status", "--format", "prometheus"]).out();
    for line in [
        "# TYPE nexis_launch_key_age_days gauge",
        "nexis_launch_key_age_days{key=\"DUE_KEY\",class=\"webhook-hmac\"} 80",
        "nexis_launch_key_window_days{key=\"DUE_KEY\",class=\"webhook-hmac\"} 90",
        "nexis_launch_key_days_left{key=\"OVERDUE_KEY\",class=\"webhook-hmac\"} -30",
        "nexis_launch_key_overdue{key=\"OVERDUE_KEY\",class=\"webhook-hmac\"} 1",
        "nexis_launch_key_overdue{key=\"DUE_KEY\",class=\"webhook-hmac\"} 0",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}\n{text}");
    }
    // Each line is a comment or a sample; each metric is announced once and stands together.
    let sample = |line: &str| line.starts_with("nexis_launch_key_") && line.contains("\"} ");
    assert!(text.lines().all(|line| line.starts_with("# ") || sample(line)), "{text}");
}

#[test]
fn on_a_terminal_each_key_has_a_bar_and_colours_unless_declined() {
    let desk = desk();
    let key = desk.path("ledger.key");
    let typed = format!(
        "{} rotate status --ledger {} --ledger-key-file {}",
        env!("CARGO_BIN_EXE_nexis-launch"),
        desk.ledger().display(),
        key.display()
    );
    let shown = |variables: &[(&str, &str)]| {
        let mut command = std::process::Command::new("script");
        command.args(["-qec", &typed, "/dev/null"]).env_clear().env("PATH", "/usr/bin:/bin");
        command.env("TERM", "xterm").envs(variables.iter().copied());
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let text = shown(&[]);
    assert!(text.contains("\u{1b}[32m[##..................]"), "{text}");
    assert!(text.contains("\u{1b}[33m[#################...]"), "{text}");
    assert!(text.contains("\u{1b}[31m[####################]"), "{text}");
    for variables in [[("NO_COLOR", "1")], [("TERM", "dumb")]] {
        let text = shown(&variables);
        assert!(text.contains("[##..................]") && !text.contains('\u{1b}'), "{text}");
    }
}

#[test]
fn what_was_not_verified_says_so() {
    let desk = desk();
    for words in [&["rotate", "status"][..], &["rotate", "history"], &["rotate", "plan", "DUE_KEY"]]
    {
        desk.command(words.iter().copied()).run().says("the ledger's chain was not verified");
        assert_eq!(desk.run(words).err(), "");
    }
    // What was changed is seen with the key alone.
    let text = desk.text("DUE_KEY").replace("\"actor\":\"", "\"actor\":\"not ");
    std::fs::write(desk.file("DUE_KEY"), text).unwrap();
    desk.command(["rotate", "history"]).run().status(0);
    desk.refused(65, &["rotate", "history"]).says("DUE_KEY.jsonl line 1: it was changed");
}

#[test]
fn the_plan_is_the_rest_of_the_checklist() {
    let desk = Desk::new();
    let plan = || desk.done(&["rotate", "plan", "JWT_SECRET"]).out();
    let open = |text: &str| text.lines().filter(|line| line.starts_with("- [ ] ")).count();
    let first = plan();
    assert_eq!(open(&first), 7, "{first}");
    assert!(first.contains("every session ends at once"), "{first}");
    desk.adopt("JWT_SECRET", 100);
    assert!(plan().contains("100 days old") && plan().contains("(past)"), "{}", plan());
    desk.start("JWT_SECRET", "new");
    let mut left = 5;
    for step in ["stage", "verify", "deploy", "revoke"] {
        let text = plan();
        assert_eq!(open(&text), left, "{text}");
        assert!(text.contains(&format!("nexis-launch rotate {step} JWT_SECRET")), "{text}");
        desk.steps("JWT_SECRET", &[step]);
        left -= 1;
    }
    let text = plan();
    assert!(open(&text) == 1 && text.contains("rotate evidence JWT_SECRET"), "{text}");
    // A key of another class ends no session.
    assert!(!desk.done(&["rotate", "plan", "OPENAI_API_KEY"]).out().contains("session"));
    desk.refused(64, &["rotate", "plan", "no-such-key"]).says("--class");
}

/// Without the ledger's key a record can be anybody's.
#[test]
fn a_forged_record_writes_nothing_that_a_terminal_obeys() {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 10);
    desk.start("JWT_SECRET", "new");
    desk.steps("JWT_SECRET", &["stage", "verify", "deploy"]);
    let escape = "\u{1b}[31m\nforged";
    let lines = desk.text("JWT_SECRET");
    let mut records: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let known = records[0]["fingerprint"].as_str().unwrap().to_owned();
    for record in &mut records {
        for field in ["class", "fingerprint", "actor"] {
            record[field] = format!("{}{escape}", record[field].as_str().unwrap()).into();
        }
    }
    let forged: String = records.iter().map(|record| format!("{record}\n")).collect();
    std::fs::write(desk.file("JWT_SECRET"), forged).unwrap();
    for words in [
        &["rotate", "status"][..],
        &["rotate", "status", "--format", "prometheus"],
        &["rotate", "plan", "JWT_SECRET"],
        &["rotate", "history"],
        &["rotate", "history", "--format", "html"],
    ] {
        let outcome = desk.command(words.iter().copied()).run();
        let out = outcome.out();
        assert!(!out.contains('\u{1b}') && !out.contains("\nforged"), "{out}");
    }
    let plan = desk.command(["rotate", "plan", "JWT_SECRET"]).run();
    assert!(plan.status(0).out().contains(&format!("`{known}")), "{plan}");
}

#[test]
fn the_plans_commands_are_whole_and_a_name_is_one_word_of_a_shell() {
    let desk = Desk::new();
    for (name, class, expires, command) in [
        ("npm", "provider-api-key", "", "rotate start npm --class provider-api-key --value-file"),
        ("ci/x", "ci-token", "2999-01-01", "rotate start ci/x --class ci-token --expires DATE "),
        ("a'$(id)`b`;c", "database", "", r"`` nexis-launch rotate start 'a'\''$(id)`b`;c' --class"),
    ] {
        let mut words = vec!["rotate", "adopt", name, "--class", class, "--created", "2026-01-01"];
        words.extend(["--value-file", "{home}/new"]);
        if !expires.is_empty() {
            words.extend(["--expires", expires]);
        }
        desk.done(&words);
        let text = desk.done(&["rotate", "plan", name]).out();
        assert!(text.contains(command), "{command} in {text}");
    }
}

#[test]
fn the_history_tells_who_did_what_and_when() {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 10);
    desk.start("JWT_SECRET", "new");
    desk.done(&["rotate", "stage", "JWT_SECRET", "--actor", "alice", "--change", "CHG-1"]);
    let text = desk.done(&["rotate", "history"]).out();
    for words in [
        "JWT_SECRET (jwt-signing)",
        "adopted",
        "started",
        "staged",
        "by alice",
        "change: CHG-1",
        "chain verified, head 1:",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    let json: Value = serde_json::from_str(
        &desk.done(&["rotate", "history", "JWT_SECRET", "--format", "json"]).out(),
    )
    .unwrap();
    let lines: Vec<Value> =
        desk.text("JWT_SECRET").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(json["keys"][0]["records"], Value::Array(lines));
    assert_eq!(json["head"], desk.head());
    desk.refused(65, &["rotate", "history", "OPENAI_API_KEY"]);
}

/// Every attribute of the page that could load something, and every tag.
#[test]
fn the_page_loads_nothing_and_obeys_nothing() {
    let desk = Desk::new();
    desk.adopt("JWT_SECRET", 10);
    desk.start("JWT_SECRET", "new");
    let hostile = "<script>alert(1)</script>\"' onload='x' & <img src=https://evil.example/>";
    desk.done(&["rotate", "stage", "JWT_SECRET", "--actor", hostile, "--change", hostile]);
    desk.steps("JWT_SECRET", &["verify", "deploy", "revoke"]);
    desk.done(&[
        "rotate",
        "evidence",
        "JWT_SECRET",
        "--link",
        "https://ci.example.org/?a=<b>&c=\"d\"",
    ]);
    let page = desk.done(&["rotate", "history", "--format", "html"]).out();
    assert!(
        page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39; onload=&#39;x&#39; &amp; "),
        "{page}"
    );
    for word in
        ["<script", "<img", "<link", "<iframe", "src=", "href=", "url(", "@import", "onload='"]
    {
        let found = page.replace("&lt;img src=https", "");
        assert!(!found.contains(word), "{word}\n{page}");
    }
    assert!(page.contains("default-src 'none'"), "{page}");
    assert_eq!(page.matches("<svg").count(), 1);
    // All of the story is on it.
    for kind in ["adopted", "started", "staged", "verified", "deployed", "revoked", "evidence"] {
        assert!(page.contains(&format!("<td class=\"kind\">{kind}</td>")), "{kind}\n{page}");
    }
    assert!(page.contains(&desk.head()) && page.contains("The chain was verified"), "{page}");
}
