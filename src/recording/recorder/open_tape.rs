//! One tape while its call is recorded: when it is written next, what it lost while the disk refused, how it ends.

use std::time::Duration;

use super::{BLOCK_EVERY, RETRY_EVERY, TapeEvent};
use crate::ids::CallId;
use crate::moment::Moment;
use crate::recording::block::Mark;
use crate::recording::tape::{Disk, TapeWriter};

pub struct OpenTape {
    pub call: CallId,
    pub writer: TapeWriter,
    /// The time after some multiple of `BLOCK_EVERY` at which this tape is written: all have their own.
    phase: Duration,
    failing: Option<Failing>,
    closing: Option<Closing>,
}

struct Failing {
    retry: Moment,
    why: String,
    lost: u32,
}

/// How a tape is to end.
pub struct Closing {
    pub at: Moment,
    pub until: Moment,
    pub why: &'static str,
}

impl OpenTape {
    pub fn new(call: CallId, writer: TapeWriter, phase: Duration) -> OpenTape {
        OpenTape { call, writer, phase, failing: None, closing: None }
    }

    pub fn is_failing(&self) -> bool {
        self.failing.is_some()
    }

    /// When the disk is wanted next, if that is after `now`.
    pub fn due(&self, now: Moment) -> Moment {
        let next = match &self.failing {
            Some(failing) => failing.retry,
            None => {
                let every = BLOCK_EVERY.as_micros() as u64;
                let since = (now.as_micros() + every - self.phase.as_micros() as u64) % every;
                now + Duration::from_micros(every - since)
            }
        };
        self.closing.as_ref().map_or(next, |closing| closing.until.min(next))
    }

    /// The packet is not recorded, because the tape is failing. False if it is not.
    pub fn loses(&mut self) -> bool {
        let Some(failing) = &mut self.failing else { return false };
        failing.lost = failing.lost.saturating_add(1);
        true
    }

    pub fn closes(&mut self, closing: Closing) {
        self.closing = Some(closing);
    }

    /// The server stops: the tape ends now, if it was not to end already.
    pub fn stops(&mut self, now: Moment) {
        self.closing.get_or_insert(Closing { at: now, until: now, why: "server_stopped" }).until = now;
    }

    /// Recorded again before the tape was put away: it goes on.
    pub fn goes_on(&mut self, from: Moment) {
        if let Some(closing) = self.closing.take() {
            self.writer.mark(closing.at, &Mark::Pause { reason: "not recorded".into() });
            self.writer.mark(from, &Mark::Resume);
        }
    }

    /// How it ends, if the time for it has come.
    pub fn ends(&mut self, now: Moment) -> Option<Closing> {
        self.closing.take_if(|closing| closing.until <= now)
    }

    /// Writes what waits; says so if the tape fails by that, or is back.
    pub fn write(&mut self, now: Moment, disk: &mut dyn Disk) -> Option<TapeEvent> {
        let call = self.call;
        let written = self.writer.flush(disk);
        match (written, self.failing.take()) {
            (Ok(()), None) => None,
            (Ok(()), Some(Failing { why, lost, .. })) => {
                self.writer.mark(now, &Mark::Gap { why, frames: lost });
                Some(TapeEvent::Recovered { call, frames: lost })
            }
            (Err(error), before) => {
                let why = error.to_string();
                let known = before.is_some();
                let lost = before.map_or(0, |failing| failing.lost);
                self.failing = Some(Failing { retry: now + RETRY_EVERY, why: why.clone(), lost });
                (!known).then_some(TapeEvent::Failed { call, why })
            }
        }
    }

    /// The last words. What the disk does not take now is lost, and the tape stays without an end.
    pub fn close(
        &mut self,
        now: Moment,
        disk: &mut dyn Disk,
        closing: &Closing,
    ) -> impl Iterator<Item = TapeEvent> + use<> {
        let call = self.call;
        let recovered = match self.failing {
            Some(_) => self.write(now, disk),
            None => None,
        };
        if self.failing.is_none() {
            self.writer.mark(closing.at, &Mark::End { why: closing.why.into() });
        }
        let last = match (self.write(now, disk), &self.failing) {
            (Some(failed), _) => failed,
            (None, Some(failing)) => {
                TapeEvent::Failed { call, why: format!("left without an end: {}", failing.why) }
            }
            (None, None) => TapeEvent::Closed { call, bytes: self.writer.bytes(), hash: self.writer.hash() },
        };
        recovered.into_iter().chain([last])
    }
}
