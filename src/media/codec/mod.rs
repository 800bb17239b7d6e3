//! Codecs: what they are called on the wire, and samples to payload and back.

pub mod coder;
pub mod g711;
pub mod g722;
pub mod opus;
pub mod rate;
pub mod resample;

pub use coder::{Decoder, Encoder};
pub use g711::Law;
pub use rate::Rate;
pub use resample::Resampler;

use super::command::Codec;

/// Samples, and G.711 bytes, in one frame of 20 ms at 8 kHz.
pub const FRAME_SAMPLES: usize = 160;

/// Frames of 20 ms in a second.
pub const FRAMES_PER_SECOND: u32 = 50;

impl Codec {
    /// Every codec there is, in the order in which we offer them: what costs nothing to join first (A-law is China's and
    /// Europe's), for a call between G.711 phones is relayed, and one that must be transcoded costs a hundred times that.
    pub const ALL: &'static [Codec] = &[Codec::Pcma, Codec::Pcmu, Codec::G722, Codec::Opus];

    /// Encoding name in `a=rtpmap` (RFC 3551 table 4, RFC 7587 §7); compared without regard to case.
    pub fn name(self) -> &'static str {
        match self {
            Codec::Pcmu => "PCMU",
            Codec::Pcma => "PCMA",
            Codec::G722 => "G722",
            Codec::Opus => "opus",
        }
    }

    /// RTP clock, Hz. That of G.722 is an error of RFC 1890 which everybody keeps (RFC 3551 §4.5.2).
    pub const fn clock_rate(self) -> u32 {
        match self {
            Codec::Pcmu | Codec::Pcma | Codec::G722 => 8_000,
            Codec::Opus => opus::CLOCK_RATE,
        }
    }

    /// Channels that `a=rtpmap` names. Opus always says two, whatever is in it (RFC 7587 §7).
    pub fn channels(self) -> Option<&'static str> {
        match self {
            Codec::Pcmu | Codec::Pcma | Codec::G722 => None,
            Codec::Opus => Some("2"),
        }
    }

    /// Payload type that needs no `a=rtpmap` (RFC 3551 table 4).
    pub fn static_payload_type(self) -> Option<u8> {
        match self {
            Codec::Pcmu => Some(0),
            Codec::Pcma => Some(8),
            Codec::G722 => Some(9),
            Codec::Opus => None,
        }
    }

    /// Payload type under which we offer it: its static one, or for Opus the dynamic one that phones and browsers use.
    pub fn payload_type(self) -> u8 {
        self.static_payload_type().unwrap_or(111)
    }

    /// Units of RTP time in a frame of 20 ms.
    pub const fn frame_units(self) -> u32 {
        self.clock_rate() / FRAMES_PER_SECOND
    }

    /// Units of RTP time that a payload lasts; 0 if it cannot be one.
    pub fn lasts(self, payload: &[u8]) -> u32 {
        match self {
            Codec::Pcmu | Codec::Pcma | Codec::G722 => payload.len() as u32,
            Codec::Opus => opus::lasts(payload),
        }
    }

    /// A frame of silence.
    pub fn silence(self) -> &'static [u8] {
        match self {
            Codec::Pcmu => &[g711::ULAW_SILENCE; FRAME_SAMPLES],
            Codec::Pcma => &[g711::ALAW_SILENCE; FRAME_SAMPLES],
            Codec::G722 => &[g722::SILENCE; g722::FRAME_BYTES],
            Codec::Opus => opus::SILENCE,
        }
    }

    /// The rate that keeps all of its sound at least cost.
    pub fn rate(self) -> Rate {
        match self {
            Codec::Pcmu | Codec::Pcma => Rate::Narrow,
            Codec::G722 => Rate::Wide,
            Codec::Opus => Rate::Full,
        }
    }

    /// The rate of a coder that is offered, or asked for, `rate`: Opus takes any, the others have one of their own.
    pub fn rate_for(self, rate: Rate) -> Rate {
        match self {
            Codec::Pcmu | Codec::Pcma | Codec::G722 => self.rate(),
            Codec::Opus => rate,
        }
    }

    /// The law, if it is G.711.
    pub fn law(self) -> Option<Law> {
        match self {
            Codec::Pcmu => Some(Law::Mu),
            Codec::Pcma => Some(Law::A),
            Codec::G722 | Codec::Opus => None,
        }
    }

    /// Packets of this codec can be passed on to one who wants `to`, as they are or byte by byte through a table. All
    /// else goes by samples.
    pub fn relays_to(self, to: Codec) -> bool {
        self == to || (self.law().is_some() && to.law().is_some())
    }

    /// Turns a payload of this codec into one of `to`, in place, where it `relays_to` it.
    pub fn transcode(self, to: Codec, payload: &mut [u8]) {
        if let (Some(from), Some(to)) = (self.law(), to.law()) {
            from.transcode(to, payload);
        }
    }
}
