//! What a record is made from: the words of the command line, held to their forms, and the value.

use crate::cli::rotate::{Begin, Common};
use crate::contract::model::{Contract, FinalNewline, Kind, Row};
use crate::error::{Error, Status};
use crate::fingerprint::Key;
pub use crate::launch::today;
use crate::ledger::state::State;
use crate::ledger::{Record, files, is_class, is_clean};
use crate::mode::Mode;
use crate::needles::{LEAST, Needles};
use crate::rotate::age::window;
use crate::rotate::steps::Action;
use crate::secret::Secret;
use crate::source::{Accounts, given};
use crate::sys::fs;
use crate::url::{self, split_scheme};
use crate::validate;
use jiff::civil::Date;
use std::path::Path;

/// Errors of one option.
fn refuse<T>(option: &str, cause: &str, hint: &str) -> Result<T, Vec<Error>> {
    let message = format!("cannot take the value given for {option}: {cause}");
    Err(vec![Error::new(Status::Usage, message).hint(hint)])
}

fn clean(option: &str, text: Option<&str>) -> Result<Option<String>, Vec<Error>> {
    match text {
        Some(text) if !is_clean(text) => refuse(
            option,
            "it is blank, longer than 500 bytes, or has characters that are not shown",
            "write one line of text",
        ),
        text => Ok(text.map(str::to_owned)),
    }
}

fn day(option: &str, text: &str) -> Result<Date, Vec<Error>> {
    // The parser takes other spellings of ISO 8601 too; what is written back is the same text.
    let date = text.parse::<Date>().ok().filter(|date| date.to_string() == text);
    match date {
        Some(date) => Ok(date),
        None => refuse(option, "it is no day", "write YYYY-MM-DD"),
    }
}

/// What every record holds of the command line.
pub struct Given {
    actor: String,
    approved_by: Option<String>,
    change: Option<String>,
    emergency: Option<String>,
}

impl Given {
    /// Takes it, and who is logged in where no actor is named.
    pub fn read(common: &Common, emergency: Option<&str>) -> Result<Given, Vec<Error>> {
        let actor = clean("--actor", common.actor.as_deref())?;
        Ok(Given {
            actor: actor.unwrap_or_else(login),
            approved_by: clean("--approved-by", common.approved_by.as_deref())?,
            change: clean("--change", common.change.as_deref())?,
            emergency: clean("--emergency", emergency)?,
        })
    }

    /// A record with that and nothing else.
    pub fn record(&self) -> Record {
        self.add_to(Record::default())
    }

    /// The record with that besides.
    pub fn add_to(&self, record: Record) -> Record {
        Record {
            actor: self.actor.clone(),
            approved_by: self.approved_by.clone(),
            change: self.change.clone(),
            emergency: self.emergency.clone(),
            ..record
        }
    }

    /// Refuses texts that hold the value: they would stand in the ledger for good.
    pub fn holds_no(&self, value: &Secret, name: &str, class: &str) -> Result<(), Vec<Error>> {
        self.with_reason_holds_no(None, value, name, class)
    }

    /// The same of a record that has a reason too.
    pub fn with_reason_holds_no(
        &self,
        reason: Option<&str>,
        value: &Secret,
        name: &str,
        class: &str,
    ) -> Result<(), Vec<Error>> {
        let mut needles = Needles::new();
        needles.add("the value", value.expose());
        for password in url::passwords(value.expose()) {
            needles.add("the value", password.expose());
        }
        let reason = reason.map(str::to_owned);
        let record = Record { name: name.to_owned(), reason, ..self.record() };
        let mut texts = record.texts().chain([name, class]);
        if texts.any(|text| needles.find(text.as_bytes()).is_some()) {
            return Err(holds_the_value());
        }
        Ok(())
    }
}

/// A text that was given for the ledger holds a value.
pub fn holds_the_value() -> Vec<Error> {
    let error = Error::new(Status::Usage, "cannot record it: a name or an option holds the value");
    vec![error.hint("the ledger never holds a value; give its file alone")]
}

/// Whether a piece of a text, or all of it, is a value that the ledger knows by its fingerprint. In a
/// hurry people paste.
pub fn holds_a_value<'t>(
    texts: impl IntoIterator<Item = &'t str>,
    key: &Key,
    state: &State,
) -> bool {
    let is_known = |piece: &str| {
        let fingerprint = key.fingerprint(piece.as_bytes());
        state.values.iter().any(|value| value.has(&fingerprint))
    };
    texts.into_iter().any(|text| {
        let words = text.split(|it: char| it.is_whitespace() || "\"'`()[]{}<>,;".contains(it));
        is_known(text) || words.into_iter().any(|word| pieces(word).any(is_known))
    })
}

