//! `call` and `return`: the fields, held against what the called flow declares.

use std::sync::Arc;

use super::digits::How;
use super::flow::{Flow, Kind, NodeId, Operand, Step, VariableId};
use super::nodes::{next, value};
use super::scope::{By, Scope};
use super::subflow::{Call, Callee, MAX_DEPTH, Slot};
use crate::diagnostic::Span;
use crate::diagnostic::fields::Fields;
use crate::diagnostic::yaml::{Key, Node, Value};

pub(super) fn call(fields: &mut Fields<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    let name = fields.need("flow");
    let (with_node, into_node) = (fields.take("with"), fields.take("into"));
    let Some(flow) = name.and_then(|node| callee(node, scope)) else {
        fields.take("next");
        with_node.into_iter().chain(into_node).for_each(|node| mention(node, scope));
        return None;
    };
    let at = if with_node.is_some() { fields.place("with") } else { name?.span };
    let with = with(&flow, with_node, at, scope);
    let into = into_node.map_or(Some(Vec::new()), |node| into(&flow, node, scope));
    let next = after(&flow, fields, scope);
    Some(Step::Call(Call { flow, with: with?, into: into?, next: next? }))
}

/// The flow that is called, if it can be.
fn callee(node: &Node, scope: &mut Scope<'_>) -> Option<Arc<Flow>> {
    let name = scope.out.text(node, "the name of a flow")?;
    let flow = match scope.callees.find(name, &scope.flow) {
        Callee::Compiled(flow) => flow,
        Callee::Broken => return None,
        Callee::Circle(path) => {
            scope
                .out
                .error(
                    "flow-066",
                    node.span,
                    format!("flows call each other in a circle: {}, {}", scope.flow, path.join(", ")),
                )
                .label("this call closes the circle")
                .help("a flow goes back to the one that called it by `return`");
            return None;
        }
        Callee::Unknown => {
            let callees = scope.callees;
            let message = format!("there is no flow `{name}`");
            scope.unknown("flow-064", node.span, message, name, callees.names());
            return None;
        }
    };
    if flow.outcome.depth >= MAX_DEPTH {
        let message = format!("`{name}` and what it calls are {} flows deep already", flow.outcome.depth);
        scope
            .out
            .error("flow-066", node.span, message)
            .label(format!("at most {MAX_DEPTH}, this one included"));
        return None;
    }
    let missing: Vec<&str> =
        scope.languages.iter().map(|l| &**l).filter(|ours| !flow.languages().any(|l| l == *ours)).collect();
    let surplus: Vec<&str> = flow.languages().filter(|theirs| scope.language(theirs).is_none()).collect();
    if !missing.is_empty() || !surplus.is_empty() {
        let label = match missing[..] {
            [] => format!("it speaks {}, this flow does not", surplus.join(" and ")),
            _ => format!("it does not speak {}", missing.join(" and ")),
        };
        let message = format!("`{name}` speaks other languages than this flow");
        scope.out.error("flow-068", node.span, message).label(label);
        return None;
    }
    Some(flow)
}

/// What the parameters are given, in their order. `at` is where to point if one is missing.
fn with(flow: &Flow, node: Option<&Node>, at: Span, scope: &mut Scope<'_>) -> Option<Vec<Operand>> {
    let given = match node {
        Some(node) => scope.out.entries(node, "parameters with their values")?,
        None => &[],
    };
    let what = format!("`{}`", flow.id);
    each(&what, "parameter", &flow.parameters, given, at, scope, argument)
}

