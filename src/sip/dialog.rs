//! Dialogs (RFC 3261 §12): who talks with whom, in which order, along which route.

use std::fmt::Write as _;

use bytes::Bytes;

use super::header::{self, HeaderError, NameAddr};
use super::message::{HeaderName, Headers, Method, Request, Response};
use super::transport::{Flow, Transport};
use super::uri::Uri;

/// Call-ID and tags; `remote_tag` is empty for RFC 2543 peers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DialogId {
    pub call_id: Box<str>,
    pub local_tag: Box<str>,
    pub remote_tag: Box<str>,
}

impl DialogId {
    /// The dialog an incoming in-dialog request belongs to (local is its To). `None` without a To tag.
    pub fn of_request(request: &Request) -> Option<DialogId> {
        let local = request.headers.to().ok()?;
        let remote = request.headers.from().ok()?;
        Some(DialogId {
            call_id: request.headers.call_id().ok()?.into(),
            local_tag: local.tag()?.into(),
            remote_tag: remote.tag().unwrap_or_default().into(),
        })
    }
}

/// An incoming request whose CSeq is not beyond the last one (§12.2.2): the peer's fault, answered with 500.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("CSeq {got} is not beyond {last}")]
pub struct OutOfOrder {
    pub got: u32,
    pub last: u32,
}

/// One peer-to-peer relation. Requests go along the flow it was made on, because a phone behind
/// NAT can be reached no other way; the route set and the remote target still name the way for proxies.
#[derive(Clone, Debug)]
pub struct Dialog {
    id: DialogId,
    /// Our From, with tag, as it stood in the first message.
    local: Bytes,
    /// Their To, with tag if they gave one.
    remote: Bytes,
    target: Uri,
    /// Nearest first.
    routes: Vec<NameAddr>,
    local_seq: u32,
    remote_seq: Option<u32>,
    flow: Flow,
}

impl Dialog {
    /// §12.1.1. `tag` is ours. A missing Contact is forgiven to RFC 2543 peers (those without From tag).
    ///
    /// # Errors
    /// The INVITE lacks what a dialog needs: answer 400.
    pub fn uas(invite: &Request, flow: Flow, tag: &str) -> Result<Dialog, HeaderError> {
        let headers = &invite.headers;
        let from = headers.from()?;
        let target = match headers.contact() {
            Ok(contact) => contact.uri,
            Err(HeaderError::Missing(_)) if from.tag().is_none() => from.uri.clone(),
            Err(error) => return Err(error),
        };
        let mut ours = Headers::default();
        ours.push(HeaderName::To, required(headers, &HeaderName::To, "To")?);
        header::add_to_tag(&mut ours, tag);
        Ok(Dialog {
            id: DialogId {
                call_id: headers.call_id()?.into(),
                local_tag: tag.into(),
                remote_tag: from.tag().unwrap_or_default().into(),
            },
            local: required(&ours, &HeaderName::To, "To")?,
            remote: required(headers, &HeaderName::From, "From")?,
            target,
            routes: record_routes(headers)?,
            local_seq: 0,
            remote_seq: Some(headers.cseq()?.number),
            flow,
        })
    }

    /// §12.1.2, from a provisional or 2xx response to our `invite`. `flow` is what the response came on.
    ///
    /// # Errors
    /// The response lacks what a dialog needs; a provisional is then of no use as a dialog.
    pub fn uac(invite: &Request, response: &Response, flow: Flow) -> Result<Dialog, HeaderError> {
        let headers = &response.headers;
        let to = headers.to()?;
        let mut dialog = Dialog {
            id: DialogId {
                call_id: invite.headers.call_id()?.into(),
                local_tag: invite.headers.from()?.tag().unwrap_or_default().into(),
                remote_tag: to.tag().unwrap_or_default().into(),
            },
            local: required(&invite.headers, &HeaderName::From, "From")?,
            remote: required(headers, &HeaderName::To, "To")?,
            target: invite.uri.clone(),
            routes: Vec::new(),
            local_seq: invite.headers.cseq()?.number,
            remote_seq: None,
            flow,
        };
        dialog.confirm(response)?;
        Ok(dialog)
    }

