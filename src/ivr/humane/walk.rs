//! Three callers on their way through a flow, and where they come at worst.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use super::knots::Knots;
use super::{Near, Way};
use crate::ivr::flow::{Ask, Keys, NodeId, Spoken, Step};
use crate::ivr::scope::Scope;
use crate::ivr::subflow::Call;

/// Who walks through the flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    Silent,
    Confused,
    /// Presses the key for a person.
    Asking,
}

pub(super) const CALLERS: [Caller; 3] = [Caller::Silent, Caller::Confused, Caller::Asking];

/// Where a caller comes at worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Person(Way),
    /// Some cases come back to the flow that called this one; the others reach a person.
    Back(Way),
    /// The call ends without a person.
    Goodbye,
    /// They go round until the line is cut.
    Nobody,
}

impl Near {
    fn at_start(&self, caller: Caller) -> Outcome {
        self.at_start[caller as usize]
    }
}

impl Outcome {
    fn worst(self, other: Outcome) -> Outcome {
        match (self, other) {
            (Outcome::Nobody, _) | (_, Outcome::Nobody) => Outcome::Nobody,
            (Outcome::Goodbye, _) | (_, Outcome::Goodbye) => Outcome::Goodbye,
            (Outcome::Person(one), Outcome::Person(other)) => Outcome::Person(one.worst(other)),
            (Outcome::Person(one) | Outcome::Back(one), Outcome::Person(other) | Outcome::Back(other)) => {
                Outcome::Back(one.worst(other))
            }
        }
    }

    /// The same with a question and prompts before it.
    fn after(self, questions: usize, prompts: Duration) -> Outcome {
        let more = |way: Way| Way { questions: way.questions + questions, prompts: way.prompts + prompts };
        match self {
            Outcome::Person(way) => Outcome::Person(more(way)),
            Outcome::Back(way) => Outcome::Back(more(way)),
            other => other,
        }
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Caller::Silent => "who keeps silent",
            Caller::Confused => "who presses wrong keys",
            Caller::Asking => "who presses the key for a person",
        })
    }
}

/// A way out of a node.
#[derive(Clone, Copy)]
pub(super) struct Out {
    to: usize,
    /// Taken by a key of a menu.
    key: bool,
    /// Taken when nobody works.
    pub closed: bool,
    /// Taken by who waits for a person already.
    waits: bool,
}

pub(super) struct Walker<'s> {
    steps: &'s [&'s Step],
    ways: Vec<Vec<Out>>,
    /// How long prompts play, by node: what a node says before it goes on.
    says: Vec<Duration>,
    /// By node: what is said when an answer fails, for silence and for wrong keys.
    failing: Vec<[Duration; 2]>,
    person_key: usize,
}

impl<'s> Walker<'s> {
    pub fn of(steps: &'s [&'s Step], person_key: usize, scope: &Scope<'_>) -> Walker<'s> {
        let plays = |spoken: &Spoken| {
            let language =
                |prompts: &Vec<_>| prompts.iter().map(|p| scope.world.catalogue.duration(*p)).sum();
            spoken.0.iter().map(language).max().unwrap_or(Duration::ZERO)
        };
        Walker {
            steps,
            ways: steps.iter().map(|step| ways(step)).collect(),
            says: steps.iter().map(|step| spoken(step).into_iter().map(plays).sum()).collect(),
            failing: steps
                .iter()
                .map(|step| {
                    question(step).map_or([Duration::ZERO; 2], |ask| {
                        let unfit = unfit(step).map_or(Duration::ZERO, plays);
                        [plays(&ask.on_no_input.prompts), plays(&ask.on_invalid.prompts).max(unfit)]
                    })
                })
                .collect(),
            person_key,
        }
    }

    pub fn asks(&self, node: usize) -> bool {
        question(self.steps[node]).is_some()
    }

    pub fn reached(&self, start: NodeId, counts: fn(&Out) -> bool) -> Vec<bool> {
        let mut seen = vec![false; self.steps.len()];
        let mut left = vec![start.0];
        seen[start.0] = true;
        while let Some(node) = left.pop() {
            for way in self.ways[node].iter().filter(|way| counts(way)) {
                if !std::mem::replace(&mut seen[way.to], true) {
                    left.push(way.to);
                }
            }
        }
        seen
    }

