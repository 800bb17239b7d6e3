//! SIP over TCP: connections accepted and opened, framed, written through bounded queues.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use bytes::Bytes;
use nix::sys::resource::{Resource, getrlimit};
use tokio::io::AsyncWriteExt as _;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::inbox::Inbox;
use super::limits::{
    ACCEPT_REST, CONNECT_TIME, CONNECTION_IDLE, CONNECTIONS, CONNECTIONS_PER_ADDRESS, CONNECTIONS_SHARE,
    LAST_WRITES, MESSAGE_TIME, WRITE_TIME, WRITES_BYTES, WRITES_WAITING,
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

struct Table {
    /// Connections at once, and those of them from one address.
    most: usize,
    most_per_address: usize,
    open: BTreeMap<ConnectionId, Connection>,
    /// The newest connection to each peer, for messages that name none.
    by_remote: BTreeMap<SocketAddr, ConnectionId>,
    per_address: BTreeMap<IpAddr, usize>,
    last: u64,
}

struct Connection {
    remote: SocketAddr,
    writes: mpsc::Sender<Bytes>,
    /// Bytes in `writes`, counted down as they are written.
    waiting: Rc<Cell<usize>>,
    /// Dropped with the entry: a task that still serves the connection then ends at once.
    _entry: oneshot::Sender<()>,
}

impl Connection {
    fn queue(&self, bytes: Bytes) -> bool {
        let waiting = self.waiting.get() + bytes.len();
        let taken = waiting <= WRITES_BYTES && self.writes.try_send(bytes).is_ok();
        if taken {
            self.waiting.set(waiting);
        }
        taken
    }
}

/// The task's end of an entry.
struct Ticket {
    id: ConnectionId,
    queue: mpsc::Receiver<Bytes>,
    waiting: Rc<Cell<usize>>,
    struck_off: oneshot::Receiver<()>,
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
        // What the system does not tell is taken for enough.
        let descriptors = getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(soft, _)| soft);
        let most = CONNECTIONS.min(usize::try_from(descriptors).unwrap_or(usize::MAX) / CONNECTIONS_SHARE);
        let table = Table {
            most,
            most_per_address: CONNECTIONS_PER_ADDRESS.min(most / 2),
            open: BTreeMap::new(),
            by_remote: BTreeMap::new(),
            per_address: BTreeMap::new(),
            last: 0,
        };
        Connections { table: Rc::new(RefCell::new(table)), inbox }
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

    #[expect(clippy::disallowed_methods, reason = "the edge waits for descriptors to be closed elsewhere")]
    async fn accept(self, listener: TcpListener) {
        let mut failing = false;
        loop {
            match listener.accept().await {
                Ok((stream, remote)) => {
                    failing = false;
                    // A connection beyond the limits is closed by being dropped.
                    if let Some(ticket) = self.enter(remote) {
                        tokio::task::spawn_local(self.clone().serve(ticket, stream));
                    }
                }
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::warn!(%error, "SIP over TCP: connections cannot be accepted");
                    }
                    sleep(ACCEPT_REST).await;
                }
            }
        }
    }

    /// Queues `bytes` on the flow's connection, or on the newest to its peer, or opens one.
    /// A connection whose peer does not read is closed.
    pub fn send(&self, flow: &Flow, bytes: Bytes) -> Sent {
        let id = {
            let table = self.table.borrow();
            let id = flow.connection.or_else(|| table.by_remote.get(&flow.remote).copied());
            match id.and_then(|id| table.open.get_key_value(&id)) {
                Some((_, connection)) if connection.queue(bytes.clone()) => return Sent::Queued,
                Some((id, _)) => Some(*id),
                None => None,
            }
        };
        match id {
            Some(id) => {
                self.leave(id);
                Sent::Unreachable
            }
            // The connection it was to go back on is closed.
            None if flow.connection.is_some() => Sent::Unreachable,
            None => self.open(flow.remote, bytes),
        }
    }

    fn open(&self, remote: SocketAddr, first: Bytes) -> Sent {
        let Some(mut ticket) = self.enter(remote) else {
            return Sent::Unreachable;
        };
        if let Some(connection) = self.table.borrow().open.get(&ticket.id) {
            // The queue is new and holds more than one.
            let _ = connection.queue(first);
        }
        let this = self.clone();
        tokio::task::spawn_local(async move {
            let opened = tokio::select! {
                opened = timeout(CONNECT_TIME, TcpStream::connect(remote)) => opened.ok().and_then(Result::ok),
                _ = &mut ticket.struck_off => None,
            };
            match opened {
                Some(stream) => this.serve(ticket, stream).await,
                None => {
                    this.leave(ticket.id);
                    // No connection: whatever was to go to this peer could not.
                    let transport = Transport::Tcp;
                    this.inbox.put(Input::Unreachable { transport, remote, connection: None }).await;
                }
            }
        });
        Sent::Queued
    }

    fn enter(&self, remote: SocketAddr) -> Option<Ticket> {
        let mut table = self.table.borrow_mut();
        let here = table.per_address.get(&remote.ip()).copied().unwrap_or(0);
        if table.open.len() >= table.most || here >= table.most_per_address {
            return None;
        }
        table.last += 1;
        let id = ConnectionId(table.last);
        let (writes, queue) = mpsc::channel(WRITES_WAITING);
        let (entry, struck_off) = oneshot::channel();
        let waiting = Rc::<Cell<usize>>::default();
        let connection = Connection { remote, writes, waiting: Rc::clone(&waiting), _entry: entry };
        table.open.insert(id, connection);
        table.by_remote.insert(remote, id);
        table.per_address.insert(remote.ip(), here + 1);
        Some(Ticket { id, queue, waiting, struck_off })
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
    async fn serve(self, ticket: Ticket, stream: TcpStream) {
        let Ticket { id, queue, waiting, struck_off } = ticket;
        let Ok((local, remote)) = stream.local_addr().and_then(|local| Ok((local, stream.peer_addr()?)))
        else {
            return self.leave(id);
        };
        // Signalling is small and urgent; a refusal only costs milliseconds.
        let _ = stream.set_nodelay(true);
        let flow = Flow { transport: Transport::Tcp, local, remote, connection: Some(id) };
        let (read, write) = stream.into_split();
        let write = write_all(write, queue, waiting);
        tokio::pin!(write);
        let unwritten = tokio::select! {
            () = self.read(read, flow) => true,
            () = &mut write => false,
            _ = struck_off => false,
        };
        // Without its entry the connection takes nothing new; what was queued, such as a last refusal, still goes.
        self.leave(id);
        if unwritten {
            let _ = timeout(LAST_WRITES, write).await;
        }
        let transport = Transport::Tcp;
        self.inbox.put(Input::Unreachable { transport, remote, connection: Some(id) }).await;
    }

    async fn read(&self, stream: OwnedReadHalf, flow: Flow) {
        let mut framer = Framer::default();
        let mut patience = Patience::new(Instant::now());
        loop {
            match timeout_at(patience.until, take(&stream, &mut framer)).await {
                Ok(true) => {}
                _ => return,
            }
            let mut whole = false;
            while let Some(frame) = framer.next_frame() {
                match frame {
                    Frame::Message(bytes) => {
                        whole = true;
                        if !self.inbox.message(flow, bytes).await {
                            return;
                        }
                    }
                    Frame::Ping => {
                        whole = true;
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
            patience.took(Instant::now(), whole, framer.is_amid());
        }
    }
}

/// How long a connection is waited for. A message must be whole `MESSAGE_TIME` after it began, and so must the first one
/// after the connection was opened; between messages there is `CONNECTION_IDLE`.
struct Patience {
    until: Instant,
    /// A message is on its way, or the first one is still owed.
    amid: bool,
    spoken: bool,
}

impl Patience {
    fn new(now: Instant) -> Patience {
        Patience { until: now + MESSAGE_TIME, amid: true, spoken: false }
    }

    /// Bytes came. `whole`: they ended a message or were a keep-alive; `amid`: they begin one or go on with it.
    fn took(&mut self, now: Instant, whole: bool, amid: bool) {
        self.spoken |= whole;
        if !self.spoken {
            return;
        }
        if !amid {
            self.until = now + CONNECTION_IDLE;
        } else if whole || !self.amid {
            self.until = now + MESSAGE_TIME;
        }
        self.amid = amid;
    }
}

/// Bytes taken from a connection at a time. On the stack, so that an idle connection holds none.
const READ_BYTES: usize = 8 * 1024;

/// Waits for bytes and gives them to `framer`; false at the stream's end.
async fn take(stream: &OwnedReadHalf, framer: &mut Framer) -> bool {
    loop {
        if stream.readable().await.is_err() {
            return false;
        }
        let mut buffer = [0; READ_BYTES];
        match stream.try_read(&mut buffer) {
            Ok(0) => return false,
            Ok(length) => {
                framer.push(&buffer[..length]);
                return true;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return false,
        }
    }
}

async fn write_all(mut stream: OwnedWriteHalf, mut queue: mpsc::Receiver<Bytes>, waiting: Rc<Cell<usize>>) {
    while let Some(bytes) = queue.recv().await {
        let written = timeout(WRITE_TIME, stream.write_all(&bytes)).await;
        waiting.set(waiting.get() - bytes.len());
        if !matches!(written, Ok(Ok(()))) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn after(start: Instant, patience: &Patience) -> Duration {
        patience.until - start
    }

    #[test]
    fn a_byte_a_minute_does_not_keep_a_connection() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let mut patience = Patience::new(start);
        for n in 1..30 {
            patience.took(start + n * second, false, true);
        }
        assert_eq!(after(start, &patience), MESSAGE_TIME, "the first message is owed since the opening");
        patience.took(start + 30 * second, true, false);
        assert_eq!(after(start, &patience), 30 * second + CONNECTION_IDLE);
        patience.took(start + 100 * second, false, true);
        patience.took(start + 120 * second, false, true);
        assert_eq!(after(start, &patience), 100 * second + MESSAGE_TIME, "counted from the first byte");
        patience.took(start + 130 * second, true, true);
        assert_eq!(after(start, &patience), 130 * second + MESSAGE_TIME, "the next has begun");
    }

    #[test]
    fn line_ends_that_are_no_ping_do_not_count_as_a_first_message() {
        let start = Instant::now();
        let mut patience = Patience::new(start);
        patience.took(start + Duration::from_secs(20), false, false);
        assert_eq!(after(start, &patience), MESSAGE_TIME);
    }
}
