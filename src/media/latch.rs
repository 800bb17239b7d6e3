//! Whose packets a stream accepts: safe latching, so that nobody can steal or feed a call by guessing a port.
//!
//! - Before Connect nobody's.
//! - After Connect the signalled address's. The first valid packet from it settles the matter.
//! - Until then, another *port* of the signalled host may be learned (NAT that maps ports, phones that sign badly).
//! - Another *host* may be learned only if the signalled address is private, so that nothing could ever come from it
//!   through NAT, and it has been silent for `LATCH_AFTER`. If it is public, never.
//! - Learning takes `LATCH_PACKETS` consecutive packets of one source, and happens once per Connect to a new address.

use std::net::{IpAddr, SocketAddr};

use super::limits::{LATCH_AFTER, LATCH_PACKETS};
use crate::moment::Moment;

/// What to do with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Accept,
    /// Accept, and from now on accept only from here.
    Settle {
        /// It is not the signalled address.
        latched: bool,
    },
    Refuse,
}

#[derive(Clone, Copy, Debug)]
struct Candidate {
    address: SocketAddr,
    ssrc: u32,
    sequence: u16,
    packets: u32,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Deaf,
    Waiting {
        signalled: SocketAddr,
        since: Moment,
        candidate: Option<Candidate>,
    },
    Settled {
        signalled: SocketAddr,
        remote: SocketAddr,
    },
}

/// One stream's rule of acceptance.
#[derive(Clone, Copy, Debug, Default)]
pub struct Latch(State);

impl Latch {
    /// The peer signalled this address. True if it is a new one, so that a settled socket must be unsettled.
    pub fn connect(&mut self, now: Moment, address: SocketAddr) -> bool {
        let known = match self.0 {
            State::Deaf => false,
            State::Waiting { signalled, .. } => signalled == address,
            State::Settled { signalled, remote } => signalled == address || remote == address,
        };
        if let State::Settled { signalled, remote } = &mut self.0
            && *remote == address
        {
            *signalled = address;
        }
        if !known {
            self.0 = State::Waiting { signalled: address, since: now, candidate: None };
        }
        !known
    }

    /// Judges a valid RTP packet of an agreed payload type.
    pub fn judge(&mut self, now: Moment, from: SocketAddr, ssrc: u32, sequence: u16) -> Verdict {
        match &mut self.0 {
            State::Deaf => Verdict::Refuse,
            State::Settled { remote, .. } if *remote == from => Verdict::Accept,
            State::Settled { .. } => Verdict::Refuse,
            State::Waiting { signalled, .. } if *signalled == from => {
                self.0 = State::Settled { signalled: from, remote: from };
                Verdict::Settle { latched: false }
            }
            State::Waiting { signalled, since, candidate } => {
                let same_host = signalled.ip() == from.ip();
                let hidden = behind_nat(signalled.ip()) && now.since(*since) >= LATCH_AFTER;
                if !(same_host || hidden) {
                    return Verdict::Refuse;
                }
                if follow(candidate, from, ssrc, sequence) < LATCH_PACKETS {
                    return Verdict::Refuse;
                }
                self.0 = State::Settled { signalled: *signalled, remote: from };
                Verdict::Settle { latched: true }
            }
        }
    }

    /// Whether a packet from there could be accepted, or counted towards learning its address.
    pub fn may_accept(&self, from: SocketAddr) -> bool {
        match self.0 {
            State::Deaf => false,
            State::Waiting { .. } => true,
            State::Settled { remote, .. } => remote == from,
        }
    }

    /// Where to send: the signalled address until another is learned. `None` before Connect.
    pub fn remote(&self) -> Option<SocketAddr> {
        match self.0 {
            State::Deaf => None,
            State::Waiting { signalled, .. } => Some(signalled),
            State::Settled { remote, .. } => Some(remote),
        }
    }

    /// The address that packets are accepted from, once it is certain.
    pub fn settled(&self) -> Option<SocketAddr> {
        match self.0 {
            State::Settled { remote, .. } => Some(remote),
            _ => None,
        }
    }

    /// An address other than the signalled one was learned.
    pub fn latched(&self) -> bool {
        matches!(self.0, State::Settled { signalled, remote } if signalled != remote)
    }
}

/// Counts consecutive packets of one source; anything else begins the count anew.
fn follow(candidate: &mut Option<Candidate>, from: SocketAddr, ssrc: u32, sequence: u16) -> u32 {
    let packets = match candidate {
        Some(c) if c.address == from && c.ssrc == ssrc && c.sequence.wrapping_add(1) == sequence => {
            c.packets + 1
        }
        _ => 1,
    };
    *candidate = Some(Candidate { address: from, ssrc, sequence, packets });
    packets
}

