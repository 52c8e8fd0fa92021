//! Names to indices: a [`Draft`] becomes the tables, if everything in it fits together.
//!
//! All checks that need more than one row are here: names claimed twice, names that no row has,
//! templates that need themselves. A wrong reference gets a stand-in index, so that the rest of
//! the file is checked too; the caller throws the tables away where there is a problem.

use super::claims::{Claims, MOST_NAMES};
use super::draft::{Cond, Draft, KindName, RowDraft};
use super::generated;
use super::model::{
    Condition, Contract, Deliver, Display, Feature, FeatureId, FinalNewline, Kind, List, NotRead,
    Origin, Override, Policy, Reject, Row, RowId, Rule, Str, Template, Test,
};
use super::pattern;
use super::policy;
use super::problem::Problems;
use super::provider;
use super::severity;
use crate::bytes;
use crate::mode::{Mode, Modes};
use std::collections::{BTreeMap, BTreeSet};

/// Rows and features a contract may have; indices are 16 bits.
const MOST_ROWS: usize = 2048;

/// What a row of kind mode is: the mode is known before anything else, and comes from the
/// environment or an option alone.
const OF_MODE: &str = "variable that is no secret and no part, without length or prefix, template, default, files, feature and provider";

/// Makes the tables. What does not fit together goes into `problems`, and the result is then of
/// no use. The first rows of the draft are those of `base`, as they are now.
pub fn compile(
    draft: &Draft,
    base: Option<&Contract>,
    origin: Origin,
    sha256: Str,
    problems: &mut Problems,
) -> Contract {
    let known = (0u16..).take(base.map_or(0, |base| base.rows.len())).map(|at| Some(RowId(at)));
    let mut all: Vec<_> = draft.rows.iter().zip(known.chain(std::iter::repeat(None))).collect();
    // A stable sort: the order of the file stays within variables and within parts.
    all.sort_by_key(|(row, _)| row.part);
    all.truncate(MOST_ROWS);
    let (all, origins): (Vec<&RowDraft>, Vec<Option<RowId>>) = all.into_iter().unzip();
    if draft.rows.len() > MOST_ROWS || draft.features.len() > MOST_ROWS {
        problems.add(0, format!("more than {MOST_ROWS} rows"));
    }
    let ids = ids(&all, problems);
    let made_of = made_of_secrets(&all);
    let burnt = draft.burnt.iter().copied().collect();
    let features = BTreeMap::new();
    let mut compiler = Compiler { rows: &all, ids, made_of, burnt, features, problems };
    for (index, feature) in (0u16..).zip(draft.features.iter().take(MOST_ROWS)) {
        if compiler.features.insert(feature.name, FeatureId(index)).is_some() {
            let words = format!("feature {} stands here a second time", feature.name);
            compiler.problems.add(feature.line, words);
        }
    }
    let providers = provider::compile(draft, &all, compiler.problems);
    let mut rows = all.iter().map(|row| compiler.row(row, draft)).collect::<Vec<_>>();
    compiler.cycles(&all);
    one_mode(&rows, &all, compiler.problems);
    let features = draft.features.iter().map(|feature| Feature {
        name: feature.name,
        on: feature.on.as_ref().map(|on| compiler.condition(on)),
        off: feature.off.as_ref().map(|off| compiler.condition(off)),
        conflicts: feature
            .conflicts
            .iter()
            .map(|one| compiler.condition(one))
            .collect::<Vec<_>>()
            .into(),
    });
    let features = features.collect::<Vec<_>>();
    let rules = draft.rules.iter().map(|rule| Rule {
        variable: compiler.known_row(rule.variable, rule.line).unwrap_or(RowId(0)),
        when: compiler.condition(&rule.when),
        modes: rule.modes,
        code: rule.code,
        severity: rule.severity,
        message: rule.message,
        hint: rule.hint,
    });
    let rules = rules.collect::<Vec<_>>();
    let claims = Claims::new(&all, &rows, base, &origins);
    let names = claims.names(problems);
    let files = claims.files(problems);
    let not_read = not_read(draft, problems);
    // Exact names come first, sorted.
    let (exact, open) = not_read.split_at(not_read.partition_point(|it| !it.name.ends_with('*')));
    let starts = |row: &Row, it: &NotRead| {
        it.name.strip_suffix('*').is_some_and(|start| row.name.starts_with(start))
    };
    for row in &mut rows {
        let at = exact.binary_search_by(|it| it.name.cmp(row.name));
        let exact = at.ok().and_then(|at| exact.get(at));
        let known = exact.or_else(|| open.iter().find(|it| starts(row, it)));
        row.not_read = known.map(|known| known.note);
    }
    let concerned = names.iter().map(|known| known.name);
    let concerned = concerned.chain(not_read.iter().map(|known| known.name));
    let initials = Contract::initials(concerned.chain(draft.prefixes.iter().copied()));
    let mut contract = Contract {
        version: 1,
        name: draft.name.unwrap_or("contract"),
        origin,
        sha256,
        program: draft.program.iter().map(|at| at.value).collect::<Vec<_>>().into(),
        mode_names: draft.mode_names.iter().map(|at| at.value).collect::<Vec<_>>().into(),
        rows: rows.into(),
        features: features.into(),
        rules: rules.into(),
        not_read: not_read.into(),
        prefixes: draft.prefixes.clone().into(),
        passthrough: draft.passthrough.clone().into(),
        policy: Policy::NONE,
        trusted_owners: draft.trusted_owners.clone().into(),
        burnt: draft.burnt.clone().into(),
        providers: providers.into(),
        chain: List::EMPTY,
        names: names.into(),
        files: files.into(),
        initials,
    };
    contract.policy = policy::compile(&draft.policy, &contract, problems);
    contract
}

