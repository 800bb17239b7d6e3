//! SRTP by the vectors of its RFCs, and what must hold between two ends.

mod ends;
mod forged;
mod vectors;

use super::keying::{Keying, MasterKey, Suite};
use super::*;
use crate::media::rtp::{HEADER_BYTES, Header};
use crate::rng::Rng;

/// Two ends that agree.
pub fn pair(suite: Suite) -> (Srtp, Srtp) {
    let keying = keying(suite, 1);
    (Srtp::new(&keying), Srtp::new(&keying.swapped()))
}

pub fn keying(suite: Suite, seed: u64) -> Keying {
    let mut rng = Rng::seeded(seed);
    let (ours, theirs) = (MasterKey::drawn(suite, &mut rng), MasterKey::drawn(suite, &mut rng));
    Keying::new(ours, theirs).unwrap()
}

pub const SSRC: u32 = 0xCAFE_BABE;

/// A packet of 20 ms of G.711.
pub fn packet(ssrc: u32, sequence: u16) -> Vec<u8> {
    let mut bytes = vec![sequence as u8; HEADER_BYTES + 160];
    let header = Header { marker: false, payload_type: 8, sequence, timestamp: 7, ssrc };
    header.write(bytes.first_chunk_mut().unwrap());
    bytes
}

pub fn sealed(end: &mut Srtp, plain: &[u8]) -> Result<Vec<u8>, Unsendable> {
    let mut buffer = plain.to_vec();
    buffer.resize(plain.len() + TAG_BYTES, 0);
    let length = end.protect(&mut buffer, plain.len())?;
    buffer.truncate(length);
    Ok(buffer)
}

pub fn sealed_report(end: &mut Srtp, plain: &[u8]) -> Result<Vec<u8>, Unsendable> {
    let mut buffer = plain.to_vec();
    buffer.resize(plain.len() + RTCP_TAG_BYTES, 0);
    let length = end.protect_rtcp(&mut buffer, plain.len())?;
    buffer.truncate(length);
    Ok(buffer)
}

pub fn opened(end: &mut Srtp, sealed: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut buffer = sealed.to_vec();
    let length = end.unprotect(&mut buffer)?;
    buffer.truncate(length);
    Ok(buffer)
}

pub fn opened_report(end: &mut Srtp, sealed: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut buffer = sealed.to_vec();
    let length = end.unprotect_rtcp(&mut buffer)?;
    buffer.truncate(length);
    Ok(buffer)
}

pub fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        hex.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|two| two[0] << 4 | two[1]).collect()
}

/// A receiver report of `SSRC` on one source.
pub fn report() -> Vec<u8> {
    [bytes("81c90007 cafebabe"), vec![0x5A; 24]].concat()
}
