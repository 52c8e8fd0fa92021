//! The recipes of packaging/providers, run for real: each with the contract that stands there, whose
//! paths alone are moved into the test's directory.
//!
//! Where a program is not installed a test says so and is skipped; with `CI=true` that is a failure.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/providers");

/// Whether all of these programs are there.
///
/// # Panics
/// With `CI=true` where one is not.
fn installed(programs: &[&str]) -> bool {
    let missing = programs.iter().find(|it| !Path::new(it).is_file());
    let Some(missing) = missing else { return true };
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{missing} is not installed");
    // Not by a macro, whose text the test runner would keep to itself.
    let _ = writeln!(std::io::stderr(), "skipped: {missing} is not installed");
    false
}

/// A launch by the recipe's own contract, with `moved` done to its text.
fn recipe(name: &str, moved: &[(&str, &str)]) -> Launch {
    let launch = Launch::witness(["--mode", "production", "--contract", "{root}/contract.yaml"])
        .env("NEXIS_CORS_ALLOW_ORIGINS", "https://app.nexis.example");
    let text = std::fs::read_to_string(format!("{FOLDER}/{name}/contract.yaml")).unwrap();
    let root = launch.root().to_str().unwrap().to_owned();
    let text = moved.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "{name} no longer says {from}");
        text.replace(from, &to.replace("{root}", &root))
    });
    launch.file("contract.yaml", text)
}

/// Runs a command with `input`, in the directory `at` and with nothing but these variables.
fn run(at: &Path, environment: &[(&str, &str)], words: &[&str], input: &str) -> Vec<u8> {
    let mut child = Command::new(words[0])
        .args(&words[1..])
        .current_dir(at)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", at)
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The variable reached the program from the provider, and no form of it stands in any output.
fn delivered(outcome: &Outcome, variables: &[(&str, &str)], provider: &str) {
    outcome.status(0).no_errors().no_canary();
    for (name, value) in variables {
        assert_eq!(outcome.seen().text(name).as_deref(), Some(*value), "{name}\n{outcome}");
        let source = &outcome.variable(name)["source"];
        assert_eq!(source["kind"], "provider", "{name}\n{outcome}");
        assert_eq!(source["name"], provider, "{name}\n{outcome}");
    }
}

/// The provider gave nothing: nothing ran, the launch may be tried again, nothing is shown.
fn failed(outcome: &Outcome, variables: &[&str]) {
    let failures: Vec<_> = variables.iter().map(|it| ("provider-failed", *it)).collect();
    outcome.status(75).only_errors(&failures).program_did_not_run().no_canary();
}

#[test]
fn age_opens_a_file_of_several_values_and_its_key_stays_behind() {
    if !installed(&["/usr/bin/age", "/usr/bin/age-keygen"]) {
        return;
    }
    let launch = |key: &str| {
        let launch = recipe("age", &[("/etc/nexis/", "{root}/nexis/")]).dir("nexis");
        let at = launch.root().join("nexis");
        run(&at, &[], &["/usr/bin/age-keygen", "-o", "age.key"], "");
        run(&at, &[], &["/usr/bin/age-keygen", "-o", "other.key"], "");
        let public = run(&at, &[], &["/usr/bin/age-keygen", "-y", key], "");
        let public = String::from_utf8(public).unwrap();
        let secrets = format!(
            "JWT_SECRET='{SECRET}'\nNEXIS_ENCRYPTION_KEY='{HEX_KEY}'\nNEXIS_DATABASE_PASSWORD='{OTHER}'\n"
        );
        let words = ["/usr/bin/age", "-r", public.trim(), "-o", "secrets.env.age"];
        run(&at, &[], &words, &secrets);
        launch
            .env("NEXIS_DATABASE_HOST", "db.internal")
            .env("NEXIS_DATABASE_USER", "nexis_app")
            .env("NEXIS_DATABASE_NAME", "nexis")
            .canary(SECRET)
            .canary(HEX_KEY)
            .canary(OTHER)
            .run()
    };
    let outcome = launch("age.key");
    delivered(&outcome, &[("JWT_SECRET", SECRET), ("NEXIS_ENCRYPTION_KEY", HEX_KEY)], "age");
    let url = outcome.seen().text("DATABASE_URL").unwrap();
    assert_eq!(url, format!("postgres://nexis_app:{OTHER}@db.internal/nexis"));
    assert_eq!(outcome.seen().var("NEXIS_DATABASE_PASSWORD"), None);

    // Written for another key.
    let outcome = launch("other.key");
    outcome.status(75).program_did_not_run().no_canary();
    outcome.error("provider-failed", "JWT_SECRET").no_finding("missing-required");
}

#[test]
fn gnupg_opens_a_json_file_and_its_agent_does_not_stay() {
    if !installed(&["/usr/bin/gpg", "/usr/bin/gpg-agent"]) {
        return;
    }
    let moved = [("/etc/nexis/", "{root}/nexis/")];
    let launch = |sealed: bool| {
        let launch = recipe("gnupg", &moved).dir("nexis/gnupg").mode("nexis/gnupg", 0o700);
        let at = launch.root().join("nexis");
        let home = at.join("gnupg").to_str().unwrap().to_owned();
        let gpg = ["/usr/bin/gpg", "--homedir", &home, "--batch", "--quiet"];
        let make =
            ["--passphrase", "", "--quick-generate-key", "gateway", "rsa3072", "encrypt", "never"];
        run(&at, &[], &[&gpg[..], &make[..]].concat(), "");
        let seal =
            ["--encrypt", "-r", "gateway", "--trust-model", "always", "-o", "secrets.json.gpg"];
        let secrets = serde_json::json!({"gateway": {"jwt": SECRET}, "openai": {"key": OTHER}});
        run(&at, &[], &[&gpg[..], &seal[..]].concat(), &secrets.to_string());
        if !sealed {
            std::fs::write(at.join("secrets.json.gpg"), "no message of OpenPGP").unwrap();
        }
        // The agent that made the key; the launcher is to meet none.
        run(&at, &[], &["/usr/bin/gpgconf", "--homedir", &home, "--kill", "all"], "");
        wait_for("the agent's end", || agents(&home).is_empty());
        let outcome = launch.canary(SECRET).canary(OTHER).run();
        assert_eq!(agents(&home), Vec::<String>::new(), "an agent outlived the launch");
        outcome
    };
    let variables = [("JWT_SECRET", SECRET), ("OPENAI_API_KEY", OTHER)];
    delivered(&launch(true), &variables, "gnupg");
    failed(&launch(false), &["JWT_SECRET", "OPENAI_API_KEY"]);
}

/// The processes whose command line names this directory.
fn agents(home: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        if line.contains("gpg-agent") && line.contains(home) {
            found.push(line);
        }
    }
    found
}

