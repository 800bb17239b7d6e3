//! Digits as tones in linear audio at 8 kHz (ITU-T Q.23, Q.24).
//!
//! Windows of 12.75 ms, each overlapping half of the one before, are looked at with eight Goertzel filters. A window
//! hits if one tone of each group stands out, the two are within the allowed twist, and they hold nearly all of the
//! window's energy. From one window to the next the phase of each tone tells its frequency far more precisely than the
//! filter's width does; both must be within 2.5 % of nominal. Four hits in a row are a press: tones under 24 ms never
//! make that many and tones of 40 ms do. Speech seldom holds two pure tones so still for so long.

use std::f32::consts::PI;
use std::sync::LazyLock;

/// Tones of the low and the high group, Hz (Q.23).
const TONES: [f32; 8] = [697.0, 770.0, 852.0, 941.0, 1_209.0, 1_336.0, 1_477.0, 1_633.0];

/// By low tone, then high tone.
const KEYS: &[u8; 16] = b"123A456B789C*0#D";

/// Samples per second.
const RATE: f32 = 8_000.0;

/// Samples in half a window.
const HALF: usize = 51;

/// Hits in a row that make a press.
const HITS: u8 = 4;

/// Windows without the digit, in a row, that end a press: a break of 10 ms makes three at most, a pause of 40 ms
/// seven at least (Q.24 table A-1: interruption and pause).
const MISSES: u8 = 5;

/// Weakest tone, as the amplitude of a sine: about −36 dBm0. AT&T asks for −25 dBm (Q.24 table A-1), long lines
/// and quiet phones make less of it.
const WEAKEST: f32 = 350.0;

/// The high tone may be this much stronger than the low one, or weaker, in power. AT&T's figures in Q.24 are +4 and
/// −8 dB; 2 and 3 dB more make room for noise, and for a high tone off its filter's middle.
const HIGH_OVER_LOW: f32 = 3.981;
const LOW_OVER_HIGH: f32 = 12.59;

/// Least power of a tone over each other of its group: 6 dB.
const STANDS_OUT: f32 = 3.981;

/// Least share of the window's energy in the two tones, as the filters show them: a third of the window may lie
/// before the press, or the tones 1.5 % off, which hides up to 26 %.
const SHARE: f32 = 0.70;

/// Least share once the tones' frequencies are known and their power with them. Noise 15 dB down takes 3 %.
const PURE: f32 = 0.88;

/// Farthest from nominal, as a share of the frequency: 1.5 % must be accepted, 3.5 % refused.
const OFF_NOMINAL: f32 = 0.025;

/// A detector's memory of one stream: small, of fixed size, allocates nothing.
#[derive(Clone, Debug)]
pub struct Detector {
    /// Each filter's last output, and the one before.
    last: [f32; 8],
    last_but_one: [f32; 8],
    /// Sum of squares and number of samples since the half window began.
    energy: f32,
    taken: usize,
    before: Option<Half>,
    /// What the last window showed, right or wrong in frequency.
    shown: Option<Shown>,
    hits: u8,
    misses: u8,
    /// The key that is down, reported already.
    pressed: Option<usize>,
}

/// A tone's amplitude and phase in a window.
#[derive(Clone, Copy, Debug, Default)]
struct Phasor {
    re: f32,
    im: f32,
}

#[derive(Clone, Copy, Debug)]
struct Half {
    tones: [Phasor; 8],
    energy: f32,
}

#[derive(Clone, Copy, Debug)]
struct Shown {
    /// Places in `TONES`.
    low: usize,
    high: usize,
    low_tone: Phasor,
    high_tone: Phasor,
    /// Of the window's energy.
    low_share: f32,
    high_share: f32,
}

impl Default for Detector {
    fn default() -> Self {
        Self::new()
    }
}

impl Detector {
    pub fn new() -> Self {
        Detector {
            last: [0.0; 8],
            last_but_one: [0.0; 8],
            energy: 0.0,
            taken: 0,
            before: None,
            shown: None,
            hits: 0,
            misses: 0,
            pressed: None,
        }
    }

