//! What is done about a value that got out.

pub mod respond;