#[test]
fn pass_gives_one_entry_a_value_and_its_settings_stay_behind() {
    if !installed(&["/usr/bin/pass", "/usr/bin/gpg"]) {
        return;
    }
    let launch = recipe("pass", &[]).dir("gnupg").mode("gnupg", 0o700).dir("store");
    let at = launch.root().to_owned();
    let (home, store) = (at.join("gnupg"), at.join("store"));
    let (home, store) = (home.to_str().unwrap(), store.to_str().unwrap());
    let environment = [("GNUPGHOME", home), ("PASSWORD_STORE_DIR", store)];
    let make = ["--passphrase", "", "--quick-generate-key", "me", "rsa3072", "encrypt", "never"];
    run(&at, &environment, &[&["/usr/bin/gpg", "--batch", "--quiet"], &make[..]].concat(), "");
    run(&at, &environment, &["/usr/bin/pass", "init", "me"], "");
    for (entry, value) in [("nexis/jwt-secret", SECRET), ("nexis/encryption-key", HEX_KEY)] {
        let words = ["/usr/bin/pass", "insert", "--multiline", entry];
        run(&at, &environment, &words, &format!("{value}\n"));
    }
    let launch = launch.env("GNUPGHOME", home).env("PASSWORD_STORE_DIR", store);
    let outcome = launch.canary(SECRET).canary(HEX_KEY).run();
    delivered(&outcome, &[("JWT_SECRET", SECRET)], "pass-jwt");
    delivered(&outcome, &[("NEXIS_ENCRYPTION_KEY", HEX_KEY)], "pass-encryption");
    assert_eq!(outcome.variable("JWT_SECRET")["newline_removed"], true);
    for name in ["GNUPGHOME", "PASSWORD_STORE_DIR"] {
        assert_eq!(outcome.seen().var(name), None, "{name} reached the program");
    }
    run(&at, &environment, &["/usr/bin/gpgconf", "--kill", "all"], "");
}

