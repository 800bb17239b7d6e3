//! Copies of packets for the tape. Audio never waits for the disk: a full ring makes a named gap.

use std::sync::Arc;

use super::command::Codec;
use super::stats::WorkerStats;
use crate::ids::CallId;
use crate::moment::Moment;
use crate::recording::frame::{PAYLOAD_BYTES, Side, TapeFrame};

/// The worker's end of the ring to the disk thread.
pub struct Tap {
    ring: rtrb::Producer<TapeFrame>,
    stats: Arc<WorkerStats>,
}

/// What one packet was.
#[derive(Clone, Copy, Debug)]
pub struct Taped<'a> {
    pub call: CallId,
    pub side: Side,
    pub codec: Codec,
    pub rtp_time: u32,
    pub at: Moment,
    pub payload: &'a [u8],
}

impl Tap {
    pub fn new(ring: rtrb::Producer<TapeFrame>, stats: Arc<WorkerStats>) -> Self {
        Tap { ring, stats }
    }

    /// Writes a packet, cut into frames if it is long. Returns how many frames were lost.
    pub fn write(&mut self, taped: Taped<'_>) -> u32 {
        // A packet of Opus is one piece; at the bit rates of speech it is never so long.
        if taped.codec == Codec::Opus && taped.payload.len() > PAYLOAD_BYTES {
            self.stats.tape_frames_lost.add(1);
            return 1;
        }
        let mut lost = 0;
        let mut rtp_time = taped.rtp_time;
        for part in taped.payload.chunks(PAYLOAD_BYTES) {
            let mut payload = [0; PAYLOAD_BYTES];
            payload[..part.len()].copy_from_slice(part);
            let frame = TapeFrame {
                call: taped.call,
                side: taped.side,
                codec: taped.codec,
                rtp_time,
                at: taped.at,
                length: part.len() as u16,
                payload,
            };
            lost += u32::from(self.ring.push(frame).is_err());
            // Of what is cut, a byte is a unit of RTP time: G.711 and G.722.
            rtp_time = rtp_time.wrapping_add(part.len() as u32);
        }
        if lost > 0 {
            self.stats.tape_frames_lost.add(u64::from(lost));
        }
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(payload: &[u8]) -> Taped<'_> {
        Taped {
            call: CallId(1),
            side: Side::Caller,
            codec: Codec::Pcma,
            rtp_time: 1_000,
            at: Moment::ZERO,
            payload,
        }
    }

    #[test]
    fn a_long_packet_is_cut_and_keeps_its_time() {
        let (ring, mut disk) = rtrb::RingBuffer::new(8);
        let mut tap = Tap::new(ring, Arc::default());
        assert_eq!(tap.write(packet(&[7; 640])), 0);
        let (first, second) = (disk.pop().unwrap(), disk.pop().unwrap());
        assert_eq!((first.length, first.rtp_time), (480, 1_000));
        assert_eq!((second.length, second.rtp_time), (160, 1_480));
        assert!(second.payload[..160].iter().all(|b| *b == 7));
    }

    #[test]
    fn a_full_ring_loses_frames_and_counts_them() {
        let (ring, _disk) = rtrb::RingBuffer::new(1);
        let stats = Arc::<WorkerStats>::default();
        let mut tap = Tap::new(ring, stats.clone());
        assert_eq!(tap.write(packet(&[0; 160])), 0);
        assert_eq!(tap.write(packet(&[0; 160])), 1);
        assert_eq!(stats.tape_frames_lost.get(), 1);
    }
}
