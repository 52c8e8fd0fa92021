//! The command line, as golden files: the listing of `tests/golden/cli` is its specification.
//! `NEXIS_LAUNCH_BLESS=1` writes them anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use std::path::Path;

/// Each file and the command line that makes it.
const GOLDEN: &[(&str, &[&str])] = &[
    ("help", &["--help"]),
    ("version", &["--version"]),
    ("run-help", &["run", "--help"]),
    ("dev-help", &["dev", "--help"]),
    ("check-help", &["check", "--help"]),
    ("explain-help", &["explain", "--help"]),
    ("init-help", &["init", "--help"]),
    ("init", &["init"]),
    ("generate-help", &["generate", "--help"]),
    ("generate-nothing", &["generate"]),
    ("generate-unknown", &["generate", "JWT_SECRT"]),
    ("generate-provider-key", &["generate", "OPENAI_API_KEY"]),
    ("generate-url", &["generate", "DATABASE_URL"]),
    ("generate-setting", &["generate", "NEXIS_LOG_LEVEL"]),
    ("generate-ledger-key-mounted", &["generate", "ledger-key", "--for", "docker"]),
    ("inspect-help", &["inspect", "--help"]),
    ("inspect-nobody", &["inspect"]),
    ("inspect-both", &["inspect", "--pid", "1", "--all"]),
    ("inspect-absent", &["inspect", "--pid", "4194305"]),
    ("inspect-zero", &["inspect", "--pid", "0"]),
    ("inspect-unknown", &["inspect", "--all", "JWT_SECRT"]),
    ("inspect-part", &["inspect", "--all", "NEXIS_DATABASE_PASSWORD"]),
    ("contract-help", &["contract", "--help"]),
    ("contract-template-help", &["contract", "template", "--help"]),
    ("contract-diff-help", &["contract", "diff", "--help"]),
    ("contract-diff", &["contract", "diff", "builtin:nexis-gateway", "builtin:nexis-gateway"]),
    ("nothing", &[]),
    ("unknown-command", &["rnu"]),
    ("unknown-option", &["run", "--mdoe", "production", "--", "/bin/true"]),
    ("unknown-value", &["run", "--inherit", "everything", "--", "/bin/true"]),
    ("run-without-program", &["run"]),
    ("run-without-dashes", &["run", "/bin/true"]),
    ("dev-without-program", &["dev"]),
    ("dev-without-dashes", &["dev", "--manifest", "off", "npm", "start"]),
    ("dev-word-before-dashes", &["dev", "npm", "--", "start"]),
    ("program-without-command", &["nexis-gateway"]),
    ("option-of-the-program", &["dev", "--port", "8080", "--", "/bin/true"]),
    ("option-before-command", &["--mode", "dev", "run", "--", "/bin/true"]),
    ("program-misspelt", &["check", "--mode", "development", "--", "nexis-gatewy"]),
    ("init-unknown-option", &["init", "--force"]),
    ("option-without-value", &["run", "--mode"]),
    ("option-twice", &["run", "--mode", "dev", "--mode", "prod", "--", "/bin/true"]),
    ("accept-without-reason", &["check", "--accept", "too-short:JWT_SECRET"]),
    ("unknown-subject", &["explain", "JWT_SECRT"]),
    ("explain-code", &["explain", "insecure-permissions"]),
    ("explain-variable", &["explain", "--mode", "staging", "NEXIS_ENCRYPTION_KEY"]),
    ("check-nothing-set", &["check", "--mode", "production"]),
    ("check-github", &["check", "--mode", "production", "--format", "github"]),
    ("rotate-help", &["rotate", "--help"]),
    ("rotate-start-help", &["rotate", "start", "--help"]),
    ("rotate-verify-help", &["rotate", "verify", "--help"]),
    ("rotate-evidence-help", &["rotate", "evidence", "--help"]),
    ("rotate-history-help", &["rotate", "history", "--help"]),
    ("rotate-without-name", &["rotate", "stage", "--ledger-key-file", "absent"]),
    ("rotate-without-ledger", &["rotate", "status"]),
    ("rotate-unknown-step", &["rotate", "stge"]),
    ("ledger-help", &["ledger", "--help"]),
    ("ledger-verify-help", &["ledger", "verify", "--help"]),
    ("ledger-without-key", &["ledger", "head", "--ledger", "absent"]),
    ("mask-help", &["mask", "--help"]),
    ("mask-from-itself", &["mask", "--value-file", "-"]),
    ("health-help", &["health", "--help"]),
    ("health-https", &["health", "https://127.0.0.1/"]),
    ("leak-help", &["leak", "--help"]),
    ("leak-scan-help", &["leak", "scan", "--help"]),
    ("leak-trace-help", &["leak", "trace", "--help"]),
    ("leak-respond-help", &["leak", "respond", "--help"]),
    ("leak-respond-without-reason", &["leak", "respond", "JWT_SECRET"]),
    ("leak-scan-nothing-to-look-for", &["leak", "scan", "."]),
    ("leak-trace-without-key", &["leak", "trace", "--value-file", "x", "audit.log"]),
    ("check-deployment-missing", &["check", "--deployment", "absent.yaml"]),
    ("check-deployment-and-program", &["check", "--deployment", "x.yaml", "--", "/bin/true"]),
    ("contract-missing", &["check", "--contract", "absent.yaml"]),
    ("program-missing", &["check", "--mode", "development", "--", "/no/such/program"]),
];

