//! Sounds that can be told apart, and how alike two recordings are.

use std::path::Path;

/// Samples a second of everything here.
pub const RATE: usize = 8_000;

/// Samples that are compared as one at first: the noise below has nothing above 1 kHz.
const COARSE: usize = 4;

/// Noise between 300 and 900 Hz. Two seeds have nothing in common, and none repeats itself.
pub fn noise(seed: u64, seconds: f64) -> Vec<i16> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut white = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f64 / f64::from(1 << 23) - 1.0
    };
    let mut filters = [Resonance::new(420.0), Resonance::new(600.0), Resonance::new(780.0)];
    let raw: Vec<f64> = (0..samples(seconds))
        .map(|_| {
            let white = white();
            filters.iter_mut().map(|filter| filter.pass(white)).sum()
        })
        .collect();
    let power = raw.iter().map(|sample| sample * sample).sum::<f64>() / raw.len() as f64;
    raw.iter().map(|sample| (sample * 4_000.0 / power.sqrt()).clamp(-30_000.0, 30_000.0) as i16).collect()
}

/// A second-order resonance, about 150 Hz wide.
struct Resonance {
    a1: f64,
    a2: f64,
    y1: f64,
    y2: f64,
}

impl Resonance {
    fn new(hertz: f64) -> Resonance {
        let r = 1.0 - std::f64::consts::PI * 150.0 / RATE as f64;
        let angle = std::f64::consts::TAU * hertz / RATE as f64;
        Resonance { a1: 2.0 * r * angle.cos(), a2: -r * r, y1: 0.0, y2: 0.0 }
    }

    fn pass(&mut self, x: f64) -> f64 {
        let y = x + self.a1 * self.y1 + self.a2 * self.y2;
        (self.y2, self.y1) = (self.y1, y);
        y
    }
}

pub fn tone(hertz: f64, seconds: f64) -> Vec<i16> {
    tones(&[hertz], seconds)
}

/// Tones at once, such as the two of a key (ITU-T Q.23).
pub fn tones(hertz: &[f64], seconds: f64) -> Vec<i16> {
    let level = |sample: usize| -> f64 {
        let angle = std::f64::consts::TAU * sample as f64 / RATE as f64;
        hertz.iter().map(|hertz| 6_000.0 * (angle * hertz).sin()).sum()
    };
    (0..samples(seconds)).map(|sample| level(sample) as i16).collect()
}

fn samples(seconds: f64) -> usize {
    (seconds * RATE as f64) as usize
}

pub fn write_wav(path: &Path, samples: &[i16]) {
    let format = hound::SampleFormat::Int;
    let spec =
        hound::WavSpec { channels: 1, sample_rate: RATE as u32, bits_per_sample: 16, sample_format: format };
    let mut writer = hound::WavWriter::create(path, spec).expect("a WAV file can be made");
    for sample in samples {
        writer.write_sample(*sample).expect("room on the disk");
    }
    writer.finalize().expect("room on the disk");
}

/// All samples, channels interleaved.
pub fn read_wav(path: &Path, channels: u16) -> Vec<i16> {
    let reader = hound::WavReader::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!((reader.spec().channels, reader.spec().sample_rate), (channels, RATE as u32));
    reader.into_samples().map(|sample| sample.expect("a whole file")).collect()
}

/// The first channel at 8 kHz, whatever the file has. Several samples are averaged to one: what is looked for has nothing
/// above 1 kHz.
pub fn read_any(path: &Path) -> Vec<i16> {
    let reader = hound::WavReader::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (channels, ratio) = (usize::from(reader.spec().channels), reader.spec().sample_rate as usize / RATE);
    let samples: Vec<i32> = reader.into_samples().map(|sample| sample.expect("a whole file")).collect();
    let first: Vec<i32> = samples.into_iter().step_by(channels).collect();
    first.chunks_exact(ratio).map(|few| (few.iter().sum::<i32>() / ratio as i32) as i16).collect()
}

