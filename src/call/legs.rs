//! Legs: one INVITE dialog each, from either side, with everything that can cross in it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;

use super::cause::Cause;
use super::leg::desk::{Board, Desk, Owner};
use super::leg::invitation::{self, Copy};
use super::leg::limits::COPIES;
use super::leg::{Incoming, Leg, Outgoing};
use crate::ids::LegId;
use crate::moment::Moment;
use crate::rng::Rng;
use crate::sip::dialog::DialogId;
use crate::sip::endpoint::{ClientTx, Endpoint, Failure, Happening, ServerTx};
use crate::sip::message::{HeaderName, Method, Request, Response};
use crate::sip::transport::Flow;
use crate::sip::uri::Uri;

/// A call that knocks.
#[derive(Clone, Debug)]
pub struct Invitation {
    pub leg: LegId,
    /// The INVITE as received: Request-URI, From, P-Asserted-Identity are the engine's to judge.
    pub request: Request,
    pub flow: Flow,
    /// The SDP offer; `None` when the peer wants ours (delayed offer, RFC 3261 §13.2.1).
    pub offer: Option<Bytes>,
}

/// A phone to be rung.
#[derive(Clone, Debug)]
pub struct Invite {
    /// Request-URI: the phone's contact, or a trunk's number.
    pub target: Uri,
    /// To, when it differs from the Request-URI.
    pub to: Uri,
    /// Shown to the phone. Display name, then URI.
    pub from_display: Option<Box<str>>,
    pub from: Uri,
    pub flow: Flow,
    pub offer: Bytes,
    /// Alert-Info and the like, by rule only.
    pub extra: Vec<(HeaderName, Bytes)>,
}

/// What happened on a leg. After `Ended` the leg is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LegEvent {
    /// Outgoing: 180, or any provisional that means the phone alerts, without SDP.
    Ringing,
    /// Outgoing: an answer came in a provisional; audio may flow before the call is answered.
    EarlyMedia { answer: Bytes },
    /// Outgoing: 200. `answer` is `None` if it equals the one of EarlyMedia. The ACK is already on its way.
    Answered { answer: Option<Bytes> },
    /// Incoming: ACK of our 200 came; `answer` when our 200 held the offer.
    Confirmed { answer: Option<Bytes> },
    /// The peer offers anew (re-INVITE or UPDATE with SDP): call `answer_offer` in this same turn.
    Offered { offer: Bytes },
    /// The peer's re-INVITE without SDP wants our offer: call `answer_offer` with one; `OfferAnswered` follows.
    OfferWanted,
    /// Our re-offer was accepted.
    OfferAnswered { answer: Bytes },
    /// Our re-offer was refused (after 491 has been retried); the session stays as it was.
    OfferRefused { status: u16 },
    /// INFO with application/dtmf-relay or application/dtmf: `0-9*#A-D` and its length in ms.
    Digit { symbol: char, millis: u32 },
    /// Over. `status` when the peer refused our INVITE.
    Ended { cause: Cause, by: EndedBy, status: Option<u16> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// BYE, CANCEL or refusal from the peer.
    Peer,
    /// A timer, a lost transport, a broken protocol.
    Fault,
    /// `hang_up` or `reject`.
    Us,
}

/// All legs, with the indexes that find one by transaction or dialog.
#[derive(Debug)]
pub struct Legs {
    board: Board,
    legs: BTreeMap<LegId, Held>,
    /// One entry per leg that waits for a time.
    deadlines: BTreeSet<(Moment, LegId)>,
    copies: BTreeMap<Copy, LegId>,
    invitations: VecDeque<Invitation>,
    next: u64,
    /// How many of `legs` only remain.
    remaining: usize,
}

#[derive(Debug)]
struct Held {
    leg: Leg,
    deadline: Option<Moment>,
    /// How a second copy of its INVITE is known.
    copy: Option<Copy>,
}

