//! The fields of a node `http`, checked: hosts by name only, secrets only to those that may have them.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::{Dip, Json, Method, Piece, Wanted};
use crate::diagnostic::Span;
use crate::diagnostic::fields::{Fields, write_duration};
use crate::diagnostic::yaml::{Node, Value};
use crate::ivr::HostTerms;
use crate::ivr::digits::How;
use crate::ivr::flow::{Kind, NodeId, Operand, VariableId};
use crate::ivr::nodes::next;
use crate::ivr::scope::{By, Scope};

/// One try may take as long as this, if the flow does not say and the host allows it.
const TIMEOUT: Duration = Duration::from_secs(2);
/// What a flow may write.
const TIMEOUTS: RangeInclusive<Duration> = Duration::from_millis(50)..=Duration::from_secs(10);
/// Longest silence of all tries together: beyond it callers think that the line is dead.
const SILENCE: Duration = Duration::from_secs(15);
/// Most tries after the first.
const MAX_RETRIES: i64 = 3;
/// Longest path as written, bytes.
const MAX_PATH: usize = 500;
/// Most values of a body.
const MAX_VALUES: usize = 32;
/// Deepest map in a body.
const MAX_DEPTH: usize = 4;
/// Longest text written in a body, bytes.
const MAX_TEXT: usize = 200;
/// Most fields taken from an answer.
const MAX_FIELDS: usize = 16;

/// The host asked: its name, and what it may have; `None` if it has been reported.
type Asked = Option<(String, HostTerms)>;

pub(in crate::ivr) fn read(fields: &mut Fields<'_>, scope: &mut Scope<'_>) -> Option<Dip> {
    let method = method(fields, scope);
    let host = fields.need("to").and_then(|node| host(node, scope));
    let path = fields.need("path").and_then(|node| path(node, scope));
    let body = match fields.take("body") {
        Some(node) => body(node, fields.place("body"), method, &host, scope).map(Some),
        None => Some(None),
    };
    let patience = patience(fields, method, &host, scope);
    let answer = fields.take("answer").map_or(Some(Vec::new()), |node| wanted(node, &ANSWER, scope));
    let next_node = next("next", By::Itself, fields, scope);
    let on_status = fields.take("on_status").map_or(Some(BTreeMap::new()), |node| statuses(node, scope));
    let on_failed = next("on_failed", By::Itself, fields, scope);
    let ((host, _), (timeout, retries)) = (host?, patience?);
    Some(Dip {
        host: host.into(),
        method: method?,
        path: path?,
        body: body?,
        timeout,
        retries,
        answer: answer?,
        next: next_node?,
        on_status: on_status?,
        on_failed: on_failed?,
    })
}

/// Default `get`.
fn method(fields: &mut Fields<'_>, scope: &mut Scope<'_>) -> Option<Method> {
    let Some(node) = fields.take("method") else { return Some(Method::Get) };
    let names = Method::ALL.map(|(name, _)| name);
    let text = scope.out.text(node, "a method such as get or post")?;
    let found = Method::ALL.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    if found.is_none() {
        let message = format!("there is no method `{text}`");
        let lower = text.to_ascii_lowercase();
        if scope.unknown("flow-053", node.span, message, &lower, names.into_iter()).is_none()
            && let Some(added) = scope.out.last()
        {
            added.help(format!("the methods are: {}", names.join(", ")));
        }
    }
    found.map(|(_, method)| *method)
}

fn host(node: &Node, scope: &mut Scope<'_>) -> Asked {
    let world = scope.world;
    let name = scope.out.text(node, "the name of a host")?;
    if let Some(terms) = world.hosts.get(name) {
        return Some((name.to_owned(), *terms));
    }
    let message = format!("`{name}` is not a host of the configuration");
    let known = world.hosts.keys().map(String::as_str);
    if scope.unknown("flow-050", node.span, message, name, known).is_none()
        && let Some(added) = scope.out.last()
    {
        added.help("hosts are named under `http.hosts` in the configuration; a flow cannot give an address");
    }
    None
}

/// Literal stretches and `{$name}`.
fn path(node: &Node, scope: &mut Scope<'_>) -> Option<Vec<Piece>> {
    let text = scope.out.text(node, "a path such as /cards/{$card}")?;
    let raw = scope.out.source().text.get(node.span.start..node.span.end).unwrap_or("");
    // With escapes or folded lines places are lost, not the message.
    let quote = usize::from(matches!(&node.value, Value::Scalar(scalar) if !scalar.plain));
    let exact = raw.get(quote..).is_some_and(|raw| raw.starts_with(text));
    let start = node.span.start + quote;
    let place = |from: usize, to: usize| if exact { Span::new(start + from, start + to) } else { node.span };
    if !text.starts_with('/') || text.len() > MAX_PATH {
        let message = format!("a path begins with `/` and has at most {MAX_PATH} bytes");
        scope.out.error("flow-051", node.span, message);
        return None;
    }
    let (mut pieces, mut at, mut whole) = (Vec::new(), 0, true);
    while at < text.len() {
        let open = text[at..].find('{').map_or(text.len(), |length| at + length);
        if open > at {
            whole &= written(&text[at..open], place(at, open), scope);
            pieces.push(Piece::Written(text[at..open].to_owned()));
        }
        if open == text.len() {
            break;
        }
        let Some(close) = text[open..].find('}').map(|length| open + length) else {
            scope.out.error("flow-051", place(open, text.len()), "this brace does not end");
            return None;
        };
        let inside = &text[open + 1..close];
        match inside.strip_prefix('$') {
            Some(name) => match path_value(name, place(open + 1, close), scope) {
                Some(operand) => pieces.push(Piece::Value(operand)),
                None => whole = false,
            },
            None => {
                scope
                    .out
                    .error("flow-051", place(open + 1, close), "in braces stands a variable")
                    .label(format!("did you mean `${inside}`?"));
                whole = false;
            }
        }
        at = close + 1;
    }
    whole.then_some(pieces)
}