impl<T> From<Vec<T>> for List<T> {
    fn from(items: Vec<T>) -> Self {
        List::leak(items)
    }
}

/// The rows by name.
fn ids(all: &[&RowDraft], problems: &mut Problems) -> Vec<(Str, RowId)> {
    let mut ids: Vec<(Str, RowId)> =
        (0u16..).zip(all).map(|(at, row)| (row.name, RowId(at))).collect();
    bytes::sort_by(&mut ids, |(name, _)| name.as_bytes());
    for alike in ids.chunk_by_mut(|(one, _), (other, _)| one == other) {
        alike.sort_by_key(|(_, id)| id.0);
        for (name, id) in alike.iter().skip(1) {
            let line = all.get(usize::from(id.0)).map_or(0, |row| row.line);
            problems.add(line, format!("{name} has a second row"));
        }
    }
    ids
}

/// The rows that are composed of a secret, each with one of its secrets.
fn made_of_secrets(all: &[&RowDraft]) -> BTreeMap<Str, Str> {
    let mut taken_by: BTreeMap<Str, Vec<&RowDraft>> = BTreeMap::new();
    for row in all {
        let mut names = Vec::new();
        let pieces = row.template.and_then(|text| pattern::parse(text).ok());
        pattern::names(&pieces.unwrap_or_default(), &mut names);
        for (name, _) in names {
            taken_by.entry(name).or_default().push(row);
        }
    }
    let mut made_of = BTreeMap::new();
    let mut secrets: Vec<(Str, Str)> =
        all.iter().filter(|row| row.secret == Some(true)).map(|row| (row.name, row.name)).collect();
    while let Some((name, secret)) = secrets.pop() {
        for row in taken_by.get(name).into_iter().flatten() {
            if made_of.insert(row.name, secret).is_none() && row.secret.is_none() {
                secrets.push((row.name, secret));
            }
        }
    }
    made_of
}

/// What is known while rows and conditions are made.
struct Compiler<'p> {
    rows: &'p [&'p RowDraft],
    /// Sorted by name.
    ids: Vec<(Str, RowId)>,
    /// A secret that each row's template takes, itself or through what it takes.
    made_of: BTreeMap<Str, Str>,
    /// The values that no secret may have.
    burnt: BTreeSet<Reject>,
    features: BTreeMap<Str, FeatureId>,
    problems: &'p mut Problems,
}