#[test]
fn systemd_creds_decrypts_a_credential_of_its_own_name_alone() {
    if !installed(&["/usr/bin/systemd-creds"]) {
        return;
    }
    // The owner of one's own entry in /proc is the effective user.
    let root = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) == 0;
    if !root {
        let _ = writeln!(std::io::stderr(), "skipped: the host's credential key is root's");
        return;
    }
    // The machine's own key is left alone: systemd takes another from this variable.
    let moved = [
        ("/etc/credstore.encrypted/", "{root}/store/"),
        ("timeout: 10s", "timeout: 10s\n    environment: [SYSTEMD_CREDENTIAL_SECRET]"),
    ];
    let launch = |file: &str| {
        let launch = recipe("systemd-creds", &moved).dir("store");
        let at = launch.root().to_owned();
        let key = at.join("host.secret").to_str().unwrap().to_owned();
        let environment = [("SYSTEMD_CREDENTIAL_SECRET", key.as_str())];
        let name = format!("--name={file}");
        let words = ["/usr/bin/systemd-creds", "encrypt", "--with-key=host", &name, "-"];
        run(&at, &environment, &[&words[..], &["store/jwt-secret"]].concat(), SECRET);
        launch.env("SYSTEMD_CREDENTIAL_SECRET", &key).canary(SECRET).run()
    };
    let outcome = launch("jwt-secret");
    delivered(&outcome, &[("JWT_SECRET", SECRET)], "credential-jwt");
    assert_eq!(outcome.seen().var("SYSTEMD_CREDENTIAL_SECRET"), None);
    // Encrypted under another name and moved to this one.
    failed(&launch("redis-url"), &["JWT_SECRET"]);
}

