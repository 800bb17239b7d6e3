//! The transaction layer: matches messages to transactions, runs their timers, and tells its user
//! (the legs and the registrar) only what they must decide (RFC 3261 §8, §17, §18; RFC 6026).

mod incoming;
#[cfg(test)]
mod lossy;
mod matching;
mod outgoing;
mod tables;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::SocketAddr;

use bytes::Bytes;

use self::tables::{ClientMachine, Id, ServerMachine, Tables};
use super::limits;
use super::message::{HeaderName, Message, Request, Response};
use super::parse::{self, Reject};
use super::transaction::ServerTell;
use super::transaction::invite_server::Answer;
use super::transport::{ConnectionId, Flow, Transport};
use super::write;
use crate::moment::Moment;
use crate::rng::Rng;

/// A server transaction awaiting our answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerTx(pub u64);

/// A client transaction of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientTx(pub u64);

/// Why a client transaction ended without a final response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Timer B or F (§17.1): treat as 408.
    TimedOut,
    /// The transport said so: treat as 503.
    Unreachable,
}

/// What the endpoint's user must do or know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// Send these bytes. With a stream flow that has no connection, open one to `flow.remote` first.
    Transmit { flow: Flow, bytes: Bytes },
    /// A new call was refused with 503, and nothing of it is held (`Endpoint::turn_away`).
    TurnedAway { request: Request },
    /// A new request. CANCEL and ACK never come this way. Answer each exactly once with a final response.
    Request { tx: ServerTx, request: Request, flow: Flow },
    /// The INVITE of `tx` was cancelled (CANCEL already has its 200): answer it with 487 unless you have answered.
    Cancelled { tx: ServerTx },
    /// ACK of a 2xx for an INVITE.
    Ack { request: Request, flow: Flow },
    /// A response to our request: each provisional (100 too) and the final one; for INVITE every further 2xx (forks).
    Response { tx: ClientTx, response: Response, flow: Flow },
    /// Our request got no final response.
    Failed { tx: ClientTx, failure: Failure },
    /// Our 2xx to an INVITE was never acknowledged within 64*T1 (§13.3.1.4): end the dialog with BYE.
    NeverAcked { tx: ServerTx },
    /// Our reliable provisional (RFC 3262) was never PRACKed within 64*T1: answer 5xx.
    NeverPracked { tx: ServerTx },
}

/// The transaction layer. Drive it with `receive` and `handle_time`; drain `poll` after each.
///
/// Max-Forwards is not judged here: we are where calls end, and RFC 4475 §3.3.11 wants an endpoint to serve
/// a request with Max-Forwards 0. Who passes a call on must count it down and refuse with 483.
#[derive(Debug)]
pub struct Endpoint {
    product: Bytes,
    rng: Rng,
    /// The To tag of answers that have no transaction: the same for each copy of a request (RFC 3261 §8.2.7).
    own_tag: Box<str>,
    tables: Tables,
    /// `limits::TRANSACTIONS` and `limits::OUTPUTS`, but in tests.
    most: usize,
    most_outputs: usize,
    /// New calls get 503, and this Retry-After in seconds.
    turns_away: Option<u32>,
    outputs: VecDeque<Happening>,
}

impl Endpoint {
    /// `product`: what Server and User-Agent say.
    pub fn new(product: &str, mut rng: Rng) -> Endpoint {
        let own_tag = rng.token(6).into();
        let product = Bytes::copy_from_slice(product.as_bytes());
        Endpoint {
            product,
            rng,
            own_tag,
            tables: Tables::default(),
            most: limits::TRANSACTIONS,
            most_outputs: limits::OUTPUTS,
            turns_away: None,
            outputs: VecDeque::new(),
        }
    }

    /// From now on new calls (INVITEs outside any dialog) get 503 with this Retry-After, in seconds, and nothing is held
    /// of them: a copy is judged anew, as is one after the 503 was lost, for no 100 has stopped its sender from repeating it; `None`: they are heard again. Copies of an INVITE that has been
    /// heard still get its answer.
    pub fn turn_away(&mut self, retry_after_secs: Option<u32>) {
        self.turns_away = retry_after_secs;
    }

    /// One datagram or framed message. Malformed ones are answered or dropped here.
    pub fn receive(&mut self, now: Moment, flow: Flow, bytes: Bytes) {
        match parse::parse(&bytes) {
            Ok(Message::Request(request)) => self.receive_request(now, flow, request),
            Ok(Message::Response(response)) => self.receive_response(now, flow, response),
            Err(Reject::Answer(response)) => self.refuse(flow, *response),
            Err(Reject::Drop(_) | Reject::KeepAlive) => {}
        }
    }

    /// `transport` could not deliver to `remote`, or the connection closed. Without a connection: a TCP connection to
    /// `remote` could not be opened, or UDP to `remote` came back undeliverable. What is under way by the other
    /// transport goes on: a phone that takes no TCP may well be there.
    pub fn unreachable(
        &mut self,
        now: Moment,
        transport: Transport,
        remote: SocketAddr,
        connection: Option<ConnectionId>,
    ) {
        let mut hit = self.tables.at_peer(remote, connection);
        if connection.is_some() {
            // Who waits for a connection to be opened waits for the one that has closed, if there was one already.
            hit.extend(self.tables.at_peer(remote, None));
        }
        for id in hit {
            match id {
                Id::Client(tx) => {
                    if self.tables.client(tx).is_some_and(|entry| entry.flow.transport == transport) {
                        self.fail_client(now, tx);
                    }
                }
                Id::Server(tx) => {
                    if self.tables.server(tx).is_some_and(|entry| entry.flow.transport == transport) {
                        self.tables.reroute_server(tx);
                    }
                }
            }
        }
    }

