//! Whether the server is behind, and new calls are turned away for that: a measured rule, beside the configured limits.
//!
//! What counts is how long a message that begins something had waited when its turn came. While one waits longer than
//! `KNOCK_WAIT` no new call is let in, until one has waited less than `KNOCK_CALM`: a call refused at once can try
//! elsewhere, one that waits is repeated by its phone and costs twice. Who is in a call does not wait with them.

use std::time::Duration;

use super::limits::{KNOCK_CALM, KNOCK_WAIT, OVERLOAD_ENDS};
use crate::moment::Moment;

/// How far behind the server is.
#[derive(Debug, Default)]
pub(super) struct Pressure {
    behind: bool,
    /// When it was last seen to be behind, from the alarm's beginning to its end.
    alarm: Option<Moment>,
    turned_away: u64,
}

/// What changes by what was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Nothing,
    /// The alarm begins.
    Overloaded,
    /// The alarm ends.
    Over,
}

impl Pressure {
    /// A message that begins something had waited for so long.
    pub(super) fn waited(&mut self, now: Moment, waited: Duration) -> Turn {
        if waited >= KNOCK_WAIT {
            self.behind = true;
        } else if waited < KNOCK_CALM {
            self.behind = false;
        }
        match (self.behind, self.alarm) {
            (true, before) => {
                self.alarm = Some(now);
                if before.is_none() { Turn::Overloaded } else { Turn::Nothing }
            }
            (false, _) => Turn::Nothing,
        }
    }

    /// New calls are turned away.
    pub(super) fn is_behind(&self) -> bool {
        self.behind
    }

    /// A call was turned away.
    pub(super) fn turned_away(&mut self) {
        self.turned_away += 1;
    }

    /// Calls turned away since the start.
    pub(super) fn total(&self) -> u64 {
        self.turned_away
    }

    pub(super) fn handle_time(&mut self, now: Moment) -> Turn {
        if self.next_deadline().is_none_or(|at| at > now) {
            return Turn::Nothing;
        }
        // Nobody has called for so long: there is nothing to be behind with.
        *self = Pressure { turned_away: self.turned_away, ..Pressure::default() };
        Turn::Over
    }

    /// When the alarm ends if nothing else is seen.
    pub(super) fn next_deadline(&self) -> Option<Moment> {
        self.alarm.map(|last| last + OVERLOAD_ENDS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_micros(1_000_000);

    #[test]
    fn it_turns_away_from_the_upper_bound_until_the_lower_one() {
        let mut pressure = Pressure::default();
        let mut behind_after = |waited| {
            pressure.waited(NOW, waited);
            pressure.is_behind()
        };
        let between = (KNOCK_WAIT + KNOCK_CALM) / 2;
        assert!(!behind_after(between), "not yet");
        assert!(behind_after(KNOCK_WAIT));
        assert!(behind_after(between), "still");
        assert!(!behind_after(Duration::ZERO));
        assert!(!behind_after(between), "and not again");
    }

    #[test]
    fn one_alarm_covers_refusals_that_come_and_go_and_ends_after_a_quiet_while() {
        let mut pressure = Pressure::default();
        assert_eq!(pressure.waited(NOW, KNOCK_WAIT), Turn::Overloaded);
        assert_eq!(pressure.waited(NOW, Duration::ZERO), Turn::Nothing);
        let later = NOW + OVERLOAD_ENDS / 2;
        assert_eq!(pressure.waited(later, KNOCK_WAIT), Turn::Nothing, "the same alarm");
        assert_eq!(pressure.handle_time(NOW + OVERLOAD_ENDS), Turn::Nothing, "it was renewed");
        assert_eq!(pressure.next_deadline(), Some(later + OVERLOAD_ENDS));
        assert_eq!(pressure.handle_time(later + OVERLOAD_ENDS), Turn::Over);
        assert_eq!((pressure.next_deadline(), pressure.is_behind()), (None, false));
        assert_eq!(pressure.waited(later, KNOCK_WAIT), Turn::Overloaded, "another alarm");
    }
}
