//! `leak scan`: where values stand, in every form and every kind of place.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;

use common::{Launch, OTHER, Outcome, SECRET, Stream, THIRD, forms};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

const PASSWORD: &str = "p@ss/w0rd \"of\" it's db";
const URL: &str = "postgres://nexis:p%40ss%2Fw0rd%20%22of%22%20it's%20db@db.internal:5432/nexis";

/// `leak scan --format FORM` with two secrets in a directory.
fn scan(form: &str) -> Launch {
    Launch::command("leak", ["scan", "--secrets-dir", "{root}/s", "--format", form])
        .file("s/jwt-secret", format!("{SECRET}\n"))
        .file("s/database-url", URL)
        .env("PATH", std::env::var("PATH").unwrap())
        .canary(SECRET)
        .canary(URL)
        .canary(PASSWORD)
}

fn json_of(outcome: &Outcome) -> Value {
    // A launch that is made twice adds to what it wrote.
    let text = outcome.out();
    let last = text.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|_| panic!("no JSON\n{outcome}"))
}

/// File's name, line or else offset, variable and form of each finding.
fn findings(outcome: &Outcome) -> Vec<(String, String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let name = |file: &Value| text(file).rsplit('/').next().unwrap().to_owned();
    let result = json_of(outcome);
    let found = result["findings"].as_array().unwrap().iter().map(|it| {
        let place = match (it["line"].as_u64(), it["offset"].as_u64()) {
            (Some(line), _) => format!("line {line}"),
            (None, Some(offset)) => format!("byte {offset}"),
            (None, None) => "name".to_owned(),
        };
        (name(&it["file"]), place, text(&it["variable"]), text(&it["form"]))
    });
    found.collect()
}

fn found(file: &str, place: &str, variable: &str, form: &str) -> (String, String, String, String) {
    (file.to_owned(), place.to_owned(), variable.to_owned(), form.to_owned())
}

#[test]
fn every_form_is_found_at_its_line_with_its_name() {
    let mut log = String::from("first line\n");
    let mut expected = Vec::new();
    for value in [SECRET, PASSWORD] {
        for (form, text) in forms(value.as_bytes()) {
            log += &format!("x={}|\n", String::from_utf8(text).unwrap());
            let form = form.split_once(" at").map_or(&*form, |(form, _)| form);
            expected.push((
                if value == SECRET { "JWT_SECRET" } else { "DATABASE_URL#password" },
                form.to_owned(),
            ));
        }
    }
    let outcome = scan("json").file("app.log", &log).args(["{root}/app.log"]).run();
    outcome.status(1).no_canary();
    let found = findings(&outcome);
    assert_eq!(found.len(), expected.len(), "{outcome}");
    for (at, (hit, (name, form))) in found.iter().zip(&expected).enumerate() {
        assert_eq!((&hit.1, &*hit.2), (&format!("line {}", at + 2), *name), "{hit:?} {form}");
        // What has nothing to escape is as it is, and base64 may have no digit that tells its
        // alphabet.
        let fits = match form.as_str() {
            "upper-case hex" => hit.3 == "hex",
            "percent-encoded" => hit.3 == "percent" || hit.3 == "raw",
            "JSON" => hit.3 == "json" || hit.3 == "raw",
            "base64url" => hit.3 == "base64url" || hit.3 == "base64",
            form => hit.3 == form,
        };
        assert!(fits, "{hit:?} {form}");
    }
    assert_eq!(json_of(&outcome)["result"], "found");
}

#[test]
fn nothing_is_found_in_what_is_clean() {
    // Digits of base64 and hexadecimal, escapes, and values that differ in their last byte.
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut noise = Vec::new();
    for _ in 0..300_000 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        noise.extend(
            match state % 4 {
                0 => format!("{state:016x}"),
                1 => format!("%{:02X}\\u{:04x}", state >> 8 & 255, state >> 16 & 0xffff),
                2 => SECRET.chars().rev().skip((state >> 8 & 31) as usize).collect(),
                _ => format!("{}\n", &SECRET[..SECRET.len() - 1]),
            }
            .bytes(),
        );
    }
    let near = format!("{}X {}", &SECRET[..SECRET.len() - 1], SECRET.to_lowercase());
    let outcome = scan("json")
        .file("noise", &noise)
        .file("near", near)
        .args(["{root}/noise", "{root}/near"])
        .run();
    outcome.status(0).no_canary();
    let result = json_of(&outcome);
    assert_eq!(result["findings"], json!([]));
    assert_eq!(result["result"], "clean");
    assert!(result["searched"]["bytes"].as_u64().unwrap() > noise.len() as u64);
    assert_eq!(
        result["searched"]["values"],
        json!(["DATABASE_URL", "DATABASE_URL#password", "JWT_SECRET"])
    );
}

