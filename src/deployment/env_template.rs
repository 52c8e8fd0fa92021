//! Env files: `.env`, `.env.example` and others of `NAME=VALUE` lines, read by the launcher's own
//! rules (interface section 3).

use super::interpolation;
use super::model::{Given, Place, Setting, Template};
use crate::contract::name::is_variable;
use crate::secret::Secret;
use crate::source::{Entry, Wrong, parse_env_file};
use std::io::Read;
use std::path::Path;

/// The most bytes of an env file that is only read for its names.
const LARGEST: usize = 1 << 20;

/// Takes an env file's settings, or says what is wrong with it.
pub fn template(text: &[u8], file: usize) -> Result<Template, Vec<Wrong>> {
    let (entries, wrong) = parse_env_file(text);
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let settings = entries.into_iter().map(|Entry { name, value, line, .. }| {
        let at = Place { file, line: u32::try_from(line).unwrap_or(u32::MAX) };
        Setting { name, at, given: referring(value), judged: true }
    });
    Ok(Template { file, settings: settings.collect(), mentioned: mentioned(text), used: false })
}

/// The launcher interpolates nothing, compose and shells do; a template is for any of them.
fn referring(value: Secret) -> Given {
    match std::str::from_utf8(value.expose()) {
        Ok(text) if text.contains("${") => interpolation::given(text),
        _ => Given::Literal(value),
    }
}

/// The names in lines `# NAME=…`: a template says by them what may be set.
fn mentioned(text: &[u8]) -> Vec<String> {
    let lines = text.split(|&byte| byte == b'\n').filter_map(|line| line.strip_prefix(b"#"));
    let names = lines.filter_map(|line| {
        let end = line.iter().position(|&byte| byte == b'=')?;
        let name = std::str::from_utf8(line.get(..end)?).ok()?.trim();
        is_variable(name).then(|| name.to_owned())
    });
    names.collect()
}

/// The names of a local env file of a service, with whether each is blank; `None` where there is no
/// such file, or it has more than 1 MiB: half of it would be judged as the whole. A name alone passes the value on that compose itself has.
pub fn read_names(path: &Path) -> Option<Vec<(String, Given)>> {
    // Looked at before it is opened: opening a pipe would wait for its writer.
    std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    let mut bytes = Vec::new();
    let bound = u64::try_from(LARGEST).unwrap_or(u64::MAX).saturating_add(1);
    std::fs::File::open(path).ok()?.take(bound).read_to_end(&mut bytes).ok()?;
    if bytes.len() > LARGEST {
        return None;
    }
    let (entries, wrong) = parse_env_file(&bytes);
    let lines: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').collect();
    let passed_on = wrong.iter().filter_map(|wrong| {
        let line = lines.get(wrong.line.checked_sub(1)?)?;
        let name = std::str::from_utf8(line).ok()?.trim();
        is_variable(name).then(|| (name.to_owned(), Given::Elsewhere))
    });
    let names = entries.into_iter().map(|entry| (entry.name, Given::Literal(entry.value)));
    Some(names.chain(passed_on).collect())
}
