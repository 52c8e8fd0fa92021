//! What is done about a value that got out: where it stands, and which launches got it.
//!
//! Nothing here is on the way to an exec, so other programs are started and memory is taken by the
//! megabyte. No report has a place for a value: names, places and the launcher's own words.

pub mod input;
mod out;
pub mod respond;
pub mod scan;
pub mod tools;
pub mod trace;
pub mod value;
