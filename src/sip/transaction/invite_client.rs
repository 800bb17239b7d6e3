//! The INVITE client transaction (RFC 3261 §17.1.1, RFC 6026 §7.2), with its CANCEL (§9.1).

use bytes::Bytes;

use super::ClientTurn;
use super::timer::{PATIENCE, Resend, TIMER_C, earliest};
use crate::moment::Moment;
use crate::sip::message::{HeaderName, Headers, Method, Request, Response};
use crate::sip::write;

/// An INVITE of ours, from its first sending until no copy of an answer can come any more.
#[derive(Clone, Debug)]
pub struct InviteClient {
    /// With its Via: ACK and CANCEL are made from it.
    request: Request,
    reliable: bool,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    /// Timers A (`resend`) and B (`give_up`).
    Calling {
        bytes: Bytes,
        resend: Option<Resend>,
        give_up: Moment,
        cancel: Option<Cancellation>,
    },
    /// Timer C.
    Proceeding {
        silent_until: Moment,
    },
    /// CANCEL is out; §9.1 allows 64*T1 for the final response.
    Cancelling {
        give_up: Moment,
    },
    /// Timer D; every copy of the response gets the ACK again.
    Completed {
        ack: Bytes,
        until: Moment,
    },
    /// Timer M; every 2xx is the user's.
    Accepted {
        until: Moment,
    },
    Over,
}

/// A CANCEL that waits for a provisional response.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cancellation {
    reason: Option<Bytes>,
}

impl InviteClient {
    /// `request` as `bytes`, which the caller has just sent.
    pub fn new(now: Moment, request: Request, bytes: Bytes, reliable: bool) -> InviteClient {
        let resend = (!reliable).then(|| Resend::doubling(now));
        let state = State::Calling { bytes, resend, give_up: now + PATIENCE, cancel: None };
        InviteClient { request, reliable, state }
    }

    /// A response with our branch came.
    pub fn receive(&mut self, now: Moment, response: &Response) -> ClientTurn {
        match (&mut self.state, response.status) {
            (State::Calling { cancel, .. }, ..200) => {
                let wish = cancel.take();
                self.state = State::Proceeding { silent_until: now + TIMER_C };
                match wish {
                    Some(wish) => ClientTurn { pass: true, ..self.send_cancel(now, wish.reason) },
                    None => ClientTurn::pass(),
                }
            }
            (State::Proceeding { silent_until }, status @ ..200) => {
                if status > 100 {
                    *silent_until = now + TIMER_C;
                }
                ClientTurn::pass()
            }
            (State::Cancelling { .. }, ..200) => ClientTurn::pass(),
            (State::Calling { .. } | State::Proceeding { .. } | State::Cancelling { .. }, 200..300) => {
                self.state = State::Accepted { until: now + PATIENCE };
                ClientTurn::pass()
            }
            (State::Calling { .. } | State::Proceeding { .. } | State::Cancelling { .. }, _) => {
                self.complete(now, response)
            }
            (State::Completed { ack, .. }, 300..) => ClientTurn::send(ack.clone()),
            (State::Accepted { .. }, 200..300) => ClientTurn::pass(),
            (State::Completed { .. } | State::Accepted { .. } | State::Over, _) => ClientTurn::nothing(),
        }
    }

    /// A refusal: ACK it, and stay to ACK its copies where the transport can make any.
    fn complete(&mut self, now: Moment, response: &Response) -> ClientTurn {
        let ack = write::request(&ack_of_refusal(&self.request, response));
        self.state = match self.reliable {
            true => State::Over,
            false => State::Completed { ack: ack.clone(), until: now + PATIENCE },
        };
        ClientTurn { send: Some(ack), pass: true, ..ClientTurn::default() }
    }

