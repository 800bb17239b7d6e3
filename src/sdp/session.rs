//! Session descriptions as data, whatever bytes they came as.

use std::net::IpAddr;

use super::crypto::Crypto;

pub use crate::media::command::Direction;

/// Lines in a description; a browser's offer has under 150. More: `Malformed::TooManyLines`.
pub const MAX_LINES: usize = 500;
/// Media sections. More: `Malformed::TooManyMedia`.
pub const MAX_MEDIA: usize = 16;
/// Formats of one media section. More: `Malformed::TooManyFormats`.
pub const MAX_FORMATS: usize = 64;
/// Bytes of a description. More: `Malformed::TooLong`.
pub const MAX_BYTES: usize = 65_535;

/// Why bytes are not a session description. The peer's fault: 400 or 488.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("over {MAX_BYTES} bytes")]
    TooLong,
    #[error("over {MAX_LINES} lines")]
    TooManyLines,
    #[error("over {MAX_MEDIA} media sections")]
    TooManyMedia,
    #[error("over {MAX_FORMATS} formats in a media section, line {line}")]
    TooManyFormats { line: usize },
    #[error("line {line} is not `letter=value`, or its value cannot be read")]
    Line { line: usize },
    #[error("`{0}=` is missing")]
    Missing(char),
}

/// `o=`: tells one session, and one version of it, from another (RFC 8866 §5.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub user: Vec<u8>,
    pub session: u64,
    pub version: u64,
    pub address: Address,
}

/// Where something is. We send only to addresses; a name is kept to be written again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    Ip(IpAddr),
    /// A host name, multicast, or a network that we do not know: the words as they came.
    Other(Vec<u8>),
}

/// An `a=` line that we have no field for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    pub name: Vec<u8>,
    /// After the colon; `None` for a flag.
    pub value: Option<Vec<u8>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionDescription {
    pub origin: Origin,
    /// `s=`
    pub name: Vec<u8>,
    /// Session level `c=`.
    pub connection: Option<Address>,
    /// Session level direction, as the describer sees it.
    pub direction: Option<Direction>,
    pub attributes: Vec<Attribute>,
    pub media: Vec<Media>,
}

/// An `m=` section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// `audio`, `video`, …
    pub kind: Vec<u8>,
    /// 0: refused or removed (RFC 3264 §6).
    pub port: u16,
    /// `RTP/AVP`, …
    pub protocol: Vec<u8>,
    pub formats: Vec<Format>,
    pub connection: Option<Address>,
    /// As the describer sees it.
    pub direction: Option<Direction>,
    /// Milliseconds.
    pub ptime: Option<u32>,
    /// `a=rtcp` (RFC 3605): port, and address if another than the media's.
    pub rtcp: Option<(u16, Option<IpAddr>)>,
    /// `a=rtcp-mux` (RFC 5761).
    pub rtcp_mux: bool,
    /// The `a=crypto` lines that we can use, in their order.
    pub crypto: Vec<Crypto>,
    pub attributes: Vec<Attribute>,
}

/// One format of a media section with its `a=rtpmap` and `a=fmtp`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    /// The payload type in RTP; any word in other protocols.
    pub name: Vec<u8>,
    pub map: Option<Map>,
    pub parameters: Option<Vec<u8>>,
}

/// `a=rtpmap`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    pub encoding: Vec<u8>,
    /// Hz.
    pub clock_rate: u32,
    /// Usually channels.
    pub rest: Option<Vec<u8>>,
}

impl SessionDescription {
    /// Reads a body. Lines may end in CRLF, LF or CR; lines and attributes that we do not know are passed over or kept
    /// as they are; only what we cannot do without must be there and readable.
    pub fn parse(body: &[u8]) -> Result<Self, Malformed> {
        super::parse::description(body)
    }

    /// Writes it as a body, CRLF after every line.
    pub fn write(&self) -> Vec<u8> {
        super::write::description(self)
    }

    /// Where `media` is, by its own `c=` or the session's.
    pub fn address_of<'a>(&'a self, media: &'a Media) -> Option<&'a Address> {
        media.connection.as_ref().or(self.connection.as_ref())
    }

    /// Direction of `media`, as the describer sees it: its own, else the session's, else both ways (RFC 8866 §6.7).
    pub fn direction_of(&self, media: &Media) -> Direction {
        media.direction.or(self.direction).unwrap_or(Direction::SendRecv)
    }

    /// The same description again, as in a session refresh: nothing is to be negotiated (RFC 3264 §8).
    pub fn repeats(&self, earlier: &SessionDescription) -> bool {
        self.origin == earlier.origin
    }
}

impl Media {
    pub fn is_audio(&self) -> bool {
        self.kind.eq_ignore_ascii_case(b"audio")
    }
}

impl Format {
    /// 0–127, for RTP.
    pub fn payload_type(&self) -> Option<u8> {
        std::str::from_utf8(&self.name).ok()?.parse().ok().filter(|number| *number < 128)
    }
}

#[cfg(test)]
mod tests;
