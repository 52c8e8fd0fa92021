//! What a value has to look like. Pure: no input, no output, no value in any result.

pub mod encoded;
pub mod entropy;
pub mod flag;
pub mod format;
pub mod log_filter;
pub mod origins;
pub mod placeholder;
pub mod reference;
pub mod urls;

mod accept;
mod names;
mod policy;
mod rows;
pub mod verdict;

pub use names::says_secret;
pub use policy::acknowledge;
pub use rows::{errors, required};
