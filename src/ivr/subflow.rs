//! Flows that call flows: in which order files are compiled, and what a caller of a flow must know of it.
//!
//! A compiled call holds the flow it calls, so a running call keeps all the versions it began with, and nothing has
//! to be found at run time. Calls in a circle are therefore impossible, and refused with their path.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::flow::{Flow, Kind, NodeId, Operand, Step, VariableId};
use super::graph::walk;
use super::scope::{By, Edge};
use crate::diagnostic::yaml::{Node, Value};

/// Most flows inside each other, the outermost included: deeper than anybody follows when reading.
pub const MAX_DEPTH: usize = 8;

/// A parameter or result: its place in the list is its place at run time.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub name: String,
    pub kind: Kind,
}

/// A node that calls a flow.
#[derive(Debug)]
pub(super) struct Call {
    pub flow: Arc<Flow>,
    /// What its parameters are given, in their order.
    pub with: Vec<Operand>,
    /// Which results are kept, by place, and where.
    pub into: Vec<(usize, VariableId)>,
    /// Where the call goes on; `None` if the flow never returns.
    pub next: Option<NodeId>,
}

/// What becomes of callers in a flow, as far as a flow that calls it is concerned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// What it takes to come back, at least; `None` if nobody does.
    pub returns: Option<By>,
    /// Some path reaches a person without coming back.
    pub person: bool,
    /// The call can end in it, by a person or a goodbye.
    pub end: bool,
    /// It has a menu that leaves it to the calling flow that a person can be reached.
    pub owes_person: bool,
    /// Callers go back from it to an agent.
    pub assisted: bool,
    /// Flows inside each other, itself included.
    pub depth: usize,
}

impl Step {
    /// A person can be reached in it, or, of a flow that is called, behind it.
    pub(super) fn person(&self) -> bool {
        match self {
            Step::Queue(_) | Step::Transfer { .. } | Step::Return(_) | Step::AgentReturn { .. } => true,
            Step::Call(call) => call.flow.outcome.person,
            _ => false,
        }
    }

    /// The flow can end in it.
    pub(super) fn end(&self) -> bool {
        match self {
            Step::Hangup { .. } => true,
            Step::Call(call) => call.flow.outcome.end,
            _ => self.person(),
        }
    }

    /// Callers are asked something that a person must be able to answer as well.
    pub(super) fn menu(&self) -> bool {
        match self {
            Step::Menu { .. } => true,
            Step::Call(call) => call.flow.outcome.owes_person,
            _ => false,
        }
    }

    /// The call stays here for a while whatever was typed ahead: the caller is waited for, or must wait.
    pub(super) fn takes_time(&self) -> bool {
        matches!(
            self,
            Step::Menu { .. }
                | Step::Collect { .. }
                | Step::Language { .. }
                | Step::Survey { .. }
                | Step::Record(_)
                | Step::Wait { .. }
                | Step::Bot(_)
        )
    }

    /// Nobody gets through without a key.
    pub(super) fn question(&self) -> bool {
        match self {
            Step::Menu { .. } | Step::Collect { .. } => true,
            Step::Call(call) => call.flow.outcome.returns == Some(By::Key),
            _ => false,
        }
    }
}

impl Outcome {
    pub fn of(start: NodeId, steps: &[&Step], edges: &[Edge]) -> Outcome {
        let mut leaving = vec![Vec::new(); steps.len()];
        for edge in edges {
            leaving[edge.from.0].push(*edge);
        }
        let among = |from: usize, counts: fn(&Edge) -> bool, what: &dyn Fn(&Step) -> bool| {
            walk(&leaving, from, counts).iter().zip(steps).any(|(reached, step)| *reached && what(step))
        };
        let back = |step: &Step| matches!(step, Step::Return(_));
        let person = |step: &Step| !back(step) && step.person();
        let reached = walk(&leaving, start.0, |_| true);
        let owing = |node: usize| reached[node] && steps[node].menu() && !among(node, |_| true, &person);
        let within = steps.iter().map(|step| match step {
            Step::Call(call) => call.flow.outcome.depth,
            _ => 0,
        });
        let returns = match () {
            () if among(start.0, |edge| edge.by == By::Itself, &back) => Some(By::Itself),
            () if among(start.0, |edge| edge.by != By::Key, &back) => Some(By::Waiting),
            () if among(start.0, |_| true, &back) => Some(By::Key),
            () => None,
        };
        Outcome {
            returns,
            person: among(start.0, |_| true, &person),
            end: among(start.0, |_| true, &|step| !back(step) && step.end()),
            owes_person: (0..steps.len()).any(owing),
            assisted: steps.iter().any(|step| match step {
                Step::AgentReturn { .. } => true,
                Step::Call(call) => call.flow.outcome.assisted,
                _ => false,
            }),
            depth: 1 + within.max().unwrap_or(0),
        }
    }
}

