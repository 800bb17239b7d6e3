//! Whether a new INVITE can become a leg at all (RFC 3261 §8.2).

use super::reply;
use super::talk::too_short;
use crate::sip::dialog::Dialog;
use crate::sip::message::{HeaderName, Request, Response};
use crate::sip::transport::Flow;
use crate::sip::uri::Uri;

/// What two copies of one request have in common (§8.2.2.2).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Copy {
    call_id: Box<str>,
    from_tag: Box<str>,
    cseq: u32,
}

impl Copy {
    /// `None` for a request too broken to be compared.
    pub fn of(request: &Request) -> Option<Copy> {
        Some(Copy {
            call_id: request.headers.call_id().ok()?.into(),
            from_tag: request.headers.from().ok()?.tag().unwrap_or_default().into(),
            cseq: request.headers.cseq().ok()?.number,
        })
    }
}

/// The dialog the INVITE would make, or how it is refused: 400, 406, 415, 416, 420, 422.
pub(crate) fn judge(request: &Request, flow: Flow, tag: &str) -> Result<Dialog, Box<Response>> {
    if matches!(request.uri, Uri::Other { .. }) {
        return Err(Box::new(request.response(416)));
    }
    let dialog = match Dialog::uas(request, flow, tag) {
        Ok(dialog) => dialog,
        Err(error) => {
            let mut response = request.response(400);
            response.headers.push(HeaderName::Warning, format!("399 hotline \"{error}\""));
            return Err(Box::new(response));
        }
    };
    let refusal = reply::unsupported(request)
        .or_else(|| reply::unreadable_body(request))
        .or_else(|| reply::unwelcome(request))
        .or_else(|| too_short(request));
    match refusal {
        Some(refusal) => Err(Box::new(refusal)),
        None => Ok(dialog),
    }
}
