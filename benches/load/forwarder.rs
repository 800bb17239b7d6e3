//! What the kernel's UDP path costs by itself: a program that only forwards, as a child of the bench.
//!
//! `Kind::Connected`: a connected socket per leg, epoll, one receive and one send per packet. `Kind::Shared`: one socket a side,
//! legs told apart by the peer's address, recvmmsg and sendmmsg on the same buffers.

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::{AsRawFd as _, RawFd};
use std::process::{Child, Command, Stdio};

use hotline::media::priority;
use nix::libc;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::socket::{setsockopt, sockopt};

use super::process;

/// The word on the command line that makes the bench a forwarder.
pub const WORD: &str = "--forward";

/// The first port of a forwarder.
const FIRST_PORT: u16 = 10_000;

/// Datagrams taken and sent at once by the shared kind.
const BATCH: usize = 64;

const DATAGRAM_BYTES: usize = 2_048;

/// Kernel buffer of a shared socket, bytes.
const BUFFER: usize = 16 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Connected,
    Shared,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Connected => "forwarder, connected sockets",
            Kind::Shared => "forwarder, shared sockets",
        }
    }
}

/// A forwarder for some number of calls. The phones of each side have consecutive addresses, two apart.
pub struct Forwarder {
    child: Child,
    host: Ipv4Addr,
    kind: Kind,
}

impl Forwarder {
    /// `callers` and `agents`: the first of each.
    pub fn start(
        kind: Kind,
        host: Ipv4Addr,
        calls: usize,
        callers: SocketAddrV4,
        agents: SocketAddrV4,
    ) -> io::Result<Forwarder> {
        let program = std::env::current_exe()?;
        let mut command: Command = process::pinned(&program.to_string_lossy(), Some(process::SERVER_CPU));
        let word = if kind == Kind::Connected { "connected" } else { "shared" };
        command.args([WORD, word, &host.to_string(), &calls.to_string()]);
        command.args([callers.to_string(), agents.to_string()]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut ready = [0];
        let told = child.stdout.take().map(|mut out| io::Read::read_exact(&mut out, &mut ready));
        let forwarder = Forwarder { child, host, kind };
        match told {
            Some(Ok(())) => Ok(forwarder),
            _ => Err(io::Error::other("the forwarder did not start")),
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where the caller and the agent of a call send.
    pub fn ends(&self, call: usize) -> (SocketAddrV4, SocketAddrV4) {
        let call = if self.kind == Kind::Connected { call as u16 } else { 0 };
        let [first, second] = ports(call);
        (SocketAddrV4::new(self.host, first), SocketAddrV4::new(self.host, second))
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        // Already gone is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ports(call: u16) -> [u16; 2] {
    [FIRST_PORT + 4 * call, FIRST_PORT + 4 * call + 2]
}

/// The child: forwards until it is killed. `words`: those behind `WORD`.
pub fn run(words: &[String]) -> io::Result<()> {
    process::end_with_parent();
    // As soon awake as the server's workers: who is woken late finds more packets at once, and each costs less.
    priority::ask();
    let wrong = || io::Error::other("--forward connected|shared HOST CALLS CALLERS AGENTS");
    let [kind, host, calls, callers, agents] = words else { return Err(wrong()) };
    let host: Ipv4Addr = host.parse().map_err(|_| wrong())?;
    let calls: usize = calls.parse().map_err(|_| wrong())?;
    let firsts = [callers.parse().map_err(|_| wrong())?, agents.parse().map_err(|_| wrong())?];
    match kind.as_str() {
        "connected" => connected(host, calls, firsts),
        "shared" => shared(host, calls, firsts),
        _ => Err(wrong()),
    }
}

/// The phone of call `call` on the side that begins with `first`.
fn phone(first: SocketAddrV4, call: usize) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::from_bits(first.ip().to_bits() + 2 * call as u32), first.port())
}

fn is_ready() -> io::Result<()> {
    let mut out = io::stdout();
    out.write_all(b"r")?;
    out.flush()
}

fn connected(host: Ipv4Addr, calls: usize, firsts: [SocketAddrV4; 2]) -> io::Result<()> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    let mut sockets = Vec::new();
    for call in 0..calls {
        for (port, first) in ports(call as u16).into_iter().zip(firsts) {
            let socket = UdpSocket::bind((host, port))?;
            socket.connect(phone(first, call))?;
            socket.set_nonblocking(true)?;
            epoll.add(&socket, EpollEvent::new(EpollFlags::EPOLLIN, sockets.len() as u64))?;
            sockets.push(socket);
        }
    }
    is_ready()?;
    let mut ready = [EpollEvent::empty(); 256];
    let mut datagram = [0; DATAGRAM_BYTES];
    loop {
        let count = epoll.wait(&mut ready, EpollTimeout::NONE).unwrap_or(0);
        for event in &ready[..count] {
            let leg = event.data() as usize;
            if let Ok(length) = sockets[leg].recv(&mut datagram) {
                // What the kernel refuses is lost, and the generator counts it. The legs of a call are neighbours.
                let _ = sockets[leg ^ 1].send(&datagram[..length]);
            }
        }
    }
}

fn shared(host: Ipv4Addr, calls: usize, firsts: [SocketAddrV4; 2]) -> io::Result<()> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    let mut sides = Vec::new();
    for (place, port) in ports(0).into_iter().enumerate() {
        let socket = UdpSocket::bind((host, port))?;
        socket.set_nonblocking(true)?;
        if setsockopt(&socket, sockopt::RcvBufForce, &BUFFER).is_err() {
            setsockopt(&socket, sockopt::RcvBuf, &BUFFER)?;
        }
        epoll.add(&socket, EpollEvent::new(EpollFlags::EPOLLIN, place as u64))?;
        sides.push(socket);
    }
    let mut batch = Batch::new();
    is_ready()?;
    let mut ready = [EpollEvent::empty(); 2];
    loop {
        let count = epoll.wait(&mut ready, EpollTimeout::NONE).unwrap_or(0);
        for event in &ready[..count] {
            let side = event.data() as usize;
            batch.pass(&sides[side], &sides[side ^ 1], calls, firsts[side], firsts[side ^ 1]);
        }
    }
}

