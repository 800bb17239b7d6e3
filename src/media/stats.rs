//! What a worker counts of itself, readable by other threads.

use super::histogram::Histogram;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A number that one thread writes and any may read.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Only the worker calls this: with one writer no locked instruction is needed.
    pub(super) fn add(&self, amount: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(amount), Relaxed);
    }

    pub(super) fn set(&self, value: u64) {
        self.0.store(value, Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Counters of one worker. Aligned, so that no other worker's numbers share its cache lines.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct WorkerStats {
    /// Streams that are open now.
    pub streams: Count,
    /// Times the worker woke up.
    pub turns: Count,
    pub packets_received: Count,
    pub packets_sent: Count,
    /// Wrong source, unknown payload type, or malformed.
    pub packets_refused: Count,
    /// Of them: neither authentic nor fresh, or from a wrong source, where SRTP was agreed on.
    pub packets_unauthentic: Count,
    /// Came after what followed them had been sent, across a change of source; or again, where SRTP forbids to send
    /// anything twice.
    pub packets_stale: Count,
    /// A datagram could not be sent; the port is closed at the far end, or the network refuses.
    pub send_errors: Count,
    /// A receive failed, mostly because ICMP told that the far end's port is closed.
    pub receive_errors: Count,
    pub reports_sent: Count,
    pub reports_received: Count,
    /// Commands about streams that are not open, or opening one that is.
    pub commands_ignored: Count,
    /// A stream had `LISTENERS` already.
    pub links_refused: Count,
    /// Events dropped because the engine did not take them (`EVENTS_WAITING`).
    pub events_lost: Count,
    /// Times the event ring was full and an event had to wait.
    pub events_waited: Count,
    /// Frames missing on tapes because the ring was full.
    pub tape_frames_lost: Count,
    /// Packets that the kernel dropped because the worker did not read its sockets in time (`SOCKET_BYTES`).
    pub packets_shed: Count,
    /// 1 while the worker has more to do than its core can, else 0.
    pub overloaded: Count,
    /// Turns of the pacing that began more than `SLOT_LATE` late: the worker has more than its core can do.
    pub slots_late: Count,
    /// Slots of 1 ms that were passed over to catch up.
    pub slots_skipped: Count,
    /// Of each packet that was passed on: from the beginning of the turn that read it to after it was sent. What it lay
    /// in its socket before is not in it: at most the rest of the turn before.
    pub passages: Histogram,
    /// Of each generated frame: how long after its slot it was sent, as of the last frame of its part.
    pub pacing_errors: Histogram,
    /// How long turns took, without the time spent waiting.
    pub turn_times: Histogram,
    /// Legs whose quality crossed the threshold, downwards.
    pub legs_poor: Count,
}
