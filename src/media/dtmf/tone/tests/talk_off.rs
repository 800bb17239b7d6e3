//! What is not a key: an hour of speech and music. And what is, in the noise of a voice.

use std::path::Path;

use super::*;

/// The hour, in samples.
const HOUR: usize = 3_600 * 8_000;

/// A way of hearing all prompts, none like another: how fast and so how high, how loud, and over what.
struct Hearing {
    speed: f32,
    /// Gain, dB. The prompts are at about −20 dBm0.
    gain: f32,
    over: Over,
    law: Law,
}

#[derive(Clone, Copy, PartialEq)]
enum Over {
    Nothing,
    Music,
    /// The prompts of the other language, at the same time.
    Other,
}

const SPEECH: [Hearing; 7] = [
    Hearing { speed: 0.80, gain: 0.0, over: Over::Nothing, law: Law::A },
    Hearing { speed: 0.87, gain: 6.0, over: Over::Other, law: Law::Mu },
    Hearing { speed: 0.94, gain: 10.0, over: Over::Nothing, law: Law::Mu },
    Hearing { speed: 1.00, gain: -6.0, over: Over::Nothing, law: Law::A },
    Hearing { speed: 1.08, gain: 3.0, over: Over::Music, law: Law::A },
    Hearing { speed: 1.16, gain: -3.0, over: Over::Other, law: Law::A },
    Hearing { speed: 1.25, gain: 8.0, over: Over::Nothing, law: Law::Mu },
];

/// Of the music alone: speeds, at −12, 0 and 6 dB in turn.
const MUSIC: [f32; 9] = [0.79, 0.84, 0.89, 0.97, 1.0, 1.06, 1.12, 1.19, 1.27];

/// All sound files of a folder one after the other, at 8 kHz.
fn recorded(folder: &str) -> Vec<f32> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts").join(folder);
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("it is in the repository")
        .flatten()
        .map(|entry| entry.path())
        .collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "wav"));
    paths.sort();
    let mut all = Vec::new();
    for path in paths {
        let reader = hound::WavReader::open(&path).expect("a sound file");
        assert_eq!(reader.spec().sample_rate, 16_000, "{}", path.display());
        let samples: Vec<i16> = reader.into_samples().map(Result::unwrap).collect();
        all.extend(by_two(&samples).into_iter().map(f32::from));
    }
    all
}

/// Played so many times as fast, and as much higher.
fn at_speed(samples: &[f32], speed: f32) -> Vec<f32> {
    let length = (samples.len() as f32 / speed) as usize;
    let at = |n: usize| {
        let place = n as f64 * f64::from(speed);
        let (whole, part) = (place as usize, place.fract() as f32);
        let next = samples.get(whole + 1).copied().unwrap_or(0.0);
        samples.get(whole).map_or(0.0, |sample| sample + (next - sample) * part)
    };
    (0..length).map(at).collect()
}

/// The keys heard in it by who decodes it from the law, and how many samples it has.
fn keys_in(samples: impl Iterator<Item = f32>, law: Law) -> (String, usize) {
    let linear: Vec<i16> = samples.map(|sample| sample.clamp(-32_768.0, 32_767.0) as i16).collect();
    let mut payload = vec![0; linear.len()];
    law.encode(&linear, &mut payload);
    (heard(law, &payload), linear.len())
}

fn times(gain: f32) -> f32 {
    10f32.powf(gain / 20.0)
}

/// The keys and the samples of one hearing of both languages.
fn spoken(hearing: &Hearing, languages: [&[f32]; 2], music: &[f32]) -> (String, usize) {
    let Hearing { speed, gain, over, law } = *hearing;
    let (mut keys, mut length) = (String::new(), 0);
    for (place, language) in languages.into_iter().enumerate() {
        let voice = at_speed(language, speed);
        let other = languages[1 - place];
        let under = |n: usize| match over {
            Over::Nothing => 0.0,
            Over::Music => music[n % music.len()],
            Over::Other => other[(n + 37 * 8_000) % other.len()],
        };
        let mixed = voice.iter().enumerate().map(|(n, sample)| (sample + under(n)) * times(gain));
        let (more, samples) = keys_in(mixed, law);
        keys += &more;
        length += samples;
    }
    (keys, length)
}