    /// By node: the fewest menus that lead to it, itself and those of a flow that it calls included; `None` where there
    /// is no menu.
    pub fn depths(&self, start: NodeId) -> Vec<Option<usize>> {
        let menus = |node: usize| match self.steps[node] {
            Step::Menu { .. } => 1,
            Step::Call(call) => call.flow.near.reach.depth,
            _ => 0,
        };
        let mut fewest = vec![usize::MAX; self.steps.len()];
        fewest[start.0] = menus(start.0);
        let mut left = VecDeque::from([start.0]);
        while let Some(node) = left.pop_front() {
            // Who waits for a person has found the way.
            for way in self.ways[node].iter().filter(|way| !way.waits) {
                let depth = fewest[node] + menus(way.to);
                if depth < fewest[way.to] {
                    fewest[way.to] = depth;
                    left.push_back(way.to);
                }
            }
        }
        (0..fewest.len())
            .map(|node| (menus(node) > 0 && fewest[node] < usize::MAX).then_some(fewest[node]))
            .collect()
    }

    /// Where this caller comes from each node.
    pub fn outcomes(&self, caller: Caller) -> Vec<Outcome> {
        let mut known = vec![None; self.steps.len()];
        (0..self.steps.len()).map(|node| self.outcome(node, caller, &mut known)).collect()
    }

    fn outcome(&self, node: usize, caller: Caller, known: &mut Vec<Option<Outcome>>) -> Outcome {
        if let Some(outcome) = known[node] {
            return outcome;
        }
        // Who comes back to where they were goes round.
        known[node] = Some(Outcome::Nobody);
        let outcome = match self.steps[node] {
            Step::Queue(_) | Step::Transfer { .. } | Step::AgentReturn { .. } => {
                Outcome::Person(Way::default()).after(0, self.says[node])
            }
            Step::Hangup { .. } => Outcome::Goodbye,
            Step::Return(_) => Outcome::Back(Way::default()),
            Step::Call(call) => self.called(call, caller, known),
            Step::Language { ask, .. } => self.asked(node, ask, None, caller, known),
            Step::Menu { ask, keys } => self.asked(node, ask, Some(keys), caller, known),
            Step::Collect { ask, .. } => self.asked(node, ask, None, caller, known),
            Step::Hours { open, closed, .. } => {
                let open = self.outcome(open.0, caller, known);
                match self.outcome(closed.0, caller, known) {
                    // Nobody works then: a goodbye is what can be given.
                    Outcome::Goodbye => open,
                    closed => open.worst(closed),
                }
            }
            _ => {
                let says = self.says[node];
                let ahead = self.ways[node].iter().map(|way| self.outcome(way.to, caller, known));
                let worst = ahead.reduce(Outcome::worst);
                worst.unwrap_or(Outcome::Nobody).after(0, says)
            }
        };
        known[node] = Some(outcome);
        outcome
    }

    /// In the flow that is called, and behind it if that comes back.
    fn called(&self, call: &Call, caller: Caller, known: &mut Vec<Option<Outcome>>) -> Outcome {
        let within = call.flow.near.at_start(caller);
        match (within, call.next) {
            (Outcome::Back(way), Some(next)) => {
                self.outcome(next.0, caller, known).after(way.questions, way.prompts)
            }
            _ => within,
        }
    }

    fn asked(
        &self,
        node: usize,
        ask: &Ask,
        keys: Option<&Keys>,
        caller: Caller,
        known: &mut Vec<Option<Outcome>>,
    ) -> Outcome {
        if let (Caller::Asking, Some(to)) = (caller, keys.and_then(|keys| keys[self.person_key])) {
            return self.outcome(to.0, caller, known).after(1, self.says[node]);
        }
        let (then, lead) = self.fails(node, ask, caller);
        let tries = u32::from(ask.retries);
        self.outcome(then, caller, known).after(1, self.says[node] * (tries + 1) + lead * tries)
    }

