//! One caller's walk through a flow. Pure: events in, actions out, time as an argument.

use std::sync::Arc;
use std::time::Duration;

use super::flow::Flow;
use crate::ids::{AgentId, QueueId};
use crate::media::prompts::PromptId;
use crate::moment::Moment;

/// What the run is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Digit(char),
    /// The last `Action::Play` ended.
    Played,
    /// `next_deadline` has come.
    Time,
    /// The call could not stay in the queue: why.
    QueueLeft(QueueExit),
    /// The number or agent of `Action::Transfer` could not be reached.
    TransferFailed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueExit {
    /// `max_wait` is over.
    Timeout,
    /// `max_waiting` reached.
    Full,
    /// Nobody with the skills is logged in (only when the node has `on_empty`).
    Empty,
}

/// What the run asks for; in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Play these in order, replacing what plays. `Event::Played` is due at the end.
    Play { prompts: Vec<PromptId> },
    /// The caller pressed a key: stop at once.
    StopPlaying,
    /// The run pauses; the call waits for an agent. Comes back only by `QueueLeft`.
    Queue { queue: QueueId, priority: Option<u8>, leave_when_empty: bool },
    /// The run pauses; comes back only by `TransferFailed`.
    Transfer { to: TransferTo },
    /// The flow is over.
    Hangup,
    /// For the journal: the caller arrived at this node.
    Entered { node: Arc<str> },
    /// For the journal: an `event`-like remark such as the language chosen. Never holds what was typed.
    Remark { name: Arc<str>, value: String },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransferTo {
    Agent(AgentId),
    /// One of the bank's own numbers.
    Number(String),
}

/// Facts about the caller that flows may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub number: String,
    pub dialled: String,
    /// `zh-CN` or `en`.
    pub language: String,
}

/// Longest life of a run without a key from the caller; beyond it: goodbye. Callers in a queue don't count.
pub const MAX_IDLE: Duration = Duration::from_secs(600);

#[derive(Clone, Debug)]
pub struct Run {
    // Private state belongs to this file.
}

impl Run {
    /// Starts at the flow's first node.
    pub fn start(now: Moment, flow: Arc<Flow>, caller: Caller) -> (Run, Vec<Action>) {
        todo!()
    }

    pub fn handle(&mut self, now: Moment, event: Event) -> Vec<Action> {
        todo!()
    }

    pub fn next_deadline(&self) -> Option<Moment> {
        todo!()
    }

    /// The language chosen so far; prompts in the queue speak it.
    pub fn language(&self) -> &str {
        todo!()
    }

    /// The node the caller is at, for views and records.
    pub fn node(&self) -> &str {
        todo!()
    }
}