/// A value for each slot, no more and no less.
fn each(
    whose: &str,
    what: &str,
    slots: &[Slot],
    given: &[(Key, Node)],
    at: Span,
    scope: &mut Scope<'_>,
    read: fn(&Slot, &Node, &mut Scope<'_>) -> Option<Operand>,
) -> Option<Vec<Operand>> {
    let mut values: Vec<Option<Operand>> = vec![None; slots.len()];
    let mut guessed = Vec::new();
    let mut whole = true;
    for (key, node) in given {
        if let Some(place) = slots.iter().position(|slot| slot.name == key.text) {
            values[place] = read(&slots[place], node, scope);
            whole &= values[place].is_some();
            continue;
        }
        mention(node, scope);
        let message = format!("{whose} has no {what} `{}`", key.text);
        let known = slots.iter().map(|slot| slot.name.as_str());
        guessed.extend(scope.unknown("flow-065", key.span, message, &key.text, known));
        whole = false;
    }
    for slot in slots {
        // A misspelled one is one mistake, not two.
        if !given.iter().any(|(key, _)| key.text == slot.name) && !guessed.contains(&slot.name.as_str()) {
            let message = format!("the {what} `{}` of {whose} is missing", slot.name);
            scope.out.error("flow-065", at, message).label(format!("`{}` is {}", slot.name, slot.kind));
            whole = false;
        }
    }
    if whole { values.into_iter().collect() } else { None }
}

/// Secrets go from secret to secret; everything else as in `set`.
fn argument(slot: &Slot, node: &Node, scope: &mut Scope<'_>) -> Option<Operand> {
    if slot.kind != Kind::Secret {
        scope.goes(node.span, How::Given(slot.name.clone()));
        return value(&slot.name, slot.kind, node, scope);
    }
    let text = scope.out.text(node, "a secret variable such as $pin")?;
    let Some(name) = text.strip_prefix('$') else {
        let message = format!("the parameter `{}` takes a secret that the caller typed", slot.name);
        scope.out.error("flow-019", node.span, message).label("expected a variable of kind secret");
        return None;
    };
    let (id, kind) = scope.variable(name, node.span)?;
    if kind != Kind::Secret {
        let message = format!("the parameter `{}` is a secret, and `{name}` is {kind}", slot.name);
        scope.out.error("flow-019", node.span, message).label("expected a variable of kind secret");
        return None;
    }
    scope.goes(node.span, How::Spent(id));
    Some(Operand::Variable(id))
}

/// Which results are kept, and where.
fn into(flow: &Flow, node: &Node, scope: &mut Scope<'_>) -> Option<Vec<(usize, VariableId)>> {
    let mut kept = Vec::new();
    let mut whole = true;
    for (key, node) in scope.out.entries(node, "results with the variables that take them")? {
        let target = scope.out.text(node, "a variable such as $ok").and_then(|text| {
            let name = text.strip_prefix('$').unwrap_or(text);
            scope.variable(name, node.span).map(|(id, kind)| (name, id, kind))
        });
        let Some(place) = flow.results.iter().position(|slot| slot.name == key.text) else {
            let message = format!("`{}` has no result `{}`", flow.id, key.text);
            let known = flow.results.iter().map(|slot| slot.name.as_str());
            scope.unknown("flow-065", key.span, message, &key.text, known);
            whole = false;
            continue;
        };
        let Some((name, id, kind)) = target else {
            whole = false;
            continue;
        };
        let is = flow.results[place].kind;
        if kind != is {
            let message = format!("`{name}` is {kind}, and the result `{}` is {is}", key.text);
            scope.out.error("flow-010", node.span, message);
            whole = false;
        }
        kept.push((place, id));
    }
    whole.then_some(kept)
}

/// The outer `None` only after a report.
fn after(flow: &Flow, fields: &mut Fields<'_>, scope: &mut Scope<'_>) -> Option<Option<NodeId>> {
    if let Some(by) = flow.outcome.returns {
        return next("next", by, fields, scope).map(Some);
    }
    let Some(node) = fields.take("next") else { return Some(None) };
    scope.target(node, By::Itself, "`next`")?;
    let message = format!("`{}` never returns", flow.id);
    scope.out.error("flow-067", node.span, message).label("no call goes on here; leave `next` out");
    None
}

/// What stands in a call that cannot be read is not unused.
fn mention(node: &Node, scope: &mut Scope<'_>) {
    match &node.value {
        Value::Scalar(scalar) => {
            let name = scalar.text.strip_prefix('$').unwrap_or(&scalar.text);
            scope.variables.iter_mut().filter(|v| v.name == name).for_each(|v| v.used = true);
        }
        Value::Map(entries) => entries.iter().for_each(|(_, node)| mention(node, scope)),
        Value::List(_) | Value::Null | Value::Refused => {}
    }
}

pub(super) fn back(fields: &mut Fields<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    let given: Vec<(Key, Node)> = fields.rest().map(|(key, node)| (key.clone(), node.clone())).collect();
    fields.names_follow();
    let slots = std::mem::take(&mut scope.results);
    let result = |slot: &Slot, node: &Node, scope: &mut Scope<'_>| value(&slot.name, slot.kind, node, scope);
    let values = each("this flow", "result", &slots, &given, fields.place(""), scope, result);
    scope.results = slots;
    values.map(Step::Return)
}
