//! `percent`: callers parted by shares, to compare two ways of doing something.
//!
//! The way hangs on the call's seed and the node's name, not on how often the caller comes by: who returns to the
//! node meets the same menu again, two such nodes part callers independently, and a replay agrees.

use super::flow::{NodeId, Step};
use super::nodes::next;
use super::scope::{By, Scope};
use crate::diagnostic::fields::Fields;
use crate::diagnostic::yaml::Value;
use crate::rng::Rng;

/// Most ways of a `percent`: with more, each gets too few callers to say anything.
const MAX_WAYS: usize = 10;

/// The ways with their shares; the last takes what is left of the hundred.
#[derive(Debug)]
pub(super) struct Ways {
    first: Vec<(u64, NodeId)>,
    last: NodeId,
}

impl Ways {
    /// Those that let anybody in.
    pub fn open(&self) -> impl Iterator<Item = &NodeId> {
        let taken: u64 = self.first.iter().map(|(share, _)| share).sum();
        let first = self.first.iter().filter(|(share, _)| *share > 0).map(|(_, way)| way);
        first.chain((taken < 100).then_some(&self.last))
    }

    /// `name` is the node's, with its flow's.
    pub fn of(&self, seed: u64, name: &str) -> NodeId {
        // FNV-1a: a fixed hash, so that a version of the flow that is otherwise changed parts callers alike.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
        let mut point = Rng::seeded(seed ^ hash).below(100);
        for (share, way) in &self.first {
            match point.checked_sub(*share) {
                Some(left) => point = left,
                None => return *way,
            }
        }
        self.last
    }
}

pub(super) fn read(fields: &mut Fields<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    let ways = fields.need("ways")?;
    let Value::List(items) = &ways.value else {
        scope.out.error("yaml-006", ways.span, "expected a list of ways").label("begin each way with `-`");
        return None;
    };
    if !(2..=MAX_WAYS).contains(&items.len()) {
        scope.out.error("yaml-008", ways.span, format!("callers part on 2 to {MAX_WAYS} ways"));
        return None;
    }
    let mut read = Vec::new();
    for item in items {
        let Some(mut way) = Fields::of(item, item.span, "a way", scope.out) else { continue };
        let share = way.need("share").and_then(|node| scope.out.integer(node, "a share", 0..=100));
        let then = next("then", By::Itself, &mut way, scope);
        way.finish(scope.out);
        read.push(share.and_then(|share| u64::try_from(share).ok()).zip(then));
    }
    let mut first = read.into_iter().collect::<Option<Vec<_>>>().filter(|read| read.len() == items.len())?;
    let total: u64 = first.iter().map(|(share, _)| share).sum();
    if total != 100 {
        scope.out.error("flow-061", fields.place("ways"), format!("the shares make {total}, not 100")).label(
            if total < 100 {
                format!("{} are missing", 100 - total)
            } else {
                format!("{} too many", total - 100)
            },
        );
        return None;
    }
    let (_, last) = first.pop()?;
    Some(Step::Percent(Ways { first, last }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(ways: &Ways, name: &str) -> [u32; 3] {
        let mut counts = [0; 3];
        (0..10_000).for_each(|seed| counts[ways.of(seed, name).0] += 1);
        counts
    }

    #[test]
    fn shares_are_kept_within_two_percent_of_the_callers() {
        let ways = Ways { first: vec![(20, NodeId(0)), (50, NodeId(1))], last: NodeId(2) };
        for (count, share) in shares(&ways, "main/split").into_iter().zip([2_000, 5_000, 3_000_u32]) {
            assert!(count.abs_diff(share) <= 200, "{count} of {share}");
        }
    }

    #[test]
    fn nobody_takes_a_way_without_a_share_and_two_nodes_part_callers_independently() {
        let none = Ways { first: vec![(0, NodeId(0)), (100, NodeId(1))], last: NodeId(2) };
        assert_eq!(shares(&none, "main/split"), [0, 10_000, 0]);
        let half = Ways { first: vec![(50, NodeId(0))], last: NodeId(1) };
        let both =
            (0..10_000).filter(|seed| half.of(*seed, "main/a").0 == 0 && half.of(*seed, "main/b").0 == 0);
        assert!(both.count().abs_diff(2_500) <= 200);
    }
}
