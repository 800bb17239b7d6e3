//! The sockets of a worker, watched by one epoll: two per stream, or two that streams of trunks share (`shared`).
//!
//! A stream's RTP socket is connected once its peer is certain: the kernel then drops what comes from elsewhere,
//! and sending needs no look-up of a route (a tenth less per packet than `sendto`).

use std::cell::Cell;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;

use nix::libc;
use nix::sys::socket::{setsockopt, sockopt};
use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{self, RecvFlags, SendFlags};

use super::limits::{SOCKET_BYTES, STREAMS};
use super::shared::{Inbound, Shared};
use super::stats::WorkerStats;
use super::wire::{Channel, Queue, Wire};
use crate::moment::Moment;
use crate::net::clock::Clock;

/// Expedited forwarding (RFC 3246), as voice is marked (RFC 4594 §4.1), in the place of the TOS byte.
const VOICE_TOS: i32 = 46 << 2;

/// Epoll's words for the shared sockets. No socket of one stream has them: their slots are beyond every table.
pub const SHARED_RTP: u64 = u64::MAX - 2;
pub const SHARED_RTCP: u64 = u64::MAX - 3;

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

/// Datagrams whose source is still asked for after a socket was connected: more than could have queued before
/// (`SOCKET_BYTES`). From then on the kernel's word is enough, and a receive need not copy an address.
const SOURCES_ASKED: u8 = 64;

#[derive(Debug)]
enum Line {
    Own(Pair),
    /// The addresses that its packets come from on the shared sockets.
    Shared {
        rtp: Option<SocketAddr>,
        rtcp: Option<SocketAddr>,
    },
}

#[derive(Debug)]
struct Pair {
    rtp: UdpSocket,
    rtcp: UdpSocket,
    /// Epoll's word for `rtp`.
    token: u64,
    peer: Peer,
    /// Datagrams that the kernel had dropped when it was last asked.
    shed: u32,
}

/// Whom the RTP socket hears.
#[derive(Clone, Copy, Debug)]
enum Peer {
    Anyone,
    /// Connected; the next `asked` datagrams may have come before it was.
    Only {
        remote: SocketAddr,
        asked: u8,
    },
}

pub struct Sockets {
    epoll: OwnedFd,
    lines: Vec<Option<Line>>,
    shared: Option<Shared>,
    stats: Arc<WorkerStats>,
    clock: Clock,
    /// What the clock showed when the switch last asked.
    read: Cell<Option<Moment>>,
}

impl Sockets {
    pub fn new(stats: Arc<WorkerStats>, clock: Clock) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        Ok(Sockets { epoll, lines: Vec::new(), shared: None, stats, clock, read: Cell::new(None) })
    }

    /// Has epoll tell with `token` of something that is no socket, as long as it can be read.
    pub fn watch(&self, what: impl AsFd, token: u64) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, what, EventData::new_u64(token), EventFlags::IN)?)
    }

    /// Waits until something is ready, for `patience` at most, and puts that into the room of `ready`.
    pub fn wait(&self, ready: &mut Vec<Event>, patience: Option<Timespec>) -> Result<usize, Errno> {
        epoll::wait(&self.epoll, spare_capacity(ready), patience.as_ref())
    }

    /// One datagram. Errors are mostly ICMP's word that the far end's port is closed: counted, and what waits behind
    /// such a word is received, as epoll tells of both only once.
    pub fn receive(
        &mut self,
        slot: usize,
        channel: Channel,
        buffer: &mut [u8],
    ) -> Option<(usize, SocketAddr)> {
        let Some(Line::Own(pair)) = self.lines.get_mut(slot)?.as_mut() else { return None };
        let mut received = pair.receive(channel, buffer);
        if received.is_err_and(|error| error != Errno::AGAIN) {
            self.stats.receive_errors.add(1);
            received = pair.receive(channel, buffer);
        }
        received.ok()
    }

    /// What the clock showed when packets of this turn were booked; `None` if there were none.
    pub fn take_reading(&mut self) -> Option<Moment> {
        self.read.take()
    }

    /// One receive of all that waits at the shared sockets, up to a batch.
    pub fn receive_shared(&self, channel: Channel, inbound: &mut Inbound) {
        inbound.clear();
        if let Some(shared) = &self.shared {
            let received = shared.receive(channel, inbound);
            if received.is_err_and(|error| error.kind() != io::ErrorKind::WouldBlock) {
                self.stats.receive_errors.add(1);
            }
        }
    }

    /// Whose packet it is that came to the shared sockets.
    pub fn whose(&self, channel: Channel, from: SocketAddr) -> Option<usize> {
        self.shared.as_ref()?.slot(channel, from)
    }

    /// Sends what waits to be sent together.
    pub fn flush(&mut self) {
        if let Some(shared) = &mut self.shared {
            let refused = shared.flush();
            self.stats.send_errors.add(refused as u64);
        }
    }

    fn sent<E>(&self, result: Result<usize, E>) -> bool {
        if result.is_err() {
            self.stats.send_errors.add(1);
        }
        result.is_ok()
    }

    fn bind(&self, token: u64, local: IpAddr, port: u16, told: Told) -> io::Result<UdpSocket> {
        let socket = UdpSocket::bind((local, port))?;
        socket.set_nonblocking(true)?;
        setsockopt(&socket, sockopt::RcvBuf, &told.room())?;
        if local.is_ipv4() {
            // A network that forbids marking still carries the call.
            let _ = setsockopt(&socket, sockopt::Ipv4Tos, &VOICE_TOS);
        } else {
            let _ = setsockopt(&socket, sockopt::Ipv6TClass, &VOICE_TOS);
        }
        epoll::add(&self.epoll, &socket, EventData::new_u64(token), told.flags())?;
        Ok(socket)
    }

    fn put(&mut self, slot: usize, line: Line) {
        if self.lines.len() <= slot {
            self.lines.resize_with(slot + 1, || None);
        }
        self.lines[slot] = Some(line);
    }
}

