//! The questions: `menu` (one key) and `collect` (several).

use std::time::Duration;

use super::check;
use super::flow::{Ask, Entry, Failed, Kind, Step, key_index};
use super::nodes::{barge_in, optional_prompts};
use super::scope::{By, Scope};
use crate::diagnostic::Span;
use crate::diagnostic::fields::Fields;
use crate::diagnostic::yaml::{Key, Node};

/// Most retries: after six failures a caller needs a person.
const MAX_RETRIES: u8 = 5;
/// Retries if the flow does not say.
const RETRIES: u8 = 2;
/// Most symbols of an entry; also bounds what a run keeps of it.
pub(super) const MAX_ENTRY: usize = 32;
/// Most digits of a number, and of whole yuan: each such number fits 64 bits, in fen too.
const MAX_NUMBER: usize = 15;
/// Silence before it counts: shorter ones hurry people, longer ones seem dead.
const TIMEOUTS: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(60);

/// Left out: the default. `None` only after a report.
pub(super) fn duration(
    name: &'static str,
    default: Duration,
    fields: &mut Fields<'_>,
    scope: &mut Scope<'_>,
) -> Option<Duration> {
    fields.take(name).map_or(Some(default), |node| scope.out.duration(node, TIMEOUTS))
}

/// What menu and collect have in common.
fn ask(fields: &mut Fields<'_>, scope: &mut Scope<'_>) -> Option<Ask> {
    let prompts = fields.need("prompts").and_then(|node| scope.prompts(node));
    let barge_in = barge_in(fields, scope);
    let timeout = duration("timeout", Duration::from_secs(5), fields, scope);
    let retries = retries(fields, scope);
    let on_no_input = failed("on_no_input", By::Itself, fields, scope);
    let on_invalid = failed("on_invalid", By::Key, fields, scope);
    Some(Ask {
        prompts: prompts?,
        barge_in: barge_in?,
        timeout: timeout?,
        retries: retries?,
        on_no_input: on_no_input?,
        on_invalid: on_invalid?,
    })
}

fn retries(fields: &mut Fields<'_>, scope: &mut Scope<'_>) -> Option<u8> {
    let Some(node) = fields.take("retries") else { return Some(RETRIES) };
    let number = scope.out.integer(node, "the number of retries", 0..=i64::MAX)?;
    match u8::try_from(number).ok().filter(|n| *n <= MAX_RETRIES) {
        Some(retries) => Some(retries),
        None => {
            scope
                .out
                .error("flow-021", node.span, format!("{number} retries are too many"))
                .label(format!("at most {MAX_RETRIES}; lead the caller to a person instead"));
            None
        }
    }
}

fn failed(name: &'static str, by: By, fields: &mut Fields<'_>, scope: &mut Scope<'_>) -> Option<Failed> {
    let Some(node) = fields.need(name) else {
        scope.places[scope.here.0].open = true;
        return None;
    };
    let mut inner = Fields::of(node, fields.place(name), format!("`{name}`"), scope.out)?;
    let prompts = optional_prompts("prompts", &mut inner, scope);
    let then = match inner.need("then") {
        Some(node) => scope.target(node, by, &format!("`{name}`")),
        None => {
            scope.places[scope.here.0].open = true;
            None
        }
    };
    inner.finish(scope.out);
    Some(Failed { prompts: prompts?, then: then? })
}

pub(super) fn menu(fields: &mut Fields<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    let keys_node = fields.need("keys");
    let ask = ask(fields, scope);
    let keys = keys(keys_node?, "keys with their targets, such as `1: cards`", scope, |key, node, scope| {
        scope.target(node, By::Key, &format!("key `{}`", key.text))
    });
    Some(Step::Menu { ask: ask?, keys: keys? })
}

