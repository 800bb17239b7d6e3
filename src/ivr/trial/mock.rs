//! Stand-ins for the bank's hosts: what they answer to a flow on trial.
//!
//! ```yaml
//! mocks:
//!   - { host: bank, method: post, path: /cards/*/block, status: 200, body: { last4: "0042" }, delay: 300ms }
//!   - { host: bank, path: /customers/*, failure: unreachable, times: 1 }   # of bots: `bot`
//! ```
//!
//! The first that fits answers, those of a test before those of its file; after `times` answers the next one that fits.

use std::time::Duration;

use super::Stage;
use super::bot::{self, BotMock};
use crate::diagnostic::fields::Fields;
use crate::diagnostic::yaml::{Node, Scalar, Value};
use crate::diagnostic::{Findings, Span, suggest};
use crate::ivr::http::{HttpFailure, HttpRequest, HttpResponse, Method};

/// Longest delay of an answer: beyond it every flow has given up.
pub(super) const LONGEST: Duration = Duration::from_secs(60);
/// Most answers of one mock that are counted.
const MOST_TIMES: i64 = 1_000;

/// One stand-in.
#[derive(Clone, Debug)]
pub enum Mock {
    Host(HostMock),
    Bot(BotMock),
}

/// A stand-in for a host.
#[derive(Clone, Debug)]
pub struct HostMock {
    host: String,
    /// Left out: any.
    method: Option<Method>,
    /// A star stands for anything.
    path: String,
    pub(super) answer: Result<HttpResponse, HttpFailure>,
    pub(super) delay: Duration,
    /// Left out: always.
    times: Option<usize>,
}

impl HostMock {
    /// Whether it answers this, having answered so often.
    pub(super) fn fits(&self, request: &HttpRequest, answered: usize) -> bool {
        self.host == *request.host
            && self.method.is_none_or(|method| method == request.method)
            && self.times.is_none_or(|times| answered < times)
            && matches(&self.path, &request.path)
    }
}

/// Whether `path` is `pattern`, in which a star stands for anything.
fn matches(pattern: &str, path: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == path };
    let Some(mut left) = path.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    // `split` gives at least one piece.
    let last = pieces.pop().unwrap_or_default();
    for piece in pieces {
        let Some(at) = left.find(piece) else { return false };
        left = &left[at + piece.len()..];
    }
    left.ends_with(last)
}

/// The mocks of a file or a test. `None` only after a report.
pub(super) fn read(node: Option<&Node>, out: &mut Findings, stage: &Stage<'_>) -> Option<Vec<Mock>> {
    let Some(node) = node else { return Some(Vec::new()) };
    let Value::List(items) = &node.value else {
        out.error("yaml-006", node.span, "expected a list of mocks").label("begin each with `- host:`");
        return None;
    };
    let read: Vec<Option<Mock>> = items.iter().map(|item| one(item, out, stage)).collect();
    read.into_iter().collect()
}

fn one(item: &Node, out: &mut Findings, stage: &Stage<'_>) -> Option<Mock> {
    match &item.value {
        Value::Map(entries) if entries.iter().any(|(key, _)| key.text == "bot") => {
            bot::read(item, out, stage).map(Mock::Bot)
        }
        _ => host_mock(item, out, stage).map(Mock::Host),
    }
}

fn host_mock(item: &Node, out: &mut Findings, stage: &Stage<'_>) -> Option<HostMock> {
    let mut fields = Fields::of(item, Span::new(item.span.start, item.span.start), "a mock", out)?;
    let host = fields.need("host").and_then(|node| host(node, out, stage));
    let method = fields.take("method").map_or(Some(None), |node| method(node, out).map(Some));
    let path = fields.need("path").and_then(|node| out.text(node, "a path such as /customers/*"));
    let answer = answer(item, &mut fields, out);
    let delay = match fields.take("delay") {
        Some(node) => out.duration(node, Duration::ZERO..=LONGEST),
        None => Some(Duration::ZERO),
    };
    let times = times(&mut fields, out);
    fields.finish(out);
    let path = path?.to_owned();
    Some(HostMock { host: host?, method: method?, path, answer: answer?, delay: delay?, times: times? })
}

