//! Datagrams by the batch: sendmmsg(2) and recvmmsg(2) on one socket that stands for many phones.
//!
//! The socket is bound to no address, so that every loopback address reaches it: a phone is told from another by the address
//! it is spoken to at, and speaks from it (ip(7), IP_PKTINFO). The kernel says when each datagram arrived (SO_TIMESTAMPNS),
//! so that what waits until this thread looks does not count as the server's delay.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::{AsRawFd as _, BorrowedFd};

use nix::libc;
use nix::sys::socket::{setsockopt, sockopt};

/// Datagrams sent at once, at most: each waits for those before it, some 2 µs.
pub const SEND_BATCH: usize = 8;

/// Datagrams taken at once.
const RECEIVE_BATCH: usize = 32;

/// Bytes of the largest packet sent.
pub const PACKET_BYTES: usize = 512;

const DATAGRAM_BYTES: usize = 2_048;

/// Kernel buffer, bytes: a quarter of a second of 3,000 phones (a small datagram occupies 768 bytes).
const BUFFER: usize = 64 << 20;

/// A control message with the address to send from.
#[repr(C)]
#[derive(Clone, Copy)]
struct FromAddress {
    header: libc::cmsghdr,
    info: libc::in_pktinfo,
    padding: u32,
}

struct Outgoing {
    packets: [[u8; PACKET_BYTES]; SEND_BATCH],
    lengths: [usize; SEND_BATCH],
    peers: [libc::sockaddr_in; SEND_BATCH],
    from: [FromAddress; SEND_BATCH],
    count: usize,
}

struct Incoming {
    datagrams: [[u8; DATAGRAM_BYTES]; RECEIVE_BATCH],
    control: [[u64; 12]; RECEIVE_BATCH],
}

/// One socket for many phones.
pub struct Burst {
    socket: UdpSocket,
    outgoing: Box<Outgoing>,
    incoming: Box<Incoming>,
    /// Datagrams that the kernel did not take.
    pub refused: u64,
}

/// A datagram that came.
pub struct Arrived<'a> {
    pub bytes: &'a mut [u8],
    /// The address it was sent to: which phone it is for.
    pub to: Ipv4Addr,
    /// By the kernel's clock, nanoseconds since 1970.
    pub at: u64,
}

