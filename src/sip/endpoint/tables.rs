//! The transactions held, and what finds them: by key, by peer, by deadline. Nothing here scans them all.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use super::matching::ServerKey;
use super::{ClientTx, ServerTx};
use crate::moment::Moment;
use crate::sip::message::{Method, Request};
use crate::sip::transaction::client::Client;
use crate::sip::transaction::invite_client::InviteClient;
use crate::sip::transaction::invite_server::InviteServer;
use crate::sip::transaction::server::Server;
use crate::sip::transport::{ConnectionId, Flow};

/// A transaction of either side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Id {
    Client(ClientTx),
    Server(ServerTx),
}

#[derive(Debug)]
pub enum ClientMachine {
    Invite(InviteClient),
    Other(Client),
}

#[derive(Debug)]
pub struct ClientEntry {
    pub machine: ClientMachine,
    pub flow: Flow,
    pub key: ClientKey,
    /// Sent over TCP for its size only: if that fails, this goes over UDP (RFC 3261 §18.1.1).
    pub fallback: Option<Box<Request>>,
    /// Our CANCEL: nobody waits for its outcome.
    pub silent: bool,
    due: Option<Moment>,
}

/// Branch and method: a CANCEL shares its INVITE's branch (§17.1.3).
pub type ClientKey = (Box<str>, Method);

#[derive(Debug)]
pub enum ServerMachine {
    Invite(InviteServer),
    Other(Server),
}

#[derive(Debug)]
pub struct ServerEntry {
    pub machine: ServerMachine,
    /// Where replies go.
    pub flow: Flow,
    /// Where they go once the connection of `flow` is gone (§18.2.2).
    pub named: SocketAddr,
    /// The To tag of the latest answer: the 200 to a CANCEL bears the same (§9.2).
    pub to_tag: Option<Box<str>>,
    key: ServerKey,
    due: Option<Moment>,
}

/// All transactions.
#[derive(Debug, Default)]
pub struct Tables {
    clients: BTreeMap<ClientTx, ClientEntry>,
    clients_by_key: BTreeMap<ClientKey, ClientTx>,
    servers: BTreeMap<ServerTx, ServerEntry>,
    servers_by_key: BTreeMap<ServerKey, ServerTx>,
    by_peer: BTreeSet<(SocketAddr, Option<ConnectionId>, Id)>,
    agenda: BTreeSet<(Moment, Id)>,
    last: u64,
}

impl ClientMachine {
    pub fn is_over(&self) -> bool {
        match self {
            ClientMachine::Invite(machine) => machine.is_over(),
            ClientMachine::Other(machine) => machine.is_over(),
        }
    }

    pub fn is_open(&self) -> bool {
        match self {
            ClientMachine::Invite(machine) => machine.is_open(),
            ClientMachine::Other(machine) => machine.is_open(),
        }
    }

    pub fn is_unheard(&self) -> bool {
        match self {
            ClientMachine::Invite(machine) => machine.is_unheard(),
            ClientMachine::Other(machine) => machine.is_unheard(),
        }
    }

    fn deadline(&self) -> Option<Moment> {
        match self {
            ClientMachine::Invite(machine) => machine.deadline(),
            ClientMachine::Other(machine) => machine.deadline(),
        }
    }
}

impl ServerMachine {
    fn is_over(&self) -> bool {
        match self {
            ServerMachine::Invite(machine) => machine.is_over(),
            ServerMachine::Other(machine) => machine.is_over(),
        }
    }

    fn deadline(&self) -> Option<Moment> {
        match self {
            ServerMachine::Invite(machine) => machine.deadline(),
            ServerMachine::Other(machine) => machine.deadline(),
        }
    }
}

impl Tables {
    pub fn len(&self) -> usize {
        self.clients.len() + self.servers.len()
    }

    /// No transaction, and no index that still speaks of one.
    #[cfg(test)]
    pub fn is_clean(&self) -> bool {
        let indexes = self.clients_by_key.len() + self.servers_by_key.len() + self.by_peer.len();
        self.len() + indexes + self.agenda.len() == 0
    }

    pub fn next_deadline(&self) -> Option<Moment> {
        self.agenda.first().map(|(at, _)| *at)
    }

    /// The transaction whose timer is due first.
    pub fn due(&self, now: Moment) -> Option<Id> {
        self.agenda.first().filter(|(at, _)| *at <= now).map(|(_, id)| *id)
    }

