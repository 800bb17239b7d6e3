//! How long a caller will wait: the caller's turn, times the time a talk takes, shared by the agents at work.
//!
//! Pure: what it knows are the talks of its queue so far. It names one value and not how sure it is of it.

use std::time::Duration;

/// Talks of a queue before anything is said of its pace: one long talk would frighten everybody behind it.
pub const TALKS_KNOWN: u32 = 3;

/// Talks that the average looks back on. The first of a day weigh alike; later ones push the oldest out bit by bit,
/// so that an unusual hour shows within some minutes and one unusual talk does not.
pub const TALKS_REMEMBERED: u32 = 16;

/// How long the talks of one queue take, notes included, on a sliding average.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pace {
    talks: u32,
    average: Duration,
}

impl Pace {
    /// A talk is over; it kept its agent busy for so long.
    pub fn took(&mut self, time: Duration) {
        self.talks = self.talks.saturating_add(1);
        let weight = self.talks.min(TALKS_REMEMBERED);
        self.average = self.average.saturating_mul(weight - 1).saturating_add(time) / weight;
    }

    /// The wait of a caller with so many before them, where so many agents are at work. `None`: nobody knows.
    pub fn wait(&self, ahead: usize, agents: usize) -> Option<Duration> {
        if self.talks < TALKS_KNOWN || agents == 0 {
            return None;
        }
        let turn = u32::try_from(ahead).unwrap_or(u32::MAX).saturating_add(1);
        let agents = u32::try_from(agents).unwrap_or(u32::MAX);
        Some(self.average.saturating_mul(turn) / agents)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn of(talks: &[Duration]) -> Pace {
        let mut pace = Pace::default();
        talks.iter().for_each(|talk| pace.took(*talk));
        pace
    }

    #[test]
    fn the_wait_is_the_turn_times_a_talk_shared_by_the_agents() {
        let pace = of(&[2 * MINUTE, 3 * MINUTE, 4 * MINUTE]);
        for (ahead, agents, wait) in [(0, 1, 3), (0, 3, 1), (4, 1, 15), (4, 5, 3)] {
            assert_eq!(pace.wait(ahead, agents), Some(wait * MINUTE), "{ahead} ahead, {agents} agents");
        }
    }

    #[test]
    fn nothing_is_known_before_some_talks_or_without_an_agent() {
        assert_eq!(of(&[]).wait(0, 5), None);
        assert_eq!(of(&[MINUTE; 2]).wait(0, 5), None);
        assert_eq!(of(&[MINUTE; 3]).wait(0, 0), None);
        assert!(of(&[MINUTE; 3]).wait(0, 5).is_some());
    }

    #[test]
    fn one_unusual_talk_moves_it_a_little_and_an_unusual_hour_all_the_way() {
        let usual = [MINUTE; 40];
        let mut pace = of(&usual);
        pace.took(17 * MINUTE);
        assert_eq!(pace.wait(0, 1), Some(2 * MINUTE));
        (0..100).for_each(|_| pace.took(10 * MINUTE));
        let wait = pace.wait(0, 1).expect("known");
        assert!(wait > 590 * MINUTE / 60 && wait <= 10 * MINUTE, "{wait:?}");
    }

    #[test]
    fn no_number_is_too_large_for_it() {
        let mut pace = of(&[Duration::MAX; 4]);
        pace.took(Duration::MAX);
        assert!(pace.wait(usize::MAX, 1).is_some());
        assert!(pace.wait(usize::MAX, usize::MAX).is_some());
    }
}
