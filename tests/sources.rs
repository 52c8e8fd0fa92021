//! Where values come from, and which source wins (interface section 3).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

/// Production with everything but JWT_SECRET.
fn keyless() -> Launch {
    Launch::sound("production").without("JWT_SECRET")
}

/// The launch got `SECRET` from a source of this kind and name (`{root}` not replaced by then).
fn from(launch: Launch, kind: &str, name: &str) -> Outcome {
    let outcome = launch.run();
    assert_eq!(outcome.status(0).seen().text("JWT_SECRET").as_deref(), Some(SECRET));
    let source = outcome.variable("JWT_SECRET")["source"].clone();
    let name = name.replace("{root}", outcome.root().to_str().unwrap());
    assert_eq!(
        (source["kind"].as_str(), source["name"].as_str()),
        (Some(kind), Some(&*name)),
        "{outcome}"
    );
    outcome
}

#[test]
fn each_source_is_found_and_named() {
    let file = || keyless().file("jwt", SECRET);
    from(file().env("NEXIS_JWT_SECRET_FILE", "{root}/jwt"), "file", "{root}/jwt");
    from(file().env("JWT_SECRET_FILE", "{root}/jwt"), "file", "{root}/jwt");
    from(keyless().env("NEXIS_JWT_SECRET", SECRET), "env", "NEXIS_JWT_SECRET");
    from(keyless().env("JWT_SECRET", SECRET), "env", "JWT_SECRET");
    from(
        keyless().file("creds/jwt-secret", SECRET).env("CREDENTIALS_DIRECTORY", "{root}/creds"),
        "credential",
        "{root}/creds/jwt-secret",
    );
    from(
        keyless().file("dir/jwt_secret", SECRET).options(["--secrets-dir", "{root}/dir"]),
        "secrets-dir",
        "{root}/dir/jwt_secret",
    );
    from(
        keyless()
            .file("env", format!("# x\n\nJWT_SECRET={SECRET}\n"))
            .options(["--env-file", "{root}/env"]),
        "env-file",
        "{root}/env:3",
    );
}

/// Sources from the highest to the lowest; each adds `value` to a launch.
type Add = fn(Launch, &str) -> Launch;
const SOURCES: [(&str, Add); 6] = [
    ("file", |it, value| it.file("a", value).env("NEXIS_JWT_SECRET_FILE", "{root}/a")),
    ("env", |it, value| it.env("NEXIS_JWT_SECRET", value)),
    ("env", |it, value| it.env("JWT_SECRET", value)),
    ("credential", |it, value| {
        it.file("creds/JWT_SECRET", value).env("CREDENTIALS_DIRECTORY", "{root}/creds")
    }),
    ("secrets-dir", |it, value| {
        it.file("dir/JWT_SECRET", value).options(["--secrets-dir", "{root}/dir"])
    }),
    ("env-file", |it, value| {
        it.file("env", format!("JWT_SECRET={value}\n")).options(["--env-file", "{root}/env"])
    }),
];

#[test]
fn of_equal_values_the_highest_source_is_named_and_nothing_is_found() {
    for (at, (kind, add)) in SOURCES.iter().enumerate() {
        for (_, lower) in &SOURCES[at + 1..] {
            let outcome = lower(add(keyless(), SECRET), SECRET).run();
            outcome.status(0).no_finding("conflict");
            assert_eq!(outcome.variable("JWT_SECRET")["source"]["kind"], *kind, "{outcome}");
        }
    }
}

#[test]
fn different_values_in_any_two_sources_are_a_conflict() {
    for (at, (_, add)) in SOURCES.iter().enumerate() {
        for (_, lower) in &SOURCES[at + 1..] {
            let outcome = lower(add(keyless(), SECRET), OTHER).canary(SECRET).canary(OTHER).run();
            outcome.status(78).error("conflict", "JWT_SECRET").no_canary().program_did_not_run();
        }
    }
}

