//! The built-in contract: the table is what the YAML says, and the YAML has every measured fact.

use nexis_launch::contract::model::*;
use nexis_launch::contract::{self, BUILTIN_YAML, builtin};
use nexis_launch::finding::{Code, Severity};
use nexis_launch::mode::{Mode, Modes};
use std::path::Path;

/// The generated file for what the YAML compiles to.
fn table(compiled: &Contract) -> String {
    let mut text = String::from(
        "//! The built-in contract as a table, so that a launch parses nothing. Made from\n\
         //! `nexis-gateway.yaml` by `NEXIS_LAUNCH_BLESS=1 cargo test --test contract_builtin`; a test\n\
         //! holds that it is what the YAML says.\n\n\
         #![allow(clippy::all, reason = \"printed, not written\")]\n\n\
         use super::model::{\n    Condition::*, Contract, Deliver::*, Display::*, Encoding::*, Feature, FeatureId, FileName,\n    \
         FinalNewline::*, Format, Generate, Kind::*, Known, List, NotRead, Origin::*, Override, Place::*,\n    \
         Reject, Role::*, Row, RowId, Rule, Segment::*, Template, Test::*,\n};\n\
         use crate::finding::{Code::*, Severity::*};\nuse crate::mode::Modes;\n\n\
         /// The built-in contract.\n#[rustfmt::skip]\npub static CONTRACT: Contract = Contract {\n",
    );
    fn list<T: std::fmt::Debug>(text: &mut String, name: &str, list: &List<T>) {
        text.push_str(&format!("    {name}: List(&["));
        for one in list.iter() {
            text.push_str(&format!("\n        {one:?},"));
        }
        text.push_str(if list.is_empty() { "]),\n" } else { "\n    ]),\n" });
    }
    let Contract { version, name, origin, sha256, .. } = compiled;
    text.push_str(&format!("    version: {version}, name: {name:?}, origin: {origin:?},\n"));
    text.push_str(&format!("    sha256: {sha256:?},\n"));
    list(&mut text, "program", &compiled.program);
    list(&mut text, "mode_names", &compiled.mode_names);
    list(&mut text, "rows", &compiled.rows);
    list(&mut text, "features", &compiled.features);
    list(&mut text, "rules", &compiled.rules);
    list(&mut text, "not_read", &compiled.not_read);
    list(&mut text, "prefixes", &compiled.prefixes);
    list(&mut text, "passthrough", &compiled.passthrough);
    list(&mut text, "trusted_owners", &compiled.trusted_owners);
    list(&mut text, "burnt", &compiled.burnt);
    list(&mut text, "names", &compiled.names);
    list(&mut text, "files", &compiled.files);
    text.push_str("};\n");
    text
}

/// What the YAML compiles to; lines are left out, so that a comment changes no table.
fn compiled() -> Contract {
    let path = Path::new("nexis-gateway.yaml");
    let contract = contract::parse(BUILTIN_YAML, path, Origin::Builtin).unwrap();
    let rows = contract.rows.iter().map(|row| Row { line: 0, ..*row }).collect();
    Contract { rows: List::leak(rows), ..contract }
}

#[test]
fn the_table_is_what_the_yaml_says() {
    let text = table(&compiled());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/contract/builtin.rs");
    if std::env::var_os("NEXIS_LAUNCH_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(path, text).unwrap();
        return;
    }
    assert!(
        std::fs::read_to_string(path).unwrap() == text,
        "builtin.rs is not what nexis-gateway.yaml says: NEXIS_LAUNCH_BLESS=1 writes it anew"
    );
    assert_eq!(format!("{:?}", builtin::CONTRACT), format!("{:?}", compiled()));
}