impl Compiler<'_> {
    /// The row of this name.
    fn id(&self, name: Str) -> Option<RowId> {
        let at = self.ids.binary_search_by(|(known, _)| (*known).cmp(name)).ok()?;
        self.ids.get(at).map(|(_, id)| *id)
    }

    /// The row of this name; a problem with the nearest name where there is none.
    fn known_row(&mut self, name: Str, line: u32) -> Option<RowId> {
        let found = self.id(name);
        if found.is_none() {
            let near = self.problems.nearest(name, self.ids.iter().map(|(name, _)| *name));
            let hint = match near {
                Some(near) => format!("did you mean {near}?"),
                None => "declare it under variables or parts".to_owned(),
            };
            self.problems.add_hint(line, format!("{name} is no row of the contract"), Some(hint));
        }
        found
    }

    /// A condition with indices.
    fn condition(&mut self, cond: &Cond) -> Condition {
        let mut each =
            |list: &[Cond]| list.iter().map(|one| self.condition(one)).collect::<Vec<_>>().into();
        match cond {
            Cond::Any(list) => Condition::Any(each(list)),
            Cond::All(list) => Condition::All(each(list)),
            Cond::Not(inner) => Condition::Not(Box::leak(Box::new(self.condition(inner)))),
            Cond::Test { line, variable, test } => {
                let found = self.known_row(variable, *line);
                let draft = found.and_then(|row| self.rows.get(usize::from(row.0)));
                let is_text = matches!(test, Test::Equals(_) | Test::OneOf(_) | Test::Contains(_));
                // The text may be any word for on, and the program gets `true` for each of them.
                if is_text && draft.is_some_and(|row| row.format.kind == Some(KindName::Flag)) {
                    let words = format!("{variable} is a flag, and a condition tests its text");
                    let hint = "test a flag with `is`".to_owned();
                    self.problems.add_hint(*line, words, Some(hint));
                }
                Condition::Test(found.unwrap_or(RowId(0)), *test)
            }
        }
    }

    /// A row with all that goes without saying filled in.
    fn row(&mut self, draft: &RowDraft, whole: &Draft) -> Row {
        let name = draft.name;
        // What is made of a secret is one.
        let made_of = self.made_of.get(name).copied();
        let secret = draft.secret.unwrap_or(made_of.is_some());
        let mut wrong = |key: &str, words: String| self.problems.add(draft.line_of(key), words);
        if draft.aliases.len() > MOST_NAMES || draft.files.len() > MOST_NAMES {
            wrong("aliases", format!("{name}: more than {MOST_NAMES} aliases or files"));
        }
        let format = draft.format.build().unwrap_or_else(|words| {
            wrong("format", format!("{name}: {words}"));
            super::model::Format {
                kind: Kind::Ascii,
                min_bytes: None,
                max_bytes: None,
                prefix: None,
            }
        });
        if let Some(words) = severity::refused(name, secret, &draft.severity) {
            let hint = "an error that is never accepted stays one in every contract".to_owned();
            let line = draft.line_of("severity");
            self.problems.add_hint(line, words, Some(hint));
        }
        let mut wrong = |key: &str, words: String| self.problems.add(draft.line_of(key), words);
        if let (false, Some(part)) = (secret, made_of) {
            let words = format!("{name}: the template takes {part}, which is secret");
            wrong("secret", words);
        }
        // What may be had is known, and the program gets it in a spelling that nothing hides.
        if secret && matches!(format.kind, Kind::Flag | Kind::Enum { .. }) {
            wrong("format", format!("{name}: kind flag or enum is for what is no secret"));
        }
        if let Some(default) = draft.default {
            // A secret that stands in a file next to the program is none.
            if secret {
                wrong("default", format!("{name}: a secret cannot have a default"));
            } else if default.trim().is_empty() && draft.blank_allowed != Some(true) {
                wrong("default", format!("{name}: the default is blank, which counts as absent"));
            } else if !allows(&format.kind, default) {
                wrong("default", format!("{name}: the default is not what its format allows"));
            }
        }
        if format.kind == Kind::ModeName {
            let format = &draft.format;
            let bounds = format.min_bytes.is_some() || format.max_bytes.is_some();
            let without = [
                ("format", draft.part || bounds || format.prefix.is_some()),
                ("secret", secret),
                ("template", draft.template.is_some()),
                ("default", draft.default.is_some()),
                ("files", !draft.files.is_empty()),
            ];
            if let Some((key, _)) = without.iter().find(|(_, has)| *has) {
                wrong(key, format!("{name}: kind mode is for a {OF_MODE}"));
            }
            // The mode is known before any feature, and holds whether the program is told or not.
            if draft.feature.is_some() {
                wrong("feature", format!("{name}: kind mode belongs to no feature"));
            }
        }
        let own = draft.keys.iter().any(|(key, _)| *key == "generate");
        let mut generate = draft.generate;
        if !own {
            // Of the contract that is extended: its values follow the format that was tightened.
            generate = generate.and_then(|it| generated::fitting(&format, it));
        } else if let Some(fault) = generate.and_then(|it| generated::fault(&format, it)) {
            let hint = "give the row a `generate` that its format takes".to_owned();
            let (line, words) = (draft.line_of("generate"), format!("{name}: {fault}"));
            self.problems.add_hint(line, words, Some(hint));
        }
        // Whoever validates looks at one list; the burnt values come last, so that `show` can
        // take them off again.
        let mut rejects = draft.rejects.clone();
        if secret {
            rejects.retain(|own| !self.burnt.contains(own));
            rejects.extend(&whole.burnt);
        }
        let feature = draft.feature.and_then(|feature| {
            let found = self.features.get(feature).copied();
            if found.is_none() {
                let near = self.problems.nearest(feature, self.features.keys().copied());
                let hint = near.map(|near| format!("did you mean {near}?"));
                let words = format!("{name}: {feature} is no feature of the contract");
                self.problems.add_hint(draft.line_of("feature"), words, hint);
            }
            found
        });
        Row {
            name,
            part: draft.part,
            aliases: draft.aliases.clone().into(),
            secret,
            class: draft.class,
            purpose: draft.purpose.unwrap_or_default(),
            read_by: draft.read_by.unwrap_or_default(),
            required: draft.required.unwrap_or(Modes::NONE),
            required_when: draft.required_when.as_ref().map(|when| self.condition(when)),
            feature,
            files: draft.files.clone().into(),
            format,
            rejects: rejects.into(),
            severity: overrides(&draft.severity).into(),
            final_newline: draft.final_newline.unwrap_or(FinalNewline::Strip),
            blank_allowed: draft.blank_allowed.unwrap_or(false),
            deliver: draft.deliver.unwrap_or(Deliver::AsValue),
            generate,
            fetch: provider::fetch(draft, &whole.providers),
            default: draft.default,
            template: draft.template.and_then(|text| self.template(text, draft)),
            display: draft.display.unwrap_or(Display::Auto),
            not_read: None,
            line: draft.line,
        }
    }

    /// A template with indices.
    fn template(&mut self, text: Str, draft: &RowDraft) -> Option<Template> {
        let line = draft.line_of("template");
        let pieces = match pattern::parse(text) {
            Ok(pieces) => pieces,
            Err(words) => {
                self.problems.add(line, format!("{}: template: {words}", draft.name));
                return None;
            }
        };
        let mut names = Vec::new();
        pattern::names(&pieces, &mut names);
        if names.is_empty() {
            self.problems.add(line, format!("{}: template: names no part", draft.name));
        }
        for (name, switch) in names {
            let row = self.known_row(name, line).and_then(|id| self.rows.get(usize::from(id.0)));
            if switch && row.is_some_and(|row| row.format.kind != Some(KindName::Flag)) {
                let words = format!("{}: template: {name} is no flag", draft.name);
                self.problems.add(line, words);
            }
        }
        pattern::resolve(text, &pieces, &|name| self.id(name))
    }

    /// Refuses templates that need themselves.
    fn cycles(&mut self, rows: &[&RowDraft]) {
        // Rows without a template need nothing.
        let composed: BTreeMap<Str, Str> =
            rows.iter().filter_map(|row| Some((row.name, row.template?))).collect();
        // How many of the others each of them still needs, and which need it.
        let mut needs: BTreeMap<Str, usize> = BTreeMap::new();
        let mut needed_by: BTreeMap<Str, Vec<Str>> = BTreeMap::new();
        for (&name, text) in &composed {
            let mut names = Vec::new();
            pattern::names(&pattern::parse(text).unwrap_or_default(), &mut names);
            let names: BTreeSet<Str> = names.into_iter().map(|(name, _)| name).collect();
            let others = names.iter().filter(|name| composed.contains_key(*name));
            needs.insert(name, others.clone().count());
            others.for_each(|other| needed_by.entry(other).or_default().push(name));
        }
        // Rows that need nothing more are taken away; what stays is in a cycle or needs one.
        let mut free: Vec<Str> =
            needs.iter().filter(|(_, count)| **count == 0).map(|(name, _)| *name).collect();
        while let Some(name) = free.pop() {
            needs.remove(name);
            for user in needed_by.get(name).into_iter().flatten() {
                if let Some(count) = needs.get_mut(user) {
                    *count -= 1;
                    if *count == 0 {
                        free.push(user);
                    }
                }
            }
        }
        for row in rows.iter().filter(|row| needs.contains_key(row.name)) {
            let words = format!("{}: the template needs itself", row.name);
            self.problems.add(row.line_of("template"), words);
        }
    }
}

