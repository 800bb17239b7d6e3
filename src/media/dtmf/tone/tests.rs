use std::path::Path;

use super::*;
use crate::media::codec::Law;
use crate::media::prompts::decimate::by_two;
use crate::rng::Rng;

mod talk_off;

/// Amplitude of a sine at 0 dBm0, where full scale is 3.14 dBm0.
const ZERO_DBM0: f32 = 22_830.0;

fn amplitude(dbm0: f32) -> f32 {
    ZERO_DBM0 * 10f32.powf(dbm0 / 20.0)
}

/// A line that signals are put on one after another.
struct Line {
    samples: Vec<f32>,
    rng: Rng,
}

impl Line {
    fn new() -> Line {
        Line { samples: Vec::new(), rng: Rng::seeded(4733) }
    }

    /// Adds sines of (Hz, dBm0) for some ms.
    fn sines(&mut self, ms: f32, sines: &[(f32, f32)]) -> &mut Line {
        let phases: Vec<f32> = sines.iter().map(|_| self.rng.below(628) as f32 / 100.0).collect();
        self.samples.extend((0..(ms * 8.0) as usize).map(|n| {
            let sine = |(&(hertz, level), phase): (&(f32, f32), &f32)| {
                (2.0 * PI * hertz * n as f32 / RATE + phase).sin() * amplitude(level)
            };
            sines.iter().zip(&phases).map(sine).sum::<f32>()
        }));
        self
    }

    /// Adds a key's two tones at these levels, both off frequency by a factor.
    fn tones(&mut self, key: char, ms: f32, low: f32, high: f32, factor: f32) -> &mut Line {
        let place = KEYS.iter().position(|symbol| char::from(*symbol) == key).unwrap();
        self.sines(ms, &[(TONES[place / 4] * factor, low), (TONES[4 + place % 4] * factor, high)])
    }

    fn key(&mut self, key: char, ms: f32) -> &mut Line {
        self.tones(key, ms, -10.0, -10.0, 1.0)
    }

    fn pause(&mut self, ms: f32) -> &mut Line {
        self.sines(ms, &[])
    }

    /// White noise of this level under everything so far.
    fn noise(&mut self, dbm0: f32) -> &mut Line {
        // Uniform noise of amplitude a has power a²/3, a sine a²/2.
        let peak = amplitude(dbm0) * 1.5f32.sqrt();
        for sample in &mut self.samples {
            *sample += (self.rng.below(20_001) as f32 / 10_000.0 - 1.0) * peak;
        }
        self
    }

    /// What the detector hears when this comes in frames of 20 ms of A-law.
    fn heard(&self) -> String {
        let law = Law::A;
        let linear: Vec<i16> = self.samples.iter().map(|sample| *sample as i16).collect();
        let mut payload = vec![0; linear.len()];
        law.encode(&linear, &mut payload);
        heard(law, &payload)
    }
}

fn heard(law: Law, payload: &[u8]) -> String {
    let (mut detector, mut digits) = (Detector::new(), String::new());
    let mut samples = [0; 160];
    for frame in payload.chunks(160) {
        let length = law.decode(frame, &mut samples);
        detector.feed(&samples[..length], |digit| digits.push(digit));
    }
    digits
}

const ALL: &str = "123A456B789C*0#D";

#[test]
fn every_key_of_40_ms_with_pauses_of_40_ms_at_minus_20_dbm0_in_noise_15_db_down() {
    for round in 0..10 {
        let mut line = Line::new();
        line.pause(20.0 + 1.3 * round as f32);
        for key in ALL.chars() {
            line.tones(key, 40.0, -20.0, -20.0, 1.0).pause(40.0);
        }
        line.pause(50.0);
        // Two tones at -20 are -17 together.
        assert_eq!(line.noise(-32.0).heard(), ALL, "round {round}");
    }
}

#[test]
fn the_same_key_pressed_twice_is_two_digits() {
    for shift in 0..20 {
        let mut line = Line::new();
        line.pause(20.0 + 0.7 * shift as f32).key('5', 40.0).pause(40.0).key('5', 40.0).pause(60.0);
        assert_eq!(line.heard(), "55");
    }
}

#[test]
fn a_key_held_or_broken_for_10_ms_is_one_digit() {
    for shift in 0..20 {
        let mut line = Line::new();
        line.pause(20.0 + 0.7 * shift as f32).key('8', 3_000.0).pause(10.0).key('8', 200.0).pause(60.0);
        assert_eq!(line.heard(), "8");
    }
}

