//! Contracts: what each runtime variable demands.
//!
//! A file goes through [`node`] (YAML with lines), [`grammar`] (each key), [`tighten`] (what it
//! extends, stricter only) and [`compile`] (names to indices). The built-in contract has been
//! through all that when the program was made: it is the table in [`builtin`].

mod acknowledge;
#[rustfmt::skip]
pub mod builtin;
mod claims;
mod compile;
pub mod diff;
pub mod docs;
mod draft;
mod fields;
pub mod generated;
mod grammar;
mod lint;
mod list;
mod load;
pub mod model;
pub mod name;
mod narrow;
mod node;
mod pattern;
pub mod policy;
mod problem;
pub mod provider;
mod severity;
mod show;
pub mod template;
mod tighten;
pub mod words;

pub use lint::{lint, refused as lint_refused};
pub use load::{BUILTIN, load, load_noting, parse};
pub use show::{json, yaml as show};

/// The YAML that the built-in table was made from.
pub const BUILTIN_YAML: &str = include_str!("nexis-gateway.yaml");

/// The JSON Schema (draft 2020-12) of a contract file.
pub fn schema() -> &'static str {
    include_str!("../../schemas/contract.schema.json")
}
