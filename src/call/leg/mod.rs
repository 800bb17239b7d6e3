//! One leg: its states, and the table of what happens in which.
//!
//! `invitation`: may an INVITE become a leg. `incoming`, `outgoing`: before the final response. `session`: after it.
//! `talk`: a dialog with its offers (`offer`) and session timer (`clock`). `prack`: reliable provisionals.
//! `remains`, `sent`: what outlives a leg. `desk`: indexes and outbox. `reply`, `info`: wording and reading.

mod clock;
pub(crate) mod desk;
mod incoming;
mod info;
pub(crate) mod invitation;
pub(crate) mod limits;
mod offer;
mod outgoing;
mod prack;
mod remains;
mod reply;
mod sent;
mod session;
mod talk;
#[cfg(test)]
mod tests;

use bytes::Bytes;

use self::desk::Desk;
pub(crate) use self::incoming::Incoming;
use self::info::Info;
pub(crate) use self::outgoing::Outgoing;
use self::remains::Remains;
use self::session::Session;
use self::talk::{Stage, Talk};
use super::cause::Cause;
use super::legs::LegEvent;
use crate::moment::Moment;
use crate::sip::dialog::DialogId;
use crate::sip::endpoint::{ClientTx, Failure, ServerTx};
use crate::sip::message::{HeaderName, Method, Request, Response};
use crate::sip::transport::Flow;

/// A leg's state. A step takes it and gives the next, or `None` when the leg is gone.
#[derive(Debug)]
pub(crate) enum Leg {
    /// The peer's INVITE, unanswered.
    Incoming(Box<Incoming>),
    /// Our INVITE, unanswered.
    Outgoing(Box<Outgoing>),
    Up(Box<Session>),
    /// `Ended` was told.
    Remains(Remains),
}

impl Leg {
    pub fn is_held(&self) -> bool {
        !matches!(self, Leg::Remains(_))
    }

    /// A refused INVITE that is only remembered.
    pub fn is_settled(&self) -> bool {
        matches!(self, Leg::Remains(Remains::Settled { .. }))
    }

    pub fn deadline(&self) -> Option<Moment> {
        match self {
            Leg::Incoming(leg) => leg.deadline(),
            Leg::Outgoing(leg) => leg.deadline(),
            Leg::Up(leg) => leg.talk.deadline(),
            Leg::Remains(remains) => remains.deadline(),
        }
    }

    pub fn handle_time(self, desk: &mut Desk) -> Option<Leg> {
        match self {
            Leg::Incoming(leg) => leg.handle_time(desk),
            Leg::Outgoing(leg) => leg.handle_time(desk),
            Leg::Up(leg) => leg.handle_time(desk),
            Leg::Remains(remains) => remains.handle_time(desk),
        }
    }

    /// A request inside one of this leg's dialogs.
    pub fn request(
        mut self,
        desk: &mut Desk,
        id: &DialogId,
        tx: ServerTx,
        request: Request,
        flow: Flow,
    ) -> Option<Leg> {
        if let Leg::Remains(remains) = self {
            return remains.request(desk, tx, &request);
        }
        let Some(talk) = self.talk(id) else {
            desk.say(tx, &request, 481);
            return Some(self);
        };
        if talk.dialog.admit(&request).is_err() {
            desk.say(tx, &request, 500);
            return Some(self);
        }
        if let Some(refusal) = reply::unsupported(&request) {
            desk.respond(tx, refusal);
            return Some(self);
        }
        match &request.method {
            Method::Bye => return self.left(desk, tx, &request),
            Method::Prack => return self.pracked(desk, tx, &request),
            Method::Invite => talk.reinvited(desk, tx, request, flow),
            Method::Update => talk.updated(desk, tx, request, flow),
            Method::Options => {
                let mut response = reply::answer(&request, &talk.dialog, 200);
                response.headers.push(HeaderName::Accept, reply::SDP);
                desk.respond(tx, response);
            }
            Method::Info => informed(desk, tx, &request),
            Method::Notify => notified(desk, tx, &request),
            Method::Refer => desk.say(tx, &request, 603),
            Method::Other(_) => refuse_method(desk, tx, &request, 501),
            Method::Ack
            | Method::Cancel
            | Method::Register
            | Method::Subscribe
            | Method::Message
            | Method::Publish => refuse_method(desk, tx, &request, 405),
        }
        Some(self)
    }

    fn talk(&mut self, id: &DialogId) -> Option<&mut Talk> {
        match self {
            Leg::Incoming(leg) => Some(&mut leg.talk),
            Leg::Outgoing(leg) => leg.talk(&id.remote_tag),
            Leg::Up(leg) => Some(&mut leg.talk).filter(|talk| talk.dialog.id() == id),
            Leg::Remains(_) => None,
        }
    }

    /// BYE.
    fn left(self, desk: &mut Desk, tx: ServerTx, request: &Request) -> Option<Leg> {
        match self {
            Leg::Incoming(leg) => {
                desk.say(tx, request, 200);
                leg.cancelled(desk)
            }
            Leg::Outgoing(leg) => leg.left(desk, tx, request),
            Leg::Up(leg) => leg.left(desk, tx, request),
            Leg::Remains(remains) => remains.request(desk, tx, request),
        }
    }

    fn pracked(self, desk: &mut Desk, tx: ServerTx, request: &Request) -> Option<Leg> {
        match self {
            Leg::Incoming(leg) => leg.pracked(desk, tx, request),
            Leg::Up(leg) => leg.pracked(desk, tx, request),
            other => {
                desk.say(tx, request, 481);
                Some(other)
            }
        }
    }

