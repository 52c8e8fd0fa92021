//! The lines of env files (interface section 3).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

fn with(lines: impl AsRef<[u8]>) -> Launch {
    Launch::sound("production").file("env", lines).options(["--env-file", "{root}/env"])
}

#[test]
fn lines_are_read_by_the_documented_rules() {
    let seen = with(concat!(
        "# a comment\n",
        "\n",
        "  \t\n",
        "PLAIN=value\n",
        "export EXPORTED=value\n",
        "TRIMMED=  spaced out  \n",
        "COMMENTED=value # not this\n",
        "HASH=a#b\n",
        "SINGLE='literal $HOME \\n # \"x\"'\n",
        "DOUBLE=\"tab\\tnew\\nquote\\\"back\\\\dollar\\$\"\n",
        "DOLLAR=$HOME-${HOME}\n",
        "EQUALS=a=b=c\n",
        "EMPTY=\n",
        "EMPTY_QUOTED=''\n",
        "CRLF=value\r\n",
        "LAST=no newline",
    ))
    .env("HOME", "/root")
    .run()
    .status(0)
    .seen();
    for (name, value) in [
        ("PLAIN", "value"),
        ("EXPORTED", "value"),
        ("TRIMMED", "spaced out"),
        ("COMMENTED", "value"),
        ("HASH", "a#b"),
        ("SINGLE", "literal $HOME \\n # \"x\""),
        ("DOUBLE", "tab\tnew\nquote\"back\\dollar$"),
        ("DOLLAR", "$HOME-${HOME}"),
        ("EQUALS", "a=b=c"),
        ("CRLF", "value"),
        ("LAST", "no newline"),
    ] {
        assert_eq!(seen.text(name).as_deref(), Some(value), "{name}");
    }
}

#[test]
fn a_line_that_is_no_assignment_is_an_error_with_its_number() {
    for line in [
        "no equals sign",
        "=value",
        "WITH SPACE=x",
        "UNCLOSED='x",
        "UNCLOSED=\"x",
        "AFTER='x' y",
        "ESCAPE=\"\\q\"",
    ] {
        let outcome = with(format!("FINE=1\n{line}\n")).run();
        outcome.status(65).error("env-file-invalid", "").program_did_not_run();
        let finding = outcome.finding_entry("env-file-invalid", "");
        assert!(finding["message"].to_string().contains('2'), "{line:?}: {finding}");
    }
}

#[test]
fn a_line_of_another_kind_of_file_is_told_with_what_it_lacks() {
    for (line, what) in [
        ("SPACED = value", "line 1: white space between the name and ="),
        ("set NAME=value", "line 1: white space in the text before ="),
        ("DASHED-NAME=value", "line 1: the text before = is not a name"),
        ("YAML: value", "line 1: no = after the name"),
    ] {
        let outcome = with(line).run();
        outcome.status(65).says(what).says("write NAME=VALUE, without spaces around =");
    }
}

#[test]
fn what_a_shell_would_expand_is_a_warning() {
    for line in
        ["A=$HOME/x", "A=x${HOME}", "A=\"$(date)\"", "JWT_ISSUER=$USER", "REDIS_URL_FILE=$HOME/x"]
    {
        let outcome = with(format!("FINE=1\n{line}\n")).run();
        let status = if line.contains("_FILE") { 78 } else { 0 };
        outcome.status(status);
        let name = line.split('=').next().filter(|it| *it != "A").unwrap_or_default();
        let name = name.trim_end_matches("_FILE");
        let finding = outcome.warning("not-expanded", name).finding_entry("not-expanded", name);
        assert!(finding["message"].to_string().contains("line 2: the $ is"), "{finding}");
    }
    for line in [
        "A='$HOME'",
        "A=\"\\$HOME\"",
        "A=5$",
        "A=$5",
        "A=x # $HOME",
        "# A=$HOME",
        // A password may hold anything.
        "NEXIS_REDIS_HOST=127.0.0.1\nNEXIS_REDIS_PASSWORD=pa$word",
    ] {
        with(line).run().status(0).no_finding("not-expanded");
    }
}

#[test]
fn every_bad_line_is_reported_and_none_is_quoted() {
    let outcome = with("bad-line-kZ3vQ9xLw7 one\nFINE=1\nbad-line-kZ3vQ9xLw7 two\n")
        .canary("bad-line-kZ3vQ9xLw7")
        .run();
    outcome.status(65).no_canary().program_did_not_run();
    let invalid = outcome.findings().iter().filter(|it| it.0 == "env-file-invalid").count();
    assert_eq!(invalid, 2, "{outcome}");
}

