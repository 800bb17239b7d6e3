//! What becomes of what callers type, over all paths: a secret is typed anew before each use, because a use takes it
//! away; a number typed with more than a few keys may be an account, and stays out of the journal, but for a number to be
//! called back at that was asked for as one.
//!
//! New kinds of node that take a secret from the caller are added to `typed_by`; those that use one up, or write a value
//! down, tell `Scope::uses` where they are read.

use super::check::Check;
use super::flow::{Entry, Flow, Kind, NodeId, Operand, Step, VariableId};
use super::scope::{Declared, Scope};
use crate::diagnostic::Span;

/// An entry of so many keys is a choice or a mark; a longer one may be a number that belongs to somebody.
const CHOICE_KEYS: usize = 2;

/// Where a value goes that may be what a caller typed.
#[derive(Clone, Debug)]
pub(super) struct Use {
    pub node: NodeId,
    pub span: Span,
    pub how: How,
}

#[derive(Clone, Debug)]
pub(super) enum How {
    /// A secret is sent, or handed on, and gone.
    Spent(VariableId),
    /// Written to the journal.
    Told(VariableId),
    /// Written to the journal as a number to be called back at.
    Called(VariableId),
    /// Given to the parameter of a flow that is called.
    Given(String),
}

/// Whether a variable's value comes from keys, or from which parameters: a bit each.
type Origin = u128;

const KEYS: Origin = 1 << 127;

/// Keys of an entry that was not asked for as a telephone number.
const OTHER_KEYS: Origin = 1 << 126;

/// What calling flows must know of numbers in this one.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    /// The parameters whose values come to the journal.
    told: Origin,
    /// The parameters whose values are called back at.
    called: Origin,
    /// By result.
    results: Vec<Origin>,
}

/// `None` if the flow has errors, from before or from here.
pub(super) fn check(
    start: NodeId,
    steps: &[&Step],
    parameters: usize,
    scope: &mut Scope<'_>,
) -> Option<Numbers> {
    if scope.out.errors() > 0 {
        return None;
    }
    let uses = std::mem::take(&mut scope.uses);
    let leaving = leaving(steps, scope);
    for (place, declared) in scope.variables.iter().enumerate() {
        if declared.kind == Some(Kind::Secret) {
            let secret = Secret { id: VariableId(place), given: place < parameters, declared, uses: &uses };
            let faults = secret.missing(start, steps, &leaving);
            faults.into_iter().for_each(|fault| secret.tell(&fault, scope.out));
        }
    }
    let numbers = numbers(steps, parameters, &uses, scope);
    (scope.out.errors() == 0).then_some(numbers)
}

/// By node: where the call may go, but for an entry that was right.
fn leaving(steps: &[&Step], scope: &Scope<'_>) -> Vec<Vec<usize>> {
    let mut leaving = vec![Vec::new(); steps.len()];
    for edge in &scope.edges {
        leaving[edge.from.0].push(edge.to.0);
    }
    leaving
}

/// Which variable a node takes from the caller's keys: set on the way to the node that comes next, and only there.
fn typed_by(step: &Step) -> Option<(&Entry, NodeId)> {
    match step {
        Step::Collect { entry, next, .. } => Some((entry, *next)),
        _ => None,
    }
}

/// One secret on its ways through a flow.
struct Secret<'a> {
    id: VariableId,
    /// It comes from the calling flow.
    given: bool,
    declared: &'a Declared,
    uses: &'a [Use],
}

/// A use of a secret that may not be there.
struct Missing {
    at: Span,
    /// Where it went, if it was there once.
    spent: Option<Span>,
}

impl Secret<'_> {
    /// The uses, by where they stand, to which some path leads without the secret.
    fn missing(&self, start: NodeId, steps: &[&Step], leaving: &[Vec<usize>]) -> Vec<Missing> {
        let spending = |used: &&Use| matches!(used.how, How::Spent(id) if id == self.id);
        let spent: Vec<&Use> = self.uses.iter().filter(spending).collect();
        let mut faults = Vec::new();
        let from_start = if self.given { Vec::new() } else { vec![start.0] };
        let begins = std::iter::once((None, from_start));
        let after = |used: &&Use| (Some(used.span), self.onward(used.node.0, steps, leaving));
        for (by, from) in begins.chain(spent.iter().map(after)) {
            let bare = self.bare(from, steps, leaving);
            let fault = |used: &&Use| Missing { at: used.span, spent: by };
            faults.extend(spent.iter().filter(|used| bare[used.node.0]).map(fault));
        }
        // A call moves it to its first parameter, and has none for a second one.
        for (place, used) in
            spent.iter().enumerate().filter(|(_, used)| matches!(steps[used.node.0], Step::Call(_)))
        {
            let before = spent[..place].iter().find(|before| before.node == used.node);
            faults.extend(before.map(|before| Missing { at: used.span, spent: Some(before.span) }));
        }
        // Each use is told of once; never typed says more than typed too seldom.
        faults.sort_by_key(|fault| (fault.at.start, fault.spent.map(|span| span.start)));
        faults.dedup_by_key(|fault| fault.at.start);
        faults
    }

    /// The nodes that are reached from these without the secret being typed; nothing behind where it would be used.
    fn bare(&self, mut left: Vec<usize>, steps: &[&Step], leaving: &[Vec<usize>]) -> Vec<bool> {
        let mut seen = vec![false; steps.len()];
        while let Some(node) = left.pop() {
            if !std::mem::replace(&mut seen[node], true) && !self.is_spent_at(node) {
                left.extend(self.onward(node, steps, leaving));
            }
        }
        seen
    }

    fn is_spent_at(&self, node: usize) -> bool {
        self.uses
            .iter()
            .any(|used| used.node.0 == node && matches!(used.how, How::Spent(id) if id == self.id))
    }

    /// Where the call may go from a node without the secret having been typed there.
    fn onward(&self, node: usize, steps: &[&Step], leaving: &[Vec<usize>]) -> Vec<usize> {
        match steps[node] {
            Step::Collect { ask, entry, .. } if entry.into == self.id => {
                vec![ask.on_no_input.then.0, ask.on_invalid.then.0]
            }
            _ => leaving[node].clone(),
        }
    }

    fn tell(&self, fault: &Missing, out: &mut crate::diagnostic::Findings) {
        let name = &self.declared.name;
        let help = "collect it on every path to here, and anew after each use";
        match fault.spent {
            Some(spent) if spent != fault.at => {
                let message = format!("`{name}` may have been used up when the call comes here");
                out.error("flow-129", fault.at, message).help(help).see(spent, "here it goes, and is gone");
            }
            Some(_) => {
                let message =
                    format!("`{name}` is used up here, and the call may come here again without it");
                out.error("flow-129", fault.at, message).help(help);
            }
            None => {
                let message = format!("`{name}` may not have been typed when the call comes here");
                let added = out.error("flow-129", fault.at, message);
                added.help(help).see(self.declared.span, "declared here");
            }
        }
    }
}

