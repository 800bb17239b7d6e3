//! `cargo bench --bench codecs`: what a frame of 20 ms costs in each codec, beside libopus alone, and how long the demo
//! bank's prompts take to load. The sound is that of the prompts.

use std::hint::black_box;
use std::path::Path;

use hotline::media::codec::coder::PAYLOAD_BYTES;
use hotline::media::codec::{Decoder, Encoder, Rate, Resampler};
use hotline::media::command::Codec;
use hotline::media::prompts::Library;
use hotline::net::clock::Clock;

/// Frames measured at a time: ten seconds of speech.
const FRAMES: usize = 500;

/// Of so many rounds the median is told.
const ROUNDS: usize = 9;

const RATES: [Rate; 3] = [Rate::Narrow, Rate::Wide, Rate::Full];

fn main() {
    let bench = Bench { clock: Clock::start(), speech: speech() };
    println!(
        "ns for a frame of 20 ms, median of {ROUNDS} rounds of {FRAMES} frames of speech (least, most)\n"
    );
    bench.coders();
    bench.transcoders();
    bench.complexities();
    bench.resamplers();
    bench.prompts();
}

struct Bench {
    clock: Clock,
    /// At 16 kHz.
    speech: Vec<i16>,
}

/// The longest English prompts, one after the other.
fn speech() -> Vec<i16> {
    let mut files: Vec<_> = std::fs::read_dir("prompts/en")
        .expect("run in the repository")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "wav"))
        .collect();
    files.sort();
    let samples = files.iter().flat_map(|path| {
        let reader = hound::WavReader::open(path).expect("a prompt is a WAV");
        reader.into_samples::<i16>().map(|sample| sample.expect("whole"))
    });
    samples.take(FRAMES * Rate::Wide.frame()).collect()
}

type Packets = Vec<Vec<u8>>;

impl Bench {
    fn at(&self, rate: Rate) -> Vec<i16> {
        match Resampler::between(Rate::Wide, rate) {
            None => self.speech.clone(),
            Some(mut resampler) => {
                let mut samples = vec![0; FRAMES * rate.frame()];
                resampler.run(&self.speech, &mut samples);
                samples
            }
        }
    }