    /// Takes the next samples (8 kHz, 16-bit linear, any number); `digit` is told of each press once, when certain:
    /// 25 to 32 ms after its start.
    pub fn feed(&mut self, samples: &[i16], mut digit: impl FnMut(char)) {
        let mut rest = samples;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(HALF - self.taken));
            self.filter(now);
            rest = later;
            if self.taken == HALF
                && let Some(key) = self.half()
            {
                digit(char::from(KEYS[key]));
            }
        }
    }

    /// The stream has a gap (loss, silence suppression): what was heard so far says nothing about what comes, but for
    /// a key that is down: the same one after the gap is the same press. Where the gap is longer than a press, feed
    /// silence instead.
    pub fn interrupt(&mut self) {
        *self = Detector { pressed: self.pressed, misses: self.misses, ..Detector::new() };
    }

    /// A key is down, and has been reported.
    pub fn is_down(&self) -> bool {
        self.pressed.is_some()
    }

    fn filter(&mut self, samples: &[i16]) {
        let (mut last, mut last_but_one) = (self.last, self.last_but_one);
        let twice_cos = &BANK.twice_cos;
        for sample in samples {
            let sample = f32::from(*sample);
            self.energy += sample * sample;
            for tone in 0..8 {
                let next = sample + twice_cos[tone] * last[tone] - last_but_one[tone];
                last_but_one[tone] = last[tone];
                last[tone] = next;
            }
        }
        (self.last, self.last_but_one) = (last, last_but_one);
        self.taken += samples.len();
    }

    /// Half a window is full: with the half before it, it makes a window. Returns a key newly pressed.
    fn half(&mut self) -> Option<usize> {
        let tones = std::array::from_fn(|tone| {
            let (sin, cos) = BANK.sin_cos[tone];
            Phasor { re: self.last[tone] - self.last_but_one[tone] * cos, im: self.last_but_one[tone] * sin }
        });
        let half = Half { tones, energy: self.energy };
        (self.last, self.last_but_one, self.energy, self.taken) = ([0.0; 8], [0.0; 8], 0.0, 0);
        let before = self.before.replace(half)?;
        let whole = std::array::from_fn(|tone| before.tones[tone].times(BANK.turns[tone]).plus(tones[tone]));
        let shown = look(&whole, before.energy + half.energy);
        let earlier = std::mem::replace(&mut self.shown, shown);
        self.hits = match (shown, earlier) {
            (None, _) => 0,
            (Some(now), Some(earlier)) if earlier.key() == now.key() => {
                if now.continues(&earlier) {
                    self.hits.saturating_add(1)
                } else {
                    0
                }
            }
            (Some(_), _) => 1,
        };
        self.press(shown.filter(|_| self.hits > 0).map(|shown| shown.key()))
    }

    fn press(&mut self, key: Option<usize>) -> Option<usize> {
        if key.is_some() && key == self.pressed {
            self.misses = 0;
            return None;
        }
        self.misses = self.misses.saturating_add(1);
        if self.misses >= MISSES {
            self.pressed = None;
        }
        if self.hits < HITS {
            return None;
        }
        (self.pressed, self.misses) = (key, 0);
        key
    }
}

/// The key that a window shows, by the strength of its tones.
fn look(seen: &[Phasor; 8], energy: f32) -> Option<Shown> {
    let tones = separated(seen);
    let power: [f32; 8] = std::array::from_fn(|tone| tones[tone].power());
    let low = strongest(&power[..4])?;
    let high = 4 + strongest(&power[4..])?;
    let strong = power[low].min(power[high]) >= (HALF as f32 * WEAKEST).powi(2);
    let level = power[high] <= power[low] * HIGH_OVER_LOW && power[low] <= power[high] * LOW_OVER_HIGH;
    // Of a sine of amplitude A in N samples: N·A²/2. The energy of both is that of their least squares fit.
    let share = |tone: usize| tones[tone].along(seen[tone]) / HALF as f32 / energy;
    let shown = Shown {
        low,
        high,
        low_tone: tones[low],
        high_tone: tones[high],
        low_share: share(low),
        high_share: share(high),
    };
    (strong && level && shown.low_share + shown.high_share >= SHARE).then_some(shown)
}

/// The filters are short, so that each shows something of a tone in the other group too: up to a tenth of its
/// amplitude, much beside a tone 8 dB weaker. The strongest tone's part is taken from the other group, then that
/// group's strongest from the first.
fn separated(seen: &[Phasor; 8]) -> [Phasor; 8] {
    let mut tones = *seen;
    let peak = |tones: &[Phasor; 8], group: usize| {
        (group..group + 4).max_by(|a, b| tones[*a].power().total_cmp(&tones[*b].power())).unwrap_or(group)
    };
    let (low, high) = (peak(seen, 0), peak(seen, 4));
    let (first, other) = if seen[low].power() > seen[high].power() { (low, 4) } else { (high, 0) };
    for tone in other..other + 4 {
        tones[tone] = seen[tone].minus(seen[first].times(BANK.leaks[first][tone]));
    }
    let second = peak(&tones, other);
    for tone in 4 - other..8 - other {
        tones[tone] = seen[tone].minus(tones[second].times(BANK.leaks[second][tone]));
    }
    tones
}

