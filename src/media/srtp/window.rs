//! Packet indexes: which have been used, and which one a sequence number means.

use crate::media::limits::SRTP_WINDOW;

/// The newest index of one source, and which of the `SRTP_WINDOW` up to it have been used (RFC 3711 §3.3.2).
#[derive(Clone, Copy, Debug)]
pub struct Window {
    highest: u64,
    /// Bit n: `highest` less n was used.
    used: u128,
}

impl Window {
    /// Begins with the first index, which is used.
    pub fn new(index: u64) -> Window {
        Window { highest: index, used: 1 }
    }

    /// The index nearest to the newest whose lower 16 bits are `sequence` (RFC 3711 §3.3.1 and appendix A).
    /// `None`: it would lie before the beginning of all.
    pub fn nearest(&self, sequence: u16) -> Option<u64> {
        let ahead = sequence.wrapping_sub(self.highest as u16).cast_signed();
        self.highest.checked_add_signed(i64::from(ahead))
    }

    /// Neither used nor older than the window tells.
    pub fn is_fresh(&self, index: u64) -> bool {
        match self.highest.checked_sub(index) {
            None => true,
            Some(behind) => behind < SRTP_WINDOW && self.used & 1 << behind == 0,
        }
    }

    /// Notes that a fresh index is used.
    pub fn mark(&mut self, index: u64) {
        if let Some(behind) = self.highest.checked_sub(index) {
            if behind < SRTP_WINDOW {
                self.used |= 1 << behind;
            }
            return;
        }
        let ahead = index - self.highest;
        self.used = if ahead < SRTP_WINDOW { self.used << ahead | 1 } else { 1 };
        self.highest = index;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_index_is_fresh_once_in_whatever_order() {
        let mut window = Window::new(1_000);
        for index in [1_005, 1_001, 999, 873 + 5, 1_300, 1_173] {
            assert!(window.is_fresh(index), "{index}");
            window.mark(index);
            assert!(!window.is_fresh(index), "{index}");
        }
        assert!(window.is_fresh(1_174) && !window.is_fresh(1_172), "128 back from 1300 and no further");
    }

    #[test]
    fn a_sequence_number_means_the_nearest_index() {
        let window = Window::new(0x1_FFF0);
        assert_eq!(window.nearest(0xFFF1), Some(0x1_FFF1));
        assert_eq!(window.nearest(3), Some(0x2_0003));
        assert_eq!(window.nearest(0x8001), Some(0x1_8001));
        assert_eq!(Window::new(5).nearest(0xFFF0), None, "before the first turn there is none");
    }
}
