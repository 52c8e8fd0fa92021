//! `check --deployment` over files that belong together: compose overrides, `extends` and
//! `include`, units with their drop-ins and environment files, Kubernetes objects in several files;
//! and a start under the program's own name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use serde_json::Value;

/// A check of files, as JSON; none of their texts may be seen where it is the canary.
fn of(files: &[(&str, &str)]) -> Launch {
    let launch = Launch::new().args(["check", "--format", "json", "--deployment"]);
    let named = files.iter().map(|(name, _)| format!("{{root}}/{name}"));
    with(launch.args(named).canary("canary-canary"), files)
}

/// Files that are there and not named.
fn with(launch: Launch, files: &[(&str, &str)]) -> Launch {
    files.iter().fold(launch, |launch, (name, text)| launch.file(name, text))
}

fn report(launch: Launch) -> Value {
    let outcome = launch.run();
    outcome.never_says("canary-canary").no_panic();
    serde_json::from_str(&outcome.out()).unwrap_or_else(|_| panic!("{outcome}"))
}

/// `FILE:LINE CODE VARIABLE` of each finding, then `FILE:LINE what variables` of what is not seen.
#[track_caller]
fn finds(launch: Launch, findings: &[&str], unseen: &[&str]) {
    let root = launch.root().display().to_string();
    let report = report(launch);
    let text = |it: &Value| match it {
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
        other => other.as_str().unwrap_or_default().replace(&format!("{root}/"), ""),
    };
    let all = |list: &str, keys: [&str; 2]| -> Vec<String> {
        let items = report[list].as_array().unwrap().iter();
        let line = |it: &Value| {
            let [first, second] = keys.map(|key| text(&it[key]));
            format!("{}:{} {first} {second}", text(&it["file"]), it["line"]).trim_end().to_owned()
        };
        items.map(line).collect()
    };
    assert_eq!(all("findings", ["code", "variable"]), findings, "{report:#}");
    assert_eq!(all("unseen", ["what", "variables"]), unseen, "{report:#}");
}

const BASE: &str =
    "services:\n  gw:\n    image: nexis-gateway:1\n    environment:\n      NEXIS_ENV: staging\n";
const SUPPLIED: &str =
    "services:\n  gw:\n    secrets: [jwt-secret]\nsecrets:\n  jwt-secret: {file: x}\n";

#[test]
fn an_override_adds_to_the_service_of_the_same_name() {
    finds(of(&[("a.yaml", BASE)]), &["a.yaml:2 missing-required JWT_SECRET"], &[]);
    finds(of(&[("a.yaml", BASE), ("b.yaml", SUPPLIED)]), &[], &[]);
    // Each finding stands in the file that says it, and what is overridden is not found.
    let first = "services:\n  gw:\n    image: nexis-gateway:latest\n    entrypoint: [nexis-gateway]\n    command: [x]\n    secrets: [jwt-secret]\n    environment:\n      - NEXIS_ENV=production\n      - NEXIS_LOG_LEVL=x\n      - JWT_SECRET=canary-canary\nsecrets: {jwt-secret: {file: x}}\n";
    let second = "services:\n  gw:\n    image: nexis-gateway:1\n    entrypoint: [nexis-launch, run, --]\n    environment:\n      NEXIS_ENV: staging\n      JWT_SECRET: ${JWT_SECRET:-}\n";
    let expected = ["a.yaml:9 unknown-variable NEXIS_LOG_LEVL", "b.yaml:7 blank-value JWT_SECRET"];
    finds(of(&[("a.yaml", first), ("b.yaml", second)]), &expected, &[]);
    // The order on the command line is the order of the merge.
    let expected = [
        "a.yaml:3 unpinned-image",
        "a.yaml:4 launcher-missing",
        "a.yaml:9 unknown-variable NEXIS_LOG_LEVL",
        "a.yaml:10 plaintext-secret JWT_SECRET",
    ];
    let report = report(of(&[("b.yaml", second), ("a.yaml", first)]));
    let codes: Vec<_> =
        report["findings"].as_array().unwrap().iter().map(|it| &it["code"]).collect();
    assert!(!codes.iter().any(|code| *code == "blank-value"), "{codes:?}");
    for line in expected {
        assert!(codes.iter().any(|code| line.contains(code.as_str().unwrap())), "{line} {codes:?}");
    }
}

