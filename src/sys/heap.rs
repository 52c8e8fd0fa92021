//! Memory beyond the arena: pieces of 16 bytes to 64 KiB, each a power of two, cut from chunks
//! that the kernel maps; larger ones are mappings of their own, which grow without being copied.
//!
//! A piece that is given back is the next of its size to be handed out; chunks stay. The C
//! library's allocator does more, and takes more instructions, pages and system calls for it than
//! a launch with an operator's contract has time for.

use nix::libc;
use std::alloc::{GlobalAlloc, Layout};
use std::cell::UnsafeCell;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

const LEAST: usize = 16;
const PAGE: usize = 4096;
/// What is larger is a mapping of its own.
const MOST: usize = 64 * 1024;
const CHUNK: usize = 256 * 1024;
const SIZES: usize = (MOST / LEAST).ilog2() as usize + 1;

/// A piece that was given back, with the next one of its size.
struct Free(*mut Free);

struct State {
    free: [*mut Free; SIZES],
    /// The rest of the latest chunk.
    next: usize,
    end: usize,
}

/// The allocator. Threads wait for each other in turn; a launch has only one.
pub struct Heap {
    taken: AtomicBool,
    state: UnsafeCell<State>,
}

// SAFETY: the state is only reached through `with`, which lets one thread in at a time.
unsafe impl Sync for Heap {}

/// The size that is handed out, and its place in `free`; `None` for a mapping of its own.
fn size_of(layout: Layout) -> Option<(usize, usize)> {
    let size = layout.size().max(layout.align()).max(LEAST);
    (size <= MOST).then(|| size.next_power_of_two()).map(|size| (size, place(size)))
}

fn place(size: usize) -> usize {
    (size / LEAST).ilog2() as usize
}

fn pages(size: usize) -> Option<usize> {
    size.checked_next_multiple_of(PAGE)
}

/// A list of some thousand entries, which is filled at once: its pages come in this call and not by
/// a fault each, which takes longer. Of what is huge most may stay unused.
fn map_filled(size: usize) -> *mut u8 {
    map(size, if size <= 4 * CHUNK { libc::MAP_POPULATE } else { 0 })
}

fn map(size: usize, populate: i32) -> *mut u8 {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | populate;
    // SAFETY: a new mapping at an address of the kernel's choice touches nothing that is in use.
    let piece = unsafe { libc::mmap(ptr::null_mut(), size, protection, flags, -1, 0) };
    if piece == libc::MAP_FAILED { ptr::null_mut() } else { piece.cast() }
}

impl Default for Heap {
    fn default() -> Self {
        Heap::new()
    }
}

impl Heap {
    /// A heap without memory.
    pub const fn new() -> Self {
        let state = State { free: [ptr::null_mut(); SIZES], next: 0, end: 0 };
        Heap { taken: AtomicBool::new(false), state: UnsafeCell::new(state) }
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        while self.taken.swap(true, Ordering::Acquire) {
            std::thread::yield_now();
        }
        // SAFETY: the flag was clear and is set now, so nobody else has the state.
        let result = act(unsafe { &mut *self.state.get() });
        self.taken.store(false, Ordering::Release);
        result
    }
}

impl State {
    fn take(&mut self, size: usize, place: usize) -> *mut u8 {
        if let Some(first) = self.free.get_mut(place)
            && !first.is_null()
        {
            let piece = *first;
            // SAFETY: only pieces that were given back and are unused stand in these lists.
            *first = unsafe { (*piece).0 };
            return piece.cast();
        }
        // Aligned to their size, up to a page: no layout asks for more of a piece of that size.
        let mask = size.min(PAGE) - 1;
        let mut begin = (self.next + mask) & !mask;
        if begin + size > self.end {
            let chunk = map(CHUNK, 0);
            if chunk.is_null() {
                return chunk;
            }
            begin = chunk.expose_provenance();
            self.end = begin + CHUNK;
        }
        self.next = begin + size;
        ptr::with_exposed_provenance_mut(begin)
    }
}

