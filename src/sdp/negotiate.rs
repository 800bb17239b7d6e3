//! Offer and answer (RFC 3264): the only place where a codec is chosen.

use std::net::{IpAddr, SocketAddr};

use super::session::{Address, Attribute, Format, Map, Media, Origin, SessionDescription};
use crate::media::command::{Codec, Direction, Extended, Rtcp, Session};

mod security;

pub use security::{Keys, Security, Terms, security_of};

/// Payload type of telephone-event/8000 where we offer; any dynamic number would do, this one phones expect.
const TELEPHONE_EVENT: u8 = 101;

/// The same for events on the clock of Opus.
const TELEPHONE_EVENT_48: u8 = 110;

/// What we say of the Opus that we take: we can use the copies that a sender adds against loss. All else is as RFC 7587
/// §6.1 has it unsaid: 48 kHz, one channel, any bit rate, no silence suppression wanted.
const OPUS_PARAMETERS: &[u8] = b"useinbandfec=1";

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
    /// Offer or accept telephone-event.
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
    let mut formats: Vec<Format> =
        preferred.into_iter().chain(others).map(|codec| codec_format(codec, codec.payload_type())).collect();
    if ours.telephone_event {
        // One for each clock (RFC 4733 §2.1); the usual one first.
        let on = |clock_rate| ours.codecs.iter().any(|codec| codec.clock_rate() == clock_rate);
        let events = [(8_000, TELEPHONE_EVENT), (48_000, TELEPHONE_EVENT_48)];
        let wanted = events.into_iter().filter(|(clock_rate, _)| on(*clock_rate));
        formats.extend(wanted.map(|(clock_rate, number)| event_format(number, clock_rate)));
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
        attributes: vec![wishes()],
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
        telephone_event: offered.formats.iter().any(|format| event_clock(format).is_some()),
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
    let telephone_event = events(media, codec).filter(|_| ours.telephone_event).map(|(number, _)| number);
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
        extended: extended(media),
        srtp,
    })
}

/// The attribute of extended reports (RFC 3611 §5.1).
const EXTENDED: &[u8] = b"rtcp-xr";

/// Our half of it: what we would like to be told, and that we answer reference times.
const WISHES: &[u8] = b"rcvr-rtt=all stat-summary=loss,dup,jitt voip-metrics";

/// Extended reports that the peer asks of us (RFC 3611 §5.2): whoever names a block wants it sent. An unknown name is
/// passed over.
fn extended(media: &Media) -> Extended {
    let mut wanted = Extended::default();
    let named = media.attributes.iter().filter(|attribute| attribute.name.eq_ignore_ascii_case(EXTENDED));
    let values = named.filter_map(|attribute| attribute.value.as_deref());
    for format in values.flat_map(|value| value.split(u8::is_ascii_whitespace)) {
        match format.split(|byte| *byte == b'=').next() {
            Some(b"rcvr-rtt") => wanted.receiver_round_trip = true,
            Some(b"stat-summary") => wanted.statistics = true,
            Some(b"voip-metrics") => wanted.voip = true,
            _ => {}
        }
    }
    wanted
}

/// The attribute as we write it.
fn wishes() -> Attribute {
    Attribute { name: EXTENDED.to_vec(), value: Some(WISHES.to_vec()) }
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
                && map.rest.as_deref().unwrap_or(b"1") == codec.channels().unwrap_or("1").as_bytes()
        }
        None => Some(number) == codec.static_payload_type(),
    })
}

/// Payload type and clock of the events that go with `codec`: on its clock (RFC 4733 §2.1), so those at 48 kHz belong to
/// Opus. Phones that have Opus and events at 8 kHz only send those beside it.
fn events(media: &Media, codec: Codec) -> Option<(u8, u32)> {
    let on = |clock_rate| {
        let format = media.formats.iter().find(|format| event_clock(format) == Some(clock_rate))?;
        Some((format.payload_type()?, clock_rate))
    };
    on(codec.clock_rate()).or_else(|| if codec == Codec::Opus { on(8_000) } else { None })
}

/// The clock of a format that is telephone-event.
fn event_clock(format: &Format) -> Option<u32> {
    let map = format.map.as_ref()?;
    map.encoding.eq_ignore_ascii_case(b"telephone-event").then_some(map.clock_rate)
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
    let events = events(offered, session.codec).filter(|_| session.telephone_event.is_some());
    formats.extend(events.map(|(number, clock_rate)| event_format(number, clock_rate)));
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
        // Only to who knows the word: others have nothing to do with it.
        attributes: if session.extended.is_empty() { Vec::new() } else { vec![wishes()] },
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
    let rest = codec.channels().map(Into::into);
    let map = Map { encoding: codec.name().into(), clock_rate: codec.clock_rate(), rest };
    let parameters = (codec == Codec::Opus).then(|| OPUS_PARAMETERS.to_vec());
    Format { name: payload_type.to_string().into(), map: Some(map), parameters }
}

fn event_format(payload_type: u8, clock_rate: u32) -> Format {
    let map = Map { encoding: b"telephone-event".to_vec(), clock_rate, rest: None };
    Format { name: payload_type.to_string().into(), map: Some(map), parameters: Some(EVENTS.to_vec()) }
}

#[cfg(test)]
mod tests;
