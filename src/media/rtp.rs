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
        let (fixed, rest) = datagram.split_first_chunk::<HEADER_BYTES>().ok_or(Malformed::Truncated)?;
        let &[first, second, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3] = fixed;
        if first >> 6 != 2 {
            return Err(Malformed::Version);
        }
        let csrc_bytes = usize::from(first & 0x0F) * 4;
        let (csrcs, rest) = rest.split_at_checked(csrc_bytes).ok_or(Malformed::Truncated)?;
        let (extension, rest) = if first & 0x10 != 0 { read_extension(rest)? } else { (None, rest) };
        let padding = if first & 0x20 != 0 { *rest.last().ok_or(Malformed::Padding)? } else { 0 };
        if first & 0x20 != 0 && (padding == 0 || usize::from(padding) > rest.len()) {
            return Err(Malformed::Padding);
        }
        Ok(Packet {
            marker: second & 0x80 != 0,
            payload_type: second & 0x7F,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([c0, c1, c2, c3]),
            csrcs,
            extension,
            payload: &rest[..rest.len() - usize::from(padding)],
            padding,
        })
    }
}

type Extension<'a> = Option<(u16, &'a [u8])>;

/// RFC 3550 §5.3.1: a profile's word, the length in words of four bytes, the data.
fn read_extension(bytes: &[u8]) -> Result<(Extension<'_>, &[u8]), Malformed> {
    let (&[p0, p1, n0, n1], rest) = bytes.split_first_chunk::<4>().ok_or(Malformed::Truncated)?;
    let length = usize::from(u16::from_be_bytes([n0, n1])) * 4;
    let (data, rest) = rest.split_at_checked(length).ok_or(Malformed::Truncated)?;
    Ok((Some((u16::from_be_bytes([p0, p1]), data)), rest))
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
        buffer[0] = 2 << 6;
        buffer[1] = u8::from(self.marker) << 7 | self.payload_type & 0x7F;
        buffer[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        buffer[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        buffer[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
    }
}

/// True if a datagram on a shared port is RTCP, not RTP (RFC 5761 §4: the second byte is 192–223).
pub fn is_rtcp(datagram: &[u8]) -> bool {
    matches!(datagram.get(1), Some(192..=223))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;
    use webrtc_util::marshal::Unmarshal;

    fn header() -> Header {
        Header { marker: true, payload_type: 8, sequence: 0xFFFE, timestamp: 0x0102_0304, ssrc: 0xDEAD_BEEF }
    }

    fn datagram(tail: &[u8]) -> Vec<u8> {
        let mut bytes = [0; HEADER_BYTES];
        header().write(&mut bytes);
        [&bytes, tail].concat()
    }

    #[test]
    fn a_written_header_reads_back() {
        let bytes = datagram(b"voice");
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!(
            (packet.marker, packet.payload_type, packet.sequence, packet.timestamp, packet.ssrc),
            (true, 8, 0xFFFE, 0x0102_0304, 0xDEAD_BEEF)
        );
        assert_eq!((packet.payload, packet.padding, packet.csrcs.len()), (&b"voice"[..], 0, 0));
        assert!(!is_rtcp(&bytes));
        assert!(is_rtcp(&[0x80, 200]));
    }

    #[test]
    fn sources_extension_and_padding_are_taken_off_the_payload() {
        let mut bytes = datagram(&[1, 1, 1, 1, 2, 2, 2, 2, 0xBE, 0xDE, 0, 1, 9, 9, 9, 9, b'a', b'b', 0, 2]);
        bytes[0] |= 0x30 | 2;
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!(packet.csrcs, [1, 1, 1, 1, 2, 2, 2, 2]);
        assert_eq!(packet.extension, Some((0xBEDE, &[9, 9, 9, 9][..])));
        assert_eq!((packet.payload, packet.padding), (&b"ab"[..], 2));
    }

    #[test]
    fn what_its_header_does_not_hold_is_refused() {
        let mut bytes = datagram(&[0, 0, 0, 5]);
        assert_eq!(Packet::parse(&bytes[..11]), Err(Malformed::Truncated));
        bytes[0] = 0x40;
        assert_eq!(Packet::parse(&bytes), Err(Malformed::Version));
        bytes[0] = 0x80 | 0x20;
        assert_eq!(Packet::parse(&bytes), Err(Malformed::Padding), "five of four bytes");
        bytes[15] = 0;
        assert_eq!(Packet::parse(&bytes), Err(Malformed::Padding), "none, though announced");
        bytes[0] = 0x80 | 0x0F;
        assert_eq!(Packet::parse(&bytes), Err(Malformed::Truncated));
        bytes[0] = 0x80 | 0x10;
        bytes[15] = 1;
        assert_eq!(Packet::parse(&bytes), Err(Malformed::Truncated), "extension of one word");
    }

    #[test]
    fn any_bytes_are_read_without_panic() {
        bolero::check!().with_iterations(20_000).for_each(|bytes: &[u8]| {
            if let Ok(packet) = Packet::parse(bytes) {
                assert!(packet.payload.len() + HEADER_BYTES <= bytes.len());
            }
        });
    }

    /// Random datagrams with the flags that matter, of a shape that both might accept.
    fn random_datagram(rng: &mut Rng) -> Vec<u8> {
        let mut bytes = vec![0; rng.below(80) as usize + 12];
        rng.fill(&mut bytes);
        bytes[0] = 0x80 | (bytes[0] & 0x30) | rng.below(4) as u8;
        let extension = 12 + usize::from(bytes[0] & 0x0F) * 4;
        if bytes[0] & 0x10 != 0 && bytes.len() > extension + 4 {
            // A profile that the other reader does not look into: it panics on short RFC 8285 elements.
            bytes[extension..extension + 4].copy_from_slice(&[0x12, 0x34, 0, rng.below(6) as u8]);
        }
        if let Some(last) = bytes.last_mut() {
            *last %= 16;
        }
        bytes
    }

    #[test]
    fn an_independent_reader_sees_the_same() {
        let mut rng = Rng::seeded(3550);
        let mut both = 0;
        for _ in 0..5_000 {
            let bytes = random_datagram(&mut rng);
            let theirs = rtp::packet::Packet::unmarshal(&mut &bytes[..]);
            let ours = Packet::parse(&bytes);
            // It lets a padding of zero pass, which RFC 3550 §5.1 rules out: the count includes itself.
            if let (Ok(theirs), Err(why)) = (&theirs, ours) {
                assert!(theirs.header.padding && bytes.last() == Some(&0), "{why}: {bytes:?}");
            }
            let (Ok(theirs), Ok(ours)) = (theirs, ours) else { continue };
            both += 1;
            let header = &theirs.header;
            assert_eq!(
                (header.marker, header.payload_type, header.sequence_number, header.timestamp, header.ssrc),
                (ours.marker, ours.payload_type, ours.sequence, ours.timestamp, ours.ssrc)
            );
            assert_eq!(
                header.csrc.iter().flat_map(|source| source.to_be_bytes()).collect::<Vec<_>>(),
                ours.csrcs
            );
            assert_eq!(
                header.extension.then_some(header.extension_profile),
                ours.extension.map(|(profile, _)| profile)
            );
            assert_eq!(theirs.payload, ours.payload);
        }
        assert!(both > 2_000, "{both}");
    }
}
