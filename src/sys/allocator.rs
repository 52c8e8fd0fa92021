//! An allocator for a process that execs or ends within milliseconds.
//!
//! Memory comes from a fixed arena, one piece after the other; what is freed is given back only
//! where it was the last piece. A launch with the built-in contract fits, and then the kernel is
//! not asked for memory. What does not fit comes from the [`Heap`].

use super::heap::Heap;
use nix::libc;
use std::alloc::{GlobalAlloc, Layout};
use std::cell::UnsafeCell;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Pages that are never touched cost nothing.
const SIZE: usize = 512 * 1024;

/// What a launch with the built-in contract and some ten secrets takes of the arena.
const USUAL: usize = 32 * 1024;

/// Since Linux 5.14 (madvise(2)); the C library that this is built with may be older.
const MADV_POPULATE_WRITE: i32 = 23;

/// What is said where the kernel gives no more: there is no room to put a text together.
const SPENT: &str = "nexis-launch: cannot go on: there is no more memory\n\
    hint: raise the limit on memory, as of ulimit -v, ulimit -d or the container\n";

/// The status of a fault of the launcher's own.
const SOFTWARE: i32 = 70;

/// The piece; where there is none, the process ends by the documented status and not by a signal.
fn or_end(piece: *mut u8) -> *mut u8 {
    if piece.is_null() {
        // SAFETY: the text lives for the call; _exit(2) has no precondition.
        unsafe {
            libc::write(libc::STDERR_FILENO, SPENT.as_ptr().cast(), SPENT.len());
            libc::_exit(SOFTWARE);
        }
    }
    piece
}

/// A fixed arena before the heap.
pub struct Arena {
    bytes: UnsafeCell<[u8; SIZE]>,
    /// How many bytes are handed out, from the start of `bytes`.
    used: AtomicUsize,
    heap: Heap,
}

// SAFETY: a range of `bytes` is handed out to one caller only, which the exchange of `used`
// decides; nothing here reads or writes bytes that were not handed out to it.
unsafe impl Sync for Arena {}

impl Default for Arena {
    fn default() -> Self {
        Arena::new()
    }
}

impl Arena {
    /// An arena of which nothing is handed out.
    pub const fn new() -> Self {
        let bytes = UnsafeCell::new([0; SIZE]);
        Arena { bytes, used: AtomicUsize::new(0), heap: Heap::new() }
    }

    /// Has the kernel map the pages that a launch is going to use, in one call instead of by a
    /// fault for each of them, which takes longer. What cannot be done is done by faults.
    pub fn populate(&self) {
        const PAGE: usize = 4096;
        let start = self.bytes.get().cast::<u8>().map_addr(|address| address & !(PAGE - 1));
        // SAFETY: the range lies in the program's own variables, whose content this keeps.
        unsafe { libc::madvise(start.cast(), USUAL, MADV_POPULATE_WRITE) };
    }

    fn start(&self) -> usize {
        self.bytes.get().addr()
    }

    /// The offset of a piece, if it is one of the arena's.
    fn offset(&self, piece: *mut u8) -> Option<usize> {
        piece.addr().checked_sub(self.start()).filter(|&offset| offset < SIZE)
    }

    /// Takes `from` to `to` back or on, if `from` is where the free part begins. What one thread
    /// wrote into a piece that it gave back happens before another gets it.
    fn move_end(&self, from: usize, to: usize) -> bool {
        to <= SIZE
            && self.used.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

// SAFETY: pieces are aligned as asked, do not overlap while they are in use, and lie in memory
// that lives as long as the process; everything else is passed on to the heap, which keeps the
// same promises, and comes back to it by the address.
unsafe impl GlobalAlloc for Arena {
    // Every use in its caller would make half a megabyte of the binary.
    #[inline(never)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        loop {
            let used = self.used.load(Ordering::Relaxed);
            // An alignment is a power of two; the library's rounding would divide.
            let mask = layout.align() - 1;
            let begin = ((self.start() + used + mask) & !mask) - self.start();
            let Some(end) = begin.checked_add(layout.size()).filter(|&end| end <= SIZE) else {
                // SAFETY: the caller's promises are passed on.
                return or_end(unsafe { self.heap.alloc(layout) });
            };
            if self.move_end(used, end) {
                // SAFETY: `begin` is within the arena.
                return unsafe { self.bytes.get().cast::<u8>().add(begin) };
            }
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are passed on.
        let piece = unsafe { self.alloc(layout) };
        if !piece.is_null() {
            // A piece that was given back once is not zero any more.
            // SAFETY: `alloc` returned a piece of this size.
            unsafe { ptr::write_bytes(piece, 0, layout.size()) };
        }
        piece
    }

    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        match self.offset(piece) {
            Some(offset) => {
                self.move_end(offset + layout.size(), offset);
            }
            // SAFETY: what is not the arena's came from the heap.
            None => unsafe { self.heap.dealloc(piece, layout) },
        }
    }

    #[inline(never)]
    unsafe fn realloc(&self, piece: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Some(offset) = self.offset(piece) else {
            // SAFETY: what is not the arena's came from the heap.
            return or_end(unsafe { self.heap.realloc(piece, layout, size) });
        };
        let end = offset + layout.size();
        if offset.checked_add(size).is_some_and(|new_end| self.move_end(end, new_end)) {
            return piece;
        }
        if size <= layout.size() {
            return piece;
        }
        // SAFETY: the caller promises that the new size fits the alignment; the two pieces do not
        // overlap, and the smaller of the two lengths is copied.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !moved.is_null() {
                ptr::copy_nonoverlapping(piece, moved, layout.size());
                self.dealloc(piece, layout);
            }
            moved
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_piece_grows_in_place_and_is_given_back() {
        let arena = Box::leak(Box::new(Arena::new()));
        let layout = Layout::from_size_align(10, 8).unwrap();
        // SAFETY: the pieces are used as they were asked for.
        unsafe {
            let first = arena.alloc(layout);
            assert_eq!(arena.realloc(first, layout, 100), first);
            let second = arena.alloc(layout);
            assert_eq!(second.addr() % 8, 0);
            assert!(second.addr() >= first.addr() + 100);
            arena.dealloc(second, layout);
            assert_eq!(arena.alloc(layout), second);
        }
    }

    #[test]
    fn a_piece_that_moves_keeps_its_bytes() {
        let arena = Box::leak(Box::new(Arena::new()));
        let layout = Layout::from_size_align(4, 1).unwrap();
        // SAFETY: the pieces are used as they were asked for.
        unsafe {
            let first = arena.alloc(layout);
            ptr::copy_nonoverlapping(b"abcd".as_ptr(), first, 4);
            let _between = arena.alloc(layout);
            let moved = arena.realloc(first, layout, 64);
            assert_ne!(moved, first);
            assert_eq!(std::slice::from_raw_parts(moved, 4), b"abcd");
        }
    }

    #[test]
    fn what_does_not_fit_comes_from_elsewhere_and_goes_back_there() {
        let arena = Box::leak(Box::new(Arena::new()));
        let large = Layout::from_size_align(SIZE + 1, 16).unwrap();
        // SAFETY: the pieces are used as they were asked for.
        unsafe {
            let piece = arena.alloc(large);
            assert!(!piece.is_null());
            assert!(arena.offset(piece).is_none());
            arena.dealloc(piece, large);
            let zeroed = arena.alloc_zeroed(Layout::from_size_align(32, 1).unwrap());
            assert_eq!(std::slice::from_raw_parts(zeroed, 32), [0; 32]);
        }
    }
}
