//! A worker's place among the threads of its processor: before those that may wait.
//!
//! On a machine with few processors the engine and the journal run where audio runs, and may compute for milliseconds at a
//! time. Two things are asked of the kernel for the worker's own thread, and whatever it refuses is done without:
//! - a slice of `SLICE` (Linux 6.12; nobody's permission is needed): a thread that asks for little at a time gets it soon;
//! - the weight of `NICE`, for which the process needs CAP_SYS_NICE or a limit `nice` of 30. Not a real-time class: a
//!   worker that had more to do than a processor can must not keep the engine from hanging up.

use std::time::Duration;

use nix::libc;

/// The time that the worker asks for at once: the least that the kernel gives. A turn takes some tens of microseconds.
const SLICE: Duration = Duration::from_micros(100);

/// Ten times the weight of a thread that asked for nothing.
const NICE: i32 = -10;

/// sched_setattr(2), `struct sched_attr` as of Linux 3.14, the first version.
#[repr(C)]
struct Attributes {
    size: u32,
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
    /// Nanoseconds; for the usual policy the slice, where the kernel knows it. Older ones take no notice.
    runtime: u64,
    deadline: u64,
    period: u64,
}

/// What the kernel granted to the calling thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granted {
    /// Weight and slice.
    Both,
    /// The slice only; the process may not raise its weight.
    Slice,
    Nothing,
}

/// Asks for the calling thread, from the most to the least.
pub fn ask() -> Granted {
    if set(NICE) {
        Granted::Both
    } else if set(0) {
        Granted::Slice
    } else {
        Granted::Nothing
    }
}

fn set(nice: i32) -> bool {
    let attributes = Attributes {
        size: size_of::<Attributes>() as u32,
        policy: libc::SCHED_OTHER as u32,
        flags: 0,
        nice,
        priority: 0,
        runtime: SLICE.as_nanos() as u64,
        deadline: 0,
        period: 0,
    };
    // SAFETY: the kernel reads `size` bytes of `attributes`, which are all there; 0 is the calling thread.
    unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) == 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_gets_what_it_may_have() {
        let granted = std::thread::spawn(ask).join().unwrap();
        assert_ne!(granted, Granted::Nothing, "the slice needs nobody's permission");
    }
}
