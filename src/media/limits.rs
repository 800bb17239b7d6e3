//! Every limit of a media worker, with its unit, reason and what happens beyond it.

use std::ops::Range;
use std::time::Duration;

/// Streams of one worker: 4,096 calls of two legs, twice what one core relays. Beyond it `Event::OpenFailed`.
pub const STREAMS: usize = 8_192;

/// Streams that may hear one stream: the other party, and supervisors. Beyond it the new one hears silence,
/// counted in `WorkerStats::links_refused`.
pub const LISTENERS: usize = 8;

/// Slots of the command ring: 4 commands for each of 1,000 calls that change in the same moment.
/// When it is full the engine keeps the command and tries again.
pub const COMMAND_SLOTS: usize = 4_096;

/// Slots of the event ring: the engine may stand still for 2 s while 2,000 callers press two keys each second.
/// When it is full, events wait in the worker (`EVENTS_WAITING`).
pub const EVENT_SLOTS: usize = 8_192;

/// Events that wait in the worker for room in the ring; nothing is lost below this. When half of them are taken
/// the worker obeys no more commands, so that the rest is left to digits and ends of prompts.
/// Beyond it the newest event is dropped and counted in `WorkerStats::events_lost`.
pub const EVENTS_WAITING: usize = 8_192;

/// Commands obeyed in one turn: at 30 µs for opening two sockets, audio waits at most 1 ms for them.
pub const COMMANDS_PER_TURN: usize = 32;

/// Datagrams that shared sockets receive, and send, in one system call: 5 ms of 64 calls at 4 kB each would be 0.3 MB, and
/// more gains nothing (docs/media.md). What is left is taken in the next turn.
pub const BATCH: usize = 64;

/// Sockets served in one turn; the others are served in the next.
pub const WAKEUPS: usize = 256;

/// How long after the packet before it audio comes that is alone: nearly all phones send each 20 ms, with some jitter.
/// What comes sooner or later may have others right behind it, so that its socket is read until it is empty.
pub const ALONE: Range<Duration> = Duration::from_millis(10)..Duration::from_millis(30);

/// Packets after one that came together with another for which a stream's socket is read until it is empty: ten seconds,
/// renewed by each.
pub const BURSTS: u16 = 500;

/// Datagrams read of one socket at once: more than the kernel keeps of it (`SOCKET_BYTES`).
pub const BURST: usize = 64;

/// Largest datagram taken, bytes: an Ethernet frame with room to spare. A longer one is refused.
pub const DATAGRAM_BYTES: usize = 2_048;

/// Length of a frame of generated audio.
pub const FRAME: Duration = Duration::from_millis(20);

/// Parts of a frame's length over which streams are spread, 1 ms each.
pub const PACING_PARTS: usize = 20;

/// Generated audio that is later than this is counted in `WorkerStats::slots_late`: a usual jitter buffer is empty then.
pub const SLOT_LATE: Duration = Duration::from_millis(60);

/// Without RTP for this long on a stream that should receive: `Event::Silent`.
pub const MEDIA_SILENCE: Duration = Duration::from_secs(30);

/// A stream that relays a silent peer sends one frame of silence after this, so that NAT bindings stay.
pub const KEEP_OPEN: Duration = Duration::from_secs(1);

/// Mean time between RTCP reports (RFC 3550 §6.2: at least 5 s); each is drawn from 0.5 to 1.5 times this.
pub const REPORT_INTERVAL: Duration = Duration::from_secs(5);

/// A packet that comes this much later than the fastest of its source counts as late: a phone's jitter buffer that
/// adapts waits no longer. Beyond it the packet is relayed all the same, and counted in `Figures::packets_late`.
pub const PLAYOUT: Duration = Duration::from_millis(100);

/// A leg whose R is below this is poor: MOS 3.6, where G.109 has many users dissatisfied. Told by `Event::Quality`.
pub const POOR: f64 = 70.0;

/// A poor leg is better again from here on, MOS 3.8: further up, so that one that trembles is told of once.
pub const BETTER: f64 = 75.0;

/// Packets below which an interval is not judged: one second of audio, of which each lost packet would be 2 %.
pub const JUDGED: u64 = 50;

/// How long the signalled address must have been silent since Connect before another address may be learned.
pub const LATCH_AFTER: Duration = Duration::from_millis(200);

/// Consecutive packets of one source from one address before that address is learned.
pub const LATCH_PACKETS: u32 = 3;

/// Distance between a relayed stream's timestamps and our clock beyond which it is set anew.
pub const TIMESTAMP_DRIFT: Duration = Duration::from_secs(2);

/// A jump of sequence numbers by more than this is a new beginning (RFC 3550 A.1, MAX_DROPOUT).
pub const SEQUENCE_JUMP: i16 = 3_000;

/// A packet older than the newest by more than this is a new beginning (RFC 3550 A.1, MAX_MISORDER).
pub const SEQUENCE_MISORDER: i16 = 100;

/// Indexes of a source that are told apart as used or not: 2.5 s of packets, twice the least of RFC 3711 §3.3.2.
/// What is older is refused.
pub const SRTP_WINDOW: u64 = 128;

/// Authenticated sources of an SRTP leg at once: one speaks, others came before it (transfer, music on hold). Beyond it
/// the one that was silent longest is forgotten; nobody but the peer itself can bring that about.
pub const SRTP_SOURCES: usize = 8;

/// What the kernel keeps for one stream until the worker reads it, bytes as asked for: it takes twice that and counts
/// some 0.8 kB for a packet of G.711, so that about 25 packets, half a second, wait at most. Beyond it the kernel drops
/// the newest, counted in `WorkerStats::packets_shed`: audio that is later than that serves nobody.
pub const SOCKET_BYTES: usize = 10 << 10;

/// Over which a worker judges whether it keeps up.
pub const LOAD_WINDOW: Duration = Duration::from_millis(500);

/// A worker that waits for less than this share of a window has no room left, percent.
pub const IDLE_LEAST_PERCENT: u128 = 2;

/// Windows without room in a row before `Event::Overloaded`: a second.
pub const BUSY_WINDOWS: u32 = 2;

/// Windows with room in a row before `Event::Eased`: three seconds, so that calls are not let in and refused in turns.
pub const EASE_WINDOWS: u32 = 6;

/// Frames of a caller's that wait for a bot to take them: a second. A bot that is slower loses the newest.
pub const BOT_HEARS: usize = 50;

/// Frames of a bot's that wait for their slots: 200 ms, ten turns of who fills it. What more the bot says waits before it.
pub const BOT_SAYS: usize = 10;
