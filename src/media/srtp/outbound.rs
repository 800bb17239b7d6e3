//! What we send: one source, and no index twice.

use super::cipher::{Cipher, E_BIT, Purpose};
use super::keying::MasterKey;
use super::window::Window;
use super::{Unsendable, rtcp_source, rtp_header};

/// Indexes of SRTP end here (RFC 3711 §9.2).
const INDEX_END: u64 = 1 << 48;

/// The sending direction of a leg.
pub struct Outbound {
    rtp: Cipher,
    rtcp: Cipher,
    source: Option<u32>,
    used: Option<Window>,
    /// Of the next SRTCP packet.
    report: u32,
}

impl Outbound {
    pub fn new(master: &MasterKey) -> Outbound {
        Outbound {
            rtp: Cipher::new(master, Purpose::Rtp),
            rtcp: Cipher::new(master, Purpose::Rtcp),
            source: None,
            used: None,
            report: 0,
        }
    }

    /// Goes on with another key; indexes go on too, so that going back to a key does no harm.
    pub fn rekey(&mut self, master: &MasterKey) {
        self.rtp = Cipher::new(master, Purpose::Rtp);
        self.rtcp = Cipher::new(master, Purpose::Rtcp);
    }

    pub fn protect(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, Unsendable> {
        let packet = buffer.get(..length).ok_or(Unsendable::Malformed)?;
        let (ssrc, sequence, header) = rtp_header(packet).ok_or(Unsendable::Malformed)?;
        self.speak_for(ssrc)?;
        let index = match &self.used {
            None => u64::from(sequence),
            Some(window) => window
                .nearest(sequence)
                .filter(|index| window.is_fresh(*index))
                .ok_or(Unsendable::Repeated)?,
        };
        if index >= INDEX_END {
            return Err(Unsendable::Spent);
        }
        let length = self.rtp.seal(header, ssrc, index, buffer, length).ok_or(Unsendable::NoRoom)?;
        self.used.get_or_insert(Window::new(index)).mark(index);
        Ok(length)
    }

    pub fn protect_rtcp(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, Unsendable> {
        let ssrc = buffer.get(..length).and_then(rtcp_source).ok_or(Unsendable::Malformed)?;
        self.speak_for(ssrc)?;
        if self.report >= E_BIT {
            return Err(Unsendable::Spent);
        }
        let length = self.rtcp.seal_rtcp(ssrc, self.report, buffer, length).ok_or(Unsendable::NoRoom)?;
        self.report += 1;
        Ok(length)
    }

    fn speak_for(&mut self, ssrc: u32) -> Result<(), Unsendable> {
        if *self.source.get_or_insert(ssrc) == ssrc { Ok(()) } else { Err(Unsendable::Source) }
    }
}