/// One entry a code and severity, in the order of codes, however the file spread them: two
/// contracts that say the same are then the same table.
fn overrides(list: &[Override]) -> Vec<Override> {
    let mut merged: Vec<Override> = Vec::new();
    for one in list {
        match merged.iter_mut().find(|it| (it.code, it.severity) == (one.code, one.severity)) {
            Some(known) => known.modes = Modes(known.modes.0 | one.modes.0),
            None => merged.push(*one),
        }
    }
    merged.sort_by_key(|one| (one.code, one.severity));
    merged
}

/// Whether a default has the form that its row demands, as far as that is decided by the kind.
fn allows(kind: &Kind, text: &str) -> bool {
    match kind {
        Kind::Text { single_line } => !single_line || !text.contains(['\n', '\r']),
        Kind::Ascii => text.bytes().all(|b| b.is_ascii_graphic()),
        Kind::Flag => {
            let words = ["true", "false", "1", "0", "yes", "no", "on", "off"];
            words.iter().any(|word| text.eq_ignore_ascii_case(word))
        }
        Kind::Integer { min, max } => {
            text.parse::<i64>().is_ok_and(|number| (min..=max).contains(&&number))
        }
        Kind::Enum { values } => values.iter().any(|value| text.eq_ignore_ascii_case(value)),
        Kind::ModeName => Mode::parse(text.as_bytes(), &[]).is_some(),
        Kind::SocketAddress => text.parse::<std::net::SocketAddr>().is_ok(),
        Kind::Hex { .. } => text.bytes().all(|b| b.is_ascii_hexdigit()),
        Kind::Url { schemes, .. } => text.split_once(':').is_some_and(|(scheme, _)| {
            schemes.is_empty() || schemes.iter().any(|one| scheme.eq_ignore_ascii_case(one))
        }),
        Kind::Base64 { .. } | Kind::Origins | Kind::LogFilter => true,
    }
}

/// Refuses a second row of kind mode: only one of two values could be the mode.
fn one_mode(rows: &[Row], all: &[&RowDraft], problems: &mut Problems) {
    let mut modes = rows.iter().zip(all).filter(|(row, _)| row.format.kind == Kind::ModeName);
    let first = modes.next();
    for ((first, _), (row, draft)) in first.into_iter().cycle().zip(modes) {
        let words = format!("{}: {} is of kind mode already", row.name, first.name);
        problems.add(draft.line_of("format"), words);
    }
}

/// The names that are not read. One that is a row too is delivered and warned of.
fn not_read(draft: &Draft, problems: &mut Problems) -> Vec<NotRead> {
    let mut seen = BTreeSet::new();
    for at in &draft.not_read {
        if !seen.insert(at.value.name) {
            let words = format!("not_read: {} stands here a second time", at.value.name);
            problems.add(at.line, words);
        }
    }
    let mut names: Vec<NotRead> = draft.not_read.iter().map(|at| at.value).collect();
    names.sort_by_key(|known| (known.name.ends_with('*'), known.name));
    names
}
