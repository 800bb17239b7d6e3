//! The INVITE server transaction (RFC 3261 §17.2.1, RFC 6026 §7.1), with what a user agent adds to it:
//! 2xx until the ACK (§13.3.1.4) and reliable provisionals until the PRACK (RFC 3262 §3).

use bytes::Bytes;

use super::timer::{PATIENCE, Resend, T4, earliest};
use super::{ServerTell, ServerTurn};
use crate::moment::Moment;

/// A peer's INVITE.
#[derive(Clone, Debug)]
pub struct InviteServer {
    reliable: bool,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    /// `provisional`: what copies of the INVITE get; at first our 100.
    Proceeding {
        provisional: Bytes,
        unpracked: Option<Repeated>,
        cancelled: bool,
    },
    /// Refused. Timers G (`resend`) and H (`until`).
    Completed {
        refusal: Bytes,
        resend: Option<Resend>,
        until: Moment,
    },
    /// ACK of the refusal came. Timer I: further copies of it are absorbed.
    Confirmed {
        until: Moment,
    },
    /// Accepted. Timer L; `unacked` is the 2xx until its ACK.
    Accepted {
        unacked: Option<Repeated>,
        until: Moment,
    },
    Over,
}

/// A response repeated until the far end says it has it, whatever the transport: it may be many hops away.
#[derive(Clone, Debug)]
struct Repeated {
    bytes: Bytes,
    resend: Resend,
    give_up: Moment,
}

/// How the user answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Provisional,
    /// With Require: 100rel and RSeq.
    ReliableProvisional,
    Success,
    Refusal,
}

impl InviteServer {
    /// `trying`: the 100, which the caller has just sent.
    pub fn new(trying: Bytes, reliable: bool) -> InviteServer {
        let state = State::Proceeding { provisional: trying, unpracked: None, cancelled: false };
        InviteServer { reliable, state }
    }

    /// A copy of the INVITE came.
    pub fn receive_again(&self) -> ServerTurn {
        match &self.state {
            State::Proceeding { provisional: bytes, .. } | State::Completed { refusal: bytes, .. } => {
                ServerTurn::send(bytes.clone())
            }
            State::Confirmed { .. } | State::Accepted { .. } | State::Over => ServerTurn::nothing(),
        }
    }

    /// An ACK that belongs to this transaction came. `true`: it is for a 2xx, and the user's to judge.
    pub fn receive_ack(&mut self, now: Moment) -> bool {
        match &self.state {
            State::Completed { .. } => {
                self.state = match self.reliable {
                    true => State::Over,
                    false => State::Confirmed { until: now + T4 },
                };
                false
            }
            State::Accepted { .. } => true,
            State::Proceeding { .. } | State::Confirmed { .. } | State::Over => false,
        }
    }

    /// A CANCEL for it came; it has been answered.
    pub fn receive_cancel(&mut self) -> ServerTurn {
        match &mut self.state {
            State::Proceeding { cancelled, .. } if !*cancelled => {
                *cancelled = true;
                ServerTurn::tell(ServerTell::Cancelled)
            }
            _ => ServerTurn::nothing(),
        }
    }

    /// The user answers with `bytes`. After a final answer nothing else is sent.
    pub fn respond(&mut self, now: Moment, answer: Answer, bytes: Bytes) -> ServerTurn {
        let State::Proceeding { provisional, unpracked, .. } = &mut self.state else {
            return ServerTurn::nothing();
        };
        match answer {
            Answer::Provisional => *provisional = bytes.clone(),
            Answer::ReliableProvisional => {
                *provisional = bytes.clone();
                *unpracked = Some(Repeated::new(now, bytes.clone(), Resend::doubling(now)));
            }
            Answer::Success => {
                let unacked = Some(Repeated::new(now, bytes.clone(), Resend::doubling_to_t2(now)));
                self.state = State::Accepted { unacked, until: now + PATIENCE };
            }
            Answer::Refusal => {
                let resend = (!self.reliable).then(|| Resend::doubling_to_t2(now));
                self.state = State::Completed { refusal: bytes.clone(), resend, until: now + PATIENCE };
            }
        }
        ServerTurn::send(bytes)
    }

    /// The ACK of our 2xx came: stop repeating it.
    pub fn acked(&mut self) {
        if let State::Accepted { unacked, .. } = &mut self.state {
            *unacked = None;
        }
    }

    /// The PRACK of our reliable provisional came: stop repeating it.
    pub fn pracked(&mut self) {
        if let State::Proceeding { unpracked, .. } = &mut self.state {
            *unpracked = None;
        }
    }

    /// Fires the timer that is due, if any.
    pub fn handle_time(&mut self, now: Moment) -> ServerTurn {
        match &mut self.state {
            State::Proceeding { unpracked, .. } => repeat(unpracked, now, ServerTell::NeverPracked),
            State::Completed { until, .. } | State::Confirmed { until } if *until <= now => {
                self.state = State::Over;
                ServerTurn::nothing()
            }
            State::Accepted { unacked, until } if *until <= now => {
                let turn = match unacked {
                    Some(_) => ServerTurn::tell(ServerTell::NeverAcked),
                    None => ServerTurn::nothing(),
                };
                self.state = State::Over;
                turn
            }
            State::Completed { refusal, resend: Some(resend), .. } if resend.is_due(now) => {
                resend.advance(now);
                ServerTurn::send(refusal.clone())
            }
            State::Accepted { unacked, .. } => repeat(unacked, now, ServerTell::NeverAcked),
            State::Completed { .. } | State::Confirmed { .. } | State::Over => ServerTurn::nothing(),
        }
    }

    pub fn deadline(&self) -> Option<Moment> {
        match &self.state {
            State::Proceeding { unpracked, .. } => unpracked.as_ref().map(Repeated::deadline),
            State::Completed { resend, until, .. } => Some(earliest(*until, resend)),
            State::Confirmed { until } => Some(*until),
            State::Accepted { unacked: Some(unacked), until } => Some(unacked.deadline().min(*until)),
            State::Accepted { unacked: None, until } => Some(*until),
            State::Over => None,
        }
    }

    /// Nothing more can happen: forget it.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }
}

impl Repeated {
    fn new(now: Moment, bytes: Bytes, resend: Resend) -> Repeated {
        Repeated { bytes, resend, give_up: now + PATIENCE }
    }

    fn deadline(&self) -> Moment {
        self.resend.at().min(self.give_up)
    }
}

/// Sends it again if it is time, or gives it up and says so.
fn repeat(slot: &mut Option<Repeated>, now: Moment, given_up: ServerTell) -> ServerTurn {
    match slot {
        Some(repeated) if repeated.give_up <= now => {
            *slot = None;
            ServerTurn::tell(given_up)
        }
        Some(repeated) if repeated.resend.is_due(now) => {
            repeated.resend.advance(now);
            ServerTurn::send(repeated.bytes.clone())
        }
        _ => ServerTurn::nothing(),
    }
}
