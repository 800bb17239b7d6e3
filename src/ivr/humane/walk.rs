//! The callers on their way through one flow, and where they come at worst.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use super::outcome::{Far, Outcome};
use super::ways::{How, ways};
use crate::ivr::Catalogue;
use crate::ivr::counts::Counts;
use crate::ivr::flow::{Ask, Destination, Flow, KEYS, NodeId, Spoken, Step};
use crate::ivr::knots::Knots;
use crate::ivr::subflow::Call;
use crate::ivr::unfolded::Unfolded;

/// Who walks through the flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Caller {
    Silent,
    Confused,
    /// Presses the key for a person.
    Asking,
    /// Types what could be right, and the flow turns it down as long as it does so at all.
    Mistaken,
}

/// Those who can be at any question.
pub(super) const CALLERS: [Caller; 3] = [Caller::Silent, Caller::Confused, Caller::Asking];

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Caller::Silent => "who keeps silent",
            Caller::Confused => "who presses wrong keys",
            Caller::Asking => "who presses the key for a person",
            Caller::Mistaken => "whose entries are turned down",
        })
    }
}

/// What a walk must know of other flows.
pub(super) trait Beyond {
    /// Where this caller comes who is led to the start of a flow that is called.
    fn called(&self, flow: &Flow, caller: Caller) -> Outcome;
    /// The same of the flow behind one of the bank's own numbers; `None` if that is not known.
    fn dialled(&self, number: &str, caller: Caller) -> Option<Outcome>;
    /// How far it is from the questions of a flow that is called back to the flow that calls it.
    fn owed(&self, flow: &Flow, caller: Caller) -> Option<Far>;
    /// Menus one behind the other in a flow that is called.
    fn depth(&self, flow: &Flow) -> usize;
}

/// A flow, unfolded by what it counts. What is said below of states holds for the nodes that they are of.
pub(super) struct Walker {
    flow: std::sync::Arc<Flow>,
    counts: Counts,
    unfolded: Unfolded<How>,
    /// How long prompts play, by node: what a node says before it goes on.
    says: Vec<Duration>,
    /// By node: what is said when an answer fails, for silence and for wrong keys.
    failing: Vec<[Duration; 2]>,
}

/// Where one caller comes from everywhere.
pub(super) struct Walk {
    pub caller: Caller,
    /// By state.
    pub leads: Vec<Vec<usize>>,
    pub outcomes: Vec<Outcome>,
    knots: Knots,
}

impl Walker {
    pub fn of(flow: &std::sync::Arc<Flow>, catalogue: &dyn Catalogue) -> Walker {
        let plays = |spoken: &Spoken| {
            let language = |prompts: &Vec<_>| prompts.iter().map(|p| catalogue.duration(*p)).sum();
            spoken.0.iter().map(language).max().unwrap_or(Duration::ZERO)
        };
        let fails = |step: &Step| {
            question(step).map_or([Duration::ZERO; 2], |ask| {
                let unfit = unfit(step).map_or(Duration::ZERO, plays);
                [plays(&ask.on_no_input.prompts), plays(&ask.on_invalid.prompts).max(unfit)]
            })
        };
        let steps: Vec<&Step> = flow.nodes.iter().map(|node| &node.step).collect();
        let kinds: Vec<_> = flow.variables.iter().map(|variable| variable.kind).collect();
        let counts = Counts::of(&steps, &kinds, flow.parameters.len());
        let ways: Vec<_> = steps.iter().map(|step| ways(step)).collect();
        Walker {
            unfolded: Unfolded::of(flow.start, &steps, &counts, &ways),
            says: steps.iter().map(|step| spoken(step).into_iter().map(plays).sum()).collect(),
            failing: steps.iter().map(|step| fails(step)).collect(),
            counts,
            flow: flow.clone(),
        }
    }

    pub fn flow(&self) -> &std::sync::Arc<Flow> {
        &self.flow
    }

    pub fn states(&self) -> usize {
        self.unfolded.node.len()
    }

    pub fn node(&self, state: usize) -> usize {
        self.unfolded.node[state]
    }

    pub fn step(&self, state: usize) -> &Step {
        &self.flow.nodes[self.node(state)].step
    }

