//! Switches.

const TRUE: [&str; 8] = ["true", "1", "yes", "on", "y", "t", "enabled", "enable"];
const FALSE: [&str; 8] = ["false", "0", "no", "off", "n", "f", "disabled", "disable"];

/// The canonical spelling, which the program takes (gateway contract section 2).
pub const fn canonical(on: bool) -> &'static str {
    if on { "true" } else { "false" }
}

/// Reads a switch in its common spellings, any case of letters. The program takes only some of
/// them as true and everything else as false, so what is neither is `None` and never a guess.
pub fn parse(value: &[u8]) -> Option<bool> {
    let is = |names: &[&str]| names.iter().any(|name| value.eq_ignore_ascii_case(name.as_bytes()));
    if is(&TRUE) {
        Some(true)
    } else if is(&FALSE) {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_spellings_are_read_in_any_case() {
        for text in ["1", "true", "TRUE", "Yes", "on", "y", "t", "enable", "Enabled"] {
            assert_eq!(parse(text.as_bytes()), Some(true), "{text}");
        }
        for text in ["0", "false", "False", "NO", "off", "n", "f", "disable", "disabled"] {
            assert_eq!(parse(text.as_bytes()), Some(false), "{text}");
        }
    }

    #[test]
    fn anything_else_is_neither() {
        for text in ["", "2", "01", "tru", "true ", " on", "on\n", "yes!", "null", "enabled?"] {
            assert_eq!(parse(text.as_bytes()), None, "{text:?}");
        }
    }
}
