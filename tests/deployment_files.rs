//! What `check --deployment` makes of single files: how each kind supplies a variable, what cannot
//! be told, what is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use serde_json::Value;

/// A check of one file, as JSON.
fn of(name: &str, text: &str) -> Launch {
    let path = format!("{{root}}/{name}");
    Launch::new()
        .args(["check", "--format", "json", "--deployment"])
        .args([path])
        .file(name, text)
        .canary("canary-canary")
}

/// Line, code and variable of each finding.
fn found(launch: Launch) -> Vec<(u64, String, String)> {
    let outcome = launch.run();
    outcome.never_says("canary-canary");
    let report: Value =
        serde_json::from_str(&outcome.out()).unwrap_or_else(|_| panic!("{outcome}"));
    let text = |it: &Value, key: &str| it[key].as_str().unwrap_or_default().to_owned();
    let findings = report["findings"].as_array().unwrap();
    let one = |it: &Value| (it["line"].as_u64().unwrap(), text(it, "code"), text(it, "variable"));
    findings.iter().map(one).collect()
}

#[track_caller]
fn finds(launch: Launch, expected: &[(u64, &str, &str)]) {
    let found = found(launch);
    let found: Vec<_> = found.iter().map(|(line, code, name)| (*line, &**code, &**name)).collect();
    assert_eq!(found, expected);
}

/// A service to which a test adds lines from line 6 on.
fn service(lines: &str) -> Launch {
    let begin =
        "services:\n  a:\n    image: nexis-gateway:1\n    environment:\n      NEXIS_ENV: staging\n";
    of("compose.yaml", &format!("{begin}{lines}"))
}

/// A pod whose container a test gives lines from line 8 on.
fn pod(lines: &str) -> Launch {
    let begin = "apiVersion: v1\nkind: Pod\nspec:\n  enableServiceLinks: false\n  containers:\n  - image: nexis-gateway:1\n    args: [--mode, staging]\n";
    of("pod.yaml", &format!("{begin}{lines}"))
}

/// A unit to which a test adds lines from line 4 on.
fn unit(lines: &str) -> Launch {
    let begin = "[Service]\nEnvironment=NEXIS_ENV=staging\nExecStart=/bin/nexis-launch run -- /bin/nexis-gateway\n";
    of("nexis.service", &format!("{begin}{lines}"))
}

const MISSING: (&str, &str) = ("missing-required", "JWT_SECRET");

#[test]
fn a_service_is_supplied_by_what_compose_mounts_and_nothing_else() {
    finds(service(""), &[(2, MISSING.0, MISSING.1)]);
    let top = "secrets:\n  jwt-secret: {file: x}\n  k: {file: x}\n";
    finds(service(&format!("    secrets: [jwt-secret]\n{top}")), &[]);
    finds(service(&format!("    secrets: [{{source: k, target: jwt_secret}}]\n{top}")), &[]);
    finds(
        service(&format!(
            "    secrets: [{{source: k, target: /run/secrets/nexis/JWT_SECRET}}]\n{top}"
        )),
        &[],
    );
    finds(service(&format!("    secrets: [k]\n{top}")), &[(2, MISSING.0, MISSING.1)]);
    finds(service("    secrets: [jwt-secret]\n"), &[(2, MISSING.0, MISSING.1)]);
    finds(service("    volumes: ['./s:/run/secrets/nexis:ro']\n"), &[]);
    finds(service("    volumes: ['./s:/etc/nexis:ro']\n"), &[(2, MISSING.0, MISSING.1)]);
    for volume in
        ["${S:-./s}:/run/secrets/nexis:ro", "${S:?set S}:${T:-/run/secrets/nexis}", "${S}:${T}"]
    {
        finds(service(&format!("    volumes: ['{volume}']\n")), &[]);
    }
    finds(
        service("    volumes: ['${S:-/a:/run/secrets/nexis}:/etc/nexis']\n"),
        &[(2, MISSING.0, MISSING.1)],
    );
    let top = "configs:\n  k: {file: x}\n";
    let to =
        |target: &str| service(&format!("    configs: [{{source: k, target: {target}}}]\n{top}"));
    finds(to("/run/secrets/jwt-secret"), &[]);
    finds(to("/jwt-secret"), &[(2, MISSING.0, MISSING.1)]);
    finds(
        service("      NEXIS_LAUNCH_SECRETS_DIR: /x:/etc/nexis\n    volumes: ['./s:/etc/nexis']\n"),
        &[],
    );
    finds(service("      NEXIS_JWT_SECRET_FILE: /x\n"), &[]);
}

