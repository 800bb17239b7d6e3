//! Nonces: issued without memory, accepted once per count.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use aws_lc_rs::hmac;

use super::hex;
use crate::moment::Moment;
use crate::rng::Rng;

/// How long a nonce may be used. Phones register about hourly, so each round takes one new nonce; a call's requests
/// follow each other faster than this.
const LIFETIME: Duration = Duration::from_secs(300);

/// Most nonces whose counts are remembered, each about 100 bytes. Only right passwords get here, so this is
/// 200 sign-ins a second for `LIFETIME`. Beyond it: the oldest go, and nonces that old count as stale.
const USED: usize = 60_000;

/// How far behind the highest a count may lie: requests that overtook each other on UDP.
const WINDOW: u32 = 64;

/// Bytes of MAC in a nonce: 128 bits.
const MAC_BYTES: usize = 16;

/// Microseconds of issue and a serial number; ordered by age.
type Stamp = (u64, u32);

/// What using a nonce shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Ours, young, and this count not used before.
    Fresh,
    /// Not ours (perhaps from before a restart), too old, or a replay.
    Stale,
}

pub struct Nonces {
    key: hmac::Key,
    serial: u32,
    used: BTreeMap<Stamp, Counts>,
    /// Nonces up to this one have been forgotten.
    forgotten: Stamp,
}

/// The counts seen: the highest, and as bits those just below it.
#[derive(Clone, Copy, Debug)]
struct Counts {
    highest: u32,
    seen: u64,
}

impl Nonces {
    pub fn new(mut rng: Rng) -> Nonces {
        let mut key = [0; 32];
        rng.fill(&mut key);
        Nonces {
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            serial: 0,
            used: BTreeMap::new(),
            forgotten: (0, 0),
        }
    }

    /// A new one: stamp and MAC in hexadecimal.
    pub fn issue(&mut self, now: Moment) -> String {
        self.serial = self.serial.wrapping_add(1);
        self.write((now.as_micros(), self.serial))
    }

    fn write(&self, stamp: Stamp) -> String {
        let mut plain = [0; 12];
        plain[..8].copy_from_slice(&stamp.0.to_be_bytes());
        plain[8..].copy_from_slice(&stamp.1.to_be_bytes());
        let mac = hmac::sign(&self.key, &plain);
        format!("{}{}", hex(&plain), hex(&mac.as_ref()[..MAC_BYTES]))
    }

    fn read(&self, nonce: &str) -> Option<Stamp> {
        let micros = u64::from_str_radix(nonce.get(..16)?, 16).ok()?;
        let serial = u32::from_str_radix(nonce.get(16..24)?, 16).ok()?;
        let genuine = self.write((micros, serial));
        aws_lc_rs::constant_time::verify_slices_are_equal(genuine.as_bytes(), nonce.as_bytes()).ok()?;
        Some((micros, serial))
    }

    /// Uses `nonce` with `count`. Call it only once the password is known to be right, so that strangers
    /// can neither fill the memory nor use up a phone's counts.
    pub fn spend(&mut self, now: Moment, nonce: &str, count: u32) -> Freshness {
        self.drop_expired(now);
        let Some(stamp) = self.read(nonce) else { return Freshness::Stale };
        if stamp <= self.forgotten || now.since(Moment::from_micros(stamp.0)) >= LIFETIME {
            return Freshness::Stale;
        }
        let fresh = match self.used.get_mut(&stamp) {
            Some(counts) => counts.take(count),
            None => {
                self.used.insert(stamp, Counts { highest: count, seen: 0 });
                true
            }
        };
        if self.used.len() > USED
            && let Some((oldest, _)) = self.used.pop_first()
        {
            self.forgotten = oldest;
        }
        if fresh { Freshness::Fresh } else { Freshness::Stale }
    }

    fn drop_expired(&mut self, now: Moment) {
        while let Some(first) = self.used.first_entry()
            && now.since(Moment::from_micros(first.key().0)) >= LIFETIME
        {
            first.remove();
        }
    }
}

impl Counts {
    /// Marks `count` as used; `false` if it was, or is too far behind to tell.
    fn take(&mut self, count: u32) -> bool {
        if count > self.highest {
            let step = count - self.highest;
            let moved = self.seen.checked_shl(step).unwrap_or(0);
            // The old highest becomes bit `step - 1`.
            self.seen = moved | 1_u64.checked_shl(step - 1).unwrap_or(0);
            self.highest = count;
            return true;
        }
        let behind = self.highest - count;
        if behind == 0 || behind > WINDOW {
            return false;
        }
        let bit = 1_u64 << (behind - 1);
        let fresh = self.seen & bit == 0;
        self.seen |= bit;
        fresh
    }
}

impl fmt::Debug for Nonces {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nonces").field("used", &self.used.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nonces() -> Nonces {
        Nonces::new(Rng::seeded(1))
    }

    #[test]
    fn a_count_is_accepted_once_and_late_ones_within_the_window() {
        let mut nonces = nonces();
        let now = Moment::from_micros(1_000_000);
        let nonce = nonces.issue(now);
        let mut spend = |count| nonces.spend(now, &nonce, count);
        assert_eq!(spend(1), Freshness::Fresh);
        assert_eq!(spend(1), Freshness::Stale);
        assert_eq!(spend(4), Freshness::Fresh);
        assert_eq!(spend(3), Freshness::Fresh);
        assert_eq!(spend(3), Freshness::Stale);
        assert_eq!(spend(1), Freshness::Stale);
        assert_eq!(spend(100), Freshness::Fresh);
        assert_eq!(spend(36), Freshness::Fresh);
        assert_eq!(spend(35), Freshness::Stale);
        assert_eq!(spend(u32::MAX), Freshness::Fresh);
        assert_eq!(spend(100), Freshness::Stale);
    }

    #[test]
    fn a_nonce_dies_of_age_and_strangers_nonces_are_never_alive() {
        let mut nonces = nonces();
        let born = Moment::from_micros(1_000_000);
        let nonce = nonces.issue(born);
        let almost = born + (LIFETIME - Duration::from_micros(1));
        assert_eq!(nonces.spend(almost, &nonce, 1), Freshness::Fresh);
        assert_eq!(nonces.spend(born + LIFETIME, &nonce, 2), Freshness::Stale);
        let foreign = Nonces::new(Rng::seeded(2)).issue(almost);
        for bad in [foreign.as_str(), "", "zz", "00000000000000000000000", "é23456789012345678901234567890"]
        {
            assert_eq!(nonces.spend(almost, bad, 1), Freshness::Stale);
        }
    }

    #[test]
    fn memory_is_bounded_and_what_was_forgotten_cannot_be_replayed() {
        let mut nonces = nonces();
        let now = Moment::from_micros(1_000_000);
        let first = nonces.issue(now);
        assert_eq!(nonces.spend(now, &first, 1), Freshness::Fresh);
        for _ in 0..USED {
            let nonce = nonces.issue(now);
            nonces.spend(now, &nonce, 1);
        }
        assert_eq!(nonces.used.len(), USED);
        assert_eq!(nonces.spend(now, &first, 2), Freshness::Stale);
        nonces.spend(now + LIFETIME, "", 1);
        assert!(nonces.used.is_empty());
    }
}