#[test]
fn an_hour_of_speech_and_music_holds_no_key() {
    let (english, chinese, music) = (recorded("en"), recorded("zh-CN"), recorded("music"));
    let heard = std::thread::scope(|scope| {
        let (english, chinese, music) = (&english, &chinese, &music);
        let speech: Vec<_> = SPEECH
            .iter()
            .map(|hearing| scope.spawn(move || spoken(hearing, [english, chinese], music)))
            .collect();
        let tunes = MUSIC.iter().zip([-12.0, 0.0, 6.0].into_iter().cycle()).map(|(speed, gain)| {
            keys_in(at_speed(music, *speed).into_iter().map(|sample| sample * times(gain)), Law::A)
        });
        let tunes: Vec<_> = tunes.collect();
        speech.into_iter().map(|thread| thread.join().unwrap()).chain(tunes).collect::<Vec<_>>()
    });
    let length: usize = heard.iter().map(|(_, length)| length).sum();
    let keys: Vec<&str> = heard.iter().map(|(keys, _)| keys.as_str()).collect();
    println!("{} s of speech and music, keys heard: {}", length / 8_000, keys.concat().len());
    assert!(length >= HOUR, "{} s", length / 8_000);
    assert_eq!(keys.concat(), "", "{keys:?}");
}

/// Noise between 300 and 3,400 Hz, at so many dBm0.
fn voice_band(length: usize, dbm0: f32, rng: &mut Rng) -> Vec<f32> {
    let white: Vec<f32> = (0..length + TAPS).map(|_| rng.below(20_001) as f32 / 10_000.0 - 1.0).collect();
    let taps = band_pass();
    let noise: Vec<f32> =
        (0..length).map(|n| taps.iter().zip(&white[n..]).map(|(tap, sample)| tap * sample).sum()).collect();
    let power = noise.iter().map(|sample| sample * sample).sum::<f32>() / length as f32;
    let scale = amplitude(dbm0) / (2.0 * power).sqrt();
    noise.into_iter().map(|sample| sample * scale).collect()
}

const TAPS: usize = 129;

/// The difference of two low passes, windowed.
fn band_pass() -> Vec<f32> {
    let low = |hertz: f32, n: f32| {
        let x = 2.0 * hertz / RATE;
        if n == 0.0 { x } else { (PI * x * n).sin() / (PI * n) }
    };
    let tap = |place: usize| {
        let n = place as f32 - (TAPS / 2) as f32;
        let window = 0.54 + 0.46 * (2.0 * PI * n / TAPS as f32).cos();
        (low(3_400.0, n) - low(300.0, n)) * window
    };
    (0..TAPS).map(tap).collect()
}

#[test]
fn all_sixteen_keys_at_minus_20_dbm_in_voice_band_noise_15_db_down_50_ms_on_and_50_off_are_found() {
    let mut found = 0;
    for round in 0..50 {
        let mut line = Line::new();
        line.pause(20.0 + 1.3 * round as f32);
        for key in ALL.chars() {
            line.tones(key, 50.0, -20.0, -20.0, 1.0).pause(50.0);
        }
        line.pause(50.0);
        // Two tones at −20 are −17 together.
        let noise = voice_band(line.samples.len(), -32.0, &mut Rng::seeded(round));
        line.samples.iter_mut().zip(noise).for_each(|(sample, noise)| *sample += noise);
        let heard = line.heard();
        assert_eq!(heard, ALL, "round {round}");
        found += heard.len();
    }
    println!("{found} of {} keys found", 50 * ALL.len());
}
