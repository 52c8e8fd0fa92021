//! systemd units and drop-ins (systemd.syntax(7), systemd.exec(5), systemd.service(5)): what the
//! `[Service]` section says of environment, credentials and command.

use super::compose::copy;
use super::input::Named;
use super::model::{CREDENTIALS, Deployment, Given, Place, Setting, Target, Template, UNIT, Word};
use crate::secret::Secret;
use std::path::Path;

/// One assignment of the `[Service]` section.
#[derive(Clone)]
pub struct Line {
    name: String,
    value: String,
    at: Place,
}

/// What a text that cannot be a unit is refused with: its line and fixed words.
pub type Wrong = (u32, &'static str);

/// Whether a drop-in directory `DIRECTORY.d` is for this unit: of its name, of its template, of a
/// prefix that ends with a dash, or of all services (systemd.unit(5)).
pub fn serves(directory: &str, unit: &str) -> bool {
    let Some((stem, suffix)) = unit.rsplit_once('.') else { return false };
    let Some((other, kind)) = directory.rsplit_once('.') else { return directory == suffix };
    let of_template = || {
        let (name, instance) = stem.split_once('@')?;
        Some(!instance.is_empty() && other.strip_suffix('@') == Some(name))
    };
    kind == suffix
        && (other == stem
            || of_template() == Some(true)
            || (other.ends_with('-') && stem.len() > other.len() && stem.starts_with(other)))
}

/// Takes the assignments of a unit and its drop-ins, in the order in which they count. Env files
/// are there already. A unit without a `[Service]` section starts nothing. `partial` is for
/// drop-ins without their unit.
pub fn service(lines: &[Line], partial: bool, named: &Named, deployment: &mut Deployment) {
    let Some(first) = lines.first() else { return };
    let mut target = Target::new(UNIT, first.at);
    target.partial = partial;
    target.oneshot = last(lines, "Type").is_some_and(|line| line.value == "oneshot");
    environment(lines, named, &mut deployment.templates, &mut target);
    for line in standing(lines, &["LoadCredential", "LoadCredentialEncrypted"]) {
        credential(&line.value, line.at, &mut target);
    }
    for line in standing(lines, &["SetCredential", "SetCredentialEncrypted"]) {
        credential(&line.value, line.at, &mut target);
        // Judged as if it were set under this name.
        if let (true, Some((id, text))) = (line.name == "SetCredential", line.value.split_once(':'))
        {
            let given = Given::Literal(Secret::new(text.as_bytes().to_vec()));
            let name = format!("{CREDENTIALS}/{id}");
            target.settings.set(Setting { name, at: line.at, given, judged: true });
        }
    }
    // Whatever the manager was given.
    if standing(lines, &["ImportCredential"]).next().is_some() {
        target.unseen_dirs.push(CREDENTIALS.to_owned());
    }
    // A path of the host, alone or with the one that it is seen under.
    for line in standing(lines, &["BindPaths", "BindReadOnlyPaths"]) {
        for path in words(&line.value) {
            let path = path.trim_start_matches(['-', '+']);
            let seen = path.split(':').nth(1).unwrap_or(path);
            target.unseen_dirs.push(seen.trim_end_matches('/').to_owned());
        }
    }
    for line in standing(lines, &["ExecStart"]) {
        let command = line.value.trim_start_matches(['@', '-', ':', '+', '!', '|']);
        let words = words(command).into_iter().map(|text| Word { text, at: line.at });
        target.command.get_or_insert_default().extend(words);
    }
    deployment.start(target);
}

/// The assignments of these names that count: an empty one forgets those before.
fn standing<'a>(lines: &'a [Line], names: &'a [&str]) -> impl Iterator<Item = &'a Line> {
    let ours = move |line: &&Line| names.contains(&line.name.as_str());
    let begin = lines.iter().rposition(|line| ours(&line) && line.value.is_empty());
    lines.iter().skip(begin.map_or(0, |at| at + 1)).filter(ours)
}

fn last<'a>(lines: &'a [Line], name: &str) -> Option<&'a Line> {
    lines.iter().rev().find(|line| line.name == name)
}

/// The environment in the order in which systemd puts it together (systemd.exec(5)): what is passed
/// on, what the unit says, what files say, less what is unset.
fn environment(lines: &[Line], named: &Named, templates: &mut [Template], target: &mut Target) {
    for line in standing(lines, &["PassEnvironment"]) {
        for name in words(&line.value) {
            target.settings.set(Setting {
                name,
                at: line.at,
                given: Given::Elsewhere,
                judged: true,
            });
        }
    }
    for line in standing(lines, &["Environment"]) {
        for word in words(&line.value) {
            let Some((name, text)) = word.split_once('=') else { continue };
            let given = if is_specifier(text) {
                Given::Elsewhere
            } else {
                Given::Literal(Secret::new(text.replace("%%", "%").into_bytes()))
            };
            target.settings.set(Setting {
                name: name.to_owned(),
                at: line.at,
                given,
                judged: true,
            });
        }
    }
    for line in standing(lines, &["EnvironmentFile"]) {
        if target.is_beyond() {
            break;
        }
        let path = Path::new(line.value.strip_prefix('-').unwrap_or(&line.value));
        // The unit names the path on the host; in a repository the file has its name and no more.
        let known = named.at(path).or_else(|| {
            let envs = templates.iter().map(|template| template.file);
            named.called(path, envs)
        });
        match templates.iter_mut().find(|template| Some(template.file) == known) {
            Some(template) => {
                template.used = true;
                template.settings.iter().for_each(|it| target.settings.set(copy(it, true)));
            }
            None => target.unseen.push((line.at, "an environment file")),
        }
    }
    for line in standing(lines, &["UnsetEnvironment"]) {
        words(&line.value).iter().for_each(|name| target.settings.unset(name));
    }
}

