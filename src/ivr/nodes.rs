//! Each kind of node: its fields, their types and defaults.
//!
//! ```yaml
//! play:     { prompts, barge_in: true, next }
//! menu:     { prompts, keys: { 1: node, "*": node }, timeout: 5s, retries: 2, barge_in: true,
//!             on_no_input: { prompts, then }, on_invalid: { prompts, then } }
//! collect:  { into: variable, prompts, min: 1, max, terminator: "#" | none, timeout: 5s, between_digits: 4s,
//!             check: luhn | date | day | { luhn: 16 | date: yyyymmdd | one_of: [..] | from: 1, to: 9, prompts },
//!             retries: 2, barge_in: true, on_no_input, on_invalid, next }     # a star takes the entry back
//! say:      { before: prompts, digits | phone | number | money | date | time | duration: $variable, after: prompts, barge_in: true, next }
//! set:      { language: en, VARIABLE: value | $variable, next }
//! switch:   { cases: [{ when: "$caller starts_with '138'", then }], else }
//! hours:    { zone: Asia/Shanghai, weekly: { mon-fri: [08:00-12:00, 13:00-21:00] }, holidays: [2026-10-01..2026-10-07],
//!             working_days: { 2026-10-10: 09:00-17:00 }, open, closed }       # a day left out is closed
//! http:     { method: get, to: host, path: "/cards/{$card}", body: { name: value | $variable }, timeout: 2s, retries,
//!             answer: { field.of.json: $variable }, next, on_status: { 404: node }, on_failed }
//! bot:      { to: bot, with: { name: value | $variable }, into: { slot: $variable }, max: 5m, next, on_person, on_failed }
//! queue:    { to: queue, priority: 0..100 | $number, prompts, on_timeout, on_full, on_empty }
//!             # and for the wait: music, comfort, tell, keys, offer, agent_id (see `meanwhile`)
//! callback: { number: $caller, queue: general, next, on_refused }
//! transfer: { agent: name | $variable | number: number | $variable, prompts, on_failed }
//! percent:  { ways: [{ share: 20, then: a }, { share: 80, then: b }] }
//! event:    { name: auth_locked, value: text | number | $number, next }
//! record:   { name: complaint, prompts, max: 60s, min: 1s, end: "#" | "*" | none, next, on_short, on_failed }
//! survey:   { prompts, scores: 1-5, on_low: { up_to: 2, then }, on_no_answer, timeout: 5s, barge_in: true, next }
//! wait:     { for: 500ms..60s, next }
//! language: { prompts, keys: { 1: zh-CN, 2: en }, default: zh-CN, timeout: 5s, barge_in: true, next }
//! call:     { flow: verify, with: { account: $account }, into: { ok: $ok }, next }
//! return:   { ok: "yes" }
//! emergency: { next, deflect: node, loss: node }                             # the broadcast, if one is on
//! agent_return: { result: ok | fail, level: name, prompts }
//! profile:  { recall: { NAME: $variable | $language } | remember: { NAME: value | $number | $language }, next, on_unknown }
//! goto:     node
//! hangup:   { prompts }
//! ```
//!
//! `prompts` is one name or a list. Silence and wrong keys count together against `retries`; after the last
//! try the call goes where `then` of the last failure leads, without its prompts.

use std::time::Duration;

use super::flow::{Destination, Kind, Operand, PRIORITIES, Saying, Spoken, Step, Waiting};
use super::say::{self, Manner, Words};
use super::scope::{By, Scope};
use super::{
    assisted, bot, call, callback, emergency, event, expression, hours, http, input, language, meanwhile,
    message, percent, profile, sum, survey,
};
use crate::diagnostic::Span;
use crate::diagnostic::fields::Fields;
use crate::diagnostic::yaml::{Node, Value};

/// The kinds of node, as written: those that `crate::grammar` declares. `read` has a reader for each.
pub(super) const KINDS: [&str; crate::grammar::nodes::NAMES.len()] = crate::grammar::nodes::NAMES;
/// Silence of a `wait`: a shorter one is not heard, in a longer one callers hang up.
const PAUSES: std::ops::RangeInclusive<Duration> = Duration::from_millis(500)..=Duration::from_secs(60);
/// Most cases of a `switch`.
const MAX_CASES: usize = 50;
/// Longest text in `set`, bytes.
const MAX_TEXT: usize = 200;

