//! All that is wrong with a contract file, said in one go.

use crate::error::{Error, Status};
use crate::nearest::nearest;
use std::path::Path;

/// So many problems are spelled out; a file with more is no contract.
const MOST: usize = 20;

/// The problems of one file, in any order of finding.
#[derive(Debug, Default)]
pub struct Problems {
    list: Vec<Problem>,
    /// Whether nobody is told of them.
    silent: bool,
}

#[derive(Debug)]
struct Problem {
    line: u32,
    message: String,
    hint: Option<String>,
}

impl Problems {
    /// Problems that nobody is told of, as of a file that is read again for its lines.
    pub fn silent() -> Self {
        Problems { list: Vec::new(), silent: true }
    }

    /// Notes a problem. `line` is 0 where it belongs to no line. The message holds names, numbers
    /// and fixed words, never another scalar of the file: it could be a misplaced secret.
    pub fn add(&mut self, line: u32, message: impl Into<String>) {
        self.list.push(Problem { line, message: message.into(), hint: None });
    }

    /// The same with a hint.
    pub fn add_hint(&mut self, line: u32, message: impl Into<String>, hint: Option<String>) {
        self.list.push(Problem { line, message: message.into(), hint });
    }

    /// The known name nearest to `name`, for a hint; none where there are more problems already
    /// than are spelled out. To seek one takes longer than to find the problem.
    pub fn nearest<'a>(&self, name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
        if self.silent || self.list.len() >= MOST { None } else { nearest(name, known) }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The error that names them all by line, or nothing.
    ///
    /// # Errors
    /// Status 65 where there is a problem.
    pub fn verdict(mut self, path: &Path) -> Result<(), Error> {
        if self.list.is_empty() {
            return Ok(());
        }
        self.list.sort_by_key(|problem| problem.line);
        self.list.dedup_by(|b, a| a.line == b.line && a.message == b.message);
        let mut message = format!("cannot read contract {}", path.display());
        let mut hints = Vec::new();
        let several = self.list.iter().filter(|problem| problem.hint.is_some()).count() > 1;
        for (index, problem) in self.list.iter().take(MOST).enumerate() {
            message.push_str(if index == 0 { " " } else { "; " });
            match problem.line {
                0 if index == 0 => {
                    message.pop();
                    message.push_str(": ");
                }
                0 => {}
                line => message.push_str(&format!("line {line}: ")),
            }
            message.push_str(&problem.message);
            if let Some(hint) = &problem.hint {
                hints.push(match problem.line {
                    line if several && line > 0 => format!("line {line}: {hint}"),
                    _ => hint.clone(),
                });
            }
        }
        if self.list.len() > MOST {
            message.push_str(&format!("; and {} more", self.list.len() - MOST));
        }
        let error = Error::new(Status::Data, message);
        Err(if hints.is_empty() { error } else { error.hint(hints.join("; ")) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_said_by_line_and_hints_name_their_line() {
        let mut problems = Problems::default();
        problems.add_hint(9, "unknown key b", Some("did you mean c?".into()));
        problems.add_hint(3, "unknown key a", Some("did you mean d?".into()));
        let error = problems.verdict(Path::new("x.yaml")).unwrap_err();
        assert_eq!(error.status, Status::Data);
        assert_eq!(
            error.message,
            "cannot read contract x.yaml line 3: unknown key a; line 9: unknown key b"
        );
        assert_eq!(error.hint.as_deref(), Some("line 3: did you mean d?; line 9: did you mean c?"));
    }

    #[test]
    fn no_more_names_are_sought_than_problems_are_spelled_out() {
        let mut problems = Problems::default();
        for line in 1..=30 {
            let near = problems.nearest("rows", ["row"].into_iter());
            assert_eq!(near.is_some(), line <= 20, "{line}");
            problems.add_hint(line, format!("problem {line}"), near.map(str::to_owned));
        }
        assert_eq!(Problems::silent().nearest("rows", ["row"].into_iter()), None);
        let error = problems.verdict(Path::new("x.yaml")).unwrap_err();
        assert!(error.message.ends_with("problem 20; and 10 more"), "{}", error.message);
    }

    #[test]
    fn a_problem_without_a_line_follows_the_file() {
        let mut problems = Problems::default();
        problems.add(0, "version is absent");
        let error = problems.verdict(Path::new("x.yaml")).unwrap_err();
        assert_eq!(error.message, "cannot read contract x.yaml: version is absent");
        assert_eq!(error.hint, None);
    }
}
