//! Every system call on the way to the exec fails in turn: the launch succeeds as it should or is
//! refused as it is documented, and one that is to be refused never starts its program.
//!
//! `NEXIS_LAUNCH_FAULTS=all cargo test --test faults -- --nocapture` lets every call of every case
//! fail in every way and says the figures; without it the first case alone has all of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::sync::OnceLock;

/// The records of every case, and values that must not be seen.
fn recorded(launch: Launch) -> Launch {
    let records = ["--audit-log", "{root}/audit", "--manifest-to", "{root}/manifest"];
    let launch = launch.dir("none").env("NEXIS_LAUNCH_SECRETS_DIR", "{root}/none");
    launch.options(records).env("PATH", "/usr/bin:/bin").canary(SECRET).canary(OTHER)
}

fn sound() -> Launch {
    recorded(Launch::sound("production"))
}

/// One variable from the environment, one from a directory, one by a reference to a file, one from
/// an env file, and a contract of the operator's.
fn files() -> Launch {
    let contract = "version: 1\nname: own\nextends: builtin:nexis-gateway\nvariables:\n  \
                    - {name: PARTNER_KEY, secret: true, required: always}\n";
    let launch = sound().without("JWT_SECRET").contract(contract);
    let launch = launch.file("value", SECRET).link("link", "{root}/value");
    let launch = launch.file("dir/OPENAI_API_KEY", OTHER).file("env", PARTNER);
    let launch = launch.options(["--secrets-dir", "{root}/dir", "--env-file", "{root}/env"]);
    launch.env("JWT_SECRET_FILE", "{root}/link")
}

const PARTNER: &str = "PARTNER_KEY=pH7dKs2WqZ9nVx4TbRj6LcYf1GmEu8AoI3tNkQyXw5M\n";

fn provider() -> Launch {
    provided(&format!("printf %s {SECRET}"))
}

/// Its answer takes several reads.
fn long_answer() -> Launch {
    provided(&format!("printf %s {SECRET}; head -c 40000 /dev/zero | tr '\\0' q"))
}

fn provided(script: &str) -> Launch {
    let launch = Launch::witness(["--mode", "production"]);
    recorded(launch.provided(&[("STORE_KEY", script)], ", timeout: 5s"))
}

fn masked() -> Launch {
    sound().options(["--mask-output"])
}

/// A value from a pipe that its writer has left.
fn pipe() -> Launch {
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(SECRET.as_bytes()).unwrap();
    let launch = sound().without("JWT_SECRET").env("JWT_SECRET_FILE", "/dev/fd/9");
    launch.descriptor(Descriptor::new(9, reader))
}

/// As another user, who cannot open the records again.
fn user() -> Launch {
    let launch = Launch::new().args(["run", "--mode", "production", "--user", "65534:65534"]);
    let launch = launch.args(["--no-new-privs", "--", "{root}/bin/witness", "{dump}"]);
    launch.root.copy(&example("witness"));
    launch.root.give("work");
    recorded(launch.requirements())
}

/// Names below the test's directory, with what they hold.
type Files = Vec<(String, Vec<u8>)>;

/// A ledger in which JWT_SECRET is old or, in a second one, revoked.
fn ledgers() -> &'static [Files; 2] {
    static LEDGERS: OnceLock<[Files; 2]> = OnceLock::new();
    LEDGERS.get_or_init(|| {
        let taken = |desk: &Desk| {
            ["ledger/JWT_SECRET.jsonl", "fingerprint.key"]
                .map(|name| (name.to_owned(), std::fs::read(desk.path(name)).unwrap()))
                .to_vec()
        };
        let desk = Desk::new();
        desk.adopt("JWT_SECRET", 100);
        let old = taken(&desk);
        desk.start("JWT_SECRET", "new");
        desk.steps("JWT_SECRET", &["stage", "verify", "deploy", "revoke"]);
        [old, taken(&desk)]
    })
}

fn with_ledger(which: usize) -> Launch {
    let files = ledgers()[which].iter();
    let launch = files.fold(sound(), |launch, (name, content)| launch.file(name, content));
    let key = ["--fingerprint-key-file", "{root}/fingerprint.key"];
    launch.options(["--ledger", "{root}/ledger"]).options(key)
}

fn ledger() -> Launch {
    with_ledger(0)
}

fn revoked() -> Launch {
    with_ledger(1)
}

/// Anybody could have written the secret.
fn writable() -> Launch {
    files().mode("value", 0o666)
}

/// Anybody could exchange the secrets of a directory.
fn exchangeable() -> Launch {
    files().mode("dir", 0o777).mode("dir/OPENAI_API_KEY", 0o666)
}

/// Anybody could have written the script that a provider runs.
fn insecure_contract() -> Launch {
    provider().mode("contract.yaml", 0o666)
}

/// Anybody could exchange the contract, whose way leads through no directory that is sticky: what
/// cannot be looked at there is seen by nothing else.
fn exchangeable_contract() -> Launch {
    static PLACE: OnceLock<String> = OnceLock::new();
    let place = PLACE.get_or_init(|| {
        let place = concat!(env!("CARGO_TARGET_TMPDIR"), "/faults").to_owned();
        std::fs::create_dir_all(&place).unwrap();
        std::fs::set_permissions(&place, PermissionsExt::from_mode(0o777)).unwrap();
        let contract = "version: 1\nname: own\nvariables:\n  - {name: STORE_KEY, secret: true, \
                        provider: store}\nproviders:\n  - {name: store, command: \
                        [/usr/bin/printf, made-by-a-provider], format: raw}\n";
        std::fs::write(format!("{place}/contract.yaml"), contract).unwrap();
        place
    });
    let contract = format!("{place}/contract.yaml");
    recorded(Launch::witness(["--mode", "production", "--contract", &contract]))
}

/// Two sources say different things.
fn conflicting() -> Launch {
    files().env("OPENAI_API_KEY", SECRET.replace('k', "j"))
}

#[test]
fn each_call_fails_with_values_from_files() {
    each_call_fails("values from files", files, true);
}

#[test]
fn each_call_fails_with_a_provider() {
    each_call_fails("a provider", provider, all());
}

#[test]
fn half_of_an_answer_is_never_a_value() {
    each_call_of_fails(Some("read"), "a long answer", long_answer, true);
}

#[test]
fn each_call_fails_with_masked_output() {
    each_call_fails("masked output", masked, all());
}

#[test]
fn each_call_fails_with_a_pipe() {
    each_call_fails("a pipe", pipe, all());
}

#[test]
fn each_call_fails_with_a_ledger() {
    each_call_fails("a ledger", ledger, all());
}

/// Root alone can change users; CI runs this as root.
#[test]
fn each_call_fails_on_the_way_to_another_user() {
    if runs_as_root() {
        each_call_fails("another user", user, all());
    }
}

#[test]
fn whatever_fails_a_launch_to_be_refused_starts_nothing() {
    for (name, case) in [
        ("refused: a file that anybody could write", writable as Case),
        ("refused: a directory that anybody could write", exchangeable),
        ("refused: a contract that anybody could write", insecure_contract),
        ("refused: a contract that anybody could exchange", exchangeable_contract),
        ("refused: two sources that differ", conflicting),
        ("refused: a value that is revoked", revoked),
    ] {
        each_call_fails(name, case, all());
    }
}