#[test]
fn an_override_elsewhere_is_for_the_file_before_it_and_a_whole_file_stands_for_itself() {
    finds(of(&[("a.yaml", BASE), ("deploy/b.yaml", SUPPLIED)]), &[], &[]);
    let whole = BASE.replace("gateway:1", "gateway:latest");
    let expected = [
        "a.yaml:2 missing-required JWT_SECRET",
        "other/a.yaml:2 missing-required JWT_SECRET",
        "other/a.yaml:3 unpinned-image",
    ];
    finds(of(&[("a.yaml", BASE), ("other/a.yaml", &whole)]), &expected, &[]);
}

#[test]
fn reset_and_override_take_away_what_stood_before() {
    let first = "services:\n  gw:\n    image: nexis-gateway:1\n    entrypoint: [nexis-gateway]\n    secrets: [jwt-secret]\n    environment: {NEXIS_ENV: staging, JWT_SECRET: canary-canary, NEXIS_LOG_LEVL: x}\nsecrets: {jwt-secret: {file: x}}\n";
    let reset = "services:\n  gw:\n    entrypoint: !reset []\n    environment:\n      JWT_SECRET: !reset null\n      NEXIS_LOG_LEVL: !reset canary-canary\n";
    finds(of(&[("a.yaml", first), ("b.yaml", reset)]), &[], &[]);
    let replaced = "services:\n  gw:\n    entrypoint: !reset null\n    environment: !override {NEXIS_ENV: staging}\n    secrets: !override []\n";
    let expected = ["a.yaml:2 missing-required JWT_SECRET"];
    finds(of(&[("a.yaml", first), ("b.yaml", replaced)]), &expected, &[]);
}

#[test]
fn a_service_has_what_it_extends() {
    let same = "services:\n  base:\n    image: nexis-gateway:1\n    environment: {NEXIS_ENV: staging}\n    secrets: [jwt-secret]\n  gw:\n    extends: base\n    environment: {NEXIS_LOG_LEVL: x}\nsecrets: {jwt-secret: {file: x}}\n";
    finds(of(&[("a.yaml", same)]), &["a.yaml:8 unknown-variable NEXIS_LOG_LEVL"], &[]);
    // Of another file, which has an env file beside it, and extends a third.
    let other = "services:\n  gw:\n    extends: {file: base/b.yaml, service: base}\n    secrets: [jwt-secret]\nsecrets: {jwt-secret: {file: x}}\n";
    let base = "services:\n  base:\n    extends: {file: ../c.yaml, service: c}\n    image: nexis-gateway:1\n    env_file: b.env\n";
    let last =
        "services:\n  c:\n    environment: {NEXIS_ENV: staging, OPENAI_API_KEY: canary-canary}\n";
    let launch = with(
        of(&[("a.yaml", other)]),
        &[("base/b.yaml", base), ("base/b.env", "NEXIS_LOG_LEVL=x\n"), ("c.yaml", last)],
    );
    // Both are read, and found where they stand.
    let expected = [
        "base/b.yaml:5 unknown-variable NEXIS_LOG_LEVL",
        "c.yaml:3 plaintext-secret OPENAI_API_KEY",
    ];
    finds(launch, &expected, &[]);
}

#[test]
fn what_a_service_extends_and_is_not_there_is_said() {
    let text = "services:\n  gw:\n    image: nexis-gateway:1\n    environment: {NEXIS_ENV: staging}\n    extends: {file: 'FILE', service: base}\n";
    for file in ["absent.yaml", "${X}/a.yaml", "/"] {
        let launch = of(&[("a.yaml", &text.replace("FILE", file))]);
        finds(launch, &[], &["a.yaml:5 the service that it extends JWT_SECRET"]);
    }
    for (text, line, what) in [
        ("services:\n  a: {image: x, extends: b}\n", 2, "it extends a service that is not there"),
        ("services:\n  a: {extends: b}\n  b: {extends: a}\n", 2, "a service that extends itself"),
        ("services:\n  a: {extends: a}\n", 2, "a service that extends itself"),
        (
            "services:\n  a: {extends: {file: a.yaml, service: a}}\n",
            2,
            "a service that extends itself",
        ),
    ] {
        let outcome = of(&[("a.yaml", text)]).run();
        outcome.status(65).no_panic().says(&format!("a.yaml line {line}: {what}"));
        assert_eq!(outcome.out(), "");
    }
    // A chain that no one writes ends, too.
    let mut chain = "services:\n  s0: {image: nexis-gateway:1}\n".to_owned();
    for n in 1..5000 {
        chain.push_str(&format!("  s{n}: {{extends: s{}}}\n", n - 1));
    }
    of(&[("a.yaml", &chain)]).run().status(65).no_panic().says("extends too many others");
}