#[test]
fn a_final_newline_that_the_row_refuses_is_a_files_alone() {
    let contract = "version: 1\nname: own\nvariables:\n- {name: KEY, secret: true, \
                    required: always, final_newline: refuse}\n";
    let start = || {
        Launch::witness(["--mode", "production", "--secrets-dir", "{root}/s"])
            .contract(contract)
            .dir("s")
    };
    let outcome = start().file("s/KEY", format!("{SECRET}\n")).run();
    outcome.status(78).error("bad-format", "KEY").program_did_not_run();
    let outcome = start().file("s/KEY", SECRET).run();
    assert_eq!(outcome.status(0).seen().text("KEY").as_deref(), Some(SECRET));
    let outcome = start().env("KEY", SECRET).run();
    assert_eq!(outcome.status(0).seen().text("KEY").as_deref(), Some(SECRET));
}

#[test]
fn values_that_mean_the_same_are_no_conflict() {
    for (name, one, other, conflict) in [
        ("NEXIS_HSTS_ENABLED", "1", "true", false),
        ("NEXIS_HSTS_ENABLED", "yes", "ON", false),
        ("NEXIS_HSTS_ENABLED", "1", "false", true),
        ("NEXIS_ENV", "prod", "production", false),
        ("NEXIS_ENV", "prod", "staging", true),
    ] {
        let outcome = Launch::witness::<&str>([])
            .requirements()
            .file("env", format!("{name}={other}\n"))
            .env(name, one)
            .options(["--env-file", "{root}/env"])
            .run();
        if conflict {
            outcome.finding("conflict", name);
        } else {
            outcome.no_finding("conflict").status(0).seen();
        }
    }
}

#[test]
fn in_development_a_conflict_warns_and_the_highest_source_wins() {
    for (at, (_, add)) in SOURCES.iter().enumerate() {
        for (_, lower) in &SOURCES[at + 1..] {
            let launch = Launch::sound("development").without("JWT_SECRET");
            let outcome = lower(add(launch, SECRET), OTHER).run();
            assert_eq!(outcome.status(0).seen().text("JWT_SECRET").as_deref(), Some(SECRET));
            outcome.warning("conflict", "JWT_SECRET");
        }
    }
}

#[test]
fn a_conflict_names_both_sources() {
    let outcome = keyless().env("JWT_SECRET", SECRET).env("NEXIS_JWT_SECRET", OTHER).run();
    let message = outcome.finding_entry("conflict", "JWT_SECRET")["message"].to_string();
    assert!(
        message.contains("env NEXIS_JWT_SECRET") && message.contains("env JWT_SECRET"),
        "{message}"
    );
}

#[test]
fn two_spellings_in_one_directory_and_two_references_can_conflict() {
    keyless()
        .file("dir/jwt_secret", SECRET)
        .file("dir/jwt-secret", OTHER)
        .options(["--secrets-dir", "{root}/dir"])
        .run()
        .status(78)
        .error("conflict", "JWT_SECRET")
        .program_did_not_run();
    keyless()
        .file("a", SECRET)
        .file("b", OTHER)
        .env("JWT_SECRET_FILE", "{root}/a")
        .env("NEXIS_JWT_SECRET_FILE", "{root}/b")
        .run()
        .status(78)
        .error("conflict", "JWT_SECRET")
        .program_did_not_run();
}

#[test]
fn values_that_differ_only_by_the_newline_of_a_file_are_equal() {
    let outcome = keyless()
        .env("JWT_SECRET", SECRET)
        .file("dir/JWT_SECRET", format!("{SECRET}\n"))
        .options(["--secrets-dir", "{root}/dir"])
        .run();
    outcome.status(0).no_finding("conflict");
}

#[test]
fn every_spelling_of_a_file_is_found() {
    for name in [
        "JWT_SECRET",
        "jwt_secret",
        "jwt-secret",
        "NEXIS_JWT_SECRET",
        "nexis_jwt_secret",
        "nexis-jwt-secret",
    ] {
        let path = format!("dir/{name}");
        from(
            keyless().file(&path, SECRET).options(["--secrets-dir", "{root}/dir"]),
            "secrets-dir",
            &format!("{{root}}/{path}"),
        );
    }
}

