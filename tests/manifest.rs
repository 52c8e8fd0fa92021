//! The manifest: text, JSON, its places, and that it holds no value (interface section 6).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use serde_json::Value;

fn rich() -> Launch {
    Launch::sound("production")
        .without("JWT_SECRET")
        .file("jwt", format!("{SECRET}\n"))
        .env("JWT_SECRET_FILE", "{root}/jwt")
        .env(
            "NEXIS_DATABASE_URL",
            format!("postgres://app:{OTHER}@db.internal:5432/nexis?sslmode=require"),
        )
        .env("NEXIS_OPENAI_ENABLED", "false")
        .env("OPENAI_API_KEY", THIRD)
        .env("HOME", "/home/app")
        .env("PATH", "/bin")
        .options(["--label", "commit=d41773f", "--label", "pod=gateway-7c9"])
        .canary(SECRET)
        .canary(OTHER)
        .canary(THIRD)
}

/// The fields of the interface's example, by JSON pointer.
const FIELDS: &[&str] = &[
    "/schema",
    "/launch",
    "/time",
    "/outcome",
    "/mode",
    "/launcher/version",
    "/contract/name",
    "/contract/version",
    "/contract/origin",
    "/contract/sha256",
    "/labels",
    "/program/path",
    "/program/arguments",
    "/process/pid",
    "/process/uid",
    "/process/gid",
    "/process/host",
    "/variables",
    "/features",
    "/inherited/count",
    "/inherited/names",
    "/removed",
    "/findings",
];