impl Pair {
    fn receive(&mut self, channel: Channel, buffer: &mut [u8]) -> Result<(usize, SocketAddr), Errno> {
        match (channel, &mut self.peer) {
            (Channel::Rtcp, _) => receive_from(&self.rtcp, buffer),
            (Channel::Rtp, Peer::Only { remote, asked: 0 }) => {
                net::recv(&self.rtp, buffer, RecvFlags::empty()).map(|(length, _)| (length, *remote))
            }
            (Channel::Rtp, peer) => {
                if let Peer::Only { asked, .. } = peer {
                    *asked -= 1;
                }
                receive_from(&self.rtp, buffer)
            }
        }
    }
}

fn receive_from(socket: &UdpSocket, buffer: &mut [u8]) -> Result<(usize, SocketAddr), Errno> {
    let (length, _, from) = net::recvfrom(socket, buffer, RecvFlags::empty())?;
    let from = from.ok_or(Errno::DESTADDRREQ)?;
    Ok((length, SocketAddr::try_from(from).map_err(|_| Errno::AFNOSUPPORT)?))
}

/// How epoll tells that packets came, and how many may wait meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// Once for all that came: epoll then need not look a second time whether the socket is empty (a twentieth of what
    /// a packet costs).
    Once,
    /// Again and again while there are any: for sockets that are read by the batch.
    WhileAny,
}

impl Told {
    fn flags(self) -> EventFlags {
        match self {
            Told::Once => EventFlags::IN | EventFlags::ET,
            Told::WhileAny => EventFlags::IN,
        }
    }

    /// Bytes that the kernel keeps: at a shared socket as many for each stream as if it had one of its own.
    fn room(self) -> usize {
        match self {
            Told::Once => SOCKET_BYTES,
            Told::WhileAny => SOCKET_BYTES * STREAMS,
        }
    }
}

/// The port of RTCP.
fn above(port: u16) -> Result<u16, i32> {
    port.checked_add(1).ok_or(libc::EINVAL)
}

fn errno(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or(libc::EINVAL)
}

impl Wire for Sockets {
    fn open(&mut self, slot: usize, generation: u32, local: IpAddr, port: u16) -> Result<(), i32> {
        let ready = Ready { slot, generation, channel: Channel::Rtp };
        let token = ready.token();
        let rtp = self.bind(token, local, port, Told::Once).map_err(|error| errno(&error))?;
        let ready = Ready { channel: Channel::Rtcp, ..ready };
        let rtcp =
            self.bind(ready.token(), local, above(port)?, Told::Once).map_err(|error| errno(&error))?;
        self.put(slot, Line::Own(Pair { rtp, rtcp, token, peer: Peer::Anyone, shed: 0 }));
        Ok(())
    }

    fn join(&mut self, slot: usize, local: IpAddr, port: u16) -> Result<(), i32> {
        if self.shared.is_none() {
            let bind =
                |token, port| self.bind(token, local, port, Told::WhileAny).map_err(|error| errno(&error));
            self.shared = Some(Shared::new(bind(SHARED_RTP, port)?, bind(SHARED_RTCP, above(port)?)?));
        }
        self.put(slot, Line::Shared { rtp: None, rtcp: None });
        Ok(())
    }

    fn expect(&mut self, slot: usize, remote: SocketAddr, rtcp: Option<SocketAddr>) -> bool {
        let Some(Some(Line::Shared { rtp, rtcp: reports })) = self.lines.get_mut(slot) else { return true };
        let Some(shared) = &mut self.shared else { return true };
        let mut change = |known: &mut Option<SocketAddr>, channel, address: Option<SocketAddr>| {
            if let Some(old) = std::mem::replace(known, address)
                && known.is_none_or(|new| new != old)
            {
                shared.forget(slot, channel, old);
            }
            address.is_none_or(|address| shared.expect(slot, channel, address))
        };
        // Reports of others are refused by their address (`report`), so that a clash there harms nobody.
        change(reports, Channel::Rtcp, rtcp);
        change(rtp, Channel::Rtp, Some(remote))
    }

