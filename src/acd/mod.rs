//! The distributor: who talks with whom. A pure core: events in, decisions with reasons out.
//!
//! Drive it with `handle`; drain `poll` after each; call `handle(Event::Time)` at `next_deadline`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config;
use crate::ids::{AgentId, CallId, QueueId};
use crate::moment::Moment;

/// Where an agent stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum AgentState {
    /// No phone is registered.
    LoggedOut,
    Ready {
        since: Moment,
    },
    /// A phone rings for a call.
    Offered {
        call: CallId,
        since: Moment,
    },
    Talking {
        call: CallId,
        since: Moment,
    },
    /// Time for notes; ends by itself at `until`.
    WrapUp {
        since: Moment,
        until: Moment,
    },
    NotReady {
        reason: String,
        since: Moment,
    },
}

/// What the distributor is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The agent's first phone registered. Ready if the configuration says so, else not ready (`logged_in`).
    LoggedIn(AgentId),
    /// The agent's last phone vanished. A ringing offer fails; a talk goes on.
    LoggedOut(AgentId),
    /// The agent (star code, API) or a supervisor asks for ready.
    SetReady(AgentId),
    /// ... for not ready. While talking or in wrap-up it takes effect afterwards.
    SetNotReady {
        agent: AgentId,
        reason: String,
    },
    /// Ends wrap-up early.
    WrapUpDone(AgentId),
    /// A call waits. `priority` overrides the queue's. `since` is when its waiting began: now for a newcomer, the
    /// first entry for a caller who comes back because the agent's phone died, and so returns to the head.
    Enqueue {
        call: CallId,
        queue: QueueId,
        priority: Option<u8>,
        since: Moment,
    },
    /// The caller is gone (hung up, or left by a key): an offer in progress is withdrawn.
    Leave(CallId),
    /// The agent answered the offer: they talk.
    Answered {
        agent: AgentId,
        call: CallId,
    },
    /// The offer failed: the caller goes back to the *head* of the queue; the agent is set aside as the reason says.
    OfferFailed {
        agent: AgentId,
        call: CallId,
        why: OfferFailure,
    },
    /// The talk is over, whoever hung up: wrap-up begins.
    TalkEnded {
        agent: AgentId,
        call: CallId,
    },
    /// A flow sends the caller to this very agent: a ready agent becomes `Offered` to nobody else. Followed by
    /// `Answered` or `OfferFailed` as any offer; ignored unless the agent is ready (ask `agent` first).
    Reserve {
        agent: AgentId,
        call: CallId,
    },
    Time,
    /// New configuration: queues and agents change, nobody loses their place.
    Configure {
        queues: BTreeMap<QueueId, config::Queue>,
        agents: BTreeMap<AgentId, config::Agent>,
    },
}

/// Why a phone did not take an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferFailure {
    /// Ring timeout: not ready (`no_answer`), so that callers don't ring an empty chair.
    NoAnswer,
    /// The agent pressed reject: not ready (`rejected`).
    Rejected,
    /// Busy elsewhere (486): ready again after a short pause.
    Busy,
    /// The phone can't be reached: not ready (`unreachable`).
    Unreachable,
}

/// What the distributor decided, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Ring this agent for this call, at most `ring_timeout` (the core itself fails the offer at its end by `Withdraw`).
    Offer { call: CallId, agent: AgentId, queue: QueueId, ring_timeout: Duration, reasons: Reasons },
    /// Stop ringing.
    Withdraw { call: CallId, agent: AgentId, why: Withdrawn },
    /// An agent's state changed.
    State { agent: AgentId, state: AgentState },
    /// The caller's position in the queue changed (0: next). Sent on entry and whenever it improves.
    Position { call: CallId, ahead: usize },
    /// Say the comfort message.
    Comfort { call: CallId },
    /// The call left the queue without an agent.
    Expired { call: CallId, queue: QueueId, why: crate::ivr::run::QueueExit },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Withdrawn {
    CallerLeft,
    /// Ring timeout.
    NoAnswer,
    AgentLoggedOut,
}

/// Why this agent: everything a person needs to understand the choice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reasons {
    /// How long the caller had waited, ms.
    pub waited_ms: u64,
    /// How long the agent had been idle, ms.
    pub idle_ms: u64,
    /// Everyone else who was looked at, with the first reason against them; at most `REASONS`.
    pub others: Vec<(AgentId, Against)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Against {
    MissingSkill {
        skill: String,
    },
    LevelTooLow {
        skill: String,
        has: u8,
        needs: u8,
    },
    /// Logged out, talking, in wrap-up...
    State {
        state: String,
    },
    /// Qualified and ready, but idle for less time.
    ShorterIdle {
        idle_ms: u64,
    },
}

/// A waiting caller, for views.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waiting {
    pub call: CallId,
    pub queue: QueueId,
    pub priority: u8,
    pub since: Moment,
    /// An offer is ringing for it.
    pub offered_to: Option<AgentId>,
}

/// The distributor.
#[derive(Clone, Debug)]
pub struct Acd {
    // Private state belongs to this folder.
}

impl Acd {
    pub fn new(queues: BTreeMap<QueueId, config::Queue>, agents: BTreeMap<AgentId, config::Agent>) -> Acd {
        todo!()
    }

    /// `Enqueue` into a full or unknown queue is decided as `Expired` at once.
    pub fn handle(&mut self, now: Moment, event: Event) {
        todo!()
    }

    pub fn poll(&mut self) -> Option<Decision> {
        todo!()
    }

    pub fn next_deadline(&self) -> Option<Moment> {
        todo!()
    }

    pub fn agent(&self, agent: &AgentId) -> Option<&AgentState> {
        todo!()
    }

    /// All agents, by name.
    pub fn agents(&self) -> impl Iterator<Item = (&AgentId, &AgentState)> {
        std::iter::empty()
    }

    /// Everyone waiting, in the order they would be served, queue by queue.
    pub fn waiting(&self) -> Vec<Waiting> {
        todo!()
    }

    /// Whether anybody with the skills of `queue` is logged in.
    pub fn is_staffed(&self, queue: &QueueId) -> bool {
        todo!()
    }
}
