//! tests/bench/guard fails where a launch became dearer, and says which; the figures are given to
//! it here, as measuring takes a release binary and a minute.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
#![cfg(target_arch = "x86_64")]

use std::path::{Path, PathBuf};
use std::process::Command;

const NOTED: &str = "directory\t100000\t43\noptions\t230000\t43\n";

/// Runs the guard on these figures; whether it was content, and all it said.
fn guard(baseline: &Path, figures: &str, ci: bool, bless: bool) -> (bool, String) {
    let given = baseline.with_extension("figures");
    std::fs::write(&given, figures).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/guard");
    let mut command = Command::new(script);
    command.args(bless.then_some("--bless"));
    command.env("GUARD_BASELINE", baseline).env("GUARD_FIGURES", &given);
    let output = match ci {
        true => command.env("CI", "true").output().unwrap(),
        false => command.env_remove("CI").output().unwrap(),
    };
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

/// Where a baseline may be written.
fn place(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guard").join(name);
    std::fs::create_dir_all(&directory).unwrap();
    directory.join("baseline")
}

/// A baseline of this toolchain with the figures of `NOTED`.
fn noted(name: &str) -> PathBuf {
    let baseline = place(name);
    let (content, said) = guard(&baseline, NOTED, true, true);
    assert!(content, "{said}");
    baseline
}

#[test]
fn the_same_figures_and_slightly_higher_ones_pass() {
    let baseline = noted("same");
    for figures in [NOTED, "directory\t101900\t43\noptions\t100000\t40\n"] {
        let (content, said) = guard(&baseline, figures, true, false);
        assert!(content, "{said}");
    }
}

#[test]
fn a_rise_by_more_than_two_percent_fails_and_names_the_case() {
    let baseline = noted("rise");
    let (content, said) =
        guard(&baseline, "directory\t102100\t43\noptions\t230000\t43\n", true, false);
    assert!(!content, "{said}");
    let line = said.lines().find(|line| line.contains("MORE THAN 2 %")).unwrap();
    assert!(line.starts_with("directory "), "{said}");
}

#[test]
fn one_more_system_call_fails_and_names_the_case() {
    let baseline = noted("call");
    let (content, said) =
        guard(&baseline, "directory\t100000\t43\noptions\t230000\t44\n", true, false);
    assert!(!content, "{said}");
    let line = said.lines().find(|line| line.contains("MORE SYSTEM CALLS")).unwrap();
    assert!(line.starts_with("options "), "{said}");
}

#[test]
fn a_case_that_is_missing_or_new_fails() {
    let baseline = noted("case");
    let (content, said) = guard(&baseline, "directory\t100000\t43\nother\t1\t1\n", true, false);
    assert!(!content, "{said}");
    assert!(said.contains("options: not measured") && said.contains("other: not noted"), "{said}");
}

#[test]
fn another_toolchain_is_not_compared_and_fails_in_ci() {
    let baseline = place("toolchain");
    std::fs::write(&baseline, format!("# rustc 1.0.0, glibc 2.0\n{NOTED}")).unwrap();
    for ci in [true, false] {
        let (content, said) = guard(&baseline, NOTED, ci, false);
        assert_eq!(content, !ci, "{said}");
        assert!(said.contains("rustc 1.0.0") && said.contains("nothing is compared"), "{said}");
    }
}

/// Who builds with another compiler is told which one the figures are for.
#[test]
fn the_toolchain_that_figures_are_noted_for_is_the_one_that_the_release_page_names() {
    let text = |name: &str| {
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
    };
    let baseline = text("tests/bench/baseline");
    let noted = baseline.lines().next().and_then(|line| line.strip_prefix("# ")).unwrap();
    let said = noted.replace(", glibc ", " with glibc ");
    assert!(text("packaging/release/README.md").contains(&said), "the page does not name {noted}");
}