/// A stand-in for a secret store on the loopback interface: answers what `answers` says of a
/// request, and keeps the requests. It ends when it is dropped.
struct Store {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Asked>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// A request as the store saw it.
#[derive(Clone, Debug)]
struct Asked {
    line: String,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    body: String,
}

impl Asked {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Store {
    fn start(answers: impl Fn(&Asked) -> (u16, String) + Send + 'static) -> Store {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let over = Arc::new(AtomicBool::new(false));
        let (kept, ends) = (Arc::clone(&requests), Arc::clone(&over));
        let thread = std::thread::spawn(move || {
            // More requests than this no test makes.
            for stream in listener.incoming().take(64) {
                if ends.load(Ordering::SeqCst) {
                    return;
                }
                let Some(asked) = stream.ok().and_then(|stream| answer(&stream, &answers)) else {
                    continue;
                };
                kept.lock().unwrap().push(asked);
            }
        });
        Store { address, requests, over, thread: Some(thread) }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn requests(&self) -> Vec<Asked> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Reads one request and answers it.
fn answer(stream: &TcpStream, answers: &impl Fn(&Asked) -> (u16, String)) -> Option<Asked> {
    let mut reader = BufReader::new(stream.take(1 << 16));
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut lines = lines.into_iter();
    let line = lines.next()?;
    let header = |line: String| {
        let (name, value) = line.split_once(':').expect("a header");
        (name.to_ascii_lowercase(), value.trim().to_owned())
    };
    let mut asked = Asked { line, headers: lines.map(header).collect(), body: String::new() };
    let length = asked.header("content-length").map_or(0, |it| it.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    asked.body = String::from_utf8(body).ok()?;
    let (status, body) = answers(&asked);
    let place = if status == 302 { "Location: http://127.0.0.1:9/elsewhere\r\n" } else { "" };
    let head = format!("HTTP/1.1 {status} Answer\r\n{place}Content-Length: {}\r\n", body.len());
    let mut stream = stream;
    write!(stream, "{head}Connection: close\r\n\r\n{body}").ok()?;
    Some(asked)
}

/// A document in the shape of a key-value store's second version.
fn document() -> String {
    format!(
        "{{\"request_id\": \"1\", \"data\": {{\"data\": {{\"jwt_secret\": \"{SECRET}\", \
         \"encryption_key\": \"{HEX_KEY}\", \"database_password\": null}}, \
         \"metadata\": {{\"version\": 3}}}}}}"
    )
}

/// The helper as it is installed, and the recipe's store in place of the example's.
fn http(name: &str, store: &Store, more: &[(&str, &str)]) -> Launch {
    let url = store.url("");
    let moved = [
        ("/usr/lib/nexis-launch/fetch-secret", "{root}/lib/fetch-secret"),
        ("https://store.internal:8200", url.as_str()),
    ];
    let helper = std::fs::read(format!("{FOLDER}/http/fetch-secret")).unwrap();
    recipe(name, &[&moved[..], more].concat()).executable("lib/fetch-secret", helper)
}

const PYTHON: &str = "/usr/bin/python3";

#[test]
fn a_document_of_an_http_store_is_had_with_a_mounted_token() {
    if !installed(&[PYTHON]) {
        return;
    }
    let token = "s.token-of-the-store-0123456789";
    let launch = |mounted: &str| {
        let store = Store::start(move |asked| match asked.header("x-vault-token") {
            Some(given)
                if given == token && asked.line.starts_with("GET /v1/secret/data/nexis/") =>
            {
                (200, document())
            }
            _ => (403, "{\"errors\": [\"permission denied\"]}".to_owned()),
        });
        let moved = [("/run/secrets/store-token", "{root}/store-token")];
        let launch = http("http", &store, &moved).file("store-token", format!("{mounted}\n"));
        let outcome = launch.canary(SECRET).canary(HEX_KEY).canary(token).run();
        (outcome, store.requests())
    };
    let (outcome, requests) = launch(token);
    let variables = [("JWT_SECRET", SECRET), ("NEXIS_ENCRYPTION_KEY", HEX_KEY)];
    delivered(&outcome, &variables, "store");
    assert_eq!(requests.len(), 1, "one document, one request: {requests:?}");
    assert!(outcome.seen().environment.iter().all(|it| find(it, token.as_bytes()).is_none()));
    // null is absent, and a database without a host asks for no password.
    assert_eq!(outcome.seen().var("DATABASE_URL"), None);

    let (outcome, requests) = launch("s.a-token-of-somebody-else");
    outcome.status(75).program_did_not_run().no_canary().error("provider-failed", "JWT_SECRET");
    assert_eq!(requests.len(), 3, "two retries were asked for: {requests:?}");
}

#[test]
fn a_projected_token_is_exchanged_and_neither_token_reaches_the_program() {
    if !installed(&[PYTHON]) {
        return;
    }
    let (identity, token) = ("eyJhbGciOi.projected-identity.c2ln", "s.short-token-of-the-role-42");
    let store = Store::start(move |asked| {
        if asked.line.starts_with("POST /v1/auth/kubernetes/login ") {
            let body: serde_json::Value = serde_json::from_str(&asked.body).unwrap();
            assert_eq!(body["role"], "nexis-gateway");
            return match body["jwt"] == identity {
                true => (200, format!("{{\"auth\": {{\"client_token\": \"{token}\"}}}}")),
                false => (403, String::new()),
            };
        }
        match asked.header("x-vault-token") == Some(token) {
            true => (200, document()),
            false => (403, String::new()),
        }
    });
    let moved = [("/var/run/secrets/tokens/store", "{root}/tokens/store")];
    let launch = http("service-account-token", &store, &moved).file("tokens/store", identity);
    let launch = launch.canary(SECRET).canary(HEX_KEY).canary(identity).canary(token);
    let outcome = launch.clone().run();
    let variables = [("JWT_SECRET", SECRET), ("NEXIS_ENCRYPTION_KEY", HEX_KEY)];
    delivered(&outcome, &variables, "store");
    for secret in [identity, token] {
        let stands = |it: &Vec<u8>| find(it, secret.as_bytes()).is_some();
        assert!(!outcome.seen().environment.iter().any(stands), "a token reached the program");
    }
    let asked: Vec<String> = store.requests().into_iter().map(|it| it.line).collect();
    assert_eq!(asked.len(), 2, "{asked:?}");
}

#[test]
fn stores_that_answer_one_secret_a_request_are_read_at_a_pointer() {
    if !installed(&[PYTHON]) {
        return;
    }
    // In the shapes of two clouds' stores: the value as text, and base64 inside.
    let encoded = run(Path::new("/"), &[], &["/usr/bin/base64", "-w0"], SECRET);
    let encoded = String::from_utf8(encoded).unwrap();
    let shapes = [
        (format!("{{\"value\": \"{SECRET}\", \"id\": \"x\"}}"), "--pick=/value"),
        (
            format!("{{\"name\": \"x\", \"payload\": {{\"data\": \"{encoded}\"}}}}"),
            "--pick=/payload/data\n      - --base64",
        ),
    ];
    for (body, pick) in shapes {
        let store = Store::start(move |asked| match asked.header("authorization") {
            Some("Bearer bearer-token-0123456789") => (200, body.clone()),
            _ => (401, String::new()),
        });
        let text = format!(
            "version: 1\nname: one\nextends: builtin:nexis-gateway\nproviders:\n  - name: store\n    \
             command:\n      - {{root}}/lib/fetch-secret\n      - --url={}\n      \
             - --token-env=STORE_TOKEN\n      - {pick}\n    format: raw\n    timeout: 10s\n    \
             environment: [STORE_TOKEN]\nvariables:\n  - name: JWT_SECRET\n    provider: store\n",
            store.url("/secrets/jwt")
        );
        let helper = std::fs::read(format!("{FOLDER}/http/fetch-secret")).unwrap();
        let launch =
            Launch::witness(["--mode", "production", "--contract", "{root}/contract.yaml"]);
        let text = text.replace("{root}", launch.root().to_str().unwrap());
        let outcome = launch
            .file("contract.yaml", text)
            .executable("lib/fetch-secret", helper)
            .env("NEXIS_CORS_ALLOW_ORIGINS", "https://app.nexis.example")
            .env("STORE_TOKEN", "bearer-token-0123456789")
            .canary(SECRET)
            .canary("bearer-token-0123456789")
            .run();
        delivered(&outcome, &[("JWT_SECRET", SECRET)], "store");
        assert_eq!(
            outcome.seen().var("STORE_TOKEN"),
            None,
            "the store's token reached the program"
        );
    }
}

/// What the helper itself does with these arguments.
fn helper(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(format!("{FOLDER}/http/fetch-secret"))
        .args(arguments)
        .env_clear()
        .env("TOKEN", "token-that-must-not-travel")
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_helper_sends_no_token_in_the_clear_or_after_a_redirect_and_repeats_no_answer() {
    if !installed(&[PYTHON]) {
        return;
    }
    for url in ["http://192.0.2.1/secret", "ftp://127.0.0.1/x", "https://user:word@127.0.0.1/x"] {
        let (status, out, err) = helper(&["--url", url, "--token-env", "TOKEN"]);
        assert_eq!((status, out.as_str()), (Some(2), ""), "{url}: {err}");
        assert!(!err.contains("token-that-must-not-travel") && !err.contains("word"), "{err}");
    }
    for (status, body, pick) in
        [(302, "", ""), (500, SECRET, ""), (200, SECRET, "/a"), (200, "{\"a\": 1}", "/a")]
    {
        let store = Store::start(move |_| (status, body.to_owned()));
        let url = store.url("/");
        let mut arguments = vec!["--url", &url, "--token-env", "TOKEN"];
        if !pick.is_empty() {
            arguments.extend(["--pick", pick]);
        }
        let (ended, out, err) = helper(&arguments);
        assert_eq!((ended, out.as_str()), (Some(1), ""), "{status} {body}: {err}");
        assert_eq!(store.requests().len(), 1, "a redirect was followed");
        assert!(!err.contains(SECRET) && !err.contains("Traceback"), "{err}");
    }
}

#[test]
fn every_recipe_has_a_sound_contract_and_says_what_reaches_the_process() {
    let mut recipes: Vec<PathBuf> = std::fs::read_dir(FOLDER)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    recipes.sort();
    assert_eq!(recipes.len(), 6, "{recipes:?}");
    let index = std::fs::read_to_string(format!("{FOLDER}/README.md")).unwrap();
    for path in recipes {
        let name = path.file_name().unwrap().to_str().unwrap();
        let contract = path.join("contract.yaml");
        let linted = Launch::command("contract", ["lint", contract.to_str().unwrap()]).run();
        linted.status(0);
        let text = std::fs::read_to_string(path.join("README.md")).unwrap();
        assert!(text.contains("| value | reaches the process as |"), "{name}");
        assert!(index.contains(&format!("]({name}/README.md)")), "the index does not name {name}");
    }
}
