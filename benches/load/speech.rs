//! A second of something like speech, as packets: what codecs make of silence says nothing of their cost.

use std::io;
use std::time::Duration;

use opus::{Application, Bitrate, Channels, Signal};

use super::audio;
use super::packet::FRAME_BYTES;

/// Frames of 20 ms.
const FRAMES: usize = 50;

/// libopus as the product sets it, so that their times can be compared: complexity and bits a second.
const COMPLEXITY: i32 = 5;
const BITS: [(u32, i32); 2] = [(8_000, 14_000), (48_000, 32_000)];

/// Largest packet of Opus.
const OPUS_BYTES: usize = 400;

/// The pitch of the voice and its harmonics, hertz.
const PITCH: f64 = 120.0;
const HARMONICS: u32 = 24;

/// Frames of the same second in each codec.
#[derive(Clone, Debug)]
pub struct Speech {
    pub a_law: Vec<[u8; FRAME_BYTES]>,
    pub opus: Vec<Vec<u8>>,
}

impl Speech {
    pub fn new() -> io::Result<Speech> {
        let narrow = samples(8_000);
        let a_law = narrow.chunks_exact(FRAME_BYTES).map(|frame| std::array::from_fn(|at| a_law(frame[at])));
        let (a_law, mut encoder) = (a_law.collect(), encoder(48_000)?);
        let packet = |frame: &[i16]| encoder.encode_vec(frame, OPUS_BYTES).map_err(io::Error::other);
        let opus = samples(48_000).chunks_exact(960).map(packet).collect::<io::Result<_>>()?;
        Ok(Speech { a_law, opus })
    }

    /// The `number`th frame, from the first again after the last.
    pub fn frame(&self, number: u32, opus: bool) -> &[u8] {
        let place = number as usize % FRAMES;
        if opus { &self.opus[place] } else { &self.a_law[place] }
    }
}

/// What libopus itself takes to encode and to decode 20 ms at `rate` for each of `calls` that it serves in turns, on the
/// processor we are on: the mean of a second. One coder alone would find its state in the nearest cache each time.
pub fn opus_times(rate: u32, calls: usize) -> io::Result<(Duration, Duration)> {
    let voice = samples(rate);
    let mut coders = (0..calls).map(|_| encoder(rate)).collect::<io::Result<Vec<_>>>()?;
    let decoder = |_| opus::Decoder::new(rate, Channels::Mono).map_err(io::Error::other);
    let mut decoders = (0..calls).map(decoder).collect::<io::Result<Vec<_>>>()?;
    let mut packets = vec![([0; OPUS_BYTES], 0); calls];
    let mut sound = vec![0; rate as usize / FRAMES];
    let (mut encoding, mut decoding) = (0, 0);
    for frame in voice.chunks_exact(rate as usize / FRAMES) {
        let began = audio::now();
        for (coder, packet) in coders.iter_mut().zip(&mut packets) {
            packet.1 = coder.encode(frame, &mut packet.0).map_err(io::Error::other)?;
        }
        let encoded = audio::now();
        for (decoder, (packet, length)) in decoders.iter_mut().zip(&packets) {
            decoder.decode(&packet[..*length], &mut sound, false).map_err(io::Error::other)?;
        }
        encoding += encoded - began;
        decoding += audio::now() - encoded;
    }
    let frames = (calls * FRAMES) as u64;
    Ok((Duration::from_nanos(encoding / frames), Duration::from_nanos(decoding / frames)))
}

fn encoder(rate: u32) -> io::Result<opus::Encoder> {
    let make = || {
        let mut encoder = opus::Encoder::new(rate, Channels::Mono, Application::Voip)?;
        encoder.set_complexity(COMPLEXITY)?;
        encoder.set_signal(Signal::Voice)?;
        let bits = BITS.iter().find(|(known, _)| *known == rate).map_or(22_000, |(_, bits)| *bits);
        encoder.set_bitrate(Bitrate::Bits(bits))?;
        encoder.set_inband_fec(true)?;
        Ok(encoder)
    };
    make().map_err(|error: opus::Error| io::Error::other(error))
}

/// Harmonics that swell four times a second, with a little noise: vowels and their ends.
fn samples(rate: u32) -> Vec<i16> {
    let mut noise = 0x2545_F491_u32;
    let sample = |at: u32| {
        let time = f64::from(at) / f64::from(rate);
        let turn = std::f64::consts::TAU * time;
        let pitch = PITCH * (1.0 + 0.1 * (turn * 3.0).sin());
        let voice: f64 = (1..=HARMONICS)
            .filter(|harmonic| PITCH * 1.1 * f64::from(*harmonic) < f64::from(rate) / 2.0)
            .map(|harmonic| (turn * pitch * f64::from(harmonic)).sin() / f64::from(harmonic))
            .sum();
        noise ^= noise << 13;
        noise ^= noise >> 17;
        noise ^= noise << 5;
        let hiss = f64::from(noise as i32) / f64::from(i32::MAX);
        let swell = 0.5 - 0.5 * (turn * 4.0).cos();
        (6_000.0 * swell * voice + 300.0 * hiss) as i16
    };
    (0..rate).map(sample).collect()
}

/// G.711 A-law (ITU-T G.711, table 1a): sign, segment, four bits within it, every other bit turned.
fn a_law(sample: i16) -> u8 {
    let (sign, size) = if sample >= 0 { (0x80, sample) } else { (0, !sample) };
    let size = (size >> 3) as u16;
    let code = match size {
        0..64 => size >> 1,
        _ => {
            let segment = 16 - size.leading_zeros() as u16 - 6;
            segment << 4 | size >> segment & 0x0F
        }
    };
    (sign | code.min(0x7F) as u8) ^ 0x55
}
