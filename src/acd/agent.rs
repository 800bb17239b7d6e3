//! An agent between calls: present or not, ready or not, writing notes.

use std::collections::BTreeMap;

use super::offer::Task;
use super::queue::Queue;
use super::{Acd, AgentState, Alarm, Decision, Withdrawn, skill};
use crate::config;
use crate::ids::{AgentId, SkillId};
use crate::moment::Moment;

/// Why an agent is not ready who has just logged in.
const LOGGED_IN: &str = "logged_in";

#[derive(Clone, Debug)]
pub(super) struct Agent {
    pub state: AgentState,
    pub skills: BTreeMap<SkillId, u8>,
    ready_on_register: bool,
    /// Numbers of the queues whose skills they have, ascending.
    served: Vec<usize>,
    /// Of an offered or talking agent.
    pub(super) task: Option<Task>,
    /// Why they want to be not ready once they are free; asked for while they were not.
    pub(super) wish: Option<String>,
    /// When their alarm comes: the end of wrap-up, or of a busy phone's pause.
    free_at: Option<Moment>,
    /// The last phone vanished while they talked: logged out once the talk ends, unless one comes back.
    pub(super) phone_gone: bool,
    /// No longer configured, but talking: forgotten once the talk ends.
    pub(super) dismissed: bool,
}

impl Agent {
    fn new() -> Agent {
        Agent {
            state: AgentState::LoggedOut,
            skills: BTreeMap::new(),
            ready_on_register: false,
            served: Vec::new(),
            task: None,
            wish: None,
            free_at: None,
            phone_gone: false,
            dismissed: false,
        }
    }

    pub(super) fn ready_since(&self) -> Option<Moment> {
        match self.state {
            AgentState::Ready { since } => Some(since),
            _ => None,
        }
    }

    /// Numbers of the queues they may serve, ascending.
    pub(super) fn served(&self) -> &[usize] {
        &self.served
    }

    pub(super) fn serves(&self, queue: usize) -> bool {
        self.served.binary_search(&queue).is_ok()
    }

    pub(super) fn is_here(&self) -> bool {
        self.state != AgentState::LoggedOut && !self.phone_gone && !self.dismissed
    }

    /// Takes callers now or when free again.
    pub(super) fn is_at_work(&self) -> bool {
        let takes = matches!(
            self.state,
            AgentState::Ready { .. }
                | AgentState::Offered { .. }
                | AgentState::Talking { .. }
                | AgentState::WrapUp { .. }
        );
        takes && self.is_here() && self.wish.is_none()
    }

    fn learn(&mut self, config: config::Agent) {
        self.skills = config.skills;
        self.ready_on_register = config.ready_on_register;
        self.dismissed = false;
    }

    fn find_served(&mut self, queues: &[Queue]) {
        let qualifies = |queue: &Queue| skill::lacking(&queue.rules.requires, &self.skills).is_none();
        let served =
            queues.iter().enumerate().filter(|(_, queue)| qualifies(queue)).map(|(number, _)| number);
        self.served = served.collect();
    }
}

impl Acd {
    pub(super) fn logged_in(&mut self, now: Moment, id: &AgentId) {
        let Some(agent) = self.agents.get_mut(id) else {
            return;
        };
        match agent.state {
            AgentState::LoggedOut if agent.ready_on_register => self.rest(now, id, now),
            AgentState::LoggedOut => self.set_aside(now, id, LOGGED_IN),
            // Back in the middle of a talk: as if they had never been away.
            AgentState::Talking { .. } => agent.phone_gone = false,
            _ => {}
        }
    }

    pub(super) fn logged_out(&mut self, now: Moment, id: &AgentId) {
        let Some(agent) = self.agents.get_mut(id) else {
            return;
        };
        match agent.state {
            AgentState::LoggedOut => {}
            AgentState::Talking { .. } => agent.phone_gone = true,
            AgentState::Offered { call, .. } => {
                self.decide(Decision::Withdraw { call, agent: id.clone(), why: Withdrawn::AgentLoggedOut });
                self.drop_offer(call);
                self.log_out(id);
                self.back_in_line(now, call);
            }
            AgentState::Ready { .. } => {
                self.stand_down(id);
                self.log_out(id);
            }
            AgentState::WrapUp { .. } | AgentState::NotReady { .. } => self.log_out(id),
        }
    }

    pub(super) fn set_ready(&mut self, now: Moment, id: &AgentId) {
        let Some(agent) = self.agents.get_mut(id) else {
            return;
        };
        agent.wish = None;
        if matches!(agent.state, AgentState::WrapUp { .. } | AgentState::NotReady { .. }) {
            self.rest(now, id, now);
        }
    }

