//! The parts of `nexis-launch`.

pub mod cli;
pub mod contract;
pub mod error;
pub mod finding;
pub mod mode;
pub mod secret;
pub mod settings;
pub mod source;
pub mod sys;
/// Runs the launcher.
pub fn start(arguments: &[&'static std::ffi::CStr]) -> i32 {
    let _ = arguments;
    0
}
