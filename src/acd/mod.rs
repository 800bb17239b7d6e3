//! The distributor: who talks with whom. A pure core: events in, decisions with reasons out.
//!
//! Drive it with `handle`; drain `poll` after each; call `handle(Event::Time)` at `next_deadline`.

mod agent;
pub mod estimate;
mod matcher;
mod offer;
mod queue;
mod skill;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
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
    /// We had no port left for the phone's audio, no fault of the agent's: ready again after a short pause.
    NoPort,
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

/// An agent's time for notes after a talk that came from no queue (a flow's transfer to that very agent).
pub const DEFAULT_WRAP_UP: Duration = Duration::from_secs(10);

/// How long an agent whose phone said "busy here" is left in peace. Long enough to end a private call's
/// last sentence, short enough that a phone that is merely slow to hang up costs no caller a minute.
pub const BUSY_PAUSE: Duration = Duration::from_secs(5);

/// Most agents named in `Reasons::others`: what a person reads, and what one journal entry may cost.
/// Beyond it the rest go unnamed, those who came nearest being named first.
pub const REASONS: usize = 20;

/// Places in a queue, from its head, whose callers are told of every improvement. Further back nobody
/// hears "you are number 83", and telling everyone would make each step of a long queue cost its length.
pub const POSITION_WINDOW: usize = 50;

/// What falls due. At one moment agents come free first, so that nobody is sent away whom they could serve.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Alarm {
    /// Wrap-up or the pause of a busy phone is over.
    AgentFree(AgentId),
    RingEnds(CallId),
    WaitEnds(CallId),
    Comfort(CallId),
}

/// The distributor.
///
/// After every `handle`: an agent has at most one offer and a call at most one; no call waits that a ready
/// agent could take. Decisions not yet polled are kept; one event makes at most a few and `POSITION_WINDOW`
/// of them (`Configure`: a few for each agent and caller), so a driver that drains `poll` bounds them.
#[derive(Clone, Debug)]
pub struct Acd {
    agents: BTreeMap<AgentId, agent::Agent>,
    /// By name; a queue's place here is its number (`agent::Agent::serves`) until the next `Configure`.
    queues: Vec<queue::Queue>,
    /// Everyone in a queue, ringing or not.
    callers: BTreeMap<CallId, queue::Caller>,
    /// Calls in no queue that an agent talks with or is reserved for.
    engaged: BTreeMap<CallId, AgentId>,
    alarms: BTreeSet<(Moment, Alarm)>,
    decisions: VecDeque<Decision>,
}

impl Acd {
    /// Everybody is logged out and nobody waits.
    pub fn new(queues: BTreeMap<QueueId, config::Queue>, agents: BTreeMap<AgentId, config::Agent>) -> Acd {
        let mut acd = Acd {
            agents: BTreeMap::new(),
            queues: Vec::new(),
            callers: BTreeMap::new(),
            engaged: BTreeMap::new(),
            alarms: BTreeSet::new(),
            decisions: VecDeque::new(),
        };
        acd.replace_queues(queues);
        acd.replace_agents(agents);
        acd
    }

    /// `Enqueue` into a full or unknown queue is decided as `Expired` at once.
    ///
    /// Whatever comes late, twice, or about somebody unknown is ignored: events cross on their way.
    pub fn handle(&mut self, now: Moment, event: Event) {
        match event {
            Event::LoggedIn(agent) => self.logged_in(now, &agent),
            Event::LoggedOut(agent) => self.logged_out(now, &agent),
            Event::SetReady(agent) => self.set_ready(now, &agent),
            Event::SetNotReady { agent, reason } => self.set_not_ready(now, &agent, reason),
            Event::WrapUpDone(agent) => self.wrap_up_done(now, &agent),
            Event::Enqueue { call, queue, priority, since } => {
                self.enqueue(now, call, queue, priority, since.min(now));
            }
            Event::Leave(call) => self.leave(now, call),
            Event::Answered { agent, call } => self.answered(now, &agent, call),
            Event::OfferFailed { agent, call, why } => self.offer_failed(now, &agent, call, why),
            Event::TalkEnded { agent, call } => self.talk_ended(now, &agent, call),
            Event::Reserve { agent, call } => self.reserve(now, &agent, call),
            Event::Time => self.time(now),
            Event::Configure { queues, agents } => self.configure(now, queues, agents),
        }
    }

    /// The next decision, in the order they were made.
    pub fn poll(&mut self) -> Option<Decision> {
        self.decisions.pop_front()
    }

    /// When `Event::Time` is due.
    pub fn next_deadline(&self) -> Option<Moment> {
        self.alarms.first().map(|(at, _)| *at)
    }

    pub fn agent(&self, agent: &AgentId) -> Option<&AgentState> {
        self.agents.get(agent).map(|agent| &agent.state)
    }

    /// All agents, by name.
    pub fn agents(&self) -> impl Iterator<Item = (&AgentId, &AgentState)> {
        self.agents.iter().map(|(id, agent)| (id, &agent.state))
    }

    /// Everyone waiting, in the order they would be served, queue by queue.
    pub fn waiting(&self) -> Vec<Waiting> {
        let places = self.queues.iter().flat_map(|queue| queue.line().map(move |place| (queue, place)));
        let waiting = places.map(|(queue, place)| Waiting {
            call: place.call,
            queue: queue.id.clone(),
            priority: place.priority.0,
            since: place.since,
            offered_to: self.callers.get(&place.call).and_then(|caller| caller.rung().cloned()),
        });
        waiting.collect()
    }

    /// Whether anybody with the skills of `queue` is logged in.
    pub fn is_staffed(&self, queue: &QueueId) -> bool {
        let Some(number) = self.queue_number(queue) else {
            return false;
        };
        self.agents.values().any(|agent| agent.is_here() && agent.serves(number))
    }

    /// How many are before somebody in a queue, never more than they were told before. Those far back are not told of
    /// each step: for them it is counted.
    pub fn ahead(&mut self, call: CallId) -> Option<usize> {
        self.queue_of(call).map(|(caller, queue)| queue.ahead(caller))
    }

    /// How long somebody in a queue will still wait, as far as the queue's talks tell. `None`: nobody knows.
    pub fn estimate(&self, call: CallId) -> Option<Duration> {
        let caller = self.callers.get(&call)?;
        let number = self.queue_number(caller.queue())?;
        let at_work = self.agents.values().filter(|agent| agent.serves(number) && agent.is_at_work());
        self.queues[number].pace.wait(caller.told(), at_work.count())
    }

    fn time(&mut self, now: Moment) {
        while let Some((at, alarm)) = self.alarms.pop_first() {
            if at > now {
                self.alarms.insert((at, alarm));
                return;
            }
            match alarm {
                Alarm::AgentFree(agent) => self.free_again(now, &agent),
                Alarm::RingEnds(call) => self.ring_ended(now, call),
                Alarm::WaitEnds(call) => self.wait_ended(call),
                Alarm::Comfort(call) => self.comfort(now, call),
            }
        }
    }

    /// Queues go first, with the callers of those that are no more; then agents; then everybody is matched anew.
    fn configure(
        &mut self,
        now: Moment,
        queues: BTreeMap<QueueId, config::Queue>,
        agents: BTreeMap<AgentId, config::Agent>,
    ) {
        self.close_queues(now, &queues);
        self.dismiss_agents(&agents);
        self.replace_queues(queues);
        self.replace_agents(agents);
        self.match_everyone(now);
    }

    fn decide(&mut self, decision: Decision) {
        self.decisions.push_back(decision);
    }
}

#[cfg(test)]
mod tests;