    fn close(&mut self, slot: usize) {
        // Closing the last descriptor of a socket takes it out of epoll.
        let Some(line) = self.lines.get_mut(slot).and_then(Option::take) else { return };
        if let (Line::Shared { rtp, rtcp }, Some(shared)) = (line, &mut self.shared) {
            for (channel, address) in [(Channel::Rtp, rtp), (Channel::Rtcp, rtcp)] {
                address.inspect(|address| shared.forget(slot, channel, *address));
            }
        }
    }

    fn settle(&mut self, slot: usize, remote: SocketAddr) {
        if let Some(Some(Line::Own(pair))) = self.lines.get_mut(slot) {
            pair.peer = match pair.rtp.connect(remote) {
                Ok(()) => Peer::Only { remote, asked: SOURCES_ASKED },
                Err(_) => Peer::Anyone,
            };
        }
    }

    fn unsettle(&mut self, slot: usize) {
        if let Some(Some(Line::Own(pair))) = self.lines.get_mut(slot)
            && matches!(pair.peer, Peer::Only { .. })
            && disconnect(&pair.rtp)
        {
            pair.peer = Peer::Anyone;
        }
    }

    fn send(&mut self, slot: usize, to: SocketAddr, datagram: &[u8]) -> bool {
        match self.lines.get(slot) {
            Some(Some(Line::Own(pair))) => self.sent(match pair.peer {
                Peer::Only { .. } => net::send(&pair.rtp, datagram, SendFlags::empty()),
                Peer::Anyone => net::sendto(&pair.rtp, datagram, SendFlags::empty(), &to),
            }),
            Some(Some(Line::Shared { .. })) => self.shared.as_mut().is_some_and(|shared| {
                self.stats.send_errors.add(shared.send(to, datagram) as u64);
                true
            }),
            _ => false,
        }
    }

    fn queue(&mut self, slot: usize) -> Queue {
        let Some(Some(Line::Own(pair))) = self.lines.get_mut(slot) else { return Queue::default() };
        let Some(Memory { waiting, dropped }) = memory(&pair.rtp) else { return Queue::default() };
        let shed = dropped.wrapping_sub(std::mem::replace(&mut pair.shed, dropped));
        if waiting > 0 {
            // Whoever is changed is looked at again. Of a socket in its set epoll takes it.
            let _ = epoll::modify(&self.epoll, &pair.rtp, EventData::new_u64(pair.token), Told::Once.flags());
        }
        Queue { shed, waits: waiting > 0 }
    }

    fn clock(&self, _: Moment) -> Moment {
        let now = self.clock.now();
        self.read.set(Some(now));
        now
    }

    /// All packets of a turn are booked by one look at the clock at its end: reading it costs more than the booking.
    fn waits(&self, _: usize) -> bool {
        true
    }

    fn send_report(&mut self, slot: usize, to: SocketAddr, datagram: &[u8]) -> bool {
        match self.lines.get(slot) {
            Some(Some(Line::Own(pair))) => self.sent(pair.rtcp.send_to(datagram, to)),
            Some(Some(Line::Shared { .. })) => {
                self.shared.as_ref().is_some_and(|shared| self.sent(shared.send_report(to, datagram)))
            }
            _ => false,
        }
    }
}

/// What the kernel counts at a socket (socket(7), SO_MEMINFO).
struct Memory {
    /// Bytes that wait to be read, with what they cost the kernel.
    waiting: u32,
    /// Datagrams dropped since it was opened, nearly all for want of room.
    dropped: u32,
}

fn memory(socket: &UdpSocket) -> Option<Memory> {
    /// Words of SO_MEMINFO and the places among them (linux/sock_diag.h).
    const WORDS: usize = 9;
    const WAITING: usize = 0;
    const DROPS: usize = 8;
    let mut words = [0_u32; WORDS];
    let mut length = size_of_val(&words) as libc::socklen_t;
    // SAFETY: the descriptor is open while `socket` is borrowed, and `words` is `length` writable bytes.
    let failed = unsafe {
        let (level, name) = (libc::SOL_SOCKET, libc::SO_MEMINFO);
        libc::getsockopt(socket.as_raw_fd(), level, name, (&raw mut words).cast(), &raw mut length)
    };
    (failed == 0).then_some(Memory { waiting: words[WAITING], dropped: words[DROPS] })
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

    #[test]
    fn a_socket_that_is_not_read_keeps_half_a_second_and_tells_what_it_dropped() {
        let mut sockets = Sockets::new(Arc::default(), Clock::start()).expect("an epoll");
        let local: IpAddr = [127, 0, 0, 1].into();
        let phone = UdpSocket::bind((local, 0)).expect("a socket");
        // Any even port that is free will do, and a server's default range is not where the system gives from.
        let port = (20_000..30_000).step_by(2).find(|port| sockets.open(0, 0, local, *port).is_ok());
        let to = (local, port.expect("a pair of free ports"));
        for _ in 0..200 {
            phone.send_to(&[0x80; 172], to).expect("loopback takes it");
        }
        let shed = sockets.queue(0).shed;
        let kept = 200 - shed;
        assert!((15..40).contains(&kept), "{kept} kept");
        assert_eq!(sockets.queue(0), Queue { shed: 0, waits: true }, "told once");
    }
}
