//! The engine seen from outside at one moment: what the API and the live page show.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Engine;
use super::arrival::Knock;
use super::releases::FlowsView;
use crate::acd::{AgentState, Waiting};
use crate::call::customer::{Call, Stage};
use crate::ids::{AgentId, CallId, QueueId, ReleaseId, SkillId};
use crate::moment::Moment;

/// A call under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LiveCall {
    pub call: CallId,
    /// Whole; the API masks it for roles that may not see it.
    pub from: String,
    pub dialled: String,
    pub arrived: Moment,
    /// Of the flows; none before it is answered.
    pub release: Option<ReleaseId>,
    /// `arriving` (not answered yet), `menu`, `waiting`, `ringing`, `talking`, `verifying` (in a flow that the agent sent
    /// them to).
    pub stage: &'static str,
    /// The flow's node the caller is at, or was at before the queue.
    pub node: String,
    pub queue: Option<QueueId>,
    pub agent: Option<AgentId>,
    pub held: bool,
    pub recorded: bool,
    /// The tape rests: the caller may be typing a secret.
    pub hushed: bool,
    /// A direction of one of its legs sounds poor now.
    pub poor: bool,
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
    pub flows: FlowsView,
    pub transactions: usize,
    pub legs: usize,
    /// Attempts that never became a call, since the start; those the journal does not note too.
    pub calls_refused: u64,
    /// Of these, those refused because the server was behind.
    pub calls_turned_away: u64,
    /// The server is behind, and turns new calls away.
    pub overloaded: bool,
    /// Wrong log-ins of API and phones, likewise.
    pub login_failures: u64,
}

impl Engine {
    pub(super) fn snapshot(&self, now: Moment) -> Snapshot {
        Snapshot {
            at: now,
            draining: self.draining,
            calls: self.live_calls(),
            agents: self.live_agents(now),
            queues: self.live_queues(),
            flows: self.flows_view(),
            transactions: self.endpoint.transactions(),
            legs: self.legs.len(),
            calls_refused: self.refusals.seen(),
            calls_turned_away: self.pressure.total(),
            overloaded: self.pressure.is_behind(),
            login_failures: self.login_failures.seen(),
        }
    }

    /// By their numbers, which is the order in which they came.
    fn live_calls(&self) -> Vec<LiveCall> {
        let arriving = self.knocking.iter().map(|(id, knock)| arriving_call(*id, knock));
        let poor = self.poor.calls();
        let live = self.calls.values().map(|call| live_call(call, poor.contains(&call.id)));
        let mut calls: Vec<LiveCall> = arriving.chain(live).collect();
        calls.sort_by_key(|live| live.call);
        calls
    }

    fn live_agents(&self, now: Moment) -> Vec<LiveAgent> {
        let agents = self.acd.agents().filter_map(|(id, state)| {
            let agent = self.world.config.agents.get(id)?;
            Some(LiveAgent {
                agent: id.clone(),
                name: agent.name.clone(),
                skills: agent.skills.clone(),
                state: state.clone(),
                phones: self.registrar.bindings(now, id).len(),
            })
        });
        agents.collect()
    }

    fn live_queues(&self) -> Vec<LiveQueue> {
        let mut queues: BTreeMap<&QueueId, Vec<Waiting>> =
            self.world.config.queues.keys().map(|queue| (queue, Vec::new())).collect();
        for waiting in self.acd.waiting() {
            if let Some(queue) = queues.get_mut(&waiting.queue) {
                queue.push(waiting);
            }
        }
        let live = queues.into_iter().map(|(queue, waiting)| LiveQueue {
            queue: queue.clone(),
            waiting,
            staffed: self.acd.is_staffed(queue),
        });
        live.collect()
    }
}

fn arriving_call(call: CallId, knock: &Knock) -> LiveCall {
    LiveCall {
        call,
        from: knock.who.from.clone(),
        dialled: knock.who.dialled.clone(),
        arrived: knock.arrived,
        release: None,
        stage: "arriving",
        node: String::new(),
        queue: None,
        agent: None,
        held: false,
        recorded: false,
        hushed: false,
        poor: false,
    }
}

fn live_call(call: &Call, poor: bool) -> LiveCall {
    let held = match &call.stage {
        Stage::Talking(talk) => talk.held_by_caller || talk.held_by_agent,
        _ => false,
    };
    LiveCall {
        call: call.id,
        from: call.from.clone(),
        dialled: call.dialled.clone(),
        arrived: call.arrived,
        release: call.taken.release.published(),
        stage: call.word(),
        node: call.run.place().to_string(),
        queue: call.stage.queue().cloned(),
        agent: call.agent().cloned(),
        held,
        recorded: call.recorded,
        hushed: call.hushed,
        poor,
    }
}
