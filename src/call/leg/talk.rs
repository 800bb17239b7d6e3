//! What a dialog holds, early or confirmed: whose turn it is to offer, and the session timer.
//! `offer` has our side of the exchanges, this file the peer's.

use bytes::Bytes;

use super::clock::{self, Clock, Due};
use super::desk::Desk;
use super::limits::{REOFFER, SETTLE};
use super::offer::{Ours, Purpose};
use super::reply;
use super::sent::Sent;
use crate::call::cause::Cause;
use crate::call::legs::{EndedBy, LegEvent};
use crate::moment::Moment;
use crate::sip::dialog::Dialog;
use crate::sip::endpoint::ServerTx;
use crate::sip::header::CSeq;
use crate::sip::message::{HeaderName, Headers, Method, Request, Response};
use crate::sip::session_timer::{self, Judgement};
use crate::sip::transport::Flow;

/// Who called whom: decides who owns the Call-ID (RFC 3261 §14.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The peer called us.
    Incoming,
    /// We called.
    Outgoing,
}

/// How far the dialog has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Early,
    Confirmed,
}

/// Offer and answer (RFC 3264): at most one exchange at a time.
#[derive(Debug)]
pub(crate) enum Exchange {
    /// The first offer has no final answer yet.
    First,
    Idle,
    /// Ours is on its way.
    Ours(Ours),
    /// Ours met another; it is sent again then.
    Again {
        at: Moment,
        sdp: Bytes,
        purpose: Purpose,
    },
    /// The peer's re-INVITE or UPDATE awaits `answer_offer`.
    Theirs {
        tx: ServerTx,
        request: Request,
        flow: Flow,
    },
}

/// A 2xx of ours to an INVITE that awaits its ACK.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unacked {
    pub tx: ServerTx,
    pub cseq: u32,
    pub kind: Answer,
}

/// What the 2xx held, and of which INVITE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The INVITE that made the dialog.
    First { offered: bool },
    /// A re-INVITE.
    Again { offered: bool },
}

impl Answer {
    /// Whether the ACK must hold the peer's answer.
    fn offered(self) -> bool {
        matches!(self, Answer::First { offered: true } | Answer::Again { offered: true })
    }
}

/// Whether the dialog goes on after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    GoesOn,
    /// It must be ended with BYE.
    Over(Cause),
}

#[derive(Debug)]
pub(crate) struct Talk {
    pub dialog: Dialog,
    pub side: Side,
    pub exchange: Exchange,
    pub unacked: Option<Unacked>,
    /// The newest offer of ours that waits for its turn.
    pub next: Option<Bytes>,
    /// What we described last, for refreshes by re-INVITE.
    pub local: Option<Bytes>,
    /// What the peer described last.
    pub remote: Option<Bytes>,
    /// The peer's Allow names UPDATE.
    pub updates: bool,
    pub clock: Clock,
    /// How often the offer under way was turned away.
    pub retries: u8,
}

impl Talk {
    pub fn new(dialog: Dialog, side: Side, headers: &Headers) -> Talk {
        Talk {
            dialog,
            side,
            exchange: Exchange::First,
            unacked: None,
            next: None,
            local: None,
            remote: None,
            updates: clock::allows(headers, &Method::Update),
            clock: Clock::Off,
            retries: 0,
        }
    }

    pub fn deadline(&self) -> Option<Moment> {
        let exchange = match &self.exchange {
            Exchange::Ours(ours) => ours.until,
            Exchange::Again { at, .. } => Some(*at),
            Exchange::First | Exchange::Idle | Exchange::Theirs { .. } => None,
        };
        exchange.into_iter().chain(self.clock.deadline()).min()
    }

    pub fn handle_time(&mut self, desk: &mut Desk, stage: Stage) -> Verdict {
        match &self.exchange {
            Exchange::Ours(ours) if ours.until.is_some_and(|until| until <= desk.now) => {
                self.abandon(desk, stage)
            }
            Exchange::Again { at, .. } if *at <= desk.now => self.offer_again(desk, stage),
            _ => {}
        }
        match self.clock.due(desk.now) {
            Due::Nothing => Verdict::GoesOn,
            Due::Expiry => Verdict::Over(Cause::SessionExpired),
            Due::Refresh => {
                self.refresh(desk);
                Verdict::GoesOn
            }
        }
    }

