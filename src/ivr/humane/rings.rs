//! Entries that a flow turns down: whoever types again and again what could be right, and is not.
//!
//! Which of the ways behind an entry is taken is for the bank's systems to say. A caller whose entries are turned down
//! goes the ways that lead back to the question as long as there are some; when what the flow counts leaves none, they
//! go on like one who presses wrong keys. What is behind an entry that was taken is not judged here.

use super::outcome::Outcome;
use super::walk::{Beyond, Caller, Walk, Walker};
use crate::ivr::flow::Step;
use crate::ivr::knots::Knots;

/// Questions that lead back to themselves, and an entry among them.
pub(super) struct Ring {
    /// Its first entry, by node.
    pub node: usize,
    /// One of its states.
    pub state: usize,
    /// Where callers come from its entries at worst.
    pub outcome: Outcome,
}

/// The rings of a flow, by their first entries. `counts`: the states that matter.
pub(super) fn rings(
    walker: &Walker,
    confused: &Walk,
    beyond: &impl Beyond,
    counts: impl Fn(usize) -> bool,
) -> Vec<Ring> {
    let leads: Vec<Vec<usize>> =
        (0..walker.states()).map(|state| walker.leads(state, Caller::Mistaken, beyond)).collect();
    let mut by_node = vec![Vec::new(); walker.flow().nodes.len()];
    for (state, leads) in leads.iter().enumerate() {
        by_node[walker.node(state)].extend(leads.iter().map(|to| walker.node(*to)));
    }
    let knots = Knots::of(&by_node);
    let is_entry = |node: &usize| matches!(walker.flow().nodes[*node].step, Step::Collect { .. });
    let ring = |knot: usize| knots.is_circle(knot, &by_node) && knots.members[knot].iter().any(is_entry);
    let rings: Vec<bool> = (0..knots.members.len()).map(ring).collect();
    let same = |one: usize, other: usize| knots.of[walker.node(one)] == knots.of[walker.node(other)];
    let inside: Vec<Vec<usize>> = leads
        .iter()
        .enumerate()
        .map(|(state, leads)| {
            let within = rings[knots.of[walker.node(state)]];
            leads.iter().copied().filter(|to| within && same(state, *to)).collect()
        })
        .collect();
    let asked = |knot: usize| {
        knots.members[knot].iter().filter(|node| walker.flow().nodes[**node].step.question()).count()
    };
    let questions: Vec<usize> =
        (0..rings.len()).map(|knot| if rings[knot] { asked(knot) } else { 0 }).collect();
    let outcomes =
        outcomes(walker, confused, &leads, &inside, |state| questions[knots.of[walker.node(state)]]);
    let mut found: Vec<Option<Ring>> = rings.iter().map(|_| None).collect();
    for state in (0..walker.states()).filter(|state| counts(*state)) {
        let node = walker.node(state);
        let knot = knots.of[node];
        if !rings[knot] || !is_entry(&node) {
            continue;
        }
        let ring = found[knot].get_or_insert(Ring { node, state, outcome: Outcome::NOTHING });
        if node < ring.node {
            (ring.node, ring.state) = (node, state);
        }
        ring.outcome = ring.outcome.worst(outcomes[state]);
    }
    let mut found: Vec<Ring> = found.into_iter().flatten().collect();
    found.sort_by_key(|ring| ring.node);
    found
}

/// By state: where it leads whose entries are turned down. `questions`: of the ring it is in.
fn outcomes(
    walker: &Walker,
    confused: &Walk,
    leads: &[Vec<usize>],
    inside: &[Vec<usize>],
    questions: impl Fn(usize) -> usize,
) -> Vec<Outcome> {
    let rounds = Knots::of(inside);
    let mut outcomes = vec![Outcome::NOTHING; walker.states()];
    for (round, members) in rounds.members.iter().enumerate() {
        let endless = rounds.is_circle(round, inside);
        for state in members {
            let hears = walker.hears(*state, Caller::Mistaken);
            let ahead = match &inside[*state][..] {
                _ if endless => Outcome::NOBODY,
                [] => {
                    let on = leads[*state].iter().map(|to| confused.outcomes[*to]);
                    let on = on.reduce(Outcome::worst).unwrap_or(Outcome::NOTHING);
                    on.behind_questions(questions(*state))
                }
                inside => {
                    inside.iter().map(|to| outcomes[*to]).reduce(Outcome::worst).unwrap_or(Outcome::NOTHING)
                }
            };
            outcomes[*state] = ahead.after(hears);
        }
    }
    outcomes
}
