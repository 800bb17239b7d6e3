//! Opus (RFC 6716) by libopus, its reference implementation; in RTP by RFC 7587.
//!
//! The state of each direction is one block of memory, taken when it is made; coding a packet takes none.

use ::opus::{Application, Bitrate, Channels, Signal};

use super::Rate;

/// Clock of Opus in RTP, Hz, whatever is coded (RFC 7587 §4.1).
pub const CLOCK_RATE: u32 = 48_000;

/// A packet of 20 ms without sound: CELT, one channel (RFC 6716 §3.1), all bits spent on "silence".
pub const SILENCE: &[u8] = &[0xF8, 0xFF, 0xFE];

/// How hard the encoder thinks, 0 to 10. Measured in `benches/codecs.rs`: see docs/media.md.
const COMPLEXITY: i32 = 5;

/// Samples to packets of 20 ms.
#[derive(Debug)]
pub struct Encoder {
    state: ::opus::Encoder,
    rate: Rate,
}

/// Packets to samples.
#[derive(Debug)]
pub struct Decoder {
    state: ::opus::Decoder,
    rate: Rate,
}

impl Encoder {
    /// One that takes `rate`: what is above its band is not coded, so a narrow one is cheaper and needs fewer bits.
    pub fn new(rate: Rate) -> Encoder {
        let state = ::opus::Encoder::new(rate.hertz(), Channels::Mono, Application::Voip)
            .expect("libopus has these rates, and fails otherwise only without memory");
        let mut encoder = Encoder { state, rate };
        let set = encoder.configure();
        set.expect("these settings are within what libopus takes");
        encoder
    }

    fn configure(&mut self) -> ::opus::Result<()> {
        self.state.set_complexity(COMPLEXITY)?;
        self.state.set_signal(Signal::Voice)?;
        self.state.set_bitrate(Bitrate::Bits(bits(self.rate)))?;
        // Nothing is added while the peer loses nothing.
        self.state.set_inband_fec(true)
    }

    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// Encodes 20 ms; returns the bytes of the packet, at most as many as `payload` has. 0 if `samples` is another
    /// length.
    pub fn encode(&mut self, samples: &[i16], payload: &mut [u8]) -> usize {
        if samples.len() != self.rate.frame() {
            return 0;
        }
        self.state.encode(samples, payload).unwrap_or(0)
    }

    /// What the peer loses, in percent: from 1 % on packets carry a copy of the one before, where bits allow.
    pub fn peer_loses(&mut self, percent: u8) {
        // Cannot fail: the range is libopus' own.
        let _ = self.state.set_packet_loss_perc(i32::from(percent.min(100)));
    }
}

/// Bits a second that carry a voice with all that its rate holds (RFC 7587 §3.1.1).
fn bits(rate: Rate) -> i32 {
    match rate {
        Rate::Narrow => 14_000,
        Rate::Wide => 22_000,
        Rate::Full => 32_000,
    }
}

impl Decoder {
    /// One that gives `rate`, whatever the peer encodes.
    pub fn new(rate: Rate) -> Decoder {
        let state = ::opus::Decoder::new(rate.hertz(), Channels::Mono)
            .expect("libopus has these rates, and fails otherwise only without memory");
        Decoder { state, rate }
    }

    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// Decodes a packet of any length; 0 samples if it is none, or longer than `samples`.
    pub fn decode(&mut self, payload: &[u8], samples: &mut [i16]) -> usize {
        if payload.is_empty() {
            return 0;
        }
        self.state.decode(payload, samples, false).unwrap_or(0)
    }

    /// Fills `samples`, a multiple of 2.5 ms up to 120 ms, for a packet that did not come.
    pub fn conceal(&mut self, samples: &mut [i16]) -> bool {
        self.state.decode(&[], samples, false).is_ok()
    }

    /// As `conceal`, by the copy of the lost packet in the one that followed it, if there is one.
    pub fn recover(&mut self, next: &[u8], samples: &mut [i16]) -> bool {
        if next.is_empty() {
            return false;
        }
        self.state.decode(next, samples, true).is_ok()
    }
}

/// Units of RTP time that a packet lasts, by its first bytes (RFC 6716 §3.1, §3.2); 0 if it is none.
pub fn lasts(packet: &[u8]) -> u32 {
    let Some(first) = packet.first() else { return 0 };
    let config = first >> 3;
    let frame = match config {
        // SILK: 10, 20, 40, 60 ms.
        0..12 => [480, 960, 1_920, 2_880][usize::from(config & 3)],
        // Hybrid: 10, 20 ms.
        12..16 => [480, 960][usize::from(config & 1)],
        // CELT: 2.5, 5, 10, 20 ms.
        _ => 120 << (config & 3),
    };
    let frames = match first & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => packet.get(1).map_or(0, |count| u32::from(count & 0x3F)),
    };
    let lasts = frame * frames;
    // 120 ms is the most there is.
    if lasts > Rate::LONGEST as u32 { 0 } else { lasts }
}

#[cfg(test)]
mod tests;
