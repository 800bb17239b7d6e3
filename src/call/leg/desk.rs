//! What every leg works with: the time, the endpoint, and the indexes by which messages find their leg.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;

use super::sent::Sent;
use crate::call::cause::Cause;
use crate::call::legs::{EndedBy, LegEvent};
use crate::ids::LegId;
use crate::moment::Moment;
use crate::rng::Rng;
use crate::sip::dialog::{Dialog, DialogId};
use crate::sip::endpoint::{ClientTx, Endpoint, ServerTx};
use crate::sip::message::{HeaderName, Method, Request, Response};
use crate::sip::transport::Flow;

/// Who waits for a response.
#[derive(Debug)]
pub(crate) enum Owner {
    Leg(LegId),
    /// Nobody: a BYE or PRACK whose answer changes nothing.
    Forgotten,
    /// An INVITE whose leg no longer needs it; 2xx are still owed their ACK.
    Sent(Box<Sent>),
}

/// What a leg is found by, to be struck off when it goes.
#[derive(Debug, Default)]
struct Card {
    dialogs: Vec<DialogId>,
    servers: Vec<ServerTx>,
}

/// The indexes and the outbox.
#[derive(Debug)]
pub(crate) struct Board {
    pub rng: Rng,
    pub events: VecDeque<(LegId, LegEvent)>,
    dialogs: BTreeMap<DialogId, LegId>,
    servers: BTreeMap<ServerTx, LegId>,
    clients: BTreeMap<ClientTx, Owner>,
    /// When each `Owner::Sent` is dropped.
    ends: BTreeSet<(Moment, ClientTx)>,
    cards: BTreeMap<LegId, Card>,
}

impl Board {
    pub fn new(rng: Rng) -> Board {
        Board {
            rng,
            events: VecDeque::new(),
            dialogs: BTreeMap::new(),
            servers: BTreeMap::new(),
            clients: BTreeMap::new(),
            ends: BTreeSet::new(),
            cards: BTreeMap::new(),
        }
    }

    pub fn leg_of_dialog(&self, id: &DialogId) -> Option<LegId> {
        self.dialogs.get(id).copied()
    }

    pub fn leg_of_server(&self, tx: ServerTx) -> Option<LegId> {
        self.servers.get(&tx).copied()
    }

    pub fn owner(&mut self, tx: ClientTx) -> Option<&mut Owner> {
        self.clients.get_mut(&tx)
    }

    pub fn own(&mut self, tx: ClientTx, owner: Owner) {
        self.disown(tx);
        if let Owner::Sent(sent) = &owner {
            self.ends.insert((sent.until, tx));
        }
        self.clients.insert(tx, owner);
    }

    pub fn disown(&mut self, tx: ClientTx) -> Option<Owner> {
        let owner = self.clients.remove(&tx);
        if let Some(Owner::Sent(sent)) = &owner {
            self.ends.remove(&(sent.until, tx));
        }
        owner
    }

    /// Drops what nothing can come for any more.
    pub fn handle_time(&mut self, now: Moment) {
        while let Some(&(until, tx)) = self.ends.first()
            && until <= now
        {
            self.disown(tx);
        }
    }

    pub fn next_deadline(&self) -> Option<Moment> {
        self.ends.first().map(|(until, _)| *until)
    }

    /// Client transactions still waited for.
    pub fn awaited(&self) -> usize {
        self.clients.len()
    }

    /// What the indexes hold, for tests that look for leaks.
    #[cfg(test)]
    pub fn entries(&self) -> usize {
        self.dialogs.len() + self.servers.len() + self.clients.len() + self.ends.len() + self.cards.len()
    }

    /// Strikes a leg off all indexes.
    pub fn strike(&mut self, leg: LegId) {
        let Some(card) = self.cards.remove(&leg) else { return };
        for id in card.dialogs {
            self.dialogs.remove(&id);
        }
        for tx in card.servers {
            self.servers.remove(&tx);
        }
    }
}

/// A leg's hands for the length of one step.
pub(crate) struct Desk<'a> {
    pub now: Moment,
    pub leg: LegId,
    pub endpoint: &'a mut Endpoint,
    pub board: &'a mut Board,
}

