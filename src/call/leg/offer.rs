//! Our re-offers and refreshes: re-INVITE, or UPDATE before the answer (RFC 3261 §14.1, RFC 3311, RFC 4028 §7.4).

use std::time::Duration;

use bytes::Bytes;

use super::clock::Clock;
use super::desk::{Desk, Owner};
use super::limits::{GIVEN_UP, RETRIES, RETRY_AFTER_SECS};
use super::prack::{Order, in_order};
use super::reply;
use super::sent::Sent;
use super::talk::{Exchange, Side, Stage, Talk, Verdict};
use crate::call::cause::Cause;
use crate::call::legs::LegEvent;
use crate::moment::Moment;
use crate::sip::dialog::Dialog;
use crate::sip::endpoint::{ClientTx, Failure};
use crate::sip::message::{HeaderName, Method, Request, Response};
use crate::sip::session_timer;
use crate::sip::transport::Flow;

/// Why we offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The engine wants it and is told how it went.
    Offer,
    /// The session timer wants it; only a changed answer is told.
    Refresh,
}

/// An offer of ours on its way.
#[derive(Debug)]
pub(crate) struct Ours {
    pub tx: ClientTx,
    /// As sent; the transaction's Via is not in it.
    request: Request,
    cseq: u32,
    purpose: Purpose,
    /// The last reliable provisional that was PRACKed.
    rseq: Option<u32>,
    /// The answer, if such a provisional held it.
    answer: Option<Bytes>,
    /// When an INVITE is given up; UPDATE has the transaction's own end.
    pub until: Option<Moment>,
}

impl Ours {
    /// Lets go of the transaction; a 2xx that still comes gets its ACK.
    pub fn release(self, desk: &mut Desk, dialog: &Dialog, cause: Cause) {
        if self.request.method != Method::Invite {
            desk.board.own(self.tx, Owner::Forgotten);
            return;
        }
        let mut sent = Sent::new(self.request, cause, desk.now + GIVEN_UP);
        sent.remember(&dialog.id().remote_tag, dialog.ack(self.cseq), dialog.flow());
        desk.cancel(self.tx, cause);
        desk.board.own(self.tx, Owner::Sent(Box::new(sent)));
    }
}

impl Talk {
    /// Offers `sdp` as soon as it may be; a newer offer replaces one that waits.
    pub fn offer(&mut self, desk: &mut Desk, sdp: Bytes, stage: Stage) {
        if let Exchange::Again { sdp: waiting, purpose, .. } = &mut self.exchange {
            *waiting = sdp;
            *purpose = Purpose::Offer;
            return;
        }
        self.next = Some(sdp);
        self.flush(desk, stage);
    }

    /// Sends the waiting offer if it is its turn.
    pub fn flush(&mut self, desk: &mut Desk, stage: Stage) {
        let free = matches!(self.exchange, Exchange::Idle) && self.unacked.is_none();
        let method = match stage {
            Stage::Confirmed => Method::Invite,
            Stage::Early if self.updates => Method::Update,
            Stage::Early => return,
        };
        if free && let Some(sdp) = self.next.take() {
            self.retries = 0;
            self.send_offer(desk, method, sdp, Purpose::Offer);
        }
    }

    fn send_offer(&mut self, desk: &mut Desk, method: Method, sdp: Bytes, purpose: Purpose) {
        let until = (method == Method::Invite).then(|| Talk::patience(desk));
        let mut request = self.dialog.request(method);
        reply::able(&mut request.headers, self.dialog.flow());
        self.clock.write_request(&mut request.headers);
        reply::describe(&mut request.headers, &mut request.body, sdp);
        let tx = desk.send(request.clone(), self.dialog.flow());
        let cseq = self.dialog.local_seq();
        self.exchange = Exchange::Ours(Ours { tx, request, cseq, purpose, rseq: None, answer: None, until });
    }

    /// The pause after 491 is over.
    pub fn offer_again(&mut self, desk: &mut Desk, stage: Stage) {
        if let Exchange::Again { sdp, purpose, .. } = std::mem::replace(&mut self.exchange, Exchange::Idle) {
            if self.unacked.is_some() {
                if purpose == Purpose::Offer {
                    self.next.get_or_insert(sdp);
                }
                return;
            }
            let method = if stage == Stage::Early { Method::Update } else { Method::Invite };
            self.send_offer(desk, method, sdp, purpose);
        }
    }

    /// The peer answers our re-INVITE with provisionals only, for too long.
    pub fn abandon(&mut self, desk: &mut Desk, stage: Stage) {
        if let Exchange::Ours(ours) = std::mem::replace(&mut self.exchange, Exchange::Idle) {
            let purpose = ours.purpose;
            ours.release(desk, &self.dialog, Cause::NoAnswer);
            self.refused(desk, purpose, 408, stage);
        }
    }

    fn refused(&mut self, desk: &mut Desk, purpose: Purpose, status: u16, stage: Stage) {
        if purpose == Purpose::Offer {
            desk.tell(LegEvent::OfferRefused { status });
        }
        self.flush(desk, stage);
    }

    /// Refreshes the session: by UPDATE if the peer has it, else by offering the same again.
    pub fn refresh(&mut self, desk: &mut Desk) {
        if self.updates {
            let mut request = self.dialog.request(Method::Update);
            reply::able(&mut request.headers, self.dialog.flow());
            self.clock.write_request(&mut request.headers);
            let tx = desk.send(request, self.dialog.flow());
            self.clock.set_update(Some(tx));
        } else if matches!(self.exchange, Exchange::Idle)
            && self.unacked.is_none()
            && let Some(sdp) = self.local.clone()
        {
            self.retries = 0;
            self.send_offer(desk, Method::Invite, sdp, Purpose::Refresh);
        }
    }

