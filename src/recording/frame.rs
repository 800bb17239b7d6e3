//! One packet on its way to a tape, through a bounded ring of fixed slots.

use crate::ids::CallId;
use crate::media::command::Codec;
use crate::moment::Moment;

/// Whose voice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Left channel.
    Caller,
    /// Prompts, music, agents: right channel.
    Bank,
}

/// Largest payload kept in bytes: 60 ms of G.711. A longer one is cut into frames of this size.
pub const PAYLOAD_BYTES: usize = 480;

#[derive(Clone, Copy)]
pub struct TapeFrame {
    pub call: CallId,
    pub side: Side,
    pub codec: Codec,
    /// The packet's RTP timestamp.
    pub rtp_time: u32,
    /// When it was received, or sent.
    pub at: Moment,
    pub length: u16,
    pub payload: [u8; PAYLOAD_BYTES],
}

/// Slots of a worker's tape ring: 0.3 s of 1,000 recorded calls (100,000 packets/s), 17 MB.
/// When full the frame is dropped, counted, and reported as a named gap.
pub const RING_SLOTS: usize = 32_768;