impl Legs {
    pub fn new(rng: Rng) -> Legs {
        Legs {
            board: Board::new(rng),
            legs: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            copies: BTreeMap::new(),
            invitations: VecDeque::new(),
            next: 1,
            remaining: 0,
        }
    }

    /// Takes what belongs to legs and gives back what does not (new out-of-dialog requests other than INVITE,
    /// responses to others' transactions). A new INVITE becomes a leg and is reported by `poll_invitation`, with
    /// 100 Trying already sent; a bad one (420, 481, 482 merged, 400) is answered here.
    pub fn handle(
        &mut self,
        now: Moment,
        endpoint: &mut Endpoint,
        happening: Happening,
    ) -> Option<Happening> {
        match happening {
            Happening::Transmit { .. } | Happening::TurnedAway { .. } => return Some(happening),
            Happening::Request { tx, request, flow } => {
                return self.request(now, endpoint, tx, request, flow);
            }
            Happening::Response { tx, response, flow } => {
                return self.response(now, endpoint, tx, response, flow);
            }
            Happening::Failed { tx, failure } => return self.failed(now, endpoint, tx, failure),
            Happening::Ack { request, .. } => {
                if let Some(leg) = DialogId::of_request(&request).and_then(|id| self.board.leg_of_dialog(&id))
                {
                    self.step(now, endpoint, leg, |leg, desk| leg.acked(desk, &request));
                }
            }
            Happening::Cancelled { tx } => match self.board.leg_of_server(tx) {
                Some(leg) => self.step(now, endpoint, leg, |leg, desk| leg.cancelled(desk, tx)),
                None => return Some(happening),
            },
            Happening::NeverAcked { tx } => match self.board.leg_of_server(tx) {
                Some(leg) => self.step(now, endpoint, leg, |leg, desk| leg.never_acked(desk, tx)),
                None => return Some(happening),
            },
            Happening::NeverPracked { tx } => match self.board.leg_of_server(tx) {
                Some(leg) => self.step(now, endpoint, leg, |leg, desk| leg.never_pracked(desk, tx)),
                None => return Some(happening),
            },
        }
        None
    }

    pub fn poll_invitation(&mut self) -> Option<Invitation> {
        self.invitations.pop_front()
    }

    pub fn poll_event(&mut self) -> Option<(LegId, LegEvent)> {
        self.board.events.pop_front()
    }

    pub fn handle_time(&mut self, now: Moment, endpoint: &mut Endpoint) {
        self.board.handle_time(now);
        while let Some(&(at, leg)) = self.deadlines.first()
            && at <= now
        {
            self.step(now, endpoint, leg, |leg, desk| leg.handle_time(desk));
        }
    }

    pub fn next_deadline(&self) -> Option<Moment> {
        let leg = self.deadlines.first().map(|(at, _)| *at);
        leg.into_iter().chain(self.board.next_deadline()).min()
    }

    /// Calls a phone. Several legs may ring for one call; the caller of this hangs up the losers.
    pub fn invite(&mut self, now: Moment, endpoint: &mut Endpoint, invite: Invite) -> LegId {
        let id = self.new_id();
        let leg = Outgoing::new(&mut Desk { now, leg: id, endpoint, board: &mut self.board }, &invite);
        self.put(id, Leg::Outgoing(Box::new(leg)), None);
        id
    }

    /// 180 without SDP.
    pub fn ring(&mut self, now: Moment, endpoint: &mut Endpoint, leg: LegId) {
        self.step(now, endpoint, leg, |mut leg, desk| {
            if let Leg::Incoming(incoming) = &mut leg {
                incoming.ring(desk);
            }
            Some(leg)
        });
    }

    /// 183 with SDP: early media. Reliable (RFC 3262) when the peer supports it.
    /// To an INVITE without offer it is a 183 without SDP: our offer goes into the 200.
    pub fn progress(&mut self, now: Moment, endpoint: &mut Endpoint, leg: LegId, answer: Bytes) {
        self.step(now, endpoint, leg, |mut leg, desk| {
            if let Leg::Incoming(incoming) = &mut leg {
                incoming.progress(desk, answer);
            }
            Some(leg)
        });
    }

