//! One step of a script: what the caller does, or what is expected.

use std::time::Duration;

use super::{Doing, Expectation, Holds, Line, Stage, Step, Variable};
use crate::diagnostic::fields::Fields;
use crate::diagnostic::yaml::{Key, Node, Value};
use crate::diagnostic::{Findings, Span, suggest};
use crate::ids::{AgentId, QueueId};
use crate::ivr::flow::{Flow, Kind, key_index};
use crate::ivr::run::{MAX_IDLE, QueueExit, TransferTo};

/// The steps, as written. New ones are added here and in `with`.
const STEPS: [&str; 16] = [
    "presses",
    "silence",
    "hangs_up",
    "queue_leaves",
    "position",
    "estimate",
    "agent_answers",
    "transfer_fails",
    "hears",
    "queue",
    "transfer",
    "callback",
    "ends",
    "at",
    "remark",
    "variables",
];
/// The step that shares its name with a setting.
const LANGUAGE: &str = "language";
/// Those that need nothing more.
const BARE: [&str; 4] = ["silence", "hangs_up", "transfer_fails", "ends"];
/// Further prompts that a test does not name.
const MORE: &str = "...";
/// Most callers that a test may put before its own.
const MOST_AHEAD: i64 = 1_000;
/// Longest wait that a test may expect.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3_600);
/// Longest time that one step lets pass: after it every flow has given up waiting.
const LONGEST: Duration = MAX_IDLE;

/// What names mean in a test.
pub(super) struct Scope<'a> {
    pub out: &'a mut Findings,
    pub on: &'a Flow,
    pub stage: &'a Stage<'a>,
}

pub(super) fn read(node: &Node, scope: &mut Scope<'_>) -> Option<Step> {
    let line = match &node.value {
        Value::Scalar(scalar) => bare(&scalar.text, node.span, scope)?,
        _ => with_fields(node, scope)?,
    };
    Some(Step { span: node.span, line })
}

/// A step of one word.
fn bare(word: &str, span: Span, scope: &mut Scope<'_>) -> Option<Line> {
    match word {
        "silence" => return Some(Line::Does(Doing::Silence(None))),
        "hangs_up" => return Some(Line::Does(Doing::HangsUp)),
        "transfer_fails" => return Some(Line::Does(Doing::TransferFails)),
        "ends" => return Some(Line::Expects(Expectation::Ends)),
        _ => {}
    }
    if STEPS.contains(&word) || word == LANGUAGE {
        let message = format!("`{word}` does not say what");
        scope.out.error("test-006", span, message).label(format!("write `{word}: ...`"));
        return None;
    }
    let guess = suggest::nearest(word, BARE);
    let added = scope.out.error("test-006", span, format!("there is no step `{word}`"));
    match guess {
        Some(guess) => added.label(format!("did you mean `{guess}`?")),
        None => added.help(format!("the steps are: {}, {LANGUAGE}", STEPS.join(", "))),
    };
    None
}