/// What each key of the telephone leads to, by `key_index`.
pub(super) fn keys<T: Copy>(
    node: &Node,
    expected: &str,
    scope: &mut Scope<'_>,
    mut meaning: impl FnMut(&Key, &Node, &mut Scope<'_>) -> Option<T>,
) -> Option<[Option<T>; 16]> {
    let entries = scope.out.entries(node, expected)?;
    if entries.is_empty() {
        scope.out.error("yaml-008", node.span, "a menu needs at least one key");
        return None;
    }
    let mut keys = [None; 16];
    let mut first: [Option<Span>; 16] = [None; 16];
    let mut whole = true;
    for (key, node) in entries {
        let target = meaning(key, node, scope);
        let mut symbols = key.text.chars();
        let symbol = symbols.next().filter(|_| symbols.next().is_none()).and_then(key_index);
        let Some(place) = symbol else {
            let added =
                scope.out.error("flow-011", key.span, format!("`{}` is not a telephone key", key.text));
            added.label("keys are 0 to 9, \"*\" and \"#\"");
            whole = false;
            continue;
        };
        // `a` and `A` are one key, though YAML sees two.
        if let Some(earlier) = first[place].replace(key.span) {
            scope
                .out
                .error("yaml-002", key.span, format!("the key `{}` stands here twice", key.text))
                .see(earlier, "first time");
            whole = false;
        }
        keys[place] = target;
        whole &= target.is_some();
    }
    whole.then_some(keys)
}

pub(super) fn collect(fields: &mut Fields<'_>, scope: &mut Scope<'_>) -> Option<Step> {
    let into = fields.need("into").and_then(|node| {
        let name = scope.out.text(node, "the name of a variable")?;
        let found = scope.variable(name.strip_prefix('$').unwrap_or(name), node.span)?;
        collectable(found.1, node.span, scope).then_some(found)
    });
    let ask = ask(fields, scope);
    let next = match fields.need("next") {
        Some(node) => scope.target(node, By::Key, "`next`"),
        None => {
            scope.places[scope.here.0].open = true;
            None
        }
    };
    let between_digits = duration("between_digits", Duration::from_secs(4), fields, scope);
    let terminator = terminator(fields, scope);
    let counted = into.is_some_and(|(_, kind)| matches!(kind, Kind::Number | Kind::Money));
    let most = if counted { MAX_NUMBER } else { MAX_ENTRY };
    let lengths = lengths(fields, most, scope);
    let check = fields.take("check");
    let ((into, kind), (min, max)) = (into?, lengths?);
    let check = match check {
        Some(node) => check::read(node, kind, (min, max), scope).map(Some),
        None => Some(None),
    };
    let (terminator, between_digits) = (terminator?, between_digits?);
    let entry = Entry { into, min, max, terminator, between_digits, check: check? };
    Some(Step::Collect { ask: ask?, entry, next: next? })
}

/// Keys make texts, numbers, secrets, and amounts of whole yuan.
fn collectable(kind: Kind, span: Span, scope: &mut Scope<'_>) -> bool {
    let keyed = matches!(kind, Kind::Text | Kind::Number | Kind::Money | Kind::Secret);
    if !keyed {
        scope
            .out
            .error("flow-041", span, format!("{kind} cannot be typed on a telephone"))
            .label("expected a text, a number, an amount of money or a secret");
    }
    keyed
}

/// The outer `None` only after a report. Default `#`; `none` for entries that end by length or silence alone.
fn terminator(fields: &mut Fields<'_>, scope: &mut Scope<'_>) -> Option<Option<char>> {
    let Some(node) = fields.take("terminator") else { return Some(Some('#')) };
    let text = scope.out.text(node, "a key, or `none`")?;
    match text {
        "none" => Some(None),
        "#" => Some(Some('#')),
        _ => {
            scope
                .out
                .error("flow-011", node.span, format!("`{text}` cannot end an entry"))
                .label("expected \"#\" or none");
            None
        }
    }
}

fn lengths(fields: &mut Fields<'_>, most: usize, scope: &mut Scope<'_>) -> Option<(usize, usize)> {
    let limit = i64::try_from(most).unwrap_or(i64::MAX);
    let min_node = fields.take("min");
    let min = min_node.map_or(Some(1), |node| scope.out.integer(node, "the shortest entry", 1..=limit));
    let max_node = fields.need("max");
    let max = max_node.and_then(|node| scope.out.integer(node, "the longest entry", 1..=limit));
    let (min, max) = (min?, max?);
    if min > max {
        let span = min_node.map_or(Span::default(), |node| node.span);
        let added = scope.out.error("flow-020", span, "the shortest entry is longer than the longest");
        added.label(format!("{min} is more than {max}"));
        if let Some(max_node) = max_node {
            added.see(max_node.span, "the longest");
        }
        return None;
    }
    Some((usize::try_from(min).ok()?, usize::try_from(max).ok()?))
}
