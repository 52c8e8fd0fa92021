//! `check --deployment` over what this repository ships: nothing is found in any of it. The rendered
//! kustomization and chart are held by `tests/packaging/run`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use serde_json::Value;
use std::path::{Path, PathBuf};

const PACKAGING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging");

/// The files below a directory of packaging/ that are of a kind that the gate reads.
fn files(directory: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![Path::new(PACKAGING).join(directory)];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let ending = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
            if path.is_dir() && !path.ends_with("chart") {
                open.push(path);
            } else if ["yaml", "service", "path", "socket", "conf", "env"].contains(&ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn report(files: &[PathBuf], status: i32) -> Value {
    let launch = Launch::new().args(["check", "--strict", "--format", "json", "--deployment"]);
    let outcome = launch.args(files).run();
    outcome.status(status);
    serde_json::from_str(&outcome.out()).unwrap_or_else(|_| panic!("{outcome}"))
}

#[test]
fn nothing_is_found_in_the_compose_file() {
    let files = files("docker");
    let report = report(&files, 0);
    assert_eq!(
        (&report["findings"], &report["unseen"]),
        (&Value::Array(vec![]), &Value::Array(vec![]))
    );
    assert_eq!(report["checked"].as_array().unwrap().len(), 1, "{report:#}");
}

#[test]
fn nothing_is_found_in_the_units_together() {
    let files = files("systemd");
    assert!(files.len() >= 5, "{files:?}");
    let report = report(&files, 0);
    assert_eq!(report["findings"], Value::Array(vec![]), "{report:#}");
    // The drop-in and the two gateways; the helper and the path unit start no gateway.
    assert_eq!(report["checked"].as_array().unwrap().len(), 3, "{report:#}");
    // What the host has to add is said.
    let unseen = report["unseen"].as_array().unwrap();
    assert_eq!(unseen.len(), 2, "{report:#}");
    for note in unseen {
        assert_eq!(note["variables"], serde_json::json!(["NEXIS_CORS_ALLOW_ORIGINS"]));
    }
}

#[test]
fn nothing_but_that_it_starts_nothing_is_found_in_a_unit_alone() {
    for path in files("systemd") {
        let starts = !path.to_string_lossy().contains("-restart.");
        let report = report(&[path], if starts { 0 } else { 78 });
        let codes: Vec<_> =
            report["findings"].as_array().unwrap().iter().map(|it| it["code"].as_str()).collect();
        assert_eq!(
            codes,
            if starts { vec![] } else { vec![Some("nothing-to-check")] },
            "{report:#}"
        );
    }
}

#[test]
fn the_environment_file_of_the_readme_is_all_that_a_unit_lacks() {
    for unit in ["nexis-gateway", "nexis-gateway-encrypted"] {
        let with = |text: &str| {
            let launch = Launch::new()
                .args(["check", "--strict", "--format", "json", "--deployment"])
                .args([format!("{PACKAGING}/systemd/{unit}.service")])
                .args([format!("{{root}}/{unit}.env")])
                .file(&format!("{unit}.env"), text);
            let outcome = launch.run();
            let report: Value = serde_json::from_str(&outcome.out()).unwrap();
            (report["findings"].to_string(), report["unseen"].to_string())
        };
        let sound = with("NEXIS_CORS_ALLOW_ORIGINS=https://app.example.org\n");
        assert_eq!(sound, ("[]".to_owned(), "[]".to_owned()));
        for text in ["", "NEXIS_CORS_ALLOW_ORIGIN=https://app.example.org\n"] {
            let (findings, unseen) = with(text);
            assert!(findings.contains("missing-required"), "{text}: {findings}");
            assert_eq!(unseen, "[]");
        }
    }
}

#[test]
fn nothing_is_found_in_the_manifests_for_kubernetes() {
    let report = report(&files("kubernetes"), 0);
    assert_eq!(report["findings"], Value::Array(vec![]), "{report:#}");
    assert_eq!(report["checked"].as_array().unwrap().len(), 1, "{report:#}");
}
