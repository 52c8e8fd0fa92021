//! Pieces of memory for C, which gives them back without saying how large they were: a header
//! before each remembers it.

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::c_void;
use std::ptr;

/// What C expects of every piece, `max_align_t`.
const LEAST: usize = 16;

/// Stands right before a piece.
#[derive(Clone, Copy)]
struct Header {
    /// From the begin of what was allocated to the piece.
    before: usize,
    /// All that was allocated.
    layout: Layout,
}

const HEADER: usize = size_of::<Header>();

/// A piece of `size` bytes, zeroed where that is asked for; null where there is none.
pub fn take(from: &impl GlobalAlloc, size: usize, align: usize, zeroed: bool) -> *mut c_void {
    let align = align.max(LEAST);
    let before = HEADER.next_multiple_of(align);
    let layout = before.checked_add(size).map(|all| Layout::from_size_align(all, align));
    let Some(Ok(layout)) = layout else { return ptr::null_mut() };
    // SAFETY: there is a header in it, so the size is not zero; piece and header lie within what
    // was allocated, the header aligned, as all of `align`, `before` and its own size are.
    unsafe {
        let all = if zeroed { from.alloc_zeroed(layout) } else { from.alloc(layout) };
        if all.is_null() {
            return ptr::null_mut();
        }
        let piece = all.add(before);
        piece.cast::<Header>().sub(1).write(Header { before, layout });
        piece.cast()
    }
}

/// The header of a piece.
///
/// # Safety
/// `piece` came from [`take`] and was not given back.
unsafe fn header(piece: *mut c_void) -> Header {
    // SAFETY: `take` wrote it there.
    unsafe { piece.cast::<Header>().sub(1).read() }
}

/// How many bytes a piece has; 0 for null.
///
/// # Safety
/// `piece` is null, or came from [`take`] and was not given back.
pub unsafe fn size(piece: *mut c_void) -> usize {
    if piece.is_null() {
        return 0;
    }
    // SAFETY: the caller's promise.
    let header = unsafe { header(piece) };
    header.layout.size() - header.before
}

/// Gives a piece back to where it came from.
///
/// # Safety
/// As [`size`]; the piece is not used any more.
pub unsafe fn give_back(to: &impl GlobalAlloc, piece: *mut c_void) {
    if piece.is_null() {
        return;
    }
    // SAFETY: the caller's promise; the header says what was allocated and where it begins.
    unsafe {
        let Header { before, layout } = header(piece);
        to.dealloc(piece.cast::<u8>().sub(before), layout);
    }
}

/// A piece of another size with the same bytes, as far as both go; null leaves the old one as it
/// is.
///
/// # Safety
/// As [`give_back`], unless the result is null.
pub unsafe fn resize(of: &impl GlobalAlloc, piece: *mut c_void, wanted: usize) -> *mut c_void {
    let moved = take(of, wanted, LEAST, false);
    if !moved.is_null() && !piece.is_null() {
        // SAFETY: the caller's promise; two different pieces, and the smaller size is copied.
        unsafe {
            ptr::copy_nonoverlapping(piece.cast::<u8>(), moved.cast(), size(piece).min(wanted));
            give_back(of, piece);
        }
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::alloc::System;

    #[test]
    fn pieces_are_as_large_and_as_aligned_as_asked_and_keep_their_bytes() {
        for align in [1, 16, 64, 4096] {
            let piece = take(&System, 100, align, true);
            assert_eq!(piece.addr() % align.max(LEAST), 0);
            // SAFETY: the piece has 100 bytes, then 5000, then 10.
            unsafe {
                assert_eq!(size(piece), 100);
                assert_eq!(std::slice::from_raw_parts(piece.cast::<u8>(), 100), [0; 100]);
                ptr::write_bytes(piece.cast::<u8>(), 7, 100);
                let larger = resize(&System, piece, 5000);
                assert_eq!(size(larger), 5000);
                let smaller = resize(&System, larger, 10);
                assert_eq!(std::slice::from_raw_parts(smaller.cast::<u8>(), 10), [7; 10]);
                give_back(&System, smaller);
            }
        }
    }

    #[test]
    fn more_than_there_is_gives_null() {
        assert!(take(&System, usize::MAX, 1, true).is_null());
        assert!(take(&System, usize::MAX - 40, 16, false).is_null());
    }

    #[test]
    fn null_can_be_given_back_and_resized() {
        // SAFETY: null is allowed.
        unsafe {
            assert_eq!(size(ptr::null_mut()), 0);
            give_back(&System, ptr::null_mut());
            give_back(&System, resize(&System, ptr::null_mut(), 3));
        }
    }
}