#[test]
fn a_file_whose_name_begins_with_a_dot_is_read() {
    let contract = "version: 1\nname: x\nvariables:\n\
        - {name: A, files: [.dockerconfigjson]}\n- {name: B, files: [.ssh/.key]}\n";
    let launch = || Launch::witness(["--mode", "production"]).contract(contract);
    let volume = launch()
        .file("dir/..one/.dockerconfigjson", "of A")
        .file("dir/..one/.ssh/.key", "of B")
        .link("dir/..data", "..one")
        .link("dir/.dockerconfigjson", "..data/.dockerconfigjson")
        .link("dir/.ssh", "..data/.ssh")
        .options(["--secrets-dir", "{root}/dir"]);
    let plain =
        |launch: Launch| launch.file("dir/.dockerconfigjson", "of A").file("dir/.ssh/.key", "of B");
    let directory = plain(launch()).options(["--secrets-dir", "{root}/dir"]);
    let credentials = plain(launch()).env("CREDENTIALS_DIRECTORY", "{root}/dir");
    for launch in [volume, directory, credentials] {
        let outcome = launch.run();
        outcome.status(0).no_errors();
        assert_eq!(outcome.seen().text("A").as_deref(), Some("of A"));
        assert_eq!(outcome.seen().text("B").as_deref(), Some("of B"));
    }
}

#[test]
fn directories_are_taken_in_order() {
    let outcome = keyless()
        .file("one/other", "x")
        .file("two/JWT_SECRET", SECRET)
        .options(["--secrets-dir", "{root}/one", "--secrets-dir", "{root}/two"])
        .run();
    outcome.status(0);
    let launch = keyless()
        .file("one/JWT_SECRET", SECRET)
        .file("two/JWT_SECRET", SECRET)
        .env("NEXIS_LAUNCH_SECRETS_DIR", "{root}/two:{root}/one");
    from(launch, "secrets-dir", "{root}/two/JWT_SECRET");
}

#[test]
fn a_named_directory_replaces_the_defaults_and_other_files_in_it_are_no_matter() {
    keyless()
        .file("dir/JWT_SECRET", SECRET)
        .file("dir/unrelated", "\0binary")
        .dir("dir/subdirectory")
        .options(["--secrets-dir", "{root}/dir"])
        .run()
        .status(0)
        .no_errors();
}

#[test]
fn exactly_one_final_newline_is_taken_off() {
    for (ending, removed) in [("\n", true), ("\r\n", true), ("", false)] {
        let outcome = keyless()
            .file("jwt", format!("{SECRET}{ending}"))
            .env("JWT_SECRET_FILE", "{root}/jwt")
            .run();
        assert_eq!(outcome.status(0).seen().text("JWT_SECRET").as_deref(), Some(SECRET));
        let said = outcome.variable("JWT_SECRET")["newline_removed"].as_bool().unwrap_or(false);
        assert_eq!(said, removed, "{ending:?}");
    }
    for ending in ["\n\n", "\r\n\r\n", " \n", "\n\r", "\r"] {
        keyless()
            .file("jwt", format!("{SECRET}{ending}"))
            .env("JWT_SECRET_FILE", "{root}/jwt")
            .run()
            .status(78)
            .error("surrounding-space", "JWT_SECRET")
            .program_did_not_run();
    }
}

#[test]
fn a_newline_in_the_environment_is_not_taken_off() {
    keyless()
        .env("JWT_SECRET", format!("{SECRET}\n"))
        .run()
        .status(78)
        .error("surrounding-space", "JWT_SECRET")
        .program_did_not_run();
}

#[test]
fn a_kubernetes_volume_is_read_through_its_links() {
    let launch = keyless()
        .file("dir/..2026_11_22/jwt-secret", SECRET)
        .link("dir/..data", "..2026_11_22")
        .link("dir/jwt-secret", "..data/jwt-secret")
        .mode("dir", 0o1777)
        .mode("dir/..2026_11_22", 0o755)
        .mode("dir/..2026_11_22/jwt-secret", 0o644)
        .options(["--secrets-dir", "{root}/dir"]);
    let outcome = from(launch, "secrets-dir", "{root}/dir/jwt-secret");
    outcome.no_finding("insecure-permissions");
}

#[test]
fn docker_secrets_readable_by_everyone_raise_no_finding() {
    let launch = keyless()
        .file("dir/jwt_secret", SECRET)
        .mode("dir/jwt_secret", 0o444)
        .mode("dir", 0o755)
        .options(["--secrets-dir", "{root}/dir"]);
    from(launch, "secrets-dir", "{root}/dir/jwt_secret").no_finding("insecure-permissions");
}

