//! The ledger's readers: what is written reads back equal, nothing that was changed passes for it,
//! and no bytes make a reader panic.

use super::decode::Input;
use super::world::Directory;
use nexis_launch::fingerprint::Key;
use nexis_launch::ledger::chain;
use nexis_launch::ledger::state::State;
use nexis_launch::ledger::{Kind, Record, SCHEMA};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::OnceLock;

pub const NAME: &str = "JWT_SECRET";
const KINDS: [Kind; 10] = [
    Kind::Adopted,
    Kind::Started,
    Kind::Staged,
    Kind::Verified,
    Kind::VerificationFailed,
    Kind::Deployed,
    Kind::Revoked,
    Kind::Evidence,
    Kind::Aborted,
    Kind::Exposed,
];

pub fn key() -> &'static Key {
    static KEY: OnceLock<Key> = OnceLock::new();
    KEY.get_or_init(|| of_digits("07"))
}

/// Another one.
pub fn foreign() -> &'static Key {
    static KEY: OnceLock<Key> = OnceLock::new();
    KEY.get_or_init(|| of_digits("08"))
}

fn of_digits(digits: &str) -> Key {
    let directory = Directory::new();
    let path = directory.write("key", digits.repeat(32).as_bytes());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    Key::read(&path).unwrap_or_else(|(code, _)| panic!("{}", code.name()))
}

/// The file of records that a piece of input describes.
pub fn written(name: &str, input: &mut Input<'_>) -> (Vec<Record>, Vec<u8>) {
    let count = usize::from(input.byte() % 6) + 1;
    let mut previous = chain::beginning();
    let (mut records, mut text) = (Vec::new(), Vec::new());
    for seq in 1..=count {
        let kind = input.one_of(&KINDS);
        let shape = input.byte();
        let mut word = |on: u8| {
            let piece = String::from_utf8_lossy(input.piece()).into_owned();
            (shape & on > 0).then_some(piece)
        };
        let mut record = Record {
            schema: SCHEMA.to_owned(),
            name: name.to_owned(),
            seq: seq as u64,
            time: word(1).unwrap_or_else(|| "2026-11-25T10:00:00Z".to_owned()),
            kind,
            class: word(2).unwrap_or_else(|| "jwt-signing".to_owned()),
            fingerprint: word(4).unwrap_or_else(|| format!("f{}", shape % 3)),
            fingerprint_key_id: "e748aacc".to_owned(),
            actor: "alice".to_owned(),
            reason: word(8),
            change: word(16),
            links: word(32).into_iter().collect(),
            check_status: (shape & 64 > 0).then_some(i32::from(shape) - 100),
            ledger_key_id: key().id(),
            previous,
            ..Record::default()
        };
        text.extend(chain::seal(key(), &mut record).into_bytes());
        previous = record.mac.clone();
        records.push(record);
    }
    (records, text)
}

fn lines(records: &[Record]) -> Vec<String> {
    records.iter().map(Record::line).collect()
}

pub fn hold(bytes: &[u8]) {
    for key in [None, Some(key())] {
        let chain = chain::read(NAME, bytes, key);
        assert!(chain.fault.is_some() || key.is_none(), "nobody signed this");
        State::of(&chain.records);
    }
    let mut input = Input(bytes);
    let (change, at, with) = (input.byte(), input.byte(), input.byte());
    let (records, text) = written(NAME, &mut input);
    for key in [None, Some(key())] {
        let chain = chain::read(NAME, &text, key);
        assert_eq!(chain.fault, None);
        assert_eq!(lines(&chain.records), lines(&records));
        let state = State::of(&chain.records);
        assert!(state.current().is_none_or(|value| value.is_live()));
    }
    let mut changed = text.clone();
    let place = (usize::from(at) << 8 | usize::from(with)) % text.len();
    let split: Vec<&[u8]> = text.split_inclusive(|&byte| byte == b'\n').collect();
    let line = usize::from(at) % split.len();
    match change % 7 {
        0 => changed[place] ^= 1 << (with % 8),
        1 => changed.truncate(place),
        2 => changed = [&split[..line], &split[line + 1..]].concat().concat(),
        3 => changed = [&split[..=line], &split[line..]].concat().concat(),
        4 => {
            let mut order = split.clone();
            order.swap(line, usize::from(with) % split.len());
            changed = order.concat();
        }
        5 => drop(changed.splice(place..place, input.0.iter().copied())),
        _ => {
            // A line of another ledger under the same key, in the place of this one's.
            let (_, other) = written(NAME, &mut input);
            let other: Vec<&[u8]> = other.split_inclusive(|&byte| byte == b'\n').collect();
            let mut order = split.clone();
            order[line] = other[usize::from(with) % other.len()];
            changed = order.concat();
        }
    }
    let chain = chain::read(NAME, &changed, Some(key()));
    let read = lines(&chain.records);
    let whole = chain.fault.is_none();
    if changed == text {
        assert!(whole);
    } else if whole {
        // A tail that is cut off is for the head to find, and so is a last line that was signed as
        // the successor of the one before it.
        let cut = text.starts_with(&changed) && changed.ends_with(b"\n");
        let other_end = change % 7 == 6 && line + 1 == split.len();
        assert!(cut || other_end, "a changed ledger verifies");
    }
    if change % 7 != 6 {
        assert!(lines(&records).starts_with(&read), "a record that was never written");
    }
    State::of(&chain.records);
    State::of(&chain::read(NAME, &changed, None).records);
    // Another name's or another key's is never this one's.
    assert!(chain::read("OTHER", &text, Some(key())).fault.is_some());
    assert!(chain::read(NAME, &text, Some(foreign())).fault.is_some());
}
