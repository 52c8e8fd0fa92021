//! The manual page and the completion scripts, from the definition of the command line.

use crate::cli;
use crate::environment::BASE;
use crate::error::Status;
use crate::finding::Code;
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

/// The completion script of a shell.
pub(super) fn completions(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli::command(), "nexis-launch", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// What each exit status means, in the order in which the first that applies is taken.
const STATUSES: [(Status, &str); 13] = [
    (Status::Usage, "The command line or a NEXIS_LAUNCH_* setting is wrong."),
    (
        Status::Data,
        "A contract, env, key or ledger file is not valid; a step of a rotation is out of order.",
    ),
    (
        Status::NoInput,
        "A file named on the command line or by a setting is missing or cannot be read.",
    ),
    (Status::NotFound, "PROGRAM was not found."),
    (Status::NotExecutable, "PROGRAM was found and cannot be executed."),
    (Status::NotMet, "The contract is not met: there is at least one finding of severity error."),
    (
        Status::Temporary,
        "The only errors are providers that failed or took too long, or the filter of --mask-output \
         could not be started: trying again may help.",
    ),
    (Status::NoPermission, "Privileges could not be dropped."),
    (
        Status::CannotWrite,
        "A required manifest or audit line, a record of the ledger, a file of init or generate, or the \
         result of another command could not be written.",
    ),
    (Status::Software, "A fault of the launcher itself."),
    (
        Status::Unhealthy,
        "health: not healthy; inspect: a process is not current; contract diff: looser; rotate \
         status: overdue; rotate verify: the command failed; leak: the value was found, or somebody \
         got it.",
    ),
    (Status::Undecided, "inspect, leak: not all could be told, and nothing of status 1."),
    (Status::Success, "check, explain and the others: nothing is wrong."),
];

/// Adds what a command takes, then each of its own commands.
fn section(command: &clap::Command, name: &str, page: &mut String) {
    let mut section = Vec::new();
    let man = Man::new(command.clone());
    // Writing to memory does not fail.
    let _ = man.render_synopsis_section(&mut section);
    let _ = man.render_options_section(&mut section);
    let text = String::from_utf8_lossy(&section)
        .replace(".SH SYNOPSIS", &format!(".SH \"COMMAND {}\"", name.to_uppercase()))
        .replace(".SH OPTIONS", ".SS Options");
    page.push_str(&text);
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        self::section(sub, &format!("{name} {}", sub.get_name()), page);
    }
}

/// The manual page, nexis-launch(1): every command with its options, the exit statuses, the
/// codes of findings and the base set of inherited variables.
pub(super) fn manual() -> String {
    let mut command = cli::command();
    command.build();
    let mut page = Vec::new();
    let man = Man::new(command.clone());
    // Writing to memory does not fail.
    let _ = man.render_title(&mut page);
    let _ = man.render_name_section(&mut page);
    let _ = man.render_synopsis_section(&mut page);
    let _ = man.render_description_section(&mut page);
    let mut page = String::from_utf8_lossy(&page).into_owned();
    for sub in command.get_subcommands() {
        section(sub, sub.get_name(), &mut page);
    }
    let mut end = Roff::new();
    end.control("SH", ["EXIT STATUS"]);
    end.text([roman(
        "After the exec the program's own. Before it, the first of these that applies:",
    )]);
    for (status, meaning) in STATUSES {
        end.control("TP", []);
        end.text([bold(status.number().to_string())]);
        end.text([roman(meaning)]);
    }
    end.control("SH", ["FINDINGS"]);
    for code in Code::ALL {
        end.control("TP", []);
        end.text([bold(code.name())]);
        end.text([roman(format!("{}: {}.", code.cause(), code.mend()))]);
    }
    end.control("SH", ["INHERITED VARIABLES"]);
    end.text([roman(
        "With --inherit contract these names are passed on, and those of the contract's passthrough \
         and of --passthrough; * stands for any ending:",
    )]);
    end.text([roman(BASE.join(", "))]);
    end.control("SH", ["FILES"]);
    for (path, meaning) in [
        (
            "/run/secrets/nexis, /run/secrets",
            "Directories of secret files that are looked in by default.",
        ),
        (
            ".env",
            "In development mode, where no env file is named: looked for in the working directory and above.",
        ),
    ] {
        end.control("TP", []);
        end.text([bold(path)]);
        end.text([roman(meaning)]);
    }
    page.push_str(&end.render());
    page
}
