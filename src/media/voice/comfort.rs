//! Comfort noise (RFC 3389): what is heard where a source says nothing, so that the line does not seem dead.
//!
//! The noise is the one that the sender describes, or, if it describes none, like the quietest of what was heard.

/// Reflection coefficients kept; RFC 3389 allows more, telephone noise needs fewer.
const ORDER: usize = 8;

/// Loudest noise of our own making, RMS: −50 dBov. A source that was never quiet shall not be followed by a roar.
const LOUDEST_LEARNED: f32 = 100.0;

/// How much the floor forgets with each frame of 20 ms: 3 dB in 2 s, so that it follows a noise that grows.
const FLOOR_RISES: f32 = 1.007;

/// A frame of less power than this times the floor is background.
const BACKGROUND: f32 = 2.5;

/// A generator with a spectrum.
#[derive(Clone, Debug)]
pub struct Noise {
    /// RMS of the noise, in samples' units.
    level: f32,
    /// Reflection coefficients, A(z) = 1 + k₁z⁻¹ + … (the sign of RFC 3389).
    reflections: [f32; ORDER],
    /// White noise times this has the wanted level behind the filter.
    excitation: f32,
    lattice: [f32; ORDER + 1],
    /// Power of the quietest frames.
    floor: f32,
    /// 1 is the noise as it is; what each sample takes off.
    loudness: f32,
    fades: f32,
    /// A linear congruence: cheap, of fixed seed, and nobody has to be surprised by noise.
    state: u32,
}

impl Noise {
    pub fn new(seed: u32) -> Self {
        Noise {
            level: 0.0,
            reflections: [0.0; ORDER],
            excitation: 0.0,
            lattice: [0.0; ORDER + 1],
            floor: f32::MAX,
            loudness: 1.0,
            fades: 0.0,
            state: seed,
        }
    }

    /// The next sample.
    pub fn sample(&mut self) -> f32 {
        self.loudness = (self.loudness - self.fades).max(0.0);
        if self.excitation * self.loudness == 0.0 {
            return 0.0;
        }
        self.state = self.state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let white = (self.state >> 8) as f32 / (1 << 23) as f32 - 1.0;
        let mut forward = white * self.excitation;
        for stage in (0..ORDER).rev() {
            forward -= self.reflections[stage] * self.lattice[stage];
            self.lattice[stage + 1] = self.lattice[stage] + self.reflections[stage] * forward;
        }
        self.lattice[0] = forward;
        forward * self.loudness
    }

    /// From now on it fades, within a second of so many samples.
    pub fn fade(&mut self, hertz: u32) {
        self.fades = 1.0 / hertz as f32;
    }

    /// It is as loud as ever: its source spoke.
    pub fn awake(&mut self) {
        self.loudness = 1.0;
        self.fades = 0.0;
    }

    /// RMS of the noise.
    #[cfg(test)]
    pub fn level(&self) -> f32 {
        self.level
    }

    /// `samples` are no louder than background.
    pub fn is_background(&self, power: f32) -> bool {
        power <= self.floor.max(1.0) * BACKGROUND
    }

    /// Takes the description in a comfort-noise packet (RFC 3389 §3): a level in −dBov, then reflection coefficients.
    pub fn described(&mut self, payload: &[u8]) {
        let Some((level, rest)) = payload.split_first() else { return };
        let mut reflections = [0.0; ORDER];
        for (coefficient, byte) in reflections.iter_mut().zip(rest) {
            *coefficient = (f32::from(*byte) - 127.0) / 128.0;
        }
        self.shape(32_768.0 * 10f32.powf(-f32::from(level & 0x7F) / 20.0), reflections);
    }

    /// Looks for background in a frame that was heard. `power` is the mean square of its samples.
    pub fn learn(&mut self, samples: &[i16], power: f32) {
        self.floor = (self.floor * FLOOR_RISES).min(power.max(1.0));
        if !self.is_background(power) {
            return;
        }
        let mut correlation = [0.0; ORDER + 1];
        for (lag, value) in correlation.iter_mut().enumerate() {
            let pairs = samples.iter().zip(&samples[lag.min(samples.len())..]);
            *value = pairs.map(|(a, b)| f32::from(*a) * f32::from(*b)).sum();
        }
        // White noise 40 dB down keeps the recursion stable when there is hardly any signal.
        correlation[0] = correlation[0] * 1.000_1 + 1.0;
        let wanted = power.sqrt().min(LOUDEST_LEARNED);
        let level = if self.level == 0.0 { wanted } else { self.level * 0.9 + wanted * 0.1 };
        self.shape(level, reflections(&correlation));
    }