#[test]
fn tones_of_23_ms_are_not_digits() {
    for shift in 0..40 {
        let mut line = Line::new();
        for key in ALL.chars() {
            line.pause(60.0 + 0.3 * shift as f32).key(key, 23.0);
        }
        assert_eq!(line.pause(60.0).heard(), "", "shift {shift}");
    }
}

#[test]
fn keys_without_a_pause_between_are_told_apart() {
    let mut line = Line::new();
    line.pause(10.0).key('1', 60.0).key('2', 60.0).key('1', 60.0).pause(60.0);
    assert_eq!(line.heard(), "121");
}

#[test]
fn twist_is_accepted_from_plus_4_to_minus_8_db_and_refused_well_beyond() {
    for key in ALL.chars() {
        let with = |low: f32, high: f32| {
            let mut line = Line::new();
            line.pause(13.0).tones(key, 60.0, low, high, 1.0).pause(60.0);
            line.heard()
        };
        let digit = key.to_string();
        assert_eq!(with(-14.0, -10.0), digit, "high 4 dB stronger");
        assert_eq!(with(-10.0, -18.0), digit, "high 8 dB weaker");
        assert_eq!(with(-19.0, -10.0), "", "high 9 dB stronger");
        assert_eq!(with(-10.0, -23.0), "", "high 13 dB weaker");
    }
}

#[test]
fn levels_are_accepted_from_0_to_minus_29_dbm0_and_whispers_are_not() {
    for key in ALL.chars() {
        let at = |level: f32| {
            let mut line = Line::new();
            line.pause(17.0).tones(key, 50.0, level, level, 1.0).pause(60.0);
            line.heard()
        };
        for level in [0.0, -3.0, -10.0, -25.0, -29.0] {
            assert_eq!(at(level), key.to_string(), "{level} dBm0");
        }
        assert_eq!(at(-45.0), "");
    }
}

#[test]
fn frequencies_are_accepted_1_5_percent_off_and_refused_3_5_percent_off() {
    for key in ALL.chars() {
        let off = |factor: f32| {
            let mut line = Line::new();
            line.pause(17.0).tones(key, 100.0, -15.0, -15.0, factor).pause(60.0);
            line.heard()
        };
        for factor in [0.985, 0.99, 1.01, 1.015] {
            assert_eq!(off(factor), key.to_string(), "{key} × {factor}");
        }
        for factor in [0.965, 1.035] {
            assert_eq!(off(factor), "", "{key} × {factor}");
        }
    }
}

#[test]
fn dial_tone_chords_single_tones_and_noise_are_not_digits() {
    let mut line = Line::new();
    line.sines(500.0, &[(350.0, -13.0), (440.0, -13.0)]).sines(500.0, &[(450.0, -10.0)]);
    for hertz in TONES {
        line.sines(300.0, &[(hertz, -10.0)]);
    }
    // Equal-tempered triads over three octaves with three harmonics each: some notes lie near the tones.
    for root in 0..36 {
        let note = |semitones: f32| 220.0 * 2f32.powf((root as f32 + semitones) / 12.0);
        let third = if root % 2 == 0 { 4.0 } else { 3.0 };
        let harmonics = [0.0, third, 7.0].map(note).into_iter().flat_map(|hertz| {
            [(hertz, -15.0), (hertz * 2.0, -23.0), (hertz * 3.0, -29.0)]
                .into_iter()
                .filter(|sine| sine.0 < 3_900.0)
        });
        line.sines(120.0, &harmonics.collect::<Vec<_>>());
    }
    assert_eq!(line.heard(), "");
    assert_eq!(Line::new().pause(5_000.0).noise(-10.0).heard(), "");
}

