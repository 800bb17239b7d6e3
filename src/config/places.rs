//! Addresses, networks, ports, names: the small values of the configuration.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::diagnostic::yaml::Node;
use crate::diagnostic::{Findings, Span};
use crate::media::command::Codec;

/// Longest telephone number, digits: E.164 has 15, service codes and extensions fit.
const MAX_NUMBER: usize = 20;
/// Longest user name.
const MAX_NAME: usize = 64;

pub(super) fn socket(node: &Node, out: &mut Findings) -> Option<SocketAddr> {
    let text = out.text(node, "an address such as 192.0.2.1:5060")?;
    let parsed = text.parse().ok();
    if parsed.is_none() {
        let label = if text.parse::<IpAddr>().is_ok() {
            "the port is missing"
        } else {
            "expected an IP address and a port, such as 192.0.2.1:5060 or [2001:db8::1]:5060"
        };
        out.error("config-001", node.span, format!("`{text}` is not an address with a port")).label(label);
    }
    parsed
}

pub(super) fn address(node: &Node, out: &mut Findings) -> Option<IpAddr> {
    let text = out.text(node, "an address such as 192.0.2.1")?;
    let parsed = text.parse().ok();
    if parsed.is_none() {
        out.error("config-001", node.span, format!("`{text}` is not an IP address"))
            .label("expected an address such as 192.0.2.1");
    }
    parsed
}

/// `192.0.2.0/24`; without a length, one address. Bits behind the length must be zero: `192.0.2.1/24` is a slip.
pub(super) fn network(node: &Node, out: &mut Findings) -> Option<(IpAddr, u8)> {
    let text = out.text(node, "a network such as 192.0.2.0/24")?;
    let (address, length) =
        text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    let address: Option<IpAddr> = address.parse().ok();
    let most = if address.is_some_and(|address| address.is_ipv6()) { 128 } else { 32 };
    let length =
        length.map_or(Some(most), |length| length.parse::<u8>().ok().filter(|length| *length <= most));
    let Some((address, length)) = address.zip(length) else {
        out.error("config-001", node.span, format!("`{text}` is not a network"))
            .label("expected an address and a length, such as 192.0.2.0/24");
        return None;
    };
    let bits = match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    };
    let host_bits = u32::from(most - length);
    let host = if host_bits >= 128 { bits } else { bits & ((1u128 << host_bits) - 1) };
    if host != 0 {
        out.error("config-001", node.span, format!("`{text}` names an address inside a network"))
            .label(format!("the last {host_bits} bits must be zero, or leave the length out"));
        return None;
    }
    Some((address, length))
}

/// A host name or address, as it stands behind the @.
pub(super) fn host(node: &Node, out: &mut Findings) -> Option<String> {
    let text = out.text(node, "a host name such as sip.bank.example")?;
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    if text.is_empty() || text.len() > 253 || !text.chars().all(good) {
        out.error("config-001", node.span, format!("`{text}` is not a host name"));
        return None;
    }
    Some(text.to_owned())
}

/// `16384-32766`: two ports a stream, the first even (RFC 3550 §11).
pub(super) fn ports(node: &Node, out: &mut Findings) -> Option<(u16, u16)> {
    let text = out.text(node, "ports such as 16384-32766")?;
    let parsed = text.split_once('-').and_then(|(a, b)| a.trim().parse().ok().zip(b.trim().parse().ok()));
    let Some((first, last)) = parsed else {
        out.error("config-005", node.span, format!("`{text}` is not a range of ports"))
            .label("expected two port numbers, such as 16384-32766");
        return None;
    };
    let wrong = match (first, last) {
        (first, _) if first < 1_024 => Some("ports below 1024 are the system's"),
        (first, _) if first % 2 != 0 => Some("the first port must be even"),
        (first, last) if last <= first => Some("the last port must be above the first"),
        _ => None,
    };
    if let Some(wrong) = wrong {
        out.error("config-005", node.span, wrong);
        return None;
    }
    Some((first, last))
}

/// `[pcma, opus]`: each codec once, at least one.
pub(super) fn codecs(node: &Node, out: &mut Findings) -> Option<Arc<[Codec]>> {
    let mut codecs = Vec::new();
    for item in out.items(node, "codecs such as [pcma, pcmu, g722, opus]")? {
        let name = out.text(item, "a codec: pcma, pcmu, g722 or opus")?;
        let known = Codec::ALL.iter().copied().find(|codec| codec.name().eq_ignore_ascii_case(name));
        match known {
            Some(codec) if !codecs.contains(&codec) => codecs.push(codec),
            Some(_) => {
                out.error("config-009", item.span, format!("`{name}` stands here twice"));
                return None;
            }
            None => {
                out.error("config-009", item.span, format!("`{name}` is not a codec of ours"))
                    .label("expected pcma, pcmu, g722 or opus");
                return None;
            }
        }
    }
    if codecs.is_empty() {
        out.error("config-009", node.span, "at least one codec must be given");
        return None;
    }
    Some(codecs.into())
}

/// The first of two ports for each of `workers`, none of them among `taken`.
pub(super) fn trunk_port(node: &Node, taken: (u16, u16), workers: usize, out: &mut Findings) -> Option<u16> {
    let number = out.integer(node, "a port", 1_024..=65_534)?;
    let first = u16::try_from(number).ok()?;
    let last = number + 2 * i64::try_from(workers).ok()? - 1;
    let wrong = if first % 2 != 0 {
        "the first port must be even"
    } else if last > i64::from(u16::MAX) {
        "two ports for each worker do not fit above it"
    } else if number <= i64::from(taken.1) && last >= i64::from(taken.0) {
        "two ports for each worker from here on overlap `ports`"
    } else {
        return Some(first);
    };
    out.error("config-005", node.span, wrong);
    None
}

/// Digits, perhaps with a leading plus. Reports and goes on.
pub(super) fn number(text: &str, span: Span, out: &mut Findings) {
    let digits = text.strip_prefix('+').unwrap_or(text);
    if digits.is_empty() || digits.len() > MAX_NUMBER || !digits.bytes().all(|b| b.is_ascii_digit()) {
        out.error("config-007", span, format!("`{text}` is not a telephone number"))
            .label("expected digits, perhaps with a leading plus");
    }
}

/// A user name as phones and browsers send it. Reports and goes on.
pub(super) fn user_name(text: &str, span: Span, out: &mut Findings) {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if text.is_empty() || text.len() > MAX_NAME || !text.chars().all(good) {
        out.error("config-007", span, format!("`{text}` is not a user name"))
            .label("letters, digits, `.`, `_` and `-`");
    }
}
