//! The parts of `nexis-launch`.

pub mod compose;
pub mod contract;
pub mod error;
pub mod finding;
pub mod mode;
pub mod needles;
pub mod secret;
pub mod settings;
pub mod source;
pub mod sys;
pub mod url;
pub mod validate;