#[test]
fn systemd_credentials_of_a_read_only_file_are_taken() {
    let launch = keyless()
        .file("creds/jwt-secret", SECRET)
        .mode("creds/jwt-secret", 0o440)
        .mode("creds", 0o550)
        .env("CREDENTIALS_DIRECTORY", "{root}/creds");
    let outcome = from(launch, "credential", "{root}/creds/jwt-secret");
    // The program may read further credentials itself.
    assert!(outcome.seen().var("CREDENTIALS_DIRECTORY").is_some());
}

#[test]
fn service_links_are_never_an_alias_part_or_setting() {
    let outcome = Launch::sound("production")
        .env("NEXIS_REDIS_PORT", "tcp://10.0.0.7:6379")
        .env("NEXIS_REDIS_SERVICE_HOST", "10.0.0.7")
        .env("NEXIS_REDIS_SERVICE_PORT", "6379")
        .env("NEXIS_REDIS_PORT_6379_TCP_ADDR", "10.0.0.7")
        .env("NEXIS_DATABASE_PORT", "udp://10.0.0.8:5432")
        .env("NEXIS_LAUNCH_SERVICE_HOST", "10.0.0.9")
        .env("NEXIS_LAUNCH_SERVICE_PORT_HTTP", "80")
        .env("NEXIS_LAUNCH_PORT", "tcp://10.0.0.9:80")
        .env("NEXIS_LAUNCH_PORT_80_TCP_PROTO", "tcp")
        .run();
    let seen = outcome.status(0).seen();
    outcome.no_finding("incomplete-template").no_finding("unknown-variable");
    assert_eq!(seen.text("NEXIS_REDIS_PORT").as_deref(), Some("tcp://10.0.0.7:6379"));
    assert_eq!(seen.text("NEXIS_REDIS_SERVICE_HOST").as_deref(), Some("10.0.0.7"));
    assert_eq!(seen.var("REDIS_URL"), None);
}

#[test]
fn a_real_port_beside_service_links_is_taken() {
    let seen = Launch::sound("production")
        .env("NEXIS_REDIS_HOST", "127.0.0.1")
        .env("NEXIS_REDIS_PORT", "6380")
        .run()
        .status(0)
        .seen();
    assert_eq!(seen.text("REDIS_URL").as_deref(), Some("redis://127.0.0.1:6380"));
}

#[test]
fn a_blank_source_counts_as_absent_and_the_next_supplies() {
    for blank in ["", " ", "\t\n", "\u{a0}"] {
        let outcome = keyless().env("NEXIS_JWT_SECRET", blank).env("JWT_SECRET", SECRET).run();
        assert_eq!(outcome.status(0).seen().text("JWT_SECRET").as_deref(), Some(SECRET));
        outcome.warning("blank-value", "JWT_SECRET");
    }
}

#[test]
fn a_blank_source_alone_is_an_error() {
    for blank in ["", "  ", "\n"] {
        keyless()
            .env("JWT_SECRET", blank)
            .run()
            .status(78)
            .error("blank-value", "JWT_SECRET")
            .program_did_not_run();
    }
}

#[test]
fn a_blank_file_is_no_empty_key() {
    for content in ["", "\n", "\r\n", "  \n"] {
        keyless()
            .file("jwt", content)
            .env("JWT_SECRET_FILE", "{root}/jwt")
            .run()
            .status(78)
            .error("blank-value", "JWT_SECRET")
            .program_did_not_run();
    }
}

#[test]
fn rust_log_may_be_blank() {
    let outcome = Launch::sound("production").env("RUST_LOG", "").run();
    outcome.status(0).no_finding("blank-value");
    assert_eq!(outcome.seen().text("RUST_LOG").as_deref(), Some(""));
}

/// In a mount namespace of its own, where /run is the test's: `script` fills it, then the launcher
/// starts the witness.
fn with_run(script: &str) -> Outcome {
    let script = format!("set -e; mount -t tmpfs none /run; {script}; exec \"$@\"");
    Launch::new()
        .args(["run", "--", "/usr/bin/unshare", "--user", "--map-root-user", "--mount", "/bin/sh"])
        .args(["-c", &script, "sh", env!("CARGO_BIN_EXE_nexis-launch"), "run", "--mode"])
        .args(["production", "--", "{witness}", "{dump}"])
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("NEXIS_CORS_ALLOW_ORIGINS", "https://app.nexis.example")
        .env("FIRST", SECRET)
        .env("SECOND", OTHER)
        .default_directories()
        .directly()
        .run()
}

