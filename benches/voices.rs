//! `cargo bench --bench voices`: what a frame of 20 ms costs on the path by samples: through the jitter buffer and the
//! decoder, concealed, shortened, resampled, added, encoded; and whole ways from one codec to another beside the bare coders.

use std::hint::black_box;

use hotline::ids::StreamId;
use hotline::media::codec::coder::PAYLOAD_BYTES;
use hotline::media::codec::{Decoder, Encoder, Rate, Resampler};
use hotline::media::command::Codec;
use hotline::media::mixer::Mix;
use hotline::media::voice::{Incoming, Voice};
use hotline::moment::Moment;
use hotline::net::clock::Clock;

/// Frames measured at a time: ten seconds of speech.
const FRAMES: usize = 500;

/// Of so many rounds the median is told.
const ROUNDS: usize = 9;

fn main() {
    let bench = Bench { clock: Clock::start(), speech: speech() };
    println!(
        "ns for a frame of 20 ms, median of {ROUNDS} rounds of {FRAMES} frames of speech (least, most)\n"
    );
    for codec in [Codec::Pcma, Codec::G722, Codec::Opus] {
        bench.voice(codec);
    }
    bench.mixes();
    bench.ways();
}

struct Bench {
    clock: Clock,
    /// At 16 kHz.
    speech: Vec<i16>,
}

/// English prompts, one after the other.
fn speech() -> Vec<i16> {
    let files = ["main", "elder", "closed", "card_menu"].map(|name| format!("prompts/en/{name}.wav"));
    let samples = files.iter().flat_map(|path| {
        let reader = hound::WavReader::open(path).expect("run in the repository");
        reader.into_samples::<i16>().map(|sample| sample.expect("whole"))
    });
    samples.take(FRAMES * Rate::Wide.frame()).collect()
}

fn tell(what: &str, [median, least, most]: [u64; 3]) {
    println!("{what:<44} {median:>7}  ({least}, {most})");
}

/// Which packets come, and when.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Clean,
    /// Every second one is lost.
    Halved,
    /// The sender's clock is a tenth too fast, so that a period is taken out every few frames.
    Fast,
}

/// A voice that hears packets over and over, on a clock of its own.
struct Heard<'a> {
    voice: Voice,
    packets: &'a [Vec<u8>],
    units: u32,
    frames: u64,
    sent: u64,
}

impl<'a> Heard<'a> {
    fn new(codec: Codec, wanted: Rate, packets: &'a [Vec<u8>]) -> Self {
        let voice = Voice::new(codec, wanted, 1);
        Heard { voice, packets, units: codec.clock_rate() / 50, frames: 0, sent: 0 }
    }

    /// What is due comes, and the next frame is taken.
    fn frame(&mut self, way: Way) -> &[i16] {
        self.frames += 1;
        let now = Moment::from_micros(1_000_000_000 + self.frames * 20_000);
        let due = if way == Way::Fast { self.frames * 11 / 10 } else { self.frames };
        while self.sent < due {
            self.sent += 1;
            if way == Way::Halved && self.sent.is_multiple_of(2) {
                continue;
            }
            let incoming = Incoming {
                from: StreamId(1),
                ssrc: 1,
                sequence: self.sent as u16,
                timestamp: (self.sent as u32).wrapping_mul(self.units),
                marker: false,
                lasts: self.units,
            };
            self.voice.packet(now, &incoming, &self.packets[self.sent as usize % self.packets.len()]);
        }
        self.voice.frame(self.frames, now + std::time::Duration::from_millis(15))
    }
}

impl Bench {
    fn at(&self, rate: Rate) -> Vec<i16> {
        let Some(mut resampler) = Resampler::between(Rate::Wide, rate) else { return self.speech.clone() };
        let mut samples = vec![0; FRAMES * rate.frame()];
        resampler.run(&self.speech, &mut samples);
        samples
    }

    fn packets(&self, codec: Codec) -> Vec<Vec<u8>> {
        let mut encoder = Encoder::new(codec, Rate::Wide);
        let (samples, frame) = (self.at(encoder.rate()), encoder.rate().frame());
        let encode = |frame: &[i16]| {
            let mut payload = [0; PAYLOAD_BYTES];
            let length = encoder.encode(frame, &mut payload);
            payload[..length].to_vec()
        };
        samples.chunks(frame).map(encode).collect()
    }