#[test]
fn services_do_not_multiply_without_bounds() {
    // A file of 60 kB that says a million and a half variables.
    let entries: String = (0..500).map(|n| format!("      A{n}: x\n")).collect();
    let mut text =
        format!("services:\n  base:\n    image: nexis-gateway:1\n    environment:\n{entries}");
    (0..3000).for_each(|n| text.push_str(&format!("  s{n}: {{extends: base}}\n")));
    let outcome = of(&[("a.yaml", &text)]).run();
    outcome.status(65).no_panic().says("too many variables and files from here on");
    assert_eq!(outcome.out(), "");
}

#[test]
fn included_files_are_projects_of_their_own() {
    let top = "include:\n  - sub/compose.yaml\n  - path: [sub/b.yaml, sub/c.yaml]\n  - absent.yaml\nservices:\n  db: {image: postgres:17}\n";
    let faulty = "services:\n  gw:\n    image: nexis-gateway:1\n    environment: {NEXIS_ENV: staging}\n    secrets: [jwt-secret]\n";
    let b = BASE.replace("gw:", "gw2:").replace("gateway:1", "gateway:latest");
    let c = SUPPLIED.replace("gw:", "gw2:");
    let launch = with(
        of(&[("a.yaml", &format!("{top}secrets: {{jwt-secret: {{file: x}}}}\n"))]),
        &[("sub/compose.yaml", faulty), ("sub/b.yaml", &b), ("sub/c.yaml", &c)],
    );
    // The secret of the including file is not the included one's.
    let expected =
        ["sub/compose.yaml:2 missing-required JWT_SECRET", "sub/b.yaml:3 unpinned-image"];
    finds(launch, &expected, &["a.yaml:4 a compose file"]);
    // What is no compose file is not checked as what it is, and one without services lacks nothing.
    let env = "NEXIS_LOG_LEVL=x\nOPENAI_API_KEY=canary-canary\n";
    let launch = with(
        of(&[("a.yaml", &format!("include: [x.env, k.yaml, n.yaml]\n{BASE}"))]),
        &[
            ("x.env", env),
            ("k.yaml", "apiVersion: v1\nkind: Secret\nstringData: {jwt-secret: changeme}\n"),
            ("n.yaml", "networks: {back: {}}\n"),
        ],
    );
    let unseen = ["a.yaml:1 a compose file", "a.yaml:1 a compose file"];
    finds(launch, &["a.yaml:3 missing-required JWT_SECRET"], &unseen);
    // A circle ends.
    let launch = with(
        of(&[("a.yaml", "include: [b.yaml]\n")]),
        &[("b.yaml", &format!("include: [a.yaml]\n{BASE}"))],
    );
    finds(launch, &["b.yaml:3 missing-required JWT_SECRET"], &[]);
}

#[test]
fn what_a_compose_file_refers_to_is_read_only_where_it_is_a_file() {
    let text = format!("include: [/dev/zero, /dev/full, pipe, /etc]\n{BASE}");
    let launch = of(&[("a.yaml", &text)]);
    let pipe = launch.root().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let outcome = launch.run();
    outcome.status(78).no_panic();
    assert!(outcome.out().contains("missing-required"), "{outcome}");
    assert_eq!(outcome.out().matches("a compose file").count(), 4, "{outcome}");
    // One that is no compose file says with its line what is wrong and none of its text.
    let text = format!("include: [secret]\n{BASE}");
    let outcome =
        with(of(&[("a.yaml", &text)]), &[("secret", "root:canary-canary:0:\n\t- x")]).run();
    outcome.status(65).never_says("canary-canary").no_panic();
}

