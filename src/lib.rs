//! The parts of `nexis-launch`.

pub mod contract;
pub mod error;
pub mod finding;
pub mod mode;
pub mod nearest;
pub mod secret;
pub mod settings;
pub mod source;
pub mod sys;
