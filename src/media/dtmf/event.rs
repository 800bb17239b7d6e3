//! Digits as telephone-events (RFC 4733 §2.5).

/// Finds each press once among the packets of one stream, however many of them are lost or repeated.
#[derive(Clone, Debug, Default)]
pub struct Receiver {
    current: Option<u32>,
}

impl Receiver {
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a packet's RTP timestamp and payload. A digit (`0`–`9`, `*`, `#`, `A`–`D`) is told once, by whichever
    /// of its packets comes first. Other events, malformed payloads and repetitions are `None`.
    pub fn packet(&mut self, timestamp: u32, payload: &[u8]) -> Option<char> {
        todo!()
    }
}
