//! The contract parser: what it accepts reads back equal from each of its printed forms; what it
//! refuses is said by place, and no scalar of the file is repeated in it.

use super::decode::{canary_in, no_canary, with_canary};
use nexis_launch::contract::diff::Diff;
use nexis_launch::contract::model::{Contract, Origin};
use nexis_launch::contract::{docs, json, parse, schema, show, template};
use nexis_launch::error::Error;
use nexis_launch::output::error_text;
use std::path::Path;
use std::sync::OnceLock;

/// Beside it is nothing, so that an `extends` leads to no file.
const PLACE: &str = "/nonexistent/contract.yaml";

pub fn read(text: &str) -> Result<Contract, Error> {
    parse(text, Path::new(PLACE), Origin::File(PLACE))
}

pub fn validator() -> &'static jsonschema::Validator {
    static VALIDATOR: OnceLock<jsonschema::Validator> = OnceLock::new();
    VALIDATOR.get_or_init(|| {
        let schema = serde_json::from_str(schema()).expect("the schema is JSON");
        jsonschema::validator_for(&schema).expect("the schema is one")
    })
}

pub fn hold(bytes: &[u8]) {
    if canary_in(bytes).is_some() {
        return;
    }
    let bytes = with_canary(bytes);
    let text = String::from_utf8_lossy(&bytes);
    let contract = match read(&text) {
        Ok(contract) => contract,
        Err(error) => return refused(&error),
    };
    let (yaml, printed) = (show(&contract), json(&contract));
    let value: serde_json::Value = serde_json::from_str(&printed).expect("JSON");
    if let Err(error) = validator().validate(&value) {
        panic!("the schema does not allow what the parser does: {error}\n{printed}");
    }
    let from_yaml = read(&yaml).unwrap_or_else(|error| panic!("{error:?}\n{yaml}"));
    let from_json = read(&printed).unwrap_or_else(|error| panic!("{error:?}\n{printed}"));
    for again in [from_yaml, from_json] {
        assert_eq!(show(&again), yaml);
        assert_eq!(json(&again), printed);
        let [one, other]: [&'static Contract; 2] =
            [read(&text).unwrap(), again].map(|it| &*Box::leak(Box::new(it)));
        let diff = Diff::between(one, other);
        assert!(diff.changes.is_empty(), "{:?}", diff.changes);
    }
    for &(name, form) in template::Form::ALL {
        let skeleton = template::render(&contract, form);
        let control = |c: char| c.is_control() && c != '\n' && c != '\t';
        assert!(!skeleton.contains(control), "{name}: {skeleton:?}");
    }
    docs::markdown(&contract);
}

fn refused(error: &Error) {
    let shown = error_text(error);
    assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
    if error.status.number() == 66 {
        // The file that it extends, which has to be named.
        assert!(error.message.starts_with("cannot read contract /nonexistent/"));
        assert!(error.message.ends_with("no such file") || error.message.contains(": "));
        return;
    }
    assert_eq!(error.status.number(), 65, "{}", error.message);
    assert!(error.message.starts_with(&format!("cannot read contract {PLACE}")));
    let rest = error.message[format!("cannot read contract {PLACE}").len()..].to_owned();
    assert!(rest.starts_with(" line ") || rest.starts_with(": "), "no place: {rest}");
    let whole = format!("{}\n{}", error.message, error.hint.as_deref().unwrap_or_default());
    no_canary("the error of a contract", &whole);
    assert!(whole.len() < 64 * 1024, "a message of {} bytes", whole.len());
}