#[test]
fn settings_do_not_belong_into_an_env_file() {
    with("NEXIS_LAUNCH_ENFORCE=report\n")
        .without("JWT_SECRET")
        .run()
        .status(65)
        .program_did_not_run();
}

#[test]
fn runtime_names_aliases_parts_and_references_are_taken() {
    let seen = Launch::witness(["--mode", "production", "--env-file", "{root}/conf/env"])
        .file(
            "conf/env",
            format!(
                "NEXIS_JWT_SECRET={SECRET}\nNEXIS_CORS_ALLOW_ORIGINS=https://a.example\n\
                 NEXIS_REDIS_HOST=127.0.0.1\nNEXIS_ENCRYPTION_KEY_FILE=keys/enc\n"
            ),
        )
        .file("conf/keys/enc", format!("{HEX_KEY}\n"))
        .run()
        .status(0)
        .seen();
    assert_eq!(seen.text("JWT_SECRET").as_deref(), Some(SECRET));
    assert_eq!(seen.text("NEXIS_CORS_ALLOW_ORIGINS").as_deref(), Some("https://a.example"));
    assert_eq!(seen.text("REDIS_URL").as_deref(), Some("redis://127.0.0.1"));
    assert_eq!(seen.text("NEXIS_ENCRYPTION_KEY").as_deref(), Some(HEX_KEY));
    for name in ["NEXIS_JWT_SECRET", "NEXIS_REDIS_HOST", "NEXIS_ENCRYPTION_KEY_FILE"] {
        assert_eq!(seen.var(name), None, "{name}");
    }
}

#[test]
fn the_environment_wins_over_an_env_file_for_other_names() {
    let outcome = with("EXTRA=of the file\n").env("EXTRA", "inherited").run();
    assert_eq!(outcome.status(0).seen().text("EXTRA").as_deref(), Some("inherited"));
    // And what is to be said of it is said once.
    let outcome = with("OUR_TOKEN=of the file\n").env("OUR_TOKEN", "inherited").run();
    outcome.status(0);
    let said = outcome.findings();
    assert_eq!(said.iter().filter(|it| it.0 == "undeclared-secret").count(), 1, "{outcome}");
}

#[test]
fn of_other_names_those_alone_that_say_secret_are_findings() {
    let outcome = with("EXTRA=1\nOUR_PLANET=2\n").env("OUR_WAY", "3").run();
    outcome.status(0).no_finding("undeclared-secret");
    let outcome = with("OUR_TOKEN=1\n").run();
    outcome.status(0).warning("undeclared-secret", "OUR_TOKEN");
}

#[test]
fn a_row_that_the_contract_says_is_not_read_is_a_finding_where_it_is_delivered() {
    let contract = "version: 1\nname: own\nvariables:\n  - {name: KEY, default: x}\n  - {name: GONE}\n\
        not_read:\n  - {name: KEY, note: long gone}\n  - {name: GONE, note: long gone}\n";
    let outcome = Launch::witness(["--mode", "production"]).contract(contract).run();
    outcome.status(0).warning("not-read-by-program", "KEY");
    let about_gone = outcome.findings().iter().any(|finding| finding.2 == "GONE");
    assert!(!about_gone, "{outcome}");
}

#[test]
fn several_files_are_taken_together() {
    let seen = Launch::sound("production")
        .without("JWT_SECRET")
        .file("one", format!("JWT_SECRET={SECRET}\n"))
        .file("two", "JWT_ISSUER=nexis\n")
        .env("NEXIS_LAUNCH_ENV_FILE", "{root}/one:{root}/two")
        .run()
        .status(0)
        .seen();
    assert_eq!(seen.text("JWT_SECRET").as_deref(), Some(SECRET));
    assert_eq!(seen.text("JWT_ISSUER").as_deref(), Some("nexis"));
}

#[test]
fn an_env_file_that_others_can_write_is_refused_in_production() {
    let launch = |mode: &str| {
        Launch::sound(mode)
            .file("env", "EXTRA=1\n")
            .mode("env", 0o666)
            .options(["--env-file", "{root}/env"])
    };
    let outcome = launch("production").run();
    outcome.status(78).program_did_not_run();
    assert!(outcome.findings().iter().any(|it| it.0 == "insecure-permissions" && it.1 == "error"));
    let outcome = launch("development").run();
    outcome.status(0);
    assert!(
        outcome.findings().iter().any(|it| it.0 == "insecure-permissions" && it.1 == "warning")
    );
}

