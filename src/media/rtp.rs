//! RTP packets (RFC 3550 §5.1) read and written in place.

/// Bytes of the header that we write: no CSRC, no extension.
pub const HEADER_BYTES: usize = 12;

/// Why a datagram is not RTP. The sender's fault; it is counted and dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("shorter than its header says")]
    Truncated,
    #[error("not RTP version 2")]
    Version,
    #[error("padding longer than the payload, or of length zero")]
    Padding,
}

/// A view of a received packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    pub marker: bool,
    /// 0–127.
    pub payload_type: u8,
    pub sequence: u16,
    /// In units of the codec's clock.
    pub timestamp: u32,
    pub ssrc: u32,
    /// Contributing sources, four bytes each, at most 15.
    pub csrcs: &'a [u8],
    /// Profile-defined word and data of the header extension.
    pub extension: Option<(u16, &'a [u8])>,
    /// Without padding.
    pub payload: &'a [u8],
    /// Bytes of padding after the payload.
    pub padding: u8,
}

impl<'a> Packet<'a> {
    /// Reads a datagram without copying.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, Malformed> {
        todo!()
    }
}

/// The header of a packet to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub marker: bool,
    /// 0–127; a higher bit is dropped.
    pub payload_type: u8,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
}

impl Header {
    /// The payload follows at `HEADER_BYTES`.
    pub fn write(&self, buffer: &mut [u8; HEADER_BYTES]) {
        todo!()
    }
}

/// True if a datagram on a shared port is RTCP, not RTP (RFC 5761 §4: the second byte is 192–223).
pub fn is_rtcp(datagram: &[u8]) -> bool {
    matches!(datagram.get(1), Some(192..=223))
}
