//! Anything may happen, in any order, twice or too late: what must always hold, checked after each event.
//!
//! The checks keep their own book of who waits, from events and decisions alone, and compare.

use std::fmt::Write as _;

use super::*;
use crate::rng::Rng;

/// Seeds times steps: the 100,000 events of every test run.
const SEEDS: u64 = 500;
const STEPS: u64 = 220;

const QUEUES: [&str; 5] = ["cards", "loans", "vip", "zh", "closed"];
/// What the first four need; the last is never open.
const NEEDS: [&[(&str, u8)]; 4] = [&[("card", 1)], &[("loan", 3)], &[("card", 2), ("loan", 5)], &[("zh", 1)]];
const AGENTS: [&str; 7] = ["1001", "1002", "1003", "1004", "1005", "1006", "1007"];
const CALLS: u64 = 40;

/// What an outside observer knows of a call in a queue.
#[derive(Clone, Debug)]
struct Entry {
    queue: QueueId,
    order: (std::cmp::Reverse<u8>, Moment, CallId),
    rings: Option<AgentId>,
}

struct Storm {
    seed: u64,
    rng: Rng,
    now: Moment,
    acd: Acd,
    queues: BTreeMap<QueueId, config::Queue>,
    agents: BTreeMap<AgentId, config::Agent>,
    book: BTreeMap<CallId, Entry>,
    offers: usize,
    trace: String,
}

impl Storm {
    fn new(seed: u64) -> Storm {
        let mut rng = Rng::seeded(seed);
        let (queues, agents) = rules(&mut rng);
        let acd = Acd::new(queues.clone(), agents.clone());
        let now = Moment::from_micros(1_000_000_000);
        Storm { seed, rng, now, acd, queues, agents, book: BTreeMap::new(), offers: 0, trace: String::new() }
    }

    fn run(mut self) -> Storm {
        for _ in 0..STEPS {
            if self.rng.below(4) == 0 {
                self.now = self.now + Duration::from_millis(self.rng.below(12_000));
            }
            let event = self.event();
            self.happens(event);
        }
        self
    }

    fn agent_id(&mut self) -> AgentId {
        AGENTS[self.rng.below(AGENTS.len() as u64) as usize].into()
    }

    fn call(&mut self) -> CallId {
        CallId(self.rng.below(CALLS))
    }

    /// Mostly what fits the agent's state, so that talks do come about; sometimes what does not.
    fn event(&mut self) -> Event {
        let (agent, call) = (self.agent_id(), self.call());
        let current = match self.acd.agent(&agent) {
            Some(AgentState::Offered { call, .. } | AgentState::Talking { call, .. }) => *call,
            _ => call,
        };
        let why =
            [OfferFailure::NoAnswer, OfferFailure::Rejected, OfferFailure::Busy, OfferFailure::Unreachable]
                [self.rng.below(4) as usize];
        match self.rng.below(40) {
            0..=3 => Event::LoggedIn(agent),
            4 => Event::LoggedOut(agent),
            5..=8 => Event::SetReady(agent),
            9 => Event::SetNotReady { agent, reason: ["lunch", "busy"][self.rng.below(2) as usize].into() },
            10 => Event::WrapUpDone(agent),
            11..=18 => self.enqueue(call),
            19..=20 => Event::Leave(call),
            21..=24 => Event::Answered { agent, call: current },
            25 => Event::Answered { agent, call },
            26..=27 => Event::OfferFailed { agent, call: current, why },
            28 => Event::OfferFailed { agent, call, why },
            29..=32 => Event::TalkEnded { agent, call: current },
            33 => Event::TalkEnded { agent, call },
            34 => Event::Reserve { agent, call },
            35 if self.rng.below(4) == 0 => {
                (self.queues, self.agents) = rules(&mut self.rng);
                Event::Configure { queues: self.queues.clone(), agents: self.agents.clone() }
            }
            _ => Event::Time,
        }
    }

    fn enqueue(&mut self, call: CallId) -> Event {
        let queue = QUEUES[self.rng.below(QUEUES.len() as u64) as usize].into();
        let priority = (self.rng.below(3) == 0).then(|| self.rng.below(3) as u8 * 40);
        let earlier = if self.rng.below(5) == 0 { self.rng.below(60_000_000) } else { 0 };
        let since = Moment::from_micros(self.now.as_micros() - earlier);
        Event::Enqueue { call, queue, priority, since }
    }