    /// A re-INVITE (RFC 3261 §14.2).
    pub fn reinvited(&mut self, desk: &mut Desk, tx: ServerTx, request: Request, flow: Flow) {
        match (&self.exchange, self.side, self.unacked) {
            (Exchange::Ours(_), ..) | (Exchange::First, Side::Outgoing, _) => {
                return desk.say(tx, &request, 491);
            }
            (_, _, Some(Unacked { kind, .. })) if kind.offered() => return desk.say(tx, &request, 491),
            (Exchange::First | Exchange::Theirs { .. }, ..) => return desk.refuse_for_now(tx, &request),
            (Exchange::Idle | Exchange::Again { .. }, ..) => {}
        }
        if let Some(refusal) = reply::unreadable_body(&request).or_else(|| too_short(&request)) {
            return desk.respond(tx, refusal);
        }
        // Who invites again has seen our 2xx, even if the ACK was lost.
        if let Some(unacked) = self.unacked.take() {
            self.acknowledged(desk, unacked);
        }
        self.step_back();
        desk.index_server(tx);
        let event = match reply::sdp_of(&request.headers, &request.body) {
            Some(offer) => LegEvent::Offered { offer },
            None => LegEvent::OfferWanted,
        };
        self.exchange = Exchange::Theirs { tx, request, flow };
        desk.tell(event);
    }

    /// UPDATE (RFC 3311 §5.2).
    pub fn updated(&mut self, desk: &mut Desk, tx: ServerTx, request: Request, flow: Flow) {
        if let Some(refusal) = reply::unreadable_body(&request).or_else(|| too_short(&request)) {
            return desk.respond(tx, refusal);
        }
        let Some(offer) = reply::sdp_of(&request.headers, &request.body) else {
            return self.accept_refresh(desk, tx, &request, flow, None);
        };
        match (&self.exchange, self.side) {
            (Exchange::Ours(_), _) | (Exchange::First, Side::Outgoing) => desk.say(tx, &request, 491),
            (Exchange::First | Exchange::Theirs { .. }, _) => desk.refuse_for_now(tx, &request),
            _ if self.unacked.is_some_and(|unacked| unacked.kind.offered()) => desk.say(tx, &request, 491),
            (Exchange::Idle | Exchange::Again { .. }, _) => {
                self.step_back();
                self.exchange = Exchange::Theirs { tx, request, flow };
                desk.tell(LegEvent::Offered { offer });
            }
        }
    }

    /// The engine's word on the peer's offer.
    pub fn answer_offer(&mut self, desk: &mut Desk, answer: Result<Bytes, u16>, stage: Stage) {
        let (tx, request, flow) = match std::mem::replace(&mut self.exchange, Exchange::Idle) {
            Exchange::Theirs { tx, request, flow } => (tx, request, flow),
            other => {
                self.exchange = other;
                return;
            }
        };
        match answer {
            Ok(sdp) => {
                self.local = Some(sdp.clone());
                let offer = reply::sdp_of(&request.headers, &request.body);
                if request.method == Method::Invite {
                    let cseq = request.headers.cseq().map_or(0, |cseq: CSeq| cseq.number);
                    let kind = Answer::Again { offered: offer.is_none() };
                    self.unacked = Some(Unacked { tx, cseq, kind });
                }
                self.remote = offer.or_else(|| self.remote.take());
                self.accept_refresh(desk, tx, &request, flow, Some(sdp));
            }
            Err(status) => {
                desk.settle_server(tx);
                let mut response = request.response(status);
                if status == 488 {
                    response.headers.push(HeaderName::Accept, reply::SDP);
                }
                desk.respond(tx, response);
            }
        }
        self.flush(desk, stage);
    }

    /// 200 to a target refresh request, with its session timer.
    fn accept_refresh(
        &mut self,
        desk: &mut Desk,
        tx: ServerTx,
        request: &Request,
        flow: Flow,
        sdp: Option<Bytes>,
    ) {
        self.dialog.refresh(&request.headers, flow);
        if request.headers.get(&HeaderName::Allow).is_some() {
            self.updates = clock::allows(&request.headers, &Method::Update);
        }
        let agreed = match session_timer::judge(&request.headers) {
            Judgement::Agreed(agreed) => Some(agreed),
            Judgement::TooShort | Judgement::Without => None,
        };
        let mut response = reply::answer(request, &self.dialog, 200);
        clock::write_response(agreed, &mut response.headers);
        self.clock = Clock::started(desk.now, agreed);
        if let Some(sdp) = sdp {
            reply::describe(&mut response.headers, &mut response.body, sdp);
        }
        desk.respond(tx, response);
    }

    /// The peer's re-INVITE was cancelled before it was answered.
    pub fn cancelled(&mut self, desk: &mut Desk, cancelled: ServerTx, stage: Stage) {
        if !matches!(&self.exchange, Exchange::Theirs { tx, .. } if *tx == cancelled) {
            return;
        }
        self.answer_offer(desk, Err(487), stage);
    }