impl Burst {
    pub fn bind(port: u16) -> io::Result<Burst> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port))?;
        socket.set_nonblocking(true)?;
        // Root may go beyond the system's limit; others take what they get.
        if setsockopt(&socket, sockopt::RcvBufForce, &BUFFER).is_err() {
            setsockopt(&socket, sockopt::RcvBuf, &BUFFER)?;
        }
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
        setsockopt(&socket, sockopt::Ipv4PacketInfo, &true)?;
        // SAFETY: all-zero is a valid value of these plain C structures.
        let outgoing = unsafe { Box::<Outgoing>::new_zeroed().assume_init() };
        // SAFETY: as above.
        let incoming = unsafe { Box::<Incoming>::new_zeroed().assume_init() };
        Ok(Burst { socket, outgoing, incoming, refused: 0 })
    }

    pub fn fd(&self) -> BorrowedFd<'_> {
        std::os::fd::AsFd::as_fd(&self.socket)
    }

    /// Room for the next packet; `queue` says that it is written. Sends first if there is none.
    pub fn room(&mut self) -> &mut [u8; PACKET_BYTES] {
        if self.outgoing.count == SEND_BATCH {
            self.flush();
        }
        let place = self.outgoing.count;
        &mut self.outgoing.packets[place]
    }

    pub fn queue(&mut self, length: usize, from: Ipv4Addr, to: SocketAddrV4) {
        let out = &mut *self.outgoing;
        let place = out.count;
        out.lengths[place] = length;
        out.peers[place].sin_family = libc::AF_INET as libc::sa_family_t;
        out.peers[place].sin_port = to.port().to_be();
        out.peers[place].sin_addr.s_addr = u32::from_ne_bytes(to.ip().octets());
        let control = &mut out.from[place];
        control.header.cmsg_len = size_of::<libc::cmsghdr>() + size_of::<libc::in_pktinfo>();
        control.header.cmsg_level = libc::IPPROTO_IP;
        control.header.cmsg_type = libc::IP_PKTINFO;
        control.info.ipi_spec_dst.s_addr = u32::from_ne_bytes(from.octets());
        out.count += 1;
    }

    /// Sends what is queued. What the kernel refuses is lost, as on any network, and counted.
    pub fn flush(&mut self) {
        let out = &mut *self.outgoing;
        if out.count == 0 {
            return;
        }
        // SAFETY: all-zero is valid for these C structures.
        let mut parts: [libc::iovec; SEND_BATCH] = unsafe { std::mem::zeroed() };
        // SAFETY: as above.
        let mut headers: [libc::mmsghdr; SEND_BATCH] = unsafe { std::mem::zeroed() };
        for place in 0..out.count {
            parts[place].iov_base = out.packets[place].as_mut_ptr().cast();
            parts[place].iov_len = out.lengths[place];
            let header = &mut headers[place].msg_hdr;
            header.msg_name = (&raw mut out.peers[place]).cast();
            header.msg_namelen = size_of::<libc::sockaddr_in>() as libc::socklen_t;
            header.msg_iov = &raw mut parts[place];
            header.msg_iovlen = 1;
            header.msg_control = (&raw mut out.from[place]).cast();
            header.msg_controllen = size_of::<FromAddress>();
        }
        let mut done = 0;
        while done < out.count {
            let left = (out.count - done) as libc::c_uint;
            // SAFETY: the headers from `done` on are set, and point into `self.outgoing` and `parts`, which outlive the call.
            let sent = unsafe {
                libc::sendmmsg(
                    self.socket.as_raw_fd(),
                    headers[done..].as_mut_ptr(),
                    left,
                    libc::MSG_DONTWAIT,
                )
            };
            if sent <= 0 {
                // The first of the rest was refused (or an ICMP error of an earlier one was told): it is passed over.
                self.refused += 1;
                done += 1;
            } else {
                done += sent as usize;
            }
        }
        out.count = 0;
    }

    /// Takes what has come, at most one batch. How many came.
    pub fn receive(&mut self, mut each: impl FnMut(Arrived)) -> usize {
        let into = &mut *self.incoming;
        // SAFETY: all-zero is valid for these C structures.
        let mut parts: [libc::iovec; RECEIVE_BATCH] = unsafe { std::mem::zeroed() };
        // SAFETY: as above.
        let mut headers: [libc::mmsghdr; RECEIVE_BATCH] = unsafe { std::mem::zeroed() };
        for place in 0..RECEIVE_BATCH {
            parts[place].iov_base = into.datagrams[place].as_mut_ptr().cast();
            parts[place].iov_len = DATAGRAM_BYTES;
            let header = &mut headers[place].msg_hdr;
            header.msg_iov = &raw mut parts[place];
            header.msg_iovlen = 1;
            header.msg_control = into.control[place].as_mut_ptr().cast();
            header.msg_controllen = size_of_val(&into.control[place]);
        }
        // SAFETY: every header points into `self.incoming` and `parts`, which outlive the call.
        let count = unsafe {
            libc::recvmmsg(
                self.socket.as_raw_fd(),
                headers.as_mut_ptr(),
                RECEIVE_BATCH as libc::c_uint,
                libc::MSG_DONTWAIT,
                std::ptr::null_mut(),
            )
        };
        let count = usize::try_from(count).unwrap_or(0);
        for (place, header) in headers.iter().enumerate().take(count) {
            let (to, at) = told(&header.msg_hdr);
            let length = (header.msg_len as usize).min(DATAGRAM_BYTES);
            each(Arrived { bytes: &mut into.datagrams[place][..length], to, at });
        }
        count
    }
}

/// What the control messages say: the address spoken to, and when it arrived.
fn told(header: &libc::msghdr) -> (Ipv4Addr, u64) {
    let (mut to, mut at) = (Ipv4Addr::UNSPECIFIED, 0);
    // SAFETY: the kernel has filled `header`, whose control buffer is still there.
    let mut next = unsafe { libc::CMSG_FIRSTHDR(header) };
    // SAFETY: CMSG_FIRSTHDR and CMSG_NXTHDR give null or a whole control message.
    while let Some(control) = unsafe { next.as_ref() } {
        // SAFETY: the data of a control message lies behind its header.
        let data = unsafe { libc::CMSG_DATA(next) };
        match (control.cmsg_level, control.cmsg_type) {
            (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                // SAFETY: a message of this type holds an `in_pktinfo`.
                let info: libc::in_pktinfo = unsafe { std::ptr::read_unaligned(data.cast()) };
                to = Ipv4Addr::from(info.ipi_addr.s_addr.to_ne_bytes());
            }
            (libc::SOL_SOCKET, libc::SO_TIMESTAMPNS) => {
                // SAFETY: a message of this type holds a `timespec`.
                let time: libc::timespec = unsafe { std::ptr::read_unaligned(data.cast()) };
                at = time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64;
            }
            _ => {}
        }
        // SAFETY: as for CMSG_FIRSTHDR.
        next = unsafe { libc::CMSG_NXTHDR(header, next) };
    }
    (to, at)
}
