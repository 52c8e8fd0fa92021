//! The manifest's renderings: JSON of the documented shape, and a text that says the same.

use super::launch::{is_the_environment, said};
use super::world::World;
use nexis_launch::manifest::Outcome;
use serde_json::Value;
use std::sync::OnceLock;

fn validator() -> &'static jsonschema::Validator {
    static VALIDATOR: OnceLock<jsonschema::Validator> = OnceLock::new();
    VALIDATOR.get_or_init(|| {
        let schema = include_str!("../../../schemas/manifest.schema.json");
        jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap()
    })
}

pub fn hold(bytes: &[u8]) {
    let world = World::read(bytes);
    let Ok(launch) = world.judge() else { return };
    let outcome = match bytes.len() % 3 {
        0 => Outcome::Exec,
        1 => Outcome::Refused,
        _ => Outcome::Checked,
    };
    let mut manifest = launch.manifest(outcome);
    is_the_environment(&launch, &manifest);
    if outcome == Outcome::Exec && bytes.len().is_multiple_of(2) {
        manifest = manifest.failed("ENOEXEC".to_owned(), Some("a hint"));
    }
    let (json, text) = (manifest.json(), manifest.text());
    said("the JSON", &json);
    said("the text", &text);
    assert_eq!(json.matches('\n').count(), 1);
    let value: Value = serde_json::from_str(&json).expect("JSON");
    if let Err(error) = validator().validate(&value) {
        panic!("{error}\n{json}");
    }
    let plain = manifest.coloured().replace("\x1b[0m", "");
    let plain = ["\x1b[1;31m", "\x1b[33m", "\x1b[32m", "\x1b[2m"]
        .iter()
        .fold(plain, |text, colour| text.replace(colour, ""));
    assert_eq!(plain, text, "colours change more than the colour");
    says_the_same(&value, &text);
}

fn says_the_same(value: &Value, text: &str) {
    let lines: Vec<&str> = text.lines().collect();
    let str = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let head = lines[0];
    assert!(
        head.contains(&str(&value["outcome"])) && head.ends_with(&str(&value["mode"])),
        "{head}"
    );
    assert!(text.contains(&format!(
        "  launch    {} at {}",
        str(&value["launch"]),
        str(&value["time"])
    )));
    for variable in value["variables"].as_array().unwrap() {
        let (name, state) = (str(&variable["name"]), str(&variable["state"]));
        let said = lines.iter().find(|line| {
            let mut words = line.split_whitespace();
            line.starts_with("  ") && words.next() == Some(&name) && words.next() == Some(&state)
        });
        if state == "absent" {
            assert!(said.is_none(), "{name} is absent and has a line");
            continue;
        }
        let line = said.unwrap_or_else(|| panic!("{name} has no line in {text}"));
        for part in [
            &variable["source"]["name"],
            &variable["display"],
            &variable["fingerprint"],
            &variable["reason"],
            &variable["as"],
        ] {
            assert!(line.contains(&str(part)), "{line} without {part}");
        }
        if let Some(bytes) = variable["bytes"].as_u64() {
            assert!(line.contains(&format!("{bytes} bytes")), "{line}");
        }
        assert_eq!(line.contains("newline removed"), variable["newline_removed"] == true, "{line}");
    }
    for (title, key) in
        [("inherited", "inherited"), ("env files", "env_files"), ("dropped", "dropped")]
    {
        let count = value[key]["count"].as_u64().unwrap_or(0);
        let line = lines.iter().find(|line| line.starts_with(&format!("{title:<9}  {count}:")));
        assert_eq!(line.is_some(), count > 0, "{title} {count}");
        for name in value[key]["names"].as_array().into_iter().flatten() {
            assert!(line.unwrap().contains(&str(name)));
        }
    }
    let findings = value["findings"].as_array().unwrap();
    for finding in findings.iter().filter(|it| it["acknowledged"].is_null()) {
        let line = format!(
            "{:<9}  {}: {}",
            str(&finding["severity"]),
            str(&finding["code"]),
            str(&finding["message"])
        );
        assert!(lines.contains(&&*line), "{line} is not in the text");
        let hint = format!("           hint: {}", str(&finding["hint"]));
        assert!(lines.contains(&&*hint), "{hint} is not in the text");
    }
    let count = |severity: &str| findings.iter().filter(|it| it["severity"] == severity).count();
    if !findings.is_empty() {
        let (errors, warnings) = (count("error"), count("warning"));
        assert_eq!(errors + warnings, findings.len());
        let last = lines.last().unwrap();
        assert!(last.starts_with(&format!("findings   {errors} error")), "{last}");
    }
}
