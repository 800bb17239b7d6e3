//! Variables whose values are known on every path: counters (`tries: $tries + 1`) and marks (`again: "yes"`), compared
//! with values that stand in the flow. With them a flow is unfolded, so that a question that is put a counted number of
//! times is not taken for one that is put for ever.
//!
//! A counter only grows, or only shrinks; once it is beyond all that it is compared with, how far makes no difference.
//! So it has few values, and whatever is said of the unfolded flow holds for all callers of the real one.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::expression::Compared;
use super::flow::{Kind, NodeId, Operand, Step, VariableId};
use super::http::Wanted;
use super::profile::{Into, What};

/// Most combinations of values that are told apart, so that the largest flow is checked at once.
const MAX_COUNTS: usize = 64;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Number(i64),
    Text(Arc<str>),
}

/// The values of all variables that are followed, as one number below `Counts::size`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Count(usize);

/// The variables that are followed.
#[derive(Debug)]
pub(super) struct Counts {
    followed: Vec<Followed>,
    /// Combinations of values.
    size: usize,
}

#[derive(Debug)]
struct Followed {
    id: VariableId,
    /// What it may hold; numbers without a gap if it counts.
    values: Vec<Value>,
    counts: bool,
    first: usize,
    /// What one place in `values` makes in a `Count`.
    stride: usize,
}

/// What is known of one variable while the flow is looked through.
#[derive(Default)]
struct Seen {
    unknown: bool,
    set: BTreeSet<Value>,
    up: bool,
    down: bool,
    compared: BTreeSet<i64>,
    /// Compared with something that is not written down.
    with_others: bool,
    decides: bool,
}

impl Counts {
    /// `parameters` of the variables are given by the flow that calls.
    pub fn of(steps: &[&Step], kinds: &[Kind], parameters: usize) -> Counts {
        let mut seen: Vec<Seen> = kinds.iter().map(|_| Seen::default()).collect();
        for step in steps {
            look(step, &mut seen);
        }
        let all = seen.iter().enumerate().skip(parameters);
        let mut followed: Vec<Followed> =
            all.filter_map(|(place, seen)| seen.followed(VariableId(place), kinds[place])).collect();
        // The smallest first: more of them find room. The order among equals is the flow's.
        followed.sort_by_key(|one| one.values.len());
        let mut counts = Counts { followed: Vec::new(), size: 1 };
        for mut one in followed {
            let size = counts.size * one.values.len();
            if size > MAX_COUNTS {
                break;
            }
            one.stride = std::mem::replace(&mut counts.size, size);
            counts.followed.push(one);
        }
        counts
    }

    pub fn size(&self) -> usize {
        self.size
    }

    /// As the flow begins.
    pub fn first(&self) -> Count {
        Count(self.followed.iter().map(|one| one.first * one.stride).sum())
    }

    pub fn place(&self, count: Count) -> usize {
        count.0
    }

    /// As it is when the call leaves the node.
    pub fn after(&self, step: &Step, count: Count) -> Count {
        let Step::Set { values, .. } = step else { return count };
        let mut now = count.0;
        for (id, value) in values {
            let Some(one) = self.followed.iter().find(|one| one.id == *id) else { continue };
            let before = one.place(Count(now));
            now = now - before * one.stride + one.changed(before, value) * one.stride;
        }
        Count(now)
    }

    /// Where a `switch` may lead; `None` for any other node, which may lead wherever it says.
    pub fn cases(&self, step: &Step, count: Count) -> Option<Vec<NodeId>> {
        let Step::Switch { cases, otherwise } = step else { return None };
        let value = |operand| self.known(operand, count);
        let mut open = Vec::new();
        for (when, then) in cases {
            match when.decided(&value) {
                Some(false) => {}
                None => open.push(*then),
                Some(true) => {
                    open.push(*then);
                    return Some(open);
                }
            }
        }
        open.push(*otherwise);
        Some(open)
    }

    fn known<'v>(&'v self, operand: &'v Operand, count: Count) -> Option<Compared<'v>> {
        match operand {
            Operand::Number(number) => Some(Compared::Number(*number)),
            Operand::Text(text) => Some(Compared::Text(text)),
            Operand::Variable(id) => {
                let one = self.followed.iter().find(|one| one.id == *id)?;
                Some(match &one.values[one.place(count)] {
                    Value::Number(number) => Compared::Number(*number),
                    Value::Text(text) => Compared::Text(text),
                })
            }
            _ => None,
        }
    }
}

