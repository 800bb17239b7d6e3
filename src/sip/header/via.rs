//! Via (RFC 3261 §20.42), `received` (§18.2.1) and `rport` (RFC 3581).

use std::fmt;
use std::net::SocketAddr;

use bytes::Bytes;

use super::scan::{Params, Scan, is_space, is_token};
use super::{HeaderError, Via};
use crate::sip::message::{HeaderName, Headers};
use crate::sip::transport::Transport;
use crate::sip::uri::{self, Host};

/// What stands before the parameters: enough to know that a peer wants an answer.
struct Hop {
    transport: Option<Transport>,
    host: Host,
    port: Option<u16>,
}

pub(super) fn top(headers: &Headers) -> Result<Via, HeaderError> {
    let value = headers.get(&HeaderName::Via).ok_or(HeaderError::Missing("Via"))?;
    let mut scan = Scan::new("Via", value);
    let hop = hop(&mut scan)?;
    let params = scan.params(true)?;
    Ok(via(hop, &params))
}

/// Whether the top Via says at least which protocol and host, whatever its parameters are.
pub(crate) fn is_readable(headers: &Headers) -> bool {
    headers.get(&HeaderName::Via).is_some_and(|value| hop(&mut Scan::new("Via", value)).is_ok())
}

fn hop(scan: &mut Scan<'_>) -> Result<Hop, HeaderError> {
    scan.spaces();
    if !scan.token("expected SIP")?.eq_ignore_ascii_case(b"SIP") {
        return Err(scan.fail("expected SIP"));
    }
    // Any version: a request of another one is answered with 505, along this Via.
    if !scan.eat(b'/') {
        return Err(scan.fail("expected /"));
    }
    scan.token("expected a version")?;
    if !scan.eat(b'/') {
        return Err(scan.fail("expected /"));
    }
    let transport = match scan.token("expected a transport")? {
        name if name.eq_ignore_ascii_case(b"UDP") => Some(Transport::Udp),
        name if name.eq_ignore_ascii_case(b"TCP") => Some(Transport::Tcp),
        _ => None,
    };
    if !scan.peek().is_some_and(is_space) {
        return Err(scan.fail("expected a space"));
    }
    scan.spaces();
    let start = scan.at();
    let host = if scan.peek() == Some(b'[') {
        scan.take_while(|b| b != b']' && !is_space(b));
        scan.skip(1);
        uri::host(scan.since(start))
    } else {
        uri::host(scan.take_while(is_token))
    };
    let host = host.ok_or_else(|| scan.fail("not a host"))?;
    let port = if scan.eat(b':') {
        let digits = scan.take_while(|b| b.is_ascii_digit());
        Some(uri::port(digits).ok_or_else(|| scan.fail("not a port"))?)
    } else {
        None
    };
    scan.spaces();
    Ok(Hop { transport, host, port })
}

fn via(hop: Hop, params: &Params) -> Via {
    let mut via = Via {
        transport: hop.transport,
        host: hop.host,
        port: hop.port,
        branch: "".into(),
        received: None,
        rport: None,
    };
    for (name, value) in params {
        match (&**name, value.as_deref()) {
            ("branch", Some(branch)) => via.branch = branch.into(),
            ("received", Some(address)) => {
                // RFC 5118 §4.5: both forms are in the field. What cannot be read is overwritten anyway.
                via.received = address.trim_start_matches('[').trim_end_matches(']').parse().ok();
            }
            // An empty or wrong rport only means that it is asked for.
            ("rport", port) => via.rport = Some(port.and_then(|p| uri::port(p.as_bytes()))),
            _ => {}
        }
    }
    via
}