    pub fn add_client(
        &mut self,
        machine: ClientMachine,
        flow: Flow,
        key: ClientKey,
        fallback: Option<Box<Request>>,
        silent: bool,
    ) -> ClientTx {
        self.last += 1;
        let tx = ClientTx(self.last);
        self.clients_by_key.insert(key.clone(), tx);
        self.by_peer.insert((flow.remote, flow.connection, Id::Client(tx)));
        self.clients.insert(tx, ClientEntry { machine, flow, key, fallback, silent, due: None });
        self.settle(Id::Client(tx));
        tx
    }

    pub fn add_server(
        &mut self,
        machine: ServerMachine,
        flow: Flow,
        named: SocketAddr,
        key: ServerKey,
    ) -> ServerTx {
        self.last += 1;
        let tx = ServerTx(self.last);
        self.servers_by_key.insert(key.clone(), tx);
        if flow.connection.is_some() {
            self.by_peer.insert((flow.remote, flow.connection, Id::Server(tx)));
        }
        self.servers.insert(tx, ServerEntry { machine, flow, named, to_tag: None, key, due: None });
        self.settle(Id::Server(tx));
        tx
    }

    /// A request of ours is still to be answered.
    pub fn awaits_answers(&self) -> bool {
        self.clients.values().any(|entry| entry.machine.is_open())
    }

    /// After touching it, call `settle`.
    pub fn client(&mut self, tx: ClientTx) -> Option<&mut ClientEntry> {
        self.clients.get_mut(&tx)
    }

    /// After touching it, call `settle`.
    pub fn server(&mut self, tx: ServerTx) -> Option<&mut ServerEntry> {
        self.servers.get_mut(&tx)
    }

    pub fn client_of(&self, key: &ClientKey) -> Option<ClientTx> {
        self.clients_by_key.get(key).copied()
    }

    pub fn server_of(&self, key: &ServerKey) -> Option<ServerTx> {
        self.servers_by_key.get(key).copied()
    }

    /// Who uses `connection` to `remote`, or waits for a flow to `remote` that has none.
    pub fn at_peer(&self, remote: SocketAddr, connection: Option<ConnectionId>) -> Vec<Id> {
        let from = (remote, connection, Id::Client(ClientTx(0)));
        self.by_peer.range(from..).take_while(|p| p.0 == remote && p.1 == connection).map(|p| p.2).collect()
    }

    /// Moves a client transaction to another flow.
    pub fn reroute_client(&mut self, tx: ClientTx, flow: Flow) {
        if let Some(entry) = self.clients.get_mut(&tx) {
            self.by_peer.remove(&(entry.flow.remote, entry.flow.connection, Id::Client(tx)));
            self.by_peer.insert((flow.remote, flow.connection, Id::Client(tx)));
            entry.flow = flow;
        }
    }

    /// Moves a server transaction's replies off its closed connection.
    pub fn reroute_server(&mut self, tx: ServerTx) {
        if let Some(entry) = self.servers.get_mut(&tx) {
            self.by_peer.remove(&(entry.flow.remote, entry.flow.connection, Id::Server(tx)));
            entry.flow = Flow { remote: entry.named, connection: None, ..entry.flow };
        }
    }

    /// Puts a transaction in its place by its new deadline, or forgets it if it is over.
    pub fn settle(&mut self, id: Id) {
        let (due, deadline, over) = match id {
            Id::Client(tx) => match self.clients.get_mut(&tx) {
                Some(e) => (&mut e.due, e.machine.deadline(), e.machine.is_over()),
                None => return,
            },
            Id::Server(tx) => match self.servers.get_mut(&tx) {
                Some(e) => (&mut e.due, e.machine.deadline(), e.machine.is_over()),
                None => return,
            },
        };
        if *due != deadline {
            if let Some(at) = *due {
                self.agenda.remove(&(at, id));
            }
            if let Some(at) = deadline {
                self.agenda.insert((at, id));
            }
            *due = deadline;
        }
        if over {
            self.forget(id);
        }
    }

    /// Removes a transaction, whatever its state.
    pub fn forget(&mut self, id: Id) {
        let (due, flow) = match id {
            Id::Client(tx) => match self.clients.remove(&tx) {
                Some(entry) => {
                    self.clients_by_key.remove(&entry.key);
                    (entry.due, entry.flow)
                }
                None => return,
            },
            Id::Server(tx) => match self.servers.remove(&tx) {
                Some(entry) => {
                    self.servers_by_key.remove(&entry.key);
                    (entry.due, entry.flow)
                }
                None => return,
            },
        };
        self.by_peer.remove(&(flow.remote, flow.connection, id));
        if let Some(at) = due {
            self.agenda.remove(&(at, id));
        }
    }
}
