//! The non-INVITE client transaction (RFC 3261 §17.1.2).

use bytes::Bytes;

use super::ClientTurn;
use super::timer::{PATIENCE, Resend, T4, earliest};
use crate::moment::Moment;

/// A request of ours that is no INVITE.
#[derive(Clone, Debug)]
pub struct Client {
    reliable: bool,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    /// Timers E (`resend`) and F (`give_up`).
    Trying {
        bytes: Bytes,
        resend: Option<Resend>,
        give_up: Moment,
    },
    /// The same, E slowed down to T2.
    Proceeding {
        bytes: Bytes,
        resend: Option<Resend>,
        give_up: Moment,
    },
    /// Timer K: copies of the final response are dropped.
    Completed {
        until: Moment,
    },
    Over,
}

impl Client {
    /// `bytes`: the request, which the caller has just sent.
    pub fn new(now: Moment, bytes: Bytes, reliable: bool) -> Client {
        let resend = (!reliable).then(|| Resend::doubling_to_t2(now));
        Client { reliable, state: State::Trying { bytes, resend, give_up: now + PATIENCE } }
    }

    /// A response with our branch came.
    pub fn receive(&mut self, now: Moment, status: u16) -> ClientTurn {
        match (&mut self.state, status) {
            (State::Trying { bytes, resend, give_up }, ..200) => {
                let mut resend = *resend;
                if let Some(resend) = &mut resend {
                    resend.slow_down();
                }
                self.state = State::Proceeding { bytes: bytes.clone(), resend, give_up: *give_up };
                ClientTurn::pass()
            }
            (State::Proceeding { .. }, ..200) => ClientTurn::pass(),
            (State::Trying { .. } | State::Proceeding { .. }, _) => {
                self.state = match self.reliable {
                    true => State::Over,
                    false => State::Completed { until: now + T4 },
                };
                ClientTurn::pass()
            }
            (State::Completed { .. } | State::Over, _) => ClientTurn::nothing(),
        }
    }

    /// Fires the timer that is due, if any.
    pub fn handle_time(&mut self, now: Moment) -> ClientTurn {
        match &mut self.state {
            State::Trying { give_up, .. } | State::Proceeding { give_up, .. } if *give_up <= now => {
                self.state = State::Over;
                ClientTurn::timed_out()
            }
            State::Trying { bytes, resend: Some(resend), .. }
            | State::Proceeding { bytes, resend: Some(resend), .. }
                if resend.is_due(now) =>
            {
                resend.advance(now);
                ClientTurn::send(bytes.clone())
            }
            State::Completed { until } if *until <= now => {
                self.state = State::Over;
                ClientTurn::nothing()
            }
            _ => ClientTurn::nothing(),
        }
    }

    pub fn deadline(&self) -> Option<Moment> {
        match &self.state {
            State::Trying { resend, give_up, .. } | State::Proceeding { resend, give_up, .. } => {
                Some(earliest(*give_up, resend))
            }
            State::Completed { until } => Some(*until),
            State::Over => None,
        }
    }

    /// Nothing more can happen: forget it.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// No response at all yet: it may still be sent another way.
    pub fn is_unheard(&self) -> bool {
        matches!(self.state, State::Trying { .. })
    }

    /// No final response yet.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Trying { .. } | State::Proceeding { .. })
    }
}