    pub(super) fn set_not_ready(&mut self, now: Moment, id: &AgentId, reason: String) {
        let Some(agent) = self.agents.get_mut(id) else {
            return;
        };
        match &agent.state {
            AgentState::LoggedOut => {}
            AgentState::Ready { .. } => {
                self.stand_down(id);
                self.set_aside(now, id, &reason);
            }
            AgentState::NotReady { reason: current, .. } if *current == reason => self.cancel_alarm(id),
            AgentState::NotReady { .. } => self.set_aside(now, id, &reason),
            AgentState::Offered { .. } | AgentState::Talking { .. } | AgentState::WrapUp { .. } => {
                agent.wish = Some(reason);
            }
        }
    }

    pub(super) fn wrap_up_done(&mut self, now: Moment, id: &AgentId) {
        if matches!(self.agent(id), Some(AgentState::WrapUp { .. })) {
            self.rest(now, id, now);
        }
    }

    /// Wrap-up or a pause ends by itself.
    pub(super) fn free_again(&mut self, now: Moment, id: &AgentId) {
        self.rest(now, id, now);
    }

    /// Nothing keeps the agent: what they asked for meanwhile comes true; else they are ready, idle since
    /// `since`, and take the best caller waiting.
    pub(super) fn rest(&mut self, now: Moment, id: &AgentId, since: Moment) {
        if self.rest_unplaced(now, id, since) {
            self.place_agent(now, id);
        }
    }

    /// As `rest`, but a ready agent (`true`) has yet to be placed.
    pub(super) fn rest_unplaced(&mut self, now: Moment, id: &AgentId, since: Moment) -> bool {
        let wish = self.agents.get_mut(id).and_then(|agent| agent.wish.take());
        let ready = wish.is_none();
        self.change(
            id,
            match wish {
                Some(reason) => AgentState::NotReady { reason, since: now },
                None => AgentState::Ready { since },
            },
        );
        ready
    }

    /// Not ready, for `reason` or the one they gave themselves. A ready agent must have stood down.
    pub(super) fn set_aside(&mut self, now: Moment, id: &AgentId, reason: &str) {
        let wish = self.agents.get_mut(id).and_then(|agent| agent.wish.take());
        let reason = wish.unwrap_or_else(|| reason.to_owned());
        self.change(id, AgentState::NotReady { reason, since: now });
    }

    pub(super) fn log_out(&mut self, id: &AgentId) {
        if let Some(agent) = self.agents.get_mut(id) {
            agent.wish = None;
            agent.phone_gone = false;
        }
        self.change(id, AgentState::LoggedOut);
    }

    /// No longer an agent.
    pub(super) fn forget(&mut self, id: &AgentId) {
        if self.agent(id).is_some_and(|state| *state != AgentState::LoggedOut) {
            self.log_out(id);
        }
        self.agents.remove(id);
    }

    /// The one place where a state changes; what was to end the old one is called off.
    pub(super) fn change(&mut self, id: &AgentId, state: AgentState) {
        self.cancel_alarm(id);
        let Some(agent) = self.agents.get_mut(id) else {
            return;
        };
        if !matches!(state, AgentState::Offered { .. } | AgentState::Talking { .. }) {
            agent.task = None;
        }
        agent.state = state.clone();
        self.decide(Decision::State { agent: id.clone(), state });
    }

    /// `free_again` comes at `at` unless the state changes before.
    pub(super) fn free_at(&mut self, id: &AgentId, at: Moment) {
        if let Some(agent) = self.agents.get_mut(id) {
            agent.free_at = Some(at);
            self.alarms.insert((at, Alarm::AgentFree(id.clone())));
        }
    }

    fn cancel_alarm(&mut self, id: &AgentId) {
        if let Some(at) = self.agents.get_mut(id).and_then(|agent| agent.free_at.take()) {
            self.alarms.remove(&(at, Alarm::AgentFree(id.clone())));
        }
    }

    /// Those no longer configured go, as if their phones had vanished; who talks may finish.
    pub(super) fn dismiss_agents(&mut self, keep: &BTreeMap<AgentId, config::Agent>) {
        let gone: Vec<AgentId> = self.agents.keys().filter(|id| !keep.contains_key(*id)).cloned().collect();
        for id in gone {
            match self.agents.get_mut(&id) {
                Some(agent) if matches!(agent.state, AgentState::Talking { .. }) => {
                    agent.dismissed = true;
                    agent.skills.clear();
                    continue;
                }
                Some(Agent { state: AgentState::Offered { call, .. }, .. }) => {
                    let call = *call;
                    let why = Withdrawn::AgentLoggedOut;
                    self.decide(Decision::Withdraw { call, agent: id.clone(), why });
                    if self.drop_offer(call) {
                        self.wait(call);
                    }
                }
                _ => {}
            }
            self.forget(&id);
        }
    }

    /// Newcomers are logged out until their phones register. Everybody's queues are found anew.
    pub(super) fn replace_agents(&mut self, agents: BTreeMap<AgentId, config::Agent>) {
        for (id, config) in agents {
            self.agents.entry(id).or_insert_with(Agent::new).learn(config);
        }
        for agent in self.agents.values_mut() {
            agent.find_served(&self.queues);
        }
    }
}
