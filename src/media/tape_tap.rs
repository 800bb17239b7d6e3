//! Copies of packets for the tape. Audio never waits for the disk: a full ring makes a named gap.

use std::sync::Arc;

use super::stats::WorkerStats;
use crate::recording::frame::Inlet;
pub use crate::recording::frame::Taped;

/// The worker's way to the disk thread.
pub struct Tap {
    ring: Inlet,
    stats: Arc<WorkerStats>,
}

impl Tap {
    pub fn new(ring: Inlet, stats: Arc<WorkerStats>) -> Self {
        Tap { ring, stats }
    }

    /// Copies a packet into the ring. Returns how many packets were lost: one or none.
    pub fn write(&mut self, taped: Taped<'_>) -> u32 {
        let lost = u32::from(self.ring.put(&taped).is_err());
        if lost > 0 {
            self.stats.tape_frames_lost.add(1);
        }
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::CallId;
    use crate::media::command::Codec;
    use crate::media::limits::DATAGRAM_BYTES;
    use crate::moment::Moment;
    use crate::recording::frame::{PAYLOAD_BYTES, Side, ring_of};

    fn packet(payload: &[u8]) -> Taped<'_> {
        Taped {
            call: CallId(1),
            side: Side::Caller,
            codec: Codec::Pcma,
            rtp_time: 1_000,
            at: Moment::ZERO,
            made: false,
            payload,
        }
    }

    #[test]
    fn the_longest_packet_there_can_be_is_taken_whole() {
        const { assert!(DATAGRAM_BYTES <= PAYLOAD_BYTES) };
        let (ring, mut disk) = ring_of(4_096);
        let mut tap = Tap::new(ring, Arc::default());
        assert_eq!(tap.write(packet(&[7; DATAGRAM_BYTES])), 0);
        let mut lengths = Vec::new();
        disk.take(|record| lengths.push(record.parts.concat().len()));
        assert_eq!(lengths, [DATAGRAM_BYTES + 16]);
    }

    #[test]
    fn a_full_ring_loses_packets_and_counts_them() {
        let (ring, _disk) = ring_of(200);
        let stats = Arc::<WorkerStats>::default();
        let mut tap = Tap::new(ring, stats.clone());
        assert_eq!(tap.write(packet(&[0; 160])), 0);
        assert_eq!(tap.write(packet(&[0; 160])), 1);
        assert_eq!(stats.tape_frames_lost.get(), 1);
    }
}
