//! The node `http`: the bank's own servers are asked, and the call goes on with what they answer.
//!
//! ```yaml
//! http: { method: post, to: bank, path: "/cards/{$card}/block", body: { id6: $id6 }, timeout: 800ms, retries: 1,
//!         answer: { card.last4: $last4 }, next: ok, on_status: { 404: unknown, 409: already }, on_failed: desk }
//! ```
//!
//! Here are the request and the answer as values, and what an answer means to a node. `read` types the fields; the run
//! fills the request in. Whoever carries it out compares `HttpRequest::number` with `Run::awaits()` before it hands the
//! answer in.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::flow::{Kind, NodeId, Operand, VariableId};
use super::run::Held;

pub(super) mod read;

/// Longest text taken from an answer into a variable, bytes: what can be said to a caller.
pub const MAX_TAKEN: usize = 200;

/// How a host is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// All of them, as flows write them.
    pub(super) const ALL: [(&'static str, Method); 5] = [
        ("get", Method::Get),
        ("post", Method::Post),
        ("put", Method::Put),
        ("patch", Method::Patch),
        ("delete", Method::Delete),
    ];

    /// As it stands on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

/// A question to a host.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// Identifies the answer; 1, 2, 3 … within one run.
    pub number: u64,
    /// A name of the configuration.
    pub host: Arc<str>,
    pub method: Method,
    /// Behind the host's own address; encoded.
    pub path: String,
    /// JSON.
    pub body: Option<String>,
    /// For this try.
    pub timeout: Duration,
}

/// Neither path nor body: they hold what callers typed.
impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRequest")
            .field("number", &self.number)
            .field("host", &self.host)
            .field("method", &self.method)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// What a host answered, whatever the status.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpResponse {
    pub status: u16,
    pub body: String,
}

/// Without the body: it is about the caller.
impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpResponse").field("status", &self.status).finish_non_exhaustive()
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HttpFailure {
    /// No connection, or it broke.
    Unreachable,
    /// Its certificate is not one that we may trust.
    Untrusted,
    /// Nothing came in time.
    Timeout,
    /// As many requests are under way as the host may have.
    Busy,
    /// The answer is larger than any that is read.
    TooLarge,
    /// The answer is no text.
    Malformed,
    /// A reload took the host away.
    UnknownHost,
    /// The caller had gone before the answer came.
    Abandoned,
}

impl HttpFailure {
    /// The next try may fare better.
    fn may_pass(self) -> bool {
        matches!(self, HttpFailure::Unreachable | HttpFailure::Timeout)
    }

    /// The word that reports and figures show.
    pub fn word(self) -> &'static str {
        match self {
            HttpFailure::Unreachable => "unreachable",
            HttpFailure::Untrusted => "untrusted",
            HttpFailure::Timeout => "timeout",
            HttpFailure::Busy => "busy",
            HttpFailure::TooLarge => "too_large",
            HttpFailure::Malformed => "malformed",
            HttpFailure::UnknownHost => "unknown_host",
            HttpFailure::Abandoned => "abandoned",
        }
    }
}

/// A node `http`, compiled.
#[derive(Debug)]
pub(super) struct Dip {
    pub host: Arc<str>,
    pub method: Method,
    pub path: Vec<Piece>,
    pub body: Option<Json>,
    /// For each try.
    pub timeout: Duration,
    pub retries: u8,
    pub answer: Vec<Wanted>,
    pub next: NodeId,
    pub on_status: BTreeMap<u16, NodeId>,
    pub on_failed: NodeId,
}

impl Dip {
    /// Where the call may go on.
    pub fn ways(&self) -> impl Iterator<Item = &NodeId> {
        [&self.next, &self.on_failed].into_iter().chain(self.on_status.values())
    }
}

/// A stretch of a path.
#[derive(Debug)]
pub(super) enum Piece {
    Written(String),
    Value(Operand),
}

/// A value of a body.
#[derive(Debug)]
pub(super) enum Json {
    Value(Operand),
    /// Only where the host may have it: the checker saw to it.
    Secret(VariableId),
    Truth(bool),
    Map(Vec<(String, Json)>),
}

/// A field of an answer, by its names from the outside in, and the variable it goes into.
#[derive(Debug)]
pub(super) struct Wanted {
    pub field: Vec<String>,
    pub into: VariableId,
    pub kind: Kind,
}

/// What the end of a try means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict<'a> {
    /// The flow has a node for this status.
    To(NodeId),
    /// The fields wanted are to be taken from this body.
    Good(&'a str),
    Failed {
        /// The next try may fare better.
        may_pass: bool,
    },
}

