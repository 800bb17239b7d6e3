//! The sockets of a worker: two per stream, watched by one epoll.
//!
//! A stream's RTP socket is connected once its peer is certain: the kernel then drops what comes from elsewhere,
//! and sending needs no look-up of a route (a tenth less per packet than `sendto`).

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::Arc;

use nix::errno::Errno;
use nix::libc;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::socket::{setsockopt, sockopt};

use super::stats::WorkerStats;
use super::wire::{Channel, Wire};
use crate::moment::Moment;
use crate::net::clock::Clock;

/// Expedited forwarding (RFC 3246), as voice is marked (RFC 4594 §4.1), in the place of the TOS byte.
const VOICE_TOS: i32 = 46 << 2;

/// Bit of a token that tells RTCP from RTP.
const RTCP_BIT: u64 = 1 << 31;

/// Which socket is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    pub slot: usize,
    pub generation: u32,
    pub channel: Channel,
}

impl Ready {
    /// What epoll keeps for us: generation, channel, slot.
    fn token(self) -> u64 {
        let channel = if self.channel == Channel::Rtcp { RTCP_BIT } else { 0 };
        u64::from(self.generation) << 32 | channel | self.slot as u64
    }

    pub fn of(token: u64) -> Ready {
        Ready {
            slot: (token & (RTCP_BIT - 1)) as usize,
            generation: (token >> 32) as u32,
            channel: if token & RTCP_BIT == 0 { Channel::Rtp } else { Channel::Rtcp },
        }
    }
}

#[derive(Debug)]
struct Pair {
    rtp: UdpSocket,
    rtcp: UdpSocket,
    connected: bool,
}

pub struct Sockets {
    pub epoll: Epoll,
    pairs: Vec<Option<Pair>>,
    stats: Arc<WorkerStats>,
    clock: Clock,
}

impl Sockets {
    pub fn new(stats: Arc<WorkerStats>, clock: Clock) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        Ok(Sockets { epoll, pairs: Vec::new(), stats, clock })
    }

    /// One receive. Errors are mostly ICMP's word that the far end's port is closed: counted, and life goes on.
    pub fn receive(&self, slot: usize, channel: Channel, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        let pair = self.pairs.get(slot)?.as_ref()?;
        let socket = match channel {
            Channel::Rtp => &pair.rtp,
            Channel::Rtcp => &pair.rtcp,
        };
        // The source is asked for even on a connected socket: datagrams from others may have queued before.
        match socket.recv_from(buffer) {
            Ok(received) => Some(received),
            Err(error) => {
                if error.kind() != io::ErrorKind::WouldBlock {
                    self.stats.receive_errors.add(1);
                }
                None
            }
        }
    }

    fn sent(&self, result: io::Result<usize>) -> bool {
        if result.is_err() {
            self.stats.send_errors.add(1);
        }
        result.is_ok()
    }

    fn bind(&self, ready: Ready, local: IpAddr, port: u16) -> io::Result<UdpSocket> {
        let socket = UdpSocket::bind((local, port))?;
        socket.set_nonblocking(true)?;
        if local.is_ipv4() {
            // A network that forbids marking still carries the call.
            let _ = setsockopt(&socket, sockopt::Ipv4Tos, &VOICE_TOS);
        } else {
            let _ = setsockopt(&socket, sockopt::Ipv6TClass, &VOICE_TOS);
        }
        self.epoll.add(&socket, EpollEvent::new(EpollFlags::EPOLLIN, ready.token()))?;
        Ok(socket)
    }
}

impl Wire for Sockets {
    fn open(&mut self, slot: usize, generation: u32, local: IpAddr, port: u16) -> Result<(), i32> {
        let errno = |error: io::Error| error.raw_os_error().unwrap_or(Errno::EINVAL as i32);
        let above = port.checked_add(1).ok_or(Errno::EINVAL as i32)?;
        let ready = Ready { slot, generation, channel: Channel::Rtp };
        let rtp = self.bind(ready, local, port).map_err(errno)?;
        let rtcp = self.bind(Ready { channel: Channel::Rtcp, ..ready }, local, above).map_err(errno)?;
        if self.pairs.len() <= slot {
            self.pairs.resize_with(slot + 1, || None);
        }
        self.pairs[slot] = Some(Pair { rtp, rtcp, connected: false });
        Ok(())
    }

    fn close(&mut self, slot: usize) {
        // Closing the last descriptor of a socket takes it out of epoll.
        if let Some(pair) = self.pairs.get_mut(slot) {
            *pair = None;
        }
    }

    fn settle(&mut self, slot: usize, remote: SocketAddr) {
        if let Some(Some(pair)) = self.pairs.get_mut(slot) {
            pair.connected = pair.rtp.connect(remote).is_ok();
        }
    }

    fn unsettle(&mut self, slot: usize) {
        if let Some(Some(pair)) = self.pairs.get_mut(slot)
            && pair.connected
        {
            pair.connected = !disconnect(&pair.rtp);
        }
    }

    fn send(&mut self, slot: usize, to: SocketAddr, datagram: &[u8]) -> bool {
        let Some(Some(pair)) = self.pairs.get(slot) else { return false };
        self.sent(if pair.connected { pair.rtp.send(datagram) } else { pair.rtp.send_to(datagram, to) })
    }

    fn clock(&self, _: Moment) -> Moment {
        self.clock.now()
    }

    fn send_report(&mut self, slot: usize, to: SocketAddr, datagram: &[u8]) -> bool {
        let Some(Some(pair)) = self.pairs.get(slot) else { return false };
        self.sent(pair.rtcp.send_to(datagram, to))
    }
}

/// Takes a socket's peer away; it keeps its port, which was bound by number. True if that worked.
fn disconnect(socket: &UdpSocket) -> bool {
    // connect(2): an address of family AF_UNSPEC dissolves the association. No safe interface offers it.
    // SAFETY: all-zero is a valid `sockaddr`.
    let mut nobody: libc::sockaddr = unsafe { std::mem::zeroed() };
    nobody.sa_family = libc::AF_UNSPEC as libc::sa_family_t;
    let length = size_of::<libc::sockaddr>() as libc::socklen_t;
    // SAFETY: the descriptor is open while `socket` is borrowed, and `nobody` is `length` readable bytes.
    unsafe { libc::connect(socket.as_raw_fd(), &nobody, length) == 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_tells_slot_generation_and_channel() {
        for channel in [Channel::Rtp, Channel::Rtcp] {
            let ready = Ready { slot: 8_191, generation: u32::MAX, channel };
            assert_eq!(Ready::of(ready.token()), ready);
        }
    }
}