    fn packets(&self, codec: Codec, rate: Rate) -> Packets {
        let mut encoder = Encoder::new(codec, rate);
        let samples = self.at(encoder.rate());
        let encode = |frame: &[i16]| {
            let mut payload = [0; PAYLOAD_BYTES];
            let length = encoder.encode(frame, &mut payload);
            payload[..length].to_vec()
        };
        samples.chunks(Encoder::new(codec, rate).rate().frame()).map(encode).collect()
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

    fn encoding(&self, codec: Codec, rate: Rate) -> [u64; 3] {
        let mut encoder = Encoder::new(codec, rate);
        let samples = self.at(encoder.rate());
        let frame = encoder.rate().frame();
        let mut payload = [0; PAYLOAD_BYTES];
        self.time(|| {
            for samples in samples.chunks(frame) {
                black_box(encoder.encode(samples, &mut payload));
            }
        })
    }

    fn decoding(&self, packets: &Packets, codec: Codec, rate: Rate) -> [u64; 3] {
        let mut decoder = Decoder::new(codec, rate);
        let mut samples = [0; Rate::LONGEST];
        self.time(|| {
            for packet in packets {
                black_box(decoder.decode(packet, &mut samples));
            }
        })
    }

    fn coders(&self) {
        for codec in [Codec::Pcma, Codec::Pcmu, Codec::G722] {
            tell(&format!("{} encode", codec.name()), self.encoding(codec, Rate::Narrow));
            let packets = self.packets(codec, Rate::Narrow);
            tell(&format!("{} decode", codec.name()), self.decoding(&packets, codec, Rate::Narrow));
        }
        for rate in RATES {
            let khz = rate.hertz() / 1_000;
            tell(&format!("opus encode from {khz} kHz"), self.encoding(Codec::Opus, rate));
            let packets = self.packets(Codec::Opus, Rate::Full);
            tell(&format!("opus of 48 kHz decode to {khz} kHz"), self.decoding(&packets, Codec::Opus, rate));
        }
        println!();
    }

    /// Opus to A-law and back, as a mix of one has it but for the jitter buffer, beside libopus alone at the same rate.
    fn transcoders(&self) {
        let law = self.packets(Codec::Pcma, Rate::Narrow);
        let opus = self.packets(Codec::Opus, Rate::Full);
        let from_opus = self.transcoding(&opus, Codec::Opus, Codec::Pcma);
        let to_opus = self.transcoding(&law, Codec::Pcma, Codec::Opus);
        let decode = self.decoding_alone(&opus);
        let encode = self.encoding_alone(5, Rate::Narrow, bits(Rate::Narrow));
        tell("opus of 48 kHz to A-law", from_opus);
        tell("  libopus alone, decode to 8 kHz", decode);
        tell("A-law to opus", to_opus);
        tell("  libopus alone, encode from 8 kHz", encode);
        let ratio = (from_opus[0] + to_opus[0]) as f64 / (decode[0] + encode[0]) as f64;
        println!("both directions: {ratio:.2} times libopus' own encode and decode\n");
    }

    fn transcoding(&self, packets: &Packets, from: Codec, to: Codec) -> [u64; 3] {
        let mut decoder = Decoder::new(from, Rate::Narrow);
        let mut encoder = Encoder::new(to, Rate::Narrow);
        let (mut samples, mut payload) = ([0; Rate::LONGEST], [0; PAYLOAD_BYTES]);
        self.time(|| {
            for packet in packets {
                let count = decoder.decode(packet, &mut samples);
                black_box(encoder.encode(&samples[..count], &mut payload));
            }
        })
    }

    fn decoding_alone(&self, packets: &Packets) -> [u64; 3] {
        let mut decoder = opus::Decoder::new(8_000, opus::Channels::Mono).expect("libopus");
        let mut samples = [0; 960];
        self.time(|| {
            for packet in packets {
                black_box(decoder.decode(packet, &mut samples, false).expect("a packet of ours"));
            }
        })
    }

    fn encoding_alone(&self, complexity: i32, rate: Rate, bits: i32) -> [u64; 3] {
        let mode = opus::Application::Voip;
        let mut encoder = opus::Encoder::new(rate.hertz(), opus::Channels::Mono, mode).expect("libopus");
        encoder.set_complexity(complexity).expect("0 to 10");
        encoder.set_bitrate(opus::Bitrate::Bits(bits)).expect("within 500 to 512,000");
        encoder.set_signal(opus::Signal::Voice).expect("known");
        let samples = self.at(rate);
        let mut payload = [0; PAYLOAD_BYTES];
        self.time(|| {
            for samples in samples.chunks(rate.frame()) {
                black_box(encoder.encode(samples, &mut payload).expect("a frame"));
            }
        })
    }

    fn complexities(&self) {
        for complexity in [0, 2, 5, 8, 10] {
            for rate in RATES {
                let what =
                    format!("libopus encode from {} kHz, complexity {complexity}", rate.hertz() / 1_000);
                tell(&what, self.encoding_alone(complexity, rate, bits(rate)));
            }
        }
        println!();
    }

    fn resamplers(&self) {
        for from in RATES {
            for to in RATES {
                let Some(mut resampler) = Resampler::between(from, to) else { continue };
                let samples = self.at(from);
                let mut out = [0; Rate::LONGEST_FRAME];
                let times = self.time(|| {
                    for frame in samples.chunks(from.frame()) {
                        black_box(resampler.run(frame, &mut out));
                    }
                });
                tell(&format!("resample {} to {} kHz", from.hertz() / 1_000, to.hertz() / 1_000), times);
            }
        }
        println!();
    }

    fn prompts(&self) {
        let start = self.clock.now();
        let (library, masters) =
            Library::load(Path::new("prompts")).expect("the prompts are in the repository");
        let open = self.clock.now();
        masters.encode_into(&library);
        let done = self.clock.now();
        println!(
            "prompts read and encoded in G.711: {} ms; in G.722 and Opus, on a thread of its own: {} ms",
            open.since(start).as_millis(),
            done.since(open).as_millis()
        );
    }
}

/// As the server has them.
fn bits(rate: Rate) -> i32 {
    match rate {
        Rate::Narrow => 14_000,
        Rate::Wide => 22_000,
        Rate::Full => 32_000,
    }
}

fn tell(what: &str, [median, least, most]: [u64; 3]) {
    println!("{what:<44} {median:>8} ({least} to {most})");
}