/// G.711 A-law, by the formula of ITU-T G.711; written apart from the server's tables.
pub fn decode_alaw(byte: u8) -> i16 {
    let byte = byte ^ 0x55;
    let (segment, mantissa) = (i16::from(byte >> 4 & 7), i16::from(byte & 15));
    let size = if segment == 0 { (mantissa << 4) + 8 } else { ((mantissa << 4) + 0x108) << (segment - 1) };
    if byte & 0x80 == 0 { -size } else { size }
}

/// G.711 µ-law.
pub fn decode_ulaw(byte: u8) -> i16 {
    let byte = !byte;
    let (segment, mantissa) = (i16::from(byte >> 4 & 7), i16::from(byte & 15));
    let size = (((mantissa << 3) + 0x84) << segment) - 0x84;
    if byte & 0x80 == 0 { size } else { -size }
}

pub fn encode_alaw(sample: i16) -> u8 {
    let nearest = |byte: &u8| i32::from(decode_alaw(*byte)).abs_diff(i32::from(sample));
    (0..=255).min_by_key(nearest).expect("there are bytes")
}

/// Where a piece of sound was found, and how like it that place is.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// Sample of the place's beginning.
    pub at: usize,
    /// Normalized cross-correlation there: 1.0 is the very sound.
    pub likeness: f64,
}

/// The place in `sound` most like `piece`.
pub fn find(piece: &[i16], sound: &[i16]) -> Found {
    let rough = best(&coarse(piece), &coarse(sound), 0);
    let from = (rough.at * COARSE).saturating_sub(2 * COARSE);
    let to = (from + piece.len() + 4 * COARSE).min(sound.len());
    let fine = best(&floats(piece), &floats(&sound[from.min(to)..to]), from);
    // What is not there at all is no more there in detail.
    if fine.likeness > rough.likeness { fine } else { Found { at: rough.at * COARSE, ..rough } }
}

fn floats(samples: &[i16]) -> Vec<f32> {
    samples.iter().map(|sample| f32::from(*sample)).collect()
}

fn coarse(samples: &[i16]) -> Vec<f32> {
    samples.chunks_exact(COARSE).map(|few| few.iter().map(|sample| f32::from(*sample)).sum()).collect()
}

fn best(piece: &[f32], sound: &[f32], offset: usize) -> Found {
    let power: f32 = piece.iter().map(|sample| sample * sample).sum();
    let mut found = Found { at: offset, likeness: 0.0 };
    let mut energy = vec![0.0f64];
    energy.extend(sound.iter().scan(0.0, |sum, sample| {
        *sum += f64::from(sample * sample);
        Some(*sum)
    }));
    for (at, window) in sound.windows(piece.len().max(1)).enumerate() {
        let product: f32 = piece.iter().zip(window).map(|(a, b)| a * b).sum();
        let own = energy[at + window.len()] - energy[at];
        let likeness = f64::from(product) / (f64::from(power) * own).sqrt().max(1.0);
        if likeness > found.likeness {
            found = Found { at: offset + at, likeness };
        }
    }
    found
}

#[test]
fn a_piece_is_found_where_it_is_and_nowhere_else() {
    let sound = noise(1, 3.0);
    let found = find(&sound[9_003..13_003], &sound);
    assert!(found.at == 9_003 && found.likeness > 0.99, "{found:?}");
    let other = find(&noise(2, 3.0)[4_000..12_000], &sound);
    assert!(other.likeness < 0.2, "{other:?}");
}

#[test]
fn both_laws_decode_as_the_server_does_not_compute_them() {
    assert_eq!((decode_alaw(0xD5), decode_alaw(0x55)), (8, -8));
    assert_eq!((decode_alaw(0xAA), decode_ulaw(0x80)), (32_256, 32_124));
    assert!((0..=255).all(|byte| encode_alaw(decode_alaw(byte)) == byte));
}