/// Buffers with their headers, used for receiving and, readdressed, for sending.
struct Batch {
    datagrams: Vec<[u8; DATAGRAM_BYTES]>,
    peers: Vec<libc::sockaddr_in>,
    parts: Vec<libc::iovec>,
    headers: Vec<libc::mmsghdr>,
}

impl Batch {
    fn new() -> Batch {
        // SAFETY: all-zero is valid for these C structures.
        let (peer, part, header) = unsafe { (std::mem::zeroed(), std::mem::zeroed(), std::mem::zeroed()) };
        let mut batch = Batch {
            datagrams: vec![[0; DATAGRAM_BYTES]; BATCH],
            peers: vec![peer; BATCH],
            parts: vec![part; BATCH],
            headers: vec![header; BATCH],
        };
        for place in 0..BATCH {
            batch.parts[place].iov_base = batch.datagrams[place].as_mut_ptr().cast();
            let header = &mut batch.headers[place].msg_hdr;
            header.msg_name = (&raw mut batch.peers[place]).cast();
            header.msg_namelen = size_of::<libc::sockaddr_in>() as libc::socklen_t;
            header.msg_iov = &raw mut batch.parts[place];
            header.msg_iovlen = 1;
        }
        batch
    }

    /// One batch from one side to the other.
    fn pass(
        &mut self,
        from: &UdpSocket,
        to: &UdpSocket,
        calls: usize,
        first: SocketAddrV4,
        other: SocketAddrV4,
    ) {
        for part in &mut self.parts {
            part.iov_len = DATAGRAM_BYTES;
        }
        let count = self.receive(from.as_raw_fd());
        for place in 0..count {
            let peer = &mut self.peers[place];
            let call = u32::from_be(peer.sin_addr.s_addr).wrapping_sub(first.ip().to_bits()) / 2;
            if (call as usize) < calls {
                peer.sin_addr.s_addr = (other.ip().to_bits() + 2 * call).to_be();
                peer.sin_port = other.port().to_be();
            }
            self.parts[place].iov_len = self.headers[place].msg_len as usize;
        }
        self.send(to.as_raw_fd(), count);
    }

    fn receive(&mut self, fd: RawFd) -> usize {
        let (headers, most) = (self.headers.as_mut_ptr(), BATCH as libc::c_uint);
        // SAFETY: the headers point into the vectors beside them, which never move or grow.
        let count = unsafe { libc::recvmmsg(fd, headers, most, libc::MSG_DONTWAIT, std::ptr::null_mut()) };
        usize::try_from(count).unwrap_or(0)
    }

    fn send(&mut self, fd: RawFd, count: usize) {
        let mut done = 0;
        while done < count {
            let (headers, left) = (self.headers[done..].as_mut_ptr(), (count - done) as libc::c_uint);
            // SAFETY: as in `receive`; the first `count` headers hold what was received.
            let sent = unsafe { libc::sendmmsg(fd, headers, left, libc::MSG_DONTWAIT) };
            // What the kernel refuses is lost, and the generator counts it.
            done += usize::try_from(sent).unwrap_or(0).max(1);
        }
    }
}