/// `goto` has no fields and is read by the caller.
pub(super) fn read(
    kind: &str,
    fields: &mut Fields<'_>,
    words: &[Words],
    scope: &mut Scope<'_>,
) -> Option<Step> {
    match kind {
        "play" => play(fields, scope),
        "menu" => input::menu(fields, scope),
        "collect" => input::collect(fields, scope),
        "say" => say(fields, words, scope),
        "set" => set(fields, scope),
        "switch" => switch(fields, scope),
        "hours" => {
            hours::read(fields, scope).map(|(hours, open, closed)| Step::Hours { hours, open, closed })
        }
        "http" => http::read::read(fields, scope).map(|dip| Step::Http(Box::new(dip))),
        "queue" => queue(fields, words, scope),
        "callback" => callback::read(fields, scope),
        "bot" => bot::read::read(fields, scope).map(|talk| Step::Bot(Box::new(talk))),
        "transfer" => transfer(fields, scope),
        "percent" => percent::read(fields, scope),
        "event" => event::read(fields, scope),
        "wait" => wait(fields, scope),
        "language" => language::read(fields, scope),
        "record" => message::read(fields, scope),
        "survey" => survey::read(fields, scope),
        "call" => call::call(fields, scope),
        "return" => call::back(fields, scope),
        "emergency" => emergency::read(fields, words, scope),
        "agent_return" => assisted::read(fields, scope),
        "profile" => profile::read(fields, scope),
        "hangup" => {
            let prompts = optional_prompts("prompts", fields, scope);
            Some(Step::Hangup { prompts: prompts? })
        }
        _ => None,
    }
}

/// `next`, or another target that must be given.
pub(super) fn next(
    name: &'static str,
    by: By,
    fields: &mut Fields<'_>,
    scope: &mut Scope<'_>,
) -> Option<super::flow::NodeId> {
    match fields.need(name) {
        Some(node) => scope.target(node, by, &format!("`{name}`")),
        None => {
            scope.places[scope.here.0].open = true;
            None
        }
    }
}

/// Left out: nothing is said. `None` only after a report.
pub(super) fn optional_prompts(
    name: &'static str,
    fields: &mut Fields<'_>,
    scope: &mut Scope<'_>,
) -> Option<Spoken> {
    match fields.take(name) {
        Some(node) => scope.prompts(node),
        None => Some(Spoken::default()),
    }
}

/// Default true.
pub(super) fn barge_in(fields: &mut Fields<'_>, scope: &mut Scope<'_>) -> Option<bool> {
    fields.take("barge_in").map_or(Some(true), |node| scope.out.truth(node))
}

fn play(fields: &mut Fields<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    let prompts = fields.need("prompts").and_then(|node| scope.prompts(node));
    let barge_in = barge_in(fields, scope);
    let next = next("next", By::Itself, fields, scope);
    Some(Step::Play { prompts: prompts?, barge_in: barge_in?, next: next? })
}

fn say(fields: &mut Fields<'_>, words: &[Words], scope: &mut Scope<'_>) -> Option<Step> {
    let before = optional_prompts("before", fields, scope);
    let after = optional_prompts("after", fields, scope);
    let barge_in = barge_in(fields, scope);
    let given: Vec<(Manner, &Node)> = Manner::ALL
        .into_iter()
        .filter_map(|(name, manner)| fields.take(name).map(|node| (manner, node)))
        .collect();
    let next = next("next", By::Itself, fields, scope);
    let [(manner, node)] = given[..] else {
        // Misspelled, it is reported as an unknown field.
        if given.len() > 1 || fields.rest().next().is_none() {
            let span = given.get(1).map_or(fields.place(""), |(_, node)| node.span);
            let names = Manner::ALL.map(|(name, _)| format!("`{name}`")).join(", ");
            scope.out.error("yaml-010", span, format!("`say` needs exactly one of {names}"));
        }
        return None;
    };
    let value = scope.reference(node, "said");
    say::check(words, &scope.languages, manner, node.span, scope.out);
    let (operand, kind) = value?;
    if kind != manner.kind() {
        let message = format!("this needs {}, and the variable is {kind}", manner.kind());
        let added = scope.out.error("flow-010", node.span, message);
        if let Some(instead) = Manner::field_for(kind) {
            added.label(format!("say it with `{instead}:`"));
        }
        return None;
    }
    let what = Saying { value: operand, manner };
    Some(Step::Say { before: before?, what, after: after?, barge_in: barge_in?, next: next? })
}

