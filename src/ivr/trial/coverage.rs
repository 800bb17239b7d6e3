//! Which nodes and which ways out of them tests took, and which none did.

use std::collections::{BTreeMap, BTreeSet};

use super::Stage;
use super::play::Outcome;
use crate::ids::FlowId;
use crate::ivr::flow::{Flow, NodeId};

/// What tests took so far.
#[derive(Debug, Default)]
pub struct Coverage {
    /// Flows that a call began in.
    begun: BTreeSet<FlowId>,
    ways: BTreeMap<FlowId, BTreeSet<usize>>,
}

/// One flow's share.
#[derive(Debug)]
pub struct Covered {
    pub flow: FlowId,
    pub nodes: Share,
    /// Ways out of nodes: keys, failures, cases, exits.
    pub branches: Share,
}

/// How many of how many, and where the others stand.
#[derive(Debug)]
pub struct Share {
    pub taken: usize,
    pub all: usize,
    /// Each with its `file:line`.
    pub missing: Vec<String>,
}

impl Share {
    fn of(taken: usize, all: usize, missing: Vec<String>) -> Share {
        Share { taken, all, missing }
    }

    /// Rounded down: only all is 100.
    pub fn percent(&self) -> usize {
        (self.taken * 100).checked_div(self.all).unwrap_or(100)
    }
}

impl Coverage {
    pub fn add(&mut self, outcome: &Outcome) {
        self.begun.insert(outcome.flow.clone());
        for (flow, way) in &outcome.ways {
            self.ways.entry(flow.clone()).or_default().insert(*way);
        }
    }

    /// Whether a test began in this flow.
    pub fn began_in(&self, flow: &FlowId) -> bool {
        self.begun.contains(flow)
    }

    /// Flow by flow, those without a test among them.
    pub fn report(&self, stage: &Stage<'_>) -> Vec<Covered> {
        stage.flows().map(|(flow, on)| self.flow(flow, on)).collect()
    }

    fn flow(&self, flow: &FlowId, on: &Flow) -> Covered {
        let none = BTreeSet::new();
        let taken = self.ways.get(flow).unwrap_or(&none);
        let chart = &on.chart;
        // Nobody is at a node who did not begin there or come by a way.
        let begun = (self.begun.contains(flow) || !taken.is_empty()).then_some(on.start);
        let reached: BTreeSet<NodeId> =
            taken.iter().filter_map(|way| chart.ways.get(*way)).map(|way| way.to).chain(begun).collect();
        let unseen = chart.stops.iter().enumerate().filter(|(at, _)| !reached.contains(&NodeId(*at)));
        let unseen: Vec<String> =
            unseen.map(|(_, stop)| format!("{}: `{}`", on.place(stop.span), stop.name)).collect();
        let untaken = chart.ways.iter().enumerate().filter(|(at, _)| !taken.contains(at)).map(|(_, way)| {
            let (from, to) = (&chart.stops[way.from.0].name, &chart.stops[way.to.0].name);
            format!("{}: {} of `{from}`, to `{to}`", on.place(way.span), way.what)
        });
        let untaken: Vec<String> = untaken.collect();
        let (nodes, ways) = (chart.stops.len(), chart.ways.len());
        Covered {
            flow: flow.clone(),
            nodes: Share::of(nodes - unseen.len(), nodes, unseen),
            branches: Share::of(ways - untaken.len(), ways, untaken),
        }
    }
}
