//! Bytes to a session description.

use std::net::IpAddr;
use std::str::FromStr;

use super::crypto::Crypto;
use super::session::{
    Address, Attribute, Direction, Format, MAX_BYTES, MAX_FORMATS, MAX_LINES, MAX_MEDIA, Malformed, Map,
    Media, Origin, SessionDescription,
};

pub(super) fn description(body: &[u8]) -> Result<SessionDescription, Malformed> {
    if body.len() > MAX_BYTES {
        return Err(Malformed::TooLong);
    }
    let mut reader = Reader::default();
    // An empty "line" stands between CR and LF; empty lines in earnest are passed over as well.
    let lines = body.split(|byte| matches!(byte, b'\r' | b'\n')).map(<[u8]>::trim_ascii_end);
    for (index, line) in lines.filter(|line| !line.is_empty()).enumerate() {
        if index == MAX_LINES {
            return Err(Malformed::TooManyLines);
        }
        let [letter, b'=', value @ ..] = line else { return Err(Malformed::Line { line: index + 1 }) };
        reader.line(*letter, value, index + 1)?;
    }
    reader.finish()
}

/// What has been read so far; everything after an `m=` belongs to the last of `media`.
#[derive(Default)]
struct Reader {
    version: bool,
    origin: Option<Origin>,
    name: Vec<u8>,
    connection: Option<Address>,
    direction: Option<Direction>,
    attributes: Vec<Attribute>,
    media: Vec<Media>,
}

impl Reader {
    fn line(&mut self, letter: u8, value: &[u8], line: usize) -> Result<(), Malformed> {
        let room = self.media.len() < MAX_MEDIA;
        match (letter, self.media.last_mut()) {
            (b'm', _) if !room => return Err(Malformed::TooManyMedia),
            (b'm', _) => self.media.push(media(value, line)?),
            (b'c', Some(media)) => {
                media.connection.get_or_insert_with(|| address(value));
            }
            (b'c', None) => {
                self.connection.get_or_insert_with(|| address(value));
            }
            (b'a', Some(media)) => media_attribute(media, value),
            (b'a', None) => match direction(value) {
                Some(direction) => self.direction = Some(direction),
                None => self.attributes.push(attribute(value)),
            },
            (b'v', None) if value.trim_ascii() == b"0" => self.version = true,
            (b'v', None) => return Err(Malformed::Line { line }),
            (b'o', None) => self.origin = Some(origin(value).ok_or(Malformed::Line { line })?),
            (b's', None) => self.name = value.to_vec(),
            // Times, bandwidths, contacts and the like: nothing that media depends on.
            _ => {}
        }
        Ok(())
    }

    fn finish(self) -> Result<SessionDescription, Malformed> {
        if !self.version {
            return Err(Malformed::Missing('v'));
        }
        Ok(SessionDescription {
            origin: self.origin.ok_or(Malformed::Missing('o'))?,
            name: self.name,
            connection: self.connection,
            direction: self.direction,
            attributes: self.attributes,
            media: self.media,
        })
    }
}

fn words(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty())
}

fn number<N: FromStr>(word: &[u8]) -> Option<N> {
    // `parse` would take a sign.
    word.iter().all(u8::is_ascii_digit).then(|| std::str::from_utf8(word).ok()?.parse().ok()).flatten()
}

/// `o=user session version IN IP4 address`. Numbers may be longer than 64 bits; we only compare them, so the lower
/// bits serve.
fn origin(value: &[u8]) -> Option<Origin> {
    fn id(word: &[u8]) -> Option<u64> {
        word.iter().try_fold(0u64, |sum, byte| {
            let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
            Some(sum.wrapping_mul(10).wrapping_add(digit))
        })
    }
    let mut words = words(value);
    let user = words.next()?.to_vec();
    let session = id(words.next()?)?;
    let version = id(words.next()?)?;
    Some(Origin { user, session, version, address: address(&words.collect::<Vec<_>>().join(&b' ')) })
}

fn address(value: &[u8]) -> Address {
    let words: Vec<_> = words(value).collect();
    if let [network, kind, host] = words[..]
        && network.eq_ignore_ascii_case(b"IN")
        && let Some(ip) = ip(kind, host)
    {
        return Address::Ip(ip);
    }
    Address::Other(words.join(&b' '))
}

