//! An offer from its first ring to the end of the talk, or back.
//!
//! `Answered`, `OfferFailed` and `TalkEnded` count only for the very call the agent is offered or talks in:
//! one that comes after a withdrawal finds the agent elsewhere and changes nothing.

use super::{Acd, AgentState, BUSY_PAUSE, DEFAULT_WRAP_UP, Decision, OfferFailure, Withdrawn};
use crate::ids::{AgentId, CallId, QueueId};
use crate::moment::Moment;

/// What an offered or talking agent is at.
#[derive(Clone, Debug)]
pub(super) struct Task {
    /// None: reserved by a flow's transfer.
    queue: Option<QueueId>,
    /// Since when they had been idle; theirs again if the caller goes away first.
    idle_since: Moment,
}

impl OfferFailure {
    /// The reason an agent is not ready afterwards.
    fn word(self) -> &'static str {
        match self {
            OfferFailure::NoAnswer => "no_answer",
            OfferFailure::Rejected => "rejected",
            OfferFailure::Busy => "busy",
            OfferFailure::Unreachable => "unreachable",
            OfferFailure::NoPort => "no_port",
        }
    }
}

impl Acd {
    /// The agent's phones ring for a caller from a queue. They have stood down.
    pub(super) fn hand_over(&mut self, now: Moment, id: &AgentId, call: CallId) {
        let queue = self.callers.get(&call).map(|caller| caller.queue().clone());
        if let Some(agent) = self.agents.get_mut(id)
            && let Some(idle_since) = agent.ready_since()
        {
            agent.task = Some(Task { queue, idle_since });
            self.change(id, AgentState::Offered { call, since: now });
        }
    }

    pub(super) fn reserve(&mut self, now: Moment, id: &AgentId, call: CallId) {
        let ready = self.agents.get(id).is_some_and(|agent| agent.ready_since().is_some());
        if ready && !self.callers.contains_key(&call) && !self.engaged.contains_key(&call) {
            self.stand_down(id);
            self.engaged.insert(call, id.clone());
            self.hand_over(now, id, call);
        }
    }

    /// Whom the call is reserved for; not who talks in it.
    pub(super) fn reserved_agent(&self, call: CallId) -> Option<AgentId> {
        self.engaged.get(&call).filter(|id| self.is_offered(id, call)).cloned()
    }

    fn is_offered(&self, id: &AgentId, to: CallId) -> bool {
        matches!(self.agent(id), Some(AgentState::Offered { call, .. }) if *call == to)
    }

    pub(super) fn answered(&mut self, now: Moment, id: &AgentId, call: CallId) {
        if self.is_offered(id, call) {
            self.change(id, AgentState::Talking { call, since: now });
            self.engaged.insert(call, id.clone());
            self.take_out(call);
        }
    }

    pub(super) fn offer_failed(&mut self, now: Moment, id: &AgentId, call: CallId, why: OfferFailure) {
        if !self.is_offered(id, call) {
            return;
        }
        self.drop_offer(call);
        let wished = self.agents.get(id).is_some_and(|agent| agent.wish.is_some());
        self.set_aside(now, id, why.word());
        if matches!(why, OfferFailure::Busy | OfferFailure::NoPort) && !wished {
            self.free_at(id, now + BUSY_PAUSE);
        }
        self.back_in_line(now, call);
    }

    /// The core's own ring timeout; a reservation has none, its flow decides.
    pub(super) fn ring_ended(&mut self, now: Moment, call: CallId) {
        if let Some(agent) = self.callers.get(&call).and_then(|caller| caller.rung().cloned()) {
            self.decide(Decision::Withdraw { call, agent: agent.clone(), why: Withdrawn::NoAnswer });
            self.offer_failed(now, &agent, call, OfferFailure::NoAnswer);
        }
    }

    /// The call has no agent any more. `true`: it is in a queue, and the caller must be seen to.
    pub(super) fn drop_offer(&mut self, call: CallId) -> bool {
        self.engaged.remove(&call);
        self.stop_ringing(call)
    }

    /// The caller went away before the agent answered, who loses nothing by it.
    pub(super) fn spared(&mut self, now: Moment, id: &AgentId) {
        if self.spared_unplaced(now, id) {
            self.place_agent(now, id);
        }
    }

    /// As `spared`, but a ready agent (`true`) has yet to be placed.
    pub(super) fn spared_unplaced(&mut self, now: Moment, id: &AgentId) -> bool {
        let task = self.agents.get(id).and_then(|agent| agent.task.as_ref());
        let idle_since = task.map_or(now, |task| task.idle_since);
        self.rest_unplaced(now, id, idle_since)
    }

    pub(super) fn talk_ended(&mut self, now: Moment, id: &AgentId, call: CallId) {
        let Some(agent) = self.agents.get(id) else {
            return;
        };
        let AgentState::Talking { call: current, since } = &agent.state else {
            return;
        };
        if *current != call {
            return;
        }
        let talked = now.since(*since);
        let queue = agent.task.as_ref().and_then(|task| task.queue.as_ref());
        let queue = queue.and_then(|queue| self.queue_number(queue));
        let wrap_up = queue.map_or(DEFAULT_WRAP_UP, |number| self.queues[number].rules.wrap_up);
        let (dismissed, phone_gone) = (agent.dismissed, agent.phone_gone);
        if let Some(number) = queue {
            self.queues[number].pace.took(talked + wrap_up);
        }
        self.engaged.remove(&call);
        if dismissed {
            return self.forget(id);
        }
        if phone_gone {
            return self.log_out(id);
        }
        if wrap_up.is_zero() {
            return self.rest(now, id, now);
        }
        let until = now + wrap_up;
        self.change(id, AgentState::WrapUp { since: now, until });
        self.free_at(id, until);
    }
}
