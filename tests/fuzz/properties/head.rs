//! The ledger's head: it covers exactly what was written, and no other text passes for it.

use super::decode::Input;
use super::ledger::{foreign, key, written};
use super::world::Directory;
use nexis_launch::ledger::{Book, files, head};
use std::fs;

const NAMES: [&str; 3] = ["JWT_SECRET", "API_KEY_1", "a.b-c"];

pub fn hold(bytes: &[u8]) {
    let mut input = Input(bytes);
    // Names and the stems of their files lead to one another.
    let text = String::from_utf8_lossy(bytes);
    if files::is_name(&text) {
        let stem = files::stem(&text);
        assert_eq!(files::name(&stem).as_deref(), Some(&*text));
        assert!(!stem.contains(['/', '\0']) && !stem.starts_with('.'), "{stem}");
    }
    if let Some(name) = files::name(&text) {
        assert_eq!(files::stem(&name), text, "two files of one name");
    }
    let (shape, at, with) = (input.byte(), input.byte(), input.byte());
    let directory = Directory::new();
    let mut last = 0;
    for name in NAMES.iter().take(usize::from(shape % 3) + 1) {
        if !files::is_name(name) {
            continue;
        }
        let (records, text) = written(name, &mut input);
        last = records.len();
        fs::write(directory.0.join(files::file_name(name)), text).unwrap();
    }
    let book = Book::read(&directory.0, Some(key())).unwrap();
    assert_eq!(book.faults().count(), 0);
    let own = book.head(key());
    assert_eq!(head::compare(&book, key(), &own), Ok(Vec::new()));
    assert!(head::compare(&book, foreign(), &own).is_err());
    // Any other text is refused.
    let mut other = own.clone().into_bytes();
    let place = usize::from(at) % other.len();
    match shape / 3 % 3 {
        0 => other[place] ^= 1 << (with % 7),
        1 => other.truncate(place),
        _ => other = input.0.to_vec(),
    }
    let other = String::from_utf8_lossy(&other).into_owned();
    if other.trim() != own {
        assert!(head::compare(&book, key(), &other).is_err(), "{other:?} is no head");
    }
    // A record less is missed.
    let name = book.names().last().unwrap().to_owned();
    let path = directory.0.join(files::file_name(&name));
    let text = fs::read(&path).unwrap();
    let kept: Vec<&[u8]> = text.split_inclusive(|&byte| byte == b'\n').collect();
    assert!(last > 0 && !kept.is_empty());
    if kept.len() == 1 {
        fs::remove_file(&path).unwrap();
    } else {
        fs::write(&path, kept[..kept.len() - 1].concat()).unwrap();
    }
    let less = Book::read(&directory.0, Some(key())).unwrap();
    assert_eq!(head::compare(&less, key(), &own).map(|faults| faults.len()), Ok(1));
}