impl Followed {
    fn place(&self, count: Count) -> usize {
        count.0 / self.stride % self.values.len()
    }

    /// Where the value stands that is nearest.
    fn nearest(&self, value: i64) -> usize {
        let place = self.values.partition_point(|held| matches!(held, Value::Number(held) if *held < value));
        place.min(self.values.len() - 1)
    }

    /// Its place when it has been set.
    fn changed(&self, before: usize, value: &Operand) -> usize {
        match value {
            Operand::Number(number) if self.counts => self.nearest(*number),
            Operand::Number(number) => self.found(&Value::Number(*number)),
            Operand::Text(text) => self.found(&Value::Text(text.clone())),
            Operand::Sum(sum) => match (sum.step(), &self.values[before]) {
                (Some((_, by)), Value::Number(number)) => self.nearest(number.saturating_add(by)),
                _ => before,
            },
            _ => before,
        }
    }

    fn found(&self, value: &Value) -> usize {
        self.values.iter().position(|held| held == value).unwrap_or(self.first)
    }
}

impl Seen {
    fn followed(&self, id: VariableId, kind: Kind) -> Option<Followed> {
        let first = match kind {
            Kind::Number => Value::Number(0),
            Kind::Text => Value::Text("".into()),
            _ => return None,
        };
        let counts = self.up || self.down;
        if self.unknown || !self.decides || (self.up && self.down) || (counts && self.with_others) {
            return None;
        }
        let mut set = self.set.clone();
        set.insert(first.clone());
        let values = if counts { self.counted(&set)? } else { set.into_iter().collect() };
        if values.len() > MAX_COUNTS {
            return None;
        }
        let mut one = Followed { id, values, counts, first: 0, stride: 1 };
        one.first = if counts { one.nearest(0) } else { one.found(&first) };
        Some(one)
    }

    /// All that a counter may come to, up to the first beyond what it is compared with.
    fn counted(&self, set: &BTreeSet<Value>) -> Option<Vec<Value>> {
        let numbers = set.iter().filter_map(|value| match value {
            Value::Number(number) => Some(*number),
            Value::Text(_) => None,
        });
        let (least, most) = if self.up {
            let most = self.compared.last()?.saturating_add(1);
            (numbers.min()?.min(most), most)
        } else {
            let least = self.compared.first()?.saturating_sub(1);
            (least, numbers.max()?.max(least))
        };
        let few = i64::try_from(MAX_COUNTS).unwrap_or(i64::MAX);
        (most.saturating_sub(least) < few).then(|| (least..=most).map(Value::Number).collect())
    }
}

fn look(step: &Step, seen: &mut [Seen]) {
    let unknown = |into: &VariableId, seen: &mut [Seen]| seen[into.0].unknown = true;
    let wanted =
        |all: &[Wanted], seen: &mut [Seen]| all.iter().for_each(|one| seen[one.into.0].unknown = true);
    match step {
        Step::Set { values, .. } => values.iter().for_each(|(id, value)| look_at_value(*id, value, seen)),
        Step::Switch { cases, .. } => {
            cases
                .iter()
                .for_each(|(when, _)| when.each_compared(&mut |one, other| compared(one, other, seen)));
        }
        Step::Collect { entry, .. } => unknown(&entry.into, seen),
        Step::Http(dip) => wanted(&dip.answer, seen),
        Step::Bot(talk) => wanted(&talk.into, seen),
        Step::Call(call) => call.into.iter().for_each(|(_, into)| unknown(into, seen)),
        Step::Profile(profile) => {
            if let What::Recall(all) = &profile.what {
                for (_, into) in all {
                    if let Into::Variable(into, _) = into {
                        unknown(into, seen);
                    }
                }
            }
        }
        // A new kind of node that writes a variable must say so here.
        Step::Play { .. }
        | Step::Menu { .. }
        | Step::Say { .. }
        | Step::Hours { .. }
        | Step::Queue(_)
        | Step::Transfer { .. }
        | Step::Callback(_)
        | Step::Percent(_)
        | Step::Event { .. }
        | Step::Wait { .. }
        | Step::Language { .. }
        | Step::Record(_)
        | Step::Survey { .. }
        | Step::Return(_)
        | Step::Emergency(_)
        | Step::AgentReturn { .. }
        | Step::Goto(_)
        | Step::Hangup { .. } => {}
    }
}

