//! C's `main`, in place of the one that Rust's runtime would generate.
//!
//! The runtime's start opens `/dev/null` on closed standard streams, sets SIGPIPE to be ignored
//! and installs a handler for stack overflows. A program that is started through the launcher
//! would inherit the first two, so they must not happen.
#![allow(unsafe_code, reason = "the entry point is a C symbol")]

#[cfg(target_env = "gnu")]
#[path = "c_memory.rs"]
mod c_memory;

use nexis_launch::sys::allocator::Arena;
use std::ffi::{c_char, c_int};

#[global_allocator]
static ALLOCATOR: Arena = Arena::new();

/// The entry point that the C library's start code calls.
#[unsafe(no_mangle)]
pub extern "C" fn main(count: c_int, arguments: *const *const c_char) -> c_int {
    ALLOCATOR.populate();
    // SAFETY: the C library's start code passes the process' own argument vector, which holds
    // `count` strings and stays as it is until the process ends or execs.
    let arguments = unsafe { nexis_launch::sys::process::arguments(count, arguments) };
    nexis_launch::start(&arguments)
}