    /// A response of the dialog's own INVITE: remote target and route set are taken anew (§13.2.2.4).
    ///
    /// # Errors
    /// Its Record-Route or Contact cannot be read; the dialog stays as it was.
    pub fn confirm(&mut self, response: &Response) -> Result<(), HeaderError> {
        let mut routes = record_routes(&response.headers)?;
        routes.reverse();
        match response.headers.contact() {
            Ok(contact) => self.target = contact.uri,
            Err(HeaderError::Missing(_)) => {}
            Err(error) => return Err(error),
        }
        self.routes = routes;
        Ok(())
    }

    pub fn id(&self) -> &DialogId {
        &self.id
    }

    /// Where requests go.
    pub fn flow(&self) -> Flow {
        self.flow
    }

    /// The CSeq number of our latest request; 0 before the first.
    pub fn local_seq(&self) -> u32 {
        self.local_seq
    }

    /// Takes note of an incoming request's CSeq.
    ///
    /// # Errors
    /// It is not beyond the last one.
    pub fn admit(&mut self, request: &Request) -> Result<(), OutOfOrder> {
        let got = request.headers.cseq().map_or(0, |cseq| cseq.number);
        match self.remote_seq {
            Some(last) if got <= last => Err(OutOfOrder { got, last }),
            _ => {
                self.remote_seq = Some(got);
                Ok(())
            }
        }
    }

    /// A target refresh (§12.2.1.2, §12.2.2): the headers of an accepted INVITE or UPDATE, or of the 2xx to ours.
    pub fn refresh(&mut self, headers: &Headers, flow: Flow) {
        if let Ok(contact) = headers.contact() {
            self.target = contact.uri;
        }
        self.flow = flow;
    }

    /// The next request of ours (§12.2.1.1): first line, From, To, Call-ID, CSeq, Route. Not for ACK.
    pub fn request(&mut self, method: Method) -> Request {
        self.local_seq += 1;
        self.numbered(method, self.local_seq)
    }

    /// The ACK for a 2xx to our INVITE numbered `cseq` (§13.2.2.4).
    pub fn ack(&self, cseq: u32) -> Request {
        self.numbered(Method::Ack, cseq)
    }

    /// Our Contact's value.
    pub fn contact(&self) -> Bytes {
        contact(self.flow)
    }

    fn numbered(&self, method: Method, cseq: u32) -> Request {
        let mut headers = Headers::default();
        headers.push(HeaderName::From, self.local.clone());
        headers.push(HeaderName::To, self.remote.clone());
        headers.push(HeaderName::CallId, String::from(&*self.id.call_id));
        headers.push(HeaderName::CSeq, format!("{cseq} {}", method.as_str()));
        let uri = match self.routes.split_first() {
            Some((first, rest)) if !is_loose(&first.uri) => {
                for route in rest {
                    headers.push(HeaderName::Route, written(route));
                }
                headers.push(HeaderName::Route, format!("<{}>", self.target));
                first.uri.clone()
            }
            _ => {
                for route in &self.routes {
                    headers.push(HeaderName::Route, written(route));
                }
                self.target.clone()
            }
        };
        Request { method, uri, headers, body: Bytes::new() }
    }
}

/// The Contact by which we are reached along `flow`.
pub fn contact(flow: Flow) -> Bytes {
    let transport = match flow.transport {
        Transport::Udp => "",
        Transport::Tcp => ";transport=tcp",
    };
    format!("<sip:hotline@{}{transport}>", flow.local).into()
}

fn required(headers: &Headers, name: &HeaderName, shown: &'static str) -> Result<Bytes, HeaderError> {
    headers.get(name).cloned().ok_or(HeaderError::Missing(shown))
}

fn record_routes(headers: &Headers) -> Result<Vec<NameAddr>, HeaderError> {
    match headers.get(&HeaderName::RecordRoute) {
        Some(_) => header::name_addrs(headers, &HeaderName::RecordRoute),
        None => Ok(Vec::new()),
    }
}

fn is_loose(uri: &Uri) -> bool {
    matches!(uri, Uri::Sip(uri) if uri.param("lr").is_some())
}

fn written(route: &NameAddr) -> String {
    let mut text = format!("<{}>", route.uri);
    for (name, value) in &route.params {
        // Writing to a String cannot fail.
        let _ = match value {
            Some(value) => write!(text, ";{name}={value}"),
            None => write!(text, ";{name}"),
        };
    }
    text
}