    fn happens(&mut self, event: Event) {
        // What the event means for the book before anything is decided.
        let mut entering = None;
        match &event {
            Event::Enqueue { call, queue, priority, since } if !self.book.contains_key(call) => {
                let default = self.queues.get(queue).map_or(0, |queue| queue.priority);
                let order = (std::cmp::Reverse(priority.unwrap_or(default)), *since, *call);
                entering = Some(Entry { queue: queue.clone(), order, rings: None });
            }
            Event::Leave(call) => {
                self.book.remove(call);
            }
            Event::Answered { agent, call } if self.is_offered(agent, *call) => {
                self.book.remove(call);
            }
            Event::OfferFailed { agent, call, .. } if self.is_offered(agent, *call) => self.stops(*call),
            _ => {}
        }
        writeln!(self.trace, "{:?} {event:?}", self.now).expect("a string takes any text");
        self.acd.handle(self.now, event);
        while let Some(decision) = self.acd.poll() {
            writeln!(self.trace, "  {decision:?}").expect("a string takes any text");
            self.note(decision, &mut entering);
        }
        self.check();
    }

    fn is_offered(&self, agent: &AgentId, to: CallId) -> bool {
        matches!(self.acd.agent(agent), Some(AgentState::Offered { call, .. }) if *call == to)
    }

    fn stops(&mut self, call: CallId) {
        if let Some(entry) = self.book.get_mut(&call) {
            entry.rings = None;
        }
    }

    fn note(&mut self, decision: Decision, entering: &mut Option<Entry>) {
        match decision {
            Decision::Position { call, .. } => {
                if let Some(entry) = entering.take_if(|entry| entry.order.2 == call) {
                    self.book.insert(call, entry);
                }
                assert!(self.book.contains_key(&call), "{}", self.says("a position for nobody"));
            }
            Decision::Offer { call, agent, queue, reasons, .. } => {
                self.offers += 1;
                assert!(reasons.others.len() <= REASONS);
                let entry = self.book.get(&call).expect("an offer is for somebody who waits").clone();
                assert_eq!((entry.rings, &entry.queue), (None, &queue), "{}", self.says("offered twice"));
                let passed = self.book.values().find(|other| {
                    other.rings.is_none() && other.order < entry.order && self.qualifies(&agent, &other.queue)
                });
                assert!(passed.is_none(), "{}", self.says(&format!("{call:?} overtook {passed:?}")));
                self.book.entry(call).and_modify(|entry| entry.rings = Some(agent));
            }
            Decision::Withdraw { call, .. } => self.stops(call),
            Decision::Expired { call, .. } => {
                let rings = self.book.remove(&call).and_then(|entry| entry.rings);
                assert_eq!(rings, None, "{}", self.says("sent away while a phone rang"));
            }
            Decision::Comfort { call } => {
                let rings = self.book.get(&call).map(|entry| entry.rings.clone());
                assert_eq!(rings, Some(None), "{}", self.says("comforted while a phone rang"));
            }
            Decision::State { .. } => {}
        }
    }

    fn says(&self, what: &str) -> String {
        let tail = self.trace.len().saturating_sub(3_000);
        let tail = (tail..).find(|at| self.trace.is_char_boundary(*at)).unwrap_or(0);
        format!("seed {}: {what}\n...{}", self.seed, &self.trace[tail..])
    }

    fn check(&self) {
        let waiting = self.acd.waiting();
        let core: BTreeMap<CallId, _> = waiting.iter().map(|w| (w.call, (&w.queue, &w.offered_to))).collect();
        let book: BTreeMap<CallId, _> =
            self.book.iter().map(|(call, entry)| (*call, (&entry.queue, &entry.rings))).collect();
        assert_eq!(core, book, "{}", self.says("the books differ"));

        let mut held = BTreeMap::new();
        for (agent, state) in self.acd.agents() {
            if let AgentState::Offered { call, .. } | AgentState::Talking { call, .. } = state {
                let other = held.insert(*call, agent);
                assert_eq!(other, None, "{}", self.says("two agents for one call"));
            }
            if let AgentState::Talking { call, .. } = state {
                assert!(!core.contains_key(call), "{}", self.says("waits while talking"));
            }
        }
        for entry in &waiting {
            match &entry.offered_to {
                Some(agent) => {
                    assert!(self.is_offered(agent, entry.call), "{}", self.says("rings without agent"));
                }
                None => {
                    assert!(!held.contains_key(&entry.call), "{}", self.says("an agent without offer"));
                    let idle = self.eligible(&entry.queue);
                    assert_eq!(idle, None, "{}", self.says("a caller waits beside an idle agent"));
                }
            }
        }
        assert_eq!(self.acd.engaged.len() + self.ringing(), held.len(), "{}", self.says("engaged"));
    }