    /// 200 with our answer (or our offer, if the INVITE had none). Waits for the PRACK of a reliable `progress`;
    /// SDP that differs from what `progress` said is offered anew after the ACK.
    pub fn accept(&mut self, now: Moment, endpoint: &mut Endpoint, leg: LegId, sdp: Bytes) {
        self.step(now, endpoint, leg, |leg, desk| leg.accept(desk, sdp));
    }

    /// Ends the leg by whatever its state allows: a final refusal, CANCEL, or BYE, with a Reason header.
    /// `Ended { by: Us }` follows at once from `poll_event`; the dialog's remains are cleaned up here.
    pub fn hang_up(&mut self, now: Moment, endpoint: &mut Endpoint, leg: LegId, cause: Cause) {
        self.reject(now, endpoint, leg, cause, &[]);
    }

    /// As `hang_up` on an unanswered incoming leg, with extra headers (Retry-After with 503).
    pub fn reject(
        &mut self,
        now: Moment,
        endpoint: &mut Endpoint,
        leg: LegId,
        cause: Cause,
        extra: &[(HeaderName, Bytes)],
    ) {
        self.step(now, endpoint, leg, |leg, desk| leg.hang_up(desk, cause, extra));
    }

    /// Offers a new session (hold, resume, new address) by re-INVITE, or UPDATE before the answer if the peer allows it.
    /// Waits for its turn if an exchange is under way; 491 is retried as RFC 3261 §14.1 says.
    pub fn offer(&mut self, now: Moment, endpoint: &mut Endpoint, leg: LegId, sdp: Bytes) {
        self.step(now, endpoint, leg, |mut leg, desk| {
            leg.offer(desk, sdp);
            Some(leg)
        });
    }

    /// Answers `Offered` or `OfferWanted`. `Err(488)` refuses and keeps the session.
    pub fn answer_offer(
        &mut self,
        now: Moment,
        endpoint: &mut Endpoint,
        leg: LegId,
        answer: Result<Bytes, u16>,
    ) {
        self.step(now, endpoint, leg, |mut leg, desk| {
            leg.answer_offer(desk, answer);
            Some(leg)
        });
    }

