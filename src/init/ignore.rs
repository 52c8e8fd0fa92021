//! Lines of gitignore(5), as far as they name a thing outright.

/// Which of the lines `/NAME` or `/NAME/` a file lacks: it counts as there with or without the
/// slashes, and the last line about it decides, `!` taking it back.
pub(super) fn missing(content: &[u8], lines: &[String]) -> Vec<String> {
    let bare = |line: &str| line.trim_matches('/').to_owned();
    let text = String::from_utf8_lossy(content);
    let is_ignored = |wanted: &&String| {
        let about = |line: &&str| bare(line.trim_start_matches('!')) == bare(wanted);
        let last = text.lines().map(str::trim_end).rfind(about);
        last.is_some_and(|line| !line.starts_with('!'))
    };
    lines.iter().filter(|line| !is_ignored(line)).cloned().collect()
}

/// What to add to the end of the file for these lines.
pub(super) fn addition(content: &[u8], lines: &[String]) -> String {
    let begin = if content.last().is_some_and(|&byte| byte != b'\n') { "\n" } else { "" };
    format!("{begin}{}\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lacks(content: &str) -> Vec<String> {
        missing(content.as_bytes(), &["/.env".to_owned(), "/secrets/".to_owned()])
    }

    #[test]
    fn a_line_counts_with_or_without_slashes() {
        for content in ["/.env\n/secrets/\n", "secrets\r\n.env", "# x\n.env\n*.o\nsecrets/  \n"] {
            assert_eq!(lacks(content), [""; 0], "{content:?}");
        }
        for content in ["", "#.env\n#secrets\n", ".env.local\nmy/secrets\n", "!.env\n!secrets/\n"] {
            assert_eq!(lacks(content), ["/.env", "/secrets/"], "{content:?}");
        }
    }

    #[test]
    fn the_last_line_about_a_name_decides() {
        assert_eq!(lacks(".env\nsecrets\n!.env\n"), ["/.env"]);
        assert_eq!(lacks("!.env\n.env\nsecrets\n"), [""; 0]);
    }

    #[test]
    fn a_last_line_without_an_end_is_ended_first() {
        assert_eq!(addition(b"*.o", &["/.env".to_owned()]), "\n/.env\n");
        assert_eq!(addition(b"*.o\n", &["/.env".to_owned()]), "/.env\n");
        assert_eq!(addition(b"", &["/.env".to_owned()]), "/.env\n");
    }
}