/// See `header::stamp_top_via`.
pub(super) fn stamp(headers: &mut Headers, from: SocketAddr) -> Result<(), HeaderError> {
    let via = top(headers)?;
    let source = from.ip().to_canonical();
    let asked = via.rport.is_some();
    let same_host = matches!(via.host, Host::Ip(ip) if ip.to_canonical() == source);
    let header =
        headers.0.iter_mut().find(|h| h.name == HeaderName::Via).ok_or(HeaderError::Missing("Via"))?;

    let mut scan = Scan::new("Via", &header.value);
    hop(&mut scan)?;
    let mut stamped = header.value[..scan.at()].trim_ascii_end().to_vec();
    // Parameters other than those two stay byte for byte: the peer matches its branch with ours.
    while scan.eat(b';') {
        let start = scan.at();
        let name = scan.token("expected a parameter name")?.to_ascii_lowercase();
        if scan.eat(b'=') {
            if scan.peek() == Some(b'"') {
                scan.quoted()?;
            } else {
                scan.take_while(|b| !is_space(b) && !b";,\"<>".contains(&b));
            }
        }
        if name != b"received" && name != b"rport" {
            stamped.push(b';');
            stamped.extend_from_slice(scan.since(start));
        }
    }
    if asked {
        stamped.extend_from_slice(format!(";rport={}", from.port()).as_bytes());
    }
    if asked || !same_host {
        stamped.extend_from_slice(format!(";received={source}").as_bytes());
    }
    stamped.extend_from_slice(scan.rest());
    header.value = Bytes::from(stamped);
    Ok(())
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transport = self.transport.map_or("UNKNOWN", Transport::via_name);
        write!(f, "SIP/2.0/{transport} {}", self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        if !self.branch.is_empty() {
            write!(f, ";branch={}", self.branch)?;
        }
        match self.rport {
            None => {}
            Some(None) => f.write_str(";rport")?,
            Some(Some(port)) => write!(f, ";rport={port}")?,
        }
        match self.received {
            None => Ok(()),
            Some(address) => write!(f, ";received={address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(via: &'static str) -> Headers {
        let mut headers = Headers::default();
        headers.push(HeaderName::Via, via);
        headers
    }

    fn stamped(via: &'static str, from: &str) -> String {
        let mut headers = headers(via);
        stamp(&mut headers, from.parse().unwrap()).unwrap();
        headers.text(&HeaderName::Via).unwrap().to_owned()
    }

    #[test]
    fn spaces_may_stand_anywhere() {
        let via = top(&headers(
            "SIP  / 2.0  / TCP     spindle.example.com   : 5062 ; branch  =   z9hG4bK9ikj8  , SIP/2.0/UDP x",
        ))
        .unwrap();
        assert_eq!(via.transport, Some(Transport::Tcp));
        assert_eq!(via.host, Host::Name("spindle.example.com".into()));
        assert_eq!((via.port, &*via.branch), (Some(5062), "z9hG4bK9ikj8"));
    }

    #[test]
    fn received_is_read_with_and_without_brackets() {
        for received in ["2001:db8::9:255", "[2001:db8::9:255]"] {
            let value = format!("SIP/2.0/UDP [2001:db8::9:1];received={received};branch=z9hG4bKas3");
            let mut headers = Headers::default();
            headers.push(HeaderName::Via, value);
            assert_eq!(top(&headers).unwrap().received, "2001:db8::9:255".parse().ok());
        }
    }

    #[test]
    fn unknown_transports_and_missing_branches_are_no_errors() {
        let via = top(&headers("SIP/2.0/SCTP t2.example.com")).unwrap();
        assert_eq!((via.transport, &*via.branch), (None, ""));
    }

    #[test]
    fn empty_parameters_are_malformed_but_the_hop_is_readable() {
        let empty = headers("SIP/2.0/UDP 192.0.2.15;;,;,,");
        assert!(top(&empty).is_err());
        assert!(is_readable(&empty));
        assert!(!is_readable(&headers("rubbish")));
    }

    #[test]
    fn stamping_writes_received_only_where_it_differs_or_rport_asks() {
        assert_eq!(
            stamped("SIP/2.0/UDP 10.0.0.1;branch=z9", "10.0.0.1:5060"),
            "SIP/2.0/UDP 10.0.0.1;branch=z9"
        );
        assert_eq!(
            stamped("SIP/2.0/UDP 10.0.0.1;branch=z9", "192.0.2.1:5060"),
            "SIP/2.0/UDP 10.0.0.1;branch=z9;received=192.0.2.1"
        );
        assert_eq!(
            stamped("SIP/2.0/UDP 10.0.0.1;rport;branch=z9, SIP/2.0/TCP b", "10.0.0.1:4099"),
            "SIP/2.0/UDP 10.0.0.1;branch=z9;rport=4099;received=10.0.0.1, SIP/2.0/TCP b"
        );
    }

    #[test]
    fn a_received_the_peer_claims_is_overwritten() {
        assert_eq!(
            stamped("SIP/2.0/UDP h;received=198.51.100.7;branch=z9", "192.0.2.1:5060"),
            "SIP/2.0/UDP h;branch=z9;received=192.0.2.1"
        );
    }

    #[test]
    fn a_via_written_reads_back_the_same() {
        for value in [
            "SIP/2.0/UDP [2001:db8::1]:5070;branch=z9hG4bK1;rport=9;received=192.0.2.1",
            "SIP/2.0/TCP h;rport",
        ] {
            let via = top(&headers(value)).unwrap();
            assert_eq!(via.to_string(), value);
        }
    }
}
