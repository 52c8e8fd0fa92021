//! Another user of the host who may write where the launcher reads or writes, and exchanges what
//! stands there while it does. The launcher runs as root, for whom no permission is in the way.
//! What comes of it: a refusal, or a value that the rightful owner wrote there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often each race is run.
const LAUNCHES: usize = 150;

/// What the attacker would have the program get.
const PLANTED: &str = "Xa8Lq2Mz7Rv4Tn9Wc1Ky6Pd3Hf5Jg0Bs-attackers-own-value";
/// What only root may read.
const HIDDEN: &str = "Vq5Nx8Jb2Zt7Gm4Rw9Lc6Yh1Kp3Sd0Fa-for-root-alone";

/// A directory of files that root alone may read, one more for a file that is not to change, and
/// `place`, where the attacker may make names as well.
fn launch(mode: u32) -> Launch {
    Launch::sound("production")
        .without("JWT_SECRET")
        .file("vault/hidden", HIDDEN)
        .file("vault/jwt_secret", HIDDEN)
        .file("vault/JWT_ISSUER", HIDDEN)
        .file("vault/precious", "as it was\n")
        .mode("vault", 0o700)
        .dir("place")
        .mode("place", mode)
}

/// What the attacker puts in the place of `path`, one thing a round, from things prepared beside
/// it: a file of his own, a link to `target`, a pipe with his value, and nothing. Where something
/// of root's stands there, it comes back in between.
fn swap(path: PathBuf, target: PathBuf, owned: impl FnOnce(&Path) + Send) -> [Attacker; 2] {
    let beside = |ending: &str| {
        let mut name = path.file_name().unwrap().to_owned();
        name.push(ending);
        path.with_file_name(name)
    };
    let [own, link, fifo, away] = [".own", ".link", ".pipe", ".away"].map(beside);
    as_attacker(|| {
        owned(&own);
        symlink(&target, &link).unwrap();
        pipe(&fifo);
    });
    let ends = [path.clone(), fifo.clone()];
    let mut round = 0;
    let swapper = Attacker::start(move || {
        let thing = [&own, &link, &fifo][round % 3];
        round += 1;
        if exchange(thing, &path) {
            pause();
            exchange(thing, &path);
        } else if fs::rename(thing, &path).is_ok() {
            pause();
            // Gone for a while, between the reading and the judging if it falls so.
            let _ = fs::rename(&path, thing);
        } else {
            let _ = fs::rename(&path, &away);
            pause();
            let _ = fs::rename(&away, &path);
        }
        pause();
    });
    // Whoever reads the pipe gets his value and the end.
    let writer = Attacker::start(move || {
        for end in &ends {
            let mut options = fs::File::options();
            let opened = options.write(true).custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW);
            let is_pipe = |file: &fs::File| file.metadata().unwrap().file_type().is_fifo();
            if let Ok(mut file) = opened.open(end)
                && is_pipe(&file)
            {
                let _ = file.write_all(PLANTED.as_bytes());
            }
        }
        std::thread::sleep(Duration::from_micros(50));
    });
    [swapper, writer]
}

/// Between some microseconds and a launch's length.
fn pause() {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let next = NEXT.fetch_add(0x9E37_79B9, Ordering::Relaxed).wrapping_mul(2_654_435_761);
    std::thread::sleep(Duration::from_micros(u64::from(next >> 16) % 900));
}

/// Launches again and again while the attacker is at it, and says how many started the program.
fn race(
    launch: &Launch,
    attackers: [Attacker; 2],
    allowed: &[i32],
    check: impl Fn(&Outcome),
) -> usize {
    let mut started = 0;
    for _ in 0..LAUNCHES {
        for left in ["work/witness.json", "io/1", "io/2"] {
            let _ = fs::remove_file(launch.root().join(left));
        }
        let outcome = launch.clone().run();
        outcome.no_panic();
        for (form, text) in forms(HIDDEN.as_bytes()) {
            let outputs = [&outcome.stdout, &outcome.stderr];
            assert!(outputs.iter().all(|it| find(it, &text).is_none()), "{form}\n{outcome}");
        }
        let status = outcome.status.unwrap_or(-1);
        assert!(allowed.contains(&status), "{outcome}");
        if status == 0 {
            started += 1;
            assert_ne!(seen(&outcome, "JWT_SECRET").as_deref(), Some(PLANTED), "{outcome}");
            assert_ne!(seen(&outcome, "JWT_SECRET").as_deref(), Some(HIDDEN), "{outcome}");
            check(&outcome);
        } else {
            outcome.program_did_not_run();
        }
    }
    let [swapper, writer] = attackers;
    let rounds = [swapper.stop(), writer.stop()];
    assert!(rounds.iter().all(|it| *it > 50), "the attacker hardly did anything: {rounds:?}");
    started
}

fn seen(outcome: &Outcome, name: &str) -> Option<String> {
    outcome.seen().text(name)
}

