//! What became of each packet of a source, in the order in which they were sent: received, lost, late or repeated; and
//! how the losses cluster (RFC 3611 §4.7.2).

use crate::media::quality::Losses;

/// Packets received in a row that end a burst (RFC 3611 §4.7.2 recommends 16).
pub const GMIN: u32 = 16;

/// Sequence numbers whose fate is still open, counted from the highest: 1.28 s at 50 packets/s.
const WINDOW: u32 = u64::BITS;

/// One source's packets. A fate is settled when `WINDOW` later numbers have been seen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fates {
    /// Bit n: the number n below the highest has come.
    seen: u64,
    /// Bit n: and it came in time.
    good: u64,
    /// Bits that stand for a number.
    open: u32,
    cluster: Cluster,
    tally: Tally,
}

/// Fates by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub kept: u64,
    pub lost: u64,
    /// Came, but so late that a usual phone had gone on without it.
    pub late: u64,
    /// Came once more.
    pub repeated: u64,
    /// Runs of packets that were lost or late.
    pub runs: u64,
    pub bursts: u64,
    /// Packets from the first to the last missing one of all bursts.
    pub burst_packets: u64,
    pub burst_missing: u64,
}

/// A stretch that may become a burst.
#[derive(Clone, Copy, Debug, Default)]
struct Cluster {
    missing: u32,
    /// From its first missing packet to its last.
    length: u32,
    /// Good packets since the last missing one.
    calm: u32,
}

impl Fates {
    /// A packet came whose number is `ahead` above the highest so far, 1 for the first of all.
    pub fn newer(&mut self, ahead: u32, in_time: bool) {
        let leaving = (self.open + ahead).saturating_sub(WINDOW);
        let known = leaving.min(self.open);
        for place in (self.open - known..self.open).rev() {
            self.settle(place);
        }
        // A leap longer than the window: these never had a place in it.
        for _ in known..leaving {
            self.tally.lost += 1;
            self.missing();
        }
        self.open = (self.open - known + ahead - (leaving - known)).min(WINDOW);
        self.seen = self.seen.checked_shl(ahead).unwrap_or(0) | 1;
        self.good = self.good.checked_shl(ahead).unwrap_or(0) | u64::from(in_time);
    }

    /// A packet came whose number is `behind` below the highest. One that is settled stays as it was.
    pub fn older(&mut self, behind: u32, in_time: bool) {
        if behind >= self.open {
            return;
        }
        let bit = 1 << behind;
        if self.seen & bit != 0 {
            self.tally.repeated += 1;
        } else {
            self.seen |= bit;
            self.good |= u64::from(in_time) << behind;
        }
    }

    fn settle(&mut self, place: u32) {
        if self.good >> place & 1 != 0 {
            self.tally.kept += 1;
            self.calm();
        } else if self.seen >> place & 1 != 0 {
            self.tally.late += 1;
            self.missing();
        } else {
            self.tally.lost += 1;
            self.missing();
        }
    }

    fn calm(&mut self) {
        self.cluster.calm = self.cluster.calm.saturating_add(1);
        if self.cluster.calm == GMIN {
            self.end_cluster();
        }
    }

    fn missing(&mut self) {
        let Cluster { missing, length, calm } = self.cluster;
        if missing == 0 || calm > 0 {
            self.tally.runs += 1;
        }
        self.cluster = if missing == 0 {
            Cluster { missing: 1, length: 1, calm: 0 }
        } else {
            Cluster { missing: missing + 1, length: length + calm + 1, calm: 0 }
        };
    }

    /// One packet missing by itself is part of the gap around it.
    fn end_cluster(&mut self) {
        let Cluster { missing, length, .. } = self.cluster;
        if missing > 1 {
            self.tally.bursts += 1;
            self.tally.burst_packets += u64::from(length);
            self.tally.burst_missing += u64::from(missing);
        }
        self.cluster.missing = 0;
        self.cluster.length = 0;
    }

    /// Fates that can no longer change.
    pub fn settled(&self) -> Tally {
        self.tally
    }

    /// As if the source had ended with its highest number.
    pub fn ended(mut self) -> Tally {
        for place in (0..self.open).rev() {
            self.settle(place);
        }
        self.end_cluster();
        self.tally
    }
}

impl Tally {
    pub fn add(&mut self, other: &Tally) {
        self.kept += other.kept;
        self.lost += other.lost;
        self.late += other.late;
        self.repeated += other.repeated;
        self.runs += other.runs;
        self.bursts += other.bursts;
        self.burst_packets += other.burst_packets;
        self.burst_missing += other.burst_missing;
    }