/// The tone of a group that stands out.
fn strongest(group: &[f32]) -> Option<usize> {
    let best = (0..group.len()).max_by(|a, b| group[*a].total_cmp(&group[*b]))?;
    let alone = (0..group.len()).all(|tone| tone == best || group[tone] * STANDS_OUT <= group[best]);
    alone.then_some(best)
}

impl Shown {
    fn key(&self) -> usize {
        self.low * 4 + (self.high - 4)
    }

    /// Both tones went on from the window before, at their nominal frequency, and there was little else.
    fn continues(&self, earlier: &Shown) -> bool {
        let low = stray(self.low, earlier.low_tone, self.low_tone);
        let high = stray(self.high, earlier.high_tone, self.high_tone);
        let on = |tone: usize, stray: f32| stray <= TONES[tone] * OFF_NOMINAL;
        let share = self.low_share / fall_off(low) + self.high_share / fall_off(high);
        on(self.low, low) && on(self.high, high) && share >= PURE
    }
}

/// How far from nominal a tone is, Hz, by how far it turned in half a window.
fn stray(tone: usize, earlier: Phasor, now: Phasor) -> f32 {
    let expected = earlier.times(BANK.turns[tone]);
    let (re, im) = (now.along(expected), now.im * expected.re - now.re * expected.im);
    im.atan2(re).abs() * RATE / (2.0 * PI * HALF as f32)
}

/// The share of its power that a window shows of a tone so many Hz off its filter's middle.
fn fall_off(hertz: f32) -> f32 {
    let angle = PI * hertz * (2 * HALF) as f32 / RATE;
    if angle < 0.01 { 1.0 } else { (angle.sin() / angle).powi(2) }
}

impl Phasor {
    fn power(self) -> f32 {
        self.re * self.re + self.im * self.im
    }

    fn times(self, other: Phasor) -> Phasor {
        Phasor { re: self.re * other.re - self.im * other.im, im: self.re * other.im + self.im * other.re }
    }

    /// The length of this times that of `other` in its direction.
    fn along(self, other: Phasor) -> f32 {
        self.re * other.re + self.im * other.im
    }

    fn minus(self, other: Phasor) -> Phasor {
        Phasor { re: self.re - other.re, im: self.im - other.im }
    }

    fn plus(self, other: Phasor) -> Phasor {
        Phasor { re: self.re + other.re, im: self.im + other.im }
    }
}

/// What the filters of every stream share.
struct Bank {
    twice_cos: [f32; 8],
    sin_cos: [(f32, f32); 8],
    /// How far each tone turns in half a window.
    turns: [Phasor; 8],
    /// What a tone of amplitude 1 in its own filter (first place) shows in another (second place).
    leaks: [[Phasor; 8]; 8],
}

static BANK: LazyLock<Bank> = LazyLock::new(|| {
    let angle = |tone: usize| 2.0 * PI * TONES[tone] / RATE;
    Bank {
        twice_cos: std::array::from_fn(|tone| 2.0 * angle(tone).cos()),
        sin_cos: std::array::from_fn(|tone| angle(tone).sin_cos()),
        turns: std::array::from_fn(|tone| {
            let (im, re) = (angle(tone) * HALF as f32).sin_cos();
            Phasor { re, im }
        }),
        leaks: std::array::from_fn(|from| std::array::from_fn(|to| leak(angle(from) - angle(to)))),
    }
});

/// Dirichlet's kernel over a window, for tones that differ by so many radians per sample.
fn leak(difference: f32) -> Phasor {
    const WINDOW: f32 = (2 * HALF) as f32;
    if difference == 0.0 {
        return Phasor { re: 1.0, im: 0.0 };
    }
    let size = (WINDOW * difference / 2.0).sin() / (difference / 2.0).sin() / WINDOW;
    let (sin, cos) = (-difference * (WINDOW - 1.0) / 2.0).sin_cos();
    Phasor { re: size * cos, im: size * sin }
}

#[cfg(test)]
mod tests;
