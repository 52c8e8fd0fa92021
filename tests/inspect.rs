//! `inspect`: live processes against what would be resolved for them now (interface section 9).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
#![allow(unsafe_code, reason = "asks who the test runs as")]

mod common;
use common::*;

use jsonschema::Validator;
use serde_json::Value;
use std::io::Write as _;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

const CORS: (&str, &str) = ("NEXIS_CORS_ALLOW_ORIGINS", "https://app.nexis.example");

/// A directory with one secret, and what a service takes from it.
struct Service {
    root: Launch,
    dir: String,
}

impl Service {
    fn new() -> Self {
        let root = Launch::new().file("secrets/jwt-secret", format!("{SECRET}\n"));
        let dir = root.root().join("secrets").to_str().unwrap().to_owned();
        Service { root, dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::new(&self.dir).join(name)
    }

    /// Replaces a file as a rotation does, under another name first.
    fn rotate(&self, name: &str, value: &str) {
        let new = self.path("..new");
        std::fs::write(&new, value).unwrap();
        std::fs::rename(new, self.path(name)).unwrap();
    }

    fn options(&self) -> [&str; 2] {
        ["--secrets-dir", &self.dir]
    }

    /// Started through the launcher; `change` adds to the launch.
    fn start(&self, change: impl FnOnce(Launch) -> Launch) -> Running {
        let launch = Launch::new().args(["run", "--mode", "production", "--manifest", "off"]);
        let launch = launch.args(self.options()).args(["--", "/bin/sleep", "50"]);
        started(change(launch.env(CORS.0, CORS.1)))
    }

    /// An inspection with the environment that the service had.
    fn inspect(&self, pid: i32) -> Launch {
        inspect(pid).args(self.options()).env(CORS.0, CORS.1).canary(SECRET).canary(OTHER)
    }
}

/// Started, and past its exec.
fn started(launch: Launch) -> Running {
    let running = launch.start();
    let exe = format!("/proc/{}/exe", running.pid());
    wait_for("the exec", || {
        let path = std::fs::read_link(&exe).unwrap();
        path.file_name().is_some_and(|name| name == "sleep" || name == "perl")
    });
    running
}

fn inspect(pid: i32) -> Launch {
    Launch::command("inspect", ["--format", "json", "--pid", &pid.to_string()])
}

fn schema() -> Validator {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/inspect.schema.json");
    let schema: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(schema["$id"], "nexis-launch/inspect/v1");
    jsonschema::draft202012::new(&schema).unwrap()
}

/// The document, held against the schema, without any value in it.
#[track_caller]
fn document(outcome: &Outcome) -> Value {
    outcome.no_canary();
    let document: Value = serde_json::from_str(&outcome.out()).expect("JSON");
    let errors: Vec<_> = schema().iter_errors(&document).map(|it| it.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{document:#}");
    document
}

/// The process' entry.
#[track_caller]
fn process(outcome: &Outcome, pid: i32) -> Value {
    let document = document(outcome);
    let all = document["processes"].as_array().unwrap();
    let found: Vec<_> = all.iter().filter(|it| it["pid"] == pid).collect();
    assert_eq!(found.len(), 1, "{document:#}");
    found[0].clone()
}

/// Name and state of every variable.
#[track_caller]
fn states(outcome: &Outcome, pid: i32) -> Vec<(String, String)> {
    let process = process(outcome, pid);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let variables = process["variables"].as_array().unwrap();
    variables.iter().map(|it| (text(&it["name"]), text(&it["state"]))).collect()
}

#[track_caller]
fn variable(outcome: &Outcome, pid: i32, name: &str) -> Value {
    let process = process(outcome, pid);
    let variables = process["variables"].as_array().unwrap();
    let found = variables.iter().find(|it| it["name"] == name);
    found.unwrap_or_else(|| panic!("{name} in {process:#}")).clone()
}

/// These names with these states, and no others.
#[track_caller]
fn are(outcome: &Outcome, pid: i32, expected: &[(&str, &str)]) {
    let states = states(outcome, pid);
    let states: Vec<_> = states.iter().map(|it| (it.0.as_str(), it.1.as_str())).collect();
    assert_eq!(states, expected, "\n{outcome}");
}

/// A copy of a program in the service's directory.
fn executable(service: &Service, name: &str, program: impl AsRef<Path>) -> PathBuf {
    let _ = service.root.clone().executable(name, std::fs::read(program).unwrap());
    service.root.root().join(name)
}

/// Says that a test was skipped; in CI nothing is.
fn skipped(why: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{why}");
    // Not by a macro, whose text the test runner would keep to itself.
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

/// A child that ends with the test.
struct Kept(Child);

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Kept {
    fn pid(&self) -> i32 {
        i32::try_from(self.0.id()).unwrap()
    }
}

#[test]
fn after_a_rotation_a_process_is_stale_until_it_is_started_anew() {
    let service = Service::new();
    let old = service.start(|it| it);
    let before = service.inspect(old.pid()).run();
    before.status(0);
    let current = [("JWT_SECRET", "current"), ("NEXIS_ENV", "current"), (CORS.0, "current")];
    are(&before, old.pid(), &current);
    service.rotate("jwt-secret", OTHER);
    let after = service.inspect(old.pid()).run();
    after.status(1);
    are(&after, old.pid(), &[("JWT_SECRET", "stale"), current[1], current[2]]);
    assert_eq!(process(&after, old.pid())["state"], "not-current");
    let source = &variable(&after, old.pid(), "JWT_SECRET")["source"];
    assert_eq!(source["kind"], "secrets-dir");
    let new = service.start(|it| it);
    service.inspect(new.pid()).run().status(0);
    let both = service.inspect(old.pid()).args(["--pid", &new.pid().to_string()]).run();
    both.status(1);
    are(&both, new.pid(), &current);
}

#[test]
fn fingerprints_of_both_sides_stand_there_under_a_key_and_else_none() {
    let service = Service::new();
    let running = service.start(|it| it);
    service.rotate("jwt-secret", OTHER);
    let bare = service.inspect(running.pid()).run();
    assert!(!bare.out().contains("fingerprint"), "{bare}");
    let keyed = || service.inspect(running.pid()).args(["--fingerprint-key-file", "{root}/key"]);
    let outcome = keyed().file("key", HEX_KEY).canary(HEX_KEY).run();
    outcome.status(1);
    let secret = variable(&outcome, running.pid(), "JWT_SECRET");
    let manifest = |value: &str| {
        let checked = Launch::command("check", ["--mode", "production", "--format", "json"])
            .args(["--fingerprint-key-file", "{root}/key"])
            .file("key", HEX_KEY)
            .requirements()
            .env("JWT_SECRET", value)
            .run();
        checked.variable("JWT_SECRET")["fingerprint"].clone()
    };
    assert_eq!(secret["held_fingerprint"], manifest(SECRET));
    assert_eq!(secret["fingerprint"], manifest(OTHER));
    assert!(variable(&outcome, running.pid(), CORS.0)["fingerprint"].is_null());
    for (content, status) in [(None, 66), (Some("not a key"), 65)] {
        let launch = keyed();
        let outcome = match content {
            Some(content) => launch.file("key", content),
            None => launch,
        }
        .run();
        assert_eq!((outcome.status, outcome.out()), (Some(status), String::new()), "{outcome}");
        outcome.says("hint: ").no_canary();
    }
}

#[test]
fn what_is_missing_and_what_is_unexpected_is_told_apart() {
    let service = Service::new();
    let running = service.start(|it| {
        it.env("JWT_ISSUER", "nexis").env("NEXIS_WEBHOOK_SIGNING_KEY", THIRD).env("UNRELATED", "1")
    });
    let outcome = service.inspect(running.pid()).env("JWT_AUDIENCE", "all").canary(THIRD).run();
    outcome.status(1);
    are(
        &outcome,
        running.pid(),
        &[
            ("JWT_SECRET", "current"),
            ("JWT_ISSUER", "unexpected"),
            ("JWT_AUDIENCE", "missing"),
            ("NEXIS_WEBHOOK_SIGNING_KEY", "unexpected"),
            ("NEXIS_ENV", "current"),
            (CORS.0, "current"),
        ],
    );
    assert!(!outcome.out().contains("UNRELATED"));
    // The variables that are named alone count.
    let secret = service.inspect(running.pid()).args(["NEXIS_JWT_SECRET"]).run();
    secret.status(0);
    are(&secret, running.pid(), &[("JWT_SECRET", "current")]);
}

#[test]
fn values_compare_as_they_are_delivered() {
    let service = Service::new();
    let change = |it: Launch| {
        it.env("NEXIS_HSTS_ENABLED", "Yes")
            .env("NEXIS_DATABASE_HOST", "db.internal")
            .env("NEXIS_DATABASE_NAME", "nexis")
            .env("NEXIS_DATABASE_USER", "app")
            .env("NEXIS_DATABASE_SSLMODE", "require")
            .env("NEXIS_OPENAI_ENABLED", "off")
            .env("NEXIS_LAUNCH_LABELS", "commit=1")
    };
    std::fs::write(service.path("nexis-database-password"), "p@ss/Word:7%x").unwrap();
    let running = service.start(|it| change(it).env("NEXIS_OPENAI_API_KEY", THIRD));
    let look =
        || change(service.inspect(running.pid())).canary("p@ss/Word:7%x").canary("n3w+p@ss/W0rd");
    let outcome = look().run();
    outcome.status(0);
    let names: Vec<_> = states(&outcome, running.pid()).into_iter().map(|it| it.0).collect();
    for name in ["DATABASE_URL", "NEXIS_HSTS_ENABLED", "NEXIS_OPENAI_ENABLED"] {
        assert!(names.iter().any(|it| it == name), "{names:?}");
    }
    // A withheld key is neither there nor expected.
    assert!(!names.iter().any(|it| it == "OPENAI_API_KEY"), "{names:?}");
    service.rotate("nexis-database-password", "n3w+p@ss/W0rd");
    let rotated = look().run();
    rotated.status(1);
    let url = variable(&rotated, running.pid(), "DATABASE_URL");
    assert_eq!((&url["state"], &url["source"]["kind"]), (&"stale".into(), &"template".into()));
    let off = look().env("NEXIS_PERSISTENCE_ENABLED", "false").args(["DATABASE_URL"]).run();
    off.status(1);
    let url = variable(&off, running.pid(), "DATABASE_URL");
    assert_eq!(url["state"], "unexpected");
    assert_eq!(url["reason"], "its feature is off now");
}

#[test]
fn the_mode_is_the_process_own_unless_one_is_said() {
    let service = Service::new();
    let staging = Launch::new()
        .args(["run", "--mode", "staging", "--manifest", "off"])
        .args(service.options())
        .args(["--", "/bin/sleep", "50"])
        .env(CORS.0, CORS.1);
    let running = started(staging);
    let own = service.inspect(running.pid()).run();
    own.status(0);
    assert_eq!(process(&own, running.pid())["mode"], "staging");
    let said = service.inspect(running.pid()).args(["--mode", "production"]).run();
    said.status(1);
    assert_eq!(variable(&said, running.pid(), "NEXIS_ENV")["state"], "stale");
}

#[test]
fn a_value_that_was_generated_for_the_process_cannot_be_told() {
    let service = Service::new();
    std::fs::remove_file(service.path("jwt-secret")).unwrap();
    let launch = Launch::new().args(["dev", "--manifest", "off"]).args(service.options()).args([
        "--",
        "/bin/sleep",
        "50",
    ]);
    let running = started(launch);
    let outcome = inspect(running.pid()).args(service.options()).canary(SECRET).run();
    outcome.status(2);
    let secret = variable(&outcome, running.pid(), "JWT_SECRET");
    assert_eq!(secret["state"], "unknown");
    assert!(secret["reason"].as_str().unwrap().contains("generated"));
    assert_eq!(process(&outcome, running.pid())["mode"], "development");
}

#[test]
fn a_credential_is_a_copy_of_the_start_and_never_called_current() {
    let service = Service::new();
    let environment = |it: Launch| it.env("CREDENTIALS_DIRECTORY", service.dir.clone());
    let launch = Launch::new().args(["run", "--mode", "production", "--manifest", "off"]);
    let launch = launch.args(["--", "/bin/sleep", "50"]).env(CORS.0, CORS.1);
    let running = started(environment(launch));
    let look = || inspect(running.pid()).env(CORS.0, CORS.1).canary(SECRET).canary(OTHER);
    // The inspector's own directory is another unit's.
    let same = look().env("CREDENTIALS_DIRECTORY", "/nowhere").run();
    same.status(2);
    let secret = variable(&same, running.pid(), "JWT_SECRET");
    assert_eq!(
        (&secret["state"], &secret["source"]["kind"]),
        (&"unknown".into(), &"credential".into())
    );
    // Named as a file, its origin is held against the process.
    let named = look().env("JWT_SECRET_FILE", service.path("jwt-secret").to_str().unwrap());
    // The copy of the start and the origin are the same file here, so no conflict arises.
    named.run().status(0);
    service.rotate("jwt-secret", OTHER);
    let stale = look().run();
    stale.status(1);
    assert_eq!(variable(&stale, running.pid(), "JWT_SECRET")["state"], "stale");
}

#[test]
fn a_file_that_the_process_reads_itself_is_looked_into() {
    let contract = "version: 1\nname: files\nvariables:\n\
        - {name: TLS_KEY, secret: true, deliver: file}\n\
        - {name: TOKEN, secret: true}\n";
    let root = Launch::new().file("c.yaml", contract).file("key", SECRET).file("token", OTHER);
    let path = |name: &str| root.root().join(name).to_str().unwrap().to_owned();
    // Files are told from the start by more than the doubt about clocks.
    std::thread::sleep(Duration::from_millis(300));
    let launch = Launch::new()
        .args(["run", "--mode", "production", "--manifest", "off", "--contract", &path("c.yaml")])
        .args(["--", "/bin/sleep", "50"])
        .env("TLS_KEY_FILE", path("key"));
    let running = started(launch);
    let look = || {
        inspect(running.pid())
            .args(["--contract", &path("c.yaml")])
            .env("TLS_KEY_FILE", path("key"))
            .canary(SECRET)
            .canary(OTHER)
            .canary(THIRD)
    };
    let current = look().run();
    current.status(0);
    assert_eq!(variable(&current, running.pid(), "TLS_KEY")["held"][0], "TLS_KEY_FILE");
    std::fs::write(path("key"), THIRD).unwrap();
    let changed = look().run();
    changed.status(2);
    let key = variable(&changed, running.pid(), "TLS_KEY");
    assert!(key["reason"].as_str().unwrap().contains("changed after its start"), "{key}");
    // It would be handed another file now.
    let other = look().env("TLS_KEY_FILE", path("token")).run();
    other.status(1);
    are(&other, running.pid(), &[("TLS_KEY", "stale")]);
    std::fs::remove_file(path("key")).unwrap();
    let gone = look().env("TLS_KEY_FILE", path("token")).run();
    gone.status(2);
    are(&gone, running.pid(), &[("TLS_KEY", "unknown")]);
}

#[test]
fn a_program_that_was_started_without_the_launcher_is_held_against_it() {
    let service = Service::new();
    let child = |name: &str, value: &str| {
        let mut command = Command::new("/bin/sleep");
        Kept(spawn(command.arg("50").env_clear().env(name, value)))
    };
    let stale = child("NEXIS_JWT_SECRET", OTHER);
    let outcome = service.inspect(stale.pid()).args(["JWT_SECRET"]).run();
    outcome.status(1);
    let secret = variable(&outcome, stale.pid(), "JWT_SECRET");
    assert_eq!(
        (&secret["state"], &secret["held"][0]),
        (&"stale".into(), &"NEXIS_JWT_SECRET".into())
    );
    let relative = child("JWT_SECRET_FILE", "some/where");
    service.inspect(relative.pid()).args(["JWT_SECRET"]).run().status(2);
    let fifo = service.root.root().join("pipe");
    let _ = service.root.clone().pipe("pipe");
    let pipe = child("JWT_SECRET_FILE", fifo.to_str().unwrap());
    service.inspect(pipe.pid()).args(["JWT_SECRET"]).run().status(2);
    let none = child("HOME", "/");
    let outcome = service.inspect(none.pid()).args(["JWT_SECRET"]).run();
    outcome.status(1);
    are(&outcome, none.pid(), &[("JWT_SECRET", "missing")]);
}

#[test]
fn a_source_that_cannot_be_read_leaves_it_open() {
    let service = Service::new();
    let running = service.start(|it| it);
    let missing = inspect(running.pid())
        .args(["--secrets-dir", "/no/such/directory"])
        .env(CORS.0, CORS.1)
        .canary(SECRET)
        .run();
    missing.status(2);
    let secret = variable(&missing, running.pid(), "JWT_SECRET");
    assert_eq!(secret["state"], "unknown");
    assert!(secret["reason"].as_str().unwrap().contains("/no/such/directory"), "{secret}");
    assert_eq!(variable(&missing, running.pid(), CORS.0)["state"], "current");
    std::fs::remove_file(service.path("jwt-secret")).unwrap();
    std::fs::create_dir(service.path("jwt-secret")).unwrap();
    let refused = service.inspect(running.pid()).run();
    refused.status(2);
    let secret = variable(&refused, running.pid(), "JWT_SECRET");
    assert!(secret["reason"].as_str().unwrap().contains("source-refused"), "{secret}");
}

#[test]
fn a_process_that_is_gone_or_of_another_user_cannot_be_told() {
    let service = Service::new();
    let mut child = spawn(&mut Command::new("/bin/true"));
    let zombie = i32::try_from(child.id()).unwrap();
    wait_for("its end", || {
        std::fs::read_to_string(format!("/proc/{zombie}/stat")).unwrap().contains(") Z ")
    });
    let look = || service.inspect(zombie).run();
    for outcome in [look(), {
        child.wait().unwrap();
        look()
    }] {
        outcome.status(2);
        let reason = process(&outcome, zombie)["reason"].as_str().unwrap().to_owned();
        assert!(reason.contains("has ended"), "{reason}");
    }
    if !runs_as_root() {
        return;
    }
    let running = service.start(|it| it);
    let outcome = service.inspect(running.pid()).unprivileged().run();
    outcome.status(2);
    let process = process(&outcome, running.pid());
    assert!(process["reason"].as_str().unwrap().contains("CAP_SYS_PTRACE"), "{process}");
    assert_eq!((&process["program"], &process["uid"]), (&"sleep".into(), &0.into()));
    assert_eq!(process["variables"], Value::Array(Vec::new()));
    let all = Launch::command("inspect", ["--all", "--format", "json"])
        .args(service.options())
        .canary(SECRET)
        .unprivileged()
        .run();
    assert!(matches!(all.status, Some(1 | 2)), "{all}");
    let closed = document(&all)["closed"].clone();
    assert!(closed.as_array().unwrap().contains(&running.pid().into()), "{closed}");
}

#[test]
fn all_are_those_that_hold_a_secret_of_the_contract_or_are_its_program() {
    let service = Service::new();
    let running = service.start(|it| it);
    let mut plain = Command::new("/bin/sleep");
    let plain = Kept(spawn(plain.arg("50").env_clear().env("RUST_LOG", "info")));
    let contract = "version: 1\nname: own\nextends: builtin:nexis-gateway\n\
        program: {idler: /bin/sleep}\n";
    let look = || {
        Launch::command("inspect", ["--all", "--format", "json"])
            .args(service.options())
            .env(CORS.0, CORS.1)
            .canary(SECRET)
    };
    let pids = |outcome: &Outcome| -> Vec<i64> {
        let document = document(outcome);
        document["processes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["pid"].as_i64().unwrap())
            .collect()
    };
    let outcome = look().run();
    assert!(pids(&outcome).contains(&running.pid().into()), "{outcome}");
    assert!(!pids(&outcome).contains(&plain.pid().into()), "{outcome}");
    assert!(!pids(&outcome).contains(&outcome.pid.into()), "the inspector is none");
    are(
        &outcome,
        running.pid(),
        &[("JWT_SECRET", "current"), ("NEXIS_ENV", "current"), (CORS.0, "current")],
    );
    let program = look().args(["--contract", "{root}/c.yaml"]).file("c.yaml", contract).run();
    program.status(1);
    assert!(pids(&program).contains(&plain.pid().into()), "{program}");
    assert_eq!(variable(&program, plain.pid(), "JWT_SECRET")["state"], "missing");
    // An upgrade takes the file away from under the process.
    let copy = executable(&service, "idler", "/bin/sleep");
    let contract = contract.replace("/bin/sleep", copy.to_str().unwrap());
    let upgraded = Kept(spawn(Command::new(&copy).arg0("x").arg("50").env_clear()));
    std::fs::remove_file(&copy).unwrap();
    let outcome = look().args(["--contract", "{root}/c.yaml"]).file("c.yaml", contract).run();
    assert!(pids(&outcome).contains(&upgraded.pid().into()), "{outcome}");
    // Nobody holds this one.
    let nobody = look().args(["ANTHROPIC_API_KEY"]).run();
    assert!(!pids(&nobody).contains(&running.pid().into()), "{nobody}");
}

#[test]
fn files_are_those_of_the_process_mounts() {
    if !runs_as_root() {
        return;
    }
    let service = Service::new();
    let inner = service.root.root().join("inner");
    std::fs::create_dir(&inner).unwrap();
    std::fs::write(inner.join("jwt-secret"), OTHER).unwrap();
    let script = format!(
        "mount --bind {} {dir} && exec {} run --mode production --manifest off \
         --secrets-dir {dir} -- /bin/sleep 50",
        inner.display(),
        env!("CARGO_BIN_EXE_nexis-launch"),
        dir = service.dir,
    );
    let mut child = Command::new("unshare");
    child.args(["--mount", "sh", "-c", &script]).env_clear();
    child.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env(CORS.0, CORS.1);
    let child = Kept(spawn(&mut child));
    let exe = format!("/proc/{}/exe", child.pid());
    wait_for("the exec", || {
        std::fs::read_link(&exe).is_ok_and(|it| it.file_name().is_some_and(|it| it == "sleep"))
    });
    // Seen from outside, the directory holds another value.
    let outcome = service.inspect(child.pid()).run();
    outcome.status(0);
    assert_eq!(process(&outcome, child.pid())["other_root"], true);
    std::fs::write(inner.join("jwt-secret"), THIRD).unwrap();
    service.inspect(child.pid()).canary(THIRD).run().status(1);
}

#[test]
fn links_of_another_root_stay_below_it() {
    if !runs_as_root() {
        return;
    }
    let service = Service::new();
    let jail = service.root.root().join("jail");
    std::fs::create_dir_all(jail.join("run/secrets/nexis")).unwrap();
    let at = |path: &str| jail.join(path);
    executable(&service, "jail/nexis-launch", env!("CARGO_BIN_EXE_nexis-launch"));
    executable(&service, "jail/gateway", example("gateway"));
    std::fs::write(at("run/secrets/nexis/jwt-secret"), OTHER).unwrap();
    let mut child = Command::new("/usr/sbin/chroot");
    child.arg(&jail).env_clear().env(CORS.0, CORS.1);
    child.args(["/nexis-launch", "run", "--mode", "production", "--manifest", "off", "--"]);
    let child = Kept(spawn(child.args(["/gateway", "/address", "1"])));
    wait_for("the gateway", || at("address").exists());
    let look = || inspect(child.pid()).env(CORS.0, CORS.1).default_directories();
    let look = || look().canary(SECRET).canary(OTHER);
    let outcome = look().run();
    outcome.status(0);
    let own = process(&outcome, child.pid());
    assert_eq!((&own["other_root"], &own["state"]), (&true.into(), &"current".into()));
    // A link that leads to a file of the inspector's root is followed in the process' root alone,
    // and one that leaves its directory is not followed at all.
    let link = at("run/secrets/nexis/jwt-secret");
    std::fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(service.path("jwt-secret"), &link).unwrap();
    let outcome = look().run();
    outcome.status(2);
    assert_eq!(variable(&outcome, child.pid(), "JWT_SECRET")["state"], "unknown");
    let named = look().env("JWT_SECRET_FILE", "/link").run();
    named.status(2);
    std::os::unix::fs::symlink(service.path("jwt-secret"), at("link")).unwrap();
    let named = look().env("JWT_SECRET_FILE", "/link").run();
    named.status(2);
    std::fs::write(at("there"), OTHER).unwrap();
    std::fs::remove_file(at("link")).unwrap();
    std::os::unix::fs::symlink("/../../there", at("link")).unwrap();
    std::fs::remove_file(&link).unwrap();
    look().env("JWT_SECRET_FILE", "/link").run().status(0);
}

#[test]
fn a_process_that_wrote_over_its_environment_cannot_be_told() {
    let service = Service::new();
    let title = "$0 = 'x' x 9000; sleep 50";
    if !Path::new("/usr/bin/perl").exists() {
        return skipped("perl is not installed");
    }
    let running = started(
        Launch::new()
            .args(["run", "--mode", "production", "--manifest", "off"])
            .args(service.options())
            .args(["--", "/usr/bin/perl", "-e", title])
            .env(CORS.0, CORS.1),
    );
    let environ = format!("/proc/{}/environ", running.pid());
    wait_for("the title", || {
        let block = std::fs::read(&environ).unwrap();
        !block.is_empty() && find(&block, b"JWT_SECRET=").is_none()
    });
    let outcome = service.inspect(running.pid()).run();
    outcome.status(2);
    let secret = variable(&outcome, running.pid(), "JWT_SECRET");
    assert_eq!(secret["state"], "unknown");
    assert!(secret["reason"].as_str().unwrap().contains("written over"), "{secret}");
}

#[test]
fn text_is_aligned_and_says_the_same() {
    let service = Service::new();
    let running = service.start(|it| it);
    service.rotate("jwt-secret", OTHER);
    let outcome = Launch::command("inspect", ["--pid", &running.pid().to_string()])
        .args(service.options())
        .env(CORS.0, CORS.1)
        .canary(SECRET)
        .canary(OTHER)
        .run();
    outcome.status(1).no_canary();
    let text = outcome.out();
    let path = service.path("jwt-secret");
    let line = format!("  JWT_SECRET                stale       secrets-dir {}\n", path.display());
    assert!(text.contains(&line), "{text}");
    assert!(text.contains("  NEXIS_ENV                 current     mode NEXIS_ENV\n"), "{text}");
    assert!(text.contains(", in production: not current\n"), "{text}");
    assert!(
        text.ends_with("1 process: 0 current, 1 not current, 0 that cannot be told\n"),
        "{text}"
    );
    assert_eq!(outcome.err(), "");
}

#[test]
fn a_programs_name_forges_no_line_and_shows_no_secret() {
    let service = Service::new();
    let name = format!("x\n{SECRET}\u{1b}[2J");
    let copy = executable(&service, &name, "/bin/sleep");
    let child = spawn(Command::new(&copy).arg("50").env_clear().env("JWT_SECRET", SECRET));
    let child = Kept(child);
    let pid = child.pid().to_string();
    for format in ["text", "json"] {
        let outcome = Launch::command("inspect", ["--format", format, "--pid", &pid])
            .args(["--secrets-dir", "{root}"])
            .canary(SECRET)
            .run();
        outcome.no_canary();
        assert!(!outcome.out().contains('\x1b'), "{outcome}");
        // Nor does the name of a directory beside which the process holds it.
        let directory = format!("{{root}}/of-{SECRET}");
        let outcome = Launch::command("inspect", ["--format", format, "--pid", &pid])
            .file(&format!("of-{SECRET}/jwt-secret"), OTHER)
            .args(["--secrets-dir", &directory, "JWT_SECRET"])
            .canary(SECRET)
            .run();
        assert!(outcome.no_canary().out().contains("stale"), "{outcome}");
    }
}

#[test]
fn a_document_with_anything_more_is_refused() {
    let service = Service::new();
    let running = service.start(|it| it);
    let outcome = service
        .inspect(running.pid())
        .args(["--fingerprint-key-file", "{root}/key", "--pid", "4194305"])
        .file("key", HEX_KEY)
        .run();
    let good = document(&outcome);
    let schema = schema();
    for place in ["", "/processes/0", "/processes/0/variables/0", "/processes/0/variables/0/source"]
    {
        let mut bad = good.clone();
        let object = bad.pointer_mut(place).unwrap_or_else(|| panic!("{place} in {good:#}"));
        object.as_object_mut().unwrap().insert("value".to_owned(), "x".into());
        assert!(!schema.is_valid(&bad), "{place} takes another key");
    }
    for (place, value) in [
        ("/schema", "nexis-launch/inspect/v2".into()),
        ("/time", "yesterday".into()),
        ("/processes/0/pid", 0.into()),
        ("/processes/0/state", "stale".into()),
        ("/processes/0/variables/0/state", "old".into()),
        ("/processes/0/variables/0/fingerprint", "9F86".into()),
        ("/processes/0/variables/0/source/kind", "vault".into()),
        ("/closed", Value::Null),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(place).unwrap_or_else(|| panic!("{place} in {good:#}")) = value;
        assert!(!schema.is_valid(&bad), "{place}");
    }
    for key in good.as_object().unwrap().keys().filter(|key| *key != "fingerprint_key_id") {
        let mut less = good.clone();
        less.as_object_mut().unwrap().remove(key);
        assert!(!schema.is_valid(&less), "without {key}");
    }
}

#[test]
fn a_provider_is_asked_once_for_all_processes_that_would_ask_it_the_same() {
    let holder = |value: &str, mode: &str| {
        let mut command = Command::new("/bin/sleep");
        command.arg("20").env_clear().env("KEY", value).env("NEXIS_ENV", mode);
        Kept(spawn(&mut command))
    };
    let old = holder(OTHER, "staging");
    let new = [holder(SECRET, "staging"), holder(SECRET, "production")];
    let script = format!("echo asked >>{{root}}/asked; printf %s {SECRET}");
    for (keys, new_state, old_state) in
        [("", "current", "stale"), (", environment: [NEXIS_ENV]", "unknown", "unknown")]
    {
        let mut launch = Launch::command("inspect", ["--format", "json"]);
        for process in new.iter().chain([&old]) {
            launch = launch.args(["--pid", &process.pid().to_string()]);
        }
        let outcome = launch.provided(&[("KEY", &script)], keys).canary(SECRET).canary(OTHER).run();
        for process in &new {
            are(&outcome, process.pid(), &[("KEY", new_state)]);
        }
        are(&outcome, old.pid(), &[("KEY", old_state)]);
        // Once, for the inspector itself; a process' mode is no provider's to get.
        assert_eq!(outcome.read("asked").lines().count(), 1, "{keys}");
    }
}

#[test]
fn another_root_chooses_nothing_of_what_a_provider_gets() {
    if !runs_as_root() {
        return;
    }
    let jail = Launch::new().file("jail/app.env", "STORE_ADDR=http://evil.example\n");
    let jail = jail.file("jail/.env", "STORE_ADDR=http://evil.example\n");
    let at = jail.root().join("jail");
    std::fs::copy(example("service"), at.join("service")).unwrap();
    let mut child = Command::new("/usr/sbin/chroot");
    child.arg(&at).env_clear().env("KEY", SECRET).env("NEXIS_ENV", "development");
    let child = Kept(spawn(child.args(["/service"])));
    wait_for("its root", || {
        std::fs::read_link(format!("/proc/{}/root", child.pid())).is_ok_and(|root| root == at)
    });
    let script =
        format!("echo \"$STORE_ADDR ${{#STORE_TOKEN}}\" >>{{root}}/asked; printf %s {SECRET}");
    for env_file in [&["--env-file", "/app.env"][..], &[]] {
        let launch = Launch::command("inspect", ["--format", "json"]);
        let outcome = launch
            .args(["--pid", &child.pid().to_string()])
            .args(env_file)
            .provided(&[("KEY", &script)], ", environment: [STORE_ADDR, STORE_TOKEN]")
            .file("app.env", "")
            .env("STORE_TOKEN", OTHER)
            .default_directories()
            .canary(SECRET)
            .canary(OTHER)
            .run();
        let asked = outcome.root().join("asked");
        let asked = std::fs::read_to_string(asked).unwrap_or_default();
        assert!(!asked.contains("evil"), "{asked}{outcome}");
        // No .env of another root is looked for, so nothing keeps the provider from answering; what a
        // named file there lends is another's choice.
        let state = if env_file.is_empty() { "current" } else { "unknown" };
        are(&outcome, child.pid(), &[("KEY", state)]);
    }
}
