//! Offer and answer (RFC 3264): the only place where a codec is chosen.

use std::net::IpAddr;

use super::session::SessionDescription;
use crate::media::command::{Codec, Direction, Session};

/// Our end of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
}

/// Why no media can be agreed on. The answer is 488 (to an offer) or the end of the call (to an answer).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAcceptable {
    #[error("no audio stream is offered")]
    NoAudio,
    #[error("every audio stream wants a transport other than RTP/AVP or RTP/AVPF")]
    Transport,
    #[error("no codec in common")]
    NoCodec,
    #[error("the media address is not an IP address of our family")]
    Address,
    #[error("the answer does not fit the offer")]
    Mismatch,
    #[error("the peer refused the audio stream")]
    Refused,
}

/// Answers an offer: the description to send and what the stream will do.
pub fn answer(
    offer: &SessionDescription,
    ours: &Local,
) -> Result<(SessionDescription, Session), NotAcceptable> {
    todo!()
}

/// Offers one audio stream with all of `ours.codecs`, `ours.prefer` first.
pub fn offer(ours: &Local) -> SessionDescription {
    todo!()
}

/// What the stream will do, by the peer's answer to an offer of ours.
pub fn accept_answer(
    offer: &SessionDescription,
    answer: &SessionDescription,
) -> Result<Session, NotAcceptable> {
    todo!()
}
