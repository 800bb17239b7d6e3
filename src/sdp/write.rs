//! A session description to bytes.

use std::net::IpAddr;

use super::session::{Address, Attribute, Direction, Media, SessionDescription};

pub(super) fn description(description: &SessionDescription) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    let origin = &description.origin;
    let (session, version) = (origin.session.to_string(), origin.version.to_string());
    line(&mut out, &[b"v=0"]);
    let address_of_origin = address(&origin.address);
    line(
        &mut out,
        &[b"o=", &origin.user, b" ", session.as_bytes(), b" ", version.as_bytes(), b" ", &address_of_origin],
    );
    // RFC 8866 §5.3: never empty, a space if there is nothing to say.
    let name: &[u8] = if description.name.is_empty() { b" " } else { &description.name };
    line(&mut out, &[b"s=", name]);
    if let Some(connection) = &description.connection {
        line(&mut out, &[b"c=", &address(connection)]);
    }
    line(&mut out, &[b"t=0 0"]);
    attributes(&mut out, &description.attributes);
    direction(&mut out, description.direction);
    for section in &description.media {
        media(&mut out, section);
    }
    out
}

fn line(out: &mut Vec<u8>, parts: &[&[u8]]) {
    for part in parts {
        out.extend_from_slice(part);
    }
    out.extend_from_slice(b"\r\n");
}

fn ip(ip: IpAddr) -> String {
    let kind = if ip.is_ipv4() { "IP4" } else { "IP6" };
    format!("IN {kind} {ip}")
}

fn address(address: &Address) -> Vec<u8> {
    match address {
        Address::Ip(address) => ip(*address).into_bytes(),
        Address::Other(words) => words.clone(),
    }
}

fn attributes(out: &mut Vec<u8>, attributes: &[Attribute]) {
    for attribute in attributes {
        match &attribute.value {
            Some(value) => line(out, &[b"a=", &attribute.name, b":", value]),
            None => line(out, &[b"a=", &attribute.name]),
        }
    }
}

fn direction(out: &mut Vec<u8>, direction: Option<Direction>) {
    let word: &[u8] = match direction {
        Some(Direction::SendRecv) => b"sendrecv",
        Some(Direction::SendOnly) => b"sendonly",
        Some(Direction::RecvOnly) => b"recvonly",
        Some(Direction::Inactive) => b"inactive",
        None => return,
    };
    line(out, &[b"a=", word]);
}

fn media(out: &mut Vec<u8>, media: &Media) {
    let formats: Vec<u8> =
        media.formats.iter().flat_map(|format| [b" ", &format.name[..]].concat()).collect();
    line(
        out,
        &[b"m=", &media.kind, b" ", media.port.to_string().as_bytes(), b" ", &media.protocol, &formats],
    );
    if let Some(connection) = &media.connection {
        line(out, &[b"c=", &address(connection)]);
    }
    for format in &media.formats {
        if let Some(map) = &format.map {
            let clock = map.clock_rate.to_string();
            let (slash, rest): (&[u8], &[u8]) = map.rest.as_ref().map_or((b"", b""), |rest| (b"/", rest));
            line(
                out,
                &[b"a=rtpmap:", &format.name, b" ", &map.encoding, b"/", clock.as_bytes(), slash, rest],
            );
        }
        if let Some(parameters) = &format.parameters {
            line(out, &[b"a=fmtp:", &format.name, b" ", parameters]);
        }
    }
    if let Some(ptime) = media.ptime {
        line(out, &[b"a=ptime:", ptime.to_string().as_bytes()]);
    }
    match media.rtcp {
        Some((port, None)) => line(out, &[b"a=rtcp:", port.to_string().as_bytes()]),
        Some((port, Some(address))) => line(out, &[format!("a=rtcp:{port} {}", ip(address)).as_bytes()]),
        None => {}
    }
    if media.rtcp_mux {
        line(out, &[b"a=rtcp-mux"]);
    }
    for crypto in &media.crypto {
        line(out, &[b"a=crypto:", &crypto.write()]);
    }
    attributes(out, &media.attributes);
    direction(out, media.direction);
}
