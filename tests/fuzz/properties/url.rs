//! The URL redactor: the password never shows, in no form, and what is shown has the scheme, host,
//! port and path of what was given.

use super::decode::{CANARY, Input, MARK, canary_in, no_canary, with_canary, without_mark};
use nexis_launch::contract::model::Display;
use nexis_launch::url::{self, Url, decode};

const SCHEMES: [&str; 10] = [
    "postgres",
    "postgresql",
    "mysql",
    "redis",
    "rediss",
    "https",
    "sqlite",
    "mongodb+srv",
    "amqp",
    "POSTGRES",
];

pub fn hold(bytes: &[u8]) {
    as_it_is(&without_mark(bytes));
    let mut input = Input(bytes);
    let scheme = input.one_of(&SCHEMES);
    let form = input.byte();
    let [user, password, rest] = [(); 3].map(|()| input.piece());
    // A delimiter in it would end what follows otherwise.
    let user = without_mark(user);
    let user: Vec<u8> = user.into_iter().filter(u8::is_ascii_alphanumeric).collect();
    // Whatever else is in it, a password has the canary.
    let password = match password.contains(&MARK) {
        true => with_canary(password),
        false => [CANARY.as_bytes(), password].concat(),
    };
    let rest = without_mark(rest);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (user, password, rest) = (text(&user), text(&password), text(&rest));
    let encoded: String = password.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let others = format!("{user}{rest}");
    if canary_in(others.as_bytes()).or(canary_in(&decode(&others))).is_some() {
        return;
    }
    let whole = match form % 4 {
        0 => format!("{scheme}://{user}:{password}@{rest}"),
        1 => format!("{scheme}://{user}:{encoded}@{rest}"),
        2 => format!("{scheme}://{user}@host/db?password={encoded}&{rest}"),
        _ => format!("{scheme}://{user}@host/{rest}?sslpassword={encoded}#{password}"),
    };
    as_it_is(whole.as_bytes());
    for how in [Display::Auto, Display::Location] {
        if let Some(shown) = url::display(whole.as_bytes(), how) {
            no_canary("what is shown of a URL", &shown);
            no_canary("the same decoded", &String::from_utf8_lossy(&decode(&shown)));
        }
    }
    // What nobody could have meant otherwise is found, however it is spelled.
    if form % 4 == 1 && Url::parse(whole.as_bytes()).is_some() {
        let found = url::passwords(whole.as_bytes());
        assert!(found.iter().any(|it| it.expose() == password.as_bytes()), "decoded");
        assert!(found.iter().any(|it| it.expose() == encoded.as_bytes()), "raw");
    }
}

/// What holds for a value of which nobody knows what is secret in it.
fn as_it_is(value: &[u8]) {
    let passwords = url::passwords(value);
    let parsed = Url::parse(value);
    for how in [Display::Auto, Display::Location] {
        let Some(shown) = url::display(value, how) else { continue };
        let given = parsed.as_ref().expect("what does not parse is not shown");
        assert!(shown.bytes().all(|byte| byte.is_ascii_graphic()), "{shown:?}");
        let plain = decode(&shown);
        for password in passwords.iter().map(|it| it.expose()).filter(|it| it.len() >= 8) {
            let has = |text: &[u8]| text.windows(password.len()).any(|part| part == password);
            assert!(!has(shown.as_bytes()) && !has(&plain), "a password is shown: {shown}");
        }
        let whole = how == Display::Location || given.is_database();
        if !whole {
            assert_eq!(shown, format!("{}://[redacted]", given.scheme));
            continue;
        }
        // The mark's brackets are no characters of a URL; nothing else is changed here.
        let legal = shown.replace("[redacted]", "redacted");
        let back = Url::parse(legal.as_bytes()).expect("what is shown is a URL");
        assert_eq!(back.scheme, given.scheme);
        // Where parameters may begin the rest is left out.
        let is_begin = |(back, given): (&str, &str)| {
            let begin = back.strip_suffix("redacted").unwrap_or(back);
            back == given || back != begin && given.starts_with(begin)
        };
        assert_eq!(back.host.is_some(), given.host.is_some());
        assert!(
            back.host.zip(given.host).is_none_or(is_begin),
            "{:?} of {:?}",
            back.host,
            given.host
        );
        assert_eq!(back.port, given.port);
        assert!(is_begin((back.path, given.path)), "{} of {}", back.path, given.path);
        if (back.host, back.path) != (given.host, given.path) {
            continue;
        }
        assert_eq!(back.user.is_some(), given.user.is_some());
        assert_eq!(back.password, None, "no password, whatever stands for it");
        assert_eq!(back.fragment.is_some(), given.fragment.is_some());
        // Again, it stays as it is.
        if given.user.is_none() && given.query.is_none() && given.fragment.is_none() {
            assert_eq!(url::display(shown.as_bytes(), how).as_deref(), Some(&*shown));
        }
    }
    agrees(value, parsed.as_ref());
}

/// A reader that is not ours finds the same places, where both read it as a URL with a host.
fn agrees(value: &[u8], parsed: Option<&Url<'_>>) {
    let Some(ours) = parsed else { return };
    let Ok(text) = std::str::from_utf8(value) else { return };
    let Ok(theirs) = ::url::Url::parse(text) else { return };
    assert_eq!(theirs.scheme(), ours.scheme.to_ascii_lowercase());
    if let (Some(host), Some(password)) = (ours.host, ours.password)
        && !host.is_empty()
    {
        let password = decode(password);
        let other = theirs.password().unwrap_or_default();
        assert_eq!(decode(other), password, "another reader has another password");
    }
    // They take an authority after any number of slashes.
    if let Some(port) = theirs.port().filter(|_| ours.host != Some("")) {
        assert_eq!(ours.port, Some(port));
    }
}