    /// Median, least and most of what `round` takes for each frame, ns. A first round is not counted.
    fn time(&self, mut round: impl FnMut()) -> [u64; 3] {
        round();
        let mut times: Vec<u64> = (0..ROUNDS)
            .map(|_| {
                let start = self.clock.now();
                round();
                self.clock.now().since(start).as_nanos() as u64 / FRAMES as u64
            })
            .collect();
        times.sort_unstable();
        [times[ROUNDS / 2], times[0], times[ROUNDS - 1]]
    }

    fn decoding(&self, codec: Codec, wanted: Rate, packets: &[Vec<u8>]) -> [u64; 3] {
        let mut decoder = Decoder::new(codec, wanted);
        let mut samples = [0; Rate::LONGEST];
        self.time(|| {
            for packet in packets {
                black_box(decoder.decode(packet, &mut samples));
            }
        })
    }

    fn voice(&self, codec: Codec) {
        let packets = self.packets(codec);
        let name = codec.name();
        tell(&format!("{name}: the decoder alone"), self.decoding(codec, Rate::Wide, &packets));
        for (way, what) in [
            (Way::Clean, "buffered and decoded"),
            (Way::Halved, "half of it concealed"),
            (Way::Fast, "a tenth too fast, shortened"),
        ] {
            let mut heard = Heard::new(codec, Rate::Wide, &packets);
            let times = self.time(|| {
                for _ in 0..FRAMES {
                    black_box(heard.frame(way));
                }
            });
            tell(&format!("{name}: {what}"), times);
            let figures = heard.voice.figures();
            assert_eq!((figures.lost > 0, figures.shortened > 0), (way == Way::Halved, way == Way::Fast));
        }
        println!();
    }

    /// Adding and encoding for one listener.
    fn mixes(&self) {
        let narrow = self.at(Rate::Narrow);
        let frames: Vec<&[i16]> = narrow.chunks(Rate::Narrow.frame()).collect();
        for sources in [1, 2, 7] {
            let mut mix = Mix::new(Codec::Pcma, Rate::Narrow);
            assert!((0..sources).all(|slot| mix.add(slot)));
            let mut payload = [0; PAYLOAD_BYTES];
            let times = self.time(|| {
                for place in 0..FRAMES {
                    mix.begin();
                    (0..sources).for_each(|source| mix.hear(source, frames[(place + source * 61) % FRAMES]));
                    black_box(mix.end(&mut payload));
                }
            });
            tell(&format!("mix of {sources}, encoded to PCMA"), times);
        }
        println!();
    }

    /// The whole way from a packet of one codec to one of another.
    fn ways(&self) {
        for (from, to) in [
            (Codec::Pcma, Codec::Pcmu),
            (Codec::G722, Codec::Pcma),
            (Codec::Pcma, Codec::G722),
            (Codec::Opus, Codec::Pcma),
            (Codec::Pcma, Codec::Opus),
        ] {
            let packets = self.packets(from);
            let mut mix = Mix::new(to, from.rate_for(Rate::Full));
            let mut heard = Heard::new(from, mix.rate(), &packets);
            mix.add(0);
            mix.comes_at(0, heard.voice.rate());
            let mut payload = [0; PAYLOAD_BYTES];
            let whole = self.time(|| {
                for _ in 0..FRAMES {
                    mix.begin();
                    mix.hear(0, heard.frame(Way::Clean));
                    black_box(mix.end(&mut payload));
                }
            });
            let mut encoder = Encoder::new(to, from.rate_for(Rate::Full));
            let (samples, frame) = (self.at(encoder.rate()), encoder.rate().frame());
            let encoding = self.time(|| {
                for part in samples.chunks(frame) {
                    black_box(encoder.encode(part, &mut payload));
                }
            });
            let decoding = self.decoding(from, mix.rate(), &packets);
            let coders = encoding[0] + decoding[0];
            let what = format!("{} to {}", from.name(), to.name());
            tell(&what, whole);
            println!("{:44} {coders:>7}  for the coders alone: {:.2} x", "", whole[0] as f64 / coders as f64);
        }
    }
}