    /// An ACK of a 2xx.
    pub fn acked(&mut self, desk: &mut Desk, ack: &Request, stage: Stage) -> Verdict {
        let number = ack.headers.cseq().map_or(0, |cseq| cseq.number);
        let Some(unacked) = self.unacked.take_if(|unacked| unacked.cseq == number) else {
            return Verdict::GoesOn;
        };
        let answer = reply::sdp_of(&ack.headers, &ack.body).filter(|_| unacked.kind.offered());
        if answer.is_some() {
            self.remote.clone_from(&answer);
        }
        let verdict = match (unacked.kind, answer) {
            (Answer::First { offered: true }, None) => Verdict::Over(Cause::ProtocolError),
            (Answer::First { .. }, answer) => {
                desk.tell(LegEvent::Confirmed { answer });
                Verdict::GoesOn
            }
            (Answer::Again { offered: true }, None) => {
                desk.tell(LegEvent::OfferRefused { status: 488 });
                Verdict::GoesOn
            }
            (Answer::Again { .. }, Some(answer)) => {
                desk.tell(LegEvent::OfferAnswered { answer });
                Verdict::GoesOn
            }
            (Answer::Again { .. }, None) => Verdict::GoesOn,
        };
        desk.endpoint.acked(desk.now, unacked.tx);
        desk.settle_server(unacked.tx);
        if verdict == Verdict::GoesOn {
            self.flush(desk, stage);
        }
        verdict
    }

    /// An ACK that never came but is implied by what did.
    fn acknowledged(&mut self, desk: &mut Desk, unacked: Unacked) {
        desk.endpoint.acked(desk.now, unacked.tx);
        desk.settle_server(unacked.tx);
        if matches!(unacked.kind, Answer::First { .. }) {
            desk.tell(LegEvent::Confirmed { answer: None });
        }
    }

    /// Our waiting retry yields to the peer's offer and comes after it.
    fn step_back(&mut self) {
        if let Exchange::Again { sdp, purpose: Purpose::Offer, .. } =
            std::mem::replace(&mut self.exchange, Exchange::Idle)
        {
            self.next.get_or_insert(sdp);
        }
    }

    /// Settles what is under way, because the dialog ends: every request gets its final response, every
    /// transaction its end.
    pub fn give_up(&mut self, desk: &mut Desk, cause: Cause) {
        match std::mem::replace(&mut self.exchange, Exchange::Idle) {
            Exchange::Theirs { tx, request, .. } => {
                desk.settle_server(tx);
                desk.say(tx, &request, 487);
            }
            Exchange::Ours(ours) => ours.release(desk, &self.dialog, cause),
            Exchange::First | Exchange::Idle | Exchange::Again { .. } => {}
        }
        if let Some(unacked) = self.unacked.take() {
            desk.endpoint.acked(desk.now, unacked.tx);
            desk.settle_server(unacked.tx);
        }
    }

    /// Whether our first 2xx still awaits its ACK: no BYE may be sent before (RFC 3261 §15).
    pub fn awaits_first_ack(&self) -> Option<Unacked> {
        self.unacked.filter(|unacked| matches!(unacked.kind, Answer::First { .. }))
    }

    /// ACKs a 2xx to an INVITE of this dialog.
    pub fn ack(&self, desk: &mut Desk, tx: crate::sip::endpoint::ClientTx, invite: Request, cseq: u32) {
        let sent = Sent::new(invite, Cause::AnsweredElsewhere, desk.now + SETTLE);
        let ack = self.dialog.ack(cseq);
        let tag = self.dialog.id().remote_tag.clone();
        desk.ack(tx, sent, &tag, ack, self.dialog.flow());
    }

    /// How long an INVITE of ours inside this dialog may take.
    pub fn patience(desk: &Desk) -> Moment {
        desk.now + REOFFER
    }

    /// Reports that the peer ended it, for whichever reason its side has.
    pub fn left(&self, desk: &mut Desk) {
        let cause = match self.side {
            Side::Incoming => Cause::CallerHungUp,
            Side::Outgoing => Cause::AgentHungUp,
        };
        desk.ended(cause, EndedBy::Peer, None);
    }
}

/// 422 with Min-SE (RFC 4028 §9).
pub(crate) fn too_short(request: &Request) -> Option<Response> {
    (session_timer::judge(&request.headers) == Judgement::TooShort).then(|| {
        let mut response = request.response(422);
        response.headers.push(HeaderName::MinSe, session_timer::MIN_SECS.to_string());
        response
    })
}
