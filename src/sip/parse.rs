//! Bytes to messages, tolerantly; what cannot be accepted is a value that says how to answer.
//!
//! `head`: the header block. `check`: what RFC 3261 wants of every message. `refuse`: the answer to a bad one.

mod check;
pub(crate) mod head;
mod refuse;

use bytes::Bytes;

use self::head::{Length, Line};
use self::refuse::Problem;
use super::limits;
use super::message::{Header, HeaderName, Headers, Message, Method, Request, Response};
use super::uri::Uri;

pub(crate) use refuse::too_large;

/// Why a datagram or framed message was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reject {
    /// Answer with this (400, 414, 416, 501, 505, 513 ...): enough of the request could be read. Via, From, To,
    /// Call-ID and CSeq are as received, where they were there; who sends it adds the To tag.
    Answer(Box<Response>),
    /// Nothing can be said back: not SIP, a broken response, or an ACK that makes no sense. The reason is for the log.
    Drop(&'static str),
    /// CRLF keep-alive (RFC 5626 §3.5.1): on a stream a double CRLF is answered with CRLF.
    KeepAlive,
}

/// Parses one whole message: a datagram, or what `framing` cut from a stream.
///
/// Content-Length decides the body (bytes beyond it are dropped; without it the body is the rest) and is not among
/// the headers of the result, since `write` sets it.
pub fn parse(bytes: &Bytes) -> Result<Message, Reject> {
    // Line ends before a message are no part of it (RFC 3261 §7.5); some phones keep alive with zeros.
    let Some(start) = bytes.iter().position(|b| !matches!(b, b'\r' | b'\n' | 0)) else {
        return Err(Reject::KeepAlive);
    };
    let bytes = bytes.slice(start..);
    let Some((line_end, head_start)) = head::first_line(&bytes) else {
        return Err(Reject::Drop("no line end"));
    };
    let first = bytes[..line_end].trim_ascii_end();
    let is_response = first.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"SIP/"));
    let line = if is_response { None } else { Some(request_line(first).ok_or(Reject::Drop("not SIP"))?) };
    // A datagram may lack the empty line (RFC 4475 §3.1.2.15 does); a cut-off header line may not.
    let head_end = match head::end(&bytes, head_start) {
        Some(end) => end,
        None if bytes.ends_with(b"\n") => bytes.len(),
        None => {
            let problem = Problem::bad("header block does not end");
            let (headers, _) = headers(&bytes, &bytes[head_start..]);
            return Err(refuse::reject(line.as_ref().map(|line| &line.method), &headers, problem));
        }
    };
    let block = &bytes[head_start..head_end];
    let (headers, broken) = headers(&bytes, block);
    let (body, short) = body(&bytes, block, head_end);
    let problem = broken.or(short);

    match line {
        None => {
            let (status, reason) = status_line(&bytes, first).ok_or(Reject::Drop("bad status line"))?;
            if problem.is_some() || check::response(&headers).is_err() {
                return Err(Reject::Drop("bad response"));
            }
            Ok(Message::Response(Response { status, reason, headers, body }))
        }
        Some(line) => match request(&line, first.len(), problem, &headers) {
            Ok(uri) => Ok(Message::Request(Request { method: line.method, uri, headers, body })),
            Err(problem) => Err(refuse::reject(Some(&line.method), &headers, problem)),
        },
    }
}

/// The first line of a request, as far as it looks like SIP.
struct RequestLine<'a> {
    method: Method,
    uri: &'a [u8],
    /// `None` if there is no version at all.
    version: Option<&'a [u8]>,
}

