//! Whose a name is: the environment names and the file names of all rows, by bytes, and what two of
//! them claim.

use super::draft::RowDraft;
use super::model::{Contract, FileName, Kind, Known, Role, Row, RowId, Str};
use super::name;
use super::problem::Problems;
use crate::bytes;

/// Aliases and file names of one row; their ranks are 8 bits.
pub const MOST_NAMES: usize = 32;

/// The rows of a contract, and those of the one it extends: most rows are as they are there, and so
/// are their names, which then need not be made and sorted again.
pub struct Claims<'a> {
    /// As they were written, in the order of the tables.
    drafts: &'a [&'a RowDraft],
    rows: &'a [Row],
    base: Option<&'a Contract>,
    /// Where each row of the base is now, if its names are the same.
    kept: Vec<Option<RowId>>,
    /// The other rows.
    fresh: Vec<RowId>,
}

impl<'a> Claims<'a> {
    /// `drafts` and `rows` are the same rows. `origins` says of each which row of `base` it was.
    pub fn new(
        drafts: &'a [&'a RowDraft],
        rows: &'a [Row],
        base: Option<&'a Contract>,
        origins: &[Option<RowId>],
    ) -> Claims<'a> {
        let mut kept = vec![None; base.map_or(0, |base| base.rows.len())];
        let mut fresh = Vec::new();
        for ((id, row), origin) in (0u16..).map(RowId).zip(rows).zip(origins) {
            let known = base.zip(*origin).map(|(base, origin)| (base.row(origin), origin));
            let place = known.filter(|(known, _)| known.claims_as(row));
            match place.and_then(|(_, origin)| kept.get_mut(usize::from(origin.0))) {
                Some(place) => *place = Some(id),
                None => fresh.push(id),
            }
        }
        Claims { drafts, rows, base, kept, fresh }
    }

    /// Every environment name of every row.
    pub fn names(&self, problems: &mut Problems) -> Vec<Known> {
        let base = self.base.map_or(&[][..], |base| base.names.0);
        let kept = base.iter().filter_map(|known| {
            let row = self.now(known.row)?;
            Some(Known { row, ..*known })
        });
        let mut fresh = Vec::new();
        for (id, row) in self.fresh() {
            // The mode is known before any file is read, so it comes from none.
            let file = row.format.kind != Kind::ModeName;
            let mut claim = |name: Str, own, through| {
                fresh.push(Known { name, row: id, role: own });
                if file {
                    fresh.push(Known {
                        name: [name, "_FILE"].concat().leak(),
                        row: id,
                        role: through,
                    });
                }
            };
            claim(row.name, Role::Own, Role::OwnFile);
            for (place, alias) in (0u8..).zip(row.aliases.iter().take(MOST_NAMES)) {
                claim(alias, Role::Alias(place), Role::AliasFile(place));
            }
        }
        let all = merged(kept, fresh, |known| known.name);
        for (first, alike) in
            doubled(&all, |known| known.name, |known| (known.row.0, place(known.role)))
        {
            let mut other = first;
            for known in alike {
                self.both_names(other, known, problems);
                other = known;
            }
        }
        all
    }

    fn both_names(&self, other: &Known, known: &Known, problems: &mut Problems) {
        // The problem stands where the operator can mend it: the later of the two, unless it is not
        // in this file.
        let line = |known: &Known| {
            let key = match known.role {
                Role::Own | Role::OwnFile => "name",
                Role::Alias(_) | Role::AliasFile(_) => "aliases",
            };
            self.draft(known.row).map_or(0, |draft| draft.line_of(key))
        };
        let line = Some(line(known)).filter(|&line| line != 0).unwrap_or_else(|| line(other));
        let (name, owner) = (known.name, self.name(other.row));
        if owner == self.name(known.row) {
            problems.add(line, format!("{name} stands twice among the names of {owner}"));
        } else {
            let words = format!("{name} is claimed by {owner} and {}", self.name(known.row));
            let through = |known: &Known| matches!(known.role, Role::OwnFile | Role::AliasFile(_));
            // A program may read both itself.
            let hint = (through(other) != through(known)).then(|| {
                format!(
                    "a row's value may come from its NAME_FILE: declare {name} alone and let the program inherit the other, or declare the other with deliver: file"
                )
            });
            problems.add_hint(line, words, hint);
        }
    }

    /// Every file name of every row: its own, then those derived from its names, ranked in that
    /// order.
    pub fn files(&self, problems: &mut Problems) -> Vec<FileName> {
        let base = self.base.map_or(&[][..], |base| base.files.0);
        let kept = base.iter().filter_map(|file| {
            let row = self.now(file.row)?;
            Some(FileName { row, ..*file })
        });
        let mut fresh = Vec::new();
        for (id, row) in self.fresh() {
            if row.format.kind == Kind::ModeName {
                continue;
            }
            let mut rank = 0;
            let mut claim = |name| {
                fresh.push(FileName { name, row: id, rank });
                rank += 1;
            };
            row.files.iter().take(MOST_NAMES).for_each(|name| claim(name));
            for name in std::iter::once(&row.name).chain(row.aliases.iter().take(MOST_NAMES)) {
                let [lower, kebab] = name::spellings(name);
                claim(name);
                claim(lower.leak());
                claim(kebab.leak());
            }
        }
        let mut all = merged(kept, fresh, |file| file.name);
        let mut twice = false;
        for (first, alike) in doubled(&all, |file| file.name, |file| (file.row.0, file.rank)) {
            twice = true;
            for file in alike.into_iter().filter(|file| file.row != first.row) {
                self.both_files(first, file, problems);
            }
        }
        if twice {
            // Of a row that has a derived name in its own list too, the smaller rank stands.
            all.sort_by_key(|file| (file.name, file.rank));
            all.dedup_by_key(|file| file.name);
        }
        all
    }

    fn both_files(&self, first: &FileName, file: &FileName, problems: &mut Problems) {
        let line = |file: &FileName| {
            self.draft(file.row).map_or(0, |draft| {
                draft.line_of(if draft.files.contains(&file.name) { "files" } else { "name" })
            })
        };
        let line = Some(line(file)).filter(|&line| line != 0).unwrap_or_else(|| line(first));
        let shown = name::shown(file.name, "a file name");
        let (owner, other) = (self.name(first.row), self.name(file.row));
        problems.add(line, format!("file {shown} is claimed by {owner} and {other}"));
    }

    /// Where a row of the base is now, if its names are the same.
    fn now(&self, row: RowId) -> Option<RowId> {
        self.kept.get(usize::from(row.0)).copied().flatten()
    }

    fn fresh(&self) -> impl Iterator<Item = (RowId, &'a Row)> {
        let rows = self.rows;
        self.fresh.iter().filter_map(move |&id| Some((id, rows.get(usize::from(id.0))?)))
    }

    fn draft(&self, row: RowId) -> Option<&'a RowDraft> {
        self.drafts.get(usize::from(row.0)).copied()
    }

    fn name(&self, row: RowId) -> Str {
        self.rows.get(usize::from(row.0)).map_or("", |row| row.name)
    }
}