fn look_at_value(id: VariableId, value: &Operand, seen: &mut [Seen]) {
    let seen = &mut seen[id.0];
    match value {
        Operand::Number(number) => _ = seen.set.insert(Value::Number(*number)),
        Operand::Text(text) => _ = seen.set.insert(Value::Text(text.clone())),
        Operand::Variable(same) if *same == id => {}
        Operand::Sum(sum) => match sum.step() {
            Some((same, by)) if same == id => {
                seen.up |= by > 0;
                seen.down |= by < 0;
            }
            _ => seen.unknown = true,
        },
        _ => seen.unknown = true,
    }
}

fn compared(one: &Operand, other: &Operand, seen: &mut [Seen]) {
    let Operand::Variable(id) = one else { return };
    let seen = &mut seen[id.0];
    seen.decides = true;
    match other {
        Operand::Number(number) => _ = seen.compared.insert(*number),
        Operand::Text(_) => {}
        _ => seen.with_others = true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ivr::expression::{Comparison, Expression};
    use crate::ivr::sum::Sum;
    use crate::rng::Rng;

    const VARIABLES: usize = 3;

    /// A flow that does nothing but count, each variable in its own way, or in all of them.
    fn flow(rng: &mut Rng) -> Vec<Step> {
        let nodes = 2 + rng.below(8);
        let ways: Vec<u64> = (0..VARIABLES).map(|_| rng.below(4)).collect();
        let mut step = |_| {
            let id = VariableId(rng.below(VARIABLES as u64) as usize);
            let mut to = || NodeId(rng.below(nodes) as usize);
            let (next, otherwise) = (to(), to());
            let number = rng.below(7) as i64 - 3;
            let by = 1 + rng.below(3) as i64;
            let value = match (ways[id.0], rng.below(3)) {
                (_, 0) | (3, 1) => Operand::Number(number),
                (0, _) => Operand::Sum(Sum::of(id, by)),
                (1, _) => Operand::Sum(Sum::of(id, -by)),
                (2, _) => Operand::Number(by),
                _ => Operand::Sum(Sum::of(id, number)),
            };
            if rng.below(2) == 0 {
                return Step::Set { language: None, values: vec![(id, value)], next };
            }
            let (left, right) = (Operand::Variable(id), Operand::Number(number));
            let comparison = match rng.below(4) {
                0 => Comparison::Equal,
                1 => Comparison::Less,
                2 => Comparison::GreaterOrEqual,
                _ => Comparison::NotEqual,
            };
            let when = Expression::Compare { left, comparison, right };
            Step::Switch { cases: vec![(when, next)], otherwise }
        };
        (0..nodes).map(&mut step).collect()
    }

    #[test]
    fn wherever_a_call_that_counts_goes_the_unfolded_flow_goes_too() {
        let mut rng = Rng::seeded(11);
        let mut followed = 0;
        for _ in 0..2_000 {
            let flow = flow(&mut rng);
            let steps: Vec<&Step> = flow.iter().collect();
            let counts = Counts::of(&steps, &[Kind::Number; VARIABLES], 0);
            followed += counts.followed.len();
            let (mut held, mut count, mut node) = ([0_i64; VARIABLES], counts.first(), NodeId(0));
            for _ in 0..60 {
                let step = steps[node.0];
                let before = count;
                count = counts.after(step, count);
                node = match step {
                    Step::Set { values, next, .. } => {
                        for (id, value) in values {
                            held[id.0] = match value {
                                Operand::Sum(sum) => held[id.0] + sum.step().map_or(0, |(_, by)| by),
                                Operand::Number(number) => *number,
                                _ => held[id.0],
                            };
                        }
                        *next
                    }
                    Step::Switch { cases, otherwise } => {
                        let value = |operand: &Operand| match operand {
                            Operand::Variable(id) => Compared::Number(held[id.0]),
                            Operand::Number(number) => Compared::Number(*number),
                            _ => Compared::Nothing,
                        };
                        let then = cases.iter().find(|(when, _)| when.holds(&value)).map(|(_, then)| *then);
                        let to = then.unwrap_or(*otherwise);
                        let open = counts.cases(step, before).unwrap_or_default();
                        assert!(open.contains(&to), "{held:?} at {node:?} of {flow:?}");
                        to
                    }
                    _ => break,
                };
            }
        }
        assert!(followed > 1_000, "{followed} variables were followed");
    }
}
