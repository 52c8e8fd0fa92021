//! Lists of names, as one text: most environments hold plain names alone, and one look at all of
//! them tells that. One look at each was half of what a further inherited variable costs.

use super::Guard;
use crate::bytes;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// What stands between two names in the text.
const BETWEEN: &str = ", ";

/// Names and how many there are, a JSON object.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// How many, those that are not shown included.
    pub count: usize,
    /// The names.
    pub names: List,
}

impl Names {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// These names, sorted. An inherited entry without a name counts and is not shown: its text
    /// could be anything.
    pub(super) fn sorted<'a>(guard: Guard<'_>, names: impl Iterator<Item = &'a [u8]>) -> Names {
        let mut names: Vec<&[u8]> = names.collect();
        let count = names.len();
        names.retain(|name| !name.is_empty());
        bytes::sort(&mut names);
        Names { count, names: List::new(guard, &names) }
    }
}

impl Serialize for Names {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Names", 2)?;
        object.serialize_field("count", &self.count)?;
        object.serialize_field("names", &self.names)?;
        object.end()
    }
}

/// Names that the guard has looked at, a JSON array.
#[derive(Clone, Debug, Default)]
pub struct List {
    /// All of them, as people read them.
    text: String,
    /// Where each ends in the text.
    ends: Vec<usize>,
}

impl List {
    fn new(guard: Guard<'_>, names: &[&[u8]]) -> List {
        let joined = names.join(BETWEEN.as_bytes());
        if let Some(text) = guard.plain(joined) {
            let mut end = 0;
            let ends = names.iter().map(|name| {
                end += name.len() + BETWEEN.len();
                end - BETWEEN.len()
            });
            return List { ends: ends.collect(), text };
        }
        let shown: Vec<_> = names.iter().map(|name| guard.bytes(name)).collect();
        let list = List::of(shown.iter().map(|shown| shown.as_str()));
        // A secret that no name holds may stand across two of them.
        match guard.display(&list.text) {
            Some(_) => list,
            None => List::of(std::iter::once(guard.text(&list.text).as_str())),
        }
    }

    fn of<'a>(names: impl Iterator<Item = &'a str>) -> List {
        let mut list = List::default();
        for name in names {
            if !list.ends.is_empty() {
                list.text.push_str(BETWEEN);
            }
            list.text.push_str(name);
            list.ends.push(list.text.len());
        }
        list
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All of them with commas in between.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let name = self.text.get(start..end).unwrap_or_default();
            start = end + BETWEEN.len();
            name
        })
    }
}

impl Serialize for List {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::needles::Needles;

    fn list(needles: &Needles, names: &[&[u8]]) -> Vec<String> {
        let names = Names::sorted(Guard::new(needles), names.iter().copied());
        names.names.iter().map(str::to_owned).collect()
    }

    #[test]
    fn plain_names_are_sorted_and_each_stands_for_itself() {
        let none = Needles::new();
        assert_eq!(list(&none, &[b"PATH", b"HOME", b"", b"A"]), ["A", "HOME", "PATH"]);
        assert_eq!(list(&none, &[]), [""; 0]);
        let names = Names::sorted(Guard::new(&none), [&b"B"[..], b"", b"A"].into_iter());
        assert_eq!((names.count, names.names.len(), names.names.as_str()), (3, 2, "A, B"));
        let empty = Names::sorted(Guard::new(&none), std::iter::empty());
        assert_eq!([names.names.is_empty(), empty.names.is_empty()], [false, true]);
    }

    #[test]
    fn what_is_not_plain_is_escaped_and_leaves_the_others_as_they_are() {
        let none = Needles::new();
        assert_eq!(list(&none, &[b"B\x1b", b"A", b"C\xff"]), ["A", "B\\u{1b}", "C\u{fffd}"]);
    }

    #[test]
    fn a_secret_as_a_name_is_redacted_and_leaves_the_others_as_they_are() {
        let mut needles = Needles::new();
        needles.add("KEY", b"s3cr3t-in-a-name");
        let shown = list(&needles, &[b"X_s3cr3t-in-a-name", b"HOME"]);
        assert_eq!(shown, ["HOME", "[redacted:KEY]"]);
    }

    #[test]
    fn a_secret_that_stands_across_two_names_is_shown_in_no_list() {
        let mut needles = Needles::new();
        needles.add("KEY", b"HOME, PATH");
        assert_eq!(list(&needles, &[b"PATH", b"HOME", b"A"]), ["[redacted:KEY]"]);
    }
}