impl Row {
    /// Whether the other row, which has the same name, has the same aliases and files too.
    fn claims_as(&self, other: &Row) -> bool {
        let is_mode = |row: &Row| row.format.kind == Kind::ModeName;
        self.name == other.name
            && self.aliases == other.aliases
            && self.files == other.files
            && is_mode(self) == is_mode(other)
    }
}

/// The place among the names of its row.
fn place(role: Role) -> u16 {
    match role {
        Role::Own => 0,
        Role::OwnFile => 1,
        Role::Alias(at) => 2 + 2 * u16::from(at),
        Role::AliasFile(at) => 3 + 2 * u16::from(at),
    }
}

/// What is sorted and what is not, in one list by name.
fn merged<T: Copy>(
    sorted: impl Iterator<Item = T>,
    mut more: Vec<T>,
    name: impl Fn(&T) -> Str + Copy,
) -> Vec<T> {
    bytes::sort_by(&mut more, |one| name(one).as_bytes());
    let (_, most) = sorted.size_hint();
    let mut all = Vec::with_capacity(more.len() + most.unwrap_or(0));
    let mut more = more.into_iter().peekable();
    for one in sorted {
        while let Some(next) = more.next_if(|next| name(next) < name(&one)) {
            all.push(next);
        }
        all.push(one);
    }
    all.extend(more);
    all
}