    pub fn expected(&self) -> u64 {
        self.kept + self.lost + self.late
    }

    pub fn missing(&self) -> u64 {
        self.lost + self.late
    }

    pub fn losses(&self) -> Losses {
        Losses { expected: self.expected(), missing: self.missing(), runs: self.runs }
    }

    /// Of what came after `earlier` was taken of the same source.
    pub fn losses_since(&self, earlier: &Tally) -> Losses {
        let (now, then) = (self.losses(), earlier.losses());
        Losses {
            expected: now.expected.saturating_sub(then.expected),
            missing: now.missing.saturating_sub(then.missing),
            runs: now.runs.saturating_sub(then.runs),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fates of packets numbered from 0: `x` never comes, `l` comes late, anything else comes.
    fn fates(trace: &str) -> Fates {
        let mut fates = Fates::default();
        let mut ahead = 1;
        for packet in trace.bytes() {
            if packet == b'x' {
                ahead += 1;
            } else {
                fates.newer(ahead, packet != b'l');
                ahead = 1;
            }
        }
        fates
    }

    fn ended(trace: &str) -> Tally {
        fates(trace).ended()
    }

    #[test]
    fn a_lone_loss_is_part_of_the_gap_and_two_within_sixteen_are_a_burst() {
        let calm = ".".repeat(16);
        let tally = ended(&format!("{calm}x{calm}x{calm}"));
        assert_eq!((tally.kept, tally.lost, tally.runs, tally.bursts), (48, 2, 2, 0));
        let tally = ended(&format!("{calm}x{}x{calm}", &calm[..15]));
        assert_eq!((tally.bursts, tally.burst_packets, tally.burst_missing), (1, 17, 2));
        let tally = ended(&format!("{calm}xx..x{calm}xxx{calm}"));
        assert_eq!((tally.bursts, tally.burst_packets, tally.burst_missing), (2, 5 + 3, 3 + 3));
        assert_eq!((tally.lost, tally.runs), (6, 3));
    }

    #[test]
    fn late_packets_are_missing_for_the_ear_and_not_lost() {
        let calm = ".".repeat(80);
        let tally = ended(&format!("{calm}lll{calm}x"));
        assert_eq!(
            (tally.kept, tally.late, tally.lost, tally.bursts),
            (160, 3, 0, 1),
            "the last x was never seen"
        );
        assert_eq!(tally.losses(), Losses { expected: 163, missing: 3, runs: 1 });
    }

    #[test]
    fn packets_that_change_places_are_all_there_and_repeated_ones_count_once() {
        let mut fates = fates("...");
        fates.newer(2, true);
        assert_eq!(fates.ended().lost, 1);
        fates.older(1, true);
        assert_eq!((fates.ended().lost, fates.ended().kept), (0, 5));
        fates.older(1, true);
        fates.older(0, true);
        fates.older(5, true);
        fates.older(1_000, true);
        assert_eq!(
            (fates.ended().repeated, fates.ended().kept),
            (2, 5),
            "what is before the first is not known"
        );
    }

    #[test]
    fn a_leap_longer_than_the_window_loses_what_lies_between() {
        for before in [1, 10, 64, 200] {
            let mut fates = fates(&".".repeat(before));
            fates.newer(500, true);
            assert_eq!(fates.settled().lost, 500 - 64, "the last 64 may still come");
            let tally = fates.ended();
            assert_eq!((tally.kept, tally.lost, tally.runs), (before as u64 + 1, 499, 1));
            assert_eq!((tally.bursts, tally.burst_packets), (1, 499));
        }
    }

    #[test]
    fn nothing_is_settled_before_its_time() {
        assert_eq!(fates(&"x.".repeat(32)).settled(), Tally::default());
        let fates = fates(&format!("x{}", ".".repeat(65)));
        assert_eq!((fates.settled().kept, fates.settled().lost), (1, 1));
    }

    #[test]
    fn any_order_gives_every_number_one_fate() {
        bolero::check!().with_type::<Vec<(bool, u8, bool)>>().for_each(|packets| {
            let mut fates = Fates::default();
            let mut highest = 0u64;
            for &(newer, by, in_time) in packets {
                if newer || highest == 0 {
                    fates.newer(u32::from(by) + 1, in_time);
                    highest += u64::from(by) + 1;
                } else {
                    fates.older(u32::from(by), in_time);
                }
            }
            let tally = fates.ended();
            assert_eq!(tally.expected(), highest);
            assert!(tally.burst_missing <= tally.missing() && tally.burst_packets <= tally.expected());
            assert!(tally.runs <= tally.missing());
        });
    }
}
