//! Slowing down those who guess passwords, without locking out the phone next to them.
//!
//! Wrong answers are counted by source and user. Five within a minute block that pair, each further one for twice as
//! long. Besides, a source that fails for many users is not allowed five guesses for each, but one.
//! A pair that has lately answered rightly is never refused unheard: behind a branch's NAT the guesser and the
//! phone share an address, and the bank's phones must keep working. The price is that this neighbour may go on
//! guessing for that one user at the speed of the line; each wrong guess is reported to its caller as throttled.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use aws_lc_rs::hmac;

use crate::moment::Moment;
use crate::rng::Rng;

/// Wrong answers a pair may give within `SPELL`: somebody mistypes.
const PATIENCE: u32 = 5;

/// Users for whom a source may fail within `SPELL` before each gets one guess only.
const USERS: u32 = 10;

/// The time over which wrong answers add up.
const SPELL: Duration = Duration::from_secs(60);

/// The first block; it doubles with each further wrong answer.
const FIRST_BLOCK: Duration = Duration::from_secs(5);

/// The longest block.
const LONGEST_BLOCK: Duration = Duration::from_secs(300);

/// How long a right answer protects its pair: twice the longest registration.
const TRUST: Duration = Duration::from_secs(14_400);

/// Most failing pairs and sources remembered, each about 150 bytes. Beyond it: the longest quiet is forgotten.
const FAILING: usize = 16_384;

/// Most trusted pairs remembered: three for each of 20,000 agents. Beyond it: the longest quiet is forgotten.
const TRUSTED: usize = 65_536;

/// Source and, for a pair, its user: as a keyed hash, since a stranger chooses the name and its length.
type Key = (IpAddr, Option<[u8; 16]>);

pub struct Throttle {
    key: hmac::Key,
    failing: Aging<Failing>,
    trusted: Aging<()>,
}

#[derive(Clone, Copy, Debug)]
struct Failing {
    wrong: u32,
    since: Moment,
    block: Duration,
    blocked_until: Moment,
}

/// A bounded table that forgets what was touched longest ago.
#[derive(Debug)]
struct Aging<T> {
    entries: BTreeMap<Key, (Moment, T)>,
    by_age: BTreeSet<(Moment, Key)>,
    most: usize,
}

impl Throttle {
    pub fn new(mut rng: Rng) -> Throttle {
        let mut key = [0; 32];
        rng.fill(&mut key);
        Throttle {
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            failing: Aging::new(FAILING),
            trusted: Aging::new(TRUSTED),
        }
    }

    /// Seconds to wait if the pair is blocked: refuse it without looking at its answer.
    pub fn refuses(&self, now: Moment, source: IpAddr, user: &str) -> Option<u32> {
        let pair = self.pair(source, user);
        if self.is_trusted(now, &pair) {
            return None;
        }
        self.failing.get(&pair).and_then(|(_, failing)| failing.wait(now))
    }

    /// The pair answered wrongly. Seconds to wait if it is blocked now.
    pub fn wrong(&mut self, now: Moment, source: IpAddr, user: &str) -> Option<u32> {
        let pair = self.pair(source, user);
        let whole = (pair.0, None);
        let mut others = self.failing.get(&whole).map_or(Failing::new(now), |(_, f)| *f);
        others.forgive(now);
        let counted = self.failing.get(&pair).is_some_and(|(touched, _)| *touched >= others.since);
        if !counted {
            others.wrong += 1;
        }
        self.failing.put(now, whole, others);
        let allowed = if others.wrong > USERS { 1 } else { PATIENCE };
        let mut own = self.failing.get(&pair).map_or(Failing::new(now), |(_, f)| *f);
        own.forgive(now);
        own.count(now, allowed);
        self.failing.put(now, pair, own);
        own.wait(now)
    }

    /// The pair answered rightly, with a fresh nonce.
    pub fn right(&mut self, now: Moment, source: IpAddr, user: &str) {
        let pair = self.pair(source, user);
        self.trusted.put(now, pair, ());
    }

    fn is_trusted(&self, now: Moment, pair: &Key) -> bool {
        self.trusted.get(pair).is_some_and(|(at, ())| now.since(*at) < TRUST)
    }

    fn pair(&self, source: IpAddr, user: &str) -> Key {
        let mut mark = [0; 16];
        mark.copy_from_slice(&hmac::sign(&self.key, user.as_bytes()).as_ref()[..16]);
        (site(source), Some(mark))
    }
}

