//! Bytes to messages, tolerantly; what cannot be accepted is a value that says how to answer.

use bytes::Bytes;

use super::message::{Message, Response};

/// Why a datagram or framed message was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reject {
    /// Answer with this (400, 414, 416, 505, 513 ...): enough of the request could be read.
    Answer(Box<Response>),
    /// Nothing can be said back: not SIP, a broken response, or an ACK that makes no sense. The reason is for the log.
    Drop(&'static str),
    /// CRLF keep-alive (RFC 5626 §3.5.1): on a stream a double CRLF is answered with CRLF.
    KeepAlive,
}

/// Parses one whole message: a datagram, or what `framing` cut from a stream.
pub fn parse(bytes: &Bytes) -> Result<Message, Reject> {
    todo!()
}
