//! The program's allocator: what is given back is overwritten first.
//!
//! A PIN passes through buffers of many makers on its way from a telephone to the bank: a message read from a socket, text
//! that grows, a request's body. Each of them gives its memory back here, so that no copy outlives its use, and a core
//! of the process holds no more of a secret than is being dealt with. What it costs is a write over memory that was
//! just in use; the packet path allocates nothing and so pays nothing.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;

/// The system's allocator, with the overwriting.
pub struct Wiping;

// SAFETY: all calls go to `System` with what they came with; before memory is given back only its own bytes are written.
unsafe impl GlobalAlloc for Wiping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps to the same contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    // `realloc` stays as it is by default: new memory, a copy, and the old given back here.

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the memory was allocated with this layout and is still the caller's.
        unsafe { memory.write_bytes(0, layout.size()) };
        // Else the compiler may leave out what nobody reads.
        black_box(memory);
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}