/// One customer of an IPv6 provider has a whole /64 of addresses.
fn site(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

impl Failing {
    fn new(now: Moment) -> Failing {
        Failing { wrong: 0, since: now, block: Duration::ZERO, blocked_until: now }
    }

    /// Starts over when the spell is past and the last block, if any, has been over for as long as it lasted.
    fn forgive(&mut self, now: Moment) {
        let quiet = if self.block.is_zero() { Duration::ZERO } else { self.block.max(SPELL) };
        if now.since(self.since) >= SPELL && now >= self.blocked_until + quiet {
            *self = Failing::new(now);
        }
    }

    fn count(&mut self, now: Moment, allowed: u32) {
        self.wrong += 1;
        if self.wrong >= allowed {
            self.block = (self.block * 2).clamp(FIRST_BLOCK, LONGEST_BLOCK);
            self.blocked_until = now + self.block;
        }
    }

    fn wait(&self, now: Moment) -> Option<u32> {
        let left = self.blocked_until.since(now);
        let secs = u32::try_from(left.as_secs()).unwrap_or(u32::MAX);
        (!left.is_zero()).then(|| secs + u32::from(left.subsec_nanos() > 0))
    }
}

impl<T> Aging<T> {
    fn new(most: usize) -> Aging<T> {
        Aging { entries: BTreeMap::new(), by_age: BTreeSet::new(), most }
    }

    fn get(&self, key: &Key) -> Option<&(Moment, T)> {
        self.entries.get(key)
    }

    fn put(&mut self, now: Moment, key: Key, value: T) {
        if let Some((before, _)) = self.entries.insert(key, (now, value)) {
            self.by_age.remove(&(before, key));
        }
        self.by_age.insert((now, key));
        if self.entries.len() > self.most
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.entries.remove(&oldest);
        }
    }
}

impl fmt::Debug for Throttle {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle")
            .field("failing", &self.failing.entries.len())
            .field("trusted", &self.trusted.entries.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BRANCH: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn at(secs: u64) -> Moment {
        Moment::from_micros(1_000_000_000 + secs * 1_000_000)
    }

    fn throttle() -> Throttle {
        Throttle::new(Rng::seeded(3))
    }

    #[test]
    fn the_fifth_wrong_answer_blocks_the_pair_and_blocks_grow_to_five_minutes() {
        let mut throttle = throttle();
        for _ in 0..4 {
            assert_eq!(throttle.wrong(at(0), BRANCH, "1001"), None);
        }
        assert_eq!(throttle.wrong(at(0), BRANCH, "1001"), Some(5));
        assert_eq!(throttle.refuses(at(4), BRANCH, "1001"), Some(1));
        assert_eq!(throttle.refuses(at(5), BRANCH, "1001"), None);
        let waits: Vec<_> = (0..8)
            .scan(5, |time, _| {
                let wait = throttle.wrong(at(*time), BRANCH, "1001")?;
                *time += u64::from(wait);
                Some(wait)
            })
            .collect();
        assert_eq!(waits, [10, 20, 40, 80, 160, 300, 300, 300]);
    }

    #[test]
    fn four_wrong_answers_a_minute_are_never_blocked() {
        let mut throttle = throttle();
        for minute in 0..10 {
            for _ in 0..4 {
                assert_eq!(throttle.wrong(at(minute * 60), BRANCH, "1001"), None);
            }
        }
    }

    #[test]
    fn a_blocked_user_leaves_the_others_of_its_address_alone() {
        let mut throttle = throttle();
        for _ in 0..9 {
            throttle.wrong(at(0), BRANCH, "1001");
        }
        assert!(throttle.refuses(at(1), BRANCH, "1001").is_some());
        assert_eq!(throttle.refuses(at(1), BRANCH, "1002"), None);
        assert_eq!(throttle.wrong(at(1), BRANCH, "1002"), None);
    }

    #[test]
    fn who_answered_rightly_lately_is_heard_however_often_a_neighbour_fails() {
        let mut throttle = throttle();
        throttle.right(at(0), BRANCH, "1001");
        for _ in 0..50 {
            throttle.wrong(at(1), BRANCH, "1001");
        }
        assert_eq!(throttle.refuses(at(1), BRANCH, "1001"), None);
        assert!(throttle.wrong(at(1), BRANCH, "1001").is_some());
        throttle.right(at(2), BRANCH, "1002");
        assert!(throttle.refuses(at(14_402), BRANCH, "1002").is_none());
    }

    #[test]
    fn who_tries_many_users_gets_one_guess_for_each() {
        let mut throttle = throttle();
        for user in 0..10 {
            assert_eq!(throttle.wrong(at(0), BRANCH, &user.to_string()), None);
        }
        assert_eq!(throttle.wrong(at(0), BRANCH, "another"), Some(5));
        let elsewhere = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));
        assert_eq!(throttle.wrong(at(0), elsewhere, "another"), None);
    }

    #[test]
    fn an_ipv6_site_is_one_source() {
        let mut throttle = throttle();
        for host in 1..=5 {
            let source = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, host));
            throttle.wrong(at(0), source, "1001");
        }
        let neighbour = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 9, 9, 9, 9));
        assert!(throttle.refuses(at(0), neighbour, "1001").is_some());
    }

    #[test]
    fn memory_is_bounded_and_failures_cannot_push_out_trust() {
        let mut throttle = throttle();
        throttle.right(at(0), BRANCH, "1001");
        for host in 0..20_000_u32 {
            throttle.wrong(at(1), IpAddr::V4(host.into()), "1001");
        }
        assert_eq!(throttle.failing.entries.len(), FAILING);
        assert_eq!(throttle.failing.by_age.len(), FAILING);
        assert!(throttle.is_trusted(at(1), &throttle.pair(BRANCH, "1001")));
    }
}