/// Of each name that stands there more than once the first that claims it, and the others, in the
/// order of `place`.
fn doubled<T, P: Ord>(
    sorted: &[T],
    name: impl Fn(&T) -> Str,
    place: impl Fn(&T) -> P,
) -> impl Iterator<Item = (&T, Vec<&T>)> {
    let alike = sorted.chunk_by(move |one, other| name(one) == name(other));
    alike.filter(|alike| alike.len() > 1).filter_map(move |alike| {
        let mut alike: Vec<&T> = alike.iter().collect();
        alike.sort_by_key(|one| place(one));
        let mut alike = alike.into_iter();
        Some((alike.next()?, alike.collect()))
    })
}

#[cfg(test)]
mod tests {
    use crate::contract::draft::Draft;
    use crate::contract::model::Origin;
    use crate::contract::problem::Problems;
    use crate::contract::{builtin, compile, grammar, node, tighten};
    use crate::yaml::Lines;

    /// Rows before, between and after those of the base, which keep their names, get more of them,
    /// or claim what another has.
    const ADDED: &str = "
version: 1
extends: builtin:nexis-gateway
variables:
  - {name: AAA, files: [aaa, zzz/aaa], aliases: [NEXIS_AAA]}
  - {name: JWT_SECRET, aliases: [SESSION_KEY], files: [session]}
  - {name: KKK, aliases: [JWT_SECRET_OLD]}
  - {name: ZZZ}
parts:
  - {name: NEXIS_DATABASE_ZONE}
  - {name: NEXIS_DATABASE_HOST, files: [host]}
";
    const CLAIMED: &str = "
version: 1
extends: builtin:nexis-gateway
variables:
  - {name: AAA, aliases: [JWT_SECRET, BBB], files: [redis-url, BBB]}
  - {name: BBB, aliases: [REDIS_URL_FILE], files: [jwt-secret, aaa]}
  - {name: REDIS_URL, aliases: [AAA_FILE]}
";

    /// As text the tables of names and of files, or what is wrong: the tables are then of no use.
    fn tables(text: &str, of_base: bool) -> Result<String, String> {
        let mut problems = Problems::default();
        let root = node::parse(text, Lines::Each, &mut problems).expect("a mapping");
        let over = grammar::read(root, &mut problems);
        let base = &builtin::CONTRACT;
        let draft = tighten::merge(Draft::of(base), &over, &mut problems);
        let base = of_base.then_some(base);
        let made = compile::compile(&draft, base, Origin::File("x.yaml"), "", &mut problems);
        if problems.is_empty() {
            return Ok(format!("{:?} {:?}", made.names, made.files));
        }
        Err(format!("{problems:?}").replace("Problem {", "\nProblem {"))
    }

    #[test]
    fn what_is_taken_from_the_base_is_what_would_be_made_anew() {
        assert!(tables(ADDED, true) == tables(ADDED, false), "{:?}", tables(ADDED, true).err());
        assert_eq!(tables(CLAIMED, true).unwrap_err(), tables(CLAIMED, false).unwrap_err());
    }

    #[test]
    fn each_name_stands_there_once_in_the_order_of_bytes() {
        let made = tables(ADDED, true).unwrap();
        // A file may be called after a name, and not after its form for files.
        let times =
            [("NEXIS_AAA_FILE", 1), ("SESSION_KEY", 2), ("session", 1), ("zzz/aaa", 1), ("zzz", 1)];
        for (name, times) in times {
            assert_eq!(made.matches(&format!("name: {name:?},")).count(), times, "{name}");
        }
        let names: Vec<&str> =
            made.split("name: \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let falls = names.windows(2).filter(|pair| pair[0] >= pair[1]).count();
        assert_eq!(falls, 1, "one, from the last name to the first file");
    }
}
