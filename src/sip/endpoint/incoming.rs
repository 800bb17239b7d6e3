//! What comes in: requests to their server transactions, responses to their client transactions.

use bytes::Bytes;

use super::matching::{ServerKey, named_address, reply_flow};
use super::tables::{ClientMachine, Id, ServerMachine};
use super::{Endpoint, Happening, ServerTx};
use crate::moment::Moment;
use crate::sip::header::{Via, stamp_top_via};
use crate::sip::message::{HeaderName, Method, Request, Response};
use crate::sip::transaction::ServerTurn;
use crate::sip::transaction::invite_server::InviteServer;
use crate::sip::transaction::server::Server;
use crate::sip::transport::Flow;
use crate::sip::write;

/// When to come back after a 503, in seconds: a little more than most transactions live (timers H, J, L: 32 s).
const RETRY_AFTER_SECS: &str = "40";

impl Endpoint {
    pub(super) fn receive_request(&mut self, now: Moment, flow: Flow, mut request: Request) {
        let via = match request.headers.via() {
            Ok(via) => via,
            Err(_) if request.method == Method::Ack => return,
            Err(_) => return self.refuse(flow, request.response(400)),
        };
        match request.method {
            Method::Ack => {
                let key = ServerKey::of(&request, &via, Method::Invite);
                self.receive_ack(now, flow, request, &key);
            }
            Method::Cancel => {
                let own = ServerKey::of(&request, &via, Method::Cancel);
                let invite = ServerKey::of(&request, &via, Method::Invite);
                if !self.receive_again(&own) && stamp_top_via(&mut request.headers, flow.remote).is_ok() {
                    self.receive_cancel(now, reply_flow(flow, &via), &request, &via, own, &invite);
                }
            }
            _ => {
                let key = ServerKey::of(&request, &via, request.method.clone());
                if !self.receive_again(&key) && stamp_top_via(&mut request.headers, flow.remote).is_ok() {
                    self.receive_new(now, flow, request, &via, key);
                }
            }
        }
    }

    /// A copy of a request we know gets what the transaction last said. `false`: it is new.
    fn receive_again(&mut self, key: &ServerKey) -> bool {
        let Some(tx) = self.tables.server_of(key) else { return false };
        let turn = match self.tables.server(tx).map(|entry| &entry.machine) {
            Some(ServerMachine::Invite(machine)) => machine.receive_again(),
            Some(ServerMachine::Other(machine)) => machine.receive_again(),
            None => return false,
        };
        self.serve(tx, turn);
        true
    }

    /// How many transactions may be held when this request asks for one more. By its method: a To tag is free to
    /// forge. OPTIONS and the like within a call wait with the strangers'; a 503 to those ends no call.
    fn room_for(&self, request: &Request) -> usize {
        let tagged = || request.headers.to().is_ok_and(|to| to.tag().is_some());
        let of_a_call = match request.method {
            Method::Invite => true,
            Method::Bye | Method::Prack | Method::Update | Method::Info => tagged(),
            _ => false,
        };
        if of_a_call { self.most } else { self.most / 2 }
    }

    fn receive_new(&mut self, now: Moment, flow: Flow, request: Request, via: &Via, key: ServerKey) {
        let reply = reply_flow(flow, via);
        if self.tables.len() >= self.room_for(&request) {
            let mut response = request.response(503);
            response.headers.push(HeaderName::RetryAfter, RETRY_AFTER_SECS);
            return self.send_stateless(reply, response);
        }
        if let Some(seconds) = self.turns_away
            && request.method == Method::Invite
            && request.headers.to().is_ok_and(|to| to.tag().is_none())
        {
            let mut response = request.response(503);
            response.headers.push(HeaderName::RetryAfter, seconds.to_string());
            self.send_stateless(reply, response);
            self.outputs.push_back(Happening::TurnedAway { request });
            return;
        }
        let reliable = flow.transport.is_reliable();
        let machine = match request.method {
            Method::Invite => {
                let trying = write::response(&request.response(100));
                self.outputs.push_back(Happening::Transmit { flow: reply, bytes: trying.clone() });
                ServerMachine::Invite(InviteServer::new(trying, reliable))
            }
            _ => ServerMachine::Other(Server::new(now, reliable)),
        };
        let tx = self.tables.add_server(machine, reply, named_address(flow, via), key);
        self.outputs.push_back(Happening::Request { tx, request, flow });
    }

