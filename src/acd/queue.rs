//! A queue: who waits in it, in which order, what they are told, and how they leave.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::estimate::Pace;
use super::matcher::Idle;
use super::{Acd, Alarm, Decision, POSITION_WINDOW, Withdrawn};
use crate::config;
use crate::ids::{AgentId, CallId, QueueId};
use crate::ivr::run::QueueExit;
use crate::moment::Moment;

/// A caller's place, which sorts as they are served: by priority, then by the wait, then by arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub priority: Reverse<u8>,
    pub since: Moment,
    pub call: CallId,
}

/// Somebody in a queue.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    queue: QueueId,
    place: Place,
    /// The best position they were told.
    told: usize,
    /// `max_wait` after they entered this time. Not after `since`: who comes back from a talk that broke off
    /// has waited enough to be first, and would be sent away for it.
    leaves: Option<Moment>,
    /// When the comfort message is due next.
    comfort: Option<Moment>,
    rings: Option<Rings>,
}

/// An agent's phone rings for the caller.
#[derive(Clone, Debug)]
struct Rings {
    agent: AgentId,
    until: Moment,
}

impl Caller {
    pub(super) fn queue(&self) -> &QueueId {
        &self.queue
    }

    pub(super) fn since(&self) -> Moment {
        self.place.since
    }

    /// The best position they were told.
    pub(super) fn told(&self) -> usize {
        self.told
    }

    /// Whose phone rings.
    pub(super) fn rung(&self) -> Option<&AgentId> {
        self.rings.as_ref().map(|rings| &rings.agent)
    }

    fn alarms(&self) -> impl Iterator<Item = (Moment, Alarm)> {
        let call = self.place.call;
        let leaves = self.leaves.map(|at| (at, Alarm::WaitEnds(call)));
        let comfort = self.comfort.map(|at| (at, Alarm::Comfort(call)));
        leaves.into_iter().chain(comfort)
    }
}

#[derive(Clone, Debug)]
pub(super) struct Queue {
    pub id: QueueId,
    pub rules: config::Queue,
    /// Everyone here, whether a phone rings for them or not: what positions are counted in.
    line: BTreeSet<Place>,
    /// How many of the line have each priority, so that a newcomer's position needs no counting through.
    priorities: BTreeMap<Reverse<u8>, usize>,
    /// Those of the line for whom no phone rings.
    pub open: BTreeSet<Place>,
    /// Ready agents who may serve this queue.
    pub ready: BTreeSet<Idle>,
    /// How long its talks take.
    pub pace: Pace,
}

impl Queue {
    fn new(id: QueueId, rules: config::Queue) -> Queue {
        Queue {
            id,
            rules,
            line: BTreeSet::new(),
            priorities: BTreeMap::new(),
            open: BTreeSet::new(),
            ready: BTreeSet::new(),
            pace: Pace::default(),
        }
    }

    /// In the order of service.
    pub(super) fn line(&self) -> impl Iterator<Item = &Place> {
        self.line.iter()
    }

    /// How many are before the caller, as far as they may know.
    pub(super) fn ahead(&self, caller: &mut Caller) -> usize {
        if caller.told >= POSITION_WINDOW {
            caller.told = caller.told.min(self.line.range(..caller.place).count());
        }
        caller.told
    }

    /// Lines the place up; how many are ahead of it.
    fn join(&mut self, place: Place) -> usize {
        let behind = self.line.range(place..).next();
        let last_of_its_priority = behind.is_none_or(|next| next.priority != place.priority);
        let ahead = if last_of_its_priority {
            self.priorities.range(..=place.priority).map(|(_, count)| count).sum()
        } else {
            // Only who comes back from a broken talk goes before others, and then near the head.
            self.line.range(..place).count()
        };
        self.line.insert(place);
        *self.priorities.entry(place.priority).or_default() += 1;
        ahead
    }

    fn part(&mut self, place: &Place) {
        if !self.line.remove(place) {
            return;
        }
        self.open.remove(place);
        if let Some(count) = self.priorities.get_mut(&place.priority) {
            *count -= 1;
            if *count == 0 {
                self.priorities.remove(&place.priority);
            }
        }
    }
}

impl Acd {
    pub(super) fn queue_number(&self, id: &QueueId) -> Option<usize> {
        self.queues.binary_search_by(|queue| queue.id.cmp(id)).ok()
    }

    pub(super) fn queue_of(&mut self, call: CallId) -> Option<(&mut Caller, &mut Queue)> {
        let caller = self.callers.get_mut(&call)?;
        let number = self.queues.binary_search_by(|queue| queue.id.cmp(&caller.queue)).ok()?;
        Some((caller, &mut self.queues[number]))
    }

    pub(super) fn enqueue(
        &mut self,
        now: Moment,
        call: CallId,
        queue: QueueId,
        priority: Option<u8>,
        since: Moment,
    ) {
        if self.callers.contains_key(&call) || self.engaged.contains_key(&call) {
            return;
        }
        let open = self.queue_number(&queue).map(|number| &mut self.queues[number]);
        let Some(line) = open.filter(|queue| queue.line.len() < queue.rules.max_waiting) else {
            return self.decide(Decision::Expired { call, queue, why: QueueExit::Full });
        };
        let place = Place { priority: Reverse(priority.unwrap_or(line.rules.priority)), since, call };
        let ahead = line.join(place);
        let rules = &line.rules;
        let leaves = rules.max_wait.map(|wait| now + wait);
        let comfort = next_comfort(now, rules);
        self.callers.insert(call, Caller { queue, place, told: ahead, leaves, comfort, rings: None });
        self.decide(Decision::Position { call, ahead });
        self.place_caller(now, call);
    }