    fn shape(&mut self, level: f32, reflections: [f32; ORDER]) {
        self.level = level;
        self.reflections = reflections;
        let gain: f32 = reflections.iter().map(|k| 1.0 - k * k).product();
        // Uniform noise from −1 to 1 has a power of a third.
        self.excitation = level * (3.0 * gain.max(0.0)).sqrt();
    }
}

/// Levinson-Durbin recursion.
fn reflections(correlation: &[f32; ORDER + 1]) -> [f32; ORDER] {
    let mut reflections = [0.0; ORDER];
    let mut filter = [0.0; ORDER + 1];
    filter[0] = 1.0;
    let mut error = correlation[0];
    for order in 1..=ORDER {
        let sum: f32 = (0..order).map(|tap| filter[tap] * correlation[order - tap]).sum();
        let k = (-sum / error).clamp(-0.98, 0.98);
        reflections[order - 1] = k;
        let before = filter;
        for tap in 1..=order {
            filter[tap] = before[tap] + k * before[order - tap];
        }
        error *= 1.0 - k * k;
    }
    reflections
}

/// Mean square of samples.
pub fn power(samples: &[i16]) -> f32 {
    let sum: u64 = samples.iter().map(|sample| i32::from(*sample).pow(2) as u64).sum();
    sum as f32 / samples.len().max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(noise: &mut Noise, count: usize) -> Vec<i16> {
        (0..count).map(|_| noise.sample() as i16).collect()
    }

    fn tilt(samples: &[i16]) -> f32 {
        let pairs: f32 = samples.windows(2).map(|pair| f32::from(pair[0]) * f32::from(pair[1])).sum();
        pairs / (power(samples) * samples.len() as f32)
    }

    #[test]
    fn noise_has_the_level_that_was_described() {
        for (dbov, rms) in [(30u8, 1_036.0), (50, 103.6), (60, 32.8)] {
            let mut noise = Noise::new(1);
            noise.described(&[dbov, 127 - 90, 127 + 30]);
            let heard = power(&made(&mut noise, 16_000)).sqrt();
            assert!((heard / rms - 1.0).abs() < 0.15, "{heard} {rms}");
        }
    }

    #[test]
    fn noise_has_the_spectrum_that_was_described() {
        let mut noise = Noise::new(1);
        noise.described(&[40, 127 - 100]);
        assert!(tilt(&made(&mut noise, 16_000)) > 0.6, "low");
        noise.described(&[40, 127 + 100]);
        assert!(tilt(&made(&mut noise, 16_000)) < -0.6, "high");
        noise.described(&[]);
        assert!(noise.level() > 0.0, "an empty packet describes nothing");
    }

    #[test]
    fn background_is_learned_from_pauses_and_not_from_speech() {
        let mut original = Noise::new(7);
        original.described(&[62, 127 - 80]);
        let mut learned = Noise::new(9);
        for turn in 0..100 {
            let background = made(&mut original, 160);
            let speech: Vec<i16> = (0..160).map(|n| ((n as f32 * 0.3).sin() * 8_000.0) as i16).collect();
            let frame = if turn % 4 == 0 { background } else { speech };
            learned.learn(&frame, power(&frame));
        }
        assert!((learned.level() / original.level() - 1.0).abs() < 0.5, "{}", learned.level());
        assert!(tilt(&made(&mut learned, 16_000)) > 0.4);
    }

    #[test]
    fn a_source_that_was_never_quiet_is_not_followed_by_a_roar() {
        let mut noise = Noise::new(7);
        let loud: Vec<i16> = (0..160).map(|n| ((n as f32 * 0.3).sin() * 20_000.0) as i16).collect();
        (0..500).for_each(|_| noise.learn(&loud, power(&loud)));
        assert!(noise.level() <= LOUDEST_LEARNED);
    }

    #[test]
    fn the_filter_stays_stable_whatever_is_described() {
        let mut rng = crate::rng::Rng::seeded(3389);
        for _ in 0..200 {
            let mut payload = [0; 12];
            rng.fill(&mut payload);
            let mut noise = Noise::new(rng.u32());
            noise.described(&payload);
            assert!((0..2_000).all(|_| noise.sample().is_finite()));
        }
    }
}