impl Dip {
    pub fn verdict<'a>(&self, result: &'a Result<HttpResponse, HttpFailure>) -> Verdict<'a> {
        match result {
            Err(why) => Verdict::Failed { may_pass: why.may_pass() },
            Ok(response) => match self.on_status.get(&response.status) {
                Some(node) => Verdict::To(*node),
                None if (200..300).contains(&response.status) => Verdict::Good(&response.body),
                None => Verdict::Failed { may_pass: response.status >= 500 },
            },
        }
    }

    /// Every field wanted; `None` if one is missing or not of its variable's kind.
    pub fn taken(&self, body: &str) -> Option<Vec<(VariableId, Held)>> {
        if self.answer.is_empty() {
            return Some(Vec::new());
        }
        let json = serde_json::from_str(body).ok()?;
        self.answer.iter().map(|wanted| Some((wanted.into, wanted.find(&json)?))).collect()
    }
}

impl Wanted {
    pub fn find(&self, json: &serde_json::Value) -> Option<Held> {
        use serde_json::Value;
        let found = self.field.iter().try_fold(json, |json, name| match json {
            Value::Object(map) => map.get(name),
            Value::Array(list) => list.get(name.parse::<usize>().ok()?),
            _ => None,
        })?;
        match (self.kind, found) {
            (Kind::Number | Kind::Money, Value::Number(number)) => self.kind.read(&number.to_string()),
            (Kind::Number, _) => None,
            (kind, Value::String(text)) if text.len() <= MAX_TAKEN => kind.read(text),
            // Flows have no truth values: they compare with 'true' and 'false'.
            (Kind::Text, Value::Bool(truth)) => Some(Held::Text(truth.to_string())),
            _ => None,
        }
    }
}

/// Encodes what may not stand in a part of a path or query by itself (RFC 3986 §2.1, §2.3).
pub(super) fn encode(value: &str, path: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            path.push(char::from(byte));
        } else {
            path.push('%');
            path.push(char::from(HEX[usize::from(byte >> 4)]));
            path.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(field: &str, kind: Kind) -> Wanted {
        Wanted { field: field.split('.').map(str::to_owned).collect(), into: VariableId(0), kind }
    }

    #[test]
    fn fields_are_found_by_their_way_and_taken_by_kind() {
        let json = serde_json::json!({
            "card": { "last4": "0042", "blocked": true }, "cards": [{ "no": 7 }], "limit": 12.5, "gone": null,
            "balance": "12345.67", "due": "2026-10-01", "odd": 0.125
        });
        let find = |field, kind| match wanted(field, kind).find(&json)? {
            Held::Text(text) => Some(text),
            Held::Number(number) => Some(number.to_string()),
            Held::Quantity(quantity) => Some(quantity.to_string()),
            Held::Nothing | Held::Secret(_) => None,
        };
        for (field, kind, expected) in [
            ("card.last4", Kind::Text, "0042"),
            ("card.blocked", Kind::Text, "true"),
            ("cards.0.no", Kind::Number, "7"),
            ("limit", Kind::Money, "12.50"),
            ("balance", Kind::Money, "12345.67"),
            ("due", Kind::Date, "2026-10-01"),
        ] {
            assert_eq!(find(field, kind).as_deref(), Some(expected), "{field}");
        }
        for (field, kind) in [
            ("card.last4", Kind::Number),
            ("cards.0.no", Kind::Text),
            ("cards.1.no", Kind::Number),
            ("limit", Kind::Number),
            ("gone", Kind::Text),
            ("odd", Kind::Money),
            ("due", Kind::Time),
            ("balance", Kind::Secret),
            ("card", Kind::Text),
            ("none.such", Kind::Text),
        ] {
            assert_eq!(find(field, kind), None, "{field}");
        }
    }

    #[test]
    fn what_a_value_holds_leads_nowhere_else() {
        let mut path = "/customers/".to_owned();
        encode("../a b?x=1#张%2F", &mut path);
        assert_eq!(path, "/customers/..%2Fa%20b%3Fx%3D1%23%E5%BC%A0%252F");
    }

    #[test]
    fn neither_request_nor_answer_is_printed() {
        let request = HttpRequest {
            number: 1,
            host: "bank".into(),
            method: Method::Post,
            path: "/6222021234".into(),
            body: Some("271828".into()),
            timeout: Duration::from_secs(1),
        };
        let response = HttpResponse { status: 200, body: "6222021234".into() };
        let printed = format!("{request:?}{response:?}");
        assert!(printed.contains("bank") && printed.contains("200"));
        assert!(!printed.contains("622202") && !printed.contains("271828"), "{printed}");
    }
}
