//! The four transaction machines of RFC 3261 §17, as RFC 6026 corrects them.
//!
//! Each is a value told what came and what time it is; it answers with a turn: what to send and what to tell.
//! None knows of addresses, tables or each other: `endpoint` holds them.

pub mod client;
pub mod invite_client;
pub mod invite_server;
pub mod server;
#[cfg(test)]
mod tests;
pub mod timer;

use bytes::Bytes;

use super::message::Request;

/// What a request of ours may pass through (RFC 3261 §8.1.1.6).
pub const MAX_FORWARDS: &str = "70";

/// What a client machine wants done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientTurn {
    /// Send these bytes along the transaction's flow.
    pub send: Option<Bytes>,
    /// Give the response that was received to the user.
    pub pass: bool,
    /// Start a transaction with this CANCEL (§9.1).
    pub cancel: Option<Request>,
    /// Timer B or F, or no final response to a cancelled INVITE.
    pub timed_out: bool,
}

/// What a server machine wants done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerTurn {
    /// Send these bytes along the transaction's reply path.
    pub send: Option<Bytes>,
    pub tell: Option<ServerTell>,
}

/// What a server machine has to say to its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerTell {
    /// A first CANCEL came in time.
    Cancelled,
    /// No ACK for our 2xx within 64*T1 (§13.3.1.4).
    NeverAcked,
    /// No PRACK for our reliable provisional within 64*T1 (RFC 3262 §3).
    NeverPracked,
}

impl ServerTurn {
    fn nothing() -> ServerTurn {
        ServerTurn::default()
    }

    fn send(bytes: Bytes) -> ServerTurn {
        ServerTurn { send: Some(bytes), tell: None }
    }

    fn tell(tell: ServerTell) -> ServerTurn {
        ServerTurn { send: None, tell: Some(tell) }
    }
}

impl ClientTurn {
    fn nothing() -> ClientTurn {
        ClientTurn::default()
    }

    fn send(bytes: Bytes) -> ClientTurn {
        ClientTurn { send: Some(bytes), ..ClientTurn::default() }
    }

    fn pass() -> ClientTurn {
        ClientTurn { pass: true, ..ClientTurn::default() }
    }

    fn timed_out() -> ClientTurn {
        ClientTurn { timed_out: true, ..ClientTurn::default() }
    }
}
