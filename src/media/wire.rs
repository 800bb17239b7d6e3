//! What the switch needs of the network: sockets in production, a list in tests.

use std::net::{IpAddr, SocketAddr};

use crate::moment::Moment;

/// Which of a stream's two sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    Rtp,
    Rtcp,
}

/// What the kernel says of a stream's RTP socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    /// Packets that it dropped unread since it was last asked.
    pub shed: u32,
    /// Packets wait to be read.
    pub waits: bool,
}

/// The network, by slots.
pub trait Wire {
    /// Binds RTP to `port` and RTCP to `port + 1`. The error is the system's errno.
    fn open(&mut self, slot: usize, generation: u32, local: IpAddr, port: u16) -> Result<(), i32>;

    /// The same on sockets that are shared; they are bound when they are first asked for.
    fn join(&mut self, slot: usize, local: IpAddr, port: u16) -> Result<(), i32>;

    /// The peer was signalled to send from there, RTCP from `rtcp` if that is not the same. False if what comes from
    /// there is another stream's already, which only sockets that are shared know.
    fn expect(&mut self, slot: usize, remote: SocketAddr, rtcp: Option<SocketAddr>) -> bool;

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

    /// What is sent for this stream leaves with others at the end of the turn, and not at once.
    fn waits(&self, _slot: usize) -> bool {
        false
    }

    /// What the kernel says of the stream's RTP socket now. If packets wait there, the worker is told of them anew.
    fn queue(&mut self, slot: usize) -> Queue;

    /// Sends from the RTCP socket.
    fn send_report(&mut self, slot: usize, to: SocketAddr, datagram: &[u8]) -> bool;
}
