//! What is counted between two moments: packets, latencies, and how late the generator itself was.

use hdrhistogram::Histogram;

use super::audio::Side;

/// Histograms go to a minute, in nanoseconds, with two digits: small enough to stay in the cache.
const LONGEST: u64 = 60_000_000_000;

/// A packet sent so much after its slot was sent late, nanoseconds.
pub const LATE: u64 = 2_000_000;

/// The share of late packets, in percent, from which on a run says nothing about the server.
pub const LATE_PERCENT: f64 = 0.1;

pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST, 2).expect("the bounds are right")
}

/// What the phones of one side counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Packets sent in the window.
    pub sent: u64,
    /// The other side's packets of the window that came.
    pub received: u64,
    /// Packets of any kind that came while the window was open.
    pub heard: u64,
}

#[derive(Clone, Debug)]
pub struct Window {
    /// Stamped into its packets; 0 is none.
    pub number: u32,
    pub open: bool,
    pub callers: Counts,
    pub agents: Counts,
    /// Packets that did not follow the one before them.
    pub misordered: u64,
    /// Packets whose payload is not what was sent.
    pub spoiled: u64,
    /// One-way latency, nanoseconds.
    pub latency: Histogram<u64>,
    /// Jitter of each phone (RFC 3550 §6.4.1), nanoseconds.
    pub jitter: Histogram<u64>,
    /// How long after its place on the 20 ms grid each packet came, nanoseconds.
    pub slot_error: Histogram<u64>,
    /// From a key's first packet to the last one of what played before, nanoseconds; nought if that came before the key.
    pub stopped: Histogram<u64>,
    /// From a key's first packet to the first one of what it led to, nanoseconds.
    pub changed: Histogram<u64>,
    /// How late the generator sent, nanoseconds.
    pub late: Histogram<u64>,
    /// Packets that it sent later than `LATE`.
    pub late_packets: u64,
    /// Times it gave up catching up.
    pub given_up: u64,
}

impl Default for Window {
    fn default() -> Window {
        Window {
            number: 0,
            open: false,
            callers: Counts::default(),
            agents: Counts::default(),
            misordered: 0,
            spoiled: 0,
            latency: histogram(),
            jitter: histogram(),
            slot_error: histogram(),
            stopped: histogram(),
            changed: histogram(),
            late: histogram(),
            late_packets: 0,
            given_up: 0,
        }
    }
}

impl Window {
    /// An open one that counts from nothing.
    pub fn after(earlier: &Window) -> Window {
        Window { number: earlier.number + 1, open: true, ..Window::default() }
    }

    fn side(&mut self, side: Side) -> &mut Counts {
        match side {
            Side::Caller => &mut self.callers,
            Side::Agent => &mut self.agents,
        }
    }

    pub fn sent(&mut self, side: Side, late: u64) {
        if self.open {
            self.side(side).sent += 1;
            self.late.saturating_record(late);
            self.late_packets += u64::from(late > LATE);
        }
    }

    pub fn heard(&mut self, side: Side) {
        let open = self.open;
        self.side(side).heard += u64::from(open);
    }

    pub fn slot_error(&mut self, nanos: u64) {
        if self.open {
            self.slot_error.saturating_record(nanos);
        }
    }

    /// A key was followed by another sound.
    pub fn answered(&mut self, stopped: u64, changed: u64) {
        if self.open {
            self.stopped.saturating_record(stopped);
            self.changed.saturating_record(changed);
        }
    }

    pub fn received(&mut self, side: Side, latency: u64, in_order: bool, whole: bool) {
        self.side(side).received += 1;
        self.latency.saturating_record(latency);
        self.misordered += u64::from(!in_order);
        self.spoiled += u64::from(!whole);
    }

    pub fn packets_sent(&self) -> u64 {
        self.callers.sent + self.agents.sent
    }

    pub fn packets_received(&self) -> u64 {
        self.callers.received + self.agents.received
    }

    /// Share of the window's packets that did not arrive, percent.
    pub fn loss_percent(&self) -> f64 {
        let (sent, received) = (self.packets_sent(), self.packets_received());
        if sent == 0 { 0.0 } else { sent.saturating_sub(received) as f64 * 100.0 / sent as f64 }
    }

    /// Share of its packets that the generator sent late, percent.
    pub fn late_percent(&self) -> f64 {
        self.late_packets as f64 * 100.0 / self.packets_sent().max(1) as f64
    }

    /// The generator kept time.
    pub fn is_valid(&self) -> bool {
        self.given_up == 0 && self.late_percent() <= LATE_PERCENT
    }
}