    /// Something is wanted of the caller.
    pub fn asks(&self, state: usize) -> bool {
        question(self.step(state)).is_some() || matches!(self.step(state), Step::Bot(_))
    }

    /// By state: callers come to it by doing something.
    pub fn chosen(&self) -> Vec<bool> {
        let mut chosen = vec![false; self.states()];
        for (how, to) in self.unfolded.ways.iter().flatten() {
            chosen[*to] |= matches!(how, How::Key | How::Typed | How::Waits);
        }
        chosen
    }

    pub fn reached(&self, counts: fn(How) -> bool) -> Vec<bool> {
        let mut seen = vec![false; self.states()];
        let mut left = vec![0];
        seen[0] = true;
        while let Some(state) = left.pop() {
            for (_, to) in self.unfolded.ways[state].iter().filter(|(how, _)| counts(*how)) {
                if !std::mem::replace(&mut seen[*to], true) {
                    left.push(*to);
                }
            }
        }
        seen
    }

    /// By node: the fewest menus that lead to it, itself and those of a flow that it calls included; `None` where there
    /// is no menu.
    pub fn depths(&self, beyond: &impl Beyond) -> Vec<Option<usize>> {
        let menus = |state: usize| match self.step(state) {
            Step::Menu { .. } => 1,
            Step::Call(call) => beyond.depth(&call.flow),
            _ => 0,
        };
        let mut fewest = vec![usize::MAX; self.states()];
        fewest[0] = menus(0);
        let mut left = VecDeque::from([0]);
        while let Some(state) = left.pop_front() {
            // Who waits for a person has found the way.
            for (_, to) in self.unfolded.ways[state].iter().filter(|(how, _)| *how != How::Waits) {
                let depth = fewest[state] + menus(*to);
                if depth < fewest[*to] {
                    fewest[*to] = depth;
                    left.push_back(*to);
                }
            }
        }
        let mut depths = vec![None; self.flow.nodes.len()];
        for (state, depth) in fewest.into_iter().enumerate().filter(|(_, depth)| *depth < usize::MAX) {
            let known: &mut Option<usize> = &mut depths[self.node(state)];
            if menus(state) > 0 && known.is_none_or(|known| depth < known) {
                *known = Some(depth);
            }
        }
        depths
    }

    /// Where a caller comes who is in the flow from its start on.
    pub fn walk(&self, caller: Caller, beyond: &impl Beyond) -> Walk {
        let leads: Vec<Vec<usize>> =
            (0..self.states()).map(|state| self.leads(state, caller, beyond)).collect();
        let knots = Knots::of(&leads);
        let mut outcomes = vec![Outcome::NOTHING; self.states()];
        for (knot, members) in knots.members.iter().enumerate() {
            // Who comes back to where they were, with the same counts, goes round.
            let circle = knots.is_circle(knot, &leads);
            for state in members {
                outcomes[*state] =
                    if circle { Outcome::NOBODY } else { self.outcome(*state, caller, &outcomes, beyond) };
            }
        }
        Walk { caller, leads, outcomes, knots }
    }

    /// `outcomes` are known of all states that this one leads to.
    fn outcome(&self, state: usize, caller: Caller, outcomes: &[Outcome], beyond: &impl Beyond) -> Outcome {
        let node = self.node(state);
        let at = |to: NodeId| self.on(state, to).map_or(Outcome::NOTHING, |to| outcomes[to]);
        match self.step(state) {
            Step::Queue(_) | Step::AgentReturn { .. } => Outcome::person().after(self.says[node]),
            Step::Transfer { to, on_failed, .. } => {
                self.transferred(to, caller, beyond, at(*on_failed)).after(self.says[node])
            }
            Step::Hangup { .. } => Outcome::GOODBYE,
            Step::Return(_) => Outcome::back(),
            Step::Call(call) => called(call, beyond.called(&call.flow, caller), at),
            // Nobody works then: a goodbye is what can be given.
            Step::Hours { open, closed, .. } => at(*open).worst(Outcome { goodbye: false, ..at(*closed) }),
            Step::Bot(talk) => {
                let ends = match talk.on_person.filter(|_| caller == Caller::Asking) {
                    Some(person) => at(person),
                    None if caller == Caller::Asking => at(talk.next),
                    // It may have done what the caller wanted.
                    None => Outcome { goodbye: false, ..at(talk.next) },
                };
                ends.worst(at(talk.on_failed)).asked(node)
            }
            step => match question(step) {
                Some(ask) => self.asked(state, ask, caller, at),
                None => {
                    let ahead = self.leads(state, caller, beyond).into_iter().map(|to| outcomes[to]);
                    ahead.reduce(Outcome::worst).unwrap_or(Outcome::NOBODY).after(self.says[node])
                }
            },
        }
    }

