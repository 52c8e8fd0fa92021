//! A flipped bit anywhere in ten thousand lines is found, and its line is named.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

use nexis_launch::fingerprint::Key;
use nexis_launch::ledger::{Kind, Record, SCHEMA, chain};

const FILES: usize = 10;
const LINES: usize = 1000;

/// Writes files of a thousand lines each, chained, and returns the bytes of the last.
fn fill(desk: &Desk, files: usize) -> Vec<u8> {
    let key = Key::read(&desk.path("ledger.key")).map_err(drop).unwrap();
    let mut last = Vec::new();
    for file in 0..files {
        let name = format!("KEY_{file}");
        let mut text = String::new();
        let mut previous = chain::beginning();
        for seq in 1..=LINES {
            let mut record = Record {
                schema: SCHEMA.to_owned(),
                name: name.clone(),
                seq: u64::try_from(seq).unwrap(),
                time: "2026-11-25T10:00:00Z".to_owned(),
                kind: Kind::Evidence,
                ledger_key_id: key.id(),
                class: "database".to_owned(),
                fingerprint: "04546ddeb24573db".to_owned(),
                fingerprint_key_id: "e748aacc".to_owned(),
                actor: "alice".to_owned(),
                commit: Some(format!("commit {seq}")),
                links: vec!["https://ci.example.org/run/1".to_owned()],
                previous,
                ..Record::default()
            };
            text.push_str(&chain::seal(&key, &mut record));
            previous = record.mac;
        }
        std::fs::write(desk.file(&name), &text).unwrap();
        last = text.into_bytes();
    }
    last
}

/// Numbers without a pattern (a linear congruential generator, Knuth's MMIX).
fn next(seed: &mut u64) -> usize {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*seed >> 33).unwrap()
}

#[test]
fn a_flipped_bit_anywhere_in_10_000_lines_is_found_and_its_line_named() {
    let desk = Desk::new();
    let whole = fill(&desk, FILES);
    let name = format!("KEY_{}", FILES - 1);
    assert_eq!(desk.done(&["ledger", "verify"]).out(), "whole: 10000 records of 10 keys\n");
    let ends: Vec<usize> = (0..whole.len()).filter(|&at| whole[at] == b'\n').collect();
    let mut seed = 1;
    let mut places = vec![0, whole.len() - 1, ends[0], ends[0] + 1, ends[499] - 3, ends[499] - 80];
    places.extend((0..3).map(|_| next(&mut seed) % whole.len()));
    for at in places {
        let bit = next(&mut seed) % 8;
        let mut changed = whole.clone();
        changed[at] ^= 1 << bit;
        std::fs::write(desk.file(&name), &changed).unwrap();
        let line = whole[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        let outcome = desk.run(&["ledger", "verify"]);
        outcome.status(65).says(&format!("{name}.jsonl line {line}: "));
        // That line and no other.
        assert_eq!(outcome.err().matches(".jsonl line ").count(), 1, "{outcome}");
    }
}

/// All bits of one line, and random ones of those around it.
#[test]
fn every_bit_of_a_line_in_the_middle_is_covered() {
    let desk = Desk::new();
    let key = Key::read(&desk.path("ledger.key")).map_err(drop).unwrap();
    let whole = fill(&desk, 1);
    let name = "KEY_0";
    // The first twelve lines: a file of them is whole.
    let ends: Vec<usize> = (0..whole.len()).filter(|&at| whole[at] == b'\n').collect();
    let head = &whole[..=ends[11]];
    let found = |bytes: &[u8]| chain::read(name, bytes, Some(&key)).fault.and_then(|it| it.line);
    assert_eq!(found(head), None);
    for at in ends[9] + 1..=ends[10] {
        for bit in 0..8 {
            let mut changed = head.to_vec();
            changed[at] ^= 1 << bit;
            assert_eq!(found(&changed), Some(11), "byte {at} bit {bit}");
        }
    }
    let mut seed = 7;
    for _ in 0..100 {
        let (at, bit) = (next(&mut seed) % head.len(), next(&mut seed) % 8);
        let mut changed = head.to_vec();
        changed[at] ^= 1 << bit;
        let line = ends.partition_point(|end| *end < at) + 1;
        assert_eq!(found(&changed), Some(line), "byte {at} bit {bit}");
    }
}