/// Whether the text is one specifier and no more, such as `%i`: systemd fills it in.
fn is_specifier(text: &str) -> bool {
    text.strip_prefix('%').is_some_and(|it| it.len() == 1 && it != "%")
}

/// The assignments of the `[Service]` section, continued lines joined.
///
/// # Errors
/// The first line that is none.
pub fn lines(text: &str, file: usize) -> Result<Vec<Line>, Wrong> {
    let mut found = Vec::new();
    let mut section = "";
    let mut open: Option<Line> = None;
    // Some editors begin a file with a byte order mark; systemd passes over it.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (number, raw) in (1u32..).zip(text.lines()) {
        let line = raw.trim();
        if line.starts_with(['#', ';']) {
            // A comment inside a continued line is passed over (systemd.syntax(7)).
            continue;
        }
        if let Some(mut unfinished) = open.take() {
            unfinished.value.push(' ');
            push(unfinished, line, &mut open, &mut found);
        } else if let Some(name) = line.strip_prefix('[') {
            section = name.strip_suffix(']').ok_or((number, "a section without ]"))?;
        } else if let Some((name, value)) = line.split_once('=') {
            // Other sections are read to their lines' ends and not kept.
            let name = if section == "Service" { name.trim() } else { "" };
            let at = Place { file, line: number };
            let begun = Line { name: name.to_owned(), value: String::new(), at };
            push(begun, value.trim(), &mut open, &mut found);
        } else if !line.is_empty() {
            return Err((number, "no = after the name"));
        }
    }
    found.extend(open);
    found.retain(|line| !line.name.is_empty());
    Ok(found)
}

fn push(mut line: Line, text: &str, open: &mut Option<Line>, found: &mut Vec<Line>) {
    match text.strip_suffix('\\') {
        Some(begin) => {
            line.value.push_str(begin);
            *open = Some(line);
        }
        None => {
            line.value.push_str(text);
            // A value may begin on the line after its name.
            let value = line.value.trim().to_owned();
            found.push(Line { value, ..line });
        }
    }
}

fn credential(value: &str, at: Place, target: &mut Target) {
    let id = value.split(':').next().unwrap_or_default();
    if !id.is_empty() {
        target.files.push((format!("{CREDENTIALS}/{id}"), at));
    }
}

/// Words as systemd and shells separate them: by white space outside quotes, a backslash before a
/// character standing for that.
pub fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match (c, quote) {
            ('\\', Some('"') | None) => {
                word.get_or_insert_default().extend(characters.next());
            }
            (c, Some(open)) if c == open => quote = None,
            (c @ ('"' | '\''), None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_separated_outside_quotes() {
        assert_eq!(words(r#"a "b c"  'd "e' f\ g "" "#), ["a", "b c", "d \"e", "f g", ""]);
        assert_eq!(words(r#""A=b c" D='"'"#), ["A=b c", "D=\""]);
        assert!(words("  ").is_empty());
    }

    #[test]
    fn continued_lines_are_joined_and_other_sections_left_out() {
        let text = "[Unit]\nDescription=a \\\nEnvironment=X=1\n[Service]\n# c\nExecStart=/a \\\n# c\n  b \\\n  c\nEnvironment=A=1\n[Install]\nWantedBy=x\n";
        let found = lines(text, 0).ok().unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|line| (line.name.as_str(), line.value.as_str(), line.at.line))
            .collect();
        assert_eq!(found, [("ExecStart", "/a  b  c", 6), ("Environment", "A=1", 10)]);
    }

    #[test]
    fn drop_ins_are_for_a_unit_its_template_its_prefixes_and_its_kind() {
        for (directory, unit, expected) in [
            ("a.service", "a.service", true),
            ("a.service", "b.service", false),
            ("a.socket", "a.service", false),
            ("a@.service", "a@b.service", true),
            ("a@.service", "a@.service", true),
            ("a@.service", "a.service", false),
            ("a@b.service", "a@.service", false),
            ("a-.service", "a-b.service", true),
            ("a-.service", "ab.service", false),
            ("service", "a.service", true),
            ("socket", "a.service", false),
            ("", "a.service", false),
        ] {
            assert_eq!(serves(directory, unit), expected, "{directory} {unit}");
        }
    }

    #[test]
    fn what_is_no_unit_is_refused_with_its_line() {
        assert_eq!(lines("[Service]\nExecStart\n", 0).err(), Some((2, "no = after the name")));
        assert_eq!(lines("[Service\n", 0).err(), Some((1, "a section without ]")));
    }
}
