//! A new release on trial among a share of the callers: what became of them, and whether the release does worse.
//!
//! Both releases are judged on callers of the same time: those who were answered since the trial began.

use serde::{Deserialize, Serialize};

use crate::ids::ReleaseId;
use crate::rng::Rng;

/// Calls that each of the two releases must have had before the new one is judged.
pub const LEAST_CALLS: u64 = 50;
/// Bad endings that the new release must have had: fewer are chance.
pub const LEAST_BAD: u64 = 5;
/// How much worse a share must be to count, in thousandths: a difference that nobody would notice is none, however
/// surely it is there.
pub const WORSE_BY: u64 = 30;
/// How sure the difference must be: the z of the two-proportion test, one-sided. 3.29 is one chance in two thousand for
/// one look; the look is repeated with every call, which makes it about one in a hundred for a whole trial.
pub const WORSE_Z: f64 = 3.29;

/// What became of the calls that took a release.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Calls that have ended.
    pub calls: u64,
    /// Of these, those whose caller hung up in the menu or a queue.
    pub abandoned: u64,
    /// Those in which something failed: a request to a host, a transfer, or the flow itself.
    pub failed: u64,
}

/// What a release can do worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    Abandoned,
    Failed,
}

impl Tally {
    pub fn add(&mut self, abandoned: bool, failed: bool) {
        self.calls += 1;
        self.abandoned += u64::from(abandoned);
        self.failed += u64::from(failed);
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} calls, {} abandoned, {} failed", self.calls, self.abandoned, self.failed)
    }
}

/// What the new release does worse than the old one, if it is sure.
pub fn worse(new: Tally, old: Tally) -> Option<Measure> {
    if new.calls.min(old.calls) < LEAST_CALLS {
        return None;
    }
    let is_worse = |bad: fn(&Tally) -> u64| surely_more((bad(&new), new.calls), (bad(&old), old.calls));
    if is_worse(|tally| tally.abandoned) {
        Some(Measure::Abandoned)
    } else {
        is_worse(|tally| tally.failed).then_some(Measure::Failed)
    }
}

/// Whether the first share is larger than the second by `WORSE_BY`, and by the pooled two-proportion z test not by chance.
fn surely_more((new_bad, new): (u64, u64), (old_bad, old): (u64, u64)) -> bool {
    let share = |bad: u64, all: u64| bad as f64 / all as f64;
    let more = share(new_bad, new) - share(old_bad, old);
    if new_bad < LEAST_BAD || more < WORSE_BY as f64 / 1_000.0 {
        return false;
    }
    let pooled = share(new_bad + old_bad, new + old);
    let spread = (pooled * (1.0 - pooled) * (1.0 / new as f64 + 1.0 / old as f64)).sqrt();
    // Without any spread all calls of both ended badly, and none is worse.
    spread > 0.0 && more / spread >= WORSE_Z
}

/// Whether a call with this seed is among the share of callers who take the release.
pub fn takes(seed: u64, release: ReleaseId, percent: u8) -> bool {
    // Mixed with the release, so that not the same callers try every new one.
    let mixed = seed ^ release.0.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Rng::seeded(mixed).below(100) < u64::from(percent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(calls: u64, abandoned: u64, failed: u64) -> Tally {
        Tally { calls, abandoned, failed }
    }

    #[test]
    fn worse_is_what_is_more_by_enough_among_enough_calls() {
        for (new, old, verdict) in [
            // Too few calls on either side, however bad.
            (tally(49, 49, 49), tally(1_000, 0, 0), None),
            (tally(1_000, 1_000, 0), tally(49, 0, 0), None),
            // Clear.
            (tally(50, 25, 0), tally(450, 45, 0), Some(Measure::Abandoned)),
            (tally(50, 5, 20), tally(450, 45, 9), Some(Measure::Failed)),
            (tally(200, 0, 200), tally(1_800, 0, 0), Some(Measure::Failed)),
            // A little more, which may be chance.
            (tally(100, 15, 0), tally(900, 90, 0), None),
            // Surely more, and not by much.
            (tally(100_000, 11_000, 0), tally(900_000, 90_000, 0), None),
            (tally(100_000, 13_100, 0), tally(900_000, 90_000, 0), Some(Measure::Abandoned)),
            // Four bad calls are chance even against none.
            (tally(60, 0, 4), tally(100_000, 0, 0), None),
            (tally(60, 0, 5), tally(100_000, 0, 0), Some(Measure::Failed)),
            // Better, alike, and all bad on both sides.
            (tally(500, 10, 0), tally(500, 200, 0), None),
            (tally(500, 50, 5), tally(500, 50, 5), None),
            (tally(500, 500, 500), tally(500, 500, 500), None),
        ] {
            assert_eq!(worse(new, old), verdict, "{new:?} against {old:?}");
        }
    }

    /// Plays trials call by call; how many are called worse, and after how many calls of the new release on average.
    fn trials(percent: u8, new_rate: u64, old_rate: u64, calls: u64) -> (usize, u64) {
        let mut rng = Rng::seeded(7);
        let (mut found, mut after) = (0, 0);
        for _ in 0..400 {
            let (mut new, mut old) = (Tally::default(), Tally::default());
            for _ in 0..calls {
                let is_new = rng.below(100) < u64::from(percent);
                let (tally, rate) = if is_new { (&mut new, new_rate) } else { (&mut old, old_rate) };
                tally.add(rng.below(1_000) < rate, rng.below(1_000) < 10);
                if worse(new, old).is_some() {
                    found += 1;
                    after += new.calls;
                    break;
                }
            }
        }
        (found, after.checked_div(found as u64).unwrap_or(0))
    }

    #[test]
    fn a_release_as_good_as_the_old_one_is_hardly_ever_taken_back() {
        let (found, _) = trials(10, 100, 100, 5_000);
        assert!(found <= 12, "{found} of 400 trials of equal releases");
    }

    #[test]
    fn a_release_that_loses_twice_the_callers_is_found_soon_and_always() {
        let (found, after) = trials(10, 200, 100, 10_000);
        assert!(found >= 396 && after < 400, "{found} of 400, after {after} calls");
    }

    #[test]
    fn shares_are_kept_and_are_other_callers_for_the_next_release() {
        let taking = |release, percent| move |seed: &u64| takes(*seed, ReleaseId(release), percent);
        let of = |release, percent| (0..10_000).filter(taking(release, percent)).count();
        assert_eq!((of(7, 0), of(7, 100)), (0, 10_000));
        assert!(of(7, 10).abs_diff(1_000) < 100);
        let both = (0..10_000).filter(taking(7, 10)).filter(taking(8, 10)).count();
        assert!(both.abs_diff(100) < 40, "{both}");
    }
}
