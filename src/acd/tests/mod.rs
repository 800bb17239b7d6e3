//! The distributor's rules, one test each.

mod agents;
mod choice;
mod configuration;
mod offer;
mod random_events;
mod reservation;
mod waiting;

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::ivr::run::QueueExit;

const RING: u64 = 15;
const WRAP_UP: u64 = 20;

fn queue(requires: &[(&str, u8)]) -> config::Queue {
    config::Queue {
        requires: requires.iter().map(|(skill, level)| ((*skill).into(), *level)).collect(),
        priority: 10,
        ring_timeout: Duration::from_secs(RING),
        wrap_up: Duration::from_secs(WRAP_UP),
        music: "music/hold".to_owned(),
        comfort: None,
        comfort_every: Duration::from_secs(30),
        max_wait: None,
        survey: None,
        max_waiting: 1000,
    }
}

fn agent(skills: &[(&str, u8)]) -> config::Agent {
    config::Agent {
        name: "Somebody".to_owned(),
        password: config::Secret(String::new()),
        skills: skills.iter().map(|(skill, level)| ((*skill).into(), *level)).collect(),
        ready_on_register: true,
    }
}

/// A room of agents, its clock, and what was decided since the last look.
struct Floor {
    acd: Acd,
    now: Moment,
    queues: BTreeMap<QueueId, config::Queue>,
    agents: BTreeMap<AgentId, config::Agent>,
}

impl Floor {
    /// Queue `loans` needs loan 3, `cards` needs card 1; agents have what is said, and are logged out.
    fn new(agents: &[(&str, &[(&str, u8)])]) -> Floor {
        Floor::with(agents, |_| {})
    }

    fn with(agents: &[(&str, &[(&str, u8)])], rules: impl FnOnce(&mut config::Queue)) -> Floor {
        let mut loans = queue(&[("loan", 3)]);
        rules(&mut loans);
        let queues = BTreeMap::from([("loans".into(), loans), ("cards".into(), queue(&[("card", 1)]))]);
        let agents: BTreeMap<AgentId, _> =
            agents.iter().map(|(id, skills)| ((*id).into(), agent(skills))).collect();
        let acd = Acd::new(queues.clone(), agents.clone());
        Floor { acd, now: Moment::from_micros(1_000_000_000), queues, agents }
    }

    fn handle(&mut self, event: Event) -> Vec<Decision> {
        self.acd.handle(self.now, event);
        self.drain()
    }

    fn drain(&mut self) -> Vec<Decision> {
        std::iter::from_fn(|| self.acd.poll()).collect()
    }

    fn logs_in(&mut self, agent: &str) -> Vec<Decision> {
        self.handle(Event::LoggedIn(agent.into()))
    }

    fn logs_out(&mut self, agent: &str) -> Vec<Decision> {
        self.handle(Event::LoggedOut(agent.into()))
    }

    fn calls(&mut self, call: u64, queue: &str) -> Vec<Decision> {
        self.calls_as(call, queue, None)
    }

    fn calls_as(&mut self, call: u64, queue: &str, priority: Option<u8>) -> Vec<Decision> {
        let since = self.now;
        self.handle(Event::Enqueue { call: CallId(call), queue: queue.into(), priority, since })
    }

    fn leaves(&mut self, call: u64) -> Vec<Decision> {
        self.handle(Event::Leave(CallId(call)))
    }

    fn answers(&mut self, agent: &str, call: u64) -> Vec<Decision> {
        self.handle(Event::Answered { agent: agent.into(), call: CallId(call) })
    }

    fn fails(&mut self, agent: &str, call: u64, why: OfferFailure) -> Vec<Decision> {
        self.handle(Event::OfferFailed { agent: agent.into(), call: CallId(call), why })
    }

    fn ends(&mut self, agent: &str, call: u64) -> Vec<Decision> {
        self.handle(Event::TalkEnded { agent: agent.into(), call: CallId(call) })
    }

    fn reserves(&mut self, agent: &str, call: u64) -> Vec<Decision> {
        self.handle(Event::Reserve { agent: agent.into(), call: CallId(call) })
    }

    fn ready(&mut self, agent: &str) -> Vec<Decision> {
        self.handle(Event::SetReady(agent.into()))
    }