    /// Where failing leads, and how long it is spoken of before each repeat.
    fn fails(&self, node: usize, ask: &Ask, caller: Caller) -> (usize, Duration) {
        match caller {
            Caller::Silent => (ask.on_no_input.then.0, self.failing[node][0]),
            Caller::Confused | Caller::Asking => (ask.on_invalid.then.0, self.failing[node][1]),
        }
    }

    /// Where this caller may go from a node.
    fn leads(&self, node: usize, caller: Caller) -> Vec<usize> {
        match (self.steps[node], question(self.steps[node])) {
            (Step::Menu { keys, .. }, _) if caller == Caller::Asking && keys[self.person_key].is_some() => {
                keys[self.person_key].iter().map(|to| to.0).collect()
            }
            (_, Some(ask)) => vec![self.fails(node, ask, caller).0],
            (_, None) => self.ways[node].iter().map(|way| way.to).collect(),
        }
    }

    /// Where this caller comes from the next node on, at worst.
    pub fn further(&self, node: usize, caller: Caller, outcomes: &[Outcome]) -> Option<Outcome> {
        self.leads(node, caller).into_iter().map(|to| outcomes[to]).reduce(Outcome::worst)
    }

    /// By node: whether a question further on, from which this caller reaches no person either, is where that can be
    /// mended. Of questions that lead to each other it is the first.
    pub fn are_explained_further_on(&self, caller: Caller, outcomes: &[Outcome]) -> Vec<bool> {
        let lost = |at: usize| self.asks(at) && matches!(outcomes[at], Outcome::Goodbye | Outcome::Nobody);
        let leads: Vec<Vec<usize>> = (0..self.steps.len()).map(|node| self.leads(node, caller)).collect();
        let knots = Knots::of(&leads);
        let mut explained = vec![false; self.steps.len()];
        // By knot: somebody is lost in it or further on.
        let mut lose = Vec::with_capacity(knots.members.len());
        for (knot, members) in knots.members.iter().enumerate() {
            let ways = members.iter().flat_map(|node| &leads[*node]).map(|to| knots.of[*to]);
            let further = ways.filter(|other| *other != knot).any(|other| lose[other]);
            let first = members.iter().copied().filter(|node| lost(*node)).min();
            for node in members {
                explained[*node] = further || first.is_some_and(|first| first < *node);
            }
            lose.push(further || first.is_some());
        }
        explained
    }

    /// The first menu that callers meet.
    pub fn main_menu(&self, start: NodeId) -> Option<usize> {
        let mut seen = vec![false; self.steps.len()];
        let mut left = VecDeque::from([start.0]);
        while let Some(node) = left.pop_front() {
            if std::mem::replace(&mut seen[node], true) {
                continue;
            }
            if matches!(self.steps[node], Step::Menu { .. }) {
                return Some(node);
            }
            // The reduced menu of a broadcast is not the main one.
            let aside = self.steps[node].deflects_to().map(|to| to.0);
            left.extend(self.ways[node].iter().map(|way| way.to).filter(|to| Some(*to) != aside));
        }
        None
    }

    /// Whether a key of `menu` leads to `goal` before anything else is asked or anybody answers.
    pub fn has_key_for(&self, menu: usize, goal: NodeId) -> bool {
        let mut seen = vec![false; self.steps.len()];
        let mut left: Vec<usize> = self.ways[menu].iter().filter(|way| way.key).map(|way| way.to).collect();
        while let Some(node) = left.pop() {
            if node == goal.0 {
                return true;
            }
            if !std::mem::replace(&mut seen[node], true) && !self.asks(node) && !is_end(self.steps[node]) {
                left.extend(self.ways[node].iter().map(|way| way.to));
            }
        }
        false
    }
}

fn is_end(step: &Step) -> bool {
    matches!(
        step,
        Step::Queue(_)
            | Step::Transfer { .. }
            | Step::Hangup { .. }
            | Step::Return(_)
            | Step::AgentReturn { .. }
    )
}

fn question(step: &Step) -> Option<&Ask> {
    match step {
        Step::Menu { ask, .. } | Step::Collect { ask, .. } | Step::Language { ask, .. } => Some(ask),
        _ => None,
    }
}

/// What is said of an entry that a check turns down.
fn unfit(step: &Step) -> Option<&Spoken> {
    match step {
        Step::Collect { entry, .. } => entry.check.as_ref().map(|check| &check.prompts),
        _ => None,
    }
}