#[test]
fn a_pod_is_supplied_by_volumes_that_the_launcher_looks_into() {
    let volume = |name: &str, path: &str, items: &str| {
        pod(&format!(
            "    volumeMounts: [{{name: v, mountPath: {path}}}]\n  volumes:\n  - name: v\n    secret: {{secretName: {name}{items}}}\n---\napiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData: {{k: canary-canary}}\n"
        ))
    };
    let missing = &[(6, MISSING.0, MISSING.1)][..];
    finds(pod(""), missing);
    finds(volume("unseen", "/run/secrets", ""), &[]);
    finds(volume("unseen", "/etc/secrets", ""), missing);
    let kind = |kind: &str, also: &str| {
        pod(&format!(
            "    volumeMounts: [{{name: v, mountPath: /run/secrets/nexis}}]\n{also}  volumes:\n  - {{name: v, {kind}}}\n"
        ))
    };
    for supplied in ["csi", "hostPath", "persistentVolumeClaim", "nfs", "ephemeral"] {
        finds(kind(&format!("{supplied}: {{}}"), ""), &[]);
    }
    finds(kind("downwardAPI: {}", ""), missing);
    let other = |mount: &str| {
        format!(
            "  initContainers:\n  - {{name: agent, image: 'agent:1', volumeMounts: [{{name: {mount}, mountPath: /out}}]}}\n"
        )
    };
    finds(kind("emptyDir: {}", ""), missing);
    finds(kind("emptyDir: {}", &other("w")), missing);
    finds(kind("emptyDir: {}", &other("v")), &[]);
    finds(volume("s", "/run/secrets", ""), missing);
    finds(volume("s", "/run/secrets", ", items: [{key: k, path: jwt-secret}]"), &[]);
    finds(volume("s", "/run/secrets", ", items: [{key: absent, path: jwt-secret}]"), missing);
    let optional = |word: &str| {
        pod(&format!(
            "    env:\n    - name: JWT_SECRET\n      valueFrom: {{secretKeyRef: {{name: s, key: k2{word}}}}}\n---\napiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData: {{k: x}}\n"
        ))
    };
    finds(optional(""), &[(9, MISSING.0, MISSING.1)]);
    finds(optional(", optional: true"), missing);
}

#[test]
fn a_unit_is_supplied_by_credentials_and_environment_files() {
    finds(unit(""), &[(2, MISSING.0, MISSING.1)]);
    finds(unit("LoadCredential=jwt-secret:/x\n"), &[]);
    finds(unit("LoadCredentialEncrypted=nexis-jwt-secret:/x\n"), &[]);
    finds(unit("LoadCredential=jwt:/x\n"), &[(2, MISSING.0, MISSING.1)]);
    finds(unit("PassEnvironment=JWT_SECRET\n"), &[(4, "secret-in-environment", "JWT_SECRET")]);
    finds(unit("SetCredential=jwt-secret:changeme\n"), &[(4, "placeholder", "JWT_SECRET")]);
    // A directory of the host that the unit names itself; of credentials it says what there is.
    let names = |dir: &str| {
        unit(&format!(
            "ExecStart=\nExecStart=/bin/nexis-launch run --secrets-dir {dir} -- /bin/nexis-gateway\n"
        ))
    };
    finds(names("/etc/nexis/secrets"), &[]);
    finds(unit("Environment=NEXIS_LAUNCH_SECRETS_DIR=/etc/nexis/secrets\n"), &[]);
    for dir in ["%d", "${CREDENTIALS_DIRECTORY}", "/run/credentials/nexis.service"] {
        finds(names(dir), &[(2, MISSING.0, MISSING.1)]);
    }
    finds(unit("BindReadOnlyPaths=/etc/nexis/secrets:/run/secrets/nexis\n"), &[]);
    finds(unit("BindPaths=-/run/secrets/nexis /srv\n"), &[]);
    finds(unit("BindPaths=/run/secrets/nexis:/srv\n"), &[(2, MISSING.0, MISSING.1)]);
    let launch = unit("EnvironmentFile=-/etc/nexis/env\n").run();
    launch.status(0);
    let report: Value = serde_json::from_str(&launch.out()).unwrap();
    assert_eq!(report["unseen"][0]["line"], 4);
    assert_eq!(report["unseen"][0]["variables"], serde_json::json!(["JWT_SECRET"]));
}