    /// How many legs are held.
    pub fn len(&self) -> usize {
        self.legs.len() - self.remaining
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What is left of ended legs, and requests of ours still waited for.
    pub fn remains(&self) -> usize {
        self.remaining + self.board.awaited()
    }

    /// What all indexes hold, for tests that look for leaks.
    #[cfg(test)]
    pub(crate) fn entries(&self) -> usize {
        self.legs.len() + self.deadlines.len() + self.copies.len() + self.board.entries()
    }

    fn request(
        &mut self,
        now: Moment,
        endpoint: &mut Endpoint,
        tx: ServerTx,
        request: Request,
        flow: Flow,
    ) -> Option<Happening> {
        let Ok(to) = request.headers.to() else {
            endpoint.respond(now, tx, request.response(400));
            return None;
        };
        match (to.tag(), &request.method) {
            (_, Method::Register) => return Some(Happening::Request { tx, request, flow }),
            (Some(_), _) => self.inside(now, endpoint, tx, request, flow),
            (None, Method::Invite) => self.invited(now, endpoint, tx, request, flow),
            (None, Method::Bye | Method::Prack | Method::Update) => {
                let tag = self.board.rng.token(8);
                endpoint.respond(now, tx, request.response(481).with_to_tag(&tag));
            }
            (None, _) => return Some(Happening::Request { tx, request, flow }),
        }
        None
    }

    fn inside(&mut self, now: Moment, endpoint: &mut Endpoint, tx: ServerTx, request: Request, flow: Flow) {
        let found =
            DialogId::of_request(&request).and_then(|id| self.board.leg_of_dialog(&id).map(|leg| (id, leg)));
        match found {
            Some((id, leg)) => {
                self.step(now, endpoint, leg, |leg, desk| leg.request(desk, &id, tx, request, flow));
            }
            None => endpoint.respond(now, tx, request.response(481)),
        }
    }

    fn invited(&mut self, now: Moment, endpoint: &mut Endpoint, tx: ServerTx, request: Request, flow: Flow) {
        let tag = self.board.rng.token(8);
        let copy = Copy::of(&request);
        if copy.as_ref().is_some_and(|copy| self.copies.contains_key(copy)) {
            return endpoint.respond(now, tx, request.response(482).with_to_tag(&tag));
        }
        let dialog = match invitation::judge(&request, flow, &tag) {
            Ok(dialog) => dialog,
            Err(refusal) => return endpoint.respond(now, tx, refusal.with_to_tag(&tag)),
        };
        let id = self.new_id();
        let mut desk = Desk { now, leg: id, endpoint, board: &mut self.board };
        let incoming = Incoming::new(&mut desk, tx, request.clone(), dialog);
        let offer = incoming.talk.remote.clone();
        self.put(id, Leg::Incoming(Box::new(incoming)), copy);
        self.invitations.push_back(Invitation { leg: id, request, flow, offer });
    }

    fn response(
        &mut self,
        now: Moment,
        endpoint: &mut Endpoint,
        tx: ClientTx,
        response: Response,
        flow: Flow,
    ) -> Option<Happening> {
        match self.board.owner(tx) {
            None => return Some(Happening::Response { tx, response, flow }),
            Some(Owner::Sent(_)) => self.board.late_response(now, endpoint, tx, &response, flow),
            Some(Owner::Forgotten) if response.is_provisional() => {}
            Some(Owner::Forgotten) => {
                self.board.disown(tx);
            }
            Some(Owner::Leg(leg)) => {
                let leg = *leg;
                if !response.is_provisional() {
                    self.board.disown(tx);
                }
                self.step(now, endpoint, leg, |leg, desk| leg.response(desk, tx, &response, flow));
            }
        }
        None
    }

    fn failed(
        &mut self,
        now: Moment,
        endpoint: &mut Endpoint,
        tx: ClientTx,
        failure: Failure,
    ) -> Option<Happening> {
        match self.board.disown(tx) {
            None => return Some(Happening::Failed { tx, failure }),
            Some(Owner::Forgotten | Owner::Sent(_)) => {}
            Some(Owner::Leg(leg)) => {
                self.step(now, endpoint, leg, |leg, desk| leg.failed(desk, tx, failure));
            }
        }
        None
    }

    fn new_id(&mut self) -> LegId {
        let id = LegId(self.next);
        self.next += 1;
        id
    }

    /// One step of one leg; nothing if the leg is gone.
    fn step(
        &mut self,
        now: Moment,
        endpoint: &mut Endpoint,
        id: LegId,
        step: impl FnOnce(Leg, &mut Desk) -> Option<Leg>,
    ) {
        let Some(Held { leg, deadline, copy }) = self.legs.remove(&id) else { return };
        if let Some(at) = deadline {
            self.deadlines.remove(&(at, id));
        }
        self.remaining -= usize::from(!leg.is_held());
        match step(leg, &mut Desk { now, leg: id, endpoint, board: &mut self.board }) {
            Some(leg) if !leg.is_settled() || self.copies.len() < COPIES => self.put(id, leg, copy),
            _ => {
                self.board.strike(id);
                if let Some(copy) = copy {
                    self.copies.remove(&copy);
                }
            }
        }
    }

    fn put(&mut self, id: LegId, leg: Leg, copy: Option<Copy>) {
        self.remaining += usize::from(!leg.is_held());
        let deadline = leg.deadline();
        if let Some(at) = deadline {
            self.deadlines.insert((at, id));
        }
        if let Some(copy) = &copy {
            self.copies.insert(copy.clone(), id);
        }
        self.legs.insert(id, Held { leg, deadline, copy });
    }
}
