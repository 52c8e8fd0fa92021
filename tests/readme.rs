//! What README.md says is what the program does. `NEXIS_LAUNCH_BLESS=1 cargo test --test readme`
//! writes its table of variables anew.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;

use common::Launch;
use nexis_launch::cli;
use nexis_launch::contract::{self, builtin, docs, model::Origin};
use nexis_launch::environment::BASE;
use nexis_launch::error::Status;
use std::path::{Path, PathBuf};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn readme() -> String {
    std::fs::read_to_string(path("README.md")).unwrap()
}

/// The text of the section of this title, up to the next of its level.
fn section<'a>(text: &'a str, title: &str) -> &'a str {
    let start = text.split(&format!("\n## {title}\n")).nth(1);
    let start = start.unwrap_or_else(|| panic!("README.md has no section {title}"));
    start.split("\n## ").next().unwrap()
}

/// The lines of code blocks without a language or in `sh`.
fn commands(text: &str) -> Vec<&str> {
    let mut inside = false;
    let mut shell = false;
    let lines = text.lines().filter(|line| {
        if let Some(kind) = line.strip_prefix("```") {
            inside = !inside;
            shell = kind == "sh";
            return false;
        }
        inside && shell && !line.starts_with('#')
    });
    lines.collect()
}

#[test]
fn the_table_of_variables_is_the_contracts() {
    let (begin, end) = ("<!-- contract:begin -->\n", "<!-- contract:end -->\n");
    let text = readme();
    let (before, rest) = text.split_once(begin).expect("the table's first marker");
    let (table, after) = rest.split_once(end).expect("the table's last marker");
    let expected = docs::readme_table(&builtin::CONTRACT);
    if std::env::var_os("NEXIS_LAUNCH_BLESS").is_some_and(|value| value == "1") {
        let text = [before, begin, &expected, end, after].concat();
        std::fs::write(path("README.md"), text).unwrap();
        return;
    }
    assert!(
        table == expected,
        "README.md has not the contract's table: NEXIS_LAUNCH_BLESS=1 writes it anew"
    );
}

/// The rows of the table of inherited names, and what the manual page says, are what the code has.
#[test]
fn the_base_set_is_the_programs() {
    let text = readme();
    let section = section(&text, "Which value reaches the process environment");
    let (_, table) = section.split_once("\n| base set | names |\n").expect("the base set");
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let mut names: Vec<&str> = rows.flat_map(|row| row.split('`').skip(1).step_by(2)).collect();
    let mut base = BASE.to_vec();
    names.sort_unstable();
    base.sort_unstable();
    assert_eq!(names, base);
    let manual = Launch::command("man", [""; 0]).run().status(0).out();
    assert!(manual.contains(&BASE.join(", ")), "the manual page has not the base set");
}

