//! What we receive: sources by their SSRC, known only once one of their packets was authentic.

use super::cipher::{Cipher, E_BIT, Purpose};
use super::keying::MasterKey;
use super::window::Window;
use super::{Refused, rtcp_source, rtp_header};
use crate::media::limits::{DATAGRAM_BYTES, SRTP_SOURCES};

struct Source {
    ssrc: u32,
    rtp: Option<Window>,
    rtcp: Option<Window>,
}

/// The receiving direction of a leg.
pub struct Inbound {
    current: Context,
    /// The key before, until a packet under the present one came. It is freed with the next change, not by a packet.
    earlier: Option<Box<Context>>,
    changing: bool,
}

/// What is known under one key.
struct Context {
    rtp: Cipher,
    rtcp: Cipher,
    /// The one heard last in front; room for `SRTP_SOURCES` from the start.
    sources: Vec<Source>,
}

impl Inbound {
    pub fn new(master: &MasterKey) -> Inbound {
        Inbound { current: Context::new(master), earlier: None, changing: false }
    }

    pub fn rekey(&mut self, master: &MasterKey) {
        let earlier = std::mem::replace(&mut self.current, Context::new(master));
        self.earlier = Some(Box::new(earlier));
        self.changing = true;
    }

    pub fn sources(&self) -> usize {
        self.current.sources.len()
    }

    pub fn unprotect(&mut self, packet: &mut [u8]) -> Result<usize, Refused> {
        if self.changing {
            return self.either(packet, Context::unprotect, true);
        }
        self.current.unprotect(packet, 0)
    }

    pub fn unprotect_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, Refused> {
        if self.changing {
            return self.either(packet, Context::unprotect_rtcp, false);
        }
        self.current.unprotect_rtcp(packet, 0)
    }

    /// While keys change: the new key with the turn that the last one had reached (RFC 3711 §3.3.1 keeps it), the new key from
    /// the beginning (as ends do that begin anew), the last key. `settles`: audio under the new key ends the change;
    /// reports run apart from it.
    fn either(
        &mut self,
        packet: &mut [u8],
        open: fn(&mut Context, &mut [u8], u64) -> Result<usize, Refused>,
        settles: bool,
    ) -> Result<usize, Refused> {
        let mut copy = [0; DATAGRAM_BYTES];
        let copy = copy.get_mut(..packet.len()).ok_or(Refused::Malformed)?;
        copy.copy_from_slice(packet);
        let reached = match (&self.earlier, rtp_header(packet)) {
            (Some(earlier), Some((ssrc, sequence, _))) if settles => earlier.reached(ssrc, sequence),
            _ => 0,
        };
        let mut outcome = open(&mut self.current, packet, reached);
        if outcome == Err(Refused::Forged) && reached > 0 {
            packet.copy_from_slice(copy);
            outcome = open(&mut self.current, packet, 0);
        }
        if outcome.is_ok() {
            self.changing &= !settles;
        } else if outcome == Err(Refused::Forged)
            && let Some(earlier) = &mut self.earlier
        {
            packet.copy_from_slice(copy);
            outcome = open(earlier, packet, 0);
        }
        outcome
    }
}

impl Context {
    fn new(master: &MasterKey) -> Context {
        Context {
            rtp: Cipher::new(master, Purpose::Rtp),
            rtcp: Cipher::new(master, Purpose::Rtcp),
            sources: Vec::with_capacity(SRTP_SOURCES),
        }
    }

    /// The turn that the packet belongs to as a continuation, as the index of its first packet; 0 if the source is unknown.
    fn reached(&self, ssrc: u32, sequence: u16) -> u64 {
        let window = self.sources.iter().find(|source| source.ssrc == ssrc).and_then(|source| source.rtp);
        window.and_then(|window| window.nearest(sequence)).map_or(0, |index| index & !0xFFFF)
    }

    /// `turn`: where an unknown source begins, in whole turns of 2^16.
    fn unprotect(&mut self, packet: &mut [u8], turn: u64) -> Result<usize, Refused> {
        let (ssrc, sequence, header) = rtp_header(packet).ok_or(Refused::Malformed)?;
        if packet.len() < header + self.rtp.tag_bytes() {
            return Err(Refused::Malformed);
        }
        let place = self.find(ssrc);
        let window = place.and_then(|place| self.sources[place].rtp);
        let index = match window {
            None => turn | u64::from(sequence),
            Some(window) => {
                let index = window.nearest(sequence).ok_or(Refused::Repeated)?;
                if !window.is_fresh(index) {
                    return Err(Refused::Repeated);
                }
                index
            }
        };
        let length = self.rtp.open(header, ssrc, index, packet).ok_or(Refused::Forged)?;
        self.heard(place, ssrc).rtp.get_or_insert(Window::new(index)).mark(index);
        Ok(length)
    }

    fn unprotect_rtcp(&mut self, packet: &mut [u8], _turn: u64) -> Result<usize, Refused> {
        let ssrc = rtcp_source(packet).ok_or(Refused::Malformed)?;
        let word = self.rtcp.rtcp_word(packet).ok_or(Refused::Malformed)?;
        // Nobody was offered UNENCRYPTED_SRTCP.
        if word & E_BIT == 0 {
            return Err(Refused::Malformed);
        }
        let index = word & !E_BIT;
        let place = self.find(ssrc);
        let window = place.and_then(|place| self.sources[place].rtcp);
        if window.is_some_and(|window| !window.is_fresh(u64::from(index))) {
            return Err(Refused::Repeated);
        }
        let length = self.rtcp.open_rtcp(ssrc, index, packet).ok_or(Refused::Forged)?;
        let index = u64::from(index);
        self.heard(place, ssrc).rtcp.get_or_insert(Window::new(index)).mark(index);
        Ok(length)
    }

    fn find(&self, ssrc: u32) -> Option<usize> {
        self.sources.iter().position(|source| source.ssrc == ssrc)
    }

    /// The source of an authentic packet, moved to the front. A new one takes the place of the one that was silent longest
    /// when all are taken.
    fn heard(&mut self, place: Option<usize>, ssrc: u32) -> &mut Source {
        let place = place.unwrap_or_else(|| {
            let new = Source { ssrc, rtp: None, rtcp: None };
            if self.sources.len() < SRTP_SOURCES {
                self.sources.push(new);
            } else if let Some(last) = self.sources.last_mut() {
                *last = new;
            }
            self.sources.len() - 1
        });
        self.sources[..=place].rotate_right(1);
        &mut self.sources[0]
    }
}