/// What stands in a path as it is. False after a report.
fn written(text: &str, span: Span, scope: &mut Scope<'_>) -> bool {
    let good =
        |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '|' | '}' | '#');
    let wrong = if let Some(wrong) = text.chars().find(|c| !good(*c)) {
        format!("`{wrong}` cannot stand in a path")
    } else if text.split(['/', '?']).any(|part| matches!(part, "." | "..")) {
        "a path leads down only: neither `.` nor `..`".to_owned()
    } else {
        return true;
    };
    scope.out.error("flow-051", span, wrong).label("values of variables are written `{$name}`");
    false
}

fn path_value(name: &str, span: Span, scope: &mut Scope<'_>) -> Option<Operand> {
    if let Some(declared) = secret(name, scope) {
        scope
            .out
            .error("flow-052", span, format!("`{name}` is a secret and cannot be part of a path"))
            .label("paths stand in the logs of servers: send it in the `body`")
            .see(declared, "declared here");
        // It has been used, if wrongly.
        scope.variable(name, span);
        return None;
    }
    scope.readable(name, span, "part of a path").map(|(operand, _)| operand)
}

/// Where `name` is declared, if it is a secret.
fn secret(name: &str, scope: &Scope<'_>) -> Option<Span> {
    scope.variables.iter().find(|v| v.name == name && v.kind == Some(Kind::Secret)).map(|v| v.span)
}

fn body(node: &Node, at: Span, method: Option<Method>, host: &Asked, scope: &mut Scope<'_>) -> Option<Json> {
    if method == Some(Method::Get) {
        let added = scope.out.error("flow-056", at, "a request with `get` has no body");
        added.label("write `method: post`, or put the values into the path");
        return None;
    }
    if !matches!(node.value, Value::Map(_) | Value::Refused) {
        scope.out.error("flow-056", node.span, "a body is a map of names with values");
        return None;
    }
    let mut left = MAX_VALUES;
    let json = json(node, host, MAX_DEPTH, &mut left, scope);
    if left == 0 {
        scope.out.error("flow-056", node.span, format!("a body of {MAX_VALUES} values or more"));
        return None;
    }
    json
}

fn json(node: &Node, host: &Asked, depth: usize, left: &mut usize, scope: &mut Scope<'_>) -> Option<Json> {
    *left = left.saturating_sub(1);
    let scalar = match &node.value {
        Value::Scalar(scalar) => scalar,
        Value::Map(entries) if depth > 0 => {
            let read = |(key, node): &(crate::diagnostic::yaml::Key, Node)| {
                json(node, host, depth - 1, left, scope).map(|json| (key.text.clone(), json))
            };
            // Every fault is told, not only the first.
            let all: Vec<Option<(String, Json)>> = entries.iter().map(read).collect();
            return all.into_iter().collect::<Option<Vec<_>>>().map(Json::Map);
        }
        Value::Refused => return None,
        _ => {
            let message = format!("this is {}, which a body cannot hold here", node.kind());
            scope.out.error("flow-056", node.span, message).label("expected a value, or maps at most 4 deep");
            return None;
        }
    };
    if let Some(name) = scalar.text.strip_prefix('$') {
        return sent(name, node.span, host, scope);
    }
    if scalar.text.len() > MAX_TEXT {
        scope.out.error("flow-056", node.span, format!("a text of more than {MAX_TEXT} bytes"));
        return None;
    }
    Some(match scalar.text.as_str() {
        "true" if scalar.plain => Json::Truth(true),
        "false" if scalar.plain => Json::Truth(false),
        text => match text.parse().ok().filter(|_| scalar.plain) {
            Some(number) => Json::Value(Operand::Number(number)),
            None => Json::Value(Operand::Text(text.into())),
        },
    })
}