    /// The ACK of a refusal ends here. One that matches nothing has a branch of its own, so it is a 2xx's (§13.2.2.4).
    fn receive_ack(&mut self, now: Moment, flow: Flow, request: Request, key: &ServerKey) {
        let Some(tx) = self.tables.server_of(key) else {
            self.outputs.push_back(Happening::Ack { request, flow });
            return;
        };
        if let Some(entry) = self.tables.server(tx)
            && let ServerMachine::Invite(machine) = &mut entry.machine
            && machine.receive_ack(now)
        {
            self.outputs.push_back(Happening::Ack { request, flow });
        }
        self.tables.settle(Id::Server(tx));
    }

    /// §9.2. Only an INVITE takes long enough to be cancelled; for anything else a CANCEL comes too late: 481.
    fn receive_cancel(
        &mut self,
        now: Moment,
        reply: Flow,
        cancel: &Request,
        via: &Via,
        own: ServerKey,
        invite: &ServerKey,
    ) {
        let found = self.tables.server_of(invite);
        let to_tag = found.and_then(|tx| self.tables.server(tx)).and_then(|entry| entry.to_tag.clone());
        let status = if found.is_some() { 200 } else { 481 };
        let response = cancel.response(status).with_to_tag(to_tag.as_deref().unwrap_or(&self.own_tag));
        if self.tables.len() >= self.most {
            self.send_stateless(reply, response);
        } else {
            let machine = ServerMachine::Other(Server::new(now, reply.transport.is_reliable()));
            let tx = self.tables.add_server(machine, reply, named_address(reply, via), own);
            self.respond(now, tx, response);
        }
        if let Some(tx) = found {
            let turn = match self.tables.server(tx).map(|entry| &mut entry.machine) {
                Some(ServerMachine::Invite(machine)) => machine.receive_cancel(),
                _ => ServerTurn::default(),
            };
            self.serve(tx, turn);
        }
    }

    /// A response that belongs to none of our transactions is dropped: it answers nothing we still want to know.
    pub(super) fn receive_response(&mut self, now: Moment, flow: Flow, response: Response) {
        // Two Vias mean that it was for someone behind us (§8.1.3.3), and we are no proxy.
        if response.headers.all(&HeaderName::Via).count() != 1 {
            return;
        }
        let (Ok(via), Ok(cseq)) = (response.headers.via(), response.headers.cseq()) else { return };
        let Some(tx) = self.tables.client_of(&(via.branch, cseq.method)) else { return };
        let Some(entry) = self.tables.client(tx) else { return };
        let turn = match &mut entry.machine {
            ClientMachine::Invite(machine) => machine.receive(now, &response),
            ClientMachine::Other(machine) => machine.receive(now, response.status),
        };
        let silent = entry.silent;
        // ACK and CANCEL follow on the connection that the edge opened for the request.
        if entry.flow.transport == flow.transport
            && entry.flow.connection.is_none()
            && flow.connection.is_some()
        {
            let opened = Flow { connection: flow.connection, ..entry.flow };
            self.tables.reroute_client(tx, opened);
        }
        let pass = turn.pass && !silent;
        self.act(now, tx, turn);
        if pass {
            self.outputs.push_back(Happening::Response { tx, response, flow });
        }
    }

    /// What the machine of `tx` wants done.
    pub(super) fn serve(&mut self, tx: ServerTx, turn: ServerTurn) {
        if let Some(bytes) = turn.send
            && let Some(entry) = self.tables.server(tx)
        {
            let flow = entry.flow;
            self.outputs.push_back(Happening::Transmit { flow, bytes });
        }
        self.tables.settle(Id::Server(tx));
        if let Some(tell) = turn.tell {
            self.tell(tx, tell);
        }
    }

    /// Answers without a transaction what could not be read well enough for one.
    pub(super) fn refuse(&mut self, flow: Flow, mut response: Response) {
        let reply = match response.headers.via() {
            Ok(via) => reply_flow(flow, &via),
            Err(_) => flow,
        };
        // An unreadable Via goes back as it came; the flow leads home all the same.
        let _ = stamp_top_via(&mut response.headers, flow.remote);
        self.send_stateless(reply, response);
    }

    fn send_stateless(&mut self, flow: Flow, response: Response) {
        let mut response = response.with_to_tag(&self.own_tag);
        self.sign_response(&mut response);
        let bytes: Bytes = write::response(&response);
        self.outputs.push_back(Happening::Transmit { flow, bytes });
    }
}