// SAFETY: a piece is in use by one owner at a time, as large and as aligned as was asked for, and
// stays mapped while it is in use. Greater alignments than a page are refused with null.
unsafe impl GlobalAlloc for Heap {
    #[cold]
    #[inline(never)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() > PAGE {
            return ptr::null_mut();
        }
        match size_of(layout) {
            Some((size, place)) => self.with(|state| state.take(size, place)),
            None => pages(layout.size()).map_or(ptr::null_mut(), map_filled),
        }
    }

    #[cold]
    #[inline(never)]
    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        match size_of(layout) {
            Some((_, place)) => self.with(|state| {
                if let Some(first) = state.free.get_mut(place) {
                    let piece = piece.cast::<Free>();
                    // SAFETY: the piece was handed out at this size and is not used any more.
                    unsafe { piece.write(Free(*first)) };
                    *first = piece;
                }
            }),
            // SAFETY: the piece is a mapping of this many pages that is not used any more.
            None => unsafe {
                libc::munmap(piece.cast(), pages(layout.size()).unwrap_or(0));
            },
        }
    }

    #[cold]
    #[inline(never)]
    unsafe fn realloc(&self, piece: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises that the size fits the alignment.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (size_of(layout), size_of(wanted)) {
            (Some(old), Some(new)) if old == new => piece,
            (None, None) => {
                let (Some(old), Some(new)) = (pages(layout.size()), pages(size)) else {
                    return ptr::null_mut();
                };
                // SAFETY: the piece is a mapping of `old` bytes; its owner forgets the address.
                let moved = unsafe { libc::mremap(piece.cast(), old, new, libc::MREMAP_MAYMOVE) };
                if moved == libc::MAP_FAILED { ptr::null_mut() } else { moved.cast() }
            }
            // SAFETY: two different pieces; the smaller of the two sizes is copied.
            _ => unsafe {
                let moved = self.alloc(wanted);
                if !moved.is_null() {
                    ptr::copy_nonoverlapping(piece, moved, layout.size().min(size));
                    self.dealloc(piece, layout);
                }
                moved
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fills a piece and says whether it holds `expected` bytes of `byte` from before.
    fn holds(piece: *mut u8, expected: usize, byte: u8, size: usize) -> bool {
        // SAFETY: the pieces of these tests are at least that large.
        let bytes = unsafe { std::slice::from_raw_parts_mut(piece, size) };
        let same = bytes[..expected].iter().all(|it| *it == byte);
        bytes.fill(byte);
        same
    }

    #[test]
    fn pieces_are_aligned_and_do_not_overlap() {
        let heap = Heap::new();
        let mut pieces = Vec::new();
        for (number, align) in (0..2000u32).zip([1, 8, 16, 64, 4096].into_iter().cycle()) {
            let size = number as usize * 37 % 9000 + 1;
            let layout = Layout::from_size_align(size, align).unwrap();
            // SAFETY: the size is not zero.
            let piece = unsafe { heap.alloc(layout) };
            assert_eq!(piece.addr() % align, 0);
            assert!(holds(piece, 0, number as u8, size));
            pieces.push((piece, layout, number as u8));
        }
        for (piece, layout, byte) in pieces {
            assert!(holds(piece, layout.size(), byte, layout.size()));
            // SAFETY: allocated above with this layout.
            unsafe { heap.dealloc(piece, layout) };
        }
    }

    #[test]
    fn a_piece_given_back_is_the_next_of_its_size() {
        let heap = Heap::new();
        let layout = Layout::from_size_align(100, 8).unwrap();
        // SAFETY: used as asked for.
        unsafe {
            let first = heap.alloc(layout);
            heap.dealloc(first, layout);
            assert_eq!(heap.alloc(Layout::from_size_align(128, 1).unwrap()), first);
        }
    }

    #[test]
    fn a_piece_keeps_its_bytes_while_it_grows_and_shrinks() {
        let heap = Heap::new();
        let mut layout = Layout::from_size_align(10, 1).unwrap();
        // SAFETY: the layout is always the one of the latest call.
        unsafe {
            let mut piece = heap.alloc(layout);
            assert!(holds(piece, 0, 7, 10));
            for size in [16, 17, 5000, 70_000, 1_000_000, 200_000, 300, 20] {
                piece = heap.realloc(piece, layout, size);
                assert!(holds(piece, layout.size().min(size), 7, size), "{size}");
                layout = Layout::from_size_align(size, 1).unwrap();
            }
            heap.dealloc(piece, layout);
        }
    }

    #[test]
    fn more_alignment_than_a_page_is_refused() {
        let layout = Layout::from_size_align(8192, 8192).unwrap();
        // SAFETY: the size is not zero.
        assert!(unsafe { Heap::new().alloc(layout) }.is_null());
    }
}