    /// Where who is handed on comes. A number in a variable may be none of the bank's own, nor an
    /// agent in one of its people.
    fn transferred(
        &self,
        to: &Destination,
        caller: Caller,
        beyond: &impl Beyond,
        on_failed: Outcome,
    ) -> Outcome {
        let unknown = Outcome::person();
        match to {
            Destination::Agent(_) => unknown,
            Destination::Number(number) => beyond.dialled(number, caller).map_or(unknown, Outcome::dialled),
            Destination::AgentIn(_) | Destination::NumberIn(_) => unknown.worst(on_failed),
        }
    }

    fn asked(&self, state: usize, ask: &Ask, caller: Caller, at: impl Fn(NodeId) -> Outcome) -> Outcome {
        let node = self.node(state);
        if let Some(to) = self.answered(state, caller) {
            return at(to).after(self.says[node]).asked(node);
        }
        let then = if caller == Caller::Silent { ask.on_no_input.then } else { ask.on_invalid.then };
        at(then).after(self.failing(node, ask, caller)).asked(node)
    }

    /// How long a question is put to who fails at it, again and again.
    fn failing(&self, node: usize, ask: &Ask, caller: Caller) -> Duration {
        let tries = u32::from(ask.retries);
        let lead = self.failing[node][usize::from(caller != Caller::Silent)];
        self.says[node] * (tries + 1) + lead * tries
    }

    /// What this caller hears at a state before they leave it.
    pub fn hears(&self, state: usize, caller: Caller) -> Duration {
        let node = self.node(state);
        match question(self.step(state)).filter(|_| self.answered(state, caller).is_none()) {
            Some(ask) => self.failing(node, ask, caller),
            None => self.says[node],
        }
    }

    /// Where it leads if the caller's key is an answer.
    fn answered(&self, state: usize, caller: Caller) -> Option<NodeId> {
        let person_key = self.flow.rules.person_key;
        match (self.step(state), caller) {
            (Step::Menu { keys, .. }, Caller::Asking) => keys[person_key],
            (Step::Collect { entry, next, .. }, Caller::Asking) => {
                let key = KEYS.get(person_key..=person_key)?;
                let digit = key.bytes().all(|key| key.is_ascii_digit());
                let passes =
                    digit && entry.min <= 1 && entry.check.as_ref().is_none_or(|check| check.holds(key));
                passes.then_some(*next)
            }
            (Step::Collect { next, .. }, Caller::Mistaken) => Some(*next),
            _ => None,
        }
    }

    fn on(&self, state: usize, to: NodeId) -> Option<usize> {
        self.unfolded.on(state, to, &self.counts)
    }

    /// Where this caller may go from a state.
    pub fn leads(&self, state: usize, caller: Caller, beyond: &impl Beyond) -> Vec<usize> {
        let one = |to: NodeId| -> Vec<usize> { self.on(state, to).into_iter().collect() };
        if let Some(to) = self.answered(state, caller) {
            return one(to);
        }
        match self.step(state) {
            Step::Call(call) => match call.next {
                Some(next) if beyond.called(&call.flow, caller).back.is_some() => one(next),
                _ => Vec::new(),
            },
            Step::Transfer { to: Destination::NumberIn(_), on_failed, .. } => one(*on_failed),
            Step::Queue(_) | Step::Transfer { .. } => Vec::new(),
            Step::Bot(talk) => {
                let ends = talk.on_person.filter(|_| caller == Caller::Asking).unwrap_or(talk.next);
                [ends, talk.on_failed].into_iter().filter_map(|to| self.on(state, to)).collect()
            }
            step => match (question(step), caller) {
                (Some(ask), Caller::Silent) => one(ask.on_no_input.then),
                (Some(ask), _) => one(ask.on_invalid.then),
                (None, _) => {
                    let ways = self.unfolded.ways[state].iter();
                    ways.filter(|(how, _)| *how != How::Key).map(|(_, to)| *to).collect()
                }
            },
        }
    }