/// A file before it is compiled: the flow's name, and which flows it calls.
#[derive(Debug, Default)]
pub(super) struct Draft {
    name: String,
    calls: Vec<String>,
}

impl Draft {
    /// What is wrong in it is reported when it is compiled.
    pub fn of(root: &Node) -> Draft {
        let text = |node: &Node| match &node.value {
            Value::Scalar(scalar) => Some(scalar.text.clone()),
            _ => None,
        };
        let nodes = match field(root, "nodes").map(|nodes| &nodes.value) {
            Some(Value::Map(nodes)) => nodes.as_slice(),
            _ => &[],
        };
        let called = |(_, node): &(_, Node)| field(field(node, "call")?, "flow").and_then(text);
        Draft {
            name: field(root, "flow").and_then(text).unwrap_or_default(),
            calls: nodes.iter().filter_map(called).collect(),
        }
    }

    pub fn into_calls(self) -> Vec<String> {
        self.calls
    }
}

fn field<'t>(node: &'t Node, name: &str) -> Option<&'t Node> {
    match &node.value {
        Value::Map(entries) => entries.iter().find(|(key, _)| key.text == name).map(|(_, node)| node),
        _ => None,
    }
}

/// The flows of all files, and those that have been compiled so far.
#[derive(Debug)]
pub(super) struct Callees {
    drafts: Vec<Draft>,
    by_name: BTreeMap<String, usize>,
    /// By draft; the inner `None` is one with mistakes.
    done: BTreeMap<usize, Option<Arc<Flow>>>,
}

/// What a call's flow turned out to be.
#[derive(Debug)]
pub(super) enum Callee {
    Compiled(Arc<Flow>),
    /// Its own mistakes come first.
    Broken,
    /// The flows on the way from it back to the caller, both included.
    Circle(Vec<String>),
    Unknown,
}

impl Callees {
    pub fn new(drafts: Vec<Draft>) -> Callees {
        let mut by_name = BTreeMap::new();
        for (place, draft) in drafts.iter().enumerate() {
            by_name.entry(draft.name.clone()).or_insert(place);
        }
        Callees { drafts, by_name, done: BTreeMap::new() }
    }

    /// Each file after those that it calls, as far as there is no circle.
    pub fn order(&self) -> Vec<usize> {
        let mut order = Vec::with_capacity(self.drafts.len());
        let mut seen = BTreeSet::new();
        for root in 0..self.drafts.len() {
            let mut open = vec![(root, 0)];
            if !seen.insert(root) {
                continue;
            }
            while let Some((place, call)) = open.last_mut() {
                let place = *place;
                let Some(name) = self.drafts[place].calls.get(*call) else {
                    order.push(place);
                    open.pop();
                    continue;
                };
                *call += 1;
                if let Some(callee) = self.by_name.get(name).filter(|callee| seen.insert(**callee)) {
                    open.push((*callee, 0));
                }
            }
        }
        order
    }

    pub fn compiled(&mut self, place: usize, flow: Option<Arc<Flow>>) {
        self.done.insert(place, flow);
    }

    /// By draft: the flow, or `None` if it has mistakes.
    pub fn into_compiled(mut self) -> Vec<Option<Arc<Flow>>> {
        (0..self.drafts.len()).map(|place| self.done.remove(&place).flatten()).collect()
    }

    pub fn find(&self, name: &str, caller: &str) -> Callee {
        let Some(place) = self.by_name.get(name) else { return Callee::Unknown };
        match self.done.get(place) {
            Some(Some(flow)) => Callee::Compiled(flow.clone()),
            Some(None) => Callee::Broken,
            None => Callee::Circle(self.path(name, caller)),
        }
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// The shortest way by calls from one flow to another.
    fn path(&self, from: &str, to: &str) -> Vec<String> {
        let mut came_from: BTreeMap<&str, Option<&str>> = BTreeMap::from([(from, None)]);
        let mut left = std::collections::VecDeque::from([from]);
        while let Some(name) = left.pop_front().filter(|name| *name != to) {
            let calls = self.by_name.get(name).map_or(&[][..], |place| &self.drafts[*place].calls);
            for callee in calls {
                if !came_from.contains_key(callee.as_str()) {
                    came_from.insert(callee, Some(name));
                    left.push_back(callee);
                }
            }
        }
        let mut path = vec![to.to_owned()];
        let mut at = to;
        while let Some(Some(before)) = came_from.get(at) {
            path.push((*before).to_owned());
            at = before;
        }
        path.reverse();
        path
    }
}
