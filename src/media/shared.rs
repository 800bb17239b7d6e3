//! Sockets that many streams share: for trunks, whose peers are known by their addresses.
//!
//! All streams of a worker that share sit on one pair of ports (RTP, RTCP). What comes is told apart by the address it
//! comes from, so two streams cannot have the same far end; many packets are received and sent by one system call
//! (recvmmsg(2), sendmmsg(2)), by which bare forwarders save up to a fifth (docs/media.md). A far end is never learned: what
//! does not come from a signalled address belongs to nobody.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::fd::AsRawFd;

use nix::libc;
use nix::sys::socket::{SockaddrLike, SockaddrStorage};

use super::limits::{BATCH, DATAGRAM_BYTES};
use super::wire::Channel;

/// The pair of sockets, and whose packets are whose.
#[derive(Debug)]
pub struct Shared {
    rtp: UdpSocket,
    rtcp: UdpSocket,
    /// Slots by the addresses their far ends send from; at most two for each stream of the worker.
    slots: HashMap<(Channel, SocketAddr), usize>,
    outbound: Outbound,
}

impl Shared {
    pub fn new(rtp: UdpSocket, rtcp: UdpSocket) -> Shared {
        Shared { rtp, rtcp, slots: HashMap::new(), outbound: Outbound::default() }
    }

    /// From now on what comes from `remote` is the stream's. False if it is another's already.
    pub fn expect(&mut self, slot: usize, channel: Channel, remote: SocketAddr) -> bool {
        *self.slots.entry((channel, remote)).or_insert(slot) == slot
    }

    /// What comes from `remote` is nobody's, if it was that stream's.
    pub fn forget(&mut self, slot: usize, channel: Channel, remote: SocketAddr) {
        if self.slot(channel, remote) == Some(slot) {
            self.slots.remove(&(channel, remote));
        }
    }

    pub fn slot(&self, channel: Channel, from: SocketAddr) -> Option<usize> {
        self.slots.get(&(channel, from)).copied()
    }

    /// Takes up to `BATCH` datagrams that wait.
    pub fn receive(&self, channel: Channel, inbound: &mut Inbound) -> io::Result<()> {
        inbound.receive(match channel {
            Channel::Rtp => &self.rtp,
            Channel::Rtcp => &self.rtcp,
        })
    }

    /// Puts an RTP datagram with those that `flush` sends. Datagrams that the system refused on the way.
    pub fn send(&mut self, to: SocketAddr, datagram: &[u8]) -> usize {
        let refused = if self.outbound.count == BATCH { self.flush() } else { 0 };
        self.outbound.push(to, datagram);
        refused
    }

    /// Sends what waits. Datagrams that the system refused.
    pub fn flush(&mut self) -> usize {
        self.outbound.send(&self.rtp)
    }

    pub fn send_report(&self, to: SocketAddr, datagram: &[u8]) -> io::Result<usize> {
        self.rtcp.send_to(datagram, to)
    }
}

/// Datagrams received together.
pub struct Inbound {
    datagrams: Box<[[u8; DATAGRAM_BYTES]; BATCH]>,
    addresses: Box<[libc::sockaddr_storage; BATCH]>,
    lengths: [usize; BATCH],
    count: usize,
}

impl Default for Inbound {
    fn default() -> Inbound {
        // SAFETY: all-zero is a valid `sockaddr_storage`: no address.
        let nobody: libc::sockaddr_storage = unsafe { std::mem::zeroed() };
        Inbound {
            datagrams: Box::new([[0; DATAGRAM_BYTES]; BATCH]),
            addresses: Box::new([nobody; BATCH]),
            lengths: [0; BATCH],
            count: 0,
        }
    }
}

impl Inbound {
    pub fn clear(&mut self) {
        self.count = 0;
    }

    pub fn count(&self) -> usize {
        self.count
    }

