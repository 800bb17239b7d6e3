//! The one place that reads a clock.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::moment::Moment;

/// Wall time taken once, monotonic time added to it: never runs backwards, whatever is done to the system's clock.
/// Copies of one clock agree to the microsecond, so all threads should be given copies of the same.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    wall_micros: u64,
    started: Instant,
}

impl Clock {
    /// A clock that shows the system's time now. A system clock before 1970 counts as 1970.
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody is given")]
    pub fn start() -> Clock {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Clock {
            wall_micros: u64::try_from(wall.as_micros()).unwrap_or(u64::MAX / 2),
            started: Instant::now(),
        }
    }

    pub fn now(&self) -> Moment {
        let elapsed = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX / 2);
        Moment::from_micros(self.wall_micros + elapsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_does_not_run_backwards_and_copies_agree() {
        let clock = Clock::start();
        let copy = clock;
        let first = clock.now();
        let second = copy.now();
        assert!(second >= first);
        assert!(first.as_secs() > 1_700_000_000, "shows wall time");
    }
}
