//! What development requires and only its user can give: how it is said in one line.

use super::{ENV, definition};
use crate::contract::model::{Contract, Deliver, Kind, Role, Row, RowId, Segment, Template};
use crate::contract::words;
use crate::mode::Mode;
use crate::source::Entry;

/// What a development set-up holds already.
pub(super) struct Given<'a> {
    /// The contract.
    pub contract: &'static Contract,
    /// The env file's entries.
    pub entries: &'a [Entry],
    /// Whether the row has a file of its own in the directory of secrets.
    pub has_file: &'a dyn Fn(&Row) -> bool,
}

impl Given<'_> {
    /// What is still to be set in the env file for the row, if anything is.
    pub fn to_do(&self, row: &Row) -> Option<String> {
        let wanted = row.required.has(Mode::Development) && !row.part;
        let supplied = row.default.is_some() || row.generate.is_some() || self.is_set(row);
        if !wanted || supplied || row.format.kind == Kind::ModeName {
            return None;
        }
        let (name, form) = (row.name, words::format(row));
        let template = match (row.deliver, &row.template) {
            // What is delivered as a path has to come from one, and nothing composed does.
            (Deliver::AsFile, _) => {
                return Some(format!(
                    "set in {ENV}: {name}_FILE, the path of a file that holds {form}"
                ));
            }
            (Deliver::AsValue, None) => return Some(format!("set in {ENV}: {name}, {form}")),
            (Deliver::AsValue, Some(template)) => template,
        };
        let mut absent = Vec::new();
        self.absent(template, &mut absent);
        let rest = match absent.as_slice() {
            // Defaults alone compose nothing.
            [] if self.begins(template) => return None,
            [] => format!("one of {}", words::and(&self.names(template))),
            [one] => one.clone(),
            [_, _] => format!("both {}", words::and(&absent)),
            _ => format!("all of {}", words::and(&absent)),
        };
        Some(format!("set in {ENV}: {name}, {form}, or {rest}"))
    }

    /// Whether the row has a value: a file of its own, or what the env file says of it.
    fn is_set(&self, row: &Row) -> bool {
        let role = |entry: &Entry| self.contract.known(entry.name.as_bytes()).map(|it| it.role);
        (self.has_file)(row)
            || definition(self.contract, row, self.entries).is_some_and(|entry| match row.deliver {
                Deliver::AsValue => true,
                Deliver::AsFile => matches!(role(entry), Some(Role::OwnFile | Role::AliasFile(_))),
            })
    }

    fn names(&self, template: &Template) -> Vec<String> {
        template.parts.iter().map(|&part| self.contract.row(part).name.to_owned()).collect()
    }

    /// Whether a part is set, so that the template is tried.
    fn begins(&self, template: &Template) -> bool {
        template.parts.iter().any(|&part| {
            let part = self.contract.row(part);
            self.is_set(part) || part.template.as_ref().is_some_and(|inner| self.begins(inner))
        })
    }

    /// The parts without which nothing is composed, by name.
    fn absent(&self, template: &Template, names: &mut Vec<String>) {
        let needed = |segment: &Segment| -> Option<RowId> {
            if let Segment::Part(id, _) = segment { Some(*id) } else { None }
        };
        for id in template.segments.iter().filter_map(needed) {
            let row = self.contract.row(id);
            match &row.template {
                _ if row.default.is_some() || self.is_set(row) => {}
                Some(inner) => self.absent(inner, names),
                None if names.iter().any(|name| name == row.name) => {}
                None => names.push(row.name.to_owned()),
            }
        }
    }
}
