//! Cutting a byte stream into messages (RFC 3261 §18.3).

use bytes::Bytes;

use super::parse::Reject;

/// One per stream connection. Holds at most `limits::MESSAGE_BYTES`.
#[derive(Debug, Default)]
pub struct Framer {
    pending: bytes::BytesMut,
}

/// What a stream held next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    Message(Bytes),
    /// Double CRLF between messages: answer with one CRLF (RFC 5626 §4.4.1).
    Ping,
    /// The stream cannot be followed any further: answer if it says so, then close.
    Broken(Reject),
}

impl Framer {
    pub fn push(&mut self, bytes: &[u8]) {
        todo!()
    }

    /// The next frame, or `None` until more bytes come.
    pub fn next_frame(&mut self) -> Option<Frame> {
        todo!()
    }
}
