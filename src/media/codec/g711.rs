//! ITU-T G.711.

/// µ-law of zero (positive).
pub const ULAW_SILENCE: u8 = 0xFF;

/// A-law of the smallest positive value; A-law has no zero.
pub const ALAW_SILENCE: u8 = 0xD5;
