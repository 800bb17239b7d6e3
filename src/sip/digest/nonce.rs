//! Nonces: issued without memory, accepted once per count.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp(u64, u32);

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
            forgotten: Stamp(0, 0),
        }
    }

    /// A new one for `source`: stamp and MAC in hexadecimal.
    pub fn issue(&mut self, now: Moment, source: IpAddr) -> String {
        self.serial = self.serial.wrapping_add(1);
        self.write(Stamp(now.as_micros(), self.serial), source)
    }

    /// The source is under the MAC but not in the text: a nonce is worth something only where it was sent to.
    fn write(&self, stamp: Stamp, source: IpAddr) -> String {
        let mut plain = [0; 12];
        plain[..8].copy_from_slice(&stamp.0.to_be_bytes());
        plain[8..].copy_from_slice(&stamp.1.to_be_bytes());
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&plain);
        match source.to_canonical() {
            IpAddr::V4(address) => context.update(&address.octets()),
            IpAddr::V6(address) => context.update(&address.octets()),
        }
        format!("{}{}", hex(&plain), hex(&context.sign().as_ref()[..MAC_BYTES]))
    }

    /// What identifies `nonce` if it may still be used from `source`. `None`: not ours (perhaps from before
    /// a restart), sent to another address, or too old.
    pub fn read(&self, now: Moment, source: IpAddr, nonce: &str) -> Option<Stamp> {
        let micros = u64::from_str_radix(nonce.get(..16)?, 16).ok()?;
        let serial = u32::from_str_radix(nonce.get(16..24)?, 16).ok()?;
        let stamp = Stamp(micros, serial);
        let genuine = self.write(stamp, source);
        aws_lc_rs::constant_time::verify_slices_are_equal(genuine.as_bytes(), nonce.as_bytes()).ok()?;
        let young = now.since(Moment::from_micros(micros)) < LIFETIME;
        (young && stamp > self.forgotten).then_some(stamp)
    }

    /// Uses the nonce with `count`; `false` if that was used before. Call it only once the password is known to be
    /// right, so that strangers can neither fill the memory nor use up a phone's counts.
    pub fn spend(&mut self, now: Moment, stamp: Stamp, count: u32) -> bool {
        self.drop_expired(now);
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
        fresh
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

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const BORN: Moment = Moment::from_micros(1_000_000);

    fn nonces() -> Nonces {
        Nonces::new(Rng::seeded(1))
    }

    fn stamp(nonces: &mut Nonces) -> Stamp {
        let nonce = nonces.issue(BORN, HERE);
        nonces.read(BORN, HERE, &nonce).expect("a new nonce is good")
    }

    #[test]
    fn a_count_is_accepted_once_and_late_ones_within_the_window() {
        let mut nonces = nonces();
        let stamp = stamp(&mut nonces);
        let story = [
            (1, true),
            (1, false),
            (4, true),
            (3, true),
            (3, false),
            (1, false),
            (100, true),
            (36, true),
            (36, false),
            (35, false),
            (u32::MAX, true),
            (100, false),
        ];
        for (count, fresh) in story {
            assert_eq!(nonces.spend(BORN, stamp, count), fresh, "{count}");
        }
    }

    #[test]
    fn a_nonce_dies_of_age() {
        let mut nonces = nonces();
        let nonce = nonces.issue(BORN, HERE);
        let almost = BORN + (LIFETIME - Duration::from_micros(1));
        assert!(nonces.read(almost, HERE, &nonce).is_some());
        assert!(nonces.read(BORN + LIFETIME, HERE, &nonce).is_none());
    }

    #[test]
    fn a_nonce_is_good_only_at_the_address_it_was_sent_to_and_only_unchanged() {
        let mut nonces = nonces();
        let nonce = nonces.issue(BORN, HERE);
        let there = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));
        assert!(nonces.read(BORN, there, &nonce).is_none());
        let mapped = "::ffff:192.0.2.1".parse().expect("a good address");
        assert!(nonces.read(BORN, mapped, &nonce).is_some());
        let foreign = Nonces::new(Rng::seeded(2)).issue(BORN, HERE);
        let (longer, shorter) = (format!("{nonce}0"), &nonce[..nonce.len() - 1]);
        for bad in
            [&foreign, &longer, shorter, "", "zz", "0000000000000000000000", "+é234567890123456789012345"]
        {
            assert!(nonces.read(BORN, HERE, bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn memory_is_bounded_and_what_was_forgotten_cannot_be_replayed() {
        let mut nonces = nonces();
        let first = nonces.issue(BORN, HERE);
        let stamp = nonces.read(BORN, HERE, &first).expect("a new nonce is good");
        assert!(nonces.spend(BORN, stamp, 1));
        for serial in 0..60_000 {
            nonces.spend(BORN, Stamp(stamp.0, stamp.1 + 1 + serial), 1);
        }
        assert_eq!(nonces.used.len(), USED);
        assert_eq!(nonces.read(BORN, HERE, &first), None);
        nonces.spend(BORN + LIFETIME, Stamp(u64::MAX, 0), 1);
        assert_eq!(nonces.used.len(), 1);
    }
}
