//! The clocks of RFC 3261 §17 (Table 4), RFC 3262 and RFC 6026, in one place.

use std::time::Duration;

use crate::moment::Moment;

/// Estimated round trip (§17.1.1.1).
pub const T1: Duration = Duration::from_millis(500);

/// Longest interval between retransmissions of a non-INVITE request or an INVITE's final response.
pub const T2: Duration = Duration::from_secs(4);

/// How long a message may linger in the network.
pub const T4: Duration = Duration::from_secs(5);

/// 64*T1, 32 s: timers B, F, H, J (UDP), L and M, the patience for a 2xx's ACK (§13.3.1.4), for a PRACK (RFC 3262 §3)
/// and for the final response to a cancelled INVITE (§9.1). Timer D (UDP) must be at least 32 s: the same.
pub const PATIENCE: Duration = Duration::from_secs(32);

/// Timer C (§16.6): longest silence of a ringing phone before its INVITE is cancelled. More than three minutes, because
/// who rings for longer must say so every minute (§13.3.1.1). A backstop: legs have their own, shorter, ring times.
pub const TIMER_C: Duration = Duration::from_secs(240);

/// A message sent again and again at growing intervals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resend {
    at: Moment,
    interval: Duration,
    longest: Duration,
}

impl Resend {
    /// First after T1, then doubling without end: timer A, and RFC 3262 provisionals.
    pub fn doubling(now: Moment) -> Resend {
        Resend { at: now + T1, interval: T1, longest: Duration::MAX }
    }

    /// First after T1, doubling up to T2: timers E and G, and 2xx to INVITE.
    pub fn doubling_to_t2(now: Moment) -> Resend {
        Resend { at: now + T1, interval: T1, longest: T2 }
    }

    /// When to send next.
    pub fn at(&self) -> Moment {
        self.at
    }

    pub fn is_due(&self, now: Moment) -> bool {
        self.at <= now
    }

    /// The message was sent at `now`: sets the next time. Counted from `now`, so that a late clock
    /// makes one retransmission and not a burst.
    pub fn advance(&mut self, now: Moment) {
        self.interval = self.interval.saturating_mul(2).min(self.longest);
        self.at = now + self.interval;
    }

    /// From the next one on, every T2: timer E once a provisional has come (§17.1.2.2).
    pub fn slow_down(&mut self) {
        self.interval = T2;
    }
}

/// The earlier of a limit and a retransmission that may not be running.
pub fn earliest(limit: Moment, resend: &Option<Resend>) -> Moment {
    resend.as_ref().map_or(limit, |r| r.at().min(limit))
}