    /// Where the key for a person leads who presses it while waiting in a queue; `None` where it means nothing.
    pub fn leaves_the_queue(&self, state: usize, caller: Caller) -> Option<usize> {
        let Step::Queue(waiting) = self.step(state) else { return None };
        let to = waiting.meanwhile.keys[self.flow.rules.person_key].filter(|_| caller == Caller::Asking)?;
        self.on(state, to)
    }

    /// Where who came back from a question of the flow that is called here comes, at worst; `None` if none do.
    pub fn owed(&self, state: usize, walk: &Walk, beyond: &impl Beyond) -> Option<Outcome> {
        let Step::Call(call) = self.step(state) else { return None };
        let far = beyond.owed(&call.flow, walk.caller)?;
        let next = self.on(state, call.next?)?;
        Some(walk.outcomes[next].behind(far))
    }

    /// By state: whether a question further on, from which this caller reaches no person either, is where that can be
    /// mended. Of questions that lead to each other it is the first.
    pub fn are_explained_further_on(&self, walk: &Walk) -> Vec<bool> {
        let Walk { leads, knots, outcomes, .. } = walk;
        let lost = |at: usize| self.asks(at) && outcomes[at].loses();
        let mut explained = vec![false; self.states()];
        // By knot: somebody is lost in it or further on.
        let mut lose = Vec::with_capacity(knots.members.len());
        for (knot, members) in knots.members.iter().enumerate() {
            let ways = members.iter().flat_map(|state| &leads[*state]).map(|to| knots.of[*to]);
            let further = ways.filter(|other| *other != knot).any(|other| lose[other]);
            let first =
                members.iter().copied().filter(|state| lost(*state)).min_by_key(|state| self.node(*state));
            for state in members {
                let earlier = first.is_some_and(|first| self.node(first) < self.node(*state));
                explained[*state] = further || earlier;
            }
            lose.push(further || first.is_some());
        }
        explained
    }

    /// The first menu that callers meet.
    pub fn main_menu(&self) -> Option<usize> {
        let mut seen = vec![false; self.states()];
        let mut left = VecDeque::from([0]);
        while let Some(state) = left.pop_front() {
            if std::mem::replace(&mut seen[state], true) {
                continue;
            }
            if matches!(self.step(state), Step::Menu { .. }) {
                return Some(state);
            }
            // The reduced menu of a broadcast is not the main one.
            let aside = self.step(state).deflects_to().and_then(|to| self.on(state, to));
            left.extend(self.unfolded.ways[state].iter().map(|(_, to)| *to).filter(|to| Some(*to) != aside));
        }
        None
    }

    /// Whether a key of `menu` leads to `goal` before anything else is asked or anybody answers.
    pub fn has_key_for(&self, menu: usize, goal: NodeId) -> bool {
        let mut seen = vec![false; self.states()];
        let keys = self.unfolded.ways[menu].iter().filter(|(how, _)| *how == How::Key);
        let mut left: Vec<usize> = keys.map(|(_, to)| *to).collect();
        while let Some(state) = left.pop() {
            if self.node(state) == goal.0 {
                return true;
            }
            let step = self.step(state);
            if !std::mem::replace(&mut seen[state], true) && question(step).is_none() && !is_end(step) {
                left.extend(self.unfolded.ways[state].iter().map(|(_, to)| *to));
            }
        }
        false
    }
}

/// In the flow that is called, and behind it if that comes back.
fn called(call: &Call, within: Outcome, at: impl Fn(NodeId) -> Outcome) -> Outcome {
    let stays = Outcome { back: None, ..within }.elsewhere();
    match (within.back, call.next) {
        (Some(back), Some(next)) => stays.worst(at(next).behind(back)),
        _ => stays,
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