/// Every piece of a word that begins and ends at its edge or at a mark, as in `k=VALUE&b` or a URL.
/// The marks stand in values too.
fn pieces(word: &str) -> impl Iterator<Item = &str> {
    let is_mark = |it: char| it.is_ascii_punctuation();
    let begins = std::iter::once(0).chain(word.match_indices(is_mark).map(|(at, _)| at + 1));
    begins.flat_map(move |begin| {
        let rest = word.get(begin..).unwrap_or_default();
        let ends = rest.match_indices(is_mark).map(|(at, _)| at).chain([rest.len()]);
        ends.filter_map(move |end| rest.get(..end)).filter(|piece| piece.len() >= LEAST)
    })
}

/// The words of a text without quotes and white space, and what stands behind a name in them.
pub fn wrapped(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|it: char| it.is_whitespace() || "\"'`,;".contains(it));
    let behind = |word: &str| word.find(['=', ':']).map(|at| at + 1);
    let all = words.flat_map(move |word| [Some(word), behind(word).and_then(|at| word.get(at..))]);
    all.flatten().filter(|word| word.len() >= LEAST)
}

/// Takes the reason of an incident.
pub fn reason(text: &str) -> Result<String, Vec<Error>> {
    clean("--reason", Some(text)).map(Option::unwrap_or_default)
}

/// The name of the user that runs this, else its number.
fn login() -> String {
    let uid = fs::own_uid();
    let account = Accounts::of_the_system().by_number(uid);
    let name = account.map(|account| String::from_utf8_lossy(&account.name).into_owned());
    name.filter(|name| is_clean(name)).unwrap_or_else(|| format!("uid {uid}"))
}

/// A key by its name: a variable of the contract, or one by class.
pub struct Subject {
    /// The class, whose window applies.
    pub class: String,
    row: Option<&'static Row>,
}

impl Subject {
    /// Finds out what a name is.
    pub fn new(
        name: &str,
        class: Option<&str>,
        contract: &'static Contract,
    ) -> Result<Subject, Vec<Error>> {
        let usage = |message: String, hint: String| {
            Err(vec![Error::new(Status::Usage, message).hint(hint)])
        };
        if !files::is_name(name) {
            let message =
                "cannot take the name: it is longer than 64 bytes, empty, or has spaces or a =";
            return usage(message.to_owned(), "name a variable, or a key as ci-token".to_owned());
        }
        let row = contract.known(name.as_bytes()).map(|known| contract.row(known.row));
        if let Some(row) = row.filter(|row| row.name != name) {
            let message = format!("cannot keep {name} in the ledger: it is an alias");
            return usage(message, format!("name {}", row.name));
        }
        if row.is_some_and(|row| !row.secret) {
            let message =
                format!("cannot keep {name} in the ledger: the contract calls it no secret");
            return usage(message, "only keys have a rotation".to_owned());
        }
        let own = row.and_then(|row| row.class);
        match (own, class) {
            (Some(own), Some(class)) if own != class => usage(
                format!("cannot keep {name} under that class: the contract says {own}"),
                "leave --class away".to_owned(),
            ),
            (Some(own), _) => Ok(Subject { class: own.to_owned(), row }),
            (None, Some(class)) if is_class(class) => Ok(Subject { class: class.to_owned(), row }),
            (None, Some(_)) => refuse(
                "--class",
                "it is no name of a class",
                "use letters, digits, -, _ and . alone, 64 bytes at most",
            ),
            // What neither ledger nor contract knows is not repeated: it can be a value.
            (None, None) => usage(
                match row {
                    Some(_) => format!(
                        "cannot keep {name} in the ledger: the contract has no class for it"
                    ),
                    None => "cannot take the name: the contract has no class for it".to_owned(),
                },
                "give its class, as in --class ci-token".to_owned(),
            ),
        }
    }

    /// A name that the ledger has, under the class that it has there.
    pub fn recorded(name: &str, class: &str, contract: &'static Contract) -> Subject {
        let row = contract.known(name.as_bytes()).map(|known| contract.row(known.row));
        Subject { class: class.to_owned(), row: row.filter(|row| row.name == name) }
    }

    /// Whether the class has a rotation window.
    pub fn has_window(&self, contract: &Contract) -> bool {
        window(contract, &self.class).is_some()
    }

    /// Reads the value as a launch would take it.
    pub fn value(&self, file: &Path) -> Result<Secret, Vec<Error>> {
        let mut value = given::value(file).map_err(|error| vec![error])?;
        if self.row.is_none_or(|row| row.final_newline != FinalNewline::Keep) {
            value.strip_final_newline();
        }
        Ok(value)
    }

