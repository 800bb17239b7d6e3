//! How legs word their messages: the headers every answer and request of a dialog carries.

use bytes::Bytes;

use crate::sip::dialog::{Dialog, contact};
use crate::sip::message::{HeaderName, Headers, Method, Request, Response};
use crate::sip::transport::Flow;

/// The methods served inside a dialog.
pub(crate) const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, NOTIFY";

/// The extensions a peer may require of us.
pub(crate) const SUPPORTED: &str = "100rel, timer";

/// The media type of every session description.
pub(crate) const SDP: &str = "application/sdp";

/// A response with our Contact and abilities; for an INVITE with the route it came (RFC 3261 §12.1.1).
pub(crate) fn answer(request: &Request, dialog: &Dialog, status: u16) -> Response {
    let mut response = request.response(status).with_to_tag(&dialog.id().local_tag);
    if request.method == Method::Invite && status < 300 {
        for route in request.headers.all(&HeaderName::RecordRoute) {
            response.headers.push(HeaderName::RecordRoute, route.clone());
        }
    }
    able(&mut response.headers, dialog.flow());
    response
}

/// Contact, Allow and Supported.
pub(crate) fn able(headers: &mut Headers, flow: Flow) {
    headers.push(HeaderName::Contact, contact(flow));
    headers.push(HeaderName::Allow, ALLOW);
    headers.push(HeaderName::Supported, SUPPORTED);
}

/// Sets Content-Type and the body.
pub(crate) fn describe(headers: &mut Headers, body: &mut Bytes, sdp: Bytes) {
    headers.set(HeaderName::ContentType, SDP);
    *body = sdp;
}

/// The session description a message holds; `None` for no body or another kind of body.
pub(crate) fn sdp_of(headers: &Headers, body: &Bytes) -> Option<Bytes> {
    (!body.is_empty() && is_sdp(headers)).then(|| body.clone())
}

/// Whether Content-Type says SDP.
pub(crate) fn is_sdp(headers: &Headers) -> bool {
    media_type(headers).is_some_and(|kind| kind.eq_ignore_ascii_case(SDP))
}

/// Content-Type without parameters.
pub(crate) fn media_type(headers: &Headers) -> Option<&str> {
    headers.text(&HeaderName::ContentType).map(|value| value.split(';').next().unwrap_or_default().trim())
}

/// 420 when Require names an extension we lack (RFC 3261 §8.2.2.3).
pub(crate) fn unsupported(request: &Request) -> Option<Response> {
    let lacking: Vec<&str> = request
        .headers
        .all(&HeaderName::Require)
        .filter_map(|value| std::str::from_utf8(value).ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|tag| !tag.is_empty() && !SUPPORTED.split(", ").any(|known| known.eq_ignore_ascii_case(tag)))
        .collect();
    if lacking.is_empty() {
        return None;
    }
    let mut response = request.response(420);
    response.headers.push(HeaderName::Unsupported, lacking.join(", "));
    Some(response)
}

/// 415 when the body is nothing a session can be made from and may not be ignored (RFC 3261 §8.2.3).
pub(crate) fn unreadable_body(request: &Request) -> Option<Response> {
    let headers = &request.headers;
    if request.body.is_empty() || is_optional(headers) {
        return None;
    }
    if let Some(coding) = headers.text(&HeaderName::ContentEncoding)
        && !coding.eq_ignore_ascii_case("identity")
    {
        let mut response = request.response(415);
        response.headers.push(HeaderName::Other("Accept-Encoding".into()), "identity");
        return Some(response);
    }
    if is_sdp(headers) {
        return None;
    }
    let mut response = request.response(415);
    response.headers.push(HeaderName::Accept, SDP);
    Some(response)
}

fn is_optional(headers: &Headers) -> bool {
    headers.text(&HeaderName::Other("Content-Disposition".into())).is_some_and(|value| {
        value.split(';').skip(1).any(|param| {
            let compact: String = param.chars().filter(|c| !c.is_whitespace()).collect();
            compact.eq_ignore_ascii_case("handling=optional")
        })
    })
}

/// 406 when the peer would not accept the SDP of our answer (RFC 3261 §21.4.7).
pub(crate) fn unwelcome(request: &Request) -> Option<Response> {
    let mut kinds = request
        .headers
        .all(&HeaderName::Accept)
        .filter_map(|value| std::str::from_utf8(value).ok())
        .flat_map(|value| value.split(','))
        .map(|kind| kind.split(';').next().unwrap_or_default().trim())
        .filter(|kind| !kind.is_empty())
        .peekable();
    kinds.peek()?;
    let welcome =
        kinds.any(|kind| [SDP, "application/*", "*/*"].iter().any(|k| kind.eq_ignore_ascii_case(k)));
    (!welcome).then(|| request.response(406))
}
