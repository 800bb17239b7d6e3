//! Our INVITE until its final response: forks, early media, refusals (RFC 3261 §13.2.2).

use std::collections::BTreeMap;

use bytes::Bytes;

use super::Leg;
use super::clock::{self, Clock};
use super::desk::{Desk, Owner};
use super::limits::{FORKS, GIVEN_UP, LONGER_SESSIONS};
use super::prack::{Order, Reliable, in_order};
use super::remains::Remains;
use super::reply;
use super::sent::Sent;
use super::session::Session;
use super::talk::{Exchange, Side, Stage, Talk, Verdict};
use crate::call::cause::Cause;
use crate::call::legs::{EndedBy, Invite, LegEvent};
use crate::moment::Moment;
use crate::sip::dialog::Dialog;
use crate::sip::endpoint::{ClientTx, Failure, ServerTx};
use crate::sip::message::{HeaderName, Headers, Method, Request, Response};
use crate::sip::session_timer::{self, Agreement};
use crate::sip::transport::Flow;

/// One early dialog.
#[derive(Debug)]
struct Fork {
    talk: Talk,
    /// The last reliable provisional that was PRACKed.
    rseq: Option<u32>,
}

/// What the phone said so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    Nothing,
    /// Any provisional.
    Trying,
    Ringing,
}

#[derive(Debug)]
pub(crate) struct Outgoing {
    tx: ClientTx,
    /// As sent but for Via.
    invite: Request,
    flow: Flow,
    cseq: u32,
    forks: BTreeMap<Box<str>, Fork>,
    heard: Heard,
    /// The answer told by `EarlyMedia`.
    early: Option<Bytes>,
    /// An offer that waits for the session.
    next: Option<Bytes>,
    /// How often 422 was obeyed.
    longer: u8,
}

/// The INVITE without CSeq and Session-Expires, which change when it is sent again.
fn worded(desk: &mut Desk, invite: &Invite) -> Request {
    let mut headers = Headers::default();
    let display = invite.from_display.as_deref().map(quoted).unwrap_or_default();
    let tag = desk.board.rng.token(8);
    headers.push(HeaderName::From, format!("{display}<{}>;tag={tag}", invite.from));
    headers.push(HeaderName::To, format!("<{}>", invite.to));
    headers.push(HeaderName::CallId, desk.board.rng.token(16));
    reply::able(&mut headers, invite.flow);
    for (name, value) in &invite.extra {
        headers.push(name.clone(), value.clone());
    }
    let mut request =
        Request { method: Method::Invite, uri: invite.target.clone(), headers, body: Bytes::new() };
    reply::describe(&mut request.headers, &mut request.body, invite.offer.clone());
    request
}

/// A display name as a quoted string (RFC 3261 §25.1); control characters are dropped.
fn quoted(name: &str) -> String {
    let mut text = String::from("\"");
    for symbol in name.chars().filter(|symbol| !symbol.is_control()) {
        if matches!(symbol, '"' | '\\') {
            text.push('\\');
        }
        text.push(symbol);
    }
    text.push_str("\" ");
    text
}

impl Outgoing {
    pub fn new(desk: &mut Desk, invite: &Invite) -> Outgoing {
        let mut request = worded(desk, invite);
        request.headers.push(HeaderName::CSeq, "1 INVITE");
        request.headers.push(HeaderName::SessionExpires, Agreement::proposal(0).in_request());
        let tx = desk.send(request.clone(), invite.flow);
        Outgoing {
            tx,
            invite: request,
            flow: invite.flow,
            cseq: 1,
            forks: BTreeMap::new(),
            heard: Heard::Nothing,
            early: None,
            next: None,
            longer: 0,
        }
    }

    pub fn deadline(&self) -> Option<Moment> {
        self.forks.values().filter_map(|fork| fork.talk.deadline()).min()
    }

    pub fn handle_time(mut self: Box<Self>, desk: &mut Desk) -> Option<Leg> {
        for fork in self.forks.values_mut() {
            // What goes wrong in an early dialog is the INVITE's to decide.
            if fork.talk.handle_time(desk, Stage::Early) != Verdict::GoesOn {
                fork.talk.clock = Clock::Off;
            }
        }
        Some(Leg::Outgoing(self))
    }

    pub fn talk(&mut self, remote_tag: &str) -> Option<&mut Talk> {
        self.forks.get_mut(remote_tag).map(|fork| &mut fork.talk)
    }

