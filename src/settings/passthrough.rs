//! The patterns of `--passthrough`, as typed.

use super::PREFIX;
use crate::error::{Error, Status};

/// The options, else the setting's list: a command line can leave closed what the environment
/// opens. A word that matches no name would close it too, and nobody would be told.
pub(super) fn read(
    options: Vec<String>,
    setting: Option<String>,
    problems: &mut Vec<Error>,
) -> Vec<String> {
    let of_option = !options.is_empty();
    let patterns = if of_option { options } else { super::texts(Vec::new(), setting) };
    if !patterns.iter().all(|pattern| is_pattern(pattern)) {
        let origin = match of_option {
            true => "--passthrough".to_owned(),
            false => format!("{PREFIX}PASSTHROUGH"),
        };
        let message = format!(
            "cannot take a pattern given for {origin}: it is not a name with * at its end at most"
        );
        let hint =
            "write --passthrough 'AWS_*' --passthrough TZ, or NEXIS_LAUNCH_PASSTHROUGH=AWS_*,TZ";
        problems.push(Error::new(Status::Usage, message).hint(hint));
    }
    patterns
}

/// A name, or the beginning of one with `*` at its end. An inherited name need not be one that a
/// contract may have: Kubernetes takes `a.b-c`.
fn is_pattern(text: &str) -> bool {
    let odd = |it: char| it.is_control() || it.is_whitespace() || matches!(it, '=' | ',' | '*');
    !text.is_empty() && !text.strip_suffix('*').unwrap_or(text).contains(odd)
}

#[cfg(test)]
mod tests {
    use super::is_pattern;

    #[test]
    fn a_pattern_is_a_name_or_its_beginning() {
        for text in ["A", "AWS_*", "*", "npm.config-x", "é"] {
            assert!(is_pattern(text), "{text}");
        }
        for text in ["", " ", "A,B", "A B", " A", "A=1", "A*B", "*_TOKEN", "A**", "A\n"] {
            assert!(!is_pattern(text), "{text:?}");
        }
    }
}
