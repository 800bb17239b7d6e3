//! SRTP and SRTCP (RFC 3711, RFC 7714), in place and without allocation. Keys come by SDES (`sdp::crypto`).
//!
//! - Both directions of a leg are one `Srtp`; each has its own master key.
//! - State about a source is made only after a packet of it was authenticated, for at most `SRTP_SOURCES` of them.
//! - No index is used twice, neither of what comes nor of what we send: under AES-GCM a nonce used twice gives the key
//!   away, so a packet that a plain leg repeats is not sent again.
//! - A change of keys keeps the indexes (RFC 3711 §3.3.1), and packets under the last key are taken until the first
//!   under the new one.

mod cipher;
mod inbound;
pub mod keying;
mod outbound;
mod window;

use inbound::Inbound;
use keying::Keying;
use outbound::Outbound;

/// Bytes by which `protect` lengthens a packet at most: GCM's tag.
pub const TAG_BYTES: usize = 16;

/// Bytes by which `protect_rtcp` lengthens a compound at most: GCM's tag and the word with the index.
pub const RTCP_TAG_BYTES: usize = 20;

/// Why a packet is not taken. Each is counted and dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("shorter than header and tag, or not of version 2, or not encrypted")]
    Malformed,
    #[error("its index was used, or is too old to tell")]
    Repeated,
    #[error("it is not authentic")]
    Forged,
}

/// Why a packet cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsendable {
    #[error("not an RTP packet or RTCP compound of version 2")]
    Malformed,
    #[error("no room for the tag behind it")]
    NoRoom,
    #[error("its index was used, or is too old to tell")]
    Repeated,
    #[error("another source than the first: a key has one")]
    Source,
    #[error("all indexes of the key are used up (RFC 3711 §9.2)")]
    Spent,
}

/// One end of a leg: what it sends is protected by its own key, what it receives by the peer's.
pub struct Srtp {
    keying: Keying,
    outbound: Outbound,
    inbound: Inbound,
}

impl Srtp {
    /// Derives the session keys: some microseconds and a few allocations, the only ones.
    pub fn new(keying: &Keying) -> Srtp {
        Srtp {
            outbound: Outbound::new(keying.ours()),
            inbound: Inbound::new(keying.theirs()),
            keying: keying.clone(),
        }
    }

    /// Takes new keys. A direction whose key stays goes on as if nothing had happened.
    pub fn rekey(&mut self, keying: &Keying) {
        if self.keying.ours() != keying.ours() {
            self.outbound.rekey(keying.ours());
        }
        if self.keying.theirs() != keying.theirs() {
            self.inbound.rekey(keying.theirs());
        }
        self.keying = keying.clone();
    }

    /// Protects the RTP packet that is the first `length` bytes of `buffer`, in place. The new length, `TAG_BYTES` more at
    /// most.
    pub fn protect(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, Unsendable> {
        self.outbound.protect(buffer, length)
    }

    /// As `protect`, for an RTCP compound; `RTCP_TAG_BYTES` more at most.
    pub fn protect_rtcp(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, Unsendable> {
        self.outbound.protect_rtcp(buffer, length)
    }

    /// Checks and decrypts an RTP packet in place. Its length without the tag. A refused packet changes no state; its
    /// bytes may be spoilt.
    pub fn unprotect(&mut self, packet: &mut [u8]) -> Result<usize, Refused> {
        self.inbound.unprotect(packet)
    }

    /// As `unprotect`, for an RTCP compound.
    pub fn unprotect_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, Refused> {
        self.inbound.unprotect_rtcp(packet)
    }

    /// A protected copy of a plain RTP packet, made in `room`.
    pub fn protected<'a>(&mut self, packet: &[u8], room: &'a mut [u8]) -> Result<&'a [u8], Unsendable> {
        room.get_mut(..packet.len()).ok_or(Unsendable::NoRoom)?.copy_from_slice(packet);
        let length = self.protect(room, packet.len())?;
        Ok(&room[..length])
    }

    /// As `protected`, for an RTCP compound.
    pub fn protected_report<'a>(
        &mut self,
        report: &[u8],
        room: &'a mut [u8],
    ) -> Result<&'a [u8], Unsendable> {
        room.get_mut(..report.len()).ok_or(Unsendable::NoRoom)?.copy_from_slice(report);
        let length = self.protect_rtcp(room, report.len())?;
        Ok(&room[..length])
    }

    /// Sources that something is known of: at most `SRTP_SOURCES`.
    pub fn sources(&self) -> usize {
        self.inbound.sources()
    }
}

impl std::fmt::Debug for Srtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Srtp({}, ..)", self.keying.suite().name())
    }
}

/// SSRC, sequence number and length of the header, which stays readable (RFC 3711 §3.1).
fn rtp_header(packet: &[u8]) -> Option<(u32, u16, usize)> {
    let fixed = packet.first_chunk::<12>()?;
    if fixed[0] >> 6 != 2 {
        return None;
    }
    let mut header = 12 + usize::from(fixed[0] & 0x0F) * 4;
    if fixed[0] & 0x10 != 0 {
        let words = packet.get(header + 2..header + 4)?;
        header += 4 + usize::from(u16::from_be_bytes([words[0], words[1]])) * 4;
    }
    let ssrc = u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]);
    let sequence = u16::from_be_bytes([fixed[2], fixed[3]]);
    (header <= packet.len()).then_some((ssrc, sequence, header))
}

/// SSRC of the sender of a compound.
fn rtcp_source(packet: &[u8]) -> Option<u32> {
    let head = packet.first_chunk::<{ cipher::RTCP_HEADER }>()?;
    (head[0] >> 6 == 2).then(|| u32::from_be_bytes([head[4], head[5], head[6], head[7]]))
}

#[cfg(test)]
mod tests;