    fn ringing(&self) -> usize {
        self.book.values().filter(|entry| entry.rings.is_some()).count()
    }

    /// By the configuration alone, without the core's indexes.
    fn eligible(&self, queue: &QueueId) -> Option<&AgentId> {
        let ready = self.acd.agents().filter(|(_, state)| matches!(state, AgentState::Ready { .. }));
        ready.map(|(id, _)| id).find(|id| self.qualifies(id, queue))
    }

    fn qualifies(&self, agent: &AgentId, queue: &QueueId) -> bool {
        let skills = &self.agents[agent].skills;
        let mut requires = self.queues[queue].requires.iter();
        requires.all(|(skill, level)| skills.get(skill).is_some_and(|has| has >= level))
    }

    /// Everybody answers, talks, hangs up, and time passes.
    fn comes_to_rest(mut self) -> Storm {
        for _ in 0..10_000 {
            let busy = self.acd.agents().find_map(|(id, state)| match state {
                AgentState::Offered { call, .. } => Some(Event::Answered { agent: id.clone(), call: *call }),
                AgentState::Talking { call, .. } => Some(Event::TalkEnded { agent: id.clone(), call: *call }),
                _ => None,
            });
            let next = busy.or_else(|| self.book.keys().next().map(|call| Event::Leave(*call)));
            let event = match (next, self.acd.next_deadline()) {
                (Some(event), _) => event,
                (None, Some(at)) => {
                    self.now = self.now.max(at);
                    Event::Time
                }
                (None, None) => return self,
            };
            self.happens(event);
        }
        panic!("{}", self.says("no rest"));
    }
}

fn rules(rng: &mut Rng) -> (BTreeMap<QueueId, config::Queue>, BTreeMap<AgentId, config::Agent>) {
    let seconds = |n| Duration::from_secs(n);
    let mut queues = BTreeMap::new();
    for (number, id) in QUEUES[..4].iter().enumerate() {
        if rng.below(8) == 0 {
            continue;
        }
        let needs = NEEDS[number];
        let rules = config::Queue {
            priority: [10, 10, 60, 10][number],
            wrap_up: seconds(rng.below(2) * 8),
            comfort: (rng.below(2) == 0).then(|| "comfort".to_owned()),
            max_wait: (rng.below(2) == 0).then(|| seconds(rng.below(60))),
            max_waiting: 3 + rng.below(20) as usize,
            ..queue(needs)
        };
        queues.insert((*id).into(), rules);
    }
    let mut agents = BTreeMap::new();
    for id in AGENTS {
        if rng.below(8) == 0 {
            continue;
        }
        let level = |rng: &mut Rng| rng.below(7) as u8;
        let skills = [("card", level(rng)), ("loan", level(rng)), ("zh", level(rng))];
        let had: Vec<(&str, u8)> = skills.into_iter().filter(|(_, level)| *level > 0).collect();
        agents.insert(id.into(), config::Agent { ready_on_register: rng.below(3) > 0, ..agent(&had) });
    }
    (queues, agents)
}

#[test]
fn whatever_happens_nobody_is_offered_twice_overtaken_left_beside_an_idle_agent_or_stuck() {
    let mut offers = 0;
    for seed in 0..SEEDS {
        let storm = Storm::new(seed).run().comes_to_rest();
        offers += storm.offers;
        assert!(storm.acd.engaged.is_empty() && storm.acd.callers.is_empty(), "seed {seed}");
        for (agent, state) in storm.acd.agents() {
            use AgentState::{LoggedOut, NotReady, Ready};
            assert!(
                matches!(state, LoggedOut | Ready { .. } | NotReady { .. }),
                "seed {seed}: {agent} {state:?}"
            );
        }
    }
    assert!(offers > 5_000, "the storm is too calm to prove anything: {offers} offers");
}

#[test]
fn the_same_seed_decides_the_same_to_the_byte() {
    for seed in 0..20 {
        assert_eq!(Storm::new(seed).run().trace, Storm::new(seed).run().trace);
    }
    assert_ne!(Storm::new(1).run().trace, Storm::new(2).run().trace);
}
