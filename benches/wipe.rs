//! `cargo bench --bench wipe -- [--quick]`: what it costs that the program overwrites memory when it is given back.
//!
//! The same work with and without, in turns in one run, on one thread: the least of the rounds is printed, and the ratio of
//! the two. Pieces are taken, filled and given back, and a text grows: nothing else is done.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

#[path = "../src/wipe.rs"]
mod wipe;

static WIPES: AtomicBool = AtomicBool::new(false);

/// The program's allocator, or the system's: both pay for the question alike.
struct Either;

// SAFETY: both halves keep the contract, and take back what either has given, for both give the system's memory.
unsafe impl GlobalAlloc for Either {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps to the same contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if WIPES.load(Ordering::Relaxed) {
            // SAFETY: as above.
            return unsafe { wipe::Wiping.realloc(memory, layout, size) };
        }
        // SAFETY: as above.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        if WIPES.load(Ordering::Relaxed) {
            // SAFETY: as above.
            return unsafe { wipe::Wiping.dealloc(memory, layout) };
        }
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Either = Either;

/// Small names and numbers, a header, a message of SIP, a page, the longest message of SIP.
const PIECES: [usize; 5] = [32, 256, 1_500, 4_096, 65_536];

fn piece(bytes: usize) {
    let mut piece: Vec<u8> = Vec::with_capacity(bytes);
    piece.resize(bytes, 7);
    black_box(&piece);
}

/// As bodies and answers grow, from nothing to 64 KiB.
fn text() {
    let mut text = String::new();
    for _ in 0..1_024 {
        text.push_str("sixty-four bytes of some text, as a request or an answer has it\n");
    }
    black_box(&text);
}

/// Nanoseconds of one `work`.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn nanos(times: u32, wipes: bool, work: &dyn Fn()) -> f64 {
    WIPES.store(wipes, Ordering::Relaxed);
    let began = Instant::now();
    (0..times).for_each(|_| work());
    let nanos = began.elapsed().as_nanos() as f64 / f64::from(times);
    WIPES.store(false, Ordering::Relaxed);
    nanos
}

/// A heap that has been in use for a while: taken in places, so that nothing is given back to the kernel in between.
fn used() -> Vec<Vec<u8>> {
    let mut held: Vec<Vec<u8>> = (0..64).map(|_| vec![1; 100_000]).collect();
    held.iter_mut().step_by(2).for_each(|piece| *piece = Vec::new());
    held
}

/// What is done, how often, and doing it once.
type Work = (String, u32, Box<dyn Fn()>);

fn main() {
    let held = used();
    let quick = std::env::args().any(|word| word == "--quick");
    let rounds = if quick { 3 } else { 15 };
    let mut works: Vec<Work> = Vec::new();
    for bytes in PIECES {
        let times = u32::try_from(40_000_000 / (bytes + 200)).unwrap_or(u32::MAX);
        works.push((format!("a piece of {bytes} bytes"), times, Box::new(move || piece(bytes))));
    }
    works.push(("a text that grows to 64 KiB".to_owned(), 2_000, Box::new(text)));
    println!("{:<36} {:>12} {:>12} {:>7}", "", "without, ns", "with, ns", "ratio");
    for (name, times, work) in &works {
        let (mut without, mut with) = (f64::MAX, f64::MAX);
        for _ in 0..rounds {
            without = without.min(nanos(*times, false, work));
            with = with.min(nanos(*times, true, work));
        }
        println!("{name:<36} {without:>12.0} {with:>12.0} {:>7.2}", with / without);
    }
    black_box(&held);
}
