//! The system: the only room with `unsafe`, and the only one that imports nix.
//!
//! It offers small safe functions and decides nothing. Every `unsafe` block states the
//! precondition it relies on.
#![allow(unsafe_code, reason = "this is the room for it")]

pub mod allocator;
pub mod block;
pub mod chase;
pub mod child;
mod confine;
pub mod descriptor;
pub mod filter;
pub mod fs;
mod heap;
pub mod identity;
pub mod make;
pub mod nursery;
pub mod process;
pub mod restored;
pub mod signal;
pub mod socket;
pub mod wait;
