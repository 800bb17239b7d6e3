//! Who gets whom: the one place that chooses.
//!
//! An idle agent takes, of all callers they may serve, the one of the highest priority, then who waits
//! longest. A caller gets, of all ready agents who may serve them, the one idle longest. Because each event
//! frees at most a few agents or callers, and each is matched as it comes free, nobody else need be looked at:
//! a match costs a look at the head of each queue the agent serves.
//! Requirements that widen with time, ageing priorities and other strategies belong here when they come.

use std::time::Duration;

use super::queue::Place;
use super::skill;
use super::{Acd, Against, AgentState, Decision, REASONS, Reasons};
use crate::ids::{AgentId, CallId};
use crate::moment::Moment;

/// A ready agent in the order of choice: idle longest, then by name.
pub(super) type Idle = (Moment, AgentId);

impl Acd {
    /// A ready agent who is in no queue's index yet takes the best waiting caller, or stands by.
    pub(super) fn place_agent(&mut self, now: Moment, id: &AgentId) {
        match self.best_caller(id) {
            Some(call) => {
                self.stop_waiting(call);
                self.offer(now, id, call);
            }
            None => self.stand_by(id),
        }
    }

    /// A caller in the line whom no phone rings for gets the best ready agent, or waits.
    pub(super) fn place_caller(&mut self, now: Moment, call: CallId) {
        match self.best_agent(call) {
            Some(agent) => {
                self.stand_down(&agent);
                self.offer(now, &agent, call);
            }
            None => self.wait(call),
        }
    }

    /// After everything may have changed: each ready agent, longest idle first, is placed anew.
    pub(super) fn match_everyone(&mut self, now: Moment) {
        let ready = self.agents.iter().filter_map(|(id, agent)| Some((agent.ready_since()?, id.clone())));
        let mut ready: Vec<Idle> = ready.collect();
        ready.sort_unstable();
        for (_, id) in ready {
            self.place_agent(now, &id);
        }
    }

    fn best_caller(&self, id: &AgentId) -> Option<CallId> {
        let served = self.agents.get(id)?.served();
        let heads = served.iter().filter_map(|number| self.queues.get(*number)?.open.first());
        let best: Option<&Place> = heads.min();
        best.map(|place| place.call)
    }

    fn best_agent(&self, call: CallId) -> Option<AgentId> {
        let number = self.queue_number(self.callers.get(&call)?.queue())?;
        self.queues[number].ready.first().map(|(_, id)| id.clone())
    }

    fn stand_by(&mut self, id: &AgentId) {
        let Some((agent, since)) = self.agents.get(id).and_then(|a| Some((a, a.ready_since()?))) else {
            return;
        };
        for number in agent.served() {
            self.queues[*number].ready.insert((since, id.clone()));
        }
    }

    /// Takes a ready agent out of the choice. Before the state changes: the order stands on it.
    pub(super) fn stand_down(&mut self, id: &AgentId) {
        let Some((agent, since)) = self.agents.get(id).and_then(|a| Some((a, a.ready_since()?))) else {
            return;
        };
        let idle: Idle = (since, id.clone());
        for number in agent.served() {
            self.queues[*number].ready.remove(&idle);
        }
    }

    /// The agent is ready and out of the index, the caller in the line and not among the open: rings.
    fn offer(&mut self, now: Moment, id: &AgentId, call: CallId) {
        let Some(queue) = self.callers.get(&call).map(|caller| caller.queue().clone()) else {
            return;
        };
        let Some(number) = self.queue_number(&queue) else {
            return;
        };
        let reasons = self.reasons(now, id, call, number);
        let ring_timeout = self.queues[number].rules.ring_timeout;
        self.ring(call, id, now + ring_timeout);
        self.decide(Decision::Offer { call, agent: id.clone(), queue, ring_timeout, reasons });
        self.hand_over(now, id, call);
    }

    fn reasons(&self, now: Moment, chosen: &AgentId, call: CallId, number: usize) -> Reasons {
        let waited = self.callers.get(&call).map(|caller| now.since(caller.since()));
        let idle = self.agents.get(chosen).and_then(|agent| Some(now.since(agent.ready_since()?)));
        Reasons {
            waited_ms: millis(waited.unwrap_or_default()),
            idle_ms: millis(idle.unwrap_or_default()),
            others: self.others(now, chosen, number),
        }
    }

    /// Who else could have: the ready in order of choice, then the rest by name. Nobody is looked at in vain
    /// but those already named, so `REASONS` bounds the cost too.
    fn others(&self, now: Moment, chosen: &AgentId, number: usize) -> Vec<(AgentId, Against)> {
        let queue = &self.queues[number];
        let ready = queue.ready.iter().filter(|(_, id)| id != chosen).take(REASONS);
        let mut others: Vec<(AgentId, Against)> =
            ready.map(|(since, id)| (id.clone(), shorter_idle(now, *since))).collect();
        for (id, agent) in &self.agents {
            if others.len() == REASONS {
                break;
            }
            let named = agent.ready_since().is_some_and(|since| queue.ready.contains(&(since, id.clone())));
            if id == chosen || named {
                continue;
            }
            let lacking = skill::lacking(&queue.rules.requires, &agent.skills);
            others.push((id.clone(), lacking.unwrap_or_else(|| unfree(now, &agent.state))));
        }
        others
    }
}

/// Against a qualified agent who is not in the index.
fn unfree(now: Moment, state: &AgentState) -> Against {
    let state = match state {
        AgentState::Ready { since } => return shorter_idle(now, *since),
        AgentState::LoggedOut => "logged_out",
        AgentState::Offered { .. } => "offered",
        AgentState::Talking { .. } => "talking",
        AgentState::WrapUp { .. } => "wrap_up",
        AgentState::NotReady { .. } => "not_ready",
    };
    Against::State { state: state.to_owned() }
}

fn shorter_idle(now: Moment, since: Moment) -> Against {
    Against::ShorterIdle { idle_ms: millis(now.since(since)) }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
