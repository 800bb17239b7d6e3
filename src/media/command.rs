//! What the control plane asks of a media worker. Carried by a bounded ring, in order.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::bot::Line;
use super::prompts::{Library, PromptId};
pub use super::rtcp::xr::Extended;
use super::srtp::keying::Keying;
use crate::ids::{CallId, PlayId, StreamId};

/// What an RTP stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// G.711 µ-law, static payload type 0 (RFC 3551 §4.5.14).
    Pcmu,
    /// G.711 A-law, static payload type 8.
    Pcma,
    /// G.722 at 64 kbit/s, static payload type 9. Its RTP clock is 8 kHz, its audio 16 kHz (RFC 3551 §4.5.2).
    G722,
    /// Opus, one channel; a dynamic payload type, RTP clock 48 kHz (RFC 7587).
    Opus,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rtcp {
    /// RTCP on the RTP port (RFC 5761).
    Muxed,
    /// The peer takes RTCP there; ours is RTP port + 1.
    At(SocketAddr),
}

/// Which way audio flows, as seen from us (RFC 3264 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    SendRecv,
    /// We send; what comes is ignored.
    SendOnly,
    /// We only listen.
    RecvOnly,
    Inactive,
}

/// What offer and answer agreed on for one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Where the peer takes RTP, as signalled.
    pub remote: SocketAddr,
    pub rtcp: Rtcp,
    pub codec: Codec,
    /// Payload type of `codec`, both ways.
    pub payload_type: u8,
    /// Payload type of telephone-event (RFC 4733) on the codec's clock, if agreed.
    pub telephone_event: Option<u8>,
    pub direction: Direction,
    /// Look for DTMF tones in what comes in; only where no telephone-event was agreed.
    pub in_band_digits: bool,
    /// Extended reports that the peer asked for.
    pub extended: Extended,
    /// What comes must be SRTP under these keys, what is sent is; `None`: plain RTP.
    pub srtp: Option<Box<Keying>>,
}

/// What a stream's far end hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Silence frames, so that the path stays open and the peer's clock runs.
    Silence,
    /// These prompts in order, then silence. `Event::Played` when the last has been sent.
    Prompts { play: PlayId, prompts: Arc<[PromptId]> },
    /// This prompt again and again, from the start.
    Loop(PromptId),
    /// What the other stream of the same worker receives: relayed, or transcoded if the codecs differ.
    /// Its telephone-events too, if `digits`.
    Peer { stream: StreamId, digits: bool },
    /// What these streams of the same worker receive, added up: the other parties of a conference, both sides for one who
    /// listens, the peer and one who whispers. At most `voice::limits::SOURCES`. Their telephone-events too, if `digits`.
    Mix { streams: Arc<[StreamId]>, digits: bool },
}

#[derive(Debug)]
pub enum Command {
    /// Bind RTP to `port` and RTCP to `port + 1`. `seed` determines SSRC, first sequence number and timestamp.
    Open {
        stream: StreamId,
        local: IpAddr,
        port: u16,
        seed: u64,
    },
    /// The same on the sockets at `port` and `port + 1` that all such streams of the worker share: for trunks, whose
    /// addresses are known (`shared`).
    Join {
        stream: StreamId,
        local: IpAddr,
        port: u16,
        seed: u64,
    },
    /// What was negotiated, at first and on every change.
    Connect {
        stream: StreamId,
        session: Session,
    },
    /// From now on the far end hears this. A play under way ends without `Played`.
    Hear {
        stream: StreamId,
        source: Source,
    },
    /// From now on the far end talks with who has the other end of this line, until the next `Hear`.
    Converse {
        stream: StreamId,
        line: Box<Line>,
    },
    /// Record both directions of this stream on the tape of `call`: what it receives is the caller's side,
    /// what it is sent is the bank's.
    Record {
        stream: StreamId,
        call: CallId,
    },
    StopRecording {
        stream: StreamId,
    },
    /// Close the sockets; `Event::Closed` with the stream's figures follows.
    Close {
        stream: StreamId,
    },
    /// New prompts for plays that start from now on.
    Prompts(Arc<Library>),
}