    pub(super) fn leave(&mut self, now: Moment, call: CallId) {
        let agent = match self.take_out(call) {
            Some(caller) => caller.rings.map(|rings| rings.agent),
            None => self.reserved_agent(call),
        };
        if let Some(agent) = agent {
            self.engaged.remove(&call);
            self.decide(Decision::Withdraw { call, agent: agent.clone(), why: Withdrawn::CallerLeft });
            self.spared(now, &agent);
        }
    }

    /// Out of the queue for good: nothing more falls due, those behind move up.
    pub(super) fn take_out(&mut self, call: CallId) -> Option<Caller> {
        self.hush(call);
        let (caller, queue) = self.queue_of(call)?;
        queue.part(&caller.place);
        let caller = self.callers.remove(&call)?;
        self.tell_positions(&caller.queue);
        Some(caller)
    }

    fn tell_positions(&mut self, queue: &QueueId) {
        let Some(number) = self.queue_number(queue) else {
            return;
        };
        for (ahead, place) in self.queues[number].line.iter().take(POSITION_WINDOW).enumerate() {
            if let Some(caller) = self.callers.get_mut(&place.call)
                && ahead < caller.told
            {
                caller.told = ahead;
                self.decisions.push_back(Decision::Position { call: place.call, ahead });
            }
        }
    }

    /// The caller is open to any agent who comes free.
    pub(super) fn wait(&mut self, call: CallId) {
        if let Some((caller, queue)) = self.queue_of(call) {
            queue.open.insert(caller.place);
        }
        if let Some(caller) = self.callers.get(&call) {
            self.alarms.extend(caller.alarms());
        }
    }

    /// The caller is about to be offered.
    pub(super) fn stop_waiting(&mut self, call: CallId) {
        self.hush(call);
        if let Some((caller, queue)) = self.queue_of(call) {
            queue.open.remove(&caller.place);
        }
    }

    /// Nothing falls due for this caller any more.
    fn hush(&mut self, call: CallId) {
        let Some(caller) = self.callers.get(&call) else {
            return;
        };
        for alarm in caller.alarms() {
            self.alarms.remove(&alarm);
        }
        if let Some(rings) = &caller.rings {
            self.alarms.remove(&(rings.until, Alarm::RingEnds(call)));
        }
    }

    pub(super) fn ring(&mut self, call: CallId, agent: &AgentId, until: Moment) {
        if let Some(caller) = self.callers.get_mut(&call) {
            caller.rings = Some(Rings { agent: agent.clone(), until });
            self.alarms.insert((until, Alarm::RingEnds(call)));
        }
    }

    /// The phone stopped ringing, unanswered: the caller has not lost their place. `false` if they are not here.
    pub(super) fn stop_ringing(&mut self, call: CallId) -> bool {
        self.hush(call);
        let caller = self.callers.get_mut(&call);
        caller.is_some_and(|caller| caller.rings.take().is_some())
    }

    /// Back at their place after an offer that failed, unless the wait ended while the phone rang.
    pub(super) fn back_in_line(&mut self, now: Moment, call: CallId) {
        match self.callers.get(&call).map(|caller| caller.leaves) {
            Some(Some(leaves)) if leaves <= now => self.expire(call, QueueExit::Timeout),
            Some(_) => self.place_caller(now, call),
            None => {}
        }
    }

    pub(super) fn wait_ended(&mut self, call: CallId) {
        self.expire(call, QueueExit::Timeout);
    }

    fn expire(&mut self, call: CallId, why: QueueExit) {
        if let Some(caller) = self.take_out(call) {
            self.decide(Decision::Expired { call, queue: caller.queue, why });
        }
    }

    pub(super) fn comfort(&mut self, now: Moment, call: CallId) {
        let Some((caller, queue)) = self.queue_of(call) else {
            return;
        };
        caller.comfort = next_comfort(now, &queue.rules);
        let next = caller.comfort.map(|at| (at, Alarm::Comfort(call)));
        self.alarms.extend(next);
        self.decide(Decision::Comfort { call });
    }

    /// The callers of queues that are no more leave them; an agent whose phone rings for one is spared.
    pub(super) fn close_queues(&mut self, now: Moment, keep: &BTreeMap<QueueId, config::Queue>) {
        let closed = self.queues.iter().filter(|queue| !keep.contains_key(&queue.id));
        // From the back, so that nobody hears of moving up in a queue that closes.
        let lines = closed.flat_map(|queue| queue.line.iter().rev());
        let calls: Vec<CallId> = lines.map(|place| place.call).collect();
        for call in calls {
            if let Some(agent) = self.callers.get(&call).and_then(|caller| caller.rung().cloned()) {
                self.decide(Decision::Withdraw { call, agent: agent.clone(), why: Withdrawn::CallerLeft });
                self.spared_unplaced(now, &agent);
            }
            self.expire(call, QueueExit::Empty);
        }
    }

    /// Queues that stay keep their lines. The index of ready agents is left empty: see `match_everyone`.
    pub(super) fn replace_queues(&mut self, queues: BTreeMap<QueueId, config::Queue>) {
        let old = std::mem::take(&mut self.queues);
        let mut old: BTreeMap<QueueId, Queue> =
            old.into_iter().map(|queue| (queue.id.clone(), queue)).collect();
        let renewed = queues.into_iter().map(|(id, rules)| match old.remove(&id) {
            Some(queue) => Queue { rules, ready: BTreeSet::new(), ..queue },
            None => Queue::new(id, rules),
        });
        self.queues = renewed.collect();
    }
}

/// `None` where nothing is said, or never again: an interval of zero would be said without end.
fn next_comfort(now: Moment, rules: &config::Queue) -> Option<Moment> {
    (rules.comfort.is_some() && !rules.comfort_every.is_zero()).then(|| now + rules.comfort_every)
}