    fn not_ready(&mut self, agent: &str, reason: &str) -> Vec<Decision> {
        self.handle(Event::SetNotReady { agent: agent.into(), reason: reason.to_owned() })
    }

    fn configure(&mut self) -> Vec<Decision> {
        let (queues, agents) = (self.queues.clone(), self.agents.clone());
        self.handle(Event::Configure { queues, agents })
    }

    /// Time passes, with the deadlines in it.
    fn passes(&mut self, seconds: u64) -> Vec<Decision> {
        let end = self.now + Duration::from_secs(seconds);
        while let Some(at) = self.acd.next_deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.acd.handle(self.now, Event::Time);
        }
        self.now = end;
        self.drain()
    }

    /// `ready`, `offered 7`, `talking 7`, `wrap_up`, `not_ready lunch`, `logged_out`, `unknown`.
    fn state(&self, agent: &str) -> String {
        match self.acd.agent(&agent.into()) {
            None => "unknown".to_owned(),
            Some(AgentState::LoggedOut) => "logged_out".to_owned(),
            Some(AgentState::Ready { .. }) => "ready".to_owned(),
            Some(AgentState::Offered { call, .. }) => format!("offered {}", call.0),
            Some(AgentState::Talking { call, .. }) => format!("talking {}", call.0),
            Some(AgentState::WrapUp { .. }) => "wrap_up".to_owned(),
            Some(AgentState::NotReady { reason, .. }) => format!("not_ready {reason}"),
        }
    }

    fn idle_since(&self, agent: &str) -> Moment {
        match self.acd.agent(&agent.into()) {
            Some(AgentState::Ready { since }) => *since,
            other => panic!("{agent} is {other:?}"),
        }
    }

    fn waiting(&self) -> Vec<u64> {
        self.acd.waiting().iter().map(|waiting| waiting.call.0).collect()
    }
}

fn offers(decisions: &[Decision]) -> Vec<(u64, &str)> {
    let offers = decisions.iter().filter_map(|decision| match decision {
        Decision::Offer { call, agent, .. } => Some((call.0, agent.as_str())),
        _ => None,
    });
    offers.collect()
}

fn withdrawn(decisions: &[Decision]) -> Vec<(u64, &str, Withdrawn)> {
    let withdrawn = decisions.iter().filter_map(|decision| match decision {
        Decision::Withdraw { call, agent, why } => Some((call.0, agent.as_str(), *why)),
        _ => None,
    });
    withdrawn.collect()
}

fn positions(decisions: &[Decision]) -> Vec<(u64, usize)> {
    let positions = decisions.iter().filter_map(|decision| match decision {
        Decision::Position { call, ahead } => Some((call.0, *ahead)),
        _ => None,
    });
    positions.collect()
}

fn expired(decisions: &[Decision]) -> Vec<(u64, QueueExit)> {
    let expired = decisions.iter().filter_map(|decision| match decision {
        Decision::Expired { call, why, .. } => Some((call.0, *why)),
        _ => None,
    });
    expired.collect()
}

fn reasons(decisions: &[Decision]) -> Reasons {
    let offered = decisions.iter().find_map(|decision| match decision {
        Decision::Offer { reasons, .. } => Some(reasons.clone()),
        _ => None,
    });
    offered.expect("an offer")
}

const LOANS: &[(&str, u8)] = &[("loan", 5)];
const BOTH: &[(&str, u8)] = &[("card", 2), ("loan", 5)];

/// One agent for loans, logged in.
fn alone() -> Floor {
    let mut floor = Floor::new(&[("ann", LOANS)]);
    floor.logs_in("ann");
    floor
}

/// Ann and Bob for loans; Ann has been idle for longer.
fn pair() -> Floor {
    let mut floor = Floor::new(&[("ann", LOANS), ("bob", LOANS)]);
    floor.logs_in("ann");
    floor.passes(1);
    floor.logs_in("bob");
    floor
}

/// Ann talks with call 1 and phones work.
fn talking() -> Floor {
    let mut floor = alone();
    floor.calls(1, "loans");
    floor.answers("ann", 1);
    assert_eq!(floor.state("ann"), "talking 1");
    floor
}
