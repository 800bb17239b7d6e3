//! `agent_return`: the caller goes back to the agent who sent them into this flow, with what came of it.
//!
//! A flow with it is an assisted one: an agent starts it during a talk, and it ends nowhere else. So no number leads to
//! it, and it has no queue, transfer or goodbye in which the caller would be lost to the agent.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::flow::{Kind, Node, NodeId, Step, Variable};
use super::scope::{Edge, Scope};
use super::subflow::Outcome;
use crate::diagnostic::fields::Fields;
use crate::diagnostic::yaml;
use crate::diagnostic::{Span, suggest};
use crate::ids::FlowId;

/// Longest name of what was proven, bytes.
const MAX_LEVEL: usize = 32;

/// What came of a flow that an agent sent the caller to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The caller has proven who they are, at a level that stands beside it.
    Ok,
    Fail,
    /// The caller wanted none of it.
    Cancelled,
    /// It took too long.
    Timeout,
    /// The caller, or the server, ended the call meanwhile.
    Hangup,
}

impl Verdict {
    /// As flows and tests write it.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Ok => "ok",
            Verdict::Fail => "fail",
            Verdict::Cancelled => "cancelled",
            Verdict::Timeout => "timeout",
            Verdict::Hangup => "hangup",
        }
    }
}

/// The fields of the node.
#[derive(Clone, Debug)]
pub(super) struct Back {
    pub verdict: Verdict,
    pub level: Option<Arc<str>>,
}

pub(super) fn read(fields: &mut Fields<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    let verdict = fields.need("result").and_then(|node| verdict(node, scope));
    let level = match fields.take("level") {
        Some(node) => level(node, verdict, scope).map(Some),
        None => Some(None),
    };
    // Always: the tail of the last key's tone must have passed when the agent hears the caller again.
    let prompts = fields.need("prompts").and_then(|node| scope.prompts(node));
    Some(Step::AgentReturn { back: Back { verdict: verdict?, level: level? }, prompts: prompts? })
}

fn verdict(node: &yaml::Node, scope: &mut Scope<'_>) -> Option<Verdict> {
    let word = scope.out.text(node, "ok or fail")?;
    match word {
        "ok" => Some(Verdict::Ok),
        "fail" => Some(Verdict::Fail),
        _ => {
            let guess = suggest::nearest(word, ["ok", "fail"]);
            let added =
                scope.out.error("flow-112", node.span, format!("a flow does not come back with `{word}`"));
            added.label(guess.map_or("expected ok or fail".to_owned(), |g| format!("did you mean `{g}`?")));
            None
        }
    }
}

/// What the caller has proven, in the bank's own word: `pin`.
fn level(node: &yaml::Node, verdict: Option<Verdict>, scope: &mut Scope<'_>) -> Option<Arc<str>> {
    let name = scope.out.text(node, "a name such as pin")?;
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if name.is_empty() || name.len() > MAX_LEVEL || !name.chars().all(good) {
        let label = format!("names have letters, digits, `_` and `-`, and at most {MAX_LEVEL} of them");
        scope.out.error("flow-113", node.span, format!("`{name}` is not a name")).label(label);
        return None;
    }
    if verdict == Some(Verdict::Fail) {
        scope
            .out
            .error("flow-113", node.span, "who failed has proven nothing")
            .label("`level` belongs to `result: ok`");
        return None;
    }
    Some(name.into())
}

/// What only holds for flows from which callers go back to an agent. `name` is where the flow's name stands.
pub(super) fn check(id: &FlowId, name: Span, outcome: Outcome, steps: &[&Step], scope: &mut Scope<'_>) {
    if !outcome.assisted {
        return;
    }
    if scope.world.entries.contains(id) {
        scope
            .out
            .error("flow-110", name, format!("a number leads to `{id}`, which only agents can start"))
            .label("it goes back to an agent by `agent_return`, and who dials a number comes from none")
            .help("let the number lead to another flow");
    }
    for (step, place) in steps.iter().zip(&scope.places) {
        let leaves = match step {
            Step::Return(_) | Step::AgentReturn { .. } => false,
            Step::Call(call) => call.flow.outcome.end && !call.flow.outcome.assisted,
            step => step.end(),
        };
        if leaves {
            let message = format!("at `{}` the caller is lost to the agent who sent them here", place.name);
            scope
                .out
                .error("flow-111", place.span, message)
                .label("a flow with `agent_return` ends by it, and nowhere else");
        }
    }
}

/// Marks the nodes where a key that is pressed may belong to a secret, which begins at its question or, typed ahead, at
/// what is said before it. Nothing of it may be on the tape.
pub(super) fn hush(nodes: &mut [Node], edges: &[Edge], variables: &[Variable]) {
    for node in nodes.iter_mut() {
        node.quiet = match &node.step {
            Step::Collect { entry, .. } => variables[entry.into.0].kind == Kind::Secret,
            Step::Call(call) => call.flow.node(call.flow.start).quiet,
            _ => false,
        };
    }
    // What is asked takes the keys itself, unless they are kept until it has been said.
    let passes = |step: &Step| match step {
        Step::Menu { ask, .. } | Step::Collect { ask, .. } | Step::Language { ask, .. } => !ask.barge_in,
        Step::Queue(_) | Step::Transfer { .. } | Step::AgentReturn { .. } => false,
        // Keys pressed there are no answers, and what is spoken must be on the tape.
        Step::Record(_) | Step::Bot(_) => false,
        _ => true,
    };
    spread(nodes, edges, |from, to| !from.quiet && to.quiet && passes(&from.step), |node| node.quiet = true);
    for node in nodes.iter_mut() {
        node.returns = matches!(node.step, Step::Return(_));
    }
    spread(
        nodes,
        edges,
        |from, to| !from.returns && to.returns && passes(&from.step),
        |node| node.returns = true,
    );
}

/// Marks the nodes that lead to one that is marked, until there are no more.
fn spread(
    nodes: &mut [Node],
    edges: &[Edge],
    leads: impl Fn(&Node, &Node) -> bool,
    mark: impl Fn(&mut Node),
) {
    loop {
        let more = edges.iter().filter(|edge| leads(&nodes[edge.from.0], &nodes[edge.to.0]));
        let more: Vec<NodeId> = more.map(|edge| edge.from).collect();
        if more.is_empty() {
            return;
        }
        more.into_iter().for_each(|NodeId(place)| mark(&mut nodes[place]));
    }
}
