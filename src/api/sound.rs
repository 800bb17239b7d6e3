//! Tapes as sound over HTTP: which bytes are asked for (RFC 9110 §14), and a body that makes them as they are taken.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::task::{JoinError, JoinHandle};

use super::limits::{SOUND_PIECE, SOUNDS};
use crate::ids::CallId;
use crate::recording::timeline::Timeline;
use crate::recording::wav::read_range;

/// Which part of a file is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Whole,
    /// First byte, and the byte after the last.
    Range(u64, u64),
    /// No byte of the range exists.
    Outside,
}

impl Part {
    /// Reads a `Range` field for a file of `length` bytes. What we do not understand, or would have to answer in
    /// several parts, counts as no range (RFC 9110 §14.2 lets us).
    pub fn of(range: &str, length: u64) -> Part {
        let Some(spec) = range.trim().strip_prefix("bytes=").map(str::trim) else {
            return Part::Whole;
        };
        let Some((first, last)) = spec.split_once('-') else {
            return Part::Whole;
        };
        match (first.parse::<u64>(), last.parse::<u64>()) {
            (Ok(first), Ok(last)) if first > last => Part::Whole,
            (Ok(first), _) if first >= length && is_number_or_nothing(last) => Part::Outside,
            (Ok(first), Ok(last)) => Part::Range(first, last.saturating_add(1).min(length)),
            (Ok(first), Err(_)) if last.is_empty() => Part::Range(first, length),
            // The last so many bytes.
            (Err(_), Ok(0)) if first.is_empty() => Part::Outside,
            (Err(_), Ok(count)) if first.is_empty() => Part::Range(length.saturating_sub(count), length),
            _ => Part::Whole,
        }
    }
}

fn is_number_or_nothing(text: &str) -> bool {
    text.is_empty() || text.parse::<u64>().is_ok()
}

/// Tapes laid out in memory: players ask for one in many ranges.
#[derive(Default)]
pub struct Sounds {
    /// Used last at the end. The bytes of the tape's file tell a tape that has grown since.
    kept: VecDeque<(CallId, u64, Arc<Timeline>)>,
}

impl Sounds {
    pub fn find(&mut self, call: CallId, bytes: u64) -> Option<Arc<Timeline>> {
        let place = self.kept.iter().position(|(kept, size, _)| (*kept, *size) == (call, bytes))?;
        let found = self.kept.remove(place)?;
        let timeline = Arc::clone(&found.2);
        self.kept.push_back(found);
        Some(timeline)
    }

    pub fn keep(&mut self, call: CallId, bytes: u64, timeline: Arc<Timeline>) {
        self.kept.retain(|(kept, ..)| *kept != call);
        if self.kept.len() == SOUNDS {
            self.kept.pop_front();
        }
        self.kept.push_back((call, bytes, timeline));
    }
}

/// The bytes of a tape's WAV file from one place to another, made piece by piece off the runtime.
pub struct Sound {
    timeline: Arc<Timeline>,
    at: u64,
    end: u64,
    making: Option<JoinHandle<Vec<u8>>>,
}

impl Sound {
    pub fn new(timeline: Arc<Timeline>, start: u64, end: u64) -> Sound {
        Sound { timeline, at: start, end, making: None }
    }

    fn make(&self) -> JoinHandle<Vec<u8>> {
        let (timeline, at) = (Arc::clone(&self.timeline), self.at);
        let length = (self.end - self.at).min(SOUND_PIECE) as usize;
        tokio::task::spawn_blocking(move || read_range(&timeline, at, length))
    }
}

impl Body for Sound {
    type Data = Bytes;
    type Error = JoinError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, JoinError>>> {
        if self.at >= self.end {
            return Poll::Ready(None);
        }
        let mut making = self.making.take().unwrap_or_else(|| self.make());
        let Poll::Ready(piece) = Pin::new(&mut making).poll(cx) else {
            self.making = Some(making);
            return Poll::Pending;
        };
        let piece = match piece {
            Ok(piece) => piece,
            Err(error) => return Poll::Ready(Some(Err(error))),
        };
        self.at += piece.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(piece.into()))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.end - self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_as_rfc_9110_says() {
        for (range, expected) in [
            ("bytes=0-0", Part::Range(0, 1)),
            ("bytes=0-", Part::Range(0, 100)),
            ("bytes=10-19", Part::Range(10, 20)),
            ("bytes=90-1000", Part::Range(90, 100)),
            ("bytes=-10", Part::Range(90, 100)),
            ("bytes=-1000", Part::Range(0, 100)),
            ("bytes=99-", Part::Range(99, 100)),
            ("bytes=100-", Part::Outside),
            ("bytes=100-200", Part::Outside),
            ("bytes=-0", Part::Outside),
            ("bytes=5-3", Part::Whole),
            ("bytes=0-1,5-6", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("bytes=-", Part::Whole),
            ("lines=0-1", Part::Whole),
            ("bytes=18446744073709551615-", Part::Outside),
            ("bytes=0-18446744073709551615", Part::Range(0, 100)),
        ] {
            assert_eq!(Part::of(range, 100), expected, "{range}");
        }
    }
}