#[test]
fn json_is_one_line_with_every_field() {
    let outcome = rich().run();
    outcome.status(0).no_canary();
    assert_eq!(outcome.err().lines().count(), 1);
    let manifest = outcome.manifest();
    for field in FIELDS {
        assert!(manifest.pointer(field).is_some_and(|it| !it.is_null()), "{field} in {manifest}");
    }
    assert_eq!(manifest["schema"], "nexis-launch/manifest/v1");
    assert_eq!(manifest["outcome"], "exec");
    assert_eq!(manifest["contract"]["origin"], "builtin");
    assert_eq!(manifest["contract"]["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(manifest["launcher"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(manifest["process"]["pid"], outcome.pid);
    assert_eq!(manifest["labels"]["commit"], "d41773f");
    assert_eq!(manifest["labels"]["pod"], "gateway-7c9");
    assert_eq!(manifest["features"]["openai"], "off");
    let time = manifest["time"].as_str().unwrap();
    assert!(time.len() == 20 && time.ends_with('Z'), "{time}");
    assert_eq!(manifest["launch"].as_str().unwrap().len(), 26);
}

#[test]
fn variables_say_state_source_and_length() {
    let outcome = rich().run();
    let jwt = outcome.variable("JWT_SECRET");
    assert_eq!(
        (&jwt["state"], &jwt["secret"], &jwt["bytes"]),
        (&"delivered".into(), &true.into(), &43.into())
    );
    assert_eq!(jwt["newline_removed"], true);
    assert!(jwt.get("display").is_none(), "{jwt}");
    let url = outcome.variable("DATABASE_URL");
    assert_eq!(url["source"]["name"], "NEXIS_DATABASE_URL");
    assert_eq!(url["display"], "postgres://[redacted]@db.internal:5432/nexis?sslmode=require");
    let key = outcome.variable("OPENAI_API_KEY");
    assert_eq!(key["state"], "withheld");
    assert!(key["reason"].as_str().unwrap().contains("openai"), "{key}");
    assert_eq!(outcome.variable("REDIS_URL")["state"], "absent");
    let mode = outcome.variable("NEXIS_ENV");
    assert_eq!((&mode["display"], &mode["source"]["kind"]), (&"production".into(), &"mode".into()));
}

#[test]
fn it_states_exactly_what_the_program_finds() {
    let outcome = rich().env("UNRELATED", "x").raw_env(b"BYTES=\xff").run();
    let seen = outcome.status(0).seen();
    let manifest = outcome.manifest();
    let mut stated: Vec<String> = manifest["variables"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["state"] == "delivered" || it["state"] == "generated")
        .map(|it| it["name"].as_str().unwrap().to_owned())
        .collect();
    let names = manifest["inherited"]["names"].as_array().unwrap();
    stated.extend(names.iter().map(|it| it.as_str().unwrap().to_owned()));
    let mut found = seen.names();
    stated.sort();
    found.sort();
    assert_eq!(stated, found);
    for variable in manifest["variables"].as_array().unwrap() {
        if let Some(bytes) = variable["bytes"].as_u64() {
            let name = variable["name"].as_str().unwrap();
            if let Some(value) = seen.var(name) {
                assert_eq!(value.len() as u64, bytes, "{name}");
            }
        }
    }
}

#[test]
fn each_launch_has_an_id_of_its_own() {
    let id = || rich().run().manifest()["launch"].as_str().unwrap().to_owned();
    assert_ne!(id(), id());
}

#[test]
fn text_is_aligned_and_lists_findings_last() {
    let outcome = rich().options(["--manifest", "text"]).env("NEXIS_DATABASE_PATH", "/x").run();
    outcome.status(0).no_canary();
    let text = outcome.err();
    assert!(Outcome::manifests_in(&text).is_empty(), "{text}");
    for word in
        ["JWT_SECRET", "DATABASE_URL", "production", "withheld", "commit", "not-read-by-program"]
    {
        assert!(text.contains(word), "{word}\n{text}");
    }
    assert!(!text.contains("REDIS_URL"), "absent variables are not listed\n{text}");
    let at = |word: &str| text.find(word).unwrap();
    assert!(at("JWT_SECRET") < at("not-read-by-program"));
}

#[test]
fn off_writes_nothing_where_nothing_is_wrong() {
    let outcome = Launch::sound("production").options(["--manifest", "off"]).run();
    outcome.status(0).seen();
    assert_eq!((outcome.out(), outcome.err()), (String::new(), String::new()));
}

#[test]
fn off_never_hides_why_a_launch_was_refused() {
    let outcome = Launch::witness(["--mode", "production", "--manifest", "off"]).run();
    outcome.status(78).says("missing-required").says("JWT_SECRET").program_did_not_run();
}

#[test]
fn quiet_never_hides_an_error() {
    let outcome = Launch::witness(["--mode", "production", "-q"]).run();
    outcome.status(78).says("JWT_SECRET").program_did_not_run();
}

#[test]
fn quiet_writes_no_manifest_to_standard_error_in_any_form() {
    for form in ["auto", "text", "json"] {
        let outcome = rich().options(["-q"]).env("NEXIS_LAUNCH_MANIFEST", form).run();
        assert_eq!(outcome.status(0).err(), "", "{form}");
        let outcome = rich().options(["-q", "--manifest", form]).run();
        assert_eq!(outcome.status(0).err(), "", "{form}");
        // Refused, or to a place that is named, it is written.
        let refused = Launch::witness(["--mode", "production", "-q", "--manifest", form]);
        refused.run().status(78).says("missing-required").program_did_not_run();
        let to = ["-q", "--manifest", form, "--manifest-to", "{root}/manifest"];
        let outcome = rich().options(to).run();
        assert_eq!(outcome.status(0).err(), "", "{form}");
        assert!(outcome.read("manifest").contains("nexis-gateway"), "{form}");
    }
}

#[test]
fn it_can_go_to_a_file_a_descriptor_or_standard_output() {
    let outcome = rich().options(["--manifest-to", "{root}/m.json"]).run();
    assert_eq!(outcome.status(0).err(), "");
    let file = outcome.read("m.json");
    assert_eq!(Outcome::manifests_in(&file).len(), 1, "{file}");
    outcome.no_canary();

    let outcome = rich().options(["--manifest-to", "-"]).run();
    assert_eq!(Outcome::manifests_in(&outcome.status(0).out()).len(), 1);
    assert_eq!(outcome.err(), "");

    let launch = rich().file("fifth", "").options(["--manifest-to", "fd:5"]);
    let file = std::fs::File::options().append(true).open(launch.root().join("fifth")).unwrap();
    let outcome = launch.descriptor(Descriptor::new(5, file)).run();
    outcome.status(0);
    assert_eq!(Outcome::manifests_in(&outcome.read("fifth")).len(), 1);
}

#[test]
fn a_refused_launch_has_its_manifest_too() {
    let outcome =
        rich().without("JWT_SECRET_FILE").options(["--manifest-to", "{root}/m.json"]).run();
    outcome.status(78).program_did_not_run();
    let manifest = Outcome::manifests_in(&outcome.read("m.json")).remove(0);
    assert_eq!(manifest["outcome"], "refused");
    assert!(!manifest["findings"].as_array().unwrap().is_empty());
}

#[test]
fn a_failed_exec_is_a_second_record_of_the_same_launch() {
    // A script whose interpreter is a script of no known format passes every check that can be made
    // without executing it.
    let launch = Launch::new()
        .args(["run", "--mode", "production", "--audit-log", "{root}/audit.log"])
        .args(["--", "{root}/tool", "{dump}"])
        .requirements()
        .executable("tool", "#!{root}/interpreter\n")
        .executable("interpreter", "");
    let script = format!("#!{}\n", launch.root().join("interpreter").display());
    let outcome = launch.executable("tool", script).run();
    outcome.status(126).program_did_not_run();
    let records = Outcome::manifests_in(&outcome.read("audit.log"));
    let outcomes: Vec<_> = records.iter().map(|it| it["outcome"].as_str().unwrap()).collect();
    // Either it was foreseen, or the first record is followed by the failure.
    if outcomes != ["refused"] {
        assert_eq!(outcomes, ["exec", "failed"]);
        assert_eq!(records[0]["launch"], records[1]["launch"]);
        assert!(records[1].to_string().contains("ENOEXEC"), "{}", records[1]);
    }
}

#[test]
fn control_characters_are_escaped_wherever_they_stand() {
    let launch = Launch::sound("production")
        .env("JWT_ISSUER", "nexis\u{1b}[2Jx")
        .raw_env("NEXIS_\u{1b}[31mNAME=x")
        .raw_env("FORGED\nerror  a-line=x")
        .file("dir\n{\"forged\":1}/x", "")
        .options(["--label", "a=b\u{1b}[0m\nc", "--secrets-dir", "{root}/dir\n{\"forged\":1}"]);
    for form in ["json", "text"] {
        let outcome = launch.clone().options(["--manifest", form]).run();
        let text = outcome.err();
        assert!(!text.chars().any(|it| it.is_control() && it != '\n'), "{form}: {text:?}");
        assert!(!text.lines().any(|line| line.starts_with("error  a-line")), "{text}");
        assert!(!text.lines().any(|line| line.starts_with("{\"forged\"")), "{text}");
        if form == "json" {
            assert_eq!(text.lines().count(), 1, "{text}");
        }
    }
    let outcome = launch.options(["--mode", "nowhere", "--env-file", "{root}/\u{1b}[2J"]).run();
    assert!(!outcome.err().chars().any(|it| it.is_control() && it != '\n'), "{outcome}");
}

#[test]
fn urls_show_location_and_nothing_that_could_be_secret() {
    let shown = |name: &str, url: &str| {
        let outcome = Launch::sound("staging").env(name, url).run();
        outcome.variable(name).get("display").and_then(Value::as_str).unwrap_or("").to_owned()
    };
    let password = "Wm4Rk8ZtQe1YxUc6LvPb";
    for (url, expected) in [
        (format!("postgres://app:{password}@db:5432/nexis"), "postgres://[redacted]@db:5432/nexis"),
        (
            format!("postgres://db/nexis?password={password}&sslmode=require&connect_timeout=5"),
            "postgres://db/nexis?[redacted]&sslmode=require&connect_timeout=5",
        ),
        (format!("mysql://{password}@[::1]:3306/nexis"), "mysql://[redacted]@[::1]:3306/nexis"),
    ] {
        let display = shown("DATABASE_URL", &url);
        assert!(!display.contains(password), "{display}");
        let head = expected.split('?').next().unwrap();
        assert!(display.starts_with(head), "{display} for {expected}");
        if expected.contains("sslmode") {
            assert!(
                display.contains("sslmode=require") && display.contains("connect_timeout=5"),
                "{display}"
            );
        }
    }
}

#[test]
fn a_terminal_gets_text_by_default_and_anything_else_json() {
    // A file is no terminal: the other tests rely on JSON there. A pseudo-terminal gets text.
    let outcome = Launch::new()
        .args(["run", "--", "/usr/bin/script", "-qec"])
        .args([format!(
            "{} check --mode staging --manifest-to {{root}}/m 2>&1",
            env!("CARGO_BIN_EXE_nexis-launch")
        )])
        .args(["/dev/null"])
        .requirements()
        .env("PATH", "/usr/bin:/bin")
        .env("SHELL", "/bin/sh")
        .directly()
        .run();
    outcome.status(0);
    assert!(outcome.out().contains("JWT_SECRET"), "{outcome}");
    let outcome = Launch::sound("production").run();
    assert_eq!(Outcome::manifests_in(&outcome.err()).len(), 1);
}

#[test]
fn an_absent_fingerprint_key_means_no_fingerprint() {
    let manifest = rich().run().manifest().to_string();
    assert!(!manifest.contains("fingerprint\""), "{manifest}");
}

#[test]
fn a_refusal_is_explained_on_standard_error_wherever_the_manifest_goes() {
    for verbosity in ["-q", "-v"] {
        let outcome = Launch::witness(["--mode", "production", "--manifest-to", "{root}/manifest"])
            .options([verbosity])
            .run();
        outcome.status(78).program_did_not_run().says("missing-required: JWT_SECRET");
        assert!(outcome.read("manifest").contains("refused"));
    }
}

#[test]
fn an_exec_that_fails_is_said_on_standard_error_wherever_the_manifest_goes() {
    for options in [&["--manifest", "off"][..], &["--manifest-to", "{root}/manifest"], &["-q"]] {
        let outcome = Launch::new()
            .executable("broken", b"\x7fELF and nothing more")
            .args(["run", "--mode", "production"])
            .args(options)
            .args(["--", "{root}/broken"])
            .requirements()
            .run();
        outcome.status(126).says("ENOEXEC");
    }
}

#[test]
fn errors_that_are_only_reported_are_said_wherever_the_manifest_goes() {
    for options in [&["--manifest", "off"][..], &["-q"], &["--manifest-to", "{root}/manifest"]] {
        let outcome = Launch::sound("production")
            .options(["--enforce", "report"])
            .options(options)
            .env("JWT_SECRET", "")
            .run();
        outcome.status(0).says("blank-value");
    }
}

#[test]
fn the_digest_of_a_contract_covers_each_file_that_it_extends() {
    let files = |base: &str| {
        Launch::witness(["--mode", "production", "--contract", "{root}/service.yaml"])
            .file("service.yaml", "version: 1\nname: svc\nextends: platform.yaml\n")
            .file("platform.yaml", "version: 1\nname: platform\nextends: base.yaml\n")
            .file("base.yaml", base)
    };
    // As README computes it.
    let by_hand = |outcome: &Outcome, script: &str| {
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", script]);
        let told = shell.current_dir(outcome.root()).output().unwrap();
        let digest = String::from_utf8(told.stdout).unwrap();
        digest.split(' ').next().unwrap().to_owned()
    };
    let digest =
        |outcome: &Outcome| outcome.manifest()["contract"]["sha256"].as_str().unwrap().to_owned();
    let strict = files("version: 1\nname: base\npolicy: {accept: never}\n").run();
    let lax = files("version: 1\nname: base\n").run();
    assert_ne!(digest(strict.status(0)), digest(lax.status(0)));
    let script = "sha256sum service.yaml platform.yaml base.yaml | cut -d' ' -f1 | sha256sum";
    assert_eq!(digest(&strict), by_hand(&strict, script));
    assert_eq!(digest(&lax), by_hand(&lax, script));
    // Of a contract that extends no file it is the file's own.
    let own = "version: 1\nname: own\nextends: builtin:nexis-gateway\n";
    let own = Launch::sound("production").contract(own).run();
    assert_eq!(digest(own.status(0)), by_hand(&own, "sha256sum contract.yaml"));
}
