//! A flow as callers find it: each node once for each count with which they may come to it (`counts`).

use super::counts::{Count, Counts};
use super::flow::{NodeId, Step};

const NOWHERE: usize = usize::MAX;

/// `W`: what is known of a way.
pub(super) struct Unfolded<W> {
    /// By state: its node.
    pub node: Vec<usize>,
    /// By state: the ways out of it, and the states that they lead to.
    pub ways: Vec<Vec<(W, usize)>>,
    /// By state: the count with which callers leave it.
    after: Vec<Count>,
    /// By node and count: the state.
    place: Vec<usize>,
    /// Counts told apart.
    size: usize,
}

impl<W: Copy> Unfolded<W> {
    /// `ways`: by node. The first state is where the flow starts.
    pub fn of(start: NodeId, steps: &[&Step], counts: &Counts, ways: &[Vec<(W, usize)>]) -> Unfolded<W> {
        let size = counts.size();
        let mut all = Unfolded {
            node: Vec::new(),
            ways: Vec::new(),
            after: Vec::new(),
            place: vec![NOWHERE; steps.len() * size],
            size,
        };
        all.add(start.0, counts.first(), steps, counts);
        let mut next = 0;
        // With each state its count before is gone: what it leaves with decides where it leads.
        let mut before = vec![counts.first()];
        while next < all.node.len() {
            let (node, after) = (all.node[next], all.after[next]);
            let cases = counts.cases(steps[node], before[next]);
            let open = |to: usize| cases.as_ref().is_none_or(|cases| cases.contains(&NodeId(to)));
            let mut led = Vec::with_capacity(ways[node].len());
            for (way, to) in ways[node].iter().filter(|(_, to)| open(*to)) {
                let at = all.place[to * size + counts.place(after)];
                let at = if at == NOWHERE {
                    before.push(after);
                    all.add(*to, after, steps, counts)
                } else {
                    at
                };
                led.push((*way, at));
            }
            all.ways.push(led);
            next += 1;
        }
        all
    }

    fn add(&mut self, node: usize, count: Count, steps: &[&Step], counts: &Counts) -> usize {
        let at = self.node.len();
        self.place[node * self.size + counts.place(count)] = at;
        self.node.push(node);
        self.after.push(counts.after(steps[node], count));
        at
    }

    /// Where a way out of this state leads. `to` is one that its node names and that its count leaves open.
    pub fn on(&self, state: usize, to: NodeId, counts: &Counts) -> Option<usize> {
        let at = self.place[to.0 * self.size + counts.place(self.after[state])];
        (at != NOWHERE).then_some(at)
    }
}
