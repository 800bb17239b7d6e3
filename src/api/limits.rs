//! How much of everything the API takes, why so much, and what it does beyond.

use std::time::Duration;

use super::error::ApiError;

/// Connections at once, each a file descriptor and some 64 KiB. Beyond it new ones wait in the kernel's queue.
pub const CONNECTIONS: usize = 1_024;

/// Bytes of a request's head. hyper answers 431 beyond it.
pub const HEAD: usize = 32 * 1024;

/// Header fields of a request. hyper answers 431 beyond it.
pub const HEADER_FIELDS: usize = 64;

/// Bytes of a request's body; ours are a few hundred. Beyond it 413.
pub const BODY: usize = 64 * 1024;

/// Time to send a request's head: who is slower keeps a connection from others. The connection is closed.
pub const HEAD_TIME: Duration = Duration::from_secs(10);

/// Time from a request's head to its response's. Beyond it 504.
pub const REQUEST_TIME: Duration = Duration::from_secs(30);

/// Time in which sent bytes must be taken by the peer. Beyond it the connection is dropped.
pub const SEND_TIME: Duration = Duration::from_secs(30);

/// Sessions at once: every agent and a few screens more. Beyond it the one unused longest ends.
pub const SESSIONS: usize = 16_384;

/// Sessions of one user, so that nobody pushes others out. Beyond it their own unused longest ends.
pub const SESSIONS_OF_ONE: usize = 16;

/// A session ends so long after it began.
pub const SESSION_LIFE: Duration = Duration::from_secs(12 * 3_600);

/// A session that is not used for so long ends.
pub const SESSION_IDLE: Duration = Duration::from_secs(3_600);

/// Symbols of a user's name or password; longer ones are wrong without being looked at.
pub const CREDENTIAL: usize = 256;

/// Event streams at once: each has a place in the engine's broadcast. Beyond it 503.
pub const SOCKETS: usize = 256;

/// Bytes of a message from an event stream's reader, who has nothing to say.
pub const SOCKET_MESSAGE: usize = 4 * 1024;

/// A stream's reader is asked so often whether it is there.
pub const PING_EVERY: Duration = Duration::from_secs(20);

/// A stream whose reader says nothing for so long is closed: three pings.
pub const SILENCE: Duration = Duration::from_secs(60);

/// Calls that an agent's event stream follows; an agent talks with one at a time. Beyond it the oldest is dropped.
pub const FOLLOWED: usize = 64;

/// Tapes laid out in memory for playing, each up to some 60 MB an hour. Beyond it the one unused longest goes.
pub const SOUNDS: usize = 8;

/// Tapes read or verified at once: each takes a thread and a tape's memory. Others wait for their turn.
pub const READINGS: usize = 4;

/// Bytes of sound made at a time: two seconds.
pub const SOUND_PIECE: u64 = 64 * 1024;

/// Rows of a listing that are given unless told otherwise.
pub const ROWS: u32 = 100;

/// Most rows of a listing.
pub const MOST_ROWS: u32 = 1_000;

/// How many rows a listing has, by what was asked for.
pub(super) fn rows(wanted: Option<u32>) -> Result<u32, ApiError> {
    let rows = wanted.unwrap_or(ROWS);
    if !(1..=MOST_ROWS).contains(&rows) {
        return Err(ApiError::Bad(format!("limit: 1 to {MOST_ROWS}")));
    }
    Ok(rows)
}

/// Symbols of a reason for not being ready.
pub const REASON: usize = 64;

/// The engine answers within this, or the server is not ready.
pub const ENGINE_ANSWERS: Duration = Duration::from_secs(1);

/// Longest time that stopping waits for streams and connections.
pub const LAST_WORDS: Duration = Duration::from_secs(2);
