//! Templates: `{NAME}`, `[…]` groups, `{NAME?yes:no}`, and the place of each part in the URL.
//!
//! The place is decided here, once, from the template alone: were it decided from the composed
//! text, a password with `@` or `/` in it would move what follows. There is no escape: a template
//! makes URLs, and braces and brackets stand in none but around an IPv6 address, which a part
//! for the host gets by itself.

use super::model::{List, Place, RowId, Segment, Str, Template};
use super::name;

/// Groups within groups.
const DEEPEST: u8 = 8;

/// A piece before its names are looked up.
#[derive(Debug, PartialEq)]
pub enum Piece {
    /// Stands as it is.
    Literal(Str),
    /// A part at a place.
    Part(Str, Place),
    /// `{NAME?yes:no}`.
    Switch(Str, Str, Str),
    /// `[…]`.
    Group(Vec<Piece>),
}

/// Reads a template. `Err` says in fixed words what is wrong.
pub fn parse(text: Str) -> Result<Vec<Piece>, &'static str> {
    let mut rest = text;
    let mut pieces = group(&mut rest, 0)?;
    let mut url = Url::of(&pieces);
    url.place(&mut pieces);
    Ok(pieces)
}

/// The names in `pieces`, and whether each is the flag of a switch.
pub fn names(pieces: &[Piece], found: &mut Vec<(Str, bool)>) {
    for piece in pieces {
        match piece {
            Piece::Literal(_) => {}
            Piece::Part(name, _) => found.push((name, false)),
            Piece::Switch(name, ..) => found.push((name, true)),
            Piece::Group(inner) => names(inner, found),
        }
    }
}

/// The template with rows for names; `None` where `row` does not know one.
pub fn resolve(
    text: Str,
    pieces: &[Piece],
    row: &dyn Fn(Str) -> Option<RowId>,
) -> Option<Template> {
    fn all(pieces: &[Piece], row: &dyn Fn(Str) -> Option<RowId>) -> Option<List<Segment>> {
        let each = pieces.iter().map(|piece| {
            Some(match piece {
                Piece::Literal(text) => Segment::Literal(text),
                Piece::Part(name, place) => Segment::Part(row(name)?, *place),
                Piece::Switch(name, yes, no) => Segment::Switch(row(name)?, yes, no),
                Piece::Group(inner) => Segment::Group(all(inner, row)?),
            })
        });
        each.collect::<Option<Vec<_>>>().map(List::leak)
    }
    let segments = all(pieces, row)?;
    let mut found = Vec::new();
    names(pieces, &mut found);
    let mut parts = Vec::new();
    for (name, _) in found {
        let id = row(name)?;
        if !parts.contains(&id) {
            parts.push(id);
        }
    }
    Some(Template { text, segments, parts: List::leak(parts) })
}

/// The pieces up to the end of the text, or up to the `]` of this group.
fn group(rest: &mut Str, depth: u8) -> Result<Vec<Piece>, &'static str> {
    let mut pieces = Vec::new();
    loop {
        let end = rest.find(['{', '}', '[', ']']).unwrap_or(rest.len());
        let (literal, after) = rest.split_at(end);
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        *rest = after;
        let Some(mark) = after.bytes().next() else { break };
        *rest = after.get(1..).unwrap_or_default();
        match mark {
            b'[' if depth >= DEEPEST => return Err("groups nest too deeply"),
            b'[' => {
                let inner = group(rest, depth + 1)?;
                *rest = rest.strip_prefix(']').ok_or("a [ without its ]")?;
                pieces.push(Piece::Group(inner));
            }
            b'{' => {
                let (inside, after) = rest.split_once('}').ok_or("a { without its }")?;
                *rest = after;
                pieces.push(part(inside)?);
            }
            b']' if depth > 0 => {
                // The caller takes it: it belongs to the group.
                *rest = after;
                return Ok(pieces);
            }
            b']' => return Err("a ] without its ["),
            _ => return Err("a } without its {"),
        }
    }
    if depth > 0 { Err("a [ without its ]") } else { Ok(pieces) }
}

/// What stands in `{ }`.
fn part(inside: Str) -> Result<Piece, &'static str> {
    let (name, switch) = match inside.split_once('?') {
        Some((name, words)) => (name, Some(words)),
        None => (inside, None),
    };
    if !name::is_variable(name) {
        return Err("expected the name of a variable in { }");
    }
    match switch.map(|words| words.split_once(':')) {
        None => Ok(Piece::Part(name, Place::Verbatim)),
        Some(Some((yes, no))) => Ok(Piece::Switch(name, yes, no)),
        Some(None) => Err("expected {NAME?yes:no}"),
    }
}