    /// Before the answer only a settled early dialog can take an offer; else it waits for the session.
    pub fn offer(&mut self, desk: &mut Desk, sdp: Bytes) {
        let settled = self
            .forks
            .values_mut()
            .find(|fork| fork.talk.updates && !matches!(fork.talk.exchange, Exchange::First));
        match settled {
            Some(fork) => fork.talk.offer(desk, sdp, Stage::Early),
            None => self.next = Some(sdp),
        }
    }

    pub fn answer_offer(&mut self, desk: &mut Desk, answer: Result<Bytes, u16>) {
        let asked =
            self.forks.values_mut().find(|fork| matches!(fork.talk.exchange, Exchange::Theirs { .. }));
        if let Some(fork) = asked {
            fork.talk.answer_offer(desk, answer, Stage::Early);
        }
    }

    pub fn response(
        mut self: Box<Self>,
        desk: &mut Desk,
        tx: ClientTx,
        response: &Response,
        flow: Flow,
    ) -> Option<Leg> {
        if tx != self.tx {
            for fork in self.forks.values_mut() {
                // What goes wrong in an early dialog is the INVITE's to decide.
                let _ = fork.talk.response(desk, tx, response, flow, Stage::Early);
            }
            return Some(Leg::Outgoing(self));
        }
        match response.status {
            ..200 => {
                self.provisional(desk, response, flow);
                Some(Leg::Outgoing(self))
            }
            200..300 => self.answered(desk, response, flow),
            422 if self.longer < LONGER_SESSIONS => Some(self.invite_longer(desk, response)),
            status => {
                self.drop_forks(desk, Cause::of_refusal(status));
                desk.ended(Cause::of_refusal(status), EndedBy::Peer, Some(status));
                None
            }
        }
    }

    fn provisional(&mut self, desk: &mut Desk, response: &Response, flow: Flow) {
        self.heard = if self.heard == Heard::Nothing { Heard::Trying } else { self.heard };
        let sdp = reply::sdp_of(&response.headers, &response.body);
        if let Some(fork) = self.fork(desk, response, flow) {
            let order = in_order(fork.rseq, response);
            match order {
                Order::Astray => return,
                Order::Unreliable => {}
                Order::Next(rseq) => {
                    fork.rseq = Some(rseq);
                    let cseq = self.cseq;
                    if let Some(fork) = self.fork(desk, response, flow) {
                        desk.prack(&mut fork.talk.dialog, rseq, cseq);
                        if sdp.is_some() && matches!(fork.talk.exchange, Exchange::First) {
                            fork.talk.exchange = Exchange::Idle;
                        }
                    }
                }
            }
        }
        match sdp {
            Some(answer) => {
                let offer = self.invite.body.clone();
                if let Some(fork) = self.fork(desk, response, flow) {
                    fork.talk.local = Some(offer);
                    fork.talk.remote.get_or_insert_with(|| answer.clone());
                }
                if self.early.is_none() {
                    self.early = Some(answer.clone());
                    desk.tell(LegEvent::EarlyMedia { answer });
                }
            }
            None if response.status == 180 && self.heard != Heard::Ringing => {
                self.heard = Heard::Ringing;
                desk.tell(LegEvent::Ringing);
            }
            None => {}
        }
    }

    /// The early dialog of a provisional, made if it is new; `None` without a To tag, or beyond `FORKS`.
    fn fork(&mut self, desk: &mut Desk, response: &Response, flow: Flow) -> Option<&mut Fork> {
        if response.status == 100 {
            return None;
        }
        let to = response.headers.to().ok()?;
        let tag: Box<str> = to.tag()?.into();
        if !self.forks.contains_key(&tag) {
            if self.forks.len() >= FORKS {
                return None;
            }
            let dialog = Dialog::uac(&self.invite, response, flow).ok()?;
            desk.index_dialog(dialog.id().clone());
            let talk = Talk::new(dialog, Side::Outgoing, &response.headers);
            self.forks.insert(tag.clone(), Fork { talk, rseq: None });
        }
        self.forks.get_mut(&tag)
    }

    fn answered(mut self: Box<Self>, desk: &mut Desk, response: &Response, flow: Flow) -> Option<Leg> {
        let tag =
            response.headers.to().ok().and_then(|to| to.tag().map(Box::<str>::from)).unwrap_or_default();
        let known = self.forks.remove(&tag).map(|fork| fork.talk);
        self.drop_forks(desk, Cause::AnsweredElsewhere);
        let talk = match known {
            Some(mut talk) => {
                // A 2xx whose routes cannot be read is followed along those of its provisional.
                let _ = talk.dialog.confirm(response);
                talk.dialog.refresh(&response.headers, flow);
                talk
            }
            None => match Dialog::uac(&self.invite, response, flow) {
                Ok(dialog) => {
                    desk.index_dialog(dialog.id().clone());
                    Talk::new(dialog, Side::Outgoing, &response.headers)
                }
                Err(_) => {
                    desk.ended(Cause::ProtocolError, EndedBy::Fault, Some(response.status));
                    return None;
                }
            },
        };
        self.settle(desk, talk, response)
    }

