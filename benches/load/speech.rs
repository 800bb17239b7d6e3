//! Speech as packets, one of the bank's own prompts: what codecs make of silence, or of tones, says nothing of their cost.

use std::io;
use std::time::Duration;

use hotline::media::codec::g711::Law;
use hotline::media::codec::rate::Rate;
use hotline::media::codec::resample::Resampler;
use opus::{Application, Bitrate, Channels, Signal};

use super::audio;
use super::packet::FRAME_BYTES;

/// What agents say.
const PROMPT: &str = "prompts/en/comfort.wav";

/// libopus as the product sets it, so that their times can be compared: complexity and bits a second.
const COMPLEXITY: i32 = 5;
const NARROW_BITS: i32 = 14_000;
const FULL_BITS: i32 = 32_000;

/// Largest packet of Opus.
const OPUS_BYTES: usize = 400;

/// Parts of 20 ms over which calls are spread, and the length of each.
const PARTS: usize = 20;
const SLOT_NANOS: u64 = 1_000_000;

/// Frames of 20 ms that are said again and again.
#[derive(Clone, Debug)]
pub struct Speech {
    pub a_law: Vec<[u8; FRAME_BYTES]>,
    pub opus: Vec<Vec<u8>>,
}

impl Speech {
    pub fn new() -> io::Result<Speech> {
        let (narrow, full) = (prompt(Rate::Narrow)?, prompt(Rate::Full)?);
        let a_law = |frame: &[i16]| {
            let mut payload = [0; FRAME_BYTES];
            Law::A.encode(frame, &mut payload);
            payload
        };
        let mut encoder = encoder(Rate::Full)?;
        let packet = |frame: &[i16]| encoder.encode_vec(frame, OPUS_BYTES).map_err(io::Error::other);
        Ok(Speech {
            a_law: narrow.chunks_exact(Rate::Narrow.frame()).map(a_law).collect(),
            opus: full.chunks_exact(Rate::Full.frame()).map(packet).collect::<io::Result<_>>()?,
        })
    }

    /// The `number`th frame, from the first again after the last.
    pub fn frame(&self, number: u32, opus: bool) -> &[u8] {
        let number = number as usize;
        if opus { &self.opus[number % self.opus.len()] } else { &self.a_law[number % self.a_law.len()] }
    }
}

/// The prompt, which is kept at 16 kHz.
fn prompt(rate: Rate) -> io::Result<Vec<i16>> {
    let wav = hound::WavReader::open(PROMPT).map_err(io::Error::other)?;
    let kept: Vec<i16> = wav.into_samples().collect::<Result<_, _>>().map_err(io::Error::other)?;
    let Some(mut resampler) = Resampler::between(Rate::Wide, rate) else { return Ok(kept) };
    let frames = kept.len() / Rate::Wide.frame();
    let mut samples = vec![0; frames * rate.frame()];
    resampler.run(&kept[..frames * Rate::Wide.frame()], &mut samples);
    Ok(samples)
}

/// What libopus itself takes for 20 ms of one call. The work and its rhythm are the server's: each call is served once in
/// 20 ms, some each millisecond; what a caller sends, coded with all its band, is decoded to the 8 kHz that agents hear,
/// and what an agent sends is encoded. Without the rests in between, the caches and the processor would be warmer.
#[derive(Clone, Copy, Debug)]
pub struct OpusTimes {
    pub encode: Duration,
    pub decode: Duration,
}

impl OpusTimes {
    /// The means, on the processor we are on, when all of `speech` has been said once before: an encoder that has just
    /// begun has an easier time.
    pub fn measure(speech: &Speech, calls: usize) -> io::Result<OpusTimes> {
        let mut coders = (0..calls).map(|_| Coders::new()).collect::<io::Result<Vec<_>>>()?;
        // What the server hears of an agent: with the noise that A-law makes.
        let linear = Law::A.samples();
        let hear = |frame: &[u8; FRAME_BYTES]| frame.map(|byte| linear[usize::from(byte)]);
        let voice: Vec<_> = speech.a_law.iter().map(hear).collect();
        let mut slot = audio::now();
        let mut say = || -> io::Result<OpusTimes> {
            let mut times = OpusTimes { encode: Duration::ZERO, decode: Duration::ZERO };
            for number in 0..voice.len() {
                for part in coders.chunks_mut(calls.div_ceil(PARTS).max(1)) {
                    slot += SLOT_NANOS;
                    rest_until(slot);
                    for (call, coders) in part.iter_mut().enumerate() {
                        // Calls are at different words: the same one again would find the processor prepared for it.
                        let place = (number + call * voice.len() / PARTS) % voice.len();
                        coders.serve(&voice[place], &speech.opus[place], &mut times)?;
                    }
                }
            }
            Ok(times)
        };
        say()?;
        let OpusTimes { encode, decode } = say()?;
        let frames = (calls * voice.len()) as u32;
        Ok(OpusTimes { encode: encode / frames, decode: decode / frames })
    }
}

/// A call's coders.
struct Coders {
    encoder: opus::Encoder,
    decoder: opus::Decoder,
}

impl Coders {
    fn new() -> io::Result<Coders> {
        let decoder = opus::Decoder::new(Rate::Narrow.hertz(), Channels::Mono).map_err(io::Error::other)?;
        Ok(Coders { encoder: encoder(Rate::Narrow)?, decoder })
    }

    fn serve(&mut self, frame: &[i16], sent: &[u8], times: &mut OpusTimes) -> io::Result<()> {
        let (mut packet, mut sound) = ([0; OPUS_BYTES], [0; FRAME_BYTES]);
        let began = audio::now();
        self.encoder.encode(frame, &mut packet).map_err(io::Error::other)?;
        let encoded = audio::now();
        self.decoder.decode(sent, &mut sound, false).map_err(io::Error::other)?;
        times.encode += Duration::from_nanos(encoded - began);
        times.decode += Duration::from_nanos(audio::now() - encoded);
        Ok(())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the rhythm is what is measured, and there is nothing else to do"
)]
fn rest_until(slot: u64) {
    std::thread::sleep(Duration::from_nanos(slot.saturating_sub(audio::now())));
}

fn encoder(rate: Rate) -> io::Result<opus::Encoder> {
    let make = || {
        let mut encoder = opus::Encoder::new(rate.hertz(), Channels::Mono, Application::Voip)?;
        encoder.set_complexity(COMPLEXITY)?;
        encoder.set_signal(Signal::Voice)?;
        encoder.set_bitrate(Bitrate::Bits(if rate == Rate::Narrow { NARROW_BITS } else { FULL_BITS }))?;
        encoder.set_inband_fec(true)?;
        Ok(encoder)
    };
    make().map_err(|error: opus::Error| io::Error::other(error))
}
