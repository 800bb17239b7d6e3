//! SIP over UDP: one socket per listening address.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use nix::errno::Errno;
use nix::sys::socket::{setsockopt, sockopt};
use tokio::net::UdpSocket;

use super::inbox::Inbox;
use super::limits::{DATAGRAMS_PER_LOOK, UDP_BUFFER};
use crate::sip::limits::MESSAGE_BYTES;
use crate::sip::transport::{Flow, Transport};

/// All SIP UDP sockets, by local address.
pub struct Sockets(BTreeMap<SocketAddr, Arc<UdpSocket>>);

impl Sockets {
    /// Binds every address, or says which one could not be had.
    pub fn bind(addresses: &[SocketAddr]) -> Result<Vec<std::net::UdpSocket>, (SocketAddr, io::Error)> {
        addresses.iter().map(|address| bind(*address).map_err(|error| (*address, error))).collect()
    }

    /// Starts receiving on bound sockets. Called inside the engine's runtime.
    pub fn start(bound: Vec<std::net::UdpSocket>, inbox: &Inbox) -> io::Result<Sockets> {
        let mut sockets = BTreeMap::new();
        for socket in bound {
            let local = socket.local_addr()?;
            let socket = Arc::new(UdpSocket::from_std(socket)?);
            sockets.insert(local, Arc::clone(&socket));
            tokio::task::spawn_local(receive(socket, local, inbox.clone()));
        }
        Ok(Sockets(sockets))
    }

    /// Sends at once or not at all: a full kernel buffer is a lost datagram, which SIP repeats.
    /// `Err` when the kernel knows that nobody is there. Whatever else it has against a datagram (its size, a filter, no
    /// memory) says nothing about the peer: that one is lost as well, and timers find out.
    pub fn send(&self, flow: &Flow, bytes: &[u8]) -> io::Result<()> {
        let socket = self.0.get(&flow.local).or_else(|| self.of_family(flow.remote));
        let Some(socket) = socket else {
            return Err(io::ErrorKind::AddrNotAvailable.into());
        };
        match socket.try_send_to(bytes, flow.remote) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) if nobody_is_there(&error) => Err(error),
            Err(error) => {
                tracing::debug!(%error, local = %flow.local, bytes = bytes.len(), "UDP send");
                Ok(())
            }
        }
    }

    fn of_family(&self, remote: SocketAddr) -> Option<&Arc<UdpSocket>> {
        self.0.iter().find(|(local, _)| local.is_ipv4() == remote.is_ipv4()).map(|(_, socket)| socket)
    }
}

fn nobody_is_there(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw);
    matches!(
        errno,
        Some(Errno::ECONNREFUSED | Errno::EHOSTUNREACH | Errno::ENETUNREACH | Errno::EADDRNOTAVAIL)
    )
}

fn bind(address: SocketAddr) -> io::Result<std::net::UdpSocket> {
    let socket = std::net::UdpSocket::bind(address)?;
    socket.set_nonblocking(true)?;
    // The kernel may grant less than asked for; that is no reason not to start.
    let _ = setsockopt(&socket, sockopt::RcvBuf, &UDP_BUFFER);
    let _ = setsockopt(&socket, sockopt::SndBuf, &UDP_BUFFER);
    Ok(socket)
}

async fn receive(socket: Arc<UdpSocket>, local: SocketAddr, inbox: Inbox) {
    let mut buffer = vec![0; MESSAGE_BYTES];
    loop {
        if let Err(error) = socket.readable().await {
            return tracing::error!(%error, %local, "the UDP socket cannot be watched");
        }
        // At once, so that each is stamped when it comes and what is pressing is not stuck behind what is not.
        for _ in 0..DATAGRAMS_PER_LOOK {
            match socket.try_recv_from(&mut buffer) {
                Ok((length, remote)) => {
                    let flow = Flow { transport: Transport::Udp, local, remote, connection: None };
                    let bytes = Bytes::copy_from_slice(&buffer[..length]);
                    // A key of a secret would stay here until the next message as long.
                    buffer[..length].fill(0);
                    if !inbox.datagram(flow, bytes).await {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // An ICMP error of an earlier datagram; whose it was is not said here. Timers will find out.
                Err(error) => tracing::debug!(%error, %local, "UDP receive"),
            }
        }
        tokio::task::yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_datagram_that_is_too_large_says_nothing_about_its_peer() {
        let [ours, theirs] = [(); 2].map(|()| bind("127.0.0.1:0".parse().unwrap()).unwrap());
        let (local, remote) = (ours.local_addr().unwrap(), theirs.local_addr().unwrap());
        let ours = Arc::new(UdpSocket::from_std(ours).unwrap());
        let sockets = Sockets(BTreeMap::from([(local, Arc::clone(&ours))]));
        let too_large = vec![0; 70_000];
        assert!(ours.send_to(&too_large, remote).await.is_err(), "the kernel refuses it");
        let flow = Flow { transport: Transport::Udp, local, remote, connection: None };
        assert!(sockets.send(&flow, &too_large).is_ok());
    }

    #[test]
    fn only_what_the_kernel_says_of_the_peer_makes_it_unreachable() {
        let says = |errno: Errno| nobody_is_there(&io::Error::from(errno));
        let nobody = [Errno::ECONNREFUSED, Errno::EHOSTUNREACH, Errno::ENETUNREACH, Errno::EADDRNOTAVAIL];
        assert!(nobody.into_iter().all(says));
        let ours =
            [Errno::EMSGSIZE, Errno::EPERM, Errno::ENOBUFS, Errno::ENOMEM, Errno::EACCES, Errno::EINTR];
        assert!(!ours.into_iter().any(says));
    }
}