    /// A datagram and where it came from; `None` if the address is of no kind that we know.
    pub fn datagram(&mut self, place: usize) -> Option<(SocketAddr, &mut [u8])> {
        let from = address(&self.addresses[place])?;
        Some((from, &mut self.datagrams[place][..self.lengths[place]]))
    }

    fn receive(&mut self, socket: &UdpSocket) -> io::Result<()> {
        // SAFETY: all-zero is a valid `iovec` and a valid `mmsghdr`: nothing to read into.
        let mut parts: [libc::iovec; BATCH] = unsafe { std::mem::zeroed() };
        // SAFETY: as above.
        let mut heads: [libc::mmsghdr; BATCH] = unsafe { std::mem::zeroed() };
        for place in 0..BATCH {
            parts[place].iov_base = self.datagrams[place].as_mut_ptr().cast();
            parts[place].iov_len = DATAGRAM_BYTES;
            let head = &mut heads[place].msg_hdr;
            head.msg_name = (&raw mut self.addresses[place]).cast();
            head.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
            head.msg_iov = &raw mut parts[place];
            head.msg_iovlen = 1;
        }
        let (flags, room) = (libc::MSG_DONTWAIT, BATCH as libc::c_uint);
        // SAFETY: each of the `room` heads points at an address and a part that live through the call, and each part at
        // `DATAGRAM_BYTES` writable bytes.
        let count = unsafe {
            libc::recvmmsg(socket.as_raw_fd(), heads.as_mut_ptr(), room, flags, std::ptr::null_mut())
        };
        self.count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
        for (length, head) in self.lengths.iter_mut().zip(&heads[..self.count]) {
            *length = head.msg_len as usize;
        }
        Ok(())
    }
}

/// Datagrams to be sent together.
#[derive(Debug)]
struct Outbound {
    datagrams: Box<[[u8; DATAGRAM_BYTES]; BATCH]>,
    lengths: [usize; BATCH],
    to: Box<[SockaddrStorage; BATCH]>,
    count: usize,
}

impl Default for Outbound {
    fn default() -> Outbound {
        let nobody = SockaddrStorage::from(SocketAddr::from(([0, 0, 0, 0], 0)));
        Outbound {
            datagrams: Box::new([[0; DATAGRAM_BYTES]; BATCH]),
            lengths: [0; BATCH],
            to: Box::new([nobody; BATCH]),
            count: 0,
        }
    }
}

impl Outbound {
    /// There must be room.
    fn push(&mut self, to: SocketAddr, datagram: &[u8]) {
        self.datagrams[self.count][..datagram.len()].copy_from_slice(datagram);
        self.lengths[self.count] = datagram.len();
        self.to[self.count] = to.into();
        self.count += 1;
    }

    fn send(&mut self, socket: &UdpSocket) -> usize {
        // SAFETY: all-zero is a valid `iovec` and a valid `mmsghdr`: nothing to send.
        let mut parts: [libc::iovec; BATCH] = unsafe { std::mem::zeroed() };
        // SAFETY: as above.
        let mut heads: [libc::mmsghdr; BATCH] = unsafe { std::mem::zeroed() };
        for place in 0..self.count {
            parts[place].iov_base = self.datagrams[place].as_mut_ptr().cast();
            parts[place].iov_len = self.lengths[place];
            let head = &mut heads[place].msg_hdr;
            head.msg_name = self.to[place].as_ptr().cast_mut().cast();
            head.msg_namelen = self.to[place].len();
            head.msg_iov = &raw mut parts[place];
            head.msg_iovlen = 1;
        }
        let (mut next, mut refused) = (0, 0);
        while next < self.count {
            let left = (self.count - next) as libc::c_uint;
            // SAFETY: `heads` has `count` entries that point at addresses and parts of `self`, which are only read.
            let sent = unsafe {
                libc::sendmmsg(socket.as_raw_fd(), heads[next..].as_mut_ptr(), left, libc::MSG_DONTWAIT)
            };
            // An error is the first datagram's that is left: it is given up, and the others go on.
            let done = usize::try_from(sent).unwrap_or(0);
            refused += usize::from(done == 0);
            next += done.max(1);
        }
        self.count = 0;
        refused
    }
}