impl Desk<'_> {
    pub fn tell(&mut self, event: LegEvent) {
        self.board.events.push_back((self.leg, event));
    }

    /// The leg's last event. Who calls it lets the leg go or become remains.
    pub fn ended(&mut self, cause: Cause, by: EndedBy, status: Option<u16>) {
        self.tell(LegEvent::Ended { cause, by, status });
    }

    pub fn index_dialog(&mut self, id: DialogId) {
        self.board.cards.entry(self.leg).or_default().dialogs.push(id.clone());
        self.board.dialogs.insert(id, self.leg);
    }

    pub fn index_server(&mut self, tx: ServerTx) {
        self.board.cards.entry(self.leg).or_default().servers.push(tx);
        self.board.servers.insert(tx, self.leg);
    }

    /// An INVITE transaction that nothing more will be said about.
    pub fn settle_server(&mut self, tx: ServerTx) {
        if let Some(card) = self.board.cards.get_mut(&self.leg) {
            card.servers.retain(|held| *held != tx);
        }
        self.board.servers.remove(&tx);
    }

    pub fn respond(&mut self, tx: ServerTx, response: Response) {
        self.endpoint.respond(self.now, tx, response);
    }

    /// A bare response without a body. The To tag is already there in a dialog.
    pub fn say(&mut self, tx: ServerTx, request: &Request, status: u16) {
        self.respond(tx, request.response(status));
    }

    /// 500 with Retry-After, for a request that came out of turn (RFC 3261 §14.2, RFC 3311 §5.2).
    pub fn refuse_for_now(&mut self, tx: ServerTx, request: &Request) {
        let mut response = request.response(500);
        response.headers.push(HeaderName::RetryAfter, self.board.rng.below(11).to_string());
        self.respond(tx, response);
    }

    /// A request whose response comes back to this leg.
    pub fn send(&mut self, request: Request, flow: Flow) -> ClientTx {
        let tx = self.endpoint.request(self.now, request, flow);
        self.board.own(tx, Owner::Leg(self.leg));
        tx
    }

    /// A request whose response nobody waits for.
    pub fn send_and_forget(&mut self, request: Request, flow: Flow) {
        let tx = self.endpoint.request(self.now, request, flow);
        self.board.own(tx, Owner::Forgotten);
    }

    /// BYE; the transaction's end comes back to this leg.
    pub fn bye(&mut self, dialog: &mut Dialog, cause: Cause) -> ClientTx {
        let request = bye(dialog, cause);
        self.send(request, dialog.flow())
    }

    /// CANCEL with its reason. A phone that lost the race is told so in the words it looks for (RFC 3326 §2),
    /// and shows no missed call.
    pub fn cancel(&mut self, tx: ClientTx, cause: Cause) {
        let reason = match cause {
            Cause::AnsweredElsewhere => {
                format!("SIP;cause=200;text=\"Call completed elsewhere\", {}", cause.reason_header())
            }
            _ => cause.reason_header(),
        };
        self.endpoint.cancel_because(self.now, tx, reason.into());
    }

    /// PRACK of the reliable provisional `rseq` of the INVITE numbered `cseq` (RFC 3262 §7.2).
    pub fn prack(&mut self, dialog: &mut Dialog, rseq: u32, cseq: u32) {
        let mut request = dialog.request(Method::Prack);
        request.headers.push(HeaderName::RAck, format!("{rseq} {cseq} INVITE"));
        self.send_and_forget(request, dialog.flow());
    }

    /// Sends the ACK of a 2xx and keeps it for repeated ones.
    pub fn ack(&mut self, tx: ClientTx, mut sent: Sent, tag: &str, ack: Request, flow: Flow) {
        self.endpoint.send_ack(self.now, ack.clone(), flow);
        sent.remember(tag, ack, flow);
        self.board.own(tx, Owner::Sent(Box::new(sent)));
    }
}

/// BYE with its reason (RFC 3326).
pub(crate) fn bye(dialog: &mut Dialog, cause: Cause) -> Request {
    let mut request = dialog.request(Method::Bye);
    request.headers.push(HeaderName::Reason, Bytes::from(cause.reason_header()));
    request
}
