//! A worker's place among the threads of its processor: before those that may wait.
//!
//! On a machine with few processors the engine and the journal run where audio runs, and may compute for milliseconds at a
//! time. Asked of the kernel for the worker's own thread, from the most to the least; what it refuses is done without:
//! - the real-time class (SCHED_RR, its lowest priority): needs CAP_SYS_NICE or a limit `rtprio` of 1. A worker that has more
//!   to do than a processor can does not starve the engine: the kernel keeps a twentieth of each second for the usual
//!   class (sched(7), `sched_rt_runtime_us`), and the engine, told of it (`load`), lets no new calls in.
//! - the weight of `NICE`: CAP_SYS_NICE, or a limit `nice` of 30.
//! - a slice of `SLICE` (Linux 6.12; nobody's permission is needed): who asks for little at a time gets it soon.

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
    RealTime,
    /// Weight and slice.
    Weight,
    /// The slice only.
    Slice,
    Nothing,
}

/// Asks for the calling thread, from the most to the least.
pub fn ask() -> Granted {
    let usual = |nice| Attributes { nice, runtime: SLICE.as_nanos() as u64, ..of(libc::SCHED_OTHER) };
    if set(&Attributes { priority: 1, ..of(libc::SCHED_RR) }) {
        Granted::RealTime
    } else if set(&usual(NICE)) {
        Granted::Weight
    } else if set(&usual(0)) {
        Granted::Slice
    } else {
        Granted::Nothing
    }
}

fn of(policy: libc::c_int) -> Attributes {
    Attributes {
        size: size_of::<Attributes>() as u32,
        policy: policy as u32,
        flags: 0,
        nice: 0,
        priority: 0,
        runtime: 0,
        deadline: 0,
        period: 0,
    }
}

fn set(attributes: &Attributes) -> bool {
    // SAFETY: the kernel reads `size` bytes of `attributes`, which are all there; 0 is the calling thread.
    unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const *attributes, 0) == 0 }
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