const UNIT: &str =
    "[Service]\nEnvironment=NEXIS_ENV=staging\nExecStart=nexis-launch run -- nexis-gateway\n";

#[test]
fn drop_ins_count_by_the_order_of_their_names() {
    let later = "[Service]\nEnvironment=NEXIS_LOG_LEVL=x\nLoadCredential=\n";
    let sooner = "[Service]\nLoadCredential=jwt-secret\n";
    let launch = of(&[
        ("gw.service.d/20.conf", later),
        ("gw.service.d/10.conf", sooner),
        ("gw.service", UNIT),
    ]);
    let expected = [
        "gw.service:2 missing-required JWT_SECRET",
        "gw.service.d/20.conf:2 unknown-variable NEXIS_LOG_LEVL",
    ];
    let report = report(launch);
    assert_eq!(report["findings"].as_array().unwrap().len(), expected.len(), "{report:#}");
    let launch = of(&[
        ("gw.service.d/10.conf", later),
        ("gw.service.d/20.conf", sooner),
        ("gw.service", UNIT),
    ]);
    finds(launch, &["gw.service.d/10.conf:2 unknown-variable NEXIS_LOG_LEVL"], &[]);
}

#[test]
fn drop_ins_are_for_the_units_that_systemd_takes_them_for() {
    let jwt = "[Service]\nLoadCredential=jwt-secret\n";
    for (unit, directory, supplied) in [
        ("gw@eu.service", "gw@.service.d", true),
        ("gw-eu.service", "gw-.service.d", true),
        ("gw.service", "service.d", true),
        ("gw.service", "other.service.d", false),
        ("gw.service", "gw.socket.d", false),
    ] {
        let drop_in = format!("{directory}/a.conf");
        let report = report(of(&[(unit, UNIT), (&drop_in, jwt)]));
        let missing = !report["findings"].as_array().unwrap().is_empty();
        assert_eq!(missing, !supplied, "{unit} {directory} {report:#}");
    }
    // Two hosts with a unit of one name.
    let launch =
        of(&[("a/gw.service", UNIT), ("b/gw.service", UNIT), ("a/gw.service.d/x.conf", jwt)]);
    finds(launch, &["b/gw.service:2 missing-required JWT_SECRET"], &[]);
}

#[test]
fn the_environment_of_a_unit_is_put_together_as_systemd_does() {
    let unit = |lines: &str| format!("{UNIT}LoadCredential=jwt-secret\n{lines}");
    let launch = |lines: &str, files: &[(&str, &str)]| {
        let unit = unit(lines);
        let mut all = vec![("gw.service", unit.as_str())];
        all.extend(files);
        of(&all)
    };
    // What a file sets wins over what the unit sets, wherever the lines stand.
    let env = [("gw.env", "NEXIS_ENV=production\n")];
    let lines = "EnvironmentFile=/etc/nexis/gw.env\nEnvironment=NEXIS_ENV=staging\n";
    finds(launch(lines, &env), &["gw.service:2 missing-required NEXIS_CORS_ALLOW_ORIGINS"], &[]);
    // The unit knows the host's path, the repository the file's name; of two it could be either.
    let two = [("a/gw.env", ""), ("b/gw.env", "")];
    let report_of = report(launch(lines, &two));
    assert_eq!(report_of["unseen"].as_array().unwrap().len(), 1, "{report_of:#}");
    // An empty assignment forgets the files, a name that is unset is not set.
    finds(launch(&format!("{lines}EnvironmentFile=\n"), &[]), &[], &[]);
    finds(launch("Environment=NEXIS_LOG_LEVL=x\nUnsetEnvironment=NEXIS_LOG_LEVL\n", &[]), &[], &[]);
    finds(
        launch(
            "Environment=A=b\nEnvironment=NEXIS_LOG_LEVL=x\nEnvironment=\nEnvironment=NEXIS_ENV=staging\n",
            &[],
        ),
        &[],
        &[],
    );
    // A mode that is the instance's is not known.
    finds(launch("Environment=NEXIS_ENV=%i NEXIS_CORS_ALLOW_ORIGINS=x\n", &[]), &[], &[]);
}

