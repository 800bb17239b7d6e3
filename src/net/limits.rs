//! The edge's limits.

use std::time::Duration;

/// Inputs waiting for the engine. When full, UDP stays in the kernel's buffer (and is lost there, to be retransmitted),
/// streams are not read, and API questions wait their turn.
pub const INBOX: usize = 8_192;

/// Bytes of messages waiting for the engine: twice `INBOX` of the usual size of 4 kB. Beyond it as with `INBOX`, so that
/// a flood of messages of the largest size costs 64 MiB and not 512.
pub const INBOX_BYTES: usize = 64 << 20;

/// New calls and other beginnings that wait for the engine, beside `INBOX`: a third of a second's worth of refusals. When
/// full a datagram is lost, to be repeated by its sender, and a stream is not read.
pub const NEW_WAITING: usize = 8_192;

/// Datagrams taken from a socket between two turns of the engine, so that a flood does not keep it from its work.
pub const DATAGRAMS_PER_LOOK: usize = 256;

/// New calls and other beginnings heard in one turn: some 3 ms of work, after which who is in a call comes first again.
pub const NEW_PER_TURN: usize = 32;

/// Inputs handled between two looks at media events and timers, so that a flood of one starves none of the others.
pub const INPUTS_PER_TURN: usize = 256;

/// Stream connections at once; one more is closed as soon as it is accepted.
pub const CONNECTIONS: usize = 10_000;

/// Stream connections at once from one address, so that nobody can take them all.
pub const CONNECTIONS_PER_ADDRESS: usize = 1_000;

/// Messages waiting to be written to one connection: what four turns of the engine may answer. When full, its peer does
/// not read: it is closed.
pub const WRITES_WAITING: usize = 4 * INPUTS_PER_TURN;

/// Bytes waiting to be written to one connection. When full it is closed as well, so that large answers to many
/// connections that do not read cost 0.5 GB from one address and not 60.
pub const WRITES_BYTES: usize = 512 * 1024;

/// How long one message may take to be written: as long as its transaction lives (64*T1, RFC 3261 §17). Beyond it the
/// peer is taken for dead and the connection closed.
pub const WRITE_TIME: Duration = Duration::from_secs(32);

/// How long a message may be on its way in, from its first byte to its last, and the first message of a connection from
/// its opening: as long as its transaction lives. Beyond it the connection is closed, so that nobody holds one for hours
/// by sending a byte a minute, or nothing.
pub const MESSAGE_TIME: Duration = Duration::from_secs(32);

/// The share of the process's descriptors that stream connections may take; the rest is for sound, tapes and the API.
pub const CONNECTIONS_SHARE: usize = 4;

/// Rest after a connection could not be accepted (no descriptors left, most likely): the listener stays readable
/// meanwhile, and asking it again at once would cost a core.
pub const ACCEPT_REST: Duration = Duration::from_millis(100);

/// How long a connection to a phone may take to open.
pub const CONNECT_TIME: Duration = Duration::from_secs(5);

/// How long what is queued may take to be written when a connection ends.
pub const LAST_WRITES: Duration = Duration::from_secs(1);

/// A stream connection on which nothing came for so long is closed; phones send keep-alives (RFC 5626 §4.4.1) or register.
pub const CONNECTION_IDLE: Duration = Duration::from_secs(4 * 3600);

/// Media commands that wait because a worker's ring is full. Beyond it no stream is opened, which the engine is told;
/// what concerns streams that are open still waits, for a lost Close would leave its ports taken for ever.
pub const COMMANDS_WAITING: usize = 65_536;

/// Commands for the disk thread that wait because it is behind. Beyond it no tape is opened, which the engine is told;
/// what concerns open tapes still waits.
pub const TAPE_COMMANDS_WAITING: usize = 16_384;

/// Requests to hosts that wait for their thread to begin them: it begins thousands a second. Beyond it the next fails at
/// once (`busy`).
pub const REQUESTS_WAITING: usize = 1_024;

/// Largest answer of a host that is read, bytes: a flow takes a few fields. A larger one fails (`too_large`).
pub const ANSWER_BYTES: usize = 64 * 1024;

/// Largest head of such an answer, bytes. A larger one fails (`unreachable`).
pub const ANSWER_HEAD_BYTES: usize = 32 * 1024;

/// Connections to one host that are kept for the next request. More are closed after their answer.
pub const HOST_CONNECTIONS: usize = 32;

/// How long a connection to a host is kept without a request: less than most servers keep theirs.
pub const HOST_IDLE: Duration = Duration::from_secs(30);

/// Sets of authorities for which connections are kept: one for each host that flows may ask. Beyond it the oldest goes.
pub const ASKERS: usize = 64;

/// Events of one worker, or of the disk thread, handled between two looks at everything else.
pub const EVENTS_PER_TURN: usize = 1_024;

/// How often the disk thread's events are looked at, when nothing else wakes the engine.
pub const TAPE_LOOK: Duration = Duration::from_millis(200);

/// Kernel buffer of a SIP UDP socket, in bytes: a second of 1,000 calls/s at 4 messages of 1 kB.
pub const UDP_BUFFER: usize = 4 << 20;

/// How long phones may take to acknowledge that a server which stops at once has hung up on them.
pub const LAST_WORDS: Duration = Duration::from_secs(2);

/// How long the disk thread may take to end every tape when the server stops: `OPEN_TAPES` of them, 2 ms each. A disk that
/// takes longer hangs; the thread is left behind, and the process ends with an error.
pub const TAPES_END: Duration = Duration::from_secs(10);

/// Orders to the thread of bots that wait. Beyond it the next conversation fails at once (`busy`), keys are lost, and ends
/// are noticed by the line.
pub const BOT_ORDERS: usize = 4_096;

/// Keys of one caller that wait for their bot. More are lost.
pub const BOT_KEYS: usize = 32;

/// Longest message of a bot, bytes: a minute of audio in base64. A longer one ends the conversation (`nonsense`).
pub const BOT_MESSAGE: usize = 1 << 20;

/// What a bot may say ahead of its playing, bytes of µ-law: a minute. What is more is dropped, counted in `BotLeft`.
pub const BOT_SPEECH: usize = 60 * 8_000;

/// Marks of a bot that wait for their audio. One more is nonsense.
pub const BOT_MARKS: usize = 1_000;

/// Messages of a bot that mean nothing and are passed over. One more ends the conversation (`nonsense`).
pub const BOT_NONSENSE: usize = 20;

/// How long a bot may take nothing of what it is sent, beyond what the kernel holds, until it counts as `broken`. Its own
/// audio, 200 ms of it, is not refilled meanwhile.
pub const BOT_WRITE: Duration = Duration::from_secs(2);

/// How long a bot is given to hear that it is over, and to close.
pub const BOT_GOODBYE: Duration = Duration::from_secs(2);