fn file_of_his_own(path: &Path) {
    fs::write(path, PLANTED).unwrap();
    fs::set_permissions(path, PermissionsExt::from_mode(0o644)).unwrap();
}

#[test]
fn a_secret_file_in_a_sticky_directory_is_never_his() {
    if !two_users() {
        return;
    }
    let launch = launch(0o1777).env("JWT_SECRET_FILE", "{root}/place/jwt");
    let place = launch.root().join("place/jwt");
    let hidden = launch.root().join("vault/hidden");
    let attacker = swap(place, hidden, file_of_his_own);
    assert_eq!(race(&launch, attacker, &[78], |_| {}), 0);
}

#[test]
fn a_secret_file_in_a_directory_that_everyone_can_write_is_the_owners_or_refused() {
    if !two_users() {
        return;
    }
    let launch = launch(0o777)
        .file("place/jwt", SECRET)
        .file("place/JWT_ISSUER", "https://issuer.example")
        .options(["--secrets-dir", "{root}/no-more"])
        .dir("no-more")
        .env("JWT_SECRET_FILE", "{root}/place/jwt")
        .env("JWT_ISSUER_FILE", "{root}/place/JWT_ISSUER");
    let [place, other] = ["place/jwt", "place/JWT_ISSUER"].map(|it| launch.root().join(it));
    let hidden = launch.root().join("vault/hidden");
    let attacker = swap(place, hidden.clone(), file_of_his_own);
    let second = swap(other, hidden, file_of_his_own);
    let started = race(&launch, attacker, &[0, 78], |outcome| {
        assert_eq!(seen(outcome, "JWT_SECRET").as_deref(), Some(SECRET), "{outcome}");
        assert_eq!(seen(outcome, "JWT_ISSUER").as_deref(), Some("https://issuer.example"));
        outcome.finding("insecure-permissions", "");
    });
    drop(second);
    assert!(started > 0, "nothing was ever started: the race shows half of it");
}

#[test]
fn a_secrets_directory_that_he_may_write_gives_the_owners_values_or_none() {
    if !two_users() {
        return;
    }
    for mode in [0o777, 0o1777] {
        let launch = launch(mode)
            .file("place/jwt_secret", SECRET)
            .file("place/JWT_ISSUER", "https://issuer.example")
            .options(["--secrets-dir", "{root}/place"]);
        let [place, other] =
            ["place/jwt_secret", "place/JWT_ISSUER"].map(|it| launch.root().join(it));
        let hidden = launch.root().join("vault/hidden");
        let attacker = swap(place, hidden.clone(), file_of_his_own);
        let second = swap(other, hidden, file_of_his_own);
        let started = race(&launch, attacker, &[0, 78], |outcome| {
            assert_eq!(seen(outcome, "JWT_SECRET").as_deref(), Some(SECRET), "{outcome}");
            let issuer = seen(outcome, "JWT_ISSUER");
            let own = ["https://issuer.example"].map(str::to_owned);
            assert!(issuer.is_none_or(|it| own.contains(&it)), "{outcome}");
        });
        drop(second);
        assert!(started > 0, "nothing was ever started in a directory of mode {mode:o}");
    }
}

#[test]
fn a_secrets_directory_that_he_put_there_is_refused() {
    if !two_users() {
        return;
    }
    let launch = launch(0o1777).options(["--secrets-dir", "{root}/place/dir"]);
    let place = launch.root().join("place/dir");
    let vault = launch.root().join("vault");
    let attacker = swap(place, vault, |own| {
        fs::create_dir(own).unwrap();
        file_of_his_own(&own.join("jwt_secret"));
    });
    assert_eq!(race(&launch, attacker, &[65, 66, 78], |_| {}), 0);
}

#[test]
fn a_file_that_is_handed_on_by_its_path_is_not_his() {
    if !two_users() {
        return;
    }
    let launch = launch(0o1777)
        .contract(
            "version: 1\nname: own\nvariables:\n  - {name: JWT_SECRET, secret: true, required: \
             always, deliver: file}\n",
        )
        .without("NEXIS_CORS_ALLOW_ORIGINS")
        .env("JWT_SECRET_FILE", "{root}/place/jwt");
    let place = launch.root().join("place/jwt");
    let hidden = launch.root().join("vault/hidden");
    let attacker = swap(place, hidden, file_of_his_own);
    assert_eq!(race(&launch, attacker, &[78], |_| {}), 0);
}

#[test]
fn an_env_file_that_he_put_there_is_refused() {
    if !two_users() {
        return;
    }
    let launch = launch(0o1777)
        .file("vault/env", format!("JWT_SECRET={HIDDEN}\nJWT_ISSUER={HIDDEN}\n"))
        .options(["--env-file", "{root}/place/env"]);
    let place = launch.root().join("place/env");
    let hidden = launch.root().join("vault/env");
    let attacker = swap(place, hidden, |own| {
        fs::write(own, format!("JWT_SECRET={PLANTED}\n")).unwrap();
    });
    assert_eq!(race(&launch, attacker, &[65, 66, 78], |_| {}), 0);
}