fn with_fields(node: &Node, scope: &mut Scope<'_>) -> Option<Line> {
    let start = Span::new(node.span.start, node.span.start);
    let mut fields = Fields::of(node, start, "a step", scope.out)?;
    let names = STEPS.into_iter().chain([LANGUAGE]);
    let given: Vec<(&'static str, &Node)> =
        names.filter_map(|name| fields.take(name).map(|node| (name, node))).collect();
    let after = fields.take("after");
    let [(name, value)] = given[..] else {
        // Misspelled, it is reported as an unknown field.
        if given.len() > 1 {
            let names: Vec<&str> = given.iter().map(|(name, _)| *name).collect();
            let message = format!("one step, and it says {}", names.join(" and "));
            let label = "begin each step with `-`";
            scope.out.error("test-006", fields.place(given[1].0), message).label(label);
        } else if fields.rest().next().is_none() {
            scope.out.error("test-006", node.span, "this step does not say what to do");
        }
        fields.finish(scope.out);
        return None;
    };
    if let (Some(after), false) = (after, name == "presses") {
        let message = format!("`after` belongs to `presses`, not to `{name}`");
        scope.out.error("test-006", after.span, message);
    }
    fields.finish(scope.out);
    with(name, value, after, scope)
}

fn with(name: &str, node: &Node, after: Option<&Node>, scope: &mut Scope<'_>) -> Option<Line> {
    let doing = match name {
        "presses" => presses(node, after, scope),
        "silence" => {
            scope.out.duration(node, Duration::ZERO..=LONGEST).map(|time| Doing::Silence(Some(time)))
        }
        "queue_leaves" => queue_leaves(node, scope),
        "position" => {
            let ahead = scope.out.integer(node, "a number of callers", 0..=MOST_AHEAD);
            ahead.and_then(|ahead| usize::try_from(ahead).ok()).map(Doing::Position)
        }
        "estimate" => estimate(node, scope),
        "agent_answers" => agent(node, scope).map(Doing::AgentAnswers),
        "hangs_up" | "transfer_fails" | "ends" => {
            let message = format!("`{name}` stands alone");
            scope.out.error("test-006", node.span, message).label(format!("write `- {name}`"));
            None
        }
        _ => return expectation(name, node, scope).map(Line::Expects),
    };
    doing.map(Line::Does)
}

fn presses(node: &Node, after: Option<&Node>, scope: &mut Scope<'_>) -> Option<Doing> {
    let after = match after {
        Some(node) => scope.out.duration(node, Duration::ZERO..=LONGEST),
        None => Some(Duration::ZERO),
    };
    let keys = scope.out.text(node, "keys such as \"1#\"")?;
    if let Some(wrong) = keys.chars().find(|key| key_index(*key).is_none()).filter(|_| !keys.is_empty()) {
        scope
            .out
            .error("test-008", node.span, format!("`{wrong}` is not a telephone key"))
            .label("keys are 0 to 9, * and #, such as \"1#\"");
        return None;
    }
    Some(Doing::Presses { keys: keys.to_owned(), after: after? })
}

fn queue_leaves(node: &Node, scope: &mut Scope<'_>) -> Option<Doing> {
    const EXITS: [(&str, QueueExit); 3] =
        [("timeout", QueueExit::Timeout), ("full", QueueExit::Full), ("empty", QueueExit::Empty)];
    let word = scope.out.text(node, "timeout, full or empty")?;
    let exit = EXITS.iter().find(|(name, _)| *name == word).map(|(_, exit)| Doing::QueueLeaves(*exit));
    if exit.is_none() {
        let guess = suggest::nearest(word, EXITS.map(|(name, _)| name));
        let label =
            guess.map_or("expected timeout, full or empty".to_owned(), |g| format!("did you mean `{g}`?"));
        scope.out.error("test-006", node.span, format!("nobody leaves a queue by `{word}`")).label(label);
    }
    exit
}

fn expectation(name: &str, node: &Node, scope: &mut Scope<'_>) -> Option<Expectation> {
    match name {
        "hears" => hears(node, scope),
        "queue" => queue(node, scope),
        "callback" => callback(node, scope),
        "transfer" => transfer(node, scope),
        "at" => {
            let known = scope.on.chart.stops.iter().map(|stop| stop.name.as_str());
            let name = scope.out.text(node, "the name of a node")?;
            // Of a flow that is called.
            if name.contains('/') && scope.stage.node(scope.on, name).is_some() {
                return Some(Expectation::At(name.to_owned()));
            }
            known_name("test-003", "a node of the flow", name, node.span, known, scope.out)
                .map(Expectation::At)
        }
        "remark" => remark(node, scope),
        LANGUAGE => super::language(node, scope.on, scope.out).map(Expectation::Language),
        "variables" => variables(node, scope),
        _ => None,
    }
}

/// `name`, if it is known.
fn known_name<'k>(
    code: &'static str,
    what: &str,
    name: &str,
    span: Span,
    known: impl Iterator<Item = &'k str> + Clone,
    out: &mut Findings,
) -> Option<String> {
    if known.clone().any(|known| known == name) {
        return Some(name.to_owned());
    }
    let guess = if out.is_full() { None } else { suggest::nearest(name, known) };
    let added = out.error(code, span, format!("`{name}` is not {what}"));
    if let Some(guess) = guess {
        added.label(format!("did you mean `{guess}`?"));
    }
    None
}

