//! Where a message came from and where one goes: addresses without sockets.

use std::fmt;
use std::net::SocketAddr;

/// RFC 3261 §18; TLS and WebSocket (RFC 7118) take their places here when they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    Udp,
    Tcp,
}

impl Transport {
    /// As written in a Via (RFC 3261 §20.42).
    pub fn via_name(self) -> &'static str {
        match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
        }
    }

    /// A lost message is the transport's business, not ours: no retransmission timers (§17).
    pub fn is_reliable(self) -> bool {
        self != Transport::Udp
    }
}

/// A stream connection, numbered by the edge in order of acceptance or opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// A path between one of our addresses and a peer's. Replies go back along the flow a request came on;
/// a registered phone is reached along the flow it registered on (RFC 5626 §4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    pub transport: Transport,
    /// Our address, as the peer sees it.
    pub local: SocketAddr,
    pub remote: SocketAddr,
    /// `None` on UDP, and on a stream that the edge is yet to open to `remote`.
    pub connection: Option<ConnectionId>,
}

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} > {}", self.transport.via_name(), self.remote, self.local)
    }
}
