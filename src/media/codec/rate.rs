//! Sampling rates of linear audio.

/// How often linear audio is sampled. All of it is mono, 16 bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rate {
    /// 8 kHz, 50 to 3,700 Hz: G.711.
    Narrow,
    /// 16 kHz, 50 to 7,000 Hz: G.722.
    Wide,
    /// 48 kHz: Opus.
    Full,
}

impl Rate {
    /// Samples of the longest packet at the highest rate: 120 ms of Opus (RFC 6716 §3.2.5). A buffer of this length
    /// takes whatever a decoder makes of one packet.
    pub const LONGEST: usize = 5_760;

    /// Samples of a frame of 20 ms at the highest rate.
    pub const LONGEST_FRAME: usize = 960;

    /// Samples a second.
    pub const fn hertz(self) -> u32 {
        match self {
            Rate::Narrow => 8_000,
            Rate::Wide => 16_000,
            Rate::Full => 48_000,
        }
    }

    /// Samples of a frame of 20 ms.
    pub const fn frame(self) -> usize {
        (self.hertz() / 50) as usize
    }
}
