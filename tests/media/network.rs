//! A network with a seed between a phone and a voice, and a listener who hears it through a mix.

use hotline::ids::StreamId;
use hotline::media::codec::Rate;
use hotline::media::codec::g711::Law;
use hotline::media::command::Codec;
use hotline::media::mixer::Mix;
use hotline::media::voice::{Figures, Incoming, Voice};
use hotline::moment::Moment;
use hotline::rng::Rng;

/// Samples in a packet.
const PACKET: usize = 160;

/// Times in µs, loss in 1/1,000.
#[derive(Clone, Copy)]
pub struct Net {
    pub seed: u64,
    /// Each packet is delayed by 0 to this, so that packets overtake each other.
    pub jitter: u64,
    pub loss: u64,
}

impl Net {
    /// When each packet arrives, µs after it was sent; `None` if it never does.
    fn passes(self, packets: usize) -> Vec<Option<u64>> {
        let mut rng = Rng::seeded(self.seed);
        (0..packets)
            .map(|_| {
                let delay = 10_000 + rng.below(self.jitter.max(1));
                (rng.below(1_000) >= self.loss).then_some(delay)
            })
            .collect()
    }
}

/// `said` in A-law through the net, the voice and a mix of one, to a listener of µ-law.
pub fn mixed(net: Net, said: &[i16], mut voice: Voice) -> (Vec<i16>, Figures) {
    const START: u64 = 1_000_000_000;
    let mut arrivals: Vec<(u64, usize)> = net
        .passes(said.len() / PACKET)
        .into_iter()
        .enumerate()
        .filter_map(|(number, delay)| Some((START + number as u64 * 20_000 + delay?, number)))
        .collect();
    arrivals.sort_unstable();
    let mut arrivals = arrivals.into_iter().peekable();
    let mut mix = Mix::new(Codec::Pcmu, Rate::Narrow);
    mix.add(0);
    let mut heard = Vec::new();
    for tick in 0..said.len() as u64 / 160 + 20 {
        let now = START + tick * 20_000;
        while let Some((at, number)) = arrivals.next_if(|(at, _)| *at <= now) {
            let mut payload = [0; PACKET];
            Law::A.encode(&said[number * PACKET..][..PACKET], &mut payload);
            let incoming = Incoming {
                from: StreamId(1),
                ssrc: 1,
                sequence: number as u16,
                timestamp: (number * PACKET) as u32,
                marker: false,
                lasts: PACKET as u32,
            };
            voice.packet(Moment::from_micros(at), &incoming, &payload);
        }
        mix.begin();
        mix.hear(0, voice.frame(tick, Moment::from_micros(now)));
        let mut payload = [0; PACKET];
        mix.end(&mut payload);
        heard.extend(payload.map(|code| Law::Mu.samples()[usize::from(code)]));
    }
    (heard, voice.figures())
}