#[test]
fn in_development_a_dot_env_above_is_found() {
    let seen = Launch::sound("development")
        .file("tree/.env", "FOUND=1\n")
        .dir("tree/.git")
        .cwd("tree/a/b")
        .run()
        .status(0)
        .seen();
    assert_eq!(seen.text("FOUND").as_deref(), Some("1"));
}

#[test]
fn the_search_for_dot_env_ends_at_a_repository_and_at_home() {
    let outer = || Launch::sound("development").file("tree/.env", "FOUND=1\n").cwd("tree/a/b");
    let seen = outer().dir("tree/a/.git").run().status(0).seen();
    assert_eq!(seen.var("FOUND"), None, "beyond the repository");
    let seen = outer().env("HOME", "{root}/tree/a").run().status(0).seen();
    assert_eq!(seen.var("FOUND"), None, "beyond the home directory");
}

#[test]
fn the_nearest_dot_env_alone_is_found() {
    let seen = Launch::sound("development")
        .file("tree/.env", "FAR=1\n")
        .file("tree/a/.env", "NEAR=1\n")
        .dir("tree/.git")
        .cwd("tree/a/b")
        .run()
        .status(0)
        .seen();
    assert_eq!((seen.text("NEAR").as_deref(), seen.var("FAR")), (Some("1"), None));
}

#[test]
fn the_last_directory_of_the_search_is_still_looked_in() {
    let launch = || Launch::sound("development").file("tree/.env", "FOUND=1\n").cwd("tree/a");
    for launch in [launch().dir("tree/.git"), launch().env("HOME", "{root}/tree")] {
        let seen = launch.run().status(0).seen();
        assert_eq!(seen.text("FOUND").as_deref(), Some("1"));
    }
}

#[test]
fn the_search_for_dot_env_ends_at_a_directory_of_another_owner() {
    let launch = || {
        let launch = Launch::sound("development").unprivileged().cwd("tree/mine");
        let launch = launch.file("tree/.env", "FOUND=1\n").dir("tree/.git");
        launch.root.give("tree/.env");
        launch.root.give("tree/mine");
        launch.env("HOME", "{root}/elsewhere")
    };
    let witnessed = |launch: Launch| launch.run().status(0).seen().text("FOUND");
    let mine = launch();
    mine.root.give("tree");
    assert_eq!(witnessed(mine).as_deref(), Some("1"), "its own");
    let foreign = launch();
    // Without root every directory that can be made is one's own.
    if std::os::unix::fs::MetadataExt::uid(&foreign.root().metadata().unwrap()) == 0 {
        assert_eq!(witnessed(foreign), None, "beyond one's own directories");
    }
}

#[test]
fn where_an_env_file_is_named_no_dot_env_is_looked_for() {
    let launch =
        || Launch::sound("development").file("work/.env", "FOUND=1\n").file("env", "A=1\n");
    assert_eq!(launch().run().status(0).seen().text("FOUND").as_deref(), Some("1"));
    for launch in [
        launch().options(["--env-file", "{root}/env"]),
        launch().env("NEXIS_LAUNCH_ENV_FILE", "{root}/env"),
    ] {
        let seen = launch.run().status(0).seen();
        assert_eq!((seen.text("A").as_deref(), seen.var("FOUND")), (Some("1"), None));
    }
}

#[test]
fn outside_development_no_dot_env_is_looked_for() {
    for mode in ["staging", "production"] {
        let seen = Launch::sound(mode).file("work/.env", "FOUND=1\n").run().status(0).seen();
        assert_eq!(seen.var("FOUND"), None, "{mode}");
    }
}

#[test]
fn an_env_file_that_is_named_may_be_a_pipe() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    std::io::Write::write_all(&mut writer, format!("JWT_SECRET={SECRET}\n").as_bytes()).unwrap();
    drop(writer);
    let outcome = Launch::sound("production")
        .without("JWT_SECRET")
        .options(["--env-file", "/dev/fd/63"])
        .descriptor(Descriptor::new(63, reader))
        .canary(SECRET)
        .run();
    outcome.status(0).no_canary();
    assert_eq!(outcome.seen().text("JWT_SECRET").as_deref(), Some(SECRET));
}

#[test]
fn a_pipe_that_is_found_as_an_env_file_is_not_read() {
    let outcome = Launch::witness(["--mode", "development"]).pipe("work/.env").run();
    outcome.status(0);
}
