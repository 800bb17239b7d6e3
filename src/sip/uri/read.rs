//! Taking URIs apart (RFC 3261 §25.1, RFC 3966 §3, RFC 5118).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::escape::decode;
use super::{Host, SipUri, Uri, UriError};

/// See `Uri::parse`.
pub(super) fn uri(bytes: &[u8]) -> Result<Uri, UriError> {
    if let Some(at) = bytes.iter().position(|b| *b <= b' ' || *b == 0x7f || b"<>\"".contains(b)) {
        return Err(UriError { at, why: "character not allowed in a URI" });
    }
    let colon = bytes.iter().position(|b| *b == b':').ok_or(UriError { at: 0, why: "no scheme" })?;
    let (scheme, rest) = (&bytes[..colon], &bytes[colon + 1..]);
    let is_scheme = scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.iter().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b));
    if !is_scheme {
        return Err(UriError { at: 0, why: "not a scheme" });
    }
    let start = colon + 1;
    match &*scheme.to_ascii_lowercase() {
        b"sip" => sip(rest, start, false).map(Uri::Sip),
        b"sips" => sip(rest, start, true).map(Uri::Sip),
        b"tel" => tel(rest, start),
        _ if rest.is_empty() => Err(UriError { at: start, why: "nothing after the scheme" }),
        other => Ok(Uri::Other { scheme: decode_plain(other), rest: decode_plain(rest) }),
    }
}

fn decode_plain(bytes: &[u8]) -> Box<str> {
    String::from_utf8_lossy(bytes).into()
}

/// `start` is where `rest` begins in the whole URI.
fn sip(rest: &[u8], start: usize, secure: bool) -> Result<SipUri, UriError> {
    // A user may hold ; and ? (RFC 4475 §3.1.1.9), so the @ decides first.
    let at_sign = rest.iter().position(|b| *b == b'@');
    let user = at_sign.map(|end| rest[..end].split(|b| *b == b':').next().unwrap_or_default());
    let from = at_sign.map_or(0, |end| end + 1);
    let after = &rest[from..];

    let question = after.iter().position(|b| *b == b'?');
    let (address, headers) = match question {
        // A second bare @ would move the host for the next reader.
        Some(end) if after[end..].contains(&b'@') => {
            return Err(UriError { at: start + from + end, why: "@ in headers must be escaped" });
        }
        Some(end) => (&after[..end], Some(decode_plain(&after[end + 1..]))),
        None => (after, None),
    };
    let end = address.iter().position(|b| *b == b';').unwrap_or(address.len());
    let (host, port) = host_port(&address[..end]).map_err(|why| UriError { at: start + from, why })?;

    let mut params = Vec::new();
    for param in address[end..].split(|b| *b == b';').filter(|param| !param.is_empty()) {
        let equals = param.iter().position(|b| *b == b'=');
        let name = decode(&param[..equals.unwrap_or(param.len())]).to_ascii_lowercase();
        if name.is_empty() {
            return Err(UriError { at: start + from + end, why: "parameter without a name" });
        }
        params.push((name.into(), equals.map(|at| decode(&param[at + 1..]))));
    }
    let user = user.filter(|user| !user.is_empty()).map(decode);
    Ok(SipUri { secure, user, host, port, params, headers })
}

fn host_port(bytes: &[u8]) -> Result<(Host, Option<u16>), &'static str> {
    let split = if bytes.first() == Some(&b'[') {
        bytes.iter().position(|b| *b == b']').map_or(bytes.len(), |close| close + 1)
    } else {
        bytes.iter().position(|b| *b == b':').unwrap_or(bytes.len())
    };
    let host = host(&bytes[..split]).ok_or("not a host")?;
    match &bytes[split..] {
        [] => Ok((host, None)),
        [b':', digits @ ..] => Ok((host, Some(port(digits).ok_or("not a port")?))),
        _ => Err("expected : and a port"),
    }
}

/// 0..=65535 in at most five digits.
pub(crate) fn port(digits: &[u8]) -> Option<u16> {
    if digits.len() > 5 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// A name, an IPv4 address, or an IPv6 address in brackets.
pub(crate) fn host(bytes: &[u8]) -> Option<Host> {
    let written = std::str::from_utf8(bytes).ok()?;
    if let Some(literal) = written.strip_prefix('[') {
        return ipv6(literal.strip_suffix(']')?).map(|address| Host::Ip(IpAddr::V6(address)));
    }
    if let Ok(address) = written.parse::<Ipv4Addr>() {
        return Some(Host::Ip(IpAddr::V4(address)));
    }
    let is_name =
        !written.is_empty() && written.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    is_name.then(|| Host::Name(written.to_ascii_lowercase().into()))
}

/// The grammar of RFC 3261 let some stacks write three colons before an embedded IPv4 address; RFC 5118 §4.10
/// asks to read them as two.
fn ipv6(literal: &str) -> Option<Ipv6Addr> {
    literal.parse().ok().or_else(|| {
        let (before, after) = literal.split_once(":::")?;
        after.parse::<Ipv4Addr>().ok()?;
        format!("{before}::{after}").parse().ok()
    })
}

/// RFC 3966 §3: the number with its separators, then parameters as written.
fn tel(rest: &[u8], start: usize) -> Result<Uri, UriError> {
    let end = rest.iter().position(|b| *b == b';').unwrap_or(rest.len());
    let number = &rest[..end];
    let is_digit = |b: &u8| b.is_ascii_hexdigit() || b"*#".contains(b);
    let is_number = number
        .iter()
        .enumerate()
        .all(|(at, b)| is_digit(b) || b"-.()".contains(b) || (at == 0 && *b == b'+'));
    if !is_number || !number.iter().any(is_digit) {
        return Err(UriError { at: start, why: "not a telephone number" });
    }
    let params = rest.get(end + 1..).unwrap_or_default();
    Ok(Uri::Tel { number: decode_plain(number), params: decode_plain(params) })
}