#[test]
fn a_helper_that_stands_alone_is_not_taken_for_the_program() {
    let helper = "[Service]\nType=oneshot\nExecStart=systemctl restart nexis-gateway.service\n";
    finds(of(&[("helper.service", helper)]), &["helper.service:1 nothing-to-check"], &[]);
    // One that starts the program is.
    let job = "[Service]\nType=oneshot\nExecStart=nexis-gateway migrate\n";
    let report = report(of(&[("job.service", job)]));
    assert!(report["findings"].to_string().contains("launcher-missing"), "{report:#}");
    // A service that stands alone is meant, whatever it starts.
    let service = "[Service]\nEnvironment=NEXIS_ENV=development\nExecStart=/opt/other\n";
    finds(of(&[("other.service", service)]), &["other.service:3 launcher-missing"], &[]);
}

#[test]
fn a_secret_is_looked_for_in_its_own_namespace_and_in_every_file() {
    let secret = |namespace: &str, key: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: s, namespace: {namespace}}}\nstringData: {{{key}: c4a1b2-canary-canary-9f8e7d6c5b4a3f2e1d0c}}\n"
        )
    };
    let pod = |namespace: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: gw, namespace: {namespace}}}\nspec:\n  enableServiceLinks: false\n  containers:\n  - image: nexis-gateway:1\n    args: [--mode, staging]\n    volumeMounts: [{{name: v, mountPath: /run/secrets}}]\n  volumes: [{{name: v, secret: {{secretName: s}}}}]\n"
        )
    };
    let files = |first: &str, second: &str, pod: &str| {
        of(&[("1.yaml", pod), ("2.yaml", first), ("3.yaml", second)])
    };
    let (a, b) = (secret("a", "jwt-secret"), secret("b", "other"));
    finds(files(&a, &b, &pod("a")), &[], &[]);
    finds(files(&b, &a, &pod("a")), &[], &[]);
    finds(files(&a, &b, &pod("b")), &["1.yaml:7 missing-required JWT_SECRET"], &[]);
    // Without a namespace it is the one of whoever applies it.
    finds(files(&a, &b, &pod("null")), &[], &[]);
    // That of a third namespace is not there, and could hold anything.
    finds(files(&a, &b, &pod("c")), &[], &[]);
}

#[test]
fn the_programs_own_name_is_the_launcher_where_a_setting_of_the_launchers_says_so() {
    let unit = |command: &str, lines: &str| {
        format!(
            "[Service]\nEnvironment=NEXIS_ENV=staging\nLoadCredential=jwt-secret\nEnvironment=NEXIS_JWT_ISSUER=x\n{lines}ExecStart={command}\n"
        )
    };
    let said = "Environment=NEXIS_LAUNCH_INHERIT=contract\n";
    let note = ["gw.service:6 the link from this name to nexis-launch"];
    for command in [
        "nexis-gateway --port 1",
        "/usr/local/bin/nexis-gateway",
        "/usr/bin/env nexis-gateway",
        "/bin/sh -c 'exec nexis-gateway'",
    ] {
        finds(of(&[("gw.service", &unit(command, said))]), &[], &note);
        let report = report(of(&[("gw.service", &unit(command, ""))]));
        let codes: Vec<_> =
            report["findings"].as_array().unwrap().iter().map(|it| &it["code"]).collect();
        assert_eq!(codes, ["not-mapped", "launcher-missing"], "{report:#}");
        let message = report["findings"][1].to_string();
        assert!(
            message.contains("a name that can lead to the launcher or to the program"),
            "{message}"
        );
        assert!(message.contains("NEXIS_LAUNCH_INHERIT=contract"), "{message}");
    }
    // The path that the contract has for the name is the program and never the launcher.
    for command in [
        "/opt/nexis/bin/nexis-gateway",
        "/usr/bin/env /opt/nexis/bin/nexis-gateway",
        "/usr/bin/other nexis-gateway",
        "/usr/bin/nexis-gateway-2",
    ] {
        let report = report(of(&[("gw.service", &unit(command, said))]));
        let found = report["findings"].to_string();
        assert!(found.contains("launcher-missing"), "{command} {report:#}");
        assert!(!found.contains("a name that can lead"), "{command} {report:#}");
        assert_eq!(report["unseen"].as_array().unwrap().len(), 0, "{report:#}");
    }
}

