//! Which transaction a message belongs to (RFC 3261 §17.1.3, §17.2.3), and where replies go (§18.2.2, RFC 3581).

use std::net::SocketAddr;

use bytes::Bytes;

use crate::sip::header::Via;
use crate::sip::message::{HeaderName, Method, Request};
use crate::sip::transport::Flow;
use crate::sip::uri::Host;

/// What a branch of RFC 3261 begins with; without it, or with nothing behind it, it identifies nothing.
pub const COOKIE: &str = "z9hG4bK";

/// Where a Via without a port is answered (§18.2.2).
const DEFAULT_PORT: u16 = 5060;

/// What finds a server transaction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ServerKey {
    /// RFC 3261: two clients may pick the same branch, hence `sent_by`.
    Branch { branch: Box<str>, sent_by: Box<str>, method: Method },
    /// RFC 2543: everything that stays the same from copy to copy. The To tag is left out, so that one key
    /// finds the INVITE for its copies and for its ACK, whose To carries our tag.
    Whole { uri: Box<str>, from: Box<str>, call_id: Box<str>, number: u32, via: Bytes, method: Method },
}

impl ServerKey {
    /// `method`: the request's own, or INVITE to find what an ACK or CANCEL is about.
    /// `request` must not be stamped yet: a copy may come from another port.
    pub fn of(request: &Request, via: &Via, method: Method) -> ServerKey {
        if via.branch.len() > COOKIE.len() && via.branch.starts_with(COOKIE) {
            let host = match &via.host {
                Host::Ip(ip) => ip.to_string(),
                Host::Name(name) => name.to_string(),
            };
            let sent_by = format!("{host}:{}", via.port.unwrap_or(DEFAULT_PORT));
            return ServerKey::Branch { branch: via.branch.clone(), sent_by: sent_by.into(), method };
        }
        let headers = &request.headers;
        ServerKey::Whole {
            uri: request.uri.to_string().into(),
            from: headers.from().ok().and_then(|f| f.tag().map(Into::into)).unwrap_or_default(),
            call_id: headers.call_id().map(Into::into).unwrap_or_default(),
            number: headers.cseq().map_or(0, |cseq| cseq.number),
            via: headers.get(&HeaderName::Via).cloned().unwrap_or_default(),
            method,
        }
    }
}

/// Where the reply to a request that came on `flow` goes: on a stream back the same way; on UDP to the source
/// address, and to its port only if the peer asked for that with `rport`, else to the port its Via names.
pub fn reply_flow(flow: Flow, via: &Via) -> Flow {
    if flow.transport.is_reliable() || via.rport.is_some() {
        return flow;
    }
    Flow { remote: named_address(flow, via), ..flow }
}

/// The source address with the port that the Via names: where to reply when the way back is gone.
pub fn named_address(flow: Flow, via: &Via) -> SocketAddr {
    SocketAddr::new(flow.remote.ip(), via.port.unwrap_or(DEFAULT_PORT))
}