fn set(fields: &mut Fields<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    let mut whole = true;
    let mut language = None;
    if let Some(node) = fields.take("language") {
        match scope.out.text(node, "a language") {
            Some(name) => {
                language = scope.language(name);
                if language.is_none() {
                    scope.unknown_language(name, node.span);
                }
                whole &= language.is_some();
            }
            None => whole = false,
        }
    }
    let next = next("next", By::Itself, fields, scope);
    let mut values = Vec::new();
    for (key, node) in fields.rest() {
        match scope.variable(&key.text, key.span) {
            Some((id, kind)) => match value(&key.text, kind, node, scope) {
                Some(value) => values.push((id, value)),
                None => whole = false,
            },
            None => whole = false,
        }
    }
    fields.names_follow();
    whole.then_some(Step::Set { language, values, next: next? })
}

fn wait(fields: &mut Fields<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    let pause = fields.need("for").and_then(|node| scope.out.duration(node, PAUSES));
    let next = next("next", By::Itself, fields, scope);
    Some(Step::Wait { pause: pause?, next: next? })
}

/// What the variable, parameter or result `name` is given: a literal of its kind, another variable or, of numbers, a sum.
pub(super) fn value(name: &str, kind: Kind, node: &Node, scope: &mut Scope<'_>) -> Option<Operand> {
    if kind == Kind::Secret {
        let declared = scope.variables.iter().find(|v| v.name == name).map_or(Span::default(), |v| v.span);
        let message = "a secret is only ever typed by the caller, never set";
        scope.out.error("flow-019", node.span, message).see(declared, "declared here");
        return None;
    }
    let (text, plain) = match &node.value {
        Value::Scalar(scalar) => (scalar.text.as_str(), scalar.plain),
        _ => (scope.out.text(node, "a value or a variable such as $account")?, false),
    };
    if kind == Kind::Number && plain && sum::is_one(text) {
        return sum::read(text, node, scope).map(Operand::Sum);
    }
    let (operand, is) = match text.strip_prefix('$') {
        Some(name) => scope.readable(name, node.span, "copied")?,
        None if kind == Kind::Number => match text.parse().ok().filter(|_| plain) {
            Some(number) => (Operand::Number(number), Kind::Number),
            None => (Operand::Text(text.into()), Kind::Text),
        },
        None if kind == Kind::Text => (Operand::Text(text.into()), Kind::Text),
        None => (scope.literal(kind, text, node.span)?, kind),
    };
    if is != kind {
        let message = format!("`{name}` is {kind}, and this is {is}");
        scope.out.error("flow-010", node.span, message);
        return None;
    }
    if text.len() > MAX_TEXT {
        scope.out.error("yaml-008", node.span, format!("a text of more than {MAX_TEXT} bytes"));
        return None;
    }
    Some(operand)
}

fn switch(fields: &mut Fields<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    let cases = fields.need("cases");
    let otherwise = next("else", By::Itself, fields, scope);
    let Value::List(items) = &cases?.value else {
        scope.out.items(cases?, "a list of cases")?;
        scope
            .out
            .error("yaml-006", cases?.span, "expected a list of cases")
            .label("begin each case with `-`");
        return None;
    };
    if items.len() > MAX_CASES || items.is_empty() {
        scope.out.error("yaml-008", cases?.span, format!("a switch has from 1 to {MAX_CASES} cases"));
        return None;
    }
    let mut read = Vec::new();
    for item in items {
        let Some(mut case) = Fields::of(item, item.span, "a case", scope.out) else { continue };
        let when = case.need("when");
        let condition = when.and_then(|node| expression::read(node, scope));
        let then = next("then", By::Itself, &mut case, scope);
        case.finish(scope.out);
        read.push((when, condition, then));
    }
    for (at, (when, condition, _)) in read.iter().enumerate() {
        let (Some(when), Some(condition)) = (when, condition) else { continue };
        let earlier = read[..at].iter().find(|(_, c, _)| c.as_ref().is_some_and(|c| c.covers(condition)));
        if let Some((Some(earlier), ..)) = earlier {
            scope
                .out
                .error("flow-016", when.span, "this case never applies")
                .label("already decided above")
                .see(earlier.span, "this one catches it first");
        }
    }
    let cases: Option<Vec<_>> = read.into_iter().map(|(_, c, then)| c.zip(then)).collect();
    Some(Step::Switch { cases: cases?, otherwise: otherwise? })
}

