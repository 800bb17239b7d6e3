//! Offer and answer (RFC 3264): the only place where a codec is chosen.

use std::net::{IpAddr, SocketAddr};

use super::session::{Address, Format, Map, Media, Origin, SessionDescription};
use crate::media::command::{Codec, Direction, Rtcp, Session};

mod security;

pub use security::{Keys, Security, Terms, security_of};

/// Payload type of telephone-event where we offer; any dynamic number would do, this one phones expect.
const TELEPHONE_EVENT: u8 = 101;

/// The events we take: digits 0–9, *, #, A–D (RFC 4733 §3.2).
const EVENTS: &[u8] = b"0-15";

/// Packets that we send hold 20 ms.
const PTIME_MS: u32 = 20;

/// Our end of a stream.
#[derive(Clone, Copy, Debug)]
pub struct Local<'a> {
    pub address: IpAddr,
    /// RTP; RTCP is one above.
    pub port: u16,
    /// `o=` session id: the same for the life of the dialog.
    pub session: u64,
    /// `o=` version: one more for each description that differs from the last (RFC 3264 §8).
    pub version: u64,
    /// In order of preference; what is not here is not agreed to.
    pub codecs: &'a [Codec],
    /// Taken before the peer's order if the peer has it: the codec of the other leg, so that packets are relayed
    /// as they are.
    pub prefer: Option<Codec>,
    /// What we want, as we see it; the result never goes beyond it.
    pub direction: Direction,
    /// Offer or accept telephone-event/8000.
    pub telephone_event: bool,
    /// Whether the stream is protected, and by which keys.
    pub srtp: Terms<'a>,
}

/// Why no media can be agreed on. The answer is 488 (to an offer) or the end of the call (to an answer).
/// In the order of how far the nearest stream came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum NotAcceptable {
    #[error("no audio stream is offered")]
    NoAudio,
    #[error("every audio stream wants a transport that we cannot or will not serve")]
    Transport,
    #[error("SRTP without a suite, a key and parameters that we can use")]
    NoKeys,
    #[error("the media address is not one host's IP address of our family")]
    Address,
    #[error("no codec in common")]
    NoCodec,
    #[error("the answer does not fit the offer")]
    Mismatch,
    #[error("the peer refused the audio stream")]
    Refused,
}

/// Answers an offer: the description to send and what the stream will do.
///
/// The first audio stream that we can serve is taken; every other stream is refused with port 0, in its place
/// (RFC 3264 §6). While the peer holds us by `c=0.0.0.0` the stream's `remote` is that address, and nothing is sent.
pub fn answer(
    offer: &SessionDescription,
    ours: &Local,
) -> Result<(SessionDescription, Session), NotAcceptable> {
    let mut why = NotAcceptable::NoAudio;
    for (place, media) in offer.media.iter().enumerate() {
        match agree(offer, media, ours) {
            Ok(session) => {
                let mut answered: Vec<Media> = offer.media.iter().map(refused).collect();
                answered[place] = answering(media, &session, ours);
                return Ok((describe(ours, answered), session));
            }
            // Of several streams the one that came nearest says most.
            Err(reason) => why = why.max(reason),
        }
    }
    Err(why)
}

/// Offers one audio stream with all of `ours.codecs`, `ours.prefer` first.
pub fn offer(ours: &Local) -> SessionDescription {
    let preferred = ours.prefer.filter(|codec| ours.codecs.contains(codec));
    let others = ours.codecs.iter().copied().filter(|codec| Some(*codec) != preferred);
    let mut formats: Vec<Format> = preferred
        .into_iter()
        .chain(others)
        .map(|codec| codec_format(codec, codec.static_payload_type()))
        .collect();
    if ours.telephone_event {
        formats.push(event_format(TELEPHONE_EVENT));
    }
    let media = Media {
        kind: b"audio".to_vec(),
        port: ours.port,
        protocol: ours.srtp.protocol().to_vec(),
        formats,
        connection: None,
        direction: Some(ours.direction),
        ptime: Some(PTIME_MS),
        rtcp: None,
        rtcp_mux: false,
        crypto: ours.srtp.lines(),
        attributes: Vec::new(),
    };
    describe(ours, vec![media])
}

