//! Wheels: things to do for each stream once per turn, spread over the turn.
//!
//! Deadlines are absolute, so pauses do not add up. After a stall longer than a turn the missed turns are passed
//! over: no stream is served twice in a row, and nobody receives a burst.

use std::time::Duration;

use crate::moment::Moment;

/// A wheel of parts; a stream belongs to the part that its slot gives.
#[derive(Debug)]
pub struct Wheel {
    parts: Vec<Vec<usize>>,
    /// Length of a part, µs.
    width: u64,
    /// The part to be served next, counted from the epoch.
    next: u64,
    members: usize,
}

/// A part whose time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    pub part: usize,
    /// When it should have been served.
    pub at: Moment,
    /// Parts passed over just before it.
    pub skipped: u64,
    /// How long after the first part that was not served in time.
    pub late: Duration,
}

impl Wheel {
    /// `turn` in `parts` of equal length, at least 1 µs each.
    pub fn new(turn: Duration, parts: usize) -> Self {
        let width = (turn.as_micros() as u64 / parts as u64).max(1);
        Wheel { parts: vec![Vec::new(); parts], width, next: 0, members: 0 }
    }

    pub fn insert(&mut self, now: Moment, slot: usize) {
        if self.members == 0 {
            self.next = now.as_micros() / self.width + 1;
        }
        let count = self.parts.len();
        self.parts[slot % count].push(slot);
        self.members += 1;
    }

    pub fn remove(&mut self, slot: usize) {
        let count = self.parts.len();
        let part = &mut self.parts[slot % count];
        if let Some(place) = part.iter().position(|member| *member == slot) {
            part.swap_remove(place);
            self.members -= 1;
        }
    }

    /// The next part whose time has come.
    pub fn due(&mut self, now: Moment) -> Option<Due> {
        if self.members == 0 {
            return None;
        }
        let present = now.as_micros() / self.width;
        if self.next > present {
            return None;
        }
        let turn = self.parts.len() as u64;
        let oldest = present.saturating_sub(turn - 1);
        let skipped = oldest.saturating_sub(self.next);
        let number = self.next.max(oldest);
        let late = now.since(Moment::from_micros(self.next * self.width));
        self.next = number + 1;
        Some(Due {
            part: (number % turn) as usize,
            at: Moment::from_micros(number * self.width),
            skipped,
            late,
        })
    }

    /// Slots in a part; stays as it is while the part is served.
    pub fn members(&self, part: usize) -> &[usize] {
        &self.parts[part]
    }

    /// When the next part that has members is due; `None` if the wheel is empty.
    pub fn next_deadline(&self) -> Option<Moment> {
        if self.members == 0 {
            return None;
        }
        let turn = self.parts.len() as u64;
        (self.next..self.next + turn)
            .find(|number| !self.parts[(number % turn) as usize].is_empty())
            .map(|number| Moment::from_micros(number * self.width))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Moment = Moment::from_micros(1_000_000_000);

    fn after(millis: u64) -> Moment {
        START + Duration::from_millis(millis)
    }

    fn wheel_of(slots: &[usize]) -> Wheel {
        let mut wheel = Wheel::new(Duration::from_millis(20), 20);
        slots.iter().for_each(|slot| wheel.insert(START, *slot));
        wheel
    }

    fn served(wheel: &mut Wheel, now: Moment) -> Vec<usize> {
        let mut slots = Vec::new();
        while let Some(due) = wheel.due(now) {
            slots.extend_from_slice(wheel.members(due.part));
        }
        slots
    }

    #[test]
    fn streams_are_spread_over_the_turn_by_their_slots() {
        let mut wheel = wheel_of(&[3, 7, 23]);
        assert_eq!(wheel.next_deadline(), Some(after(3)));
        assert_eq!(served(&mut wheel, after(3)), [3, 23]);
        assert_eq!(wheel.next_deadline(), Some(after(7)));
        assert_eq!(served(&mut wheel, after(7)), [7]);
        assert_eq!(wheel.next_deadline(), Some(after(23)));
    }

    #[test]
    fn a_stall_serves_everybody_once_and_keeps_the_grid() {
        let mut wheel = wheel_of(&[3, 7]);
        served(&mut wheel, after(10));
        let first = wheel.due(after(510)).unwrap();
        assert_eq!(first.skipped, 480);
        assert_eq!(first.at, after(491));
        assert_eq!(first.late, Duration::from_millis(499));
        assert_eq!(served(&mut wheel, after(510)), [3, 7]);
        assert_eq!(wheel.next_deadline(), Some(after(523)));
    }

    #[test]
    fn an_empty_wheel_sleeps_and_does_not_owe_the_past() {
        let mut wheel = wheel_of(&[5]);
        wheel.remove(5);
        assert_eq!((wheel.next_deadline(), wheel.due(after(99))), (None, None));
        wheel.insert(after(1_000), 5);
        assert_eq!(wheel.due(after(1_001)).unwrap().skipped, 0);
    }
}
