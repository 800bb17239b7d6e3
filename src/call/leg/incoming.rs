//! The peer's INVITE before our final response: 180, 183, 200 or a refusal, and what may cross them.

use bytes::Bytes;

use super::Leg;
use super::clock::{self, Clock};
use super::desk::Desk;
use super::limits::{SETTLE, STILL_RINGING};
use super::prack::{self, Held, Need, Reliable, Then};
use super::remains::Remains;
use super::reply;
use super::session::Session;
use super::talk::{Answer, Exchange, Side, Stage, Talk, Unacked, Verdict};
use crate::call::cause::Cause;
use crate::call::legs::EndedBy;
use crate::moment::Moment;
use crate::sip::dialog::Dialog;
use crate::sip::endpoint::ServerTx;
use crate::sip::message::{HeaderName, Request};
use crate::sip::session_timer::{self, Judgement};

/// What the caller was told so far.
#[derive(Debug)]
enum Told {
    Nothing,
    Ringing,
    /// Our answer, in a 183.
    Answer(Bytes),
}

#[derive(Debug)]
pub(crate) struct Incoming {
    tx: ServerTx,
    invite: Request,
    cseq: u32,
    pub talk: Talk,
    reliable: Reliable,
    told: Told,
    /// When to say again that it rings.
    again: Option<Moment>,
}

impl Incoming {
    pub fn new(desk: &mut Desk, tx: ServerTx, invite: Request, dialog: Dialog) -> Incoming {
        desk.index_server(tx);
        desk.index_dialog(dialog.id().clone());
        let mut talk = Talk::new(dialog, Side::Incoming, &invite.headers);
        talk.remote = reply::sdp_of(&invite.headers, &invite.body);
        Incoming {
            tx,
            cseq: invite.headers.cseq().map_or(0, |cseq| cseq.number),
            reliable: Reliable::of_invite(&invite.headers),
            invite,
            talk,
            told: Told::Nothing,
            again: None,
        }
    }

    pub fn deadline(&self) -> Option<Moment> {
        self.again.into_iter().chain(self.talk.deadline()).min()
    }

    pub fn handle_time(mut self: Box<Self>, desk: &mut Desk) -> Option<Leg> {
        if self.again.is_some_and(|at| at <= desk.now) {
            let status = if matches!(self.told, Told::Answer(_)) { 183 } else { 180 };
            let sdp = match &self.told {
                Told::Answer(sdp) if self.reliable == Reliable::Unsupported => Some(sdp.clone()),
                _ => None,
            };
            self.provisional(desk, status, sdp);
        }
        // An early dialog does not expire, and a re-offer that fails leaves the INVITE to decide.
        if self.talk.handle_time(desk, Stage::Early) != Verdict::GoesOn {
            self.talk.clock = Clock::Off;
        }
        Some(Leg::Incoming(self))
    }

    pub fn ring(&mut self, desk: &mut Desk) {
        if matches!(self.told, Told::Nothing) {
            self.told = Told::Ringing;
        }
        self.provisional(desk, 180, None);
    }

    /// Early media. A peer who wants our offer gets none before the 200; a second answer becomes a re-offer.
    pub fn progress(&mut self, desk: &mut Desk, sdp: Bytes) {
        if let Told::Answer(told) = &self.told {
            if *told != sdp {
                self.talk.offer(desk, sdp, Stage::Early);
            }
            return;
        }
        if self.talk.remote.is_none() {
            return self.provisional(desk, 183, None);
        }
        if let Reliable::Unacked { then, .. } = &mut self.reliable {
            *then = Then::Progress(sdp);
            return;
        }
        self.told = Told::Answer(sdp.clone());
        self.talk.local = Some(sdp.clone());
        self.provisional(desk, 183, Some(sdp));
    }

    /// Sends a provisional, reliably if it must be, or may be and holds SDP. One that must be and may not yet be
    /// is left out: the next one says it.
    fn provisional(&mut self, desk: &mut Desk, status: u16, sdp: Option<Bytes>) {
        self.again = Some(desk.now + STILL_RINGING);
        let mut response = reply::answer(&self.invite, &self.talk.dialog, status);
        let held = if sdp.is_some() { Held::Answer } else { Held::Nothing };
        match self.reliable {
            Reliable::Free { next, need } if need == Need::Required || held == Held::Answer => {
                response.headers.push(HeaderName::Require, "100rel");
                response.headers.push(HeaderName::RSeq, next.to_string());
                self.reliable = Reliable::Unacked { rseq: next, need, held, then: Then::Nothing };
            }
            Reliable::Unacked { need: Need::Required, .. } => return,
            Reliable::Free { .. } | Reliable::Unacked { .. } | Reliable::Unsupported => {}
        }
        if let Some(sdp) = sdp {
            reply::describe(&mut response.headers, &mut response.body, sdp);
        }
        desk.respond(self.tx, response);
    }