fn hears(node: &Node, scope: &mut Scope<'_>) -> Option<Expectation> {
    let items = scope.out.items(node, "a prompt or a list of prompts")?;
    let (mut prompts, mut more, mut whole) = (Vec::new(), false, true);
    for (at, item) in items.iter().enumerate() {
        let Some(name) = scope.out.text(item, "the name of a prompt") else {
            whole = false;
            continue;
        };
        if name == MORE {
            more = true;
            if at + 1 < items.len() {
                scope.out.error("test-006", item.span, "`...` stands last: what comes after it is not known");
                whole = false;
            }
            continue;
        }
        let (words, on) = (scope.stage.words, scope.on);
        if !on.languages().any(|language| words.find(language, name).is_some()) {
            let names: Vec<String> =
                on.languages().flat_map(|language| scope.stage.world.catalogue.names(language)).collect();
            let known = names.iter().map(String::as_str);
            known_name("test-001", "a prompt in the flow's languages", name, item.span, known, scope.out);
            whole = false;
        }
        prompts.push((name.to_owned(), item.span));
    }
    whole.then_some(Expectation::Hears { prompts, more })
}

/// `queue: general` or `queue: { to: general, priority: 90 }`.
fn queue(node: &Node, scope: &mut Scope<'_>) -> Option<Expectation> {
    let (to, priority) = match &node.value {
        Value::Map(_) => {
            let mut fields = Fields::of(node, node.span, "`queue`", scope.out)?;
            let (to, priority) = (fields.need("to"), fields.take("priority"));
            fields.finish(scope.out);
            (to?, priority)
        }
        _ => (node, None),
    };
    let priority = match priority {
        Some(node) => Some(u8::try_from(scope.out.integer(node, "a priority", 0..=100)?).ok()?),
        None => None,
    };
    Some(Expectation::Queue { to: queue_named(to, scope)?, priority })
}

/// `estimate: 5m`, or `unknown`.
fn estimate(node: &Node, scope: &mut Scope<'_>) -> Option<Doing> {
    if matches!(&node.value, Value::Scalar(scalar) if scalar.text == "unknown") {
        return Some(Doing::Estimate(None));
    }
    let wait = scope.out.duration(node, Duration::ZERO..=LONGEST_WAIT)?;
    Some(Doing::Estimate(Some(wait)))
}

/// An agent of the configuration.
fn agent(node: &Node, scope: &mut Scope<'_>) -> Option<AgentId> {
    let known = scope.stage.world.agents.iter().map(|agent| agent.as_str());
    let name = scope.out.text(node, "the name of an agent")?;
    let name = known_name("test-012", "an agent of the configuration", name, node.span, known, scope.out)?;
    Some(name.as_str().into())
}

/// `callback: general` or `callback: { to: general, number: 13800138000 }`.
fn callback(node: &Node, scope: &mut Scope<'_>) -> Option<Expectation> {
    let (to, number) = match &node.value {
        Value::Map(_) => {
            let mut fields = Fields::of(node, node.span, "`callback`", scope.out)?;
            let (to, number) = (fields.need("to"), fields.take("number"));
            fields.finish(scope.out);
            (to?, number)
        }
        _ => (node, None),
    };
    let number = match number {
        Some(node) => Some(scope.out.text(node, "a telephone number")?.to_owned()),
        None => None,
    };
    Some(Expectation::Callback { to: queue_named(to, scope)?, number })
}