#[test]
fn an_env_file_that_is_named_is_judged_and_a_local_one_only_counted() {
    let text = "services:\n  a:\n    image: nexis-gateway:1\n    env_file: [gw.env]\n";
    let values = "NEXIS_ENV=staging\nJWT_SECRET=canary-canary\nNEXIS_LOG_LEVL=x\n";
    let local = || of("compose.yaml", text).file("gw.env", values);
    // The names of the local file are said where it is referred to.
    finds(local(), &[(4, "unknown-variable", "NEXIS_LOG_LEVL")]);
    let expected =
        [(2, "plaintext-secret", "JWT_SECRET"), (3, "unknown-variable", "NEXIS_LOG_LEVL")];
    finds(local().args(["{root}/gw.env"]), &expected);
    // Of a name alone compose passes its own value on.
    let passed_on = |values: &str| of("compose.yaml", text).file("gw.env", values);
    finds(passed_on("NEXIS_ENV=staging\nJWT_SECRET\n"), &[]);
    finds(passed_on("NEXIS_ENV=staging\nJWT SECRET\n"), &[(2, "missing-required", "JWT_SECRET")]);
}

/// What is mounted beside or below the files that the launcher looks for supplies none of them.
#[test]
fn a_mount_supplies_what_could_stand_in_it_and_nothing_else() {
    let missing = [(2, MISSING.0, MISSING.1)];
    let mount = |volume: &str| service(&format!("    volumes: [{volume}]\n"));
    for volume in [
        "'./x.pem:/run/secrets/x.pem'",
        "'./certs:/run/secrets/certs:ro'",
        "'./certs:/run/secrets/nexis/certs:ro'",
        "{type: tmpfs, target: /run/secrets}",
    ] {
        finds(mount(volume), &missing);
    }
    for volume in
        ["'./s:/run/secrets'", "'./s:/run/secrets/nexis'", "'./k:/run/secrets/JWT_SECRET'"]
    {
        finds(mount(volume), &[]);
    }
    let pod = |path: &str| {
        let volume = "  volumes: [{name: v, csi: {driver: x}}]\n";
        pod(&format!("    volumeMounts: [{{name: v, mountPath: {path}}}]\n{volume}"))
    };
    finds(pod("/run/secrets/tls"), &[(6, MISSING.0, MISSING.1)]);
    finds(pod("/run/secrets/kubernetes.io/x"), &[(6, MISSING.0, MISSING.1)]);
    finds(pod("/run/secrets/jwt-secret"), &[]);
    finds(pod("/run/secrets"), &[]);
    // A contract may look below its directories.
    let contract = "version: 1\nname: nexis-gateway\nvariables:\n  - {name: NEXIS_ENV, format: {kind: mode}}\n  - {name: A, secret: true, required: always, files: [deep/er/a]}\n  - {name: B, secret: true, required: always}\n";
    for (path, expected) in [
        ("/run/secrets/deep", &[(6, "missing-required", "B")][..]),
        ("/run/secrets/deep/er", &[(6, "missing-required", "B")]),
        ("/run/secrets/dee", &[(6, "missing-required", "A"), (6, "missing-required", "B")]),
        ("/run/secrets", &[]),
    ] {
        let launch = pod(path).args(["--contract", "{root}/own.yaml"]);
        finds(launch.file("own.yaml", contract), expected);
    }
}

/// At launch it is as if it were not there.
#[test]
fn a_blank_reference_to_a_file_supplies_nothing() {
    let found = [(6, "blank-value", "JWT_SECRET")];
    finds(service("      JWT_SECRET_FILE: ''\n"), &found);
    finds(unit("Environment=NEXIS_JWT_SECRET_FILE=\n"), &[(4, "blank-value", "JWT_SECRET")]);
    finds(service("      JWT_SECRET_FILE: /run/secrets/x\n"), &[]);
    service("      JWT_SECRET_FILE: ''\n").run().status(78);
}

#[test]
fn an_anchored_mapping_is_judged_where_it_stands_and_once() {
    let text = "x: &x\n  NEXIS_ENV: staging\n  JWT_SECRET: ${JWT_SECRET:-}\nservices:\n  a: {image: 'nexis-gateway:1', environment: {<<: *x}}\n  b: {image: 'nexis-gateway:1', environment: *x}\n  c:\n    image: nexis-gateway:1\n    environment: {<<: *x, JWT_SECRET: canary-canary}\n";
    finds(
        of("compose.yaml", text),
        &[(3, "blank-value", "JWT_SECRET"), (9, "plaintext-secret", "JWT_SECRET")],
    );
}

