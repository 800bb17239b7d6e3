//! A virtual network: datagrams in flight, with delay, loss, duplication and reordering by seed.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use hotline::moment::Moment;
use hotline::rng::Rng;

/// What may happen to a datagram, in thousandths.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    pub lost: u64,
    pub duplicated: u64,
    /// Delayed by up to half a second instead of milliseconds, and so overtaken.
    pub late: u64,
}

impl Faults {
    pub const NONE: Faults = Faults { lost: 0, duplicated: 0, late: 0 };
    pub const ROUGH: Faults = Faults { lost: 50, duplicated: 30, late: 50 };
}

#[derive(Clone, Debug)]
pub struct Datagram {
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub bytes: Bytes,
}

pub struct Network {
    rng: Rng,
    pub faults: Faults,
    flying: BTreeMap<(Moment, u64), Datagram>,
    sent: u64,
    /// Cut off: nothing reaches or leaves it.
    pub dead: Vec<SocketAddr>,
    /// Every datagram sent, for the ladder.
    pub ladder: Vec<(Moment, Datagram, &'static str)>,
}

/// Datagrams kept for the ladder; the newest matter.
const LADDER: usize = 400;

impl Network {
    pub fn new(rng: Rng, faults: Faults) -> Network {
        Network { rng, faults, flying: BTreeMap::new(), sent: 0, dead: Vec::new(), ladder: Vec::new() }
    }

    pub fn send(&mut self, now: Moment, datagram: Datagram) {
        let fate = self.rng.below(1_000);
        let lost =
            fate < self.faults.lost || self.dead.contains(&datagram.to) || self.dead.contains(&datagram.from);
        if self.ladder.len() >= LADDER {
            self.ladder.remove(0);
        }
        self.ladder.push((now, datagram.clone(), if lost { "LOST" } else { "" }));
        if lost {
            return;
        }
        if self.rng.below(1_000) < self.faults.duplicated {
            self.fly(now, datagram.clone());
        }
        self.fly(now, datagram);
    }

    fn fly(&mut self, now: Moment, datagram: Datagram) {
        let late = self.rng.below(1_000) < self.faults.late;
        let micros = if late { self.rng.below(500_000) } else { 200 + self.rng.below(2_000) };
        self.sent += 1;
        self.flying.insert((now + Duration::from_micros(micros), self.sent), datagram);
    }

    pub fn next(&self) -> Option<Moment> {
        self.flying.first_key_value().map(|((at, _), _)| *at)
    }

    pub fn arrived(&mut self, now: Moment) -> Option<Datagram> {
        let ((at, number), _) = self.flying.first_key_value()?;
        let key = (*at, *number);
        if key.0 > now { None } else { self.flying.remove(&key) }
    }
}
