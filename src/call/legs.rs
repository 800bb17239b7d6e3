//! Legs: one INVITE dialog each, from either side, with everything that can cross in it.

use bytes::Bytes;

use super::cause::Cause;
use crate::ids::LegId;
use crate::moment::Moment;
use crate::rng::Rng;
use crate::sip::endpoint::{Endpoint, Happening, ServerTx};
use crate::sip::message::{HeaderName, Request};
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
    // Private state belongs to this folder (`call/leg/…`).
}

impl Legs {
    pub fn new(rng: Rng) -> Legs {
        todo!()
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
        todo!()
    }

    pub fn poll_invitation(&mut self) -> Option<Invitation> {
        todo!()
    }

    pub fn poll_event(&mut self) -> Option<(LegId, LegEvent)> {
        todo!()
    }

    pub fn handle_time(&mut self, now: Moment, endpoint: &mut Endpoint) {
        todo!()
    }

    pub fn next_deadline(&self) -> Option<Moment> {
        todo!()
    }

    /// Calls a phone. Several legs may ring for one call; the caller of this hangs up the losers.
    pub fn invite(&mut self, now: Moment, endpoint: &mut Endpoint, invite: Invite) -> LegId {
        todo!()
    }

    /// 180 without SDP.
    pub fn ring(&mut self, now: Moment, endpoint: &mut Endpoint, leg: LegId) {
        todo!()
    }

    /// 183 with SDP: early media. Reliable (RFC 3262) when the peer supports it.
    pub fn progress(&mut self, now: Moment, endpoint: &mut Endpoint, leg: LegId, answer: Bytes) {
        todo!()
    }

    /// 200 with our answer (or our offer, if the INVITE had none).
    pub fn accept(&mut self, now: Moment, endpoint: &mut Endpoint, leg: LegId, sdp: Bytes) {
        todo!()
    }

    /// Ends the leg by whatever its state allows: a final refusal, CANCEL, or BYE, with a Reason header.
    /// `Ended { by: Us }` follows at once from `poll_event`; the dialog's remains are cleaned up here.
    pub fn hang_up(&mut self, now: Moment, endpoint: &mut Endpoint, leg: LegId, cause: Cause) {
        todo!()
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
        todo!()
    }

    /// Offers a new session (hold, resume, new address) by re-INVITE, or UPDATE before the answer if the peer allows it.
    /// Waits for its turn if an exchange is under way; 491 is retried as RFC 3261 §14.1 says.
    pub fn offer(&mut self, now: Moment, endpoint: &mut Endpoint, leg: LegId, sdp: Bytes) {
        todo!()
    }

    /// Answers `Offered` or `OfferWanted`. `Err(488)` refuses and keeps the session.
    pub fn answer_offer(
        &mut self,
        now: Moment,
        endpoint: &mut Endpoint,
        leg: LegId,
        answer: Result<Bytes, u16>,
    ) {
        todo!()
    }

    /// How many legs are held.
    pub fn len(&self) -> usize {
        todo!()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
