//! Phones coming and going, and the requests that belong to no dialog.

use std::net::SocketAddr;

use super::Engine;
use super::happened::What;
use crate::acd;
use crate::ids::AgentId;
use crate::moment::Moment;
use crate::sip::endpoint::ServerTx;
use crate::sip::message::{HeaderName, Method, Request, Response};
use crate::sip::registrar::Change;
use crate::sip::transport::{ConnectionId, Flow, Transport};
use crate::sip::uri::Uri;

/// What we serve outside dialogs and in them.
const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, PRACK, UPDATE, INFO";

/// Option tags we understand (RFC 3262, RFC 4028).
const SUPPORTED: [&str; 2] = ["100rel", "timer"];

impl Engine {
    /// A request outside any dialog that is no INVITE.
    pub(super) fn out_of_dialog(&mut self, now: Moment, tx: ServerTx, request: &Request, flow: Flow) {
        let response = match unacceptable(request) {
            Some(response) => response,
            None => match request.method {
                Method::Register => self.register(now, request, flow),
                Method::Options => capabilities(request),
                Method::Bye | Method::Prack | Method::Update => request.response(481),
                Method::Other(_) => with_allow(request.response(501)),
                _ => with_allow(request.response(405)),
            },
        };
        self.refuse(now, tx, response);
    }

    fn register(&mut self, now: Moment, request: &Request, flow: Flow) -> Response {
        let agent = match self.prove(now, request, flow) {
            Ok(agent) => agent,
            Err(response) => return *response,
        };
        // An agent registers as nobody else (RFC 3261 §10.3 step 4).
        let Ok(to) = request.headers.to() else {
            return request.response(400);
        };
        if to.uri.user().as_deref() != Some(agent.as_str()) {
            return request.response(403);
        }
        let (response, change) = self.registrar.register(now, &agent, request, flow);
        if let Some(change) = change {
            self.phone_changed(now, change);
        }
        response
    }

    /// An agent's first phone came, or the last one went.
    pub(super) fn phone_changed(&mut self, now: Moment, change: Change) {
        let (agent, what, event): (AgentId, What, fn(AgentId) -> acd::Event) = match change {
            Change::Appeared(agent) => (agent, What::PhoneRegistered, acd::Event::LoggedIn),
            Change::Vanished(agent) => (agent, What::PhoneVanished, acd::Event::LoggedOut),
        };
        self.happened(now, None, Some(agent.clone()), what);
        self.acd.handle(now, event(agent));
    }

    /// A peer can't be reached: transactions towards it fail, and phones behind a closed connection are gone.
    pub(super) fn unreachable(
        &mut self,
        now: Moment,
        transport: Transport,
        remote: SocketAddr,
        connection: Option<ConnectionId>,
    ) {
        self.endpoint.unreachable(now, transport, remote, connection);
        let Some(connection) = connection else {
            return;
        };
        for change in self.registrar.connection_closed(connection) {
            self.phone_changed(now, change);
        }
    }
}

/// The same for every user, known or not: anybody may ask, and it is nobody's business which agents there are.
fn capabilities(request: &Request) -> Response {
    let mut response = with_allow(request.response(200));
    response.headers.push(HeaderName::Accept, "application/sdp");
    response.headers.push(HeaderName::Supported, SUPPORTED.join(", "));
    response
}

fn with_allow(mut response: Response) -> Response {
    response.headers.push(HeaderName::Allow, ALLOW);
    response
}

/// What no method makes acceptable: a scheme we do not serve (416), an extension we do not know (420, RFC 3261 §8.2.2.3).
fn unacceptable(request: &Request) -> Option<Response> {
    if matches!(request.uri, Uri::Other { .. }) {
        return Some(request.response(416));
    }
    let unknown: Vec<String> = request
        .headers
        .all(&HeaderName::Require)
        .flat_map(|value| value.split(|byte| *byte == b','))
        .map(|tag| String::from_utf8_lossy(tag.trim_ascii()).into_owned())
        .filter(|tag| !tag.is_empty() && !SUPPORTED.contains(&tag.as_str()))
        .collect();
    if unknown.is_empty() {
        return None;
    }
    let mut response = request.response(420);
    response.headers.push(HeaderName::Unsupported, unknown.join(", "));
    Some(response)
}
