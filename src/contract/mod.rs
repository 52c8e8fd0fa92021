//! Contracts: what each runtime variable demands.
//!
//! A file goes through [`node`] (YAML with lines), [`grammar`] (each key), [`tighten`] (what it
//! extends, stricter only) and [`compile`] (names to indices). The built-in contract has been
//! through all that when the program was made: it is the table in [`builtin`].

pub mod builtin;
mod compile;
mod draft;
mod fields;
mod grammar;
mod load;
pub mod model;
pub mod name;
mod node;
mod pattern;
mod problem;
mod tighten;

pub use load::{BUILTIN, load, parse};

/// The YAML that the built-in table was made from.
pub const BUILTIN_YAML: &str = include_str!("nexis-gateway.yaml");