/// What the stream will do, by the peer's answer to an offer of ours.
///
/// If the peer numbers telephone-event otherwise than we did, its number is taken: whoever does so sends it too.
pub fn accept_answer(
    offer: &SessionDescription,
    answer: &SessionDescription,
) -> Result<Session, NotAcceptable> {
    let place = offer.media.iter().position(Media::is_audio).ok_or(NotAcceptable::Mismatch)?;
    let (offered, answered) = (&offer.media[place], answer.media.get(place).ok_or(NotAcceptable::Mismatch)?);
    if !answered.is_audio() {
        return Err(NotAcceptable::Mismatch);
    }
    if answered.port == 0 {
        return Err(NotAcceptable::Refused);
    }
    let Some(Address::Ip(address)) = offer.address_of(offered) else { return Err(NotAcceptable::Mismatch) };
    let codecs: Vec<Codec> = offered.formats.iter().filter_map(codec_of).collect();
    let ours = Local {
        address: *address,
        port: offered.port,
        session: offer.origin.session,
        version: offer.origin.version,
        codecs: &codecs,
        prefer: None,
        direction: offer.direction_of(offered),
        telephone_event: offered.formats.iter().any(|format| is_telephone_event(format, 8_000)),
        srtp: Terms::of_offer(offered),
    };
    if security::is_secure(&answered.protocol) != security::is_secure(&offered.protocol) {
        return Err(NotAcceptable::Mismatch);
    }
    // RFC 5761 §5.1.1: what was not offered is not agreed to.
    let answered = Media { rtcp_mux: answered.rtcp_mux && offered.rtcp_mux, ..answered.clone() };
    agree(answer, &answered, &ours)
}

/// What both sides can do with one stream of theirs.
fn agree(theirs: &SessionDescription, media: &Media, ours: &Local) -> Result<Session, NotAcceptable> {
    if !media.is_audio() || media.port == 0 {
        return Err(NotAcceptable::NoAudio);
    }
    let srtp = ours.srtp.agree(media)?.map(Box::new);
    let Some(Address::Ip(address)) = theirs.address_of(media) else { return Err(NotAcceptable::Address) };
    if address.is_ipv4() != ours.address.is_ipv4() {
        return Err(NotAcceptable::Address);
    }
    let reports = media.rtcp.and_then(|(_, other)| other);
    if is_many(*address) || reports.is_some_and(is_many) {
        return Err(NotAcceptable::Address);
    }
    let (codec, payload_type) = choose(media, ours).ok_or(NotAcceptable::NoCodec)?;
    let event = media.formats.iter().find(|format| is_telephone_event(format, codec.clock_rate()));
    let telephone_event = event.filter(|_| ours.telephone_event).and_then(Format::payload_type);
    let rtcp = match media.rtcp {
        _ if media.rtcp_mux => Rtcp::Muxed,
        Some((port, other)) => Rtcp::At(SocketAddr::new(other.unwrap_or(*address), port)),
        None => Rtcp::At(SocketAddr::new(*address, media.port.saturating_add(1))),
    };
    Ok(Session {
        remote: SocketAddr::new(*address, media.port),
        rtcp,
        codec,
        payload_type,
        telephone_event,
        direction: direction(ours.direction, theirs.direction_of(media), address.is_unspecified()),
        in_band_digits: telephone_event.is_none(),
        srtp,
    })
}

/// Whether what is sent there reaches more than one host. A call is with one; many would be made to listen to it.
fn is_many(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_multicast() || address.is_broadcast(),
        IpAddr::V6(address) => address.is_multicast(),
    }
}

