//! What every message must have (RFC 3261 §8.1.1, §20 table 2), before anything else looks at it.

use super::refuse::Problem;
use crate::sip::header::{self, HeaderError};
use crate::sip::message::{HeaderName, Headers, Method};

/// Headers of which there must be exactly one. Max-Forwards may be missing: RFC 2543 had none.
const ONCE: [HeaderName; 4] = [HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq];

pub(super) fn request(method: &Method, headers: &Headers) -> Result<(), Problem> {
    let cseq = common(headers)?;
    if headers.all(&HeaderName::MaxForwards).count() > 1 {
        return Err(Problem::bad("more than one Max-Forwards"));
    }
    if cseq.method != *method {
        // RFC 4475 §3.1.2.18 prefers 501 where the method is unknown as well.
        return Err(match method {
            Method::Other(_) => Problem::of(501),
            _ => Problem::bad("CSeq method is not the request's"),
        });
    }
    // Requests that set a remote target; the rest of a dialog must not fail on a Contact nobody reads.
    if !matches!(method, Method::Ack | Method::Bye | Method::Cancel | Method::Prack | Method::Options) {
        header::name_addrs(headers, &HeaderName::Contact)?;
    }
    Ok(())
}

pub(super) fn response(headers: &Headers) -> Result<(), Problem> {
    common(headers).map(|_| ())
}

fn common(headers: &Headers) -> Result<header::CSeq, Problem> {
    for name in &ONCE {
        match headers.all(name).count() {
            0 => return Err(HeaderError::Missing(name.standard()).into()),
            1 => {}
            _ => return Err(Problem::bad_why(name.standard(), "more than one")),
        }
    }
    headers.via()?;
    headers.from()?;
    headers.to()?;
    headers.call_id()?;
    Ok(headers.cseq()?)
}