    pub fn pracked(mut self: Box<Self>, desk: &mut Desk, tx: ServerTx, request: &Request) -> Option<Leg> {
        if !self.reliable.matches(prack::rack(request), self.cseq) {
            desk.say(tx, request, 481);
            return Some(Leg::Incoming(self));
        }
        // An offer in a PRACK is refused; the provisional is acknowledged all the same.
        let status = if request.body.is_empty() { 200 } else { 488 };
        desk.say(tx, request, status);
        desk.endpoint.pracked(desk.now, self.tx);
        let Reliable::Unacked { rseq, need, held, then } = self.reliable else {
            return Some(Leg::Incoming(self));
        };
        self.reliable = Reliable::Free { next: rseq + 1, need };
        if held == Held::Answer && matches!(self.talk.exchange, Exchange::First) {
            self.talk.exchange = Exchange::Idle;
        }
        match then {
            Then::Accept(sdp) => return Some(self.answer(desk, sdp)),
            Then::Progress(sdp) => self.progress(desk, sdp),
            Then::Nothing => {}
        }
        self.talk.flush(desk, Stage::Early);
        Some(Leg::Incoming(self))
    }

    pub fn accept(mut self: Box<Self>, desk: &mut Desk, sdp: Bytes) -> Leg {
        if let Reliable::Unacked { held: Held::Answer, then, .. } = &mut self.reliable {
            *then = Then::Accept(sdp);
            return Leg::Incoming(self);
        }
        self.answer(desk, sdp)
    }

    fn answer(self: Box<Self>, desk: &mut Desk, sdp: Bytes) -> Leg {
        let Incoming { tx, invite, cseq, mut talk, reliable, told, .. } = *self;
        let offered = talk.remote.is_none();
        let body = match (told, &talk.exchange) {
            (Told::Answer(told), exchange) => {
                if told != sdp {
                    talk.next = Some(sdp);
                }
                // An answer that was PRACKed is not given twice.
                matches!(exchange, Exchange::First).then_some(told)
            }
            (Told::Nothing | Told::Ringing, _) => Some(sdp),
        };
        let agreed = match session_timer::judge(&invite.headers) {
            Judgement::Agreed(agreed) => Some(agreed),
            Judgement::TooShort | Judgement::Without => None,
        };
        let mut response = reply::answer(&invite, &talk.dialog, 200);
        clock::write_response(agreed, &mut response.headers);
        if let Some(body) = body {
            talk.local = Some(body.clone());
            reply::describe(&mut response.headers, &mut response.body, body);
        }
        desk.respond(tx, response);
        talk.clock = Clock::started(desk.now, agreed);
        talk.unacked = Some(Unacked { tx, cseq, kind: Answer::First { offered } });
        if matches!(talk.exchange, Exchange::First) {
            talk.exchange = Exchange::Idle;
        }
        Leg::Up(Box::new(Session { talk, reliable, invite: cseq }))
    }

    /// A final refusal of ours.
    pub fn reject(
        self: Box<Self>,
        desk: &mut Desk,
        cause: Cause,
        extra: &[(HeaderName, Bytes)],
    ) -> Option<Leg> {
        desk.ended(cause, EndedBy::Us, None);
        self.refuse(desk, cause.sip_status(), Some(cause), extra)
    }

    /// CANCEL, or BYE of a caller who would rather say it so (RFC 3261 §15.1.2).
    pub fn cancelled(self: Box<Self>, desk: &mut Desk) -> Option<Leg> {
        desk.ended(Cause::Cancelled, EndedBy::Peer, None);
        self.refuse(desk, 487, None, &[])
    }

    pub fn never_pracked(self: Box<Self>, desk: &mut Desk) -> Option<Leg> {
        desk.ended(Cause::NeverConfirmed, EndedBy::Fault, None);
        self.refuse(desk, 504, None, &[])
    }

    pub fn is_invite(&self, tx: ServerTx) -> bool {
        self.tx == tx
    }

    fn refuse(
        mut self: Box<Self>,
        desk: &mut Desk,
        status: u16,
        cause: Option<Cause>,
        extra: &[(HeaderName, Bytes)],
    ) -> Option<Leg> {
        self.talk.give_up(desk, cause.unwrap_or(Cause::Cancelled));
        desk.settle_server(self.tx);
        let mut response = self.invite.response(status).with_to_tag(&self.talk.dialog.id().local_tag);
        if let Some(cause) = cause {
            response.headers.push(HeaderName::Reason, cause.reason_header());
        }
        for (name, value) in extra {
            response.headers.push(name.clone(), value.clone());
        }
        desk.respond(self.tx, response);
        Some(Leg::Remains(Remains::Settled { until: desk.now + SETTLE }))
    }
}