#[test]
fn the_launcher_is_found_in_scripts_and_behind_an_init() {
    let jwt = "    secrets: [jwt-secret]\n";
    let top = "secrets: {jwt-secret: {file: x}}\n";
    for (entrypoint, expected) in [
        ("[nexis-launch, run, --, nexis-gateway]", 0),
        ("[/usr/bin/tini, --, /opt/nexis-launch, run, --]", 0),
        ("sh -c 'exec nexis-launch run -- nexis-gateway'", 0),
        ("[sh, -c, 'migrate && exec nexis-launch run -- nexis-gateway']", 0),
        ("nexis-gateway", 1),
        ("[sh, -c, 'exec nexis-gateway']", 1),
        ("[sh, -c, 'exec nexis-launcher']", 1),
        // The launcher stands there, and the program is started beside it.
        ("[sh, -c, 'nexis-launch check && /opt/nexis/bin/nexis-gateway']", 1),
        ("[sh, -c, 'nexis-launch check; exec /opt/nexis/bin/nexis-gateway']", 1),
        ("[sh, -c, 'nexis-launch run -- nexis-gateway || /opt/nexis/bin/nexis-gateway']", 1),
        ("[sh, -c, '/opt/nexis/bin/nexis-gateway # nexis-launch run']", 1),
        ("[nexis-launch, run, /opt/nexis/bin/nexis-gateway]", 1),
        ("[nexis-launch, run, --, /opt/nexis/bin/nexis-gateway]", 0),
        ("[nexis-launch, run, --mode, development, --, /opt/nexis/bin/nexis-gateway, --x]", 0),
        (r#"[sh, -c, "nexis-launch check\nexec /opt/nexis/bin/nexis-gateway"]"#, 1),
        (r#"[sh, -c, "nexis-launch check # nothing\ncd /opt/nexis/bin && ./nexis-gateway"]"#, 1),
        ("[sh, -c, 'if nexis-launch check; then exec /opt/nexis/bin/nexis-gateway; fi']", 1),
        ("[sh, -c, 'nexis-launch check; (/opt/nexis/bin/nexis-gateway)']", 1),
        ("[sh, -c, 'nexis-launch check; exec su-exec app /opt/nexis/bin/nexis-gateway']", 1),
        ("[sh, -c, 'nexis-launch check; setpriv --reuid=1 -- /opt/nexis/bin/nexis-gateway']", 1),
        (
            r#"[sh, -c, "set -e\nexec nexis-launch run --mode staging \\\n  -- /opt/nexis/bin/nexis-gateway"]"#,
            0,
        ),
        ("[nexis-launch, run, --, sh, -c, 'cd / && exec /opt/nexis/bin/nexis-gateway']", 0),
        (r#"[sh, -c, 'exec nexis-launch run -- "$@"', sh, /opt/nexis/bin/nexis-gateway]"#, 0),
        // The words that the entry point is given are a part of what it starts.
        ("[/sbin/tini, --]\n    command: [nexis-launch, run, --, nexis-gateway]", 0),
        ("[/bin/sh, -c]\n    command: ['exec nexis-launch run -- nexis-gateway']", 0),
        ("[/usr/bin/env]\n    command: [nexis-launch, run, --, nexis-gateway]", 0),
        ("[/sbin/tini, --]\n    command: [nexis-gateway]", 1),
        ("[/opt/nexis/bin/nexis-gateway]\n    command: [nexis-launch]", 1),
        (
            "[sh, -c, 'test -x /opt/nexis/bin/nexis-gateway && exec nexis-launch run -- /opt/nexis/bin/nexis-gateway']",
            0,
        ),
    ] {
        let found = found(service(&format!("{jwt}    entrypoint: {entrypoint}\n{top}")));
        assert_eq!(found.len(), expected, "{entrypoint}: {found:?}");
        assert!(found.iter().all(|it| it.1 == "launcher-missing"), "{found:?}");
    }
}

#[test]
fn the_mode_is_the_deployments_own_unless_an_option_says_it() {
    let jwt = "    secrets: [jwt-secret]\nsecrets: {jwt-secret: {file: x}}\n";
    let cors = [(2, "missing-required", "NEXIS_CORS_ALLOW_ORIGINS")];
    finds(service(jwt), &[]);
    finds(service(jwt).args(["--mode", "production"]), &cors);
    // The mode of the machine that checks is not the deployment's.
    finds(service(jwt).env("NEXIS_LAUNCH_MODE", "production").env("NEXIS_ENV", "production"), &[]);
    let command = |mode: &str| {
        let entrypoint = format!("    entrypoint: [nexis-launch, run, --mode, {mode}, --]\n{jwt}");
        service(&entrypoint)
    };
    finds(command("production"), &cors);
    finds(
        command("live"),
        &[(2, "missing-required", "NEXIS_CORS_ALLOW_ORIGINS"), (2, "unknown-mode", "")],
    );
}

#[test]
fn the_launchers_own_words_say_the_mode_and_no_others() {
    let jwt = "    secrets: [jwt-secret]\nsecrets: {jwt-secret: {file: x}}\n";
    let (cors, none) = (&[(2, "missing-required", "NEXIS_CORS_ALLOW_ORIGINS")][..], &[][..]);
    // The deployment itself says staging.
    for (entrypoint, expected) in [
        ("[sh, -c, 'exec nexis-launch run --mode production -- nexis-gateway']", cors),
        (
            r#"[sh, -c, "set -e\nexec nexis-launch run \\\n  --mode=production -- nexis-gateway"]"#,
            cors,
        ),
        ("[tini, --]\n    command: [nexis-launch, run, --mode, production, --, x]", cors),
        (
            "[sh, -c, 'nexis-launch check --mode staging; nexis-launch run --mode production -- x']",
            cors,
        ),
        (
            "[sh, -c, 'nexis-launch check --mode production && nexis-launch run --mode staging -- x']",
            none,
        ),
        ("[sh, -c, 'nexis-launch run -- x --mode production']", none),
        ("[sh, -c, 'other --mode production; nexis-launch run -- x']", none),
        ("[nexis-launch, run, --mode, '${MODE:-production}', --, x]", cors),
        ("[nexis-launch, run, '--mode=${MODE:-production}', --, x]", cors),
    ] {
        finds(service(&format!("    entrypoint: {entrypoint}\n{jwt}")), expected);
    }
    // `dev` is a command, and else somebody's name.
    let unset = "services:\n  a:\n    image: nexis-gateway:1\n    environment: {NEXIS_CORS_ALLOW_ORIGINS: 'https://a.test'}\n    entrypoint: ";
    let of_dev = |words: &str| found(of("compose.yaml", &format!("{unset}{words}\n")));
    assert_eq!(of_dev("[nexis-launch, dev, --, nexis-gateway]"), []);
    for words in ["--user, dev", "--contract, dev", "--user, run, --audit-log, dev"] {
        let found = of_dev(&format!("[nexis-launch, run, {words}, --, nexis-gateway]"));
        let codes: Vec<&str> = found.iter().map(|it| &*it.1).collect();
        assert_eq!(codes, ["missing-required", "mode-unset"], "{words}");
    }
    // A mode that stands elsewhere is a mode.
    let elsewhere = of_dev("[nexis-launch, run, --mode, '${MODE}', --, nexis-gateway]");
    assert_eq!(elsewhere.len(), 1, "{elsewhere:?}");
    let args = |value: &str| {
        let env = format!("    env: [{{name: MODE, value: {value}}}]\n");
        pod(&format!("    command: [nexis-launch, run, --mode, $(MODE), --, x]\n{env}"))
    };
    let codes = |launch| found(launch).into_iter().map(|it| it.2).collect::<Vec<_>>();
    assert_eq!(codes(args("staging")), ["JWT_SECRET"]);
    assert_eq!(codes(args("production")), ["JWT_SECRET", "NEXIS_CORS_ALLOW_ORIGINS"]);
}

#[test]
fn a_contract_of_the_operators_is_held_against_the_files() {
    let contract = "version: 1\nname: shop\nprefixes: [SHOP_]\nvariables:\n  - {name: SHOP_KEY, secret: true, required: always}\n";
    let text =
        "services:\n  a:\n    image: shop:1\n    environment: {SHOP_KEYS: x, NEXIS_LOG_LEVL: x}\n";
    let launch = of("compose.yaml", text)
        .args(["--contract", "{root}/contract.yaml", "--mode", "staging"])
        .file("contract.yaml", contract);
    finds(launch, &[(2, "missing-required", "SHOP_KEY"), (4, "unknown-variable", "SHOP_KEYS")]);
}

#[test]
fn what_starts_nothing_is_said() {
    for (name, text) in [
        ("values.yaml", "image: {tag: latest}\n"),
        ("empty.yaml", ""),
        ("nexis.socket", "[Socket]\nListenStream=8080\n"),
        ("other.yaml", "services: {a: {image: postgres}, b: {image: redis}}\n"),
    ] {
        finds(of(name, text), &[(1, "nothing-to-check", "")]);
    }
    of("values.yaml", "a: 1\n").args(["--strict"]).run().status(78);
}

#[test]
fn standard_input_is_read_and_its_kind_told_by_what_stands_there() {
    for (text, code) in [
        ("# env\nexport NEXIS_JWT_SECRET=changeme\n", "placeholder"),
        ("[Service]\nExecStart=/bin/nexis-gateway\n", "launcher-missing"),
        ("services: {nexis-gateway: {image: nexis-gateway}}\n", "unpinned-image"),
    ] {
        let launch = Launch::new().args(["check", "--format", "json", "--deployment", "-"]);
        let launch = launch.file("in", text);
        let path = launch.root().join("in");
        let input = std::fs::File::open(path).unwrap();
        let found = found(launch.stdin(Stream::Fd(std::sync::Arc::new(input.into()))));
        assert!(found.iter().any(|it| it.1 == code), "{code}: {found:?}");
    }
}

#[test]
fn a_secret_in_the_words_of_a_command_stands_in_plain_text() {
    const PLAIN: &str = "plaintext-secret";
    for (command, name) in [
        ("[env, JWT_SECRET=canary-canary, nexis-launch, run, --, nexis-gateway]", "JWT_SECRET"),
        ("[sh, -c, 'NEXIS_JWT_SECRET=canary-canary nexis-launch run -- x']", "JWT_SECRET"),
        ("[nexis-launch, run, --, x, --OPENAI_API_KEY=canary-canary]", "OPENAI_API_KEY"),
    ] {
        let found = found(pod(&format!("    command: {command}\n")));
        assert!(found.contains(&(8, PLAIN.to_owned(), name.to_owned())), "{command}: {found:?}");
    }
    // What a shell makes there, what is no secret, and what is not given is none.
    for command in [
        "[sh, -c, 'JWT_SECRET=$(cat /x) nexis-launch run -- x']",
        "[sh, -c, 'JWT_SECRET=$OTHER nexis-launch run -- x']",
        "[env, JWT_SECRET=, NEXIS_LOG_LEVEL=info, JWT_SECRET_FILE=/x, nexis-launch, run, --, x]",
    ] {
        let found = found(pod(&format!("    command: {command}\n")));
        assert!(found.iter().all(|(_, code, _)| code != PLAIN), "{command}: {found:?}");
    }
    let line =
        "ExecStart=\nExecStart=/usr/bin/env JWT_SECRET=canary-canary nexis-launch run -- /x\n";
    assert!(found(unit(line)).contains(&(5, PLAIN.to_owned(), "JWT_SECRET".to_owned())));
}

#[test]
fn a_secret_in_a_configmap_is_found_in_both_of_its_sections() {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: nexis}\ndata:\n  JWT_SECRET: canary-canary-1\nbinaryData:\n  nexis-encryption-key: Y2FuYXJ5LWNhbmFyeQ==\n";
    finds(
        of("map.yaml", text),
        &[(5, "plaintext-secret", "JWT_SECRET"), (7, "plaintext-secret", "NEXIS_ENCRYPTION_KEY")],
    );
}

#[test]
fn what_cannot_be_read_is_refused_with_file_and_line() {
    for (name, text, line) in [
        ("a.yaml", "a: [canary-canary\nb: {\n", 2),
        ("a.yaml", "a: 1\na: canary-canary\n", 2),
        ("a.yaml", "a:\n  canary-canary: 1\n  canary-canary: 2\n", 3),
        ("a.yaml", "a: !!int canary-canary\n", 1),
        ("a.yaml", "{{- if .Values.x }}\na: canary-canary\n", 1),
        ("a.yaml", "a: *canary-canary\n", 1),
        (".env", "NEXIS_ENV=x\ncanary-canary\n", 2),
        ("a.service", "[Service]\ncanary-canary\n", 2),
    ] {
        let outcome = of(name, text).run();
        outcome.status(65).no_canary().no_panic();
        let path = format!("{name} line {line}: ");
        assert!(outcome.err().contains(&path), "{path} in {outcome}");
        assert_eq!(outcome.out(), "");
    }
    let missing = Launch::new().args(["check", "--deployment", "absent.yaml", "/"]).run();
    missing.status(66).says("absent.yaml: no such file").says("/: a directory");
}

#[test]
fn what_a_launch_alone_needs_is_refused_beside_it() {
    for other in [
        &["--env-file", "x"][..],
        &["--secrets-dir", "x"],
        &["--enforce", "report"],
        &["--manifest-to", "x"],
        &["--audit-log", "x"],
        &["--label", "a=b"],
        &["--", "/bin/true"],
    ] {
        let outcome = Launch::new().args(["check", "--deployment", "x.yaml"]).args(other).run();
        outcome.status(64);
        assert_eq!(outcome.out(), "");
    }
    Launch::new().args(["check", "--deployment"]).run().status(64);
}

#[test]
fn names_that_could_be_values_are_not_shown() {
    let lines = "      - canary-canary\n      - NEXIS_canary-canary=x\n";
    let text = format!(
        "services:\n  nexis-gateway:\n    image: nexis-gateway:1\n    environment:\n      - NEXIS_ENV=development\n{lines}"
    );
    finds(of("compose.yaml", &text), &[]);
}

#[test]
fn hostile_files_end() {
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for n in 1..9 {
        let list = vec![format!("*a{}", n - 1); 10].join(",");
        bomb.push_str(&format!("a{n}: &a{n} [{list}]\n"));
    }
    of("a.yaml", &bomb).run().status(65).no_panic();
    let open = format!("a: {}{}\n", "[".repeat(400_000), "]".repeat(400_000));
    of("a.yaml", &open).run().status(65).no_panic();
    of("a.yaml", "a: &a\n  <<: *a\n").run().status(65).no_panic();
    let deep = format!(
        "services: {{nexis-gateway: {{environment: {{JWT_SECRET: '{}'}}}}}}",
        "${A:-".repeat(900) + &"}".repeat(900)
    );
    of("a.yaml", &deep).run().status(78).no_panic();
}

/// What is looked at again and again counts each time, though nothing comes of it.
#[test]
fn what_a_file_refers_to_many_times_is_bounded() {
    let lines =
        |count: usize, line: &dyn Fn(usize) -> String| -> String { (0..count).map(line).collect() };
    let keys = lines(700, &|n| format!("  K{n}: v\n"));
    let map = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: m}}\ndata:\n{keys}---\n");
    let pod = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: nexis-gateway\n";
    let from = |count| {
        let each = lines(count, &|_| "    - configMapRef: {name: m}\n".to_owned());
        format!("{map}{pod}    envFrom:\n{each}")
    };
    let items = lines(700, &|n| format!("      - {{key: K{n}, path: f{n}}}\n"));
    let mount = |count| {
        let line = |n| format!("    - {{name: v, mountPath: /m/{n}, subPath: f{n}}}\n");
        let mounts = lines(count, &line);
        format!(
            "{pod}    volumeMounts:\n{mounts}  volumes:\n  - name: v\n    secret:\n      secretName: s\n      items:\n{items}"
        )
    };
    let env = lines(700, &|n| format!("K{n}=v\n"));
    let files = |count| {
        let each = lines(count, &|_| "    - k.env\n".to_owned());
        format!("services:\n  nexis-gateway:\n    image: a:1\n    env_file:\n{each}")
    };
    let unit = |count| {
        let each = lines(count, &|_| "EnvironmentFile=/etc/k.env\n".to_owned());
        format!("[Service]\nExecStart=nexis-launch run -- nexis-gateway\n{each}")
    };
    for (name, text) in [
        ("work/a.yaml", &from as &dyn Fn(usize) -> String),
        ("work/a.yaml", &mount),
        ("work/a.yaml", &files),
        ("work/a.service", &unit),
    ] {
        let check = |count| {
            let launch = of(name, &text(count)).file("work/k.env", &env);
            launch.args(["k.env"]).run()
        };
        check(100).status(78).never_says("too many").no_panic();
        check(700).status(65).says("too many variables and files from here on").no_panic();
    }
}