    pub fn response(self, desk: &mut Desk, tx: ClientTx, response: &Response, flow: Flow) -> Option<Leg> {
        match self {
            Leg::Incoming(mut leg) => {
                // An UPDATE that fails before the answer leaves the call to the INVITE.
                let _ = leg.talk.response(desk, tx, response, flow, Stage::Early);
                Some(Leg::Incoming(leg))
            }
            Leg::Outgoing(leg) => leg.response(desk, tx, response, flow),
            Leg::Up(mut leg) => {
                let verdict = leg.talk.response(desk, tx, response, flow, Stage::Confirmed);
                leg.go_on(desk, verdict)
            }
            Leg::Remains(remains) if response.is_provisional() => Some(Leg::Remains(remains)),
            Leg::Remains(remains) => remains.closed(tx),
        }
    }

    pub fn failed(self, desk: &mut Desk, tx: ClientTx, failure: Failure) -> Option<Leg> {
        match self {
            Leg::Incoming(mut leg) => {
                // As above: the INVITE decides.
                let _ = leg.talk.failed(desk, tx, failure, Stage::Early);
                Some(Leg::Incoming(leg))
            }
            Leg::Outgoing(leg) => leg.failed(desk, tx, failure),
            Leg::Up(mut leg) => {
                let verdict = leg.talk.failed(desk, tx, failure, Stage::Confirmed);
                leg.go_on(desk, verdict)
            }
            Leg::Remains(remains) => remains.closed(tx),
        }
    }

    /// CANCEL. One that crossed our 200 changes nothing (RFC 3261 §9.2): the caller sends BYE.
    pub fn cancelled(self, desk: &mut Desk, tx: ServerTx) -> Option<Leg> {
        match self {
            Leg::Incoming(leg) if leg.is_invite(tx) => leg.cancelled(desk),
            Leg::Up(mut leg) => {
                leg.talk.cancelled(desk, tx, Stage::Confirmed);
                Some(Leg::Up(leg))
            }
            other => Some(other),
        }
    }

    pub fn acked(self, desk: &mut Desk, ack: &Request) -> Option<Leg> {
        match self {
            Leg::Up(mut leg) => {
                let verdict = leg.talk.acked(desk, ack, Stage::Confirmed);
                leg.go_on(desk, verdict)
            }
            Leg::Remains(remains) => remains.acked(desk, ack),
            other => Some(other),
        }
    }

    pub fn never_acked(self, desk: &mut Desk, tx: ServerTx) -> Option<Leg> {
        match self {
            Leg::Up(leg) => leg.never_acked(desk, tx),
            Leg::Remains(remains) => remains.never_acked(desk),
            other => Some(other),
        }
    }

    pub fn never_pracked(self, desk: &mut Desk, tx: ServerTx) -> Option<Leg> {
        match self {
            Leg::Incoming(leg) if leg.is_invite(tx) => leg.never_pracked(desk),
            other => Some(other),
        }
    }

    pub fn accept(self, desk: &mut Desk, sdp: Bytes) -> Option<Leg> {
        match self {
            Leg::Incoming(leg) => Some(leg.accept(desk, sdp)),
            other => Some(other),
        }
    }

    pub fn hang_up(self, desk: &mut Desk, cause: Cause, extra: &[(HeaderName, Bytes)]) -> Option<Leg> {
        match self {
            Leg::Incoming(leg) => leg.reject(desk, cause, extra),
            Leg::Outgoing(leg) => leg.hang_up(desk, cause),
            Leg::Up(leg) => leg.hang_up(desk, cause),
            Leg::Remains(remains) => Some(Leg::Remains(remains)),
        }
    }

    pub fn offer(&mut self, desk: &mut Desk, sdp: Bytes) {
        match self {
            Leg::Incoming(leg) => leg.talk.offer(desk, sdp, Stage::Early),
            Leg::Outgoing(leg) => leg.offer(desk, sdp),
            Leg::Up(leg) => leg.talk.offer(desk, sdp, Stage::Confirmed),
            Leg::Remains(_) => {}
        }
    }

    pub fn answer_offer(&mut self, desk: &mut Desk, answer: Result<Bytes, u16>) {
        match self {
            Leg::Incoming(leg) => leg.talk.answer_offer(desk, answer, Stage::Early),
            Leg::Outgoing(leg) => leg.answer_offer(desk, answer),
            Leg::Up(leg) => leg.talk.answer_offer(desk, answer, Stage::Confirmed),
            Leg::Remains(_) => {}
        }
    }
}

fn informed(desk: &mut Desk, tx: ServerTx, request: &Request) {
    match info::read(request) {
        Info::Empty => desk.say(tx, request, 200),
        Info::Key { symbol, millis } => {
            desk.say(tx, request, 200);
            desk.tell(LegEvent::Digit { symbol, millis });
        }
        Info::Unreadable => desk.say(tx, request, 400),
        Info::Unknown => {
            let mut response = request.response(415);
            response.headers.push(HeaderName::Accept, info::ACCEPT);
            desk.respond(tx, response);
        }
    }
}

/// Phones tell of transfers and keep NAT open by NOTIFY without subscription; other events are unknown here.
fn notified(desk: &mut Desk, tx: ServerTx, request: &Request) {
    let event = request.headers.text(&HeaderName::Event).unwrap_or_default();
    let package = event.split(';').next().unwrap_or_default().trim();
    let known = ["refer", "keep-alive"].iter().any(|name| package.eq_ignore_ascii_case(name));
    desk.say(tx, request, if known { 200 } else { 489 });
}

fn refuse_method(desk: &mut Desk, tx: ServerTx, request: &Request, status: u16) {
    let mut response = request.response(status);
    response.headers.push(HeaderName::Allow, reply::ALLOW);
    desk.respond(tx, response);
}