/// README.md, SECURITY.md, tests/README.md and what stands in packaging/, each with its text outside of code blocks.
fn pages() -> Vec<(PathBuf, String)> {
    let found = ["README.md", "SECURITY.md", "tests/README.md", "tests/bench/README.md"];
    let mut found = found.map(path).to_vec();
    let mut below = vec![path("packaging")];
    while let Some(directory) = below.pop() {
        for entry in std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                below.push(entry);
            } else if entry.extension().is_some_and(|it| it == "md") {
                found.push(entry);
            }
        }
    }
    let outside = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        let mut code = false;
        let lines = text.lines().filter(|line| {
            code ^= line.starts_with("```");
            !code && !line.starts_with("```")
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    found.into_iter().map(|path| (path.clone(), outside(&path))).collect()
}

/// A heading as it is linked to.
fn anchor(title: &str) -> String {
    let kept = title.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn every_link_of_the_documents_leads_somewhere() {
    let mut count = 0;
    for (page, text) in pages() {
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://")) {
            count += 1;
            let (file, place) = link.split_once('#').unwrap_or((link, ""));
            let file = match file {
                "" => page.clone(),
                file => page.parent().unwrap().join(file),
            };
            assert!(file.exists(), "{}: {link}", page.display());
            let titles = std::fs::read_to_string(&file).unwrap_or_default();
            let mut titles = titles.lines().filter(|line| line.starts_with('#'));
            let leads = |line: &str| anchor(line.trim_start_matches('#').trim()) == place;
            assert!(place.is_empty() || titles.any(leads), "{}: {link}", page.display());
        }
    }
    assert!(count > 30, "{count} links");
}

#[test]
fn every_section_of_the_readme_is_named_at_its_beginning() {
    let text = readme();
    let (beginning, _) = text.split_once("\n## ").unwrap();
    for title in text.lines().filter_map(|line| line.strip_prefix("## ")) {
        assert!(beginning.contains(&format!("[{title}](#{})", anchor(title))), "{title}");
    }
}

#[test]
fn every_table_of_the_documents_is_whole_and_says_nothing_twice() {
    for (page, text) in pages() {
        let lines: Vec<&str> = text.lines().collect();
        let tables = lines.split(|line| !line.starts_with('|')).filter(|rows| !rows.is_empty());
        for rows in tables {
            let rule = rows.get(1).is_some_and(|row| row.starts_with("| -"));
            assert!(rule, "{}: a table without a head: {}", page.display(), rows[0]);
            // The first two cells that are not empty.
            let cells = |row: &&str| -> String {
                let cells = row.split('|').map(str::trim).filter(|cell| !cell.is_empty());
                cells.take(2).collect::<Vec<_>>().join(" | ")
            };
            let mut first: Vec<_> = rows.iter().map(cells).collect();
            first.sort_unstable();
            let twice = first.windows(2).find(|pair| pair[0] == pair[1]);
            assert_eq!(twice, None, "{}", page.display());
        }
    }
}

#[test]
fn the_marks_of_the_benchmark_stand_once_and_in_order() {
    let text = readme();
    let marks: Vec<_> = text.lines().filter(|line| line.starts_with("<!-- bench:")).collect();
    assert_eq!(marks, ["<!-- bench:begin -->", "<!-- bench:end -->"]);
}

#[test]
fn the_exit_statuses_are_the_programs_in_their_order() {
    let all = [
        Status::Usage,
        Status::Data,
        Status::NoInput,
        Status::NotFound,
        Status::NotExecutable,
        Status::NotMet,
        Status::Temporary,
        Status::NoPermission,
        Status::CannotWrite,
        Status::Software,
        Status::Unhealthy,
        Status::Found,
        Status::Undecided,
        Status::Success,
    ];
    assert!(all.is_sorted(), "the order of the type is the order of precedence");
    let text = readme();
    let rows = section(&text, "Exit status").lines().filter_map(|line| {
        let cell = line.strip_prefix("| ")?.split(" |").next()?;
        cell.parse::<i32>().ok()
    });
    // Several states of a program have one number.
    let mut numbers = all.map(Status::number).to_vec();
    numbers.dedup();
    assert_eq!(rows.collect::<Vec<_>>(), numbers);
}

#[test]
fn every_option_of_run_is_named_with_its_variable() {
    let text = readme();
    let options = section(&text, "Options");
    let command = cli::command();
    let run = command.find_subcommand("run").unwrap();
    let mut count = 0;
    for argument in run.get_arguments().filter(|it| it.get_long().is_some_and(|it| it != "help")) {
        let long = argument.get_long().unwrap();
        let row = options.lines().find(|line| line.contains(&format!("--{long}")));
        let row = row.unwrap_or_else(|| panic!("README.md does not name --{long}"));
        let help = argument.get_help().unwrap().to_string();
        let words = help.split(|it: char| !it.is_ascii_uppercase() && it != '_');
        for variable in words.filter(|word| word.starts_with("NEXIS_")) {
            assert!(row.contains(&format!("`{variable}`")), "--{long} has no {variable}: {row}");
        }
        count += 1;
    }
    assert!(count > 15, "run has {count} options");
}

#[test]
fn the_commands_are_the_programs() {
    let text = readme();
    let commands = section(&text, "Commands");
    let all = cli::command();
    for command in all.get_subcommands() {
        let name = command.get_name();
        assert!(commands.contains(&format!("`{name}")), "README.md has no command {name}");
        for sub in command.get_subcommands() {
            let name = format!("`{name} {}", sub.get_name());
            assert!(commands.contains(&name), "README.md has no command {name}");
        }
    }
}

#[test]
fn the_operators_contract_parses_and_lints_clean() {
    let text = readme();
    let section = section(&text, "A contract of your own");
    let yaml = section.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let name = Path::new("gateway.yaml");
    let contract = contract::parse(yaml, name, Origin::File("gateway.yaml")).unwrap();
    assert!(contract.rows.len() > builtin::CONTRACT.rows.len(), "it adds a variable");
    let linted = Launch::command("contract", ["lint", "{root}/gateway.yaml"])
        .file("gateway.yaml", yaml)
        .run();
    linted.status(0);
    assert_eq!((linted.out(), linted.err()), (String::new(), String::new()));
}

#[test]
fn the_policy_parses_lints_clean_and_is_not_looser_than_what_it_extends() {
    let text = readme();
    let yaml = text.split("```yaml\n").find(|block| block.contains("\npolicy:\n")).unwrap();
    let yaml = yaml.split("```").next().unwrap();
    let command = |words: &[&str]| {
        let launch = Launch::command("contract", words).file("platform.yaml", yaml);
        let outcome = launch.run();
        outcome.status(0);
        assert_eq!(outcome.err(), "");
        outcome.out()
    };
    assert_eq!(command(&["lint", "{root}/platform.yaml"]), "");
    command(&["diff", "builtin:nexis-gateway", "{root}/platform.yaml"]);
    // Every key that the table explains is one, and the other way round.
    let section = section(&text, "A contract of your own");
    let rows: Vec<&str> = section.lines().filter_map(|it| it.strip_prefix("| `")).collect();
    for key in contract::policy::POLICY {
        let named = |row: &&&str| row.starts_with(key) && yaml.contains(&format!("\n  {key}:"));
        assert!(rows.iter().any(|row| named(&row)), "{key}");
    }
}

#[test]
fn the_contract_with_providers_parses() {
    let text = readme();
    let yaml = section(&text, "Providers").split("```yaml\n").nth(1).unwrap();
    let yaml = yaml.split("```").next().unwrap();
    let name = Path::new("gateway.yaml");
    let contract = contract::parse(yaml, name, Origin::File("gateway.yaml")).unwrap();
    assert_eq!(contract.providers.len(), 2);
    assert_eq!(contract.rows.iter().filter(|row| row.fetch.is_some()).count(), 2);
}

/// The first command, with the launcher of this build in place of `cargo run … --`.
#[test]
fn the_first_command_shows_what_reached_the_program() {
    let text = readme();
    let commands = commands(section(&text, "Two commands"));
    let run = commands.iter().find_map(|line| {
        line.strip_prefix("cargo run --release --locked -- ").filter(|it| it.starts_with("dev -- "))
    });
    let line = format!("\"$0\" {}", run.expect("a command that runs the launcher"));
    let ended = std::process::Command::new("/bin/sh")
        .args(["-c", &line, env!("CARGO_BIN_EXE_nexis-launch")])
        .current_dir(Launch::new().root().join("work"))
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .output()
        .unwrap();
    let out = String::from_utf8(ended.stdout).unwrap();
    assert_eq!(out, "JWT_SECRET has 64 characters, NEXIS_ENV=development\n");
    assert!(ended.status.success());
}

/// The section's commands, one after the other, with the launcher of this build.
#[test]
fn the_commands_that_generate_write_what_they_say() {
    let text = readme();
    let commands = commands(section(&text, "Generating values"));
    let launch = Launch::new();
    let work = launch.root().join("work");
    let mut made = Vec::new();
    for line in commands {
        let rest = line.strip_prefix("nexis-launch ").expect("a command of the launcher");
        let out = rest.split(' ').next_back().unwrap();
        let ended = std::process::Command::new("/bin/sh")
            .args(["-c", &format!("exec \"$0\" {rest}"), env!("CARGO_BIN_EXE_nexis-launch")])
            .current_dir(&work)
            .env_clear()
            .output()
            .unwrap();
        assert!(ended.status.success() && ended.stdout.is_empty(), "{line}: {ended:?}");
        let content = std::fs::read_to_string(work.join(out)).unwrap();
        assert!(!String::from_utf8(ended.stderr).unwrap().contains(&content), "{line}");
        made.push(content);
    }
    assert_eq!(made.len(), 3);
    assert_eq!((made[0].len(), made[2].len()), (64, 64));
    assert!(made[1].contains("kind: Secret\n") && made[1].contains("  name: gateway-keys\n"));
}

/// The section's blocks as one session, with the launcher of this build on PATH; what it shows
/// last is what the program says.
#[test]
fn the_worked_rotation_works() {
    let text = readme();
    let section = section(&text, "Rotating a key");
    let launch = Launch::new();
    let work = launch.root().join("work");
    std::fs::create_dir(work.join("bin")).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_nexis-launch"), work.join("bin/nexis-launch"))
        .unwrap();
    std::fs::write(work.join("jwt-secret"), format!("{}\n", common::HEX_KEY)).unwrap();
    let check = "#!/bin/sh\ntest ${#JWT_SECRET} = 64\n";
    std::fs::write(work.join("check-login"), check).unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(work.join("check-login"), executable).unwrap();
    let session = commands(section).join("\n");
    let ended = std::process::Command::new("/bin/sh")
        .args(["-euc", &session])
        .current_dir(&work)
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", work.join("bin").display()))
        .output()
        .unwrap();
    let out = String::from_utf8(ended.stdout).unwrap();
    let err = String::from_utf8(ended.stderr).unwrap();
    assert!(ended.status.success() && err.is_empty(), "{out}{err}");
    assert!(out.contains("\nstatus 1 (1: something is overdue)\n"), "{out}");
    let shown = section.split("```text\n").nth(1).unwrap().split("```").next().unwrap();
    assert!(out.ends_with(shown), "{out}");
    assert_eq!(out.matches("\nhead 1:JWT_SECRET=").count(), 7, "{out}");
    let page = std::fs::read_to_string(work.join("history.html")).unwrap();
    for word in ["CHG-17", "bob", "d41773f", "The chain was verified"] {
        assert!(page.contains(word), "{word}");
    }
}

/// The section as one session: an exposed key, a gateway that holds it, and logs that have it.
#[test]
fn the_worked_leak_works() {
    let text = readme();
    let section = section(&text, "A leak at 3 a.m.");
    let desk = common::Desk::new();
    let home = desk.path("");
    for directory in ["bin", "logs", "secrets"] {
        std::fs::create_dir(desk.path(directory)).unwrap();
    }
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_nexis-launch"), desk.path("bin/nexis-launch"))
        .unwrap();
    desk.adopt("JWT_SECRET", 10);
    for file in ["leaked", "secrets/jwt-secret"] {
        desk.write(file, common::SECRET);
    }
    desk.write("logs/proxy.log", format!("GET /?key={}\n", common::SECRET));
    let script = |name: &str, content: &str| {
        desk.write(name, format!("#!/bin/sh\n{content}"));
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(desk.path(name), executable).unwrap();
    };
    script("check-login", "test ${#JWT_SECRET} -ge 43\n");
    // The gateway ends by itself; whoever starts it waits until it is itself.
    script(
        "restart-gateway",
        r#"if [ -e gateway.pid ]; then kill "$(cat gateway.pid)"; fi
nexis-launch run --mode production --secrets-dir secrets --audit-log logs/audit.log -- sleep 20 \
    >/dev/null 2>gateway.err &
echo $! >gateway.pid
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    case $(readlink /proc/$!/exe) in */sleep) exit 0 ;; *) sleep 0.1 ;; esac
done
exit 1
"#,
    );
    let run = |session: &str| {
        std::process::Command::new("/bin/sh")
            .args(["-euc", session])
            .current_dir(&home)
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", desk.path("bin").display()))
            .env("NEXIS_CORS_ALLOW_ORIGINS", "https://app.nexis.example")
            .env("NEXIS_LAUNCH_FINGERPRINT_KEY_FILE", desk.path("fingerprint.key"))
            .output()
            .unwrap()
    };
    let started = run("./restart-gateway");
    assert!(started.status.success(), "{started:?}");
    let ended = run(&commands(section).join("\n"));
    run("kill \"$(cat gateway.pid)\"");
    let out = String::from_utf8(ended.stdout).unwrap();
    let err = String::from_utf8(ended.stderr).unwrap();
    assert!(ended.status.success() && err.is_empty(), "{out}{err}");
    let shown = section.split("```text\n").nth(1).unwrap().split("```").next().unwrap();
    assert!(out.ends_with(shown), "{out}");
    for word in [
        "\nstatus 1 (1: somebody got it)\n",
        "\nstatus 1 (1: it still holds the old key)\n",
        "stale",
        "current",
        "found      0",
    ] {
        assert!(out.contains(word), "{word} in\n{out}");
    }
    let incident = std::fs::read_to_string(desk.path("incident.md")).unwrap();
    for word in ["1 launch got it", "proxy.log:1: raw", "draft is in `advisory.md`"] {
        assert!(incident.contains(word), "{word} in\n{incident}");
    }
    let kinds = ["adopted", "exposed", "started", "staged", "verified", "deployed", "revoked"];
    assert_eq!(desk.kinds("JWT_SECRET"), [&kinds[..], &["evidence"]].concat());
    // The value and its successor stand in no byte of what was printed or written.
    let new = std::fs::read_to_string(desk.path("secrets/jwt-secret")).unwrap();
    let mut texts = vec![out, err, incident];
    for file in ["advisory.md", "incident.html", "logs/audit.log", "gateway.err"] {
        texts.push(std::fs::read_to_string(desk.path(file)).unwrap());
    }
    for value in [common::SECRET, &new] {
        assert!(texts.iter().all(|text| !text.contains(value)), "{texts:?}");
    }
    assert!(!desk.path("leaked").exists() && !desk.path("logs/proxy.log").exists());
}

#[test]
fn the_second_command_is_the_one_that_ci_calls() {
    let text = readme();
    let commands = commands(section(&text, "Two commands"));
    let test = commands.iter().find(|line| line.starts_with("cargo test")).unwrap();
    let ci = std::fs::read_to_string(path(".ci/run")).unwrap();
    assert!(ci.lines().any(|line| line.trim_start().starts_with(test)), ".ci/run lacks {test}");
}

#[test]
fn what_explain_knows_is_what_the_readme_sends_to() {
    let text = readme();
    let codes = text.split('`').skip(1).step_by(2);
    let codes = codes.filter_map(|it| it.strip_prefix("nexis-launch explain "));
    let mut count = 0;
    for subject in codes.filter(|it| it.chars().any(|it| it.is_ascii_lowercase())) {
        assert!(nexis_launch::finding::Code::parse(subject).is_some(), "no code {subject}");
        count += 1;
    }
    assert!(count > 0, "README.md names no code to explain");
}