    fn settle(self: Box<Self>, desk: &mut Desk, mut talk: Talk, response: &Response) -> Option<Leg> {
        let Outgoing { tx, invite, cseq, early, next, .. } = *self;
        let offer = invite.body.clone();
        talk.ack(desk, tx, invite, cseq);
        talk.updates |= clock::allows(&response.headers, &Method::Update);
        talk.clock = Clock::started(desk.now, session_timer::of_response(&response.headers));
        if matches!(talk.exchange, Exchange::First) {
            talk.exchange = Exchange::Idle;
            talk.local = Some(offer);
        }
        // The first answer of a dialog stands; a 2xx may only repeat it (§13.2.1).
        let answer = talk.remote.clone().or_else(|| reply::sdp_of(&response.headers, &response.body));
        let Some(answer) = answer else {
            desk.ended(Cause::ProtocolError, EndedBy::Fault, Some(response.status));
            let bye = desk.bye(&mut talk.dialog, Cause::ProtocolError);
            return Some(Leg::Remains(Remains::Leaving { bye }));
        };
        talk.remote = Some(answer.clone());
        desk.tell(LegEvent::Answered { answer: (early.as_ref() != Some(&answer)).then_some(answer) });
        talk.next = next.or(talk.next);
        talk.flush(desk, Stage::Confirmed);
        Some(Leg::Up(Box::new(Session { talk, reliable: Reliable::Unsupported, invite: cseq })))
    }

    /// 422: the same again with the interval the peer asks for (RFC 4028 §7.3).
    fn invite_longer(mut self: Box<Self>, desk: &mut Desk, response: &Response) -> Leg {
        let min_secs = session_timer::min_se(&response.headers);
        self.longer += 1;
        self.cseq += 1;
        let headers = &mut self.invite.headers;
        headers.set(HeaderName::CSeq, format!("{} INVITE", self.cseq));
        headers.set(HeaderName::SessionExpires, Agreement::proposal(min_secs).in_request());
        headers.set(HeaderName::MinSe, min_secs.to_string());
        self.tx = desk.send(self.invite.clone(), self.flow);
        Leg::Outgoing(self)
    }

    pub fn failed(mut self: Box<Self>, desk: &mut Desk, tx: ClientTx, failure: Failure) -> Option<Leg> {
        if tx != self.tx {
            for fork in self.forks.values_mut() {
                // As above: the INVITE decides.
                let _ = fork.talk.failed(desk, tx, failure, Stage::Early);
            }
            return Some(Leg::Outgoing(self));
        }
        let cause = match (failure, self.heard) {
            (Failure::Unreachable, _) | (Failure::TimedOut, Heard::Nothing) => Cause::Unreachable,
            (Failure::TimedOut, Heard::Trying | Heard::Ringing) => Cause::NoAnswer,
        };
        self.drop_forks(desk, cause);
        desk.ended(cause, EndedBy::Fault, None);
        None
    }

    /// CANCEL; a 2xx that crosses it gets its ACK and BYE from `Sent`.
    pub fn hang_up(mut self: Box<Self>, desk: &mut Desk, cause: Cause) -> Option<Leg> {
        self.drop_forks(desk, cause);
        desk.ended(cause, EndedBy::Us, None);
        desk.cancel(self.tx, cause);
        let sent = Sent::new(self.invite, cause, desk.now + GIVEN_UP);
        desk.board.own(self.tx, Owner::Sent(Box::new(sent)));
        None
    }

    /// A phone that rings has no BYE to send (§15); it gets its 200 and the INVITE is cancelled.
    pub fn left(mut self: Box<Self>, desk: &mut Desk, tx: ServerTx, request: &Request) -> Option<Leg> {
        desk.say(tx, request, 200);
        self.drop_forks(desk, Cause::ProtocolError);
        desk.ended(Cause::Declined, EndedBy::Peer, None);
        desk.cancel(self.tx, Cause::Declined);
        let sent = Sent::new(self.invite, Cause::Declined, desk.now + GIVEN_UP);
        desk.board.own(self.tx, Owner::Sent(Box::new(sent)));
        None
    }

    fn drop_forks(&mut self, desk: &mut Desk, cause: Cause) {
        for fork in self.forks.values_mut() {
            fork.talk.give_up(desk, cause);
        }
        self.forks.clear();
    }
}
