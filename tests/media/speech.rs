//! Sentences of the demonstration bank's prompts, at 8 kHz.

use std::f64::consts::PI;

/// What is said: prompts of both languages, some seconds each.
const SAID: [(&str, &[&str]); 4] = [
    ("en", &["main"]),
    ("en", &["elder", "closed"]),
    ("zh-CN", &["main"]),
    ("en", &["card_menu", "goodbye", "acct_thanks"]),
];

/// A name, and 8 to 12 s of speech in 16-bit linear samples at 8 kHz.
pub fn pieces() -> Vec<(String, Vec<i16>)> {
    SAID.iter()
        .map(|(language, prompts)| {
            let mut samples: Vec<i16> =
                prompts.iter().flat_map(|prompt| narrow(&wide(language, prompt))).collect();
            samples.truncate(12 * 8_000);
            (format!("{language}/{}", prompts.join("+")), samples)
        })
        .collect()
}

fn wide(language: &str, prompt: &str) -> Vec<i16> {
    let path = format!("{}/prompts/{language}/{prompt}.wav", env!("CARGO_MANIFEST_DIR"));
    let mut reader = hound::WavReader::open(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert_eq!((reader.spec().sample_rate, reader.spec().channels), (16_000, 1), "{path}");
    reader.samples().map(|sample| sample.unwrap()).collect()
}

/// Every other sample, behind a windowed sinc that cuts at 3.7 kHz.
fn narrow(samples: &[i16]) -> Vec<i16> {
    const HALF: i64 = 48;
    let tap = |n: i64| {
        let x = n as f64 * 2.0 * 3_700.0 / 16_000.0 * PI;
        let sinc = if n == 0 { 1.0 } else { x.sin() / x };
        sinc * (0.5 + 0.5 * (n as f64 * PI / (HALF + 1) as f64).cos()) * 2.0 * 3_700.0 / 16_000.0
    };
    let taps: Vec<f64> = (-HALF..=HALF).map(tap).collect();
    (0..samples.len() / 2)
        .map(|place| {
            let at = |n: i64| usize::try_from(place as i64 * 2 + n - HALF).ok().and_then(|n| samples.get(n));
            let sum: f64 = taps
                .iter()
                .enumerate()
                .map(|(n, tap)| tap * at(n as i64).map_or(0.0, |s| f64::from(*s)))
                .sum();
            sum as i16
        })
        .collect()
}
