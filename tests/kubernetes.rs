//! Secret volumes as Kubernetes mounts and rotates them (interface section 3).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use std::sync::atomic::{AtomicBool, Ordering};

fn volume() -> Launch {
    let launch = Launch::sound("production")
        .without("JWT_SECRET")
        .dir("volume")
        .options(["--secrets-dir", "{root}/volume"]);
    publish(&launch.root().join("volume"), 0);
    launch
        .link("volume/jwt-secret", "..data/jwt-secret")
        .link("volume/nexis-api-hmac-secret", "..data/nexis-api-hmac-secret")
        .link("volume/nexis-webhook-signing-key", "..data/nexis-webhook-signing-key")
}

#[test]
fn a_rotation_in_the_middle_never_mixes_two_generations() {
    let launch = volume().mode("volume", 0o1777);
    let directory = launch.root().join("volume");
    // Each has its own place for what its program saw, and both read the one volume.
    let other = Launch::sound("production")
        .without("JWT_SECRET")
        .options(["--secrets-dir", directory.to_str().unwrap()]);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 0;
            while !stop.load(Ordering::Relaxed) {
                number += 1;
                publish(&directory, number);
                // Far more often than any kubelet, and yet with time to read one generation.
                std::thread::sleep(std::time::Duration::from_millis(3));
            }
        });
        // A thousand launches; whatever fails in them, the other thread has to be stopped.
        let launches = [&launch, &other].map(|it| scope.spawn(|| generations_seen(it, 500)));
        let results = launches.map(std::thread::ScopedJoinHandle::join);
        stop.store(true, Ordering::Relaxed);
        for result in results {
            let generations = result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            assert!(generations > 100, "hardly anything was rotated meanwhile: {generations}");
        }
    });
}

/// Launches so often, and says how many generations it met. Panics at a refusal, and where the
/// values of one launch are of two generations.
fn generations_seen(launch: &Launch, launches: usize) -> usize {
    let mut generations = std::collections::BTreeSet::new();
    for _ in 0..launches {
        let seen = launch.clone().run().status(0).seen();
        let ends: Vec<String> =
            ["JWT_SECRET", "NEXIS_API_HMAC_SECRET", "NEXIS_WEBHOOK_SIGNING_KEY"]
                .map(|name| seen.text(name).unwrap())
                .map(|value| value[value.len() - 6..].to_owned())
                .to_vec();
        assert!(ends.iter().all(|end| *end == ends[0]), "two generations: {ends:?}");
        generations.insert(ends[0].clone());
    }
    generations.len()
}

#[test]
fn the_modes_of_a_real_volume_raise_no_finding() {
    // The kubelet makes the volume's root 1777 or 0777 and keeps the generation to itself.
    for mode in [0o1777, 0o777] {
        let outcome = volume().mode("volume", mode).mode("volume/..gen_0", 0o755).run();
        outcome.status(0).no_finding("insecure-permissions").seen();
    }
}

#[test]
fn a_generation_that_others_can_write_is_a_finding() {
    let outcome = volume().mode("volume/..gen_0/jwt-secret", 0o666).run();
    outcome.status(78).error("insecure-permissions", "JWT_SECRET").program_did_not_run();
    let outcome = volume().mode("volume/..gen_0", 0o777).run();
    outcome.status(0);
    assert!(
        outcome.findings().iter().any(|it| it.0 == "insecure-permissions" && it.1 == "warning")
    );
}

#[test]
fn a_link_that_a_rotation_left_behind_is_no_key() {
    // The kubelet removes the link of a key that is gone only after it has swapped `..data`.
    let outcome = volume().link("volume/nexis-encryption-key", "..data/nexis-encryption-key").run();
    assert_eq!(outcome.status(0).seen().var("NEXIS_ENCRYPTION_KEY"), None);
}

#[test]
fn a_link_to_nothing_in_any_other_directory_is_said() {
    let outcome = volume()
        .link("plain/nexis-encryption-key", "{root}/absent")
        .options(["--secrets-dir", "{root}/plain"])
        .run();
    outcome.status(78).error("source-unreadable", "NEXIS_ENCRYPTION_KEY").program_did_not_run();
}

#[test]
fn a_generation_that_is_gone_ends_in_a_finding_and_not_in_a_hang() {
    let launch = volume();
    std::fs::remove_dir_all(launch.root().join("volume/..gen_0")).unwrap();
    let outcome = launch.run();
    outcome.status(66).error("file-missing", "").no_panic().program_did_not_run();
}

#[test]
fn a_subdirectory_of_the_contracts_file_names_is_read() {
    // `postgres/uri` of an operator's contract; here by reference.
    let outcome = volume()
        .file("volume/..gen_0/postgres/uri", format!("postgres://app:{SECRET}@127.0.0.1/nexis"))
        .env("DATABASE_URL_FILE", "{root}/volume/..data/postgres/uri")
        .run();
    assert!(outcome.status(0).seen().text("DATABASE_URL").unwrap().ends_with("/nexis"));
}
