//! The checks over paths: what no caller reaches, where callers are stuck, where the call turns in circles.

use super::counts::Counts;
use super::flow::{NodeId, Step};
use super::knots::Knots;
use super::scope::{By, Edge, Scope};
use super::unfolded::Unfolded;

/// `steps` are the nodes that could be read. Nothing is said about what lies behind those that could not. So many of the
/// variables are `parameters`.
pub(super) fn check(
    start: Option<NodeId>,
    steps: &[Option<&Step>],
    parameters: usize,
    scope: &mut Scope<'_>,
) {
    let Some(start) = start else { return };
    let graph = Graph::of(steps, scope);
    let reached = graph.ahead[start.0].clone();
    unreachable(&graph, &reached, scope);
    let (stuck, trapped) = dead_ends(&graph, &reached, scope);
    let whole: Option<Vec<&Step>> = steps.iter().copied().collect();
    let rounds = whole.map(|steps| Rounds { start, steps, parameters });
    circles(&graph, &reached, trapped, rounds.as_ref(), scope);
    menus_without_person(&graph, &reached, &stuck, steps, scope);
    losses_without_person(&graph, &reached, steps, scope);
}

struct Graph {
    /// By node: the edges that leave it.
    leaving: Vec<Vec<Edge>>,
    /// A person or number takes the call here.
    person: Vec<bool>,
    /// The caller is asked something here.
    question: Vec<bool>,
    /// The call can end here, by a person or a goodbye.
    end: Vec<bool>,
    /// Not everything is known about it.
    open: Vec<bool>,
    /// By node: what can be reached from it, itself included.
    ahead: Vec<Vec<bool>>,
    /// The same without a key being pressed.
    alone: Vec<Vec<bool>>,
}

/// The call takes this edge without a key.
fn alone(edge: &Edge) -> bool {
    edge.by == By::Itself
}

impl Graph {
    fn of(steps: &[Option<&Step>], scope: &Scope<'_>) -> Graph {
        let mut leaving = vec![Vec::new(); steps.len()];
        for edge in &scope.edges {
            leaving[edge.from.0].push(*edge);
        }
        let person = |step: &Option<&Step>| step.is_some_and(Step::person);
        let question = |step: &Option<&Step>| step.is_some_and(Step::question);
        let end = |step: &Option<&Step>| step.is_some_and(Step::end);
        let open =
            steps.iter().zip(&scope.places).map(|(step, place)| place.open || step.is_none()).collect();
        let each = |counts: fn(&Edge) -> bool| (0..steps.len()).map(|n| walk(&leaving, n, counts)).collect();
        let (ahead, alone) = (each(|_| true), each(alone));
        Graph {
            person: steps.iter().map(person).collect(),
            question: steps.iter().map(question).collect(),
            end: steps.iter().map(end).collect(),
            open,
            ahead,
            alone,
            leaving,
        }
    }

    fn any(&self, nodes: &[bool], what: &[bool]) -> bool {
        (0..nodes.len()).any(|node| nodes[node] && (what[node] || self.open[node]))
    }
}

/// Everything that can be reached from a node by the edges that count, the node itself included.
pub(super) fn walk(leaving: &[Vec<Edge>], node: usize, counts: fn(&Edge) -> bool) -> Vec<bool> {
    let mut seen = vec![false; leaving.len()];
    let mut left = vec![node];
    seen[node] = true;
    while let Some(node) = left.pop() {
        for edge in leaving[node].iter().filter(|edge| counts(edge)) {
            if !std::mem::replace(&mut seen[edge.to.0], true) {
                left.push(edge.to.0);
            }
        }
    }
    seen
}

/// Only the first of each chain of unreachable nodes is reported.
fn unreachable(graph: &Graph, reached: &[bool], scope: &mut Scope<'_>) {
    if (0..reached.len()).any(|node| reached[node] && scope.places[node].open) {
        return;
    }
    let mut explained = reached.to_vec();
    let led_to =
        |node: usize| scope.edges.iter().any(|e| e.to.0 == node && e.from.0 != node && !reached[e.from.0]);
    let (roots, rest): (Vec<usize>, Vec<usize>) =
        (0..reached.len()).filter(|node| !reached[*node]).partition(|node| !led_to(*node));
    for node in roots.into_iter().chain(rest) {
        // What could not be read has been reported for that.
        if explained[node] || graph.open[node] {
            continue;
        }
        for (seen, now) in explained.iter_mut().zip(&graph.ahead[node]) {
            *seen |= *now;
        }
        let place = &scope.places[node];
        let message = format!("no caller can reach `{}`", place.name);
        scope.out.error("flow-012", place.span, message).label("nothing leads here from the start");
    }
}

/// Nodes from which nobody gets out. Each trap in which callers are asked something is reported once here;
/// one that turns without a question is a circle. Returns the stuck nodes and those of the traps reported.
fn dead_ends(graph: &Graph, reached: &[bool], scope: &mut Scope<'_>) -> (Vec<bool>, Vec<bool>) {
    let mut trapped = vec![false; reached.len()];
    let stuck: Vec<bool> =
        (0..reached.len()).map(|node| reached[node] && !graph.any(&graph.ahead[node], &graph.end)).collect();
    for node in (0..reached.len()).filter(|node| stuck[*node]) {
        let inside: Vec<usize> = (0..reached.len()).filter(|other| graph.ahead[node][*other]).collect();
        // Only the trap itself, not the nodes that lead into it.
        let closed = inside.iter().all(|other| graph.ahead[*other][node]);
        if trapped[node] || !closed || !inside.iter().any(|other| graph.question[*other]) {
            continue;
        }
        inside.iter().for_each(|other| trapped[*other] = true);
        let place = &scope.places[node];
        scope
            .out
            .error("flow-013", place.span, format!("`{}` is a dead end", place.name))
            .label("from here no caller ever reaches a person or a goodbye, whatever they press");
    }
    (stuck, trapped)
}