/// A contract that asks for nothing.
const LAX: &str = "version: 1\nname: lax\nvariables:\n  - {name: OTHER}\n";

#[test]
fn a_contract_that_he_put_there_starts_nothing() {
    if !two_users() {
        return;
    }
    let launch = launch(0o1777)
        .file("vault/contract.yaml", LAX)
        .options(["--contract", "{root}/place/contract.yaml"]);
    let place = launch.root().join("place/contract.yaml");
    let hidden = launch.root().join("vault/contract.yaml");
    let attacker = swap(place, hidden, |own| fs::write(own, LAX).unwrap());
    assert_eq!(race(&launch, attacker, &[65, 66, 78], |_| {}), 0);
}

#[test]
fn a_contract_that_he_put_there_runs_no_provider() {
    if !two_users() {
        return;
    }
    let launch = launch(0o1777).options(["--contract", "{root}/place/contract.yaml"]);
    let ran = launch.root().join("vault/ran");
    let contract = format!(
        "version: 1\nname: his\nvariables:\n  - {{name: JWT_SECRET, secret: true, provider: p}}\n\
         providers:\n  - {{name: p, command: [/usr/bin/touch, '{}'], format: raw}}\n",
        ran.display()
    );
    let place = launch.root().join("place/contract.yaml");
    let target = launch.root().join("vault/hidden");
    let attacker = swap(place, target, |own| fs::write(own, contract).unwrap());
    assert_eq!(race(&launch, attacker, &[65, 66, 78], |_| {}), 0);
    assert!(!ran.exists(), "a command of the attacker's ran as root");
}

#[test]
fn no_record_is_written_through_a_link_of_his() {
    if !two_users() {
        return;
    }
    for (option, mode) in [
        ("--audit-log", 0o777),
        ("--audit-log", 0o1777),
        ("--manifest-to", 0o777),
        ("--manifest-to", 0o1777),
    ] {
        for (target, there) in [("vault/precious", true), ("vault/made", false)] {
            let launch =
                launch(mode).env("JWT_SECRET", SECRET).options([option, "{root}/place/record"]);
            let place = launch.root().join("place/record");
            let target = launch.root().join(target);
            let attacker = swap(place, target.clone(), file_of_his_own);
            race(&launch, attacker, &[0, 73], |_| {});
            assert_eq!(target.exists(), there, "{option} made a file through a link");
            let precious = fs::read_to_string(launch.root().join("vault/precious")).unwrap();
            assert_eq!(precious, "as it was\n", "{option} wrote through a link");
        }
    }
}

#[test]
fn no_record_is_written_below_a_link_of_his() {
    if !two_users() {
        return;
    }
    let launch = launch(0o1777)
        .env("JWT_SECRET", SECRET)
        .options(["--audit-log", "{root}/place/dir/precious"]);
    let place = launch.root().join("place/dir");
    let vault = launch.root().join("vault");
    let attacker = swap(place, vault, |own| {
        fs::create_dir(own).unwrap();
        file_of_his_own(&own.join("precious"));
    });
    race(&launch, attacker, &[0, 73], |_| {});
    let precious = fs::read_to_string(launch.root().join("vault/precious")).unwrap();
    assert_eq!(precious, "as it was\n");
}

#[test]
fn links_of_root_and_of_the_kernel_are_written_through() {
    let launch = Launch::sound("production")
        .dir("logs")
        .mode("logs", 0o777)
        .file("audit", "")
        .link("logs/current", "../audit")
        .options(["--audit-log", "{root}/logs/current", "--manifest-to", "/dev/stdout"]);
    let outcome = launch.run();
    outcome.status(0);
    assert_eq!(outcome.read("audit").lines().count(), 1, "{outcome}");
    assert!(outcome.out().starts_with('{'), "{outcome}");
}

#[test]
fn a_ledger_that_he_may_write_leads_nowhere_else() {
    if !two_users() {
        return;
    }
    let launch = launch(0o777).env("JWT_SECRET", SECRET).file("key", HEX_KEY).options([
        "--ledger",
        "{root}/place",
        "--fingerprint-key-file",
        "{root}/key",
    ]);
    let place = launch.root().join("place/JWT_SECRET.jsonl");
    let target = launch.root().join("vault/hidden");
    let attacker = swap(place, target, |own| fs::write(own, "").unwrap());
    race(&launch, attacker, &[0, 65], |outcome| {
        assert_eq!(seen(outcome, "JWT_SECRET").as_deref(), Some(SECRET));
    });
}

#[test]
fn a_key_file_in_his_place_says_nothing_of_what_his_link_leads_to() {
    if !two_users() {
        return;
    }
    let launch = launch(0o1777)
        .env("JWT_SECRET", SECRET)
        .options(["--fingerprint-key-file", "{root}/place/key"]);
    let place = launch.root().join("place/key");
    let target = launch.root().join("vault/hidden");
    let attacker = swap(place, target, file_of_his_own);
    assert_eq!(race(&launch, attacker, &[65, 66], |_| {}), 0);
}
