//! The answer to a message that cannot be accepted.

use std::fmt::Display;

use bytes::Bytes;

use super::{Reject, head};
use crate::sip::header::{HeaderError, via};
use crate::sip::message::{HeaderName, Headers, Method, Response};
use crate::sip::status;

/// What is wrong with a request: the status to answer, and more words for the reason phrase where they help
/// the other side's engineer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    status: u16,
    detail: Option<String>,
}

impl Problem {
    pub(super) fn of(status: u16) -> Problem {
        Problem { status, detail: None }
    }

    /// 400, saying what.
    pub(super) fn bad(detail: &str) -> Problem {
        Problem { status: 400, detail: Some(detail.to_owned()) }
    }

    /// 400, saying where and what.
    pub(super) fn bad_why(part: &str, why: impl Display) -> Problem {
        Problem { status: 400, detail: Some(format!("{part}: {why}")) }
    }
}

impl From<HeaderError> for Problem {
    fn from(error: HeaderError) -> Problem {
        Problem { status: 400, detail: Some(error.to_string()) }
    }
}

/// `method` is `None` for a response.
pub(super) fn reject(method: Option<&Method>, headers: &Headers, problem: Problem) -> Reject {
    match method {
        None => Reject::Drop("bad response"),
        Some(Method::Ack) => Reject::Drop("bad ACK"),
        Some(_) if !via::is_readable(headers) => Reject::Drop("bad request without a readable Via"),
        Some(_) => Reject::Answer(Box::new(answer(headers, problem))),
    }
}

/// What RFC 3261 §8.2.6.2 copies, as far as it was there. Of headers that may come once, the first.
fn answer(headers: &Headers, problem: Problem) -> Response {
    let mut copied = Headers::default();
    for value in headers.all(&HeaderName::Via) {
        copied.push(HeaderName::Via, value.clone());
    }
    for name in [HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq] {
        if let Some(value) = headers.get(&name) {
            copied.push(name, value.clone());
        }
    }
    let standard = status::reason(problem.status);
    let reason = match problem.detail {
        Some(detail) => Bytes::from(format!("{standard} ({detail})")),
        None => Bytes::from_static(standard.as_bytes()),
    };
    Response { status: problem.status, reason, headers: copied, body: Bytes::new() }
}

/// 513 for a message beyond `limits::MESSAGE_BYTES`, from its first bytes. A body is no part of `bytes`.
pub(crate) fn too_large(bytes: &Bytes) -> Reject {
    let Some((line_end, start)) = head::first_line(bytes) else {
        return Reject::Drop("endless first line");
    };
    let line = super::request_line(bytes[..line_end].trim_ascii_end());
    let (headers, _) = super::headers(bytes, &bytes[start..]);
    match line {
        Some(line) => reject(Some(&line.method), &headers, Problem::of(513)),
        None => Reject::Drop("message too large"),
    }
}
