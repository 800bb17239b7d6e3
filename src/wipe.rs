//! The program's allocator: what is given back is overwritten first.
//!
//! A PIN passes through buffers of many makers on its way from a telephone to the bank: a message read from a socket, text
//! that grows, a request's body. Each of them gives its memory back here, so that no copy outlives its use, and a core
//! of the process holds no more of a secret than is being dealt with. What it costs is a write over memory that was
//! just in use; the packet path allocates nothing and so pays nothing.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;

/// Larger pieces are not overwritten, bytes: no message (64 KiB), request or text that grows is, while prompts and rings
/// are, whose end must not keep a thread.
const WIPED: usize = 128 * 1_024;

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

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if layout.size() > WIPED {
            // SAFETY: as above.
            return unsafe { System.realloc(memory, layout, size) };
        }
        // The system might move it, and leave the old place as it was.
        // SAFETY: the caller gives a size that fits the alignment; both pieces are as long as is copied.
        unsafe {
            let wanted = Layout::from_size_align_unchecked(size, layout.align());
            let new = System.alloc(wanted);
            if !new.is_null() {
                new.copy_from_nonoverlapping(memory, layout.size().min(size));
                self.dealloc(memory, layout);
            }
            new
        }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        if layout.size() <= WIPED {
            // SAFETY: the memory was allocated with this layout and is still the caller's.
            unsafe { memory.write_bytes(0, layout.size()) };
            // Else the compiler may leave out what nobody reads.
            black_box(memory);
        }
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}
