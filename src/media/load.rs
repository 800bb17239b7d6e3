//! Whether a worker still keeps up with its core.
//!
//! A worker that never has to wait has more to do than its core can. What it cannot read in time stays in the
//! streams' socket buffers, which are kept short (`limits::SOCKET_BYTES`): the kernel then drops the newest packets of
//! every stream alike, so that nobody's audio becomes late, and each stream's loss is counted once a second. Nothing
//! that was accepted is taken away; the engine is told and lets no new calls in until there is room again.

use std::time::Duration;

use super::limits::{BUSY_WINDOWS, EASE_WINDOWS, IDLE_LEAST_PERCENT, LOAD_WINDOW, SLOT_LATE};
use crate::moment::Moment;

/// What has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Overloaded,
    Eased,
}

/// A worker's own view of how busy it is, judged window by window.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    began: Moment,
    idle: Duration,
    /// A slot of generated audio came too late in this window.
    late: bool,
    overloaded: bool,
    /// Windows in a row that speak against the present state.
    contrary: u32,
}

impl Load {
    pub fn new(now: Moment) -> Load {
        Load { began: now, idle: Duration::ZERO, late: false, overloaded: false, contrary: 0 }
    }

    /// Generated audio was so much behind its slot.
    pub fn late(&mut self, late: Duration) {
        self.late |= late > SLOT_LATE;
    }

    /// The worker woke up at `now` after waiting for `idle`.
    pub fn woke(&mut self, now: Moment, idle: Duration) -> Option<Change> {
        self.idle += idle;
        let window = now.since(self.began);
        if window < LOAD_WINDOW {
            return None;
        }
        let idle_percent = self.idle.as_micros() * 100 / window.as_micros().max(1);
        let busy = self.late || idle_percent < IDLE_LEAST_PERCENT;
        (self.began, self.idle, self.late) = (now, Duration::ZERO, false);
        if busy == self.overloaded {
            self.contrary = 0;
            return None;
        }
        self.contrary += 1;
        let needed = if busy { BUSY_WINDOWS } else { EASE_WINDOWS };
        if self.contrary < needed {
            return None;
        }
        (self.overloaded, self.contrary) = (busy, 0);
        Some(if busy { Change::Overloaded } else { Change::Eased })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Moment = Moment::from_micros(7_000_000);
    const TURN: Duration = Duration::from_millis(1);

    /// Turns of a millisecond, `idle` of it spent waiting; the first change and how many milliseconds it took.
    fn turns(load: &mut Load, from: Moment, count: u32, idle: Duration) -> Option<(Change, u32)> {
        (1..=count).find_map(|turn| Some((load.woke(from + TURN * turn, idle)?, turn)))
    }

    #[test]
    fn a_worker_that_never_waits_for_a_second_is_overloaded_and_says_so_once() {
        let mut load = Load::new(START);
        let (change, after) = turns(&mut load, START, 5_000, Duration::ZERO).expect("it is overloaded");
        assert_eq!(change, Change::Overloaded);
        let least = LOAD_WINDOW.as_millis() as u32 * BUSY_WINDOWS;
        assert_eq!(after, least);
        assert_eq!(turns(&mut load, START + TURN * after, 5_000, Duration::ZERO), None);
    }

    #[test]
    fn a_busy_moment_is_no_overload() {
        let mut load = Load::new(START);
        let half = LOAD_WINDOW.as_millis() as u32;
        let mut now = START;
        for round in 0..20 {
            let idle = if round % 2 == 0 { Duration::ZERO } else { TURN / 2 };
            assert_eq!(turns(&mut load, now, half, idle), None);
            now = now + TURN * half;
        }
    }

    #[test]
    fn frames_that_leave_late_are_overload_however_much_the_worker_waits() {
        let mut load = Load::new(START);
        let mut now = START;
        let mut change = None;
        while change.is_none() && now < START + Duration::from_secs(10) {
            now = now + TURN;
            load.late(SLOT_LATE + TURN);
            change = load.woke(now, TURN / 2);
        }
        assert_eq!(change, Some(Change::Overloaded));
    }

    #[test]
    fn room_must_last_before_the_worker_counts_as_eased() {
        let mut load = Load::new(START);
        let (_, after) = turns(&mut load, START, 5_000, Duration::ZERO).expect("it is overloaded");
        let later = START + TURN * after;
        let (change, took) = turns(&mut load, later, 10_000, TURN / 2).expect("it is eased");
        assert_eq!(change, Change::Eased);
        assert_eq!(took, LOAD_WINDOW.as_millis() as u32 * EASE_WINDOWS);
    }
}