/// The preferred codec if the peer has it, else the first of the peer's that we have: the peer listed them in its
/// order, and the answer should keep to it (RFC 3264 §6.1).
fn choose(media: &Media, ours: &Local) -> Option<(Codec, u8)> {
    let known = media.formats.iter().filter_map(|format| Some((codec_of(format)?, format.payload_type()?)));
    let mut usable = known.filter(|(codec, _)| ours.codecs.contains(codec));
    usable.clone().find(|(codec, _)| Some(*codec) == ours.prefer).or_else(|| usable.next())
}

/// By its map, or by its static number if it has none (RFC 3551 §6).
fn codec_of(format: &Format) -> Option<Codec> {
    let number = format.payload_type()?;
    Codec::ALL.iter().copied().find(|codec| match &format.map {
        Some(map) => {
            map.encoding.eq_ignore_ascii_case(codec.name().as_bytes())
                && map.clock_rate == codec.clock_rate()
                && map.rest.as_deref().is_none_or(|channels| channels == b"1")
        }
        None => number == codec.static_payload_type(),
    })
}

/// Events run on the clock of the audio that they stand in for (RFC 4733 §2.1), so those at 48 kHz belong to Opus.
fn is_telephone_event(format: &Format, clock_rate: u32) -> bool {
    format.map.as_ref().is_some_and(|map| {
        map.encoding.eq_ignore_ascii_case(b"telephone-event") && map.clock_rate == clock_rate
    })
}

/// Our direction within what the peer's leaves (RFC 3264 §6.1). `deaf`: the peer gave the address 0.0.0.0, the hold
/// of RFC 2543.
fn direction(ours: Direction, theirs: Direction, deaf: bool) -> Direction {
    let sends = |direction| matches!(direction, Direction::SendRecv | Direction::SendOnly);
    let receives = |direction| matches!(direction, Direction::SendRecv | Direction::RecvOnly);
    match (sends(ours) && receives(theirs) && !deaf, receives(ours) && sends(theirs)) {
        (true, true) => Direction::SendRecv,
        (true, false) => Direction::SendOnly,
        (false, true) => Direction::RecvOnly,
        (false, false) => Direction::Inactive,
    }
}

fn answering(offered: &Media, session: &Session, ours: &Local) -> Media {
    let mut formats = vec![codec_format(session.codec, session.payload_type)];
    formats.extend(session.telephone_event.map(event_format));
    Media {
        kind: offered.kind.clone(),
        port: ours.port,
        protocol: offered.protocol.clone(),
        formats,
        connection: None,
        direction: Some(session.direction),
        ptime: Some(PTIME_MS),
        rtcp: None,
        rtcp_mux: offered.rtcp_mux,
        crypto: security::taken(offered, session.srtp.as_deref()).into_iter().collect(),
        attributes: Vec::new(),
    }
}

fn refused(offered: &Media) -> Media {
    let formats =
        offered.formats.iter().map(|format| Format { map: None, parameters: None, ..format.clone() });
    Media {
        kind: offered.kind.clone(),
        port: 0,
        protocol: offered.protocol.clone(),
        formats: formats.collect(),
        connection: None,
        direction: None,
        ptime: None,
        rtcp: None,
        rtcp_mux: false,
        crypto: Vec::new(),
        attributes: Vec::new(),
    }
}

fn describe(ours: &Local, media: Vec<Media>) -> SessionDescription {
    let address = Address::Ip(ours.address);
    SessionDescription {
        origin: Origin {
            user: b"-".to_vec(),
            session: ours.session,
            version: ours.version,
            address: address.clone(),
        },
        name: b"-".to_vec(),
        connection: Some(address),
        direction: None,
        attributes: Vec::new(),
        media,
    }
}

fn codec_format(codec: Codec, payload_type: u8) -> Format {
    let map = Map { encoding: codec.name().into(), clock_rate: codec.clock_rate(), rest: None };
    Format { name: payload_type.to_string().into(), map: Some(map), parameters: None }
}

fn event_format(payload_type: u8) -> Format {
    let map = Map { encoding: b"telephone-event".to_vec(), clock_rate: 8_000, rest: None };
    Format { name: payload_type.to_string().into(), map: Some(map), parameters: Some(EVENTS.to_vec()) }
}

#[cfg(test)]
mod tests;