    /// Fires all timers that are due. With `limits::OUTPUTS` waiting to be polled it stops;
    /// `next_deadline` then lies in the past and the rest follows at the next call.
    pub fn handle_time(&mut self, now: Moment) {
        while self.outputs.len() < self.most_outputs
            && let Some(id) = self.tables.due(now)
        {
            match id {
                Id::Client(tx) => {
                    let turn = match self.tables.client(tx).map(|entry| &mut entry.machine) {
                        Some(ClientMachine::Invite(machine)) => machine.handle_time(now),
                        Some(ClientMachine::Other(machine)) => machine.handle_time(now),
                        None => continue,
                    };
                    self.act(now, tx, turn);
                }
                Id::Server(tx) => {
                    let turn = match self.tables.server(tx).map(|entry| &mut entry.machine) {
                        Some(ServerMachine::Invite(machine)) => machine.handle_time(now),
                        Some(ServerMachine::Other(machine)) => machine.handle_time(now),
                        None => continue,
                    };
                    self.serve(tx, turn);
                }
            }
        }
    }

    /// When to call `handle_time` next, unless something comes first.
    pub fn next_deadline(&self) -> Option<Moment> {
        self.tables.next_deadline()
    }

    /// The next thing to do or know, in the order they arose.
    pub fn poll(&mut self) -> Option<Happening> {
        self.outputs.pop_front()
    }

    /// Sends `response` in `tx`, retransmitting as the machine says. A second final response is ignored.
    /// 2xx to INVITE are retransmitted until `acked` (§13.3.1.4); on RFC 3262 provisionals (Require: 100rel and RSeq
    /// already set by the caller) until `pracked`. The 100 to an INVITE has been sent already. A To without a tag
    /// gets one of ours (§8.2.6.2): who means to make a dialog sets its own.
    pub fn respond(&mut self, now: Moment, tx: ServerTx, mut response: Response) {
        if response.status > 100 {
            response = response.with_to_tag(&self.own_tag);
        }
        self.sign_response(&mut response);
        let Some(entry) = self.tables.server(tx) else { return };
        let bytes = write::response(&response);
        let turn = match &mut entry.machine {
            ServerMachine::Invite(machine) => {
                if let Ok(to) = response.headers.to()
                    && let Some(tag) = to.tag()
                {
                    entry.to_tag = Some(tag.into());
                }
                machine.respond(now, kind(&response), bytes)
            }
            ServerMachine::Other(machine) => machine.respond(now, response.status, bytes),
        };
        self.serve(tx, turn);
    }

    /// The ACK for our 2xx in `tx` came.
    pub fn acked(&mut self, _now: Moment, tx: ServerTx) {
        if let Some(entry) = self.tables.server(tx)
            && let ServerMachine::Invite(machine) = &mut entry.machine
        {
            machine.acked();
            self.tables.settle(Id::Server(tx));
        }
    }

    /// The PRACK for our latest reliable provisional in `tx` came.
    pub fn pracked(&mut self, _now: Moment, tx: ServerTx) {
        if let Some(entry) = self.tables.server(tx)
            && let ServerMachine::Invite(machine) = &mut entry.machine
        {
            machine.pracked();
            self.tables.settle(Id::Server(tx));
        }
    }

    /// Starts a client transaction: adds Via (own branch, rport) and Max-Forwards, and moves to TCP beyond
    /// `limits::UDP_REQUEST_BYTES`, back to UDP if the connection is refused.
    pub fn request(&mut self, now: Moment, request: Request, flow: Flow) -> ClientTx {
        self.start(now, request, flow)
    }

    /// Sends a request outside any transaction: the ACK of a 2xx. The endpoint remembers nothing;
    /// call again for each retransmitted 2xx.
    pub fn send_ack(&mut self, _now: Moment, request: Request, flow: Flow) {
        self.send_outside(request, flow);
    }

    /// CANCELs our INVITE: at once if a provisional came, else as soon as one comes (§9.1).
    /// A final response still follows: 487, or a 2xx that crossed the CANCEL and must be acknowledged and ended with BYE;
    /// or `Failed` after 64*T1.
    pub fn cancel(&mut self, now: Moment, tx: ClientTx) {
        self.cancel_invite(now, tx, None);
    }

    /// As `cancel`, with the value of a Reason header (RFC 3326): `SIP;cause=200` keeps the call from
    /// showing as missed on a phone that lost the race.
    pub fn cancel_because(&mut self, now: Moment, tx: ClientTx, reason: Bytes) {
        self.cancel_invite(now, tx, Some(reason));
    }

    /// A request of ours has no final answer yet, and may have to be repeated. Looks at each transaction.
    pub fn awaits_answers(&self) -> bool {
        self.tables.awaits_answers()
    }

    /// How many transactions are held.
    pub fn transactions(&self) -> usize {
        self.tables.len()
    }

    fn tell(&mut self, tx: ServerTx, tell: ServerTell) {
        match tell {
            ServerTell::Cancelled => self.outputs.push_back(Happening::Cancelled { tx }),
            ServerTell::NeverAcked => self.outputs.push_back(Happening::NeverAcked { tx }),
            ServerTell::NeverPracked => self.outputs.push_back(Happening::NeverPracked { tx }),
        }
    }

    fn sign_response(&self, response: &mut Response) {
        if response.headers.get(&HeaderName::Server).is_none() {
            response.headers.push(HeaderName::Server, self.product.clone());
        }
    }
}

/// What `response` means to the INVITE server machine.
fn kind(response: &Response) -> Answer {
    match response.status {
        ..200 if response.headers.get(&HeaderName::RSeq).is_some() => Answer::ReliableProvisional,
        ..200 => Answer::Provisional,
        200..300 => Answer::Success,
        _ => Answer::Refusal,
    }
}
