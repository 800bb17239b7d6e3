//! What callers leave: messages after the tone, and ratings.

use serde::{Deserialize, Serialize};

use super::{Action, Run, State, Typed};
use crate::ivr::flow::{NodeId, Step};
use crate::ivr::message::Message;
use crate::moment::Moment;

/// How a message came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageEnd {
    /// The caller pressed the key.
    Key,
    /// It was as long as it may be.
    Longest,
    /// The call was over; what had been said is kept.
    CallEnded,
    /// It could not be recorded any further; what had been recorded is kept.
    Failed,
    /// Shorter than a message must be: it is none.
    Short,
}

impl MessageEnd {
    /// As people read it.
    pub fn word(self) -> &'static str {
        match self {
            MessageEnd::Key => "key",
            MessageEnd::Longest => "longest",
            MessageEnd::CallEnded => "call_ended",
            MessageEnd::Failed => "failed",
            MessageEnd::Short => "short",
        }
    }
}

impl Run {
    /// Says what there is to say and the tone. Keys pressed ahead were for a question, and none is coming.
    pub(super) fn cue(&mut self, message: &Message, actions: &mut Vec<Action>) -> Option<NodeId> {
        self.ahead = Typed::default();
        // Nor does a key that was to end an entry count any more: here it ends the message.
        self.late_terminator = None;
        let mut prompts = message.prompts.of(self.language).to_vec();
        prompts.push(message.tone);
        self.state = State::Cueing;
        actions.push(Action::Play { prompts });
        None
    }

    /// The tone is over.
    pub(super) fn cued(&mut self, now: Moment, actions: &mut Vec<Action>) -> Option<NodeId> {
        let flow = self.flow.clone();
        let Step::Record(message) = &flow.node(self.node).step else { return None };
        self.state = State::Recording { since: now, until: now + message.max };
        actions.push(Action::Record { name: message.name.clone() });
        None
    }

    /// A message is being spoken now.
    pub fn records(&self) -> bool {
        matches!(self.state, State::Recording { .. })
    }

    /// A key in a message: the one that ends it, or nothing.
    pub(super) fn key_in_message(
        &mut self,
        now: Moment,
        key: char,
        actions: &mut Vec<Action>,
    ) -> Option<NodeId> {
        let flow = self.flow.clone();
        let Step::Record(message) = &flow.node(self.node).step else { return None };
        if message.end == Some(key) { self.message_over(now, MessageEnd::Key, actions) } else { None }
    }

    /// Ends the message, and says where the call goes on.
    pub(super) fn message_over(
        &mut self,
        now: Moment,
        why: MessageEnd,
        actions: &mut Vec<Action>,
    ) -> Option<NodeId> {
        let flow = self.flow.clone();
        let State::Recording { since, .. } = self.state else { return None };
        let Step::Record(message) = &flow.node(self.node).step else { return None };
        self.alive = now;
        self.state = State::Over;
        let short = now.since(since) < message.min;
        let end = if short { MessageEnd::Short } else { why };
        actions.push(Action::MessageOver { end });
        Some(match why {
            MessageEnd::Failed => message.on_failed,
            _ if short => message.on_short,
            _ => message.next,
        })
    }

    pub(super) fn message_failed(&mut self, now: Moment, actions: &mut Vec<Action>) {
        if let Some(next) = self.message_over(now, MessageEnd::Failed, actions) {
            self.go(now, next, actions);
        }
    }

    /// The call is over: the run's last actions. A message under way is one if it is long enough.
    pub fn hung_up(&mut self, now: Moment) -> Vec<Action> {
        let mut actions = Vec::new();
        self.message_over(now, MessageEnd::CallEnded, &mut actions);
        self.state = State::Over;
        actions
    }
}
