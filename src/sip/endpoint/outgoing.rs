//! What goes out: our requests and their client transactions.

use bytes::Bytes;

use super::tables::{ClientMachine, Id};
use super::{ClientTx, Endpoint, Failure, Happening};
use crate::moment::Moment;
use crate::sip::limits;
use crate::sip::message::{HeaderName, Method, Request};
use crate::sip::transaction::client::Client;
use crate::sip::transaction::invite_client::InviteClient;
use crate::sip::transaction::{ClientTurn, MAX_FORWARDS};
use crate::sip::transport::{Flow, Transport};
use crate::sip::write;

impl Endpoint {
    pub(super) fn start(&mut self, now: Moment, mut request: Request, flow: Flow) -> ClientTx {
        self.sign_request(&mut request);
        let branch = self.new_branch();
        let (wired, bytes) = wire(&request, &branch, flow);
        if flow.transport == Transport::Udp && bytes.len() > limits::UDP_REQUEST_BYTES {
            let stream = Flow { transport: Transport::Tcp, connection: None, ..flow };
            let (wired, bytes) = wire(&request, &branch, stream);
            return self.launch(now, wired, bytes, stream, branch, Some(Box::new(request)));
        }
        self.launch(now, wired, bytes, flow, branch, None)
    }

    fn launch(
        &mut self,
        now: Moment,
        wired: Request,
        bytes: Bytes,
        flow: Flow,
        branch: Box<str>,
        fallback: Option<Box<Request>>,
    ) -> ClientTx {
        self.outputs.push_back(Happening::Transmit { flow, bytes: bytes.clone() });
        let key = (branch, wired.method.clone());
        let machine = machine(now, wired, bytes, flow);
        self.tables.add_client(machine, flow, key, fallback, false)
    }

    /// Adds what every request of ours bears, unless its author did.
    fn sign_request(&self, request: &mut Request) {
        if request.headers.get(&HeaderName::MaxForwards).is_none() {
            request.headers.push(HeaderName::MaxForwards, MAX_FORWARDS);
        }
        if request.headers.get(&HeaderName::UserAgent).is_none() {
            request.headers.push(HeaderName::UserAgent, self.product.clone());
        }
    }

    /// The ACK stays on the dialog's flow whatever its size: outside a transaction there is no falling back.
    pub(super) fn send_outside(&mut self, mut request: Request, flow: Flow) {
        self.sign_request(&mut request);
        let branch = self.new_branch();
        let (_, bytes) = wire(&request, &branch, flow);
        self.outputs.push_back(Happening::Transmit { flow, bytes });
    }

    /// Unguessable, so that nobody can answer for the far end without having seen the request.
    fn new_branch(&mut self) -> Box<str> {
        format!("{}{}", super::matching::COOKIE, self.rng.token(10)).into()
    }

    pub(super) fn cancel_invite(&mut self, now: Moment, tx: ClientTx, reason: Option<Bytes>) {
        let Some(entry) = self.tables.client(tx) else { return };
        let turn = match &mut entry.machine {
            ClientMachine::Invite(machine) => machine.cancel(now, reason),
            ClientMachine::Other(_) => ClientTurn::default(),
        };
        self.act(now, tx, turn);
    }

    /// What the machine of `tx` wants done; passing the response is the caller's.
    pub(super) fn act(&mut self, now: Moment, tx: ClientTx, turn: ClientTurn) {
        let Some(entry) = self.tables.client(tx) else { return };
        let (flow, silent) = (entry.flow, entry.silent);
        if let Some(bytes) = turn.send {
            self.outputs.push_back(Happening::Transmit { flow, bytes });
        }
        if let Some(cancel) = turn.cancel {
            self.start_cancel(now, tx, &cancel, flow);
        }
        self.tables.settle(Id::Client(tx));
        if turn.timed_out && !silent {
            self.outputs.push_back(Happening::Failed { tx, failure: Failure::TimedOut });
        }
    }

    /// A CANCEL is a transaction of its own under the INVITE's branch (§9.1); its outcome changes nothing for us.
    fn start_cancel(&mut self, now: Moment, invite: ClientTx, cancel: &Request, flow: Flow) {
        let Some(branch) = self.tables.client(invite).map(|entry| entry.key.0.clone()) else { return };
        let bytes = write::request(cancel);
        self.outputs.push_back(Happening::Transmit { flow, bytes: bytes.clone() });
        let machine = ClientMachine::Other(Client::new(now, bytes, flow.transport.is_reliable()));
        self.tables.add_client(machine, flow, (branch, Method::Cancel), None, true);
    }

    /// The way to the peer is gone: another way, or the end.
    pub(super) fn fail_client(&mut self, now: Moment, tx: ClientTx) {
        let Some(entry) = self.tables.client(tx) else { return };
        if entry.machine.is_unheard()
            && let Some(request) = entry.fallback.take()
        {
            return self.fall_back(now, tx, &request);
        }
        let report = entry.machine.is_open() && !entry.silent;
        self.tables.forget(Id::Client(tx));
        if report {
            self.outputs.push_back(Happening::Failed { tx, failure: Failure::Unreachable });
        }
    }

    /// The peer refuses TCP: the large request goes over UDP after all (§18.1.1), in fragments.
    fn fall_back(&mut self, now: Moment, tx: ClientTx, request: &Request) {
        let Some(entry) = self.tables.client(tx) else { return };
        let flow = Flow { transport: Transport::Udp, connection: None, ..entry.flow };
        let (wired, bytes) = wire(request, &entry.key.0, flow);
        entry.machine = machine(now, wired, bytes.clone(), flow);
        self.tables.reroute_client(tx, flow);
        self.tables.settle(Id::Client(tx));
        self.outputs.push_back(Happening::Transmit { flow, bytes });
    }
}

fn machine(now: Moment, wired: Request, bytes: Bytes, flow: Flow) -> ClientMachine {
    let reliable = flow.transport.is_reliable();
    match wired.method {
        Method::Invite => ClientMachine::Invite(InviteClient::new(now, wired, bytes, reliable)),
        _ => ClientMachine::Other(Client::new(now, bytes, reliable)),
    }
}

/// The request with our Via for `flow` on top (§18.1.1), asking for the port we seem to come from (RFC 3581).
fn wire(request: &Request, branch: &str, flow: Flow) -> (Request, Bytes) {
    let mut wired = request.clone();
    let via = format!("SIP/2.0/{} {};branch={branch};rport", flow.transport.via_name(), flow.local);
    wired.headers.push_front(HeaderName::Via, via);
    let bytes = write::request(&wired);
    (wired, bytes)
}