/// Without what changes from launch to launch, or with the built-in contract. Columns are as wide
/// as the test's directory, so where that stands in them they are narrowed.
fn settled(text: &str, outcome: &Outcome) -> String {
    let root = outcome.root().to_str().unwrap();
    let narrow = text.contains(root);
    let mut settled = String::new();
    for line in text.replace(root, "{root}").lines() {
        let body = line.trim_start();
        let varies = ["launch ", "process ", "time ", "contract "];
        settled.push_str(&line[..line.len() - body.len()]);
        if varies.iter().any(|it| body.starts_with(it)) {
            settled.push_str("(varies)");
        } else if narrow {
            let columns: Vec<_> =
                body.split("  ").map(str::trim).filter(|it| !it.is_empty()).collect();
            settled.push_str(&columns.join("  "));
        } else {
            settled.push_str(body);
        }
        settled.push('\n');
    }
    settled
}

#[test]
fn every_case_is_as_its_golden_file_says() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/cli");
    let bless = std::env::var_os("NEXIS_LAUNCH_BLESS").is_some();
    let mut differing = Vec::new();
    for (name, args) in GOLDEN {
        let outcome = Launch::new().args(*args).run();
        let made = format!(
            "$ nexis-launch {}\nstatus {}\n--- standard output\n{}--- standard error\n{}",
            args.join(" "),
            outcome.status.unwrap(),
            settled(&outcome.out(), &outcome),
            settled(&outcome.err(), &outcome),
        );
        let file = directory.join(format!("{name}.txt"));
        if bless {
            std::fs::create_dir_all(&directory).unwrap();
            std::fs::write(&file, &made).unwrap();
        }
        let golden = std::fs::read_to_string(&file).unwrap_or_default();
        if golden != made {
            differing.push(format!("{name}.txt\n{made}"));
        }
    }
    assert!(differing.is_empty(), "NEXIS_LAUNCH_BLESS=1 writes anew:\n{}", differing.join("\n\n"));
}

#[test]
fn no_golden_file_is_left_over() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/cli");
    for file in std::fs::read_dir(directory).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(GOLDEN.iter().any(|it| it.0 == name), "{}", path.display());
    }
}

#[test]
fn completions_exist_for_the_common_shells() {
    for (shell, word) in
        [("bash", "complete"), ("zsh", "#compdef"), ("fish", "complete -c nexis-launch")]
    {
        let text = Launch::new().args(["completions", shell]).run().status(0).out();
        assert!(text.contains(word) && text.contains("secrets-dir"), "{shell}");
    }
    Launch::new().args(["completions", "tcsh"]).run().status(64);
}

#[test]
fn the_manual_page_names_commands_options_and_statuses() {
    let text = Launch::new().args(["man"]).run().status(0).out();
    assert!(text.contains(".TH nexis-launch 1"), "{text}");
    for word in ["run", "check", "explain", "audit", "NEXIS_LAUNCH_MODE", "127", "78"] {
        assert!(text.contains(word), "{word}");
    }
    // Each command has a section of its own, commands of commands too, with all of its options.
    fn sections(text: &str, of: &clap::Command, name: &str) -> usize {
        let title = format!("\n.SH \"COMMAND {}\"\n", name.to_uppercase());
        let section = text.split(&title).nth(1).unwrap_or_else(|| panic!("no section {title}"));
        let section = section.split("\n.SH").next().unwrap().replace("\\-", "-");
        for option in of.get_arguments().filter_map(|it| it.get_long()) {
            assert!(section.contains(&format!("--{option}")), "{name} --{option}");
        }
        let subs = of.get_subcommands().filter(|sub| sub.get_name() != "help");
        1 + subs
            .map(|sub| sections(text, sub, &format!("{name} {}", sub.get_name())))
            .sum::<usize>()
    }
    let all = nexis_launch::cli::command();
    let count: usize = all.get_subcommands().map(|sub| sections(&text, sub, sub.get_name())).sum();
    assert!(count > 30, "{count}");
}

#[test]
fn help_and_version_need_nothing_of_the_environment() {
    for args in [&["--help"][..], &["--version"], &["run", "--help"], &["contract", "schema"]] {
        let outcome = Launch::new()
            .args(args)
            .env("NEXIS_LAUNCH_CONTRACT", "/no/such/contract")
            .env("NEXIS_LAUNCH_NO_SUCH_SETTING", "1")
            .run();
        outcome.status(0);
        assert!(!outcome.out().is_empty(), "{args:?}");
    }
}

#[test]
fn contract_commands_print_their_result() {
    for args in [
        &["contract", "show"][..],
        &["contract", "show", "--format", "json"],
        &["contract", "docs"],
        &["contract", "schema"],
        &["contract", "template"],
        &["contract", "template", "--for", "compose"],
        &["contract", "template", "--for", "kubernetes"],
        &["contract", "template", "--for", "secrets-dir"],
    ] {
        let outcome = Launch::new().args(args).run();
        assert!(outcome.status(0).out().len() > 200, "{args:?}\n{outcome}");
        assert_eq!(outcome.err(), "", "{args:?}");
    }
    Launch::new().args(["contract", "lint"]).run().status(0);
    let outcome =
        Launch::new().args(["contract", "lint", "{root}/x.yaml"]).file("x.yaml", "nme: x\n").run();
    outcome.status(65);
    assert!(format!("{}{}", outcome.out(), outcome.err()).contains("x.yaml"), "{outcome}");
}