/// Pulses of a gliding pitch through three gliding resonances, and hisses between: not words, but what a vocal tract
/// does to a spectrum.
/// −15 dBm0 on average.
fn babble(seconds: usize, rng: &mut Rng) -> Vec<i16> {
    let mut samples = Vec::with_capacity(seconds * 8_000);
    let mut pitch = 150.0f32;
    let mut formants = [500.0f32, 1_400.0, 2_400.0];
    let (mut aim, mut aim_pitch, mut voiced) = (formants, pitch, true);
    let mut state = [[0.0f32; 2]; 3];
    let mut phase = 0.0f32;
    for n in 0..seconds * 8_000 {
        if n % 1_200 == 0 {
            aim = [250 + rng.below(650), 800 + rng.below(1_500), 2_000 + rng.below(1_200)]
                .map(|hertz| hertz as f32);
            aim_pitch = 90.0 + rng.below(260) as f32;
            voiced = rng.below(5) > 0;
        }
        pitch += (aim_pitch - pitch) / 800.0;
        phase += pitch / RATE;
        let mut sample = if voiced { 0.0 } else { rng.below(2_001) as f32 / 1_000.0 - 1.0 };
        if phase >= 1.0 {
            phase -= 1.0;
            sample += if voiced { 20.0 } else { 0.0 };
        }
        for ((formant, aim), state) in formants.iter_mut().zip(aim).zip(&mut state) {
            *formant += (aim - *formant) / 400.0;
            let radius = 0.97f32;
            let next = sample + 2.0 * radius * (2.0 * PI * *formant / RATE).cos() * state[0]
                - radius * radius * state[1];
            *state = [next, state[0]];
            sample = next * 0.3;
        }
        samples.push(sample);
    }
    let power = samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len() as f32;
    let scale = amplitude(-15.0) / (2.0 * power).sqrt();
    samples.into_iter().map(|sample| (sample * scale) as i16).collect()
}

#[test]
fn a_minute_of_babble_holds_no_digit() {
    let speech = babble(60, &mut Rng::seeded(60));
    let (mut detector, mut digits) = (Detector::new(), String::new());
    detector.feed(&speech, |digit| digits.push(digit));
    assert_eq!(digits, "");
}

#[test]
fn frames_of_any_size_are_heard_alike() {
    let mut line = Line::new();
    line.pause(33.0).key('7', 50.0).pause(45.0).key('3', 50.0).pause(60.0);
    for size in [1, 37, 160, 4_000] {
        let (mut detector, mut digits) = (Detector::new(), String::new());
        let samples: Vec<i16> = line.samples.iter().map(|sample| *sample as i16).collect();
        for chunk in samples.chunks(size) {
            detector.feed(chunk, |digit| digits.push(digit));
        }
        assert_eq!(digits, "73", "frames of {size}");
    }
}

#[test]
fn a_gap_within_a_long_press_does_not_make_it_two() {
    let (mut detector, mut digits) = (Detector::new(), String::new());
    let mut line = Line::new();
    line.key('4', 100.0);
    let samples: Vec<i16> = line.samples.iter().map(|sample| *sample as i16).collect();
    detector.feed(&samples, |digit| digits.push(digit));
    detector.interrupt();
    detector.feed(&samples, |digit| digits.push(digit));
    assert_eq!(digits, "4");
}

#[test]
fn the_hold_melody_and_some_prompts_hold_no_digit() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts");
    let wavs = |language: &str| -> Vec<_> {
        let entries = std::fs::read_dir(folder.join(language)).into_iter().flatten();
        let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|ending| ending == "wav"));
        paths.sort();
        paths
    };
    // All of the speech would take seconds; every sixteenth prompt is a fair sample.
    let speech = [wavs("en"), wavs("zh-CN")].concat().into_iter().step_by(16);
    for path in wavs("music").into_iter().chain(speech) {
        let reader = hound::WavReader::open(&path).unwrap();
        let rate = reader.spec().sample_rate;
        let samples: Vec<i16> = reader.into_samples().map(Result::unwrap).collect();
        let samples = if rate == 16_000 { by_two(&samples) } else { samples };
        let (mut detector, mut digits) = (Detector::new(), String::new());
        detector.feed(&samples, |digit| digits.push(digit));
        assert_eq!(digits, "", "{}", path.display());
    }
}

#[test]
fn a_worn_key_at_every_limit_but_one_is_still_heard() {
    for round in 0..6 {
        for key in ALL.chars() {
            let mut line = Line::new();
            line.pause(20.0 + 1.7 * round as f32).tones(key, 50.0, -12.0, -20.0, 0.985).pause(60.0);
            assert_eq!(
                line.noise(-27.0).heard(),
                key.to_string(),
                "8 dB twist, 1.5 % low, 15 dB noise, 50 ms"
            );
        }
    }
}