#[test]
fn a_value_is_found_across_any_border_of_what_is_read() {
    let piece = 1 << 20;
    let mut log = vec![b'.'; 4 * piece];
    let starts =
        [piece - 20, 2 * piece - 1, 3 * piece - SECRET.len() + 1, 4 * piece - SECRET.len()];
    for start in starts {
        log[start..start + SECRET.len()].copy_from_slice(SECRET.as_bytes());
    }
    log[0] = 0;
    let outcome = scan("json").file("big", &log).args(["{root}/big"]).run();
    outcome.status(1).no_canary();
    let places: Vec<_> = findings(&outcome).into_iter().map(|it| it.1).collect();
    assert_eq!(places, starts.map(|start| format!("byte {start}")), "a binary file has no lines");
}

#[test]
fn a_secret_inside_a_found_value_is_not_said_twice_and_equal_values_once() {
    let outcome = scan("json")
        .file("s/nexis-database-password", PASSWORD)
        .file("log", format!("{URL}\n{PASSWORD}\n"))
        .args(["{root}/log"])
        .run();
    outcome.status(1).no_canary();
    let result = json_of(&outcome);
    let names: Vec<_> = result["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (&it["variable"], &it["also"]))
        .collect();
    assert!(names.contains(&(&json!("DATABASE_URL"), &Value::Null)), "{outcome}");
    assert!(
        names.iter().any(
            |it| it.0 == "DATABASE_URL#password" && *it.1 == json!(["NEXIS_DATABASE_PASSWORD"])
        ),
        "{outcome}"
    );
}

#[test]
fn trees_are_walked_and_what_is_no_file_is_skipped_and_said() {
    let outcome = scan("json")
        .file("t/a.log", SECRET)
        .file("t/sub/b.log", format!("\n\n{SECRET}"))
        .file("outside/c.log", SECRET)
        .file(&format!("t/{SECRET}.txt"), "nothing")
        .link("t/linked.log", "{root}/outside/c.log")
        .link("t/loop", "{root}/t")
        .link("t/away", "{root}/outside")
        .link("t/dangling", "{root}/nowhere")
        .pipe("t/pipe")
        .args(["{root}/t"])
        .run();
    outcome.status(1).no_canary();
    assert_eq!(
        findings(&outcome),
        [
            found("a.log", "line 1", "JWT_SECRET", "raw"),
            found("[redacted:JWT_SECRET]", "name", "JWT_SECRET", "raw"),
            found("linked.log", "line 1", "JWT_SECRET", "raw"),
            found("b.log", "line 3", "JWT_SECRET", "raw"),
        ]
    );
    let result = json_of(&outcome);
    let skipped: BTreeSet<_> = result["skipped"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            (it["file"].as_str().unwrap().rsplit('/').next().unwrap(), it["why"].as_str().unwrap())
        })
        .collect();
    let link = "a symbolic link to a directory";
    let expected = [
        ("pipe", "a pipe"),
        ("loop", link),
        ("away", link),
        ("dangling", "a symbolic link to nothing"),
    ];
    assert_eq!(skipped, BTreeSet::from(expected));
    outcome.says("t/pipe: it is a pipe");
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_is_looked_through() {
    let start = || {
        scan("json").file("open", "nothing").file("closed", SECRET).mode("closed", 0).unprivileged()
    };
    let readable = |launch: Launch| {
        launch
            .mode("s", 0o755)
            .mode("s/jwt-secret", 0o644)
            .mode("s/database-url", 0o644)
            .mode("open", 0o644)
    };
    let outcome = readable(start()).args(["{root}/closed", "{root}/absent", "{root}/open"]).run();
    outcome.status(2).no_canary();
    outcome.says("closed: EACCES (permission denied)").says("absent: ENOENT");
    let result = json_of(&outcome);
    assert_eq!(result["result"], "incomplete");
    assert_eq!(result["searched"]["files"], 1);
    assert_eq!(result["unread"].as_array().unwrap().len(), 2);
    // What was found counts more.
    let outcome = readable(start().file("found", SECRET).mode("found", 0o644))
        .args(["{root}/closed", "{root}/found"])
        .run();
    outcome.status(1).says("closed: EACCES").no_canary();
    // A device that is named is no clean file.
    scan("json").args(["/dev/null"]).run().status(2).says("/dev/null: it is a device");
}

fn packed(launch: &Launch, program: &str, name: &str) {
    let path = launch.root().join(name);
    assert!(Command::new(program).arg("-q").arg(path).status().unwrap().success(), "{program}");
}

#[test]
fn compressed_logs_are_looked_through_by_what_they_are_and_not_by_their_name() {
    let log = format!("{}{SECRET}\n", "a line\n".repeat(200_000));
    let launch = scan("json").file("t/a.log", &log).file("t/b", &log);
    packed(&launch, "gzip", "t/a.log");
    packed(&launch, "gzip", "t/b");
    std::fs::rename(launch.root().join("t/b.gz"), launch.root().join("t/b")).unwrap();
    let outcome = launch.clone().args(["{root}/t"]).run();
    outcome.status(1).no_canary();
    let line = "line 200001";
    assert_eq!(
        findings(&outcome),
        [found("a.log.gz", line, "JWT_SECRET", "raw"), found("b", line, "JWT_SECRET", "raw")]
    );
    // As a stream.
    let input = std::fs::File::open(launch.root().join("t/b")).unwrap();
    let stream = launch.clone().args(["-"]).stdin(Stream::Fd(Arc::new(input.into()))).run();
    assert_eq!(findings(&stream), [found("standard input", line, "JWT_SECRET", "raw")]);
    // Cut off, what is there is looked through and the loss is said.
    let whole = std::fs::read(launch.root().join("t/b")).unwrap();
    let cut =
        launch.clone().file("cut.gz", &whole[..whole.len() / 2]).args(["{root}/cut.gz"]).run();
    cut.status(2).says("cut.gz: it is compressed and gzip cannot read all of it");
    // Without gzip nothing is called clean.
    let without = launch.env("PATH", "/nowhere:relative:").args(["{root}/t/b"]).run();
    without.status(2).says("t/b: it is compressed and gzip is not installed").no_canary();
}

/// A log that was written on after it was compressed: what unpacks it passes over the rest.
#[test]
fn what_stands_behind_compressed_data_is_not_clean() {
    for (program, ending) in [("gzip", "gz"), ("bzip2", "bz2"), ("xz", "xz"), ("zstd", "zst")] {
        if is_missing(program) {
            continue;
        }
        let launch = scan("json").file("a.log", "a line\n");
        packed(&launch, program, "a.log");
        let path = format!("a.log.{ending}");
        let mut content = std::fs::read(launch.root().join(&path)).unwrap();
        launch.clone().args([format!("{{root}}/{path}")]).run().status(0);
        content.extend_from_slice(format!("another line {SECRET}\n").as_bytes());
        let outcome = launch.file(&path, &content).args([format!("{{root}}/{path}")]).run();
        outcome.status(2).no_canary();
        outcome.says(&format!("{path}: it is compressed and {program} cannot read all of it"));
    }
}

#[test]
fn what_is_compressed_twice_is_not_clean() {
    let launch = scan("json").file("a.log", format!("x\n{SECRET}\n"));
    packed(&launch, "gzip", "a.log");
    std::fs::rename(launch.root().join("a.log.gz"), launch.root().join("b")).unwrap();
    packed(&launch, "gzip", "b");
    let outcome = launch.args(["{root}/b.gz"]).run();
    outcome.status(2).says("b.gz: it is compressed more than once").no_canary();
}

/// Says that a test is skipped where the program is not installed.
#[allow(clippy::print_stderr, reason = "says which test was skipped")]
fn is_missing(program: &str) -> bool {
    let missing = Command::new(program).arg("--version").output().is_err();
    if missing {
        eprintln!("skipped: {program} is not installed");
    }
    missing
}

#[test]
fn zstd_logs_are_looked_through_where_zstd_is_installed() {
    if is_missing("zstd") {
        return;
    }
    let launch = scan("json").file("a.log", format!("x\n{SECRET}\n"));
    packed(&launch, "zstd", "a.log");
    let outcome = launch.args(["{root}/a.log.zst"]).run();
    outcome.status(1).no_canary();
    assert_eq!(findings(&outcome), [found("a.log.zst", "line 2", "JWT_SECRET", "raw")]);
}

fn git(at: &Path, args: &[&str]) {
    let ended = Command::new("git")
        .args([
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@example.org",
            "-c",
            "init.defaultBranch=main",
        ])
        .args(args)
        .current_dir(at)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(ended.status.success(), "{args:?} {}", String::from_utf8_lossy(&ended.stderr));
}

#[test]
fn the_history_of_git_is_looked_through() {
    if is_missing("git") {
        return;
    }
    let launch = scan("json").file("r/config.yml", format!("a\nb: {SECRET}\n"));
    let repository = launch.root().join("r");
    git(&repository, &["init", "-q", "."]);
    git(&repository, &["add", "."]);
    git(&repository, &["commit", "-q", "-m", "add"]);
    git(&repository, &["rm", "-q", "config.yml"]);
    git(&repository, &["commit", "-q", "-m", &format!("remove {URL}")]);
    git(&repository, &["gc", "-q"]);
    std::fs::remove_dir_all(repository.join(".git/logs")).unwrap();
    // A setting of the repository that would run a program must not.
    git(&repository, &["config", "core.fsmonitor", "touch ran"]);
    for args in [&["--git", "{root}/r"][..], &["{root}/r"]] {
        let outcome = launch.clone().args(args).run();
        outcome.status(1).no_canary();
        let result = json_of(&outcome);
        let blob = result["findings"]
            .as_array()
            .unwrap()
            .iter()
            .find(|it| it["variable"] == "JWT_SECRET")
            .unwrap();
        assert_eq!(blob["line"], 2, "{outcome}");
        assert_eq!(blob["git"]["path"], "config.yml");
        assert_eq!(blob["git"]["type"], "blob");
        assert!(blob["git"]["commit"].as_str().is_some_and(|it| it.len() >= 40), "{outcome}");
        let message = result["findings"]
            .as_array()
            .unwrap()
            .iter()
            .find(|it| it["variable"] == "DATABASE_URL")
            .unwrap();
        assert_eq!(message["git"]["type"], "commit");
        assert_eq!(result["searched"]["objects"], 3, "{outcome}");
        assert!(!repository.join("ran").exists());
    }
    let without = launch.clone().env("PATH", "/nowhere").args(["--git", "{root}/r"]).run();
    without.status(2).says("its history: git is not installed");
    launch
        .dir("none/.git")
        .args(["--git", "{root}/none"])
        .run()
        .status(2)
        .says("its history: git cannot read all of it");
}

#[test]
fn helpers_get_none_of_the_environment() {
    let launch = scan("json").file("a.log", format!("{SECRET}\n"));
    packed(&launch, "gzip", "a.log");
    let gzip = "#!/bin/sh\nenv > \"$(dirname \"$0\")/seen\"\nexec /bin/gzip \"$@\"\n";
    let path = format!("{{root}}/bin:relative:{}", std::env::var("PATH").unwrap());
    let launch = launch.executable("bin/gzip", gzip).env("PATH", path).env("OPENAI_API_KEY", THIRD);
    let outcome = launch.canary(THIRD).args(["{root}/a.log.gz"]).run();
    outcome.status(1).no_canary();
    let seen = outcome.read("bin/seen");
    for line in seen.lines() {
        let name = line.split('=').next().unwrap();
        assert!(["PATH", "LC_ALL", "PWD", "_", "SHLVL"].contains(&name), "{seen}");
    }
    assert!(!seen.contains("relative"), "{seen}");
}

#[test]
fn given_values_are_looked_for_besides_the_contracts() {
    let log = format!("{OTHER}\n{THIRD}\n");
    let start = || scan("json").file("log", &log).file("v", format!("{OTHER}\n")).canary(OTHER);
    let outcome = start().args(["--value-file", "OLD_KEY={root}/v", "{root}/log"]).run();
    outcome.status(1).no_canary();
    assert_eq!(findings(&outcome), [found("log", "line 1", "OLD_KEY", "raw")]);
    let input = |launch: &Launch| std::fs::File::open(launch.root().join("v")).unwrap();
    let launch = start();
    let stdin = Stream::Fd(Arc::new(input(&launch).into()));
    let outcome = launch.args(["--value-file", "OLD_KEY=-", "{root}/log"]).stdin(stdin).run();
    assert_eq!(findings(&outcome), [found("log", "line 1", "OLD_KEY", "raw")]);
    // The password inside a given URL too.
    let outcome = start()
        .file("v", format!("redis://u:{OTHER}@cache/0"))
        .args(["--value-file", "OLD={root}/v", "{root}/log"])
        .run();
    assert_eq!(findings(&outcome), [found("log", "line 1", "OLD#password", "raw")]);
    let blank = start().file("v", " \n").args(["--value-file", "A={root}/v", "{root}/log"]).run();
    blank.status(65).says("it is blank");
    let null = Stream::Fd(Arc::new(std::fs::File::open("/dev/null").unwrap().into()));
    let device = start().args(["--value-file", "A=-", "{root}/log"]).stdin(null).run();
    device.status(66).says("cannot read the value from standard input: it is a device");
    start().args(["--value-file", "A=-", "-"]).run().status(64).says("- is given more than once");
    for wrong in [OTHER, "=x", "A B=x", "A="] {
        start().args(["--value-file", wrong, "{root}/log"]).run().status(64).no_canary();
    }
    start().args([&format!("--value-file=A={OTHER}"), "{root}/log"]).run().status(66).no_canary();
}

#[test]
fn short_values_are_said_and_not_looked_for_and_without_any_other_nothing_is_clean() {
    let outcome = scan("json")
        .file("s/openai-api-key", "sk-1234")
        .file("log", "sk-1234 sk-1234")
        .args(["{root}/log"])
        .run();
    outcome.status(0).says("OPENAI_API_KEY is not searched for: it has fewer than 8 bytes");
    assert_eq!(json_of(&outcome)["not_searched"], json!(["OPENAI_API_KEY"]));
    let bare = || Launch::command("leak", ["scan", "{root}/log"]).file("log", "x");
    bare().run().status(78).says("cannot scan: there is no value to look for");
    bare()
        .env("OPENAI_API_KEY", "sk-1234")
        .run()
        .status(78)
        .says("only OPENAI_API_KEY")
        .never_says("sk-1234");
}

#[test]
fn a_secret_that_cannot_be_read_is_said_and_the_result_is_not_clean() {
    let outcome = scan("json")
        .env("NEXIS_ENCRYPTION_KEY_FILE", "{root}/gone")
        .file("log", "x")
        .args(["{root}/log"])
        .run();
    outcome.status(2).says("cannot read NEXIS_ENCRYPTION_KEY: ");
    assert_eq!(json_of(&outcome)["result"], "incomplete");
    let missing = ["--secrets-dir", "{root}/no-such-directory", "{root}/log"];
    let outcome = scan("json").file("log", "x").args(missing).run();
    outcome.status(2).says("cannot read a source of secrets: ").says("no-such-directory");
    // The key of fingerprints is none of the values.
    let scan = scan("json").env("NEXIS_LAUNCH_FINGERPRINT_KEY_FILE", "{root}/absent");
    scan.file("log", "x").args(["{root}/log"]).run().status(0);
}

#[test]
fn text_and_sarif_say_the_same() {
    let log = format!("x\n{SECRET}\n");
    let text = scan("text").file("a b.log", &log).args(["{root}/a b.log"]).run();
    text.status(1).no_canary();
    assert!(text.out().contains("/a b.log:2: JWT_SECRET, raw\n"), "{text}");
    assert!(text.out().contains("\nfound      1 place: JWT_SECRET 1\n"), "{text}");
    let sarif = scan("sarif").file("a b.log", &log).args(["{root}/a b.log", "{root}/absent"]).run();
    sarif.status(1).no_canary();
    let sarif = json_of(&sarif);
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    assert_eq!(run["results"][0]["ruleId"], run["tool"]["driver"]["rules"][0]["id"]);
    let location = &run["results"][0]["locations"][0]["physicalLocation"];
    assert!(location["artifactLocation"]["uri"].as_str().unwrap().ends_with("/a%20b.log"));
    assert_eq!(location["region"]["startLine"], 2);
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    let clean = scan("sarif").file("log", "x").args(["{root}/log"]).run();
    clean.status(0);
    assert_eq!(json_of(&clean)["runs"][0]["results"], json!([]));
}

#[test]
fn no_progress_is_drawn_where_there_is_no_terminal() {
    let outcome = scan("text").file("log", "x").args(["{root}/log"]).run();
    outcome.status(0);
    assert_eq!(outcome.err(), "");
    assert_eq!(outcome.out(), "searched   1 file, 1 byte for 3 values\nfound      0 places\n");
}