/// A variable in a body: the one place where a secret may leave.
fn sent(name: &str, span: Span, host: &Asked, scope: &mut Scope<'_>) -> Option<Json> {
    let Some(declared) = secret(name, scope) else {
        return scope.readable(name, span, "sent").map(|(operand, _)| Json::Value(operand));
    };
    let (id, _): (VariableId, _) = scope.variable(name, span)?;
    let (host, terms) = host.as_ref()?;
    if terms.secrets {
        scope.goes(span, How::Spent(id));
        return Some(Json::Secret(id));
    }
    scope
        .out
        .error("flow-052", span, format!("`{name}` is a secret, and `{host}` may not have secrets"))
        .label("secret")
        .see(declared, "declared here")
        .help(format!("if `{host}` is to check secrets, the configuration says so by `secrets: true`"));
    None
}

/// How long one try may take, and how many there are after the first.
fn patience(
    fields: &mut Fields<'_>,
    method: Option<Method>,
    host: &Asked,
    scope: &mut Scope<'_>,
) -> Option<(Duration, u8)> {
    let most = host.as_ref().map_or(*TIMEOUTS.end(), |(_, terms)| terms.timeout);
    let node = fields.take("timeout");
    let timeout = node.map_or(Some(TIMEOUT.min(most)), |node| scope.out.duration(node, TIMEOUTS));
    let retries = match fields.take("retries") {
        Some(node) => scope.out.integer(node, "the number of retries", 0..=MAX_RETRIES),
        // What only reads may be asked again without harm.
        None => Some(i64::from(method == Some(Method::Get))),
    };
    let (timeout, retries) = (timeout?, u8::try_from(retries?).ok()?);
    let span = node.map_or(fields.place("retries"), |node| node.span);
    let all = timeout * (u32::from(retries) + 1);
    let wrong = if timeout > most {
        let (name, _) = host.as_ref()?;
        format!("the configuration allows `{name}` {} for an answer", write_duration(most))
    } else if all > SILENCE {
        format!("a caller would hear nothing for up to {}", write_duration(all))
    } else {
        return Some((timeout, retries));
    };
    scope.out.error("flow-055", span, wrong).label("too long");
    None
}

/// What a flow may take of what comes back, and how it is spoken of.
pub(in crate::ivr) struct Taken {
    /// What a fault is reported as.
    pub code: &'static str,
    pub most: usize,
    pub expected: &'static str,
    /// `fields of an answer`.
    pub many: &'static str,
    /// `a field`.
    pub one: &'static str,
}

const ANSWER: Taken = Taken {
    code: "flow-057",
    most: MAX_FIELDS,
    expected: "fields with variables, such as `last4: $last4`",
    many: "fields of an answer",
    one: "a field",
};

/// Which parts of what comes back go into which variables.
pub(in crate::ivr) fn wanted(node: &Node, taken: &Taken, scope: &mut Scope<'_>) -> Option<Vec<Wanted>> {
    let Taken { code, most, expected, many, one } = *taken;
    let entries = scope.out.entries(node, expected)?;
    if entries.len() > most {
        scope.out.error(code, node.span, format!("more than {most} {many}"));
        return None;
    }
    let (mut all, mut whole): (Vec<Wanted>, bool) = (Vec::new(), true);
    for (key, node) in entries {
        let field: Vec<String> = key.text.split('.').map(str::to_owned).collect();
        if field.iter().any(String::is_empty) {
            scope
                .out
                .error(code, key.span, format!("`{}` is not the way to {one}", key.text))
                .label("names with single dots between them, such as `card.last4`");
            whole = false;
        }
        match filled(code, node, &all, scope) {
            Some((into, kind)) => all.push(Wanted { field, into, kind }),
            None => whole = false,
        }
    }
    whole.then_some(all)
}

/// The variable that a field goes into. `code`: what it is reported as if it cannot.
fn filled(
    code: &'static str,
    node: &Node,
    before: &[Wanted],
    scope: &mut Scope<'_>,
) -> Option<(VariableId, Kind)> {
    let text = scope.out.text(node, "a variable such as $last4")?;
    let Some(name) = text.strip_prefix('$') else {
        scope
            .out
            .error("yaml-006", node.span, format!("expected a variable, found `{text}`"))
            .label(format!("did you mean `${text}`?"));
        return None;
    };
    let (into, kind) = scope.variable(name, node.span)?;
    let wrong = if kind == Kind::Secret {
        "a secret is only ever typed by the caller"
    } else if before.iter().any(|wanted| wanted.into == into) {
        "another field goes into this variable already"
    } else {
        return Some((into, kind));
    };
    scope.out.error(code, node.span, wrong);
    None
}

fn statuses(node: &Node, scope: &mut Scope<'_>) -> Option<BTreeMap<u16, NodeId>> {
    let entries = scope.out.entries(node, "statuses with their targets, such as `404: unknown`")?;
    let (mut all, mut whole) = (BTreeMap::new(), true);
    for (key, node) in entries {
        let target = scope.target(node, By::Itself, &format!("status `{}`", key.text));
        let status = key.text.parse().ok().filter(|status| (200..600).contains(status));
        if status.is_none() {
            scope
                .out
                .error("flow-054", key.span, format!("`{}` is not a status of HTTP", key.text))
                .label("expected a number from 200 to 599");
        }
        match status.zip(target) {
            Some((status, target)) => drop(all.insert(status, target)),
            None => whole = false,
        }
    }
    whole.then_some(all)
}