/// Circles that a call runs through without a key. `rounds`: of a flow that could be read whole.
fn circles(
    graph: &Graph,
    reached: &[bool],
    mut known: Vec<bool>,
    rounds: Option<&Rounds<'_>>,
    scope: &mut Scope<'_>,
) {
    let mut endless = None;
    for node in 0..reached.len() {
        if !reached[node] || known[node] {
            continue;
        }
        let back: Vec<usize> =
            (0..reached.len()).filter(|n| graph.alone[node][*n] && graph.alone[*n][node]).collect();
        let closing = back.iter().find_map(|from| {
            graph.leaving[*from].iter().find(|edge| edge.to.0 == node && alone(edge)).copied()
        });
        let Some(closing) = closing else { continue };
        if let Some(rounds) = rounds {
            let endless = endless.get_or_insert_with(|| rounds.endless(graph, scope));
            if !back.iter().any(|node| endless[*node]) {
                back.iter().for_each(|other| known[*other] = true);
                continue;
            }
        }
        back.iter().for_each(|other| known[*other] = true);
        let names: Vec<&str> = back.iter().map(|n| scope.places[*n].name.as_str()).collect();
        let message = format!("the call goes round without a key being pressed: {}", names.join(", "));
        let first = scope.places[node].span;
        scope
            .out
            .error("flow-014", closing.span, message)
            .label("back to the beginning of the circle")
            .see(first, "here it begins");
    }
}

/// A flow as callers go round in it.
struct Rounds<'s> {
    start: NodeId,
    steps: Vec<&'s Step>,
    parameters: usize,
}

impl Rounds<'_> {
    /// By node: the call may pass here again and again without a key, and nothing that it counts ends it. What only
    /// computes goes round in no time: that a counter ends it some day is no help.
    fn endless(&self, graph: &Graph, scope: &Scope<'_>) -> Vec<bool> {
        let kinds: Option<Vec<_>> = scope.variables.iter().map(|declared| declared.kind).collect();
        let Some(kinds) = kinds else { return vec![true; self.steps.len()] };
        let counts = Counts::of(&self.steps, &kinds, self.parameters);
        let ways: Vec<Vec<(bool, usize)>> = graph
            .leaving
            .iter()
            .map(|ways| ways.iter().map(|way| (alone(way), way.to.0)).collect())
            .collect();
        let unfolded = Unfolded::of(self.start, &self.steps, &counts, &ways);
        let by_itself = |ways: &Vec<(bool, usize)>| -> Vec<usize> {
            ways.iter().filter(|(alone, _)| *alone).map(|(_, to)| *to).collect()
        };
        let mut endless = vec![false; self.steps.len()];
        let leads: Vec<Vec<usize>> = unfolded.ways.iter().map(by_itself).collect();
        Knots::of(&leads).in_circles(&leads).for_each(|state| endless[unfolded.node[state]] = true);
        let at_once = |(node, ways): (usize, &Vec<(bool, usize)>)| {
            if self.steps[node].takes_time() { Vec::new() } else { by_itself(ways) }
        };
        let leads: Vec<Vec<usize>> = ways.iter().enumerate().map(at_once).collect();
        Knots::of(&leads).in_circles(&leads).for_each(|node| endless[node] = true);
        endless
    }
}

fn menus_without_person(
    graph: &Graph,
    reached: &[bool],
    stuck: &[bool],
    steps: &[Option<&Step>],
    scope: &mut Scope<'_>,
) {
    for (node, step) in steps.iter().enumerate() {
        if !step.is_some_and(Step::menu) || !reached[node] || stuck[node] {
            continue;
        }
        if !graph.any(&graph.ahead[node], &graph.person) {
            let place = &scope.places[node];
            let what = if matches!(step, Some(Step::Call(_))) { "the menus behind" } else { "the menu" };
            let message = format!("from {what} `{}` no caller can reach a person", place.name);
            scope
                .out
                .error("flow-015", place.span, message)
                .label("no path leads to a queue or a transfer")
                .help("let a key, such as 9, lead to a queue");
        }
    }
}

/// Whatever a broadcast says, who reports a lost card comes to a person.
fn losses_without_person(graph: &Graph, reached: &[bool], steps: &[Option<&Step>], scope: &mut Scope<'_>) {
    for (node, step) in steps.iter().enumerate() {
        let Some(Step::Emergency(emergency)) = step else { continue };
        if !reached[node] || graph.any(&graph.ahead[emergency.loss.0], &graph.person) {
            continue;
        }
        let (name, span) = (scope.places[node].name.clone(), scope.places[node].span);
        let lost = scope.places[emergency.loss.0].span;
        let message = format!("at `{name}`, who reports a loss reaches no person");
        let added = scope.out.error("flow-100", span, message);
        added.label("`loss` must lead to a queue or a transfer").see(lost, "from here none is reached");
    }
}
