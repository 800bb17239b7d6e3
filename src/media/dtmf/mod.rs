//! Digits: as named events (RFC 4733) and as tones in the audio (ITU-T Q.23, Q.24).

pub mod event;
pub mod tone;