    /// CANCELs at once, after the next provisional, or not at all if the answer is already here.
    /// `reason`: the value of a Reason header (RFC 3326), so that a phone shows no missed call.
    pub fn cancel(&mut self, now: Moment, reason: Option<Bytes>) -> ClientTurn {
        match &mut self.state {
            State::Calling { cancel, .. } => {
                cancel.get_or_insert(Cancellation { reason });
                ClientTurn::nothing()
            }
            State::Proceeding { .. } => self.send_cancel(now, reason),
            _ => ClientTurn::nothing(),
        }
    }

    fn send_cancel(&mut self, now: Moment, reason: Option<Bytes>) -> ClientTurn {
        self.state = State::Cancelling { give_up: now + PATIENCE };
        ClientTurn { cancel: Some(cancel_of(&self.request, reason)), ..ClientTurn::default() }
    }

    /// Fires the timer that is due, if any.
    pub fn handle_time(&mut self, now: Moment) -> ClientTurn {
        match &mut self.state {
            State::Calling { give_up, .. } | State::Cancelling { give_up } if *give_up <= now => {
                self.state = State::Over;
                ClientTurn::timed_out()
            }
            State::Calling { bytes, resend: Some(resend), .. } if resend.is_due(now) => {
                resend.advance(now);
                ClientTurn::send(bytes.clone())
            }
            State::Proceeding { silent_until } if *silent_until <= now => self.send_cancel(now, None),
            State::Completed { until, .. } | State::Accepted { until } if *until <= now => {
                self.state = State::Over;
                ClientTurn::nothing()
            }
            _ => ClientTurn::nothing(),
        }
    }

    pub fn deadline(&self) -> Option<Moment> {
        match &self.state {
            State::Calling { resend, give_up, .. } => Some(earliest(*give_up, resend)),
            State::Proceeding { silent_until } => Some(*silent_until),
            State::Cancelling { give_up } => Some(*give_up),
            State::Completed { until, .. } | State::Accepted { until } => Some(*until),
            State::Over => None,
        }
    }

    /// Nothing more can happen: forget it.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// No response at all yet, and nobody wants it cancelled: it may still be sent another way.
    pub fn is_unheard(&self) -> bool {
        matches!(self.state, State::Calling { cancel: None, .. })
    }

    /// No final response yet.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Calling { .. } | State::Proceeding { .. } | State::Cancelling { .. })
    }
}

/// §17.1.1.3: the ACK of a refusal belongs to the INVITE's transaction and takes its branch.
fn ack_of_refusal(invite: &Request, response: &Response) -> Request {
    let mut ack = same_hop(invite, Method::Ack);
    if let Some(to) = response.headers.get(&HeaderName::To) {
        ack.headers.set(HeaderName::To, to.clone());
    }
    ack
}

/// §9.1: as the INVITE, hop by hop, without what asks for extensions.
fn cancel_of(invite: &Request, reason: Option<Bytes>) -> Request {
    let mut cancel = same_hop(invite, Method::Cancel);
    if let Some(reason) = reason {
        cancel.headers.push(HeaderName::Reason, reason);
    }
    cancel
}

/// What ACK and CANCEL share with their INVITE: target, top Via, Route, From, To, Call-ID and CSeq number.
fn same_hop(invite: &Request, method: Method) -> Request {
    let mut headers = Headers::default();
    if let Some(via) = invite.headers.get(&HeaderName::Via) {
        headers.push(HeaderName::Via, via.clone());
    }
    headers.push(HeaderName::MaxForwards, super::MAX_FORWARDS);
    for name in [HeaderName::Route, HeaderName::From, HeaderName::To, HeaderName::CallId] {
        for value in invite.headers.all(&name) {
            headers.push(name.clone(), value.clone());
        }
    }
    let number = invite.headers.cseq().map_or(0, |cseq| cseq.number);
    headers.push(HeaderName::CSeq, format!("{number} {}", method.as_str()));
    Request { method, uri: invite.uri.clone(), headers, body: Bytes::new() }
}
