//! The system: the only room with `unsafe` and the only one that imports nix.
//!
//! It offers small safe functions and decides nothing.

pub mod fs;
pub mod wait;
