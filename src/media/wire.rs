//! What the switch needs of the network: sockets in production, a list in tests.

use std::net::{IpAddr, SocketAddr};

use crate::moment::Moment;

/// Which of a stream's two sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    Rtp,
    Rtcp,
}

/// The network, by slots.
pub trait Wire {
    /// Binds RTP to `port` and RTCP to `port + 1`. The error is the system's errno.
    fn open(&mut self, slot: usize, generation: u32, local: IpAddr, port: u16) -> Result<(), i32>;

    fn close(&mut self, slot: usize);

    /// From now on the RTP socket speaks with `remote` only.
    fn settle(&mut self, slot: usize, remote: SocketAddr);

    /// The RTP socket takes datagrams from anywhere again.
    fn unsettle(&mut self, slot: usize);

    /// True if the datagram left. `to` matters only while the socket is not settled.
    fn send(&mut self, slot: usize, to: SocketAddr, datagram: &[u8]) -> bool;

    /// The time now, for a turn that began at `turn`: read anew, so that it tells what the turn has cost so far. A
    /// network without a clock says that no time has passed.
    fn clock(&self, turn: Moment) -> Moment {
        turn
    }

    /// Sends from the RTCP socket.
    fn send_report(&mut self, slot: usize, to: SocketAddr, datagram: &[u8]) -> bool;
}
