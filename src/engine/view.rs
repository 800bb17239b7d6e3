//! The engine seen from outside at one moment: what the API and the live page show.

use serde::Serialize;

use crate::acd::{AgentState, Waiting};
use crate::ids::{AgentId, CallId, QueueId, SkillId};
use crate::moment::Moment;
use std::collections::BTreeMap;

/// A call under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LiveCall {
    pub call: CallId,
    /// Whole; the API masks it for roles that may not see it.
    pub from: String,
    pub dialled: String,
    pub arrived: Moment,
    /// `menu`, `waiting`, `ringing`, `talking`.
    pub stage: &'static str,
    /// The flow's node the caller is at, or was at before the queue.
    pub node: String,
    pub queue: Option<QueueId>,
    pub agent: Option<AgentId>,
    pub held: bool,
    pub recorded: bool,
}

/// An agent, logged in or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LiveAgent {
    pub agent: AgentId,
    pub name: String,
    pub skills: BTreeMap<SkillId, u8>,
    pub state: AgentState,
    /// Phones registered now.
    pub phones: usize,
}

/// A queue and who waits in it, in the order they would be served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LiveQueue {
    pub queue: QueueId,
    pub waiting: Vec<Waiting>,
    /// Agents with the skills, logged in.
    pub staffed: bool,
}

/// Everything at once, consistent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    pub at: Moment,
    pub draining: bool,
    pub calls: Vec<LiveCall>,
    pub agents: Vec<LiveAgent>,
    pub queues: Vec<LiveQueue>,
    pub transactions: usize,
    pub legs: usize,
}
