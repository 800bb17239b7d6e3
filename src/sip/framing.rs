//! Cutting a byte stream into messages (RFC 3261 §18.3).

use bytes::{Buf, Bytes, BytesMut};

use super::limits;
use super::parse::head::{self, Length};
use super::parse::{self, Reject};

/// One per stream connection. Holds at most `limits::MESSAGE_BYTES` and the latest push, if its frames are
/// drained after each push.
#[derive(Debug, Default)]
pub struct Framer {
    pending: BytesMut,
    /// Where the line begins that `scanned` stands in.
    line: usize,
    /// No line end lies between `line` and here, so that slow senders cost no second look.
    scanned: usize,
    /// How long the message at the front is in bytes, once its header block is whole.
    length: Option<usize>,
    /// Nothing more will be understood.
    broken: bool,
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
    /// Takes what the connection delivered. After `Frame::Broken` it is thrown away.
    pub fn push(&mut self, bytes: &[u8]) {
        if !self.broken {
            self.pending.extend_from_slice(bytes);
        }
    }

    /// A message has begun and is not whole. Line ends alone are keep-alives.
    pub fn is_amid(&self) -> bool {
        self.pending.first().is_some_and(|byte| !matches!(byte, b'\r' | b'\n'))
    }

    /// The next frame, or `None` until more bytes come.
    pub fn next_frame(&mut self) -> Option<Frame> {
        if self.length.is_none()
            && let Some(frame) = self.measure()?
        {
            return Some(frame);
        }
        let length = self.length.filter(|length| *length <= self.pending.len())?;
        let message = self.pending.split_to(length).freeze();
        (self.line, self.scanned, self.length) = (0, 0, None);
        Some(Frame::Message(message))
    }

    /// Finds out how long the message at the front is. `None`: more bytes are needed; `Some(Some(..))`: there is
    /// none, but this.
    fn measure(&mut self) -> Option<Option<Frame>> {
        if self.line == 0 {
            if let Some(ping) = self.between_messages()? {
                return Some(Some(ping));
            }
            if !self.pending.first().is_some_and(|b| super::header::scan::is_token(*b)) {
                return Some(Some(self.give_up(Reject::Drop("not SIP"))));
            }
        }
        let Some(head_end) = self.head_end() else {
            if self.pending.len() < limits::MESSAGE_BYTES {
                return None;
            }
            let read = Bytes::copy_from_slice(&self.pending[..limits::MESSAGE_BYTES]);
            return Some(Some(self.give_up(parse::too_large(&read))));
        };
        let (_, block) = head::first_line(&self.pending)?;
        let body = match head::content_length(&self.pending[block..head_end]) {
            // On a stream it may not be missing (§18.3); who leaves it out means no body.
            Length::Absent => 0,
            Length::Is(length) => length,
            Length::Unclear => {
                let head = Bytes::copy_from_slice(&self.pending[..head_end]);
                let reject = parse::parse(&head).err().unwrap_or(Reject::Drop("unclear Content-Length"));
                return Some(Some(self.give_up(reject)));
            }
        };
        if body > limits::MESSAGE_BYTES - head_end {
            let head = Bytes::copy_from_slice(&self.pending[..head_end]);
            return Some(Some(self.give_up(parse::too_large(&head))));
        }
        self.length = Some(head_end + body);
        Some(None)
    }

    /// Passes over line ends. `None`: more bytes are needed; `Some(None)`: a message begins.
    fn between_messages(&mut self) -> Option<Option<Frame>> {
        loop {
            match self.pending.as_ref() {
                [b'\r', b'\n', b'\r', b'\n', ..] => {
                    self.pending.advance(4);
                    return Some(Some(Frame::Ping));
                }
                [] | [b'\r'] | [b'\r', b'\n'] | [b'\r', b'\n', b'\r'] => return None,
                [b'\r', b'\n', ..] => self.pending.advance(2),
                [b'\n', ..] => self.pending.advance(1),
                _ => return Some(None),
            }
        }
    }

