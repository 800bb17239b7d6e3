//! Every limit of a voice, with its unit, reason and what happens beyond it.

use std::time::Duration;

/// Packets that a voice holds: more than `MOST_DELAY` of packets of 10 ms. It divides 65,536, so that a slot is found
/// by the sequence number across its wrap. A packet further ahead pushes out the oldest, which are then lost.
pub const SLOTS: usize = 64;

/// Bytes of a packet that a voice holds: 60 ms of G.711 are 480, 60 ms of Opus at 80 kbit/s are 600.
/// A longer one is refused and counted as late.
pub const PAYLOAD_BYTES: usize = 640;

/// Least delay of a voice over its fastest packets: half a frame, for a worker that is late itself.
pub const LEAST_DELAY: Duration = Duration::from_millis(10);

/// Most delay of a voice over its fastest packets: beyond it people talk into each other (ITU-T G.114 calls 400 ms
/// the most that planning may allow). What would come later is dropped.
pub const MOST_DELAY: Duration = Duration::from_millis(400);

/// Delay above the target that is left alone: less than the distance of two packets cannot be told from their phase.
/// Beyond it the voice is shortened by a pitch period at a time.
pub const EXCESS: Duration = Duration::from_millis(20);

/// Share of packets, in thousandths, that shall come in time: the target delay is this quantile of their delays.
pub const IN_TIME: u32 = 985;

/// A packet so far before or after its time is a new beginning of its source, whatever its sequence number says.
pub const RESTART: Duration = Duration::from_secs(2);

/// How long a voice waits for its next packet, growing later by it, before it begins anew with the next one that comes.
pub const PATIENCE: Duration = Duration::from_millis(100);

/// A source that vanished without a word is replaced by its background noise for so long, then the noise fades.
pub const NOISE_LASTS: Duration = Duration::from_secs(1);

/// Sources of one mix: a conference of 8 and one who listens. More are left out, counted in
/// `WorkerStats::links_refused`.
pub const SOURCES: usize = 8;
