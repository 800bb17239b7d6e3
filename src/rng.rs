//! Seeded randomness: tags, branches, nonces, SSRCs.
//!
//! Production seeds it from the operating system, so its output is unguessable;
//! a test seeds it with a number, so a run can be repeated byte for byte.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng};

/// A ChaCha20 stream. Fork it (`fork`) to give each part its own.
#[derive(Clone, Debug)]
pub struct Rng(ChaCha20Rng);

impl Rng {
    /// For tests and simulations.
    pub fn seeded(seed: u64) -> Self {
        Rng(ChaCha20Rng::seed_from_u64(seed))
    }

    /// For production: `seed` comes from the operating system.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Rng(ChaCha20Rng::from_seed(seed))
    }

    /// A generator of its own, determined by this one's state.
    pub fn fork(&mut self) -> Self {
        let mut seed = [0; 32];
        self.0.fill_bytes(&mut seed);
        Rng::from_seed(seed)
    }

    pub fn u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    pub fn u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in `0..bound`; 0 when `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        // Widening multiply; the bias is under bound / 2^64.
        ((u128::from(self.u64()) * u128::from(bound)) >> 64) as u64
    }

    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }

    /// `bytes` random bytes as lower-case hexadecimal: a tag, branch or nonce part.
    pub fn token(&mut self, bytes: usize) -> String {
        use std::fmt::Write as _;
        let mut text = String::with_capacity(bytes * 2);
        let mut left = bytes;
        while left > 0 {
            let word = self.u64().to_be_bytes();
            for byte in &word[..left.min(8)] {
                // Writing to a String cannot fail.
                let _ = write!(text, "{byte:02x}");
            }
            left -= left.min(8);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_tokens() {
        assert_eq!(Rng::seeded(7).token(12), Rng::seeded(7).token(12));
        assert_ne!(Rng::seeded(7).token(12), Rng::seeded(8).token(12));
        assert_eq!(Rng::seeded(7).token(12).len(), 24);
    }

    #[test]
    fn below_stays_below() {
        let mut rng = Rng::seeded(1);
        assert!((0..1_000).all(|_| rng.below(6) < 6));
        assert_eq!(rng.below(0), 0);
    }
}
