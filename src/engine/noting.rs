//! What strangers can make happen as often as they like: counted whole, noted in the journal only so often.

use super::Engine;
use super::admission::Gate;
use super::happened::What;
use super::limits::{LOGIN_FAILURES_NOTED, REFUSALS_NOTED};
use crate::config::Limits;
use crate::moment::Moment;

/// Which of a kind of attempts are noted in the journal.
#[derive(Debug)]
pub(super) struct Noting {
    gate: Gate,
    /// Since the last that was noted.
    unnoted: u64,
    /// Noted or not, since the start.
    seen: u64,
}

impl Noting {
    /// Calls that are refused.
    pub(super) fn refusals(now: Moment) -> Noting {
        Noting::new(now, REFUSALS_NOTED)
    }

    /// Wrong credentials.
    pub(super) fn login_failures(now: Moment) -> Noting {
        Noting::new(now, LOGIN_FAILURES_NOTED)
    }

    fn new(now: Moment, a_second: u32) -> Noting {
        let limits = Limits { calls: usize::MAX, calls_per_second: a_second };
        Noting { gate: Gate::new(now, &limits), unnoted: 0, seen: 0 }
    }

    /// How many went unnoted before this one; `None` if it is not to be noted either.
    pub(super) fn takes(&mut self, now: Moment) -> Option<u64> {
        self.counts();
        if self.gate.lets_in(now, 0) {
            return Some(std::mem::take(&mut self.unnoted));
        }
        self.unnoted = self.unnoted.saturating_add(1);
        None
    }

    /// One that is noted in any case.
    pub(super) fn counts(&mut self) {
        self.seen = self.seen.saturating_add(1);
    }

    /// All of them since the start; never falls.
    pub(super) fn seen(&self) -> u64 {
        self.seen
    }
}

impl Engine {
    /// A phone at `source` gave a wrong password, or goes on while being slowed down for it.
    pub(super) fn login_failed(&mut self, now: Moment, source: String) {
        if let Some(unnoted) = self.login_failures.takes(now) {
            self.happened(now, None, None, What::LoginFailed { source, unnoted });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_whole_and_noted_a_seconds_worth() {
        let start = Moment::from_micros(1_000_000);
        let mut noting = Noting::new(start, 3);
        let noted: Vec<Option<u64>> = (0..10).map(|_| noting.takes(start)).collect();
        assert_eq!(noted.iter().flatten().count(), 3);
        assert_eq!(noting.seen(), 10, "at once, not with the next that is noted");
        assert_eq!(noting.takes(start + std::time::Duration::from_secs(1)), Some(7));
    }
}
