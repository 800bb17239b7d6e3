//! A flow that an agent sent the caller to: what the agent is told, and how the caller gets back.

use super::{Action, Run, State, Typed};
use crate::ivr::assisted::{Back, Verdict};
use crate::ivr::flow::{Entry, Kind, Step};
use crate::ivr::subflow::Call;

impl Run {
    /// Whether what is pressed now may be a secret, or a part of one typed ahead: nothing of it may be recorded.
    pub fn is_quiet(&self) -> bool {
        let mut node = self.flow.node(self.node);
        // What is typed ahead in a flow that was called is kept for the one that called it.
        for caller in self.callers.iter().rev() {
            if node.quiet || !node.returns {
                break;
            }
            let Step::Call(Call { next: Some(next), .. }) = &caller.flow.node(caller.node).step else {
                break;
            };
            node = caller.flow.node(*next);
        }
        node.quiet
    }

    /// The caller is being told what comes next, and keys mean nothing any more.
    pub fn announces(&self) -> bool {
        matches!(self.state, State::Announcing)
    }

    /// An agent waits for the caller to come back.
    pub(super) fn is_assisted(&self) -> bool {
        let first = self.callers.first().map_or(&self.flow, |caller| &caller.flow);
        first.is_assisted()
    }

    pub(super) fn returned(&mut self, back: &Back, actions: &mut Vec<Action>) {
        self.state = State::Over;
        actions.push(Action::AgentReturn { verdict: back.verdict, level: back.level.clone() });
    }

    /// A star takes the caller back, whatever was asked. Not when they are told already what came of it.
    pub(super) fn cancelled(&mut self, actions: &mut Vec<Action>) {
        if matches!(self.state, State::Announcing | State::Over) {
            return;
        }
        self.ahead = Typed::default();
        self.state = State::Over;
        actions.push(Action::StopPlaying);
        actions.push(Action::AgentReturn { verdict: Verdict::Cancelled, level: None });
    }

    /// How many keys of how many: never which.
    pub(super) fn tells_progress(&self, keys: usize, entry: &Entry, actions: &mut Vec<Action>) {
        if self.is_assisted() && self.flow.variables[entry.into.0].kind == Kind::Secret {
            actions.push(Action::Typed { keys, of: entry.max });
        }
    }
}