    /// Holds a new value against the contract's rules in production: what a launch would refuse is
    /// no rotation.
    pub fn judge(&self, value: &Secret, contract: &Contract) -> Result<(), Vec<Error>> {
        let Some(row) = self.row else { return Ok(()) };
        let found = validate::errors(contract, row, Mode::Production, value.expose());
        let errors = found.into_iter().map(|finding| {
            let (code, message) = (finding.code.name(), finding.message());
            let message = format!("cannot start {}: {code}: {message}", row.name);
            Error::new(Status::NotMet, message).hint(finding.hint())
        });
        let errors: Vec<Error> = errors.collect();
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// The fingerprints of all passwords inside the value, where that is a URL.
    pub fn passwords(&self, value: &Secret, key: &Key) -> Vec<String> {
        let is_url = |row: &&Row| matches!(row.format.kind, Kind::Url { .. });
        let inside = self.row.filter(is_url).map(|_| url::passwords(value.expose()));
        inside.iter().flatten().map(|it| key.fingerprint(it.expose())).collect()
    }

    /// What a value that is no URL, of a key that is one, would be as its password alone.
    pub fn bare_passwords(&self, value: &Secret, key: &Key) -> Vec<String> {
        let text = std::str::from_utf8(value.expose()).ok();
        let is_url = |row: &&Row| matches!(row.format.kind, Kind::Url { .. });
        let Some(text) = text.filter(|text| !text.contains("://")) else { return Vec::new() };
        let Some(_) = self.row.filter(is_url) else { return Vec::new() };
        let decoded = Secret::new(url::decode(text));
        [text.as_bytes(), decoded.expose()].map(|it| key.fingerprint(it)).into()
    }

    /// The fingerprint of the password inside the value, where that is a URL.
    pub fn password_fingerprint(&self, value: &Secret, key: &Key) -> Option<String> {
        self.row.filter(|row| matches!(row.format.kind, Kind::Url { .. }))?;
        let of_user = url::password(value.expose()).map(|it| key.fingerprint(it.expose()));
        // libpq takes one in the query as well.
        let all = || url::passwords(value.expose());
        of_user.or_else(|| all().first().map(|it| key.fingerprint(it.expose())))
    }
}

/// The days of a value.
pub struct Days {
    /// When it was made.
    pub created: String,
    /// When it ends by itself.
    pub expires: Option<String>,
}

/// Takes the days of a value that begins.
pub fn days(options: &Begin, action: Action, has_window: bool) -> Result<Days, Vec<Error>> {
    let created = match &options.created {
        Some(text) => day("--created", text)?,
        None if action == Action::Start => today(),
        None => {
            return refuse(
                "--created",
                "none is given",
                "say when the value was made: --created YYYY-MM-DD",
            );
        }
    };
    if created > today() {
        return refuse("--created", "that day is yet to come", "write the day it was made");
    }
    let expires = options.expires.as_deref().map(|text| day("--expires", text)).transpose()?;
    if expires.is_some_and(|expires| expires < created) {
        return refuse("--expires", "that is before the value was made", "write a later day");
    }
    if expires.is_none() && !has_window {
        return refuse(
            "--class",
            "the class has no rotation window, and no end is given",
            "give the value's end with --expires, or use provider-api-key, webhook-hmac, jwt-signing, encryption or database",
        );
    }
    Ok(Days { created: created.to_string(), expires: expires.map(|day| day.to_string()) })
}

/// Takes the end of a migration window.
pub fn revoke_by(text: Option<&str>) -> Result<Option<String>, Vec<Error>> {
    let Some(text) = text else { return Ok(None) };
    let date = day("--revoke-by", text)?;
    if date < today() {
        return refuse("--revoke-by", "that day is past", "write the last day of the old value");
    }
    Ok(Some(date.to_string()))
}

/// Takes evidence.
pub fn evidence(
    commit: Option<String>,
    deployment: Option<String>,
    links: Vec<String>,
) -> Result<Record, Vec<Error>> {
    if commit.is_none() && deployment.is_none() && links.is_empty() {
        let error = Error::new(Status::Usage, "cannot record evidence: none is given");
        return Err(vec![error.hint("give --commit, --deployment or --link")]);
    }
    for link in &links {
        let authority = split_scheme(link)
            .filter(|(scheme, _)| ["https", "http"].contains(&scheme.to_ascii_lowercase().as_str()))
            .and_then(|(_, rest)| rest.strip_prefix("//"))
            .and_then(|rest| rest.split(['/', '?', '#']).next());
        match authority {
            Some(authority) if authority.contains('@') => {
                return refuse("--link", "it holds a user or password", "leave them away");
            }
            Some(authority) if !authority.is_empty() && is_clean(link) => {}
            _ => return refuse("--link", "it is no link", "write https://HOST/PATH"),
        }
    }
    Ok(Record {
        commit: clean("--commit", commit.as_deref())?,
        deployment: clean("--deployment", deployment.as_deref())?,
        links,
        ..Record::default()
    })
}
