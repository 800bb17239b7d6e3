//! All flows together: where a call comes that goes from one to another, by a `call` or by one of the bank's own numbers.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Reach;
use super::judge::Judge;
use super::outcome::{Far, Outcome};
use super::walk::{Beyond, CALLERS, Caller, Walker};
use crate::diagnostic::Findings;
use crate::ids::FlowId;
use crate::ivr::World;
use crate::ivr::flow::{Destination, Flow, Step};

/// What flows must know of one that they call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Near {
    /// How far it is from its questions back, by `CALLERS`.
    pub owed: [Option<Far>; 3],
    pub depth: usize,
}

struct Country<'a> {
    world: &'a World<'a>,
    walkers: Vec<Arc<Walker>>,
    by_name: BTreeMap<FlowId, usize>,
    /// Where callers come from the start of a flow. While that is being found out it is nobody: who comes back to where
    /// they began goes round.
    starts: BTreeMap<(usize, Caller), Outcome>,
    near: BTreeMap<usize, Near>,
}

/// Judges flows that have no errors, each behind those that it calls. What is wrong goes to the findings of their files.
pub(in crate::ivr) fn judge<'f>(
    flows: impl IntoIterator<Item = (&'f Arc<Flow>, &'f mut Findings)>,
    world: &World<'_>,
) -> Vec<Reach> {
    let (walkers, outs): (Vec<Arc<Walker>>, Vec<&mut Findings>) =
        flows.into_iter().map(|(flow, out)| (Arc::new(Walker::of(flow, world.catalogue)), out)).unzip();
    let mut by_name = BTreeMap::new();
    for (place, walker) in walkers.iter().enumerate() {
        by_name.entry(walker.flow().id().clone()).or_insert(place);
    }
    let mut country = Country { world, walkers, by_name, starts: BTreeMap::new(), near: BTreeMap::new() };
    for place in 0..country.walkers.len() {
        CALLERS.iter().for_each(|caller| country.settle(place, *caller));
    }
    let mut reaches = Vec::new();
    for (place, out) in outs.into_iter().enumerate() {
        let walker = country.walkers[place].clone();
        let (reach, near) = Judge { walker: &walker, beyond: &country, world, out }.judge();
        country.near.insert(place, near);
        reaches.push(reach);
    }
    reaches
}

impl Country<'_> {
    /// Finds out where a caller comes from the start of a flow, and of those that the way leads through.
    fn settle(&mut self, place: usize, caller: Caller) {
        if self.starts.contains_key(&(place, caller)) {
            return;
        }
        self.starts.insert((place, caller), Outcome::NOBODY);
        let walker = self.walkers[place].clone();
        let mut seen = vec![false; walker.states()];
        let mut left = vec![0];
        while let Some(state) = left.pop() {
            if std::mem::replace(&mut seen[state], true) {
                continue;
            }
            let beyond = match walker.step(state) {
                Step::Call(call) => self.by_name.get(call.flow.id()).copied(),
                Step::Transfer { to: Destination::Number(number), .. } => self.behind(number),
                _ => None,
            };
            if let Some(beyond) = beyond {
                self.settle(beyond, caller);
            }
            left.extend(walker.leads(state, caller, &*self));
        }
        let outcome = walker.walk(caller, &*self).outcomes[0];
        self.starts.insert((place, caller), outcome);
    }

    /// The flow that one of the bank's own numbers leads to.
    fn behind(&self, number: &str) -> Option<usize> {
        self.by_name.get(self.world.numbers.get(number)?).copied()
    }

    fn start(&self, place: usize, caller: Caller) -> Outcome {
        let caller = if caller == Caller::Mistaken { Caller::Confused } else { caller };
        self.starts.get(&(place, caller)).copied().unwrap_or(Outcome::NOBODY)
    }

    fn near(&self, flow: &Flow) -> Option<&Near> {
        self.near.get(self.by_name.get(flow.id())?)
    }
}

impl Beyond for Country<'_> {
    fn called(&self, flow: &Flow, caller: Caller) -> Outcome {
        self.by_name.get(flow.id()).map_or(Outcome::NOBODY, |place| self.start(*place, caller))
    }

    fn dialled(&self, number: &str, caller: Caller) -> Option<Outcome> {
        self.behind(number).map(|place| self.start(place, caller))
    }

    fn owed(&self, flow: &Flow, caller: Caller) -> Option<Far> {
        let place = CALLERS.iter().position(|known| *known == caller)?;
        self.near(flow)?.owed[place]
    }

    fn depth(&self, flow: &Flow) -> usize {
        self.near(flow).map_or(0, |near| near.depth)
    }
}