/// Addresses that cannot be reached from outside their own network (RFC 1918, RFC 6598, RFC 4193, link-local).
fn behind_nat(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let shared = v4.octets()[0] == 100 && v4.octets()[1] & 0xC0 == 64;
            v4.is_private() || v4.is_link_local() || shared
        }
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Moment = Moment::from_micros(1_000_000);
    const PUBLIC: &str = "198.51.100.7:4000";
    const PRIVATE: &str = "192.168.1.20:4000";
    const OTHER: &str = "203.0.113.9:5000";

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn waiting_for(address: &str) -> Latch {
        let mut latch = Latch::default();
        assert!(latch.connect(START, at(address)));
        latch
    }

    fn feed(latch: &mut Latch, now: Moment, from: &str, sequences: impl IntoIterator<Item = u16>) -> Verdict {
        let judge = |sequence| latch.judge(now, at(from), 9, sequence);
        sequences.into_iter().map(judge).last().unwrap()
    }

    #[test]
    fn before_connect_nobody_is_heard() {
        assert_eq!(Latch::default().judge(START, at(PUBLIC), 9, 1), Verdict::Refuse);
    }

    #[test]
    fn the_signalled_address_settles_with_its_first_packet_and_nobody_else_is_learned() {
        let mut latch = waiting_for(PRIVATE);
        assert_eq!(feed(&mut latch, START, PRIVATE, [1]), Verdict::Settle { latched: false });
        assert_eq!(feed(&mut latch, START, PRIVATE, [2]), Verdict::Accept);
        let later = START + LATCH_AFTER * 100;
        assert_eq!(feed(&mut latch, later, OTHER, 1..50), Verdict::Refuse);
        assert_eq!(feed(&mut latch, later, "192.168.1.20:4002", 1..50), Verdict::Refuse);
        assert_eq!(latch.remote(), Some(at(PRIVATE)));
    }

    #[test]
    fn another_port_of_the_same_host_is_learned_after_three_packets() {
        let mut latch = waiting_for(PUBLIC);
        assert_eq!(feed(&mut latch, START, "198.51.100.7:61000", 1..=2), Verdict::Refuse);
        assert_eq!(feed(&mut latch, START, "198.51.100.7:61000", [3]), Verdict::Settle { latched: true });
        assert!(latch.latched());
        assert_eq!(feed(&mut latch, START, PUBLIC, 1..9), Verdict::Refuse, "never a second time");
    }

    #[test]
    fn another_host_is_never_learned_in_place_of_a_public_address() {
        let mut latch = waiting_for(PUBLIC);
        assert_eq!(feed(&mut latch, START + LATCH_AFTER * 10, OTHER, 1..100), Verdict::Refuse);
    }

    #[test]
    fn another_host_is_learned_in_place_of_a_private_address_that_stays_silent() {
        let mut latch = waiting_for(PRIVATE);
        assert_eq!(feed(&mut latch, START, OTHER, 1..10), Verdict::Refuse, "too early");
        assert_eq!(feed(&mut latch, START + LATCH_AFTER, OTHER, 10..=12), Verdict::Settle { latched: true });
    }

    #[test]
    fn a_gap_or_another_ssrc_begins_the_count_anew() {
        let mut latch = waiting_for(PUBLIC);
        let port = "198.51.100.7:61000";
        assert_eq!(feed(&mut latch, START, port, [1, 2, 4, 5, 9]), Verdict::Refuse);
        assert_eq!(latch.judge(START, at(port), 8, 10), Verdict::Refuse);
        assert_eq!(latch.judge(START, at(port), 9, 11), Verdict::Refuse);
    }

    #[test]
    fn connecting_to_the_same_address_again_keeps_what_was_learned() {
        let mut latch = waiting_for(PRIVATE);
        feed(&mut latch, START + LATCH_AFTER, OTHER, 1..=3);
        assert!(!latch.connect(START, at(PRIVATE)));
        assert_eq!(latch.remote(), Some(at(OTHER)));
        assert!(latch.latched());
        assert!(!latch.connect(START, at(OTHER)), "the peer now signals what was learned");
        assert!(!latch.latched());
        assert!(latch.connect(START, at(PUBLIC)));
        assert_eq!(latch.settled(), None);
    }

    #[test]
    fn carrier_grade_and_local_addresses_are_behind_nat() {
        for hidden in ["10.1.1.1", "100.64.0.1", "100.127.9.9", "169.254.1.1", "fd00::1", "fe80::1"] {
            assert!(behind_nat(hidden.parse().unwrap()), "{hidden}");
        }
        for open in ["100.128.0.1", "127.0.0.1", "8.8.8.8", "2001:db8::1"] {
            assert!(!behind_nat(open.parse().unwrap()), "{open}");
        }
    }
}