/// What a node says before it goes on.
fn spoken(step: &Step) -> Vec<&Spoken> {
    match step {
        Step::Play { prompts, .. }
        | Step::Transfer { prompts, .. }
        | Step::AgentReturn { prompts, .. }
        | Step::Hangup { prompts } => vec![prompts],
        Step::Say { before, after, .. } => vec![before, after],
        Step::Menu { ask, .. } | Step::Collect { ask, .. } | Step::Language { ask, .. } => vec![&ask.prompts],
        Step::Queue(waiting) => vec![&waiting.prompts],
        Step::Record(message) => vec![&message.prompts],
        Step::Survey { ask, .. } => vec![&ask.prompts],
        Step::Set { .. }
        | Step::Switch { .. }
        | Step::Hours { .. }
        | Step::Percent(_)
        | Step::Event { .. }
        | Step::Wait { .. }
        | Step::Http(_)
        | Step::Callback(_)
        | Step::Bot(_)
        | Step::Call(_)
        | Step::Return(_)
        // What a broadcast says is known only while it is on.
        | Step::Emergency(_)
        | Step::Profile(_)
        | Step::Goto(_) => Vec::new(),
    }
}

fn ways(step: &Step) -> Vec<Out> {
    let by_itself = |to: &NodeId| Out { to: to.0, key: false, closed: false, waits: false };
    match step {
        Step::Play { next, .. }
        | Step::Say { next, .. }
        | Step::Set { next, .. }
        | Step::Event { next, .. }
        | Step::Wait { next, .. }
        | Step::Language { next, .. }
        | Step::Goto(next) => vec![by_itself(next)],
        Step::Percent(ways) => ways.all().map(by_itself).collect(),
        Step::Http(dip) => dip.ways().map(by_itself).collect(),
        Step::Callback(wish) => [&wish.next, &wish.on_refused].map(by_itself).into(),
        Step::Bot(talk) => talk.ways().map(by_itself).collect(),
        Step::Call(call) => call.next.iter().map(by_itself).collect(),
        Step::Menu { ask, keys } => {
            let keys = keys.iter().flatten().map(|to| Out { key: true, ..by_itself(to) });
            keys.chain([&ask.on_no_input.then, &ask.on_invalid.then].map(by_itself)).collect()
        }
        Step::Collect { ask, next, .. } => {
            [next, &ask.on_no_input.then, &ask.on_invalid.then].map(by_itself).into()
        }
        Step::Switch { cases, otherwise } => {
            cases.iter().map(|(_, then)| then).chain([otherwise]).map(by_itself).collect()
        }
        Step::Hours { open, closed, .. } => vec![by_itself(open), Out { closed: true, ..by_itself(closed) }],
        Step::Queue(waiting) => {
            let empty = waiting.on_empty.as_ref();
            let offer = waiting.meanwhile.offer.as_ref();
            let keys = offer.into_iter().flat_map(|offer| &offer.keys).chain(&waiting.meanwhile.keys);
            let ends = [&waiting.on_timeout, &waiting.on_full].into_iter().chain(empty);
            let keys = keys.flatten().map(|to| Out { waits: true, ..by_itself(to) });
            ends.map(by_itself).chain(keys).collect()
        }
        Step::Transfer { on_failed, .. } => vec![by_itself(on_failed)],
        Step::Profile(profile) => {
            [&profile.next].into_iter().chain(&profile.on_unknown).map(by_itself).collect()
        }
        Step::Emergency(emergency) => {
            let loss = Out { key: true, ..by_itself(&emergency.loss) };
            vec![by_itself(&emergency.next), by_itself(&emergency.deflect), loss]
        }
        Step::Record(message) => [&message.next, &message.on_short, &message.on_failed].map(by_itself).into(),
        Step::Survey { ask, scores } => {
            let low = scores.low.as_ref().map(|(_, then)| then);
            [&scores.next, &ask.on_no_input.then].into_iter().chain(low).map(by_itself).collect()
        }
        Step::Hangup { .. } | Step::Return(_) | Step::AgentReturn { .. } => Vec::new(),
    }
}