fn address(storage: &libc::sockaddr_storage) -> Option<SocketAddr> {
    let length = match i32::from(storage.ss_family) {
        libc::AF_INET => size_of::<libc::sockaddr_in>(),
        libc::AF_INET6 => size_of::<libc::sockaddr_in6>(),
        _ => return None,
    };
    // SAFETY: `storage` is at least `length` bytes and was written by the kernel with an address of that family.
    let address =
        unsafe { SockaddrStorage::from_raw((&raw const *storage).cast(), Some(length as libc::socklen_t)) }?;
    let v4 = address.as_sockaddr_in().map(|v4| SocketAddrV4::from(*v4).into());
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| SocketAddrV6::from(*v6).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket() -> UdpSocket {
        UdpSocket::bind("127.0.0.1:0").expect("a socket on loopback")
    }

    fn at(socket: &UdpSocket) -> SocketAddr {
        socket.local_addr().expect("it is bound")
    }

    fn shared() -> (Shared, SocketAddr) {
        let rtp = socket();
        let address = at(&rtp);
        (Shared::new(rtp, socket()), address)
    }

    #[test]
    fn packets_of_many_far_ends_come_together_and_are_told_apart() {
        let (mut shared, address) = shared();
        let phones = [socket(), socket(), socket()];
        for (slot, phone) in phones.iter().enumerate() {
            assert!(shared.expect(slot, Channel::Rtp, at(phone)));
            phone.send_to(&[slot as u8; 172], address).expect("loopback takes it");
        }
        let mut inbound = Inbound::default();
        shared.receive(Channel::Rtp, &mut inbound).expect("three wait");
        assert_eq!(inbound.count(), 3);
        for place in 0..3 {
            let (from, datagram) = inbound.datagram(place).expect("an IPv4 address");
            assert_eq!(shared.slot(Channel::Rtp, from), Some(usize::from(datagram[0])));
            assert_eq!((datagram.len(), shared.slot(Channel::Rtcp, from)), (172, None));
        }
        assert_eq!(
            shared.receive(Channel::Rtp, &mut inbound).expect_err("nothing waits").kind(),
            io::ErrorKind::WouldBlock
        );
    }

    #[test]
    fn what_is_sent_leaves_in_order_and_a_refused_one_does_not_hold_up_the_rest() {
        let (mut shared, address) = shared();
        let phone = socket();
        let unreachable = SocketAddr::from(([255, 255, 255, 255], 9));
        let mut refused = 0;
        for number in 0..100_u8 {
            refused += shared.send(if number == 50 { unreachable } else { at(&phone) }, &[number; 20]);
        }
        refused += shared.flush();
        assert_eq!(refused, 1);
        let mut heard = Vec::new();
        let mut buffer = [0; 64];
        for _ in 0..99 {
            let (length, from) = phone.recv_from(&mut buffer).expect("it was sent");
            assert_eq!((length, from), (20, address));
            heard.push(buffer[0]);
        }
        assert!(heard.is_sorted(), "{heard:?}");
    }

    #[test]
    fn two_streams_cannot_have_the_same_far_end_until_one_is_gone() {
        let (mut shared, _) = shared();
        let remote = at(&socket());
        assert!(shared.expect(1, Channel::Rtp, remote) && shared.expect(1, Channel::Rtp, remote));
        assert!(!shared.expect(2, Channel::Rtp, remote));
        shared.forget(2, Channel::Rtp, remote);
        assert_eq!(shared.slot(Channel::Rtp, remote), Some(1), "it was not the second's to forget");
        shared.forget(1, Channel::Rtp, remote);
        assert!(shared.expect(2, Channel::Rtp, remote));
    }
}