fn queue_named(node: &Node, scope: &mut Scope<'_>) -> Option<QueueId> {
    let name = scope.out.text(node, "the name of a queue")?;
    let known = scope.stage.world.queues.iter().map(|queue| queue.as_str());
    let name = known_name("test-002", "a queue of the configuration", name, node.span, known, scope.out)?;
    Some(name.as_str().into())
}

/// `transfer: { agent: 1001 }` or `transfer: { number: 95501 }`.
fn transfer(node: &Node, scope: &mut Scope<'_>) -> Option<Expectation> {
    let mut fields = Fields::of(node, node.span, "`transfer`", scope.out)?;
    let given = (fields.take("agent"), fields.take("number"));
    fields.finish(scope.out);
    match given {
        (Some(node), None) => agent(node, scope).map(|agent| Expectation::Transfer(TransferTo::Agent(agent))),
        // A flow may dial a number it was given: it need not be the bank's.
        (None, Some(number)) => {
            let number = scope.out.text(number, "a telephone number")?;
            Some(Expectation::Transfer(TransferTo::Number(number.to_owned())))
        }
        _ => {
            scope.out.error("yaml-010", node.span, "`transfer` needs exactly one of `agent` and `number`");
            None
        }
    }
}

/// `remark: name` or `remark: { name: value }`.
fn remark(node: &Node, scope: &mut Scope<'_>) -> Option<Expectation> {
    let Value::Map(entries) = &node.value else {
        let name = scope.out.text(node, "the name of a remark")?.to_owned();
        return Some(Expectation::Remark { name, value: None });
    };
    let [(key, value)] = &entries[..] else {
        scope
            .out
            .error("test-006", node.span, "a step expects one remark")
            .label("`remark: { name: value }`");
        return None;
    };
    let value = scope.out.text(value, "the value of a remark")?.to_owned();
    Some(Expectation::Remark { name: key.text.clone(), value: Some(value) })
}

fn variables(node: &Node, scope: &mut Scope<'_>) -> Option<Expectation> {
    let entries = scope.out.entries(node, "variables with their values")?;
    let read: Vec<Option<Variable>> = entries.iter().map(|(key, node)| variable(key, node, scope)).collect();
    read.into_iter().collect::<Option<Vec<_>>>().map(Expectation::Variables)
}

fn variable(key: &Key, node: &Node, scope: &mut Scope<'_>) -> Option<Variable> {
    let chart = &scope.on.chart;
    let known = chart.variables.iter().map(|(name, _)| name.as_str());
    let name = known_name("test-004", "a variable of the flow", &key.text, key.span, known, scope.out)?;
    let holds = if chart.kind(&name)? == Kind::Secret {
        Holds::Typed(typed(&name, node, scope)?)
    } else {
        Holds::Value(scope.out.text(node, "a value")?.to_owned())
    };
    Some(Variable { span: key.span, name, holds })
}

/// `{ typed: 6 keys }`: all that may be known of a secret.
fn typed(name: &str, node: &Node, scope: &mut Scope<'_>) -> Option<usize> {
    let Value::Map(_) = &node.value else {
        scope.out.mask(&[node.span]);
        scope
            .out
            .error("test-009", node.span, format!("`{name}` is a secret: its value stands in no test"))
            .label(format!("write `{name}: {{ typed: 6 keys }}`"));
        return None;
    };
    let mut fields = Fields::of(node, node.span, "a secret", scope.out)?;
    let count = fields.need("typed");
    fields.finish(scope.out);
    let text = scope.out.text(count?, "a number of keys")?;
    let number = text.strip_suffix("keys").or(text.strip_suffix("key")).unwrap_or(text).trim();
    let read = number.parse().ok();
    if read.is_none() {
        scope.out.error("test-009", count?.span, "expected a number of keys").label("such as `6 keys`");
    }
    read
}
