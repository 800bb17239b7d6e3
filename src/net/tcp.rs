//! SIP over TCP: connections accepted and opened, framed, written through bounded queues.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::engine_thread::Inbox;
use super::limits::{
    CONNECT_TIME, CONNECTION_IDLE, CONNECTIONS, CONNECTIONS_PER_ADDRESS, LAST_WRITES, WRITES_WAITING,
};
use crate::engine::input::Input;
use crate::sip::framing::{Frame, Framer};
use crate::sip::parse::Reject;
use crate::sip::transport::{ConnectionId, Flow, Transport};
use crate::sip::write;

/// All SIP stream connections. Lives on the engine's thread; the tasks share it without locks.
#[derive(Clone)]
pub struct Connections {
    table: Rc<RefCell<Table>>,
    inbox: Inbox,
}

#[derive(Default)]
struct Table {
    open: BTreeMap<ConnectionId, Connection>,
    /// The newest connection to each peer, for messages that name none.
    by_remote: BTreeMap<SocketAddr, ConnectionId>,
    per_address: BTreeMap<IpAddr, usize>,
    last: u64,
}

struct Connection {
    remote: SocketAddr,
    writes: mpsc::Sender<Bytes>,
}

/// What a write to a stream came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    Queued,
    /// The connection is gone, or its peer does not read.
    Unreachable,
}

impl Connections {
    pub fn new(inbox: Inbox) -> Connections {
        Connections { table: Rc::default(), inbox }
    }

    /// Binds every address, or says which one could not be had.
    pub fn bind(addresses: &[SocketAddr]) -> Result<Vec<std::net::TcpListener>, (SocketAddr, io::Error)> {
        let bind = |address: &SocketAddr| {
            let listener = std::net::TcpListener::bind(address)?;
            listener.set_nonblocking(true)?;
            Ok(listener)
        };
        addresses.iter().map(|address| bind(address).map_err(|error| (*address, error))).collect()
    }

    /// Starts accepting. Called inside the engine's runtime.
    pub fn listen(&self, bound: Vec<std::net::TcpListener>) -> io::Result<()> {
        for listener in bound {
            let listener = TcpListener::from_std(listener)?;
            tokio::task::spawn_local(self.clone().accept(listener));
        }
        Ok(())
    }

    async fn accept(self, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, remote)) => {
                    // A connection beyond the limits is closed by being dropped.
                    if let Some((id, writes)) = self.enter(remote) {
                        tokio::task::spawn_local(self.clone().serve(id, stream, writes));
                    }
                }
                Err(error) => {
                    // Out of descriptors, most likely: let some be closed before the next try.
                    tracing::warn!(%error, "TCP accept");
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    /// Queues `bytes` on the flow's connection, or on the newest to its peer, or opens one.
    pub fn send(&self, flow: &Flow, bytes: Bytes) -> Sent {
        let known = {
            let table = self.table.borrow();
            let id = flow.connection.or_else(|| table.by_remote.get(&flow.remote).copied());
            id.map(|id| table.open.get(&id).map(|connection| connection.writes.clone()))
        };
        match known {
            Some(Some(writes)) => match writes.try_send(bytes) {
                Ok(()) => Sent::Queued,
                Err(_) => Sent::Unreachable,
            },
            // The connection it was to go back on is closed.
            Some(None) if flow.connection.is_some() => Sent::Unreachable,
            _ => self.open(flow.remote, bytes),
        }
    }

    fn open(&self, remote: SocketAddr, first: Bytes) -> Sent {
        let Some((id, writes)) = self.enter(remote) else {
            return Sent::Unreachable;
        };
        if let Some(connection) = self.table.borrow().open.get(&id) {
            // The queue is new and holds more than one.
            let _ = connection.writes.try_send(first);
        }
        let this = self.clone();
        tokio::task::spawn_local(async move {
            match timeout(CONNECT_TIME, TcpStream::connect(remote)).await {
                Ok(Ok(stream)) => this.serve(id, stream, writes).await,
                Ok(Err(_)) | Err(_) => {
                    this.leave(id);
                    // No connection: whatever was to go to this peer could not.
                    this.inbox.put(Input::Unreachable { remote, connection: None }).await;
                }
            }
        });
        Sent::Queued
    }

    fn enter(&self, remote: SocketAddr) -> Option<(ConnectionId, mpsc::Receiver<Bytes>)> {
        let mut table = self.table.borrow_mut();
        let here = table.per_address.get(&remote.ip()).copied().unwrap_or(0);
        if table.open.len() >= CONNECTIONS || here >= CONNECTIONS_PER_ADDRESS {
            return None;
        }
        table.last += 1;
        let id = ConnectionId(table.last);
        let (writes, queue) = mpsc::channel(WRITES_WAITING);
        table.open.insert(id, Connection { remote, writes });
        table.by_remote.insert(remote, id);
        table.per_address.insert(remote.ip(), here + 1);
        Some((id, queue))
    }

    fn leave(&self, id: ConnectionId) {
        let mut table = self.table.borrow_mut();
        let Some(connection) = table.open.remove(&id) else {
            return;
        };
        if table.by_remote.get(&connection.remote) == Some(&id) {
            table.by_remote.remove(&connection.remote);
        }
        if let Some(here) = table.per_address.get_mut(&connection.remote.ip()) {
            *here -= 1;
            if *here == 0 {
                table.per_address.remove(&connection.remote.ip());
            }
        }
    }

    /// Reads and writes until either side is done; then says so to the engine.
    async fn serve(self, id: ConnectionId, stream: TcpStream, writes: mpsc::Receiver<Bytes>) {
        let addresses = stream.local_addr().and_then(|local| Ok((local, stream.peer_addr()?)));
        if let Ok((local, remote)) = addresses {
            // Signalling is small and urgent; a refusal only costs milliseconds.
            let _ = stream.set_nodelay(true);
            let flow = Flow { transport: Transport::Tcp, local, remote, connection: Some(id) };
            let (read, write) = stream.into_split();
            let write = write_all(write, writes);
            tokio::pin!(write);
            let unwritten = tokio::select! {
                () = self.read(read, flow) => true,
                () = &mut write => false,
            };
            // Without its entry the connection takes nothing new; what was queued, such as a last refusal, still goes.
            self.leave(id);
            if unwritten {
                let _ = timeout(LAST_WRITES, write).await;
            }
            self.inbox.put(Input::Unreachable { remote, connection: Some(id) }).await;
        } else {
            self.leave(id);
        }
    }

    async fn read(&self, mut stream: OwnedReadHalf, flow: Flow) {
        let mut framer = Framer::default();
        let mut buffer = vec![0; 16 * 1024];
        loop {
            match timeout(CONNECTION_IDLE, stream.read(&mut buffer)).await {
                Ok(Ok(length)) if length > 0 => framer.push(&buffer[..length]),
                _ => return,
            }
            while let Some(frame) = framer.next_frame() {
                match frame {
                    Frame::Message(bytes) => {
                        if !self.inbox.put(Input::Received { flow, bytes }).await {
                            return;
                        }
                    }
                    Frame::Ping => {
                        let _ = self.send(&flow, Bytes::from_static(b"\r\n"));
                    }
                    Frame::Broken(reject) => {
                        if let Reject::Answer(response) = reject {
                            let _ = self.send(&flow, write::response(&response));
                        }
                        return;
                    }
                }
            }
        }
    }
}

async fn write_all(mut stream: OwnedWriteHalf, mut writes: mpsc::Receiver<Bytes>) {
    while let Some(bytes) = writes.recv().await {
        if stream.write_all(&bytes).await.is_err() {
            return;
        }
    }
}