    /// Where the header block ends, looking only at bytes not looked at before and never beyond the limit.
    fn head_end(&mut self) -> Option<usize> {
        let limit = self.pending.len().min(limits::MESSAGE_BYTES);
        while let Some(feed) = self.pending[self.scanned..limit].iter().position(|b| *b == b'\n') {
            let next = self.scanned + feed + 1;
            if matches!(&self.pending[self.line..next], b"\n" | b"\r\n") {
                return Some(next);
            }
            (self.line, self.scanned) = (next, next);
        }
        self.scanned = limit;
        None
    }

    fn give_up(&mut self, reject: Reject) -> Frame {
        *self = Framer { broken: true, ..Framer::default() };
        Frame::Broken(reject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(pieces: &[&[u8]]) -> Vec<Frame> {
        let mut framer = Framer::default();
        let mut frames = Vec::new();
        for piece in pieces {
            framer.push(piece);
            frames.extend(std::iter::from_fn(|| framer.next_frame()));
        }
        frames
    }

    fn message(text: &str) -> Frame {
        Frame::Message(Bytes::copy_from_slice(text.as_bytes()))
    }

    const VIA: &str = "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TCP h\r\n";

    #[test]
    fn messages_are_cut_by_content_length_in_any_spelling() {
        let first = "A b SIP/2.0\r\nContent-Length : 4\r\n\r\nbody";
        let second = "B b SIP/2.0\r\nl:\r\n 2\r\n\r\n\r\n";
        let third = "C b SIP/2.0\r\nX: y\r\n\r\n";
        let stream = format!("{first}\r\n{second}{third}");
        assert_eq!(frames(&[stream.as_bytes()]), [message(first), message(second), message(third)]);
    }

    #[test]
    fn any_split_gives_the_same_frames() {
        let stream =
            format!("\r\n\r\n\r\n{VIA}l: 3\r\n\r\nabc\r\n\r\n\nB b SIP/2.0\n\n\r\n{VIA}l: x\r\n\r\n");
        let whole = frames(&[stream.as_bytes()]);
        assert_eq!(whole.len(), 5);
        for at in 0..stream.len() {
            let (left, right) = stream.as_bytes().split_at(at);
            assert_eq!(frames(&[left, right]), whole, "split at {at}");
        }
        assert_eq!(frames(&stream.as_bytes().chunks(1).collect::<Vec<_>>()), whole);
    }

    #[test]
    fn a_framer_is_amid_a_message_until_its_last_byte() {
        let mut framer = Framer::default();
        for byte in format!("{VIA}l: 3\r\n\r\nabc").bytes() {
            assert_eq!(framer.next_frame(), None);
            framer.push(&[byte]);
            assert!(framer.is_amid());
        }
        assert!(framer.next_frame().is_some() && !framer.is_amid());
        framer.push(b"\r\n");
        assert!(framer.next_frame().is_none() && !framer.is_amid());
    }

    #[test]
    fn a_double_line_end_is_a_ping_and_a_single_one_nothing() {
        assert_eq!(frames(&[b"\r\n\r", b"\n\r\n"]), [Frame::Ping]);
    }

    #[test]
    fn an_unclear_length_is_answered_and_ends_the_stream() {
        let bad = format!("{VIA}l: -999\r\n\r\nbody{VIA}\r\n");
        let frames = frames(&[bad.as_bytes(), b"more"]);
        let [Frame::Broken(Reject::Answer(response))] = &frames[..] else { panic!("{frames:?}") };
        assert_eq!(response.status, 400);
    }

    #[test]
    fn too_large_messages_are_answered_and_end_the_stream() {
        let body = format!("{VIA}l: 65535\r\n\r\n");
        let head = format!("{VIA}X: {}", "y".repeat(limits::MESSAGE_BYTES));
        for stream in [body, head] {
            let frames = frames(&[stream.as_bytes()]);
            let [Frame::Broken(Reject::Answer(response))] = &frames[..] else { panic!("{frames:?}") };
            assert_eq!(response.status, 513);
        }
    }

    #[test]
    fn what_cannot_be_sip_ends_the_stream_at_once() {
        assert_eq!(frames(&[b"\x16\x03\x01"]), [Frame::Broken(Reject::Drop("not SIP"))]);
    }

    #[test]
    fn a_message_of_the_largest_size_passes() {
        let head = format!("{VIA}l: 65000\r\n\r\n");
        let stream = head.clone() + &"x".repeat(65_000);
        assert_eq!(frames(&[stream.as_bytes()]), [message(&stream)]);
    }
}
