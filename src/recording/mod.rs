//! Tapes: what callers and the bank said, as received, provably complete; rendered to WAV when asked.

pub mod frame;
