//! Nodes that lead to each other, found in one walk (Tarjan 1972), so that the largest flow is checked on each save.

/// The knots of a graph: groups of nodes each of which leads to all others of its group. A node that is in no circle is
/// a knot by itself.
pub(super) struct Knots {
    /// By node.
    pub of: Vec<usize>,
    /// Each knot stands behind all that it leads to.
    pub members: Vec<Vec<usize>>,
}

/// A node on the way, and which of the ways out of it comes next.
struct Visit {
    node: usize,
    way: usize,
}

impl Knots {
    pub fn of(leads: &[Vec<usize>]) -> Knots {
        const UNSEEN: usize = usize::MAX;
        let mut knots = Knots { of: vec![UNSEEN; leads.len()], members: Vec::new() };
        // When each node was first seen, and the earliest one still open that it leads to.
        let (mut seen, mut earliest) = (vec![UNSEEN; leads.len()], vec![UNSEEN; leads.len()]);
        let (mut open, mut count) = (Vec::new(), 0);
        for root in 0..leads.len() {
            let mut visits =
                if seen[root] == UNSEEN { vec![Visit { node: root, way: 0 }] } else { Vec::new() };
            while let Some(visit) = visits.last_mut() {
                let node = visit.node;
                if visit.way == 0 && seen[node] == UNSEEN {
                    (seen[node], earliest[node]) = (count, count);
                    count += 1;
                    open.push(node);
                }
                if let Some(to) = leads[node].get(visit.way) {
                    visit.way += 1;
                    if seen[*to] == UNSEEN {
                        visits.push(Visit { node: *to, way: 0 });
                    } else if knots.of[*to] == UNSEEN {
                        earliest[node] = earliest[node].min(seen[*to]);
                    }
                    continue;
                }
                visits.pop();
                if let Some(before) = visits.last() {
                    earliest[before.node] = earliest[before.node].min(earliest[node]);
                }
                if earliest[node] == seen[node] {
                    let first = open.iter().rposition(|other| *other == node).unwrap_or(0);
                    let members = open.split_off(first);
                    members.iter().for_each(|member| knots.of[*member] = knots.members.len());
                    knots.members.push(members);
                }
            }
        }
        knots
    }

    /// Whether whoever is in this knot can come back to where they are.
    pub fn is_circle(&self, knot: usize, leads: &[Vec<usize>]) -> bool {
        match self.members[knot][..] {
            [alone] => leads[alone].contains(&alone),
            _ => true,
        }
    }

    /// The nodes to which their ways lead back.
    pub fn in_circles<'k>(&'k self, leads: &'k [Vec<usize>]) -> impl Iterator<Item = usize> + 'k {
        let circles = (0..self.members.len()).filter(move |knot| self.is_circle(*knot, leads));
        circles.flat_map(move |knot| &self.members[knot]).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    /// Whether each node leads to each other, by walking from all of them.
    fn ahead(leads: &[Vec<usize>], from: usize) -> Vec<bool> {
        let mut seen = vec![false; leads.len()];
        let mut left = vec![from];
        while let Some(node) = left.pop() {
            if !std::mem::replace(&mut seen[node], true) {
                left.extend(&leads[node]);
            }
        }
        seen
    }

    #[test]
    fn nodes_that_lead_to_each_other_are_one_knot_and_stand_behind_what_they_lead_to() {
        let mut rng = Rng::seeded(3);
        for _ in 0..300 {
            let nodes = 1 + rng.below(12) as usize;
            let mut each = || (0..rng.below(4)).map(|_| rng.below(nodes as u64) as usize).collect();
            let leads: Vec<Vec<usize>> = (0..nodes).map(|_| each()).collect();
            let knots = Knots::of(&leads);
            let all: Vec<Vec<bool>> = (0..nodes).map(|node| ahead(&leads, node)).collect();
            for (one, other) in (0..nodes).flat_map(|one| (0..nodes).map(move |other| (one, other))) {
                let tied = all[one][other] && all[other][one];
                assert_eq!(knots.of[one] == knots.of[other], tied, "{one} {other} {leads:?}");
                assert!(tied || !all[one][other] || knots.of[other] < knots.of[one], "{leads:?}");
                assert!(knots.members[knots.of[one]].contains(&one));
            }
        }
    }
}