#[test]
fn the_default_directories_are_searched_the_own_one_first() {
    let outcome = with_run(
        "mkdir -p /run/secrets/nexis; printf %s \"$FIRST\" >/run/secrets/nexis/jwt_secret; \
         printf %s \"$FIRST\" >/run/secrets/jwt_secret",
    );
    assert_eq!(outcome.status(0).seen().text("JWT_SECRET").as_deref(), Some(SECRET));
    assert_eq!(outcome.variable("JWT_SECRET")["source"]["name"], "/run/secrets/nexis/jwt_secret");
    let outcome = with_run(
        "mkdir -p /run/secrets/nexis; printf %s \"$FIRST\" >/run/secrets/nexis/jwt_secret; \
         printf %s \"$SECOND\" >/run/secrets/jwt_secret",
    );
    outcome.status(78).error("conflict", "JWT_SECRET").program_did_not_run();
    let outcome = with_run("mkdir -p /run/secrets; printf %s \"$FIRST\" >/run/secrets/jwt_secret");
    assert_eq!(outcome.variable("JWT_SECRET")["source"]["name"], "/run/secrets/jwt_secret");
}

#[test]
fn a_default_directory_that_is_missing_is_passed_over() {
    with_run(":").status(78).error("missing-required", "JWT_SECRET").program_did_not_run();
}

#[test]
fn a_file_on_a_read_only_mount_is_never_a_finding() {
    let outcome = with_run(
        "mkdir -p /run/secrets; mount -t tmpfs none /run/secrets; \
         printf %s \"$FIRST\" >/run/secrets/jwt_secret; chmod 666 /run/secrets/jwt_secret; \
         chmod 777 /run/secrets; mount -o remount,bind,ro /run/secrets",
    );
    outcome.status(0).seen();
    // In a user namespace the machine's own directories can have an unknown owner; not the mount.
    for finding in outcome.manifest()["findings"].as_array().unwrap() {
        let message = finding["message"].to_string();
        assert!(!message.contains("/run/secrets"), "{finding}");
    }
}

#[test]
fn a_value_of_nothing_but_invisible_characters_is_absent() {
    for value in ["\u{feff}", "\u{feff}\n", "\u{200b}\u{2060}"] {
        let outcome = Launch::sound("production").env("JWT_SECRET", value.repeat(16)).run();
        outcome.status(78).error("blank-value", "JWT_SECRET").program_did_not_run();
    }
}

/// Whoever wants no file and no pipe hands a file over that has no name (memfd_create(2)), or no more
/// one: its mode is 0777 and nobody else can reach it.
#[test]
fn a_file_without_a_name_is_read_by_its_descriptor() {
    use std::io::{Seek, Write};
    use std::os::fd::FromRawFd;
    #[allow(unsafe_code, reason = "it has no safe interface")]
    // SAFETY: a C string and no flags; the descriptor that is returned has no other owner.
    let mut memory = unsafe {
        let fd = libc::memfd_create(c"secret".as_ptr(), 0);
        assert!(fd >= 0);
        std::fs::File::from_raw_fd(fd)
    };
    memory.write_all(SECRET.as_bytes()).unwrap();
    memory.rewind().unwrap();
    let launch = |path: &str| keyless().env("JWT_SECRET_FILE", path);
    let outcome =
        launch("/proc/self/fd/9").descriptor(Descriptor::new(9, memory.try_clone().unwrap())).run();
    assert_eq!(outcome.status(0).seen().text("JWT_SECRET").as_deref(), Some(SECRET));
    // One that still has a name is judged by it.
    let launch = launch("/dev/fd/9").file("shared", SECRET).mode("shared", 0o666);
    let shared = std::fs::File::open(launch.root().join("shared")).unwrap();
    let outcome = launch.descriptor(Descriptor::new(9, shared)).run();
    outcome.status(78).error("insecure-permissions", "JWT_SECRET").program_did_not_run();
}
