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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::message::Message;
    use crate::sip::parse::parse;

    fn request(lines: &[&str]) -> Request {
        let text = format!("{}\r\nContent-Length: 0\r\n\r\n", lines.join("\r\n"));
        match parse(&Bytes::from(text)) {
            Ok(Message::Request(request)) => request,
            other => panic!("{other:?}"),
        }
    }

    fn invite(more: &[&str]) -> Request {
        let mut lines = vec![
            "INVITE sip:95500@bank.example SIP/2.0",
            "Via: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK1",
            "From: \"A\" <sip:a@phone.example>;tag=theirs",
            "To: <sip:95500@bank.example>",
            "Call-ID: c",
            "CSeq: 7 INVITE",
            "Contact: <sip:a@10.0.0.9:5070;ob>",
        ];
        lines.extend(more);
        request(&lines)
    }

    fn flow(transport: Transport, local: &str) -> Flow {
        let local = local.parse().expect("an address");
        Flow { transport, local, remote: "10.0.0.9:5060".parse().expect("an address"), connection: None }
    }

    fn udp() -> Flow {
        flow(Transport::Udp, "10.0.0.1:5060")
    }

    fn text(request: &Request, name: &HeaderName) -> String {
        request.headers.text(name).expect("a header").to_owned()
    }

    #[test]
    fn a_request_of_the_called_turns_from_and_to_around() {
        let mut dialog = Dialog::uas(&invite(&[]), udp(), "ours").expect("a dialog");
        let bye = dialog.request(Method::Bye);
        assert_eq!(bye.uri.to_string(), "sip:a@10.0.0.9:5070;ob");
        assert_eq!(text(&bye, &HeaderName::From), "<sip:95500@bank.example>;tag=ours");
        assert_eq!(text(&bye, &HeaderName::To), "\"A\" <sip:a@phone.example>;tag=theirs");
        assert_eq!(text(&bye, &HeaderName::CSeq), "1 BYE");
        assert_eq!(text(&dialog.request(Method::Info), &HeaderName::CSeq), "2 INFO");
        let bye = request(&[
            "BYE sip:hotline@10.0.0.1 SIP/2.0",
            "Via: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK2",
            "From: <sip:a@phone.example>;tag=theirs",
            "To: <sip:95500@bank.example>;tag=ours",
            "Call-ID: c",
            "CSeq: 8 BYE",
        ]);
        assert_eq!(DialogId::of_request(&bye).as_ref(), Some(dialog.id()));
        assert_eq!(dialog.admit(&bye), Ok(()));
        assert_eq!(dialog.admit(&bye), Err(OutOfOrder { got: 8, last: 8 }));
    }

    #[test]
    fn the_callers_routes_are_reversed_and_taken_anew_from_the_200() {
        let invite = invite(&[]);
        let answer = |routes: &str| {
            let mut response = invite.response(200).with_to_tag("phone");
            response.headers.push(HeaderName::RecordRoute, String::from(routes));
            response.headers.push(HeaderName::Contact, "<sip:p@10.0.0.8>");
            response
        };
        let first = answer("<sip:one;lr>, <sip:two;lr>;x=y");
        let mut dialog = Dialog::uac(&invite, &first, udp()).expect("a dialog");
        let ack = dialog.ack(7);
        let routes: Vec<_> = ack.headers.all(&HeaderName::Route).cloned().collect();
        assert_eq!(routes, ["<sip:two;lr>;x=y", "<sip:one;lr>"]);
        assert_eq!(text(&ack, &HeaderName::CSeq), "7 ACK");
        dialog.confirm(&answer("<sip:three;lr>")).expect("readable");
        assert_eq!(text(&dialog.request(Method::Bye), &HeaderName::Route), "<sip:three;lr>");
        assert_eq!(dialog.local_seq(), 8);
    }

    #[test]
    fn a_strict_router_becomes_the_target_and_the_target_the_last_route() {
        let dialog = Dialog::uas(&invite(&["Record-Route: <sip:strict>, <sip:loose;lr>"]), udp(), "ours");
        let bye = dialog.expect("a dialog").request(Method::Bye);
        assert_eq!(bye.uri.to_string(), "sip:strict");
        let routes: Vec<_> = bye.headers.all(&HeaderName::Route).cloned().collect();
        assert_eq!(routes, ["<sip:loose;lr>", "<sip:a@10.0.0.9:5070;ob>"]);
    }

    #[test]
    fn our_contact_says_how_we_are_reached() {
        assert_eq!(contact(udp()), "<sip:hotline@10.0.0.1:5060>");
        assert_eq!(contact(flow(Transport::Tcp, "[::1]:5062")), "<sip:hotline@[::1]:5062;transport=tcp>");
    }

    #[test]
    fn an_invite_without_contact_makes_no_dialog_unless_it_is_of_the_old_standard() {
        let mut request = invite(&[]);
        request.headers.remove(&HeaderName::Contact);
        assert!(Dialog::uas(&request, udp(), "ours").is_err());
        request.headers.set(HeaderName::From, "sip:a@phone.example");
        let dialog = Dialog::uas(&request, udp(), "ours").expect("a dialog");
        assert_eq!(&*dialog.id().remote_tag, "");
    }
}
