//! `USER[:GROUP]`, as typed.

use crate::error::{Error, Status};

/// A user or group by name or number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// A number; digits are never a name.
    Number(u32),
    /// A name.
    Name(String),
}

/// What `--user` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserWish {
    /// The user.
    pub user: Who,
    /// The group; absent: the user's.
    pub group: Option<Who>,
    /// As typed, for messages.
    pub text: String,
    /// `--user`, or the setting's name.
    pub origin: &'static str,
}

impl UserWish {
    /// The option's wish, else the setting's.
    pub(super) fn read(
        option: Option<String>,
        setting: Option<String>,
        problems: &mut Vec<Error>,
    ) -> Option<UserWish> {
        let origin = if option.is_some() { "--user" } else { "NEXIS_LAUNCH_USER" };
        let text = option.or(setting)?;
        let wish = UserWish::parse(&text).map(|wish| UserWish { origin, ..wish });
        if wish.is_none() {
            let message =
                format!("cannot take the value given for {origin}: it is not USER or USER:GROUP");
            let hint = "give names or numbers, as in app, 65532 or 65532:65532";
            problems.push(Error::new(Status::Usage, message).hint(hint));
        }
        wish
    }

    /// Reads `USER` or `USER:GROUP`; `None` where it is neither.
    pub fn parse(text: &str) -> Option<UserWish> {
        let text = text.trim();
        let (user, group) = match text.split_once(':') {
            Some((user, group)) => (user, Some(who(group)?)),
            None => (text, None),
        };
        Some(UserWish { user: who(user)?, group, text: text.to_owned(), origin: "--user" })
    }
}

/// A number below 4294967295, which means "no change" to the kernel (setresuid(2)), or a name.
fn who(text: &str) -> Option<Who> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().filter(|&number| number != u32::MAX).map(Who::Number);
    }
    // What begins with a sign is an instruction to NIS (nsswitch.conf(5)) or a mistyped number.
    let odd = |it: char| it.is_control() || it.is_whitespace() || matches!(it, ':' | '/' | ',');
    let is_name = !text.is_empty() && !text.starts_with(['+', '-']) && !text.contains(odd);
    is_name.then(|| Who::Name(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_a_number_and_the_rest_a_name() {
        let name = |text: &str| Who::Name(text.to_owned());
        for (text, user, group) in [
            ("app", name("app"), None),
            (" 65532 ", Who::Number(65532), None),
            ("app:web", name("app"), Some(name("web"))),
            ("0:4294967294", Who::Number(0), Some(Who::Number(4_294_967_294))),
            ("1a", name("1a"), None),
        ] {
            let wish = UserWish::parse(text).expect(text);
            assert_eq!((wish.user, wish.group), (user, group), "{text}");
        }
    }

    #[test]
    fn what_would_change_nothing_or_name_nobody_is_refused() {
        for text in [
            "",
            " ",
            ":",
            "app:",
            ":web",
            "-1",
            "+1",
            "4294967295",
            "1:4294967295",
            "4294967296",
            "99999999999",
            "a:b:c",
            "a b",
            "app:-1",
            "a/b",
        ] {
            assert_eq!(UserWish::parse(text), None, "{text}");
        }
    }
}