fn ip(kind: &[u8], host: &[u8]) -> Option<IpAddr> {
    let host = std::str::from_utf8(host).ok()?;
    match () {
        () if kind.eq_ignore_ascii_case(b"IP4") => host.parse().ok().map(IpAddr::V4),
        () if kind.eq_ignore_ascii_case(b"IP6") => host.parse().ok().map(IpAddr::V6),
        () => None,
    }
}

/// `m=kind port[/count] protocol format…`
fn media(value: &[u8], line: usize) -> Result<Media, Malformed> {
    let mut words = words(value);
    let mut word = || words.next().ok_or(Malformed::Line { line });
    let kind = word()?.to_vec();
    let port = word()?.split(|byte| *byte == b'/').next().and_then(number);
    let port = port.ok_or(Malformed::Line { line })?;
    let protocol = word()?.to_vec();
    let formats: Vec<_> = words
        .take(MAX_FORMATS + 1)
        .map(|name| Format { name: name.to_vec(), map: None, parameters: None })
        .collect();
    if formats.len() > MAX_FORMATS {
        return Err(Malformed::TooManyFormats { line });
    }
    Ok(Media {
        kind,
        port,
        protocol,
        formats,
        connection: None,
        direction: None,
        ptime: None,
        rtcp: None,
        rtcp_mux: false,
        crypto: Vec::new(),
        attributes: Vec::new(),
    })
}

fn attribute(value: &[u8]) -> Attribute {
    match value.iter().position(|byte| *byte == b':') {
        Some(colon) => Attribute { name: value[..colon].to_vec(), value: Some(value[colon + 1..].to_vec()) },
        None => Attribute { name: value.to_vec(), value: None },
    }
}

fn direction(value: &[u8]) -> Option<Direction> {
    match value {
        b"sendrecv" => Some(Direction::SendRecv),
        b"sendonly" => Some(Direction::SendOnly),
        b"recvonly" => Some(Direction::RecvOnly),
        b"inactive" => Some(Direction::Inactive),
        _ => None,
    }
}

/// An attribute that we have a field for but cannot read is passed over, as if it were not there.
fn media_attribute(media: &mut Media, value: &[u8]) {
    if let Some(direction) = direction(value) {
        media.direction = Some(direction);
        return;
    }
    let attribute = attribute(value);
    match (&attribute.name[..], &attribute.value) {
        (b"rtcp-mux", None) => media.rtcp_mux = true,
        (b"ptime", Some(value)) => media.ptime = number(value.trim_ascii()).or(media.ptime),
        (b"rtcp", Some(value)) => media.rtcp = rtcp(value).or(media.rtcp),
        (b"rtpmap", Some(value)) => {
            if let Some((format, rest)) = of_format(media, value) {
                format.map = map(rest).or(format.map.take());
            }
        }
        (b"fmtp", Some(value)) => {
            if let Some((format, rest)) = of_format(media, value) {
                format.parameters = Some(rest.to_vec());
            }
        }
        // A line that we cannot use is dropped, for it may hold a key.
        (b"crypto", Some(value)) => media.crypto.extend(Crypto::parse(value)),
        _ => media.attributes.push(attribute),
    }
}

/// `format rest`, if there is such a format.
fn of_format<'m, 'v>(media: &'m mut Media, value: &'v [u8]) -> Option<(&'m mut Format, &'v [u8])> {
    let value = value.trim_ascii();
    let (name, rest) = value.split_at(value.iter().position(u8::is_ascii_whitespace)?);
    media.formats.iter_mut().find(|format| format.name == name).map(|format| (format, rest.trim_ascii()))
}

/// `encoding/clock[/rest]`
fn map(value: &[u8]) -> Option<Map> {
    let mut parts = value.splitn(3, |byte| *byte == b'/');
    let encoding = parts.next().filter(|encoding| !encoding.is_empty())?.to_vec();
    let clock_rate = number(parts.next()?).filter(|rate| *rate > 0)?;
    Some(Map { encoding, clock_rate, rest: parts.next().map(<[u8]>::to_vec) })
}

/// `port [IN IP4 address]` (RFC 3605 §2.1)
fn rtcp(value: &[u8]) -> Option<(u16, Option<IpAddr>)> {
    let mut words = words(value);
    let port = number(words.next()?).filter(|port| *port > 0)?;
    let ip = match (words.next(), words.next(), words.next()) {
        (Some(network), Some(kind), Some(host)) if network.eq_ignore_ascii_case(b"IN") => ip(kind, host),
        _ => None,
    };
    Some((port, ip))
}