fn queue(fields: &mut Fields<'_>, words: &[Words], scope: &mut Scope<'_>) -> Option<Step> {
    let world = scope.world;
    let queue = fields.need("to").and_then(|node| {
        scope.of_world("flow-005", "a queue", node, world.queues.iter().map(|q| q.as_str()))
    });
    let priority = match fields.take("priority") {
        Some(node) if is_variable(node) => {
            held(Kind::Number, "a priority", "waited with", node, scope).map(Some)
        }
        Some(node) => {
            scope.out.integer(node, "a priority", PRIORITIES).map(|priority| Some(Operand::Number(priority)))
        }
        None => Some(None),
    };
    let prompts = optional_prompts("prompts", fields, scope);
    let on_timeout = next("on_timeout", By::Waiting, fields, scope);
    let on_full = next("on_full", By::Itself, fields, scope);
    let on_empty = match fields.take("on_empty") {
        Some(node) => scope.target(node, By::Itself, "`on_empty`").map(Some),
        None => Some(None),
    };
    let meanwhile = meanwhile::read(fields, words, scope);
    Some(Step::Queue(Waiting {
        queue: queue?.as_str().into(),
        priority: priority?,
        prompts: prompts?,
        on_timeout: on_timeout?,
        on_full: on_full?,
        on_empty: on_empty?,
        meanwhile: Box::new(meanwhile?),
    }))
}

fn transfer(fields: &mut Fields<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    let world = scope.world;
    let prompts = optional_prompts("prompts", fields, scope);
    let on_failed = next("on_failed", By::Itself, fields, scope);
    let to = match (fields.take("agent"), fields.take("number")) {
        (Some(node), None) if is_variable(node) => {
            held(Kind::Text, "the name of an agent", "dialled", node, scope).map(Destination::AgentIn)
        }
        (Some(node), None) => scope
            .of_world("flow-006", "an agent", node, world.agents.iter().map(|a| a.as_str()))
            .map(|name| Destination::Agent(name.as_str().into())),
        (None, Some(node)) => number(node, scope),
        (agent, _) => {
            if agent.is_some() || fields.rest().next().is_none() {
                let span = agent.map_or(fields.place(""), |_| fields.place("number"));
                scope.out.error("yaml-010", span, "`transfer` needs exactly one of `agent` and `number`");
            }
            None
        }
    };
    Some(Step::Transfer { to: to?, prompts: prompts?, on_failed: on_failed? })
}

fn number(node: &Node, scope: &mut Scope<'_>) -> Option<Destination> {
    if is_variable(node) {
        return held(Kind::Text, "a telephone number", "dialled", node, scope).map(Destination::NumberIn);
    }
    let world = scope.world;
    scope.of_world("flow-007", "a number", node, world.numbers.keys()).map(Destination::Number)
}

fn is_variable(node: &Node) -> bool {
    matches!(&node.value, Value::Scalar(scalar) if scalar.text.starts_with('$'))
}

/// The variable that stands there; what it is to hold must be of this kind.
fn held(kind: Kind, what: &str, used: &str, node: &Node, scope: &mut Scope<'_>) -> Option<Operand> {
    let (operand, found) = scope.reference(node, used)?;
    if found == kind {
        return Some(operand);
    }
    scope.out.error("flow-010", node.span, format!("{what} is {kind}, and this is {found}"));
    None
}
