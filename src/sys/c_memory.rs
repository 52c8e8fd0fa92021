//! The memory functions of C, for the C library's own use in this program.
//!
//! The library's start allocates a few dozen bytes; with its own allocator that takes four system
//! calls and three pages. glibc documents how to replace it (The GNU C Library Reference Manual,
//! "Replacing malloc"): all of these together.

use super::ALLOCATOR;
use nexis_launch::sys::block;
use std::ffi::{c_int, c_void};

/// The smallest page of Linux. Nothing here calls valloc(3) or pvalloc(3); they are replaced so that
/// no block of the C library's own allocator can come to [`free`].
const PAGE: usize = 4096;

/// malloc(3).
#[unsafe(no_mangle)]
extern "C" fn malloc(size: usize) -> *mut c_void {
    block::take(&ALLOCATOR, size, 1, false)
}

/// calloc(3).
#[unsafe(no_mangle)]
extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
    block::take(&ALLOCATOR, count.saturating_mul(size), 1, true)
}

/// free(3).
///
/// # Safety
/// `piece` is null or came from a function here and is not used any more.
#[unsafe(no_mangle)]
unsafe extern "C" fn free(piece: *mut c_void) {
    // SAFETY: the caller's promise is passed on.
    unsafe { block::give_back(&ALLOCATOR, piece) }
}

/// realloc(3).
///
/// # Safety
/// As [`free`]; the piece is replaced by the result.
#[unsafe(no_mangle)]
unsafe extern "C" fn realloc(piece: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: the caller's promise is passed on.
    unsafe { block::resize(&ALLOCATOR, piece, size) }
}

/// aligned_alloc(3).
#[unsafe(no_mangle)]
extern "C" fn aligned_alloc(align: usize, size: usize) -> *mut c_void {
    block::take(&ALLOCATOR, size, align, false)
}

/// memalign(3).
#[unsafe(no_mangle)]
extern "C" fn memalign(align: usize, size: usize) -> *mut c_void {
    block::take(&ALLOCATOR, size, align, false)
}

/// posix_memalign(3).
///
/// # Safety
/// `to` can be written.
#[unsafe(no_mangle)]
unsafe extern "C" fn posix_memalign(to: *mut *mut c_void, align: usize, size: usize) -> c_int {
    const OUT_OF_MEMORY: c_int = 12;
    let piece = block::take(&ALLOCATOR, size, align, false);
    if piece.is_null() {
        return OUT_OF_MEMORY;
    }
    // SAFETY: the caller promises that it can be written.
    unsafe { *to = piece };
    0
}

/// malloc_usable_size(3).
///
/// # Safety
/// `piece` is null or came from a function here.
#[unsafe(no_mangle)]
unsafe extern "C" fn malloc_usable_size(piece: *mut c_void) -> usize {
    // SAFETY: the caller's promise is passed on.
    unsafe { block::size(piece) }
}

/// valloc(3).
#[unsafe(no_mangle)]
extern "C" fn valloc(size: usize) -> *mut c_void {
    block::take(&ALLOCATOR, size, PAGE, false)
}

/// pvalloc(3).
#[unsafe(no_mangle)]
extern "C" fn pvalloc(size: usize) -> *mut c_void {
    block::take(&ALLOCATOR, size.saturating_add(PAGE - 1) & !(PAGE - 1), PAGE, false)
}

/// Stands in for glibc's `__tunables_init` (ld's `--wrap`, packaging/link/build.rs), which holds
/// every inherited variable against the names of all tunables: a sixteenth of a launch's user
/// instructions with ten variables. Nobody who sets GLIBC_TUNABLES for the program means the
/// launcher, whose tunables keep their defaults; the program inherits it as it is. A C library
/// without a function of this name is linked as it is.
#[unsafe(no_mangle)]
extern "C" fn __wrap___tunables_init(_environment: *const *const c_void) {}