#[test]
fn line_ends_and_byte_order_marks_of_other_systems_change_nothing() {
    let compose = BASE.to_owned() + "    secrets: [jwt-secret]\nsecrets: {jwt-secret: {file: x}}\n";
    let unit = format!("{UNIT}LoadCredential=\\\n  jwt-secret\nEnvironment=NEXIS_LOG_LEVL=x\n");
    let env = "NEXIS_ENV=staging\nNEXIS_LOG_LEVL=x\nJWT_SECRET=\n";
    for (crlf, mark) in [(true, false), (false, true), (true, true)] {
        let with = |text: &str| {
            let text = if crlf { text.replace('\n', "\r\n") } else { text.to_owned() };
            if mark { format!("\u{feff}{text}") } else { text }
        };
        finds(of(&[("a.yaml", &with(&compose))]), &[], &[]);
        finds(
            of(&[("gw.service", &with(&unit))]),
            &["gw.service:6 unknown-variable NEXIS_LOG_LEVL"],
            &[],
        );
        // Blank in a template is to be filled in.
        finds(of(&[("gw.env", &with(env))]), &["gw.env:2 unknown-variable NEXIS_LOG_LEVL"], &[]);
    }
}

#[test]
fn shared_and_merged_mappings_of_an_override_keep_their_lines() {
    let first = "x-env: &env {NEXIS_ENV: staging, JWT_SECRET: canary-canary}\nservices:\n  gw:\n    image: nexis-gateway:1\n    environment:\n      <<: *env\n      NEXIS_LOG_LEVL: x\n";
    let second = "x-gone: &gone\n  JWT_SECRET: ${JWT_SECRET:?}\nservices:\n  gw:\n    environment: {<<: *gone, NEXIS_LOG_LEVL: !reset null}\n";
    finds(
        of(&[("a.yaml", first), ("b.yaml", second)]),
        &["b.yaml:2 secret-in-environment JWT_SECRET"],
        &[],
    );
}

#[test]
fn a_path_with_control_characters_is_shown_escaped() {
    let launch = of(&[("a.yaml", &format!("include: [\"b\\e[31m.yaml\"]\n{BASE}"))]);
    let outcome =
        with(launch, &[("b\u{1b}[31m.yaml", "services: {a: {image: x}\ncanary-canary\n")]).run();
    outcome.status(65).never_says("\u{1b}").never_says("canary-canary").no_panic();
}

#[test]
fn a_pods_command_by_the_programs_own_name_is_judged_the_same() {
    let pod = |data: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nspec:\n  enableServiceLinks: false\n  containers:\n  - image: nexis-gateway:1\n    command: [nexis-gateway]\n    env: [{{name: NEXIS_ENV, value: staging}}]\n    envFrom: [{{configMapRef: {{name: c}}}}]\n    volumeMounts: [{{name: v, mountPath: /run/secrets}}]\n  volumes: [{{name: v, secret: {{secretName: s}}}}]\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndata: {{{data}}}\n"
        )
    };
    let said = pod("NEXIS_LAUNCH_INHERIT: contract");
    finds(of(&[("pod.yaml", &said)]), &[], &["pod.yaml:7 the link from this name to nexis-launch"]);
    finds(of(&[("pod.yaml", &pod("RUST_LOG: info"))]), &["pod.yaml:7 launcher-missing"], &[]);
}

#[test]
fn a_local_env_file_that_is_too_large_is_not_seen_and_never_half_of_it() {
    let compose = "services: {a: {image: 'nexis-gateway:1', env_file: local.env}}\n";
    let local = |fill: usize| {
        let fixed = "NEXIS_ENV=production\n";
        let text = format!("{fixed}#{}\nJWT_SECRET=x\n", "x".repeat(fill - fixed.len() - 15));
        (text.len(), with(of(&[("compose.yaml", compose)]), &[("local.env", &text)]))
    };
    let (length, whole) = local(1 << 20);
    assert_eq!(length, 1 << 20);
    let unseen = |launch: Launch| report(launch)["unseen"].clone();
    assert_eq!(unseen(whole), Value::Array(Vec::new()));
    let told = unseen(local((1 << 20) + 1).1);
    assert_eq!(told[0]["what"], "an env file", "{told}");
    let variables = told[0]["variables"].as_array().unwrap();
    assert!(variables.contains(&"JWT_SECRET".into()), "{told}");
}
