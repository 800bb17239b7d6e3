//! The edge's limits.

use std::time::Duration;

/// Inputs waiting for the engine. When full, UDP stays in the kernel's buffer (and is lost there, to be retransmitted),
/// streams are not read, and API questions wait their turn.
pub const INBOX: usize = 8_192;

/// Inputs handled between two looks at media events and timers, so that a flood of one starves none of the others.
pub const INPUTS_PER_TURN: usize = 256;

/// Stream connections at once; one more is closed as soon as it is accepted.
pub const CONNECTIONS: usize = 10_000;

/// Stream connections at once from one address, so that nobody can take them all.
pub const CONNECTIONS_PER_ADDRESS: usize = 1_000;

/// Messages waiting to be written to one connection. When full, its peer does not read: it is closed.
pub const WRITES_WAITING: usize = 256;

/// How long a connection to a phone may take to open.
pub const CONNECT_TIME: Duration = Duration::from_secs(5);

/// How long what is queued may take to be written when a connection ends.
pub const LAST_WRITES: Duration = Duration::from_secs(1);

/// A stream connection on which nothing came for so long is closed; phones send keep-alives (RFC 5626 §4.4.1) or register.
pub const CONNECTION_IDLE: Duration = Duration::from_secs(4 * 3600);

/// Media commands that wait because a worker's ring is full. Beyond it new ones are refused to the engine as lost ports.
pub const COMMANDS_WAITING: usize = 65_536;

/// How often the disk thread's events are looked at, when nothing else wakes the engine.
pub const TAPE_LOOK: Duration = Duration::from_millis(200);

/// Kernel buffer of a SIP UDP socket, in bytes: a second of 1,000 calls/s at 4 messages of 1 kB.
pub const UDP_BUFFER: usize = 4 << 20;

/// How long phones may take to acknowledge that a server which stops at once has hung up on them.
pub const LAST_WORDS: Duration = Duration::from_secs(2);