/// Follows numbers from where they were typed to where they are written down.
fn numbers(steps: &[&Step], parameters: usize, uses: &[Use], scope: &mut Scope<'_>) -> Numbers {
    let origins = origins(steps, parameters, scope.variables.len());
    let mut numbers = Numbers::default();
    for used in uses {
        let (told, called) = match &used.how {
            How::Spent(_) => continue,
            How::Told(id) => (origins[id.0], 0),
            How::Called(id) => (0, origins[id.0]),
            How::Given(parameter) => given(steps[used.node.0], parameter, &origins),
        };
        numbers.told |= told & !(KEYS | OTHER_KEYS);
        numbers.called |= called & !(KEYS | OTHER_KEYS);
        if told & KEYS != 0 {
            let message = "a number that callers type would be in the journal";
            let added = scope.out.error("flow-130", used.span, message);
            added.label(format!("entries of more than {CHOICE_KEYS} keys may be somebody's account"));
            added.help("count or compare it first: `set` a number of the flow's own, and write that down");
        } else if called & OTHER_KEYS != 0 {
            let message =
                "a number that callers type as something else would be in the journal and be called";
            let added = scope.out.error("flow-130", used.span, message);
            added.label(format!("entries of more than {CHOICE_KEYS} keys may be somebody's account"));
            added.help("where it is typed as a telephone number, `collect` says so: `check: phone`");
        }
    }
    let results = steps.iter().filter_map(|step| match step {
        Step::Return(values) => Some(values.iter().map(|value| origin(value, &origins)).collect()),
        _ => None,
    });
    let results = results.reduce(|one: Vec<Origin>, other: Vec<Origin>| {
        one.iter().zip(&other).map(|(one, other)| one | other).collect()
    });
    Numbers { results: results.unwrap_or_default(), ..numbers }
}

/// Where a number given to a parameter comes from, if it is written down there, and if it is called back at.
fn given(step: &Step, parameter: &str, origins: &[Origin]) -> (Origin, Origin) {
    let Step::Call(call) = step else { return (0, 0) };
    let Some(place) = call.flow.parameters.iter().position(|slot| slot.name == parameter) else {
        return (0, 0);
    };
    let from = call.with.get(place).map_or(0, |value| origin(value, origins));
    let there = |set: Origin| if set >> place & 1 == 1 { from } else { 0 };
    (there(call.flow.numbers.told), there(call.flow.numbers.called))
}

/// Where each variable's values may come from, whatever path the call takes.
fn origins(steps: &[&Step], parameters: usize, variables: usize) -> Vec<Origin> {
    let mut origins: Vec<Origin> =
        (0..variables).map(|place| if place < parameters { 1 << place } else { 0 }).collect();
    loop {
        let before = origins.clone();
        for step in steps {
            match step {
                Step::Set { values, .. } => {
                    for (VariableId(place), value) in values {
                        origins[*place] |= origin(value, &origins);
                    }
                }
                Step::Call(call) => {
                    for (result, VariableId(place)) in &call.into {
                        origins[*place] |= back(&call.flow, *result, &call.with, &origins);
                    }
                }
                _ => {
                    if let Some((entry, _)) = typed_by(step).filter(|(entry, _)| entry.max > CHOICE_KEYS) {
                        let phone = entry.check.as_ref().is_some_and(Check::is_phone);
                        origins[entry.into.0] |= if phone { KEYS } else { KEYS | OTHER_KEYS };
                    }
                }
            }
        }
        if origins == before {
            return origins;
        }
    }
}

fn origin(value: &Operand, origins: &[Origin]) -> Origin {
    match value {
        Operand::Variable(VariableId(place)) => origins[*place],
        Operand::Sum(sum) => sum.operands().map(|operand| origin(operand, origins)).fold(0, |a, b| a | b),
        _ => 0,
    }
}

/// Where a result comes from, seen from the flow that calls.
fn back(flow: &Flow, result: usize, with: &[Operand], origins: &[Origin]) -> Origin {
    let from = flow.numbers.results.get(result).copied().unwrap_or(0);
    let given = with.iter().enumerate().filter(|(place, _)| from >> place & 1 == 1);
    given.fold(from & (KEYS | OTHER_KEYS), |all, (_, value)| all | origin(value, origins))
}
