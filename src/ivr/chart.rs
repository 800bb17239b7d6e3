//! Where a flow's nodes, the ways out of them and its variables stand in the file.
//!
//! A marked flow is the same flow, only that every way out of a node leads through a mark: a step of its own, whose
//! name tells which way it is. So an unchanged run tells by `Action::Entered` which ways it took, and no kind of node
//! has to know that it is being watched.

use std::sync::Arc;

use super::flow::{Kind, Node, NodeId, Step};
use super::scope::Scope;
use crate::diagnostic::{Source, Span};
use crate::ids::FlowId;

/// Begins the names of marks; no name of a node has it.
const MARK: char = '→';

/// What was noted while a flow was read.
#[derive(Debug)]
pub(super) struct Chart {
    pub source: Arc<Source>,
    pub stops: Vec<Stop>,
    /// Of a marked flow.
    pub ways: Vec<Way>,
    pub variables: Vec<(String, Kind)>,
}

/// A node.
#[derive(Debug)]
pub(super) struct Stop {
    pub name: String,
    pub span: Span,
    /// Here callers type a secret.
    pub secret: bool,
}

/// A way out of a node.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub from: NodeId,
    pub to: NodeId,
    pub span: Span,
    /// As messages call it: "key `2`", "`on_timeout`".
    pub what: String,
}

impl Chart {
    /// Notes where everything stands, and appends the marks to the nodes.
    pub fn of(flow: &FlowId, nodes: &mut Vec<Node>, scope: &Scope<'_>) -> Chart {
        let secret = |node: &Node| match &node.step {
            Step::Collect { entry, .. } => scope.variables[entry.into.0].kind == Some(Kind::Secret),
            _ => false,
        };
        let stop = |(node, place): (&Node, &super::scope::Place)| Stop {
            name: place.name.clone(),
            span: place.span,
            secret: secret(node),
        };
        let stops = nodes.iter().zip(&scope.places).map(stop).collect();
        let ways = scope.ways.list.clone();
        for (at, way) in ways.iter().enumerate() {
            let name = format!("{MARK}{flow}:{at}");
            nodes.push(Node { name: name.into(), step: Step::Goto(way.to), quiet: false, returns: false });
        }
        let variables = scope.variables.iter().filter_map(|v| Some((v.name.clone(), v.kind?))).collect();
        Chart { source: scope.out.source().clone(), stops, ways, variables }
    }

    pub fn stop(&self, name: &str) -> Option<&Stop> {
        self.stops.iter().find(|stop| stop.name == name)
    }

    pub fn kind(&self, variable: &str) -> Option<Kind> {
        self.variables.iter().find(|(known, _)| known == variable).map(|(_, kind)| *kind)
    }
}

/// The flow and the place in `Chart::ways` that a mark stands for; `None` for a node. What stands before the mark is
/// the name of a flow that was called.
pub(super) fn mark(entered: &str) -> Option<(FlowId, usize)> {
    let (_, mark) = entered.split_once(MARK)?;
    let (flow, way) = mark.rsplit_once(':')?;
    Some((flow.into(), way.parse().ok()?))
}

/// Collects the ways while a flow is read.
#[derive(Debug)]
pub(super) struct Ways {
    /// The number of nodes, behind which the marks come, if there are to be any.
    nodes: Option<usize>,
    list: Vec<Way>,
}

impl Ways {
    /// Ways lead straight to their nodes.
    pub const UNMARKED: Ways = Ways { nodes: None, list: Vec::new() };

    /// Ways lead through marks, in a flow of so many nodes.
    pub const fn marked(nodes: usize) -> Ways {
        Ways { nodes: Some(nodes), list: Vec::new() }
    }

    /// What a node must name to come to `to`: the node itself, or the mark before it.
    pub fn through(&mut self, from: NodeId, to: NodeId, span: Span, what: &str) -> NodeId {
        let Some(nodes) = self.nodes else { return to };
        self.list.push(Way { from, to, span, what: what.to_owned() });
        NodeId(nodes + self.list.len() - 1)
    }
}