/// How often a mock answers; `None` for always.
pub(super) fn times(fields: &mut Fields<'_>, out: &mut Findings) -> Option<Option<usize>> {
    match fields.take("times") {
        Some(node) => {
            out.integer(node, "how often it answers", 1..=MOST_TIMES).map(|times| usize::try_from(times).ok())
        }
        None => Some(None),
    }
}

fn host(node: &Node, out: &mut Findings, stage: &Stage<'_>) -> Option<String> {
    let name = out.text(node, "the name of a host")?;
    let hosts = &stage.world.hosts;
    if hosts.contains_key(name) {
        return Some(name.to_owned());
    }
    let guess = suggest::nearest(name, hosts.keys().map(String::as_str));
    let added = out.error("test-013", node.span, format!("`{name}` is not a host of the configuration"));
    if let Some(guess) = guess {
        added.label(format!("did you mean `{guess}`?"));
    }
    None
}

fn method(node: &Node, out: &mut Findings) -> Option<Method> {
    let word = out.text(node, "a method")?;
    let found = Method::ALL.iter().find(|(name, _)| *name == word).map(|(_, method)| *method);
    if found.is_none() {
        let label = "the methods are get, post, put, patch and delete";
        out.error("test-014", node.span, format!("there is no method `{word}`")).label(label);
    }
    found
}

/// A status with its body, or a failure.
fn answer(
    item: &Node,
    fields: &mut Fields<'_>,
    out: &mut Findings,
) -> Option<Result<HttpResponse, HttpFailure>> {
    let (status, failure) = (fields.take("status"), fields.take("failure"));
    let body = fields.take("body");
    match (status, failure) {
        (Some(status), None) => {
            let status = u16::try_from(out.integer(status, "a status", 100..=599)?).ok()?;
            Some(Ok(HttpResponse { status, body: body.map(text).unwrap_or_default() }))
        }
        (None, Some(node)) => failure_of(node, out).map(Err),
        _ => {
            out.error("test-014", item.span, "a mock has exactly one of `status` and `failure`");
            None
        }
    }
}

fn failure_of(node: &Node, out: &mut Findings) -> Option<HttpFailure> {
    const FAILURES: [HttpFailure; 5] = [
        HttpFailure::Unreachable,
        HttpFailure::Timeout,
        HttpFailure::Busy,
        HttpFailure::TooLarge,
        HttpFailure::Malformed,
    ];
    let word = out.text(node, "a failure")?;
    let found = FAILURES.into_iter().find(|failure| failure.word() == word);
    if found.is_none() {
        let words = FAILURES.map(HttpFailure::word);
        let label = suggest::nearest(word, words)
            .map_or(format!("expected {}", words.join(", ")), |guess| format!("did you mean `{guess}`?"));
        out.error("test-014", node.span, format!("there is no failure `{word}`")).label(label);
    }
    found
}

/// A body as it comes over the wire: maps and lists as JSON, a single value as it is written.
fn text(node: &Node) -> String {
    match &node.value {
        Value::Scalar(scalar) => scalar.text.clone(),
        Value::Null => String::new(),
        _ => json(node).to_string(),
    }
}

pub(super) fn json(node: &Node) -> serde_json::Value {
    match &node.value {
        Value::Null | Value::Refused => serde_json::Value::Null,
        Value::Scalar(scalar) => single(scalar),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(entries) => entries.iter().map(|(key, node)| (key.text.clone(), json(node))).collect(),
    }
}

/// Without quotes it is a number or a truth value, if it looks like one.
fn single(scalar: &Scalar) -> serde_json::Value {
    let looks = |value: &serde_json::Value| value.is_number() || value.is_boolean();
    let read = serde_json::from_str(&scalar.text).ok().filter(|value| scalar.plain && looks(value));
    read.unwrap_or_else(|| scalar.text.clone().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_in_a_path_stands_for_anything() {
        for (pattern, path) in [
            ("/a", "/a"),
            ("/cards/*/block", "/cards/6222/block"),
            ("/customers/*", "/customers/138?full=1"),
            ("*", "/"),
            ("/*/b/*", "/a/b/c"),
        ] {
            assert!(matches(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [("/a", "/ab"), ("/cards/*/block", "/cards/6222"), ("/a/*", "/b/c")] {
            assert!(!matches(pattern, path), "{pattern} {path}");
        }
    }
}