/// More than one space between the parts is passed over (RFC 4475 §3.1.2.9 allows it). `None`: not SIP.
fn request_line(line: &[u8]) -> Option<RequestLine<'_>> {
    let space = line.iter().position(|b| *b == b' ')?;
    let (method, rest) = (&line[..space], line[space..].trim_ascii());
    if method.is_empty() || !method.iter().all(|b| super::header::scan::is_token(*b)) {
        return None;
    }
    let method = Method::from_token(std::str::from_utf8(method).ok()?);
    let last = rest.iter().rposition(|b| *b == b' ').map_or(0, |space| space + 1);
    if rest[last..].get(..4).is_some_and(|word| word.eq_ignore_ascii_case(b"SIP/")) {
        let uri = rest[..last].trim_ascii_end();
        return Some(RequestLine { method, uri, version: Some(&rest[last..]) });
    }
    // Another protocol names itself where SIP would.
    if rest[last..].contains(&b'/') && !rest[last..].contains(&b':') {
        return None;
    }
    Some(RequestLine { method, uri: rest, version: None })
}

/// Status and reason of a response that is SIP/2.0 with a code of 100..=699 (RFC 4475 §3.1.2.19).
fn status_line(whole: &Bytes, line: &[u8]) -> Option<(u16, Bytes)> {
    let rest = line.get(7..).filter(|_| line[..7].eq_ignore_ascii_case(b"SIP/2.0"))?;
    if rest.first() != Some(&b' ') {
        return None;
    }
    let rest = rest.trim_ascii_start();
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let (code, reason) = rest.split_at(digits);
    if digits != 3 || !(reason.is_empty() || reason[0] == b' ') || reason.contains(&b'\r') {
        return None;
    }
    let status = std::str::from_utf8(code).ok()?.parse().ok()?;
    (100..=699).contains(&status).then(|| (status, whole.slice_ref(reason.trim_ascii())))
}

/// Every header that could be read, and the first problem with one that could not.
fn headers(whole: &Bytes, block: &[u8]) -> (Headers, Option<Problem>) {
    let mut headers = Headers::default();
    let mut problem = None;
    for line in head::lines(block) {
        let Line::Field { name, value } = line else {
            problem.get_or_insert(Problem::bad("header line without colon, or with a stray line end"));
            continue;
        };
        match HeaderName::from_token(name) {
            Some(HeaderName::ContentLength) => {}
            Some(_) if headers.0.len() == limits::HEADERS => {
                return (headers, Some(Problem::bad("too many headers")));
            }
            Some(name) => headers.0.push(Header { name, value: head::unfold(whole, value) }),
            None => {
                problem.get_or_insert(Problem::bad("header name is not a token"));
            }
        }
    }
    (headers, problem)
}

fn body(whole: &Bytes, block: &[u8], start: usize) -> (Bytes, Option<Problem>) {
    let rest = whole.slice(start..);
    match head::content_length(block) {
        Length::Absent => (rest, None),
        Length::Is(length) if length <= rest.len() => (rest.slice(..length), None),
        Length::Is(_) => (Bytes::new(), Some(Problem::bad("Content-Length is larger than the message"))),
        Length::Unclear => (Bytes::new(), Some(Problem::bad("Content-Length is unclear"))),
    }
}

/// The Request-URI, if nothing is wrong with the request.
fn request(
    line: &RequestLine<'_>,
    line_bytes: usize,
    problem: Option<Problem>,
    headers: &Headers,
) -> Result<Uri, Problem> {
    // First, since another version may mean everything else differently.
    let version = line.version.ok_or(Problem::bad("no SIP version"))?;
    if !version.eq_ignore_ascii_case(b"SIP/2.0") {
        return Err(Problem::of(505));
    }
    if line_bytes > limits::REQUEST_LINE_BYTES {
        return Err(Problem::of(414));
    }
    if let Some(problem) = problem {
        return Err(problem);
    }
    let uri = Uri::parse(line.uri).map_err(|error| Problem::bad_why("Request-URI", error))?;
    if matches!(&uri, Uri::Sip(sip) if sip.headers.is_some()) {
        // RFC 3261 §19.1.1 forbids them there; RFC 4475 §3.1.2.11.
        return Err(Problem::bad("Request-URI holds headers"));
    }
    check::request(&line.method, headers)?;
    Ok(uri)
}

#[cfg(test)]
mod tests;
