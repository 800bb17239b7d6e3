//! What is remembered of callers, by their numbers. A copy of it is in the store, which gives it back at start.

use std::collections::{BTreeMap, BTreeSet};

use super::Engine;
use super::customer::Next;
use super::happened::{Forgotten, Kept, What};
use super::limits::{PROFILE_KEPT, PROFILES};
use super::staff::Answer;
use crate::call::customer::Call;
use crate::ivr::profile::{MAX_NAMES, Remembered};
use crate::ivr::run::Event as RunEvent;
use crate::moment::Moment;

/// Fewest digits of a number that is somebody's: shorter ones are made up by telephone systems.
const DIGITS: usize = 5;

#[derive(Debug, Default)]
pub(super) struct Profiles {
    by_number: BTreeMap<String, (Moment, Remembered)>,
    /// By when something was remembered of them last.
    by_age: BTreeSet<(Moment, String)>,
}

impl Profiles {
    fn put(&mut self, kept: Kept) {
        self.remove(&kept.number);
        self.by_age.insert((kept.since, kept.number.clone()));
        self.by_number.insert(kept.number, (kept.since, kept.values));
    }

    fn remove(&mut self, number: &str) -> bool {
        let Some((since, _)) = self.by_number.remove(number) else { return false };
        self.by_age.remove(&(since, number.to_owned()));
        true
    }

    /// Whoever must go: there are too many, or something was remembered too long ago.
    fn surplus(&self, now: Moment) -> Option<(String, Forgotten)> {
        let (since, number) = self.by_age.first()?;
        let why = match () {
            () if self.by_number.len() > PROFILES => Forgotten::NoRoom,
            () if now.since(*since) > PROFILE_KEPT => Forgotten::Old,
            () => return None,
        };
        Some((number.clone(), why))
    }
}

/// Whether a number tells who calls.
fn is_somebodys(number: &str) -> bool {
    let digits = number.strip_prefix('+').unwrap_or(number);
    digits.len() >= DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit())
}

impl Engine {
    /// As the store of the server before this one has them.
    pub(super) fn resume_profiles(&mut self, now: Moment, kept: Vec<Kept>) {
        kept.into_iter().for_each(|kept| self.profiles.put(kept));
        self.shed_profiles(now);
    }

    pub(super) fn recall(&mut self, now: Moment, call: &Call) -> Next {
        self.shed_profiles(now);
        let known = self.profiles.by_number.get(&call.from).map(|(_, values)| values.clone());
        Next::Tell(RunEvent::Recalled(known.unwrap_or_default()))
    }

    /// An empty value takes back what was remembered by its name.
    pub(super) fn remember(&mut self, now: Moment, call: &Call, values: Remembered) {
        if !is_somebodys(&call.from) {
            return;
        }
        let before = self.profiles.by_number.get(&call.from).map(|(_, values)| values.clone());
        let mut all = before.unwrap_or_default();
        let names = values.keys().cloned().collect();
        for (name, value) in values {
            if value.is_empty() {
                all.remove(&name);
            } else if all.len() < MAX_NAMES || all.contains_key(&name) {
                all.insert(name, value);
            }
        }
        let kept = Kept { number: call.from.clone(), since: now, values: all };
        self.profiles.put(kept.clone());
        self.happened(
            now,
            Some(call.id),
            None,
            What::ProfileRemembered { names, kept: Some(Box::new(kept)) },
        );
        self.shed_profiles(now);
    }

    fn shed_profiles(&mut self, now: Moment) {
        while let Some((number, why)) = self.profiles.surplus(now) {
            self.profiles.remove(&number);
            self.happened(now, None, None, What::ProfileForgotten { why, user: None, number });
        }
    }

    /// Somebody wants to be forgotten. That it was asked for is noted, whether or not anything was known.
    pub(super) fn forget(&mut self, now: Moment, user: String, number: String) -> Answer {
        self.profiles.remove(&number);
        let user = Some(user);
        self.happened(now, None, None, What::ProfileForgotten { why: Forgotten::Asked, user, number });
        Answer::Done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_that_are_somebodys_are_kept() {
        for number in ["13812341234", "+8613812341234", "95500"] {
            assert!(is_somebodys(number), "{number}");
        }
        for number in ["", "anonymous", "unknown", "0", "1001", "+", "138 1234 1234"] {
            assert!(!is_somebodys(number), "{number}");
        }
    }

    #[test]
    fn who_was_remembered_longest_ago_goes_first() {
        let at = |seconds: u64| Moment::from_micros(seconds * 1_000_000);
        let mut profiles = Profiles::default();
        let kept =
            |number: usize, since| Kept { number: number.to_string(), since, values: Remembered::new() };
        for number in 0..=PROFILES {
            profiles.put(kept(number, at(number as u64)));
        }
        profiles.put(kept(0, at(PROFILES as u64 + 1)));
        let now = at(PROFILES as u64 + 1);
        assert_eq!(profiles.surplus(now), Some(("1".to_owned(), Forgotten::NoRoom)));
        assert!(profiles.remove("1") && profiles.surplus(now).is_none());
        assert_eq!(profiles.surplus(at(3) + PROFILE_KEPT), Some(("2".to_owned(), Forgotten::Old)));
    }
}
