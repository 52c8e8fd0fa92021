//! systemd units and drop-ins (systemd.syntax(7), systemd.exec(5), systemd.service(5)): what the
//! `[Service]` section says of environment, credentials and command.

use super::compose::copy;
use super::model::{CREDENTIALS, Deployment, Given, Place, Setting, Target, Word};
use crate::secret::Secret;
use std::path::Path;

/// One assignment of the `[Service]` section.
struct Line<'a> {
    name: &'a str,
    value: String,
    line: u32,
}

/// What a text that cannot be a unit is refused with: its line and fixed words.
pub type Wrong = (u32, &'static str);

/// Takes a unit, or adds a drop-in to the unit that it is for. Units come before drop-ins, env
/// files before both. A unit without a `[Service]` section starts nothing.
pub fn service(
    text: &str,
    file: usize,
    base: Option<usize>,
    partial: bool,
    named: &dyn Fn(&Path) -> Option<usize>,
    deployment: &mut Deployment,
) -> Result<Option<usize>, Wrong> {
    let lines = lines(text)?;
    let Some(first) = lines.first().map(|line| line.line) else { return Ok(None) };
    let index = base.unwrap_or_else(|| {
        let mut target = Target::new("unit", Place { file, line: first });
        target.partial = partial;
        deployment.targets.push(target);
        deployment.targets.len() - 1
    });
    for line in lines {
        one(line, file, index, named, deployment);
    }
    Ok(Some(index))
}

/// The assignments of the `[Service]` section, continued lines joined.
fn lines(text: &str) -> Result<Vec<Line<'_>>, Wrong> {
    let mut found = Vec::new();
    let mut section = "";
    let mut open: Option<Line<'_>> = None;
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
            let begun = Line { name, value: String::new(), line: number };
            push(begun, value.trim(), &mut open, &mut found);
        } else if !line.is_empty() {
            return Err((number, "no = after the name"));
        }
    }
    found.extend(open);
    found.retain(|line| !line.name.is_empty());
    Ok(found)
}

fn push<'a>(
    mut line: Line<'a>,
    text: &str,
    open: &mut Option<Line<'a>>,
    found: &mut Vec<Line<'a>>,
) {
    match text.strip_suffix('\\') {
        Some(begin) => {
            line.value.push_str(begin);
            *open = Some(line);
        }
        None => {
            line.value.push_str(text);
            found.push(line);
        }
    }
}

fn one(
    Line { name, value, line }: Line<'_>,
    file: usize,
    index: usize,
    named: &dyn Fn(&Path) -> Option<usize>,
    deployment: &mut Deployment,
) {
    let at = Place { file, line };
    let Deployment { targets, templates, .. } = deployment;
    let Some(target) = targets.get_mut(index) else { return };
    match name {
        // An empty assignment forgets those before.
        "Environment" if value.is_empty() => target.settings.retain(|it| it.given.text().is_none()),
        "Environment" => {
            for word in words(&value) {
                let Some((name, text)) = word.split_once('=') else { continue };
                // A specifier is filled in by systemd; `%%` is a percent sign.
                let given = Given::Literal(Secret::new(text.replace("%%", "%").into_bytes()));
                target.set(Setting { name: name.to_owned(), at, given, judged: true });
            }
        }
        "PassEnvironment" => {
            for name in words(&value) {
                target.set(Setting { name, at, given: Given::Elsewhere, judged: true });
            }
        }
        "UnsetEnvironment" => {
            let names = words(&value);
            target.settings.retain(|setting| !names.contains(&setting.name));
        }
        "EnvironmentFile" if !value.is_empty() => {
            let path = Path::new(value.strip_prefix('-').unwrap_or(&value));
            let known = named(path);
            match templates.iter_mut().find(|template| Some(template.file) == known) {
                Some(template) => {
                    template.used = true;
                    template.settings.iter().for_each(|it| target.set(copy(it, true)));
                }
                None => target.unseen.push((at, "an environment file")),
            }
        }
        "LoadCredential" | "LoadCredentialEncrypted" | "SetCredentialEncrypted" => {
            credential(&value, at, target);
        }
        "SetCredential" => {
            if let Some((id, text)) = value.split_once(':') {
                credential(id, at, target);
                // Judged as if it were set under this name.
                let given = Given::Literal(Secret::new(text.as_bytes().to_vec()));
                let name = format!("{CREDENTIALS}/{id}");
                target.set(Setting { name, at, given, judged: true });
            }
        }
        // Whatever the manager was given.
        "ImportCredential" => target.unseen_dirs.push(CREDENTIALS.to_owned()),
        "ExecStart" if value.is_empty() => target.command = None,
        "ExecStart" => {
            let command = value.trim_start_matches(['@', '-', ':', '+', '!', '|']);
            let words = words(command).into_iter().map(|text| Word { text, at });
            target.command.get_or_insert_default().extend(words);
        }
        _ => {}
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
        let found = lines(text).ok().unwrap();
        let found: Vec<_> =
            found.iter().map(|line| (line.name, line.value.as_str(), line.line)).collect();
        assert_eq!(found, [("ExecStart", "/a  b  c", 6), ("Environment", "A=1", 10)]);
    }

    #[test]
    fn what_is_no_unit_is_refused_with_its_line() {
        assert_eq!(lines("[Service]\nExecStart\n").err(), Some((2, "no = after the name")));
        assert_eq!(lines("[Service\n").err(), Some((1, "a section without ]")));
    }
}
