//! Which RTP ports are free. A port rests before it is given again, so that late packets of one call never reach another.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use crate::moment::Moment;
use crate::rng::Rng;

/// A released port rests this long: phones send for a second or two after BYE, a lost BYE is repeated for 32 s
/// but its sender is silent by then.
pub const QUARANTINE: Duration = Duration::from_secs(5);

/// A port that could not be bound belongs to some other program: it is tried again after this.
pub const POISONED: Duration = Duration::from_secs(3_600);

/// Even RTP ports of a range; each stands for itself and the odd one above it (RTCP).
///
/// Bounded by the range: at most 32,768 entries.
#[derive(Clone, Debug)]
pub struct Ports {
    /// The one that was used longest ago in front.
    free: VecDeque<u16>,
    /// By the end of their rest.
    resting: BTreeSet<(Moment, u16)>,
    leased: BTreeSet<u16>,
}

impl Ports {
    /// Ports from `first` to `last`, both included; an odd `first` is rounded up. Empty if no pair fits.
    /// They are given in order from one drawn by lot, so that two servers on one address seldom want the same.
    pub fn new(first: u16, last: u16, rng: &mut Rng) -> Self {
        let even = u32::from(first) + u32::from(first % 2);
        let pairs = (even..u32::from(last)).step_by(2).filter_map(|port| u16::try_from(port).ok());
        let mut free: VecDeque<u16> = pairs.collect();
        if !free.is_empty() {
            let start = rng.below(free.len() as u64);
            free.rotate_left(usize::try_from(start).expect("less than the length"));
        }
        Ports { free, resting: BTreeSet::new(), leased: BTreeSet::new() }
    }

    /// An even port, the one that has rested longest; `None` when all are leased or resting.
    pub fn lease(&mut self, now: Moment) -> Option<u16> {
        while let Some(&(until, port)) = self.resting.first() {
            if until > now {
                break;
            }
            self.resting.pop_first();
            self.free.push_back(port);
        }
        let port = self.free.pop_front()?;
        self.leased.insert(port);
        Some(port)
    }

    /// The stream on `port` is closed. Ports that are not leased are ignored.
    pub fn release(&mut self, now: Moment, port: u16) {
        self.rest(port, now + QUARANTINE);
    }

    /// `port` or the one above it could not be bound. Ports that are not leased are ignored.
    pub fn poison(&mut self, now: Moment, port: u16) {
        self.rest(port, now + POISONED);
    }

    fn rest(&mut self, port: u16, until: Moment) {
        if self.leased.remove(&port) {
            self.resting.insert((until, port));
        }
    }

    /// Ports now leased.
    pub fn leased(&self) -> usize {
        self.leased.len()
    }

    /// Ports leased, resting and free together.
    pub fn capacity(&self) -> usize {
        self.free.len() + self.resting.len() + self.leased.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ports(first: u16, last: u16) -> Ports {
        Ports::new(first, last, &mut Rng::seeded(1))
    }

    #[test]
    fn servers_that_start_alike_begin_at_different_ports() {
        let first = |seed| Ports::new(10_000, 30_000, &mut Rng::seeded(seed)).lease(Moment::ZERO);
        let starts: BTreeSet<_> = (0..20).filter_map(first).collect();
        assert!(starts.len() > 15, "{starts:?}");
        assert!(starts.iter().all(|port| port % 2 == 0));
    }

    #[test]
    fn a_range_gives_each_even_port_once() {
        let mut ports = ports(10_001, 10_007);
        let mut leased: Vec<_> = std::iter::from_fn(|| ports.lease(Moment::ZERO)).collect();
        leased.sort_unstable();
        assert_eq!(leased, [10_002, 10_004, 10_006]);
        assert_eq!(ports.leased(), 3);
        assert_eq!(self::ports(10_000, 10_000).capacity(), 0, "no room for RTCP");
        assert_eq!(self::ports(65_535, 65_535).capacity(), 0);
        assert_eq!(self::ports(0, 65_535).capacity(), 32_768);
    }

    #[test]
    fn a_released_port_rests_and_the_longest_rested_comes_first() {
        let mut ports = ports(10_000, 10_003);
        let start = Moment::from_micros(1);
        let first = ports.lease(start).unwrap();
        ports.release(start, first);
        assert!(ports.lease(start).is_some_and(|second| second != first));
        assert_eq!(ports.lease(start + Duration::from_millis(4_999)), None);
        assert_eq!(ports.lease(start + QUARANTINE), Some(first));
    }

    #[test]
    fn a_poisoned_port_is_left_alone_for_an_hour() {
        let mut ports = ports(10_000, 10_001);
        let port = ports.lease(Moment::ZERO).unwrap();
        ports.poison(Moment::ZERO, port);
        ports.release(Moment::ZERO, port);
        assert_eq!(ports.lease(Moment::ZERO + QUARANTINE), None);
        assert_eq!(ports.lease(Moment::ZERO + POISONED), Some(port));
    }

    #[test]
    fn no_port_is_ever_lost_or_leased_twice() {
        let mut rng = Rng::seeded(5);
        let mut ports = Ports::new(20_000, 20_039, &mut rng);
        let (mut held, mut now) = (Vec::new(), Moment::ZERO);
        for _ in 0..20_000 {
            now = now + Duration::from_millis(rng.below(2_000));
            if rng.below(2) == 0 {
                if let Some(port) = ports.lease(now) {
                    assert!(!held.contains(&port));
                    held.push(port);
                }
            } else if !held.is_empty() {
                let port = held.swap_remove(rng.below(held.len() as u64) as usize);
                ports.release(now, port);
            }
            assert_eq!((ports.leased(), ports.capacity()), (held.len(), 20));
        }
    }
}