/// Where in the URL the walk stands (RFC 3986 section 3). What a part's own value holds does not
/// matter: it is percent-encoded.
struct Url {
    is_url: bool,
    /// Whether an `@` follows within the authority.
    at_ahead: usize,
    place: Place,
}

impl Url {
    /// At the start of the URL. All groups are counted as if they stood: one that is dropped
    /// takes its marks with it, and what is left keeps its place.
    fn of(pieces: &[Piece]) -> Url {
        let mut text = String::new();
        fn flat(pieces: &[Piece], text: &mut String) {
            for piece in pieces {
                match piece {
                    Piece::Literal(literal) => text.push_str(literal),
                    Piece::Part(..) | Piece::Switch(..) => text.push('x'),
                    Piece::Group(inner) => flat(inner, text),
                }
            }
        }
        flat(pieces, &mut text);
        let Some((_, after)) = text.split_once("://") else {
            return Url { is_url: false, at_ahead: 0, place: Place::Verbatim };
        };
        let authority = after.split(['/', '?', '#']).next().unwrap_or_default();
        Url { is_url: true, at_ahead: authority.matches('@').count(), place: Place::Scheme }
    }

    /// Gives each part the place that the literals before it lead to.
    fn place(&mut self, pieces: &mut [Piece]) {
        for piece in pieces {
            match piece {
                Piece::Literal(text) if self.is_url => self.walk(text),
                Piece::Part(_, place) if self.is_url => *place = self.place,
                Piece::Group(inner) => self.place(inner),
                _ => {}
            }
        }
    }

    /// Goes through a literal, mark by mark.
    fn walk(&mut self, literal: &str) {
        let mut rest = literal;
        if self.place == Place::Scheme {
            let Some((_, after)) = literal.split_once("://") else { return };
            self.place = if self.at_ahead > 0 { Place::UserInfo } else { Place::Host };
            rest = after;
        }
        for mark in rest.bytes() {
            let authority = matches!(self.place, Place::UserInfo | Place::Host | Place::Port);
            match mark {
                b'@' if self.at_ahead > 0 && authority => {
                    self.at_ahead -= 1;
                    if self.at_ahead == 0 {
                        self.place = Place::Host;
                    }
                }
                b':' if self.place == Place::Host => self.place = Place::Port,
                b'/' if authority => self.place = Place::PathSegment,
                b'?' | b'#' => self.place = Place::QueryValue,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: Str) -> Vec<(Str, Place)> {
        fn collect(pieces: &[Piece], found: &mut Vec<(Str, Place)>) {
            for piece in pieces {
                match piece {
                    Piece::Part(name, place) => found.push((name, *place)),
                    Piece::Group(inner) => collect(inner, found),
                    _ => {}
                }
            }
        }
        let mut found = Vec::new();
        collect(&parse(text).unwrap(), &mut found);
        found
    }

    #[test]
    fn each_part_knows_its_place_in_the_url() {
        use Place::*;
        assert_eq!(
            places("{A}://{B}:{C}@{D}[:{E}]/{F}[?x={G}]"),
            [
                ("A", Scheme),
                ("B", UserInfo),
                ("C", UserInfo),
                ("D", Host),
                ("E", Port),
                ("F", PathSegment),
                ("G", QueryValue)
            ]
        );
        assert_eq!(
            places("{T?rediss:redis}://[{U}:{P}@]{H}[:{N}][/{D}]"),
            [("U", UserInfo), ("P", UserInfo), ("H", Host), ("N", Port), ("D", PathSegment)]
        );
        assert_eq!(places("https://{H}[:{P}]"), [("H", Host), ("P", Port)]);
        assert_eq!(places("{A}-{B}"), [("A", Verbatim), ("B", Verbatim)]);
    }

    #[test]
    fn an_at_in_the_path_is_no_user_info() {
        assert_eq!(places("https://{H}/{P}@x"), [("H", Place::Host), ("P", Place::PathSegment)]);
    }

    #[test]
    fn groups_nest_and_switches_have_two_words() {
        assert_eq!(
            parse("a[b[{C}]]{D?e:f}").unwrap(),
            [
                Piece::Literal("a"),
                Piece::Group(vec![
                    Piece::Literal("b"),
                    Piece::Group(vec![Piece::Part("C", Place::Verbatim)])
                ]),
                Piece::Switch("D", "e", "f")
            ]
        );
    }

    #[test]
    fn what_is_unbalanced_is_refused() {
        for bad in ["{", "}", "[", "]", "{A", "[{A}", "{A}]", "{1}", "{A?b}", "{A b}", "[[]", "{}"]
        {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(parse("[[[[[[[[[[{A}]]]]]]]]]]").is_err());
    }
}
