//! How far apart packets were between two reports: the jitter of a statistics summary (RFC 3611 §4.6).

/// Differences between neighbours' transit times, in units of the RTP clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    count: u32,
    sum: u64,
    squares: u64,
    least: u32,
    most: u32,
}

impl Spread {
    pub fn add(&mut self, difference: u32) {
        self.least = if self.count == 0 { difference } else { self.least.min(difference) };
        self.most = self.most.max(difference);
        self.count = self.count.saturating_add(1);
        self.sum += u64::from(difference);
        self.squares = self.squares.saturating_add(u64::from(difference) * u64::from(difference));
    }

    /// Least, most, mean and standard deviation; all zero if there was nothing.
    pub fn summary(&self) -> [u32; 4] {
        let count = u64::from(self.count.max(1));
        // Rounding the mean first would make the variance much too large where the deviation is small.
        let (count, sum, squares) = (u128::from(count), u128::from(self.sum), u128::from(self.squares));
        let variance = (squares * count).saturating_sub(sum * sum) / (count * count);
        [self.least, self.most, (sum / count) as u32, variance.isqrt() as u32]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_deviation_are_what_one_works_out_by_hand() {
        let mut spread = Spread::default();
        assert_eq!(spread.summary(), [0; 4]);
        [20, 40, 60, 80].into_iter().for_each(|difference| spread.add(difference));
        // Mean 50; squares of the differences from it 900, 100, 100, 900: mean 500, root 22.4.
        assert_eq!(spread.summary(), [20, 80, 50, 22]);
    }
}
