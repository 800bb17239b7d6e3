//! The non-INVITE server transaction (RFC 3261 §17.2.2).

use bytes::Bytes;

use super::ServerTurn;
use super::timer::PATIENCE;
use crate::moment::Moment;

/// A peer's request that is no INVITE.
#[derive(Clone, Debug)]
pub struct Server {
    reliable: bool,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    /// Unanswered. `until`: the client's timer F has fired by then, and a later answer would find nobody (RFC 4320 §4).
    Trying {
        until: Moment,
    },
    Proceeding {
        provisional: Bytes,
        until: Moment,
    },
    /// Timer J: copies of the request get the answer again.
    Completed {
        answer: Bytes,
        until: Moment,
    },
    Over,
}

impl Server {
    pub fn new(now: Moment, reliable: bool) -> Server {
        Server { reliable, state: State::Trying { until: now + PATIENCE } }
    }

    /// A copy of the request came.
    pub fn receive_again(&self) -> ServerTurn {
        match &self.state {
            State::Proceeding { provisional: bytes, .. } | State::Completed { answer: bytes, .. } => {
                ServerTurn::send(bytes.clone())
            }
            State::Trying { .. } | State::Over => ServerTurn::nothing(),
        }
    }

    /// The user answers with `bytes`, whose status is `status`.
    pub fn respond(&mut self, now: Moment, status: u16, bytes: Bytes) -> ServerTurn {
        match (&self.state, status) {
            (State::Trying { until } | State::Proceeding { until, .. }, ..200) => {
                self.state = State::Proceeding { provisional: bytes.clone(), until: *until };
                ServerTurn::send(bytes)
            }
            (State::Trying { .. } | State::Proceeding { .. }, _) => {
                self.state = match self.reliable {
                    true => State::Over,
                    false => State::Completed { answer: bytes.clone(), until: now + PATIENCE },
                };
                ServerTurn::send(bytes)
            }
            (State::Completed { .. } | State::Over, _) => ServerTurn::nothing(),
        }
    }

    /// Fires the timer that is due, if any.
    pub fn handle_time(&mut self, now: Moment) -> ServerTurn {
        if self.deadline().is_some_and(|until| until <= now) {
            self.state = State::Over;
        }
        ServerTurn::nothing()
    }

    pub fn deadline(&self) -> Option<Moment> {
        match &self.state {
            State::Trying { until } | State::Proceeding { until, .. } | State::Completed { until, .. } => {
                Some(*until)
            }
            State::Over => None,
        }
    }

    /// Nothing more can happen: forget it.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }
}