    /// A response to an offer or a refresh of ours.
    pub fn response(
        &mut self,
        desk: &mut Desk,
        tx: ClientTx,
        response: &Response,
        flow: Flow,
        stage: Stage,
    ) -> Verdict {
        if self.clock.awaits(tx) {
            return self.refresh_response(desk, response, flow);
        }
        let Exchange::Ours(ours) = &mut self.exchange else { return Verdict::GoesOn };
        if ours.tx != tx {
            return Verdict::GoesOn;
        }
        if response.is_provisional() {
            if let Order::Next(rseq) = in_order(ours.rseq, response) {
                ours.rseq = Some(rseq);
                ours.answer = ours.answer.take().or_else(|| reply::sdp_of(&response.headers, &response.body));
                desk.prack(&mut self.dialog, rseq, ours.cseq);
            }
            return Verdict::GoesOn;
        }
        let Exchange::Ours(ours) = std::mem::replace(&mut self.exchange, Exchange::Idle) else {
            return Verdict::GoesOn;
        };
        match response.status {
            200..300 => self.accepted(desk, ours, response, flow, stage),
            408 | 481 => return Verdict::Over(Cause::Unreachable),
            _ => self.turned_away(desk, ours, response, stage),
        }
        Verdict::GoesOn
    }

    fn accepted(&mut self, desk: &mut Desk, ours: Ours, response: &Response, flow: Flow, stage: Stage) {
        self.dialog.refresh(&response.headers, flow);
        self.clock = Clock::started(desk.now, session_timer::of_response(&response.headers));
        let Ours { tx, request, cseq, purpose, answer, .. } = ours;
        self.local = Some(request.body.clone());
        if request.method == Method::Invite {
            self.ack(desk, tx, request, cseq);
        }
        match (answer.or_else(|| reply::sdp_of(&response.headers, &response.body)), purpose) {
            (Some(answer), Purpose::Refresh) if self.remote.as_ref() == Some(&answer) => {}
            (Some(answer), _) => {
                self.remote = Some(answer.clone());
                desk.tell(LegEvent::OfferAnswered { answer });
            }
            (None, Purpose::Offer) => desk.tell(LegEvent::OfferRefused { status: 488 }),
            (None, Purpose::Refresh) => {}
        }
        self.flush(desk, stage);
    }

    fn turned_away(&mut self, desk: &mut Desk, ours: Ours, response: &Response, stage: Stage) {
        let Ours { request, purpose, .. } = ours;
        let pause = self.pause(desk, response);
        match pause {
            Some(pause) if self.retries < RETRIES => {
                self.retries += 1;
                let sdp = self.next.take().unwrap_or(request.body);
                self.exchange = Exchange::Again { at: desk.now + pause, sdp, purpose };
            }
            _ if matches!(response.status, 405 | 501) && request.method == Method::Update => {
                self.updates = false;
                self.next.get_or_insert(request.body);
            }
            _ => self.refused(desk, purpose, response.status, stage),
        }
    }

    /// How long to wait before the same again; `None` when it is of no use.
    fn pause(&mut self, desk: &mut Desk, response: &Response) -> Option<Duration> {
        match (response.status, self.side) {
            // RFC 3261 §14.1: 2.1 to 4 s for the owner of the Call-ID, else 0 to 2 s, in steps of 10 ms.
            (491, Side::Outgoing) => Some(Duration::from_millis(2_100 + 10 * desk.board.rng.below(191))),
            (491, Side::Incoming) => Some(Duration::from_millis(10 * desk.board.rng.below(201))),
            (500 | 503, _) => {
                let secs = response.headers.text(&HeaderName::RetryAfter)?;
                let secs = secs.split([';', '(', ' ']).next().unwrap_or_default().parse::<u32>().ok()?;
                (secs <= RETRY_AFTER_SECS).then(|| Duration::from_secs(u64::from(secs)))
            }
            (422, _) => {
                self.clock
                    .lengthen(desk.now + Duration::from_secs(1), session_timer::min_se(&response.headers));
                Some(Duration::ZERO)
            }
            _ => None,
        }
    }

    fn refresh_response(&mut self, desk: &mut Desk, response: &Response, flow: Flow) -> Verdict {
        if response.is_provisional() {
            return Verdict::GoesOn;
        }
        self.clock.set_update(None);
        match response.status {
            200..300 => {
                self.dialog.refresh(&response.headers, flow);
                self.clock = Clock::started(desk.now, session_timer::of_response(&response.headers));
            }
            408 | 481 => return Verdict::Over(Cause::Unreachable),
            422 => self.clock.lengthen(desk.now, session_timer::min_se(&response.headers)),
            405 | 501 => {
                self.updates = false;
                self.refresh(desk);
            }
            // Tried again soon, until the session runs out.
            _ => {}
        }
        Verdict::GoesOn
    }

    /// A request of ours inside the dialog got no final response.
    pub fn failed(&mut self, desk: &mut Desk, tx: ClientTx, failure: Failure, stage: Stage) -> Verdict {
        let refresh = self.clock.awaits(tx);
        if refresh {
            self.clock.set_update(None);
        } else if !matches!(&self.exchange, Exchange::Ours(ours) if ours.tx == tx) {
            return Verdict::GoesOn;
        }
        match failure {
            Failure::TimedOut => {
                if !refresh {
                    self.exchange = Exchange::Idle;
                }
                Verdict::Over(Cause::Unreachable)
            }
            Failure::Unreachable if refresh => Verdict::GoesOn,
            Failure::Unreachable => {
                if let Exchange::Ours(ours) = std::mem::replace(&mut self.exchange, Exchange::Idle) {
                    self.refused(desk, ours.purpose, 503, stage);
                }
                Verdict::GoesOn
            }
        }
    }
}
